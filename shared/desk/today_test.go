package desk_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/desk"
	"github.com/returnpoint/returnpoint/shared/intake"
	"github.com/returnpoint/returnpoint/shared/outreach"
	"github.com/returnpoint/returnpoint/shared/reply"
	"github.com/returnpoint/returnpoint/shared/stagetest"
	"github.com/returnpoint/returnpoint/shared/store"
	"github.com/returnpoint/returnpoint/shared/table"
)

// tuesday is when most stories begin: 10 March 2026, eleven o'clock in Moscow.
var tuesday = time.Date(2026, 3, 10, 11, 0, 0, 0, time.FixedZone("MSK", 3*3600))

func list(s *stagetest.Stage) *desk.List { return &desk.List{Store: s.Store, Catalogue: s.Catalogue} }

// today reads the clinic's list as a member of staff sees it.
func today(s *stagetest.Stage, me string) desk.Today {
	s.T.Helper()
	return todayFrom(s, me, 0)
}

func todayFrom(s *stagetest.Stage, me string, from int) desk.Today {
	s.T.Helper()
	cl, err := s.Store.Begin().Clinic(s.T.Context(), s.Clinic.ID)
	if err != nil {
		s.T.Fatal(err)
	}
	page, err := list(s).Today(s.T.Context(), cl, me, from, s.Now())
	if err != nil {
		s.T.Fatal(err)
	}
	return page
}

// told is a page of the list in plain words.
func told(page desk.Today) string {
	var b strings.Builder
	line := func(format string, values ...any) {
		fmt.Fprintf(&b, format+"\n", values...)
	}
	line("%s", page.Heading)
	for _, more := range []string{page.Waiting, page.More} {
		if more != "" {
			line("%s", more)
		}
	}
	for _, it := range page.Pressed {
		line("  pressed %s: %s", it.Task.Pressed.Outcome, it.Who)
	}
	for _, row := range page.Rows {
		mark := "-"
		if row.Urgent {
			mark = "!"
		}
		var facts []string
		for _, fact := range []string{row.Shown, row.Call, row.ConsentText, row.Calling} {
			if fact != "" {
				facts = append(facts, fact)
			}
		}
		line("%s [%s]", mark, strings.Join(facts, " | "))
		for _, it := range row.Items {
			who := it.Who
			if who != "" {
				who += ". "
			}
			line("  %s: %s", it.Kind, who+it.Says())
			if it.Note != "" {
				line("    «%s»", strings.ReplaceAll(it.Note, "\n", " / "))
			}
			for _, says := range it.Script {
				line("    > %s", says)
			}
			for _, mind := range it.Aside {
				line("    (%s)", mind)
			}
		}
	}
	for i, done := range page.Done {
		if i == 0 {
			line("%s", page.DoneHeading)
		}
		line("  %s", done)
	}
	return b.String()
}

// anna is the patient of most stories.
func anna(c *intake.Card) {
	c.FamilyName, c.GivenName, c.MiddleName = "Петрова", "Анна", "Сергеевна"
	c.BirthDate = dental.Date{Year: 1985, Month: 11, Day: 14}
}

// nothing is a patient who was never asked about anything.
func nothing(c *intake.Card) { c.Consents = nil }

func rated(s *stagetest.Stage, rating, nps, comment string) {
	s.T.Helper()
	form, err := reply.ParseAnswer(rating, nps, comment)
	if err != nil {
		s.T.Fatal(err)
	}
	if _, err := s.Desk.Answer(s.T.Context(), s.Token("P", dental.SurveyLink), form, s.Now()); err != nil {
		s.T.Fatal(err)
	}
}

func seen(s *stagetest.Stage) {
	s.Patient("P", anna)
	s.Visit("V", "P", s.Now())
}

// code is the code that a patient passes on to friends.
func code(s *stagetest.Stage, patient string) string {
	s.T.Helper()
	l := dental.Link{Purpose: dental.ReferralLink, Clinic: s.Clinic.ID, Patient: patient}
	token := s.Store.Token(l)
	l.Hash = store.TokenHash(token)
	tx := s.Store.Begin()
	tx.Put(l)
	if err := tx.Commit(s.T.Context()); err != nil {
		s.T.Fatal(err)
	}
	return token
}

// implants is a plan of two stages, of which the second is still to come.
func implants(s *stagetest.Stage, patient string) {
	at := s.Now()
	s.Tell(intake.Event{Type: intake.PlanUpdated, Plan: &dental.Plan{Clinic: s.Clinic.ID, Patient: patient, ID: "L", PresentedAt: at,
		Stages: []dental.Stage{
			{ID: "1", Name: "Диагностика", Kind: dental.Diagnostics, Status: dental.StageDone, DoneAt: at, Price: roubles(3000)},
			{ID: "2", Name: "Установка импланта", Kind: dental.Implant, Status: dental.StagePlanned, Price: roubles(45000)}},
		Source: dental.Source{Version: 1, Body: "1"}}})
}

