package locale

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/returnpoint/returnpoint/shared/dental"
)

// values lists every value that a text of the catalogues may ask for, with one
// that reads well in its place. A new one is named here first.
func values() map[string]string {
	return map[string]string{
		"n":        "3",
		"day":      "12 марта",            // as Day or DayYear writes it
		"date":     "в четверг, 12 марта", // as DayWeekday writes it
		"time":     "14:30",               // as Time writes it
		"doctor":   "Ирина Соколова",
		"clinic":   "Улыбка",
		"answer":   "👎",                       // from answer.*
		"reason":   "нет согласия",            // from reason.*
		"scenario": "Приглашение на контроль", // a title of the catalogue of scenarios
		"channel":  "SMS",                     // from channel.*
		"next":     "Контроль",                // the next step of the treatment
		"word":     "скидка",                  // a word of a text that breaks a rule
		"name":     "Пётр",                    // the name that a referred friend left, or what a clinic calls a gift
		"amount":   "500\u00a0₽",              // as Money writes it
		"percent":  "10",
		"phone":    "+79000000000",            // as a friend left it
		"version":  "referral-2026",           // of the wording that a consent was given under
		"wish":     "пятница, вечер",          // a weekday and a part.*
		"benefit":  "скидка 10\u00a0%",        // as Benefit and Referral write it
		"code":     "7KXM-4R2P",               // of a gift
		"minutes":  "30 минут",                // as Minutes writes it
		"every":    "3",                       // how many visits earn a free one
		"address":  "https://rp.example/desk", // where staff sign in
		"from":     "27 апреля",               // the first of some days, as Day writes it
		"what":     "Приглашение на контроль", // what a line of a timeline is about
		"least":    "1",                       // the bounds of a number
		"most":     "7",
		"span":     "2 дня",                         // a stretch of time
		"event":    "визита",                        // what it is counted from
		"class":    "о здоровье",                    // from class.*
		"count":    "2",                             // a second number beside n
		"id":       "P-77",                          // of a card without a name
		"list":     "SMS 12 марта и почта 14 марта", // several things in a row
		"who":      "Ольга",                         // a member of staff
		"detail":   "31.02.2026",                    // what a line of an import has in a place where something else is asked for
	}
}

// reasonCodes are the codes that the rules give to what did not leave.
func reasonCodes() []string {
	return []string{
		"erased", "excluded", "archived", "moved", "deceased", "no-card", "no-address", "phone-malformed", "phone-extension",
		"phone-several", "phone-toll-free", "offered-lately", "sent-already", "foreign-phone", "landline", "shared-phone", "no-consent", "opted-out", "suppressed", "not-me",
		"capped", "ceiling", "deadline", "late-event", "scenario-off", "step-off", "paused", "rescheduled",
		"appointment-cancelled", "appointment-missed", "appointment-over", "attended", "answered", "booked", "asked-recently",
		"visit-soon", "plan-visits", "combined", "phone-only", "withheld", "no-contact", "complaint-open", "disputed", "minor", "no-guardian", "map-asked",
		"map-followed", "no-map", "answer-changed", "address-changed", "provider-refused", "no-answer-from-provider",
		"all-channels-failed", "holdout", "not-released", "in-recall", "recall-variant", "too-soon", "superseded", "never",
		"later", "stage-done", "doubtful-birthday", "near-advertisement", "emergency-only", "too-long-ago", "backlog",
		"once-a-year", "invited-recently", "holiday", "return-ahead", "visit-changed", "birthday-changed", "outranked",
		"visited-elsewhere", "no-fact", "audience", "not-yet", "passed", "long-past", "left-already", "no-text", "no-channel", "lead-card", "redeemed", "gift-over",
	}
}

func TestEveryLocaleHasEveryKey(t *testing.T) {
	for _, l := range All() {
		for _, other := range All() {
			for _, key := range other.Keys() {
				if !l.Has(key) {
					t.Errorf("%v lacks %q, which %v has", l, key, other)
				}
			}
		}
	}
}

