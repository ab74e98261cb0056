package desk

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/returnpoint/returnpoint/shared/cadence"
	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/locale"
	"github.com/returnpoint/returnpoint/shared/scenario"
	"github.com/returnpoint/returnpoint/shared/store"
)

// look is one look at a clinic: what every page that lists patients is made with.
type look struct {
	store     *store.Store
	catalogue scenario.Catalogue
	clinic    *dental.Clinic
	locale    locale.Locale
	now       time.Time
	today     dental.Date
}

func lookAt(s *store.Store, c scenario.Catalogue, cl *dental.Clinic, now time.Time) look {
	return look{store: s, catalogue: c, clinic: cl, locale: locale.For(cl.Language), now: now, today: cl.Today(now)}
}

// text is a text of the catalogue with values given as name, value, name, value.
func (k look) text(key string, pairs ...string) string {
	values := map[string]string{}
	for pair := range slices.Chunk(pairs, 2) {
		values[pair[0]] = pair[1]
	}
	return k.locale.Text(key, values)
}

// person is what a row needs to know of one patient.
type person struct {
	card *dental.Card
	// adult is whom to speak to about a child: the guardian that the card names,
	// the zero Patient of anybody else.
	adult dental.Patient
	// contacts are those of the addresses of whoever is spoken to.
	contacts map[string]*dental.Contact
}

// spoken is who is called: the patient, or a child's guardian.
func (p *person) spoken() dental.Patient {
	if p.adult.ID != "" {
		return p.adult
	}
	return p.card.Patient
}

// consenting is who is called, as the arbiter sees them.
func (p *person) consenting() cadence.Person {
	return cadence.Person{Patient: p.spoken(), Contacts: p.contacts}
}

// number is whom to call, "" where nobody can be: a number that is somebody
// else's is not called.
func (p *person) number() dental.Phone { return p.consenting().CallingAt() }

// elsewhere says why the number that the MIS's card has cannot be shown here, as
// a code of reason.*; "" where there is none to look up.
func (p *person) elsewhere() string {
	if spoken := p.spoken(); spoken.Phone == "" && spoken.PhoneIssue != "" {
		return "phone-" + spoken.PhoneIssue
	}
	return ""
}

// sharers are the patients of the clinic who are reached at the number that is
// called, the person among them. A number that stands in too many cards is
// nobody's family.
func (p *person) sharers() []string {
	me, clinic := p.card.Patient.ID, p.card.Patient.Clinic
	home := p.consenting().Home()
	if home == nil || p.number() == "" {
		return []string{me}
	}
	out := []string{me}
	for _, m := range home.Members {
		if m.Clinic == clinic && m.Patient != me {
			out = append(out, m.Patient)
		}
	}
	return out
}

// shared reports whether somebody else may answer at the number that is called.
func (p *person) shared() bool {
	home := p.consenting().Home()
	if home == nil {
		return false
	}
	spoken := p.spoken()
	return slices.ContainsFunc(home.Members, func(m dental.Member) bool { return m.Patient != spoken.ID && m.Patient != p.card.Patient.ID })
}

// person reads one patient with whoever is called about them.
func (k look) person(ctx context.Context, id string) (*person, error) {
	tx := k.store.Begin()
	card, err := tx.Card(ctx, k.clinic.ID, id)
	if err != nil {
		return nil, err
	}
	if !card.Known() { // a task may be about somebody of whom nothing else has come
		card.Patient = dental.Patient{Clinic: k.clinic.ID, ID: id, Stub: true}
	}
	p := &person{card: card}
	if me := card.Patient; me.GuardianID != "" && me.Minor(k.today) {
		heads, err := tx.Heads(ctx, dental.Member{Clinic: k.clinic.ID, Patient: me.GuardianID})
		if err != nil {
			return nil, err
		}
		if _, gone := heads[0].Gone(); !gone {
			p.adult = heads[0]
		}
	}
	spoken := p.spoken()
	p.contacts, err = tx.Contacts(ctx, k.clinic, string(spoken.Phone), string(spoken.Email))
	return p, err
}

// readsAtOnce is how many patients are read at the same time.
const readsAtOnce = 8

// people reads patients by their ids, each once.
func (k look) people(ctx context.Context, ids []string) (map[string]*person, error) {
	ids = slices.Compact(slices.Sorted(slices.Values(ids)))
	read, failed := make([]*person, len(ids)), make([]error, len(ids))
	side(len(ids), func(i int) { read[i], failed[i] = k.person(ctx, ids[i]) })
	if err := errors.Join(failed...); err != nil {
		return nil, err
	}
	out := make(map[string]*person, len(ids))
	for i, id := range ids {
		out[id] = read[i]
	}
	return out, nil
}

// side does n things side by side, readsAtOnce of them at a time.
func side(n int, do func(i int)) {
	var all sync.WaitGroup
	free := make(chan struct{}, readsAtOnce)
	for i := range n {
		free <- struct{}{}
		all.Go(func() {
			do(i)
			<-free
		})
	}
	all.Wait()
}

// The badges of consent.
const (
	MayAdvertise = "advertising" // an offer may be made
	MayCare      = "care"        // of health alone, no price and no gift
	MayService   = "service"     // of the patient's own appointments alone
	MayNotCall   = "refused"     // whoever has the number asked us to stop
	MayNotOffer  = "complaint"   // of a complaint first: no offers while it is open and for a time after
)

// consent says what the person may be spoken to about.
func (k look) consent(p *person) string {
	judge := func(class dental.Class) string {
		ask := cadence.Ask{Touch: dental.Touch{Clinic: k.clinic.ID, Patient: p.card.Patient.ID, Class: class, Due: k.now, Deadline: k.now}}
		v := cadence.Judge(k.clinic, p.consenting(), ask, k.now)
		switch {
		case v.Reach != nil || !v.Wait.IsZero() || v.Reason == "capped":
			return "yes"
		}
		return v.Reason
	}
	care := judge(dental.Care)
	switch {
	case care == "opted-out":
		return MayNotCall
	case care == "no-consent":
		return MayService
	case scenario.Disputed(p.card, dental.Touch{Class: dental.Advertising}, k.now) != "":
		return MayNotOffer
	case judge(dental.Advertising) == "yes" && !p.card.Patient.Minor(k.today):
		return MayAdvertise
	}
	return MayCare
}
