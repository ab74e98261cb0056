// Package wording judges the texts of scenarios: that they read, that there is
// something for each of their places, that they keep to their class, to secrecy
// and to the product's tone, and that an SMS has room for what it must say. The
// catalogue and what a clinic writes in its place are held to the same. It is pure.
package wording

import (
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/locale"
	"github.com/returnpoint/returnpoint/shared/message"
	"github.com/returnpoint/returnpoint/shared/scenario"
)

// Several is the variant of a reminder that speaks of several appointments of
// the day, which have no time in common and {list} instead.
const Several = "several"

// Parts is the most SMS that a text may take.
const Parts = 2

// Subject is a text in its place: what it belongs to, and in which language.
type Subject struct {
	Scenario *scenario.Scenario
	Step     *scenario.Step
	Variant  string
	Locale   locale.Locale
}

// Subjects lists all texts of a step, the usual variant first, in the order of the locales.
func Subjects(sc *scenario.Scenario, st *scenario.Step) []Subject {
	var variants []string
	for key := range st.Texts {
		variant, _, varied := strings.Cut(key, "/")
		if !varied {
			variant = ""
		}
		if !slices.Contains(variants, variant) {
			variants = append(variants, variant)
		}
	}
	slices.Sort(variants)
	var out []Subject
	for _, variant := range variants {
		for _, l := range locale.All() {
			out = append(out, Subject{sc, st, variant, l})
		}
	}
	return out
}

// Find gives the text of a scenario that dental.TextKey names, and whether there is one.
func Find(sc *scenario.Scenario, key string) (Subject, bool) {
	name, _, _ := strings.Cut(key, "/")
	if st := sc.Step(name); st != nil {
		for _, s := range Subjects(sc, st) {
			if s.Key() == key {
				return s, true
			}
		}
	}
	return Subject{}, false
}

// Key names the text among those of its scenario.
func (s Subject) Key() string { return dental.TextKey(s.Step.Name, s.Variant, s.Locale.String()) }

// Shipped is what the catalogue says there.
func (s Subject) Shipped() dental.Text { return s.Step.Text(s.Variant, s.Locale.String()) }

// Class is what a message with the text is sent as.
func (s Subject) Class() dental.Class {
	if s.Variant == scenario.Plain {
		return dental.Service
	}
	return s.Step.Class
}

// leads reports whether the message leads to a page.
func (s Subject) leads() bool { return s.Step.Link != "" && s.Variant != scenario.Plain }

// given is what the texts which hang on a trigger are given: some values
// always, some when there is one.
type given struct{ always, sometimes []message.Placeholder }

func givenOn(t scenario.Trigger) given {
	// What a text that invites may have.
	offered := []message.Placeholder{message.Doctor, message.Next, message.Benefit}
	switch t {
	case scenario.OnVisitDay:
		return given{nil, []message.Placeholder{message.Doctor, message.Day, message.Until, message.Next, message.Advice, message.Benefit}}
	case scenario.OnAppointment:
		return given{[]message.Placeholder{message.Day, message.Date, message.Time}, []message.Placeholder{message.Doctor}}
	case scenario.OnAnswer:
		return given{nil, []message.Placeholder{message.Doctor, message.Day, message.Until, message.Next}}
	case scenario.OnClub:
		return given{nil, []message.Placeholder{message.Doctor, message.Until, message.Benefit}}
	case scenario.OnReturnDate, scenario.OnLastVisit, scenario.OnSeason:
		return given{[]message.Placeholder{message.Minutes, message.Until}, offered}
	case scenario.OnPlan, scenario.OnLastImplant, scenario.OnLastOrthodontics:
		return given{[]message.Placeholder{message.Minutes}, offered}
	case scenario.OnBirthday:
		return given{[]message.Placeholder{message.Until}, offered}
	}
	return given{}
}

// Places are the values that the text is given: always, and when there is one.
func (s Subject) Places() (always, sometimes []message.Placeholder) {
	g := givenOn(s.Scenario.On)
	always = slices.Clone(g.always)
	sometimes = append([]message.Placeholder{message.Given, message.ClinicName, message.ClinicPhone, message.Address}, g.sometimes...)
	if s.Scenario.Benefit.Kind != "" { // a clinic may offer something else, but never nothing
		always = append(always, message.Benefit)
	}
	if s.Variant == Several {
		always = []message.Placeholder{message.Day, message.Date, message.List}
	}
	switch {
	case !s.leads():
	case s.Step.Link == scenario.BookingLink:
		sometimes = append(sometimes, message.Link)
	default:
		always = append(always, message.Link)
	}
	return always, sometimes
}

