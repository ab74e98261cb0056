package audit

import (
	"cmp"
	"maps"
	"math"
	"math/big"
	"slices"
	"strings"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/measure"
)

// Figures is what an audit has counted, to be looked at.
type Figures struct {
	Cards, Active, Bare int64
	Gone                []measure.Count // by reason, the most frequent first
	Segments            []Segment       // in the order of Segments
	Unbooked            int64           // active cards with nothing booked
	// Asleep are those whose last visit is six months old or more with nothing
	// booked, Reachable those of them whom a message calling them back reaches, and
	// Agreed those of these who may be invited by an offer: others may be rung up.
	Asleep, Reachable   int64
	Agreed              int64
	NeverBegun          Plans
	Unfinished          Plans
	Reach               []measure.Count // in the order of Reaches
	Phones              []measure.Count // in the order of Phones, then any other issue
	Mails               []measure.Count // in the order of Mails
	Consents            []Consents      // class by class, channel by channel
	Minors, MinorsAlone int64
	Receipts            []Receipt // by currency, the most frequent first
}

// Segment is those whose last visit was so long ago.
type Segment struct {
	Name               string
	Patients, Unbooked int64
}

// Plans is the open plans of one kind.
type Plans struct {
	Patients, Plans, Idle int64
	// Open is what their open stages cost, by currency, and Unpriced how many more
	// open stages have no price.
	Open     []dental.Money
	Unpriced int64
}

// Consents is what is recorded of a class on a channel.
type Consents struct {
	Class                    dental.Class
	Channel                  dental.Channel
	Granted, Refused, Silent int64
}

// Allowed is how many may be sent to, as far as consent goes, in a clinic that
// reads silence about care so.
func (c Consents) Allowed(care dental.CareConsent) int64 {
	if care.Allows(c.Class) {
		return c.Granted + c.Silent
	}
	return c.Granted
}

// Receipt is the receipts of one currency.
type Receipt struct {
	N            int64
	Median, Mean dental.Money
}

// Figures reads the sums.
func (p Part) Figures() Figures {
	s := p.Sums
	f := Figures{Cards: s["cards"], Active: s["active"], Bare: s["bare"], Asleep: s["asleep"], Reachable: s["asleep/reach"], Agreed: s["asleep/agreed"],
		NeverBegun: plansOf(s, NeverBegun), Unfinished: plansOf(s, Unfinished), Minors: s["minors"], MinorsAlone: s["minors/alone"]}
	for _, name := range Segments() {
		f.Segments = append(f.Segments, Segment{name, s["seen/"+name], s["unbooked/"+name]})
		f.Unbooked += s["unbooked/"+name]
	}
	f.Gone = counts(s, "gone/", nil)
	f.Reach = counts(s, "reach/", Reaches())
	f.Phones = counts(s, "phone/", Phones())
	f.Mails = counts(s, "mail/", Mails())
	for _, class := range dental.Classes() {
		for _, ch := range dental.Channels() {
			of := func(word string) int64 { return s["consent/"+string(class)+"/"+string(ch)+"/"+word] }
			f.Consents = append(f.Consents, Consents{class, ch, of(granted), of(refused), of(silent)})
		}
	}
	for _, currency := range slices.Sorted(maps.Keys(p.Receipts)) {
		r := p.Receipts[currency]
		f.Receipts = append(f.Receipts, Receipt{r.All().N, dental.Money{Minor: r.Median(), Currency: currency}, dental.Money{Minor: r.Mean(), Currency: currency}})
	}
	slices.SortStableFunc(f.Receipts, func(a, b Receipt) int { return cmp.Compare(b.N, a.N) })
	return f
}

// counts reads the amounts whose names begin so: those of the order first, even
// at nought, and then all others, the most frequent first.
func counts(s measure.Sums, prefix string, order []string) []measure.Count {
	var out, rest []measure.Count
	for _, code := range order {
		out = append(out, measure.Count{Code: code, N: s[prefix+code]})
	}
	for name, n := range s {
		if code, is := strings.CutPrefix(name, prefix); is && !slices.Contains(order, code) {
			rest = append(rest, measure.Count{Code: code, N: n})
		}
	}
	slices.SortFunc(rest, func(a, b measure.Count) int { return cmp.Or(cmp.Compare(b.N, a.N), strings.Compare(a.Code, b.Code)) })
	return append(out, rest...)
}

