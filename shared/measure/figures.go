package measure

import (
	"cmp"
	"maps"
	"math/big"
	"slices"
	"strings"

	"github.com/returnpoint/returnpoint/shared/dental"
)

// Terms are what figures are worked out with and no tally knows: they may
// change, and then so do all figures.
type Terms struct {
	Currency       string
	MarginPermille int
}

// TermsOf are a clinic's.
func TermsOf(cl *dental.Clinic) Terms { return Terms{cl.Currency, cl.MarginPermille} }

// Goal is the share of repeat visits that a clinic is to reach, in percent.
const Goal = 35

// Span is a stretch of days, both included.
type Span struct{ From, To dental.Date }

// Days is how many days it has.
func (s Span) Days() int { return max(0, s.To.DaysSince(s.From)+1) }

// Share is a part of a whole, both counted.
type Share struct{ Of, All int64 }

// Percent is the share in percent, and false where there is nothing to have a share of.
func (s Share) Percent() (float64, bool) {
	if s.All <= 0 {
		return 0, false
	}
	return 100 * float64(s.Of) / float64(s.All), true
}

// Figures is what a stretch of days amounts to.
type Figures struct {
	Span
	Visits       int64
	RepeatVisits Share        // repeat visits of all visits
	Revenue      dental.Money // of the visits
	FromBase     dental.Money // of repeat visits
	FromNew      dental.Money // of first visits
	Average      dental.Money // revenue ÷ visits
	AveragePaid  dental.Money // revenue ÷ visits that brought something
	NewPatients  int64

	// As of the last day: how many patients there ever were and were within
	// twelve months, and which of them are repeat patients.
	Patients, YearPatients             int64
	RepeatPatients, YearRepeatPatients Share
	// Quiet are those not seen for 6 to 12, 12 to 18 months and longer, as of the last day.
	Quiet6, Quiet12, Quiet18 int64
	// Stalled are open plans with nothing done or booked for two weeks, and
	// OpenStages what all open stages are worth, as of the last day.
	Stalled    int64
	OpenStages dental.Money
	// LTVYear and LTVLife are a patient's, as of the last day; none without patients.
	// LTVYear is none too where the twelve months were not read.
	LTVYear, LTVLife dental.Money

	Returned6, Returned12 Share // of those whose first visit became so old in these days
	PointsKept            Share // of the return points whose time ended in these days

	Plans          Share        // completed of those presented in these days
	Stages         Share        // done of those plans' stages
	PlansValue     dental.Money // of those plans' stages
	PlansDoneValue dental.Money // of those of them that are done

	Promoters, Passives, Detractors int64
	Good, Fair, Bad                 int64

	// Back are patients who came back by a touch, BackVisits the visits that are
	// attributed to touches, and BackRevenue what these brought.
	Back, BackVisits int64
	BackRevenue      dental.Money
	Cost             Cost
	Kept, Missed     int64 // appointments

	Kinds      []Kind     // by number of visits
	Scenarios  []Scenario // by name
	Doctors    []Doctor   // by number of visits
	Why        []Count    // why patients do not come back: codes, the most frequent first
	Complaints []Count    // what complaints were about
	Skipped    []Count    // why touches did not leave: codes, over all scenarios
}

// Count is how often something named by a code was counted.
type Count struct {
	Code string
	N    int64
}

// Cost is what bringing back cost.
type Cost struct {
	Messages, Gifts, Bonuses dental.Money
	// Retention and Acquisition are what was entered, for these days.
	Retention, Acquisition dental.Money
	Total                  dental.Money // all but Acquisition
	Parts                  int64        // of SMS
	GiftsGiven             int64
	FreeHygienes           int64
	// PerReturned is Total ÷ patients who came back, PerNew Acquisition ÷ new
	// patients; none where there are none.
	PerReturned, PerNew dental.Money
	// ROMI is a ratio: 1 is one rouble more of margin than was spent, per rouble.
	ROMI ROMI
}

// ROMI is the return on what was spent. Without a cost there is none.
type ROMI struct {
	Ratio float64
	Known bool
}

// Kind is what a kind of procedure amounts to.
type Kind struct {
	Kind         dental.ProcedureKind
	Visits       int64
	RepeatVisits Share
	// Patients had the kind ever, and those twice or more are the repeat ones, as of the last day.
	RepeatPatients Share
}

// Scenario is what a scenario amounts to.
type Scenario struct {
	Name             string
	Steps            []Funnel // by name
	Sum              Funnel   // of its steps
	Back, BackVisits int64
	BackRevenue      dental.Money
	Messages, Gifts  dental.Money
	ROMI             ROMI    // of one that says nothing but service messages there is none
	Skipped          []Count // by reason, the most frequent first
}

