package message

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"pgregory.net/rapid"
)

func TestGroupsVanishAndTheGapClosesUp(t *testing.T) {
	all := Values{Given: "Анна", Doctor: "Ирина", ClinicName: "Улыбка", Date: "в среду, 6 мая", Time: "14:30", Link: "https://x.example/c/AbC-"}
	for _, c := range []struct {
		source string
		absent []Placeholder
		want   string
	}{
		{"[{given}, ]спасибо за визит!", nil, "Анна, спасибо за визит!"},
		{"[{given}, ]спасибо за визит!", []Placeholder{Given}, "Спасибо за визит!"},
		{"Спасибо за визит[, {given}]!", []Placeholder{Given}, "Спасибо за визит!"},
		{"Спасибо за визит [{given}] !", []Placeholder{Given}, "Спасибо за визит!"},
		{"[{given}], вас ждёт [доктор {doctor} ]{date}.", nil, "Анна, вас ждёт доктор Ирина в среду, 6 мая."},
		{"[{given}], вас ждёт [доктор {doctor} ]{date}.", []Placeholder{Given, Doctor}, "Вас ждёт в среду, 6 мая."},
		{"Ждём вас [{date}] [в {time}]", []Placeholder{Date}, "Ждём вас в 14:30"},
		{"Ждём вас [{date}] [в {time}]", []Placeholder{Date, Time}, "Ждём вас"},
		{"Ждём вас — [{date}].", []Placeholder{Date}, "Ждём вас."},
		{"Ждём вас — [{date}]", []Placeholder{Date}, "Ждём вас"},
		{"Ждём вас: [{date}], [{time}].", []Placeholder{Date}, "Ждём вас: 14:30."},
		{"Ждём вас: [{date}], [{time}].", []Placeholder{Date, Time}, "Ждём вас."},
		{"Клиника — [{date}] — {time}", []Placeholder{Date}, "Клиника — 14:30"},
		{"[{date}] — {time}", []Placeholder{Date}, "14:30"},
		{"Врач ([{doctor}]) ждёт", []Placeholder{Doctor}, "Врач ждёт"},
		{"Клиника «[{clinic}]».", []Placeholder{ClinicName}, "Клиника."},
		{"Клиника «{clinic}».", nil, "Клиника «Улыбка»."},
		{"Врач ([{doctor}, ]{time})", []Placeholder{Doctor}, "Врач (14:30)"},
		{"Спасибо! [{given}, ]ждём вас.", []Placeholder{Given}, "Спасибо! Ждём вас."},
		{"Спасибо.[ Ждём, {given}].", []Placeholder{Given}, "Спасибо."},
		{"Спасибо.[ Ждём, {given}]. До встречи", []Placeholder{Given}, "Спасибо. До встречи"},
		{"Как вы?[ {given}], мы рядом", []Placeholder{Given}, "Как вы? Мы рядом"},
		{"Врач [{doctor}]: {time}", []Placeholder{Doctor}, "Врач: 14:30"},
		{"Врач, [{doctor}]: {time}", []Placeholder{Doctor}, "Врач: 14:30"},
		{"Врач {doctor}, {time}", []Placeholder{Doctor}, "Врач, 14:30"},
		{"[{given}] [{doctor}] [{clinic}].", []Placeholder{Given, Doctor, ClinicName}, ""},
		{"{given}", []Placeholder{Given}, ""},
		{"{date} ждём", nil, "В среду, 6 мая ждём"},
		{"[{given}, ]{link} — ваша страница", []Placeholder{Given}, "https://x.example/c/AbC- — ваша страница"},
		{" {link}", nil, "https://x.example/c/AbC-"},
		{"Здесь! [{given}]{link}", []Placeholder{Given}, "Здесь! https://x.example/c/AbC-"},
		// What stands at the end of a value is the value's, whatever it looks like.
		{"Здесь: {link}[ — {clinic}]", []Placeholder{ClinicName}, "Здесь: https://x.example/c/AbC-"},
		{"Здесь: {link}[ {clinic}].", []Placeholder{ClinicName}, "Здесь: https://x.example/c/AbC-."},
		{"Ждём... [{given}] скоро", []Placeholder{Given}, "Ждём... Скоро"},
		{"пять[{given}]надцать", []Placeholder{Given}, "Пятьнадцать"},
	} {
		values := Values{}
		for p, v := range all {
			if !slices.Contains(c.absent, p) {
				values[p] = v
			}
		}
		if got := compile(t, c.source).Render(values, 0).Text; got != c.want {
			t.Errorf("%q without %q gives\n%q, want\n%q", c.source, c.absent, got, c.want)
		}
	}
}

