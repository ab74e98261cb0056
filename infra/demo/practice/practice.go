// Package practice imagines a dental practice: its patients, its appointment
// book and what its patients do with the messages they get. It gives one
// happening after another, as the practice's own system would tell them and as
// patients would act on pages. Everything follows from a seed and from the
// messages that it is shown. The people and their numbers are invented.
package practice

import (
	"container/heap"
	"fmt"
	"math/rand/v2"
	"net/url"
	"slices"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/intake"
)

// Options say which practice it is.
type Options struct {
	Seed     uint64
	Patients int
	// Start is when it begins, and Days how long it goes on.
	Start time.Time
	Days  int
	Loc   *time.Location
}

// Happening is one thing at one time: the practice's system tells an event, or a
// patient acts on a page, or neither: time passes, and it is worth looking at what was sent.
type Happening struct {
	At    time.Time
	Event *intake.Event
	Act   *Act
}

// Act is what a patient does with a link.
type Act struct {
	Patient string
	Link    string
	// Form is posted; nil is only looking.
	Form url.Values
	// Map: the patient follows the first map that the page shows, if it shows one.
	Map bool
	// What says it in a word or two, for counting: "survey: good".
	What string
}

// Message is what stands on a patient's phone.
type Message struct {
	ID, Patient, Scenario, Step, Channel, Text string
	Links                                      []string
	At                                         time.Time
}

// Practice is a practice at one moment of its life. It is for one goroutine.
type Practice struct {
	Options
	random   *rand.Rand
	agenda   agenda
	now      time.Time
	end      time.Time
	out      []Happening // of the moment, in order
	patients []*patient
	doctors  []dental.Doctor
	taken    map[string]bool // doctor and start of each slot that is taken
	serial   int
}

// patient is a card and what the practice knows of it.
type patient struct {
	card        intake.Card
	known       bool // the card was told
	doctor      int
	appointment *appointment // that stands
	plan        *dental.Plan
	stage       int
	impatient   bool // tends to be unhappy
}

type appointment struct {
	dental.Appointment
	of      *patient
	kind    dental.ProcedureKind
	version int64
}

// entry is something to do at a time; seq keeps the order of what was planned.
type entry struct {
	at  time.Time
	seq int
	do  func()
}

type agenda []entry

func (a agenda) Len() int { return len(a) }
func (a agenda) Less(i, j int) bool {
	if !a[i].at.Equal(a[j].at) {
		return a[i].at.Before(a[j].at)
	}
	return a[i].seq < a[j].seq
}
func (a agenda) Swap(i, j int) { a[i], a[j] = a[j], a[i] }
func (a *agenda) Push(x any)   { *a = append(*a, x.(entry)) }
func (a *agenda) Pop() any {
	last := (*a)[len(*a)-1]
	*a = (*a)[:len(*a)-1]
	return last
}

// The practice works Monday to Saturday in these hours; the last visit begins an hour before the end.
const (
	opens  = 9
	closes = 20
)

// New imagines a practice at its start: most of its patients have been there
// before, some have an appointment, and some will come for the first time.
func New(o Options) *Practice {
	p := &Practice{Options: o, random: rand.New(rand.NewPCG(o.Seed, 1)), now: o.Start, end: o.Start.AddDate(0, 0, o.Days), taken: map[string]bool{}}
	p.doctors = []dental.Doctor{
		{ID: "D-1", Name: "Ирина Соколова", PhotoURL: "https://clinic.example.com/sokolova.jpg"},
		{ID: "D-2", Name: "Павел Демидов", PhotoURL: "https://clinic.example.com/demidov.jpg"},
		{ID: "D-3", Name: "Мария Вершинина", PhotoURL: "https://clinic.example.com/vershinina.jpg"},
		{ID: "D-4", Name: "Тимур Ахметов", PhotoURL: "https://clinic.example.com/akhmetov.jpg"},
	}
	p.people()
	p.at(p.now, p.history)
	for day := range o.Days + 1 {
		date := dental.DateOf(o.Start.In(o.Loc)).AddDays(day)
		p.at(date.At(opens*60, o.Loc), func() { p.workday(date) })
		for hour := 8; hour <= 22; hour++ {
			p.at(date.At(dental.TimeOfDay(hour*60+5), o.Loc), func() { p.tell(Happening{}) })
		}
	}
	return p
}

