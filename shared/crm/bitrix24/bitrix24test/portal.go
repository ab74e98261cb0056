// Package bitrix24test is a portal of Bitrix24 that behaves as its documents
// say, as far as the adapter uses it, and fails in all the ways that a portal
// can, on demand. The documents are those that package bitrix24 names.
package bitrix24test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode"

	"github.com/returnpoint/returnpoint/shared/dental"
)

// The webhook of every Portal, and a user beside the webhook's own.
const (
	User        = "1"
	Code        = "c0denobodyknows"
	Responsible = "7"
)

// Fault is a way for one request to fail.
type Fault int

// The faults. What they say of the effect is what the caller cannot know.
const (
	None        Fault = iota
	Cut               // the connection breaks, nothing was done
	Lost              // it was done, and the connection breaks
	Late              // the connection breaks, and it is done three requests later
	Failed            // INTERNAL_SERVER_ERROR, nothing was done
	FailedAfter       // it was done, and the answer is INTERNAL_SERVER_ERROR
	Garbled           // it was done, and the answer is a page of HTML
	Limited           // QUERY_LIMIT_EXCEEDED, nothing was done
	Blocked           // OPERATION_TIME_LIMIT, nothing was done
	faults
)

// Faults lists all that fail.
func Faults() (all []Fault) {
	for f := None + 1; f < faults; f++ {
		all = append(all, f)
	}
	return all
}

// Item is a to-do (on a contact's card) or a task.
type Item struct {
	Kind        string // "todo", "task", or "email" for an activity that is neither
	ID          int
	Contact     int // of a to-do
	Title       string
	Description string
	Deadline    string
	Responsible int
	Done        bool
}

// Contact is a contact's card.
type Contact struct {
	Given, Family string
	Phones        []string
}

// Portal is one portal. Its fields are set before it is called.
type Portal struct {
	// Fault decides how the next request fails; nil lets none fail.
	Fault func(method string) Fault
	// Between is called before each method is, and may change what is there.
	Between func(method string)
	// Refuse is the error that every request is answered with, if it has a status.
	Refuse Refusal
	// Control has the portal's tasks await control when they are completed.
	Control bool
	// Scopes are what the webhook is allowed: "crm" and "task".
	Scopes []string

	now    func() time.Time
	server *httptest.Server

	mu       sync.Mutex
	contacts map[int]Contact
	items    []Item
	lastID   int
	// level is the request counter, which loses 2 a second.
	level   float64
	asOf    time.Time
	calls   []string
	turned  int
	pending []late
}

// Refusal is an error of the REST API.
type Refusal struct {
	Status      int
	Code        string
	Description string
}

type late struct {
	at   int // the request before which it is done
	work func()
}

// Start makes a portal that listens on loopback until the test ends. now is the
// clock of its request counter.
func Start(t testing.TB, now func() time.Time) *Portal {
	t.Helper()
	p := &Portal{now: now, asOf: now(), Scopes: []string{"crm", "task"}, contacts: map[int]Contact{}, lastID: 100}
	p.server = httptest.NewUnstartedServer(p)
	p.server.Config.ErrorLog = log.New(io.Discard, "", 0)
	p.server.Start()
	t.Cleanup(p.server.Close)
	return p
}

// Host is the portal's host and port.
func (p *Portal) Host() string { return strings.TrimPrefix(p.server.URL, "http://") }

// Account is a clinic's account with the portal.
func (p *Portal) Account() dental.Account {
	return dental.Account{
		Settings: map[string]string{"portal": p.Host(), "user": User, "responsible": Responsible},
		Secrets:  map[string]dental.Secret{"webhook": Code},
	}
}

// Add makes a contact and returns its id.
func (p *Portal) Add(c Contact) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lastID++
	p.contacts[p.lastID] = c
	return p.lastID
}

// Remove deletes a contact, whose to-dos go with it, or an item.
func (p *Portal) Remove(id int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.contacts, id)
	p.items = slices.DeleteFunc(p.items, func(i Item) bool { return i.ID == id || i.Contact == id && i.Kind == "todo" })
}

// Edit lets staff change an item.
func (p *Portal) Edit(id int, edit func(*Item)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := range p.items {
		if p.items[i].ID == id {
			edit(&p.items[i])
		}
	}
}

