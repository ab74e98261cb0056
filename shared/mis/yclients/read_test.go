package yclients_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/intake"
	"github.com/returnpoint/returnpoint/shared/mis/mistest"
	"github.com/returnpoint/returnpoint/shared/mis/yclients"
)

// noon is when the deliveries of these tests arrive: 12:00 in Moscow.
var noon = time.Date(2026, 3, 10, 9, 0, 0, 0, time.UTC)

func read(t *testing.T, body string) (intake.Heard, error) {
	t.Helper()
	return yclients.Read(clinic(), account(""), intake.Delivery{Body: []byte(body), At: noon})
}

func heard(t *testing.T, body string) intake.Heard {
	t.Helper()
	h, err := read(t, body)
	if err != nil {
		t.Fatalf("%v\n%s", err, body)
	}
	return h
}

// hooked wraps data in a hook.
func hooked(resource, status, data string) string {
	return fmt.Sprintf(`{"company_id":4564,"resource":%q,"resource_id":31,"status":%q,"data":%s}`, resource, status, data)
}

// recordWith is a record's hook with some fields more, or others.
func recordWith(fields string) string {
	base := map[string]string{"id": `31`, "client": `{"id":7,"name":"Вера","surname":"Ромашкина","phone":"79160000001"}`,
		"staff": `{"id":49,"name":"Орлова Дарья"}`, "services": `[{"id":1,"title":"Приём","cost":900}]`, "date": `"2026-03-10 10:00:00"`,
		"datetime": `"2026-03-10T10:00:00+09:00"`, "attendance": `0`, "seance_length": `1800`, "last_change_date": `"2026-03-09T12:00:00+0300"`}
	order := []string{"id", "client", "staff", "services", "date", "datetime", "attendance", "seance_length", "last_change_date"}
	for field := range strings.SplitSeq(fields, "; ") {
		if name, value, given := strings.Cut(field, "="); given {
			if _, known := base[name]; !known {
				order = append(order, name)
			}
			base[name] = value
		}
	}
	var parts []string
	for _, name := range order {
		if base[name] != "" {
			parts = append(parts, fmt.Sprintf("%q:%s", name, base[name]))
		}
	}
	return hooked("record", "update", "{"+strings.Join(parts, ",")+"}")
}

// facts picks what one object says.
type facts struct {
	card        *intake.Card
	appointment *dental.Appointment
	visit       *dental.Visit
	payment     *dental.Payment
	object      intake.Object // the last, which is the one that was named
}

func said(t *testing.T, body string) (f facts) {
	t.Helper()
	for _, o := range heard(t, body).Objects {
		f.object = o
		for _, e := range o.Facts {
			switch {
			case e.Card != nil:
				f.card = e.Card
			case e.Appointment != nil:
				f.appointment = e.Appointment
			case e.Visit != nil:
				f.visit = e.Visit
			case e.Payment != nil:
				f.payment = e.Payment
			}
		}
	}
	return f
}

func TestARecordSaysWhenWithWhomAndWhatFor(t *testing.T) {
	f := said(t, recordWith(``))
	start := time.Date(2026, 3, 10, 7, 0, 0, 0, time.UTC)
	a := f.appointment
	if a == nil || a.ID != "31" || a.Patient != "yc.7" || !a.Start.Equal(start) || !a.End.Equal(start.Add(30*time.Minute)) || a.Status != dental.Booked ||
		a.Doctor != (dental.Doctor{ID: "49", Name: "Орлова Дарья"}) || !reflect.DeepEqual(a.Services, []dental.ServiceType{{Name: "Приём"}}) {
		t.Errorf("the appointment is %+v", a)
	}
	if f.card == nil || f.card.Says != intake.Hint || f.card.ID != "yc.7" || f.card.Number != "+79160000001" || f.card.FamilyName != "Ромашкина" || f.card.GivenName != "Вера" {
		t.Errorf("the hint of the client is wrong: %+v", f.card)
	}
	if o := f.object; o.System != dental.YClients || o.Kind != "record" || o.ID != "31" || o.Gone || o.Body == "" ||
		o.Version != time.Date(2026, 3, 9, 9, 0, 0, 0, time.UTC).UnixMilli() {
		t.Errorf("the object is %+v", o)
	}
}

