package scenario

import (
	"slices"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
)

// gate is one predicate a catalogue may name.
type gate struct {
	// final gates look at facts that end the touch for good: they cancel an
	// open touch as soon as the fact arrives, and skip it at the claim.
	final bool
	// count and within say which parameters the predicate takes.
	count, within bool
	// shut returns the reason why the touch must not leave, or "".
	shut func(s Scene, g Gate) string
}

// oldest is an age that a birth date is not believed beyond, and unixDay what
// some systems write for "not known".
const oldest = 110

var unixDay = dental.Date{Year: 1970, Month: 1, Day: 1}

// Scene is what a gate sees.
type Scene struct {
	Clinic *dental.Clinic
	Card   *dental.Card
	Want   Want
	Now    time.Time
	// Catalogue tells of the other journeys.
	Catalogue Catalogue
}

// gates are the predicates by name.
//
//	answered       the patient has answered: about the day, the appointment, or the offer
//	booked         another appointment stands in the future
//	map-followed   the patient has followed a link to a map from this day's answer
//	asked          another survey left {within} ago or less (not for the first visit, a plan's last stage, a complex visit)
//	visit-soon     the next appointment is {within} away or less (not for a complex visit)
//	plan-visits    a plan is open and had {count} visit days {within} (not for a complex visit)
//	missed         {count} appointments were missed {within}: by phone only
//	no-map         no map of the clinic asks patients of this mood
//	map-asked      a request for a review left {within} ago or less
//	combined       a reminder of another appointment of the patient speaks of this one too, and that one stands unanswered
//	minor          the patient is under 18
//	in-recall      the patient's recall is open: that is the one voice now
//	return-ahead   the date to come back by lies in the future
//	too-soon       the last visit is {within} ago or less, or the day on which the return date was agreed on
//	stage-booked   a stage of the plan is booked
//	doubtful       the birthday is one that systems fill in by themselves, or of an age nobody has
//	invited        the same message left {within} ago or less
//	corrected      the same message left {within} ago or less, for a date that was corrected since
//	complaint      a complaint is open: staff are in touch
var gates = map[string]gate{
	"answered": {final: true, shut: func(s Scene, _ Gate) string {
		a, r := s.appointment(), s.Card.Response(s.Want.Touch.Scenario, s.Want.Touch.Anchor)
		if a != nil && a.Answered() != "" || s.answer() != nil || r != nil && r.Action != dental.LaterOffer {
			return "answered"
		}
		return ""
	}},
	"booked": {final: true, shut: func(s Scene, _ Gate) string {
		if s.Card.NextAppointment(s.Now) != nil {
			return "booked"
		}
		return ""
	}},
	"map-followed": {final: true, shut: func(s Scene, _ Gate) string {
		if a := s.answer(); a != nil && len(a.Maps) > 0 {
			return "map-followed"
		}
		return ""
	}},
	"asked": {within: true, shut: func(s Scene, g Gate) string {
		if s.complex() || s.firstVisit() || s.lastStage() {
			return ""
		}
		if s.repeats(g.Within, dental.Date{}) {
			return "asked-recently"
		}
		return ""
	}},
	"visit-soon": {within: true, shut: func(s Scene, g Gate) string {
		next := s.Card.NextAppointment(s.Now)
		if !s.complex() && next != nil && !next.Start.After(g.Within.AddTo(s.Now, s.Clinic.Location())) {
			return "visit-soon"
		}
		return ""
	}},
	"plan-visits": {count: true, within: true, shut: func(s Scene, g Gate) string {
		if s.complex() || s.lastStage() || !slices.ContainsFunc(s.Card.Plans, dental.Plan.Open) {
			return ""
		}
		days := 0
		for _, d := range s.Card.VisitDays(s.Clinic.Location()) {
			if s.since(d.At(0, s.Clinic.Location()), g.Within) {
				days++
			}
		}
		if days >= g.Count {
			return "plan-visits"
		}
		return ""
	}},
	"missed": {count: true, within: true, shut: func(s Scene, g Gate) string {
		n := 0
		for _, a := range s.Card.Appointments {
			if a.Status == dental.Missed && s.since(a.Start, g.Within) {
				n++
			}
		}
		if n >= g.Count {
			return "phone-only"
		}
		return ""
	}},
	"no-map": {shut: func(s Scene, _ Gate) string {
		if a := s.answer(); a == nil || len(MapsFor(s.Clinic, a.Mood())) == 0 {
			return "no-map"
		}
		return ""
	}},
	"map-asked": {within: true, shut: func(s Scene, g Gate) string {
		followed := func(a dental.Answer) bool { return len(a.Maps) > 0 && s.since(a.At, g.Within) }
		if s.repeats(g.Within, dental.Date{}) || slices.ContainsFunc(s.Card.Answers, followed) {
			return "map-asked"
		}
		return ""
	}},
	"combined": {shut: func(s Scene, _ Gate) string {
		mine := s.Want.Touch
		for _, t := range s.Card.Touches {
			of := s.Card.Appointment(dental.AppointmentOf(t.Anchor))
			left := t.State == dental.Sent || t.State == dental.Claimed || t.State == dental.Unknown
			if left && t.Scenario == mine.Scenario && t.Anchor != mine.Anchor && slices.Contains(t.Together, dental.About(mine.Patient, mine.Anchor)) &&
				of != nil && dental.AppointmentAnchor(*of) == t.Anchor && of.Standing() && of.Answered() == "" {
				return dental.Combined
			}
		}
		return ""
	}},
	"in-recall": {shut: func(s Scene, _ Gate) string {
		from, to, open := s.recall()
		if today := s.Clinic.Today(s.Now); open && !today.Before(from) && today.Before(to) {
			return "in-recall"
		}
		return ""
	}},
	"return-ahead": {shut: func(s Scene, _ Gate) string {
		if m := milestone(s.Card, dental.ReturnPoint, ""); m != nil && m.Date.After(s.Clinic.Today(s.Now)) {
			return "return-ahead"
		}
		return ""
	}},
	"too-soon": {within: true, shut: func(s Scene, g Gate) string {
		soon := func(after dental.Date) bool {
			return !after.IsZero() && !s.Clinic.Today(s.Want.Touch.Due).After(ahead(after, g.Within))
		}
		if last := milestone(s.Card, dental.LastVisit, ""); last != nil && soon(last.Date) || soon(agreed(s.Clinic, s.Card, s.day())) {
			return "too-soon"
		}
		return ""
	}},
	"stage-booked": {final: true, shut: func(s Scene, _ Gate) string {
		plan := active(s.Card)
		if plan != nil && slices.ContainsFunc(plan.Stages, func(st dental.Stage) bool { return st.Status == dental.StageBooked }) {
			return "booked"
		}
		return ""
	}},
	"doubtful": {shut: func(s Scene, _ Gate) string {
		b := s.Card.Patient.BirthDate
		if b.Year <= 1900 || b.AgeOn(s.Clinic.Today(s.Now)) > oldest || b == unixDay {
			return "doubtful-birthday"
		}
		return ""
	}},
	"invited": {within: true, shut: func(s Scene, g Gate) string {
		if s.repeats(g.Within, dental.Date{}) {
			return "invited-recently"
		}
		return ""
	}},
	"corrected": {within: true, shut: func(s Scene, g Gate) string {
		last := milestone(s.Card, dental.LastVisit, "")
		if last == nil {
			return ""
		}
		since := last.Date
		if day := agreed(s.Clinic, s.Card, s.day()); day.After(since) {
			since = day // another date was agreed on, which is no correction
		}
		if s.repeats(g.Within, since) {
			return "sent-already"
		}
		return ""
	}},
	"complaint": {shut: func(s Scene, _ Gate) string {
		if slices.ContainsFunc(s.Card.Tasks, func(k dental.Task) bool { return k.Kind == dental.ComplaintTask && k.Open() }) {
			return "complaint-open"
		}
		return ""
	}},
	"minor": {shut: func(s Scene, _ Gate) string {
		if s.Card.Patient.Minor(s.Clinic.Today(s.Now)) {
			return "minor"
		}
		return ""
	}},
}

