package lambdaio_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/returnpoint/returnpoint/shared/lambdaio"
)

var noon = time.Date(2026, 5, 22, 15, 40, 0, 250e6, time.FixedZone("MSK", 3*3600))

type handler func(ctx context.Context, payload []byte) ([]byte, error)

func (h handler) Invoke(ctx context.Context, payload []byte) ([]byte, error) { return h(ctx, payload) }

// gateway is what one machine puts before a handler: the whole path of a
// request through payload format 2.0 and back.
func gateway(t testing.TB, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		payload, err := lambdaio.HTTPPayload(r, noon)
		if errors.Is(err, lambdaio.ErrTooLarge) {
			http.Error(w, "too large", http.StatusRequestEntityTooLarge)
			return
		}
		if err != nil {
			t.Error(err)
			return
		}
		answer, err := lambdaio.Invoke(r.Context(), lambdaio.HTTP(quiet, h), payload, time.Minute)
		if err != nil {
			t.Error(err)
			return
		}
		if err := lambdaio.WriteHTTPResponse(w, answer); err != nil {
			t.Error(err)
		}
	})
}

func TestARequestBecomesTheEventThatTheGatewayWouldSend(t *testing.T) {
	r := httptest.NewRequest("POST", "https://api.example.com:8443/v1/clinics/demo/events?tag=a&tag=b%20c", strings.NewReader(`{"name":"я"}`))
	r.RemoteAddr = "[2001:db8::7]:50123"
	r.Header = http.Header{"Content-Type": {"application/json; charset=utf-8"}, "Accept": {"text/html", "application/json"}, "Webhook-Id": {"msg_1"},
		"Cookie": {"session=abc; theme=dark", "third=3"}, "User-Agent": {"mis/1.0"}, "X-Forwarded-For": {"203.0.113.9"}, "X-Forwarded-Proto": {"gopher"}}
	r.TLS = &tls.ConnectionState{}
	payload, err := lambdaio.HTTPPayload(r.WithContext(lambdaio.WithRequestID(t.Context(), "req-1")), noon)
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(payload, &got); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"version": "2.0", "routeKey": "$default", "rawPath": "/v1/clinics/demo/events", "rawQueryString": "tag=a&tag=b%20c",
		"cookies":               []any{"session=abc", "theme=dark", "third=3"},
		"queryStringParameters": map[string]any{"tag": "a,b c"},
		"headers": map[string]any{"content-type": "application/json; charset=utf-8", "accept": "text/html,application/json", "webhook-id": "msg_1", "user-agent": "mis/1.0",
			"host": "api.example.com:8443", "content-length": "13", "x-forwarded-for": "203.0.113.9, 2001:db8::7", "x-forwarded-proto": "https"},
		"body": `{"name":"я"}`, "isBase64Encoded": false,
	}
	about := got["requestContext"].(map[string]any)
	delete(got, "requestContext")
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
	for key, want := range map[string]any{"stage": "$default", "requestId": "req-1", "domainName": "api.example.com", "domainPrefix": "api", "time": "22/May/2026:12:40:00 +0000", "timeEpoch": 1779453600250.0,
		"http": map[string]any{"method": "POST", "path": "/v1/clinics/demo/events", "protocol": "HTTP/1.1", "sourceIp": "2001:db8::7", "userAgent": "mis/1.0"}} {
		if !reflect.DeepEqual(about[key], want) {
			t.Errorf("%s: %v, want %v", key, about[key], want)
		}
	}
}

