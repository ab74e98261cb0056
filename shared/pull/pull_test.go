package pull_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/intake"
	"github.com/returnpoint/returnpoint/shared/outreach"
	"github.com/returnpoint/returnpoint/shared/pull"
	"github.com/returnpoint/returnpoint/shared/reply"
	"github.com/returnpoint/returnpoint/shared/stagetest"
	"github.com/returnpoint/returnpoint/shared/store"
	"github.com/returnpoint/returnpoint/shared/table/tabletest"
)

// office is a system of record behind an API: pages of what has changed, objects
// by their ids, and what it was told. It stands in the place of YCLIENTS.
type office struct {
	mu      sync.Mutex
	pages   [][]intake.Object
	objects map[string][]intake.Object
	asked   []string // the cursors that it was asked with
	fetched []string
	told    []string
	during  func()               // happens while Changed is asked
	fail    error                // of Changed and Fetch
	unseen  map[string]error     // of Fetch, by the object's id
	answer  func(call int) error // of Confirm
}

func (o *office) Changed(_ context.Context, _ *dental.Clinic, _ dental.Account, cursor string, _ time.Time) (pull.Page, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.asked = append(o.asked, cursor)
	if o.during != nil {
		o.during()
	}
	if o.fail != nil {
		return pull.Page{}, o.fail
	}
	n := 0
	if _, err := fmt.Sscanf(cursor, "page-%d", &n); err != nil && cursor != "" {
		return pull.Page{}, dental.Errorf(dental.Invalid, "", "a cursor of somebody else")
	}
	if n >= len(o.pages) {
		return pull.Page{Cursor: cursor}, nil
	}
	return pull.Page{Objects: o.pages[n], Cursor: fmt.Sprintf("page-%d", n+1), More: n+1 < len(o.pages)}, nil
}

func (o *office) Fetch(_ context.Context, _ *dental.Clinic, _ dental.Account, ref intake.Ref, _ time.Time) ([]intake.Object, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.fetched = append(o.fetched, ref.Kind+" "+ref.ID)
	return o.objects[ref.ID], errors.Join(o.fail, o.unseen[ref.ID])
}

func (o *office) Confirm(_ context.Context, _ *dental.Clinic, _ dental.Account, a dental.Appointment, action string) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.told = append(o.told, action+" "+a.ID)
	if o.answer != nil {
		return o.answer(len(o.told))
	}
	return nil
}

// card and record are two kinds of its objects.
func card(id string) intake.Object {
	return intake.Object{System: dental.YClients, Kind: "client", ID: id, Version: 1, Body: "card",
		Facts: []intake.Event{{Type: intake.PatientUpdated, Card: &intake.Card{Number: "+79160000001",
			Patient: dental.Patient{ID: id, GivenName: "Анна", FamilyName: "Петрова", Language: "ru", Status: dental.Active}}}}}
}

func record(id, patient string, start time.Time, version int64) intake.Object {
	return intake.Object{System: dental.YClients, Kind: "record", ID: id, Version: version, Body: fmt.Sprint("record", version),
		Facts: []intake.Event{{Type: intake.AppointmentBooked, Appointment: &dental.Appointment{Clinic: "demo", Patient: patient, ID: id, Start: start,
			End: start.Add(time.Hour), Status: dental.Booked}}}}
}

func visit(id, patient string, finished time.Time) intake.Object {
	return intake.Object{System: dental.YClients, Kind: "visit", ID: id, Version: 1, Body: "visit",
		Facts: []intake.Event{{Type: intake.VisitCompleted, Visit: &dental.Visit{Clinic: "demo", Patient: patient, ID: id, FinishedAt: finished,
			Procedures: []dental.Procedure{{Name: "Гигиена", Kind: dental.Hygiene}}}}}}
}

// scene is a stage with an office beside it.
type scene struct {
	*stagetest.Stage
	office   *office
	puller   *pull.Puller
	listener *pull.Listener
	queue    *queue
}

type queue struct{ bodies []string }

func (q *queue) Enqueue(_ context.Context, bodies ...string) error {
	q.bodies = append(q.bodies, bodies...)
	return nil
}

// connected is the account of a clinic that has given the keys to its system.
func connected(c *dental.Clinic) {
	c.Accounts = map[string]dental.Account{dental.YClients: {Settings: map[string]string{"company": "1"},
		Secrets: map[string]dental.Secret{dental.CallbackSecret: "path-secret-example", "user": "token"}}}
}

func play(t *testing.T, s *stagetest.Stage) *scene {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	sc := &scene{Stage: s, office: &office{objects: map[string][]intake.Object{}}, queue: &queue{}}
	sc.puller = &pull.Puller{Store: s.Store, Catalogue: s.Catalogue, Systems: map[string]pull.System{dental.YClients: sc.office},
		Opens: func(_ string, a dental.Account) bool { return a.Secrets["user"] != "" }, Learn: s.Intake.Learn,
		Queue: sc.queue, Clock: s.Now, Log: log}
	sc.listener = &pull.Listener{Store: s.Store, Learn: s.Intake.Learn}
	s.Dispatch.Others = map[string]outreach.Queue{store.FetchJob: sc.queue, store.AnswerJob: sc.queue}
	return sc
}

