package staff

import (
	"context"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/load"
)

func TestAnImportPromisesSilenceNoFurtherThanTheClinicsScenariosKeepIt(t *testing.T) {
	const promise = "Сообщения пойдут, только когда вы включите сценарии"
	for name, c := range map[string]struct {
		on, paused bool
		says       string
	}{
		"none is on":                      {false, false, promise},
		"none is on and all is paused":    {false, true, promise},
		"one is on":                       {true, false, "с завтрашнего утра они смогут писать и этим пациентам. <a href=\"/desk/demo/pause\">Пауза</a>"},
		"one is on, and a pause holds it": {true, true, "Когда её снимут, включённые сценарии смогут писать и этим пациентам. <a href=\"/desk/demo/pause\">Пауза</a>"},
	} {
		i := newImporting(t)
		i.stage.Settings(func(cl *dental.Clinic) {
			cl.Scenarios, cl.Paused = map[string]dental.ScenarioSettings{"recall": {On: c.on}}, c.paused
		})
		at := i.sends("press-1", "base.csv", base).Header().Get("Location")
		for _, path := range []string{"/desk/demo/imports", at} {
			page := i.gets(path)
			if !strings.Contains(page, c.says) || strings.Contains(page, promise) != !c.on {
				t.Errorf("%s: %s does not say %q", name, path, c.says)
			}
		}
	}
}

// form is the form of an import's page, as a browser would send it.
func (i *importing) form(at string) url.Values {
	i.t.Helper()
	imp, err := i.loader.Import(i.t.Context(), "demo", strings.TrimPrefix(at, "/desk/demo/imports/"))
	if err != nil {
		i.t.Fatal(err)
	}
	cl, err := i.stage.Store.Begin().Clinic(i.t.Context(), "demo")
	if err != nil {
		i.t.Fatal(err)
	}
	seen, _, _, err := i.loader.Preview(i.t.Context(), cl, imp)
	if err != nil {
		i.t.Fatal(err)
	}
	form := url.Values{}
	for n, c := range seen.Columns {
		key := string(rune('0' + n))
		form.Set("header."+key, c.Header)
		form.Set("field."+key, c.Field)
	}
	return form
}

func TestAnImportBeginsWithTheColumnsAsTheyStandInTheForm(t *testing.T) {
	i := newImporting(t)
	at := i.sends("press-1", "base.csv", "Карта;ФИО;Телефон;Последнее\nP-7;Клёнова Анна;+79160000007;10.01.2026\n").Header().Get("Location")
	if page := i.gets(at); strings.Count(page, "<form method=\"post\" action=\""+at) != 1 {
		t.Error("the start is in another form than the columns")
	}
	form := i.form(at)
	form.Set("field.3", "visit.date")
	form.Set("do", "start")
	_ = i.sendsForm(at, form)
	i.works()
	if names := i.seenIn("2026-01"); !slices.Equal(names, []string{"Анна"}) {
		t.Errorf("what was chosen before the start is not read: in January were %q", names)
	}
	if acts := i.acts(); !slices.Equal(acts, []string{"import.columns", "import.file", "import.start"}) {
		t.Errorf("the log has %q", acts)
	}
}

func TestATableThatSaysNobodyCannotBeBegunUntilItsColumnsDo(t *testing.T) {
	i := newImporting(t)
	at := i.sends("press-1", "base.csv", "Кто;Когда\nКлёнова Анна;10.01.2026\n").Header().Get("Location")
	page := i.gets(at)
	for _, wanted := range []string{"Непонятно, о ком строки", `role="alert"`, `value="columns"`, `value="discard"`} {
		if !strings.Contains(page, wanted) {
			t.Errorf("the page has no %q", wanted)
		}
	}
	if strings.Contains(page, `value="start"`) {
		t.Error("what cannot be imported can be begun")
	}
	form := i.form(at)
	form.Set("do", "start")
	if page := i.follows(i.sendsForm(at, form), dental.Manager).Body.String(); !strings.Contains(page, "Непонятно, о ком строки") || strings.Contains(page, "Загрузка началась") {
		t.Error("it is begun all the same")
	}
	form.Set("field.0", "id")
	_ = i.sendsForm(at, form)
	if page := i.gets(at); !strings.Contains(page, "<progress") {
		t.Error("with a column that says who, it is not begun")
	}
}

func TestAWrongFileIsDeletedByAPressAndTheListSaysSo(t *testing.T) {
	i := newImporting(t)
	at := i.sends("press-1", "base.csv", base).Header().Get("Location")
	w := i.sendsForm(at, url.Values{"do": {"discard"}})
	if page := i.follows(w, dental.Manager).Body.String(); !strings.HasPrefix(w.Header().Get("Location"), "/desk/demo/imports?") || !strings.Contains(page, "из него ничего не загружено") || !strings.Contains(page, "файл удалён</span>") {
		t.Errorf("after it %q says %.400s", w.Header().Get("Location"), page)
	}
	if page := i.gets(at); strings.Contains(page, `value="start"`) || strings.Contains(page, "Что дальше") || strings.Contains(page, "Что получилось") || strings.Contains(page, `role="alert"`) {
		t.Error("its page offers what there is not any more")
	}
	_ = i.sendsForm(at, url.Values{"do": {"start"}})
	i.works()
	if names := i.seenIn("2026-01"); len(names) != 0 {
		t.Errorf("%q have come in of a file that is deleted", names)
	}
	if acts := i.acts(); !slices.Equal(acts, []string{"import.discard", "import.file"}) {
		t.Errorf("the log has %q", acts)
	}
}

// undeleting are files of which none can be deleted.
type undeleting struct{ load.Files }

