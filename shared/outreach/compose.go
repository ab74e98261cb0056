package outreach

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/locale"
	"github.com/returnpoint/returnpoint/shared/message"
	"github.com/returnpoint/returnpoint/shared/scenario"
)

// smsParts is the most parts a text may take.
const smsParts = 2

// How long the links open.
const (
	surveyLife      = 30 * 24 * time.Hour
	offerLife       = 60 * 24 * time.Hour
	clubLife        = 365 * 24 * time.Hour
	preferencesLife = 365 * 24 * time.Hour
	// lateLife is how long after the start the page of an appointment still says
	// that its time has passed, and whom to call.
	lateLife = 7 * 24 * time.Hour
)

// Minter makes the token of a link, the same each time; the store does.
type Minter interface {
	Token(dental.Link) string
}

// Composed is a message with the links that must exist before it leaves.
type Composed struct {
	Message Message
	Links   []dental.Link
	// Tokens are the links' tokens, in their order.
	Tokens []string
	// DoctorLeft: the text says "your doctor" of one who has left, and staff are to name another.
	DoctorLeft bool
}

// Compose writes the message of a claim.
func Compose(s Situation, d Decision, base string, mint Minter) (Composed, error) {
	l, text := wording(s, d)
	c := composer{s: s, d: d, base: base, mint: mint, locale: l, text: text}
	return c.compose()
}

// wording is the text that a claim takes, the clinic's own where it has one, and its language.
func wording(s Situation, d Decision) (locale.Locale, scenario.Text) {
	l, variant := locale.For(s.Person.Language, s.Clinic.Language), d.Want.Variant
	if len(d.Together) > 0 {
		variant = "several"
	}
	return l, d.Want.Step.TextOf(s.Clinic.Scenario(d.Want.Scenario.Name).Texts, variant, l.String())
}

type composer struct {
	s      Situation
	d      Decision
	base   string
	mint   Minter
	locale locale.Locale
	text   scenario.Text
	out    Composed
}

func (c *composer) compose() (Composed, error) {
	t := c.s.Touch
	values := c.values()
	values[message.Link] = c.link()
	m := &c.out.Message
	*m = Message{
		Touch:   TouchRef{t.Clinic, t.Patient, t.Scenario, t.Step, t.Anchor},
		Channel: c.d.Reach.Channel, To: c.d.Reach.Address, Class: c.class(), Locale: c.locale.String(), Sender: c.s.Clinic.Name,
	}
	if values[message.Link] != "" {
		m.Links = append(m.Links, values[message.Link])
	}
	preferences := c.preferences()
	for i := range c.out.Links {
		if c.out.Links[i].Purpose == dental.ReferralLink {
			continue // strangers read it
		}
		c.out.Links[i].Reader, c.out.Links[i].Refusal = c.s.Person.ID, c.refusal()
	}
	if m.Channel == dental.Mail {
		m.Unsubscribe = preferences
		m.Links = append(m.Links, preferences)
		return c.out, c.mail(values)
	}
	return c.out, c.sms(values)
}

// refusal is what the preferences page of this message refuses at one click: a
// class, and the address it went to.
func (c *composer) refusal() string {
	class := c.class()
	if c.d.Want.Step.Reminder {
		class = dental.Reminders
	}
	return string(class) + "/" + c.d.Reach.Contact.Key
}

// preferences is the page on which whoever gets the message chooses what to
// receive: for a child's message that is the guardian. An SMS has no room to
// name it; the pages that it leads to do.
func (c *composer) preferences() string {
	return c.grant(dental.Link{Purpose: dental.PreferencesLink, Patient: c.s.Person.ID, Subject: c.refusal(), Expires: c.s.Now.Add(preferencesLife)})
}

// class is what the message is as it leaves.
func (c *composer) class() dental.Class { return c.d.Want.Touch.Class }