func newScene(t *testing.T) *scene {
	t.Helper()
	return play(t, stagetest.New(t, time.Date(2026, 3, 10, 12, 0, 0, 0, time.FixedZone("MSK", 3*3600)), connected))
}

// tick runs the schedule, then everything that is in the queue.
func (s *scene) tick() {
	s.T.Helper()
	if err := s.puller.Tick(s.T.Context(), s.Now()); err != nil {
		s.T.Fatal(err)
	}
	s.drain()
}

// drain works the queue off, each body twice, as a queue may deliver it.
func (s *scene) drain() {
	s.T.Helper()
	for len(s.queue.bodies) > 0 {
		bodies := s.queue.bodies
		s.queue.bodies = nil
		for _, body := range bodies {
			for range 2 {
				if err := s.puller.Handle(s.T.Context(), body); err != nil {
					s.T.Fatal(err)
				}
			}
		}
	}
}

// due dispatches what is due after a while, and does it.
func (s *scene) due(after time.Duration) {
	s.T.Helper()
	s.Set(s.Now().Add(after))
	s.Tick()
	s.drain()
}

func (s *scene) pulled() dental.Pulled {
	s.T.Helper()
	known, err := s.Store.Begin().Pulled(s.T.Context(), dental.Pulled{Clinic: "demo", System: dental.YClients})
	if err != nil {
		s.T.Fatal(err)
	}
	return known[0]
}

func TestASystemIsAskedEachQuarterOfAnHourFromWhereItWasLeft(t *testing.T) {
	s := newScene(t)
	s.office.pages = [][]intake.Object{{card("7")}, {record("70", "7", s.Now().AddDate(0, 0, 5), 1)}}
	s.tick()
	if want := []string{"", "page-1"}; !slices.Equal(s.office.asked, want) {
		t.Fatalf("asked with %q, want %q", s.office.asked, want)
	}
	if c := s.Card("7"); c.Patient.GivenName != "Анна" || len(c.Appointments) != 1 || c.Appointments[0].System != dental.YClients {
		t.Errorf("the card is %+v", c)
	}
	s.tick()
	if len(s.office.asked) != 2 {
		t.Errorf("asked again at once, with %q", s.office.asked)
	}
	s.Set(s.Now().Add(15 * time.Minute))
	s.tick()
	if want := []string{"", "page-1", "page-2"}; !slices.Equal(s.office.asked, want) {
		t.Errorf("asked with %q, want %q", s.office.asked, want)
	}
	if p := s.pulled(); !p.At.Equal(s.Now()) || p.Problem != "" {
		t.Errorf("known is %+v", p)
	}
}

func TestAFirstPullIsQuietAndLaterOnesAreNot(t *testing.T) {
	s := newScene(t)
	finished := s.Now().Add(-2 * time.Hour)
	s.office.pages = [][]intake.Object{{card("7"), visit("700", "7", finished)}, {card("8"), visit("800", "8", finished)}}
	s.tick()
	for _, p := range []string{"7", "8"} {
		if touches := s.Card(p).Touches; slices.ContainsFunc(touches, func(t dental.Touch) bool { return t.Scenario == "after-visit" }) {
			t.Errorf("an existing base is thanked: %+v", touches)
		}
	}
	s.office.pages = append(s.office.pages, []intake.Object{card("9"), visit("900", "9", finished)})
	s.Set(s.Now().Add(15 * time.Minute))
	s.tick()
	if s.Touch("9", "after-visit", "thanks").State != dental.Planned {
		t.Error("who came since is not thanked")
	}
}

func TestAClinicWithoutAKeyToTheAPIIsNotAskedAbout(t *testing.T) {
	s := newScene(t)
	s.Settings(func(c *dental.Clinic) {
		c.Accounts = map[string]dental.Account{dental.YClients: {Secrets: map[string]dental.Secret{dental.CallbackSecret: "path-secret-example"}}}
	})
	s.tick()
	if _, any, err := s.puller.Next(t.Context(), s.Now()); any || err != nil || len(s.office.asked) != 0 {
		t.Errorf("asked %d times, next %v, %v", len(s.office.asked), any, err)
	}
}

func TestASystemThatDoesNotAnswerIsLeftAloneEachTimeForLonger(t *testing.T) {
	s := newScene(t)
	s.office.fail = dental.Errorf(dental.Unavailable, "", "the system does not answer")
	began := s.Now()
	for range 24 * 4 {
		s.tick()
		s.Set(s.Now().Add(15 * time.Minute))
	}
	if n := len(s.office.asked); n < 5 || n > 10 {
		t.Errorf("asked %d times in a day", n)
	}
	if p := s.pulled(); p.Problem != "the system does not answer" || !p.Failing.Equal(began) || p.Mend {
		t.Errorf("known is %+v", p)
	}
	s.office.fail = nil
	s.Set(s.Now().Add(6 * time.Hour))
	s.tick()
	if p := s.pulled(); p.Problem != "" || !p.Failing.IsZero() || p.Tries != 0 {
		t.Errorf("once it answers, known is %+v", p)
	}
}

