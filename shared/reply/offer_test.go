package reply_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/intake"
	"github.com/returnpoint/returnpoint/shared/locale"
	"github.com/returnpoint/returnpoint/shared/reply"
	"github.com/returnpoint/returnpoint/shared/stagetest"
	"github.com/returnpoint/returnpoint/shared/store"
)

// recalled is a stage on which P, last seen on 10 March, has the first recall
// of 10 August to a check-up by 10 September, and its token.
func recalled(t *testing.T, change ...func(*dental.Clinic)) (*stagetest.Stage, string) {
	t.Helper()
	s := stagetest.New(t, start, change...)
	s.Patient("P", func(c *intake.Card) { c.BirthDate = dental.Date{} })
	s.Visit("V", "P", start)
	s.ToLocal("2026-08-10 12:00")
	return s, s.Token("P", dental.OfferLink)
}

func taps(t *testing.T, s *stagetest.Stage, token string, action dental.OfferAction) {
	t.Helper()
	respond(t, s, token, reply.ResponseForm{Action: action})
}

func respond(t *testing.T, s *stagetest.Stage, token string, form reply.ResponseForm) {
	t.Helper()
	if err := s.Desk.Respond(t.Context(), token, form, s.Now()); err != nil {
		t.Fatal(err)
	}
}

func offer(t *testing.T, s *stagetest.Stage, token string) reply.Offer {
	t.Helper()
	page, err := s.Desk.Offer(t.Context(), token, s.Now())
	if err != nil {
		t.Fatal(err)
	}
	return page
}

// touches lists a patient's touches of a scenario as "step state reason".
func touches(s *stagetest.Stage, patient, scenario string) []string {
	var out []string
	for _, t := range s.Card(patient).Touches {
		if t.Scenario == scenario {
			out = append(out, strings.TrimSpace(t.Step+" "+string(t.State)+" "+t.Reason))
		}
	}
	slices.Sort(out)
	return out
}

func TestAPageInvitesToWhatItsMessageDid(t *testing.T) {
	s, token := recalled(t)
	page := offer(t, s, token)
	if page.Doctor.Name != "Ирина Соколова" || page.Left || page.Minutes != 30 || page.Kind != dental.Hygiene || page.ComeBy.String() != "2026-09-10" {
		t.Errorf("the page is %+v", page.Offer)
	}
	if page.Benefit != (dental.Benefit{}) {
		t.Errorf("a recall offers %+v: care has no price", page.Benefit)
	}
	if page.Response != nil || page.Answered() != "" || !page.Bookable() || page.Over != "" {
		t.Errorf("before the first word it is %+v", page)
	}
	if want := []string{"mon", "tue", "wed", "thu", "fri", "sat"}; !slices.Equal(page.Weekdays, want) || len(page.Parts) != 3 {
		t.Errorf("wishes are %v and %v", page.Weekdays, page.Parts)
	}
}

func TestAnAdvertisementsPageHasTheBenefitAndTheLastDayOfItsMessage(t *testing.T) {
	s := stagetest.New(t, start, func(cl *dental.Clinic) { cl.Scenarios["recall"] = dental.ScenarioSettings{} })
	s.Patient("P", func(c *intake.Card) { c.BirthDate = dental.Date{} })
	s.Visit("V", "P", start)
	s.ToLocal("2026-09-12 12:00")
	sent := s.SentAs("sleeping-6", "offer")
	if len(sent) != 1 {
		t.Fatalf("%d offers left: %v", len(sent), touches(s, "P", "sleeping-6"))
	}
	page := offer(t, s, s.Token("P", dental.OfferLink))
	if page.Benefit != (dental.Benefit{Kind: dental.Discount, Percent: 10}) || page.Expired(s.Now()) {
		t.Errorf("the benefit is %+v until %v", page.Benefit, page.Until)
	}
	if day := locale.Russian.Day(page.Until); !strings.Contains(sent[0].Text, "до "+day) {
		t.Errorf("the page says until %s, the message %q", day, sent[0].Text)
	}
	s.Set(page.Until.At(23*60, s.Clinic.Location()))
	if offer(t, s, s.Token("P", dental.OfferLink)).Expired(s.Now()) {
		t.Error("the benefit is over on its last day")
	}
	s.Set(page.Until.AddDays(1).At(0, s.Clinic.Location()))
	if page := offer(t, s, s.Token("P", dental.OfferLink)); !page.Expired(s.Now()) || !page.Bookable() {
		t.Errorf("the day after, the benefit stands: %t, it can be booked: %t", !page.Expired(s.Now()), page.Bookable())
	}
}

