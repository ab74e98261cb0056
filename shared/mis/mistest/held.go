package mistest

import (
	"testing"
	"time"

	"github.com/returnpoint/returnpoint/shared/intake"
)

// Held holds the adapter of a system to a visit that was marked as done ahead of
// its time: it is read at a time, and is an appointment alone until since, and from
// then on a visit that is over at over, without another word of the vendor's.
func Held(t *testing.T, over, since time.Time, read func(at time.Time) intake.Object) {
	t.Helper()
	before, after := read(since.Add(-time.Second)), read(since)
	if a, v := said(before); !a || v != nil || !before.Again.Equal(over) {
		t.Errorf("before %v it is %+v, read again at %v, want an appointment alone, at %v", since, before.Facts, before.Again, over)
	}
	if a, v := said(after); !a || v == nil || !v.Equal(over) || !after.Again.IsZero() {
		t.Errorf("from %v on it is %+v, read again at %v, want a visit until %v", since, after.Facts, after.Again, over)
	}
	if before.Body == after.Body || before.Version != after.Version {
		t.Errorf("the visit is taken for a repeat: %d %s and %d %s", before.Version, before.Body, after.Version, after.Body)
	}
}

// said is whether an object says an appointment, and when its visit was over.
func said(o intake.Object) (appointment bool, over *time.Time) {
	for _, f := range o.Facts {
		switch {
		case f.Appointment != nil:
			appointment = true
		case f.Visit != nil:
			over = &f.Visit.FinishedAt
		}
	}
	return appointment, over
}
