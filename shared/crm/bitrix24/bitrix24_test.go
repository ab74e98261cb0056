package bitrix24_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/returnpoint/returnpoint/shared/channel/wire"
	"github.com/returnpoint/returnpoint/shared/crm/bitrix24"
	"github.com/returnpoint/returnpoint/shared/crm/bitrix24/bitrix24test"
	"github.com/returnpoint/returnpoint/shared/dental"
)

// clock is moved on by sleeping.
type clock struct {
	mu    sync.Mutex
	at    time.Time
	slept time.Duration
}

func newClock() *clock { return &clock{at: time.Date(2026, 5, 22, 12, 0, 0, 0, time.UTC)} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) sleep(ctx context.Context, d time.Duration) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at, c.slept = c.at.Add(d), c.slept+d
	return ctx.Err()
}

// desk is a clinic with a portal, and one task.
type desk struct {
	t       testing.TB
	clock   *clock
	portal  *bitrix24test.Portal
	crm     *bitrix24.CRM
	account dental.Account
	task    dental.Task
	who     dental.Patient
	title   string
	ref     string
}

func newDesk(t testing.TB) *desk {
	c := newClock()
	portal := bitrix24test.Start(t, c.now)
	calls := wire.NewClient(wire.Options{Timeout: 5 * time.Second})
	t.Cleanup(calls.CloseIdleConnections)
	return &desk{
		t: t, clock: c, portal: portal, account: portal.Account(),
		crm: bitrix24.New(calls, bitrix24.NewPace(c.now, c.sleep), portal.Host()),
		task: dental.Task{Clinic: "demo", Patient: "P-77", Kind: dental.CallTask, Anchor: "2026-11-22", Reason: "Не отвечает на два напоминания",
			OpenedAt: c.now(), Due: time.Date(2026, 5, 25, 10, 0, 0, 0, time.FixedZone("", 3*3600))},
		who:   dental.Patient{ID: "P-77", FamilyName: "Крылова", GivenName: "Алёна", MiddleName: "Игоревна", Phone: "+79990000001"},
		title: "Позвонить: контрольный осмотр",
	}
}

// tell tells the task once, and keeps the reference as the caller does.
func (d *desk) tell() error {
	ref, err := d.crm.Tell(context.Background(), d.account, d.task, d.who, d.title, d.ref)
	if err == nil {
		d.ref = ref
	} else if ref != "" {
		d.t.Errorf("an error came with the reference %q", ref)
	}
	return err
}

// must tells it, and it has to succeed.
func (d *desk) must() {
	d.t.Helper()
	if err := d.tell(); err != nil {
		d.t.Fatalf("tell: %v", err)
	}
}

func (d *desk) close() { d.task.ClosedAt, d.task.Outcome = d.clock.now(), "reached" }

func (d *desk) reopen() {
	d.clock.at = d.clock.at.Add(time.Hour)
	d.task.ClosedAt, d.task.Outcome, d.task.OpenedAt = time.Time{}, "", d.clock.now()
}

func (d *desk) contact(given, family string, phones ...string) int {
	return d.portal.Add(bitrix24test.Contact{Given: given, Family: family, Phones: phones})
}

// only is the one item there is.
func (d *desk) only() bitrix24test.Item {
	d.t.Helper()
	items := d.portal.Items()
	if len(items) != 1 {
		d.t.Fatalf("there are %d items, want one: %+v", len(items), items)
	}
	return items[0]
}

func TestATaskBecomesATodoOnTheContactsCard(t *testing.T) {
	d := newDesk(t)
	d.task.Note = "Позвоните [b]после[/b] шести #срочно"
	card := d.contact("Алёна", "Крылова", "+7 999 000-00-01")
	d.must()
	it := d.only()
	if it.Kind != "todo" || it.Contact != card || it.Responsible != 7 || it.Done {
		t.Errorf("got %+v, want an open to-do on card %d for user 7", it, card)
	}
	if it.Deadline != "2026-05-25T07:00:00+00:00" {
		t.Errorf("its deadline is %s", it.Deadline)
	}
	if !strings.HasPrefix(it.Title, d.title+" rp-") {
		t.Errorf("its title is %q", it.Title)
	}
	want := "Крылова Алёна Игоревна\n+79990000001\nНе отвечает на два напоминания\nПозвоните (b)после(/b) шести №срочно"
	if it.Description != want {
		t.Errorf("its description is %q, want %q", it.Description, want)
	}
	if want := fmt.Sprintf("%s/todo/%d/rp-", d.portal.Host(), it.ID); !strings.HasPrefix(d.ref, want) {
		t.Errorf("its reference is %q, want it to begin with %q", d.ref, want)
	}
	if calls := d.portal.Calls(); !slices.Equal(calls, []string{"crm.activity.list", "tasks.task.list", "crm.duplicate.findbycomm", "crm.activity.todo.add"}) {
		t.Errorf("the calls were %q", calls)
	}
}

