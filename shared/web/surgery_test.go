package web_test

import (
	"bytes"
	"cmp"
	"context"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/andybalholm/cascadia"
	"golang.org/x/net/html"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/phone"
	"github.com/returnpoint/returnpoint/shared/reply"
	"github.com/returnpoint/returnpoint/shared/scenario"
	"github.com/returnpoint/returnpoint/shared/store"
	"github.com/returnpoint/returnpoint/shared/table"
	"github.com/returnpoint/returnpoint/shared/table/tabletest"
	"github.com/returnpoint/returnpoint/shared/web"
)

// friday is when each test begins: 22 May 2026, 16:40 in Moscow.
var friday = time.Date(2026, time.May, 22, 16, 40, 0, 0, moscow)

var moscow = time.FixedZone("MSK", 3*60*60)

// surgery is one clinic with one patient, served by the real pages over the
// real desk and store, on the reference table.
type surgery struct {
	t     *testing.T
	clock *tabletest.Clock
	table *tableThatCounts
	store *store.Store
	mux   *http.ServeMux
	log   *bytes.Buffer

	Clinic  dental.Clinic
	Patient dental.Patient
	Visit   dental.Visit
	Next    dental.Appointment
}

// tableThatCounts is the reference table with an eye on writes, and out of
// order on demand.
type tableThatCounts struct {
	table.Table
	writes int
	broken error
}

func (t *tableThatCounts) Write(ctx context.Context, ops ...table.Op) error {
	t.writes++
	return t.Table.Write(ctx, ops...)
}

func (t *tableThatCounts) Get(ctx context.Context, keys ...table.Key) ([]table.Item, error) {
	if t.broken == errBroken {
		return []table.Item{{Key: keys[0], Version: 1, Attr: map[string]any{"purpose": int64(1)}}}, nil
	}
	if t.broken != nil {
		return nil, t.broken
	}
	return t.Table.Get(ctx, keys...)
}

const (
	clinicID  = "demo"
	patientID = "P-77"
)

