package portrait_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/portrait"
)

var (
	red    = color.NRGBA{220, 30, 30, 255}
	green  = color.NRGBA{30, 180, 40, 255}
	blue   = color.NRGBA{30, 40, 220, 255}
	yellow = color.NRGBA{230, 220, 30, 255}
	white  = color.NRGBA{255, 255, 255, 255}
)

// painted is a picture of which each pixel is what at says.
func painted(w, h int, at func(x, y int) color.NRGBA) *image.NRGBA {
	m := image.NewNRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			m.SetNRGBA(x, y, at(x, y))
		}
	}
	return m
}

func plain(w, h int, c color.NRGBA) *image.NRGBA {
	return painted(w, h, func(int, int) color.NRGBA { return c })
}

func asPNG(t testing.TB, m image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func asJPEG(t testing.TB, m image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, m, &jpeg.Options{Quality: 95}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// made is the portrait of a photo, which must be one.
func made(t testing.TB, raw []byte) image.Image {
	t.Helper()
	out, err := portrait.Make(raw)
	if err != nil {
		t.Fatal(err)
	}
	m, err := jpeg.Decode(bytes.NewReader(out))
	if err != nil {
		t.Fatal(err)
	}
	if b := m.Bounds(); b.Dx() != portrait.Side || b.Dy() != portrait.Side || len(out) > portrait.MaxBytes {
		t.Fatalf("the portrait is %v and has %d bytes", b, len(out))
	}
	return m
}

// near reports whether the pixel at a share of the portrait, in percent, has a colour.
func near(m image.Image, x, y int, want color.NRGBA) bool {
	r, g, b, _ := m.At(x*portrait.Side/100, y*portrait.Side/100).RGBA()
	off := func(got uint32, want uint8) bool {
		d := int(got>>8) - int(want)
		return d > 24 || d < -24
	}
	return !off(r, want.R) && !off(g, want.G) && !off(b, want.B)
}

func refused(t *testing.T, raw []byte, words ...string) {
	t.Helper()
	out, err := portrait.Make(raw)
	if err == nil || out != nil || dental.KindOf(err) != dental.Invalid {
		t.Fatalf("%d bytes, and the error is %v of kind %q", len(out), err, dental.KindOf(err))
	}
	for _, want := range append(words, "portrait: ") {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q does not say %q", err, want)
		}
	}
}

func TestEveryFormatOfThePhotoBecomesAPortrait(t *testing.T) {
	grey := image.NewGray(image.Rect(0, 0, 300, 260))
	for i := range grey.Pix {
		grey.Pix[i] = 120
	}
	paletted := image.NewPaletted(image.Rect(0, 0, 300, 260), color.Palette{blue, red})
	var still bytes.Buffer
	if err := gif.Encode(&still, paletted, nil); err != nil {
		t.Fatal(err)
	}
	deep := image.NewGray16(image.Rect(0, 0, 300, 260))
	for i := range deep.Pix {
		deep.Pix[i] = 200
	}
	for name, c := range map[string]struct {
		raw  []byte
		want color.NRGBA
	}{
		"JPEG":                {asJPEG(t, plain(300, 260, green)), green},
		"grey JPEG":           {asJPEG(t, grey), color.NRGBA{120, 120, 120, 255}},
		"PNG":                 {asPNG(t, plain(300, 260, yellow)), yellow},
		"PNG of 16 bits":      {asPNG(t, deep), color.NRGBA{200, 200, 200, 255}},
		"PNG with a palette":  {asPNG(t, paletted), blue},
		"GIF":                 {still.Bytes(), blue},
		"WebP":                {solidWebP(300, 260, red), red},
		"photo of 32 pixels":  {asPNG(t, plain(32, 32, red)), red},
		"photo wide as a bus": {asPNG(t, plain(4000, 40, blue)), blue},
	} {
		t.Run(name, func(t *testing.T) {
			m := made(t, c.raw)
			for _, at := range []image.Point{{2, 2}, {97, 2}, {50, 50}, {2, 97}, {97, 97}} {
				if !near(m, at.X, at.Y, c.want) {
					t.Errorf("at %v it is %v, want %v", at, m.At(at.X, at.Y), c.want)
				}
			}
		})
	}
}

func TestTheSquareIsTheMiddleOfAWidePhotoAndTheUpperPartOfAHighOne(t *testing.T) {
	t.Run("wide", func(t *testing.T) {
		// Of 400 by 200 the columns 100 to 300 stay.
		m := made(t, asPNG(t, painted(400, 200, func(x, _ int) color.NRGBA {
			switch {
			case x < 100 || x >= 300:
				return red
			case x < 200:
				return green
			}
			return blue
		})))
		if !near(m, 1, 50, green) || !near(m, 48, 50, green) || !near(m, 52, 50, blue) || !near(m, 98, 50, blue) {
			t.Errorf("from left to right it is %v, %v, %v, %v", m.At(2, 96), m.At(92, 96), m.At(100, 96), m.At(189, 96))
		}
	})
	t.Run("high", func(t *testing.T) {
		// Of 200 by 400 the rows 50 to 250 stay.
		m := made(t, asPNG(t, painted(200, 400, func(_, y int) color.NRGBA {
			switch {
			case y < 50 || y >= 250:
				return red
			case y < 150:
				return green
			}
			return blue
		})))
		if !near(m, 50, 1, green) || !near(m, 50, 48, green) || !near(m, 50, 52, blue) || !near(m, 50, 98, blue) {
			t.Errorf("from top to bottom it is %v, %v, %v, %v", m.At(96, 2), m.At(96, 92), m.At(96, 100), m.At(96, 189))
		}
	})
}

func TestTransparentPartsBecomeWhite(t *testing.T) {
	m := made(t, asPNG(t, painted(200, 200, func(x, _ int) color.NRGBA {
		if x < 100 {
			return color.NRGBA{220, 30, 30, 0}
		}
		return blue
	})))
	if !near(m, 20, 50, white) || !near(m, 80, 50, blue) {
		t.Errorf("they are %v beside %v", m.At(38, 96), m.At(153, 96))
	}
}

// exif is an APP1 segment with the orientation among other tags, in one of TIFF's byte orders.
func exif(order binary.AppendByteOrder, value uint16) []byte {
	tiff := []byte("II*\x00")
	if order == binary.AppendByteOrder(binary.BigEndian) {
		tiff = []byte("MM\x00*")
	}
	tiff = order.AppendUint32(tiff, 8)
	tiff = order.AppendUint16(tiff, 3)
	for _, e := range []struct {
		tag, kind uint16
		count     uint32
	}{{0x010f, 2, 4}, {0x0112, 3, 1}, {0x8825, 4, 1}} {
		tiff = order.AppendUint16(tiff, e.tag)
		tiff = order.AppendUint16(tiff, e.kind)
		tiff = order.AppendUint32(tiff, e.count)
		switch e.tag {
		case 0x0112:
			tiff = order.AppendUint16(order.AppendUint16(tiff, value), 0)
		default:
			tiff = append(tiff, "GPS!"...)
		}
	}
	tiff = order.AppendUint32(tiff, 0)
	return segment(0xe1, append([]byte("Exif\x00\x00"), tiff...))
}

func segment(marker byte, body []byte) []byte {
	return append(binary.BigEndian.AppendUint16([]byte{0xff, marker}, uint16(len(body)+2)), body...)
}

// withSegments puts segments at the beginning of a JPEG.
func withSegments(jpg []byte, segments ...[]byte) []byte {
	return append(append([]byte{0xff, 0xd8}, bytes.Join(segments, nil)...), jpg[2:]...)
}

// sides says where the first row and the first column of a stored picture are
// seen, in the words of the EXIF standard.
var sides = map[uint16]struct{ row, column string }{
	1: {"top", "left"}, 2: {"top", "right"}, 3: {"bottom", "right"}, 4: {"bottom", "left"},
	5: {"left", "top"}, 6: {"right", "top"}, 7: {"right", "bottom"}, 8: {"left", "bottom"},
}

// stored is the picture that is seen as seen under an orientation.
func stored(seen *image.NRGBA, orientation uint16) *image.NRGBA {
	w, h := seen.Rect.Dx(), seen.Rect.Dy()
	side := sides[orientation]
	rows, columns := h, w
	if side.row == "left" || side.row == "right" {
		rows, columns = w, h
	}
	at := func(side string, i int, x, y *int) {
		switch side {
		case "top":
			*y = i
		case "bottom":
			*y = h - 1 - i
		case "left":
			*x = i
		case "right":
			*x = w - 1 - i
		}
	}
	return painted(columns, rows, func(column, row int) color.NRGBA {
		var x, y int
		at(side.row, row, &x, &y)
		at(side.column, column, &x, &y)
		return seen.NRGBAAt(x, y)
	})
}

func TestAPhotoIsTurnedAsItsOrientationSays(t *testing.T) {
	// High, so that it matters from which end the square is cut: the rows 50 to
	// 250 stay, a quarter of each colour.
	seen := painted(200, 400, func(x, y int) color.NRGBA {
		left := x < 100
		switch {
		case y < 50 || y >= 250:
			return white
		case y < 150 && left:
			return red
		case y < 150:
			return green
		case left:
			return blue
		}
		return yellow
	})
	check := func(t *testing.T, m image.Image) {
		t.Helper()
		if !near(m, 25, 3, red) || !near(m, 75, 25, green) || !near(m, 25, 75, blue) || !near(m, 75, 96, yellow) {
			t.Errorf("it is %v, %v above %v, %v", m.At(48, 6), m.At(144, 48), m.At(48, 144), m.At(144, 184))
		}
	}
	for orientation := uint16(1); orientation <= 8; orientation++ {
		for _, order := range []binary.AppendByteOrder{binary.LittleEndian, binary.BigEndian} {
			t.Run(fmt.Sprintf("%d, %s", orientation, order), func(t *testing.T) {
				check(t, made(t, withSegments(asJPEG(t, stored(seen, orientation)), exif(order, orientation))))
			})
		}
	}
	upright := asJPEG(t, seen)
	wrongType := bytes.Replace(exif(binary.LittleEndian, 6), []byte{0x12, 0x01, 3, 0}, []byte{0x12, 0x01, 4, 0}, 1)
	for name, raw := range map[string][]byte{
		"says nothing":                    upright,
		"says 0":                          withSegments(upright, exif(binary.BigEndian, 0)),
		"says 9":                          withSegments(upright, exif(binary.BigEndian, 9)),
		"says it in another type":         withSegments(upright, wrongType),
		"has an empty directory":          withSegments(upright, segment(0xe1, []byte("Exif\x00\x00MM\x00*\x00\x00\x00\x08\x00\x00"))),
		"has a directory beyond its end":  withSegments(upright, segment(0xe1, []byte("Exif\x00\x00MM\x00*\xff\xff\xff\xff"))),
		"has a directory at its end":      withSegments(upright, segment(0xe1, []byte("Exif\x00\x00MM\x00*\x00\x00\x00\x08\x01"))),
		"promises more tags than it has":  withSegments(upright, segment(0xe1, []byte("Exif\x00\x00MM\x00*\x00\x00\x00\x08\xff\xff\x01"))),
		"has half a TIFF":                 withSegments(upright, segment(0xe1, []byte("Exif\x00\x00MM\x00*\x00"))),
		"has a TIFF of neither order":     withSegments(upright, segment(0xe1, []byte("Exif\x00\x00XX\x00*\x00\x00\x00\x08"))),
		"has other data in the segment":   withSegments(upright, segment(0xe1, []byte("http://ns.adobe.com/xap/1.0/\x00<x/>"))),
		"has an empty segment":            withSegments(upright, segment(0xe1, nil)),
		"says 1 among comments and marks": withSegments(upright, segment(0xfe, []byte("a comment")), []byte{0xff, 0xff}, exif(binary.BigEndian, 1)[1:]),
	} {
		t.Run("upright when it "+name, func(t *testing.T) { check(t, made(t, raw)) })
	}
	t.Run("after other segments and fill bytes", func(t *testing.T) {
		raw := withSegments(asJPEG(t, stored(seen, 6)), segment(0xe0, []byte("JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00")), []byte{0xff, 0xff}, exif(binary.BigEndian, 6))
		check(t, made(t, raw))
	})
}

func TestNoEdgeOfASquarePhotoIsLost(t *testing.T) {
	for orientation := uint16(1); orientation <= 8; orientation++ {
		for name, edge := range map[string]func(x, y int) bool{
			"left": func(x, _ int) bool { return x == 0 }, "right": func(x, _ int) bool { return x == portrait.Side-1 },
			"upper": func(_, y int) bool { return y == 0 }, "lower": func(_, y int) bool { return y == portrait.Side-1 },
		} {
			seen := painted(portrait.Side, portrait.Side, func(x, y int) color.NRGBA {
				if edge(x, y) {
					return color.NRGBA{0, 0, 0, 255}
				}
				return white
			})
			m := made(t, withSegments(asJPEG(t, stored(seen, orientation)), exif(binary.BigEndian, orientation))).(*image.YCbCr)
			for i := range portrait.Side {
				for j := range portrait.Side {
					if y := m.Y[m.YOffset(i, j)]; edge(i, j) && y > 60 || !edge(i, j) && y < 150 {
						t.Fatalf("orientation %d, %s edge: at %d, %d it is %d", orientation, name, i, j, y)
					}
				}
			}
		}
	}
}

func TestNothingOfThePhotoButThePictureIsKept(t *testing.T) {
	raw := withSegments(asJPEG(t, plain(200, 200, green)), exif(binary.BigEndian, 1), segment(0xfe, []byte("GPS! taken at home")), segment(0xe2, []byte("ICC_PROFILE\x00GPS!")))
	out, err := portrait.Make(raw)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(raw, []byte("GPS!")) || bytes.Contains(out, []byte("GPS!")) {
		t.Error("what the photo says of where it was taken is still there")
	}
	for at := 2; at+4 <= len(out) && out[at+1] != 0xda; at += 2 + int(binary.BigEndian.Uint16(out[at+2:])) {
		if m := out[at+1]; m >= 0xe0 && m <= 0xef || m == 0xfe {
			t.Errorf("it has a segment %#x", m)
		}
	}
}

func TestOfAnAnimationTheFirstFrameIsTaken(t *testing.T) {
	frame := func(r image.Rectangle, c color.NRGBA) *image.Paletted {
		m := image.NewPaletted(r, color.Palette{white, c})
		for i := range m.Pix {
			m.Pix[i] = 1
		}
		return m
	}
	animated := func(first image.Rectangle) []byte {
		all := gif.GIF{Config: image.Config{Width: 200, Height: 200}}
		all.Image = append(all.Image, frame(first, blue))
		for range 20 {
			all.Image = append(all.Image, frame(image.Rect(0, 0, 200, 200), red))
		}
		all.Delay = make([]int, len(all.Image))
		var b bytes.Buffer
		if err := gif.EncodeAll(&b, &all); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	if m := made(t, animated(image.Rect(0, 0, 200, 200))); !near(m, 50, 50, blue) {
		t.Errorf("it is %v", m.At(96, 96))
	}
	if m := made(t, animated(image.Rect(40, 60, 140, 160))); !near(m, 3, 3, blue) || !near(m, 97, 97, blue) {
		t.Errorf("of a frame in the middle it is %v", m.At(2, 2))
	}
	refused(t, animated(image.Rect(100, 100, 110, 110)), "10 by 10 pixels")
}

func TestAPortraitIsNeverLargerThanALetterCanCarry(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w, h := rapid.IntRange(32, 400).Draw(rt, "width"), rapid.IntRange(32, 400).Draw(rt, "height")
		dice := rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "seed"), 1))
		loud := rapid.IntRange(0, 255).Draw(rt, "noise")
		m := painted(w, h, func(x, y int) color.NRGBA {
			n := uint8(dice.IntN(loud + 1))
			return color.NRGBA{uint8(x) ^ n, uint8(y) ^ uint8(dice.IntN(loud+1)), n, 255}
		})
		made(t, asPNG(t, m))
	})
}

