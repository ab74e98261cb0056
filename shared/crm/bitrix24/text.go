package bitrix24

import (
	"strings"
	"unicode"

	"github.com/returnpoint/returnpoint/shared/dental"
)

// The most letters that are sent. A title holds 255 on a portal, the mark takes
// the rest; a description holds more, but nobody reads it.
const (
	longestTitle       = 200
	longestDescription = 4000
)

// plain takes away what the portal would make something of: "[" begins BB code
// in a description, "<" a tag of HTML, and "#" after a space a tag of the task.
var plain = strings.NewReplacer("[", "(", "]", ")", "<", "‹", ">", "›", "#", "№")

// line makes one line of at most n letters of a text.
func line(s string, n int) string {
	s = strings.Join(strings.FieldsFunc(s, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }), " ")
	s = plain.Replace(strings.ToValidUTF8(s, ""))
	if letters := []rune(s); len(letters) > n {
		return strings.TrimSpace(string(letters[:n-1])) + "…"
	}
	return s
}

// titleOf is what staff read, with the mark at its end.
func titleOf(m mark, title string) string {
	return strings.TrimSpace(line(title, longestTitle) + " " + m.String())
}

// describe says who it is about, why, and what the patient wrote, a line each.
func describe(t dental.Task, who dental.Patient) string {
	var lines []string
	for _, s := range []string{nameOf(who), string(who.Phone), t.Reason, t.Note} {
		if s = line(s, longestDescription/4); s != "" {
			lines = append(lines, s)
		}
	}
	return strings.Join(lines, "\n")
}

func nameOf(p dental.Patient) string {
	return strings.Join(strings.Fields(p.FamilyName+" "+p.GivenName+" "+p.MiddleName), " ")
}

// personal lists what no error may quote. Portals quote what they were given.
func personal(who dental.Patient, t dental.Task, title string) []string {
	all := append(phoneForms(who.Phone), nameOf(who), who.FamilyName, who.GivenName, who.MiddleName, t.Note, t.Reason, title,
		line(t.Note, longestDescription/4), line(t.Reason, longestDescription/4), line(title, longestTitle))
	return all
}
