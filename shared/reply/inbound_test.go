package reply_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/intake"
	"github.com/returnpoint/returnpoint/shared/outreach"
	"github.com/returnpoint/returnpoint/shared/reply"
	"github.com/returnpoint/returnpoint/shared/stagetest"
	"github.com/returnpoint/returnpoint/shared/store"
	"github.com/returnpoint/returnpoint/shared/table"
)

// phone is the number of every patient that stagetest makes.
const phone = "+79160000001"

// says lets the phone write to the clinic now, in a message of its own.
func says(t *testing.T, s *stagetest.Stage, text string) reply.Heard {
	t.Helper()
	return hears(t, s, reply.Message{ID: fmt.Sprint(text, s.Now()), From: phone, Text: text})
}

func hears(t *testing.T, s *stagetest.Stage, m reply.Message) reply.Heard {
	t.Helper()
	heard, err := s.Desk.Inbound(t.Context(), &s.Clinic, m, s.Now())
	if err != nil {
		t.Fatal(err)
	}
	return heard
}

// reminded is a stage on which P was reminded of the appointment A by SMS.
func reminded(t *testing.T, change ...func(*dental.Clinic)) *stagetest.Stage {
	t.Helper()
	s := stagetest.New(t, start, change...)
	s.Patient("P")
	s.Appointment(intake.AppointmentBooked, "A", "P", s.Local("2026-03-19 14:30"))
	s.ToLocal("2026-03-17 15:00")
	if sent := s.SentAs("appointment", "reminder"); len(sent) != 1 || sent[0].Channel != dental.SMS {
		t.Fatalf("the reminder left as %+v", sent)
	}
	return s
}

// notes are the words in the open callbacks of a patient, sorted.
func notes(s *stagetest.Stage, patient string) (out []string) {
	for _, task := range s.Tasks(patient, dental.CallbackTask) {
		out = append(out, task.Note)
	}
	slices.Sort(out)
	return out
}

func TestAWordAfterAReminderDoesWhatItsPageDoes(t *testing.T) {
	for _, tt := range []struct {
		text     string
		heard    reply.Heard
		answered string
		reason   string // of the callback, "" for none
		note     string
	}{
		{"Да", reply.HeardConfirm, "confirm", "", ""},
		{"1", reply.HeardConfirm, "confirm", "", ""},
		{"👍🏽", reply.HeardConfirm, "confirm", "", ""},
		{"OK, thanks!", reply.HeardConfirm, "confirm", "", ""},
		{"Подтверждаю", reply.HeardConfirm, "confirm", "", ""},
		{"Нет, не приду", reply.HeardCancel, "cancel", "отменить", ""},
		{"cancel", reply.HeardCancel, "cancel", "отменить", ""},
		{"можно в 16:00?", reply.HeardTask, "", "Запись на приём", "можно в 16:00?"},
		{"👎", reply.HeardTask, "", "Запись на приём", "👎"},
		{"спасибо", reply.HeardTask, "", "Запись на приём", "спасибо"},
	} {
		t.Run(tt.text, func(t *testing.T) {
			s := reminded(t)
			if heard := says(t, s, tt.text); heard != tt.heard {
				t.Errorf("it is heard as %q", heard)
			}
			if a := s.Card("P").Appointment("A"); a.Answered() != tt.answered || !a.Standing() {
				t.Errorf("the appointment is %+v", a)
			}
			tasks := s.Tasks("P", dental.CallbackTask)
			if (len(tasks) == 1) != (tt.reason != "") || len(tasks) > 0 && (!strings.Contains(tasks[0].Reason, tt.reason) || tasks[0].Note != tt.note) {
				t.Errorf("callbacks: %+v", tasks)
			}
			s.ToLocal("2026-03-18 12:00")
			if confirm := s.Tasks("P", dental.ConfirmTask); (len(confirm) == 0) != (tt.answered != "") {
				t.Errorf("tasks to confirm: %+v", confirm)
			}
		})
	}
}

func TestTheTaskOfAMessageIsDueInAWorkingHour(t *testing.T) {
	s := reminded(t)
	s.Set(s.Local("2026-03-17 19:30")) // half an hour before closing
	says(t, s, "где вы находитесь")
	if task := s.Tasks("P", dental.CallbackTask)[0]; at(s, task.Due) != "2026-03-18 09:30" || task.Scenario != "appointment" {
		t.Errorf("the task is %+v, due %s", task, at(s, task.Due))
	}
}

