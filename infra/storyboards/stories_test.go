package storyboards

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/desk"
	"github.com/returnpoint/returnpoint/shared/intake"
	"github.com/returnpoint/returnpoint/shared/reply"
	"github.com/returnpoint/returnpoint/shared/scenario"
)

func born(date string) func(*intake.Card) {
	return func(c *intake.Card) {
		d, err := dental.ParseDate(date)
		if err != nil {
			panic(err)
		}
		c.BirthDate = d
	}
}

// withPhone gives a card an own number.
func withPhone(number string) func(*intake.Card) {
	return func(c *intake.Card) { c.Number = number }
}

// alone leaves out everything but the number.
func withoutMail(c *intake.Card) { c.Mail = "" }

// onlyService has agreed to no offers.
func noOffers(c *intake.Card) {
	c.Consents = slices.DeleteFunc(c.Consents, func(x dental.Consent) bool { return x.Class == dental.Advertising })
}

func price(total int64) func(*dental.Visit) {
	return func(v *dental.Visit) { v.Receipt = dental.Money{Minor: total * 100, Currency: "RUB"} }
}

func stage(id, name string, kind dental.ProcedureKind, status dental.StageStatus, roubles int64, done time.Time) dental.Stage {
	return dental.Stage{ID: id, Name: name, Kind: kind, Status: status, Price: dental.Money{Minor: roubles * 100, Currency: "RUB"}, DoneAt: done}
}

// plan tells a treatment plan as it stands now.
func (l *life) plan(id, patient string, presented time.Time, stages ...dental.Stage) {
	l.callers++
	var told []string
	for _, s := range stages {
		told = append(told, fmt.Sprintf("%s %s", s.Name, s.Status))
	}
	l.happens("%s: plan %s: %s", patient, id, strings.Join(told, ", "))
	l.Tell(intake.Event{Type: intake.PlanUpdated, Plan: &dental.Plan{Clinic: l.Clinic.ID, Patient: patient, ID: id, PresentedAt: presented, Stages: stages,
		Source: dental.Source{Version: int64(l.callers), Body: fmt.Sprint(l.callers)}}})
}

