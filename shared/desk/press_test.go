package desk_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/desk"
	"github.com/returnpoint/returnpoint/shared/intake"
	"github.com/returnpoint/returnpoint/shared/locale"
	"github.com/returnpoint/returnpoint/shared/outreach"
	"github.com/returnpoint/returnpoint/shared/reply"
	"github.com/returnpoint/returnpoint/shared/stagetest"
	"github.com/returnpoint/returnpoint/shared/table"
)

// shift is a stage on which staff press, with the scenarios named on and no other.
type shift struct {
	*stagetest.Stage
	presses *desk.Presses
	ids     int
}

func administrator() dental.Staff {
	return dental.Staff{Clinic: "demo", Key: "k-olga", Name: "Ольга", Role: dental.Administrator}
}

func newShift(t *testing.T, at string, scenarios ...string) *shift {
	s := stagetest.New(t, time.Date(2026, 1, 12, 9, 0, 0, 0, time.UTC), func(c *dental.Clinic) {
		for name := range c.Scenarios {
			if !slices.Contains(scenarios, name) {
				c.Scenarios[name] = dental.ScenarioSettings{}
			}
		}
	})
	r := &shift{Stage: s, presses: &desk.Presses{Store: s.Store, Catalogue: s.Catalogue}}
	r.ToLocal(at)
	return r
}

// called is a shift on which P is to be called: the date to come back by is
// 18 November 2026, and both invitations have left unanswered.
func called(t *testing.T, more ...string) *shift {
	r := newShift(t, "2026-05-18 12:00", append(more, "recall")...)
	r.Patient("P")
	r.Visit("V", "P", r.Now())
	r.ToLocal("2026-11-11 12:00")
	return r
}

// task is the patient's one task of a kind, open or closed.
func (r *shift) task(patient string, kind dental.TaskKind) dental.Task {
	r.T.Helper()
	var found []dental.Task
	for _, t := range r.Card(patient).Tasks {
		if t.Kind == kind {
			found = append(found, t)
		}
	}
	if len(found) != 1 {
		r.T.Fatalf("%s has %d tasks %s, want one", patient, len(found), kind)
	}
	return found[0]
}

// form is a press that a page shows now.
func (r *shift) form(t dental.Task, outcome string, change ...func(*desk.Form)) desk.Form {
	r.ids++
	f := desk.Form{ID: fmt.Sprint("press-", r.ids), Seen: desk.Seen(t), Outcome: outcome}
	for _, c := range change {
		c(&f)
	}
	return f
}

// press presses on the patient's task and lets it take effect.
func (r *shift) press(patient string, kind dental.TaskKind, outcome string, change ...func(*desk.Form)) {
	r.T.Helper()
	t := r.task(patient, kind)
	if err := r.presses.Press(r.T.Context(), desk.RefOf(t), administrator(), r.form(t, outcome, change...), r.Now()); err != nil {
		r.T.Fatalf("%s on %s of %s: %v", outcome, kind, patient, err)
	}
	r.To(r.Now().Add(2 * time.Minute))
}

func because(cause string) func(*desk.Form) { return func(f *desk.Form) { f.Cause = cause } }

func (r *shift) closed(patient string, kind dental.TaskKind, outcome string) dental.Task {
	r.T.Helper()
	t := r.task(patient, kind)
	if t.Open() || t.Outcome != outcome || t.By != administrator().Name {
		r.T.Errorf("the task %s of %s is closed %q by %q", kind, patient, t.Outcome, t.By)
	}
	return t
}

func TestAPressTakesEffectWhenItCanNoLongerBeTakenBack(t *testing.T) {
	r := called(t)
	task := r.task("P", dental.CallTask)
	if err := r.presses.Press(t.Context(), desk.RefOf(task), administrator(), r.form(task, dental.PressBooked), r.Now()); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the job may be asked for at any time
		if err := r.Worker.Handle(t.Context(), fmt.Sprintf(`{"Job":{"Clinic":"demo","ID":"press.%s"}}`, task.ID())); err != nil {
			t.Fatal(err)
		}
	}
	pressed := r.task("P", dental.CallTask)
	if !pressed.Open() || pressed.Pressed.By != "Ольга" || len(r.Card("P").Responses) != 0 {
		t.Fatalf("before its time the press has done something: %+v", pressed)
	}
	r.To(r.Now().Add(2 * time.Minute))
	closed := r.closed("P", dental.CallTask, dental.PressBooked)
	if closed.Pressed.ID != "" || !closed.ClosedAt.Equal(pressed.Pressed.At) {
		t.Errorf("afterwards the task is %+v", closed)
	}
	if got := r.Card("P").Response("recall", "2026-11-18"); got == nil || got.Action != dental.BookOffer || got.By != "Ольга" {
		t.Errorf("the journey's answer is %+v", got)
	}
}

