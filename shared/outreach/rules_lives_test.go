package outreach_test

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/returnpoint/returnpoint/shared/cadence"
	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/intake"
	"github.com/returnpoint/returnpoint/shared/locale"
	"github.com/returnpoint/returnpoint/shared/outreach"
	"github.com/returnpoint/returnpoint/shared/reply"
	"github.com/returnpoint/returnpoint/shared/stagetest"
)

// practice is a small clinic that lives by chance: a family with a child, a
// couple, and two patients of their own phones.
type practice struct {
	*stagetest.Stage
	dice    *rand.Rand
	calls   []stagetest.Sent // every call of a provider, whatever it answered
	stopped map[string]time.Time
	gone    map[string]time.Time
	visits  int
}

func patientsOfPractice() []string { return []string{"MOM", "KID", "DAD", "ANN", "BOB", "EVE", "GUS"} }

func (p *practice) chance(one int) bool { return p.dice.IntN(one) == 0 }

func (p *practice) someone() string {
	all := patientsOfPractice()
	return all[p.dice.IntN(len(all))]
}

func newPractice(t *testing.T, seed uint64) *practice {
	p := &practice{dice: rand.New(rand.NewPCG(seed, 3)), stopped: map[string]time.Time{}, gone: map[string]time.Time{}}
	zone := []string{"Europe/Moscow", "Pacific/Auckland", "America/Los_Angeles", "Asia/Kamchatka"}[p.dice.IntN(4)]
	p.Stage = stagetest.New(t, time.Date(2026, 1, 20, 9, 0, 0, 0, time.UTC), func(c *dental.Clinic) {
		c.TimeZone, c.CapPerWeek = zone, 1+p.dice.IntN(3)
		c.SendFrom, c.SendTo = dental.TimeOfDay(7*60+p.dice.IntN(240)), dental.TimeOfDay(15*60+p.dice.IntN(360))
		c.Gifts = []dental.Gift{{ID: "g", Name: "Набор"}}
		c.Channels = [][]dental.Channel{{dental.SMS, dental.Mail}, {dental.Mail, dental.SMS}, {dental.SMS}}[p.dice.IntN(3)]
		for range 25 {
			c.Holidays = append(c.Holidays, dental.Date{Year: 2026, Month: 1, Day: 20}.AddDays(p.dice.IntN(500)))
		}
		for _, name := range slices.Sorted(maps.Keys(c.Scenarios)) {
			x := c.Scenarios[name]
			x.HoldoutPercent = []int{0, 0, 20}[p.dice.IntN(3)]
			x.BacklogPerDay = p.dice.IntN(3)
			if p.chance(4) {
				x.Release = dental.ReleaseStaff
			}
			for _, step := range scenarioSteps(name) {
				if p.chance(6) {
					x.Offsets = map[string]int{step: p.dice.IntN(15) - 7}
				}
			}
			c.Scenarios[name] = x
		}
	})
	p.Provider = func(m outreach.Message) error {
		p.calls = append(p.calls, stagetest.Sent{Message: m, At: p.Now()})
		switch p.dice.IntN(25) {
		case 0:
			return &outreach.Refusal{Code: "busy", Later: true}
		case 1:
			return &outreach.Refusal{Code: "no", BadAddress: p.chance(4)}
		case 2:
			return errors.New("the answer is lost")
		}
		return nil
	}
	for _, id := range patientsOfPractice() {
		p.card(id)
	}
	return p
}

// scenarioSteps are the steps of the scanned scenarios that an offset is tried with.
func scenarioSteps(name string) []string {
	return map[string][]string{"recall": {"first", "second", "call"}, "sleeping-6": {"offer"}, "sleeping-12": {"offer"}, "plan": {"next-stage", "plan"}, "season": {"autumn"}}[name]
}

func (p *practice) card(id string, change ...func(*intake.Card)) {
	n := slices.Index(patientsOfPractice(), id)
	p.Patient(id, func(c *intake.Card) {
		c.GivenName = id
		c.Number = []string{"+79160000001", "", "+79160000001", "+79160000002", "+79160000002", "+79160000003", "+79160000004"}[n]
		c.BirthDate = dental.Date{Year: 1950 + 7*n, Month: time.Month(2 + n%3), Day: 1 + n*4}
		switch id {
		case "MOM":
			c.BirthDate = dental.Date{Year: 1984, Month: 2, Day: 29}
		case "KID": // of age towards the end of it
			c.Mail, c.GuardianID, c.BirthDate = "", "MOM", dental.Date{Year: 2008, Month: 4, Day: 23}
		case "GUS":
			c.Consents = nil
		}
		for _, change := range change {
			change(c)
		}
	})
}