// Next gives the next happening, and false when the time is over.
func (p *Practice) Next() (Happening, bool) {
	for len(p.out) == 0 {
		if len(p.agenda) == 0 {
			return Happening{}, false
		}
		e := heap.Pop(&p.agenda).(entry)
		if e.at.After(p.end) {
			return Happening{}, false
		}
		if e.at.After(p.now) {
			p.now = e.at
		}
		e.do()
	}
	h := p.out[0]
	p.out = p.out[1:]
	return h, true
}

// Share is how much of the time has passed, 0 to 1.
func (p *Practice) Share() float64 {
	return float64(p.now.Sub(p.Start)) / float64(p.end.Sub(p.Start))
}

func (p *Practice) at(t time.Time, do func()) {
	p.serial++
	heap.Push(&p.agenda, entry{at: t, seq: p.serial, do: do})
}

func (p *Practice) after(d time.Duration, do func()) { p.at(p.now.Add(d), do) }

func (p *Practice) tell(h Happening) {
	h.At = p.now
	p.out = append(p.out, h)
}

// event tells one of the practice's events, as it happens now unless it says when it happened.
func (p *Practice) event(e intake.Event) {
	if e.At.IsZero() {
		e.At = p.now
	}
	p.serial++
	e.ID = fmt.Sprintf("evt_%d_%d", p.Start.Unix(), p.serial)
	p.tell(Happening{Event: &e})
}

// odds is true with the probability, of 0 to 1.
func (p *Practice) odds(share float64) bool { return p.random.Float64() < share }

// between is a stretch between two others.
func (p *Practice) between(least, most time.Duration) time.Duration {
	return least + time.Duration(p.random.Int64N(int64(most-least)))
}

func pick[T any](p *Practice, from []T) T { return from[p.random.IntN(len(from))] }

// awake moves a time of the night to the morning, when people look at their phones.
func (p *Practice) awake(t time.Time) time.Time {
	local := t.In(p.Loc)
	day := dental.DateOf(local)
	switch {
	case local.Hour() < 8:
		return day.At(8*60, p.Loc).Add(p.between(0, time.Hour))
	case local.Hour() >= 23:
		return day.AddDays(1).At(8*60, p.Loc).Add(p.between(0, time.Hour))
	}
	return t
}

// office moves a time to when somebody is at the practice's desk.
func (p *Practice) office(t time.Time) time.Time {
	local := t.In(p.Loc)
	day := dental.DateOf(local)
	if local.Hour() >= closes {
		day = day.AddDays(1)
		t = day.At(opens*60, p.Loc).Add(p.between(0, time.Hour))
	} else if local.Hour() < opens {
		t = day.At(opens*60, p.Loc).Add(p.between(0, time.Hour))
	}
	if day.Weekday() == time.Sunday {
		t = t.AddDate(0, 0, 1)
	}
	return t
}

// workday is one day of the practice: people call and book.
func (p *Practice) workday(day dental.Date) {
	if day.Weekday() == time.Sunday {
		return
	}
	calls := len(p.patients)/20 + p.random.IntN(3)
	for range calls {
		p.after(p.between(0, (closes-opens)*time.Hour), func() {
			who := pick(p, p.patients)
			for tries := 0; who.appointment != nil && tries < 10; tries++ {
				who = pick(p, p.patients)
			}
			if who.appointment == nil {
				p.book(who, p.wants(who), p.random.IntN(10)+1)
			}
		})
	}
}

