package yclients

import (
	stdjson "encoding/json"
	"errors"
	"math/big"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/mis/told"
)

// text is a value as it was spelled, which is written as it was read.
type text told.Text

// UnmarshalJSON reads it as told.Text.
func (t *text) UnmarshalJSON(raw []byte) error { return (*told.Text)(t).UnmarshalJSON(raw) }

// MarshalJSON writes a number as one.
func (t text) MarshalJSON() ([]byte, error) {
	if numeral.MatchString(string(t)) {
		return []byte(t), nil
	}
	return stdjson.Marshal(string(t))
}

var numeral = regexp.MustCompile(`^-?(0|[1-9][0-9]{0,17})(\.[0-9]{1,20})?$`)

// whole is a whole number that may come as a string, or as a yes or no.
type whole int64

func (w *whole) UnmarshalJSON(raw []byte) error {
	var t text
	if err := t.UnmarshalJSON(raw); err != nil {
		return errors.New("must be a whole number")
	}
	s := string(t)
	if head, zeros, point := strings.Cut(s, "."); point && strings.Trim(zeros, "0") == "" {
		s = head
	}
	switch s {
	case "", "false":
		*w = 0
	case "true":
		*w = 1
	default:
		n, err := strconv.ParseInt(s, 10, 64)
		if err != nil {
			return errors.New("must be a whole number")
		}
		*w = whole(n)
	}
	return nil
}

// number is an id of the vendor's: a whole number above zero.
func number(t text) (string, bool) {
	s := string(t)
	return s, len(s) >= 1 && len(s) <= 18 && s[0] != '0' && strings.Trim(s, "0123456789") == ""
}

var amountShape = regexp.MustCompile(`^[+-]?[0-9]{1,12}(\.[0-9]{1,20})?$`)

// minor is an amount, which may come as "-1170.500000000", in the currency's
// smallest unit, rounded half away from zero. Unlike told.Money it takes a part of
// that unit: the vendor reckons to nine places.
func minor(t text, currency string) (int64, bool) {
	s := strings.ReplaceAll(string(t), ",", ".")
	unit, err := dental.ParseMoney("1", currency)
	if err != nil || !amountShape.MatchString(s) {
		return 0, false
	}
	r, ok := new(big.Rat).SetString(s)
	if !ok {
		return 0, false
	}
	twice := new(big.Int).Mul(r.Num(), big.NewInt(2*unit.Minor))
	twice.Quo(twice, r.Denom())
	n := twice.Int64()
	return (n + n%2) / 2, true
}

// The instants that a vendor's time is believed to be in.
var (
	earliest = time.Date(1990, 1, 1, 0, 0, 0, 0, time.UTC)
	latest   = time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC)
)

func believable(t time.Time) bool { return t.After(earliest) && t.Before(latest) }

// wall is a time as the clinic's clock shows it, whatever offset is said beside
// it: only a bare number is an instant, of Unix seconds.
func wall(t text, zone *time.Location) (time.Time, bool) {
	s := string(t)
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		at := time.Unix(n, 0).In(zone)
		return at, believable(at)
	}
	if len(s) < len("2006-01-02 15:04") {
		return time.Time{}, false
	}
	s = s[:10] + "T" + s[11:]
	for _, cut := range []struct {
		n      int
		layout string
	}{{19, "2006-01-02T15:04:05"}, {16, "2006-01-02T15:04"}} {
		if len(s) < cut.n {
			continue
		}
		if at, err := time.ParseInLocation(cut.layout, s[:cut.n], zone); err == nil && restOfTime.MatchString(s[cut.n:]) {
			return at, believable(at)
		}
	}
	return time.Time{}, false
}

var restOfTime = regexp.MustCompile(`^(\.[0-9]{1,9})?(Z|[+-][0-9]{2}:?[0-9]{2})?$`)

// instant is a time with the offset that is said beside it; one without is of
// the clinic's clock.
func instant(t text, zone *time.Location) (time.Time, bool) {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05-0700", "2006-01-02 15:04:05-0700", "2006-01-02 15:04:05Z07:00"} {
		if at, err := time.Parse(layout, string(t)); err == nil {
			return at, believable(at)
		}
	}
	return wall(t, zone)
}

// birthday is a date of birth; none for the one that the vendor writes for
// nothing, and for one that cannot be read.
func birthday(t text, zone *time.Location) dental.Date {
	s := string(t)
	if n, err := strconv.ParseInt(s, 10, 64); err == nil && len(s) > 4 {
		s = time.Unix(n, 0).In(zone).Format(time.DateOnly)
	}
	if len(s) > 10 {
		s = s[:10]
	}
	d, err := dental.ParseDate(s)
	if nobody := (dental.Date{Year: 1970, Month: 1, Day: 1}); err != nil || d.Year < 1850 || d.Year > 2200 || d == nobody {
		return dental.Date{}
	}
	return d
}