func TestAnAccountThatHasToBeMendedIsNotHammered(t *testing.T) {
	s := newScene(t)
	s.office.fail = dental.Errorf(dental.Invalid, "secrets.user", "the token is not known")
	for range 6 * 4 {
		s.tick()
		if _, err := s.listener.Take(t.Context(), &s.Clinic, dental.YClients, intake.Heard{Gap: true}, s.Now()); err != nil {
			t.Fatal(err)
		}
		s.due(15 * time.Minute)
	}
	if n := len(s.office.asked); n > 2 {
		t.Errorf("asked %d times in six hours", n)
	}
	if p := s.pulled(); !p.Mend {
		t.Errorf("known is %+v", p)
	}
}

func TestASystemIsLeftAloneForAsLongAsItSays(t *testing.T) {
	s := newScene(t)
	s.office.fail = &pull.Later{After: 2 * time.Hour, Err: dental.Errorf(dental.Unavailable, "", "too many questions")}
	s.tick()
	if got := s.pulled().Next.Sub(s.Now()); got != 2*time.Hour {
		t.Errorf("it is asked again after %v", got)
	}
}

func TestALostDeliveryHasTheSystemAskedWithinAMinute(t *testing.T) {
	s := newScene(t)
	s.tick()
	before := len(s.office.asked)
	s.office.pages = [][]intake.Object{{card("7")}}
	for range 3 {
		if _, err := s.listener.Take(t.Context(), &s.Clinic, dental.YClients, intake.Heard{Gap: true}, s.Now()); err != nil {
			t.Fatal(err)
		}
	}
	s.due(time.Minute)
	if n := len(s.office.asked) - before; n < 1 || n > 2 || !s.Card("7").Known() {
		t.Errorf("asked %d times more; the card is known: %v", n, s.Card("7").Known())
	}
}

func TestAStormAboutOneObjectReadsItOnce(t *testing.T) {
	s := newScene(t)
	s.office.objects["70"] = []intake.Object{card("7"), record("70", "7", s.Now().AddDate(0, 0, 5), 1)}
	tell := func() {
		t.Helper()
		if _, err := s.listener.Take(t.Context(), &s.Clinic, dental.YClients, intake.Heard{Fetch: []intake.Ref{{Kind: "record", ID: "70"}}}, s.Now()); err != nil {
			t.Fatal(err)
		}
	}
	for range 50 {
		tell()
		s.Set(s.Now().Add(200 * time.Millisecond))
	}
	s.due(time.Minute)
	if len(s.office.fetched) != 1 || s.Card("7").Appointment("70") == nil {
		t.Fatalf("read %q, the card has %+v", s.office.fetched, s.Card("7").Appointments)
	}
	tell()
	s.due(time.Minute)
	if len(s.office.fetched) != 2 {
		t.Errorf("a later change is read: %q", s.office.fetched)
	}
}

func TestAChangeThatIsToldWhileTheObjectIsBeingReadIsReadAgain(t *testing.T) {
	s := newScene(t)
	tell := func() {
		t.Helper()
		if _, err := s.listener.Take(t.Context(), &s.Clinic, dental.YClients, intake.Heard{Fetch: []intake.Ref{{Kind: "record", ID: "70"}}}, s.Now()); err != nil {
			t.Fatal(err)
		}
	}
	tell()
	inner := s.puller.Systems[dental.YClients]
	s.puller.Systems[dental.YClients] = during{inner, func() { tell() }}
	s.due(time.Minute)
	s.puller.Systems[dental.YClients] = inner
	before := len(s.office.fetched)
	s.due(time.Minute)
	if len(s.office.fetched) != before+1 {
		t.Errorf("read %d times, then %d", before, len(s.office.fetched))
	}
}

// during does something while an object is being read.
type during struct {
	pull.System
	do func()
}

func (d during) Fetch(ctx context.Context, cl *dental.Clinic, a dental.Account, ref intake.Ref, now time.Time) ([]intake.Object, error) {
	d.do()
	return d.System.Fetch(ctx, cl, a, ref, now)
}

func TestAnObjectThatIsNeverGivenIsGivenUpAfterThreeDays(t *testing.T) {
	s := newScene(t)
	s.tick()
	s.office.fail = dental.Errorf(dental.Unavailable, "", "later")
	if _, err := s.listener.Take(t.Context(), &s.Clinic, dental.YClients, intake.Heard{Fetch: []intake.Ref{{Kind: "record", ID: "70"}}}, s.Now()); err != nil {
		t.Fatal(err)
	}
	for range 5 * 24 {
		s.due(time.Hour)
	}
	n := len(s.office.fetched)
	if n < 8 || n > 40 {
		t.Errorf("asked %d times", n)
	}
	if s.due(24 * time.Hour); len(s.office.fetched) != n {
		t.Error("asked once more after that")
	}
}

