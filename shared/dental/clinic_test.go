package dental_test

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/dental/zonetest"
)

// week is open from Monday to Friday 9 to 20 and on Saturday 10 to 15.
func week() dental.Opening {
	o := dental.Opening{"sat": {From: 10 * 60, To: 15 * 60}}
	for _, day := range []string{"mon", "tue", "wed", "thu", "fri"} {
		o[day] = dental.Span{From: 9 * 60, To: 20 * 60}
	}
	return o
}

func moscow() *dental.Clinic {
	return &dental.Clinic{ID: "demo", TimeZone: "Europe/Moscow", Opening: week()}
}

func instant(t testing.TB, c *dental.Clinic, s string) time.Time {
	t.Helper()
	at, err := time.ParseInLocation("2006-01-02 15:04", s, c.Location())
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func shown(c *dental.Clinic, at time.Time) string {
	return at.In(c.Location()).Format("Mon 2006-01-02 15:04")
}

func TestWorkingTime(t *testing.T) {
	tests := []struct {
		name, at string
		add      time.Duration
		change   func(*dental.Clinic)
		want     string
	}{
		{"inside the day just passes", "2026-03-10 11:00", time.Hour, nil, "Tue 2026-03-10 12:00"},
		{"goes on the next morning", "2026-03-10 19:30", time.Hour, nil, "Wed 2026-03-11 09:30"},
		{"begins with the opening", "2026-03-10 07:00", time.Hour, nil, "Tue 2026-03-10 10:00"},
		{"that ends with the day ends with the day", "2026-03-10 19:00", time.Hour, nil, "Tue 2026-03-10 20:00"},
		{"from the closing minute on goes on the next morning", "2026-03-10 20:00", time.Hour, nil, "Wed 2026-03-11 10:00"},
		{"leaps over Sunday", "2026-03-14 14:30", time.Hour, nil, "Mon 2026-03-16 09:30"},
		{"leaps over holidays", "2026-03-10 19:30", time.Hour, func(c *dental.Clinic) {
			c.Holidays = []dental.Date{{Year: 2026, Month: 3, Day: 11}, {Year: 2026, Month: 3, Day: 12}}
		}, "Fri 2026-03-13 09:30"},
		{"of several days fills them", "2026-03-10 11:00", 20 * time.Hour, nil, "Wed 2026-03-11 20:00"},
		{"of more days crosses a weekend", "2026-03-13 15:00", 16 * time.Hour, nil, "Mon 2026-03-16 15:00"},
		{"of nothing is now, while it is open", "2026-03-10 11:00", 0, nil, "Tue 2026-03-10 11:00"},
		{"of nothing is the opening, while it is closed", "2026-03-15 11:00", 0, nil, "Mon 2026-03-16 09:00"},
		{"of a clinic without hours just passes", "2026-03-15 03:00", 4 * time.Hour, func(c *dental.Clinic) { c.Opening = nil }, "Sun 2026-03-15 07:00"},
		{"of a clinic that never opens just passes", "2026-03-15 03:00", 4 * time.Hour, func(c *dental.Clinic) {
			c.Opening = dental.Opening{"mon": {From: 600, To: 600}, "someday": {From: 0, To: 600}}
		}, "Sun 2026-03-15 07:00"},
		{"that a clinic will not have for a year just passes", "2026-03-16 03:00", 40 * time.Minute, func(c *dental.Clinic) {
			c.Opening = dental.Opening{"mon": {From: 540, To: 570}}
			for d := (dental.Date{Year: 2026, Month: 3, Day: 17}); d.Year < 2028; d = d.AddDays(1) {
				c.Holidays = append(c.Holidays, d)
			}
		}, "Mon 2026-03-16 03:40"},
		{"until midnight counts to midnight", "2026-03-10 23:00", 2 * time.Hour, func(c *dental.Clinic) {
			c.Opening = dental.Opening{"tue": {From: 0, To: 24 * 60}, "wed": {From: 0, To: 24 * 60}}
		}, "Wed 2026-03-11 01:00"},
		{"in a night that clocks cut short is an hour less of it", "2026-03-29 00:00", 3 * time.Hour, func(c *dental.Clinic) {
			c.TimeZone, c.Opening = "Europe/Berlin", dental.Opening{"sun": {From: 0, To: 240}, "mon": {From: 0, To: 240}}
		}, "Sun 2026-03-29 04:00"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := moscow()
			if tt.change != nil {
				tt.change(c)
			}
			if got := shown(c, c.AddWorking(instant(t, c, tt.at), tt.add)); got != tt.want {
				t.Errorf("%s and %s of work is %s, want %s", tt.at, tt.add, got, tt.want)
			}
		})
	}
}

