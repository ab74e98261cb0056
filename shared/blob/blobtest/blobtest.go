// Package blobtest holds every place where files are kept to one suite.
package blobtest

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/load"
)

// Place is an empty place with the clock that its URLs end by.
type Place struct {
	load.Files
	Now func() time.Time
	// Pass lets time go by, for URLs and for the age of files.
	Pass func(time.Duration)
}

// Run holds places, each made new by open, to what load.Files promises.
func Run(t *testing.T, open func(t *testing.T) Place) {
	t.Helper()
	for name, test := range map[string]func(*testing.T, Place){
		"what is put is read again, from any offset":           offsets,
		"a large file of unknown length is whole":              large,
		"a file is put over another":                           over,
		"a write that breaks off leaves what was there":        broken,
		"what is not there is not found":                       absent,
		"what is no name is refused":                           names,
		"a list has the names of a prefix in their order":      lists,
		"a file that is written again has another mark":        marks,
		"a move takes a file to its new name":                  moves,
		"an upload URL takes one file of its type, for a time": uploads,
		"a download URL gives one file, for a time":            downloads,
	} {
		t.Run(name, func(t *testing.T) { test(t, open(t)) })
	}
}

func put(t *testing.T, p Place, name, body string) {
	t.Helper()
	if err := p.Put(t.Context(), name, strings.NewReader(body)); err != nil {
		t.Fatalf("put %s: %v", name, err)
	}
}

func read(t *testing.T, p Place, name string, from int64) string {
	t.Helper()
	f, err := p.Open(t.Context(), name, from)
	if err != nil {
		t.Fatalf("open %s from %d: %v", name, from, err)
	}
	raw, err := io.ReadAll(f)
	if err = errors.Join(err, f.Close()); err != nil {
		t.Fatalf("read %s: %v", name, err)
	}
	return string(raw)
}

func offsets(t *testing.T, p Place) {
	const body = "семь строк"
	put(t, p, "imports/demo/1/file", body)
	for _, from := range []int64{0, 1, 4, int64(len(body)) - 1, int64(len(body)), int64(len(body)) + 7} {
		if got, want := read(t, p, "imports/demo/1/file", from), body[min(int(from), len(body)):]; got != want {
			t.Errorf("from %d: %q, want %q", from, got, want)
		}
	}
	if n, err := p.Size(t.Context(), "imports/demo/1/file"); n != int64(len(body)) || err != nil {
		t.Errorf("it has %d bytes (%v), want %d", n, err, len(body))
	}
	put(t, p, "empty", "")
	if got := read(t, p, "empty", 0); got != "" {
		t.Errorf("an empty file is %q", got)
	}
}

func large(t *testing.T, p Place) {
	body := make([]byte, 17<<20+11)
	for i := range body {
		body[i] = byte(i * 2654435761 >> 16)
	}
	// A reader that nothing can be known of.
	if err := p.Put(t.Context(), "large", struct{ io.Reader }{bytes.NewReader(body)}); err != nil {
		t.Fatal(err)
	}
	if got := read(t, p, "large", 0); got != string(body) {
		t.Errorf("%d bytes came back of %d, or others", len(got), len(body))
	}
	if got := read(t, p, "large", 9<<20); got != string(body[9<<20:]) {
		t.Errorf("%d bytes came back of the rest of %d, or others", len(got), len(body)-9<<20)
	}
}

func over(t *testing.T, p Place) {
	put(t, p, "a/b", "long ago")
	put(t, p, "a/b", "new")
	if got := read(t, p, "a/b", 0); got != "new" {
		t.Errorf("it is %q", got)
	}
}

// breaking gives some bytes and then fails.
type breaking struct{ left int }

var errBroken = errors.New("the line is cut")

func (b *breaking) Read(p []byte) (int, error) {
	if b.left == 0 {
		return 0, errBroken
	}
	n := min(len(p), b.left)
	b.left -= n
	return n, nil
}

