package web_test

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/locale"
)

// gallery is every state of every page in one language.
func gallery(t *testing.T, l locale.Locale) map[string]*answer {
	t.Helper()
	fresh := func() *surgery {
		return newSurgery(t, func(s *surgery) {
			s.Patient.Language = l.String()
			s.Clinic.Channels = dental.Channels()
			s.Clinic.Maps[1].Ask = dental.AskEveryone
		})
	}
	out := map[string]*answer{}
	s := fresh()
	out["survey asked"] = s.get(s.survey())
	out["survey with a bad field"] = s.post(s.survey(), "nps", "11")
	for _, rating := range []string{"good", "fair", "bad"} {
		s := fresh()
		path := s.survey()
		out["survey answered "+rating] = s.does(path, "answer", rating)
		out["survey saved "+rating] = s.does(path, "nps", "8", "comment", "Слова\nи слова")
		out["map after "+rating] = s.post(path, "map", "2ГИС")
		s.clock.Advance(8 * 24 * time.Hour)
		out["survey closed "+rating] = s.get(path)
	}
	s = fresh()
	out["survey without a verdict"] = s.does(s.survey(), "nps", "8")
	s = newSurgery(t, func(s *surgery) {
		s.Patient.Language, s.Visit.Day, s.Visit.Doctor.Name = l.String(), dental.DateOf(friday), ""
	})
	out["survey on the day"] = s.get(s.survey())
	s = newSurgery(t, func(s *surgery) {
		s.Patient.Language, s.Clinic.Phone, s.Clinic.Address, s.Visit.ID = l.String(), "", "", ""
	})
	out["survey of a bare clinic"] = s.does(s.survey(), "answer", "bad")
	s = fresh()
	out["appointment"] = s.get(s.appointment())
	for _, action := range []string{"confirm", "reschedule", "cancel", "callback"} {
		out["appointment "+action] = s.does(s.appointment(), "action", action)
	}
	s.clock.Advance(2 * time.Hour)
	out["appointment long after"] = s.get(s.appointment())
	path := s.appointment()
	s.becomes(func(a *dental.Appointment) { a.Start = a.Start.Add(time.Hour) })
	out["appointment moved"] = s.get(path)
	out["appointment moved meanwhile"] = s.post(path, "action", "confirm")
	s.becomes(func(a *dental.Appointment) { a.Status = dental.Cancelled })
	out["appointment cancelled"] = s.get(path)
	s, path = family(t)
	s.becomes(func(a *dental.Appointment) { a.Start = a.Start.Add(time.Hour) })
	if l == locale.Russian {
		out["appointments"] = s.get(path)
	}
	s = fresh()
	out["preferences"] = s.get(s.preferences())
	out["preferences saved"] = s.does(s.preferences(), "save", "on")
	out["preferences wrong"] = s.post(s.preferences())
	out["not me"] = s.does(s.preferences(), "not-me", "on")
	s = newSurgery(t, func(s *surgery) { s.Patient.Language, s.Patient.Phone, s.Patient.Email = l.String(), "", "" })
	out["preferences of nobody"] = s.get(s.preferences())

	invited := func(change ...func(*surgery)) *surgery {
		return offered(t, func(s *surgery) {
			s.Patient.Language = l.String()
			s.Clinic.Gifts = []dental.Gift{{ID: "brush", Name: "Ирригатор"}, {ID: "paste", Name: "Набор паст"}}
			s.Clinic.Referral, s.Clinic.ClubVisits = dental.ReferralTerms{Reward: dental.Money{Minor: 50000, Currency: "RUB"}}, 3
			for _, c := range change {
				c(s)
			}
		})
	}
	s = invited()
	out["offer"] = s.get(s.sleeping())
	out["offer with a bad field"] = s.post(s.sleeping(), "action", "book", "weekday", "sun")
	for _, action := range []string{"book", "callback", "later", "never"} {
		s := invited()
		path := s.recall()
		out["offer answered "+action] = s.does(path, "action", action, "weekday", "fri", "part", "day")
		s.clock.Advance(3 * time.Hour)
		out["offer long after "+action] = s.get(path)
	}
	s = invited(func(s *surgery) { s.Clinic.BookingURL = "https://booking.example.org/" })
	path = s.recall()
	out["offer online"] = s.get(path)
	out["booking after an offer"] = s.post(path, "action", "book", "online", "on")
	out["offer answered online"] = s.get(path)
	path = s.sleeping()
	s.clock.Advance(31 * 24 * time.Hour)
	out["offer without its benefit"] = s.get(path)
	out["offer out of date"] = s.get(s.offer("recall", "first", "2026-10-01"))
	s = newSurgery(t, func(s *surgery) { s.Patient.Language = l.String() })
	out["offer to who is booked"] = s.get(s.recall())
	out["offer booked meanwhile"] = s.post(s.recall(), "action", "later")
	s = invited()
	out["gift"] = s.get(s.gift())
	out["gift with a bad field"] = s.post(s.gift(), "gift", "car")
	out["gift chosen"] = s.does(s.gift(), "gift", "paste")
	s = invited(func(s *surgery) { s.Clinic.Gifts = nil })
	out["gift of none"] = s.get(s.gift())
	s = invited()
	out["club before"] = s.get(s.club())
	s = invited(func(s *surgery) { s.Visit.ID = "" })
	s.comes(7)
	s.grant(dental.Link{Purpose: dental.ReferralLink})
	s.write(dental.Referral{Clinic: clinicID, Patient: patientID, Contact: "c", At: friday},
		dental.Bonus{Clinic: clinicID, Patient: patientID, Source: "grant.1", Kind: dental.BonusGrant, Amount: dental.Money{Minor: 50000, Currency: "RUB"}, At: friday, On: dental.DateOf(friday)})
	out["club"] = s.get(s.club())

	speaking := func(r *http.Request) *http.Request { r.Header.Set("Accept-Language", l.String()); return r }
	s = rewarding(t, "both", func(s *surgery) { s.Clinic.Language = l.String() })
	out["recommendation"] = s.get(s.referral())
	out["recommendation wrong"] = s.post(s.referral(), "name", "Пётр", "phone", "1")
	out["recommendation sent"] = s.does(s.referral(), friend...)
	s = newSurgery(t, func(s *surgery) { s.Clinic.Language, s.Clinic.Phone, s.Clinic.Address = l.String(), "", "" })
	out["recommendation of a bare clinic"] = s.get(s.referral())
	s = fresh()
	out["one click"] = s.send(speaking(formRequest(s.preferences(), "List-Unsubscribe=One-Click")))
	out["dead"] = s.send(speaking(httptest.NewRequest(http.MethodGet, "/s/AAAAAAAAAAAAAAAA", nil)))
	out["405"] = s.send(speaking(httptest.NewRequest(http.MethodPut, "/s/AAAAAAAAAAAAAAAA", nil)))
	out["413"] = s.send(speaking(formRequest("/s/AAAAAAAAAAAAAAAA", strings.Repeat("a", 17<<10))))
	out["unreadable"] = s.send(speaking(formRequest("/s/AAAAAAAAAAAAAAAA", "%zz")))
	foreign := speaking(formRequest("/s/AAAAAAAAAAAAAAAA", ""))
	foreign.Header.Set("Sec-Fetch-Site", "cross-site")
	out["403"] = s.send(foreign)
	s.table.broken = errBroken
	out["500"] = s.send(speaking(httptest.NewRequest(http.MethodGet, "/s/AAAAAAAAAAAAAAAA", nil)))
	return out
}

