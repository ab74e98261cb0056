package yclients_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/intake"
	"github.com/returnpoint/returnpoint/shared/mis/mistest"
)

// living is a company whose clients are listed page by page while they change.
type living struct {
	mu      sync.Mutex
	clients []int
	most    int // rows of a page, whatever was asked for; 0 for as many as were
	between func(l *living, asked int)
	asked   int
}

func (l *living) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !strings.HasPrefix(r.URL.Path, "/api/v1/clients/") {
		_, _ = w.Write([]byte(`{"success":true,"data":[],"meta":[]}`))
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.asked++; l.asked > 1 && l.between != nil {
		l.between(l, l.asked)
	}
	page, count := whole(r.URL.Query(), "page"), whole(r.URL.Query(), "count")
	if l.most > 0 {
		count = min(count, l.most)
	}
	from := min((page-1)*count, len(l.clients))
	var rows []string
	for _, id := range l.clients[from:min(from+count, len(l.clients))] {
		rows = append(rows, fmt.Sprintf(`{"id":%d,"name":"Вера"}`, id))
	}
	_, _ = fmt.Fprintf(w, `{"success":true,"data":[%s],"meta":{"total_count":%d}}`, strings.Join(rows, ","), len(l.clients))
}

// now is the list as it is, and how often it was asked for.
func (l *living) now() (clients []int, asked int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.clients), l.asked
}

// remove takes n clients out of the list, from the place on.
func (l *living) remove(at, n int) { l.clients = slices.Delete(slices.Clone(l.clients), at, at+n) }

func TestNobodyIsPassedOverInAListThatChangesWhileItIsRead(t *testing.T) {
	for name, c := range map[string]struct {
		most    int
		between func(l *living, asked int)
		asked   int // at most
	}{
		"nothing happens": {0, nil, 15},
		"a client read before is deleted at every page": {0, func(l *living, asked int) { l.remove(asked, 1) }, 15},
		"a few are": {0, func(l *living, asked int) { l.remove(asked, 15) }, 15},
		"many are at once": {0, func(l *living, asked int) {
			if asked == 3 {
				l.remove(0, 150)
			}
		}, 20},
		"the very last that was read is": {0, func(l *living, asked int) {
			if asked == 2 {
				l.remove(199, 1)
			}
		}, 20},
		"one is deleted and another added, so that as many": {0, func(l *living, asked int) { l.remove(0, 1); l.clients = append(l.clients, 10000+asked) }, 20},
		"one is moved to the end":                           {0, func(l *living, asked int) { id := l.clients[0]; l.remove(0, 1); l.clients = append(l.clients, id) }, 20},
		"new ones come before the others":                   {0, func(l *living, asked int) { l.clients = slices.Insert(l.clients, 0, 20000+asked) }, 20},
		"the pages are smaller than was asked for":          {50, func(l *living, asked int) { l.remove(asked, 1) }, 70},
	} {
		t.Run(name, func(t *testing.T) {
			l := &living{most: c.most, between: c.between}
			for id := range 2000 {
				l.clients = append(l.clients, id+1)
			}
			s := serve(t, l.ServeHTTP)
			came, cursor := map[string]bool{}, ""
			for more := true; more; {
				page, err := s.client().Changed(t.Context(), clinic(), s.account(), cursor, noon)
				if err != nil {
					t.Fatal(err)
				}
				for _, o := range page.Objects {
					came[o.ID] = true
				}
				if page.More && page.Cursor == cursor {
					t.Fatalf("it stands still at %q", cursor)
				}
				cursor, more = page.Cursor, page.More
			}
			clients, asked := l.now()
			for _, id := range clients {
				if id <= 2000 && !came[fmt.Sprint(id)] {
					t.Errorf("client %d was passed over", id)
				}
			}
			if asked > c.asked {
				t.Errorf("it was asked %d times, and %d are enough", asked, c.asked)
			}
		})
	}
}

func TestAListWithoutAnyOrderComesToAnEnd(t *testing.T) {
	l := &living{between: func(l *living, asked int) {
		rand.New(rand.NewPCG(1, uint64(asked))).Shuffle(len(l.clients), func(i, j int) { l.clients[i], l.clients[j] = l.clients[j], l.clients[i] })
	}}
	for id := range 2000 {
		l.clients = append(l.clients, id+1)
	}
	s, cursor := serve(t, l.ServeHTTP), ""
	for range 60 {
		page, err := s.client().Changed(t.Context(), clinic(), s.account(), cursor, noon)
		if err != nil {
			t.Fatal(err)
		}
		if cursor = page.Cursor; !page.More {
			return
		}
	}
	_, asked := l.now()
	t.Errorf("after %d questions it is at %q", asked, cursor)
}

func TestARowOfAListThatCannotBeReadIsRefusedByItsNameAndStopsNoOther(t *testing.T) {
	for name, c := range map[string]struct {
		rows string
		want map[string]bool // by id: whether it says something
	}{
		"one of several": {`{"id":1,"name":{"x":1}},{"id":2,"name":"Вера"},"?"`, map[string]bool{"1": false, "2": true, "": false}},
		"all of them":    {`{"id":1,"name":{"x":1}},{"id":"x"}`, map[string]bool{"1": false, "": false}},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, raw(200, `{"success":true,"data":[`+c.rows+`],"meta":{"total_count":2}}`))
			page, err := s.client().Changed(t.Context(), clinic(), s.account(), "", noon)
			if err != nil || !page.More || !strings.HasPrefix(page.Cursor, "records ") || len(page.Objects) != len(c.want) {
				t.Fatalf("got %+v, %v", page, err)
			}
			for _, o := range page.Objects {
				if says, known := c.want[o.ID]; !known || says != (o.Patient() != "") || says != (o.Unreadable == nil) || o.System != dental.YClients || o.Kind != "client" {
					t.Errorf("client %q is %+v", o.ID, o)
				}
			}
		})
	}
}

func TestARecordThatIsKnownAndCannotBeReadAnyMoreIsRefused(t *testing.T) {
	whole := true
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		row := recordWith("attendance=0")
		if !whole {
			row = recordWith(`attendance=3; last_change_date="2026-03-09T14:00:00+0300"`)
		}
		row = row[strings.Index(row, `"data":`)+len(`"data":`) : len(row)-1]
		switch {
		case strings.HasPrefix(r.URL.Path, "/api/v1/record/"):
			_, _ = w.Write([]byte(`{"success":true,"data":` + row + `,"meta":[]}`))
		case strings.HasPrefix(r.URL.Path, "/api/v1/records/"):
			_, _ = w.Write([]byte(`{"success":true,"data":[` + row + `],"meta":{"total_count":1}}`))
		default:
			_, _ = w.Write([]byte(`{"success":true,"data":[],"meta":[]}`))
		}
	})
	mistest.Unread(t, clinic(), s.account(), s.client(), noon, intake.Ref{Kind: "record", ID: "31"}, "data.attendance: is none of",
		func(is bool) { whole = is })
}
