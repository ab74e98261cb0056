package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/returnpoint/returnpoint/shared/api"
	"github.com/returnpoint/returnpoint/shared/blob/dir"
	"github.com/returnpoint/returnpoint/shared/channel/outbox"
	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/desk"
	"github.com/returnpoint/returnpoint/shared/locale"
	"github.com/returnpoint/returnpoint/shared/scenario"
	"github.com/returnpoint/returnpoint/shared/settings"
	"github.com/returnpoint/returnpoint/shared/status"
	"github.com/returnpoint/returnpoint/shared/strictjson"
)

// demo is the clinic that is always there.
const demo = "demo"

// handler serves the routes of the template, and the console under /_local.
func (m *machine) handler() http.Handler {
	console, gate := m.console(), gateway{m, newRoutes(m.functions)}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasPrefix(r.URL.Path, "/_local/"):
			console.ServeHTTP(w, r)
		case strings.HasPrefix(r.URL.Path, issuerPath+"/"):
			m.people.ServeHTTP(w, r)
		case strings.HasPrefix(r.URL.Path, dir.Path):
			m.serveFiles(w, r)
		default:
			gate.ServeHTTP(w, r)
		}
	})
}

// console is what one machine shows of itself: the paths under /_local.
func (m *machine) console() http.Handler {
	if !m.plan.console {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { gatewayError(w, http.StatusNotFound, "Not Found") })
	}
	mux := http.NewServeMux()
	for pattern, h := range map[string]func(http.ResponseWriter, *http.Request) error{
		"GET /_local/messages":             m.getMessages,
		"GET /_local/messages/{id}/letter": m.getLetter,
		"GET /_local/clock":                m.getClock,
		"POST /_local/clock":               m.postClock,
		"POST /_local/inbound":             m.postInbound,
		"POST /_local/webhook-secret":      m.postSecret,
		"PUT /_local/clinics/{clinic}":     m.putClinic,
		"GET /_local/patients":             m.getPatients,
		"GET /_local/table-digest":         m.getDigest,
		"GET /_local/touches":              m.getTouches,
		"GET /_local/tasks":                m.getTasks,
		"GET /_local/measures":             m.getMeasures,
		"GET /_local/consent":              m.getConsent,
		"POST /_local/release":             m.postRelease,
		"POST /_local/bonus":               m.postBonus,
		"GET /_local/audit":                m.getAudit,
		"POST /_local/audit":               m.postAudit,
	} {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			if err := h(w, r); err != nil {
				m.fail(w, r, err)
			}
		})
	}
	return loopbackOnly(http.NewCrossOriginProtection().Handler(mux))
}

// loopbackOnly keeps all but this machine's own programs out: by the address
// they come from, and by the name they ask for, since the browser of this
// machine can be led here under a name that a stranger has pointed at it.
func loopbackOnly(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !loopback(r.RemoteAddr) || !loopback(r.Host) || proxied(r.Header) {
			problem(w, http.StatusForbidden, "forbidden", "these paths are for programs of this machine alone", "")
			return
		}
		header := w.Header()
		header.Set("Cache-Control", "no-store")
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("Referrer-Policy", "no-referrer")
		header.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.ServeHTTP(w, r)
	})
}

// proxied reports whether somebody else's request was handed on by a proxy of
// this machine.
func proxied(h http.Header) bool {
	for _, name := range []string{"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-Ip", "Via"} {
		if h.Get(name) != "" {
			return true
		}
	}
	return false
}

// loopback reports whether an address, or a host with or without a port, is
// this machine itself.
func loopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		host = strings.Trim(address, "[]")
	}
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}

// fail answers an error in the form of the contract.
func (m *machine) fail(w http.ResponseWriter, r *http.Request, err error) {
	if errors.Is(err, errStopping) {
		problem(w, http.StatusServiceUnavailable, "stopping", "the machine is stopping", "")
		return
	}
	if known, ok := errors.AsType[*dental.Error](err); ok && status.Of(err) < 500 {
		problem(w, status.Of(err), string(known.Kind), known.Message, known.Field)
		return
	}
	m.log.Error("a request of the console failed", "path", r.URL.Path, "err", err)
	problem(w, status.Of(err), "internal", err.Error(), "") // whoever asks is the operator
}

