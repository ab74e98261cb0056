package opendental_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/intake"
	"github.com/returnpoint/returnpoint/shared/mis/mistest"
	"github.com/returnpoint/returnpoint/shared/mis/opendental"
)

const (
	developer = "Dev3loperKey0000"
	customer  = "Cust0merKey00000"
)

func clinic() *dental.Clinic {
	return &dental.Clinic{ID: "demo", TimeZone: "America/Denver", Country: "US", Language: "en", Currency: "USD"}
}

func account() dental.Account {
	return dental.Account{Settings: map[string]string{opendental.DoctorsSetting: "1=Dr. Irina Sokolova; 4 = Anna Lind"},
		Secrets: map[string]dental.Secret{opendental.DeveloperSecret: developer, opendental.CustomerSecret: customer, dental.CallbackSecret: "0123456789abcdef"}}
}

// event is a delivery of a table's rows.
func event(table, body string) intake.Delivery {
	return intake.Delivery{Header: http.Header{"Authorization": {customer}, "Event-Type": {"WatchTable: " + table}, "Workstation": {"FRONTDESK"}}, Body: []byte(body), At: now()}
}

func read(t testing.TB, table, body string) intake.Heard {
	t.Helper()
	heard, err := opendental.Read(clinic(), account(), event(table, body))
	if err != nil {
		t.Fatalf("it is refused: %v", err)
	}
	return heard
}

// only is the one object of a row.
func only(t testing.TB, table, body string) intake.Object {
	t.Helper()
	heard := read(t, table, "["+body+"]")
	if len(heard.Objects) != 1 {
		t.Fatalf("there are %d objects, want one", len(heard.Objects))
	}
	return heard.Objects[0]
}

func at(s string) time.Time {
	t, err := time.ParseInLocation(time.DateTime, s, clinic().Location())
	if err != nil {
		panic(err)
	}
	return t
}

// The rows are those of the documentation's examples, with other people in them.
const (
	patientRow = `{"PatNum": 48, "LName": "Larkspur", "FName": "Jane", "MiddleI": "Q", "Preferred": "", "PatStatus": "Patient", "Gender": "Female", "Position": "Single",
		"Birthdate": "1976-05-24", "HmPhone": "(303)555-0101", "WkPhone": "", "WirelessPhone": "(303)555-0102", "Guarantor": 48, "Email": "jane@example.com",
		"EstBalance": 0.0, "PriProv": 1, "priProvAbbr": "DOC1", "Language": "eng", "PreferContactMethod": "WirelessPh", "DateTStamp": "2026-04-21 11:46:19", "TxtMsgOk": "Yes", "SecDateEntry": "2021-12-04"}`
	appointmentRow = `{"AptNum": 18, "PatNum": 48, "AptStatus": "Scheduled", "Pattern": "//XXXX//", "Confirmed": 19, "confirmed": "Not Called", "TimeLocked": "false", "Op": 3, "Note": "",
		"ProvNum": 1, "provAbbr": "DOC1", "ProvHyg": 4, "AptDateTime": "2026-07-31 08:30:00", "NextAptNum": 0, "UnschedStatus": 0, "unschedStatus": "", "IsNewPatient": "false",
		"ProcDescript": "PerEx, ProAdult", "ClinicNum": 0, "IsHygiene": "false", "DateTStamp": "2026-05-03 08:30:12", "DateTimeArrived": "0001-01-01 00:00:00",
		"DateTimeSeated": "0001-01-01 00:00:00", "DateTimeDismissed": "0001-01-01 00:00:00", "InsPlan1": 3, "Priority": "Normal", "PatternSecondary": "XX////XX", "ItemOrderPlanned": 0}`
	procedureRow = `{"ProcNum": 20, "PatNum": 48, "AptNum": 18, "ProcDate": "2026-07-31", "ProcFee": "130.00", "Surf": "", "ToothNum": "4", "ToothRange": "", "Priority": 0, "priority": "",
		"ProcStatus": "C", "ProvNum": 1, "provAbbr": "DOC1", "PlannedAptNum": 0, "CodeNum": 2, "procCode": "D1110", "descript": "prophylaxis - adult", "UnitQty": 1, "BaseUnits": 0,
		"DateTP": "2026-07-31", "ProcTime": "00:00:00", "ProcTimeEnd": "00:00:00", "DateTStamp": "2026-07-31 09:10:34", "Discount": 0.0, "serverDateTime": "2026-07-31 10:00:00"}`
	paymentRow = `{"PayNum": 56734, "PayType": 69, "payType": "Check", "PayDate": "2026-06-24", "PayAmt": "339", "PatNum": 48, "ClinicNum": "0", "DateEntry": "2026-06-24",
		"SecDateTEdit": "2026-06-24 07:34:31", "ProcessStatus": "OfficeProcessed", "serverDateTime": "2026-08-26 11:55:44"}`
)