func TestAYesConfirmsAllThatTheReminderSpokeOf(t *testing.T) {
	s := stagetest.New(t, start)
	for i, id := range []string{"MUM", "SON", "DAD"} {
		s.Patient(id, func(c *intake.Card) { c.GivenName = id })
		s.Appointment(intake.AppointmentBooked, "A-"+id, id, s.Local("2026-03-19 14:00").Add(time.Duration(i)*30*time.Minute))
	}
	s.Appointment(intake.AppointmentBooked, "LATER", "SON", s.Local("2026-03-25 12:00"))
	s.ToLocal("2026-03-17 15:00")
	if n := len(s.SentAs("appointment", "reminder")); n != 1 {
		t.Fatalf("%d reminders", n)
	}
	if heard := says(t, s, "да, придём"); heard != reply.HeardConfirm {
		t.Errorf("it is heard as %q", heard)
	}
	for _, id := range []string{"MUM", "SON", "DAD"} {
		if a := s.Card(id).Appointment("A-" + id); a.Answered() != "confirm" {
			t.Errorf("the appointment of %s is answered %q", id, a.Answered())
		}
	}
	if a := s.Card("SON").Appointment("LATER"); a.Answered() != "" {
		t.Errorf("an appointment that no reminder spoke of is answered %q", a.Answered())
	}
}

func TestAYesWithoutAReminderThatIsAheadIsForStaff(t *testing.T) {
	for name, set := range map[string]func(*testing.T) *stagetest.Stage{
		"nothing was sent": func(t *testing.T) *stagetest.Stage {
			s := stagetest.New(t, start)
			s.Patient("P")
			return s
		},
		"the appointment was booked and nobody has reminded of it": func(t *testing.T) *stagetest.Stage {
			s := stagetest.New(t, start)
			s.Patient("P")
			s.Appointment(intake.AppointmentBooked, "A", "P", s.Local("2026-03-19 14:30"))
			return s
		},
		"its time has come": func(t *testing.T) *stagetest.Stage {
			s := reminded(t)
			s.Set(s.Local("2026-03-19 14:30"))
			return s
		},
		"it was moved since": func(t *testing.T) *stagetest.Stage {
			s := reminded(t)
			s.Appointment(intake.AppointmentMoved, "A", "P", s.Local("2026-03-30 14:30"))
			return s
		},
		"it was cancelled since": func(t *testing.T) *stagetest.Stage {
			s := reminded(t)
			s.Appointment(intake.AppointmentCancelled, "A", "P", s.Local("2026-03-19 14:30"))
			return s
		},
		"the reminder was refused by the operator": func(t *testing.T) *stagetest.Stage {
			s := stagetest.New(t, start, func(c *dental.Clinic) { c.Channels = []dental.Channel{dental.SMS} })
			s.Provider = func(outreach.Message) error { return &outreach.Refusal{Code: "no"} }
			s.Patient("P")
			s.Appointment(intake.AppointmentBooked, "A", "P", s.Local("2026-03-19 14:30"))
			s.ToLocal("2026-03-17 15:00")
			return s
		},
		"the reminder left by e-mail": func(t *testing.T) *stagetest.Stage {
			s := stagetest.New(t, start)
			s.Patient("P", func(c *intake.Card) { c.Preferred = dental.Mail })
			s.Appointment(intake.AppointmentBooked, "A", "P", s.Local("2026-03-19 14:30"))
			s.ToLocal("2026-03-17 15:00")
			if sent := s.SentAs("appointment", "reminder"); len(sent) != 1 || sent[0].Channel != dental.Mail {
				t.Fatalf("the reminder left as %+v", sent)
			}
			return s
		},
		"the reminder was refused by the operator and left by e-mail": func(t *testing.T) *stagetest.Stage {
			s := stagetest.New(t, start)
			s.Provider = func(m outreach.Message) error {
				if m.Channel == dental.SMS {
					return &outreach.Refusal{Code: "no"}
				}
				return nil
			}
			s.Patient("P")
			s.Appointment(intake.AppointmentBooked, "A", "P", s.Local("2026-03-19 14:30"))
			s.ToLocal("2026-03-17 15:00")
			if sent := s.SentAs("appointment", "reminder"); len(sent) != 1 || sent[0].Channel != dental.Mail {
				t.Fatalf("the reminder left as %+v", sent)
			}
			return s
		},
		"the keys of links are others since": func(t *testing.T) *stagetest.Stage {
			s := reminded(t)
			var err error
			if s.Desk.Store, err = store.New(s.Table, store.Keys{Contact: []byte(strings.Repeat("k", 32)), Link: []byte(strings.Repeat("x", 32))}, s.Now); err != nil {
				t.Fatal(err)
			}
			return s
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := set(t)
			if heard := says(t, s, "да"); heard != reply.HeardTask {
				t.Errorf("it is heard as %q", heard)
			}
			for _, a := range s.Card("P").Appointments {
				if a.Answered() != "" {
					t.Errorf("the appointment is %+v", a)
				}
			}
			if got := notes(s, "P"); !slices.Equal(got, []string{"да"}) {
				t.Errorf("staff read %q", got)
			}
		})
	}
}

