package store

import (
	"context"
	"fmt"

	"github.com/returnpoint/returnpoint/shared/dental"
)

// Portrait reads the copy of a doctor's photo; one that does not exist has
// neither a picture nor a URL, and can be put.
func (tx *Tx) Portrait(ctx context.Context, clinic, doctor string) (dental.Portrait, error) {
	p := dental.Portrait{Clinic: clinic, Doctor: doctor}
	items, err := tx.get(ctx, portraitKey(clinic, doctor))
	if err != nil {
		return p, err
	}
	if err := decode(items[0].Attr, &p); err != nil {
		return p, fmt.Errorf("store: portrait of %s/%s: %w", clinic, doctor, err)
	}
	return p, nil
}
