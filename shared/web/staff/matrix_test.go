package staff

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/desk"
	"github.com/returnpoint/returnpoint/shared/report"
	"github.com/returnpoint/returnpoint/shared/settings"
	"github.com/returnpoint/returnpoint/shared/stagetest"
	"github.com/returnpoint/returnpoint/shared/table/tabletest"
)

// These tests walk the desk's own table of routes, so that a route is held to
// them from the day it is added.

// house is a desk over two clinics: "demo", at which there is one person of each
// role, and "other", at which there is another owner.
type house struct {
	t     testing.TB
	pages *Pages
	mux   *http.ServeMux
	stage *stagetest.Stage
	table *tabletest.Counted
}

// who is signed in, in the tests: the address, "" nobody.
const who = "X-Test-Address"

// person is the address of the one who has a role at "demo".
func person(role dental.Role) string { return string(role) + "@example.com" }

const (
	foreigner = "stranger@example.com" // owner of "other"
	nobodys   = "nobody@example.com"   // has no post anywhere
)

func newHouse(t testing.TB) *house {
	t.Helper()
	h := &house{t: t, mux: http.NewServeMux()}
	first := stagetest.New(t, time.Date(2026, 3, 10, 11, 0, 0, 0, time.FixedZone("MSK", 3*3600)))
	h.table = &tabletest.Counted{Table: first.Table}
	h.stage = stagetest.Join(first, h.table)
	h.stage.Patient("P-1")
	s := h.stage.Store
	keeper := &settings.Keeper{Store: s, Rand: rand.Reader}
	other := settings.New("other")
	other.Name = "Клиника Родник"
	if _, err := keeper.Create(t.Context(), other, h.stage.Now()); err != nil {
		t.Fatal(err)
	}
	h.employ("other", foreigner, dental.Owner)
	for _, role := range dental.Roles() {
		h.employ("demo", person(role), role)
	}
	h.pages = &Pages{Store: s, Catalogue: h.stage.Catalogue, Clock: h.stage.Now, Rand: rand.Reader, Log: slog.New(slog.DiscardHandler),
		Settings: keeper, Base: "https://rp.example", Operator: "operator@example.com", Erase: h.stage.Erase,
		Weeks: func(ctx context.Context, cl *dental.Clinic, now time.Time) (report.Weeks, error) {
			p, err := (&desk.Measures{Store: s}).Picture(ctx, cl.ID, desk.ByWeek, now)
			return report.Weeks{Series: p.Series, Lifts: p.Lifts, Costs: p.Costs, Ratings: p.Ratings, AsOf: p.AsOf}, err
		},
		Invite: func(address, _, _ string, _ bool) (string, error) {
			return "https://rp.example/oidc/password?token=for-" + address, nil
		},
		SignIn: "/desk/sign-in", SignOut: "/desk/sign-out",
		Who: func(r *http.Request) (Person, bool) {
			address := r.Header.Get(who)
			return Person{Key: s.StaffKey(address), Name: address}, address != ""
		}}
	h.pages.Routes(h.mux)
	tx := s.Begin()
	if _, err := tx.Import(t.Context(), "demo", "I-1"); err != nil {
		t.Fatal(err)
	}
	tx.Put(dental.Import{Clinic: "demo", ID: "I-1", State: dental.ImportDone, Lines: 3, Accepted: 2, Refused: 1, Made: h.stage.Now()})
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.table.Writes.Store(0)
	return h
}

// employ gives somebody a post.
func (h *house) employ(clinic, address string, role dental.Role) {
	h.t.Helper()
	tx, key := h.stage.Store.Begin(), h.stage.Store.StaffKey(address)
	if _, err := tx.Staff(h.t.Context(), clinic, key); err != nil {
		h.t.Fatal(err)
	}
	tx.Put(dental.Staff{Clinic: clinic, Key: key, Email: dental.Email(address), Name: "Анна <Клёнова>", Role: role, Since: h.stage.Now()})
	if err := tx.Commit(h.t.Context()); err != nil {
		h.t.Fatal(err)
	}
}

var variable = regexp.MustCompile(`\{(\w+)\}`)

