package work_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"image/png"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/portrait"
	"github.com/returnpoint/returnpoint/shared/stagetest"
	"github.com/returnpoint/returnpoint/shared/store"
	"github.com/returnpoint/returnpoint/shared/table"
)

const (
	irina = "https://clinic.example/irina.jpg"
	newer = "https://clinic.example/irina-2.jpg"
)

var start = time.Date(2026, 3, 10, 8, 0, 0, 0, time.UTC)

// photo is a photo in shades of a grey.
func photo(t testing.TB, grey byte) []byte {
	t.Helper()
	m := image.NewGray(image.Rect(0, 0, 60, 80))
	for i := range m.Pix {
		m.Pix[i] = grey
	}
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// studio is a stage where photos are taken: what stands at which URL, what was
// fetched, and what the worker has logged.
type studio struct {
	*stagetest.Stage
	at      map[string][]byte
	fetched []string
	log     bytes.Buffer
}

func newStudio(t *testing.T) *studio {
	t.Helper()
	s := &studio{Stage: stagetest.New(t, start), at: map[string][]byte{irina: photo(t, 200)}}
	s.Worker.Log = slog.New(slog.NewTextHandler(&s.log, nil))
	s.Photo = func(url string) ([]byte, error) {
		s.fetched = append(s.fetched, url)
		raw, ok := s.at[url]
		if !ok {
			return nil, dental.Errorf(dental.Invalid, "", "the server answered 404")
		}
		return raw, nil
	}
	return s
}

// ask puts the job as intake does: without looking.
func (s *studio) ask(url string) {
	s.T.Helper()
	tx := s.Store.Begin()
	tx.Put(store.Job{Clinic: s.Clinic.ID, ID: "portrait.D-3." + url, Kind: store.PortraitJob, Doctor: "D-3", URL: url, Wake: s.Now(), Made: s.Now()})
	if err := tx.Commit(s.T.Context()); err != nil {
		s.T.Fatal(err)
	}
}

// has asks for a photo, lets the machine do all that is due, each thing twice, and
// checks how often the photo was fetched on the way.
func (s *studio) has(url string, fetches int) dental.Portrait {
	s.T.Helper()
	before := len(s.fetched)
	s.ask(url)
	s.Tick()
	if got := len(s.fetched) - before; got != fetches {
		s.T.Errorf("the photo was fetched %d times, want %d", got, fetches)
	}
	if due, any, err := s.Store.NextDue(s.T.Context()); any || err != nil {
		s.T.Errorf("something is still due at %v (%v)", due, err)
	}
	return s.portrait()
}

func (s *studio) portrait() dental.Portrait {
	s.T.Helper()
	p, err := s.Store.Begin().Portrait(s.T.Context(), s.Clinic.ID, "D-3")
	if err != nil {
		s.T.Fatal(err)
	}
	return p
}

// shows checks that the portrait is of a photo in a grey.
func (s *studio) shows(p dental.Portrait, grey int) {
	s.T.Helper()
	m, err := jpeg.Decode(bytes.NewReader(p.JPEG))
	if err != nil {
		s.T.Fatal(err)
	}
	r, _, _, _ := m.At(96, 96).RGBA()
	if d := int(r>>8) - grey; m.Bounds().Dx() != portrait.Side || d > 4 || d < -4 {
		s.T.Errorf("it is %v, in a grey of %d", m.Bounds(), r>>8)
	}
}

func TestADoctorsPhotoIsCopiedOnce(t *testing.T) {
	s := newStudio(t)
	p := s.has(irina, 1)
	if p.URL != irina || p.Failed != "" || !p.At.Equal(start) {
		t.Errorf("the portrait is of %s at %v (%s)", p.URL, p.At, p.Failed)
	}
	s.shows(p, 200)
	s.Set(start.AddDate(0, 0, 89))
	s.has(irina, 0)
	s.at[irina] = photo(t, 90)
	s.Set(start.AddDate(0, 0, 90))
	if p = s.has(irina, 1); !p.At.Equal(s.Now()) {
		t.Errorf("after 90 days it is of %v", p.At)
	}
	s.shows(p, 90)
	if s.log.Len() > 0 {
		t.Errorf("the log says %s", &s.log)
	}
}

func TestOneDeliveryOfTheJobDoesItAll(t *testing.T) {
	s := newStudio(t)
	s.ask(irina)
	if err := s.Worker.Handle(t.Context(), `{"Job":{"Clinic":"demo","ID":"portrait.D-3.`+irina+`"}}`); err != nil {
		t.Fatal(err)
	}
	if due, any, err := s.Store.NextDue(t.Context()); any || err != nil || !s.portrait().Shown() {
		t.Errorf("something is still due at %v (%v)", due, err)
	}
}

func TestAPhotoThatCannotBeHadIsLeftAloneForAWeek(t *testing.T) {
	for name, c := range map[string]struct {
		raw  []byte
		says string
	}{
		"not there": {nil, "the server answered 404"},
		"no photo":  {[]byte("<!doctype html>"), "no JPEG, PNG, GIF or WebP"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStudio(t)
			delete(s.at, irina)
			if c.raw != nil {
				s.at[irina] = c.raw
			}
			p := s.has(irina, 1)
			if p.Shown() || !strings.Contains(p.Failed, c.says) || p.URL != irina || !p.At.Equal(start) {
				t.Errorf("the portrait is %+v", p)
			}
			s.Set(start.Add(7*24*time.Hour - time.Second))
			s.has(irina, 0)
			s.Set(start.AddDate(0, 0, 7))
			s.has(irina, 1)
			if n := strings.Count(s.log.String(), "\n"); n != 1 || !strings.Contains(s.log.String(), "doctor=D-3") || !strings.Contains(s.log.String(), c.says) || strings.Contains(s.log.String(), irina) {
				t.Errorf("the log has %d lines: %s", n, &s.log)
			}
			s.at[irina] = photo(t, 120)
			s.Set(start.AddDate(0, 0, 14))
			if p = s.has(irina, 1); p.Failed != "" {
				t.Errorf("it still says %s", p.Failed)
			}
			s.shows(p, 120)
		})
	}
}

