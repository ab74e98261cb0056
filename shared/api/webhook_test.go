package api_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/returnpoint/returnpoint/shared/api"
	"github.com/returnpoint/returnpoint/shared/api/openapitest"
	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/mis/generic"
	"github.com/returnpoint/returnpoint/shared/settings"
	"github.com/returnpoint/returnpoint/shared/signature"
	"github.com/returnpoint/returnpoint/shared/stagetest"
	"github.com/returnpoint/returnpoint/shared/table"
	"github.com/returnpoint/returnpoint/shared/table/tabletest"
)

var start = time.Date(2026, 3, 10, 8, 0, 0, 0, time.UTC)

const events = "/v1/clinics/demo/events"

// counted is a table that counts what was asked of it and keeps what was written.
type counted struct {
	table.Table

	mu     sync.Mutex
	reads  int
	writes int // that were done
	put    []string
}

func (c *counted) Get(ctx context.Context, keys ...table.Key) ([]table.Item, error) {
	c.mu.Lock()
	c.reads++
	c.mu.Unlock()
	return c.Table.Get(ctx, keys...)
}

func (c *counted) Query(ctx context.Context, q table.Query) (table.Page, error) {
	c.mu.Lock()
	c.reads++
	c.mu.Unlock()
	return c.Table.Query(ctx, q)
}

func (c *counted) Write(ctx context.Context, ops ...table.Op) error {
	err := c.Table.Write(ctx, ops...)
	c.mu.Lock()
	defer c.mu.Unlock()
	if err == nil {
		c.writes++
		for _, op := range ops {
			c.put = append(c.put, op.Item.Key.String())
		}
	}
	return err
}

func (c *counted) done() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.writes
}

// site is the handler over the whole engine, for the clinic "demo".
type site struct {
	*stagetest.Stage
	T       testing.TB
	table   *counted
	faulty  *tabletest.Faulty
	webhook *api.Webhook
	handler http.Handler
	doc     *openapitest.Document
	log     *bytes.Buffer
	secret  signature.Secret
}

