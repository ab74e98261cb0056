package staff

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/portrait"
	"github.com/returnpoint/returnpoint/shared/web/design"
)

// dress sends the form of the look page, with a file where there is one.
func (h *house) dress(file []byte, fields ...string) *httptest.ResponseRecorder {
	h.t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	for i := 0; i < len(fields); i += 2 {
		if err := form.WriteField(fields[i], fields[i+1]); err != nil {
			h.t.Fatal(err)
		}
	}
	part, err := form.CreateFormFile("file", "logo")
	if err != nil {
		h.t.Fatal(err)
	}
	if _, err := part.Write(file); err != nil {
		h.t.Fatal(err)
	}
	if err := form.Close(); err != nil {
		h.t.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodPost, "/desk/demo/look", &body)
	r.Header.Set("Content-Type", form.FormDataContentType())
	r.Header.Set(who, person(dental.Owner))
	w := httptest.NewRecorder()
	h.mux.ServeHTTP(w, r)
	return w
}

func (h *house) clinic() *dental.Clinic {
	h.t.Helper()
	cl, err := h.stage.Store.Begin().Clinic(h.t.Context(), "demo")
	if err != nil {
		h.t.Fatal(err)
	}
	return cl
}

func drawing(t *testing.T) []byte {
	t.Helper()
	m := image.NewNRGBA(image.Rect(0, 0, 400, 100))
	m.SetNRGBA(200, 50, color.NRGBA{R: 10, G: 90, B: 80, A: 255})
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestAnOwnerGivesTheClinicItsColourAndLogo(t *testing.T) {
	h := newHouse(t)
	if w := h.dress(drawing(t), "own", "on", "color", "#7F1D4F"); w.Code != http.StatusSeeOther || !strings.HasPrefix(w.Header().Get("Location"), "/desk/demo/look?") {
		t.Fatalf("%d, leads to %s", w.Code, w.Header().Get("Location"))
	}
	cl := h.clinic()
	if cl.Color != "#7f1d4f" || cl.Logo == "" {
		t.Fatalf("the clinic has the colour %q and the logo %q", cl.Color, cl.Logo)
	}
	page, _ := h.ask(http.MethodGet, "/desk/demo", person(dental.Administrator))
	if own := design.Brand("#7f1d4f"); !strings.Contains(page.Body.String(), "<style>"+own+"</style>") || !strings.Contains(page.Header().Get("Content-Security-Policy"), string(design.Inline(own))) {
		t.Error("the list is not in the clinic's colours, or the browser may not draw it in them")
	}
	if !strings.Contains(page.Body.String(), `<img class="logo" src="/desk/demo/logo?v=`+cl.Logo+`"`) {
		t.Error("the list has no logo")
	}
	logo, _ := h.ask(http.MethodGet, "/desk/demo/logo?v="+cl.Logo, person(dental.Administrator))
	if m, kind, err := image.Decode(logo.Body); err != nil || "image/"+kind != logo.Header().Get("Content-Type") || m.Bounds().Dx() != portrait.LogoWidth {
		t.Errorf("the logo is %s, %v", logo.Header().Get("Content-Type"), err)
	}

	h.dress(nil, "own", "on", "color", "#0e6b62")
	if next := h.clinic(); next.Color != "#0e6b62" || next.Logo != cl.Logo {
		t.Errorf("another colour has left the logo %q of %q", next.Logo, cl.Logo)
	}
	h.dress(nil, "color", "#0e6b62", "none", "on")
	if cl := h.clinic(); cl.Color != "" || cl.Logo != "" {
		t.Errorf("what was taken away is still %q and %q", cl.Color, cl.Logo)
	}
	if gone, _ := h.ask(http.MethodGet, "/desk/demo/logo", person(dental.Owner)); gone.Code != http.StatusNotFound {
		t.Errorf("a logo that was taken away is answered by %d", gone.Code)
	}
	log, _, err := h.stage.Store.Log(t.Context(), "demo", h.stage.Now().UTC().Format("2006-01"), 10, "")
	if err != nil || len(log) != 3 || log[0].Action != "look" || log[0].Role != dental.Owner {
		t.Errorf("the log has %+v, %v", log, err)
	}
}

func TestAColourIsTriedOnWithoutBeingKept(t *testing.T) {
	h := newHouse(t)
	page, writes := h.ask(http.MethodGet, "/desk/demo/look?own=on&color=%23ffd400", person(dental.Owner))
	if writes != 0 || h.clinic().Color != "" {
		t.Error("it was kept")
	}
	for _, want := range []string{"<style>" + design.Brand("#ffd400") + "</style>", "Это примерка", `value="#ffd400"`} {
		if !strings.Contains(page.Body.String(), want) {
			t.Errorf("the page has no %s", want)
		}
	}
	hostile, _ := h.ask(http.MethodGet, "/desk/demo/look?own=on&color=%23%7D%3C%2Fstyle%3E", person(dental.Owner))
	if strings.Contains(hostile.Body.String(), "Это примерка") || strings.Contains(hostile.Body.String(), "#}") {
		t.Error("what is no colour was tried on")
	}
}

func TestWhatIsNoLogoIsToldOnThePage(t *testing.T) {
	var large bytes.Buffer
	if err := png.Encode(&large, image.NewPaletted(image.Rect(0, 0, 2100, 2000), color.Palette{color.Black})); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		file []byte
		code int
	}{
		"too many pixels": {large.Bytes(), http.StatusUnprocessableEntity},
		"no picture":      {[]byte("<svg/>"), http.StatusUnprocessableEntity},
		"too many bytes":  {make([]byte, portrait.MaxSource+maxBody), http.StatusRequestEntityTooLarge},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			if w := h.dress(c.file, "own", "on", "color", "#0e6b62"); w.Code != c.code {
				t.Errorf("it is answered by %d, want %d", w.Code, c.code)
			} else if w.Code == http.StatusUnprocessableEntity && !(strings.Contains(w.Body.String(), `role="alert"`) && strings.Contains(w.Body.String(), "до 4 мегапикселей (")) {
				t.Error("the page does not say what is wrong")
			}
			if cl := h.clinic(); cl.Color != "" || cl.Logo != "" || h.table.Writes.Load() != 0 {
				t.Errorf("kept are %q and %q", cl.Color, cl.Logo)
			}
		})
	}
}

