package desk

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/locale"
	"github.com/returnpoint/returnpoint/shared/message"
	"github.com/returnpoint/returnpoint/shared/scenario"
	"github.com/returnpoint/returnpoint/shared/scenario/wording"
	"github.com/returnpoint/returnpoint/shared/store"
)

// Texts is where staff read and change what scenarios say.
type Texts struct {
	Store     *store.Store
	Catalogue scenario.Catalogue
	Base      string // the URL under which patients' pages stand
}

// TextChoice is one text of a scenario, in the list of them.
type TextChoice struct {
	Key  string
	Name string
	Own  bool // the clinic has its own
	Here bool
}

// TextView is one text with all that is known of it.
type TextView struct {
	Scenario string
	Title    string // the scenario's
	Key      string
	Choices  []TextChoice
	Text     dental.Text
	Own      bool
	Button   bool   // the letter has one
	Class    string // in words
	Consent  string // who may get it, in words
	Always   []TextPlace
	Maybe    []TextPlace
	Preview  TextPreview
	Faults   []TextFault
	// Left is how many messages the clinic may still send to its own staff today,
	// and Last what became of the last one, "" for none.
	Left int
	Last string
}

// TextPlace is a value that a text may have, and what it is.
type TextPlace struct{ Name, Means string }

// TextFault is what is wrong with one part of a text.
type TextFault struct{ Part, Says string }

// TextPreview is what an imagined patient reads.
type TextPreview struct {
	People []TextPerson
	SMS    string
	Parts  string // how many, of which alphabet, at what price
	// Dropped are the groups that had no room.
	Dropped string
	Subject string
	Letter  string // the plain text of the e-mail
}

// TextPerson is one whom a preview may be for.
type TextPerson struct {
	Name, Says string
	Here       bool
}

// Text shows a text: given is one that is being written, nil shows the one that
// stands; who is whom the preview is for, "" for an ordinary patient. A text that
// the scenario does not have is NotFound; key "" is the first one.
func (s *Texts) Text(ctx context.Context, cl *dental.Clinic, name, key string, given *dental.Text, who wording.Person, l locale.Locale, now time.Time) (TextView, error) {
	sc := s.Catalogue.Find(name)
	if sc == nil {
		return TextView{}, dental.Errorf(dental.NotFound, "", "there is no scenario %q", name)
	}
	own := cl.Scenario(name).Texts
	v := TextView{Scenario: name, Title: cmp.Or(sc.Title[l.String()], name)}
	var all []wording.Subject
	for i := range sc.Steps {
		for _, subject := range wording.Subjects(sc, &sc.Steps[i]) {
			all = append(all, subject)
			if key == "" && subject.Locale == l {
				key = subject.Key()
			}
		}
	}
	i := slices.IndexFunc(all, func(x wording.Subject) bool { return x.Key() == key })
	if i < 0 {
		return v, dental.Errorf(dental.NotFound, "", "the scenario has no such text")
	}
	for _, x := range all {
		_, has := own[x.Key()]
		v.Choices = append(v.Choices, TextChoice{x.Key(), named(l, cl, x), has, x.Key() == key})
	}
	subject := all[i]
	v.Key, v.Text = key, subject.Shipped()
	v.Button = v.Text.Button != ""
	if mine, has := own[key]; has {
		v.Text, v.Own = mine, true
	}
	if given != nil {
		v.Text = *given
	}
	v.about(l, cl, subject)
	if given != nil {
		for _, f := range subject.JudgeOwn(v.Text, cl) {
			v.Faults = append(v.Faults, TextFault{f.Part, f.Explain(l)})
		}
	}
	if !slices.Contains(wording.People(), who) {
		who = wording.Ordinary
	}
	v.Preview = preview(l, cl, subject, v.Text, who, s.Base)
	var err error
	v.Left, v.Last, err = s.trials(ctx, cl, l, now)
	return v, err
}

// named is what a text is called in the list.
func named(l locale.Locale, cl *dental.Clinic, x wording.Subject) string {
	parts := []string{strings.TrimSuffix(Does(l, cl, x.Scenario, x.Step), ".")}
	switch variant := "desk.texts.variant." + x.Variant; {
	case x.Variant == "":
	case l.Has(variant):
		parts = append(parts, l.Text(variant, nil))
	default:
		parts = append(parts, strings.ToLower(l.Text("procedure."+x.Variant, nil)))
	}
	return strings.Join(append(parts, l.Text("desk.texts.language."+x.Locale.String(), nil)), " · ")
}