func TestABodyTravelsAsTheGatewayWouldSendIt(t *testing.T) {
	for _, tt := range []struct {
		contentType, body string
		isBase64          bool
	}{
		{"application/json", "{}", false},
		{"text/csv; charset=windows-1251", "a;b", false},
		{"text/csv; charset=windows-1251", "\xef\xe0\xf6", true},
		{"application/json", "{\"a\":\"\xff\"}", true},
		{"application/x-www-form-urlencoded", "answer=good", true},
		{"application/fhir+json", "{}", true},
		{"", "{}", true},
		{"", "", false},
	} {
		t.Run(fmt.Sprintf("%q as %s", tt.body, tt.contentType), func(t *testing.T) {
			r := httptest.NewRequest("POST", "/", strings.NewReader(tt.body))
			r.Header.Set("Content-Type", tt.contentType)
			payload, err := lambdaio.HTTPPayload(r, noon)
			if err != nil {
				t.Fatal(err)
			}
			var event struct {
				Body            string
				IsBase64Encoded bool
			}
			if err := json.Unmarshal(payload, &event); err != nil {
				t.Fatal(err)
			}
			body := event.Body
			if event.IsBase64Encoded {
				b, err := base64.StdEncoding.DecodeString(body)
				if err != nil {
					t.Fatal(err)
				}
				body = string(b)
			}
			if body != tt.body || event.IsBase64Encoded != tt.isBase64 {
				t.Errorf("base64 %v, body %q", event.IsBase64Encoded, body)
			}
		})
	}
}

