package portrait

import (
	"bytes"
	"fmt"
	"image"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"

	"golang.org/x/image/webp"

	"github.com/returnpoint/returnpoint/shared/dental"
)

// header is what a photo says of itself before it is decoded.
type header struct {
	format        string
	width, height int
	// memory is how many bytes the decoder takes for a pixel, at most.
	memory float64
	turn   turn
	open   func(io.Reader) (image.Image, error)
}

// readHeader knows a photo by its first bytes; what a server calls it does not matter.
func readHeader(raw []byte) (header, error) {
	h := header{turn: upright}
	var config func(io.Reader) (image.Config, error)
	begins := func(magic string) bool { return bytes.HasPrefix(raw, []byte(magic)) }
	switch {
	case begins("\xff\xd8\xff"):
		h.format, config, h.open = "JPEG", jpeg.DecodeConfig, jpeg.Decode
	case begins("\x89PNG\r\n\x1a\n"):
		h.format, config, h.open = "PNG", png.DecodeConfig, png.Decode
	case begins("GIF87a"), begins("GIF89a"):
		h.format, config, h.open = "GIF", gif.DecodeConfig, gif.Decode
	case begins("RIFF") && len(raw) >= 12 && string(raw[8:12]) == "WEBP":
		h.format, config, h.open = "WebP", webp.DecodeConfig, webp.Decode
	default:
		return h, dental.Errorf(dental.Invalid, "", "portrait: the photo is no JPEG, PNG, GIF or WebP")
	}
	c, err := guarded(func() (image.Config, error) { return config(bytes.NewReader(raw)) })
	if err != nil {
		return h, unreadable("the header of the "+h.format, err)
	}
	h.width, h.height = c.Width, c.Height
	switch h.format {
	case "JPEG":
		h.memory, h.turn = readJPEG(raw)
	case "PNG":
		h.memory = pngMemory(raw)
	case "GIF":
		h.memory = 1 // one frame, and a palette
	case "WebP":
		h.memory = 8 // lossless: the picture, and the one that its transforms are taken back in
	}
	return h, nil
}

// pngMemory reads the memory for a pixel off a header that png has accepted:
// at most four channels of the depth, twice with interlacing, whose passes are
// pictures of their own.
func pngMemory(raw []byte) float64 {
	const depth, kind, interlace = 24, 25, 28 // where they stand
	const palette = 3
	memory := 4.0
	switch {
	case raw[kind] == palette:
		memory = 1
	case raw[depth] == 16:
		memory = 8
	}
	if raw[interlace] != 0 {
		memory *= 2
	}
	return memory
}

// affordable refuses what is too large, or too small to be of anybody.
func (h header) affordable(most limits) error {
	pixels := int64(h.width) * int64(h.height)
	switch {
	case h.width < least || h.height < least:
		return h.tooSmall()
	case pixels > most.pixels:
		return dental.Errorf(dental.Invalid, "", "portrait: the %s has %d megapixels, and %d are the most", h.format, pixels/1_000_000, most.pixels/1_000_000)
	case float64(pixels)*h.memory > float64(most.memory):
		return dental.Errorf(dental.Invalid, "", "portrait: the %s of %d megapixels takes too much memory the way it is written", h.format, pixels/1_000_000)
	}
	return nil
}

func (h header) tooSmall() error {
	return dental.Errorf(dental.Invalid, "", "portrait: the %s is %d by %d pixels, and %d by %d are the least", h.format, h.width, h.height, least, least)
}

func (h header) decode(raw []byte) (image.Image, error) {
	photo, err := guarded(func() (image.Image, error) { return h.open(bytes.NewReader(raw)) })
	if err != nil {
		return nil, unreadable("the "+h.format, err)
	}
	// A frame of a GIF may be less than the GIF.
	if b := photo.Bounds(); b.Dx() < least || b.Dy() < least {
		h.width, h.height = b.Dx(), b.Dy()
		return nil, h.tooSmall()
	}
	return photo, nil
}

func unreadable(what string, err error) error {
	return &dental.Error{Kind: dental.Invalid, Message: "portrait: " + what + " cannot be read", Err: err}
}

// guarded makes an error of a decoder's panic. The photo is at fault, and would
// be the next time: a job that panicked would come back for ever.
func guarded[T any](read func() (T, error)) (v T, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the decoder panicked: %v", p)
		}
	}()
	return read()
}