func TestABrandKeepsItsSmallLetter(t *testing.T) {
	if got := compile(t, "{clinic} ждёт вас. [{given}]{clinic}").Render(Values{ClinicName: "iSmile"}, 0).Text; got != "iSmile ждёт вас. iSmile" {
		t.Errorf("got %q", got)
	}
}

func TestAFullStopIsNotDoubledAfterInitials(t *testing.T) {
	if got := compile(t, "Вас ждёт {doctor}...").Render(Values{Doctor: "И. А."}, 0).Text; got != "Вас ждёт И. А..." {
		t.Errorf("got %q", got)
	}
	tmpl := compile(t, "Вас ждёт {doctor}. До встречи")
	for doctor, want := range map[string]string{
		"Соколова И. А.": "Вас ждёт Соколова И. А. До встречи",
		"Ирина Соколова": "Вас ждёт Ирина Соколова. До встречи",
	} {
		if got := tmpl.Render(Values{Doctor: doctor}, 0).Text; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestGroupsAreLeftOutInOrderUntilTheTextFits(t *testing.T) {
	// Every group is 20 characters.
	source := "[{given}aaaaaaaaaaaaaaa ][{clinic}bbbbbbbbbbbbbb ][{doctor}cccccccccccccc ][{clinicPhone}ddddddddddddddd ]" +
		"[{clinic}eeeeeeeeeeeeee ][{time}ffffffffffffff ]" + strings.Repeat("g", 60)
	tmpl := compile(t, source)
	values := Values{Given: "Anna", ClinicName: "Smile", Doctor: "Irina", ClinicPhone: "1234", Time: "14:30"}
	order := []string{"{clinic}eeeeeeeeeeeeee ", "{clinic}bbbbbbbbbbbbbb ", "{clinicPhone}ddddddddddddddd ",
		"{doctor}cccccccccccccc ", "{given}aaaaaaaaaaaaaaa ", "{time}ffffffffffffff "}
	for extra, dropped := range map[int]int{0: 1, 1: 2, 20: 2, 21: 3, 41: 4, 61: 5, 81: 6, 100: 6, 101: 6} {
		got := compile(t, source+strings.Repeat("g", extra)).Render(values, 1)
		if !slices.Equal(got.Dropped, order[:dropped]) {
			t.Errorf("with %d more characters %q are left out, want %q", extra, got.Dropped, order[:dropped])
		}
		if want := extra > 100; got.Over != want || !want && got.Parts != 1 || want && got.Parts != 2 {
			t.Errorf("with %d more characters: %d parts, over = %v", extra, got.Parts, got.Over)
		}
	}
	if got := tmpl.Render(values, 0); len(got.Dropped) > 0 || got.Over || got.Parts != 2 {
		t.Errorf("without a limit: %+v", got)
	}
	if got := tmpl.Render(values, 2); len(got.Dropped) > 0 || got.Over || got.Parts != 2 {
		t.Errorf("within the limit: %+v", got)
	}
}

func TestWhatAMessageIsAboutOutlivesTheGreeting(t *testing.T) {
	source := "[{given}, ]come[ by {until}][, {minutes}][; {doctor} waits][ Tel. {clinicPhone}][ {clinic}]"
	values := Values{Given: "Anna", Until: "May 5", Minutes: "30 minutes", Doctor: "Irina", ClinicPhone: "1234", ClinicName: "Smile"}
	for room, want := range map[int]string{
		44: "Anna, come by May 5, 30 minutes; Irina waits", 43: "Anna, come by May 5, 30 minutes Tel. 1234", 37: "Anna, come by May 5, 30 minutes Smile", 36: "Anna, come by May 5, 30 minutes", 31: "Anna, come by May 5, 30 minutes",
		30: "Come by May 5, 30 minutes", 19: "Anna, come by May 5", 13: "Come by May 5", 4: "Come",
	} {
		tail := strings.Repeat("!", gsmAlone-room)
		if got := compile(t, source+tail).Render(values, 1); got.Over || strings.TrimRight(got.Text, "!") != want {
			t.Errorf("with room for %d characters it says %q, want %q", room, strings.TrimRight(got.Text, "!"), want)
		}
	}
}

func TestWhatFitsAgainOnceALongGroupWentComesBack(t *testing.T) {
	tmpl := compile(t, "[{given}, ]come.[ {doctor} waits.][ Tel. {clinicPhone}.][ {clinic}]"+strings.Repeat(" go", 40))
	values := Values{Given: "Anna", Doctor: strings.Repeat("Irina ", 6), ClinicPhone: "1234", ClinicName: "Smile"}
	got := tmpl.Render(values, 1)
	if want := "Anna, come. Tel. 1234. Smile go"; !strings.HasPrefix(got.Text, want) || got.Over {
		t.Errorf("got %q", got.Text)
	}
	if want := []string{" {doctor} waits."}; !slices.Equal(got.Dropped, want) {
		t.Errorf("left out %q, want %q", got.Dropped, want)
	}
	values[ClinicName] = strings.Repeat("Smile ", 6) // it comes back last, and there is no room for it
	if got := tmpl.Render(values, 1); !slices.Equal(got.Dropped, []string{" {clinic}", " {doctor} waits."}) || got.Over {
		t.Errorf("left out %q in %q", got.Dropped, got.Text)
	}
}

func TestAGroupThatVanishedIsNotCountedAsLeftOut(t *testing.T) {
	tmpl := compile(t, "[{clinic}: ]"+strings.Repeat("g", 150)+"[, {given} and so on]")
	if got := tmpl.Render(Values{Given: "Anna"}, 1); !slices.Equal(got.Dropped, []string{", {given} and so on"}) {
		t.Errorf("left out %q", got.Dropped)
	}
}

func TestNoValueIsEverCutShort(t *testing.T) {
	name := "Константин Александрович Преображенский-Вознесенский, доктор медицинских наук"
	got := compile(t, "Вас ждёт {doctor}").Render(Values{Doctor: name}, 1)
	if !got.Over || got.Parts != 2 || !strings.HasSuffix(got.Text, name) {
		t.Errorf("got %+v", got)
	}
}

func TestTheWarningCountsInTheParts(t *testing.T) {
	tmpl := compile(t, strings.Repeat("ж", 60)+"[ {clinic}]").Append("Есть противопоказания.")
	got := tmpl.Render(Values{ClinicName: strings.Repeat("у", 60)}, 2)
	if got.Parts != 2 || len(got.Dropped) != 1 || !strings.HasSuffix(got.Text, " Есть противопоказания.") {
		t.Errorf("got %+v", got)
	}
}

func TestAnSMSTravelsInTheGSMAlphabetIfPlainCharactersAllowIt(t *testing.T) {
	for _, c := range []struct {
		text     string
		limit    int
		want     string
		encoding Encoding
	}{
		{"Don’t rush — it’s “RUB\u00a05,400”…", 1, `Don't rush - it's "RUB 5,400"...`, GSM7},
		{"Don’t rush", 0, "Don’t rush", UCS2},           // not an SMS
		{"Не «торопитесь»", 1, "Не «торопитесь»", UCS2}, // it would not help
		{"Don’t rush, Zoë", 1, "Don’t rush, Zoë", UCS2}, // nor here
		{"Don’t rush, Renée", 1, "Don't rush, Renée", GSM7},
	} {
		got := compile(t, c.text).Render(nil, c.limit)
		if got.Text != c.want || got.Encoding != c.encoding {
			t.Errorf("%q under %d: %q in %s, want %q in %s", c.text, c.limit, got.Text, got.Encoding, c.want, c.encoding)
		}
	}
}

func TestValuesCannotBecomePartOfTheLanguage(t *testing.T) {
	tmpl := compile(t, "Вас ждёт {doctor}[ в {clinic}] {link}")
	got := tmpl.Render(Values{Doctor: "{link} [{clinic}] ]] }}", ClinicName: "{doctor}", Link: "https://x.example/c/1"}, 0).Text
	if want := "Вас ждёт {link} [{clinic}] ]] }} в {doctor} https://x.example/c/1"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestValuesHaveNoLineEndsAndNothingInvisible(t *testing.T) {
	for value, want := range map[string]string{
		"Ирина\r\nBCC: all":              "Ирина BCC: all",
		" \tИрина \u00a0 Соколова\u2028": "Ирина Соколова",
		"Ири\x00на\x1b[31m\x7f":          "Ирина[31m",
		"Ири\u200bна\u202eавокС\ufeff":   "ИринаавокС",
		"Ири\u0085на":                    "Ири на",
		"Ири\xff\xfeна":                  "Ирина",
		"\u00a0":                         "",
		"👩\u200d⚕\ufe0f Ирина":           "👩\u200d⚕\ufe0f Ирина",
		"Ир\u200dина":                    "Ирина",
	} {
		for _, p := range []Placeholder{Doctor, ClinicName} {
			if got := clean(p, value); got != want {
				t.Errorf("{%s} %q gives %q, want %q", p, value, got, want)
			}
		}
	}
}

func TestAGivenNameThatIsNoneIsNotGreeted(t *testing.T) {
	for value, want := range map[string]string{
		"Анна":                 "Анна",
		" Анна  Мария ":        "Анна Мария",
		"Анна-Мария":           "Анна-Мария",
		"АННА-МАРИЯ":           "Анна-Мария",
		"анна мария":           "Анна Мария",
		"МАР'ЯНА":              "Мар'яна",
		"Renée":                "Renée",
		"D’Angelo":             "D’Angelo",
		"Нгуен Тхи Ань Тует":   "Нгуен Тхи Ань Тует",
		"美玲":                   "美玲",
		"Анна\u0301":           "Анна\u0301",
		"А":                    "",
		"А.":                   "",
		"Анна (дочь)":          "",
		"Иван 2":               "",
		"Иван/Анна":            "",
		"evil.example":         "",
		"http://evil.example":  "",
		"Анна! evil。example":   "",
		"Звоните +79160000001": "",
		"{link}":               "",
		"-Анна":                "",
		"один два три четыре пять": "",
		strings.Repeat("А", 40):    "А" + strings.Repeat("а", 39),
		strings.Repeat("А", 41):    "",
		"":                         "",
	} {
		if got := clean(Given, value); got != want {
			t.Errorf("%q gives %q, want %q", value, got, want)
		}
	}
}

func TestOtherPeoplesWordsOpenNoPage(t *testing.T) {
	for value, want := range map[string]string{
		"http://evil.example/x":     "http evil. example/x",
		"www.evil.example":          "www. evil. example",
		"evil。example":              "evil. example",
		"evil．example":              "evil. example",
		"приз.рф":                   "приз. рф",
		"t.me/evil":                 "t. me/evil",
		"a@evil.example":            "a@evil. example",
		"evil.\u200bexample":        "evil. example",
		"192.0.2.7/x":               "192. 0. 2. 7/x",
		"Соколова И.А.":             "Соколова И.А.",
		"И.А.Соколова":              "И.А. Соколова",
		"д.м.н. Соколова":           "д.м.н. Соколова",
		"Приём 12.03.2026 в 14.30":  "Приём 12.03.2026 в 14.30",
		"Паста 2.5 см. Не пить 2 ч": "Паста 2.5 см. Не пить 2 ч",
		"Конец.":                    "Конец.",
	} {
		for _, p := range []Placeholder{Doctor, Next, Advice, List} {
			if got := clean(p, value); got != want {
				t.Errorf("{%s} %q gives %q, want %q", p, value, got, want)
			}
		}
	}
	if got := clean(ClinicName, "dent.example"); got != "dent.example" {
		t.Errorf("the clinic's own name became %q", got)
	}
}

// linkified is what a phone would make a link of: a scheme, a host name with a
// top level domain, an address of numbers.
var linkified = regexp.MustCompile(`(?i)\w://|[\pL\pM\pN_-][.。．｡․][\pL\pM_-][\pL\pM\pN_-]|\d+(\.\d+){3}`)

func TestNoNameBecomesALink(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		value := rapid.StringOf(rapid.RuneFrom([]rune("evil.。．｡․example/:@ яИ19-_\u200b\u202e\u00a0\n{}[]"))).Draw(t, "value")
		for _, p := range []Placeholder{Given, Doctor, Next, Advice, List} {
			if got := clean(p, value); linkified.MatchString(got) {
				t.Fatalf("{%s} %q gives %q, which links", p, value, got)
			}
		}
	})
}

func TestALinkIsAWebAddressOrNothing(t *testing.T) {
	for value, want := range map[string]string{
		"https://x.example/s/AbCdEfGhIjKlMnOp": "https://x.example/s/AbCdEfGhIjKlMnOp",
		" http://127.0.0.1:8080/c/x\n":         "http://127.0.0.1:8080/c/x",
		"javascript:alert(1)":                  "",
		"x.example/s/1":                        "",
		"https://x.example/a b":                "",
		"https://х.example/":                   "", // a Cyrillic х
	} {
		if got := clean(Link, value); got != want {
			t.Errorf("%q gives %q, want %q", value, got, want)
		}
	}
}

// draft draws a text as an author would write it, tidy as long as every value is there.
func draft(t *rapid.T) string {
	var b strings.Builder
	b.WriteString(rapid.SampledFrom([]string{"[{given}, ]ждём", "Ждём", "[{given}]", "{date}", "[{given}! ]Ждём"}).Draw(t, "beginning"))
	comma := false // so that no two marks meet
	for i := range rapid.IntRange(0, 7).Draw(t, "n") {
		p := rapid.SampledFrom(Placeholders()).Draw(t, fmt.Sprint("placeholder ", i))
		words := []string{" вас", " {%s}", "[ {%s}]", " [{%s}]", "[ у {%s}]", " ([{%s}])", " «[{%s}]»", " ([врач {%s}, ]сегодня)"}
		marks := []string{", {%s}", "[, {%s}]", ", [{%s}]", "[. Врач {%s}]", ". [{%s}]", " — [{%s}]", "[ — {%s}]", ": [{%s}]", "[: {%s}]", ","}
		piece := rapid.SampledFrom(words).Draw(t, fmt.Sprint("words ", i))
		if !comma && rapid.Bool().Draw(t, fmt.Sprint("a mark ", i)) {
			piece = rapid.SampledFrom(marks).Draw(t, fmt.Sprint("marks ", i))
		}
		comma = piece == ","
		b.WriteString(strings.ReplaceAll(piece, "%s", string(p)))
	}
	return b.String() + rapid.SampledFrom([]string{" до встречи.", ".", "!", "", ". До встречи", "[. {clinic}]"}).Draw(t, "end")
}

var untidy = regexp.MustCompile(`  | [,.;:!?)»]|[(«] |[,;:—–-]$|^[\s,.;:!?)»—–-]|,+ ,|\(\)|«»|: *\.|— *[.—!]|,[.,!]|[.!]\.`)

func TestWhateverVanishesATidyTextStaysTidy(t *testing.T) {
	tidy := 0
	rapid.Check(t, func(t *rapid.T) {
		source := draft(t)
		tmpl, err := Compile(source)
		if err != nil {
			t.Fatal(err)
		}
		values, some := Values{}, Values{}
		for _, p := range Placeholders() {
			values[p] = "Имя"
			if p == Link {
				values[p] = "https://x.example/s/AbC"
			}
			if rapid.Bool().Draw(t, "has "+string(p)) {
				some[p] = values[p]
			}
		}
		if untidy.MatchString(tmpl.Render(values, 0).Text) {
			return // the author's own
		}
		tidy++
		got := tmpl.Render(some, rapid.IntRange(0, 2).Draw(t, "limit")).Text
		if bad := untidy.FindString(got); bad != "" {
			t.Fatalf("%q with %v gives %q, which has %q", source, some, got, bad)
		}
		if got == "" {
			return
		}
		if first := []rune(got)[0]; unicode.IsLower(first) && !strings.HasPrefix(got, "https://") {
			t.Fatalf("%q begins with a small letter", got)
		}
	})
	if tidy < 20 {
		t.Errorf("only %d texts were looked at", tidy)
	}
}

func FuzzCompileAndRender(f *testing.F) {
	f.Add("[{given}, ]вас ждёт[ доктор {doctor}] {date}. {link}", "Анна", "http://evil.example", 2)
	f.Add("{{[[{clinic}]]}} [— {given}]", "\x00\u202e", "a\r\nb", 1)
	f.Add("[{given}]([{doctor}]){link}", "", "И.А.", 0)
	f.Add("[{given}{", "{link}", "]]", 3)
	f.Fuzz(func(t *testing.T, source, given, other string, limit int) {
		tmpl, err := Compile(source)
		if err != nil {
			if !strings.Contains(err.Error(), "character ") {
				t.Fatalf("%q: the error names no place: %v", source, err)
			}
			return
		}
		values := Values{Given: given, Link: "https://x.example/s/AbC"}
		for _, p := range []Placeholder{Doctor, ClinicName, ClinicPhone, Advice, List} {
			values[p] = other
		}
		got := tmpl.Append("Конец.").Render(values, limit)
		if strings.ContainsFunc(got.Text, unicode.IsControl) {
			t.Fatalf("a control character in %q", got.Text)
		}
		if limit > 0 && got.Over != (got.Parts > limit) {
			t.Fatalf("%d parts under %d, over = %v", got.Parts, limit, got.Over)
		}
		if parts, encoding := Parts(got.Text); parts != got.Parts || encoding != got.Encoding {
			t.Fatalf("it says %d of %s, and is %d of %s", got.Parts, got.Encoding, parts, encoding)
		}
		if !strings.HasSuffix(got.Text, "Конец.") {
			t.Fatalf("the appended sentence is lost: %q", got.Text)
		}
		if strings.Contains(got.Text, "  ") {
			t.Fatalf("two spaces in %q", got.Text)
		}
	})
}

func BenchmarkRender(b *testing.B) {
	tmpl := compile(b, "[{given}, ]вас ждёт[ доктор {doctor}] {date} в {time}.[ {clinic}.][ {clinicPhone}.] {link}")
	values := Values{Given: "Анна", Doctor: "Ирина Соколова", Date: "в четверг, 12 марта", Time: "14:30", ClinicName: "Улыбка",
		ClinicPhone: "+7 495 000-00-00", Link: "https://x.example/c/AbCdEfGhIjKlMnOp"}
	for b.Loop() {
		tmpl.Render(values, 2)
	}
}
