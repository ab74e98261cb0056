package outreach

import (
	"context"
	"fmt"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
)

// previewDays is how far ahead a held touch is followed: longer than any cap
// puts one off.
const previewDays = 30

// Preview is what a touch that waits for a person's release would say if it
// was let go at the instant: the message as it would leave at the first time
// at which it may, or the code of the reason why it would not. A pause of the
// clinic is passed over. Nothing is written, and the links open nothing.
func (f *Forecaster) Preview(ctx context.Context, cl *dental.Clinic, t dental.Touch, now time.Time) (seen dental.Foreseen, reason string, err error) {
	tx := f.Store.Begin()
	card, err := tx.Card(ctx, t.Clinic, t.Patient)
	if err != nil {
		return seen, "", fmt.Errorf("outreach: preview of %s: %w", RefOf(t), err)
	}
	sends := *cl
	sends.Paused = false
	h := foresight{Forecaster: f, clinic: &sends, scenario: f.Catalogue.Find(t.Scenario), card: card,
		Rehearsal: dental.Rehearsal{Scenario: t.Scenario, At: now, To: cl.Today(now).AddDays(previewDays)}}
	reader := Sender{Store: f.Store, Catalogue: f.Catalogue}
	var failed error
	h.situation = func(t dental.Touch, at time.Time) *Situation {
		sit, err := reader.gather(ctx, tx, h.clinic, h.card, t, at)
		if err != nil {
			failed = err
			return nil
		}
		return sit
	}
	t.Backlog = false // it has been taken up: it waits for a person alone
	if seen, reason = h.follow(planned{t, now}); failed != nil {
		return seen, "", fmt.Errorf("outreach: preview of %s: %w", RefOf(t), failed)
	}
	return seen, reason, nil
}
