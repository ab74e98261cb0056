package web

import (
	"net/http"
	"strconv"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/reply"
	"github.com/returnpoint/returnpoint/shared/status"
)

// surveyPage is the survey in one of its states: asked, answered and open,
// answered and closed.
type surveyPage struct {
	shell
	Heading string
	Said    []string // paragraphs under the heading
	About   string   // which visit it is
	Open    bool     // something may be sent
	Rated   bool     // a thumb was given
	Mood    dental.Mood
	Given   bool // there is an answer
	Saved   bool
	Thumbs  []thumb
	Picked  *thumb // the face that was pressed in the letter, which has sent nothing yet
	Scores  []score
	Score   string // the score given, in words
	Comment string
	Ask     string   // over the patient's own words
	Maps    []string // their names

	Advice      []string
	AdviceFirst bool
	NextStep    string
	NextDay     string // a whole sentence
}

type thumb struct {
	Value, Face, Word string
	Chosen            bool
}

type score struct {
	N      string
	Chosen bool
}

func (p *Pages) survey(w http.ResponseWriter, r request) error { return p.showSurvey(w, r, nil) }

// showSurvey shows the page as it stands, and what was wrong with the form
// that was sent.
func (p *Pages) showSurvey(w http.ResponseWriter, r request, wrong error) error {
	s, err := p.Desk.Survey(r.Context(), r.token, r.now)
	if err != nil {
		return err
	}
	page := lookAtSurvey(s, r.now)
	page.Saved = wrong == nil && s.Answer != nil && r.URL.Query().Has("saved")
	page.pick(r.URL.Query().Get("answer"))
	code := http.StatusOK
	if wrong != nil {
		code, page.Problem = status.Of(wrong), page.wrong(wrong)
	}
	p.render(w, r.Request, code, "survey", page)
	return nil
}

// pick notes the face that a letter's link names. A link only opens the page:
// mail software follows links by itself, so one press is left to do.
func (page *surveyPage) pick(rating string) {
	for i, t := range page.Thumbs {
		if page.Open && !page.Rated && t.Value == rating {
			page.Picked = &page.Thumbs[i]
		}
	}
}

// answer takes a thumb, a score and words, or leads on to a map.
func (p *Pages) answer(w http.ResponseWriter, r request) error {
	var err error
	if r.form.Has("map") {
		err = p.lead(w, r)
	} else {
		err = p.takeAnswer(w, r)
	}
	if err != nil {
		return again(err, func() error { return p.showSurvey(w, r, err) })
	}
	return nil
}

func (p *Pages) takeAnswer(w http.ResponseWriter, r request) error {
	if err := only(r.form, "answer", "nps", "comment"); err != nil {
		return err
	}
	form, err := reply.ParseAnswer(r.form.Get("answer"), r.form.Get("nps"), r.form.Get("comment"))
	if err != nil {
		return err
	}
	if _, err := p.Desk.Answer(r.Context(), r.token, form, r.now); err != nil {
		return err
	}
	if form.Rating != "" {
		return back(w, r, "") // the page itself says thank you
	}
	return back(w, r, "saved")
}

// lead notes that a map is followed, and leads on to it.
func (p *Pages) lead(w http.ResponseWriter, r request) error {
	if err := only(r.form, "map"); err != nil {
		return err
	}
	s, err := p.Desk.Survey(r.Context(), r.token, r.now)
	if err != nil {
		return err
	}
	name, to := r.form.Get("map"), ""
	for _, m := range s.Maps {
		if address, ok := webAddress(m.URL); ok && m.Name == name {
			to = address
		}
	}
	if to == "" {
		return dental.Errorf(dental.Invalid, "map", "there is no such map")
	}
	if _, err := p.Desk.FollowMap(r.Context(), r.token, name, r.now); err != nil {
		return err
	}
	p.leadOn(w, r, to, notice{shell: around(s.Page, "page.map.heading"), Said: []string{"page.map.text"}, Name: name})
	return nil
}

func lookAtSurvey(s reply.Survey, now time.Time) surveyPage {
	page := surveyPage{shell: around(s.Page, "page.survey.title"), Open: s.Open, Advice: s.Recommendations, NextStep: s.NextStep}
	today := s.Clinic.Today(now)
	page.About = page.T("page.survey.about", "day", day(s.Page, s.Day, now))
	if s.Doctor != "" {
		page.About = page.T("page.survey.about.doctor", "day", day(s.Page, s.Day, now), "doctor", s.Doctor)
	}
	if !s.NextDay.IsZero() {
		key := "page.next.until" // a date to come back by is no booking
		if s.Booked {
			key = "page.next.day"
		}
		page.NextDay = page.T(key, "day", day(s.Page, s.NextDay, now))
	}
	given := dental.Answer{NPS: -1}
	if s.Answer != nil && !s.Asked { // the question after a complaint is a new one, of which nothing is said yet
		given, page.Given = *s.Answer, true
	}
	page.Mood, page.Rated, page.Comment = given.Mood(), given.Rating != "", given.Comment
	for _, r := range []dental.Rating{dental.Good, dental.Fair, dental.Bad} {
		page.Thumbs = append(page.Thumbs, thumb{Value: string(r), Face: page.T("answer." + string(r)), Word: page.T("page.survey." + string(r)), Chosen: given.Rating == r})
	}
	for n := range 11 {
		page.Scores = append(page.Scores, score{N: strconv.Itoa(n), Chosen: given.NPS == n})
	}
	if given.NPS >= 0 {
		page.Score = page.T("answer.nps", "n", strconv.Itoa(given.NPS))
	}
	for _, m := range s.Maps {
		if _, ok := webAddress(m.URL); ok {
			page.Maps = append(page.Maps, m.Name)
		}
	}
	if s.Asked {
		page.Heading = page.T("page.survey.again")
		return page
	}
	if !page.Given {
		// On the day itself the message that brought the patient here spoke of
		// the doctor's advice.
		page.AdviceFirst = len(page.Advice) > 0 && today == s.Day
		page.Heading = page.T("page.survey.question")
		if page.AdviceFirst {
			page.Heading = page.T("page.survey.visited")
		}
		return page
	}
	mood := string(page.Mood)
	if page.Mood == dental.Unrated {
		mood = "unrated"
	}
	page.Heading, page.Ask = page.T("page.survey."+mood+".heading"), page.T("page.survey."+mood+".ask")
	if s.Again && page.Mood == dental.Unhappy {
		page.Heading = page.T("page.survey.again.unhappy")
	}
	page.Said = []string{page.said(s, mood, now)}
	return page
}

// said is what the clinic answers: to whoever is not happy, until when staff
// will be in touch, by the rules that set the tasks' due times, so that nothing
// is promised for a night or a holiday.
func (page surveyPage) said(s reply.Survey, mood string, now time.Time) string {
	due := time.Time{}
	switch page.Mood {
	case dental.Unhappy:
		due = s.Clinic.AddWorking(s.Answer.At, time.Hour)
	case dental.Neutral:
		due = s.Clinic.EndOfWorkingDay(s.Answer.At, 1)
	default:
		return page.T("page.survey." + mood + ".text")
	}
	date, clock, ok := within(s.Page, due, now)
	if !ok {
		return page.T("page.survey." + mood + ".past")
	}
	if page.Mood == dental.Neutral && s.Clinic.Today(due) == s.Clinic.Today(now) {
		return page.T("page.survey.neutral.today")
	}
	return page.T("page.survey."+mood+".soon", "date", date, "time", clock)
}
