package desk_test

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/desk"
	"github.com/returnpoint/returnpoint/shared/intake"
	"github.com/returnpoint/returnpoint/shared/locale"
	"github.com/returnpoint/returnpoint/shared/reply"
	"github.com/returnpoint/returnpoint/shared/scenario"
	"github.com/returnpoint/returnpoint/shared/stagetest"
)

// log lists the audit log of the stage's month, newest first.
func (r *reception) log() []dental.LogEntry {
	r.T.Helper()
	entries, _, err := r.Store.Log(r.T.Context(), "demo", desk.MonthOf(r.Now()), 100, "")
	r.does(err)
	return entries
}

// actions are those of the log, oldest first.
func (r *reception) actions() []string {
	var out []string
	for _, e := range r.log() {
		out = append([]string{e.Action}, out...)
	}
	return out
}

func TestWhoIsExcludedGetsNothingAndWhatIsStillAskedForComesBackWithThem(t *testing.T) {
	r := newReception(t)
	r.Patient("P")
	r.Patient("Q", func(c *intake.Card) { c.Number = "+79160000002" })
	for _, id := range []string{"P", "Q"} {
		r.Appointment(intake.AppointmentBooked, "A"+id, id, r.Local("2026-03-20 15:00"))
	}
	r.does(r.cards.Exclude(t.Context(), olga("P"), true, r.Now()))
	if p := r.Card("P").Patient; !p.Excluded {
		t.Fatal("the card says nothing of it")
	}
	if touch := r.Touch("P", "appointment", "reminder"); touch.State != dental.TouchCancelled || touch.Reason != "excluded" {
		t.Errorf("the reminder is %s: %s", touch.State, touch.Reason)
	}
	if touch := r.Touch("Q", "appointment", "reminder"); touch.State != dental.Planned {
		t.Errorf("another's reminder is %s", touch.State)
	}
	changes := r.Card("P").Patient.Changes
	r.does(r.cards.Exclude(t.Context(), olga("P"), true, r.Now()))
	if r.Card("P").Patient.Changes != changes || len(r.log()) != 1 {
		t.Errorf("excluding once more wrote something: %v", r.actions())
	}
	r.ToLocal("2026-03-11 12:00")
	r.does(r.cards.Exclude(t.Context(), olga("P"), false, r.Now()))
	if touch := r.Touch("P", "appointment", "reminder"); touch.State != dental.Planned {
		t.Errorf("after the return the reminder is %s: %s", touch.State, touch.Reason)
	}
	if got := r.actions(); !slices.Equal(got, []string{desk.PatientExcluded, desk.PatientIncluded}) {
		t.Errorf("the log has %q", got)
	}
	if e := r.log()[0]; e.By != "Ольга Крылова" || e.Role != dental.Administrator || e.Patient != "P" || !e.At.Equal(r.Now()) || e.Detail != "" {
		t.Errorf("the line is %+v", e)
	}
}

