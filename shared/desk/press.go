package desk

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/locale"
	"github.com/returnpoint/returnpoint/shared/scenario"
	"github.com/returnpoint/returnpoint/shared/store"
	"github.com/returnpoint/returnpoint/shared/table"
)

// Choice is one press that a task offers.
type Choice struct {
	Outcome string // one of dental's
	Asks    Ask
}

// Label is the words of its button.
func (c Choice) Label(l locale.Locale) string { return l.Text("desk.press."+c.Outcome, nil) }

// Ask is what has to be said with a press. Each answer of a list is a button of
// its own, so that the answer is the press.
type Ask string

// What a press may ask for.
const (
	AsksNothing    Ask = ""
	AsksReason     Ask = "reason"     // a dental.RefusalReason
	AsksWhen       Ask = "when"       // one of Laters
	AsksDay        Ask = "day"        // the date to come back by
	AsksSettlement Ask = "settlement" // a dental.ComplaintCause, the decision, and whether it contented
)

// Laters are when a task may be put off to, as a press names it.
func Laters() []string { return []string{"weeks", "month"} }

// putOff is the day on which a task that was put off comes back.
func putOff(cl *dental.Clinic, today dental.Date, when string) (dental.Date, bool) {
	switch when {
	case "weeks":
		return cl.WorkingDayFrom(today.AddDays(14)), true
	case "month":
		return cl.WorkingDayFrom(today.AddMonths(1)), true
	}
	return dental.Date{}, false
}

// furthest is how many months ahead a date to come back by may be agreed on.
const furthest = 24

// DayBounds are the first and the last date that may be agreed on.
func DayBounds(cl *dental.Clinic, now time.Time) (first, last dental.Date) {
	return cl.Today(now).AddDays(1), cl.Today(now).AddMonths(furthest)
}

// Choices lists the presses that a task offers, the most usual first. One is
// enough to be done with a task; of a complaint the taking and the call may be
// told before it, and are taken for granted when it is closed.
func Choices(t dental.Task) []Choice {
	plain := func(outcomes ...string) (out []Choice) {
		for _, o := range outcomes {
			out = append(out, Choice{o, asks(o)})
		}
		return out
	}
	switch t.Kind {
	case dental.CallTask, dental.PlanTask, dental.WakeTask, dental.RebookTask:
		return plain(dental.PressBooked, dental.PressNoAnswer, dental.PressAgreed, dental.PressLater, dental.PressRefused, dental.PressWrongNumber, dental.PressNever)
	case dental.CallbackTask:
		return plain(dental.PressTalked, dental.PressBooked, dental.PressNoAnswer, dental.PressAgreed, dental.PressLater, dental.PressRefused,
			dental.PressWrongNumber, dental.PressNever)
	case dental.FeedbackTask:
		return plain(dental.PressTalked, dental.PressNoAnswer, dental.PressWrongNumber, dental.PressNever)
	case dental.ConfirmTask:
		return plain(dental.PressConfirmed, dental.PressMove, dental.PressCancel, dental.PressNoAnswer, dental.PressWrongNumber, dental.PressNever)
	case dental.ContactTask:
		return plain(dental.PressMended, dental.PressNotFound)
	case dental.LeadTask:
		return plain(dental.PressBooked, dental.PressNoAnswer, dental.PressRefused, dental.PressNotReached)
	case dental.UnknownTask:
		return plain(dental.PressArrived, dental.PressNotArrived)
	case dental.ReleaseTask:
		return plain(dental.PressReleased)
	case dental.ComplaintTask:
		var out []Choice
		if t.TakenAt.IsZero() {
			out = plain(dental.PressTaken)
		}
		if t.CalledAt.IsZero() {
			out = append(out, plain(dental.PressCalled)...)
		}
		return append(out, plain(dental.PressClosed)...)
	}
	return nil
}

func asks(outcome string) Ask {
	switch outcome {
	case dental.PressRefused:
		return AsksReason
	case dental.PressLater:
		return AsksWhen
	case dental.PressAgreed:
		return AsksDay
	case dental.PressClosed:
		return AsksSettlement
	}
	return AsksNothing
}

