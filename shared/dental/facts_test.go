package dental_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
)

func TestTheMoodOfAnAnswer(t *testing.T) {
	// Columns: no score, 0, 6, 7, 8, 9, 10.
	scores := []int{-1, 0, 6, 7, 8, 9, 10}
	const happy, neutral, unhappy, unrated = dental.Happy, dental.Neutral, dental.Unhappy, dental.Unrated
	table := map[dental.Rating][]dental.Mood{
		dental.Good: {happy, unhappy, unhappy, happy, happy, happy, happy},
		dental.Fair: {neutral, unhappy, unhappy, neutral, neutral, neutral, neutral},
		dental.Bad:  {unhappy, unhappy, unhappy, unhappy, unhappy, unhappy, unhappy},
		"":          {unrated, unhappy, unhappy, unrated, unrated, happy, happy},
	}
	for rating, row := range table {
		for i, nps := range scores {
			if got := (dental.Answer{Rating: rating, NPS: nps}).Mood(); got != row[i] {
				t.Errorf("%q with %d is %q, want %q", rating, nps, got, row[i])
			}
		}
	}
}

func TestASourceJudgesWhatArrivesByVersionAndThenByBody(t *testing.T) {
	stored := dental.Source{Version: 3, Body: "a"}
	for _, tt := range []struct {
		name             string
		stored, arriving dental.Source
		want             dental.Judgement
	}{
		{"the first word is news", dental.Source{}, dental.Source{Version: 0, Body: "a"}, dental.News},
		{"a higher version is news", stored, dental.Source{Version: 4, Body: "b"}, dental.News},
		{"a higher version of the same body is news", stored, dental.Source{Version: 4, Body: "a"}, dental.News},
		{"a lower version is outdated", stored, dental.Source{Version: 2, Body: "b"}, dental.Outdated},
		{"a lower version of the same body is outdated", stored, dental.Source{Version: 2, Body: "a"}, dental.Outdated},
		{"the same again is a repeat", stored, stored, dental.Repeat},
		{"another body of the same version is a contradiction", stored, dental.Source{Version: 3, Body: "b"}, dental.Contradiction},
	} {
		if got := tt.stored.Judge(tt.arriving); got != tt.want {
			t.Errorf("%s: %d, want %d", tt.name, got, tt.want)
		}
	}
}

func price(roubles int64) dental.Money { return dental.Money{Minor: roubles * 100, Currency: "RUB"} }

func TestWhatIsAtStake(t *testing.T) {
	stage := func(status dental.StageStatus, roubles int64) dental.Stage {
		s := dental.Stage{Status: status}
		if roubles > 0 {
			s.Price = price(roubles)
		}
		return s
	}
	plan := func(id string, presented time.Time, stages ...dental.Stage) dental.Plan {
		return dental.Plan{ID: id, PresentedAt: presented, Stages: stages}
	}
	tests := []struct {
		name     string
		plans    []dental.Plan
		receipts []int64
		want     int64
	}{
		{"is nothing with a patient of whom nothing is known", nil, nil, 0},
		{"is the average receipt", nil, []int64{1000, 3000}, 2000},
		{"leaves visits without a receipt out of the average", nil, []int64{1000, 0, 3000}, 2000},
		{"is what is still open of the plan", []dental.Plan{plan("a", noon, stage(dental.StageDone, 10), stage(dental.StagePlanned, 20), stage(dental.StageBooked, 30), stage(dental.StageCancelled, 40))}, []int64{1000}, 50},
		{"looks past stages without a price", []dental.Plan{plan("a", noon, stage(dental.StagePlanned, 20), stage(dental.StagePlanned, 0))}, nil, 20},
		{"adds up one plan alone", []dental.Plan{
			plan("a", noon, stage(dental.StagePlanned, 7800), stage(dental.StageBooked, 28000)), plan("b", noon.Add(-time.Hour), stage(dental.StagePlanned, 90000))}, nil, 35800},
		{"is the average receipt when the plan is done", []dental.Plan{plan("a", noon, stage(dental.StageDone, 10), stage(dental.StageCancelled, 20))}, []int64{1000}, 1000},
		{"is of the plan with the latest activity, whatever it is called", []dental.Plan{
			plan("a", noon.Add(time.Hour), stage(dental.StagePlanned, 50)), plan("b", noon, stage(dental.StagePlanned, 70))}, nil, 50},
		{"passes over a later plan that is done", []dental.Plan{
			plan("a", noon, stage(dental.StagePlanned, 50)), plan("b", noon.Add(time.Hour), stage(dental.StageDone, 70))}, nil, 50},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			card := dental.Card{Plans: tt.plans}
			for _, r := range tt.receipts {
				v := dental.Visit{}
				if r > 0 {
					v.Receipt = price(r)
				}
				card.Visits = append(card.Visits, v)
			}
			want := dental.Money{}
			if tt.want > 0 {
				want = price(tt.want)
			}
			if got := card.Stake(); got != want {
				t.Errorf("%s, want %s", got, want)
			}
		})
	}
}

