package intake_test

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/intake"
	"github.com/returnpoint/returnpoint/shared/stagetest"
)

// record is an object of a system that counts versions.
func record(id string, version int64, facts ...intake.Event) intake.Object {
	return intake.Object{System: "vendor", Kind: "record", ID: id, Version: version, Body: fmt.Sprint(id, version), Facts: facts}
}

// learn takes objects in and reports which of them were news.
func learn(s *stagetest.Stage, how intake.How, objects ...intake.Object) (news []bool) {
	s.T.Helper()
	outcomes, err := s.Intake.Learn(s.T.Context(), &s.Clinic, how, s.Now(), objects...)
	if err != nil {
		s.T.Fatal(err)
	}
	for i, o := range outcomes {
		if o.Err != nil {
			s.T.Fatalf("%s was refused: %v", objects[i].ID, o.Err)
		}
		news = append(news, o.News)
	}
	return news
}

func to(patient string, events ...intake.Event) []intake.Event {
	for i := range events {
		switch e := &events[i]; {
		case e.Card != nil:
			e.Card.ID = patient
		case e.Appointment != nil:
			e.Appointment.Patient = patient
		case e.Visit != nil:
			e.Visit.Patient = patient
		}
	}
	return events
}

func TestAnObjectThatIsHandedToAnotherPatientTakesItsFactsWithIt(t *testing.T) {
	s := stagetest.New(t, start)
	visit := func() intake.Event { return visitEvent(0, "V-1", s.Now().Add(-2*time.Hour), 5000, dental.Hygiene) }
	learn(s, intake.How{}, record("1", 1, to("P-1", visit())...))
	learn(s, intake.How{}, record("1", 2, to("P-2", visit())...))
	if was, is := s.Card("P-1"), s.Card("P-2"); len(was.Visits) != 0 || len(is.Visits) != 1 {
		t.Errorf("the visit stands on %d cards of the one and %d of the other", len(was.Visits), len(is.Visits))
	}
	for _, m := range s.Card("P-1").Milestones {
		if m.Kind == dental.LastVisit && !m.Date.IsZero() {
			t.Errorf("who it was taken from was there on %s", m.Date)
		}
	}
	for _, touch := range s.Card("P-1").Touches {
		if touch.State.Open() {
			t.Errorf("%s is still to leave to whom it was taken from", touch.ID())
		}
	}
	if news := learn(s, intake.How{}, record("1", 1, to("P-1", visit())...)); news[0] || len(s.Card("P-1").Visits) != 0 {
		t.Error("an older word brought it back")
	}
}

func TestADeletedObjectIsNotRevived(t *testing.T) {
	s := stagetest.New(t, start)
	booked := func() intake.Event {
		return appointmentEvent(intake.AppointmentBooked, 0, "A-1", s.Now().Add(72*time.Hour), dental.Booked)
	}
	gone := record("1", 3)
	gone.Gone = true
	learn(s, intake.How{}, record("1", 2, booked()), gone)
	if a := s.Card("P-1").Appointment("A-1"); a.Status != dental.Cancelled {
		t.Errorf("the appointment of a deleted record is %s", a.Status)
	}
	if news := learn(s, intake.How{}, record("1", 4, booked())); news[0] || s.Card("P-1").Appointment("A-1").Status != dental.Cancelled {
		t.Error("a later word revived it")
	}
	before := record("2", 1)
	before.Gone = true
	if learn(s, intake.How{}, before, record("2", 9, appointmentEvent(intake.AppointmentBooked, 0, "A-2", s.Now().Add(72*time.Hour), dental.Booked))); s.Card("P-1").Appointment("A-2") != nil {
		t.Error("what was deleted before it was heard of came to life")
	}
}

