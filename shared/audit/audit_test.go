package audit

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"strconv"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/measure"
)

func day(t testing.TB, s string) dental.Date {
	t.Helper()
	d, err := dental.ParseDate(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func clinic() *dental.Clinic {
	return &dental.Clinic{ID: "demo", Country: "RU", TimeZone: "Europe/Moscow", Currency: "RUB"}
}

func TestAVisitIsSixMonthsOldOnTheDayThatCalendarMonthsLeadTo(t *testing.T) {
	for _, c := range []struct{ last, day, want string }{
		{"2026-03-15", "2026-09-14", Recent},
		{"2026-03-15", "2026-09-15", From6},
		{"2025-08-31", "2026-02-27", Recent}, // cut to the end of a short month
		{"2025-08-31", "2026-02-28", From6},
		{"2025-08-29", "2026-02-28", From6},
		{"2025-08-28", "2026-02-28", From6},
		{"2025-09-01", "2026-02-28", Recent},
		{"2023-08-31", "2024-02-28", Recent}, // of a leap year, whose February is longer
		{"2023-08-31", "2024-02-29", From6},
		{"2024-02-29", "2024-08-28", Recent},
		{"2024-02-29", "2024-08-29", From6},
		{"2024-02-29", "2025-02-27", From6},
		{"2024-02-29", "2025-02-28", From12},
		{"2024-02-29", "2025-08-28", From12},
		{"2024-02-29", "2025-08-29", From18},
		{"2025-03-31", "2025-09-29", Recent},
		{"2025-03-31", "2025-09-30", From6},
		{"2025-09-15", "2026-09-14", From6},
		{"2025-09-15", "2026-09-15", From12},
		{"2025-03-15", "2026-09-14", From12},
		{"2025-03-15", "2026-09-15", From18},
		{"2026-09-15", "2026-09-15", Recent},
		{"", "2026-09-15", Never},
	} {
		last := dental.Date{}
		if c.last != "" {
			last = day(t, c.last)
		}
		if got := SegmentOf(last, day(t, c.day)); got != c.want {
			t.Errorf("a last visit of %s is in segment %q on %s, want %q", c.last, got, c.day, c.want)
		}
	}
}

func TestEachDayOfALifeIsInOneSegmentAndTheSegmentsFollowEachOther(t *testing.T) {
	order := []string{Recent, From6, From12, From18}
	rapid.Check(t, func(t *rapid.T) {
		last := dental.Date{Year: 2020, Month: 1, Day: 1}.AddDays(rapid.IntRange(0, 2000).Draw(t, "last"))
		before := 0
		for n := range 600 {
			at := slices.Index(order, SegmentOf(last, last.AddDays(n)))
			if at < before || at > before+1 {
				t.Fatalf("%d days after %s the segment goes from %s to %s", n, last, order[before], order[at])
			}
			before = at
		}
		if before != 3 {
			t.Fatalf("600 days after %s the segment is %s", last, order[before])
		}
	})
}

func TestTheBoundariesAreInWholeDaysOfTheClinic(t *testing.T) {
	cl, on := clinic(), day(t, "2026-09-15")
	card := func(finished string) *dental.Card {
		at, err := time.Parse(time.RFC3339, finished)
		if err != nil {
			t.Fatal(err)
		}
		return &dental.Card{Patient: dental.Patient{Clinic: "demo", ID: "P"}, Visits: []dental.Visit{{ID: "V", FinishedAt: at}}}
	}
	for finished, want := range map[string]string{
		"2026-03-15T20:59:59Z": "6", // 23:59:59 of the 15th in Moscow
		"2026-03-15T21:00:00Z": "0", // the 16th
		"2026-09-15T20:59:59Z": "0",
		"2026-09-15T21:00:00Z": "never", // after the day
	} {
		if s := Of(cl, card(finished), dental.Patient{}, nil, on).Sums; s["seen/"+want] != 1 {
			t.Errorf("a visit finished at %s: %v, want segment %s", finished, s, want)
		}
	}
}

func TestAnAppointmentOfTheDayItselfLiesAhead(t *testing.T) {
	cl, on := clinic(), day(t, "2026-09-15")
	for name, c := range map[string]struct {
		a    dental.Appointment
		ahed bool
	}{
		"of this morning": {dental.Appointment{Start: on.At(9*60, cl.Location()), Status: dental.Booked}, true},
		"of yesterday":    {dental.Appointment{Start: on.AddDays(-1).At(23*60, cl.Location()), Status: dental.Booked}, false},
		"cancelled":       {dental.Appointment{Start: on.AddDays(9).At(9*60, cl.Location()), Status: dental.Cancelled}, false},
		"confirmed":       {dental.Appointment{Start: on.AddDays(9).At(9*60, cl.Location()), Status: dental.Confirmed}, true},
		"attended":        {dental.Appointment{ID: "A", Start: on.At(9*60, cl.Location()), Status: dental.Booked}, false},
	} {
		card := &dental.Card{Patient: dental.Patient{Clinic: "demo", ID: "P"}, Appointments: []dental.Appointment{c.a},
			Visits: []dental.Visit{{ID: "V", AppointmentID: "A", FinishedAt: on.AddDays(-400).At(0, cl.Location())}}}
		s := Of(cl, card, dental.Patient{}, nil, on).Sums
		if ahead := s["unbooked/12"] == 0; ahead != c.ahed || (s["asleep"] == 0) != c.ahed {
			t.Errorf("an appointment %s: %v", name, s)
		}
	}
}

// The second, naive count: it knows nothing of the first, and goes over all
// cards once for each question.

func naive(cl *dental.Clinic, b quiet, on dental.Date) (Figures, map[string][]int64) {
	cards, contacts := b.cards, b.contacts
	loc := cl.Location()
	known := keep(cards, func(c *dental.Card) bool { return c.Patient.ID != "" && !c.Patient.Erased })
	active := keep(known, func(c *dental.Card) bool {
		return !c.Patient.Excluded && (c.Patient.Status == "" || c.Patient.Status == dental.Active)
	})
	last := func(c *dental.Card) (d dental.Date) {
		for _, v := range c.Visits {
			if on2 := dental.DateOf(v.FinishedAt.In(loc)); !on2.After(on) && (d.IsZero() || on2.After(d)) {
				d = on2
			}
		}
		return d
	}
	booked := func(c *dental.Card) bool {
		for _, a := range c.Appointments {
			came := false
			for _, v := range c.Visits {
				came = came || v.AppointmentID == a.ID
			}
			if (a.Status == dental.Booked || a.Status == dental.Confirmed) && !came && !a.Start.Before(on.At(0, loc)) {
				return true
			}
		}
		return false
	}
	// The age in months, by trying one after another.
	months := func(d dental.Date) int {
		n := 0
		for n < 20 && !d.AddMonths(n+1).After(on) {
			n++
		}
		return n
	}
	within := func(from, to int) func(*dental.Card) bool {
		return func(c *dental.Card) bool {
			d := last(c)
			return !d.IsZero() && months(d) >= from && months(d) < to
		}
	}
	unseen := func(c *dental.Card) bool { return last(c).IsZero() }
	free := func(c *dental.Card) bool { return !booked(c) }
	n := func(list []*dental.Card) int64 { return int64(len(list)) }
	f := Figures{Cards: n(known), Active: n(active), Bare: n(keep(active, func(c *dental.Card) bool { return c.Patient.Stub }))}
	for _, status := range []dental.PatientStatus{dental.Archived, dental.Moved, dental.Deceased} {
		f.Gone = append(f.Gone, measure.Count{Code: string(status), N: n(keep(known, func(c *dental.Card) bool { return c.Patient.Status == status && !c.Patient.Excluded }))})
	}
	f.Gone = append(f.Gone, measure.Count{Code: "excluded", N: n(keep(known, func(c *dental.Card) bool { return c.Patient.Excluded }))})
	for _, s := range []struct {
		name string
		is   func(*dental.Card) bool
	}{{"0", within(0, 6)}, {"6", within(6, 12)}, {"12", within(12, 18)}, {"18", within(18, 99)}, {"never", unseen}} {
		in := keep(active, s.is)
		f.Segments = append(f.Segments, Segment{s.name, n(in), n(keep(in, free))})
	}
	f.Unbooked = n(keep(active, free))
	asleep := keep(keep(active, within(6, 99)), free)
	child := func(c *dental.Card) bool {
		return !c.Patient.BirthDate.IsZero() && c.Patient.BirthDate.AddMonths(18*12).After(on)
	}
	// Who reads what is sent about a card, and nobody where no one does.
	reads := func(c *dental.Card) *dental.Card {
		p := c.Patient
		if p.GuardianID == "" {
			return c
		}
		g := b.guardians[p.GuardianID]
		if !child(c) {
			if p.Phone == g.Phone {
				p.Phone = ""
			}
			if p.Email == g.Email {
				p.Email = ""
			}
			return &dental.Card{Patient: p}
		}
		if g.ID == "" || g.Stub || g.Erased || g.Excluded || g.Status != "" && g.Status != dental.Active {
			return nil
		}
		return &dental.Card{Patient: g}
	}
	russian := func(c *dental.Card) bool {
		p := c.Patient
		return p.Phone != "" && p.PhoneIssue == "" && !p.Landline && (p.PhoneRegion == "" || p.PhoneRegion == "RU")
	}
	// What an address has against it, the most telling first.
	against := func(c *dental.Card, address string) string {
		x := contacts[address]
		if x == nil {
			return ""
		}
		for _, key := range c.Patient.NotMe {
			if key == x.Key {
				return "others"
			}
		}
		if x.Suppressed != "" {
			return "dead"
		}
		if x.Crowded {
			return "shared"
		}
		return ""
	}
	mobile := func(c *dental.Card) bool { return c != nil && russian(c) && against(c, string(c.Patient.Phone)) == "" }
	mail := func(c *dental.Card) bool {
		return c != nil && c.Patient.Email != "" && against(c, string(c.Patient.Email)) == ""
	}
	reach := func(c *dental.Card) bool { return mobile(reads(c)) || mail(reads(c)) }
	// The word that holds of a class on a channel: the latest of all that were said,
	// a refusal before a consent of the same instant.
	word := func(c *dental.Card, class dental.Class, ch dental.Channel) string {
		if r := reads(c); r != nil { // the child's own word where its guardian is out of reach
			c = r
		}
		said, at := "silent", time.Time{}
		for _, x := range c.Patient.Consents {
			if x.Class == class && x.Channel == ch {
				if said, at = "refused", x.At; x.Granted {
					said = "granted"
				}
			}
		}
		own, home := string(c.Patient.Phone), string(c.Patient.Phone)
		if ch == dental.Mail {
			own = string(c.Patient.Email)
		}
		if home == "" {
			home = string(c.Patient.Email)
		}
		for _, address := range []string{own, home} {
			if why := against(c, address); contacts[address] == nil || why == "others" || why == "shared" {
				continue
			}
			for _, o := range contacts[address].OptOuts {
				if o.Class == class && !o.At.Before(at) {
					said = "refused"
				}
			}
		}
		return said
	}
	f.Asleep, f.Reachable = n(asleep), n(keep(asleep, func(c *dental.Card) bool { return reach(c) && (!child(c) || c.Patient.GuardianID != "") }))
	agreed := func(ch dental.Channel) func(*dental.Card) bool {
		return func(c *dental.Card) bool { return word(c, dental.Advertising, ch) == "granted" }
	}
	f.Agreed = n(keep(asleep, func(c *dental.Card) bool {
		return !child(c) && (mobile(reads(c)) && (agreed(dental.SMS)(c) || agreed(dental.WhatsApp)(c)) || mail(reads(c)) && agreed(dental.Mail)(c))
	}))
	for _, code := range []string{"both", "phone", "email", "neither"} {
		f.Reach = append(f.Reach, measure.Count{Code: code, N: n(keep(active, func(c *dental.Card) bool {
			r := reads(c)
			return mobile(r) == (code == "both" || code == "phone") && mail(r) == (code == "both" || code == "email")
		}))})
	}
	phone := func(code string) int64 {
		return n(keep(active, func(c *dental.Card) bool {
			p := c.Patient
			switch code {
			case "mobile":
				return mobile(c)
			case "shared", "dead", "others":
				return russian(c) && against(c, string(p.Phone)) == code
			case "foreign":
				return p.Phone != "" && p.PhoneIssue == "" && !p.Landline && !russian(c)
			case "landline":
				return p.Phone != "" && p.PhoneIssue == "" && p.Landline
			case "none":
				return p.Phone == "" && p.PhoneIssue == ""
			}
			return p.PhoneIssue == code
		}))
	}
	for _, code := range []string{"mobile", "shared", "dead", "others", "foreign", "landline", "malformed", "extension", "several", "toll-free", "none"} {
		f.Phones = append(f.Phones, measure.Count{Code: code, N: phone(code)})
	}
	for _, code := range []string{"usable", "shared", "dead", "others", "none"} {
		f.Mails = append(f.Mails, measure.Count{Code: code, N: n(keep(active, func(c *dental.Card) bool {
			switch code {
			case "usable":
				return mail(c)
			case "none":
				return c.Patient.Email == ""
			}
			return c.Patient.Email != "" && against(c, string(c.Patient.Email)) == code
		}))})
	}
	for _, class := range []dental.Class{"service", "care", "advertising"} {
		for _, ch := range []dental.Channel{"sms", "email", "whatsapp"} {
			row := Consents{Class: class, Channel: ch}
			for _, c := range active {
				switch word(c, class, ch) {
				case "granted":
					row.Granted++
				case "refused":
					row.Refused++
				default:
					row.Silent++
				}
			}
			f.Consents = append(f.Consents, row)
		}
	}
	minors := keep(active, child)
	f.Minors, f.MinorsAlone = n(minors), n(keep(minors, func(c *dental.Card) bool { return c.Patient.GuardianID == "" }))
	f.NeverBegun, f.Unfinished = naivePlans(active, false, booked), naivePlans(active, true, booked)
	receipts := map[string][]int64{}
	for _, c := range active {
		days := map[dental.Date]bool{}
		for _, v := range c.Visits {
			days[dental.DateOf(v.FinishedAt.In(loc))] = true
		}
		for d := range days {
			if m := c.Net(d, loc); m.Minor > 0 && !d.After(on) {
				receipts[m.Currency] = append(receipts[m.Currency], m.Minor)
			}
		}
	}
	return f, receipts
}

func naivePlans(active []*dental.Card, begun bool, booked func(*dental.Card) bool) (out Plans) {
	open := map[string]int64{}
	for _, c := range active {
		any := false
		for _, p := range c.Plans {
			count := map[dental.StageStatus]int{}
			for _, s := range p.Stages {
				count[s.Status]++
			}
			if count["planned"]+count["booked"] == 0 || count["done"] > 0 != begun {
				continue
			}
			any = true
			out.Plans++
			if count["booked"] == 0 && !booked(c) {
				out.Idle++
			}
			for _, s := range p.Stages {
				if s.Status == "planned" || s.Status == "booked" {
					if s.Price.Minor == 0 {
						out.Unpriced++
					} else {
						open[s.Price.Currency] += s.Price.Minor
					}
				}
			}
		}
		if any {
			out.Patients++
		}
	}
	for currency, minor := range open {
		out.Open = append(out.Open, dental.Money{Minor: minor, Currency: currency})
	}
	return out
}

func keep(list []*dental.Card, is func(*dental.Card) bool) (out []*dental.Card) {
	for _, c := range list {
		if is(c) {
			out = append(out, c)
		}
	}
	return out
}

// made is a card of a base as it really is: of everything, something.
func made(r *rand.Rand, i int, on dental.Date) *dental.Card {
	loc := clinic().Location()
	pick := func(of ...string) string { return of[r.IntN(len(of))] }
	p := dental.Patient{Clinic: "demo", ID: "P-" + strconv.Itoa(i), Status: dental.PatientStatus(pick("", "active", "active", "active", "archived", "moved", "deceased")),
		Excluded: r.IntN(20) == 0, Erased: r.IntN(20) == 0, Stub: r.IntN(9) == 0, Email: dental.Email(pick("", addressOf(r)+"@example.com"))}
	switch r.IntN(8) {
	case 0:
		p.PhoneIssue = pick("malformed", "extension", "several", "toll-free")
	case 1:
	case 2:
		p.Phone, p.PhoneRegion, p.Landline = "+74950000001", "RU", true
	case 3:
		p.Phone, p.PhoneRegion = "+491700000001", "DE"
	default:
		p.Phone, p.PhoneRegion = dental.Phone("+791600000"+addressOf(r)), pick("RU", "RU", "")
	}
	if r.IntN(2) == 0 {
		p.BirthDate = on.AddMonths(-12*18 + r.IntN(5) - 2).AddDays(r.IntN(5) - 2)
		p.GuardianID = pick("", "G-"+strconv.Itoa(r.IntN(10))) // of G-9 nothing was ever heard
	}
	for _, class := range dental.Classes() {
		for _, ch := range dental.Channels() {
			if r.IntN(3) == 0 {
				p.Consents = append(p.Consents, dental.Consent{Class: class, Channel: ch, Granted: r.IntN(2) == 0, At: said(r, on)})
			}
		}
	}
	if r.IntN(9) == 0 {
		p.NotMe = []string{pick(string(p.Phone), string(p.Email))}
	}
	c := &dental.Card{Patient: p}
	if r.IntN(40) == 0 {
		c.Patient.ID = "" // never heard of
	}
	price := func() dental.Money {
		if r.IntN(6) == 0 {
			return dental.Money{}
		}
		return dental.Money{Minor: int64(r.IntN(30)+1) * 50000, Currency: pick("RUB", "RUB", "RUB", "EUR")}
	}
	for v := range r.IntN(4) {
		edge := on.AddMonths(-[]int{0, 1, 6, 12, 18, 30}[r.IntN(6)]).AddDays(r.IntN(5) - 2)
		c.Visits = append(c.Visits, dental.Visit{ID: strconv.Itoa(v), AppointmentID: pick("", "A-0", "A-1"), FinishedAt: edge.At(dental.TimeOfDay(r.IntN(24*60)), loc), Receipt: price()})
	}
	for a := range r.IntN(3) {
		c.Appointments = append(c.Appointments, dental.Appointment{ID: "A-" + strconv.Itoa(a), Status: dental.AppointmentStatus(pick("booked", "confirmed", "cancelled", "missed")),
			Start: on.AddDays(r.IntN(7)-3).At(dental.TimeOfDay(r.IntN(24*60)), loc)})
	}
	for l := range r.IntN(3) {
		plan := dental.Plan{ID: strconv.Itoa(l)}
		for range r.IntN(4) {
			plan.Stages = append(plan.Stages, dental.Stage{Status: dental.StageStatus(pick("planned", "booked", "done", "cancelled")), Price: price()})
		}
		c.Plans = append(c.Plans, plan)
	}
	return c
}

// addressOf is one of a hundred addresses: families share them.
func addressOf(r *rand.Rand) string { return fmt.Sprintf("%02d", r.IntN(100)) }

// said is when something was said, often at one and the same instant.
func said(r *rand.Rand, on dental.Date) time.Time { return on.AddDays(-r.IntN(4)).At(0, time.UTC) }

// history is what the addresses of a base have been through.
func history(r *rand.Rand, on dental.Date) map[string]*dental.Contact {
	out := map[string]*dental.Contact{}
	for i := range 100 {
		for _, address := range []string{fmt.Sprintf("+791600000%02d", i), fmt.Sprintf("%02d@example.com", i)} {
			c := &dental.Contact{Key: address, Crowded: r.IntN(9) == 0}
			if r.IntN(9) == 0 {
				c.Suppressed = "bounce"
			}
			for _, class := range dental.Classes() {
				if r.IntN(4) == 0 {
					c.Refuse(said(r, on), "stop", class)
				}
			}
			if r.IntN(5) > 0 {
				out[address] = c
			}
		}
	}
	return out
}

// quiet is a clinic's base, and what its addresses have been through.
type quiet struct {
	cards     []*dental.Card
	guardians map[string]dental.Patient
	contacts  map[string]*dental.Contact
}

func base(seed uint64, n int, on dental.Date) (b quiet) {
	r := rand.New(rand.NewPCG(seed, 1))
	b.contacts, b.guardians = history(r, on), map[string]dental.Patient{}
	for i := range 9 {
		g := made(r, n+i, on).Patient
		g.ID = fmt.Sprintf("G-%d", i)
		b.guardians[g.ID] = g
	}
	for i := range n {
		b.cards = append(b.cards, made(r, i, on))
	}
	return b
}

func summed(cl *dental.Clinic, b quiet, on dental.Date) (p Part) {
	for _, c := range b.cards {
		p.Plus(Of(cl, c, b.guardians[c.Patient.GuardianID], b.contacts, on))
	}
	return p
}

func TestTheAuditIsWhatASecondNaiveCountComesTo(t *testing.T) {
	cl := clinic()
	for seed, date := range []string{"2026-09-15", "2026-02-28", "2024-02-29", "2025-08-31", "2026-01-01"} {
		on := day(t, date)
		b := base(uint64(seed), 800, on)
		sum := summed(cl, b, on)
		got := sum.Figures()
		want, receipts := naive(cl, b, on)
		for _, f := range []*Figures{&got, &want} { // an order of their own
			slices.SortFunc(f.Gone, func(a, b measure.Count) int { return int(b.N-a.N)*1000 + len(a.Code) - len(b.Code) })
			for _, p := range []*Plans{&f.NeverBegun, &f.Unfinished} {
				slices.SortFunc(p.Open, func(a, b dental.Money) int {
					return len(a.Currency) - len(b.Currency) + int(a.Currency[0]) - int(b.Currency[0])
				})
			}
		}
		of := got.Receipts
		got.Receipts = nil
		if !reflect.DeepEqual(got, want) {
			t.Errorf("as of %s the audit says\n%+v\nand the second count\n%+v", date, got, want)
		}
		for _, r := range of {
			all := receipts[r.Median.Currency]
			slices.Sort(all)
			total := int64(0)
			for _, m := range all {
				total += m
			}
			if r.N != int64(len(all)) || r.Median.Minor != all[(len(all)-1)/2] || r.Mean.Minor != total/int64(len(all)) {
				t.Errorf("as of %s the receipts are %+v, want %d, median %d, mean %d", date, r, len(all), all[(len(all)-1)/2], total/int64(len(all)))
			}
		}
		if len(of) != len(receipts) || got.Asleep == 0 || got.Reachable == 0 || got.MinorsAlone == 0 || got.NeverBegun.Idle == 0 {
			t.Errorf("as of %s the base is too poor to show anything: %+v", date, got)
		}
	}
}

func TestWhatIsCountedOfEachGroupAddsUpToTheActive(t *testing.T) {
	on := day(t, "2026-09-15")
	f := summed(clinic(), base(9, 500, on), on).Figures()
	sum := func(list []measure.Count) (n int64) {
		for _, c := range list {
			n += c.N
		}
		return n
	}
	seen := int64(0)
	for _, s := range f.Segments {
		seen += s.Patients
	}
	if sum(f.Gone)+f.Active != f.Cards || sum(f.Reach) != f.Active || sum(f.Phones) != f.Active || sum(f.Mails) != f.Active || seen != f.Active {
		t.Errorf("%+v", f)
	}
	for _, c := range f.Consents {
		if c.Granted+c.Refused+c.Silent != f.Active {
			t.Errorf("%+v of %d", c, f.Active)
		}
	}
}

func TestPartsAreAddedUpInAnyOrderAndHoweverTheyAreGrouped(t *testing.T) {
	cl, on := clinic(), day(t, "2026-02-28")
	rapid.Check(t, func(t *rapid.T) {
		b := base(rapid.Uint64().Draw(t, "seed"), rapid.IntRange(1, 40).Draw(t, "n"), on)
		whole := summed(cl, b, on)
		shuffled := slices.Clone(b.cards)
		rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "order"), 2)).Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		cut, cut2 := rapid.IntRange(0, len(shuffled)).Draw(t, "cut"), rapid.IntRange(0, len(shuffled)).Draw(t, "cut2")
		of := func(cards []*dental.Card) Part { return summed(cl, quiet{cards, b.guardians, b.contacts}, on) }
		first, second, third := of(shuffled[:min(cut, cut2)]), of(shuffled[min(cut, cut2):max(cut, cut2)]), of(shuffled[max(cut, cut2):])
		var left, right, rest Part
		left.Plus(first)
		left.Plus(second)
		left.Plus(third)
		rest.Plus(third)
		rest.Plus(second)
		right.Plus(rest)
		right.Plus(first)
		for _, p := range []Part{left, right} {
			if !alike(p, whole) {
				t.Fatalf("%v\nis not\n%v", p, whole)
			}
		}
	})
}

