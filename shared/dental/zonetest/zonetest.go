// Package zonetest has the places whose clocks are hard on code, and when they
// change: what tests of times walk through instead of trusting one zone.
package zonetest

import (
	"testing"
	"time"
	_ "time/tzdata" // the same zones on every machine
)

// names has every zone of Russia, every rule for changing clocks that is in
// force, and the oddest of what has been.
var names = []string{
	"UTC",
	"Europe/Kaliningrad", "Europe/Moscow", "Europe/Samara", "Asia/Yekaterinburg", "Asia/Omsk", "Asia/Krasnoyarsk",
	"Asia/Irkutsk", "Asia/Yakutsk", "Asia/Vladivostok", "Asia/Magadan", "Asia/Kamchatka",
	"Europe/London", "Europe/Berlin", "Europe/Kyiv", "Europe/Chisinau",
	"Europe/Dublin",        // its winter is the exception, an hour less than standard
	"America/New_York",     // and behind UTC
	"America/St_Johns",     // half an hour off
	"America/Havana",       // changes at midnight
	"America/Santiago",     // at midnight, and in the other half of the year
	"America/Asuncion",     // at midnight, until it stopped
	"America/Sao_Paulo",    // at midnight, until it stopped
	"America/Nuuk",         // in the evening before
	"America/Scoresbysund", // at midnight
	"Atlantic/Azores",      // at midnight
	"Africa/Cairo",         // at midnight, on and off over the years
	"Africa/Casablanca",    // goes back for Ramadan
	"Africa/Windhoek",
	"Asia/Beirut",    // at midnight
	"Asia/Gaza",      // where nobody knows long before
	"Asia/Amman",     // at midnight, until it stopped
	"Asia/Tehran",    // at midnight, half an hour off
	"Asia/Jerusalem", // on a Friday
	"Asia/Kathmandu", // a quarter of an hour off
	"Asia/Pyongyang", // changed its mind twice
	"Asia/Almaty", "Asia/Tashkent", "Asia/Tbilisi", "Asia/Yerevan", "Asia/Baku",
	"Australia/Adelaide",
	"Australia/Lord_Howe", // by half an hour
	"Pacific/Auckland",
	"Pacific/Chatham", // a quarter of an hour off, and the change at a quarter to three
	"Pacific/Apia",    // had no 30 December 2011
	"Pacific/Kiritimati",
	"Antarctica/Troll", // by two hours
}

// Zones loads the zones.
func Zones(t testing.TB) []*time.Location {
	t.Helper()
	zones := make([]*time.Location, len(names))
	for i, name := range names {
		loc, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		zones[i] = loc
	}
	return zones
}

// Changes lists the instants from the first to the last at which clocks in loc
// are set, and the first itself, so that a zone without any is tried too.
func Changes(loc *time.Location, first, last time.Time) []time.Time {
	out := []time.Time{first.In(loc)}
	for at := out[0]; ; {
		_, next := at.ZoneBounds()
		if next.IsZero() || next.After(last) {
			return out
		}
		out = append(out, next)
		at = next
	}
}
