package renovatio_test

import (
	"crypto/rand"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/intake"
	"github.com/returnpoint/returnpoint/shared/mis/renovatio"
	"github.com/returnpoint/returnpoint/shared/phone"
	"github.com/returnpoint/returnpoint/shared/scenario"
	"github.com/returnpoint/returnpoint/shared/store"
	"github.com/returnpoint/returnpoint/shared/table/tabletest"
)

// life is a patient's card on which notices of Renovatio come in.
type life struct {
	*testing.T
	clinic *dental.Clinic
	now    time.Time
	in     *intake.Intake
}

func newLife(t *testing.T) *life {
	l := &life{T: t, clinic: clinic(), now: time.Date(2026, 3, 2, 12, 0, 0, 0, clinic().Location())}
	l.clinic.Scenarios = map[string]dental.ScenarioSettings{"appointment": {On: true}}
	l.clinic.HeardAt = time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC) // the clinic has no item here that would be told
	clock := func() time.Time { return l.now }
	st, err := store.New(tabletest.NewReference(clock, rand.Reader), store.Keys{Contact: []byte(strings.Repeat("c", 32)), Link: []byte(strings.Repeat("l", 32))}, clock)
	if err != nil {
		t.Fatal(err)
	}
	l.in = &intake.Intake{Store: st, Catalogue: scenario.Shipped(), Phones: phone.Read, Log: slog.New(slog.NewTextHandler(io.Discard, nil))}
	return l
}

// hear takes a notice in at a time.
func (l *life) hear(at string, event, data string) {
	l.Helper()
	when, err := time.ParseInLocation("2006-01-02 15:04", at, l.clinic.Location())
	if err != nil {
		l.Fatal(err)
	}
	l.now = when
	data = strings.ReplaceAll(data, "10.03.2026 14:35", when.Format("02.01.2006 15:04"))
	heard, err := renovatio.Read(l.clinic, account(), intake.Delivery{Body: []byte(document(event, data)), At: l.now})
	if err != nil {
		l.Fatal(err)
	}
	outcomes, err := l.in.Learn(l.Context(), l.clinic, intake.How{}, l.now, heard.Objects...)
	if err != nil {
		l.Fatal(err)
	}
	for _, o := range outcomes {
		if o.Err != nil {
			l.Fatal(o.Err)
		}
	}
}

// stands says how the card stands: its appointments, and what is planned for them.
func (l *life) stands() string {
	l.Helper()
	card, err := l.in.Store.Begin().Card(l.Context(), l.clinic.ID, "rn.5")
	if err != nil {
		l.Fatal(err)
	}
	var out []string
	for _, a := range card.Appointments {
		out = append(out, fmt.Sprintf("%s %s %s", a.ID, a.Status, a.Start.In(l.clinic.Location()).Format("02 15:04")))
	}
	for _, t := range card.Touches {
		out = append(out, fmt.Sprintf("%s of %s %s %s", t.Step, dental.AppointmentOf(t.Anchor), t.State, t.Reason))
	}
	for i, s := range out {
		out[i] = strings.TrimSpace(s)
	}
	slices.Sort(out)
	return strings.Join(out, "\n")
}

func TestAMoveIsOneJourneyInWhateverOrderItIsTold(t *testing.T) {
	const first = `"12.03.2026 12:30"`
	ended := with(`"moved_to":0`, `"moved_to":18`, `"upcoming"`, `"refused"`)
	begun := with(`"id":17`, `"id":18`, `"moved_from":0`, `"moved_from":17`, first, `"20.03.2026 10:00"`, `12.03.2026 13:15`, `20.03.2026 10:45`)
	want := strings.Join([]string{"17 cancelled 12 12:30", "18 booked 20 10:00", "confirm of 17 cancelled rescheduled", "confirm of 18 planned",
		"reminder of 17 cancelled rescheduled", "reminder of 18 planned"}, "\n")
	for says, told := range map[string][2][2]string{
		"the end first":       {{"cancel_appointment", ended}, {"create_appointment", begun}},
		"the beginning first": {{"create_appointment", begun}, {"cancel_appointment", ended}},
	} {
		t.Run(says, func(t *testing.T) {
			l := newLife(t)
			l.hear("2026-03-02 12:00", "create_appointment", example)
			l.hear("2026-03-03 12:00", told[0][0], told[0][1])
			l.hear("2026-03-03 12:00", told[1][0], told[1][1])
			if got := l.stands(); got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
	t.Run("the new time comes to nothing: one word for one appointment", func(t *testing.T) {
		l := newLife(t)
		l.hear("2026-03-02 12:00", "create_appointment", example)
		l.hear("2026-03-03 12:00", "cancel_appointment", ended)
		l.hear("2026-03-03 12:00", "create_appointment", begun)
		l.hear("2026-03-04 12:00", "cancel_appointment", begun)
		got := l.stands()
		if strings.Contains(got, "missed of 17") || strings.Contains(got, "rebook of 17") || !strings.Contains(got, "missed of 18 planned") || !strings.Contains(got, "rebook of 18 planned") {
			t.Errorf("got\n%s", got)
		}
	})
	t.Run("a cancellation that is no move asks for another time", func(t *testing.T) {
		l := newLife(t)
		l.hear("2026-03-02 12:00", "create_appointment", example)
		l.hear("2026-03-03 12:00", "cancel_appointment", example)
		if got := l.stands(); !strings.Contains(got, "missed of 17 planned") || !strings.Contains(got, "rebook of 17 planned") {
			t.Errorf("got\n%s", got)
		}
	})
}
