package app_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/returnpoint/returnpoint/shared/app"
	"github.com/returnpoint/returnpoint/shared/app/team"
	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/outreach"
	"github.com/returnpoint/returnpoint/shared/report"
	"github.com/returnpoint/returnpoint/shared/scenario"
	"github.com/returnpoint/returnpoint/shared/settings"
	"github.com/returnpoint/returnpoint/shared/store"
	"github.com/returnpoint/returnpoint/shared/table/tabletest"
)

// post is a channel of e-mail that answers as it is told.
type post struct {
	sent   []outreach.Message
	answer error
}

func (p *post) Send(_ context.Context, m outreach.Message) (string, error) {
	p.sent = append(p.sent, m)
	return "id", p.answer
}

type bodies []string

func (b *bodies) Enqueue(_ context.Context, more ...string) error {
	*b = append(*b, more...)
	return nil
}

// TestALetterToStaffGoesByTheChannelOfEMail holds the whole way: a Monday's
// report of a clinic becomes one message of the e-mail channel, and what the
// channel proves of it is kept.
func TestALetterToStaffGoesByTheChannelOfEMail(t *testing.T) {
	for name, tt := range map[string]struct {
		answer error
		state  string
	}{
		"taken":        {nil, store.LetterSent},
		"refused":      {fmt.Errorf("mail: %w", &outreach.Refusal{Code: "MessageRejected"}), store.LetterRefused},
		"not just now": {fmt.Errorf("mail: %w", &outreach.Refusal{Code: "Throttling", Later: true}), store.LetterPutOff},
		"lost":         {errors.New("reset by peer"), store.LetterClaimed},
	} {
		t.Run(name, func(t *testing.T) {
			clock := tabletest.NewClock(time.Date(2026, 5, 18, 6, 0, 0, 0, time.UTC)) // Monday, nine o'clock in Moscow
			key := bytes.Repeat([]byte("k"), 32)
			state, err := store.New(tabletest.NewReference(clock.Now, rand.NewChaCha8([32]byte{1})), store.Keys{Contact: key, Link: key}, clock.Now)
			if err != nil {
				t.Fatal(err)
			}
			cl := settings.Demo()
			cl.HeardAt = clock.Now()
			if _, err := (&settings.Keeper{Store: state, Rand: rand.NewChaCha8([32]byte{2})}).Create(t.Context(), cl, clock.Now()); err != nil {
				t.Fatal(err)
			}
			tx, reader := state.Begin(), state.StaffKey("olga@example.com")
			if _, err := tx.Staff(t.Context(), "demo", reader); err != nil {
				t.Fatal(err)
			}
			tx.Put(dental.Staff{Clinic: "demo", Key: reader, Email: "olga@example.com", Name: "Ольга", Role: dental.Owner, Report: true})
			if err := tx.Commit(t.Context()); err != nil {
				t.Fatal(err)
			}
			mail, queue := &post{answer: tt.answer}, &bodies{}
			deps := app.Deps{Store: state, Catalogue: scenario.Shipped(), Clock: clock.Now, Rand: rand.NewChaCha8([32]byte{3}), Log: slog.New(slog.DiscardHandler)}
			var r *report.Reporter = team.Report(deps, mail, queue, "https://rp.example")
			if err := r.Tick(t.Context(), clock.Now()); err != nil || len(*queue) != 1 {
				t.Fatalf("queued are %q, %v", *queue, err)
			}
			if err := r.Handle(t.Context(), (*queue)[0]); err != nil {
				t.Fatal(err)
			}
			if len(mail.sent) != 1 {
				t.Fatalf("%d messages", len(mail.sent))
			}
			m := mail.sent[0]
			want := outreach.TouchRef{Clinic: "demo", Scenario: "report", Step: "week", Anchor: "2026-05-11." + reader}
			if m.Touch != want || m.Touch.Patient != "" || m.To != "olga@example.com" || m.Class != dental.Service || m.Channel != dental.Mail || m.Sender != cl.Name || m.Attempt == "" || m.Unsubscribe != "" {
				t.Errorf("the message is of %s, to %s, class %s, from %q", m.Touch, m.To, m.Class, m.Sender)
			}
			if m.Subject == "" || m.Text == "" || m.HTML == "" || len(m.Chart) == 0 {
				t.Error("a part of the letter is missing")
			}
			notices, err := state.Begin().Notices(t.Context(), store.Notice{Clinic: "demo", Kind: store.WeekNotice, Anchor: "2026-05-11"})
			if err != nil || notices[0].Letters[reader].State != tt.state {
				t.Errorf("kept is %+v, %v", notices, err)
			}
		})
	}
}