func TestAYesToAMessageThatRemindsOfNothingConfirmsNothing(t *testing.T) {
	s := stagetest.New(t, start, func(c *dental.Clinic) {
		set := c.Scenarios["appointment"]
		set.Steps = map[string]bool{"booked": true}
		c.Scenarios["appointment"] = set
	})
	s.Patient("P")
	s.Appointment(intake.AppointmentBooked, "A", "P", s.Local("2026-03-19 14:30"))
	s.To(s.Now().Add(time.Minute))
	if n := len(s.SentAs("appointment", "booked")); n != 1 {
		t.Fatalf("%d messages that it is booked", n)
	}
	if heard := says(t, s, "ок"); heard != reply.HeardTask || s.Card("P").Appointment("A").Answered() != "" {
		t.Errorf("it is heard as %q, the appointment is %+v", heard, s.Card("P").Appointment("A"))
	}
}

func TestAReminderIsAnsweredFromTheNumberItWasSentTo(t *testing.T) {
	s := reminded(t)
	s.Patient("P", func(c *intake.Card) { c.Number = "+79160000002" })
	if heard := says(t, s, "да"); heard != reply.HeardConfirm {
		t.Errorf("from the number that the card has no more it is heard as %q", heard)
	}
}

func TestAYesIsOfTheLastReminder(t *testing.T) {
	s := stagetest.New(t, start)
	s.Patient("MUM")
	s.Patient("SON")
	s.Appointment(intake.AppointmentBooked, "FIRST", "MUM", s.Local("2026-03-19 14:30"))
	s.Appointment(intake.AppointmentBooked, "NEXT", "SON", s.Local("2026-03-20 10:00"))
	s.ToLocal("2026-03-18 12:00")
	asked := s.Now().Add(-time.Hour)
	if n := len(s.SentAs("appointment", "reminder")); n != 2 {
		t.Fatalf("%d reminders", n)
	}
	answers := func() string {
		return s.Card("MUM").Appointment("FIRST").Answered() + "," + s.Card("SON").Appointment("NEXT").Answered()
	}
	// It was written before the second one left, and is heard after it.
	hears(t, s, reply.Message{ID: "in-1", From: phone, Text: "нет", At: s.Local("2026-03-17 18:00")})
	if got := answers(); got != "cancel," {
		t.Errorf("after a late no the answers are %q", got)
	}
	hears(t, s, reply.Message{ID: "in-2", From: phone, Text: "да", At: asked})
	if got := answers(); got != "cancel,confirm" {
		t.Errorf("after a yes the answers are %q", got)
	}
}

func TestAThumbAfterASurveyIsItsAnswer(t *testing.T) {
	for _, tt := range []struct {
		text    string
		rating  dental.Rating
		comment string
		task    dental.TaskKind
	}{
		{"👍", dental.Good, "", ""},
		{"👍🏼👍🏼 спасибо!", dental.Good, "", ""},
		{"всё хорошо, спасибо", dental.Good, "", ""},
		{"😐", dental.Fair, "", dental.FeedbackTask},
		{"👎", dental.Bad, "", dental.ComplaintTask},
		{"👎 Ждали целый час", dental.Bad, "👎 Ждали целый час", dental.ComplaintTask},
		{"Плохо", dental.Bad, "", dental.ComplaintTask},
	} {
		t.Run(tt.text, func(t *testing.T) {
			s, _ := surveyed(t)
			for range 2 {
				if heard := hears(t, s, reply.Message{ID: "in-1", From: phone, Text: tt.text}); heard != reply.HeardAnswer && heard != reply.HeardBefore {
					t.Errorf("it is heard as %q", heard)
				}
			}
			card := s.Card("P")
			if len(card.Answers) != 1 || card.Answers[0].Rating != tt.rating || card.Answers[0].NPS != -1 || card.Answers[0].Comment != tt.comment || card.Answers[0].Changes != 1 {
				t.Errorf("the answers are %+v", card.Answers)
			}
			if tt.task == "" && len(card.Tasks) > 0 || tt.task != "" && (len(card.Tasks) != 1 || card.Tasks[0].Kind != tt.task) {
				t.Errorf("the tasks are %+v", card.Tasks)
			}
		})
	}
}

