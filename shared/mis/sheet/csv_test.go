package sheet_test

import (
	"bytes"
	"fmt"
	"io"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"

	"context"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
	"pgregory.net/rapid"

	"github.com/returnpoint/returnpoint/shared/load"
	"github.com/returnpoint/returnpoint/shared/mis/sheet"
)

func TestEncodingsAndSeparatorsAreFound(t *testing.T) {
	as := func(e encoding.Encoding, s string) []byte {
		out, err := e.NewEncoder().String(s)
		if err != nil {
			t.Fatal(err)
		}
		return []byte(out)
	}
	for name, encode := range map[string]func(string) []byte{
		"utf-8":             func(s string) []byte { return []byte(s) },
		"utf-8 marked":      func(s string) []byte { return []byte("\ufeff" + s) },
		"windows-1251":      func(s string) []byte { return as(charmap.Windows1251, s) },
		"utf-16 of Windows": func(s string) []byte { return as(unicode.UTF16(unicode.LittleEndian, unicode.UseBOM), s) },
		"utf-16 the other":  func(s string) []byte { return as(unicode.UTF16(unicode.BigEndian, unicode.UseBOM), s) },
	} {
		for _, comma := range []string{";", ",", "\t"} {
			for _, end := range []string{"\n", "\r\n", "\r"} {
				text := "№ карты" + comma + "ФИО" + comma + "Телефон" + comma + "Сумма" + end +
					"1" + comma + `"Петрова` + comma + ` Анна ""Аня"""` + comma + "8 (916) 000-00-01" + comma + `"1,5"` + end +
					"2" + comma + "Иванов Пётр" + comma + `"8 (916)` + end + `000-00-02"` + comma + end +
					"3" + comma + `ООО "Ромашка"` + comma + "+79160000003" + comma
				file := encode(text)
				t.Run(fmt.Sprintf("%s %q %q", name, comma, end), func(t *testing.T) {
					records := scan(t, sheet.CSV{}, memory(file), "", options())
					var got []string
					for _, r := range records {
						c := card(t, r)
						got = append(got, fmt.Sprintf("%d %s|%s|%s|%s%s", r.Line, c.ID, c.FamilyName, c.GivenName, c.Number, codes(r)))
					}
					first := `2 1|Петрова|Анна|8 (916) 000-00-01`
					want := []string{first, `3 2|Иванов|Пётр|8 (916) 000-00-02`, `5 3|ООО|"Ромашка"|+79160000003`}
					if comma != "," {
						want[0] = "2 1|Петрова" + strings.TrimSpace(comma) + `|Анна|8 (916) 000-00-01`
						if comma == "\t" {
							want[0] = first
						}
					}
					if !reflect.DeepEqual(got, want) {
						t.Errorf("read %q, want %q", got, want)
					}
					if last := records[len(records)-1]; last.Read != int64(len(file)) {
						t.Errorf("at the end %d bytes are read of %d", last.Read, len(file))
					}
					p, err := sheet.CSV{}.Preview(t.Context(), memory(file), options())
					if err != nil || p.Separator != comma || len(p.Rows) != 3 || len(p.Columns) != 4 || p.Columns[0] != (load.Column{Header: "№ карты", Field: "card"}) || !strings.HasPrefix(name, p.Encoding) {
						t.Errorf("the preview is %+v, error %v", p, err)
					}
				})
			}
		}
	}
}