func TestNoKeyStandsTwiceInACatalogueAndEachInTheFilesOfItsHalf(t *testing.T) {
	for _, l := range All() {
		names, err := fs.Glob(texts, "texts/"+l.String()+"/*.json")
		if err != nil || len(names) < 2 {
			t.Fatalf("%v: %q, error %v", l, names, err)
		}
		seen := map[string]bool{}
		for _, name := range names {
			source, err := texts.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			decoder := json.NewDecoder(bytes.NewReader(source))
			for i := 0; ; i++ {
				token, err := decoder.Token()
				if err != nil {
					break
				}
				// The tokens are the brace, then key, text, key, text.
				key, is := token.(string)
				if !is || i%2 == 0 {
					continue
				}
				if seen[key] {
					t.Errorf("%s: %q stands twice in the catalogue", name, key)
				}
				if strings.HasPrefix(key, "desk.") != strings.HasPrefix(path.Base(name), "desk-") {
					t.Errorf("%s: %q belongs into another file", name, key)
				}
				seen[key] = true
			}
		}
		if len(seen) != len(l.Keys()) {
			t.Errorf("%v: the files have %d keys and the catalogue %d", l, len(seen), len(l.Keys()))
		}
	}
}

func TestTextsOfOneKeyAskForTheSameValues(t *testing.T) {
	for _, key := range English.Keys() {
		if en, ru := English.Placeholders(key), Russian.Placeholders(key); !slices.Equal(en, ru) {
			t.Errorf("%q asks for %q in English and %q in Russian", key, en, ru)
		}
	}
}

func TestTextsAskOnlyForKnownValuesAndAreFilledByThem(t *testing.T) {
	used := map[string]bool{}
	for _, l := range All() {
		for _, key := range l.Keys() {
			for _, name := range l.Placeholders(key) {
				used[name] = true
				if values()[name] == "" {
					t.Errorf("%v %q asks for {%s}, which is not in the list of values", l, key, name)
				}
			}
			if got := l.Text(key, values()); strings.ContainsAny(got, "{}|") {
				t.Errorf("%v %q is not filled: %q", l, key, got)
			}
		}
	}
	for name := range values() {
		if !used[name] {
			t.Errorf("no text asks for {%s}", name)
		}
	}
}

var counted = regexp.MustCompile(`\{(\w+)((?:\|[^|{}]+)+)\}`)

func TestCountedNounsHaveEveryFormOfTheirLanguage(t *testing.T) {
	found := 0
	for _, l := range All() {
		for _, key := range l.Keys() {
			text, _ := l.lookUp(key)
			for _, m := range counted.FindAllStringSubmatch(text, -1) {
				found++
				if got := strings.Count(m[2], "|"); got != l.language().forms {
					t.Errorf("%v %q: %s has %d forms, want %d", l, key, m[0], got, l.language().forms)
				}
			}
		}
	}
	if found == 0 {
		t.Error("no counted noun was found: this test looks at nothing")
	}
}

func TestTextsAreTidyAndInTheirLanguage(t *testing.T) {
	neutral := map[string]bool{"channel.sms": true, "channel.whatsapp": true, "answer.good": true, "answer.fair": true, "answer.bad": true}
	for _, l := range All() {
		for _, key := range l.Keys() {
			text, _ := l.lookUp(key)
			plain := counted.ReplaceAllString(regexp.MustCompile(`\{\w+\}`).ReplaceAllString(text, ""), "$2")
			cyrillic := strings.ContainsFunc(plain, func(r rune) bool { return unicode.Is(unicode.Cyrillic, r) })
			letters := strings.ContainsFunc(plain, unicode.IsLetter)
			switch {
			case text == "":
				t.Errorf("%v %q is empty", l, key)
			case text != strings.TrimSpace(text) || strings.Contains(text, "  "):
				t.Errorf("%v %q has spaces to spare: %q", l, key, text)
			case strings.ContainsFunc(text, unicode.IsControl):
				t.Errorf("%v %q has a control character: %q", l, key, text)
			case letters && !neutral[key] && cyrillic != (l == Russian):
				t.Errorf("%v %q is in another language: %q", l, key, text)
			}
		}
	}
}

func TestEveryReasonHasWordsThatCanStandAfterAColon(t *testing.T) {
	for _, l := range All() {
		for _, code := range reasonCodes() {
			if !l.Has("reason." + code) {
				t.Errorf("%v has no words for %q", l, code)
				continue
			}
			text := l.Reason(code)
			first := []rune(text)[:2]
			// An abbreviation may stand first in capitals.
			if strings.HasSuffix(text, ".") || unicode.IsUpper(first[0]) && !unicode.IsUpper(first[1]) {
				t.Errorf("%v %q cannot stand after a colon: %q", l, code, text)
			}
		}
		for _, key := range l.Keys() {
			if code, is := strings.CutPrefix(key, "reason."); is && !slices.Contains(reasonCodes(), code) {
				t.Errorf("%v: %q is no code of the rules", l, key)
			}
		}
	}
}

