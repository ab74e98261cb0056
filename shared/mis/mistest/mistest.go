// Package mistest tries the adapter of a system of record against one model of
// the facts: a clinic's office in which people change their minds. Whatever
// happens in the office, the system tells it in its own words; the words are
// doubled, put out of order, lost and told late; and in the end the cards must
// say what the office says.
package mistest

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/intake"
	"github.com/returnpoint/returnpoint/shared/phone"
	"github.com/returnpoint/returnpoint/shared/scenario"
	"github.com/returnpoint/returnpoint/shared/store"
	"github.com/returnpoint/returnpoint/shared/table/tabletest"
)

// Office is the state of the modelled clinic's system of record.
type Office struct {
	Clinic   *dental.Clinic
	Account  dental.Account
	Now      time.Time
	Patients []*Patient
	Records  []*Record
	Payments []*Payment
	Stages   []*Stage
}

// Patient is a card of the office.
type Patient struct {
	ID                           int
	FamilyName, GivenName, Phone string
	BirthDate                    dental.Date
	Deleted                      bool
	Version                      int64 // rises with each change
	Changed                      time.Time
}

// Status is what has become of a record.
type Status int

// The states of a record.
const (
	Waiting Status = iota
	Confirmed
	Came // the visit took place
	Missed
	Cancelled
)

// Record is a time in the office's book, and the visit that comes of it.
type Record struct {
	ID      int
	Patient *Patient
	Start   time.Time // in the clinic's zone, whole minutes
	Minutes int
	Status  Status
	Service Service
	Deleted bool
	Version int64
	Changed time.Time
}

// Service is what is done.
type Service struct {
	ID    int
	Code  string // of the Russian nomenclature (order 804n)
	Name  string
	Price int // whole roubles
}

// Payment is money taken for a record, or given back.
type Payment struct {
	ID      int
	Record  *Record
	Roubles int
	Refund  bool
	Deleted bool
	At      time.Time
	Version int64
	Changed time.Time
}

// Stage is one stage of a patient's one treatment plan.
type Stage struct {
	ID      int
	Patient *Patient
	Service Service
	Done    bool
	Deleted bool
	At      time.Time
	Version int64
	Changed time.Time
}

// Vendor is one system of record as the suite needs it.
type Vendor struct {
	Name string // of dental's systems
	// Tells says which facts the system can tell at all: what it cannot is not compared.
	Tells Tells
	// Ordered: each object bears a version or a time of change that orders its
	// states. Where it does not, an older state that arrives late is right only
	// after Reread.
	Ordered bool
	// Read is the adapter's Reader.
	Read intake.Reader
	// Say is the deliveries by which the system tells that an object of the office,
	// a *Patient, *Record, *Payment or *Stage, has come to its present state.
	Say func(o *Office, object any) []intake.Delivery
	// Fetch reads an object that a delivery only named, as the system has it now; nil where none does.
	Fetch func(o *Office, ref intake.Ref) []intake.Object
	// Reread is what the reconciler brings of the whole office; nil where the system has none.
	Reread func(o *Office) []intake.Object
}

// Tells are the kinds of facts that a system can tell.
type Tells struct{ BirthDates, Payments, Receipts, Stages, DeletedPatients bool }

// Run holds an adapter to the model.
func Run(t *testing.T, clinic *dental.Clinic, account dental.Account, vendor Vendor) {
	t.Run("what the office knows stands on the cards in the end", func(t *testing.T) {
		rapid.Check(t, func(t *rapid.T) { play(t, clinic, account, vendor) })
	})
}

func play(t *rapid.T, clinic *dental.Clinic, account dental.Account, v Vendor) {
	own := *clinic
	own.HeardAt = time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC) // the clinic has no item here that would be told
	o := &Office{Clinic: &own, Account: account, Now: time.Date(2026, 3, 10, 9, 0, 0, 0, clinic.Location())}
	var said []intake.Delivery
	for range rapid.IntRange(1, 40).Draw(t, "changes") {
		o.Now = o.Now.Add(time.Duration(rapid.IntRange(1, 600).Draw(t, "minutes")) * time.Minute)
		for range rapid.SampledFrom([]int{1, 1, 1, 6}).Draw(t, "storm") {
			o.Now = o.Now.Add(time.Second)
			if object := o.change(t, v.Tells); object != nil {
				said = append(said, v.Say(o, object)...)
			}
		}
	}
	said = disturb(t, said, v)
	in, st := newIntake(o)
	for _, d := range said {
		d.At = o.Now
		heard, err := v.Read(o.Clinic, o.Account, d)
		if err != nil {
			t.Fatalf("the adapter does not understand its own system: %v\n%s", err, d.Body)
		}
		learn(t, in, o, heard.Objects)
		for _, ref := range heard.Fetch {
			learn(t, in, o, v.Fetch(o, ref))
		}
	}
	if v.Reread != nil {
		learn(t, in, o, v.Reread(o))
	}
	before := digest(t, st, o, v.Tells)
	if want := o.digest(v.Tells); before != want {
		t.Fatalf("the cards say\n%s\nthe office says\n%s", before, want)
	}
	if v.Reread != nil {
		learn(t, in, o, v.Reread(o))
		if after := digest(t, st, o, v.Tells); after != before {
			t.Fatalf("asked once more, the cards say\n%s\nand said before\n%s", after, before)
		}
	}
}

