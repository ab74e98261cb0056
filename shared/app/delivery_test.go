package app_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/returnpoint/returnpoint/shared/api"
	"github.com/returnpoint/returnpoint/shared/app"
	"github.com/returnpoint/returnpoint/shared/channel/email/sesevent"
	"github.com/returnpoint/returnpoint/shared/channel/sms/inbound"
	"github.com/returnpoint/returnpoint/shared/channel/sms/smslog"
	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/intake"
	"github.com/returnpoint/returnpoint/shared/outreach"
	"github.com/returnpoint/returnpoint/shared/reply"
	"github.com/returnpoint/returnpoint/shared/stagetest"
	"github.com/returnpoint/returnpoint/shared/table"
)

// provider tells what the test lets it tell.
type provider struct{ told api.Told }

func (p *provider) sources() app.Sources {
	return app.Sources{
		Reports: []app.Parser{sesevent.Parse, smslog.Parse}, Words: []app.Listener{inbound.Parse},
		Callbacks: map[string]api.Provider{dental.SMSGate: {
			Read:      func(dental.Account, api.Callback) (api.Told, error) { return p.told, nil },
			Challenge: func(dental.Account, url.Values) (string, bool) { return "", false },
		}},
	}
}

// callbacks are those of the function on the stage.
func callbacks(s *stagetest.Stage) http.Handler {
	_, calls := app.Delivery(deps(s), (&provider{}).sources())
	return calls
}

// thanked is a stage on which P was thanked by SMS; stagetest's provider calls
// the message id-1.
func thanked(t *testing.T, change ...func(*dental.Clinic)) *stagetest.Stage {
	t.Helper()
	s := stagetest.New(t, time.Date(2026, 3, 10, 11, 0, 0, 0, time.FixedZone("MSK", 3*3600)), change...)
	s.Patient("P")
	s.Visit("V", "P", s.Now())
	s.To(s.Now().Add(time.Minute))
	if sent := s.SentAs("after-visit", "thanks"); len(sent) != 1 || sent[0].Channel != dental.SMS {
		t.Fatalf("the thanks left as %+v", sent)
	}
	return s
}

func line(id, status, response string) []byte {
	return fmt.Appendf(nil, `{"notification":{"messageId":%q,"timestamp":"2026-03-10 08:01:00.000"},"delivery":{"destination":"+79160000001","providerResponse":%q,"dwellTimeMsUntilDeviceAck":1000},"status":%q}`, id, response, status)
}

func word(id, text string) []byte {
	return fmt.Appendf(nil, `{"originationNumber":"+79160000001","destinationNumber":"+79160000099","messageKeyword":"K","messageBody":%q,"inboundMessageId":%q,"previousPublishedMessageId":null}`, text, id)
}

func TestALineOfTheSMSLogSettlesItsTouch(t *testing.T) {
	for _, tt := range []struct {
		name       string
		line       []byte
		outcome    dental.Outcome
		state      dental.TouchState
		suppressed string
	}{
		{"delivered", line("id-1", "SUCCESS", "Message has been accepted by phone carrier"), dental.Delivered, dental.Sent, ""},
		{"not this time", line("id-1", "FAILURE", "Phone is currently unreachable/unavailable"), dental.Undelivered, dental.Planned, ""},
		{"never", line("id-1", "FAILURE", "Invalid phone number"), dental.Undelivered, dental.Planned, "Invalid phone number"},
		{"of another sender of the account", line("id-9", "FAILURE", "Invalid phone number"), dental.Accepted, dental.Sent, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := thanked(t)
			take, _ := app.Delivery(deps(s), (&provider{}).sources())
			for range 2 {
				if err := take(t.Context(), s.Now(), tt.line); err != nil {
					t.Fatal(err)
				}
			}
			touch := s.Touch("P", "after-visit", "thanks")
			if a := touch.Attempts[0]; a.Outcome != tt.outcome || touch.State != tt.state {
				t.Errorf("the touch is %s, its attempt %s", touch.State, a.Outcome)
			}
			contact, err := s.Store.Begin().ContactByKey(t.Context(), s.Store.ContactKey(&s.Clinic, "+79160000001"))
			if err != nil || contact.Suppressed != tt.suppressed {
				t.Errorf("the number is suppressed as %q, %v", contact.Suppressed, err)
			}
			s.To(s.Now().Add(time.Minute))
			if mails := slices.DeleteFunc(s.Sent(), func(m stagetest.Sent) bool { return m.Channel != dental.Mail }); (len(mails) == 1) != (tt.state == dental.Planned) {
				t.Errorf("by e-mail left %+v", mails)
			}
		})
	}
}

