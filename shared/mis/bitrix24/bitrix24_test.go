package bitrix24_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
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
	crm "github.com/returnpoint/returnpoint/shared/crm/bitrix24"
	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/intake"
	"github.com/returnpoint/returnpoint/shared/mis/bitrix24"
	"github.com/returnpoint/returnpoint/shared/mis/mistest"
	"github.com/returnpoint/returnpoint/shared/pull"
)

const (
	application = "51856fefc120afa4b628cc82d3935cce"
	code        = "c0denobodyknows"
	startField  = "UF_CRM_1680000000"
)

func clinic() *dental.Clinic {
	return &dental.Clinic{ID: "demo", TimeZone: "Europe/Moscow", Country: "RU", Language: "ru", Currency: "RUB"}
}

func account(host string) dental.Account {
	return dental.Account{
		Settings: map[string]string{"portal": host, "user": "1", bitrix24.StartSetting: startField, bitrix24.ConfirmedSetting: "CONFIRMED", bitrix24.MissedSetting: "MISSED, C2:MISSED"},
		Secrets:  map[string]dental.Secret{"webhook": code, bitrix24.ApplicationSecret: application, dental.CallbackSecret: "0123456789abcdef"},
	}
}

// event is what a portal sends.
func event(name, id string, change ...func(url.Values)) intake.Delivery {
	form := url.Values{"event": {name}, "event_handler_id": {"201"}, "data[FIELDS][ID]": {id}, "ts": {"1736405807"}, "auth[domain]": {"clinic.bitrix24.ru"},
		"auth[client_endpoint]": {"https://clinic.bitrix24.ru/rest/"}, "auth[server_endpoint]": {"https://oauth.bitrix.info/rest/"},
		"auth[member_id]": {"a223c6b3710f85df22e9377d6c4f7553"}, "auth[application_token]": {application}}
	for _, c := range change {
		c(form)
	}
	return intake.Delivery{Header: http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, Body: []byte(form.Encode())}
}