func TestACopyStaysWhenItsPhotoCannotBeHadAgain(t *testing.T) {
	s := newStudio(t)
	s.has(irina, 1)
	delete(s.at, irina)
	s.Set(start.AddDate(0, 0, 100))
	p := s.has(irina, 1)
	s.shows(p, 200)
	if p.Failed == "" || !p.At.Equal(s.Now()) {
		t.Errorf("it was asked for at %v (%s)", p.At, p.Failed)
	}
}

func TestACopyGoesWhenAnotherPhotoIsTold(t *testing.T) {
	s := newStudio(t)
	s.has(irina, 1)
	s.Set(start.Add(time.Hour))
	if p := s.has(newer, 1); p.Shown() || p.Failed == "" || p.URL != newer {
		t.Errorf("a photo that cannot be had leaves %+v", p)
	}
	s.at[newer] = photo(t, 60)
	s.Set(start.AddDate(0, 0, 8))
	s.shows(s.has(newer, 1), 60)
}

func TestAPhotoThatIsToldByAnotherURLInEveryEventIsFetchedOnceAnHour(t *testing.T) {
	s := newStudio(t)
	fetch := s.Photo
	s.Photo = func(string) ([]byte, error) { return fetch(irina) }
	for minute := range 120 {
		s.Set(start.Add(time.Duration(minute) * time.Minute))
		s.ask(fmt.Sprintf("%s?signature=%d", irina, minute))
		s.Tick()
	}
	if len(s.fetched) != 2 || !s.portrait().Shown() {
		t.Errorf("it was fetched %d times", len(s.fetched))
	}
}

func TestAJobThatIsPutAgainWhileItsPhotoIsFetchedFetchesNoSecond(t *testing.T) {
	s := newStudio(t)
	fetch := s.Photo
	s.Photo = func(url string) ([]byte, error) { s.ask(irina); return fetch(url) }
	s.has(irina, 1)
}

func TestOfTwoWorkersWithOneJobTheLaterTakesTheEarliersPhoto(t *testing.T) {
	s := newStudio(t)
	fetch, deep := s.Photo, false
	s.Photo = func(url string) ([]byte, error) {
		if !deep { // the queue has delivered the job a second time
			deep = true
			if err := s.Worker.Handle(t.Context(), `{"Job":{"Clinic":"demo","ID":"portrait.D-3.`+irina+`"}}`); err != nil {
				t.Error(err)
			}
			s.at[irina] = photo(t, 10)
		}
		return fetch(url)
	}
	s.ask(irina)
	s.Tick()
	if len(s.fetched) != 2 {
		t.Errorf("fetched %q", s.fetched)
	}
	s.shows(s.portrait(), 200)
}

func TestOurOwnTroublesAreNotThePhotos(t *testing.T) {
	handle := func(s *studio, ctx context.Context) error {
		return s.Worker.Handle(ctx, `{"Job":{"Clinic":"demo","ID":"portrait.D-3.`+irina+`"}}`)
	}
	t.Run("when our time is over", func(t *testing.T) {
		s := newStudio(t)
		s.ask(irina)
		s.Worker.Store = stagetest.Join(s.Stage, inTime{s.Table}).Store
		ctx, cancel := context.WithCancel(t.Context())
		s.Photo = func(string) ([]byte, error) {
			cancel()
			return nil, dental.Errorf(dental.Unavailable, "", "it was called off")
		}
		if err := handle(s, ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("the job ends with %v", err)
		}
		if p := s.portrait(); p.URL != "" {
			t.Errorf("it is held against the photo: %+v", p)
		}
		if _, any, _ := s.Store.NextDue(t.Context()); !any {
			t.Error("the job does not come back")
		}
	})
	t.Run("when the state cannot be written", func(t *testing.T) {
		s := newStudio(t)
		s.ask(irina)
		broken := stagetest.Join(s.Stage, readOnly{s.Table})
		s.Worker.Store = broken.Store
		if err := handle(s, t.Context()); dental.KindOf(err) != dental.Unavailable {
			t.Errorf("the job ends with %v", err)
		}
		if _, any, _ := s.Store.NextDue(t.Context()); !any {
			t.Error("the job does not come back")
		}
	})
}

// inTime is a table that still writes when the caller has gone.
type inTime struct{ table.Table }

func (w inTime) Write(ctx context.Context, ops ...table.Op) error {
	return w.Table.Write(context.WithoutCancel(ctx), ops...)
}

// readOnly is a table that writes nothing.
type readOnly struct{ table.Table }

func (readOnly) Write(context.Context, ...table.Op) error { return errors.New("no route to the table") }