// about says what the text is sent as, to whom, and what may stand in it.
func (v *TextView) about(l locale.Locale, cl *dental.Clinic, subject wording.Subject) {
	class := subject.Class()
	v.Class = l.Text("desk.texts.class", map[string]string{"class": l.Text("class."+string(class), nil)})
	key := "desk.texts.consent." + string(class)
	if class == dental.Care && !cl.CareConsent.Allows(class) {
		key += ".explicit"
	}
	v.Consent = l.Text(key, map[string]string{"word": message.Warning(subject.Locale, class)})
	always, sometimes := subject.Places()
	for _, p := range message.Placeholders() {
		place := TextPlace{"{" + string(p) + "}", l.Text("desk.texts.place."+string(p), nil)}
		switch offer := p == message.Benefit && class != dental.Advertising; {
		case offer:
		case slices.Contains(always, p):
			v.Always = append(v.Always, place)
		case slices.Contains(sometimes, p):
			v.Maybe = append(v.Maybe, place)
		}
	}
}

// preview renders a text for an imagined patient. What does not read shows nothing.
func preview(l locale.Locale, cl *dental.Clinic, subject wording.Subject, t dental.Text, who wording.Person, base string) TextPreview {
	var p TextPreview
	for _, x := range wording.People() {
		p.People = append(p.People, TextPerson{string(x), l.Text("desk.texts.preview."+string(x), nil), x == who})
	}
	values := subject.Sample(cl, who, base)
	if sms, err := message.Compile(t.SMS); err == nil {
		r := sms.Append(message.Warning(subject.Locale, subject.Class())).Render(values, wording.Parts)
		p.SMS, p.Dropped = r.Text, l.Join(r.Dropped)
		say := map[string]string{"n": strconv.Itoa(r.Parts), "word": string(r.Encoding)}
		if key := "desk.texts.preview.parts"; cl.PartPrice.IsZero() {
			p.Parts = l.Text(key, say)
		} else {
			say["amount"] = l.Money(dental.Money{Minor: cl.PartPrice.Minor * int64(r.Parts), Currency: cl.PartPrice.Currency})
			p.Parts = l.Text(key+".price", say)
		}
		if p.Dropped != "" {
			p.Dropped = l.Text("desk.texts.preview.dropped", map[string]string{"word": p.Dropped})
		}
	}
	_, p.Letter, p.Subject = letter(cl, subject, t, values, base)
	return p
}

// letter is the e-mail as it would be, both ways, with paragraphs of ours after
// its own; all of it "" where a part does not read.
func letter(cl *dental.Clinic, subject wording.Subject, t dental.Text, values message.Values, base string, more ...string) (html, plain, title string) {
	read := true
	render := func(source string) string {
		template, err := message.Compile(source)
		if err != nil {
			read = false
			return ""
		}
		return template.Render(values, 0).Text
	}
	of := message.Letter{Locale: subject.Locale, Clinic: cl.Name, Address: cl.Address, Phone: string(cl.Phone), Heading: render(t.Heading),
		Warning: message.Warning(subject.Locale, subject.Class()), Unsubscribe: base + "/u/AbCdEfGhIjKlMnOp"}
	for _, source := range t.Paragraphs {
		if p := render(source); p != "" {
			of.Paragraphs = append(of.Paragraphs, p)
		}
	}
	of.Paragraphs = append(of.Paragraphs, more...)
	if url := values[message.Link]; url != "" && t.Button != "" {
		of.Button = message.Button{Text: render(t.Button), URL: url}
	}
	title = render(t.Subject)
	if !read {
		return "", "", ""
	}
	html, plain, err := message.Mail(of)
	if err != nil {
		return "", "", ""
	}
	return html, plain, title
}

// trialsADay is how many messages a clinic may send to its own staff a day.
const trialsADay = 10

// trialKept is how long the words of a trial are kept.
const trialKept = 24 * time.Hour

func trialID(day dental.Date, n int) string { return fmt.Sprintf("%s.%s.%d", store.TrialJob, day, n) }