func TestADeathThatStaffHaveMarkedOutlivesTheCardsOfAnMISThatKnowsNothingOfIt(t *testing.T) {
	tells := func(status dental.PatientStatus) func(*reception) {
		return func(r *reception) {
			r.Set(r.Now().Add(time.Hour))
			r.Patient("P", func(c *intake.Card) { c.Status, c.GivenName = status, "Аня" })
		}
	}
	living := func(r *reception) { r.does(r.cards.Deceased(r.T.Context(), olga("P"), false, r.Now())) }
	for name, tt := range map[string]struct {
		then []func(*reception)
		want dental.PatientStatus
	}{
		"at once":                                   {nil, dental.Deceased},
		"the same card again":                       {[]func(*reception){tells(dental.Active)}, dental.Deceased},
		"a card without a status":                   {[]func(*reception){tells("")}, dental.Deceased},
		"many of them":                              {[]func(*reception){tells(dental.Active), tells(""), tells(dental.Active)}, dental.Deceased},
		"the MIS knows it too":                      {[]func(*reception){tells(dental.Deceased)}, dental.Deceased},
		"the MIS knew it and corrects itself":       {[]func(*reception){tells(dental.Deceased), tells(dental.Active)}, dental.Active},
		"the MIS archives the card":                 {[]func(*reception){tells(dental.Archived), tells(dental.Archived)}, dental.Deceased},
		"the MIS takes the card out of the archive": {[]func(*reception){tells(dental.Archived), tells(dental.Active)}, dental.Active},
		"it was a mistake":                          {[]func(*reception){living}, dental.Active},
		"a mistake after the MIS had archived":      {[]func(*reception){tells(dental.Archived), living}, dental.Archived},
	} {
		t.Run(name, func(t *testing.T) {
			r := newReception(t)
			r.Patient("P")
			r.Appointment(intake.AppointmentBooked, "A", "P", r.Local("2026-03-20 15:00"))
			r.does(r.cards.Deceased(t.Context(), olga("P"), true, r.Now()))
			if touch := r.Touch("P", "appointment", "reminder"); touch.State != dental.TouchCancelled || touch.Reason != "deceased" {
				t.Errorf("the reminder is %s: %s", touch.State, touch.Reason)
			}
			for _, then := range tt.then {
				then(r)
			}
			if got := r.Card("P").Patient.Status; got != tt.want {
				t.Errorf("the patient is %s, want %s", got, tt.want)
			}
		})
	}
}

func TestWhatTheMISItselfSaysOfADeathIsNotTakenBackAtTheDesk(t *testing.T) {
	r := newReception(t)
	r.Patient("P", func(c *intake.Card) { c.Status = dental.Deceased })
	r.does(r.cards.Deceased(t.Context(), olga("P"), false, r.Now()))
	if got := r.Card("P").Patient.Status; got != dental.Deceased || len(r.log()) > 0 {
		t.Errorf("the patient is %s, the log %v", got, r.actions())
	}
}

func TestADisputedCaseIsCourtedByNothingUntilThePersonWhoMarkedItLiftsTheMark(t *testing.T) {
	r := newReception(t)
	r.Patient("P")
	r.Visit("V", "P", r.Now().Add(-time.Hour))
	r.does(r.cards.Dispute(t.Context(), olga("P"), true, r.Now()))
	card := r.Card("P")
	shut := func(name, step string, class dental.Class, kind dental.TaskKind) string {
		w := scenario.Want{Touch: dental.Touch{Clinic: "demo", Patient: "P", Scenario: name, Step: step, Class: class, Kind: kind}, Step: &scenario.Step{}}
		return r.Catalogue.Shut(&r.Clinic, card, w, r.Now())
	}
	for name, tt := range map[string]struct{ got, want string }{
		"an offer":                  {shut("sleeping-6", "offer", dental.Advertising, ""), "disputed"},
		"a request for a review":    {shut("review", "ask", dental.Service, ""), "disputed"},
		"an invitation of friends":  {shut("referral", "invite", dental.Advertising, ""), "disputed"},
		"a recall":                  {shut("recall", "first", dental.Care, ""), "disputed"},
		"a call by staff":           {shut("recall", "call", dental.Care, dental.CallTask), ""},
		"a reminder":                {shut("appointment", "reminder", dental.Service, ""), ""},
		"the survey of a new visit": {shut("after-visit", "survey", dental.Service, ""), ""},
	} {
		if tt.got != tt.want {
			t.Errorf("%s is held back by %q, want %q", name, tt.got, tt.want)
		}
	}
	r.Set(r.Now().Add(time.Minute))
	r.does(r.cards.Dispute(t.Context(), olga("P"), false, r.Now()))
	if card = r.Card("P"); shut("recall", "first", dental.Care, "") != "" {
		t.Error("the mark was lifted, and still holds back")
	}
	if got := r.actions(); !slices.Equal(got, []string{desk.DisputeMarked, desk.DisputeLifted}) {
		t.Errorf("the log has %q", got)
	}
}

func TestADisputeIsKeptWhenTheMISSendsItsCardAgain(t *testing.T) {
	r := newReception(t)
	r.Patient("P")
	r.does(r.cards.Dispute(t.Context(), olga("P"), true, r.Now()))
	r.Set(r.Now().Add(time.Hour))
	r.Patient("P")
	if !r.Card("P").Patient.Disputed {
		t.Error("the card has forgotten it")
	}
}