// happens is one thing that happens to a clinic.
func (p *practice) happens() {
	id := p.someone()
	kinds := dental.ProcedureKinds()
	if p.Clinic.Paused && p.chance(2) {
		p.Settings(func(c *dental.Clinic) { c.Paused = false })
	}
	switch p.dice.IntN(21) {
	case 0, 1, 2, 3: // a visit, of now or told late, or of an old base about which something is due in these days
		p.visits++
		ago := time.Duration(p.dice.IntN(40)) * time.Minute
		switch slept := id != "MOM"; {
		case p.chance(6):
			ago = time.Duration(p.dice.IntN(600)) * 24 * time.Hour
		case slept && !p.chance(4):
			ago = p.Now().Sub(p.Now().AddDate(0, -6*(1+p.dice.IntN(3)), p.dice.IntN(6)-2))
		}
		p.Visit(fmt.Sprint("V", p.visits), id, p.Now().Add(-ago), ofKind(kinds[p.dice.IntN(len(kinds))]), func(v *dental.Visit) {
			v.Complex = p.chance(5)
			if p.chance(2) {
				v.ReturnDate = p.Clinic.Today(p.Now()).AddDays(p.dice.IntN(120) - 40)
			}
		})
	case 4: // a correction
		if visits := p.Card(id).Visits; len(visits) > 0 {
			v := visits[p.dice.IntN(len(visits))]
			p.Visit(v.ID, id, v.FinishedAt.AddDate(0, 0, p.dice.IntN(3)-2), func(c *dental.Visit) { c.Procedures = v.Procedures })
		}
	case 5, 6, 7, 17, 18:
		day := p.Clinic.Today(p.Now()).AddDays(1 + p.dice.IntN(5))
		who := []string{id}
		if p.chance(3) {
			who = []string{"MOM", "KID", "DAD"}
		}
		for _, id := range who {
			p.Appointment(intake.AppointmentBooked, fmt.Sprint("A", p.dice.IntN(4), id), id, day.At(dental.TimeOfDay(60*(9+p.dice.IntN(9))), p.Clinic.Location()))
		}
	case 8, 19, 20:
		if a := p.Card(id).NextAppointment(p.Now().AddDate(0, 0, -2)); a != nil {
			p.Appointment([]intake.Type{intake.AppointmentMoved, intake.AppointmentConfirmed, intake.AppointmentCancelled, intake.AppointmentMissed}[p.dice.IntN(4)], a.ID, id, a.Start)
		}
	case 9, 10:
		stage := toDo(kinds[p.dice.IntN(len(kinds))])
		stage.Status = []dental.StageStatus{dental.StagePlanned, dental.StagePlanned, dental.StageBooked, dental.StageDone}[p.dice.IntN(4)]
		stage.DoneAt = p.Now()
		treats(p.Stage, id, fmt.Sprint("L", p.dice.IntN(2)), p.Now().AddDate(0, 0, -p.dice.IntN(20)), stage, toDo(dental.Therapy))
	case 11:
		switch {
		case p.chance(3) && id != "MOM":
			p.gone[id] = p.Now()
			p.card(id, func(c *intake.Card) { c.Status = dental.Moved })
		default:
			delete(p.gone, id)
			p.card(id)
		}
	case 12, 13, 14:
		p.answers()
	case 15:
		if number := fmt.Sprint("+7916000000", 1+p.dice.IntN(4)); p.chance(3) {
			if _, err := p.Desk.Stop(p.T.Context(), &p.Clinic, dental.Phone(number), fmt.Sprint("in-", p.visits, p.Now()), p.Now()); err != nil {
				p.T.Fatal(err)
			}
			if p.stopped[number].IsZero() {
				p.stopped[number] = p.Now()
			}
		}
	case 16:
		p.Settings(func(c *dental.Clinic) { c.Paused = p.chance(3) })
		if day := p.Clinic.Today(p.Now()).AddDays(-p.dice.IntN(3)); p.chance(2) {
			release(p.Stage, day)
		}
	}
}

