package dental_test

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/dental/zonetest"
)

func date(t testing.TB, s string) dental.Date {
	t.Helper()
	d, err := dental.ParseDate(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// anyDate is a date that a patient or an appointment may have.
var anyDate = rapid.Custom(func(t *rapid.T) dental.Date {
	return dental.Date{Year: 1900, Month: time.January, Day: 1}.AddDays(rapid.IntRange(0, 73413).Draw(t, "days after 1900")) // to 2100
})

func TestADateIsWrittenAsTheContractDoesAndNothingElseIsOne(t *testing.T) {
	for _, s := range []string{"2026-03-14", "2024-02-29", "1900-01-01", "0987-12-31", "9999-12-31"} {
		if d := date(t, s); d.String() != s {
			t.Errorf("%q is read as %q", s, d)
		}
	}
	for _, s := range []string{"", "2026-02-29", "2026-13-01", "2026-00-10", "2026-04-31", "2026-4-1", "26-04-01", "2026-04-01 ", " 2026-04-01", "2026-04-01T00:00:00Z",
		"2026/04/01", "01.04.2026", "+2026-04-01", "２０２６-04-01"} {
		if d, err := dental.ParseDate(s); err == nil {
			t.Errorf("%q is read as %s", s, d)
		}
	}
}

func FuzzADateThatIsReadIsWrittenTheSame(f *testing.F) {
	for _, s := range []string{"2026-03-14", "2024-02-29", "2023-02-29", "", "x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if d, err := dental.ParseDate(s); err == nil && d.String() != s {
			t.Errorf("%q is written %q", s, d)
		}
	})
}

func TestDatesAsTextComeBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := rapid.OneOf(anyDate, rapid.Just(dental.Date{})).Draw(t, "date")
		text, _ := d.MarshalText()
		back := dental.Date{Year: 1}
		if err := back.UnmarshalText(text); err != nil || back != d {
			t.Fatalf("%q comes back as %+v (%v)", text, back, err)
		}
	})
}

func TestMonthsAreAddedOnTheCalendarAndClampedToTheMonthsEnd(t *testing.T) {
	tests := []struct {
		from   string
		months int
		want   string
	}{
		{"2026-01-15", 5, "2026-06-15"},
		{"2026-08-31", 6, "2027-02-28"},
		{"2023-08-31", 6, "2024-02-29"},
		{"2026-01-31", 1, "2026-02-28"},
		{"2026-03-31", -1, "2026-02-28"},
		{"2024-02-29", 12, "2025-02-28"},
		{"2024-02-29", 48, "2028-02-29"},
		{"2024-02-29", -12, "2023-02-28"},
		{"2026-11-30", 3, "2027-02-28"},
		{"2026-12-31", 0, "2026-12-31"},
		{"2026-12-01", 1, "2027-01-01"},
		{"2026-01-01", -1, "2025-12-01"},
		{"2026-05-31", -18, "2024-11-30"},
	}
	for _, tt := range tests {
		if got := date(t, tt.from).AddMonths(tt.months).String(); got != tt.want {
			t.Errorf("%s %+d months is %s, want %s", tt.from, tt.months, got, tt.want)
		}
	}
}

func TestAddingMonths(t *testing.T) {
	months := rapid.IntRange(-600, 600)
	t.Run("lands in the month that many further, on the day or on its last", func(t *testing.T) {
		rapid.Check(t, func(t *rapid.T) {
			d, n := anyDate.Draw(t, "date"), months.Draw(t, "months")
			got := d.AddMonths(n)
			if (got.Year*12+int(got.Month))-(d.Year*12+int(d.Month)) != n {
				t.Fatalf("%s %+d months is %s, in another month", d, n, got)
			}
			if lastOfMonth := got.AddDays(1).Day == 1; got.Day != d.Day && (got.Day > d.Day || !lastOfMonth) {
				t.Fatalf("%s %+d months is %s", d, n, got)
			}
		})
	})
	t.Run("keeps the order of dates", func(t *testing.T) {
		rapid.Check(t, func(t *rapid.T) {
			d, n := anyDate.Draw(t, "date"), months.Draw(t, "months")
			if e := d.AddDays(rapid.IntRange(0, 40).Draw(t, "days later")); e.AddMonths(n).Before(d.AddMonths(n)) {
				t.Fatalf("%s is before %s, and %d months later after it", d, e, n)
			}
		})
	})
	t.Run("is undone by taking them off, but for the days that were clamped", func(t *testing.T) {
		rapid.Check(t, func(t *rapid.T) {
			d, n := anyDate.Draw(t, "date"), months.Draw(t, "months")
			back := d.AddMonths(n).AddMonths(-n)
			if back != d && (d.Day <= 28 || back.Day < 28 || back.Month != d.Month || back.Year != d.Year) {
				t.Fatalf("%s %+d and %+d months is %s", d, n, -n, back)
			}
		})
	})
}