func TestAConsentOnPaperIsKeptWithItsProof(t *testing.T) {
	r := newReception(t)
	r.Patient("P", func(c *intake.Card) { c.Consents = nil })
	paper := desk.Paper{Granted: true, Classes: []dental.Class{dental.Advertising}, Channels: []dental.Channel{dental.SMS, dental.Mail}, Wording: " бланк  7 "}
	r.does(r.cards.Consent(t.Context(), olga("P"), paper, r.Now()))
	want := dental.Consent{Class: dental.Advertising, Channel: dental.SMS, Granted: true, At: r.Now(), Source: "paper", Text: "бланк 7", By: "Ольга Крылова"}
	if got, _ := r.Card("P").Patient.Consent(dental.Advertising, dental.SMS); !got.At.Equal(want.At) || got.Text != want.Text || got.By != want.By || got.Source != want.Source || !got.Granted {
		t.Errorf("recorded is %+v, want %+v", got, want)
	}
	if got := r.Card("P").Patient.Consents; len(got) != 2 {
		t.Errorf("there are %d decisions, want one a channel", len(got))
	}
	if e := r.log()[0]; e.Action != desk.ConsentTaken || e.Subject != "бланк 7" {
		t.Errorf("the line is %+v", e)
	}
}

func TestADecisionCountsFromTheDayOfItsSignature(t *testing.T) {
	for name, tt := range map[string]struct {
		granted bool
		on      string
		want    string
	}{
		"signed now":                  {true, "", "2026-03-10 11:00:00"},
		"signed today":                {true, "2026-03-10", "2026-03-10 11:00:00"},
		"a consent of an earlier day": {true, "2026-03-08", "2026-03-08 00:00:00"},
		"a refusal of an earlier day": {false, "2026-03-08", "2026-03-08 23:59:59"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newReception(t)
			r.Patient("P", func(c *intake.Card) { c.Consents = nil })
			var on dental.Date
			if tt.on != "" {
				on, _ = dental.ParseDate(tt.on)
			}
			r.does(r.cards.Consent(t.Context(), olga("P"), desk.Paper{Granted: tt.granted, Classes: []dental.Class{dental.Care}, Channels: []dental.Channel{dental.SMS}, On: on}, r.Now()))
			got, _ := r.Card("P").Patient.Consent(dental.Care, dental.SMS)
			if at := got.At.In(r.Clinic.Location()).Format(time.DateTime); at != tt.want || got.Granted != tt.granted || got.Text != desk.WordingOfPaper {
				t.Errorf("it counts from %s: %+v", at, got)
			}
		})
	}
}

func TestAnEarlierPaperDoesNotOutdoWhatThePatientHasSaidSince(t *testing.T) {
	r := newReception(t)
	r.Patient("P", func(c *intake.Card) {
		c.Consents = []dental.Consent{{Class: dental.Advertising, Channel: dental.SMS, Granted: false, At: r.Now().Add(-time.Hour), Source: "page"}}
	})
	day := r.Clinic.Today(r.Now()).AddDays(-1)
	r.does(r.cards.Consent(t.Context(), olga("P"), desk.Paper{Granted: true, Classes: []dental.Class{dental.Advertising}, Channels: []dental.Channel{dental.SMS}, On: day}, r.Now()))
	if got, _ := r.Card("P").Patient.Consent(dental.Advertising, dental.SMS); got.Granted || len(r.log()) > 0 {
		t.Errorf("the decision is %+v, the log %v", got, r.actions())
	}
}

