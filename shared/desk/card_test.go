package desk_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/desk"
	"github.com/returnpoint/returnpoint/shared/intake"
	"github.com/returnpoint/returnpoint/shared/locale"
	"github.com/returnpoint/returnpoint/shared/scenario"
	"github.com/returnpoint/returnpoint/shared/stagetest"
)

// noonOf is noon of a day of 2026 in Moscow.
func noonOf(month time.Month, day int) time.Time {
	return time.Date(2026, month, day, 12, 0, 0, 0, time.FixedZone("MSK", 3*3600))
}

// bareRecord is a card with nothing but a head, read on 12 May 2026.
func bareRecord() desk.Record {
	cl := stagetest.Clinic()
	return desk.Record{Clinic: &cl, Catalogue: scenario.Shipped(), Card: &dental.Card{Patient: dental.Patient{Clinic: "demo", ID: "P", GivenName: "Анна", Status: dental.Active}}}
}

func TestWhatTheCapHeldBackSaysWhichMessageItWasFor(t *testing.T) {
	skipped := func(class dental.Class) dental.Touch {
		return dental.Touch{Clinic: "demo", Patient: "P", Scenario: "recall", Step: "first", Anchor: "2026-06-12", Class: class, State: dental.Skipped, Reason: "capped", EndedAt: noonOf(5, 12)}
	}
	own := func(at time.Time) func(*desk.Record) {
		return func(r *desk.Record) {
			r.Card.Touches = append(r.Card.Touches, dental.Touch{Clinic: "demo", Patient: "P", Scenario: "birthday", Step: "greeting", Anchor: "2026", Class: dental.Advertising,
				State: dental.Sent, Channel: dental.SMS, SentAt: at, EndedAt: at})
		}
	}
	family := func(patient string, class dental.Class, at time.Time) func(*desk.Record) {
		return func(r *desk.Record) {
			r.Contacts = []dental.Contact{{Key: "k", Recent: []dental.Recent{{Clinic: "demo", Patient: patient, Class: class, At: at}}}}
		}
	}
	for name, tt := range map[string]struct {
		class dental.Class
		was   []func(*desk.Record)
		want  string
	}{
		"the family, three days before":      {dental.Care, []func(*desk.Record){family("Q", dental.Care, noonOf(5, 9))}, "за 3 дня до этого уже писали семье"},
		"the family, the same day":           {dental.Care, []func(*desk.Record){family("Q", dental.Care, noonOf(5, 12).Add(-time.Hour))}, "в тот же день уже писали семье"},
		"the patient, yesterday":             {dental.Care, []func(*desk.Record){own(noonOf(5, 11))}, "за 1 день до этого уже ушло «С днём рождения»"},
		"both: the later one":                {dental.Care, []func(*desk.Record){own(noonOf(5, 11)), family("Q", dental.Care, noonOf(5, 8))}, "за 1 день до этого уже ушло «С днём рождения»"},
		"both: the family was the later":     {dental.Care, []func(*desk.Record){own(noonOf(5, 8)), family("Q", dental.Care, noonOf(5, 10))}, "за 2 дня до этого уже писали семье"},
		"a service message to the family":    {dental.Care, []func(*desk.Record){family("Q", dental.Service, noonOf(5, 9))}, "недавно уже писали, больше пока нельзя"},
		"the own claim on the phone":         {dental.Care, []func(*desk.Record){family("P", dental.Care, noonOf(5, 9))}, "недавно уже писали, больше пока нельзя"},
		"a care text, longer ago":            {dental.Care, []func(*desk.Record){own(noonOf(5, 1))}, "недавно уже писали, больше пока нельзя"},
		"an advertisement, within the month": {dental.Advertising, []func(*desk.Record){own(noonOf(5, 1))}, "за 11 дней до этого уже ушло «С днём рождения»"},
		"nothing that is known":              {dental.Care, nil, "недавно уже писали, больше пока нельзя"},
	} {
		t.Run(name, func(t *testing.T) {
			r := bareRecord()
			r.Card.Touches = []dental.Touch{skipped(tt.class)}
			for _, was := range tt.was {
				was(&r)
			}
			want := "Сообщение «Приглашение на контроль»: не отправлено, " + tt.want
			if got := desk.Timeline(r, locale.Russian, noonOf(5, 12))[0]; got.Text != want || got.When != "12 мая, 12:00" {
				t.Errorf("got  %s %q\nwant %q", got.When, got.Text, want)
			}
		})
	}
}

