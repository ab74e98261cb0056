package message

import (
	_ "embed"
	"fmt"
	"html/template"
	"strings"
	"sync"
	"unicode"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/locale"
)

// Letter is what an e-mail says. Texts are plain and may come from anybody;
// URLs are absolute http or https ones.
type Letter struct {
	Locale locale.Locale
	// Clinic signs the letter; its address and phone stand below where it has them.
	Clinic  string
	Address string
	Phone   string // as it is shown: the number itself, not a masked dental.Phone
	// Preheader is what a list of letters shows after the subject; "" shows the beginning.
	Preheader string
	// Doctor is whose portrait stands at the head of the letter; "" shows none. Who
	// sends the letter puts the picture in it, under the Content-ID "doctor" (RFC 2392).
	Doctor     string
	Heading    string
	Paragraphs []string // at least one
	Button     Button   // the one thing to do; the zero Button is none
	// Faces are answers to choose from, which HTML shows in place of the button: of
	// each a sign, the word and the page that it leads to.
	Faces []Face
	// Unsubscribe is the page of the patient's preferences. A letter to a
	// patient has one; a letter to staff need not.
	Unsubscribe string
	// Warning is what the class asks for: see Warning.
	Warning string
}

// Button is a link that says what it does.
type Button struct{ Text, URL string }

// Face is one answer: its sign, as in 👍, and the link that says the same in words.
type Face struct {
	Sign string
	Button
}

//go:embed letter.html
var letterSource string

// layout is parsed once and panics if what was compiled in does not parse. It
// loads nothing from anywhere: no font, no style sheet, no image but the one that
// comes with the letter.
var layout = sync.OnceValue(func() *template.Template {
	return template.Must(template.New("letter").Parse(letterSource))
})

// Mail lays a letter out as HTML and says the same in plain text, lines ending
// in \n. Its error is of kind dental.Invalid and names everything that the
// letter lacks.
func Mail(letter Letter) (html, text string, err error) {
	letter = letter.visible()
	if faults := letter.faults(); len(faults) > 0 {
		return "", "", dental.Errorf(dental.Invalid, "", "the letter cannot be laid out: %s", strings.Join(faults, "; "))
	}
	page := page{
		Letter:          letter,
		Lang:            letter.Locale.String(),
		Title:           letter.Heading,
		Call:            call(letter.Phone),
		Why:             letter.Locale.Text("mail.why", map[string]string{"clinic": letter.Clinic}),
		UnsubscribeText: letter.Locale.Text("mail.unsubscribe", nil),
	}
	if page.Title == "" {
		page.Title = letter.Clinic
	}
	if letter.Button != (Button{}) {
		page.Button = &letter.Button
	}
	var b strings.Builder
	if err := layout().Execute(&b, page); err != nil {
		return "", "", fmt.Errorf("message: lay out a letter: %w", err)
	}
	return b.String(), page.plain(), nil
}

// page is a letter with all that its layout shows.
type page struct {
	Letter
	Lang            string
	Title           string
	Button          *Button
	Call            template.URL
	Why             string
	UnsubscribeText string
}

func (p page) plain() string {
	var blocks []string
	add := func(lines ...string) {
		var kept []string
		for _, line := range lines {
			if line != "" {
				kept = append(kept, line)
			}
		}
		if len(kept) > 0 {
			blocks = append(blocks, strings.Join(kept, "\n"))
		}
	}
	add(p.Heading)
	for _, paragraph := range p.Paragraphs {
		add(paragraph)
	}
	if p.Button != nil {
		add(p.Button.Text+":", p.Button.URL)
	}
	add(p.Warning)
	add(p.Clinic, p.Address, p.Phone)
	if p.Unsubscribe != "" {
		add(p.Why, p.UnsubscribeText+":", p.Unsubscribe)
	}
	return strings.Join(blocks, "\n\n") + "\n"
}

// visible is the letter with every text on one line and nothing hidden in it.
func (l Letter) visible() Letter {
	for _, s := range []*string{&l.Clinic, &l.Address, &l.Phone, &l.Preheader, &l.Doctor, &l.Heading, &l.Warning, &l.Button.Text} {
		*s = visible(*s)
	}
	paragraphs := make([]string, 0, len(l.Paragraphs))
	for _, p := range l.Paragraphs {
		if p = visible(p); p != "" {
			paragraphs = append(paragraphs, p)
		}
	}
	l.Paragraphs = paragraphs
	return l
}

func (l Letter) faults() []string {
	var out []string
	if l.Clinic == "" {
		out = append(out, "it has no clinic to sign it")
	}
	if len(l.Paragraphs) == 0 {
		out = append(out, "it says nothing")
	}
	if l.Button != (Button{}) && (l.Button.Text == "" || webAddress(l.Button.URL) == "") {
		out = append(out, "its button needs a text and an absolute http or https URL")
	}
	for _, f := range l.Faces {
		if l.Button == (Button{}) || f.Sign == "" || f.Text == "" || webAddress(f.URL) == "" {
			out = append(out, "each of its faces needs a sign, a word and an absolute http or https URL, and the plain part a button")
			break
		}
	}
	if l.Unsubscribe != "" && webAddress(l.Unsubscribe) == "" {
		out = append(out, "the page to unsubscribe at is not an absolute http or https URL")
	}
	return out
}

// call is the URL that dials a number, without what is written after it in
// words. Only digits and the plus reach it, so that it is safe as it is.
func call(phone string) template.URL {
	if end := strings.IndexFunc(phone, unicode.IsLetter); end >= 0 {
		phone = phone[:end]
	}
	return template.URL("tel:" + strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' || r == '+' {
			return r
		}
		return -1
	}, phone))
}