// TestThroughThePayloadIsAsStraightToTheServer is the adapter's proof: the same
// request to the same handler, once behind net/http alone and once through both
// directions of payload format 2.0, is seen alike and answered alike.
func TestThroughThePayloadIsAsStraightToTheServer(t *testing.T) {
	type seen struct {
		Method, Path, Escaped, Query, URI, Host, Proto, Body string
		Length                                               int64
		Cookies                                              []string
		Header                                               http.Header
	}
	// The handler says what it saw, and answers as the request's headers ask.
	mirror := func(into *seen) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(r.Body)
			if err != nil {
				t.Error(err)
			}
			*into = seen{Method: r.Method, Path: r.URL.Path, Escaped: r.URL.EscapedPath(), Query: r.URL.RawQuery, URI: r.RequestURI, Host: r.Host, Proto: r.Proto, Body: string(body), Length: r.ContentLength, Header: http.Header{}}
			for _, c := range r.Cookies() {
				into.Cookies = append(into.Cookies, c.Name+"="+c.Value)
			}
			for name, values := range r.Header {
				// What the gateway itself adds, and what it counts.
				if !strings.HasPrefix(name, "X-Forwarded-") && name != "Content-Length" && name != "Cookie" {
					into.Header[name] = values
				}
			}
			if kind := r.Header.Get("Ask-Type"); kind != "" {
				w.Header().Set("Content-Type", kind)
			}
			for i := range len(r.Header.Get("Ask-Cookies")) {
				w.Header().Add("Set-Cookie", fmt.Sprintf("c%d=1; Expires=Fri, 22 May 2026 00:00:00 GMT", i))
			}
			w.Header().Set("X-Odd", r.Header.Get("Ask-Odd"))
			var status int
			if _, err := fmt.Sscan(r.Header.Get("Ask-Status"), &status); err == nil {
				w.WriteHeader(status)
			}
			_, _ = w.Write(body) // 204 and 304 take none
		})
	}
	var straight, through seen
	one := httptest.NewServer(mirror(&straight))
	defer one.Close()
	two := httptest.NewServer(gateway(t, mirror(&through)))
	defer two.Close()
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	send := func(t *rapid.T, server string, build func(string) *http.Request) (*http.Response, string) {
		resp, err := client.Do(build(server))
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp, string(body)
	}

	rapid.Check(t, func(t *rapid.T) {
		method := rapid.SampledFrom([]string{"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"}).Draw(t, "method")
		segment := rapid.StringOfN(rapid.RuneFrom([]rune("ab/ %?#я;:@+&=\"\n")), 0, 6, -1)
		path := "/" + url.PathEscape(segment.Draw(t, "segment")) + rapid.SampledFrom([]string{"", "/", "//x", "/%2e%2e", "/a%2Fb"}).Draw(t, "rest")
		query := rapid.SampledFrom([]string{"", "?", "?a=1&a=2", "?a=%20+&b", "?a=%D1%8F&a=%2B;x", "?a=%zz"}).Draw(t, "query")
		body := rapid.OneOf(rapid.SliceOfN(rapid.Byte(), 0, 20), rapid.Map(rapid.StringN(0, 20, -1), func(s string) []byte { return []byte(s) })).Draw(t, "body")
		if method == "GET" || method == "HEAD" {
			body = nil
		}
		header := http.Header{"Host": nil}
		header.Set("Ask-Status", rapid.SampledFrom([]string{"", "200", "202", "204", "302", "304", "400", "503"}).Draw(t, "status"))
		header.Set("Ask-Type", rapid.SampledFrom([]string{"", "text/html; charset=utf-8", "application/json", "image/png"}).Draw(t, "type"))
		header.Set("Ask-Odd", rapid.SampledFrom([]string{"", "x, y", "\"quoted\"", "я"}).Draw(t, "odd"))
		header.Set("Content-Type", rapid.SampledFrom([]string{"application/json", "text/plain", "application/octet-stream", "application/x-www-form-urlencoded", "nonsense"}).Draw(t, "content type"))
		header.Set("Ask-Cookies", rapid.SampledFrom([]string{"", "1", "11"}).Draw(t, "cookies asked"))
		cookies := rapid.SliceOfN(rapid.SampledFrom([]string{"s=abc", "t=d", "u=\"q\"", "v="}), 0, 3).Draw(t, "cookies")
		build := func(server string) *http.Request {
			r, err := http.NewRequestWithContext(t.Context(), method, server+path+query, bytes.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			r.Header, r.Host = header.Clone(), "clinic.example.com"
			if len(cookies) > 0 {
				r.Header.Set("Cookie", strings.Join(cookies, "; "))
			}
			return r
		}
		wantResp, wantBody := send(t, one.URL, build)
		gotResp, gotBody := send(t, two.URL, build)

		// An empty query behind a question mark has no place in the event.
		straight.URI = strings.TrimSuffix(straight.URI, "?")
		if !reflect.DeepEqual(through, straight) {
			t.Fatalf("the handler saw\n%+v\nwant\n%+v", through, straight)
		}
		for _, resp := range []*http.Response{wantResp, gotResp} {
			resp.Header.Del("Date")
			resp.Header.Del("Content-Length") // HEAD: the gateway tells none
		}
		if gotResp.StatusCode != wantResp.StatusCode || gotBody != wantBody || !reflect.DeepEqual(gotResp.Header, wantResp.Header) {
			t.Fatalf("answered\n%d %v %q\nwant\n%d %v %q", gotResp.StatusCode, gotResp.Header, gotBody, wantResp.StatusCode, wantResp.Header, wantBody)
		}
	})
}

func TestARequestLongerThanLambdaTakesIsNotMade(t *testing.T) {
	for name, body := range map[string]string{
		"a long body":                       strings.Repeat("a", lambdaio.MaxPayload+1),
		"a body that base64 makes too long": strings.Repeat("\xff", lambdaio.MaxPayload*4/5),
		"a body that escapes make too long": strings.Repeat("\x01", lambdaio.MaxPayload/2),
	} {
		t.Run(name, func(t *testing.T) {
			r := httptest.NewRequest("POST", "/", strings.NewReader(body))
			r.Header.Set("Content-Type", "text/plain")
			if payload, err := lambdaio.HTTPPayload(r, noon); !errors.Is(err, lambdaio.ErrTooLarge) {
				t.Errorf("%d bytes, error %v", len(payload), err)
			}
		})
	}
	r := httptest.NewRequest("POST", "/", strings.NewReader(strings.Repeat("a", 5_000_000)))
	r.Header.Set("Content-Type", "text/plain")
	if _, err := lambdaio.HTTPPayload(r, noon); err != nil {
		t.Errorf("five million letters: %v", err)
	}
}

