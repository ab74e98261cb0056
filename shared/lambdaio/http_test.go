package lambdaio_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/returnpoint/returnpoint/shared/lambdaio"
)

// quiet takes the log where a test does not read it.
var quiet = slog.New(slog.DiscardHandler)

func fixture(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// reply is an answer in payload format 2.0, as the gateway reads it.
type reply struct {
	StatusCode        int                 `json:"statusCode"`
	Headers           map[string]string   `json:"headers"`
	MultiValueHeaders map[string][]string `json:"multiValueHeaders"`
	Cookies           []string            `json:"cookies"`
	Body              string              `json:"body"`
	IsBase64Encoded   bool                `json:"isBase64Encoded"`
}

func serve(t testing.TB, h http.HandlerFunc, event []byte) reply {
	t.Helper()
	answer, err := lambdaio.HTTP(quiet, h).Invoke(t.Context(), event)
	if err != nil {
		t.Fatal(err)
	}
	var r reply
	if err := json.Unmarshal(answer, &r); err != nil {
		t.Fatalf("the answer is not JSON: %v: %s", err, answer)
	}
	return r
}

// changed is the fixture of a request with some of its fields replaced.
func changed(t testing.TB, change func(event map[string]any, http map[string]any)) []byte {
	t.Helper()
	var event map[string]any
	if err := json.Unmarshal(fixture(t, "http-api-request.json"), &event); err != nil {
		t.Fatal(err)
	}
	change(event, event["requestContext"].(map[string]any)["http"].(map[string]any))
	b, err := json.Marshal(event)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestAHandlerSeesTheRequestAsNetHTTPWouldShowIt(t *testing.T) {
	ctx, cancel := context.WithTimeout(lambdaio.WithRequestID(t.Context(), "req-1"), time.Minute)
	defer cancel()
	lambdaDeadline, _ := ctx.Deadline()
	called := false
	_, err := lambdaio.HTTP(quiet, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		called = true
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		deadline, ok := r.Context().Deadline()
		for _, c := range []struct {
			what      string
			got, want any
		}{
			{"method", r.Method, "POST"},
			{"path", r.URL.Path, "/v1/clinics/demo/events"},
			{"request URI", r.RequestURI, "/v1/clinics/demo/events?tag=a&tag=b%20c&empty=&plus=1%2B1"},
			{"every value of a name in the query", fmt.Sprint(r.URL.Query()["tag"]), "[a b c]"},
			{"number of values", len(r.URL.Query()["tag"]), 2},
			{"an escaped plus", r.URL.Query().Get("plus"), "1+1"},
			{"an empty value", r.URL.Query().Has("empty"), true},
			{"host", r.Host, "api.example.com"},
			{"host among the headers", r.Header.Get("Host"), ""},
			{"remote address", r.RemoteAddr, "198.51.100.7:0"},
			{"protocol", fmt.Sprintf("%s %d %d", r.Proto, r.ProtoMajor, r.ProtoMinor), "HTTP/1.1 1 1"},
			{"a header by another case", r.Header.Get("WEBHOOK-ID"), "msg_1"},
			{"a header of many values", r.Header.Get("Accept"), "text/html,application/json"},
			{"cookies", r.Header.Get("Cookie"), "session=abc; theme=dark"},
			{"body", string(body), `{"name":"я"}`},
			{"length", r.ContentLength, int64(len(`{"name":"я"}`))},
			{"the deadline is there", ok, true},
			{"the deadline comes before Lambda's", deadline.Before(lambdaDeadline), true},
			{"the deadline is near Lambda's", lambdaDeadline.Sub(deadline) < time.Second, true},
		} {
			if c.got != c.want {
				t.Errorf("%s: %v, want %v", c.what, c.got, c.want)
			}
		}
		if c, err := r.Cookie("theme"); err != nil || c.Value != "dark" {
			t.Errorf("cookie theme: %v, %v", c, err)
		}
	})).Invoke(ctx, fixture(t, "http-api-request.json"))
	if err != nil || !called {
		t.Fatalf("called %v, error %v", called, err)
	}
}

