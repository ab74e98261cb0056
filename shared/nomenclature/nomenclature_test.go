package nomenclature_test

import (
	"strings"
	"testing"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/nomenclature"
)

const unknown = dental.ProcedureKind("unknown")

func sorted(rules []dental.KindRule, code, name string) dental.ProcedureKind {
	kind, known := nomenclature.Sort(rules, code, name)
	if !known {
		if kind != dental.OtherKind {
			return "an unknown one is " + kind
		}
		return unknown
	}
	return kind
}

func TestAProcedureIsSortedByItsCode(t *testing.T) {
	for code, want := range map[string]dental.ProcedureKind{
		"A16.07.051": dental.Hygiene, "A16.07.051.001": dental.Hygiene, "A16.07.020": dental.Hygiene, "A22.07.002": dental.Hygiene, "A11.07.012": dental.Hygiene, "A16.07.050": dental.Hygiene,
		"A16.07.057": dental.Hygiene, "A14.07.008": dental.Hygiene,
		"A16.07.054": dental.Implant, "A16.07.054.001": dental.Implant,
		"A16.07.006": dental.Prosthetics, // a crown on an implant is none
		"A16.07.001": dental.Surgery, "A16.07.001.003": dental.Surgery, "A16.07.024": dental.Surgery, "A16.07.041": dental.Surgery, "A16.07.055": dental.Surgery, "A16.07.007": dental.Surgery,
		"A16.07.002": dental.Therapy, "A16.07.002.010": dental.Therapy, "A16.07.008": dental.Therapy, "A16.07.030.001": dental.Therapy, "A16.07.010": dental.Therapy, "A16.07.082": dental.Therapy,
		"A16.07.046": dental.Orthodontics, "A16.07.047": dental.Orthodontics, "A16.07.048.500": dental.Orthodontics, "A16.07.028": dental.Orthodontics, "A23.07.001.502": dental.Orthodontics,
		"A23.07.003": dental.Orthodontics, "A16.07.018": dental.Orthodontics,
		"A16.07.003": dental.Prosthetics, "A16.07.004": dental.Prosthetics, "A16.07.005": dental.Prosthetics, "A16.07.023": dental.Prosthetics, "A16.07.035": dental.Prosthetics,
		"A16.07.053": dental.Prosthetics, "A23.07.002.027": dental.Prosthetics,
		"A16.07.019": dental.Periodontics, "A16.07.038": dental.Periodontics, "A16.07.039": dental.Periodontics, "A16.07.040": dental.Periodontics, "A22.07.001": dental.Periodontics,
		"A06.07.012": dental.Diagnostics, "A06.07.013.001": dental.Diagnostics, "A02.07.006": dental.Diagnostics, "A05.07.001": dental.Diagnostics,
		"B01.065.007": dental.Diagnostics, "B01.063.001": dental.Diagnostics, "B01.067.001": dental.Diagnostics, "B04.065.002": dental.Diagnostics,
		"B01.063.002":     dental.Orthodontics,
		"B01.003.004.005": dental.OtherKind,
		"A16.08.001":      unknown, "A16.07": unknown, "A16": unknown, "": unknown, "12": unknown,

		"D0120": dental.Diagnostics, "D0330": dental.Diagnostics, "D1110": dental.Hygiene, "D1206": dental.Hygiene, "D1351": dental.Hygiene, "D1510": dental.Orthodontics,
		"D2140": dental.Therapy, "D2392": dental.Therapy, "D2740": dental.Prosthetics, "D2950": dental.Therapy, "D2962": dental.Prosthetics, "D2644": dental.Prosthetics,
		"D3330": dental.Therapy, "D3410": dental.Surgery, "D4341": dental.Periodontics, "D4910": dental.Periodontics, "D5110": dental.Prosthetics, "D6240": dental.Prosthetics,
		"D6010": dental.Implant, "D6058": dental.Prosthetics, "D6100": dental.Surgery, "D7140": dental.Surgery, "D7210": dental.Surgery, "D8080": dental.Orthodontics,
		"D9310": dental.Diagnostics, "D9972": dental.Hygiene, "D9230": dental.OtherKind,
		"D01": unknown, "D12345": unknown, "DR1110": unknown,

		// As people type them.
		"А16.07.051": dental.Hygiene, "В01.063.001.500": dental.Diagnostics, "а 06.07.012": dental.Diagnostics, " a16.07.054 ": dental.Implant, "ОРД-А16.07.047.001": dental.Orthodontics,
		"A16.07.051/2": dental.Hygiene, "d1110": dental.Hygiene,
	} {
		if got := sorted(nil, code, ""); got != want {
			t.Errorf("%q is %s, want %s", code, got, want)
		}
	}
}

