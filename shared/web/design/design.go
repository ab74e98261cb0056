// Package design is what all pages look like: colours, type and spacing as CSS
// variables, by day and by night, the colours of a clinic's own derived from the
// one that it names, and the policy under which a page's own style and script
// run and nothing else does.
package design

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"net/http"
	"regexp"
	"strings"
)

//go:embed tokens.css
var tokens string

// Sheet is a style sheet that begins with the variables that all pages share,
// without the comments and the spaces that only its readers need.
func Sheet(own string) string { return squeeze(tokens + own) }

var (
	comment = regexp.MustCompile(`(?s)/\*.*?\*/`)
	breaks  = regexp.MustCompile(`\s*\n\s*`)
	// around are the marks that need no space beside them, wherever they stand:
	// not so a colon, before which a space is a descendant.
	around = regexp.MustCompile(`\s*([{};,])\s*`)
	after  = regexp.MustCompile(`([a-z-]): +`)
)

// squeeze leaves out what a browser has no need of. Texts in the style sheets
// hold none of the marks that it looks for; a test sees to it.
func squeeze(css string) string {
	css = comment.ReplaceAllString(css, "")
	css = breaks.ReplaceAllString(css, " ")
	css = around.ReplaceAllString(css, "$1")
	css = after.ReplaceAllString(css, "$1:")
	return strings.TrimSpace(strings.ReplaceAll(css, ";}", "}"))
}

// Source is where a page may have a style or a script from, as a policy names it.
type Source string

// Self is the source of what this host serves.
const Self Source = "'self'"

// Inline is the source of a style or a script that stands in the page itself,
// known by its hash; of nothing it is none.
func Inline(text string) Source {
	if text == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(text))
	return Source("'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'")
}

// Policy is a Content-Security-Policy for a page with styles and scripts from
// the sources, "" being none: pictures and forms of this host, requests of the
// scripts to it, and nothing from elsewhere.
func Policy(styles, scripts []Source) string {
	var b strings.Builder
	b.WriteString("default-src 'none'")
	list := func(name string, sources []Source) (any bool) {
		for _, s := range sources {
			if s == "" {
				continue
			}
			if !any {
				b.WriteString("; " + name)
			}
			b.WriteString(" " + string(s))
			any = true
		}
		return any
	}
	list("style-src", styles)
	if list("script-src", scripts) {
		b.WriteString("; connect-src 'self'")
	}
	b.WriteString("; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
	return b.String()
}

// Guard sets the headers that every answer with a page has: under its
// Content-Security-Policy, kept and indexed by nobody, framed by nobody, and with
// its address told to whom the Referrer-Policy says.
func Guard(h http.Header, policy, referrer string) {
	h.Set("Content-Security-Policy", policy)
	h.Set("Referrer-Policy", referrer)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Robots-Tag", "noindex, nofollow")
	h.Set("Strict-Transport-Security", "max-age=63072000")
	h.Set("Permissions-Policy", "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
}
