package sheet

import (
	"encoding/binary"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/text/transform"
)

// utf16Text makes UTF-8 of UTF-16, one U+FFFD of each unit that is no letter, so
// that the length of the one follows from the other: see shape.width. The decoder
// of golang.org/x/text makes one of two halves that do not belong together.
type utf16Text struct {
	transform.NopResetter
	order binary.ByteOrder
}

// Transform implements transform.Transformer.
func (t utf16Text) Transform(dst, src []byte, atEOF bool) (nDst, nSrc int, err error) {
	for nSrc < len(src) {
		r, n := rune(utf8.RuneError), 1 // a byte that is left over
		switch left := src[nSrc:]; {
		case len(left) >= 2:
			r, n = rune(t.order.Uint16(left)), 2
			if !utf16.IsSurrogate(r) {
				break
			}
			if len(left) < 4 && !atEOF {
				return nDst, nSrc, transform.ErrShortSrc
			}
			first := r
			if r = utf8.RuneError; len(left) >= 4 {
				if whole := utf16.DecodeRune(first, rune(t.order.Uint16(left[2:]))); whole != utf8.RuneError {
					r, n = whole, 4
				}
			}
		case !atEOF:
			return nDst, nSrc, transform.ErrShortSrc
		}
		if utf8.RuneLen(r) > len(dst)-nDst {
			return nDst, nSrc, transform.ErrShortDst
		}
		nDst += utf8.EncodeRune(dst[nDst:], r)
		nSrc += n
	}
	return nDst, nSrc, nil
}