func TestAPaperThatSaysNothingIsRefusedInWords(t *testing.T) {
	good := desk.Paper{Granted: true, Classes: []dental.Class{dental.Care}, Channels: []dental.Channel{dental.SMS}}
	for name, tt := range map[string]struct {
		patient string
		change  func(*desk.Paper)
		kind    dental.ErrorKind
		words   string
	}{
		"of no class":         {"P", func(p *desk.Paper) { p.Classes = nil }, dental.Invalid, "о каких сообщениях"},
		"of a class unknown":  {"P", func(p *desk.Paper) { p.Classes = []dental.Class{"spam"} }, dental.Invalid, "о каких сообщениях"},
		"of no channel":       {"P", func(p *desk.Paper) { p.Channels = nil }, dental.Invalid, "способах связи"},
		"of a pigeon":         {"P", func(p *desk.Paper) { p.Channels = []dental.Channel{"pigeon"} }, dental.Invalid, "способах связи"},
		"signed tomorrow":     {"P", func(p *desk.Paper) { p.On = dental.Date{Year: 2026, Month: 3, Day: 11} }, dental.Invalid, "не позже сегодняшней"},
		"of a long wording":   {"P", func(p *desk.Paper) { p.Wording = strings.Repeat("я", 65) }, dental.Invalid, "слишком длинное"},
		"of a child":          {"C", func(*desk.Paper) {}, dental.Conflict, "в карте взрослого"},
		"of nobody known":     {"X", func(*desk.Paper) {}, dental.NotFound, ""},
		"nothing is the mute": {"P", func(p *desk.Paper) { p.Classes = []dental.Class{""} }, dental.Invalid, "о каких сообщениях"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newReception(t)
			r.Patient("P")
			r.Patient("C", func(c *intake.Card) { c.BirthDate, c.GuardianID = dental.Date{Year: 2016, Month: 1, Day: 1}, "P" })
			paper := good
			tt.change(&paper)
			err := r.cards.Consent(t.Context(), olga(tt.patient), paper, r.Now())
			if dental.KindOf(err) != tt.kind || !strings.Contains(desk.InWords(locale.Russian, err), tt.words) {
				t.Errorf("it is %v: %s", err, desk.InWords(locale.Russian, err))
			}
			if len(r.log()) > 0 {
				t.Error("and something was logged")
			}
		})
	}
}

func TestEachPressOfTheTillHasItsLineInTheLogWithoutWhatPeopleWrote(t *testing.T) {
	r := newReception(t)
	r.Patient("P")
	press := olga("P")
	press.ID = "form-1"
	for range 2 { // a form that is sent twice
		_, err := r.till.Grant(t.Context(), press, roubles(500), "За больной зуб", r.Now())
		r.does(err)
	}
	_, err := r.till.Spend(t.Context(), olga("P"), roubles(200), "Чистка", r.Now())
	r.does(err)
	entries := r.log()
	if got := r.actions(); len(got) != 2 || !slices.Contains(got, desk.BonusGranted) || !slices.Contains(got, desk.BonusSpent) {
		t.Fatalf("the log has %q", got)
	}
	for _, e := range entries {
		if strings.Contains(e.Detail+e.Subject, "зуб") || strings.Contains(e.Detail+e.Subject, "Чистка") || e.Detail == "" || e.By != "Ольга Крылова" {
			t.Errorf("the line is %+v", e)
		}
	}
}

func TestAnErasureByTheOwnerGoesTheWayOfTheMISAndLeavesTheLineOfTheLogAlone(t *testing.T) {
	r := newReception(t)
	r.Patient("P")
	_, err := r.till.Grant(t.Context(), olga("P"), roubles(500), "За ожидание", r.Now())
	r.does(err)
	for typed, why := range map[string]string{"": "nothing", "0002": "another's digits", "79160000001": "the whole number", "p": "another case"} {
		if err := r.cards.Erase(t.Context(), olga("P"), typed, r.Now()); dental.KindOf(err) != dental.Invalid || !strings.Contains(desk.InWords(locale.Russian, err), "ничего не удалено") {
			t.Errorf("typed %s: %v", why, err)
		}
	}
	if r.Card("P").Patient.Erased {
		t.Fatal("erased by what is not the card's")
	}
	r.does(r.cards.Erase(t.Context(), olga("P"), " 0001 ", r.Now()))
	if p := r.Card("P").Patient; !p.Erased || p.FamilyName != "" {
		t.Errorf("the head is %+v", p)
	}
	if _, err := r.cards.Read(t.Context(), "demo", "P"); dental.KindOf(err) != dental.NotFound {
		t.Errorf("the card still opens: %v", err)
	}
	r.To(r.Now().Add(time.Hour))
	got := map[string]dental.LogEntry{}
	for _, e := range r.log() {
		got[e.Action] = e
		if e.Detail != "" || e.Subject != "" || e.Patient != "P" || e.By != "Ольга Крылова" || e.Key != "k-olga" {
			t.Errorf("within the hour the line is %+v", e)
		}
	}
	if len(got) != 2 || got[desk.PatientErased].Action == "" || got[desk.BonusGranted].Action == "" {
		t.Errorf("the log has %v", r.actions())
	}
	if err := r.cards.Erase(t.Context(), olga("P"), "0001", r.Now()); dental.KindOf(err) != dental.NotFound {
		t.Errorf("once more: %v", err)
	}
}