func TestWhateverARecordsValuesAreSpelledLike(t *testing.T) {
	for _, tt := range []struct {
		name, fields string
		want         func(f facts) bool
	}{
		{"the offset of datetime does not count", `datetime="2026-03-10T10:00:00+00:00"`, starts(7, 0)},
		{"a datetime of Unix seconds is not asked while there is a date", `datetime=1`, starts(7, 0)},
		{"a datetime alone is of the clinic's clock", `date=; datetime="2026-03-10T10:00:00.000+09:00"`, starts(7, 0)},
		{"a datetime of Unix seconds alone is an instant", `date=; datetime=1773126000`, starts(7, 0)},
		{"a date of Unix seconds in a string too", `date="1773126000"`, starts(7, 0)},
		{"a date in the shape of a datetime is of the clinic's clock", `date="2026-03-10T10:00:00-05:00"`, starts(7, 0)},
		{"a date without seconds", `date="2026-03-10 10:05"`, starts(7, 5)},
		{"a length in a string", `seance_length="3600"`, ends(60)},
		{"the record's own length where the seance has none", `seance_length=null; length=900`, ends(15)},
		{"no length", `seance_length=0`, func(f facts) bool { return f.appointment.End.IsZero() }},
		{"a length that no record has", `seance_length=99999999`, func(f facts) bool { return f.appointment.End.IsZero() }},
		{"attendance 2 is confirmed", `attendance=2`, status(dental.Confirmed)},
		{"attendance in a string", `attendance="2"`, status(dental.Confirmed)},
		{"attendance -1 is missed", `attendance=-1`, status(dental.Missed)},
		{"no attendance is that of the visit", `attendance=null; visit_attendance=2`, status(dental.Confirmed)},
		{"the confirmed of old does not count", `confirmed=1`, status(dental.Booked)},
		{"staff that is []", `staff=[]; staff_id="49"`, func(f facts) bool { return f.appointment.Doctor == dental.Doctor{ID: "49"} }},
		{"nobody of the staff", `staff=null; staff_id=0`, func(f facts) bool { return f.appointment.Doctor == dental.Doctor{} }},
		{"services that are {}", `services={}`, services()},
		{"services that are null", `services=null`, services()},
		{"services as a list with gaps", `services={"2":{"title":"Б"},"0":{"title":"А"}}`, services("А", "Б")},
		{"a title with line breaks", "services=[{\"title\":\"  Снятие\\n швов \"}]", services("Снятие швов")},
		{"a code of the nomenclature before the title", `services=[{"title":"А16.07.051 — Гигиена полости рта"}]`, func(f facts) bool {
			return f.appointment.Services[0] == dental.ServiceType{Code: "A16.07.051", Name: "Гигиена полости рта"}
		}},
		{"a phone that is a number", `client={"id":7,"name":"Вера","phone":79160000001}`, dials("+79160000001")},
		{"a phone with a plus", `client={"id":"7","name":"Вера","phone":"+7 916 000-00-01"}`, dials("+7 916 000-00-01")},
		{"a phone of eleven digits with an 8", `client={"id":7,"name":"Вера","phone":"89160000001"}`, dials("89160000001")},
		{"a phone that is null", `client={"id":7,"name":"Вера","phone":null}`, dials("")},
		{"a client of whom only the number is known says nothing", `client={"id":7,"name":"","phone":""}`, func(f facts) bool { return f.card == nil && f.appointment.Patient == "yc.7" }},
		{"a client that is []", `client=[]`, nothing},
		{"a client that is null", `client=null`, nothing},
		{"a client that is {}", `client={}`, nothing},
		{"a client without an id", `client={"id":0,"name":"Вера"}`, nothing},
		{"deleted as true", `deleted=true`, gone},
		{"deleted as a number", `deleted=1`, gone},
		{"deleted as a string", `deleted="1"`, gone},
		{"not deleted as a string", `deleted="0"`, status(dental.Booked)},
		{"a change time without an offset is of the clinic's clock", `last_change_date="2026-03-09 12:00:00"`, version(time.Date(2026, 3, 9, 9, 0, 0, 0, time.UTC))},
		{"a change time with a colon in its offset", `last_change_date="2026-03-09T12:00:00+09:00"`, version(time.Date(2026, 3, 9, 3, 0, 0, 0, time.UTC))},
		{"a change time of Unix seconds", `last_change_date=1773046800`, version(time.Unix(1773046800, 0))},
		{"no change time", `last_change_date=null`, func(f facts) bool { return f.object.Version == 0 && f.appointment != nil }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if f := said(t, recordWith(tt.fields)); !tt.want(f) {
				t.Errorf("it says %+v, %+v, %+v", f.object, f.appointment, f.card)
			}
		})
	}
}