func TestAPathKeepsItsEscapesAndItsMeaning(t *testing.T) {
	for _, tt := range []struct{ name, stage, raw, path, escaped string }{
		{"an escaped slash stays within its segment", "$default", "/a%2Fb/c", "/a/b/c", "/a%2Fb/c"},
		{"an escaped percent stays escaped", "$default", "/a%252Fb", "/a%2Fb", "/a%252Fb"},
		{"a space that the gateway decoded", "$default", "/a b", "/a b", "/a%20b"},
		{"letters that the gateway decoded", "$default", "/клиника", "/клиника", "/%D0%BA%D0%BB%D0%B8%D0%BD%D0%B8%D0%BA%D0%B0"},
		{"a question mark that the gateway decoded begins no query", "$default", "/a?x=1", "/a?x=1", "/a%3Fx=1"},
		{"a hash that the gateway decoded begins no fragment", "$default", "/a#b", "/a#b", "/a%23b"},
		{"a percent sign that the gateway decoded", "$default", "/100%", "/100%", "/100%25"},
		{"a percent sign before letters", "$default", "/5%of", "/5%of", "/5%25of"},
		{"a line end that the gateway decoded", "$default", "/a\nb", "/a\nb", "/a%0Ab"},
		{"two slashes are no host", "$default", "//example.com/x", "//example.com/x", "//example.com/x"},
		{"signs that stand in paths", "$default", "/s/a:b@c,d;e=f+g", "/s/a:b@c,d;e=f+g", "/s/a:b@c,d;e=f+g"},
		{"the root", "$default", "/", "/", "/"},
		{"nothing at all", "$default", "", "/", "/"},
		{"a path that begins as the default stage is called", "$default", "/$default/x", "/$default/x", "/$default/x"},
		{"a stage is taken off", "prod", "/prod/s/abc", "/s/abc", "/s/abc"},
		{"a stage alone", "prod", "/prod", "/", "/"},
		{"a path that only begins like a stage", "s", "/survey", "/survey", "/survey"},
		{"a path without its stage", "prod", "/s/abc", "/s/abc", "/s/abc"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			event := changed(t, func(event, _ map[string]any) {
				event["rawPath"], event["rawQueryString"] = tt.raw, "q=1"
				event["requestContext"].(map[string]any)["stage"] = tt.stage
			})
			r := serve(t, func(_ http.ResponseWriter, r *http.Request) {
				if r.URL.Path != tt.path || r.URL.EscapedPath() != tt.escaped || r.URL.RawQuery != "q=1" || r.URL.Host != "" {
					t.Errorf("path %q, escaped %q, query %q, host %q", r.URL.Path, r.URL.EscapedPath(), r.URL.RawQuery, r.URL.Host)
				}
			}, event)
			if r.StatusCode != 200 {
				t.Errorf("status %d", r.StatusCode)
			}
		})
	}
}

func TestRoutesWithEscapedSlashesReachTheirHandler(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /files/{name}/end", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.PathValue("name")) })
	event := changed(t, func(event, about map[string]any) { event["rawPath"], about["method"] = "/files/a%2Fb/end", "GET" })
	if r := serve(t, mux.ServeHTTP, event); r.Body != "a/b" {
		t.Errorf("answer %+v", r)
	}
}

