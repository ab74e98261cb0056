package dental_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/returnpoint/returnpoint/shared/dental"
)

// regular is a card to be filled with days of one patient, each told as it ended.
type regular struct {
	clinic dental.Clinic
	card   dental.Card
}

func newRegular() *regular {
	return &regular{clinic: dental.Clinic{ID: "c", TimeZone: "Europe/Moscow", ClubVisits: 3}}
}

// noon of a day of 2026, counted from the first.
func (r *regular) noon(day int) time.Time {
	return dental.Date{Year: 2026, Month: 1, Day: 1}.AddDays(day).At(12*60, r.clinic.Location())
}

func (r *regular) date(day int) dental.Date { return r.clinic.Today(r.noon(day)) }

// comes tells of a hygiene that cost so many roubles.
func (r *regular) comes(day int, roubles int64, change ...func(*dental.Visit)) {
	v := dental.Visit{ID: fmt.Sprintf("V%d.%d", day, len(r.card.Visits)), FinishedAt: r.noon(day), AcceptedAt: r.noon(day), Day: r.date(day), Receipt: price(roubles),
		Procedures: []dental.Procedure{{Kind: dental.Hygiene}}}
	for _, c := range change {
		c(&v)
	}
	r.card.Visits = append(r.card.Visits, v)
}

// presses is the desk's button for a free hygiene.
func (r *regular) presses(day int) {
	r.card.Bonuses = append(r.card.Bonuses, dental.Bonus{Kind: dental.BonusFreeHygiene, Source: fmt.Sprint("press.", len(r.card.Bonuses)), On: r.date(day), At: r.noon(day)})
}

func (r *regular) stages(plan string, open bool, days ...int) {
	p := dental.Plan{ID: plan, PresentedAt: r.noon(-5)}
	for _, day := range days {
		p.Stages = append(p.Stages, dental.Stage{Status: dental.StageDone, DoneAt: r.noon(day)})
	}
	if open {
		p.Stages = append(p.Stages, dental.Stage{Status: dental.StagePlanned})
	}
	r.card.Plans = append(r.card.Plans, p)
}

func told(late time.Duration) func(*dental.Visit) {
	return func(v *dental.Visit) { v.AcceptedAt = v.FinishedAt.Add(late) }
}

func therapy(v *dental.Visit) { v.Procedures = []dental.Procedure{{Kind: dental.Therapy}} }

