package house_test

import (
	"bytes"
	"context"
	"crypto/md5"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/returnpoint/returnpoint/functions/delivery/callbacks"
	"github.com/returnpoint/returnpoint/functions/import/formats"
	"github.com/returnpoint/returnpoint/functions/pull/systems"
	"github.com/returnpoint/returnpoint/infra/local/template"
	"github.com/returnpoint/returnpoint/shared/app"
	"github.com/returnpoint/returnpoint/shared/app/team"
	"github.com/returnpoint/returnpoint/shared/blob/dir"
	"github.com/returnpoint/returnpoint/shared/channel/email/sesevent"
	"github.com/returnpoint/returnpoint/shared/channel/sms/inbound"
	"github.com/returnpoint/returnpoint/shared/channel/sms/smslog"
	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/intake"
	"github.com/returnpoint/returnpoint/shared/lambdaio"
	"github.com/returnpoint/returnpoint/shared/load"
	"github.com/returnpoint/returnpoint/shared/mis/generic"
	"github.com/returnpoint/returnpoint/shared/outreach"
	"github.com/returnpoint/returnpoint/shared/phone"
	"github.com/returnpoint/returnpoint/shared/portrait"
	"github.com/returnpoint/returnpoint/shared/pull"
	"github.com/returnpoint/returnpoint/shared/scan"
	"github.com/returnpoint/returnpoint/shared/scenario"
	"github.com/returnpoint/returnpoint/shared/settings"
	"github.com/returnpoint/returnpoint/shared/signature"
	"github.com/returnpoint/returnpoint/shared/store"
	"github.com/returnpoint/returnpoint/shared/table"
	"github.com/returnpoint/returnpoint/shared/table/tabletest"
)

// start is when the events of events/ happen: a Friday afternoon in Moscow.
var start = time.Date(2026, 5, 22, 12, 40, 0, 0, time.UTC)

// The secrets that the events were made under: 32 times one letter each, so that nobody takes them for real.
var (
	signingKey = "whsec_" + base64.StdEncoding.EncodeToString(bytes.Repeat([]byte("e"), 32))
	storeKeys  = store.Keys{Contact: bytes.Repeat([]byte("c"), 32), Link: bytes.Repeat([]byte("l"), 32)}
)

// attempt is the id of every claim: what sixteen times the letter a, drawn as randomness, gives.
const attempt = "YWFhYWFhYWFhYWFhYWFhYQ"

type always byte

func (a always) Read(p []byte) (int, error) {
	return copy(p, bytes.Repeat([]byte{byte(a)}, len(p))), nil
}

// house is all the functions over one table, each behind the permissions that
// the template grants it.
type house struct {
	t        *testing.T
	clock    *tabletest.Clock
	table    table.Table
	log      bytes.Buffer
	handlers map[string]lambdaio.Handler
	texts    *channel
	mails    *channel
	touches  *queue
	jobs     *queue
	clinics  *queue
	pulls    *queue
	imports  *queue
	files    *dir.Dir
}

// channel takes every message.
type channel struct {
	name string
	sent []outreach.Message
}

func (c *channel) Send(_ context.Context, m outreach.Message) (string, error) {
	c.sent = append(c.sent, m)
	return fmt.Sprintf("%s-%d", c.name, len(c.sent)), nil
}

type queue struct{ bodies []string }

func (q *queue) Enqueue(_ context.Context, bodies ...string) error {
	q.bodies = append(q.bodies, bodies...)
	return nil
}

// Fetch is what doctors' photos are: an answer that is none.
func (h *house) Fetch(context.Context, string) ([]byte, error) { return []byte("no photo"), nil }

// records is a clinic's own system, which has one record of a patient.
type records struct{}

func (records) Changed(ctx context.Context, cl *dental.Clinic, a dental.Account, cursor string, now time.Time) (pull.Page, error) {
	objects, err := records{}.Fetch(ctx, cl, a, intake.Ref{Kind: "record", ID: "70"}, now)
	return pull.Page{Objects: objects, Cursor: "told"}, err
}

func (records) Fetch(_ context.Context, _ *dental.Clinic, _ dental.Account, ref intake.Ref, _ time.Time) ([]intake.Object, error) {
	at := start.AddDate(0, 0, 7)
	return []intake.Object{{System: dental.YClients, Kind: ref.Kind, ID: ref.ID, Version: 1, Body: "a record", Facts: []intake.Event{{Type: intake.AppointmentBooked,
		Appointment: &dental.Appointment{Clinic: "demo", Patient: "P-77", ID: ref.ID, Start: at, End: at.Add(time.Hour), Status: dental.Booked}}}}}, nil
}

