// Package portrait makes the picture of a doctor that letters and pages show,
// out of whatever photo a clinic has: a small square JPEG with nothing in it
// but the picture.
//
// The photo comes from a stranger's server. What it would cost to decode is
// read off its header first, and what costs too much is never decoded.
package portrait

import (
	"bytes"
	"fmt"
	"image"
	"image/jpeg"

	"golang.org/x/image/draw"

	"github.com/returnpoint/returnpoint/shared/dental"
)

const (
	// Side is the width and the height of a portrait in pixels: twice what it
	// is shown at, for the screens of phones.
	Side = 192
	// MaxBytes is the most that a portrait has.
	MaxBytes = 24 << 10
	// MaxSource is the most bytes that a photo may have.
	MaxSource = 5 << 20
)

// least is the width and the height that a face can still be made out in.
const least = 32

// limits are what a picture may have.
type limits struct {
	pixels int64
	memory int64 // bytes that decoding takes
}

// photos lets more pixels pass than a photographer hands over. A function of 1 GB
// stands the memory twice over: the garbage of the photo before may still be there.
func photos() limits { return limits{pixels: 40_000_000, memory: 384 << 20} }

// Make turns a photo, JPEG, PNG, GIF (its first frame) or WebP, into a
// portrait: JPEG, Side by Side, at most MaxBytes, upright as the photo's EXIF
// says and without any metadata. What is wider than high loses as much on the
// left as on the right; what is higher loses more below, for that is where
// nobody's face is. Transparent parts become white.
//
// Its errors are dental.Invalid: the photo will be no better next time.
func Make(raw []byte) ([]byte, error) {
	if len(raw) > MaxSource {
		return nil, dental.Errorf(dental.Invalid, "", "portrait: the photo has %d bytes, and %d are the most", len(raw), MaxSource)
	}
	h, err := readHeader(raw)
	if err != nil {
		return nil, err
	}
	if err := h.affordable(photos()); err != nil {
		return nil, err
	}
	photo, err := h.decode(raw)
	if err != nil {
		return nil, err
	}
	return encode(square(photo, h.turn))
}

// square cuts the square out of a photo and scales it, upright.
func square(photo image.Image, t turn) *image.RGBA {
	b := photo.Bounds()
	w, h := t.upright(b.Dx(), b.Dy())
	side := min(w, h)
	// A quarter of what is left over is cut off above.
	cut := image.Rect(0, 0, side, side).Add(image.Pt((w-side)/2, (h-side)/4))
	out := image.NewRGBA(image.Rect(0, 0, Side, Side))
	draw.Draw(out, out.Rect, image.White, image.Point{}, draw.Src)
	draw.CatmullRom.Scale(out, out.Rect, photo, t.stored(cut, b.Dx(), b.Dy()).Add(b.Min), draw.Over, nil)
	if t == upright {
		return out
	}
	turned := image.NewRGBA(out.Rect)
	for y := range Side {
		for x := range Side {
			at := t.pixel(image.Pt(x, y), Side, Side)
			turned.SetRGBA(x, y, out.RGBAAt(at.X, at.Y))
		}
	}
	return turned
}

// encode writes the picture as well as MaxBytes let it.
func encode(m image.Image) ([]byte, error) {
	const best, worst, step = 85, 5, 10
	var b bytes.Buffer
	for quality := best; quality >= worst; quality -= step {
		b.Reset()
		if err := jpeg.Encode(&b, m, &jpeg.Options{Quality: quality}); err != nil {
			return nil, fmt.Errorf("portrait: encode: %w", err)
		}
		if b.Len() <= MaxBytes {
			return b.Bytes(), nil
		}
	}
	return nil, dental.Errorf(dental.Invalid, "", "portrait: the picture does not fit into %d bytes", MaxBytes)
}