func starts(hour, minute int) func(facts) bool {
	return func(f facts) bool {
		return f.appointment.Start.Equal(time.Date(2026, 3, 10, hour, minute, 0, 0, time.UTC))
	}
}
func ends(minutes int) func(facts) bool {
	return func(f facts) bool {
		return f.appointment.End.Sub(f.appointment.Start) == time.Duration(minutes)*time.Minute
	}
}
func status(s dental.AppointmentStatus) func(facts) bool {
	return func(f facts) bool { return f.appointment.Status == s && f.visit == nil }
}
func services(names ...string) func(facts) bool {
	return func(f facts) bool {
		var got []string
		for _, s := range f.appointment.Services {
			got = append(got, s.Name)
		}
		return reflect.DeepEqual(got, names)
	}
}
func dials(number string) func(facts) bool {
	return func(f facts) bool { return f.card != nil && f.card.Number == number }
}
func version(at time.Time) func(facts) bool {
	return func(f facts) bool { return f.object.Version == at.UnixMilli() && f.object.At.Equal(at) }
}
func nothing(f facts) bool {
	return f.appointment == nil && f.card == nil && f.object.ID == "31" && !f.object.Gone
}
func gone(f facts) bool { return f.object.Gone && f.appointment == nil && f.card == nil }

func TestAPatientWhoCameIsAVisit(t *testing.T) {
	money := func(minor int64) dental.Money { return dental.Money{Minor: minor, Currency: "RUB"} }
	at := func(hour, minute int) time.Time { return time.Date(2026, 3, 10, hour, minute, 0, 0, time.UTC) }
	for _, tt := range []struct {
		name, fields string
		finished     time.Time
		receipt      dental.Money
	}{
		{"it ends with the record", ``, at(7, 30), money(90000)},
		{"even while that end is ahead", `date="2026-03-10 11:45:00"`, at(9, 15), money(90000)},
		{"and who came is a little early", `date="2026-03-10 12:30:00"`, at(10, 0), money(90000)},
		{"or an hour after its start, when it has no end", `seance_length=0`, at(8, 0), money(90000)},
		{"or with the day, when the end is on another", `date="2026-03-09 23:50:00"`, time.Date(2026, 3, 9, 20, 59, 59, 0, time.UTC), money(90000)},
		{"a price in a string", `services=[{"title":"А","cost":"1 170"},{"title":"Б","cost":"5"}]`, at(7, 30), dental.Money{}},
		{"prices in strings and with kopecks", `services=[{"title":"А","cost":"1170.50"},{"title":"Б","cost":0.25}]`, at(7, 30), money(117075)},
		{"what is to be paid is what counts", `services=[{"title":"А","cost":1000,"cost_to_pay":800,"amount":2}]`, at(7, 30), money(80000)},
		{"a sum is of the whole line", `services=[{"title":"А","cost":1000,"first_cost":1000,"cost_per_unit":500,"amount":2}]`, at(7, 30), money(100000)},
		{"something for nothing", `services=[{"title":"А","cost":0}]`, at(7, 30), money(0)},
		{"no price", `services=[{"title":"А"},{"title":"Б","cost":5}]`, at(7, 30), dental.Money{}},
		{"no services", `services=[]`, at(7, 30), dental.Money{}},
		{"more zeros than kopecks have", `services=[{"title":"А","cost":"1500.000000000"}]`, at(7, 30), money(150000)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := said(t, recordWith(strings.TrimPrefix(tt.fields+"; attendance=1", "; ")))
			if f.visit == nil || !f.visit.FinishedAt.Equal(tt.finished) || f.visit.Receipt != tt.receipt || f.visit.AppointmentID != "31" || f.visit.ID != "31" || f.visit.Patient != "yc.7" {
				t.Errorf("the visit is %+v", f.visit)
			}
			if f.visit != nil && len(f.visit.Procedures) != len(f.appointment.Services) {
				t.Errorf("its procedures are %v of the services %v", f.visit.Procedures, f.appointment.Services)
			}
		})
	}
}