func TestWhomTheClinicSetsABenefitOfItsOwnOrAnImplantIsStillToBeDone(t *testing.T) {
	for _, tt := range []struct {
		name string
		own  dental.Benefit
		plan bool
		want dental.Benefit
	}{
		{"the clinic's benefit counts above the catalogue's", dental.Benefit{Kind: dental.GiftService, Name: "Ирригатор"}, false, dental.Benefit{Kind: dental.GiftService, Name: "Ирригатор"}},
		{"before an implant the examination is free", dental.Benefit{Kind: dental.Discount, Percent: 20}, true, dental.Benefit{Kind: dental.FreeService}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := stagetest.New(t, start, func(cl *dental.Clinic) {
				for _, off := range []string{"recall", "plan"} {
					cl.Scenarios[off] = dental.ScenarioSettings{}
				}
				cl.Scenarios["sleeping-6"] = dental.ScenarioSettings{On: true, Release: dental.ReleaseAuto, Benefit: tt.own}
			})
			s.Patient("P", func(c *intake.Card) { c.BirthDate = dental.Date{} })
			s.Visit("V", "P", start)
			if tt.plan {
				s.Tell(intake.Event{Type: intake.PlanUpdated, Plan: &dental.Plan{Clinic: "demo", Patient: "P", ID: "L", PresentedAt: start,
					Stages: []dental.Stage{{ID: "1", Name: "Имплантация", Kind: dental.Implant, Status: dental.StagePlanned}}, Source: dental.Source{Version: 1, Body: "l"}}})
			}
			s.ToLocal("2026-09-12 12:00")
			if page := offer(t, s, s.Token("P", dental.OfferLink)); page.Benefit != tt.want {
				t.Errorf("the benefit is %+v", page.Benefit)
			}
		})
	}
}

func TestEachAnswerEndsWhatWasStillToComeOfTheRecall(t *testing.T) {
	for _, tt := range []struct {
		action   dental.OfferAction
		reason   string // of the second message
		callback bool
	}{
		{dental.BookOffer, "answered", true},
		{dental.CallbackOffer, "answered", true},
		{dental.LaterOffer, "later", false},
		{dental.NeverOffer, "never", false},
	} {
		t.Run(string(tt.action), func(t *testing.T) {
			s, token := recalled(t)
			s.ToLocal("2026-08-27 10:00") // the second message is planned for this day
			taps(t, s, token, tt.action)
			r := s.Card("P").Responses
			if len(r) != 1 || r[0].Action != tt.action || r[0].Scenario != "recall" || r[0].Anchor != "2026-09-10" || r[0].Step != "first" || r[0].Touch != s.Touch("P", "recall", "first").ID() ||
				!r[0].At.Equal(s.Now()) || !r[0].FirstAt.Equal(s.Now()) || r[0].On.String() != "2026-08-27" {
				t.Fatalf("stored is %+v", r)
			}
			tasks := s.Tasks("P", dental.CallbackTask)
			if (len(tasks) == 1) != tt.callback {
				t.Fatalf("tasks: %+v", tasks)
			}
			if tt.callback && (tasks[0].Anchor != "recall.2026-09-10" || tasks[0].Scenario != "recall" || at(s, tasks[0].Due) != "2026-08-27 11:00" || !strings.Contains(tasks[0].Reason, "Приглашение на контроль")) {
				t.Errorf("the task is %+v, due %s", tasks[0], at(s, tasks[0].Due))
			}
			before := s.Card("P").Patient.Changes
			s.Set(s.Now().Add(time.Minute))
			taps(t, s, token, tt.action)
			if after := s.Card("P"); after.Patient.Changes != before || !after.Responses[0].At.Equal(r[0].At) {
				t.Error("the same again was a change")
			}
			s.ToLocal("2026-09-09 10:00")
			if n := len(s.SentAs("recall", "second")); n != 0 {
				t.Error("the second message left all the same")
			}
			if touch := s.Touch("P", "recall", "second"); touch.Reason != tt.reason {
				t.Errorf("the second message is %s (%s), want %s", touch.State, touch.Reason, tt.reason)
			}
			if n := len(s.Tasks("P", dental.CallTask)); n != 0 {
				t.Errorf("%d calls", n)
			}
		})
	}
}

