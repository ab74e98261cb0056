package opendental_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/returnpoint/returnpoint/shared/channel/wire"
	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/intake"
	"github.com/returnpoint/returnpoint/shared/mis/mistest"
	"github.com/returnpoint/returnpoint/shared/mis/opendental"
	"github.com/returnpoint/returnpoint/shared/pull"
)

// api behaves as Open Dental's: it filters by the time of a change, gives pages
// of a hundred rows, and knows its keys.
type api struct {
	*httptest.Server
	mistest.Calls
	written mistest.Notes
	mu      sync.Mutex
	rows    map[string][]map[string]any // by path
	now     string
}

func start(t testing.TB) *api {
	a := &api{rows: map[string][]map[string]any{"/patients/Simple": nil, "/appointments": nil, "/procedurelogs": nil, "/payments": nil}, now: "2026-08-01 12:00:00"}
	a.Server = httptest.NewServer(a)
	t.Cleanup(a.Close)
	return a
}

func (a *api) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := strings.TrimPrefix(r.URL.Path, "/api/v1")
	query := ""
	if r.URL.RawQuery != "" {
		query = "?" + r.URL.Query().Encode()
	}
	instead := a.Heard(r.Method + " " + path + query)
	switch {
	case r.Header.Get("Authorization") != "ODFHIR "+developer+"/"+customer:
		w.WriteHeader(http.StatusUnauthorized)
		return
	case r.Header.Get("Content-Type") != "application/json":
		w.WriteHeader(http.StatusBadRequest)
		return
	case instead != nil:
		instead(w, r)
		return
	}
	if r.Method == http.MethodPut {
		body, _ := io.ReadAll(r.Body)
		a.written.Note(path + " " + string(body))
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	list, single := a.rows[path]
	if !single {
		dir, id := path[:strings.LastIndex(path, "/")], path[strings.LastIndex(path, "/")+1:]
		for _, row := range a.rows[dir] {
			if fmt.Sprint(row["num"]) == id {
				_ = json.NewEncoder(w).Encode(row)
				return
			}
		}
		w.WriteHeader(http.StatusNotFound)
		return
	}
	var out []map[string]any
	for _, row := range list {
		if since := r.URL.Query().Get("DateTStamp"); since == "" || fmt.Sprint(row["DateTStamp"]) > since {
			out = append(out, row)
		}
	}
	offset, _ := strconv.Atoi(r.URL.Query().Get("Offset"))
	out = out[min(offset, len(out)):]
	out = out[:min(100, len(out))]
	if out == nil {
		out = []map[string]any{}
	}
	for _, row := range out {
		row["serverDateTime"] = a.now
	}
	_ = json.NewEncoder(w).Encode(out)
}

// refused answers with a status, and with words that no error may repeat.
func refused(status int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, "Jane Larkspur is not here")
	}
}

func (a *api) add(path string, num int, row string) {
	of := map[string]any{}
	if err := json.Unmarshal([]byte(row), &of); err != nil {
		panic(err)
	}
	of["num"] = num
	a.mu.Lock()
	defer a.mu.Unlock()
	a.rows[path] = append(a.rows[path], of)
}

func (a *api) account() dental.Account {
	own := account()
	own.Settings[opendental.URLSetting] = a.URL + "/api/v1"
	return own
}

func (a *api) client(t testing.TB) *opendental.Client {
	calls := wire.NewClient(wire.Options{Timeout: 5 * time.Second})
	t.Cleanup(calls.CloseIdleConnections)
	return opendental.New(calls, strings.TrimPrefix(a.URL, "http://"))
}

func now() time.Time { return at("2026-08-01 12:00:00") }

// all reads until there is no more, and returns what came and the cursor.
func (a *api) all(t *testing.T, c *opendental.Client, cursor string) (ids []string, next string) {
	t.Helper()
	objects, next, err := mistest.Round(t.Context(), c, clinic(), a.account(), cursor, now())
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range objects {
		ids = append(ids, o.Kind+" "+o.ID)
	}
	return ids, next
}

