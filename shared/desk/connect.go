package desk

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/locale"
	"github.com/returnpoint/returnpoint/shared/store"
)

// Connection is how a clinic stands with one system of record, in words.
type Connection struct {
	System string
	Name   string
	// Open: the clinic has an account with it.
	Open bool
	// State says when it was last heard from and asked, Wrong what is wrong, each
	// a sentence; both are empty where there is nothing to say.
	State []string
	Wrong []string
	// Details name what could not be read or taken in, for whoever looks after the
	// system, in English.
	Details []string
}

// shownFor is how long what could not be read or taken in is told of.
const shownFor = 7 * 24 * time.Hour

// Connections are all systems of record that a clinic can have, in the order in
// which it chooses among them.
func Connections(ctx context.Context, s *store.Store, cl *dental.Clinic, now time.Time) ([]Connection, error) {
	l := locale.For(cl.Language)
	var asked []dental.Pulled
	for _, system := range dental.Systems() {
		asked = append(asked, dental.Pulled{Clinic: cl.ID, System: system})
	}
	known, err := s.Begin().Pulled(ctx, asked...)
	if err != nil {
		return nil, fmt.Errorf("desk: read how the clinic stands with its systems: %w", err)
	}
	when := func(at time.Time) map[string]string {
		local := at.In(cl.Location())
		return map[string]string{"day": l.Day(dental.DateOf(local)), "time": l.Time(dental.TimeOfDayOf(local))}
	}
	var out []Connection
	for _, p := range known {
		_, open := cl.Accounts[p.System]
		c := Connection{System: p.System, Name: systemName(l, p.System), Open: open}
		if open {
			say := func(key string, at time.Time) {
				if !at.IsZero() {
					c.State = append(c.State, l.Text(key, when(at)))
				}
			}
			say("desk.connect.heard", p.Heard)
			say("desk.connect.asked", p.At)
			if len(c.State) == 0 {
				c.State = append(c.State, l.Text("desk.connect.silent", nil))
			}
			switch {
			case p.Problem != "" && p.Mend:
				c.Wrong = append(c.Wrong, l.Text("desk.connect.mend", when(p.Failing)))
			case p.Problem != "":
				c.Wrong = append(c.Wrong, l.Text("desk.connect.failing", when(p.Failing)))
			}
			if p.Unread != "" && now.Sub(p.UnreadAt) < shownFor {
				c.Wrong, c.Details = append(c.Wrong, l.Text("desk.connect.unread", when(p.UnreadAt))), append(c.Details, p.Unread)
			}
			if p.Refused > 0 && now.Sub(p.RefusedAt) < shownFor {
				said := when(p.RefusedAt)
				said["n"] = strconv.Itoa(p.Refused)
				c.Wrong = append(c.Wrong, l.Text("desk.connect.refused", said))
				c.Details = append(c.Details, "the first that was refused: "+p.RefusedKind+" "+p.RefusedID)
			}
		}
		out = append(out, c)
	}
	return out, nil
}

// systemName is what a system is called: a name that is the same in every
// language, but for those that have one in each.
func systemName(l locale.Locale, system string) string {
	switch system {
	case dental.YClients:
		return "YCLIENTS, Altegio"
	case dental.SQNS:
		return "1Denta (SQNS)"
	case dental.Renovatio:
		return "Renovatio"
	case dental.FHIR:
		return "HL7 FHIR R4"
	case dental.OpenDental:
		return "Open Dental"
	}
	return l.Text("desk.connect."+system, nil)
}