func secret(t testing.TB, seed byte) signature.Secret {
	t.Helper()
	s, err := signature.NewSecret(bytes.NewReader(bytes.Repeat([]byte{seed}, 32)))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// open builds a site; the faults of the plan stand in front of the table once
// the clinic is there.
func open(t testing.TB, plan tabletest.Plan, change ...func(*dental.Clinic)) *site {
	t.Helper()
	s := &site{T: t, table: &counted{}, log: &bytes.Buffer{}, secret: secret(t, 1)}
	clock := func() time.Time { return start }
	s.table.Table = tabletest.NewReference(func() time.Time { return clock() }, seeded(7))
	key := func(c *dental.Clinic) {
		c.Secrets = []dental.WebhookSecret{{Secret: dental.Secret(s.secret.Reveal())}}
	}
	behind := stagetest.On(t, s.table, start, append([]func(*dental.Clinic){key}, change...)...)
	s.faulty = tabletest.NewFaulty(s.table, plan)
	s.Stage = stagetest.Join(behind, s.faulty)
	clock = s.Stage.Now
	s.table.writes, s.table.reads, s.table.put = 0, 0, nil
	s.webhook = &api.Webhook{Decode: generic.Decode, Accept: s.Intake.Accept, Clock: s.Now, Log: slog.New(slog.NewJSONHandler(s.log, nil)),
		Clinic: func(ctx context.Context, id string) (*dental.Clinic, error) { return s.Store.Begin().Clinic(ctx, id) }}
	mux := http.NewServeMux()
	s.webhook.Routes(mux)
	s.handler = mux
	s.doc = document(t)
	return s
}

var once struct {
	sync.Mutex
	doc *openapitest.Document
}

// document is read once for all tests but the one that counts answers.
func document(t testing.TB) *openapitest.Document {
	t.Helper()
	once.Lock()
	defer once.Unlock()
	if once.doc == nil {
		once.doc = openapitest.Load(t, "openapi.yaml")
	}
	return once.doc
}

// seeded gives the same bytes to every site of a test.
func seeded(b byte) *repeating { return &repeating{n: uint64(b)} }

type repeating struct {
	mu sync.Mutex
	n  uint64
}

func (r *repeating) Read(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range p {
		r.n = r.n*6364136223846793005 + 1442695040888963407
		p[i] = byte(r.n >> 56)
	}
	return len(p), nil
}

// request is a delivery signed by the secrets, by the site's own when none is given.
func (s *site) request(id, body string, secrets ...signature.Secret) *http.Request {
	s.T.Helper()
	if len(secrets) == 0 {
		secrets = []signature.Secret{s.secret}
	}
	header, err := signature.Sign(id, s.Now(), []byte(body), secrets...)
	if err != nil {
		s.T.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodPost, events, strings.NewReader(body))
	r.Header = header
	r.Header.Set("Content-Type", "application/json")
	return r
}

// serve holds every answer to the OpenAPI document.
func (s *site) serve(r *http.Request) *httptest.ResponseRecorder {
	s.T.Helper()
	return s.doc.Serve(s.T, s.handler, r)
}

func (s *site) post(id, body string, secrets ...signature.Secret) *httptest.ResponseRecorder {
	s.T.Helper()
	return s.serve(s.request(id, body, secrets...))
}

func visit(id, patient string, version int) string {
	return fmt.Sprintf(`{"type": "visit.completed", "timestamp": "2026-03-10T10:55:00+03:00", "data": {"id": %q, "patientId": %q,
		"finishedAt": "2026-03-10T10:50:00+03:00", "procedures": [{"kind": "hygiene", "minutes": 30}],
		"receipt": {"total": "5400.00", "currency": "RUB"}, "version": %d}}`, id, patient, version)
}

const card = `{"type": "patient.updated", "timestamp": "2026-03-10T10:00:00+03:00", "data": {"id": "P-1", "givenName": "Анна",
	"familyName": "Петрова", "phone": "+79160000001", "email": "anna@example.com", "version": 1}}`

func TestTheTableOfAnswers(t *testing.T) {
	s := open(t, tabletest.Plan{}, func(c *dental.Clinic) { c.EventsPerSecond = 5 })
	s.doc = openapitest.Load(t, "openapi.yaml")
	rows := []struct {
		name   string
		send   func() *http.Request
		status int
		body   string // the answer, or a part of it
	}{
		{"an event is accepted", func() *http.Request { return s.request("m1", visit("V-1", "P-1", 1)) },
			202, `{"id":"m1","status":"accepted"}`},
		{"the same again gets the same answer", func() *http.Request { return s.request("m1", visit("V-1", "P-1", 1)) },
			202, `{"id":"m1","status":"accepted"}`},
		{"the same object in another delivery is accepted", func() *http.Request { return s.request("m2", visit("V-1", "P-1", 1)) },
			202, `{"id":"m2","status":"accepted"}`},
		{"an empty body", func() *http.Request { return s.request("b1", "") },
			400, `"message":"the document is empty"`},
		{"no JSON", func() *http.Request { return s.request("b2", "<event/>") },
			400, `"code":"invalid"`},
		{"two documents", func() *http.Request { return s.request("b3", card+card) },
			400, `"code":"invalid"`},
		{"a key twice", func() *http.Request { return s.request("b4", strings.Replace(card, `"id"`, `"id": "P-2", "id"`, 1)) },
			400, `"field":"data.id"`},
		{"bytes that are not UTF-8", func() *http.Request { return s.request("b5", strings.Replace(card, "Анна", "\xc0\xed", 1)) },
			400, `"field":"data.givenName"`},
		{"deeper than 32", func() *http.Request {
			return s.request("b6", strings.Replace(card, `"id"`, `"x": `+strings.Repeat("[", 40)+strings.Repeat("]", 40)+`, "id"`, 1))
		}, 400, `"code":"invalid"`},
		{"an unknown type", func() *http.Request {
			return s.request("b7", strings.Replace(card, "patient.updated", "patient.created", 1))
		},
			400, `"field":"type"`},
		{"a missing field", func() *http.Request {
			return s.request("b8", strings.Replace(visit("V-2", "P-1", 1), `"patientId"`, `"patient"`, 1))
		},
			400, `"field":"data.patientId"`},
		{"a bad field", func() *http.Request {
			return s.request("b9", strings.Replace(visit("V-2", "P-1", 1), `5400.00`, `5400,00`, 1))
		},
			400, `"field":"data.receipt.total"`},
		{"another currency", func() *http.Request {
			return s.request("b10", strings.Replace(visit("V-2", "P-1", 1), `RUB`, `EUR`, 1))
		},
			400, `"field":"data.receipt.currency"`},
		{"an unsigned event", func() *http.Request { return httptest.NewRequest(http.MethodPost, events, strings.NewReader(card)) },
			401, `"code":"unsigned"`},
		{"a clinic that is not there", func() *http.Request {
			r := s.request("n1", card)
			r.URL.Path = "/v1/clinics/nobody/events"
			return r
		}, 404, `{"error":{"code":"not_found","message":"there is no such clinic"}}`},
		{"the same webhook-id with another body", func() *http.Request { return s.request("m1", visit("V-1", "P-1", 2)) },
			409, `"field":"webhook-id"`},
		{"over 256 KB", func() *http.Request { return s.request("l1", card+strings.Repeat(" ", 256<<10-len(card)+1)) },
			413, `"code":"too_large"`},
		{"exactly 256 KB", func() *http.Request { return s.request("l2", card+strings.Repeat(" ", 256<<10-len(card))) },
			202, `"accepted"`},
		{"over the clinic's rate", func() *http.Request {
			for i := range 100 {
				if w := s.post(fmt.Sprintf("r%d", i), card); w.Code == http.StatusTooManyRequests {
					break
				}
			}
			return s.request("r", card)
		}, 429, `"code":"too_many"`},
		{"the table cannot be read", func() *http.Request {
			s.Set(s.Now().Add(time.Minute))
			s.webhook.Clinic = func(context.Context, string) (*dental.Clinic, error) {
				return nil, dental.Errorf(dental.Unavailable, "", "the state cannot be read just now")
			}
			return s.request("u", card)
		}, 503, `"code":"unavailable"`},
		{"something nobody has thought of", func() *http.Request {
			s.webhook.Clinic = func(context.Context, string) (*dental.Clinic, error) {
				return nil, errors.New("C#demo: no route to host 10.0.0.1")
			}
			return s.request("i", card)
		}, 500, `{"error":{"code":"internal","message":"something went wrong on our side, try again later"}}`},
	}
	ran := 0
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			s.T = t
			ran++
			w := s.serve(row.send())
			if w.Code != row.status || !strings.Contains(w.Body.String(), row.body) {
				t.Errorf("answered %d %s, want %d %s", w.Code, w.Body, row.status, row.body)
			}
			if h := w.Header(); h.Get("Content-Type") != "application/json; charset=utf-8" || h.Get("Cache-Control") != "no-store" ||
				h.Get("X-Content-Type-Options") != "nosniff" {
				t.Errorf("headers %v", h)
			}
		})
	}
	s.T = t
	if unseen := s.doc.Unseen("/v1/clinics/{clinic}/events"); ran == len(rows) && len(unseen) > 0 {
		t.Errorf("the document promises what no row has produced: %v", unseen)
	}
}

