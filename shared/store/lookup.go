package store

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/table"
)

// Event reads the memory of a delivery; the zero Event is one not seen yet.
func (tx *Tx) Event(ctx context.Context, clinic, id string) (Event, error) {
	items, err := tx.get(ctx, eventKey(clinic, id))
	if err != nil {
		return Event{}, err
	}
	var e Event
	if err := decode(items[0].Attr, &e); err != nil {
		return e, fmt.Errorf("store: event: %w", err)
	}
	return e, nil
}

// ProviderID finds the touch behind a provider's message id; the zero value is "not known".
func (tx *Tx) ProviderID(ctx context.Context, ch dental.Channel, id string) (ProviderID, error) {
	items, err := tx.get(ctx, providerKey(string(ch), id))
	if err != nil {
		return ProviderID{}, err
	}
	var p ProviderID
	if err := decode(items[0].Attr, &p); err != nil {
		return p, fmt.Errorf("store: provider id: %w", err)
	}
	return p, nil
}

// Job reads a job; the zero Job is one that does not exist.
func (tx *Tx) Job(ctx context.Context, clinic, id string) (Job, error) {
	items, err := tx.get(ctx, jobKey(clinic, id))
	if err != nil {
		return Job{}, err
	}
	var j Job
	if err := decode(items[0].Attr, &j); err != nil {
		return j, fmt.Errorf("store: job: %w", err)
	}
	return j, nil
}

// Due is one entry of the due index: a touch or a job, exactly one of them set.
type Due struct {
	Touch *dental.Touch
	Job   *Job
	tx    *Tx
}

// Tx is a step that has read the entry as the index showed it. The index may
// lag behind: a write in this step then ends in a conflict and nothing happens.
func (d Due) Tx() *Tx { return d.tx }

// Due lists what falls due in one shard up to now, the earliest first, at most
// limit entries. next is the cursor of the following page, "" at the end. With
// an error there may be entries all the same: those that could be read.
func (s *Store) Due(ctx context.Context, shard int, now time.Time, limit int, cursor string) (due []Due, next string, err error) {
	_, to := table.Prefix(instant(now))
	page, err := s.table.Query(ctx, table.Query{Index: table.GSI1, PK: duePK(shard), To: to, Limit: limit, Cursor: cursor})
	if err != nil {
		return nil, "", readError("read what is due", err)
	}
	var unread []error
	for _, it := range page.Items {
		d := Due{tx: s.Begin()}
		d.tx.read[it.Key] = it
		if ofJob(it.Key) {
			d.Job = &Job{}
			err = decode(it.Attr, d.Job)
		} else {
			d.Touch = &dental.Touch{}
			err = decode(it.Attr, d.Touch)
		}
		if err != nil {
			unread = append(unread, fmt.Errorf("store: %s: %w", it.Key, err))
			continue
		}
		due = append(due, d)
	}
	return due, page.Next, errors.Join(unread...)
}

// NextDue is the earliest due key of all shards, and whether there is any.
func (s *Store) NextDue(ctx context.Context) (time.Time, bool, error) {
	var first time.Time
	for shard := range Shards {
		page, err := s.table.Query(ctx, table.Query{Index: table.GSI1, PK: duePK(shard), Limit: 1})
		if err != nil {
			return first, false, readError("read what is due", err)
		}
		for _, it := range page.Items {
			at, _, _ := strings.Cut(it.Index1.SK, "#")
			t, err := time.Parse(instantForm, at)
			if err != nil {
				return first, false, fmt.Errorf("store: %s: due key %q: %w", it.Key, at, err)
			}
			if first.IsZero() || t.Before(first) {
				first = t
			}
		}
	}
	return first, !first.IsZero(), nil
}

// OpenTasks lists a clinic's open tasks in the order of the staff's list, one
// page: TasksUpTo, and those that are to be shown later.
func (s *Store) OpenTasks(ctx context.Context, clinic string, limit int, cursor string) ([]dental.Task, string, error) {
	return page[dental.Task](ctx, s, table.Query{Index: table.GSI1, PK: tasksPK(clinic), Limit: limit, Cursor: cursor})
}