func TestWhatIsNoPhotoIsRefused(t *testing.T) {
	whole := asJPEG(t, plain(200, 200, green))
	text := asPNG(t, plain(200, 200, green))
	for name, c := range map[string]struct {
		raw  []byte
		says string
	}{
		"nothing":                      {nil, "no JPEG, PNG, GIF or WebP"},
		"a page":                       {[]byte("<!doctype html><title>Not found</title>"), "no JPEG, PNG, GIF or WebP"},
		"a drawing in SVG":             {[]byte(`<svg xmlns="http://www.w3.org/2000/svg"/>`), "no JPEG, PNG, GIF or WebP"},
		"a TIFF":                       {[]byte("II*\x00\x08\x00\x00\x00"), "no JPEG, PNG, GIF or WebP"},
		"a RIFF that is no WebP":       {[]byte("RIFF\x04\x00\x00\x00WAVE"), "no JPEG, PNG, GIF or WebP"},
		"the beginning of a RIFF":      {[]byte("RIFF"), "no JPEG, PNG, GIF or WebP"},
		"the beginning of a JPEG":      {whole[:20], "the header of the JPEG cannot be read"},
		"half a JPEG":                  {whole[:len(whole)/2], "the JPEG cannot be read"},
		"half a PNG":                   {text[:len(text)/2], "the PNG cannot be read"},
		"a GIF without a picture":      {[]byte("GIF89a\xc8\x00\xc8\x00\x00\x00\x00;"), "the GIF cannot be read"},
		"a WebP without a picture":     {[]byte("RIFF\x04\x00\x00\x00WEBP"), "the header of the WebP cannot be read"},
		"a counting pixel":             {asPNG(t, plain(1, 1, green)), "1 by 1 pixels, and 32 by 32 are the least"},
		"a line":                       {asPNG(t, plain(5000, 4, green)), "5000 by 4 pixels"},
		"a photo of more than 5 MB":    {append(asJPEG(t, plain(200, 200, green)), make([]byte, portrait.MaxSource)...), "and 5242880 are the most"},
		"an animation in WebP":         {animatedWebP(), "the WebP cannot be read"},
		"a PNG cut off after its head": {text[:33], "the PNG cannot be read"},
	} {
		t.Run(name, func(t *testing.T) { refused(t, c.raw, c.says) })
	}
	t.Run("but for bytes after its end", func(t *testing.T) { made(t, append(whole, "trailing"...)) })
}

