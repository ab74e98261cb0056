package app_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"image"
	"image/png"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/returnpoint/returnpoint/shared/api/openapitest"
	"github.com/returnpoint/returnpoint/shared/app"
	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/intake"
	"github.com/returnpoint/returnpoint/shared/mis/generic"
	"github.com/returnpoint/returnpoint/shared/settings"
	"github.com/returnpoint/returnpoint/shared/signature"
	"github.com/returnpoint/returnpoint/shared/stagetest"
	"github.com/returnpoint/returnpoint/shared/store"
	"github.com/returnpoint/returnpoint/shared/table"
)

const document = "../api/openapi.yaml"

func deps(s *stagetest.Stage) app.Deps {
	return app.Deps{Store: s.Store, Catalogue: s.Catalogue, Clock: s.Now, Log: slog.New(slog.DiscardHandler)}
}

// sources read one word: a system that tells of nobody.
func sources() map[string]intake.Dialect {
	return map[string]intake.Dialect{dental.YClients: {Largest: 1 << 20, Read: func(_ *dental.Clinic, _ dental.Account, d intake.Delivery) (intake.Heard, error) {
		return intake.Heard{Silent: string(d.Body)}, nil
	}}}
}

// imports are those of a clinic without files.
func imports(s *stagetest.Stage) http.Handler {
	_, requests := app.Import(deps(s), nil, nil, nil, stagetest.Phones)
	return requests
}

// handlers are the functions that speak HTTP.
func handlers(s *stagetest.Stage) map[string]http.Handler {
	return map[string]http.Handler{
		"webhook":     app.Webhook(deps(s), app.Told{Events: generic.Decode, Sources: sources()}, stagetest.Phones),
		"survey":      app.Survey(deps(s)),
		"confirm":     app.Confirm(deps(s)),
		"unsubscribe": app.Unsubscribe(deps(s)),
		"links":       app.Links(deps(s), "https://rp.example"),
		"referral":    app.Referral(deps(s), stagetest.Phones),
		"delivery":    callbacks(s),
		"import":      imports(s),
	}
}

func TestEveryRouteIsDocumentedAndEveryDocumentedOneIsServed(t *testing.T) {
	var routes []string
	for _, h := range handlers(stagetest.New(t, time.Date(2026, 3, 10, 6, 0, 0, 0, time.UTC))) {
		routes = append(routes, openapitest.Routes(t, h)...)
	}
	routes = append(routes, ofDesk...) // whose mux knows every page below them
	slices.Sort(routes)
	if documented := openapitest.Load(t, document).Paths(); !slices.Equal(routes, documented) {
		t.Errorf("served are %v\ndocumented are %v", routes, documented)
	}
}

// patient sets the stage for a patient with a link of each purpose: the survey
// of yesterday's visit, the reminder of an appointment, a mail's preferences;
// and for another, who has nothing booked, an offer, a gift and the club.
func patient(t *testing.T) (s *stagetest.Stage, links map[string]string) {
	s = stagetest.New(t, time.Date(2026, 3, 10, 6, 0, 0, 0, time.UTC))
	s.Photo = func(string) ([]byte, error) {
		var b bytes.Buffer
		err := png.Encode(&b, image.NewGray(image.Rect(0, 0, 64, 64)))
		return b.Bytes(), err
	}
	s.Patient("P-1", func(c *intake.Card) { c.Number = "" })
	s.Visit("V-1", "P-1", s.Now().Add(-time.Hour))
	s.Appointment(intake.AppointmentBooked, "A-1", "P-1", s.Local("2026-03-20 12:00"), func(a *dental.Appointment) {
		a.Doctor.PhotoURL = "https://clinic.example/irina.jpg"
	})
	s.Settings(func(cl *dental.Clinic) {
		cl.BookingURL, cl.Gifts = "https://booking.example.com/", []dental.Gift{{ID: "brush", Name: "Ирригатор"}}
	})
	keeper := &settings.Keeper{Store: s.Store, Rand: rand.Reader}
	if err := keeper.PressLook(t.Context(), "", &dental.Logo{Kind: "image/png", Image: []byte("a picture")}, dental.LogEntry{Clinic: "demo", ID: "look", At: s.Now(), Action: "look"}, s.Now()); err != nil {
		t.Fatal(err)
	}
	s.Patient("P-2", func(c *intake.Card) { c.Number, c.Mail = "+79160000002", "" })
	s.Visit("V-2", "P-2", s.Now().Add(-time.Hour), func(v *dental.Visit) { v.Doctor.PhotoURL = "https://clinic.example/irina.jpg" })
	s.ToLocal("2026-03-18 13:00")
	return s, map[string]string{
		"o":    link(s, dental.OfferLink, dental.OfferSubject("recall", "first", "2026-09-10")),
		"g":    link(s, dental.GiftLink, dental.OfferSubject("birthday", "greeting", "2026")),
		"club": link(s, dental.ClubLink, ""),
		"r":    link(s, dental.ReferralLink, ""),

		"s": "/s/" + s.Token("P-1", dental.SurveyLink),
		"c": "/c/" + s.Token("P-1", dental.AppointmentLink),
		"u": "/u/" + s.Token("P-1", dental.PreferencesLink),
	}
}

