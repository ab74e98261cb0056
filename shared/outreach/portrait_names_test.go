package outreach

import (
	"testing"

	"github.com/returnpoint/returnpoint/shared/scenario"
)

func TestALetterNamesTheDoctorWhereverItsTextDoes(t *testing.T) {
	for name, c := range map[string]struct {
		text  scenario.Text
		names bool
	}{
		"in the heading":         {scenario.Text{Heading: "{doctor} is expecting you", Paragraphs: []string{"Come."}}, true},
		"in the last paragraph":  {scenario.Text{Heading: "Hello", Paragraphs: []string{"Come.", "[{doctor} is expecting you.]"}}, true},
		"in the text message":    {scenario.Text{SMS: "{doctor} is expecting you", Heading: "Hello", Paragraphs: []string{"Come to the doctor."}}, false},
		"nowhere":                {scenario.Text{Heading: "Hello", Paragraphs: []string{"Come."}}, false},
		"in a letter of nothing": {scenario.Text{}, false},
	} {
		if got := namesDoctor(c.text); got != c.names {
			t.Errorf("%s: %t", name, got)
		}
	}
}