func TestAnAnswerClosesTheCallThatIsOpen(t *testing.T) {
	for action, outcome := range map[dental.OfferAction]string{dental.BookOffer: "answered", dental.CallbackOffer: "answered", dental.LaterOffer: "later", dental.NeverOffer: "never"} {
		t.Run(string(action), func(t *testing.T) {
			s, token := recalled(t)
			s.ToLocal("2026-09-03 11:00")
			if n := len(s.Tasks("P", dental.CallTask)); n != 1 {
				t.Fatalf("%d calls are open, want 1: %v", n, touches(s, "P", "recall"))
			}
			taps(t, s, token, action)
			if k := s.Card("P").Task(dental.CallTask, "2026-09-10"); k.Open() || k.Outcome != outcome {
				t.Errorf("the call is %+v", k)
			}
		})
	}
}

func TestABookingAndAVisitCloseWhatStaffWereToDoAboutAnOffer(t *testing.T) {
	for _, tt := range []struct {
		name    string
		happens func(*stagetest.Stage)
		outcome string
	}{
		{"a booking", func(s *stagetest.Stage) {
			s.Appointment(intake.AppointmentBooked, "A", "P", s.Local("2026-09-20 12:00"))
		}, "booked"},
		{"a visit", func(s *stagetest.Stage) { s.Visit("V2", "P", s.Now()) }, "attended"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, token := recalled(t)
			taps(t, s, token, dental.BookOffer)
			s.Set(s.Now().Add(time.Hour))
			tt.happens(s)
			s.To(s.Now().Add(time.Hour))
			if k := s.Card("P").Task(dental.CallbackTask, "recall.2026-09-10"); k.Open() || k.Outcome != tt.outcome {
				t.Errorf("the callback is %+v", k)
			}
		})
	}
}

func TestACallAskedForWithAnAppointmentInHandIsNotSettledByIt(t *testing.T) {
	s, token := recalled(t)
	s.Appointment(intake.AppointmentBooked, "A", "P", s.Local("2026-09-20 12:00"), func(a *dental.Appointment) { a.BookedAt = s.Now() })
	s.Set(s.Now().Add(time.Hour))
	taps(t, s, token, dental.CallbackOffer)
	s.Patient("P", func(c *intake.Card) { c.FamilyName = "Иванова" }) // any further fact
	if n := len(s.Tasks("P", dental.CallbackTask)); n != 1 {
		t.Fatalf("%d callbacks are open, want 1", n)
	}
	s.Set(s.Now().Add(time.Hour))
	s.Appointment(intake.AppointmentBooked, "B", "P", s.Local("2026-09-18 12:00"), func(a *dental.Appointment) { a.BookedAt = s.Now() })
	if n := len(s.Tasks("P", dental.CallbackTask)); n != 0 {
		t.Errorf("%d callbacks are open after what was arranged since", n)
	}
}

func TestTheLastWordCounts(t *testing.T) {
	s, token := recalled(t)
	taps(t, s, token, dental.BookOffer)
	s.Set(s.Now().Add(24 * time.Hour))
	taps(t, s, token, dental.LaterOffer)
	if k := s.Card("P").Task(dental.CallbackTask, "recall.2026-09-10"); k.Open() || k.Outcome != "later" {
		t.Errorf("the callback after a later: %+v", k)
	}
	if r := s.Card("P").Responses[0]; r.Action != dental.LaterOffer || !r.FirstAt.Equal(s.Now()) {
		t.Errorf("the response is %+v: a later counts its days from when it was said", r)
	}
	s.Set(s.Now().Add(24 * time.Hour))
	taps(t, s, token, dental.NeverOffer)
	taps(t, s, token, dental.CallbackOffer)
	if n := len(s.Tasks("P", dental.CallbackTask)); n != 1 {
		t.Errorf("%d callbacks after a change of mind", n)
	}
	taps(t, s, token, dental.NeverOffer)
	if n := len(s.Tasks("P", dental.CallbackTask)); n != 0 {
		t.Errorf("%d callbacks after a never", n)
	}
	if n := len(s.Card("P").Responses); n != 1 {
		t.Errorf("%d responses are stored", n)
	}
}

