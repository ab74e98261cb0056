package work

import (
	"context"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/locale"
	"github.com/returnpoint/returnpoint/shared/store"
)

// CRM keeps a clinic's own CRM in line with one task.
type CRM interface {
	// Tell creates the task there unless it is there already, closes it when t is
	// closed, and returns its reference. ref is what an earlier Tell returned, "" before.
	// Errors are of the kinds Unavailable, when later is better, and Invalid, when the account has to be mended.
	Tell(ctx context.Context, account dental.Account, t dental.Task, who dental.Patient, title, ref string) (newRef string, err error)
}

// What a CRM that does not take a task is given: the pause before the next
// try, which doubles up to the longest, and when nobody tries any more.
const (
	crmPause   = time.Minute
	crmLongest = 6 * time.Hour
	crmGivenUp = 3 * 24 * time.Hour
)

// crm tells the clinic's CRM how one task stands now. The call may be repeated:
// the CRM's package looks for the task there before it makes one.
func (w *Worker) crm(ctx context.Context, tx *store.Tx, job store.Job) (done bool, err error) {
	cl, err := tx.Clinic(ctx, job.Clinic)
	if err != nil {
		return false, err
	}
	card, err := tx.Card(ctx, job.Clinic, job.Patient)
	if err != nil {
		return false, err
	}
	now := w.Clock()
	account, has := cl.Accounts[dental.Bitrix24]
	task := card.Task(dental.TaskKind(job.Step), job.Anchor)
	job.Done = now
	if has && w.CRM != nil && task != nil {
		l := locale.For(cl.Language)
		ref, err := w.CRM.Tell(ctx, account, *task, card.Patient, l.Text("kind."+string(task.Kind), nil), task.CRM)
		switch {
		case ctx.Err() != nil:
			return false, ctx.Err() // our own time is over, which says nothing of the CRM
		case err == nil && ref != task.CRM:
			task.CRM = ref
			tx.Put(*task)
		case err != nil && now.Sub(job.Made) < crmGivenUp:
			w.Log.WarnContext(ctx, "the CRM has not taken a task", "clinic", cl.ID, "task", task.ID(), "error", err)
			job.Done, job.Wake = time.Time{}, now.Add(min(crmPause<<min(job.Tries, 10), crmLongest))
		case err != nil:
			w.Log.ErrorContext(ctx, "a task was given up that the CRM never took", "clinic", cl.ID, "task", task.ID(), "error", err)
		}
	}
	tx.Put(job)
	return true, tx.Commit(ctx)
}