func TestEveryPageIsSoundMarkupThatEverybodyCanUse(t *testing.T) {
	for _, l := range locale.All() {
		for name, page := range gallery(t, l) {
			t.Run(l.String()+" "+name, func(t *testing.T) {
				page.t = t
				page.has(1, "html[lang="+l.String()+"]").has(1, "head > title").has(1, "body > main").has(1, "h1").
					has(1, "meta[name=viewport][content='width=device-width, initial-scale=1']").has(1, "meta[charset=utf-8]").
					// Nothing is loaded, nothing is styled in place: the policy would forbid it.
					has(0, "link, img, iframe, object, embed, video, audio, source, base, [src], [style], [background]").
					has(0, "form[action], [formaction], form:not([method=post])")
				if name == "club" { // and nothing runs but what shares a link, by a button that is not there without it
					page.has(1, "script").has(1, "button[type=button][hidden]").has(1, "button")
				} else {
					page.has(0, "script, button[type=button]")
				}
				balanced(t, page.Body.Bytes())
				for _, n := range page.all("*") {
					for _, a := range n.Attr {
						if strings.HasPrefix(a.Key, "on") {
							t.Errorf("<%s> has %s", n.Data, a.Key)
						}
					}
				}
				for _, a := range page.all("a") {
					href := attr(a, "href")
					if name == "club" && (strings.HasPrefix(href, "sms:?&body=") || strings.HasPrefix(href, "https://wa.me/?text=") || strings.HasPrefix(href, "https://t.me/share/url?url=")) {
						continue
					}
					if !strings.HasPrefix(href, "tel:+") && !strings.HasPrefix(href, "/") && !strings.HasPrefix(name, "map after") && !strings.HasPrefix(name, "booking after") {
						t.Errorf("a link leads to %q", href)
					}
				}
				ids := map[string]bool{}
				for _, n := range page.all("[id]") {
					if ids[attr(n, "id")] {
						t.Errorf("two elements have the id %q", attr(n, "id"))
					}
					ids[attr(n, "id")] = true
				}
				for _, name := range []string{"for", "aria-labelledby", "aria-describedby"} {
					for _, n := range page.all("[" + name + "]") {
						if !ids[attr(n, name)] {
							t.Errorf("%s names %q, which is nowhere", name, attr(n, name))
						}
					}
				}
				for _, n := range page.all("button, a, legend, label, h1, h2, title, p, textarea[id]") {
					if n.Data != "textarea" && textOf(n) == "" {
						t.Errorf("<%s> says nothing", n.Data)
					}
				}
				for _, n := range page.all("input:not([type=hidden]), textarea") {
					if !labelled(page, n) {
						t.Errorf("<%s name=%s> has no label", n.Data, attr(n, "name"))
					}
				}
				if got := page.Body.Len(); got > 30<<10 {
					t.Errorf("the page has %d bytes", got)
				}
				if words, _, _ := strings.Cut(page.words(), `"use strict";`); regexp.MustCompile(`page\.[a-z]`).MatchString(words) || strings.Contains(words, "ZgotmplZ") || strings.Contains(words, "<no value>") || strings.ContainsAny(words, "{}") {
					t.Errorf("the page has words that are none: %s", words)
				}
			})
		}
	}
}

