package web_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/table"
)

// everyPath is one living link of each purpose, and the file below one.
func (s *surgery) everyPath() []string {
	c := s.appointment()
	return []string{s.survey(), c, c + "/visit.ics", s.preferences(), s.recall(), s.gift(), s.club(), s.referral()}
}

func TestGetAndHeadChangeNothing(t *testing.T) {
	s := newSurgery(t, nil)
	paths := s.everyPath()
	s.does(paths[0], "answer", "good")
	before, writes := s.card(), s.table.writes
	for _, path := range paths {
		for _, query := range []string{"", "?saved", "?not-me", "?answer=bad&nps=0&map=2%D0%93%D0%98%D0%A1", "?action=cancel", "?save=on&not-me=on&List-Unsubscribe=One-Click",
			"?action=book&online=on", "?action=never", "?gift=brush"} {
			for _, method := range []string{http.MethodGet, http.MethodHead} {
				s.send(httptest.NewRequest(method, path+query, nil)).want(http.StatusOK)
				// A body has no say either.
				r := formRequest(path+query, "answer=bad&action=never&gift=brush&not-me=on&List-Unsubscribe=One-Click")
				r.Method = method
				s.send(r).want(http.StatusOK)
			}
		}
	}
	if s.table.writes != writes {
		t.Errorf("%d writes", s.table.writes-writes)
	}
	if after := s.card(); after.Patient.Changes != before.Patient.Changes {
		t.Error("the patient has changed")
	}
}

func TestTheQueryOfAPostIsNoForm(t *testing.T) {
	s := newSurgery(t, nil)
	path := s.survey()
	s.send(formRequest(path+"?answer=bad&utm_source=sms;x", "")).want(http.StatusBadRequest)
	if len(s.card().Answers) != 0 {
		t.Error("the query was taken for an answer")
	}
	s.send(formRequest(path+"?utm_source=sms;x&%zz", "answer=good")).want(http.StatusSeeOther)
}

