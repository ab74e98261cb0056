//go:build browser

package browser

import (
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/returnpoint/returnpoint/shared/web/staff"
)

// roles are who walks the desk, by the address that they sign in with. The
// manager has no page that the owner has not.
func roles() []string { return []string{"administrator", "owner"} }

// samples is how many pages of a kind are looked at.
const samples = 2

// signIn goes through the provider's own form to the desk.
func (b *tab) signIn(role string) error {
	if _, err := b.visit("/desk/" + clinic); err != nil {
		return err
	}
	status, err := b.press(`button[name=person][value="` + role + `@example.com"]`)
	if err != nil {
		return err
	}
	var path string
	if err := b.ask(`location.pathname`, &path); err != nil {
		return err
	}
	if status != http.StatusOK || path != "/desk/"+clinic {
		return fmt.Errorf("signing in as the %s leads to %s with %d", role, path, status)
	}
	return nil
}

// links are the paths of the desk that the page leads to.
func (b *tab) links() (paths []string, err error) {
	return paths, b.ask(`[...document.querySelectorAll('a[href], form[method=get]')].map(e => new URL(e.href || e.action, location))
		.filter(u => u.host === location.host && (u.pathname + '/').startsWith('/desk/'+`+"`"+clinic+"`"+`)).map(u => u.pathname + u.search)`, &paths)
}

// doors are the pages that no link leads to: what is typed, and what a press leads to.
func doors() []string {
	var paths []string
	for _, path := range []string{"/search?digits=0001", "/look", "/look?own=on&color=%23ffd400", "/today/version", "/logo", "/arrivals/P-001/consent"} {
		paths = append(paths, "/desk/"+clinic+path)
	}
	return paths
}

// finder tells which of the desk's patterns a path is of.
func finder() func(path string) (pattern string) {
	mux := http.NewServeMux()
	for _, pattern := range staff.Paths() {
		mux.HandleFunc(pattern, func(http.ResponseWriter, *http.Request) {})
	}
	return func(path string) string {
		u, err := url.Parse(path)
		if err != nil {
			return ""
		}
		_, pattern := mux.Handler(&http.Request{Method: http.MethodGet, URL: u, Host: "desk"})
		return pattern
	}
}

// pages walks along the desk's links and gives the paths to look at, by pattern.
func (b *tab) pages() (map[string][]string, error) {
	find, out := finder(), map[string][]string{}
	seen := map[string]bool{}
	ahead := append([]string{"/desk/" + clinic}, doors()...)
	for len(ahead) > 0 {
		path := ahead[0]
		ahead = ahead[1:]
		pattern := find(path)
		// A list is followed to its end, for what only its last pages lead to.
		enough := len(out[pattern]) >= samples
		if seen[path] || pattern == "" || enough && !strings.Contains(path, "from=") {
			continue
		}
		seen[path] = true
		file, status, err := b.kind(path)
		switch {
		case err != nil:
			return nil, err
		case file:
			out[pattern] = []string{}
			continue
		case status == http.StatusForbidden || status == http.StatusNotFound:
			continue // it is another role's
		case status != http.StatusOK:
			return nil, fmt.Errorf("%s answers %d", path, status)
		}
		if !enough {
			out[pattern] = append(out[pattern], path)
		}
		if _, err := b.visit(path); err != nil {
			return nil, err
		}
		further, err := b.links()
		if err != nil {
			return nil, err
		}
		ahead = append(ahead, further...)
	}
	return out, nil
}

// kind asks what is at a path, as who is signed in: a page, or a file that a
// browser would put away.
func (b *tab) kind(path string) (file bool, status int, err error) {
	r, err := http.NewRequestWithContext(context.Background(), http.MethodGet, b.base.String()+path, nil)
	if err != nil {
		return false, 0, err
	}
	cookies, err := b.cookies()
	if err != nil {
		return false, 0, err
	}
	for _, c := range cookies {
		r.AddCookie(&http.Cookie{Name: c.Name, Value: c.Value})
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return false, 0, err
	}
	defer func() { _ = answer.Body.Close() }()
	return !strings.HasPrefix(answer.Header.Get("Content-Type"), "text/html"), answer.StatusCode, nil
}