func TestAnInboundSMSIsHeardAtTheTimeItCame(t *testing.T) {
	s := thanked(t)
	s.Appointment(intake.AppointmentBooked, "A", "P", s.Local("2026-03-19 14:30"))
	s.ToLocal("2026-03-17 15:00")
	take, _ := app.Delivery(deps(s), (&provider{}).sources())
	if err := take(t.Context(), s.Local("2026-03-16 12:00"), word("in-1", "да")); err != nil {
		t.Fatal(err)
	}
	if a := s.Card("P").Appointment("A"); a.Answered() != "" {
		t.Errorf("a yes from before the reminder answers it: %+v", a)
	}
	if err := take(t.Context(), s.Now(), word("in-2", "да")); err != nil {
		t.Fatal(err)
	}
	if a := s.Card("P").Appointment("A"); a.Answered() != "confirm" {
		t.Errorf("the appointment is %+v", a)
	}
}

// TestAnEventHasOneSource holds the fixtures of each source to being refused by
// the others: the function tells them apart by their shapes alone.
func TestAnEventHasOneSource(t *testing.T) {
	refused := func(err error) bool { return dental.KindOf(err) == dental.Invalid }
	read := map[string]func([]byte) error{
		"email/sesevent": func(raw []byte) error { _, err := sesevent.Parse(raw); return err },
		"sms/smslog":     func(raw []byte) error { _, err := smslog.Parse(raw); return err },
		"sms/inbound":    func(raw []byte) error { _, err := inbound.Parse(raw); return err },
	}
	for folder := range read {
		files, err := filepath.Glob("../channel/" + folder + "/testdata/*.json")
		if err != nil || len(files) == 0 {
			t.Fatalf("%s has the fixtures %v, %v", folder, files, err)
		}
		for _, file := range files {
			raw, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for other, parse := range read {
				if err := parse(raw); (err == nil) != (other == folder) || err != nil && !refused(err) {
					t.Errorf("%s is read by %s: %v", file, other, err)
				}
			}
		}
	}
}

func TestAnEventOfNoSourceIsAnErrorThatTellsNothingOfIt(t *testing.T) {
	s := thanked(t)
	take, _ := app.Delivery(deps(s), (&provider{}).sources())
	for _, raw := range []string{`{}`, `[]`, `{"phone":"+79160000001"}`, `hello +79160000001`} {
		if err := take(t.Context(), s.Now(), []byte(raw)); dental.KindOf(err) != dental.Invalid || strings.Contains(err.Error(), "7916") {
			t.Errorf("%s: %v", raw, err)
		}
	}
}

