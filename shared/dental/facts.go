package dental

import (
	"cmp"
	"slices"
	"time"
)

// ProcedureKind sorts procedures into the few groups that recall differs by.
type ProcedureKind string

// The kinds of the contract.
const (
	Hygiene      ProcedureKind = "hygiene"
	Implant      ProcedureKind = "implant"
	Orthodontics ProcedureKind = "orthodontics"
	Therapy      ProcedureKind = "therapy"
	Surgery      ProcedureKind = "surgery"
	Prosthetics  ProcedureKind = "prosthetics"
	Periodontics ProcedureKind = "periodontics"
	Diagnostics  ProcedureKind = "diagnostics"
	OtherKind    ProcedureKind = "other"
)

// ProcedureKinds lists the kinds of the contract.
func ProcedureKinds() []ProcedureKind {
	return []ProcedureKind{Hygiene, Implant, Orthodontics, Therapy, Surgery, Prosthetics, Periodontics, Diagnostics, OtherKind}
}

// Doctor is who treats.
type Doctor struct {
	ID       string
	Name     string
	PhotoURL string
}

// Procedure is one thing done at a visit.
type Procedure struct {
	Code    string
	Name    string
	Kind    ProcedureKind
	Tooth   string
	Minutes int
	// Sorted: the source gave no Kind, and this one is by the clinic's table.
	Sorted bool
}

// Coded is a code of some nomenclature with its name.
type Coded struct {
	Code string
	Name string
}

// ServiceType is what an appointment was booked for.
type ServiceType struct {
	Code   string
	Name   string
	Kind   ProcedureKind
	Sorted bool // as a Procedure's
}

// AppointmentStatus is what has become of an appointment.
type AppointmentStatus string

// The states of an appointment as the MIS tells them.
const (
	Booked    AppointmentStatus = "booked"
	Confirmed AppointmentStatus = "confirmed"
	Cancelled AppointmentStatus = "cancelled"
	Missed    AppointmentStatus = "missed"
)

// Appointment is a time kept for a patient.
type Appointment struct {
	Clinic   string
	Patient  string
	ID       string
	Start    time.Time
	End      time.Time
	Doctor   Doctor
	Services []ServiceType
	Status   AppointmentStatus
	// BookedAt is when the present time was agreed on: the booking's or the last move's event time.
	BookedAt time.Time
	// ChangedAt is the time of the event that gave the present status.
	ChangedAt time.Time
	// Reply is what the patient answered about ReplyFor, which is the Start answered for:
	// a moved appointment has no answer. "confirm", "reschedule", "cancel", "callback".
	Reply    string
	ReplyFor time.Time
	ReplyAt  time.Time
	// On is the clinic's calendar date of the Start.
	On Date
	// MovedTo is the appointment that took the place of this cancelled one, where a
	// system of record tells a move as the end of one and the beginning of another:
	// nobody has cancelled anything then. Its own id: it went over to another patient, or was taken back when it
	// was past.
	MovedTo string
	// Table: it stands in an imported table alone, which names no appointments: the
	// word of a system of record on the day takes its place.
	Table bool
	// System is the system of record that told of it as an object of its own, one
	// of Systems; "" for the clinic's own events and files.
	System string
	Source
}

// Standing reports whether the appointment is still to take place.
func (a Appointment) Standing() bool { return a.Status == Booked || a.Status == Confirmed }

// Answered is the patient's answer about the present time: an action of the
// page, "confirm" when the MIS says confirmed, or "".
func (a Appointment) Answered() string {
	if a.Reply != "" && a.ReplyFor.Equal(a.Start) {
		return a.Reply
	}
	if a.Status == Confirmed {
		return "confirm"
	}
	return ""
}

// Visit is a finished encounter.
type Visit struct {
	Clinic          string
	Patient         string
	ID              string
	AppointmentID   string
	FinishedAt      time.Time
	Doctor          Doctor
	Procedures      []Procedure
	Diagnoses       []Coded
	Receipt         Money
	Complex         bool
	Recommendations string
	NextStep        ServiceType
	ReturnDate      Date
	// Day is the clinic's calendar date on which the visit was first reported
	// to have finished. Touches hang on it, so a correction plans nothing new.
	Day Date
	// AcceptedAt is when the first report of the visit was accepted.
	AcceptedAt time.Time
	// Quiet: it was brought in as one of the past, so nobody is thanked for it.
	Quiet bool
	// Table: as an Appointment's.
	Table bool
	// Pieced: there are Pieces of it. What was done, found and paid are each theirs
	// where they tell it, and of its Own where they do not.
	Pieced bool
	Own    VisitContent
	Source
}

// VisitContent is what a visit consists of.
type VisitContent struct {
	Procedures []Procedure
	Diagnoses  []Coded
	Receipt    Money
}

// Kinds lists the distinct kinds of what was done.
func (v Visit) Kinds() []ProcedureKind {
	var out []ProcedureKind
	for _, p := range v.Procedures {
		if !slices.Contains(out, p.Kind) {
			out = append(out, p.Kind)
		}
	}
	return out
}

// StageStatus is how far a stage of a treatment plan has come.
type StageStatus string

