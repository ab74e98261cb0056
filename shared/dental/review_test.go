package dental

import (
	"testing"
	"time"
)

func TestAnMISIsSilentAfterADayAndANightOfOpeningHours(t *testing.T) {
	moscow := time.FixedZone("MSK", 3*3600)
	open := &Clinic{TimeZone: "Europe/Moscow", Opening: Opening{}}
	for _, day := range Weekdays()[1:6] { // Monday to Friday, eight hours a day
		open.Opening[day] = Span{From: 10 * 60, To: 18 * 60}
	}
	always := &Clinic{TimeZone: "Europe/Moscow"}
	at := func(day, hour, minute int) time.Time { return time.Date(2026, 5, day, hour, minute, 0, 0, moscow) }
	for name, tt := range map[string]struct {
		clinic *Clinic
		heard  time.Time
		now    time.Time
		silent bool
	}{
		"within three working days":         {open, at(18, 10, 0), at(20, 17, 59), false},
		"after three working days":          {open, at(18, 10, 0), at(20, 18, 0), true},
		"over a weekend":                    {open, at(22, 10, 0), at(26, 17, 59), false},
		"after a weekend":                   {open, at(22, 10, 0), at(26, 18, 0), true},
		"never heard":                       {open, time.Time{}, at(26, 18, 0), false},
		"no opening hours, within a day":    {always, at(18, 10, 0), at(19, 9, 59), false},
		"no opening hours, after a day":     {always, at(18, 10, 0), at(19, 10, 0), true},
		"heard at night, silent by opening": {open, at(18, 3, 0), at(20, 18, 0), true},
	} {
		tt.clinic.HeardAt = tt.heard
		want := time.Time{}
		if tt.silent {
			want = tt.heard
		}
		if got := tt.clinic.SilentSince(tt.now); !got.Equal(want) {
			t.Errorf("%s: silent since %v, want %v", name, got, want)
		}
	}
}