func TestAnEventThatCannotBeSettledNowComesAgain(t *testing.T) {
	s := thanked(t)
	off := deps(stagetest.Join(s, down{s.Table}))
	take, _ := app.Delivery(off, (&provider{}).sources())
	for name, raw := range map[string][]byte{"a report": line("id-1", "SUCCESS", "x"), "a message": word("in-1", "да")} {
		if err := take(t.Context(), s.Now(), raw); dental.KindOf(err) != dental.Unavailable {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// gated is a clinic with an account of its own with the gateway.
func gated(c *dental.Clinic) {
	c.Accounts = map[string]dental.Account{dental.SMSGate: {Secrets: map[string]dental.Secret{dental.CallbackSecret: "path-secret"}}}
}

// call posts to the callback of a clinic what the provider tells.
func call(t *testing.T, s *stagetest.Stage, clinic string, log *bytes.Buffer, told api.Told) int {
	t.Helper()
	d := deps(s)
	d.Log = slog.New(slog.NewJSONHandler(log, nil))
	_, calls := app.Delivery(d, (&provider{told}).sources())
	w := httptest.NewRecorder()
	calls.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/v1/reports/smsgate/"+clinic+"/path-secret", strings.NewReader("x")))
	return w.Code
}

func TestACallbackSettlesTouchesOfItsOwnerAlone(t *testing.T) {
	ref := func(s *stagetest.Stage) outreach.TouchRef {
		return outreach.RefOf(s.Touch("P", "after-visit", "thanks"))
	}
	bad := func(s *stagetest.Stage, named bool) api.Told {
		r := outreach.Report{Channel: "sms", ProviderID: "id-1", Kind: outreach.ReportUndelivered, Code: "20", At: s.Now()}
		if named {
			r.ProviderID, r.Touch, r.Attempt = "", ref(s), s.Touch("P", "after-visit", "thanks").Attempts[0].ID
		}
		return api.Told{Reports: []outreach.Report{r}}
	}
	other := func(t *testing.T, s *stagetest.Stage, group string) {
		t.Helper()
		cl := stagetest.Clinic()
		cl.ID, cl.Group = "other", group
		gated(&cl)
		tx := s.Store.Begin()
		if _, err := tx.Clinic(t.Context(), cl.ID); dental.KindOf(err) != dental.NotFound {
			t.Fatal(err)
		}
		tx.Put(cl)
		if err := tx.Commit(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		name, clinic, group, otherGroup string
		named                           bool
		settled                         bool
	}{
		{"by the provider's id, of the clinic", "demo", "", "", false, true},
		{"by its own name, of the clinic", "demo", "", "", true, true},
		{"by the provider's id, of a clinic of the same owner", "other", "chain", "chain", false, true},
		{"by the provider's id, of another owner's", "other", "", "", false, false},
		{"by its own name, of another owner's", "other", "", "chain", true, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := thanked(t, gated, func(c *dental.Clinic) { c.Group = tt.group })
			other(t, s, tt.otherGroup)
			var log bytes.Buffer
			if code := call(t, s, tt.clinic, &log, bad(s, tt.named)); code != http.StatusOK {
				t.Errorf("answered %d", code)
			}
			if got := s.Touch("P", "after-visit", "thanks").Attempts[0].Outcome; (got == dental.Undelivered) != tt.settled {
				t.Errorf("the attempt is %s", got)
			}
			if tt.settled == strings.Contains(log.String(), "passed over") || strings.Contains(log.String(), "path-secret") {
				t.Errorf("the log has %s", &log)
			}
		})
	}
	t.Run("and what is about nothing known is no error", func(t *testing.T) {
		s := thanked(t, gated)
		told := api.Told{Reports: []outreach.Report{{Channel: "sms", ProviderID: "id-9", Kind: outreach.ReportUndelivered},
			{Channel: "sms", Touch: outreach.TouchRef{Clinic: "nowhere", Patient: "P"}, Kind: outreach.ReportUndelivered}}}
		if code := call(t, s, "demo", &bytes.Buffer{}, told); code != http.StatusOK {
			t.Errorf("answered %d", code)
		}
	})
}

func TestAMessageOverACallbackIsOfItsClinic(t *testing.T) {
	s := thanked(t, gated)
	var log bytes.Buffer
	told := api.Told{Messages: []reply.Message{{ID: "in-1", From: "+79160000001", Text: "где вы находитесь"}}}
	for range 2 {
		if code := call(t, s, "demo", &log, told); code != http.StatusOK {
			t.Errorf("answered %d", code)
		}
	}
	if tasks := s.Tasks("P", dental.CallbackTask); len(tasks) != 1 || tasks[0].Note != "где вы находитесь" {
		t.Errorf("tasks: %+v", tasks)
	}
	if strings.Contains(log.String(), "находитесь") || strings.Contains(log.String(), "79160000001") {
		t.Errorf("the log has %s", &log)
	}
}

func TestACallbackThatCannotBeSettledNowIsToComeAgain(t *testing.T) {
	s := thanked(t, gated)
	for name, told := range map[string]api.Told{
		"a report":  {Reports: []outreach.Report{{Channel: "sms", ProviderID: "id-1", Kind: outreach.ReportDelivered}}},
		"a message": {Messages: []reply.Message{{ID: "in-1", From: "+79160000001", Text: "да"}}},
	} {
		down := stagetest.Join(s, deaf{s.Table})
		if code := call(t, down, "demo", &bytes.Buffer{}, told); code != http.StatusServiceUnavailable {
			t.Errorf("%s is answered %d", name, code)
		}
	}
}

// deaf is a table that gives clinics and nothing else.
type deaf struct{ table.Table }

func (d deaf) Get(ctx context.Context, keys ...table.Key) ([]table.Item, error) {
	for _, k := range keys {
		if !strings.HasPrefix(k.PK, "C#") {
			return nil, errors.New("no route to the table")
		}
	}
	return d.Table.Get(ctx, keys...)
}