func plansOf(s measure.Sums, of string) Plans {
	p := Plans{Patients: s["planned/"+of], Plans: s["plans/"+of], Idle: s["idle/"+of], Unpriced: s["unpriced/"+of]}
	for _, m := range counts(s, "open/"+of+"/", nil) {
		p.Open = append(p.Open, dental.Money{Minor: m.N, Currency: m.Code})
	}
	return p
}

// Returns is which share of those asleep is taken to come back, in thousandths.
type Returns struct {
	Low, High int64
	// Measured is what the clinic's own experience is, those who came of those
	// who were written to; nothing where the share is an assumption.
	Measured measure.Share
}

// Assumed is what is taken for granted where a clinic has no experience of its
// own: one in twenty to three in twenty. Nobody has measured it; pages say so, and
// let it be changed.
func Assumed() Returns { return Returns{Low: 50, High: 150} }

// What makes a clinic's own experience one to reckon with: so many were written
// to, so many came and so many did not.
const (
	enoughSent = 100
	enoughOf   = 5
)

// MeasuredOf is the share that came back of those who were written to, as the
// bounds of its interval of 95 % (measure.Wilson); known is false where there is
// too little of it to say anything.
func MeasuredOf(came, sent int64) (r Returns, known bool) {
	if sent < enoughSent || came < enoughOf || sent-came < enoughOf {
		return Returns{}, false
	}
	low, high := measure.Wilson(came, sent)
	return Returns{Low: int64(math.Floor(1000 * low)), High: int64(math.Ceil(1000 * high)), Measured: measure.Share{Of: came, All: sent}}, true
}

// Stake is the money at stake with those asleep, as a range:
//
//	low  = patients asleep whom a message can reach × lower share × median receipt
//	high = all patients asleep × upper share × average receipt
//
// One visit each, rounded down to the minor unit. Of median and average the
// smaller one stands in low and the greater in high. What is open of plans is no
// part of it. Only the receipts of the clinic's own currency count.
type Stake struct {
	Returns
	Reachable, Asleep int64
	// Receipt and Most are the receipts of low and of high.
	Receipt, Most dental.Money
	Lowest        dental.Money
	Highest       dental.Money
	// Known: there is a receipt to reckon with.
	Known bool
}

// AtStake works the range out, in a currency.
func (f Figures) AtStake(r Returns, currency string) Stake {
	s := Stake{Returns: r, Reachable: f.Reachable, Asleep: f.Asleep}
	for _, x := range f.Receipts {
		if x.Median.Currency != currency {
			continue
		}
		s.Known = true
		s.Receipt, s.Most = x.Median, x.Mean
		if s.Receipt.Minor > s.Most.Minor {
			s.Receipt, s.Most = s.Most, s.Receipt
		}
		s.Lowest = dental.Money{Minor: product(s.Reachable, r.Low, s.Receipt.Minor), Currency: currency}
		s.Highest = dental.Money{Minor: product(s.Asleep, r.High, s.Most.Minor), Currency: currency}
	}
	return s
}

// About is an amount as an estimate is told: to two figures.
func About(m dental.Money) dental.Money {
	step := int64(1)
	for m.Minor/step >= 100 {
		step *= 10
	}
	m.Minor = (m.Minor/step + m.Minor%step*2/step) * step
	return m
}

// product is patients × thousandths × money, rounded down.
func product(patients, permille, minor int64) int64 {
	n := new(big.Int).Mul(big.NewInt(patients), big.NewInt(permille))
	n.Mul(n, big.NewInt(minor))
	return n.Quo(n, big.NewInt(1000)).Int64()
}

// Audit is one audit of a clinic's base: how far it has come, and what it has found.
type Audit struct {
	Run string      `json:"run"` // its own id
	On  dental.Date `json:"on"`  // as of which day
	At  time.Time   `json:"at"`  // when it was begun
	// Patients is how many there are, and Looked how many have been looked at.
	Patients int  `json:"patients"`
	Looked   int  `json:"looked"`
	Done     bool `json:"done"`
	Part
}