func (c *composer) sms(values message.Values) error {
	template, err := message.Compile(c.text.SMS)
	if err != nil {
		return fmt.Errorf("outreach: text of %s/%s: %w", c.s.Touch.Scenario, c.s.Touch.Step, err)
	}
	if w := message.Warning(c.locale, c.class()); w != "" {
		template = template.Append(w)
	}
	r := template.Render(values, smsParts)
	if r.Over && len(c.d.Together) > 0 { // a family of long names: the times alone say when to come
		values[message.List] = c.list(c.appointment(), false)
		r = template.Render(values, smsParts)
	}
	if len(r.Missing) > 0 {
		return fmt.Errorf("outreach: text of %s/%s: there is nothing to put for %v", c.s.Touch.Scenario, c.s.Touch.Step, r.Missing)
	}
	c.out.Message.Text, c.out.Message.Parts = r.Text, r.Parts
	return nil
}

func (c *composer) mail(values message.Values) error {
	m := &c.out.Message
	render := func(src string) (string, error) {
		t, err := message.Compile(src)
		if err != nil {
			return "", fmt.Errorf("outreach: text of %s/%s: %w", c.s.Touch.Scenario, c.s.Touch.Step, err)
		}
		return t.Render(values, 0).Text, nil
	}
	var err error
	if m.Subject, err = render(c.text.Subject); err != nil {
		return err
	}
	letter := message.Letter{Locale: c.locale, Clinic: c.s.Clinic.Name, Address: c.s.Clinic.Address, Phone: string(c.s.Clinic.Phone),
		Warning: message.Warning(c.locale, c.class())}
	if c.s.Portrait.Shown() {
		m.Photo, letter.Doctor = c.s.Portrait.JPEG, values[message.Doctor]
	}
	if letter.Heading, err = render(c.text.Heading); err != nil {
		return err
	}
	for _, src := range c.text.Paragraphs {
		p, err := render(src)
		if err != nil {
			return err
		}
		if p != "" {
			letter.Paragraphs = append(letter.Paragraphs, p)
		}
	}
	if url := values[message.Link]; url != "" {
		text, err := render(c.text.Button)
		if err != nil {
			return err
		}
		letter.Button = message.Button{Text: text, URL: url}
		if c.d.Want.Step.Link == dental.SurveyLink && c.s.Touch.Step != "thanks" {
			letter.Faces = c.faces(url)
		}
	}
	letter.Unsubscribe = m.Unsubscribe
	m.HTML, m.Text, err = message.Mail(letter)
	if err != nil {
		return fmt.Errorf("outreach: e-mail of %s/%s: %w", c.s.Touch.Scenario, c.s.Touch.Step, err)
	}
	return nil
}

// faces are the answers of a survey: each opens its page with one of them picked.
func (c *composer) faces(url string) (out []message.Face) {
	for _, r := range []dental.Rating{dental.Good, dental.Fair, dental.Bad} {
		out = append(out, message.Face{Sign: c.locale.Text("answer."+string(r), nil),
			Button: message.Button{Text: c.locale.Text("page.survey."+string(r), nil), URL: url + "?answer=" + string(r)}})
	}
	return out
}

// grant makes a link part of the claim and returns its URL.
func (c *composer) grant(l dental.Link) string {
	l.Clinic, l.Patient, l.Touch = c.s.Touch.Clinic, cmp.Or(l.Patient, c.s.Touch.Patient), c.s.Touch.ID()
	token := c.mint.Token(l)
	c.out.Links = append(c.out.Links, l)
	c.out.Tokens = append(c.out.Tokens, token)
	return strings.TrimSuffix(c.base, "/") + "/" + string(l.Purpose) + "/" + token
}