func TestWhatHasChangedIsReadListByListAndPageByPage(t *testing.T) {
	a := start(t)
	for n := 1; n <= 250; n++ {
		a.add("/patients/Simple", n, with(patientRow, "PatNum", strconv.Itoa(n)))
	}
	a.add("/appointments", 18, appointmentRow)
	a.add("/procedurelogs", 20, procedureRow)
	a.add("/payments", 56734, paymentRow)
	c := a.client(t)
	ids, cursor := a.all(t, c, "")
	if len(ids) != 253 || ids[0] != "patient 1" || ids[249] != "patient 250" || strings.Join(ids[250:], ", ") != "appointment 18, procedurelog 20, payment 56734" {
		t.Errorf("there came %d: %v", len(ids), ids)
	}
	want := []string{
		"GET /patients/Simple", "GET /patients/Simple?Offset=100", "GET /patients/Simple?Offset=200",
		"GET /appointments?DateTStamp=2023-08-01+00%3A00%3A00", "GET /procedurelogs?DateTStamp=2023-08-01+00%3A00%3A00", "GET /payments?DateEntry=2023-08-01",
	}
	if got := strings.Join(a.Asked(), "\n"); got != strings.Join(want, "\n") {
		t.Errorf("it was asked\n%s\nwant\n%s", got, strings.Join(want, "\n"))
	}

	t.Run("and from the office's own clock on the next time", func(t *testing.T) {
		a.Forget()
		a.add("/appointments", 19, with(appointmentRow, "AptNum", "19", "DateTStamp", `"2026-08-01 13:00:00"`))
		ids, _ := a.all(t, c, cursor)
		if strings.Join(ids, ", ") != "appointment 19, payment 56734" {
			t.Errorf("there came %v", ids)
		}
		if asked := a.Asked(); asked[0] != "GET /patients/Simple?DateTStamp=2026-08-01+11%3A59%3A00" || asked[3] != "GET /payments?DateEntry=2026-08-01" {
			t.Errorf("it was asked %q", asked)
		}
	})
	t.Run("and a list that was empty is asked from where it was before", func(t *testing.T) {
		b := start(t)
		_, cursor := b.all(t, b.client(t), "")
		b.Forget()
		b.all(t, b.client(t), cursor)
		if asked := b.Asked(); asked[0] != "GET /patients/Simple" || asked[1] != "GET /appointments?DateTStamp=2023-08-01+00%3A00%3A00" {
			t.Errorf("it was asked %q", asked)
		}
	})
	t.Run("and a cursor that is none begins anew", func(t *testing.T) {
		for _, cursor := range []string{"x", `{"list":9}`, `{"list":-1,"since":["","","",""]}`, `{"list":1,"offset":-5,"since":["","","",""]}`, `{"list":1}`} {
			a.Forget()
			_, err := c.Changed(t.Context(), clinic(), a.account(), cursor, now())
			if asked := a.Asked(); err != nil || asked[0] != "GET /patients/Simple" {
				t.Errorf("%s: asked %q, %v", cursor, asked, err)
			}
		}
	})
}

func TestOneRowIsReadByItsNumber(t *testing.T) {
	a := start(t)
	a.add("/patients", 48, patientRow)
	a.add("/appointments", 18, appointmentRow)
	a.add("/procedurelogs", 20, procedureRow)
	c := a.client(t)
	for _, ref := range []intake.Ref{{Kind: "patient", ID: "48"}, {Kind: "appointment", ID: "18"}, {Kind: "procedurelog", ID: "20"}} {
		objects, err := c.Fetch(t.Context(), clinic(), a.account(), ref, now())
		if err != nil || len(objects) != 1 || objects[0].ID != ref.ID || len(objects[0].Facts) == 0 {
			t.Errorf("%v: %+v, %v", ref, objects, err)
		}
	}
	objects, err := c.Fetch(t.Context(), clinic(), a.account(), intake.Ref{Kind: "appointment", ID: "19"}, now())
	if err != nil || len(objects) != 1 || !objects[0].Gone {
		t.Errorf("one that is no more there is %+v, %v", objects, err)
	}
	for _, ref := range []intake.Ref{{Kind: "payment", ID: "1"}, {Kind: "appointment", ID: "../18"}} {
		if _, err := c.Fetch(t.Context(), clinic(), a.account(), ref, now()); dental.KindOf(err) != dental.Invalid {
			t.Errorf("%v: %v", ref, err)
		}
	}
}

// seen is appointment 18 as its patient has answered for it.
func seen() dental.Appointment {
	return dental.Appointment{ID: "18", Patient: "od.48", Start: at("2026-07-31 08:30:00")}
}

// writes answers what looks by an office that has the row, and what writes by h.
func (a *api) writes(row string, h http.HandlerFunc) {
	a.Answer(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			_, _ = io.WriteString(w, row)
			return
		}
		h(w, r)
	})
}

func TestAPatientsAnswerIsWrittenBackOnceAfterALook(t *testing.T) {
	for action, want := range map[string]string{"confirm": `/appointments/18/Confirm {"confirmVal":"Confirmed"}`, "cancel": `/appointments/18/Break {"sendToUnscheduledList":"true"}`} {
		a := start(t)
		a.add("/appointments", 18, appointmentRow)
		err := a.client(t).Confirm(t.Context(), clinic(), a.account(), seen(), action)
		if written := a.written.All(); err != nil || len(written) != 1 || written[0] != want || len(a.Asked()) != 2 || a.Asked()[0] != "GET /appointments/18" {
			t.Errorf("%s wrote %q, %v, asked %q", action, written, err, a.Asked())
		}
	}
	t.Run("what is proven not to have been written says so", func(t *testing.T) {
		for name, c := range map[string]struct {
			status int
			action string
			id     string
			proven bool
		}{
			"keys that may not": {http.StatusUnauthorized, "confirm", "18", true}, "no such appointment": {http.StatusNotFound, "cancel", "18", true},
			"too many requests": {http.StatusTooManyRequests, "confirm", "18", true}, "an office that may have done it": {http.StatusBadRequest, "confirm", "18", false},
			"an answer that was too late": {http.StatusGatewayTimeout, "confirm", "18", false}, "a failure inside": {http.StatusInternalServerError, "cancel", "18", false},
			"another's appointment": {0, "confirm", "V-18", true}, "another answer": {0, "callback", "18", true},
		} {
			t.Run(name, func(t *testing.T) {
				a := start(t)
				if c.status != 0 {
					a.writes(appointmentRow, refused(c.status))
				}
				of := seen()
				of.ID = c.id
				err := a.client(t).Confirm(t.Context(), clinic(), a.account(), of, c.action)
				if n := len(a.Asked()); err == nil || errors.Is(err, pull.ErrNotWritten) != c.proven || strings.Contains(err.Error(), "Larkspur") || c.status != 0 && n != 2 {
					t.Errorf("got %v, asked %q", err, a.Asked())
				}
			})
		}
		a := start(t)
		a.Close()
		if err := a.client(t).Confirm(t.Context(), clinic(), a.account(), seen(), "confirm"); !errors.Is(err, pull.ErrNotWritten) {
			t.Errorf("nobody was there, and it is %v", err)
		}
	})
}