// with changes values of a row.
func with(row string, changes ...string) string {
	of := map[string]any{}
	if err := json.Unmarshal([]byte(row), &of); err != nil {
		panic(err)
	}
	for i := 0; i < len(changes); i += 2 {
		var value any
		if err := json.Unmarshal([]byte(changes[i+1]), &value); err != nil {
			panic(err)
		}
		of[changes[i]] = value
	}
	raw, err := json.Marshal(of)
	if err != nil {
		panic(err)
	}
	return string(raw)
}

func TestARowOfEachTableIsRead(t *testing.T) {
	zone := clinic().Location()
	for name, c := range map[string]struct {
		table, row string
		want       intake.Object
	}{
		"a patient": {"Patient", patientRow, intake.Object{Kind: "patient", ID: "48", Version: at("2026-04-21 11:46:19").UnixMilli(), At: at("2026-04-21 11:46:19"), Facts: []intake.Event{{Type: intake.PatientUpdated,
			Card: &intake.Card{Patient: dental.Patient{Clinic: "demo", ID: "od.48", FamilyName: "Larkspur", GivenName: "Jane", MiddleName: "Q", BirthDate: dental.Date{Year: 1976, Month: 5, Day: 24}, Sex: "female", Language: "en",
				Status: dental.Active, DoctorID: "1", Preferred: dental.SMS}, Number: "(303)555-0102", Mail: "jane@example.com"}}}}},
		"an appointment": {"Appointment", appointmentRow, intake.Object{Kind: "appointment", ID: "18", Version: at("2026-05-03 08:30:12").UnixMilli(), At: at("2026-05-03 08:30:12"), Facts: []intake.Event{{Type: intake.AppointmentBooked,
			Appointment: &dental.Appointment{Clinic: "demo", Patient: "od.48", ID: "18", Start: at("2026-07-31 08:30:00"), End: at("2026-07-31 09:10:00"), Doctor: dental.Doctor{ID: "1", Name: "Dr. Irina Sokolova"}, Status: dental.Booked,
				Services: []dental.ServiceType{{Name: "PerEx"}, {Name: "ProAdult"}}}}}}},
		"a procedure": {"ProcedureLog", procedureRow, intake.Object{Kind: "procedurelog", ID: "20", Version: at("2026-07-31 09:10:34").UnixMilli(), At: at("2026-07-31 09:10:34"), Facts: []intake.Event{
			{Piece: &dental.Piece{Clinic: "demo", Patient: "od.48", Visit: "18", ID: "20", Procedure: dental.Procedure{Code: "D1110", Name: "prophylaxis - adult", Tooth: "4"}}},
			{Piece: &dental.Piece{Clinic: "demo", Patient: "od.48", Visit: "18", ID: "fee.20", Amount: dental.Money{Minor: 13000, Currency: "USD"}}}}}},
		"a payment": {"Payment", paymentRow, intake.Object{Kind: "payment", ID: "56734", Version: at("2026-06-24 07:34:31").UnixMilli(), At: at("2026-06-24 07:34:31"), Facts: []intake.Event{{Type: intake.PaymentReceived,
			Payment: &dental.Payment{Clinic: "demo", Patient: "od.48", ID: "56734", Amount: dental.Money{Minor: 33900, Currency: "USD"}, At: at("2026-06-24 12:00:00"), Kind: dental.Paid}}}}},
	} {
		t.Run(name, func(t *testing.T) {
			got := only(t, c.table, c.row)
			if got.Body == "" {
				t.Error("it has no body")
			}
			got.Body, c.want.System = "", dental.OpenDental
			if !reflect.DeepEqual(in(got, zone), in(c.want, zone)) {
				t.Errorf("got  %s\nwant %s", pretty(got), pretty(c.want))
			}
		})
	}
}

// in puts the times of an object into one zone's spelling, so that equal ones are deeply equal.
func in(o intake.Object, zone *time.Location) string {
	o.At = o.At.In(zone)
	return pretty(o)
}

func pretty(o any) string {
	raw, err := json.MarshalIndent(o, "", " ")
	if err != nil {
		panic(err)
	}
	return string(raw)
}

