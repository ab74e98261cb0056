package sesevent

import (
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/outreach"
)

var allowed = regexp.MustCompile(`^[A-Za-z0-9_-]{1,256}$`)

// asEvent is how SES gives tags back in an event.
func asEvent(tags []Tag) map[string][]string {
	m := map[string][]string{"ses:configuration-set": {"returnpoint"}}
	for _, t := range tags {
		m[t.Name] = []string{t.Value}
	}
	return m
}

func TestATouchComesBackFromItsTags(t *testing.T) {
	id := rapid.StringMatching(`[A-Za-z0-9._:-]{1,64}`)
	anchor := rapid.OneOf(id, rapid.StringMatching(`[A-Za-z0-9._:-]{1,64}@2[0-9]{7}T[0-9]{6}Z`))
	rapid.Check(t, func(t *rapid.T) {
		touch := outreach.TouchRef{
			Clinic: id.Draw(t, "clinic"), Patient: id.Draw(t, "patient"), Scenario: id.Draw(t, "scenario"),
			Step: id.Draw(t, "step"), Anchor: anchor.Draw(t, "anchor"),
		}
		attempt := id.Draw(t, "attempt")
		tags, err := Tags(touch, attempt)
		if err != nil {
			t.Fatal(err)
		}
		for _, tag := range tags {
			if !allowed.MatchString(tag.Name) || !allowed.MatchString(tag.Value) {
				t.Fatalf("SES does not take %+v", tag)
			}
		}
		gotTouch, gotAttempt, err := ParseTags(asEvent(tags))
		if err != nil || gotTouch != touch || gotAttempt != attempt {
			t.Fatalf("got %+v %q, error %v", gotTouch, gotAttempt, err)
		}
	})
}

func TestEveryTextHasOneFormAsATag(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := string(rapid.SliceOf(rapid.Byte()).Draw(t, "s"))
		if back, ok := unescape(escape(s)); !ok || back != s {
			t.Fatalf("%q became %q", s, back)
		}
		form := rapid.StringMatching(`[A-Za-c0-4_-]{0,12}`).Draw(t, "form")
		if text, ok := unescape(form); ok && escape(text) != form {
			t.Fatalf("%q is read as %q, whose form is %q", form, text, escape(text))
		}
	})
}

func TestTagsThatWereNotWrittenSoAreRefused(t *testing.T) {
	for _, form := range []string{"", "_4", "_", "_4g", "_2d", "_2D", "a_", "__", "a.b"} {
		text, ok := unescape(form)
		if ok != (form == "_") || ok && text != "" {
			t.Errorf("%q is read as %q, %v", form, text, ok)
		}
	}
}

func TestMailOfOthersHasNoTouch(t *testing.T) {
	touch, attempt, err := ParseTags(map[string][]string{"ses:configuration-set": {"x"}, "campaign": {"spring"}})
	if touch != (outreach.TouchRef{}) || attempt != "" || err != nil {
		t.Errorf("got %+v %q, error %v", touch, attempt, err)
	}
}

func TestATouchTooLongForATagIsNamed(t *testing.T) {
	_, err := Tags(outreach.TouchRef{Clinic: "demo", Anchor: strings.Repeat("я", 50)}, "a1")
	if dental.KindOf(err) != dental.Invalid || !strings.Contains(err.Error(), "touch-anchor") {
		t.Errorf("got %v", err)
	}
}
