package fhir_test

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/returnpoint/returnpoint/shared/channel/wire"
	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/intake"
	"github.com/returnpoint/returnpoint/shared/mis/fhir"
	"github.com/returnpoint/returnpoint/shared/mis/mistest"
)

// subscription is a server whose Subscription has told of so many events: the
// deletions of encounters, each by an event of the encounter's number.
type subscription struct {
	*shelf
	events  int
	portion int // events that an answer has at most; 0 for all
	of      func(n int) string
	fails   map[string]http.HandlerFunc // by the encounter's id
}

func subscribed(t *testing.T, events int) (*subscription, *fhir.Client, dental.Account) {
	t.Helper()
	s, c, a := open(t, wire.Options{})
	a.Settings[fhir.SubscriptionSetting] = "admission"
	sub := &subscription{shelf: s, events: events, of: func(n int) string { return event(n, fmt.Sprint("Encounter/", n)) }, fails: map[string]http.HandlerFunc{}}
	s.Answer(sub.answer)
	return sub, c, a
}

func (s *subscription) answer(w http.ResponseWriter, r *http.Request) {
	id, single := strings.CutPrefix(r.URL.Path, "/r4/Encounter/")
	switch {
	case strings.HasSuffix(r.URL.Path, "/$events"):
		from, _ := strconv.Atoi(r.URL.Query().Get("eventsSinceNumber"))
		last := s.events
		if s.portion > 0 {
			last = min(last, from+s.portion-1)
		}
		parameters := []string{since(s.events)}
		for n := last; n >= from; n-- { // in whatever order
			parameters = append(parameters, s.of(n))
		}
		_, _ = w.Write([]byte(status("query-event", strings.Join(parameters, ","), "")))
	case single && s.fails[id] != nil:
		s.fails[id](w, r)
	case single:
		outcome(w, http.StatusGone, "deleted")
	default:
		s.shelf.answer(w, r)
	}
}

// gone are the numbers of the encounters that came as deleted.
func gone(objects []intake.Object) (out []int) {
	for _, o := range objects {
		if n, err := strconv.Atoi(o.ID); err == nil && o.Gone {
			out = append(out, n)
		}
	}
	slices.Sort(out)
	return out
}

func upTo(n int) (out []int) {
	for i := range n {
		out = append(out, i+1)
	}
	return out
}

func TestNoEventOfASubscriptionIsPassedOver(t *testing.T) {
	for name, c := range map[string]struct {
		events, portion int
		of              func(n int) string
		want            []int
	}{
		"as many as are read at once":         {20, 0, nil, upTo(20)},
		"one more":                            {21, 0, nil, upTo(21)},
		"many more":                           {95, 0, nil, upTo(95)},
		"that are told some at a time":        {95, 7, nil, upTo(95)},
		"that name the same over and again":   {95, 0, func(n int) string { return event(n, fmt.Sprint("Encounter/", 1+n%30)) }, upTo(30)},
		"of which some name what is not read": {95, 0, func(n int) string { return event(n, fmt.Sprint([]string{"Encounter/", "Observation/"}[n%2], n)) }, slices.DeleteFunc(upTo(95), func(n int) bool { return n%2 == 1 })},
		"of which one names more than are read at once": {3, 0, func(n int) string {
			var more strings.Builder
			for i := range 30 {
				fmt.Fprintf(&more, `,{"name":"additional-context","valueReference":{"reference":"Encounter/%d"}}`, (n-1)*30+i+1)
			}
			return strings.TrimSuffix(event(n, "Observation/1"), "]}") + more.String() + "]}"
		}, upTo(90)},
	} {
		t.Run(name, func(t *testing.T) {
			s, client, a := subscribed(t, c.events)
			if s.portion = c.portion; c.of != nil {
				s.of = c.of
			}
			objects, cursor, err := mistest.Round(t.Context(), client, clinic(), a, "", now)
			if got := slices.Compact(gone(objects)); err != nil || !slices.Equal(got, c.want) {
				t.Fatalf("there came %v, %v", got, err)
			}
			s.Forget()
			if objects, _, err = mistest.Round(t.Context(), client, clinic(), a, cursor, now); err != nil || len(objects) > 0 {
				t.Errorf("and once more %d, %v", len(objects), err)
			}
			if asked := s.Asked(); !strings.HasSuffix(asked[0], fmt.Sprint("eventsSinceNumber=", c.events+1)) {
				t.Errorf("it is asked %s", asked[0])
			}
		})
	}
}

func TestASubscriptionThatCountsAnewIsReadFromItsBeginning(t *testing.T) {
	s, client, a := subscribed(t, 30)
	_, cursor, err := mistest.Round(t.Context(), client, clinic(), a, "", now)
	if err != nil {
		t.Fatal(err)
	}
	s.events = 2
	if objects, _, err := mistest.Round(t.Context(), client, clinic(), a, cursor, now); err != nil || !slices.Equal(gone(objects), upTo(2)) {
		t.Errorf("got %v, %v", gone(objects), err)
	}
}