func TestTheDatesThatReachADateAreThoseThatMonthsTakeThere(t *testing.T) {
	first, last := date(t, "2020-01-01"), date(t, "2040-12-31")
	for n := -24; n <= 24; n++ {
		// Every date is taken to one whose reach it lies in.
		for d := first; !d.After(last); d = d.AddDays(1) {
			from, to, any := d.AddMonths(n).ReachedBy(n)
			if !any || d.Before(from) || d.After(to) {
				t.Fatalf("%s %+d months is %s, which is said to be reached from %s to %s, %t", d, n, d.AddMonths(n), from, to, any)
			}
		}
		// What is in the reach of a date is taken there, and what lies beside it is not.
		for d := first; !d.After(last); d = d.AddDays(1) {
			from, to, any := d.ReachedBy(n)
			if !any {
				continue
			}
			if from.Month != to.Month || to.Before(from) {
				t.Fatalf("%s is reached by %+d months from %s to %s, which is no stretch of a month", d, n, from, to)
			}
			for e := from.AddDays(-1); !e.After(to.AddDays(1)); e = e.AddDays(1) {
				if inside := !e.Before(from) && !e.After(to); (e.AddMonths(n) == d) != inside {
					t.Fatalf("%s %+d months is %s; %s is reached from %s to %s", e, n, e.AddMonths(n), d, from, to)
				}
			}
		}
	}
}

func TestTheReachOfADate(t *testing.T) {
	for _, tt := range []struct {
		date        string
		months      int
		first, last string // "" is none
	}{
		{"2026-05-22", 6, "2025-11-22", "2025-11-22"},
		{"2027-02-28", 6, "2026-08-28", "2026-08-31"},
		{"2028-02-29", 6, "2027-08-29", "2027-08-31"},
		{"2028-02-28", 6, "2027-08-28", "2027-08-28"},
		{"2026-03-31", 6, "", ""},
		{"2026-04-30", 1, "2026-03-30", "2026-03-31"},
		{"2025-02-28", 12, "2024-02-28", "2024-02-29"},
		{"2026-02-28", -1, "2026-03-28", "2026-03-31"},
		{"2026-12-31", 0, "2026-12-31", "2026-12-31"},
	} {
		first, last, any := date(t, tt.date).ReachedBy(tt.months)
		if any != (tt.first != "") || any && (first.String() != tt.first || last.String() != tt.last) {
			t.Errorf("%s is reached by %+d months from %s to %s, %t", tt.date, tt.months, first, last, any)
		}
	}
}

func TestDaysBetweenDatesAreTheDaysThatWereAdded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d, n := anyDate.Draw(t, "date"), rapid.IntRange(-200_000, 200_000).Draw(t, "days")
		e := d.AddDays(n)
		if e.DaysSince(d) != n || d.DaysSince(e) != -n {
			t.Fatalf("%s %+d days is %s, %d days away", d, n, e, e.DaysSince(d))
		}
		if e.After(d) != (n > 0) || e.Before(d) != (n < 0) {
			t.Fatalf("%s is after %s: %t", e, d, e.After(d))
		}
		if int(e.Weekday()) != (int(d.Weekday())+n%7+7)%7 {
			t.Fatalf("%s is a %s, %d days after a %s", e, e.Weekday(), n, d.Weekday())
		}
	})
	if n := date(t, "9999-12-31").DaysSince(date(t, "0001-01-01")); n != 3652058 {
		t.Errorf("from one end of the calendar to the other are %d days", n)
	}
}

