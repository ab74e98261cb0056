//go:build browser

package browser

import (
	"context"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
)

// link finds one of the messages' links whose page has what a patient is to
// press, and does not say yet what comes of it.
func (m *machine) link(t *testing.T, kind, want, not string) string {
	t.Helper()
	has := regexp.MustCompile(want)
	for _, msg := range m.messages() {
		for _, link := range msg.Links {
			path := strings.TrimPrefix(link, m.base)
			if !strings.HasPrefix(path, kind) {
				continue
			}
			if status, page, err := m.get(link); err == nil && status == http.StatusOK && has.MatchString(page) && !strings.Contains(page, not) {
				return path
			}
		}
	}
	t.Fatalf("no link of %s leads to a page with %s", kind, want)
	return ""
}

// heading is the page's first line.
func (b *tab) heading() (text string) {
	_ = b.ask(`document.querySelector('h1').innerText`, &text) // a page without one says ""
	return text
}

// whatPatientsDo goes the ways that the pages are for, by a pointer, and counts
// the presses: each with a browser that runs scripts and with one that does not.
func whatPatientsDo(t *testing.T, m *machine, browser context.Context) {
	for _, try := range []struct {
		name, kind, has string
		query           string
		presses         []string
		want            string
	}{
		{"a visit is rated by one press", "/s/", `<h1 id="q">`, "", []string{"button.thumb[value=good]"}, "Спасибо! Рады, что всё хорошо"},
		{"a face that was pressed in a letter takes one press more", "/s/", `<h1 id="q">`, "?answer=good", []string{".button.main[name=answer]"}, "Спасибо! Рады, что всё хорошо"},
		{"a day is wished for by three presses", "/o/", `value="tue"(.|\n)*value="book"`, "", []string{"label:has(input[value=tue])", "label:has(input[value=evening])", "button[value=book]"}, "Спасибо, подберём время"},
		{"an invitation is put off by one press", "/o/", `value="later"`, "", []string{"button[value=later]"}, "Хорошо, вернёмся к этому позже"},
		{"a gift is chosen by one press", "/g/", `class="button main" name="gift"`, "", []string{"button[name=gift]"}, "Ваш подарок"},
		{"an appointment is confirmed by one press", "/c/", `value="confirm"`, "", []string{"button[value=confirm]"}, "Спасибо, ждём вас!"},
		{"who gets these messages by mistake says so by one press", "/u/", `name="not-me"`, "", []string{"button[name=not-me]"}, "Спасибо, больше не потревожим"},
	} {
		for _, scripts := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, scripts %v", try.name, scripts), func(t *testing.T) {
				path := m.link(t, try.kind, try.has, try.want)
				b := open(t, browser, m.base, scripts)
				if err := b.width(phone); err != nil {
					t.Fatal(err)
				}
				if _, err := b.visit(path + try.query); err != nil {
					t.Fatal(err)
				}
				if was := b.heading(); was == try.want {
					t.Fatalf("the page says %q before anything was pressed", was)
				}
				for i, selector := range try.presses {
					if i < len(try.presses)-1 {
						if err := b.touch(selector); err != nil {
							t.Fatal(err)
						}
						continue
					}
					if status, err := b.press(selector); err != nil || status != http.StatusOK {
						t.Fatalf("%s: %d, %v", selector, status, err)
					}
				}
				if got := b.heading(); got != try.want {
					t.Errorf("after %d presses the page says %q, want %q", len(try.presses), got, try.want)
				}
				if _, faults := b.take(); len(faults) > 0 {
					t.Errorf("on the way: %q", faults)
				}
			})
		}
	}
}
