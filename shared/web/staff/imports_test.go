package staff

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"

	"github.com/returnpoint/returnpoint/shared/blob/dir"
	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/load"
	"github.com/returnpoint/returnpoint/shared/mis/generic"
	"github.com/returnpoint/returnpoint/shared/mis/sheet"
	"github.com/returnpoint/returnpoint/shared/stagetest"
)

// orders keeps what a loader asks its queue for.
type orders struct{ bodies []string }

func (o *orders) Enqueue(_ context.Context, bodies ...string) error {
	o.bodies = append(o.bodies, bodies...)
	return nil
}

// importing is a house with a place for files.
type importing struct {
	*house
	loader *load.Loader
	orders *orders
	files  *dir.Dir
}

func newImporting(t *testing.T) *importing {
	t.Helper()
	h := newHouse(t)
	files, err := dir.Open(t.TempDir(), dir.Options{Base: "https://files.example", Key: bytes.Repeat([]byte("k"), 32), Now: h.stage.Now, Disk: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = files.Close() })
	o := &orders{}
	loader := &load.Loader{Store: h.stage.Store, Files: files, Formats: map[string]load.Format{load.CSV: sheet.CSV{}, load.XLSX: sheet.XLSX{}, load.JSONLines: generic.Lines{}},
		Learn: h.stage.Intake.Learn, Phones: stagetest.Phones, Queue: o, Clock: h.stage.Now, Rand: rand.Reader, Log: slog.New(slog.DiscardHandler)}
	h.pages.Imports, h.pages.Uploads = loader, "https://files.example"
	return &importing{h, loader, o, files}
}

// sends sends a file by the page's own form.
func (i *importing) sends(id, name, file string, system ...string) *httptest.ResponseRecorder {
	i.t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	if err := form.WriteField("id", id); err != nil {
		i.t.Fatal(err)
	}
	for _, s := range system {
		if err := form.WriteField("system", s); err != nil {
			i.t.Fatal(err)
		}
	}
	part, err := form.CreateFormFile("file", name)
	if err == nil {
		_, err = part.Write([]byte(file))
	}
	if err != nil || form.Close() != nil {
		i.t.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodPost, "/desk/demo/imports", &body)
	r.Header.Set("Content-Type", form.FormDataContentType())
	r.Header.Set(who, person(dental.Manager))
	w := httptest.NewRecorder()
	i.mux.ServeHTTP(w, r)
	return w
}

// posts sends a form as a manager.
func (h *house) sendsForm(path string, form url.Values) *httptest.ResponseRecorder {
	h.t.Helper()
	w, _ := h.ask(http.MethodPost, path, person(dental.Manager), func(r *http.Request) { r.Body = io.NopCloser(strings.NewReader(form.Encode())) })
	return w
}

func (h *house) gets(path string) string {
	h.t.Helper()
	w, _ := h.ask(http.MethodGet, path, person(dental.Manager))
	if w.Code != http.StatusOK {
		h.t.Fatalf("%s is answered %d: %.300s", path, w.Code, w.Body)
	}
	return w.Body.String()
}

// acts are the actions of the log, those of one instant by their names.
func (h *house) acts() (out []string) {
	h.t.Helper()
	entries, _, err := h.stage.Store.Log(h.t.Context(), "demo", h.stage.Now().UTC().Format("2006-01"), 100, "")
	if err != nil {
		h.t.Fatal(err)
	}
	for _, e := range entries {
		out = append(out, e.Action)
	}
	slices.Sort(out)
	return out
}

// seenIn are the given names of those whose last visit was in a month.
func (h *house) seenIn(month string) (names []string) {
	h.t.Helper()
	ids, _, err := h.stage.Store.PatientsOf(h.t.Context(), "demo", month, 100, "")
	if err != nil {
		h.t.Fatal(err)
	}
	for _, id := range ids {
		names = append(names, h.stage.Card(id).Patient.GivenName)
	}
	slices.Sort(names)
	return names
}