func TestAge(t *testing.T) {
	tests := []struct {
		name, born, day string
		want            int
	}{
		{"is a year more on the birthday", "2008-03-14", "2026-03-14", 18},
		{"is not yet the day before", "2008-03-14", "2026-03-13", 17},
		{"of 29 February rises on 28 February of a common year", "2008-02-29", "2026-02-28", 18},
		{"of 29 February is not yet on 27 February of a common year", "2008-02-29", "2026-02-27", 17},
		{"of 29 February is not yet on 28 February of a leap year", "2008-02-29", "2028-02-28", 19},
		{"of 29 February rises on 29 February of a leap year", "2008-02-29", "2028-02-29", 20},
		{"of 28 February rises on 28 February of a leap year", "2007-02-28", "2028-02-28", 21},
		{"is nought on the day of birth", "2026-03-14", "2026-03-14", 0},
		{"is below nought before it", "2026-03-14", "2026-03-13", -1},
		{"counts past a hundred", "1913-06-01", "2026-05-31", 112},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := date(t, tt.born).AgeOn(date(t, tt.day)); got != tt.want {
				t.Errorf("born %s, the age on %s is %d, want %d", tt.born, tt.day, got, tt.want)
			}
		})
	}
	t.Run("rises by one once a year and never falls", func(t *testing.T) {
		rapid.Check(t, func(t *rapid.T) {
			born, year := anyDate.Draw(t, "born"), rapid.IntRange(0, 110).Draw(t, "year")
			rises := 0
			for d := (dental.Date{Year: born.Year + year, Month: time.January, Day: 1}); d.Year == born.Year+year; d = d.AddDays(1) {
				grown := born.AgeOn(d) - born.AgeOn(d.AddDays(-1))
				if grown < 0 || grown > 1 {
					t.Fatalf("born %s: %d on %s and %d the day before", born, born.AgeOn(d), d, born.AgeOn(d.AddDays(-1)))
				}
				rises += grown
			}
			if rises != 1 {
				t.Fatalf("born %s: the age rises %d times in %d", born, rises, born.Year+year)
			}
		})
	})
}

func TestATimeOfDayIsWrittenHHMM(t *testing.T) {
	for m := dental.TimeOfDay(0); m <= 24*60; m++ {
		text, _ := m.MarshalText()
		var back dental.TimeOfDay
		if err := back.UnmarshalText(text); err != nil || back != m {
			t.Fatalf("%q comes back as %d (%v), not %d", text, back, err, m)
		}
	}
	for _, s := range []string{"", "9:00", "24:01", "25:00", "10:60", "10", "10:0", "10:000", "010:00", " 9:00", "9: 00", "+9:00", "-0:30", "10:+5", "10:5 ", "10.00", "10:00:00", "ab:cd", "１０:００", "10:00\n"} {
		if got, err := dental.ParseTimeOfDay(s); err == nil {
			t.Errorf("%q is read as %s", s, got)
		}
	}
}

func FuzzATimeOfDayThatIsReadIsWrittenTheSame(f *testing.F) {
	for _, s := range []string{"09:00", "24:00", "+9:00", "9:005", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if got, err := dental.ParseTimeOfDay(s); err == nil && got.String() != s {
			t.Errorf("%q is written %q", s, got)
		}
	})
}

// wall is what clocks show at an instant, as minutes on an endless calendar.
func wall(at time.Time) time.Time {
	return time.Date(at.Year(), at.Month(), at.Day(), at.Hour(), at.Minute(), at.Second(), at.Nanosecond(), time.UTC)
}

func TestATimeOnADateIsTheFirstInstantAtWhichClocksShowItOrLater(t *testing.T) {
	from, to := time.Date(2009, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2037, 12, 31, 0, 0, 0, 0, time.UTC)
	gaps, repeats := 0, 0
	for _, loc := range zonetest.Zones(t) {
		for _, change := range zonetest.Changes(loc, from, to) {
			before, after := wall(change.Add(-time.Nanosecond)), wall(change)
			switch {
			case after.Sub(before) > time.Second:
				gaps++
			case after.Before(before):
				repeats++
			}
			for minutes := -4 * 60; minutes <= 4*60; minutes += 15 {
				shown := after.Add(time.Duration(minutes) * time.Minute).Truncate(time.Minute)
				got := dental.DateOf(shown).At(dental.TimeOfDayOf(shown), loc)
				if wall(got).Before(shown) {
					t.Fatalf("%s: %s is reached when clocks show %s", loc, shown, wall(got))
				}
				// Around a change clocks repeat at most a few hours, so an earlier pass would be found here.
				for back := time.Nanosecond; back < 5*time.Hour; back = back*2 + time.Minute {
					if earlier := wall(got.Add(-back)); !earlier.Before(shown) {
						t.Fatalf("%s: %s is reached at %s, but clocks showed %s %s earlier", loc, shown, got, earlier, back)
					}
				}
			}
		}
	}
	if gaps < 300 || repeats < 300 {
		t.Errorf("%d gaps and %d repeats were tried: the zones are too tame", gaps, repeats)
	}
}

