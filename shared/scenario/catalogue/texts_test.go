package catalogue_test

import (
	"bytes"
	"flag"
	"fmt"
	"maps"
	"os"
	"reflect"
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
	scenario scenario.Scenario
	step     scenario.Step
	variant  string
	l        locale.Locale
	text     scenario.Text
	class    dental.Class
}

func (s said) name() string {
	return strings.TrimSpace(s.scenario.Name+"/"+s.step.Name+" "+s.variant) + " in " + s.l.String()
}

func everything(t *testing.T) []said {
	t.Helper()
	var out []said
	for _, sc := range shipped(t) {
		for _, st := range sc.Steps {
			for _, key := range slices.Sorted(maps.Keys(st.Texts)) {
				variant, tag, found := strings.Cut(key, "/")
				if !found {
					variant, tag = "", key
				}
				s := said{sc, st, variant, locale.For(tag), st.Texts[key], st.Class}
				if variant == scenario.Plain {
					s.class = dental.Service
				}
				out = append(out, s)
			}
		}
	}
	return out
}

// The people a text may be written for.
const (
	ordinary  = "somebody"
	longNamed = "somebody with long names"
	nobody    = "nobody in particular"
	orphaned  = "somebody whose doctor has left"
)

var people = []string{ordinary, longNamed, nobody, orphaned}

// values are what a text is given, in its language: an ordinary patient, the
// longest plausible names, or only what there always is.
func (s said) values(t *testing.T, person string) message.Values {
	t.Helper()
	d := dental.Date{Year: 2026, Month: 3, Day: 12}
	v := map[locale.Locale]message.Values{
		locale.Russian: {message.Given: "Екатерина", message.Doctor: "Ирина Соколова", message.ClinicName: "Клиника Исток", message.Address: "ул. Примерная, 1",
			message.Next: "контрольный осмотр", message.List: "Анна 10:00, Пётр 11:30 и Маша 12:15", message.Advice: s.step.Advice["ru"]["hygiene"]},
		locale.English: {message.Given: "Catherine", message.Doctor: "Irene Falconer", message.ClinicName: "Spring Clinic", message.Address: "1 Sample Street",
			message.Next: "check-up", message.List: "Ann 10:00 AM, Peter 11:30 AM and Mary 12:15 PM", message.Advice: s.step.Advice["en"]["hygiene"]},
	}[s.l]
	v[message.ClinicPhone], v[message.Link] = "+74950000000", s.link("rp.example")
	v[message.Until], v[message.Minutes] = s.l.Day(dental.Date{Year: 2026, Month: 11, Day: 22}), s.l.Minutes(30)
	v[message.Benefit] = s.l.Benefit(s.scenario.Benefit)
	if s.step.Link == dental.ReferralLink {
		v[message.Benefit] = s.l.Referral(dental.ReferralTerms{Reward: roubles(500)})
	}
	switch person {
	case orphaned:
		v[message.Doctor] = s.l.Text("doctor.yours", nil)
	case longNamed:
		d = dental.Date{Year: 2026, Month: 9, Day: 27} // "в воскресенье, 27 сентября"
		if s.l == locale.English {
			d = dental.Date{Year: 2026, Month: 9, Day: 23} // "on Wednesday, September 23"
		}
		v[message.Until], v[message.Minutes] = s.l.Day(dental.Date{Year: 2026, Month: 9, Day: 22}), s.l.Minutes(90)
		v[message.Link] = s.link("returnpoint.example")
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
	case nobody:
		for _, p := range []message.Placeholder{message.Given, message.Doctor, message.ClinicName, message.ClinicPhone, message.Address, message.Next, message.Advice} {
			v[p] = ""
		}
		if s.step.Link == scenario.BookingLink || s.step.Name == "thanks" {
			v[message.Link] = ""
		}
		if s.scenario.Benefit.Kind == "" {
			v[message.Benefit] = "" // a clinic that rewards no recommendations
		}
	}
	if s.scenario.On == scenario.OnVisitDay && person == ordinary {
		d = dental.Date{} // nothing is booked; else there is no day to come back by
	} else if s.scenario.On == scenario.OnVisitDay {
		v[message.Until] = ""
	}
	v[message.Day], v[message.Date], v[message.Time] = s.l.Day(d), s.l.DayWeekday(d), s.l.Time(14*60+30)
	return v
}