// disturb does to deliveries what networks do: any is told again, and where
// objects are ordered, or all is read again in the end, any is told late; where
// all is read again some are lost.
func disturb(t *rapid.T, said []intake.Delivery, v Vendor) []intake.Delivery {
	var out []intake.Delivery
	for _, d := range said {
		if v.Reread != nil && rapid.IntRange(0, 9).Draw(t, "lost") == 0 {
			continue
		}
		out = append(out, d)
		if rapid.IntRange(0, 3).Draw(t, "doubled") == 0 && (v.Ordered || v.Reread != nil) {
			out = append(out, d)
		}
	}
	if v.Ordered || v.Reread != nil {
		for range len(out) / 2 {
			i, j := rapid.IntRange(0, len(out)-1).Draw(t, "from"), rapid.IntRange(0, len(out)-1).Draw(t, "to")
			d := out[i]
			out = slices.Insert(slices.Delete(out, i, i+1), min(j, len(out)-1), d)
		}
	}
	return out
}

func learn(t *rapid.T, in *intake.Intake, o *Office, objects []intake.Object) {
	outcomes, err := in.Learn(context.Background(), o.Clinic, intake.How{}, o.Now, objects...)
	if err != nil {
		t.Fatal(err)
	}
	for i, outcome := range outcomes {
		if outcome.Err != nil {
			t.Fatalf("%s %s was refused: %v", objects[i].Kind, objects[i].ID, outcome.Err)
		}
	}
}

func newIntake(o *Office) (*intake.Intake, *store.Store) {
	clock := func() time.Time { return o.Now }
	st, err := store.New(tabletest.NewReference(clock, rand.Reader), store.Keys{Contact: []byte(strings.Repeat("c", 32)), Link: []byte(strings.Repeat("l", 32))}, clock)
	if err != nil {
		panic(err)
	}
	return &intake.Intake{Store: st, Catalogue: scenario.Shipped(), Phones: phone.Read, Log: slog.New(slog.NewTextHandler(io.Discard, nil))}, st
}

// Services are what the office does.
func Services() []Service {
	return []Service{
		{1, "A16.07.051", "Профессиональная гигиена полости рта", 5400},
		{2, "A16.07.002", "Восстановление зуба пломбой", 7200},
		{3, "A16.07.054", "Внутрикостная дентальная имплантация", 48000},
		{4, "B01.065.007", "Приём врача-стоматолога-терапевта", 900},
	}
}

