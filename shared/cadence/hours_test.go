package cadence_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/returnpoint/returnpoint/shared/cadence"
	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/dental/zonetest"
)

const (
	nine = dental.TimeOfDay(9 * 60)
	late = dental.TimeOfDay(21 * 60)
)

func TestMessagesLeaveInTheHours(t *testing.T) {
	tests := []struct {
		name, zone, at string
		open           bool
		next, evening  string // when not open
	}{
		{"at their first minute", "Europe/Moscow", "2026-03-10 09:00", true, "", ""},
		{"in the middle", "Europe/Moscow", "2026-03-10 14:30", true, "", ""},
		{"six minutes before their end", "Europe/Moscow", "2026-03-10 20:54", true, "", ""},
		{"not five minutes before their end", "Europe/Moscow", "2026-03-10 20:55", false, "2026-03-11 09:00", "2026-03-10 20:00"},
		{"not at their end", "Europe/Moscow", "2026-03-10 21:00", false, "2026-03-11 09:00", "2026-03-10 20:00"},
		{"not before midnight", "Europe/Moscow", "2026-03-10 23:59", false, "2026-03-11 09:00", "2026-03-10 20:00"},
		{"not after midnight", "Europe/Moscow", "2026-03-11 00:00", false, "2026-03-11 09:00", "2026-03-10 20:00"},
		{"not a minute before their start", "Europe/Moscow", "2026-03-11 08:59", false, "2026-03-11 09:00", "2026-03-10 20:00"},
		{"not in the night that is cut short", "Europe/Berlin", "2026-03-29 01:59", false, "2026-03-29 09:00", "2026-03-28 20:00"},
		{"not in the night that is repeated", "Europe/Berlin", "2026-10-25 02:30", false, "2026-10-25 09:00", "2026-10-24 20:00"},
		{"not on the eve of a day that clocks skip", "Pacific/Apia", "2011-12-29 22:00", false, "2011-12-31 09:00", "2011-12-29 20:00"},
		{"not in the morning after a day that clocks skip", "Pacific/Apia", "2011-12-31 05:00", false, "2011-12-31 09:00", "2011-12-29 20:00"},
		{"not in a night whose midnight is leapt over", "America/Santiago", "2026-09-06 01:00", false, "2026-09-06 09:00", "2026-09-05 20:00"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			loc, err := time.LoadLocation(tt.zone)
			if err != nil {
				t.Fatal(err)
			}
			read := func(s string) time.Time {
				at, err := time.ParseInLocation("2006-01-02 15:04", s, loc)
				if err != nil {
					t.Fatal(err)
				}
				return at
			}
			h, at := cadence.Hours{From: nine, To: late, Loc: loc}, read(tt.at)
			if got := h.Open(at); got != tt.open {
				t.Errorf("open: %t", got)
			}
			next, evening := at, at
			if !tt.open {
				next, evening = read(tt.next), read(tt.evening)
			}
			if got := h.Next(at.UTC()); !got.Equal(next) {
				t.Errorf("next is %s, want %s", got.In(loc), next)
			}
			if got := h.EveningBefore(at.UTC()); !got.Equal(evening) {
				t.Errorf("the evening before is %s, want %s", got.In(loc), evening)
			}
		})
	}
}

func TestHoursAreTheClinicsOwn(t *testing.T) {
	c := &dental.Clinic{TimeZone: "Asia/Kamchatka", SendFrom: nine, SendTo: late}
	h := cadence.HoursOf(c)
	if at := time.Date(2026, 3, 10, 21, 0, 0, 0, time.UTC); !h.Open(at) || h.Open(at.Add(-time.Nanosecond)) {
		t.Error("in Kamchatka the hours do not begin at 21:00 of UTC")
	}
}

// within says by the definition whether the instant lies in the hours, and no
// less than the margin before their end.
func within(h cadence.Hours, at time.Time) bool {
	at = at.In(h.Loc)
	end := dental.DateOf(at).At(h.To, h.Loc)
	return dental.TimeOfDayOf(at) >= h.From && end.Sub(at) >= cadence.Margin
}