// The parts of a text, as faults name them.
const (
	SMS        = "sms"
	MailTitle  = "subject"
	Heading    = "heading"
	Paragraphs = "paragraphs"
	Button     = "button"
)

// Fault is one thing that is wrong with a text.
type Fault struct {
	Part   string // one of the constants
	code   string
	values map[string]string
	found  message.Finding // of a word that breaks a rule
}

// Explain says it in words, without the part.
func (f Fault) Explain(l locale.Locale) string {
	if f.found.Rule != "" {
		return f.found.Explain(l)
	}
	values := maps.Clone(f.values)
	if class := values["class"]; class != "" {
		values["class"] = l.Text("class."+class, nil)
	}
	return l.Text("desk.texts.fault."+f.code, values)
}

// Judge says everything that is wrong with the words of a text, part by part.
func (s Subject) Judge(t dental.Text) []Fault {
	out := slices.Concat(s.part(SMS, t.SMS), s.part(MailTitle, t.Subject), s.part(Heading, t.Heading))
	if s.leads() {
		out = append(out, s.part(Button, t.Button)...)
	} else if t.Button != "" {
		out = append(out, Fault{Part: Button, code: "no-link"})
	}
	if len(t.Paragraphs) == 0 {
		out = append(out, Fault{Part: Paragraphs, code: "no-paragraph"})
	}
	for _, p := range t.Paragraphs {
		out = append(out, s.part(Paragraphs, p)...)
	}
	return out
}

// screen reports whether a part shows on a locked phone.
func screen(part string) bool { return part == SMS || part == MailTitle }

func (s Subject) part(part, source string) (out []Fault) {
	fault := func(code string, values map[string]string) {
		out = append(out, Fault{Part: part, code: code, values: values})
	}
	if strings.TrimSpace(source) == "" {
		fault("empty", nil)
		return out
	}
	template, err := message.Compile(source)
	if unread := (*message.Unreadable)(nil); errors.As(err, &unread) {
		for _, slip := range unread.Slips {
			word := slip.Word
			if slip.Code == message.SlipUnknown {
				word = "{" + word + "}"
			}
			fault("slip."+slip.Code, map[string]string{"n": strconv.Itoa(slip.At), "word": word})
		}
		return out
	}
	always, sometimes := s.Places()
	for _, p := range message.Placeholders() {
		named := map[string]string{"word": "{" + string(p) + "}", "class": string(s.Class())}
		surely, maybe := slices.Contains(always, p), slices.Contains(sometimes, p)
		switch {
		case template.Uses(p) && !surely && !maybe:
			fault("never", named)
		case p == message.Benefit && s.Class() != dental.Advertising && template.Uses(p):
			fault("benefit", named)
		case template.Requires(p) && !surely:
			fault("maybe", named)
		case p == message.Next && screen(part) && template.Uses(p):
			fault("secret", named)
		}
	}
	channel := dental.Mail
	if screen(part) {
		channel = dental.SMS
	}
	for _, found := range message.Check(s.Locale, s.Class(), channel, source) {
		out = append(out, Fault{Part: part, found: found})
	}
	return out
}

// JudgeOwn is Judge for what a clinic writes in the catalogue's place: it says
// all that the patient needs of what is said there, and fits into an SMS.
func (s Subject) JudgeOwn(t dental.Text, cl *dental.Clinic) []Fault {
	out := s.Judge(t)
	shipped, err := message.Compile(s.Shipped().SMS)
	own, unread := message.Compile(t.SMS)
	if err != nil || unread != nil {
		return out
	}
	for _, p := range []message.Placeholder{message.Link, message.Time, message.List, message.Until} {
		if shipped.Requires(p) && !own.Requires(p) {
			out = append(out, Fault{Part: SMS, code: "lacks", values: map[string]string{"word": "{" + string(p) + "}"}})
		}
	}
	if (shipped.Requires(message.Date) || shipped.Requires(message.Day)) && !own.Requires(message.Date) && !own.Requires(message.Day) {
		out = append(out, Fault{Part: SMS, code: "lacks", values: map[string]string{"word": "{date}"}})
	}
	if r := own.Append(message.Warning(s.Locale, s.Class())).Render(s.Sample(cl, LongNamed, FarLink), Parts); r.Over {
		out = append(out, Fault{Part: SMS, code: "long", values: map[string]string{"n": strconv.Itoa(r.Parts)}})
	}
	return out
}