func TestATaskOfSomebodyWithoutACardIsATaskOfItsOwn(t *testing.T) {
	for name, prepare := range map[string]func(*desk){
		"nobody has the phone":      func(d *desk) { d.contact("Алёна", "Крылова", "+79990000002") },
		"the patient has no phone":  func(d *desk) { d.contact("Алёна", "Крылова", "+79990000001"); d.who.Phone = "" },
		"there are no cards at all": func(*desk) {},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t)
			prepare(d)
			d.must()
			it := d.only()
			if it.Kind != "task" || it.Responsible != 7 || it.Done || it.Deadline != "2026-05-25T07:00:00+00:00" {
				t.Errorf("got %+v, want an open task for user 7", it)
			}
			if !strings.HasPrefix(it.Title, d.title) || !strings.Contains(it.Description, "Крылова Алёна Игоревна") {
				t.Errorf("it reads %q, %q", it.Title, it.Description)
			}
		})
	}
}

func TestTheCardIsFoundByThePhoneAndChosenByTheName(t *testing.T) {
	for name, c := range map[string]struct {
		cards [][]string // given name, family name, phones
		want  int        // which of them
	}{
		"a number typed with the trunk's eight": {[][]string{{"", "", "8 (999) 000-00-01"}}, 0},
		"a number typed without its country":    {[][]string{{"", "", "999 000 00 01"}}, 0},
		"a card with several numbers":           {[][]string{{"", "", "+74950000000", "+79990000001"}}, 0},
		"the first of two nameless":             {[][]string{{"", "", "+79990000001"}, {"", "", "+79990000001"}}, 0},
		"the namesake of two": {[][]string{
			{"Пётр", "Крылов", "+79990000001"}, {"АЛЕНА", " крылова ", "+79990000001"}, {"Алёна", "Крылова", "+79990000001"}}, 1},
		"the given name before the family name": {[][]string{{"Вера", "Крылова", "+79990000001"}, {"Алёна", "Ким", "+79990000001"}}, 1},
		"the family name when there is no more": {[][]string{{"Вера", "Ким", "+79990000001"}, {"", "Крылова", "+79990000001"}}, 1},
		"the first when no name is alike":       {[][]string{{"Вера", "Ким", "+79990000001"}, {"Пётр", "Лис", "+79990000001"}}, 0},
		"one card found by two forms of a number": {[][]string{
			{"", "", "89990000001", "9990000001"}}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t)
			var ids []int
			for _, card := range c.cards {
				ids = append(ids, d.contact(card[0], card[1], card[2:]...))
			}
			d.must()
			if it := d.only(); it.Contact != ids[c.want] {
				t.Errorf("it is on card %d, want %d of %d", it.Contact, ids[c.want], ids)
			}
		})
	}
}

func TestNamesThatAreMissingAreNotAlike(t *testing.T) {
	d := newDesk(t)
	d.who.FamilyName = ""
	first := d.contact("", "Ким", "+79990000001")
	d.contact("Вера", "", "+79990000001")
	d.must()
	if it := d.only(); it.Contact != first {
		t.Errorf("it is on card %d, want %d", it.Contact, first)
	}
}

func TestATaskToldAgainIsLeftAsItIs(t *testing.T) {
	d := newDesk(t)
	d.must()
	d.portal.Calls()
	ref := d.ref
	d.portal.Edit(d.only().ID, func(it *bitrix24test.Item) { it.Title, it.Done = "Позвонили", true })
	d.title, d.task.Note = "Another title", "another note"
	d.must()
	if calls := d.portal.Calls(); len(calls) != 0 || d.ref != ref {
		t.Errorf("it was told by %q, and its reference changed from %q to %q", calls, ref, d.ref)
	}

	t.Run("even if its reference was lost", func(t *testing.T) {
		d := newDesk(t)
		d.must()
		ref := d.ref
		d.ref = ""
		d.must()
		if d.only(); d.ref != ref {
			t.Errorf("the reference is %q, and was %q", d.ref, ref)
		}
	})
	t.Run("and when staff have closed it there", func(t *testing.T) {
		d := newDesk(t)
		d.must()
		d.ref = ""
		d.portal.Edit(d.only().ID, func(it *bitrix24test.Item) { it.Done = true })
		d.must()
		d.only()
	})
	t.Run("and when the contact is another one by now", func(t *testing.T) {
		d := newDesk(t)
		d.must() // a task, because there is no card
		d.contact("Алёна", "Крылова", "+79990000001")
		d.ref = ""
		d.must()
		if it := d.only(); it.Kind != "task" {
			t.Errorf("it is %+v", it)
		}
	})
}

