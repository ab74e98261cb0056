// Package practice imagines a dental practice: its patients, its appointment
// book, what its patients do with the messages they get, and its staff with the
// tasks on their list. It gives one happening after another, as the practice's
// own system would tell them and as patients would act. Everything follows from
// a seed and from the messages and tasks that it is shown. The people and their
// numbers are invented; how likely they are to do what stands in odds.go.
package practice

import (
	"container/heap"
	"fmt"
	"math/rand/v2"
	"net/url"
	"strconv"
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

// Happening is one thing at one time; one of its fields says which.
type Happening struct {
	At time.Time
	// Event is what the practice's own system tells.
	Event *intake.Event
	// Act is what a patient does.
	Act *Act
	// Phones: patients look at what was sent, which is to be shown to them.
	Phones bool
	// Desk: staff look at their tasks, which are to be shown to them.
	Desk bool
}

// Act is what a patient does about a message: something on its page, or an SMS
// in answer.
type Act struct {
	Patient string
	// Scenario and Step name the message.
	Scenario, Step string
	// What says it in a word or two, for counting: "good", "gift chosen".
	What string

	// Link is the page. Form is posted to it; nil is only looking. Pick is a field
	// of the form whose value is one that the page offers under that name, the
	// Nth of them, counted round.
	Link string
	Form url.Values
	Pick string
	Nth  int

	// From and Text are the SMS: the number in E.164, and the words.
	From, Text string
}

// Message is what stands on a patient's phone.
type Message struct {
	ID, Patient, Scenario, Step, Class, Channel, Text string
	Links                                             []string
	At                                                time.Time
}

// Task is what stands on the staff's list.
type Task struct{ ID, Kind, Patient, Scenario string }

// Practice is a practice at one moment of its life. It is for one goroutine.
type Practice struct {
	Options
	random   *rand.Rand
	agenda   agenda
	now      time.Time
	end      time.Time
	out      []Happening // of the moment, in order
	patients []*patient
	byID     map[string]*patient
	doctors  []dental.Doctor
	taken    map[string]bool // doctor and start of each slot that is taken
	handled  map[string]bool // tasks that staff have seen
	numbers  int             // phone numbers given out
	serial   int
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
	p := &Practice{Options: o, random: rand.New(rand.NewPCG(o.Seed, 1)), now: o.Start, end: o.Start.AddDate(0, 0, o.Days),
		byID: map[string]*patient{}, taken: map[string]bool{}, handled: map[string]bool{}}
	// Doctors have no photos here: the product would copy them from the network.
	p.doctors = []dental.Doctor{
		{ID: "D-1", Name: "Ирина Соколова"}, {ID: "D-2", Name: "Павел Демидов"}, {ID: "D-3", Name: "Мария Вершинина"}, {ID: orthodontist, Name: "Тимур Ахметов"},
	}
	p.people()
	p.at(p.now, p.past)
	p.future()
	for n := range o.Days + 1 {
		day := dental.DateOf(o.Start.In(o.Loc)).AddDays(n)
		p.at(day.At(opens*60, o.Loc), func() { p.workday(day) })
		for _, t := range looks {
			p.at(day.At(t, o.Loc), func() { p.tell(Happening{Phones: true}) })
		}
		for _, t := range staffLooks {
			if day.Weekday() != time.Sunday {
				p.at(day.At(t, o.Loc), func() { p.tell(Happening{Desk: true}) })
			}
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

// at plans something, within the practice's time or never.
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
	e.ID = fmt.Sprintf("demo_%d_%d", p.Start.Unix(), p.serial)
	p.tell(Happening{Event: &e})
}

// id names an object of the practice's system. Another run over the same clinic
// begins at another minute, and its objects are others.
func (p *Practice) id(kind string) string {
	p.serial++
	return fmt.Sprintf("%s-%s-%d", kind, strconv.FormatInt(p.Start.Unix()/60, 36), p.serial)
}

// odds is true with the probability.
func (p *Practice) odds(of share) bool { return p.random.Float64() < of }

// between is a stretch between two others.
func (p *Practice) between(least, most time.Duration) time.Duration {
	return least + time.Duration(p.random.Int64N(int64(most-least)))
}

// sometime is a time between now and the end.
func (p *Practice) sometime() time.Time { return p.now.Add(p.between(0, p.end.Sub(p.now))) }

func pick[T any](p *Practice, from []T) T { return from[p.random.IntN(len(from))] }

// draw is the index of the share that comes up, and -1 for none of them.
func (p *Practice) draw(of ...share) int {
	x := p.random.Float64()
	for i, s := range of {
		if x < s {
			return i
		}
		x -= s
	}
	return -1
}

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

// workday is one day of the practice: some call with a toothache.
func (p *Practice) workday(day dental.Date) {
	if day.Weekday() == time.Sunday {
		return
	}
	expected := float64(len(p.patients)) / (yearsToToothache * 300)
	calls := int(expected)
	if p.odds(expected - float64(calls)) {
		calls++
	}
	for range calls {
		p.after(p.between(0, (closes-opens)*time.Hour), func() {
			if who := pick(p, p.patients); who.free() && who.card.Version > 0 {
				p.book(who, dental.Therapy, 1+p.random.IntN(3))
			}
		})
	}
}

// future is what fate has for the patients: first visits, moves, new numbers.
func (p *Practice) future() {
	for _, who := range p.patients {
		if who.standing == newcomer {
			p.at(p.office(p.sometime()), func() {
				if who.card.Version > 0 || !who.free() {
					return
				}
				kind, ahead := pick(p, []dental.ProcedureKind{dental.Hygiene, dental.Diagnostics, dental.Diagnostics, dental.Therapy}), 1+p.random.IntN(9)
				if p.odds(urgentOnes) {
					kind, ahead = pick(p, []dental.ProcedureKind{dental.Therapy, dental.Surgery}), 1
				}
				p.book(who, kind, ahead)
			})
		}
		switch p.draw(movesAway, asksErasure, newNumber) {
		case 0:
			status := pick(p, []dental.PatientStatus{dental.Archived, dental.Moved, dental.Moved, dental.Deceased})
			p.at(p.office(p.sometime()), func() { p.leave(who, status) })
		case 1:
			p.at(p.office(p.sometime()), func() { p.erase(who) })
		case 2:
			p.at(p.office(p.sometime()), func() {
				if who.card.Version > 0 && !who.gone && who.card.Number != "" && who.card.GuardianID == "" {
					who.card.Number = p.number(mobile)
					p.tellCard(who)
				}
			})
		}
	}
}