// change lets something happen in the office and returns the object that changed.
func (o *Office) change(t *rapid.T, tells Tells) any {
	kinds := []string{"new patient", "patient", "new record", "status", "move", "hand over", "service", "delete record"}
	if tells.DeletedPatients {
		kinds = append(kinds, "delete patient")
	}
	if tells.Payments {
		kinds = append(kinds, "pay", "correct payment", "delete payment")
	}
	if tells.Stages {
		kinds = append(kinds, "plan", "stage done", "delete stage")
	}
	switch rapid.SampledFrom(kinds).Draw(t, "what") {
	case "new patient":
		p := &Patient{ID: len(o.Patients) + 1, FamilyName: family(t), GivenName: "Вера", Phone: number(len(o.Patients)), BirthDate: dental.Date{Year: 1980, Month: 3, Day: 1 + len(o.Patients)%28}}
		o.Patients = append(o.Patients, p)
		return o.touched(p)
	case "patient":
		if p := pick(t, o.Patients, func(p *Patient) bool { return !p.Deleted }); p != nil {
			p.FamilyName, p.Phone = family(t), number(rapid.IntRange(0, 99).Draw(t, "number"))
			return o.touched(p)
		}
	case "delete patient":
		if p := pick(t, o.Patients, func(p *Patient) bool { return !p.Deleted && !o.has(p) }); p != nil {
			p.Deleted = true
			return o.touched(p)
		}
	case "new record":
		if p := pick(t, o.Patients, func(p *Patient) bool { return !p.Deleted }); p != nil {
			r := &Record{ID: 100 + len(o.Records), Patient: p, Start: o.start(t), Minutes: 30, Service: rapid.SampledFrom(Services()).Draw(t, "service")}
			o.Records = append(o.Records, r)
			return o.touched(r)
		}
	case "status":
		if r := pick(t, o.Records, func(r *Record) bool { return !r.Deleted }); r != nil {
			r.Status = rapid.SampledFrom([]Status{Waiting, Confirmed, Came, Missed, Cancelled}).Draw(t, "status")
			if r.Status == Came && r.Start.After(o.Now) { // a visit that is yet to come has not been
				r.Start = daytime(o.Now.AddDate(0, 0, -1))
			}
			return o.touched(r)
		}
	case "move":
		if r := pick(t, o.Records, func(r *Record) bool { return !r.Deleted && r.Status != Came }); r != nil {
			r.Start = o.start(t)
			return o.touched(r)
		}
	case "hand over":
		r, p := pick(t, o.Records, func(r *Record) bool { return !r.Deleted && !o.paid(r) }), pick(t, o.Patients, func(p *Patient) bool { return !p.Deleted })
		if r != nil && p != nil && r.Patient != p {
			r.Patient = p
			return o.touched(r)
		}
	case "service":
		if r := pick(t, o.Records, func(r *Record) bool { return !r.Deleted }); r != nil {
			r.Service = rapid.SampledFrom(Services()).Draw(t, "service")
			return o.touched(r)
		}
	case "delete record":
		if r := pick(t, o.Records, func(r *Record) bool { return !r.Deleted && !o.paid(r) }); r != nil {
			r.Deleted = true
			return o.touched(r)
		}
	case "pay":
		if r := pick(t, o.Records, func(r *Record) bool { return !r.Deleted && r.Status == Came }); r != nil {
			p := &Payment{ID: 5000 + len(o.Payments), Record: r, Roubles: rapid.IntRange(1, 90000).Draw(t, "roubles"), Refund: rapid.IntRange(0, 4).Draw(t, "refund") == 0, At: o.Now.Truncate(time.Second)}
			o.Payments = append(o.Payments, p)
			return o.touched(p)
		}
	case "correct payment":
		if p := pick(t, o.Payments, func(p *Payment) bool { return !p.Deleted }); p != nil {
			p.Roubles = rapid.IntRange(1, 90000).Draw(t, "roubles")
			return o.touched(p)
		}
	case "delete payment":
		if p := pick(t, o.Payments, func(p *Payment) bool { return !p.Deleted }); p != nil {
			p.Deleted = true
			return o.touched(p)
		}
	case "plan":
		if p := pick(t, o.Patients, func(p *Patient) bool { return !p.Deleted }); p != nil {
			s := &Stage{ID: 9000 + len(o.Stages), Patient: p, Service: rapid.SampledFrom(Services()).Draw(t, "service"), At: o.Now.Truncate(time.Second)}
			o.Stages = append(o.Stages, s)
			return o.touched(s)
		}
	case "stage done":
		if s := pick(t, o.Stages, func(s *Stage) bool { return !s.Deleted && !s.Done }); s != nil {
			s.Done = true
			return o.touched(s)
		}
	case "delete stage":
		if s := pick(t, o.Stages, func(s *Stage) bool { return !s.Deleted }); s != nil {
			s.Deleted = true
			return o.touched(s)
		}
	}
	return nil
}

func (o *Office) touched(object any) any {
	switch x := object.(type) {
	case *Patient:
		x.Version, x.Changed = x.Version+1, o.Now
	case *Record:
		x.Version, x.Changed = x.Version+1, o.Now
	case *Payment:
		x.Version, x.Changed = x.Version+1, o.Now
	case *Stage:
		x.Version, x.Changed = x.Version+1, o.Now
	}
	return object
}

func (o *Office) has(p *Patient) bool {
	return slices.ContainsFunc(o.Records, func(r *Record) bool { return r.Patient == p && !r.Deleted }) ||
		slices.ContainsFunc(o.Stages, func(s *Stage) bool { return s.Patient == p && !s.Deleted })
}

func (o *Office) paid(r *Record) bool {
	return slices.ContainsFunc(o.Payments, func(p *Payment) bool { return p.Record == r && !p.Deleted })
}

func (o *Office) start(t *rapid.T) time.Time {
	return daytime(o.Now.Add(time.Duration(rapid.IntRange(-20, 60).Draw(t, "half days")) * 12 * time.Hour))
}

// daytime moves a time into the hours in which clinics work, so that no visit ends on another day.
func daytime(at time.Time) time.Time {
	return time.Date(at.Year(), at.Month(), at.Day(), 8+at.Hour()/2, at.Minute(), 0, 0, at.Location())
}

func family(t *rapid.T) string {
	return rapid.SampledFrom([]string{"Ромашкина", "Васильков", "О'Нил-Ягодка", "Ким"}).Draw(t, "family name")
}

// number is a mobile one that cannot belong to anyone.
func number(n int) string { return fmt.Sprintf("+791600000%02d", n%100) }