func TestAPressIsTakenBackWithOnePress(t *testing.T) {
	r := called(t)
	task := r.task("P", dental.CallTask)
	f := r.form(task, dental.PressNever)
	for range 2 { // a form that is sent twice is one press
		if err := r.presses.Press(t.Context(), desk.RefOf(task), administrator(), f, r.Now()); err != nil {
			t.Fatal(err)
		}
	}
	r.Set(r.Now().Add(9 * time.Second))
	if err := r.presses.Undo(t.Context(), desk.RefOf(task), administrator(), f.ID, r.Now()); err != nil {
		t.Fatal(err)
	}
	r.To(r.Now().Add(time.Hour))
	if task = r.task("P", dental.CallTask); !task.Open() || task.Pressed.ID != "" {
		t.Errorf("the task is %+v", task)
	}
	if _, refused := r.Card("P").Patient.Uncalled(); refused {
		t.Error("what was taken back has taken effect")
	}
	r.press("P", dental.CallTask, dental.PressBooked)
	if err := r.presses.Undo(t.Context(), desk.RefOf(task), administrator(), f.ID, r.Now()); dental.KindOf(err) != dental.Conflict {
		t.Errorf("undone after its effect: %v", err)
	}
}

func TestEveryPressLeavesItsLineInTheLog(t *testing.T) {
	r := called(t)
	task := r.task("P", dental.CallTask)
	f := r.form(task, dental.PressBooked)
	for _, do := range []func() error{
		func() error { return r.presses.Call(t.Context(), desk.RefOf(task), administrator(), "c", r.Now()) },
		func() error { return r.presses.Press(t.Context(), desk.RefOf(task), administrator(), f, r.Now()) },
		func() error { return r.presses.Undo(t.Context(), desk.RefOf(task), administrator(), f.ID, r.Now()) },
	} {
		if err := do(); err != nil {
			t.Fatal(err)
		}
		r.Set(r.Now().Add(time.Second))
	}
	log, _, err := r.Store.Log(t.Context(), "demo", "2026-11", 10, "")
	if err != nil {
		t.Fatal(err)
	}
	var said []string
	for _, e := range log {
		said = append(said, strings.Join([]string{e.By, e.Action, e.Detail, e.Patient}, " "))
		if e.Key != "k-olga" || e.Subject != task.ID() || !locale.Russian.Has("desk.log."+e.Action) {
			t.Errorf("a line is %+v", e)
		}
	}
	if want := []string{"Ольга undo booked P", "Ольга press booked P", "Ольга calling  P"}; !slices.Equal(said, want) {
		t.Errorf("the log has %q", said)
	}
}

func TestTheLogSaysWhyAPatientRefusedAndToWhichDayACallIsPutOff(t *testing.T) {
	for outcome, tt := range map[string]struct {
		form func(*desk.Form)
		want string
	}{
		dental.PressRefused: {because("price"), "отказ: дорого"},
		dental.PressLater:   {because("weeks"), "позвонить позже, "},
		dental.PressAgreed:  {func(f *desk.Form) { f.On = "2027-02-01" }, "дата возвращения согласована, 1 февраля 2027"},
	} {
		r := called(t)
		task := r.task("P", dental.CallTask)
		f := r.form(task, outcome, tt.form)
		if err := r.presses.Press(t.Context(), desk.RefOf(task), administrator(), f, r.Now()); err != nil {
			t.Fatal(err)
		}
		lines, _, err := desk.Log(t.Context(), r.Store, r.Catalogue, &r.Clinic, desk.MonthOf(r.Now()), "", locale.Russian, r.Now())
		if err != nil || !strings.HasPrefix(lines[0].Detail, tt.want) || outcome == dental.PressLater && !strings.Contains(lines[0].Detail, " 20") {
			t.Errorf("%s is logged as %+v, %v", outcome, lines, err)
		}
	}
}

func TestAPressOnWhatHasChangedChangesNothingAndSaysSo(t *testing.T) {
	for name, tt := range map[string]struct {
		meanwhile func(*shift, dental.Task)
		says      string
	}{
		"somebody else has pressed": {func(r *shift, task dental.Task) {
			if err := r.presses.Press(r.T.Context(), desk.RefOf(task), dental.Staff{Clinic: "demo", Name: "Пётр", Role: dental.Manager}, r.form(task, dental.PressBooked), r.Now()); err != nil {
				r.T.Fatal(err)
			}
		}, "Здесь уже есть отметка: есть запись (Пётр, 12:00)."},
		"it was closed by a press": {func(r *shift, task dental.Task) { r.press("P", dental.CallTask, dental.PressBooked) },
			"Задача уже закрыта: есть запись (Ольга, 12:00)."},
		"it has closed itself": {func(r *shift, _ dental.Task) {
			r.Appointment(intake.AppointmentBooked, "A", "P", r.Local("2026-11-20 12:00"))
		}, "Задача уже закрылась сама"},
		"a call was noted": {func(r *shift, _ dental.Task) { r.press("P", dental.CallTask, dental.PressNoAnswer) },
			"Пока страница была открыта, здесь что-то изменилось"},
		"the patient was erased": {func(r *shift, _ dental.Task) {
			r.Tell(intake.Event{Type: intake.PatientDeleted, Gone: &intake.Deletion{ID: "P", Version: r.Now().UnixMilli()}})
		}, "Этого в списке уже нет"},
	} {
		t.Run(name, func(t *testing.T) {
			r := called(t)
			task := r.task("P", dental.CallTask)
			f := r.form(task, dental.PressWrongNumber)
			tt.meanwhile(r, task)
			err := r.presses.Press(t.Context(), desk.RefOf(task), administrator(), f, r.Now())
			if says := desk.InWords(locale.Russian, err); !strings.HasPrefix(says, tt.says) {
				t.Errorf("it says %q (%v)", says, err)
			}
			r.To(r.Now().Add(time.Hour))
			if len(r.Card("P").Patient.NotMe) > 0 {
				t.Error("the press has taken effect")
			}
		})
	}
}

