package renovatio_test

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/returnpoint/returnpoint/shared/channel/wire"
	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/intake"
	"github.com/returnpoint/returnpoint/shared/mis/mistest"
	"github.com/returnpoint/returnpoint/shared/mis/renovatio"
	"github.com/returnpoint/returnpoint/shared/pull"
)

func fill(b *book) time.Time {
	now := time.Date(2026, 3, 10, 12, 0, 0, 0, clinic().Location())
	o := &mistest.Office{Clinic: clinic(), Now: now}
	for i := range 3 {
		p := &mistest.Patient{ID: i + 1, FamilyName: "Васильков", GivenName: "Пётр", Phone: fmt.Sprintf("+791600000%02d", i), BirthDate: dental.Date{Year: 1980, Month: 3, Day: i + 1}, Changed: now.AddDate(0, 0, -i)}
		x := &mistest.Record{ID: i + 1, Patient: p, Start: now.AddDate(0, i-1, 0), Minutes: 30, Service: mistest.Services()[0], Changed: now.Add(time.Duration(-2*i) * time.Hour)}
		o.Patients, o.Records = append(o.Patients, p), append(o.Records, x)
		b.say(o, x)
	}
	b.over(o)
	return now
}

func names(objects []intake.Object) string {
	var out []string
	for _, o := range objects {
		if o.System != "" {
			out = append(out, o.Kind+" "+o.ID)
		}
	}
	slices.Sort(out)
	return strings.Join(slices.Compact(out), ", ")
}

func TestWhoWasArchivedBeforeIsNoPatientOfTheFirstReading(t *testing.T) {
	b, client, a := start(t)
	now := fill(b)
	archived := b.office.Patients[1]
	archived.Deleted, archived.Changed = true, now.AddDate(-2, 0, 0)
	objects, _, err := mistest.Round(t.Context(), client, clinic(), a, "", now)
	if err != nil {
		t.Fatal(err)
	}
	read := false
	for _, o := range objects {
		for _, f := range o.Facts {
			switch {
			case f.Card == nil || f.Card.ID != "rn.2":
			case o.Kind == "patient" && f.Card.Status == dental.Archived:
				read = true
			case f.Card.Says == intake.Hint && !read:
				t.Error("the book names the patient before the card is read")
			}
		}
	}
	if !read {
		t.Error("the card of the archived patient was not read")
	}
}

func TestTheFirstQuestionBringsTheBookAndTheNextWhatHasChanged(t *testing.T) {
	b, client, a := start(t)
	now := fill(b)
	objects, cursor, err := mistest.Round(t.Context(), client, clinic(), a, "", now)
	if err != nil || names(objects) != "appointment 100, appointment 200, appointment 300, patient 1, patient 2, patient 3" {
		t.Fatalf("got %s, %v", names(objects), err)
	}
	asked := b.Asked()
	if n := len(asked); n != 157+210 || asked[0] != "getPatient?date_updated_from=08.03.2023&date_updated_to=14.03.2023" || asked[156] != "getPatient?date_updated_from=04.03.2026&date_updated_to=10.03.2026" ||
		asked[157] != "getAppointments?date_from=08.03.2023+00%3A00&date_to=14.03.2023+23%3A59&show_patient_data=1" || !strings.Contains(asked[n-1], "2027") {
		t.Errorf("%d questions: %q", n, asked)
	}
	b.Forget()
	objects, cursor, err = mistest.Round(t.Context(), client, clinic(), a, cursor, now.Add(15*time.Minute))
	asked = b.Asked()
	if want := []string{"getPatient?date_updated_from=10.03.2026&date_updated_to=10.03.2026", "getAppointments?date_updated_from=10.03.2026+11%3A00&date_updated_to=10.03.2026+12%3A15&show_patient_data=1"}; err != nil || !slices.Equal(asked, want) || names(objects) != "appointment 100, patient 1" {
		t.Errorf("got %s, %v by %q", names(objects), err, asked)
	}
	b.Forget()
	_, _, err = mistest.Round(t.Context(), client, clinic(), a, cursor, now.AddDate(0, 0, 5))
	if asked = b.Asked(); err != nil || len(asked) != 2+41 ||
		asked[1] != "getPatient?date_updated_from=13.03.2026&date_updated_to=15.03.2026" || !strings.Contains(asked[len(asked)-1], "date_updated_to=15.03.2026+12%3A00") {
		t.Errorf("after five days %d questions, %v: %q", len(asked), err, asked)
	}
}