// anyWeek is a week with some open days, in some zone, with some holidays.
func anyWeek(t *rapid.T, zones []*time.Location) *dental.Clinic {
	c := &dental.Clinic{TimeZone: zones[rapid.IntRange(0, len(zones)-1).Draw(t, "zone")].String(), Opening: dental.Opening{}}
	for _, day := range rapid.SliceOfNDistinct(rapid.SampledFrom(dental.Weekdays()), 1, 7, rapid.ID).Draw(t, "open days") {
		from := dental.TimeOfDay(rapid.IntRange(0, 20*60).Draw(t, "from"))
		c.Opening[day] = dental.Span{From: from, To: from + dental.TimeOfDay(rapid.IntRange(30, 24*60-int(from)).Draw(t, "minutes open"))}
	}
	for range rapid.IntRange(0, 10).Draw(t, "holidays") {
		c.Holidays = append(c.Holidays, dental.Date{Year: 2026, Month: 1, Day: 1}.AddDays(rapid.IntRange(0, 400).Draw(t, "day of the year")))
	}
	return c
}

// openAt says it by the definition. A span that ends in an hour which clocks show
// twice ends with its first pass.
func openAt(c *dental.Clinic, local time.Time) bool {
	day := dental.DateOf(local)
	span, open := c.OpenOn(day)
	return open && !local.Before(day.At(span.From, local.Location())) && local.Before(day.At(span.To, local.Location()))
}

func TestWorkingTimeIsTheMinutesThatTheClinicIsOpen(t *testing.T) {
	zones := zonetest.Zones(t)
	rapid.Check(t, func(t *rapid.T) {
		c := anyWeek(t, zones)
		at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(rapid.IntRange(0, 365*24*60).Draw(t, "minute of the year")) * time.Minute)
		add := time.Duration(rapid.IntRange(1, 12*60).Draw(t, "minutes of work")) * time.Minute
		end := c.AddWorking(at, add)
		if end.Before(at) {
			t.Fatalf("%s and %s of work is %s", at, add, end)
		}
		var worked time.Duration
		loc := c.Location()
		for m := at.In(loc); m.Before(end); m = m.Add(time.Minute) {
			if openAt(c, m) {
				worked += time.Minute
			}
		}
		if worked != add || !openAt(c, end.In(loc).Add(-time.Nanosecond)) {
			t.Fatalf("from %s to %s in %s the clinic works %s, want %s", at, end, c.TimeZone, worked, add)
		}
	})
}

func TestTheWorkingDayBefore(t *testing.T) {
	holidays := func(days ...int) func(*dental.Clinic) {
		return func(c *dental.Clinic) {
			for _, d := range days {
				c.Holidays = append(c.Holidays, dental.Date{Year: 2026, Month: 3, Day: d})
			}
		}
	}
	tests := []struct {
		name, day string
		change    func(*dental.Clinic)
		want      string
	}{
		{"is yesterday in the week", "2026-03-12", nil, "2026-03-11"},
		{"Monday is Saturday where Saturdays are worked", "2026-03-16", nil, "2026-03-14"},
		{"Monday is Friday where they are not", "2026-03-16", func(c *dental.Clinic) { delete(c.Opening, "sat") }, "2026-03-13"},
		{"leaps over holidays", "2026-03-12", holidays(10, 11), "2026-03-09"},
		{"leaps over holidays and a weekend", "2026-03-10", holidays(7, 9), "2026-03-06"},
		{"is yesterday for a clinic without hours", "2026-03-16", func(c *dental.Clinic) { c.Opening = nil }, "2026-03-15"},
		{"crosses a year", "2026-01-01", nil, "2025-12-31"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := moscow()
			if tt.change != nil {
				tt.change(c)
			}
			if got := c.WorkingDayBefore(date(t, tt.day)).String(); got != tt.want {
				t.Errorf("before %s is %s, want %s", tt.day, got, tt.want)
			}
		})
	}
	zones := zonetest.Zones(t)
	t.Run("is open, and no open day lies between", func(t *testing.T) {
		rapid.Check(t, func(t *rapid.T) {
			c := anyWeek(t, zones)
			d := dental.Date{Year: 2026, Month: 6, Day: 1}.AddDays(rapid.IntRange(0, 365).Draw(t, "day"))
			before := c.WorkingDayBefore(d)
			if _, open := c.OpenOn(before); !open || !before.Before(d) {
				t.Fatalf("before %s is %s, open: %t", d, before, open)
			}
			for between := before.AddDays(1); between.Before(d); between = between.AddDays(1) {
				if _, open := c.OpenOn(between); open {
					t.Fatalf("before %s is %s, although %s is open", d, before, between)
				}
			}
		})
	})
}

