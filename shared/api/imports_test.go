package api_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/returnpoint/returnpoint/shared/api"
	"github.com/returnpoint/returnpoint/shared/api/openapitest"
	"github.com/returnpoint/returnpoint/shared/blob/dir"
	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/load"
	"github.com/returnpoint/returnpoint/shared/mis/fhir"
	"github.com/returnpoint/returnpoint/shared/mis/generic"
	"github.com/returnpoint/returnpoint/shared/mis/sheet"
	"github.com/returnpoint/returnpoint/shared/phone"
	"github.com/returnpoint/returnpoint/shared/signature"
	"github.com/returnpoint/returnpoint/shared/stagetest"
	"github.com/returnpoint/returnpoint/shared/table"
	"github.com/returnpoint/returnpoint/shared/table/tabletest"
)

const importsPath = "/v1/clinics/demo/imports"

// bench is the handlers of imports over the whole engine, with a table that can be cut off.
type bench struct {
	*stagetest.Stage
	T       testing.TB
	cut     *cutOff
	handler http.Handler
	files   http.Handler
	doc     *openapitest.Document
	secret  signature.Secret
	queue   *bodies
	loader  *load.Loader
}

// cutOff is a table that fails while it is down, and a clinic's settings that break.
type cutOff struct {
	table.Table
	down bool
}

func (c *cutOff) Get(ctx context.Context, keys ...table.Key) ([]table.Item, error) {
	if c.down {
		return nil, io.ErrUnexpectedEOF
	}
	return c.Table.Get(ctx, keys...)
}

type bodies struct{ all []string }

func (b *bodies) Enqueue(_ context.Context, all ...string) error {
	b.all = append(b.all, all...)
	return nil
}

func openImports(t testing.TB, change ...func(*dental.Clinic)) *bench {
	t.Helper()
	b := &bench{T: t, secret: secret(t, 1), queue: &bodies{}, doc: document(t)}
	key := func(c *dental.Clinic) {
		c.Secrets = []dental.WebhookSecret{{Secret: dental.Secret(b.secret.Reveal())}}
	}
	clock := func() time.Time { return start }
	b.cut = &cutOff{Table: tabletest.NewReference(func() time.Time { return clock() }, seeded(7))}
	b.Stage = stagetest.On(t, b.cut, start, append([]func(*dental.Clinic){key}, change...)...)
	clock = b.Stage.Now
	files, err := dir.Open(t.TempDir(), dir.Options{Base: "https://rp.example", Key: bytes.Repeat([]byte("k"), 32), Now: b.Now, Disk: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = files.Close() })
	b.files = files.Handler()
	b.loader = &load.Loader{Store: b.Store, Files: files, Learn: b.Intake.Learn, Phones: phone.Read, Queue: b.queue, Clock: b.Now, Rand: rand.Reader, Log: slog.New(slog.DiscardHandler),
		Formats: map[string]load.Format{load.CSV: sheet.CSV{}, load.XLSX: sheet.XLSX{}, load.Bundle: fhir.BundleFormat{}, load.NDJSON: fhir.NDJSONFormat{}, load.JSONLines: generic.Lines{}}}
	h := &api.Imports{Loader: b.loader, Clock: b.Now, Log: slog.New(slog.DiscardHandler), Clinic: func(ctx context.Context, id string) (*dental.Clinic, error) {
		if id == "broken" {
			return &dental.Clinic{ID: id, Secrets: []dental.WebhookSecret{{Secret: "none"}}}, nil
		}
		return b.Store.Begin().Clinic(ctx, id)
	}}
	mux := http.NewServeMux()
	h.Routes(mux)
	b.handler = mux
	return b
}

// signed is a request of the clinic's.
func (b *bench) signed(method, path, id, kind, body string, secrets ...signature.Secret) *http.Request {
	b.T.Helper()
	if len(secrets) == 0 {
		secrets = []signature.Secret{b.secret}
	}
	header, err := signature.Sign(id, b.Now(), []byte(body), secrets...)
	if err != nil {
		b.T.Fatal(err)
	}
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header = header
	if kind != "" {
		r.Header.Set("Content-Type", kind)
	}
	return r
}

// work does what is queued.
func (b *bench) work() {
	b.T.Helper()
	for len(b.queue.all) > 0 {
		body := b.queue.all[0]
		b.queue.all = b.queue.all[1:]
		if err := b.loader.Handle(b.T.Context(), body); err != nil {
			b.T.Fatal(err)
		}
	}
}