// Copy makes another item like the one.
func (p *Portal) Copy(id int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	i := slices.IndexFunc(p.items, func(it Item) bool { return it.ID == id })
	p.lastID++
	p.items = append(p.items, p.items[i])
	p.items[len(p.items)-1].ID = p.lastID
}

// Items lists all there is, oldest first.
func (p *Portal) Items() []Item {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.items)
}

// Burden counts a request of another program's.
func (p *Portal) Burden() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.level++
}

// Calls lists the methods called since the last Calls, those turned away too.
func (p *Portal) Calls() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	calls := p.calls
	p.calls = nil
	return calls
}

// TurnedAway counts the requests that the request counter turned away.
func (p *Portal) TurnedAway() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.turned
}

// Settle lets everything that was late happen.
func (p *Portal) Settle() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, l := range p.pending {
		l.work()
	}
	p.pending = nil
}

var (
	tooMany = Refusal{503, "QUERY_LIMIT_EXCEEDED", "Too many requests"}
	blocked = Refusal{429, "OPERATION_TIME_LIMIT", "Method is blocked due to operation time limit"}
	inside  = Refusal{500, "INTERNAL_SERVER_ERROR", "Internal server error"}
)

// ServeHTTP answers /rest/<user>/<code>/<method>.
func (p *Portal) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	if p.Between != nil {
		p.Between(r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:])
	}
	p.mu.Lock()
	status, answer := p.serve(r, body)
	p.mu.Unlock()
	if status == 0 {
		panic(http.ErrAbortHandler)
	}
	if status == http.StatusFound {
		w.Header().Set("Location", "https://moved.example.com"+r.URL.Path)
	}
	w.WriteHeader(status)
	switch a := answer.(type) {
	case string:
		_, _ = io.WriteString(w, a)
	default:
		_ = json.NewEncoder(w).Encode(a)
	}
}

// serve answers one request; the status 0 breaks the connection.
func (p *Portal) serve(r *http.Request, body []byte) (status int, answer any) {
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	method := strings.TrimSuffix(parts[len(parts)-1], ".json")
	p.calls = append(p.calls, method)
	for len(p.pending) > 0 && p.pending[0].at <= len(p.calls) {
		p.pending[0].work()
		p.pending = p.pending[1:]
	}

	now := p.now()
	p.level = max(0, p.level-2*now.Sub(p.asOf).Seconds())
	p.asOf = now
	if p.level+1 > 50 {
		p.turned++
		return tooMany.answer()
	}
	p.level++

	switch {
	case p.Refuse.Status == http.StatusFound:
		return http.StatusFound, "<html>moved</html>"
	case p.Refuse.Status != 0:
		return p.Refuse.answer()
	case len(parts) < 4 || parts[0] != "rest":
		return Refusal{401, "NO_AUTH_FOUND", "Wrong authorization data"}.answer()
	case parts[1] != User || parts[2] != Code:
		return Refusal{401, "INVALID_CREDENTIALS", "Invalid request credentials"}.answer()
	}
	scope, work := p.method(method)
	if work == nil {
		return Refusal{404, "ERROR_METHOD_NOT_FOUND", "Method not found!"}.answer()
	}
	if !slices.Contains(p.Scopes, scope) {
		return Refusal{401, "insufficient_scope", "The request requires higher privileges than provided by the webhook token"}.answer()
	}
	params := values{}
	if err := json.Unmarshal(body, &params); err != nil {
		return Refusal{400, "", "the body is not JSON"}.answer()
	}
	fault := None
	if p.Fault != nil {
		fault = p.Fault(method)
	}
	switch fault {
	case Cut:
		return 0, nil
	case Late:
		p.pending = append(p.pending, late{len(p.calls) + 3, func() { _, _ = work(params) }})
		return 0, nil
	case Failed:
		return inside.answer()
	case Limited:
		return tooMany.answer()
	case Blocked:
		return blocked.answer()
	}
	result, said := work(params)
	switch fault {
	case Lost:
		return 0, nil
	case FailedAfter:
		return inside.answer()
	case Garbled:
		return 200, "<html>one moment, please</html>"
	}
	if said != nil {
		return said.answer()
	}
	return 200, map[string]any{"result": result, "time": map[string]any{"duration": 0.1, "operating": 0.1}}
}

func (r Refusal) answer() (int, any) {
	return r.Status, map[string]any{"error": r.Code, "error_description": r.Description}
}

// values are the parameters of a call.
type values map[string]any

