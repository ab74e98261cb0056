package fhir_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/returnpoint/returnpoint/shared/channel/wire"
	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/intake"
	"github.com/returnpoint/returnpoint/shared/mis/fhir"
	"github.com/returnpoint/returnpoint/shared/mis/mistest"
	"github.com/returnpoint/returnpoint/shared/pull"
)

// shelf is a FHIR server that keeps resources, answers searches by their time
// page by page, and remembers what it was asked.
type shelf struct {
	mistest.Calls
	auth      mistest.Notes
	mu        sync.Mutex
	resources map[string][]object // by type, in the order of their change
	gone      map[string]bool     // "Type/id"
	lacks     []string            // types that it does not know
	page      int
	expired   bool // pages after the first are not kept
	elsewhere bool // the next page is at another host
	events    string
	url       string
}

func (s *shelf) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.auth.Note(r.Header.Get("Authorization"))
	if instead := s.Heard(r.URL.RequestURI()); instead != nil {
		instead(w, r)
		return
	}
	s.answer(w, r)
}

// outcome answers that something is wrong, in words that no error may repeat.
func outcome(w http.ResponseWriter, status int, code string) {
	w.Header().Set("Content-Type", "application/fhir+json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(object{"resourceType": "OperationOutcome", "issue": list{object{"severity": "error", "code": code, "diagnostics": "Ромашкина"}}})
}

// refusing answers with a status, and says after how many seconds it may be asked again.
func refusing(status int, after string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", after)
		outcome(w, status, "exception")
	}
}

func (s *shelf) answer(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	parts := strings.Split(strings.TrimPrefix(r.URL.Path, "/r4/"), "/")
	switch {
	case parts[0] == "Subscription" && len(parts) == 3 && parts[2] == "$events":
		if s.events == "" {
			outcome(w, http.StatusNotFound, "not-supported")
			return
		}
		_, _ = w.Write([]byte(s.events))
	case slices.Contains(s.lacks, parts[0]):
		outcome(w, http.StatusNotFound, "not-supported")
	case len(parts) == 2 && s.gone[parts[0]+"/"+parts[1]]:
		outcome(w, http.StatusGone, "deleted")
	case len(parts) == 2:
		for _, body := range s.resources[parts[0]] {
			if body["id"] == parts[1] {
				_ = json.NewEncoder(w).Encode(body)
				return
			}
		}
		outcome(w, http.StatusNotFound, "not-found")
	default:
		s.search(w, r, parts[0])
	}
}

func (s *shelf) search(w http.ResponseWriter, r *http.Request, kind string) {
	q := r.URL.Query()
	from, _ := strconv.Atoi(q.Get("_offset"))
	if s.expired && from > 0 {
		outcome(w, http.StatusGone, "expired")
		return
	}
	var found []object
	for _, body := range s.resources[kind] {
		if after, is := strings.CutPrefix(q.Get("_lastUpdated"), "gt"); is && body["meta"].(object)["lastUpdated"].(string) <= after {
			continue
		}
		found = append(found, body)
	}
	answer := object{"resourceType": "Bundle", "type": "searchset", "total": len(found)}
	var entries list
	for _, body := range found[min(from, len(found)):min(from+s.page, len(found))] {
		entries = append(entries, object{"fullUrl": s.url + "/" + kind + "/" + body["id"].(string), "resource": body, "search": object{"mode": "match"}})
	}
	entries = append(entries, object{"resource": object{"resourceType": "OperationOutcome"}, "search": object{"mode": "outcome"}})
	answer["entry"] = entries
	if next := from + s.page; next < len(found) {
		q.Set("_offset", strconv.Itoa(next))
		base := s.url
		if s.elsewhere {
			base = "https://example.com/r4"
		}
		answer["link"] = list{object{"relation": "self", "url": base}, object{"relation": "next", "url": base + "/" + kind + "?" + q.Encode()}}
	}
	_ = json.NewEncoder(w).Encode(answer)
}