// link is the page that the text leads to.
func (c *composer) link() string {
	t := c.s.Touch
	if c.d.Want.Variant == scenario.Plain {
		return ""
	}
	switch c.d.Want.Step.Link {
	case dental.OfferLink:
		return c.grant(dental.Link{Purpose: dental.OfferLink, Subject: dental.OfferSubject(t.Scenario, t.Step, t.Anchor), Expires: c.s.Now.Add(offerLife)})
	case dental.GiftLink:
		return c.grant(dental.Link{Purpose: dental.GiftLink, Subject: dental.OfferSubject(t.Scenario, t.Step, t.Anchor),
			Expires: c.until().AddDays(1).At(0, c.s.Clinic.Location())})
	case dental.ClubLink:
		c.grant(dental.Link{Purpose: dental.ReferralLink}) // the club's page shows it, and a page makes no link
		return c.grant(dental.Link{Purpose: dental.ClubLink, Expires: c.s.Now.Add(clubLife)})
	case dental.ReferralLink:
		return c.grant(dental.Link{Purpose: dental.ReferralLink}) // one for life
	case scenario.BookingLink:
		return c.s.Clinic.BookingURL
	case dental.SurveyLink:
		if c.s.Touch.Step == "thanks" && !c.hasRecommendations() {
			return ""
		}
		return c.grant(dental.Link{Purpose: dental.SurveyLink, Subject: c.s.Touch.Anchor, Expires: c.s.Now.Add(surveyLife)})
	case dental.AppointmentLink:
		l := dental.Link{Purpose: dental.AppointmentLink, Subject: c.s.Touch.Anchor, Expires: c.appointment().Start.Add(lateLife)}
		for _, o := range c.d.Together {
			l.Also = append(l.Also, dental.About(o.Patient.ID, dental.AppointmentAnchor(o.Appointment)))
			if late := o.Appointment.Start.Add(lateLife); late.After(l.Expires) {
				l.Expires = late
			}
		}
		return c.grant(l)
	}
	return ""
}

func (c *composer) appointment() dental.Appointment {
	if a := c.s.Card.Appointment(dental.AppointmentOf(c.s.Touch.Anchor)); a != nil {
		return *a
	}
	return dental.Appointment{}
}

// visit is the last visit of the day that the touch hangs on.
func (c *composer) visit() dental.Visit {
	day, _ := dental.ParseDate(c.s.Touch.Anchor)
	if visits := c.s.Card.VisitsOn(day); len(visits) > 0 {
		return visits[len(visits)-1]
	}
	return dental.Visit{}
}

func (c *composer) values() message.Values {
	cl := c.s.Clinic
	v := message.Values{message.Given: c.s.Card.Patient.GivenName, message.ClinicName: cl.Name,
		message.ClinicPhone: string(cl.Phone), message.Address: cl.Address}
	if a := c.appointment(); a.ID != "" {
		day := cl.Today(a.Start)
		v[message.Doctor], v[message.Day], v[message.Date] = a.Doctor.Name, c.locale.Day(day), c.locale.DayWeekday(day)
		v[message.Time] = c.clock(a.Start)
		v[message.List] = c.list(a, true)
	}
	if visit := c.visit(); visit.ID != "" {
		v[message.Doctor], v[message.Next], v[message.Advice] = visit.Doctor.Name, visit.NextStep.Name, c.advice(visit)
		if next := c.s.Card.NextAppointment(c.s.Now); next != nil {
			v[message.Day] = c.near(cl.Today(next.Start))
		} else {
			v[message.Until] = c.near(c.s.Card.ReturnDay(cl.Today(c.s.Now)))
		}
	}
	sc := c.d.Want.Scenario
	if sc.On.Scanned() || sc.On == scenario.OnClub {
		v[message.Doctor], v[message.Until] = scenario.DoctorOf(c.s.Card, c.s.Touch).Name, c.near(c.until())
		switch sc.On {
		case scenario.OnReturnDate:
			day, _ := dental.ParseDate(c.s.Touch.Anchor)
			v[message.Until] = c.near(day)
		case scenario.OnPlan:
			v[message.Next] = scenario.NextStage(c.s.Card).Name
		}
		// Where nobody has said what was done, the patient is invited to a check-up.
		v[message.Minutes] = c.locale.Minutes(cmp.Or(sc.Minutes(cl, c.s.Card, c.s.Touch.Anchor), scenario.CheckUp))
	}
	v[message.Benefit] = c.benefit(sc)
	if left := scenario.DoctorOf(c.s.Card, c.s.Touch); left.ID != "" && slices.Contains(cl.FormerDoctors, left.ID) {
		c.out.DoctorLeft = v[message.Doctor] != ""
		v[message.Doctor] = c.locale.Text("doctor.yours", nil)
	}
	return v
}

