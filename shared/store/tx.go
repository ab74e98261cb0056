package store

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/table"
)

// Store is the table in the product's own nouns.
type Store struct {
	table table.Table
	keys  Keys
	clock func() time.Time
}

// Keys are the secrets behind hashed addresses and unguessable links: two
// independent keys of at least 32 bytes each.
type Keys struct {
	Contact []byte
	Link    []byte
}

// New makes the store over an engine; clock says when figures that have changed
// are to be added up again. Too short keys are an error.
func New(t table.Table, keys Keys, clock func() time.Time) (*Store, error) {
	if len(keys.Contact) < 32 || len(keys.Link) < 32 {
		return nil, dental.Errorf(dental.Invalid, "", "store: the contact key and the link key need at least 32 bytes each")
	}
	return &Store{table: t, keys: keys, clock: clock}, nil
}

// Tx is one step: what it read and what it will write. It is for one goroutine.
type Tx struct {
	store *Store
	read  map[table.Key]table.Item
	whole map[string]bool // partitions read to their end: what is not in read is absent
	ops   []table.Op
	bulk  bool              // LeaveFigures
	index map[table.Key]int // of an op by its key: the last say about an item counts
	err   error
}

// Begin starts a step.
func (s *Store) Begin() *Tx {
	return &Tx{store: s, read: map[table.Key]table.Item{}, whole: map[string]bool{}, index: map[table.Key]int{}}
}

// get reads items consistently and remembers them.
func (tx *Tx) get(ctx context.Context, keys ...table.Key) ([]table.Item, error) {
	items, err := tx.store.table.Get(ctx, keys...)
	if err != nil {
		return nil, readError("read", err)
	}
	for i, it := range items {
		it.Key = keys[i]
		tx.read[keys[i]] = it
	}
	return items, nil
}

// Clinic reads a clinic's settings; an unknown one is NotFound.
func (tx *Tx) Clinic(ctx context.Context, id string) (*dental.Clinic, error) {
	items, err := tx.get(ctx, clinicKey(id))
	if err != nil {
		return nil, err
	}
	if !items[0].Exists() {
		return nil, dental.Errorf(dental.NotFound, "", "there is no clinic %q", id)
	}
	var c dental.Clinic
	if err := decode(items[0].Attr, &c); err != nil {
		return nil, fmt.Errorf("store: clinic %s: %w", id, err)
	}
	c.Locate()
	return &c, nil
}

// Card reads everything about a patient in one consistent query. A patient
// never heard of is a card whose Known is false.
func (tx *Tx) Card(ctx context.Context, clinic, patient string) (*dental.Card, error) {
	card := &dental.Card{}
	q := table.Query{PK: patientPK(clinic, patient), Limit: table.MaxLimit}
	for {
		page, err := tx.store.table.Query(ctx, q)
		if err != nil {
			return nil, readError("read a card", err)
		}
		for _, it := range page.Items {
			tx.read[it.Key] = it
			if err := addToCard(card, it); err != nil {
				return nil, fmt.Errorf("store: %s: %w", it.Key, err)
			}
		}
		if page.Next == "" {
			break
		}
		q.Cursor = page.Next
	}
	tx.whole[q.PK] = true
	return card, nil
}

// Heads reads patients without their cards, any number of them, in the order asked;
// an unknown one is the zero Patient.
func (tx *Tx) Heads(ctx context.Context, members ...dental.Member) ([]dental.Patient, error) {
	var out []dental.Patient
	for some := range slices.Chunk(members, table.MaxGet) {
		keys := make([]table.Key, len(some))
		for i, m := range some {
			keys[i] = patientKey(m.Clinic, m.Patient)
		}
		items, err := tx.get(ctx, keys...)
		if err != nil {
			return nil, err
		}
		for _, it := range items {
			var p dental.Patient
			if err := decode(it.Attr, &p); err != nil {
				return nil, fmt.Errorf("store: %s: %w", it.Key, err)
			}
			out = append(out, p)
		}
	}
	return out, nil
}

// addToCard puts one item of a partition where it belongs; what this code
// does not know is left alone.
func addToCard(card *dental.Card, it table.Item) error {
	kind, _, _ := strings.Cut(it.Key.SK, "#")
	switch kind {
	case "0":
		return decode(it.Attr, &card.Patient)
	case "A":
		return appendDecoded(&card.Appointments, it)
	case "V":
		return appendDecoded(&card.Visits, it)
	case "L":
		return appendDecoded(&card.Plans, it)
	case "F":
		return appendDecoded(&card.Payments, it)
	case "N":
		return appendDecoded(&card.Answers, it)
	case "O":
		return appendDecoded(&card.Responses, it)
	case "G":
		return appendDecoded(&card.Gifts, it)
	case "B":
		return appendDecoded(&card.Bonuses, it)
	case "I":
		return appendDecoded(&card.Referrals, it)
	case "M":
		return appendDecoded(&card.Milestones, it)
	case "T":
		return appendDecoded(&card.Touches, it)
	case "K":
		return appendDecoded(&card.Tasks, it)
	case "Q":
		return appendDecoded(&card.Pieces, it)
	case "E":
		return decode(it.Attr, &card.Ending)
	}
	return nil
}