func TestAnswersTo400LeaveNothingBehind(t *testing.T) {
	s := open(t, tabletest.Plan{})
	for i, body := range []string{"", "{", "[]", `{"type": "visit.completed"}`, strings.Replace(card, `"P-1"`, `"P 1"`, 1)} {
		if w := s.post(fmt.Sprint("b", i), body); w.Code != http.StatusBadRequest {
			t.Errorf("%q is answered %d", body, w.Code)
		}
	}
	if s.table.done() != 0 {
		t.Errorf("%v were written", s.table.put)
	}
	if w := s.post("b4", card); w.Code != http.StatusAccepted {
		t.Errorf("the id of a refused event cannot be used again: %d %s", w.Code, w.Body)
	}
}

func TestOtherMethodsAreRefusedInJSON(t *testing.T) {
	s := open(t, tabletest.Plan{})
	for _, method := range []string{http.MethodGet, http.MethodPut, http.MethodDelete, http.MethodPatch, http.MethodOptions} {
		w := s.serve(httptest.NewRequest(method, events, strings.NewReader(card)))
		if want := `{"error":{"code":"method_not_allowed","message":"events are posted"}}` + "\n"; w.Code != http.StatusMethodNotAllowed ||
			w.Header().Get("Allow") != "POST" || w.Body.String() != want {
			t.Errorf("%s is answered %d, Allow %q: %s", method, w.Code, w.Header().Get("Allow"), w.Body)
		}
	}
}

