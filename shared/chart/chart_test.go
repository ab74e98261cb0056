package chart

import (
	"bytes"
	"encoding/xml"
	"flag"
	"fmt"
	"image"
	"image/png"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

var update = flag.Bool("update", false, "write the golden files anew")

func percent(n float64) string { return strconv.FormatFloat(n, 'f', -1, 64) + "%" }

func values(ns ...float64) (out []Value) {
	for _, n := range ns {
		v := Value{N: n, Shown: strconv.FormatFloat(n, 'f', -1, 64)}
		if math.IsNaN(n) {
			v.Shown = ""
		}
		out = append(out, v)
	}
	return out
}

// drawings are one of each kind, and those that are hard to draw.
func drawings() map[string]Drawing {
	months := []string{"июн", "июл", "авг", "сен", "окт", "ноя", "дек", "янв", "фев", "мар", "апр", "май"}
	share := Line{Over{Words: Words{"Доля повторных визитов", "За год доля выросла с 24 до 36%.", "Месяц"}, At: months, Tick: percent, Goal: Goal{35, "цель 35%"},
		Series: []Series{{"все визиты", values(24, 25, 27, 26, math.NaN(), 29, 30, 31, 31, 33, 35, 36)}, {"год назад", values(20, 21, 20, 22, 22, 23, 22, 23, 24, 24, 23, 24)}}}}
	weeks := []string{"2.03", "9.03", "16.03", "23.03", "30.03", "6.04", "13.04", "20.04", "27.04", "4.05", "11.05", "18.05"}
	back := Bars{Over{Words: Words{"Вернулись по неделям", "На этой неделе вернулись 14 человек.", "Неделя"}, At: weeks, Whole: true,
		Series: []Series{{"вернулись", values(3, 5, 4, 8, 7, 9, 6, 11, 10, 12, 9, 14)}}}}
	funnel := Funnel{Words: Words{"Воронка сценария", "Из 120 написали 96, пришли 18.", "Шаг"}, Count: "Пациентов", Share: "От предыдущих",
		Rows: []Row{{"Запланировано", Value{120, "120"}, ""}, {"Отправлено", Value{96, "96"}, "80%"}, {"Ответили", Value{}, ""}, {"Пришли", Value{18, "18"}, "19%"}}}
	lift := Intervals{Words: Words{"Прирост", "Приглашение на контроль возвращает на 6 пунктов больше.", "Сценарий"}, Estimate: "Прирост", Bounds: "Границы", Tick: percent,
		Rows: []Range{{Name: "Приглашение на контроль", Low: 1.5, At: 6, High: 10.5, Known: true, Shown: "+6%", Between: "от +1,5 до +10,5%"},
			{Name: "Давно не были", Low: -4, At: 2, High: 8, Known: true, Shown: "+2%", Between: "от −4 до +8%"}, {Name: "День рождения", Note: "данных пока мало"}}}
	one := Bars{Over{Words: Words{"Одна", "Одна неделя.", "Неделя"}, At: []string{"18.05"}, Series: []Series{{"вернулись", values(1)}}, Whole: true}}
	return map[string]Drawing{
		"line": share.Draw(Page), "bars": back.Draw(Letter), "funnel": funnel.Draw(Page), "intervals": lift.Draw(Page), "one": one.Draw(Page),
		"nothing": Line{Over{Words: Words{"Ничего", "Данных нет.", "Месяц"}}}.Draw(Page),
		"below":   Bars{Over{Words: Words{"Возвраты", "Больше вернули, чем получили.", "Месяц"}, At: months[:3], Series: []Series{{"выручка", values(5, -3, 2)}}}}.Draw(Page),
		"stranger": Bars{Over{Words: Words{`<script>"x"</script>`, "a & b", "<"}, At: []string{"<b>"}, Goal: Goal{1, `"&<goal>`},
			Series: []Series{{"<i>", []Value{{1, "</svg>"}}}, {"b", values(2)}}}}.Draw(Page),
	}
}

func TestChartsAreDrawnAsTheyWere(t *testing.T) {
	for name, d := range drawings() {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join("testdata", name+".svg")
			got := []byte(string(d.SVG("x")) + "\n")
			if *update {
				if err := os.WriteFile(path, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, want) {
				t.Errorf("it is drawn otherwise than %s (go test -update if it is meant to be):\n%s", path, got)
			}
		})
	}
}

