package work

import (
	"context"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/store"
	"github.com/returnpoint/returnpoint/shared/table"
)

// twinsAStep bounds how many proposals one step of an erasure takes away.
const twinsAStep = 20

// untwin takes away the proposals that an erased patient and another are one
// person, decided or not. It removes a few at a time and reports whether it
// removed any.
func (w *Worker) untwin(ctx context.Context, tx *store.Tx, card *dental.Card) (put bool, err error) {
	erased := card.Patient
	for cursor := ""; ; {
		twins, next, err := w.Store.TwinsOf(ctx, erased.Clinic, table.MaxLimit, cursor)
		if err != nil {
			return false, err
		}
		var mine []dental.Twin
		for _, t := range twins {
			if (t.A == erased.ID || t.B == erased.ID) && len(mine) < twinsAStep {
				mine = append(mine, t)
			}
		}
		read, err := tx.Twins(ctx, mine...)
		if err != nil {
			return false, err
		}
		for _, t := range read {
			tx.Remove(t)
		}
		if cursor = next; len(mine) > 0 || next == "" {
			return len(mine) > 0, nil
		}
	}
}
