package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/returnpoint/returnpoint/shared/signature"
)

// standing is how an import stands, in the API's words.
type standing struct {
	State                                            string
	Lines, Accepted, Unchanged, Refused, Bytes, Read int64
	Report, Problem                                  string
}

// wish asks for an upload URL, by the secret of a clinic.
func (s *stack) wish(secret signature.Secret, now time.Time, format string) (id, upload string) {
	s.t.Helper()
	body := []byte(fmt.Sprintf(`{"format":%q,"name":"base.csv"}`, format))
	s.mu.Lock()
	s.ids++
	header, err := signature.Sign(fmt.Sprintf("import_%d", s.ids), now, body, secret)
	s.mu.Unlock()
	if err != nil {
		s.t.Fatal(err)
	}
	header.Set("Content-Type", "application/json")
	a := s.do(http.MethodPost, "/v1/clinics/demo/imports", header, body)
	var begun struct{ ID, Upload string }
	if err := json.Unmarshal([]byte(a.body), &begun); a.status != http.StatusAccepted || err != nil {
		s.t.Fatalf("the wish is answered %d %s", a.status, a.body)
	}
	return begun.ID, begun.Upload
}

// standing asks how an import stands.
func (s *stack) standing(secret signature.Secret, now time.Time, id string) (out standing) {
	s.t.Helper()
	header, err := signature.Sign("ask_"+id[len(id)-4:], now, nil, secret)
	if err != nil {
		s.t.Fatal(err)
	}
	a := s.do(http.MethodGet, "/v1/clinics/demo/imports/"+id, header, nil)
	if err := json.Unmarshal([]byte(a.body), &out); a.status != http.StatusOK || err != nil {
		s.t.Fatalf("how it stands is answered %d %s", a.status, a.body)
	}
	return out
}

// over waits until an import is over.
func (s *stack) over(secret signature.Secret, now func() time.Time, id string) standing {
	s.t.Helper()
	for until := time.Now().Add(time.Minute); ; {
		if st := s.standing(secret, now(), id); st.State == "done" || st.State == "failed" {
			return st
		}
		if time.Now().After(until) {
			s.t.Fatal("the import does not end within a minute")
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// cards is a base as a clinic keeps it: so many patients with a visit each, the
// first of them of today.
func cards(patients int, comment string) string {
	var out strings.Builder
	out.WriteString("№ карты;Фамилия;Имя;Телефон;Дата визита;Услуга;Комментарий\r\n")
	for n := range patients {
		_, _ = fmt.Fprintf(&out, "%d;Петрова;Анна;+7916%07d;%02d.03.2026;Гигиена;%s\r\n", 1000+n, n+1, 10-n%9, comment)
	}
	return out.String()
}

func TestABaseComesInByAnUploadOfAnySizeAndSendsNothing(t *testing.T) {
	s := start(t, t.TempDir())
	secret := s.secret("demo")
	file := cards(300, strings.Repeat("длинное примечание ", 1000)) // beyond what an event of the gateway holds
	if len(file) < 7<<20 {
		t.Fatalf("the file has %d bytes", len(file))
	}
	id, upload := s.wish(secret, s.now(), "text/csv")
	if a := s.do(http.MethodPut, upload, http.Header{"Content-Type": {"text/csv"}}, []byte(file)); a.status != http.StatusOK {
		t.Fatalf("the upload is answered %d %s", a.status, a.body)
	}
	st := s.over(secret, s.now, id)
	if st.State != "done" || st.Lines != 300 || st.Accepted != 300 || st.Read != int64(len(file)) {
		t.Fatalf("it ends as %+v", st)
	}
	if a := s.do(http.MethodGet, st.Report, nil, nil); a.status != http.StatusOK || !strings.HasPrefix(a.body, "\uFEFFСтрока;") || !strings.Contains(a.header.Get("Content-Disposition"), id) {
		t.Errorf("the report is answered %d %v %.100s", a.status, a.header, a.body)
	}
	s.advance("1m")
	var messages []struct{ Scenario, Patient string }
	if s.get("/_local/messages", &messages); len(messages) > 0 {
		t.Errorf("%d messages have left, the first %+v", len(messages), messages[0])
	}
	lines := strings.Count(s.do(http.MethodGet, "/_local/patients?clinic=demo", nil, nil).body, "\n")
	if lines != 300 {
		t.Errorf("there are %d patients", lines)
	}
}

func TestWhatANightlyExportLaysIntoTheFolderIsImportedWithinTheMinute(t *testing.T) {
	dir := t.TempDir()
	s := start(t, dir)
	lay := func(name string, old time.Duration) {
		t.Helper()
		path := filepath.Join(dir, "inbox", "demo", name)
		if err := os.WriteFile(path, []byte(cards(20, "")), 0o600); err != nil {
			t.Fatal(err)
		}
		at := time.Now().Add(-old)
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
	}
	lay("night.csv", 2*time.Minute)
	lay("unknown.mdb", 2*time.Minute)
	lay("still-written.csv", 0)
	s.advance("2m")
	if lines := strings.Count(s.do(http.MethodGet, "/_local/patients?clinic=demo", nil, nil).body, "\n"); lines != 20 {
		t.Errorf("there are %d patients", lines)
	}
	for name, want := range map[string]bool{"inbox/demo/night.csv": false, "inbox/demo/still-written.csv": true, "inbox/demo/unknown.mdb": false,
		"inbox-refused/demo/unknown.mdb": true, "inbox-refused/demo/unknown.mdb.why.txt": true} {
		if _, err := os.Stat(filepath.Join(dir, name)); (err == nil) != want {
			t.Errorf("%s is there: %v", name, err)
		}
	}
}

func TestUploadsAreTakenWhereThePathsOfAToolAreOff(t *testing.T) {
	s := start(t, t.TempDir(), "LOCAL_ONLY", "0", "LOCAL_NOW", "")
	told, err := s.m.settings.Secret(t.Context(), demo, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	secret, err := signature.ParseSecret(string(told))
	if err != nil {
		t.Fatal(err)
	}
	id, upload := s.wish(secret, time.Now(), "text/csv")
	for path, want := range map[string]int{upload: 200, upload[:len(upload)-3] + "AAA": 403, "/_files/": 403, "/_files/../keys.json": 403, "/_local/clock": 404} {
		if a := s.do(http.MethodPut, path, http.Header{"Content-Type": {"text/csv"}}, []byte(cards(3, ""))); a.status != want {
			t.Errorf("PUT %.30s is answered %d, want %d", path, a.status, want)
		}
	}
	if st := s.over(secret, time.Now, id); st.Accepted != 3 {
		t.Errorf("it ends as %+v", st)
	}
}