func TestAnObjectThatTheSystemDoesNotShowPausesNothingAndIsNotedOnce(t *testing.T) {
	s := newScene(t)
	s.tick()
	s.office.unseen = map[string]error{"70": dental.Errorf(dental.Invalid, "", "access denied")}
	s.office.objects["71"] = []intake.Object{card("7")}
	named := intake.Heard{Fetch: []intake.Ref{{Kind: "record", ID: "70"}, {Kind: "record", ID: "71"}}}
	if _, err := s.listener.Take(t.Context(), &s.Clinic, dental.YClients, named, s.Now()); err != nil {
		t.Fatal(err)
	}
	for range 12 {
		s.due(time.Hour)
	}
	if p := s.pulled(); p.Problem != "" || p.Mend || p.Tries != 0 || p.Refused != 1 || p.RefusedKind != "record" || p.RefusedID != "70" {
		t.Errorf("known is %+v", p)
	}
	if !s.Card("7").Known() || strings.Count(strings.Join(s.office.fetched, ", "), "record 70") > 2 {
		t.Errorf("the card is known: %v, asked for %q", s.Card("7").Known(), s.office.fetched)
	}
}

func TestAnAccountThatAnObjectProvesToBeWrongIsNotAskedWithAgain(t *testing.T) {
	s := newScene(t)
	s.tick()
	s.office.fail = errors.Join(dental.Errorf(dental.Invalid, "", "no such webhook"), pull.ErrAccount)
	if _, err := s.listener.Take(t.Context(), &s.Clinic, dental.YClients, intake.Heard{Fetch: []intake.Ref{{Kind: "record", ID: "70"}}}, s.Now()); err != nil {
		t.Fatal(err)
	}
	s.due(time.Minute)
	if p := s.pulled(); p.Problem != "no such webhook" || !p.Mend || p.Refused != 0 {
		t.Errorf("known is %+v", p)
	}
	s.office.fail = nil
	s.office.objects["70"] = []intake.Object{card("7")}
	for range 7 {
		s.due(time.Hour)
	}
	if !s.Card("7").Known() {
		t.Error("what it named was not asked for once the account was right")
	}
}

func TestWhatSaysMoreLaterIsReadAgainThenHoweverItCame(t *testing.T) {
	for name, come := range map[string]func(s *scene, held intake.Object){
		"told": func(s *scene, held intake.Object) {
			if _, err := s.listener.Take(t.Context(), &s.Clinic, dental.YClients, intake.Heard{Objects: []intake.Object{card("7"), held}}, s.Now()); err != nil {
				t.Fatal(err)
			}
		},
		"listed": func(s *scene, held intake.Object) {
			s.office.pages = [][]intake.Object{{card("7"), held}}
			s.Set(s.Now().Add(pull.Every))
			s.tick()
		},
		"read": func(s *scene, held intake.Object) {
			s.office.objects["70"] = []intake.Object{card("7"), held}
			if _, err := s.listener.Take(t.Context(), &s.Clinic, dental.YClients, intake.Heard{Fetch: []intake.Ref{{Kind: "record", ID: "70"}}}, s.Now()); err != nil {
				t.Fatal(err)
			}
			s.due(time.Minute)
			s.office.fetched = nil
		},
		"told twice, and read in between": func(s *scene, held intake.Object) {
			tell := func(h intake.Heard) {
				if _, err := s.listener.Take(t.Context(), &s.Clinic, dental.YClients, h, s.Now()); err != nil {
					t.Fatal(err)
				}
			}
			tell(intake.Heard{Objects: []intake.Object{card("7"), held}})
			s.office.objects["70"] = []intake.Object{card("7"), held}
			tell(intake.Heard{Fetch: []intake.Ref{{Kind: "record", ID: "70"}}})
			if s.due(time.Minute); len(s.office.fetched) == 0 {
				t.Error("what was named is left for later")
			}
			tell(intake.Heard{Objects: []intake.Object{held}})
			s.office.fetched = nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t)
			s.tick()
			over := s.Now().AddDate(0, 0, 9)
			held := record("70", "7", over.Add(-time.Hour), 1)
			held.Again = over
			come(s, held)
			s.due(over.Sub(s.Now()) - time.Minute)
			if len(s.office.fetched) != 0 {
				t.Errorf("before it was over there was asked for %q", s.office.fetched)
			}
			s.office.objects["70"] = []intake.Object{card("7"), visit("70", "7", over)}
			s.office.unseen = map[string]error{"70": dental.Errorf(dental.Unavailable, "", "not just now")}
			s.due(2 * time.Minute)
			s.office.unseen = nil
			s.due(time.Hour)
			if card := s.Card("7"); card.Visit("70") == nil {
				t.Errorf("the visit is not on the card, and there was asked for %q", s.office.fetched)
			}
			s.office.fetched = nil
			if s.due(24 * time.Hour); len(s.office.fetched) != 0 {
				t.Errorf("after that there was asked for %q", s.office.fetched)
			}
		})
	}
}

