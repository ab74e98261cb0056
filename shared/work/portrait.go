package work

import (
	"context"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/store"
)

// Photos gets a doctor's photo from where the MIS says it is.
type Photos interface {
	// Fetch gets the photo at a URL, once. Its error holds nothing that a log should not.
	Fetch(ctx context.Context, url string) ([]byte, error)
}

// portrait copies a doctor's photo unless that was done, or tried in vain, not
// long ago. It takes two writes, the portrait first and the end of the job
// after it: jobs for the same photo come from many patients at once, and
// whatever happens to the job meanwhile, the photo is fetched once.
func (w *Worker) portrait(ctx context.Context, tx *store.Tx, job store.Job) (done bool, err error) {
	p, err := tx.Portrait(ctx, job.Clinic, job.Doctor)
	if err != nil {
		return false, err
	}
	if p.Settled(job.URL, w.Clock()) {
		job.Done = w.Clock()
		tx.Put(job)
		return true, tx.Commit(ctx)
	}
	next := dental.Portrait{Clinic: job.Clinic, Doctor: job.Doctor, URL: job.URL}
	switch next.JPEG, err = w.copied(ctx, job.URL); {
	case ctx.Err() != nil: // our own time is over, which says nothing of the photo
		return false, ctx.Err()
	case err != nil:
		next.Failed = err.Error()
		if p.URL == job.URL {
			next.JPEG = p.JPEG // the copy that there is stays good
		}
		if p.URL != job.URL || p.Failed != next.Failed {
			w.Log.WarnContext(ctx, "a doctor's photo cannot be copied", "clinic", job.Clinic, "doctor", job.Doctor, "error", err)
		}
	}
	next.At = w.Clock()
	tx.Put(next)
	return false, tx.Commit(ctx)
}

func (w *Worker) copied(ctx context.Context, url string) ([]byte, error) {
	raw, err := w.Photos.Fetch(ctx, url)
	if err != nil {
		return nil, err
	}
	return w.Portray(raw)
}
