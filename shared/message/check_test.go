package message

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/locale"
)

// said lists findings as "rule: word @position".
func said(findings []Finding) []string {
	var out []string
	for _, f := range findings {
		out = append(out, fmt.Sprintf("%s: %s @%d", f.Rule, f.Word, f.Position))
	}
	return out
}

func TestWordsThatBreakARuleAreFound(t *testing.T) {
	for _, c := range []struct {
		l      locale.Locale
		source string
		want   []string
	}{
		{locale.Russian, "Осмотр со скидкой", []string{"advertising: скидкой @11"}},
		{locale.Russian, "Дарим бонусы", []string{"advertising: Дарим @1", "advertising: бонусы @7"}},
		{locale.Russian, "ПОДАРОК ждёт", []string{"advertising: ПОДАРОК @1", "pressure: ПОДАРОК @1"}},
		{locale.Russian, "Бесплатная консультация", []string{"advertising: Бесплатная @1"}},
		{locale.Russian, "Чистка за 500 р.", []string{"advertising: р @15"}},
		{locale.Russian, "Чистка за 500₽ или $5", []string{"advertising: ₽ @14", "advertising: $ @20"}},
		{locale.Russian, "Минус 10%", []string{"advertising: % @9"}},
		{locale.Russian, "Специальное предложение", []string{"advertising: Специальное предложение @1"}},
		{locale.Russian, "Новая цена", []string{"advertising: цена @7"}},
		{locale.Russian, "Лечение зуба №36", []string{"secrecy: зуба @9"}},
		{locale.Russian, "Ваш {{зуб}} { имплант", []string{"secrecy: зуб @7", "secrecy: имплант @15"}},
		{locale.Russian, "Ваш имплантат", []string{"secrecy: имплантат @5"}},
		{locale.Russian, "Следующий этап плана", []string{"secrecy: этап @11"}},
		{locale.Russian, "Дёсны и кариес", []string{"secrecy: Дёсны @1", "secrecy: кариес @9"}},
		{locale.Russian, "Код К02.1 и K04", []string{"secrecy: К02 @5", "secrecy: K04 @13"}},
		{locale.Russian, "Врач рекомендовал прийти", []string{"gender: рекомендовал @6"}},
		{locale.Russian, "Врач ждала и записалась", []string{"gender: ждала @6", "gender: записалась @14"}},
		{locale.Russian, "Мы рады, врач рад(а)", []string{"gender: рад @15"}},
		{locale.Russian, "Вы записан(а), согласен/на", []string{"gender: записан @4", "gender: согласен @16"}},
		{locale.Russian, "Уважаемая {given}!", []string{"gender: Уважаемая @1"}},
		{locale.Russian, "Срочно! Последний шанс!!", []string{"pressure: Срочно @1", "pressure: Последний шанс @9", "pressure: !! @23"}},
		{locale.Russian, "Успейте, вы должны", []string{"pressure: Успейте @1", "pressure: должны @13"}},
		{locale.Russian, "ЗВОНИТЕ сегодня", []string{"pressure: ЗВОНИТЕ @1"}},
		{locale.Russian, "Привет, как твой визит?", []string{"familiar: Привет @1", "familiar: твой @13"}},
		{locale.English, "A free check-up and a GIFT", []string{"advertising: free @3", "advertising: GIFT @23"}},
		{locale.English, "Only £20, a special offer", []string{"advertising: £ @6", "advertising: special offer @13"}},
		{locale.English, "Your implant and gums", []string{"secrecy: implant @6", "secrecy: gums @18"}},
		{locale.English, "Dr Ann, she waits", []string{"gender: she @9"}},
		{locale.English, "Hurry, don’t miss it, you must", []string{"pressure: Hurry @1", "pressure: don’t miss @8", "pressure: must @27"}},
	} {
		if got := said(Check(c.l, dental.Care, dental.SMS, c.source)); !slices.Equal(got, c.want) {
			t.Errorf("%q: %q, want %q", c.source, got, c.want)
		}
	}
}

func TestGoodTextsPass(t *testing.T) {
	for l, sources := range map[locale.Locale][]string{
		locale.Russian: {
			"[{given}, ]вас ждёт доктор {doctor}, профилактика занимает {minutes}. {link}",
			"Я записала бы — нет: вы были у нас полгода назад, пора на контроль.",
			"Спасибо за визит! Как вы оцениваете приём? 👍 / 😐 / 👎 {link}",
			"Напоминаем: приём {date} в {time}. Телефон {clinicPhone}.",
			"Мы ценим ваше время: осмотр занимает 30 минут и помогает заметить всё вовремя.",
			"Оцените приём по шкале от 0 до 10, правила простые, начала ждать недолго, лечение не приходится начинать сначала.",
			"Визит безболезненный, персонал рядом. Апрель, дела, стол, зал, материал.",
			"{benefit} {clinicPhone} {{скобки}}",
			"МРТ и КТ в день приёма: 500 человек. Номер A501, дом 12.",
		},
		locale.English: {
			"[{given}, ]{doctor} is waiting for you, the visit takes {minutes}. {link}",
			"Thank you for your visit. How was it? {link}",
			"We remind you of your visit {date} at {time}. Phone {clinicPhone}.",
			"Found early, most things take one visit. Feel at ease to call us.",
		},
	} {
		for _, source := range sources {
			want := []string{}
			if strings.HasPrefix(source, "Я записала") {
				want = []string{"gender: записала @3"}
			}
			if got := said(Check(l, dental.Care, dental.SMS, source)); !slices.Equal(got, want) {
				t.Errorf("%q: %q", source, got)
			}
		}
	}
}