func (undeleting) Delete(context.Context, string) error {
	return &dental.Error{Kind: dental.Unavailable, Message: "the files cannot be reached just now"}
}

func TestAFileThatCannotBeDeletedIsNotSaidToBe(t *testing.T) {
	i := newImporting(t)
	at := i.sends("press-1", "base.csv", base).Header().Get("Location")
	i.loader.Files = undeleting{i.files}
	w := i.sendsForm(at, url.Values{"do": {"discard"}})
	if page := i.follows(w, dental.Manager).Body.String(); !strings.HasPrefix(w.Header().Get("Location"), at+"?") || !strings.Contains(page, "Файл не удалён") || !strings.Contains(page, `value="discard"`) {
		t.Errorf("after it %q says %.400s", w.Header().Get("Location"), page)
	}
	if acts := i.acts(); !slices.Equal(acts, []string{"import.file"}) {
		t.Errorf("the log has %q", acts)
	}
	i.loader.Files = i.files
	if page := i.follows(i.sendsForm(at, url.Values{"do": {"discard"}}), dental.Manager).Body.String(); !strings.Contains(page, "из него ничего не загружено") {
		t.Errorf("pressed again it says %.400s", page)
	}
}

func TestAFileThatWasLeftIsSaidToBeDeletedAndNotNeverToHaveCome(t *testing.T) {
	i := newImporting(t)
	at := i.sends("press-1", "base.csv", base).Header().Get("Location")
	i.stage.Set(i.stage.Now().Add(25 * time.Hour))
	if err := i.loader.Handle(t.Context(), `{"Job":{"Clinic":"demo","ID":"import.`+strings.TrimPrefix(at, "/desk/demo/imports/")+`"}}`); err != nil {
		t.Fatal(err)
	}
	page := i.gets(at)
	if !strings.Contains(page, "Загрузку не начали вовремя, файл удалён.") || strings.Contains(page, "Скачать отчёт") || strings.Contains(page, "Что дальше") {
		t.Errorf("its page says %s", page)
	}
}

func TestLinesThatAreInWithoutAPartOfThemAreCounted(t *testing.T) {
	i := newImporting(t)
	at := i.sends("press-1", "base.csv", "Карта;ФИО;Телефон;Дата рождения\nP-7;Клёнова Анна;+79160000007;31.02.1985\nP-8;Клёнов Олег;+79160000008;01.02.1980\n").Header().Get("Location")
	_ = i.sendsForm(at, url.Values{"do": {"start"}})
	i.works()
	page := i.gets(at)
	for _, wanted := range []string{`С замечаниями</p><p class="figure">1<`, `Не принято</p><p class="figure">0<`, "Строки с замечаниями загружены", "каждое замечание", "Скачать отчёт"} {
		if !strings.Contains(page, wanted) {
			t.Errorf("the page has no %q", wanted)
		}
	}
	if list := i.gets("/desk/demo/imports"); !strings.Contains(list, "С замечаниями: 1.") {
		t.Error("the list says nothing of remarks")
	}
}

func TestAnEmptyFileIsNotTakenForNone(t *testing.T) {
	i := newImporting(t)
	if page := i.follows(i.sends("press-1", "base.csv", ""), dental.Manager).Body.String(); !strings.Contains(page, "В файле ничего нет. Выберите другой файл.") {
		t.Errorf("of an empty file it says %.400s", page)
	}
	if page := i.follows(i.sends("press-2", "", ""), dental.Manager).Body.String(); !strings.Contains(page, "Выберите файл.") {
		t.Errorf("without a file it says %.400s", page)
	}
}

func TestEveryFieldStandsInOneGroupOfTheChoice(t *testing.T) {
	i := newImporting(t)
	at := i.sends("press-1", "base.csv", base).Header().Get("Location")
	page := i.gets(at)
	first, _, _ := strings.Cut(page[strings.Index(page, "<select"):], "</select>")
	of := map[string]string{}
	for _, group := range strings.Split(first, "<optgroup label=\"")[1:] {
		label, options, _ := strings.Cut(group, `"`)
		for _, o := range strings.Split(options, "<option value=\"")[1:] {
			field, _, _ := strings.Cut(o, `"`)
			if was := of[field]; was != "" {
				t.Errorf("%s is of %s and of %s", field, was, label)
			}
			of[field] = label
		}
	}
	for field, want := range map[string]string{"phone": "Пациент", "doctor.own": "Пациент", "doctor": "Визит", "service.kind": "Визит", "return": "Визит", "next.date": "Запись", "consent.care.sms": "Согласие", "plan": "План лечения", "plan.done": "План лечения"} {
		if of[field] != want {
			t.Errorf("%s is of %q, want %q", field, of[field], want)
		}
	}
	imp, err := i.loader.Import(t.Context(), "demo", strings.TrimPrefix(at, "/desk/demo/imports/"))
	if err != nil {
		t.Fatal(err)
	}
	_, fields, _, err := i.loader.Preview(t.Context(), &i.stage.Clinic, imp)
	slices.Sort(fields)
	if known := slices.Sorted(maps.Keys(of)); err != nil || !slices.Equal(known, fields) {
		t.Errorf("the choice has\n%q, the reader\n%q (%v)", known, fields, err)
	}
}

func TestOnlyAManagerDeletesAFile(t *testing.T) {
	i := newImporting(t)
	at := i.sends("press-1", "base.csv", base).Header().Get("Location")
	if w, _ := i.ask(http.MethodPost, at, person(dental.Administrator), func(r *http.Request) { r.PostForm = url.Values{"do": {"discard"}} }); w.Code != http.StatusForbidden {
		t.Errorf("an administrator is answered %d", w.Code)
	}
}
