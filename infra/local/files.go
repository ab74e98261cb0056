package main

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/returnpoint/returnpoint/shared/blob/dir"
	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/load"
)

// inboxOf is the folder that a clinic's system may lay its exports into.
func inboxOf(clinic string) string { return "inbox/" + clinic }

// openFiles opens the folders of files in LOCAL_DIR.
func (m *machine) openFiles(base string) error {
	key, err := openFilesKey(filepath.Join(m.dir, "files.key"))
	if err != nil {
		return err
	}
	m.files, err = dir.Open(m.dir, dir.Options{Base: base, Key: key, Only: []string{"imports", "inbox", "inbox-refused"}, Now: m.clock.Now, Disk: time.Now, Stored: m.uploaded})
	return err
}

// openFilesKey reads the key that signs upload and download URLs, or makes it, once.
func openFilesKey(path string) ([]byte, error) {
	key, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		key = []byte(rand.Text() + rand.Text())
		err = writeOnce(path, key)
	}
	if err == nil && len(key) < 32 {
		err = errors.New("it is not what this program wrote")
	}
	if err != nil {
		return nil, fmt.Errorf("files.key: %w", err)
	}
	return key, nil
}

// uploaded tells the function import what a bucket would: that an upload has come.
func (m *machine) uploaded(name string) {
	type object struct {
		Key string `json:"key"`
	}
	type s3 struct {
		Object object `json:"object"`
	}
	type record struct {
		S3 s3 `json:"s3"`
	}
	body, err := json.Marshal(struct{ Records []record }{[]record{{s3{object{name}}}}})
	if err == nil {
		err = m.parts.queues.Imports.Enqueue(m.work, string(body))
	}
	if err != nil {
		m.log.Error("an upload is not told of; its import's due key finds it", "err", err)
	}
}

// resumeImports has the watched folder of each clinic there, and goes on at once with the imports that an earlier process was at:
// it held the table, so that nobody is at them now. Their due keys would do the
// same some minutes later.
func (m *machine) resumeImports() {
	loader := &load.Loader{Store: m.store, Queue: m.parts.queues.Imports, Clock: m.clock.Now, Log: m.log}
	for cursor := ""; ; {
		clinics, next, err := m.store.Clinics(m.work, 100, cursor)
		if err != nil {
			m.log.Error("imports that were broken off wait for their due keys", "err", err)
			return
		}
		for _, cl := range clinics {
			if err := m.files.Make(inboxOf(cl.ID)); err != nil {
				m.log.Error("a clinic has no watched folder", "clinic", cl.ID, "err", err)
			}
			// Those further back are over, or wait for somebody.
			some, _, err := m.store.Imports(m.work, cl.ID, 50, "")
			for _, imp := range some {
				if imp.State == dental.ImportRunning && err == nil {
					err = loader.Resume(m.work, imp)
				}
			}
			if err != nil {
				m.log.Error("imports that were broken off wait for their due keys", "clinic", cl.ID, "err", err)
			}
		}
		if cursor = next; cursor == "" {
			return
		}
	}
}

// silence is how long an upload or a download may stand still.
const silence = 30 * time.Second

// serveFiles takes uploads and gives reports, streamed and of any size, and so
// beside the gateway, whose events have 6 MB: on AWS a bucket does it. The
// server's own times are for answers of functions; here only silence ends a transfer.
func (m *machine) serveFiles(w http.ResponseWriter, r *http.Request) {
	control := http.NewResponseController(w)
	_ = control.SetWriteDeadline(time.Time{}) // it is one of net/http's own, which can
	r.Body = struct {
		io.Reader
		io.Closer
	}{patient{r.Body, control}, r.Body}
	m.files.Handler().ServeHTTP(w, r)
}

// patient reads a body for as long as something comes.
type patient struct {
	io.Reader
	control *http.ResponseController
}

func (p patient) Read(b []byte) (int, error) {
	_ = p.control.SetReadDeadline(time.Now().Add(silence)) // without it the server's own holds
	return p.Reader.Read(b)
}

// keepFiles is how long a report, and what a break has left of an import, is
// kept; in a bucket a rule of its own clears it.
const keepFiles = 30 * 24 * time.Hour

// tidyFiles clears old files once a day.
func (m *machine) tidyFiles() {
	for {
		for _, prefix := range []string{"imports/", "inbox-refused/"} {
			if err := m.files.Clear(m.work, prefix, keepFiles); err != nil && m.work.Err() == nil {
				m.log.Error("old files are not cleared", "err", err)
			}
		}
		select {
		case <-m.stopping.Done():
			return
		case <-time.After(24 * time.Hour):
		}
	}
}
