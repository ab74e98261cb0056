package yclients_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/returnpoint/returnpoint/shared/channel/wire"
	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/intake"
	"github.com/returnpoint/returnpoint/shared/mis/mistest"
	"github.com/returnpoint/returnpoint/shared/mis/yclients"
	"github.com/returnpoint/returnpoint/shared/pull"
)

// server answers each request as the test says, and keeps what was asked.
type server struct {
	*httptest.Server
	mistest.Calls
	bodies mistest.Notes
}

func serve(t *testing.T, answer func(w http.ResponseWriter, r *http.Request)) *server {
	s := &server{}
	s.Answer(answer)
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		s.bodies.Note(string(body))
		s.Heard(r.Method+" "+r.URL.RequestURI())(w, r)
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *server) client() *yclients.Client {
	return yclients.New(wire.NewClient(wire.Options{}), pace(), strings.TrimPrefix(s.URL, "http://"))
}

func (s *server) account() dental.Account { return account(s.URL) }

// refused is a refusal in the vendor's shape.
func refused(status int) func(w http.ResponseWriter, r *http.Request) {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = w.Write([]byte(`{"success":false,"data":null,"meta":{"message":"Вера Ромашкина +79160000001"}}`))
	}
}

func raw(status int, body string) func(w http.ResponseWriter, r *http.Request) {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}
}

func lost(w http.ResponseWriter, _ *http.Request) {
	if c, _, err := http.NewResponseController(w).Hijack(); err == nil {
		_ = c.Close()
	}
}

func TestWhatIsWrongWithTheSystemOrTheAccountIsTold(t *testing.T) {
	for _, tt := range []struct {
		name   string
		answer func(w http.ResponseWriter, r *http.Request)
		kind   dental.ErrorKind
		says   string
	}{
		{"tokens that are not accepted", refused(401), dental.Invalid, "tokens"},
		{"a licence that has run out", refused(402), dental.Invalid, "licence"},
		{"a user without rights", refused(403), dental.Invalid, "rights"},
		{"no such company", refused(404), dental.Invalid, "company"},
		{"too many requests", refused(429), dental.Unavailable, "no more requests"},
		{"too many requests for the machine before it", raw(429, "slow down"), dental.Unavailable, "cannot be read"},
		{"a question that is refused", refused(422), dental.Unavailable, "refused"},
		{"a failure inside", refused(500), dental.Unavailable, "cannot be read"},
		{"a machine before it that fails", raw(502, "<html>"), dental.Unavailable, "cannot be read"},
		{"another host's page", raw(200, "<html>"), dental.Unavailable, "cannot be read"},
		{"an answer without success", raw(200, `{"success":false,"data":[],"meta":[]}`), dental.Unavailable, "cannot be read"},
		{"an address that moved", raw(301, ""), dental.Unavailable, "cannot be read"},
		{"an answer that was lost", lost, dental.Unavailable, "does not answer"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := serve(t, tt.answer)
			_, err := s.client().Changed(t.Context(), clinic(), s.account(), "", noon)
			if dental.KindOf(err) != tt.kind || !strings.Contains(dental.MessageOf(err), tt.says) {
				t.Errorf("the error is %v", err)
			}
			if mend := tt.kind == dental.Invalid && tt.says != "company"; errors.Is(err, pull.ErrAccount) != mend {
				t.Errorf("the account is to be mended: %v; %v", !mend, err)
			}
			for _, secret := range []string{"partnertoken1", "usertoken1", "Ромашкина", "79160000001"} {
				if err != nil && strings.Contains(err.Error(), secret) {
					t.Errorf("%q is in %v", secret, err)
				}
			}
			if n := len(s.Asked()); n != 1 {
				t.Errorf("it was asked %d times", n)
			}
		})
	}
}

