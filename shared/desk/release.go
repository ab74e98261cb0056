package desk

import (
	"context"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/scenario"
	"github.com/returnpoint/returnpoint/shared/store"
)

// Batches lets go what waits for a person.
type Batches struct {
	Store     *store.Store
	Catalogue scenario.Catalogue
}

// Release lets a day's batch of a scenario go, as it stands when the job that
// this leaves behind comes to it; twice is once. An unknown scenario is NotFound.
func (b *Batches) Release(ctx context.Context, clinic, name string, day dental.Date, now time.Time) error {
	if b.Catalogue.Find(name) == nil {
		return dental.Errorf(dental.NotFound, "scenario", "there is no scenario %q", name)
	}
	return store.Retry(ctx, func(ctx context.Context) error {
		tx := b.Store.Begin()
		if _, err := tx.Clinic(ctx, clinic); err != nil {
			return err
		}
		tx.Put(store.Job{Clinic: clinic, ID: "release." + name + "." + day.String(), Kind: store.ReleaseJob, Scenario: name, Day: day, Wake: now, Made: now})
		return tx.Commit(ctx)
	})
}
