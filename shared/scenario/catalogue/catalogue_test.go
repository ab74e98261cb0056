package catalogue_test

import (
	"errors"
	"maps"
	"reflect"
	"slices"
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

// good is a file in which every construct of what an event plans stands once.
const good = `name: appointment
title: {ru: Запись, en: Appointment}
on: appointment
rank: 2
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

// offer has every construct of what a scan finds, but for a season's.
const offer = `name: sleeping
title: {ru: Давно не были, en: Not seen for long}
on: last-visit
rank: 10
family: absent
critical: true
benefit: {kind: discount, percent: 10}
audience: [{is: adult}]
steps:
  - name: offer
    class: advertising
    exempt: true
    plain: true
    fallback: wake
    backlog: 6mo
    only: [{is: adult}]
    when: [{after: 6mo, at: "11:30", deadline: 14d, after-recall: true}]
    unless: [{gate: booked}]
    link: o
    texts:
      ru: &ru {sms: "{benefit} до {until}, {minutes}: {link}", subject: "Для вас {benefit}", heading: Давно не виделись, paragraphs: ["Ждём вас до {until}."], button: Выбрать}
      en: &en {sms: "{benefit} until {until}, {minutes}: {link}", subject: "For you: {benefit}", heading: It has been a while, paragraphs: ["Come until {until}."], button: Choose}
      hygiene/ru: *ru
      hygiene/en: *en
      plain/ru: {sms: Ждём вас, subject: Ждём вас, heading: Давно не виделись, paragraphs: ["Ждём вас."]}
      plain/en: {sms: See you, subject: See you, heading: It has been a while, paragraphs: ["See you."]}
`

// spring is a season, and point a recall: what differs from offer in them.
const (
	spring = `name: spring
title: {ru: Весна, en: Spring}
on: season
rank: 12
benefit: {kind: free-service}
audience: [{is: last-seen, from: 4mo, to: 18mo}]
steps:
  - name: bloom
    class: advertising
    when: [{season: {from: "03-15", over: 10}, at: "12:00", deadline: 14d}]
    texts:
      ru: {sms: "{benefit} до {until}", subject: Весна, heading: Весна, paragraphs: ["{benefit}"]}
      en: {sms: "{benefit} until {until}", subject: Spring, heading: Spring, paragraphs: ["{benefit}"]}
`
	point = `name: point
title: {ru: Возвращение, en: Return}
on: return-date
rank: 6
steps:
  - name: first
    class: care
    only: [{is: interval, from: 2mo, to: 12mo}]
    when:
      - {for: open, after: -1mo, at: "11:00", deadline: 12d}
      - {for: later, from: later, after: 30d, deadline: 42d}
    texts:
      ru: {sms: "Ждём вас до {until}, {minutes}", subject: Ждём вас, heading: Ждём вас, paragraphs: ["До {until}."]}
      en: {sms: "See you by {until}, {minutes}", subject: See you, heading: See you, paragraphs: ["By {until}."]}
`
)

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
	if len(c) != 1 || c[0].Name != "appointment" || c[0].Title["ru"] != "Запись" || c[0].On != scenario.OnAppointment || c[0].Rank != 2 || len(c[0].Steps) != 2 {
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

func TestWhatAScanFindsIsReadAsItIsWritten(t *testing.T) {
	c, err := read(map[string]string{"sleeping.yaml": offer, "spring.yaml": spring, "point.yaml": point})
	if err != nil {
		t.Fatal(err)
	}
	sleeping := *c.Find("sleeping")
	step := sleeping.Steps[0]
	if keys := slices.Sorted(maps.Keys(step.Texts)); strings.Join(keys, " ") != "en hygiene/en hygiene/ru plain/en plain/ru ru" || step.Text("plain", "en").Button != "" {
		t.Errorf("the texts are %+v", step.Texts)
	}
	step.Texts, sleeping.Steps = nil, nil
	want := scenario.Scenario{Name: "sleeping", Title: map[string]string{"ru": "Давно не были", "en": "Not seen for long"}, On: scenario.OnLastVisit, Rank: 10,
		Family: "absent", Critical: true, Benefit: dental.Benefit{Kind: dental.Discount, Percent: 10}, Audience: []scenario.Gate{{Name: "adult"}}}
	if !reflect.DeepEqual(sleeping, want) {
		t.Errorf("the scenario is\n%+v, want\n%+v", sleeping, want)
	}
	wantStep := scenario.Step{Name: "offer", Class: dental.Advertising, Exempt: true, Plain: true, Fallback: dental.WakeTask, Backlog: scenario.Span{Months: 6},
		Only: []scenario.Gate{{Name: "adult"}}, Unless: []scenario.Gate{{Name: "booked"}}, Link: dental.OfferLink,
		When: []scenario.When{{After: scenario.Span{Months: 6}, At: "11:30", Deadline: scenario.Span{Days: 14}, AfterRecall: true}}}
	if !reflect.DeepEqual(step, wantStep) {
		t.Errorf("the step is\n%+v, want\n%+v", step, wantStep)
	}
	if got := c.Find("spring"); got.Steps[0].When[0].Season != (scenario.Season{From: "03-15", Over: 10}) || got.Benefit.Kind != dental.FreeService ||
		!reflect.DeepEqual(got.Audience, []scenario.Gate{{Name: "last-seen", From: scenario.Span{Months: 4}, To: scenario.Span{Months: 18}}}) {
		t.Errorf("the season is %+v", got)
	}
	if got := c.Find("point").Steps[0].When[1]; got.From != "later" || got.After.Days != 30 || got.Deadline.Days != 42 {
		t.Errorf("the second time of the recall is %+v", got)
	}
}

// fault is what may be wrong with a file: what stands in it instead of what,
// and words of the fault that names it.
type fault struct{ name, old, new, want string }

var faults = []fault{
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

// scanned are the faults of what a scan finds.
var scanned = map[string][]fault{
	offer: {
		{"no rank", "rank: 10\n", "", "sleeping.yaml: rank: 0 is not from 1"},
		{"a rank before the first", "rank: 10", "rank: -1", "sleeping.yaml: rank: -1 is not from 1"},
		{"a rank after the last", "rank: 10", "rank: 100", "sleeping.yaml: rank: 100 is not from 1"},
		{"a rank in words", "rank: 10", "rank: first", "cannot unmarshal"},
		{"a family without a proper name", "family: absent", "family: The absent", `sleeping.yaml: family: "The absent" is not of the form`},
		{"a maybe where a yes or no belongs", "critical: true", "critical: maybe", "maybe"},
		{"a benefit nobody knows", "kind: discount, percent: 10", "kind: voucher", "sleeping.yaml: benefit: "},
		{"a gift, which is a clinic's own", "kind: discount, percent: 10", "kind: gift", "sleeping.yaml: benefit: "},
		{"a discount of nothing", ", percent: 10", "", "sleeping.yaml: benefit: "},
		{"a discount of more than half", "percent: 10", "percent: 51", "sleeping.yaml: benefit: "},
		{"a discount below nothing", "percent: 10", "percent: -10", "sleeping.yaml: benefit: "},
		{"a percentage of what is free", "kind: discount", "kind: free-service", "sleeping.yaml: benefit: "},
		{"an amount, which is a clinic's own", "percent: 10", "percent: 10, amount: 500 RUB", "amount"},
		{"no benefit to name", "benefit: {kind: discount, percent: 10}\n", "", `step "offer": texts/en/sms: there may be no {benefit}`},
		{"an audience nobody knows", "audience: [{is: adult}]", "audience: [{is: rich}]", `sleeping.yaml: audience: there is no "rich"`},
		{"an audience named as a gate is", "audience: [{is: adult}]", "audience: [{gate: adult}]", "sleeping.yaml: audience: a predicate is named by is"},
		{"a span that an audience does not take", "audience: [{is: adult}]", "audience: [{is: adult, from: 2mo}]", `sleeping.yaml: audience: "adult" takes from: false`},
		{"a count that an audience does not take", "audience: [{is: adult}]", "audience: [{is: adult, count: 2}]", `sleeping.yaml: audience: "adult" takes`},
		{"an audience of another trigger", "audience: [{is: adult}]", "audience: [{is: complex}]", `sleeping.yaml: audience: "complex" can be told on [visit-day answer club], not on last-visit`},
		{"only somebody nobody knows", "only: [{is: adult}]", "only: [{is: rich}]", `step "offer": only: there is no "rich"`},
		{"only somebody named as a gate is", "only: [{is: adult}]", "only: [{gate: adult}]", `step "offer": only: a predicate is named by is`},
		{"a gate named as an audience is", "{gate: booked}", "{is: booked}", `step "offer": unless: a gate is named by gate`},
		{"a gate with spans of an audience", "{gate: booked}", "{gate: booked, from: 2mo}", `the gate "booked" takes`},
		{"a care text that goes plain", "class: advertising", "class: care", `step "offer": plain: only an advertisement`},
		{"an offer in a care text", "class: advertising", "class: care", `texts/ru/sms: {benefit} is an offer, and makes an advertisement of a text that is sent as a message about health`},
		{"no plain text", `      plain/ru: {sms: Ждём вас, subject: Ждём вас, heading: Давно не виделись, paragraphs: ["Ждём вас."]}
      plain/en: {sms: See you, subject: See you, heading: It has been a while, paragraphs: ["See you."]}
`, "", `step "offer": texts: a step that may go plain needs one`},
		{"a plain text in one language", `      plain/en: {sms: See you, subject: See you, heading: It has been a while, paragraphs: ["See you."]}
`, "", "texts plain: the languages are [ru]"},
		{"a plain text of a step that never goes plain", "    plain: true\n", "", `nothing speaks in the variant "plain"`},
		{"a plain text with an offer", "{sms: See you,", `{sms: "See you, {benefit}",`, `texts/plain/en/sms: {benefit} is an offer, and makes an advertisement of a text that is sent as a message about visits`},
		{"a plain text with a gift", "{sms: See you,", "{sms: Your gift,", "“gift”"},
		{"a plain text with a link", "{sms: See you,", `{sms: "See you: {link}",`, "texts/plain/en/sms: there is never a {link} here"},
		{"a plain text with a button", `paragraphs: ["See you."]}`, `paragraphs: ["See you."], button: Open}`, "texts/plain/en/button: there is no link"},
		{"a text of a kind that nobody does", "      hygiene/ru: *ru\n      hygiene/en: *en\n", "      massage/ru: *ru\n      massage/en: *en\n", `nothing speaks in the variant "massage"`},
		{"a fallback nobody does", "fallback: wake", "fallback: sigh", `step "offer": fallback: "sigh" is not one of`},
		{"a backlog that is no span", "backlog: 6mo", "backlog: long", `"long" is not a span`},
		{"a backlog of the future", "backlog: 6mo", "backlog: -6mo", `step "offer": backlog: it is written without a minus`},
		{"a step that follows a recall without a last visit", "on: last-visit", "on: last-implant", `step "offer": after-recall: it is for what follows a last visit`},
		{"a deadline on the day itself", "deadline: 14d", "deadline: 0d", `step "offer": deadline: it is over before the step is due`},
		{"a deadline before the day", "deadline: 14d", "deadline: -1d", `step "offer": deadline: it is over before the step is due`},
		{"a season of what hangs on a visit", "after-recall: true", `season: {from: "09-15", over: 10}`, `step "offer": season: a step on a season`},
		{"a state of what has none", "{after: 6mo", "{for: open, after: 6mo", `step "offer": for: "open"`},
	},
	spring: {
		{"a button of a step without a page", `heading: Весна, paragraphs: ["{benefit}"]`, `heading: Весна, paragraphs: ["{benefit}"], button: Открыть`, "texts/ru/button: there is no link that it could open"},
		{"no season", `season: {from: "03-15", over: 10}, `, "", `step "bloom": season: a step on a season has from`},
		{"a season that begins on no day", `"03-15"`, `"02-30"`, `step "bloom": season: a step on a season has from`},
		{"a season that begins in words", `"03-15"`, `"March 15"`, `step "bloom": season: a step on a season has from`},
		{"a season of no day", "over: 10", "over: 0", `step "bloom": season: a step on a season has from`},
		{"a season of more days than a month has", "over: 10", "over: 32", `step "bloom": season: a step on a season has from`},
		{"a season for nobody in particular", "audience: [{is: last-seen, from: 4mo, to: 18mo}]\n", "", `step "bloom": season: last-seen, from and to, says whom it is for`},
		{"a season for whoever was not seen for long", ", to: 18mo", "", `step "bloom": season: last-seen, from and to, says whom it is for`},
		{"a season for those seen of late", "from: 4mo, ", "", `spring.yaml: audience: "last-seen" takes from: true`},
		{"an audience that ends before it begins", "from: 4mo, to: 18mo", "from: 18mo, to: 4mo", `spring.yaml: audience: "last-seen" ends before it begins`},
	},
	point: {
		{"an interval without its beginning", "from: 2mo, to: 12mo", "to: 12mo", `step "first": only: "interval" takes from: true`},
		{"an interval that ends where it begins", "from: 2mo, to: 12mo", "from: 2mo, to: 2mo", `step "first": only: "interval" ends before it begins`},
		{"an audience of a season", "interval, from", "last-seen, from", `step "first": only: "last-seen" can be told on [season], not on return-date`},
		{"a deadline from another time that is over before", "deadline: 42d", "deadline: 29d", `step "first": deadline: it is over before the step is due`},
		{"a state taken before", "for: later, from", "for: open, from", `step "first": for: "open" comes after`},
		{"an interval of a visit day", "on: return-date", "on: visit-day", `only: "interval" can be told on [return-date], not on visit-day`},
	},
	good: {
		{"a backlog of what no scan finds", "    off: true\n", "    off: true\n    backlog: 3mo\n", `step "reminder": backlog: only what a scan finds has one`},
		{"a task that falls back to a task", "task: confirm", "task: confirm\n    fallback: wake", "nothing to fall back to"},
		{"a task that goes plain", "task: confirm", "task: confirm\n    plain: true", "a task has neither texts nor a link"},
		{"what follows a recall where there is none", "hours: earlier", "after-recall: true", "after-recall: it is for what follows a last visit"},
	},
}

func TestWhatIsWrongWithAFileIsNamed(t *testing.T) {
	for source, all := range map[string][]fault{good: slices.Concat(faults, scanned[good]), offer: scanned[offer], spring: scanned[spring], point: scanned[point]} {
		name, _, _ := strings.Cut(strings.TrimPrefix(source, "name: "), "\n")
		for _, f := range all {
			t.Run(f.name, func(t *testing.T) {
				if strings.Count(source, f.old) < 1 {
					t.Fatalf("%q is nowhere in the good file", f.old)
				}
				_, err := read(map[string]string{name + ".yaml": strings.Replace(source, f.old, f.new, 1)})
				switch {
				case err == nil:
					t.Error("it is taken")
				case dental.KindOf(err) != dental.Invalid || !strings.Contains(err.Error(), name+".yaml: ") || !strings.Contains(err.Error(), f.want):
					t.Errorf("the fault is told as %v, want %q in it", err, f.want)
				}
			})
		}
	}
}

func TestAFaultIsToldOnce(t *testing.T) {
	_, err := read(map[string]string{"sleeping.yaml": strings.Replace(offer, "backlog: 6mo", "backlog: -6mo", 1)})
	var joined interface{ Unwrap() []error }
	if !errors.As(err, &joined) || len(joined.Unwrap()) != 1 {
		t.Errorf("one fault is told as %v", err)
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
	asleep := strings.NewReplacer("rank: 10", "rank: 0", "family: absent", "family: A", "percent: 10", "percent: 99", "audience: [{is: adult}]", "audience: [{is: rich}]",
		"only: [{is: adult}]", "only: [{gate: adult}]", "fallback: wake", "fallback: sigh", "backlog: 6mo", "backlog: -6mo", "deadline: 14d", "deadline: 0d").Replace(offer)
	unripe := strings.NewReplacer("over: 10", "over: 0", "to: 18mo", "to: 1mo").Replace(spring)
	_, err := read(map[string]string{"appointment.yaml": broken, "recall.yaml": "steps: [", "season.yaml": "", "plan.yaml": "name: sleep", "birthday.yaml": "- a\n- b\n",
		"sleeping.yaml": asleep, "spring.yaml": unripe})
	if err == nil {
		t.Fatal("it is taken")
	}
	for _, want := range []string{"prioriti", `"12" is not a span`, `"soon" is not a span`, `link: "z"`, `class: "spam"`, `no gate "closed"`, "25:00", "“implant”",
		"recall.yaml: yaml", "season.yaml: the file is empty", `plan.yaml: the name "sleep"`, "plan.yaml: there is no step", "birthday.yaml: ",
		"sleeping.yaml: rank: 0", `sleeping.yaml: family: "A"`, "sleeping.yaml: benefit: ", `sleeping.yaml: audience: there is no "rich"`,
		`sleeping.yaml: step "offer": only: a predicate`, `sleeping.yaml: step "offer": fallback: "sigh"`, `sleeping.yaml: step "offer": backlog: `,
		`sleeping.yaml: step "offer": deadline: `, `spring.yaml: step "bloom": season: `, `spring.yaml: audience: "last-seen" ends`} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not named in\n%v", want, err)
		}
	}
	if strings.Contains(err.Error(), "two files") {
		t.Errorf("files that could not be read are taken for one: %v", err)
	}
	var joined interface{ Unwrap() []error }
	if !errors.As(err, &joined) || len(joined.Unwrap()) < 23 {
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

func TestScenariosComeInTheOrderOfTheirNames(t *testing.T) {
	var names []string
	for _, s := range shipped(t) {
		names = append(names, s.Name)
	}
	if !slices.IsSorted(names) || len(names) < 2 {
		t.Errorf("they are %s", names)
	}
}

// contract are the scenarios and steps that the outward contract names, with
// the class each is sent under; a task has none there.
var contract = map[string]string{
	"after-visit": "thanks service, survey service, settled service", "complex-visit": "follow-up service",
	"appointment": "booked service, reminder service, confirm, today service, missed service, rebook",
	"recall":      "first care, second care, call, again care", "plan": "next-stage care, plan",
	"sleeping-6": "offer advertising", "sleeping-12": "offer advertising", "sleeping-18": "offer advertising, long-ago",
	"birthday": "greeting advertising", "implant-year": "check care", "orthodontics-6m": "check care", "season": "autumn advertising",
	"referral": "invite advertising", "club": "welcome care, free-hygiene advertising", "review": "ask service",
}

func TestEveryScenarioOfTheContractIsShipped(t *testing.T) {
	all := shipped(t)
	for name, want := range contract {
		s := all.Find(name)
		if s == nil {
			t.Errorf("there is no %s", name)
			continue
		}
		var steps []string
		for _, st := range s.Steps {
			if st.Task == "" {
				steps = append(steps, st.Name+" "+string(st.Class))
			} else {
				steps = append(steps, st.Name)
			}
		}
		if got := strings.Join(steps, ", "); got != want {
			t.Errorf("%s has the steps %s, want %s", name, got, want)
		}
	}
}