func TestARoundThatBreaksOffGoesOnWhereItWas(t *testing.T) {
	b, client, a := start(t)
	now := fill(b)
	cursor := fmt.Sprintf(`{"done":%d}`, now.Add(-8*time.Hour).Unix())
	first, err := client.Changed(t.Context(), clinic(), a, cursor, now)
	if err != nil || !first.More || names(first.Objects) != "patient 1" {
		t.Fatal(first, err)
	}
	b.Answer(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) })
	if _, err := client.Changed(t.Context(), clinic(), a, first.Cursor, now); dental.KindOf(err) != dental.Unavailable {
		t.Fatal(err)
	}
	b.Answer(nil)
	rest, next, err := mistest.Round(t.Context(), client, clinic(), a, first.Cursor, now.Add(time.Hour))
	if err != nil || names(rest) != "appointment 100, appointment 200, appointment 300" || next != fmt.Sprintf(`{"done":%d}`, now.Unix()) {
		t.Errorf("got %s up to %s, %v", names(rest), next, err)
	}
}

// migrated is a book whose cards were all changed on one day, and another's: what
// is asked for that day is answered by h.
func migrated(t *testing.T, h http.HandlerFunc) (b *book, client *renovatio.Client, a dental.Account, now, day time.Time) {
	t.Helper()
	b, _, a = start(t)
	now = fill(b)
	day = now.AddDate(0, 0, -10)
	for _, p := range b.office.Patients[1:] {
		p.Changed = day
	}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseForm(); err != nil {
			t.Error(err)
		}
		if r.PostForm.Has("date_updated_from") && strings.HasSuffix(r.URL.Path, "getPatient") && between(day, r.PostForm, "date_updated_", "02.01.2006", b.office) {
			b.Heard("refused " + r.PostForm.Get("date_updated_from"))
			h(w, r)
			return
		}
		b.ServeHTTP(w, r)
	}))
	t.Cleanup(srv.Close)
	a.Settings[renovatio.URLSetting] = srv.URL
	quick := wire.NewClient(wire.Options{Timeout: 2 * time.Second})
	t.Cleanup(quick.CloseIdleConnections)
	return b, renovatio.New(quick, strings.TrimPrefix(srv.URL, "http://")), a, now, day
}

// silent answers nothing for as long as it is waited for.
func silent(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

func TestADayWithMoreCardsThanAnAnswerHoldsKeepsNobodyFromTheBook(t *testing.T) {
	for name, h := range map[string]http.HandlerFunc{
		"the time is over": silent,
		"the time is over in the middle": func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprint(w, `{"error":0,"data":[`)
			w.(http.Flusher).Flush()
			silent(w, r)
		},
		"the answer is too long": func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(bytes.Repeat([]byte(" "), 33<<20)) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, client, a, now, day := migrated(t, h)
			objects, cursor, err := mistest.Round(t.Context(), client, clinic(), a, "", now)
			passed := day.Format(time.DateOnly)
			if want := "appointment 100, appointment 200, appointment 300, patient 1, patient " + passed; err != nil || names(objects) != want || cursor != fmt.Sprintf(`{"done":%d}`, now.Unix()) {
				t.Fatalf("got %s up to %s, %v", names(objects), cursor, err)
			}
			for _, o := range objects {
				if (o.Unreadable != nil) != (o.ID == passed) || o.Unreadable != nil && dental.KindOf(o.Unreadable) != dental.Invalid {
					t.Errorf("%s %s is refused: %v", o.Kind, o.ID, o.Unreadable)
				}
			}
			var asked []string
			for _, q := range b.Asked() {
				if strings.HasPrefix(q, "refused") {
					asked = append(asked, q)
				}
			}
			if len(asked) != 2 { // in its week, and alone
				t.Errorf("the day is asked for %q", asked)
			}
			if n := len(b.Asked()); n != 157+210+7+1 {
				t.Errorf("%d questions", n)
			}
		})
	}
	t.Run("nor from what has changed since", func(t *testing.T) {
		t.Parallel()
		_, client, a, now, day := migrated(t, silent)
		objects, _, err := mistest.Round(t.Context(), client, clinic(), a, fmt.Sprintf(`{"done":%d}`, day.AddDate(0, 0, -1).Unix()), now)
		if want := "appointment 100, appointment 200, appointment 300, patient 1, patient " + day.Format(time.DateOnly); err != nil || names(objects) != want {
			t.Errorf("got %s, %v", names(objects), err)
		}
	})
}