func (v values) text(name string) string {
	switch x := v[name].(type) {
	case nil:
		return ""
	case float64:
		return strconv.FormatFloat(x, 'f', -1, 64)
	default:
		return fmt.Sprint(x)
	}
}

func (v values) number(name string) int {
	n, _ := strconv.Atoi(v.text(name))
	return n
}

func (v values) object(name string) values {
	o, _ := v[name].(map[string]any)
	return o
}

type work func(values) (result any, said *Refusal)

func (p *Portal) method(name string) (scope string, w work) {
	switch name {
	case "crm.duplicate.findbycomm":
		return "crm", p.findByPhone
	case "crm.contact.list":
		return "crm", p.listContacts
	case "crm.activity.list":
		return "crm", p.listActivities
	case "crm.activity.todo.add":
		return "crm", p.addTodo
	case "crm.activity.update":
		return "crm", p.updateActivity
	case "tasks.task.list":
		return "task", p.listTasks
	case "tasks.task.add":
		return "task", p.addTask
	case "tasks.task.complete":
		return "task", p.completeTask
	}
	return "", nil
}

// digits is how numbers are compared: without signs, the Russian trunk's 8 as 7.
func digits(phone string) string {
	d := strings.Map(func(r rune) rune {
		if unicode.IsDigit(r) {
			return r
		}
		return -1
	}, phone)
	if len(d) == 11 && d[0] == '8' {
		d = "7" + d[1:]
	}
	return d
}

func (p *Portal) findByPhone(v values) (any, *Refusal) {
	wanted, _ := v["values"].([]any)
	switch {
	case v.text("type") != "PHONE":
		return nil, &Refusal{400, "Communication type is not defined", "Parameter 'type' is required."}
	case len(wanted) == 0 || len(wanted) > 20:
		return nil, &Refusal{400, "Communication values is not defined", "Parameter 'values' is required."}
	}
	var found []int
	for _, id := range slices.Sorted(maps.Keys(p.contacts)) {
		if slices.ContainsFunc(p.contacts[id].Phones, func(phone string) bool {
			return slices.ContainsFunc(wanted, func(w any) bool { return digits(fmt.Sprint(w)) == digits(phone) })
		}) && len(found) < 20 {
			found = append(found, id)
		}
	}
	if len(found) == 0 {
		return []any{}, nil // PHP's empty object
	}
	return map[string]any{"CONTACT": found}, nil
}

func (p *Portal) listContacts(v values) (any, *Refusal) {
	list := []any{}
	ids, _ := v.object("filter")["@ID"].([]any)
	for _, id := range ids {
		n := int(id.(float64))
		if c, ok := p.contacts[n]; ok {
			list = append(list, map[string]any{"ID": strconv.Itoa(n), "NAME": c.Given, "LAST_NAME": c.Family})
		}
	}
	return list, nil
}

// like is LIKE '%pattern%' in the portal's collation: it folds case, and "_" is
// any letter.
func like(s, pattern string) bool {
	have, want := []rune(strings.ToLower(s)), []rune(strings.ToLower(pattern))
	same := func(a, b rune) bool { return a == b || b == '_' }
	for i := 0; i+len(want) <= len(have); i++ {
		if slices.EqualFunc(have[i:i+len(want)], want, same) {
			return true
		}
	}
	return false
}

func (p *Portal) selected(kind string, filter values, title string) ([]Item, *Refusal) {
	var found []Item
	for _, it := range p.items {
		_, todoAlone := filter["PROVIDER_ID"]
		fits := it.Kind == kind || kind == "todo" && it.Kind == "email" && !todoAlone
		for name := range filter {
			switch name {
			case "ID":
				fits = fits && it.ID == filter.number(name)
			case "PROVIDER_ID":
				fits = fits && filter.text(name) == "CRM_TODO"
			case "%" + title:
				fits = fits && like(it.Title, filter.text(name))
			default:
				// A real portal leaves out what it does not know, and lists too much.
				return nil, &Refusal{400, "", "the filter knows no " + name}
			}
		}
		if fits {
			found = append(found, it)
		}
	}
	slices.SortFunc(found, func(a, b Item) int { return cmp.Compare(a.ID, b.ID) })
	return found[:min(50, len(found))], nil
}