// newHouse is the demo clinic before its first event.
func newHouse(t *testing.T) *house {
	t.Helper()
	h := &house{t: t, clock: tabletest.NewClock(start), texts: &channel{name: "sms"}, mails: &channel{name: "mail"}, touches: &queue{}, jobs: &queue{}, clinics: &queue{}, pulls: &queue{}, imports: &queue{}}
	h.table = tabletest.NewReference(h.clock.Now, rand.NewChaCha8([32]byte{1}))
	log := lambdaio.Logger(&h.log, slog.LevelDebug)
	deps := func(name string) app.Deps {
		state, err := store.New(&guarded{Table: h.table, t: t, function: name, allowed: granted(t, name)}, storeKeys, time.Now)
		if err != nil {
			t.Fatal(err)
		}
		return app.Deps{Store: state, Catalogue: scenario.Shipped(), Clock: h.clock.Now, Rand: always('a'), Log: log}
	}
	send := app.Send(deps("send"), map[dental.Channel]outreach.Channel{dental.SMS: h.texts, dental.Mail: h.mails}, nil, "https://rp.example")
	take, calls := app.Delivery(deps("delivery"), app.Sources{Reports: []app.Parser{sesevent.Parse, smslog.Parse}, Words: []app.Listener{inbound.Parse}, Callbacks: callbacks.Providers()})
	work := app.Work(deps("work"), h, portrait.Make, nil, "https://rp.example")
	desk, err := team.Desk(deps("desk"), team.Front{Base: "https://rp.example", Issuer: "https://issuer.example", ClientID: "client", Keys: [][]byte{bytes.Repeat([]byte("s"), 64)}, Client: &http.Client{}})
	if err != nil {
		t.Fatal(err)
	}
	h.handlers = map[string]lambdaio.Handler{
		"webhook":  lambdaio.HTTP(log, app.Webhook(deps("webhook"), app.Told{Events: generic.Decode, Sources: systems.Readers()}, phone.Read)),
		"dispatch": lambdaio.Schedule(log, app.Dispatch(deps("dispatch"), app.Queues{Touches: h.touches, Jobs: h.jobs, Imports: h.imports, Pulls: h.pulls})),
		"send":     lambdaio.Queue(log, time.Second, func(ctx context.Context, m lambdaio.Message) error { return send(ctx, m.Body) }),
		"delivery": lambdaio.Either(lambdaio.HTTP(log, calls),
			lambdaio.Events(log, func(ctx context.Context, e lambdaio.Event) error { return take(ctx, e.Time, e.Body) })),
		"survey":      lambdaio.HTTP(log, app.Survey(deps("survey"))),
		"confirm":     lambdaio.HTTP(log, app.Confirm(deps("confirm"))),
		"unsubscribe": lambdaio.HTTP(log, app.Unsubscribe(deps("unsubscribe"))),
		"links":       lambdaio.HTTP(log, app.Links(deps("links"), "https://rp.example")),
		"referral":    lambdaio.HTTP(log, app.Referral(deps("referral"), phone.Read)),
		"desk":        lambdaio.HTTP(log, desk),
		"work":        lambdaio.Queue(log, time.Second, func(ctx context.Context, m lambdaio.Message) error { return work(ctx, m.Body) }),
	}
	for name, s := range map[string]*scan.Scanner{"scan-sleeping": app.ScanSleeping(deps("scan-sleeping"), h.clinics),
		"scan-birthdays": app.ScanBirthdays(deps("scan-birthdays"), h.clinics), "scan-occasions": app.ScanOccasions(deps("scan-occasions"), h.clinics)} {
		h.handlers[name] = lambdaio.FanOut(lambdaio.Schedule(log, s.Tick),
			lambdaio.Queue(log, time.Second, func(ctx context.Context, m lambdaio.Message) error { return s.Handle(ctx, m.Body) }))
	}
	weekly := team.Report(deps("report"), h.mails, h.clinics, "https://rp.example")
	h.handlers["report"] = lambdaio.FanOut(lambdaio.Schedule(log, weekly.Tick),
		lambdaio.Queue(log, time.Second, func(ctx context.Context, m lambdaio.Message) error { return weekly.Handle(ctx, m.Body) }))
	puller := app.Pull(deps("pull"), app.Systems{Clients: map[string]pull.System{dental.YClients: records{}}, Opens: systems.Opens}, h.clinics, phone.Read)
	h.handlers["pull"] = lambdaio.FanOut(lambdaio.Schedule(log, puller.Tick),
		lambdaio.Queue(log, time.Second, func(ctx context.Context, m lambdaio.Message) error { return puller.Handle(ctx, m.Body) }))
	if h.files, err = dir.Open(t.TempDir(), dir.Options{Base: "https://rp.example", Key: bytes.Repeat([]byte("k"), 32), Now: h.clock.Now,
		Disk: func() time.Time { return time.Now().Add(time.Hour) }}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.files.Close() })
	loader, imports := app.Import(deps("import"), h.files, formats.All(), h.imports, phone.Read)
	h.handlers["import"] = lambdaio.Either(lambdaio.HTTP(log, imports), lambdaio.FanOut(lambdaio.Schedule(log, loader.Tick),
		lambdaio.Queue(log, time.Second, func(ctx context.Context, m lambdaio.Message) error { return loader.Handle(ctx, m.Body) })))
	cl := settings.Demo()
	cl.Secrets = []dental.WebhookSecret{{Secret: dental.Secret(signingKey), From: start.Add(-time.Hour)}}
	cl.Accounts = map[string]dental.Account{dental.SMSGate: {Secrets: map[string]dental.Secret{dental.CallbackSecret: "path-secret-of-the-demo-clinic", "callbackSecret": "callbackcallbackcallback"}}}
	if _, err := (&settings.Keeper{Store: h.store(), Rand: rand.NewChaCha8([32]byte{2})}).Create(t.Context(), cl, start); err != nil {
		t.Fatal(err)
	}
	return h
}

// granted lists the actions on the table and on its indexes that the template
// grants a function: "dynamodb:Query", "dynamodb:Query GSI1".
func granted(t testing.TB, name string) (actions []string) {
	t.Helper()
	for _, policy := range readFunctions(t)[name].properties.in("Policies").list() {
		for _, s := range policy.in("Statement").list() {
			for _, a := range s.in("Action").list() {
				for _, r := range append(s.in("Resource").list(), s.in("NotResource").list()...) {
					on := ""
					if _, index, ok := strings.Cut(r.text(), "/index/"); ok {
						on = " " + index
					}
					actions = append(actions, a.text()+on)
				}
			}
		}
	}
	return actions
}

// guarded is a table that refuses what a function's policy does not grant, by
// the rules of table/dynamo: two keys are a batch, and a write of several items
// asks for the permission of each.
type guarded struct {
	table.Table
	t        *testing.T
	function string
	allowed  []string
}

var errDenied = errors.New("AccessDeniedException")

func (g *guarded) ask(actions ...string) error {
	for _, a := range actions {
		if !slices.Contains(g.allowed, a) {
			g.t.Errorf("%s needs %s, which template.yaml does not grant it", g.function, a)
			return fmt.Errorf("guarded table: %w", errDenied)
		}
	}
	return nil
}

func (g *guarded) Get(ctx context.Context, keys ...table.Key) ([]table.Item, error) {
	needs := "dynamodb:GetItem"
	if len(slices.Compact(slices.SortedFunc(slices.Values(keys), func(a, b table.Key) int { return strings.Compare(a.String(), b.String()) }))) > 1 {
		needs = "dynamodb:BatchGetItem"
	}
	if err := g.ask(needs); err != nil {
		return nil, err
	}
	return g.Table.Get(ctx, keys...)
}

func (g *guarded) Query(ctx context.Context, q table.Query) (table.Page, error) {
	needs := "dynamodb:Query"
	if q.Index != table.Main {
		needs += [...]string{table.GSI1: " GSI1", table.GSI2: " GSI2"}[q.Index]
	}
	if err := g.ask(needs); err != nil {
		return table.Page{}, err
	}
	return g.Table.Query(ctx, q)
}