func TestWhatSpreadsheetsDoToCSV(t *testing.T) {
	for name, c := range map[string]struct{ file, want string }{
		"a line that names the separator":       {"sep=,\r\nid,name\r\n1,Анна\r\n", "3:1 Анна"},
		"cells missing at the end":              {"id;name;phone\n1;Анна\n", "2:1 Анна"},
		"a last line without an end":            {"id;name\n1;Анна", "2:1 Анна"},
		"a quote that nobody doubled":           {"id;name\n1;\"Анна \"Аня\" П\"\n", "2:1 Анна"},
		"windows-1251 after a head of ASCII":    {"id;name\n" + strings.Repeat("1;Anna\n", 10000) + "2;\xc0\xed\xed\xe0\n", "10002:2 Анна"},
		"a header of several lines":             {"\"Номер\nкарты\";\"ФИО\n(полностью)\"\n1;Анна\n", "4:1 Анна"},
		"an empty cell with quotes":             {"id;name;phone\n1;Анна;\"\"\n", "2:1 Анна"},
		"a separator within quotes in the head": {"id;\"name\"\n\"1\";\"Анна, Аня, Анюта\"\n", "2:1 Анна"},
	} {
		t.Run(name, func(t *testing.T) {
			records := scan(t, sheet.CSV{}, memory(c.file), "", options())
			last := records[len(records)-1]
			if k := card(t, last); fmt.Sprintf("%d:%s %s", last.Line, k.ID, k.FamilyName) != c.want {
				t.Errorf("line %d, id %s, name %s; want %s", last.Line, k.ID, k.FamilyName, c.want)
			}
		})
	}
}

func TestALetterThatWasCutInTwoCostsItsCellAlone(t *testing.T) {
	records := scan(t, sheet.CSV{}, memory("id;name;phone\n1;Анна Петрова;\n2;Анна Петр\xd0;+7 916 000-00-02\n3;Олег;\n"), "", options())
	if len(records) != 3 || codes(records[1]) != "name:bad-letters" || card(t, records[1]).Number == "" || card(t, records[1]).FamilyName != "" || codes(records[2]) != "" {
		t.Errorf("records %+v", records)
	}
	if n := records[1].Notes[0]; n.Value != "Анна Петр\ufffd" {
		t.Errorf("the note says %q", n.Value)
	}
}

func TestABrokenLineIsReportedWithItsNumberAndTheNextOnesAreRead(t *testing.T) {
	long := strings.Repeat("а", 600_000)
	for name, c := range map[string]struct{ file, want string }{
		"a NUL":                              {"1;Анна\x00\n2;Пётр\n", "2:nul 3:2"},
		"a NUL in quotes over two lines":     {"1;\"Ан\n\x00на\"\n2;Пётр\n", "2:nul 4:2"},
		"a quote never closed":               {"1;\"Анна\n2;Пётр\n3;Олег\n", "2:open-quote 3:2 4:3"},
		"a quote never closed before others": {"1;\"Анна\n2;\"Пётр\"\n3;\"Олег\"\n", "2:open-quote 3:2 4:3"},
		"a quote never closed in its line":   {"\"1;\"Анна\"\n2;Пётр\n", "2:open-quote 3:2"},
		"a quote never closed for long":      {"1;\"Анна\n" + strings.Repeat("2;Пётр\n", 200), "2:open-quote 3:2 …"},
		"a quote never closed at the end":    {"1;Анна\n2;\"Пётр", "2:1 3:open-quote"},
		"a line too long":                    {"1;" + long + "\n2;Пётр\n", "2:long-line 3:2"},
		"a line too long at the end":         {"2;Пётр\n1;" + long, "2:2 3:long-line"},
		"a quoted cell too long":             {"1;\"" + long + "\"\n2;Пётр\n", "2:long-line 3:2"},
		"quoted lines too long together":     {"1;\"" + strings.Repeat(strings.Repeat("а", 20_000)+"\n", 60) + "\"\n2;Пётр\n", "2:open-quote …"},
		"too many columns":                   {"1;Анна;;;5\n2;Пётр;;;\n", "2:wide-line 3:2"},
		"too many columns by far":            {"1;Анна" + strings.Repeat(";", 1000) + "\n2;Пётр\n", "2:wide-line 3:2"},
	} {
		t.Run(name, func(t *testing.T) {
			file := "id;name\n" + c.file
			var got []string
			for _, r := range scan(t, sheet.CSV{}, memory(file), "", options()) {
				if r.Fault != nil {
					got = append(got, fmt.Sprintf("%d:%s", r.Line, r.Fault.Code))
				} else {
					got = append(got, fmt.Sprintf("%d:%s", r.Line, r.Objects[0].Patient()))
				}
			}
			all := strings.Join(got, " ")
			if want, begins := strings.CutSuffix(c.want, "…"); all != want && !(begins && strings.HasPrefix(all, want)) {
				t.Errorf("read %.200q, want %q", all, c.want)
			}
		})
	}
}

