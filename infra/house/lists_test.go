package house_test

import (
	"go/ast"
	"go/token"
	"go/types"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"

	"go.yaml.in/yaml/v3"
)

// The four lists of the functions.
func folders(t testing.TB) []string { return listed(t, "functions/*/main.go", filepath.Dir) }

// eventFiles are the events by their files: send.json is "send", and
// delivery.callback.json a further one of delivery, "delivery.callback".
func eventFiles(t testing.TB) []string {
	return listed(t, "events/*.json", func(name string) string { return strings.TrimSuffix(name, ".json") })
}

// functionOf is whose event a file of events/ is.
func functionOf(event string) string {
	name, _, _ := strings.Cut(event, ".")
	return name
}

// eventsOf are the events of one function.
func eventsOf(t testing.TB, function string) []string {
	return slices.DeleteFunc(eventFiles(t), func(event string) bool { return functionOf(event) != function })
}

func listed(t testing.TB, pattern string, name func(string) string) (out []string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root, filepath.FromSlash(pattern)))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		out = append(out, filepath.Base(name(f)))
	}
	return out
}

// constructors are the exported functions of app that compose a function of its dependencies.
func constructors(h *tree) (out []string) {
	for _, s := range h.files {
		if s.room != "shared/app" && s.room != "shared/app/team" || s.test {
			continue
		}
		for _, decl := range s.Decls {
			f, ok := decl.(*ast.FuncDecl)
			if !ok || f.Recv != nil || !f.Name.IsExported() || len(f.Type.Params.List) == 0 {
				continue
			}
			if slices.Contains([]string{"Deps", "app.Deps"}, types.ExprString(f.Type.Params.List[0].Type)) {
				out = append(out, f.Name.Name)
			}
		}
	}
	return out
}

