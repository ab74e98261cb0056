package desk_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/desk"
	"github.com/returnpoint/returnpoint/shared/intake"
	"github.com/returnpoint/returnpoint/shared/stagetest"
	"github.com/returnpoint/returnpoint/shared/table"
)

func entrance(s *stagetest.Stage) *desk.Reception {
	return &desk.Reception{Store: s.Store, Catalogue: s.Catalogue}
}

// arriving lists who comes on a day, "2026-03-12", as "12:00 P Ирина Соколова".
func arriving(s *stagetest.Stage, day string) []string {
	s.T.Helper()
	var out []string
	for _, a := range arrivals(s, day).Rows {
		out = append(out, a.Time+" "+a.Appointment.Patient+" "+a.Doctor)
	}
	return out
}

func arrivals(s *stagetest.Stage, day string) desk.Arrivals {
	s.T.Helper()
	on, err := dental.ParseDate(day)
	if err != nil {
		s.T.Fatal(err)
	}
	list, err := entrance(s).Arrivals(s.T.Context(), &s.Clinic, on, "", s.Now())
	if err != nil {
		s.T.Fatal(err)
	}
	return list
}

func TestADayShowsItsStandingAppointmentsByTimeAndDoctor(t *testing.T) {
	s := stagetest.New(t, tuesday)
	for i, id := range []string{"P", "Q", "R"} {
		s.Patient(id, func(c *intake.Card) { c.Number = fmt.Sprintf("+7916000%04d", i) })
	}
	nina := func(a *dental.Appointment) { a.Doctor = dental.Doctor{ID: "D-2", Name: "Нина Тихая"} }
	anton := func(a *dental.Appointment) { a.Doctor = dental.Doctor{ID: "D-1", Name: "Антон Белов"} }
	s.Appointment(intake.AppointmentBooked, "A1", "P", s.Local("2026-03-12 14:00"), nina)
	s.Appointment(intake.AppointmentBooked, "A2", "Q", s.Local("2026-03-12 14:00"), anton)
	s.Appointment(intake.AppointmentBooked, "A3", "R", s.Local("2026-03-12 09:00"), nina)
	expect := func(what, day string, want ...string) {
		t.Helper()
		if got := arriving(s, day); !slices.Equal(got, want) {
			t.Errorf("%s: on %s there are %q, want %q", what, day, got, want)
		}
	}
	expect("booked", "2026-03-12", "09:00 R Нина Тихая", "14:00 Q Антон Белов", "14:00 P Нина Тихая")
	s.Set(s.Local("2026-03-10 12:00"))
	s.Appointment(intake.AppointmentMoved, "A1", "P", s.Local("2026-03-13 10:00"), nina)
	s.Appointment(intake.AppointmentCancelled, "A2", "Q", s.Local("2026-03-12 14:00"), anton)
	s.Appointment(intake.AppointmentConfirmed, "A3", "R", s.Local("2026-03-12 09:00"), nina)
	expect("moved, cancelled and confirmed", "2026-03-12", "09:00 R Нина Тихая")
	expect("moved to another day", "2026-03-13", "10:00 P Нина Тихая")
	s.Set(s.Local("2026-03-10 13:00"))
	s.Appointment(intake.AppointmentMoved, "A1", "P", s.Local("2026-03-13 00:30"), nina) // the day before in UTC
	expect("at night the day is the clinic's own", "2026-03-13", "00:30 P Нина Тихая")
	expect("and not that of UTC", "2026-03-12", "09:00 R Нина Тихая")
	s.Set(s.Local("2026-03-13 12:00"))
	s.Appointment(intake.AppointmentMissed, "A1", "P", s.Local("2026-03-13 00:30"), nina)
	expect("missed", "2026-03-13")
	if got := arrivals(s, "2026-03-13").Heading; got != "Записей сегодня нет." {
		t.Errorf("an empty day is headed %q", got)
	}
	s.Appointment(intake.AppointmentBooked, "A4", "Q", s.Local("2026-03-14 10:00"))
	s.Tell(intake.Event{Type: intake.PatientDeleted, Gone: &intake.Deletion{ID: "Q", Version: s.Now().UnixMilli() + 1}})
	expect("erased", "2026-03-14")
}