func TestWhatIsNoMatterOfSizeIsAskedAgain(t *testing.T) {
	for name, h := range map[string]http.HandlerFunc{
		"a failure inside":       status(500),
		"too many calls":         status(429),
		"an answer that is lost": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
	} {
		t.Run(name, func(t *testing.T) {
			_, client, a, now, day := migrated(t, h)
			alone := fmt.Sprintf(`{"round":%d,"of":"patient","from":%q,"singly":3}`, now.Unix(), day.Format(time.DateOnly))
			for _, cursor := range []string{strings.Replace(alone, `,"singly":3`, "", 1), alone} {
				if page, err := client.Changed(t.Context(), clinic(), a, cursor, now); dental.KindOf(err) != dental.Unavailable {
					t.Errorf("from %s it brings %+v, %v", cursor, page, err)
				}
			}
		})
	}
	t.Run("a server that answers nothing at all", func(t *testing.T) {
		t.Parallel()
		b, client, a, now, day := migrated(t, silent)
		b.Answer(silent)
		alone := fmt.Sprintf(`{"round":%d,"of":"patient","from":%q,"singly":3}`, now.Unix(), day.Format(time.DateOnly))
		if page, err := client.Changed(t.Context(), clinic(), a, alone, now); dental.KindOf(err) != dental.Unavailable {
			t.Errorf("it brings %+v, %v", page, err)
		}
	})
	t.Run("a server that is not there", func(t *testing.T) {
		_, _, a, now, day := migrated(t, silent)
		const nobody = "127.0.0.1:1" // a port that no test is given
		a.Settings[renovatio.URLSetting] = "http://" + nobody
		alone := fmt.Sprintf(`{"round":%d,"of":"patient","from":%q}`, now.Unix(), day.Format(time.DateOnly))
		if page, err := renovatio.New(calls(t), nobody).Changed(t.Context(), clinic(), a, alone, now); dental.KindOf(err) != dental.Unavailable {
			t.Errorf("it brings %+v, %v", page, err)
		}
	})
}

func TestACursorThatIsNoneComesToAnEndAllTheSame(t *testing.T) {
	b, client, a := start(t)
	now := fill(b)
	for _, cursor := range []string{"2026", `{"round":1773133200}`, `{"round":1773133200,"of":"book","from":"?"}`, `{"round":1773133200,"done":1773130000,"of":"patient","from":"?"}`, `{"round":1773133200,"done":1773130000,"of":"appointment","from":"?"}`} {
		if _, _, err := mistest.Round(t.Context(), client, clinic(), a, cursor, now); err != nil {
			t.Errorf("%s: %v", cursor, err)
		}
	}
}