func alike(a, b Part) bool {
	return maps.Equal(a.Sums, b.Sums) && maps.EqualFunc(a.Receipts, b.Receipts, func(x, y Receipts) bool { return maps.Equal(x, y) })
}

func TestAPartIsReadAsItWasWritten(t *testing.T) {
	on := day(t, "2026-09-15")
	was := Audit{Run: "r", On: on, At: on.At(600, time.UTC), Patients: 9, Looked: 7, Done: true, Part: summed(clinic(), base(3, 200, on), on)}
	raw, err := json.Marshal(was)
	if err != nil {
		t.Fatal(err)
	}
	var got Audit
	if err := json.Unmarshal(raw, &got); err != nil || !alike(got.Part, was.Part) || got.Run != "r" || got.On != on || !got.At.Equal(was.At) || !got.Done || got.Looked != 7 {
		t.Errorf("%v\n%s", err, raw)
	}
}

func TestAMedianIsExactAmongRoundPricesAndWithinAHundredthAmongAny(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		round := rapid.Bool().Draw(t, "round")
		var all []int64
		r := Receipts{}
		for range rapid.IntRange(1, 60).Draw(t, "n") {
			minor := rapid.Int64Range(1, 50_000_000).Draw(t, "minor")
			if round {
				minor = (minor%999 + 1) * 10_000
			}
			all = append(all, minor)
			r.add(minor)
		}
		slices.Sort(all)
		want, got := all[(len(all)-1)/2], r.Median()
		if off := max(got-want, want-got); round && off != 0 || off*100 > want {
			t.Fatalf("the median of %v is said to be %d, it is %d", all, got, want)
		}
	})
}