// Ref names one task of the list. Patient is "" for a task about nobody.
type Ref struct {
	Clinic  string
	Patient string
	Kind    dental.TaskKind
	Anchor  string
}

// RefOf names a task.
func RefOf(t dental.Task) Ref { return Ref{t.Clinic, t.Patient, t.Kind, t.Anchor} }

// Form is what a press sends.
type Form struct {
	ID string // of the press, 1 to 64 of A-Z a-z 0-9 . _ : -: the same one twice is one
	// Seen is the task as the page showed it (see Seen); "" where there was no page.
	Seen    string
	Outcome string
	Cause   string // a RefusalReason, a ComplaintCause, or one of Laters
	On      string // a date, "2027-02-01"
	Note    string // the decision about a complaint
	Content string // whether it contented the patient: "yes" or "no"
}

// Seen is a task in short: it changes with all that a press depends on.
func Seen(t dental.Task) string {
	var state []string
	for _, at := range []time.Time{t.OpenedAt, t.TakenAt, t.CalledAt, t.TriedAt, t.ClosedAt} {
		state = append(state, at.UTC().Format(time.RFC3339Nano))
	}
	sum := sha256.Sum256([]byte(fmt.Sprint(state, t.Times, t.Tries, t.ShowDay, t.Reason, t.Note, t.Pressed.ID)))
	return base64.RawURLEncoding.EncodeToString(sum[:6])
}

// Presses takes what staff press on the rows of the list.
//
// A press stands in the task for dental.UndoFor and can be taken back; then a
// job lets it take effect, once. Errors are Invalid for what was sent, NotFound
// for a task that is not there, and Conflict where the task has changed since it
// was shown: then nothing is written. InWords says each of them to staff.
type Presses struct {
	Store     *store.Store
	Catalogue scenario.Catalogue
}

// press is one request on its way into the state.
type press struct {
	tx     *store.Tx
	clinic *dental.Clinic
	card   *dental.Card // nil for a task about nobody
	task   dental.Task
	me     dental.Staff
	now    time.Time
	lost   bool // an earlier try may have been written: its answer was lost
}

// on runs one change of a task until it does not run into another's write. What
// change returns as a log entry's id, action and detail is written with the
// task; an empty action writes nothing.
func (p *Presses) on(ctx context.Context, ref Ref, me dental.Staff, now time.Time, change func(*press) (id, action, detail string, err error)) error {
	lost := false
	return store.Retry(ctx, func(ctx context.Context) error {
		d := press{tx: p.Store.Begin(), me: me, now: now, lost: lost}
		var err error
		if d.clinic, err = d.tx.Clinic(ctx, ref.Clinic); err != nil {
			return err
		}
		if ref.Patient == "" {
			if d.task, err = d.tx.Task(ctx, ref.Clinic, ref.Kind, ref.Anchor); err != nil {
				return err
			}
		} else {
			if d.card, err = d.tx.Card(ctx, ref.Clinic, ref.Patient); err != nil {
				return err
			}
			if t := d.card.Task(ref.Kind, ref.Anchor); t != nil && !d.card.Patient.Erased {
				d.task = *t
			}
		}
		if d.task.Kind == "" {
			return refuse(dental.NotFound, "task", "desk.wrong.missing", nil)
		}
		id, action, detail, err := change(&d)
		if err != nil || action == "" {
			return err
		}
		d.tx.Put(d.task)
		d.tx.Put(dental.LogEntry{Clinic: ref.Clinic, ID: id, At: now, By: me.Name, Key: me.Key, Role: me.Role, Action: action, Patient: ref.Patient,
			Subject: d.task.ID(), Detail: detail})
		err = d.tx.Commit(ctx)
		lost = lost || errors.Is(err, table.ErrAmbiguous)
		return err
	})
}