func (g *guarded) Write(ctx context.Context, ops ...table.Op) error {
	for _, op := range ops {
		needs := map[table.OpKind]string{table.OpPut: "dynamodb:PutItem", table.OpDelete: "dynamodb:DeleteItem", table.OpCheck: "dynamodb:ConditionCheckItem"}
		// A lost answer is settled by reading what was written.
		if err := g.ask(needs[op.Kind], "dynamodb:GetItem", "dynamodb:BatchGetItem"); err != nil {
			return err
		}
	}
	return g.Table.Write(ctx, ops...)
}

// store is the state as the test looks at it, past all permissions.
func (h *house) store() *store.Store {
	h.t.Helper()
	s, err := store.New(h.table, storeKeys, time.Now)
	if err != nil {
		h.t.Fatal(err)
	}
	return s
}

func (h *house) card() *dental.Card {
	h.t.Helper()
	card, err := h.store().Begin().Card(h.t.Context(), "demo", "P-77")
	if err != nil {
		h.t.Fatal(err)
	}
	return card
}

// put writes a noun that the flows under test would have written.
func (h *house) put(read func(tx *store.Tx) error, nouns ...any) {
	h.t.Helper()
	tx := h.store().Begin()
	if err := read(tx); err != nil {
		h.t.Fatal(err)
	}
	for _, n := range nouns {
		tx.Put(n)
	}
	if err := tx.Commit(h.t.Context()); err != nil {
		h.t.Fatal(err)
	}
}

// link lets a token open a page, and returns it.
func (h *house) link(l dental.Link) (token string) {
	h.t.Helper()
	l.Clinic, l.Patient, l.Expires = "demo", "P-77", start.AddDate(0, 1, 0)
	token = h.store().Token(l)
	l.Hash = store.TokenHash(token)
	h.put(func(*store.Tx) error { return nil }, l)
	return token
}

// invoke runs a function over a payload, within the time that the template gives it.
func (h *house) invoke(name string, payload []byte) []byte {
	h.t.Helper()
	answer, err := lambdaio.Invoke(h.t.Context(), h.handlers[name], payload, readFunctions(h.t)[name].Timeout)
	if err != nil {
		h.t.Fatalf("%s: %v\n%s", name, err, &h.log)
	}
	return answer
}

// replay runs a function over its file in events/.
func (h *house) replay(event string) []byte {
	h.t.Helper()
	return h.invoke(functionOf(event), readFile(h.t, "events/"+event+".json"))
}

func (h *house) page(answer []byte) *http.Response {
	h.t.Helper()
	w := httptest.NewRecorder()
	if err := lambdaio.WriteHTTPResponse(w, answer); err != nil {
		h.t.Fatal(err)
	}
	return w.Result()
}

// post sends a signed event to the webhook, as a clinic's system does.
func (h *house) post(id, kind, data string) {
	h.t.Helper()
	body := fmt.Sprintf(`{"type": %q, "timestamp": %q, "data": %s}`, kind, h.clock.Now().Format(time.RFC3339), data)
	r := httptest.NewRequest(http.MethodPost, "https://rp.example/v1/clinics/demo/events", strings.NewReader(body))
	r.Header = h.sign(id, h.clock.Now(), body)
	r.Header.Set("Content-Type", "application/json")
	payload, err := lambdaio.HTTPPayload(r, h.clock.Now())
	if err != nil {
		h.t.Fatal(err)
	}
	if got := h.page(h.invoke("webhook", payload)); got.StatusCode != http.StatusAccepted {
		said, _ := io.ReadAll(got.Body)
		h.t.Fatalf("%s was answered %d %s", kind, got.StatusCode, said)
	}
}

func (h *house) sign(id string, at time.Time, body string) http.Header {
	h.t.Helper()
	secret, err := signature.ParseSecret(signingKey)
	if err != nil {
		h.t.Fatal(err)
	}
	header, err := signature.Sign(id, at, []byte(body), secret)
	if err != nil {
		h.t.Fatal(err)
	}
	return header
}

const (
	patient = `{"id": "P-77", "familyName": "Петрова", "givenName": "Анна", "phone": "+79000000000", "birthDate": "1985-03-14", "language": "ru", "version": 1}`
	mailed  = `{"id": "P-77", "familyName": "Петрова", "givenName": "Анна", "email": "anna@example.com", "birthDate": "1985-03-14", "language": "ru", "version": 1}`
	visit   = `{"id": "V-1001", "patientId": "P-77", "finishedAt": "2026-05-22T15:35:00+03:00", "doctor": {"id": "D-3", "name": "Ирина Соколова"}, "procedures": [{"code": "A16.07.051", "name": "Профессиональная гигиена", "kind": "hygiene"}], "version": 1}`
	booking = `{"id": "A-501", "patientId": "P-77", "start": "2026-05-29T11:00:00+03:00", "end": "2026-05-29T11:30:00+03:00", "doctor": {"id": "D-3", "name": "Ирина Соколова"}, "version": 1}`
)

func wantState(t *testing.T, card *dental.Card, step string, state dental.TouchState) *dental.Touch {
	t.Helper()
	touch := card.Touch("after-visit", step, "2026-05-22")
	if touch == nil || touch.State != state {
		t.Fatalf("the touch %s is %+v, want %s", step, touch, state)
	}
	return touch
}

// bodies are those of the messages in a batch of events/.
func bodies(t *testing.T, name string) (out []string) {
	t.Helper()
	var batch events.SQSEvent
	if err := json.Unmarshal(readFile(t, "events/"+name+".json"), &batch); err != nil {
		t.Fatal(err)
	}
	for _, r := range batch.Records {
		out = append(out, r.Body)
	}
	return out
}

// fileOf is the body of a request of events/.
func fileOf(t *testing.T, name string) string {
	t.Helper()
	var request events.APIGatewayV2HTTPRequest
	if err := json.Unmarshal(readFile(t, "events/"+name+".json"), &request); err != nil {
		t.Fatal(err)
	}
	return request.Body
}

// takesIn has an import of one line that can be read and one that cannot done by an event.
func (h *house) takesIn(t *testing.T, event string) {
	t.Helper()
	for range 2 {
		noFailures(t, h.replay(event))
	}
	all, _, err := h.store().Imports(t.Context(), "demo", 10, "")
	if err != nil || len(all) != 1 || all[0].State != dental.ImportDone || all[0].Accepted != 1 || all[0].Refused != 1 {
		t.Errorf("there are the imports %+v (%v)\n%s", all, err, &h.log)
	}
	if c := h.card(); c.Patient.FamilyName != "Петрова" || len(c.Visits) != 1 {
		t.Errorf("of the patient there are %d visits", len(c.Visits))
	}
}