func TestAVisitThatIsMarkedAheadOfItsDayIsHeldBack(t *testing.T) {
	zone := clinic().Location()
	mistest.Held(t, time.Date(2026, 3, 11, 10, 30, 0, 0, zone), time.Date(2026, 3, 11, 0, 0, 0, 0, zone), func(at time.Time) intake.Object {
		heard, err := yclients.Read(clinic(), account(""), intake.Delivery{Body: []byte(recordWith(`attendance=1; date="2026-03-11 10:00:00"`)), At: at})
		if err != nil {
			t.Fatal(err)
		}
		return heard.Objects[len(heard.Objects)-1]
	})
}

func TestWhateverACardsValuesAreSpelledLike(t *testing.T) {
	for _, tt := range []struct {
		name, data string
		want       func(c intake.Card) bool
	}{
		{"names in three fields", `{"id":31,"name":"Вера","surname":"Ромашкина","patronymic":"Павловна"}`, named("Ромашкина", "Вера", "Павловна")},
		{"Altegio's middle name", `{"id":31,"name":"Вера","surname":"Ромашкина","middle_name":"Павловна"}`, named("Ромашкина", "Вера", "Павловна")},
		{"a whole name in one field", `{"id":31,"name":"Ромашкина Вера Павловна"}`, named("Ромашкина", "Вера", "Павловна")},
		{"in the other order", `{"id":31,"name":"Вера Павловна Ромашкина"}`, named("Ромашкина", "Вера", "Павловна")},
		{"a name and patronymic", `{"id":31,"name":"Вера Павловна"}`, named("", "Вера", "Павловна")},
		{"two words, the given name first", `{"id":31,"name":"Вера Ким"}`, named("Ким", "Вера", "")},
		{"two words, the family name first", `{"id":31,"name":"Васильков Пётр"}`, named("Васильков", "Пётр", "")},
		{"a given name that ends like a family name", `{"id":31,"name":"Лев Ягодка"}`, named("Ягодка", "Лев", "")},
		{"a family name that ends like it", `{"id":31,"name":"Яковлев Лев"}`, named("Яковлев", "Лев", "")},
		{"one word", `{"id":31,"name":"  Вера "}`, named("", "Вера", "")},
		{"four words", `{"id":31,"name":"Анна Мария де ла"}`, named("Мария де ла", "Анна", "")},
		{"no name", `{"id":31,"name":null}`, named("", "", "")},
		{"a birth date", `{"id":31,"birth_date":"1980-03-04"}`, born(1980, 3, 4)},
		{"a birth date with a time", `{"id":31,"birth_date":"1980-03-04T00:00:00+03:00"}`, born(1980, 3, 4)},
		{"a birth date of Unix seconds", `{"id":31,"birth_date":"952041600"}`, born(2000, 3, 3)},
		{"the birth date that the vendor writes for none", `{"id":31,"birth_date":"1970-01-01"}`, born(0, 0, 0)},
		{"a birth date of zeros", `{"id":31,"birth_date":"0000-00-00"}`, born(0, 0, 0)},
		{"a birth date that is false", `{"id":31,"birth_date":false}`, born(0, 0, 0)},
		{"male", `{"id":31,"sex_id":1}`, sex("male")},
		{"female in a string, as Altegio", `{"id":31,"gender_id":"2"}`, sex("female")},
		{"no sex", `{"id":31,"sex_id":0,"sex":"Неизвестно"}`, sex("")},
		{"a mail address", `{"id":31,"email":"vera@example.com"}`, func(c intake.Card) bool { return c.Mail == "vera@example.com" }},
		{"deleted", `{"id":31,"name":"Вера","deleted":true}`, archived},
		{"an empty list for a list of fields", `{"id":31,"custom_fields":[],"categories":[]}`, named("", "", "")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := said(t, hooked("client", "update", tt.data))
			if f.card == nil || f.card.ID != "yc.31" || !tt.want(*f.card) {
				t.Errorf("the card says %q %q %q, %v, %q, %q, %q", f.card.FamilyName, f.card.GivenName, f.card.MiddleName, f.card.BirthDate, f.card.Sex, f.card.Status, f.card.Mail)
			}
		})
	}
}

