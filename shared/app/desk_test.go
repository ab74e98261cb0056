package app_test

import (
	"crypto/rand"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/returnpoint/returnpoint/infra/local/oidc"
	"github.com/returnpoint/returnpoint/shared/api/openapitest"
	"github.com/returnpoint/returnpoint/shared/app/team"
	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/stagetest"
)

// ofDesk are the published paths of the desk: the gateway's two routes.
var ofDesk = []string{"/desk", "/desk/{proxy+}"}

const deskBase = "https://rp.example"

// front is a desk whose issuer is the built-in one, with a browser before both.
type front struct {
	*stagetest.Stage
	desk    http.Handler
	mux     *http.ServeMux
	browser *http.Client
}

func newFront(t *testing.T, change ...func(*team.Front)) *front {
	t.Helper()
	f := &front{Stage: stagetest.New(t, time.Date(2026, 3, 10, 8, 0, 0, 0, time.UTC)), mux: http.NewServeMux()}
	issuer, err := oidc.Open(oidc.Options{Issuer: deskBase + "/oidc", ClientID: "desk", Callback: deskBase + "/desk/callback", Home: deskBase + "/desk", Dir: t.TempDir(),
		Demo: []oidc.Person{{Address: "olga@example.com", Name: "Ольга Ветрова"}}, Near: func(*http.Request) bool { return true }, Clock: f.Now, Rand: rand.Reader})
	if err != nil {
		t.Fatal(err)
	}
	d := deps(f.Stage)
	d.Rand = rand.Reader
	how := team.Front{Base: deskBase, Issuer: deskBase + "/oidc", ClientID: "desk", Keys: [][]byte{[]byte(strings.Repeat("s", 32))}, Client: issuer.Client()}
	for _, c := range change {
		c(&how)
	}
	if f.desk, err = team.Desk(d, how); err != nil {
		t.Fatal(err)
	}
	f.mux.Handle("/desk", f.desk)
	f.mux.Handle("/desk/", f.desk)
	f.mux.Handle("/oidc/", issuer)
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	f.browser = &http.Client{Jar: jar, Transport: f}
	return f
}

// RoundTrip is the browser's network.
func (f *front) RoundTrip(r *http.Request) (*http.Response, error) {
	own := r.Clone(r.Context())
	own.RequestURI, own.Host = r.URL.RequestURI(), r.URL.Host
	if own.Body == nil {
		own.Body = http.NoBody
	}
	w := httptest.NewRecorder()
	f.mux.ServeHTTP(w, own)
	answer := w.Result()
	answer.Request = r
	return answer, nil
}

// employ gives Olga a post.
func (f *front) employ(role dental.Role) {
	f.T.Helper()
	tx, key := f.Store.Begin(), f.Store.StaffKey("olga@example.com")
	if _, err := tx.Staff(f.T.Context(), "demo", key); err != nil {
		f.T.Fatal(err)
	}
	tx.Put(dental.Staff{Clinic: "demo", Key: key, Email: "olga@example.com", Name: "Ольга Ветрова", Role: role})
	if err := tx.Commit(f.T.Context()); err != nil {
		f.T.Fatal(err)
	}
}

// signIn signs Olga in, and returns where she is then.
func (f *front) signIn(to string) *http.Response {
	f.T.Helper()
	form, err := f.browser.Get(deskBase + to)
	if err != nil || form.Request.URL.Path != "/oidc/authorize" {
		f.T.Fatalf("the way to sign in ends at %v, %v", form, err)
	}
	answer, err := f.browser.PostForm(form.Request.URL.String(), url.Values{"person": {"olga@example.com"}})
	if err != nil {
		f.T.Fatal(err)
	}
	return answer
}

// asOlga puts the cookies of her browser into a request.
func (f *front) asOlga(r *http.Request) *http.Request {
	f.T.Helper()
	u, err := url.Parse(deskBase + "/desk")
	if err != nil {
		f.T.Fatal(err)
	}
	for _, c := range f.browser.Jar.Cookies(u) {
		r.AddCookie(c)
	}
	return r
}

func TestAPersonOfTheIssuerIsStaffOfTheClinicThatHasThem(t *testing.T) {
	f := newFront(t)
	f.employ(dental.Manager)
	if answer := f.signIn("/desk/demo/log"); answer.StatusCode != http.StatusOK || answer.Request.URL.Path != "/desk/demo/log" {
		t.Errorf("she ends at %s with %d", answer.Request.URL, answer.StatusCode)
	}
	if answer, err := f.browser.Get(deskBase + "/desk/demo/staff"); err != nil || answer.StatusCode != http.StatusForbidden {
		t.Errorf("a manager opens the staff's page: %v, %v", answer, err)
	}
}

func TestTheDeskAnswersAsTheDocumentSays(t *testing.T) {
	doc := openapitest.Load(t, document)
	f := newFront(t)
	serve := func(want int, r *http.Request) {
		t.Helper()
		if w := doc.Serve(t, f.desk, r); w.Code != want {
			t.Errorf("%s %s is answered %d, want %d", r.Method, r.URL.Path, w.Code, want)
		}
	}
	serve(http.StatusSeeOther, get("/desk"))
	serve(http.StatusSeeOther, get("/desk/demo"))
	serve(http.StatusForbidden, form("/desk/demo"))
	f.signIn("/desk")
	serve(http.StatusOK, f.asOlga(get("/desk"))) // no post anywhere
	serve(http.StatusNotFound, f.asOlga(get("/desk/demo")))
	serve(http.StatusNotFound, f.asOlga(form("/desk/demo")))
	f.employ(dental.Administrator)
	serve(http.StatusSeeOther, f.asOlga(get("/desk")))
	serve(http.StatusOK, f.asOlga(get("/desk/demo")))
	serve(http.StatusForbidden, f.asOlga(get("/desk/demo/staff")))
	f.employ(dental.Owner)
	serve(http.StatusUnprocessableEntity, f.asOlga(form("/desk/demo/staff", "press", "p1", "email", "nobody")))
	serve(http.StatusSeeOther, f.asOlga(form("/desk/demo/staff", "press", "p1", "email", "new@example.com", "name", "Павел", "role", "manager")))
	serve(http.StatusBadRequest, f.asOlga(parts("/desk/demo/staff", "name", "Павел")))
	serve(http.StatusRequestEntityTooLarge, f.asOlga(form("/desk/demo/staff", "name", strings.Repeat("a", 300<<10))))
	if unseen := doc.Unseen(ofDesk...); len(unseen) > 0 {
		t.Errorf("the document promises, and nobody has seen, %v", unseen)
	}
}

func TestADeskOfBadSettingsIsNotComposed(t *testing.T) {
	if _, err := team.Desk(deps(stagetest.New(t, time.Now())), team.Front{Base: "http://rp.example"}); err == nil || !strings.Contains(err.Error(), "https URL") {
		t.Errorf("it says %v", err)
	}
}