// book agrees on an appointment some days ahead: a day on which the doctor has time.
func (p *Practice) book(who *patient, kind dental.ProcedureKind, days int) {
	p.know(who)
	doctor := p.doctors[who.doctor]
	minutes := kinds[kind].minutes
	at, ok := p.slot(doctor, days)
	if !ok {
		return
	}
	p.serial++
	a := &appointment{of: who, kind: kind, version: 1, Appointment: dental.Appointment{
		ID: fmt.Sprintf("A-%s-%d", p.now.In(p.Loc).Format("060102"), p.serial), Patient: who.card.ID, Start: at, End: at.Add(time.Duration(minutes) * time.Minute),
		Doctor: doctor, Services: []dental.ServiceType{{Code: kinds[kind].code, Name: kinds[kind].name, Kind: kind}},
	}}
	who.appointment = a
	p.say(a, intake.AppointmentBooked, dental.Booked)
	if who.plan != nil && who.plan.Stages[who.stage].Kind == kind {
		who.plan.Stages[who.stage].Status = dental.StageBooked
		p.tellPlan(who)
	}
	p.follow(a)
}

// slot finds a free half hour of the doctor, as many days ahead or soon after.
func (p *Practice) slot(doctor dental.Doctor, days int) (time.Time, bool) {
	for ahead := days; ahead < days+14; ahead++ {
		day := dental.DateOf(p.now.In(p.Loc)).AddDays(ahead)
		if day.Weekday() == time.Sunday {
			continue
		}
		for range 8 {
			at := day.At(dental.TimeOfDay(opens*60+30*p.random.IntN(2*(closes-opens-1))), p.Loc)
			if key := doctor.ID + at.String(); !p.taken[key] {
				p.taken[key] = true
				return at, true
			}
		}
	}
	return time.Time{}, false
}

// say tells what has become of an appointment.
func (p *Practice) say(a *appointment, kind intake.Type, status dental.AppointmentStatus) {
	a.Status, a.Version = status, a.version
	a.version++
	told := a.Appointment
	p.event(intake.Event{Type: kind, Appointment: &told})
}

// follow plans what becomes of an appointment that was just agreed on; what is
// planned is void once it is moved or cancelled.
func (p *Practice) follow(a *appointment) {
	start := a.Start
	stands := func(do func()) func() {
		return func() {
			if a.of.appointment == a && a.Start.Equal(start) && a.Standing() {
				do()
			}
		}
	}
	if left := start.Sub(p.now); left > 30*time.Hour {
		change := p.office(p.now.Add(p.between(4*time.Hour, left-20*time.Hour)))
		switch {
		case p.odds(0.08):
			p.at(change, stands(func() { p.move(a) }))
		case p.odds(0.05):
			p.at(change, stands(func() { p.cancel(a) }))
		}
	}
	p.at(start.Add(20*time.Minute), stands(func() {
		risk := 0.09
		if a.Status == dental.Confirmed || a.Reply == "confirm" {
			risk = 0.02
		}
		if p.odds(risk) {
			p.say(a, intake.AppointmentMissed, dental.Missed)
			a.of.appointment = nil
		}
	}))
	p.at(a.End.Add(p.between(2*time.Minute, 15*time.Minute)), stands(func() {
		a.of.appointment = nil
		p.treat(a)
	}))
}

func (p *Practice) move(a *appointment) {
	at, ok := p.slot(a.Doctor, 1+p.random.IntN(7))
	if !ok {
		return
	}
	length := a.End.Sub(a.Start)
	a.Start, a.End, a.Reply = at, at.Add(length), ""
	p.say(a, intake.AppointmentMoved, dental.Booked)
	p.follow(a)
}

func (p *Practice) cancel(a *appointment) {
	p.say(a, intake.AppointmentCancelled, dental.Cancelled)
	a.of.appointment = nil
	if p.odds(0.4) {
		p.at(p.office(p.now.Add(p.between(24*time.Hour, 72*time.Hour))), func() {
			if a.of.appointment == nil {
				p.book(a.of, a.kind, 2+p.random.IntN(6))
			}
		})
	}
}