func named(family, given, middle string) func(intake.Card) bool {
	return func(c intake.Card) bool {
		return c.FamilyName == family && c.GivenName == given && c.MiddleName == middle && c.Says == intake.Known && c.Status == ""
	}
}
func born(year, month, day int) func(intake.Card) bool {
	return func(c intake.Card) bool {
		return c.BirthDate == dental.Date{Year: year, Month: time.Month(month), Day: day}
	}
}
func sex(s string) func(intake.Card) bool { return func(c intake.Card) bool { return c.Sex == s } }
func archived(c intake.Card) bool         { return c.Status == dental.Archived && c.Says == intake.Known }

func TestAClientWhoIsKeptOutOfMailingsWantsNoAdvertising(t *testing.T) {
	changed := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		name, fields string
		want         []dental.Consent
	}{
		{"out", `"sms_not":1,"last_change_date":"2026-03-01T12:00:00+0300"`, []dental.Consent{{Class: dental.Advertising, Channel: dental.SMS, At: changed, Source: "yclients"}}},
		{"out by a clock that is ahead", `"sms_not":"1","last_change_date":"2026-03-20T12:00:00+0300"`, []dental.Consent{{Class: dental.Advertising, Channel: dental.SMS, At: noon, Source: "yclients"}}},
		{"not out, which is no consent", `"sms_not":0,"sms_check":1,"last_change_date":"2026-03-01T12:00:00+0300"`, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := said(t, hooked("client", "update", `{"id":31,"name":"Вера",`+tt.fields+`}`))
			if len(f.card.Consents) != len(tt.want) || len(tt.want) == 1 && (!f.card.Consents[0].At.Equal(tt.want[0].At) || f.card.Consents[0].Granted ||
				f.card.Consents[0].Class != tt.want[0].Class || f.card.Consents[0].Channel != tt.want[0].Channel) {
				t.Errorf("the consents are %+v", f.card.Consents)
			}
		})
	}
}