func TestNoCodeIsShownWhereWordsAreMeant(t *testing.T) {
	r := bareRecord()
	at := noonOf(5, 1)
	day := dental.Date{Year: 2026, Month: 5, Day: 1}
	c, n := r.Card, 0
	anchor := func() string { n++; return day.AddDays(n).String() }
	for _, state := range []dental.TouchState{dental.Held, dental.Planned, dental.Queued, dental.Claimed, dental.Sent, dental.Skipped, dental.Failed, dental.TouchCancelled, dental.Unknown} {
		for _, kind := range []dental.TaskKind{"", dental.CallTask} {
			for _, outcome := range []dental.Outcome{"", dental.Accepted, dental.Refused, dental.Deferred, dental.Lost, dental.Delivered, dental.Undelivered} {
				for _, ch := range dental.Channels() {
					a := dental.Attempt{ID: "a", Channel: ch, At: at, Outcome: outcome}
					c.Touches = append(c.Touches, dental.Touch{Clinic: "demo", Patient: "P", Scenario: "recall", Step: "first", Anchor: anchor(), Kind: kind, State: state, Reason: "booked",
						Due: at, Wake: at, SentAt: at, EndedAt: at, Attempts: []dental.Attempt{a, a}, Backlog: n%2 == 0})
				}
			}
		}
	}
	for _, sc := range r.Catalogue {
		for _, step := range sc.Steps {
			c.Touches = append(c.Touches, dental.Touch{Clinic: "demo", Patient: "P", Scenario: sc.Name, Step: step.Name, Anchor: anchor(), Kind: step.Task, State: dental.Skipped, Reason: "disputed", EndedAt: at})
		}
	}
	for _, status := range []dental.AppointmentStatus{dental.Booked, dental.Confirmed, dental.Cancelled, dental.Missed} {
		for _, reply := range []string{"", "confirm", "reschedule", "cancel", "callback"} {
			for _, doctor := range []string{"", "Ирина"} {
				c.Appointments = append(c.Appointments, dental.Appointment{ID: anchor(), Start: noonOf(6, 1), Status: status, BookedAt: at, ChangedAt: at, Reply: reply, ReplyFor: noonOf(6, 1), ReplyAt: at,
					Doctor: dental.Doctor{Name: doctor}})
			}
		}
	}
	for _, status := range []dental.StageStatus{dental.StagePlanned, dental.StageBooked, dental.StageDone, dental.StageCancelled} {
		c.Plans = append(c.Plans, dental.Plan{ID: anchor(), PresentedAt: at, Stages: []dental.Stage{{Name: "Коронка", Status: status, DoneAt: at}}})
	}
	for _, kind := range []dental.TaskKind{dental.CallTask, dental.PlanTask, dental.ConfirmTask, dental.ComplaintTask, dental.FeedbackTask, dental.RebookTask, dental.CallbackTask, dental.ContactTask, dental.LeadTask, dental.WakeTask, dental.UnknownTask} {
		for _, by := range []string{"", "Ольга"} {
			for _, content := range []string{"", "yes", "no"} {
				c.Tasks = append(c.Tasks, dental.Task{Kind: kind, Anchor: anchor(), Reason: "Позвоните.", OpenedAt: at, TakenAt: at, CalledAt: at, TriedAt: at, Tries: 2, ClosedAt: at, By: by, TakenBy: by,
					Outcome: "booked", Content: content, Decision: "решили"})
			}
		}
	}
	for _, reason := range dental.RefusalReasons() {
		c.Tasks = append(c.Tasks, dental.Task{Kind: dental.CallTask, Anchor: anchor(), OpenedAt: at, ClosedAt: at, Outcome: dental.PressRefused, Cause: string(reason)})
	}
	for _, cause := range dental.ComplaintCauses() {
		c.Tasks = append(c.Tasks, dental.Task{Kind: dental.ComplaintTask, Anchor: anchor(), OpenedAt: at, ClosedAt: at, Outcome: dental.PressClosed, Cause: string(cause)})
	}
	for _, kind := range []dental.BonusKind{dental.BonusReferral, dental.BonusGrant, dental.BonusSpent, dental.BonusReversed, dental.BonusFreeHygiene} {
		for _, by := range []string{"", "Ольга"} {
			c.Bonuses = append(c.Bonuses, dental.Bonus{Source: anchor(), Kind: kind, Amount: roubles(1), At: at, On: day, Until: day.AddDays(20), By: by})
		}
	}
	for _, action := range []dental.OfferAction{dental.BookOffer, dental.CallbackOffer, dental.LaterOffer, dental.NeverOffer, dental.RefuseOffer} {
		c.Responses = append(c.Responses, dental.Response{Scenario: "recall", Step: "first", Anchor: anchor(), Action: action, Weekday: "fri", Part: "evening", At: at, By: "Ольга", Cause: string(dental.RefusedPrice)})
	}
	for _, answer := range []dental.Answer{{Rating: dental.Good, NPS: 9}, {Rating: dental.Fair, NPS: -1}, {NPS: 3}, {NPS: -1, Comment: "да"}} {
		answer.Day, answer.At, answer.FirstAt, answer.Changes, answer.Maps = day, at, at, 2, []string{"2ГИС"}
		c.Answers = append(c.Answers, answer)
	}
	for _, source := range []string{"paper", "page", "one-click", "desk"} {
		for _, class := range desk.ConsentClasses() {
			for _, ch := range append(dental.Channels(), dental.StaffTask) {
				c.Patient.Consents = append(c.Patient.Consents, dental.Consent{Class: class, Channel: ch, Granted: n%2 == 0, At: at.Add(time.Duration(n) * time.Second), Source: source, Text: "v", By: "Ольга"})
				n++
			}
		}
	}
	for _, source := range []string{"stop", "one-click", "complaint"} {
		r.Contacts = append(r.Contacts, dental.Contact{Key: source, Crowded: true, Suppressed: "bounce", OptOuts: []dental.OptOut{{Class: dental.Care, At: at, Source: source}, {Class: dental.Reminders, At: at, Source: source}}})
	}
	c.Patient.NotMe = []string{"stop"}
	c.Gifts = []dental.GiftChoice{{Name: "Щётка", ChosenAt: at, Until: day, Code: "X"}, {Name: "Паста", ChosenAt: at, Until: day.AddDays(60), Code: "X"}, {Name: "Нить", ChosenAt: at, Until: day, RedeemedAt: at, Code: "X"}}
	c.Referrals = []dental.Referral{{Name: "Пётр", At: at}, {At: at, Friend: "F"}, {At: at, Rewarded: at}, {At: at, Rewarded: at, Reversed: at}}
	c.Payments = []dental.Payment{{Amount: roubles(5), At: at, Kind: dental.Paid, VisitID: "V"}, {Amount: roubles(2), At: at, Kind: dental.Refund, VisitID: "V"}}
	for _, kind := range dental.ProcedureKinds() {
		c.Visits = append(c.Visits, dental.Visit{ID: string(kind), FinishedAt: at, Day: day.AddDays(-1), Procedures: []dental.Procedure{{Kind: kind}}, Complex: true, ReturnDate: day.AddDays(40)})
	}
	c.Visits = append(c.Visits, dental.Visit{ID: "V", FinishedAt: at, Day: day, Receipt: roubles(5), Doctor: dental.Doctor{ID: "D", Name: "Ирина"}})
	for _, action := range []string{desk.PatientExcluded, desk.PatientIncluded, desk.DeathMarked, desk.DeathTakenBack, desk.DisputeMarked, desk.DisputeLifted, desk.PatientExported, desk.PatientErased,
		desk.BonusGranted, desk.BonusSpent, desk.HygieneRedeemed, desk.GiftRedeemed, desk.ConsentTaken} {
		for _, l := range locale.All() {
			if !l.Has("desk.log." + action) {
				t.Errorf("%v has no words for the action %s", l, action)
			}
		}
		r.Acts = append(r.Acts, dental.LogEntry{Action: action, At: at})
	}
	for _, k := range []desk.Relation{desk.Guardian, desk.Child, desk.SamePhone, desk.Inviter} {
		r.Kin = append(r.Kin, desk.Kin{Patient: dental.Patient{ID: "Q"}, As: k})
	}
	c.Patient.Phone, c.Patient.Landline, c.Patient.Stub, c.Patient.Excluded, c.Patient.Disputed = "+74950000001", true, true, true, true
	c.Milestones = []dental.Milestone{{Kind: dental.ReturnPoint, Date: day.AddDays(90)}}
	for _, l := range locale.All() {
		entries := desk.Timeline(r, l, noonOf(5, 12))
		if len(entries) < 300 {
			t.Fatalf("only %d entries were made", len(entries))
		}
		texts := []string{head(desk.Top(r, l, noonOf(5, 12)))}
		for _, e := range entries {
			texts = append(append(append(texts, e.Text, e.When), e.Notes...), string(e.Kind))
			if e.Text == "" || e.When == "" {
				t.Errorf("%v: an entry says nothing: %+v", l, e)
			}
		}
		for _, s := range desk.Says(r, l, noonOf(5, 12)) {
			texts = append(texts, s.Name, s.State, s.Proof)
		}
		for _, s := range []dental.PatientStatus{dental.Archived, dental.Moved, dental.Deceased} {
			c.Patient.Status = s
			texts = append(texts, head(desk.Top(r, l, noonOf(5, 12))))
		}
		c.Patient.Phone, c.Patient.PhoneIssue, c.Patient.Status = "", "malformed", dental.Active
		texts = append(texts, head(desk.Top(r, l, noonOf(5, 12))))
		for _, text := range texts {
			for _, code := range []string{"desk.", "reason.", "kind.", "channel.", "class.", "answer.", "part.", "procedure.", "bonus.", "{", "}", "  ", " ,", ", ,", "«»", "“”"} {
				if strings.Contains(text, code) {
					t.Errorf("%v: %q has %q in it", l, text, code)
				}
			}
		}
	}
}

