package reckon

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/intake"
)

func at(t *testing.T, s string) time.Time {
	t.Helper()
	v, err := time.Parse("2006-01-02 15:04", s)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func day(t *testing.T, s string) dental.Date { t.Helper(); return dental.DateOf(at(t, s+" 00:00")) }

// book is one in which two patients came: one three times, one once; it is in UTC.
func book(t *testing.T) *Book {
	t.Helper()
	b := NewBook(time.UTC)
	for _, v := range []struct {
		patient, id, at string
		roubles         int64
	}{{"P-1", "V-1", "2025-01-10 10:00", 1000}, {"P-1", "V-2", "2025-06-10 10:00", 2000}, {"P-1", "V-3", "2026-02-10 10:00", 4000}, {"P-2", "V-4", "2025-06-10 10:00", 500}} {
		b.Post(intake.Event{Type: intake.VisitCompleted, Visit: &dental.Visit{ID: v.id, Patient: v.patient, FinishedAt: at(t, v.at), Doctor: dental.Doctor{ID: "D-1"}, AppointmentID: "A" + v.id,
			Procedures: []dental.Procedure{{Kind: dental.Hygiene}}, Receipt: dental.Money{Minor: v.roubles * 100, Currency: "RUB"}}})
	}
	b.Post(intake.Event{Type: intake.AppointmentBooked, At: at(t, "2026-02-01 12:00"), Appointment: &dental.Appointment{ID: "AV-3", Patient: "P-1", Start: at(t, "2026-02-10 09:00")}})
	return b
}

func want(t *testing.T, got map[string]int64, figures map[string]int64) {
	t.Helper()
	for name, n := range figures {
		if got[name] != n {
			t.Errorf("%s: %d, want %d", name, got[name], n)
		}
	}
}

func TestTheFiguresOfSomeDaysAreReckonedFromWhatWasPosted(t *testing.T) {
	touches := []Touch{
		{ID: "1", Patient: "P-1", Scenario: "recall", State: "sent", Class: "care", Channel: "sms", EndedOn: "2026-01-20", Price: "9.00", Parts: 2, SentAt: at(t, "2026-01-20 12:00"), DeliveredAt: at(t, "2026-01-20 12:01")},
		{ID: "2", Patient: "P-1", Scenario: "appointment", State: "sent", Class: "service", Channel: "sms", EndedOn: "2026-01-30", Price: "4.50", Parts: 1, SentAt: at(t, "2026-01-30 12:00"), DeliveredAt: at(t, "2026-01-30 12:01")},
		{ID: "3", Patient: "P-1", Scenario: "season", State: "sent", Class: "advertising", Channel: "email", EndedOn: "2026-02-05", SentAt: at(t, "2026-02-05 12:00"), DeliveredAt: at(t, "2026-02-05 12:01")},
	}
	got := book(t).Figures(day(t, "2026-01-01"), day(t, "2026-03-01"), touches)
	want(t, got, map[string]int64{"visits": 1, "repeat visits": 1, "revenue": 400000, "revenue of the base": 400000, "revenue of new patients": 0, "new patients": 0, "patients": 2, "repeat patients": 1,
		"patients of the year": 2, "repeat patients of the year": 1, "LTV, year": (2000 + 4000 + 500) * 40 / 2, "LTV, life": 7500 * 40 / 2, "quiet for 6 months": 1,
		"first visits 12 months ago": 1, "returned in 12 months": 1, "came back": 1, "came back by recall": 1, "revenue returned by recall": 400000, "came back by season": 0,
		"cost of messages": 1350, "parts": 3, "sent by recall": 1, "visits to D-1": 1, "revenue of D-1": 400000})
}

func TestWhatIsPutRightGivenBackAndErasedChangesDaysLongPast(t *testing.T) {
	b := book(t)
	june := func() map[string]int64 { return b.Figures(day(t, "2025-06-01"), day(t, "2025-06-30"), nil) }
	want(t, june(), map[string]int64{"visits": 2, "revenue": 250000})
	v := b.visits["V-2"]
	v.Receipt.Minor = 150000
	b.Post(intake.Event{Type: intake.VisitCompleted, Visit: &v})
	b.Post(intake.Event{Type: intake.PaymentReceived, Payment: &dental.Payment{ID: "F", VisitID: "V-2", Kind: dental.Refund, Amount: dental.Money{Minor: 10000, Currency: "RUB"}}})
	want(t, june(), map[string]int64{"visits": 2, "revenue": 190000})
	b.Post(intake.Event{Type: intake.PatientDeleted, Gone: &intake.Deletion{ID: "P-1"}})
	want(t, june(), map[string]int64{"visits": 1, "revenue": 50000, "patients": 1})
}

func TestAnAnswerIsTheLastWordOnItsPage(t *testing.T) {
	b := book(t)
	b.Answer("P-1", "/s/1", "good", -1)
	b.Answer("P-1", "/s/1", "", 9)
	b.Answer("P-1", "/s/1", "bad", -1)
	b.Answer("P-2", "/s/2", "", 7)
	want(t, b.Said(), map[string]int64{"answers good": 0, "answers bad": 1, "promoters": 1, "passives": 1})
}

func TestTwoReckoningsAreHeldAgainstEachOtherNameByName(t *testing.T) {
	agree, all, differ := Compare(map[string]int64{"a": 1, "b": 2, "c": 3, "nothing": 0}, map[string]int64{"a": 1, "b": 3, "d": 4})
	if agree != 2 || all != 5 || !slices.Equal(differ, []string{"b: 3 by the desk, 2 by the book", "c: 0 by the desk, 3 by the book", "d: 4 by the desk, 0 by the book"}) {
		t.Errorf("%d of %d agree, and not %q", agree, all, differ)
	}
}

func TestMoneyIsReadToTheKopeck(t *testing.T) {
	for s, n := range map[string]int64{"12.50": 1250, "12.50 RUB": 1250, "-0.01 RUB": -1, "": 0, "1234567.89 RUB": 123456789} {
		if got := kopecks(s); got != n {
			t.Errorf("%q is %d", s, got)
		}
	}
	if got := fmt.Sprint(divided(5, 2), divided(-5, 2), divided(7, 0)); got != "3 -3 0" {
		t.Errorf("halves and nothing give %s", got)
	}
}