// delivered tells that every message which has left has arrived.
func delivered(s *stagetest.Stage) {
	s.T.Helper()
	for _, m := range s.Sent() {
		_, err := s.Settler.Settle(s.T.Context(), outreach.Report{Touch: m.Touch, Attempt: m.Attempt, Channel: string(m.Channel), Kind: outreach.ReportDelivered, At: s.Now()})
		if err != nil {
			s.T.Fatal(err)
		}
	}
}

// stories are how each kind of row comes about.
func stories() []struct {
	name string
	tell func(*stagetest.Stage)
} {
	return []struct {
		name string
		tell func(*stagetest.Stage)
	}{
		{"a complaint", func(s *stagetest.Stage) {
			seen(s)
			s.ToLocal("2026-03-11 12:00")
			rated(s, "bad", "2", "Ждала час, и никто не извинился")
			s.ToLocal("2026-03-11 12:20")
		}},
		{"a complaint that nobody took", func(s *stagetest.Stage) {
			seen(s)
			s.ToLocal("2026-03-11 12:00")
			rated(s, "bad", "", "")
			s.ToLocal("2026-03-11 16:30")
		}},
		{"a complaint that is seen to", func(s *stagetest.Stage) {
			seen(s)
			s.ToLocal("2026-03-11 12:00")
			rated(s, "bad", "", "")
			s.ToLocal("2026-03-11 12:10")
			change(s, "P", dental.ComplaintTask, func(t *dental.Task) { t.TakenAt, t.TakenBy = s.Now(), "Ольга Лунина" })
			s.ToLocal("2026-03-11 15:00")
		}},
		{"feedback", func(s *stagetest.Stage) {
			seen(s)
			s.ToLocal("2026-03-11 12:00")
			rated(s, "fair", "", "Долго")
		}},
		{"a recall that both messages could not bring about", func(s *stagetest.Stage) {
			seen(s)
			s.ToLocal("2026-08-28 12:00")
			delivered(s)
			s.ToLocal("2026-09-03 11:00")
		}},
		{"a recall on a phone of several, tried before", func(s *stagetest.Stage) {
			seen(s)
			s.Patient("Q", func(c *intake.Card) { c.GivenName, c.FamilyName, c.Mail = "Пётр", "Петров", "" })
			s.ToLocal("2026-09-03 11:00")
			change(s, "P", dental.CallTask, func(t *dental.Task) { t.Tries, t.TriedAt = 1, s.Now().Add(-20*time.Minute) })
			s.ToLocal("2026-09-04 08:30")
		}},
		{"a recall of a child, whose adult is called", func(s *stagetest.Stage) {
			s.Patient("G", func(c *intake.Card) { anna(c); c.BirthDate = dental.Date{Year: 1985, Month: 5, Day: 2} })
			s.Patient("P", func(c *intake.Card) {
				c.FamilyName, c.GivenName, c.GuardianID, c.BirthDate = "Петров", "Миша", "G", dental.Date{Year: 2018, Month: 6, Day: 1}
				c.Number, c.Mail = "", ""
			})
			s.Visit("V", "P", s.Now())
			s.ToLocal("2026-09-03 11:00")
		}},
		{"a stage of a plan", func(s *stagetest.Stage) {
			seen(s)
			implants(s, "P")
			s.ToLocal("2026-03-31 12:30")
		}},
		{"an appointment that nobody confirmed", func(s *stagetest.Stage) {
			s.Patient("P", anna)
			s.Appointment(intake.AppointmentBooked, "A", "P", s.Local("2026-03-20 12:00"))
			s.ToLocal("2026-03-19 10:15")
		}},
		{"an appointment that was missed", func(s *stagetest.Stage) {
			s.Patient("P", anna)
			s.Appointment(intake.AppointmentBooked, "A", "P", s.Local("2026-03-20 12:00"))
			s.ToLocal("2026-03-20 13:00")
			s.Appointment(intake.AppointmentMissed, "A", "P", s.Local("2026-03-20 12:00"))
			s.ToLocal("2026-03-20 15:00")
		}},
		{"a wish to come on a Friday evening", func(s *stagetest.Stage) {
			seen(s)
			s.ToLocal("2026-08-10 12:00")
			form := reply.ResponseForm{Action: dental.BookOffer, Weekday: "fri", Part: reply.Evening}
			if err := s.Desk.Respond(s.T.Context(), s.Token("P", dental.OfferLink), form, s.Now()); err != nil {
				s.T.Fatal(err)
			}
		}},
		{"a call about another time, promised and late", func(s *stagetest.Stage) {
			s.Patient("P", anna)
			s.Appointment(intake.AppointmentBooked, "A", "P", s.Local("2026-03-20 12:00"))
			s.ToLocal("2026-03-18 12:30")
			if _, err := s.Desk.Act(s.T.Context(), s.Token("P", dental.AppointmentLink), reply.Reschedule, s.Now()); err != nil {
				s.T.Fatal(err)
			}
			s.ToLocal("2026-03-18 14:00")
			change(s, "P", dental.CallbackTask, func(t *dental.Task) { t.Calling, t.CallingAt = "Ольга Лунина", s.Now() })
			s.ToLocal("2026-03-18 14:05")
		}},
		{"nobody can be reached", func(s *stagetest.Stage) {
			s.Patient("P", func(c *intake.Card) { anna(c); c.Number, c.Mail = "", "" })
			s.Visit("V", "P", s.Now())
			s.ToLocal("2026-03-11 13:00")
		}},
		{"a friend who was recommended", func(s *stagetest.Stage) {
			s.Patient("P", anna)
			form := reply.LeadForm{Name: "Пётр", Phone: "+79160000099", Consent: true}
			if err := s.Desk.Recommend(s.T.Context(), code(s, "P"), form, stagetest.Phones, s.Now()); err != nil {
				s.T.Fatal(err)
			}
		}},
		{"somebody to wake, of whom nobody has asked for consent", func(s *stagetest.Stage) {
			s.Patient("P", anna, nothing)
			s.Visit("V", "P", s.Now(), func(v *dental.Visit) { v.ReturnDate = dental.Date{Year: 2026, Month: 3, Day: 20} })
			s.ToLocal("2026-10-19 12:00")
		}},
		{"a batch to be released", func(s *stagetest.Stage) {
			s.Settings(func(c *dental.Clinic) {
				c.Scenarios["season"] = dental.ScenarioSettings{On: true, Release: dental.ReleaseStaff, Since: dental.Date{Year: 2026, Month: 3, Day: 1}}
			})
			s.Patient("P", anna)
			s.Visit("V", "P", s.Now(), func(v *dental.Visit) { v.ReturnDate = dental.Date{Year: 2027, Month: 9, Day: 1} })
			for day := 15; day < 30 && len(held(s)) == 0; day++ {
				s.ToLocal(fmt.Sprintf("2026-09-%02d 11:00", day))
			}
		}},
		{"a message of which nobody knows", func(s *stagetest.Stage) {
			s.Provider = func(outreach.Message) error { return fmt.Errorf("the line is dead") }
			seen(s)
			s.ToLocal("2026-03-10 11:30")
		}},
		{"a gift that was chosen", func(s *stagetest.Stage) {
			s.Settings(func(c *dental.Clinic) { c.Gifts = []dental.Gift{{ID: "brush", Name: "Ирригатор"}} })
			s.Patient("P", anna, func(c *intake.Card) { c.BirthDate = dental.Date{Year: 1985, Month: 3, Day: 14} })
			s.ToLocal("2026-03-14 12:00")
			if err := s.Desk.ChooseGift(s.T.Context(), s.Token("P", dental.GiftLink), "brush", s.Now()); err != nil {
				s.T.Fatal(err)
			}
		}},
	}
}