// Funnel is how far touches came that ended in these days.
type Funnel struct {
	Step                                                   string
	Planned, Sent, Delivered, Answered, Booked, Came, Paid int64
	Skipped, Cancelled, Failed, Unknown                    int64
}

// Doctor is what one doctor's visits amount to.
type Doctor struct {
	ID, Name   string
	Visits     int64
	Revenue    dental.Money
	Compliance Share // visits left with a date and a reason
	Return     Share // return points kept, of those whose time ended in these days
	NPS        NPS
	// Mistakes by their names (Mistakes), each of the visits that it was looked for at.
	Mistakes map[string]Share
}

// NPS is the net promoter score, in points from -100 to 100.
type NPS struct {
	Score   float64
	Answers int64 // none: there is no score
}

// NPS is that of all who gave a number.
func (f Figures) NPS() NPS { return nps(f.Promoters, f.Passives, f.Detractors) }

func nps(promoters, passives, detractors int64) NPS {
	n := promoters + passives + detractors
	if n == 0 {
		return NPS{}
	}
	return NPS{100 * float64(promoters-detractors) / float64(n), n}
}

// OfYear names the amounts of twelve months that figures are worked out of.
func OfYear() []string { return []string{"revenue"} }

// Of works figures out: of the sums of a stretch of days, of all days up to its
// last one, and of the twelve months to it, of which OfYear are enough; nil leaves
// out what is worked out of them.
func Of(terms Terms, span Span, sums, ever, year Sums, costs []dental.Cost) Figures {
	money := func(minor int64) dental.Money { return dental.Money{Minor: minor, Currency: terms.Currency} }
	f := Figures{
		Span: span, Visits: sums["visits"], RepeatVisits: Share{sums["repeat"], sums["visits"]},
		Revenue: money(sums["revenue"]), FromNew: money(sums["revenue/new"]), FromBase: money(sums["revenue"] - sums["revenue/new"]),
		Average: terms.each(sums["revenue"], sums["visits"]), AveragePaid: terms.each(sums["revenue"], sums["paid"]), NewPatients: sums["patients"],
		Patients: ever["patients"], YearPatients: ever["year/patients"],
		RepeatPatients: Share{ever["regulars"], ever["patients"]}, YearRepeatPatients: Share{ever["year/regulars"], ever["year/patients"]},
		Quiet6: ever["quiet/6"], Quiet12: ever["quiet/12"], Quiet18: ever["quiet/18"], Stalled: ever["stalled"],
		OpenStages: money(ever["stages/planned"] + ever["stages/booked"]),
		LTVLife:    terms.ltv(ever["revenue"], ever["patients"]),
		Returned6:  Share{sums["first6/back"], sums["first6"]}, Returned12: Share{sums["first12/back"], sums["first12"]},
		PointsKept: Share{sums["points/back"], sums["points"]},
		Plans:      Share{sums["plan/completed"], sums["plan"]}, Stages: Share{sums["plan/done"], sums["plan/stages"]},
		PlansValue: money(sums["plan/value"]), PlansDoneValue: money(sums["plan/done-value"]),
		Promoters: sums["nps/promoters"], Passives: sums["nps/passives"], Detractors: sums["nps/detractors"],
		Good: sums["rating/good"], Fair: sums["rating/fair"], Bad: sums["rating/bad"],
		Back: sums["back"], BackVisits: sums["back-visits"], BackRevenue: money(sums["back-revenue"]),
		Kept: sums["appointments/kept"], Missed: sums["appointments/missed"],
	}
	if year != nil {
		f.LTVYear = terms.ltv(year["revenue"], ever["year/patients"])
	}
	f.Cost = terms.cost(f, sums, costs)
	parts(sums, ever, &f, terms)
	return f
}

// each is an amount shared among n, rounded to the nearest minor unit, halves away from nothing.
func (t Terms) each(minor, n int64) dental.Money {
	if n <= 0 {
		return dental.Money{}
	}
	return dental.Money{Minor: ratio(minor, 1, n), Currency: t.Currency}
}

// ltv is revenue × margin ÷ patients.
func (t Terms) ltv(revenue, patients int64) dental.Money {
	if patients <= 0 {
		return dental.Money{}
	}
	return dental.Money{Minor: ratio(revenue, int64(t.MarginPermille), 1000*patients), Currency: t.Currency}
}

