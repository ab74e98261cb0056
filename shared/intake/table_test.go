package intake_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/intake"
	"github.com/returnpoint/returnpoint/shared/stagetest"
)

var quietly = intake.How{Quiet: true}

// line is a line of a table.
func line(events ...intake.Event) intake.Object { return intake.Object{Table: true, Facts: events} }

func TestOfADayThatATableAndASystemTellOfTheSystemsWordStands(t *testing.T) {
	for name, tableFirst := range map[string]bool{"the table first": true, "the system first": false} {
		t.Run(name, func(t *testing.T) {
			s := stagetest.New(t, start)
			past, ahead := s.Now().AddDate(0, -5, 0), s.Now().Add(6*24*time.Hour)
			table := line(cardEvent(0, nil), visitEvent(0, "visit.x", past.Add(time.Hour), 90000_00, dental.Hygiene), appointmentEvent(intake.AppointmentBooked, 0, "next.x", ahead, dental.Booked))
			system := record("1", 1, visitEvent(0, "V-1", past, 90000_00, dental.Hygiene), appointmentEvent(intake.AppointmentBooked, 0, "A-1", ahead.Add(time.Hour), dental.Booked))
			if tableFirst {
				learn(s, quietly, table)
				learn(s, intake.How{}, system)
			} else {
				learn(s, intake.How{}, system)
				learn(s, quietly, table)
			}
			learn(s, quietly, table) // and once more
			card := s.Card("P-1")
			if len(card.Visits) != 1 || card.Visits[0].ID != "V-1" {
				t.Errorf("%d visits stand on the card: %+v", len(card.Visits), card.Visits)
			}
			moved := record("1", 2, visitEvent(0, "V-1", past, 90000_00, dental.Hygiene), appointmentEvent(intake.AppointmentBooked, 0, "A-1", ahead.Add(5*24*time.Hour), dental.Booked))
			learn(s, intake.How{}, moved)
			s.To(ahead.Add(6 * 24 * time.Hour))
			if n := len(s.SentAs("appointment", "reminder")); n != 1 {
				t.Errorf("%d reminders left of one appointment that was moved", n)
			}
			if n := len(s.SentAs("appointment", "missed")); n != 0 {
				t.Errorf("%d patients were told that a table's appointment was cancelled", n)
			}
		})
	}
}

func TestATableChangesNothingOfACardThatAnybodyElseHasTold(t *testing.T) {
	s := stagetest.New(t, start)
	s.Tell(func() intake.Event {
		e := cardEvent(0, func(c *intake.Card) { c.Number, c.Mail, c.Status = "+79160000099", "", dental.Archived })
		e.ID, e.At = "e1", s.Now()
		return e
	}())
	old := cardEvent(0, func(c *intake.Card) {
		c.Number, c.Says, c.Status, c.Source = "+79160000001", intake.Known, "", of(0, "table")
	})
	learn(s, quietly, line(old))
	p := s.Card("P-1").Patient
	if p.Phone != "+79160000099" || p.Status != dental.Archived || p.Email != "anna@example.com" {
		t.Errorf("the table made of the card %q %q %q", string(p.Phone), p.Status, string(p.Email))
	}
	// Of a card that tables alone have told the latest one's word stands.
	other := func(number, body string) intake.Object {
		e := cardEvent(0, func(c *intake.Card) { c.ID, c.Number, c.Says, c.Source = "P-2", number, intake.Known, of(0, body) })
		return line(e)
	}
	learn(s, quietly, other("+79160000002", "one"))
	learn(s, quietly, other("+79160000003", "two"))
	if p = s.Card("P-2").Patient; p.Phone != "+79160000003" {
		t.Errorf("after two tables the number is %q", string(p.Phone))
	}
}