func TestAConsentStandsAgainstARefusalThatIsOlder(t *testing.T) {
	early, late := noonOf(5, 1), noonOf(5, 2)
	for name, tt := range map[string]struct {
		consents []dental.Consent
		optOuts  []dental.OptOut
		explicit bool
		class    dental.Class
		granted  bool
		proof    string
	}{
		"nothing said of advertising":     {nil, nil, false, dental.Advertising, false, "решения пациента нет, по умолчанию"},
		"nothing said of care":            {nil, nil, false, dental.Care, true, "решения пациента нет, по умолчанию"},
		"nothing said, and care is asked": {nil, nil, true, dental.Care, false, "решения пациента нет, по умолчанию"},
		"nothing said of reminders":       {nil, nil, true, dental.Reminders, true, "решения пациента нет, по умолчанию"},
		"consented": {[]dental.Consent{{Class: dental.Advertising, Channel: dental.SMS, Granted: true, At: early, Source: "paper", Text: "7", By: "Ольга"}}, nil, false, dental.Advertising, true,
			"1 мая, на бумаге, форма 7, записано: Ольга"},
		"consented on a paper without a number": {[]dental.Consent{{Class: dental.Advertising, Channel: dental.SMS, Granted: true, At: early, Source: "paper", Text: desk.WordingOfPaper, By: "Ольга"}}, nil, false, dental.Advertising, true,
			"1 мая, на бумаге, записано: Ольга"},
		"consented on the page": {[]dental.Consent{{Class: dental.Advertising, Channel: dental.SMS, Granted: true, At: early, Source: "page", Text: "page-2026-11"}}, nil, false, dental.Advertising, true,
			"1 мая, на странице пациента, форма на сайте, ноябрь 2026"},
		"refused": {[]dental.Consent{{Class: dental.Care, Channel: dental.SMS, At: early, Source: "page"}}, nil, false, dental.Care, false, "1 мая, на странице пациента"},
		"STOP after the consent": {[]dental.Consent{{Class: dental.Care, Channel: dental.SMS, Granted: true, At: early, Source: "paper"}}, []dental.OptOut{{Class: dental.Care, At: late, Source: "stop"}}, false,
			dental.Care, false, "отказ 2 мая, ответ СТОП"},
		"a consent after STOP": {[]dental.Consent{{Class: dental.Care, Channel: dental.SMS, Granted: true, At: late, Source: "paper"}}, []dental.OptOut{{Class: dental.Care, At: early, Source: "stop"}}, false,
			dental.Care, true, "2 мая, на бумаге"},
		"a source from the future": {[]dental.Consent{{Class: dental.Care, Channel: dental.SMS, Granted: true, At: late, Source: "telepathy"}}, nil, false, dental.Care, true, "2 мая, telepathy"},
	} {
		t.Run(name, func(t *testing.T) {
			r := bareRecord()
			if r.Card.Patient.Consents, r.Contacts = tt.consents, []dental.Contact{{Key: "k", OptOuts: tt.optOuts}}; tt.explicit {
				r.Clinic.CareConsent = dental.Explicit
			}
			for _, s := range desk.Says(r, locale.Russian, noonOf(5, 12)) {
				if s.Class == tt.class && s.Channel == dental.SMS && (s.Granted != tt.granted || s.Proof != tt.proof || s.State != map[bool]string{true: "да", false: "нет"}[tt.granted]) {
					t.Errorf("it is %+v, want %t by %q", s, tt.granted, tt.proof)
				}
			}
		})
	}
}