// link grants P-2 a link, as a message that carries it does.
func link(s *stagetest.Stage, purpose dental.Purpose, subject string) string {
	s.T.Helper()
	l := dental.Link{Purpose: purpose, Clinic: "demo", Patient: "P-2", Subject: subject, Expires: s.Now().AddDate(0, 1, 0)}
	token := s.Store.Token(l)
	l.Hash = store.TokenHash(token)
	put(s, l)
	return "/" + string(purpose) + "/" + token
}

// put writes a noun of P-2.
func put(s *stagetest.Stage, noun any) {
	s.T.Helper()
	tx := s.Store.Begin()
	_, err := tx.Card(s.T.Context(), "demo", "P-2")
	tx.Put(noun)
	if err := errors.Join(err, tx.Commit(s.T.Context())); err != nil {
		s.T.Fatal(err)
	}
}

func get(path string) *http.Request { return httptest.NewRequest(http.MethodGet, path, nil) }

func form(path string, pairs ...string) *http.Request {
	values := url.Values{}
	for pair := range slices.Chunk(pairs, 2) {
		values.Set(pair[0], pair[1])
	}
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(values.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return r
}

// parts is a form in HTML's other encoding.
func parts(path, name, value string) *http.Request {
	var body strings.Builder
	w := multipart.NewWriter(&body)
	_, _ = w.WriteField(name, value), w.Close()
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body.String()))
	r.Header.Set("Content-Type", w.FormDataContentType())
	return r
}

// down is a table that cannot be reached.
type down struct{ table.Table }

func (down) Get(context.Context, ...table.Key) ([]table.Item, error) {
	return nil, errors.New("no route to the table")
}

