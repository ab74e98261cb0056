package scenario

import (
	"slices"
	"strings"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
)

// OfferDays is how long an offer or a gift can be taken up, from the day on
// which its message left.
const OfferDays = 30

// Offer is what a message of the calendar invites its patient to, as the card
// has it now: what the message said in a line, and its page says in full.
type Offer struct {
	Scenario *Scenario
	Step     *Step
	// Kind is what the texts differ by: what the patient is to come for.
	Kind dental.ProcedureKind
	// Minutes is how long that takes, and Stage its name, of a plan's next stage alone.
	Minutes int
	Stage   string
	// Benefit is what an advertisement offers, the zero one in any other message.
	Benefit dental.Benefit
	// Until is the last day of the benefit, zero while no message has left.
	Until dental.Date
	// ComeBy is the date to come back by, of a recall alone.
	ComeBy dental.Date
	// Over says why there is nothing to take up any more: "attended" after a
	// visit, else "superseded"; "" while the offer stands.
	Over string
}

// OfferOf finds what the message of a step speaks of; ok is false for a step
// that the catalogue does not have or that hangs on no date of the calendar.
func (c Catalogue) OfferOf(cl *dental.Clinic, card *dental.Card, scenario, step, anchor string) (o Offer, ok bool) {
	o.Scenario, o.Step = c.Find(scenario), c.Step(scenario, step)
	if o.Step == nil || !o.Scenario.On.Scanned() {
		return Offer{}, false
	}
	m, stands := dated(cl, card, Subject{o.Scenario.On, anchor})
	o.Kind = dental.ProcedureKind(m.kind)
	if o.Scenario.On == OnPlan {
		o.Stage = NextStage(card).Name
	}
	o.Minutes = o.Scenario.takes(card, o.Kind)
	if o.Scenario.On == OnReturnDate {
		o.ComeBy, _ = dental.ParseDate(anchor)
	}
	if o.Step.Class == dental.Advertising {
		o.Benefit = o.Scenario.benefit(cl, o.Kind)
	}
	var left time.Time
	if t := card.Touch(scenario, step, anchor); t != nil && t.Last() != nil {
		left = t.Last().At
		o.Until = cl.Today(left).AddDays(OfferDays)
	}
	visited := !left.IsZero() && visitedSince(card, left)
	// What a visit has not moved, it has not settled: an interim stage leaves the
	// return date where it is. Other dates stay behind whatever was done.
	moves := o.Scenario.On == OnReturnDate || o.Scenario.On == OnPlan
	switch {
	case visited && !(moves && stands):
		o.Over = "attended"
	case !stands:
		o.Over = "superseded"
	}
	return o, true
}

// Minutes is how long the service takes that the scenario invites to, 0 where
// nobody has said what that is. The message and its page say the same.
func (s *Scenario) Minutes(cl *dental.Clinic, card *dental.Card, anchor string) int {
	m, _ := dated(cl, card, Subject{s.On, anchor})
	return s.takes(card, dental.ProcedureKind(m.kind))
}

// takes is how long that is, of the kind that the texts differ by.
func (s *Scenario) takes(card *dental.Card, kind dental.ProcedureKind) int {
	switch {
	case kind == dental.Implant && s.On != OnPlan:
		return CheckUp // they come to have it looked at, before or after: only a plan's stage is the implant itself
	case kind != "":
	case s.On == OnPlan:
		kind = NextStage(card).Kind
	default:
		kind = NextService(card).Kind
	}
	return Minutes(card, kind)
}

// benefit is what the scenario offers to whom a kind concerns: who is to have
// an implant comes to a free examination before it, whatever else the clinic offers.
func (s *Scenario) benefit(cl *dental.Clinic, kind dental.ProcedureKind) dental.Benefit {
	own := cl.Scenario(s.Name).Benefit
	switch {
	case s.On == OnLastVisit && kind == dental.Implant:
		return dental.Benefit{Kind: dental.FreeService}
	case own.Kind != "":
		return own
	}
	return s.Benefit
}

func visitedSince(card *dental.Card, at time.Time) bool {
	return slices.ContainsFunc(card.Visits, func(v dental.Visit) bool { return v.FinishedAt.After(at) })
}

// InvitesAgain reports whether the scenario invites once more whoever answers "later".
func (s *Scenario) InvitesAgain() bool {
	return slices.ContainsFunc(s.Steps, func(st Step) bool {
		return slices.ContainsFunc(st.When, func(w When) bool { return w.From == "later" })
	})
}

