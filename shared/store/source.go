package store

import (
	"context"
	"fmt"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/table"
)

// Origins read what is remembered of objects of a system of record, in the
// order asked; of one never heard of, what was asked for.
func (tx *Tx) Origins(ctx context.Context, asked ...dental.Origin) ([]dental.Origin, error) {
	return recall(ctx, tx, asked, func(o dental.Origin) table.Key { return originKey(o.Clinic, o.System, o.Kind, o.ID) })
}

// Import reads an import; the zero one is none yet.
func (tx *Tx) Import(ctx context.Context, clinic, id string) (dental.Import, error) {
	return one[dental.Import](ctx, tx, importKey(clinic, id))
}

// Imports lists a clinic's imports, the latest first.
func (s *Store) Imports(ctx context.Context, clinic string, limit int, cursor string) ([]dental.Import, string, error) {
	pk, from, to := importsOf(clinic)
	return page[dental.Import](ctx, s, table.Query{PK: pk, From: from, To: to, Reverse: true, Limit: limit, Cursor: cursor})
}

// Twins read proposals that two cards are of one person, in the order asked;
// one not made yet is what was asked for.
func (tx *Tx) Twins(ctx context.Context, asked ...dental.Twin) ([]dental.Twin, error) {
	return recall(ctx, tx, asked, func(t dental.Twin) table.Key { return twinKey(t.Clinic, t.A, t.B) })
}

// TwinsOf lists a clinic's proposals, the decided ones too.
func (s *Store) TwinsOf(ctx context.Context, clinic string, limit int, cursor string) ([]dental.Twin, string, error) {
	pk, from, to := twinsOf(clinic)
	return page[dental.Twin](ctx, s, table.Query{PK: pk, From: from, To: to, Limit: limit, Cursor: cursor})
}

// Pulled reads how far systems of record have been asked; one never asked is what was asked for.
func (tx *Tx) Pulled(ctx context.Context, asked ...dental.Pulled) ([]dental.Pulled, error) {
	return recall(ctx, tx, asked, func(p dental.Pulled) table.Key { return pulledKey(p.Clinic, p.System) })
}

// recall reads items by their keys; of one that is absent, what was asked for comes back.
func recall[T any](ctx context.Context, tx *Tx, asked []T, key func(T) table.Key) ([]T, error) {
	if len(asked) == 0 {
		return nil, nil
	}
	keys := make([]table.Key, len(asked))
	for i, a := range asked {
		keys[i] = key(a)
	}
	items, err := tx.get(ctx, keys...)
	if err != nil {
		return nil, err
	}
	out := make([]T, len(asked))
	for i, it := range items {
		if out[i] = asked[i]; it.Exists() {
			if err := decode(it.Attr, &out[i]); err != nil {
				return nil, fmt.Errorf("store: %s: %w", it.Key, err)
			}
		}
	}
	return out, nil
}