func noFailures(t *testing.T, answer []byte) {
	t.Helper()
	if string(answer) != `{"batchItemFailures":[]}` {
		t.Errorf("the batch was answered %s", answer)
	}
}

// replays say of each event what there is before it, and what the event brings about.
var replays = map[string]func(*testing.T, *house){
	"webhook": func(t *testing.T, h *house) {
		h.post("msg_1", "patient.updated", patient)
		got := h.page(h.replay("webhook"))
		body, err := io.ReadAll(got.Body)
		if err != nil {
			t.Fatal(err)
		}
		if want := `{"id":"msg_2026052215400001","status":"accepted"}`; got.StatusCode != http.StatusAccepted || strings.TrimSpace(string(body)) != want {
			var event events.APIGatewayV2HTTPRequest
			if err := json.Unmarshal(readFile(t, "events/webhook.json"), &event); err != nil {
				t.Fatal(err)
			}
			t.Fatalf("answered %d %s, want 202 %s\nits signature would be %v", got.StatusCode, body, want, h.sign(event.Headers["webhook-id"], start, event.Body))
		}
		card := h.card()
		wantState(t, card, "thanks", dental.Planned)
		wantState(t, card, "survey", dental.Planned)
		if v := card.Visit("V-1001"); v == nil || v.Receipt != (dental.Money{Minor: 540000, Currency: "RUB"}) || v.Doctor.Name != "Ирина Соколова" {
			t.Errorf("the visit is %+v", v)
		}
	},
	"dispatch": func(t *testing.T, h *house) {
		h.post("msg_1", "patient.updated", patient)
		h.post("msg_2", "visit.completed", visit)
		if answer := h.replay("dispatch"); string(answer) != "null" {
			t.Errorf("answered %s", answer)
		}
		if want := bodies(t, "send"); !slices.Equal(h.touches.bodies, want) {
			t.Errorf("queued %q, and events/send.json holds %q", h.touches.bodies, want)
		}
		wantState(t, h.card(), "thanks", dental.Queued)
	},
	"send": func(t *testing.T, h *house) {
		h.post("msg_1", "patient.updated", patient)
		h.post("msg_2", "visit.completed", visit)
		noFailures(t, h.replay("send"))
		if len(h.texts.sent) != 1 || h.texts.sent[0].To != "+79000000000" || !strings.Contains(h.texts.sent[0].Text, "Анна") {
			t.Errorf("sent %+v", h.texts.sent)
		}
		if a := wantState(t, h.card(), "thanks", dental.Sent).Last(); a.ID != attempt || a.Outcome != dental.Accepted {
			t.Errorf("the attempt is %+v", a)
		}
		noFailures(t, h.replay("send"))
		if len(h.texts.sent) != 1 {
			t.Errorf("the same batch again sent it again: %+v", h.texts.sent)
		}
	},
	"delivery": func(t *testing.T, h *house) {
		h.post("msg_1", "patient.updated", mailed)
		h.post("msg_2", "visit.completed", visit)
		noFailures(t, h.replay("send"))
		if len(h.mails.sent) != 1 {
			t.Fatalf("no mail was sent: %s", &h.log)
		}
		if answer := h.replay("delivery"); string(answer) != "null" {
			t.Errorf("answered %s", answer)
		}
		card := h.card()
		if a := card.Touch("after-visit", "thanks", "2026-05-22").Last(); a.Outcome != dental.Undelivered {
			t.Errorf("the attempt is %+v", a)
		}
		cl := settings.Demo()
		contacts, err := h.store().Begin().Contacts(t.Context(), &cl, "anna@example.com")
		if err != nil || contacts["anna@example.com"].Suppressed == "" {
			t.Errorf("the address is not suppressed: %+v, %v", contacts, err)
		}
	},
	"delivery.sms-log": func(t *testing.T, h *house) {
		h.post("msg_1", "patient.updated", patient)
		h.post("msg_2", "visit.completed", visit)
		noFailures(t, h.replay("send"))
		for range 2 { // CloudWatch Logs may bring it again
			if answer := h.replay("delivery.sms-log"); string(answer) != "null" {
				t.Errorf("answered %s", answer)
			}
		}
		if a := h.card().Touch("after-visit", "thanks", "2026-05-22").Last(); a.Outcome != dental.Undelivered || a.Detail != "Phone is currently unreachable/unavailable" {
			t.Errorf("the attempt is %+v", a)
		}
	},
	"delivery.inbound-sms": func(t *testing.T, h *house) {
		h.post("msg_1", "patient.updated", patient)
		h.post("msg_2", "appointment.booked", booking)
		h.clock.Advance(time.Date(2026, 5, 27, 8, 1, 0, 0, time.UTC).Sub(start))
		h.send()
		if len(h.texts.sent) != 1 {
			t.Fatalf("no reminder was sent: %s", &h.log)
		}
		h.clock.Advance(5 * time.Minute)
		for range 2 {
			if answer := h.replay("delivery.inbound-sms"); string(answer) != "null" {
				t.Errorf("answered %s", answer)
			}
		}
		card := h.card()
		if a := card.Appointments[0]; a.Reply != "confirm" || !a.ReplyFor.Equal(a.Start) || len(card.Tasks) > 0 {
			t.Errorf("the appointment is %+v, the tasks are %+v", a, card.Tasks)
		}
		if log := h.log.String(); strings.Contains(log, "79000000000") || strings.Contains(log, "приду") {
			t.Errorf("the log tells who wrote what: %s", log)
		}
	},
	"delivery.callback": func(t *testing.T, h *house) {
		h.post("msg_1", "patient.updated", patient)
		h.post("msg_2", "visit.completed", visit)
		noFailures(t, h.replay("send"))
		if got := h.page(h.replay("delivery.callback")); got.StatusCode != http.StatusOK {
			t.Errorf("answered %d: %s", got.StatusCode, &h.log)
		}
		if a := h.card().Touch("after-visit", "thanks", "2026-05-22").Last(); a.Outcome != dental.Undelivered || a.Detail != "20/1" {
			t.Errorf("the attempt is %+v", a)
		}
		cl := settings.Demo()
		contacts, err := h.store().Begin().Contacts(t.Context(), &cl, "+79000000000")
		if err != nil || contacts["+79000000000"].Suppressed == "" {
			t.Errorf("the number is not suppressed: %+v, %v", contacts, err)
		}
		if log := h.log.String(); strings.Contains(log, "path-secret") {
			t.Errorf("the log has the secret of the path: %s", log)
		}
	},
	"scan-sleeping":  func(t *testing.T, h *house) { h.queuesTheClinic("scan-sleeping", "scan-sleeping.clinic") },
	"scan-birthdays": func(t *testing.T, h *house) { h.queuesTheClinic("scan-birthdays", "scan-birthdays.clinic") },
	"scan-occasions": func(t *testing.T, h *house) { h.queuesTheClinic("scan-occasions", "scan-occasions.clinic") },
	"report": func(t *testing.T, h *house) {
		h.employs()
		h.queuesTheClinic("report", "report.notice")
	},
	"report.notice": func(t *testing.T, h *house) {
		h.employs()
		for range 2 {
			noFailures(t, h.replay("report.notice"))
		}
		if len(h.mails.sent) != 1 || h.mails.sent[0].To != "olga@example.com" || len(h.mails.sent[0].Chart) == 0 || !strings.Contains(h.mails.sent[0].HTML, "https://rp.example/desk/demo/report?week=2026-05-11") {
			t.Fatalf("mailed are %v", h.mails.sent)
		}
		if log := h.log.String(); strings.Contains(log, "olga@") {
			t.Errorf("the log tells whom: %s", log)
		}
		h.queuesNothing("report")
	},
	"scan-sleeping.clinic": func(t *testing.T, h *house) {
		h.post("msg_1", "patient.updated", patient)
		h.post("msg_2", "visit.completed", strings.Replace(visit, "2026-05-22T", "2025-11-22T", 1))
		h.plans("scan-sleeping.clinic", "sleeping-6", "offer", "2025-11-22")
	},
	"scan-birthdays.clinic": func(t *testing.T, h *house) {
		h.post("msg_1", "patient.updated", strings.Replace(patient, "1985-03-14", "1985-05-22", 1))
		h.plans("scan-birthdays.clinic", "birthday", "greeting", "2026")
	},
	"scan-occasions.clinic": func(t *testing.T, h *house) {
		h.post("msg_1", "patient.updated", patient)
		h.post("msg_2", "visit.completed", strings.Replace(strings.Replace(visit, "2026-05-22T", "2025-12-22T", 1), `"version"`, `"returnDate": "2026-06-22", "version"`, 1))
		h.plans("scan-occasions.clinic", "recall", "first", "2026-06-22")
	},
	"webhook.source": func(t *testing.T, h *house) {
		h.connects()
		for range 2 {
			if got := h.page(h.replay("webhook.source")); got.StatusCode != http.StatusOK {
				said, _ := io.ReadAll(got.Body)
				t.Fatalf("answered %d %s", got.StatusCode, said)
			}
		}
		card, err := h.store().Begin().Card(t.Context(), "demo", "yc.77")
		if err != nil || card.Patient.GivenName != "Анна" || card.Appointment("70") == nil || len(card.Appointments) != 1 {
			t.Errorf("the card is %+v, %v", card, err)
		}
		if log := h.log.String(); strings.Contains(log, "path-secret") || strings.Contains(log, "Анна") || strings.Contains(log, "79000000000") {
			t.Errorf("the log tells too much: %s", log)
		}
	},
	"pull": func(t *testing.T, h *house) {
		h.connects()
		h.queuesTheClinic("pull", "pull.system")
	},
	"pull.system": func(t *testing.T, h *house) {
		h.connects()
		h.post("msg_1", "patient.updated", patient)
		for range 2 {
			noFailures(t, h.replay("pull.system"))
		}
		if a := h.card().Appointment("70"); a == nil || a.System != dental.YClients {
			t.Errorf("the appointment is %+v", a)
		}
		h.queuesNothing("pull")
	},
	"pull.job": func(t *testing.T, h *house) {
		h.connects()
		h.post("msg_1", "patient.updated", patient)
		listener := pull.Listener{Store: h.store(), Learn: (&intake.Intake{Store: h.store()}).Learn}
		cl, err := h.store().Begin().Clinic(t.Context(), "demo")
		if err == nil {
			_, err = listener.Take(t.Context(), cl, dental.YClients, intake.Heard{Fetch: []intake.Ref{{Kind: "record", ID: "70"}}}, start.Add(-time.Minute))
		}
		if err != nil {
			t.Fatal(err)
		}
		if h.replay("dispatch"); !slices.Equal(h.pulls.bodies, bodies(t, "pull.job")) {
			t.Errorf("queued %q, and events/pull.job.json holds %q", h.pulls.bodies, bodies(t, "pull.job"))
		}
		for range 2 {
			noFailures(t, h.replay("pull.job"))
		}
		if a := h.card().Appointment("70"); a == nil || a.System != dental.YClients {
			t.Errorf("the appointment is %+v", a)
		}
	},
	"import": func(t *testing.T, h *house) {
		if err := h.files.Put(t.Context(), "inbox/demo/night.csv", strings.NewReader(fileOf(t, "import.request"))); err != nil {
			t.Fatal(err)
		}
		if answer := h.replay("import"); string(answer) != "null" || len(h.imports.bodies) != 1 {
			t.Fatalf("answered %s, queued %q", answer, h.imports.bodies)
		}
		all, _, err := h.store().Imports(t.Context(), "demo", 10, "")
		if err != nil || len(all) != 1 || all[0].State != dental.ImportRunning || all[0].Name != "night.csv" {
			t.Errorf("there are the imports %+v (%v)", all, err)
		}
	},
	"import.request": func(t *testing.T, h *house) {
		got := h.page(h.replay("import.request"))
		body, err := io.ReadAll(got.Body)
		if want := bodies(t, "import.job"); err != nil || got.StatusCode != http.StatusAccepted || !slices.Equal(h.imports.bodies, want) {
			t.Errorf("answered %d %s, queued %q, and events/import.job.json holds %q (%v)", got.StatusCode, body, h.imports.bodies, want, err)
		}
	},
	"import.job": func(t *testing.T, h *house) {
		h.replay("import.request")
		h.takesIn(t, "import.job")
	},
	"import.upload": func(t *testing.T, h *house) {
		cl, err := h.store().Begin().Clinic(t.Context(), "demo")
		if err != nil {
			t.Fatal(err)
		}
		begin := load.Loader{Store: h.store(), Files: h.files, Formats: formats.All(), Queue: h.imports, Clock: h.clock.Now}
		imp, _, err := begin.Await(t.Context(), cl, load.Order{ID: "msg_2026052215400002", Format: load.CSV})
		if err != nil {
			t.Fatal(err)
		}
		if err := h.files.Put(t.Context(), "imports/demo/"+imp.ID+"/file", strings.NewReader(fileOf(t, "import.request"))); err != nil {
			t.Fatal(err)
		}
		h.takesIn(t, "import.upload")
	},
	"survey": func(t *testing.T, h *house) {
		h.post("msg_1", "patient.updated", patient)
		h.post("msg_2", "visit.completed", visit)
		path := "/s/" + h.link(dental.Link{Purpose: dental.SurveyLink, Subject: "2026-05-22"})
		h.opens("survey", path)
		if got := h.page(h.replay("survey")); got.StatusCode != http.StatusSeeOther || got.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("answered %d %v", got.StatusCode, got.Header)
		}
		card := h.card()
		day, task := dental.Date{Year: 2026, Month: 5, Day: 22}, card.Task(dental.ComplaintTask, "2026-05-22")
		if a := card.Answer(day); a == nil || a.Rating != dental.Bad || a.Comment != "Долго ждали" {
			t.Errorf("the answer is %+v", a)
		}
		if task == nil || !task.Open() || task.Due != start.Add(time.Hour) {
			t.Errorf("the complaint is %+v", task)
		}
	},
	"confirm": func(t *testing.T, h *house) {
		h.post("msg_1", "patient.updated", patient)
		h.post("msg_2", "appointment.booked", booking)
		path := "/c/" + h.link(dental.Link{Purpose: dental.AppointmentLink, Subject: dental.AppointmentAnchor(h.card().Appointments[0])})
		h.opens("confirm", path)
		if got := h.page(h.replay("confirm")); got.StatusCode != http.StatusSeeOther {
			t.Errorf("answered %d %v", got.StatusCode, got.Header)
		}
		if a := h.card().Appointments[0]; a.Reply != "confirm" || !a.ReplyFor.Equal(a.Start) {
			t.Errorf("the appointment is %+v", a)
		}
	},
	"desk": func(t *testing.T, h *house) {
		// Marina has signed in that morning; the cookie of her session is in the event.
		owner, key := dental.Staff{Clinic: "demo", Key: h.store().StaffKey("owner@example.com"), Name: "Марина Озерова", Role: dental.Owner}, h.store().StaffKey("olga@example.com")
		h.put(func(tx *store.Tx) error {
			_, err := tx.Staff(t.Context(), "demo", owner.Key)
			return err
		}, owner)
		if got := h.page(h.replay("desk")); got.StatusCode != http.StatusSeeOther || !strings.HasPrefix(got.Header.Get("Location"), "/desk/demo/staff") {
			t.Errorf("answered %d %v", got.StatusCode, got.Header)
		}
		post, err := h.store().Begin().Staff(t.Context(), "demo", key)
		if err != nil || post.Role != dental.Administrator || post.Name != "Ольга Ветрова" || !post.Since.Equal(start) {
			t.Errorf("the post is %v of %q, %v", post, post.Name, err)
		}
		log, _, err := h.store().Log(t.Context(), "demo", "2026-05", 10, "")
		if err != nil || len(log) != 1 || log[0].By != "Марина Озерова" || log[0].Action != "staff.add" {
			t.Errorf("the log is %+v, %v", log, err)
		}
	},
	"links": func(t *testing.T, h *house) {
		h.post("msg_1", "patient.updated", patient)
		h.post("msg_2", "visit.completed", visit)
		path := "/o/" + h.link(dental.Link{Purpose: dental.OfferLink, Subject: dental.OfferSubject("recall", "first", "2026-11-22")})
		h.opens("links", path)
		if got := h.page(h.replay("links")); got.StatusCode != http.StatusSeeOther {
			t.Errorf("answered %d %v", got.StatusCode, got.Header)
		}
		card := h.card()
		if r := card.Response("recall", "2026-11-22"); r == nil || r.Action != dental.BookOffer || r.Weekday != "fri" || r.Part != "evening" {
			t.Errorf("the response is %+v", r)
		}
		if task := card.Task(dental.CallbackTask, "recall.2026-11-22"); task == nil || !task.Open() || task.Due != start.Add(time.Hour) {
			t.Errorf("the callback is %+v", task)
		}
	},
	"referral": func(t *testing.T, h *house) {
		h.post("msg_1", "patient.updated", patient)
		path := "/r/" + h.link(dental.Link{Purpose: dental.ReferralLink})
		h.opens("referral", path)
		if got := h.page(h.replay("referral")); got.StatusCode != http.StatusSeeOther {
			t.Errorf("answered %d %v", got.StatusCode, got.Header)
		}
		card := h.card()
		if len(card.Referrals) != 1 || card.Referrals[0].Name != "Пётр" || card.Referrals[0].Phone != "+79000000099" {
			t.Fatalf("the recommendations are %+v", card.Referrals)
		}
		if task := card.Task(dental.LeadTask, card.Referrals[0].Contact); task == nil || !task.Open() || task.Due != start.Add(time.Hour) {
			t.Errorf("the task is %+v", task)
		}
	},
	"unsubscribe": func(t *testing.T, h *house) {
		h.post("msg_1", "patient.updated", mailed)
		cl := settings.Demo()
		key := h.store().ContactKey(&cl, "anna@example.com")
		path := "/u/" + h.link(dental.Link{Purpose: dental.PreferencesLink, Subject: "service/" + key})
		h.opens("unsubscribe", path)
		if got := h.page(h.replay("unsubscribe")); got.StatusCode != http.StatusOK {
			t.Errorf("answered %d %v", got.StatusCode, got.Header)
		}
		contact, err := h.store().Begin().ContactByKey(t.Context(), key)
		if err != nil {
			t.Fatal(err)
		}
		for _, class := range dental.Classes() {
			if o, refused := contact.Refused(class); !refused || o.Source != "one-click" {
				t.Errorf("%s is not refused: %+v", class, contact.OptOuts)
			}
		}
	},
	"work": func(t *testing.T, h *house) {
		h.post("msg_1", "patient.updated", patient)
		h.post("msg_2", "visit.completed", visit)
		h.post("msg_3", "patient.deleted", `{"id": "P-77", "version": 2}`)
		h.invoke("dispatch", readFile(t, "events/dispatch.json"))
		if want := bodies(t, "work"); !slices.Equal(h.jobs.bodies, want) {
			t.Errorf("queued %q, and events/work.json holds %q", h.jobs.bodies, want)
		}
		noFailures(t, h.replay("work"))
		card := h.card()
		if !card.Patient.Erased || card.Patient.GivenName != "" || len(card.Visits)+len(card.Touches)+len(card.Milestones)+len(card.Tasks) != 0 {
			t.Errorf("left of the patient: %+v", card)
		}
	},
	"work.backlog": func(t *testing.T, h *house) {
		h.sets(`{"scenarios": {"sleeping-6": {"on": false}}}`)
		h.post("msg_1", "patient.updated", patient)
		h.post("msg_2", "visit.completed", strings.Replace(visit, "2026-05-22T", "2025-08-22T", 1))
		h.sets(`{"scenarios": {"sleeping-6": {"on": true, "backlogPerDay": 5}}}`)
		h.invoke("dispatch", readFile(t, "events/dispatch.json"))
		if want := bodies(t, "work.backlog"); !slices.Equal(h.jobs.bodies, want) {
			t.Errorf("queued %q, and events/work.backlog.json holds %q", h.jobs.bodies, want)
		}
		for range 2 {
			noFailures(t, h.replay("work.backlog"))
		}
		if touch := h.card().Touch("sleeping-6", "offer", "2025-08-22"); touch == nil || touch.State != dental.Held || !touch.Backlog {
			t.Errorf("the touch of the backlog is %+v", touch)
		}
	},
}

