// Package qr draws a text as a QR code, for a page to show it: as SVG that
// stands in the page itself, so that nothing is loaded for it and nothing runs.
package qr

import (
	"encoding/xml"
	"fmt"
	"html/template"
	"image/color"
	"strings"

	"github.com/boombuler/barcode/qr"
)

// quiet is the margin that a reader needs around the code, in modules (ISO/IEC 18004, 9.1).
const quiet = 4

// SVG draws the text, at most 2331 bytes, as an <svg> element without a size of
// its own; label is what it is to whoever cannot see it. The ground is white by
// night too: few readers take a code in light on dark. 15 % of the code may be
// dirty or scratched.
func SVG(text, label string) (template.HTML, error) {
	code, err := qr.Encode(text, qr.M, qr.Auto)
	if err != nil {
		return "", fmt.Errorf("qr: encode %d bytes: %w", len(text), err)
	}
	size := code.Bounds().Dx()
	dark := func(x, y int) bool {
		return x < size && color.GrayModel.Convert(code.At(x, y)).(color.Gray).Y < 128
	}
	var path strings.Builder
	for y := range size {
		for x := 0; x < size; x++ {
			if !dark(x, y) {
				continue
			}
			run := 1
			for dark(x+run, y) {
				run++
			}
			fmt.Fprintf(&path, "M%d %dh%dv1h-%dz", x+quiet, y+quiet, run, run)
			x += run
		}
	}
	var name strings.Builder
	if err := xml.EscapeText(&name, []byte(label)); err != nil {
		return "", fmt.Errorf("qr: write the label: %w", err)
	}
	side := size + 2*quiet
	return template.HTML(fmt.Sprintf(`<svg class="qr" viewBox="0 0 %d %d" role="img" aria-label="%s" shape-rendering="crispEdges">`+
		`<path fill="#fff" d="M0 0h%dv%dH0z"></path><path fill="#000" d="%s"></path></svg>`, side, side, &name, side, side, &path)), nil
}
