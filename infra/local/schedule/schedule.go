// Package schedule reads the expressions of EventBridge Scheduler, as far as
// one machine can keep to them: rate(...) and cron(...)
// (https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html).
// Of cron it refuses L, W and #, by name.
package schedule

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Expression is the times of one schedule.
type Expression struct {
	every time.Duration // rate; else the fields of cron:
	loc   *time.Location
	// minute, hour, day, month and year list what matches, in rising order; weekday
	// counts from Sunday = 1. A nil list matches everything.
	minute, hour, day, month, weekday, year []int
}

// Parse reads rate(5 minutes) or cron(0 9 ? * MON-FRI *); a cron's fields are
// read by clocks in loc.
//
// The platform counts a rate from when the schedule was made. Here its times are
// the multiples since the Unix epoch: rate(15 minutes) is every quarter of an hour.
func Parse(expression string, loc *time.Location) (Expression, error) {
	kind, rest, _ := strings.Cut(expression, "(")
	inner, closed := strings.CutSuffix(rest, ")")
	var e Expression
	var err error
	switch {
	case kind == "rate" && closed:
		e, err = rate(inner)
	case kind == "cron" && closed:
		e, err = cron(inner)
	default:
		err = fmt.Errorf("it is neither rate(...) nor cron(...)")
	}
	if err != nil {
		return Expression{}, fmt.Errorf("schedule: %q: %w", expression, err)
	}
	e.loc = loc
	return e, nil
}

func rate(inner string) (Expression, error) {
	units := map[string]time.Duration{"minute": time.Minute, "hour": time.Hour, "day": 24 * time.Hour}
	count, name, _ := strings.Cut(inner, " ")
	n, err := strconv.Atoi(count)
	unit, ok := units[strings.TrimSuffix(name, "s")]
	if err != nil || n < 1 || n > 100_000 || !ok {
		return Expression{}, fmt.Errorf("a rate is a whole number of minutes, hours or days")
	}
	return Expression{every: time.Duration(n) * unit}, nil
}

var (
	monthNames   = []string{"JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"}
	weekdayNames = []string{"SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"}
)

func cron(inner string) (Expression, error) {
	fields := strings.Fields(inner)
	if len(fields) != 6 {
		return Expression{}, fmt.Errorf("cron has six fields: minutes, hours, day of month, month, day of week, year")
	}
	var e Expression
	for i, f := range []struct {
		what     string
		low, top int
		names    []string
		into     *[]int
	}{
		{"minutes", 0, 59, nil, &e.minute}, {"hours", 0, 23, nil, &e.hour}, {"day of month", 1, 31, nil, &e.day},
		{"month", 1, 12, monthNames, &e.month}, {"day of week", 1, 7, weekdayNames, &e.weekday}, {"year", 1970, 2199, nil, &e.year},
	} {
		isDay := f.into == &e.day || f.into == &e.weekday
		if fields[i] == "*" || fields[i] == "?" && isDay {
			continue
		}
		list, err := field(fields[i], f.low, f.top, f.names)
		if err != nil {
			return Expression{}, fmt.Errorf("%s: %w", f.what, err)
		}
		*f.into = list
	}
	if (fields[2] == "?") == (fields[4] == "?") {
		return Expression{}, fmt.Errorf("just one of day of month and day of week is ?")
	}
	return e, nil
}

// field reads a list of numbers, names, ranges and steps.
func field(text string, low, top int, names []string) ([]int, error) {
	var out []int
	for item := range strings.SplitSeq(text, ",") {
		span, by, stepped := strings.Cut(item, "/")
		first, last, ranged := strings.Cut(span, "-")
		from, err := number(first, low, top, names)
		if first == "*" && stepped {
			from, err = low, nil
		}
		if err != nil {
			return nil, err
		}
		to := from
		if ranged {
			if to, err = number(last, low, top, names); err != nil {
				return nil, err
			}
		} else if stepped {
			to = top
		}
		step := 1
		if stepped {
			if step, err = strconv.Atoi(by); err != nil || step < 1 {
				return nil, fmt.Errorf("%q is not a step", by)
			}
		}
		if to < from {
			return nil, fmt.Errorf("the range %q ends before it begins", span)
		}
		for n := from; n <= to; n += step {
			out = append(out, n)
		}
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

func number(text string, low, top int, names []string) (int, error) {
	if i := slices.Index(names, strings.ToUpper(text)); i >= 0 {
		return low + i, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < low || n > top {
		return 0, fmt.Errorf("%q is not understood here; L, W and # are not", text)
	}
	return n, nil
}

// horizon bounds the search for a date: 29 February on a given weekday comes at
// least every 40 years.
const horizon = 41 * 366

// Next is the first time after the instant, or zero if there is none. A local
// time that a change of the clocks leaves out is passed over, and one that
// comes twice counts once.
func (e Expression) Next(after time.Time) time.Time {
	if e.every > 0 {
		step := e.every.Nanoseconds()
		return time.Unix(0, after.UnixNano()/step*step).Add(e.every).UTC()
	}
	local := after.In(e.loc)
	for i := range horizon {
		y, m, d := time.Date(local.Year(), local.Month(), local.Day()+i, 12, 0, 0, 0, time.UTC).Date()
		weekday := int(time.Date(y, m, d, 12, 0, 0, 0, time.UTC).Weekday()) + 1
		if !has(e.year, y) || !has(e.month, int(m)) || !has(e.day, d) || !has(e.weekday, weekday) {
			continue
		}
		for hour := range 24 {
			if !has(e.hour, hour) {
				continue
			}
			for minute := range 60 {
				if !has(e.minute, minute) {
					continue
				}
				if t, ok := e.at(y, m, d, hour, minute); ok && t.After(after) {
					return t.UTC()
				}
			}
		}
	}
	return time.Time{}
}

// at is the first instant at which clocks show the time, if they ever do.
func (e Expression) at(y int, m time.Month, d, hour, minute int) (time.Time, bool) {
	t := time.Date(y, m, d, hour, minute, 0, 0, e.loc)
	// Of a time that comes twice time.Date gives either; changes are of an hour at most.
	if before := t.Add(-time.Hour); before.Hour() == hour && before.Minute() == minute {
		t = before
	}
	return t, t.Hour() == hour && t.Minute() == minute
}

func has(list []int, n int) bool { return list == nil || slices.Contains(list, n) }