func TestWhatIsNoThumbAfterASurveyIsForStaff(t *testing.T) {
	for _, text := range []string{"1", "10", "да", "нет", "всё хорошо, но дорого", "👍 или 👎", "ок"} {
		t.Run(text, func(t *testing.T) {
			s, _ := surveyed(t)
			if heard := says(t, s, text); heard != reply.HeardTask {
				t.Errorf("it is heard as %q", heard)
			}
			if got := notes(s, "P"); len(s.Card("P").Answers) != 0 || !slices.Equal(got, []string{text}) {
				t.Errorf("the answers are %+v, and staff read %q", s.Card("P").Answers, got)
			}
		})
	}
}

func TestAThumbIsNoAnswerOnceSomethingElseWasSent(t *testing.T) {
	s, _ := surveyed(t)
	s.Appointment(intake.AppointmentBooked, "A", "P", s.Local("2026-03-19 14:30"))
	s.ToLocal("2026-03-17 15:00")
	if heard := says(t, s, "👍"); heard != reply.HeardConfirm || len(s.Card("P").Answers) != 0 {
		t.Errorf("it is heard as %q, the answers are %+v", heard, s.Card("P").Answers)
	}
	if heard := says(t, s, "👎"); heard != reply.HeardTask || len(s.Card("P").Answers) != 0 {
		t.Errorf("it is heard as %q, the answers are %+v", heard, s.Card("P").Answers)
	}
}

func TestAYesAfterASurveyIsOfTheReminderBeforeIt(t *testing.T) {
	s := reminded(t)
	s.Patient("Q")
	s.Visit("V", "Q", s.Now())
	s.To(s.Now().Add(25 * time.Hour))
	if n := len(s.SentAs("after-visit", "survey")); n != 1 {
		t.Fatalf("%d surveys", n)
	}
	if heard := says(t, s, "Да, придём"); heard != reply.HeardConfirm || s.Card("P").Appointment("A").Answered() != "confirm" {
		t.Errorf("it is heard as %q, the appointment is %+v", heard, s.Card("P").Appointment("A"))
	}
}

func TestAThumbThatComesTooLateIsForStaff(t *testing.T) {
	s, token := surveyed(t)
	answer(t, s, token, "bad", "", "")
	s.Set(s.Now().Add(8 * 24 * time.Hour))
	if heard := says(t, s, "👍"); heard != reply.HeardTask || s.Card("P").Answers[0].Rating != dental.Bad {
		t.Errorf("it is heard as %q, the answer is %+v", heard, s.Card("P").Answers[0])
	}
}

func TestWhatAFamilySaysIsOfWhomItsLastMessageWasAbout(t *testing.T) {
	s := stagetest.New(t, start)
	for _, id := range []string{"ANN", "BEN"} {
		s.Patient(id)
	}
	if says(t, s, "здравствуйте, вы работаете?"); len(notes(s, "ANN")) != 1 {
		t.Errorf("before any message Ann has %q and Ben %q", notes(s, "ANN"), notes(s, "BEN"))
	}
	s.Visit("V", "BEN", s.Now())
	s.To(s.Now().Add(time.Minute))
	if says(t, s, "а рентген на руки дадут?"); len(notes(s, "BEN")) != 1 || len(notes(s, "ANN")) != 1 {
		t.Errorf("after Ben's thanks Ann has %q and Ben %q", notes(s, "ANN"), notes(s, "BEN"))
	}
}

func TestTheSameMessageAgainIsOneEffect(t *testing.T) {
	s := reminded(t)
	question := reply.Message{ID: "in-1", From: phone, Text: "где вы находитесь"}
	if first, again := hears(t, s, question), hears(t, s, question); first != reply.HeardTask || again != reply.HeardBefore {
		t.Errorf("a question is heard as %q, then as %q", first, again)
	}
	if got := notes(s, "P"); len(got) != 1 {
		t.Errorf("staff read %q", got)
	}
	yes := reply.Message{ID: "in-2", From: phone, Text: "да"}
	hears(t, s, yes)
	changes := s.Card("P").Patient.Changes
	s.Appointment(intake.AppointmentMoved, "A", "P", s.Local("2026-03-30 14:30"))
	if heard := hears(t, s, yes); heard != reply.HeardBefore || len(notes(s, "P")) != 1 {
		t.Errorf("a yes again, after a move, is heard as %q and staff read %q", heard, notes(s, "P"))
	}
	if now := s.Card("P").Patient.Changes; now != changes+1 {
		t.Errorf("%d changes since the first yes, want the move's alone", now-changes)
	}
	hears(t, s, reply.Message{ID: "in-3", From: phone, Text: "где вы находитесь"})
	if got := notes(s, "P"); len(got) != 2 {
		t.Errorf("of two messages with one text staff read %q", got)
	}
}

