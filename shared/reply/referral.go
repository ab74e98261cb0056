package reply

import (
	"context"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/locale"
	"github.com/returnpoint/returnpoint/shared/store"
)

// Phones reads a number as it was spelled, in a country that numbers without a
// prefix belong to; issue is "" for a number.
type Phones func(spelled, country string) (number dental.Phone, region string, mobile bool, issue string)

// LeadWording is the version of the words under which a friend lets the clinic
// call; it is kept with the recommendation and changes with them.
const LeadWording = "referral-2026-11-2"

// How many friends one patient can send: whoever sends more is not recommending.
const (
	mostLeads   = 20
	leadsWithin = 30 * 24 * time.Hour
)

// Referral is the page that a patient's friend opens. It speaks for the clinic:
// of whoever recommended it there is nothing on the page, not even the language.
type Referral struct {
	Page
	// Terms are what a first visit brings, and whom; without a reward there is nothing to tell.
	Terms dental.ReferralTerms
	// Days is how soon the first visit has to be.
	Days int
}

// LeadForm is what the page sends, as it was written.
type LeadForm struct {
	Name    string
	Phone   string
	Consent bool
}

// Referral reads the page behind a patient's code.
func (d *Desk) Referral(ctx context.Context, code string, now time.Time) (Referral, error) {
	v, err := d.recommended(ctx, code, now)
	if err != nil {
		return Referral{}, err
	}
	return Referral{Page: v.Page, Terms: v.Clinic.Referral, Days: int(dental.LeadLife / (24 * time.Hour))}, nil
}

// recommended follows a patient's code. It is for life and opens whatever the
// clinic has done with the card, but for those of whom nothing must be said any more.
func (d *Desk) recommended(ctx context.Context, code string, now time.Time) (*visit, error) {
	v, err := d.open(ctx, dental.ReferralLink, code, now)
	if err != nil {
		return nil, err
	}
	if p := v.card.Patient; p.Excluded || p.Status == dental.Deceased {
		return nil, dental.Errorf(dental.NotFound, "", "there is no such link, or not any more")
	}
	v.Locale = v.staff()
	return v, nil
}

// Recommend takes the name and the phone that a friend leaves. Invalid says
// what the friend has to mend: the name, the phone or the consent. Of whoever
// the clinic knows already nothing is recorded, and no answer tells: the page
// says the same to a friend, a patient, the patient's own family and to whoever
// comes twice.
//
//	a phone that nobody in the group has   a recommendation, and staff call
//	a patient's phone                      staff call the patient back: the page has promised it
//	the recommending patient's, or one of the family's   nothing
//	one that somebody has left in the last 180 days      nothing: staff know
//	the 21st in 30 days                    nothing
func (d *Desk) Recommend(ctx context.Context, code string, form LeadForm, phones Phones, now time.Time) error {
	return store.Retry(ctx, func(ctx context.Context) error {
		v, err := d.recommended(ctx, code, now)
		if err != nil {
			return err
		}
		name, number, err := form.read(v.Clinic, phones)
		if err != nil {
			return err
		}
		contacts, err := v.tx.Contacts(ctx, v.Clinic, string(number))
		if err != nil {
			return err
		}
		contact := contacts[string(number)]
		r := v.card.Referral(contact.Key)
		verdict := "lead"
		switch {
		case len(contact.Members) > 0 || contact.Crowded:
			if verdict, err = d.known(ctx, v, contact); err != nil {
				return err
			}
		case contact.Lead.Live(now), r != nil && (r.Friend != "" || !r.Rewarded.IsZero()):
			verdict = "repeat"
		case v.leads() >= mostLeads:
			verdict = "limit"
		default:
			d.lead(v, contact, name, number)
		}
		if err := v.tx.Commit(ctx); err != nil {
			return err
		}
		d.Log.InfoContext(ctx, "a phone was left on a recommendation's page", "clinic", v.Clinic.ID, "verdict", verdict)
		return nil
	})
}