// pngHead is a PNG of any size with next to nothing in it.
func pngHead(w, h uint32, depth, kind, interlace byte) []byte {
	chunk := func(name string, body []byte) []byte {
		out := binary.BigEndian.AppendUint32(nil, uint32(len(body)))
		out = append(append(out, name...), body...)
		return binary.BigEndian.AppendUint32(out, crc32.ChecksumIEEE(out[4:]))
	}
	head := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, w), h)
	head = append(head, depth, kind, 0, 0, interlace)
	out := append([]byte("\x89PNG\r\n\x1a\n"), chunk("IHDR", head)...)
	if kind == 3 {
		out = append(out, chunk("PLTE", []byte{1, 2, 3})...)
	}
	return append(append(out, chunk("IDAT", []byte{0x78, 0x9c})...), chunk("IEND", nil)...)
}

// jpegHead is a JPEG of any size that ends before its first scan. Of each
// channel sampling has the share across in its high half, and that down.
func jpegHead(frame byte, w, h uint16, sampling ...byte) []byte {
	body := binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16([]byte{8}, h), w)
	body = append(body, byte(len(sampling)))
	for i, s := range sampling {
		body = append(body, byte(i+1), s, 0)
	}
	return append([]byte{0xff, 0xd8}, append(segment(frame, body), segment(0xda, nil)...)...)
}