func TestACardWithoutANumberIsErasedByItsID(t *testing.T) {
	r := newReception(t)
	r.Patient("P", func(c *intake.Card) { c.Number = "" })
	r.does(r.cards.Erase(t.Context(), olga("P"), "P", r.Now()))
	if !r.Card("P").Patient.Erased {
		t.Error("it is still there")
	}
}

func TestTheLogTellsWhoDidWhatAndOfAnErasedPatientTheIDAlone(t *testing.T) {
	r := newReception(t)
	for i, id := range []string{"P", "Q"} {
		r.Patient(id, func(c *intake.Card) { c.Number = []string{"+79160000001", "+79160000002"}[i] })
		_, err := r.till.Grant(t.Context(), olga(id), roubles(500), "За ожидание", r.Now())
		r.does(err)
	}
	r.Set(r.Now().Add(time.Minute))
	r.does(r.cards.Erase(t.Context(), olga("Q"), "0002", r.Now()))
	lines, next, err := desk.Log(t.Context(), r.Store, r.Catalogue, &r.Clinic, "2026-03", "", locale.Russian, r.Now())
	r.does(err)
	if len(lines) != 3 || next != "" {
		t.Fatalf("there are %d lines, next %q", len(lines), next)
	}
	if l := lines[0]; l.What != "Удалены данные пациента" || l.Patient != "Q" || l.Name != "" || l.When != "10 марта, 11:01" || l.Role != "администратор" {
		t.Errorf("the newest line is %+v", l)
	}
	for _, l := range lines[1:] {
		if l.Patient == "P" && (l.Name != "Петрова Анна" || l.Detail != "500\u00a0₽" || l.What != "Начислены бонусы") || l.Patient == "Q" && l.Name+l.Detail != "" {
			t.Errorf("the line is %+v", l)
		}
	}
	for _, month := range []string{"", "2026", "2026-13", "май"} {
		if _, _, err := desk.Log(t.Context(), r.Store, r.Catalogue, &r.Clinic, month, "", locale.Russian, r.Now()); dental.KindOf(err) != dental.Invalid {
			t.Errorf("month %q: %v", month, err)
		}
	}
}

func TestAnExportHasEverythingHeldAndNothingOfAnybodyElse(t *testing.T) {
	r := eventful(t)
	ctx := t.Context()
	r.does(r.Desk.Recommend(ctx, r.Token("P", dental.ReferralLink), reply.LeadForm{Name: "Зинаида Тайная", Phone: "+79160000077", Consent: true}, stagetest.Phones, r.Now()))
	r.Patient("Q", func(c *intake.Card) { c.GivenName, c.FamilyName = "Игнат", "Соседов" })
	file, err := r.cards.Export(ctx, olga("P"), r.Now())
	r.does(err)
	golden(t, "export.json", string(file))
	for _, other := range []string{"Тайная", "9160000077", "Игнат", "Соседов", `"Q"`} {
		if strings.Contains(string(file), other) {
			t.Errorf("the file tells of %q", other)
		}
	}
	if got := r.actions(); got[len(got)-1] != desk.PatientExported {
		t.Errorf("the log has %q", got)
	}
}