func TestOddValuesOfAPatient(t *testing.T) {
	for name, c := range map[string]struct {
		changes []string
		is      func(c *intake.Card) bool
	}{
		"a birth date of nothing":                               {[]string{"Birthdate", `"0001-01-01"`}, func(c *intake.Card) bool { return c.BirthDate.IsZero() }},
		"a birth date with a time":                              {[]string{"Birthdate", `"1976-05-24 00:00:00"`}, func(c *intake.Card) bool { return c.BirthDate == dental.Date{Year: 1976, Month: 5, Day: 24} }},
		"a birth date that is null":                             {[]string{"Birthdate", `null`}, func(c *intake.Card) bool { return c.BirthDate.IsZero() }},
		"no mobile number":                                      {[]string{"WirelessPhone", `""`}, func(c *intake.Card) bool { return c.Number == "(303)555-0101" }},
		"several addresses in one field":                        {[]string{"Email", `"a@example.com; b@example.com"`}, func(c *intake.Card) bool { return c.Mail == "a@example.com" }},
		"a guarantor of the family":                             {[]string{"Guarantor", `27`}, func(c *intake.Card) bool { return c.GuardianID == "od.27" }},
		"a guarantor who is the patient":                        {[]string{"Guarantor", `"48"`}, func(c *intake.Card) bool { return c.GuardianID == "" }},
		"a guarantor who is nobody":                             {[]string{"Guarantor", `0`}, func(c *intake.Card) bool { return c.GuardianID == "" }},
		"who pays for a child and is no patient":                {[]string{"PatStatus", `"NonPatient"`}, func(c *intake.Card) bool { return c.Status == dental.Active }},
		"who may become one":                                    {[]string{"PatStatus", `"Prospective"`}, func(c *intake.Card) bool { return c.Status == dental.Active }},
		"who left":                                              {[]string{"PatStatus", `"Inactive"`}, func(c *intake.Card) bool { return c.Status == dental.Archived }},
		"who was archived":                                      {[]string{"PatStatus", `"Archived"`}, func(c *intake.Card) bool { return c.Status == dental.Archived }},
		"who was deleted: archived, for nothing else is undone": {[]string{"PatStatus", `"Deleted"`}, func(c *intake.Card) bool { return c.Status == dental.Archived }},
		"who died":                    {[]string{"PatStatus", `"Deceased"`}, func(c *intake.Card) bool { return c.Status == dental.Deceased }},
		"a gender beside the two":     {[]string{"Gender", `"Other"`}, func(c *intake.Card) bool { return c.Sex == "" }},
		"a language that is not ours": {[]string{"Language", `"spa"`}, func(c *intake.Card) bool { return c.Language == "" }},
		"Russian":                     {[]string{"Language", `"rus"`}, func(c *intake.Card) bool { return c.Language == "ru" }},
		"mail preferred":              {[]string{"PreferContactMethod", `"Email"`}, func(c *intake.Card) bool { return c.Preferred == dental.Mail }},
		"that no texts are wished for": {[]string{"TxtMsgOk", `"No"`}, func(c *intake.Card) bool {
			return len(c.Consents) == 3 && !c.Consents[0].Granted && c.Consents[0].Channel == dental.SMS && c.Consents[0].At.Equal(at("2026-04-21 11:46:19"))
		}},
		"that texts are allowed, which lifts no refusal": {[]string{"TxtMsgOk", `"Yes"`}, func(c *intake.Card) bool { return len(c.Consents) == 0 }},
		"a number as a text":                             {[]string{"PatNum", `"48"`}, func(c *intake.Card) bool { return c.ID == "od.48" }},
		"a name with a line break":                       {[]string{"LName", `"Lark\r\nspur"`}, func(c *intake.Card) bool { return c.FamilyName == "Lark spur" }},
	} {
		t.Run(name, func(t *testing.T) {
			o := only(t, "Patient", with(patientRow, c.changes...))
			if len(o.Facts) != 1 || o.Facts[0].Card == nil || o.Facts[0].Card.Says != intake.Whole || !c.is(o.Facts[0].Card) {
				t.Errorf("got %s", pretty(o))
			}
		})
	}
}