func TestReceiptsFillABoundedNumberOfBuckets(t *testing.T) {
	r := Receipts{}
	for minor := int64(1); minor < 100*largest; minor += 1 + minor/2000 {
		r.add(minor)
	}
	if len(r) < 6000 || len(r) > 6401 {
		t.Errorf("%d buckets", len(r))
	}
	raw, err := json.Marshal(r)
	if err != nil || len(raw) > 200_000 {
		t.Errorf("%d bytes, %v", len(raw), err)
	}
	if got := (Receipts{}).Median(); got != 0 {
		t.Errorf("the median of nothing is %d", got)
	}
}

func TestOnlyAConsentOnAWayThatReachesThePatientCountsForAnInvitation(t *testing.T) {
	cl, on := clinic(), day(t, "2026-09-15")
	yes := func(class dental.Class, ch dental.Channel) dental.Consent {
		return dental.Consent{Class: class, Channel: ch, Granted: true}
	}
	for name, c := range map[string]struct {
		p    dental.Patient
		want int64
	}{
		"a mobile and a consent to SMS":      {dental.Patient{Phone: "+79160000001", Consents: []dental.Consent{yes(dental.Advertising, dental.SMS)}}, 1},
		"a mobile and a consent to e-mail":   {dental.Patient{Phone: "+79160000001", Consents: []dental.Consent{yes(dental.Advertising, dental.Mail)}}, 0},
		"an e-mail and a consent to e-mail":  {dental.Patient{Email: "a@example.com", Consents: []dental.Consent{yes(dental.Advertising, dental.Mail)}}, 1},
		"a mobile and a consent to care":     {dental.Patient{Phone: "+79160000001", Consents: []dental.Consent{yes(dental.Care, dental.SMS)}}, 0},
		"a mobile and a refusal":             {dental.Patient{Phone: "+79160000001", Consents: []dental.Consent{{Class: dental.Advertising, Channel: dental.SMS}}}, 0},
		"a landline and a consent to SMS":    {dental.Patient{Phone: "+74950000001", Landline: true, Consents: []dental.Consent{yes(dental.Advertising, dental.SMS)}}, 0},
		"a mobile and nothing recorded":      {dental.Patient{Phone: "+79160000001"}, 0},
		"a mobile and a consent to WhatsApp": {dental.Patient{Phone: "+79160000001", Consents: []dental.Consent{yes(dental.Advertising, dental.WhatsApp)}}, 1},
	} {
		c.p.Clinic, c.p.ID = "demo", "P"
		card := &dental.Card{Patient: c.p, Visits: []dental.Visit{{ID: "V", FinishedAt: on.AddDays(-300).At(9*60, cl.Location())}}}
		if got := Of(cl, card, dental.Patient{}, nil, on).Figures().Agreed; got != c.want {
			t.Errorf("%s: %d may be invited, want %d", name, got, c.want)
		}
	}
}