func TestWithoutTokensNothingIsAsked(t *testing.T) {
	s := serve(t, refused(500))
	a := s.account()
	delete(a.Secrets, "partner")
	delete(a.Secrets, "user")
	_, changed := s.client().Changed(t.Context(), clinic(), a, "", noon)
	_, fetched := s.client().Fetch(t.Context(), clinic(), a, intake.Ref{Kind: "record", ID: "31"}, noon)
	confirmed := s.client().Confirm(t.Context(), clinic(), a, appointment(), "confirm")
	for _, err := range []error{changed, fetched, confirmed} {
		if dental.KindOf(err) != dental.Invalid || !errors.Is(err, pull.ErrAccount) || !strings.Contains(err.Error(), "tokens are missing") {
			t.Errorf("the error is %v", err)
		}
	}
	if asked := s.Asked(); !errors.Is(confirmed, pull.ErrNotWritten) || len(asked) != 0 {
		t.Errorf("it was asked %v", asked)
	}
}

func TestAllIsAskedForOnceAndThenWhatHasChanged(t *testing.T) {
	row := func(id string) string {
		return `{"id":` + id + `,"name":"Вера","last_change_date":"2026-03-09T12:00:00+0300"}`
	}
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body := `{"success":true,"data":[],"meta":[]}`
		if strings.HasPrefix(r.URL.Path, "/api/v1/clients/") {
			body = `{"success":true,"data":[` + row("11") + "," + row("12") + `],"meta":{"page":1,"total_count":2}}`
		}
		_, _ = w.Write([]byte(body))
	})
	run := func(cursor string, now time.Time) (next string, ids []string) {
		objects, next, err := mistest.Round(t.Context(), s.client(), clinic(), s.account(), cursor, now)
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range objects {
			ids = append(ids, o.ID)
		}
		return next, ids
	}
	cursor, ids := run("", noon)
	if strings.Join(ids, " ") != "11 12" {
		t.Errorf("the clients are %v", ids)
	}
	run(cursor, noon.Add(15*time.Minute))
	want := []string{
		"GET /api/v1/clients/4564?count=200&page=1",
		"GET /api/v1/records/4564?count=200&end_date=2029-03-12&page=1&start_date=2000-01-01",
		"GET /api/v1/transactions/4564?count=200&end_date=2026-03-11&page=1&start_date=2023-03-08",
		"GET /api/v1/clients/4564?changed_after=2026-03-09T12%3A00%3A00&count=200&page=1",
		"GET /api/v1/records/4564?changed_after=2026-03-09T12%3A00%3A00&count=200&end_date=2029-03-12&page=1&start_date=2000-01-01&with_deleted=1",
		"GET /api/v1/transactions/4564?count=200&end_date=2026-03-11&page=1&start_date=2026-03-07",
	}
	if got := strings.Join(s.Asked(), "\n"); got != strings.Join(want, "\n") {
		t.Errorf("it was asked\n%s", got)
	}
	s.Forget()
	run(cursor, noon.Add(24*time.Hour))
	asked := s.Asked()
	if last := asked[len(asked)-1]; !strings.Contains(last, "start_date=2026-01-25") {
		t.Errorf("once a day the operations of weeks are asked for, and it was %s", last)
	}
	s.Forget()
	_, ids = run("nonsense", noon)
	if asked = s.Asked(); len(ids) != 2 || !strings.HasSuffix(asked[0], "clients/4564?count=200&page=1") {
		t.Errorf("a cursor that cannot be read is a new beginning, and it was asked %v", asked)
	}
}

