package store

import (
	"strings"
	"time"

	"github.com/returnpoint/returnpoint/shared/table"
)

// Every write that changes what a patient adds to the figures leaves a job in
// the same write that works it out anew: no caller has to think of it, so none
// can forget it. The jobs of a patient are one item, and wait for the next half
// hour, so that the many writes about one visit are worked out once.

// tallyEvery is how long changes are gathered: figures are up to twice that old.
const tallyEvery = 30 * time.Minute

// counted are the items of a patient's partition that figures come from. Of
// touches and tasks they are those that stand in the ledger, or did.
const counted = "AVLFNOGBI"

// mark leaves the job that an operation on a patient's item asks for.
func (tx *Tx) mark(op table.Op) {
	clinic, patient, kind, is := ofPatient(op.Item.Key)
	if !is || op.Kind == table.OpCheck {
		return
	}
	ledger := op.Item.Index2.PK != "" || tx.read[op.Item.Key].Index2.PK != ""
	if !strings.Contains(counted, kind) && !((kind == "T" || kind == "K") && ledger) {
		return
	}
	now := tx.store.clock()
	job := Job{Clinic: clinic, ID: "tally." + patient, Kind: TallyJob, Patient: patient, Wake: now.Truncate(tallyEvery).Add(tallyEvery), Made: now}
	key := jobKey(clinic, job.ID)
	if _, marked := tx.index[key]; !marked {
		tx.Put(job)
	}
}