func problem(w http.ResponseWriter, code int, kind, message, field string) {
	var p api.Problem
	p.Error.Code, p.Error.Message, p.Error.Field = kind, message, field
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(p) // the client has gone if this fails
}

func respond(w http.ResponseWriter, code int, body any) error {
	raw, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("write JSON: %w", err)
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(code)
	_, _ = w.Write(append(raw, '\n')) // the client has gone if this fails
	return nil
}

// maxBody bounds what the console reads.
const maxBody = 1 << 20

func readBody(r *http.Request) ([]byte, error) {
	raw, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	if err != nil {
		return nil, dental.Errorf(dental.Invalid, "", "the body could not be read")
	}
	if len(raw) > maxBody {
		return nil, dental.Errorf(dental.Invalid, "", "the body is over 1 MB")
	}
	return raw, nil
}

// clinic finds the clinic that the query names.
func (m *machine) clinic(r *http.Request) (*dental.Clinic, error) {
	id := r.URL.Query().Get("clinic")
	if id == "" {
		return nil, dental.Errorf(dental.Invalid, "clinic", "is missing: ?clinic=%s", demo)
	}
	return m.store.Begin().Clinic(r.Context(), id)
}

// moment is a time as the console writes it: to the second, by the clinic's
// clocks; null for none.
type moment struct {
	at  time.Time
	loc *time.Location
}

func (t moment) MarshalJSON() ([]byte, error) {
	if t.at.IsZero() {
		return []byte("null"), nil
	}
	return json.Marshal(t.at.In(t.loc).Format(time.RFC3339))
}

// text is "" as null.
type text string

func (t text) MarshalJSON() ([]byte, error) {
	if t == "" {
		return []byte("null"), nil
	}
	return json.Marshal(string(t))
}

// ---- clock

type clockAnswer struct {
	Now moment `json:"now"`
}

func (m *machine) getClock(w http.ResponseWriter, r *http.Request) error {
	return respond(w, http.StatusOK, clockAnswer{m.shown()})
}

// shown is the time by the clocks of the demo clinic.
func (m *machine) shown() moment {
	loc := time.UTC
	if cl, err := m.store.Begin().Clinic(m.work, demo); err == nil {
		loc = cl.Location()
	}
	return moment{m.clock.Now(), loc}
}

func (m *machine) postClock(w http.ResponseWriter, r *http.Request) error {
	raw, err := readBody(r)
	if err != nil {
		return err
	}
	var want clockRequest
	form, isForm, err := formOf(r, raw)
	if err != nil {
		return err
	}
	if isForm { // of the phones page
		want.Advance, want.Now = form.Get("advance"), form.Get("now")
	} else {
		if err := strictjson.Decode(raw, maxBody, &want); err != nil {
			return dental.Errorf(dental.Invalid, "", `the body is no JSON object such as {"advance": "24h"}: %v`, err)
		}
	}
	if _, err := want.target(m.clock.Now()); err != nil {
		return err
	}
	// A long way takes long; it is not given up half way because a client waits.
	_ = errors.Join(http.NewResponseController(w).SetWriteDeadline(time.Time{}), http.NewResponseController(w).SetReadDeadline(time.Time{}))
	if err := m.advance(want.target); err != nil {
		return err
	}
	if isForm {
		http.Redirect(w, r, "/_local/messages", http.StatusSeeOther)
		return nil
	}
	return respond(w, http.StatusOK, clockAnswer{m.shown()})
}

// clockRequest moves the clock by a stretch or to an instant.
type clockRequest struct {
	Advance string `json:"advance"`
	Now     string `json:"now"`
}

// longest is how far the clock moves at once.
const longest = 10 * 366 * 24 * time.Hour