// put changes a resource, or makes it, at a minute.
func (s *shelf) put(kind, id string, minute int, fields object) {
	fields["resourceType"], fields["id"], fields["meta"] = kind, id, object{"lastUpdated": instantOf(now.Add(time.Duration(minute) * time.Minute))}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.resources[kind] = append(slices.DeleteFunc(s.resources[kind], func(o object) bool { return o["id"] == id }), fields)
}

// set changes what the server is like.
func (s *shelf) set(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
}

func open(t *testing.T, o wire.Options) (*shelf, *fhir.Client, dental.Account) {
	t.Helper()
	s := &shelf{resources: map[string][]object{}, gone: map[string]bool{}, page: 2}
	srv := httptest.NewServer(s)
	t.Cleanup(srv.Close)
	s.url = srv.URL + "/r4"
	u, err := url.Parse(srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	return s, fhir.New(wire.NewClient(o), u.Host), dental.Account{Settings: map[string]string{fhir.URLSetting: s.url + "/"}, Secrets: map[string]dental.Secret{fhir.TokenSecret: "t0ken"}}
}

// round asks until there is nothing more.
func round(t *testing.T, c *fhir.Client, a dental.Account, cursor string) (ids []string, next string) {
	t.Helper()
	objects, next, err := mistest.Round(context.Background(), c, clinic(), a, cursor, now)
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range objects {
		ids = append(ids, o.Kind+"/"+o.ID)
	}
	return ids, next
}

func TestWhatHasChangedIsAskedTypeByTypeAndPageByPage(t *testing.T) {
	s, c, a := open(t, wire.Options{})
	for i := range 5 {
		s.put("Patient", fmt.Sprint("p", i), i, object{})
	}
	s.put("Encounter", "e", 3, object{"status": "planned"})
	s.set(func() { s.lacks = []string{"Invoice", "PaymentNotice"} })
	got, cursor := round(t, c, a, "")
	if want := []string{"Patient/p0", "Patient/p1", "Patient/p2", "Patient/p3", "Patient/p4", "Encounter/e"}; !slices.Equal(got, want) {
		t.Errorf("the first round brings %q, want %q", got, want)
	}
	asked, auth := s.Asked(), s.auth.All()
	if !strings.HasPrefix(asked[0], "/r4/Patient?_count=100&_sort=_lastUpdated") || auth[0] != "Bearer t0ken" {
		t.Errorf("it asks for %s as %q", asked[0], auth[0])
	}
	for _, kind := range fhir.Types() {
		if !slices.ContainsFunc(asked, func(a string) bool { return strings.HasPrefix(a, "/r4/"+kind+"?") }) {
			t.Errorf("it never asks for %s", kind)
		}
	}
	s.put("Patient", "p1", 30, object{})
	s.put("Encounter", "f", 31, object{"status": "planned"})
	if got, cursor = round(t, c, a, cursor); !slices.Equal(got, []string{"Patient/p0", "Patient/p2", "Patient/p3", "Patient/p4", "Patient/p1", "Encounter/e", "Encounter/f"}) {
		t.Errorf("the second round brings %q: what changed, and what had up to five minutes before the last change", got)
	}
	if got, _ = round(t, c, a, cursor); !slices.Equal(got, []string{"Patient/p1", "Encounter/f"}) {
		t.Errorf("the third round brings %q", got)
	}
}

func TestTheFirstQuestionBeginsWhereTheAccountSays(t *testing.T) {
	s, c, a := open(t, wire.Options{})
	a.Settings[fhir.SinceSetting], a.Settings[fhir.UserSetting] = "2025-01-01", "clinic"
	round(t, c, a, "")
	if asked, auth := s.Asked(), s.auth.All(); !strings.Contains(asked[0], "_lastUpdated=ge2025-01-01") || auth[0] != "Basic Y2xpbmljOnQwa2Vu" {
		t.Errorf("it asks for %s as %q", asked[0], auth[0])
	}
}

func TestATypeWhosePageIsNotKeptAnyMoreIsReadAnewButNotForEver(t *testing.T) {
	s, c, a := open(t, wire.Options{})
	for i := range 5 {
		s.put("Patient", fmt.Sprint("p", i), i, object{})
	}
	s.set(func() { s.expired = true })
	got, cursor := round(t, c, a, "")
	if len(got) != 8 || got[6] != "Patient/p0" || got[7] != "Patient/p1" {
		t.Errorf("where no page is kept it brings %q", got)
	}
	s.set(func() { s.expired = false })
	if got, _ = round(t, c, a, cursor); len(got) != 5 {
		t.Errorf("the next round brings %q", got)
	}
}

func TestTheTokenNeverGoesToAnotherHost(t *testing.T) {
	s, c, a := open(t, wire.Options{})
	for i := range 3 {
		s.put("Patient", fmt.Sprint("p", i), i, object{})
	}
	s.set(func() { s.elsewhere = true })
	if _, err := c.Changed(context.Background(), clinic(), a, "", now); dental.KindOf(err) != dental.Invalid {
		t.Errorf("the error is %v", err)
	}
}

func TestOneResourceIsReadAgain(t *testing.T) {
	s, c, a := open(t, wire.Options{})
	s.put("Patient", "p", 0, object{})
	s.put("Encounter", "x", 0, object{"status": "planned"})
	s.set(func() { s.gone["Encounter/e"], s.gone["Patient/q"] = true, true })
	for _, q := range []struct {
		ref  intake.Ref
		want string
	}{
		{intake.Ref{Kind: "Patient", ID: "p"}, "Patient p with 1"},
		{intake.Ref{Kind: "Encounter", ID: "e"}, "Encounter e with 0 gone"},
		{intake.Ref{Kind: "Encounter", ID: "never"}, "Encounter never with 0 gone"},
		{intake.Ref{Kind: "Patient", ID: "q"}, "Patient q with 1"},
		{intake.Ref{Kind: "Location", ID: "l"}, ""},
	} {
		got, err := c.Fetch(context.Background(), clinic(), a, q.ref, now)
		if err != nil {
			t.Errorf("%v: %v", q.ref, err)
		}
		var words []string
		for _, o := range got {
			gone := ""
			if o.Gone {
				gone = " gone"
			}
			words = append(words, fmt.Sprintf("%s %s with %d%s", o.Kind, o.ID, len(o.Facts), gone))
			if o.Kind == "Patient" && o.ID == "q" && o.Facts[0].Card.Status != dental.Archived {
				t.Errorf("the card of a patient who is gone is %s", o.Facts[0].Card.Status)
			}
		}
		if strings.Join(words, ", ") != q.want {
			t.Errorf("%v gives %q, want %q", q.ref, words, q.want)
		}
	}
	t.Run("what is no resource of R4 says nothing against the account", func(t *testing.T) {
		s.put("Patient", "odd", 0, object{"name": "Вера"})
		got, err := c.Fetch(context.Background(), clinic(), a, intake.Ref{Kind: "Patient", ID: "odd"}, now)
		if err != nil || len(got) != 1 || got[0].Kind != "Patient" || got[0].ID != "odd" || dental.KindOf(got[0].Unreadable) != dental.Invalid {
			t.Errorf("it is %+v, %v", got, err)
		}
	})
	t.Run("nor does what is no resource at all, which may be one later", func(t *testing.T) {
		s.Answer(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>")) })
		if got, err := c.Fetch(context.Background(), clinic(), a, intake.Ref{Kind: "Patient", ID: "p"}, now); dental.KindOf(err) != dental.Unavailable {
			t.Errorf("it is %+v, %v", got, err)
		}
		s.Answer(nil)
	})
	t.Run("nor does a type that the server does not show", func(t *testing.T) {
		s.Answer(refusing(http.StatusForbidden, ""))
		if got, err := c.Fetch(context.Background(), clinic(), a, intake.Ref{Kind: "Invoice", ID: "i"}, now); err != nil || len(got) != 0 {
			t.Errorf("got %v, %v", got, err)
		}
	})
	t.Run("but a wrong address proves nothing about it", func(t *testing.T) {
		srv := httptest.NewServer(http.NotFoundHandler())
		defer srv.Close()
		u, _ := url.Parse(srv.URL)
		_, err := fhir.New(wire.NewClient(wire.Options{}), u.Host).Fetch(context.Background(), clinic(), dental.Account{Settings: map[string]string{fhir.URLSetting: srv.URL}}, intake.Ref{Kind: "Patient", ID: "p"}, now)
		if dental.KindOf(err) != dental.Invalid {
			t.Errorf("the error is %v", err)
		}
	})
}

func TestAResourceThatIsKnownAndCannotBeReadAnyMoreIsRefused(t *testing.T) {
	s, c, a := open(t, wire.Options{})
	mistest.Unread(t, clinic(), a, c, now, intake.Ref{Kind: "Appointment", ID: "18"}, "participant", func(whole bool) {
		participants, minute := any(list{object{"actor": object{"reference": "Patient/1"}, "status": "accepted"}}), 0
		if !whole {
			participants, minute = "Patient/1", 5
		}
		s.put("Appointment", "18", minute, object{"status": "booked", "start": "2026-12-01T10:00:00+03:00", "participant": participants})
	})
}

func TestAnEntryOfASearchThatCannotBeReadIsRefusedByItsNameAndStopsNoOther(t *testing.T) {
	const good = `{"resource":{"resourceType":"Patient","id":"p"}}`
	for name, c := range map[string]struct{ entry, want string }{
		"by its address":             {`{"fullUrl":"https://example.org/r4/Patient/7","resource":{"resourceType":"Patient","id":"7","name":7}}`, "Patient 7"},
		"by what it calls itself":    {`{"resource":{"resourceType":"Patient","id":"7","name":7}}`, "Patient 7"},
		"by nothing but its type":    {`{"resource":{"resourceType":"Patient","id":7}}`, "Patient "},
		"by what was searched for":   {`7`, "Patient "},
		"of which a part is missing": {`{"resource":{"resourceType":"Patient","id":"7","meta":{"tag":[{"code":"SUBSETTED"}]}}}`, "Patient 7"},
		"that is empty":              {`{"fullUrl":"https://example.org/r4/Patient/7"}`, "Patient 7"},
		"that does not matter":       {`{"resource":{"resourceType":"Location","id":7}}`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s, client, a := open(t, wire.Options{})
			s.Answer(func(w http.ResponseWriter, _ *http.Request) {
				_, _ = w.Write([]byte(`{"resourceType":"Bundle","type":"searchset","entry":[` + c.entry + `,` + good + `]}`))
			})
			page, err := client.Changed(context.Background(), clinic(), a, "", now)
			if err != nil {
				t.Fatal(err)
			}
			got := ""
			for _, o := range page.Objects[:len(page.Objects)-1] {
				got += o.Kind + " " + o.ID
				if dental.KindOf(o.Unreadable) != dental.Invalid || o.System != dental.FHIR {
					t.Errorf("it is %+v", o)
				}
			}
			if last := page.Objects[len(page.Objects)-1]; got != c.want || last.ID != "p" || last.Unreadable != nil {
				t.Errorf("there came %+v", page.Objects)
			}
		})
	}
}

func TestAnAnswerThatIsNoneSaysWhatToDo(t *testing.T) {
	for _, q := range []struct {
		name   string
		status int
		kind   dental.ErrorKind
		words  string
	}{
		{"the token is not accepted", http.StatusUnauthorized, dental.Invalid, "does not accept the token"},
		{"the token may see nothing", http.StatusForbidden, dental.Invalid, "shows nothing to this token"},
		{"there were too many questions", http.StatusTooManyRequests, dental.Unavailable, "left alone for 2m0s"},
		{"it is out of order", http.StatusServiceUnavailable, dental.Unavailable, "cannot answer now"},
		{"it has moved", http.StatusMovedPermanently, dental.Invalid, "another address"},
		{"it knows none of the types", http.StatusNotFound, dental.Invalid, "does not answer such questions"},
	} {
		t.Run(q.name, func(t *testing.T) {
			s, c, a := open(t, wire.Options{})
			s.Answer(refusing(q.status, "120"))
			var err error
			cursor := ""
			for i := 0; err == nil && i <= len(fhir.Types()); i++ {
				page, e := c.Changed(context.Background(), clinic(), a, cursor, now)
				cursor, err = page.Cursor, e
			}
			if dental.KindOf(err) != q.kind || !strings.Contains(err.Error(), q.words) {
				t.Errorf("the error is of the kind %q: %v", dental.KindOf(err), err)
			}
			if mend := q.status == http.StatusUnauthorized || q.status == http.StatusMovedPermanently; errors.Is(err, pull.ErrAccount) != mend {
				t.Errorf("the account is to be mended: %v; %v", !mend, err)
			}
			if err != nil && (strings.Contains(err.Error(), "Ромашкина") || strings.Contains(err.Error(), "t0ken")) {
				t.Errorf("%v repeats what the server said, or the token", err)
			}
		})
	}
	t.Run("it is too slow", func(t *testing.T) {
		s, c, a := open(t, wire.Options{Timeout: 50 * time.Millisecond})
		s.Answer(func(w http.ResponseWriter, r *http.Request) {
			time.Sleep(200 * time.Millisecond)
			s.answer(w, r)
		})
		if _, err := c.Changed(context.Background(), clinic(), a, "", now); dental.KindOf(err) != dental.Unavailable {
			t.Errorf("the error is %v", err)
		}
	})
	t.Run("it is nowhere", func(t *testing.T) {
		srv := httptest.NewServer(http.NotFoundHandler())
		u, _ := url.Parse(srv.URL)
		srv.Close()
		_, err := fhir.New(wire.NewClient(wire.Options{}), u.Host).Changed(context.Background(), clinic(), dental.Account{Settings: map[string]string{fhir.URLSetting: srv.URL}}, "", now)
		if dental.KindOf(err) != dental.Unavailable {
			t.Errorf("the error is %v", err)
		}
	})
	t.Run("the address is of the clinic's own network", func(t *testing.T) {
		_, c, a := open(t, wire.Options{})
		a.Settings[fhir.URLSetting] = "https://10.0.0.1/r4"
		_, err := c.Fetch(context.Background(), clinic(), a, intake.Ref{Kind: "Patient", ID: "p"}, now)
		if dental.KindOf(err) != dental.Invalid {
			t.Errorf("the error is %v", err)
		}
	})
	t.Run("the cursor is another's", func(t *testing.T) {
		_, c, a := open(t, wire.Options{})
		if _, err := c.Changed(context.Background(), clinic(), a, "2026-01-01", now); dental.KindOf(err) != dental.Invalid {
			t.Errorf("the error is %v", err)
		}
	})
	t.Run("who asked gave up", func(t *testing.T) {
		_, c, a := open(t, wire.Options{})
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		if _, err := c.Changed(ctx, clinic(), a, "", now); !errors.Is(err, context.Canceled) {
			t.Errorf("the error is %v", err)
		}
	})
}

func TestASubscriptionIsAskedForItsEventsWhereItCanBe(t *testing.T) {
	s, c, a := open(t, wire.Options{})
	a.Settings[fhir.SubscriptionSetting] = "admission"
	s.put("Patient", "p", 0, object{})
	s.set(func() {
		s.events = status("query-event", since(4)+","+event(3, "Encounter/1")+","+event(4, "Patient/p"), dropped)
	})
	got, cursor := round(t, c, a, "")
	if want := []string{"Encounter/1", "Patient/p", "Patient/p"}; !slices.Equal(got, want) {
		t.Errorf("it brings %q, want the deletion, what was only named, and what is found: %q", got, want)
	}
	s.set(func() { s.events = "" })
	s.Forget()
	if got, _ = round(t, c, a, cursor); !slices.Equal(got, []string{"Patient/p"}) {
		t.Errorf("a server that cannot be asked so brings %q", got)
	}
	if asked := s.Asked(); !strings.Contains(asked[0], "/Subscription/admission/$events?content=full-resource&eventsSinceNumber=5") {
		t.Errorf("it asks for %s", asked[0])
	}
}