func TestNoDeadEndAtItsTimeLosesWhatWasHeldBack(t *testing.T) {
	for name, end := range map[string]func(s *scene) (mended func()){
		"the system does not show it": func(s *scene) func() {
			s.office.unseen = map[string]error{"70": dental.Errorf(dental.Invalid, "", "access denied")}
			return func() { s.office.unseen = nil }
		},
		"the account's keys are not there": func(s *scene) func() {
			opens := s.puller.Opens
			s.puller.Opens = func(string, dental.Account) bool { return false }
			return func() { s.puller.Opens = opens }
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t)
			s.tick()
			over := s.Now().AddDate(0, 0, 9)
			held := record("70", "7", over.Add(-time.Hour), 1)
			held.Again = over
			if _, err := s.listener.Take(t.Context(), &s.Clinic, dental.YClients, intake.Heard{Objects: []intake.Object{card("7"), held}}, s.Now()); err != nil {
				t.Fatal(err)
			}
			s.office.objects["70"] = []intake.Object{card("7"), visit("70", "7", over)}
			mended := end(s)
			s.due(over.Sub(s.Now()) + time.Minute)
			if s.Card("7").Visit("70") != nil {
				t.Fatal("the end is not dead")
			}
			mended()
			s.due(13 * time.Hour)
			if s.Card("7").Visit("70") == nil {
				t.Error("the visit is not on the card")
			}
		})
	}
}

func TestAReadingThatIsTriedAgainDoesNotWaitForWhatIsHeldBack(t *testing.T) {
	s := newScene(t)
	s.tick()
	s.office.unseen = map[string]error{"70": dental.Errorf(dental.Unavailable, "", "not just now")}
	take := func(h intake.Heard) {
		t.Helper()
		if _, err := s.listener.Take(t.Context(), &s.Clinic, dental.YClients, h, s.Now()); err != nil {
			t.Fatal(err)
		}
	}
	take(intake.Heard{Fetch: []intake.Ref{{Kind: "record", ID: "70"}}})
	s.due(10 * time.Second)
	over := s.Now().AddDate(0, 0, 9)
	held := record("70", "7", over.Add(-time.Hour), 1)
	held.Again = over
	take(intake.Heard{Objects: []intake.Object{card("7"), held}})
	s.office.unseen, s.office.fetched = nil, nil
	s.office.objects["70"] = []intake.Object{card("7"), held}
	if s.due(5 * time.Minute); len(s.office.fetched) == 0 {
		t.Error("what was named is read when the visit is over, and not now")
	}
}

func TestADeliveryThatCannotBeReadIsNotedForStaff(t *testing.T) {
	s := newScene(t)
	if err := s.listener.Unread(t.Context(), &s.Clinic, dental.YClients, "data.id: is missing", s.Now()); err != nil {
		t.Fatal(err)
	}
	if p := s.pulled(); p.Unread != "data.id: is missing" || !p.UnreadAt.Equal(s.Now()) {
		t.Errorf("known is %+v", p)
	}
}

func TestWhatIsTakenIsNotedAsHeardFromThatSystem(t *testing.T) {
	s := newScene(t)
	out, err := s.listener.Take(t.Context(), &s.Clinic, dental.YClients, intake.Heard{Objects: []intake.Object{card("7"), record("7x", "7 8", s.Now(), 1), card("9")}}, s.Now())
	if err != nil || len(out) != 3 || out[0].Err != nil || dental.KindOf(out[1].Err) != dental.Invalid || out[2].Err != nil {
		t.Fatalf("%+v, %v", out, err)
	}
	if p := s.pulled(); !p.Heard.Equal(s.Now()) {
		t.Errorf("known is %+v", p)
	}
	if !s.Card("9").Known() {
		t.Error("what stood behind the refused object is not taken")
	}
}

func TestWhatIsReadOfAnotherCompanyMeanwhileMovesNoCursor(t *testing.T) {
	for name, fail := range map[string]error{"it answers": nil, "it does not": dental.Errorf(dental.Invalid, "", "the company is closed")} {
		s := newScene(t)
		s.office.pages = [][]intake.Object{{card("7")}, {card("8")}}
		s.office.fail = fail
		s.office.during = func() {
			s.Settings(func(c *dental.Clinic) {
				account := c.Accounts[dental.YClients]
				account.Settings = map[string]string{"company": fmt.Sprint(len(s.office.asked) + 1)}
				c.Accounts = map[string]dental.Account{dental.YClients: account}
			})
		}
		s.tick()
		if p := s.pulled(); p.Cursor != "" || !p.At.IsZero() || p.Problem != "" || len(s.office.asked) != 2 {
			t.Errorf("%s: asked %q, known is %+v", name, s.office.asked, p)
		}
	}
}