func TestTheReceptionIsToldWhatToDoAboutWhoeverComes(t *testing.T) {
	hygiene := func(a *dental.Appointment) {
		a.Services = []dental.ServiceType{{Name: "Гигиена", Kind: dental.Hygiene}}
	}
	books := func(s *stagetest.Stage) {
		s.Appointment(intake.AppointmentBooked, "A", "P", s.Local("2026-03-12 14:00"), hygiene)
	}
	agreed := func(s *stagetest.Stage) {
		s.Appointment(intake.AppointmentBooked, "B", "P", s.Local("2026-09-12 14:00"))
	}
	for _, tt := range []struct {
		name string
		tell func(*stagetest.Stage)
		want []string
	}{
		{"a patient with everything is asked for the next date alone", func(s *stagetest.Stage) { s.Patient("P"); books(s) },
			[]string{"date «Следующий осмотр — через 6 месяцев. Запишу напоминание?»"}},
		{"one who is booked again is asked for nothing", func(s *stagetest.Stage) { s.Patient("P"); books(s); agreed(s) }, nil},
		{"one with a second appointment on the same day is asked for the next date all the same", func(s *stagetest.Stage) {
			s.Patient("P")
			books(s)
			s.Appointment(intake.AppointmentBooked, "B", "P", s.Local("2026-03-12 16:00"))
		}, []string{"date «Следующий осмотр — через 6 месяцев. Запишу напоминание?»"}},
		{"one whose doctor has named the date is asked for nothing", func(s *stagetest.Stage) {
			s.Patient("P")
			books(s)
			s.Set(s.Local("2026-03-12 14:40"))
			s.Visit("V", "P", s.Now(), func(v *dental.Visit) { v.AppointmentID, v.ReturnDate = "A", dental.Date{Year: 2026, Month: 6, Day: 12} })
		}, nil},
		{"one who leaves without a date is asked for it, by what was done", func(s *stagetest.Stage) {
			s.Patient("P")
			books(s)
			s.Set(s.Local("2026-03-12 14:40"))
			s.Visit("V", "P", s.Now(), func(v *dental.Visit) { v.AppointmentID, v.Procedures[0].Kind = "A", dental.Periodontics })
		}, []string{"date «Следующий осмотр — через 3 месяца. Запишу напоминание?»"}},
		{"a card without a number", func(s *stagetest.Stage) {
			s.Patient("P", func(c *intake.Card) { c.Number = "" })
			books(s)
			agreed(s)
		}, []string{"number «На какой номер прислать напоминание о приёме?»"}},
		{"nobody has asked for consent", func(s *stagetest.Stage) { s.Patient("P", nothing); books(s); agreed(s) },
			[]string{"consent «Откройте этот код камерой и выберите, что вам присылать.»"}},
		{"whoever has refused is not asked again", func(s *stagetest.Stage) {
			s.Patient("P", nothing, func(c *intake.Card) {
				c.Consents = []dental.Consent{{Class: dental.Advertising, Channel: dental.SMS, At: s.Now(), Source: "page"}}
			})
			books(s)
			agreed(s)
		}, nil},
		{"whoever has said STOP is not asked again", func(s *stagetest.Stage) {
			s.Patient("P", nothing)
			if _, err := s.Desk.Stop(s.T.Context(), &s.Clinic, "+79160000001", "m1", s.Now()); err != nil {
				s.T.Fatal(err)
			}
			books(s)
			agreed(s)
		}, nil},
		{"a complaint is open", func(s *stagetest.Stage) {
			s.Patient("P")
			books(s)
			agreed(s)
			open(s, "P", dental.Task{Kind: dental.ComplaintTask, Anchor: "a"})
		}, []string{"complaint"}},
		{"the case is disputed", func(s *stagetest.Stage) {
			s.Patient("P")
			books(s)
			agreed(s)
			tx := s.Store.Begin()
			card, err := tx.Card(s.T.Context(), s.Clinic.ID, "P")
			if err != nil {
				s.T.Fatal(err)
			}
			card.Patient.Disputed = true
			tx.Put(card.Patient)
			if err := tx.Commit(s.T.Context()); err != nil {
				s.T.Fatal(err)
			}
		}, []string{"complaint"}},
		{"a child is asked for no consent to advertising, and has the adult's number", func(s *stagetest.Stage) {
			s.Patient("G")
			s.Patient("P", nothing, func(c *intake.Card) {
				c.GuardianID, c.BirthDate, c.Number = "G", dental.Date{Year: 2018, Month: 1, Day: 2}, ""
			})
			books(s)
			agreed(s)
		}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := stagetest.New(t, tuesday)
			tt.tell(s)
			rows := arrivals(s, "2026-03-12").Rows
			if len(rows) == 0 {
				t.Fatal("nobody comes")
			}
			var got []string
			for _, row := range rows {
				for _, ask := range row.Asks {
					says := ask.Kind
					if ask.Phrase != "" {
						says += " «" + ask.Phrase + "»"
					}
					got = append(got, says)
				}
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("it asks %q, want %q", got, tt.want)
			}
		})
	}
}