// kebab is the folder of a constructor: ScanSleeping is scan-sleeping.
func kebab(name string) string {
	var b strings.Builder
	for i, r := range name {
		if unicode.IsUpper(r) && i > 0 {
			b.WriteByte('-')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}

func TestFoldersConstructorsResourcesAndEventsNameTheSameFunctions(t *testing.T) {
	var composed []string
	for _, name := range constructors(readTree(t)) {
		composed = append(composed, kebab(name))
	}
	var called []string
	for _, event := range eventFiles(t) {
		called = append(called, functionOf(event))
	}
	for _, complaint := range differences(map[string][]string{
		"functions/": folders(t), "shared/app": composed,
		"template.yaml": slices.Collect(maps.Keys(readFunctions(t))), "events/": unique(called),
	}) {
		t.Error(complaint)
	}
}

// differences names what each list lacks of the others.
func differences(lists map[string][]string) (complaints []string) {
	all := map[string][]string{} // where each name stands
	for where, names := range lists {
		for _, name := range names {
			all[name] = append(all[name], where)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		slices.Sort(all[name])
		for _, where := range slices.Sorted(maps.Keys(lists)) {
			if !slices.Contains(all[name], where) {
				complaints = append(complaints, where+" lacks "+name+", which "+strings.Join(all[name], ", ")+" has")
			}
		}
	}
	if len(all) == 0 {
		complaints = append(complaints, "the lists are empty")
	}
	return complaints
}

func TestADifferenceBetweenListsIsNamedFromBothSides(t *testing.T) {
	got := differences(map[string][]string{"a": {"send", "work"}, "b": {"work", "scan"}, "c": {"send", "work"}})
	want := []string{"a lacks scan, which b has", "c lacks scan, which b has", "b lacks send, which a, c has"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := differences(map[string][]string{"a": nil, "b": nil}); len(got) != 1 {
		t.Errorf("two empty lists gave %q", got)
	}
	if got := kebab("ScanSleeping") + kebab("Send"); got != "scan-sleepingsend" {
		t.Errorf("got %s", got)
	}
}

// mainOf is the main.go of a function.
func mainOf(t testing.TB, h *tree, name string) source {
	t.Helper()
	for _, s := range h.files {
		if s.path == "functions/"+name+"/main.go" {
			return s
		}
	}
	t.Fatalf("functions/%s/main.go is not there", name)
	return source{}
}

func TestAFunctionIsComposedByItsOwnConstructor(t *testing.T) {
	h := readTree(t)
	all := constructors(h)
	for _, name := range folders(t) {
		var used []string
		for _, room := range []string{"shared/app", "shared/app/team"} {
			mainOf(t, h, name).uses(module+room, all, func(_ ast.Node, constructor string) { used = append(used, kebab(constructor)) })
		}
		if !slices.Equal(used, []string{name}) {
			t.Errorf("functions/%s composes %q", name, used)
		}
		if got := readFunctions(t)[name].id; kebab(got) != name {
			t.Errorf("template.yaml calls the function of functions/%s %s", name, got)
		}
	}
}

var action = regexp.MustCompile(`\b(?:dynamodb|sqs|sns|ses|s3|secretsmanager|kms|events|scheduler|lambda):[A-Z][A-Za-z]*`)

// TestTheCommentOfAFunctionIsItsPolicy holds the line Needs of main.go and the
// policy of the template to the same actions, and the index to whoever names it.
func TestTheCommentOfAFunctionIsItsPolicy(t *testing.T) {
	h := readTree(t)
	for name, f := range readFunctions(t) {
		comment := mainOf(t, h, name).Doc.Text()
		for _, line := range []string{"Trigger: ", "Reads: ", "Writes: ", "Needs: "} {
			if !strings.Contains(comment, "\t"+line) {
				t.Errorf("functions/%s/main.go does not say %s", name, strings.TrimSpace(line))
			}
		}
		_, needs, _ := strings.Cut(comment, "\tNeeds:")
		said := unique(action.FindAllString(needs, -1))
		var granted []string
		indexes := map[string]bool{}
		for _, policy := range f.properties.in("Policies").list() {
			for _, s := range policy.in("Statement").list() {
				for _, a := range s.in("Action").list() {
					granted = append(granted, a.text())
				}
				for _, r := range s.in("Resource").list() {
					if _, index, ok := strings.Cut(r.text(), "/index/"); ok {
						indexes[index] = true
					}
				}
			}
		}
		if granted = unique(granted); !slices.Equal(said, granted) {
			t.Errorf("functions/%s/main.go needs %q, template.yaml grants %q", name, said, granted)
		}
		for _, index := range []string{"GSI1", "GSI2"} {
			if says := strings.Contains(needs, index); says != indexes[index] {
				t.Errorf("functions/%s: the index %s is needed: %v, granted: %v", name, index, says, indexes[index])
			}
		}
		if strings.Contains(comment, "HTTP API") != (len(f.Routes) > 0) {
			t.Errorf("functions/%s: its trigger and its routes %v differ", name, f.Routes)
		}
		for _, route := range f.Routes {
			if !strings.Contains(comment, route.Path) {
				t.Errorf("functions/%s/main.go does not name %s", name, route.Path)
			}
		}
	}
}

func unique(list []string) []string {
	slices.Sort(list)
	return slices.Compact(list)
}

func TestTheRoutesAreThePublishedOnes(t *testing.T) {
	var published struct {
		Paths map[string]map[string]any
	}
	if err := yaml.Unmarshal(readFile(t, "shared/api/openapi.yaml"), &published); err != nil {
		t.Fatal(err)
	}
	served := map[string]bool{}
	for name, f := range readFunctions(t) {
		for _, r := range f.Routes {
			served[r.String()] = true
			if published.Paths[r.Path] == nil {
				t.Errorf("%s serves %s, which openapi.yaml does not know", name, r)
			}
		}
	}
	for path, operations := range published.Paths {
		for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodDelete} {
			if operations[strings.ToLower(method)] != nil && !served[method+" "+path] && !served["ANY "+path] {
				t.Errorf("openapi.yaml publishes %s %s, which template.yaml does not serve", method, path)
			}
		}
	}
	if len(published.Paths) == 0 {
		t.Error("openapi.yaml publishes nothing")
	}
}

// needOf is what a function on a queue gives each message.
func needOf(t testing.TB, name string) time.Duration {
	t.Helper()
	need, ok := seconds(readTree(t), "functions/"+name, "need")
	if !ok {
		t.Fatalf("functions/%s has no constant need in seconds", name)
	}
	return need
}

// seconds reads a constant that is a number times time.Second.
func seconds(h *tree, room, name string) (value time.Duration, ok bool) {
	for _, s := range h.files {
		if s.room != room || s.test {
			continue
		}
		ast.Inspect(s.File, func(n ast.Node) bool {
			spec, isSpec := n.(*ast.ValueSpec)
			if !isSpec || spec.Names[0].Name != name || len(spec.Values) != 1 {
				return true
			}
			product, isProduct := spec.Values[0].(*ast.BinaryExpr)
			if !isProduct {
				return true
			}
			number, isNumber := product.X.(*ast.BasicLit)
			unit, isUnit := product.Y.(*ast.SelectorExpr)
			if isNumber && isUnit && product.Op == token.MUL && unit.Sel.Name == "Second" {
				n, err := strconv.Atoi(number.Value)
				value, ok = time.Duration(n)*time.Second, err == nil
			}
			return true
		})
	}
	return value, ok
}

func TestAQueuesFunctionHasTheSameTimeOnOneMachine(t *testing.T) {
	h := readTree(t)
	for name, f := range readFunctions(t) {
		if f.Queue == nil {
			continue
		}
		kind, _, _ := strings.Cut(name, "-") // the scans have one for all
		if here, ok := seconds(h, "infra/local", kind+"Need"); !ok || here != needOf(t, name) {
			t.Errorf("a message of %s is given %v on one machine and %v on AWS", name, here, needOf(t, name))
		}
	}
}

func TestTheTopLevelHoldsTheHouseAlone(t *testing.T) {
	entries, err := os.ReadDir(root)
	if err != nil {
		t.Fatal(err)
	}
	rooms := []string{"functions", "shared", "infra", "events", "docs", "template.yaml", "go.mod", "go.sum", "Makefile", "README.md", "LICENSE",
		"samconfig.toml"} // the answers of one operator, out of git's sight
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), ".") && !slices.Contains(rooms, e.Name()) {
			t.Errorf("%s does not belong to the top level", e.Name())
		}
	}
}
