package reply

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/scenario"
	"github.com/returnpoint/returnpoint/shared/store"
)

// changeable is how long after the first answer it may be changed.
const changeable = 7 * 24 * time.Hour

// Survey is the survey page.
type Survey struct {
	Page
	Day    dental.Date
	Doctor string
	// Answer is what was answered, nil before the first tap.
	Answer *dental.Answer
	// Open: an answer may be given or changed.
	Open bool
	// Again: the patient was asked once more, after a complaint was closed, and
	// Asked: has not answered that yet. What Answer says is of the visit then.
	Again, Asked bool
	again        time.Time // when that was
	// Maps are shown with an answer, as each map's owner allows.
	Maps []dental.Map
	// Recommendations are the doctors' own words of the day.
	Recommendations []string
	NextStep        string
	// NextDay is the day of the next appointment when Booked, else the date to come back by.
	NextDay dental.Date
	Booked  bool
}

// AnswerForm is what the survey page sends.
type AnswerForm struct {
	Rating  dental.Rating // "" leaves the one given before
	NPS     int           // -1 leaves the one given before
	Comment string
}

// ParseAnswer reads the fields of the form.
func ParseAnswer(answer, nps, comment string) (AnswerForm, error) {
	f := AnswerForm{Rating: dental.Rating(answer), NPS: -1, Comment: trim(comment)}
	switch f.Rating {
	case dental.Good, dental.Fair, dental.Bad, "":
	default:
		return f, dental.Errorf(dental.Invalid, "answer", "an answer is good, fair or bad")
	}
	if nps != "" {
		n, err := strconv.Atoi(nps)
		if err != nil || n < 0 || n > 10 || strconv.Itoa(n) != nps {
			return f, dental.Errorf(dental.Invalid, "nps", "a score is a whole number from 0 to 10")
		}
		f.NPS = n
	}
	if f == (AnswerForm{NPS: -1}) {
		return f, dental.Errorf(dental.Invalid, "answer", "there is no answer")
	}
	return f, nil
}

// Survey reads the page behind a token.
func (d *Desk) Survey(ctx context.Context, token string, now time.Time) (Survey, error) {
	v, err := d.open(ctx, dental.SurveyLink, token, now)
	if err != nil {
		return Survey{}, err
	}
	return d.survey(v)
}

func (d *Desk) survey(v *visit) (Survey, error) {
	day, err := dental.ParseDate(v.Link.Subject)
	if err != nil {
		return Survey{}, dental.Errorf(dental.NotFound, "", "there is no such link, or not any more")
	}
	s := Survey{Page: v.Page, Day: day, Answer: v.card.Answer(day), Open: true}
	s.again = d.Catalogue.AskedAgain(v.card, day)
	s.Again = !s.again.IsZero()
	s.Asked = s.Again && (s.Answer == nil || s.Answer.At.Before(s.again))
	if s.Answer != nil {
		s.Open = v.now.Before(s.Answer.FirstAt.Add(changeable)) || v.now.Before(s.again.Add(changeable))
		if !v.card.Patient.Minor(v.Clinic.Today(v.now)) {
			s.Maps = scenario.MapsFor(v.Clinic, s.Answer.Mood())
		}
	}
	for _, visit := range v.card.VisitsOn(day) {
		s.Doctor = visit.Doctor.Name
		if visit.Recommendations != "" {
			s.Recommendations = append(s.Recommendations, visit.Recommendations)
		}
		if visit.NextStep.Name != "" {
			s.NextStep = visit.NextStep.Name
		}
	}
	if next := v.card.NextAppointment(v.now); next != nil {
		s.NextDay, s.Booked = v.Clinic.Today(next.Start), true
	} else {
		s.NextDay = v.card.ReturnDay(v.Clinic.Today(v.now))
	}
	return s, nil
}

// Answer records an answer and what follows from it. The same answer again
// changes nothing; one that comes too late to change is a Conflict.
func (d *Desk) Answer(ctx context.Context, token string, form AnswerForm, now time.Time) (Survey, error) {
	var page Survey
	err := store.Retry(ctx, func(ctx context.Context) error {
		v, err := d.open(ctx, dental.SurveyLink, token, now)
		if err != nil {
			return err
		}
		if page, err = d.survey(v); err != nil {
			return err
		}
		if !page.Open {
			return dental.Errorf(dental.Conflict, "answer", "an answer can be changed for 7 days")
		}
		before := dental.Answer{Clinic: v.Clinic.ID, Patient: v.card.Patient.ID, Day: page.Day, NPS: -1, FirstAt: now, Touch: v.Link.Touch}
		if page.Answer != nil {
			before = *page.Answer
		}
		said := before
		anew := page.Answer != nil && page.Asked
		if anew { // who is asked again answers anew, the same rating too
			if !said.Again {
				said.Again, said.VisitRating, said.VisitNPS = true, said.Rating, said.NPS
			}
			said.Rating, said.NPS, said.Comment = "", -1, ""
		}
		after, changed := form.onto(said)
		if !changed && !anew {
			return nil
		}
		after.At = now
		after.Changes++
		v.tx.Put(after)
		if stored := v.card.Answer(page.Day); stored != nil {
			*stored = after
		} else {
			v.card.Answers = append(v.card.Answers, after)
		}
		d.react(v, before, after)
		d.put(v, scenario.Subject{On: scenario.OnAnswer, ID: page.Day.String()}, scenario.Subject{On: scenario.OnVisitDay, ID: page.Day.String()})
		if page, err = d.survey(v); err != nil {
			return err
		}
		return v.tx.Commit(ctx)
	})
	return page, err
}