func TestAClinicIsOpenOnTheDaysThatHaveHoursAndAreNoHolidays(t *testing.T) {
	c := moscow()
	c.Opening["tue"], c.Holidays = dental.Span{From: 600, To: 600}, []dental.Date{{Year: 2026, Month: 3, Day: 11}}
	for day, want := range map[string]bool{"2026-03-09": true, "2026-03-10": false, "2026-03-11": false, "2026-03-12": true, "2026-03-14": true, "2026-03-15": false} {
		if span, open := c.OpenOn(date(t, day)); open != want || open && span.To <= span.From {
			t.Errorf("on %s it is open: %t, %v", day, open, span)
		}
	}
}

func TestTheEndOfAWorkingDay(t *testing.T) {
	tests := []struct {
		name, at string
		n        int
		change   func(*dental.Clinic)
		want     string
	}{
		{"is tomorrow's closing", "2026-03-10 11:00", 1, nil, "Wed 2026-03-11 20:00"},
		{"is tomorrow's closing early in the morning too", "2026-03-10 01:00", 1, nil, "Wed 2026-03-11 20:00"},
		{"is Saturday's closing on a Friday", "2026-03-13 11:00", 1, nil, "Sat 2026-03-14 15:00"},
		{"is Monday's closing on a Saturday", "2026-03-14 11:00", 1, nil, "Mon 2026-03-16 20:00"},
		{"is Monday's closing on a Sunday", "2026-03-15 11:00", 1, nil, "Mon 2026-03-16 20:00"},
		{"leaps over a holiday", "2026-03-10 11:00", 1, func(c *dental.Clinic) { c.Holidays = []dental.Date{{Year: 2026, Month: 3, Day: 11}} }, "Thu 2026-03-12 20:00"},
		{"counts on", "2026-03-12 11:00", 3, nil, "Mon 2026-03-16 20:00"},
		{"of a clinic without hours is a day later", "2026-03-15 11:00", 1, func(c *dental.Clinic) { c.Opening = nil }, "Mon 2026-03-16 11:00"},
		{"that a clinic will not have is so many days later", "2026-03-15 11:00", 3, func(c *dental.Clinic) {
			c.Opening = dental.Opening{"mon": {From: 540, To: 600}}
			for d := (dental.Date{Year: 2026, Month: 3, Day: 17}); d.Year < 2028; d = d.AddDays(1) {
				c.Holidays = append(c.Holidays, d)
			}
		}, "Wed 2026-03-18 11:00"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := moscow()
			if tt.change != nil {
				tt.change(c)
			}
			if got := shown(c, c.EndOfWorkingDay(instant(t, c, tt.at), tt.n)); got != tt.want {
				t.Errorf("%d after %s is %s, want %s", tt.n, tt.at, got, tt.want)
			}
		})
	}
}

func TestAClinicWithoutAKnownZoneLivesInUTC(t *testing.T) {
	for _, zone := range []string{"", "Europe/Atlantis"} {
		if c := (&dental.Clinic{TimeZone: zone}); c.Location() != time.UTC {
			t.Errorf("%q is %s", zone, c.Location())
		}
	}
	c := &dental.Clinic{TimeZone: "Asia/Kamchatka"}
	if got := c.Today(time.Date(2026, 3, 10, 13, 0, 0, 0, time.UTC)).String(); got != "2026-03-11" {
		t.Errorf("in Kamchatka it is %s", got)
	}
}

func TestTheOwnerIsTheGroupOrTheClinicAndTheTwoAreNeverMixedUp(t *testing.T) {
	a, b := dental.Clinic{ID: "a", Group: "g"}, dental.Clinic{ID: "b", Group: "g"}
	alone, named := dental.Clinic{ID: "g"}, dental.Clinic{ID: "group:g"}
	if a.Owner() != b.Owner() {
		t.Error("two clinics of a group have two owners")
	}
	if alone.Owner() == a.Owner() || named.Owner() == a.Owner() {
		t.Error("a clinic called like a group is of the group")
	}
}

func active(c *dental.Clinic, at time.Time) []string {
	var out []string
	for _, s := range c.ActiveSecrets(at) {
		out = append(out, string(s))
	}
	return out
}