// Show lets a patient see a message: what they do about it happens later.
func (p *Practice) Show(m Message) {
	i := slices.IndexFunc(p.patients, func(x *patient) bool { return x.card.ID == m.Patient })
	if i < 0 {
		return
	}
	who := p.patients[i]
	if leave := wayOut.FindString(m.Text); leave != "" && m.Channel == string(dental.Mail) && p.odds(0.03) {
		p.do(who, 0, Act{Link: leave, Form: url.Values{"List-Unsubscribe": {"One-Click"}}, What: "e-mail: unsubscribed by one click"})
	}
	if len(m.Links) == 0 {
		return
	}
	link := m.Links[0]
	switch m.Scenario + "/" + m.Step {
	case "after-visit/thanks":
		if p.odds(0.4) {
			p.do(who, 0, Act{Link: link, What: "thanks: read the advice"})
		}
	case "after-visit/survey":
		p.survey(who, link)
	case "review/ask":
		if p.odds(0.3) {
			p.do(who, 0, Act{Link: link, Map: true, What: "review: followed a map"})
		}
	case "appointment/reminder":
		p.reminded(who, link)
	}
}

// do plans what a patient does with a link: in a few minutes or hours, by day,
// and some time after.
func (p *Practice) do(who *patient, after time.Duration, act Act) {
	act.Patient = who.card.ID
	at := p.awake(p.now.Add(after + p.between(3*time.Minute, 4*time.Hour)))
	p.at(at, func() { p.tell(Happening{Act: &act}) })
}

// survey is what people say: most who answer are content.
func (p *Practice) survey(who *patient, link string) {
	if !p.odds(0.6) {
		if p.odds(0.3) {
			p.do(who, 0, Act{Link: link, What: "survey: opened, and not answered"})
		}
		return
	}
	form, what := url.Values{}, ""
	switch mood := p.random.Float64(); {
	case mood < 0.07 || who.impatient && mood < 0.4:
		form.Set("answer", "bad")
		if p.odds(0.7) {
			form.Set("comment", pick(p, []string{"Ждала сорок минут", "Было больно, врач торопился", "Цена в итоге другая"}))
		}
		what = "survey: bad"
	case mood < 0.18:
		form.Set("answer", "fair")
		what = "survey: fair"
	default:
		form.Set("answer", "good")
		what = "survey: good"
	}
	at := p.awake(p.now.Add(p.between(3*time.Minute, 8*time.Hour)))
	act := func(after time.Duration, a Act) {
		a.Patient, a.Link = who.card.ID, link
		p.at(at.Add(after), func() { p.tell(Happening{Act: &a}) })
	}
	act(0, Act{Form: form, What: what})
	if what != "survey: good" {
		return
	}
	if p.odds(0.5) {
		act(time.Minute, Act{Form: url.Values{"nps": {pick(p, []string{"8", "9", "9", "10", "10", "10"})}}, What: "survey: a score"})
	}
	if p.odds(0.35) {
		act(2*time.Minute, Act{Map: true, What: "survey: followed a map"})
	}
}

// reminded is what people do about a reminder; what they ask for is done by the
// practice some hours later.
func (p *Practice) reminded(who *patient, link string) {
	a := who.appointment
	if a == nil || !p.odds(0.75) {
		return
	}
	start := a.Start
	later := func(do func()) {
		p.at(p.office(p.now.Add(p.between(5*time.Hour, 9*time.Hour))), func() {
			if who.appointment == a && a.Start.Equal(start) && a.Standing() && p.now.Before(start) {
				do()
			}
		})
	}
	action := "confirm"
	switch mood := p.random.Float64(); {
	case mood < 0.04:
		action = "cancel"
		later(func() { p.cancel(a) })
	case mood < 0.11:
		action = "reschedule"
		later(func() { p.move(a) })
	case mood < 0.14:
		action = "callback"
		later(func() { p.say(a, intake.AppointmentConfirmed, dental.Confirmed) })
	default:
		a.Reply = action
	}
	p.do(who, 0, Act{Link: link, Form: url.Values{"action": {action}}, What: "appointment: " + action})
}
