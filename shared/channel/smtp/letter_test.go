package smtp

import (
	"bytes"
	"encoding/base64"
	"errors"
	"io"
	"maps"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/returnpoint/returnpoint/shared/outreach"
)

// part is a leaf of a letter.
type part struct {
	kind    string // "text/plain; charset=UTF-8", as it stands there
	id      string // Content-ID
	content string
}

// read takes a letter apart as a mail program does: its header, its shape, as in
// "multipart/related(multipart/alternative(text/plain text/html) image/jpeg)", and its leaves.
func read(t testing.TB, raw string) (header mail.Header, shape string, parts []part) {
	t.Helper()
	letter, err := mail.ReadMessage(strings.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	var walk func(get func(string) string, body io.Reader) string
	walk = func(get func(string) string, body io.Reader) string {
		kind, params, err := mime.ParseMediaType(get("Content-Type"))
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(kind, "multipart/") {
			content, err := io.ReadAll(decoded(get("Content-Transfer-Encoding"), body))
			if err != nil {
				t.Fatal(err)
			}
			parts = append(parts, part{get("Content-Type"), get("Content-ID"), string(content)})
			return kind
		}
		var inside []string
		for reader := multipart.NewReader(body, params["boundary"]); ; {
			p, err := reader.NextRawPart()
			if err == io.EOF {
				return kind + "(" + strings.Join(inside, " ") + ")"
			}
			if err != nil {
				t.Fatal(err)
			}
			inside = append(inside, walk(p.Header.Get, p))
		}
	}
	return letter.Header, walk(letter.Header.Get, letter.Body), parts
}

func decoded(encoding string, body io.Reader) io.Reader {
	switch encoding {
	case "base64":
		return base64.NewDecoder(base64.StdEncoding, body)
	case "quoted-printable":
		return quotedprintable.NewReader(body)
	}
	return strings.NewReader("the encoding " + encoding)
}

// subject is the header's, decoded.
func subject(t testing.TB, h mail.Header) string {
	t.Helper()
	s, err := new(mime.WordDecoder).DecodeHeader(h.Get("Subject"))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// received is the letter that a server is handed.
func received(t *testing.T, m outreach.Message) string {
	t.Helper()
	s := serve(t, NoTLS, nil)
	if _, err := s.channel(NoTLS).Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	s.wait()
	return s.letters[0]
}

// always are the fields of every header; more are List-Unsubscribe's.
var always = []string{"Auto-Submitted", "Content-Type", "Date", "From", "Message-Id", "Mime-Version", "Subject", "To"}

func TestALetterIsReadAsItWasWritten(t *testing.T) {
	t.Parallel()
	m := message()
	h, shape, parts := read(t, received(t, m))
	for field, want := range map[string]string{
		"Message-ID":            "<V1StGXR8_Z5jdHi6B-myTQ@example.com>",
		"Date":                  "Fri, 22 May 2026 15:40:00 +0300",
		"To":                    "<anna@example.com>",
		"MIME-Version":          "1.0",
		"Auto-Submitted":        "auto-generated",
		"List-Unsubscribe":      "<https://rp.example.com/u/AAAAAAAAAAAAAAAA>",
		"List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
	} {
		if h.Get(field) != want {
			t.Errorf("%s is %q, want %q", field, h.Get(field), want)
		}
	}
	if got := subject(t, h); got != m.Subject {
		t.Errorf("the subject is %q", got)
	}
	if from, err := h.AddressList("From"); err != nil || len(from) != 1 || from[0].Name != m.Sender || from[0].Address != "clinic@example.com" {
		t.Errorf("it is from %v, %v", from, err)
	}
	if want := append([]string{"List-Unsubscribe", "List-Unsubscribe-Post"}, always...); !sameFields(h, want) {
		t.Errorf("the header has %q", slices.Sorted(maps.Keys(h)))
	}
	if shape != "multipart/related(multipart/alternative(text/plain text/html) image/jpeg)" {
		t.Fatalf("its shape is %s", shape)
	}
	want := []part{
		{"text/plain; charset=UTF-8", "", "Ждём вас в воскресенье\r\n.\r\nдо встречи"},
		{"text/html; charset=UTF-8", "", m.HTML},
		{`image/jpeg; name="doctor.jpg"`, "<doctor>", string(m.Photo)},
	}
	if !slices.Equal(parts, want) {
		t.Errorf("its parts are %.300q", parts)
	}
}

func TestALetterHasTheShapeOfWhatIsInIt(t *testing.T) {
	t.Parallel()
	for want, change := range map[string]func(*outreach.Message){
		"multipart/alternative(text/plain text/html)": func(m *outreach.Message) { m.Photo = nil },
		"text/plain": func(m *outreach.Message) { m.HTML = "" }, // and nothing shows the photo
	} {
		m := message()
		change(&m)
		m.Unsubscribe = ""
		h, shape, parts := read(t, received(t, m))
		if shape != want || parts[0].content != "Ждём вас в воскресенье\r\n.\r\nдо встречи" {
			t.Errorf("its shape is %s, want %s, and its text %q", shape, want, parts[0].content)
		}
		if h.Get("List-Unsubscribe") != "" || h.Get("List-Unsubscribe-Post") != "" {
			t.Errorf("without a link the header has %q", h)
		}
	}
}

func TestAChartIsCarriedByTheLetterThatShowsIt(t *testing.T) {
	t.Parallel()
	m := message()
	m.HTML, m.Photo, m.Chart = `<img src="cid:chart" alt="12">`, nil, []byte("\x89PNG a chart")
	_, shape, parts := read(t, received(t, m))
	if shape != "multipart/related(multipart/alternative(text/plain text/html) image/png)" {
		t.Fatalf("its shape is %s", shape)
	}
	if want := (part{`image/png; name="chart.png"`, "<chart>", string(m.Chart)}); parts[2] != want {
		t.Errorf("the picture is %.300q", parts[2])
	}
}

func TestTheClinicIsNamedAsTheSender(t *testing.T) {
	c := channel(t, Settings{Host: "localhost", TLS: NoTLS, From: "clinic@example.com"})
	for name, want := range map[string]string{
		"Клиника «Милан»":             "Клиника «Милан»",
		"Milan":                       "Milan",
		"Milan, dentists":             "Milan, dentists",
		`The "White" Tooth`:           `The "White" Tooth`,
		"Milan\r\nBcc: x@example.com": "Milan Bcc: x@example.com",
		"Клиника\nBcc: x@example.com": "Клиника Bcc: x@example.com",
		"Милан\u2028\x00\x1b[2J":      "Милан [2J",
		"":                            "",
		" \n":                         "",
		"Зуб 🦷":                       "Зуб 🦷",
		`Зуб \ "Щука"`:                `Зуб \ "Щука"`,
		"歯科クリニック":                     "歯科クリニック",
		"=?utf-8?q?already_encoded?=": "=?utf-8?q?already_encoded?=",
		"<other@example.com>":         "<other@example.com>",
		"Клиника <other@example.com>": "Клиника <other@example.com>",
		strings.Repeat("Зуб ", 100):   strings.TrimSpace(strings.Repeat("Зуб ", 25)),
		strings.Repeat("x", 2000):     strings.Repeat("x", 100),
	} {
		m := message()
		m.Sender = name
		_, raw, err := c.letter(m)
		if err != nil {
			t.Errorf("%q: %v", name, err)
			continue
		}
		h, _, _ := read(t, string(raw))
		from, err := h.AddressList("From")
		if err != nil || len(from) != 1 || from[0].Address != "clinic@example.com" || from[0].Name != want || h.Get("Bcc") != "" {
			t.Errorf("%q became %v, %v", name, from, err)
		}
	}
}

func TestTheShorterEncodingIsTaken(t *testing.T) {
	for text, want := range map[string]string{
		"Ждём вас в воскресенье":                        "base64",
		"We are expecting you":                          "quoted-printable",
		"Dr Müller is expecting you at the café":        "quoted-printable",
		"<p style=\"color:#333;margin:0\">Ждём вас</p>": "base64",
		"": "quoted-printable",
	} {
		if got := string(encoding(text)); got != want {
			t.Errorf("%q is written in %s", text, got)
		}
	}
}

// TestNoTextBreaksALetter is what holds against injection: whatever names,
// subjects and texts hold, the header has its fields and no others, once each.
func TestNoTextBreaksALetter(t *testing.T) {
	c := channel(t, Settings{Host: "localhost", TLS: NoTLS, From: "clinic@example.com"})
	anything := rapid.OneOf(
		rapid.StringN(1, 300, -1),
		rapid.StringMatching(`(.{0,20}(\r\n|\n|\r)(Bcc: x@example\.com|\.|From: x|\r\n|--[a-z]{3}|)){1,4}`),
		rapid.StringMatching(`[a-zA-Zа-я<>@",.;:()=?]{1,40}`),
		rapid.Map(rapid.IntRange(900, 3000), func(n int) string { return strings.Repeat("x", n) }),
		rapid.Map(rapid.IntRange(900, 3000), func(n int) string { return strings.Repeat("щ", n) }),
		rapid.Map(rapid.SliceOfN(rapid.Byte(), 1, 60), func(b []byte) string { return string(b) }),
	)
	rapid.Check(t, func(rt *rapid.T) {
		m := message()
		m.Sender, m.Subject = anything.Draw(rt, "sender"), anything.Draw(rt, "subject")
		m.Text, m.HTML = anything.Draw(rt, "text"), anything.Draw(rt, "html")
		m.Photo = []byte("\xff\xd8\xffportrait")
		_, raw, err := c.letter(m)
		if err != nil {
			var r *outreach.Refusal
			if !errors.As(err, &r) || r.Code != "empty-text" || oneLine(m.Subject, maxSubject) != "" {
				rt.Fatalf("%q, %q: %v", m.Subject, m.Text, err)
			}
			return
		}
		for line := range bytes.SplitSeq(raw, []byte("\r\n")) {
			if len(line) > 998 || bytes.ContainsFunc(line, func(r rune) bool { return r < ' ' && r != '\t' || r > '~' }) {
				rt.Fatalf("a line is %q", line)
			}
		}
		h, shape, parts := read(t, string(raw))
		if want := append([]string{"List-Unsubscribe", "List-Unsubscribe-Post"}, always...); !sameFields(h, want) {
			rt.Fatalf("the header has %q", h)
		}
		from, err := h.AddressList("From")
		if err != nil || len(from) != 1 || from[0].Address != "clinic@example.com" || from[0].Name != oneLine(m.Sender, maxSender) {
			rt.Fatalf("the sender %q became %v, %v", m.Sender, from, err)
		}
		if got := subject(t, h); got != oneLine(m.Subject, maxSubject) && !strings.Contains(m.Subject, "=?") {
			rt.Fatalf("the subject %q became %q", m.Subject, got)
		}
		if shape != "multipart/related(multipart/alternative(text/plain text/html) image/jpeg)" {
			rt.Fatalf("its shape is %s", shape)
		}
		if parts[0].content != ended(m.Text) || parts[1].content != ended(m.HTML) {
			rt.Fatalf("the parts %q and %q became %q and %q", m.Text, m.HTML, parts[0].content, parts[1].content)
		}
	})
}

func sameFields(h mail.Header, want []string) bool {
	for _, values := range h {
		if len(values) != 1 {
			return false
		}
	}
	return slices.Equal(slices.Sorted(maps.Keys(h)), slices.Sorted(slices.Values(want)))
}

func TestALineOfAHeaderIsAnyTextInOneLine(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, most := rapid.String().Draw(t, "text"), rapid.IntRange(1, 50).Draw(t, "most")
		got := oneLine(s, most)
		if utf8.RuneCountInString(got) > most || strings.ContainsAny(got, "\r\n\x00\u2028\u0085\t") || strings.TrimSpace(got) != got || oneLine(got, most) != got {
			t.Fatalf("%q became %q", s, got)
		}
	})
}