func TestObjectsThatAPullCannotTakeInAreNotedForStaff(t *testing.T) {
	s := newScene(t)
	bad := func(id string) intake.Object { return record(id, "7 8", s.Now(), 1) }
	noted := func(n int, kind, id string, at time.Time) {
		t.Helper()
		if p := s.pulled(); p.Refused != n || p.RefusedKind != kind || p.RefusedID != id || !p.RefusedAt.Equal(at) {
			t.Errorf("%d are noted, first %s %s at %v; want %d, %s %s at %v", p.Refused, p.RefusedKind, p.RefusedID, p.RefusedAt, n, kind, id, at)
		}
	}
	first := s.Now()
	s.office.pages = [][]intake.Object{{card("7"), bad("70"), bad("71")}, {card("8"), bad("80")}}
	s.tick()
	noted(3, "record", "70", first)
	s.office.pages = append(s.office.pages, []intake.Object{card("9")})
	s.Set(s.Now().Add(15 * time.Minute))
	s.tick()
	noted(3, "record", "70", first) // what was refused did not come of itself
	s.office.pages = append(s.office.pages, []intake.Object{bad("90")})
	s.Set(s.Now().Add(15 * time.Minute))
	s.tick()
	noted(1, "record", "90", s.Now())
	s.office.objects["91"] = []intake.Object{bad("91")}
	if _, err := s.listener.Take(t.Context(), &s.Clinic, dental.YClients, intake.Heard{Fetch: []intake.Ref{{Kind: "record", ID: "91"}}}, s.Now()); err != nil {
		t.Fatal(err)
	}
	s.due(time.Minute)
	noted(2, "record", "90", s.Now())
	for range 2 {
		s.Set(s.Now().Add(15 * time.Minute))
		s.tick()
	}
	s.office.objects["92"] = []intake.Object{bad("92")}
	if _, err := s.listener.Take(t.Context(), &s.Clinic, dental.YClients, intake.Heard{Fetch: []intake.Ref{{Kind: "record", ID: "92"}}}, s.Now()); err != nil {
		t.Fatal(err)
	}
	s.due(time.Minute)
	noted(1, "record", "92", s.Now())
}

func TestAnObjectThatCannotBeReadAnyMoreIsNotedWithItsReason(t *testing.T) {
	var log strings.Builder
	s := newScene(t)
	s.puller.Log = slog.New(slog.NewTextHandler(&log, nil))
	start := s.Now().AddDate(0, 0, 5)
	unread := intake.Object{System: dental.YClients, Kind: "record", ID: "70", Unreadable: dental.Errorf(dental.Invalid, "data.attendance", "is none of 0 and 1")}
	noted := func(n int) {
		t.Helper()
		if p := s.pulled(); p.Refused != n || p.RefusedKind != "record" || p.RefusedID != "70" || !p.RefusedAt.Equal(s.Now()) {
			t.Errorf("%d are noted, first %s %s at %v", p.Refused, p.RefusedKind, p.RefusedID, p.RefusedAt)
		}
		if !strings.Contains(log.String(), "data.attendance: is none of 0 and 1") {
			t.Errorf("the log says\n%s", log.String())
		}
		log.Reset()
		if a := s.Card("7").Appointment("70"); a == nil || !a.Start.Equal(start) || !a.Standing() {
			t.Errorf("what was known is %+v", a)
		}
	}
	s.office.pages = [][]intake.Object{{card("7"), record("70", "7", start, 1)}}
	s.tick()
	s.office.pages = append(s.office.pages, []intake.Object{unread})
	s.Set(s.Now().Add(15 * time.Minute))
	s.tick()
	noted(1)
	s.office.objects["70"] = []intake.Object{unread}
	if _, err := s.listener.Take(t.Context(), &s.Clinic, dental.YClients, intake.Heard{Fetch: []intake.Ref{{Kind: "record", ID: "70"}}}, s.Now()); err != nil {
		t.Fatal(err)
	}
	s.due(time.Minute)
	noted(2)
}