// answers presses something on a page that has been sent lately.
func (p *practice) answers() {
	sent := p.Sent()
	if len(sent) == 0 {
		return
	}
	m := sent[max(0, len(sent)-1-p.dice.IntN(6))]
	for _, link := range m.Links {
		parts := strings.Split(link, "/")
		token := parts[len(parts)-1]
		switch parts[len(parts)-2] { // a page that is over by now says so
		case "s":
			form := reply.AnswerForm{Rating: []dental.Rating{dental.Good, dental.Good, dental.Fair, dental.Bad}[p.dice.IntN(4)], NPS: -1}
			_, _ = p.Desk.Answer(p.T.Context(), token, form, p.Now())
		case "c":
			_, _ = p.Desk.Act(p.T.Context(), token, []reply.Action{reply.Confirm, reply.Reschedule, reply.Cancel, reply.Callback}[p.dice.IntN(4)], p.Now())
		case "o":
			_ = p.Desk.Respond(p.T.Context(), token, reply.ResponseForm{Action: []dental.OfferAction{dental.BookOffer, dental.CallbackOffer, dental.LaterOffer, dental.NeverOffer}[p.dice.IntN(4)]}, p.Now())
		}
	}
}

// claim is one attempt that may have reached somebody, as the caps count it.
type claim struct {
	touch    string
	at       time.Time
	class    dental.Class
	reminder bool
	exempt   bool
}

// claims lists by contact what may have reached it, in the order of time.
func (p *practice) claims() map[string][]claim {
	out := map[string][]claim{}
	for _, id := range patientsOfPractice() {
		for _, touch := range p.Card(id).Touches {
			for _, a := range touch.Attempts {
				if a.Outcome == dental.Refused || a.Outcome == dental.Deferred || a.Outcome == dental.Undelivered {
					continue
				}
				step := p.Catalogue.Step(touch.Scenario, touch.Step)
				c := claim{touch.ID(), a.At, touch.Class, step.Reminder, step.Exempt}
				for _, key := range slices.Compact([]string{a.Address, a.Household}) {
					if key != "" {
						out[key] = append(out[key], c)
					}
				}
			}
		}
	}
	for _, all := range out {
		slices.SortFunc(all, func(a, b claim) int { return a.at.Compare(b.at) })
	}
	return out
}

// TestWhateverHappensEveryTouchEndsInTimeForAReasonAndNobodyGetsMoreThanTheRulesAllow
// plays months of small clinics by chance and holds all that left, and
// all that did not, to the rules that bind everything.
func TestWhateverHappensEveryTouchEndsInTimeForAReasonAndNobodyGetsMoreThanTheRulesAllow(t *testing.T) {
	ends := map[string]int{}
	for seed := range uint64(10) {
		p := newPractice(t, seed)
		for range 90 {
			p.happens()
			p.To(p.Now().Add(time.Duration(p.dice.IntN(2*24*60)) * time.Minute))
		}
		p.Settings(func(c *dental.Clinic) { c.Paused = false })
		p.To(p.Now().AddDate(0, 0, 20))
		p.settled(seed, ends)
		p.bounded(seed)
		p.lawful(seed)
	}
	for _, end := range strings.Fields("sent unknown failed/all-channels-failed skipped/capped skipped/in-recall skipped/holdout skipped/not-released skipped/no-consent skipped/opted-out skipped/combined " +
		"cancelled/booked cancelled/attended cancelled/moved cancelled/appointment-cancelled") {
		if ends[end] == 0 {
			t.Errorf("no touch ended as %s: the clinics live too quietly. They ended as %v", end, ends)
		}
	}
}

// settled: every touch has come to an end in time, for a reason that has words,
// or its time is still to come.
func (p *practice) settled(seed uint64, ends map[string]int) {
	const tick = 2 * time.Minute
	for _, id := range patientsOfPractice() {
		for _, x := range p.Card(id).Touches {
			name := fmt.Sprintf("seed %d: %s/%s@%s of %s", seed, x.Scenario, x.Step, x.Anchor, id)
			batch := x.HeldOn.AddDays(3).At(0, p.Clinic.Location())
			switch {
			case x.State == dental.Held && x.Backlog:
			case x.State == dental.Held:
				if p.Now().After(batch.Add(tick)) {
					p.T.Errorf("%s is held since the batch of %s", name, x.HeldOn)
				}
			case x.State.Open():
				if p.Now().After(x.Deadline.Add(tick)) {
					p.T.Errorf("%s is %s (%s), and its time was over on %s", name, x.State, x.Reason, x.Deadline)
				}
			case x.State == dental.Sent || x.State == dental.Unknown:
				ends[string(x.State)]++
			default:
				ends[string(x.State)+"/"+x.Reason]++
				late := x.EndedAt.After(x.Deadline.Add(tick)) && x.EndedAt.After(batch.Add(tick))
				written := x.Reason == dental.LateEvent || x.Reason == "holdout" // as soon as it is known
				if late && x.State == dental.Skipped && !written {
					p.T.Errorf("%s was skipped (%s) on %s, and its time was over on %s", name, x.Reason, x.EndedAt, x.Deadline)
				}
			}
			if x.State.Final() && x.State != dental.Sent {
				for _, l := range locale.All() {
					if !l.Has("reason." + x.Reason) {
						p.T.Errorf("%s is %s (%q), for which %s has no words", name, x.State, x.Reason, l)
					}
				}
			}
			for _, a := range x.Attempts {
				if a.At.After(x.Deadline.Add(tick)) {
					p.T.Errorf("%s was claimed on %s, after %s", name, a.At, x.Deadline)
				}
			}
		}
	}
}

