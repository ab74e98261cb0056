package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/returnpoint/returnpoint/shared/api"
	"github.com/returnpoint/returnpoint/shared/api/openapitest"
	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/intake"
	"github.com/returnpoint/returnpoint/shared/stagetest"
)

// teller is the handler for clinics that have a system whose words are of the
// test, over a listener that keeps what it is told.
type teller struct {
	*api.Sources
	taken  []string // by clinic and source
	notes  []string
	gaps   int
	log    bytes.Buffer
	mux    *http.ServeMux
	doc    *openapitest.Document
	fails  error // of taking
	clinic error // of reading the clinic
	now    time.Time
}

const (
	secretPath = "path-secret-example"
	formerPath = "former-secret-example"
	mySource   = "/v1/clinics/demo/events/yclients/" + secretPath
)

func newTeller(t testing.TB) *teller {
	t.Helper()
	s := &teller{mux: http.NewServeMux(), doc: document(t), now: start}
	account := func(secret dental.Secret) dental.Account {
		return dental.Account{Secrets: map[string]dental.Secret{dental.CallbackSecret: secret}}
	}
	clinics := map[string]*dental.Clinic{
		"demo": {ID: "demo", EventsPerSecond: 1, Accounts: map[string]dental.Account{dental.YClients: account(secretPath), dental.SMSGate: account(secretPath)},
			FormerPaths: map[string]dental.WebhookSecret{dental.YClients: {Secret: formerPath, Until: start.Add(24 * time.Hour)}, dental.SQNS: {Secret: formerPath, Until: start.Add(24 * time.Hour)}}},
		"other": {ID: "other", Accounts: map[string]dental.Account{dental.YClients: account("another-secret-example"), dental.SQNS: {}}},
	}
	s.Sources = &api.Sources{
		Clinic: func(_ context.Context, id string) (*dental.Clinic, error) {
			if s.clinic != nil {
				return nil, s.clinic
			}
			if cl := clinics[id]; cl != nil {
				return cl, nil
			}
			return nil, dental.Errorf(dental.NotFound, "", "there is no clinic %q", id)
		},
		Readers: map[string]intake.Dialect{dental.YClients: {Read: hear, Largest: 64 << 10}, dental.SQNS: {Read: hear, Largest: 64 << 10}},
		Take: func(_ context.Context, cl *dental.Clinic, source string, heard intake.Heard, _ time.Time) ([]intake.Outcome, error) {
			if s.fails != nil {
				return nil, s.fails
			}
			if heard.Gap {
				s.gaps++
			}
			var out []intake.Outcome
			for _, o := range heard.Objects {
				if o.ID == "poison" {
					out = append(out, intake.Outcome{Err: dental.Errorf(dental.Invalid, "data.start", "is no time")})
					continue
				}
				out = append(out, intake.Outcome{News: true})
				s.taken = append(s.taken, cl.ID+" "+source+" "+o.ID)
			}
			return out, nil
		},
		Unread: func(_ context.Context, cl *dental.Clinic, source, why string, _ time.Time) error {
			s.notes = append(s.notes, cl.ID+" "+source+" "+why)
			return nil
		},
		Clock: func() time.Time { return s.now },
		Log:   slog.New(slog.NewJSONHandler(&s.log, nil)),
	}
	s.Routes(s.mux)
	return s
}

// hear reads words: each is the id of an object.
func hear(_ *dental.Clinic, _ dental.Account, d intake.Delivery) (heard intake.Heard, err error) {
	for _, word := range strings.Fields(string(d.Body)) {
		switch word {
		case "broken":
			return heard, dental.Errorf(dental.Invalid, "data.id", "is missing")
		case "panic":
			panic("out of range")
		case "handshake":
			heard.Silent, heard.Answer = "handshake", []byte(`{"resourceType":"Bundle"}`)
		case "hello":
			heard.Answer = []byte("ok")
		case "fetch":
			heard.Fetch = append(heard.Fetch, intake.Ref{Kind: "deal", ID: "1"})
		case "gap":
			heard.Gap = true
		default:
			heard.Objects = append(heard.Objects, intake.Object{System: dental.YClients, Kind: "word", ID: word})
		}
	}
	return heard, nil
}

// tell posts a delivery and holds the answer to the document.
func (s *teller) tell(t testing.TB, path, body string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
	r.Header.Set("Content-Type", "text/plain")
	return s.doc.Serve(t, s.mux, r)
}

