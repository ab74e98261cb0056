package message

import (
	"strings"
	"unicode/utf16"
)

// Encoding is how a text travels in an SMS.
type Encoding string

// The encodings of 3GPP TS 23.038: the GSM 7 bit default alphabet (6.2.1) with
// its extension table (6.2.1.1), and UCS2 (6.2.3), which carries everything else.
const (
	GSM7 Encoding = "GSM-7"
	UCS2 Encoding = "UCS-2"
)

// The alphabet and its extension, whose characters are an escape and a code,
// two septets. National tables are left out: providers use them unasked nowhere.
const (
	gsmBasic = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?" +
		"¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
	gsmExtended = "\f^{}\\[~]|€"
)

// What fits, in septets or UTF-16 code units: a message alone, and a part of a
// concatenated one, six octets of which are the header (TS 23.040, 9.2.3.24.1).
const (
	gsmAlone, gsmPart = 160, 153
	ucsAlone, ucsPart = 70, 67
)

// septets is the length of a character in the GSM alphabet, 0 if it is not in it.
func septets(r rune) int {
	switch {
	case strings.ContainsRune(gsmBasic, r):
		return 1
	case strings.ContainsRune(gsmExtended, r):
		return 2
	}
	return 0
}

// units is the length of a character in UCS2 as phones read it, which is UTF-16.
func units(r rune) int {
	if r > 0xffff {
		return utf16.RuneLen(r)
	}
	return 1
}

func encodingOf(text string) Encoding {
	for _, r := range text {
		if septets(r) == 0 {
			return UCS2
		}
	}
	return GSM7
}

// Parts is the number of SMS that a text takes and is paid for, and how it is
// encoded. Nothing takes none. A character that is two units long is never cut
// by the end of a part, it moves to the next one: TS 23.040, 9.2.3.24.1, asks
// it for an escape sequence and for a UCS2 character.
func Parts(text string) (parts int, encoding Encoding) {
	encoding = encodingOf(text)
	length, alone, part := septets, gsmAlone, gsmPart
	if encoding == UCS2 {
		length, alone, part = units, ucsAlone, ucsPart
	}
	total, used := 0, part // the part before the first is full
	for _, r := range text {
		n := length(r)
		total += n
		if used += n; used > part {
			parts, used = parts+1, n
		}
	}
	if total > 0 && total <= alone {
		parts = 1
	}
	return parts, encoding
}

// plainer has the typewriter's character for each of the typographer's, which
// the GSM alphabet lacks.
var plainer = strings.NewReplacer("\u00a0", " ", "\u202f", " ", "\u2009", " ", "‘", "'", "’", "'", "ʼ", "'",
	"“", `"`, "”", `"`, "„", `"`, "«", `"`, "»", `"`, "‐", "-", "‑", "-", "–", "-", "—", "-", "−", "-", "…", "...")

// thrifty writes a text with plainer characters if that lets it travel in the
// GSM alphabet: a single curly apostrophe halves the length of a part.
func thrifty(text string) string {
	if plain := plainer.Replace(text); encodingOf(plain) == GSM7 {
		return plain
	}
	return text
}