func TestAnObjectThatCannotBeReadIsRefusedWhateverIsKnownOfIt(t *testing.T) {
	s := stagetest.New(t, start)
	booked := func(id string, version int64) intake.Object {
		return record(id, version, appointmentEvent(intake.AppointmentBooked, 0, "A-"+id, s.Now().Add(72*time.Hour), dental.Booked))
	}
	gone := record("gone", 3)
	gone.Gone = true
	learn(s, intake.How{}, booked("known", 5), gone)
	before := s.Card("P-1")
	why := dental.Errorf(dental.Invalid, "price", "is not an amount")
	unread := func(id string) intake.Object {
		return intake.Object{System: "vendor", Kind: "record", ID: id, Unreadable: why, Facts: to("P-2", booked("x", 1).Facts...)}
	}
	unnamed := unread("x")
	unnamed.System = ""
	outcomes, err := s.Intake.Learn(t.Context(), &s.Clinic, intake.How{}, s.Now(),
		unread("known"), unread("never"), unread("gone"), unread(""), unnamed, unread("known"), booked("good", 1), unread("good"))
	if err != nil {
		t.Fatal(err)
	}
	for i, o := range outcomes {
		switch good := i == 6; {
		case good && (o.Err != nil || !o.News):
			t.Errorf("what can be read comes to %+v", o)
		case !good && (!errors.Is(o.Err, why) || o.News):
			t.Errorf("the object %d comes to %+v", i, o)
		}
	}
	after := s.Card("P-1")
	if a := after.Appointment("A-known"); len(after.Appointments) != 2 || !reflect.DeepEqual(*a, *before.Appointment("A-known")) || s.Card("P-2").Known() {
		t.Errorf("the appointments are %+v", after.Appointments)
	}
	if learn(s, intake.How{}, booked("known", 5))[0] {
		t.Error("what was known is forgotten")
	}
	if !learn(s, intake.How{}, booked("never", 1))[0] {
		t.Error("what could not be read is remembered")
	}
}

func TestAVisitIsWhatItsPiecesSayInWhicheverOrderTheyCome(t *testing.T) {
	piece := func(id string, p dental.Piece) intake.Object {
		p.Clinic, p.Patient, p.Visit, p.ID = "demo", "P-1", "V-1", id
		o := record(id, 1, intake.Event{Piece: &p})
		o.Kind = "piece"
		return o
	}
	s := stagetest.New(t, start)
	hygiene := piece("a", dental.Piece{Procedure: dental.Procedure{Code: "A16.07.051", Name: "Гигиена"}})
	caries := piece("b", dental.Piece{Diagnosis: dental.Coded{Code: "K02.1"}})
	money := piece("c", dental.Piece{Amount: dental.Money{Minor: 540000, Currency: "RUB"}})
	more := piece("d", dental.Piece{Amount: dental.Money{Minor: 60000, Currency: "RUB"}})
	learn(s, intake.How{}, hygiene, money, record("1", 1, visitEvent(0, "V-1", s.Now().Add(-time.Hour), 0)), caries, more)
	v := s.Card("P-1").Visit("V-1")
	if len(v.Procedures) != 1 || v.Procedures[0].Kind != dental.Hygiene || len(v.Diagnoses) != 1 || v.Receipt.Minor != 600000 {
		t.Fatalf("the visit is %+v", v)
	}
	more.Gone, more.Facts, more.Version = true, nil, 2
	hygiene.Gone, hygiene.Facts, hygiene.Version = true, nil, 2
	learn(s, intake.How{}, more, hygiene)
	if v = s.Card("P-1").Visit("V-1"); len(v.Procedures) != 0 || v.Receipt.Minor != 540000 {
		t.Errorf("after two pieces were deleted the visit is %+v", v)
	}
	// And the visit told again does not forget them.
	learn(s, intake.How{}, record("1", 2, visitEvent(0, "V-1", s.Now().Add(-time.Hour), 0)))
	if v = s.Card("P-1").Visit("V-1"); len(v.Diagnoses) != 1 || v.Receipt.Minor != 540000 {
		t.Errorf("told again the visit is %+v", v)
	}
}

