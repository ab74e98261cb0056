package intake

import (
	"slices"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/store"
)

// invited notes who recommended the clinic to a patient whose card has brought
// an address that was left on a recommendation's page, unless the patient had
// been here before. Of a household that comes together each is the friend: who
// pays first is rewarded.
func (d *draft) invited(p *dental.Patient, c *dental.Contact) {
	from := dental.Member{Clinic: c.Lead.Clinic, Patient: c.Lead.Patient}
	known := slices.ContainsFunc(d.card.VisitDays(d.clinic.Location()), d.clinic.Today(c.Lead.At).After)
	if p.InvitedBy != "" || !c.Lead.Live(d.now) || c.Crowded || known || from == (dental.Member{Clinic: p.Clinic, Patient: p.ID}) {
		return
	}
	p.InvitedBy, p.Invitation = from.Seen(p.Clinic), c.Key
}

// reward has the rewards of a recommendation brought in line with what this
// event says of the friend: the other half of it stands on another patient's
// card. A job that was done is to be done again, so it is put without reading it.
func (d *draft) reward(friend dental.Patient) {
	ev := d.event
	if friend.InvitedBy == "" || ev.Card == nil && ev.Gone == nil && ev.Visit == nil && ev.Payment == nil {
		return
	}
	d.tx.Put(store.Job{Clinic: friend.Clinic, ID: "reward." + friend.ID, Kind: store.RewardJob, Patient: friend.ID,
		Referrer: friend.InvitedBy, Contact: friend.Invitation, Wake: d.now, Made: d.now})
}