// link is the page that the text leads to, on a domain short or long.
func (s said) link(host string) string {
	switch {
	case s.step.Link == "", s.variant == scenario.Plain:
		return ""
	case s.step.Link == scenario.BookingLink:
		return "https://booking.example/clinic"
	}
	return "https://" + host + "/" + string(s.step.Link) + "/AbCdEfGhIjKlMnOp"
}

func roubles(n int64) dental.Money { return dental.Money{Minor: n * 100, Currency: "RUB"} }

func render(t *testing.T, source string, v message.Values, limit int) message.Rendered {
	t.Helper()
	tmpl, err := message.Compile(source)
	if err != nil {
		t.Fatal(err)
	}
	return tmpl.Render(v, limit)
}

func (s said) sms(t *testing.T, v message.Values) message.Rendered {
	t.Helper()
	tmpl, err := message.Compile(s.text.SMS)
	if err != nil {
		t.Fatal(err)
	}
	return tmpl.Append(message.Warning(s.l, s.class)).Render(v, most)
}

// letter is the e-mail as it reads: the subject, the heading, the paragraphs, the button.
func (s said) letter(t *testing.T, v message.Values) []string {
	t.Helper()
	out := []string{render(t, s.text.Subject, v, 0).Text, render(t, s.text.Heading, v, 0).Text}
	for _, p := range s.text.Paragraphs {
		if p := render(t, p, v, 0).Text; p != "" {
			out = append(out, p)
		}
	}
	if s.text.Button != "" {
		out = append(out, "["+render(t, s.text.Button, v, 0).Text+"]")
	}
	return out
}

// sources are all the templates of the text.
func (s said) sources() []string {
	out := append([]string{s.text.SMS, s.text.Subject, s.text.Heading}, s.text.Paragraphs...)
	if s.text.Button != "" {
		out = append(out, s.text.Button)
	}
	return out
}

func TestEveryTextReadsToEverybodyAsItsGoldenFileHasIt(t *testing.T) {
	var b bytes.Buffer
	all := everything(t)
	for i, s := range all {
		fmt.Fprintf(&b, "%s\n", s.name())
		twin := slices.IndexFunc(all[:i], func(o said) bool { return o.step.Name == s.step.Name && reflect.DeepEqual(o.text, s.text) })
		if twin >= 0 && all[twin].scenario.Name == s.scenario.Name {
			fmt.Fprintf(&b, "  as %s\n", all[twin].name())
			continue
		}
		var usual []string
		for _, person := range people {
			v := s.values(t, person)
			r := s.sms(t, v)
			lines := []string{fmt.Sprintf("SMS, %d part(s), without %q", r.Parts, r.Dropped), "  " + r.Text}
			if person != longNamed { // a letter has room for everything
				lines = append(lines, "letter")
				for _, l := range s.letter(t, v) {
					lines = append(lines, "  "+l)
				}
			}
			// Of all but the first only what they read differently.
			own := slices.DeleteFunc(slices.Clone(lines), func(l string) bool { return slices.Contains(usual, l) })
			if usual == nil {
				usual = lines
			}
			if len(own) > 0 {
				fmt.Fprintf(&b, "  to %s\n    %s\n", person, strings.Join(own, "\n    "))
			}
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
			if r := s.sms(t, s.values(t, person)); r.Over || r.Parts > most || r.Parts < 1 || len(r.Missing) > 0 {
				t.Errorf("%s to %s takes %d parts and lacks %v: %s", s.name(), person, r.Parts, r.Missing, r.Text)
			}
		}
	}
}