// GateNames lists the predicates, and which parameters each takes.
func GateNames() map[string]struct{ Count, Within bool } {
	out := map[string]struct{ Count, Within bool }{}
	for name, g := range gates {
		out[name] = struct{ Count, Within bool }{g.count, g.within}
	}
	return out
}

// Over gives the reason why a wanted touch has come to its end for good by
// what has happened since, or "".
func (c Catalogue) Over(cl *dental.Clinic, card *dental.Card, w Want, now time.Time) string {
	if w.Touch.Class != dental.Service && c.declined(card, w.Touch.Scenario) {
		return "never"
	}
	return shut(Scene{cl, card, w, now, c}, func(g gate) bool { return g.final })
}

// Shut gives the reason why a wanted touch must not leave now, or "".
func (c Catalogue) Shut(cl *dental.Clinic, card *dental.Card, w Want, now time.Time) string {
	if reason := Disputed(card, w.Touch, now); reason != "" {
		return reason
	}
	if unwelcome(cl, card, w.Touch, now) {
		return "no-contact"
	}
	if w.Touch.Class == dental.Advertising {
		if w.Touch.Kind == "" && card.Patient.Minor(cl.Today(now)) {
			return "minor"
		}
		if emergencyOnly(card, now) {
			return "emergency-only"
		}
	}
	if reason := c.Over(cl, card, w, now); reason != "" {
		return reason
	}
	if c.offeredLately(card, w.Touch, now) {
		return "offered-lately"
	}
	return shut(Scene{cl, card, w, now, c}, func(gate) bool { return true })
}