func TestARowThatCannotBeReadStopsNoOther(t *testing.T) {
	b, client, a := start(t)
	now := fill(b)
	b.Answer(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"error":0,"data":[%s,%s,"?"]}`, example, with(`"id":17`, `"id":18`, `"5400.00"`, `"много"`))
	})
	page, err := client.Changed(t.Context(), clinic(), a, fmt.Sprintf(`{"round":%d,"of":"book"}`, now.Unix()), now)
	if err != nil || names(page.Objects) != "appointment , appointment 17, appointment 18" {
		t.Fatalf("got %s, %v", names(page.Objects), err)
	}
	for _, o := range page.Objects {
		if good := o.ID == "17" || o.System == ""; good != (o.Patient() == "rn.5") || good != (o.Unreadable == nil) {
			t.Errorf("%q is %+v", o.ID, o.Facts)
		}
	}
}

func TestOneObjectIsRead(t *testing.T) {
	b, client, a := start(t)
	now := fill(b)
	for _, ref := range []intake.Ref{{Kind: "appointment", ID: "200"}, {Kind: "patient", ID: "2"}} {
		objects, err := client.Fetch(t.Context(), clinic(), a, ref, now)
		if err != nil || names(objects) != ref.Kind+" "+ref.ID || objects[len(objects)-1].Gone {
			t.Errorf("%v is %v, %v", ref, objects, err)
		}
	}
	if _, err := client.Fetch(t.Context(), clinic(), a, intake.Ref{Kind: "invoice", ID: "1"}, now); dental.KindOf(err) != dental.Invalid {
		t.Errorf("an invoice: %v", err)
	}
	b.Answer(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"error":0,"data":[%s]}`, with(`"date_updated":"10.03.2026 14:35",`, ``))
	})
	fresh, err := client.Fetch(t.Context(), clinic(), a, intake.Ref{Kind: "appointment", ID: "17"}, now)
	if err != nil || len(fresh) != 2 || fresh[1].Version != now.UnixMilli() {
		t.Errorf("one without a time of change is %+v, %v", fresh, err)
	}
	if others, err := client.Fetch(t.Context(), clinic(), a, intake.Ref{Kind: "appointment", ID: "16"}, now); dental.KindOf(err) != dental.Unavailable {
		t.Errorf("an answer with another is %v, %v", others, err)
	}
}

// status answers with a status and a body that quotes what no error may.
func status(code int, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(code)
		fmt.Fprintf(w, "no, %s", account().Secrets[renovatio.KeySecret])
	}
}

func answer(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, body) }
}