func TestACardNamesTheFamilyOnItsPhoneAndWhoAnswersForAChild(t *testing.T) {
	r := newReception(t)
	r.Patient("P")
	r.Patient("H", func(c *intake.Card) { c.GivenName = "Пётр" })
	r.Patient("C", func(c *intake.Card) {
		c.GivenName, c.Number, c.Mail, c.GuardianID, c.BirthDate = "Вера", "", "", "P", dental.Date{Year: 2018, Month: 1, Day: 1}
	})
	r.Patient("S", func(c *intake.Card) { c.GivenName, c.Number = "Чужой", "+79160000099" })
	for patient, want := range map[string]string{
		"P": "C Петрова Вера, ребёнок; H Петрова Пётр, тот же телефон",
		"C": "P Петрова Анна, отвечает за ребёнка",
		"S": "",
	} {
		var got []string
		for _, k := range desk.Top(r.read(patient), locale.Russian, r.Now()).Kin {
			got = append(got, k.ID+" "+k.Text)
		}
		if joined := strings.Join(slices.Sorted(slices.Values(got)), "; "); joined != want {
			t.Errorf("%s has %q, want %q", patient, joined, want)
		}
	}
}

func TestNothingLiesAheadForWhoIsGone(t *testing.T) {
	r := newReception(t)
	r.Patient("P")
	r.Visit("V", "P", r.Now().Add(-48*time.Hour))
	ahead := func() (n int) {
		for _, e := range desk.Timeline(r.read("P"), locale.Russian, r.Now()) {
			if e.Ahead && e.Kind == desk.OfMessages {
				n++
			}
		}
		return n
	}
	if ahead() == 0 {
		t.Fatal("there is nothing ahead of anybody: the test looks at nothing")
	}
	r.does(r.cards.Exclude(t.Context(), olga("P"), true, r.Now()))
	if n := ahead(); n != 0 {
		t.Errorf("%d messages lie ahead", n)
	}
}
