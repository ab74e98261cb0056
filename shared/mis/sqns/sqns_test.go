package sqns_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/intake"
	"github.com/returnpoint/returnpoint/shared/mis/mistest"
	"github.com/returnpoint/returnpoint/shared/mis/sqns"
)

func clinic() *dental.Clinic {
	return &dental.Clinic{ID: "demo", TimeZone: "Europe/Moscow", Country: "RU", Language: "ru", Currency: "RUB"}
}

func account() dental.Account {
	return dental.Account{Settings: map[string]string{sqns.OrgSetting: "1234"},
		Secrets: map[string]dental.Secret{sqns.TokenSecret: "eyJhbGciOiJIUzI1NiJ9.e30.c2ln", dental.CallbackSecret: "0123456789abcdef"}}
}

var received = time.Date(2026, 3, 12, 9, 0, 0, 0, time.UTC)

func read(t *testing.T, body string) intake.Heard {
	t.Helper()
	heard, err := sqns.Read(clinic(), account(), intake.Delivery{Body: []byte(body), At: received})
	if err != nil {
		t.Fatalf("%v\n%s", err, body)
	}
	return heard
}

// visitHook is the vendor's example with some of its fields written otherwise.
func visitHook(replace ...string) string {
	s := `{"object":"visit","type":"update","orgId":"1234","orgName":"Russia","product":"denta","visit":{"id":1,"resourceId":7,
"services":[{"id":1,"name":"Профессиональная гигиена","paySum":"100.50","price":"100.50","discount":"0","amount":1.0}],
"commodities":[],"subscriptions":[],"certificates":[],"totalPrice":"500.00","totalCost":"402.00","client":5,
"clientData":{"id":5,"name":"Ромашкина Вера Павловна","firstname":"Вера","lastname":"Ромашкина","patronymic":"Павловна","phone":"+79160000001",
"additionalPhone":"","sex":2,"birthDate":"12.05.2000","comment":"","totalArrival":"100.50","type":"potential","tags":[],"email":"vera@example.com"},
"datetime":"2026-03-12 12:30:00","comment":"","master_requested":true,"attendance":0,"deleted":false,"online":false,"author":"Онлайн-запись",
"organization":{"name":"Russia","id":1234},"create_date":"2026-03-01 15:35:20","update_date":"2026-03-10 14:35:20"}}`
	for i := 0; i+1 < len(replace); i += 2 {
		if !strings.Contains(s, replace[i]) {
			panic("the example has no " + replace[i])
		}
		s = strings.Replace(s, replace[i], replace[i+1], 1)
	}
	return s
}

// said is what a delivery comes to, in words.
func said(h intake.Heard) string {
	if h.Silent != "" {
		return "silent: " + h.Silent
	}
	var out []string
	for _, o := range h.Objects {
		name := o.Kind + " " + o.ID
		if o.System == "" {
			name = "in passing"
		}
		if o.Gone {
			name += " gone"
		}
		for _, f := range o.Facts {
			switch {
			case f.Card != nil:
				name += fmt.Sprintf("; card %s %q %s/%s/%s %s %s %s %s %s", f.Card.ID, f.Card.Says, f.Card.FamilyName, f.Card.GivenName, f.Card.MiddleName,
					f.Card.Number, f.Card.Mail, f.Card.BirthDate, f.Card.Sex, f.Card.Status)
			case f.Appointment != nil:
				name += fmt.Sprintf("; %s %s of %s at %s by %s for %v", f.Appointment.Status, f.Appointment.ID, f.Appointment.Patient, f.Appointment.Start.Format(time.RFC3339), f.Appointment.Doctor.ID, f.Appointment.Services)
			case f.Visit != nil:
				name += fmt.Sprintf("; visit %s over %s for %s: %d", f.Visit.ID, f.Visit.FinishedAt.Format(time.RFC3339), f.Visit.Receipt, len(f.Visit.Procedures))
			}
		}
		out = append(out, name)
	}
	return strings.Join(out, " | ")
}

