package signature_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/returnpoint/returnpoint/shared/signature"
)

var now = time.Unix(1772000000, 0)

const body = `{"type":"visit.completed","data":{"id":"V-1"}}`

func secret(t testing.TB, fill byte) signature.Secret {
	t.Helper()
	s, err := signature.NewSecret(bytes.NewReader(bytes.Repeat([]byte{fill}, 32)))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func parse(t testing.TB, text string) signature.Secret {
	t.Helper()
	s, err := signature.ParseSecret(text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// mac signs as a lenient sender might, whatever the id and the spelling of the
// time; it shares nothing with the package or its library.
func mac(key []byte, id, timestamp, body string) string {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(id + "." + timestamp + "." + body))
	return "v1," + base64.StdEncoding.EncodeToString(h.Sum(nil))
}

func headers(id, timestamp, signatures string) http.Header {
	return http.Header{signature.HeaderID: {id}, signature.HeaderTimestamp: {timestamp}, signature.HeaderSignature: {signatures}}
}

func TestVerifyTakesVectorsMadeElsewhere(t *testing.T) {
	for _, v := range []struct{ name, secret, id, timestamp, body, signature string }{
		// The vector of the project's own libraries.
		{"the published vector", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", `{"test": 2432232314}`, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="},
		// Python 3: base64.b64encode(hmac.new(bytes(range(64)),
		//   b"evt_0:1-A.1772000000." + body, hashlib.sha256).digest())
		{"a vector of another language", "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0+Pw==", "evt_0:1-A", "1772000000", `{"type":"visit.completed","data":{"doctor":"Ирина"}}`, "v1,wZVo95z1Wd2oO3BgFdTaITqOBTTXZwE4fh+28b7voLw="},
	} {
		t.Run(v.name, func(t *testing.T) {
			seconds, err := strconv.ParseInt(v.timestamp, 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			at, key := time.Unix(seconds, 0), parse(t, v.secret)
			id, err := signature.Verify(headers(v.id, v.timestamp, v.signature), []byte(v.body), []signature.Secret{key}, at)
			if err != nil || id != v.id {
				t.Errorf("id %q, error %v (%s)", id, err, signature.Reason(err))
			}
			signed, err := signature.Sign(v.id, at, []byte(v.body), key)
			if err != nil || signed.Get("webhook-signature") != v.signature || signed.Get("webhook-timestamp") != v.timestamp || signed.Get("webhook-id") != v.id {
				t.Errorf("signed %v, error %v", signed, err)
			}
		})
	}
}

func TestVerifyTakesARequestOnlyWhenEveryPartIsInOrder(t *testing.T) {
	key := bytes.Repeat([]byte{7}, 32)
	mine, other := secret(t, 7), secret(t, 8)
	ts := "1772000000"
	good := mac(key, "msg_1", ts, body)
	forged := "v1," + base64.StdEncoding.EncodeToString(make([]byte, 32))
	signedAt := func(id, ts string) http.Header { return headers(id, ts, mac(key, id, ts, body)) }
	with := func(change func(http.Header)) http.Header {
		h := headers("msg_1", ts, good)
		change(h)
		return h
	}
	for _, tt := range []struct {
		name    string
		header  http.Header
		body    string
		secrets []signature.Secret
		ok      bool
		reason  string
	}{
		{name: "signed as it should be", header: headers("msg_1", ts, good), ok: true},
		{name: "an id of every allowed sort", header: signedAt("aZ09_:-", ts), ok: true},
		{name: "an id of 64 characters", header: signedAt(strings.Repeat("a", 64), ts), ok: true},
		{name: "an empty body", header: headers("msg_1", ts, mac(key, "msg_1", ts, "")), body: "-", ok: true},
		{name: "exactly five minutes old", header: signedAt("msg_1", "1771999700"), ok: true},
		{name: "exactly five minutes ahead", header: signedAt("msg_1", "1772000300"), ok: true},
		{name: "the second of two secrets", header: headers("msg_1", ts, good), secrets: []signature.Secret{other, mine}, ok: true},
		{name: "a good secret beside an empty one", header: headers("msg_1", ts, good), secrets: []signature.Secret{{}, mine}, ok: true},
		{name: "the second of two signatures", header: headers("msg_1", ts, forged+" "+good), ok: true},
		{name: "a good signature after one of another form", header: headers("msg_1", ts, "v1,AAAA "+good), ok: true},
		{name: "a good signature after one of another version", header: headers("msg_1", ts, "v1a,"+good[3:]+" "+good), ok: true},
		{name: "two spaces between signatures", header: headers("msg_1", ts, forged+"  "+good), ok: true},

		{name: "no headers at all", header: http.Header{}, reason: "webhook-id is missing"},
		{name: "no id", header: with(func(h http.Header) { h.Del("webhook-id") }), reason: "webhook-id is missing"},
		{name: "no time", header: with(func(h http.Header) { h.Del("webhook-timestamp") }), reason: "webhook-timestamp is missing"},
		{name: "no signature", header: with(func(h http.Header) { h.Del("webhook-signature") }), reason: "webhook-signature is missing"},
		{name: "an empty signature", header: headers("msg_1", ts, ""), reason: "webhook-signature is missing"},
		{name: "two ids", header: with(func(h http.Header) { h.Add("webhook-id", "msg_1") }), reason: "webhook-id is there more than once"},
		{name: "two times", header: with(func(h http.Header) { h.Add("webhook-timestamp", ts) }), reason: "webhook-timestamp is there more than once"},
		{name: "two signature headers", header: with(func(h http.Header) { h.Add("webhook-signature", good) }), reason: "webhook-signature is there more than once"},
		{name: "two ids joined by a gateway", header: signedAt("msg_1,msg_1", ts), reason: "webhook-id has a character"},
		{name: "two times joined by a gateway", header: signedAt("msg_1", ts+","+ts), reason: "webhook-timestamp is not"},
		{name: "two signatures joined by a gateway", header: headers("msg_1", ts, good+","+good), reason: "holds no v1 signature"},

		{name: "an id with a dot", header: signedAt("msg.1", ts), reason: "webhook-id has a character"},
		{name: "an id that swallows the time", header: headers("msg_1."+ts, ts, mac(key, "msg_1", ts, ts+"."+body)), reason: "webhook-id has a character"},
		{name: "an id with a space", header: signedAt("msg 1", ts), reason: "webhook-id has a character"},
		{name: "an id with a letter beyond ASCII", header: signedAt("мsg", ts), reason: "webhook-id has a character"},
		{name: "an id with a line end", header: signedAt("msg\n1", ts), reason: "webhook-id has a character"},
		{name: "an id of 65 characters", header: signedAt(strings.Repeat("a", 65), ts), reason: "webhook-id is not 1 to 64"},

		{name: "a time with a plus", header: headers("msg_1", "+"+ts, good), reason: "not Unix seconds"},
		{name: "a time with a zero before it", header: headers("msg_1", "0"+ts, good), reason: "not Unix seconds"},
		{name: "a time with a plus, signed so", header: signedAt("msg_1", "+"+ts), reason: "not Unix seconds"},
		{name: "a time with a fraction", header: signedAt("msg_1", ts+".0"), reason: "not Unix seconds"},
		{name: "a time with an exponent", header: signedAt("msg_1", "1772e6"), reason: "not Unix seconds"},
		{name: "a time with an underscore", header: signedAt("msg_1", "1_772000000"), reason: "not Unix seconds"},
		{name: "a time in other digits", header: signedAt("msg_1", "١٧٧٢٠٠٠٠٠٠"), reason: "not Unix seconds"},
		{name: "a time with a space", header: signedAt("msg_1", " "+ts), reason: "not Unix seconds"},
		{name: "a negative time", header: signedAt("msg_1", "-1"), reason: "not Unix seconds"},
		{name: "time zero", header: signedAt("msg_1", "0"), reason: "not Unix seconds"},
		{name: "a time in milliseconds", header: signedAt("msg_1", ts+"000"), reason: "not Unix seconds"},
		{name: "a time that overflows a duration", header: signedAt("msg_1", strconv.Itoa(1772000000+18446744074)), reason: "seconds ahead"},
		{name: "five minutes and a second old", header: signedAt("msg_1", "1771999699"), reason: "is 301 seconds old"},
		{name: "five minutes and a second ahead", header: signedAt("msg_1", "1772000301"), reason: "is 301 seconds ahead"},

		{name: "another body", header: headers("msg_1", ts, good), body: body + " ", reason: "no signature by any secret fits"},
		{name: "another id", header: headers("msg_2", ts, good), reason: "no signature by any secret fits"},
		{name: "another time", header: headers("msg_1", "1772000001", good), reason: "no signature by any secret fits"},
		{name: "another secret", header: headers("msg_1", ts, good), secrets: []signature.Secret{other}, reason: "no signature by any secret fits"},
		{name: "no secret", header: headers("msg_1", ts, good), secrets: []signature.Secret{}, reason: "no secret to verify with"},
		{name: "an empty secret, signed by an empty key", header: headers("msg_1", ts, mac(nil, "msg_1", ts, body)), secrets: []signature.Secret{{}}, reason: "no signature by any secret fits"},
		{name: "a signature with more after it", header: headers("msg_1", ts, good+",more"), reason: "holds no v1 signature"},
		{name: "a signature with more after it, beside one of the right form", header: headers("msg_1", ts, forged+" "+good+",more"), reason: "no signature by any secret fits"},
		{name: "a signature with a comma within", header: headers("msg_1", ts, good[:20]+","+good[21:]), reason: "holds no v1 signature"},
		{name: "a signature without padding", header: headers("msg_1", ts, strings.TrimRight(good, "=")), reason: "holds no v1 signature"},
		{name: "a signature cut short", header: headers("msg_1", ts, good[:20]), reason: "holds no v1 signature"},
		{name: "a signature without its version", header: headers("msg_1", ts, good[3:]), reason: "holds no v1 signature"},
		{name: "a signature of version 1 in capitals", header: headers("msg_1", ts, "V1"+good[2:]), reason: "holds no v1 signature"},
		{name: "a signature of another version only", header: headers("msg_1", ts, "v2"+good[2:]), reason: "holds no v1 signature"},
		{name: "signatures separated by a tab", header: headers("msg_1", ts, forged+"\t"+good), reason: "holds no v1 signature"},
		{name: "a hundred signatures", header: headers("msg_1", ts, strings.Repeat(forged+" ", 100)+good), reason: "longer than 4096"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			raw, secrets := body, []signature.Secret{mine}
			if tt.body != "" {
				raw = strings.TrimPrefix(tt.body, "-")
			}
			if tt.secrets != nil {
				secrets = tt.secrets
			}
			id, err := signature.Verify(tt.header, []byte(raw), secrets, now)
			if tt.ok {
				if err != nil || id != tt.header.Get("webhook-id") {
					t.Fatalf("id %q, error %v (%s)", id, err, signature.Reason(err))
				}
				return
			}
			if !errors.Is(err, signature.ErrUnsigned) || id != "" {
				t.Fatalf("id %q, error %v; want ErrUnsigned", id, err)
			}
			if err.Error() != signature.ErrUnsigned.Error() {
				t.Errorf("the text tells a stranger more: %q", err)
			}
			if got := signature.Reason(err); !strings.Contains(got, tt.reason) {
				t.Errorf("reason %q, want …%s…", got, tt.reason)
			}
		})
	}
}

func TestTheToleranceCountsWholeSeconds(t *testing.T) {
	key := secret(t, 7)
	for name, tt := range map[string]struct {
		now time.Time
		ok  bool
	}{
		"a fraction beyond five minutes old": {now.Add(300*time.Second + 999*time.Millisecond), true},
		"a full second beyond":               {now.Add(301 * time.Second), false},
		"a fraction within five minutes":     {now.Add(-300 * time.Second), true},
		"a fraction beyond five minutes":     {now.Add(-300*time.Second - time.Millisecond), false},
	} {
		t.Run(name, func(t *testing.T) {
			signed, err := signature.Sign("msg_1", now, []byte(body), key)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := signature.Verify(signed, []byte(body), []signature.Secret{key}, tt.now); (err == nil) != tt.ok {
				t.Errorf("error %v (%s)", err, signature.Reason(err))
			}
		})
	}
}

func TestTheReasonReachesTheLogOnly(t *testing.T) {
	_, err := signature.Verify(http.Header{}, nil, nil, now)
	var out bytes.Buffer
	slog.New(slog.NewJSONHandler(&out, nil)).Warn("refused", "err", err)
	if !strings.Contains(out.String(), "webhook-id is missing") {
		t.Errorf("the log says %s", &out)
	}
	if got := fmt.Sprintf("%v %s %q", err, err, err); strings.Contains(got, "missing") {
		t.Errorf("printed: %s", got)
	}
	if wrapped := fmt.Errorf("api: receive event: %w", err); signature.Reason(wrapped) == "" || !errors.Is(wrapped, signature.ErrUnsigned) {
		t.Error("a wrapped refusal lost its reason")
	}
	if got := signature.Reason(errors.New("table: gone")); got != "" {
		t.Errorf("another error has the reason %q", got)
	}
}

func TestDuringRotationBothSidesMeet(t *testing.T) {
	before, after := secret(t, 1), secret(t, 2)
	both, err := signature.Sign("msg_1", now, []byte(body), before, after)
	if err != nil {
		t.Fatal(err)
	}
	for name, active := range map[string][]signature.Secret{"still the old": {before}, "already the new": {after}, "both": {after, before}} {
		if _, err := signature.Verify(both, []byte(body), active, now); err != nil {
			t.Errorf("a receiver with %s: %v (%s)", name, err, signature.Reason(err))
		}
	}
}

func TestSignRefusesWhatVerifyWould(t *testing.T) {
	key := secret(t, 1)
	for name, sign := range map[string]func() (http.Header, error){
		"an id with a dot":     func() (http.Header, error) { return signature.Sign("msg.1", now, nil, key) },
		"an empty id":          func() (http.Header, error) { return signature.Sign("", now, nil, key) },
		"a time before 1970":   func() (http.Header, error) { return signature.Sign("m", time.Unix(-5, 0), nil, key) },
		"the zero time":        func() (http.Header, error) { return signature.Sign("m", time.Time{}, nil, key) },
		"no secret":            func() (http.Header, error) { return signature.Sign("m", now, nil) },
		"an empty secret":      func() (http.Header, error) { return signature.Sign("m", now, nil, signature.Secret{}) },
		"an empty one of many": func() (http.Header, error) { return signature.Sign("m", now, nil, key, signature.Secret{}) },
	} {
		t.Run(name, func(t *testing.T) {
			if h, err := sign(); err == nil {
				t.Errorf("signed: %v", h)
			}
		})
	}
}

func TestWhatIsSignedVerifiesAndWhatIsChangedDoesNot(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		key, err := signature.NewSecret(bytes.NewReader(rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "key")))
		if err != nil {
			t.Fatal(err)
		}
		id := rapid.StringMatching(`[A-Za-z0-9_:\-]{1,64}`).Draw(t, "id")
		raw := rapid.SliceOf(rapid.Byte()).Draw(t, "body")
		at := now.Add(time.Duration(rapid.IntRange(-300, 300).Draw(t, "skew")) * time.Second)
		header, err := signature.Sign(id, at, raw, key)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := signature.Verify(header, raw, []signature.Secret{key}, now); err != nil || got != id {
			t.Fatalf("id %q, error %v (%s)", got, err, signature.Reason(err))
		}
		switch rapid.SampledFrom([]string{"body", "header"}).Draw(t, "change") {
		case "body":
			raw = slices.Insert(slices.Clone(raw), rapid.IntRange(0, len(raw)).Draw(t, "at"), rapid.Byte().Draw(t, "byte"))
		case "header":
			name := rapid.SampledFrom([]string{"webhook-id", "webhook-timestamp", "webhook-signature"}).Draw(t, "name")
			value := []byte(header.Get(name))
			value[rapid.IntRange(0, len(value)-1).Draw(t, "at")] ^= 1 << rapid.IntRange(0, 6).Draw(t, "bit")
			header.Set(name, string(value))
		}
		if _, err := signature.Verify(header, raw, []signature.Secret{key}, now); !errors.Is(err, signature.ErrUnsigned) {
			t.Fatalf("a changed request was taken: %v", err)
		}
	})
}