// newSurgery sets the clinic up as the changes ask; nil changes nothing.
func newSurgery(t *testing.T, change func(*surgery)) *surgery {
	t.Helper()
	s := &surgery{t: t, clock: tabletest.NewClock(friday), log: &bytes.Buffer{}}
	s.table = &tableThatCounts{Table: tabletest.NewReference(s.clock.Now, rand.NewChaCha8([32]byte{1}))}
	var err error
	s.store, err = store.New(s.table, store.Keys{Contact: bytes.Repeat([]byte{1}, 32), Link: bytes.Repeat([]byte{2}, 32)}, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	s.fill()
	if change != nil {
		change(s)
	}
	s.put()
	s.serve(scenario.Shipped())
	return s
}

// serve puts the pages of a catalogue up.
func (s *surgery) serve(catalogue scenario.Catalogue) {
	s.mux = http.NewServeMux()
	log := slog.New(slog.NewTextHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	pages := &web.Pages{Desk: &reply.Desk{Store: s.store, Catalogue: catalogue, Log: log}, Clock: s.clock.Now, Log: log, Base: "https://rp.example"}
	pages.Survey(s.mux)
	pages.Confirm(s.mux)
	pages.Unsubscribe(s.mux)
	pages.Links(s.mux)
	pages.Referral(s.mux, phone.Read)
}

func (s *surgery) fill() {
	week := dental.Opening{}
	for _, day := range []string{"mon", "tue", "wed", "thu", "fri", "sat"} {
		week[day] = dental.Span{From: 9 * 60, To: 20 * 60}
	}
	s.Clinic = dental.Clinic{ID: clinicID, Name: "Улыбка", Phone: "+74950000000", Address: "Москва, улица Примерная, 5", Country: "RU",
		TimeZone: "Europe/Moscow", Language: "ru", SendFrom: 9 * 60, SendTo: 21 * 60, Channels: []dental.Channel{dental.SMS, dental.Mail},
		Opening: week, Currency: "RUB", CareConsent: dental.Presumed, CapPerWeek: 1,
		Maps: []dental.Map{{Name: "Яндекс Карты", URL: "https://maps.example.com/org/1", Ask: dental.AskHappy},
			{Name: "2ГИС", URL: "https://2gis.example.com/firm/1", Ask: dental.AskHappy}},
		Scenarios: map[string]dental.ScenarioSettings{"after-visit": {On: true}, "appointment": {On: true}, "review": {On: true}}}
	s.Patient = dental.Patient{Clinic: clinicID, ID: patientID, GivenName: "Аглаида", FamilyName: "Непоказуева", Phone: "+79160000001",
		Email: "aglaida@example.com", BirthDate: dental.Date{Year: 1956, Month: time.March, Day: 12}, Status: dental.Active, PhoneRegion: "RU"}
	s.Visit = dental.Visit{Clinic: clinicID, Patient: patientID, ID: "V-1", FinishedAt: friday.Add(-25 * time.Hour), Day: dental.Date{Year: 2026, Month: time.May, Day: 21},
		AcceptedAt: friday.Add(-25 * time.Hour), Doctor: dental.Doctor{ID: "D-3", Name: "Ирина Соколова"},
		Procedures:      []dental.Procedure{{Name: "Профессиональная гигиена", Kind: dental.Hygiene}},
		Recommendations: "Два дня без крепкого чая и кофе.\nЩётка мягкая, дважды в день.", NextStep: dental.ServiceType{Name: "Контроль", Kind: dental.Hygiene}}
	s.Next = dental.Appointment{Clinic: clinicID, Patient: patientID, ID: "A-501", Start: friday.AddDate(0, 0, 2).Add(-130 * time.Minute), End: friday.AddDate(0, 0, 2).Add(-100 * time.Minute),
		Doctor: dental.Doctor{ID: "D-3", Name: "Ирина Соколова"}, Status: dental.Booked, BookedAt: friday.AddDate(0, 0, -10), ChangedAt: friday.AddDate(0, 0, -10)}
}

// put writes the clinic and the patient's card.
func (s *surgery) put() {
	s.t.Helper()
	ctx := context.Background()
	tx := s.store.Begin()
	_, _ = tx.Clinic(ctx, s.Clinic.ID) // read, so that it can be put; the first time there is none
	if _, err := tx.Card(ctx, clinicID, patientID); err != nil {
		s.t.Fatal(err)
	}
	tx.Put(s.Clinic)
	tx.Put(s.Patient)
	if s.Visit.ID != "" {
		tx.Put(s.Visit)
		tx.Put(dental.Milestone{Clinic: clinicID, Patient: patientID, Kind: dental.ReturnPoint, Date: s.Visit.Day.AddMonths(6)})
		tx.Put(dental.Milestone{Clinic: clinicID, Patient: patientID, Kind: dental.LastVisit, Date: s.Visit.Day})
	}
	if s.Next.ID != "" {
		tx.Put(s.Next)
	}
	if err := tx.Commit(ctx); err != nil {
		s.t.Fatal(err)
	}
}

// grant puts a link and returns its path.
func (s *surgery) grant(l dental.Link) string {
	s.t.Helper()
	l.Clinic, l.Patient = cmp.Or(l.Clinic, clinicID), cmp.Or(l.Patient, patientID)
	if l.Expires.IsZero() {
		l.Expires = s.clock.Now().AddDate(0, 0, 30)
	}
	token := s.store.Token(l)
	l.Hash = store.TokenHash(token)
	tx := s.store.Begin()
	tx.Put(l)
	if err := tx.Commit(context.Background()); err != nil {
		s.t.Fatal(err)
	}
	return "/" + string(l.Purpose) + "/" + token
}

func (s *surgery) survey() string {
	return s.grant(dental.Link{Purpose: dental.SurveyLink, Subject: s.Visit.Day.String()})
}

func (s *surgery) appointment() string {
	return s.grant(dental.Link{Purpose: dental.AppointmentLink, Subject: dental.AppointmentAnchor(s.Next), Expires: s.Next.Start})
}

func (s *surgery) preferences() string {
	return s.grant(dental.Link{Purpose: dental.PreferencesLink, Subject: "care/" + s.store.ContactKey(&s.Clinic, string(s.Patient.Email))})
}

// card is all that the store knows of the patient now.
func (s *surgery) card() *dental.Card {
	s.t.Helper()
	card, err := s.store.Begin().Card(context.Background(), clinicID, patientID)
	if err != nil {
		s.t.Fatal(err)
	}
	return card
}

// send takes a request to the pages as a browser that speaks Russian would.
func (s *surgery) send(r *http.Request) *answer {
	s.t.Helper()
	if r.Header.Get("Accept-Language") == "" {
		r.Header.Set("Accept-Language", "ru-RU,ru;q=0.9,en;q=0.5")
	}
	w := httptest.NewRecorder()
	s.mux.ServeHTTP(w, r)
	return &answer{ResponseRecorder: w, t: s.t}
}

func (s *surgery) get(path string) *answer {
	s.t.Helper()
	return s.send(httptest.NewRequest(http.MethodGet, path, nil))
}

// post sends a form given as name, value, name, value.
func (s *surgery) post(path string, pairs ...string) *answer {
	s.t.Helper()
	form := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		form.Add(pairs[i], pairs[i+1])
	}
	return s.send(formRequest(path, form.Encode()))
}

func formRequest(path, body string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return r
}

// does sends a form that must be taken, and follows back to the page.
func (s *surgery) does(path string, pairs ...string) *answer {
	s.t.Helper()
	a := s.post(path, pairs...)
	to := a.Header().Get("Location")
	if a.Code != http.StatusSeeOther || to != path && !strings.HasPrefix(to, path+"?") {
		s.t.Fatalf("POST %q answers %d to %q, want 303 back to the page\n%s", pairs, a.Code, to, a.Body)
	}
	return s.get(to)
}

// answer is what a page answered, read by selectors.
type answer struct {
	*httptest.ResponseRecorder
	t    *testing.T
	tree *html.Node
}

func (a *answer) want(code int) *answer {
	a.t.Helper()
	if a.Code != code {
		a.t.Fatalf("status %d, want %d\n%s", a.Code, code, a.Body)
	}
	return a
}

func (a *answer) all(selector string) []*html.Node {
	a.t.Helper()
	if a.tree == nil {
		var err error
		if a.tree, err = html.Parse(bytes.NewReader(a.Body.Bytes())); err != nil {
			a.t.Fatal(err)
		}
	}
	return cascadia.QueryAll(a.tree, cascadia.MustCompile(selector))
}

// has wants exactly n elements.
func (a *answer) has(n int, selector string) *answer {
	a.t.Helper()
	if got := len(a.all(selector)); got != n {
		a.t.Errorf("the page has %d of %s, want %d\n%s", got, selector, n, body(a))
	}
	return a
}

// reads wants the one element's text, its white space folded.
func (a *answer) reads(selector, want string) *answer {
	a.t.Helper()
	found := a.all(selector)
	if len(found) != 1 {
		a.t.Errorf("the page has %d of %s, want 1\n%s", len(found), selector, body(a))
		return a
	}
	if got := textOf(found[0]); got != want {
		a.t.Errorf("%s reads %q, want %q", selector, got, want)
	}
	return a
}

// says wants a text somewhere in the page's words.
func (a *answer) says(want string) *answer {
	a.t.Helper()
	if !strings.Contains(a.words(), want) {
		a.t.Errorf("the page does not say %q:\n%s", want, a.words())
	}
	return a
}

func (a *answer) saysNot(unwanted string) *answer {
	a.t.Helper()
	if strings.Contains(a.words(), unwanted) {
		a.t.Errorf("the page says %q:\n%s", unwanted, a.words())
	}
	return a
}

// words is all that a reader of the page sees.
func (a *answer) words() string {
	a.t.Helper()
	return textOf(a.all("body")[0])
}

func body(a *answer) string {
	_, main, _ := strings.Cut(a.Body.String(), "</style>")
	return main
}

func textOf(n *html.Node) string {
	var b strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode && (d.Parent == nil || d.Parent.Data != "style") {
			b.WriteString(d.Data + " ")
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

func attr(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}