// sets lays settings over the clinic's, as its owner does.
func (h *house) sets(patch string) {
	h.t.Helper()
	known := map[string]func(dental.Account) error{dental.SMSGate: func(dental.Account) error { return nil }}
	keeper := &settings.Keeper{Store: h.store(), Rand: rand.NewChaCha8([32]byte{2}), Providers: known}
	if _, _, err := keeper.Put(h.t.Context(), "demo", []byte(patch), h.clock.Now()); err != nil {
		h.t.Fatal(err)
	}
}

// queuesTheClinic holds the schedule's event of a function to the message that is its other one.
func (h *house) queuesTheClinic(name, other string) {
	h.t.Helper()
	if answer := h.replay(name); string(answer) != "null" {
		h.t.Errorf("answered %s", answer)
	}
	if want := bodies(h.t, other); !slices.Equal(h.clinics.bodies, want) {
		h.t.Errorf("queued %q, and events/%s.json holds %q", h.clinics.bodies, other, want)
	}
}

// connects gives the clinic an account with its own system.
func (h *house) connects() {
	h.t.Helper()
	tx := h.store().Begin()
	cl, err := tx.Clinic(h.t.Context(), "demo")
	if err != nil {
		h.t.Fatal(err)
	}
	cl.Accounts[dental.YClients] = dental.Account{Settings: map[string]string{"company": "4564"}, Secrets: map[string]dental.Secret{dental.CallbackSecret: "path-secret-of-the-demo-clinic", "partner": "partnertoken", "user": "usertoken"}}
	tx.Put(*cl)
	if err := tx.Commit(h.t.Context()); err != nil {
		h.t.Fatal(err)
	}
}