func TestAnAdvertisementSaysWhateverAClinicOffers(t *testing.T) {
	offers := []dental.Benefit{{Kind: dental.Discount, Percent: 50}, {Kind: dental.BonusAmount, Amount: roubles(1500)}, {Kind: dental.FreeService},
		{Kind: dental.GiftService}, {Kind: dental.GiftService, Name: "ирригатор"}, {Kind: dental.FreeService, Name: "снимок"}, {Kind: dental.GiftService, Name: "ёршики, нить и паста"}} // twenty characters: as long as there is room for
	n := 0
	for _, s := range everything(t) {
		if s.class != dental.Advertising || !strings.Contains(s.text.SMS, "{benefit}") || s.step.Link == dental.ReferralLink {
			continue
		}
		for _, offer := range offers {
			for _, person := range people {
				// Another alphabet halves the room of an English text, and a long domain takes the rest of it.
				foreign, long, far := offer.Name != "" && s.l == locale.English, utf8.RuneCountInString(offer.Name) > 10, person == longNamed
				if foreign && long || foreign && far || long && far {
					continue
				}
				n++
				v := s.values(t, person)
				v[message.Benefit] = s.l.Benefit(offer)
				r := s.sms(t, v)
				plain := func(text string) string { return strings.ToLower(strings.ReplaceAll(text, "\u00a0", " ")) }
				if r.Over || !strings.Contains(plain(r.Text), plain(v[message.Benefit])) || !strings.Contains(r.Text, v[message.Until]) {
					t.Errorf("%s to %s with %q takes %d parts: %s", s.name(), person, v[message.Benefit], r.Parts, r.Text)
				}
				for _, text := range append(s.letter(t, v), r.Text) {
					text = strings.Trim(text, "[]") // of the button
					if fault := tidy(text, v); fault != "" {
						t.Errorf("%s to %s with %q: %s in %q", s.name(), person, v[message.Benefit], fault, text)
					}
				}
			}
		}
	}
	if n == 0 {
		t.Error("no advertisement was read")
	}
}

func TestEverySMSHasItsLinkAndItsWarningWhole(t *testing.T) {
	warned := 0
	for _, s := range everything(t) {
		warning := message.Warning(s.l, s.class)
		if (warning != "") != (s.class == dental.Advertising) {
			t.Errorf("%s of class %s has the warning %q", s.name(), s.class, warning)
		}
		for _, person := range people {
			v := s.values(t, person)
			r := s.sms(t, v)
			if link := v[message.Link]; link != "" && s.step.Name != "today" && !strings.Contains(r.Text+" ", link+" ") {
				t.Errorf("%s to %s: the link is not in it, or not by itself: %s", s.name(), person, r.Text)
			}
			if warning != "" {
				warned++
				if !strings.HasSuffix(r.Text, " "+warning) {
					t.Errorf("%s to %s: the warning does not end it: %s", s.name(), person, r.Text)
				}
			}
		}
	}
	if warned == 0 {
		t.Error("no advertisement was read")
	}
}

func TestAnOrdinaryPatientReadsEverythingButHowToReachTheClinic(t *testing.T) {
	for _, s := range everything(t) {
		spared := []string{"{clinic}", "{clinicPhone}", "{address}"}
		switch {
		case s.class == dental.Advertising: // the warning takes the room of the greeting
			spared = append(spared, "{given}")
		case s.scenario.On == scenario.OnAppointment: // the phone matters more
			spared = []string{"{clinic}", "{doctor}", "{address}"}
		}
		r := s.sms(t, s.values(t, ordinary))
		for _, dropped := range r.Dropped {
			if !slices.ContainsFunc(spared, func(p string) bool { return strings.Contains(dropped, p) }) {
				t.Errorf("%s goes without %q: %s", s.name(), dropped, r.Text)
			}
		}
	}
}

func TestAPlainTextLeadsNowhere(t *testing.T) {
	n := 0
	for _, s := range everything(t) {
		if s.variant != scenario.Plain {
			continue
		}
		n++
		if all := strings.Join(s.sources(), " "); strings.Contains(all, "{link}") || s.text.Button != "" {
			t.Errorf("%s leads to a page: %s", s.name(), all)
		}
	}
	if n == 0 {
		t.Error("there is none")
	}
}

func TestNoLetterHasAHole(t *testing.T) {
	for _, s := range everything(t) {
		v := s.values(t, nobody)
		for _, source := range s.sources()[1:] {
			if r := render(t, source, v, 0); len(r.Missing) > 0 {
				t.Errorf("%s lacks %v: %s", s.name(), r.Missing, r.Text)
			}
		}
		for _, person := range people {
			letter := s.letter(t, s.values(t, person))
			if least := 3 + min(1, len(s.text.Button)); len(letter) < least || slices.Contains(letter, "") || slices.Contains(letter, "[]") {
				t.Errorf("%s to %s has an empty subject, heading, button or body: %q", s.name(), person, letter)
			}
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
		v := s.values(t, ordinary)
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
					t.Fatalf("%s does not tell %s: %s", s.name(), value, text)
				}
			}
		}
	}
	if n != 8 {
		t.Errorf("%d reminders were read", n)
	}
}