func TestAPlansLastActivityIsItsPresentationOrItsLastDoneStage(t *testing.T) {
	hour := func(n int) time.Time { return noon.Add(time.Duration(n) * time.Hour) }
	p := dental.Plan{PresentedAt: hour(5), Stages: []dental.Stage{
		{Status: dental.StageDone, DoneAt: hour(7)}, {Status: dental.StageDone, DoneAt: hour(6)}, {Status: dental.StageCancelled, DoneAt: hour(9)}}}
	if got := p.LastActivity(); !got.Equal(hour(7)) {
		t.Errorf("it is %s", got)
	}
	p.PresentedAt = hour(8)
	if got := p.LastActivity(); !got.Equal(hour(8)) {
		t.Errorf("presented again, it is %s", got)
	}
	for status, open := range map[dental.StageStatus]bool{dental.StagePlanned: true, dental.StageBooked: true, dental.StageDone: false, dental.StageCancelled: false} {
		if got := (dental.Plan{Stages: []dental.Stage{{Status: dental.StageDone}, {Status: status}}}).Open(); got != open {
			t.Errorf("a plan with a %s stage is open: %t", status, got)
		}
	}
}

func TestWhatIsAskedOfACardIsFoundOrIsNil(t *testing.T) {
	day := date(t, "2026-03-10")
	card := &dental.Card{
		Patient:      dental.Patient{ID: "P"},
		Appointments: []dental.Appointment{{ID: "A1"}, {ID: "A2"}},
		Visits:       []dental.Visit{{ID: "V1"}, {ID: "V2"}},
		Plans:        []dental.Plan{{ID: "L1"}, {ID: "L2"}},
		Payments:     []dental.Payment{{ID: "F1"}, {ID: "F2"}},
		Answers:      []dental.Answer{{Day: day}, {Day: day.AddDays(1)}},
		Touches:      []dental.Touch{{Scenario: "s", Step: "a", Anchor: "x"}, {Scenario: "s", Step: "b", Anchor: "x"}},
		Tasks:        []dental.Task{{Kind: dental.CallTask, Anchor: "x"}, {Kind: dental.CallTask, Anchor: "y"}},
	}
	if card.Appointment("A2") != &card.Appointments[1] || card.Visit("V2") != &card.Visits[1] || card.Plan("L2") != &card.Plans[1] ||
		card.Payment("F2") != &card.Payments[1] || card.Answer(day.AddDays(1)) != &card.Answers[1] ||
		card.Touch("s", "b", "x") != &card.Touches[1] || card.Task(dental.CallTask, "y") != &card.Tasks[1] {
		t.Error("what is found is not the card's own, so that changing it changes nothing")
	}
	if card.Appointment("x") != nil || card.Visit("x") != nil || card.Plan("x") != nil || card.Payment("x") != nil || card.Answer(day.AddDays(2)) != nil ||
		card.Touch("s", "b", "y") != nil || card.Touch("t", "b", "x") != nil || card.Task(dental.PlanTask, "y") != nil {
		t.Error("what is not there is found")
	}
	if !card.Known() || (&dental.Card{}).Known() {
		t.Error("a card is known by its patient")
	}
}

func TestTheNextAppointmentIsTheEarliestThatIsStillToTakePlace(t *testing.T) {
	at := func(id string, hours int, status dental.AppointmentStatus) dental.Appointment {
		return dental.Appointment{ID: id, Start: noon.Add(time.Duration(hours) * time.Hour), Status: status}
	}
	card := &dental.Card{
		Appointments: []dental.Appointment{at("late", 9, dental.Confirmed), at("past", -1, dental.Booked), at("now", 0, dental.Booked), at("cancelled", 1, dental.Cancelled),
			at("missed", 2, dental.Missed), at("attended", 3, dental.Booked), at("next", 4, dental.Booked)},
		Visits: []dental.Visit{{ID: "V", AppointmentID: "attended"}},
	}
	if got := card.NextAppointment(noon); got == nil || got.ID != "next" {
		t.Errorf("it is %+v", got)
	}
	if got := card.NextAppointment(noon.Add(9 * time.Hour)); got != nil {
		t.Errorf("after the last it is %s", got.ID)
	}
}

