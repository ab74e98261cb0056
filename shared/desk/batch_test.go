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
	"github.com/returnpoint/returnpoint/shared/stagetest"
)

// offered is a stage on which the season's batch of a day waits: P gets an SMS, Q
// a letter, and R, who has refused meanwhile, nothing; so many more get an SMS.
func offered(t *testing.T, more ...string) (s *stagetest.Stage, b *desk.Batches, day dental.Date, render desk.Render) {
	t.Helper()
	s = stagetest.New(t, tuesday, func(c *dental.Clinic) {
		c.PartPrice = dental.Money{Minor: 450, Currency: "RUB"}
		for name := range c.Scenarios {
			c.Scenarios[name] = dental.ScenarioSettings{}
		}
		c.Scenarios["season"] = dental.ScenarioSettings{On: true, Release: dental.ReleaseStaff, Since: dental.Date{Year: 2026, Month: 3, Day: 1}}
	})
	s.Patient("P", anna)
	s.Patient("Q", func(c *intake.Card) { c.Number, c.FamilyName = "", "Орлова" })
	s.Patient("R", func(c *intake.Card) { c.Number, c.FamilyName, c.Mail = "+79160000003", "Ясная", "" })
	s.Visit("V1", "P", s.Now())
	s.Visit("V2", "Q", s.Now(), func(v *dental.Visit) { v.Receipt = roubles(9000) })
	s.Visit("V3", "R", s.Now(), func(v *dental.Visit) { v.Receipt = roubles(100) })
	for i, id := range more {
		s.Patient(id, func(c *intake.Card) { c.Number = fmt.Sprintf("+791600001%02d", i) })
		s.Visit("V-"+id, id, s.Now(), func(v *dental.Visit) { v.Receipt = roubles(50) })
	}
	day = dental.Date{Year: 2026, Month: 9, Day: 15}
	for len(held(s)) == 0 && day.Month == 9 {
		s.To(day.At(11*60, s.Clinic.Location()))
		day = day.AddDays(1)
	}
	day = s.Clinic.Today(s.Now())
	f := &outreach.Forecaster{Store: s.Store, Catalogue: s.Catalogue, Base: "https://rp.example"}
	return s, &desk.Batches{Store: s.Store, Catalogue: s.Catalogue}, day, f.Preview
}

func TestABatchShowsWhatWouldLeaveAndWhatItCosts(t *testing.T) {
	s, b, day, render := offered(t)
	if _, err := s.Desk.Stop(t.Context(), &s.Clinic, "+79160000003", "m1", s.Now()); err != nil {
		t.Fatal(err)
	}
	page, err := b.Page(t.Context(), &s.Clinic, "season", day, 0, s.Now(), render)
	if err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	got.WriteString(page.Heading + "\n" + page.Sum + "\n" + page.Until + "\n")
	for _, row := range page.Rows {
		got.WriteString("- " + row.Who + ". " + row.Why + "\n")
		if row.Stays != "" {
			got.WriteString("  " + row.Stays + "\n")
			continue
		}
		lines := slices.DeleteFunc(strings.Split(row.Subject+"\n"+row.Text, "\n"), func(l string) bool { return l == "" })
		got.WriteString("  " + row.Way + "\n  " + strings.Join(lines[:min(len(lines), 3)], "\n  ") + "\n")
	}
	golden(t, "batch.txt", got.String())
	if page.Task.Kind != dental.ReleaseTask || !page.Task.Open() {
		t.Errorf("the task about it is %+v", page.Task)
	}
	if len(s.Sent()) != 0 {
		t.Errorf("looking at it has sent %d messages", len(s.Sent()))
	}
}

func TestWhatABatchShowsIsWhatLeavesButForTheLink(t *testing.T) {
	s, b, day, render := offered(t)
	page, err := b.Page(t.Context(), &s.Clinic, "season", day, 0, s.Now(), render)
	if err != nil {
		t.Fatal(err)
	}
	if err := release(s, "season", day); err != nil {
		t.Fatal(err)
	}
	s.To(s.Now().AddDate(0, 0, 1))
	sent := s.SentAs("season", "autumn")
	if len(sent) != 3 || len(page.Rows) != 3 {
		t.Fatalf("%d messages have left of %d rows", len(sent), len(page.Rows))
	}
	for _, m := range sent {
		shown := ""
		for _, row := range page.Rows {
			if row.Touch.Patient == m.Touch.Patient {
				shown = row.Text
			}
		}
		left := m.Text
		for _, link := range m.Links {
			left = strings.ReplaceAll(left, link[strings.LastIndexByte(link, '/')+1:], "xxxxxxxxxxxxxxxx")
		}
		if short, cut := strings.CutSuffix(shown, "…"); cut {
			left, shown = left[:min(len(left), len(short))], short
		}
		if left != shown {
			t.Errorf("to %s there left\n%s\nand the batch showed\n%s", m.Touch.Patient, left, shown)
		}
	}
	if _, err := b.Page(t.Context(), &s.Clinic, "season", day, 0, s.Now(), render); dental.KindOf(err) != dental.NotFound {
		t.Errorf("a batch that has left gives %v, want NotFound", err)
	}
}

func TestAPausedClinicsBatchIsShownAsItWouldLeave(t *testing.T) {
	s, b, day, render := offered(t)
	s.Settings(func(c *dental.Clinic) { c.Paused = true })
	page, err := b.Page(t.Context(), &s.Clinic, "season", day, 0, s.Now(), render)
	if err != nil || len(page.Rows) != 3 || page.Rows[0].Text == "" {
		t.Errorf("it is %+v, error %v", page, err)
	}
}

func TestThereIsNoPageOfABatchThatIsNone(t *testing.T) {
	s, b, day, render := offered(t)
	for name, of := range map[string]struct {
		scenario string
		day      dental.Date
	}{"an unknown scenario": {"no-such", day}, "another day": {"season", day.AddDays(1)}, "another scenario": {"sleeping-6", day}} {
		if _, err := b.Page(t.Context(), &s.Clinic, of.scenario, of.day, 0, s.Now(), render); dental.KindOf(err) != dental.NotFound {
			t.Errorf("%s gives %v, want NotFound", name, err)
		}
	}
}

func TestAPageOfABatchRendersItsOwnMessagesAloneAndSaysHowManyThereAre(t *testing.T) {
	var more []string
	for i := range 27 {
		more = append(more, fmt.Sprintf("M%02d", i))
	}
	s, b, day, render := offered(t, more...)
	var rendered atomic.Int32
	counted := func(ctx context.Context, cl *dental.Clinic, touch dental.Touch, now time.Time) (dental.Foreseen, string, error) {
		rendered.Add(1)
		return render(ctx, cl, touch, now)
	}
	seen := map[string]bool{}
	for from, pages := 0, 0; pages == 0 || from > 0; pages++ {
		rendered.Store(0)
		page, err := b.Page(t.Context(), &s.Clinic, "season", day, from, s.Now(), counted)
		if err != nil {
			t.Fatal(err)
		}
		if int(rendered.Load()) != len(page.Rows) {
			t.Errorf("%d messages are rendered for %d rows", rendered.Load(), len(page.Rows))
		}
		if !strings.HasPrefix(page.Sum, "В списке 30 сообщений, ниже посчитаны те, что на этой странице. 15 сообщений: ") {
			t.Errorf("it says %q", page.Sum)
		}
		for _, row := range page.Rows {
			seen[row.Touch.Patient] = true
		}
		from = page.Next
	}
	if len(seen) != 30 {
		t.Errorf("the pages show %d patients", len(seen))
	}
}