func TestAnExportTellsOfTheOwnAddressesOnlyWhatWasSentToThePatient(t *testing.T) {
	recent := func(clinic, patient string) dental.Recent {
		return dental.Recent{Clinic: clinic, Patient: patient, Touch: "touch-of-" + clinic + "-" + patient}
	}
	file, err := desk.ExportOf(desk.Record{Clinic: &dental.Clinic{ID: "demo"}, Card: &dental.Card{Patient: dental.Patient{Clinic: "demo", ID: "P"}},
		Contacts: []dental.Contact{{Key: "hash", Members: []dental.Member{{Clinic: "demo", Patient: "Q"}}, Lead: dental.Lead{Clinic: "demo", Patient: "R"},
			Recent: []dental.Recent{recent("demo", "P"), recent("demo", "Q"), recent("other", "P")}}}}, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	for word, has := range map[string]bool{"touch-of-demo-P": true, "touch-of-demo-Q": false, "touch-of-other-P": false, "hash": false, `"Q"`: false, `"R"`: false} {
		if strings.Contains(string(file), word) != has {
			t.Errorf("%s is in the file: %t", word, !has)
		}
	}
}

// TestNoFieldOfACardIsForgottenByItsExport fills every field of every noun of a
// card with a word of its own and looks for each in the file. What is left out on
// purpose is named in withheld, and here.
func TestNoFieldOfACardIsForgottenByItsExport(t *testing.T) {
	withheld := strings.Fields(`Ending.Digits Tasks.CallingKey Patient.NotMe Patient.Invitation Patient.Version Patient.Body
		Appointments.Version Appointments.Body Visits.Version Visits.Body Plans.Version Plans.Body Payments.Version Payments.Body
		Touches.Links Touches.Together Touches.Attempts.Address Touches.Attempts.Household
		Referrals.Contact Referrals.Name Referrals.Phone Referrals.Friend Referrals.Consent Bonuses.Source Bonuses.Of`)
	var card dental.Card
	words := map[string]string{} // by path
	fill(reflect.ValueOf(&card).Elem(), "", words)
	file, err := desk.ExportOf(desk.Record{Clinic: &dental.Clinic{}, Card: &card}, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	if !json.Valid(file) {
		t.Fatal("the file is no JSON")
	}
	if len(words) < 150 {
		t.Fatalf("only %d fields were filled", len(words))
	}
	for path, word := range words {
		once := strings.HasSuffix(path, ".Clinic") || strings.HasSuffix(path, ".Patient") // said at the top
		if has, out := strings.Contains(string(file), word), once || slices.Contains(withheld, path); has == out {
			t.Errorf("%s: in the file %t, withheld %t", path, has, out)
		}
	}
}

// fill gives each leaf a value of its own, and notes how the file would write it.
func fill(v reflect.Value, path string, words map[string]string) {
	n := len(words) + 1
	base := time.Date(1000, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(n, 0, 0)
	switch v.Interface().(type) {
	case time.Time:
		v.Set(reflect.ValueOf(base))
		words[path] = base.Format(time.RFC3339)
		return
	case dental.Date:
		v.Set(reflect.ValueOf(dental.DateOf(base.AddDate(2000, 0, 0))))
		words[path] = `"` + dental.DateOf(base.AddDate(2000, 0, 0)).String() + `"`
		return
	case dental.Money:
		m := dental.Money{Minor: 77_000_00 + int64(n), Currency: "RUB"}
		v.Set(reflect.ValueOf(m))
		words[path] = m.Decimal()
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			f := v.Type().Field(i)
			inner := path + "." + f.Name
			if f.Anonymous {
				inner = path
			}
			fill(v.Field(i), strings.TrimPrefix(inner, "."), words)
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0), path, words)
	case reflect.String:
		v.SetString("word" + strings.Repeat("x", n) + "!")
		words[path] = v.String()
	case reflect.Int, reflect.Int64:
		v.SetInt(int64(880000 + n))
		words[path] = ": " + jsonNumber(v.Int())
	case reflect.Bool:
		v.SetBool(true) // too common a word to look for
	}
}

func jsonNumber(n int64) string {
	b, _ := json.Marshal(n)
	return string(b)
}
