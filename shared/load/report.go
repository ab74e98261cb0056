package load

import (
	"bytes"
	"context"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/locale"
)

// The report is a table that a double click opens in Excel: UTF-8 with a byte
// order mark, semicolons, CRLF. What stands in the clinic's file may be a formula
// that somebody has put there, so no cell may begin as one
// (https://owasp.org/www-community/attacks/CSV_Injection).

// longestCell is how many bytes of a cell of the file the report repeats.
const longestCell = 500

// reportHead is the mark and the names of the columns.
func reportHead(cl *dental.Clinic) []byte {
	loc := locale.For(cl.Language)
	var b bytes.Buffer
	b.WriteString("\uFEFF")
	row(&b, loc.Text("desk.import.report.line", nil), loc.Text("desk.import.report.column", nil), loc.Text("desk.import.report.reason", nil), loc.Text("desk.import.report.value", nil))
	return b.Bytes()
}

// reportRows adds what is to be said of one record.
func reportRows(b *bytes.Buffer, cl *dental.Clinic, r Record, faults []Fault) {
	line := itoa(r.Line)
	if r.Sheet != "" {
		line = r.Sheet + "!" + line // as spreadsheets write it
	}
	for _, f := range faults {
		row(b, line, column(cl, f.Column), Reason(cl, f), short(f.Value, longestCell))
	}
}

// column is a column as the file calls it; the one of numbers, which load itself
// judges, as the clinic's language does.
func column(cl *dental.Clinic, name string) string {
	if name == "phone" {
		return locale.For(cl.Language).Text("desk.import.report.phone", nil)
	}
	return name
}

// Reason says a fault in the clinic's language.
func Reason(cl *dental.Clinic, f Fault) string {
	loc, key := locale.For(cl.Language), "desk.import.reason."+f.Code
	if !loc.Has(key) { // of a reader newer than the texts
		key = "desk.import.reason.unreadable"
	}
	return loc.Text(key, map[string]string{"detail": short(f.Detail, longestCell)})
}

func row(b *bytes.Buffer, cells ...string) {
	for i, c := range cells {
		if i > 0 {
			b.WriteByte(';')
		}
		b.WriteString(cell(c))
	}
	b.WriteString("\r\n")
}

// cell writes a cell so that it is a text whatever is in it.
func cell(s string) string {
	s = strings.Map(func(r rune) rune {
		if r == utf8.RuneError || unicode.IsControl(r) && r != '\n' && r != '\r' && r != '\t' {
			return '\uFFFD'
		}
		return r
	}, s)
	if strings.ContainsAny(s[:min(1, len(s))], "=+-@\t\r") {
		s = "'" + s
	}
	if strings.ContainsAny(s, ";\"\r\n\t,'") || s != strings.TrimSpace(s) {
		return `"` + strings.ReplaceAll(s, `"`, `""`) + `"`
	}
	return s
}

// report reads as the whole report: its head, then its parts one after another.
func (l *Loader) report(ctx context.Context, cl *dental.Clinic, imp dental.Import) io.Reader {
	return io.MultiReader(bytes.NewReader(reportHead(cl)), &parts{ctx: ctx, loader: l, imp: imp})
}

// parts reads the parts of a report, each opened when its turn comes.
type parts struct {
	ctx    context.Context
	loader *Loader
	imp    dental.Import
	n      int
	open   io.ReadCloser
}

func (p *parts) Read(b []byte) (int, error) {
	for {
		if p.open == nil {
			if p.n == p.imp.Parts {
				return 0, io.EOF
			}
			p.n++
			var err error
			if p.open, err = p.loader.Files.Open(p.ctx, partName(p.imp.Clinic, p.imp.ID, p.n), 0); err != nil {
				return 0, err
			}
		}
		n, err := p.open.Read(b)
		if err == io.EOF {
			err = p.open.Close()
			p.open = nil
		}
		if n > 0 || err != nil {
			return n, err
		}
	}
}