// path fills the variables of a route.
func (h *house) path(route, clinic string) string {
	h.t.Helper()
	values := map[string]string{"clinic": clinic, "patient": "P-1", "person": h.stage.Store.StaffKey(person(dental.Manager)), "kind": "call", "anchor": "2026-03-10",
		"scenario": "recall", "step": "first", "day": "2026-03-10", "locale": "ru", "channel": "sms", "week": "2026-03-09", "month": "2026-03", "job": "J-1",
		"doctor": "D-1", "cost": "1", "group": "clinic", "map": "1", "system": "yclients", "id": "1", "import": "I-1"}
	return variable.ReplaceAllStringFunc(route, func(name string) string {
		value, known := values[strings.Trim(name, "{}")]
		if !known {
			h.t.Fatalf("%s has the variable %s, for which this test has no value: give it one that exists", route, name)
		}
		return url.PathEscape(value)
	})
}

// ask sends a request as somebody, and reports how often it was written on the way.
func (h *house) ask(method, path, address string, change ...func(*http.Request)) (*httptest.ResponseRecorder, int) {
	h.t.Helper()
	var body io.Reader
	if method == http.MethodPost {
		body = strings.NewReader("")
	}
	r := httptest.NewRequest(method, path, body)
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	r.Header.Set(who, address)
	for _, c := range change {
		c(r)
	}
	w, before := httptest.NewRecorder(), h.table.Writes.Load()
	h.mux.ServeHTTP(w, r)
	return w, int(h.table.Writes.Load() - before)
}

// uses are the ways in which a route may be used, with the role that each asks for.
func uses(rt route) map[string]dental.Role {
	out := map[string]dental.Role{}
	if rt.get != nil {
		out[http.MethodGet], out[http.MethodHead] = rt.least, rt.least
	}
	if rt.post != nil {
		if out[http.MethodPost] = rt.least; rt.act != "" {
			out[http.MethodPost] = rt.act
		}
	}
	return out
}

// everyUse calls fn for each route and method.
func everyUse(t *testing.T, h *house, fn func(t *testing.T, rt route, method string, least dental.Role)) {
	t.Helper()
	n := 0
	for _, rt := range h.pages.routes() {
		for method, least := range uses(rt) {
			n++
			t.Run(method+" "+rt.path, func(t *testing.T) {
				h.t = t
				fn(t, rt, method, least)
			})
		}
	}
	if n < 20 {
		t.Fatalf("the table has only %d uses", n)
	}
}

func TestEachRouteNamesARoleAndIsOfSomeUse(t *testing.T) {
	seen := map[string]bool{}
	for _, rt := range newHouse(t).pages.routes() {
		if !slices.Contains(dental.Roles(), rt.least) || rt.act != "" && !rt.act.May(rt.least) {
			t.Errorf("%s asks for the role %q to read and %q to press", rt.path, rt.least, rt.act)
		}
		if rt.get == nil && rt.post == nil {
			t.Errorf("%s does nothing", rt.path)
		}
		if !strings.HasPrefix(rt.path, "/desk/{clinic}") || seen[rt.path] {
			t.Errorf("%s is no path of a clinic's desk of its own", rt.path)
		}
		seen[rt.path] = true
	}
}

func TestWhoeverIsNotSignedInIsLedToTheSignInAndPressesNothing(t *testing.T) {
	h := newHouse(t)
	everyUse(t, h, func(t *testing.T, rt route, method string, _ dental.Role) {
		var answers []*httptest.ResponseRecorder
		for _, clinic := range []string{"demo", "nowhere"} {
			path := h.path(rt.path, clinic)
			w, written := h.ask(method, path, "")
			if written != 0 {
				t.Error("something was written")
			}
			if method == http.MethodPost {
				if w.Code != http.StatusForbidden {
					t.Errorf("the press is answered %d", w.Code)
				}
			} else if to := w.Header().Get("Location"); w.Code != http.StatusSeeOther || to != "/desk/sign-in?to="+url.QueryEscape(path) {
				t.Errorf("answered %d, leading to %q", w.Code, to)
			}
			answers = append(answers, w)
		}
		if method == http.MethodPost && !same(answers[0], answers[1]) {
			t.Error("a clinic that is there is answered otherwise than one that is not")
		}
	})
}

