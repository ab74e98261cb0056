// Package openapitest holds HTTP handlers to the product's OpenAPI document in
// tests: what is answered must be what the document says, and what the document
// says must have been answered once.
package openapitest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/legacy"
)

// Document is an OpenAPI document and the answers that were seen of it.
type Document struct {
	doc    *openapi3.T
	router routers.Router

	mu      sync.Mutex
	seen    map[string]bool
	allowed map[string]bool // requests by all that the document speaks of
}

// decoders teaches the validator, whose list is its package's own, what the
// pages answer with.
var decoders = sync.OnceFunc(func() {
	for _, kind := range []string{"text/csv", "application/fhir+ndjson", "application/x-ndjson", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "text/html", "text/calendar", "image/jpeg", "image/png"} {
		openapi3filter.RegisterBodyDecoder(kind, openapi3filter.PlainBodyDecoder)
	}
})

// Load reads the document at a path, with what it refers to beside it. A
// document that breaks OpenAPI's own rules fails the test.
func Load(t testing.TB, path string) *Document {
	t.Helper()
	decoders()
	loader := openapi3.NewLoader()
	loader.IsExternalRefsAllowed = true
	absolute, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := loader.LoadFromURI(&url.URL{Path: filepath.ToSlash(absolute)})
	if err != nil {
		t.Fatal(err)
	}
	router, err := legacy.NewRouter(doc)
	if err != nil {
		t.Fatal(err)
	}
	if !doc.IsOpenAPI31OrLater() {
		t.Fatalf("the document is of OpenAPI %s", doc.OpenAPI)
	}
	return &Document{doc: doc, router: router, seen: map[string]bool{}, allowed: map[string]bool{}}
}

// Serve hands a request to a handler, holds the answer to the document and
// returns it. A request that was taken must be one that the document allows. A
// method that the document does not have must be answered 405, and HEAD like GET.
func (d *Document) Serve(t testing.TB, h http.Handler, r *http.Request) *httptest.ResponseRecorder {
	t.Helper()
	var body []byte
	if r.Body != nil {
		var err error
		if body, err = io.ReadAll(r.Body); err != nil {
			t.Fatal(err)
		}
	}
	again := func() *http.Request {
		c := r.Clone(r.Context())
		c.Body = io.NopCloser(bytes.NewReader(body))
		return c
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, again())
	if err := d.check(again(), body, w); err != "" {
		t.Errorf("%s %s is answered %d: %s", r.Method, r.URL.Path, w.Code, err)
	}
	return w
}

// check says how the answer to a request breaks the document, or "".
func (d *Document) check(r *http.Request, body []byte, w *httptest.ResponseRecorder) string {
	documented := r.Clone(r.Context())
	if r.Method == http.MethodHead {
		documented.Method = http.MethodGet
	}
	d.oneSegment(documented)
	route, params, err := d.router.FindRoute(documented)
	if err == nil && strings.Count(route.Path, "/") != strings.Count(documented.URL.EscapedPath(), "/") {
		err = errors.New("only a longer path has the method") // the router takes its beginning for it
	}
	if err != nil {
		if w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") == "" {
			return "the document does not have it: " + err.Error()
		}
		return ""
	}
	options := &openapi3filter.Options{IncludeResponseStatus: true, AuthenticationFunc: openapi3filter.NoopAuthenticationFunc,
		ExcludeResponseBody: r.Method == http.MethodHead, SkipSettingDefaults: true}
	request := &openapi3filter.RequestValidationInput{Request: r, PathParams: params, Route: route, Options: options}
	if w.Code < http.StatusBadRequest {
		if err := d.allow(request, body); err != nil {
			return "the document does not allow the request: " + err.Error()
		}
	}
	err = openapi3filter.ValidateResponse(r.Context(), &openapi3filter.ResponseValidationInput{RequestValidationInput: request,
		Status: w.Code, Header: w.Header(), Body: io.NopCloser(bytes.NewReader(w.Body.Bytes())), Options: options})
	if err != nil {
		return err.Error()
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.seen[answer(documented.Method, route.Path, strconv.Itoa(w.Code))] = true
	return ""
}

// oneSegment makes one segment of whatever a greedy variable, {name+}, stands
// for: OpenAPI has no variable that reaches further.
func (d *Document) oneSegment(r *http.Request) {
	for path := range d.doc.Paths.Map() {
		before, name, variable := strings.Cut(path, "{")
		rest, below := strings.CutPrefix(r.URL.Path, before)
		if variable && strings.HasSuffix(name, "+}") && below {
			u := *r.URL
			u.Path, u.RawPath = before+strings.ReplaceAll(rest, "/", "~"), ""
			r.URL = &u
		}
	}
}

// allow asks the document about each request once: that takes milliseconds,
// and tests send the same by the hundred.
func (d *Document) allow(in *openapi3filter.RequestValidationInput, body []byte) error {
	key := fmt.Sprint(in.Request.Method, in.Request.URL, in.Request.Header, string(body))
	d.mu.Lock()
	known := d.allowed[key]
	d.mu.Unlock()
	if known {
		return nil
	}
	if err := openapi3filter.ValidateRequest(in.Request.Context(), in); err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.allowed[key] = true
	return nil
}

func answer(method, path, status string) string { return method + " " + path + " " + status }

// Unseen lists, as "POST /path 202", the answers of the given paths that the
// document promises and that no Serve has seen. No paths are all of them.
func (d *Document) Unseen(paths ...string) []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	var out []string
	for path, item := range d.doc.Paths.Map() {
		if len(paths) > 0 && !slices.Contains(paths, path) {
			continue
		}
		for method, operation := range item.Operations() {
			for status := range operation.Responses.Map() {
				if it := answer(method, path, status); !d.seen[it] {
					out = append(out, it)
				}
			}
		}
	}
	slices.Sort(out)
	return out
}

// Paths lists the document's paths.
func (d *Document) Paths() []string {
	var out []string
	for path := range d.doc.Paths.Map() {
		out = append(out, path)
	}
	slices.Sort(out)
	return out
}

// Routes lists the paths of the patterns that a handler's mux serves, each
// once. The mux does not tell them, so they are looked for inside it; none at
// all fails the test. Patterns with a wildcard for the rest of a path are left
// out: they say "nothing here".
func Routes(t testing.TB, h http.Handler) []string {
	t.Helper()
	mux, ok := h.(*http.ServeMux)
	if !ok {
		t.Fatalf("a %T is no mux", h)
	}
	found := map[string]bool{}
	visited := map[uintptr]bool{}
	var walk func(v reflect.Value)
	walk = func(v reflect.Value) {
		switch v.Kind() {
		case reflect.Pointer:
			if v.IsNil() || visited[v.Pointer()] {
				return
			}
			visited[v.Pointer()] = true
			if v.Type().String() == "*http.pattern" {
				_, path, _ := strings.Cut(v.Elem().FieldByName("str").String(), "/")
				found["/"+path] = true
				return
			}
			walk(v.Elem())
		case reflect.Struct:
			for i := range v.NumField() {
				walk(v.Field(i))
			}
		case reflect.Slice:
			for i := range v.Len() {
				walk(v.Index(i))
			}
		case reflect.Map:
			for _, k := range v.MapKeys() {
				walk(v.MapIndex(k))
			}
		}
	}
	walk(reflect.ValueOf(mux))
	var out []string
	for path := range found {
		if !strings.Contains(path, "...") {
			out = append(out, path)
		}
	}
	if len(out) == 0 {
		t.Fatal("no patterns were found inside the mux")
	}
	slices.Sort(out)
	return out
}