// TestWhatAVisitSaysItselfGivesWayToPiecesOfItsSortAlone tells of a visit and of
// its pieces, and takes some of them back, in every order and from two sources.
func TestWhatAVisitSaysItselfGivesWayToPiecesOfItsSortAlone(test *testing.T) {
	rub := func(minor int64) dental.Money { return dental.Money{Minor: minor, Currency: "RUB"} }
	type told struct {
		object intake.Object
		quiet  bool
	}
	sorts := []dental.Piece{{Procedure: dental.Procedure{Name: "Имплантация", Kind: dental.Implant}}, {Diagnosis: dental.Coded{Code: "K08.1"}}, {Amount: rub(4800000)}}
	rapid.Check(test, func(t *rapid.T) {
		var all []told
		tell := func(o intake.Object) { all = append(all, told{o, rapid.Bool().Draw(t, "in a file")}) }
		for version := range int64(rapid.IntRange(1, 2).Draw(t, "times")) {
			e := visitEvent(0, "V-1", start.Add(-time.Hour), 10000*(version+1), dental.Hygiene)
			e.Visit.Diagnoses = []dental.Coded{{Code: "Z01.2"}}
			tell(record("1", version+1, e))
		}
		last := all[len(all)-1].object.Facts[0].Visit
		want := dental.VisitContent{Procedures: last.Procedures, Diagnoses: last.Diagnoses, Receipt: last.Receipt}
		for i, p := range sorts {
			state := rapid.SampledFrom([]string{"never told", "stands", "taken back"}).Draw(t, "piece")
			if state == "never told" {
				continue
			}
			p.Clinic, p.Patient, p.Visit, p.ID = "demo", "P-1", "V-1", fmt.Sprint("p", i)
			o := record(p.ID, 1, intake.Event{Piece: &p})
			tell(o)
			if state == "taken back" {
				o.Version, o.Body, o.Gone, o.Facts = 2, "gone", rapid.Bool().Draw(t, "deleted"), nil
				tell(o)
				continue
			}
			switch i {
			case 0:
				want.Procedures = []dental.Procedure{p.Procedure}
			case 1:
				want.Diagnoses = []dental.Coded{p.Diagnosis}
			case 2:
				want.Receipt = p.Amount
			}
		}
		s := stagetest.New(test, start)
		for _, x := range rapid.Permutation(append(slices.Clone(all), all[:len(all)/2]...)).Draw(t, "order") {
			for i := range x.object.Facts { // whose nouns are the receiver's
				switch e := &x.object.Facts[i]; {
				case e.Visit != nil:
					v := *e.Visit
					v.Procedures, v.Diagnoses = slices.Clone(v.Procedures), slices.Clone(v.Diagnoses)
					x.object.Facts = []intake.Event{{Type: e.Type, Visit: &v}}
				case e.Piece != nil:
					p := *e.Piece
					x.object.Facts = []intake.Event{{Type: e.Type, Piece: &p}}
				}
			}
			learn(s, intake.How{Quiet: x.quiet}, x.object)
		}
		v := s.Card("P-1").Visit("V-1")
		if got := (dental.VisitContent{Procedures: v.Procedures, Diagnoses: v.Diagnoses, Receipt: v.Receipt}); !reflect.DeepEqual(got, want) {
			t.Fatalf("the visit is\n%+v\nwant\n%+v", got, want)
		}
	})
}

