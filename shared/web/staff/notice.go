package staff

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
)

// What a POST has to say is shown by the page that it leads to: it travels in a
// cookie that only the reader's own browser and this host know, under a mark
// that the address of that page bears, so that it is shown there and nowhere else.
const (
	noticeCookie = "notice"
	noticeMark   = "notice"
	noticeLife   = 60 // seconds
)

// said leads to a page that says what was done, and wronged to one that says
// what was wrong; neither says anything where the text is empty.
func (p *Pages) said(w http.ResponseWriter, r request, query url.Values, text string) {
	p.notice(w, r, query, "right", text)
}

func (p *Pages) wronged(w http.ResponseWriter, r request, query url.Values, text string) {
	p.notice(w, r, query, "wrong", text)
}

func (p *Pages) notice(w http.ResponseWriter, r request, query url.Values, how, text string) {
	if text == "" {
		return
	}
	mark := p.draw()
	query.Set(noticeMark, mark)
	http.SetCookie(w, &http.Cookie{Name: noticeCookie, Value: mark + "~" + how + "~" + base64.RawURLEncoding.EncodeToString([]byte(text)),
		Path: r.home(), MaxAge: noticeLife, HttpOnly: true, SameSite: http.SameSiteLaxMode,
		Secure: r.TLS != nil || r.Header.Get("X-Forwarded-Proto") == "https"})
}

// noticed is what the page is to say: that something was done, or what was wrong.
func (r request) noticed() (said, problem string) {
	cookie, err := r.Cookie(noticeCookie)
	if err != nil {
		return "", ""
	}
	parts := strings.Split(cookie.Value, "~")
	if len(parts) != 3 || parts[0] == "" || parts[0] != r.URL.Query().Get(noticeMark) {
		return "", ""
	}
	text, err := base64.RawURLEncoding.DecodeString(parts[2])
	switch {
	case err != nil:
		return "", ""
	case parts[1] == "wrong":
		return "", string(text)
	}
	return string(text), ""
}
