package store

import (
	"context"
	"fmt"

	"github.com/returnpoint/returnpoint/shared/dental"
)

// Logo reads a clinic's picture; one that does not exist has no image, and can be put.
func (tx *Tx) Logo(ctx context.Context, clinic string) (dental.Logo, error) {
	logo := dental.Logo{Clinic: clinic}
	items, err := tx.get(ctx, logoKey(clinic))
	if err != nil {
		return logo, err
	}
	if err := decode(items[0].Attr, &logo); err != nil {
		return logo, fmt.Errorf("store: logo of %s: %w", clinic, err)
	}
	return logo, nil
}
