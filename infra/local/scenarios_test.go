package main

import (
	"cmp"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// promised is the contract's table of what a scenario sends, by its class, and
// which tasks it makes. A greeting on a birthday is an advertisement with gifts
// and a service message without.
var promised = struct{ messages, tasks map[string]string }{
	messages: map[string]string{
		"after-visit/thanks": "service", "after-visit/survey": "service",
		"complex-visit/follow-up": "service",
		"appointment/reminder":    "service", "appointment/booked": "service", "appointment/today": "service", "appointment/missed": "service",
		"recall/first": "care", "recall/second": "care", "recall/again": "care",
		"plan/next-stage":  "care",
		"sleeping-6/offer": "advertising", "sleeping-12/offer": "advertising", "sleeping-18/offer": "advertising",
		"birthday/greeting":     "advertising service",
		"implant-year/check":    "care",
		"orthodontics-6m/check": "care",
		"season/autumn":         "advertising",
		"referral/invite":       "advertising",
		"club/welcome":          "care", "club/free-hygiene": "advertising",
		"review/ask": "service",
	},
	tasks: map[string]string{
		"after-visit": "complaint feedback contact", "appointment": "confirm rebook callback", "recall": "call callback", "plan": "plan", "sleeping-12": "wake release",
		"sleeping-18": "wake release", "referral": "lead", "birthday": "call",
	},
}

// lives is a clinic's autumn: what is told and done at its time, and what came of it.
type lives struct {
	*stack
	deeds    []deed
	messages []sent
	tasks    map[string]shownTask // all that were ever open, by id
	phones   int                  // that were given out
}

type deed struct {
	at string
	do func()
}

// on plans something for a time of the clinic's clocks.
func (l *lives) on(at string, do func()) { l.deeds = append(l.deeds, deed{at, do}) }

// live does all of it, each at its time.
func (l *lives) live(clinics ...string) {
	l.t.Helper()
	slices.SortStableFunc(l.deeds, func(a, b deed) int { return cmp.Compare(a.at, b.at) })
	for i, d := range l.deeds {
		if i == 0 || d.at != l.deeds[i-1].at {
			l.to(strings.Replace(d.at, " ", "T", 1) + ":00+03:00")
		}
		d.do()
		if i+1 < len(l.deeds) && l.deeds[i+1].at == d.at {
			continue
		}
		l.advance("1m")
		for _, clinic := range clinics {
			for _, k := range l.stack.tasks(clinic, "", "") {
				l.tasks[clinic+k.ID] = k
			}
		}
	}
	l.messages = l.stack.messages("", "", "")
}

// patient tells a card, each with a phone of its own.
func (l *lives) patient(clinic, id string, change ...func(object)) {
	l.t.Helper()
	l.phones++
	who := card(id, 100+l.phones)
	delete(who, "birthDate")
	for _, c := range change {
		c(who)
	}
	l.event(clinic, "patient.updated", who)
}

func with(field string, value any) func(object) { return func(o object) { o[field] = value } }

// noOffers takes back the consent to advertising.
func noOffers(o object) {
	for _, c := range o["consents"].([]object) {
		if c["class"] == "advertising" {
			c["granted"] = false
		}
	}
}

// visited tells a visit of a kind that ended at a time of the clinic's clocks.
func (l *lives) visited(clinic, patient, kind, at string, change ...func(object)) {
	l.t.Helper()
	v := visit("V-"+patient+"-"+at[:10], patient, moscowTime(l.t, at))
	v["procedures"] = []object{{"name": kind, "kind": kind, "minutes": 40}}
	for _, c := range change {
		c(v)
	}
	l.event(clinic, "visit.completed", v)
}

func moscowTime(t *testing.T, at string) time.Time {
	t.Helper()
	when, err := time.Parse("2006-01-02 15:04 -0700", at+" +0300")
	if err != nil {
		t.Fatal(err)
	}
	return when
}

// presses posts to the page behind the patient's last message of a step.
func (l *lives) presses(patient, scenario, step, purpose string, form ...string) {
	l.t.Helper()
	got := l.stack.messages(patient, scenario, step)
	if len(got) == 0 {
		l.t.Errorf("%s has no %s/%s to answer", patient, scenario, step)
		return
	}
	if a := l.form(got[len(got)-1].link(l.t, purpose), form...); a.status != http.StatusSeeOther {
		l.t.Errorf("%s answers %s/%s by %v: %d %s", patient, scenario, step, form, a.status, a.body)
	}
}

// leaves wants just one message of a step for the patient, at a time of the
// clinic's clocks ("" for any), and gives it.
func (l *lives) leaves(patient, scenario, step, at string) sent {
	l.t.Helper()
	var got []sent
	for _, m := range l.messages {
		if m.Patient == patient && m.Scenario == scenario && m.Step == step {
			got = append(got, m)
		}
	}
	if len(got) != 1 {
		l.t.Errorf("%s has %d messages of %s/%s: %+v", patient, len(got), scenario, step, l.touches("demo", patient, scenario, step))
		return sent{}
	}
	if left := got[0].At.Format("2006-01-02 15:04"); at != "" && left != at {
		l.t.Errorf("%s has %s/%s at %s, not at %s", patient, scenario, step, left, at)
	}
	return got[0]
}

// asks wants just one task of a kind about the patient.
func (l *lives) asks(patient, scenario, kind string) {
	l.t.Helper()
	n := 0
	for _, k := range l.tasks {
		if k.Patient == patient && k.Scenario == scenario && k.Kind == kind {
			n++
		}
	}
	if n != 1 {
		l.t.Errorf("staff have %d tasks %s of %s about %s", n, kind, scenario, patient)
	}
}

// TestEveryStepOfTheContractIsReachedFromOutside drives one machine through an
// autumn over HTTP alone, and holds what came of it to the contract's table.
func TestEveryStepOfTheContractIsReachedFromOutside(t *testing.T) {
	t.Parallel()
	l := &lives{stack: start(t, t.TempDir(), "LOCAL_NOW", "2026-09-07T09:30:00+03:00"), tasks: map[string]shownTask{}}
	l.send("PUT", "/_local/clinics/demo", object{"scenarios": object{"appointment": object{"steps": object{"booked": true, "today": true}}}}, http.StatusOK)
	// A clinic that was just made has its staff release what it advertises.
	l.send("PUT", "/_local/clinics/strict", object{"name": "Строгая"}, http.StatusCreated)
	const first = "2026-09-07 10:00"

	// After a visit: thanks, a question; who was happy is asked for a review and for friends.
	l.on(first, func() {
		l.patient("demo", "happy")
		l.visited("demo", "happy", "hygiene", "2026-09-07 10:00")
	})
	l.on("2026-09-08 12:00", func() { l.presses("happy", "after-visit", "survey", "s", "answer", "good") })
	l.on("2026-09-10 13:00", func() {
		for range 2 {
			l.presses("happy", "referral", "invite", "r", "name", "Пётр", "phone", "+7 900 000-99-99", "consent", "on")
		}
	})
	l.on("2026-09-11 10:00", func() { l.patient("demo", "friend", with("phone", "+7 900 000-99-99")) })
	l.on("2026-09-12 10:00", func() { l.visited("demo", "friend", "hygiene", "2026-09-12 10:00") })
	l.on("2026-09-19 10:00", func() { l.visited("demo", "friend", "therapy", "2026-09-19 10:00") })
	for patient, answer := range map[string]string{"unhappy": "bad", "neutral": "fair"} {
		l.on(first, func() {
			l.patient("demo", patient)
			l.visited("demo", patient, "hygiene", "2026-09-07 10:00")
		})
		l.on("2026-09-08 12:00", func() { l.presses(patient, "after-visit", "survey", "s", "answer", answer) })
	}
	l.on(first, func() {
		l.patient("demo", "mute", with("phone", ""), with("email", ""))
		l.visited("demo", "mute", "hygiene", "2026-09-07 10:00")
		l.patient("demo", "complex")
		l.visited("demo", "complex", "surgery", "2026-09-07 10:00", with("complex", true))
	})

	// An appointment that nobody confirms and nobody keeps, and one that is to be moved.
	l.on(first, func() {
		l.patient("demo", "missing")
		l.event("demo", "appointment.booked", appointment("A-missing", "missing", "2026-09-11T15:00:00+03:00", 1))
		l.patient("demo", "moving")
		l.event("demo", "appointment.booked", appointment("A-moving", "moving", "2026-09-11T16:00:00+03:00", 1))
	})
	l.on("2026-09-09 18:00", func() { l.presses("moving", "appointment", "reminder", "c", "action", "reschedule") })
	l.on("2026-09-11 15:30", func() {
		l.event("demo", "appointment.missed", appointment("A-missing", "missing", "2026-09-11T15:00:00+03:00", 2))
	})

	// The date to come back by is 10 October: nobody answers, or somebody later, or at once.
	l.on(first, func() {
		for _, patient := range []string{"silent", "later", "ready"} {
			l.patient("demo", patient)
			l.visited("demo", patient, "hygiene", "2026-04-10 12:00")
		}
	})
	l.on("2026-09-10 15:00", func() {
		l.presses("later", "recall", "first", "o", "action", "later")
		l.presses("ready", "recall", "first", "o", "action", "book")
	})

	// A plan that was shown a fortnight ago.
	l.on(first, func() {
		l.patient("demo", "thinking")
		l.visited("demo", "thinking", "diagnostics", "2026-08-25 12:00")
		l.event("demo", "plan.updated", object{"id": "L", "patientId": "thinking", "presentedAt": "2026-08-25T12:00:00+03:00", "stages": []object{
			{"id": "1", "name": "Лечение кариеса", "kind": "therapy", "status": "planned", "price": object{"total": "8000.00", "currency": "RUB"}}}})
	})

	// Those not seen for long, and those whom only a person may call.
	l.on(first, func() {
		for patient, last := range map[string]string{"asleep-6": "2026-03-08", "asleep-12": "2025-09-08", "asleep-18": "2025-03-08", "forgotten": "2023-09-08", "autumn": "2025-08-20"} {
			l.patient("demo", patient)
			l.visited("demo", patient, "hygiene", last+" 12:00")
		}
		l.patient("demo", "unasked", noOffers)
		l.visited("demo", "unasked", "hygiene", "2025-09-08 12:00")
	})

	// Dates of their own.
	l.on(first, func() {
		l.patient("demo", "born", with("birthDate", "1985-09-08"))
		l.patient("demo", "born-plain", with("birthDate", "1990-09-08"), noOffers)
		l.patient("demo", "implanted")
		l.visited("demo", "implanted", "implant", "2025-09-08 12:00")
		l.visited("demo", "implanted", "hygiene", "2026-06-01 12:00")
		l.patient("demo", "braced")
		l.visited("demo", "braced", "orthodontics", "2026-03-08 12:00")
		l.visited("demo", "braced", "hygiene", "2026-06-01 12:00")
	})
	l.on("2026-09-08 14:00", func() { l.presses("born", "birthday", "greeting", "g", "gift", "brush") })

	// The third visit joins the club; three more that are paid earn a free hygiene.
	l.on(first, func() { l.patient("demo", "regular") })
	for _, day := range []string{"07", "09", "11", "14", "16", "18"} {
		at := "2026-09-" + day + " 11:00"
		l.on(at, func() { l.visited("demo", "regular", "therapy", at) })
	}

	// What is advertised waits for the staff of the strict clinic, three days at most.
	l.on(first, func() {
		l.patient("strict", "released")
		l.visited("strict", "released", "hygiene", "2025-09-08 12:00")
		l.patient("strict", "withheld")
		l.visited("strict", "withheld", "hygiene", "2025-03-08 12:00")
	})
	l.on("2026-09-08 13:00", func() {
		for _, m := range l.stack.messages("released", "", "") {
			l.t.Errorf("before its release there left %+v", m)
		}
		l.send("POST", "/_local/release?clinic=strict&scenario=sleeping-12&day=2026-09-08", nil, http.StatusAccepted)
	})
	l.on("2026-10-15 12:00", func() {})
	l.live("demo", "strict")

	for _, w := range []struct{ patient, scenario, step, at string }{
		{"happy", "after-visit", "thanks", "2026-09-07 10:01"},
		{"happy", "after-visit", "survey", "2026-09-08 10:00"},
		{"happy", "review", "ask", "2026-09-09 12:01"},
		{"happy", "referral", "invite", "2026-09-10 12:00"},
		{"complex", "complex-visit", "follow-up", "2026-09-10 10:00"},
		{"missing", "appointment", "booked", "2026-09-07 10:01"},
		{"missing", "appointment", "reminder", "2026-09-09 15:00"},
		{"missing", "appointment", "today", "2026-09-11 12:00"},
		{"missing", "appointment", "missed", "2026-09-11 17:00"},
		{"silent", "recall", "first", "2026-09-10 11:00"},
		{"silent", "recall", "second", "2026-09-26 11:00"},
		{"later", "recall", "again", "2026-10-10 11:00"},
		{"thinking", "plan", "next-stage", "2026-09-08 12:00"},
		{"asleep-6", "sleeping-6", "offer", "2026-10-08 11:30"},
		{"asleep-12", "sleeping-12", "offer", "2026-09-08 11:30"},
		{"asleep-18", "sleeping-18", "offer", "2026-09-08 11:30"},
		{"born", "birthday", "greeting", "2026-09-08 10:00"},
		{"born-plain", "birthday", "greeting", "2026-09-08 10:00"},
		{"implanted", "implant-year", "check", "2026-09-08 11:00"},
		{"braced", "orthodontics-6m", "check", "2026-09-08 11:00"},
		{"autumn", "season", "autumn", ""},
		{"regular", "club", "welcome", ""},
		{"regular", "club", "free-hygiene", ""},
		{"released", "sleeping-12", "offer", "2026-09-08 13:01"},
	} {
		l.leaves(w.patient, w.scenario, w.step, w.at)
	}
	for _, w := range []struct{ patient, scenario, kind string }{
		{"unhappy", "after-visit", "complaint"},
		{"neutral", "after-visit", "feedback"},
		{"mute", "after-visit", "contact"},
		{"missing", "appointment", "confirm"},
		{"missing", "appointment", "rebook"},
		{"moving", "appointment", "callback"},
		{"silent", "recall", "call"},
		{"ready", "recall", "callback"},
		{"thinking", "plan", "plan"},
		{"unasked", "sleeping-12", "wake"},
		{"forgotten", "sleeping-18", "wake"},
		{"happy", "referral", "lead"},
		{"born", "birthday", "call"},
		{"", "sleeping-12", "release"},
		{"", "sleeping-18", "release"},
	} {
		l.asks(w.patient, w.scenario, w.kind)
	}

	if m := l.leaves("born", "birthday", "greeting", ""); m.Class != "advertising" || !strings.Contains(m.Text, "/g/") {
		t.Errorf("a greeting with gifts: %+v", m)
	}
	if m := l.leaves("born-plain", "birthday", "greeting", ""); m.Class != "service" || strings.Contains(m.Text, "/g/") {
		t.Errorf("a greeting without: %+v", m)
	}
	if day := l.leaves("autumn", "season", "autumn", "").At; day.Before(moscowTime(t, "2026-09-15 12:00")) || day.After(moscowTime(t, "2026-09-28 12:00")) {
		t.Errorf("the season's offer left on %v, which is none of its ten working days", day)
	}
	if got := l.touches("strict", "withheld", "sleeping-18", "offer"); len(got) != 1 || got[0].State != "skipped" || got[0].Reason != "not-released" {
		t.Errorf("what nobody released became %+v", got)
	}
	for patient, balance := range map[string]string{"happy": "500.00", "friend": "500.00"} {
		var line struct{ Bonuses string }
		l.get("/_local/patients?clinic=demo&patient="+patient, &line)
		if line.Bonuses != balance {
			t.Errorf("a recommendation has brought %s %s, not %s once", patient, line.Bonuses, balance)
		}
	}
	l.matrix()
}

// matrix holds all that left and all tasks to the contract's table: every step of
// it was reached, in its class, and nothing is there that it does not have.
func (l *lives) matrix() {
	l.t.Helper()
	classes, kinds := map[string]map[string]int{}, map[string]map[string]int{}
	count := func(of map[string]map[string]int, key, what string) {
		if of[key] == nil {
			of[key] = map[string]int{}
		}
		of[key][what]++
	}
	for _, m := range l.messages {
		if m.Patient == "" { // a letter to staff is of no scenario
			continue
		}
		count(classes, m.Scenario+"/"+m.Step, m.Class)
	}
	for _, k := range l.tasks {
		count(kinds, k.Scenario, k.Kind)
	}
	for _, table := range []struct {
		what     string
		promised map[string]string
		got      map[string]map[string]int
		whole    bool // nothing else may be there
	}{{"message", promised.messages, classes, true}, {"task", promised.tasks, kinds, false}} {
		for _, key := range slices.Sorted(maps.Keys(table.promised)) {
			for want := range strings.FieldsSeq(table.promised[key]) {
				l.t.Logf("%-7s %-24s %-12s %d", table.what, key, want, table.got[key][want])
				if table.got[key][want] == 0 {
					l.t.Errorf("no %s %s of %s was reached", want, table.what, key)
				}
			}
		}
		for key, got := range table.got {
			for what, n := range got {
				if table.whole && !strings.Contains(table.promised[key], what) {
					l.t.Errorf("%d times %s, which is %s: the contract does not have it", n, key, what)
				}
			}
		}
	}
}