// FuzzVerify holds what is taken to an HMAC computed here, over the very bytes
// of the headers.
func FuzzVerify(f *testing.F) {
	key := bytes.Repeat([]byte{7}, 32)
	f.Add("msg_1", "1772000000", mac(key, "msg_1", "1772000000", body), []byte(body))
	f.Add("msg_1", "+1772000000", mac(key, "msg_1", "1772000000", body), []byte(body))
	f.Add("msg_1.1772000000", "1772000000", mac(key, "msg_1", "1772000000", "1772000000."+body), []byte(body))
	f.Add("msg_1", "1772000000", "v1,AAAA v2,x "+mac(key, "msg_1", "1772000000", "")+",", []byte{})
	mine := []signature.Secret{secret(f, 7)}
	f.Fuzz(func(t *testing.T, id, timestamp, signatures string, raw []byte) {
		got, err := signature.Verify(headers(id, timestamp, signatures), raw, mine, now)
		if err != nil {
			if !errors.Is(err, signature.ErrUnsigned) || err.Error() != signature.ErrUnsigned.Error() || signature.Reason(err) == "" {
				t.Fatalf("a refusal of another kind: %v", err)
			}
			return
		}
		proved := false
		for _, s := range strings.Split(signatures, " ") {
			proved = proved || s == mac(key, id, timestamp, string(raw))
		}
		seconds, err := strconv.Atoi(timestamp)
		if !proved || got != id || strings.Contains(id, ".") || err != nil || strconv.Itoa(seconds) != timestamp || seconds < 1771999700 || seconds > 1772000300 {
			t.Fatalf("taken: %q %q %q %q", id, timestamp, signatures, raw)
		}
	})
}
