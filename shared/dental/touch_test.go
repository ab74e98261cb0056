package dental_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/returnpoint/returnpoint/shared/dental"
)

var states = []dental.TouchState{dental.Held, dental.Planned, dental.Queued, dental.Claimed, dental.Sent, dental.Skipped, dental.Failed, dental.TouchCancelled, dental.Unknown}

// documented reads the moves off TouchState's doc comment, and what the comment
// says about the diagram's states.
func documented(t *testing.T) map[dental.TouchState][]dental.TouchState {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "touch.go", nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	moves := map[dental.TouchState][]dental.TouchState{}
	for _, decl := range file.Decls {
		types, ok := decl.(*ast.GenDecl)
		if !ok || types.Tok != token.TYPE || types.Specs[0].(*ast.TypeSpec).Name.Name != "TouchState" {
			continue
		}
		for line := range strings.Lines(types.Doc.Text()) {
			if from, to, ok := strings.Cut(line, "→"); ok {
				for state := range strings.FieldsSeq(to) {
					from := dental.TouchState(strings.TrimSpace(from))
					moves[from] = append(moves[from], dental.TouchState(state))
				}
			}
		}
	}
	if len(moves) == 0 {
		t.Fatal("the comment of TouchState lists no moves")
	}
	return moves
}

func TestATouchMovesBetweenStatesAsItsCommentSaysAndInNoOtherWay(t *testing.T) {
	moves := documented(t)
	for from := range moves {
		if !slices.Contains(states, from) {
			t.Errorf("the comment speaks of a state %q", from)
		}
	}
	for _, from := range states {
		for _, to := range states {
			t.Run(fmt.Sprintf("%s to %s", from, to), func(t *testing.T) {
				touch := dental.Touch{Scenario: "recall", Step: "first", State: from, Reason: dental.LateEvent}
				err := touch.To(to, "why")
				switch allowed := slices.Contains(moves[from], to); {
				case allowed && err != nil:
					t.Errorf("the comment allows it: %v", err)
				case allowed && (touch.State != to || touch.Reason != "why"):
					t.Errorf("the touch is %s (%s)", touch.State, touch.Reason)
				case !allowed && err == nil:
					t.Error("the comment does not allow it")
				case !allowed && (touch.State != from || touch.Reason != dental.LateEvent):
					t.Errorf("refused, and the touch is %s (%s)", touch.State, touch.Reason)
				case !allowed && (dental.KindOf(err) != dental.Conflict || !strings.Contains(err.Error(), "recall/first")):
					t.Errorf("the refusal is %v", err)
				}
			})
		}
	}
}

func TestWhatHasEndedComesBackOnlyIfItWasNeverClaimedAndNoGateSaidNo(t *testing.T) {
	for _, to := range states {
		for name, touch := range map[string]dental.Touch{
			"cancelled after a claim":                  {State: dental.TouchCancelled, Attempts: []dental.Attempt{{ID: "a"}}},
			"skipped as a late event after a claim":    {State: dental.Skipped, Reason: dental.LateEvent, Attempts: []dental.Attempt{{ID: "a"}}},
			"skipped because a gate said no":           {State: dental.Skipped, Reason: "capped"},
			"skipped without a reason":                 {State: dental.Skipped},
			"failed on every channel there is":         {State: dental.Failed, Attempts: []dental.Attempt{{ID: "a"}}},
			"in a state that nobody has ever heard of": {State: "lost"},
		} {
			if touch.To(to, "") == nil {
				t.Errorf("what was %s goes to %s", name, to)
			}
		}
	}
}

func TestWhatWasSkippedBecauseOfAnotherComesBack(t *testing.T) {
	for _, reason := range []string{dental.LateEvent, dental.Combined} {
		touch := dental.Touch{State: dental.Skipped, Reason: reason}
		if err := touch.To(dental.Planned, ""); err != nil || touch.State != dental.Planned || touch.Reason != "" {
			t.Errorf("skipped as %s, it is %s (%s): %v", reason, touch.State, touch.Reason, err)
		}
	}
}

func TestTheMovesSayWhatTheDesignPromises(t *testing.T) {
	moves := documented(t)
	reach := func(from dental.TouchState, through func(dental.TouchState) bool) map[dental.TouchState]bool {
		seen, todo := map[dental.TouchState]bool{}, []dental.TouchState{from}
		for len(todo) > 0 {
			state := todo[0]
			todo = todo[1:]
			for _, to := range moves[state] {
				if !seen[to] {
					seen[to] = true
					if through(to) {
						todo = append(todo, to)
					}
				}
			}
		}
		return seen
	}
	always := func(dental.TouchState) bool { return true }
	t.Run("every state can be reached from the first", func(t *testing.T) {
		seen := reach(dental.Planned, always)
		maps.Copy(seen, reach(dental.Held, always))
		for _, s := range states {
			if !seen[s] && s != dental.Held {
				t.Errorf("%s cannot", s)
			}
		}
	})
	t.Run("nothing leaves unknown but by a report", func(t *testing.T) {
		if got := slices.Sorted(slices.Values(moves[dental.Unknown])); !slices.Equal(got, []dental.TouchState{dental.Failed, dental.Planned, dental.Sent}) {
			t.Errorf("unknown goes to %v", got)
		}
	})
	t.Run("a claim is never cancelled, skipped or queued again", func(t *testing.T) {
		for _, to := range moves[dental.Claimed] {
			if to == dental.TouchCancelled || to == dental.Skipped || to == dental.Queued || to == dental.Held {
				t.Errorf("claimed goes to %s", to)
			}
		}
	})
	t.Run("failed is the end", func(t *testing.T) {
		if moves[dental.Failed] != nil {
			t.Errorf("failed goes to %v", moves[dental.Failed])
		}
	})
	t.Run("a held touch is planned before it can leave", func(t *testing.T) {
		if seen := reach(dental.Held, func(s dental.TouchState) bool { return s != dental.Planned }); seen[dental.Queued] || seen[dental.Claimed] || seen[dental.Sent] {
			t.Errorf("held goes to %v", seen)
		}
	})
}

