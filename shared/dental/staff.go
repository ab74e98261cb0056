package dental

import (
	"fmt"
	"io"
	"log/slog"
	"slices"
	"time"
)

// Role is what a member of staff may see and do in a clinic. Each role may all
// that the ones before it may.
type Role string

// The roles.
const (
	Administrator Role = "administrator" // the list, the cards, batches
	Manager       Role = "manager"       // and complaints, scenarios, texts, costs, export
	Owner         Role = "owner"         // and staff, settings, erasure
)

// Roles lists them in rising order.
func Roles() []Role { return []Role{Administrator, Manager, Owner} }

// May reports whether the role is at least the other. An unknown one may nothing.
func (r Role) May(least Role) bool {
	mine, wanted := slices.Index(Roles(), r), slices.Index(Roles(), least)
	return mine >= 0 && wanted >= 0 && mine >= wanted
}

// Staff is one person's post in one clinic. A person with posts in several
// clinics is several of them under one Key.
type Staff struct {
	Clinic string
	Key    string // the keyed hash of the address that they sign in with
	Email  Email
	Name   string
	Role   Role
	Since  time.Time
	// Report: the weekly report is sent to them.
	Report bool
	Press  string // that gave the post: the same one twice is one
}

// Format keeps the person out of every verb.
func (s Staff) Format(f fmt.State, _ rune) {
	_, _ = io.WriteString(f, string(s.Role)+" of "+s.Clinic)
}

// LogValue keeps the person out of logs.
func (s Staff) LogValue() slog.Value { return slog.StringValue(string(s.Role) + " of " + s.Clinic) }

// LogEntry is one thing that somebody did at the desk: an entry of the audit
// log, which is only ever added to.
type LogEntry struct {
	Clinic string
	ID     string // of the press: the same one twice is one entry
	At     time.Time
	By     string // the name of the member of staff, as it was
	Key    string // who they are, whatever they are called: a Staff's Key; "" of nobody at the desk
	Role   Role
	// Action is a code that the texts desk.log.<action> speak of.
	Action  string
	Patient string // "" when it was about nobody
	Subject string // what it was about: a task's id, a scenario, a setting
	Detail  string // in words, "" for none
}

// PhoneEnding lets staff find a patient by the last four digits of the number.
// It is kept apart from the card, which no index shows.
type PhoneEnding struct {
	Clinic  string
	Patient string
	Digits  string
}

// EndingOf is the last four digits of a number, "" of a shorter one.
func EndingOf(p Phone) string {
	if len(p) < 5 {
		return ""
	}
	return string(p[len(p)-4:])
}