func TestOddValuesOfAnAppointment(t *testing.T) {
	const none = dental.AppointmentStatus("none")
	for name, c := range map[string]struct {
		changes []string
		want    dental.AppointmentStatus
		visit   string // when it finished, "" for none
	}{
		"one on the book":                                    {nil, dental.Booked, ""},
		"one on the ASAP list of old versions":               {[]string{"AptStatus", `"ASAP"`}, dental.Booked, ""},
		"one that is confirmed":                              {[]string{"confirmed", `"Appointment Confirmed"`}, dental.Confirmed, ""},
		"one that is not":                                    {[]string{"confirmed", `"Unconfirmed"`}, dental.Booked, ""},
		"one about which a message was left":                 {[]string{"confirmed", `"Confirm: left message"`}, dental.Booked, ""},
		"one off the book":                                   {[]string{"AptStatus", `"UnschedList"`}, dental.Cancelled, ""},
		"one off the book without a time":                    {[]string{"AptStatus", `"UnschedList"`, "AptDateTime", `"0001-01-01 00:00:00"`}, none, ""},
		"one broken before it began":                         {[]string{"AptStatus", `"Broken"`, "DateTStamp", `"2026-07-30 18:00:00"`}, dental.Cancelled, ""},
		"one broken after it began":                          {[]string{"AptStatus", `"Broken"`, "DateTStamp", `"2026-07-31 08:45:00"`}, dental.Missed, ""},
		"one broken nobody knows when":                       {[]string{"AptStatus", `"Broken"`, "DateTStamp", `"0001-01-01 00:00:00"`}, dental.Missed, ""},
		"one of the history that was missed":                 {[]string{"AptStatus", `"Broken"`, "HistApptAction", `"Missed"`}, dental.Missed, ""},
		"one of the history that was cancelled":              {[]string{"AptStatus", `"Broken"`, "HistApptAction", `"Cancelled"`, "DateTStamp", `"2026-07-31 08:45:00"`}, dental.Cancelled, ""},
		"one planned for some day":                           {[]string{"AptStatus", `"Planned"`}, none, ""},
		"a note":                                             {[]string{"AptStatus", `"PtNote"`}, none, ""},
		"a note that is done":                                {[]string{"AptStatus", `"PtNoteCompleted"`}, none, ""},
		"a status of a later version":                        {[]string{"AptStatus", `"Teleported"`}, none, ""},
		"one without a time":                                 {[]string{"AptDateTime", `"0001-01-01 00:00:00"`}, none, ""},
		"one that took place, with the hour of leaving":      {[]string{"AptStatus", `"Complete"`, "DateTimeDismissed", `"2026-07-31 09:02:42"`}, dental.Booked, "2026-07-31 09:02:42"},
		"one that took place, without it":                    {[]string{"AptStatus", `"Complete"`}, dental.Booked, "2026-07-31 09:10:00"},
		"one whose patient left at midnight, which is never": {[]string{"AptStatus", `"Complete"`, "DateTimeDismissed", `"2026-07-31 00:00:00"`}, dental.Booked, "2026-07-31 09:10:00"},
		"one whose patient left on another day":              {[]string{"AptStatus", `"Complete"`, "DateTimeDismissed", `"2026-08-02 09:00:00"`}, dental.Booked, "2026-07-31 09:10:00"},
		"one of no known length":                             {[]string{"AptStatus", `"Complete"`, "Pattern", `""`}, dental.Booked, "2026-07-31 09:30:00"},
	} {
		t.Run(name, func(t *testing.T) {
			o := only(t, "Appointment", with(appointmentRow, c.changes...))
			got, visit := none, ""
			for _, f := range o.Facts {
				if f.Appointment != nil {
					got = f.Appointment.Status
				}
				if f.Visit != nil {
					visit = f.Visit.FinishedAt.In(clinic().Location()).Format(time.DateTime)
				}
			}
			if got != c.want || visit != c.visit || o.Gone {
				t.Errorf("it is %q, its visit %q, want %q, %q", got, visit, c.want, c.visit)
			}
		})
	}
	t.Run("a hygiene appointment is the hygienist's", func(t *testing.T) {
		a := only(t, "Appointment", with(appointmentRow, "IsHygiene", `"true"`)).Facts[0].Appointment
		if a.Doctor != (dental.Doctor{ID: "4", Name: "Anna Lind"}) {
			t.Errorf("it is %+v", a.Doctor)
		}
	})
	t.Run("an office's own word for a confirmation counts, and no other then", func(t *testing.T) {
		own := account()
		own.Settings[opendental.ConfirmedSetting] = "Will come; 26"
		for change, want := range map[string]dental.AppointmentStatus{`"Will Come"`: dental.Confirmed, `"Confirmed"`: dental.Booked} {
			heard, err := opendental.Read(clinic(), own, event("Appointment", "["+with(appointmentRow, "confirmed", change)+"]"))
			if err != nil || heard.Objects[0].Facts[0].Appointment.Status != want {
				t.Errorf("%s is %v, %v", change, heard.Objects, err)
			}
		}
		heard, err := opendental.Read(clinic(), own, event("Appointment", "["+with(appointmentRow, "Confirmed", `26`)+"]"))
		if err != nil || heard.Objects[0].Facts[0].Appointment.Status != dental.Confirmed {
			t.Errorf("its number is not taken: %v", err)
		}
	})
}

