package lambdaio

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/aws/aws-lambda-go/events"
)

// HTTP serves the requests of an API Gateway HTTP API, payload format 2.0
// (https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html).
//
// The handler sees what net/http would show it: Host, RemoteAddr (the source
// address with port 0), the escaped path in URL.RawPath, cookies as one header,
// a context that ends before the function does. Headers that came more than
// once are one value joined by commas, which is all the format has of them.
//
// The gateway decodes the path once before it hands it over, so that on AWS
// %2F arrives as a slash and %252F as %2F; no route may depend on either. A
// stage other than $default is taken off the path.
//
// A panic is answered by 500, an event longer than MaxPayload by 413, a path or
// query that no server would take by 400, all in plain words. An answer longer
// than MaxPayload could not leave Lambda and becomes a 500 too.
func HTTP(log *slog.Logger, h http.Handler) Handler {
	return handle(log, "HTTP request", func(ctx context.Context, payload []byte) ([]byte, error) {
		if len(payload) > MaxPayload {
			return plain(http.StatusRequestEntityTooLarge).payload()
		}
		var event events.APIGatewayV2HTTPRequest
		if err := json.Unmarshal(payload, &event); err != nil {
			return nil, fmt.Errorf("read the event: %w", err)
		}
		r, err := request(ctx, &event)
		if bad, ok := errors.AsType[*url.Error](err); ok {
			log.WarnContext(ctx, "a request no server would take", "err", bad.Err)
			return plain(http.StatusBadRequest).payload()
		}
		if err != nil {
			return nil, err
		}
		w := &answer{header: http.Header{}, head: r.Method == http.MethodHead}
		if !serve(log, h, w, r) {
			w = plain(http.StatusInternalServerError)
		}
		out, err := w.payload()
		if err != nil || len(out) <= MaxPayload {
			return out, err
		}
		log.ErrorContext(ctx, "the answer is longer than Lambda gives out", "route", r.Pattern, "bytes", len(out))
		return plain(http.StatusInternalServerError).payload()
	})
}

// serve reports whether the handler returned. Of a request that ended in a
// panic only the route is logged: its path may hold a token or a secret.
func serve(log *slog.Logger, h http.Handler, w *answer, r *http.Request) (returned bool) {
	defer func() {
		if v := recover(); v != nil {
			logPanic(r.Context(), log, v, "method", r.Method, "route", r.Pattern)
		}
	}()
	h.ServeHTTP(w, r)
	return true
}

// request builds what net/http would have read from the wire. An *url.Error is
// the sender's fault.
func request(ctx context.Context, event *events.APIGatewayV2HTTPRequest) (*http.Request, error) {
	about := &event.RequestContext.HTTP
	if event.Version != "2.0" || about.Method == "" {
		return nil, fmt.Errorf("not an HTTP API event of payload format 2.0 (version %q)", event.Version)
	}
	body := []byte(event.Body)
	if event.IsBase64Encoded {
		var err error
		if body, err = base64.StdEncoding.DecodeString(event.Body); err != nil {
			return nil, fmt.Errorf("decode the body: %w", err)
		}
	}
	uri := escaped(withoutStage(event))
	if event.RawQueryString != "" {
		uri += "?" + event.RawQueryString
	}
	u, err := url.ParseRequestURI(uri)
	if err != nil {
		return nil, fmt.Errorf("read the path: %w", err)
	}
	r := &http.Request{
		Method: about.Method, URL: u, RequestURI: uri,
		Proto: about.Protocol, Header: http.Header{},
		Host: event.RequestContext.DomainName,
		Body: io.NopCloser(bytes.NewReader(body)), ContentLength: int64(len(body)),
	}
	var ok bool
	if r.ProtoMajor, r.ProtoMinor, ok = http.ParseHTTPVersion(r.Proto); !ok {
		r.Proto, r.ProtoMajor, r.ProtoMinor = "HTTP/1.1", 1, 1
	}
	if about.SourceIP != "" {
		r.RemoteAddr = net.JoinHostPort(about.SourceIP, "0")
	}
	for name, value := range event.Headers {
		r.Header.Add(name, value)
	}
	if host := r.Header.Get("Host"); host != "" {
		r.Host = host
	}
	r.Header.Del("Host") // net/http keeps it out of the headers too
	if len(event.Cookies) > 0 {
		r.Header.Set("Cookie", strings.Join(event.Cookies, "; "))
	}
	if len(body) == 0 {
		r.Body = http.NoBody
	}
	return r.WithContext(ctx), nil
}