func TestWhatIsOpenToAPatientIsShownWithUntilWhen(t *testing.T) {
	s := stagetest.New(t, tuesday, func(c *dental.Clinic) {
		c.BonusDays = 100
		c.Scenarios["sleeping-6"] = dental.ScenarioSettings{On: true, Release: dental.ReleaseAuto, Benefit: dental.Benefit{Kind: dental.Discount, Percent: 15}}
	})
	s.Patient("P", anna)
	s.Visit("V", "P", s.Now(), func(v *dental.Visit) { v.ReturnDate = dental.Date{Year: 2026, Month: 3, Day: 20} })
	s.ToLocal("2026-09-10 12:00")
	till := &desk.Till{Store: s.Store, Catalogue: s.Catalogue, Rand: strings.NewReader(strings.Repeat("r", 64))}
	if _, err := till.Grant(t.Context(), desk.Press{Clinic: s.Clinic.ID, Patient: "P", By: "Ольга", ID: "g"}, roubles(500), "за терпение", s.Now()); err != nil {
		t.Fatal(err)
	}
	tx := s.Store.Begin()
	if _, err := tx.Card(t.Context(), s.Clinic.ID, "P"); err != nil {
		t.Fatal(err)
	}
	gift := dental.GiftChoice{Clinic: s.Clinic.ID, Patient: "P", Scenario: "birthday", Anchor: "2026", Name: "Ирригатор", Code: "7KXM-4R2P",
		ChosenAt: s.Now(), ChosenOn: s.Clinic.Today(s.Now()), Until: dental.Date{Year: 2026, Month: 9, Day: 30}}
	tx.Put(gift)
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	found, more, err := entrance(s).Search(t.Context(), &s.Clinic, "0001", s.Now())
	if err != nil || len(found) != 1 || more {
		t.Fatalf("found %+v, more %v, error %v", found, more, err)
	}
	want := []string{"Бонусы: 500\u00a0₽, до 19 декабря", "Подарок: Ирригатор, код 7KXM-4R2P, до 30 сентября", "Предложение: скидка 15\u00a0%, до 10 октября"}
	if got := found[0]; !slices.Equal(got.Gains, want) || got.Who != "Петрова Анна Сергеевна, 40 лет" || got.Last != "Последний визит 10 марта." {
		t.Errorf("found is %+v, want gains %q", got, want)
	}
	s.Set(s.Local("2026-12-25 12:00"))
	if found, _, _ = entrance(s).Search(t.Context(), &s.Clinic, "0001", s.Now()); len(found[0].Gains) != 0 {
		t.Errorf("when all of it is over it still shows %q", found[0].Gains)
	}
}

func TestASearchFindsByTheLastFourDigitsAlone(t *testing.T) {
	s := stagetest.New(t, tuesday)
	s.Patient("P", anna)
	s.Patient("Q", func(c *intake.Card) { c.Number = "+79030000001" })
	s.Patient("R", func(c *intake.Card) { c.Number = "+79160000002" })
	s.Patient("X", func(c *intake.Card) { c.Number, c.Status = "+79160009901", dental.Archived })
	find := func(digits string) []string {
		t.Helper()
		found, _, err := entrance(s).Search(t.Context(), &s.Clinic, digits, s.Now())
		if err != nil {
			t.Fatal(err)
		}
		var ids []string
		for _, f := range found {
			ids = append(ids, strings.TrimSpace(f.Patient+" "+f.Gone))
		}
		return ids
	}
	for digits, want := range map[string][]string{"0001": {"P", "Q"}, " 0002 ": {"R"}, "0003": nil, "9901": {"X карта пациента в архиве"}} {
		if got := find(digits); !slices.Equal(got, want) {
			t.Errorf("%q finds %q, want %q", digits, got, want)
		}
	}
	s.Set(s.Local("2026-03-10 12:00"))
	s.Patient("R", func(c *intake.Card) { c.Number = "+79160000003" })
	if got := append(find("0002"), find("0003")...); !slices.Equal(got, []string{"R"}) {
		t.Errorf("after another number it finds %q", got)
	}
	for _, digits := range []string{"", "123", "12345", "12a4", "١٢٣٤"} {
		if _, _, err := entrance(s).Search(t.Context(), &s.Clinic, digits, s.Now()); dental.KindOf(err) != dental.Invalid {
			t.Errorf("%q gives %v, want Invalid", digits, err)
		}
	}
}

// behind is a table whose indexes stand still from the first look at each.
type behind struct {
	table.Table
	shown map[table.Query]table.Page
}

func (b behind) Query(ctx context.Context, q table.Query) (table.Page, error) {
	if page, looked := b.shown[q]; looked && q.Index != table.Main {
		return page, nil
	}
	page, err := b.Table.Query(ctx, q)
	b.shown[q] = page
	return page, err
}

func TestWhatAnIndexStillShowsIsCheckedByTheCards(t *testing.T) {
	s := stagetest.New(t, tuesday)
	s.Patient("P", anna)
	s.Appointment(intake.AppointmentBooked, "A", "P", s.Local("2026-03-12 14:00"))
	old := stagetest.Join(s, behind{s.Table, map[table.Query]table.Page{}})
	find := func() int {
		t.Helper()
		found, _, err := entrance(old).Search(t.Context(), &s.Clinic, "0001", s.Now())
		if err != nil {
			t.Fatal(err)
		}
		return len(found)
	}
	if come, found := len(arriving(old, "2026-03-12")), find(); come != 1 || found != 1 {
		t.Fatalf("%d come and %d are found", come, found)
	}
	s.Set(s.Local("2026-03-10 12:00"))
	s.Appointment(intake.AppointmentMoved, "A", "P", s.Local("2026-03-13 14:00"))
	s.Patient("P", anna, func(c *intake.Card) { c.Number = "+79160000002" })
	if come, found := len(arriving(old, "2026-03-12")), find(); come != 0 || found != 0 {
		t.Errorf("by indexes that are behind %d come and %d are found", come, found)
	}
}
