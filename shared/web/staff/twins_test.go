package staff

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/intake"
)

// twoOfOne makes two cards of one phone and birth date, each with a visit and so
// with messages to come.
func twoOfOne(t *testing.T) *house {
	t.Helper()
	h := newHouse(t)
	for _, id := range []string{"T-1", "T-2"} {
		h.stage.Patient(id, func(c *intake.Card) {
			c.Number, c.BirthDate, c.GivenName, c.FamilyName = "+79160000055", dental.Date{Year: 1985, Month: 3, Day: 14}, "Анна", "<Клёнова>"
		})
		h.stage.Visit("V-"+id, id, h.stage.Now().Add(-time.Hour))
	}
	return h
}

func (h *house) openTouches(patient string) (n int) {
	h.t.Helper()
	for _, t := range h.stage.Card(patient).Touches {
		if t.State.Open() {
			n++
		}
	}
	return n
}

func TestStaffSayThatTwoCardsAreOfOnePersonAndTheSpareOneGetsNothing(t *testing.T) {
	h := twoOfOne(t)
	w, _ := h.ask(http.MethodGet, "/desk/demo/twins", person(dental.Administrator))
	if page := w.Body.String(); w.Code != http.StatusOK || !strings.Contains(page, "&lt;Клёнова&gt;") || !strings.Contains(page, `value="T-2"`) || !strings.Contains(page, "7 916 000-00-55") || !strings.Contains(page, "Визиты и суммы обеих карт остаются") {
		t.Fatalf("%d %s", w.Code, page)
	}
	if h.openTouches("T-1") == 0 || h.openTouches("T-2") == 0 {
		t.Fatal("nothing is to be sent, so that nothing can be shown")
	}
	form := url.Values{"a": {"T-1"}, "b": {"T-2"}, "id": {"press-1"}, "verdict": {"same"}}
	if page := h.follows(h.sendsForm("/desk/demo/twins", form), dental.Manager).Body.String(); !strings.Contains(page, "какая из двух карт лишняя") {
		t.Error("nobody asks which card is the spare one")
	}
	form.Set("drop", "T-2")
	for range 2 { // the form is sent twice
		if page := h.follows(h.sendsForm("/desk/demo/twins", form), dental.Manager).Body.String(); !strings.Contains(page, "Двойников нет") {
			t.Errorf("the pair is still open: %s", page)
		}
	}
	kept, spare := h.stage.Card("T-1").Patient, h.stage.Card("T-2").Patient
	if kept.Excluded || !spare.Excluded || h.openTouches("T-2") != 0 || h.openTouches("T-1") == 0 {
		t.Errorf("kept %v, spare %v, open %d and %d", kept.Excluded, spare.Excluded, h.openTouches("T-1"), h.openTouches("T-2"))
	}
	if acts := h.acts(); !slices.Equal(acts, []string{"twins.one"}) {
		t.Errorf("the log has %q", acts)
	}
	form.Set("verdict", "different")
	if page := h.follows(h.sendsForm("/desk/demo/twins", form), dental.Manager).Body.String(); !strings.Contains(page, "решили иначе") {
		t.Error("another verdict is taken without a word")
	}
}

func TestDifferentPeopleAreNotProposedAgain(t *testing.T) {
	h := twoOfOne(t)
	form := url.Values{"a": {"T-2"}, "b": {"T-1"}, "id": {"press-1"}, "verdict": {"different"}}
	for range 2 {
		if page := h.follows(h.sendsForm("/desk/demo/twins", form), dental.Manager).Body.String(); !strings.Contains(page, "Двойников нет") {
			t.Error("the pair is still open")
		}
	}
	h.stage.Patient("T-1", func(c *intake.Card) { c.Number = "+79160000056" })
	h.stage.Patient("T-1", func(c *intake.Card) {
		c.Number, c.BirthDate = "+79160000055", dental.Date{Year: 1985, Month: 3, Day: 14}
	})
	if page := h.gets("/desk/demo/twins"); !strings.Contains(page, "Двойников нет") {
		t.Error("the pair is proposed again")
	}
	if h.stage.Card("T-1").Patient.Excluded || h.stage.Card("T-2").Patient.Excluded {
		t.Error("one of two people is excluded")
	}
	if acts := h.acts(); !slices.Equal(acts, []string{"twins.two"}) {
		t.Errorf("the log has %q", acts)
	}
}

func TestAPairThatWasNeverProposedIsNone(t *testing.T) {
	h := twoOfOne(t)
	for _, form := range []url.Values{
		{"a": {"T-1"}, "b": {"P-1"}, "drop": {"P-1"}, "verdict": {"same"}}, {"a": {"T-1"}, "b": {"T-1"}, "drop": {"T-1"}, "verdict": {"same"}},
		{"a": {"T-1"}, "b": {"P-1"}, "verdict": {"different"}}, {"a": {"?"}, "b": {"P-1"}, "verdict": {"different"}},
	} {
		before := h.table.Writes.Load()
		if w := h.sendsForm("/desk/demo/twins", form); h.table.Writes.Load() != before || w.Code == http.StatusInternalServerError {
			t.Errorf("%v is answered %d, with %d writes", form, w.Code, h.table.Writes.Load()-before)
		}
	}
	if h.stage.Card("P-1").Patient.Excluded || h.stage.Card("T-1").Patient.Excluded {
		t.Error("a card is excluded by a pair that there is not")
	}
}

func TestAPairOfWhichOneCardIsGoneIsNotShown(t *testing.T) {
	h := twoOfOne(t)
	h.stage.Patient("T-1", func(c *intake.Card) {
		c.Number, c.BirthDate, c.Status = "+79160000055", dental.Date{Year: 1985, Month: 3, Day: 14}, dental.Archived
	})
	if page := h.gets("/desk/demo/twins"); !strings.Contains(page, "Двойников нет") {
		t.Error("a card of the archive is proposed")
	}
}