func TestAClosedTaskIsClosedThere(t *testing.T) {
	for _, card := range []bool{true, false} {
		t.Run(map[bool]string{true: "on a card", false: "as a task of its own"}[card], func(t *testing.T) {
			d := newDesk(t)
			if card {
				d.contact("Алёна", "Крылова", "+79990000001")
			}
			d.must()
			ref := d.ref
			d.close()
			d.must()
			if it := d.only(); !it.Done || d.ref != ref {
				t.Errorf("it is %+v under the reference %q, which was %q", it, d.ref, ref)
			}
			d.portal.Calls()
			d.must()
			if calls := d.portal.Calls(); slices.Contains(calls, "crm.activity.update") || slices.Contains(calls, "tasks.task.complete") {
				t.Errorf("closing it again called %q", calls)
			}
		})
	}
	t.Run("where completed tasks await control", func(t *testing.T) {
		d := newDesk(t)
		d.portal.Control = true
		d.must()
		d.close()
		d.must()
		d.must()
		if it := d.only(); !it.Done {
			t.Errorf("it is %+v", it)
		}
		if calls := d.portal.Calls(); slices.Index(calls, "tasks.task.complete") != len(calls)-3 {
			t.Errorf("the calls were %q, want one completion before the last look", calls)
		}
	})
	for name, prepare := range map[string]func(*desk, int){
		"its reference was lost": func(d *desk, _ int) { d.ref = "" },
		"its title was edited": func(d *desk, id int) {
			d.portal.Edit(id, func(it *bitrix24test.Item) { it.Title = "Ждёт звонка" })
		},
		"its reference is nobody's":             func(d *desk, _ int) { d.ref = "somewhere/else" },
		"it was told a second time by a race":   func(d *desk, _ int) { d.ref = ""; d.duplicate() },
		"the patient has been forgotten by now": func(d *desk, _ int) { d.who = dental.Patient{ID: "P-77", Erased: true} },
	} {
		t.Run("when "+name, func(t *testing.T) {
			d := newDesk(t)
			d.must()
			prepare(d, d.only().ID)
			d.close()
			d.must()
			for _, it := range d.portal.Items() {
				if !it.Done {
					t.Errorf("it is open there: %+v", it)
				}
			}
		})
	}
}

// duplicate copies the only item, as another Tell at the same time would.
func (d *desk) duplicate() { d.portal.Copy(d.only().ID) }

func TestATaskThatWasNeverToldIsNotMadeToBeClosed(t *testing.T) {
	d := newDesk(t)
	d.close()
	d.must()
	if items := d.portal.Items(); len(items) != 0 || d.ref != "" {
		t.Errorf("there are %+v under %q", items, d.ref)
	}
}

func TestWhatWasDeletedThereIsNoTrouble(t *testing.T) {
	d := newDesk(t)
	d.must()
	ref := d.ref
	d.portal.Remove(d.only().ID)
	d.close()
	d.must()
	if items := d.portal.Items(); len(items) != 0 || d.ref != ref {
		t.Errorf("there are %+v under %q, which was %q", items, d.ref, ref)
	}
}

func TestATaskOpenedAgainIsAnotherOneThere(t *testing.T) {
	for name, before := range map[string]func(*desk){
		"after it was closed there":             func(d *desk) { d.close(); d.must() },
		"before its closing was told":           func(d *desk) { d.close() },
		"before its closing was told, ref lost": func(d *desk) { d.close(); d.ref = "" },
		"after staff had changed its title there": func(d *desk) {
			d.portal.Edit(d.only().ID, func(it *bitrix24test.Item) { it.Title = "Ждёт" })
			d.close()
		},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t)
			d.must()
			first := d.only().ID
			before(d)
			d.reopen()
			d.must()
			items := d.portal.Items()
			if len(items) != 2 || items[0].ID != first || !items[0].Done || items[1].Done {
				t.Fatalf("there are %+v, want the first closed and a second open", items)
			}
			d.must()
			d.close()
			d.must()
			if items := d.portal.Items(); len(items) != 2 || !items[1].Done {
				t.Errorf("there are %+v, want two closed", items)
			}
		})
	}
}

func TestASecondOneMadeByARaceDoesNotStay(t *testing.T) {
	d := newDesk(t)
	d.must()
	first := d.only().ID
	d.duplicate()
	d.ref = ""
	d.must()
	items := d.portal.Items()
	if len(items) != 2 || items[0].ID != first || items[0].Done || !items[1].Done {
		t.Errorf("there are %+v, want the first open and the second closed", items)
	}
}