func TestWhatCanBeNoClinicIsNotLookedUp(t *testing.T) {
	s := open(t, tabletest.Plan{})
	for _, id := range []string{strings.Repeat("x", 65), strings.Repeat("x", 5000), "a%2Fb", "%D0%BA", "a%20b", "%ff"} {
		r := s.request("m", card)
		target := httptest.NewRequest(http.MethodPost, "/v1/clinics/"+id+"/events", nil).URL
		r.URL = target
		w := httptest.NewRecorder()
		s.handler.ServeHTTP(w, r)
		if want := `{"error":{"code":"not_found","message":"there is no such clinic"}}` + "\n"; w.Code != http.StatusNotFound || w.Body.String() != want {
			t.Errorf("%.20s is answered %d %s", id, w.Code, w.Body)
		}
	}
	if s.table.reads != 0 {
		t.Errorf("%d reads of the table", s.table.reads)
	}
}

func TestEveryReasonForA401LooksTheSame(t *testing.T) {
	s := open(t, tabletest.Plan{}, func(c *dental.Clinic) {
		c.Secrets = append(c.Secrets, dental.WebhookSecret{Secret: dental.Secret(secret(t, 9).Reveal()), Until: start.Add(-time.Second)},
			dental.WebhookSecret{Secret: dental.Secret(secret(t, 8).Reveal()), From: start.Add(time.Hour)})
	})
	signedAt := func(at time.Time) *http.Request {
		r := s.request("m1", card)
		header, err := signature.Sign("m1", at, []byte(card), s.secret)
		if err != nil {
			t.Fatal(err)
		}
		r.Header = header
		return r
	}
	with := func(name, value string) *http.Request {
		r := s.request("m1", card)
		r.Header.Del(name)
		if value != "" {
			r.Header.Set(name, value)
		}
		return r
	}
	var first *httptest.ResponseRecorder
	reasons := map[string]bool{}
	for name, r := range map[string]*http.Request{
		"no id":                   with("webhook-id", ""),
		"no time":                 with("webhook-timestamp", ""),
		"no signature":            with("webhook-signature", ""),
		"another id":              with("webhook-id", "m2"),
		"another time":            with("webhook-timestamp", fmt.Sprint(start.Unix()+1)),
		"a signature of nothing":  with("webhook-signature", "v1,"),
		"another version":         with("webhook-signature", strings.Replace(s.request("m1", card).Header.Get("webhook-signature"), "v1,", "v2,", 1)),
		"a stranger's secret":     s.request("m1", card, secret(t, 2)),
		"a secret that has ended": s.request("m1", card, secret(t, 9)),
		"a secret of the future":  s.request("m1", card, secret(t, 8)),
		"a stale time":            signedAt(start.Add(-5*time.Minute - time.Second)),
		"a time ahead":            signedAt(start.Add(5*time.Minute + time.Second)),
		"an altered body": func() *http.Request {
			r := s.request("m1", card)
			r.Body = http.NoBody
			return r
		}(),
		"a twofold header": func() *http.Request {
			r := s.request("m1", card)
			r.Header.Add("webhook-id", "m1")
			return r
		}(),
		"a body that is no event": httptest.NewRequest(http.MethodPost, events, strings.NewReader("{")),
	} {
		t.Run(name, func(t *testing.T) {
			s.T = t
			s.log.Reset()
			w := s.serve(r)
			if w.Code != http.StatusUnauthorized {
				t.Fatalf("answered %d %s", w.Code, w.Body)
			}
			if first == nil {
				first = w
			}
			if !bytes.Equal(w.Body.Bytes(), first.Body.Bytes()) || fmt.Sprint(w.Header()) != fmt.Sprint(first.Header()) {
				t.Errorf("%v %s, and another was %v %s", w.Header(), w.Body, first.Header(), first.Body)
			}
			if !strings.Contains(s.log.String(), `"reason":"`) {
				t.Errorf("the log does not say why: %s", s.log)
			}
			reasons[s.log.String()[strings.Index(s.log.String(), `"reason"`):]] = true
		})
	}
	s.T = t
	if len(reasons) < 7 {
		t.Errorf("the log tells %d reasons apart", len(reasons))
	}
	if s.table.done() != 0 {
		t.Errorf("stored: %v", s.table.put)
	}
}