// employs gives the clinic an owner who reads the weekly report, and has its MIS heard of.
func (h *house) employs() {
	h.t.Helper()
	h.post("msg_0", "patient.updated", patient)
	key := h.store().StaffKey("olga@example.com")
	h.put(func(tx *store.Tx) error { _, err := tx.Staff(h.t.Context(), "demo", key); return err },
		dental.Staff{Clinic: "demo", Key: key, Email: "olga@example.com", Name: "Ольга", Role: dental.Owner, Report: true})
	h.clinics.bodies = nil
}

// plans holds the message of a scan to the touch that it is to plan, and to being done only once.
func (h *house) plans(event, scenario, step, anchor string) {
	h.t.Helper()
	for range 2 {
		noFailures(h.t, h.replay(event))
	}
	if touch := h.card().Touch(scenario, step, anchor); touch == nil || touch.State != dental.Planned {
		h.t.Errorf("planned is %+v", touch)
	}
	done, err := h.store().Begin().Checkpoint(h.t.Context(), "demo", scenario)
	if want := (dental.Date{Year: 2026, Month: 5, Day: 22}); err != nil || done.Day != want {
		h.t.Errorf("scanned up to %v, %v", done.Day, err)
	}
	h.queuesNothing(functionOf(event))
}

// queuesNothing holds the schedule's event to finding nothing more to do.
func (h *house) queuesNothing(scan string) {
	h.t.Helper()
	if h.replay(scan); len(h.clinics.bodies) != 0 {
		h.t.Errorf("a clinic that is done is queued: %q", h.clinics.bodies)
	}
}

