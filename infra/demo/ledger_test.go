package main

import (
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/intake"
)

func TestAVisitIsCreditedToWhateverReachedThePatientLastBeforeItWasBooked(t *testing.T) {
	start := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	day := func(n int) time.Time { return start.AddDate(0, 0, n).Add(12 * time.Hour) }
	booked := func(id string, at time.Time) func(ledger) {
		return func(l ledger) {
			l.enter(intake.Event{Type: intake.AppointmentBooked, Appointment: &dental.Appointment{ID: id, Patient: "P"}}, at)
		}
	}
	visit := func(id, appointment string, at time.Time, roubles int64) func(ledger) {
		return func(l ledger) {
			l.enter(intake.Event{Type: intake.VisitCompleted, Visit: &dental.Visit{ID: id, Patient: "P", AppointmentID: appointment, FinishedAt: at,
				Receipt: dental.Money{Minor: roubles * 100, Currency: "RUB"}}}, at)
		}
	}
	payment := func(visit string, kind dental.PaymentKind, roubles int64) func(ledger) {
		return func(l ledger) {
			l.enter(intake.Event{Type: intake.PaymentReceived, Payment: &dental.Payment{VisitID: visit, Kind: kind, Amount: dental.Money{Minor: roubles * 100}}}, start)
		}
	}
	recall, season := reached{"P", "recall", day(10)}, reached{"P", "season", day(12)}
	for name, tt := range map[string]struct {
		told    []func(ledger)
		touches []reached
		to      string
		roubles int64
	}{
		"the last of two":                         {[]func(ledger){booked("A", day(20)), visit("V", "A", day(60), 5000)}, []reached{season, recall}, "season", 5000},
		"what comes after the booking is none":    {[]func(ledger){booked("A", day(11)), visit("V", "A", day(60), 5000)}, []reached{recall, season}, "recall", 5000},
		"the thirtieth day still counts":          {[]func(ledger){booked("A", day(40)), visit("V", "A", day(60), 1)}, []reached{recall}, "recall", 1},
		"the thirty-first does not":               {[]func(ledger){booked("A", day(41)), visit("V", "A", day(60), 1)}, []reached{recall}, "", 1},
		"another patient's message is none":       {[]func(ledger){booked("A", day(20)), visit("V", "A", day(60), 1)}, []reached{{"Q", "recall", day(10)}}, "", 1},
		"an unknown booking is the visit's day":   {[]func(ledger){visit("V", "", day(39), 7)}, []reached{recall}, "recall", 7},
		"a corrected receipt takes the old place": {[]func(ledger){visit("V", "", day(20), 7), visit("V", "", day(20), 5)}, []reached{recall}, "recall", 5},
		"a refund is taken off":                   {[]func(ledger){visit("V", "", day(20), 7), payment("V", dental.Paid, 7), payment("V", dental.Refund, 2)}, []reached{recall}, "recall", 5},
		"a friend comes by the phone that was left": {[]func(ledger){
			func(l ledger) { l.lead("+7 900 000-00-09", "referral", day(1)) },
			func(l ledger) {
				l.enter(intake.Event{Type: intake.PatientUpdated, Card: &intake.Card{Patient: dental.Patient{ID: "P"}, Number: "+7 900 000-00-09"}}, day(2))
			},
			booked("A", day(2)), visit("V", "A", day(5), 3)}, nil, "referral", 3},
		"without a receipt the payments count": {[]func(ledger){visit("V", "", day(20), 0), payment("V", dental.Paid, 4)}, []reached{recall}, "recall", 4},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLedger()
			for _, tell := range tt.told {
				tell(l)
			}
			got := l.credits(start, tt.touches)
			c := got[tt.to]
			if len(got) != 1 || c == nil || c.visits != 1 || c.revenue != tt.roubles*100 || !maps.Equal(c.patients, map[string]bool{"P": true}) {
				t.Errorf("credited are %v: %+v", slices.Collect(maps.Keys(got)), c)
			}
		})
	}
}

func TestVisitsFromBeforeTheStartAreNobodysCredit(t *testing.T) {
	start := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	l := newLedger()
	l.enter(intake.Event{Type: intake.VisitCompleted, Visit: &dental.Visit{ID: "V", Patient: "P", FinishedAt: start.Add(-time.Hour)}}, start)
	if got := l.credits(start, nil); len(got) != 0 {
		t.Errorf("credited are %v", got)
	}
}