func TestMoneyForServicesIsAPaymentAndNoOther(t *testing.T) {
	paid := func(kind dental.PaymentKind, minor int64) *dental.Payment {
		return &dental.Payment{Kind: kind, Amount: dental.Money{Minor: minor, Currency: "RUB"}}
	}
	for _, tt := range []struct {
		name, fields string
		want         *dental.Payment
	}{
		{"for a service", `"amount":1000,"expense":{"id":5},"sold_item_type":"service"`, paid(dental.Paid, 100000)},
		{"in a string", `"amount":"1000.50","expense":{"id":"5"}`, paid(dental.Paid, 100050)},
		{"with the noise of a float", `"amount":1170.0000000000002,"expense":{"id":5}`, paid(dental.Paid, 117000)},
		{"an expense that is []", `"amount":1000,"expense":[],"record_id":17`, paid(dental.Paid, 100000)},
		{"given back", `"amount":-1000,"expense":{"id":5},"sold_item_type":"service"`, paid(dental.Refund, 100000)},
		{"given back under another name", `"amount":"-1000","expense":{"id":77},"record_id":17`, paid(dental.Refund, 100000)},
		{"nothing", `"amount":0,"expense":{"id":5}`, nil},
		{"for goods", `"amount":1000,"expense":{"id":7},"sold_item_type":"goods_transaction","record_id":17`, nil},
		{"for a subscription", `"amount":1000,"sold_item_type":"loyalty_abonement"`, nil},
		{"into a deposit", `"amount":1000,"expense":{"id":12},"sold_item_type":null`, nil},
		{"wages", `"amount":-50000,"expense":{"id":4}`, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := said(t, hooked("finances_operation", "create", `{"id":31,"date":"2026-03-10 11:00:00","client":{"id":7},"last_change_date":"2026-03-10T11:00:00+0300",`+tt.fields+`}`))
			switch got := f.payment; {
			case (got == nil) != (tt.want == nil):
				t.Errorf("the payment is %+v", got)
			case got != nil && (got.Kind != tt.want.Kind || got.Amount != tt.want.Amount || got.Patient != "yc.7" || got.ID != "31" || !got.At.Equal(time.Date(2026, 3, 10, 8, 0, 0, 0, time.UTC))):
				t.Errorf("the payment is %+v", got)
			}
			if f.object.ID != "31" || f.object.Gone {
				t.Errorf("the object is %+v", f.object)
			}
		})
	}
	f := said(t, hooked("finances_operation", "create", `{"id":31,"date":"2026-03-10","amount":1,"client":[],"expense":{"id":5}}`))
	if f.payment != nil || f.object.ID != "31" {
		t.Errorf("a payment of nobody is %+v", f.payment)
	}
	f = said(t, hooked("finances_operation", "create", `{"id":31,"date":"2026-03-10 11:00:00","amount":1,"client":{"id":7},"expense":{"id":5},"record_id":"17","visit_id":99}`))
	if f.payment == nil || f.payment.VisitID != "17" {
		t.Errorf("a visit has the id of its record, and the payment is %+v", f.payment)
	}
}

func TestADeletionIsADeletionWhateverComesWithIt(t *testing.T) {
	late := noon.Add(26 * time.Hour).UnixMilli()
	for _, tt := range []struct {
		name, resource, data string
		version              int64
	}{
		{"a record with all its data", "record", `{"id":31,"client":{"id":7},"date":"2026-03-10 10:00:00","last_change_date":"2026-03-09T12:00:00+0300"}`, noon.UnixMilli()},
		{"a record that is []", "record", `[]`, late},
		{"a record that is null", "record", `null`, late},
		{"a record without a change time", "record", `{"id":31}`, late},
		{"a client", "client", `{"id":31,"name":"Вера","last_change_date":"2026-03-09T12:00:00+0300"}`, noon.UnixMilli()},
		{"a client that is []", "client", `[]`, late},
		{"an operation that is []", "finances_operation", `[]`, late},
		{"an operation with data", "finances_operation", `{"id":31,"amount":5,"last_change_date":"2026-03-11T12:00:00+0300"}`, time.Date(2026, 3, 11, 9, 0, 0, 0, time.UTC).UnixMilli()},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := said(t, hooked(tt.resource, "delete", tt.data))
			if f.object.Version != tt.version {
				t.Errorf("its version is %d, not %d", f.object.Version, tt.version)
			}
			if tt.resource == "client" {
				if f.object.Gone || f.card == nil || !archived(*f.card) || f.card.ID != "yc.31" {
					t.Errorf("the client is not archived: %+v", f.card)
				}
			} else if !f.object.Gone || len(f.object.Facts) > 0 {
				t.Errorf("the object is %+v", f.object)
			}
		})
	}
}

