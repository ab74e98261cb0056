package report

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/locale"
	"github.com/returnpoint/returnpoint/shared/measure"
	"github.com/returnpoint/returnpoint/shared/store"
)

// Start is the plan of a clinic's first seven days. Its steps are done when the
// clinic's state says so; the few that no state shows are pressed.
type Start struct {
	Days      []StartDay
	Done, All int
	// Next is the first step that is neither done nor waits for others; nil when there is none.
	Next *Step
}

// StartDay is one day of the plan.
type StartDay struct {
	Title string
	Steps []Step
}

// Step is one thing to be done at the start.
type Step struct {
	Name  string
	Title string
	Text  string
	State StepState
	// Note is what is missing, or since when it waits.
	Note string
	// Path is where it is done, below the clinic's desk, "" where it is pressed here.
	Path string
	// Press: staff say of it themselves that it is done, or, of the sender, applied for.
	Press bool
	// Pressed: they have.
	Pressed bool
}

// StepState says how far a step is.
type StepState string

// The states of a step. One that waits has been done by the clinic, and others
// have to approve of it.
const (
	StepOpen    StepState = ""
	StepWaiting StepState = "waiting"
	StepDone    StepState = "done"
)

// The steps that staff press.
const (
	senderStep = "sender"
	recallStep = "recall"
	scriptStep = "script"
)

// Pressable lists the steps that staff press.
func Pressable() []string { return []string{senderStep, recallStep, scriptStep} }

// FirstDays reads how far a clinic's first seven days are.
func FirstDays(ctx context.Context, s *store.Store, cl *dental.Clinic, now time.Time) (Start, error) {
	f := facts{clinic: cl, now: now, locale: locale.For(cl.Language)}
	var err error
	if f.pressed, err = s.Begin().FirstSteps(ctx, cl.ID); err != nil {
		return Start{}, fmt.Errorf("report: read the first steps: %w", err)
	}
	if f.staff, err = s.StaffOf(ctx, cl.ID); err != nil {
		return Start{}, fmt.Errorf("report: read the staff: %w", err)
	}
	costs, err := s.Costs(ctx, cl.ID)
	if err != nil {
		return Start{}, fmt.Errorf("report: read the costs: %w", err)
	}
	ratings, err := s.Ratings(ctx, cl.ID)
	if err != nil {
		return Start{}, fmt.Errorf("report: read the ratings: %w", err)
	}
	reviews, err := s.Reviews(ctx, cl.ID)
	if err != nil {
		return Start{}, fmt.Errorf("report: read the reviews: %w", err)
	}
	f.costs, f.ratings = len(costs), len(ratings)
	f.reviewed = slices.ContainsFunc(reviews, func(r dental.Review) bool { return r.Decisions != "" })
	if f.sent, f.delivered, err = left(ctx, s, cl, now); err != nil {
		return Start{}, err
	}
	return f.plan(), nil
}

// left is how many messages were sent and delivered since the clinic's first
// scenario was switched on: before that nothing leaves.
func left(ctx context.Context, s *store.Store, cl *dental.Clinic, now time.Time) (sent, delivered int64, err error) {
	if cl.StartedAt.IsZero() {
		return 0, 0, nil
	}
	today := cl.Today(now)
	totals, err := s.Begin().Totals(ctx, cl.ID, measure.Span{From: cl.Today(cl.StartedAt), To: today}.Periods(today)...)
	if err != nil {
		return 0, 0, fmt.Errorf("report: read the totals: %w", err)
	}
	for _, t := range totals {
		for name, n := range t.Sums {
			switch {
			case !strings.HasPrefix(name, "touch/"):
			case strings.HasSuffix(name, "/"+measure.Sent):
				sent += n
			case strings.HasSuffix(name, "/"+measure.Delivered):
				delivered += n
			}
		}
	}
	return sent, delivered, nil
}

// facts are what the plan is judged by.
type facts struct {
	clinic         *dental.Clinic
	now            time.Time
	locale         locale.Locale
	pressed        dental.FirstSteps
	staff          []dental.Staff
	costs, ratings int
	reviewed       bool // decisions of a review are kept
	sent           int64
	delivered      int64
}

func (f facts) plan() Start {
	days := [][]Step{
		{f.mis(), f.settings()},
		{f.sender(), f.people()},
		{f.press(recallStep, "/settings/recall", len(f.clinic.RecallMonths) > 0), f.done("maps", "/settings/maps", len(f.clinic.Maps) > 0)},
		{f.press(scriptStep, "", false), f.done("scenario", "/scenarios", f.on())},
		{f.done("delivered", "/scenarios", f.delivered > 0)},
		{f.done("costs", "/measures/money#costs", f.costs > 0), f.done("ratings", "/measures/reviews#ratings", f.ratings > 0)},
		{f.done("report", "/staff", slices.ContainsFunc(f.staff, func(s dental.Staff) bool { return s.Report })), f.review()},
	}
	var s Start
	for i, steps := range days {
		s.Days = append(s.Days, StartDay{Title: f.text("day", "n", strconv.Itoa(i+1)), Steps: steps})
		for k, step := range steps {
			s.All++
			switch {
			case step.State == StepDone:
				s.Done++
			case step.State == StepOpen && s.Next == nil:
				s.Next = &s.Days[i].Steps[k]
			}
		}
	}
	return s
}