func TestASecretVerifiesFromItsTimeUntilTheOverlapWithTheNextIsOver(t *testing.T) {
	c := &dental.Clinic{}
	hour := func(n int) time.Time { return noon.Add(time.Duration(n) * time.Hour) }
	c.RotateSecret("one", hour(0), 24*time.Hour)
	c.RotateSecret("two", hour(10), 24*time.Hour)
	c.RotateSecret("three", hour(20), 2*time.Hour)
	for _, tt := range []struct {
		at   time.Time
		want []string
	}{
		{hour(-1), nil},
		{hour(0), []string{"one"}},
		{hour(10).Add(-1), []string{"one"}},
		{hour(10), []string{"one", "two"}},
		{hour(20), []string{"one", "two", "three"}}, // the shorter overlap cuts both short
		{hour(22).Add(-1), []string{"one", "two", "three"}},
		{hour(22), []string{"three"}},
		{hour(10000), []string{"three"}},
	} {
		if got := active(c, tt.at); !slices.Equal(got, tt.want) {
			t.Errorf("%s after the first: %v, want %v", tt.at.Sub(noon), got, tt.want)
		}
	}
	c.RotateSecret("four", hour(30), 0)
	if got := active(c, hour(30)); !slices.Equal(got, []string{"four"}) {
		t.Errorf("without an overlap %v verify", got)
	}
	if len(c.Secrets) != 2 {
		t.Errorf("%d secrets are kept; what is over is of no use", len(c.Secrets))
	}
}

func TestOfMoreThanThreeSecretsTheOldestGo(t *testing.T) {
	c := &dental.Clinic{}
	for i, secret := range []dental.Secret{"one", "two", "three", "four", "five"} {
		c.RotateSecret(secret, noon.Add(time.Duration(i)*time.Minute), 24*time.Hour)
	}
	if got := active(c, noon.Add(time.Hour)); !slices.Equal(got, []string{"three", "four", "five"}) {
		t.Errorf("%v verify", got)
	}
}

func TestRotatingASecretNeverProlongsAnother(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := &dental.Clinic{}
		at := noon
		for i := range rapid.IntRange(1, 8).Draw(t, "rotations") {
			at = at.Add(time.Duration(rapid.IntRange(0, 48).Draw(t, "hours later")) * time.Hour)
			before := *c
			before.Secrets = slices.Clone(c.Secrets)
			overlap := time.Duration(rapid.IntRange(0, 48).Draw(t, "overlap")) * time.Hour
			c.RotateSecret(dental.Secret(rune('a'+i)), at, overlap)
			for h := range 100 {
				later := at.Add(time.Duration(h) * time.Hour)
				was, is := active(&before, later), active(c, later)
				newest := string(rune('a' + i))
				if len(is) == 0 || is[len(is)-1] != newest {
					t.Fatalf("%s later %v verify, the newest last being %s", later.Sub(at), is, newest)
				}
				for _, s := range is[:len(is)-1] {
					if !slices.Contains(was, s) || later.Sub(at) >= overlap {
						t.Fatalf("%s verifies %s after it was replaced, with an overlap of %s", s, later.Sub(at), overlap)
					}
				}
				for _, s := range was[max(0, len(was)-(dental.MostSecrets-1)):] {
					if !slices.Contains(is, s) && later.Sub(at) < overlap {
						t.Fatalf("%s does not verify %s after, within the overlap of %s", s, later.Sub(at), overlap)
					}
				}
			}
		}
	})
}

func TestAScenarioThatIsNotSetIsOff(t *testing.T) {
	c := dental.Clinic{}
	if s := c.Scenario("recall"); s.On || s.Steps != nil {
		t.Errorf("it is %+v", s)
	}
}

func TestAZoneThatWasFoundOnceIsForgottenWithItsName(t *testing.T) {
	c := dental.Clinic{TimeZone: "Asia/Kamchatka"}
	c.Locate()
	if got := c.Location().String(); got != "Asia/Kamchatka" {
		t.Errorf("found: %s", got)
	}
	if n := testing.AllocsPerRun(100, func() { c.Location() }); n != 0 {
		t.Errorf("%v allocations to find it again", n)
	}
	c.TimeZone = "Europe/Kaliningrad"
	if got := c.Location().String(); got != "Europe/Kaliningrad" {
		t.Errorf("the clinic has moved, and its zone is %s", got)
	}
	c.TimeZone = "Nowhere"
	if c.Locate(); c.Location() != time.UTC {
		t.Errorf("an unknown zone is %s", c.Location())
	}
}