func TestAnotherPortalsReferenceMeansNothing(t *testing.T) {
	d := newDesk(t)
	d.must()
	moved := newDesk(t)
	moved.task.Patient, moved.who = "P-1", dental.Patient{ID: "P-1"}
	moved.must()
	strangers := moved.only()
	if strangers.ID != d.only().ID {
		t.Fatal("the numbers are not the same on both portals")
	}
	moved.task, moved.who, moved.ref = d.task, d.who, d.ref
	moved.must()
	if items := moved.portal.Items(); len(items) != 2 || items[0] != strangers {
		t.Fatalf("there are %+v", items)
	}
	moved.ref = d.ref
	moved.close()
	moved.must()
	items := moved.portal.Items()
	if items[0] != strangers || !items[1].Done {
		t.Errorf("there are %+v, want the stranger's untouched and ours closed", items)
	}
}

func TestAnothersTaskIsNeverTakenForOurs(t *testing.T) {
	d := newDesk(t)
	d.must()
	mine := d.only()
	// The portal's search folds case and would find this one, too.
	d.portal.Copy(mine.ID)
	d.portal.Edit(mine.ID+1, func(it *bitrix24test.Item) { it.Title = strings.ToUpper(it.Title) })
	another := *d
	another.ref, another.task.Anchor = "", "2027-05-22"
	another.must()
	d.close()
	d.must()
	items := d.portal.Items()
	if len(items) != 3 || !items[0].Done || items[1].Done || items[2].Done {
		t.Errorf("there are %+v, want the first alone closed", items)
	}
}

func TestWhatOnlyQuotesTheMarkIsNotTheTask(t *testing.T) {
	t.Run("an e-mail about it", func(t *testing.T) {
		d := newDesk(t)
		d.must()
		id := d.only().ID
		d.duplicate()
		d.portal.Edit(id, func(it *bitrix24test.Item) { it.Kind = "email" })
		d.ref = ""
		d.must()
		d.close()
		d.must()
		if items := d.portal.Items(); len(items) != 2 || items[0].Done || !items[1].Done {
			t.Errorf("there are %+v, want the e-mail as it was and the task closed", items)
		}
	})
	t.Run("another mark in its title", func(t *testing.T) {
		d := newDesk(t)
		d.must()
		d.portal.Edit(d.only().ID, func(it *bitrix24test.Item) { it.Title = "После rp-0123456789abcdef-t5y3k0: " + it.Title })
		d.ref = ""
		d.must()
		if it := d.only(); it.Done {
			t.Errorf("it is %+v", it)
		}
	})
}

func TestALongTitleKeepsItsMark(t *testing.T) {
	d := newDesk(t)
	d.title = strings.Repeat("Позвонить\n", 60)
	d.must()
	it := d.only()
	if n := len([]rune(it.Title)); n > 250 || strings.Contains(it.Title, "\n") || !strings.Contains(it.Title, "… rp-") {
		t.Errorf("its title has %d letters: %q", n, it.Title)
	}
	d.ref = ""
	d.must()
	d.only()
}

func TestATaskWithoutADueTimeHasADeadlineAllTheSame(t *testing.T) {
	d := newDesk(t)
	d.contact("Алёна", "Крылова", "+79990000001")
	d.task.Due = time.Time{}
	d.must()
	if it := d.only(); it.Deadline != "2026-05-23T12:00:00+00:00" {
		t.Errorf("its deadline is %s", it.Deadline)
	}
}

func TestTasksAreGivenToTheWebhooksUserUnlessAnotherIsNamed(t *testing.T) {
	d := newDesk(t)
	delete(d.account.Settings, bitrix24.ResponsibleSetting)
	d.must()
	if it := d.only(); it.Responsible != 1 {
		t.Errorf("it is given to user %d", it.Responsible)
	}
}

func TestAReferenceThatIsNoneMeansNothing(t *testing.T) {
	d := newDesk(t)
	d.must()
	host, rest, _ := strings.Cut(d.ref, "/")
	kind, rest, _ := strings.Cut(rest, "/")
	id, mark, _ := strings.Cut(rest, "/")
	for _, ref := range []string{
		"x", "////", host + "/" + kind + "/" + id, host + "/deal/" + id + "/" + mark, host + "/" + kind + "/0/" + mark, host + "/" + kind + "/-1/" + mark,
		host + "/" + kind + "/x/" + mark, host + "/" + kind + "/" + id + "/rp-1", host + "/" + kind + "/" + id + "/" + mark + "/", host + "/" + kind + "/" + id + "/x " + mark,
	} {
		want := d.ref
		d.ref = ref
		d.must()
		if d.only(); d.ref != want {
			t.Errorf("told under %q it is %q, want %q", ref, d.ref, want)
		}
	}
}
