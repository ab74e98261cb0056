package reply

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/locale"
	"github.com/returnpoint/returnpoint/shared/scenario"
	"github.com/returnpoint/returnpoint/shared/store"
)

// Offer is the page of an offer or a recall.
type Offer struct {
	Page
	scenario.Offer
	// Doctor is who expects the patient, and Left that this doctor no longer
	// works here. Portrait: there is a picture, which Photo gives.
	Doctor   dental.Doctor
	Left     bool
	Portrait bool
	// Weekdays and Parts are the wishes there are: the days on which the clinic
	// is open, "mon" to "sun", and the parts of the day in which it is.
	Weekdays []string
	Parts    []string
	// Next is the appointment that the patient has, nil without one.
	Next *dental.Appointment
	// Response is what was answered, nil before the first tap.
	Response *dental.Response
	// Calling is until when staff will have called, as answered; zero when they need not any more.
	Calling time.Time
	// Again is when the patient is invited once more, zero when not.
	Again time.Time
}

// Bookable reports whether a time may still be asked for, now or later. An
// offer that is over can be refused for good, and a call asked for, all the same.
func (o Offer) Bookable() bool { return o.Over == "" && o.Next == nil }

// Expired reports whether the last day of the benefit has passed; the offer
// itself can be taken up all the same.
func (o Offer) Expired(now time.Time) bool {
	return !o.Until.IsZero() && o.Clinic.Today(now).After(o.Until)
}

// Answered is what the patient has said to this message, "" before the first
// word: a "later" is no answer to the invitation that it has brought about, and
// what was said to staff is none of the page's.
func (o Offer) Answered() dental.OfferAction {
	if o.Response == nil || o.Response.By != "" {
		return ""
	}
	if _, step, _ := o.Link.Offer(); o.Response.Action == dental.LaterOffer && o.Response.Step != step && o.Again.IsZero() {
		return ""
	}
	return o.Response.Action
}

// ResponseForm is what the page of an offer sends.
type ResponseForm struct {
	Action dental.OfferAction
	// Weekday and Part are wishes of a BookOffer, "" for any.
	Weekday, Part string
	// Online: the patient books on the clinic's own page, which is led to.
	Online bool
}

// The parts of a day that a patient may wish for.
const (
	Morning = "morning"
	Midday  = "day"
	Evening = "evening"
)

// noon and six are where the parts of a day meet.
const (
	noon = dental.TimeOfDay(12 * 60)
	six  = dental.TimeOfDay(17 * 60)
)

// Offer reads the page behind a token.
func (d *Desk) Offer(ctx context.Context, token string, now time.Time) (Offer, error) {
	v, err := d.open(ctx, dental.OfferLink, token, now)
	if err != nil {
		return Offer{}, err
	}
	page, err := d.offer(v)
	if err != nil {
		return page, err
	}
	p, err := d.portrait(ctx, v.Clinic, page.Doctor)
	page.Portrait = p.Shown()
	return page, err
}

func (d *Desk) offer(v *visit) (Offer, error) {
	name, step, anchor := v.Link.Offer()
	page := Offer{Page: v.Page, Response: v.card.Response(name, anchor), Next: v.card.NextAppointment(v.now)}
	var ok bool
	if page.Offer, ok = d.Catalogue.OfferOf(v.Clinic, v.card, name, step, anchor); !ok {
		return Offer{}, dental.Errorf(dental.NotFound, "", "there is no such link, or not any more")
	}
	page.Doctor = scenario.DoctorOf(v.card, dental.Touch{Scenario: name, Anchor: anchor})
	page.Left = page.Doctor.ID != "" && slices.Contains(v.Clinic.FormerDoctors, page.Doctor.ID)
	page.Weekdays, page.Parts = wishes(v.Clinic)
	if k := v.card.Task(dental.CallbackTask, scenario.OfferAnchor(name, anchor)); k != nil && k.Open() {
		page.Calling = k.Due
	}
	if page.Response != nil && page.Response.Action == dental.LaterOffer {
		page.Again = d.Catalogue.Again(v.Clinic, v.card, scenario.Subject{On: page.Scenario.On, ID: anchor})
	}
	return page, nil
}