// TestAPullUnderFaultsBringsAllAndNoneTwice lets everything go wrong a little,
// between a pull's pages too.
func TestAPullUnderFaultsBringsAllAndNoneTwice(t *testing.T) {
	happened := map[tabletest.Fault]int{}
	for seed := range uint64(12) {
		start := time.Date(2026, 3, 10, 12, 0, 0, 0, time.FixedZone("MSK", 3*3600))
		clean := stagetest.New(t, start, connected)
		faulty := tabletest.NewFaulty(clean.Table, tabletest.Plan{Seed: seed, Chance: map[tabletest.Fault]float64{tabletest.LostBefore: 0.05,
			tabletest.LostAfter: 0.05, tabletest.LostLate: 0.05, tabletest.Contended: 0.05, tabletest.FailedRead: 0.05}})
		s := play(t, stagetest.Join(clean, faulty))
		for i := range 8 {
			id := fmt.Sprint("P", i)
			s.office.pages = append(s.office.pages, []intake.Object{card(id), record("R"+id, id, start.AddDate(0, 0, 5), 1)})
		}
		for try := 0; s.reached() != "page-8"; try++ {
			if try == 200 {
				t.Fatalf("seed %d: it does not come to an end: %q", seed, s.office.asked)
			}
			body, err := json.Marshal(pull.Item{Pull: &pull.Order{Clinic: "demo", System: dental.YClients}})
			if err != nil {
				t.Fatal(err)
			}
			_ = s.puller.Handle(t.Context(), string(body)) // an error asks for it again
			s.Set(s.Now().Add(15 * time.Minute))
		}
		for fault, n := range faulty.Happened() {
			happened[fault] += n
		}
		faulty.Heal()
		for i := range 8 {
			if c := clean.Card(fmt.Sprint("P", i)); !c.Known() || len(c.Appointments) != 1 || c.Patient.Changes > 2 {
				t.Errorf("seed %d: the card is %+v", seed, c.Patient)
			}
		}
	}
	for _, fault := range []tabletest.Fault{tabletest.LostBefore, tabletest.LostAfter, tabletest.LostLate, tabletest.Contended, tabletest.FailedRead} {
		if happened[fault] == 0 {
			t.Errorf("%s never happened", fault)
		}
	}
}

// reached is the cursor as it stands, whatever reading it takes.
func (s *scene) reached() string {
	for {
		known, err := s.Store.Begin().Pulled(s.T.Context(), dental.Pulled{Clinic: "demo", System: dental.YClients})
		if err == nil {
			return known[0].Cursor
		}
	}
}

// booked is a scene in which a patient of the system has an appointment and a
// link to answer for it.
func booked(t *testing.T, s *scene) (token string) {
	t.Helper()
	if _, err := s.listener.Take(t.Context(), &s.Clinic, dental.YClients, intake.Heard{Objects: []intake.Object{card("7"),
		record("70", "7", s.Local("2026-03-20 12:00"), 1)}}, s.Now()); err != nil {
		t.Fatal(err)
	}
	s.ToLocal("2026-03-18 13:00")
	return s.Token("7", dental.AppointmentLink)
}

func TestAConfirmationIsWrittenBackOnceAndItsEchoChangesNothingTwice(t *testing.T) {
	s := newScene(t)
	token := booked(t, s)
	for range 2 {
		if _, err := s.Desk.Act(t.Context(), token, "confirm", s.Now()); err != nil {
			t.Fatal(err)
		}
	}
	s.due(time.Minute)
	s.due(20 * time.Minute)
	if want := []string{"confirm 70"}; !slices.Equal(s.office.told, want) {
		t.Fatalf("told %q, want %q", s.office.told, want)
	}
	echo := record("70", "7", s.Local("2026-03-20 12:00"), 2)
	echo.Facts[0].Type, echo.Facts[0].Appointment.Status = intake.AppointmentConfirmed, dental.Confirmed
	for range 2 {
		if _, err := s.listener.Take(t.Context(), &s.Clinic, dental.YClients, intake.Heard{Objects: []intake.Object{echo}}, s.Now()); err != nil {
			t.Fatal(err)
		}
	}
	s.due(time.Hour)
	c := s.Card("7")
	if a := c.Appointment("70"); a.Status != dental.Confirmed || a.Reply != "confirm" || len(s.office.told) != 1 || len(s.Tasks("7", dental.CallbackTask)) != 0 {
		t.Errorf("after the echo: %+v, told %q, tasks %+v", a, s.office.told, c.Tasks)
	}
}

func TestTheLastWordIsWhatTheSystemIsTold(t *testing.T) {
	s := newScene(t)
	token := booked(t, s)
	for _, action := range []string{"confirm", "cancel"} {
		if _, err := s.Desk.Act(t.Context(), token, reply.Action(action), s.Now()); err != nil {
			t.Fatal(err)
		}
		s.Set(s.Now().Add(time.Second))
	}
	s.due(time.Minute)
	if want := []string{"cancel 70"}; !slices.Equal(s.office.told, want) {
		t.Errorf("told %q, want %q", s.office.told, want)
	}
}