func (c clockRequest) target(now time.Time) (time.Time, error) {
	var to time.Time
	field := "advance"
	switch {
	case (c.Advance == "") == (c.Now == ""):
		return to, dental.Errorf(dental.Invalid, "", `name one of them: {"advance": "24h"} or {"now": "2026-03-10T11:00:00+03:00"}`)
	case c.Advance != "":
		d, err := parseStretch(c.Advance)
		if err != nil {
			return to, dental.Errorf(dental.Invalid, field, `must be a stretch such as "90m", "24h", "2d" or "1d12h"`)
		}
		to = now.Add(d)
	default:
		field = "now"
		var err error
		if to, err = time.Parse(time.RFC3339, c.Now); err != nil {
			return to, dental.Errorf(dental.Invalid, field, "must be a time of RFC 3339 with its offset")
		}
		// Times are shown to the second: one that was just shown is not in the past.
		if to.Before(now) && !to.Before(now.Truncate(time.Second)) {
			to = now
		}
	}
	switch {
	case to.Before(now):
		return to, dental.Errorf(dental.Invalid, field, "the clock never goes back; it shows %s", now.Format(time.RFC3339))
	case to.Sub(now) > longest || !plausible(to):
		return to, dental.Errorf(dental.Invalid, field, "the clock moves by ten years at most, and not beyond 2100")
	}
	return to, nil
}

var stretch = regexp.MustCompile(`^(?:([0-9]{1,5})d)?(.*)$`)

// parseStretch reads a Go duration that may begin with days of 24 hours.
func parseStretch(s string) (time.Duration, error) {
	m := stretch.FindStringSubmatch(s)
	days, err := time.Duration(0), error(nil)
	if m[1] != "" {
		n, _ := strconv.Atoi(m[1]) // five digits at most
		if days = time.Duration(n) * 24 * time.Hour; m[2] == "" {
			return days, nil
		}
	}
	rest, err := time.ParseDuration(m[2])
	return days + rest, err
}

// ---- clinics

// overlap is how long a replaced secret goes on verifying.
const overlap = 24 * time.Hour

func (m *machine) postSecret(w http.ResponseWriter, r *http.Request) error {
	cl, err := m.clinic(r)
	if err != nil {
		return err
	}
	var secret dental.Secret
	switch rotate := r.URL.Query().Get("rotate"); rotate {
	case "", "0":
		secret, err = m.settings.Secret(r.Context(), cl.ID, m.clock.Now())
	case "1":
		secret, err = m.settings.RotateSecret(r.Context(), cl.ID, m.clock.Now(), overlap)
	default:
		return dental.Errorf(dental.Invalid, "rotate", "must be 1")
	}
	if err != nil {
		return err
	}
	return respond(w, http.StatusOK, map[string]string{"secret": string(secret)})
}

// postRelease lets a day's batch of a scenario go, as a press at the desk does.
func (m *machine) postRelease(w http.ResponseWriter, r *http.Request) error {
	cl, err := m.clinic(r)
	if err != nil {
		return err
	}
	day, err := dental.ParseDate(r.URL.Query().Get("day"))
	if err != nil {
		return dental.Errorf(dental.Invalid, "day", "must be a date, as in 2026-09-15")
	}
	name, now := r.URL.Query().Get("scenario"), m.clock.Now()
	presses := &desk.Presses{Store: m.store, Catalogue: scenario.Shipped()}
	ref := desk.Ref{Clinic: cl.ID, Kind: dental.ReleaseTask, Anchor: dental.BatchAnchor(name, day)}
	form := desk.Form{ID: fmt.Sprint("console.", now.UnixNano()), Outcome: dental.PressReleased}
	if err := presses.Press(r.Context(), ref, dental.Staff{Name: "console", Role: dental.Manager}, form, now); err != nil {
		return err
	}
	return respond(w, http.StatusAccepted, map[string]string{"scenario": name, "day": day.String()})
}

// fresh is what a clinic made here starts from: as the demo clinic, so that
// messages flow at once, but what it advertises waits for its staff.
func fresh(id string) dental.Clinic {
	cl, like := settings.New(id), settings.Demo()
	cl.Name, cl.Phone, cl.Address = id, like.Phone, like.Address
	cl.MarginPermille, cl.Maps = like.MarginPermille, like.Maps
	for name, s := range like.Scenarios {
		s.Release = dental.ReleaseStaff
		cl.Scenarios[name] = s
	}
	return cl
}