func TestAChildIsCalledBackByWayOfItsGuardianAndNeverInvitedByAnOffer(t *testing.T) {
	cl, on := clinic(), day(t, "2026-09-15")
	yes := []dental.Consent{{Class: dental.Advertising, Channel: dental.SMS, Granted: true}}
	mother := dental.Patient{Clinic: "demo", ID: "M", Phone: "+79160000002", Consents: yes}
	born := map[string]dental.Date{"a child": on.AddMonths(-12 * 12), "of age": on.AddMonths(-19 * 12)}
	for _, c := range []struct {
		who, phone       string
		guardian         dental.Patient
		named            bool
		way              string
		reaching, agreed int64
	}{
		{"a child", "+79160000001", dental.Patient{}, false, ByPhone, 0, 0}, // an appointment is reminded of, and nothing else is sent
		{"a child", "+79160000001", mother, true, ByPhone, 1, 0},
		{"a child", "", mother, true, ByPhone, 1, 0},
		{"a child", "+79160000001", dental.Patient{Clinic: "demo", ID: "M", Email: "m@example.com"}, true, ByMail, 1, 0},
		{"a child", "+79160000001", dental.Patient{}, true, ByNeither, 0, 0},
		{"a child", "+79160000001", dental.Patient{Clinic: "demo", ID: "M", Phone: "+79160000002", Stub: true}, true, ByNeither, 0, 0},
		{"a child", "+79160000001", dental.Patient{Clinic: "demo", ID: "M", Phone: "+79160000002", Status: dental.Moved}, true, ByNeither, 0, 0},
		{"of age", "+79160000001", mother, true, ByPhone, 1, 1},
		{"of age", "+79160000002", mother, true, ByNeither, 0, 0}, // the mother's number is not their own any more
	} {
		card := &dental.Card{Patient: dental.Patient{Clinic: "demo", ID: "P", BirthDate: born[c.who], Phone: dental.Phone(c.phone), Consents: yes},
			Visits: []dental.Visit{{ID: "V", FinishedAt: on.AddDays(-300).At(9*60, cl.Location())}}}
		if c.named {
			card.Patient.GuardianID = "M"
		}
		f := Of(cl, card, c.guardian, nil, on).Figures()
		i := slices.IndexFunc(f.Reach, func(x measure.Count) bool { return x.N == 1 })
		if f.Reach[i].Code != c.way || f.Reachable != c.reaching || f.Agreed != c.agreed {
			t.Errorf("%+v: by %q, %d called back, %d invited", c, f.Reach[i].Code, f.Reachable, f.Agreed)
		}
	}
}