// until is the last day of an offer.
func (c *composer) until() dental.Date { return c.s.Clinic.Today(c.s.Now).AddDays(scenario.OfferDays) }

// benefit is what the clinic offers in the scenario, else what the catalogue does.
func (c *composer) benefit(sc *scenario.Scenario) string {
	if c.d.Want.Step.Link == dental.ReferralLink {
		return c.locale.Referral(c.s.Clinic.Referral)
	}
	return cmp.Or(c.locale.Benefit(c.s.Clinic.Scenario(sc.Name).Benefit), c.locale.Benefit(sc.Benefit))
}

// near is a day to come as people say it: with its year when the same day of
// this year could be meant.
func (c *composer) near(d dental.Date) string {
	if d.DaysSince(c.s.Clinic.Today(c.s.Now)) > 300 {
		return c.locale.DayYear(d)
	}
	return c.locale.Day(d)
}

func (c *composer) clock(t time.Time) string {
	return c.locale.Time(dental.TimeOfDayOf(t.In(c.s.Clinic.Location())))
}

// list names all the appointments of a reminder, by person where there are
// several and it may name them.
func (c *composer) list(a dental.Appointment, named bool) string {
	all := append([]Other{{c.s.Card.Patient, a}}, c.d.Together...)
	slices.SortStableFunc(all, func(x, y Other) int { return x.Appointment.Start.Compare(y.Appointment.Start) })
	family := slices.ContainsFunc(all, func(o Other) bool { return o.Patient.ID != all[0].Patient.ID })
	var items []string
	for _, o := range all {
		item := c.clock(o.Appointment.Start)
		if named && family && o.Patient.GivenName != "" {
			item = o.Patient.GivenName + " " + item
		}
		items = append(items, item)
	}
	return c.locale.Join(items)
}

// adviceOrder is whose advice counts when several kinds were done: the one
// that asks for most care.
var adviceOrder = []dental.ProcedureKind{dental.Surgery, dental.Implant, dental.Periodontics, dental.Therapy, dental.Prosthetics,
	dental.Orthodontics, dental.Hygiene}

// advice is what to mind today: the doctor's own words where the clinic lets
// them stand in a message, else the catalogue's for what was done. Tomorrow it
// is no longer true.
func (c *composer) advice(v dental.Visit) string {
	if contact := c.d.Reach.Contact; len(contact.Members) > 1 && c.s.Person.ID == c.s.Card.Patient.ID {
		return "" // others read this phone too, and the advice tells what was done
	}
	if c.s.Clinic.Today(c.s.Now) != c.s.Clinic.Today(v.FinishedAt) {
		return ""
	}
	if c.quotable(v) {
		return strings.TrimRight(v.Recommendations, ". ")
	}
	for _, kind := range adviceOrder {
		if slices.Contains(v.Kinds(), kind) {
			return c.d.Want.Step.Advice[c.locale.String()][string(kind)]
		}
	}
	return ""
}

func (c *composer) quotable(v dental.Visit) bool {
	return v.Recommendations != "" && slices.Contains(c.s.Clinic.Advice, v.Recommendations)
}

// hasRecommendations reports whether the doctor wrote something for the page alone.
func (c *composer) hasRecommendations() bool {
	day, _ := dental.ParseDate(c.s.Touch.Anchor)
	return slices.ContainsFunc(c.s.Card.VisitsOn(day), func(v dental.Visit) bool { return v.Recommendations != "" && !c.quotable(v) })
}
