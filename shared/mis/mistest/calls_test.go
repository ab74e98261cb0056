package mistest_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/intake"
	"github.com/returnpoint/returnpoint/shared/mis/mistest"
	"github.com/returnpoint/returnpoint/shared/pull"
)

// echo is an API that says where it was asked.
type echo struct{ mistest.Calls }

func (e *echo) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if instead := e.Heard(r.URL.Path); instead != nil {
		instead(w, r)
		return
	}
	_, _ = io.WriteString(w, r.URL.Path)
}

func get(url string) string {
	answer, err := http.Get(url)
	if err != nil {
		return "lost"
	}
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		return "lost"
	}
	return string(body)
}

func TestWhatAnAPIWasAskedIsKeptWhateverBecameOfTheAnswer(t *testing.T) {
	e := &echo{}
	srv := httptest.NewServer(e)
	t.Cleanup(srv.Close)
	if got := get(srv.URL + "/a"); got != "/a" || !slices.Equal(e.Asked(), []string{"/a"}) {
		t.Errorf("it said %q, asked %q", got, e.Asked())
	}
	for range 20 {
		e.Answer(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
		if got := get(srv.URL + "/b"); got != "lost" || len(e.Asked()) == 0 || e.Asked()[0] != "/b" {
			t.Errorf("it said %q, asked %q", got, e.Asked())
		}
	}
	e.Answer(nil)
	if got := get(srv.URL + "/c"); got != "/c" || !slices.Equal(e.Asked(), []string{"/c"}) {
		t.Errorf("it said %q, asked %q", got, e.Asked())
	}
	e.Asked()[0] = "/d"
	if got := e.Asked(); !slices.Equal(got, []string{"/c"}) {
		t.Errorf("who read it has changed it: %q", got)
	}
	if e.Forget(); len(e.Asked()) != 0 {
		t.Errorf("it still knows %q", e.Asked())
	}
}

func TestAnAnswerThatTakesItsTimeHoldsNobodyUp(t *testing.T) {
	e, came, release := &echo{}, make(chan struct{}), make(chan struct{})
	srv := httptest.NewServer(e)
	t.Cleanup(srv.Close)
	e.Answer(func(w http.ResponseWriter, _ *http.Request) {
		close(came)
		<-release
		_, _ = io.WriteString(w, "late")
	})
	said := make(chan string)
	go func() { said <- get(srv.URL + "/slow") }()
	<-came
	if got := e.Asked(); !slices.Equal(got, []string{"/slow"}) {
		t.Errorf("it was asked %q", got)
	}
	e.Answer(nil)
	if got := get(srv.URL + "/next"); got != "/next" {
		t.Errorf("it said %q", got)
	}
	close(release)
	if got := <-said; got != "late" {
		t.Errorf("it said %q", got)
	}
}

// book is a system of so many pages, an object on each.
type book struct {
	pages int
	fail  error // of the last page
}

func (b book) Changed(_ context.Context, _ *dental.Clinic, _ dental.Account, cursor string, _ time.Time) (pull.Page, error) {
	n, _ := strconv.Atoi(cursor)
	if n++; n == b.pages && b.fail != nil {
		return pull.Page{}, b.fail
	}
	return pull.Page{Objects: []intake.Object{{ID: strconv.Itoa(n)}}, Cursor: strconv.Itoa(n), More: n != b.pages}, nil
}

func (book) Fetch(context.Context, *dental.Clinic, dental.Account, intake.Ref, time.Time) ([]intake.Object, error) {
	return nil, nil
}

func TestARoundBringsEveryPage(t *testing.T) {
	round := func(b book, cursor string) ([]intake.Object, string, error) {
		return mistest.Round(t.Context(), b, clinic(), dental.Account{}, cursor, time.Now())
	}
	if all, next, err := round(book{pages: 3}, ""); err != nil || len(all) != 3 || all[0].ID != "1" || all[2].ID != "3" || next != "3" {
		t.Errorf("got %v up to %s, %v", all, next, err)
	}
	if all, next, err := round(book{pages: 3}, "2"); err != nil || len(all) != 1 || next != "3" {
		t.Errorf("from the last page on: %v up to %s, %v", all, next, err)
	}
	broken := errors.New("broken")
	if all, _, err := round(book{pages: 3, fail: broken}, ""); !errors.Is(err, broken) || all != nil {
		t.Errorf("broken off: %v, %v", all, err)
	}
	if _, _, err := round(book{}, ""); err == nil {
		t.Error("one without an end ends")
	}
}
