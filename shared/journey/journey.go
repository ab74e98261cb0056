// Package journey keeps a patient's touches and tasks in line with the facts
// on the card. Every use case that changes a fact ends here, so that what a
// fact brings about is the same whoever told it.
package journey

import (
	"fmt"
	"slices"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/scenario"
	"github.com/returnpoint/returnpoint/shared/store"
)

// Course is one patient's journeys in one step: the card as the step has
// changed it, and where the changes are put.
type Course struct {
	Tx        *store.Tx
	Catalogue scenario.Catalogue
	Clinic    *dental.Clinic
	Card      *dental.Card
	Now       time.Time
	// Quiet: the facts are of the past, and nothing leaves because of them: what
	// would be due by now is not planned, or is backlog where its scenario has one.
	Quiet bool
}

// Options bound what Settle does.
type Options struct {
	// Subjects are the facts that changed.
	Subjects []scenario.Subject
	// Awaken looks again at touches that have waited for the patient's card.
	Awaken bool
	// First is the first of the days that a scan makes up for; zero for none.
	First dental.Date
	// Limit is the most items to put.
	Limit int
}

// Settle puts every touch and task that the facts change, at most o.Limit of
// them, and reports whether any is left: for another step, or for Defer.
func (c Course) Settle(o Options) (left bool) {
	var changes []any
	settled := map[string]bool{}
	find := c.Catalogue.CatchUp
	if c.Quiet {
		find = c.Catalogue.Quietly
	}
	for _, t := range find(c.Clinic, c.Card, c.Now, o.First, o.Subjects...) {
		changes = append(changes, t)
		settled[t.ID()] = true
	}
	if o.Awaken {
		for _, t := range c.Card.Touches {
			if t, woken := c.awaken(t); woken && !settled[t.ID()] {
				changes = append(changes, t)
			}
		}
	}
	for _, t := range c.Card.Tasks {
		if outcome := c.Catalogue.Moot(c.Clinic, c.Card, t, c.Now); t.Open() && outcome != "" {
			t.Close(c.Clinic, outcome, c.Now)
			changes = append(changes, t)
		}
	}
	start := c.Tx.Size()
	for _, change := range changes {
		if c.Tx.Size()-start >= o.Limit {
			return true
		}
		if task, is := change.(dental.Task); is {
			c.put(task)
			continue
		}
		c.Tx.Put(change)
		if t, is := change.(dental.Touch); is {
			c.batch(t)
		}
	}
	return false
}

// batch tells the batches that a touch joins and leaves how many they are now.
func (c Course) batch(t dental.Touch) {
	if waits(t) {
		c.Hold(t)
	}
	if old := c.Card.Touch(t.Scenario, t.Step, t.Anchor); old != nil && waits(*old) && (!waits(t) || t.HeldOn != old.HeldOn) {
		c.Hold(*old)
	}
}

// waits reports whether a touch waits for a person's release.
func waits(t dental.Touch) bool { return t.State == dental.Held && !t.Backlog }

// Hold sees to it that staff learn of the batch that a held touch belongs to,
// and that it ends when nobody releases it.
func (c Course) Hold(t dental.Touch) {
	c.Tx.Put(store.Job{Clinic: c.Clinic.ID, ID: "hold." + t.Scenario + "." + t.HeldOn.String(), Kind: store.HoldJob,
		Scenario: t.Scenario, Day: t.HeldOn, Wake: c.Now, Made: c.Now})
}

// Release is the job that lets a day's batch of a scenario go.
func Release(clinic, scenario string, day dental.Date, now time.Time) store.Job {
	return store.Job{Clinic: clinic, ID: "release." + scenario + "." + day.String(), Kind: store.ReleaseJob, Scenario: scenario, Day: day, Wake: now, Made: now}
}

// Defer leaves the rest of what Settle found to a job.
func (c Course) Defer() {
	step := ""
	if c.Quiet {
		step = Quiet
	}
	c.Tx.Put(store.Job{Step: step, Clinic: c.Clinic.ID, Kind: store.SettleJob, Patient: c.Card.Patient.ID, Wake: c.Now, Made: c.Now,
		ID: fmt.Sprintf("settle.%s.%d", c.Card.Patient.ID, c.Card.Patient.Changes)})
}

// Quiet is the Step of a SettleJob whose facts are of the past.
const Quiet = "quiet"

func (c Course) awaken(t dental.Touch) (dental.Touch, bool) {
	w, wanted := c.Catalogue.WantOf(c.Clinic, c.Card, t)
	if !t.State.Open() || t.State == dental.Held || !wanted {
		return t, false
	}
	wake := scenario.Leave(c.Clinic, w, slices.MaxFunc([]time.Time{w.Touch.Due, c.Now}, time.Time.Compare))
	if !wake.Before(t.Wake) {
		return t, false
	}
	t.Wake, t.State = wake, dental.Planned
	return t, true
}

// Open puts a task on the staff's list, or brings the one about the same thing
// up to date: an open one keeps its dates and what staff have done about it, a
// closed one is opened again. t.Times says how often the matter has come up, 0
// for "as before". Who does not want to be called is not, but at an own wish.
func (c Course) Open(t dental.Task) {
	t.Clinic, t.Patient, t.OpenedAt = c.Clinic.ID, c.Card.Patient.ID, c.Now
	if scenario.Uncalled(c.Card, t) {
		return
	}
	t.ShowDay, t.Value = c.Clinic.Today(c.Now), c.Card.Stake()
	if old := c.Card.Task(t.Kind, t.Anchor); old != nil {
		times := max(t.Times, old.Times)
		if old.Open() {
			kept := *old
			kept.Scenario, kept.Reason, kept.Note, kept.Value = t.Scenario, t.Reason, t.Note, t.Value
			if old.ShowDay.After(t.ShowDay) { // it was put off; what is new is not
				kept.ShowDay, kept.Due = t.ShowDay, t.Due
			}
			t = kept
		}
		t.Times = times
	}
	t.Times = max(t.Times, 1)
	c.put(t)
}

// Put writes a task as staff have changed it.
func (c Course) Put(t dental.Task) { c.put(t) }

// put writes a task, with the job that tells the clinic's CRM of it where there is one.
func (c Course) put(t dental.Task) {
	if old := c.Card.Task(t.Kind, t.Anchor); old != nil && t.CRM == "" {
		t.CRM = old.CRM
	}
	c.Tx.Put(t)
	if _, has := c.Clinic.Accounts[dental.Bitrix24]; has {
		c.Tx.Put(store.Job{Clinic: t.Clinic, ID: "crm." + t.ID(), Kind: store.CRMJob, Patient: t.Patient, Step: string(t.Kind), Anchor: t.Anchor,
			Wake: c.Now, Made: c.Now})
	}
}

// Close settles an open task.
func (c Course) Close(t dental.Task, outcome string) {
	if !t.Open() {
		return
	}
	t.Close(c.Clinic, outcome, c.Now)
	c.put(t)
}
