package catalogue_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/scenario"
	"github.com/returnpoint/returnpoint/shared/scenario/catalogue"
)

func shipped(t *testing.T) scenario.Catalogue {
	t.Helper()
	c, err := catalogue.Shipped()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestWhatIsCompiledInIsWhatTheFilesSay(t *testing.T) {
	read, compiled := shipped(t), scenario.Shipped()
	if reflect.DeepEqual(read, compiled) {
		return
	}
	t.Error("compiled.go is not made from these files: go generate ./shared/scenario")
	for i := range min(len(read), len(compiled)) {
		if !reflect.DeepEqual(read[i], compiled[i]) {
			t.Errorf("they differ in %q", read[i].Name)
		}
	}
}

// good is a file in which every construct stands once.
const good = `name: appointment
title: {ru: Запись, en: Appointment}
on: appointment
steps:
  - name: reminder
    class: service
    reminder: true
    off: true
    when:
      - {for: standing, from: booked, after: -2d, deadline: -3h, hours: earlier, late: {least: 24h, after: 90m, before: 1mo}}
      - {for: cancelled, from: change, after: 1mo, deadline: 2mo, variant: other}
    fresh: 12h
    evening: {within: 60m, until: "22:00"}
    unless:
      - {gate: answered}
      - {gate: asked, within: 30d}
      - {gate: missed, count: 2, within: 12mo}
    link: c
    texts:
      ru: &ru {sms: "[{given}, ]ждём вас {date} в {time}: {link}[ {clinic}]", subject: Ждём вас, heading: "[{given}, ]ждём вас", paragraphs: ["[Вас ждёт {doctor}.]"], button: Открыть}
      en: &en {sms: "[{given}, ]see you {date}, at {time}: {link}[ {clinic}]", subject: See you, heading: "[{given}, ]see you", paragraphs: ["[{doctor} is expecting you.]"], button: Open}
      other/ru: *ru
      other/en: *en
      several/ru: {sms: "Ждём вас {day}: {list}. {link}", subject: Ждём вас, heading: Ждём вас, paragraphs: ["{list}"], button: Открыть}
      several/en: {sms: "See you on {day}: {list}. {link}", subject: See you, heading: See you, paragraphs: ["{list}"], button: Open}
    advice:
      ru: {hygiene: Два часа без еды}
      en: {hygiene: No food for two hours}
  - name: confirm
    class: care
    task: confirm
    when:
      - {for: standing, working-day-before: true, at: "10:00", follows: {step: reminder, by: 4h}, deadline: 0h}
`

func read(files map[string]string) (scenario.Catalogue, error) {
	fsys := fstest.MapFS{"README.md": {Data: []byte("no scenario")}}
	for name, text := range files {
		fsys[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return catalogue.Read(fsys)
}

func TestAFileIsReadAsItIsWritten(t *testing.T) {
	c, err := read(map[string]string{"appointment.yaml": good})
	if err != nil {
		t.Fatal(err)
	}
	if len(c) != 1 || c[0].Name != "appointment" || c[0].Title["ru"] != "Запись" || c[0].On != scenario.OnAppointment || len(c[0].Steps) != 2 {
		t.Fatalf("read is %+v", c)
	}
	text := scenario.Text{SMS: "[{given}, ]see you {date}, at {time}: {link}[ {clinic}]", Subject: "See you", Heading: "[{given}, ]see you", Paragraphs: []string{"[{doctor} is expecting you.]"}, Button: "Open"}
	got := c[0].Steps[0]
	if !reflect.DeepEqual(got.Texts["en"], text) || !reflect.DeepEqual(got.Texts["other/en"], text) || len(got.Texts) != 6 {
		t.Errorf("the texts are %+v", got.Texts)
	}
	got.Texts = nil
	want := scenario.Step{Name: "reminder", Class: dental.Service, Reminder: true, Off: true, Link: dental.AppointmentLink,
		When: []scenario.When{
			{For: "standing", From: "booked", After: scenario.Span{Days: -2}, Deadline: scenario.Span{Exact: -3 * time.Hour}, Hours: "earlier",
				Late: scenario.Late{Least: scenario.Span{Exact: 24 * time.Hour}, After: scenario.Span{Exact: 90 * time.Minute}, Before: scenario.Span{Months: 1}}},
			{For: "cancelled", From: "change", After: scenario.Span{Months: 1}, Deadline: scenario.Span{Months: 2}, Variant: "other"}},
		Fresh: scenario.Span{Exact: 12 * time.Hour}, Evening: scenario.Evening{Within: scenario.Span{Exact: time.Hour}, Until: "22:00"},
		Unless: []scenario.Gate{{Name: "answered"}, {Name: "asked", Within: scenario.Span{Days: 30}}, {Name: "missed", Count: 2, Within: scenario.Span{Months: 12}}},
		Advice: map[string]map[string]string{"ru": {"hygiene": "Два часа без еды"}, "en": {"hygiene": "No food for two hours"}}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("the step is\n%+v, want\n%+v", got, want)
	}
	confirm := scenario.Step{Name: "confirm", Class: dental.Care, Task: dental.ConfirmTask, When: []scenario.When{{For: "standing", WorkingDayBefore: true, At: "10:00",
		Follows: scenario.Follow{Step: "reminder", By: scenario.Span{Exact: 4 * time.Hour}}}}}
	if !reflect.DeepEqual(c[0].Steps[1], confirm) {
		t.Errorf("the task is\n%+v, want\n%+v", c[0].Steps[1], confirm)
	}
}

// faults are what may be wrong with a file: what stands in it instead of what,
// and words of the fault that names it.
var faults = []struct{ name, old, new, want string }{
	{"a field nobody knows", "    reminder: true\n", "    reminder: true\n    prioriti: 3\n", "prioriti"},
	{"a field nobody knows, deep inside", "evening: {within: 60m,", "evening: {within: 60m, since: 5m,", "since"},
	{"a text where a yes or no belongs", "off: true", "off: perhaps", "perhaps"},
	{"a list where a text belongs", "subject: Ждём вас, heading: \"[{given}", "subject: [Ждём], heading: \"[{given}", "cannot unmarshal"},
	{"a key twice", "    off: true\n", "    off: true\n    off: true\n", "off"},
	{"a span without a unit", "fresh: 12h", "fresh: 12", `"12" is not a span`},
	{"a span of weeks", "fresh: 12h", "fresh: 2w", `"2w" is not a span`},
	{"a span of two units", "fresh: 12h", "fresh: 1h30m", `"1h30m" is not a span`},
	{"a span of five digits", "fresh: 12h", "fresh: 10000m", "is not a span"},
	{"a span that is a list", "fresh: 12h", "fresh: [12h]", "is not a span"},
	{"a name that is not the file's", "name: appointment\n", "name: recall\n", `the name "recall" is not the file's`},
	{"a trigger nobody knows", "on: appointment", "on: full-moon", `on: "full-moon"`},
	{"no trigger", "on: appointment\n", "", `on: ""`},
	{"no title", "title: {ru: Запись, en: Appointment}", "title: {}", "title"},
	{"a title in one language", "title: {ru: Запись, en: Appointment}", "title: {ru: Запись}", "title: the languages are [ru]"},
	{"a title in a language too many", "title: {ru: Запись, en: Appointment}", "title: {ru: Запись, en: Appointment, de: Termin}", "title: the languages are [de en ru]"},
	{"a step without a proper name", "name: confirm", "name: Confirm it", "the name is not of the form"},
	{"two steps of one name", "name: confirm", "name: reminder", "stands twice"},
	{"a class nobody knows", "class: care", "class: spam", `class: "spam"`},
	{"the class of a consent to be reminded", "class: care", "class: reminders", `class: "reminders"`},
	{"a step without a time", `    when:
      - {for: standing, working-day-before: true, at: "10:00", follows: {step: reminder, by: 4h}, deadline: 0h}
`, "", "the step has no time"},
	{"a state that the trigger has not", "for: cancelled", "for: happy", `for: "happy"`},
	{"a state that an earlier time has taken", "for: cancelled, from: change", "for: standing, from: change", "taken first"},
	{"a state after a time for any", "{for: standing, from: booked", "{from: booked", "taken first"},
	{"a time that the trigger has not", "from: booked", "from: dawn", `from: "dawn"`},
	{"no deadline", ", deadline: -3h", "", "there is no deadline"},
	{"a deadline before its time", "deadline: -3h", "deadline: -3d", "over before the step is due"},
	{"an hour that no day has", `at: "10:00"`, `at: "25:00"`, "25:00"},
	{"hours nobody knows", "hours: earlier", "hours: whenever", `hours: "whenever"`},
	{"half of a rule for late bookings", ", before: 1mo", "", "after and before belong together"},
	{"a step that follows one that comes after it", "follows: {step: reminder,", "follows: {step: confirm,", `no step "confirm" before`},
	{"a step that follows nobody", "follows: {step: reminder,", "follows: {step: greeting,", `no step "greeting" before`},
	{"half of an evening rule", `evening: {within: 60m, until: "22:00"}`, "evening: {within: 60m}", "within and until belong together"},
	{"an evening until no hour", `until: "22:00"`, `until: "late"`, "late"},
	{"a gate nobody knows", "gate: answered", "gate: closed", `no gate "closed"`},
	{"a gate without its count", "{gate: missed, count: 2, within: 12mo}", "{gate: missed, within: 12mo}", `the gate "missed" takes count: true`},
	{"a gate without its span", "{gate: asked, within: 30d}", "{gate: asked}", `the gate "asked" takes count: false, within: true`},
	{"a gate with a count that it does not take", "{gate: answered}", "{gate: answered, count: 1}", `the gate "answered" takes`},
	{"a link nobody opens", "link: c", "link: z", `link: "z"`},
	{"a task nobody does", "task: confirm", "task: dance", `task: "dance"`},
	{"a task with a link", "task: confirm", "task: confirm\n    link: c", "neither texts nor a link"},
	{"no text for several appointments in a reminder", `      several/ru: {sms: "Ждём вас {day}: {list}. {link}", subject: Ждём вас, heading: Ждём вас, paragraphs: ["{list}"], button: Открыть}
      several/en: {sms: "See you on {day}: {list}. {link}", subject: See you, heading: See you, paragraphs: ["{list}"], button: Open}
`, "", "a reminder needs one"},
	{"no text without a variant", "      ru: &ru {", "      first/ru: &ru {", "texts : the languages are [en]"},
	{"a text in one language", "      other/en: *en\n", "", "texts other: the languages are [ru]"},
	{"a variant without a text", "variant: other", "variant: another", `there is no text "another"`},
	{"a text that nothing speaks", "variant: other}", "variant: several}", `nothing speaks in the variant "other"`},
	{"an empty text", "button: Открыть}\n      en", "button: \"  \"}\n      en", "texts/ru/button: there is no text"},
	{"no paragraphs", `paragraphs: ["[Вас ждёт {doctor}.]"]`, "paragraphs: []", "texts/ru/paragraphs: there is none"},
	{"a placeholder nobody knows", "[ {clinic}]\", subject: Ждём", "[ {klinic}]\", subject: Ждём", "{klinic}"},
	{"a bracket that is not closed", "[ {clinic}]\", subject: Ждём", "[ {clinic}\", subject: Ждём", "is not closed"},
	{"a placeholder that this trigger never fills", "[ {clinic}]\", subject: Ждём", "[ {benefit}]\", subject: Ждём", "there is never a {benefit} here"},
	{"a placeholder that may be empty, outside of brackets", "[ {clinic}]\", subject: Ждём", " {clinic}\", subject: Ждём", "there may be no {clinic}"},
	{"a list in a text about one appointment", "ждём вас {date} в {time}", "ждём вас {list}", "there is never a {list} here"},
	{"one time in a text about several appointments", "Ждём вас {day}: {list}.", "Ждём вас в {time}: {list}.", "there is never a {time} here"},
	{"a link of a step without a page", "    link: c\n", "", "there is never a {link} here"},
	{"a booking page that a clinic may not have", "link: c", "link: booking", "there may be no {link}"},
	{"a discount in a service message", "subject: Ждём вас, heading: \"[{given}", "subject: Ждём со скидкой, heading: \"[{given}", "“скидкой”"},
	{"a price in the letter of a service message", "Вас ждёт {doctor}.", "Вас ждёт {doctor}, цена прежняя.", "“цена”"},
	{"a tooth on a locked screen", "ждём вас {date} в", "ждём вас лечить зуб {date} в", "“зуб”"},
	{"an implant in a subject", "subject: See you, heading: \"[{given}", "subject: Your implant, heading: \"[{given}", "“implant”"},
	{"a form for men only", "heading: \"[{given}, ]ждём вас\"", "heading: \"[{given}, ]врач ждал вас\"", "“ждал”"},
	{"pressure", "button: Открыть}\n      en", "button: Срочно открыть}\n      en", "“Срочно”"},
	{"advice in one language", "      en: {hygiene: No food for two hours}\n", "", "advice: the languages are [ru]"},
	{"advice after something nobody does", "ru: {hygiene: Два", "ru: {massage: Два", `"massage" is not a kind`},
	{"advice that names what was done", "No food for two hours", "Mind your implant", "“implant”"},
	{"advice with a placeholder", "No food for two hours", `"No food[, {given}]"`, "there is never a {given} here"},
	{"two scenarios in a file", "name: confirm\n", "name: confirm\n---\nname: x\n", "a file holds one scenario"},
}

func TestWhatIsWrongWithAFileIsNamed(t *testing.T) {
	for _, f := range faults {
		t.Run(f.name, func(t *testing.T) {
			if strings.Count(good, f.old) < 1 {
				t.Fatalf("%q is nowhere in the good file", f.old)
			}
			_, err := read(map[string]string{"appointment.yaml": strings.Replace(good, f.old, f.new, 1)})
			switch {
			case err == nil:
				t.Error("it is taken")
			case dental.KindOf(err) != dental.Invalid || !strings.Contains(err.Error(), "appointment.yaml: ") || !strings.Contains(err.Error(), f.want):
				t.Errorf("the fault is told as %v, want %q in it", err, f.want)
			}
		})
	}
}

func TestATextForTheLetterMayTellWhatAScreenMayNot(t *testing.T) {
	visit := strings.NewReplacer("on: appointment", "on: visit-day", "for: standing, from: booked, ", "", "      - {for: cancelled, from: change, after: 1mo, deadline: 2mo, variant: other}\n", "",
		"      other/ru: *ru\n      other/en: *en\n", "", "{for: standing, working", "{working", "name: appointment", "name: after-visit", "deadline: -3h", "deadline: 3h",
		" {date} в {time}", "", " {date}, at {time}", "", "reminder: true", "reminder: false", "Ждём вас {day}: {list}. {link}", "{link}",
		`      several/ru: {sms: "Ждём вас {day}: {list}. {link}", subject: Ждём вас, heading: Ждём вас, paragraphs: ["{list}"], button: Открыть}`+"\n", "",
		`      several/en: {sms: "See you on {day}: {list}. {link}", subject: See you, heading: See you, paragraphs: ["{list}"], button: Open}`+"\n", "",
		"[Вас ждёт {doctor}.]", "[Следующий шаг: {next}.] Как ваш имплант?").Replace(good)
	if _, err := read(map[string]string{"after-visit.yaml": visit}); err != nil {
		t.Errorf("the letter may not: %v", err)
	}
	for _, screen := range []string{"[{given}, ]ждём вас: {link}", "subject: Ждём вас"} {
		shown := strings.Replace(visit, screen, screen+"[ {next}]", 1)
		if strings.HasPrefix(screen, "subject") {
			shown = strings.Replace(visit, screen, `subject: "Ждём вас[ {next}]"`, 1)
		}
		if _, err := read(map[string]string{"after-visit.yaml": shown}); err == nil || !strings.Contains(err.Error(), "{next} tells what is done") {
			t.Errorf("%q may: %v", screen, err)
		}
	}
}

func TestEverythingThatIsWrongIsNamedAtOnce(t *testing.T) {
	broken := strings.NewReplacer("fresh: 12h", "fresh: 12\n    prioriti: 3", "link: c", "link: z", "class: care", "class: spam", "gate: answered", "gate: closed",
		`at: "10:00"`, `at: "25:00"`, "No food for two hours", "Mind your implant", "evening: {within: 60m", "evening: {within: soon").Replace(good)
	_, err := read(map[string]string{"appointment.yaml": broken, "recall.yaml": "steps: [", "season.yaml": "", "plan.yaml": "name: sleep", "birthday.yaml": "- a\n- b\n"})
	if err == nil {
		t.Fatal("it is taken")
	}
	for _, want := range []string{"prioriti", `"12" is not a span`, `"soon" is not a span`, `link: "z"`, `class: "spam"`, `no gate "closed"`, "25:00", "“implant”",
		"recall.yaml: yaml", "season.yaml: the file is empty", `plan.yaml: the name "sleep"`, "plan.yaml: there is no step", "birthday.yaml: "} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not named in\n%v", want, err)
		}
	}
	if strings.Contains(err.Error(), "two files") {
		t.Errorf("files that could not be read are taken for one: %v", err)
	}
	var joined interface{ Unwrap() []error }
	if !errors.As(err, &joined) || len(joined.Unwrap()) < 13 {
		t.Errorf("the faults are not told one by one: %v", err)
	}
}

func TestTwoFilesOfOneScenarioAreRefused(t *testing.T) {
	_, err := read(map[string]string{"appointment.yaml": good, "zappointment.yaml": good})
	if err == nil || !strings.Contains(err.Error(), `two files describe the scenario "appointment"`) {
		t.Errorf("%v", err)
	}
}

func TestAFolderWithoutAScenarioIsRefused(t *testing.T) {
	if _, err := read(nil); err == nil || !strings.Contains(err.Error(), "there is no scenario") {
		t.Errorf("%v", err)
	}
}

func TestAScenarioWithoutARankIsRefused(t *testing.T) {
	_, err := read(map[string]string{"dance.yaml": strings.Replace(good, "name: appointment", "name: dance", 1)})
	if err == nil || !strings.Contains(err.Error(), `"dance" has no rank`) {
		t.Errorf("%v", err)
	}
}

func TestScenariosComeInTheOrderOfTheirNames(t *testing.T) {
	var names []string
	for _, s := range shipped(t) {
		names = append(names, s.Name)
	}
	if got := strings.Join(names, " "); got != "after-visit appointment review" {
		t.Errorf("they are %s", got)
	}
}