func (m *machine) putClinic(w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("clinic")
	patch, err := readBody(r)
	if err != nil {
		return err
	}
	defer m.foreseen.forget()
	_, err = m.store.Begin().Clinic(r.Context(), id)
	if dental.KindOf(err) == dental.NotFound {
		cl, err := settings.Apply(fresh(id), patch)
		if err != nil {
			return err
		}
		created, err := m.settings.Create(r.Context(), cl, m.clock.Now())
		if err != nil {
			return err
		}
		if created {
			if err := m.files.Make(inboxOf(id)); err != nil {
				return err
			}
			return respond(w, http.StatusCreated, map[string]string{"id": id})
		}
	} else if err != nil {
		return err
	}
	if _, _, err := m.settings.Put(r.Context(), id, patch, m.clock.Now()); err != nil {
		return err
	}
	return respond(w, http.StatusOK, map[string]string{"id": id})
}

// ---- state

func (m *machine) getDigest(w http.ResponseWriter, _ *http.Request) error {
	items, sum, err := m.table.Digest()
	if err != nil {
		return err
	}
	return respond(w, http.StatusOK, struct {
		Items  int    `json:"items"`
		SHA256 string `json:"sha256"`
	}{items, sum})
}

type money struct {
	Total    string `json:"total"`
	Currency string `json:"currency"`
}

type patientLine struct {
	ID           string `json:"id"`
	Phone        text   `json:"phone"`
	BirthDate    text   `json:"birthDate"`
	Visits       int    `json:"visits"`
	LastVisit    text   `json:"lastVisit"`
	Appointments int    `json:"appointments"`
	Plans        int    `json:"plans"`
	Revenue      money  `json:"revenue"`
	Bonuses      string `json:"bonuses"`
}

func (m *machine) getPatients(w http.ResponseWriter, r *http.Request) error {
	cl, err := m.clinic(r)
	if err != nil {
		return err
	}
	ids, err := m.patients(r, cl)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/x-ndjson; charset=utf-8")
	lines := json.NewEncoder(w)
	for _, id := range ids {
		card, err := m.store.Begin().Card(r.Context(), cl.ID, id)
		if err != nil {
			return err
		}
		if !card.Known() || card.Patient.Erased {
			continue
		}
		line := patientLine{ID: id, Phone: text(card.Patient.Phone), BirthDate: text(card.Patient.BirthDate.String()), Visits: len(card.Visits),
			Appointments: len(card.Appointments), Plans: len(card.Plans), Revenue: revenue(cl, card),
			Bonuses: balance(cl, dental.PurseOn(card.Bonuses, cl.Today(m.clock.Now())))}
		if days := card.VisitDays(cl.Location()); len(days) > 0 {
			line.LastVisit = text(days[len(days)-1].String())
		}
		if err := lines.Encode(line); err != nil {
			return nil // the client has gone
		}
	}
	return nil
}

// patients lists the ids of a clinic's patients, sorted, or the one that the query names.
func (m *machine) patients(r *http.Request, cl *dental.Clinic) ([]string, error) {
	if id := r.URL.Query().Get("patient"); id != "" {
		return []string{id}, nil
	}
	var ids []string
	// Nobody's last visit was before, and no visit lies more than a day ahead.
	from, to := dental.Date{Year: 1900, Month: time.January, Day: 1}, cl.Today(m.clock.Now()).AddDays(2)
	err := m.store.Patients(r.Context(), cl.ID, from, to, func(id string) error {
		ids = append(ids, id)
		return nil
	})
	slices.Sort(ids)
	return slices.Compact(ids), err
}

// revenue is what a patient's visits have brought: the receipt of each less its
// refunds; without a receipt, the sum of its payments. Other payments only inform.
func revenue(cl *dental.Clinic, card *dental.Card) money {
	sum := dental.Money{Currency: cl.Currency}
	for _, v := range card.Visits {
		paid := int64(0)
		for _, p := range card.Payments {
			switch {
			case p.VisitID != v.ID:
			case p.Kind == dental.Refund:
				paid -= p.Amount.Minor
			case v.Receipt.IsZero():
				paid += p.Amount.Minor
			}
		}
		sum.Minor += v.Receipt.Minor + paid
	}
	return money{sum.Decimal(), sum.Currency}
}

