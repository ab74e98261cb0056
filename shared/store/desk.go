package store

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/table"
)

// StaffKey is the keyed hash under which a member of staff is known by the
// address that they sign in with, however its letters are cased.
func (s *Store) StaffKey(address string) string {
	mac := hmac.New(sha256.New, s.keys.Contact)
	mac.Write([]byte("staff\x00" + strings.ToLower(address)))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// Staff reads a person's post in a clinic; the zero one is none.
func (tx *Tx) Staff(ctx context.Context, clinic, key string) (dental.Staff, error) {
	return one[dental.Staff](ctx, tx, staffKey(clinic, key))
}

// Posts lists a person's posts, by the key of their address, in the order of the clinics' ids.
func (s *Store) Posts(ctx context.Context, key string) ([]dental.Staff, error) {
	return all[dental.Staff](ctx, s, table.Query{PK: staffPK(key)})
}

// StaffOf lists a clinic's staff, role by role. A hint, as every index.
func (s *Store) StaffOf(ctx context.Context, clinic string) ([]dental.Staff, error) {
	return all[dental.Staff](ctx, s, table.Query{Index: table.GSI2, PK: staffIndexPK(clinic)})
}

// Log lists a clinic's audit log of a month, "2026-05" in UTC, newest first, one page.
func (s *Store) Log(ctx context.Context, clinic, month string, limit int, cursor string) ([]dental.LogEntry, string, error) {
	return page[dental.LogEntry](ctx, s, table.Query{PK: logPK(clinic, month), Limit: limit, Cursor: cursor, Reverse: true})
}

// Acts lists what staff have done about a patient, newest first, one page. A hint, as every index.
func (s *Store) Acts(ctx context.Context, clinic, patient string, limit int, cursor string) ([]dental.LogEntry, string, error) {
	return page[dental.LogEntry](ctx, s, table.Query{Index: table.GSI2, PK: actsPK(clinic, patient), Limit: limit, Cursor: cursor, Reverse: true})
}

// TasksUpTo lists a clinic's open tasks that are to be shown on the day or
// before, in the order of the staff's list, one page.
func (s *Store) TasksUpTo(ctx context.Context, clinic string, day dental.Date, limit int, cursor string) ([]dental.Task, string, error) {
	return page[dental.Task](ctx, s, table.Query{Index: table.GSI1, PK: tasksPK(clinic), To: day.AddDays(1).String(), Limit: limit, Cursor: cursor})
}

// ClosedTasks lists the tasks that were closed on a clinic's day, one page.
func (s *Store) ClosedTasks(ctx context.Context, clinic string, day dental.Date, limit int, cursor string) ([]dental.Task, string, error) {
	pk, from, to := closedTasksOn(clinic, day)
	return page[dental.Task](ctx, s, table.Query{Index: table.GSI2, PK: pk, From: from, To: to, Limit: limit, Cursor: cursor})
}

// Appointments lists the standing appointments of a clinic's day by their start, one page.
func (s *Store) Appointments(ctx context.Context, clinic string, day dental.Date, limit int, cursor string) ([]dental.Appointment, string, error) {
	return page[dental.Appointment](ctx, s, table.Query{Index: table.GSI2, PK: appointmentsPK(clinic, day), Limit: limit, Cursor: cursor})
}

// ByEnding lists the patients whose number ends with the four digits, one page.
func (s *Store) ByEnding(ctx context.Context, clinic, digits string, limit int, cursor string) ([]dental.PhoneEnding, string, error) {
	return page[dental.PhoneEnding](ctx, s, table.Query{Index: table.GSI2, PK: endingPK(clinic, digits), Limit: limit, Cursor: cursor})
}

// Costs lists the costs that a clinic has entered, by their first day.
func (s *Store) Costs(ctx context.Context, clinic string) ([]dental.Cost, error) {
	pk, from, to := costsOf(clinic)
	return all[dental.Cost](ctx, s, table.Query{PK: pk, From: from, To: to})
}

// Ratings lists what the clinic's maps showed, map by map, day by day.
func (s *Store) Ratings(ctx context.Context, clinic string) ([]dental.MapRating, error) {
	pk, from, to := ratingsOf(clinic)
	return all[dental.MapRating](ctx, s, table.Query{PK: pk, From: from, To: to})
}

// Tallied reads which days a patient has tallies on; a step that has read the
// card has read it too.
func (tx *Tx) Tallied(ctx context.Context, clinic, patient string) (Tallied, error) {
	t, key := Tallied{Clinic: clinic, Patient: patient}, talliedKey(clinic, patient)
	if !tx.whole[key.PK] {
		if _, err := tx.get(ctx, key); err != nil {
			return t, err
		}
	}
	if err := decode(tx.read[key].Attr, &t); err != nil {
		return t, fmt.Errorf("store: %s: %w", key, err)
	}
	return t, nil
}

// Tallies lists what each patient adds to a day's figures, consistently.
func (s *Store) Tallies(ctx context.Context, clinic string, day dental.Date) ([]Tally, error) {
	return all[Tally](ctx, s, table.Query{PK: tallyPK(clinic, day)})
}

// Totals reads the totals of periods, in the order asked; one that was never
// made has no sums. Any number may be asked for.
func (tx *Tx) Totals(ctx context.Context, clinic string, periods ...string) ([]Total, error) {
	out := make([]Total, 0, len(periods))
	for len(periods) > 0 {
		n := min(len(periods), table.MaxGet)
		keys := make([]table.Key, n)
		for i, period := range periods[:n] {
			keys[i] = totalKey(clinic, period)
		}
		items, err := tx.get(ctx, keys...)
		if err != nil {
			return nil, err
		}
		for i, it := range items {
			t := Total{Clinic: clinic, Period: periods[i]}
			if err := decode(it.Attr, &t); err != nil {
				return nil, fmt.Errorf("store: total %s of %s: %w", periods[i], clinic, err)
			}
			out = append(out, t)
		}
		periods = periods[n:]
	}
	return out, nil
}

// Years lists the totals of all years in which anything is counted, the earliest first.
func (s *Store) Years(ctx context.Context, clinic string) ([]Total, error) {
	pk, from, to := totalYears(clinic)
	return all[Total](ctx, s, table.Query{PK: pk, From: from, To: to})
}

// Results lists the pages of what a job has found out, in their order.
func (s *Store) Results(ctx context.Context, clinic, job string) ([]Result, error) {
	pk, from, to := resultsOf(clinic, job)
	return all[Result](ctx, s, table.Query{PK: pk, From: from, To: to})
}

// one reads an item that may be absent.
func one[T any](ctx context.Context, tx *Tx, key table.Key) (T, error) {
	var v T
	items, err := tx.get(ctx, key)
	if err != nil {
		return v, err
	}
	if err := decode(items[0].Attr, &v); err != nil {
		return v, fmt.Errorf("store: %s: %w", key, err)
	}
	return v, nil
}

// page reads one page of a query. A cursor that is none, as somebody may have
// written into an address, is Invalid.
func page[T any](ctx context.Context, s *Store, q table.Query) ([]T, string, error) {
	got, err := s.table.Query(ctx, q)
	if q.Cursor != "" && errors.Is(err, table.ErrInvalid) {
		return nil, "", &dental.Error{Kind: dental.Invalid, Field: "cursor", Message: "is the place of no page", Err: err}
	}
	if err != nil {
		return nil, "", readError("read a page", err)
	}
	var out []T
	for _, it := range got.Items {
		if err := appendDecoded(&out, it); err != nil {
			return nil, "", fmt.Errorf("store: %s: %w", it.Key, err)
		}
	}
	return out, got.Next, nil
}

// all reads a query to its end.
func all[T any](ctx context.Context, s *Store, q table.Query) ([]T, error) {
	q.Limit = table.MaxLimit
	var out []T
	for {
		some, next, err := page[T](ctx, s, q)
		if err != nil {
			return nil, err
		}
		out = append(out, some...)
		if next == "" {
			return out, nil
		}
		q.Cursor = next
	}
}
