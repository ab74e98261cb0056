package store

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/table"
)

// Notice is something that a clinic's people are told by e-mail, once: a week's
// report, that the MIS has fallen silent.
type Notice struct {
	Clinic string
	Kind   string
	// Anchor says which one: the Monday of a week, the instant since when it is silent.
	Anchor string
	// Body is what was told, for those who look at it later.
	Body []byte
	At   time.Time
	// Letters are by the Staff.Key of whom they are for.
	Letters map[string]NoticeLetter
	// Done is when nothing was left to be sent, zero before.
	Done time.Time
}

// NoticeLetter is what became of one person's letter. It is claimed in a write
// before the call, so that it leaves once at most.
type NoticeLetter struct {
	State   string
	Attempt string // id of the claim
	At      time.Time
	// Until is when a claim without an answer is unknown, or a letter that was put off is tried again.
	Until  time.Time
	Tries  int
	Detail string // why it was refused
}

// The states of a letter.
const (
	LetterClaimed = "claimed"
	LetterPutOff  = "put-off" // the provider would take it later
	LetterSent    = "sent"
	LetterRefused = "refused" // it is proven that it did not leave
	LetterUnknown = "unknown" // nobody knows; it is not sent again
)

// Open reports whether something is still to come of the letter.
func (l NoticeLetter) Open() bool { return l.State == LetterClaimed || l.State == LetterPutOff }

// The kinds of notice.
const (
	WeekNotice    = "week"
	SilenceNotice = "silence"
)

// Notices reads those asked for by their clinics, kinds and anchors, any number
// of them, in their order; At of one that was never made is zero.
func (tx *Tx) Notices(ctx context.Context, asked ...Notice) ([]Notice, error) {
	out := make([]Notice, 0, len(asked))
	for some := range slices.Chunk(asked, table.MaxGet) {
		keys := make([]table.Key, len(some))
		for i, n := range some {
			keys[i] = noticeKey(n)
		}
		items, err := tx.get(ctx, keys...)
		if err != nil {
			return nil, err
		}
		for i, it := range items {
			n := Notice{Clinic: some[i].Clinic, Kind: some[i].Kind, Anchor: some[i].Anchor}
			if err := decode(it.Attr, &n); err != nil {
				return nil, fmt.Errorf("store: %s: %w", it.Key, err)
			}
			out = append(out, n)
		}
	}
	return out, nil
}

// Told lists a clinic's notices of a kind, the latest first, one page.
func (s *Store) Told(ctx context.Context, clinic, kind string, limit int, cursor string) ([]Notice, string, error) {
	pk, from, to := noticesOf(clinic, kind)
	return page[Notice](ctx, s, table.Query{PK: pk, From: from, To: to, Limit: limit, Cursor: cursor, Reverse: true})
}

// Reviews lists what a clinic has decided when it looked back, the first first.
func (s *Store) Reviews(ctx context.Context, clinic string) ([]dental.Review, error) {
	pk, from, to := reviewsOf(clinic)
	return all[dental.Review](ctx, s, table.Query{PK: pk, From: from, To: to})
}

// Review reads what a clinic has decided so many days after its start; the zero
// Review, but for those, is that it has not yet.
func (tx *Tx) Review(ctx context.Context, clinic string, days int) (dental.Review, error) {
	r, err := one[dental.Review](ctx, tx, reviewKey(dental.Review{Clinic: clinic, Days: days}))
	r.Clinic, r.Days = clinic, days
	return r, err
}

// FirstSteps reads what a clinic's people have said of its first steps.
func (tx *Tx) FirstSteps(ctx context.Context, clinic string) (dental.FirstSteps, error) {
	f, err := one[dental.FirstSteps](ctx, tx, firstStepsKey(clinic))
	f.Clinic = clinic
	return f, err
}