func TestRequestsInOtherShapes(t *testing.T) {
	binary := []byte{0, 0xff, 0xfe, '\n', 0x80}
	for _, tt := range []struct {
		name   string
		change func(event, http map[string]any)
		check  func(*testing.T, *http.Request, string)
	}{
		{"a base64 body", func(event, _ map[string]any) {
			event["body"], event["isBase64Encoded"] = base64.StdEncoding.EncodeToString(binary), true
		}, func(t *testing.T, r *http.Request, body string) {
			if body != string(binary) || r.ContentLength != int64(len(binary)) {
				t.Errorf("body %q, length %d", body, r.ContentLength)
			}
		}},
		{"no body", func(event, _ map[string]any) { delete(event, "body") }, func(t *testing.T, r *http.Request, body string) {
			if body != "" || r.ContentLength != 0 || r.Body != http.NoBody {
				t.Errorf("body %q, length %d", body, r.ContentLength)
			}
		}},
		{"no cookies", func(event, _ map[string]any) { delete(event, "cookies") }, func(t *testing.T, r *http.Request, _ string) {
			if _, there := r.Header["Cookie"]; there {
				t.Errorf("headers %v", r.Header)
			}
		}},
		{"no host header", func(event, _ map[string]any) { delete(event["headers"].(map[string]any), "host") }, func(t *testing.T, r *http.Request, _ string) {
			if r.Host != "r3pmxmplak.execute-api.eu-central-1.amazonaws.com" {
				t.Errorf("host %q", r.Host)
			}
		}},
		{"headers in other cases", func(event, _ map[string]any) {
			event["headers"] = map[string]any{"X-One": "1", "x-TWO": "2", "HOST": "Upper.example.com"}
		}, func(t *testing.T, r *http.Request, _ string) {
			if r.Header.Get("x-one") != "1" || r.Header.Get("x-two") != "2" || r.Host != "Upper.example.com" {
				t.Errorf("host %q, headers %v", r.Host, r.Header)
			}
		}},
		{"one header in two cases keeps both values", func(event, _ map[string]any) {
			event["headers"] = map[string]any{"webhook-id": "a", "Webhook-Id": "b"}
		}, func(t *testing.T, r *http.Request, _ string) {
			if len(r.Header.Values("webhook-id")) != 2 {
				t.Errorf("headers %v", r.Header)
			}
		}},
		{"an address of IPv6", func(_, about map[string]any) { about["sourceIp"] = "2001:db8::7" }, func(t *testing.T, r *http.Request, _ string) {
			if r.RemoteAddr != "[2001:db8::7]:0" {
				t.Errorf("remote address %q", r.RemoteAddr)
			}
		}},
		{"HTTP/2", func(_, about map[string]any) { about["protocol"] = "HTTP/2.0" }, func(t *testing.T, r *http.Request, _ string) {
			if r.ProtoMajor != 2 || r.ProtoMinor != 0 {
				t.Errorf("protocol %s %d.%d", r.Proto, r.ProtoMajor, r.ProtoMinor)
			}
		}},
		{"no query", func(event, _ map[string]any) { event["rawQueryString"] = "" }, func(t *testing.T, r *http.Request, _ string) {
			if r.URL.RawQuery != "" || r.RequestURI != "/v1/clinics/demo/events" {
				t.Errorf("query %q, URI %q", r.URL.RawQuery, r.RequestURI)
			}
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			serve(t, func(_ http.ResponseWriter, r *http.Request) {
				body, err := io.ReadAll(r.Body)
				if err != nil {
					t.Error(err)
				}
				tt.check(t, r, string(body))
			}, changed(t, tt.change))
		})
	}
}

