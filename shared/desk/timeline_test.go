package desk_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/desk"
	"github.com/returnpoint/returnpoint/shared/intake"
	"github.com/returnpoint/returnpoint/shared/locale"
	"github.com/returnpoint/returnpoint/shared/reply"
	"github.com/returnpoint/returnpoint/shared/stagetest"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden holds a text to its file.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s is otherwise now; -update writes it anew:\n%s", path, difference(string(want), got))
	}
}

// difference shows the lines that only one of two texts has.
func difference(want, got string) string {
	var out strings.Builder
	a, b := strings.Split(want, "\n"), strings.Split(got, "\n")
	for _, line := range a {
		if !slices.Contains(b, line) {
			out.WriteString("- " + line + "\n")
		}
	}
	for _, line := range b {
		if !slices.Contains(a, line) {
			out.WriteString("+ " + line + "\n")
		}
	}
	return out.String()
}

// reception is a stage with the cards and the till of its desk.
type reception struct {
	*stagetest.Stage
	cards *desk.Cards
	till  *desk.Till
}

// newReception opens on Tuesday, 10 March 2026, at 11:00 in Moscow.
func newReception(t testing.TB, change ...func(*dental.Clinic)) *reception {
	t.Helper()
	s := stagetest.New(t, time.Date(2026, 3, 10, 11, 0, 0, 0, time.FixedZone("MSK", 3*3600)), append([]func(*dental.Clinic){func(c *dental.Clinic) {
		c.ClubVisits, c.BonusDays = 3, 90
		c.Referral = dental.ReferralTerms{Reward: roubles(500), Who: "both"}
		c.Gifts = []dental.Gift{{ID: "brush", Name: "Набор для ухода за зубами"}, {ID: "photo", Name: "Осмотр с фотопротоколом"}}
	}}, change...)...)
	draws := rand.NewChaCha8([32]byte{7})
	return &reception{s, &desk.Cards{Store: s.Store, Catalogue: s.Catalogue, Rand: draws, Erasure: s.Erase},
		&desk.Till{Store: s.Store, Catalogue: s.Catalogue, Rand: draws}}
}

// olga presses, as an administrator.
func olga(patient string) desk.Press {
	return desk.Press{Clinic: "demo", Patient: patient, By: "Ольга Крылова", Key: "k-olga", Role: dental.Administrator}
}

func (r *reception) does(err error) {
	r.T.Helper()
	if err != nil {
		r.T.Fatal(err)
	}
}

func (r *reception) read(patient string) desk.Record {
	r.T.Helper()
	record, err := r.cards.Read(r.T.Context(), "demo", patient)
	r.does(err)
	return record
}

// lines is a timeline as text.
func lines(entries []desk.Entry) string {
	var out strings.Builder
	for _, e := range entries {
		ahead := " "
		if e.Ahead {
			ahead = ">"
		}
		fmt.Fprintf(&out, "%s %-8s %-5s %s | %s\n", ahead, e.Kind, e.Tone, e.When, e.Text)
		for _, n := range e.Notes {
			fmt.Fprintf(&out, "      %s\n", n)
		}
		for _, q := range e.Quotes {
			fmt.Fprintf(&out, "      “%s”\n", q)
		}
	}
	return strings.ReplaceAll(out.String(), "\u00a0", " ")
}

// head is the top of a card as text.
func head(h desk.Head) string {
	var out strings.Builder
	line := func(name string, values ...string) {
		if joined := strings.Join(values, "; "); joined != "" {
			fmt.Fprintf(&out, "%s: %s\n", name, joined)
		}
	}
	line("name", h.Name)
	line("age", h.Age)
	line("phone", h.Phone)
	line("dial", h.Dial)
	line("mail", h.Mail)
	line("doctor", h.Doctor)
	for _, m := range h.Marks {
		line("mark", m.Text+" ("+m.Tone+")")
	}
	for _, k := range h.Kin {
		line("kin", k.ID+" "+k.Text)
	}
	line("return", h.Return)
	line("next", h.Next)
	line("club", h.Club...)
	line("purse", h.Purse...)
	line("offers", h.Offers...)
	for _, g := range h.Gifts {
		line("gift", g.Text+" ["+g.Code+"]")
	}
	line("plan", h.Plan...)
	line("tasks", h.Tasks...)
	line("consents", h.Consents)
	return strings.ReplaceAll(out.String(), "\u00a0", " ")
}