func labelled(page *answer, n *html.Node) bool {
	for p := n.Parent; p != nil; p = p.Parent {
		if p.Data == "label" {
			return textOf(p) != ""
		}
	}
	return len(page.all("label[for='"+attr(n, "id")+"']")) == 1
}

// balanced holds that every element that has to be closed is closed in order:
// a parser of HTML would mend it in silence.
func balanced(t *testing.T, page []byte) {
	t.Helper()
	void := []string{"meta", "input", "br"}
	var open []string
	for z := html.NewTokenizer(bytes.NewReader(page)); ; {
		switch z.Next() {
		case html.ErrorToken:
			if len(open) > 0 {
				t.Errorf("never closed: %q", open)
			}
			return
		case html.StartTagToken:
			if name, _ := z.TagName(); !slices.Contains(void, string(name)) {
				open = append(open, string(name))
			}
		case html.EndTagToken:
			name, _ := z.TagName()
			if len(open) == 0 || open[len(open)-1] != string(name) {
				t.Errorf("</%s> closes %q", name, open)
				return
			}
			open = open[:len(open)-1]
		}
	}
}

func TestNoPageTellsWhoThePatientIs(t *testing.T) {
	for _, l := range locale.All() {
		for name, page := range gallery(t, l) {
			all := page.Body.String() + fmt.Sprint(page.Header())
			for _, secret := range []string{"Аглаида", "Непоказуева", "9160000001", "916 000-00-01", "aglaida", "example.com/s", "1956", "P-77", "K03", "Профессиональная"} {
				if strings.Contains(all, secret) {
					t.Errorf("%s: the page has %q", name, secret)
				}
			}
			if title := textOf(page.all("title")[0]); strings.Contains(title, "Соколова") || strings.ContainsAny(title, "0123456789") {
				t.Errorf("%s: the title is %q", name, title)
			}
		}
	}
}

// read is a file of the package.
func read(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestEveryTextOfPagesIsUsedAndEveryUsedTextIsThere(t *testing.T) {
	// Keys are written out in the sources, or end where a value of the domain goes on.
	named := regexp.MustCompile(`"(page\.[a-z0-9.-]+)"`)
	var whole, beginnings []string
	templates, _ := filepath.Glob("pages/*.html")
	sources, _ := filepath.Glob("*.go")
	for _, name := range append(templates, sources...) {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		for _, m := range named.FindAllStringSubmatch(read(t, name), -1) {
			if key := m[1]; strings.HasSuffix(key, ".") {
				beginnings = append(beginnings, key)
			} else {
				whole = append(whole, key)
			}
		}
	}
	if len(whole) < 20 || len(beginnings) < 5 {
		t.Fatalf("found %q and %q: this test looks at nothing", whole, beginnings)
	}
	for _, key := range whole {
		// One that is no text itself is what further words are added to.
		if !locale.Russian.Has(key) && !slices.ContainsFunc(locale.Russian.Keys(), func(k string) bool { return strings.HasPrefix(k, key+".") }) {
			t.Errorf("there is no text %q", key)
		}
	}
	for _, key := range locale.Russian.Keys() {
		used := slices.Contains(whole, key) || slices.ContainsFunc(beginnings, func(b string) bool { return strings.HasPrefix(key, b) }) ||
			slices.ContainsFunc(whole, func(w string) bool { return strings.HasPrefix(key, w+".") })
		if strings.HasPrefix(key, "page.") && !used {
			t.Errorf("no page has the text %q", key)
		}
	}
}
