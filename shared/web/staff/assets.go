package staff

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/returnpoint/returnpoint/shared/web/design"
)

// assetFolder is where the desk's style sheet and script stand: the same for all
// clinics, and no secret. Staff go from page to page all day, so these are
// loaded once and not with each page.
const assetFolder = "/desk/-/"

// asset is one file as it is served. Its path changes with what is in it, so a
// browser may keep it for ever.
type asset struct {
	path, kind    string
	plain, packed []byte
}

// assets are made once, at the first page.
var assets = sync.OnceValue(func() map[string]asset {
	out := map[string]asset{}
	for name, of := range map[string]struct{ kind, text string }{
		"style.css": {"text/css; charset=utf-8", design.Sheet(file("style.css"))},
		"desk.js":   {"text/javascript; charset=utf-8", file("desk.js")},
	} {
		sum := sha256.Sum256([]byte(of.text))
		out[name] = asset{assetFolder + name + "?v=" + hex.EncodeToString(sum[:6]), of.kind, []byte(of.text), pack(of.text)}
	}
	return out
})

func pack(text string) []byte {
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err == nil {
		_, err = z.Write([]byte(text))
	}
	if err == nil {
		err = z.Close()
	}
	if err != nil {
		panic("staff: pack an asset: " + err.Error()) // memory refuses no write, and the level is known
	}
	return b.Bytes()
}

// serve answers GET and HEAD with the file.
func (a asset) serve(w http.ResponseWriter, r *http.Request) {
	guard(w.Header())
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		http.Error(w, http.StatusText(http.StatusMethodNotAllowed), http.StatusMethodNotAllowed)
		return
	}
	body := a.plain
	w.Header().Set("Vary", "Accept-Encoding")
	if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		w.Header().Set("Content-Encoding", "gzip")
		body = a.packed
	}
	if r.URL.RequestURI() == a.path { // and not that of a page from before the last deployment
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	w.Header().Set("Content-Type", a.kind)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	_, _ = w.Write(body) // the reader has gone if this fails
}