// dress gives the clinic a colour and a logo, by the owner's own form.
func dress(t *testing.T, b *tab) {
	t.Helper()
	logo := image.NewNRGBA(image.Rect(0, 0, 300, 100))
	for i := range logo.Rect.Dx() * logo.Rect.Dy() {
		if x, y := i%300-50, i/300-50; x*x+y*y < 45*45 || (y > -8 && y < 8 && x > 60) {
			logo.SetNRGBA(i%300, i/300, color.NRGBA{R: 0x0e, G: 0x6b, B: 0x62, A: 0xff})
		}
	}
	path := filepath.Join(t.TempDir(), "logo.png")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(png.Encode(f, logo), f.Close()); err != nil {
		t.Fatal(err)
	}
	if err := b.signIn("owner"); err != nil {
		t.Fatal(err)
	}
	if _, err := b.visit("/desk/" + clinic + "/look"); err != nil {
		t.Fatal(err)
	}
	if err := b.choose(`input[type=file]`, path); err != nil {
		t.Fatal(err)
	}
	if err := b.ask(`(document.querySelector('[name=own]').checked = true, document.querySelector('[name=color]').value = '#0e6b62', null)`, nil); err != nil {
		t.Fatal(err)
	}
	status, err := b.press(`form[enctype] button.main`)
	if err != nil || status != http.StatusOK {
		t.Fatalf("the look is not set: %d, %v", status, err)
	}
	var shown bool
	if err := b.ask(`document.querySelector('header img.logo')?.naturalWidth > 0`, &shown); err != nil || !shown {
		t.Fatalf("the page shows no logo: %v", err)
	}
}

// bring has a base imported that two cards of are of one person, leaves another
// file to be looked at, and has all of it counted.
func bring(t *testing.T, m *machine, b *tab) {
	const base = "Карта;ФИО;Телефон;Дата рождения;Последний визит;Заметка\nB-1;Клёнова Анна;+7 916 000-00-71;14.03.1985;10.01.2025;да\nB-2;Клёнова Анна;+7 916 000-00-71;14.03.1985;11.08.2025;=1+1\nB-3;;;;31.31.2025;\n"
	path := filepath.Join(t.TempDir(), "base.csv")
	if err := os.WriteFile(path, []byte(base), 0o600); err != nil {
		t.Fatal(err)
	}
	look := func() {
		if _, err := b.visit("/desk/" + clinic + "/imports"); err != nil {
			t.Fatal(err)
		}
		if err := b.choose(`input[type=file]`, path); err != nil {
			t.Fatal(err)
		}
		if status, err := b.press(`form[enctype] button.main`); err != nil || status != http.StatusOK {
			t.Fatalf("the file is not taken: %d, %v", status, err)
		}
	}
	look()
	if status, err := b.press(`button[value=start]`); err != nil || status != http.StatusOK {
		t.Fatalf("the import is not begun: %d, %v", status, err)
	}
	look()
	m.send(http.MethodPost, "/_local/audit?clinic="+clinic, "")
	m.send(http.MethodPost, "/_local/clock", `{"advance": "5m"}`)
	var counted struct{ Running bool }
	for range 120 {
		if m.read("/_local/audit?clinic="+clinic, &counted); !counted.Running {
			return
		}
		time.Sleep(time.Second)
	}
	t.Fatal("the audit comes to no end")
}

// desksPages looks at every page of the desk that a role can come to.
func desksPages(t *testing.T, m *machine, browser context.Context, axe string) {
	looked := map[string]bool{}
	owner := open(t, browser, m.base, true)
	dress(t, owner)
	bring(t, m, owner)
	for _, role := range roles() {
		for _, scripts := range []bool{true, false} {
			b := open(t, browser, m.base, scripts)
			if err := b.signIn(role); err != nil {
				t.Fatal(err)
			}
			pages, err := b.pages()
			if err != nil {
				t.Fatal(err)
			}
			for pattern, paths := range pages {
				looked[pattern] = true
				for i, path := range paths {
					t.Run(fmt.Sprintf("%s at %s, scripts %v", role, path, scripts), func(t *testing.T) {
						b.walk(t, path, axe, fmt.Sprintf("%s-%s-%d", role, slug(strings.TrimPrefix(pattern, "/desk/{clinic}")), i+1))
					})
				}
			}
		}
	}
	for _, pattern := range staff.Paths() {
		if !looked[pattern] {
			t.Errorf("nothing leads to %s: link it, or name a door to it", pattern)
		}
	}
	if !slices.Contains(staff.Paths(), "/desk/{clinic}") {
		t.Errorf("the desk has the pages %q", staff.Paths())
	}
}