func TestAMessageHalfTakenIsTakenWhenItComesAgain(t *testing.T) {
	s := reminded(t)
	broken := &failing{Table: s.Table, fail: 1} // the effect is written, its memory is not
	half := stagetest.Join(s, broken)
	m := reply.Message{ID: "in-1", From: phone, Text: "позвоните мне"}
	if _, err := half.Desk.Inbound(t.Context(), &s.Clinic, m, s.Now()); !errors.Is(err, errBroken) {
		t.Fatalf("the error is %v", err)
	}
	if heard := hears(t, s, m); heard != reply.HeardTask {
		t.Errorf("it is heard as %q", heard)
	}
	if got := notes(s, "P"); len(got) != 1 {
		t.Errorf("staff read %q", got)
	}
}

var errBroken = errors.New("the line broke")

// failing fails every write after so many.
type failing struct {
	table.Table
	fail int
}

func (f *failing) Write(ctx context.Context, ops ...table.Op) error {
	if f.fail--; f.fail < 0 {
		return errBroken
	}
	return f.Table.Write(ctx, ops...)
}

func TestTwoDeliveriesAtOnceAreOneEffectAndNoError(t *testing.T) {
	s := reminded(t)
	m := reply.Message{ID: "in-1", From: phone, Text: "позвоните мне"}
	between := &meanwhile{Table: s.Table, on: 2, do: func() { hears(t, s, m) }}
	if heard := hears(t, stagetest.Join(s, between), m); heard != reply.HeardTask {
		t.Errorf("it is heard as %q", heard)
	}
	if got := notes(s, "P"); len(got) != 1 || between.on > 0 {
		t.Errorf("staff read %q", got)
	}
}

// meanwhile lets something happen before the write of that number.
type meanwhile struct {
	table.Table
	on int
	do func()
}

func (m *meanwhile) Write(ctx context.Context, ops ...table.Op) error {
	if m.on--; m.on == 0 {
		m.do()
	}
	return m.Table.Write(ctx, ops...)
}

func TestATaskThatStaffHaveClosedIsNotOpenedByTheSameMessage(t *testing.T) {
	s := reminded(t)
	half := stagetest.Join(s, &failing{Table: s.Table, fail: 1})
	m := reply.Message{ID: "in-1", From: phone, Text: "позвоните мне"}
	_, _ = half.Desk.Inbound(t.Context(), &s.Clinic, m, s.Now())
	tx := s.Store.Begin()
	card, err := tx.Card(t.Context(), s.Clinic.ID, "P")
	if err != nil {
		t.Fatal(err)
	}
	task := card.Tasks[0]
	task.Close(&s.Clinic, "called", s.Now())
	tx.Put(task)
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	hears(t, s, m)
	if got := notes(s, "P"); len(got) != 0 {
		t.Errorf("staff read again %q", got)
	}
}

func TestStopInAnInboundMessageEndsWhatNeedsConsent(t *testing.T) {
	s := reminded(t)
	m := reply.Message{ID: "in-1", From: phone, Text: "СТОП!", At: s.Now().Add(-time.Minute)}
	for range 2 {
		hears(t, s, m)
	}
	refused := func() (out []dental.Class) {
		contact, err := s.Store.Begin().ContactByKey(t.Context(), s.Store.ContactKey(&s.Clinic, phone))
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range contact.OptOuts {
			if o.Source != "stop" || !o.At.Equal(m.At) {
				t.Errorf("the refusal is %+v", o)
			}
			out = append(out, o.Class)
		}
		slices.Sort(out)
		return out
	}
	if got := refused(); !slices.Equal(got, []dental.Class{dental.Advertising, dental.Care}) {
		t.Errorf("one STOP, taken twice, refuses %q", got)
	}
	m.ID = "in-2"
	if heard := hears(t, s, m); heard != reply.HeardStop || len(refused()) != 4 {
		t.Errorf("a second STOP is heard as %q and refuses %q", heard, refused())
	}
	if got := s.Card("P").Tasks; len(got) != 0 {
		t.Errorf("tasks of a STOP: %+v", got)
	}
}

