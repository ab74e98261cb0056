package scenario_test

import (
	"testing"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/scenario"
	"github.com/returnpoint/returnpoint/shared/stagetest"
)

// seen is the card of a patient last seen on 10 March 2026, due again by 10
// September, with an open plan since the day of the visit.
func seen(t *testing.T, cl *dental.Clinic) dental.Card {
	t.Helper()
	at := local(t, cl.Location(), "2026-03-10 12:00")
	card := dental.Card{Patient: dental.Patient{Clinic: cl.ID, ID: "P"},
		Visits: []dental.Visit{{ID: "V", FinishedAt: at, Day: cl.Today(at), Procedures: done(dental.Hygiene), Doctor: dental.Doctor{ID: "D-3", Name: "Ирина Соколова"}}},
		Plans:  []dental.Plan{{ID: "L", PresentedAt: at, Stages: []dental.Stage{{ID: "1", Name: "Коронка", Kind: dental.Prosthetics, Status: dental.StagePlanned}}}}}
	card.Milestones = scenario.Milestones(cl, &card)
	return card
}

func TestATaskAboutAnOfferThatWhatHappenedHasSettled(t *testing.T) {
	cl, catalogue := stagetest.Clinic(), scenario.Shipped()
	opened := local(t, cl.Location(), "2026-09-03 10:00")
	before, since := opened.Add(-time.Hour), opened.Add(time.Hour)
	task := func(kind dental.TaskKind, name, anchor string) dental.Task {
		return dental.Task{Kind: kind, Scenario: name, Anchor: anchor, OpenedAt: opened}
	}
	call, plan := task(dental.CallTask, "recall", "2026-09-10"), task(dental.PlanTask, "plan", "L:2026-03-10")
	wake, wish := task(dental.WakeTask, "sleeping-12", "2026-03-10"), task(dental.CallbackTask, "recall", "recall.2026-09-10")
	said := func(name, anchor string, action dental.OfferAction, at time.Time) func(*dental.Card) {
		return func(c *dental.Card) {
			c.Responses = append(c.Responses, dental.Response{Scenario: name, Anchor: anchor, Action: action, FirstAt: at, At: at})
		}
	}
	booked := func(at time.Time) func(*dental.Card) {
		return func(c *dental.Card) {
			c.Appointments = append(c.Appointments, dental.Appointment{ID: "A", Start: opened.Add(5 * day), Status: dental.Booked, BookedAt: at})
		}
	}
	visited := func(c *dental.Card) { c.Visits = append(c.Visits, dental.Visit{ID: "V2", FinishedAt: since}) }
	stage := func(status dental.StageStatus) func(*dental.Card) {
		return func(c *dental.Card) {
			c.Plans[0].Stages[0].Status, c.Plans[0].Stages[0].DoneAt = status, since
			c.Plans[0].Stages = append(c.Plans[0].Stages, dental.Stage{ID: "2", Status: dental.StagePlanned})
		}
	}
	all := func(changes ...func(*dental.Card)) func(*dental.Card) {
		return func(c *dental.Card) {
			for _, change := range changes {
				change(c)
			}
		}
	}
	nothing := func(*dental.Card) {}
	for _, tt := range []struct {
		name    string
		task    dental.Task
		happens func(*dental.Card)
		want    string
	}{
		{"a call stays while nothing has happened", call, nothing, ""},
		{"a plan's call stays while nothing has happened", plan, nothing, ""},
		{"one to wake stays while nothing has happened", wake, nothing, ""},
		{"a wish to be called stays while nothing has happened", wish, said("recall", "2026-09-10", dental.BookOffer, opened), ""},
		{"a call is settled by a wish to come", call, said("recall", "2026-09-10", dental.BookOffer, since), "answered"},
		{"a call is settled by a wish to be called, which is another task", call, said("recall", "2026-09-10", dental.CallbackOffer, since), "answered"},
		{"a call is settled by a later", call, said("recall", "2026-09-10", dental.LaterOffer, since), "later"},
		{"a call is settled by a never", call, said("recall", "2026-09-10", dental.NeverOffer, since), "never"},
		{"a call is not settled by the later that was before it", call, said("recall", "2026-09-10", dental.LaterOffer, before), ""},
		{"a call is settled by a never that was before it", call, said("recall", "2026-03-10", dental.NeverOffer, before), "never"},
		{"a call is not settled by what was said of another date", call, said("recall", "2026-03-10", dental.BookOffer, since), ""},
		{"a call is settled by a booking", call, booked(since), "booked"},
		{"a call is settled by a visit", call, visited, "attended"},
		{"a call about a date that has moved is settled", call, func(c *dental.Card) { c.Milestones = nil }, "superseded"},
		{"one to wake is settled by a never to another of the family", wake, said("sleeping-6", "2026-03-10", dental.NeverOffer, since), "never"},
		{"one to wake is not settled by a never to recall", wake, said("recall", "2026-09-10", dental.NeverOffer, since), ""},
		{"one to wake is settled by an answer", wake, said("sleeping-12", "2026-03-10", dental.CallbackOffer, since), "answered"},
		{"one to wake is settled by a booking", wake, booked(since), "booked"},
		{"one to wake is settled by a visit", wake, visited, "attended"},
		{"a plan's call is settled by a booking", plan, booked(since), "booked"},
		{"a plan's call is settled by a booked stage", plan, stage(dental.StageBooked), "booked"},
		{"a plan's call is settled by a done stage", plan, stage(dental.StageDone), "stage-done"},
		{"a plan's call is settled by an answer", plan, said("plan", "L:2026-03-10", dental.LaterOffer, since), "later"},
		{"a wish to come is settled by a booking", wish, all(said("recall", "2026-09-10", dental.BookOffer, opened), booked(before)), "booked"},
		{"a wish to be called is not settled by the appointment that was there", wish, all(said("recall", "2026-09-10", dental.CallbackOffer, opened), booked(before)), ""},
		{"a wish to be called is settled by an appointment made since", wish, all(said("recall", "2026-09-10", dental.CallbackOffer, opened), booked(since)), "booked"},
		{"a wish to be called is settled by a visit", wish, all(said("recall", "2026-09-10", dental.CallbackOffer, opened), visited), "attended"},
		{"a wish to be called is settled by a later", wish, said("recall", "2026-09-10", dental.LaterOffer, since), "later"},
		{"a wish to be called is settled by a never", wish, said("recall", "2026-09-10", dental.NeverOffer, since), "never"},
		{"a wish to be called about a message is settled by staff alone", task(dental.CallbackTask, "recall", "message.x"), visited, ""},
		{"a wish to be called about an appointment that is not known stays", task(dental.CallbackTask, "appointment", "A@20260910T100000Z"), visited, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			card := seen(t, &cl)
			tt.happens(&card)
			if got := catalogue.Moot(&cl, &card, tt.task, since); got != tt.want {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
}

func TestWhatAnOfferSpeaksOf(t *testing.T) {
	cl, catalogue := stagetest.Clinic(), scenario.Shipped()
	card := seen(t, &cl)
	left := local(t, cl.Location(), "2026-03-24 12:00")
	card.Touches = []dental.Touch{{Scenario: "plan", Step: "next-stage", Anchor: "L:2026-03-10", Attempts: []dental.Attempt{{At: left.Add(-day)}, {At: left}}}}
	o, ok := catalogue.OfferOf(&cl, &card, "plan", "next-stage", "L:2026-03-10")
	if !ok || o.Stage != "Коронка" || o.Minutes != 30 || o.Over != "" || o.Until.String() != "2026-04-23" || o.Benefit != (dental.Benefit{}) || !o.ComeBy.IsZero() {
		t.Errorf("of a plan it is %+v, %t", o, ok)
	}
	card.Visits = append(card.Visits, dental.Visit{ID: "V2", FinishedAt: left.Add(day), Day: cl.Today(left.Add(day)), Procedures: done(dental.Therapy)})
	if o, _ := catalogue.OfferOf(&cl, &card, "plan", "next-stage", "L:2026-03-10"); o.Over != "" {
		t.Errorf("a visit that the plan has not moved with ends it: %q", o.Over)
	}
	card.Touches = append(card.Touches, dental.Touch{Scenario: "season", Step: "autumn", Anchor: "2026", Attempts: []dental.Attempt{{At: left}}})
	if o, _ := catalogue.OfferOf(&cl, &card, "season", "autumn", "2026"); o.Over != "attended" || o.Benefit.Kind != dental.FreeService {
		t.Errorf("of a season, after a visit, it is %+v", o)
	}
	for _, other := range [][2]string{{"plan", "first"}, {"nothing", "offer"}, {"after-visit", "survey"}, {"", ""}} {
		if _, ok := catalogue.OfferOf(&cl, &card, other[0], other[1], "2026-03-10"); ok {
			t.Errorf("%v is an offer", other)
		}
	}
}
