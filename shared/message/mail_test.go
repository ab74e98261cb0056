package message

import (
	"slices"
	"strings"
	"testing"

	"github.com/andybalholm/cascadia"
	"golang.org/x/net/html"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/locale"
)

func letter() Letter {
	return Letter{
		Locale:      locale.Russian,
		Clinic:      "Улыбка",
		Address:     "Москва, Примерная улица, 1",
		Phone:       "+7 495 000-00-00",
		Preheader:   "Осмотр занимает 30 минут",
		Heading:     "Вас ждёт доктор Ирина",
		Paragraphs:  []string{"Прошло полгода.", "Осмотр занимает 30 минут."},
		Button:      Button{Text: "Выбрать время", URL: "https://x.example/o/AbCdEfGhIjKlMnOp"},
		Unsubscribe: "https://x.example/u/QrStUvWxYz012345",
		Warning:     "Имеются противопоказания, нужна консультация специалиста.",
	}
}

// document parses the HTML as mail software does.
func document(t *testing.T, source string) *html.Node {
	t.Helper()
	doc, err := html.Parse(strings.NewReader(source))
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

func find(t *testing.T, doc *html.Node, selector string) []*html.Node {
	t.Helper()
	compiled, err := cascadia.ParseGroup(selector)
	if err != nil {
		t.Fatal(err)
	}
	return cascadia.QueryAll(doc, compiled)
}

func textOf(n *html.Node) string {
	if n.Type == html.TextNode {
		return n.Data
	}
	var b strings.Builder
	for c := range n.ChildNodes() {
		b.WriteString(textOf(c))
	}
	return b.String()
}

func attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func mail(t *testing.T, l Letter) (doc *html.Node, text string) {
	t.Helper()
	source, text, err := Mail(l)
	if err != nil {
		t.Fatal(err)
	}
	return document(t, source), text
}

func TestALetterSaysEverythingOnceInBothParts(t *testing.T) {
	doc, text := mail(t, letter())
	want := strings.Join([]string{
		"Вас ждёт доктор Ирина", "",
		"Прошло полгода.", "",
		"Осмотр занимает 30 минут.", "",
		"Выбрать время:", "https://x.example/o/AbCdEfGhIjKlMnOp", "",
		"Имеются противопоказания, нужна консультация специалиста.", "",
		"Улыбка", "Москва, Примерная улица, 1", "+7 495 000-00-00", "",
		"Вы получили это письмо, потому что лечитесь у нас: «Улыбка».",
		"Отказаться от таких писем:", "https://x.example/u/QrStUvWxYz012345", "",
	}, "\n")
	if text != want {
		t.Errorf("the plain part is\n%s\nwant\n%s", text, want)
	}
	body := textOf(find(t, doc, "body")[0])
	for line := range strings.Lines(want) {
		line = strings.TrimSuffix(strings.TrimSpace(line), ":")
		if line != "" && !strings.HasPrefix(line, "https://") && !strings.Contains(body, line) {
			t.Errorf("the HTML part does not say %q", line)
		}
	}
}

func TestALetterIsAccessible(t *testing.T) {
	for _, l := range locale.All() {
		in := letter()
		in.Locale = l
		doc, _ := mail(t, in)
		if got := attribute(find(t, doc, "html")[0], "lang"); got != l.String() {
			t.Errorf("its language is %q, want %q", got, l)
		}
		if got := textOf(find(t, doc, "title")[0]); got != in.Heading {
			t.Errorf("its title is %q", got)
		}
		if n := len(find(t, doc, "h1")); n != 1 {
			t.Errorf("%d headings", n)
		}
		if a, b := len(find(t, doc, "table")), len(find(t, doc, `table[role="presentation"]`)); a != b {
			t.Errorf("%d of %d tables are read out as tables", a-b, a)
		}
		for _, a := range find(t, doc, "a") {
			if strings.TrimSpace(textOf(a)) == "" || strings.Contains(textOf(a), "://") {
				t.Errorf("a link says %q", textOf(a))
			}
		}
	}
}

func TestALetterLoadsNothing(t *testing.T) {
	doc, _ := mail(t, letter())
	if n := find(t, doc, "img, script, link, style, iframe, object, [src], [background]"); len(n) > 0 {
		t.Errorf("it has <%s>", n[0].Data)
	}
	if source, _, _ := Mail(letter()); strings.Contains(source, "url(") || strings.Contains(source, "@import") || strings.Contains(source, "ZgotmplZ") {
		t.Error("its styles load something, or a value was refused")
	}
}

func TestADoctorsPortraitComesWithTheLetter(t *testing.T) {
	in := letter()
	in.Doctor = "Ирина\nСоколова \"Ира\""
	doc, text := mail(t, in)
	images := find(t, doc, "img")
	if len(images) != 1 {
		t.Fatalf("%d images", len(images))
	}
	for name, want := range map[string]string{"src": "cid:doctor", "alt": `Ирина Соколова "Ира"`, "width": "96", "height": "96"} {
		if got := attribute(images[0], name); got != want {
			t.Errorf("its %s is %q, want %q", name, got, want)
		}
	}
	if n := find(t, doc, "script, link, style, iframe, object, [background]"); len(n) > 0 {
		t.Errorf("beside it there is <%s>", n[0].Data)
	}
	if before := find(t, doc, "p:has(img) + h1"); len(before) != 1 {
		t.Error("it does not stand over the heading")
	}
	if _, without := mail(t, letter()); text != without {
		t.Errorf("the plain part speaks of it:\n%s", text)
	}
}

func TestFacesStandInPlaceOfTheButton(t *testing.T) {
	in := letter()
	_, plain := mail(t, in)
	in.Faces = []Face{{"👍", Button{"Хорошо", "https://x.example/s/AbCdEfGhIjKlMnOp?answer=good"}}, {"👎", Button{"Плохо", "https://x.example/s/AbCdEfGhIjKlMnOp?answer=bad"}}}
	doc, text := mail(t, in)
	if text != plain {
		t.Errorf("the plain part is\n%s", text)
	}
	var got []string
	for _, a := range find(t, doc, "td > a") {
		got = append(got, textOf(a)+" → "+attribute(a, "href"))
	}
	if want := []string{"👍Хорошо → https://x.example/s/AbCdEfGhIjKlMnOp?answer=good", "👎Плохо → https://x.example/s/AbCdEfGhIjKlMnOp?answer=bad"}; !slices.Equal(got[:min(len(got), 2)], want) {
		t.Errorf("its links are %q, want %q", got, want)
	}
	if n := len(find(t, doc, "a [aria-hidden]")); n != 2 {
		t.Errorf("%d signs are kept from being read out", n)
	}
	for _, f := range []Face{{"", Button{"Хорошо", "https://x.example/"}}, {"👍", Button{"", "https://x.example/"}}, {"👍", Button{"Хорошо", "/s/x"}}} {
		in.Faces = []Face{f}
		if _, _, err := Mail(in); dental.KindOf(err) != dental.Invalid {
			t.Errorf("%v was laid out: %v", f, err)
		}
	}
}

func TestTheLinksOfALetterAreItsOwn(t *testing.T) {
	doc, _ := mail(t, letter())
	var got []string
	for _, a := range find(t, doc, "a") {
		got = append(got, textOf(a)+" → "+attribute(a, "href"))
	}
	want := []string{
		"Выбрать время → https://x.example/o/AbCdEfGhIjKlMnOp",
		"+7 495 000-00-00 → tel:+74950000000",
		"Отказаться от таких писем → https://x.example/u/QrStUvWxYz012345",
	}
	if !slices.Equal(got, want) {
		t.Errorf("its links are %q, want %q", got, want)
	}
}

func TestWhatALetterLacksLeavesNoTrace(t *testing.T) {
	in := Letter{Clinic: "Smile", Paragraphs: []string{"Hello.", " \n"}}
	doc, text := mail(t, in)
	if n := find(t, doc, "a, h1, div, strong ~ br"); len(n) > 0 {
		t.Errorf("it has <%s> %q", n[0].Data, textOf(n[0]))
	}
	if n := find(t, doc, "p"); len(n) != 2 {
		t.Errorf("%d paragraphs, want the text and the signature", len(n))
	}
	if text != "Hello.\n\nSmile\n" {
		t.Errorf("the plain part is %q", text)
	}
	if got := textOf(find(t, doc, "title")[0]); got != "Smile" {
		t.Errorf("its title is %q", got)
	}
}

func TestHostileTextsStayTexts(t *testing.T) {
	for _, hostile := range []string{
		`<script>alert(1)</script>`,
		`</title></style></table><img src=x onerror=alert(1)>`,
		`"><a href="https://evil.example">click</a>`,
		`' onmouseover='alert(1)`,
		`{{.Unsubscribe}} {{template "x"}} &lt;b&gt; &#x3c;`,
		`<!-- --><![endif]-->`,
	} {
		in := letter()
		for _, s := range []*string{&in.Clinic, &in.Address, &in.Phone, &in.Preheader, &in.Doctor, &in.Heading, &in.Warning, &in.Button.Text} {
			*s = hostile
		}
		in.Paragraphs = []string{hostile}
		doc, text := mail(t, in)
		if n := find(t, doc, `script, img:not([src="cid:doctor"]), style, [onerror], [onmouseover]`); len(n) > 0 {
			t.Errorf("%q became <%s>", hostile, n[0].Data)
		}
		if got := attribute(find(t, doc, "img")[0], "alt"); got != hostile {
			t.Errorf("the portrait is of %q, want %q", got, hostile)
		}
		if n := len(find(t, doc, "a")); n != 3 {
			t.Errorf("%q: %d links, want 3", hostile, n)
		}
		for _, selector := range []string{"title", "h1", "strong", "body > div"} {
			if got := textOf(find(t, doc, selector)[0]); got != hostile {
				t.Errorf("%s says %q, want %q", selector, got, hostile)
			}
		}
		if got := attribute(find(t, doc, `a[href^="tel:"]`)[0], "href"); strings.Trim(got, "tel:+0123456789") != "" {
			t.Errorf("the phone dials %q", got)
		}
		if !strings.Contains(text, hostile) {
			t.Errorf("the plain part changed %q", hostile)
		}
	}
}

func TestNoTextBreaksOutOfItsLine(t *testing.T) {
	in := letter()
	in.Heading = "Анна\r\n\r\nBcc: all@x.example\u2028\x00конец"
	_, text := mail(t, in)
	if !strings.HasPrefix(text, "Анна Bcc: all@x.example конец\n\nПрошло") {
		t.Errorf("the plain part begins %q", text[:60])
	}
}

func TestALetterThatCannotBeLaidOutSaysAllItLacks(t *testing.T) {
	in := Letter{Button: Button{Text: "Go", URL: "javascript:alert(1)"}, Unsubscribe: "/u/x"}
	html, text, err := Mail(in)
	if err == nil || html != "" || text != "" {
		t.Fatalf("got %q, %q, %v", html, text, err)
	}
	if dental.KindOf(err) != dental.Invalid {
		t.Errorf("the error is %q", dental.KindOf(err))
	}
	for _, want := range []string{"no clinic", "says nothing", "its button", "to unsubscribe"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not say %q", err, want)
		}
	}
	in = letter()
	in.Button.Text = ""
	if _, _, err := Mail(in); err == nil {
		t.Error("a button without words was laid out")
	}
}

func TestTheCallDialsTheNumberAlone(t *testing.T) {
	for phone, want := range map[string]string{
		"+7 (495) 000-00-00":        "tel:+74950000000",
		"+7 495 000-00-00, доб. 12": "tel:+74950000000",
		"":                          "tel:",
	} {
		if got := string(call(phone)); got != want {
			t.Errorf("%q dials %q, want %q", phone, got, want)
		}
	}
}

func BenchmarkMail(b *testing.B) {
	for b.Loop() {
		if _, _, err := Mail(letter()); err != nil {
			b.Fatal(err)
		}
	}
}
