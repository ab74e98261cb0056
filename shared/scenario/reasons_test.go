package scenario_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/locale"
	"github.com/returnpoint/returnpoint/shared/scenario"
)

// noReasons are the words that stand in the code of the packages below and are
// no reasons: names of what stands in a catalogue, of parts of a log, of tasks'
// outcomes and of states.
var noReasons = strings.Fields(`
	accepted act address after-visit answer appointment arrived asked assign awaited bad-address birthday booking cancel cancelled
	change channel claim club complaint complex-visit confirm date day decided deferred delivered drop earlier end error
	gone implant-year missed no-channel none not-arrived plan reason recall referral refused review scenario season
	settled several skip staff standing start thanks time touch tried undelivered unrated visit-day wait
	activity adult apart birthdays complex doctor doctor-left earned first interval joined last-implant last-orthodontics last-seen
	last-visit long-ago next occasions open plain recommends return-date sleeping visit
	clinic lost rehearsed sent trial xxxxxxxxxxxxxxxx`)

var wordForm = regexp.MustCompile(`^[a-z]+(-[a-z]+)*$`)

// words lists the words that stand as literals in a package's code.
func words(t *testing.T, folder string) map[string]string {
	t.Helper()
	out := map[string]string{}
	files, err := filepath.Glob(filepath.Join(folder, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") || strings.HasSuffix(name, "compiled.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if _, is := n.(*ast.ImportSpec); is {
				return false
			}
			if lit, is := n.(*ast.BasicLit); is && lit.Kind == token.STRING {
				if s, err := strconv.Unquote(lit.Value); err == nil && wordForm.MatchString(s) {
					out[s] = name
				}
			}
			return true
		})
	}
	if len(out) == 0 {
		t.Fatalf("%s has no words", folder)
	}
	return out
}

func TestEveryReasonThatTheCodeGivesHasWordsInEveryLanguage(t *testing.T) {
	for _, folder := range []string{".", "../cadence", "../outreach"} {
		for word, file := range words(t, folder) {
			if slices.Contains(noReasons, word) || slices.Contains(scenario.Shipped().Names(), word) {
				continue
			}
			if _, isGate := scenario.GateNames()[word]; isGate && word != "in-recall" && word != "return-ahead" && word != "too-soon" {
				continue
			}
			for _, l := range locale.All() {
				if !l.Has("reason." + word) {
					t.Errorf("%s has the word %q: if it is a reason, %s lacks it; if it is none, it belongs in noReasons", file, word, l)
				}
			}
		}
	}
}

// issues reads what package phone calls wrong with a number.
func issues(t *testing.T) []string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "../phone/phone.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	ast.Inspect(file, func(n ast.Node) bool {
		if v, is := n.(*ast.ValueSpec); is {
			if name, is := v.Type.(*ast.Ident); is && name.Name == "Issue" {
				s, err := strconv.Unquote(v.Values[0].(*ast.BasicLit).Value)
				if err != nil {
					t.Fatal(err)
				}
				out = append(out, s)
			}
		}
		return true
	})
	if len(out) < 4 {
		t.Fatalf("only the issues %v were found", out)
	}
	return out
}

func TestWhyAPatientIsGoneAndWhatIsWrongWithANumberHaveWordsToo(t *testing.T) {
	var reasons []string
	for _, p := range []dental.Patient{{Erased: true}, {Excluded: true}, {Status: dental.Archived}, {Status: dental.Moved}, {Status: dental.Deceased}} {
		reason, gone := p.Gone()
		if !gone {
			t.Errorf("%+v is not gone", p)
		}
		reasons = append(reasons, reason)
	}
	reasons = append(reasons, dental.LateEvent)
	for _, issue := range issues(t) {
		if issue == "empty" {
			continue // no phone at all is "no-address"
		}
		reasons = append(reasons, "phone-"+issue)
		if !scenario.Undeliverable("phone-" + issue) {
			t.Errorf("a number that is %s is taken for one that can be reached", issue)
		}
	}
	for _, reason := range reasons {
		for _, l := range locale.All() {
			if !l.Has("reason." + reason) {
				t.Errorf("%s has no words for %q", l, reason)
			}
		}
	}
}

func TestAReasonMeansThatNobodyCanBeReachedOrThatSomethingElseIsInTheWay(t *testing.T) {
	for _, reason := range strings.Fields("no-address not-me suppressed landline foreign-phone shared-phone all-channels-failed no-guardian") {
		if !scenario.Undeliverable(reason) {
			t.Errorf("%s is deliverable", reason)
		}
	}
	for _, reason := range strings.Fields("no-consent opted-out capped ceiling deadline answered booked combined late-event complaint-open phone-only minor") {
		if scenario.Undeliverable(reason) {
			t.Errorf("%s is undeliverable", reason)
		}
	}
}