func TestHeadAnswersAsGetDoesWithoutTheBody(t *testing.T) {
	s := newSurgery(t, nil)
	server := httptest.NewServer(s.mux)
	defer server.Close()
	for _, path := range append(s.everyPath(), "/s/unknown") {
		get, err := server.Client().Get(server.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		page, err := io.ReadAll(get.Body)
		if err != nil {
			t.Fatal(err)
		}
		head, err := server.Client().Head(server.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		rest, err := io.ReadAll(head.Body)
		if err != nil {
			t.Fatal(err)
		}
		get.Header.Del("Date")
		head.Header.Del("Date")
		if get.StatusCode != head.StatusCode || !maps.EqualFunc(get.Header, head.Header, slices.Equal) {
			t.Errorf("%s: GET %d %v\nHEAD %d %v", path, get.StatusCode, get.Header, head.StatusCode, head.Header)
		}
		if len(rest) != 0 || head.ContentLength != int64(len(page)) {
			t.Errorf("%s: HEAD has %d bytes and says %d, GET has %d", path, len(rest), head.ContentLength, len(page))
		}
	}
}

func TestLinksThatDoNotOpenAllLookTheSame(t *testing.T) {
	s := newSurgery(t, nil)
	expired := s.grant(dental.Link{Purpose: dental.SurveyLink, Subject: "2026-05-01", Expires: friday.Add(time.Second)})
	noDay := s.grant(dental.Link{Purpose: dental.SurveyLink, Subject: "yesterday"})
	noPatient := s.grant(dental.Link{Purpose: dental.SurveyLink, Patient: "P-0", Subject: "2026-05-21"})
	noClinic := s.grant(dental.Link{Purpose: dental.SurveyLink, Clinic: "elsewhere", Subject: "2026-05-21"})
	noAppointment := s.grant(dental.Link{Purpose: dental.AppointmentLink, Subject: "A-0@2026-05-24T11:30:00Z"})
	s.clock.Advance(time.Second)
	survey, appointment, preferences := s.survey(), s.appointment(), s.preferences()
	offer, gift, club := s.recall(), s.gift(), s.club()
	token := strings.TrimPrefix(survey, "/s/")
	dead := map[string]string{
		"unknown":                                "/s/AAAAAAAAAAAAAAAA",
		"expired":                                expired,
		"about no day":                           noDay,
		"about no patient":                       noPatient,
		"of no clinic":                           noClinic,
		"about no appointment":                   noAppointment,
		"a survey as an appointment":             "/c/" + token,
		"a survey as a calendar file":            "/c/" + token + "/visit.ics",
		"a survey as a picture":                  "/c/" + token + "/doctor.jpg",
		"a picture that there is not":            appointment + "/doctor.jpg",
		"a survey as preferences":                "/u/" + token,
		"an appointment as a survey":             strings.Replace(appointment, "/c/", "/s/", 1),
		"preferences as a survey":                strings.Replace(preferences, "/u/", "/s/", 1),
		"an offer as a gift":                     strings.Replace(offer, "/o/", "/g/", 1),
		"an offer as the club":                   strings.Replace(offer, "/o/", "/club/", 1),
		"an offer as an appointment":             strings.Replace(offer, "/o/", "/c/", 1),
		"a gift as an offer":                     strings.Replace(gift, "/g/", "/o/", 1),
		"the club as an offer":                   strings.Replace(club, "/club/", "/o/", 1),
		"the club as a gift":                     strings.Replace(club, "/club/", "/g/", 1),
		"an offer of nothing":                    s.grant(dental.Link{Purpose: dental.OfferLink, Subject: "recall"}),
		"an offer of a step that is none":        s.offer("recall", "third", "2026-11-21"),
		"an offer that is a survey":              s.offer("after-visit", "survey", "2026-05-21"),
		"an offer about no patient":              s.grant(dental.Link{Purpose: dental.OfferLink, Patient: "P-0", Subject: "recall/first/2026-11-21"}),
		"a gift of nothing":                      s.grant(dental.Link{Purpose: dental.GiftLink, Subject: "party/greeting/2026"}),
		"an expired offer":                       s.grant(dental.Link{Purpose: dental.OfferLink, Subject: "recall/second/2026-11-21", Expires: s.clock.Now()}),
		"an offer's picture that there is not":   offer + "/doctor.jpg",
		"another file of an offer":               offer + "/nurse.jpg",
		"something below a gift":                 gift + "/more",
		"no token for an offer":                  "/o/",
		"no token for a gift":                    "/g/",
		"no token":                               "/s/",
		"no token for an appointment":            "/c/",
		"no token for preferences":               "/u/",
		"too short":                              survey[:len(survey)-1],
		"too long":                               survey + "A",
		"a slash after it":                       survey + "/",
		"something below it":                     survey + "/more",
		"another file":                           appointment + "/visit.pdf",
		"with other letters":                     "/s/ААААААААААААААА1",
		"with escapes":                           "/s/%00%0d%0aSet-Cookie:x",
		"with a slash in it":                     "/u/AAAAAAAA%2FAAAAAAA",
		"with markup":                            "/c/%3Cscript%3Ealert(1)%3C/script%3E",
		"in another case":                        "/s/" + strings.ToUpper(token),
		"with a query that the page would react": "/u/AAAAAAAAAAAAAAAA?not-me&saved",
	}
	for _, path := range []string{survey, appointment, preferences, offer, gift, club} {
		s.get(path).want(http.StatusOK) // the living ones these are made of
	}
	seen := s.get("/s/AAAAAAAAAAAAAAAB").want(http.StatusNotFound).reads("h1", "Эта ссылка не открывается").
		saysNot("Улыбка").has(0, "header").has(0, "footer").has(0, "form").has(0, "a")
	for name, path := range dead {
		t.Run(name, func(t *testing.T) {
			s.t = t
			requests := map[string]*http.Request{
				"GET": httptest.NewRequest(http.MethodGet, path, nil),
			}
			if !strings.HasSuffix(path, ".ics") && !strings.HasSuffix(path, ".pdf") && !strings.HasSuffix(path, ".jpg") && !strings.HasPrefix(path, "/club/") {
				requests["POST answer"] = formRequest(path, "answer=good")
				requests["POST action"] = formRequest(path, "action=confirm")
				requests["POST gift"] = formRequest(path, "gift=brush")
				requests["POST choices"] = formRequest(path, "save=on")
				requests["POST not me"] = formRequest(path, "not-me=on")
				requests["POST one click"] = formRequest(path, "List-Unsubscribe=One-Click")
				requests["POST nonsense"] = formRequest(path, "nonsense=1")
			}
			for kind, r := range requests {
				a := s.send(r)
				if a.Code != seen.Code || !bytes.Equal(a.Body.Bytes(), seen.Body.Bytes()) || !maps.EqualFunc(a.Header(), seen.Header(), slices.Equal) {
					t.Errorf("%s %s differs: %d %v\n%s", kind, path, a.Code, a.Header(), a.Body)
				}
			}
		})
	}
	s.t = t
	if strings.Contains(s.log.String(), token) {
		t.Error("a token is in the log")
	}
}

func TestTheLinksOfAnErasedPatientAreDead(t *testing.T) {
	s := newSurgery(t, nil)
	paths := s.everyPath()
	tx := s.store.Begin()
	if _, err := tx.Card(context.Background(), clinicID, patientID); err != nil {
		t.Fatal(err)
	}
	s.Patient.Erased = true
	tx.Put(s.Patient)
	if err := tx.Commit(context.Background()); err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		s.get(path).want(http.StatusNotFound).saysNot("Улыбка")
	}
}

func TestTheDeadPageSpeaksTheBrowsersLanguage(t *testing.T) {
	s := newSurgery(t, nil)
	for accept, lang := range map[string]string{
		"ru": "ru", "ru-RU,ru;q=0.9,en-US;q=0.8": "ru", "en-GB,en;q=0.9,ru;q=0.8": "en",
		"en;q=0.3, ru;q=0.7": "ru", "de,fr;q=0.9,ru;q=0.1": "ru", "ru;q=0,de": "en", "ru;q=0": "en", "ru;q=x, en;q=0.1": "en",
		"de": "en", "*": "en", ",;,": "en", "RU-ru": "ru", "ru ; q=0.4 , en;q=0.2": "ru",
	} {
		r := httptest.NewRequest(http.MethodGet, "/s/AAAAAAAAAAAAAAAA", nil)
		r.Header.Set("Accept-Language", accept)
		if got := attr(s.send(r).all("html")[0], "lang"); got != lang {
			t.Errorf("%q is answered in %q, want %q", accept, got, lang)
		}
	}
	r := httptest.NewRequest(http.MethodGet, s.survey(), nil)
	r.Header.Set("Accept-Language", "en")
	if got := attr(s.send(r).all("html")[0], "lang"); got != "ru" {
		t.Errorf("the page of a Russian clinic's patient is in %q", got)
	}
}

func TestOtherMethodsAreRefusedWithWhatIsAllowed(t *testing.T) {
	s := newSurgery(t, nil)
	for _, path := range append(s.everyPath(), "/s/AAAAAAAAAAAAAAAA", "/u/") {
		allow := "GET, HEAD, POST"
		methods := []string{http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions, http.MethodTrace, "PROPFIND", "get"}
		if strings.HasSuffix(path, ".ics") || strings.HasPrefix(path, "/club/") {
			allow, methods = "GET, HEAD", append(methods, http.MethodPost)
		}
		for _, method := range methods {
			a := s.send(httptest.NewRequest(method, path, strings.NewReader("answer=bad"))).want(http.StatusMethodNotAllowed)
			if got := a.Header().Get("Allow"); got != allow {
				t.Errorf("%s %s allows %q, want %q", method, path, got, allow)
			}
		}
	}
}

func TestEveryAnswerHasTheHeadersOfAPrivatePage(t *testing.T) {
	s := newSurgery(t, nil)
	p := s.everyPath()
	s.does(p[0], "answer", "good")
	foreign := formRequest(p[0], "answer=bad")
	foreign.Header.Set("Sec-Fetch-Site", "cross-site")
	answers := map[string]*answer{
		"survey": s.get(p[0]), "appointment": s.get(p[1]), "calendar": s.get(p[2]), "preferences": s.get(p[3]),
		"dead": s.get("/s/AAAAAAAAAAAAAAAA"), "below": s.get("/u/a/b"), "303": s.post(p[1], "action", "confirm"),
		"303 saved": s.post(p[0], "nps", "9"), "map": s.post(p[0], "map", "2ГИС"), "one click": s.post(p[3], "List-Unsubscribe", "One-Click"),
		"offer": s.get(p[4]), "gift": s.get(p[5]), "club": s.get(p[6]), "303 offer": s.post(p[4], "action", "callback"),
		"400": s.post(p[0], "answer", "x"), "403": s.send(foreign), "405": s.send(httptest.NewRequest(http.MethodDelete, p[0], nil)),
		"413": s.post(p[0], "comment", strings.Repeat("a", 20<<10)),
	}
	s.table.broken = table.ErrContention
	answers["503"] = s.get(p[0])
	for name, a := range answers {
		for header, want := range map[string]string{
			"Referrer-Policy":              "no-referrer",
			"X-Content-Type-Options":       "nosniff",
			"Cache-Control":                "no-store",
			"X-Robots-Tag":                 "noindex, nofollow",
			"Strict-Transport-Security":    "max-age=63072000",
			"Cross-Origin-Opener-Policy":   "same-origin",
			"Cross-Origin-Resource-Policy": "same-origin",
			"Permissions-Policy":           "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
		} {
			if got := a.Header().Get(header); got != want {
				t.Errorf("%s: %s is %q, want %q", name, header, got, want)
			}
		}
		policy := a.Header().Get("Content-Security-Policy")
		for _, part := range []string{"default-src 'none'", "form-action 'self'", "base-uri 'none'", "frame-ancestors 'none'", "style-src 'sha256-", "img-src 'self';"} {
			if !strings.Contains(policy, part) {
				t.Errorf("%s: the policy %q lacks %s", name, policy, part)
			}
		}
		if strings.Contains(policy, "unsafe") || strings.Contains(policy, "*") {
			t.Errorf("%s: the policy is %q", name, policy)
		}
		if len(a.Header().Values("Set-Cookie")) != 0 {
			t.Errorf("%s sets a cookie", name)
		}
	}
}

func TestThePolicyNamesTheStyleThatThePageHas(t *testing.T) {
	s := newSurgery(t, nil)
	page := s.get(s.survey())
	style := page.all("style")
	if len(style) != 1 {
		t.Fatalf("%d style sheets", len(style))
	}
	sum := sha256.Sum256([]byte(style[0].FirstChild.Data))
	want := "style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
	if got := page.Header().Get("Content-Security-Policy"); !strings.Contains(got, want) {
		t.Errorf("the policy is %q, the style asks for %s", got, want)
	}
}

func TestABodyOverTheLimitIsRefused(t *testing.T) {
	s := newSurgery(t, nil)
	path := s.survey()
	fits := "comment=" + strings.Repeat("a", 16<<10-len("comment="))
	s.send(formRequest(path, fits)).want(http.StatusSeeOther)
	writes := s.table.writes
	s.send(formRequest(path, fits+"a")).want(http.StatusRequestEntityTooLarge).reads("h1", "Слишком длинный текст")
	s.send(formRequest("/s/AAAAAAAAAAAAAAAA", fits+"a")).want(http.StatusRequestEntityTooLarge)
	unknownLength := formRequest(path, "")
	unknownLength.Body, unknownLength.ContentLength = io.NopCloser(io.MultiReader(strings.NewReader(fits), strings.NewReader("a"))), -1
	s.send(unknownLength).want(http.StatusRequestEntityTooLarge)
	s.send(multipartForm(path, "comment", strings.Repeat("a", 16<<10))).want(http.StatusRequestEntityTooLarge)
	if s.table.writes != writes {
		t.Error("something was written")
	}
}

func TestABodyThatIsNoFormIsRefused(t *testing.T) {
	s := newSurgery(t, nil)
	path := s.survey()
	writes := s.table.writes
	for name, c := range map[string]struct{ kind, body string }{
		"no type":                {"", "answer=bad"},
		"plain text":             {"text/plain", "answer=bad"},
		"JSON":                   {"application/json", `{"answer":"bad"}`},
		"a type of nothing":      {";", "answer=bad"},
		"bad escapes":            {"application/x-www-form-urlencoded", "answer=%zz"},
		"parts without a border": {"multipart/form-data", "answer=bad"},
		"parts that break off":   {"multipart/form-data; boundary=x", "--x\r\nContent-Disposition: form-data; name=\"answer\"\r\n\r\nbad"},
		"a file":                 {"multipart/form-data; boundary=x", "--x\r\nContent-Disposition: form-data; name=\"answer\"; filename=\"a\"\r\n\r\nbad\r\n--x--\r\n"},
	} {
		r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(c.body))
		r.Header.Set("Content-Type", c.kind)
		if a := s.send(r); a.Code != http.StatusBadRequest {
			t.Errorf("%s: status %d", name, a.Code)
		} else {
			a.reads("h1", "Не получилось прочитать форму")
		}
	}
	if s.table.writes != writes {
		t.Error("something was written")
	}
}