func TestADeliveryWithTheRightSecretIsTaken(t *testing.T) {
	s := newTeller(t)
	w := s.tell(t, mySource, "one two")
	var got api.Taken
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || w.Code != http.StatusOK || got.Status != "accepted" || got.Objects != 2 || got.Refused != nil {
		t.Fatalf("answered %d %s", w.Code, w.Body)
	}
	if want := []string{"demo yclients one", "demo yclients two"}; !slices.Equal(s.taken, want) || len(s.notes) != 0 {
		t.Errorf("taken are %q, noted %q", s.taken, s.notes)
	}
}

func TestWhateverIsWrongWithTheAddressLooksTheSame(t *testing.T) {
	s := newTeller(t)
	for name, path := range map[string]string{
		"a wrong secret":               "/v1/clinics/demo/events/yclients/wrong-secret-example",
		"another clinic's secret":      "/v1/clinics/other/events/yclients/" + secretPath,
		"a clinic that is not there":   "/v1/clinics/nobody/events/yclients/" + secretPath,
		"no clinic's id":               "/v1/clinics/d%20mo/events/yclients/" + secretPath,
		"a source that nobody knows":   "/v1/clinics/demo/events/xclients/" + secretPath,
		"an account that is no source": "/v1/clinics/demo/events/smsgate/" + secretPath,
		"a source without an account":  "/v1/clinics/demo/events/sqns/" + formerPath,
		"an account without a secret":  "/v1/clinics/other/events/sqns/x",
	} {
		for _, method := range []string{http.MethodPost, http.MethodGet} {
			w := httptest.NewRecorder()
			s.mux.ServeHTTP(w, httptest.NewRequest(method, path, strings.NewReader("one")))
			if want := `{"error":{"code":"not_found","message":"there is no such address"}}`; w.Code != http.StatusNotFound || strings.TrimSpace(w.Body.String()) != want {
				t.Errorf("%s %s: answered %d %s", method, name, w.Code, w.Body)
			}
		}
	}
	if len(s.taken)+len(s.notes) != 0 {
		t.Errorf("taken are %q, noted %q", s.taken, s.notes)
	}
}

func TestTheSecretBeforeGoesOnWorkingForADay(t *testing.T) {
	s := newTeller(t)
	path := "/v1/clinics/demo/events/yclients/" + formerPath
	if w := s.tell(t, path, "one"); w.Code != http.StatusOK {
		t.Errorf("answered %d", w.Code)
	}
	s.now = start.Add(24 * time.Hour)
	if w := s.tell(t, path, "one"); w.Code != http.StatusNotFound {
		t.Errorf("a day later it is answered %d", w.Code)
	}
}

func TestAProbeIsAnsweredWithoutEffect(t *testing.T) {
	s := newTeller(t)
	for _, method := range []string{http.MethodGet, http.MethodHead} {
		w := httptest.NewRecorder()
		s.mux.ServeHTTP(w, httptest.NewRequest(method, mySource, nil))
		if w.Code != http.StatusOK || w.Body.Len() != 0 {
			t.Errorf("%s: answered %d %q", method, w.Code, w.Body)
		}
	}
	if w := s.doc.Serve(t, s.mux, httptest.NewRequest(http.MethodGet, mySource, nil)); w.Code != http.StatusOK {
		t.Errorf("answered %d", w.Code)
	}
	w := httptest.NewRecorder()
	if s.mux.ServeHTTP(w, httptest.NewRequest(http.MethodPut, mySource, nil)); w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != "GET, HEAD, POST" {
		t.Errorf("PUT is answered %d, allowed is %q", w.Code, w.Header().Get("Allow"))
	}
	if len(s.taken)+len(s.notes)+s.gaps != 0 {
		t.Error("a probe has had an effect")
	}
}

func TestOneThatIsRefusedStopsNoOther(t *testing.T) {
	s := newTeller(t)
	w := s.tell(t, mySource, "one poison two")
	var got api.Taken
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || w.Code != http.StatusOK || got.Objects != 3 ||
		!slices.Equal(got.Refused, []api.Refused{{Object: 1, Code: "invalid", Message: "is no time", Field: "data.start"}}) {
		t.Fatalf("answered %d %s", w.Code, w.Body)
	}
	if len(s.taken) != 2 || !slices.Equal(s.notes, []string{"demo yclients data.start: is no time"}) {
		t.Errorf("taken are %q, noted %q", s.taken, s.notes)
	}
}