// onto lays the form over an earlier answer and says whether that changes it.
func (f AnswerForm) onto(a dental.Answer) (dental.Answer, bool) {
	was := a
	if f.Rating != "" {
		a.Rating = f.Rating
	}
	if f.NPS >= 0 {
		a.NPS = f.NPS
	}
	if f.Comment != "" {
		a.Comment = f.Comment
	}
	return a, a.Rating != was.Rating || a.NPS != was.NPS || a.Comment != was.Comment || a.Changes == 0
}

// react opens the task that an answer asks for. An unhappy one joins the
// complaint that is open already; what is said later in the same answer is
// added to its task.
func (d *Desk) react(v *visit, before, after dental.Answer) {
	l := v.staff()
	values := map[string]string{"day": l.Day(after.Day), "answer": v.spoken(after)}
	switch after.Mood() {
	case dental.Unhappy:
		d.complain(v, before, after, values)
	case dental.Neutral:
		d.course(v).Open(dental.Task{Kind: dental.FeedbackTask, Anchor: after.Day.String(), Scenario: "after-visit", Note: after.Comment,
			Reason: l.Text("task.feedback", values), Due: v.Clinic.EndOfWorkingDay(v.now, 1)})
	}
}

// noteLength bounds what several answers can add to one complaint.
const noteLength = 8000

// complain opens the complaint of a day, or joins the one that is open about
// another day. The steps of one answer are one matter; each answer's words
// stand in the note once, as they were said last.
func (d *Desk) complain(v *visit, before, after dental.Answer, values map[string]string) {
	t := dental.Task{Kind: dental.ComplaintTask, Anchor: after.Day.String(), Scenario: "after-visit", Note: after.Comment,
		Due: v.Clinic.AddWorking(v.now, time.Hour), Escalates: v.Clinic.AddWorking(v.now, 4*time.Hour)}
	key := "task.complaint"
	if before.Changes > 0 && before.Mood() != dental.Unhappy {
		key = "task.complaint.changed"
	}
	if settled := v.card.Task(t.Kind, t.Anchor); settled != nil && !settled.Open() {
		t.Times, key = settled.Times+1, "task.complaint.again"
	}
	for _, other := range v.card.Tasks {
		if other.Kind != dental.ComplaintTask || !other.Open() || other.Anchor == t.Anchor {
			continue
		}
		t.Anchor, t.Times, key = other.Anchor, other.Times, "task.complaint.again"
		if before.Mood() != dental.Unhappy {
			t.Times++
		}
		lines := strings.Split(other.Note, "\n\n")
		lines = slices.DeleteFunc(lines, func(l string) bool { return l == "" || l == before.Comment })
		t.Note = strings.Join(append(lines, after.Comment), "\n\n")
		break
	}
	if r := []rune(t.Note); len(r) > noteLength {
		t.Note = string(r[len(r)-noteLength:])
	}
	t.Reason = v.staff().Text(key, values)
	d.course(v).Open(t)
}

// spoken is the answer in the staff's words.
func (v *visit) spoken(a dental.Answer) string {
	l, n := v.staff(), strconv.Itoa(a.NPS)
	thumb := ""
	if a.Rating != "" {
		thumb = l.Text("answer."+string(a.Rating), nil)
	}
	switch {
	case a.NPS >= 0 && thumb != "":
		return l.Text("answer.rated", map[string]string{"answer": thumb, "n": n})
	case a.NPS >= 0:
		return l.Text("answer.nps", map[string]string{"n": n})
	}
	return thumb
}

// FollowMap notes that the patient follows the link to a map, and returns its
// URL. Only maps that the page shows can be followed.
func (d *Desk) FollowMap(ctx context.Context, token, name string, now time.Time) (string, error) {
	url := ""
	err := store.Retry(ctx, func(ctx context.Context) error {
		v, err := d.open(ctx, dental.SurveyLink, token, now)
		if err != nil {
			return err
		}
		page, err := d.survey(v)
		if err != nil {
			return err
		}
		url = ""
		for _, m := range page.Maps {
			if m.Name == name {
				url = m.URL
			}
		}
		if url == "" {
			return dental.Errorf(dental.Invalid, "map", "there is no such map")
		}
		a := v.card.Answer(page.Day)
		for _, followed := range a.Maps {
			if followed == name {
				return nil
			}
		}
		a.Maps = append(a.Maps, name)
		v.tx.Put(*a)
		d.put(v, scenario.Subject{On: scenario.OnAnswer, ID: page.Day.String()})
		return v.tx.Commit(ctx)
	})
	return url, err
}