func TestADecompressionBombIsNotDecoded(t *testing.T) {
	gifHead := []byte("GIF89a\xff\xff\xff\xff\x00\x00\x00;")
	sof0, sof2 := byte(0xc0), byte(0xc2)
	// A walk that took the two bytes after FF 00 for a length would land on the
	// harmless frame behind, where the decoder finds the true one.
	disguised := withSegments(jpegHead(sof2, 8000, 5000, 0x11, 0x11, 0x11), []byte{0xff, 0x00})
	disguised = append(disguised, make([]byte, 2+2+0xffc2-len(disguised))...)
	disguised = append(disguised, jpegHead(sof0, 8000, 5000, 0x11)[2:]...)
	for name, c := range map[string]struct {
		raw  []byte
		says string
	}{
		"a PNG of 2500 megapixels":                  {pngHead(50_000, 50_000, 8, 2, 0), "2500 megapixels, and 40 are the most"},
		"a PNG whose area does not fit 32 bits":     {pngHead(1<<31-1, 1<<31-1, 1, 0, 0), "the header of the PNG cannot be read"},
		"a JPEG of 4294 megapixels":                 {jpegHead(sof0, 65535, 65535, 0x11), "4294 megapixels"},
		"a GIF of 4294 megapixels":                  {gifHead, "4294 megapixels"},
		"a WebP of 268 megapixels in 40 bytes":      {solidWebP(16383, 16383, red), "268 megapixels"},
		"a small GIF with a frame of 65535 squared": {[]byte("GIF89a\x40\x00\x40\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff,\x00\x00\x00\x00\xff\xff\xff\xff\x00\x02\x00;"), "the GIF cannot be read"},
		"a PNG of 40 megapixels in many passes":     {pngHead(8000, 5000, 16, 6, 1), "takes too much memory"},
		"a progressive JPEG of 40 megapixels":       {jpegHead(sof2, 8000, 5000, 0x11, 0x11, 0x11), "takes too much memory"},
		"one with four channels":                    {jpegHead(sof2, 6000, 5000, 0x11, 0x11, 0x11, 0x11), "takes too much memory"},
		"one that hides its frame":                  {disguised, "takes too much memory"},
	} {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			refused(t, c.raw, c.says)
			runtime.ReadMemStats(&after)
			if spent := after.TotalAlloc - before.TotalAlloc; spent > 4<<20 {
				t.Errorf("it cost %d bytes to refuse %d", spent, len(c.raw))
			}
		})
	}
	for name, raw := range map[string][]byte{
		"a PNG of 40 megapixels":                           pngHead(8000, 5000, 16, 6, 0),
		"a PNG of 40 megapixels with a palette, in passes": pngHead(8000, 5000, 8, 3, 1),
		"a JPEG of 40 megapixels":                          jpegHead(sof0, 8000, 5000, 0x22, 0x11, 0x11),
		"a progressive JPEG of 24 megapixels":              jpegHead(sof2, 6000, 4000, 0x22, 0x11, 0x11),
	} {
		t.Run(name+" is no bomb, only empty", func(t *testing.T) { refused(t, raw, "cannot be read") })
	}
}

