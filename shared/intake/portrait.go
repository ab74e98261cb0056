package intake

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/store"
)

// portrait asks for a copy of the doctor's photo when this patient's card has
// not named the doctor with it before. The job is put without reading whether
// it, or the copy, is there already: many patients' cards ask for the same, and
// the job finds out. A doctor without an id has no portrait, and one who has
// left needs none.
func (d *draft) portrait(doctor dental.Doctor) {
	if !d.clinic.Shows(doctor) || d.met(doctor) {
		return
	}
	sum := sha256.Sum256([]byte(doctor.PhotoURL))
	d.tx.Put(store.Job{Clinic: d.clinic.ID, ID: "portrait." + doctor.ID + "." + hex.EncodeToString(sum[:8]), Kind: store.PortraitJob,
		Doctor: doctor.ID, URL: doctor.PhotoURL, Wake: d.now, Made: d.now})
}

// met reports whether the card names the doctor with the same photo.
func (d *draft) met(doctor dental.Doctor) bool {
	same := func(other dental.Doctor) bool { return other.ID == doctor.ID && other.PhotoURL == doctor.PhotoURL }
	return slices.ContainsFunc(d.card.Appointments, func(a dental.Appointment) bool { return same(a.Doctor) }) ||
		slices.ContainsFunc(d.card.Visits, func(v dental.Visit) bool { return same(v.Doctor) })
}