func TestAProcedureIsSortedByItsName(t *testing.T) {
	for name, want := range map[string]dental.ProcedureKind{
		"Профессиональная гигиена полости рта": dental.Hygiene,
		"ПРОФГИГИЕНА":                              dental.Hygiene,
		"Чистка зубов ультразвуком":                dental.Hygiene,
		"Комплексная гигиена + осмотр":             dental.Hygiene,
		"Осмотр и чистка":                          dental.Hygiene,
		"Air Flow":                                 dental.Hygiene,
		"AirFlow, обе челюсти":                     dental.Hygiene,
		"Удаление налёта":                          dental.Hygiene,
		"Снятие зубных отложений, 1 зуб":           dental.Hygiene,
		"Удаление зубного камня":                   dental.Hygiene,
		"Удаление камня из протока слюнной железы": dental.Surgery,
		"Чистка имплантатов":                       dental.Hygiene,
		"Гигиена при брекетах":                     dental.Hygiene,
		"Глубокое фторирование эмали":              dental.Hygiene,
		"Герметизация фиссур":                      dental.Hygiene,
		"Отбеливание ZOOM 4":                       dental.Hygiene,
		"Обучение гигиене полости рта":             dental.Hygiene,
		"Чистка канала":                            dental.Therapy,
		"Полировка пломбы":                         dental.Therapy,

		"Внутрикостная дентальная имплантация":       dental.Implant,
		"Установка импланта Straumann":               dental.Implant,
		"Имплантация под ключ (имплант, коронка)":    dental.Implant,
		"Установка формирователя десны":              dental.Implant,
		"Синус-лифтинг с одномоментной имплантацией": dental.Implant,
		"Снятие имплантата":                          dental.Surgery,
		"Удаление импланта":                          dental.Surgery,
		"Коронка на имплант":                         dental.Prosthetics,
		"Коронка на имплантат из диоксида циркония":  dental.Prosthetics,
		"Протезирование на имплантах":                dental.Prosthetics,
		"Снятие слепка с имплантата":                 dental.Prosthetics,
		"Снятие коронки с имплантата":                dental.Prosthetics,
		"Установка абатмента":                        dental.Prosthetics,
		"Костная пластика перед имплантацией":        dental.Surgery,
		"Открытый синус-лифтинг":                     dental.Surgery,
		"Хирургический шаблон для имплантации":       dental.Surgery,
		"Ортодонтический микроимплант":               dental.Orthodontics,

		"Установка брекет-системы":   dental.Orthodontics,
		"Снятие брекетов":            dental.Orthodontics,
		"Элайнеры, полный курс":      dental.Orthodontics,
		"Смена ортодонтической дуги": dental.Orthodontics,
		"Замена дуги":                dental.Orthodontics,
		"Регистрация лицевой дугой":  unknown,
		"Фиксация ретейнера":         dental.Orthodontics,
		"Исправление прикуса":        dental.Orthodontics,
		"Повторный приём на этапе лечения с ортодонтическим аппаратом": dental.Orthodontics,
		"Коррекция несъёмным ортодонтическим аппаратом":                dental.Orthodontics,

		"Удаление зуба":                  dental.Surgery,
		"Удаление зуба мудрости сложное": dental.Surgery,
		"Удаление корня":                 dental.Surgery,
		"Пластика уздечки губы":          dental.Surgery,
		"Вскрытие абсцесса":              dental.Surgery,
		"Снятие швов":                    dental.Surgery,
		"Удаление нерва":                 dental.Therapy,
		"Удаление старой пломбы":         dental.Therapy,
		"Удаление штифта":                dental.Therapy,

		"Лечение кариеса": dental.Therapy,
		"Лечение кариеса: консультация, снимок, пломба": dental.Therapy,
		"Световая пломба":                   dental.Therapy,
		"Лечение пульпита, 3 канала":        dental.Therapy,
		"Лечение периодонтита":              dental.Therapy,
		"Реставрация коронковой части зуба": dental.Therapy,
		"Художественная реставрация":        dental.Therapy,
		"Распломбировка канала":             dental.Therapy,

		"Металлокерамическая коронка":  dental.Prosthetics,
		"Восстановление зуба коронкой": dental.Prosthetics,
		"Реставрация виниром":          dental.Prosthetics,
		"Снятие коронки":               dental.Prosthetics,
		"Винир E.max":                  dental.Prosthetics,
		"Съёмный протез":               dental.Prosthetics,
		"Бюгельный протез":             dental.Prosthetics,
		"Мостовидный протез":           dental.Prosthetics,
		"Керамическая вкладка":         dental.Prosthetics,
		"Снятие оттиска":               dental.Prosthetics,

		"Лечение дёсен":       dental.Periodontics,
		"Лечение пародонтита": dental.Periodontics,
		"Закрытый кюретаж":    dental.Periodontics,
		"Пластика десны":      dental.Periodontics,
		"Шинирование зубов":   dental.Periodontics,
		"Вектор-терапия":      dental.Periodontics,

		"КТ": dental.Diagnostics,
		"КТ перед имплантацией":                 dental.Diagnostics,
		"КЛКТ двух челюстей":                    dental.Diagnostics,
		"Прицельный снимок":                     dental.Diagnostics,
		"Контрольный снимок зуба с имплантатом": dental.Diagnostics,
		"ОПТГ":             dental.Diagnostics,
		"Радиовизиография": dental.Diagnostics,
		"Консультация имплантолога":                 dental.Diagnostics,
		"Консультация гигиениста":                   dental.Diagnostics,
		"Приём врача-стоматолога-терапевта":         dental.Diagnostics,
		"Первичный осмотр":                          dental.Diagnostics,
		"Составление плана лечения":                 dental.Diagnostics,
		"Лечение под седацией":                      dental.OtherKind,
		"Анестезия инфильтрационная":                dental.OtherKind,
		"Справка в бассейн":                         dental.OtherKind,
		"В 01.065.007 Приём (осмотр, консультация)": dental.Diagnostics,
		"А16.07.001 что-то своё":                    dental.Surgery,

		"prophylaxis - adult":                  dental.Hygiene,
		"ProAdult":                             dental.Hygiene,
		"Teeth cleaning":                       dental.Hygiene,
		"periodontal scaling and root planing": dental.Periodontics,
		"periodic oral evaluation - established patient": dental.Diagnostics,
		"PerEx":                                dental.Diagnostics,
		"2BW":                                  dental.Diagnostics,
		"Pano":                                 dental.Diagnostics,
		"implant placement":                    dental.Implant,
		"surgical removal of implant body":     dental.Surgery,
		"implant supported porcelain crown":    dental.Prosthetics,
		"root canal therapy, molar":            dental.Therapy,
		"resin-based composite - two surfaces": dental.Therapy,
		"extraction, erupted tooth":            dental.Surgery,
		"Invisalign":                           dental.Orthodontics,
		"retainer crown - porcelain":           dental.Prosthetics,
		"complete denture - maxillary":         dental.Prosthetics,

		"":             unknown,
		"  ":           unknown,
		"***":          unknown,
		"Прочее":       unknown,
		"Косметология": unknown,
		"актуализация": unknown, // "кт" is a word, not a part of one
	} {
		if got := sorted(nil, "", name); got != want {
			t.Errorf("%q is %s, want %s", name, got, want)
		}
	}
}