func TestTheAnswersOfTheAPISayWhoseTurnItIs(t *testing.T) {
	b, client, a := start(t)
	now := fill(b)
	for says, c := range map[string]struct {
		answer http.HandlerFunc
		kind   dental.ErrorKind
		later  time.Duration
	}{
		"a key that it does not know":    {answer(`{"error":1,"data":{"code":"INVALID_API_KEY","desc":"Ромашкина"}}`), dental.Invalid, 0},
		"no access":                      {answer(`{"error":"1","data":{"code":"ACCESS_DENIED","desc":"Ромашкина"}}`), dental.Invalid, 0},
		"another error":                  {answer(`{"error":1,"data":{"code":"SERVER_ERROR","desc":"Ромашкина"}}`), dental.Unavailable, 0},
		"an error without a code":        {answer(`{"error":true,"data":"Ромашкина"}`), dental.Unavailable, 0},
		"a key that the gateway refuses": {status(401), dental.Invalid, 0},
		"no right":                       {status(403), dental.Invalid, 0},
		"no such place":                  {status(404), dental.Invalid, 0},
		"another address":                {status(302, "Location", "https://example.com"), dental.Invalid, 0},
		"too much, and for how long":     {status(429, "Retry-After", "1800"), dental.Unavailable, 30 * time.Minute},
		"too much":                       {status(429), dental.Unavailable, 0},
		"a failure inside":               {status(500), dental.Unavailable, 0},
		"a bad question":                 {status(400), dental.Unavailable, 0},
		"an answer that is lost":         {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, dental.Unavailable, 0},
		"an answer that is none":         {answer(`<html>Ромашкина</html>`), dental.Unavailable, 0},
		"data that is a word":            {answer(`{"error":0,"data":"Ромашкина"}`), dental.Unavailable, 0},
		"no data":                        {answer(`{"error":0}`), dental.Unavailable, 0},
	} {
		t.Run(says, func(t *testing.T) {
			b.Answer(c.answer)
			_, err := client.Changed(t.Context(), clinic(), a, "", now)
			if dental.KindOf(err) != c.kind || errors.Is(err, pull.ErrAccount) != (c.kind == dental.Invalid) {
				t.Fatalf("got %v", err)
			}
			if told, is := errors.AsType[*pull.Later](err); is != (c.later > 0) || is && told.After != c.later {
				t.Errorf("it wants to be left alone: %v", err)
			}
			if strings.Contains(err.Error(), "Ромашкина") || strings.Contains(err.Error(), string(account().Secrets[renovatio.KeySecret])) {
				t.Errorf("the error repeats what it may not: %v", err)
			}
		})
	}
	for says, body := range map[string]string{"an empty list": `{"error":0,"data":[]}`, "null": `{"error":0,"data":null}`, "false": `{"error":"0","data":false}`} {
		t.Run("nothing has changed: "+says, func(t *testing.T) {
			b.Answer(answer(body))
			if page, err := client.Changed(t.Context(), clinic(), a, "", now); err != nil || len(page.Objects) != 0 {
				t.Errorf("got %v, %v", page, err)
			}
		})
	}
	t.Run("a key of another clinic's server", func(t *testing.T) {
		b.Answer(nil)
		of := account()
		of.Settings[renovatio.URLSetting], of.Secrets[renovatio.KeySecret] = a.Settings[renovatio.URLSetting], "another-key-another-key"
		if _, err := client.Changed(t.Context(), clinic(), of, "", now); dental.KindOf(err) != dental.Invalid || strings.Contains(err.Error(), "another-key") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("an account without a key", func(t *testing.T) {
		without := account()
		delete(without.Secrets, renovatio.KeySecret)
		if _, err := client.Changed(t.Context(), clinic(), without, "", now); dental.KindOf(err) != dental.Invalid {
			t.Errorf("got %v", err)
		}
	})
	t.Run("an address that only this machine could mean is not called", func(t *testing.T) {
		other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("it was called") }))
		defer other.Close()
		of := account()
		of.Settings[renovatio.URLSetting] = other.URL
		if _, err := client.Changed(t.Context(), clinic(), of, "", now); dental.KindOf(err) != dental.Invalid {
			t.Errorf("got %v", err)
		}
	})
	t.Run("nobody listens", func(t *testing.T) {
		const nobody = "127.0.0.1:1" // a port that no test is given
		of := account()
		of.Settings[renovatio.URLSetting] = "http://" + nobody
		lonely := renovatio.New(calls(t), nobody)
		if _, err := lonely.Changed(t.Context(), clinic(), of, "", now); dental.KindOf(err) != dental.Unavailable {
			t.Errorf("got %v", err)
		}
	})
}

func TestAnAppointmentThatIsKnownAndCannotBeReadAnyMoreIsRefused(t *testing.T) {
	b, client, a := start(t)
	now := fill(b)
	mistest.Unread(t, clinic(), a, client, now, intake.Ref{Kind: "appointment", ID: "17"}, "price", func(whole bool) {
		row := example
		if !whole {
			row = with(`"5400.00"`, `"по договору"`, `14:35`, `14:40`)
		}
		b.Answer(answer(`{"error":0,"data":[` + row + `]}`))
	})
}

func TestTheTimeForWhichRenovatioWantsToBeLeftAloneIsKept(t *testing.T) {
	b, client, a := start(t)
	now := fill(b)
	mistest.Obeys(t, `{"error":1,"data":{"code":"TOO_MANY"}}`, b.Answer, func() error {
		_, err := client.Changed(t.Context(), clinic(), a, "", now)
		return err
	})
}
