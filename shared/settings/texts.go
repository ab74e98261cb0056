package settings

import (
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/scenario"
	"github.com/returnpoint/returnpoint/shared/scenario/wording"
)

// The bounds of a clinic's own texts. They stand in the clinic's item, which each
// function reads, so all of them together are bounded too.
const (
	maxSMS        = 600 // characters
	maxTitle      = 150
	maxParagraph  = 800
	maxParagraphs = 8
	maxButton     = 40
	maxTexts      = 64 << 10 // bytes
)

// texts lays own texts over those that were, by dental.TextKey; null is what the
// catalogue has. Whether their words will do is judged when all settings stand.
func texts(v value, was map[string]dental.Text, of *scenario.Scenario) map[string]dental.Text {
	known := func(key string) bool { _, ok := wording.Find(of, key); return ok }
	return byName(v, was, known, func(v value) (t dental.Text, kept bool) {
		v.fields(func(name string, v value) bool {
			switch name {
			case wording.SMS:
				passage(v, &t.SMS, maxSMS)
			case wording.MailTitle:
				passage(v, &t.Subject, maxTitle)
			case wording.Heading:
				passage(v, &t.Heading, maxTitle)
			case wording.Paragraphs:
				for _, v := range v.list(0, maxParagraphs) {
					var p string
					passage(v, &p, maxParagraph)
					t.Paragraphs = append(t.Paragraphs, p)
				}
			case wording.Button:
				passage(v, &t.Button, maxButton)
			default:
				return false
			}
			return true
		})
		return t, true
	})
}

// passage reads a text of several words, whatever white space is between them.
func passage(v value, into *string, most int) {
	s, ok := v.string()
	if s = strings.Join(strings.Fields(s), " "); ok && utf8.RuneCountInString(s) > most {
		v.fault("long", "n", strconv.Itoa(most))
	}
	*into = s
}

// checkTexts judges the own texts that the patch has brought, with all the
// clinic's settings as they are to be.
func checkTexts(c *dental.Clinic, was dental.Clinic, bad *faults) {
	size := 0
	for _, name := range slices.Sorted(maps.Keys(c.Scenarios)) {
		sc := scenario.Shipped().Find(name)
		for _, key := range slices.Sorted(maps.Keys(c.Scenarios[name].Texts)) {
			t := c.Scenarios[name].Texts[key]
			size += len(t.SMS) + len(t.Subject) + len(t.Heading) + len(t.Button) + len(strings.Join(t.Paragraphs, ""))
			subject, known := wording.Subject{}, false
			if sc != nil {
				subject, known = wording.Find(sc, key)
			}
			if before, stood := was.Scenario(name).Texts[key]; !known || stood && equal(before, t) {
				continue
			}
			for _, f := range subject.JudgeOwn(t, c) {
				*bad = append(*bad, Fault{Path: join(join(join("scenarios", name)+".texts", key), f.Part), said: f.Explain}) // of one part there may be several
			}
		}
	}
	if size > maxTexts {
		bad.add("scenarios", "texts-full", "n", strconv.Itoa(maxTexts>>10))
	}
}

func equal(a, b dental.Text) bool {
	return a.SMS == b.SMS && a.Subject == b.Subject && a.Heading == b.Heading && a.Button == b.Button && slices.Equal(a.Paragraphs, b.Paragraphs)
}

var hexColor = regexp.MustCompile(`^#[0-9a-fA-F]{6}$`)

// setColor takes the clinic's own colour. Any will do: pages are drawn in the
// nearest shade of it that can be read.
func setColor(c *dental.Clinic, v value) {
	s, ok := v.string()
	if ok && s != "" && !hexColor.MatchString(s) {
		v.fault("color")
	}
	c.Color = strings.ToLower(s)
}