func TestAPostFromAnotherSiteIsRefused(t *testing.T) {
	for _, c := range []struct {
		name, fetchSite, origin string
		code                    int
	}{
		{"another site's page", "cross-site", "https://evil.example", http.StatusForbidden},
		{"a neighbour on the same domain", "same-site", "https://other.example.com", http.StatusForbidden},
		{"another site's page in an old browser", "", "https://evil.example", http.StatusForbidden},
		{"a frame without an origin", "cross-site", "null", http.StatusForbidden},
		{"our own page", "same-origin", "null", http.StatusSeeOther},
		{"our own page in an old browser", "", "null", http.StatusSeeOther},
		{"our own page in an old browser that tells its origin", "", "https://example.com", http.StatusSeeOther},
		{"a program", "", "", http.StatusSeeOther},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newSurgery(t, func(s *surgery) { s.Clinic.Gifts = []dental.Gift{{ID: "brush", Name: "Ирригатор"}} })
			for path, body := range map[string]string{s.survey(): "answer=good", s.appointment(): "action=confirm", s.preferences(): "save=on",
				s.recall(): "action=callback", s.gift(): "gift=brush"} {
				writes := s.table.writes
				r := formRequest(path, body)
				for name, value := range map[string]string{"Sec-Fetch-Site": c.fetchSite, "Origin": c.origin} {
					if value != "" {
						r.Header.Set(name, value)
					}
				}
				s.send(r).want(c.code)
				if wrote := s.table.writes != writes; wrote != (c.code == http.StatusSeeOther) {
					t.Errorf("%s wrote: %v", path, wrote)
				}
			}
		})
	}
}