func TestPagesAnswerAsTheDocumentSays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, at := patient(t)
		doc := openapitest.Load(t, document)
		up, off := handlers(s), handlers(stagetest.Join(s, down{s.Table}))
		function := func(r *http.Request) string {
			purpose := strings.Split(r.URL.Path, "/")[1]
			return map[string]string{"s": "survey", "c": "confirm", "u": "unsubscribe", "o": "links", "g": "links", "club": "links", "r": "referral"}[purpose]
		}
		long := strings.Repeat("x", 16<<10+1)
		nobody := func(purpose string) string { return "/" + purpose + "/AAAAAAAAAAAAAAAA" }
		foreign := func(path string) *http.Request {
			r := form(path, "answer", "good")
			r.Header.Set("Sec-Fetch-Site", "cross-site")
			return r
		}
		later := func(d time.Duration) { s.Set(s.Now().Add(d)) }

		for _, row := range []struct {
			name   string
			r      *http.Request
			status int
			before func()
		}{
			{"the survey", get(at["s"]), 200, nil},
			{"the survey, looked at by mail software", httptest.NewRequest(http.MethodHead, at["s"], nil), 200, nil},
			{"a survey of nobody", get(nobody("s")), 404, nil},
			{"a thumb", form(at["s"], "answer", "good"), 303, nil},
			{"a score", form(at["s"], "nps", "10", "comment", "Спасибо"), 303, nil},
			{"a map", form(at["s"], "map", "Яндекс Карты"), 200, nil},
			{"an answer that is none", form(at["s"], "answer", "great"), 400, nil},
			{"an answer to nobody", form(nobody("s"), "answer", "good"), 404, nil},
			{"an answer from another site", foreign(at["s"]), 403, nil},
			{"an answer of any length", form(at["s"], "comment", long), 413, nil},

			{"the appointment", get(at["c"]), 200, nil},
			{"its calendar file", get(at["c"] + "/visit.ics"), 200, nil},
			{"its doctor's picture", get(at["c"] + "/doctor.jpg"), 200, nil},
			{"an appointment of nobody", get(nobody("c")), 404, nil},
			{"whose it is", form(at["c"], "whose", "on"), 200, nil},
			{"a picture of nobody", get(nobody("c") + "/doctor.jpg"), 404, nil},
			{"a calendar file of nobody", get(nobody("c") + "/visit.ics"), 404, nil},
			{"a confirmation", form(at["c"], "action", "confirm"), 303, nil},
			{"another time", form(at["c"], "action", "reschedule"), 303, nil},
			{"an action that is none", form(at["c"], "action", "sleep"), 400, nil},
			{"a confirmation for nobody", form(nobody("c"), "action", "confirm"), 404, nil},
			{"a confirmation from another site", foreign(at["c"]), 403, nil},
			{"a confirmation of any length", form(at["c"], "action", long), 413, nil},
			{"a confirmation of what was moved since", form(at["c"], "action", "confirm"), 409, func() {
				later(time.Minute)
				s.Appointment(intake.AppointmentMoved, "A-1", "P-1", s.Local("2026-03-25 12:00"))
			}},

			{"the preferences", get(at["u"]), 200, nil},
			{"preferences of nobody", get(nobody("u")), 404, nil},
			{"a choice", form(at["u"], "save", "on", "reminders.email", "on"), 303, nil},
			{"one click", form(at["u"], "List-Unsubscribe", "One-Click"), 200, nil},
			{"one click of software that sends parts", parts(at["u"], "List-Unsubscribe", "One-Click"), 200, nil},
			{"a choice that is none", form(at["u"], "save", "on", "parties.email", "on"), 400, nil},
			{"a choice of nobody", form(nobody("u"), "save", "on"), 404, nil},
			{"a choice from another site", foreign(at["u"]), 403, nil},
			{"a choice of any length", form(at["u"], "save", long), 413, nil},

			{"the offer", get(at["o"]), 200, nil},
			{"the picture of its doctor", get(at["o"] + "/doctor.jpg"), 200, nil},
			{"an offer of nobody", get(nobody("o")), 404, nil},
			{"the picture of nobody's doctor", get(nobody("o") + "/doctor.jpg"), 404, nil},
			{"a wish", form(at["o"], "action", "book", "weekday", "fri", "part", "evening"), 303, nil},
			{"the way to the booking page", form(at["o"], "action", "book", "online", "on"), 200, nil},
			{"a later", form(at["o"], "action", "later"), 303, nil},
			{"a never", form(at["o"], "action", "never"), 303, nil},
			{"a wish for a call", form(at["o"], "action", "callback"), 303, nil},
			{"a wish that is none", form(at["o"], "action", "sleep"), 400, nil},
			{"a wish of nobody", form(nobody("o"), "action", "book"), 404, nil},
			{"a wish from another site", foreign(at["o"]), 403, nil},
			{"a wish of any length", form(at["o"], "action", long), 413, nil},
			{"a wish of who is booked", form(at["o"], "action", "book"), 409, func() {
				s.Appointment(intake.AppointmentBooked, "A-2", "P-2", s.Local("2026-04-20 12:00"))
			}},

			{"the gifts", get(at["g"]), 200, nil},
			{"gifts of nobody", get(nobody("g")), 404, nil},
			{"a gift", form(at["g"], "gift", "brush"), 303, nil},
			{"a gift that is none", form(at["g"], "gift", "car"), 400, nil},
			{"a gift of nobody", form(nobody("g"), "gift", "brush"), 404, nil},
			{"a gift from another site", foreign(at["g"]), 403, nil},
			{"a gift of any length", form(at["g"], "gift", long), 413, nil},
			{"a gift after the first was given out", form(at["g"], "gift", "car"), 409, func() {
				g := *s.Card("P-2").Gift("birthday", "2026")
				g.RedeemedAt, g.RedeemedOn = s.Now(), s.Clinic.Today(s.Now())
				put(s, g)
			}},

			{"the club", get(at["club"]), 200, nil},
			{"the club of nobody", get(nobody("club")), 404, nil},

			{"a recommendation", get(at["r"]), 200, nil},
			{"a recommendation of nobody", get(nobody("r")), 404, nil},
			{"a friend's number", form(at["r"], "name", "Пётр", "phone", "+79160000099", "consent", "on"), 303, nil},
			{"a patient's number", form(at["r"], "name", "Пётр", "phone", "+79160000002", "consent", "on"), 303, nil},
			{"a number without consent", form(at["r"], "name", "Пётр", "phone", "+79160000099"), 400, nil},
			{"a number for nobody", form(nobody("r"), "name", "Пётр", "phone", "+79160000099", "consent", "on"), 404, nil},
			{"a number from another site", foreign(at["r"]), 403, nil},
			{"a name of any length", form(at["r"], "name", long), 413, nil},

			{"a change of the answer after a week", form(at["s"], "answer", "bad"), 409, func() { later(8 * 24 * time.Hour) }},
		} {
			if row.before != nil {
				row.before()
			}
			if w := doc.Serve(t, up[function(row.r)], row.r); w.Code != row.status {
				t.Errorf("%s is answered %d, want %d", row.name, w.Code, row.status)
			}
		}
		for _, path := range at {
			for clinic, status := range map[http.Handler]int{up[function(get(path))]: 200, off[function(get(path))]: 503} {
				if w := doc.Serve(t, clinic, get(path+"/logo")); w.Code != status {
					t.Errorf("the logo below %s is answered %d, want %d", path[:3], w.Code, status)
				}
			}
			r := get(nobody(strings.Split(path, "/")[1]) + "/logo")
			if w := doc.Serve(t, up[function(r)], r); w.Code != http.StatusNotFound {
				t.Errorf("the logo below nobody's %s is answered %d", path[:3], w.Code)
			}
		}
		for _, r := range []*http.Request{get(at["s"]), form(at["s"], "answer", "good"), get(at["c"]), form(at["c"], "action", "confirm"), get(at["c"] + "/visit.ics"),
			get(at["c"] + "/doctor.jpg"), get(at["u"]), form(at["u"], "save", "on"), get(at["r"]), form(at["r"], "name", "Пётр", "phone", "+79160000099", "consent", "on"),
			get(at["o"]), form(at["o"], "action", "book"), get(at["o"] + "/doctor.jpg"), get(at["g"]), form(at["g"], "gift", "brush"), get(at["club"])} {
			if w := doc.Serve(t, off[function(r)], r); w.Code != http.StatusServiceUnavailable {
				t.Errorf("%s %s without a table is answered %d", r.Method, r.URL.Path[:3], w.Code)
			}
		}
		for _, path := range at {
			r := httptest.NewRequest(http.MethodPut, path, nil)
			if w := doc.Serve(t, up[function(r)], r); w.Code != http.StatusMethodNotAllowed {
				t.Errorf("PUT %s is answered %d", path[:3], w.Code)
			}
		}
		pages := slices.DeleteFunc(doc.Paths(), func(path string) bool { return strings.HasPrefix(path, "/v1/") || slices.Contains(ofDesk, path) })
		if unseen := doc.Unseen(pages...); len(unseen) > 0 {
			t.Errorf("the document promises what was never answered: %v", unseen)
		}
	})
}