// works lets the import go on as the queue does.
func (i *importing) works() {
	i.t.Helper()
	for _, body := range i.orders.bodies {
		if err := i.loader.Handle(i.t.Context(), body); err != nil {
			i.t.Fatal(err)
		}
	}
	i.orders.bodies = nil
}

const base = "Карта;ФИО;Моб. тел. для связи;Дата рождения;Последний визит\nP-7;Клёнова Анна;+79160000007;14.03.1985;10.01.2026\n;;;;\nP-8;Клёнов Олег;нет;31.02.1980;11.01.2026\n"

func TestAFileIsLookedAtBeforeItIsImportedAndThenAllOfItIsThere(t *testing.T) {
	i := newImporting(t)
	w := i.sends("press-1", "база <2026>.csv", base)
	at := w.Header().Get("Location")
	if w.Code != http.StatusSeeOther || !strings.HasPrefix(at, "/desk/demo/imports/") {
		t.Fatalf("answered %d %q: %.300s", w.Code, at, w.Body)
	}
	page := i.gets(at)
	for _, wanted := range []string{"база &lt;2026&gt;.csv", "Клёнова Анна", `<option value="birth" selected>`, `value="start"`, "никому ничего не отправляет"} {
		if !strings.Contains(page, wanted) {
			t.Errorf("the page has no %q", wanted)
		}
	}
	if names := i.seenIn("2026-01"); len(names) != 0 {
		t.Fatalf("%q have come in before anybody pressed", names)
	}
	if w := i.sendsForm(at, url.Values{"do": {"start"}}); w.Code != http.StatusSeeOther {
		t.Fatalf("the press is answered %d: %.300s", w.Code, w.Body)
	}
	if page := i.gets(at); !strings.Contains(page, "<progress") {
		t.Error("nothing says that it is under way")
	}
	i.works()
	page = i.gets(at)
	if names := i.seenIn("2026-01"); !slices.Equal(names, []string{"Анна", "Олег"}) {
		t.Errorf("of those who were here in January are known %q", names)
	}
	for _, wanted := range []string{`href="/desk/demo/audit"`, `href="/desk/demo/twins"`, `href="https://files.example/_files/`, "Что получилось"} {
		if !strings.Contains(page, wanted) {
			t.Errorf("the page of what came of it has no %q", wanted)
		}
	}
	if n := len(i.stage.Sent()); n != 0 {
		t.Errorf("the import has sent %d messages", n)
	}
	if acts := i.acts(); !slices.Equal(acts, []string{"import.file", "import.start"}) {
		t.Errorf("the log has %q", acts)
	}
	if again := i.sends("press-1", "база <2026>.csv", base); again.Header().Get("Location") != at {
		t.Errorf("the same press again leads to %q", again.Header().Get("Location"))
	}
}

func TestATableWithoutNumbersSaysWhatPatientsAreKnownBy(t *testing.T) {
	const birth, phone = "пациента узнаём по ФИО и дате рождения", "пациента узнаём по телефону и имени"
	for file, want := range map[string]string{
		"ФИО;Телефон;Дата рождения\nКлёнова Анна;+79160000007;14.03.1985\n":         birth,
		"Фамилия;Имя;Телефон;Дата рождения\nКлёнова;Анна;+79160000007;14.03.1985\n": birth,
		"Фамилия;Телефон;Дата рождения\nКлёнова;+79160000007;14.03.1985\n":          phone,
		"ФИО;Телефон\nКлёнова Анна;+79160000007\n":                                  phone,
		"Код пациента;ФИО;Дата рождения\n7;Клёнова Анна;14.03.1985\n":               "",
		"Кто;Когда\nКлёнова Анна;14.03.1985\n":                                      "",
		base: "",
	} {
		i := newImporting(t)
		page := i.gets(i.sends("press-1", "base.csv", file).Header().Get("Location"))
		for _, says := range []string{birth, phone} {
			if strings.Contains(page, says) != (says == want) {
				t.Errorf("of %.30q the page says %q: %v", file, says, says != want)
			}
		}
	}
}