// read judges the form as a person would: each field has its own error.
func (f LeadForm) read(cl *dental.Clinic, phones Phones) (name string, number dental.Phone, err error) {
	name = called(f.Name)
	if !strings.ContainsFunc(name, unicode.IsLetter) || strings.Contains(name, "://") || strings.Contains(strings.ToLower(name), "www.") || strings.ContainsRune(name, '@') {
		return "", "", dental.Errorf(dental.Invalid, "name", "there is no name")
	}
	number, _, _, issue := phones(f.Phone, cl.Country)
	if issue != "" {
		return "", "", dental.Errorf(dental.Invalid, "phone", "this is no phone number that can be called: %s", issue)
	}
	if !f.Consent {
		return "", "", dental.Errorf(dental.Invalid, "consent", "without consent the clinic may not call")
	}
	return name, number, nil
}

// nameLength is the most runes of a name.
const nameLength = 80

// called is a name that a stranger wrote as one line, without marks that nobody sees.
func called(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case !unicode.IsPrint(r):
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, ""))
	r := []rune(strings.Join(strings.Fields(s), " "))
	return strings.TrimSpace(string(r[:min(len(r), nameLength)]))
}

// leads is how many friends the patient has sent lately.
func (v *visit) leads() (n int) {
	for _, r := range v.card.Referrals {
		if v.now.Sub(r.At) < leadsWithin {
			n++
		}
	}
	return n
}

// lead records a friend whom nobody knows, and asks staff to call.
func (d *Desk) lead(v *visit, contact *dental.Contact, name string, number dental.Phone) {
	contact.Lead = dental.Lead{Clinic: v.Clinic.ID, Patient: v.card.Patient.ID, At: v.now}
	v.tx.Put(*contact)
	v.tx.Put(dental.Referral{Clinic: v.Clinic.ID, Patient: v.card.Patient.ID, Contact: contact.Key, Name: name, Phone: number, At: v.now, Consent: LeadWording})
	l := v.staff()
	d.course(v).Open(dental.Task{Kind: dental.LeadTask, Anchor: contact.Key, Scenario: "referral", Due: v.Clinic.AddWorking(v.now, time.Hour),
		Reason: l.Text("task.lead", map[string]string{"name": name}),
		Note:   l.Text("task.lead.note", map[string]string{"phone": string(number), "version": LeadWording})})
	v.tx.Put(store.Job{Clinic: v.Clinic.ID, ID: "lead." + v.card.Patient.ID + "." + contact.Key, Kind: store.LeadJob,
		Patient: v.card.Patient.ID, Contact: contact.Key, Wake: v.now.Add(dental.LeadLife), Made: v.now})
	d.put(v)
}

// quiet is for how long a patient who leaves a phone again is no news to staff;
// of a task that is open still it makes no second one later either.
const quiet = 30 * 24 * time.Hour

// known decides what comes of a phone that patients have: those who are no
// family of the patient who recommends are called back, for the page has promised a call.
func (d *Desk) known(ctx context.Context, v *visit, contact *dental.Contact) (verdict string, err error) {
	heads, err := v.tx.Heads(ctx, contact.Members...)
	if err != nil {
		return "", err
	}
	if slices.ContainsFunc(heads, func(p dental.Patient) bool { return p.Kin(v.card.Patient) }) {
		return "family", nil
	}
	i := slices.IndexFunc(heads, func(p dental.Patient) bool {
		_, gone := p.Gone()
		return p.ID != "" && !gone && !p.Minor(v.Clinic.Today(v.now))
	})
	if contact.Crowded || i < 0 {
		return "nobody to call", nil
	}
	cl, err := v.tx.Clinic(ctx, heads[i].Clinic)
	if err != nil {
		return "", err
	}
	card, err := v.tx.Card(ctx, heads[i].Clinic, heads[i].ID)
	if err != nil {
		return "", err
	}
	const anchor = "referral"
	if t := card.Task(dental.CallbackTask, anchor); t != nil && v.now.Sub(t.OpenedAt) < quiet {
		return "patient, again", nil
	}
	theirs := &visit{Page: Page{Clinic: cl}, tx: v.tx, card: card, now: v.now}
	d.course(theirs).Open(dental.Task{Kind: dental.CallbackTask, Anchor: anchor, Scenario: "referral", Due: cl.AddWorking(v.now, time.Hour),
		Reason: locale.For(cl.Language).Text("task.callback.referral", nil)})
	return "patient", nil
}
