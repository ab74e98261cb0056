package catalogue_test

import (
	"bytes"
	"flag"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/locale"
	"github.com/returnpoint/returnpoint/shared/message"
	"github.com/returnpoint/returnpoint/shared/scenario"
)

var update = flag.Bool("update", false, "write the golden file anew")

// most is how many SMS parts a message takes.
const most = 2

// said is one text of the catalogue in one language.
type said struct {
	name  string
	step  scenario.Step
	l     locale.Locale
	text  scenario.Text
	class dental.Class
}

func everything(t *testing.T) []said {
	t.Helper()
	var out []said
	for _, s := range shipped(t) {
		for _, st := range s.Steps {
			for _, key := range slices.Sorted(maps.Keys(st.Texts)) {
				_, tag, found := strings.Cut(key, "/")
				if !found {
					tag = key
				}
				out = append(out, said{s.Name + "/" + st.Name + " " + key, st, locale.For(tag), st.Texts[key], st.Class})
			}
		}
	}
	return out
}

// people are those a text may be written for.
var people = []string{"somebody", "somebody with long names", "nobody in particular"}

// values are what a text is given, in its language: an ordinary patient, the
// longest plausible names, or only what there always is.
func (s said) values(t *testing.T, person string) message.Values {
	t.Helper()
	d := dental.Date{Year: 2026, Month: 3, Day: 12}
	v := map[locale.Locale]message.Values{
		locale.Russian: {message.Given: "Екатерина", message.Doctor: "Ирина Соколова", message.ClinicName: "Клиника Исток", message.Address: "ул. Примерная, 1",
			message.Until: "22 ноября", message.Next: "контрольный осмотр", message.List: "Анна 10:00, Пётр 11:30 и Маша 12:15", message.Advice: s.step.Advice["ru"]["hygiene"]},
		locale.English: {message.Given: "Catherine", message.Doctor: "Irene Falconer", message.ClinicName: "Spring Clinic", message.Address: "1 Sample Street",
			message.Until: "November 22", message.Next: "check-up", message.List: "Ann 10:00 AM, Peter 11:30 AM and Mary 12:15 PM", message.Advice: s.step.Advice["en"]["hygiene"]},
	}[s.l]
	v[message.ClinicPhone], v[message.Link] = "+74950000000", "https://rp.example/s/AbCdEfGhIjKlMnOp"
	if person == "somebody with long names" {
		d = dental.Date{Year: 2026, Month: 9, Day: 27} // "в воскресенье, 27 сентября"
		if s.l == locale.English {
			d = dental.Date{Year: 2026, Month: 9, Day: 23} // "on Wednesday, September 23"
		}
		v[message.Link] = "https://returnpoint.example/s/AbCdEfGhIjKlMnOp"
		v[message.Given], v[message.Doctor] = "Александра-Вероника", "Преображенская-Константинова Александра-Вероника"
		v[message.ClinicName], v[message.Address] = "Стоматологический центр «Улыбка на всю жизнь»", "Санкт-Петербург, Большая Академическая ул., 144, корп. 2, офис 301"
		v[message.Next] = "консультация и составление плана лечения"
		var times []string // a reminder of several long names has the times alone
		for _, at := range []dental.TimeOfDay{9*60 + 30, 10 * 60, 10*60 + 30, 11 * 60, 12*60 + 30} {
			times = append(times, s.l.Time(at))
		}
		v[message.List] = s.l.Join(times)
		longest := func(a, b string) int { return utf8.RuneCountInString(a) - utf8.RuneCountInString(b) }
		if advice := slices.Collect(maps.Values(s.step.Advice[s.l.String()])); len(advice) > 0 {
			v[message.Advice] = slices.MaxFunc(advice, longest)
		}
	}
	v[message.Day], v[message.Date], v[message.Time] = s.l.Day(d), s.l.DayWeekday(d), s.l.Time(14*60+30)
	if person == "nobody in particular" {
		for _, p := range []message.Placeholder{message.Given, message.Doctor, message.ClinicName, message.ClinicPhone, message.Address, message.Next, message.Advice} {
			v[p] = ""
		}
		if s.step.Link == scenario.BookingLink || s.step.Name == "thanks" {
			v[message.Link] = ""
		}
	}
	return v
}