func TestAnAppointmentThatHasChangedIsLeftToStaff(t *testing.T) {
	gone, inside := refused(http.StatusNotFound), refused(http.StatusInternalServerError)
	for name, c := range map[string]struct {
		look   http.HandlerFunc // the row where it is nil
		change []string
		action string
		kind   dental.ErrorKind // "" where the office says the same already
	}{
		"moved":                        {nil, []string{"AptDateTime", `"2026-07-31 09:00:00"`}, "cancel", dental.Conflict},
		"another patient's":            {nil, []string{"PatNum", "49"}, "cancel", dental.Conflict},
		"come of":                      {nil, []string{"AptStatus", `"Complete"`}, "cancel", dental.Conflict},
		"missed":                       {nil, []string{"AptStatus", `"Broken"`, "DateTStamp", `"2026-07-31 09:00:00"`}, "confirm", dental.Conflict},
		"without a time any more":      {nil, []string{"AptStatus", `"Planned"`}, "confirm", dental.Conflict},
		"off the book":                 {nil, []string{"AptStatus", `"UnschedList"`}, "confirm", dental.Conflict},
		"deleted":                      {gone, nil, "confirm", dental.Conflict},
		"confirmed by staff meanwhile": {nil, []string{"confirmed", `"Appointment Confirmed"`}, "confirm", ""},
		"broken by staff meanwhile":    {nil, []string{"AptStatus", `"UnschedList"`}, "cancel", ""},
		"deleted by staff meanwhile":   {gone, nil, "cancel", ""},
		"not to be looked at":          {inside, nil, "cancel", dental.Unavailable},
		"another row":                  {nil, []string{"AptNum", "19"}, "cancel", dental.Unavailable},
	} {
		t.Run(name, func(t *testing.T) {
			a := start(t)
			if a.writes(with(appointmentRow, c.change...), refused(http.StatusOK)); c.look != nil {
				a.Answer(c.look)
			}
			err := a.client(t).Confirm(t.Context(), clinic(), a.account(), seen(), c.action)
			if n := len(a.Asked()); dental.KindOf(err) != c.kind || (c.kind != "") != errors.Is(err, pull.ErrNotWritten) || c.kind == "" && err != nil || n != 1 {
				t.Errorf("got %v, asked %q", err, a.Asked())
			}
		})
	}
}

func TestAFailureSaysWhoseTurnItIs(t *testing.T) {
	for status, kind := range map[int]dental.ErrorKind{
		http.StatusBadRequest: dental.Unavailable, http.StatusUnauthorized: dental.Invalid, http.StatusNotFound: dental.Invalid, http.StatusGone: dental.Invalid,
		http.StatusTooManyRequests: dental.Unavailable, http.StatusBadGateway: dental.Unavailable, http.StatusMovedPermanently: dental.Invalid,
	} {
		a := start(t)
		a.Answer(refused(status))
		_, err := a.client(t).Changed(t.Context(), clinic(), a.account(), "", now())
		mend := kind == dental.Invalid && status != http.StatusNotFound && status != http.StatusGone // or only the row is not there
		if dental.KindOf(err) != kind || errors.Is(err, pull.ErrAccount) != mend || strings.Contains(err.Error(), customer) || strings.Contains(err.Error(), "Larkspur") {
			t.Errorf("%d is %q: %v", status, dental.KindOf(err), err)
		}
	}
	t.Run("an account that is not whole is never called with", func(t *testing.T) {
		a := start(t)
		own := a.account()
		delete(own.Secrets, opendental.DeveloperSecret)
		if _, err := a.client(t).Changed(t.Context(), clinic(), own, "", now()); !errors.Is(err, pull.ErrAccount) || dental.KindOf(err) != dental.Invalid || len(a.Asked()) != 0 {
			t.Errorf("it was called: %v", err)
		}
	})
}

func TestTheTimeForWhichOpenDentalWantsToBeLeftAloneIsKept(t *testing.T) {
	a := start(t)
	mistest.Obeys(t, "Too many requests", a.Answer, func() error {
		_, err := a.client(t).Changed(t.Context(), clinic(), a.account(), "", now())
		return err
	})
}
