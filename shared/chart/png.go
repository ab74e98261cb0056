package chart

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"math"
	"strings"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"
	"golang.org/x/image/vector"
)

// density is how many pixels of the picture stand for one of the letter, so that
// it is sharp on the screens of phones.
const density = 2

// colours are those of letters, on white: mail programs that darken a letter
// leave pictures alone.
var colours = [...]color.RGBA{
	ink: {0x1b, 0x22, 0x2b, 0xff}, soft: {0x4a, 0x55, 0x63, 0xff}, grid: {0xd9, 0xdf, 0xe5, 0xff},
	main: {0x0b, 0x5c, 0xab, 0xff}, side: {0x6f, 0x7b, 0x89, 0xff}, goal: {0x14, 0x61, 0x3a, 0xff},
}

// PNG writes the drawing as a picture for mail programs, on white, twice as wide
// and high as its size. Equal drawings give equal bytes.
func (d Drawing) PNG() ([]byte, error) {
	fonts, err := newFonts()
	if err != nil {
		return nil, fmt.Errorf("chart: read the fonts: %w", err)
	}
	width, height := int(math.Ceil(d.size.Width*density)), int(math.Ceil(d.size.Height*density))
	picture := image.NewRGBA(image.Rect(0, 0, width, height))
	draw.Draw(picture, picture.Bounds(), image.White, image.Point{}, draw.Src)
	for _, s := range d.layered() {
		paint := image.NewUniform(colours[s.paint])
		switch {
		case s.box != nil:
			area := image.Rect(round(s.box.x), round(s.box.y), round(s.box.x+s.box.w), round(s.box.y+s.box.h))
			draw.Draw(picture, area, paint, image.Point{}, draw.Src)
		case s.dot != nil:
			disc(picture, paint, *s.dot)
		case s.text != nil:
			if err := fonts.write(picture, paint, *s.text); err != nil {
				return nil, fmt.Errorf("chart: write %q: %w", s.text.s, err)
			}
		default:
			stroke(picture, paint, s)
		}
	}
	var b bytes.Buffer
	encoder := png.Encoder{CompressionLevel: png.BestCompression}
	if err := encoder.Encode(&b, fewColours(picture)); err != nil {
		return nil, fmt.Errorf("chart: encode the picture: %w", err)
	}
	return b.Bytes(), nil
}

func round(n float64) int { return int(math.Round(n * density)) }

// stroke draws the pieces of a line as the thin quadrilaterals that they are.
func stroke(picture *image.RGBA, paint image.Image, s shape) {
	r := vector.NewRasterizer(picture.Bounds().Dx(), picture.Bounds().Dy())
	half := s.width / 2
	piece := func(a, b point) {
		length := math.Hypot(b.x-a.x, b.y-a.y)
		if length == 0 {
			return
		}
		nx, ny := -(b.y-a.y)/length*half, (b.x-a.x)/length*half
		at := func(x, y float64) (float32, float32) { return float32(x * density), float32(y * density) }
		r.MoveTo(at(a.x+nx, a.y+ny))
		r.LineTo(at(b.x+nx, b.y+ny))
		r.LineTo(at(b.x-nx, b.y-ny))
		r.LineTo(at(a.x-nx, a.y-ny))
		r.ClosePath()
	}
	for i := 1; i < len(s.points); i++ {
		a, b := s.points[i-1], s.points[i]
		if !s.dashed {
			piece(a, b)
			continue
		}
		length := math.Hypot(b.x-a.x, b.y-a.y)
		for from := 0.0; from < length; from += 9 {
			to := math.Min(from+5, length)
			piece(point{a.x + (b.x-a.x)*from/length, a.y + (b.y-a.y)*from/length}, point{a.x + (b.x-a.x)*to/length, a.y + (b.y-a.y)*to/length})
		}
	}
	r.Draw(picture, picture.Bounds(), paint, image.Point{})
}

// disc draws a filled circle as a polygon that nobody tells from it.
func disc(picture *image.RGBA, paint image.Image, c dot) {
	const corners = 32
	r := vector.NewRasterizer(picture.Bounds().Dx(), picture.Bounds().Dy())
	for i := range corners {
		sin, cos := math.Sincos(2 * math.Pi * float64(i) / corners)
		x, y := float32((c.x+c.r*cos)*density), float32((c.y+c.r*sin)*density)
		if i == 0 {
			r.MoveTo(x, y)
		} else {
			r.LineTo(x, y)
		}
	}
	r.ClosePath()
	r.Draw(picture, picture.Bounds(), paint, image.Point{})
}

// fonts are the letters of the picture: the Go fonts, which have Cyrillic.
type fonts struct {
	regular, bold *opentype.Font
	faces         map[face]font.Face
	buffer        sfnt.Buffer
}

type face struct {
	strong bool
	size   float64
}

func newFonts() (*fonts, error) {
	regular, err := opentype.Parse(goregular.TTF)
	if err != nil {
		return nil, err
	}
	bold, err := opentype.Parse(gobold.TTF)
	return &fonts{regular: regular, bold: bold, faces: map[face]font.Face{}}, err
}

func (f *fonts) of(strong bool) *opentype.Font {
	if strong {
		return f.bold
	}
	return f.regular
}

func (f *fonts) face(strong bool, size float64) (font.Face, error) {
	key := face{strong, size}
	if known := f.faces[key]; known != nil {
		return known, nil
	}
	made, err := opentype.NewFace(f.of(strong), &opentype.FaceOptions{Size: size * density, DPI: 72, Hinting: font.HintingNone})
	if err == nil {
		f.faces[key] = made
	}
	return made, err
}

// write writes a text from its anchor on.
func (f *fonts) write(picture *image.RGBA, paint image.Image, t text) error {
	letters, err := f.face(t.strong, t.size)
	if err != nil {
		return err
	}
	s := f.spell(f.of(t.strong), t.s)
	x, length := fixed.Int26_6(math.Round(t.x*density*64)), font.MeasureString(letters, s)
	switch t.anchor {
	case middle:
		x -= length / 2
	case end:
		x -= length
	}
	pen := font.Drawer{Dst: picture, Src: paint, Face: letters, Dot: fixed.Point26_6{X: x, Y: fixed.Int26_6(math.Round(t.y * density * 64))}}
	pen.DrawString(s)
	return nil
}

// spell writes a text in the signs that a font has, and leaves out what has no
// other spelling: no empty box is to stand in a sum.
func (f *fonts) spell(of *opentype.Font, s string) string {
	var out strings.Builder
	for _, r := range s {
		if glyph, err := of.GlyphIndex(&f.buffer, r); err == nil && glyph != 0 {
			out.WriteRune(r)
			continue
		}
		switch r {
		case '₽':
			out.WriteString("руб.")
		case '\u00a0', '\u202f':
			out.WriteByte(' ')
		case '\u2212':
			out.WriteByte('-')
		}
	}
	return out.String()
}

// fewColours is the picture with a palette where it has no more colours than
// one holds, which makes it a third as large.
func fewColours(picture *image.RGBA) image.Image {
	var palette color.Palette
	index := map[color.RGBA]uint8{}
	out := image.NewPaletted(picture.Bounds(), nil)
	for y := range picture.Bounds().Dy() {
		for x := range picture.Bounds().Dx() {
			c := picture.RGBAAt(x, y)
			i, known := index[c]
			if !known {
				if len(palette) == 256 {
					return picture
				}
				i = uint8(len(palette))
				index[c], palette = i, append(palette, c)
			}
			out.SetColorIndex(x, y, i)
		}
	}
	out.Palette = palette
	return out
}
