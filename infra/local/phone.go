package main

import (
	_ "embed"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/returnpoint/returnpoint/shared/dental"
)

// The page of the patients' phones: a conversation a number or address, the
// latest first. It shows untrusted texts, so nothing in it may run.

//go:embed phone.html
var phoneSource string

var phonePage = sync.OnceValue(func() *template.Template {
	return template.Must(template.New("phone").Parse(phoneSource))
})

const (
	maxThreads = 50
	maxBubbles = 30 // of a conversation, unless it is shown alone
)

type phoneView struct {
	Now     string
	Alone   bool
	Total   int
	Hidden  int // conversations that are not shown
	Threads []thread
	Steps   []step
}

// step is a button that moves the clock on.
type step struct{ Advance, Label string }

// thread is what one number or address received.
type thread struct {
	To      string
	Phone   bool // a number, which can write back
	Total   int
	Hidden  int
	Bubbles []bubble // the latest last
}

type bubble struct {
	ID       string
	Patient  string
	Scenario string
	Step     string
	Class    dental.Class
	Channel  dental.Channel
	Subject  string
	Text     []piece
	Letter   string // path of the HTML part, "" for none
	Parts    int
	At       string
}

// piece is text, or a link.
type piece struct{ Text, URL string }

// showPhone writes the page; lines are the newest first.
func (m *machine) showPhone(w http.ResponseWriter, r *http.Request, lines []messageLine) error {
	view := phoneView{Now: m.clock.Now().In(m.shown().loc).Format("Mon 2 Jan 2006, 15:04 MST"), Alone: r.URL.Query().Get("to") != "", Total: len(lines),
		Steps: []step{{"1h", "+1 hour"}, {"1d", "+1 day"}, {"7d", "+1 week"}, {"30d", "+30 days"}}}
	var order []string
	threads := map[string]*thread{}
	for _, l := range lines {
		t := threads[l.To]
		if t == nil {
			t = &thread{To: l.To, Phone: number.MatchString(l.To)}
			threads[l.To], order = t, append(order, l.To)
		}
		if t.Total++; len(t.Bubbles) < maxBubbles || view.Alone {
			t.Bubbles = append(t.Bubbles, newBubble(l))
		} else {
			t.Hidden++
		}
	}
	view.Hidden = max(0, len(order)-maxThreads)
	for _, to := range order[:len(order)-view.Hidden] {
		slices.Reverse(threads[to].Bubbles)
		view.Threads = append(view.Threads, *threads[to])
	}
	header := w.Header()
	header.Set("Content-Type", "text/html; charset=utf-8")
	header.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
	return phonePage().Execute(w, view)
}

func newBubble(l messageLine) bubble {
	b := bubble{ID: l.ID, Patient: l.Patient, Scenario: l.Scenario, Step: l.Step, Class: l.Class, Channel: l.Channel, Subject: l.Subject,
		Parts: l.Parts, At: l.At.at.In(l.At.loc).Format("Mon 2 Jan, 15:04")}
	if l.Channel == dental.Mail {
		b.Letter = "/_local/messages/" + url.PathEscape(l.ID) + "/letter"
	}
	b.Text = linked(l.Text, l.Links)
	return b
}

// linked cuts a text at the links that the message says it holds.
func linked(text string, links []string) []piece {
	var out []piece
	for text != "" {
		at, found := len(text), ""
		for _, l := range links {
			// Of two that begin alike the longer one stands there.
			if i := strings.Index(text, l); l != "" && i >= 0 && (i < at || i == at && len(l) > len(found)) {
				at, found = i, l
			}
		}
		if at > 0 {
			out = append(out, piece{Text: text[:at]})
		}
		if found != "" {
			out = append(out, piece{Text: found, URL: here(found)})
		}
		text = text[at+len(found):]
	}
	return out
}

// here is the link as this process serves it: one that was sent before a
// restart may name another port. What leads elsewhere is left as it is.
func here(link string) string {
	u, err := url.Parse(link)
	if err == nil && u.Scheme == "http" && loopback(u.Host) {
		return u.RequestURI()
	}
	return link
}

// getLetter shows the HTML part of an e-mail by itself, sandboxed: it may open
// links in new windows and do nothing else.
func (m *machine) getLetter(w http.ResponseWriter, r *http.Request) error {
	letter, err := m.outbox.HTML(r.PathValue("id"))
	if err != nil {
		return err
	}
	if letter == "" {
		return dental.Errorf(dental.NotFound, "", "the message has no HTML part")
	}
	const base = `<base target="_blank" rel="noopener">`
	if before, after, ok := strings.Cut(letter, "<head>"); ok {
		letter = before + "<head>" + base + after
	} else {
		letter = base + letter
	}
	header := w.Header()
	header.Set("Content-Type", "text/html; charset=utf-8")
	header.Set("Content-Security-Policy", "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src https: data:; frame-ancestors 'self'")
	_, _ = w.Write([]byte(letter)) // the client has gone if this fails
	return nil
}
