package web

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/reply"
)

// calendarFile is the name of the file under an appointment's page.
const calendarFile = "visit.ics"

// calendar gives the appointments that are to take place as an iCalendar file.
func (p *Pages) calendar(w http.ResponseWriter, r request) error {
	a, err := p.Desk.Appointment(r.Context(), r.token, r.now)
	if err != nil {
		return err
	}
	var coming []dental.Appointment
	for _, x := range a.Items {
		if takesPlace(x, r.now) {
			coming = append(coming, x)
		}
	}
	if len(coming) == 0 {
		return gone(w, r)
	}
	w.Header().Set("Content-Disposition", `inline; filename="`+calendarFile+`"`)
	send(w, http.StatusOK, "text/calendar; charset=utf-8", []byte(iCalendar(a.Page, coming, r.now)))
	return nil
}

// iCalendar writes appointments by RFC 5545. Calendars are shared with families
// and employers, so an entry tells where to be and when, not why or with whom,
// and holds neither the link nor an id of the MIS.
func iCalendar(pg reply.Page, appointments []dental.Appointment, now time.Time) string {
	var c contentLines
	c.add("BEGIN", "VCALENDAR")
	c.add("VERSION", "2.0")
	c.add("PRODID", "-//Return Point//Appointment//EN")
	for _, a := range appointments {
		c.add("BEGIN", "VEVENT")
		c.add("UID", eventUID(a))
		// Without a METHOD, DTSTAMP is when the entry was last revised (3.8.7.2).
		revised := a.BookedAt
		if a.ChangedAt.After(revised) {
			revised = a.ChangedAt
		}
		if revised.IsZero() {
			revised = now
		}
		c.add("DTSTAMP", utc(revised))
		// A move is a later revision of the same entry; minutes fit the 32 bits that calendars keep.
		c.add("SEQUENCE", strconv.FormatInt(max(a.BookedAt.Unix()/60, 0), 10))
		c.add("DTSTART", utc(a.Start))
		if a.End.After(a.Start) {
			c.add("DTEND", utc(a.End))
		}
		c.add("SUMMARY", text(pg.Locale.Text("page.calendar.summary", map[string]string{"clinic": quoted(pg)})))
		if pg.Clinic.Address != "" {
			c.add("LOCATION", text(pg.Clinic.Address))
		}
		if pg.Clinic.Phone != "" {
			c.add("DESCRIPTION", text(pg.Locale.Text("page.calendar.phone", nil)+" "+spaced(string(pg.Clinic.Phone))))
		}
		c.add("CLASS", "PRIVATE")
		// Calendars that take alarms over from a file remind of it; the others have their own.
		c.add("BEGIN", "VALARM")
		c.add("ACTION", "DISPLAY")
		c.add("TRIGGER", "-PT2H")
		c.add("DESCRIPTION", text(pg.Locale.Text("page.calendar.summary", map[string]string{"clinic": quoted(pg)})))
		c.add("END", "VALARM")
		c.add("END", "VEVENT")
	}
	c.add("END", "VCALENDAR")
	return c.String()
}

// eventUID is the same for an appointment wherever it is moved, so that the
// entry moves too, and tells nothing of it: 128 bits of SHA-256.
func eventUID(a dental.Appointment) string {
	sum := sha256.Sum256([]byte(strings.Join([]string{"appointment", a.Clinic, a.Patient, a.ID}, "\x00")))
	return hex.EncodeToString(sum[:16])
}

func utc(t time.Time) string { return t.UTC().Format("20060102T150405Z") }

// text escapes a value of type TEXT (RFC 5545, 3.3.11). Other control
// characters may not stand there.
func text(s string) string {
	var b strings.Builder
	for _, r := range strings.ToValidUTF8(s, "") {
		switch {
		case r == '\\' || r == ';' || r == ',':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r < ' ' || r == 0x7f:
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// mostOctets is how long a content line may be, without its end (RFC 5545, 3.1).
const mostOctets = 75

// contentLines are the lines of an iCalendar file, folded.
type contentLines struct{ strings.Builder }

func (c *contentLines) add(name, value string) {
	line := name + ":" + value
	for room := mostOctets; len(line) > room; room = mostOctets - 1 { // the space that goes on counts
		cut := room
		for !utf8.RuneStart(line[cut]) {
			cut--
		}
		c.WriteString(line[:cut] + "\r\n ")
		line = line[cut:]
	}
	c.WriteString(line + "\r\n")
}