func TestOfTwoPhonesTheMobileComesIn(t *testing.T) {
	i := newImporting(t)
	at := i.sends("press-1", "base.csv", "Карта;ФИО;Телефон;Мобильный телефон\nP-7;Клёнова Анна;8 (495) 123-45-67;+79161234567\n").Header().Get("Location")
	if w := i.sendsForm(at, url.Values{"do": {"start"}}); w.Code != http.StatusSeeOther {
		t.Fatalf("the press is answered %d: %.300s", w.Code, w.Body)
	}
	i.works()
	if p := i.stage.Card("P-7").Patient; p.Phone != "+79161234567" {
		t.Errorf("the phone is %q", string(p.Phone))
	}
}

func TestThePageNamesTheSheetsAndWhyAColumnIsLeftOut(t *testing.T) {
	f := excelize.NewFile()
	for name, rows := range map[string][2][]any{
		"Sheet1": {{"ID", "ФИО", "Последний визит", "Выручка"}, {7, "Клёнова Анна", "10.01.2026", 90000}},
		"Дети":   {{"ID", "ФИО"}, {8, "Клёнов Олег"}},
		"Прайс":  {{"Услуга", "Цена"}, {"Чистка", 5400}},
	} {
		if _, err := f.NewSheet(name); err != nil {
			t.Fatal(err)
		}
		for n, cells := range rows {
			if err := f.SetSheetRow(name, fmt.Sprint("A", n+1), &cells); err != nil {
				t.Fatal(err)
			}
		}
	}
	var file bytes.Buffer
	if err := f.Write(&file); err != nil {
		t.Fatal(err)
	}
	i := newImporting(t)
	page := i.gets(i.sends("press-1", "base.xlsx", file.String()).Header().Get("Location"))
	for _, says := range []string{"читаются все эти: Sheet1 и Дети.", "Не читаются листы: Прайс.", "возможно, за все."} {
		if !strings.Contains(page, says) {
			t.Errorf("the page does not say %q", says)
		}
	}
	page = i.gets(i.sends("press-2", "base.csv", base).Header().Get("Location"))
	for _, says := range []string{"лист", "возможно, за все"} {
		if strings.Contains(page, says) {
			t.Errorf("of a file of one table the page says %q", says)
		}
	}
}

func TestAColumnIsReadAsStaffSayFromThenOn(t *testing.T) {
	i := newImporting(t)
	at := i.sends("press-1", "base.csv", base).Header().Get("Location")
	imp, err := i.loader.Import(t.Context(), "demo", strings.TrimPrefix(at, "/desk/demo/imports/"))
	if err != nil {
		t.Fatal(err)
	}
	seen, _, _, err := i.loader.Preview(t.Context(), &i.stage.Clinic, imp)
	if err != nil {
		t.Fatal(err)
	}
	form := url.Values{"do": {"columns"}}
	for n, c := range seen.Columns {
		key := string(rune('0' + n))
		form.Set("header."+key, c.Header)
		form.Set("field."+key, c.Field)
	}
	form.Set("field.4", "visit.first") // they know better
	form.Set("field.3", "")            // no birth dates, please
	_ = i.sendsForm(at, form)
	cl, err := i.stage.Store.Begin().Clinic(t.Context(), "demo")
	if err != nil || len(cl.Columns) != 2 || cl.Columns["последний визит"] != "visit.first" || cl.Columns["дата рождения"] != "-" {
		t.Fatalf("the clinic's columns are %v %v", cl.Columns, err)
	}
	if page := i.gets(at); strings.Contains(page, `<option value="birth" selected>`) || !strings.Contains(page, `<option value="visit.first" selected>`) {
		t.Error("the page shows the columns as they were")
	}
	if acts := i.acts(); !slices.Equal(acts, []string{"import.columns", "import.file"}) {
		t.Errorf("the log has %q", acts)
	}
	form.Set("field.1", "family")
	_ = i.sendsForm(at, form)
	if cl, _ = i.stage.Store.Begin().Clinic(t.Context(), "demo"); len(cl.Columns) != 3 || cl.Columns["дата рождения"] != "-" {
		t.Errorf("what was said before is forgotten: %v", cl.Columns)
	}
	form.Set("field.4", "nonsense")
	if w := i.follows(i.sendsForm(at, form), dental.Manager); !strings.Contains(w.Body.String(), "нельзя прочитать так") {
		t.Errorf("a field that there is not is taken: %.400s", w.Body)
	}
	if cl, _ = i.stage.Store.Begin().Clinic(t.Context(), "demo"); len(cl.Columns) != 3 {
		t.Errorf("the clinic's columns are %v", cl.Columns)
	}
}