func TestACodeSaysMoreThanAName(t *testing.T) {
	if got := sorted(nil, "A16.07.054", "Коронка"); got != dental.Implant {
		t.Errorf("it is %s", got)
	}
	if got := sorted(nil, "107-3", "Коронка"); got != dental.Prosthetics {
		t.Errorf("a code of the clinic's own hides the name: %s", got)
	}
}

func TestTheClinicsOwnRulesComeFirstAndInTheirOrder(t *testing.T) {
	rules := []dental.KindRule{
		{Code: "107", Kind: dental.Surgery},
		{Name: "Комплекс «Лёгкий»", Kind: dental.Hygiene},
		{Name: "комплекс", Kind: dental.Diagnostics},
		{Code: "А16.07.051", Kind: dental.Periodontics}, // with a Cyrillic letter
		{Kind: dental.Implant},                          // an empty rule is none
		{Name: "=", Kind: dental.Implant},
		{Name: "=Зуб", Kind: dental.Surgery},
		{Code: "=7", Kind: dental.Surgery},
	}
	for _, c := range []struct {
		code, name string
		want       dental.ProcedureKind
	}{
		{"107-3", "Коронка", dental.Surgery},
		{"", "Комплекс «Легкий», 60 минут", dental.Hygiene},
		{"", "КОМПЛЕКС для двоих", dental.Diagnostics},
		{"A16.07.051.001", "", dental.Periodontics},
		{"A16.07.054", "", dental.Implant},
		{"", "Тишина", unknown},
		{"", "зуб ", dental.Surgery},
		{"", "Зуб временный", unknown},
		{"7", "", dental.Surgery},
		{"71", "", unknown},
	} {
		if got := sorted(rules, c.code, c.name); got != c.want {
			t.Errorf("%q, %q is %s, want %s", c.code, c.name, got, c.want)
		}
	}
}

func FuzzSort(f *testing.F) {
	f.Add("А 06.07.012", "КТ", "a", "кт")
	f.Add("D6010", "", "", "")
	f.Add("\xff", "ё\x00", "\xff", "ё")
	f.Fuzz(func(t *testing.T, code, name, own, part string) {
		rules := []dental.KindRule{{Code: own, Name: part, Kind: dental.Implant}}
		kind, known := nomenclature.Sort(rules, code, name)
		if again, still := nomenclature.Sort(rules, strings.TrimSpace(code), " "+name+" "); again != kind || still != known {
			t.Errorf("%q, %q is %s, and with spaces around it %s", code, name, kind, again)
		}
		if !known && kind != dental.OtherKind {
			t.Errorf("an unknown one is %s", kind)
		}
	})
}