func TestAClinicWithoutASecretTakesNothing(t *testing.T) {
	s := open(t, tabletest.Plan{}, func(c *dental.Clinic) { c.Secrets = nil })
	if w := s.post("m1", card); w.Code != http.StatusUnauthorized || s.table.done() != 0 {
		t.Errorf("answered %d, %d writes", w.Code, s.table.done())
	}
}

func TestASecretIsReplacedWithoutLosingAnEvent(t *testing.T) {
	s := open(t, tabletest.Plan{})
	keeper := settings.Keeper{Store: s.Store, Rand: seeded(3)}
	n := 0
	answered := func(what string, want int, secrets ...signature.Secret) {
		t.Helper()
		n++
		if w := s.post(fmt.Sprint("m", n), visit(fmt.Sprint("V-", n), "P-1", 1), secrets...); w.Code != want {
			t.Errorf("%s is answered %d, want %d", what, w.Code, want)
		}
	}
	answered("the old secret before", 202, s.secret)
	revealed, err := keeper.RotateSecret(t.Context(), "demo", s.Now(), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	next, err := signature.ParseSecret(string(revealed))
	if err != nil {
		t.Fatal(err)
	}
	for _, at := range []time.Duration{0, 30 * time.Minute, time.Hour - time.Second} {
		s.Set(start.Add(at))
		answered(fmt.Sprintf("the old secret after %v", at), 202, s.secret)
		answered(fmt.Sprintf("the new secret after %v", at), 202, next)
		answered(fmt.Sprintf("both after %v", at), 202, s.secret, next)
	}
	s.Set(start.Add(time.Hour))
	answered("the old secret after the overlap", 401, s.secret)
	answered("the new secret after the overlap", 202, next)
	answered("both after the overlap", 202, s.secret, next)
	if got := len(s.Card("P-1").Visits); got != n-1 {
		t.Errorf("%d visits of %d accepted", got, n-1)
	}
}

func TestAHundredDeliveriesOfOneEventAtOnceAreOne(t *testing.T) {
	s := open(t, tabletest.Plan{})
	var all sync.WaitGroup
	answers := make(chan string, 100)
	for range 100 {
		all.Go(func() {
			w := s.post("m1", visit("V-1", "P-1", 1))
			answers <- fmt.Sprintf("%d %s", w.Code, w.Body)
		})
	}
	all.Wait()
	close(answers)
	for a := range answers {
		if want := `202 {"id":"m1","status":"accepted"}` + "\n"; a != want {
			t.Fatalf("answered %s", a)
		}
	}
	if s.table.done() != 1 {
		t.Errorf("%d writes", s.table.done())
	}
	c := s.Card("P-1")
	if len(c.Visits) != 1 || len(c.Touches) != 2 || c.Patient.Changes != 1 {
		t.Errorf("%d visits, %d touches, %d changes", len(c.Visits), len(c.Touches), c.Patient.Changes)
	}
}

func TestDifferentEventsAtOnceOnOnePatientAllLand(t *testing.T) {
	s := open(t, tabletest.Plan{}, func(c *dental.Clinic) { c.EventsPerSecond = 100 })
	bodies := []string{card, visit("V-1", "P-1", 1), visit("V-2", "P-1", 1),
		`{"type": "plan.updated", "timestamp": "2026-03-10T10:00:00+03:00", "data": {"id": "L-1", "patientId": "P-1", "presentedAt": "2026-03-10T10:00:00+03:00"}}`,
		`{"type": "payment.received", "timestamp": "2026-03-10T10:00:00+03:00", "data": {"id": "F-1", "patientId": "P-1", "at": "2026-03-10T10:00:00+03:00",
			"amount": {"total": "5400", "currency": "RUB"}, "kind": "payment"}}`,
		`{"type": "appointment.booked", "timestamp": "2026-03-10T10:00:00+03:00", "data": {"id": "A-1", "patientId": "P-1", "start": "2026-04-10T10:00:00+03:00"}}`}
	var all sync.WaitGroup
	for i, body := range bodies {
		all.Go(func() {
			if w := s.post(fmt.Sprint("m", i), body); w.Code != http.StatusAccepted {
				t.Errorf("answered %d %s", w.Code, w.Body)
			}
		})
	}
	all.Wait()
	c := s.Card("P-1")
	if c.Patient.GivenName != "Анна" || len(c.Visits) != 2 || len(c.Plans) != 1 || len(c.Payments) != 1 || len(c.Appointments) != 1 {
		t.Errorf("patient %q, %d visits, %d plans, %d payments, %d appointments", c.Patient.GivenName, len(c.Visits), len(c.Plans), len(c.Payments), len(c.Appointments))
	}
	if c.Patient.Changes != int64(len(bodies)) {
		t.Errorf("%d changes of %d events", c.Patient.Changes, len(bodies))
	}
}

func TestOverTheRateTheAnswerSaysWhenToComeAgain(t *testing.T) {
	s := open(t, tabletest.Plan{}, func(c *dental.Clinic) { c.EventsPerSecond = 2 })
	other := s.Clinic
	other.ID, other.EventsPerSecond = "other", 2
	tx := s.Store.Begin()
	if _, err := tx.Clinic(t.Context(), other.ID); dental.KindOf(err) != dental.NotFound {
		t.Fatal(err)
	}
	tx.Put(other)
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	for range 50 {
		s.post("forged", card, secret(t, 2))
	}
	n := 0
	send := func() *httptest.ResponseRecorder { n++; return s.post(fmt.Sprint("m", n), card) }
	for range 20 {
		if w := send(); w.Code != http.StatusAccepted {
			t.Fatalf("event %d of a burst of twenty is answered %d", n, w.Code)
		}
	}
	writes := s.table.done()
	w := send()
	if w.Code != http.StatusTooManyRequests || w.Header().Get("Retry-After") != "1" {
		t.Fatalf("answered %d, Retry-After %q", w.Code, w.Header().Get("Retry-After"))
	}
	if s.table.done() != writes {
		t.Error("an event over the rate was stored")
	}
	r := s.request("o1", card)
	r.URL.Path = "/v1/clinics/other/events"
	if w := s.serve(r); w.Code != http.StatusAccepted {
		t.Errorf("another clinic is answered %d", w.Code)
	}
	s.Set(s.Now().Add(time.Second))
	for range 2 {
		if w := send(); w.Code != http.StatusAccepted {
			t.Errorf("after the wait: %d", w.Code)
		}
	}
	if w := send(); w.Code != http.StatusTooManyRequests {
		t.Errorf("three in a second at two a second: %d", w.Code)
	}
}

func TestARaisedRateCountsAtOnce(t *testing.T) {
	s := open(t, tabletest.Plan{}, func(c *dental.Clinic) { c.EventsPerSecond = 1 })
	for i := range 11 {
		s.post(fmt.Sprint("m", i), card)
	}
	s.Settings(func(c *dental.Clinic) { c.EventsPerSecond = 100 })
	if w := s.post("m", card); w.Code != http.StatusAccepted {
		t.Errorf("answered %d", w.Code)
	}
}

// TestWithoutATableNothingIsHalfStored takes the table away in each way it can
// go. Time is the bubble's, so that the engine's patience costs none.
func TestWithoutATableNothingIsHalfStored(t *testing.T) {
	for _, tt := range []struct {
		fault  tabletest.Fault
		status int
		writes int
	}{
		{tabletest.FailedRead, 503, 0},
		{tabletest.LostBefore, 503, 0},
		{tabletest.Contended, 503, 0},
		{tabletest.LostAfter, 202, 1}, // what was written is found again
	} {
		t.Run(string(tt.fault), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := open(t, tabletest.Plan{Seed: 1, Chance: map[tabletest.Fault]float64{tt.fault: 1}})
				w := s.post("m1", visit("V-1", "P-1", 1))
				if w.Code != tt.status || s.table.done() != tt.writes {
					t.Errorf("answered %d, %d writes: %s", w.Code, s.table.done(), w.Body)
				}
				if tt.status == 503 && w.Header().Get("Retry-After") != "5" {
					t.Errorf("Retry-After %q", w.Header().Get("Retry-After"))
				}
				if s.faulty.Happened()[tt.fault] == 0 {
					t.Error("the fault did not happen")
				}
				s.faulty.Heal()
				if w := s.post("m1", visit("V-1", "P-1", 1)); w.Code != http.StatusAccepted || s.table.done() != 1 {
					t.Errorf("with the table back: %d, %d writes", w.Code, s.table.done())
				}
				if c := s.Card("P-1"); len(c.Visits) != 1 || len(c.Touches) != 2 {
					t.Errorf("%d visits, %d touches", len(c.Visits), len(c.Touches))
				}
			})
		})
	}
}

