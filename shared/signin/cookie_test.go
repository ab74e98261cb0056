package signin

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

func TestWhatWasPutForOnePurposeIsNotOpenedForAnother(t *testing.T) {
	j := newJar(&url.URL{Scheme: "https", Host: "rp.example"}, [][]byte{[]byte(strings.Repeat("a", 32))})
	for _, p := range []purpose{forSession, forFlow} {
		w := httptest.NewRecorder()
		if err := j.put(w, p, "it", "a value", time.Hour); err != nil {
			t.Fatal(err)
		}
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.AddCookie(w.Result().Cookies()[0])
		for _, as := range []purpose{forSession, forFlow} {
			var got string
			if opened := j.open(r, as, "it", &got); opened != (as == p) || opened && got != "a value" {
				t.Errorf("put for the %s, for the %s it is opened: %v, %q", p, as, opened, got)
			}
		}
	}
}