func TestOddValuesOfAProcedure(t *testing.T) {
	for name, c := range map[string]struct {
		changes []string
		want    string // the facts, in words
	}{
		"one that is done":                                                {nil, "piece D1110 of 18, piece 130.00 USD of 18"},
		"one without a fee":                                               {[]string{"ProcFee", `"0.00"`}, "piece D1110 of 18"},
		"one whose fee is a number":                                       {[]string{"ProcFee", `49.99`}, "piece D1110 of 18, piece 49.99 USD of 18"},
		"one whose fee has the dust of a double":                          {[]string{"ProcFee", `"49.990000000001"`}, "piece D1110 of 18, piece 49.99 USD of 18"},
		"one whose fee is negative":                                       {[]string{"ProcFee", `"-5.00"`}, "piece D1110 of 18"},
		"one of several units":                                            {[]string{"UnitQty", `3`}, "piece D1110 of 18, piece 390.00 USD of 18"},
		"one of no units, which are one":                                  {[]string{"UnitQty", `0`}, "piece D1110 of 18, piece 130.00 USD of 18"},
		"one with a discount":                                             {[]string{"Discount", `15.5`}, "piece D1110 of 18, piece 114.50 USD of 18"},
		"one that was given away":                                         {[]string{"Discount", `200`}, "piece D1110 of 18"},
		"one without a name":                                              {[]string{"descript", `""`}, "piece D1110 of 18, piece 130.00 USD of 18"},
		"one that was planned on an earlier day":                          {[]string{"DateTP", `"2026-04-17"`}, "plan done 130.00 USD, piece D1110 of 18, piece 130.00 USD of 18"},
		"one that was never planned":                                      {[]string{"DateTP", `"0001-01-01"`}, "piece D1110 of 18, piece 130.00 USD of 18"},
		"one without an appointment":                                      {[]string{"AptNum", `0`}, "visit proc.20 2026-07-31 12:00 D1110 130.00 USD"},
		"one without an appointment, at an hour":                          {[]string{"AptNum", `0`, "ProcTime", `"13:45:00"`}, "visit proc.20 2026-07-31 13:45 D1110 130.00 USD"},
		"one without an appointment, to an hour":                          {[]string{"AptNum", `0`, "ProcTime", `"13:45:00"`, "ProcTimeEnd", `"14:30:00"`}, "visit proc.20 2026-07-31 14:30 D1110 130.00 USD"},
		"one without a day":                                               {[]string{"ProcDate", `"0001-01-01"`}, ""},
		"one that is planned":                                             {[]string{"ProcStatus", `"TP"`}, "plan planned 130.00 USD"},
		"one that is planned and has an appointment, which may be broken": {[]string{"ProcStatus", `"TP"`, "AptNum", `18`}, "plan planned 130.00 USD"},
		"one of a plan that was put aside":                                {[]string{"ProcStatus", `"TPi"`}, ""},
		"one that was done before the patient came":                       {[]string{"ProcStatus", `"EC"`}, ""},
		"one that another has done":                                       {[]string{"ProcStatus", `"EO"`}, ""},
		"one that was referred":                                           {[]string{"ProcStatus", `"R"`}, ""},
		"one that was deleted":                                            {[]string{"ProcStatus", `"D"`}, ""},
		"a condition":                                                     {[]string{"ProcStatus", `"Cn"`}, ""},
		"a missed appointment":                                            {[]string{"procCode", `"D9986"`}, ""},
		"a cancelled appointment":                                         {[]string{"procCode", `"D9987"`}, ""},
		"a group note":                                                    {[]string{"procCode", `"~GRP~"`}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			o := only(t, "ProcedureLog", with(procedureRow, c.changes...))
			if got := words(o); got != c.want || o.Gone {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func words(o intake.Object) string {
	var out []string
	for _, f := range o.Facts {
		switch {
		case f.Piece != nil && f.Piece.Amount.IsZero():
			out = append(out, "piece "+f.Piece.Procedure.Code+" of "+f.Piece.Visit)
		case f.Piece != nil:
			out = append(out, "piece "+f.Piece.Amount.String()+" of "+f.Piece.Visit)
		case f.Visit != nil:
			out = append(out, "visit "+f.Visit.ID+" "+f.Visit.FinishedAt.In(clinic().Location()).Format("2006-01-02 15:04")+" "+f.Visit.Procedures[0].Code+" "+f.Visit.Receipt.String())
		case f.Plan != nil:
			out = append(out, "plan "+string(f.Plan.Stages[0].Status)+" "+f.Plan.Stages[0].Price.String())
		case f.Payment != nil:
			out = append(out, string(f.Payment.Kind)+" "+f.Payment.Amount.String())
		}
	}
	return strings.Join(out, ", ")
}

func TestOddValuesOfAPayment(t *testing.T) {
	for name, c := range map[string]struct {
		changes []string
		want    string
	}{
		"one of a whole number":              {nil, "payment 339.00 USD"},
		"one of cents":                       {[]string{"PayAmt", `129.99`}, "payment 129.99 USD"},
		"money given back":                   {[]string{"PayAmt", `"-129.99"`}, "refund 129.99 USD"},
		"a transfer inside a family":         {[]string{"PayAmt", `"0"`}, ""},
		"an amount that is none":             {[]string{"PayAmt", `"1e9"`}, ""},
		"one without a day":                  {[]string{"PayDate", `"0001-01-01"`}, ""},
		"one with the day spelled as a time": {[]string{"PayDate", `"2026-06-24 00:00:00"`}, "payment 339.00 USD"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := words(only(t, "Payment", with(paymentRow, c.changes...))); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestADeletedAppointmentIsGone(t *testing.T) {
	for name, d := range map[string]intake.Delivery{
		"by the event's type":           event("AppointmentDeleted", `[{"AptNum": 18, "PatNum": 48, "DateTStamp": "2026-05-04 08:00:00"}]`),
		"by a row of the history":       event("AppointmentDeleted", `[{"HistApptNum": 2754, "HistDateTStamp": "2026-05-04 08:00:00", "HistApptAction": "Deleted", "AptNum": 18, "PatNum": 48, "AptStatus": "Broken", "DateTStamp": "2026-05-03 08:30:12"}]`),
		"by the subscription's address": {Header: http.Header{"Authorization": {customer}}, Query: url.Values{"type": {"AppointmentDeleted"}}, Body: []byte(`[{"AptNum": 18, "DateTStamp": "2026-05-04 08:00:00"}]`)},
		"by nothing but the row":        {Header: http.Header{"Authorization": {customer}}, Body: []byte(`[{"AptNum": 18, "AptStatus": "Broken", "HistApptAction": "Deleted", "HistDateTStamp": "2026-05-04 08:00:00"}]`)},
	} {
		t.Run(name, func(t *testing.T) {
			heard, err := opendental.Read(clinic(), account(), d)
			if err != nil || len(heard.Objects) != 1 {
				t.Fatalf("got %+v, %v", heard, err)
			}
			if o := heard.Objects[0]; !o.Gone || o.Kind != "appointment" || o.ID != "18" || len(o.Facts) != 0 || o.Version != max(at("2026-05-04 08:00:00").UnixMilli(), d.At.UnixMilli()) {
				t.Errorf("it is %+v", o)
			}
		})
	}
}

func TestADeletionWithoutATimeIsAsLateAsItsReceipt(t *testing.T) {
	received := at("2026-07-01 10:00:00")
	for name, body := range map[string]string{
		"without a stamp":     `[{"AptNum": 18}]`,
		"with one of nothing": `[{"AptNum": 18, "PatNum": 48, "HistApptAction": "Deleted", "HistDateTStamp": "0001-01-01 00:00:00"}]`,
		"with an older one":   `[{"AptNum": 18, "DateTStamp": "2026-05-01 08:00:00"}]`,
	} {
		t.Run(name, func(t *testing.T) {
			d := event("AppointmentDeleted", body)
			d.At = received
			deleted, err := opendental.Read(clinic(), account(), d)
			if err != nil {
				t.Fatal(err)
			}
			mistest.Ends(t, clinic(), received, only(t, "Appointment", appointmentRow), deleted.Objects)
		})
	}
	t.Run("read from the API", func(t *testing.T) {
		a := start(t)
		deleted, err := a.client(t).Fetch(t.Context(), clinic(), a.account(), intake.Ref{Kind: "appointment", ID: "18"}, received)
		if err != nil {
			t.Fatal(err)
		}
		mistest.Ends(t, clinic(), received, only(t, "Appointment", appointmentRow), deleted)
	})
	t.Run("and a patient's card stays", func(t *testing.T) {
		a := start(t)
		got, err := a.client(t).Fetch(t.Context(), clinic(), a.account(), intake.Ref{Kind: "patient", ID: "48"}, received)
		if err != nil || len(got) != 1 || got[0].Gone || got[0].Version != received.UnixMilli() || got[0].Facts[0].Card.Status != dental.Archived || got[0].Facts[0].Card.Says != intake.Known {
			t.Errorf("got %+v, %v", got, err)
		}
	})
}

func TestAnEventIsOnlyTakenFromTheOffice(t *testing.T) {
	for name, key := range map[string]string{"without a key": "", "with another key": "An0therKey000000", "with the developer's": developer, "with more than the key": customer + " "} {
		t.Run(name, func(t *testing.T) {
			d := event("Appointment", "["+appointmentRow+"]")
			d.Header.Set("Authorization", key)
			_, err := opendental.Read(clinic(), account(), d)
			if dental.KindOf(err) != dental.Invalid || strings.Contains(err.Error(), customer) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestWhatDoesNotMatterIsSilent(t *testing.T) {
	for name, d := range map[string]intake.Delivery{
		"a table of the office's rooms": event("Operatory", `[{"OperatoryNum": 1}]`),
		"a patient picked at a screen":  {Header: http.Header{"Authorization": {customer}, "Event-Type": {"UiEventType: PatientSelected"}}, Body: []byte(patientRow)},
		"no rows":                       event("Appointment", `[]`),
		"rows of no known table":        {Header: http.Header{"Authorization": {customer}}, Body: []byte(`[{"ScheduleNum": 3}]`)},
	} {
		t.Run(name, func(t *testing.T) {
			heard, err := opendental.Read(clinic(), account(), d)
			if err != nil || heard.Silent != "other" || len(heard.Objects) != 0 {
				t.Errorf("got %+v, %v", heard, err)
			}
		})
	}
}

func TestARowWithoutATableIsKnownByItsColumns(t *testing.T) {
	for row, kind := range map[string]string{patientRow: "patient", appointmentRow: "appointment", procedureRow: "procedurelog", paymentRow: "payment"} {
		heard, err := opendental.Read(clinic(), account(), intake.Delivery{Header: http.Header{"Authorization": {customer}}, Body: []byte(row)})
		if err != nil || len(heard.Objects) != 1 || heard.Objects[0].Kind != kind {
			t.Errorf("%s is %+v, %v", kind, heard, err)
		}
	}
}

func TestWhatIsNotOfOpenDentalsShapeIsRefused(t *testing.T) {
	for name, body := range map[string]string{
		"nothing": ``, "no JSON": `PatNum=1`, "a text": `"PatNum"`, "a list of lists": `[[1]]`, "a key twice": `[{"AptNum": 1, "AptNum": 2}]`,
		"bad UTF-8": "[{\"AptNum\": \"\xff\"}]", "a depth of forty": strings.Repeat("[", 40) + strings.Repeat("]", 40),
		"a row without a number": `[{"PatNum": 48, "AptStatus": "Scheduled"}]`, "a row of nobody": `[{"AptNum": 18, "PatNum": 0}]`,
		"a number that is a sentence": `[{"AptNum": "eighteen", "PatNum": 48}]`, "a value that is an object": `[{"AptNum": {"a": 1}, "PatNum": 48}]`,
	} {
		t.Run(name, func(t *testing.T) {
			_, err := opendental.Read(clinic(), account(), event("Appointment", body))
			if dental.KindOf(err) != dental.Invalid || strings.Contains(err.Error(), "eighteen") {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestAnAccountSaysAllThatIsWrongWithItAtOnce(t *testing.T) {
	broken := account()
	broken.Settings = map[string]string{opendental.URLSetting: "http://169.254.169.254/", opendental.DoctorsSetting: "1=Dr. Irina Sokolova; two"}
	broken.Secrets = map[string]dental.Secret{opendental.DeveloperSecret: "../../etc"}
	err := opendental.Validate(broken)
	if dental.KindOf(err) != dental.Invalid {
		t.Fatalf("got %v", err)
	}
	for _, field := range []string{"settings.url", "settings.doctors", "secrets.developer", "secrets.customer"} {
		if !strings.Contains(err.Error(), field+": ") {
			t.Errorf("%q does not name %s", err, field)
		}
	}
	if strings.Contains(err.Error(), "etc") {
		t.Errorf("%q repeats a secret", err)
	}
	if err := opendental.Validate(account()); err != nil {
		t.Errorf("a whole one is refused: %v", err)
	}
}

func TestNoHostIsCalledButOpenDentalsOrOneOfTheDeployments(t *testing.T) {
	const own = "192.168.1.14:30223"
	for address, ok := range map[string]bool{
		"": true, "https://api.opendental.com/api/v1": true, "https://api.opendental.com/api/v1/": true, "http://" + own + "/api/v1": true, "https://" + own + "/api/v1": true,
		"http://api.opendental.com/api/v1": false, "https://api.opendental.com.example/api/v1": false, "https://example.com": false, "http://127.0.0.1:80": false,
		"https://api.opendental.com@example.com/": false, "http://u:p@" + own + "/api/v1": false, "http://" + own + "/api/v1?x=1": false, "http://" + own + "/api/v1#x": false, "ftp://" + own: false, "//" + own: false,
	} {
		a := account()
		a.Settings[opendental.URLSetting] = address
		if err := opendental.Validate(a, own); (err == nil) != ok {
			t.Errorf("%q: %v", address, err)
		}
	}
}

// say is how Open Dental tells of the office's objects.
func say(o *mistest.Office, object any) []intake.Delivery {
	stamp := func(t time.Time) string { return t.In(o.Clinic.Location()).Format(time.DateTime) }
	rows := func(table string, row map[string]any) intake.Delivery {
		raw, err := json.Marshal([]any{row})
		if err != nil {
			panic(err)
		}
		return event(table, string(raw))
	}
	procedure := func(num int, s mistest.Service, row map[string]any) map[string]any {
		row["ProcNum"], row["procCode"], row["descript"], row["UnitQty"], row["ProcFee"] = num, s.Code, s.Name, 1, dental.Money{Minor: int64(s.Price) * 100, Currency: "RUB"}.Decimal()
		return row
	}
	switch x := object.(type) {
	case *mistest.Patient:
		status := "Patient"
		if x.Deleted {
			status = "Deleted"
		}
		return []intake.Delivery{rows("Patient", map[string]any{"PatNum": x.ID, "LName": x.FamilyName, "FName": x.GivenName, "WirelessPhone": x.Phone, "Birthdate": x.BirthDate.String(),
			"PatStatus": status, "Guarantor": x.ID, "DateTStamp": stamp(x.Changed)})}
	case *mistest.Record:
		if x.Deleted {
			return []intake.Delivery{
				rows("AppointmentDeleted", map[string]any{"AptNum": x.ID, "PatNum": x.Patient.ID, "HistApptAction": "Deleted", "HistDateTStamp": stamp(x.Changed)}),
				rows("ProcedureLog", procedure(10000+x.ID, x.Service, map[string]any{"PatNum": x.Patient.ID, "AptNum": x.ID, "ProcStatus": "D", "DateTStamp": stamp(x.Changed)}))}
		}
		row := map[string]any{"AptNum": x.ID, "PatNum": x.Patient.ID, "AptDateTime": stamp(x.Start), "Pattern": strings.Repeat("X", x.Minutes/5), "ProcDescript": x.Service.Name,
			"AptStatus": "Scheduled", "confirmed": "Not Called", "DateTStamp": stamp(x.Changed)}
		done := map[string]any{"PatNum": x.Patient.ID, "AptNum": x.ID, "ProcStatus": "D", "ProcDate": stamp(x.Start)[:10], "DateTStamp": stamp(x.Changed)}
		switch x.Status {
		case mistest.Confirmed:
			row["confirmed"] = "Confirmed"
		case mistest.Came:
			row["AptStatus"], done["ProcStatus"] = "Complete", "C"
		case mistest.Missed:
			// The office marks as missed what is yet to come, too, which only the history can say.
			row["AptStatus"], row["HistApptAction"] = "Broken", "Missed"
		case mistest.Cancelled:
			row["AptStatus"] = "UnschedList"
		}
		return []intake.Delivery{rows("Appointment", row), rows("ProcedureLog", procedure(10000+x.ID, x.Service, done))}
	case *mistest.Stage:
		row := map[string]any{"PatNum": x.Patient.ID, "ProcStatus": "TP", "DateTP": stamp(x.At.AddDate(0, 0, -1))[:10], "DateTStamp": stamp(x.Changed)}
		switch {
		case x.Deleted:
			row["ProcStatus"] = "D"
		case x.Done:
			row["ProcStatus"], row["ProcDate"], row["AptNum"] = "C", stamp(x.Changed)[:10], 1 // an appointment that the model has not
		}
		return []intake.Delivery{rows("ProcedureLog", procedure(x.ID, x.Service, row))}
	}
	panic("an object of no kind")
}

func TestWhatTheOfficeKnowsStandsOnTheCards(t *testing.T) {
	cl := &dental.Clinic{ID: "demo", TimeZone: "Europe/Moscow", Country: "RU", Language: "ru", Currency: "RUB"}
	mistest.Run(t, cl, account(), mistest.Vendor{Name: dental.OpenDental, Ordered: true, Read: opendental.Read, Say: say,
		Tells: mistest.Tells{BirthDates: true, Receipts: true, Stages: true, DeletedPatients: true}})
}

func TestAVisitThatIsMarkedAheadOfItsDayIsHeldBack(t *testing.T) {
	mistest.Held(t, at("2026-07-31 09:10:00"), at("2026-07-31 00:00:00"), func(now time.Time) intake.Object {
		d := event("Appointment", with(appointmentRow, "AptStatus", `"Complete"`))
		d.At = now
		heard, err := opendental.Read(clinic(), account(), d)
		if err != nil {
			t.Fatal(err)
		}
		return heard.Objects[0]
	})
}