// standing refuses what can no longer be done about the task.
func (d *press) standing() error {
	t := d.task
	values := func(by, outcome string, at time.Time) func(locale.Locale) map[string]string {
		return func(l locale.Locale) map[string]string {
			return map[string]string{"name": by, "answer": Outcome(l, outcome), "time": l.Time(dental.TimeOfDayOf(at.In(d.clinic.Location())))}
		}
	}
	switch {
	case !t.Open() && t.By != "":
		return refuse(dental.Conflict, "task", "desk.wrong.closed-by", values(t.By, t.Outcome, t.ClosedAt))
	case !t.Open():
		return refuse(dental.Conflict, "task", "desk.wrong.closed", values("", t.Outcome, t.ClosedAt))
	case t.Pressed.ID != "":
		return refuse(dental.Conflict, "task", "desk.wrong.pressed", values(t.Pressed.By, t.Pressed.Outcome, t.Pressed.At))
	}
	return nil
}

// Press takes one press.
func (p *Presses) Press(ctx context.Context, ref Ref, me dental.Staff, f Form, now time.Time) error {
	if !dental.ValidID(f.ID) {
		return dental.Errorf(dental.Invalid, "id", "must be 1 to 64 of the characters A-Z a-z 0-9 . _ : -")
	}
	return p.on(ctx, ref, me, now, func(d *press) (string, string, string, error) {
		if d.task.Pressed.ID == f.ID && d.task.Pressed.Outcome == f.Outcome {
			return "", "", "", nil // it was this very press
		}
		if err := d.standing(); err != nil {
			return "", "", "", err
		}
		if f.Seen != "" && f.Seen != Seen(d.task) {
			return "", "", "", refuse(dental.Conflict, "task", "desk.wrong.changed", nil)
		}
		said, err := f.said(d)
		if err != nil {
			return "", "", "", err
		}
		d.task.Pressed, d.task.Calling, d.task.CallingKey, d.task.CallingAt = said, "", "", time.Time{}
		d.tx.Put(job(d.task, now.Add(dental.UndoFor), now))
		if said.Hushes() {
			d.tx.Put(d.card.Patient) // unchanged: a sender who has read the card before the press can claim nothing after it
		}
		return f.ID, "press", logWords(d.clinic, said), nil
	})
}

// job is the one that lets a press on the task take effect.
func job(t dental.Task, wake, made time.Time) store.Job {
	return store.Job{Clinic: t.Clinic, ID: "press." + t.ID(), Kind: store.PressJob, Patient: t.Patient, Step: string(t.Kind), Anchor: t.Anchor, Wake: wake, Made: made}
}

// noteLength is the most runes of a decision.
const noteLength = 500

// said reads the form as the task allows.
func (f Form) said(d *press) (dental.Press, error) {
	p := dental.Press{ID: f.ID, Outcome: f.Outcome, By: d.me.Name, At: d.now}
	i := slices.IndexFunc(Choices(d.task), func(c Choice) bool { return c.Outcome == f.Outcome })
	if i < 0 {
		return p, refuse(dental.Invalid, "outcome", "desk.wrong.outcome", nil)
	}
	today := d.clinic.Today(d.now)
	switch Choices(d.task)[i].Asks {
	case AsksReason:
		if p.Cause = f.Cause; !dental.RefusalReason(f.Cause).Known() {
			return p, refuse(dental.Invalid, "cause", "desk.wrong.reason", nil)
		}
	case AsksWhen:
		var ok bool
		if p.On, ok = putOff(d.clinic, today, f.Cause); !ok {
			return p, refuse(dental.Invalid, "cause", "desk.wrong.when", nil)
		}
	case AsksDay:
		first, last := DayBounds(d.clinic, d.now)
		on, err := dental.ParseDate(f.On)
		if p.On = on; err != nil || on.Before(first) || on.After(last) {
			return p, refuse(dental.Invalid, "on", "desk.wrong.day", func(l locale.Locale) map[string]string {
				return map[string]string{"day": l.DayYear(last)}
			})
		}
	case AsksSettlement:
		p.Cause, p.Note, p.Content = f.Cause, clip(f.Note, noteLength), f.Content
		switch {
		case !dental.ComplaintCause(f.Cause).Known():
			return p, refuse(dental.Invalid, "cause", "desk.wrong.cause", nil)
		case p.Note == "":
			return p, refuse(dental.Invalid, "note", "desk.wrong.decision", nil)
		case p.Content != "yes" && p.Content != "no":
			return p, refuse(dental.Invalid, "content", "desk.wrong.content", nil)
		}
	}
	return p, nil
}