func TestTroubleOnOurSideIsToldPlainlyAndLoggedWithoutTheToken(t *testing.T) {
	s := newSurgery(t, nil)
	for _, path := range s.everyPath() {
		token := strings.Split(path, "/")[2]
		s.table.broken = table.ErrContention
		a := s.get(path).want(http.StatusServiceUnavailable).saysNot("Улыбка")
		if a.Header().Get("Retry-After") == "" {
			t.Error("it does not say when to come back")
		}
		s.table.broken = errBroken
		s.get(path).want(http.StatusInternalServerError).reads("h1", "У нас что-то сломалось").saysNot("shape")
		s.table.broken = nil
		if strings.Contains(s.log.String(), token) {
			t.Errorf("the log has a token: %s", s.log)
		}
		if !strings.Contains(s.log.String(), "page failed") || !strings.Contains(s.log.String(), "{token}") {
			t.Errorf("the log does not tell which page failed: %s", s.log)
		}
	}
}

// errBroken makes the table give out items that cannot be read.
var errBroken = errors.New("items of the wrong shape")

func FuzzWhateverIsSentIsAnsweredOrRefused(f *testing.F) {
	for _, seed := range [][3]string{
		{"application/x-www-form-urlencoded", "answer=good&nps=9&comment=%D0%B0", "ru"},
		{"multipart/form-data; boundary=x", "--x\r\nContent-Disposition: form-data; name=\"comment\"\r\n\r\n\xff\x00\r\n--x--\r\n", "en;q=0.5"},
		{"application/x-www-form-urlencoded", "map=2%D0%93%D0%98%D0%A1", "*;q=,,"},
		{"application/x-www-form-urlencoded", "save=on&advertising.sms=on", ""},
		{"application/x-www-form-urlencoded", "List-Unsubscribe=One-Click", "ru;q=NaN"},
		{"application/x-www-form-urlencoded", "action=book&weekday=fri&part=evening", "ru"},
		{"application/x-www-form-urlencoded", "gift=brush", "ru"},
	} {
		f.Add(seed[0], seed[1], seed[2])
	}
	f.Fuzz(func(t *testing.T, kind, body, language string) {
		gifts := func(s *surgery) { s.Clinic.Gifts = []dental.Gift{{ID: "brush", Name: "Ирригатор"}} }
		s, free := newSurgery(t, gifts), offered(t, gifts)
		for path, s := range map[string]*surgery{s.survey(): s, s.appointment(): s, s.preferences(): s, free.recall(): free, free.gift(): free} {
			writes := s.table.writes
			r := formRequest(path, body)
			r.Header.Set("Content-Type", kind)
			r.Header.Set("Accept-Language", language)
			a := s.send(r)
			taken := a.Code == http.StatusSeeOther || a.Code == http.StatusOK
			refused := a.Code == http.StatusBadRequest || a.Code == http.StatusRequestEntityTooLarge
			if !taken && !refused {
				t.Errorf("%s answers %d", path, a.Code)
			}
			if refused && s.table.writes != writes {
				t.Errorf("%s wrote what it refused", path)
			}
			if strings.Contains(a.Body.String(), "\xff") {
				t.Errorf("%s shows bytes that are no text", path)
			}
		}
	})
}