func TestARoleBelowTheOneThatARouteAsksForIsRefused(t *testing.T) {
	h := newHouse(t)
	refused, let := 0, 0
	everyUse(t, h, func(t *testing.T, rt route, method string, least dental.Role) {
		for _, role := range dental.Roles() {
			w, written := h.ask(method, h.path(rt.path, "demo"), person(role))
			if role.May(least) {
				let++
				if w.Code == http.StatusForbidden || w.Code >= http.StatusInternalServerError {
					t.Errorf("%s is answered %d", role, w.Code)
				}
				continue
			}
			refused++
			if w.Code != http.StatusForbidden || written != 0 {
				t.Errorf("%s is answered %d, with %d writes", role, w.Code, written)
			}
			tellsNothing(t, w)
		}
	})
	if refused == 0 || let == 0 {
		t.Errorf("%d were refused and %d let in", refused, let)
	}
}

func TestAnotherOwnersClinicLooksLikeOneThatIsNotThere(t *testing.T) {
	h := newHouse(t)
	everyUse(t, h, func(t *testing.T, rt route, method string, _ dental.Role) {
		unknown, _ := h.ask(method, h.path(rt.path, "nowhere"), person(dental.Owner))
		if unknown.Code != http.StatusNotFound {
			t.Errorf("a clinic that is not there is answered %d", unknown.Code)
		}
		tellsNothing(t, unknown)
		for _, c := range []struct{ clinic, address string }{{"other", person(dental.Owner)}, {"other", person(dental.Administrator)}, {"demo", foreigner}, {"demo", nobodys}, {"nowhere", nobodys}} {
			w, written := h.ask(method, h.path(rt.path, c.clinic), c.address)
			if !same(w, unknown) || written != 0 {
				t.Errorf("%s at %s is answered %d %v, with %d writes; at a clinic that is not there %d %v", c.address, c.clinic, w.Code, w.Header(), written, unknown.Code, unknown.Header())
			}
		}
	})
}

func TestReadingLeavesTheTableAsItWas(t *testing.T) {
	h := newHouse(t)
	read := 0
	everyUse(t, h, func(t *testing.T, rt route, method string, least dental.Role) {
		if method == http.MethodPost {
			return
		}
		for _, role := range dental.Roles() {
			w, written := h.ask(method, h.path(rt.path, "demo"), person(role))
			if written != 0 {
				t.Errorf("%s has had something written by reading", role)
			}
			if w.Code == http.StatusOK {
				read++
			}
		}
	})
	if read == 0 {
		t.Error("nothing was read")
	}
}

func TestAPressFromAnotherSiteIsRefused(t *testing.T) {
	h := newHouse(t)
	pressed := 0
	everyUse(t, h, func(t *testing.T, rt route, method string, least dental.Role) {
		if method != http.MethodPost {
			return
		}
		for says, change := range map[string]func(*http.Request){
			"that the browser calls another site's": func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") },
			"of a neighbouring domain":              func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "same-site") },
			"of an older browser":                   func(r *http.Request) { r.Header.Set("Origin", "https://elsewhere.example") },
		} {
			pressed++
			w, written := h.ask(method, h.path(rt.path, "demo"), person(dental.Owner), change)
			if w.Code != http.StatusForbidden || written != 0 {
				t.Errorf("one %s is answered %d, with %d writes", says, w.Code, written)
			}
		}
		own, _ := h.ask(method, h.path(rt.path, "demo"), person(dental.Owner), func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "same-origin") })
		if own.Code == http.StatusForbidden {
			t.Error("the desk's own page is refused")
		}
	})
	if pressed == 0 {
		t.Error("nothing was pressed")
	}
}

func TestARouteMayAskForMoreToPressThanToRead(t *testing.T) {
	h := newHouse(t)
	says := func(w http.ResponseWriter, r request) error {
		_, err := io.WriteString(w, r.Method)
		return err
	}
	h.mux.HandleFunc("/desk/{clinic}/made-up", func(w http.ResponseWriter, r *http.Request) {
		h.pages.serve(w, r, route{path: "/desk/{clinic}/made-up", get: says, post: says, least: dental.Administrator, act: dental.Owner})
	})
	for role, want := range map[dental.Role]int{dental.Administrator: http.StatusForbidden, dental.Manager: http.StatusForbidden, dental.Owner: http.StatusOK} {
		if w, _ := h.ask(http.MethodGet, "/desk/demo/made-up", person(role)); w.Code != http.StatusOK {
			t.Errorf("%s reads with %d", role, w.Code)
		}
		if w, _ := h.ask(http.MethodPost, "/desk/demo/made-up", person(role)); w.Code != want {
			t.Errorf("%s presses with %d", role, w.Code)
		}
	}
}

