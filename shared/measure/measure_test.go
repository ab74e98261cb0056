package measure_test

import (
	"fmt"
	"maps"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/measure"
)

func clinic() *dental.Clinic {
	c := &dental.Clinic{ID: "demo", TimeZone: "Europe/Moscow", Currency: "RUB", MarginPermille: 400}
	c.Locate()
	return c
}

func on(t testing.TB, s string) dental.Date {
	t.Helper()
	d, err := dental.ParseDate(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// at is a time of a day on the clinic's clock, "2026-03-10 11:00".
func at(t testing.TB, s string) time.Time {
	t.Helper()
	v, err := time.ParseInLocation("2006-01-02 15:04", s, clinic().Location())
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func roubles(n int64) dental.Money { return dental.Money{Minor: n * 100, Currency: "RUB"} }

// visit is one of 5,400 roubles by Dr Sokolova that ends at 11 o'clock.
func visit(t testing.TB, id, day string, change ...func(*dental.Visit)) dental.Visit {
	v := dental.Visit{Clinic: "demo", Patient: "P-1", ID: id, FinishedAt: at(t, day+" 11:00"), Day: on(t, day), Doctor: dental.Doctor{ID: "D-3", Name: "Ирина Соколова"},
		Procedures: []dental.Procedure{{Name: "Гигиена", Kind: dental.Hygiene}}, Receipt: roubles(5400)}
	for _, c := range change {
		c(&v)
	}
	return v
}

// message is an SMS of a recall that was sent and delivered at a time.
func message(t testing.TB, left string, change ...func(*dental.Touch)) dental.Touch {
	when := at(t, left)
	x := dental.Touch{Clinic: "demo", Patient: "P-1", Scenario: "recall", Step: "first", Anchor: left[:10], Class: dental.Care, State: dental.Sent, Channel: dental.SMS,
		Due: when, SentAt: when, DeliveredAt: when, EndedAt: when, EndedOn: on(t, left[:10]), Parts: 2, Price: roubles(9)}
	for _, c := range change {
		c(&x)
	}
	return x
}

// sum adds up what a card adds to the days from one to another, "" for no bound.
func sum(t testing.TB, card dental.Card, from, to string) measure.Sums {
	t.Helper()
	out := measure.Sums{}
	for day, sums := range measure.Tallies(clinic(), &card) {
		if (from == "" || !day.Before(on(t, from))) && (to == "" || !day.After(on(t, to))) {
			out.Plus(sums)
		}
	}
	return out
}

// want holds amounts of sums to what they should be; names that are absent are 0.
func want(t *testing.T, got measure.Sums, amounts map[string]int64) {
	t.Helper()
	for name, n := range amounts {
		if got[name] != n {
			t.Errorf("%s is %d, want %d", name, got[name], n)
		}
	}
}

func TestARepeatVisitIsOneOfAPatientWhoWasThereBefore(t *testing.T) {
	card := dental.Card{Visits: []dental.Visit{visit(t, "V-1", "2025-01-10"), visit(t, "V-2", "2025-07-10"),
		visit(t, "V-3", "2025-07-10", func(v *dental.Visit) { v.Procedures[0].Kind = dental.Therapy })}}
	want(t, sum(t, card, "", "2025-07-10"), map[string]int64{"visits": 2, "repeat": 1, "patients": 1, "regulars": 1, "revenue": 1620000, "revenue/new": 540000,
		"kind/hygiene/visits": 2, "kind/hygiene/repeat": 1, "kind/hygiene/patients": 1, "kind/hygiene/regulars": 1,
		"kind/therapy/visits": 1, "kind/therapy/repeat": 1, "kind/therapy/patients": 1, "kind/therapy/regulars": 0})
}

func TestACorrectionARefundAndAPaymentCountOnTheDayOfTheirVisit(t *testing.T) {
	payment := func(id, visit string, n int64, kind dental.PaymentKind) dental.Payment {
		return dental.Payment{ID: id, VisitID: visit, Amount: roubles(n), Kind: kind, At: at(t, "2026-05-05 10:00")}
	}
	for name, tt := range map[string]struct {
		card dental.Card
		want int64
	}{
		"a receipt alone":                          {dental.Card{Visits: []dental.Visit{visit(t, "V-1", "2025-01-10")}}, 540000},
		"a receipt is not paid twice by a payment": {dental.Card{Visits: []dental.Visit{visit(t, "V-1", "2025-01-10")}, Payments: []dental.Payment{payment("F", "V-1", 5400, dental.Paid)}}, 540000},
		"a refund a year later":                    {dental.Card{Visits: []dental.Visit{visit(t, "V-1", "2025-01-10")}, Payments: []dental.Payment{payment("F", "V-1", 400, dental.Refund)}}, 500000},
		"payments without a receipt": {dental.Card{Visits: []dental.Visit{visit(t, "V-1", "2025-01-10", func(v *dental.Visit) { v.Receipt = dental.Money{} })},
			Payments: []dental.Payment{payment("F", "V-1", 300, dental.Paid), payment("G", "V-1", 200, dental.Paid), payment("H", "V-1", 50, dental.Refund)}}, 45000},
		"a payment for no visit": {dental.Card{Visits: []dental.Visit{visit(t, "V-1", "2025-01-10")}, Payments: []dental.Payment{payment("F", "", 9000, dental.Paid)}}, 540000},
	} {
		t.Run(name, func(t *testing.T) {
			want(t, sum(t, tt.card, "2025-01-10", "2025-01-10"), map[string]int64{"revenue": tt.want})
			want(t, sum(t, tt.card, "2026-05-05", "2026-05-05"), map[string]int64{"revenue": 0})
		})
	}
}

func TestAnErasedPatientAddsNothing(t *testing.T) {
	card := dental.Card{Patient: dental.Patient{Erased: true}, Visits: []dental.Visit{visit(t, "V-1", "2025-01-10")}, Touches: []dental.Touch{message(t, "2025-06-10 12:00")}}
	if got := measure.Tallies(clinic(), &card); len(got) != 0 {
		t.Errorf("it adds %v", got)
	}
}

func TestAPatientIsOneOfTheYearsUntilTheLastVisitIsTwelveMonthsBack(t *testing.T) {
	card := dental.Card{Visits: []dental.Visit{visit(t, "V-1", "2024-02-29"), visit(t, "V-2", "2024-08-10")}}
	for _, tt := range []struct {
		day               string
		patients, regular int64
	}{
		{"2024-02-28", 0, 0}, {"2024-02-29", 1, 0}, {"2024-08-09", 1, 0}, {"2024-08-10", 1, 1},
		{"2025-02-28", 1, 1}, {"2025-03-01", 1, 0}, {"2025-08-09", 1, 0}, {"2025-08-10", 0, 0},
	} {
		t.Run(tt.day, func(t *testing.T) {
			want(t, sum(t, card, "", tt.day), map[string]int64{"year/patients": tt.patients, "year/regulars": tt.regular})
		})
	}
}

// TestTheRollingFiguresAreThoseOfTheDaysInTheYear holds the stocks, which are
// kept by single steps up and down, to a plain look at the last twelve months.
func TestTheRollingFiguresAreThoseOfTheDaysInTheYear(t *testing.T) {
	first := dental.Date{Year: 2022, Month: 12, Day: 1}
	rapid.Check(t, func(t *rapid.T) {
		card := dental.Card{}
		days := rapid.SliceOfNDistinct(rapid.IntRange(0, 1200), 0, 8, rapid.ID[int]).Draw(t, "days")
		for i, n := range days {
			card.Visits = append(card.Visits, dental.Visit{ID: fmt.Sprint("V-", i), FinishedAt: first.AddDays(n).At(11*60, clinic().Location()), Receipt: roubles(10)})
		}
		when := first.AddDays(rapid.IntRange(0, 1800).Draw(t, "when"))
		in := func(months int) (n int64) {
			for _, d := range days {
				if day := first.AddDays(d); !day.After(when) && day.After(when.AddMonths(-months)) {
					n++
				}
			}
			return n
		}
		got, seen := measure.Sums{}, int64(0)
		for day, sums := range measure.Tallies(clinic(), &card) {
			if !day.After(when) {
				got.Plus(sums)
			}
		}
		for _, d := range days {
			if !first.AddDays(d).After(when) {
				seen++
			}
		}
		is := func(b bool) int64 {
			if b {
				return 1
			}
			return 0
		}
		for name, n := range map[string]int64{"visits": seen, "patients": is(seen > 0), "regulars": is(seen > 1), "year/patients": is(in(12) > 0), "year/regulars": is(in(12) > 1),
			"quiet/6": is(in(12) > 0 && in(6) == 0), "quiet/12": is(in(18) > 0 && in(12) == 0), "quiet/18": is(seen > 0 && in(18) == 0)} {
			if got[name] != n {
				t.Fatalf("on %s, after visits on days %v, %s is %d, want %d", when, days, name, got[name], n)
			}
		}
	})
}

func TestWhetherWhoCameFirstCameAgainIsCountedWhenTheTimeIsOver(t *testing.T) {
	for name, tt := range map[string]struct {
		second string
		want   map[string]int64
	}{
		"never":                      {"", map[string]int64{"first6": 1, "first6/back": 0, "first12": 1, "first12/back": 0}},
		"the day before it was over": {"2025-07-09", map[string]int64{"first6": 1, "first6/back": 1, "first12": 1, "first12/back": 1}},
		"the day on which it was":    {"2025-07-10", map[string]int64{"first6": 1, "first6/back": 0, "first12": 1, "first12/back": 1}},
		"in the second year":         {"2026-02-10", map[string]int64{"first6": 1, "first6/back": 0, "first12": 1, "first12/back": 0}},
	} {
		t.Run(name, func(t *testing.T) {
			card := dental.Card{Visits: []dental.Visit{visit(t, "V-1", "2025-01-10")}}
			if tt.second != "" {
				card.Visits = append(card.Visits, visit(t, "V-2", tt.second))
			}
			want(t, sum(t, card, "", "2025-07-09"), map[string]int64{"first6": 0})
			want(t, sum(t, card, "", ""), tt.want)
		})
	}
}

func TestAReturnIsOfTheLastTouchDeliveredThirtyDaysBeforeTheBooking(t *testing.T) {
	recall := func(left string) dental.Touch { return message(t, left) }
	offer := func(left string, change ...func(*dental.Touch)) dental.Touch {
		return message(t, left, append([]func(*dental.Touch){func(x *dental.Touch) { x.Scenario, x.Step, x.Class = "sleeping-6", "offer", dental.Advertising }}, change...)...)
	}
	booked := func(when string) []dental.Appointment {
		return []dental.Appointment{{ID: "A-1", Start: at(t, "2025-09-01 10:00"), BookedAt: at(t, when), Status: dental.Booked}}
	}
	for name, tt := range map[string]struct {
		touches      []dental.Touch
		appointments []dental.Appointment
		scenario     string // "" for nobody's
	}{
		"one touch, and the booking known":           {[]dental.Touch{recall("2025-08-01 12:00")}, booked("2025-08-10 09:00"), "recall"},
		"the last of two":                            {[]dental.Touch{offer("2025-08-05 12:00"), recall("2025-08-01 12:00")}, booked("2025-08-10 09:00"), "sleeping-6"},
		"a touch after the booking claims nothing":   {[]dental.Touch{recall("2025-08-01 12:00"), offer("2025-08-11 12:00")}, booked("2025-08-10 09:00"), "recall"},
		"thirty days to the minute":                  {[]dental.Touch{recall("2025-08-01 12:00")}, booked("2025-08-31 12:00"), "recall"},
		"a minute more":                              {[]dental.Touch{recall("2025-08-01 12:00")}, booked("2025-08-31 12:01"), ""},
		"without a booking the visit counts":         {[]dental.Touch{recall("2025-08-05 12:00")}, nil, "recall"},
		"and thirty days before it":                  {[]dental.Touch{recall("2025-08-01 12:00")}, nil, ""},
		"what was accepted is not delivered":         {[]dental.Touch{offer("2025-08-05 12:00", func(x *dental.Touch) { x.DeliveredAt = time.Time{} })}, booked("2025-08-10 09:00"), ""},
		"what was sent and delivered after all is":   {[]dental.Touch{offer("2025-08-05 12:00", func(x *dental.Touch) { x.DeliveredAt = at(t, "2025-08-11 12:00") })}, booked("2025-08-10 09:00"), ""},
		"thanks and reminders claim nothing":         {[]dental.Touch{offer("2025-08-05 12:00", func(x *dental.Touch) { x.Class = dental.Service })}, booked("2025-08-10 09:00"), ""},
		"a touch that was skipped claims nothing":    {[]dental.Touch{offer("2025-08-05 12:00", func(x *dental.Touch) { x.State = dental.Skipped })}, booked("2025-08-10 09:00"), ""},
		"a booking after the visit is told too late": {[]dental.Touch{recall("2025-08-10 12:00")}, booked("2025-09-05 09:00"), "recall"},
	} {
		t.Run(name, func(t *testing.T) {
			card := dental.Card{Touches: tt.touches, Appointments: tt.appointments,
				Visits: []dental.Visit{visit(t, "V-1", "2025-01-10"), visit(t, "V-2", "2025-09-01", func(v *dental.Visit) { v.AppointmentID = "A-1" })}}
			got, all := sum(t, card, "2025-09-01", "2025-09-01"), int64(0)
			if tt.scenario != "" {
				all = 1
			}
			want(t, got, map[string]int64{"back": all, "back/" + tt.scenario: all, "back-visits": all, "back-revenue": all * 540000, "back-revenue/" + tt.scenario: all * 540000})
		})
	}
}

func TestAPatientReturnsOnceByATouchAndAllThatFollowsIsItsRevenue(t *testing.T) {
	card := dental.Card{Touches: []dental.Touch{message(t, "2025-08-01 12:00")},
		Visits: []dental.Visit{visit(t, "V-1", "2025-01-10"), visit(t, "V-2", "2025-08-10"), visit(t, "V-3", "2025-08-20")}}
	want(t, sum(t, card, "", ""), map[string]int64{"back": 1, "back-visits": 2, "back-revenue": 1080000})
	card.Visits = card.Visits[1:]
	want(t, sum(t, card, "", ""), map[string]int64{"back": 1, "back-visits": 1, "back-revenue": 540000}) // the first visit is nobody's return
}

func TestTheStepsOfAFunnelAreCountedOnTheDayTheTouchEnded(t *testing.T) {
	x := message(t, "2025-08-01 12:00")
	card := dental.Card{Touches: []dental.Touch{x}, Visits: []dental.Visit{visit(t, "V-1", "2025-01-10"), visit(t, "V-2", "2025-08-20")},
		Responses: []dental.Response{{Scenario: "recall", Anchor: x.Anchor, Touch: x.ID(), Action: dental.BookOffer, On: on(t, "2025-08-02")}}}
	got := sum(t, card, "2025-08-01", "2025-08-01")
	for _, step := range []string{"planned", "sent", "delivered", "answered", "booked", "came", "paid"} {
		want(t, got, map[string]int64{"touch/recall/first/" + step: 1})
	}
	want(t, got, map[string]int64{"parts": 2, "cost/messages": 900, "cost/messages/recall": 900})
	for state, name := range map[dental.TouchState]string{dental.TouchCancelled: "cancelled", dental.Failed: "failed", dental.Unknown: "unknown"} {
		card.Touches[0].State = state
		want(t, sum(t, card, "2025-08-01", "2025-08-01"), map[string]int64{"touch/recall/first/planned": 1, "touch/recall/first/sent": 0, "touch/recall/first/" + name: 1})
	}
	card.Touches[0].State, card.Touches[0].Reason = dental.Skipped, "capped"
	want(t, sum(t, card, "2025-08-01", "2025-08-01"), map[string]int64{"touch/recall/first/planned": 1, "skipped/recall/capped": 1})
	card.Touches[0].State, card.Touches[0].EndedOn = dental.Planned, dental.Date{}
	want(t, sum(t, card, "", ""), map[string]int64{"touch/recall/first/planned": 0})
}

func TestATaskOfStaffIsNoMessageOfTheFunnel(t *testing.T) {
	for _, state := range []dental.TouchState{dental.Sent, dental.Skipped, dental.TouchCancelled, dental.Failed} {
		x := message(t, "2025-08-01 12:00", func(x *dental.Touch) {
			x.Kind, x.Channel, x.State, x.Reason = dental.CallTask, dental.StaffTask, state, "capped"
		})
		for name, n := range sum(t, dental.Card{Touches: []dental.Touch{x}}, "2025-08-01", "2025-08-01") {
			if n != 0 && (strings.HasPrefix(name, "touch/") || strings.HasPrefix(name, "skipped/")) {
				t.Errorf("a task that is %s counts as %s", state, name)
			}
		}
		did := int64(0)
		if state == dental.Sent {
			did = 1
		}
		want(t, sum(t, dental.Card{Touches: []dental.Touch{x}}, "2025-08-01", "2025-08-01"), map[string]int64{"task/recall/first": did})
	}
}

func TestWhoIsLeftAloneIsComparedWithAllOthersWhateverBecameOfTheirMessages(t *testing.T) {
	left := func(x *dental.Touch) {
		x.State, x.Reason, x.SentAt, x.DeliveredAt = dental.Skipped, "holdout", time.Time{}, time.Time{}
	}
	for name, tt := range map[string]struct {
		change func(*dental.Touch)
		back   string
		arm    string
		came   int64
	}{
		"sent, and came":                     {func(*dental.Touch) {}, "2025-09-01", "treated", 1},
		"skipped by a cap, and came":         {func(x *dental.Touch) { x.State, x.Reason = dental.Skipped, "capped" }, "2025-09-01", "treated", 1},
		"left alone, and came":               {left, "2025-09-01", "left-alone", 1},
		"left alone, and came the 90th day":  {left, "2025-10-30", "left-alone", 1},
		"left alone, and came the 91st day":  {left, "2025-10-31", "left-alone", 0},
		"sent, and had come the day before":  {func(*dental.Touch) {}, "2025-07-31", "treated", 0},
		"service messages leave nobody out":  {func(x *dental.Touch) { x.Class = dental.Service }, "2025-09-01", "", 0},
		"nor do those that came to be late":  {func(x *dental.Touch) { x.State, x.Reason = dental.Skipped, dental.LateEvent }, "2025-09-01", "", 0},
		"nor those whose turn never came":    {func(x *dental.Touch) { x.State, x.Backlog = dental.TouchCancelled, true }, "2025-09-01", "", 0},
		"nor do those that are still to run": {func(x *dental.Touch) { x.State = dental.Planned }, "2025-09-01", "", 0},
	} {
		t.Run(name, func(t *testing.T) {
			card := dental.Card{Touches: []dental.Touch{message(t, "2025-08-01 12:00", tt.change)}, Visits: []dental.Visit{visit(t, "V-1", "2025-01-10"), visit(t, "V-2", tt.back)}}
			if got := sum(t, card, "", "2025-10-30"); got["lift/recall/treated"]+got["lift/recall/left-alone"] != 0 {
				t.Errorf("it is counted before the 90 days are over: %v", got)
			}
			got := sum(t, card, "2025-10-31", "2025-10-31")
			for _, arm := range []string{"treated", "left-alone"} {
				n, came := int64(0), int64(0)
				if arm == tt.arm {
					n, came = 1, tt.came
				}
				want(t, got, map[string]int64{"lift/recall/" + arm: n, "lift/recall/" + arm + "/came": came, "lift/recall/" + arm + "/revenue": came * 540000})
			}
		})
	}
}

func TestAReturnPointIsKeptByWhoComesUntilThirtyDaysAfterIt(t *testing.T) {
	for name, tt := range map[string]struct {
		given, next, closes string
		kept                int64
	}{
		"on the last day":                     {"2025-04-10", "2025-05-10", "2025-05-11", 1},
		"a day later":                         {"2025-04-10", "2025-05-11", "2025-05-11", 0},
		"never":                               {"2025-04-10", "", "2025-05-11", 0},
		"half a year where none was given":    {"", "2025-08-09", "2025-08-10", 1},
		"and not later":                       {"", "2025-08-10", "2025-08-10", 0},
		"one that lies before counts as none": {"2025-01-01", "2025-08-09", "2025-08-10", 1},
	} {
		t.Run(name, func(t *testing.T) {
			card := dental.Card{Visits: []dental.Visit{visit(t, "V-1", "2025-01-10", func(v *dental.Visit) {
				if tt.given != "" {
					v.ReturnDate = on(t, tt.given)
				}
			})}}
			if tt.next != "" {
				card.Visits = append(card.Visits, visit(t, "V-2", tt.next))
			}
			want(t, sum(t, card, tt.closes, tt.closes), map[string]int64{"points": 1, "points/back": tt.kept, "doctor/D-3/due": 1, "doctor/D-3/back": tt.kept})
		})
	}
}

func TestWhatPatientsSayCountsOnTheDayTheySpeakOf(t *testing.T) {
	said := func(nps int, rating dental.Rating) dental.Answer {
		return dental.Answer{Day: on(t, "2026-01-10"), NPS: nps, Rating: rating, At: at(t, "2026-01-12 10:00"), FirstAt: at(t, "2026-01-12 10:00")}
	}
	for name, tt := range map[string]struct {
		answer dental.Answer
		want   map[string]int64
	}{
		"ten":      {said(10, ""), map[string]int64{"nps/promoters": 1}},
		"nine":     {said(9, dental.Good), map[string]int64{"nps/promoters": 1, "rating/good": 1}},
		"eight":    {said(8, ""), map[string]int64{"nps/passives": 1}},
		"seven":    {said(7, dental.Fair), map[string]int64{"nps/passives": 1, "rating/fair": 1}},
		"six":      {said(6, ""), map[string]int64{"nps/detractors": 1}},
		"nought":   {said(0, dental.Bad), map[string]int64{"nps/detractors": 1, "rating/bad": 1}},
		"no score": {said(-1, dental.Good), map[string]int64{"rating/good": 1}},
	} {
		t.Run(name, func(t *testing.T) {
			card := dental.Card{Answers: []dental.Answer{tt.answer}}
			if got := sum(t, card, "2026-01-10", "2026-01-10"); !maps.Equal(got, tt.want) {
				t.Errorf("it counts as %v", got)
			}
		})
	}
}

func TestAnOccasionOfSeveralStepsIsOneFromTheFirst(t *testing.T) {
	second := message(t, "2025-08-20 12:00", func(x *dental.Touch) { x.Step, x.Anchor = "call", "2025-08-01" })
	first := message(t, "2025-08-01 12:00", func(x *dental.Touch) { x.State, x.Reason = dental.Skipped, "holdout" })
	for name, touches := range map[string][]dental.Touch{"the first first": {first, second}, "the second first": {second, first}} {
		t.Run(name, func(t *testing.T) {
			card := dental.Card{Touches: touches, Visits: []dental.Visit{visit(t, "V-1", "2025-01-10"), visit(t, "V-2", "2025-11-10")}}
			want(t, sum(t, card, "", ""), map[string]int64{"lift/recall/left-alone": 1, "lift/recall/left-alone/came": 0, "lift/recall/treated": 0})
		})
	}
}

func TestACallOfStaffReachesThePatientWhenSomebodySpokeToThem(t *testing.T) {
	call := message(t, "2025-08-05 12:00", func(x *dental.Touch) {
		x.Step, x.Kind, x.Anchor, x.Channel, x.DeliveredAt, x.Price, x.Parts = "call", dental.CallTask, "a", dental.StaffTask, time.Time{}, dental.Money{}, 0
	})
	for name, tt := range map[string]struct {
		task dental.Task
		back int64
	}{
		"booked by staff":          {dental.Task{By: "Ольга", Outcome: dental.PressBooked, ClosedAt: at(t, "2025-08-05 13:00")}, 1},
		"nobody answered":          {dental.Task{By: "Ольга", Outcome: dental.PressNotReached, ClosedAt: at(t, "2025-08-05 13:00")}, 0},
		"it closed by itself":      {dental.Task{Outcome: dental.PressBooked, ClosedAt: at(t, "2025-08-05 13:00")}, 0},
		"it is still on the list":  {dental.Task{By: "Ольга", Outcome: dental.PressBooked}, 0},
		"it is about another date": {dental.Task{By: "Ольга", Anchor: "b", Outcome: dental.PressBooked, ClosedAt: at(t, "2025-08-05 13:00")}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			tt.task.Kind = dental.CallTask
			if tt.task.Anchor == "" {
				tt.task.Anchor = "a"
			}
			card := dental.Card{Touches: []dental.Touch{call}, Tasks: []dental.Task{tt.task}, Visits: []dental.Visit{visit(t, "V-1", "2025-01-10"), visit(t, "V-2", "2025-08-20")}}
			want(t, sum(t, card, "", ""), map[string]int64{"back": tt.back, "back/recall": tt.back})
		})
	}
}

func TestWhyPatientsDoNotComeBackIsCountedAsTheySaidIt(t *testing.T) {
	card := dental.Card{
		Responses: []dental.Response{{Scenario: "recall", Anchor: "a", Action: dental.NeverOffer, On: on(t, "2026-01-10")}, {Scenario: "recall", Anchor: "b", Action: dental.BookOffer, On: on(t, "2026-01-10")}},
		Tasks: []dental.Task{{Kind: dental.CallTask, Anchor: "a", Cause: "price", ClosedAt: at(t, "2026-01-10 12:00"), ClosedOn: on(t, "2026-01-10")},
			{Kind: dental.CallTask, Anchor: "b", Cause: "price"},
			{Kind: dental.ComplaintTask, Anchor: "c", Cause: "waiting", ClosedAt: at(t, "2026-01-10 12:00"), ClosedOn: on(t, "2026-01-10")}}}
	want(t, sum(t, card, "2026-01-10", "2026-01-10"), map[string]int64{"why/never": 1, "why/book": 0, "why/price": 1, "complaint/waiting": 1, "why/waiting": 0})
}

func TestWhatLiesAheadIsBookedOrDueAndNotBoth(t *testing.T) {
	back := dental.Milestone{Kind: dental.ReturnPoint, Date: on(t, "2026-07-10")}
	card := dental.Card{Visits: []dental.Visit{visit(t, "V-1", "2026-01-10")}, Milestones: []dental.Milestone{back}}
	want(t, sum(t, card, "2026-07-10", "2026-07-10"), map[string]int64{"ahead/returns": 1})
	card.Appointments = []dental.Appointment{{ID: "A", Start: at(t, "2026-07-01 10:00"), Status: dental.Booked}}
	want(t, sum(t, card, "2026-07-01", "2026-07-10"), map[string]int64{"ahead/returns": 0, "ahead/booked": 1})
	card.Appointments[0].Status = dental.Missed
	want(t, sum(t, card, "2026-07-01", "2026-07-10"), map[string]int64{"ahead/returns": 1, "ahead/booked": 0, "appointments/missed": 1})
	card.Patient.Status = dental.Deceased
	want(t, sum(t, card, "", ""), map[string]int64{"ahead/returns": 0, "quiet/6": 0, "visits": 1})
	card.Patient.Status, card.Visits = dental.Active, append(card.Visits, visit(t, "V-2", "2026-07-01", func(v *dental.Visit) { v.AppointmentID = "A" }))
	want(t, sum(t, card, "2026-07-01", "2026-07-10"), map[string]int64{"ahead/returns": 1, "ahead/booked": 0, "appointments/kept": 1, "appointments/missed": 0})
}

func TestAPlansStagesCountOnTheDayItWasPresented(t *testing.T) {
	stage := func(id string, status dental.StageStatus, done string) dental.Stage {
		s := dental.Stage{ID: id, Status: status, Price: roubles(1000)}
		if done != "" {
			s.DoneAt = at(t, done+" 12:00")
		}
		return s
	}
	card := dental.Card{Plans: []dental.Plan{{ID: "L-1", PresentedAt: at(t, "2025-03-01 12:00"), Stages: []dental.Stage{stage("1", dental.StageDone, "2025-04-01"),
		stage("2", dental.StagePlanned, ""), stage("3", dental.StageCancelled, "")}}}}
	want(t, sum(t, card, "2025-03-01", "2025-03-01"), map[string]int64{"plan": 1, "plan/completed": 0, "plan/stages": 2, "plan/done": 1, "plan/value": 200000, "plan/done-value": 100000})
	want(t, sum(t, card, "", "2025-04-14"), map[string]int64{"stalled": 0, "stages/planned": 100000})
	want(t, sum(t, card, "", "2025-04-15"), map[string]int64{"stalled": 1})
	card.Plans[0].Stages[1] = stage("2", dental.StageBooked, "")
	want(t, sum(t, card, "", ""), map[string]int64{"stalled": 0, "stages/booked": 100000, "stages/planned": 0})
	card.Plans[0].Stages[1] = stage("2", dental.StageDone, "2025-05-01")
	want(t, sum(t, card, "", ""), map[string]int64{"plan": 1, "plan/completed": 1, "plan/done": 2, "stalled": 0, "stages/booked": 0})
	card.Plans[0].Stages = []dental.Stage{stage("3", dental.StageCancelled, "")}
	want(t, sum(t, card, "", ""), map[string]int64{"plan": 0, "plan/completed": 0})
}

func TestEachMistakeIsSeenWhereItIsMadeAndNowhereElse(t *testing.T) {
	all := func(change ...func(*dental.Card)) dental.Card { // a card whose third visit has none
		third := visit(t, "V-3", "2026-01-10", func(v *dental.Visit) {
			v.ReturnDate, v.NextStep, v.Recommendations = on(t, "2026-04-10"), dental.ServiceType{Name: "Контроль", Kind: dental.Hygiene}, "Щётка раз в три месяца"
		})
		survey := message(t, "2026-01-11 11:00", func(x *dental.Touch) {
			x.Scenario, x.Step, x.Anchor, x.Class = "after-visit", "survey", "2026-01-10", dental.Service
		})
		c := dental.Card{Visits: []dental.Visit{visit(t, "V-1", "2025-01-10"), visit(t, "V-2", "2025-06-10"), third}, Touches: []dental.Touch{survey, message(t, "2026-03-10 12:00")},
			Bonuses: []dental.Bonus{{Source: "g", Kind: dental.BonusGrant, Amount: roubles(500), On: on(t, "2026-01-20")}}}
		for _, f := range change {
			f(&c)
		}
		return c
	}
	bare := func(c *dental.Card) {
		v := &c.Visits[2]
		v.ReturnDate, v.NextStep, v.Recommendations = dental.Date{}, dental.ServiceType{}, ""
	}
	for name, tt := range map[string]struct {
		change []func(*dental.Card)
		made   []string
	}{
		"none":         {nil, nil},
		"nobody asked": {[]func(*dental.Card){func(c *dental.Card) { c.Touches = c.Touches[1:] }}, []string{measure.NotAsked}},
		"the patient spoke unasked": {[]func(*dental.Card){func(c *dental.Card) {
			c.Touches = c.Touches[1:]
			c.Answers = []dental.Answer{{Day: on(t, "2026-01-10"), FirstAt: at(t, "2026-01-10 20:00"), NPS: -1, Rating: dental.Good}}
		}}, nil},
		"no date":        {[]func(*dental.Card){func(c *dental.Card) { c.Visits[2].ReturnDate = dental.Date{} }}, []string{measure.NoDate}},
		"come if needed": {[]func(*dental.Card){bare}, []string{measure.NoDate, measure.IfNeeded}},
		"an appointment is a date": {[]func(*dental.Card){bare, func(c *dental.Card) {
			c.Appointments = []dental.Appointment{{ID: "A", Start: at(t, "2026-02-01 10:00"), BookedAt: at(t, "2026-01-10 11:05"), Status: dental.Booked}}
		}}, nil},
		"a date agreed on at the desk": {[]func(*dental.Card){func(c *dental.Card) {
			c.Visits[2].ReturnDate = dental.Date{}
			c.Patient.ReturnOn, c.Patient.ReturnAgreed = on(t, "2026-04-10"), at(t, "2026-01-10 11:10")
		}}, nil},
		"one agreed on the day after": {[]func(*dental.Card){func(c *dental.Card) {
			c.Visits[2].ReturnDate = dental.Date{}
			c.Patient.ReturnOn, c.Patient.ReturnAgreed = on(t, "2026-04-10"), at(t, "2026-01-11 11:10")
		}}, []string{measure.NoDate}},
		"one of next week is not": {[]func(*dental.Card){bare, func(c *dental.Card) {
			c.Appointments = []dental.Appointment{{ID: "A", Start: at(t, "2026-02-01 10:00"), BookedAt: at(t, "2026-01-17 11:05"), Status: dental.Booked}}
		}}, []string{measure.NoDate, measure.IfNeeded}},
		"no control of the date": {[]func(*dental.Card){func(c *dental.Card) { c.Touches = c.Touches[:1] }}, []string{measure.NoControl}},
		"who came needed no control": {[]func(*dental.Card){func(c *dental.Card) {
			c.Touches = c.Touches[:1]
			c.Visits = append(c.Visits, visit(t, "V-4", "2026-04-10", func(v *dental.Visit) {
				v.ReturnDate, v.NextStep = on(t, "2026-10-10"), dental.ServiceType{Name: "Контроль"}
			}))
		}}, nil},
		"no loyalty":                            {[]func(*dental.Card){func(c *dental.Card) { c.Bonuses = nil }}, []string{measure.NoLoyalty}},
		"at a second visit nobody is a regular": {[]func(*dental.Card){func(c *dental.Card) { c.Bonuses = nil; c.Visits = c.Visits[1:] }}, nil},
		"a child has no club":                   {[]func(*dental.Card){func(c *dental.Card) { c.Bonuses = nil; c.Patient.BirthDate = on(t, "2015-01-01") }}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			card := all(tt.change...)
			got := sum(t, card, "2026-01-10", "2026-04-11")
			made := map[string]int64{}
			for _, m := range measure.Mistakes() {
				made["doctor/D-3/"+m] = 0
			}
			for _, m := range tt.made {
				made["doctor/D-3/"+m] = 1
			}
			want(t, got, made)
		})
	}
}

func TestGiftsAndBonusesCostOnTheDayTheyAreGivenOut(t *testing.T) {
	card := dental.Card{
		Gifts: []dental.GiftChoice{{Scenario: "birthday", Gift: "clean", Cost: roubles(700), ChosenOn: on(t, "2026-01-01")},
			{Scenario: "birthday", Anchor: "2026", Gift: "clean", Cost: roubles(800), RedeemedAt: at(t, "2026-02-02 10:00"), RedeemedOn: on(t, "2026-02-02")}},
		Bonuses: []dental.Bonus{{Source: "a", Kind: dental.BonusGrant, Amount: roubles(500), On: on(t, "2026-01-01")},
			{Source: "b", Kind: dental.BonusSpent, Amount: roubles(-300), On: on(t, "2026-02-02")}, {Source: "c", Kind: dental.BonusReversed, Of: "a", Amount: roubles(-500), On: on(t, "2026-02-03")},
			{Source: "d", Kind: dental.BonusFreeHygiene, On: on(t, "2026-02-04")}},
	}
	want(t, sum(t, card, "2026-02-02", "2026-02-02"), map[string]int64{"cost/gifts": 80000, "cost/gifts/birthday": 80000, "gifts": 1, "cost/bonuses": 30000})
	want(t, sum(t, card, "", ""), map[string]int64{"cost/gifts": 80000, "cost/bonuses": 30000, "earned": 0, "free-hygiene": 1})
}

// life is a card of made-up facts.
func life(t *rapid.T) dental.Card {
	first := dental.Date{Year: 2024, Month: 1, Day: 1}
	loc := clinic().Location()
	day := func(name string) dental.Date { return first.AddDays(rapid.IntRange(0, 800).Draw(t, name)) }
	card := dental.Card{}
	for i := range rapid.IntRange(0, 6).Draw(t, "visits") {
		d := day("visit")
		v := dental.Visit{ID: fmt.Sprint("V-", i), FinishedAt: d.At(dental.TimeOfDay(600+i), loc), Day: d, Doctor: dental.Doctor{ID: fmt.Sprint("D-", i%2), Name: "Врач"},
			Receipt: roubles(rapid.Int64Range(0, 9000).Draw(t, "receipt")), Procedures: []dental.Procedure{{Kind: rapid.SampledFrom(dental.ProcedureKinds()).Draw(t, "kind")}}}
		if rapid.Bool().Draw(t, "dated") {
			v.ReturnDate = d.AddMonths(rapid.IntRange(1, 12).Draw(t, "months"))
		}
		card.Visits = append(card.Visits, v)
		if rapid.Bool().Draw(t, "refunded") {
			card.Payments = append(card.Payments, dental.Payment{ID: fmt.Sprint("F-", i), VisitID: v.ID, Amount: roubles(100), Kind: dental.Refund})
		}
	}
	for i := range rapid.IntRange(0, 6).Draw(t, "touches") {
		d := day("touch")
		when := d.At(720, loc)
		card.Touches = append(card.Touches, dental.Touch{Scenario: fmt.Sprint("s-", i%3), Step: "a", Anchor: fmt.Sprint(i), Class: rapid.SampledFrom(dental.Classes()).Draw(t, "class"),
			State: rapid.SampledFrom([]dental.TouchState{dental.Sent, dental.Skipped, dental.TouchCancelled, dental.Planned}).Draw(t, "state"), Reason: rapid.SampledFrom([]string{"", "holdout", "capped"}).Draw(t, "reason"),
			Due: when, SentAt: when, DeliveredAt: when, EndedAt: when, EndedOn: d, Parts: 1, Price: roubles(4), Channel: dental.SMS})
	}
	for i := range rapid.IntRange(0, 2).Draw(t, "answers") {
		d := day("answer")
		card.Answers = append(card.Answers, dental.Answer{Day: d, NPS: rapid.IntRange(-1, 10).Draw(t, "nps"), Rating: dental.Good, FirstAt: d.At(720+dental.TimeOfDay(i), loc)})
	}
	return card
}

// TestTheOrderOfFactsDoesNotMatter: the table gives them by their keys, a replay
// in another order.
func TestTheOrderOfFactsDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		card := life(t)
		other := card
		other.Visits, other.Touches = rapid.Permutation(card.Visits).Draw(t, "visits"), rapid.Permutation(card.Touches).Draw(t, "touches")
		other.Payments = rapid.Permutation(card.Payments).Draw(t, "payments")
		if a, b := measure.Tallies(clinic(), &card), measure.Tallies(clinic(), &other); !reflect.DeepEqual(a, b) {
			t.Fatalf("%v\nand in another order\n%v", a, b)
		}
	})
}

