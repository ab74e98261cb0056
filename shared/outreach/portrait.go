package outreach

import (
	"context"
	"slices"
	"strings"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/message"
	"github.com/returnpoint/returnpoint/shared/scenario"
	"github.com/returnpoint/returnpoint/shared/store"
)

// portrait reads the picture of the doctor whom the letter of a claim names. It
// is read when the channel is known: no other channel can show it.
func (s *Sender) portrait(ctx context.Context, tx *store.Tx, sit *Situation, d Decision) error {
	doctor := scenario.DoctorOf(sit.Card, sit.Touch)
	if d.Reach.Channel != dental.Mail || doctor.Name == "" || !sit.Clinic.Shows(doctor) {
		return nil
	}
	if _, text := wording(*sit, d); !namesDoctor(text) {
		return nil
	}
	var err error
	sit.Portrait, err = tx.Portrait(ctx, sit.Clinic.ID, doctor.ID)
	return err
}

// namesDoctor reports whether a letter speaks of the doctor.
func namesDoctor(t scenario.Text) bool {
	named := func(source string) bool { return strings.Contains(source, "{"+string(message.Doctor)+"}") }
	return named(t.Heading) || slices.ContainsFunc(t.Paragraphs, named)
}
