package storyboards

import (
	"cmp"
	"flag"
	"fmt"
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

var update = flag.Bool("update", false, "write the stories anew")

// life is one story on its way: the stage, and what has been told so far.
type life struct {
	*stagetest.Stage
	title   string
	begin   time.Time
	lines   []line
	heroes  []string
	callers int
}

// line is one thing that happened.
type line struct {
	at    time.Time
	order int // of what happened at one time: facts, then what follows
	text  string
}

// story is a life with its name, which is the file's.
type story struct {
	name, title string
	zone        string // Europe/Moscow unless said otherwise
	begin       string // local time of day 0
	play        func(*life)
}

// months is how long each story is.
const months = 18

// tell plays a story and gives its text.
func (s story) tell(t *testing.T) (*life, string) {
	zone := cmp.Or(s.zone, "Europe/Moscow")
	loc, err := time.LoadLocation(zone)
	if err != nil {
		t.Fatal(err)
	}
	begin, err := time.ParseInLocation("2006-01-02 15:04", s.begin, loc)
	if err != nil {
		t.Fatal(err)
	}
	l := &life{title: s.title, begin: begin, Stage: stagetest.New(t, begin, func(c *dental.Clinic) {
		c.TimeZone = zone
		c.ClubVisits, c.BonusDays = 3, 365
		c.Referral = dental.ReferralTerms{Reward: dental.Money{Minor: 50000, Currency: "RUB"}, Who: "both"}
		c.Gifts = []dental.Gift{{ID: "brush", Name: "Набор для ухода за зубами"}, {ID: "photo", Name: "Осмотр с фотопротоколом"}}
	})}
	s.play(l)
	l.To(l.day(0).AddMonths(months).At(12*60, loc))
	return l, l.text()
}

// day is the calendar date so many days after the first.
func (l *life) day(n int) dental.Date { return l.Clinic.Today(l.begin).AddDays(n) }

// on moves the clock to a time of day of a day of the story.
func (l *life) on(day int, at string) time.Time {
	l.T.Helper()
	tod, err := dental.ParseTimeOfDay(at)
	if err != nil {
		l.T.Fatal(err)
	}
	t := l.day(day).At(tod, l.Clinic.Location())
	if t.After(l.Now()) {
		l.To(t)
	}
	return t
}

// happens writes a fact or a deed down.
func (l *life) happens(format string, args ...any) {
	l.lines = append(l.lines, line{at: l.Now(), text: "   " + fmt.Sprintf(format, args...)})
}

// patient tells a card; name is the given name.
func (l *life) patient(id, name string, change ...func(*intake.Card)) {
	l.heroes = append(l.heroes, id)
	l.Patient(id, append([]func(*intake.Card){func(c *intake.Card) { c.GivenName = name }}, change...)...)
}

// visits tells a finished visit of a kind.
func (l *life) visits(id, patient string, kind dental.ProcedureKind, change ...func(*dental.Visit)) {
	l.happens("%s: visit, %s", patient, kind)
	l.Visit(id, patient, l.Now(), append([]func(*dental.Visit){func(v *dental.Visit) {
		v.Procedures = []dental.Procedure{{Name: string(kind), Kind: kind, Minutes: 40}}
	}}, change...)...)
}

// books tells an appointment on a day of the story.
func (l *life) books(id, patient string, day int, at string, change ...func(*dental.Appointment)) time.Time {
	l.T.Helper()
	tod, err := dental.ParseTimeOfDay(at)
	if err != nil {
		l.T.Fatal(err)
	}
	start := l.day(day).At(tod, l.Clinic.Location())
	l.happens("%s: books for day %d, %s", patient, day, at)
	l.Appointment(intake.AppointmentBooked, id, patient, start, change...)
	return start
}

// comes tells the visit of an appointment, half an hour after its start.
func (l *life) comes(appointment, patient string, kind dental.ProcedureKind) {
	a := l.Card(patient).Appointment(appointment)
	l.To(a.Start.Add(30 * time.Minute))
	l.visits("V-"+appointment, patient, kind, func(v *dental.Visit) { v.AppointmentID = appointment })
}

// answers gives the last survey a thumb.
func (l *life) answers(patient string, rating dental.Rating) {
	l.T.Helper()
	l.happens("%s answers the survey: %s", patient, rating)
	if _, err := l.Desk.Answer(l.T.Context(), l.Token(patient, dental.SurveyLink), reply.AnswerForm{Rating: rating, NPS: -1}, l.Now()); err != nil {
		l.T.Fatal(err)
	}
}

// settles closes the patient's complaint by a press at the desk.
func (l *life) settles(patient string, form desk.Form) {
	l.T.Helper()
	complaint := l.Tasks(patient, dental.ComplaintTask)[0]
	form.ID, form.Outcome = "press", dental.PressClosed
	presses := desk.Presses{Store: l.Store, Catalogue: l.Catalogue}
	if err := presses.Press(l.T.Context(), desk.RefOf(complaint), dental.Staff{Clinic: l.Clinic.ID, Name: "Вера", Role: dental.Manager}, form, l.Now()); err != nil {
		l.T.Fatal(err)
	}
	l.happens("staff close the complaint of %s: %s", patient, form.Note)
}

// responds answers the last offer.
func (l *life) responds(patient string, form reply.ResponseForm) {
	l.T.Helper()
	l.happens("%s answers the offer: %s", patient, form.Action)
	if err := l.Desk.Respond(l.T.Context(), l.Token(patient, dental.OfferLink), form, l.Now()); err != nil {
		l.T.Fatal(err)
	}
}

// recommended leaves a friend's number behind the patient's own link.
func (l *life) recommended(patient, friend, number string) {
	l.T.Helper()
	l.happens("%s leaves a number behind %s's link", friend, patient)
	form := reply.LeadForm{Name: friend, Phone: number, Consent: true}
	if err := l.Desk.Recommend(l.T.Context(), l.Token(patient, dental.ReferralLink), form, stagetest.Phones, l.Now()); err != nil {
		l.T.Fatal(err)
	}
}

// text is the story in the order of time.
func (l *life) text() string {
	lines := slices.Clone(l.lines)
	ru := locale.Russian
	for _, m := range l.Sent() {
		for _, text := range strings.Split(m.Text, "\n") {
			if text = strings.TrimSpace(text); m.Channel == dental.SMS && text != "" {
				lines = append(lines, line{m.At, 1, fmt.Sprintf("→  SMS to %s, %s/%s, %s, %d parts: %s", m.Touch.Patient, m.Touch.Scenario, m.Touch.Step, m.Class, m.Parts, l.unlinked(text, m.Links))})
			}
		}
		if m.Channel != dental.SMS {
			lines = append(lines, line{m.At, 1, fmt.Sprintf("→  %s to %s, %s/%s, %s: %s", m.Channel, m.Touch.Patient, m.Touch.Scenario, m.Touch.Step, m.Class, m.Subject)})
		}
	}
	for _, hero := range l.heroes {
		card := l.Card(hero)
		for _, t := range card.Touches {
			if t.State == dental.Skipped || t.State == dental.Failed || t.State == dental.TouchCancelled || t.State == dental.Unknown {
				lines = append(lines, line{t.EndedAt, 3, fmt.Sprintf("×  %s/%s for %s is %s: %s", t.Scenario, t.Step, hero, t.State, ru.Reason(t.Reason))})
			}
		}
		for _, k := range card.Tasks {
			lines = append(lines, line{k.OpenedAt, 2, fmt.Sprintf("!  task %s about %s: %s", k.Kind, hero, k.Reason)})
			if !k.Open() {
				lines = append(lines, line{k.ClosedAt, 2, fmt.Sprintf("✓  task %s about %s is settled: %s", k.Kind, hero, k.Outcome)})
			}
		}
		for _, b := range card.Bonuses {
			lines = append(lines, line{b.At, 2, fmt.Sprintf("+  %s has %s in bonuses (%s)", hero, b.Amount, b.Kind)})
		}
	}
	slices.SortStableFunc(lines, func(a, b line) int {
		return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.order, b.order), compareText(a, b))
	})
	var out strings.Builder
	fmt.Fprintf(&out, "%s\n\n", l.title)
	loc := l.Clinic.Location()
	for _, ln := range lines {
		local := ln.at.In(loc)
		fmt.Fprintf(&out, "day %-4d %s  %s\n", dental.DateOf(local).DaysSince(l.day(0)), local.Format("Mon 02 Jan 2006 15:04"), ln.text)
	}
	return out.String()
}

// compareText orders what follows at one time; facts stay in the order they were told.
func compareText(a, b line) int {
	if a.order == 0 {
		return 0
	}
	return cmp.Compare(a.text, b.text)
}

// unlinked writes a link as what it opens: its token says nothing to a reader.
func (l *life) unlinked(text string, links []string) string {
	for _, url := range links {
		rest := strings.TrimPrefix(url, "https://rp.example/")
		if purpose, _, ok := strings.Cut(rest, "/"); ok {
			text = strings.ReplaceAll(text, url, "https://rp.example/"+purpose+"/…")
		}
	}
	return text
}

// golden holds a story to its file.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name+".txt")
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
		t.Errorf("the story of %s goes otherwise now; -update writes it anew\n%s", name, difference(string(want), got))
	}
}

// difference shows the lines that only one of two stories has.
func difference(want, got string) string {
	var out strings.Builder
	a, b := strings.Split(want, "\n"), strings.Split(got, "\n")
	for _, ln := range a {
		if !slices.Contains(b, ln) {
			out.WriteString("- " + ln + "\n")
		}
	}
	for _, ln := range b {
		if !slices.Contains(a, ln) {
			out.WriteString("+ " + ln + "\n")
		}
	}
	return out.String()
}