func TestNobodyIsToldOfACancellationOfLongAgo(t *testing.T) {
	s := stagetest.New(t, start)
	var objects []intake.Object
	for i, back := range []time.Duration{5 * 24 * time.Hour, 40 * 24 * time.Hour, 400 * 24 * time.Hour, 3 * time.Hour} {
		id := fmt.Sprint("P-", i)
		objects = append(objects, intake.Object{Facts: to(id, cardEvent(0, nil), appointmentEvent(intake.AppointmentCancelled, 0, "A-"+id, s.Now().Add(-back), dental.Cancelled))})
	}
	learn(s, quietly, objects...)
	s.To(s.Now().Add(20 * 24 * time.Hour))
	if sent := s.SentAs("appointment", "missed"); len(sent) > 0 {
		t.Errorf("%d patients heard of it", len(sent))
	}
}

func TestARecordThatIsDeletedWhenItIsPastOrHandedOverTellsNobodyOfACancellation(t *testing.T) {
	s := stagetest.New(t, start)
	learn(s, intake.How{}, intake.Object{Facts: to("P-1", cardEvent(0, nil))})
	second := cardEvent(0, func(c *intake.Card) { c.Number, c.Mail = "+79160000002", "vera@example.com" })
	learn(s, intake.How{}, intake.Object{Facts: to("P-2", second)})
	booked := func(id string, at time.Time) intake.Event {
		return appointmentEvent(intake.AppointmentBooked, 0, id, at, dental.Booked)
	}
	learn(s, intake.How{}, record("1", 1, booked("A-1", s.Now().Add(-48*time.Hour))), record("2", 1, booked("A-2", s.Now().Add(72*time.Hour))), record("3", 1, booked("A-3", s.Now().Add(96*time.Hour))))
	past, ahead := record("1", 2), record("3", 2)
	past.Gone, ahead.Gone = true, true
	learn(s, intake.How{}, past)
	learn(s, intake.How{}, record("2", 2, to("P-2", booked("A-2", s.Now().Add(72*time.Hour)))...))
	s.To(s.Now().Add(10 * 24 * time.Hour))
	if sent := s.SentAs("appointment", "missed"); len(sent) > 0 {
		t.Errorf("%d patients were told of a cancellation that was none", len(sent))
	}
	learn(s, intake.How{}, record("4", 1, booked("A-4", s.Now().Add(96*time.Hour))))
	gone := record("4", 2)
	gone.Gone = true
	learn(s, intake.How{}, gone) // this one is: its time lies ahead
	s.To(s.Now().Add(10 * 24 * time.Hour))
	if sent := s.SentAs("appointment", "missed"); len(sent) != 1 {
		t.Errorf("%d patients were asked to book again after a deletion", len(sent))
	}
}

func TestWhatWasBroughtInQuietlyIsNotSentWithTheNextLiveWord(t *testing.T) {
	live := map[string]func(s *stagetest.Stage){
		"a card": func(s *stagetest.Stage) { s.Patient("P-1", func(c *intake.Card) { c.GivenName = "Анна" }) },
		"an appointment of the day": func(s *stagetest.Stage) {
			s.Appointment(intake.AppointmentConfirmed, "A-1", "P-1", s.Now().Add(-21*time.Hour))
		},
		"a payment": func(s *stagetest.Stage) {
			e := intake.Event{ID: "pay", At: s.Now(), Type: intake.PaymentReceived, Payment: &dental.Payment{Clinic: "demo", Patient: "P-1", ID: "F-1", VisitID: "V-2", Amount: dental.Money{Minor: 100, Currency: "RUB"}, At: s.Now(), Kind: dental.Paid, Source: of(1, "f")}}
			s.Tell(e)
		},
	}
	for name, tell := range live {
		t.Run(name, func(t *testing.T) {
			s := stagetest.New(t, start)
			now := s.Now()
			facts := []intake.Event{cardEvent(0, func(c *intake.Card) {
				for _, class := range dental.Classes() {
					c.Consents = append(c.Consents, consent(class, true, now.AddDate(-2, 0, 0)))
				}
			})}
			for i, at := range []time.Time{now.AddDate(-1, 0, -3), now.AddDate(0, -5, -4), now.Add(-20 * time.Hour)} {
				facts = append(facts, visitEvent(0, fmt.Sprint("V-", i), at, 500000, dental.Implant, dental.Orthodontics))
			}
			learn(s, quietly, intake.Object{Facts: facts})
			tell(s)
			s.To(now.Add(30 * time.Hour))
			for _, m := range s.Sent() {
				t.Errorf("%+v left", m)
			}
		})
	}
}

