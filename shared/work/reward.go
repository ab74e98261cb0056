package work

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/journey"
	"github.com/returnpoint/returnpoint/shared/locale"
	"github.com/returnpoint/returnpoint/shared/store"
)

// reward brings one recommendation in line with what its friend has paid. What
// comes of it follows from the two cards alone, so it may be done at any time,
// in any order with the events that ask for it, and any number of times.
//
// The friend's first paid day, if it lies within dental.LeadLife of the lead,
// rewards whom the terms of the clinic that was recommended name, as they are
// when the reward is written. A refund that takes the money of that day back
// takes the reward back; when the money returns, or a later day is paid in time,
// it is given anew, as a further entry with its own expiry. Each card has at most
// one such entry in force. A child gets no bonus, nor one who has died; the
// other party gets theirs all the same. Nobody is rewarded for kin, nor for a
// patient of whom an older visit turns up.
func (w *Worker) reward(ctx context.Context, tx *store.Tx, job store.Job) (done bool, err error) {
	r := recommendation{w: w, tx: tx, job: job, now: w.Clock()}
	if err := r.read(ctx); err != nil {
		return false, err
	}
	if err := r.settle(ctx); err != nil {
		return false, err
	}
	job.Done = r.now
	tx.Put(job)
	return true, tx.Commit(ctx)
}

// recommendation is one friend's side of a recommendation with the other half of it.
type recommendation struct {
	w   *Worker
	tx  *store.Tx
	job store.Job
	now time.Time
	// clinic is whom the referrer recommended, home where the friend is treated:
	// most often the same one, else another of its group.
	clinic, home     *dental.Clinic
	referrer, friend *dental.Card
	at               *dental.Referral // on the referrer's card; nil: there is none any more
}

func (r *recommendation) read(ctx context.Context) (err error) {
	by := dental.SeenMember(r.job.Clinic, r.job.Referrer)
	if r.clinic, err = r.tx.Clinic(ctx, by.Clinic); err != nil {
		return err
	}
	r.home = r.clinic
	if by.Clinic != r.job.Clinic {
		if r.home, err = r.tx.Clinic(ctx, r.job.Clinic); err != nil {
			return err
		}
	}
	if r.friend, err = r.tx.Card(ctx, r.job.Clinic, r.job.Patient); err != nil {
		return err
	}
	if r.referrer, err = r.tx.Card(ctx, by.Clinic, by.Patient); err != nil {
		return err
	}
	r.at = r.referrer.Referral(r.job.Contact)
	return nil
}

// me is the friend as the referrer's card names patients.
func (r *recommendation) me() string {
	return dental.Member{Clinic: r.job.Clinic, Patient: r.job.Patient}.Seen(r.clinic.ID)
}

func (r *recommendation) settle(ctx context.Context) error {
	switch {
	case r.friend.Patient.Erased:
		return r.forget(ctx)
	case r.friend.Patient.InvitedBy != r.job.Referrer || r.friend.Patient.Invitation != r.job.Contact:
		return nil // another of the household, who had been here before
	case r.referrer.Patient.Erased:
		// What was earned stays; without the recommendation nothing more is.
		r.friend.Patient.InvitedBy, r.friend.Patient.Invitation = "", ""
		r.bump(r.friend)
		return nil
	case r.at == nil:
		return nil
	}
	if r.at.Friend == "" && r.at.Rewarded.IsZero() {
		r.at.Friend, r.at.Phone = r.me(), ""
		if t := r.referrer.Task(dental.LeadTask, r.at.Contact); t != nil {
			r.course(r.referrer).Close(*t, "lead-card")
		}
		r.put()
	}
	day, earned := r.earned()
	inForce := !r.at.Rewarded.IsZero() && r.at.Reversed.IsZero()
	switch {
	case r.at.Friend != r.me() && (inForce || !earned): // another of the household is the friend
	case earned && !inForce && !r.friend.Patient.Kin(r.referrer.Patient):
		r.give(day)
	case earned && inForce && r.at.VisitOn != day:
		r.at.VisitOn = day // an earlier one was told later
		r.put()
	case !earned && inForce:
		return r.takeBack(ctx)
	}
	return nil
}