func held(s *stagetest.Stage) []store.Waiting {
	s.T.Helper()
	waiting, _, err := s.Store.Held(s.T.Context(), s.Clinic.ID, s.Clinic.Today(s.Now()), "", 10, "")
	if err != nil {
		s.T.Fatal(err)
	}
	return waiting
}

// change alters a patient's one task of a kind, as a press of staff does.
func change(s *stagetest.Stage, patient string, kind dental.TaskKind, do func(*dental.Task)) {
	s.T.Helper()
	tx := s.Store.Begin()
	card, err := tx.Card(s.T.Context(), s.Clinic.ID, patient)
	if err != nil {
		s.T.Fatal(err)
	}
	i := slices.IndexFunc(card.Tasks, func(t dental.Task) bool { return t.Kind == kind })
	if i < 0 {
		s.T.Fatalf("%s has no task %s: %+v", patient, kind, card.Tasks)
	}
	do(&card.Tasks[i])
	tx.Put(card.Tasks[i])
	if err := tx.Commit(s.T.Context()); err != nil {
		s.T.Fatal(err)
	}
}

func TestEachKindOfRowIsASentenceWithItsScript(t *testing.T) {
	var b strings.Builder
	kinds := map[dental.TaskKind]bool{}
	for _, language := range []string{"ru", "en"} {
		for _, story := range stories() {
			s := stagetest.New(t, tuesday, func(c *dental.Clinic) { c.Language = language })
			story.tell(s)
			page := today(s, "Вера Лунина")
			for _, row := range page.Rows {
				for _, it := range row.Items {
					kinds[it.Task.Kind] = true
				}
			}
			fmt.Fprintf(&b, "%s, %s, %s\n%s\n", strings.ToUpper(language), story.name, s.Now().In(s.Clinic.Location()).Format("2 Jan 15:04"), told(page))
		}
	}
	golden(t, "rows.txt", b.String())
	for _, kind := range []dental.TaskKind{dental.CallTask, dental.PlanTask, dental.ConfirmTask, dental.ComplaintTask, dental.FeedbackTask,
		dental.RebookTask, dental.CallbackTask, dental.ContactTask, dental.LeadTask, dental.WakeTask, dental.ReleaseTask, dental.UnknownTask} {
		if !kinds[kind] {
			t.Errorf("no story brings about a task %s", kind)
		}
	}
}

