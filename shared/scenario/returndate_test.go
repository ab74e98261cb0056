package scenario_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/scenario"
	"github.com/returnpoint/returnpoint/shared/stagetest"
)

func on(t testing.TB, s string) dental.Date {
	t.Helper()
	d, err := dental.ParseDate(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func done(kinds ...dental.ProcedureKind) []dental.Procedure {
	var out []dental.Procedure
	for _, k := range kinds {
		out = append(out, dental.Procedure{Kind: k})
	}
	return out
}

func TestTheReturnDate(t *testing.T) {
	tests := []struct {
		name     string
		finished string
		kinds    []dental.ProcedureKind
		given    string
		own      map[string]int
		want     string
	}{
		{"after hygiene is in 6 months", "2026-05-22 15:35", []dental.ProcedureKind{dental.Hygiene}, "", nil, "2026-11-22"},
		{"after an implant is in 12", "2026-05-22 15:35", []dental.ProcedureKind{dental.Implant}, "", nil, "2027-05-22"},
		{"after orthodontics is in 6", "2026-05-22 15:35", []dental.ProcedureKind{dental.Orthodontics}, "", nil, "2026-11-22"},
		{"after periodontics is in 3", "2026-05-22 15:35", []dental.ProcedureKind{dental.Periodontics}, "", nil, "2026-08-22"},
		{"after therapy is in 6", "2026-05-22 15:35", []dental.ProcedureKind{dental.Therapy}, "", nil, "2026-11-22"},
		{"after several kinds follows the shortest", "2026-05-22 15:35", []dental.ProcedureKind{dental.Implant, dental.Periodontics, dental.Hygiene}, "", nil, "2026-08-22"},
		{"after nothing named is in 6", "2026-05-22 15:35", nil, "", nil, "2026-11-22"},
		{"after a kind nobody knows is in 6", "2026-05-22 15:35", []dental.ProcedureKind{"massage"}, "", nil, "2026-11-22"},
		{"is the doctor's own where one is set", "2026-05-22 15:35", []dental.ProcedureKind{dental.Hygiene}, "2026-07-01", nil, "2026-07-01"},
		{"is clamped to the month's end", "2026-08-31 15:35", []dental.ProcedureKind{dental.Hygiene}, "", nil, "2027-02-28"},
		{"is clamped to 29 February in a leap year", "2027-08-31 15:35", []dental.ProcedureKind{dental.Hygiene}, "", nil, "2028-02-29"},
		{"follows the clinic's own interval", "2026-05-22 15:35", []dental.ProcedureKind{dental.Hygiene}, "", map[string]int{"hygiene": 4}, "2026-09-22"},
		{"follows the clinic's own interval when it is the longer", "2026-05-22 15:35", []dental.ProcedureKind{dental.Hygiene, dental.Implant}, "", map[string]int{"hygiene": 18}, "2027-05-22"},
		{"leaves out a kind that the clinic gives no interval", "2026-05-22 15:35", []dental.ProcedureKind{dental.Hygiene, dental.Implant}, "", map[string]int{"hygiene": 0}, "2027-05-22"},
		{"counts from the day on the clinic's calendar", "2026-05-22 23:30", []dental.ProcedureKind{dental.Hygiene}, "", nil, "2026-11-22"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			cl := stagetest.Clinic()
			cl.RecallMonths = tt.own
			v := dental.Visit{FinishedAt: local(t, cl.Location(), tt.finished).UTC(), Procedures: done(tt.kinds...)}
			if tt.given != "" {
				v.ReturnDate = on(t, tt.given)
			}
			if got := scenario.ReturnDate(&cl, v).String(); got != tt.want {
				t.Errorf("it is %s, want %s", got, tt.want)
			}
		})
	}
	for _, kind := range dental.ProcedureKinds() {
		cl := stagetest.Clinic()
		v := dental.Visit{FinishedAt: local(t, cl.Location(), "2026-01-15 12:00"), Procedures: done(kind)}
		if months := scenario.ReturnDate(&cl, v).DaysSince(on(t, "2026-01-15")) / 28; months < 3 || months > 13 {
			t.Errorf("after %s it is in %d months", kind, months)
		}
	}
}

// dates are milestones as "kind[/plan] date".
func dates(list []dental.Milestone) []string {
	var out []string
	for _, m := range list {
		name := string(m.Kind)
		if m.Plan != "" {
			name += "/" + m.Plan
		}
		out = append(out, strings.TrimSpace(name+" "+m.Date.String()))
	}
	slices.Sort(out)
	return out
}

func TestTheMilestonesOfACard(t *testing.T) {
	msk := moscow(t)
	visit := func(id, at string, kinds ...dental.ProcedureKind) dental.Visit {
		return dental.Visit{ID: id, FinishedAt: local(t, msk, at), Procedures: done(kinds...)}
	}
	set := func(v dental.Visit, back string) dental.Visit {
		v.ReturnDate = on(t, back)
		return v
	}
	plan := func(id, presented string, stages ...dental.Stage) dental.Plan {
		return dental.Plan{ID: id, PresentedAt: local(t, msk, presented), Stages: stages}
	}
	planned := dental.Stage{Status: dental.StagePlanned}
	stageDone := func(at string) dental.Stage { return dental.Stage{Status: dental.StageDone, DoneAt: local(t, msk, at)} }
	tests := []struct {
		name string
		card dental.Card
		want []string
	}{
		{"of a stranger is a last visit that never was", dental.Card{}, []string{"last-visit"}},
		{"of somebody who has never come are that and the birthday", dental.Card{Patient: dental.Patient{BirthDate: on(t, "1985-02-28")}}, []string{"birthday 1985-02-28", "last-visit"}},
		{"of a visit are its day and the return date", dental.Card{Visits: []dental.Visit{visit("V", "2026-05-22 15:35", dental.Hygiene)}}, []string{"last-visit 2026-05-22", "return-date 2026-11-22"}},
		{"of a late evening are the clinic's day", dental.Card{Visits: []dental.Visit{visit("V", "2026-05-22 00:30", dental.Hygiene)}}, []string{"last-visit 2026-05-22", "return-date 2026-11-22"}},
		{"follow the latest visit, whatever order they are known in", dental.Card{Visits: []dental.Visit{visit("V1", "2026-05-22 15:35", dental.Periodontics), visit("V2", "2026-01-10 15:35", dental.Hygiene)}},
			[]string{"last-visit 2026-05-22", "return-date 2026-08-22"}},
		{"keep the last implant and the last orthodontic visit apart", dental.Card{Visits: []dental.Visit{
			visit("V1", "2025-03-01 12:00", dental.Implant), visit("V2", "2025-09-01 12:00", dental.Orthodontics, dental.Hygiene), visit("V3", "2026-05-22 12:00", dental.Hygiene)}},
			[]string{"last-implant 2025-03-01", "last-orthodontics 2025-09-01", "last-visit 2026-05-22", "return-date 2026-11-22"}},
		{"have the last of several implants", dental.Card{Visits: []dental.Visit{visit("V1", "2025-03-01 12:00", dental.Implant), visit("V2", "2025-06-01 12:00", dental.Implant)}},
			[]string{"last-implant 2025-06-01", "last-visit 2025-06-01", "return-date 2026-06-01"}},
		{"let a newer visit bring the return date nearer", dental.Card{Visits: []dental.Visit{visit("V1", "2026-01-10 12:00", dental.Implant), visit("V2", "2026-02-10 12:00", dental.Periodontics)}},
			[]string{"last-implant 2026-01-10", "last-visit 2026-02-10", "return-date 2026-05-10"}},
		{"keep a later return date over an interim stage", dental.Card{Visits: []dental.Visit{visit("V1", "2026-01-10 12:00", dental.Implant), visit("V2", "2026-02-10 12:00", dental.Periodontics)},
			Plans: []dental.Plan{plan("L", "2026-01-05 12:00", stageDone("2026-02-10 12:00"), planned)}},
			[]string{"last-implant 2026-01-10", "last-visit 2026-02-10", "plan/L 2026-02-10", "return-date 2027-01-10"}},
		{"let an interim stage put the return date off", dental.Card{Visits: []dental.Visit{set(visit("V1", "2026-01-10 12:00"), "2026-03-01"), visit("V2", "2026-02-10 12:00", dental.Hygiene)},
			Plans: []dental.Plan{plan("L", "2026-01-05 12:00", planned)}},
			[]string{"last-visit 2026-02-10", "plan/L 2026-01-05", "return-date 2026-08-10"}},
		{"do not take a visit before the plan for one of its stages", dental.Card{Visits: []dental.Visit{visit("V1", "2026-01-10 12:00", dental.Implant), visit("V2", "2026-02-10 12:00", dental.Periodontics)},
			Plans: []dental.Plan{plan("L", "2026-02-11 12:00", planned)}},
			[]string{"last-implant 2026-01-10", "last-visit 2026-02-10", "plan/L 2026-02-11", "return-date 2026-05-10"}},
		{"have one of each open plan, and none of one that is done", dental.Card{Plans: []dental.Plan{
			plan("A", "2026-01-05 12:00", planned), plan("B", "2026-02-05 12:00", stageDone("2026-03-01 12:00"), planned), plan("C", "2026-04-05 12:00", stageDone("2026-04-06 12:00")), {ID: "D", Stages: []dental.Stage{planned}}}},
			[]string{"last-visit", "plan/A 2026-01-05", "plan/B 2026-03-01"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			cl := stagetest.Clinic()
			tt.card.Patient.ID = "P"
			got := scenario.Milestones(&cl, &tt.card)
			if !slices.Equal(dates(got), tt.want) {
				t.Errorf("they are %q, want %q", dates(got), tt.want)
			}
			for _, m := range got {
				if m.Clinic != cl.ID || m.Patient != "P" {
					t.Errorf("%+v is of nobody", m)
				}
			}
		})
	}
}

func TestMilestonesFollowFromTheFactsInWhateverOrderTheyAreKnown(t *testing.T) {
	cl := stagetest.Clinic()
	rapid.Check(t, func(t *rapid.T) {
		var card dental.Card
		card.Patient.ID = "P"
		start := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
		at := func() time.Time {
			return start.Add(time.Duration(rapid.IntRange(0, 700*24).Draw(t, "hour")) * hour)
		}
		for i := range rapid.IntRange(0, 6).Draw(t, "visits") {
			v := dental.Visit{ID: fmt.Sprint(i), FinishedAt: at()}
			for range rapid.IntRange(0, 2).Draw(t, "procedures") {
				v.Procedures = append(v.Procedures, dental.Procedure{Kind: rapid.SampledFrom(dental.ProcedureKinds()).Draw(t, "kind")})
			}
			if rapid.IntRange(0, 3).Draw(t, "the doctor sets a date") == 0 {
				v.ReturnDate = dental.DateOf(at())
			}
			card.Visits = append(card.Visits, v)
		}
		for i := range rapid.IntRange(0, 2).Draw(t, "plans") {
			card.Plans = append(card.Plans, dental.Plan{ID: fmt.Sprint(i), PresentedAt: at(), Stages: []dental.Stage{{Status: rapid.SampledFrom([]dental.StageStatus{dental.StagePlanned, dental.StageDone}).Draw(t, "stage"), DoneAt: at()}}})
		}
		want := scenario.Milestones(&cl, &card)
		kinds := map[string]bool{}
		for _, m := range want {
			key := string(m.Kind) + m.Plan
			if kinds[key] {
				t.Fatalf("there are two of %s", key)
			}
			kinds[key] = true
		}
		if !kinds[string(dental.LastVisit)] || kinds[string(dental.ReturnPoint)] != (len(card.Visits) > 0) {
			t.Fatalf("of %d visits they are %v", len(card.Visits), dates(want))
		}
		other := card
		other.Visits = rapid.Permutation(card.Visits).Draw(t, "visits in another order")
		other.Plans = rapid.Permutation(card.Plans).Draw(t, "plans in another order")
		other.Milestones = want // known already, and others' leftovers
		if got := scenario.Milestones(&cl, &other); !slices.Equal(dates(got), dates(want)) {
			t.Fatalf("in another order they are %v, not %v", dates(got), dates(want))
		}
	})
}

func TestATaskThatWhatHappenedHasSettled(t *testing.T) {
	cl, catalogue := stagetest.Clinic(), scenario.Shipped()
	start := local(t, moscow(t), "2026-03-19 14:30")
	opened := start.Add(-2 * day)
	appointment := dental.Appointment{ID: "A", Start: start, Status: dental.Booked}
	anchor := dental.AppointmentAnchor(appointment)
	with := func(change func(*dental.Appointment)) dental.Card {
		a := appointment
		change(&a)
		return dental.Card{Appointments: []dental.Appointment{a}}
	}
	answered := func(reply string) dental.Card {
		return with(func(a *dental.Appointment) { a.Reply, a.ReplyFor = reply, a.Start })
	}
	attended := with(func(*dental.Appointment) {})
	attended.Visits = []dental.Visit{{ID: "V", AppointmentID: "A"}}
	tests := []struct {
		name string
		kind dental.TaskKind
		card dental.Card
		want string
	}{
		{"is none while the appointment stands unanswered", dental.ConfirmTask, with(func(*dental.Appointment) {}), ""},
		{"to confirm is settled by a yes", dental.ConfirmTask, answered("confirm"), "answered"},
		{"to confirm is settled by the MIS's yes", dental.ConfirmTask, with(func(a *dental.Appointment) { a.Status = dental.Confirmed }), "answered"},
		{"to confirm is settled by a wish for another time", dental.ConfirmTask, answered("reschedule"), "answered"},
		{"to confirm is settled by a cancellation", dental.ConfirmTask, with(func(a *dental.Appointment) { a.Status = dental.Cancelled }), "appointment-cancelled"},
		{"to confirm is settled by a miss", dental.ConfirmTask, with(func(a *dental.Appointment) { a.Status = dental.Missed }), "appointment-missed"},
		{"to confirm is settled by a move", dental.ConfirmTask, with(func(a *dental.Appointment) { a.Start = start.Add(day) }), "rescheduled"},
		{"to confirm is settled by the visit", dental.ConfirmTask, attended, "attended"},
		{"to confirm an appointment that is no more known stays", dental.ConfirmTask, dental.Card{}, ""},
		{"to call back is not settled by the wish itself", dental.CallbackTask, answered("reschedule"), ""},
		{"to call back is settled by a later yes", dental.CallbackTask, answered("confirm"), "answered"},
		{"to call back is settled by the move that was wished", dental.CallbackTask, with(func(a *dental.Appointment) { a.Start = start.Add(day) }), "rescheduled"},
		{"to book again is settled by a new appointment", dental.RebookTask, with(func(*dental.Appointment) {}), "booked"},
		{"to book again is not settled by an appointment that was before", dental.RebookTask, with(func(a *dental.Appointment) { a.Start = opened.Add(-hour) }), ""},
		{"to book again is not settled by one that is cancelled", dental.RebookTask, with(func(a *dental.Appointment) { a.Status = dental.Cancelled }), ""},
		{"about a complaint is settled by staff alone", dental.ComplaintTask, attended, ""},
		{"about a patient who has died is settled", dental.ComplaintTask, dental.Card{Patient: dental.Patient{Status: dental.Deceased}}, "deceased"},
		{"about an erased patient is settled", dental.CallTask, dental.Card{Patient: dental.Patient{Erased: true}}, "erased"},
	}
	t.Run("to confirm is settled when the time has come", func(t *testing.T) {
		card, task := with(func(*dental.Appointment) {}), dental.Task{Kind: dental.ConfirmTask, Anchor: anchor, OpenedAt: opened}
		if got := catalogue.Moot(&cl, &card, task, start); got != "appointment-over" {
			t.Errorf("%q", got)
		}
		if task.Kind = dental.CallbackTask; catalogue.Moot(&cl, &card, task, start) != "" {
			t.Error("and so is a wish to be called back")
		}
	})
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			task := dental.Task{Kind: tt.kind, Anchor: anchor, OpenedAt: opened}
			if tt.kind == dental.ConfirmTask && tt.want == "" && tt.card.Known() {
				if got := catalogue.Moot(&cl, &tt.card, task, start); got != "appointment-over" {
					t.Errorf("at the start %q", got)
				}
			}
			if got := catalogue.Moot(&cl, &tt.card, task, opened.Add(time.Minute)); got != tt.want {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
}
