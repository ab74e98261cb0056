package settings_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/locale"
	"github.com/returnpoint/returnpoint/shared/settings"
)

func TestAClinicStartsWithTheFirstScenarioThatItSwitchesOnAndOnlyOnce(t *testing.T) {
	s := keeper(t, nil)
	if cl := put(t, s, `{"name": "Клиника Исток"}`, now); !cl.StartedAt.IsZero() {
		t.Errorf("without a scenario switched on it has started at %v", cl.StartedAt)
	}
	if cl := put(t, s, `{"scenarios": {"appointment": {"on": true}}}`, now); !cl.StartedAt.IsZero() {
		t.Errorf("with what was on from the beginning it has started at %v", cl.StartedAt)
	}
	first, later := now.Add(time.Hour), now.AddDate(0, 1, 0)
	if cl := put(t, s, `{"scenarios": {"recall": {"on": true}}}`, first); !cl.StartedAt.Equal(first) {
		t.Errorf("it has started at %v", cl.StartedAt)
	}
	put(t, s, `{"scenarios": {"recall": {"on": false}}}`, later)
	if cl := put(t, s, `{"scenarios": {"recall": {"on": true}, "birthday": {"on": true}}}`, later); !cl.StartedAt.Equal(first) {
		t.Errorf("it has started again at %v", cl.StartedAt)
	}
}

func TestAClinicThatIsMadeWithItsScenariosOnHasStarted(t *testing.T) {
	s := keeper(t, nil)
	if _, err := s.Create(t.Context(), settings.Demo(), now); err != nil {
		t.Fatal(err)
	}
	if cl := stored(t, s, "demo"); !cl.StartedAt.Equal(now) || !cl.Scenario("recall").Since.IsZero() {
		t.Errorf("it has started at %v, its recall on %v", cl.StartedAt, cl.Scenario("recall").Since)
	}
	if _, err := s.Create(t.Context(), settings.New("c2"), now); err != nil {
		t.Fatal(err)
	}
	if cl := stored(t, s, "c2"); !cl.StartedAt.IsZero() {
		t.Errorf("a new clinic has started at %v", cl.StartedAt)
	}
}

func TestAPressIsWrittenWithItsEntryAndOnlyOnAClinicThatIsThere(t *testing.T) {
	s := keeper(t, nil)
	entry := dental.LogEntry{Clinic: "c1", ID: "press-1", At: now, By: "Марина", Role: dental.Owner, Action: "settings-changed"}
	if _, err := s.Press(t.Context(), []byte(`{"name": "X"}`), entry, now); dental.KindOf(err) != dental.NotFound {
		t.Errorf("on no clinic: %v", err)
	}
	put(t, s, `{}`, now)
	if _, err := s.Press(t.Context(), []byte(`{"name": ""}`), entry, now); dental.KindOf(err) != dental.Invalid {
		t.Errorf("a bad setting: %v", err)
	}
	logged := func() int {
		entries, _, err := s.Store.Log(t.Context(), "c1", "2026-03", 10, "")
		if err != nil {
			t.Fatal(err)
		}
		return len(entries)
	}
	if logged() != 0 {
		t.Error("what was refused is logged")
	}
	cl, err := s.Press(t.Context(), []byte(`{"name": "Клиника Исток"}`), entry, now)
	if err != nil || cl.Name != "Клиника Исток" || logged() != 1 {
		t.Errorf("%v, %v, %d entries", cl, err, logged())
	}
	for _, group := range []string{`"istok"`, `""`, `null`, `5`} {
		if _, err := s.Press(t.Context(), []byte(`{"name": "Другая", "group": `+group+`}`), entry, now); dental.KindOf(err) != dental.Invalid || stored(t, s, "c1").Name != "Клиника Исток" {
			t.Errorf("the group %s: %v", group, err)
		}
	}
}

