// Package design is what all pages look like: colours, type and spacing as CSS
// variables, in the light and the dark, and the policy under which a page's own
// style and script run and nothing else does.
package design

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"strings"
)

//go:embed tokens.css
var tokens string

// Sheet is a style sheet that begins with the variables that all pages share.
func Sheet(own string) string { return tokens + own }

// Policy is a Content-Security-Policy for a page with inline styles and scripts
// of its own, known by their hashes: pictures and forms of this host, requests
// of the scripts to it, and nothing from elsewhere.
func Policy(styles, scripts []string) string {
	list := func(name string, sources []string) string {
		if len(sources) == 0 {
			return ""
		}
		var b strings.Builder
		b.WriteString("; " + name)
		for _, s := range sources {
			sum := sha256.Sum256([]byte(s))
			b.WriteString(" 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'")
		}
		return b.String()
	}
	policy := "default-src 'none'" + list("style-src", styles) + list("script-src", scripts)
	if len(scripts) > 0 {
		policy += "; connect-src 'self'"
	}
	return policy + "; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
}