func TestAnObjectIsReadAsItIsNow(t *testing.T) {
	for _, tt := range []struct {
		name   string
		ref    intake.Ref
		answer func(w http.ResponseWriter, r *http.Request)
		path   string
		want   func(o []intake.Object) bool
	}{
		{"a record", intake.Ref{Kind: "record", ID: "31"}, raw(200, `{"success":true,"data":{"id":31,"client":{"id":7,"name":"Вера"},"date":"2026-03-10 10:00:00"},"meta":[]}`), "/api/v1/record/4564/31",
			func(o []intake.Object) bool { return len(o) == 2 && o[1].Facts[0].Appointment.ID == "31" }},
		{"a client", intake.Ref{Kind: "client", ID: "31"}, raw(200, `{"success":true,"data":{"id":31,"name":"Вера"},"meta":[]}`), "/api/v1/client/4564/31",
			func(o []intake.Object) bool { return len(o) == 1 && o[0].Facts[0].Card.GivenName == "Вера" }},
		{"an operation", intake.Ref{Kind: "finances_operation", ID: "31"}, raw(200, `{"success":true,"data":{"id":31,"amount":5,"client_id":7,"client":[],"expense_id":5,"expense":{"id":5},"date":"2026-03-10 10:00:00"},"meta":[]}`), "/api/v1/finance_transactions/4564/31",
			func(o []intake.Object) bool {
				return len(o) == 1 && o[0].Facts[0].Payment.Patient == "yc.7" && o[0].Facts[0].Payment.Amount.Minor == 500
			}},
		{"a record that is not there", intake.Ref{Kind: "record", ID: "31"}, refused(404), "/api/v1/record/4564/31",
			func(o []intake.Object) bool { return len(o) == 1 && o[0].Gone && o[0].ID == "31" }},
		{"a client who is not there", intake.Ref{Kind: "client", ID: "31"}, refused(404), "/api/v1/client/4564/31",
			func(o []intake.Object) bool { return len(o) == 1 && archived(*o[0].Facts[0].Card) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := serve(t, tt.answer)
			got, err := s.client().Fetch(t.Context(), clinic(), s.account(), tt.ref, noon)
			if asked := s.Asked(); err != nil || !tt.want(got) || asked[0] != "GET "+tt.path {
				t.Errorf("it says %+v, %v, asked %v", got, err, asked)
			}
		})
	}
}

func TestWhatIsNotTheSystemsOwnWordIsNoDeletion(t *testing.T) {
	for name, answer := range map[string]func(w http.ResponseWriter, r *http.Request){
		"a page of a machine before it": raw(404, "<html>not found"), "another's JSON": raw(404, `{"message":"no route"}`), "no data": raw(200, `{"success":true,"data":null}`), "lost": lost,
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, answer)
			got, err := s.client().Fetch(t.Context(), clinic(), s.account(), intake.Ref{Kind: "record", ID: "31"}, noon)
			if dental.KindOf(err) != dental.Unavailable || got != nil {
				t.Errorf("it says %+v, %v", got, err)
			}
		})
	}
	s := serve(t, refused(404))
	for _, ref := range []intake.Ref{{Kind: "service", ID: "1"}, {Kind: "record", ID: "../1"}, {}} {
		_, err := s.client().Fetch(t.Context(), clinic(), s.account(), ref, noon)
		if asked := s.Asked(); dental.KindOf(err) != dental.Invalid || len(asked) > 0 {
			t.Errorf("%+v: %v, asked %v", ref, err, asked)
		}
	}
}

func appointment() dental.Appointment {
	return dental.Appointment{ID: "31", Patient: "yc.7", Start: time.Date(2026, 3, 12, 7, 0, 0, 0, time.UTC)}
}

// journal answers the look at the record with fields changed, and what writes with write.
func journal(fields string, write func(w http.ResponseWriter, r *http.Request)) func(w http.ResponseWriter, r *http.Request) {
	all := recordWith(`date="2026-03-12 10:00:00"; visit_id="310"; comment="звонить \"после\" обеда"; services=[{"id":1,"title":"123","cost":900.5,"first_cost":1000,"discount":10}]; ` + fields)
	data := all[strings.Index(all, `"data":`):]
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			_, _ = w.Write([]byte(`{"success":true,` + data))
			return
		}
		write(w, r)
	}
}