// open puts a task on the list.
func open(s *stagetest.Stage, patient string, task dental.Task) {
	s.T.Helper()
	tx := s.Store.Begin()
	if patient != "" {
		if _, err := tx.Card(s.T.Context(), s.Clinic.ID, patient); err != nil {
			s.T.Fatal(err)
		}
	} else if _, err := tx.Task(s.T.Context(), s.Clinic.ID, task.Kind, task.Anchor); err != nil {
		s.T.Fatal(err)
	}
	task.Clinic, task.Patient, task.OpenedAt = s.Clinic.ID, patient, s.Now()
	if task.ShowDay.IsZero() {
		task.ShowDay = s.Clinic.Today(s.Now())
	}
	if task.Reason == "" {
		task.Reason = "Позвоните."
	}
	tx.Put(task)
	if err := tx.Commit(s.T.Context()); err != nil {
		s.T.Fatal(err)
	}
}

// crowd is so many patients, each with a number of their own and a call to make:
// the first is the most valuable.
func crowd(s *stagetest.Stage, n int) {
	s.T.Helper()
	for i := range n {
		id := fmt.Sprintf("C%02d", i)
		s.Patient(id, func(c *intake.Card) { c.Number, c.FamilyName = fmt.Sprintf("+7916000%04d", 100+i), id })
		open(s, id, dental.Task{Kind: dental.WakeTask, Anchor: "a", Value: roubles(int64(1000 - i))})
	}
}

// order is the page's rows by their patients, those of one row joined by a plus.
func order(page desk.Today) string {
	var rows []string
	for _, row := range page.Rows {
		var of []string
		for _, it := range row.Items {
			of = append(of, it.Task.Patient+" "+string(it.Task.Kind))
		}
		rows = append(rows, strings.Join(of, " + "))
	}
	return strings.Join(rows, ", ")
}

func TestTheListHasTheOrderOfItsIndexButWhatIsUrgentStandsFirst(t *testing.T) {
	s := stagetest.New(t, tuesday)
	for i, id := range []string{"A", "B", "C", "D", "E"} {
		s.Patient(id, func(c *intake.Card) { c.Number = fmt.Sprintf("+7916000%04d", 10+i) })
	}
	yesterday := s.Clinic.Today(s.Now()).AddDays(-1)
	open(s, "A", dental.Task{Kind: dental.WakeTask, Anchor: "a", Value: roubles(1), ShowDay: yesterday})
	open(s, "B", dental.Task{Kind: dental.CallTask, Anchor: "a", Value: roubles(5)})
	open(s, "C", dental.Task{Kind: dental.CallTask, Anchor: "a", Value: roubles(9)})
	open(s, "D", dental.Task{Kind: dental.CallbackTask, Anchor: "a", Due: s.Now().Add(time.Hour)})
	open(s, "E", dental.Task{Kind: dental.ComplaintTask, Anchor: "a", Due: s.Now().Add(time.Hour)})
	open(s, "A", dental.Task{Kind: dental.CallTask, Anchor: "tomorrow", ShowDay: yesterday.AddDays(2)})
	if got, want := order(today(s, "")), "E complaint, A wake, D callback, C call, B call"; got != want {
		t.Errorf("the list is %s, want %s", got, want)
	}
	s.Set(s.Now().Add(2 * time.Hour))
	page := today(s, "")
	if got, want := order(page), "E complaint, D callback, A wake, C call, B call"; got != want {
		t.Errorf("when a promised call is late, the list is %s, want %s", got, want)
	}
	if want := "5 дел на сегодня: 2 срочных, примерно 30 минут"; page.Heading != want {
		t.Errorf("it is headed %q, want %q", page.Heading, want)
	}
}