func TestWhatADeliveryDoesNotSayIsAskedFor(t *testing.T) {
	for _, tt := range []struct {
		name, body string
		want       intake.Heard
	}{
		{"an update without data", hooked("record", "update", `[]`), intake.Heard{Fetch: []intake.Ref{{Kind: "record", ID: "31"}}}},
		{"a resource that does not matter here", hooked("goods_operations_sale", "create", `{"id":1}`), intake.Heard{Silent: "other"}},
		{"a resource of later times", hooked("something_new", "created", `{}`), intake.Heard{Silent: "other"}},
		{"no hooks", `[]`, intake.Heard{Silent: "other"}},
		{"one of several that cannot be read", `[` + hooked("service", "update", `{}`) + `,` + hooked("record", "update", `{"id":31,"client":{"id":7},"date":"soon"}`) + `]`,
			intake.Heard{Fetch: []intake.Ref{{Kind: "record", ID: "31"}}}},
		{"one of several that cannot even be named", `[` + hooked("service", "update", `{}`) + `,{"company_id":4564,"resource":"record","resource_id":"x","status":"update"}]`, intake.Heard{Gap: true}},
		{"one of several of another company", `[` + hooked("service", "update", `{}`) + `,{"company_id":1,"resource":"record","resource_id":5,"status":"delete"}]`, intake.Heard{Silent: "other"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := heard(t, tt.body); !reflect.DeepEqual(got, tt.want) {
				t.Errorf("it says %+v", got)
			}
		})
	}
}

func TestADeliveryThatIsNotTheSystemsOwnIsRefused(t *testing.T) {
	for _, tt := range []struct{ name, body, field, says string }{
		{"another company's", `{"company_id":4565,"resource":"record","resource_id":5,"status":"delete"}`, "company_id", "another company"},
		{"no company's", `{"resource":"record","resource_id":5,"status":"delete"}`, "company_id", "another company"},
		{"no resource", `{"company_id":4564,"status":"delete"}`, "resource", "is missing"},
		{"a status of the record instead of the operation", hooked("record", "confirmed", `{"id":31}`), "status", "none of"},
		{"no id", `{"company_id":4564,"resource":"record","status":"delete","data":[]}`, "resource_id", "not a number"},
		{"an id that is a word", hooked("record", "update", `{"id":"abc"}`), "data.id", "not a number"},
		{"an attendance that does not exist", recordWith(`attendance=5`), "data.attendance", "none of"},
		{"an attendance that is a word", recordWith(`attendance="Ромашкина"`), "data.attendance", "whole number"},
		{"a date that is none", recordWith(`date="Ромашкина"`), "data.date", "not a date"},
		{"a day that no calendar has", recordWith(`date="2026-02-30 10:00:00"`), "data.date", "not a date"},
		{"a change time that is none", recordWith(`last_change_date="Ромашкина"`), "data.last_change_date", "not a date"},
		{"services that are a word", recordWith(`services="Ромашкина"`), "data.services", "must be a list"},
		{"services with names", recordWith(`services={"Ромашкина":{}}`), "data.services", "must be a list"},
		{"a client that is a word", recordWith(`client="Ромашкина"`), "data.client", "must be an object"},
		{"a name that is an object", hooked("client", "update", `{"id":31,"name":{"first":"Ромашкина"}}`), "data.name", "must be a string"},
		{"an amount that is none", hooked("finances_operation", "create", `{"id":31,"date":"2026-03-10 11:00:00","amount":"Ромашкина","client":{"id":7},"expense":{"id":5}}`), "data.amount", "not an amount"},
		{"a key twice", `{"company_id":4564,"company_id":4564}`, "company_id", "twice"},
		{"bytes that are no text", "{\"company_id\":\"\xff\"}", "company_id", "UTF-8"},
		{"no document", ``, "", "empty"},
		{"a form", `company_id=4564&resource=record`, "", "JSON"},
		{"a depth that nothing has", strings.Repeat("[", 40) + strings.Repeat("]", 40), "[0][0][0]", "deeper"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := read(t, tt.body)
			if err == nil {
				t.Fatal("it was taken")
			}
			var field string
			if e := new(dental.Error); asError(err, &e) {
				field = e.Field
			}
			if dental.KindOf(err) != dental.Invalid || !strings.HasPrefix(field, tt.field) || !strings.Contains(err.Error(), tt.says) || strings.Contains(err.Error(), "Ромашкина") {
				t.Errorf("the error is %v, of the field %q", err, field)
			}
		})
	}
}