// both tells a card in each language, as the golden files have it.
func (r *reception) both(patient string) string {
	var out strings.Builder
	record := r.read(patient)
	for _, l := range []locale.Locale{locale.Russian, locale.English} {
		fmt.Fprintf(&out, "%s\n\n%s\n", head(desk.Top(record, l, r.Now())), lines(desk.Timeline(record, l, r.Now())))
	}
	return out.String()
}

func visit(kind dental.ProcedureKind, name string, total int64, change ...func(*dental.Visit)) func(*dental.Visit) {
	return func(v *dental.Visit) {
		v.Procedures, v.Receipt = []dental.Procedure{{Name: name, Kind: kind, Minutes: 40}}, roubles(total)
		for _, c := range change {
			c(v)
		}
	}
}

// settles closes the patient's complaint as the list would.
func (r *reception) settles(patient, decision string) {
	r.T.Helper()
	tx := r.Store.Begin()
	card, err := tx.Card(r.T.Context(), "demo", patient)
	r.does(err)
	for _, k := range card.Tasks {
		if k.Kind == dental.ComplaintTask {
			k.TakenAt, k.TakenBy, k.CalledAt, k.Decision, k.Content, k.By = r.Now().Add(-2*time.Hour), "Мария Ким", r.Now().Add(-time.Hour), decision, "yes", "Мария Ким"
			k.Cause = string(dental.CauseWaiting)
			k.Close(&r.Clinic, dental.PressClosed, r.Now())
			tx.Put(k)
		}
	}
	r.does(tx.Commit(r.T.Context()))
}