// clip is what staff wrote, without marks that nobody sees and of bounded length.
func clip(s string, most int) string {
	r := []rune(strings.Join(strings.Fields(strings.ToValidUTF8(s, "")), " "))
	return string(r[:min(len(r), most)])
}

// Undo takes a press back that has not taken effect yet.
func (p *Presses) Undo(ctx context.Context, ref Ref, me dental.Staff, id string, now time.Time) error {
	return p.on(ctx, ref, me, now, func(d *press) (string, string, string, error) {
		switch was := d.task.Pressed; {
		case was.ID == id && id != "":
			d.task.Pressed = dental.Press{}
			return id + ".undo", "undo", logWords(d.clinic, was), nil
		case d.lost && was.ID == "":
			return "", "", "", nil // an earlier try has done it
		}
		return "", "", "", refuse(dental.Conflict, "task", "desk.wrong.too-late", nil)
	})
}

// Call tells the others that somebody is on the phone about the task, for
// dental.CallingFor. When another was quicker it is a Conflict that says who.
func (p *Presses) Call(ctx context.Context, ref Ref, me dental.Staff, id string, now time.Time) error {
	if !dental.ValidID(id) {
		return dental.Errorf(dental.Invalid, "id", "must be 1 to 64 of the characters A-Z a-z 0-9 . _ : -")
	}
	return p.on(ctx, ref, me, now, func(d *press) (string, string, string, error) {
		if err := d.standing(); err != nil {
			return "", "", "", err
		}
		switch who := d.task.CallingNow(now); {
		case who == "":
		case d.task.CallingKey == me.Key:
			return "", "", "", nil
		default:
			return "", "", "", refuse(dental.Conflict, "task", "desk.wrong.calling", func(l locale.Locale) map[string]string {
				return map[string]string{"name": who, "time": l.Time(dental.TimeOfDayOf(d.task.CallingAt.In(d.clinic.Location())))}
			})
		}
		d.task.Calling, d.task.CallingKey, d.task.CallingAt = me.Name, me.Key, now
		return id + ".call", "calling", "", nil
	})
}

// logWords is what the log keeps of a press: of a refusal its cause and of a
// delay or an agreement the day, in the clinic's words; of any other its code.
func logWords(cl *dental.Clinic, p dental.Press) string {
	l := locale.For(cl.Language)
	switch p.Outcome {
	case dental.PressRefused:
		return l.Text("desk.log.because", map[string]string{"answer": Outcome(l, p.Outcome), "reason": l.Text("desk.refusal."+p.Cause, nil)})
	case dental.PressLater, dental.PressAgreed:
		return l.Text("desk.log.on", map[string]string{"answer": Outcome(l, p.Outcome), "day": l.DayYear(p.On)})
	}
	return p.Outcome
}

// Said is what was pressed on a task and can be taken back still.
func Said(l locale.Locale, t dental.Task) string {
	p := t.Pressed
	what := Outcome(l, p.Outcome)
	switch p.Outcome {
	case dental.PressRefused:
		return l.Text("desk.said.reason", map[string]string{"answer": what, "reason": l.Text("desk.refusal."+p.Cause, nil)})
	case dental.PressLater, dental.PressAgreed:
		return l.Text("desk.said.day", map[string]string{"answer": what, "day": l.Day(p.On)})
	case dental.PressNoAnswer:
		return l.Text("desk.said.try", map[string]string{"answer": what, "n": strconv.Itoa(t.Tries + 1)})
	}
	return l.Text("desk.said", map[string]string{"answer": what})
}

// Outcome is how a task was closed, in words: what staff pressed, or why it
// closed by itself.
func Outcome(l locale.Locale, outcome string) string {
	if key := "desk.outcome." + outcome; l.Has(key) {
		return l.Text(key, nil)
	}
	return l.Reason(outcome)
}