func TestTasksSpeakInWholeSentences(t *testing.T) {
	kinds := []dental.TaskKind{dental.CallTask, dental.PlanTask, dental.ConfirmTask, dental.ComplaintTask, dental.FeedbackTask,
		dental.RebookTask, dental.CallbackTask, dental.ContactTask, dental.LeadTask, dental.WakeTask, dental.ReleaseTask, dental.UnknownTask}
	for _, l := range All() {
		for _, kind := range kinds {
			for _, key := range []string{"task." + string(kind), "kind." + string(kind)} {
				if !l.Has(key) {
					t.Errorf("%v lacks %q", l, key)
				}
			}
		}
		for _, key := range l.Keys() {
			name, is := strings.CutPrefix(key, "task.")
			if !is {
				continue
			}
			if kind, _, _ := strings.Cut(name, "."); !slices.Contains(kinds, dental.TaskKind(kind)) {
				t.Errorf("%v: %q is of no kind of task", l, key)
			}
			if text := l.Text(key, values()); !strings.HasSuffix(text, ".") {
				t.Errorf("%v %q does not end as a sentence: %q", l, key, text)
			}
		}
	}
}

func TestEveryNameOfTheContractHasWords(t *testing.T) {
	var keys []string
	add := func(prefix string, names ...string) {
		for _, name := range names {
			keys = append(keys, prefix+name)
		}
	}
	for _, c := range append(dental.Channels(), dental.StaffTask) {
		add("channel.", string(c))
	}
	for _, c := range dental.Classes() {
		add("class.", string(c))
	}
	for _, k := range dental.ProcedureKinds() {
		add("procedure.", string(k))
	}
	for _, s := range []dental.TouchState{dental.Held, dental.Planned, dental.Queued, dental.Claimed, dental.Sent, dental.Skipped,
		dental.Failed, dental.TouchCancelled, dental.Unknown} {
		add("state.", string(s))
	}
	for _, r := range []dental.Rating{dental.Good, dental.Fair, dental.Bad} {
		add("answer.", string(r))
	}
	add("", "answer.nps", "answer.rated", "mail.why", "mail.unsubscribe", "warning.advertising", "doctor.yours")
	for _, l := range All() {
		for _, key := range keys {
			if !l.Has(key) {
				t.Errorf("%v lacks %q", l, key)
			}
		}
	}
}

func TestValuesAreNeverReadAsTexts(t *testing.T) {
	got := English.Text("task.lead", map[string]string{"name": "{n|a|b} {name}"})
	want := "Recommended by a patient, {n|a|b} {name} would like to come. Call and offer a time."
	if got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	if got := English.Text("answer.rated", map[string]string{"answer": "class.care", "n": "{n}"}); got != "class.care, {n} out of 10" {
		t.Errorf("got %q", got)
	}
}

func TestCountedNounsAgreeWithTheirNumber(t *testing.T) {
	for n, want := range map[string]string{
		"1": "1 сообщение ждёт", "3": "3 сообщения ждут", "11": "11 сообщений ждут", "": " сообщений ждут",
	} {
		got := Russian.Text("task.release", map[string]string{"n": n, "day": "12 марта", "scenario": "Рекомендация"})
		if !strings.Contains(got, ": "+want+" отправки") {
			t.Errorf("%q gives %q, want %q in it", n, got, want)
		}
	}
}

func TestAnUnknownKeyIsItsOwnText(t *testing.T) {
	if got := Russian.Text("page.nothing", nil); got != "page.nothing" {
		t.Errorf("got %q", got)
	}
	if got := Russian.Reason("from-the-future"); got != "from-the-future" {
		t.Errorf("got %q", got)
	}
	if Russian.Has("page.nothing") {
		t.Error("the catalogue claims to have it")
	}
	if got := Russian.Placeholders("page.nothing"); len(got) != 0 {
		t.Errorf("it asks for %q", got)
	}
}

func TestPlaceholdersAreListedOnceInOrder(t *testing.T) {
	if got := English.Placeholders("task.release"); !slices.Equal(got, []string{"day", "n", "scenario"}) {
		t.Errorf("got %q", got)
	}
}

func BenchmarkReadingACatalogue(b *testing.B) {
	for b.Loop() {
		mustParse("texts/ru/[^d]*.json")
	}
}

func ExampleLocale_Text() {
	fmt.Println(Russian.Text("task.rebook.missed", map[string]string{"date": "в четверг, 12 марта", "time": "14:30"}))
	// Output: Приём в четверг, 12 марта, в 14:30, пропущен. Узнайте, всё ли в порядке, и предложите другое время.
}