func TestAMethodThatARouteDoesNotHaveIsRefusedToStaffAndNamesThoseItHas(t *testing.T) {
	h := newHouse(t)
	for _, rt := range h.pages.routes() {
		path, has := h.path(rt.path, "demo"), uses(rt)
		for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodOptions} {
			if _, is := has[method]; is {
				continue
			}
			w, written := h.ask(method, path, person(dental.Owner))
			if w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") == "" || written != 0 {
				t.Errorf("%s %s is answered %d, Allow %q", method, path, w.Code, w.Header().Get("Allow"))
			}
			if w, _ := h.ask(method, h.path(rt.path, "other"), person(dental.Owner)); method != http.MethodHead && w.Code != http.StatusNotFound {
				t.Errorf("%s of another's clinic is answered %d", method, w.Code)
			}
		}
	}
}

func TestAPostThatIsTakenAwayIsGoneAtTheNextRequest(t *testing.T) {
	h := newHouse(t)
	if w, _ := h.ask(http.MethodGet, "/desk/demo", person(dental.Manager)); w.Code != http.StatusOK {
		t.Fatalf("answered %d", w.Code)
	}
	tx, key := h.stage.Store.Begin(), h.stage.Store.StaffKey(person(dental.Manager))
	post, err := tx.Staff(t.Context(), "demo", key)
	if err != nil {
		t.Fatal(err)
	}
	tx.Remove(post)
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		if w, _ := h.ask(method, "/desk/demo", person(dental.Manager)); w.Code != http.StatusNotFound {
			t.Errorf("%s is answered %d", method, w.Code)
		}
	}
}

func TestTheDoorLeadsToTheOneClinicOrLetsChoose(t *testing.T) {
	h := newHouse(t)
	if w, _ := h.ask(http.MethodGet, "/desk", ""); w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/desk/sign-in?to=%2Fdesk" {
		t.Errorf("nobody is answered %d, %q", w.Code, w.Header().Get("Location"))
	}
	if w, _ := h.ask(http.MethodGet, "/desk", person(dental.Owner)); w.Header().Get("Location") != "/desk/demo" {
		t.Errorf("the owner is led to %q", w.Header().Get("Location"))
	}
	if w, _ := h.ask(http.MethodGet, "/desk", nobodys); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "No clinic has been opened") || strings.Contains(w.Body.String(), newPath) {
		t.Errorf("who has no post is answered %d %s", w.Code, w.Body)
	}
	h.employ("other", person(dental.Owner), dental.Administrator)
	if w, _ := h.ask(http.MethodGet, "/desk", person(dental.Owner)); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), `href="/desk/demo"`) || !strings.Contains(w.Body.String(), `href="/desk/other"`) {
		t.Errorf("who has two posts is answered %d %s", w.Code, w.Body)
	}
	for _, path := range []string{"/desk/demo/nothing", "/desk/demo/staff/nobody/nothing", "/desk/"} {
		if w, _ := h.ask(http.MethodGet, path, person(dental.Owner)); w.Code != http.StatusNotFound {
			t.Errorf("%s is answered %d", path, w.Code)
		}
	}
}

// same reports whether two answers cannot be told apart.
func same(a, b *httptest.ResponseRecorder) bool {
	return a.Code == b.Code && a.Body.String() == b.Body.String() && reflect.DeepEqual(a.Header(), b.Header())
}

// tellsNothing holds a denial to saying no more than that it is one.
func tellsNothing(t *testing.T, w *httptest.ResponseRecorder) {
	t.Helper()
	for _, secret := range []string{"Исток", "Родник", "demo", "other", "P-1", "Клёнова", "example.com", "administrator", "owner"} {
		if strings.Contains(w.Body.String(), secret) || strings.Contains(fmt.Sprint(w.Header()), secret) {
			t.Errorf("the denial %d tells of %q: %v %s", w.Code, secret, w.Header(), w.Body)
		}
	}
	if w.Header().Get("Cache-Control") != "no-store" || w.Header().Get("Content-Security-Policy") == "" || len(w.Result().Cookies()) != 0 {
		t.Errorf("the denial %d has the headers %v", w.Code, w.Header())
	}
}