func TestAnEventOnlyNames(t *testing.T) {
	for name, want := range map[string]string{
		"ONCRMDEALADD": "fetch deal 759", "ONCRMDEALUPDATE": "fetch deal 759", "OnCrmDealUpdate": "fetch deal 759", "ONCRMDEALMOVETOCATEGORY": "fetch deal 759",
		"ONCRMDEALDELETE": "gone deal 759", "ONCRMCONTACTADD": "fetch contact 759", "ONCRMCONTACTUPDATE": "fetch contact 759", "ONCRMCONTACTDELETE": "archived contact 759",
		"ONTASKADD": "own", "ONTASKUPDATE": "own", "ONCRMACTIVITYADD": "own", "ONCRMACTIVITYUPDATE": "own",
		"ONCRMLEADADD": "other", "ONCRMCOMPANYUPDATE": "other", "ONAPPINSTALL": "other", "ONCRMDEALUSERFIELDADD": "other",
	} {
		heard, err := bitrix24.Read(clinic(), account("clinic.bitrix24.ru"), event(name, "759"))
		if err != nil {
			t.Errorf("%s is refused: %v", name, err)
			continue
		}
		got := heard.Silent
		for _, ref := range heard.Fetch {
			got += "fetch " + ref.Kind + " " + ref.ID
		}
		for _, o := range heard.Objects {
			switch {
			case o.Gone && len(o.Facts) == 0:
				got += "gone " + o.Kind + " " + o.ID
			case len(o.Facts) == 1 && o.Facts[0].Card.Status == dental.Archived && o.Facts[0].Card.Says == intake.Known && o.Patient() == "b24."+o.ID:
				got += "archived " + o.Kind + " " + o.ID
			}
		}
		if got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
}

func TestAnEventThatIsNotProvenIsRefused(t *testing.T) {
	for name, d := range map[string]intake.Delivery{
		"without a token":      event("ONCRMDEALUPDATE", "1", func(f url.Values) { f.Del("auth[application_token]") }),
		"with another token":   event("ONCRMDEALUPDATE", "1", func(f url.Values) { f.Set("auth[application_token]", "51856fefc120afa4b628cc82d3935ccf") }),
		"with two tokens":      event("ONCRMDEALUPDATE", "1", func(f url.Values) { f.Add("auth[application_token]", "x") }),
		"with two ids":         event("ONCRMDEALUPDATE", "1", func(f url.Values) { f.Add("data[FIELDS][ID]", "2") }),
		"without a name":       event("", "1"),
		"without an id":        event("ONCRMDEALUPDATE", ""),
		"with an id of words":  event("ONCRMDEALUPDATE", "1 OR 1"),
		"with the id nought":   event("ONCRMDEALDELETE", "0"),
		"nothing":              {},
		"no form":              {Body: []byte("%zz")},
		"a form of a megabyte": {Body: []byte("event=" + strings.Repeat("x", 1<<20))},
	} {
		t.Run(name, func(t *testing.T) {
			heard, err := bitrix24.Read(clinic(), account("clinic.bitrix24.ru"), d)
			if dental.KindOf(err) != dental.Invalid || len(heard.Fetch)+len(heard.Objects) != 0 || strings.Contains(err.Error(), application) {
				t.Errorf("got %+v, %v", heard, err)
			}
		})
	}
	t.Run("and all is, by an account without a token", func(t *testing.T) {
		own := account("clinic.bitrix24.ru")
		delete(own.Secrets, bitrix24.ApplicationSecret)
		if _, err := bitrix24.Read(clinic(), own, event("ONCRMDEALUPDATE", "1", func(f url.Values) { f.Set("auth[application_token]", "") })); dental.KindOf(err) != dental.Invalid {
			t.Errorf("got %v", err)
		}
	})
}

func TestAnAccountOfTasksAloneIsRightAndOneOfEventsHasAToken(t *testing.T) {
	tasks := dental.Account{Settings: map[string]string{"portal": "clinic.bitrix24.ru", "user": "1", "responsible": "7"}, Secrets: map[string]dental.Secret{"webhook": code}}
	both := account("clinic.bitrix24.ru")
	for name, a := range map[string]dental.Account{"of tasks": tasks, "of both": both} {
		if err := bitrix24.Validate(a); err != nil {
			t.Errorf("one %s is refused: %v", name, err)
		}
		if err := crm.Validate(a); err != nil {
			t.Errorf("one %s is refused by the tasks: %v", name, err)
		}
	}
	wrong := account("example.com")
	wrong.Secrets[bitrix24.ApplicationSecret] = "short"
	for name, value := range map[string]string{bitrix24.StartSetting: "BEGINDATE", bitrix24.CategorySetting: "first", bitrix24.CameSetting: "WON,L OST", bitrix24.LostSetting: "MISSED"} {
		wrong.Settings[name] = value
	}
	err := bitrix24.Validate(wrong)
	if dental.KindOf(err) != dental.Invalid {
		t.Fatalf("got %v", err)
	}
	for _, field := range []string{"settings.portal", "secrets.application", "settings.startField", "settings.category", "settings.stageCame", "settings.stageLost"} {
		if !strings.Contains(err.Error(), field+": ") {
			t.Errorf("%q does not name %s", err, field)
		}
	}
}

// office is a portal in which there are contacts and deals.
type office struct {
	*httptest.Server
	mistest.Calls
	mu       sync.Mutex
	contacts map[string]map[string]any
	deals    map[string]map[string]any
	products map[string][]map[string]any
}

func open(t testing.TB) *office {
	o := &office{contacts: map[string]map[string]any{}, deals: map[string]map[string]any{}, products: map[string][]map[string]any{}}
	o.Server = httptest.NewServer(o)
	t.Cleanup(o.Close)
	return o
}

func (o *office) host() string { return strings.TrimPrefix(o.URL, "http://") }

func (o *office) client(t testing.TB) *bitrix24.Client {
	calls := wire.NewClient(wire.Options{Timeout: 5 * time.Second})
	t.Cleanup(calls.CloseIdleConnections)
	return bitrix24.New(calls, o.host())
}

// set changes what is in the portal.
func (o *office) set(change func()) {
	o.mu.Lock()
	defer o.mu.Unlock()
	change()
}

// question is what a method is called with.
type question struct {
	ID     json.Number `json:"id"`
	Filter struct {
		After string `json:">ID"`
		Since string `json:">=DATE_MODIFY"`
	} `json:"filter"`
}

func (o *office) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	method, ok := strings.CutPrefix(r.URL.Path, "/rest/1/"+code+"/")
	var of question
	body, err := io.ReadAll(r.Body)
	if err != nil || json.Unmarshal(body, &of) != nil || !ok {
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = fmt.Fprint(w, `{"error":"INVALID_CREDENTIALS","error_description":"Invalid request credentials"}`)
		return
	}
	if instead := o.Heard(method + " " + of.ID.String() + of.Filter.After); instead != nil {
		r.Body = io.NopCloser(bytes.NewReader(body))
		instead(w, r)
		return
	}
	o.serve(w, method, of)
}