func TestANumberThatEverybodyHasIsNotWrittenOnceMoreForEach(t *testing.T) {
	s := stagetest.New(t, start)
	for i := range 30 {
		e := to(fmt.Sprint("P-", i), cardEvent(0, func(c *intake.Card) { c.Mail = "" }))
		learn(s, quietly, intake.Object{Facts: e})
	}
	contacts, err := s.Store.Begin().Contacts(t.Context(), &s.Clinic, "+79160000001")
	if err != nil {
		t.Fatal(err)
	}
	if c := contacts["+79160000001"]; !c.Crowded || c.Join(dental.Member{Clinic: "demo", Patient: "P-99"}) {
		t.Errorf("the contact is %+v", c)
	}
}

func TestAnObjectThatSaysMoreThanOneWriteHoldsIsRefusedByItself(t *testing.T) {
	s := stagetest.New(t, start)
	huge := record("1", 1)
	for i := range 40 {
		huge.Facts = append(huge.Facts, visitEvent(0, fmt.Sprint("V-", i), s.Now().AddDate(0, 0, -i-1), 100))
	}
	outcomes, err := s.Intake.Learn(t.Context(), &s.Clinic, intake.How{}, s.Now(), huge, record("2", 1, visitEvent(0, "V-x", s.Now().Add(-time.Hour), 100)))
	if err != nil || dental.KindOf(outcomes[0].Err) != dental.Invalid || outcomes[1].Err != nil || s.Card("P-1").Visit("V-x") == nil {
		t.Error(outcomes, err)
	}
}

func TestADayThatHadPassedWhenItWasBroughtInIsNotMadeUpForByTheNextLiveWord(t *testing.T) {
	for name, back := range map[string]struct {
		months, days int
		kind         dental.ProcedureKind
	}{
		"an implant a year and three days ago":  {12, 3, dental.Implant},
		"a visit five months and four days ago": {5, 4, dental.Hygiene},
	} {
		t.Run(name, func(t *testing.T) {
			s := stagetest.New(t, start)
			s.To(s.Now().Add(9 * 24 * time.Hour)) // scenarios make up for no day before they were switched on
			at := s.Now().AddDate(0, -back.months, -back.days)
			visit := visitEvent(0, "V-1", at, 500000, back.kind)
			card := func(c *intake.Card) { c.Consents = []dental.Consent{consent(dental.Care, true, at)} }
			learn(s, quietly, intake.Object{Facts: []intake.Event{cardEvent(0, card), visit}})
			s.Set(s.Now().Add(time.Minute))
			learn(s, intake.How{}, intake.Object{Facts: []intake.Event{cardEvent(5, func(c *intake.Card) { c.MiddleName = "Ивановна" })}})
			s.To(s.Now().Add(60 * time.Hour))
			for _, touch := range s.Card("P-1").Touches {
				t.Errorf("%s/%s was planned, and is %s", touch.Scenario, touch.Step, touch.State)
			}
		})
	}
}

func TestADayIsScannedForThoseBroughtInBeforeItsMorningAndNotForThoseAfterIt(t *testing.T) {
	for name, c := range map[string]struct {
		at    string // when the base is brought in
		found bool
	}{
		"at night, as a nightly export is": {"2026-03-10 03:00", true},
		"in the evening":                   {"2026-03-10 20:35", false},
	} {
		t.Run(name, func(t *testing.T) {
			s := stagetest.New(t, start.Add(-9*24*time.Hour)) // nothing has been scanned since
			s.Set(s.Local(c.at))
			today := dental.DateOf(s.Now().In(s.Clinic.Location()))
			card := cardEvent(0, func(c *intake.Card) { c.BirthDate = dental.Date{Year: 1985, Month: today.Month, Day: today.Day} })
			learn(s, quietly, line(card))
			s.Scan(today)
			if touch := s.Card("P-1").Touch("birthday", "greeting", fmt.Sprint(today.Year)); (touch != nil) != c.found {
				t.Errorf("the birthday's greeting is %+v", touch)
			}
		})
	}
}