// bits writes a stream as WebP's lossless format reads it, the lowest bit first.
type bits struct {
	out []byte
	n   int
}

func (b *bits) put(value, count int) {
	for i := range count {
		if b.n%8 == 0 {
			b.out = append(b.out, 0)
		}
		b.out[b.n/8] |= byte(value>>i&1) << (b.n % 8)
		b.n++
	}
}

func riff(chunks ...[]byte) []byte {
	body := append([]byte("WEBP"), bytes.Join(chunks, nil)...)
	return append(binary.LittleEndian.AppendUint32([]byte("RIFF"), uint32(len(body))), body...)
}

func riffChunk(name string, body []byte) []byte {
	out := append(binary.LittleEndian.AppendUint32([]byte(name), uint32(len(body))), body...)
	if len(body)%2 == 1 {
		out = append(out, 0)
	}
	return out
}

// solidWebP is a lossless WebP of one colour: each of its five codes has one
// symbol, so that a pixel takes no bit at all.
func solidWebP(w, h int, c color.NRGBA) []byte {
	b := &bits{out: []byte{0x2f}, n: 8}
	b.put(w-1, 14)
	b.put(h-1, 14)
	b.put(0, 1+3)   // no alpha, version 0
	b.put(0, 1+1+1) // no transform, no cache, one set of codes
	for _, symbol := range []uint8{c.G, c.R, c.B, c.A, 0} {
		b.put(1, 1) // a simple code
		b.put(0, 1) // of one symbol
		b.put(1, 1) // of eight bits
		b.put(int(symbol), 8)
	}
	return riff(riffChunk("VP8L", b.out))
}

