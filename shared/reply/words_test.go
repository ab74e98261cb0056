package reply_test

import (
	"strings"
	"testing"
	"unicode"

	"pgregory.net/rapid"

	"github.com/returnpoint/returnpoint/shared/reply"
)

func TestAMessageIsReadAsOneWordInBothLanguages(t *testing.T) {
	for word, texts := range map[reply.Word][]string{
		reply.WordStop: {"СТОП", "стоп.", "Стоп!!!", "STOP", "stop", "Stop please", "отписаться", "Отпишите меня от рассылки", "unsubscribe", "UNSUBSCRIBE ME",
			"не писать", "Не пишите мне больше!", "больше не пишите", "opt-out", "Opt out", "optout", "стоп реклама", "Стоп, достали уже", "стоп смс", "нет, стоп",
			"не присылайте, пожалуйста", "СТОП 🛑", "stop texts", "Отказываюсь от рассылки", "отпишите меня от рекламы", "Удалите мой номер", "отстаньте!", "Отмените рассылку, пожалуйста", "CТOП" /* C and O are Latin */, "  стоп\n"},
		reply.WordYes: {"да", "Да!", "ДА", "да-да", "1", "1.", "+", "++", "ок", "Ок", "OK", "Ok.", "окей", "yes", "Yes!", "y", "приду", "Приду, спасибо", "подтверждаю",
			"Подтверждаю!", "Здравствуйте, да, приду", "Добрый день! Да, всё в силе", "буду", "мы придём", "да, придём", "угу", "конечно",
			"Confirm", "I'll be there", "I’ll come", "✅", "✔️", "да 😊", "ДA" /* the A is Latin */, "pridu", "да🙏"},
		reply.WordNo: {"нет", "Нет.", "no", "No, thanks", "не приду", "Не придём", "нет, не смогу", "не могу", "отмена", "Отмените, пожалуйста", "не получится",
			"can't make it", "I can’t come", "cancel", "-", " – ", "❌", "HET" /* typed in Latin */, "нет, спасибо", "я больше не приду"},
		reply.WordGood: {"👍", "👍👍", "👍🏽", "👌", "хорошо", "Всё хорошо, спасибо!", "отлично", "да, хорошо", "great", "Very good", "супер 👍", "ок 👍"},
		reply.WordFair: {"😐", "нормально", "Так себе", "so-so"},
		reply.WordBad:  {"👎", "👎🏻", "плохо", "Всё плохо", "не понравилось", "terrible"},
		reply.WordOther: {"", " ", "…", "?", "да?", "как отписаться?", "да, но позже", "нет, да", "👍👎", "хорошо, плохо", "можно в 15:00?", "опоздаю на 10 минут", "2", "10",
			"перезвоните", "спасибо", "Спасибо большое!", "не отменяйте", "а приду ли я", "+79160000001", "+7 916 000-00-01", "стоп, я не поняла, когда приём", "😊",
			"stop by at five", "end of day works", strings.Repeat("да ", 9), "нe знаю", "приём отменён", "\x00", "да\xff, но"},
	} {
		for _, text := range texts {
			if got := reply.Read(text); got != word {
				t.Errorf("%q is read as %q, not as %q", text, got, word)
			}
		}
	}
}

// TestCaseSpacePunctuationAndSkinColourChangeNothing holds it for every phrase there is.
func TestCaseSpacePunctuationAndSkinColourChangeNothing(t *testing.T) {
	words := []string{"стоп", "да", "нет", "не приду", "всё хорошо", "плохо", "👍", "👎", "ok", "can't come", "подтверждаю"}
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.SampledFrom(words).Draw(t, "word")
		want := reply.Read(text)
		if want == reply.WordOther {
			t.Fatalf("%q is no word", text)
		}
		dressed := rapid.SampledFrom([]func(string) string{strings.ToUpper, strings.ToLower, strings.ToTitle}).Draw(t, "case")(text)
		dressed = strings.ReplaceAll(dressed, " ", rapid.SampledFrom([]string{" ", "  ", "\n", "\t", "\u00a0"}).Draw(t, "space"))
		around := rapid.SampledFrom([]string{"", " ", ".", "!", "!!!", "\n", "…", ")", "\ufe0f", "🏽", "🙂"})
		dressed = around.Draw(t, "before") + dressed + around.Draw(t, "after")
		if got := reply.Read(dressed); got != want {
			t.Fatalf("%q is read as %q, and %q as %q", text, want, dressed, got)
		}
	})
}

func FuzzRead(f *testing.F) {
	for _, text := range []string{"стоп", "да, приду!", "👎 ждали час", "I can’t", "CТOП", "-", "?", "\xff\xfe", "нет\u200bда"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		word := reply.Read(text)
		if strings.Contains(text, "?") && word != reply.WordOther {
			t.Errorf("the question %q is read as %q", text, word)
		}
		letters := strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsSpace(r) })
		if word != reply.WordOther && !letters {
			t.Errorf("%q is read as %q", text, word)
		}
		if again := reply.Read(text + " "); again != word {
			t.Errorf("%q is read as %q, and with a space after it as %q", text, word, again)
		}
	})
}