const rows = "№ карты;Фамилия;Имя;Телефон;Дата визита\r\n1;Петрова;Анна;8 916 000-00-01;01.02.2026\r\n;;;;\r\n2;Иванов;Иван;8 916 000-00-02, 8 916 000-00-03;02.02.2026\r\n;;;;03.02.2026\r\n"

func TestTheTableOfAnswersToImports(t *testing.T) {
	b := openImports(t, func(c *dental.Clinic) { c.EventsPerSecond = 5 })
	b.doc = openapitest.Load(t, "openapi.yaml")
	post := func(id, kind, body string, secrets ...signature.Secret) *http.Request {
		return b.signed(http.MethodPost, importsPath, id, kind, body, secrets...)
	}
	get := func(id string, secrets ...signature.Secret) *http.Request {
		return b.signed(http.MethodGet, importsPath+"/"+id, "g1", "", "", secrets...)
	}
	first := strings.Split(b.doc.Serve(t, b.handler, post("m1", "text/csv; charset=utf-8", rows)).Body.String(), `"`)[3]
	for _, c := range []struct {
		name   string
		r      *http.Request
		status int
		says   string
	}{
		{"the same file again is the same import", post("m1", "text/csv", rows), 202, `{"id":"` + first + `"}`},
		{"an upload is wished for", post("m2", "application/json", `{"format":"text/csv","name":"base.csv"}`), 202, `"upload":"https://rp.example/_files/`},
		{"a bundle", post("m3", "application/fhir+json", `{"resourceType":"Bundle","type":"collection"}`), 202, `{"id":"`},
		{"a table of a system", post("m7", "application/json", `{"format":"text/csv","system":"yclients"}`), 202, `"upload":`},
		{"a table of a system in the request itself", b.signed(http.MethodPost, importsPath+"?system=yclients", "m8", "text/csv", rows), 202, `{"id":"`},
		{"the same table of another system", b.signed(http.MethodPost, importsPath+"?system=sqns", "m8", "text/csv", rows), 409, "conflict"},
		{"a table of a system that nobody knows", post("m9", "application/json", `{"format":"text/csv","system":"dentas"}`), 400, `"field":"system"`},
		{"a table of a system that nobody knows in the request itself", b.signed(http.MethodPost, importsPath+"?system=dentas", "m9", "text/csv", rows), 400, `"field":"system"`},
		{"events of a system", b.signed(http.MethodPost, importsPath+"?system=yclients", "m9", "application/x-ndjson", "{}"), 400, `"field":"system"`},
		{"another file under the same id", post("m1", "text/csv", rows+"x"), 409, "conflict"},
		{"the same bytes as another format", post("m1", "application/x-ndjson", rows), 409, "conflict"},
		{"no format", post("m4", "image/png", "x"), 400, `"field":"content-type"`},
		{"no Content-Type", post("m4", "", "x"), 400, `"field":"content-type"`},
		{"an empty file", post("m4", "text/csv", ""), 400, "empty"},
		{"a wish for no format", post("m4", "application/json", `{"format":"image/png"}`), 400, `"field":"format"`},
		{"a wish that is none", post("m4", "application/json", `{"format":"text/csv","format":"text/csv"}`), 400, `"field":"format"`},
		{"a wish that is not JSON", post("m4", "application/json", `text/csv`), 400, "invalid"},
		{"another's secret", post("m5", "text/csv", rows, secret(t, 9)), 401, "unsigned"},
		{"no such clinic", b.signed(http.MethodPost, "/v1/clinics/nobody/imports", "m5", "text/csv", rows), 404, "no such clinic"},
		{"nobody's id", b.signed(http.MethodPost, "/v1/clinics/%20/imports", "m5", "text/csv", rows), 404, "no such clinic"},
		{"a sheet that base64 makes too long", post("m5", load.XLSX, strings.Repeat("x", 4_400_001)), 413, "PUT the file"},
		{"a table of more than 5 MB", post("m5", "text/csv", strings.Repeat("x", 5<<20+1)), 413, "PUT the file"},
		{"settings that break", b.signed(http.MethodPost, "/v1/clinics/broken/imports", "m5", "text/csv", rows), 500, "our side"},
		{"another method", b.signed(http.MethodDelete, importsPath, "m5", "", ""), 405, "posted"},
		{"how it stands", get(first), 200, `"state":"running"`},
		{"how none stands", get("never"), 404, "no such import"},
		{"how it stands, asked by another", get(first, secret(t, 9)), 401, "unsigned"},
		{"how one of no id stands", get("%20"), 404, "no such import"},
		{"how it stands with settings that break", b.signed(http.MethodGet, "/v1/clinics/broken/imports/x", "g1", "", ""), 500, "our side"},
		{"how it is deleted", b.signed(http.MethodDelete, importsPath+"/"+first, "g1", "", ""), 405, "GET"},
	} {
		b.Set(b.Now().Add(time.Second)) // within the clinic's rate
		w := b.doc.Serve(t, b.handler, c.r)
		if w.Code != c.status || !strings.Contains(w.Body.String(), c.says) {
			t.Errorf("%s is answered %d %s, want %d and %s", c.name, w.Code, w.Body, c.status, c.says)
		}
	}
	b.cut.down = true
	for _, r := range []*http.Request{post("m6", "text/csv", rows), get(first)} {
		if w := b.doc.Serve(t, b.handler, r); w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" {
			t.Errorf("%s without a table is answered %d", r.Method, w.Code)
		}
	}
	b.cut.down = false
	for _, ask := range []func() *http.Request{func() *http.Request { return post("m1", "text/csv", rows) }, func() *http.Request { return get(first) }} {
		last := 0
		for range 60 { // the burst is 50
			last = b.doc.Serve(t, b.handler, ask()).Code
		}
		if last != http.StatusTooManyRequests {
			t.Errorf("over the rate it is answered %d", last)
		}
	}
	if unseen := b.doc.Unseen(importsPath0, importsPath0+"/{id}"); len(unseen) > 0 {
		t.Errorf("the document promises what was never answered: %v", unseen)
	}
}