func render(t *testing.T, source string, v message.Values, limit int) message.Rendered {
	t.Helper()
	tmpl, err := message.Compile(source)
	if err != nil {
		t.Fatal(err)
	}
	return tmpl.Render(v, limit)
}

func (s said) sms(t *testing.T, person string) message.Rendered {
	t.Helper()
	tmpl, err := message.Compile(s.text.SMS)
	if err != nil {
		t.Fatal(err)
	}
	return tmpl.Append(message.Warning(s.l, s.class)).Render(s.values(t, person), most)
}

func TestEveryTextReadsToEverybodyAsItsGoldenFileHasIt(t *testing.T) {
	var b bytes.Buffer
	for _, s := range everything(t) {
		fmt.Fprintf(&b, "%s\n", s.name)
		for _, person := range people {
			r := s.sms(t, person)
			v := s.values(t, person)
			fmt.Fprintf(&b, "  to %s\n    SMS, %d part(s), without %q\n      %s\n", person, r.Parts, r.Dropped, r.Text)
			if person == "somebody with long names" {
				continue // a letter has room for everything
			}
			fmt.Fprintf(&b, "    e-mail\n      %s\n      %s\n", render(t, s.text.Subject, v, 0).Text, render(t, s.text.Heading, v, 0).Text)
			for _, p := range s.text.Paragraphs {
				if p := render(t, p, v, 0).Text; p != "" {
					fmt.Fprintf(&b, "      %s\n", p)
				}
			}
			fmt.Fprintf(&b, "      [%s]\n", render(t, s.text.Button, v, 0).Text)
		}
	}
	const path = "testdata/texts.golden.txt"
	if *update {
		if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	got, before := strings.Split(b.String(), "\n"), strings.Split(string(want), "\n")
	for i := range max(len(got), len(before)) {
		if i >= len(got) || i >= len(before) || got[i] != before[i] {
			t.Fatalf("from line %d on it is not what the golden file has; read it, then go test ./shared/scenario/catalogue -update\n%s", i+1, strings.Join(got[max(0, i-3):min(len(got), i+5)], "\n"))
		}
	}
}

func TestEverySMSFitsInTwoPartsWhateverTheNames(t *testing.T) {
	for _, s := range everything(t) {
		for _, person := range people {
			if r := s.sms(t, person); r.Over || r.Parts > most || r.Parts < 1 || len(r.Missing) > 0 {
				t.Errorf("%s to %s takes %d parts and lacks %v: %s", s.name, person, r.Parts, r.Missing, r.Text)
			}
		}
	}
}

func TestNoLetterHasAHole(t *testing.T) {
	for _, s := range everything(t) {
		v := s.values(t, "nobody in particular")
		for _, source := range append([]string{s.text.Subject, s.text.Heading, s.text.Button}, s.text.Paragraphs...) {
			if r := render(t, source, v, 0); len(r.Missing) > 0 {
				t.Errorf("%s lacks %v: %s", s.name, r.Missing, r.Text)
			}
		}
		full := ""
		for _, p := range s.text.Paragraphs {
			full += render(t, p, s.values(t, "somebody"), 0).Text
		}
		if full == "" || render(t, s.text.Subject, v, 0).Text == "" || render(t, s.text.Heading, v, 0).Text == "" || render(t, s.text.Button, v, 0).Text == "" {
			t.Errorf("%s has an empty subject, heading, button or body", s.name)
		}
	}
}

func TestAReminderCarriesItsDayTimeAndPhoneInItselfOnAnyDay(t *testing.T) {
	n := 0
	for _, s := range everything(t) {
		if !s.step.Reminder {
			continue
		}
		n++
		tmpl, err := message.Compile(s.text.SMS)
		if err != nil {
			t.Fatal(err)
		}
		v := s.values(t, "somebody")
		for d := (dental.Date{Year: 2026, Month: 1, Day: 1}); d.Year == 2026; d = d.AddDays(1) {
			v[message.Day], v[message.Date] = s.l.Day(d), s.l.DayWeekday(d)
			text := tmpl.Render(v, most).Text
			must := []string{v[message.Day], v[message.Time], v[message.ClinicPhone]}
			if tmpl.Uses(message.List) {
				must[1] = v[message.List]
			}
			if tmpl.Uses(message.Link) {
				must = append(must, v[message.Link])
			}
			for _, value := range must {
				if !strings.Contains(text, value) {
					t.Fatalf("%s does not tell %s: %s", s.name, value, text)
				}
			}
		}
	}
	if n != 8 {
		t.Errorf("%d reminders were read", n)
	}
}

func TestWhatMattersMostIsLeftOutLast(t *testing.T) {
	for _, s := range everything(t) {
		if s.step.Link == "" || s.step.Link == scenario.BookingLink || s.step.Name == "today" || s.step.Name == "thanks" {
			continue
		}
		if r := s.sms(t, "somebody with long names"); !strings.Contains(r.Text, "https://") {
			t.Errorf("%s: the link is left out: %s", s.name, r.Text)
		}
	}
}

var (
	awkward = regexp.MustCompile(`  |^[\s,.;:!?—-]| [,.;:!?»)]|[,;:—-]$|[,;:] ?[.,;:!?]|\.\.|[({«] | $|[{}\[\]]|!\.|\?\.`)
	initial = regexp.MustCompile(`[.!?] \p{Ll}`)
)

func TestNoTextHasAWordOutOfPlaceWhoeverItIsFor(t *testing.T) {
	for _, s := range everything(t) {
		for _, person := range people {
			v := s.values(t, person)
			all := map[string]string{"SMS": s.sms(t, person).Text, "subject": render(t, s.text.Subject, v, 0).Text, "heading": render(t, s.text.Heading, v, 0).Text, "button": render(t, s.text.Button, v, 0).Text}
			for i, p := range s.text.Paragraphs {
				all[fmt.Sprint("paragraph ", i+1)] = render(t, p, v, 0).Text
			}
			for part, text := range all {
				spoken := strings.NewReplacer("👍 / 😐 / 👎 ", "", "ул. ", "", "корп. ", "").Replace(text)
				if strings.HasPrefix(text, "👍") {
					continue
				}
				if found := awkward.FindString(spoken); found != "" && text != "" {
					t.Errorf("%s, %s to %s: %q in %q", s.name, part, person, found, text)
				}
				if found := initial.FindString(strings.ReplaceAll(spoken, "https://", "")); found != "" {
					t.Errorf("%s, %s to %s: a sentence begins small, %q in %q", s.name, part, person, found, text)
				}
				if first, _ := utf8.DecodeRuneInString(text); text != "" && unicode.IsLower(first) {
					t.Errorf("%s, %s to %s begins small: %q", s.name, part, person, text)
				}
			}
		}
	}
}

func TestNoRenderedTextBreaksARuleOfItsClass(t *testing.T) {
	for _, s := range everything(t) {
		v := s.values(t, "somebody")
		check := func(part string, channel dental.Channel, text string) {
			for _, f := range message.Check(s.l, s.class, channel, text) {
				t.Errorf("%s, %s: %s in %q", s.name, part, f.Explain(locale.English), text)
			}
		}
		check("SMS", dental.SMS, s.sms(t, "somebody").Text)
		check("subject", dental.SMS, render(t, s.text.Subject, v, 0).Text)
		check("heading", dental.Mail, render(t, s.text.Heading, v, 0).Text)
		check("button", dental.Mail, render(t, s.text.Button, v, 0).Text)
		for _, p := range s.text.Paragraphs {
			check("paragraph", dental.Mail, render(t, p, v, 0).Text)
		}
	}
}

func TestEveryKindOfProcedureThatNeedsAdviceHasIt(t *testing.T) {
	thanks := shipped(t).Step("after-visit", "thanks")
	for _, l := range locale.All() {
		for _, kind := range dental.ProcedureKinds() {
			advice := thanks.Advice[l.String()][string(kind)]
			if needs := kind != dental.Diagnostics && kind != dental.OtherKind; (advice != "") != needs {
				t.Errorf("after %s the advice in %s is %q", kind, l, advice)
			}
			if strings.HasSuffix(advice, ".") {
				t.Errorf("the advice %q brings the full stop that the text has", advice)
			}
		}
	}
}