func TestOfTwoPressesAtOnceOneCounts(t *testing.T) {
	r := called(t)
	task := r.task("P", dental.CallTask)
	var all sync.WaitGroup
	var mu sync.Mutex
	taken := 0
	for n := range 6 {
		f := r.form(task, dental.PressBooked)
		all.Go(func() {
			err := r.presses.Press(t.Context(), desk.RefOf(task), dental.Staff{Clinic: "demo", Name: fmt.Sprint("N", n)}, f, r.Now())
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				taken++
			} else if dental.KindOf(err) != dental.Conflict {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if taken != 1 {
		t.Errorf("%d presses were taken", taken)
	}
}

func TestWhoCallsIsKnownToTheOthersForTenMinutes(t *testing.T) {
	r := called(t)
	ref := desk.RefOf(r.task("P", dental.CallTask))
	pyotr := dental.Staff{Clinic: "demo", Key: "k-pyotr", Name: "Пётр", Role: dental.Administrator}
	if err := r.presses.Call(t.Context(), ref, administrator(), "1", r.Now()); err != nil {
		t.Fatal(err)
	}
	err := r.presses.Call(t.Context(), ref, pyotr, "2", r.Now())
	if says := desk.InWords(locale.Russian, err); says != "Этому пациенту уже звонят: Ольга, с 12:00." {
		t.Errorf("the second is told %q", says)
	}
	namesake := dental.Staff{Clinic: "demo", Key: "k-other-olga", Name: "Ольга", Role: dental.Administrator}
	if err := r.presses.Call(t.Context(), ref, namesake, "5", r.Now()); dental.KindOf(err) != dental.Conflict {
		t.Errorf("another of the same name is told %v", err)
	}
	if err := r.presses.Call(t.Context(), ref, administrator(), "3", r.Now()); err != nil {
		t.Errorf("who calls is refused: %v", err)
	}
	if who := r.task("P", dental.CallTask).CallingNow(r.Now().Add(10*time.Minute - time.Second)); who != "Ольга" {
		t.Errorf("just before the end it is %q", who)
	}
	if err := r.presses.Call(t.Context(), ref, pyotr, "4", r.Now().Add(10*time.Minute)); err != nil {
		t.Errorf("after it: %v", err)
	}
	r.Set(r.Now().Add(11 * time.Minute))
	r.press("P", dental.CallTask, dental.PressNoAnswer)
	if task := r.task("P", dental.CallTask); task.Calling != "" {
		t.Errorf("after the press %s still calls", task.Calling)
	}
}

func TestBookedEndsTheJourneyUnlessTheMISShowsNothingAfterTwoWorkingDays(t *testing.T) {
	r := called(t)
	r.press("P", dental.CallTask, dental.PressBooked) // Wednesday the 11th
	r.ToLocal("2026-11-13 23:00")
	r.closed("P", dental.CallTask, dental.PressBooked)
	r.ToLocal("2026-11-14 09:00") // Saturday is a working day
	task := r.task("P", dental.CallTask)
	if !task.Open() || !strings.Contains(task.Reason, "11 ноября") || !strings.Contains(task.Reason, "в МИС её не видно") {
		t.Errorf("the row is %+v", task)
	}
	r = called(t)
	r.press("P", dental.CallTask, dental.PressBooked)
	r.Appointment(intake.AppointmentBooked, "A", "P", r.Local("2026-11-20 12:00"))
	r.ToLocal("2026-11-16 12:00")
	r.closed("P", dental.CallTask, dental.PressBooked)
}

func TestADateThatWasAgreedOnIsTheOneToComeBackBy(t *testing.T) {
	r := called(t)
	r.press("P", dental.CallTask, dental.PressAgreed, func(f *desk.Form) { f.On = "2027-02-10" })
	r.closed("P", dental.CallTask, dental.PressAgreed)
	if back := r.Card("P").ReturnDay(r.Clinic.Today(r.Now())); back.String() != "2027-02-10" {
		t.Fatalf("the date to come back by is %s", back)
	}
	before := len(r.Sent())
	r.ToLocal("2027-01-09 12:00")
	if n := len(r.Sent()) - before; n != 0 {
		t.Errorf("%d messages left a month and a day before it", n)
	}
	r.ToLocal("2027-02-04 12:00")
	if first, second := len(r.SentAs("recall", "first")), len(r.SentAs("recall", "second")); first != 2 || second != 2 {
		t.Errorf("%d first and %d second invitations left in all, want 2 and 2", first, second)
	}
	if tasks := r.Tasks("P", dental.CallTask); len(tasks) != 1 || tasks[0].Anchor != "2027-02-10" {
		t.Errorf("the calls are %+v", tasks)
	}
	r.Visit("V-2", "P", r.Local("2027-02-04 11:00"))
	if back := r.Card("P").ReturnDay(r.Clinic.Today(r.Now())); back.String() != "2027-08-04" {
		t.Errorf("after a later visit it is %s", back)
	}
}

func TestWhoHasJustAgreedOnANearDateIsNotInvitedToItAtOnce(t *testing.T) {
	for _, on := range []string{"2026-11-20", "2026-11-25", "2026-12-01", "2026-12-15"} {
		r := called(t)
		before := len(r.Sent())
		r.press("P", dental.CallTask, dental.PressAgreed, func(f *desk.Form) { f.On = on })
		r.ToLocal("2026-11-18 23:00")
		if n := len(r.Sent()) - before; n != 0 {
			t.Errorf("%s: %d messages left within a week of the agreement: %q", on, n, r.Sent()[len(r.Sent())-1].Text)
		}
		if n := len(r.Tasks("P", dental.CallTask)); n != 0 {
			t.Errorf("%s: %d calls within a week of it", on, n)
		}
	}
}

func TestWhoAgreedOnADateIsRemindedOfItHoweverLatelyOfAnother(t *testing.T) {
	r := called(t) // the second invitation left on 4 November
	before := len(r.Sent())
	r.press("P", dental.CallTask, dental.PressAgreed, func(f *desk.Form) { f.On = "2026-12-15" })
	r.ToLocal("2026-12-01 12:00")
	if n := len(r.Sent()) - before; n != 1 {
		t.Errorf("%d messages left by two weeks before the date, want one", n)
	}
}

func TestWhereNoRecallInvitesTheRowOfAnAgreedDateComesBack(t *testing.T) {
	r := newShift(t, "2026-05-18 12:00", "sleeping-6", "appointment")
	r.Patient("P")
	r.Visit("V", "P", r.Now())
	r.Appointment(intake.AppointmentBooked, "A", "P", r.Local("2026-06-10 12:00"))
	r.ToLocal("2026-06-10 12:30")
	r.Appointment(intake.AppointmentMissed, "A", "P", r.Local("2026-06-10 12:00"))
	r.ToLocal("2026-06-10 18:00")
	r.press("P", dental.RebookTask, dental.PressAgreed, func(f *desk.Form) { f.On = "2026-09-15" })
	if task := r.task("P", dental.RebookTask); !task.Open() || task.ShowDay.String() != "2026-09-08" {
		t.Errorf("the row is %+v", task)
	}
}

func TestNobodyAnswersThreeTimesAndTheRowCloses(t *testing.T) {
	r := called(t) // Wednesday, 11 November
	for n, back := range []string{"2026-11-12", "2026-11-16", ""} {
		r.press("P", dental.CallTask, dental.PressNoAnswer)
		task := r.task("P", dental.CallTask)
		if back == "" {
			r.closed("P", dental.CallTask, dental.PressNoAnswer)
			if task.Tries != 3 {
				t.Errorf("after %d tries", task.Tries)
			}
			break
		}
		if !task.Open() || task.Tries != n+1 || task.ShowDay.String() != back {
			t.Fatalf("after try %d the row is %+v", n+1, task)
		}
		r.ToLocal(back + " 10:30")
	}
}

func TestWhatHasToBeKnownBeforeAnAppointmentIsAskedAgainTheSameDay(t *testing.T) {
	r := newShift(t, "2026-06-01 12:00", "appointment")
	r.Patient("P")
	r.Appointment(intake.AppointmentBooked, "A", "P", r.Local("2026-06-25 12:00"))
	r.ToLocal("2026-06-24 11:00")
	r.press("P", dental.ConfirmTask, dental.PressNoAnswer)
	if task := r.task("P", dental.ConfirmTask); task.ShowDay.String() != "2026-06-24" || !task.Due.Equal(r.Local("2026-06-24 13:00")) || task.Tries != 1 {
		t.Errorf("the row is %+v", task)
	}
}

func TestLaterComesBackOnItsDayAndNothingIsSentMeanwhile(t *testing.T) {
	for when, day := range map[string]string{"weeks": "2026-11-25", "month": "2026-12-11"} {
		r := called(t)
		before := len(r.Sent())
		r.press("P", dental.CallTask, dental.PressLater, because(when))
		task := r.task("P", dental.CallTask)
		if !task.Open() || task.ShowDay.String() != day {
			t.Errorf("%s: the row is %+v", when, task)
		}
		r.ToLocal("2026-12-30 12:00")
		if n := len(r.Sent()) - before; n != 0 {
			t.Errorf("%s: %d messages left", when, n)
		}
		if got := r.task("P", dental.CallTask); !got.Open() {
			t.Errorf("%s: the row closed itself: %s", when, got.Outcome)
		}
	}
}

func TestWhatWasPutOffComesBackWithTheNextWordOfThePatient(t *testing.T) {
	r := called(t)
	token := r.Token("P", dental.OfferLink)
	ask := func() {
		if err := r.Desk.Respond(t.Context(), token, reply.ResponseForm{Action: dental.CallbackOffer}, r.Now()); err != nil {
			t.Fatal(err)
		}
	}
	ask()
	r.press("P", dental.CallbackTask, dental.PressLater, because("month"))
	if task := r.task("P", dental.CallbackTask); task.ShowDay.String() != "2026-12-11" {
		t.Fatalf("it is put off to %s", task.ShowDay)
	}
	r.ToLocal("2026-11-20 12:00")
	ask()
	if task := r.task("P", dental.CallbackTask); task.ShowDay.String() != "2026-11-20" || !task.Due.Equal(r.Local("2026-11-20 13:00")) {
		t.Errorf("it is to be done on %s, by %s", task.ShowDay, task.Due)
	}
}

// invitedAfter counts what P is sent in the two years after a refusal, by scenario.
func invitedAfter(t *testing.T, cause string) map[string]int {
	r := called(t, "sleeping-12", "sleeping-18", "implant-year")
	r.press("P", dental.CallTask, dental.PressRefused, because(cause))
	r.closed("P", dental.CallTask, dental.PressRefused)
	if task := r.task("P", dental.CallTask); task.Cause != cause {
		t.Errorf("the cause is %q", task.Cause)
	}
	before := len(r.Sent())
	r.ToLocal("2028-01-10 12:00")
	out := map[string]int{}
	for _, m := range r.Sent()[before:] {
		out[m.Touch.Scenario]++
	}
	return out
}

func TestARefusalEndsTheOfferAndWhatItsReasonSays(t *testing.T) {
	for cause, want := range map[dental.RefusalReason]map[string]int{
		dental.RefusedPrice:     {"sleeping-12": 1, "sleeping-18": 1},
		dental.RefusedNotNeeded: {"sleeping-12": 1, "sleeping-18": 1}, // of recall alone
		dental.RefusedMoved:     {},
		dental.RefusedAnother:   {},
	} {
		if got := invitedAfter(t, string(cause)); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s: afterwards %v left, want %v", cause, got, want)
		}
	}
	r := called(t)
	r.press("P", dental.CallTask, dental.PressRefused, because("price"))
	r.Visit("V-2", "P", r.Now())
	r.ToLocal("2027-05-01 12:00")
	if n := len(r.SentAs("recall", "first")); n != 2 {
		t.Errorf("after a visit who had refused once is invited %d times in all, want 2", n)
	}
	r = called(t)
	r.press("P", dental.CallTask, dental.PressRefused, because("not-needed"))
	r.Visit("V-2", "P", r.Now())
	r.ToLocal("2027-05-01 12:00")
	if n := len(r.SentAs("recall", "first")); n != 1 {
		t.Errorf("who needs no recall is invited %d times in all, want 1", n)
	}
}

func TestAWrongNumberIsLeftAloneUntilTheMISBringsAnother(t *testing.T) {
	r := called(t)
	r.Patient("P", func(c *intake.Card) { c.Mail = "" })
	r.press("P", dental.CallTask, dental.PressWrongNumber)
	r.closed("P", dental.CallTask, dental.PressWrongNumber)
	if n := len(r.Tasks("P", dental.ContactTask)); n != 1 {
		t.Fatalf("%d tasks ask for the number", n)
	}
	before := len(r.Sent())
	r.Visit("V-2", "P", r.Now())
	r.ToLocal("2027-04-25 12:00")
	if n := len(r.Sent()) - before; n != 0 {
		t.Errorf("%d messages went to the wrong number", n)
	}
	r.Patient("P", func(c *intake.Card) { c.Number, c.Mail = "+79160000077", "" })
	if n := len(r.Tasks("P", dental.ContactTask)); n != 0 {
		t.Error("the task stands although the number has come")
	}
	r.ToLocal("2027-05-03 12:00")
	if n := len(r.Sent()) - before; n != 1 {
		t.Errorf("%d messages went to the new number, want the second invitation", n)
	}
}

func TestAWrongNumberOfAChildIsTheGuardians(t *testing.T) {
	r := newShift(t, "2026-05-18 12:00", "recall")
	r.Patient("M")
	r.Patient("P", func(c *intake.Card) {
		c.Number, c.Mail, c.GuardianID, c.BirthDate = "", "", "M", dental.Date{Year: 2016, Month: 4, Day: 1}
	})
	r.Visit("V", "P", r.Now())
	r.ToLocal("2026-11-11 12:00")
	r.press("P", dental.CallTask, dental.PressWrongNumber)
	if len(r.Card("M").Patient.NotMe) != 1 || len(r.Tasks("M", dental.ContactTask)) != 1 || len(r.Card("P").Patient.NotMe) != 0 {
		t.Errorf("the guardian's card is %+v", r.Card("M").Patient.NotMe)
	}
	r.closed("P", dental.CallTask, dental.PressWrongNumber)
}

func TestWhoWantsNoContactGetsNeitherMessagesNorCalls(t *testing.T) {
	r := called(t, "plan", "appointment", "after-visit", "sleeping-6", "sleeping-12", "birthday", "season", "complex-visit")
	r.Appointment(intake.AppointmentBooked, "A", "P", r.Local("2026-11-12 18:00"))
	r.Appointment(intake.AppointmentMissed, "A", "P", r.Local("2026-11-12 18:00"))
	r.ToLocal("2026-11-13 12:00")
	if n := len(r.Tasks("P", dental.RebookTask)); n != 1 {
		t.Fatalf("%d tasks to book again", n)
	}
	r.press("P", dental.RebookTask, dental.PressNever)
	r.closed("P", dental.RebookTask, dental.PressNever)
	card := r.Card("P")
	for _, task := range card.Tasks {
		if task.Open() {
			t.Errorf("the task %s is open", task.Kind)
		}
	}
	for _, class := range append(dental.Classes(), dental.Reminders) {
		for _, ch := range dental.Channels() {
			if c, recorded := card.Patient.Consent(class, ch); !recorded || c.Granted || c.By != "Ольга" || c.Source == "" {
				t.Errorf("%s on %s is %+v", class, ch, c)
			}
		}
	}
	before := len(r.Sent())
	r.Visit("V-2", "P", r.Now(), func(v *dental.Visit) { v.Complex = true })
	r.Appointment(intake.AppointmentBooked, "B", "P", r.Local("2026-12-20 18:00"))
	r.ToLocal("2028-01-20 12:00")
	if n := len(r.Sent()) - before; n != 0 {
		t.Errorf("%d messages left, the first %q", n, r.Sent()[before].Text)
	}
	for _, task := range r.Card("P").Tasks {
		if task.OpenedAt.After(r.Local("2026-11-13 13:00")) {
			t.Errorf("afterwards staff were asked to %s", task.Kind)
		}
	}
}

func TestAMessageIsNotClaimedOnceThePressIsAcknowledgedThatForbidsIt(t *testing.T) {
	for _, outcome := range []string{dental.PressNever, dental.PressWrongNumber} {
		r := called(t, "after-visit")
		task := r.task("P", dental.CallTask)
		claim := r.Store.Begin() // a sender has read the card, and has not written yet
		card, err := claim.Card(t.Context(), "demo", "P")
		if err != nil {
			t.Fatal(err)
		}
		if err := r.presses.Press(t.Context(), desk.RefOf(task), administrator(), r.form(task, outcome), r.Now()); err != nil {
			t.Fatal(err)
		}
		claim.Put(card.Touches[0])
		claim.Check(card.Patient)
		if err := claim.Commit(t.Context()); !errors.Is(err, table.ErrConflict) {
			t.Errorf("%s: what was decided before is written after: %v", outcome, err)
		}
		before := len(r.Sent())
		r.Visit("V-2", "P", r.Now())
		r.Tick() // the job of the press is not due yet
		if n := len(r.Sent()) - before; n != 0 {
			t.Errorf("%s: %d messages left in the seconds in which it can be taken back", outcome, n)
		}
		r.To(r.Now().Add(time.Hour))
		for _, m := range r.Sent()[before:] {
			if outcome == dental.PressNever || m.Channel == dental.SMS {
				t.Errorf("%s: %q left after it", outcome, m.Text)
			}
		}
	}
}

func TestWhoWantsNoContactMayStillAskForACall(t *testing.T) {
	r := called(t)
	token := r.Token("P", dental.OfferLink)
	r.press("P", dental.CallTask, dental.PressNever)
	if err := r.Desk.Respond(t.Context(), token, reply.ResponseForm{Action: dental.CallbackOffer}, r.Now()); err != nil {
		t.Fatal(err)
	}
	r.To(r.Now().Add(time.Hour))
	if n := len(r.Tasks("P", dental.CallbackTask)); n != 1 {
		t.Errorf("%d tasks to call back", n)
	}
}

func TestNothingMoreIsToldToAGuardianOfAChildOfWhomNoMoreIsToBeSaid(t *testing.T) {
	r := newShift(t, "2026-05-18 12:00", "recall", "appointment")
	r.Patient("M")
	r.Patient("P", func(c *intake.Card) {
		c.Number, c.Mail, c.GuardianID, c.BirthDate = "", "", "M", dental.Date{Year: 2016, Month: 4, Day: 1}
	})
	r.Visit("V", "P", r.Now())
	r.ToLocal("2026-11-11 12:00")
	r.press("P", dental.CallTask, dental.PressNever)
	before := len(r.Sent())
	r.Appointment(intake.AppointmentBooked, "B", "P", r.Local("2026-12-20 18:00"))
	r.ToLocal("2026-12-20 12:00")
	if n := len(r.Sent()) - before; n != 0 {
		t.Errorf("%d messages left", n)
	}
}

func confirming(t *testing.T) *shift {
	r := newShift(t, "2026-06-01 12:00", "appointment")
	r.Patient("P")
	r.Appointment(intake.AppointmentBooked, "A", "P", r.Local("2026-06-25 12:00"))
	r.ToLocal("2026-06-24 10:30")
	return r
}

func TestAnAppointmentIsConfirmedByACall(t *testing.T) {
	r := confirming(t)
	r.press("P", dental.ConfirmTask, dental.PressConfirmed)
	r.closed("P", dental.ConfirmTask, dental.PressConfirmed)
	if a := r.Card("P").Appointments[0]; a.Answered() != "confirm" {
		t.Errorf("the appointment is %+v", a)
	}
}

func TestAMoveThatTheMISDoesNotShowComesBack(t *testing.T) {
	for outcome, answered := range map[string]string{dental.PressMove: "reschedule", dental.PressCancel: "cancel"} {
		r := confirming(t)
		r.press("P", dental.ConfirmTask, outcome)
		r.closed("P", dental.ConfirmTask, outcome)
		if a := r.Card("P").Appointments[0]; a.Answered() != answered {
			t.Errorf("%s: the appointment is %+v", outcome, a)
		}
		r.ToLocal("2026-06-24 12:00")
		if n := len(r.Tasks("P", dental.CallbackTask)); n != 0 {
			t.Errorf("%s: it comes back too early", outcome)
		}
		r.ToLocal("2026-06-24 13:00")
		if tasks := r.Tasks("P", dental.CallbackTask); len(tasks) != 1 || !strings.Contains(tasks[0].Reason, "стоит по-прежнему") {
			t.Errorf("%s: the tasks are %+v", outcome, tasks)
		}
		r = confirming(t)
		r.press("P", dental.ConfirmTask, outcome)
		r.Appointment(intake.AppointmentCancelled, "A", "P", r.Local("2026-06-25 12:00"))
		r.ToLocal("2026-06-24 18:00")
		if n := len(r.Tasks("P", dental.CallbackTask)); n != 0 {
			t.Errorf("%s: it comes back although the MIS knows", outcome)
		}
	}
}

func TestAMessageOfUnknownFateIsSettledByWhatThePatientSays(t *testing.T) {
	for outcome, want := range map[string]struct {
		state dental.TouchState
		sent  int
	}{dental.PressArrived: {dental.Sent, 0}, dental.PressNotArrived: {dental.Sent, 1}} {
		r := newShift(t, "2026-05-18 12:00", "after-visit")
		r.Provider = func(m outreach.Message) error {
			if m.Channel == dental.SMS {
				return context.DeadlineExceeded
			}
			return nil
		}
		r.Patient("P")
		r.Visit("V", "P", r.Now())
		r.To(r.Now().Add(30 * time.Minute))
		if touch := r.Touch("P", "after-visit", "thanks"); touch.State != dental.Unknown {
			t.Fatalf("the touch is %s", touch.State)
		}
		r.press("P", dental.UnknownTask, outcome)
		r.closed("P", dental.UnknownTask, outcome)
		touch := r.Touch("P", "after-visit", "thanks")
		if touch.State != want.state || len(r.Sent()) != want.sent {
			t.Errorf("%s: the touch is %s, and %d letters left", outcome, touch.State, len(r.Sent()))
		}
	}
}

// complained is a shift with a complaint about the visit of 18 May.
func complained(t *testing.T, more ...string) *shift {
	r := newShift(t, "2026-05-18 12:00", append(more, "after-visit")...)
	r.Patient("P")
	r.Visit("V", "P", r.Now())
	r.ToLocal("2026-05-19 14:00")
	r.says("👎")
	return r
}

func (r *shift) says(thumb string) {
	r.T.Helper()
	if _, err := r.Desk.Answer(r.T.Context(), r.Token("P", dental.SurveyLink), reply.AnswerForm{Rating: map[string]dental.Rating{"👍": dental.Good, "👎": dental.Bad}[thumb], NPS: -1}, r.Now()); err != nil {
		r.T.Fatal(err)
	}
}

func settlement(f *desk.Form) {
	f.Cause, f.Note, f.Content = "waiting", "Извинились, приём без очереди", "yes"
}

func TestAComplaintIsTakenAndClosedWithItsCauseAndDecision(t *testing.T) {
	r := complained(t)
	r.press("P", dental.ComplaintTask, dental.PressTaken)
	task := r.task("P", dental.ComplaintTask)
	if !task.Open() || task.TakenBy != "Ольга" || task.State(r.Now().Add(24*time.Hour)) != "taken" || !task.CalledAt.IsZero() {
		t.Fatalf("it is %+v", task)
	}
	r.press("P", dental.ComplaintTask, dental.PressClosed, settlement)
	task = r.closed("P", dental.ComplaintTask, dental.PressClosed)
	if task.Cause != "waiting" || task.Decision != "Извинились, приём без очереди" || task.Content != "yes" || task.CalledAt.IsZero() {
		t.Errorf("it is %+v", task)
	}
}

func TestWhoseComplaintWasClosedIsAskedOnceMore(t *testing.T) {
	r := complained(t)
	r.press("P", dental.ComplaintTask, dental.PressClosed, settlement)
	r.ToLocal("2026-05-20 11:59")
	if n := len(r.SentAs("after-visit", "settled")); n != 0 {
		t.Fatalf("%d questions before the day after", n)
	}
	r.ToLocal("2026-05-26 18:00")
	if n := len(r.SentAs("after-visit", "settled")); n != 1 {
		t.Fatalf("%d questions", n)
	}
	r.says("👎") // more than 7 days after the first answer, the same again
	task := r.task("P", dental.ComplaintTask)
	if !task.Open() || task.Times != 2 || !strings.HasPrefix(task.Reason, "Ещё одна плохая оценка") {
		t.Fatalf("it is %+v", task)
	}
	r.press("P", dental.ComplaintTask, dental.PressClosed, settlement)
	r.ToLocal("2026-06-30 12:00")
	if n := len(r.SentAs("after-visit", "settled")); n != 1 {
		t.Errorf("asked %d times", n)
	}
}

func TestAfterAClosedComplaintThePageAsksAnew(t *testing.T) {
	r := complained(t)
	token := r.Token("P", dental.SurveyLink)
	asked := func() reply.Survey {
		page, err := r.Desk.Survey(t.Context(), token, r.Now())
		if err != nil {
			t.Fatal(err)
		}
		return page
	}
	r.press("P", dental.ComplaintTask, dental.PressClosed, settlement)
	if page := asked(); page.Again || page.Asked {
		t.Error("it asks before the message has left")
	}
	r.ToLocal("2026-05-20 15:00")
	if page := asked(); !page.Again || !page.Asked || !page.Open {
		t.Errorf("it is %+v", page)
	}
	r.says("👎")
	if page := asked(); !page.Again || page.Asked {
		t.Error("it asks what has been answered")
	}
}

func TestAGoodAnswerToTheSecondQuestionStandsByItself(t *testing.T) {
	r := complained(t, "review")
	token := r.Token("P", dental.SurveyLink)
	if _, err := r.Desk.Answer(t.Context(), token, reply.AnswerForm{NPS: 2}, r.Now()); err != nil {
		t.Fatal(err)
	}
	r.press("P", dental.ComplaintTask, dental.PressClosed, settlement)
	r.ToLocal("2026-05-20 15:00")
	r.says("👍")
	a := r.Card("P").Answers[0]
	if a.Mood() != dental.Happy || a.NPS != -1 {
		t.Errorf("the answer is %+v", a)
	}
	if rating, score := a.OfVisit(); rating != dental.Bad || score != 2 {
		t.Errorf("of the visit was said %q, %d", rating, score)
	}
	r.closed("P", dental.ComplaintTask, dental.PressClosed)
	r.ToLocal("2026-06-15 12:00")
	if n := len(r.SentAs("review", "ask")); n != 0 {
		t.Error("a review was asked for within 30 days of the complaint")
	}
}

func TestAComplaintIsNotClosedOverAWordThatNobodyHasRead(t *testing.T) {
	r := complained(t)
	task := r.task("P", dental.ComplaintTask)
	if err := r.presses.Press(t.Context(), desk.RefOf(task), administrator(), r.form(task, dental.PressClosed, settlement), r.Now()); err != nil {
		t.Fatal(err)
	}
	r.Set(r.Now().Add(5 * time.Second))
	if _, err := r.Desk.Answer(t.Context(), r.Token("P", dental.SurveyLink), reply.AnswerForm{NPS: -1, Comment: "И ещё болит"}, r.Now()); err != nil {
		t.Fatal(err)
	}
	r.To(r.Now().Add(2 * time.Minute))
	if task = r.task("P", dental.ComplaintTask); !task.Open() || !strings.Contains(task.Note, "болит") {
		t.Errorf("it is %+v", task)
	}
}

func TestWhatAPatientHasSaidHoldsThoughTheTaskHasClosedItself(t *testing.T) {
	r := called(t)
	task := r.task("P", dental.CallTask)
	if err := r.presses.Press(t.Context(), desk.RefOf(task), administrator(), r.form(task, dental.PressNever), r.Now()); err != nil {
		t.Fatal(err)
	}
	r.Appointment(intake.AppointmentBooked, "A", "P", r.Local("2026-11-20 12:00"))
	r.To(r.Now().Add(2 * time.Minute))
	if task = r.task("P", dental.CallTask); task.Outcome != "booked" || task.By != "" || task.Pressed.ID != "" {
		t.Errorf("the task is %+v", task)
	}
	if _, refused := r.Card("P").Patient.Uncalled(); !refused {
		t.Error("the patient's word is lost")
	}
}

func TestWhatIsPressedWithoutWhatItNeedsIsNamed(t *testing.T) {
	r := complained(t, "recall")
	r.ToLocal("2026-11-11 12:00")
	for _, tt := range []struct {
		kind  dental.TaskKind
		form  desk.Form
		field string
	}{
		{dental.CallTask, desk.Form{Outcome: "dance"}, "outcome"},
		{dental.CallTask, desk.Form{Outcome: dental.PressConfirmed}, "outcome"},
		{dental.CallTask, desk.Form{Outcome: dental.PressRefused}, "cause"},
		{dental.CallTask, desk.Form{Outcome: dental.PressRefused, Cause: "waiting"}, "cause"},
		{dental.CallTask, desk.Form{Outcome: dental.PressLater, Cause: "year"}, "cause"},
		{dental.CallTask, desk.Form{Outcome: dental.PressAgreed}, "on"},
		{dental.CallTask, desk.Form{Outcome: dental.PressAgreed, On: "2026-11-11"}, "on"},
		{dental.CallTask, desk.Form{Outcome: dental.PressAgreed, On: "2029-01-01"}, "on"},
		{dental.ComplaintTask, desk.Form{Outcome: dental.PressClosed, Note: "x", Content: "yes"}, "cause"},
		{dental.ComplaintTask, desk.Form{Outcome: dental.PressClosed, Cause: "pain", Note: " ", Content: "yes"}, "note"},
		{dental.ComplaintTask, desk.Form{Outcome: dental.PressClosed, Cause: "pain", Note: "x"}, "content"},
		{dental.CallTask, desk.Form{ID: "a b", Outcome: dental.PressBooked}, "id"},
	} {
		task := r.task("P", tt.kind)
		tt.form.ID = cmp.Or(tt.form.ID, "x")
		err := r.presses.Press(t.Context(), desk.RefOf(task), administrator(), tt.form, r.Now())
		if dental.KindOf(err) != dental.Invalid || desk.InWords(locale.Russian, err) == "" {
			t.Errorf("%+v: %v", tt.form, err)
		}
		if r.task("P", tt.kind).Pressed.ID != "" {
			t.Fatalf("%+v was taken", tt.form)
		}
	}
}

func TestEveryKindOfTaskOffersWhatEndsIt(t *testing.T) {
	kinds := []dental.TaskKind{dental.CallTask, dental.PlanTask, dental.ConfirmTask, dental.ComplaintTask, dental.FeedbackTask, dental.RebookTask,
		dental.CallbackTask, dental.ContactTask, dental.LeadTask, dental.WakeTask, dental.ReleaseTask, dental.UnknownTask}
	for _, kind := range kinds {
		choices := desk.Choices(dental.Task{Kind: kind})
		if len(choices) == 0 {
			t.Errorf("%s offers nothing", kind)
		}
		for _, c := range choices {
			for _, l := range locale.All() {
				if !l.Has("desk.press."+c.Outcome) || !l.Has("desk.outcome."+c.Outcome) {
					t.Errorf("%s/%s has no words in %v", kind, c.Outcome, l)
				}
			}
		}
	}
}