// The states of a stage.
const (
	StagePlanned   StageStatus = "planned"
	StageBooked    StageStatus = "booked"
	StageDone      StageStatus = "done"
	StageCancelled StageStatus = "cancelled"
)

// Stage is one step of a treatment plan.
type Stage struct {
	ID     string
	Code   string
	Name   string
	Kind   ProcedureKind
	Sorted bool // as a Procedure's
	Status StageStatus
	Price  Money
	DoneAt time.Time
}

// Plan is a treatment plan.
type Plan struct {
	Clinic      string
	Patient     string
	ID          string
	PresentedAt time.Time
	Stages      []Stage
	Source
}

// Open reports whether something of the plan is still to be done.
func (p Plan) Open() bool {
	return slices.ContainsFunc(p.Stages, func(s Stage) bool { return s.Status == StagePlanned || s.Status == StageBooked })
}

// LastActivity is the later of the presentation and the last done stage.
func (p Plan) LastActivity() time.Time {
	at := p.PresentedAt
	for _, s := range p.Stages {
		if s.Status == StageDone && s.DoneAt.After(at) {
			at = s.DoneAt
		}
	}
	return at
}

// PaymentKind tells money in from money back.
type PaymentKind string

// The kinds of payment.
const (
	Paid   PaymentKind = "payment"
	Refund PaymentKind = "refund"
)

// Payment is money received for a visit or given back.
type Payment struct {
	Clinic  string
	Patient string
	ID      string
	VisitID string
	Amount  Money
	At      time.Time
	Kind    PaymentKind
	Source
}

// Rating is the thumb a patient gives a visit.
type Rating string

// The thumbs.
const (
	Good Rating = "good"
	Fair Rating = "fair"
	Bad  Rating = "bad"
)

// Mood is what an answer as a whole amounts to.
type Mood string

// The moods that scenarios differ by. Unrated is an answer without a verdict.
const (
	Happy   Mood = "happy"
	Neutral Mood = "neutral"
	Unhappy Mood = "unhappy"
	Unrated Mood = ""
)

// Answer is a patient's word on the visits of one day.
type Answer struct {
	Clinic  string
	Patient string
	Day     Date
	Rating  Rating
	NPS     int // 0 to 10, or -1 for none
	Comment string
	FirstAt time.Time
	At      time.Time
	// Changes counts how often it was given: 1 is the first answer.
	Changes int
	// Maps are the names of the maps whose link the patient followed.
	Maps []string
	// Touch is the survey that asked, if one did.
	Touch string
	// Again: asked once more, after a complaint was closed, the patient answered
	// anew. VisitRating and VisitNPS keep what was said of the visit itself then.
	Again       bool
	VisitRating Rating
	VisitNPS    int
}

// OfVisit is what was said of the visit itself, before any question of how a
// complaint was settled: the thumb, "" for none, and the score, -1 for none.
func (a Answer) OfVisit() (Rating, int) {
	if a.Again {
		return a.VisitRating, a.VisitNPS
	}
	return a.Rating, a.NPS
}

// Mood judges the answer: a bad thumb or an NPS of 0 to 6 is unhappy whatever
// else was said; a good thumb with 7 or more, or none, is happy, and so is a
// bare 9 or 10 (a promoter); a fair thumb is neutral.
// Groups of NPS: Reichheld, "The One Number You Need to Grow", HBR, December 2003.
func (a Answer) Mood() Mood {
	switch {
	case a.Rating == Bad, a.NPS >= 0 && a.NPS <= 6:
		return Unhappy
	case a.Rating == Good, a.Rating == "" && a.NPS >= 9:
		return Happy
	case a.Rating == Fair:
		return Neutral
	}
	return Unrated
}

// Milestone is a date about a patient that a scan looks up.
type Milestone struct {
	Clinic  string
	Patient string
	Kind    MilestoneKind
	Plan    string // for the plan's own milestone
	Date    Date   // zero only for LastVisit of a patient without a visit
}

// MilestoneKind names a date that matters.
type MilestoneKind string

// The milestones that facts leave.
const (
	LastVisit        MilestoneKind = "last-visit"
	LastImplant      MilestoneKind = "last-implant"
	LastOrthodontics MilestoneKind = "last-orthodontics"
	Birthday         MilestoneKind = "birthday"
	ReturnPoint      MilestoneKind = "return-date"
	PlanActivity     MilestoneKind = "plan"
)

// Card is everything known of one patient, as one consistent read gave it. The
// slices are in the order of their keys.
type Card struct {
	Patient      Patient
	Appointments []Appointment
	Visits       []Visit
	Plans        []Plan
	Payments     []Payment
	Answers      []Answer
	Responses    []Response
	Gifts        []GiftChoice
	Bonuses      []Bonus
	Referrals    []Referral
	Milestones   []Milestone
	Touches      []Touch
	Tasks        []Task
	Pieces       []Piece
	Ending       PhoneEnding
}

// Known reports whether anything was ever heard of the patient.
func (c *Card) Known() bool { return c.Patient.ID != "" }

