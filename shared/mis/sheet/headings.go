package sheet

import (
	"slices"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

// field is what a column can be read as.
type field uint8

const (
	none field = iota
	patientID
	chartNumber
	fullName
	familyName
	givenName
	middleName
	phone
	otherPhone
	email
	birthDate
	sex
	language
	status
	ownDoctor
	guardian
	firstVisit
	visitDate
	visitTime
	visitNumber
	visitDoctor
	serviceCode
	serviceName
	serviceKind
	tooth
	receipt
	returnDate
	nextDate
	nextTime
	nextDoctor
	planName
	planDate
	planTotal
	planDone
	consentDate
	consentSource
	advertising
	advertisingSMS
	advertisingMail
	advertisingWhatsApp
	care
	careSMS
	careMail
	careWhatsApp
	fields // how many there are
)

// String is the field's name in the clinic's table of columns, "" of none.
func (f field) String() string { return headings[f].name }

// dated reports whether a date stands in the field.
func (f field) dated() bool {
	switch f {
	case birthDate, firstVisit, visitDate, returnDate, nextDate, planDate, consentDate:
		return true
	}
	return false
}

// fieldNames lists the names.
func fieldNames() []string {
	var out []string
	for f := none + 1; f < fields; f++ {
		out = append(out, f.String())
	}
	return out
}

// headings are the fields with the headers that they are known by, whatever the
// case, spacing and punctuation, ё or е; "№" is read as "номер". Words that say
// whose a thing is, "пациента" or "client", need not be repeated: see index.field.
var headings = [fields]struct {
	name   string
	spelt  []string
	common []string // spellings that count only where no column has one of spelt, and as a date or time of a visit only beside what a table of visits has
}{
	patientID: {name: "id", spelt: []string{"id", "id пациента", "id клиента", "код пациента", "код клиента",
		"patient id", "client id", "customer id", "id patient", "patnum", "pat num"}, common: []string{"код", "ид", "идентификатор", "uid", "guid", "uuid"}},
	chartNumber: {name: "card", spelt: []string{"код карты", "номер пациента", "номер клиента",
		"№ карты", "номер карты", "№ амбулаторной карты", "номер амбулаторной карты", "амбулаторная карта", "№ медкарты", "номер медкарты", "№ медицинской карты", "номер мед карты", "номер ак",
		"медкарта", "медицинская карта", "карта №", "номер карточки", "№ истории болезни", "номер истории болезни", "история болезни №", "№ ист. бол.", "№ иб", "patient no", "patient number", "chart", "chart no", "chart number", "chart id", "card number", "card no", "card id", "mrn", "medical record number"}, common: []string{"внешний id", "внешний код", "external id", "история болезни", "карта"}},
	fullName: {name: "name", spelt: []string{"фио", "ф и о", "фамилия имя отчество", "фамилия имя", "имя фамилия", "имя и фамилия", "фамилия и имя", "фамилия, имя, отчество", "пациент", "клиент", "пациенты", "имя пациента", "имя клиента", "полное имя", "ф.и.о. полностью", "пациент фио", "клиент фио",
		"физ. лицо", "физлицо", "больной", "ф.и.о. больного",
		"full name", "patient", "client", "patient name", "client name", "fio"}, common: []string{"контрагент", "наименование", "заказчик", "фио заказчика", "name", "contact", "contact name", "display name", "customer", "customer name"}},
	familyName: {name: "family", spelt: []string{"фамилия", "фам", "фам.", "family", "family name", "last name", "surname", "lname", "lastname", "fam", "familiya"}},
	givenName:  {name: "given", spelt: []string{"имя", "given", "given name", "first name", "fname", "forename", "imya"}},
	middleName: {name: "middle", spelt: []string{"отчество", "отч", "отч.", "middle", "middle name", "patronymic", "second name", "mname", "otch", "otchestvo"}},
	phone: {name: "phone", spelt: []string{"телефон", "тел", "тел.", "телефон моб.", "моб. телефон", "моб телефон", "моб", "моб.", "моб. тел.", "тел. моб.", "мобильный", "мобильный телефон", "телефон мобильный", "телефон (мобильный)",
		"сотовый", "сотовый телефон", "телефон сотовый", "сот. тел.", "сот. телефон", "сот", "номер телефона", "номер мобильного", "номер мобильного телефона", "номер моб. телефона", "№ телефона", "№ тел.", "основной телефон", "телефон основной", "контактный телефон", "телефон контактный", "конт. телефон", "телефоны", "телефон 1", "телефон1", "тел 1",
		"контактный номер", "контакты", "контакт", "телефон для связи", "телефон для смс", "телефон для sms", "номер для смс",
		"phone", "phone number", "phone no", "tel", "telephone", "mobile", "mobile phone", "mobile number", "mobile no", "cell", "cell phone", "cellphone", "wireless phone", "wirelessphone", "primary phone", "phone 1", "phone1", "phone mobile", "msisdn"}},
	otherPhone: {name: "phone.other", spelt: []string{"телефон 2", "телефон2", "тел 2", "тел2", "телефон 3", "второй телефон", "другой телефон", "доп. телефон", "дополнительный телефон", "телефон дополнительный", "телефон доп.", "доп тел", "запасной телефон",
		"домашний телефон", "телефон домашний", "дом. телефон", "телефон дом.", "дом. тел.", "тел. дом.", "домашний", "рабочий телефон", "телефон рабочий", "раб. телефон", "телефон раб.", "раб. тел.", "рабочий", "whatsapp", "ватсап", "вотсап",
		"phone 2", "phone2", "other phone", "second phone", "secondary phone", "alternative phone", "home phone", "phone home", "hmphone", "work phone", "phone work", "wkphone", "business phone"}},
	email: {name: "email", spelt: []string{"email", "e-mail", "e mail", "mail", "почта", "эл. почта", "эл почта", "электронная почта", "адрес эл. почты", "адрес электронной почты", "емейл", "е-мейл", "имейл", "е-майл", "емайл", "мейл", "эл. адрес", "электронный адрес", "email address", "e-mail address"}},
	birthDate: {name: "birth", spelt: []string{"дата рождения", "дата рожд.", "дата рожд", "д.р.", "др", "д/р", "день рождения", "рождение", "родился", "дата и год рождения", "число, месяц, год рождения", "д. рождения", "дата рожд-я", "г.р.", "дата рождения (дд.мм.гггг)",
		"birth", "birth date", "date of birth", "dob", "d.o.b.", "birthday", "born", "data r", "birthdate"}},
	sex:       {name: "sex", spelt: []string{"пол", "пол (м/ж)", "пол м/ж", "пол (муж/жен)", "sex", "gender"}},
	language:  {name: "language", spelt: []string{"язык", "язык общения", "предпочитаемый язык", "language", "lang", "preferred language", "locale"}},
	status:    {name: "status", spelt: []string{"статус", "статус пациента", "статус клиента", "состояние", "статус визита", "статус записи", "статус приема", "статус посещения", "состояние карты", "результат визита", "status", "patient status", "patstatus", "client status", "visit status", "appointment status", "state", "attendance", "apt status"}},
	ownDoctor: {name: "doctor.own", spelt: []string{"лечащий врач", "леч. врач", "врач лечащий", "личный врач", "ведущий врач", "семейный врач", "основной врач", "куратор", "attending doctor", "primary doctor", "primary provider", "priprov", "own doctor", "dentist in charge"}},
	guardian: {name: "guardian", spelt: []string{"id представителя", "код представителя", "id родителя", "код родителя", "№ карты родителя", "номер карты родителя", "№ карты представителя", "номер карты представителя", "карта представителя", "карта родителя", "законный представитель id", "id опекуна", "id плательщика",
		"представитель", "родитель", "законный представитель", "опекун", "guardian", "guardian id", "parent", "parent id", "responsible party", "responsible party id"}},
	firstVisit: {name: "visit.first", spelt: []string{"первый визит", "первое посещение", "первый прием", "дата первого визита", "дата первого посещения", "дата первого приема", "первичный прием", "дата первичного приема", "первичный визит", "дата первого обращения", "первое обращение", "first visit", "first visit date", "date first visit", "first appointment", "first seen"}},
	visitDate: {name: "visit.date", spelt: []string{"последний визит", "последнее посещение", "последний прием", "дата последнего визита", "дата последнего посещения", "дата последнего приема", "дата посл. визита", "дата посл. посещения", "дата посл. приема", "посл. визит", "посл. посещение", "посл. прием", "был", "была", "был(а)", "последняя дата визита", "дата последней услуги", "последняя явка", "дата последней явки",
		"дата визита", "дата приема", "дата посещения", "дата оказания услуги", "дата услуги", "дата лечения", "дата и время визита", "дата и время приема", "дата и время посещения", "дата/время приема", "дата-время визита", "визит", "посещение", "прием", "дата явки", "дата сеанса", "last visit", "last visit date", "date of last visit", "last seen", "last appointment", "last appointment date", "visit", "visit date", "date of visit", "visited", "aptdatetime", "procdate", "proc date", "service date", "date of service", "treatment date", "visit datetime"},
		common: []string{"дата записи", "дата и время записи", "дата выполнения", "дата оплаты", "дата чека", "дата наряда", "дата счета", "дата акта", "appointment date", "дата", "дата время", "дата и время", "date", "datetime", "date time"}},
	visitTime:   {name: "visit.time", spelt: []string{"время визита", "время приема", "время посещения", "время последнего визита", "время начала", "время записи", "начало", "начало приема", "visit time", "appointment time", "time of visit", "start time"}, common: []string{"время", "time"}},
	visitNumber: {name: "visit.number", spelt: []string{"№ визита", "номер визита", "id визита", "id записи", "№ записи", "номер записи", "№ приема", "номер приема", "id приема", "№ наряда", "номер наряда", "наряд", "наряд №", "заказ-наряд", "№ чека", "номер чека", "чек", "№ счета", "номер счета", "счет", "№ акта", "номер акта", "№ документа", "номер документа", "документ", "visit id", "visit number", "visit no", "appointment id", "aptnum", "procnum", "receipt no", "receipt number", "invoice", "invoice no", "invoice number"}},
	visitDoctor: {name: "doctor", spelt: []string{"врач", "доктор", "фио врача", "ф.и.о. врача", "имя врача", "врач приема", "принимал", "последний врач", "врач последнего визита", "стоматолог", "doctor", "dentist", "provider", "physician", "doctor name", "provider name", "practitioner"}, common: []string{"специалист", "сотрудник", "исполнитель", "мастер", "staff", "specialist", "performed by"}},
	serviceCode: {name: "service.code", spelt: []string{"код услуги", "код работы", "код процедуры", "код манипуляции", "код номенклатуры", "код прейскуранта", "код по прейскуранту", "код 804н", "код по 804н", "код по номенклатуре", "артикул услуги", "артикул", "шифр", "шифр услуги", "service code", "procedure code", "proc code", "proccode", "cdt", "cdt code", "ada code", "code"}},
	serviceName: {name: "service", spelt: []string{"услуга", "услуги", "наименование услуги", "название услуги", "наименование работы", "оказанная услуга", "оказанные услуги", "последняя услуга", "работа", "работы", "виды работ", "вид работы", "вид работ", "выполненные работы", "выполненная работа", "процедура", "процедуры", "манипуляция", "лечение", "вид лечения", "что сделано", "проведенное лечение", "номенклатура", "service", "services", "procedure", "procedures", "service name", "procedure name", "treatment", "descript", "procdescript"}},
	serviceKind: {name: "service.kind", spelt: []string{"вид услуги", "категория услуги", "категория услуг", "группа услуг", "группа услуги", "раздел прейскуранта", "раздел", "направление", "тип услуги", "вид приема", "тип приема", "специализация", "специальность", "service kind", "service type", "service category", "procedure kind", "procedure category", "kind", "specialty"}},
	tooth:       {name: "tooth", spelt: []string{"зуб", "зубы", "№ зуба", "номер зуба", "формула зуба", "tooth", "tooth number", "toothnum", "tooth no"}},
	receipt: {name: "sum", spelt: []string{"сумма", "сумма чека", "чек сумма", "сумма визита", "сумма оплаты", "сумма последнего визита", "сумма последней оплаты", "сумма приема", "сумма услуги", "сумма со скидкой", "сумма к оплате", "сумма, руб.", "сумма руб", "сумма (руб)", "сумма, ₽", "оплачено", "оплата", "к оплате", "стоимость приема", "стоимость лечения", "стоимость, руб.", "стоимость со скидкой", "чек, руб.", "последний чек", "сумма последнего чека", "выручка",
		"sum", "amount", "receipt", "receipt total", "paid", "amount paid", "visit amount", "payment"}, common: []string{"цена", "стоимость", "стоимость услуги", "стоимость услуг", "price", "cost", "fee", "procfee", "total"}},
	returnDate:          {name: "return", spelt: []string{"дата возврата", "рекомендованная дата", "рекомендуемая дата", "рекомендованная дата визита", "рекомендованный визит", "рекомендуемая дата визита", "рекомендованная дата возврата", "дата контроля", "дата контрольного осмотра", "контрольный осмотр", "контроль", "дата следующего осмотра", "дата профосмотра", "дата профилактики", "назначена явка", "явиться", "пригласить", "дата приглашения", "пригласить на", "когда прийти", "следующий контроль", "дата обзвона", "return date", "return by", "recall", "recall date", "datedue", "date due", "due date", "recommended date", "recommended return date", "next recall", "next due"}},
	nextDate:            {name: "next.date", spelt: []string{"следующий визит", "следующее посещение", "следующий прием", "следующая запись", "дата следующего визита", "дата следующего приема", "дата следующего посещения", "дата следующей записи", "записан", "записана", "записан на", "записан(а) на", "ближайшая запись", "ближайший визит", "ближайший прием", "дата ближайшей записи", "будущий визит", "будущая запись", "предстоящий визит", "предстоящая запись", "назначено на", "след. визит", "след. прием", "next visit", "next visit date", "next appointment", "next appointment date", "next appt", "upcoming appointment", "booked for", "booked on", "future appointment"}},
	nextTime:            {name: "next.time", spelt: []string{"время следующего визита", "время следующего приема", "время следующей записи", "время ближайшей записи", "следующий визит время", "время след. визита", "next visit time", "next appointment time", "next time"}},
	nextDoctor:          {name: "next.doctor", spelt: []string{"врач следующего визита", "врач следующего приема", "врач следующей записи", "записан к", "записан(а) к", "к кому записан", "next doctor", "next appointment doctor", "next provider"}},
	planName:            {name: "plan", spelt: []string{"план", "план лечения", "название плана", "название плана лечения", "наименование плана", "этапы плана", "этапы плана лечения", "этапы лечения", "составлен план", "plan", "treatment plan", "plan name", "treatplan", "plan stages"}},
	planDate:            {name: "plan.date", spelt: []string{"дата плана", "дата плана лечения", "дата составления плана", "план от", "дата презентации плана", "план лечения от", "план составлен", "plan date", "treatment plan date", "presented", "plan presented", "datetp"}},
	planTotal:           {name: "plan.total", spelt: []string{"сумма плана", "сумма плана лечения", "стоимость плана", "стоимость плана лечения", "план сумма", "план, руб.", "план лечения, руб.", "план лечения сумма", "план на сумму", "план всего", "план итого", "plan total", "plan amount", "plan sum", "plan cost", "treatment plan total"}},
	planDone:            {name: "plan.done", spelt: []string{"выполнено", "выполнено по плану", "выполнено плана", "выполнено на сумму", "выполнено, руб.", "план выполнен", "план выполнено", "план лечения выполнен", "план лечения завершен", "план завершен", "сделано по плану", "оплачено по плану", "plan done", "plan completed", "plan paid", "done", "completed"}},
	consentDate:         {name: "consent.date", spelt: []string{"дата согласия", "дата подписания согласия", "дата согласия на рассылку", "дата согласия на рекламу", "согласие от", "согласие дата", "consent date", "date of consent", "consented at", "consent at", "consent given at", "opt in date"}},
	consentSource:       {name: "consent.source", spelt: []string{"источник согласия", "где дано согласие", "как дано согласие", "способ согласия", "форма согласия", "вид согласия", "consent source", "source of consent", "opt in source"}},
	advertising:         {name: "consent.advertising", spelt: []string{"согласие на рекламу", "согласие на рассылку", "согласие на рассылки", "согласие на рекламную рассылку", "согласие на рекламные рассылки", "рекламная рассылка", "рассылка", "рассылки", "реклама", "согласен на рассылку", "согласен(на) на рассылку", "согласен на рекламу", "подписан на рассылку", "получать рассылку", "согласие на получение рекламы", "согласие на получение рассылки", "можно рассылку", "advertising", "advertising consent", "consent to advertising", "marketing", "marketing consent", "consent to marketing", "newsletter", "opt in", "consent advertising"}},
	advertisingSMS:      {name: "consent.advertising.sms", spelt: []string{"согласие на смс", "согласие на sms", "смс рассылка", "sms рассылка", "sms-рассылка", "смс-рассылка", "согласие на смс рассылку", "согласие на sms рассылку", "реклама смс", "реклама sms", "согласен на смс", "согласие на рекламу смс", "согласие на рекламу sms", "можно смс", "отправлять смс", "advertising sms", "sms consent", "sms opt in", "marketing sms", "consent advertising sms", "sms marketing"}},
	advertisingMail:     {name: "consent.advertising.email", spelt: []string{"согласие на email", "согласие на e-mail", "согласие на почту", "email рассылка", "e-mail рассылка", "рассылка по почте", "согласие на email рассылку", "согласие на e-mail рассылку", "реклама email", "реклама почта", "согласие на рекламу email", "согласие на рекламу e-mail", "advertising email", "email consent", "email opt in", "marketing email", "consent advertising email", "email marketing"}},
	advertisingWhatsApp: {name: "consent.advertising.whatsapp", spelt: []string{"согласие на whatsapp", "согласие на ватсап", "согласие на мессенджеры", "whatsapp рассылка", "рассылка whatsapp", "реклама whatsapp", "согласие на рекламу whatsapp", "advertising whatsapp", "whatsapp consent", "whatsapp opt in", "marketing whatsapp", "consent advertising whatsapp"}},
	care:                {name: "consent.care", spelt: []string{"согласие на напоминания", "согласие на уведомления", "согласие на информирование", "согласие на сообщения", "согласие на приглашения", "уведомления", "согласие на сервисные сообщения", "care", "care consent", "consent to care", "consent care", "notifications", "recall consent"}},
	careSMS:             {name: "consent.care.sms", spelt: []string{"напоминания смс", "напоминания sms", "уведомления смс", "уведомления sms", "согласие на смс уведомления", "согласие на sms уведомления", "согласие на смс напоминания", "согласие на sms напоминания", "согласие на приглашения смс", "care sms", "sms notifications", "consent care sms"}},
	careMail:            {name: "consent.care.email", spelt: []string{"напоминания email", "уведомления email", "уведомления e-mail", "согласие на email уведомления", "согласие на e-mail уведомления", "согласие на приглашения email", "care email", "email notifications", "consent care email"}},
	careWhatsApp:        {name: "consent.care.whatsapp", spelt: []string{"напоминания whatsapp", "уведомления whatsapp", "согласие на whatsapp уведомления", "согласие на приглашения whatsapp", "care whatsapp", "whatsapp notifications", "consent care whatsapp"}},
}

// index finds a header's field.
type index struct {
	own map[string]field // the clinic's
	*spellings
}

// spellings are those of the headings, folded, and the fields by their names.
type spellings struct{ spelt, common, named map[string]field }

// folded makes the spellings when they are first asked for; they never change.
var folded = sync.OnceValue(func() *spellings {
	s := &spellings{make(map[string]field, 1024), make(map[string]field, 8), make(map[string]field, fields)}
	for f := none + 1; f < fields; f++ {
		h := headings[f]
		s.named[h.name] = f
		s.spelt[fold(h.name)] = f
		for _, header := range h.spelt {
			s.spelt[fold(header)] = f
		}
		for _, header := range h.common {
			s.common[fold(header)] = f
			delete(s.spelt, fold(header))
		}
	}
	return s
})

// newIndex is the index of the product's table and the clinic's own, which wins.
func newIndex(own map[string]string) index {
	x := index{make(map[string]field, len(own)), folded()}
	for header, name := range own {
		if f, known := x.named[name]; known || name == "-" {
			x.own[fold(header)] = f
		}
	}
	return x
}

// said reports whether the clinic itself has said what a column under the header is.
func (x index) said(header string) bool {
	_, said := x.own[fold(header)]
	return said
}

// lastOnes are in the headers of dates that are of the last visit alone, and
// oneVisits in those of sums that are of one visit and not of all.
var (
	lastOnes  = []string{"посл", "был", "last"}
	oneVisits = []string{"чек", "визит", "прием", "посл", "receipt", "visit"}
)

// about reports whether there is one of the words in a header.
func about(header string, words ...string) bool {
	header = fold(header)
	return slices.ContainsFunc(words, func(word string) bool { return strings.Contains(header, word) })
}

// owners are the words of a header that say no more than whose a thing is.
var owners = []string{"пациента", "клиента", "больного", "patients", "patient", "client", "customer"}

// field is what a column under the header is read as. It is common when that
// holds only as long as no other header says the same more plainly.
func (x index) field(header string) (f field, common bool) {
	whole := fold(header)
	if whole == "" {
		return none, false
	}
	if f, known := x.own[whole]; known {
		return f, false
	}
	bare, _, _ := strings.Cut(header, "(") // "Телефон (для связи)"
	for _, s := range []string{whole, ownerless(fold(bare)), ownerless(whole)} {
		if f := x.spelt[s]; f != none {
			return f, false
		}
		if f := x.common[s]; f != none {
			return f, true
		}
	}
	return none, false
}

func ownerless(header string) string {
	for _, owner := range owners {
		header = strings.Replace(header, owner, "", 1)
	}
	return header
}

// fold brings the spellings of one header, or word, to one: small letters and
// digits alone, е for ё.
func fold(s string) string {
	var room [64]byte // enough for most, and not on the heap
	b := room[:0]
	for _, r := range s {
		switch r = unicode.ToLower(r); {
		case r == 'ё':
			b = append(b, "е"...)
		case r == '№':
			b = append(b, "номер"...)
		case r < utf8.RuneSelf && (r >= 'a' && r <= 'z' || r >= '0' && r <= '9'), r >= utf8.RuneSelf && (unicode.IsLetter(r) || unicode.IsDigit(r)):
			b = utf8.AppendRune(b, r)
		}
	}
	return string(b)
}

// fillers stand in cells for nothing.
var fillers = []string{"", "нет", "нд", "na", "nan", "null", "nil", "none", "неуказан", "неуказана", "неуказано", "неизвестно", "неизвестен", "неизвестна", "пусто", "отсутствует", "unknown", "notset", "notspecified", "no"}

// filler reports whether a cell that holds something says that there is nothing.
func filler(v string) bool {
	if len(v) > 32 || v != "" && v[0] >= '0' && v[0] <= '9' || strings.HasPrefix(v, "#") {
		return false
	}
	switch r, _ := utf8.DecodeRuneInString(v); unicode.ToLower(r) {
	case 'н', 'п', 'о', 'n', 'u': // as all of them begin
	default:
		if unicode.IsLetter(r) {
			return false
		}
	}
	return slices.Contains(fillers, fold(v))
}
