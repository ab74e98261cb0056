package qr_test

import (
	"image/color"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/andybalholm/cascadia"
	encoder "github.com/boombuler/barcode/qr"
	"golang.org/x/net/html"

	"github.com/returnpoint/returnpoint/shared/web/qr"
)

const link = "https://rp.example/r/3qL4hwcaKn8hohKB"

// drawn reads the modules back out of the element: true is dark.
func drawn(t *testing.T, svg string) (modules map[[2]int]bool, side int) {
	t.Helper()
	tree, err := html.Parse(strings.NewReader(svg))
	if err != nil {
		t.Fatal(err)
	}
	box := regexp.MustCompile(`viewBox="0 0 (\d+) (\d+)"`).FindStringSubmatch(svg)
	if box == nil || box[1] != box[2] {
		t.Fatalf("the picture is no square: %v", box)
	}
	side, _ = strconv.Atoi(box[1])
	paths := cascadia.QueryAll(tree, cascadia.MustCompile("svg.qr[role=img] > path"))
	if len(paths) != 2 {
		t.Fatalf("%d paths, want the ground and the code", len(paths))
	}
	modules = map[[2]int]bool{}
	for _, a := range paths[1].Attr {
		if a.Key != "d" {
			continue
		}
		runs := regexp.MustCompile(`M(\d+) (\d+)h(\d+)v1h-(\d+)z`).FindAllStringSubmatch(a.Val, -1)
		length := 0
		for _, m := range runs {
			length += len(m[0])
			x, _ := strconv.Atoi(m[1])
			y, _ := strconv.Atoi(m[2])
			run, _ := strconv.Atoi(m[3])
			if m[3] != m[4] {
				t.Errorf("the run %q is not closed", m[0])
			}
			for i := range run {
				modules[[2]int{x + i, y}] = true
			}
		}
		if length != len(a.Val) {
			t.Errorf("the path has more than runs: %q", a.Val)
		}
	}
	return modules, side
}

func TestEveryModuleOfTheCodeIsDrawnInsideItsQuietZone(t *testing.T) {
	for _, text := range []string{link, "a", strings.Repeat("длинно ", 40)} {
		svg, err := qr.SVG(text, "code")
		if err != nil {
			t.Fatal(err)
		}
		want, err := encoder.Encode(text, encoder.M, encoder.Auto)
		if err != nil {
			t.Fatal(err)
		}
		size := want.Bounds().Dx()
		got, side := drawn(t, string(svg))
		if side != size+8 {
			t.Errorf("the side is %d of a code of %d", side, size)
		}
		for y := range side {
			for x := range side {
				inside := x >= 4 && y >= 4 && x < size+4 && y < size+4
				dark := inside && want.At(x-4, y-4) == color.Black
				if got[[2]int{x, y}] != dark {
					t.Fatalf("the module %d, %d of %q is dark: %v", x, y, text, !dark)
				}
			}
		}
	}
}

func TestTheLabelCannotBreakOut(t *testing.T) {
	svg, err := qr.SVG(link, `"><script>alert(1)</script>`)
	if err != nil {
		t.Fatal(err)
	}
	tree, err := html.Parse(strings.NewReader(string(svg)))
	if err != nil {
		t.Fatal(err)
	}
	if n := len(cascadia.QueryAll(tree, cascadia.MustCompile("script"))); n != 0 {
		t.Errorf("%d scripts in %s", n, svg)
	}
	if n := len(cascadia.QueryAll(tree, cascadia.MustCompile("[aria-label*='alert(1)']"))); n != 1 {
		t.Errorf("the label is gone: %s", svg)
	}
}

func TestWhatDoesNotFitIsAnError(t *testing.T) {
	if _, err := qr.SVG(strings.Repeat("x", 3000), ""); err == nil {
		t.Error("3000 bytes were drawn")
	}
}

func TestALinkTakesLittleRoomInAPage(t *testing.T) {
	svg, err := qr.SVG(link, "code")
	if err != nil {
		t.Fatal(err)
	}
	if len(svg) > 8<<10 {
		t.Errorf("it has %d bytes", len(svg))
	}
	t.Logf("%d bytes", len(svg))
}