// unwelcome holds back a call from who does not want to be called, and a
// message about a child of whom no more is to be said: it would go to a guardian
// on whose consents the child's refusal does not stand.
func unwelcome(cl *dental.Clinic, card *dental.Card, t dental.Touch, now time.Time) bool {
	if t.Kind != "" {
		return Uncalled(card, dental.Task{Kind: t.Kind, OpenedAt: now})
	}
	_, refused := card.Patient.Uncalled()
	return refused && card.Patient.Minor(cl.Today(now))
}

// oneOffer is how long an offer stands alone: another of its family, which a
// backlog or a late recall has brought near, is not sent within it.
const oneOffer = 60 * 24 * time.Hour

// offeredLately reports whether another scenario of the touch's family has just made its offer.
func (c Catalogue) offeredLately(card *dental.Card, t dental.Touch, now time.Time) bool {
	return slices.ContainsFunc(card.Touches, func(o dental.Touch) bool {
		sent := left(o)
		return o.Kind == "" && t.Kind == "" && o.Scenario != t.Scenario && c.family(o.Scenario) == c.family(t.Scenario) && !sent.IsZero() && now.Sub(sent) < oneOffer
	})
}

func shut(s Scene, which func(gate) bool) string {
	for _, g := range s.Want.Step.Unless {
		if def := gates[g.Name]; which(def) {
			if reason := def.shut(s, g); reason != "" {
				return reason
			}
		}
	}
	return ""
}

// peace is how long after a complaint was closed the patient is left in peace,
// and respite how long after a visit in an emergency, which is no reason to praise the clinic's offers.
const (
	peace   = 30 * 24 * time.Hour
	respite = 60 * 24 * time.Hour
)