func withoutStage(event *events.APIGatewayV2HTTPRequest) string {
	path, stage := event.RawPath, event.RequestContext.Stage
	if stage != "" && stage != "$default" {
		if rest, ok := strings.CutPrefix(path, "/"+stage); ok && (rest == "" || rest[0] == '/') {
			path = rest
		}
	}
	if path == "" {
		return "/"
	}
	return path
}

// escaped encodes what cannot stand in an encoded path and leaves the rest, so
// that a path that came encoded is unchanged and one that the gateway decoded
// is whole: a decoded "?" must not begin a query.
func escaped(path string) string {
	var b strings.Builder
	for i := range len(path) {
		c := path[i]
		isEscape := c == '%' && i+2 < len(path) && isHex(path[i+1]) && isHex(path[i+2])
		if c <= ' ' || c >= 0x7f || c == '?' || c == '#' || c == '%' && !isEscape {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

// answer is an http.ResponseWriter that keeps everything, with the manners of
// net/http: the first status counts, headers are fixed by it, a missing content
// type is guessed.
type answer struct {
	header http.Header // as the handler sees it
	sent   http.Header // as it was when the status was written
	status int
	body   bytes.Buffer
	head   bool
}

var _ http.ResponseWriter = (*answer)(nil)

func plain(status int) *answer {
	w := &answer{header: http.Header{}}
	http.Error(w, http.StatusText(status), status)
	return w
}

func (w *answer) Header() http.Header { return w.header }

func (w *answer) WriteHeader(status int) {
	if status < 100 || status > 999 {
		panic(fmt.Sprintf("invalid status %d", status))
	}
	if w.status != 0 || status < 200 {
		return // the format carries one final status
	}
	w.status, w.sent = status, w.header.Clone()
}

func (w *answer) Write(b []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	if w.status == http.StatusNoContent || w.status == http.StatusNotModified {
		return 0, http.ErrBodyNotAllowed
	}
	return w.body.Write(b)
}

// payload writes the answer in payload format 2.0. The gateway computes the
// length itself.
func (w *answer) payload() ([]byte, error) {
	w.WriteHeader(http.StatusOK)
	body := w.body.Bytes()
	if _, set := w.sent["Content-Type"]; !set && len(body) > 0 && w.sent.Get("Content-Encoding") == "" {
		w.sent.Set("Content-Type", http.DetectContentType(body))
	}
	if w.head {
		body = nil
	}
	out := events.APIGatewayV2HTTPResponse{StatusCode: w.status, Headers: map[string]string{}, Cookies: []string{}}
	oneLine := strings.NewReplacer("\r", " ", "\n", " ") // as net/http writes a header
	for name, values := range w.sent {
		switch {
		case name == "Set-Cookie":
			for _, cookie := range values {
				out.Cookies = append(out.Cookies, oneLine.Replace(cookie))
			}
		case name != "Content-Length" && len(values) > 0:
			out.Headers[name] = oneLine.Replace(strings.Join(values, ", "))
		}
	}
	if out.Body = string(body); !utf8.Valid(body) {
		out.Body, out.IsBase64Encoded = base64.StdEncoding.EncodeToString(body), true
	}
	return encode(out)
}

// encode is json.Marshal without the escapes for HTML, which would make a page
// some times longer.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, fmt.Errorf("lambdaio: write JSON: %w", err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}
