package desk_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/desk"
	"github.com/returnpoint/returnpoint/shared/locale"
	"github.com/returnpoint/returnpoint/shared/stagetest"
)

// faultOf is the field that an error is about.
func faultOf(err error) string {
	if own := (*dental.Error)(nil); errors.As(err, &own) {
		return own.Field
	}
	return ""
}

// books is a stage with where a manager enters costs.
func books(t *testing.T) (*stagetest.Stage, *desk.Costs, desk.Press) {
	t.Helper()
	s := stagetest.New(t, tuesday)
	return s, &desk.Costs{Store: s.Store, Rand: strings.NewReader(strings.Repeat("0123456789abcdef", 9))}, desk.Press{Clinic: "demo", By: "Вера", Role: dental.Manager}
}

func may(t testing.TB) dental.Cost {
	return dental.Cost{Kind: dental.Acquisition, Amount: dental.Money{Minor: 1200050, Currency: "RUB"}, From: dayOf(t, "2026-05-01"), To: dayOf(t, "2026-05-31"), Note: "  Реклама\nв  районе "}
}

func entered(t *testing.T, s *stagetest.Stage) []dental.Cost {
	t.Helper()
	costs, err := s.Store.Costs(t.Context(), "demo")
	if err != nil {
		t.Fatal(err)
	}
	return costs
}

// logged tells the audit log's lines, the newest first.
func loggedLines(t *testing.T, s *stagetest.Stage) (out []string) {
	t.Helper()
	entries, _, err := s.Store.Log(t.Context(), "demo", s.Now().UTC().Format("2006-01"), 100, "")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		out = append(out, e.By+" "+e.Action+" "+e.Subject)
	}
	return out
}

func TestACostIsEnteredOnceAPressAndTakenBack(t *testing.T) {
	s, c, p := books(t)
	p.ID = "form-1"
	for range 2 {
		if err := c.Enter(t.Context(), p, may(t), s.Now()); err != nil {
			t.Fatal(err)
		}
	}
	costs := entered(t, s)
	if len(costs) != 1 || costs[0].ID != "form-1" || costs[0].By != "Вера" || costs[0].Note != "Реклама в районе" || !costs[0].At.Equal(s.Now()) || costs[0].Amount.Minor != 1200050 {
		t.Fatalf("entered are %+v", costs)
	}
	p.ID = ""
	if err := c.Remove(t.Context(), p, "form-2", s.Now()); dental.KindOf(err) != dental.NotFound {
		t.Errorf("to remove what is not there: %v", err)
	}
	s.Set(s.Now().Add(time.Minute))
	if err := c.Remove(t.Context(), p, "form-1", s.Now()); err != nil {
		t.Fatal(err)
	}
	if got := entered(t, s); len(got) != 0 {
		t.Errorf("left is %+v", got)
	}
	if got := strings.Join(loggedLines(t, s), "; "); got != "Вера cost-removed form-1; Вера cost-entered form-1" {
		t.Errorf("the log says %q", got)
	}
	for _, action := range []string{desk.CostEntered, desk.CostRemoved, desk.RatingEntered, desk.RatingRemoved} {
		for _, l := range locale.All() {
			if !l.Has("desk.log." + action) {
				t.Errorf("%v has no words for %s", l, action)
			}
		}
	}
}

func TestACostThatCannotBeIsRefusedInWords(t *testing.T) {
	s, c, p := books(t)
	for name, tt := range map[string]struct {
		change func(*dental.Cost)
		field  string
	}{
		"of no kind":              {func(c *dental.Cost) { c.Kind = "salary" }, "kind"},
		"of nothing":              {func(c *dental.Cost) { c.Amount.Minor = 0 }, "amount"},
		"of another currency":     {func(c *dental.Cost) { c.Amount.Currency = "USD" }, "amount"},
		"that ends before it":     {func(c *dental.Cost) { c.To = c.From.AddDays(-1) }, "to"},
		"of no day":               {func(c *dental.Cost) { c.From = dental.Date{} }, "to"},
		"of more than five years": {func(c *dental.Cost) { c.To = c.From.AddDays(2000) }, "to"},
	} {
		t.Run(name, func(t *testing.T) {
			cost := may(t)
			tt.change(&cost)
			err := c.Enter(t.Context(), p, cost, s.Now())
			if dental.KindOf(err) != dental.Invalid || faultOf(err) != tt.field || desk.InWords(locale.Russian, err) == "" {
				t.Errorf("it says %v, of the field %q", err, faultOf(err))
			}
			if got := entered(t, s); len(got) != 0 {
				t.Errorf("it is entered: %+v", got)
			}
		})
	}
}

func TestAFileOfCostsIsEnteredAsFarAsItCanBeRead(t *testing.T) {
	s, c, p := books(t)
	file := "\ufeffВид;Сумма;С;По;Примечание\nпривлечение;12 000,50;01.05.2026;31.05.2026;Реклама\nretention;300;2026-05-01;2026-05-01;\n\nзарплата;1;2026-05-01;2026-05-01;\n" +
		"retention;много;2026-05-01;2026-05-01;\nretention;5;2026-05-41;2026-05-01;\n"
	for range 2 { // the same file twice is one
		got, err := c.EnterCSV(t.Context(), p, strings.NewReader(file), s.Now())
		if err != nil {
			t.Fatal(err)
		}
		var refused []string
		for _, r := range got.Refused {
			refused = append(refused, fmt.Sprint(r.Line, " ", faultOf(r.Err)))
		}
		if got.Lines != 5 || got.Entered != 2 || strings.Join(refused, "; ") != "5 kind; 6 amount; 7 to" {
			t.Errorf("%d lines, %d entered, refused %q", got.Lines, got.Entered, refused)
		}
	}
	costs := entered(t, s)
	if len(costs) != 2 || costs[0].Amount.Minor+costs[1].Amount.Minor != 1200050+30000 {
		t.Errorf("entered are %+v", costs)
	}
}