// ratio is a × b ÷ c rounded to the nearest, halves away from nothing.
func ratio(a, b, c int64) int64 {
	n := new(big.Int).Mul(big.NewInt(2*a), big.NewInt(b))
	d := big.NewInt(c)
	if n.Sign() < 0 {
		n.Sub(n, d)
	} else {
		n.Add(n, d)
	}
	return n.Quo(n, d.Lsh(d, 1)).Int64()
}

// cost gathers what these days' bringing back cost.
func (t Terms) cost(f Figures, sums Sums, costs []dental.Cost) Cost {
	money := func(minor int64) dental.Money { return dental.Money{Minor: minor, Currency: t.Currency} }
	entered := map[dental.CostKind]int64{}
	for _, c := range costs {
		entered[c.Kind] += Portion(c, f.Span)
	}
	c := Cost{Messages: money(sums["cost/messages"]), Gifts: money(sums["cost/gifts"]), Bonuses: money(sums["cost/bonuses"]),
		Retention: money(entered[dental.Retention]), Acquisition: money(entered[dental.Acquisition]),
		Parts: sums["parts"], GiftsGiven: sums["gifts"], FreeHygienes: sums["free-hygiene"]}
	c.Total = money(c.Messages.Minor + c.Gifts.Minor + c.Bonuses.Minor + c.Retention.Minor)
	c.PerReturned, c.PerNew = t.each(c.Total.Minor, f.Back), t.each(c.Acquisition.Minor, f.NewPatients)
	c.ROMI = t.romi(f.BackRevenue.Minor, c.Total.Minor)
	return c
}

func (t Terms) romi(revenue, cost int64) ROMI {
	if cost <= 0 {
		return ROMI{}
	}
	return ROMI{(float64(revenue)*float64(t.MarginPermille)/1000 - float64(cost)) / float64(cost), true}
}

// Portion is the part of a cost that falls on a span. A cost is spread evenly
// over its days, whole minor units a day: spans that lie side by side have
// portions that add up.
func Portion(c dental.Cost, s Span) int64 {
	all := Span{c.From, c.To}.Days()
	if all == 0 {
		return 0
	}
	until := func(day dental.Date) int64 { // of the days before it
		n := min(max(day.DaysSince(c.From), 0), all)
		return new(big.Int).Div(new(big.Int).Mul(big.NewInt(c.Amount.Minor), big.NewInt(int64(n))), big.NewInt(int64(all))).Int64()
	}
	return max(0, until(s.To.AddDays(1))-until(s.From))
}

