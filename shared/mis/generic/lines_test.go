package generic_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/intake"
	"github.com/returnpoint/returnpoint/shared/load"
	"github.com/returnpoint/returnpoint/shared/mis/generic"
)

// text is a file in memory.
type text string

func (t text) Size() int64 { return int64(len(t)) }
func (t text) Open(_ context.Context, from int64) (io.ReadCloser, error) {
	return io.NopCloser(strings.NewReader(string(t)[min(from, int64(len(t))):])), nil
}

// scan reads all records from a place on.
func scan(t testing.TB, f text, place string) []load.Record {
	t.Helper()
	s, err := generic.Lines{}.Scan(t.Context(), f, place, load.Options{Clinic: &dental.Clinic{ID: "demo"}, Now: time.Date(2026, 3, 10, 8, 0, 0, 0, time.UTC)})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	var out []load.Record
	for {
		r, err := s.Next(t.Context())
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, r)
	}
}

const (
	ivan  = `{"type":"patient.updated","timestamp":"2026-03-10T10:00:00+03:00","data":{"id":"P-1","givenName":"Иван","phone":"+79160000001","version":1}}`
	gone  = `{"type":"patient.deleted","timestamp":"2026-03-10T10:00:00+03:00","data":{"id":"P-1","version":2}}`
	visit = `{"type":"visit.completed","timestamp":"2026-03-10T10:00:00+03:00","data":{"id":"V-1","patientId":"P-2","finishedAt":"2026-03-10T09:00:00+03:00","version":3}}`
)

func TestEachLineIsAnEventOrAFaultWithItsNumber(t *testing.T) {
	long := `{"type":"patient.updated","x":"` + strings.Repeat("a", generic.MaxBytes) + `"}`
	file := text("\uFEFF" + ivan + "\r\n\n" + `{"type":"patient.updated"` + "\n" + long + "\n" + "{\"a\":\x00}\n" + "{\"a\":\"\xc0\"}\n" +
		`{"type":"patient.updated","timestamp":"2026-03-10T10:00:00+03:00","data":{"id":"P-1","id":"P-2"}}` + "\n" + visit + "\n" + gone)
	type line struct {
		number int64
		says   string
	}
	var got []line
	for _, r := range scan(t, file, "") {
		says := ""
		if r.Fault != nil {
			says = r.Fault.Code + " " + r.Fault.Column
		} else {
			o := r.Objects[0]
			says = fmt.Sprint(o.Facts[0].Type, " ", o.Patient(), " ", o.System)
		}
		got = append(got, line{r.Line, strings.TrimSpace(says)})
	}
	want := []line{{1, "patient.updated P-1"}, {3, "event"}, {4, "line-long"}, {5, "line-nul"}, {6, "line-utf8"}, {7, "event data.id"},
		{8, "visit.completed P-2"}, {9, "patient.deleted P-1"}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
}

func TestALineKeepsTheVersionOfItsEvent(t *testing.T) {
	r := scan(t, visit, "")[0]
	v := r.Objects[0].Facts[0].Visit
	if v.Source.Version != 3 || v.Source.Body == "" || r.Objects[0].Version != 0 {
		t.Errorf("the visit's source is %+v, the object's version %d", v.Source, r.Objects[0].Version)
	}
	if r.Read != int64(len(visit)) {
		t.Errorf("%d of %d bytes are behind", r.Read, len(visit))
	}
}

func TestAPlaceOfAnotherFormatIsRefused(t *testing.T) {
	for _, place := range []string{"12", "x:1", "1:-5", "-1:5"} {
		if _, err := (generic.Lines{}).Scan(t.Context(), text(ivan), place, load.Options{Clinic: &dental.Clinic{}}); err == nil {
			t.Errorf("the place %q was taken", place)
		}
	}
}

// FuzzLines: whatever the bytes, reading ends, numbers and places rise, reading
// on from any place gives the rest exactly, and what is read is bounded.
func FuzzLines(f *testing.F) {
	f.Add([]byte(ivan+"\n"+visit+"\n"+gone), uint8(1))
	f.Add([]byte("\uFEFF"+ivan+"\r\n\r\n{}\r\nnull"), uint8(0))
	f.Add([]byte("\x00\n\xff\n[]\n"+ivan), uint8(2))
	f.Add([]byte(strings.Repeat("[", 100)+"\n"+strings.Repeat("a", 70<<10)+"\n"+ivan), uint8(1))
	f.Fuzz(func(t *testing.T, raw []byte, n uint8) {
		all := scan(t, text(raw), "")
		var line, read int64
		for _, r := range all {
			if r.Line <= line || r.Read <= read || r.Read > int64(len(raw)) {
				t.Fatalf("line %d at byte %d comes after line %d at %d of %d", r.Line, r.Read, line, read, len(raw))
			}
			line, read = r.Line, r.Read
			if (r.Fault == nil) == (len(r.Objects) == 0) {
				t.Fatalf("line %d is neither an event nor a fault: %+v", r.Line, r)
			}
			for _, o := range r.Objects {
				if o.System != "" || len(o.Facts) != 1 || !dental.ValidID(o.Patient()) || !knownType(o.Facts[0].Type) {
					t.Fatalf("line %d is the object %+v", r.Line, o)
				}
			}
		}
		if most := int64(bytes.Count(raw, []byte("\n")) + 1); line > most {
			t.Fatalf("line %d of %d", line, most)
		}
		if len(all) > 0 {
			at := int(n) % len(all)
			if rest := scan(t, text(raw), all[at].Place); !reflect.DeepEqual(rest, all[at+1:]) && len(rest)+len(all[at+1:]) > 0 {
				t.Fatalf("from %q on: %+v, want %+v", all[at].Place, rest, all[at+1:])
			}
		}
	})
}

func knownType(t intake.Type) bool {
	for _, k := range intake.Types() {
		if t == k {
			return true
		}
	}
	return false
}