func TestAnAddressThatNothingIsSentToReachesNobody(t *testing.T) {
	cl, on := clinic(), day(t, "2026-09-15")
	long := on.AddDays(-300).At(9*60, cl.Location())
	card := &dental.Card{Patient: dental.Patient{Clinic: "demo", ID: "P", Phone: "+79160000001", PhoneRegion: "RU", NotMe: []string{"disowned"}, Consents: []dental.Consent{
		{Class: dental.Advertising, Channel: dental.SMS, Granted: true, At: long}}}, Visits: []dental.Visit{{ID: "V", FinishedAt: long}}}
	for name, c := range map[string]struct {
		contact           *dental.Contact
		phone             string
		reachable, agreed int64
	}{
		"nothing has happened":               {nil, Mobile, 1, 1},
		"a family shares it":                 {&dental.Contact{Members: []dental.Member{{Clinic: "demo", Patient: "P"}, {Clinic: "demo", Patient: "Q"}}}, Mobile, 1, 1},
		"it stands in too many cards":        {&dental.Contact{Crowded: true}, Shared, 0, 0},
		"the carrier knows no such number":   {&dental.Contact{Suppressed: "unknown-subscriber"}, Dead, 0, 0},
		"its holder is another":              {&dental.Contact{Key: "disowned"}, Others, 0, 0},
		"its holder said STOP later":         {&dental.Contact{OptOuts: []dental.OptOut{{Class: dental.Advertising, At: long.Add(time.Hour)}}}, Mobile, 1, 0},
		"its holder said STOP, agreed later": {&dental.Contact{OptOuts: []dental.OptOut{{Class: dental.Advertising, At: long.Add(-time.Hour)}}}, Mobile, 1, 1},
	} {
		f := Of(cl, card, dental.Patient{}, map[string]*dental.Contact{"+79160000001": c.contact}, on).Figures()
		i := slices.IndexFunc(f.Phones, func(x measure.Count) bool { return x.N == 1 })
		if f.Phones[i].Code != c.phone || f.Reachable != c.reachable || f.Agreed != c.agreed {
			t.Errorf("%s: the phone is %q, %d can be reached and %d invited; want %q, %d, %d", name, f.Phones[i].Code, f.Reachable, f.Agreed, c.phone, c.reachable, c.agreed)
		}
	}
}