// wishes are the days and their parts on which the clinic is open; a clinic
// without opening hours is open always.
func wishes(cl *dental.Clinic) (weekdays, parts []string) {
	open := map[string]bool{}
	week := dental.Weekdays()
	for _, day := range append(week[1:], week[0]) {
		span := cl.Opening[day]
		if len(cl.Opening) == 0 {
			span = dental.Span{To: 24 * 60}
		}
		if span.To <= span.From {
			continue
		}
		weekdays = append(weekdays, day)
		open[Morning] = open[Morning] || span.From < noon
		open[Midday] = open[Midday] || span.From < six && span.To > noon
		open[Evening] = open[Evening] || span.To > six
	}
	for _, part := range []string{Morning, Midday, Evening} {
		if open[part] {
			parts = append(parts, part)
		}
	}
	return weekdays, parts
}

// Respond records what the patient says to an offer: the last word counts, and
// the same again changes nothing. A wish to come or to be called becomes a task
// of staff; whatever it is, it ends what was still to be sent or called about the
// offer, and a "never" everything of its family.
func (d *Desk) Respond(ctx context.Context, token string, form ResponseForm, now time.Time) error {
	return store.Retry(ctx, func(ctx context.Context) error {
		v, err := d.open(ctx, dental.OfferLink, token, now)
		if err != nil {
			return err
		}
		page, err := d.offer(v)
		if err != nil {
			return err
		}
		if err := form.check(page); err != nil {
			return err
		}
		after := form.response(v.Link)
		if !d.course(v).Respond(after) {
			return nil
		}
		if after.Action == dental.BookOffer || after.Action == dental.CallbackOffer {
			d.wish(v, page, form)
		}
		d.put(v, scenario.Subject{On: page.Scenario.On, ID: after.Anchor})
		return v.tx.Commit(ctx)
	})
}

// check refuses what the page does not offer.
func (f ResponseForm) check(page Offer) error {
	switch f.Action {
	case dental.BookOffer, dental.LaterOffer:
		if !page.Bookable() {
			return dental.Errorf(dental.Conflict, "offer", "the patient has booked or come since")
		}
	case dental.CallbackOffer, dental.NeverOffer:
	default:
		return dental.Errorf(dental.Invalid, "action", "an action is book, callback, later or never")
	}
	switch {
	case f.Weekday != "" && !slices.Contains(page.Weekdays, f.Weekday):
		return dental.Errorf(dental.Invalid, "weekday", "the clinic is not open on that day")
	case f.Part != "" && !slices.Contains(page.Parts, f.Part):
		return dental.Errorf(dental.Invalid, "part", "the clinic is not open then")
	case f.Online && (f.Action != dental.BookOffer || page.Clinic.BookingURL == ""):
		return dental.Errorf(dental.Invalid, "online", "there is no booking page")
	}
	return nil
}

// response is the form as an answer to the message whose link was followed.
func (f ResponseForm) response(l dental.Link) dental.Response {
	name, step, anchor := l.Offer()
	r := dental.Response{Scenario: name, Step: step, Anchor: anchor, Touch: l.Touch, Action: f.Action}
	if f.Action == dental.BookOffer {
		r.Weekday, r.Part = f.Weekday, f.Part
	}
	return r
}

// wish asks staff to call: with the time that suits, and with what was offered.
func (d *Desk) wish(v *visit, page Offer, form ResponseForm) {
	l := v.staff()
	name, _, anchor := v.Link.Offer()
	key := "task.callback.offer"
	switch {
	case form.Online:
		key = "task.callback.online"
	case form.Action == dental.BookOffer:
		key = "task.callback.book"
	}
	var note []string
	if when := Wish(l, form.Weekday, form.Part); when != "" && form.Action == dental.BookOffer {
		note = append(note, l.Text("task.callback.wish", map[string]string{"wish": when}))
	}
	if benefit := l.Benefit(page.Benefit); benefit != "" && !page.Expired(v.now) {
		note = append(note, l.Text("task.callback.benefit", map[string]string{"benefit": benefit, "day": l.DayYear(page.Until)}))
	}
	d.course(v).Open(dental.Task{Kind: dental.CallbackTask, Anchor: scenario.OfferAnchor(name, anchor), Scenario: name, Note: strings.Join(note, "\n"),
		Reason: l.Text(key, map[string]string{"scenario": d.Catalogue.Called(name, l.String())}), Due: v.Clinic.AddWorking(v.now, time.Hour)})
}

// Wish is a weekday and a part of the day in words: "пятница, вечер"; "" for any.
func Wish(l locale.Locale, weekday, part string) string {
	var words []string
	if i := slices.Index(dental.Weekdays(), weekday); i >= 0 {
		words = append(words, l.Weekday(time.Weekday(i)))
	}
	if key := "part." + part; part != "" && l.Has(key) {
		words = append(words, l.Text(key, nil))
	}
	return strings.Join(words, ", ")
}