func broken(t *testing.T, p Place) {
	put(t, p, "a", "whole")
	for _, n := range []int{0, 3, 9 << 20} {
		if err := p.Put(t.Context(), "a", &breaking{n}); err == nil {
			t.Errorf("a write that broke off after %d bytes is said to be done", n)
		}
		if err := p.Put(t.Context(), "b", &breaking{n}); err == nil {
			t.Errorf("a write that broke off after %d bytes is said to be done", n)
		}
	}
	if got := read(t, p, "a", 0); got != "whole" {
		t.Errorf("it is %q", got)
	}
	if list, err := p.List(t.Context(), ""); err != nil || len(list) != 1 {
		t.Errorf("there are %v (%v)", list, err)
	}
}

func absent(t *testing.T, p Place) {
	put(t, p, "a/b", "x")
	for _, name := range []string{"b", "a", "a/b/c", "a/c"} {
		_, err := p.Open(t.Context(), name, 0)
		_, sized := p.Size(t.Context(), name)
		moved := p.Move(t.Context(), name, "elsewhere/"+name)
		for what, err := range map[string]error{"open": err, "size": sized, "move": moved} {
			if name != "a/b/c" && dental.KindOf(err) != dental.NotFound || err == nil {
				t.Errorf("%s %s: %v", what, name, err)
			}
		}
	}
	if err := p.Delete(t.Context(), "never"); err != nil {
		t.Errorf("to delete what is not there: %v", err)
	}
	if list, err := p.List(t.Context(), "nowhere/"); err != nil || len(list) > 0 {
		t.Errorf("nowhere there are %v (%v)", list, err)
	}
}

func names(t *testing.T, p Place) {
	for _, name := range []string{"", ".", "..", "/", "/etc/passwd", "../x", "a/../../x", "a//b", "a/", "./a", "a/./b", `a\b`, "a\x00b", ".hidden", "a/.hidden", strings.Repeat("n", 2000)} {
		_, opened := p.Open(t.Context(), name, 0)
		_, sized := p.Size(t.Context(), name)
		_, up := p.UploadURL(t.Context(), name, "text/csv", p.Now().Add(time.Hour))
		_, down := p.DownloadURL(t.Context(), name, "x", p.Now().Add(time.Hour))
		for what, err := range map[string]error{"put": p.Put(t.Context(), name, strings.NewReader("x")), "open": opened, "size": sized, "move from": p.Move(t.Context(), name, "x"),
			"move to": p.Move(t.Context(), "x", name), "delete": p.Delete(t.Context(), name), "upload": up, "download": down} {
			if dental.KindOf(err) != dental.Invalid {
				t.Errorf("%s %q: %v", what, name, err)
			}
		}
	}
	for _, name := range []string{"a b+c&d=e%20f.csv", "база пациентов.xlsx", "a:b"} {
		put(t, p, "inbox/demo/"+name, name)
		if err := p.Move(t.Context(), "inbox/demo/"+name, "x/"+name); err != nil {
			t.Errorf("move %q: %v", name, err)
		} else if got := read(t, p, "x/"+name, 0); got != name {
			t.Errorf("%q is %q", name, got)
		}
	}
}

