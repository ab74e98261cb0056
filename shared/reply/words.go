package reply

import (
	"slices"
	"strings"
	"unicode"
)

// Word is what a short message amounts to, in Russian and in English alike.
type Word string

// The words. What is none of them is for people to read.
const (
	WordOther Word = ""
	WordStop  Word = "stop" // no more messages
	WordYes   Word = "yes"
	WordNo    Word = "no"
	WordGood  Word = "good" // a rating, and as good as a yes
	WordFair  Word = "fair" // a rating
	WordBad   Word = "bad"  // a rating
)

// vocabulary lists the phrases of each word as folded and split: lower case, е
// for ё, without punctuation and apostrophes. A phrase of several words is
// looked for before the words it is made of.
var vocabulary = map[Word][]string{
	WordStop: {
		"стоп", "отписаться", "отписка", "отпишите", "отписать", "отпишись", "не писать", "не пишите", "не надо писать", "не присылать",
		"не присылайте", "не шлите", "отстаньте", "удалите мой номер", "удалите номер", "удалите меня", "отказ от рассылки", "отказ от рекламы", "отказ от смс", "отказываюсь от рассылки",
		"отказываюсь от рекламы", "отказываюсь от смс", "отказываюсь от рассылок", "отменить рассылку", "отмените рассылку", "отменить смс", "отмените смс", "не слать", "не беспокоить", "не беспокойте", "хватит писать", "хватит слать", "прекратите писать",
		"stop", "stopall", "unsubscribe", "unsub", "opt out", "optout", "quit", "end", "remove", "arret", "do not text", "dont text", "no more",
	},
	WordYes: {
		"да", "ага", "угу", "ок", "окей", "ладно", "конечно", "обязательно", "договорились", "принято", "в силе", "все в силе",
		"приду", "придем", "придет", "буду", "будем", "будет", "подтверждаю", "подтверждаем", "подтвердить", "подтверждено", "согласен", "согласна",
		"yes", "yep", "yeah", "y", "ok", "okay", "sure", "of course", "confirm", "confirmed", "will come", "ill come", "will be there", "ill be there",
		"da", "pridu", "budu", "1", "+", "✅", "✔", "☑",
	},
	WordNo: {
		"нет", "неа", "не приду", "не придем", "не придет", "не буду", "не будем", "не будет", "не смогу", "не сможем", "не могу", "не можем",
		"не получится", "не получается", "не выйдет", "отмена", "отменить", "отмените", "отменяю", "отменяем", "отказ", "отказываюсь",
		"no", "nope", "cancel", "cant", "cannot", "can not", "cant come", "cannot come", "cant make it", "cannot make it", "wont come", "wont make it", "not coming", "decline",
		"net", "het", "ne pridu", "ne budu", "-", "❌", "🚫",
	},
	WordGood: {
		"хорошо", "все хорошо", "очень хорошо", "отлично", "все отлично", "прекрасно", "замечательно", "супер", "понравилось", "все понравилось",
		"good", "very good", "all good", "great", "excellent", "perfect", "👍", "👌",
	},
	WordFair: {"нормально", "норм", "средне", "так себе", "so so", "not bad", "😐"},
	WordBad: {
		"плохо", "очень плохо", "все плохо", "ужасно", "ужас", "не понравилось", "не хорошо", "нехорошо",
		"bad", "very bad", "terrible", "awful", "👎",
	},
}

// courtesies stand beside a word and change nothing of it.
var courtesies = []string{
	"я", "мы", "меня", "мне", "нас", "нам", "больше", "пожалуйста", "спасибо", "большое", "благодарю", "здравствуйте", "добрый", "доброе", "день", "вечер", "утро",
	"смс", "сообщения", "рассылку", "рассылки", "рассылок", "рекламу", "реклама", "рекламы", "от", "из",
	"i", "we", "me", "please", "pls", "thanks", "thank", "you", "hi", "hello", "all", "sms", "texts", "messages", "it", "is",
}