func TestAnAnswerThatTheGatewayWouldNotTakeIsAnErrorBeforeAnythingIsSent(t *testing.T) {
	for name, answer := range map[string]string{
		"no JSON":           `hello`,
		"no status":         `{"body":"x"}`,
		"a status of none":  `{"statusCode":99}`,
		"a false base64":    `{"statusCode":200,"body":"%","isBase64Encoded":true}`,
		"a body not a text": `{"statusCode":200,"body":{}}`,
	} {
		t.Run(name, func(t *testing.T) {
			w := httptest.NewRecorder()
			w.Code = 0
			if err := lambdaio.WriteHTTPResponse(w, []byte(answer)); err == nil || w.Body.Len() > 0 || w.Code != 0 {
				t.Errorf("error %v, sent %d %q", err, w.Code, w.Body)
			}
		})
	}
}

func TestInvokeGivesTheTimeAndNoMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		answer, err := lambdaio.Invoke(t.Context(), handler(func(ctx context.Context, payload []byte) ([]byte, error) {
			if deadline, ok := ctx.Deadline(); !ok || time.Until(deadline) != 30*time.Second {
				t.Errorf("deadline %v, %v", deadline, ok)
			}
			time.Sleep(29 * time.Second)
			return append([]byte("got "), payload...), nil
		}), []byte("it"), 30*time.Second)
		if err != nil || string(answer) != "got it" {
			t.Errorf("answer %q, error %v", answer, err)
		}

		answer, err = lambdaio.Invoke(t.Context(), handler(func(context.Context, []byte) ([]byte, error) {
			time.Sleep(31 * time.Second)
			return []byte("late"), nil
		}), nil, 30*time.Second)
		if answer != nil || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a late answer %q, error %v", answer, err)
		}
	})
}

func TestInvokePassesOnWhatTheHandlerSays(t *testing.T) {
	away := errors.New("away")
	if _, err := lambdaio.Invoke(t.Context(), handler(func(context.Context, []byte) ([]byte, error) { return nil, away }), nil, time.Minute); !errors.Is(err, away) {
		t.Errorf("error %v", err)
	}
	_, err := lambdaio.Invoke(t.Context(), handler(func(context.Context, []byte) ([]byte, error) { panic("dropped") }), nil, time.Minute)
	p, ok := errors.AsType[*lambdaio.Panic](err)
	if !ok || p.Value != "dropped" || !bytes.Contains(p.Stack, []byte("local_test.go")) {
		t.Errorf("error %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	answer, err := lambdaio.Invoke(ctx, handler(func(context.Context, []byte) ([]byte, error) {
		cancel()
		return []byte("done"), nil
	}), nil, time.Minute)
	if string(answer) != "done" || err != nil {
		t.Errorf("work that was done when the process was asked to end: answer %q, error %v", answer, err)
	}
}

func TestAQueuePayloadIsABatchOfSQS(t *testing.T) {
	payload, err := lambdaio.QueuePayload(lambdaio.Message{ID: "a", Body: "1", Attributes: map[string]string{"x": "y", "z": ""}}, lambdaio.Message{ID: "b"})
	if err != nil {
		t.Fatal(err)
	}
	var got []lambdaio.Message
	_, err = lambdaio.Queue(quiet, 0, func(_ context.Context, m lambdaio.Message) error {
		got = append(got, m)
		return nil
	}).Invoke(t.Context(), payload)
	if err != nil || !slices.EqualFunc(got, []lambdaio.Message{{ID: "a", Body: "1", Attributes: map[string]string{"x": "y", "z": ""}}, {ID: "b"}}, func(a, b lambdaio.Message) bool { return reflect.DeepEqual(a, b) }) {
		t.Errorf("messages %+v, error %v", got, err)
	}
}