func pick[T any](t *rapid.T, from []T, ok func(T) bool) T {
	var fits []T
	for _, x := range from {
		if ok(x) {
			fits = append(fits, x)
		}
	}
	var none T
	if len(fits) == 0 {
		return none
	}
	return rapid.SampledFrom(fits).Draw(t, "which")
}

// digest is what the office knows, a line a fact.
func (o *Office) digest(tells Tells) string {
	var lines []string
	say := func(format string, args ...any) { lines = append(lines, fmt.Sprintf(format, args...)) }
	for _, p := range o.Patients {
		switch {
		case p.Deleted:
			continue
		case tells.BirthDates:
			say("%s: %s, %s, born %s", p.Phone, p.FamilyName, p.GivenName, p.BirthDate)
		default:
			say("%s: %s, %s", p.Phone, p.FamilyName, p.GivenName)
		}
	}
	for _, r := range o.Records {
		if r.Deleted {
			continue
		}
		at := r.Start.UTC().Format(time.RFC3339)
		switch r.Status {
		case Came:
			receipt := ""
			if tells.Receipts {
				receipt = fmt.Sprintf(" for %d", r.Service.Price)
			}
			say("%s: visit of %s: %s%s", r.Patient.name(), dental.DateOf(r.Start.In(o.Clinic.Location())), r.Service.Name, receipt)
		case Missed:
			say("%s: appointment %s: missed", r.Patient.name(), at)
		case Confirmed:
			say("%s: appointment %s: confirmed: %s", r.Patient.name(), at, r.Service.Name)
		case Waiting:
			say("%s: appointment %s: booked: %s", r.Patient.name(), at, r.Service.Name)
		}
	}
	for _, p := range o.Payments {
		if !p.Deleted {
			kind := dental.Paid
			if p.Refund {
				kind = dental.Refund
			}
			say("%s: %s of %d", p.Record.Patient.name(), kind, p.Roubles)
		}
	}
	for _, s := range o.Stages {
		if !s.Deleted {
			status := dental.StagePlanned
			if s.Done {
				status = dental.StageDone
			}
			say("%s: stage %s: %s", s.Patient.name(), s.Service.Name, status)
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// name is how a patient is named on both sides: each has an own birth date and number.
func (p *Patient) name() string { return p.FamilyName + " " + p.Phone }

// digest is what the cards say, in the same words.
func digest(t *rapid.T, st *store.Store, o *Office, tells Tells) string {
	var lines []string
	say := func(format string, args ...any) { lines = append(lines, fmt.Sprintf(format, args...)) }
	var patients []string
	err := st.Patients(context.Background(), o.Clinic.ID, dental.Date{Year: 2000, Month: 1, Day: 1}, dental.DateOf(o.Now).AddDays(60), func(p string) error {
		patients = append(patients, p)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range patients {
		card, err := st.Begin().Card(context.Background(), o.Clinic.ID, id)
		if err != nil {
			t.Fatal(err)
		}
		p := card.Patient
		if _, gone := p.Gone(); gone {
			continue
		}
		name := p.FamilyName + " " + string(p.Phone)
		if tells.BirthDates {
			say("%s: %s, %s, born %s", string(p.Phone), p.FamilyName, p.GivenName, p.BirthDate)
		} else {
			say("%s: %s, %s", string(p.Phone), p.FamilyName, p.GivenName)
		}
		for _, v := range card.Visits {
			var names []string
			for _, procedure := range v.Procedures {
				names = append(names, procedure.Name)
			}
			receipt := ""
			if tells.Receipts {
				receipt = fmt.Sprintf(" for %d", v.Receipt.Minor/100)
			}
			say("%s: visit of %s: %s%s", name, dental.DateOf(v.FinishedAt.In(o.Clinic.Location())), strings.Join(names, ", "), receipt)
		}
		for _, a := range card.Appointments {
			if card.Attended(a.ID) || a.Status == dental.Cancelled {
				continue
			}
			service := ""
			if a.Status != dental.Missed {
				for _, s := range a.Services {
					service += ": " + s.Name
				}
			}
			say("%s: appointment %s: %s%s", name, a.Start.UTC().Format(time.RFC3339), a.Status, service)
		}
		for _, f := range card.Payments {
			say("%s: %s of %d", name, f.Kind, f.Amount.Minor/100)
		}
		for _, plan := range card.Plans {
			for _, s := range plan.Stages {
				if s.Status != dental.StageCancelled {
					say("%s: stage %s: %s", name, s.Name, s.Status)
				}
			}
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// Ordered sorts objects as a system lists them: by their last change, then as they stand.
func Ordered[T any](objects []T, changed func(T) time.Time) []T {
	out := slices.Clone(objects)
	slices.SortStableFunc(out, func(a, b T) int { return cmp.Compare(changed(a).UnixNano(), changed(b).UnixNano()) })
	return out
}
