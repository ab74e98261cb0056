package work

import (
	"context"
	"time"

	"github.com/returnpoint/returnpoint/shared/audit"
	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/store"
)

const (
	auditedAStep = 200                  // patients
	auditKept    = 400 * 24 * time.Hour // then its results are gone
)

// auditing is how far an audit has come: the page AuditRun of its results.
type auditing struct {
	audit.Audit
	walk
}

// audit takes one step of an audit: it counts the patients, or reads some of
// their cards, each once. A step is one write, of the job's own items alone, so
// that one whose answer was lost is not taken twice.
func (w *Worker) audit(ctx context.Context, tx *store.Tx, job store.Job) (done bool, err error) {
	cl, err := tx.Clinic(ctx, job.Clinic)
	if err != nil {
		return false, err
	}
	var a auditing
	if err := resume(ctx, tx, job, store.AuditRun, &a); err != nil {
		return false, err
	}
	if a.Run != job.Anchor {
		a = auditing{Audit: audit.Audit{Run: job.Anchor, On: job.Day, At: job.Made}}
	}
	today := cl.Today(job.Made)
	counted, err := a.step(ctx, w.Store, cl, today, auditedAStep, func(patients []string) error { return w.countSome(ctx, cl, &a, patients) })
	if err != nil {
		return false, err
	}
	a.Patients += counted
	now := w.Clock()
	job.Wake = now // a run that ends before the job comes back at once
	if a.Done = a.over(today); a.Done {
		job.Done = now
		if err := keep(tx, job, store.AuditFound, a.Audit, auditKept); err != nil {
			return false, err
		}
		a = auditing{Audit: audit.Audit{Run: a.Run, On: a.On, At: a.At, Patients: a.Patients, Looked: a.Looked, Done: true}, walk: walk{Counted: a.Counted}}
	}
	if err := keep(tx, job, store.AuditRun, a, auditKept); err != nil {
		return false, err
	}
	tx.Put(job)
	return a.Done, tx.Commit(ctx)
}

// countSome adds some patients.
func (w *Worker) countSome(ctx context.Context, cl *dental.Clinic, a *auditing, patients []string) error {
	cards, err := each(patients, func(patient string) (*dental.Card, error) { return w.Store.Begin().Card(ctx, cl.ID, patient) })
	if err != nil {
		return err
	}
	guardians, err := w.guardians(ctx, cl, cards)
	if err != nil {
		return err
	}
	var addresses []string
	for _, card := range cards {
		for _, p := range []dental.Patient{card.Patient, guardians[card.Patient.GuardianID]} {
			addresses = append(addresses, string(p.Phone), string(p.Email))
		}
	}
	contacts, err := w.Store.Begin().Contacts(ctx, cl, addresses...)
	if err != nil {
		return err
	}
	for _, card := range cards {
		a.Plus(audit.Of(cl, card, guardians[card.Patient.GuardianID], contacts, a.On))
	}
	a.Looked += len(patients)
	return nil
}

// guardians reads those whom some cards name, by their ids.
func (w *Worker) guardians(ctx context.Context, cl *dental.Clinic, cards []*dental.Card) (map[string]dental.Patient, error) {
	out := map[string]dental.Patient{}
	var members []dental.Member
	for _, card := range cards {
		if id := card.Patient.GuardianID; id != "" {
			members = append(members, dental.Member{Clinic: cl.ID, Patient: id})
		}
	}
	heads, err := w.Store.Begin().Heads(ctx, members...)
	if err != nil {
		return nil, err
	}
	for i, m := range members {
		out[m.Patient] = heads[i]
	}
	return out, nil
}