func accepted(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodDelete {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	_, _ = w.Write([]byte(`{"success":true,"data":{},"meta":[]}`))
}

func TestAPatientsAnswerIsWrittenBackByOneRequest(t *testing.T) {
	for _, tt := range []struct{ action, asked, body string }{
		{"confirm", "PUT /api/v1/visits/310/31", `{"attendance":2,"comment":"звонить \"после\" обеда","services":[{"id":1,"title":"123","cost":900.5,"discount":10,"first_cost":1000,"record_id":31}]}`},
		{"cancel", "DELETE /api/v1/record/4564/31", ``},
	} {
		t.Run(tt.action, func(t *testing.T) {
			s := serve(t, journal("", accepted))
			if err := s.client().Confirm(t.Context(), clinic(), s.account(), appointment(), tt.action); err != nil {
				t.Fatal(err)
			}
			asked, bodies := s.Asked(), s.bodies.All()
			if len(asked) != 2 || asked[0] != "GET /api/v1/record/4564/31" || asked[1] != tt.asked || bodies[1] != tt.body {
				t.Errorf("it was asked %v\n%s", asked, bodies[1])
			}
			if tt.body != "" && !json.Valid([]byte(bodies[1])) {
				t.Error("it is no JSON")
			}
		})
	}
}

func TestWhatIsSaidAlreadyIsNotWritten(t *testing.T) {
	for _, tt := range []struct {
		name, action string
		answer       func(w http.ResponseWriter, r *http.Request)
	}{
		{"confirmed by staff meanwhile", "confirm", journal("attendance=2", lost)},
		{"deleted by staff meanwhile", "cancel", journal("deleted=true", lost)},
		{"not there any more", "cancel", refused(404)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := serve(t, tt.answer)
			err := s.client().Confirm(t.Context(), clinic(), s.account(), appointment(), tt.action)
			if asked := s.Asked(); err != nil || len(asked) != 1 {
				t.Errorf("%v, asked %v", err, asked)
			}
		})
	}
}

func TestARecordThatHasChangedIsLeftToStaff(t *testing.T) {
	for _, tt := range []struct{ name, action, fields, says string }{
		{"moved", "confirm", `date="2026-03-12 11:00:00"`, "moved"},
		{"another patient's", "cancel", `client={"id":8,"name":"Ким"}`, "another patient"},
		{"nobody's", "cancel", `client=[]`, "another patient"},
		{"deleted", "confirm", `deleted=1`, "deleted"},
		{"come of", "cancel", `attendance=1`, "taken place"},
		{"missed", "confirm", `attendance=-1`, "taken place"},
		{"of a group", "cancel", `activity_id=5`, "group"},
		{"without a visit", "confirm", `visit_id=0`, "no visit"},
		{"paid", "cancel", `paid_full=1`, "paid"},
		{"prepaid", "cancel", `prepaid=true`, "paid"},
		{"sold goods with", "confirm", `goods_transactions=[{"id":1}]`, "goods"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := serve(t, journal(tt.fields, accepted))
			err := s.client().Confirm(t.Context(), clinic(), s.account(), appointment(), tt.action)
			if asked := s.Asked(); !errors.Is(err, pull.ErrNotWritten) || dental.KindOf(err) != dental.Conflict || !strings.Contains(dental.MessageOf(err), tt.says) || len(asked) != 1 {
				t.Errorf("%v, asked %v", err, asked)
			}
		})
	}
}

