//go:build browser

package browser

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// The screens that pages are made for, in CSS pixels.
const (
	phone = 360
	desk  = 1280
)

// maxWeight is the most bytes of a page with its style and its script.
const maxWeight = 30 << 10

// judgement runs axe-core over the page: all of WCAG 2.0, 2.1 and 2.2 at levels A
// and AA, and what is good practice beside. It gives a line a violation.
const judgement = `axe.run(document, {
	runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
	rules: {'target-size': {enabled: true}},
	resultTypes: ['violations'],
}).then(found => found.violations.flatMap(rule => rule.nodes.map(node =>
	rule.id + ': ' + rule.help + ', in ' + node.target.join(' ') + ': ' + node.html.slice(0, 200) + ' (' + node.any.concat(node.all).map(c => c.message).join('; ').slice(0, 300) + ')')))`

// tooWide names what stands out of the window at the right.
const tooWide = `document.documentElement.scrollWidth <= document.documentElement.clientWidth ? [] :
	[...document.querySelectorAll('body *')].filter(e => e.getBoundingClientRect().right > document.documentElement.clientWidth && !e.closest('.wide'))
		.slice(0, 3).map(e => 'the page is ' + document.documentElement.scrollWidth + ' wide: ' + e.outerHTML.slice(0, 160)).concat('the page scrolls sideways')`

// controls lists what the keyboard has to reach, in its order, and notes from
// then on what it reaches and whether that can be seen. Of radio buttons under one name
// the chosen one is reached, or the first.
const controls = `(() => {
	const all = [...document.querySelectorAll('a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex="0"]')]
		.filter(e => !e.disabled && e.checkVisibility({visibilityProperty: true}))
		.filter((e, _, all) => {
			if (e.type !== 'radio') return true;
			const group = all.filter(r => r.type === 'radio' && r.name === e.name && r.form === e.form);
			return e === (group.find(r => r.checked) || group[0]);
		});
	const seen = globalThis.reached = [];
	document.addEventListener('focusin', event => {
		const e = event.target;
		const marked = [e, e.nextElementSibling, e.closest('label')].some(m => m && getComputedStyle(m).outlineStyle !== 'none' && parseFloat(getComputedStyle(m).outlineWidth) > 0);
		seen.push({at: all.indexOf(e), html: e.outerHTML.slice(0, 120), marked});
	});
	return all.map(e => e.outerHTML.slice(0, 120));
})()`

// reach is one control that the keyboard came to: which of the list, -1 for one that is not in it.
type reach struct {
	At     int
	HTML   string
	Marked bool
}

// keyboard goes through the page by the tabulator.
func (b *tab) keyboard() (faults []string, err error) {
	var all []string
	if err := b.ask(controls, &all); err != nil {
		return nil, err
	}
	var reached []reach
	// A field of a date takes several presses.
	for range 4 {
		var presses []chromedp.Action[chromedp.Void]
		for range len(all) - len(reached) {
			presses = append(presses, chromedp.KeyEvent(kb.Tab))
		}
		if err := b.do(presses...); err != nil {
			return nil, err
		}
		if err := b.ask(`globalThis.reached`, &reached); err != nil {
			return nil, err
		}
		if len(reached) >= len(all) {
			break
		}
	}
	for i, html := range all {
		switch {
		case i >= len(reached):
			return append(faults, "the keyboard does not reach "+html), nil
		case reached[i].At != i:
			return append(faults, fmt.Sprintf("the keyboard comes to %s and not to %s", reached[i].HTML, html)), nil
		case !reached[i].Marked:
			faults = append(faults, "it is not to be seen that the keyboard is at "+html)
		}
	}
	return faults, nil
}

// look holds the page that is open to every rule, at both widths, as it is
// found and with all that it can unfold, and keeps pictures of it under the name.
func (b *tab) look(axe, name string) (faults []string, err error) {
	if err := b.ask(axe, nil); err != nil {
		return nil, err
	}
	weight, faults := b.take()
	if weight > maxWeight {
		faults = append(faults, fmt.Sprintf("it weighs %d bytes, and %d are the most", weight, maxWeight))
	}
	scheme := "light"
	if !b.scripts {
		scheme = "dark"
	}
	for _, px := range []int64{phone, desk} {
		found, err := b.judge(fmt.Sprintf("%s-%d-%s", name, px, scheme), px)
		if faults = append(faults, found...); err != nil {
			return faults, err
		}
		// With scripts the keyboard is tried at a desk, without them on a phone.
		if (px == desk) == b.scripts {
			lost, err := b.keyboard()
			if err != nil {
				return faults, err
			}
			faults = append(faults, lost...)
		}
	}
	var closed int
	if err := b.ask(`[...document.querySelectorAll('details:not([open])')].map(d => d.open = true).length`, &closed); err != nil {
		return faults, err
	}
	if closed > 0 && b.scripts {
		for _, px := range []int64{desk, phone} {
			found, err := b.judge(fmt.Sprintf("%s-%d-open", name, px), px)
			if faults = append(faults, found...); err != nil {
				return faults, err
			}
		}
	}
	_, late := b.take()
	return append(faults, late...), nil
}

// walk opens a page and tells all that is wrong with it.
func (b *tab) walk(t *testing.T, path, axe, name string) {
	t.Helper()
	status, err := b.visit(path)
	if err != nil {
		t.Fatal(err)
	}
	faults, err := b.look(axe, name)
	if err != nil {
		t.Fatal(err)
	}
	for _, fault := range faults {
		// That it did not find the page is what the browser says of one that is not there.
		if status == http.StatusOK || !strings.Contains(fault, "the server responded with a status of "+strconv.FormatInt(status, 10)) {
			t.Error(fault)
		}
	}
}

// judge holds the page as it stands to the rules at one width.
func (b *tab) judge(name string, px int64) (faults []string, err error) {
	if err := b.width(px); err != nil {
		return nil, err
	}
	var found, wide []string
	if err := b.ask(judgement, &found); err != nil {
		return nil, err
	}
	if err := b.ask(tooWide, &wide); err != nil {
		return nil, err
	}
	for _, fault := range append(found, wide...) {
		faults = append(faults, fmt.Sprintf("at %d px: %s", px, fault))
	}
	return faults, b.picture(name)
}

// slug is a name of a page's picture.
func slug(s string) string {
	return strings.Trim(strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return '-'
	}, strings.ToLower(strings.NewReplacer("{", "", "}", "", "/", "-").Replace(s))), "-")
}