// parts reads the sums whose names have a scenario, a doctor, a kind or a reason in them.
func parts(sums, ever Sums, f *Figures, terms Terms) {
	money := func(minor int64) dental.Money { return dental.Money{Minor: minor, Currency: terms.Currency} }
	kinds, scenarios, doctors := map[string]*Kind{}, map[string]*Scenario{}, map[string]*Doctor{}
	steps := map[[2]string]*Funnel{}
	called := map[string]int64{}
	scenario := func(name string) *Scenario { return entry(scenarios, name, Scenario{Name: name}) }
	skipped := Sums{}
	for name, n := range sums {
		p := strings.Split(name, "/")
		switch {
		case p[0] == "kind" && len(p) == 3:
			k := entry(kinds, p[1], Kind{Kind: dental.ProcedureKind(p[1])})
			switch p[2] {
			case "visits":
				k.Visits, k.RepeatVisits.All = n, n
			case "repeat":
				k.RepeatVisits.Of = n
			}
		case p[0] == "touch" && len(p) == 4:
			scenario(p[1])
			entry(steps, [2]string{p[1], p[2]}, Funnel{Step: p[2]}).set(p[3], n)
		case p[0] == "skipped" && len(p) == 3:
			s := scenario(p[1])
			s.Skipped = append(s.Skipped, Count{p[2], n})
			s.Sum.Skipped += n
			skipped.Add(p[2], n)
		case p[0] == "back" && len(p) == 2:
			scenario(p[1]).Back = n
		case p[0] == "back-visits" && len(p) == 2:
			scenario(p[1]).BackVisits = n
		case p[0] == "back-revenue" && len(p) == 2:
			scenario(p[1]).BackRevenue = money(n)
		case p[0] == "cost" && len(p) == 3 && p[1] == "messages":
			scenario(p[2]).Messages = money(n)
		case p[0] == "cost" && len(p) == 3 && p[1] == "gifts":
			scenario(p[2]).Gifts = money(n)
		case p[0] == "doctor" && len(p) >= 3:
			d := entry(doctors, p[1], Doctor{ID: p[1], Mistakes: map[string]Share{}})
			if p[2] == "called" && len(p) == 4 && (n > called[p[1]] || n == called[p[1]] && p[3] < d.Name) {
				d.Name, called[p[1]] = p[3], n
			}
		case p[0] == "why" && len(p) == 2:
			f.Why = append(f.Why, Count{p[1], n})
		case p[0] == "complaint" && len(p) == 2:
			f.Complaints = append(f.Complaints, Count{p[1], n})
		}
	}
	for key, step := range steps {
		s := scenario(key[0])
		s.Steps = append(s.Steps, *step)
		s.Sum.plus(*step)
	}
	for id, d := range doctors {
		of := func(name string) int64 { return sums[join("doctor", id, name)] }
		d.Visits, d.Revenue = of("visits"), money(of("revenue"))
		d.Compliance, d.Return = Share{of("points"), d.Visits}, Share{of("back"), of("due")}
		d.NPS = nps(of("nps/promoters"), of("nps/passives"), of("nps/detractors"))
		for mistake, all := range map[string]string{NotAsked: "asked-of", NoDate: "visits", NoControl: "given", IfNeeded: "visits", NoLoyalty: "regulars"} {
			if n := of(all); n > 0 {
				d.Mistakes[mistake] = Share{of(mistake), n}
			}
		}
		if d.Visits > 0 { // what is decided later of earlier visits makes nobody a doctor of these days
			f.Doctors = append(f.Doctors, *d)
		}
	}
	for id, k := range kinds {
		k.RepeatPatients = Share{ever[join("kind", id, "regulars")], ever[join("kind", id, "patients")]}
		f.Kinds = append(f.Kinds, *k)
	}
	for _, s := range scenarios {
		slices.SortFunc(s.Steps, func(a, b Funnel) int { return strings.Compare(a.Step, b.Step) })
		mostFirst(s.Skipped)
		s.Messages, s.Gifts, s.BackRevenue = money(s.Messages.Minor), money(s.Gifts.Minor), money(s.BackRevenue.Minor)
		if sums[join("brings", s.Name)] > 0 {
			s.ROMI = terms.romi(s.BackRevenue.Minor, s.Messages.Minor+s.Gifts.Minor)
		}
		f.Scenarios = append(f.Scenarios, *s)
	}
	for _, code := range slices.Sorted(maps.Keys(skipped)) {
		f.Skipped = append(f.Skipped, Count{code, skipped[code]})
	}
	mostFirst(f.Skipped)
	mostFirst(f.Why)
	mostFirst(f.Complaints)
	slices.SortFunc(f.Kinds, func(a, b Kind) int { return cmp.Or(cmp.Compare(b.Visits, a.Visits), cmp.Compare(a.Kind, b.Kind)) })
	slices.SortFunc(f.Scenarios, func(a, b Scenario) int { return strings.Compare(a.Name, b.Name) })
	slices.SortFunc(f.Doctors, func(a, b Doctor) int { return cmp.Or(cmp.Compare(b.Visits, a.Visits), cmp.Compare(a.ID, b.ID)) })
}

// entry finds or makes one.
func entry[K comparable, V any](in map[K]*V, key K, fresh V) *V {
	if in[key] == nil {
		in[key] = &fresh
	}
	return in[key]
}

func mostFirst(c []Count) {
	slices.SortFunc(c, func(a, b Count) int { return cmp.Or(cmp.Compare(b.N, a.N), strings.Compare(a.Code, b.Code)) })
}

// set takes a count by its name; what is left of the planned was skipped.
func (f *Funnel) set(name string, n int64) {
	for _, s := range f.counts() {
		if s.name == name {
			*s.n = n
		}
	}
	f.Skipped = f.Planned - f.Sent - f.Cancelled - f.Failed - f.Unknown
}

func (f *Funnel) plus(o Funnel) {
	mine, theirs := f.counts(), o.counts()
	for i := range mine {
		*mine[i].n += *theirs[i].n
	}
}

type namedCount struct {
	name string
	n    *int64
}

func (f *Funnel) counts() []namedCount {
	return []namedCount{{Planned, &f.Planned}, {Sent, &f.Sent}, {Delivered, &f.Delivered}, {Answered, &f.Answered}, {Booked, &f.Booked}, {Came, &f.Came}, {Paid, &f.Paid},
		{string(dental.TouchCancelled), &f.Cancelled}, {string(dental.Failed), &f.Failed}, {string(dental.Unknown), &f.Unknown}}
}