func TestOnlyProofSaysThatNothingWasWritten(t *testing.T) {
	for _, tt := range []struct {
		name   string
		write  func(w http.ResponseWriter, r *http.Request)
		proven bool
		kind   dental.ErrorKind
	}{
		{"a refusal", refused(422), true, dental.Unavailable},
		{"no rights", refused(403), true, dental.Invalid},
		{"too many requests", refused(429), true, dental.Unavailable},
		{"no such record", refused(404), true, dental.Invalid},
		{"a refusal by a machine before it", raw(403, "<html>"), false, dental.Unavailable},
		{"a failure inside", refused(500), false, dental.Unavailable},
		{"a success that is none", raw(200, `{"success":false,"data":null,"meta":{}}`), false, dental.Unavailable},
		{"an answer that was lost", lost, false, dental.Unavailable},
	} {
		for _, action := range []string{"confirm", "cancel"} {
			t.Run(tt.name+" of "+action, func(t *testing.T) {
				s := serve(t, journal("", tt.write))
				err := s.client().Confirm(t.Context(), clinic(), s.account(), appointment(), action)
				if asked := s.Asked(); errors.Is(err, pull.ErrNotWritten) != tt.proven || dental.KindOf(err) != tt.kind || len(asked) != 2 {
					t.Errorf("%v, asked %v", err, asked)
				}
			})
		}
	}
	t.Run("nobody listens", func(t *testing.T) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		host := l.Addr().String()
		_ = l.Close()
		client := yclients.New(wire.NewClient(wire.Options{}), pace(), host)
		if err := client.Confirm(t.Context(), clinic(), account("http://"+host), appointment(), "cancel"); !errors.Is(err, pull.ErrNotWritten) || dental.KindOf(err) != dental.Unavailable {
			t.Errorf("%v", err)
		}
	})
	t.Run("nobody listens any more when it comes to writing", func(t *testing.T) {
		var s *server
		s = serve(t, func(w http.ResponseWriter, r *http.Request) {
			_ = s.Listener.Close()
			w.Header().Set("Connection", "close")
			journal("", lost)(w, r)
		})
		err := s.client().Confirm(t.Context(), clinic(), s.account(), appointment(), "cancel")
		if asked := s.Asked(); !errors.Is(err, pull.ErrNotWritten) || dental.KindOf(err) != dental.Unavailable || len(asked) != 1 {
			t.Errorf("%v, asked %v", err, asked)
		}
	})
	t.Run("it cannot be looked at", func(t *testing.T) {
		s := serve(t, refused(500))
		for _, action := range []string{"confirm", "cancel", "reschedule"} {
			if err := s.client().Confirm(t.Context(), clinic(), s.account(), appointment(), action); !errors.Is(err, pull.ErrNotWritten) {
				t.Errorf("%s: %v", action, err)
			}
		}
		a := appointment()
		a.ID = "h:abc"
		err := s.client().Confirm(t.Context(), clinic(), s.account(), a, "cancel")
		if asked := s.Asked(); !errors.Is(err, pull.ErrNotWritten) || len(asked) != 2 {
			t.Errorf("%v, asked %v", err, asked)
		}
	})
}

func TestTheAPIIsAskedNoFasterThanItTakes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var slept time.Duration
		start := time.Now()
		p := yclients.NewPace(time.Now, func(_ context.Context, d time.Duration) error {
			slept += d
			time.Sleep(d)
			return nil
		})
		client := yclients.New(wire.NewClient(wire.Options{Timeout: time.Millisecond}), p, "127.0.0.1:1")
		const calls = 100
		for range calls {
			_, _ = client.Changed(t.Context(), clinic(), account("http://127.0.0.1:1"), "", noon)
		}
		if took := time.Since(start); took < (calls-3)*300*time.Millisecond || slept == 0 {
			t.Errorf("%d calls took %v", calls, took)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		if _, err := client.Changed(ctx, clinic(), account("http://127.0.0.1:1"), "", noon); dental.KindOf(err) != dental.Unavailable || !strings.Contains(err.Error(), "no time") {
			t.Errorf("a wait that is too long is %v", err)
		}
	})
}

func TestTheTimeForWhichTheSystemWantsToBeLeftAloneIsKept(t *testing.T) {
	s := serve(t, lost)
	mistest.Obeys(t, `{"success":false,"data":null,"meta":{"message":"Too many requests"}}`, s.Answer, func() error {
		_, err := s.client().Changed(t.Context(), clinic(), s.account(), "", noon)
		return err
	})
}