// anyHours are in the daytime, earlier and shorter ones than the settings take among them.
func anyHours(t *rapid.T, loc *time.Location) cadence.Hours {
	const first, last = 5 * 60, 22 * 60
	from := dental.TimeOfDay(rapid.IntRange(first, last-10).Draw(t, "from"))
	return cadence.Hours{From: from, To: from + dental.TimeOfDay(rapid.IntRange(10, last-int(from)).Draw(t, "minutes long")), Loc: loc}
}

// tried calls check for many hours and instants, most of them near a change of clocks.
func tried(t *testing.T, check func(t *rapid.T, h cadence.Hours, at time.Time)) {
	t.Helper()
	first, last := time.Date(2010, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2037, 1, 1, 0, 0, 0, 0, time.UTC)
	zones := zonetest.Zones(t)
	changes := make([][]time.Time, len(zones))
	for i, loc := range zones {
		changes[i] = zonetest.Changes(loc, first, last)
	}
	rapid.Check(t, func(t *rapid.T) {
		zone := rapid.IntRange(0, len(zones)-1).Draw(t, "zone")
		h := anyHours(t, zones[zone])
		near := changes[zone][rapid.IntRange(0, len(changes[zone])-1).Draw(t, "change of clocks")]
		for _, seconds := range rapid.SliceOfN(rapid.IntRange(-36*3600, 36*3600), 10, 10).Draw(t, "seconds from it") {
			check(t, h, near.Add(time.Duration(seconds)*time.Second))
		}
	})
}

func TestTheNextInstantIsTheFirstOneInsideTheHoursAndNeverBefore(t *testing.T) {
	tried(t, func(t *rapid.T, h cadence.Hours, at time.Time) {
		next := h.Next(at)
		switch {
		case next.Before(at):
			t.Fatalf("%s to %s: after %s comes %s", h.From, h.To, at, next)
		case !h.Open(next) || !within(h, next):
			t.Fatalf("%s to %s: after %s comes %s, outside the hours", h.From, h.To, at, next)
		case !h.Next(next).Equal(next):
			t.Fatalf("%s to %s: %s is in the hours, and after it comes %s", h.From, h.To, next, h.Next(next))
		case next.After(at) && h.Open(at):
			t.Fatalf("%s to %s: %s is in the hours and is moved to %s", h.From, h.To, at, next)
		}
		for m := at; m.Before(next); m = m.Add(7 * time.Minute) {
			if h.Open(m) {
				t.Fatalf("%s to %s: after %s comes %s, although %s is in the hours", h.From, h.To, at, next, m)
			}
		}
	})
}

func TestTheEveningBeforeIsTheLastOneInsideTheHoursAndNeverAfter(t *testing.T) {
	tried(t, func(t *rapid.T, h cadence.Hours, at time.Time) {
		before := h.EveningBefore(at)
		switch {
		case before.After(at):
			t.Fatalf("%s to %s: before %s is %s", h.From, h.To, at, before)
		case !h.Open(before) || !within(h, before):
			t.Fatalf("%s to %s: before %s is %s, outside the hours", h.From, h.To, at, before)
		case before.Before(at) && h.Open(at):
			t.Fatalf("%s to %s: %s is in the hours and is moved to %s", h.From, h.To, at, before)
		}
		if before.Equal(at) {
			return
		}
		day := dental.DateOf(before.In(h.Loc))
		if left := day.At(h.To, h.Loc).Sub(before); left > time.Hour || left < time.Hour && !before.Equal(day.At(h.From, h.Loc)) {
			t.Fatalf("%s to %s: before %s is %s, %s before the end of that day's hours", h.From, h.To, at, before, left)
		}
		for m := day.At(h.To, h.Loc); m.Before(at); m = m.Add(7 * time.Minute) {
			if h.Open(m) {
				t.Fatalf("%s to %s: before %s is %s, although %s is in the hours", h.From, h.To, at, before, m)
			}
		}
	})
}
