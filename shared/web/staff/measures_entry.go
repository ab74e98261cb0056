package staff

import (
	"bytes"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/desk"
)

// Costs and ratings are entered by hand or as a table.

func (p *Pages) entryRoutes() []route {
	return []route{
		{path: "/desk/{clinic}/measures/costs", post: p.enterCost, least: dental.Manager},
		{path: "/desk/{clinic}/measures/costs/file", post: p.costFile, least: dental.Manager, upload: desk.MostFile + maxBody},
		{path: "/desk/{clinic}/measures/costs/remove", post: p.removeCost, least: dental.Manager},
		{path: "/desk/{clinic}/measures/ratings", post: p.enterRating, least: dental.Manager},
		{path: "/desk/{clinic}/measures/ratings/file", post: p.ratingFile, least: dental.Manager, upload: desk.MostFile + maxBody},
		{path: "/desk/{clinic}/measures/ratings/remove", post: p.removeRating, least: dental.Manager},
	}
}

// entry says which forms a page has, and what they begin with.
type entry struct {
	Cost, Rating bool
	Press        string // id of the press that the form sends
	Today        string
	Maps         []string
}

// Kinds are those of a cost.
func (e entry) Kinds() []string {
	return []string{string(dental.Retention), string(dental.Acquisition)}
}

type costLine struct {
	ID, From           string
	Kind, Amount, Days string
	Note, By           string
}

type ratingLine struct {
	Map, On     string
	Day, Rating string
	Reviews, By string
}

// mostLines is how many entries a page lists, the newest first.
const mostLines = 20

func (v *view) costLines(costs []dental.Cost) (out []costLine) {
	for _, c := range slices.Backward(costs) {
		if len(out) == mostLines {
			break
		}
		out = append(out, costLine{ID: c.ID, From: c.From.String(), Kind: v.T("desk.measures.cost." + string(c.Kind)), Amount: v.locale.Money(c.Amount),
			Days: v.T("desk.measures.days", "from", v.locale.Day(c.From), "day", v.locale.DayYear(c.To)), Note: c.Note, By: c.By})
	}
	return out
}

func (v *view) ratingLines(ratings []dental.MapRating) (out []ratingLine) {
	latest := slices.Clone(ratings)
	slices.SortStableFunc(latest, func(a, b dental.MapRating) int { return strings.Compare(b.On.String(), a.On.String()) })
	for _, r := range latest[:min(len(latest), mostLines)] {
		out = append(out, ratingLine{Map: r.Map, On: r.On.String(), Day: v.locale.DayYear(r.On), Rating: v.rating(r), Reviews: v.locale.Number(int64(r.Reviews)), By: r.By})
	}
	return out
}

func (p *Pages) costs() *desk.Costs { return &desk.Costs{Store: p.Store, Rand: p.Rand} }

// pressed is the press of a form of this clinic, about no patient.
func (r request) pressed() desk.Press {
	return desk.Press{Clinic: r.clinic.ID, By: r.me.Name, Key: r.me.Key, Role: r.me.Role, ID: r.form.Get("id")}
}

// entered leads back to the page of a form and says there what came of it. What
// is wrong with what somebody wrote is told in words; any other error is passed on.
func (p *Pages) entered(w http.ResponseWriter, r request, path, said string, err error) error {
	query := url.Values{}
	if err == nil {
		p.said(w, r, query, r.locale.Text("desk.measures."+said, nil))
		return back(w, r, path, query)
	}
	says := desk.InWords(r.locale, err)
	if says == "" {
		return err
	}
	p.wronged(w, r, query, says)
	return back(w, r, path, query)
}

// day is a date of the form, none where there is none: whoever keeps it says so in words.
func (r request) day(field string) dental.Date {
	d, err := dental.ParseDate(r.form.Get(field))
	if err != nil {
		return dental.Date{}
	}
	return d
}

func (p *Pages) enterCost(w http.ResponseWriter, r request) error {
	amount, err := r.money("amount")
	if err != nil {
		amount = dental.Money{} // which is refused in words
	}
	err = p.costs().Enter(r.Context(), r.pressed(), dental.Cost{Kind: dental.CostKind(r.form.Get("kind")), Amount: amount, From: r.day("from"), To: r.day("to"), Note: r.form.Get("note")}, r.now)
	return p.entered(w, r, "/measures/money", "cost.entered", err)
}

func (p *Pages) removeCost(w http.ResponseWriter, r request) error {
	press := r.pressed()
	press.ID = "" // the form's id is that of the cost
	return p.entered(w, r, "/measures/money", "cost.removed", p.costs().Remove(r.Context(), press, r.form.Get("id"), r.now))
}

func (p *Pages) enterRating(w http.ResponseWriter, r request) error {
	rating, err := strconv.ParseFloat(dental.Typed(r.form.Get("rating")), 64)
	if err != nil || !(rating >= 0 && rating < 100) {
		rating = 0
	}
	reviews, err := strconv.Atoi(dental.Typed(r.form.Get("reviews")))
	if err != nil {
		reviews = -1
	}
	err = p.costs().Rate(r.Context(), r.pressed(), dental.MapRating{Map: r.form.Get("map"), On: r.day("on"), Tenths: int(rating*10 + 0.5), Reviews: reviews}, r.now)
	return p.entered(w, r, "/measures/reviews", "rating.entered", err)
}

func (p *Pages) removeRating(w http.ResponseWriter, r request) error {
	return p.entered(w, r, "/measures/reviews", "rating.removed", p.costs().Unrate(r.Context(), r.pressed(), r.form.Get("map"), r.day("on"), r.now))
}

func (p *Pages) costFile(w http.ResponseWriter, r request) error {
	got, err := p.costs().EnterCSV(r.Context(), r.pressed(), bytes.NewReader(r.file), r.now)
	return p.tableOf(w, r, "/measures/money", got, err)
}

func (p *Pages) ratingFile(w http.ResponseWriter, r request) error {
	got, err := p.costs().RateCSV(r.Context(), r.pressed(), bytes.NewReader(r.file), r.now)
	return p.tableOf(w, r, "/measures/reviews", got, err)
}

// mostRefused is how many lines that were refused are told of.
const mostRefused = 5

// tableOf says how much of a table went in, and which lines did not.
func (p *Pages) tableOf(w http.ResponseWriter, r request, path string, got desk.Entered, err error) error {
	if err != nil {
		return p.entered(w, r, path, "", err)
	}
	query, tell := url.Values{}, p.said
	says := r.locale.Text("desk.measures.file", map[string]string{"n": strconv.Itoa(got.Entered), "count": strconv.Itoa(got.Lines)})
	for i, line := range got.Refused {
		if tell = p.wronged; i < mostRefused {
			says += " " + r.locale.Text("desk.measures.file.line", map[string]string{"n": strconv.Itoa(line.Line), "reason": desk.InWords(r.locale, line.Err)})
		}
	}
	tell(w, r, query, says)
	return back(w, r, path, query)
}