// Again is when a patient who has asked for it later is invited once more;
// zero when that has been, or is not to be.
func (c Catalogue) Again(cl *dental.Clinic, card *dental.Card, subject Subject) time.Time {
	for _, w := range c.Plan(cl, card, subject) {
		stored := card.Touch(w.Touch.Scenario, w.Touch.Step, w.Touch.Anchor)
		open := stored == nil || stored.State.Open() || replannable(*stored, w)
		if w.When.For == "later" && w.Touch.Kind == "" && open {
			return w.Touch.Due
		}
	}
	return time.Time{}
}

// OfferAnchor is what a task about an offer is called by, and GiftAnchor one
// about a gift: the anchors of one scenario alone would not tell them apart.
func OfferAnchor(scenario, anchor string) string { return scenario + "." + anchor }

// GiftAnchor is OfferAnchor for the task about a gift.
func GiftAnchor(scenario, anchor string) string { return "gift." + OfferAnchor(scenario, anchor) }

// OfferBehind is the date of the calendar that a task is about, and its
// scenario; ok is false for a task about anything else.
func (c Catalogue) OfferBehind(t dental.Task) (s *Scenario, anchor string, ok bool) {
	switch t.Kind {
	case dental.CallTask, dental.PlanTask, dental.WakeTask:
		if strings.HasPrefix(t.Anchor, GiftAnchor(t.Scenario, "")) {
			return nil, "", false
		}
		anchor = t.Anchor
	case dental.CallbackTask:
		if anchor, ok = strings.CutPrefix(t.Anchor, OfferAnchor(t.Scenario, "")); !ok {
			return nil, "", false
		}
	default:
		return nil, "", false
	}
	s = c.Find(t.Scenario)
	return s, anchor, s != nil && s.On.Scanned()
}

// overtaken says how a task about a date of the calendar was settled, or "":
// by what the patient has answered since, by a booking, or by a visit.
func (c Catalogue) overtaken(cl *dental.Clinic, card *dental.Card, t dental.Task) string {
	wish := t.Kind == dental.CallbackTask // it comes of an answer, and only another one settles it
	sc, anchor, ok := c.OfferBehind(t)
	if !ok {
		return ""
	}
	r := card.Response(t.Scenario, anchor)
	answered := r != nil && !r.At.Before(t.OpenedAt)
	asked := answered && (r.Action == dental.BookOffer || r.Action == dental.CallbackOffer)
	next := card.NextAppointment(t.OpenedAt)
	if next != nil && asked && r.Action == dental.CallbackOffer && !next.BookedAt.After(t.OpenedAt) {
		next = nil // the patient had it when asking to be called
	}
	_, stands := dated(cl, card, Subject{sc.On, anchor})
	switch {
	case answered && r.Action == dental.NeverOffer, !wish && c.declined(card, t.Scenario):
		return "never"
	case answered && r.Action == dental.LaterOffer && r.By == "": // who said it to staff is called again
		return "later"
	case !wish && asked, answered && r.By != "" && (r.Action == dental.BookOffer || r.Action == dental.RefuseOffer):
		return "answered"
	case next != nil, t.Kind == dental.PlanTask && stageBooked(card):
		return "booked"
	case visitedSince(card, t.OpenedAt):
		return "attended"
	case !wish && !stands && sc.On == OnPlan:
		return "stage-done"
	case !wish && !stands:
		return "superseded"
	}
	return ""
}

// given says how a task about a chosen gift was settled, or "".
func given(cl *dental.Clinic, card *dental.Card, t dental.Task, now time.Time) string {
	anchor := strings.TrimPrefix(t.Anchor, GiftAnchor(t.Scenario, ""))
	g, next := card.Gift(t.Scenario, anchor), card.NextAppointment(t.OpenedAt)
	switch {
	case g == nil:
		return ""
	case g.Redeemed():
		return "redeemed"
	case visitedSince(card, t.OpenedAt):
		return "attended"
	case next != nil && next.BookedAt.After(t.OpenedAt):
		return "booked"
	case cl.Today(now).After(g.Until):
		return "gift-over"
	}
	return ""
}

// stageBooked reports whether a stage of the active plan is booked.
func stageBooked(card *dental.Card) bool {
	plan := active(card)
	return plan != nil && slices.ContainsFunc(plan.Stages, func(st dental.Stage) bool { return st.Status == dental.StageBooked })
}
