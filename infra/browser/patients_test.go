//go:build browser

package browser

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/returnpoint/returnpoint/infra/local/template"
)

// leaf is one page of a patient: the state that a link of a kind is in.
type leaf struct{ kind, heading, path string }

// states is how many states of each kind of page are looked at.
const states = 5

// leaves are the pages that patients' links lead to, each state once, by the kind
// of the link: its path up to the token.
func (m *machine) leaves(kinds []string) map[string][]leaf {
	m.t.Helper()
	heading := regexp.MustCompile(`(?s)<h1[^>]*>(.*?)</h1>`)
	referral := regexp.MustCompile(`href="(/r/[^"]+)"`)
	out := map[string][]leaf{}
	visited := map[string]bool{}
	var add func(path string)
	add = func(path string) {
		kind := path[:strings.LastIndex(path, "/")+1]
		if visited[path] || len(out[kind]) >= states || !slices.Contains(kinds, kind) {
			return
		}
		visited[path] = true
		status, page, err := m.get(m.base + path)
		if err != nil || status >= 500 {
			m.t.Fatalf("%s: %d, %v", path, status, err)
		}
		found := heading.FindStringSubmatch(page)
		if found == nil {
			m.t.Fatalf("%s has no heading", path)
		}
		if !slices.ContainsFunc(out[kind], func(l leaf) bool { return l.heading == found[1] }) {
			out[kind] = append(out[kind], leaf{kind, found[1], path})
		}
		if friend := referral.FindStringSubmatch(page); friend != nil {
			add(friend[1])
		}
	}
	for _, msg := range m.messages() {
		for _, link := range msg.Links {
			if u, err := url.Parse(link); err == nil && strings.HasPrefix(link, m.base) {
				add(u.EscapedPath())
			}
		}
	}
	return out
}

// patientsRoutes are the routes of template.yaml that patients' links lead to.
func patientsRoutes(t testing.TB) (kinds []string) {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(root, "template.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	functions, err := template.Read(raw)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range functions {
		for _, r := range f.Routes {
			if kind, isPage := strings.CutSuffix(strings.NewReplacer("{token}", "", "{code}", "").Replace(r.Path), "/"); isPage && !strings.HasPrefix(r.Path, "/v1/") {
				kinds = append(kinds, kind+"/")
			}
		}
	}
	if len(kinds) < 7 {
		t.Fatalf("there are only %q", kinds)
	}
	return kinds
}

// patientsPages looks at each state of each page behind a link.
func patientsPages(t *testing.T, m *machine, browser context.Context, axe string) {
	kinds := patientsRoutes(t)
	leaves := m.leaves(kinds)
	for _, kind := range kinds {
		if len(leaves[kind]) == 0 {
			t.Errorf("nothing leads to a page under %s", kind)
		}
	}
	for _, scripts := range []bool{true, false} {
		b := open(t, browser, m.base, scripts)
		for kind, found := range leaves {
			for i, l := range found {
				t.Run(fmt.Sprintf("%s %s, scripts %v", kind, l.heading, scripts), func(t *testing.T) {
					b.walk(t, l.path, axe, fmt.Sprintf("patient-%s-%d", slug(kind), i+1))
				})
			}
		}
	}
}