// TestSumsAreTheSameHoweverTheyAreAddedUp: by patient and by day, in any order,
// with a patient taken out again as if never there.
func TestSumsAreTheSameHoweverTheyAreAddedUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cards := rapid.SliceOfN(rapid.Custom(life), 1, 4).Draw(t, "cards")
		byDay, whole := map[dental.Date]measure.Sums{}, measure.Sums{}
		for _, i := range rapid.Permutation(indices(len(cards))).Draw(t, "order") {
			for day, sums := range measure.Tallies(clinic(), &cards[i]) {
				if byDay[day] == nil {
					byDay[day] = measure.Sums{}
				}
				byDay[day].Plus(sums)
				whole.Plus(sums)
			}
		}
		added := measure.Sums{}
		for _, sums := range byDay {
			added.Plus(sums)
		}
		if !maps.Equal(added, whole) {
			t.Fatalf("by days %v, at once %v", added, whole)
		}
		for i := range cards { // one after another is taken back
			for _, sums := range measure.Tallies(clinic(), &cards[i]) {
				for name, n := range sums {
					whole.Add(name, -n)
				}
			}
		}
		if len(whole) != 0 {
			t.Fatalf("of nobody is left %v", whole)
		}
	})
}

func indices(n int) (out []int) {
	for i := range n {
		out = append(out, i)
	}
	return out
}

func TestNothingOfATallyDependsOnMarginOrPrices(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		card, dear := life(t), clinic()
		dear.MarginPermille, dear.PartPrice, dear.Scenarios = 900, roubles(99), map[string]dental.ScenarioSettings{"s-0": {On: true, HoldoutPercent: 50}}
		if a, b := measure.Tallies(clinic(), &card), measure.Tallies(dear, &card); !reflect.DeepEqual(a, b) {
			t.Fatalf("%v\nand in a dearer clinic\n%v", a, b)
		}
	})
}