// refusing is a table that can be read but not written, with an error of no kind.
type refusing struct{ table.Table }

func (refusing) Write(context.Context, ...table.Op) error {
	return errors.New("dynamo: AccessDeniedException")
}

func TestATableThatRefusesWritesIsUnavailable(t *testing.T) {
	s := open(t, tabletest.Plan{})
	s.Stage = stagetest.Join(s.Stage, refusing{s.table})
	s.webhook.Accept = s.Intake.Accept
	if w := s.post("m1", card); w.Code != http.StatusServiceUnavailable || strings.Contains(w.Body.String(), "dynamo") {
		t.Errorf("answered %d %s", w.Code, w.Body)
	}
}

// TestASenderThatRepeatsUntilAcceptedLosesNothing lets everything go wrong a
// little, and a sender that repeats each event until it is accepted.
func TestASenderThatRepeatsUntilAcceptedLosesNothing(t *testing.T) {
	bodies := []string{card, visit("V-1", "P-1", 1), visit("V-1", "P-1", 2), strings.Replace(visit("V-2", "P-1", 1), "10:50", "09:50", 1)}
	synctest.Test(t, func(t *testing.T) {
		chance := map[tabletest.Fault]float64{tabletest.LostBefore: 0.1, tabletest.LostAfter: 0.2, tabletest.LostLate: 0.1, tabletest.Contended: 0.1, tabletest.FailedRead: 0.1}
		happened := map[tabletest.Fault]int{}
		var want string
		for seed := range uint64(25) {
			plan := tabletest.Plan{Seed: seed, Chance: chance}
			if seed == 0 {
				plan.Chance = nil
			}
			s := open(t, plan)
			for i, body := range bodies {
				for try := 0; s.post(fmt.Sprint("m", i), body).Code != http.StatusAccepted; try++ {
					if try == 100 {
						t.Fatalf("seed %d: event %d is never accepted", seed, i)
					}
				}
			}
			for fault, n := range s.faulty.Happened() {
				happened[fault] += n
			}
			s.faulty.Heal()
			c := s.Card("P-1")
			got := fmt.Sprintf("%d changes; %+v; %+v; %+v", c.Patient.Changes, c.Visits, c.Milestones, c.Touches)
			if seed == 0 {
				want = got
			}
			if got != want {
				t.Errorf("seed %d: %s\nwithout faults: %s", seed, got, want)
			}
		}
		for fault := range chance {
			if happened[fault] == 0 {
				t.Errorf("%s never happened", fault)
			}
		}
	})
}

