package store_test

import (
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/store"
	"github.com/returnpoint/returnpoint/shared/table"
)

func (h house) portrait(tx *store.Tx, doctor string) dental.Portrait {
	h.Helper()
	p, err := tx.Portrait(h.Context(), "c", doctor)
	if err != nil {
		h.Fatal(err)
	}
	return p
}

func TestAPortraitComesBackAsItWasPut(t *testing.T) {
	everywhere(t, func(h house) {
		p := dental.Portrait{Clinic: "c", Doctor: "D-3", URL: "https://clinic.example/irina.jpg", JPEG: []byte{0xff, 0xd8, 0, 0xff, 0xd9}, At: noon}
		h.do(func(tx *store.Tx) {
			if got := h.portrait(tx, "D-3"); !reflect.DeepEqual(got, dental.Portrait{Clinic: "c", Doctor: "D-3"}) || got.Shown() {
				h.Errorf("before it was put it is %+v", got)
			}
			tx.Put(p)
		})
		if got := h.portrait(h.Begin(), "D-3"); !reflect.DeepEqual(got, p) || !got.Shown() {
			h.Errorf("it is %+v", got)
		}
		if got := h.portrait(h.Begin(), "D-4"); got.Shown() {
			h.Errorf("another doctor's is %+v", got)
		}
		p.JPEG, p.Failed = nil, "the server answered 404"
		h.do(func(tx *store.Tx) { h.portrait(tx, "D-3"); tx.Put(p) })
		if got := h.portrait(h.Begin(), "D-3"); !reflect.DeepEqual(got, p) {
			h.Errorf("without its picture it is %+v", got)
		}
	})
}

func TestOfTwoWhoCopyAPhotoAtOnceOneWrites(t *testing.T) {
	everywhere(t, func(h house) {
		one, two := h.Begin(), h.Begin()
		h.portrait(one, "D-3")
		h.portrait(two, "D-3")
		one.Put(dental.Portrait{Clinic: "c", Doctor: "D-3", URL: "https://a.example/1", At: noon})
		two.Put(dental.Portrait{Clinic: "c", Doctor: "D-3", URL: "https://a.example/2", At: noon})
		if err := one.Commit(h.Context()); err != nil {
			h.Fatal(err)
		}
		if err := two.Commit(h.Context()); !errors.Is(err, table.ErrConflict) {
			h.Errorf("the second got %v", err)
		}
		unread := h.Begin()
		unread.Put(dental.Portrait{Clinic: "c", Doctor: "D-3", At: noon})
		if unread.Commit(h.Context()) == nil {
			h.Error("a portrait that was not read was put")
		}
	})
}

func TestAPortraitThatNobodyAsksForAnyMoreIsForgotten(t *testing.T) {
	everywhere(t, func(h house) {
		h.do(func(tx *store.Tx) {
			h.portrait(tx, "D-3")
			tx.Put(dental.Portrait{Clinic: "c", Doctor: "D-3", URL: "https://a.example/1", JPEG: []byte("x"), At: noon})
		})
		h.clock.Advance(365*24*time.Hour - time.Second)
		if !h.portrait(h.Begin(), "D-3").Shown() {
			h.Error("it is gone before its year is over")
		}
		h.clock.Advance(2 * time.Second)
		if got := h.portrait(h.Begin(), "D-3"); got.Shown() || got.URL != "" {
			h.Errorf("after a year it is %+v", got)
		}
	})
}

func TestAJobThatIsDoneIsDueAgainWhenItIsPutAgain(t *testing.T) {
	everywhere(t, func(h house) {
		job := store.Job{Clinic: "c", ID: "portrait.D-3.0", Kind: store.PortraitJob, Doctor: "D-3", URL: "https://a.example/1", Wake: noon, Made: noon}
		h.do(func(tx *store.Tx) { tx.Put(job) })
		done := job
		done.Done = noon
		h.do(func(tx *store.Tx) {
			if _, err := tx.Job(h.Context(), "c", job.ID); err != nil {
				h.Fatal(err)
			}
			tx.Put(done)
		})
		if _, any, err := h.NextDue(h.Context()); any || err != nil {
			h.Errorf("a job that is done is due: %t, %v", any, err)
		}
		h.do(func(tx *store.Tx) { tx.Put(job) })
		h.clock.Advance(30 * 24 * time.Hour)
		got, err := h.Begin().Job(h.Context(), "c", job.ID)
		if err != nil || got != job {
			h.Errorf("it is %+v (%v)", got, err)
		}
	})
}