// stories are the lives that the product promises something to.
var stories = []story{
	{name: "never-returns", title: "A first-time patient who never returns", begin: "2026-05-22 15:40", play: func(l *life) {
		l.patient("P", "Анна")
		l.visits("V1", "P", dental.Hygiene)
	}},
	{name: "books-after-second-recall", title: "A patient who books after the second recall", begin: "2026-05-22 15:40", play: func(l *life) {
		l.patient("P", "Анна")
		l.visits("V1", "P", dental.Hygiene)
		l.on(2, "10:00")
		l.answers("P", dental.Good)
		l.on(171, "18:00") // the second recall came on day 170
		l.books("A", "P", 185, "11:00")
		l.on(183, "19:00")
		l.happens("P confirms on the page")
		if _, err := l.Desk.Act(l.T.Context(), l.Token("P", dental.AppointmentLink), reply.Confirm, l.Now()); err != nil {
			l.T.Fatal(err)
		}
		l.comes("A", "P", dental.Hygiene)
	}},
	{name: "plan-never-begun", title: "A patient whose plan was presented and never begun", begin: "2026-05-22 15:40", play: func(l *life) {
		l.patient("P", "Мария")
		l.visits("V1", "P", dental.Diagnostics)
		l.plan("L", "P", l.Now(), stage("1", "Лечение кариеса", dental.Therapy, dental.StagePlanned, 8000, time.Time{}), stage("2", "Коронка", dental.Prosthetics, dental.StagePlanned, 35000, time.Time{}))
	}},
	{name: "plan-unfinished", title: "A patient with an unfinished plan, who books after the call", begin: "2026-05-22 15:40", play: func(l *life) {
		l.patient("P", "Мария")
		first := l.Now()
		l.visits("V1", "P", dental.Therapy)
		l.plan("L", "P", first.Add(-10*24*time.Hour), stage("1", "Лечение кариеса", dental.Therapy, dental.StageDone, 8000, first), stage("2", "Коронка", dental.Prosthetics, dental.StagePlanned, 35000, time.Time{}))
		l.on(22, "12:00")
		l.books("A", "P", 31, "14:00")
		l.comes("A", "P", dental.Prosthetics)
		l.plan("L", "P", first.Add(-10*24*time.Hour), stage("1", "Лечение кариеса", dental.Therapy, dental.StageDone, 8000, first), stage("2", "Коронка", dental.Prosthetics, dental.StageDone, 35000, l.Now()))
	}},
	{name: "implant", title: "An implant patient", begin: "2026-05-22 15:40", play: func(l *life) {
		l.patient("P", "Пётр")
		l.visits("V1", "P", dental.Implant, price(45000), func(v *dental.Visit) { v.Complex = true })
		l.on(280, "12:00")
		l.visits("V2", "P", dental.Hygiene) // the anniversary is far from the next return date
	}},
	{name: "orthodontics", title: "An orthodontic patient who comes for something else meanwhile", begin: "2026-05-22 15:40", play: func(l *life) {
		l.patient("P", "Дарья")
		l.visits("V1", "P", dental.Orthodontics)
		l.on(101, "12:00")
		l.visits("V2", "P", dental.Therapy)
	}},
	{name: "unhappy", title: "An unhappy patient", begin: "2026-05-22 15:40", play: func(l *life) {
		l.patient("P", "Ольга", born("1985-06-20"))
		l.visits("V1", "P", dental.Therapy)
		l.on(2, "10:00")
		l.answers("P", dental.Bad)
	}},
	{name: "complaint-settled", title: "An unhappy patient to whom the clinic makes it good", begin: "2026-05-22 15:40", play: func(l *life) {
		l.patient("P", "Ольга")
		l.visits("V1", "P", dental.Therapy)
		l.on(2, "10:00")
		l.answers("P", dental.Bad)
		l.on(3, "11:00")
		l.settles("P", desk.Form{Cause: string(dental.CauseWaiting), Note: "Извинились, следующий приём без очереди", Content: "yes"})
		l.on(4, "18:00")
		l.answers("P", dental.Good)
	}},
	{name: "opts-out", title: "A patient who writes STOP after the first recall", begin: "2026-05-22 15:40", play: func(l *life) {
		l.patient("P", "Анна")
		l.visits("V1", "P", dental.Hygiene)
		l.on(154, "13:00")
		l.happens("P writes STOP")
		if _, err := l.Desk.Stop(l.T.Context(), &l.Clinic, "+79160000001", "in-1", l.Now()); err != nil {
			l.T.Fatal(err)
		}
		l.on(200, "12:00")
		l.books("A", "P", 210, "12:00")
		l.comes("A", "P", dental.Hygiene)
	}},
	{name: "emergency", title: "A patient seen once, in an emergency", begin: "2026-08-20 21:10", play: func(l *life) {
		l.patient("P", "Игорь", born("1990-09-10"))
		l.visits("V1", "P", dental.Surgery)
	}},
	{name: "no-show", title: "A patient who does not come, twice", begin: "2026-05-18 12:00", play: func(l *life) {
		l.patient("P", "Анна")
		for i, day := range []int{3, 12} {
			id := fmt.Sprint("A", i)
			l.on(day-3, "12:00")
			start := l.books(id, "P", day, "15:00")
			l.To(start.Add(time.Hour))
			l.happens("P: missed %s", id)
			l.Appointment(intake.AppointmentMissed, id, "P", start)
		}
	}},
	{name: "family", title: "A family of three on one phone", begin: "2026-05-22 15:40", play: func(l *life) {
		for i, name := range []string{"Анна", "Иван", "Вера"} {
			l.patient(fmt.Sprint("P", i+1), name, withoutMail, born(fmt.Sprintf("19%d-0%d-11", 80+i, i+2)))
		}
		for i := range 3 {
			l.visits(fmt.Sprint("V", i+1), fmt.Sprint("P", i+1), dental.Hygiene)
		}
		l.on(20, "12:00")
		for i := range 3 {
			l.books(fmt.Sprint("A", i+1), fmt.Sprint("P", i+1), 25, fmt.Sprintf("1%d:00", i+1))
		}
		for i := range 3 {
			l.comes(fmt.Sprint("A", i+1), fmt.Sprint("P", i+1), dental.Therapy)
		}
	}},
	{name: "child", title: "A child with a guardian", begin: "2026-05-22 15:40", play: func(l *life) {
		l.patient("M", "Анна", born("1988-04-02"))
		l.patient("C", "Миша", born("2017-09-03"), withPhone(""), withoutMail, func(c *intake.Card) { c.GuardianID = "M" })
		l.visits("V1", "C", dental.Hygiene)
		l.on(10, "12:00")
		l.books("A", "C", 20, "16:00")
		l.comes("A", "C", dental.Therapy)
	}},
	{name: "born-on-29-february", title: "A patient born on 29 February, who chooses a gift", begin: "2026-12-01 12:00", play: func(l *life) {
		l.patient("P", "Анна", born("1988-02-29"))
		l.visits("V1", "P", dental.Therapy)
		l.on(90, "12:00") // 1 March 2027
		l.happens("P chooses the brush")
		if err := l.Desk.ChooseGift(l.T.Context(), l.Token("P", dental.GiftLink), "brush", l.Now()); err != nil {
			l.T.Fatal(err)
		}
	}},
	{name: "imported", title: "A patient imported, last seen thirteen months ago", begin: "2026-05-22 12:00", play: func(l *life) {
		l.patient("P", "Анна", born("1970-10-05"))
		l.happens("P: imported, a visit of thirteen months ago")
		l.Visit("V1", "P", l.Now().AddDate(0, -13, 0))
	}},
	{name: "imported-with-backlog", title: "The same patient where the clinic takes up its backlog", begin: "2026-05-22 12:00", play: func(l *life) {
		l.Settings(func(c *dental.Clinic) {
			for _, name := range []string{"sleeping-6", "sleeping-12", "sleeping-18"} {
				s := c.Scenarios[name]
				s.BacklogPerDay = 10
				c.Scenarios[name] = s
			}
		})
		l.patient("P", "Анна", born("1970-10-05"))
		l.patient("Q", "Глеб", born("1970-12-05"), withPhone("+79160000002"))
		l.happens("P: imported, a visit of thirteen months ago")
		l.Visit("V1", "P", l.Now().AddDate(0, -13, 0))
		l.happens("Q: imported, a visit of four years ago")
		l.Visit("V2", "Q", l.Now().AddDate(-4, 0, 0))
	}},
	{name: "no-offers", title: "A patient who has agreed to no offers", begin: "2026-05-22 15:40", play: func(l *life) {
		l.patient("P", "Анна", noOffers, born("1985-09-14"))
		l.visits("V1", "P", dental.Hygiene)
	}},
	{name: "club", title: "A regular patient", begin: "2026-01-12 12:00", play: func(l *life) {
		l.patient("P", "Анна", born("1985-11-14"))
		for i := range 7 {
			l.on(i*60, "12:00")
			l.visits(fmt.Sprint("V", i), "P", dental.Hygiene)
			if i == 1 {
				l.on(62, "12:00")
				l.answers("P", dental.Good)
			}
		}
	}},
	{name: "says-later", title: "A patient who answers the recall with \"later\", and then with \"never\"", begin: "2026-05-22 15:40", play: func(l *life) {
		l.patient("P", "Анна")
		l.visits("V1", "P", dental.Hygiene)
		l.on(154, "13:00")
		l.responds("P", reply.ResponseForm{Action: dental.LaterOffer})
		l.on(185, "13:00")
		l.responds("P", reply.ResponseForm{Action: dental.NeverOffer})
	}},
	{name: "books-on-the-page", title: "A patient who answers the recall with a day, and comes", begin: "2026-05-22 15:40", play: func(l *life) {
		l.patient("P", "Анна")
		l.visits("V1", "P", dental.Hygiene)
		l.on(154, "13:00")
		l.responds("P", reply.ResponseForm{Action: dental.BookOffer, Weekday: "tue", Part: reply.Evening})
		l.on(154, "15:00")
		l.books("A", "P", 158, "18:00")
		l.comes("A", "P", dental.Hygiene)
	}},
	{name: "referrer-and-friend", title: "A happy patient, and the friend who comes by the patient's link", begin: "2026-05-22 15:40", play: func(l *life) {
		l.patient("P", "Анна")
		l.visits("V1", "P", dental.Hygiene)
		l.on(2, "10:00")
		l.answers("P", dental.Good)
		l.on(5, "12:00")
		l.recommended("P", "Лев", "+79160000077")
		l.on(6, "12:00")
		l.patient("F", "Лев", withPhone("+79160000077"), born("1991-02-03"))
		l.books("A", "F", 10, "12:00")
		l.comes("A", "F", dental.Therapy)
	}},
	{name: "kamchatka", title: "The first-time patient in Kamchatka", zone: "Asia/Kamchatka", begin: "2026-05-22 15:40", play: func(l *life) {
		l.patient("P", "Анна")
		l.visits("V1", "P", dental.Hygiene)
		l.books("A", "P", 5, "10:00")
	}},
	{name: "kaliningrad", title: "The first-time patient in Kaliningrad", zone: "Europe/Kaliningrad", begin: "2026-05-22 15:40", play: func(l *life) {
		l.patient("P", "Анна")
		l.visits("V1", "P", dental.Hygiene)
		l.books("A", "P", 5, "10:00")
	}},
	{name: "everything-on", title: "A patient of a clinic that also confirms each booking and reminds on the day", begin: "2026-05-22 15:40", play: func(l *life) {
		l.Settings(func(c *dental.Clinic) {
			s := c.Scenarios["appointment"]
			s.Steps = map[string]bool{"booked": true, "today": true}
			c.Scenarios["appointment"] = s
		})
		l.patient("P", "Анна")
		l.books("A", "P", 10, "15:00")
		l.comes("A", "P", dental.Hygiene)
		l.on(200, "12:00")
		l.books("B", "P", 210, "15:00")
		l.on(205, "12:00")
		l.happens("P: cancelled B")
		l.Appointment(intake.AppointmentCancelled, "B", "P", l.Card("P").Appointment("B").Start)
	}},
}

// A step that no life reaches is one that nobody has seen work: the table at
// the end has them all.
func TestEachLifeGoesAsItsStoryTellsAndNoStepIsWithoutALife(t *testing.T) {
	reached := make([]map[string]bool, len(stories))
	t.Run("lives", func(t *testing.T) {
		for i, s := range stories {
			t.Run(s.name, func(t *testing.T) {
				t.Parallel()
				l, text := s.tell(t)
				golden(t, s.name, text)
				reached[i] = map[string]bool{}
				for _, hero := range l.heroes {
					for _, touch := range l.Card(hero).Touches {
						if touch.State == dental.Sent {
							reached[i][touch.Scenario+"/"+touch.Step] = true
						}
					}
				}
			})
		}
	})
	for _, sc := range scenario.Shipped() {
		for _, step := range sc.Steps {
			var lives []string
			for i, s := range stories {
				if reached[i][sc.Name+"/"+step.Name] {
					lives = append(lives, s.name)
				}
			}
			t.Logf("%-24s %2d  %s", sc.Name+"/"+step.Name, len(lives), strings.Join(lives, " "))
			if len(lives) == 0 {
				t.Errorf("no life reaches %s/%s", sc.Name, step.Name)
			}
		}
	}
}
