package desk

import (
	"context"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/locale"
	"github.com/returnpoint/returnpoint/shared/store"
)

// Switch is the one red switch. While a clinic is paused nothing is sent:
//
//   - messages wait, reminders too, and are looked at again each hour; one that
//     becomes too late meanwhile is skipped "paused", which the card and the
//     figures show;
//   - backlogs wait as well;
//   - tasks of staff come as ever: somebody has to call whom no reminder reaches;
//   - whatever patients and the MIS say is taken in.
//
// What waited leaves when the pause is over, within its hours and caps. Anybody
// may press the switch; a manager resumes, who knows why it was pressed.
type Switch struct{ Store *store.Store }

// MayResume reports whether the role may end a pause.
func MayResume(r dental.Role) bool { return r.May(dental.Manager) }

// Set pauses the clinic or lets it resume, with its line in the log. What is so
// already stays as it is. An administrator who resumes is Invalid.
func (s *Switch) Set(ctx context.Context, me dental.Staff, id string, paused bool, now time.Time) error {
	if !dental.ValidID(id) {
		return dental.Errorf(dental.Invalid, "id", "must be 1 to 64 of the characters A-Z a-z 0-9 . _ : -")
	}
	if !paused && !MayResume(me.Role) {
		return refuse(dental.Invalid, "paused", "desk.pause.manager", nil)
	}
	return store.Retry(ctx, func(ctx context.Context) error {
		tx := s.Store.Begin()
		cl, err := tx.Clinic(ctx, me.Clinic)
		if err != nil || cl.Paused == paused {
			return err
		}
		action := "resume"
		cl.Paused, cl.PausedBy, cl.PausedAt = paused, "", time.Time{}
		if paused {
			action, cl.PausedBy, cl.PausedAt = "pause", me.Name, now
		}
		tx.Put(*cl)
		tx.Put(dental.LogEntry{Clinic: cl.ID, ID: id, At: now, By: me.Name, Key: me.Key, Role: me.Role, Action: action})
		return tx.Commit(ctx)
	})
}

// Paused says who has paused the clinic and since when, "" while it is not paused.
func Paused(l locale.Locale, cl *dental.Clinic) string {
	switch {
	case !cl.Paused:
		return ""
	case cl.PausedBy == "":
		return l.Text("desk.pause.banner", nil)
	}
	local := cl.PausedAt.In(cl.Location())
	return l.Text("desk.pause.banner.by", map[string]string{"name": cl.PausedBy, "day": l.Day(dental.DateOf(local)), "time": l.Time(dental.TimeOfDayOf(local))})
}