// earned finds the day that earns the reward: the first one on which the friend
// has paid, if it is in time, and no visit is known from a day before the lead.
func (r *recommendation) earned() (day dental.Date, ok bool) {
	loc := r.home.Location()
	if slices.ContainsFunc(r.friend.VisitDays(loc), r.home.Today(r.at.At).After) {
		return day, false
	}
	for _, day := range r.friend.VisitDays(loc) {
		if r.friend.Net(day, loc).Minor <= 0 {
			continue
		}
		inTime := slices.ContainsFunc(r.friend.Visits, func(v dental.Visit) bool {
			return dental.DateOf(v.FinishedAt.In(loc)) == day && !v.FinishedAt.After(r.at.At.Add(dental.LeadLife))
		})
		return day, inTime
	}
	return day, false
}

// give writes what the terms promise.
func (r *recommendation) give(day dental.Date) {
	r.at.Friend, r.at.VisitOn, r.at.Rewarded, r.at.Reversed = r.me(), day, r.now, time.Time{}
	terms := r.clinic.Referral
	if terms.Who != "friend" {
		r.credit(r.clinic, r.referrer, terms.Reward)
	}
	if terms.Who != "referrer" {
		r.credit(r.home, r.friend, terms.Reward)
	}
	r.put()
}

// credit puts the reward into one purse, unless one is in force there.
func (r *recommendation) credit(cl *dental.Clinic, card *dental.Card, reward dental.Money) {
	today := cl.Today(r.now)
	last, n := r.entry(card)
	gone := card.Patient.Status == dental.Deceased || card.Patient.Minor(today)
	if last != nil || gone || reward.Minor <= 0 || cl.Currency != "" && reward.Currency != cl.Currency {
		return
	}
	source := rewardSource(r.at.Contact)
	if n > 0 {
		source += "." + strconv.Itoa(n+1)
	}
	r.enter(cl, card, dental.Bonus{Source: source, Kind: dental.BonusReferral, Amount: reward, Until: r.clinic.BonusUntil(today)})
}

// takeBack reverses what the friend's day has earned. Others of the household
// may have paid since then, and are the friend now: their turn is by jobs of their own.
func (r *recommendation) takeBack(ctx context.Context) error {
	r.at.Reversed = r.now
	for _, side := range []struct {
		cl   *dental.Clinic
		card *dental.Card
	}{{r.clinic, r.referrer}, {r.home, r.friend}} {
		if last, _ := r.entry(side.card); last != nil {
			r.enter(side.cl, side.card, dental.Bonus{Source: last.Source + ".reversed", Kind: dental.BonusReversed, Of: last.Source,
				Amount: dental.Money{Minor: -last.Amount.Minor, Currency: last.Amount.Currency}})
		}
	}
	r.put()
	contact, err := r.tx.ContactByKey(ctx, r.at.Contact)
	if err != nil {
		return err
	}
	for _, m := range contact.Members {
		if m != (dental.Member{Clinic: r.job.Clinic, Patient: r.job.Patient}) {
			r.tx.Put(store.Job{Clinic: m.Clinic, ID: "reward." + m.Patient, Kind: store.RewardJob, Patient: m.Patient,
				Referrer: dental.Member{Clinic: r.clinic.ID, Patient: r.referrer.Patient.ID}.Seen(m.Clinic), Contact: r.at.Contact, Wake: r.now, Made: r.now})
		}
	}
	return nil
}

// rewardSource names the entries of a recommendation in both ledgers:
// "referral.<contact>", after a reversal "referral.<contact>.2" and so on.
func rewardSource(contact string) string { return "referral." + contact }

// entry is the recommendation's entry in force on a card, nil without one, and how many there have been.
func (r *recommendation) entry(card *dental.Card) (inForce *dental.Bonus, n int) {
	for i, b := range card.Bonuses {
		mine := b.Source == rewardSource(r.at.Contact) || strings.HasPrefix(b.Source, rewardSource(r.at.Contact)+".")
		if !mine || b.Kind != dental.BonusReferral {
			continue
		}
		n++
		if !slices.ContainsFunc(card.Bonuses, func(x dental.Bonus) bool { return x.Of == b.Source }) {
			inForce = &card.Bonuses[i]
		}
	}
	return inForce, n
}

// enter puts an entry into a card's ledger. The head goes with it, so that
// nobody spends by a balance that has changed.
func (r *recommendation) enter(cl *dental.Clinic, card *dental.Card, b dental.Bonus) {
	b.Clinic, b.Patient, b.At, b.On = cl.ID, card.Patient.ID, r.now, cl.Today(r.now)
	b.Reason = locale.For(cl.Language).Text("bonus."+string(b.Kind), nil)
	r.tx.Put(b)
	if card == r.friend {
		r.bump(card)
	}
}

