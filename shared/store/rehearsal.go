package store

import (
	"context"
	"fmt"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/table"
)

// A rehearsal is a RehearseJob, one a scenario: Step is how many of the backlog
// a day, in digits, and Anchor the run. Its results are kept under the job's id, of
// one run alone, and a new one begins with their removal: a dental.Rehearsal that
// names its run, then pages of dental.Foreseen in their order. While it is under
// way there is also what it has found, in the order of the walk, and then the same
// with the highest value first. No page names anybody but by the id.
const (
	RehearsalSum    = 0
	RehearsalRows   = 1
	RehearsalFound  = 500_000
	RehearsalSorted = 750_000
)

// RehearsalID is the id of the job that rehearses a scenario.
func RehearsalID(scenario string) string { return RehearseJob + "." + scenario }

// Result reads one page of what a job has found out; one that is not there has no Body.
func (tx *Tx) Result(ctx context.Context, clinic, job string, n int) (Result, error) {
	return one[Result](ctx, tx, resultKey(clinic, job, n))
}

// NoVisit is the month of the patients who have had no visit.
const NoVisit = "none"

// PatientsOf lists the patients whose last visit was in a month, "2026-05" or
// NoVisit, one page: all months together are the base, each patient once.
func (s *Store) PatientsOf(ctx context.Context, clinic, month string, limit int, cursor string) (patients []string, next string, err error) {
	got, err := s.table.Query(ctx, table.Query{Index: table.GSI2, PK: milestonesPK(clinic, dental.LastVisit, month), Limit: limit, Cursor: cursor})
	if err != nil {
		return nil, "", readError("read the base", err)
	}
	for _, it := range got.Items {
		var m dental.Milestone
		if err := decode(it.Attr, &m); err != nil {
			return nil, "", fmt.Errorf("store: %s: %w", it.Key, err)
		}
		patients = append(patients, m.Patient)
	}
	return patients, got.Next, nil
}