func (p *Portal) listActivities(v values) (any, *Refusal) {
	found, said := p.selected("todo", v.object("filter"), "SUBJECT")
	list := []any{}
	for _, it := range found {
		done := "N"
		if it.Done {
			done = "Y"
		}
		list = append(list, map[string]any{"ID": strconv.Itoa(it.ID), "SUBJECT": it.Title, "COMPLETED": done})
	}
	return list, said
}

func (p *Portal) listTasks(v values) (any, *Refusal) {
	found, said := p.selected("task", v.object("filter"), "TITLE")
	list := []any{}
	for _, it := range found {
		list = append(list, p.taskOf(it))
	}
	return map[string]any{"tasks": list}, said
}

func (p *Portal) taskOf(it Item) map[string]any {
	status := "2"
	switch {
	case it.Done && p.Control:
		status = "4"
	case it.Done:
		status = "5"
	}
	return map[string]any{"id": strconv.Itoa(it.ID), "title": it.Title, "status": status}
}

func wrongTime(s string) bool {
	_, err := time.Parse("2006-01-02T15:04:05-07:00", s)
	return err != nil
}

func (p *Portal) addTodo(v values) (any, *Refusal) {
	switch {
	case v.number("ownerTypeId") == 0 || v.number("ownerId") == 0 || v.text("deadline") == "":
		return nil, &Refusal{400, "100", "Could not find value for parameter"}
	case wrongTime(v.text("deadline")):
		return nil, &Refusal{400, "WRONG_DATETIME_FORMAT", "Wrong datetime format"}
	case v.number("ownerTypeId") != 3 || p.contacts[v.number("ownerId")].Phones == nil:
		return nil, &Refusal{400, "OWNER_NOT_FOUND", "Owner was not found"}
	}
	responsible, said := p.user(v.number("responsibleId"))
	if said != nil {
		return nil, said
	}
	p.lastID++
	p.items = append(p.items, Item{Kind: "todo", ID: p.lastID, Contact: v.number("ownerId"), Title: v.text("title"),
		Description: v.text("description"), Deadline: v.text("deadline"), Responsible: responsible})
	return map[string]any{"id": p.lastID}, nil
}

func (p *Portal) user(id int) (int, *Refusal) {
	if s := strconv.Itoa(id); s != User && s != Responsible {
		return 0, &Refusal{400, "ERROR_CORE", `User specified in the "Assignee" field not found<br>`}
	}
	return id, nil
}

func (p *Portal) addTask(v values) (any, *Refusal) {
	fields := v.object("fields")
	switch {
	case fields == nil:
		return nil, &Refusal{400, "100", "Could not find value for parameter {fields} (internal error)"}
	case fields.text("TITLE") == "":
		return nil, &Refusal{400, "ERROR_CORE", "Task title not specified<br>"}
	case len([]rune(fields.text("TITLE"))) > 250:
		return nil, &Refusal{400, "ERROR_CORE", "Task title is too long<br>"}
	case wrongTime(fields.text("DEADLINE")):
		return nil, &Refusal{400, "ERROR_CORE", "Incorrect deadline: " + fields.text("DEADLINE")}
	}
	responsible, said := p.user(fields.number("RESPONSIBLE_ID"))
	if said != nil {
		return nil, said
	}
	p.lastID++
	it := Item{Kind: "task", ID: p.lastID, Title: fields.text("TITLE"), Description: fields.text("DESCRIPTION"), Deadline: fields.text("DEADLINE"), Responsible: responsible}
	p.items = append(p.items, it)
	return map[string]any{"task": p.taskOf(it)}, nil
}

func (p *Portal) item(kind string, id int) *Item {
	i := slices.IndexFunc(p.items, func(it Item) bool { return it.Kind == kind && it.ID == id })
	if i < 0 {
		return nil
	}
	return &p.items[i]
}

func (p *Portal) updateActivity(v values) (any, *Refusal) {
	it := p.item("todo", v.number("id"))
	if it == nil {
		return nil, &Refusal{400, "", "Activity is not found."}
	}
	if done := v.object("fields").text("COMPLETED"); done != "" {
		it.Done = done == "Y"
	}
	return true, nil
}

func (p *Portal) completeTask(v values) (any, *Refusal) {
	it := p.item("task", v.number("taskId"))
	if it == nil || it.Done {
		return nil, &Refusal{400, "0", "Action failed"}
	}
	it.Done = true
	return map[string]any{"task": p.taskOf(*it)}, nil
}
