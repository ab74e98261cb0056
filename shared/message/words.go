package message

import "github.com/returnpoint/returnpoint/shared/locale"

// vocabulary is what each rule looks for in a language: words in lower case
// with е for ё, a * after a stem, several words for a phrase.
func vocabulary(l locale.Locale) map[Rule][]string {
	if l == locale.Russian {
		return russianWords
	}
	return englishWords
}

var russianWords = map[Rule][]string{
	AdvertisingRule: {
		"скидк*", "акция", "акции", "акцию", "акций", "акциях", "акцией", "бонус*", "подар*", "дарим", "дарит", "дарят", "дарить", "даром",
		"бесплатн*", "безвозмездн*", "выгодн*", "выгода", "выгоду", "выгоды", "выгодой", "дешев*", "распродаж*", "промокод*", "купон*",
		"сертификат*", "кешбэк*", "кэшбэк*", "кешбек*", "приз", "приза", "призы", "призов", "призом", "розыгрыш*", "выигр*", "лотере*",
		"цена", "цены", "цене", "цену", "ценой", "ценам", "ценами", "ценах", "спеццен*", "спецпредложен*", "специальн* предложен*",
		"стоимост*", "тариф*", "рассрочк*", "кредит*", "экономи*", "рубл*", "руб", "процент*", "вознагражден*", "абонемент*",
	},
	SecrecyRule: {
		"диагноз*", "зуб*", "имплант*", "этап*", "стади*", "кариес*", "кариозн*", "пульпит*", "периодонт*", "пародонт*", "парадонт*",
		"гингивит*", "стоматит*", "киста", "кисты", "кисту", "кистой", "гранулем*", "периостит*", "флюс*", "абсцесс*", "воспален*",
		"десна", "десны", "десен", "десну", "десне", "деснах", "челюст*", "прикус*", "корень", "корня", "корневой", "корневые",
		"корневых", "коронк*", "протез*", "винир*", "вкладк*", "пломб*", "удалени*", "брекет*", "элайнер*", "ретейнер*", "капп*", "ортодонт*",
		"операци*", "беременн*", "онколог*", "гепатит*", "вич", "сифилис*", "заболеван*", "болезн*",
	},
	GenderRule: {
		"рад", "рада", "должен", "должна", "обязан", "обязана", "уверен", "уверена", "согласен", "согласна", "благодарен", "благодарна",
		"мог", "могла", "пришла", "нашла", "ушла", "дорогой", "дорогая", "уважаемый", "уважаемая", "сам", "сама",
	},
	PressureRule: {
		"срочн*", "немедленн*", "торопит*", "поторопит*", "спешит*", "поспешит*", "успейте", "успей", "обязаны", "должны",
		"последн* шанс*", "последн* возможност*", "только сегодня", "только до конца", "иначе", "пожалеете",
		"упустите", "не упустите", "не откладывайте", "нельзя отклад*", "пока не поздно", "слишком поздно", "сейчас или никогда",
		"требуем", "настоятельн*", "потеряете", "лишитесь",
	},
	FamiliarRule: {"ты", "тебя", "тебе", "тобой", "твой", "твоя", "твое", "твои", "твоего", "твоей", "твою", "твоих", "привет"},
}

// genderEndings are the second halves of forms with both genders.
var genderEndings = []string{"а", "ла", "ась", "лась", "на", "ая", "ена", "сь"}

// notVerbs end as a past tense does and are none, with an а after them or without.
var notVerbs = []string{
	"зал", "вокзал", "журнал", "идеал", "интервал", "канал", "капитал", "квартал", "материал", "минерал", "оригинал", "персонал",
	"подвал", "портал", "потенциал", "профессионал", "ритуал", "сигнал", "терминал", "филиал", "финал",
	"дел", "отдел", "предел", "раздел", "тел", "пол", "протокол", "символ", "стол", "стул", "укол", "цел", "бел", "мал",
	"правил", "сил", "скал", "школ", "шкал", "похвал", "начала", "сначала",
	"даниил", "михаил", "павел", "людмил", "камил",
}

var englishWords = map[Rule][]string{
	AdvertisingRule: {
		"discount*", "free", "complimentary", "gift*", "bonus*", "prize*", "reward*", "cashback", "coupon*", "voucher*", "promo*",
		"giveaway*", "lottery", "price", "prices", "priced", "pricing", "cost", "costs", "cheap*", "sale", "sales", "savings",
		"special offer*", "best offer*", "bargain*", "percent*", "installment*", "instalment*", "usd", "eur", "gbp", "rub", "dollar*", "euro",
		"euros", "pound", "pounds", "rouble*", "ruble*",
	},
	SecrecyRule: {
		"diagnos*", "tooth*", "teeth", "implant*", "stage*", "caries", "cavity", "cavities", "pulpitis", "periodont*", "gingivit*", "stomatit*",
		"gum", "gums", "cyst", "cysts", "abscess*", "inflammation*", "jaw", "root canal*", "crown*", "denture*", "prosthe*", "veneer*",
		"filling*", "extraction*", "braces", "aligner*", "retainer*", "orthodont*", "surgery", "surgical", "pregnan*", "cancer*",
		"oncolog*", "hepatitis", "hiv", "syphilis", "disease*", "illness*",
	},
	GenderRule: {"he", "she", "him", "his", "her", "hers", "mr", "mrs", "ms", "sir", "madam"},
	PressureRule: {
		"urgent*", "immediately", "hurry", "must", "asap", "last chance*", "only today", "today only", "act now", "now or never",
		"don t miss", "or else", "too late", "limited time", "before it s too late", "you will regret", "final notice",
	},
}
