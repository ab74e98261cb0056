package store_test

import (
	"bytes"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/store"
	"github.com/returnpoint/returnpoint/shared/table/tabletest"
)

func TestNoticesAreListedByTheirKindTheLatestFirst(t *testing.T) {
	now := time.Date(2026, 5, 18, 6, 0, 0, 0, time.UTC)
	clock := tabletest.NewClock(now)
	key := bytes.Repeat([]byte("k"), 32)
	s, err := store.New(tabletest.NewReference(clock.Now, rand.NewChaCha8([32]byte{1})), store.Keys{Contact: key, Link: key}, clock.Now)
	if err != nil {
		t.Fatal(err)
	}
	told := []store.Notice{
		{Clinic: "c", Kind: store.WeekNotice, Anchor: "2026-05-04"}, {Clinic: "c", Kind: store.WeekNotice, Anchor: "2026-05-11"},
		{Clinic: "c", Kind: store.SilenceNotice, Anchor: "2026-05-12T09:00:00Z"}, {Clinic: "d", Kind: store.WeekNotice, Anchor: "2026-05-18"},
	}
	tx := s.Begin()
	read, err := tx.Notices(t.Context(), told...)
	if err != nil {
		t.Fatal(err)
	}
	for i, n := range read {
		if !n.At.IsZero() || n.Anchor != told[i].Anchor {
			t.Errorf("one that was never made is %+v", n)
		}
		n.At, n.Letters = now, map[string]store.NoticeLetter{"k": {State: store.LetterPutOff, Until: now}}
		tx.Put(n)
	}
	for _, days := range []int{90, 30} {
		if _, err := tx.Review(t.Context(), "c", days); err != nil {
			t.Fatal(err)
		}
		tx.Put(dental.Review{Clinic: "c", Days: days, Decisions: "Клуб", At: now})
	}
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	got, next, err := s.Told(t.Context(), "c", store.WeekNotice, 5, "")
	if err != nil || next != "" || len(got) != 2 || got[0].Anchor != "2026-05-11" || got[1].Anchor != "2026-05-04" {
		t.Errorf("listed are %+v, %q, %v", got, next, err)
	}
	if l := got[0].Letters["k"]; !l.Open() || !l.Until.Equal(now) {
		t.Errorf("a letter is kept as %+v", l)
	}
	reviews, err := s.Reviews(t.Context(), "c")
	if err != nil || len(reviews) != 2 || reviews[0].Days != 30 || reviews[1].Decisions != "Клуб" {
		t.Errorf("the reviews are %+v, %v", reviews, err)
	}
}