func TestNoPlaceholderIsCalledByAWordThatBreaksARule(t *testing.T) {
	for _, l := range locale.All() {
		for _, p := range Placeholders() {
			if got := Check(l, dental.Care, dental.SMS, "{"+string(p)+"}"); len(got) > 0 {
				t.Errorf("%v {%s}: %q", l, p, said(got))
			}
		}
	}
}

func TestARuleHoldsWhereItShould(t *testing.T) {
	source := "Скидка на имплант, успейте"
	for _, c := range []struct {
		class   dental.Class
		channel dental.Channel
		want    []Rule
	}{
		{dental.Service, dental.SMS, []Rule{AdvertisingRule, SecrecyRule, PressureRule}},
		{dental.Care, dental.WhatsApp, []Rule{AdvertisingRule, SecrecyRule, PressureRule}},
		{dental.Care, dental.Mail, []Rule{AdvertisingRule, PressureRule}},
		{dental.Advertising, dental.SMS, []Rule{SecrecyRule, PressureRule}},
		{dental.Advertising, dental.Mail, []Rule{PressureRule}},
	} {
		var got []Rule
		for _, f := range Check(locale.Russian, c.class, c.channel, source) {
			got = append(got, f.Rule)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s by %s: %q, want %q", c.class, c.channel, got, c.want)
		}
	}
}

func TestEveryRuleIsExplainedWithItsWord(t *testing.T) {
	for _, l := range locale.All() {
		for _, rule := range Rules() {
			if got := (Finding{Rule: rule, Word: "слово"}).Explain(l); !strings.Contains(got, "слово") || strings.HasPrefix(got, "check.") {
				t.Errorf("%v %s: %q", l, rule, got)
			}
		}
	}
}

func TestOnlyAdvertisingCarriesAWarning(t *testing.T) {
	for _, l := range locale.All() {
		for _, class := range []dental.Class{dental.Service, dental.Care} {
			if got := Warning(l, class); got != "" {
				t.Errorf("%v %s: %q", l, class, got)
			}
		}
	}
	// What the law names must be there: that contraindications exist, that
	// advice is needed, and whose.
	for l, all := range map[locale.Locale][]string{
		locale.Russian: {"Есть противопоказания", "нужен совет", "врача"},
		locale.English: {"Contraindications exist", "ask", "doctor"},
	} {
		got := Warning(l, dental.Advertising)
		for _, said := range all {
			if !strings.Contains(got, said) {
				t.Errorf("%v: the warning %q does not say %q", l, got, said)
			}
		}
		if n := utf8.RuneCountInString(got); n > 45 || n*20 < 2*ucsPart {
			t.Errorf("%v: the warning is %d characters long: most of an SMS, or less than a twentieth", l, n)
		}
	}
	if got := Warning(locale.English, dental.Advertising); encodingOf(got) != GSM7 {
		t.Errorf("the English warning does not travel in the GSM alphabet: %q", got)
	}
}

func TestWordsAreWrittenAsTheyAreLookedFor(t *testing.T) {
	for _, l := range locale.All() {
		for rule, patterns := range vocabulary(l) {
			for i, pattern := range patterns {
				if pattern != fold(pattern) || strings.Trim(pattern, " ") != pattern || slices.Contains(patterns[:i], pattern) {
					t.Errorf("%v %s: %q is not in lower case with е for ё, or stands twice", l, rule, pattern)
				}
				word := strings.ReplaceAll(pattern, "*", "")
				if n := match([]string{pattern}, tokenise(word)); n != len(strings.Fields(pattern)) {
					t.Errorf("%v %s: %q does not find itself", l, rule, pattern)
				}
			}
		}
	}
}

func FuzzCheck(f *testing.F) {
	f.Add("{given}, 500 р.!! {{зуб}} рад(а)")
	f.Fuzz(func(t *testing.T, source string) {
		runes := []rune(source)
		for _, finding := range Check(locale.Russian, dental.Care, dental.SMS, source) {
			at := finding.Position - 1
			if at < 0 || at >= len(runes) || !strings.HasPrefix(string(runes[at:]), string([]rune(finding.Word)[:1])) {
				t.Fatalf("%q: %q does not stand at %d", source, finding.Word, finding.Position)
			}
		}
	})
}
