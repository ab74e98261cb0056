package reply

import (
	"context"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
)

// Logo is the clinic's picture for the page behind a token, or behind a
// patient's code for friends. A clinic without one is NotFound, just as a link
// that does not exist.
func (d *Desk) Logo(ctx context.Context, purpose dental.Purpose, token string, now time.Time) (dental.Logo, error) {
	tx := d.Store.Begin()
	link, err := tx.Link(ctx, purpose, token, now)
	if err != nil {
		return dental.Logo{}, err
	}
	logo, err := tx.Logo(ctx, link.Clinic)
	if err == nil && len(logo.Image) == 0 {
		err = dental.Errorf(dental.NotFound, "", "there is no such link, or not any more")
	}
	return logo, err
}