// TestAnEventGoesInAndItsMessageComesOut plays the composed functions on each
// other: what the webhook accepts, the page behind the message's link shows.
func TestAnEventGoesInAndItsMessageComesOut(t *testing.T) {
	secret, err := signature.NewSecret(strings.NewReader(strings.Repeat("s", 32)))
	if err != nil {
		t.Fatal(err)
	}
	s := stagetest.New(t, time.Date(2026, 3, 10, 8, 0, 0, 0, time.UTC), func(c *dental.Clinic) {
		c.Secrets = []dental.WebhookSecret{{Secret: dental.Secret(secret.Reveal())}}
	})
	all, doc := handlers(s), openapitest.Load(t, document)
	for id, body := range map[string]string{
		"m1": `{"type": "patient.updated", "timestamp": "2026-03-10T10:00:00+03:00", "data": {"id": "P-1", "givenName": "Анна", "phone": "+79160000001"}}`,
		"m2": `{"type": "visit.completed", "timestamp": "2026-03-10T10:50:00+03:00", "data": {"id": "V-1", "patientId": "P-1",
			"finishedAt": "2026-03-10T10:50:00+03:00", "doctor": {"name": "Ирина Соколова"}, "recommendations": "Не есть два часа"}}`,
	} {
		r := httptest.NewRequest(http.MethodPost, "/v1/clinics/demo/events", strings.NewReader(body))
		if r.Header, err = signature.Sign(id, s.Now(), []byte(body), secret); err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		if w := doc.Serve(t, all["webhook"], r); w.Code != http.StatusAccepted {
			t.Fatalf("%s is answered %d %s", id, w.Code, w.Body)
		}
	}
	s.To(s.Now().Add(time.Minute))
	w := doc.Serve(t, all["survey"], get("/s/"+s.Token("P-1", dental.SurveyLink)))
	if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "Не есть два часа") {
		t.Errorf("the page is answered %d:\n%s", w.Code, w.Body)
	}
}