func TestALaterIsOfferedAgainInThirtyDaysOnce(t *testing.T) {
	s, token := recalled(t)
	taps(t, s, token, dental.LaterOffer)
	if page := offer(t, s, token); at(s, page.Again) != "2026-09-09 11:00" || page.Answered() != dental.LaterOffer {
		t.Errorf("the page promises it for %s", at(s, page.Again))
	}
	if touch := s.Touch("P", "recall", "again"); touch.State != dental.Planned || at(s, touch.Due) != "2026-09-09 11:00" {
		t.Errorf("at once it is %s for %s", touch.State, at(s, touch.Due))
	}
	s.ToLocal("2026-09-09 12:00")
	if n := len(s.SentAs("recall", "again")); n != 1 {
		t.Fatalf("%d left: %v", n, touches(s, "P", "recall"))
	}
	second := s.Token("P", dental.OfferLink)
	if second == token {
		t.Fatal("the second invitation has the link of the first")
	}
	if page := offer(t, s, second); page.Answered() != "" || !page.Again.IsZero() {
		t.Errorf("the second invitation is taken for answered by the %q that brought it about", page.Answered())
	}
	taps(t, s, second, dental.LaterOffer)
	if r := s.Card("P").Responses[0]; r.Step != "again" || !r.At.Equal(s.Now()) || at(s, r.FirstAt) != "2026-08-10 12:00" {
		t.Errorf("the response is %+v", r)
	}
	if page := offer(t, s, second); page.Answered() != dental.LaterOffer || !page.Again.IsZero() {
		t.Errorf("after it the page promises %v", page.Again)
	}
	s.ToLocal("2027-01-10 12:00")
	if n := len(s.SentAs("recall", "again")); n != 1 {
		t.Errorf("it was offered again %d times", n)
	}
}

func TestANeverEndsRecallAndNothingElse(t *testing.T) {
	s, token := recalled(t)
	taps(t, s, token, dental.NeverOffer)
	s.ToLocal("2026-08-20 12:00")
	s.Visit("V2", "P", s.Now())
	s.ToLocal("2027-06-01 12:00")
	var left []string
	for _, m := range s.Sent() {
		if m.At.After(s.Local("2026-08-10 12:00")) && !slices.Contains(left, m.Touch.Scenario) {
			left = append(left, m.Touch.Scenario)
		}
	}
	if slices.Contains(left, "recall") || !slices.Contains(left, "after-visit") || !slices.Contains(left, "sleeping-6") {
		t.Errorf("after a never to recall there left %v", left)
	}
}

func TestAnOfferCannotBeBookedTwiceOver(t *testing.T) {
	s, token := recalled(t)
	s.Appointment(intake.AppointmentBooked, "A", "P", s.Local("2026-09-20 12:00"))
	if page := offer(t, s, token); page.Next == nil || page.Next.ID != "A" || page.Bookable() {
		t.Errorf("with an appointment the page is %+v", page)
	}
	for _, action := range []dental.OfferAction{dental.BookOffer, dental.LaterOffer} {
		if err := s.Desk.Respond(t.Context(), token, reply.ResponseForm{Action: action}, s.Now()); dental.KindOf(err) != dental.Conflict {
			t.Errorf("%s with an appointment: %v", action, err)
		}
	}
	taps(t, s, token, dental.NeverOffer)
	taps(t, s, token, dental.CallbackOffer)
	s.ToLocal("2026-08-12 12:00")
	s.Visit("V2", "P", s.Now())
	s.Appointment(intake.AppointmentCancelled, "A", "P", s.Local("2026-09-20 12:00"))
	if page := offer(t, s, token); page.Over != "attended" || page.Bookable() {
		t.Errorf("after the visit the offer is over: %q", page.Over)
	}
}

func TestAnOfferIsOutOfDateWhenItsDateHasMovedWithoutAVisit(t *testing.T) {
	s, token := recalled(t)
	s.Visit("V", "P", start, func(v *dental.Visit) { v.ReturnDate = dental.Date{Year: 2027, Month: 1, Day: 15} })
	if page := offer(t, s, token); page.Over != "superseded" {
		t.Errorf("the offer is %q", page.Over)
	}
}