func TestTheClub(t *testing.T) {
	member := func(r *regular) {
		for day := range 3 {
			r.comes(day, 1000)
		}
	}
	paid := func(days ...int) func(*regular) {
		return func(r *regular) {
			for _, day := range days {
				r.comes(day, 1000)
			}
		}
	}
	tests := []struct {
		name    string
		happens []func(*regular)
		joined  int // the day, -1 for never
		counted []int
		earned  []int
		used    int
	}{
		{"begins with the third day of visits", []func(*regular){member}, 2, nil, nil, 0},
		{"does not begin with the second", []func(*regular){paid(0, 1)}, -1, nil, nil, 0},
		{"takes several visits of a day for one", []func(*regular){paid(0, 0, 0, 1)}, -1, nil, nil, 0},
		{"does not begin with an import", []func(*regular){func(r *regular) {
			for day := range 5 {
				r.comes(day, 1000, told(8*24*time.Hour))
			}
		}}, -1, nil, nil, 0},
		{"begins with the first day that is told as it happens, if two came before", []func(*regular){func(r *regular) {
			for day := range 5 {
				r.comes(day, 1000, told(30*24*time.Hour))
			}
		}, paid(9)}, 9, nil, nil, 0},
		{"takes a day told seven days late for one that happened under our eyes", []func(*regular){paid(0, 1), func(r *regular) { r.comes(2, 1000, told(7*24*time.Hour)) }}, 2, nil, nil, 0},
		{"takes one told later for history", []func(*regular){paid(0, 1), func(r *regular) { r.comes(2, 1000, told(7*24*time.Hour+time.Second)) }}, -1, nil, nil, 0},
		{"gives a free hygiene for every third day that brought money", []func(*regular){member, paid(10, 20, 30, 40)}, 2, []int{10, 20, 30, 40}, []int{30}, 0},
		{"does not count a day without a receipt, and imports", []func(*regular){member, func(r *regular) {
			r.comes(10, 0)
			r.comes(20, 1000, told(9*24*time.Hour))
		}, paid(30)}, 2, []int{30}, nil, 0},
		{"counts a payment where there is no receipt", []func(*regular){member, func(r *regular) {
			r.comes(10, 0, func(v *dental.Visit) { v.Receipt = dental.Money{} })
			r.card.Payments = []dental.Payment{{VisitID: r.card.Visits[3].ID, Kind: dental.Paid, Amount: price(500)}}
		}}, 2, []int{10}, nil, 0},
		{"does not count what was paid back", []func(*regular){member, paid(10), func(r *regular) {
			r.card.Payments = []dental.Payment{{VisitID: r.card.Visits[3].ID, Kind: dental.Refund, Amount: price(1000)}}
		}}, 2, nil, nil, 0},
		{"counts what was paid back in part", []func(*regular){member, paid(10), func(r *regular) {
			r.card.Payments = []dental.Payment{{VisitID: r.card.Visits[3].ID, Kind: dental.Refund, Amount: price(999)}}
		}}, 2, []int{10}, nil, 0},
		{"counts the stages of a plan once, and its last by itself", []func(*regular){member, paid(10, 20, 30), func(r *regular) { r.stages("L", false, 10, 20, 30) }}, 2, []int{10, 30}, nil, 0},
		{"counts all the stages of a plan under way once", []func(*regular){member, paid(10, 20, 30), func(r *regular) { r.stages("L", true, 10, 20, 30) }}, 2, []int{10}, nil, 0},
		{"counts the stages of two plans once each", []func(*regular){member, paid(10, 20, 30, 40), func(r *regular) { r.stages("L", true, 10, 20); r.stages("M", true, 30, 40) }}, 2, []int{10, 30}, nil, 0},
		{"takes a hygiene at nought after it for the free one", []func(*regular){member, paid(10, 20, 30), func(r *regular) { r.comes(40, 0) }}, 2, []int{10, 20, 30}, []int{30}, 1},
		{"does not take one at nought on the day it is earned for it", []func(*regular){member, paid(10, 20, 30), func(r *regular) { r.comes(30, 0) }}, 2, []int{10, 20, 30}, []int{30}, 0},
		{"does not take one before it for it", []func(*regular){member, paid(10, 20), func(r *regular) { r.comes(25, 0) }, paid(30)}, 2, []int{10, 20, 30}, []int{30}, 0},
		{"does not take another treatment at nought for it", []func(*regular){member, paid(10, 20, 30), func(r *regular) { r.comes(40, 0, therapy) }}, 2, []int{10, 20, 30}, []int{30}, 0},
		{"takes the desk's press for it", []func(*regular){member, paid(10, 20, 30), func(r *regular) { r.presses(40) }}, 2, []int{10, 20, 30}, []int{30}, 1},
		{"takes a press and the hygiene at nought of that day for one", []func(*regular){member, paid(10, 20, 30), func(r *regular) { r.comes(40, 0); r.presses(40) }}, 2, []int{10, 20, 30}, []int{30}, 1},
		{"takes a hygiene at nought and a later press for two", []func(*regular){member, paid(10, 20, 30), func(r *regular) { r.comes(40, 0) }, paid(50, 60, 70), func(r *regular) { r.presses(80) }},
			2, []int{10, 20, 30, 50, 60, 70}, []int{30, 70}, 2},
		{"takes an earlier press and a hygiene at nought for two", []func(*regular){member, paid(10, 20, 30), func(r *regular) { r.presses(40) }, paid(50, 60, 70), func(r *regular) { r.comes(80, 0) }},
			2, []int{10, 20, 30, 50, 60, 70}, []int{30, 70}, 2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := newRegular()
			for _, happens := range tt.happens {
				happens(r)
			}
			days := func(of []int) (out []dental.Date) {
				for _, day := range of {
					out = append(out, r.date(day))
				}
				return out
			}
			var joined dental.Date
			if tt.joined >= 0 {
				joined = r.date(tt.joined)
			}
			club := dental.ClubOf(&r.clinic, &r.card)
			if club.JoinedOn != joined || !slices.Equal(club.Counted, days(tt.counted)) || !slices.Equal(club.EarnedOn, days(tt.earned)) || club.Used != tt.used {
				t.Errorf("it stands at %+v", club)
			}
			if club.Free() != len(tt.earned)-tt.used || club.Towards() != len(tt.counted)-3*len(tt.earned) {
				t.Errorf("%d are free, and %d of %d towards the next", club.Free(), club.Towards(), club.Every)
			}
		})
	}
}

func TestTheClubFollowsFromTheFactsInWhateverOrderTheyAreKnown(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := newRegular()
		r.clinic.ClubVisits = rapid.IntRange(1, 4).Draw(t, "every")
		for range rapid.IntRange(0, 25).Draw(t, "visits") {
			r.comes(rapid.IntRange(0, 60).Draw(t, "day"), int64(rapid.IntRange(0, 2).Draw(t, "roubles")),
				told(time.Duration(rapid.IntRange(0, 9).Draw(t, "told days late"))*24*time.Hour))
		}
		for range rapid.IntRange(0, 4).Draw(t, "presses") {
			r.presses(rapid.IntRange(0, 70).Draw(t, "pressed"))
		}
		club := dental.ClubOf(&r.clinic, &r.card)
		if len(club.EarnedOn) != len(club.Counted)/club.Every || club.Towards() < 0 || club.Towards() >= club.Every || club.Free() < 0 {
			t.Fatalf("it stands at %+v", club)
		}
		for i, day := range club.Counted {
			if !day.After(club.JoinedOn) || i > 0 && !day.After(club.Counted[i-1]) {
				t.Fatalf("%s counts: %+v", day, club)
			}
		}
		if club.JoinedOn.IsZero() && club.Used > len(r.card.Bonuses) {
			t.Fatalf("who has not joined has used %d", club.Used)
		}
		r.card.Visits, r.card.Bonuses = rapid.Permutation(r.card.Visits).Draw(t, "visits in another order"), rapid.Permutation(r.card.Bonuses).Draw(t, "bonuses in another order")
		if again := dental.ClubOf(&r.clinic, &r.card); fmt.Sprint(again) != fmt.Sprint(club) {
			t.Fatalf("told in another order it stands at %+v, and not at %+v", again, club)
		}
	})
}