func TestAnAnswerAboutAnotherTimeOfAnAppointmentCountsNoMore(t *testing.T) {
	a := dental.Appointment{Start: noon, Status: dental.Booked, Reply: "reschedule", ReplyFor: noon.In(time.FixedZone("", 3600))}
	if got := a.Answered(); got != "reschedule" {
		t.Errorf("the answer is %q", got)
	}
	a.Status = dental.Confirmed
	if got := a.Answered(); got != "reschedule" {
		t.Errorf("the patient's own word does not stand against the MIS: %q", got)
	}
	a.Start = noon.Add(time.Hour)
	if got := a.Answered(); got != "confirm" {
		t.Errorf("confirmed at the new time, the answer is %q", got)
	}
	a.Status = dental.Booked
	if got := a.Answered(); got != "" {
		t.Errorf("moved, the answer is %q", got)
	}
}

func TestTheVisitsOfADayAndTheDaysOfVisits(t *testing.T) {
	day := date(t, "2026-03-10")
	msk := moscow().Location()
	card := &dental.Card{Visits: []dental.Visit{
		{ID: "b", Day: day, FinishedAt: noon.Add(2 * time.Hour)}, {ID: "a", Day: day, FinishedAt: noon},
		{ID: "d", Day: day.AddDays(1), FinishedAt: noon.Add(24 * time.Hour)}, {ID: "c", Day: day, FinishedAt: noon},
		{ID: "e", Day: day, FinishedAt: time.Date(2026, 3, 8, 22, 0, 0, 0, time.UTC)}}}
	got := ""
	for _, v := range card.VisitsOn(day) {
		got += v.ID
	}
	if got != "eacb" {
		t.Errorf("the day's visits are %s", got)
	}
	if got := fmt.Sprint(card.VisitDays(msk)); got != "[2026-03-09 2026-03-10 2026-03-11]" {
		t.Errorf("the days are %s", got)
	}
	v := dental.Visit{Procedures: []dental.Procedure{{Kind: dental.Hygiene}, {Kind: dental.Therapy}, {Kind: dental.Hygiene}}}
	if got := fmt.Sprint(v.Kinds()); got != "[hygiene therapy]" {
		t.Errorf("the kinds are %s", got)
	}
}

func TestAPatientIsGoneForTheStrongestReason(t *testing.T) {
	for _, tt := range []struct {
		p    dental.Patient
		want string
	}{
		{dental.Patient{}, ""},
		{dental.Patient{Status: dental.Active}, ""},
		{dental.Patient{Stub: true}, ""},
		{dental.Patient{Status: dental.Archived}, "archived"},
		{dental.Patient{Status: dental.Moved}, "moved"},
		{dental.Patient{Status: dental.Deceased}, "deceased"},
		{dental.Patient{Status: dental.Deceased, Excluded: true}, "excluded"},
		{dental.Patient{Status: dental.Active, Excluded: true, Erased: true}, "erased"},
	} {
		if got, gone := tt.p.Gone(); got != tt.want || gone != (tt.want != "") {
			t.Errorf("%+v: %q, %t; want %q", tt.p, got, gone, tt.want)
		}
	}
}

func TestAMinorIsUnder18AndNobodyWithoutABirthDateIs(t *testing.T) {
	p := dental.Patient{BirthDate: date(t, "2008-03-14")}
	if !p.Minor(date(t, "2026-03-13")) || p.Minor(date(t, "2026-03-14")) {
		t.Error("majority does not begin on the 18th birthday")
	}
	if (dental.Patient{}).Minor(date(t, "2026-03-14")) {
		t.Error("a patient without a birth date is a child")
	}
}

func TestTheNewestDecisionOfAClassAndChannelStands(t *testing.T) {
	var p dental.Patient
	decide := func(hours int, granted bool, source string) {
		p.Record(dental.Consent{Class: dental.Care, Channel: dental.SMS, Granted: granted, At: noon.Add(time.Duration(hours) * time.Hour), Source: source})
	}
	decide(5, true, "first")
	decide(4, false, "older")
	if c, _ := p.Consent(dental.Care, dental.SMS); c.Source != "first" {
		t.Errorf("an older word stands: %+v", c)
	}
	decide(5, false, "same time")
	if c, _ := p.Consent(dental.Care, dental.SMS); c.Source != "same time" {
		t.Errorf("of two words of the same time the first stands: %+v", c)
	}
	decide(6, true, "newer")
	p.Record(dental.Consent{Class: dental.Care, Channel: dental.Mail, Source: "mail"})
	p.Record(dental.Consent{Class: dental.Reminders, Channel: dental.SMS, Source: "reminders"})
	if c, ok := p.Consent(dental.Care, dental.SMS); !ok || c.Source != "newer" || len(p.Consents) != 3 {
		t.Errorf("of %v stands %+v", p.Consents, c)
	}
	if _, ok := p.Consent(dental.Advertising, dental.SMS); ok {
		t.Error("a decision is found that nobody took")
	}
}