// Disputed holds back what a patient with a complaint, or whose case staff have
// marked, must not get: offers, and a word of the doctor it is about. It gives a
// code of reason.*, "" for what may leave.
func Disputed(card *dental.Card, t dental.Touch, now time.Time) string {
	courting := t.Class == dental.Advertising || t.Scenario == "review" || t.Scenario == "referral"
	if !courting && t.Class != dental.Care {
		return ""
	}
	if card.Patient.Disputed && (courting || t.Kind == "") {
		return "disputed" // whose treatment it is about nobody has said: no care text names any doctor
	}
	for _, k := range card.Tasks {
		if k.Kind != dental.ComplaintTask || !k.Open() && now.Sub(k.ClosedAt) >= peace {
			continue
		}
		if courting || t.Kind == "" && about(card, k, DoctorOf(card, t)) {
			return "complaint-open"
		}
	}
	return ""
}

// about reports whether a doctor is one of those whom a complaint is about: who
// saw the patient on its own day, or on another whose bad answer has joined it.
func about(card *dental.Card, complaint dental.Task, doctor dental.Doctor) bool {
	own, _ := dental.ParseDate(complaint.Anchor)
	return slices.ContainsFunc(card.Visits, func(v dental.Visit) bool {
		if v.Doctor.ID != doctor.ID {
			return false
		}
		a := card.Answer(v.Day)
		joined := a != nil && a.Mood() == dental.Unhappy && !a.At.Before(complaint.OpenedAt) && (complaint.Open() || !a.At.After(complaint.ClosedAt))
		return v.Day == own || joined
	})
}

// emergencyOnly reports whether all that is known of the patient is one recent
// day of visits in an emergency.
func emergencyOnly(card *dental.Card, now time.Time) bool {
	visits := inTime(card.Visits)
	if len(visits) == 0 || len(card.Plans) > 0 || now.Sub(visits[len(visits)-1].FinishedAt) >= respite {
		return false
	}
	return !slices.ContainsFunc(visits, func(v dental.Visit) bool {
		urgent := len(v.Kinds()) > 0 && !slices.ContainsFunc(v.Kinds(), func(k dental.ProcedureKind) bool { return k != dental.Surgery && k != dental.Therapy })
		return !urgent || v.Day != visits[0].Day
	})
}

// DoctorOf is the doctor whom a touch speaks of: that of its appointment or
// day, else of the service to come.
func DoctorOf(card *dental.Card, t dental.Touch) dental.Doctor {
	if a := card.Appointment(dental.AppointmentOf(t.Anchor)); a != nil {
		return a.Doctor
	}
	next := NextService(card).Kind
	if day, err := dental.ParseDate(t.Anchor); err == nil {
		if visits := card.VisitsOn(day); len(visits) > 0 {
			return visits[len(visits)-1].Doctor
		}
		next = dental.ProcedureKind(recallKind(card, day))
	}
	return expecting(card, next)
}

// expecting is the doctor for a service to come: whoever did one of its kind
// last, else whom the patient saw last.
func expecting(card *dental.Card, kind dental.ProcedureKind) dental.Doctor {
	visits := inTime(card.Visits)
	if len(visits) == 0 {
		return dental.Doctor{}
	}
	for i := len(visits) - 1; i >= 0; i-- {
		if slices.Contains(visits[i].Kinds(), kind) {
			return visits[i].Doctor
		}
	}
	return visits[len(visits)-1].Doctor
}

// MapsFor lists the maps whose link a patient of this mood is shown.
func MapsFor(cl *dental.Clinic, mood dental.Mood) []dental.Map {
	var out []dental.Map
	for _, m := range cl.Maps {
		if m.Ask == dental.AskEveryone && mood != dental.Unrated || mood == dental.Happy {
			out = append(out, m)
		}
	}
	return out
}

// left is when a message left, or may have left.
func left(t dental.Touch) time.Time {
	if last := t.Last(); t.SentAt.IsZero() && last != nil && (t.State == dental.Claimed || t.State == dental.Unknown) {
		return last.At
	}
	return t.SentAt
}