func TestAStateIsOpenClaimedOrFinal(t *testing.T) {
	for _, s := range states {
		open := s == dental.Held || s == dental.Planned || s == dental.Queued
		if s.Open() != open || s.Final() != (!open && s != dental.Claimed) {
			t.Errorf("%s is open: %t, final: %t", s, s.Open(), s.Final())
		}
	}
}

func TestATouchsNameIsItsOwn(t *testing.T) {
	id := dental.TouchID("demo", "P-77", "appointment", "reminder", "A-1@20260312T113000Z")
	if len(id) != 22 {
		t.Errorf("the name %q is not 128 bits of base64url", id)
	}
	touch := dental.Touch{Clinic: "demo", Patient: "P-77", Scenario: "appointment", Step: "reminder", Anchor: "A-1@20260312T113000Z", State: dental.Sent, Reason: "x"}
	if touch.ID() != id {
		t.Error("what happens to a touch changes its name")
	}
	part := rapid.StringMatching(`[a-z:@.-]{0,4}`)
	rapid.Check(t, func(t *rapid.T) {
		a, b := [5]string{}, [5]string{}
		for i := range a {
			a[i], b[i] = part.Draw(t, "part"), part.Draw(t, "part")
		}
		if same := dental.TouchID(a[0], a[1], a[2], a[3], a[4]) == dental.TouchID(b[0], b[1], b[2], b[3], b[4]); same != (a == b) {
			t.Fatalf("%q and %q share a name: %t", a, b, same)
		}
	})
	task := dental.Task{Clinic: "demo", Patient: "P-77", Kind: dental.ConfirmTask, Anchor: "A-1"}
	if task.ID() == dental.TouchID("demo", "P-77", "confirm", "", "A-1") || task.ID() != dental.TouchID("demo", "P-77", "task", "confirm", "A-1") {
		t.Errorf("the task's name is %q", task.ID())
	}
}

func TestTheNameOfATouchNeverChanges(t *testing.T) {
	// Links, tags at providers and the ledger hold it. Counted by another program.
	if got := dental.TouchID("demo", "P-77", "after-visit", "thanks", "2026-05-22"); got != "WTMrF3XTiiYJ_fwoj-dNVw" {
		t.Errorf("the touch is called %q now", got)
	}
}

func TestAnAppointmentsAnchorIsTheAppointmentAtOneTime(t *testing.T) {
	msk := time.FixedZone("MSK", 3*3600)
	a := dental.Appointment{ID: "A-1:x.y", Start: time.Date(2026, 3, 12, 14, 30, 0, 0, msk)}
	anchor := dental.AppointmentAnchor(a)
	if anchor != "A-1:x.y@20260312T113000Z" {
		t.Errorf("the anchor is %q", anchor)
	}
	if got := dental.AppointmentOf(anchor); got != a.ID {
		t.Errorf("it is the anchor of %q", got)
	}
	same, moved := a, a
	same.Start, moved.Start = a.Start.UTC(), a.Start.Add(time.Minute)
	if dental.AppointmentAnchor(same) != anchor || dental.AppointmentAnchor(moved) == anchor {
		t.Error("the anchor follows the zone, or not the time")
	}
	if got := dental.AppointmentOf("2026-03-12"); got != "" {
		t.Errorf("a day's anchor is of the appointment %q", got)
	}
}

func TestAttempts(t *testing.T) {
	touch := dental.Touch{Attempts: []dental.Attempt{
		{ID: "a", Channel: dental.WhatsApp, Outcome: dental.Refused}, {ID: "b", Channel: dental.SMS, Outcome: dental.Deferred}}}
	if !touch.Tried(dental.WhatsApp) {
		t.Error("a refused channel was not tried")
	}
	if touch.Tried(dental.SMS) {
		t.Error("a channel that asked to wait counts as tried")
	}
	if touch.Tried(dental.Mail) {
		t.Error("a channel without an attempt was tried")
	}
	if touch.Last().ID != "b" || touch.Attempt("a").Channel != dental.WhatsApp || touch.Attempt("c") != nil {
		t.Error("attempts are not found")
	}
	touch.Last().Outcome = dental.Accepted
	if !touch.Tried(dental.SMS) {
		t.Error("an attempt cannot be changed in its place")
	}
	if (&dental.Touch{}).Last() != nil {
		t.Error("a fresh touch has a last attempt")
	}
}