func TestFilesThatAreNoTextAreRefused(t *testing.T) {
	for name, c := range map[string]struct{ file, code string }{
		"nothing":              {"", sheet.Empty},
		"a mark alone":         {"\xef\xbb\xbf", sheet.Empty},
		"empty lines":          {"\n\n;;\n", sheet.Empty},
		"a workbook":           {"PK\x03\x04…", sheet.NotText},
		"a workbook of old":    {"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", sheet.OldExcel},
		"a page":               {"<html><table>", sheet.NotText},
		"UTF-16 without mark":  {"i\x00d\x00;\x00n\x00a\x00m\x00e\x00\n\x00", sheet.NotText},
		"no headers that help": {"a;b\n1;2\n", sheet.NoColumns},
	} {
		t.Run(name, func(t *testing.T) {
			if f := whole(t, sheet.CSV{}, []byte(c.file)); f.Code != c.code {
				t.Errorf("%+v, want %s", f, c.code)
			}
		})
	}
}

func TestABadPlaceIsAnError(t *testing.T) {
	for _, place := range []string{"x", "1", "1:x", "-1:2", "1:0", "12:-3"} {
		if _, err := scanned(sheet.CSV{}, memory("id;name\n1;Анна\n"), place, options()); err == nil {
			t.Errorf("%q was taken for a place", place)
		}
	}
}

// lineOf draws a line of a table, whole or broken.
func lineOf(t *rapid.T, comma string) string {
	cell := rapid.OneOf(rapid.SampledFrom([]string{"", "1", "2", "Анна Петрова", `"в кавычках"`, `"две ""кавычки"""`, "\"на двух\nстроках\"", `открыта "`, `"открыта`, "ноль\x00", "12.03.2026", "31.02.2020", "+7 916 000-00-01", "1 234,50", "𝔸", " "}), rapid.StringN(0, 6, 12))
	return strings.Join(rapid.SliceOfN(cell, 0, 6).Draw(t, "cells"), comma) + rapid.SampledFrom([]string{"\n", "\r\n"}).Draw(t, "end")
}

func TestReadingThatBreaksOffAnywhereGoesOnAsIfItHadNot(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		comma := rapid.SampledFrom([]string{";", ",", "\t"}).Draw(t, "comma")
		text := strings.Join([]string{"id", "ФИО", "Телефон", "Дата визита", "Сумма"}, comma) + "\n"
		for range rapid.IntRange(0, 30).Draw(t, "lines") {
			text += lineOf(t, comma)
		}
		file := []byte(text)
		switch rapid.IntRange(0, 3).Draw(t, "encoding") {
		case 1:
			file = append([]byte("\ufeff"), file...)
		case 2:
			file, _ = encoding.ReplaceUnsupported(charmap.Windows1251.NewEncoder()).Bytes(file)
		case 3:
			file, _ = unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewEncoder().Bytes(file)
		}
		check := func(all []load.Record, err error) {
			if err != nil {
				t.Fatal(err)
			}
			line, read := int64(0), int64(0)
			for i, r := range all {
				if r.Line <= line || r.Read <= read || r.Read > int64(len(file)) {
					t.Fatalf("record %d is of line %d at %d, after line %d at %d, in a file of %d", i, r.Line, r.Read, line, read, len(file))
				}
				line, read = r.Line, r.Read
				rest, err := scanned(sheet.CSV{}, memory(file), r.Place, options())
				if err != nil {
					t.Fatal(err)
				}
				if !reflect.DeepEqual(rest, all[i+1:]) && len(rest)+len(all[i+1:]) > 0 {
					t.Fatalf("after %q there is %+v, want %+v", r.Place, rest, all[i+1:])
				}
			}
		}
		all, err := scanned(sheet.CSV{}, memory(file), "", options())
		check(all, err)
		slow, err := scanned(sheet.CSV{}, dripping(file), "", options())
		if err != nil || !reflect.DeepEqual(slow, all) {
			t.Fatalf("byte by byte it is %+v, error %v, want %+v", slow, err, all)
		}
	})
}

