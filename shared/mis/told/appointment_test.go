package told_test

import (
	"testing"
	"time"

	"github.com/returnpoint/returnpoint/shared/mis/told"
)

func TestAVisitIsOverOnTheDayOnWhichItBegan(t *testing.T) {
	zone := time.FixedZone("", 3*60*60)
	at := func(hour, minute int) time.Time { return time.Date(2026, 5, 22, hour, minute, 0, 0, zone) }
	midnight := time.Date(2026, 5, 22, 23, 59, 59, 0, zone)
	for _, c := range []struct{ start, end, want time.Time }{
		{at(12, 0), at(12, 30), at(12, 30)},
		{at(12, 0), time.Time{}, at(13, 0)},
		{at(23, 30), time.Time{}, midnight},
		{at(23, 30).UTC(), at(24, 30).UTC(), midnight},
	} {
		if got := told.Over(c.start, c.end, zone); !got.Equal(c.want) {
			t.Errorf("from %v to %v it is over at %v, want %v", c.start, c.end, got, c.want)
		}
	}
}