func TestAFamilyOnOneNumberIsOneRowAndTheScriptOfOneTellsNothingOfAnother(t *testing.T) {
	s := stagetest.New(t, tuesday)
	family := func(given string, born int) func(*intake.Card) {
		return func(c *intake.Card) {
			c.FamilyName, c.GivenName, c.BirthDate, c.Mail = "Орловы", given, dental.Date{Year: born, Month: 2, Day: 3}, ""
		}
	}
	s.Patient("P", family("Анна", 1980))
	s.Patient("Q", family("Олег", 1978))
	s.Patient("K", family("Мила", 2017), func(c *intake.Card) { c.Number, c.GuardianID = "", "Q" })
	s.Patient("Z", func(c *intake.Card) { c.Number = "+79160000077" })
	s.Visit("V1", "P", s.Now(), func(v *dental.Visit) { v.Doctor = dental.Doctor{ID: "D-1", Name: "Павел Немов"} })
	s.Visit("V2", "Q", s.Now(), func(v *dental.Visit) { v.Doctor = dental.Doctor{ID: "D-2", Name: "Нина Тихая"} })
	implants(s, "P")
	open(s, "Z", dental.Task{Kind: dental.CallTask, Anchor: "a", Value: roubles(7)})
	open(s, "P", dental.Task{Kind: dental.PlanTask, Scenario: "plan", Anchor: dental.PlanAnchor("L", s.Clinic.Today(s.Now())), Value: roubles(9)})
	open(s, "Q", dental.Task{Kind: dental.WakeTask, Anchor: "a", Value: roubles(3)})
	open(s, "K", dental.Task{Kind: dental.WakeTask, Anchor: "a", Value: roubles(2)})
	page := today(s, "")
	if got, want := order(page), "P plan + Q wake + K wake, Z call"; got != want {
		t.Fatalf("the list is %s, want %s", got, want)
	}
	row := page.Rows[0]
	if row.Shown != "+7 916 000-00-01" {
		t.Errorf("the number is shown as %q", row.Shown)
	}
	for _, it := range row.Items {
		says := strings.Join(it.Script, " ")
		adult := it.Task.Patient != "K"
		if asks := strings.Contains(it.Script[0], "это вы?"); !asks || len(it.Aside) == 0 {
			t.Errorf("the script for %s does not ask first who is speaking: %q, %q", it.Task.Patient, says, it.Aside)
		}
		for of, secret := range map[string][]string{"P": {"Немов", "импланта", "45"}, "Q": {"Тихая"}} {
			for _, word := range secret {
				if of != it.Task.Patient && strings.Contains(says, word) && adult {
					t.Errorf("the script for %s tells of %s: %q", it.Task.Patient, of, says)
				}
			}
		}
		if strings.Contains(says, "импланта") {
			t.Errorf("the script for %s names the treatment: %q", it.Task.Patient, says)
		}
	}
	if !strings.Contains(row.Items[2].Script[0], "Олег") {
		t.Errorf("about a child it is not the adult who is asked for: %q", row.Items[2].Script)
	}
}

func TestANumberThatStandsInManyCardsJoinsNobody(t *testing.T) {
	s := stagetest.New(t, tuesday)
	for i := range 14 {
		id := fmt.Sprintf("F%02d", i)
		s.Patient(id)
		open(s, id, dental.Task{Kind: dental.CallTask, Anchor: "a"})
	}
	page := today(s, "")
	if len(page.Rows) != desk.TasksShown {
		t.Fatalf("%d rows", len(page.Rows))
	}
	for _, row := range page.Rows {
		if len(row.Items) != 1 {
			t.Errorf("%d patients of a number that is nobody's stand in one row", len(row.Items))
		}
	}
}

func TestPatientsOfOneAddressWithoutANumberAreRowsOfTheirOwn(t *testing.T) {
	s := stagetest.New(t, tuesday)
	for _, id := range []string{"P", "Q"} {
		s.Patient(id, func(c *intake.Card) { c.Number, c.Mail = "", "orlovy@example.com" })
		open(s, id, dental.Task{Kind: dental.ContactTask, Anchor: "address"})
	}
	if got, want := order(today(s, "")), "P contact, Q contact"; got != want {
		t.Errorf("the list is %s, want %s", got, want)
	}
}

func TestPagesShowEachRowOnceAndAFamilyOnItsFirstPageAlone(t *testing.T) {
	s := stagetest.New(t, tuesday)
	crowd(s, 2*desk.TasksShown+3)
	s.Patient("L", func(c *intake.Card) { c.Number = "+79160000100" }) // the number of C00
	open(s, "L", dental.Task{Kind: dental.WakeTask, Anchor: "a"})
	shown := map[string]int{}
	pages := 0
	for from := 0; ; pages++ {
		page := todayFrom(s, "", from)
		for _, row := range page.Rows {
			for _, it := range row.Items {
				shown[it.Task.Patient]++
			}
		}
		if from = page.Next; from == 0 {
			break
		}
	}
	if pages != 2 || len(shown) != 2*desk.TasksShown+4 {
		t.Errorf("%d patients on %d pages", len(shown), pages+1)
	}
	for patient, n := range shown {
		if n != 1 {
			t.Errorf("%s is shown %d times", patient, n)
		}
	}
	if got := today(s, "").Rows[0]; len(got.Items) != 2 || got.Items[1].Task.Patient != "L" {
		t.Errorf("the first row has %d patients, want the family", len(got.Items))
	}
	if page := todayFrom(s, "", 1000); len(page.Rows) != 0 || page.Next != 0 {
		t.Errorf("beyond the end there are %d rows", len(page.Rows))
	}
}