func TestAVisitIsAnAppointment(t *testing.T) {
	const hint = `in passing; card sq.5 "hint" Ромашкина/Вера/Павловна +79160000001 vera@example.com 2000-05-12 female  | `
	const booked = `visit 1; booked 1 of sq.5 at 2026-03-12T12:30:00+03:00 by 7 for [{ Профессиональная гигиена  false}]`
	for _, c := range []struct {
		says    string
		replace []string
		want    string
	}{
		{"as it is documented", nil, hint + booked},
		{"confirmed", []string{`"attendance":0`, `"attendance":2`}, hint + strings.Replace(booked, "booked", "confirmed", 1)},
		{"cancelled", []string{`"attendance":0`, `"attendance":-1`}, hint + strings.Replace(booked, "booked", "cancelled", 1)},
		{"come", []string{`"attendance":0`, `"attendance":1`}, hint + booked + `; visit 1 over 2026-03-12T13:30:00+03:00 for 402.00 RUB: 1`},
		{"come late in the evening", []string{`"attendance":0`, `"attendance":1`, `12 12:30:00`, `12 23:20:00`}, hint + strings.Replace(booked, "12:30:00", "23:20:00", 1) + `; visit 1 over 2026-03-12T23:59:59+03:00 for 402.00 RUB: 1`},
		{"attendance as a string", []string{`"attendance":0`, `"attendance":"2"`}, hint + strings.Replace(booked, "booked", "confirmed", 1)},
		{"attendance null", []string{`"attendance":0`, `"attendance":null`}, hint + booked},
		{"attendance with a fraction", []string{`"attendance":0`, `"attendance":2.0`}, hint + strings.Replace(booked, "booked", "confirmed", 1)},
		{"money as numbers", []string{`"attendance":0`, `"attendance":1`, `"totalCost":"402.00"`, `"totalCost":402.5`}, hint + booked + `; visit 1 over 2026-03-12T13:30:00+03:00 for 402.50 RUB: 1`},
		{"money null", []string{`"attendance":0`, `"attendance":1`, `"totalCost":"402.00"`, `"totalCost":null`}, hint + booked + `; visit 1 over 2026-03-12T13:30:00+03:00 for 500.00 RUB: 1`},
		{"no money at all", []string{`"attendance":0`, `"attendance":1`, `"totalCost":"402.00"`, `"totalCost":""`, `"totalPrice":"500.00"`, `"totalPrice":""`}, hint + booked + `; visit 1 over 2026-03-12T13:30:00+03:00 for 0.00 : 1`},
		{"money with a comma", []string{`"attendance":0`, `"attendance":1`, `"402.00"`, `"1 402,00"`}, hint + booked + `; visit 1 over 2026-03-12T13:30:00+03:00 for 1402.00 RUB: 1`},
		{"for nothing: a visit that costs nothing", []string{`"attendance":0`, `"attendance":1`, `"402.00"`, `0`}, hint + booked + `; visit 1 over 2026-03-12T13:30:00+03:00 for 0.00 RUB: 1`},
		{"ids as strings", []string{`"id":1,`, `"id":"1",`, `"client":5`, `"client":"5"`, `"resourceId":7`, `"resourceId":"7"`, `{"id":5`, `{"id":"5"`}, hint + booked},
		{"the client's id under its other name", []string{`"client":5`, `"clientId":5`}, hint + booked},
		{"the client's id inside alone", []string{`"client":5,`, ``}, hint + booked},
		{"the client as an empty list", []string{`"clientData":{"id":5,"name":"Ромашкина Вера Павловна","firstname":"Вера","lastname":"Ромашкина","patronymic":"Павловна","phone":"+79160000001",
"additionalPhone":"","sex":2,"birthDate":"12.05.2000","comment":"","totalArrival":"100.50","type":"potential","tags":[],"email":"vera@example.com"}`, `"clientData":[]`}, booked},
		{"the client of another id", []string{`{"id":5`, `{"id":6`}, booked},
		{"no services", []string{`[{"id":1,"name":"Профессиональная гигиена","paySum":"100.50","price":"100.50","discount":"0","amount":1.0}]`, `[]`}, hint + strings.Replace(booked, "{ Профессиональная гигиена  false}", "", 1)},
		{"services null", []string{`[{"id":1,"name":"Профессиональная гигиена","paySum":"100.50","price":"100.50","discount":"0","amount":1.0}]`, `null`}, hint + strings.Replace(booked, "{ Профессиональная гигиена  false}", "", 1)},
		{"services as a list with gaps", []string{`[{"id":1,"name":"Профессиональная гигиена","paySum":"100.50","price":"100.50","discount":"0","amount":1.0}]`, `{"3":{"name":"Профессиональная гигиена"}}`}, hint + booked},
		{"nobody's", []string{`"client":5`, `"client":null`, `{"id":5`, `{"id":null`}, `visit 1`},
		{"the staff's id 0", []string{`"resourceId":7`, `"resourceId":0`}, hint + strings.Replace(booked, "by 7", "by ", 1)},
		{"deleted", []string{`"deleted":false`, `"deleted":true`}, `visit 1 gone`},
		{"deleted as 1", []string{`"deleted":false`, `"deleted":1`}, `visit 1 gone`},
		{"deleted as 0", []string{`"deleted":false`, `"deleted":0`}, hint + booked},
		{"deleted as a string", []string{`"deleted":false`, `"deleted":"1"`}, `visit 1 gone`},
		{"deleted by the webhook's type", []string{`"type":"update"`, `"type":"delete"`}, `visit 1 gone`},
		{"a time with a T", []string{`12 12:30:00`, `12T12:30:00`}, hint + booked},
		{"a time with an offset", []string{`2026-03-12 12:30:00`, `2026-03-12T14:30:00+05:00`}, hint + strings.Replace(booked, "12:30:00+03:00", "14:30:00+05:00", 1)},
		{"another word's case", []string{`"object":"visit"`, `"object":"Visit"`}, hint + booked},
	} {
		t.Run(c.says, func(t *testing.T) {
			if got := said(read(t, visitHook(c.replace...))); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestADeletedVisitNeedsNoMoreThanItsNumber(t *testing.T) {
	if got := said(read(t, `{"object":"visit","type":"delete","orgId":1234,"visit":{"id":1}}`)); got != "visit 1 gone" {
		t.Error(got)
	}
}

func TestADeletionOutdoesWhateverWasToldBefore(t *testing.T) {
	before, after := read(t, visitHook()).Objects[1], read(t, visitHook(`"type":"update"`, `"type":"delete"`)).Objects[0]
	if after.Version <= before.Version || before.Version != time.Date(2026, 3, 10, 11, 35, 20, 0, time.UTC).UnixMilli() {
		t.Errorf("the deletion is version %d, the state before %d", after.Version, before.Version)
	}
}

func TestAClientIsACard(t *testing.T) {
	const client = `{"object":"client","type":"update","orgId":"1234","client":{"id":5,"name":"Ромашкина Вера Павловна","firstname":"Вера","lastname":"Ромашкина",
"patronymic":"Павловна","phone":"+79160000001","additionalPhone":"+79160000002","sex":2,"birthDate":"12.05.2000","email":"vera@example.com","tags":["через друзей"]}}`
	const whole = `client 5; card sq.5 "some" Ромашкина/Вера/Павловна +79160000001 vera@example.com 2000-05-12 female `
	for _, c := range []struct{ says, from, to, want string }{
		{"as it is documented", "", "", whole},
		{"without a sex", `"sex":2`, `"sex":0`, strings.Replace(whole, "female", "", 1)},
		{"a man, as a string", `"sex":2`, `"sex":"1"`, strings.Replace(whole, "female", "male", 1)},
		{"the phone null: the other one", `"phone":"+79160000001"`, `"phone":null`, strings.Replace(whole, "0001 ", "0002 ", 1)},
		{"the phone as a number", `"+79160000001"`, `79160000001`, strings.Replace(whole, "+7916", "7916", 1)},
		{"born null", `"12.05.2000"`, `null`, strings.Replace(whole, "2000-05-12", "", 1)},
		{"born on no day", `"12.05.2000"`, `"00.00.0000"`, strings.Replace(whole, "2000-05-12", "", 1)},
		{"the name in one piece", `"firstname":"Вера","lastname":"Ромашкина",
"patronymic":"Павловна"`, `"firstname":"","lastname":null`, whole},
		{"tags as an empty object", `["через друзей"]`, `{}`, whole},
		{"deleted", `"type":"update"`, `"type":"delete"`, whole + "archived"},
		{"deleted, by its card", `"sex":2`, `"sex":2,"isDeleted":true`, whole + "archived"},
	} {
		t.Run(c.says, func(t *testing.T) {
			if got := said(read(t, strings.Replace(client, c.from, c.to, 1))); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestATimeThatClocksSkipOrRepeatIsWhatTheCalendarMakesOfIt(t *testing.T) {
	cl := clinic()
	cl.TimeZone = "Europe/Berlin"
	for in, want := range map[string]time.Time{
		"2026-03-29 02:30:00": time.Date(2026, 3, 29, 2, 30, 0, 0, cl.Location()),  // there is none
		"2026-10-25 02:30:00": time.Date(2026, 10, 25, 2, 30, 0, 0, cl.Location()), // there are two
	} {
		heard, err := sqns.Read(cl, account(), intake.Delivery{Body: []byte(visitHook("2026-03-12 12:30:00", in)), At: received})
		if err != nil {
			t.Fatal(err)
		}
		if got := heard.Objects[1].Facts[0].Appointment.Start; !got.Equal(want) {
			t.Errorf("%s is %s, want %s", in, got, want)
		}
	}
}

func TestWhatDoesNotMatterIsPassedOver(t *testing.T) {
	for _, body := range []string{
		`{"object":"service","type":"update","orgId":"1234","service":{"id":1}}`,
		`{"object":"service","type":"update","orgId":"1234","commodity":{"id":1}}`,
		`{"object":"","type":"","orgId":1234}`,
	} {
		if got := said(read(t, body)); got != "silent: other" {
			t.Errorf("%s: %s", body, got)
		}
	}
}

func TestWhatCannotBeOneOfItsIsRefusedWithoutAPersonsData(t *testing.T) {
	for says, body := range map[string]string{
		"nothing":                  ``,
		"null":                     `null`,
		"a list":                   `[]`,
		"no JSON":                  `object=visit`,
		"a key twice":              `{"object":"visit","object":"visit","orgId":"1234"}`,
		"another organisation":     visitHook(`"orgId":"1234"`, `"orgId":"4321"`),
		"no organisation":          visitHook(`"orgId":"1234"`, `"orgId":null`),
		"no visit":                 `{"object":"visit","type":"update","orgId":"1234"}`,
		"a visit that is none":     `{"object":"visit","type":"update","orgId":"1234","visit":"Ромашкина"}`,
		"no client":                `{"object":"client","type":"update","orgId":"1234","client":[]}`,
		"no number":                visitHook(`"id":1,"resourceId"`, `"id":0,"resourceId"`),
		"a number without an end":  visitHook(`"id":1,"resourceId"`, `"id":"`+strings.Repeat("9", 300)+`","resourceId"`),
		"no time":                  visitHook(`"2026-03-12 12:30:00"`, `null`),
		"the time of nothing":      visitHook(`2026-03-12 12:30:00`, `0000-00-00 00:00:00`),
		"attendance of its own":    visitHook(`"attendance":0`, `"attendance":3`),
		"attendance in words":      visitHook(`"attendance":0`, `"attendance":"Ромашкина"`),
		"money in words":           visitHook(`"402.00"`, `"Ромашкина"`),
		"money below nothing":      visitHook(`"402.00"`, `"-402.00"`),
		"a name that is an object": visitHook(`"firstname":"Вера"`, `"firstname":{"x":"Ромашкина"}`),
	} {
		t.Run(says, func(t *testing.T) {
			heard, err := sqns.Read(clinic(), account(), intake.Delivery{Body: []byte(body), At: received})
			if dental.KindOf(err) != dental.Invalid {
				t.Fatalf("got %v and %v", heard, err)
			}
			if strings.Contains(err.Error(), "Ромашкина") || strings.Contains(err.Error(), "7916") {
				t.Errorf("the error repeats the document: %v", err)
			}
		})
	}
}

func TestAnAccountWithoutAnOrganisationTakesNobodysWebhook(t *testing.T) {
	of := account()
	delete(of.Settings, sqns.OrgSetting)
	for _, body := range []string{visitHook(), visitHook(`"orgId":"1234"`, `"orgId":""`)} {
		if heard, err := sqns.Read(clinic(), of, intake.Delivery{Body: []byte(body), At: received}); dental.KindOf(err) != dental.Invalid {
			t.Errorf("got %v, %v", heard, err)
		}
	}
}

func TestOneStateIsOneBody(t *testing.T) {
	body := func(replace ...string) string {
		h := read(t, visitHook(replace...))
		return h.Objects[len(h.Objects)-1].Body
	}
	if body() != body(`"comment":"","master`, `"comment":"новый комментарий","master`) {
		t.Error("a comment changes what the facts are made of")
	}
	for _, change := range [][]string{{`"attendance":0`, `"attendance":1`}, {`12:30:00`, `13:30:00`}, {`"client":5`, `"client":6`}, {`гигиена`, `чистка`}, {`"402.00"`, `"403.00"`}, {`"deleted":false`, `"deleted":true`}} {
		if body() == body(change...) {
			t.Errorf("%v changes nothing", change)
		}
	}
}

func TestAnAccountIsReadAtOnce(t *testing.T) {
	if err := sqns.Validate(account()); err != nil {
		t.Errorf("a good one: %v", err)
	}
	without := account()
	delete(without.Secrets, sqns.TokenSecret)
	without.Settings[sqns.URLSetting] = "https://crm3.sqns.ru/"
	if err := sqns.Validate(without); err != nil {
		t.Errorf("one of webhooks alone, on another host: %v", err)
	}
	err := sqns.Validate(dental.Account{Settings: map[string]string{sqns.OrgSetting: "клиника", sqns.URLSetting: "http://169.254.169.254", "orgid": "1"},
		Secrets: map[string]dental.Secret{sqns.TokenSecret: "short", dental.CallbackSecret: "short", "password": "hunter2hunter2"}})
	for _, field := range []string{"settings.org", "settings.url", "settings.orgid", "secrets.token", "secrets.callback", "secrets.password"} {
		if err == nil || !strings.Contains(err.Error(), field) {
			t.Errorf("%s is not named in %v", field, err)
		}
	}
	if dental.KindOf(err) != dental.Invalid || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("got %v", err)
	}
	for _, url := range []string{"https://crmexchange.1denta.ru.example.com", "https://example.com", "http://crmexchange.1denta.ru", "https://1denta.ru@example.com", "https://x.sqns.ru/api?a=b", "https://evil1denta.ru", "https://x.sqns.ru:8443"} {
		a := account()
		a.Settings[sqns.URLSetting] = url
		if sqns.Validate(a) == nil {
			t.Errorf("%s is taken for the vendor's", url)
		}
	}
}

func TestAVisitThatIsMarkedAheadOfItsDayIsHeldBack(t *testing.T) {
	zone := clinic().Location()
	mistest.Held(t, time.Date(2026, 3, 12, 13, 30, 0, 0, zone), time.Date(2026, 3, 12, 0, 0, 0, 0, zone), func(at time.Time) intake.Object {
		heard, err := sqns.Read(clinic(), account(), intake.Delivery{Body: []byte(visitHook(`"attendance":0`, `"attendance":1`)), At: at})
		if err != nil {
			t.Fatal(err)
		}
		return heard.Objects[len(heard.Objects)-1]
	})
}