func TestWhatCanNeverBeTakenIsRefusedForGoodAndNotedForStaff(t *testing.T) {
	for body, field := range map[string]string{"broken": "data.id", "panic": "", "poison": "data.start"} {
		s := newTeller(t)
		for range 3 {
			s.now = s.now.Add(time.Minute)
			w := s.tell(t, mySource, body)
			var p api.Problem
			if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || w.Code != http.StatusBadRequest || p.Error.Code != "invalid" || p.Error.Message == "" || p.Error.Field != field {
				t.Errorf("%s: answered %d %s", body, w.Code, w.Body)
			}
		}
		if len(s.notes) != 3 || len(s.taken) != 0 {
			t.Errorf("%s: taken are %q, noted %q", body, s.taken, s.notes)
		}
	}
}

func TestASystemGetsTheWordsThatItExpects(t *testing.T) {
	s := newTeller(t)
	for body, want := range map[string]struct{ kind, said string }{
		"handshake": {"application/json; charset=utf-8", `{"resourceType":"Bundle"}`},
		"hello one": {"text/plain; charset=utf-8", "ok"},
	} {
		if w := s.tell(t, mySource, body); w.Code != http.StatusOK || w.Header().Get("Content-Type") != want.kind || w.Body.String() != want.said {
			t.Errorf("%s: answered %d %s %s", body, w.Code, w.Header().Get("Content-Type"), w.Body)
		}
	}
	if w := s.tell(t, mySource, "gap fetch"); w.Code != http.StatusOK || s.gaps != 1 {
		t.Errorf("a gap is answered %d, heard %d times", w.Code, s.gaps)
	}
}

func TestADeliveryThatIsTooLargeForItsSystemHasTheSystemAsked(t *testing.T) {
	s := newTeller(t)
	for _, most := range []int{64 << 10, 4 << 20} {
		s.gaps, s.notes = 0, nil
		s.Readers[dental.YClients] = intake.Dialect{Read: hear, Largest: int64(most)}
		if w := s.tell(t, mySource, strings.Repeat(" ", most)); w.Code != http.StatusOK || s.gaps != 0 || len(s.notes) != 0 {
			t.Errorf("of %d bytes the longest is answered %d %s", most, w.Code, w.Body)
		}
		w := s.tell(t, mySource, strings.Repeat(" ", most+1))
		if said := fmt.Sprintf("%d KB", most>>10); w.Code != http.StatusRequestEntityTooLarge || s.gaps != 1 || len(s.notes) != 1 || !strings.Contains(s.notes[0], said) || !strings.Contains(w.Body.String(), said) {
			t.Errorf("of %d bytes: answered %d %s, asked %d times, noted %q", most, w.Code, w.Body, s.gaps, s.notes)
		}
	}
	s.gaps, s.notes = 0, nil
	for _, path := range []string{"/v1/clinics/demo/events/yclients/wrong", "/v1/clinics/demo/events/acme/" + secretPath} {
		if w := s.tell(t, path, strings.Repeat("x", 5<<20)); w.Code != http.StatusNotFound || s.gaps != 0 || len(s.notes) != 0 {
			t.Errorf("%s: a stranger's is answered %d", path, w.Code)
		}
	}
}

func TestASourceOverTheClinicsRateWaits(t *testing.T) {
	s := newTeller(t)
	code := 0
	for range 10 {
		s.tell(t, mySource, "one")
	}
	if s.gaps != 0 || len(s.notes) != 0 {
		t.Errorf("within the rate it is asked %d times, noted is %q", s.gaps, s.notes)
	}
	code = s.tell(t, mySource, "one").Code
	if code != http.StatusTooManyRequests {
		t.Errorf("the eleventh at one a second is answered %d", code)
	}
	if want := "demo yclients more came at once than the clinic's rate allows"; s.gaps != 1 || !slices.Equal(s.notes, []string{want}) {
		t.Errorf("what is refused is asked for %d times, noted is %q, want %q", s.gaps, s.notes, want)
	}
	if w := s.tell(t, mySource, "one"); w.Header().Get("Retry-After") != "1" {
		t.Errorf("Retry-After %q", w.Header().Get("Retry-After"))
	}
	if w := s.tell(t, "/v1/clinics/other/events/yclients/another-secret-example", "one"); w.Code != http.StatusOK {
		t.Errorf("another clinic's is answered %d", w.Code)
	}
}