func TestWhatCannotBeReadIsSaidInWords(t *testing.T) {
	i := newImporting(t)
	for name, c := range map[string]struct{ name, file, says string }{
		"no file":   {"", "", "Выберите файл"},
		"nothing":   {"base.csv", "", "В файле ничего нет"},
		"a format":  {"base.pdf", "%PDF", "Такой файл прочитать нельзя"},
		"a picture": {"base.csv", "\x89PNG\x00\x01\x02", "не таблица CSV"},
	} {
		w := i.sends("press-"+strings.ReplaceAll(name, " ", "-"), c.name, c.file)
		if page := i.follows(w, dental.Manager).Body.String(); !strings.Contains(page, c.says) {
			t.Errorf("%s: the page does not say %q: %s", name, c.says, page)
		}
	}
	w := i.sends("press-large", "base.csv", strings.Repeat("x", mostUpload+maxBody+1))
	if w.Code != http.StatusRequestEntityTooLarge {
		t.Errorf("a file that is too large is answered %d", w.Code)
	}
	first := i.sends("press-same", "base.csv", base)
	if w := i.follows(i.sends("press-same", "base.csv", base+"P-9;Кто-то;;;\n"), dental.Manager); !strings.Contains(w.Body.String(), `role="alert"`) || first.Code != http.StatusSeeOther {
		t.Errorf("another file under one press: %.300s", w.Body)
	}
}

func TestALargeFileGoesToAURLOfItsOwnAndWaitsToBeLookedAt(t *testing.T) {
	i := newImporting(t)
	if csp := func() string {
		w, _ := i.ask(http.MethodGet, "/desk/demo/imports", person(dental.Manager))
		return w.Header().Get("Content-Security-Policy")
	}(); !strings.Contains(csp, "connect-src 'self' https://files.example;") {
		t.Errorf("the page's script may send to: %s", csp)
	}
	w := i.sendsForm("/desk/demo/imports/upload", url.Values{"id": {"press-1"}, "name": {"base.csv"}, "size": {"9000000"}, "head": {"Карта;ФИО"}})
	var answer awaited
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || w.Code != http.StatusOK || answer.Type != load.CSV {
		t.Fatalf("%d %s %v", w.Code, w.Body, err)
	}
	if page := i.gets(answer.Page); !strings.Contains(page, "ещё не пришёл") || strings.Contains(page, `value="start"`) {
		t.Error("an import without its file can be begun")
	}
	put := httptest.NewRequest(http.MethodPut, strings.TrimPrefix(answer.Upload, "https://files.example"), strings.NewReader(base))
	put.Header.Set("Content-Type", answer.Type)
	got := httptest.NewRecorder()
	i.files.Handler().ServeHTTP(got, put)
	if got.Code >= 300 {
		t.Fatalf("the upload is answered %d", got.Code)
	}
	if page := i.gets(answer.Page); !strings.Contains(page, "Клёнова Анна") || !strings.Contains(page, `value="start"`) {
		t.Error("the file has come and cannot be looked at")
	}
	for name, form := range map[string]url.Values{"no name": {"id": {"p"}}, "a format": {"id": {"p"}, "name": {"a.pdf"}}, "no id": {"name": {"a.csv"}}} {
		if w := i.sendsForm("/desk/demo/imports/upload", form); w.Code != http.StatusBadRequest && w.Code != http.StatusUnprocessableEntity {
			t.Errorf("%s is answered %d", name, w.Code)
		}
	}
}