func TestWishesReachTheStaffWithTheOffer(t *testing.T) {
	s := stagetest.New(t, start, func(cl *dental.Clinic) { cl.Scenarios["recall"] = dental.ScenarioSettings{} })
	s.Patient("P", func(c *intake.Card) { c.BirthDate, c.Language = dental.Date{}, "en" })
	s.Visit("V", "P", start)
	s.ToLocal("2026-09-12 12:00")
	token := s.Token("P", dental.OfferLink)
	respond(t, s, token, reply.ResponseForm{Action: dental.BookOffer, Weekday: "fri", Part: reply.Evening})
	task := s.Tasks("P", dental.CallbackTask)[0]
	until := locale.Russian.DayYear(offer(t, s, token).Until)
	if want := "Удобное время: пятница, вечер.\nПредложение: скидка 10\u00a0%, действует до " + until + "."; task.Note != want {
		t.Errorf("the note is %q, want %q", task.Note, want)
	}
	first := s.Card("P").Responses[0]
	s.Set(s.Now().Add(time.Minute))
	respond(t, s, token, reply.ResponseForm{Action: dental.BookOffer, Part: reply.Morning})
	r := s.Card("P").Responses[0]
	if r.Weekday != "" || r.Part != "morning" || !r.FirstAt.Equal(first.FirstAt) || !r.At.Equal(s.Now()) {
		t.Errorf("other wishes: %+v", r)
	}
	if changed := s.Tasks("P", dental.CallbackTask)[0]; !strings.Contains(changed.Note, "утро.") || !changed.Due.Equal(task.Due) {
		t.Errorf("the task is %+v", changed)
	}
	respond(t, s, token, reply.ResponseForm{Action: dental.LaterOffer, Weekday: "fri"})
	if r := s.Card("P").Responses[0]; r.Weekday != "" {
		t.Errorf("a later has the weekday %q", r.Weekday)
	}
}

func TestWhatThePageDoesNotOfferIsRefused(t *testing.T) {
	s, token := recalled(t, func(cl *dental.Clinic) {
		for _, day := range []string{"mon", "wed"} {
			cl.Opening[day] = dental.Span{From: 9 * 60, To: 12 * 60}
		}
		for _, day := range []string{"tue", "thu", "fri", "sat"} {
			delete(cl.Opening, day)
		}
	})
	if page := offer(t, s, token); !slices.Equal(page.Weekdays, []string{"mon", "wed"}) || !slices.Equal(page.Parts, []string{"morning"}) {
		t.Errorf("wishes are %v and %v", page.Weekdays, page.Parts)
	}
	for _, tt := range []struct {
		form  reply.ResponseForm
		field string
	}{
		{reply.ResponseForm{}, "action"},
		{reply.ResponseForm{Action: "sleep"}, "action"},
		{reply.ResponseForm{Action: dental.BookOffer, Weekday: "sun"}, "weekday"},
		{reply.ResponseForm{Action: dental.BookOffer, Weekday: "fri"}, "weekday"},
		{reply.ResponseForm{Action: dental.BookOffer, Weekday: "someday"}, "weekday"},
		{reply.ResponseForm{Action: dental.BookOffer, Part: "evening"}, "part"},
		{reply.ResponseForm{Action: dental.BookOffer, Part: "night"}, "part"},
		{reply.ResponseForm{Action: dental.BookOffer, Online: true}, "online"},
		{reply.ResponseForm{Action: dental.LaterOffer, Online: true}, "online"},
	} {
		err := s.Desk.Respond(t.Context(), token, tt.form, s.Now())
		if dental.KindOf(err) != dental.Invalid || !strings.Contains(err.Error(), tt.field) {
			t.Errorf("%+v: %v, want something wrong with %s", tt.form, err, tt.field)
		}
	}
	if n := len(s.Card("P").Responses); n != 0 {
		t.Errorf("%d responses are stored", n)
	}
}

