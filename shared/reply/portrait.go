package reply

import (
	"context"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/scenario"
)

// Photo is the portrait, a JPEG, of the doctor whom the page behind a token
// names: that of its appointment, its day or its offer. A page without one is
// NotFound, just as a link that does not exist.
func (d *Desk) Photo(ctx context.Context, purpose dental.Purpose, token string, now time.Time) ([]byte, error) {
	v, err := d.open(ctx, purpose, token, now)
	if err != nil {
		return nil, err
	}
	anchor := v.Link.Subject
	if purpose == dental.OfferLink {
		_, _, anchor = v.Link.Offer()
	}
	p, err := d.portrait(ctx, v.Clinic, scenario.DoctorOf(v.card, dental.Touch{Anchor: anchor}))
	if err == nil && !p.Shown() {
		err = dental.Errorf(dental.NotFound, "", "there is no such link, or not any more")
	}
	return p.JPEG, err
}

// portrait reads a doctor's picture; of one whom the clinic does not show it has
// nothing to show.
func (d *Desk) portrait(ctx context.Context, cl *dental.Clinic, doctor dental.Doctor) (dental.Portrait, error) {
	if !cl.Shows(doctor) {
		return dental.Portrait{}, nil
	}
	return d.Store.Begin().Portrait(ctx, cl.ID, doctor.ID)
}