// serve answers as the portal does.
func (o *office) serve(w http.ResponseWriter, method string, of question) {
	o.mu.Lock()
	defer o.mu.Unlock()
	var result any
	found := true
	list := func(all map[string]map[string]any) []map[string]any {
		out := []map[string]any{}
		after, _ := strconv.Atoi(of.Filter.After)
		for id, row := range all {
			if n, _ := strconv.Atoi(id); n > after && (of.Filter.Since == "" || fmt.Sprint(row["DATE_MODIFY"]) >= of.Filter.Since) {
				out = append(out, row)
			}
		}
		slices.SortFunc(out, func(a, b map[string]any) int {
			x, _ := strconv.Atoi(fmt.Sprint(a["ID"]))
			y, _ := strconv.Atoi(fmt.Sprint(b["ID"]))
			return x - y
		})
		return out[:min(50, len(out))]
	}
	switch method {
	case "crm.contact.get":
		result, found = o.contacts[of.ID.String()]
	case "crm.deal.get":
		result, found = o.deals[of.ID.String()]
	case "crm.deal.productrows.get":
		rows := o.products[of.ID.String()]
		if rows == nil {
			rows = []map[string]any{}
		}
		result = rows
	case "crm.contact.list":
		result = list(o.contacts)
	case "crm.deal.list":
		result = list(o.deals)
	}
	if !found {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = fmt.Fprint(w, `{"error":"","error_description":"Not found"}`)
		return
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"result": result, "time": map[string]any{"start": 1736405807.1}})
}

// person and booking are a contact and a deal as the API writes them.
func person(id string) map[string]any {
	return map[string]any{"ID": id, "NAME": "Вера", "SECOND_NAME": "", "LAST_NAME": "Ромашкина", "BIRTHDATE": "1980-03-01T03:00:00+03:00", "DATE_MODIFY": "2026-05-22T12:00:00+03:00", "HAS_PHONE": "Y",
		"PHONE": []map[string]any{{"ID": "1", "VALUE_TYPE": "MOBILE", "VALUE": "+7 916 000-00-01", "TYPE_ID": "PHONE"}}, "EMAIL": []map[string]any{{"ID": "2", "VALUE_TYPE": "WORK", "VALUE": "vera@example.com"}}}
}

func booking(id string, change ...string) map[string]any {
	row := map[string]any{"ID": id, "TITLE": "Запись Вера", "STAGE_ID": "NEW", "STAGE_SEMANTIC_ID": "P", "CATEGORY_ID": "0", "CONTACT_ID": "7", "OPPORTUNITY": "5400.00", "CURRENCY_ID": "RUB",
		"CLOSEDATE": "2026-05-30T03:00:00+03:00", "MOVED_TIME": "2026-05-25T16:00:00+03:00", "DATE_MODIFY": "2026-05-22T12:00:00+03:00", "CLOSED": "N", startField: "2026-05-25T15:00:00+03:00"}
	for i := 0; i < len(change); i += 2 {
		row[change[i]] = change[i+1]
		if change[i+1] == "" {
			delete(row, change[i])
		}
	}
	return row
}

