package web_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
)

func TestTheCalendarFileIsWhatCalendarsRead(t *testing.T) {
	s := newSurgery(t, func(s *surgery) { s.Clinic.Name = "«Улыбка», семейная; клиника \\ 1" })
	path := s.appointment()
	s.get(path).has(1, "a[href='"+path+"/visit.ics']")
	a := s.get(path + "/visit.ics").want(http.StatusOK)
	if got := a.Header().Get("Content-Type"); got != "text/calendar; charset=utf-8" {
		t.Errorf("the type is %q", got)
	}
	uid := value(t, a, "UID")
	want := strings.Join([]string{
		"BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Return Point//Appointment//EN",
		"BEGIN:VEVENT", "UID:" + uid, "DTSTAMP:20260512T134000Z", "SEQUENCE:29643220",
		"DTSTART:20260524T113000Z", "DTEND:20260524T120000Z",
		"SUMMARY:Визит: «„Улыбка“\\, семейная\\; клиник", // 74 octets; another letter would be the 76th
		" а \\\\ 1»",
		"LOCATION:Москва\\, улица Примерная\\, 5",
		"DESCRIPTION:Телефон клиники: +7 495 000-00-00",
		"CLASS:PRIVATE",
		"BEGIN:VALARM", "ACTION:DISPLAY", "TRIGGER:-PT2H",
		"DESCRIPTION:Визит: «„Улыбка“\\, семейная\\; клин",
		" ика \\\\ 1»",
		"END:VALARM", "END:VEVENT", "END:VCALENDAR", "",
	}, "\r\n")
	if got := a.Body.String(); got != want {
		t.Errorf("got\n%q\nwant\n%q", got, want)
	}
	if len(uid) != 32 || strings.Contains(uid, "501") {
		t.Errorf("the UID is %q", uid)
	}
	for _, secret := range []string{"Аглаида", "Непоказуева", "9160000001", "aglaida", "Соколова", "гигиена", "A-501", "P-77", strings.TrimPrefix(path, "/c/")} {
		if strings.Contains(a.Body.String(), secret) {
			t.Errorf("the file has %q", secret)
		}
	}
}

// value is the value of a property that stands once and is not folded.
func value(t *testing.T, a *answer, name string) string {
	t.Helper()
	_, rest, found := strings.Cut(a.Body.String(), "\r\n"+name+":")
	if !found {
		t.Fatalf("there is no %s in %q", name, a.Body)
	}
	v, _, _ := strings.Cut(rest, "\r\n")
	return v
}

func TestAMovedAppointmentIsTheSameEntryRevised(t *testing.T) {
	s := newSurgery(t, nil)
	path := s.appointment() + "/visit.ics"
	before := s.get(path)
	s.becomes(func(a *dental.Appointment) {
		a.Start, a.End, a.BookedAt, a.ChangedAt = a.Start.Add(24*time.Hour), time.Time{}, friday, friday
	})
	after := s.get(path).want(http.StatusOK)
	if a, b := value(t, before, "UID"), value(t, after, "UID"); a != b {
		t.Errorf("the UID was %s and is %s", a, b)
	}
	if a, b := value(t, before, "SEQUENCE"), value(t, after, "SEQUENCE"); a >= b {
		t.Errorf("the sequence was %s and is %s", a, b)
	}
	if got := value(t, after, "DTSTART"); got != "20260525T113000Z" {
		t.Errorf("it starts %s", got)
	}
	if strings.Contains(after.Body.String(), "DTEND") {
		t.Error("an end that nobody knows is in the file")
	}
}

func TestEachAppointmentOfAFamilyIsAnEntryOfItsOwn(t *testing.T) {
	s, path := family(t)
	file := s.get(path + "/visit.ics").want(http.StatusOK).Body.String()
	if got := strings.Count(file, "BEGIN:VEVENT"); got != 2 {
		t.Errorf("%d entries", got)
	}
	uids := map[string]bool{}
	for part := range strings.SplitSeq(file, "UID:") {
		uids[part[:32]] = true
	}
	if len(uids) != 3 { // the part before the first is no UID
		t.Errorf("the entries share a UID: %q", file)
	}
	s.becomes(func(a *dental.Appointment) { a.Status = dental.Cancelled })
	if got := strings.Count(s.get(path+"/visit.ics").Body.String(), "BEGIN:VEVENT"); got != 1 {
		t.Errorf("%d entries after a cancellation", got)
	}
}