func (f facts) text(key string, pairs ...string) string {
	values := map[string]string{}
	for i := 0; i+1 < len(pairs); i += 2 {
		values[pairs[i]] = pairs[i+1]
	}
	return f.locale.Text("desk.start."+key, values)
}

// done is a step that the state shows.
func (f facts) done(name, path string, is bool) Step {
	s := Step{Name: name, Title: f.text(name), Text: f.text(name + ".text"), Path: path}
	if is {
		s.State = StepDone
	}
	return s
}

// press is a step that staff say is done, or that the state shows.
func (f facts) press(name, path string, is bool) Step {
	at, pressed := f.pressed.Done[name]
	s := f.done(name, path, is || pressed)
	if s.Press, s.Pressed = !is, pressed && !is; s.Pressed {
		s.Note = f.text("pressed", "day", f.locale.Day(f.clinic.Today(at)))
	}
	return s
}

// mis: the clinic's own system has told something, and has not fallen silent since.
func (f facts) mis() Step {
	s := f.done("mis", "/connect", !f.clinic.HeardAt.IsZero())
	if since := f.clinic.SilentSince(f.now); !since.IsZero() {
		s.State, s.Note = StepOpen, f.text("mis.silent", "day", f.locale.Day(f.clinic.Today(since)))
	}
	return s
}

// settings: what messages and figures cannot do without is set.
func (f facts) settings() Step {
	var missing []string
	for _, need := range []struct {
		name string
		has  bool
	}{{"name", f.clinic.Name != ""}, {"phone", f.clinic.Phone != ""}, {"address", f.clinic.Address != ""}, {"opening", len(f.clinic.Opening) > 0},
		{"margin", f.clinic.MarginPermille > 0}, {"price", f.clinic.PartPrice.Minor > 0}} {
		if !need.has {
			missing = append(missing, f.text("settings."+need.name))
		}
	}
	s := f.done("settings", "/settings", len(missing) == 0)
	if len(missing) > 0 {
		s.Note = f.text("missing", "list", f.locale.Join(missing))
	}
	return s
}

// sender: a name to send SMS from, or an address for e-mail, is approved of by
// those who carry them: that shows when the first message is accepted. Until
// then the clinic says that it has applied.
func (f facts) sender() Step {
	at, applied := f.pressed.Done[senderStep]
	s := f.done(senderStep, "", f.sent > 0)
	if s.State == StepDone {
		return s
	}
	if s.Press, s.Pressed = true, applied; applied {
		s.State, s.Note = StepWaiting, f.text("sender.waiting", "day", f.locale.Day(f.clinic.Today(at)))
	}
	return s
}

// people: somebody beside the owner works with the list.
func (f facts) people() Step {
	return f.done("staff", "/staff", slices.ContainsFunc(f.staff, func(s dental.Staff) bool { return s.Role != dental.Owner }))
}

// on: a scenario is on.
func (f facts) on() bool {
	return slices.ContainsFunc(slices.Collect(maps.Values(f.clinic.Scenarios)), func(s dental.ScenarioSettings) bool { return s.On })
}

// review: the plan ends with what was decided on the day of looking back. Until
// that day there is nothing to decide.
func (f facts) review() Step {
	s := f.done("review", "/measures#review", f.reviewed)
	if s.State == StepDone {
		return s
	}
	if f.clinic.StartedAt.IsZero() {
		s.State, s.Note = StepWaiting, f.text("review.none")
		return s
	}
	on := f.clinic.Today(f.clinic.StartedAt).AddDays(dental.ReviewDays()[0])
	if on.After(f.clinic.Today(f.now)) {
		s.State = StepWaiting
	}
	s.Note = f.text("review.on", "day", f.locale.DayYear(on))
	return s
}

// PressStep keeps what staff say of a step, or takes it back, with its line of
// the log. A step that the state shows is Invalid.
func PressStep(ctx context.Context, s *store.Store, step string, done bool, entry dental.LogEntry) error {
	if !slices.Contains(Pressable(), step) {
		return dental.Errorf(dental.Invalid, "step", "there is no such step to press")
	}
	entry.Action, entry.Subject = "first-step", step
	if !done {
		entry.Action = "first-step-undone"
	}
	return store.Retry(ctx, func(ctx context.Context) error {
		tx := s.Begin()
		f, err := tx.FirstSteps(ctx, entry.Clinic)
		if err != nil {
			return err
		}
		_, was := f.Done[step]
		if was == done {
			return nil
		}
		if f.Done = maps.Clone(f.Done); f.Done == nil {
			f.Done = map[string]time.Time{}
		}
		if delete(f.Done, step); done {
			f.Done[step] = entry.At
		}
		tx.Put(f)
		tx.Put(entry)
		return tx.Commit(ctx)
	})
}