// AskedAgain is when a patient was asked, after a complaint was closed, how it
// is now with the day; zero if nobody has asked.
func (c Catalogue) AskedAgain(card *dental.Card, day dental.Date) time.Time {
	var last time.Time
	for _, t := range card.Touches {
		if step := c.Step(t.Scenario, t.Step); step != nil && step.AsksAgain() && t.Anchor == day.String() {
			last = latest(last, left(t))
		}
	}
	return last
}

// repeats reports whether the same message left, about something else, a span
// ago or less and on a later day than after.
func (s Scene) repeats(within Span, after dental.Date) bool {
	own := s.Want.Touch
	return slices.ContainsFunc(s.Card.Touches, func(t dental.Touch) bool {
		return t.Scenario == own.Scenario && t.Step == own.Step && t.Anchor != own.Anchor && s.since(left(t), within) && s.Clinic.Today(left(t)).After(after)
	})
}

// since reports whether t lies at most a span before now.
func (s Scene) since(t time.Time, within Span) bool {
	return !t.IsZero() && !t.Before(negate(within).AddTo(s.Now, s.Clinic.Location())) && !t.After(s.Now)
}

// recall is the stretch of days in which the patient's recall is open.
func (s Scene) recall() (from, to dental.Date, open bool) {
	return s.Catalogue.Recall(s.Clinic, s.Card)
}

func (s Scene) day() dental.Date {
	day, _ := dental.ParseDate(s.Want.Touch.Anchor)
	return day
}

// answer is what was said of the day that the touch hangs on, where it hangs on one.
func (s Scene) answer() *dental.Answer {
	if sc := s.Catalogue.Find(s.Want.Touch.Scenario); sc == nil || sc.On.Scanned() {
		return nil
	}
	return s.Card.Answer(s.day())
}

func (s Scene) appointment() *dental.Appointment {
	return s.Card.Appointment(dental.AppointmentOf(s.Want.Touch.Anchor))
}

func (s Scene) complex() bool {
	return slices.ContainsFunc(s.Card.VisitsOn(s.day()), func(v dental.Visit) bool { return v.Complex })
}

func (s Scene) firstVisit() bool {
	return !slices.ContainsFunc(s.Card.Visits, func(v dental.Visit) bool { return v.Day.Before(s.day()) })
}

// lastStage reports whether a plan was finished on the day.
func (s Scene) lastStage() bool {
	return slices.ContainsFunc(s.Card.Plans, func(p dental.Plan) bool {
		return !p.Open() && slices.ContainsFunc(p.Stages, func(st dental.Stage) bool {
			return st.Status == dental.StageDone && s.Clinic.Today(st.DoneAt) == s.day()
		})
	})
}

// room is how near another message of the patient's may be for a lesser one to wait for it.
const room = 7 * 24 * time.Hour

// MakesRoom is when a touch may try again that stands back for one of a higher
// rank which is to leave within the week that a cap counts; zero when it need not.
func (c Catalogue) MakesRoom(cl *dental.Clinic, card *dental.Card, w Want, now time.Time) time.Time {
	if w.Touch.Class == dental.Service || w.Step.Exempt {
		return time.Time{}
	}
	var until time.Time
	for _, t := range card.Touches {
		waiting := t.State == dental.Planned || t.State == dental.Queued
		if !waiting || t.Kind != "" || t.Class == dental.Service || c.rank(t.Scenario) >= c.rank(w.Touch.Scenario) || t.Due.After(now.Add(room)) {
			continue
		}
		other, wanted := c.WantOf(cl, card, t)
		if !wanted || now.After(other.Touch.Deadline) || c.Shut(cl, card, other, latest(now, other.Touch.Due)) != "" {
			continue
		}
		until = latest(until, t.Due.Add(time.Hour), now.Add(time.Hour))
	}
	return until
}