func appendDecoded[T any](list *[]T, it table.Item) error {
	var v T
	if err := decode(it.Attr, &v); err != nil {
		return err
	}
	*list = append(*list, v)
	return nil
}

// Put writes a noun, under the condition that it is still as this step read
// it, or still absent. What the step has not read cannot be put, but for links,
// provider ids and jobs, whose keys say all.
func (tx *Tx) Put(noun any) {
	item, cond, err := tx.place(noun)
	if err != nil {
		tx.fail(err)
		return
	}
	tx.add(table.Put(item, cond))
}

// Check holds the write to a patient being as this step read them: no fact
// and no consent has changed since.
func (tx *Tx) Check(p dental.Patient) {
	key := patientKey(p.Clinic, p.ID)
	if _, put := tx.index[key]; put {
		return
	}
	it, ok := tx.read[key]
	if !ok && !tx.whole[key.PK] {
		tx.fail(fmt.Errorf("store: check of %s, which was not read", key))
		return
	}
	if it.Version == 0 {
		tx.fail(fmt.Errorf("store: check of %s, which is absent", key))
		return
	}
	tx.add(table.Check(key, table.Version(it.Version)))
}

// Expect adopts a noun just written by an earlier step of the same caller, so
// that its next change needs no second read: it stands one version later.
func (tx *Tx) Expect(before *Tx, noun any) {
	item, _, err := before.place(noun)
	if err != nil {
		tx.fail(err)
		return
	}
	if was := before.read[item.Key]; was.Version != 0 {
		item.Version = was.Version + 1
		tx.read[item.Key] = item
	}
}

// Remove deletes a noun of a card that this step has read, under the condition
// that it is still what was read.
func (tx *Tx) Remove(noun any) {
	item, cond, err := tx.place(noun)
	if err != nil {
		tx.fail(err)
		return
	}
	tx.add(table.Delete(item.Key, cond))
}

func (tx *Tx) delete(key table.Key) { tx.add(table.Delete(key, table.None)) }

func (tx *Tx) add(op table.Op) {
	tx.mark(op)
	if i, ok := tx.index[op.Item.Key]; ok {
		tx.ops[i] = op
		return
	}
	tx.index[op.Item.Key] = len(tx.ops)
	tx.ops = append(tx.ops, op)
}

func (tx *Tx) fail(err error) {
	if tx.err == nil {
		tx.err = err
	}
}

// Size is how many operations Commit would write; table.MaxWrite is the most.
func (tx *Tx) Size() int { return len(tx.ops) }

// Commit writes everything the step has put, all or nothing. Its errors are
// the table's: test with errors.Is for table.ErrConflict and the others. One of
// no kind, which means that nothing was written, is Unavailable.
func (tx *Tx) Commit(ctx context.Context) error {
	if tx.err != nil {
		return tx.err
	}
	if len(tx.ops) == 0 {
		return nil
	}
	err := tx.store.table.Write(ctx, tx.ops...)
	if err == nil {
		return nil
	}
	err = fmt.Errorf("store: write %d items: %w", len(tx.ops), err)
	for _, kind := range []error{table.ErrConflict, table.ErrContention, table.ErrAmbiguous, table.ErrInvalid} {
		if errors.Is(err, kind) {
			return err
		}
	}
	return &dental.Error{Kind: dental.Unavailable, Message: "the state cannot be written just now", Err: err}
}

func readError(what string, err error) error {
	return &dental.Error{Kind: dental.Unavailable, Message: "the state cannot be read just now", Err: fmt.Errorf("store: %s: %w", what, err)}
}

// attempts bounds Retry: with the pauses below it gives up after about ten seconds.
const attempts = 60

// Retry runs a step until it does not run into another's write. Each run must
// begin its own Tx. Contention and conflicts are tried again after a short
// random pause; an ambiguous write too, so a step must recognise its own
// earlier success when it reads. What is left in the end is Unavailable.
func Retry(ctx context.Context, step func(context.Context) error) error {
	var err error
	for i := range attempts {
		err = step(ctx)
		if err == nil || !errors.Is(err, table.ErrConflict) && !errors.Is(err, table.ErrContention) && !errors.Is(err, table.ErrAmbiguous) {
			return err
		}
		pause := time.Duration(1+rand.IntN(min(10*(i+1), 300))) * time.Millisecond
		select {
		case <-ctx.Done():
			return &dental.Error{Kind: dental.Unavailable, Message: "too much is happening at once, try again", Err: ctx.Err()}
		case <-time.After(pause):
		}
	}
	return &dental.Error{Kind: dental.Unavailable, Message: "too much is happening at once, try again", Err: err}
}
