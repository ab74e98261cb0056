package sheet_test

import (
	"archive/zip"
	"bytes"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"
	"pgregory.net/rapid"

	"github.com/returnpoint/returnpoint/shared/load"
	"github.com/returnpoint/returnpoint/shared/mis/sheet"
)

// workbook makes a file of what fill puts into a new one.
func workbook(t testing.TB, fill func(f *excelize.File), o ...excelize.Options) []byte {
	t.Helper()
	f := excelize.NewFile()
	fill(f)
	var b bytes.Buffer
	if err := f.Write(&b, o...); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func put(t testing.TB, f *excelize.File, name string, rows ...[]any) {
	t.Helper()
	for i, cells := range rows {
		if err := f.SetSheetRow(name, fmt.Sprintf("A%d", i+1), &cells); err != nil {
			t.Fatal(err)
		}
	}
}

// rewritten is an archive with its parts changed by edit, which gives nil for one to leave out.
func rewritten(t testing.TB, file []byte, edit func(name string, content []byte) []byte) []byte {
	t.Helper()
	r, err := zip.NewReader(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, part := range r.File {
		from, err := part.Open()
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(from)
		if err != nil {
			t.Fatal(err)
		}
		if content = edit(part.Name, content); content == nil {
			continue
		}
		to, err := w.Create(part.Name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := to.Write(content); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

var headers = []any{"№ карты", "ФИО", "Телефон", "Дата рождения", "Дата визита", "Время визита", "Сумма", "Пол"}

func TestAWorkbooksCellsAreReadAsTheyAreStored(t *testing.T) {
	for _, since1904 := range []bool{false, true} {
		t.Run(fmt.Sprintf("dates since 1904: %v", since1904), func(t *testing.T) {
			file := workbook(t, func(f *excelize.File) {
				if err := f.SetWorkbookProps(&excelize.WorkbookPropsOptions{Date1904: &since1904}); err != nil {
					t.Fatal(err)
				}
				put(t, f, "Sheet1", []any{"Список пациентов"}, nil, headers,
					[]any{17, "Петрова Анна", 79160000001, time.Date(1985, 11, 14, 0, 0, 0, 0, time.UTC), time.Date(2026, 3, 12, 15, 40, 0, 0, time.UTC), nil, 1234.5, "ж"},
					nil,
					[]any{"18", "Иванов Пётр", 7.916e10, "14.11.1985", "2026-03-12", 0.5, "1 234,50", "м"},
					[]any{"19", "Сидоров Олег", "+7 916 000-00-03", 1985, "", "", "", ""})
				for _, cells := range [][2]string{{"A1", "H1"}, {"B4", "B5"}} {
					if err := f.MergeCell("Sheet1", cells[0], cells[1]); err != nil {
						t.Fatal(err)
					}
				}
			})
			records := scan(t, sheet.XLSX{}, memory(file), "", options())
			if len(records) != 3 || records[0].Line != 4 || records[1].Line != 6 || records[2].Line != 7 {
				t.Fatalf("records %+v", records)
			}
			a, b, c := card(t, records[0]), card(t, records[1]), card(t, records[2])
			if a.ID != "17" || a.GivenName != "Анна" || a.Number != "79160000001" || a.BirthDate != day("1985-11-14") || a.Sex != "female" || codes(records[0]) != "" {
				t.Errorf("the first card is %q %q %v, notes %q", a.ID, a.Number, a.BirthDate, codes(records[0]))
			}
			if b.ID != "18" || b.Number != "79160000000" || b.BirthDate != day("1985-11-14") || codes(records[1]) != "" {
				t.Errorf("the second card is %q %q %v, notes %q", b.ID, b.Number, b.BirthDate, codes(records[1]))
			}
			if codes(records[2]) != "Дата рождения:year-only" || c.Number != "+7 916 000-00-03" {
				t.Errorf("the third card is %q, notes %q", c.ID, codes(records[2]))
			}
			v, w := visits(records[0]), visits(records[1])
			if len(v) != 1 || !v[0].FinishedAt.Equal(time.Date(2026, 3, 12, 12, 40, 0, 0, time.UTC)) || v[0].Receipt.Minor != 123450 {
				t.Errorf("the first visit is %+v", v)
			}
			if len(w) != 1 || !w[0].FinishedAt.Equal(time.Date(2026, 3, 12, 9, 0, 0, 0, time.UTC)) || w[0].Receipt.Minor != 123450 {
				t.Errorf("the second visit is %+v", w)
			}
		})
	}
}

func TestAFormulaHasTheValueItWasSavedWith(t *testing.T) {
	file := workbook(t, func(f *excelize.File) {
		put(t, f, "Sheet1", []any{"ID", "ФИО", "Телефон"}, []any{1, "Петрова Анна", nil}, []any{2, "Иванов Пётр", nil})
	})
	file = rewritten(t, file, func(name string, content []byte) []byte {
		content = bytes.Replace(content, []byte(`<c r="C2"></c>`), nil, 1)
		return bytes.Replace(content, []byte(`</row><row r="3"`), []byte(`<c r="C2" t="str"><f>A1&amp;"x"</f><v>+79160000001</v></c></row><row r="3"`), 1)
	})
	file = rewritten(t, file, func(name string, content []byte) []byte {
		return bytes.Replace(content, []byte(`</row></sheetData>`), []byte(`<c r="C3" t="e"><f>NA()</f><v>#N/A</v></c></row></sheetData>`), 1)
	})
	records := scan(t, sheet.XLSX{}, memory(file), "", options())
	if len(records) != 2 || card(t, records[0]).Number != "+79160000001" || codes(records[1]) != "Телефон:cell-error" {
		t.Errorf("records %+v", records)
	}
}

func TestSerialDatesOfExcel(t *testing.T) {
	for cell, want := range map[float64]string{1: "1900-01-01", 59: "1900-02-28", 61: "1900-03-01", 60: "", 367: "1901-01-01", 9500: "1926-01-03", 31365: "1985-11-14", 0: "", 99999: "", 200000: ""} {
		file := workbook(t, func(f *excelize.File) { put(t, f, "Sheet1", []any{"ID", "Дата рождения"}, []any{1, cell}) })
		r := scan(t, sheet.XLSX{}, memory(file), "", options())[0]
		got := ""
		if len(facts(r)) > 0 {
			got = card(t, r).BirthDate.String()
		}
		if got != want {
			t.Errorf("%v is %q, want %q", cell, got, want)
		}
	}
}

// sheets adds sheets of a workbook to the first, "Sheet1".
func sheets(t testing.TB, f *excelize.File, names ...string) {
	t.Helper()
	for _, name := range names {
		if _, err := f.NewSheet(name); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAllVisibleSheetsWithPatientsAreRead(t *testing.T) {
	file := workbook(t, func(f *excelize.File) {
		put(t, f, "Sheet1", []any{"Отчёт за май"}, []any{"Клиника", "Улыбка"})
		sheets(t, f, "Скрытый", "Коды", "Врачи", "Взрослые", "Пустой", "Дети", "Прайс")
		put(t, f, "Коды", []any{"Код", "Услуга", "Цена"}, []any{77, "Чистка", 5400})
		put(t, f, "Врачи", []any{"ID", "ФИО", "Телефон"}, []any{5, "Соколова Ирина", "+7 916 000-00-05"})
		put(t, f, "Скрытый", []any{"ID", "ФИО"}, []any{1, "Петрова Анна"})
		put(t, f, "Взрослые", []any{"ID", "ФИО", "Телефон"}, []any{2, "Петрова Инна", "+7 916 000-00-02"})
		put(t, f, "Дети", []any{"Дети"}, nil, []any{"ФИО", "Дата рождения", "ID"}, []any{"Петров Олег", "31.02.2019", 3}, []any{"Петров Иван", "01.02.2019", 4})
		put(t, f, "Прайс", []any{"Услуга", "Цена"}, []any{"Чистка", 5400})
		if err := f.SetSheetVisible("Скрытый", false); err != nil {
			t.Fatal(err)
		}
		if err := f.AddChartSheet("График", &excelize.Chart{Type: excelize.Col, Series: []excelize.ChartSeries{{Values: "Прайс!$B$2:$B$2"}}}); err != nil {
			t.Fatal(err)
		}
	})
	for name, want := range map[string]string{
		"":         "Взрослые!2 is 2 Инна, Дети!4 is 3 Олег Дата рождения:bad-date, Дети!5 is 4 Иван",
		"Дети":     "!4 is 3 Олег Дата рождения:bad-date, !5 is 4 Иван",
		"Скрытый":  "!2 is 1 Анна",
		"Взрослые": "!2 is 2 Инна",
	} {
		records := scan(t, sheet.XLSX{Sheet: name}, memory(file), "", options())
		var got []string
		read := int64(0)
		for i, r := range records {
			got = append(got, strings.TrimSpace(fmt.Sprintf("%s!%d is %s %s %s", r.Sheet, r.Line, r.Objects[0].Patient(), card(t, r).GivenName, codes(r))))
			if rest := scan(t, sheet.XLSX{Sheet: name}, memory(file), r.Place, options()); len(rest) != len(records)-i-1 || len(rest) > 0 && !reflect.DeepEqual(rest, records[i+1:]) {
				t.Errorf("%q: after %q there is %+v", name, r.Place, rest)
			}
			if r.Read <= read {
				t.Errorf("%q: at %q %d bytes are behind, after %d", name, r.Place, r.Read, read)
			}
			read = r.Read
		}
		if strings.Join(got, ", ") != want || read != int64(len(file)) {
			t.Errorf("%q: %s, with %d bytes of %d read; want %s", name, strings.Join(got, ", "), read, len(file), want)
		}
	}
	if _, err := scanned(sheet.XLSX{Sheet: "Нет"}, memory(file), "", options()); err == nil || err.(*load.Fault).Code != sheet.NoSheet { //nolint:errorlint // it is to be a bare one
		t.Errorf("a sheet that is not there: %v", err)
	}
	p, err := sheet.XLSX{}.Preview(t.Context(), memory(file), options())
	want := load.Preview{Encoding: "utf-8", Rows: [][]string{{"2", "Петрова Инна", "+7 916 000-00-02"}}, Sheets: []string{"Взрослые", "Дети"}, Unread: []string{"Sheet1", "Коды", "Врачи", "Прайс"},
		Columns: []load.Column{{Header: "ID", Field: "id"}, {Header: "ФИО", Field: "name"}, {Header: "Телефон", Field: "phone"}, {Header: "Дата рождения", Field: "birth"}}}
	if err != nil || !reflect.DeepEqual(p, want) {
		t.Errorf("the preview is %+v, error %v, want %+v", p, err, want)
	}
}

func TestVisitsOfTheYearsSheetsAddUpAndASheetThatRepeatsThemDoesNot(t *testing.T) {
	heads := []any{"ID", "Дата визита", "Услуга", "Сумма"}
	first, second := []any{"5", "12.03.2025", "Анестезия", "600"}, []any{"5", "14.04.2026", "Чистка", "5400"}
	file := workbook(t, func(f *excelize.File) {
		sheets(t, f, "2026", "Все")
		put(t, f, "Sheet1", heads, first, first)
		put(t, f, "2026", heads, second)
		put(t, f, "Все", heads, first, second, first)
	})
	l := newLearner(t)
	l.takes(t, scan(t, sheet.XLSX{}, memory(file), "", options()))
	if got, want := l.brought(t, "5"), "3 of 6600 on 12.03 14.04"; got != want {
		t.Errorf("the visits are %s, want %s", got, want)
	}
	all := scan(t, sheet.XLSX{}, memory(file), "", options())
	for i, r := range all {
		if rest := scan(t, sheet.XLSX{}, memory(file), r.Place, options()); len(rest) != len(all)-i-1 || len(rest) > 0 && !reflect.DeepEqual(rest, all[i+1:]) {
			t.Errorf("after %q there is %+v, want %+v", r.Place, rest, all[i+1:])
		}
	}
}

func TestEachSheetIsReadByItsOwnHeadersAndDates(t *testing.T) {
	file := workbook(t, func(f *excelize.File) {
		sheets(t, f, "2")
		put(t, f, "Sheet1", []any{"ID", "Last visit", "Amount"}, []any{"1", "5/22/2025", "100"}, []any{"2", "5/6/2025", "100"})
		put(t, f, "2", []any{"Visit date", "Amount", "ID"}, []any{"22/5/2025", "100", "3"}, []any{"5/6/2025", "100", "4"})
	})
	var got []string
	for _, r := range scan(t, sheet.XLSX{}, memory(file), "", options()) {
		v := visits(r)[0]
		got = append(got, fmt.Sprint(r.Objects[0].Patient(), " on ", v.FinishedAt.Format("02.01"), " for ", v.Receipt.Minor/100))
	}
	if got, want := strings.Join(got, ", "), "1 on 22.05 for 0, 2 on 06.05 for 0, 3 on 22.05 for 100, 4 on 05.06 for 100"; got != want {
		t.Errorf("the visits are %s, want %s", got, want)
	}
	p, err := sheet.XLSX{}.Preview(t.Context(), memory(file), options())
	if want := []load.Column{{Header: "ID", Field: "id"}, {Header: "Last visit", Field: "visit.date"}, {Header: "Amount", Why: sheet.SumUnplaced}, {Header: "Visit date", Field: "visit.date"}}; err != nil || !reflect.DeepEqual(p.Columns, want) {
		t.Errorf("the columns are %+v, error %v, want %+v", p.Columns, err, want)
	}
}

func TestAPreviewHasTheDatesThatTheSheetShows(t *testing.T) {
	file := workbook(t, func(w *excelize.File) {
		put(t, w, "Sheet1", []any{"ID", "ФИО", "Дата рождения", "Последний визит", "Сумма"}, []any{7, "Петрова Анна", 31120, 46032.5, 45000}, []any{8, "Петров", "не помнит"})
	})
	p, err := sheet.XLSX{}.Preview(t.Context(), memory(file), options())
	want := [][]string{{"7", "Петрова Анна", "14.03.1985", "10.01.2026 12:00", "45000"}, {"8", "Петров", "не помнит"}}
	if err != nil || !reflect.DeepEqual(p.Rows, want) {
		t.Errorf("the rows are %q, error %v", p.Rows, err)
	}
}

// bomb is an archive whose part is long and says little.
func bomb(t testing.TB, name string, size int) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, part := range []string{"[Content_Types].xml", name} {
		to, err := w.Create(part)
		if err != nil {
			t.Fatal(err)
		}
		if part == name {
			zeros := make([]byte, 1<<20)
			for range size >> 20 {
				if _, err := to.Write(zeros); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// lying is an archive whose directory says that a part is short, or long.
func lying(t testing.TB, says uint64) []byte {
	t.Helper()
	content := []byte("<worksheet></worksheet>")
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	if _, err := w.Create("[Content_Types].xml"); err != nil {
		t.Fatal(err)
	}
	to, err := w.CreateRaw(&zip.FileHeader{Name: "xl/worksheets/sheet1.xml", Method: zip.Store, CRC32: crc32.ChecksumIEEE(content), CompressedSize64: uint64(len(content)), UncompressedSize64: says})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := to.Write(content); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestWorkbooksThatCannotBeReadAreRefusedWithTheirReason(t *testing.T) {
	good := workbook(t, func(f *excelize.File) {
		put(t, f, "Sheet1", []any{"ID", "ФИО"}, []any{1, "Петрова Анна"})
	})
	locked := workbook(t, func(f *excelize.File) { put(t, f, "Sheet1", []any{"ID"}) }, excelize.Options{Password: "secret"})
	part := func(name string, edit func([]byte) []byte) []byte {
		return rewritten(t, good, func(n string, content []byte) []byte {
			if n == name {
				return edit(content)
			}
			return content
		})
	}
	const sheet1 = "xl/worksheets/sheet1.xml"
	for name, c := range map[string]struct {
		file []byte
		code string
	}{
		"nothing":                      {nil, sheet.Empty},
		"a text":                       {[]byte("id;name\n1;Анна\n"), sheet.NotXLSX},
		"an archive of something else": {bomb(t, "word/document.xml", 0), sheet.Damaged},
		"a workbook of old":            {append([]byte("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"), "W\x00o\x00r\x00k\x00b\x00o\x00o\x00k\x00"...), sheet.OldExcel},
		"a binary workbook":            {bomb(t, "xl/workbook.bin", 0), sheet.OldExcel},
		"one with a password":          {locked, sheet.Locked},
		"half of one":                  {good[:len(good)/2], sheet.Damaged},
		"a bomb in a sheet":            {bomb(t, sheet1, 64<<20), sheet.TooBig},
		"a bomb in the styles":         {bomb(t, "xl/styles.xml", 64<<20), sheet.TooBig},
		"a bomb in any part":           {bomb(t, "x", 8<<20), sheet.TooBig},
		"a part longer than it says":   {lying(t, 5), sheet.Damaged},
		"a part of 4 GB, it says":      {lying(t, 4<<30), sheet.TooBig},
		"a cell without an end":        {part(sheet1, func(c []byte) []byte { return append(c, bytes.Repeat([]byte("x"), 300<<10)...) }), sheet.TooBig},
		"a row of cells without an end": {part(sheet1, func(c []byte) []byte {
			return bytes.Replace(c, []byte("</row>"), append(bytes.Repeat([]byte("<c/>"), 3000), "</row>"...), 1)
		}), sheet.TooBig},
		"a sheet that breaks off":   {part(sheet1, func(c []byte) []byte { return c[:len(c)-20] }), sheet.Damaged},
		"a sheet of nothing":        {workbook(t, func(*excelize.File) {}), sheet.Empty},
		"headers that do not help":  {workbook(t, func(f *excelize.File) { put(t, f, "Sheet1", []any{"Адрес"}, []any{"1"}) }), sheet.NoColumns},
		"a workbook without sheets": {part("xl/workbook.xml", func([]byte) []byte { return []byte("<workbook/>") }), sheet.Damaged},
		"a workbook that is no XML": {part("xl/workbook.xml", func([]byte) []byte { return []byte("<workbook") }), sheet.Damaged},
	} {
		t.Run(name, func(t *testing.T) {
			if f := whole(t, sheet.XLSX{}, c.file); f.Code != c.code {
				t.Errorf("%+v, want %s", f, c.code)
			}
		})
	}
}

func TestAChangedByteIsNoticed(t *testing.T) {
	file := workbook(t, func(f *excelize.File) {
		put(t, f, "Sheet1", []any{"ID", "ФИО"}, []any{1, "Петрова Анна"})
	})
	r, err := zip.NewReader(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range r.File {
		if part.Name != "xl/worksheets/sheet1.xml" {
			continue
		}
		at, err := part.DataOffset()
		if err != nil {
			t.Fatal(err)
		}
		file[at+int64(part.CompressedSize64)/2] ^= 0x10
	}
	if f := whole(t, sheet.XLSX{}, file); f.Code != sheet.Damaged {
		t.Errorf("%+v", f)
	}
}

func TestASheetWhoseXMLDoesNotGoOnIsReportedAsCutOff(t *testing.T) {
	file := workbook(t, func(f *excelize.File) {
		put(t, f, "Sheet1", []any{"ID", "ФИО"}, []any{1, "Анна"}, []any{2, "Пётр"}, []any{3, "Олег"}, []any{4, "Инна"})
	})
	file = rewritten(t, file, func(name string, content []byte) []byte {
		return bytes.Replace(content, []byte(`<row r="4"`), []byte("\x0b<row r=\"4\""), 1)
	})
	records := scan(t, sheet.XLSX{}, memory(file), "", options())
	last := records[len(records)-1]
	if len(records) != 3 || last.Fault == nil || last.Fault.Code != sheet.CutOff || last.Fault.Detail != "5" || last.Line != 4 {
		t.Fatalf("records %+v", records)
	}
	if rest := scan(t, sheet.XLSX{}, memory(file), last.Place, options()); len(rest) != 0 {
		t.Errorf("after it there is %+v", rest)
	}
}

func TestALongWorkbookGoesThroughTemporaryFilesAndLeavesNone(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	const lines = 40_000
	file := workbook(t, func(f *excelize.File) {
		w, err := f.NewStreamWriter("Sheet1")
		if err != nil {
			t.Fatal(err)
		}
		for i := range lines + 1 {
			cells := []any{i, fmt.Sprintf("Петрова Анна %x", i*7919), fmt.Sprintf("+7 916 %07d", i)}
			if i == 0 {
				cells = []any{"ID", "ФИО", "Телефон"}
			}
			if err := w.SetRow(fmt.Sprintf("A%d", i+1), cells); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
	})
	began := time.Now()
	records := scan(t, sheet.XLSX{}, memory(file), "", options())
	t.Logf("%d bytes, %.0f rows a second", len(file), lines/time.Since(began).Seconds())
	if len(records) != lines || records[lines-1].Line != lines+1 || records[lines-1].Read != int64(len(file)) || card(t, records[lines-1]).Number != fmt.Sprintf("+7 916 %07d", lines) {
		t.Errorf("%d records, the last %+v", len(records), records[len(records)-1])
	}
	rest := scan(t, sheet.XLSX{}, memory(file), records[lines-3].Place, options())
	if !reflect.DeepEqual(rest, records[lines-2:]) {
		t.Errorf("the rest is %+v", rest)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("%d temporary files are left, error %v", len(left), err)
	}
}

func TestReadingAWorkbookThatBreaksOffAnywhereGoesOnAsIfItHadNot(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		file := workbook(t, func(f *excelize.File) {
			rows := [][]any{{"ID", "ФИО", "Телефон", "Дата визита", "Сумма"}}
			cell := rapid.SampledFrom([]any{nil, nil, "", "1", 2, "Анна Петрова", 3.5, "12.03.2026", 46093, "31.02.2020", "+7 916 000-00-01", true, "𝔸", " "})
			for range rapid.IntRange(0, 12).Draw(r, "rows") {
				rows = append(rows, rapid.SliceOfN(cell, 0, 7).Draw(r, "cells"))
			}
			put(t, f, "Sheet1", rows...)
			if rapid.Bool().Draw(r, "again") {
				sheets(t, f, "2")
				put(t, f, "2", rows...)
			}
		})
		all, err := scanned(sheet.XLSX{}, memory(file), "", options())
		if err != nil {
			r.Fatal(err)
		}
		for i, record := range all {
			rest, err := scanned(sheet.XLSX{}, memory(file), record.Place, options())
			if err != nil || len(rest) != len(all)-i-1 || len(rest) > 0 && !reflect.DeepEqual(rest, all[i+1:]) {
				r.Fatalf("after %q, error %v: %+v, want %+v", record.Place, err, rest, all[i+1:])
			}
		}
	})
}

// around is the least workbook around a sheet, which is not packed.
func around(t testing.TB, part []byte) []byte {
	t.Helper()
	const types, links = "http://schemas.openxmlformats.org/package/2006/content-types", "http://schemas.openxmlformats.org/package/2006/relationships"
	const main, office = "http://schemas.openxmlformats.org/spreadsheetml/2006/main", "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, p := range []struct {
		name    string
		content []byte
	}{
		{"[Content_Types].xml", []byte(`<Types xmlns="` + types + `"><Default Extension="xml" ContentType="application/xml"/></Types>`)},
		{"_rels/.rels", []byte(`<Relationships xmlns="` + links + `"><Relationship Id="rId1" Type="` + office + `/officeDocument" Target="xl/workbook.xml"/></Relationships>`)},
		{"xl/workbook.xml", []byte(`<workbook xmlns="` + main + `" xmlns:r="` + office + `"><sheets><sheet name="Sheet1" sheetId="1" r:id="rId1"/></sheets></workbook>`)},
		{"xl/_rels/workbook.xml.rels", []byte(`<Relationships xmlns="` + links + `"><Relationship Id="rId1" Type="` + office + `/worksheet" Target="worksheets/sheet1.xml"/><Relationship Id="rId2" Type="` + office + `/sharedStrings" Target="sharedStrings.xml"/></Relationships>`)},
		{"xl/sharedStrings.xml", []byte(`<sst xmlns="` + main + `"><si><t>ID</t></si><si><t>ФИО</t></si><si><r><t>Петрова </t></r><r><t>Анна</t></r></si></sst>`)},
		{"xl/worksheets/sheet1.xml", part},
	} {
		to, err := w.CreateHeader(&zip.FileHeader{Name: p.name, Method: zip.Store})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := to.Write(p.content); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestAWorkbookOfNoMoreThanItMustHaveIsRead(t *testing.T) {
	for _, sheetXML := range []string{
		`<worksheet><sheetData><row r="2"><c r="B2" t="s"><v>0</v></c><c r="C2" t="s"><v>1</v></c></row><row r="4"><c r="B4"><v>7</v></c><c r="C4" t="s"><v>2</v></c></row></sheetData></worksheet>`,
		`<x:worksheet xmlns:x="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><x:sheetData><x:row><x:c t="s"><x:v>0</x:v></x:c><x:c t="s"><x:v>1</x:v></x:c></x:row><x:row/><x:row/><x:row><x:c><x:v>7</x:v></x:c><x:c t="s"><x:v>2</x:v></x:c></x:row></x:sheetData></x:worksheet>`,
	} {
		records := scan(t, sheet.XLSX{}, memory(around(t, []byte(sheetXML))), "", options())
		if len(records) != 1 || records[0].Line != 4 || records[0].Objects[0].Patient() != "7" || card(t, records[0]).GivenName != "Анна" {
			t.Errorf("%s\ncame to %+v", sheetXML, records)
		}
	}
}

// FuzzXLSX reads a file as it is, or where there are bytes of a sheet a workbook around these.
func FuzzXLSX(f *testing.F) {
	book := workbook(f, func(w *excelize.File) {
		put(f, w, "Sheet1", []any{"ID", "ФИО", "Дата рождения"}, []any{1, "Петрова Анна"}, nil, []any{"x", true, 45000})
	})
	f.Add(book, []byte(nil))
	f.Add(lying(f, 5), []byte(nil))
	f.Add([]byte("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"), []byte(nil))
	for _, rows := range []string{
		`<row r="1"><c r="A1" t="inlineStr"><is><t>ID</t></is></c><c r="B1" t="s"><v>1</v></c></row><row r="9"><c r="A9"><v>1e3</v></c><c t="d"><v>2020-01-02</v></c></row>`,
		`<row><c t="s"><v>0</v></c><c t="s"><v>1</v></c></row><row><c/><c t="b"><v>1</v></c></row><row r="1"><c r="B1" t="str"><f>A1</f><v>7</v></c></row>`,
		`<row r="2"><c r="XFD2" t="s"><v>-1</v></c><c r="?"><v>&#x41;</v></c></row>`,
	} {
		f.Add([]byte(nil), []byte(`<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>`+rows+`</sheetData></worksheet>`))
	}
	f.Fuzz(func(t *testing.T, file, part []byte) {
		if len(file) > 1<<20 || len(part) > 1<<20 {
			return // no better than a short one
		}
		if len(part) > 0 {
			file = around(t, part)
		}
		hold(t, sheet.XLSX{}, file)
	})
}