func TestARangeIsSaidRoundedToTwoFigures(t *testing.T) {
	for minor, want := range map[int64]int64{0: 0, 7: 7, 99: 99, 7711789: 7700000, 30000000: 30000000, 375000: 380000, 99500: 100000} {
		if got := About(dental.Money{Minor: minor, Currency: "RUB"}); got != (dental.Money{Minor: want, Currency: "RUB"}) {
			t.Errorf("%d is about %v, want %d", minor, got, want)
		}
	}
}

func TestTheRangeFollowsItsFormula(t *testing.T) {
	r := Receipts{}
	for _, roubles := range []int64{1000, 3000, 3000, 9000} { // median 3,000, average 4,000
		r.add(roubles * 100)
	}
	p := Part{Sums: measure.Sums{"asleep": 100, "asleep/reach": 60}, Receipts: map[string]Receipts{"RUB": r, "EUR": {100: {5000, 500000}}}}
	rub := func(roubles int64) dental.Money { return dental.Money{Minor: roubles * 100, Currency: "RUB"} }
	s := p.Figures().AtStake(Returns{Low: 50, High: 150}, "RUB")
	if !s.Known || s.Receipt != rub(3000) || s.Most != rub(4000) || s.Lowest != rub(9000) || s.Highest != rub(60000) {
		t.Errorf("60 × 5 %% × 3,000 to 100 × 15 %% × 4,000 is said to be %+v", s)
	}
	if s := p.Figures().AtStake(Assumed(), "USD"); s.Known || s.Highest.Minor != 0 {
		t.Errorf("without a receipt of the currency: %+v", s)
	}
	skewed := Receipts{}
	for _, roubles := range []int64{1000, 9000, 9000} { // the average is below the median
		skewed.add(roubles * 100)
	}
	p.Receipts["RUB"] = skewed
	if s := p.Figures().AtStake(Returns{Low: 100, High: 100}, "RUB"); s.Receipt.Minor != 633333 || s.Most != rub(9000) || s.Lowest.Minor > s.Highest.Minor {
		t.Errorf("an average below the median: %+v", s)
	}
}