func TestTheLogHoldsNothingPersonal(t *testing.T) {
	s := open(t, tabletest.Plan{})
	s.post("m1", card)
	s.post("m1", strings.Replace(card, `"version": 1`, `"version": 2`, 1))
	s.post("m2", strings.Replace(card, "anna@example.com", "anna@example.com\x01", 1))
	s.post("m3", card, secret(t, 2))
	s.post("m4", strings.Replace(visit("V-1", "P-1", 1), "RUB", "EUR", 1))
	if n := strings.Count(s.log.String(), "\n"); n != 5 {
		t.Errorf("%d lines for five events:\n%s", n, s.log)
	}
	for _, word := range []string{"Анна", "Петрова", "9160000001", "anna@", "whsec_", "5400"} {
		if strings.Contains(s.log.String(), word) {
			t.Errorf("%q stands in the log:\n%s", word, s.log)
		}
	}
}

func TestABodyTooLargeIsAnsweredOverTheWire(t *testing.T) {
	s := open(t, tabletest.Plan{})
	server := httptest.NewServer(s.handler)
	defer server.Close()
	response, err := http.Post(server.URL+events, "application/json", strings.NewReader(strings.Repeat("x", 600<<10)))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("answered %s", response.Status)
	}
}

func TestTheDocumentHasTheRouteAndNoneBesides(t *testing.T) {
	s := open(t, tabletest.Plan{})
	routes := openapitest.Routes(t, s.handler)
	if !slices.Equal(routes, []string{"/v1/clinics/{clinic}/events"}) {
		t.Errorf("routes %v", routes)
	}
	for _, route := range routes {
		if !slices.Contains(s.doc.Paths(), route) {
			t.Errorf("the document does not have %s", route)
		}
	}
}

// FuzzSigned: whatever a clinic signs is answered by the table, in the shape of
// the document, and never by a 5xx.
func FuzzSigned(f *testing.F) {
	f.Add(card)
	f.Add(visit("V-1", "P-1", 1))
	f.Add(`{"type": "patient.deleted", "timestamp": "2026-03-10T10:00:00+03:00", "data": {"id": "P-1"}}`)
	f.Add(`{"type": "plan.updated", "timestamp": "2026-03-10T10:00:00+03:00", "data": {"id": "L-1", "patientId": "P-1", "presentedAt": "2026-03-10T10:00:00+03:00",
		"stages": [{"id": "1", "status": "done", "price": {"total": "1", "currency": "USD"}, "doneAt": "2026-03-10T10:00:00+03:00"}]}}`)
	f.Add("\x00")
	f.Fuzz(func(t *testing.T, body string) {
		s := open(t, tabletest.Plan{})
		w := s.post("m1", body)
		if w.Code != http.StatusAccepted && w.Code != http.StatusBadRequest && w.Code != http.StatusRequestEntityTooLarge {
			t.Errorf("answered %d %s", w.Code, w.Body)
		}
	})
}