type touchLine struct {
	ID       string            `json:"id"`
	Patient  string            `json:"patient"`
	Scenario string            `json:"scenario"`
	Step     string            `json:"step"`
	State    dental.TouchState `json:"state"`
	Reason   string            `json:"reason"`
	Why      string            `json:"why"` // the reason in the staff's words
	Due      moment            `json:"due"`
	Channel  text              `json:"channel"`
	SentAt   moment            `json:"sentAt"`
	Class    dental.Class      `json:"class"`
	Anchor   string            `json:"anchor"`
	// Task is the kind of task that a touch of staff became, "" of a message.
	Task        dental.TaskKind `json:"task"`
	EndedOn     text            `json:"endedOn"`
	DeliveredAt moment          `json:"deliveredAt"`
	Parts       int             `json:"parts"`
	Price       text            `json:"price"` // of the parts that were accepted
}

func (m *machine) getTouches(w http.ResponseWriter, r *http.Request) error {
	cl, err := m.clinic(r)
	if err != nil {
		return err
	}
	ids, err := m.patients(r, cl)
	if err != nil {
		return err
	}
	var touches []dental.Touch
	for _, id := range ids {
		card, err := m.store.Begin().Card(r.Context(), cl.ID, id)
		if err != nil {
			return err
		}
		touches = append(touches, card.Touches...)
	}
	slices.SortStableFunc(touches, func(a, b dental.Touch) int { return a.Due.Compare(b.Due) })
	words, loc := locale.For(cl.Language), cl.Location()
	out := []touchLine{}
	for _, t := range touches {
		line := touchLine{ID: t.ID(), Patient: t.Patient, Scenario: t.Scenario, Step: t.Step, State: t.State, Reason: t.Reason,
			Due: moment{t.Due, loc}, Channel: text(t.Channel), SentAt: moment{t.SentAt, loc}, Class: t.Class, Anchor: t.Anchor,
			Task: t.Kind, EndedOn: text(t.EndedOn.String()), DeliveredAt: moment{t.DeliveredAt, loc}, Parts: t.Parts}
		if !t.Price.IsZero() {
			line.Price = text(t.Price.Decimal())
		}
		if t.Reason != "" {
			line.Why = words.Reason(t.Reason)
		}
		out = append(out, line)
	}
	return respond(w, http.StatusOK, out)
}

type taskLine struct {
	ID       string          `json:"id"`
	Kind     dental.TaskKind `json:"kind"`
	Patient  string          `json:"patient"`
	Due      moment          `json:"due"`
	Reason   string          `json:"reason"`
	Note     string          `json:"note"` // what the patient wrote
	Scenario string          `json:"scenario"`
	State    string          `json:"state"`
	Times    int             `json:"times"`
}

func (m *machine) getTasks(w http.ResponseWriter, r *http.Request) error {
	cl, err := m.clinic(r)
	if err != nil {
		return err
	}
	now, loc := m.clock.Now(), cl.Location()
	out := []taskLine{}
	for cursor := ""; ; {
		tasks, next, err := m.store.OpenTasks(r.Context(), cl.ID, 1000, cursor)
		if err != nil {
			return err
		}
		for _, t := range tasks {
			out = append(out, taskLine{ID: t.ID(), Kind: t.Kind, Patient: t.Patient, Due: moment{t.Due, loc}, Reason: t.Reason, Note: t.Note,
				Scenario: t.Scenario, State: t.State(now), Times: t.Times})
		}
		if cursor = next; cursor == "" {
			return respond(w, http.StatusOK, out)
		}
	}
}

// ---- messages

// messageLine is a message with its time by the clinic's clocks.
type messageLine struct {
	outbox.Message
	At moment `json:"at"`
}

func (m *machine) getMessages(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	messages, err := m.outbox.MessagesAfter(q.Get("after"))
	if err != nil {
		return err
	}
	if q.Get("to") != "" {
		messages = slices.DeleteFunc(messages, func(o outbox.Message) bool { return o.To != q.Get("to") })
	}
	zones := map[string]*time.Location{}
	lines := make([]messageLine, len(messages))
	for i, o := range messages {
		if zones[o.Clinic] == nil {
			zones[o.Clinic] = time.UTC
			if cl, err := m.store.Begin().Clinic(r.Context(), o.Clinic); err == nil {
				zones[o.Clinic] = cl.Location()
			}
		}
		lines[i] = messageLine{o, moment{o.At, zones[o.Clinic]}}
	}
	if strings.Contains(r.Header.Get("Accept"), "application/json") {
		return respond(w, http.StatusOK, lines)
	}
	return m.showPhone(w, r, lines)
}
