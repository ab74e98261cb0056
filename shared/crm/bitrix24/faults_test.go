package bitrix24_test

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/returnpoint/returnpoint/shared/crm/bitrix24/bitrix24test"
	"github.com/returnpoint/returnpoint/shared/dental"
)

// failOnce lets the nth request from now fail.
func (d *desk) failOnce(n int, f bitrix24test.Fault) (struck *bool) {
	struck = new(bool)
	d.portal.Fault = func(string) bitrix24test.Fault {
		n--
		if n == 0 {
			*struck = true
			return f
		}
		return bitrix24test.None
	}
	return struck
}

// untilTold tells the task until it succeeds.
func (d *desk) untilTold() (failures int) {
	d.t.Helper()
	for ; failures < 50; failures++ {
		err := d.tell()
		if err == nil {
			return failures
		}
		if dental.KindOf(err) != dental.Unavailable {
			d.t.Fatalf("the error's kind is %q: %v", dental.KindOf(err), err)
		}
		d.portal.Settle() // the caller's pause outlasts what is late
	}
	d.t.Fatal("it is never told")
	return 0
}

func faultName(f bitrix24test.Fault) string {
	return [...]string{"none", "cut", "lost", "late", "failed", "failed after", "garbled", "limited", "blocked"}[f]
}

// TestWhateverFailsOnceThereIsOneTask has each request of each way fail in each
// manner once.
func TestWhateverFailsOnceThereIsOneTask(t *testing.T) {
	for name, cards := range map[string]int{"on a card": 1, "on one of two cards": 2, "as a task of its own": 0} {
		for _, f := range bitrix24test.Faults() {
			t.Run(name+", "+faultName(f), func(t *testing.T) {
				for n := 1; ; n++ {
					d := newDesk(t)
					for range cards {
						d.contact("Алёна", "Крылова", "+79990000001")
					}
					struck := d.failOnce(n, f)
					if failures := d.untilTold(); *struck && f != bitrix24test.Limited && failures != 1 {
						t.Errorf("with request %d failing it took %d more tries", n, failures)
					}
					if it := d.only(); it.Done {
						t.Errorf("with request %d failing it is %+v", n, it)
					}
					if !*struck {
						if n < 4 {
							t.Errorf("it took %d requests", n-1)
						}
						break
					}
				}
				for n := 1; ; n++ {
					d := newDesk(t)
					for range cards {
						d.contact("Алёна", "Крылова", "+79990000001")
					}
					d.must()
					d.close()
					struck := d.failOnce(n, f)
					d.untilTold()
					if it := d.only(); !it.Done {
						t.Errorf("with request %d of its closing failing it is %+v", n, it)
					}
					if !*struck {
						if n != 4 {
							t.Errorf("its closing took %d requests, want 3", n-1)
						}
						break
					}
				}
			})
		}
	}
}

func TestARefusalToCloseWhatStaffClosedAMomentAgoIsNoFailure(t *testing.T) {
	for name, meanwhile := range map[string]func(*desk, int){
		"closed":  func(d *desk, id int) { d.portal.Edit(id, func(it *bitrix24test.Item) { it.Done = true }) },
		"deleted": func(d *desk, id int) { d.portal.Remove(id) },
	} {
		for _, card := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, on a card: %v", name, card), func(t *testing.T) {
				d := newDesk(t)
				if card {
					d.contact("Алёна", "Крылова", "+79990000001")
				}
				d.must()
				id := d.only().ID
				d.close()
				d.portal.Between = func(method string) {
					if method == "crm.activity.update" || method == "tasks.task.complete" {
						meanwhile(d, id)
					}
				}
				d.must()
			})
		}
	}
}

func TestARefusalToCloseWhatIsOpenIsForStaffToMend(t *testing.T) {
	for _, card := range []bool{true, false} {
		d := newDesk(t)
		if card {
			d.contact("Алёна", "Крылова", "+79990000001")
		}
		d.must()
		d.close()
		d.portal.Between = func(method string) {
			d.portal.Refuse = bitrix24test.Refusal{}
			if method == "crm.activity.update" || method == "tasks.task.complete" {
				d.portal.Refuse = bitrix24test.Refusal{Status: 403, Code: "ACCESS_DENIED"}
			}
		}
		d.check(d.tell(), dental.Invalid, "too few rights")
	}
}

func TestAContactDeletedAMomentAgoIsTriedAgain(t *testing.T) {
	d := newDesk(t)
	card := d.contact("Алёна", "Крылова", "+79990000001")
	d.portal.Between = func(method string) {
		if method == "crm.activity.todo.add" {
			d.portal.Remove(card)
		}
	}
	if err := d.tell(); dental.KindOf(err) != dental.Unavailable {
		t.Fatalf("got %v", err)
	}
	d.must()
	if it := d.only(); it.Kind != "task" {
		t.Errorf("it is %+v", it)
	}
}

// TestThereIsOneTaskWhateverHappens lives through a task's life under random
// faults, random losses of the reference and changes of the cards.
func TestThereIsOneTaskWhateverHappens(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		d := newDesk(t)
		faulty := true
		d.portal.Fault = func(string) bitrix24test.Fault {
			if !faulty || rapid.IntRange(0, 2).Draw(rt, "is well") > 0 {
				return bitrix24test.None
			}
			return rapid.SampledFrom(bitrix24test.Faults()).Draw(rt, "fault")
		}
		openings := 1
		check := func() {
			faulty = false
			d.untilTold()
			d.portal.Settle()
			faulty = true
			open, current := 0, 0
			for _, it := range d.portal.Items() {
				if !it.Done {
					open++
				}
				if d.ref != "" && strings.HasSuffix(it.Title, d.ref[strings.LastIndex(d.ref, "/")+1:]) {
					current++
				}
			}
			switch items := d.portal.Items(); {
			case d.task.Open() && (open != 1 || current != 1):
				rt.Fatalf("the task is open, and %d are open, %d ours, of %+v", open, current, items)
			case !d.task.Open() && open != 0:
				rt.Fatalf("the task is closed, and %d are open of %+v", open, items)
			case len(items) > openings:
				rt.Fatalf("it was opened %d times, and there are %+v", openings, items)
			}
		}
		rt.Repeat(map[string]func(*rapid.T){
			"told":       func(*rapid.T) { _ = d.tell(); d.portal.Settle() },
			"ref lost":   func(*rapid.T) { d.ref = "" },
			"closed":     func(*rapid.T) { d.close() },
			"reopened":   func(*rapid.T) { d.reopen(); openings++ },
			"card made":  func(*rapid.T) { d.contact("Алёна", "Крылова", "+79990000001") },
			"phone lost": func(*rapid.T) { d.who.Phone = "" },
			"":           func(*rapid.T) {},
		})
		check()
	})
}

// TestWhatIsDoneAfterTheNextLookIsClosedWithTheTask is the race that remains:
// nothing paused between the tries.
func TestWhatIsDoneAfterTheNextLookIsClosedWithTheTask(t *testing.T) {
	d := newDesk(t)
	d.failOnce(3, bitrix24test.Late)
	d.who.Phone = ""
	if err := d.tell(); dental.KindOf(err) != dental.Unavailable {
		t.Fatalf("got %v", err)
	}
	d.must()
	d.portal.Settle()
	if items := d.portal.Items(); len(items) != 2 {
		t.Fatalf("the race did not strike: %+v", items)
	}
	d.close()
	d.must()
	for _, it := range d.portal.Items() {
		if !it.Done {
			t.Errorf("it is open there: %+v", it)
		}
	}
}
