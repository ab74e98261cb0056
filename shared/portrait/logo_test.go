package portrait_test

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/color"
	"image/jpeg"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/portrait"
)

// logo makes one, and reads what came of it.
func logo(t *testing.T, raw []byte) (m image.Image, kind string) {
	t.Helper()
	small, kind, err := portrait.Logo(raw)
	if err != nil {
		t.Fatal(err)
	}
	if len(small) > portrait.MaxLogoBytes {
		t.Errorf("it has %d bytes", len(small))
	}
	m, format, err := image.Decode(bytes.NewReader(small))
	if err != nil || "image/"+format != kind {
		t.Fatalf("%s is %s: %v", kind, format, err)
	}
	return m, kind
}

func TestALogoKeepsItsShape(t *testing.T) {
	for _, c := range []struct {
		name               string
		w, h, wantW, wantH int
	}{
		{"a wide one is as wide as there is room", 1440, 144, 360, 36},
		{"a high one is as high as there is room", 400, 800, 56, 112},
		{"a small one stays as it is", 90, 40, 90, 40},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, _ := logo(t, asPNG(t, plain(c.w, c.h, blue)))
			if b := m.Bounds(); b.Dx() != c.wantW || b.Dy() != c.wantH {
				t.Errorf("it is %v", b.Size())
			}
		})
	}
}

func TestWhatIsTransparentInALogoStaysSo(t *testing.T) {
	m, kind := logo(t, asPNG(t, painted(200, 100, func(x, _ int) color.NRGBA {
		if x < 100 {
			return color.NRGBA{}
		}
		return red
	})))
	if _, _, _, a := m.At(20, 50).RGBA(); a != 0 || kind != "image/png" {
		t.Errorf("%s: the left has become %v", kind, m.At(20, 50))
	}
	if got := color.NRGBAModel.Convert(m.At(m.Bounds().Dx()-10, 50)); got != red {
		t.Errorf("the right has become %v", got)
	}
}

// noise is the picture that packs worst.
func noise(w, h int, alpha uint8) *image.NRGBA {
	r := rand.New(rand.NewPCG(1, 2))
	return painted(w, h, func(int, int) color.NRGBA {
		return color.NRGBA{uint8(r.Uint32()), uint8(r.Uint32()), uint8(r.Uint32()), alpha}
	})
}

func TestALogoIsNeverLargerThanAPageCanCarry(t *testing.T) {
	if _, kind := logo(t, asPNG(t, noise(360, 112, 255))); kind != "image/jpeg" {
		t.Errorf("a photo has become %s", kind)
	}
	m, kind := logo(t, asPNG(t, noise(360, 112, 128)))
	if kind != "image/png" || m.Bounds().Dy() >= portrait.LogoHeight {
		t.Errorf("half transparent noise has become %s of %v", kind, m.Bounds().Size())
	}
}

func TestALogoIsUprightAsItsOrientationSays(t *testing.T) {
	var b bytes.Buffer
	if err := jpeg.Encode(&b, plain(80, 40, green), nil); err != nil {
		t.Fatal(err)
	}
	m, _ := logo(t, withSegments(b.Bytes(), exif(binary.BigEndian, 6)))
	if got := m.Bounds().Size(); got != image.Pt(40, 80) {
		t.Errorf("it is %v", got)
	}
}

func TestWhatIsNoPictureIsNoLogo(t *testing.T) {
	for name, raw := range map[string][]byte{
		"nothing": nil, "a drawing in SVG": []byte(`<svg xmlns="http://www.w3.org/2000/svg"/>`),
		"one that is too small": asPNG(t, plain(20, 20, red)), "too many bytes": make([]byte, portrait.MaxSource+1),
	} {
		t.Run(name, func(t *testing.T) {
			if _, _, err := portrait.Logo(raw); dental.KindOf(err) != dental.Invalid {
				t.Errorf("the error is %v", err)
			}
		})
	}
}

func TestALogoIsOfFourMegapixelsAtMostAndOfALargerOneNothingIsDecoded(t *testing.T) {
	for name, c := range map[string]struct {
		raw  []byte
		says string
	}{
		"39 megapixels of 16 bits, which take 339 MB":     {pngHead(6500, 6000, 16, 6, 0), "the PNG has 39 megapixels, and 4 are the most"},
		"a little more than 4":                            {pngHead(2001, 2000, 8, 6, 0), "4 are the most"},
		"a photo of 12":                                   {jpegHead(0xc0, 4000, 3000, 0x22, 0x11, 0x11), "12 megapixels, and 4 are the most"},
		"4 of four channels, whose coefficients are kept": {jpegHead(0xc2, 2000, 2000, 0x11, 0x11, 0x11, 0x11), "takes too much memory"},
	} {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, _, err := portrait.Logo(c.raw)
			runtime.ReadMemStats(&after)
			if dental.KindOf(err) != dental.Invalid || !strings.Contains(err.Error(), c.says) {
				t.Errorf("the error is %v", err)
			}
			if spent := after.TotalAlloc - before.TotalAlloc; spent > 4<<20 {
				t.Errorf("it cost %d bytes to refuse %d", spent, len(c.raw))
			}
		})
	}
	t.Run("but 4 megapixels are a logo", func(t *testing.T) {
		m, _ := logo(t, asPNG(t, plain(2500, 1600, blue)))
		if m.Bounds().Dy() != portrait.LogoHeight {
			t.Errorf("it is %v", m.Bounds())
		}
	})
}
