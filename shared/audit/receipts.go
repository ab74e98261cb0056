package audit

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// Receipts is a histogram of amounts above nought, in the minor unit. Its buckets
// are fixed, whatever is put in, so that histograms are added up exactly and in
// any order; there are at most some 6,400 of them, and a clinic's prices, which
// are round, fill a few hundred. A bucket is all amounts with the same three
// first digits, and keeps how many there are and their sum: so an amount read
// from it is exact where all in the bucket are equal, and else, being their
// average, within a hundredth of any of them.
type Receipts map[int64]Bucket

// Bucket is what is in one bucket.
type Bucket struct{ N, Sum int64 }

// The first amounts stand each alone, and all from largest on stand together:
// 10 million of a currency that has hundredths.
const (
	alone   = 1000
	largest = 1_000_000_000
)

// bucketOf is the least amount of the bucket that an amount is in.
func bucketOf(minor int64) int64 {
	unit := int64(1)
	for minor = min(minor, largest); minor/unit >= alone; {
		unit *= 10
	}
	return minor / unit * unit
}

func (r Receipts) add(minor int64) { r.plus(bucketOf(minor), Bucket{1, minor}) }

func (r Receipts) plus(bucket int64, b Bucket) {
	was := r[bucket]
	r[bucket] = Bucket{was.N + b.N, was.Sum + b.Sum}
}

// Plus adds another histogram.
func (r Receipts) Plus(o Receipts) {
	for bucket, b := range o {
		r.plus(bucket, b)
	}
}

// All is how many amounts there are, and their sum.
func (r Receipts) All() (all Bucket) {
	for _, b := range r {
		all = Bucket{all.N + b.N, all.Sum + b.Sum}
	}
	return all
}

// Median is the amount in the middle, the lower of two; 0 of none.
func (r Receipts) Median() int64 {
	left := (r.All().N + 1) / 2
	for _, bucket := range slices.Sorted(maps.Keys(r)) {
		b := r[bucket]
		if left -= b.N; left <= 0 && b.N > 0 {
			return b.Sum / b.N
		}
	}
	return 0
}

// Mean is the average amount, rounded down; 0 of none.
func (r Receipts) Mean() int64 {
	all := r.All()
	return all.Sum / max(all.N, 1)
}

// MarshalJSON writes the buckets in their order: [[least amount, how many, their sum], …].
func (r Receipts) MarshalJSON() ([]byte, error) {
	rows := make([][3]int64, 0, len(r))
	for bucket, b := range r {
		rows = append(rows, [3]int64{bucket, b.N, b.Sum})
	}
	slices.SortFunc(rows, func(a, b [3]int64) int { return cmp.Compare(a[0], b[0]) })
	return json.Marshal(rows)
}

// UnmarshalJSON reads what MarshalJSON writes.
func (r *Receipts) UnmarshalJSON(raw []byte) error {
	var rows [][3]int64
	if err := json.Unmarshal(raw, &rows); err != nil {
		return fmt.Errorf("audit: read receipts: %w", err)
	}
	*r = Receipts{}
	for _, row := range rows {
		r.plus(row[0], Bucket{row[1], row[2]})
	}
	return nil
}