// Appointment finds one by its id, or nil.
func (c *Card) Appointment(id string) *Appointment {
	return find(c.Appointments, func(a *Appointment) bool { return a.ID == id })
}

// Visit finds one by its id, or nil.
func (c *Card) Visit(id string) *Visit {
	return find(c.Visits, func(v *Visit) bool { return v.ID == id })
}

// Plan finds one by its id, or nil.
func (c *Card) Plan(id string) *Plan { return find(c.Plans, func(p *Plan) bool { return p.ID == id }) }

// Payment finds one by its id, or nil.
func (c *Card) Payment(id string) *Payment {
	return find(c.Payments, func(p *Payment) bool { return p.ID == id })
}

// Piece finds one by its id, or nil.
func (c *Card) Piece(id string) *Piece {
	return find(c.Pieces, func(p *Piece) bool { return p.ID == id })
}

// Answer finds the one about a day, or nil.
func (c *Card) Answer(day Date) *Answer {
	return find(c.Answers, func(a *Answer) bool { return a.Day == day })
}

// Touch finds one by scenario, step and anchor, or nil.
func (c *Card) Touch(scenario, step, anchor string) *Touch {
	return find(c.Touches, func(t *Touch) bool {
		return t.Scenario == scenario && t.Step == step && t.Anchor == anchor
	})
}

// Task finds one by kind and anchor, or nil.
func (c *Card) Task(kind TaskKind, anchor string) *Task {
	return find(c.Tasks, func(t *Task) bool { return t.Kind == kind && t.Anchor == anchor })
}

func find[T any](s []T, is func(*T) bool) *T {
	for i := range s {
		if is(&s[i]) {
			return &s[i]
		}
	}
	return nil
}

// VisitsOn lists the visits that hang on a day, the earliest finish first.
func (c *Card) VisitsOn(day Date) []Visit {
	var out []Visit
	for _, v := range c.Visits {
		if v.Day == day {
			out = append(out, v)
		}
	}
	slices.SortFunc(out, func(a, b Visit) int {
		return cmp.Or(a.FinishedAt.Compare(b.FinishedAt), cmp.Compare(a.ID, b.ID))
	})
	return out
}

// Attended reports whether a visit came out of the appointment.
func (c *Card) Attended(appointment string) bool {
	return slices.ContainsFunc(c.Visits, func(v Visit) bool { return v.AppointmentID == appointment })
}

// QuietDay reports whether the visits of a day, "2026-05-22", were all brought
// in as ones of the past.
func (c *Card) QuietDay(day string) bool {
	quiet := false
	for _, v := range c.Visits {
		if v.Day.String() == day {
			if !v.Quiet {
				return false
			}
			quiet = true
		}
	}
	return quiet
}

// NextAppointment is the earliest standing one that starts after t, or nil.
func (c *Card) NextAppointment(t time.Time) *Appointment {
	var next *Appointment
	for i := range c.Appointments {
		a := &c.Appointments[i]
		if a.Standing() && a.Start.After(t) && !c.Attended(a.ID) && (next == nil || a.Start.Before(next.Start)) {
			next = a
		}
	}
	return next
}

// ReturnDay is the date to come back by, where one lies after the day; else the zero Date.
func (c *Card) ReturnDay(after Date) Date {
	for _, m := range c.Milestones {
		if m.Kind == ReturnPoint && m.Date.After(after) {
			return m.Date
		}
	}
	return Date{}
}

// VisitDays lists the distinct calendar days, in loc, on which a visit was finished, in order.
func (c *Card) VisitDays(loc *time.Location) []Date {
	var out []Date
	for _, v := range c.Visits {
		if d := DateOf(v.FinishedAt.In(loc)); !slices.Contains(out, d) {
			out = append(out, d)
		}
	}
	slices.SortFunc(out, func(a, b Date) int { return a.utc().Compare(b.utc()) })
	return out
}

// Stake is what is at stake with the patient: what is still open of the plan
// with the latest activity, else the average receipt, else nothing.
func (c *Card) Stake() Money {
	var stake Money
	var latest time.Time
	for _, p := range c.Plans {
		if left := p.left(); !left.IsZero() && (stake.IsZero() || !p.LastActivity().Before(latest)) {
			stake, latest = left, p.LastActivity()
		}
	}
	if !stake.IsZero() {
		return stake
	}
	var sum Money
	n := int64(0)
	for _, v := range c.Visits {
		if v.Receipt.Minor > 0 && (n == 0 || v.Receipt.Currency == sum.Currency) {
			sum = Money{sum.Minor + v.Receipt.Minor, v.Receipt.Currency}
			n++
		}
	}
	if n > 0 {
		sum.Minor /= n
	}
	return sum
}

// left is the sum of the plan's open stages, in the currency of the first that has a price.
func (p Plan) left() Money {
	var sum Money
	for _, s := range p.Stages {
		open := s.Status == StagePlanned || s.Status == StageBooked
		if open && s.Price.Minor > 0 && (sum.IsZero() || s.Price.Currency == sum.Currency) {
			sum = Money{sum.Minor + s.Price.Minor, s.Price.Currency}
		}
	}
	return sum
}