// lexicon is vocabulary by phrase.
var lexicon = func() map[string]Word {
	m := map[string]Word{}
	for word, phrases := range vocabulary {
		for _, p := range phrases {
			m[p] = word
		}
	}
	return m
}()

// The bounds of what is read as a word: more than that is a sentence, and a
// phrase has at most so many words.
const (
	mostWords  = 8
	phraseLong = 4
	stopLong   = 4
)

// Read says what a message amounts to. It is a word only when nothing else is
// said: "да, приду, спасибо!" is a yes, "да, но позже" is for people to read,
// and so is what contradicts itself or asks. A short message that begins with
// «стоп» is a stop whatever follows.
func Read(text string) Word {
	if strings.Contains(text, "?") {
		return WordOther
	}
	if t := strings.TrimSpace(text); t == "-" || t == "–" || t == "—" {
		return WordNo
	}
	tokens := split(text)
	if len(tokens) == 0 || len(tokens) > mostWords {
		return WordOther
	}
	if tokens[0] == "стоп" && len(tokens) <= stopLong {
		return WordStop
	}
	said := map[Word]bool{}
	for i := 0; i < len(tokens); {
		word, n := phrase(tokens[i:])
		switch {
		case n > 0:
			said[word] = true
			i += n
		case slices.Contains(courtesies, tokens[i]):
			i++
		default:
			return WordOther
		}
	}
	return agreed(said)
}

// phrase finds the longest phrase that the words begin with.
func phrase(tokens []string) (Word, int) {
	for n := min(len(tokens), phraseLong); n > 0; n-- {
		if word, ok := lexicon[strings.Join(tokens[:n], " ")]; ok {
			return word, n
		}
	}
	return WordOther, 0
}

// agreed is the one word that all that was said comes to. Whoever says stop
// among other words wants to be left alone; "да, хорошо" is both.
func agreed(said map[Word]bool) Word {
	if said[WordStop] {
		return WordStop
	}
	if said[WordGood] {
		delete(said, WordYes)
	}
	if len(said) != 1 {
		return WordOther
	}
	for word := range said {
		return word
	}
	return WordOther
}

// thumb is the rating that a message with further words begins or ends with:
// "👎 ждали час".
func thumb(text string) Word {
	thumbs := map[Word]bool{}
	for _, t := range split(text) {
		if word := lexicon[t]; isSign(t) && (word == WordGood || word == WordFair || word == WordBad) {
			thumbs[word] = true
		}
	}
	return agreed(thumbs)
}

func isSign(token string) bool {
	r := []rune(token)
	return len(r) == 1 && !unicode.IsLetter(r[0]) && !unicode.IsDigit(r[0])
}

// split folds a text and takes it apart into words and the signs that mean
// something. Other signs, smileys among them, only separate.
func split(text string) (tokens []string) {
	var word strings.Builder
	flush := func() {
		if word.Len() > 0 {
			tokens = append(tokens, plainScript(word.String()))
			word.Reset()
		}
	}
	for _, r := range strings.ToLower(text) {
		switch {
		case r == 'ё':
			word.WriteRune('е')
		case unicode.IsLetter(r) || unicode.IsDigit(r):
			word.WriteRune(r)
		case r == '\'' || r == '’' || r == 'ʼ': // can't is one word
		case lexicon[string(r)] != "" && r != '-':
			flush()
			tokens = append(tokens, string(r))
		default:
			flush()
		}
	}
	flush()
	return tokens
}

// lookalikes are the Latin letters that some keyboards give for Cyrillic ones.
var lookalikes = strings.NewReplacer("a", "а", "b", "в", "c", "с", "e", "е", "h", "н", "k", "к", "m", "м", "o", "о", "p", "р", "t", "т", "x", "х", "y", "у")

// plainScript writes a word of both scripts in Cyrillic alone: the first two
// letters of "CTОП" may be Latin.
func plainScript(word string) string {
	if strings.ContainsFunc(word, func(r rune) bool { return unicode.Is(unicode.Cyrillic, r) }) {
		return lookalikes.Replace(word)
	}
	return word
}