func TestAnAnswerLeavesAsTheGatewayReadsIt(t *testing.T) {
	png := []byte("\x89PNG\r\n\x1a\n\xff\x00")
	for _, tt := range []struct {
		name   string
		method string
		h      http.HandlerFunc
		check  func(*testing.T, reply)
	}{
		{"nothing written is an empty 200", "GET", func(http.ResponseWriter, *http.Request) {}, func(t *testing.T, r reply) {
			if r.StatusCode != 200 || r.Body != "" || len(r.Headers) != 0 || r.Cookies == nil || r.MultiValueHeaders != nil {
				t.Errorf("%+v", r)
			}
		}},
		{"cookies leave one by one", "GET", func(w http.ResponseWriter, _ *http.Request) {
			http.SetCookie(w, &http.Cookie{Name: "session", Value: "abc", Path: "/", HttpOnly: true})
			http.SetCookie(w, &http.Cookie{Name: "theme", Value: "dark", Expires: time.Date(2026, 5, 22, 0, 0, 0, 0, time.UTC)})
		}, func(t *testing.T, r reply) {
			want := []string{"session=abc; Path=/; HttpOnly", "theme=dark; Expires=Fri, 22 May 2026 00:00:00 GMT"}
			if !slices.Equal(r.Cookies, want) || r.Headers["Set-Cookie"] != "" {
				t.Errorf("cookies %q, headers %v", r.Cookies, r.Headers)
			}
		}},
		{"a header of many values is joined", "GET", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Add("Vary", "Accept")
			w.Header().Add("vary", "Accept-Language")
		}, func(t *testing.T, r reply) {
			if r.Headers["Vary"] != "Accept, Accept-Language" {
				t.Errorf("headers %v", r.Headers)
			}
		}},
		{"text stays text", "GET", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<p>Ждём вас & ваших") }, func(t *testing.T, r reply) {
			if r.IsBase64Encoded || r.Body != "<p>Ждём вас & ваших" || r.Headers["Content-Type"] != "text/html; charset=utf-8" {
				t.Errorf("%+v", r)
			}
		}},
		{"binary leaves as base64", "GET", func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write(png[:4])
			_, _ = w.Write(png[4:])
		}, func(t *testing.T, r reply) {
			b, err := base64.StdEncoding.DecodeString(r.Body)
			if err != nil || !bytes.Equal(b, png) || !r.IsBase64Encoded || r.Headers["Content-Type"] != "image/png" {
				t.Errorf("%+v, %v", r, err)
			}
		}},
		{"a given content type is kept", "GET", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/problem+json")
			fmt.Fprint(w, "<")
		}, func(t *testing.T, r reply) {
			if r.Headers["Content-Type"] != "application/problem+json" {
				t.Errorf("headers %v", r.Headers)
			}
		}},
		{"the type of a compressed body is not guessed", "GET", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write([]byte{0x1f, 0x8b, 8})
		}, func(t *testing.T, r reply) {
			if _, there := r.Headers["Content-Type"]; there {
				t.Errorf("headers %v", r.Headers)
			}
		}},
		{"the first status counts", "GET", func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusEarlyHints)
			w.WriteHeader(http.StatusAccepted)
			w.WriteHeader(http.StatusTeapot)
		}, func(t *testing.T, r reply) {
			if r.StatusCode != 202 {
				t.Errorf("status %d", r.StatusCode)
			}
		}},
		{"headers after the status are too late", "GET", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-Before", "1")
			w.WriteHeader(http.StatusOK)
			w.Header().Set("X-After", "1")
		}, func(t *testing.T, r reply) {
			if r.Headers["X-Before"] != "1" || r.Headers["X-After"] != "" {
				t.Errorf("headers %v", r.Headers)
			}
		}},
		{"HEAD has the headers of GET and no body", "HEAD", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>") }, func(t *testing.T, r reply) {
			if r.Body != "" || r.StatusCode != 200 || r.Headers["Content-Type"] != "text/html; charset=utf-8" {
				t.Errorf("%+v", r)
			}
		}},
		{"204 takes no body", "GET", func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusNoContent)
			if _, err := io.WriteString(w, "x"); !errors.Is(err, http.ErrBodyNotAllowed) {
				t.Errorf("writing: %v", err)
			}
		}, func(t *testing.T, r reply) {
			if r.StatusCode != 204 || r.Body != "" {
				t.Errorf("%+v", r)
			}
		}},
		{"the length is the gateway's", "GET", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "999")
			fmt.Fprint(w, "x")
		}, func(t *testing.T, r reply) {
			if _, there := r.Headers["Content-Length"]; there {
				t.Errorf("headers %v", r.Headers)
			}
		}},
		{"a line end cannot add a header", "GET", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "/x\r\nSet-Cookie: a=1")
			w.Header().Set("Set-Cookie", "b=2\nX-Evil: 1")
		}, func(t *testing.T, r reply) {
			if r.Headers["Location"] != "/x  Set-Cookie: a=1" || r.Cookies[0] != "b=2 X-Evil: 1" {
				t.Errorf("headers %q, cookies %q", r.Headers, r.Cookies)
			}
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.check(t, serve(t, tt.h, changed(t, func(_, about map[string]any) { about["method"] = tt.method })))
		})
	}
}

func TestAPanicIsA500WithoutInternals(t *testing.T) {
	var out bytes.Buffer
	mux := http.NewServeMux()
	mux.HandleFunc("POST /hooks/{secret}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Half", "1")
		w.WriteHeader(http.StatusAccepted)
		fmt.Fprint(w, "half an answer")
		panic("the cupboard is bare")
	})
	event := changed(t, func(event, _ map[string]any) { event["rawPath"] = "/hooks/s3cr3t" })
	answer, err := lambdaio.HTTP(lambdaio.Logger(&out, slog.LevelInfo), mux).Invoke(lambdaio.WithRequestID(t.Context(), "req-1"), event)
	if err != nil {
		t.Fatal(err)
	}
	var r reply
	if err := json.Unmarshal(answer, &r); err != nil {
		t.Fatal(err)
	}
	if r.StatusCode != 500 || r.Body != "Internal Server Error\n" || r.Headers["Content-Type"] != "text/plain; charset=utf-8" || r.Headers["X-Half"] != "" {
		t.Errorf("answer %+v", r)
	}
	for _, want := range []string{"the cupboard is bare", "http_test.go", `"requestId":"req-1"`, `"level":"ERROR"`, `"route":"POST /hooks/{secret}"`} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the log lacks %s: %s", want, &out)
		}
	}
	if strings.Contains(out.String(), "s3cr3t") {
		t.Errorf("the log tells the path: %s", &out)
	}
	if strings.Count(strings.TrimSpace(out.String()), "\n") != 0 {
		t.Errorf("the stack is not one record: %s", &out)
	}
}