// send dispatches what is due and sends it.
func (h *house) send() {
	h.t.Helper()
	payload, err := lambdaio.SchedulePayload(h.clock.Now())
	if err != nil {
		h.t.Fatal(err)
	}
	h.invoke("dispatch", payload)
	var batch []lambdaio.Message
	for i, body := range h.touches.bodies {
		batch = append(batch, lambdaio.Message{ID: fmt.Sprint(i), Body: body})
	}
	h.touches.bodies = nil
	if payload, err = lambdaio.QueuePayload(batch...); err != nil {
		h.t.Fatal(err)
	}
	noFailures(h.t, h.invoke("send", payload))
}

// opens holds the link of an event to the token that the test's key gives, and
// its page to being there.
func (h *house) opens(name, path string) {
	h.t.Helper()
	var event events.APIGatewayV2HTTPRequest
	if err := json.Unmarshal(readFile(h.t, "events/"+name+".json"), &event); err != nil {
		h.t.Fatal(err)
	}
	if event.RawPath != path {
		h.t.Fatalf("events/%s.json opens %s, and the link is %s", name, event.RawPath, path)
	}
	payload, err := lambdaio.HTTPPayload(httptest.NewRequest(http.MethodGet, "https://rp.example"+path, nil), h.clock.Now())
	if err != nil {
		h.t.Fatal(err)
	}
	if got := h.page(h.invoke(name, payload)); got.StatusCode != http.StatusOK {
		h.t.Fatalf("GET %s is answered %d", path, got.StatusCode)
	}
}

func TestEachEventHasItsEffectThroughTheVeryHandler(t *testing.T) {
	for _, name := range eventFiles(t) {
		t.Run(name, func(t *testing.T) {
			replay, ok := replays[name]
			if !ok {
				t.Fatal("no test says what the event brings about")
			}
			replay(t, newHouse(t))
		})
	}
}

