package staff_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/andybalholm/cascadia"
	"golang.org/x/net/html"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/intake"
	"github.com/returnpoint/returnpoint/shared/journey"
	"github.com/returnpoint/returnpoint/shared/stagetest"
	"github.com/returnpoint/returnpoint/shared/web/staff"
)

// shift is a day's work at the desk: a clinic with its engine, and a browser
// without JavaScript in front of its pages.
type shift struct {
	*stagetest.Stage
	mux    *http.ServeMux
	who    staff.Person
	notice []*http.Cookie
	posts  map[string]int // by the path that was posted to
}

func newShift(t *testing.T, at string) *shift {
	s := &shift{Stage: stagetest.New(t, time.Date(2026, 1, 12, 9, 0, 0, 0, time.UTC)), mux: http.NewServeMux(), posts: map[string]int{}}
	s.Set(s.Local(at))
	pages := &staff.Pages{Store: s.Store, Catalogue: s.Catalogue, Clock: s.Now, Rand: rand.NewChaCha8([32]byte{7}), Log: slog.New(slog.DiscardHandler), Base: "https://rp.example",
		Who: func(*http.Request) (staff.Person, bool) { return s.who, s.who.Key != "" }, SignIn: "/signin", SignOut: "/signout"}
	pages.Routes(s.mux)
	for _, role := range dental.Roles() {
		s.hire(string(role), role)
	}
	s.as(dental.Administrator)
	return s
}

func (s *shift) hire(name string, role dental.Role) {
	s.T.Helper()
	tx := s.Store.Begin()
	key := s.Store.StaffKey(name + "@example.com")
	if _, err := tx.Staff(s.T.Context(), "demo", key); err != nil {
		s.T.Fatal(err)
	}
	tx.Put(dental.Staff{Clinic: "demo", Key: key, Email: dental.Email(name + "@example.com"), Name: name, Role: role, Since: s.Now()})
	if err := tx.Commit(s.T.Context()); err != nil {
		s.T.Fatal(err)
	}
}

func (s *shift) as(role dental.Role) {
	s.who = staff.Person{Key: s.Store.StaffKey(string(role) + "@example.com"), Name: string(role)}
}

// pressedPage is one answer as a browser has it.
type pressedPage struct {
	code  int
	path  string // with the query
	body  string
	nodes *html.Node
}