func lists(t *testing.T, p Place) {
	for _, name := range []string{"inbox/demo/b.csv", "inbox/demo/a.csv", "inbox/demo-2/a.csv", "inbox/demo.csv", "imports/demo/1/file"} {
		put(t, p, name, "12345")
	}
	p.Pass(90 * time.Second)
	for prefix, want := range map[string][]string{
		"inbox/":       {"inbox/demo-2/a.csv", "inbox/demo.csv", "inbox/demo/a.csv", "inbox/demo/b.csv"},
		"inbox/demo/":  {"inbox/demo/a.csv", "inbox/demo/b.csv"},
		"inbox/demo/b": {"inbox/demo/b.csv"},
		"imports/":     {"imports/demo/1/file"},
		"im":           {"imports/demo/1/file"},
	} {
		list, err := p.List(t.Context(), prefix)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, f := range list {
			got = append(got, f.Name)
			if f.Size != 5 || f.Still < 80*time.Second || f.Still > 10*time.Minute {
				t.Errorf("%s has %d bytes and is %v old", f.Name, f.Size, f.Still)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q: %q, want %q", prefix, got, want)
		}
	}
}

func marks(t *testing.T, p Place) {
	mark := func() string {
		list, err := p.List(t.Context(), "a")
		if err != nil || len(list) != 1 {
			t.Fatalf("there are %v (%v)", list, err)
		}
		return list[0].Mark
	}
	put(t, p, "a", "1")
	first := mark()
	if again := mark(); again != first {
		t.Errorf("the mark changed from %s to %s by itself", first, again)
	}
	p.Pass(2 * time.Second)
	put(t, p, "a", "2")
	if mark() == first {
		t.Error("the mark is the same after another file was put")
	}
}

func moves(t *testing.T, p Place) {
	put(t, p, "a/1", "one")
	put(t, p, "b/2", "two")
	if err := p.Move(t.Context(), "a/1", "b/2"); err != nil {
		t.Fatal(err)
	}
	if got := read(t, p, "b/2", 0); got != "one" {
		t.Errorf("it is %q", got)
	}
	if _, err := p.Size(t.Context(), "a/1"); dental.KindOf(err) != dental.NotFound {
		t.Errorf("the old name: %v", err)
	}
	if err := p.Delete(t.Context(), "b/2"); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Size(t.Context(), "b/2"); dental.KindOf(err) != dental.NotFound {
		t.Errorf("after its end: %v", err)
	}
}

// call makes a request of a URL and returns the status and the body.
func call(t *testing.T, method, url, contentType, body string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := io.ReadAll(answer.Body)
	if err = errors.Join(err, answer.Body.Close()); err != nil {
		t.Fatal(err)
	}
	return answer, string(raw)
}

func uploads(t *testing.T, p Place) {
	url, err := p.UploadURL(t.Context(), "imports/demo/1/file", "text/csv", p.Now().Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	tampered := strings.Replace(url, "imports", "imported", 1)
	if tampered == url { // the name is not to be read in it
		tampered = url[:len(url)-2] + "AA"
	}
	for _, c := range []struct {
		says, method, url, kind string
		want                    int
	}{
		{"another URL", http.MethodPut, tampered, "text/csv", 403},
		{"another method", http.MethodGet, url, "", 403},
		{"another content type", http.MethodPut, url, "text/html", 403},
		{"the right one", http.MethodPut, url, "text/csv", 200},
		{"the right one once more", http.MethodPut, url, "text/csv", 200},
	} {
		if answer, body := call(t, c.method, c.url, c.kind, "фамилия;имя"); answer.StatusCode != c.want {
			t.Errorf("%s is answered %d, want %d: %s", c.says, answer.StatusCode, c.want, body)
		}
	}
	if got := read(t, p, "imports/demo/1/file", 0); got != "фамилия;имя" {
		t.Errorf("it is %q", got)
	}
	p.Pass(2 * time.Hour)
	if answer, _ := call(t, http.MethodPut, url, "text/csv", "later"); answer.StatusCode != 403 {
		t.Errorf("after its time it is answered %d", answer.StatusCode)
	}
	if got := read(t, p, "imports/demo/1/file", 0); got != "фамилия;имя" {
		t.Errorf("it became %q", got)
	}
}

func downloads(t *testing.T, p Place) {
	put(t, p, "imports/demo/1/report.csv", "строка;причина")
	url, err := p.DownloadURL(t.Context(), "imports/demo/1/report.csv", "import-1.csv", p.Now().Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	answer, body := call(t, http.MethodGet, url, "", "")
	if answer.StatusCode != 200 || body != "строка;причина" {
		t.Errorf("it is answered %d %q", answer.StatusCode, body)
	}
	if got := answer.Header.Get("Content-Disposition"); got != "attachment; filename=import-1.csv" {
		t.Errorf("it is shown as %q", got)
	}
	if answer, _ := call(t, http.MethodPut, url, "text/csv", "x"); answer.StatusCode != 403 {
		t.Errorf("a PUT is answered %d", answer.StatusCode)
	}
	gone, err := p.DownloadURL(t.Context(), "imports/demo/2/report.csv", "import-2.csv", p.Now().Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	if answer, _ := call(t, http.MethodGet, gone, "", ""); answer.StatusCode != 404 {
		t.Errorf("what is not there is answered %d", answer.StatusCode)
	}
	p.Pass(2 * time.Hour)
	if answer, body := call(t, http.MethodGet, url, "", ""); answer.StatusCode != 403 || strings.Contains(body, "строка") {
		t.Errorf("after its time it is answered %d %q", answer.StatusCode, body)
	}
}