func TestNoMoreCallsAreListedThanTheClinicMakesADay(t *testing.T) {
	s := stagetest.New(t, tuesday, func(c *dental.Clinic) { c.CallsPerDay = 4 })
	crowd(s, 6)
	s.Patient("Y", func(c *intake.Card) { c.Number = "+79160000012" })
	open(s, "Y", dental.Task{Kind: dental.CallTask, Anchor: "a", Value: roubles(1), ShowDay: s.Clinic.Today(s.Now()).AddDays(-1)})
	s.Patient("D", func(c *intake.Card) { c.Number = "+79160000011" })
	open(s, "D", dental.Task{Kind: dental.CallbackTask, Anchor: "a", Due: s.Now().Add(time.Hour)})
	page := today(s, "")
	if got, want := order(page), "D callback, C00 wake, C01 wake, C02 wake"; got != want {
		t.Errorf("with a promised call the list is %s, want %s", got, want)
	}
	if want := "Ещё 4 звонка подождут: клиника звонит не больше 4 раз в день."; page.Waiting != want {
		t.Errorf("it says %q of the rest, want %q", page.Waiting, want)
	}
	olga := dental.Staff{Clinic: s.Clinic.ID, Name: "Ольга Лунина", Role: dental.Administrator}
	presses := &desk.Presses{Store: s.Store, Catalogue: s.Catalogue}
	ref := desk.Ref{Clinic: s.Clinic.ID, Patient: "C00", Kind: dental.WakeTask, Anchor: "a"}
	if err := presses.Press(t.Context(), ref, olga, desk.Form{ID: "1", Outcome: dental.PressNoAnswer}, s.Now()); err != nil {
		t.Fatal(err)
	}
	page = today(s, "")
	if got, want := order(page), "D callback, C01 wake, C02 wake"; got != want {
		t.Errorf("after a call the list is %s, want %s", got, want)
	}
	if len(page.Pressed) != 1 || page.Pressed[0].Task.Patient != "C00" {
		t.Errorf("pressed are %+v, want C00", page.Pressed)
	}
	s.To(s.Now().Add(time.Minute)) // the press takes effect: the call comes back tomorrow
	if got, want := order(today(s, "")), "D callback, C01 wake, C02 wake"; got != want {
		t.Errorf("after the press has taken effect the list is %s, want %s", got, want)
	}
	ref.Patient = "C01"
	if err := presses.Press(t.Context(), ref, olga, desk.Form{ID: "2", Outcome: dental.PressNoAnswer}, s.Now()); err != nil {
		t.Fatal(err)
	}
	if err := presses.Undo(t.Context(), ref, olga, "2", s.Now()); err != nil {
		t.Fatal(err)
	}
	if got, want := order(today(s, "")), "D callback, C01 wake, C02 wake"; got != want {
		t.Errorf("after a press that was taken back the list is %s, want %s", got, want)
	}
	s.Patient("L", func(c *intake.Card) { c.Number = "+79160000101" }) // the number of C01
	open(s, "L", dental.Task{Kind: dental.WakeTask, Anchor: "a"})
	page = today(s, "")
	if got, want := order(page), "D callback, C01 wake + L wake, C02 wake"; got != want {
		t.Errorf("whoever shares a number with a call of today waits: %s, want %s", got, want)
	}
	if want := "Ещё 4 звонка подождут"; !strings.HasPrefix(page.Waiting, want) {
		t.Errorf("it says %q of the rest, want %q", page.Waiting, want)
	}
}

func TestWithoutACapacityNothingWaits(t *testing.T) {
	s := stagetest.New(t, tuesday)
	crowd(s, 8)
	if page := today(s, ""); len(page.Rows) != 8 || page.Waiting != "" {
		t.Errorf("%d rows, and of the rest %q", len(page.Rows), page.Waiting)
	}
}

func TestTheListEmptiesItselfAndSaysSo(t *testing.T) {
	s := stagetest.New(t, tuesday)
	s.Patient("P", anna)
	s.Visit("V", "P", s.Now())
	s.ToLocal("2026-09-03 11:00")
	if got := order(today(s, "")); got != "P call" {
		t.Fatalf("the list is %q", got)
	}
	s.ToLocal("2026-09-03 11:20")
	s.Appointment(intake.AppointmentBooked, "A", "P", s.Local("2026-09-10 12:00"))
	page := today(s, "")
	if len(page.Rows) != 0 || page.Heading != "На сегодня всё сделано." {
		t.Errorf("there are %d rows under %q", len(page.Rows), page.Heading)
	}
	if want := []string{"Петрова Анна Сергеевна: запись появилась сама, 11:20"}; !slices.Equal(page.Done, want) {
		t.Errorf("done is %q, want %q", page.Done, want)
	}
	s.ToLocal("2026-09-04 11:00")
	if page := today(s, ""); len(page.Done) != 0 || page.DoneHeading != "" {
		t.Errorf("the next day it still says %q", page.Done)
	}
}

func TestWhoIsCallingIsSeenByTheOthersForTenMinutes(t *testing.T) {
	s := stagetest.New(t, tuesday)
	crowd(s, 1)
	change(s, "C00", dental.WakeTask, func(t *dental.Task) {
		t.Calling, t.CallingKey, t.CallingAt = "Ольга Лунина", "k-olga", s.Now()
	})
	row := today(s, "k-vera").Rows[0]
	if want := "На линии Ольга Лунина, с 11:00"; row.Calling != want || row.Mine {
		t.Errorf("another sees %q, want %q", row.Calling, want)
	}
	if row = today(s, "k-olga").Rows[0]; row.Calling != "Вы на линии с 11:00" || !row.Mine {
		t.Errorf("the caller sees %q", row.Calling)
	}
	s.Set(s.Now().Add(dental.CallingFor))
	if row = today(s, "k-vera").Rows[0]; row.Calling != "" {
		t.Errorf("ten minutes later there is %q", row.Calling)
	}
}