// forget takes off the referrer's card who an erased friend was. What the
// recommendation has earned stays earned.
func (r *recommendation) forget(ctx context.Context) error {
	contact, err := r.tx.ContactByKey(ctx, r.job.Contact)
	if err != nil {
		return err
	}
	by := dental.Member{Clinic: r.clinic.ID, Patient: r.referrer.Patient.ID}
	if contact.Lead.By(by) {
		contact.Lead = dental.Lead{}
		r.tx.Put(*contact)
	}
	if r.referrer.Patient.Erased || r.at == nil || r.at.Friend != "" && r.at.Friend != r.me() {
		return nil
	}
	forgetLead(r.course(r.referrer), r.at.Contact, "erased")
	if r.at.Rewarded.IsZero() {
		r.tx.Remove(*r.at)
		r.bump(r.referrer)
		return nil
	}
	r.at.Name, r.at.Phone, r.at.Consent, r.at.Friend = "", "", "", ""
	r.put()
	return nil
}

// forgetLead takes the friend's name and phone off the task about a lead, and ends it.
func forgetLead(c journey.Course, contact, outcome string) {
	t := c.Card.Task(dental.LeadTask, contact)
	if t == nil {
		return
	}
	t.Reason, t.Note = locale.For(c.Clinic.Language).Text("task.lead.gone", nil), ""
	if t.Open() {
		c.Close(*t, outcome)
	} else {
		c.Tx.Put(*t)
	}
}

// lead forgets who a friend is that has not come in time: a name and a phone are
// kept as long as they are of use. Of one who has come the phone alone still
// stands there, in the task.
func (w *Worker) lead(ctx context.Context, tx *store.Tx, job store.Job) (done bool, err error) {
	cl, err := tx.Clinic(ctx, job.Clinic)
	if err != nil {
		return false, err
	}
	card, err := tx.Card(ctx, job.Clinic, job.Patient)
	if err != nil {
		return false, err
	}
	now := w.Clock()
	job.Done = now
	at := card.Referral(job.Contact)
	switch {
	case at == nil || card.Patient.Erased:
	case now.Before(at.At.Add(dental.LeadLife)): // the number was left once more
		job.Done, job.Wake = time.Time{}, at.At.Add(dental.LeadLife)
	case at.Friend != "" || !at.Rewarded.IsZero():
		if t := card.Task(dental.LeadTask, job.Contact); t != nil {
			t.Note = ""
			tx.Put(*t)
		}
	default:
		forgetLead(journey.Course{Tx: tx, Catalogue: w.Catalogue, Clinic: cl, Card: card, Now: now}, job.Contact, "deadline")
		at.Name, at.Phone = "", ""
		tx.Put(*at)
		card.Patient.Changes++
		tx.Put(card.Patient)
	}
	tx.Put(job)
	return true, tx.Commit(ctx)
}

// unlinkFriend takes an erased patient off one friend's address and card, and
// the recommendation with it; it reports whether there was one.
func unlinkFriend(ctx context.Context, tx *store.Tx, card *dental.Card) (put bool, err error) {
	if len(card.Referrals) == 0 {
		return false, nil
	}
	at, me := card.Referrals[0], dental.Member{Clinic: card.Patient.Clinic, Patient: card.Patient.ID}
	contact, err := tx.ContactByKey(ctx, at.Contact)
	if err != nil {
		return false, err
	}
	if contact.Lead.By(me) {
		contact.Lead = dental.Lead{}
		tx.Put(*contact)
	}
	friends := slices.Clone(contact.Members)
	if m := dental.SeenMember(me.Clinic, at.Friend); at.Friend != "" && !slices.Contains(friends, m) {
		friends = append(friends, m)
	}
	heads, err := tx.Heads(ctx, friends...)
	if err != nil {
		return false, err
	}
	for _, p := range heads {
		if p.InvitedBy != "" && p.InvitedBy == me.Seen(p.Clinic) {
			p.InvitedBy, p.Invitation = "", ""
			p.Changes++
			tx.Put(p)
		}
	}
	tx.Remove(at)
	return true, nil
}

// put writes the recommendation as it stands now.
func (r *recommendation) put() {
	r.tx.Put(*r.at)
	r.bump(r.referrer)
}

// bump writes a card's head one change later, once.
func (r *recommendation) bump(card *dental.Card) {
	p := card.Patient
	p.Changes++
	r.tx.Put(p)
}

func (r *recommendation) course(card *dental.Card) journey.Course {
	return journey.Course{Tx: r.tx, Catalogue: r.w.Catalogue, Clinic: r.clinic, Card: card, Now: r.now}
}