func TestTheStyleSheetAndTheScriptAreKeptByBrowsersUntilTheyChange(t *testing.T) {
	h := newHouse(t)
	for name, a := range assets() {
		t.Run(name, func(t *testing.T) {
			get := func(path string, encoding string) *httptest.ResponseRecorder {
				w, _ := h.ask(http.MethodGet, path, "", func(r *http.Request) { r.Header.Set("Accept-Encoding", encoding) })
				return w
			}
			plain, packed := get(a.path, ""), get(a.path, "gzip, br")
			if plain.Code != http.StatusOK || !bytes.Equal(plain.Body.Bytes(), a.plain) || plain.Header().Get("Cache-Control") != "public, max-age=31536000, immutable" {
				t.Errorf("%d, %d bytes, %s", plain.Code, plain.Body.Len(), plain.Header().Get("Cache-Control"))
			}
			if packed.Header().Get("Content-Encoding") != "gzip" || packed.Header().Get("Vary") != "Accept-Encoding" || packed.Body.Len() > 8<<10 {
				t.Errorf("packed it has %d bytes as %q", packed.Body.Len(), packed.Header().Get("Content-Encoding"))
			}
			if old := get(assetFolder+name+"?v=old", ""); old.Header().Get("Cache-Control") != "no-store" {
				t.Error("what stands under the name of another version is kept")
			}
			if w, _ := h.ask(http.MethodPost, a.path, ""); w.Code != http.StatusMethodNotAllowed {
				t.Errorf("a POST is answered by %d", w.Code)
			}
		})
	}
}
