// Package cardfile makes up a clinic's existing base, line by line, and knows what
// ought to come of it: fictional people with the visits of some years, in a table
// as clinics keep it, with what such tables suffer from. The same seed gives the
// same lines.
package cardfile

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"time"
)

// Truth is what an import of the lines comes to.
type Truth struct {
	Lines    int64 `json:"lines"`
	Refused  int64 `json:"refused"` // lines that name nobody
	Patients int64 `json:"patients"`
	Phones   int64 `json:"phones"` // of patients with a number that works
	Visits   int64 `json:"visits"`
	Kopecks  int64 `json:"kopecks"` // of all receipts
}

// head names the columns.
const head = "№ карты;Фамилия;Имя;Отчество;Дата рождения;Телефон;E-mail;Дата визита;Врач;Услуга;Сумма\r\n"

var (
	families = []string{"Иванов", "Смирнов", "Кузнецов", "Попов", "Васильев", "Петров", "Соколов", "Михайлов", "Новиков", "Фёдоров", "Морозов", "Волков", "Алексеев", "Лебедев", "Семёнов", "Егоров"}
	given    = []string{"Александр", "Дмитрий", "Максим", "Сергей", "Андрей", "Алексей", "Артём", "Илья", "Кирилл", "Михаил", "Никита", "Матвей", "Роман", "Егор", "Арсений", "Иван"}
	middle   = []string{"Александрович", "Дмитриевич", "Максимович", "Сергеевич", "Андреевич", "Алексеевич", "Ильич", "Михайлович"}
	doctors  = []string{"Соколова Ирина", "Орлов Павел", "Белова Анна", "Громов Олег", "Ким Вера"}
	services = []struct {
		name    string
		roubles int64
	}{{"Профессиональная гигиена", 5400}, {"Лечение кариеса", 7200}, {"Консультация", 1000}, {"Удаление зуба", 4300}, {"Установка импланта", 42000}, {"Коррекция брекетов", 3500}}
)

// Write writes so many lines behind the head. today is the day after the last visit.
func Write(w io.Writer, lines int64, seed uint64, today time.Time) (Truth, error) {
	out := bufio.NewWriterSize(w, 1<<20)
	_, _ = out.WriteString(head) // Flush tells what went wrong
	random := rand.New(rand.NewPCG(seed, 0))
	var truth Truth
	for patient := int64(1); truth.Lines < lines; patient++ {
		if random.IntN(200) == 0 { // a line whose card somebody has cleared
			truth.Lines++
			truth.Refused++
			_, _ = fmt.Fprintf(out, ";;;;;;;%s;%s;;\r\n", day(today, 30+random.IntN(300)), doctors[0])
			if truth.Lines == lines {
				break
			}
		}
		number, works := phone(random, patient)
		card := fmt.Sprintf("%d;%s;%s;%s;%s;%s;%s", patient, families[random.IntN(len(families))], given[random.IntN(len(given))], middle[random.IntN(len(middle))],
			day(today, 365*(18+random.IntN(60))+random.IntN(365)), number, mail(random, patient))
		truth.Patients++
		if works {
			truth.Phones++
		}
		visits := 1
		if random.IntN(3) == 0 {
			visits += 1 + random.IntN(3)
		}
		for ago := 20 + random.IntN(700); visits > 0 && truth.Lines < lines; visits-- {
			s := services[random.IntN(len(services))]
			_, _ = fmt.Fprintf(out, "%s;%s;%s;%s;%d,00\r\n", card, day(today, ago), doctors[random.IntN(len(doctors))], s.name, s.roubles)
			truth.Lines++
			truth.Visits++
			truth.Kopecks += s.roubles * 100
			ago += 30 + random.IntN(200)
		}
	}
	if err := out.Flush(); err != nil {
		return truth, fmt.Errorf("cardfile: write the lines: %w", err)
	}
	return truth, nil
}

func day(today time.Time, ago int) string { return today.AddDate(0, 0, -ago).Format("02.01.2006") }

// phone is a number of the patient's own in one of the spellings that cards have;
// one in fifty cannot be used.
func phone(random *rand.Rand, patient int64) (spelled string, works bool) {
	n := 1_000_000 + patient%8_999_999
	national := fmt.Sprintf("%03d", 900+patient/8_999_999) + fmt.Sprint(n)
	a, b, c, d := national[:3], national[3:6], national[6:8], national[8:]
	switch random.IntN(50) {
	case 0:
		return fmt.Sprintf("8 (495) %s-%s-%s доб. 12", b, c, d), false
	case 1, 2, 3, 4, 5, 6:
		return "+7" + national, true
	case 7, 8, 9, 10, 11, 12, 13, 14:
		return "8" + national, true
	}
	return fmt.Sprintf("8 (%s) %s-%s-%s", a, b, c, d), true
}

func mail(random *rand.Rand, patient int64) string {
	if random.IntN(3) > 0 {
		return ""
	}
	return fmt.Sprintf("p%d@example.com", patient)
}
