package portrait

import (
	"bytes"
	"fmt"
	"image"
	"image/jpeg"
	"image/png"

	"golang.org/x/image/draw"

	"github.com/returnpoint/returnpoint/shared/dental"
)

// A logo fits into this many pixels, twice what it is shown at, and into this many bytes.
const (
	LogoWidth    = 360
	LogoHeight   = 112
	MaxLogoBytes = 20 << 10
)

// logos lets ten times the width pass that is kept. It is staff who wait for a logo, at a
// function of 512 MB with everything else of theirs in it.
func logos() limits { return limits{pixels: 4_000_000, memory: 64 << 20} }

// Logo turns a picture, JPEG, PNG, GIF or WebP, into a clinic's logo: it is as
// large as LogoWidth by LogoHeight lets it be, and never larger than it was,
// keeps its shape and what is transparent in it, and has no metadata. It is a PNG; or
// a JPEG, where it is a photo that would be too many bytes as a PNG; or smaller than it
// could be, where it is not for that. kind is "image/png" or "image/jpeg".
//
// Its errors are dental.Invalid: the picture will be no better next time.
func Logo(raw []byte) (small []byte, kind string, err error) {
	if len(raw) > MaxSource {
		return nil, "", dental.Errorf(dental.Invalid, "", "portrait: the picture has %d bytes, and %d are the most", len(raw), MaxSource)
	}
	h, err := readHeader(raw)
	if err != nil {
		return nil, "", err
	}
	if err := h.affordable(logos()); err != nil {
		return nil, "", err
	}
	picture, err := h.decode(raw)
	if err != nil {
		return nil, "", err
	}
	for height := LogoHeight; height >= least; height = height * 3 / 4 {
		m := fit(picture, h.turn, height*LogoWidth/LogoHeight, height)
		if small, err = encodeLogo(m); err == nil && len(small) <= MaxLogoBytes {
			return small, "image/png", nil
		}
		if err == nil && m.Opaque() {
			if small, err = encodePhoto(m); err == nil && len(small) <= MaxLogoBytes {
				return small, "image/jpeg", nil
			}
		}
		if err != nil {
			return nil, "", fmt.Errorf("portrait: encode a logo: %w", err)
		}
	}
	return nil, "", dental.Errorf(dental.Invalid, "", "portrait: the logo does not fit into %d bytes", MaxLogoBytes)
}

// fit scales a picture into width by height, upright, in its own shape.
func fit(picture image.Image, t turn, width, height int) *image.NRGBA {
	b := picture.Bounds()
	w, h := t.upright(b.Dx(), b.Dy())
	scale := min(1, float64(width)/float64(w), float64(height)/float64(h))
	w, h = max(1, int(float64(w)*scale+0.5)), max(1, int(float64(h)*scale+0.5))
	sw, sh := t.upright(w, h) // as it is stored
	stored := image.NewNRGBA(image.Rect(0, 0, sw, sh))
	draw.CatmullRom.Scale(stored, stored.Rect, picture, b, draw.Src, nil)
	if t == upright {
		return stored
	}
	turned := image.NewNRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			at := t.pixel(image.Pt(x, y), sw, sh)
			turned.SetNRGBA(x, y, stored.NRGBAAt(at.X, at.Y))
		}
	}
	return turned
}

func encodeLogo(m image.Image) ([]byte, error) {
	var b bytes.Buffer
	err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&b, m)
	return b.Bytes(), err
}

func encodePhoto(m image.Image) ([]byte, error) {
	const quality = 82
	var b bytes.Buffer
	err := jpeg.Encode(&b, m, &jpeg.Options{Quality: quality})
	return b.Bytes(), err
}