func (s *shift) serve(method, path string, form url.Values) *pressedPage {
	s.T.Helper()
	var r *http.Request
	if form != nil {
		r = httptest.NewRequest(method, path, strings.NewReader(form.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Sec-Fetch-Site", "same-origin")
	} else {
		r = httptest.NewRequest(method, path, nil)
	}
	for _, c := range s.notice {
		r.AddCookie(c)
	}
	w := httptest.NewRecorder()
	s.mux.ServeHTTP(w, r)
	answer := w.Result()
	if got := answer.Cookies(); len(got) > 0 {
		s.notice = got
	}
	if to := answer.Header.Get("Location"); answer.StatusCode == http.StatusSeeOther {
		return s.serve(http.MethodGet, to, nil)
	}
	nodes, err := html.Parse(strings.NewReader(w.Body.String()))
	if err != nil {
		s.T.Fatal(err)
	}
	return &pressedPage{answer.StatusCode, path, w.Body.String(), nodes}
}

func (s *shift) list() *pressedPage {
	s.T.Helper()
	p := s.serve(http.MethodGet, "/desk/demo", nil)
	if p.code != http.StatusOK {
		s.T.Fatalf("the list answers %d", p.code)
	}
	return p
}

func (p *pressedPage) all(selector string) []*html.Node {
	return cascadia.QueryAll(p.nodes, cascadia.MustCompile(selector))
}

func (p *pressedPage) text(selector string) string {
	var b strings.Builder
	for _, n := range p.all(selector) {
		for d := range n.Descendants() {
			if d.Type == html.TextNode {
				b.WriteString(d.Data)
			}
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

func attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

// button is one press that a page offers: the form it stands in, and what that sends.
type button struct {
	action string
	fields url.Values
	value  string
}

// buttons lists every press of the page.
func (p *pressedPage) buttons() []button {
	var out []button
	for _, form := range p.all(`form[method=post]`) {
		fields := url.Values{}
		for _, in := range cascadia.QueryAll(form, cascadia.MustCompile("input[type=hidden], input[type=date]")) {
			fields.Set(attribute(in, "name"), attribute(in, "value"))
		}
		for _, in := range cascadia.QueryAll(form, cascadia.MustCompile("input[type=radio]")) {
			if fields.Get(attribute(in, "name")) == "" {
				fields.Set(attribute(in, "name"), attribute(in, "value"))
			}
		}
		for _, in := range cascadia.QueryAll(form, cascadia.MustCompile("select")) {
			options := cascadia.QueryAll(in, cascadia.MustCompile("option"))
			fields.Set(attribute(in, "name"), attribute(options[len(options)-1], "value"))
		}
		for _, in := range cascadia.QueryAll(form, cascadia.MustCompile("textarea")) {
			fields.Set(attribute(in, "name"), "Извинились")
		}
		for _, b := range cascadia.QueryAll(form, cascadia.MustCompile("button:not([hidden])")) {
			sent := url.Values{}
			for k, v := range fields {
				sent[k] = v
			}
			if name := attribute(b, "name"); name != "" {
				sent.Set(name, attribute(b, "value"))
			}
			out = append(out, button{attribute(form, "action"), sent, attribute(b, "value")})
		}
	}
	return out
}

func (s *shift) press(b button) *pressedPage {
	s.T.Helper()
	s.posts[strings.TrimSuffix(b.action, "/undo")]++
	return s.serve(http.MethodPost, b.action, b.fields)
}

// opens puts a task on the list as the engine does.
func (s *shift) opens(patient string, task dental.Task) {
	s.T.Helper()
	tx := s.Store.Begin()
	card, err := tx.Card(s.T.Context(), "demo", patient)
	if err != nil {
		s.T.Fatal(err)
	}
	task.Due = s.Now().Add(time.Hour)
	if task.Kind == dental.ComplaintTask {
		task.Escalates = s.Now().Add(4 * time.Hour)
	}
	journey.Course{Tx: tx, Catalogue: s.Catalogue, Clinic: &s.Clinic, Card: card, Now: s.Now()}.Open(task)
	if err := tx.Commit(s.T.Context()); err != nil {
		s.T.Fatal(err)
	}
}

// comes is a patient with a visit of eight days ago, and a number of their own.
func (s *shift) comes(n int) string {
	id := fmt.Sprint("P", n)
	s.Patient(id, func(c *intake.Card) {
		c.Number, c.Mail, c.GivenName = fmt.Sprintf("+791600001%02d", n), "", []string{"Анна", "Борис", "Вера"}[n%3]
	})
	s.Visit("V"+id, id, s.Now().AddDate(0, 0, -8))
	return id
}

// aDayOfThirty puts thirty tasks of all kinds on the list: complaints, calls,
// plans, appointments, leads and what else there is.
func aDayOfThirty(t *testing.T) *shift {
	s := newShift(t, "2026-06-16 10:00")
	s.Settings(func(c *dental.Clinic) {
		for name := range c.Scenarios {
			c.Scenarios[name] = dental.ScenarioSettings{}
		}
		c.Scenarios["after-visit"] = dental.ScenarioSettings{On: true}
		c.Scenarios["sleeping-6"] = dental.ScenarioSettings{On: true, Release: dental.ReleaseStaff}
	})
	s.Patient("S", func(c *intake.Card) { c.Number = "+79160000199" })
	s.Visit("VS", "S", s.Local("2025-12-16 12:00")) // whose offer waits for a release
	s.Scan(s.Clinic.Today(s.Now()))
	s.Tick()
	s.Tick()
	visited := s.Clinic.Today(s.Now()).AddDays(-8).String()
	n := 0
	for kind, many := range map[dental.TaskKind]int{dental.ComplaintTask: 4, dental.FeedbackTask: 3, dental.ConfirmTask: 4, dental.CallTask: 6, dental.PlanTask: 2,
		dental.WakeTask: 2, dental.CallbackTask: 3, dental.RebookTask: 2, dental.LeadTask: 2, dental.UnknownTask: 1} {
		for range many {
			n++
			id := s.comes(n)
			task := dental.Task{Kind: kind, Anchor: visited, Reason: "Пора."}
			switch kind {
			case dental.ConfirmTask:
				start := s.Now().Add(26 * time.Hour)
				s.Appointment(intake.AppointmentBooked, "A"+id, id, start)
				task.Anchor, task.Scenario = dental.AppointmentAnchor(dental.Appointment{ID: "A" + id, Start: start}), "appointment"
			case dental.CallTask:
				task.Scenario, task.Anchor = "recall", s.Card(id).ReturnDay(s.Clinic.Today(s.Now())).String()
			case dental.WakeTask, dental.PlanTask:
				task.Anchor = "seen"
			case dental.CallbackTask:
				task.Anchor = "inbound"
			case dental.UnknownTask:
				task.Anchor = s.Card(id).Touches[0].ID()
			case dental.LeadTask:
				task.Anchor = "friend-of-" + id
			}
			s.opens(id, task)
		}
	}
	return s
}

func TestADaysWorkOfThirtyTasksIsDoneOnTheListWithAtMostTwoPressesATask(t *testing.T) {
	s := aDayOfThirty(t)
	open := func() []dental.Task {
		tasks, _, err := s.Store.TasksUpTo(t.Context(), "demo", s.Clinic.Today(s.Now()), 100, "")
		if err != nil {
			t.Fatal(err)
		}
		return tasks
	}
	if n := len(open()); n != 30 {
		t.Fatalf("the day has %d tasks", n)
	}
	// Whoever works takes the first row that stands there, and each time another of
	// the outcomes that its kind offers; a complaint is taken before it is closed.
	turn := map[string]int{}
	at := s.list()
	for steps := 0; len(open()) > 0 && steps < 100; steps++ {
		if n := packed(t, at.body); n > 30<<10 {
			t.Fatalf("the list is sent as %d bytes", n)
		}
		offered := map[string][]button{}
		first := ""
		for _, b := range at.buttons() {
			if !strings.Contains(b.action, "/tasks/") && !strings.Contains(b.action, "/batches/") || strings.HasSuffix(b.action, "/undo") || b.value == "calling" {
				continue
			}
			if first == "" {
				first = b.action
			}
			offered[b.action] = append(offered[b.action], b)
		}
		if first == "" {
			t.Fatalf("nothing is to be pressed, and %d tasks are open: %+v", len(open()), open())
		}
		kind := strings.Split(first, "/")[5]
		choices := offered[first]
		choice := choices[turn[kind]%len(choices)]
		if kind == string(dental.ComplaintTask) {
			choice = choices[0] // taken
			if s.posts[first] > 0 {
				choice = choices[len(choices)-1] // closed
			}
		} else {
			turn[kind]++
		}
		at = s.press(choice)
		if at.code != http.StatusOK || !strings.HasPrefix(at.path, "/desk/demo") || strings.Count(strings.SplitN(at.path, "?", 2)[0], "/") != 2 {
			t.Fatalf("%s on %s leads to %s (%d)", choice.value, first, at.path, at.code)
		}
		if wrong := at.text(".wrong"); wrong != "" && strings.Contains(at.body, `role="alert"`) {
			t.Fatalf("%s on %s: %s", choice.value, first, wrong)
		}
		s.To(s.Now().Add(2 * time.Minute))
		at = s.serve(http.MethodGet, at.path, nil)
	}
	if left := open(); len(left) > 0 {
		t.Fatalf("%d tasks are left", len(left))
	}
	pressed := 0
	for path, n := range s.posts {
		if pressed += n; n > 2 {
			t.Errorf("%d presses on %s", n, path)
		}
	}
	if len(s.posts) < 30 || pressed > 60 {
		t.Errorf("%d tasks took %d presses", len(s.posts), pressed)
	}
	t.Logf("%d tasks, %d presses", len(s.posts), pressed)
}

// packed is how many bytes a page has on its way.
func packed(t *testing.T, body string) int {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write([]byte(body)); err != nil || z.Close() != nil {
		t.Fatal("a page cannot be packed")
	}
	return b.Len()
}

// row is the presses of the first row of a kind.
func (p *pressedPage) row(kind dental.TaskKind) []button {
	return slices.DeleteFunc(p.buttons(), func(b button) bool { return !strings.Contains(b.action, "/"+string(kind)+"/") })
}

func oneCall(t *testing.T) *shift {
	s := newShift(t, "2026-06-16 10:00")
	id := s.comes(1)
	s.opens(id, dental.Task{Kind: dental.CallTask, Scenario: "recall", Anchor: s.Card(id).ReturnDay(s.Clinic.Today(s.Now())).String(), Reason: "Пора."})
	return s
}

func TestWhatWasPressedStandsOnTheListUntilItTakesEffectAndIsUndoneThere(t *testing.T) {
	s := oneCall(t)
	at := s.press(s.list().row(dental.CallTask)[0])
	if says := at.text(".undo"); !strings.Contains(says, "Отмечено: есть запись.") || !strings.Contains(says, "Отменить") {
		t.Fatalf("the list says %q", says)
	}
	undo := at.row(dental.CallTask)
	if len(undo) != 1 || !strings.HasSuffix(undo[0].action, "/undo") {
		t.Fatalf("beside the undo there is %+v", undo)
	}
	at = s.press(undo[0])
	if len(at.row(dental.CallTask)) < 5 || at.text(".undo") != "" {
		t.Errorf("after it the row offers %d presses", len(at.row(dental.CallTask)))
	}
	s.To(s.Now().Add(time.Hour))
	if task := s.Card("P1").Task(dental.CallTask, s.Card("P1").Tasks[0].Anchor); !task.Open() {
		t.Errorf("the press has taken effect: %s", task.Outcome)
	}
}

func TestAPressOnAnOldPageSaysKindlyWhatHasHappened(t *testing.T) {
	s := oneCall(t)
	old := s.list().row(dental.CallTask)
	s.press(old[0])
	at := s.press(old[1])
	if says := at.text("[role=alert]"); says != "Здесь уже есть отметка: есть запись (administrator, 10:00)." {
		t.Errorf("it says %q", says)
	}
	if again := s.list().text("[role=alert]"); again != "" {
		t.Errorf("the next page says it again: %q", again)
	}
}

func TestTheSecondWhoCallsIsToldWhoDoes(t *testing.T) {
	s := oneCall(t)
	old := s.list().row(dental.CallTask)
	calling := slices.IndexFunc(old, func(b button) bool { return b.value == "calling" })
	if calling < 0 {
		t.Fatal("a call cannot be told of")
	}
	s.press(old[calling])
	s.as(dental.Owner)
	if says := s.press(old[calling]).text("[role=alert]"); says != "Этому пациенту уже звонят: administrator, с 10:00." {
		t.Errorf("the second is told %q", says)
	}
}

func TestEverybodyMayPauseAndAManagerResumes(t *testing.T) {
	s := newShift(t, "2026-06-16 10:00")
	at := s.serve(http.MethodGet, "/desk/demo/pause", nil)
	if at.text("main p") == "" || at.text(".banner") != "" {
		t.Fatalf("before: %q", at.text("main"))
	}
	pause := func(how string) *pressedPage {
		return s.serve(http.MethodPost, "/desk/demo/pause", url.Values{"paused": {how}, "sure": {"on"}})
	}
	if body := at.text("main"); !strings.Contains(body, "Возобновить отправку может управляющий или владелец.") ||
		strings.Index(body, "Возобновить") > strings.Index(body, "Остановить отправку") || len(at.all("input[name=sure][required]")) != 1 {
		t.Errorf("who cannot resume is not told before pausing, or not asked: %q", body)
	}
	if at = s.serve(http.MethodPost, "/desk/demo/pause", url.Values{"paused": {"yes"}}); at.text("[role=alert]") == "" || s.list().text(".banner") != "" {
		t.Errorf("without a word that one is sure: %q", at.text("main"))
	}
	if at = pause("yes"); at.code != http.StatusOK {
		t.Fatalf("it answers %d", at.code)
	}
	if banner := s.list().text(".banner span"); banner != "Отправка остановлена: administrator, 16 июня, 10:00. Пациентам ничего не уходит." {
		t.Errorf("the banner says %q", banner)
	}
	if at = pause("no"); at.code != http.StatusForbidden {
		t.Errorf("an administrator who resumes gets %d", at.code)
	}
	s.as(dental.Manager)
	if at = pause("no"); at.code != http.StatusOK || s.list().text(".banner") != "" {
		t.Errorf("a manager who resumes gets %d", at.code)
	}
	log, _, err := s.Store.Log(t.Context(), "demo", "2026-06", 10, "")
	if err != nil || len(log) != 2 {
		t.Errorf("the log has %+v, %v", log, err)
	}
}

func TestAPauseLosesNothing(t *testing.T) {
	s := newShift(t, "2026-06-16 10:00")
	pause := func(how string) {
		s.serve(http.MethodPost, "/desk/demo/pause", url.Values{"paused": {how}, "sure": {"on"}})
	}
	pause("yes")
	s.comes(1)
	s.Appointment(intake.AppointmentBooked, "A", "P1", s.Local("2026-06-20 12:00")) // reminded on the 18th
	s.Appointment(intake.AppointmentBooked, "B", "P1", s.Local("2026-06-30 12:00")) // and on the 28th
	s.ToLocal("2026-06-25 10:00")
	if n := len(s.Sent()); n != 0 {
		t.Fatalf("%d messages left during the pause", n)
	}
	if n := len(s.Tasks("P1", dental.ConfirmTask)) + closedOf(s.Card("P1"), dental.ConfirmTask); n != 1 {
		t.Errorf("%d tasks to confirm by a call", n)
	}
	card := s.Card("P1")
	i := slices.IndexFunc(card.Touches, func(t dental.Touch) bool { return t.Step == "reminder" && strings.HasPrefix(t.Anchor, "A@") })
	if touch := card.Touches[i]; touch.State != dental.Skipped || touch.Reason != "paused" {
		t.Errorf("the reminder that came too late is %s %s", touch.State, touch.Reason)
	}
	s.as(dental.Owner)
	pause("no")
	s.ToLocal("2026-06-29 12:00")
	if n := len(s.SentAs("appointment", "reminder")); n != 1 {
		t.Errorf("%d reminders after the pause", n)
	}
}

func closedOf(card *dental.Card, kind dental.TaskKind) (n int) {
	for _, t := range card.Tasks {
		if t.Kind == kind && !t.Open() {
			n++
		}
	}
	return n
}

func TestABatchIsReleasedByOnePressThatCanBeTakenBack(t *testing.T) {
	s := aDayOfThirty(t)
	day := s.Clinic.Today(s.Now()).String()
	path := "/desk/demo/batches/sleeping-6/" + day
	release := url.Values{"act": {"release"}, "id": {"r1"}}
	at := s.serve(http.MethodPost, path, release)
	undo := at.row(dental.ReleaseTask)
	if at.code != http.StatusOK || len(undo) != 1 {
		t.Fatalf("it answers %d with %d buttons", at.code, len(undo))
	}
	s.press(undo[0])
	s.To(s.Now().Add(time.Hour))
	if n := len(s.SentAs("sleeping-6", "offer")); n != 0 {
		t.Fatalf("%d offers left although it was undone", n)
	}
	release.Set("id", "r2")
	s.serve(http.MethodPost, path, release)
	s.To(s.Now().Add(3 * time.Hour))
	if n := len(s.SentAs("sleeping-6", "offer")); n != 1 {
		t.Errorf("%d offers left", n)
	}
}

func TestRowsOfABatchAreReleasedOrTakenOutOneByOne(t *testing.T) {
	for act, want := range map[string]struct {
		state  dental.TouchState
		reason string
		sent   int
	}{"one": {dental.Sent, "", 1}, "out": {dental.Skipped, "withheld", 0}} {
		s := aDayOfThirty(t)
		day := s.Clinic.Today(s.Now()).String()
		held := s.Touch("S", "sleeping-6", "offer")
		form := url.Values{"act": {act}, "id": {"r1"}, "patient": {"S"}, "step": {held.Step}, "anchor": {held.Anchor}}
		s.serve(http.MethodPost, "/desk/demo/batches/sleeping-6/"+day, form)
		s.To(s.Now().Add(3 * time.Hour))
		touch := s.Touch("S", "sleeping-6", "offer")
		if touch.State != want.state || touch.Reason != want.reason || len(s.SentAs("sleeping-6", "offer")) != want.sent {
			t.Errorf("%s: the touch is %s %q", act, touch.State, touch.Reason)
		}
		s.serve(http.MethodPost, "/desk/demo/batches/sleeping-6/"+day, form) // once more is refused, and changes nothing
		if again := s.Touch("S", "sleeping-6", "offer"); again.State != touch.State {
			t.Errorf("%s again: it is %s", act, again.State)
		}
		tasks, _, err := s.Store.OpenTasks(t.Context(), "demo", 100, "")
		if err != nil || slices.ContainsFunc(tasks, func(t dental.Task) bool { return t.Kind == dental.ReleaseTask }) {
			t.Errorf("%s: staff are still asked to release the empty batch (%v)", act, err)
		}
	}
}

func TestNobodyPressesInAnotherClinicOrWithoutAPost(t *testing.T) {
	s := oneCall(t)
	b := s.list().row(dental.CallTask)[0]
	for name, who := range map[string]staff.Person{"a stranger": {}, "staff of another clinic": {Key: "k-elsewhere", Name: "x"}} {
		s.who = who
		at := s.press(b)
		if at.code != http.StatusForbidden && at.code != http.StatusNotFound {
			t.Errorf("%s gets %d", name, at.code)
		}
	}
	if task := s.Card("P1").Tasks[0]; task.Pressed.ID != "" {
		t.Errorf("the press was taken: %+v", task.Pressed)
	}
}

func TestWhyAPatientRefusedIsChosenByNobodyElse(t *testing.T) {
	s := oneCall(t)
	page := s.list()
	if first := page.all("select[name=cause][required] option"); len(first) != len(dental.RefusalReasons())+1 || attribute(first[0], "value") != "" {
		t.Fatalf("the reasons begin with %v", first)
	}
	for _, n := range page.all("form.acts button:not([formnovalidate])") {
		if v := attribute(n, "value"); v != dental.PressRefused && attribute(n, "type") == "" && len(cascadia.QueryAll(n.Parent.Parent, cascadia.MustCompile("select"))) > 0 {
			t.Errorf("%q cannot be pressed without a reason to refuse", v)
		}
	}
	row := page.row(dental.CallTask)
	refused := row[slices.IndexFunc(row, func(b button) bool { return b.value == dental.PressRefused })]
	refused.fields.Set("cause", "")
	if says := s.press(refused).text("[role=alert]"); says != "Выберите причину отказа." {
		t.Errorf("without a reason it says %q", says)
	}
}