func TestTheVersionOfTheListChangesWithTheListAlone(t *testing.T) {
	s := stagetest.New(t, tuesday)
	crowd(s, 2)
	version := func() string {
		v, err := list(s).Version(t.Context(), &s.Clinic, s.Now())
		if err != nil {
			t.Fatal(err)
		}
		if page := today(s, ""); page.Version != v {
			t.Fatalf("the page has the version %q and the list %q", page.Version, v)
		}
		return v
	}
	was := version()
	s.Set(s.Now().Add(time.Minute))
	s.Patient("B", func(c *intake.Card) { c.Number = "+79160000055" })
	if now := version(); now != was {
		t.Error("it has changed with nothing on the list")
	}
	for _, step := range []struct {
		name string
		do   func()
	}{
		{"a new task", func() { open(s, "B", dental.Task{Kind: dental.CallTask, Anchor: "a"}) }},
		{"a call that has begun", func() {
			change(s, "B", dental.CallTask, func(t *dental.Task) { t.Calling, t.CallingAt = "Ольга", s.Now() })
		}},
		{"a press", func() { change(s, "B", dental.CallTask, func(t *dental.Task) { t.Pressed = dental.Press{ID: "1"} }) }},
		{"a task that is closed", func() {
			change(s, "B", dental.CallTask, func(t *dental.Task) { t.Close(&s.Clinic, "booked", s.Now()) })
		}},
	} {
		was = version()
		if step.do(); version() == was {
			t.Errorf("%s does not change it", step.name)
		}
	}
}

// counted counts the reads of a table.
type counted struct {
	table.Table
	reads *atomic.Int64
}

func (c counted) Get(ctx context.Context, keys ...table.Key) ([]table.Item, error) {
	c.reads.Add(int64(len(keys)))
	return c.Table.Get(ctx, keys...)
}

func (c counted) Query(ctx context.Context, q table.Query) (table.Page, error) {
	page, err := c.Table.Query(ctx, q)
	c.reads.Add(int64(1 + len(page.Items)))
	return page, err
}

func TestReadingTheListCostsWhatIsShownAndNotWhatIsStored(t *testing.T) {
	s := stagetest.New(t, tuesday)
	crowd(s, 5)
	reads := &atomic.Int64{}
	counting := stagetest.Join(s, counted{s.Table, reads})
	read := func() int64 {
		reads.Store(0)
		if _, err := list(counting).Today(t.Context(), &s.Clinic, "", 0, s.Now()); err != nil {
			t.Fatal(err)
		}
		return reads.Load()
	}
	before := read()
	for i := range 60 {
		s.Patient(fmt.Sprintf("N%02d", i), func(c *intake.Card) { c.Number = fmt.Sprintf("+7916001%04d", i) })
	}
	if after := read(); after != before {
		t.Errorf("with 60 patients more it reads %d items, and %d before", after, before)
	}
	for i := range 3 * desk.TasksShown {
		open(s, fmt.Sprintf("N%02d", i), dental.Task{Kind: dental.WakeTask, Anchor: "a"})
	}
	// A task more is one item more; the patients of other pages are not read.
	most := before + 3*desk.TasksShown + 12*(desk.TasksShown-5)
	if after := read(); after > most {
		t.Errorf("with a list of four pages it reads %d items, want at most %d", after, most)
	}
}

func TestANumberOfSomebodyElseIsNotCalledAgain(t *testing.T) {
	r := called(t)
	r.press("P", dental.CallTask, dental.PressWrongNumber)
	row := today(r.Stage, "").Rows[0]
	if row.Phone != "" || row.Missing != "Номера нет" || len(row.Items[0].Script) > 0 {
		t.Errorf("the row has %q, %q and says %q", row.Phone, row.Missing, row.Items[0].Script)
	}
	if when := row.Items[0].When; when != "Номера нет: спросите, когда пациент придёт или позвонит." {
		t.Errorf("it is called %q", when)
	}
	r.Patient("P", func(c *intake.Card) { c.Number = "+79160000077" })
	open(r.Stage, "P", dental.Task{Kind: dental.WakeTask, Anchor: "a"})
	if row := today(r.Stage, "").Rows[0]; row.Phone != "+79160000077" || row.Missing != "" {
		t.Errorf("with another number the row has %q, %q", row.Phone, row.Missing)
	}
}

