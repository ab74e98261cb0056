package web

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// leadOn answers a POST that leads to another site by a page that opens it at
// once. A 303 would not do: Chromium and Safari hold each redirect that follows a
// form to form-action, and where such a link leads in the end nobody can list.
// Opened from a page, the site replaces it in the history too, so that "back"
// comes to the page that the form was on.
func (p *Pages) leadOn(w http.ResponseWriter, r request, to string, page notice) {
	page.Link, page.Back = to, r.URL.EscapedPath()
	w.Header().Set("Refresh", "0; url="+to)
	p.render(w, r.Request, http.StatusOK, "notice", page)
}

// webAddress is a URL of the clinic's settings in ASCII, as a header takes it.
// What is no http or https URL is not led to.
func webAddress(raw string) (string, bool) {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return "", false
	}
	var ascii strings.Builder
	for _, c := range []byte(u.String()) { // which leaves the query as it was pasted
		if c <= ' ' || c >= 0x7f {
			fmt.Fprintf(&ascii, "%%%02X", c)
		} else {
			ascii.WriteByte(c)
		}
	}
	return ascii.String(), true
}