func TestNothingIsWrittenBackThatTheSystemDoesNotKeepOrCannotTake(t *testing.T) {
	for name, change := range map[string]func(*scene){
		"an appointment of the clinic's own events": func(s *scene) {
			s.Patient("8", func(c *intake.Card) { c.Number = "+79160000002" })
			s.Appointment(intake.AppointmentBooked, "80", "8", s.Local("2026-03-20 12:00"))
			s.ToLocal("2026-03-18 13:00")
			if _, err := s.Desk.Act(s.T.Context(), s.Token("8", dental.AppointmentLink), "confirm", s.Now()); err != nil {
				s.T.Fatal(err)
			}
		},
		"a wish for another time": func(s *scene) {
			if _, err := s.Desk.Act(s.T.Context(), booked(t, s), "reschedule", s.Now()); err != nil {
				s.T.Fatal(err)
			}
		},
		"an account that was closed since": func(s *scene) {
			if _, err := s.Desk.Act(s.T.Context(), booked(t, s), "confirm", s.Now()); err != nil {
				s.T.Fatal(err)
			}
			s.Settings(func(c *dental.Clinic) { c.Accounts = nil })
		},
		"what the system says itself by now": func(s *scene) {
			if _, err := s.Desk.Act(s.T.Context(), booked(t, s), "confirm", s.Now()); err != nil {
				s.T.Fatal(err)
			}
			o := record("70", "7", s.Local("2026-03-20 12:00"), 2)
			o.Facts[0].Appointment.Status = dental.Confirmed
			if _, err := s.listener.Take(s.T.Context(), &s.Clinic, dental.YClients, intake.Heard{Objects: []intake.Object{o}}, s.Now()); err != nil {
				s.T.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t)
			change(s)
			s.due(time.Minute)
			if len(s.office.told) != 0 {
				t.Errorf("told %q", s.office.told)
			}
		})
	}
}

func TestAnAnswerOfWhichNobodyKnowsIsStaffsAndNotSaidAgain(t *testing.T) {
	s := newScene(t)
	token := booked(t, s)
	s.office.answer = func(int) error { return errors.New("the answer was lost") }
	if _, err := s.Desk.Act(t.Context(), token, "confirm", s.Now()); err != nil {
		t.Fatal(err)
	}
	s.due(time.Minute)
	for range 5 {
		s.due(20 * time.Minute)
	}
	tasks := s.Tasks("7", dental.CallbackTask)
	if len(s.office.told) != 1 || len(tasks) != 1 || !strings.Contains(tasks[0].Reason, "неизвестно") {
		t.Errorf("told %q, staff are asked %+v", s.office.told, tasks)
	}
}

func TestAnAnswerThatWasProvablyNotWrittenIsOfferedAgainAndThenStaffs(t *testing.T) {
	s := newScene(t)
	token := booked(t, s)
	s.office.answer = func(int) error { return fmt.Errorf("busy: %w", pull.ErrNotWritten) }
	if _, err := s.Desk.Act(t.Context(), token, "confirm", s.Now()); err != nil {
		t.Fatal(err)
	}
	for range 40 {
		s.due(5 * time.Minute)
	}
	tasks := s.Tasks("7", dental.CallbackTask)
	if n := len(s.office.told); n < 3 || n > 8 || len(tasks) != 1 || !strings.Contains(tasks[0].Reason, "не удалось") {
		t.Errorf("offered %d times, staff are asked %+v", n, tasks)
	}

	s = newScene(t)
	token = booked(t, s)
	s.office.answer = func(call int) error {
		if call < 3 {
			return fmt.Errorf("busy: %w", pull.ErrNotWritten)
		}
		return nil
	}
	if _, err := s.Desk.Act(t.Context(), token, "confirm", s.Now()); err != nil {
		t.Fatal(err)
	}
	for range 40 {
		s.due(5 * time.Minute)
	}
	if len(s.office.told) != 3 || len(s.Tasks("7", dental.CallbackTask)) != 0 {
		t.Errorf("offered %d times, staff are asked %+v", len(s.office.told), s.Tasks("7", dental.CallbackTask))
	}
}

// TestAFamilysOnePressIsWrittenBackForEachAppointment holds the press to the
// room of one write where the clinic has a CRM as well, and each appointment to
// one call.
func TestAFamilysOnePressIsWrittenBackForEachAppointment(t *testing.T) {
	for name, of := range map[string][]string{"one patient": {"A", "A", "A", "A", "A", "A"}, "two": {"A", "A", "A", "B", "B"}, "three": {"A", "B", "C", "A"}} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t)
			s.Settings(func(c *dental.Clinic) {
				c.Accounts[dental.Bitrix24] = dental.Account{Secrets: map[string]dental.Secret{"webhook": "s"}}
			})
			var want []string
			for i, patient := range of {
				id := fmt.Sprint("7", i)
				want = append(want, "cancel "+id)
				if _, err := s.listener.Take(t.Context(), &s.Clinic, dental.YClients, intake.Heard{Objects: []intake.Object{card(patient),
					record(id, patient, s.Local(fmt.Sprintf("2026-03-20 1%d:00", i)), 1)}}, s.Now()); err != nil {
					t.Fatal(err)
				}
			}
			s.ToLocal("2026-03-18 20:00")
			if sent := s.SentAs("appointment", "reminder"); len(sent) != 1 {
				t.Fatalf("%d reminders left", len(sent))
			}
			if _, err := s.Desk.Act(t.Context(), s.Token("A", dental.AppointmentLink), reply.Cancel, s.Now()); err != nil {
				t.Fatal(err)
			}
			for range 4 {
				s.due(time.Minute)
			}
			if slices.Sort(s.office.told); !slices.Equal(s.office.told, want) {
				t.Errorf("told %q, want %q", s.office.told, want)
			}
		})
	}
}