func TestWhatIsNobodysIsLoggedAndLeftAlone(t *testing.T) {
	for name, m := range map[string]reply.Message{
		"a number that no card has":          {ID: "in-1", From: "+79160000777", Text: "да"},
		"a STOP from such a number":          {ID: "in-1", From: "+79160000777", Text: "стоп"},
		"a short number of an operator":      {ID: "in-1", From: "900", Text: "Пополните счёт"},
		"a sender by name":                   {ID: "in-1", From: "BANK", Text: "Код 1234"},
		"a picture without a word":           {ID: "in-1", From: phone, Text: " \n"},
		"a number of more than a number has": {ID: "in-1", From: "+7916000000177777", Text: "да"},
	} {
		t.Run(name, func(t *testing.T) {
			s := reminded(t)
			var log bytes.Buffer
			locked := stagetest.Join(s, readOnly{s.Table})
			locked.Desk.Log = slog.New(slog.NewJSONHandler(&log, nil))
			if heard := hears(t, locked, m); heard != reply.HeardNobody {
				t.Errorf("it is heard as %q", heard)
			}
			if got := log.String(); !strings.Contains(got, `"heard":"nobody"`) || strings.Contains(got, string(m.From)) && len(m.From) > 5 || strings.Contains(got, "1234") {
				t.Errorf("the log has %s", got)
			}
		})
	}
	t.Run("a number that stands in too many cards", func(t *testing.T) {
		s := stagetest.New(t, start)
		for i := range 14 {
			s.Patient(fmt.Sprint("P", i))
		}
		if heard := says(t, s, "да"); heard != reply.HeardNobody {
			t.Errorf("it is heard as %q", heard)
		}
	})
	t.Run("a message without an id", func(t *testing.T) {
		s := reminded(t)
		if _, err := s.Desk.Inbound(t.Context(), &s.Clinic, reply.Message{From: phone, Text: "да"}, s.Now()); dental.KindOf(err) != dental.Invalid {
			t.Errorf("the error is %v", err)
		}
	})
}

func TestNothingIsKeptOfTheErased(t *testing.T) {
	s := reminded(t)
	s.Tell(intake.Event{Type: intake.PatientDeleted, Gone: &intake.Deletion{ID: "P", Version: 1}})
	if heard := says(t, s, "позвоните мне"); heard != reply.HeardNobody {
		t.Errorf("it is heard as %q", heard)
	}
	if card := s.Card("P"); len(slices.DeleteFunc(card.Tasks, func(k dental.Task) bool { return !k.Open() })) != 0 {
		t.Errorf("the tasks are %+v", card.Tasks)
	}
}

func TestAMemberThatIsErasedIsNobody(t *testing.T) {
	s := reminded(t)
	s.Tell(intake.Event{Type: intake.PatientDeleted, Gone: &intake.Deletion{ID: "P", Version: 1}})
	s.Patient("Q")
	tx := s.Store.Begin()
	contact, err := tx.ContactByKey(t.Context(), s.Store.ContactKey(&s.Clinic, phone))
	if err != nil {
		t.Fatal(err)
	}
	contact.Members = []dental.Member{{Clinic: "demo", Patient: "P"}, {Clinic: "demo", Patient: "NEVER"}, {Clinic: "demo", Patient: "Q"}}
	tx.Put(*contact)
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if says(t, s, "позвоните мне"); len(notes(s, "Q")) != 1 || len(notes(s, "P")) != 0 {
		t.Errorf("Q has %q, the erased has %q", notes(s, "Q"), notes(s, "P"))
	}
}

func TestATimeThatIsNotYetIsNow(t *testing.T) {
	s := reminded(t)
	hears(t, s, reply.Message{ID: "in-1", From: phone, Text: "стоп", At: s.Now().Add(time.Hour)})
	contact, err := s.Store.Begin().ContactByKey(t.Context(), s.Store.ContactKey(&s.Clinic, phone))
	if err != nil || len(contact.OptOuts) != 2 || !contact.OptOuts[0].At.Equal(s.Now()) {
		t.Errorf("the refusals are %+v, %v", contact.OptOuts, err)
	}
}

func TestLongWordsAreKeptToWhatATaskHolds(t *testing.T) {
	s := reminded(t)
	says(t, s, strings.Repeat("о", 3000)+"\x00")
	if got := notes(s, "P"); len(got) != 1 || len([]rune(got[0])) != 2000 {
		t.Errorf("staff read %d characters", len([]rune(strings.Join(got, ""))))
	}
}

// ---- which clinic