func TestTheLowestIsNeverAboveTheHighest(t *testing.T) {
	on := day(t, "2026-09-15")
	rapid.Check(t, func(t *rapid.T) {
		f := summed(clinic(), base(rapid.Uint64().Draw(t, "seed"), rapid.IntRange(0, 60).Draw(t, "n"), on), on).Figures()
		returns := Assumed()
		if came, sent := rapid.Int64Range(0, 400).Draw(t, "came"), rapid.Int64Range(1, 400).Draw(t, "sent"); came <= sent {
			if r, known := MeasuredOf(came, sent); known {
				returns = r
			}
		}
		if s := f.AtStake(returns, "RUB"); s.Lowest.Minor > s.Highest.Minor || s.Lowest.Minor < 0 {
			t.Fatalf("%+v", s)
		}
	})
}

func TestAClinicsOwnExperienceCountsOnceThereIsEnoughOfIt(t *testing.T) {
	for _, c := range []struct{ came, sent int64 }{{0, 0}, {20, 99}, {4, 400}, {397, 400}} {
		if r, known := MeasuredOf(c.came, c.sent); known {
			t.Errorf("%d of %d is said to be known: %+v", c.came, c.sent, r)
		}
	}
	r, known := MeasuredOf(20, 200)
	if !known || r.Low < 60 || r.Low > 70 || r.High < 145 || r.High > 155 || r.Measured != (measure.Share{Of: 20, All: 200}) {
		t.Errorf("20 of 200 is %+v, %v", r, known)
	}
}

func TestSilenceIsReadByTheClassAndTheClinic(t *testing.T) {
	row := func(class dental.Class) Consents { return Consents{Class: class, Granted: 3, Refused: 4, Silent: 5} }
	for _, c := range []struct {
		class dental.Class
		care  dental.CareConsent
		want  int64
	}{{dental.Service, dental.Explicit, 8}, {dental.Care, dental.Presumed, 8}, {dental.Care, "", 8}, {dental.Care, dental.Explicit, 3}, {dental.Advertising, dental.Presumed, 3}} {
		if got := row(c.class).Allowed(c.care); got != c.want {
			t.Errorf("%s where care is %s: %d may be sent to, want %d", c.class, c.care, got, c.want)
		}
	}
}