func TestAFileAsRussianSpreadsheetsSaveItIsEntered(t *testing.T) {
	s, c, p := books(t)
	// "вид;сумма;с;по;примечание", "возврат;1 500,50;01.05.2026;31.05.2026;Ёлка № 5 «А»" in Windows-1251
	file := "\xe2\xe8\xe4;\xf1\xf3\xec\xec\xe0;\xf1;\xef\xee;\xef\xf0\xe8\xec\xe5\xf7\xe0\xed\xe8\xe5\r\n" +
		"\xe2\xee\xe7\xe2\xf0\xe0\xf2;1\xa0500,50;01.05.2026;31.05.2026;\xa8\xeb\xea\xe0 \xb9 5 \xab\xc0\xbb\r\n"
	if got, err := c.EnterCSV(t.Context(), p, strings.NewReader(file), s.Now()); err != nil || got.Entered != 1 {
		t.Fatalf("%+v: %v", got, err)
	}
	if costs := entered(t, s); costs[0].Kind != dental.Retention || costs[0].Amount.Minor != 150050 || costs[0].Note != "Ёлка № 5 «А»" {
		t.Errorf("entered is %+v", costs[0])
	}
}

func TestMoreLinesThanOneWriteHoldsAreEntered(t *testing.T) {
	s, c, p := books(t)
	file := "kind,amount,from,to\n"
	for i := range 40 {
		file += fmt.Sprintf("retention,%d.00,2026-05-01,2026-05-31\n", i+1)
	}
	if got, err := c.EnterCSV(t.Context(), p, strings.NewReader(file), s.Now()); err != nil || got.Entered != 40 {
		t.Errorf("%+v: %v", got, err)
	}
	if got := len(entered(t, s)); got != 40 {
		t.Errorf("there are %d", got)
	}
}

func TestAFileThatIsNoneIsRefusedWhole(t *testing.T) {
	s, c, p := books(t)
	for name, file := range map[string]string{"empty": "", "without a header": "retention,5,2026-05-01,2026-05-31\n", "in another encoding": "kind,amount,from,to\n\x81\x9d,5,,\n",
		"too long": "kind,amount,from,to\n" + strings.Repeat("retention,5,2026-05-01,2026-05-31\n", 2001), "with a quote left open": "kind,amount,from,to\n\"retention,5\n"} {
		t.Run(name, func(t *testing.T) {
			_, err := c.EnterCSV(t.Context(), p, strings.NewReader(file), s.Now())
			if dental.KindOf(err) != dental.Invalid || faultOf(err) != "file" || desk.InWords(locale.Russian, err) == "" {
				t.Errorf("it says %v", err)
			}
		})
	}
	if got := entered(t, s); len(got) != 0 {
		t.Errorf("entered are %+v", got)
	}
}

func TestARatingIsKeptByMapAndDay(t *testing.T) {
	s, c, p := books(t)
	ratings := func() (out []string) {
		list, err := s.Store.Ratings(t.Context(), "demo")
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range list {
			out = append(out, fmt.Sprintf("%s %s %d %d", r.Map, r.On, r.Tenths, r.Reviews))
		}
		return out
	}
	rating := dental.MapRating{Map: "Яндекс Карты", On: dayOf(t, "2026-03-10"), Tenths: 47, Reviews: 120}
	for name, change := range map[string]func(*dental.MapRating){"map": func(r *dental.MapRating) { r.Map = "Другие карты" }, "on": func(r *dental.MapRating) { r.On = dayOf(t, "2026-03-11") },
		"rating": func(r *dental.MapRating) { r.Tenths = 51 }, "reviews": func(r *dental.MapRating) { r.Reviews = -1 }} {
		r := rating
		change(&r)
		if err := c.Rate(t.Context(), p, r, s.Now()); dental.KindOf(err) != dental.Invalid || faultOf(err) != name {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, tenths := range []int{47, 48} { // the last word of a day counts
		rating.Tenths = tenths
		if err := c.Rate(t.Context(), p, rating, s.Now()); err != nil {
			t.Fatal(err)
		}
	}
	got, err := c.RateCSV(t.Context(), p, strings.NewReader("Карта;Дата;Рейтинг;Отзывы\nЯндекс Карты;01.03.2026;4,6;98\nЯндекс Карты;01.02.2026;пять;98\n"), s.Now())
	if err != nil || got.Entered != 1 || len(got.Refused) != 1 {
		t.Errorf("%+v: %v", got, err)
	}
	if list := strings.Join(ratings(), "; "); list != "Яндекс Карты 2026-03-01 46 98; Яндекс Карты 2026-03-10 48 120" {
		t.Errorf("kept are %q", list)
	}
	if err := c.Unrate(t.Context(), p, rating.Map, rating.On, s.Now()); err != nil {
		t.Fatal(err)
	}
	if err := c.Unrate(t.Context(), p, rating.Map, rating.On, s.Now()); dental.KindOf(err) != dental.NotFound {
		t.Errorf("twice: %v", err)
	}
	if list := strings.Join(ratings(), "; "); list != "Яндекс Карты 2026-03-01 46 98" {
		t.Errorf("left are %q", list)
	}
}