func TestALongFileReadsTheSameFromAnyPlace(t *testing.T) {
	var b strings.Builder
	b.WriteString("id;ФИО;Примечание\n")
	for i := range 3000 {
		fmt.Fprintf(&b, "%d;Анна;\"%s\n%s\"\n", i, strings.Repeat("п", i%97), strings.Repeat("\"\"", i%31))
		if i%500 == 0 {
			b.WriteString("x;\"открыта\n" + strings.Repeat("y", 300_000) + ";\n")
		}
	}
	file := memory(b.String())
	all := scan(t, sheet.CSV{}, file, "", options())
	if len(all) < 3000 {
		t.Fatalf("%d records", len(all))
	}
	for i := 0; i < len(all); i += 331 {
		if rest := scan(t, sheet.CSV{}, file, all[i].Place, options()); !reflect.DeepEqual(rest, all[i+1:]) {
			t.Fatalf("after record %d the rest reads differently", i)
		}
	}
}

// dripping is a file that gives one byte at a time.
type dripping []byte

func (d dripping) Size() int64 { return int64(len(d)) }

func (d dripping) Open(_ context.Context, from int64) (io.ReadCloser, error) {
	return io.NopCloser(iotest.OneByteReader(bytes.NewReader(d[from:]))), nil
}

// base is a table of patients as clinics have them.
func base(lines int) []byte {
	var b bytes.Buffer
	b.WriteString("№ карты;Фамилия;Имя;Отчество;Телефон моб.;E-mail;Дата рожд.;Пол;Последнее посещение;Врач;Услуга;Сумма;Примечание\r\n")
	for i := range lines {
		fmt.Fprintf(&b, "%d;Петрова;Анна;Сергеевна;8 (916) %03d-%02d-%02d;anna%d@example.com;%02d.%02d.19%02d;ж;%02d.%02d.2025;Соколова И. П.;Профессиональная гигиена;%d,00;\"пришла; довольна\"\r\n",
			i, i/10000%1000, i/100%100, i%100, i, i%28+1, i%12+1, i%100, i%28+1, i%12+1, 3000+i%5000)
	}
	return b.Bytes()
}

func BenchmarkCSV(b *testing.B) {
	const lines = 50_000
	file := memory(base(lines))
	b.SetBytes(int64(len(file)))
	b.ReportAllocs()
	for b.Loop() {
		n := 0
		s, err := sheet.CSV{}.Scan(b.Context(), file, "", options())
		if err != nil {
			b.Fatal(err)
		}
		for {
			r, err := s.Next(b.Context())
			if err == io.EOF {
				break
			}
			if err != nil || r.Fault != nil || len(r.Notes) > 0 {
				b.Fatal(err, r.Fault, r.Notes)
			}
			n++
		}
		if n != lines {
			b.Fatalf("%d lines", n)
		}
	}
	b.ReportMetric(float64(lines)*float64(b.N)/b.Elapsed().Seconds(), "lines/s")
}

func FuzzCSV(f *testing.F) {
	for _, seed := range []string{"id;name\n1;Анна\n", "sep=,\nid,name,phone\r\n1,\"a\nb\",\"+7\"\r\n", "\xff\xfei\x00d\x00\n\x001\x00", "id\tФИО\tДата визита\tСумма\n1\tА\t31.02.2020\t1 234,5\n", "№ карты;Телефон\n\xc0;7,9E+10\n", "id\r1\r2\r", "id;\"a\n\"\"b;\n"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, file []byte) { hold(t, sheet.CSV{}, file) })
}