// TestEachEventIsWhatLambdaGives holds the files to the fields that AWS's own
// library knows and to the triggers of the template: each kind has an event.
func TestEachEventIsWhatLambdaGives(t *testing.T) {
	for name, f := range readFunctions(t) {
		var kinds []string
		for _, event := range eventsOf(t, name) {
			raw := readFile(t, "events/"+event+".json")
			kind := triggerOf(t, raw)
			kinds = append(kinds, kind)
			t.Run(event, func(t *testing.T) { given[kind](t, f, raw) })
		}
		if want := triggers(t, f); !slices.Equal(unique(kinds), want) {
			t.Errorf("%s is called by %q, and events/ has those of %q", name, want, kinds)
		}
	}
}

// triggerOf tells by the shape of an event what brings it, as SAM names it.
func triggerOf(t *testing.T, raw []byte) string {
	t.Helper()
	var e struct {
		RequestContext, Detail, AWSLogs json.RawMessage
		Records                         []struct{ EventSource string }
	}
	if err := json.Unmarshal(raw, &e); err != nil {
		t.Fatal(err)
	}
	switch {
	case e.RequestContext != nil:
		return "HttpApi"
	case e.AWSLogs != nil:
		return "CloudWatchLogs"
	case e.Detail != nil:
		return "EventBridgeRule"
	case len(e.Records) > 0:
		return map[string]string{"aws:sqs": "SQS", "aws:sns": "SNS"}[e.Records[0].EventSource]
	}
	return "ScheduleV2"
}

// strict reads an event into what AWS's own library has for it, field by field.
func strict(t *testing.T, raw []byte, into any) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		t.Fatal(err)
	}
}

// given holds an event to its trigger.
var given = map[string]func(*testing.T, function, []byte){
	"HttpApi": func(t *testing.T, f function, raw []byte) {
		var e events.APIGatewayV2HTTPRequest
		strict(t, raw, &e)
		about := e.RequestContext
		if !slices.ContainsFunc(f.Routes, func(r template.Route) bool { return r.String() == e.RouteKey }) || about.RouteKey != e.RouteKey {
			t.Errorf("the route is %q and %q, and the template has %v", e.RouteKey, about.RouteKey, f.Routes)
		}
		method, path, _ := strings.Cut(e.RouteKey, " ")
		for name, value := range e.PathParameters {
			path = strings.NewReplacer("{"+name+"}", value, "{"+name+"+}", value).Replace(path)
		}
		if path != e.RawPath || about.HTTP.Path != e.RawPath || method != "ANY" && method != about.HTTP.Method {
			t.Errorf("%s %s: the path is %s and %s, by %s", method, path, e.RawPath, about.HTTP.Path, about.HTTP.Method)
		}
		if e.Version != "2.0" || about.Stage != "$default" || about.TimeEpoch != start.UnixMilli() {
			t.Errorf("version %s, stage %s, time %d", e.Version, about.Stage, about.TimeEpoch)
		}
	},
	"SQS": func(t *testing.T, f function, raw []byte) {
		var e events.SQSEvent
		strict(t, raw, &e)
		if len(e.Records) > f.Queue.Batch || !strings.HasSuffix(e.Records[0].EventSourceARN, f.Queue.Name) {
			t.Errorf("%d messages of %s, and the template has batches of %d of %s", len(e.Records), e.Records[0].EventSourceARN, f.Queue.Batch, f.Queue.Name)
		}
		for _, r := range e.Records {
			if sum := md5.Sum([]byte(r.Body)); r.Md5OfBody != hex.EncodeToString(sum[:]) {
				t.Errorf("the checksum of %s is %x", r.Body, sum)
			}
		}
	},
	"ScheduleV2": func(t *testing.T, f function, raw []byte) {
		var e struct{ Time time.Time }
		strict(t, raw, &e)
		if next := f.Schedules[0].Next(start); !e.Time.Equal(next) {
			t.Errorf("it is %s, and the schedule's next time %s", e.Time, next)
		}
	},
	"EventBridgeRule": func(t *testing.T, f function, raw []byte) {
		var e events.EventBridgeEvent
		strict(t, raw, &e)
		var detail struct {
			Mail struct{ Tags map[string][]string }
		}
		if err := json.Unmarshal(e.Detail, &detail); err != nil || len(detail.Mail.Tags["ses:configuration-set"]) != 1 {
			t.Errorf("the rule of the template would not pick it: %v %v", detail.Mail.Tags, err)
		}
		if pattern := f.properties.in("Events", "Reports", "Properties", "Pattern"); len(pattern.in("source").list()) != 1 || pattern.in("source").list()[0].text() != e.Source ||
			pattern.in("detail", "mail", "tags", "ses:configuration-set").value == nil {
			t.Errorf("the source is %s, and the rule picks %v", e.Source, pattern.value)
		}
	},
	"SNS": func(t *testing.T, f function, raw []byte) {
		var e events.SNSEvent
		strict(t, raw, &e)
		topic := f.properties.in("Events", "Words", "Properties", "Topic").text()
		if len(e.Records) != 1 || topic == "" || !strings.Contains(e.Records[0].SNS.TopicArn, "-"+topic+"-") || !strings.HasPrefix(e.Records[0].EventSubscriptionArn, e.Records[0].SNS.TopicArn) {
			t.Errorf("it is of %s, and the template subscribes to %s", e.Records[0].SNS.TopicArn, topic)
		}
	},
	"CloudWatchLogs": func(t *testing.T, f function, raw []byte) {
		var e events.CloudwatchLogsEvent
		strict(t, raw, &e)
		data, err := e.AWSLogs.Parse()
		if err != nil || data.MessageType != "DATA_MESSAGE" || len(data.LogEvents) == 0 {
			t.Fatalf("%+v, %v", data, err)
		}
		groups := 0
		readTemplate(t).resources("AWS::Logs::SubscriptionFilter", func(_ string, p node) {
			name := p.in("LogGroupName").list()
			own := strings.NewReplacer("${AWS::Region}", "eu-central-1", "${AWS::AccountId}", data.Owner).Replace(name[len(name)-1].text())
			if p.in("DestinationArn").text() == f.id+".Arn" && own == data.LogGroup {
				groups++
			}
		})
		if groups != 1 {
			t.Errorf("%d subscriptions of the template are of the group %s", groups, data.LogGroup)
		}
	},
}