func TestWhatCannotBeDoneJustNowIsAskedForAgain(t *testing.T) {
	s := newTeller(t)
	s.fails = dental.Errorf(dental.Unavailable, "", "too much at once")
	if w := s.tell(t, mySource, "one"); w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") != "5" || len(s.notes) != 0 {
		t.Errorf("answered %d, noted %q", w.Code, s.notes)
	}
	s.fails = errors.New("something else")
	if w := s.tell(t, mySource, "one"); w.Code != http.StatusInternalServerError {
		t.Errorf("answered %d", w.Code)
	}
	s.clinic = dental.Errorf(dental.Unavailable, "", "no table")
	if w := s.doc.Serve(t, s.mux, httptest.NewRequest(http.MethodGet, mySource, nil)); w.Code != http.StatusServiceUnavailable {
		t.Errorf("a probe is answered %d", w.Code)
	}
}

func TestTheLogHoldsNoSecretOfAPath(t *testing.T) {
	s := newTeller(t)
	for _, path := range []string{mySource, "/v1/clinics/demo/events/yclients/wrong-secret-example", "/v1/clinics/nobody/events/yclients/" + secretPath, "/v1/clinics/demo/events/yclients/" + formerPath} {
		for _, body := range []string{"one", "broken", "panic", "poison one", strings.Repeat("x", 300<<10)} {
			s.tell(t, path, body)
		}
	}
	s.fails = errors.New("x")
	s.tell(t, mySource, "one")
	log := s.log.String()
	for _, secret := range []string{secretPath, formerPath, "wrong-secret-example"} {
		if strings.Contains(log, secret) {
			t.Errorf("the log holds %s:\n%s", secret, log)
		}
	}
	if !strings.Contains(log, "/v1/clinics/demo/events/yclients/…") {
		t.Errorf("the log does not say where a refused delivery came to:\n%s", log)
	}
}

// FuzzDelivery: whatever is posted to a right address is answered by the table
// and never by a 5xx, and what is posted to a wrong one by 404 alone.
func FuzzDelivery(f *testing.F) {
	for _, body := range []string{"one", "broken", "panic", "poison", "handshake", "gap fetch", "\x00\xff", ""} {
		f.Add(secretPath, body)
		f.Add("wrong", body)
	}
	f.Fuzz(func(t *testing.T, secret, body string) {
		s := newTeller(t)
		r := httptest.NewRequest(http.MethodPost, "/v1/clinics/demo/events/yclients/x", strings.NewReader(body))
		r.URL.Path = "/v1/clinics/demo/events/yclients/" + secret
		r.SetPathValue("clinic", "demo")
		w := httptest.NewRecorder()
		s.mux.ServeHTTP(w, r)
		right := secret == secretPath || secret == formerPath
		if right != (w.Code == 200 || w.Code == 400 || w.Code == 413) && (right || w.Code != 404 && w.Code/100 != 3) {
			t.Errorf("answered %d %s", w.Code, w.Body)
		}
	})
}

// TestADeliveryIsStoredWithAllThatFollows is the edge over the whole engine.
func TestADeliveryIsStoredWithAllThatFollows(t *testing.T) {
	s := stagetest.New(t, start)
	teller := newTeller(t)
	teller.Readers[dental.YClients] = intake.Dialect{Largest: 64 << 10, Read: func(*dental.Clinic, dental.Account, intake.Delivery) (heard intake.Heard, err error) {
		for i, id := range []string{"7", "not an id", "8"} {
			heard.Objects = append(heard.Objects, intake.Object{System: dental.YClients, Kind: "client", ID: fmt.Sprint(i), Body: id, Facts: []intake.Event{{Type: intake.PatientUpdated,
				Card: &intake.Card{Patient: dental.Patient{ID: id, GivenName: "Анна", Status: dental.Active}}}}})
		}
		return heard, nil
	}}
	teller.Take = func(ctx context.Context, _ *dental.Clinic, _ string, heard intake.Heard, now time.Time) ([]intake.Outcome, error) {
		return s.Intake.Learn(ctx, &s.Clinic, intake.How{}, now, heard.Objects...)
	}
	for range 2 {
		if w := teller.tell(t, mySource, "x"); w.Code != http.StatusOK || strings.Count(w.Body.String(), `"object":1`) != 1 {
			t.Errorf("answered %d %s", w.Code, w.Body)
		}
	}
	if !s.Card("7").Known() || !s.Card("8").Known() || s.Card("7").Patient.Changes != 1 {
		t.Errorf("stored are %+v and %+v", s.Card("7").Patient, s.Card("8").Patient)
	}
}