func TestWhatNoServerCouldTakeIsRefusedUnsent(t *testing.T) {
	t.Parallel()
	s := serve(t, StartTLS, nil)
	c := s.channel(StartTLS)
	refused := func(what string, badAddress bool, change func(*outreach.Message)) {
		t.Helper()
		m := message()
		change(&m)
		_, err := c.Send(t.Context(), m)
		var r *outreach.Refusal
		if !errors.As(err, &r) || r.BadAddress != badAddress || r.Later || !errors.Is(err, outreach.ErrNotSent) {
			t.Errorf("%s: %v", what, err)
		}
	}
	for _, to := range []string{"", "anna", "anna@", "anna@example.com, b@example.com", "Anna <anna@example.com>", "<anna@example.com>", "анна@example.com",
		"anna@пример.example", "anna@example.com\r\nRCPT TO:<b@example.com>", "anna@example.com> NOTIFY=NEVER", " anna@example.com", `"a b"@example.com`,
		strings.Repeat("a", 250) + "@example.com"} {
		refused("a message to "+to, true, func(m *outreach.Message) { m.To = to })
	}
	for _, attempt := range []string{"", "a b", "a@b", "a>", "a\r\nBcc: b@example.com", ".a", strings.Repeat("a", 65)} {
		refused("the attempt "+attempt, false, func(m *outreach.Message) { m.Attempt = attempt })
	}
	refused("no subject", false, func(m *outreach.Message) { m.Subject = "\r\n" })
	refused("no text", false, func(m *outreach.Message) { m.Text = "" })
	for _, link := range []string{"http://rp.example.com/u/A", "https:///u/A", "mailto:a@example.com", "https://rp.example.com/u/A>, <https://evil.example.com",
		"https://rp.example.com/u/A\r\nX: y", "https://rp.example.com/u/ A", "https://rp.example.com/" + strings.Repeat("a", 1000)} {
		refused("the link "+link, false, func(m *outreach.Message) { m.Unsubscribe = link })
	}
	s.wait()
	if s.calls != 0 {
		t.Errorf("the server was called %d times", s.calls)
	}
}

func TestTheMessageIDIsThatOfTheAttempt(t *testing.T) {
	c := channel(t, Settings{Host: "localhost", TLS: NoTLS, From: "clinic@mail.example.com"})
	ids := map[string]bool{}
	for _, attempt := range []string{"a.1", "a.2", "V1StGXR8_Z5jdHi6B-myTQ"} {
		m := message()
		m.Attempt = attempt
		first, _, err := c.letter(m)
		c.now = func() time.Time { return time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC) }
		again, raw, _ := c.letter(m)
		h, _, _ := read(t, string(raw))
		if err != nil || first != again || first != attempt+"@mail.example.com" || h.Get("Message-ID") != "<"+first+">" {
			t.Errorf("the attempt %s has the ids %q and %q, %v", attempt, first, again, err)
		}
		ids[first] = true
	}
	if len(ids) != 3 {
		t.Errorf("the ids are %v", ids)
	}
}