// animatedWebP is the beginning of an animation, which is not decoded.
func animatedWebP() []byte {
	return riff(riffChunk("VP8X", []byte{2, 0, 0, 0, 199, 0, 0, 199, 0, 0}), riffChunk("ANIM", []byte{0, 0, 0, 0, 0, 0}))
}

func FuzzAPhotoIsAPortraitOrInvalid(f *testing.F) {
	f.Add(asPNG(f, plain(40, 40, red)))
	f.Add(withSegments(asJPEG(f, plain(40, 60, red)), exif(binary.BigEndian, 6)))
	f.Add(solidWebP(40, 40, red))
	f.Add(animatedWebP())
	f.Add([]byte("GIF89a\x40\x00\x40\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff,\x00\x00\x00\x00\x40\x00\x40\x00\x00\x02\x00;"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if _, err := portrait.Make(raw); err != nil {
			if dental.KindOf(err) != dental.Invalid {
				t.Fatalf("the error is %v", err)
			}
			return
		}
		made(t, raw)
	})
}

func BenchmarkMake(b *testing.B) {
	dice := rand.New(rand.NewPCG(1, 2))
	raw := asJPEG(b, painted(3000, 2000, func(x, y int) color.NRGBA {
		return color.NRGBA{uint8(x / 12), uint8(y / 8), uint8(dice.IntN(20)), 255}
	}))
	b.SetBytes(int64(len(raw)))
	for b.Loop() {
		if _, err := portrait.Make(raw); err != nil {
			b.Fatal(err)
		}
	}
}