// bounded: nobody got more than the caps and ceilings allow, and no touch reached
// anybody twice.
func (p *practice) bounded(seed uint64) {
	const day = 24 * time.Hour
	reached := map[string]int{}
	for _, m := range p.Sent() {
		if reached[m.Touch.String()]++; reached[m.Touch.String()] > 1 {
			p.T.Errorf("seed %d: %s was accepted twice", seed, m.Touch)
		}
	}
	for key, all := range p.claims() {
		for i, c := range all {
			count := func(within time.Duration, of func(claim) bool) (n int) {
				for _, before := range all[:i] {
					if before.touch != c.touch && c.at.Sub(before.at) < within && of(before) {
						n++
					}
				}
				return n
			}
			service := func(x claim) bool { return x.class == dental.Service && !x.reminder }
			advertising := func(x claim) bool { return x.class == dental.Advertising }
			switch {
			case c.reminder, c.exempt && c.class == dental.Service: // a reminder, a greeting
			case c.class == dental.Service:
				if n, m := count(day, service), count(7*day, service); n >= 2 || m >= 5 {
					p.T.Errorf("seed %d: %s got a service message on %s after %d that day and %d that week", seed, key, c.at, n, m)
				}
			case c.exempt:
				if n := count(3*day, advertising); n > 0 {
					p.T.Errorf("seed %d: %s was congratulated on %s, within three days of an advertisement", seed, key, c.at)
				}
			default:
				if n := count(7*day, func(x claim) bool { return x.class != dental.Service }); n >= p.Clinic.CapPerWeek {
					p.T.Errorf("seed %d: %s got %s on %s after %d that week", seed, key, c.class, c.at, n)
				}
			}
			if n := count(30*day, advertising); c.class == dental.Advertising && n >= 2 {
				p.T.Errorf("seed %d: %s got an advertisement on %s after %d in thirty days", seed, key, c.at, n)
			}
		}
	}
}

// lawful: nothing left out of hours, nothing was advertised to a child, on a
// holiday or after a STOP, and nothing left to whom the clinic has no more.
func (p *practice) lawful(seed uint64) {
	hours := cadence.HoursOf(&p.Clinic)
	for _, m := range p.calls {
		name := fmt.Sprintf("seed %d: %s, %s to %s on %s,", seed, m.Touch, m.Class, m.To, m.At.In(hours.Loc))
		clock := dental.TimeOfDayOf(m.At.In(hours.Loc))
		evening := m.Touch.Step == "thanks" && clock >= p.Clinic.SendFrom && clock < 22*60
		if !hours.Open(m.At) && !evening {
			p.T.Errorf("%s left out of hours", name)
		}
		card := p.Card(m.Touch.Patient)
		if m.Class == dental.Advertising {
			if card.Patient.Minor(p.Clinic.Today(m.At)) {
				p.T.Errorf("%s was advertised to a child", name)
			}
			if slices.Contains(p.Clinic.Holidays, p.Clinic.Today(m.At)) {
				p.T.Errorf("%s was advertised on a holiday", name)
			}
		}
		if at, stopped := p.stopped[m.To]; stopped && m.Class != dental.Service && m.At.After(at) {
			p.T.Errorf("%s left after a STOP on %s", name, at)
		}
		if at, gone := p.gone[m.Touch.Patient]; gone && m.At.After(at) {
			p.T.Errorf("%s left to who was gone on %s", name, at)
		}
		if card.Patient.Minor(p.Clinic.Today(m.At)) && m.To != "+79160000001" && m.To != "mom@example.com" {
			p.T.Errorf("%s went past the guardian", name)
		}
	}
	for _, id := range patientsOfPractice() {
		for _, k := range p.Card(id).Tasks {
			call := k.Kind == dental.CallTask || k.Kind == dental.PlanTask
			if call && slices.Contains(p.Clinic.Holidays, p.Clinic.Today(k.OpenedAt)) {
				p.T.Errorf("seed %d: staff are to call %s since %s, a holiday", seed, id, k.OpenedAt)
			}
		}
	}
}