func TestWhatIsSaidOfAPatientInPassingFillsWhatIsNotKnown(t *testing.T) {
	s := stagetest.New(t, start)
	said := func(says intake.Saying, change func(*intake.Card)) intake.Object {
		e := cardEvent(0, change)
		e.Card.Says = says
		return intake.Object{Facts: []intake.Event{e}}
	}
	learn(s, intake.How{}, record("1", 1, appointmentEvent(intake.AppointmentBooked, 0, "A-1", s.Now().Add(96*time.Hour), dental.Booked)),
		said(intake.Hint, func(c *intake.Card) { c.Mail, c.BirthDate = "", dental.Date{} }))
	p := s.Card("P-1").Patient
	if p.Stub || p.Phone != "+79160000001" || p.Email != "" {
		t.Fatalf("of a patient heard of in passing is known %q, stub %v", p.Phone, p.Stub)
	}
	learn(s, intake.How{}, said(intake.Hint, func(c *intake.Card) { c.GivenName, c.Number = "Анюта", "+79160000002" }))
	if p = s.Card("P-1").Patient; p.GivenName != "Анна" || p.Phone != "+79160000001" || p.Email != "anna@example.com" {
		t.Errorf("a hint made of it %q %q %q", p.GivenName, p.Phone, p.Email)
	}
	learn(s, intake.How{}, said(intake.Known, func(c *intake.Card) { c.GivenName, c.Number, c.Mail, c.Source = "", "+79160000003", "", of(0, "table") }))
	if p = s.Card("P-1").Patient; p.GivenName != "Анна" || p.Phone != "+79160000003" || p.Email != "anna@example.com" {
		t.Errorf("a table that knows of a new number alone made of it %q %q %q", p.GivenName, p.Phone, p.Email)
	}
	if news := learn(s, intake.How{}, said(intake.Hint, func(c *intake.Card) { c.GivenName = "Анюта" })); news[0] {
		t.Error("a hint that fills nothing was news")
	}
}

func TestNothingLeavesBecauseOfAQuietFact(t *testing.T) {
	everything := func(c *dental.Clinic) {
		for name, settings := range c.Scenarios {
			settings.BacklogPerDay = 0
			c.Scenarios[name] = settings
		}
	}
	s := stagetest.New(t, start, everything)
	var objects []intake.Object
	for i, back := range []time.Duration{time.Hour, 20 * time.Hour, 50 * time.Hour, 3 * 24 * time.Hour, 182 * 24 * time.Hour, 184 * 24 * time.Hour, 366 * 24 * time.Hour, 549 * 24 * time.Hour} {
		id := fmt.Sprint("P-", i)
		card := cardEvent(0, func(c *intake.Card) {
			c.Number, c.BirthDate = fmt.Sprintf("+791600000%02d", 10+i), dental.Date{Year: 1985, Month: 3, Day: 10}
		})
		card.Card.Consents = []dental.Consent{consent(dental.Advertising, true, s.Now().AddDate(-1, 0, 0))}
		visit := visitEvent(0, "V-"+id, s.Now().Add(-back), 5000, dental.Implant, dental.Orthodontics)
		visit.Visit.Complex = true
		soon := appointmentEvent(intake.AppointmentBooked, 0, "A-"+id, s.Now().Add(26*time.Hour), dental.Booked)
		events := to(id, card, visit)
		if i%2 == 1 {
			events = append(events, to(id, soon)...)
		}
		objects = append(objects, intake.Object{Facts: events})
	}
	learn(s, intake.How{Quiet: true}, objects...)
	s.Dispatch.Dispatch(t.Context(), s.Now().Add(10*time.Minute))
	s.Drain()
	if sent := s.Sent(); len(sent) > 0 {
		t.Errorf("%d messages left, the first: %+v", len(sent), sent[0])
	}
	for i := range objects {
		for _, touch := range s.Card(fmt.Sprint("P-", i)).Touches {
			if touch.State.Open() && touch.Due.Before(s.Now()) {
				t.Errorf("%s would leave: due at %s", touch.ID(), touch.Due)
			}
		}
	}
}

func TestAnAppointmentThatLiesAheadIsRemindedOfThoughItWasBroughtInQuietly(t *testing.T) {
	s := stagetest.New(t, start)
	learn(s, intake.How{Quiet: true}, intake.Object{Facts: []intake.Event{cardEvent(0, nil), appointmentEvent(intake.AppointmentBooked, 0, "A-1", s.Now().Add(5*24*time.Hour), dental.Booked)}})
	s.To(s.Now().Add(4 * 24 * time.Hour))
	if n := len(s.SentAs("appointment", "reminder")); n != 1 {
		t.Errorf("%d reminders left", n)
	}
}