func TestTheTypesAreAskedForInEveryRoundHoweverASubscriptionCounts(t *testing.T) {
	const events = 95
	plain := func(n int) string { return event(n, fmt.Sprint("Encounter/", n)) }
	bare := func(n int) string { return strings.Replace(plain(n), "event-number", "x", 1) }
	answers := func(since int, of func(n int) string, from, to int) (int, []string) {
		var told []string
		for n := from; n <= to; n++ {
			told = append(told, of(n))
		}
		return since, told
	}
	for name, tells := range map[string]func(from int) (since int, told []string){
		"from the question on":                 func(from int) (int, []string) { return answers(events+1-from, plain, from, events) },
		"from the question on, and tells some": func(from int) (int, []string) { return answers(events+1-from, plain, from, min(events, from+6)) },
		"what the answer has": func(from int) (int, []string) {
			return answers(min(events+1-from, 30), plain, from, min(events, from+29))
		},
		"nothing, and tells all of it each time": func(int) (int, []string) { return answers(0, plain, 1, events) },
		"by the question": func(from int) (int, []string) {
			return 1, []string{event(from, fmt.Sprint("Encounter/", 1+from%events))}
		},
		"always fewer":                 func(from int) (int, []string) { return answers(max(1, from-2), plain, from, min(events, from+24)) },
		"always more than it tells":    func(from int) (int, []string) { return answers(from+1000, plain, from, events) },
		"without numbers":              func(int) (int, []string) { return answers(events, bare, 1, events) },
		"without numbers, always more": func(from int) (int, []string) { return answers(from+1000, bare, 1, events) },
		"some with a number, the others without one": func(from int) (int, []string) {
			since, told := answers(events, bare, 1, events-5)
			_, more := answers(events, plain, max(from, events-4), events)
			return since, append(told, more...)
		},
	} {
		t.Run(name, func(t *testing.T) {
			s, client, a := subscribed(t, 0)
			s.Answer(func(w http.ResponseWriter, r *http.Request) {
				if !strings.HasSuffix(r.URL.Path, "/$events") {
					s.answer(w, r)
					return
				}
				from, _ := strconv.Atoi(r.URL.Query().Get("eventsSinceNumber"))
				n, told := tells(from)
				_, _ = w.Write([]byte(status("query-event", strings.Join(append([]string{since(n)}, told...), ","), "")))
			})
			var came []int
			for cursor, n := "", 0; n < 6; n++ {
				s.Forget()
				for pages := 1; ; pages++ {
					page, err := client.Changed(t.Context(), clinic(), a, cursor, now)
					if err != nil || pages > 2*events/7+len(fhir.Types()) {
						t.Fatalf("page %d of round %d, up to %s: %v", pages, n, page.Cursor, err)
					}
					if len(page.Objects) > 2*20 {
						t.Fatalf("a page brings %d", len(page.Objects))
					}
					came, cursor = append(came, gone(page.Objects)...), page.Cursor
					if !page.More {
						break
					}
				}
				asked := strings.Join(s.Asked(), " ")
				for _, kind := range fhir.Types() {
					if !strings.Contains(asked, "/r4/"+kind+"?") {
						t.Errorf("round %d does not ask for %s", n, kind)
					}
				}
			}
			slices.Sort(came)
			if came = slices.Compact(came); name != "by the question" && !slices.Equal(came, upTo(events)) {
				t.Errorf("there came %v", came)
			}
		})
	}
}

func TestAnEventWhoseResourceIsNotGivenIsReadAgainOrRefusedByItsName(t *testing.T) {
	page := func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) }
	body := func(body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(body)) }
	}
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		kind   dental.ErrorKind // "" where it is refused, and nothing else waits for it
	}{
		"the server is out of order":               {refusing(http.StatusServiceUnavailable, ""), dental.Unavailable},
		"the token is not taken any more":          {refusing(http.StatusUnauthorized, ""), dental.Invalid},
		"some other program answers":               {body("<html>"), dental.Unavailable},
		"it is nowhere, and no FHIR says so":       {page, ""},
		"it has moved":                             {refusing(http.StatusMovedPermanently, ""), ""},
		"it is another":                            {body(`{"resourceType":"Encounter","id":"7","status":"planned"}`), ""},
		"it is none, as FHIR says it":              {body(`{"resourceType":"OperationOutcome"}`), ""},
		"it is not one of R4":                      {body(`{"resourceType":"Encounter","id":"23","status":7}`), ""},
		"a part of it is left out":                 {body(`{"resourceType":"Encounter","id":"23","meta":{"tag":[{"code":"SUBSETTED"}]}}`), ""},
		"it is a Bundle with what was asked for":   {body(`{"resourceType":"Bundle","entry":[]}`), ""},
		"it is one of R4 with a key that is twice": {body(`{"resourceType":"Encounter","id":"23","id":"23"}`), ""},
	} {
		t.Run(name, func(t *testing.T) {
			s, client, a := subscribed(t, 45)
			s.fails["23"] = c.answer
			first, err := client.Changed(t.Context(), clinic(), a, "", now)
			if err != nil || !first.More || !slices.Equal(gone(first.Objects), upTo(20)) {
				t.Fatalf("got %v, %v", gone(first.Objects), err)
			}
			rest, _, err := mistest.Round(t.Context(), client, clinic(), a, first.Cursor, now)
			if dental.KindOf(err) != c.kind {
				t.Fatalf("got %v", err)
			}
			if c.kind != "" { // and nothing was passed over meanwhile
				delete(s.fails, "23")
				if rest, _, err = mistest.Round(t.Context(), client, clinic(), a, first.Cursor, now); err != nil || !slices.Equal(gone(rest), upTo(45)[20:]) {
					t.Errorf("once it is given there came %v, %v", gone(rest), err)
				}
				return
			}
			i := slices.IndexFunc(rest, func(o intake.Object) bool { return o.Unreadable != nil })
			if i < 0 || rest[i].Kind != "Encounter" || rest[i].ID != "23" || len(rest) != 25 || len(gone(rest)) != 24 {
				t.Errorf("there came %+v", rest)
			}
		})
	}
}