// trials says how many messages to staff are left today, and what became of the last.
func (s *Texts) trials(ctx context.Context, cl *dental.Clinic, l locale.Locale, now time.Time) (left int, last string, err error) {
	tx, today := s.Store.Begin(), cl.Today(now)
	for n := range trialsADay {
		job, err := tx.Job(ctx, cl.ID, trialID(today, n))
		if err != nil || job.ID == "" {
			return trialsADay - n, last, err
		}
		state := cmp.Or(job.Cursor, "waiting")
		last = l.Text("desk.texts.test.last", map[string]string{"phone": job.Contact, "reason": l.Text("desk.texts.test.state."+state, nil)})
	}
	return 0, last, nil
}

// Try sends a text, as it stands or as it is being written, to the member of
// staff who asks, by the way that patients' letters take: to the address that
// they sign in with, which is the only one known to be theirs. What patients read
// as an SMS stands in the letter too. What could not be saved is not sent either,
// and a clinic that is paused sends none. It is no touch: nobody's caps count it,
// and no patient's card has it. entry.ID is the press: the same one twice is one.
func (s *Texts) Try(ctx context.Context, cl *dental.Clinic, name, key string, t dental.Text, me dental.Staff, entry dental.LogEntry, now time.Time) error {
	if !dental.ValidID(entry.ID) {
		return dental.Errorf(dental.Invalid, "id", "must be 1 to 64 of the characters A-Z a-z 0-9 . _ : -")
	}
	sc := s.Catalogue.Find(name)
	if sc == nil {
		return dental.Errorf(dental.NotFound, "", "there is no scenario %q", name)
	}
	subject, known := wording.Find(sc, key)
	if !known {
		return dental.Errorf(dental.NotFound, "", "the scenario has no such text")
	}
	switch {
	case me.Email == "":
		return refuse(dental.Invalid, "", "desk.texts.test.nowhere", nil)
	case cl.Paused:
		return refuse(dental.Conflict, "", "desk.texts.test.paused", nil)
	case len(subject.JudgeOwn(t, cl)) > 0:
		return refuse(dental.Invalid, "", "desk.texts.test.wrong", nil)
	}
	sms, err := message.Compile(t.SMS)
	if err != nil {
		return refuse(dental.Invalid, "", "desk.texts.test.wrong", nil)
	}
	values := subject.Sample(cl, wording.Ordinary, s.Base)
	said := sms.Append(message.Warning(subject.Locale, subject.Class())).Render(values, wording.Parts).Text
	also := locale.For(cl.Language).Text("desk.texts.test.sms", map[string]string{"word": said})
	trial := dental.Trial{Channel: dental.Mail, To: string(me.Email), Class: subject.Class(), Locale: subject.Locale.String()}
	if trial.HTML, trial.Text, trial.Subject = letter(cl, subject, t, values, s.Base, also); trial.Text == "" {
		return refuse(dental.Invalid, "", "desk.texts.test.wrong", nil)
	}
	body, err := json.Marshal(trial)
	if err != nil {
		return fmt.Errorf("desk: write a trial: %w", err)
	}
	entry.Action, entry.Subject, entry.Detail = "text-tried", name+" "+key, s.Catalogue.Called(name, cl.Language)+", "+masked(me.Email)
	return store.Retry(ctx, func(ctx context.Context) error {
		tx, today := s.Store.Begin(), cl.Today(now)
		for n := range trialsADay {
			job, err := tx.Job(ctx, cl.ID, trialID(today, n))
			if err != nil {
				return err
			}
			if job.ID != "" && job.Anchor == entry.ID {
				return nil // an earlier try of this press, whose answer was lost
			}
			if job.ID != "" {
				continue
			}
			id := trialID(today, n)
			tx.Put(store.Job{Clinic: cl.ID, ID: id, Kind: store.TrialJob, Scenario: name, Step: subject.Step.Name, Anchor: entry.ID, Contact: masked(me.Email), Wake: now, Made: now})
			tx.Put(store.Result{Clinic: cl.ID, Job: id, Body: body, Until: now.Add(trialKept)})
			tx.Put(entry)
			return tx.Commit(ctx)
		}
		return refuse(dental.Conflict, "", "desk.texts.test.full", nil)
	})
}

// masked is how the log calls an address.
func masked(address dental.Email) string {
	name, host, _ := strings.Cut(string(address), "@")
	return string([]rune(name)[:min(1, len(name))]) + "…@" + host
}
