package desk_test

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/desk"
	"github.com/returnpoint/returnpoint/shared/locale"
	"github.com/returnpoint/returnpoint/shared/scenario"
	"github.com/returnpoint/returnpoint/shared/stagetest"
)

func TestEveryScenarioSaysInWordsWhatItDoesWhenAndForWhom(t *testing.T) {
	s := stagetest.New(t, time.Date(2026, 3, 10, 11, 0, 0, 0, time.UTC))
	scenarios := &desk.Scenarios{Store: s.Store, Catalogue: s.Catalogue}
	for _, l := range locale.All() {
		list, err := scenarios.List(t.Context(), &s.Clinic, l, s.Now())
		if err != nil || len(list) != len(s.Catalogue) {
			t.Fatalf("%d scenarios, %v", len(list), err)
		}
		for _, line := range list {
			view, err := scenarios.One(t.Context(), &s.Clinic, line.Name, l, s.Now())
			if err != nil {
				t.Fatal(err)
			}
			said := append(slices.Clone(view.Who), line.Title)
			for _, st := range view.Steps {
				said = append(append(said, st.Does), st.Unless...)
			}
			for _, text := range said {
				if text == "" || strings.Contains(text, "desk.") || strings.ContainsAny(text, "{}[]") || strings.Contains(text, "  ") || strings.Contains(text, "«»") {
					t.Errorf("%v %s says %q", l, line.Name, text)
				}
			}
		}
	}
}

func TestEveryWordOfTheCatalogueHasWordsForStaff(t *testing.T) {
	for _, l := range locale.All() {
		for name := range scenario.GateNames() {
			if !l.Has("desk.scenarios.unless." + name) {
				t.Errorf("%v has no words for the gate %q", l, name)
			}
		}
		for name := range scenario.AudienceNames() {
			if !l.Has("desk.scenarios.is." + name) {
				t.Errorf("%v has no words for the audience %q", l, name)
			}
		}
	}
}

func TestTimesOfStepsReadAsPeopleSayThem(t *testing.T) {
	s := stagetest.New(t, time.Date(2026, 3, 10, 11, 0, 0, 0, time.UTC), func(cl *dental.Clinic) {
		set := cl.Scenarios["plan"]
		set.Offsets = map[string]int{"next-stage": -3}
		cl.Scenarios["plan"] = set
	})
	got := map[string]string{}
	for _, sc := range s.Catalogue {
		for i := range sc.Steps {
			got[sc.Name+"/"+sc.Steps[i].Name] = desk.Does(locale.Russian, &s.Clinic, &sc, &sc.Steps[i])
		}
	}
	for step, want := range map[string]string{
		"recall/first":         "за 1 месяц до даты следующего визита, в 11:00.",
		"recall/second":        "за 14 дней до даты следующего визита, в 11:00.",
		"recall/call":          "Задача «",
		"recall/again":         "через 30 дней после просьбы напомнить позже, в 11:00.",
		"appointment/reminder": "за 2 дня до приёма.",
		"appointment/confirm":  "в последний рабочий день до приёма, в 10:00.",
		"appointment/missed":   "через 2 часа после пропущенного приёма; через 3 дня после отмены записи.",
		"birthday/greeting":    "в день рождения, в 10:00.",
		"season/autumn":        "в первые 10 рабочих дней с 15 сентября",
		"sleeping-6/offer":     "через 6 месяцев после последнего визита, в 11:30.",
		"plan/next-stage":      "через 14 дней после последнего шага лечения, в 12:00; сдвинуто на 3 дня раньше.",
		"after-visit/settled":  "через 1 день после закрытия жалобы, в 12:00.",
		"referral/invite":      "«Ссылка для друзей»",
		"after-visit/thanks":   "«Спасибо за визит», сообщение (о приёмах): сразу после визита.",
	} {
		if !strings.Contains(got[step], want) {
			t.Errorf("%s: %q, want %q in it", step, got[step], want)
		}
	}
	if t.Failed() {
		for _, step := range slices.Sorted(maps.Keys(got)) {
			t.Log(step, got[step])
		}
	}
}
