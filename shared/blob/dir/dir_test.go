package dir_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/returnpoint/returnpoint/shared/blob/blobtest"
	"github.com/returnpoint/returnpoint/shared/blob/dir"
	"github.com/returnpoint/returnpoint/shared/dental"
)

// open makes a Dir in a folder, with its handler on a server.
func open(t *testing.T, folder string, change ...func(*dir.Options)) blobtest.Place {
	t.Helper()
	var ahead atomic.Int64
	now := func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
	mux := http.NewServeMux()
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	o := dir.Options{Base: server.URL, Key: bytes.Repeat([]byte("k"), 32), Now: now, Disk: now}
	for _, c := range change {
		c(&o)
	}
	d, err := dir.Open(folder, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	mux.Handle(dir.Path, d.Handler())
	return blobtest.Place{Files: d, Now: now, Pass: func(d time.Duration) { ahead.Add(int64(d)) }}
}

func TestAFolderKeepsWhatEveryPlaceOfFilesPromises(t *testing.T) {
	blobtest.Run(t, func(t *testing.T) blobtest.Place { return open(t, filepath.Join(t.TempDir(), "files")) })
}

func TestALinkLeadsNowhere(t *testing.T) {
	outside, inside := t.TempDir(), t.TempDir()
	secret := filepath.Join(outside, "secret")
	if err := os.WriteFile(secret, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	p := open(t, inside)
	if err := os.Mkdir(filepath.Join(inside, "inbox"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, to := range map[string]string{"inbox/file.csv": secret, "inbox/folder": outside} {
		if err := os.Symlink(to, filepath.Join(inside, name)); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"inbox/file.csv", "inbox/folder/secret"} {
		if f, err := p.Open(t.Context(), name, 0); err == nil {
			t.Errorf("%s was opened", name)
			_ = f.Close()
		}
		if err := p.Move(t.Context(), name, "imports/x"); err == nil {
			t.Errorf("%s was moved", name)
		}
	}
	if err := p.Put(t.Context(), "inbox/folder/new", strings.NewReader("x")); err == nil {
		t.Error("a file was written beyond a link")
	}
	if list, err := p.List(t.Context(), ""); err != nil || len(list) != 0 {
		t.Errorf("it lists %v (%v)", list, err)
	}
	if raw, err := os.ReadFile(secret); string(raw) != "secret" || err != nil {
		t.Errorf("the file outside is %q (%v)", raw, err)
	}
}

func TestWhatACrashHasLeftHalfWrittenIsCleared(t *testing.T) {
	folder := t.TempDir()
	left := filepath.Join(folder, ".incoming", "half")
	if err := os.MkdirAll(filepath.Dir(left), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(left, []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	p := open(t, folder)
	if _, err := os.Stat(left); !os.IsNotExist(err) {
		t.Errorf("it is there: %v", err)
	}
	if list, err := p.List(t.Context(), ""); err != nil || len(list) > 0 {
		t.Errorf("it lists %v (%v)", list, err)
	}
}

func TestAnUploadIsBoundedAndTold(t *testing.T) {
	var told []string
	p := open(t, t.TempDir(), func(o *dir.Options) {
		o.Most = 10
		o.Stored = func(name string) { told = append(told, name) }
	})
	url, err := p.UploadURL(t.Context(), "imports/demo/1/file", "text/csv", p.Now().Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	send := func(body io.Reader) int {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPut, url, body)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "text/csv; charset=utf-8")
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close()
		return answer.StatusCode
	}
	if got := send(strings.NewReader("eleven byte")); got != 413 {
		t.Errorf("what is too large is answered %d", got)
	}
	if got := send(struct{ io.Reader }{strings.NewReader("eleven byte")}); got != 413 {
		t.Errorf("what is too large and does not say so is answered %d", got)
	}
	if _, err := p.Size(t.Context(), "imports/demo/1/file"); dental.KindOf(err) != dental.NotFound {
		t.Errorf("some of it was kept: %v", err)
	}
	if got := send(strings.NewReader("ten bytes.")); got != 200 {
		t.Errorf("what fits is answered %d", got)
	}
	if len(told) != 1 || told[0] != "imports/demo/1/file" {
		t.Errorf("told of %v", told)
	}
}

func TestOldFilesAreCleared(t *testing.T) {
	p := open(t, t.TempDir())
	d := p.Files.(*dir.Dir)
	if err := p.Put(t.Context(), "imports/demo/1/report.csv", strings.NewReader("x")); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		pass time.Duration
		want int
	}{{23 * time.Hour, 1}, {2 * time.Hour, 0}} {
		p.Pass(c.pass)
		if err := d.Clear(t.Context(), "imports/", 24*time.Hour); err != nil {
			t.Fatal(err)
		}
		if list, err := p.List(t.Context(), ""); err != nil || len(list) != c.want {
			t.Errorf("there are %v (%v)", list, err)
		}
	}
}

func TestOnlyTheFoldersNamedAreReached(t *testing.T) {
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "keys.json"), []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	p := open(t, folder, func(o *dir.Options) { o.Only = []string{"imports", "inbox"} })
	if err := p.Put(t.Context(), "inbox/demo/base.csv", strings.NewReader("x")); err != nil {
		t.Fatal(err)
	}
	if f, err := p.Open(t.Context(), "keys.json", 0); dental.KindOf(err) != dental.Invalid {
		t.Errorf("the file of another was opened: %v", err)
		_ = f.Close()
	}
	if err := p.Move(t.Context(), "inbox/demo/base.csv", "keys.json"); dental.KindOf(err) != dental.Invalid {
		t.Errorf("a file was moved over that of another: %v", err)
	}
	if list, err := p.List(t.Context(), ""); err != nil || len(list) != 1 || list[0].Name != "inbox/demo/base.csv" {
		t.Errorf("it lists %v (%v)", list, err)
	}
}

func TestAShortKeyIsRefused(t *testing.T) {
	if _, err := dir.Open(t.TempDir(), dir.Options{Key: []byte("short")}); err == nil {
		t.Error("it was taken")
	}
}
