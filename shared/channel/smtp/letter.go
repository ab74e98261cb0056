package smtp

import (
	"bytes"
	"mime"
	"net/mail"
	"regexp"
	"strings"
	"unicode"

	gomail "github.com/wneessen/go-mail"

	"github.com/returnpoint/returnpoint/shared/channel/wire"
	"github.com/returnpoint/returnpoint/shared/outreach"
)

// attemptID is what can stand before the @ of a Message-ID (RFC 5322, 3.6.4)
// everywhere, without quotes.
var attemptID = regexp.MustCompile(`^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$`)

// The most characters of what stands in one line of the header. RFC 5322 ends a
// line at 998 bytes, and a word cannot be folded.
const (
	maxSender  = 100
	maxSubject = 250
	maxAttempt = 64
	maxLink    = 900
)

// photo and chart are how the HTML part names what is in the letter: cid:doctor, cid:chart.
const (
	photo = "doctor"
	chart = "chart"
)

// letter writes the message down as it goes over the line, with its Message-ID;
// or refuses one that no server could take.
func (c *Channel) letter(m outreach.Message) (id string, raw []byte, err error) {
	if !bareAddress(m.To) {
		return "", nil, wire.Unsendable("invalid-address", "the address is none that every mail server takes", wire.Meaning{BadAddress: true})
	}
	if !attemptID.MatchString(m.Attempt) || len(m.Attempt) > maxAttempt {
		return "", nil, wire.Unsendable("invalid-attempt", "the id of the attempt cannot stand in a Message-ID", wire.Meaning{})
	}
	subject := oneLine(m.Subject, maxSubject)
	if subject == "" || m.Text == "" {
		return "", nil, wire.Unsendable("empty-text", "there is no subject or no plain part", wire.Meaning{})
	}
	_, domain, _ := strings.Cut(c.settings.From, "@")
	id = m.Attempt + "@" + domain

	// Base64 is the shorter one for a Cyrillic header; each part has its own encoding.
	letter := gomail.NewMsg(gomail.WithNoDefaultUserAgent(), gomail.WithEncoding(gomail.EncodingB64))
	letter.SetMessageIDWithValue(id)
	letter.SetDateWithValue(c.now())
	letter.SetGenHeader("From", from(oneLine(m.Sender, maxSender), c.settings.From))
	letter.ToMailAddress(&mail.Address{Address: m.To})
	letter.SetGenHeader(gomail.HeaderSubject, subject)
	// RFC 3834: so that no holiday notice answers it.
	letter.SetGenHeader("Auto-Submitted", "auto-generated")
	if m.Unsubscribe != "" {
		// go-mail writes the link as it is, so it must be checked whole before.
		if len(m.Unsubscribe) > maxLink || strings.ContainsFunc(m.Unsubscribe, notInHeaderURL) || letter.SetListUnsubscribeOneClick(m.Unsubscribe) != nil {
			return "", nil, wire.Unsendable("invalid-unsubscribe", "the link to unsubscribe is no https URL for a header", wire.Meaning{})
		}
	}
	addPart(letter.SetBodyString, gomail.TypeTextPlain, m.Text)
	if m.HTML != "" {
		addPart(letter.AddAlternativeString, gomail.TypeTextHTML, m.HTML)
		if m.Photo != nil {
			letter.EmbedReadSeeker(photo+".jpg", bytes.NewReader(m.Photo), gomail.WithFileContentID("<"+photo+">"), gomail.WithFileContentType("image/jpeg"))
		}
		if m.Chart != nil {
			letter.EmbedReadSeeker(chart+".png", bytes.NewReader(m.Chart), gomail.WithFileContentID("<"+chart+">"), gomail.WithFileContentType("image/png"))
		}
	}
	var all bytes.Buffer
	if _, err := letter.WriteTo(&all); err != nil {
		return "", nil, wire.Unsendable("unwritable", "the letter cannot be written: "+err.Error(), wire.Meaning{})
	}
	return id, all.Bytes(), nil
}

// from is "name <address>". A name that is not ASCII is not left to net/mail,
// which go-mail would ask: its encoding takes twice as much for Cyrillic, and
// leaves a backslash where a header may have none.
func from(name, address string) string {
	encoded := mime.BEncoding.Encode("utf-8", name)
	if encoded == name {
		return (&mail.Address{Name: name, Address: address}).String()
	}
	return encoded + " <" + address + ">"
}

// addPart adds a text to the letter, by one of go-mail's two ways to do so.
func addPart(add func(gomail.ContentType, string, ...gomail.PartOption), kind gomail.ContentType, text string) {
	add(kind, ended(text), gomail.WithPartEncoding(encoding(text)))
}

// ended has the ends of lines that a letter has (RFC 2046, 4.1.1).
func ended(text string) string {
	return strings.NewReplacer("\r\n", "\r\n", "\r", "\r\n", "\n", "\r\n").Replace(text)
}

// encoding is the shorter of the two in which no line is longer than 76 bytes:
// quoted-printable takes two more bytes for each that is not ASCII, base64 a
// third more for all of them.
func encoding(text string) gomail.Encoding {
	wide := 0
	for i := range len(text) {
		if text[i] >= 0x80 {
			wide++
		}
	}
	if 6*wide > len(text) {
		return gomail.EncodingB64
	}
	return gomail.EncodingQP
}

// oneLine is the text without ends of lines and other control characters, cut
// short after the most characters.
func oneLine(s string, most int) string {
	blank := func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }
	line := []rune(strings.Join(strings.FieldsFunc(strings.ToValidUTF8(s, "\uFFFD"), blank), " "))
	return strings.TrimRight(string(line[:min(len(line), most)]), " ")
}

// notInHeaderURL reports what ends a link in List-Unsubscribe, or may not be in a header.
func notInHeaderURL(r rune) bool { return r <= ' ' || r > '~' || r == '<' || r == '>' || r == ',' }

// bareAddress reports whether s is an ASCII address and nothing else. Others
// need SMTPUTF8 of every server on the way, and many bounce them.
func bareAddress(s string) bool {
	a, err := mail.ParseAddress(s)
	return err == nil && a.Name == "" && a.Address == s && len(s) <= 254 && !strings.ContainsFunc(s, notInHeaderURL) && !strings.Contains(s, `"`)
}