func words(o intake.Object) string {
	zone := clinic().Location()
	var out []string
	for _, f := range o.Facts {
		switch {
		case f.Card != nil:
			out = append(out, fmt.Sprintf("card %s %s %s %s %s %s", f.Card.ID, f.Card.FamilyName, f.Card.GivenName, f.Card.BirthDate, f.Card.Number, f.Card.Mail))
		case f.Appointment != nil:
			out = append(out, fmt.Sprintf("%s %s %s of %s: %s", f.Appointment.ID, f.Appointment.Status, f.Appointment.Start.In(zone).Format("02.01 15:04"), f.Appointment.Patient, f.Appointment.Services[0].Name))
		case f.Visit != nil:
			receipt := "nothing"
			if !f.Visit.Receipt.IsZero() {
				receipt = f.Visit.Receipt.String()
			}
			out = append(out, fmt.Sprintf("visit %s %s of %s: %s, %s", f.Visit.ID, f.Visit.FinishedAt.In(zone).Format("02.01 15:04"), f.Visit.Patient, f.Visit.Procedures[0].Name, receipt))
		}
	}
	return strings.Join(out, "; ")
}

func TestADealIsReadWithItsContactAndItsProducts(t *testing.T) {
	const who = "card b24.7 Ромашкина Вера 1980-03-01 +7 916 000-00-01 vera@example.com"
	for name, c := range map[string]struct {
		change []string
		want   string
	}{
		"in progress with a time":            {nil, "b24.759 booked 25.05 15:00 of b24.7: Гигиена"},
		"confirmed":                          {[]string{"STAGE_ID", "CONFIRMED"}, "b24.759 confirmed 25.05 15:00 of b24.7: Гигиена"},
		"won":                                {[]string{"STAGE_ID", "WON", "STAGE_SEMANTIC_ID", "S"}, "b24.759 booked 25.05 15:00 of b24.7: Гигиена; visit b24.759 25.05 16:00 of b24.7: Гигиена, 5400.00 RUB"},
		"lost":                               {[]string{"STAGE_ID", "LOSE", "STAGE_SEMANTIC_ID", "F"}, "b24.759 cancelled 25.05 15:00 of b24.7: Гигиена"},
		"lost, because nobody came":          {[]string{"STAGE_ID", "C2:MISSED", "STAGE_SEMANTIC_ID", "F"}, "b24.759 missed 25.05 15:00 of b24.7: Гигиена"},
		"in progress without a time":         {[]string{startField, ""}, ""},
		"a time that is none":                {[]string{startField, "скоро"}, ""},
		"won without a time":                 {[]string{startField, "", "STAGE_SEMANTIC_ID", "S"}, "visit b24.759 25.05 16:00 of b24.7: Гигиена, 5400.00 RUB"},
		"won without a time, of old portals": {[]string{startField, "", "MOVED_TIME", "", "STAGE_SEMANTIC_ID", "S"}, "visit b24.759 30.05 12:00 of b24.7: Гигиена, 5400.00 RUB"},
		"won without any date":               {[]string{startField, "", "MOVED_TIME", "", "CLOSEDATE", "", "STAGE_SEMANTIC_ID", "S"}, ""},
		"won for nothing":                    {[]string{"STAGE_SEMANTIC_ID", "S", "OPPORTUNITY", "0.00"}, "b24.759 booked 25.05 15:00 of b24.7: Гигиена; visit b24.759 25.05 16:00 of b24.7: Гигиена, nothing"},
		"lost without a time":                {[]string{startField, "", "STAGE_SEMANTIC_ID", "F"}, ""},
		"in the zone of another city":        {[]string{startField, "2026-05-25T17:00:00+05:00"}, "b24.759 booked 25.05 15:00 of b24.7: Гигиена"},
	} {
		t.Run(name, func(t *testing.T) {
			o := open(t)
			o.set(func() {
				o.contacts["7"], o.deals["759"] = person("7"), booking("759", c.change...)
				o.products["759"] = []map[string]any{{"ID": "1", "PRODUCT_NAME": "Гигиена", "PRICE": 5400, "QUANTITY": 1}}
			})
			objects, err := o.client(t).Fetch(t.Context(), clinic(), account(o.host()), intake.Ref{Kind: "deal", ID: "759"}, time.Date(2026, 6, 1, 9, 0, 0, 0, time.UTC))
			if err != nil || len(objects) != 2 {
				t.Fatalf("got %d, %v", len(objects), err)
			}
			if got := words(objects[0]); got != who {
				t.Errorf("the contact is %q", got)
			}
			if got := words(objects[1]); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
	t.Run("and is nobody's without a contact, and nothing in another pipeline", func(t *testing.T) {
		o := open(t)
		o.set(func() {
			o.contacts["7"], o.deals["1"], o.deals["2"] = person("7"), booking("1", "CONTACT_ID", "0"), booking("2", "CATEGORY_ID", "3")
		})
		own := account(o.host())
		own.Settings[bitrix24.CategorySetting] = "0"
		for _, id := range []string{"1", "2"} {
			objects, err := o.client(t).Fetch(t.Context(), clinic(), own, intake.Ref{Kind: "deal", ID: id}, time.Time{})
			if err != nil || len(objects[len(objects)-1].Facts) != 0 {
				t.Errorf("deal %s is %+v, %v", id, objects, err)
			}
		}
	})
	t.Run("and has its title for what was done where it has no products", func(t *testing.T) {
		o := open(t)
		o.set(func() { o.contacts["7"], o.deals["1"] = person("7"), booking("1") })
		objects, err := o.client(t).Fetch(t.Context(), clinic(), account(o.host()), intake.Ref{Kind: "deal", ID: "1"}, time.Time{})
		if err != nil || !strings.HasSuffix(words(objects[1]), ": Запись Вера") {
			t.Errorf("got %+v, %v", objects, err)
		}
	})
}

func TestADealThatIsPaidForAheadIsAnAppointmentUntilItIsOver(t *testing.T) {
	o := open(t)
	o.set(func() { o.contacts["7"], o.deals["759"] = person("7"), booking("759", "STAGE_SEMANTIC_ID", "S") })
	over := time.Date(2026, 5, 25, 16, 0, 0, 0, clinic().Location())
	mistest.Held(t, over, over, func(at time.Time) intake.Object {
		objects, err := o.client(t).Fetch(t.Context(), clinic(), account(o.host()), intake.Ref{Kind: "deal", ID: "759"}, at)
		if err != nil || len(objects) != 2 {
			t.Fatal(objects, err)
		}
		return objects[1]
	})
	mistest.Held(t, over, over, func(at time.Time) intake.Object {
		objects, _, err := mistest.Round(t.Context(), o.client(t), clinic(), account(o.host()), "", at)
		if err != nil || len(objects) != 2 {
			t.Fatal(objects, err)
		}
		return objects[1]
	})
}

func TestAnObjectIsOrderedByItsLastChangeAndNothingComesAfterItsEnd(t *testing.T) {
	o := open(t)
	o.set(func() { o.contacts["7"], o.deals["1"] = person("7"), booking("1") })
	objects, err := o.client(t).Fetch(t.Context(), clinic(), account(o.host()), intake.Ref{Kind: "deal", ID: "1"}, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	heard, err := bitrix24.Read(clinic(), account(o.host()), event("ONCRMDEALDELETE", "1"))
	if err != nil {
		t.Fatal(err)
	}
	want := time.Date(2026, 5, 22, 9, 0, 0, 0, time.UTC)
	for _, object := range objects {
		if object.Version != want.UnixMilli() || !object.At.Equal(want) {
			t.Errorf("%s is of the version %d, at %v", object.Kind, object.Version, object.At)
		}
	}
	if heard.Objects[0].Version <= time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli() {
		t.Errorf("its end is of the version %d", heard.Objects[0].Version)
	}
}

func TestWhatIsNoMoreThereIsGone(t *testing.T) {
	o := open(t)
	objects, err := o.client(t).Fetch(t.Context(), clinic(), account(o.host()), intake.Ref{Kind: "deal", ID: "1"}, time.Time{})
	if err != nil || len(objects) != 1 || !objects[0].Gone {
		t.Errorf("a deal is %+v, %v", objects, err)
	}
	objects, err = o.client(t).Fetch(t.Context(), clinic(), account(o.host()), intake.Ref{Kind: "contact", ID: "1"}, time.Time{})
	if err != nil || len(objects) != 1 || objects[0].Gone || objects[0].Facts[0].Card.Status != dental.Archived {
		t.Errorf("a contact is %+v, %v", objects, err)
	}
}

func TestAFailureSaysWhoseTurnItIs(t *testing.T) {
	for name, c := range map[string]struct {
		status int
		body   string
		kind   dental.ErrorKind
	}{
		"too many calls":     {503, `{"error":"QUERY_LIMIT_EXCEEDED","error_description":"Too many requests"}`, dental.Unavailable},
		"a failure inside":   {500, `{"error":"INTERNAL_SERVER_ERROR"}`, dental.Unavailable},
		"no answer of its":   {200, `<html>`, dental.Unavailable},
		"another address":    {302, ``, dental.Invalid},
		"an unknown webhook": {401, `{"error":"INVALID_CREDENTIALS"}`, dental.Invalid},
		"too little allowed": {403, `{"error":"insufficient_scope"}`, dental.Invalid},
		"too few rights":     {400, `{"error":"ACCESS_DENIED","error_description":"Ромашкина: доступ запрещён"}`, dental.Invalid},
		"no rights at all":   {403, `{"error":"ACCESS_DENIED"}`, dental.Invalid},
		"an unseen object":   {400, `{"error":"","error_description":"Access denied"}`, dental.Invalid},
		"an unknown error":   {400, `{"error":"","error_description":"Internal error of the core"}`, dental.Unavailable},
		"a key twice":        {200, `{"result":{},"result":{}}`, dental.Unavailable},
		"no result":          {200, `{}`, dental.Unavailable},
		"a list for a deal":  {200, `{"result":[1]}`, dental.Unavailable},
		"a deal of nobody":   {200, `{"result":{}}`, dental.Unavailable},
	} {
		t.Run(name, func(t *testing.T) {
			o := open(t)
			o.Answer(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(c.status); _, _ = fmt.Fprint(w, c.body) })
			_, err := o.client(t).Fetch(t.Context(), clinic(), account(o.host()), intake.Ref{Kind: "deal", ID: "1"}, time.Time{})
			if dental.KindOf(err) != c.kind || strings.Contains(err.Error(), code) || strings.Contains(err.Error(), "Ромашкина") {
				t.Errorf("it is %q: %v", dental.KindOf(err), err)
			}
			if mend := c.kind == dental.Invalid && c.status != 400; errors.Is(err, pull.ErrAccount) != mend {
				t.Errorf("the account is to be mended: %v; %v", !mend, err)
			}
		})
	}
}

// denied answers one call in the portal's place, as it does of what it does not show.
func (o *office) denied(call, words string) {
	o.Answer(func(w http.ResponseWriter, r *http.Request) {
		if asked := o.Asked(); asked[len(asked)-1] != call {
			var of question
			_ = json.NewDecoder(r.Body).Decode(&of)
			o.serve(w, strings.TrimPrefix(r.URL.Path, "/rest/1/"+code+"/"), of)
			return
		}
		w.WriteHeader(http.StatusBadRequest)
		_, _ = fmt.Fprintf(w, `{"error":"","error_description":%q}`, words)
	})
}

func TestADealWhoseContactIsNotShownIsReadAsOneWhoseContactIsGone(t *testing.T) {
	o := open(t)
	o.set(func() { o.contacts["7"], o.deals["759"] = person("7"), booking("759") })
	for _, said := range []string{"Access denied", "Not found"} {
		o.denied("crm.contact.get 7", said)
		objects, err := o.client(t).Fetch(t.Context(), clinic(), account(o.host()), intake.Ref{Kind: "deal", ID: "759"}, time.Date(2026, 6, 1, 9, 0, 0, 0, time.UTC))
		if err != nil || len(objects) != 1 || !strings.HasPrefix(words(objects[0]), "b24.759 booked") {
			t.Errorf("%s: got %+v, %v", said, objects, err)
		}
	}
}

func TestADealThatGoesWhileItIsListedStopsNoOther(t *testing.T) {
	for said, want := range map[string]string{"Not found": "gone", "Access denied": "refused"} {
		o := open(t)
		o.set(func() { o.deals["1"], o.deals["2"], o.deals["3"] = booking("1"), booking("2"), booking("3") })
		o.denied("crm.deal.productrows.get 2", said)
		objects, _, err := mistest.Round(t.Context(), o.client(t), clinic(), account(o.host()), "", time.Date(2026, 5, 26, 12, 0, 0, 0, time.UTC))
		if err != nil || len(objects) != 3 || objects[2].Patient() != "b24.7" {
			t.Fatalf("%s: got %+v, %v", said, objects, err)
		}
		got := "taken"
		switch {
		case objects[1].ID != "2":
		case objects[1].Gone:
			got = "gone"
		case objects[1].Patient() == "":
			got = "refused"
		}
		if got != want {
			t.Errorf("%s: it is %s: %+v", said, got, objects[1])
		}
	}
}

func TestTheTimeForWhichAPortalWantsToBeLeftAloneIsKept(t *testing.T) {
	o := open(t)
	mistest.Obeys(t, `{"error":"QUERY_LIMIT_EXCEEDED"}`, o.Answer, func() error {
		_, err := o.client(t).Changed(t.Context(), clinic(), account(o.host()), "", time.Now())
		return err
	})
}

func TestWhatWasLostIsFoundByAskingWhatHasChanged(t *testing.T) {
	o := open(t)
	o.set(func() {
		for n := 1; n <= 120; n++ {
			o.contacts[strconv.Itoa(n)] = person(strconv.Itoa(n))
		}
		for n := 1; n <= 25; n++ {
			o.deals[strconv.Itoa(n)] = booking(strconv.Itoa(n))
		}
	})
	c, now := o.client(t), time.Date(2026, 5, 26, 12, 0, 0, 0, time.UTC)
	all := func(cursor string) (n int, next string) {
		objects, next, err := mistest.Round(t.Context(), c, clinic(), account(o.host()), cursor, now)
		if err != nil {
			t.Fatal(err)
		}
		return len(objects), next
	}
	n, cursor := all("")
	if n != 145 {
		t.Errorf("there came %d objects, want 145", n)
	}
	o.Forget()
	o.set(func() { o.deals["26"] = booking("26", "DATE_MODIFY", "2026-05-26T15:30:00+03:00") })
	if n, _ := all(cursor); n != 1 {
		t.Errorf("later there came %d objects, want one: %q", n, o.Asked())
	}
}

func TestWhatTheOfficeKnowsStandsOnTheCards(t *testing.T) {
	portal := open(t)
	client := portal.client(t)
	own := account(portal.host())
	stamp := func(at time.Time) string { return at.Format(time.RFC3339) }
	// say changes the portal and sends what it sends then.
	say := func(o *mistest.Office, object any) []intake.Delivery {
		switch x := object.(type) {
		case *mistest.Patient:
			if x.Deleted {
				return []intake.Delivery{event("ONCRMCONTACTDELETE", strconv.Itoa(x.ID))}
			}
			return []intake.Delivery{event("ONCRMCONTACTUPDATE", strconv.Itoa(x.ID))}
		case *mistest.Record:
			if x.Deleted {
				return []intake.Delivery{event("ONCRMDEALDELETE", strconv.Itoa(x.ID))}
			}
			return []intake.Delivery{event("ONCRMDEALUPDATE", strconv.Itoa(x.ID))}
		}
		panic("an object of no kind")
	}
	mirror := func(o *mistest.Office) {
		portal.mu.Lock()
		defer portal.mu.Unlock()
		portal.contacts, portal.deals, portal.products = map[string]map[string]any{}, map[string]map[string]any{}, map[string][]map[string]any{}
		for _, p := range o.Patients {
			if id := strconv.Itoa(p.ID); !p.Deleted {
				portal.contacts[id] = map[string]any{"ID": id, "NAME": p.GivenName, "LAST_NAME": p.FamilyName, "BIRTHDATE": p.BirthDate.String() + "T03:00:00+03:00", "DATE_MODIFY": stamp(p.Changed),
					"PHONE": []map[string]any{{"VALUE": p.Phone}}}
			}
		}
		for _, r := range o.Records {
			id := strconv.Itoa(r.ID)
			if r.Deleted {
				continue
			}
			stage := [][2]string{{"NEW", "P"}, {"CONFIRMED", "P"}, {"WON", "S"}, {"MISSED", "F"}, {"LOSE", "F"}}[r.Status]
			portal.deals[id] = map[string]any{"ID": id, "TITLE": "Сделка", "STAGE_ID": stage[0], "STAGE_SEMANTIC_ID": stage[1], "CATEGORY_ID": "0", "CONTACT_ID": strconv.Itoa(r.Patient.ID),
				"OPPORTUNITY": strconv.Itoa(r.Service.Price) + ".00", "CURRENCY_ID": "RUB", "DATE_MODIFY": stamp(r.Changed), startField: stamp(r.Start)}
			portal.products[id] = []map[string]any{{"PRODUCT_NAME": r.Service.Name, "PRICE": r.Service.Price}}
		}
	}
	mistest.Run(t, clinic(), own, mistest.Vendor{Name: dental.Bitrix24, Ordered: true, Read: bitrix24.Read, Say: say,
		Fetch: func(o *mistest.Office, ref intake.Ref) []intake.Object {
			mirror(o)
			objects, err := client.Fetch(t.Context(), o.Clinic, o.Account, ref, o.Now)
			if err != nil {
				t.Fatal(err)
			}
			return objects
		},
		Tells: mistest.Tells{BirthDates: true, Receipts: true, DeletedPatients: true}})
}

func FuzzRead(f *testing.F) {
	f.Add(event("ONCRMDEALUPDATE", "759").Body)
	f.Add(event("ONCRMCONTACTDELETE", "1").Body)
	f.Add(event("ONTASKADD", "").Body)
	f.Add([]byte("event=ONCRMDEALADD&data%5BFIELDS%5D%5BID%5D=5&auth%5Bapplication_token%5D=" + application))
	f.Add([]byte("auth[application_token]=" + application + "&event=x;y&data[FIELDS][ID]=%00"))
	cl, own := clinic(), account("clinic.bitrix24.ru")
	f.Fuzz(func(t *testing.T, body []byte) {
		heard, err := bitrix24.Read(cl, own, intake.Delivery{Body: body})
		if err != nil {
			if dental.KindOf(err) != dental.Invalid || len(heard.Objects)+len(heard.Fetch) > 0 {
				t.Fatalf("got %+v and %v", heard, err)
			}
			return
		}
		form, _ := url.ParseQuery(string(body))
		if form.Get("auth[application_token]") != application {
			t.Fatal("it was taken without the token")
		}
		if n := len(heard.Objects) + len(heard.Fetch); n > 1 || n == 1 == (heard.Silent != "") {
			t.Fatalf("it says %+v", heard)
		}
		for _, ref := range heard.Fetch {
			if n, err := strconv.ParseInt(ref.ID, 10, 64); err != nil || n <= 0 {
				t.Fatalf("it names %q", ref.ID)
			}
		}
		for _, o := range heard.Objects {
			if o.System != dental.Bitrix24 || o.Body == "" || o.Version <= 0 || o.Gone == (len(o.Facts) > 0) {
				t.Fatalf("an object is %+v", o)
			}
		}
	})
}