// chain stores further clinics beside the stage's own, and returns a way to
// tell a patient with the phone to each.
func chain(t *testing.T, s *stagetest.Stage, clinics ...dental.Clinic) (tell func(clinic, patient string)) {
	t.Helper()
	for _, cl := range clinics {
		tx := s.Store.Begin()
		if _, err := tx.Clinic(t.Context(), cl.ID); dental.KindOf(err) != dental.NotFound {
			t.Fatal(err)
		}
		tx.Put(cl)
		if err := tx.Commit(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	return func(clinic, patient string) {
		t.Helper()
		own := s.Clinic
		defer func() { s.Clinic = own }()
		for _, cl := range clinics {
			if cl.ID == clinic {
				s.Clinic = cl
			}
		}
		s.Patient(patient)
	}
}

func clinic(id, group string) dental.Clinic {
	cl := stagetest.Clinic()
	cl.ID, cl.Name, cl.Group = id, "Клиника "+id, group
	return cl
}

func TestAMessageToTheDeploymentsNumberFindsItsClinic(t *testing.T) {
	s := stagetest.New(t, start)
	var others []dental.Clinic
	for i := range 130 { // more than a page
		others = append(others, clinic(fmt.Sprintf("c%03d", i), ""))
	}
	tell := chain(t, s, others...)
	tell("c120", "P")
	heard, err := s.Desk.Hear(t.Context(), reply.Message{ID: "in-1", From: phone, Text: "позвоните мне"}, s.Now())
	if err != nil || heard != reply.HeardTask {
		t.Fatalf("it is heard as %q, %v", heard, err)
	}
	card, err := s.Store.Begin().Card(t.Context(), "c120", "P")
	if err != nil || len(card.Tasks) != 1 || card.Tasks[0].Note != "позвоните мне" {
		t.Errorf("the tasks are %+v, %v", card.Tasks, err)
	}
	for _, from := range []dental.Phone{"+79160000777", "900"} {
		if heard, err := s.Desk.Hear(t.Context(), reply.Message{ID: "in-2", From: from, Text: "стоп"}, s.Now()); err != nil || heard != reply.HeardNobody {
			t.Errorf("of nobody's number it is heard as %q, %v", heard, err)
		}
	}
}

func TestOfSeveralOwnersTheOneThatWroteLastHearsIt(t *testing.T) {
	s := stagetest.New(t, start)
	tell := chain(t, s, clinic("early", ""), clinic("late", ""))
	tell("early", "P")
	tell("late", "P")
	s.Patient("P")
	s.Visit("V", "P", s.Now()) // the stage's own clinic, demo, says thanks
	s.To(s.Now().Add(time.Minute))
	if n := len(s.SentAs("after-visit", "thanks")); n != 1 {
		t.Fatalf("%d thanks", n)
	}
	tasks := func() (out []string) {
		for _, id := range []string{"early", "demo", "late"} {
			card, err := s.Store.Begin().Card(t.Context(), id, "P")
			if err != nil {
				t.Fatal(err)
			}
			for range card.Tasks {
				out = append(out, id)
			}
		}
		return out
	}
	hear := func(m reply.Message) {
		t.Helper()
		m.From = phone
		if _, err := s.Desk.Hear(t.Context(), m, s.Now()); err != nil {
			t.Fatal(err)
		}
	}
	hear(reply.Message{ID: "in-1", Text: "спасибо вам"})
	if got := tasks(); !slices.Equal(got, []string{"demo"}) {
		t.Errorf("it is heard by %q", got)
	}
	hear(reply.Message{ID: "in-1", Text: "спасибо вам"})
	if got := tasks(); !slices.Equal(got, []string{"demo"}) {
		t.Errorf("the same again is heard by %q", got)
	}
	hear(reply.Message{ID: "in-2", Text: "стоп"})
	for id, want := range map[string]bool{"demo": true, "early": false, "late": false} {
		cl := clinic(id, "")
		contact, err := s.Store.Begin().ContactByKey(t.Context(), s.Store.ContactKey(&cl, phone))
		if err != nil {
			t.Fatal(err)
		}
		if _, refused := contact.Refused(dental.Advertising); refused != want {
			t.Errorf("%s has heard the STOP: %v", id, refused)
		}
	}
}

func TestStopToTheDeploymentsNumberIsForAllThatHaveWritten(t *testing.T) {
	s := stagetest.New(t, start)
	tell := chain(t, s, clinic("silent", ""), clinic("other", ""))
	for _, id := range []string{"silent", "other"} {
		tell(id, "P")
	}
	s.Patient("P")
	wrote := func(cl dental.Clinic, at time.Time) {
		t.Helper()
		tx := s.Store.Begin()
		contacts, err := tx.Contacts(t.Context(), &cl, phone)
		if err != nil {
			t.Fatal(err)
		}
		contacts[phone].Note(dental.Recent{Touch: "t-" + cl.ID, Clinic: cl.ID, Patient: "P", At: at})
		tx.Put(*contacts[phone])
		if err := tx.Commit(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	wrote(s.Clinic, s.Now().Add(-time.Hour))
	wrote(clinic("other", ""), s.Now().Add(-2*time.Hour))
	wrote(clinic("silent", ""), s.Now().Add(time.Hour)) // after the message was written
	if heard, err := s.Desk.Hear(t.Context(), reply.Message{ID: "in-1", From: phone, Text: "STOP", At: s.Now()}, s.Now().Add(2*time.Hour)); err != nil || heard != reply.HeardStop {
		t.Fatalf("it is heard as %q, %v", heard, err)
	}
	for id, want := range map[string]bool{"demo": true, "other": true, "silent": false} {
		cl := clinic(id, "")
		contact, err := s.Store.Begin().ContactByKey(t.Context(), s.Store.ContactKey(&cl, phone))
		if err != nil {
			t.Fatal(err)
		}
		if _, refused := contact.Refused(dental.Care); refused != want {
			t.Errorf("%s has heard the STOP: %v", id, refused)
		}
	}
}

func TestAGroupIsAskedOnceAndTheClinicThatWroteHearsIt(t *testing.T) {
	s := stagetest.New(t, start, func(c *dental.Clinic) { c.Group = "chain" })
	tell := chain(t, s, clinic("branch-1", "chain"), clinic("branch-2", "chain"))
	tell("branch-2", "Q")
	s.Patient("P")
	s.Visit("V", "P", s.Now())
	s.To(s.Now().Add(time.Minute))
	reads := &counting{Table: s.Table}
	counted := stagetest.Join(s, reads)
	if _, err := counted.Desk.Hear(t.Context(), reply.Message{ID: "in-1", From: phone, Text: "спасибо вам"}, s.Now()); err != nil {
		t.Fatal(err)
	}
	if got := notes(s, "P"); len(got) != 1 {
		t.Errorf("the clinic that wrote reads %q", got)
	}
	if reads.contacts != 2 { // once to find the owner, once to take the message
		t.Errorf("the contact was read %d times", reads.contacts)
	}
}

// counting counts the reads of contacts.
type counting struct {
	table.Table
	contacts int
}

func (c *counting) Get(ctx context.Context, keys ...table.Key) ([]table.Item, error) {
	for _, k := range keys {
		if strings.HasPrefix(k.PK, "N#") {
			c.contacts++
		}
	}
	return c.Table.Get(ctx, keys...)
}

func TestTheMessageThatIsAnsweredNamesTheClinic(t *testing.T) {
	s := reminded(t)
	noList := stagetest.Join(s, noQuery{s.Table, "CLINICS"})
	m := reply.Message{ID: "in-1", From: phone, Text: "да", Replies: "id-1"} // as stagetest names what it was given first
	if heard, err := noList.Desk.Hear(t.Context(), m, s.Now()); err != nil || heard != reply.HeardConfirm {
		t.Errorf("it is heard as %q, %v", heard, err)
	}
	t.Run("and is not believed where it does not know the number", func(t *testing.T) {
		tell := chain(t, s, clinic("other", ""))
		other := clinic("other", "")
		tell("other", "P")
		own := s.Clinic
		s.Clinic = other
		s.Patient("P", func(c *intake.Card) { c.Number = "+79160000002" })
		s.Clinic = own
		m := reply.Message{ID: "in-2", From: "+79160000002", Text: "позвоните мне", Replies: "id-1"}
		if heard, err := s.Desk.Hear(t.Context(), m, s.Now()); err != nil || heard != reply.HeardTask {
			t.Errorf("it is heard as %q, %v", heard, err)
		}
		card, err := s.Store.Begin().Card(t.Context(), "other", "P")
		if err != nil || len(card.Tasks) != 1 {
			t.Errorf("the tasks are %+v, %v", card.Tasks, err)
		}
	})
}

// noQuery fails the queries of one partition.
type noQuery struct {
	table.Table
	pk string
}

func (n noQuery) Query(ctx context.Context, q table.Query) (table.Page, error) {
	if q.PK == n.pk {
		return table.Page{}, errBroken
	}
	return n.Table.Query(ctx, q)
}

func TestAMessageWhoseClinicCannotBeLookedUpComesAgain(t *testing.T) {
	s := reminded(t)
	noList := stagetest.Join(s, noQuery{s.Table, "CLINICS"})
	if _, err := noList.Desk.Hear(t.Context(), reply.Message{ID: "in-1", From: phone, Text: "да"}, s.Now()); dental.KindOf(err) != dental.Unavailable {
		t.Errorf("the error is %v", err)
	}
}
