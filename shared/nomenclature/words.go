package nomenclature

import "github.com/returnpoint/returnpoint/shared/dental"

// wordings are the product's rules by name, Russian and English, "е" for "ё". The
// order is what makes them right: a rule stands above every one that would take
// its names for something else.
var wordings = []wording{
	// A name that begins with a look at somebody is one, whatever it is a look at.
	{kind: dental.Diagnostics, some: []string{"^консультац", "^прием", "^первичн", "^повторн", "^осмотр", "^профосмотр", "^профилактическ осмотр", "^диагностик", "^кт ", "^клкт", "^3d ",
		"^снимок", "^прицельн", "^рентген", "^компьютерн", "^панорам", "^consult", "^exam", "^periodic oral eval", "^comprehensive oral eval", "^limited oral eval", "^perex ", "^limex ", "^cmpex "},
		not: []string{"чистк", "профгиг", "гигиена", "гигиены", "гигиену", "активац", "на этапе", "лечени", "кариес", "cleaning", "prophy"}},
	{kind: dental.Diagnostics, some: images, not: []string{"кариес", "пломб", "пульп", "лечени", "имплантац", "под ключ", "удален", "чистк", "гигиен"}},

	// Cleaning, of whatever it be; prevention goes with it.
	{kind: dental.Periodontics, some: []string{"root planing", "vector", "вектор"}},
	{kind: dental.Hygiene, some: []string{"гигиен", "профгиг", "профчист", "чистк", "налет", "отложени", "камн", "камен", "air flow", "airflow", "эйр флоу", "аэр флоу", "скалинг", "скейлинг",
		"полировк", "полирован", "фторир", "фторлак", "реминерал", "герметизац", "фиссур", "отбелив",
		"hygien", "prophy", "proadult ", "prochild ", "cleaning", "scaling", "polish", "fluorid", "sealant", "seal ", "whitening", "bleach", "debridement"},
		not: []string{"канал", "слюнн", "проток", "пломб", "гигиенист"}},

	// Appliances. A small implant that a tooth is pulled by is one of them.
	{kind: dental.Orthodontics, some: []string{"ортодонт", "брекет", "бреккет", "элайнер", "ретейнер", "ретенцион", "лигатур", "микроимплант", "минивинт", "трейнер", "пластинк", "исправление прикуса",
		"коррекция прикуса", "orthodon", "braces", "bracket", "aligner", "invisalign", "retainer", "space maintainer"}, not: []string{"crown", "pontic", "inlay"}},
	{kind: dental.Orthodontics, some: []string{"дуга ", "дуги ", "дугу ", "дуг "}, not: []string{"лицев"}},

	// Implants: what is taken out, what is built on them, bone beside them, and
	// themselves.
	{kind: dental.Prosthetics, some: []string{"имплант", "implant"}, also: []string{"коронк", "протез", "абатмент", "мостов", "мост ", "слепк", "оттиск", "винир", "балк", "супраструктур",
		"crown", "denture", "bridge", "abutment", "supported", "prosth", "impression"}, not: []string{"имплантация", "имплантацию", "под ключ", "шаблон", "placement"}},
	{kind: dental.Surgery, some: []string{"имплант", "implant"}, also: []string{"удален", "снят", "извлеч", "эксплант", "removal", "remove"}},
	{kind: dental.Implant, some: []string{"имплант", "implant"}, also: []string{"одномомент", "с имплант", "с одномомент", "под ключ", "simultaneous"}},
	{kind: dental.Surgery, some: []string{"синус", "костн", "остеопласт", "аугментац", "направленн", "шаблон", "sinus", "bone graft", "graft", "ridge"}},
	{kind: dental.Implant, some: []string{"имплант", "implant", "формировател"}},

	// The gum. "Периодонтит" is of the tooth and comes below.
	{kind: dental.Prosthetics, some: []string{"ретракц"}},
	{kind: dental.Periodontics, some: []string{"десн", "десен", "пародонт", "кюретаж", "гингив", "лоскут", "шинирован", "рецесси", "плазмолифт", "periodont", "gingiv", "curettage", "flap"}},

	// The crown of a tooth is its own; one that is put on is a prosthesis.
	{kind: dental.Therapy, some: []string{"коронков", "коронки зуба", "реставрац"}, not: []string{"коронкой", "винир", "вкладк"}},
	{kind: dental.Prosthetics, some: []string{"коронк", "винир", "люминир", "вкладк", "накладк", "протез", "мостов", "мост ", "моста ", "бюгел", "кламмер", "абатмент", "ортопед", "слепк", "оттиск",
		"восков", "wax up", "crown", "crn ", "veneer", "denture", "bridge", "inlay", "onlay", "prosth", "pontic", "abutment", "impression"}},

	// What is taken out of a tooth that stays.
	{kind: dental.Therapy, some: []string{"кариес", "кариоз", "пломб", "распломб", "перепломб", "пульп", "депульп", "периодонтит", "эндодонт", "канал", "нерв", "штифт", "девитализ", "серебрен", "трепанац",
		"перелеч", "композит", "caries", "cavity", "filling", "composite", "amalgam", "root canal", "rct ", "endodon", "pulp", "restoration", "resin"}},

	{kind: dental.Surgery, some: []string{"удален", "экстракц", "хирург", "резекц", "цистэктом", "цистотом", "кист", "вскрыт", "дренир", "дренаж", "периостотом", "альвеолит", "абсцесс", "шов ", "швов", "швы ",
		"шва ", "лунк", "гемисекц", "уздечк", "вестибул", "перикорон", "капюшон", "биопси", "зуб мудрости", "зуба мудрости",
		"extraction", "ext ", "surg", "apicoect", "frenec", "frenul", "biopsy", "incision", "wisdom"}},

	{kind: dental.Therapy, some: []string{"терапевт", "лечение зуб", "лечение молочн"}},

	// What is said of none of these.
	{kind: dental.Diagnostics, some: append([]string{"консультац", "осмотр", "прием", "профосмотр", "диагност", "обследован", "план лечени", "плана лечени", "определени", "checkup", "check up", "exam",
		"evaluation", "consult", "diagnos"}, images...)},
	{kind: dental.OtherKind, some: []string{"анестез", "обезболив", "седац", "наркоз", "закись", "справк", "сертификат", "аванс", "депозит", "доплат", "материал", "зубная щетк", "щетк", "паста ", "ершик",
		"ополаскивател", "ирригатор", "anesthe", "anaesthe", "sedation", "nitrous", "gift", "deposit"}},
}

// images are what pictures of teeth are called.
var images = []string{
	"кт ", "клкт", "3d ", "оптг", "опг ", "трг ", "снимок", "снимк", "рентген", "радиовизиогра", "визиогра", "томогра", "ортопантомо", "панорам", "прицельн",
	"x ray", "xray", "radiograph", "bitewing", "cbct", "pano ", "panoramic", "2bw ", "4bw ",
}