func TestThePictureOfALetterIsDrawnAsItWas(t *testing.T) {
	for _, name := range []string{"bars", "line"} {
		path := filepath.Join("testdata", name+".png")
		got, err := drawings()[name].PNG()
		if err != nil {
			t.Fatal(err)
		}
		if *update {
			if err := os.WriteFile(path, got, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		stored, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		want, have := decoded(t, stored), decoded(t, got)
		if have.Bounds() != want.Bounds() {
			t.Fatalf("%s is %v, and was %v", name, have.Bounds(), want.Bounds())
		}
		// Processors round the edges of letters differently.
		const near = 0x0600
		apart := 0
		for y := range have.Bounds().Dy() {
			for x := range have.Bounds().Dx() {
				r, g, b, _ := have.At(x, y).RGBA()
				r2, g2, b2, _ := want.At(x, y).RGBA()
				for _, pair := range [][2]uint32{{r, r2}, {g, g2}, {b, b2}} {
					if max(pair[0], pair[1])-min(pair[0], pair[1]) > near {
						apart++
						break
					}
				}
			}
		}
		if apart > 0 {
			t.Errorf("%s: %d pixels are not as they were", name, apart)
		}
	}
}

func decoded(t *testing.T, raw []byte) image.Image {
	t.Helper()
	picture, err := png.Decode(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	return picture
}

func TestAPictureIsSharpSmallAndAlwaysTheSame(t *testing.T) {
	for name, d := range drawings() {
		first, err := d.PNG()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if again, err := d.PNG(); err != nil || !bytes.Equal(first, again) {
			t.Errorf("%s: the same drawing gives other bytes (%v)", name, err)
		}
		if len(first) >= 40<<10 {
			t.Errorf("%s takes %d bytes", name, len(first))
		}
		picture := decoded(t, first)
		if got := picture.Bounds().Dx(); float64(got) != 2*d.size.Width {
			t.Errorf("%s is %d pixels wide, for %v", name, got, d.size.Width)
		}
		if r, g, b, a := picture.At(0, 0).RGBA(); r&g&b&a != 0xffff {
			t.Errorf("%s does not stand on white", name)
		}
	}
}

func TestEveryLetterOfAPictureHasAShape(t *testing.T) {
	fonts, err := newFonts()
	if err != nil {
		t.Fatal(err)
	}
	for s, want := range map[string]string{"12 400\u00a0₽ · ёжик": "12 400\u00a0руб. · ёжик", "−3\u202f%": "-3 %", "🦷 N°": " N°"} {
		for _, strong := range []bool{false, true} {
			got := fonts.spell(fonts.of(strong), s)
			if s == "−3\u202f%" && got == "−3 %" {
				continue // a font may have the sign itself
			}
			if got != want {
				t.Errorf("%q is written %q, want %q", s, got, want)
			}
		}
	}
}

// element is what a reader of XML sees of an SVG.
type element struct {
	name       string
	attributes map[string]string
	text       string
}

func elements(t *testing.T, source string) (out []element) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(source))
	var open []int
	for {
		token, err := d.Token()
		if err == io.EOF {
			return out
		}
		if err != nil {
			t.Fatalf("%v in %s", err, source)
		}
		switch x := token.(type) {
		case xml.StartElement:
			e := element{name: x.Name.Local, attributes: map[string]string{}}
			for _, a := range x.Attr {
				e.attributes[a.Name.Local] = a.Value
			}
			out, open = append(out, e), append(open, len(out))
		case xml.EndElement:
			open = open[:len(open)-1]
		case xml.CharData:
			out[open[len(open)-1]].text += string(x)
		}
	}
}

func TestAChartIsReadAloudAndKeepsToTheColoursOfItsPage(t *testing.T) {
	for name, d := range drawings() {
		all := elements(t, string(d.SVG("q1")))
		root := all[0]
		if root.name != "svg" || root.attributes["role"] != "img" || root.attributes["aria-labelledby"] != "q1-t q1-d" {
			t.Errorf("%s begins with %+v", name, root)
		}
		if all[1].name != "title" || all[1].attributes["id"] != "q1-t" || all[1].text != d.words.Title || all[2].name != "desc" || all[2].attributes["id"] != "q1-d" || all[2].text != d.words.Text {
			t.Errorf("%s is named %+v and told as %+v", name, all[1], all[2])
		}
		for _, e := range all {
			for attribute, value := range e.attributes {
				colour := attribute == "fill" || attribute == "stroke"
				if attribute == "style" || strings.HasPrefix(attribute, "on") || colour && value != "currentColor" && value != "none" {
					t.Errorf("%s: %s has %s=%q", name, e.name, attribute, value)
				}
				if strings.Contains(value, "NaN") || strings.Contains(value, "Inf") {
					t.Errorf("%s: %s has %s=%q", name, e.name, attribute, value)
				}
			}
			if e.name == "script" || e.name == "b" || e.name == "i" {
				t.Errorf("%s: a text has become the element %s", name, e.name)
			}
		}
	}
}

func TestLettersStandInsideOfTheChart(t *testing.T) {
	for name, d := range drawings() {
		if name == "stranger" {
			continue
		}
		for _, s := range d.shapes {
			if s.text == nil {
				continue
			}
			from, width := s.text.x, room(s.text.s, s.text.size)
			switch s.text.anchor {
			case middle:
				from -= width / 2
			case end:
				from -= width
			}
			if from < -2 || from+width > d.size.Width+2 || s.text.y < s.text.size*0.7 || s.text.y > d.size.Height {
				t.Errorf("%s: %q stands from %.0f to %.0f at %.0f in %v", name, s.text.s, from, from+width, s.text.y, d.size)
			}
		}
	}
}

func TestAnUnknownFigureIsAGapAndNotNought(t *testing.T) {
	l := Line{Over{At: []string{"a", "b", "c", "d", "e"}, Series: []Series{{"x", values(1, 2, math.NaN(), 4, 5)}}}}
	lines, points := 0, 0
	for _, s := range l.Draw(Page).shapes {
		if s.points != nil && s.paint == main {
			lines++
		}
		if s.dot != nil {
			points++
		}
	}
	if lines != 2 || points != 4 {
		t.Errorf("it is drawn by %d lines and %d points", lines, points)
	}
	table := l.Table()
	if got := table.Rows[2][1]; got != unknown {
		t.Errorf("the table has %q for it", got)
	}
	bars := Bars(l).Draw(Page)
	if n := slices.IndexFunc(bars.shapes, func(s shape) bool { return s.box != nil && s.box.h < 1 }); n >= 0 {
		t.Errorf("a bar of no height: %+v", bars.shapes[n].box)
	}
}

func TestABarIsAsLongAsItsFigure(t *testing.T) {
	d := Bars{Over{At: []string{"a", "b", "c"}, Series: []Series{{"x", values(10, 20, 40)}}}}.Draw(Page)
	var heights []float64
	for _, s := range d.shapes {
		if s.box != nil {
			heights = append(heights, s.box.h)
		}
	}
	if len(heights) != 3 || math.Abs(heights[1]-2*heights[0]) > 0.01 || math.Abs(heights[2]-4*heights[0]) > 0.01 {
		t.Errorf("10, 20 and 40 are %v high", heights)
	}
}

func TestEachColumnOfItsOwnKindHasItsCaption(t *testing.T) {
	kinds := []string{"<6 мес.", "6–12", "12–18", "18+", "не были"}
	drawn := func(apart bool) (out []string) {
		over := Over{At: kinds, Apart: apart, Whole: true, Tick: func(float64) string { return "120 000" }, Series: []Series{{"x", values(1, 2, 3, 4, 5)}}}
		for _, s := range (Bars{over}).Draw(Page).shapes {
			if s.text != nil && slices.Contains(kinds, s.text.s) {
				out = append(out, s.text.s)
			}
		}
		slices.SortFunc(out, func(a, b string) int { return slices.Index(kinds, a) - slices.Index(kinds, b) })
		return out
	}
	if got := drawn(true); !slices.Equal(got, kinds) {
		t.Errorf("captioned are %q, want %q", got, kinds)
	}
	if got := drawn(false); len(got) == len(kinds) {
		t.Error("periods are all written where there is no room for them")
	}
}

func TestTheTableSaysWhatIsDrawn(t *testing.T) {
	f := Funnel{Words: Words{Title: "Воронка", Column: "Шаг"}, Count: "n", Share: "%", Rows: []Row{{"Отправлено", Value{96, "96"}, ""}, {"Пришли", Value{18, "18"}, "19%"}}}
	if got := f.Table(); got.Caption != "Воронка" || !slices.Equal(got.Head, []string{"Шаг", "n", "%"}) || !slices.Equal(got.Rows[1], []string{"Пришли", "18", "19%"}) {
		t.Errorf("the funnel's is %+v", got)
	}
	v := Intervals{Words: Words{Column: "Сценарий"}, Rows: []Range{{Name: "a", Known: true, Shown: "+6%", Between: "от 1 до 10"}, {Name: "b", Note: "данных пока мало"}}}
	if got := v.Table().Rows; !slices.Equal(got[0], []string{"a", "+6%", "от 1 до 10"}) || !slices.Equal(got[1], []string{"b", unknown, "данных пока мало"}) {
		t.Errorf("the intervals' are %q", got)
	}
}

func TestTicksAreRound(t *testing.T) {
	for _, tt := range []struct {
		least, most float64
		steps       int
		whole       bool
		want        string
	}{
		{0, 14, 4, true, "[0 5 10 15]"}, {0, 36, 4, false, "[0 10 20 30 40]"}, {0, 1, 4, true, "[0 1]"}, {0, 1, 4, false, "[0 0.25 0.5 0.75 1]"},
		{0, 3, 4, true, "[0 1 2 3]"}, {0, 9, 4, true, "[0 3 6 9]"}, {-4, 10.5, 4, false, "[-5 0 5 10 15]"}, {0, 0, 4, true, "[0 1]"}, {0, 0.3, 3, false, "[0 0.1 0.2 0.3]"},
		{0, 1234567, 4, false, "[0 500000 1e+06 1.5e+06]"}, {math.NaN(), math.NaN(), 4, false, "[0 0.25 0.5 0.75 1]"}, {0, math.Inf(1), 4, true, "[0 1]"}, {5, -5, 2, false, "[-5 0 5]"}, {7, 7, 2, true, "[0 5 10]"},
	} {
		if got := fmt.Sprint(Ticks(tt.least, tt.most, tt.steps, tt.whole)); got != tt.want {
			t.Errorf("from %v to %v: %s, want %s", tt.least, tt.most, got, tt.want)
		}
	}
}

func TestTicksEmbraceWhatTheyAreFor(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		hundredths := rapid.IntRange(-100_000_000_000, 100_000_000_000)
		least, most := float64(hundredths.Draw(t, "least"))/100, float64(hundredths.Draw(t, "most"))/100
		whole, steps := rapid.Bool().Draw(t, "whole"), rapid.IntRange(1, 8).Draw(t, "steps")
		got := Ticks(least, most, steps, whole)
		if len(got) < 2 || len(got) > 2*steps+3 {
			t.Fatalf("%v", got)
		}
		room := (got[1] - got[0]) * 1e-6
		if least, most := min(least, most), max(least, most); got[0] > least+room || got[len(got)-1] < most-room {
			t.Fatalf("%v to %v is not in %v", least, most, got)
		}
		for i, n := range got {
			if i > 0 && n <= got[i-1] || whole && n != math.Trunc(n) {
				t.Fatalf("%v", got)
			}
		}
	})
}