func TestANumberThatTakesNoMessagesIsLookedUpInTheMIS(t *testing.T) {
	s := stagetest.New(t, tuesday)
	s.Patient("P", func(c *intake.Card) { c.Number, c.Mail = "8 495 000-00-01 доб. 12", "" })
	if issue := s.Card("P").Patient.PhoneIssue; issue == "" {
		t.Fatal("the stage reads the number")
	}
	s.Appointment(intake.AppointmentBooked, "A", "P", s.Now().Add(3*time.Hour))
	open(s, "P", dental.Task{Kind: dental.WakeTask, Anchor: "a"})
	row := today(s, "").Rows[0]
	it := row.Items[0]
	if row.Phone != "" || row.Missing != "Номер — в карте МИС" || !strings.HasPrefix(it.When, "Посмотрите номер в карте МИС: ") || len(it.Script) == 0 {
		t.Errorf("the row has %q and says %q with the script %q", row.Missing, it.When, it.Script)
	}
	for _, duty := range arrivals(s, "2026-03-10").Rows[0].Asks {
		if duty.Kind == desk.AskNumber && !strings.HasPrefix(duty.Text, "Спросите мобильный номер: ") {
			t.Errorf("the reception is told %q", duty.Text)
		}
	}
}

func TestNoOffersAreMadeWhileAComplaintIsOpenAndForThirtyDaysAfter(t *testing.T) {
	s := stagetest.New(t, tuesday)
	s.Patient("P")
	badge := func() string { return today(s, "").Rows[0].Consent }
	open(s, "P", dental.Task{Kind: dental.WakeTask, Anchor: "a"})
	if got := badge(); got != desk.MayAdvertise {
		t.Fatalf("the badge is %q", got)
	}
	open(s, "P", dental.Task{Kind: dental.ComplaintTask, Anchor: "2026-03-09"})
	if got := badge(); got != desk.MayNotOffer {
		t.Errorf("while it is open the badge is %q", got)
	}
	change(s, "P", dental.ComplaintTask, func(t *dental.Task) { t.ClosedAt, t.Outcome = s.Now(), dental.PressClosed })
	for days, want := range map[int]string{29: desk.MayNotOffer, 31: desk.MayAdvertise} {
		cl := s.Clinic
		page, err := list(s).Today(t.Context(), &cl, "", 0, s.Now().AddDate(0, 0, days))
		if err != nil || page.Rows[0].Consent != want {
			t.Errorf("%d days after it was closed the badge is %q, %v", days, page.Rows[0].Consent, err)
		}
	}
}

func TestAnUnconfirmedAppointmentOfTheDayStandsOnTopAndSoDoWaitingBatches(t *testing.T) {
	s := stagetest.New(t, tuesday)
	crowd(s, 30)
	for id, start := range map[string]time.Time{"SOON": s.Now().Add(3 * time.Hour), "NEXT": s.Now().Add(27 * time.Hour), "PAST": s.Now().Add(-time.Hour)} {
		s.Patient(id, func(c *intake.Card) { c.Number, c.Mail = "", "" })
		open(s, id, dental.Task{Kind: dental.ConfirmTask, Anchor: dental.AppointmentAnchor(dental.Appointment{ID: id, Start: start})})
	}
	day := s.Clinic.Today(s.Now())
	open(s, "", dental.Task{Kind: dental.ReleaseTask, Scenario: "season", Anchor: dental.BatchAnchor("season", day), Reason: "4 сообщения ждут отправки."})
	page := today(s, "")
	if got := page.Rows[0]; got.ID == "" || got.Items[0].Task.Patient != "SOON" || !got.Urgent || page.Rows[1].Urgent {
		t.Errorf("on top is %+v", got.Items[0].Task)
	}
	for _, from := range []int{0, page.Next} {
		if b := todayFrom(s, "", from).Batches; len(b) != 1 || b[0].Batch != day || b[0].Why != "4 сообщения ждут отправки." {
			t.Errorf("from %d on the batches are %+v", from, b)
		}
	}
}

func TestWhatWasDoneLastIsShownOfADayWithHundredsClosed(t *testing.T) {
	s := stagetest.New(t, tuesday)
	for i := range 230 {
		tx := s.Store.Begin()
		task, err := tx.Task(t.Context(), "demo", dental.LeadTask, fmt.Sprintf("L%03d", i))
		if err != nil {
			t.Fatal(err)
		}
		at := s.Now().Add(time.Duration(i) * time.Second)
		task = dental.Task{Clinic: "demo", Kind: dental.LeadTask, Anchor: task.Anchor, OpenedAt: s.Now(), ShowDay: s.Clinic.Today(s.Now())}
		task.Anchor = fmt.Sprintf("L%03d", i)
		task.Close(&s.Clinic, "booked", at)
		tx.Put(task)
		if err := tx.Commit(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	s.Set(s.Now().Add(4 * time.Minute))
	page := today(s, "")
	if !strings.Contains(page.DoneHeading, "230") || len(page.Done) == 0 {
		t.Fatalf("the heading is %q over %d lines", page.DoneHeading, len(page.Done))
	}
	if latest := s.Now().Add(-11 * time.Second); !strings.Contains(page.Done[0], latest.In(s.Clinic.Location()).Format("15:04")) {
		t.Errorf("the first line is %q, want that of %s", page.Done[0], latest)
	}
}