const importsPath0 = "/v1/clinics/{clinic}/imports"

func TestAFileGoesInThroughTheAPIAndItsReportComesOut(t *testing.T) {
	b := openImports(t)
	w := b.doc.Serve(t, b.handler, b.signed(http.MethodPost, importsPath, "m1", "text/csv", rows))
	id := strings.Split(w.Body.String(), `"`)[3]
	b.work()
	w = b.doc.Serve(t, b.handler, b.signed(http.MethodGet, importsPath+"/"+id, "g1", "", ""))
	want := fmt.Sprintf(`{"state":"done","lines":3,"accepted":2,"unchanged":0,"refused":1,"noted":1,"bytes":%d,"read":%d,"report":"https://rp.example/_files/`, len(rows), len(rows))
	if !strings.HasPrefix(w.Body.String(), want) {
		t.Fatalf("it stands\n%s, want\n%s", w.Body, want)
	}
	path := strings.TrimPrefix(strings.Split(w.Body.String(), `"report":"`)[1], "https://rp.example")
	report := httptest.NewRecorder()
	b.files.ServeHTTP(report, httptest.NewRequest(http.MethodGet, strings.TrimSuffix(strings.TrimSpace(path), `"}`), nil))
	if report.Code != 200 || !strings.Contains(report.Body.String(), "\r\n4;Телефон;") || !strings.Contains(report.Body.String(), "\r\n5;") {
		t.Errorf("the report is answered %d\n%s", report.Code, report.Body)
	}
	if c := b.Card("1"); c.Patient.FamilyName != "Петрова" || len(c.Visits) != 1 {
		t.Errorf("the first patient is %+v with %d visits", c.Patient, len(c.Visits))
	}
}

func TestAnUploadBecomesAnImport(t *testing.T) {
	b := openImports(t)
	w := b.doc.Serve(t, b.handler, b.signed(http.MethodPost, importsPath, "m1", "application/json", `{"format":"text/csv","name":"база.csv"}`))
	parts := strings.Split(w.Body.String(), `"`)
	id, upload := parts[3], strings.TrimPrefix(parts[7], "https://rp.example")
	r := httptest.NewRequest(http.MethodPut, upload, strings.NewReader(rows))
	r.Header.Set("Content-Type", "text/csv")
	put := httptest.NewRecorder()
	if b.files.ServeHTTP(put, r); put.Code != 200 {
		t.Fatalf("the upload is answered %d %s", put.Code, put.Body)
	}
	if err := b.loader.Handle(t.Context(), `{"Job":{"Clinic":"demo","ID":"import.`+id+`"}}`); err != nil {
		t.Fatal(err)
	}
	b.work()
	w = b.doc.Serve(t, b.handler, b.signed(http.MethodGet, importsPath+"/"+id, "g1", "", ""))
	if !strings.Contains(w.Body.String(), `"state":"done","lines":3,`) {
		t.Errorf("it stands %s", w.Body)
	}
}