var (
	awkward = regexp.MustCompile(`  |^[\s,.;:!?—-]| [,.;:!?»)]|[,;:—-]$|[,;:] ?[.,;:!?]|\.\.|[({«] | $|[{}\[\]]|!\.|\?\.`)
	echo    = regexp.MustCompile(`(?i)врач[^.!?\[]*врач|doctor[^.!?\[]*doctor`) // "your doctor is your doctor"
	initial = regexp.MustCompile(`[.!?] \p{Ll}`)
	group   = regexp.MustCompile(`\[[^\]]*\]`)
)

// tidy reports what is out of place in a text that was given the values.
func tidy(text string, v message.Values) string {
	spoken := strings.NewReplacer("👍 / 😐 / 👎 ", "", "ул. ", "", "корп. ", "", v[message.Link]+" ", "Link ").Replace(text + " ")
	spoken = strings.TrimSuffix(spoken, " ")
	if found := awkward.FindString(spoken); found != "" {
		return fmt.Sprintf("%q", found)
	}
	if found := echo.FindString(spoken); found != "" {
		return fmt.Sprintf("%q, the same twice", found)
	}
	if found := initial.FindString(spoken); found != "" {
		return fmt.Sprintf("%q, a sentence that begins small", found)
	}
	if first, _ := utf8.DecodeRuneInString(text); unicode.IsLower(first) && !strings.HasPrefix(text, "https://") {
		return "the beginning, which is small"
	}
	// After the patient's name the sentence goes on, with a capital only where a value brings its own.
	rest, named := strings.CutPrefix(text, v[message.Given]+", ")
	own := slices.ContainsFunc([]message.Placeholder{message.Doctor, message.Benefit}, func(p message.Placeholder) bool { return v[p] != "" && strings.HasPrefix(rest, v[p]) })
	if first, _ := utf8.DecodeRuneInString(rest); v[message.Given] != "" && named && unicode.IsUpper(first) && !own {
		return "a capital after the patient's name"
	}
	return ""
}

func TestNoTextHasAWordOutOfPlaceWhicheverGroupsAreDropped(t *testing.T) {
	for _, s := range everything(t) {
		for _, person := range people {
			v := s.values(t, person)
			for _, source := range s.sources() {
				groups := group.FindAllStringIndex(source, -1)
				for gone := range 1 << len(groups) {
					cut := source
					for i := len(groups) - 1; i >= 0; i-- {
						if gone>>i&1 == 1 { // a group of nothing vanishes where it stands
							cut = cut[:groups[i][0]] + "[{map}]" + cut[groups[i][1]:]
						}
					}
					if text := render(t, cut, v, 0).Text; text != "" && !strings.HasPrefix(text, "👍") {
						if fault := tidy(text, v); fault != "" {
							t.Errorf("%s to %s: %s in %q, made of %q", s.name(), person, fault, text, cut)
						}
					}
				}
			}
		}
	}
}

func TestNoRenderedTextBreaksARuleOfItsClass(t *testing.T) {
	for _, s := range everything(t) {
		for _, person := range people {
			v := s.values(t, person)
			check := func(part string, channel dental.Channel, text string) {
				for _, f := range message.Check(s.l, s.class, channel, text) {
					t.Errorf("%s to %s, %s: %s in %q", s.name(), person, part, f.Explain(locale.English), text)
				}
			}
			check("SMS", dental.SMS, s.sms(t, v).Text)
			letter := s.letter(t, v)
			check("subject", dental.SMS, letter[0]) // a locked screen shows it, too
			for _, text := range letter[1:] {
				check("letter", dental.Mail, text)
			}
		}
	}
}

// promise is what a text that asks a patient to come must say: when, why, and
// what for. An entry is a placeholder in braces or the beginning of a word, and
// one of each list must stand in the SMS, and in the letter.
type promise struct {
	when, why []string
	// benefit is health or time in a text of care, and what the clinic offers in an advertisement.
	benefit []string
	// reason is what the letter alone has room for: why it is good for the patient.
	reason []string
}

