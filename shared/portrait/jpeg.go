package portrait

import (
	"encoding/binary"
	"image"
	"strings"
)

// turn is an EXIF orientation, 1 to 8: how the stored pixels lie to those that
// are seen (CIPA DC-008, 4.6.5, tag 0x0112).
type turn int

const (
	upright   turn = 1
	transpose turn = 5 // and all from here on swap width and height
	lastTurn  turn = 8
)

// upright gives the size that is seen of a stored one.
func (t turn) upright(w, h int) (int, int) {
	if t >= transpose {
		return h, w
	}
	return w, h
}

// pixel is where the pixel that is seen at p is stored, in a picture stored as w by h.
func (t turn) pixel(p image.Point, w, h int) image.Point {
	right, bottom := w-1, h-1
	switch t {
	case 2:
		return image.Pt(right-p.X, p.Y)
	case 3:
		return image.Pt(right-p.X, bottom-p.Y)
	case 4:
		return image.Pt(p.X, bottom-p.Y)
	case 5:
		return image.Pt(p.Y, p.X)
	case 6:
		return image.Pt(p.Y, bottom-p.X)
	case 7:
		return image.Pt(right-p.Y, bottom-p.X)
	case 8:
		return image.Pt(right-p.Y, p.X)
	}
	return p
}

// stored is where the rectangle seen at r is stored.
func (t turn) stored(r image.Rectangle, w, h int) image.Rectangle {
	a, b := t.pixel(r.Min, w, h), t.pixel(r.Max.Sub(image.Pt(1, 1)), w, h)
	out := image.Rectangle{a, b}.Canon()
	out.Max = out.Max.Add(image.Pt(1, 1))
	return out
}

// The markers that are looked at (ITU-T T.81, table B.1).
const (
	baseline    = 0xc0
	progressive = 0xc2
	restart     = 0xd0 // the first of those without a body
	beginScan   = 0xda
	app1        = 0xe1
)

// readJPEG walks the segments before the first scan. What it does not find is
// taken for the dearest there is, and for upright.
func readJPEG(raw []byte) (memory float64, t turn) {
	const dearest = 4 * (1 + 4) // four channels at full size, with coefficients of four bytes
	memory, t = dearest, upright
	for at := 2; at+4 <= len(raw) && raw[at] == 0xff; {
		marker := raw[at+1]
		if marker == 0xff { // fill
			at++
			continue
		}
		if marker < baseline || marker >= restart && marker <= beginScan {
			break // the scan, or a marker without a body, which does not belong here
		}
		end := at + 2 + int(binary.BigEndian.Uint16(raw[at+2:]))
		if end < at+4 || end > len(raw) {
			break
		}
		body := raw[at+4 : end]
		switch {
		case marker >= baseline && marker <= progressive:
			memory = frameMemory(body, marker == progressive)
		case marker == app1 && strings.HasPrefix(string(body), "Exif\x00\x00"):
			t = orientation(body[len("Exif\x00\x00"):])
		}
		at = end
	}
	// The channels are put together into pixels of four bytes where they are no YCbCr.
	return memory + 4, t
}

// frameMemory reads the bytes for a pixel off a frame header: a byte a sample,
// and in a progressive photo a coefficient of four for each until the end.
func frameMemory(body []byte, progressive bool) float64 {
	const dearest = 4
	samples, across, down := 0, 1, 1
	for i := 6; i+3 <= len(body); i += 3 { // id, sampling, table
		h, v := int(body[i+1]>>4), int(body[i+1]&15)
		samples += h * v
		across, down = max(across, h), max(down, v)
	}
	memory := min(float64(samples)/float64(across*down), dearest)
	if progressive {
		memory *= 1 + 4
	}
	return memory
}

// orientation reads the tag out of the first directory of a TIFF; anything
// but a clear word is upright.
func orientation(tiff []byte) turn {
	const (
		tag   = 0x0112
		short = 3
		entry = 12
	)
	var order binary.ByteOrder
	switch {
	case strings.HasPrefix(string(tiff), "II*\x00"):
		order = binary.LittleEndian
	case strings.HasPrefix(string(tiff), "MM\x00*"):
		order = binary.BigEndian
	default:
		return upright
	}
	if len(tiff) < 8 {
		return upright
	}
	at := int64(order.Uint32(tiff[4:]))
	if at+2 > int64(len(tiff)) {
		return upright
	}
	entries := tiff[at+2:]
	for range order.Uint16(tiff[at:]) {
		if len(entries) < entry {
			break
		}
		if order.Uint16(entries) == tag {
			if t := turn(order.Uint16(entries[8:])); order.Uint16(entries[2:]) == short && t >= upright && t <= lastTurn {
				return t
			}
			break
		}
		entries = entries[entry:]
	}
	return upright
}