func TestATimeThatAChangeOfClocksMakesOdd(t *testing.T) {
	tests := []struct {
		name, zone, date, at, want string
	}{
		{"in a gap east of Greenwich is the end of the gap", "Europe/Berlin", "2026-03-29", "02:30", "2026-03-29T03:00:00+02:00"},
		{"in a gap west of Greenwich is the end of the gap", "America/New_York", "2026-03-08", "02:30", "2026-03-08T03:00:00-04:00"},
		{"repeated east of Greenwich is the first pass", "Europe/Berlin", "2026-10-25", "02:30", "2026-10-25T02:30:00+02:00"},
		{"repeated west of Greenwich is the first pass", "America/New_York", "2026-11-01", "01:30", "2026-11-01T01:30:00-04:00"},
		{"repeated in London is the first pass", "Europe/London", "2026-10-25", "01:30", "2026-10-25T01:30:00+01:00"},
		{"of midnight where clocks leap over it is one o'clock", "America/Santiago", "2026-09-06", "00:00", "2026-09-06T01:00:00-03:00"},
		{"of 24:00 is the next midnight", "Europe/Moscow", "2026-03-10", "24:00", "2026-03-11T00:00:00+03:00"},
		{"of 24:00 where clocks leap over it is one o'clock", "America/Santiago", "2026-09-05", "24:00", "2026-09-06T01:00:00-03:00"},
		{"on a day that never was is the next morning's first instant", "Pacific/Apia", "2011-12-30", "12:00", "2011-12-31T00:00:00+14:00"},
		{"on an ordinary day is itself", "Europe/Moscow", "2026-03-10", "14:30", "2026-03-10T14:30:00+03:00"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			loc, err := time.LoadLocation(tt.zone)
			if err != nil {
				t.Fatal(err)
			}
			at, err := dental.ParseTimeOfDay(tt.at)
			if err != nil {
				t.Fatal(err)
			}
			if got := date(t, tt.date).At(at, loc).Format(time.RFC3339); got != tt.want {
				t.Errorf("%s %s in %s is %s, want %s", tt.date, tt.at, tt.zone, got, tt.want)
			}
		})
	}
}

func TestTheSameTimeOnAnotherDateKeepsWhatClocksShow(t *testing.T) {
	zones := zonetest.Zones(t)
	from, to := time.Date(2015, 1, 1, 0, 0, 0, 0, time.UTC).Unix(), time.Date(2037, 1, 1, 0, 0, 0, 0, time.UTC).Unix()
	rapid.Check(t, func(t *rapid.T) {
		loc := zones[rapid.IntRange(0, len(zones)-1).Draw(t, "zone")]
		at := time.Unix(rapid.Int64Range(from, to).Draw(t, "instant"), rapid.Int64Range(0, 999_999_999).Draw(t, "nanoseconds")).In(loc)
		d := dental.DateOf(at).AddDays(rapid.IntRange(-400, 400).Draw(t, "days"))
		got := d.AtTimeOf(at, loc)
		want := time.Date(d.Year, d.Month, d.Day, at.Hour(), at.Minute(), at.Second(), at.Nanosecond(), time.UTC)
		if wall(got).Equal(want) {
			return
		}
		// Clocks leap over that time: they showed less just before.
		if !wall(got).After(want) || !wall(got.Add(-time.Nanosecond)).Before(want) {
			t.Fatalf("%s on %s is %s", at, d, got)
		}
	})
}

func ExampleDate_AddMonths() {
	visit := dental.Date{Year: 2026, Month: time.August, Day: 31}
	fmt.Println(visit.AddMonths(6))
	// Output: 2027-02-28
}