func TestATableMayBeAnExportOfASystemThatTheClinicHasAnAccountWith(t *testing.T) {
	i := newImporting(t)
	if page := i.gets("/desk/demo/imports"); strings.Contains(page, `name="system"`) {
		t.Error("a clinic without a system is asked which of them a file is from")
	}
	tx := i.stage.Store.Begin()
	cl, err := tx.Clinic(t.Context(), "demo")
	if err != nil {
		t.Fatal(err)
	}
	cl.Accounts = map[string]dental.Account{dental.SQNS: {}, dental.YClients: {}, "smsgate": {}}
	if tx.Put(*cl); tx.Commit(t.Context()) != nil {
		t.Fatal("the accounts are not kept")
	}
	page := i.gets("/desk/demo/imports")
	for _, wanted := range []string{`<label for="system">Откуда файл</label>`, `<option value="">другая программа</option><option value="yclients">YCLIENTS, Altegio</option><option value="sqns">1Denta (SQNS)</option></select>`} {
		if !strings.Contains(page, wanted) {
			t.Errorf("the page has no %q", wanted)
		}
	}
	const clients = "ID клиента;ФИО;Телефон\n5;Клёнова Анна;+79160000007\n"
	w := i.sends("press-1", "клиенты.csv", clients, "yclients")
	at := w.Header().Get("Location")
	if w.Code != http.StatusSeeOther || !strings.HasPrefix(at, "/desk/demo/imports/") {
		t.Fatalf("answered %d %q: %.300s", w.Code, at, w.Body)
	}
	for _, path := range []string{at, "/desk/demo/imports"} {
		if page := i.gets(path); !strings.Contains(page, "<span>из YCLIENTS, Altegio</span>") {
			t.Errorf("%s does not say whose export the file is", path)
		}
	}
	i.sendsForm(at, url.Values{"do": {"start"}})
	i.works()
	if name := i.stage.Card("yc.5").Patient.GivenName; name != "Анна" || i.stage.Card("5").Known() {
		t.Errorf("YCLIENTS' client 5 is %q, and the patient 5 of no system is known: %v", name, i.stage.Card("5").Known())
	}
	if w := i.sends("press-1", "клиенты.csv", clients, "sqns"); !strings.HasPrefix(w.Header().Get("Location"), "/desk/demo/imports?") {
		t.Errorf("one press is two exports: %q", w.Header().Get("Location"))
	}
	i.sends("press-2", "события.jsonl", "{}", "yclients")
	if page := i.gets("/desk/demo/imports"); strings.Contains(page, "события.jsonl") {
		t.Error("events are taken for the export of a system")
	}
	w = i.sendsForm("/desk/demo/imports/upload", url.Values{"id": {"press-3"}, "name": {"big.csv"}, "size": {"9000000"}, "head": {"ID;ФИО"}, "system": {"sqns"}})
	var answer awaited
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || w.Code != http.StatusOK {
		t.Fatalf("%d %s %v", w.Code, w.Body, err)
	}
	if page := i.gets(answer.Page); !strings.Contains(page, "<span>из 1Denta (SQNS)</span>") {
		t.Error("of a large file nobody knows whose export it is")
	}
	if w := i.sendsForm("/desk/demo/imports/upload", url.Values{"id": {"press-4"}, "name": {"big.csv"}, "size": {"9000000"}, "head": {"ID;ФИО"}, "system": {"dentas"}}); w.Code < 400 {
		t.Errorf("a system that nobody knows is answered %d", w.Code)
	}
}

func TestWhereThereIsNoPlaceForFilesThePageSaysSo(t *testing.T) {
	h := newHouse(t)
	if page := h.gets("/desk/demo/imports"); !strings.Contains(page, "негде") || strings.Contains(page, `type="file"`) {
		t.Error("a file can be chosen that goes nowhere")
	}
}