func TestAPatientsAddresses(t *testing.T) {
	p := dental.Patient{Phone: "+79160000001", Email: "anna@example.com"}
	for ch, want := range map[dental.Channel]string{dental.SMS: "+79160000001", dental.WhatsApp: "+79160000001", dental.Mail: "anna@example.com", dental.StaffTask: "", "": ""} {
		if got := p.Address(ch); got != want {
			t.Errorf("by %q: %q", ch, got)
		}
	}
	if p.Household() != "+79160000001" {
		t.Errorf("the household is %q", p.Household())
	}
	if p.Phone = ""; p.Household() != "anna@example.com" {
		t.Errorf("without a phone the household is %q", p.Household())
	}
}

func TestATask(t *testing.T) {
	c := moscow()
	late := time.Date(2026, 3, 10, 22, 0, 0, 0, time.UTC)
	task := dental.Task{Escalates: noon.Add(4 * time.Hour)}
	for _, tt := range []struct {
		now    time.Time
		change func()
		want   string
	}{
		{noon, func() {}, "open"},
		{noon.Add(4*time.Hour - 1), func() {}, "open"},
		{noon.Add(4 * time.Hour), func() {}, "escalated"},
		{noon.Add(5 * time.Hour), func() { task.TakenAt = noon }, "taken"},
		{noon.Add(5 * time.Hour), func() { task.Close(c, "done", late) }, "closed"},
		{noon.Add(6 * time.Hour), func() { task.Close(c, "again", late.Add(48*time.Hour)) }, "closed"},
	} {
		tt.change()
		if got := task.State(tt.now); got != tt.want {
			t.Errorf("%s after: %s, want %s", tt.now.Sub(noon), got, tt.want)
		}
	}
	if task.Outcome != "done" || !task.ClosedAt.Equal(late) || task.ClosedOn.String() != "2026-03-11" {
		t.Errorf("closed %q at %s on %s: the first closing stands, on the clinic's date", task.Outcome, task.ClosedAt, task.ClosedOn)
	}
	if (dental.Task{}).State(noon) != "open" {
		t.Error("a task without an escalation is not open")
	}
}

func TestTheBandsOfTheStaffsList(t *testing.T) {
	for kind, band := range map[dental.TaskKind]int{
		dental.ComplaintTask: 0,
		dental.ConfirmTask:   1, dental.CallbackTask: 1, dental.RebookTask: 1, dental.FeedbackTask: 1, dental.UnknownTask: 1, dental.ContactTask: 1,
		dental.CallTask: 2, dental.PlanTask: 2, dental.LeadTask: 2,
		dental.WakeTask: 3, dental.ReleaseTask: 3,
	} {
		if got := kind.Band(); got != band {
			t.Errorf("%s stands in band %d, want %d", kind, got, band)
		}
	}
}

func TestAnErrorTellsItsKindThroughWhateverWrapsIt(t *testing.T) {
	cause := errors.New("disk")
	e := &dental.Error{Kind: dental.Conflict, Field: "data.id", Message: "it is taken", Err: cause}
	wrapped := fmt.Errorf("intake: accept: %w", e)
	if dental.KindOf(wrapped) != dental.Conflict || !errors.Is(wrapped, cause) {
		t.Errorf("%v is of kind %q", wrapped, dental.KindOf(wrapped))
	}
	if got := e.Error(); got != "data.id: it is taken: disk" {
		t.Errorf("it reads %q", got)
	}
	if got := dental.Errorf(dental.Invalid, "", "no %s", "id").Error(); got != "no id" {
		t.Errorf("it reads %q", got)
	}
	inner := dental.Errorf(dental.NotFound, "", "gone")
	if got := dental.KindOf(&dental.Error{Kind: dental.Unavailable, Err: inner}); got != dental.Unavailable {
		t.Errorf("of two kinds the inner one counts: %s", got)
	}
	if dental.KindOf(cause) != "" || dental.KindOf(nil) != "" || dental.KindOf(errors.Join(cause, inner)) != dental.NotFound {
		t.Error("a kind is made up or lost")
	}
}

func TestTheListsNameEverythingOnce(t *testing.T) {
	for name, list := range map[string][]string{
		"classes": texts(dental.Classes()), "channels": texts(dental.Channels()), "kinds of procedure": texts(dental.ProcedureKinds()), "weekdays": dental.Weekdays(),
	} {
		if len(list) == 0 {
			t.Errorf("there are no %s", name)
		}
		seen := map[string]bool{}
		for _, s := range list {
			if seen[s] || s == "" || s != strings.ToLower(s) {
				t.Errorf("%s has %q", name, s)
			}
			seen[s] = true
		}
	}
	for i, day := range dental.Weekdays() {
		if full := strings.ToLower(time.Weekday(i).String()); !strings.HasPrefix(full, day) {
			t.Errorf("%s is called %s", full, day)
		}
	}
}

func texts[T ~string](list []T) []string {
	var out []string
	for _, v := range list {
		out = append(out, string(v))
	}
	return out
}