func TestAWayToTheBookingPageIsAWishThatStaffLookAfter(t *testing.T) {
	s, token := recalled(t, func(cl *dental.Clinic) { cl.BookingURL = "https://booking.example.com/" })
	respond(t, s, token, reply.ResponseForm{Action: dental.BookOffer, Online: true})
	if r := s.Card("P").Responses; len(r) != 1 || r[0].Action != dental.BookOffer {
		t.Errorf("stored is %+v", r)
	}
	if tasks := s.Tasks("P", dental.CallbackTask); len(tasks) != 1 || !strings.Contains(tasks[0].Reason, "онлайн") {
		t.Errorf("the tasks are %+v", tasks)
	}
	s.Appointment(intake.AppointmentBooked, "A", "P", s.Local("2026-09-20 12:00"))
	if tasks := s.Tasks("P", dental.CallbackTask); len(tasks) != 0 {
		t.Errorf("after the booking the tasks are %+v", tasks)
	}
}

func TestADoctorWhoHasLeftIsNotExpectingAnybody(t *testing.T) {
	s, token := recalled(t)
	s.Settings(func(cl *dental.Clinic) { cl.FormerDoctors = []string{"D-3"} })
	if page := offer(t, s, token); !page.Left || page.Portrait {
		t.Errorf("the doctor has left: %t, with a picture: %t", page.Left, page.Portrait)
	}
}

func TestOfferGiftAndClubLinksOpenNothingElse(t *testing.T) {
	s, token := recalled(t)
	ctx := t.Context()
	survey := s.Token("P", dental.SurveyLink)
	opens := map[string]func(token string) error{
		"offer": func(token string) error { _, err := s.Desk.Offer(ctx, token, s.Now()); return err },
		"respond": func(token string) error {
			return s.Desk.Respond(ctx, token, reply.ResponseForm{Action: "book"}, s.Now())
		},
		"gift":   func(token string) error { _, err := s.Desk.Gift(ctx, token, s.Now()); return err },
		"choose": func(token string) error { return s.Desk.ChooseGift(ctx, token, "brush", s.Now()) },
		"club":   func(token string) error { _, err := s.Desk.Club(ctx, token, s.Now()); return err },
	}
	for name, open := range opens {
		for _, other := range []string{"", "AAAAAAAAAAAAAAAA", survey, token[:15], token + "x", strings.Repeat("я", 8)} {
			if err := open(other); dental.KindOf(err) != dental.NotFound {
				t.Errorf("%s by %q: %v", name, other, err)
			}
		}
		if err := open(token); name != "offer" && name != "respond" && dental.KindOf(err) != dental.NotFound {
			t.Errorf("%s by an offer's token: %v", name, err)
		}
	}
	s.Set(s.Now().Add(61 * 24 * time.Hour))
	for _, name := range []string{"offer", "respond"} {
		if err := opens[name](token); dental.KindOf(err) != dental.NotFound {
			t.Errorf("%s by an expired token: %v", name, err)
		}
	}
}

// grant puts a link on the table, as a message that carries it does, and returns its token.
func grant(t *testing.T, s *stagetest.Stage, l dental.Link) string {
	t.Helper()
	l.Clinic = "demo"
	token := s.Store.Token(l)
	l.Hash = store.TokenHash(token)
	tx := s.Store.Begin()
	tx.Put(l)
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	return token
}

func TestThreeThousandLooksAtThePagesLeaveTheTableAlone(t *testing.T) {
	s, token := recalled(t, gifts)
	taps(t, s, token, dental.BookOffer)
	until := s.Now().Add(24 * time.Hour)
	gift := grant(t, s, dental.Link{Purpose: dental.GiftLink, Patient: "P", Subject: dental.OfferSubject("birthday", "greeting", "2026"), Expires: until})
	choose(t, s, gift, "paste")
	club := grant(t, s, dental.Link{Purpose: dental.ClubLink, Patient: "P", Expires: until})
	grant(t, s, dental.Link{Purpose: dental.ReferralLink, Patient: "P"})
	locked := stagetest.Join(s, readOnly{s.Table}).Desk
	for range 1000 {
		_, err := locked.Offer(t.Context(), token, s.Now())
		_, giftErr := locked.Gift(t.Context(), gift, s.Now())
		_, clubErr := locked.Club(t.Context(), club, s.Now())
		if err := errors.Join(err, giftErr, clubErr); err != nil {
			t.Fatal(err)
		}
	}
}
