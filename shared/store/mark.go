package store

import (
	"hash/fnv"
	"strings"
	"time"

	"github.com/returnpoint/returnpoint/shared/table"
)

// Every write that changes what a patient adds to the figures leaves a job in
// the same write that works it out anew: no caller has to think of it, so none
// can forget it. The jobs of a patient are one item, and wait for the end of a
// half hour, so that the many writes about one visit are worked out once. The
// half hours of patients do not all end together, so that the jobs of an import
// come in parts and other jobs between them. In the same way the write that
// switches a clinic's first scenario on leaves the job that freezes
// what was before.

// tallyEvery is how long changes are gathered: figures are up to twice that old.
const tallyEvery = 30 * time.Minute

// TallyAgain is after how long a tally or total that was queued and is not done
// is queued again: longer than other jobs, since an import's wait for their turn
// in the queue, and each that is queued twice makes the queue longer.
const TallyAgain = time.Hour

// tallyAt is when the half hour of a patient ends in which an instant lies.
func tallyAt(clinic, patient string, now time.Time) time.Time {
	h := fnv.New32a()
	_, _ = h.Write([]byte(clinic + "\x00" + patient))
	own := time.Duration(h.Sum32()%uint32(tallyEvery/tallySteps)) * tallySteps
	return now.Add(-own).Truncate(tallyEvery).Add(tallyEvery + own)
}

// tallySteps is how far the half hours of patients lie apart: by less, the days'
// totals, which every part changes, would be added up that much more often.
const tallySteps = 10 * time.Minute

// baselineAfter is how long after the first switching on the baseline is
// frozen: when all that was told before it has been added up.
const baselineAfter = 4 * tallyEvery

// counted are the items of a patient's partition that figures come from. Of
// touches and tasks they are those that stand in the ledger, or did.
const counted = "AVLFNOGBI"

// telling are the attributes of a patient's head that figures come from, with
// the value that says as much as none.
func telling() map[string]string {
	return map[string]string{"status": "active", "excluded": "", "erased": "", "birthDate": "", "returnOn": ""}
}

// LeaveFigures lets a step of many, as an import's are, leave no job for each
// patient: the caller leaves one for all of them, Figures, which looks at the whole base.
func (tx *Tx) LeaveFigures() { tx.bulk = true }

// Figures is the job that brings the tallies of a clinic's whole base in line
// with its cards, after a while without more to come. Put again it waits anew,
// and begins anew.
func Figures(clinic string, now time.Time, after time.Duration) Job {
	return Job{Clinic: clinic, ID: FiguresJob, Kind: FiguresJob, Wake: now.Add(after), Made: now}
}

// mark leaves the job that an operation asks for.
func (tx *Tx) mark(op table.Op) {
	if op.Kind == table.OpCheck {
		return
	}
	tx.begun(op)
	clinic, patient, kind, is := ofPatient(op.Item.Key)
	if !is || tx.bulk || !tx.counts(op, kind) {
		return
	}
	now := tx.store.clock()
	job := Job{Clinic: clinic, ID: "tally." + patient, Kind: TallyJob, Patient: patient, Wake: tallyAt(clinic, patient, now), Made: now}
	if _, marked := tx.index[jobKey(clinic, job.ID)]; !marked {
		tx.Put(job)
	}
}

// counts reports whether an operation on an item of a patient changes figures.
func (tx *Tx) counts(op table.Op, kind string) bool {
	switch kind {
	case "T", "K":
		return op.Item.Index2.PK != "" || tx.read[op.Item.Key].Index2.PK != ""
	case "M":
		return ofReturnPoint(op.Item.Key)
	case "0":
		was := tx.read[op.Item.Key].Attr
		for name, none := range telling() {
			if len(was) > 0 && said(op.Item.Attr[name], none) != said(was[name], none) {
				return true
			}
		}
		return false // and who has just come has nothing that counts
	}
	return strings.Contains(counted, kind)
}

// said is what an attribute says; of what is not there, none.
func said(attr any, none string) any {
	if attr == nil || attr == none {
		return nil
	}
	return attr
}

// begun leaves the job of the baseline when a clinic has begun.
func (tx *Tx) begun(op table.Op) {
	const started = "startedAt"
	clinic, is := ofClinic(op.Item.Key)
	if !is || op.Item.Attr[started] == nil || tx.read[op.Item.Key].Attr[started] != nil {
		return
	}
	now := tx.store.clock()
	tx.Put(Job{Clinic: clinic, ID: BaselineJob, Kind: BaselineJob, Wake: now.Add(baselineAfter), Made: now})
}