func TestAStatusThatIsNoneIsAPanicAsInNetHTTP(t *testing.T) {
	r := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(0) }, fixture(t, "http-api-request.json"))
	if r.StatusCode != 500 {
		t.Errorf("status %d", r.StatusCode)
	}
}

func TestWhatIsTooLongIsRefused(t *testing.T) {
	t.Run("a request", func(t *testing.T) {
		event := changed(t, func(event, _ map[string]any) { event["body"] = strings.Repeat("x", lambdaio.MaxPayload) })
		r := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("the handler was called") }, event)
		if r.StatusCode != 413 || r.Body != "Request Entity Too Large\n" {
			t.Errorf("answer %+v", r)
		}
	})
	t.Run("a body beyond what the handler itself allows", func(t *testing.T) {
		r := serve(t, func(w http.ResponseWriter, r *http.Request) {
			_, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 4))
			if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
				w.WriteHeader(http.StatusRequestEntityTooLarge)
			}
		}, fixture(t, "http-api-request.json"))
		if r.StatusCode != 413 {
			t.Errorf("status %d", r.StatusCode)
		}
	})
	t.Run("an answer", func(t *testing.T) {
		r := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, lambdaio.MaxPayload)) }, fixture(t, "http-api-request.json"))
		if r.StatusCode != 500 || r.Body != "Internal Server Error\n" {
			t.Errorf("status %d, %d bytes", r.StatusCode, len(r.Body))
		}
	})
}

func TestEventsThatAreNoRequest(t *testing.T) {
	for _, tt := range []struct {
		name  string
		event []byte
		says  string
	}{
		{"an event of another service", fixture(t, "sqs-batch.json"), "not an HTTP API event"},
		{"payload format 1.0", []byte(`{"version":"1.0","httpMethod":"GET","path":"/"}`), "payload format 2.0"},
		{"a later payload format", changed(t, func(event, _ map[string]any) { event["version"] = "3.0" }), `version "3.0"`},
		{"an empty object", []byte(`{}`), "not an HTTP API event"},
		{"no JSON", []byte(`hello`), "read the event"},
		{"a body that is not the base64 it claims", changed(t, func(event, _ map[string]any) { event["body"], event["isBase64Encoded"] = "%", true }), "decode the body"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := lambdaio.HTTP(quiet, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the handler was called") }))
			if answer, err := h.Invoke(t.Context(), tt.event); err == nil || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("answer %s, error %v; want …%s…", answer, err, tt.says)
			}
		})
	}
	t.Run("a query that no server would take is answered by 400", func(t *testing.T) {
		r := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("the handler was called") }, changed(t, func(event, _ map[string]any) { event["rawQueryString"] = "a\x00b" }))
		if r.StatusCode != 400 || r.Body != "Bad Request\n" {
			t.Errorf("answer %+v", r)
		}
	})
}

// FuzzHTTP holds that no event brings the adapter down: every one is an error
// or an answer, and the handler never sees a request without a path.
func FuzzHTTP(f *testing.F) {
	f.Add(fixture(f, "http-api-request.json"))
	f.Add([]byte(`{"version":"2.0","rawPath":"/%2e%2e//%zz?#","requestContext":{"http":{"method":"\u0000"},"stage":"%2e"},"headers":{"\n":"\r"},"cookies":["",";"]}`))
	f.Fuzz(func(t *testing.T, event []byte) {
		h := lambdaio.HTTP(quiet, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !strings.HasPrefix(r.URL.Path, "/") || r.URL.Host != "" || r.URL.Scheme != "" {
				t.Errorf("URL %#v", r.URL)
			}
			http.NewServeMux().ServeHTTP(w, r)
		}))
		answer, err := h.Invoke(t.Context(), event)
		if err != nil {
			return
		}
		if err := lambdaio.WriteHTTPResponse(httptest.NewRecorder(), answer); err != nil {
			t.Errorf("the answer cannot be sent: %v: %s", err, answer)
		}
	})
}