// eventful is a year and a half in which nearly all happens that can.
func eventful(t *testing.T) *reception {
	r := newReception(t)
	ctx := t.Context()
	r.Patient("P", func(c *intake.Card) { c.MiddleName, c.DoctorID = "Сергеевна", "D-3" })
	r.Appointment(intake.AppointmentBooked, "A1", "P", r.Local("2026-03-14 15:00"))
	r.ToLocal("2026-03-12 18:00")
	r.Appointment(intake.AppointmentMoved, "A1", "P", r.Local("2026-03-20 15:00"))
	r.ToLocal("2026-03-18 16:00")
	_, err := r.Desk.Act(ctx, r.Token("P", dental.AppointmentLink), reply.Confirm, r.Now())
	r.does(err)
	r.ToLocal("2026-03-20 15:40")
	r.Visit("V1", "P", r.Now(), visit(dental.Therapy, "Лечение кариеса", 8000, func(v *dental.Visit) {
		v.AppointmentID, v.Recommendations, v.Complex = "A1", "Два часа не есть.", true
	}))
	r.Tell(intake.Event{Type: intake.PlanUpdated, Plan: &dental.Plan{Clinic: "demo", Patient: "P", ID: "L", PresentedAt: r.Now(), Source: dental.Source{Version: 1, Body: "1"},
		Stages: []dental.Stage{{ID: "1", Name: "Лечение кариеса", Kind: dental.Therapy, Status: dental.StageDone, Price: roubles(8000), DoneAt: r.Now()},
			{ID: "2", Name: "Коронка", Kind: dental.Prosthetics, Status: dental.StagePlanned, Price: roubles(35000)}}}})
	r.Tell(intake.Event{Type: intake.PaymentReceived, Payment: &dental.Payment{Clinic: "demo", Patient: "P", ID: "F1", VisitID: "V1", Amount: roubles(1000),
		At: r.Now().Add(time.Hour), Kind: dental.Refund, Source: dental.Source{Version: 1, Body: "1"}}})
	r.ToLocal("2026-03-21 17:00")
	_, err = r.Desk.Answer(ctx, r.Token("P", dental.SurveyLink), reply.AnswerForm{Rating: dental.Bad, NPS: 3, Comment: "Долго ждать.\nИ больно."}, r.Now())
	r.does(err)
	_, err = r.till.Grant(ctx, olga("P"), roubles(300), "За ожидание", r.Now())
	r.does(err)
	r.does(r.cards.Dispute(ctx, olga("P"), true, r.Now()))
	r.ToLocal("2026-03-23 10:00")
	r.settles("P", "Вернули за ожидание, извинились.")
	r.ToLocal("2026-05-20 12:00")
	r.does(r.cards.Dispute(ctx, olga("P"), false, r.Now()))
	_, err = r.till.Spend(ctx, olga("P"), roubles(100), "Гигиена", r.Now())
	r.does(err)
	r.Visit("V2", "P", r.Now(), visit(dental.Hygiene, "Профессиональная гигиена", 5400))
	r.ToLocal("2026-10-25 12:00")
	r.does(r.Desk.Respond(ctx, r.Token("P", dental.OfferLink), reply.ResponseForm{Action: dental.BookOffer, Weekday: "fri", Part: reply.Evening}, r.Now()))
	r.Appointment(intake.AppointmentBooked, "A2", "P", r.Local("2026-11-20 12:00"))
	r.ToLocal("2026-11-14 12:00")
	r.does(r.Desk.ChooseGift(ctx, r.Token("P", dental.GiftLink), "photo", r.Now()))
	r.ToLocal("2026-11-20 14:00")
	r.Appointment(intake.AppointmentMissed, "A2", "P", r.Local("2026-11-20 12:00"))
	_, err = r.Desk.Stop(ctx, &r.Clinic, "+79160000001", "in-1", r.Now())
	r.does(err)
	r.ToLocal("2026-11-21 12:00")
	gift := r.Card("P").Gifts[0]
	_, err = r.till.RedeemGift(ctx, olga("P"), gift.Code, r.Now())
	r.does(err)
	r.does(r.cards.Consent(ctx, olga("P"), desk.Paper{Granted: true, Classes: []dental.Class{dental.Advertising, dental.Care}, Channels: []dental.Channel{dental.SMS}}, r.Now()))
	r.does(r.cards.Exclude(ctx, olga("P"), true, r.Now()))
	r.ToLocal("2026-11-25 12:00")
	r.does(r.cards.Exclude(ctx, olga("P"), false, r.Now()))
	_, err = r.till.Grant(ctx, olga("P"), roubles(700), "Подарок", r.Now())
	r.does(err)
	r.ToLocal("2026-12-01 12:00")
	r.Visit("V3", "P", r.Now(), visit(dental.Therapy, "Осмотр", 1500))
	r.Appointment(intake.AppointmentBooked, "A3", "P", r.Local("2026-12-20 10:00"))
	r.ToLocal("2026-12-05 12:00")
	return r
}

func TestACardTellsAWholeLifeInPlainWords(t *testing.T) {
	golden(t, "eventful.txt", eventful(t).both("P"))
}

func TestAFamilyOnOnePhoneIsToldAsOne(t *testing.T) {
	r := newReception(t)
	r.Patient("P1")
	r.Patient("P2", func(c *intake.Card) { c.GivenName = "Иван" })
	r.Patient("P3", func(c *intake.Card) {
		c.GivenName, c.GuardianID, c.Mail, c.BirthDate = "Вера", "P1", "", dental.Date{Year: 2016, Month: 3, Day: 3}
	})
	for i, id := range []string{"P1", "P2", "P3"} {
		r.Visit("V"+id, id, r.Now().Add(-time.Duration(i)*time.Hour), visit(dental.Hygiene, "Профессиональная гигиена", 5400))
	}
	r.ToLocal("2026-03-17 12:00")
	for i, id := range []string{"P1", "P2", "P3"} {
		r.Appointment(intake.AppointmentBooked, "A"+id, id, r.Local("2026-03-25 11:00").Add(time.Duration(i)*time.Hour))
	}
	r.ToLocal("2026-03-25 14:00")
	for i, id := range []string{"P1", "P2", "P3"} {
		r.Visit("W"+id, id, r.Now().Add(-time.Duration(i)*time.Hour), visit(dental.Therapy, "Лечение", 4000), func(v *dental.Visit) { v.AppointmentID = "A" + id })
	}
	r.ToLocal("2027-04-10 12:00")
	var out strings.Builder
	for _, id := range []string{"P1", "P3"} {
		out.WriteString(r.both(id))
	}
	golden(t, "family.txt", out.String())
}