func TestTheSamePressIsOneRotation(t *testing.T) {
	s := keeper(t, nil)
	put(t, s, `{}`, now)
	press := func(id string, at time.Time) dental.Secret {
		t.Helper()
		secret, err := s.PressRotate(t.Context(), dental.LogEntry{Clinic: "c1", ID: id, At: at, By: "Марина", Role: dental.Owner, Action: "secret-rotated"}, at, 24*time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		return secret
	}
	first := press("press-1", now)
	if again := press("press-1", now.Add(time.Minute)); again != first || len(stored(t, s, "c1").Secrets) != 2 {
		t.Errorf("a reload gives another secret; there are %d", len(stored(t, s, "c1").Secrets))
	}
	for i := range 5 {
		if fresh := press(fmt.Sprint("another-", i), now.Add(2*time.Minute)); fresh == first {
			t.Error("another press gives the same secret")
		}
	}
	if n := len(stored(t, s, "c1").ActiveSecrets(now.Add(time.Hour))); n != dental.MostSecrets {
		t.Errorf("%d secrets verify", n)
	}
	entries, _, err := s.Store.Log(t.Context(), "c1", "2026-03", 20, "")
	if err != nil || len(entries) != 6 {
		t.Errorf("%d lines in the log, %v", len(entries), err)
	}
	if _, err := s.PressRotate(t.Context(), dental.LogEntry{Clinic: "c1"}, now, time.Hour); dental.KindOf(err) != dental.Invalid {
		t.Errorf("a press without an id: %v", err)
	}
}

// own is a patch of one text of the recall.
func own(t *testing.T, key string, text any) []byte {
	t.Helper()
	b, err := json.Marshal(map[string]any{"scenarios": map[string]any{"recall": map[string]any{"texts": map[string]any{key: text}}}})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

type text map[string]any

func good() text {
	return text{"sms": "Осмотр {minutes},  лучше до {until}: {link}", "subject": "Пора на осмотр", "heading": "Пора на осмотр", "paragraphs": []string{"Осмотр займёт {minutes}."}, "button": "Записаться"}
}

func TestAnOwnTextIsKeptBesideTheOthersAndTakenBack(t *testing.T) {
	cl, err := settings.Apply(settings.New("c1"), own(t, "first/ru", good()))
	if err == nil {
		cl, err = settings.Apply(cl, own(t, "second/hygiene/ru", good()))
	}
	if err != nil || len(cl.Scenario("recall").Texts) != 2 || cl.Scenario("recall").Texts["first/ru"].SMS != "Осмотр {minutes}, лучше до {until}: {link}" {
		t.Fatalf("%+v, %v", cl.Scenario("recall").Texts, err)
	}
	if cl, err = settings.Apply(cl, own(t, "first/ru", nil)); err != nil || len(cl.Scenario("recall").Texts) != 1 {
		t.Errorf("%+v, %v", cl.Scenario("recall").Texts, err)
	}
	for _, key := range []string{"first/de", "call/ru", "first", "../ru"} {
		if _, err := settings.Apply(cl, own(t, key, good())); err == nil {
			t.Errorf("a text %q is taken", key)
		}
	}
}

func TestAnOwnTextThatWillNotDoIsRefusedAtItsPart(t *testing.T) {
	for part, bad := range map[string]any{
		"sms": "Скидка 10%: {link} до {until}", "subject": strings.Repeat("ж", 151), "heading": "{nobody}", "paragraphs": []string{strings.Repeat("ж", 801)}, "button": strings.Repeat("ж", 41)} {
		t.Run(part, func(t *testing.T) {
			changed := good()
			changed[part] = bad
			_, err := settings.Apply(settings.New("c1"), own(t, "first/ru", changed))
			var refused *settings.Refusal
			if !errors.As(err, &refused) || dental.KindOf(err) != dental.Invalid {
				t.Fatalf("%v", err)
			}
			if path := refused.Faults[0].Path; !strings.HasPrefix(path, `scenarios.recall.texts["first/ru"].`+part) {
				t.Errorf("the fault stands at %s", path)
			}
			for _, l := range locale.All() {
				if says := refused.Faults[0].Explain(l); says == "" || strings.Contains(says, "desk.") {
					t.Errorf("in %v it is %q", l, says)
				}
			}
		})
	}
}

func TestAClinicsTextsHaveRoomInItsItem(t *testing.T) {
	cl := settings.New("c1")
	long := good()
	var paragraphs []string
	for i := range 8 {
		paragraphs = append(paragraphs, fmt.Sprintf("%d %s", i, strings.Repeat("осмотр ", 110)))
	}
	long["paragraphs"] = paragraphs
	n := 0
	var err error
	for _, step := range []string{"first", "second", "again"} {
		for _, variant := range []string{"", "hygiene/", "implant/"} {
			if err != nil {
				break
			}
			if cl, err = settings.Apply(cl, own(t, step+"/"+variant+"ru", long)); err == nil {
				n++
			}
		}
	}
	if err == nil || !strings.Contains(err.Error(), "more own texts") || n < 3 {
		t.Errorf("%d long texts are taken, then %v", n, err)
	}
}

func TestAColourIsSixDigitsOrNone(t *testing.T) {
	cl, err := settings.Apply(settings.New("c1"), []byte(`{"color": "#A1b2C3"}`))
	if err != nil || cl.Color != "#a1b2c3" {
		t.Errorf("%q, %v", cl.Color, err)
	}
	for _, bad := range []string{"a1b2c3", "#a1b2c", "#a1b2c3d", "red", "#a1b2cg", "url(x)"} {
		if _, err := settings.Apply(cl, []byte(`{"color": "`+bad+`"}`)); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
	if cl, err = settings.Apply(cl, []byte(`{"color": ""}`)); err != nil || cl.Color != "" {
		t.Errorf("%q, %v", cl.Color, err)
	}
}

func TestEachFaultHasWordsInEveryLocale(t *testing.T) {
	bad := `{"x": 1, "timeZone": "Mars", "country": "XX", "sendFrom": "25:00", "channels": ["sms", "sms"], "phone": "1", "opening": {"mon": ["09:00"], "tue": ["20:00", "09:00"]},
		"holidays": ["x"], "margin": 2, "gifts": [{"id": "a", "name": "b"}, {"id": "a", "name": "c"}], "maps": [{"name": "", "url": "x"}], "scenarios": {"plan": {"holdout": 10}, "sleeping-6": {"benefit": {"kind": "gift"}}},
		"formerDoctors": ["a b"], "address": "` + strings.Repeat("ж", 201) + `", "careConsent": "no", "group": "a b", "capPerWeek": 8, "partPrice": "-1", "bookingUrl": "x", "color": "x", "name": 1, "advice": ["a\u0007"]}`
	_, err := settings.Apply(settings.New("c1"), []byte(bad))
	var refused *settings.Refusal
	if !errors.As(err, &refused) || len(refused.Faults) < 23 {
		t.Fatalf("%v", err)
	}
	for _, f := range refused.Faults {
		for _, l := range locale.All() {
			if says := f.Explain(l); says == "" || strings.HasPrefix(says, "desk.") {
				t.Errorf("%s in %v is %q", f.Path, l, says)
			}
		}
	}
}