// Clinics lists the clinics in the order of their zones, one page. With an
// ErrUnreadable there are the others all the same.
func (s *Store) Clinics(ctx context.Context, limit int, cursor string) (clinics []dental.Clinic, next string, err error) {
	page, err := s.table.Query(ctx, table.Query{Index: table.GSI2, PK: "CLINICS", Limit: limit, Cursor: cursor})
	if err != nil {
		return nil, "", readError("read the clinics", err)
	}
	var unread []error
	for _, it := range page.Items {
		if err := appendDecoded(&clinics, it); err != nil {
			unread = append(unread, unreadable(it.Key, err))
		}
	}
	for i := range clinics {
		clinics[i].Locate()
	}
	return clinics, page.Next, errors.Join(unread...)
}

// HasPatients reports whether a clinic has a patient with a visit of this
// century or with none at all. It costs up to one query a month.
func (s *Store) HasPatients(ctx context.Context, clinic string) (bool, error) {
	found := errors.New("found")
	err := s.Patients(ctx, clinic, dental.Date{Year: 2001, Month: 1, Day: 1}, dental.Date{Year: 2060, Month: 12, Day: 31}, func(string) error { return found })
	if errors.Is(err, found) {
		return true, nil
	}
	return false, err
}

// Patients lists a clinic's patients by their last-visit milestones, which
// every patient has exactly one of: the base without a scan. It walks the
// months from the newest back, then those without a visit, and hands each
// patient's id to fn until fn returns an error.
func (s *Store) Patients(ctx context.Context, clinic string, from, to dental.Date, fn func(patient string) error) error {
	months := []string{}
	for d := (dental.Date{Year: to.Year, Month: to.Month, Day: 1}); !d.Before(dental.Date{Year: from.Year, Month: from.Month, Day: 1}); d = d.AddMonths(-1) {
		months = append(months, d.String()[:7])
	}
	for _, month := range append(months, NoVisit) {
		for cursor := ""; ; {
			patients, next, err := s.PatientsOf(ctx, clinic, month, table.MaxLimit, cursor)
			if err != nil {
				return err
			}
			for _, patient := range patients {
				if err := fn(patient); err != nil {
					return err
				}
			}
			if cursor = next; cursor == "" {
				break
			}
		}
	}
	return nil
}

// Erase deletes what is left of an erased patient, at most table.MaxWrite-3
// items a step, and reports whether anything is left: each touch with its
// links, so that they stop opening, and its providers' ids, then the rest of
// the partition. The head stays as the tombstone. What others' items know of
// the patient is the caller's, before it.
func (tx *Tx) Erase(card *dental.Card) (left bool) {
	if !card.Patient.Erased {
		tx.fail(fmt.Errorf("store: erase of %s, who is not marked erased", card.Patient.ID))
		return false
	}
	const most = table.MaxWrite - 3 // the job, the mark, one to spare
	add := func(key table.Key) bool {
		if tx.Size() >= most {
			left = true
			return false
		}
		tx.delete(key)
		return true
	}
	for _, t := range card.Touches {
		for _, hash := range t.Links {
			if !add(linkKey(hash)) {
				return left
			}
		}
		for _, a := range t.Attempts {
			if a.ProviderID != "" && !add(providerKey(string(a.Channel), a.ProviderID)) {
				return left
			}
		}
		if !add(touchKey(t.Clinic, t.Patient, t.Scenario, t.Step, t.Anchor)) {
			return left
		}
	}
	for _, key := range slices.SortedFunc(maps.Keys(tx.read), func(a, b table.Key) int { return strings.Compare(a.SK, b.SK) }) {
		// What the patient has added to the figures is taken back by the job that these deletes leave.
		mine := key.PK == patientPK(card.Patient.Clinic, card.Patient.ID) && key.SK != "0" && key.SK != "Y" && tx.read[key].Exists()
		if _, done := tx.index[key]; mine && !done && !add(key) {
			return left
		}
	}
	return left
}
