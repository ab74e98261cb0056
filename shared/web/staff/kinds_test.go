package staff

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/store"
)

func TestAProcedureThatNoRuleKnowsIsNamedOnThePage(t *testing.T) {
	h := newHouse(t)
	h.stage.Patient("anna")
	h.stage.Visit("v1", "anna", h.stage.Now().Add(-time.Hour), func(v *dental.Visit) {
		v.Procedures = []dental.Procedure{{Name: "Чудо <b>света</b>"}}
	})
	path := "/kinds"
	h.holds(h.shows(path, dental.Manager), http.StatusOK, "Базу ещё не пересчитывали", "Своих правил пока нет")
	h.sends(path, dental.Manager, "do", "sort")
	h.holds(h.shows(path, dental.Manager), http.StatusOK, "Считаем, сколько пациентов в базе")
	if refresh := h.shows(path, dental.Manager).Header().Get("Refresh"); !strings.HasSuffix(refresh, "url=/desk/demo/kinds?page=0") {
		t.Errorf("the page reloads by %q", refresh)
	}
	h.worksOff(store.SortID)
	h.holds(h.shows(path, dental.Manager), http.StatusOK, "Чудо &lt;b&gt;света&lt;/b&gt;", "<button>Записать")
	h.sends(path, dental.Manager, "do", "add", "by", "name", "of", "=Чудо <b>света</b>", "kind", "therapy")
	h.worksOff(store.SortID)
	h.holds(h.shows(path, dental.Manager), http.StatusOK, "Все процедуры распознаны", "Название целиком: «Чудо &lt;b&gt;света&lt;/b&gt;»", "Лечение зубов")
	if kind := h.stage.Card("anna").Visits[0].Procedures[0].Kind; kind != dental.Therapy {
		t.Errorf("on the card it is %s", kind)
	}
	h.sends(path, dental.Manager, "do", "remove", "by", "name", "of", "=Чудо <b>света</b>", "kind", "therapy")
	h.holds(h.shows(path, dental.Manager), http.StatusOK, "Своих правил пока нет")
}

func TestARuleWithoutAWordIsRefusedInWords(t *testing.T) {
	h := newHouse(t)
	w := h.sends("/kinds", dental.Manager, "do", "add", "by", "name", "of", " ", "kind", "therapy")
	if body := h.follows(w, dental.Manager).Body.String(); !strings.Contains(body, "Напишите слово из названия или код") {
		t.Errorf("the page does not say what is wrong:\n%s", body)
	}
	if len(h.clinic().Kinds) != 0 {
		t.Error("it was taken")
	}
}
