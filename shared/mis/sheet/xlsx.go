package sheet

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"path"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"

	"github.com/xuri/excelize/v2"

	"github.com/returnpoint/returnpoint/shared/load"
)

// XLSX reads a sheet of a workbook, row by row; a Place is the number of the last
// row read. The cells are taken as they are stored, not as they are shown:
// formulas by the value they had when the file was saved, dates by their serial
// numbers, so that no format of a cell hides a part of it. Of merged cells the
// first has the value and the others are empty.
//
// The archive is kept in memory and its sheets, once they are long, in temporary
// files; a row that a place lies behind is read again to be passed over.
type XLSX struct {
	// Sheet is the name of the sheet; "" for the first visible one with headers that are enough.
	Sheet string
}

// The bounds of an archive: what a hostile one could make of a few bytes.
const (
	maxArchive  = 64 << 20  // as it comes
	maxUnpacked = 512 << 20 // all of it, by what its directory says and what is in it
	maxOther    = 64 << 20  // what is neither a sheet nor its texts
	maxRatio    = 150       // of a part beyond ratioFrom; deflate could reach 1,032
	ratioFrom   = 4 << 20
	maxParts    = 5000
	inMemory    = 4 << 20 // of a sheet or its texts; a longer one goes to a temporary file
)

// oleMark begins the containers of Excel until 2003, and of encrypted workbooks.
// Source: [MS-CFB] 2.2.
const oleMark = "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"

// book is an open workbook.
type book struct {
	file *excelize.File
	// last is the number of the last row of each sheet, by its part's name.
	last  map[string]int
	parts map[string]string // the part of each sheet, by its name
}

// Scan implements load.Format.
func (x XLSX) Scan(ctx context.Context, f load.File, place string, o load.Options) (load.Scanner, error) {
	after := 0
	if place != "" {
		var err error
		if after, err = strconv.Atoi(place); err != nil || after < 1 {
			return nil, fmt.Errorf("sheet: %q is no place in an XLSX file", place)
		}
	}
	b, err := open(ctx, f)
	if err != nil {
		return nil, err
	}
	s, err := x.choose(ctx, b, o, f.Size(), after)
	if err != nil {
		return nil, errors.Join(err, b.file.Close())
	}
	return s, nil
}

// Preview implements load.Previewer, as CSV does.
func (x XLSX) Preview(ctx context.Context, f load.File, o load.Options) (p load.Preview, err error) {
	return p, nil
}