// promises has a row for every step that asks to come, or for a variant of it
// that promises something else.
func promises() map[string]promise {
	early := []string{"вовремя", "рано", "in time", "early"}
	check := []string{"осмотр", "контрол", "профилактик", "check", "hygiene visit"}
	recall := promise{when: []string{"{until}"}, why: check, benefit: []string{"{minutes}"},
		reason: append([]string{"сохраняет здоровье", "результат держится", "teeth healthy", "what was reached stays"}, early...)}
	again := recall
	again.when = []string{"вы просили напомнить", "as you asked", "you asked us"}
	anniversary := promise{when: []string{"год позади", "полгода позади", "year has passed"}, why: check, benefit: []string{"{minutes}"}, reason: early}
	sleeping := promise{when: []string{"{until}"}, why: []string{"чистк", "контрол", "профилактик", "check", "hygiene visit"}, benefit: []string{"{benefit}"}, reason: early}
	implant := promise{when: []string{"{until}"}, why: []string{"осмотр", "check"}, benefit: []string{"бесплатн", "free"}, reason: []string{"следующий шаг", "next step"}}
	plan := promise{when: []string{"выбрать день", "выберите день", "choose the day", "choose a day"}, why: []string{"следующего визита", "продолжим", "next visit", "go on"}, benefit: []string{"{minutes}"},
		reason: []string{"результат держится", "its result lasts"}}
	out := map[string]promise{
		"recall/first": recall, "recall/second": recall, "recall/again": again, "plan/next-stage": plan,
		"implant-year/check": anniversary, "orthodontics-6m/check": anniversary,
		"season/autumn":     {when: []string{"{until}"}, why: []string{"осенью", "лето позади", "autumn", "summer is over"}, benefit: []string{"{benefit}"}, reason: early},
		"birthday/greeting": {why: []string{"с днём рождения", "happy birthday"}, benefit: []string{"подар", "gift"}},
		"club/welcome":      {benefit: []string{"в первую очередь", "priority", "first to be offered"}},
		"club/free-hygiene": {when: []string{"следующ", "next"}, why: []string{"гигиен", "hygiene"}, benefit: []string{"подар", "gift"}},
		"referral/invite":   {why: []string{"друз", "friend"}, benefit: []string{"{benefit}"}},
	}
	for _, months := range []string{"6", "12", "18"} {
		out["sleeping-"+months+"/offer"], out["sleeping-"+months+"/offer implant"] = sleeping, implant
	}
	return out
}

// has reports whether one of the entries stands in the text, and in its source
// where it is a placeholder.
func has(entries []string, source, text string, v message.Values) bool {
	return slices.ContainsFunc(entries, func(entry string) bool {
		if p, is := strings.CutPrefix(entry, "{"); is {
			value := strings.ReplaceAll(v[message.Placeholder(strings.TrimSuffix(p, "}"))], "\u00a0", " ")
			return strings.Contains(source, entry) && strings.Contains(strings.ToLower(strings.ReplaceAll(text, "\u00a0", " ")), strings.ToLower(value))
		}
		return strings.Contains(strings.ToLower(text), entry)
	})
}

func TestWhoeverIsAskedToComeKnowsWhenWhyAndWithWhatBenefit(t *testing.T) {
	rows, used := promises(), map[string]bool{}
	for _, s := range everything(t) {
		if s.class == dental.Service {
			continue
		}
		row := s.scenario.Name + "/" + s.step.Name
		if _, own := rows[row+" "+s.variant]; own {
			row += " " + s.variant
		}
		p, ok := rows[row]
		switch {
		case ok:
		case contract[s.scenario.Name] != "":
			t.Errorf("%s has no row: what does it promise?", s.name())
			continue
		case s.class == dental.Advertising: // a scenario of a clinic's own: its offer at least
			p.benefit = []string{"{benefit}", "подар", "бесплатн", "gift", "free"}
		}
		used[row] = true
		for _, person := range people {
			v := s.values(t, person)
			sms, letter := s.sms(t, v).Text, strings.Join(s.letter(t, v)[1:], "\n") // a subject is no body
			for what, entries := range map[string][]string{"when": p.when, "why": p.why, "with what benefit": p.benefit} {
				if entries == nil || slices.Contains(entries, "{benefit}") && v[message.Benefit] == "" {
					continue // nothing to say: a clinic that rewards no recommendations
				}
				if !has(entries, s.text.SMS, sms, v) {
					t.Errorf("%s to %s: the SMS does not say %s: %s", s.name(), person, what, sms)
				}
				if !has(entries, strings.Join(s.sources()[2:], ""), letter, v) {
					t.Errorf("%s to %s: the letter does not say %s:\n%s", s.name(), person, what, letter)
				}
			}
			if p.reason != nil && !has(p.reason, "", letter, v) {
				t.Errorf("%s to %s: the letter gives no reason:\n%s", s.name(), person, letter)
			}
		}
	}
	for row := range rows {
		if !used[row] {
			t.Errorf("no text needs the row %q", row)
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
