package report

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/store"
)

// Times of a letter: those of a touch, for the same reasons.
const (
	claimFor   = 10 * time.Minute
	mailFor    = 20 * time.Second
	putOffFor  = 10 * time.Minute
	mostPutOff = 6
)

// tell makes the notice, unless it was made before, and sends whatever letters
// have not left. Who joins later is not told of what was before.
func (r *Reporter) tell(ctx context.Context, cl *dental.Clinic, o Order, t topic) error {
	staff, err := r.Store.StaffOf(ctx, cl.ID)
	if err != nil {
		return err
	}
	addresses := map[string]string{}
	for _, s := range staff {
		if t.to(s) && s.Email != "" {
			addresses[s.Key] = string(s.Email)
		}
	}
	notice, err := r.made(ctx, o, t, addresses)
	if err != nil || !notice.Done.IsZero() {
		return err
	}
	var letter Letter
	var failed []error
	for i, key := range slices.Sorted(maps.Keys(notice.Letters)) {
		if i == 0 {
			if letter, err = t.write(notice.Body); err != nil {
				return err
			}
			letter.Clinic, letter.Kind, letter.Anchor, letter.Sender, letter.Locale = o.Clinic, o.Kind, o.Anchor, cl.Name, cl.Language
		}
		if err := r.person(ctx, o, letter, key, addresses[key]); err != nil {
			failed = append(failed, err)
		}
	}
	return errors.Join(failed...)
}

// change is one step on a notice; to report whether it is to be written.
func (r *Reporter) change(ctx context.Context, o Order, step func(*store.Notice) (write bool, err error)) (n store.Notice, err error) {
	err = store.Retry(ctx, func(ctx context.Context) error {
		tx := r.Store.Begin()
		read, err := tx.Notices(ctx, store.Notice{Clinic: o.Clinic, Kind: o.Kind, Anchor: o.Anchor})
		if err != nil {
			return err
		}
		n = read[0]
		n.Letters = maps.Clone(n.Letters)
		write, err := step(&n)
		if err != nil || !write {
			return err
		}
		if n.Done.IsZero() && !slices.ContainsFunc(slices.Collect(maps.Values(n.Letters)), func(l store.NoticeLetter) bool { return l.State == "" || l.Open() }) {
			n.Done = r.Clock()
		}
		tx.Put(n)
		return tx.Commit(ctx)
	})
	return n, err
}

// made is the notice as it stands, made now if it was not. Whoever is to get it
// has a letter in it from the beginning.
func (r *Reporter) made(ctx context.Context, o Order, t topic, addresses map[string]string) (store.Notice, error) {
	return r.change(ctx, o, func(n *store.Notice) (bool, error) {
		if !n.At.IsZero() {
			return false, nil
		}
		body, err := t.make(ctx)
		if err != nil {
			return false, err
		}
		n.Body, n.At, n.Letters = body, r.Clock(), map[string]store.NoticeLetter{}
		for key := range addresses {
			n.Letters[key] = store.NoticeLetter{At: r.Clock()}
		}
		return true, nil
	})
}

// person sends one person's letter, if it may leave.
func (r *Reporter) person(ctx context.Context, o Order, letter Letter, key, address string) error {
	attempt, mine := r.NewID(), false
	_, err := r.change(ctx, o, func(n *store.Notice) (bool, error) {
		l, now := n.Letters[key], r.Clock()
		mine = l.State == store.LetterClaimed && l.Attempt == attempt // written before, and its answer lost
		switch {
		case mine:
			return false, nil
		case l.State == store.LetterClaimed && !now.Before(l.Until):
			l.State = store.LetterUnknown
			r.Log.WarnContext(ctx, "nobody knows whether a letter has left", "notice", letter, "attempt", l.Attempt)
		case l.State != "" && l.State != store.LetterPutOff, l.State == store.LetterPutOff && now.Before(l.Until):
			return false, nil
		case address == "": // no member of staff any more, or no reader
			l.State, l.Detail = store.LetterRefused, "gone"
		default:
			mine = true
			l.State, l.Attempt, l.At, l.Until = store.LetterClaimed, attempt, now, now.Add(claimFor)
		}
		n.Letters[key] = l
		return true, nil
	})
	if err != nil || !mine {
		return err
	}
	letter.Person, letter.Attempt, letter.To = key, attempt, address
	calling, cancel := context.WithTimeout(ctx, mailFor)
	defer cancel()
	sendErr := r.Mail(calling, letter)
	// The answer is worth recording although the caller may have gone.
	recording, stop := context.WithTimeout(context.WithoutCancel(ctx), mailFor)
	defer stop()
	return r.record(recording, o, key, attempt, sendErr, letter)
}

// record writes what the provider said. A lost answer is written nowhere: the
// claim's time makes it unknown.
func (r *Reporter) record(ctx context.Context, o Order, key, attempt string, sendErr error, letter Letter) error {
	var refusal *Refusal
	if sendErr != nil && !errors.As(sendErr, &refusal) {
		r.Log.WarnContext(ctx, "the provider's answer to a letter is lost", "notice", letter, "error", sendErr)
		return nil
	}
	_, err := r.change(ctx, o, func(n *store.Notice) (bool, error) {
		l := n.Letters[key]
		if l.Attempt != attempt || l.State != store.LetterClaimed {
			return false, nil
		}
		switch {
		case refusal == nil:
			l.State = store.LetterSent
		case refusal.Later && l.Tries+1 < mostPutOff:
			l.State, l.Tries, l.Until = store.LetterPutOff, l.Tries+1, r.Clock().Add(putOffFor)
		default:
			l.State, l.Detail = store.LetterRefused, refusal.Code
			r.Log.WarnContext(ctx, "a letter was refused", "notice", letter, "code", refusal.Code, "error", sendErr)
		}
		n.Letters[key] = l
		return true, nil
	})
	return err
}