func TestWhoseDayHasPassedIsBacklogWhereTheClinicTakesOneUp(t *testing.T) {
	s := stagetest.New(t, start, func(c *dental.Clinic) {
		settings := c.Scenarios["sleeping-6"]
		settings.On, settings.BacklogPerDay = true, 10
		c.Scenarios["sleeping-6"] = settings
	})
	card := cardEvent(0, nil)
	card.Card.Consents = []dental.Consent{consent(dental.Advertising, true, s.Now().AddDate(-1, 0, 0))}
	learn(s, intake.How{Quiet: true}, intake.Object{Facts: []intake.Event{card, visitEvent(0, "V-1", s.Now().AddDate(0, -6, -3), 5000, dental.Hygiene)}})
	touch := s.Card("P-1").Touch("sleeping-6", "offer", dental.DateOf(s.Now().AddDate(0, -6, -3)).String())
	if touch == nil || touch.State != dental.Held || !touch.Backlog {
		t.Errorf("the offer to whom the clinic has not seen for half a year is %+v", touch)
	}
}

func TestObjectsAreTakenEachByItself(t *testing.T) {
	s := stagetest.New(t, start)
	late := visitEvent(0, "V-2", s.Now().Add(72*time.Hour), 100)
	outcomes, err := s.Intake.Learn(t.Context(), &s.Clinic, intake.How{}, s.Now(), record("1", 1, visitEvent(0, "V-1", s.Now().Add(-time.Hour), 100)), record("2", 1, late),
		record("3", 1, visitEvent(0, "V-3", s.Now().Add(-2*time.Hour), 100)))
	if err != nil || outcomes[0].Err != nil || dental.KindOf(outcomes[1].Err) != dental.Invalid || outcomes[2].Err != nil {
		t.Fatal(outcomes, err)
	}
	if n := len(s.Card("P-1").Visits); n != 2 {
		t.Errorf("%d of the two good visits stand on the card", n)
	}
}

func TestTheFullestLineFitsIntoAWrite(t *testing.T) {
	s := stagetest.New(t, start)
	s.Settings(func(c *dental.Clinic) { c.HeardAt = time.Time{} })
	full := func(n int) intake.Object {
		card := cardEvent(int64(n), func(c *intake.Card) {
			c.Number, c.Mail = fmt.Sprintf("+791600000%02d", n), fmt.Sprintf("anna%d@example.com", n)
		})
		visit := visitEvent(int64(n), "V-1", s.Now().AddDate(0, 0, -n), 5000, dental.Implant, dental.Orthodontics)
		visit.Visit.Doctor = dental.Doctor{ID: fmt.Sprint("D-", n), PhotoURL: fmt.Sprintf("https://clinic.example/%d.jpg", n)}
		visit.Visit.ReturnDate = dental.DateOf(s.Now()).AddDays(90 + n)
		ahead := appointmentEvent(intake.AppointmentBooked, int64(n), "A-1", s.Now().Add(time.Duration(96+n)*time.Hour), dental.Booked)
		ahead.Appointment.Doctor = dental.Doctor{ID: fmt.Sprint("E-", n), PhotoURL: fmt.Sprintf("https://clinic.example/e%d.jpg", n)}
		return record("1", int64(n), card, visit, ahead, planEvent(int64(n), "L-1", s.Now().AddDate(0, 0, -n), dental.StageDone, dental.StagePlanned))
	}
	for n := 1; n < 4; n++ {
		learn(s, intake.How{Quiet: n%2 == 0}, full(n))
	}
	many := []intake.Object{full(5)}
	for i := range 30 {
		o := record(fmt.Sprint("piece", i), 1, intake.Event{Piece: &dental.Piece{Clinic: "demo", Patient: "P-1", Visit: fmt.Sprint("V-", i%4), ID: fmt.Sprint("p", i), Amount: dental.Money{Minor: 100, Currency: "RUB"}}})
		many = append(many, o, record(fmt.Sprint("v", i), 1, visitEvent(1, fmt.Sprint("V-", i%4), s.Now().AddDate(0, 0, -i-3), 0, dental.Hygiene)))
	}
	learn(s, intake.How{}, many...)
	if n := len(s.Card("P-1").Visits); n != 4 {
		t.Errorf("%d visits", n)
	}
}
