package desk_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/desk"
	"github.com/returnpoint/returnpoint/shared/locale"
	"github.com/returnpoint/returnpoint/shared/stagetest"
	"github.com/returnpoint/returnpoint/shared/table"
)

// office is a stage with a first owner, Marina.
type office struct {
	*stagetest.Stage
	staffing *desk.Staffing
	marina   dental.Staff
	presses  int
}

func newOffice(t testing.TB) *office {
	t.Helper()
	s := stagetest.New(t, time.Date(2026, 3, 10, 11, 0, 0, 0, time.FixedZone("MSK", 3*3600)))
	o := &office{Stage: s, staffing: &desk.Staffing{Store: s.Store}}
	o.marina = dental.Staff{Clinic: "demo", Key: s.Store.StaffKey("marina@example.com"), Email: "marina@example.com", Name: "Марина Озерова", Role: dental.Owner, Since: s.Now()}
	o.put(o.marina)
	return o
}

func (o *office) put(post dental.Staff) {
	o.T.Helper()
	tx := o.Store.Begin()
	if _, err := tx.Staff(o.T.Context(), post.Clinic, post.Key); err != nil {
		o.T.Fatal(err)
	}
	tx.Put(post)
	if err := tx.Commit(o.T.Context()); err != nil {
		o.T.Fatal(err)
	}
}

func (o *office) press() string {
	o.presses++
	return fmt.Sprintf("press-%d", o.presses)
}

func (o *office) adds(me dental.Staff, email string, role dental.Role) dental.Staff {
	o.T.Helper()
	post, err := o.staffing.Add(o.T.Context(), me, o.press(), desk.Colleague{Email: email, Name: "Имя " + email, Role: role}, o.Now())
	if err != nil {
		o.T.Fatal(err)
	}
	return post
}

func (o *office) post(key string) dental.Staff {
	o.T.Helper()
	post, err := o.Store.Begin().Staff(o.T.Context(), "demo", key)
	if err != nil {
		o.T.Fatal(err)
	}
	return post
}

// log is the log's actions, oldest first.
func (o *office) log() (out []string) {
	o.T.Helper()
	entries, _, err := o.Store.Log(o.T.Context(), "demo", desk.MonthOf(o.Now()), 1000, "")
	if err != nil {
		o.T.Fatal(err)
	}
	for _, e := range entries {
		if e.Key == "" {
			o.T.Errorf("%s names nobody but by what they are called", e.Action)
		}
		out = append([]string{e.Action + " " + e.Detail + " by " + e.By}, out...)
	}
	return out
}

func TestAnOwnerAddsAColleagueOnceAndTheLogSaysSo(t *testing.T) {
	o := newOffice(t)
	c := desk.Colleague{Email: " Olga@Example.com ", Name: "  Ольга \t Ветрова ", Role: dental.Manager, Report: true}
	for range 2 { // the same press sent again
		post, err := o.staffing.Add(t.Context(), o.marina, "press-1", c, o.Now())
		if err != nil {
			t.Fatal(err)
		}
		want := dental.Staff{Clinic: "demo", Key: o.Store.StaffKey("olga@example.com"), Email: "olga@example.com", Name: "Ольга Ветрова", Role: dental.Manager, Report: true, Since: o.Now()}
		if stored := o.post(post.Key); stored.Key != want.Key || stored.Email != want.Email || stored.Name != want.Name || stored.Role != want.Role || !stored.Report || !stored.Since.Equal(want.Since) {
			t.Errorf("the post is %v of %q, want %v", stored, stored.Name, want)
		}
	}
	o.Set(o.Now().Add(time.Hour))
	if post, err := o.staffing.Add(t.Context(), o.marina, "press-1", c, o.Now()); err != nil || post.Name != "Ольга Ветрова" {
		t.Errorf("the same press an hour later is answered %v, %v", post, err)
	}
	_, err := o.staffing.Add(t.Context(), o.marina, "press-2", desk.Colleague{Email: "olga@example.com", Name: "Другая", Role: dental.Owner}, o.Now())
	if dental.KindOf(err) != dental.Conflict || !strings.Contains(desk.InWords(locale.Russian, err), "Ольга Ветрова") {
		t.Errorf("who is there already is added with %v", err)
	}
	if got := strings.Join(o.log(), "; "); got != "staff.add Ольга Ветрова by Марина Озерова" {
		t.Errorf("the log says %q", got)
	}
}

func TestAColleagueIsAddedOnlyByAWholeForm(t *testing.T) {
	o := newOffice(t)
	good := desk.Colleague{Email: "olga@example.com", Name: "Ольга", Role: dental.Manager}
	for name, change := range map[string]func(*desk.Colleague){
		"no address":             func(c *desk.Colleague) { c.Email = "" },
		"no address at all":      func(c *desk.Colleague) { c.Email = "olga" },
		"a name in the address":  func(c *desk.Colleague) { c.Email = "Olga <olga@example.com>" },
		"two addresses":          func(c *desk.Colleague) { c.Email = "olga@example.com, anna@example.com" },
		"a host without a zone":  func(c *desk.Colleague) { c.Email = "olga@localhost" },
		"a line too many":        func(c *desk.Colleague) { c.Email = "olga@example.com\nBcc: all@example.com" },
		"a very long address":    func(c *desk.Colleague) { c.Email = strings.Repeat("a", 250) + "@example.com" },
		"no name":                func(c *desk.Colleague) { c.Name = " \t" },
		"a very long name":       func(c *desk.Colleague) { c.Name = strings.Repeat("ы", 81) },
		"a name that is no text": func(c *desk.Colleague) { c.Name = "\xff" },
		"an invisible name":      func(c *desk.Colleague) { c.Name = "a\x00b" },
		"no role":                func(c *desk.Colleague) { c.Role = "" },
		"a role that is none":    func(c *desk.Colleague) { c.Role = "admin" },
	} {
		c := good
		change(&c)
		_, err := o.staffing.Add(t.Context(), o.marina, o.press(), c, o.Now())
		if dental.KindOf(err) != dental.Invalid || desk.InWords(locale.Russian, err) == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
	if all, err := o.Store.StaffOf(t.Context(), "demo"); err != nil || len(all) != 1 || len(o.log()) != 0 {
		t.Errorf("there are %d, error %v, and the log says %v", len(all), err, o.log())
	}
}

func TestAnOwnerChangesAndRemovesAColleague(t *testing.T) {
	o := newOffice(t)
	olga := o.adds(o.marina, "olga@example.com", dental.Administrator)
	o.Set(o.Now().Add(time.Minute))
	change := desk.Colleague{Email: "other@example.com", Name: "Ольга Новая", Role: dental.Manager, Report: true}
	for range 2 {
		if err := o.staffing.Change(t.Context(), o.marina, "change", olga.Key, change, o.Now()); err != nil {
			t.Fatal(err)
		}
	}
	if now := o.post(olga.Key); now.Role != dental.Manager || now.Name != "Ольга Новая" || !now.Report || now.Email != "olga@example.com" || !now.Since.Equal(olga.Since) {
		t.Errorf("the post is %v of %q", now, now.Name)
	}
	o.Set(o.Now().Add(time.Minute))
	for range 2 {
		if err := o.staffing.Remove(t.Context(), o.marina, "remove", olga.Key, o.Now()); err != nil {
			t.Fatal(err)
		}
	}
	if now := o.post(olga.Key); now.Role != "" {
		t.Errorf("the post is %v", now)
	}
	if err := o.staffing.Change(t.Context(), o.marina, o.press(), olga.Key, change, o.Now()); dental.KindOf(err) != dental.NotFound {
		t.Errorf("who is gone is changed with %v", err)
	}
	want := "staff.add Имя olga@example.com by Марина Озерова; staff.change Ольга Новая by Марина Озерова; staff.remove Ольга Новая by Марина Озерова"
	if got := o.log(); len(got) != 3 || strings.Join(got, "; ") != want {
		t.Errorf("the log says %q", got)
	}
}

func TestTheLastOwnerStays(t *testing.T) {
	o := newOffice(t)
	olga := o.adds(o.marina, "olga@example.com", dental.Manager)
	down := desk.Colleague{Name: "Марина Озерова", Role: dental.Manager}
	for name, press := range map[string]func() error{
		"who removes themselves": func() error { return o.staffing.Remove(t.Context(), o.marina, o.press(), o.marina.Key, o.Now()) },
		"who steps down":         func() error { return o.staffing.Change(t.Context(), o.marina, o.press(), o.marina.Key, down, o.Now()) },
	} {
		err := press()
		if dental.KindOf(err) != dental.Conflict || !strings.Contains(desk.InWords(locale.Russian, err), "единственный владелец") {
			t.Errorf("an only owner %s: %v", name, err)
		}
	}
	if err := o.staffing.Change(t.Context(), o.marina, o.press(), olga.Key, desk.Colleague{Name: "Ольга", Role: dental.Owner}, o.Now()); err != nil {
		t.Fatal(err)
	}
	if err := o.staffing.Remove(t.Context(), o.marina, o.press(), o.marina.Key, o.Now()); err != nil {
		t.Errorf("with another owner beside her she cannot leave: %v", err)
	}
	if now := o.post(o.marina.Key); now.Role != "" || o.post(olga.Key).Role != dental.Owner {
		t.Errorf("the posts are %v and %v", now, o.post(olga.Key))
	}
	if err := o.staffing.Remove(t.Context(), o.marina, o.press(), olga.Key, o.Now()); dental.KindOf(err) != dental.NotFound {
		t.Errorf("who is no owner any more removes another with %v", err)
	}
}

// meddled is a table at which somebody else is quicker once.
type meddled struct {
	table.Table
	first func()
}

func (m *meddled) Write(ctx context.Context, ops ...table.Op) error {
	if first := m.first; first != nil {
		m.first = nil
		first()
	}
	return m.Table.Write(ctx, ops...)
}

func TestAnOwnerWhoIsRemovedWhileRemovingTheOtherIsTooLate(t *testing.T) {
	for name, presses := range map[string][2]func(s *desk.Staffing, me, other dental.Staff, id string, now time.Time) error{
		"each removes the other": {removes, removes},
		"both leave":             {leaves, leaves},
		"one leaves, removed":    {leaves, removes},
		"one removes, who left":  {removes, leaves},
	} {
		t.Run(name, func(t *testing.T) {
			o := newOffice(t)
			olga := o.adds(o.marina, "olga@example.com", dental.Owner)
			slow := &meddled{Table: o.Table}
			slow.first = func() {
				if err := presses[1](o.staffing, olga, o.marina, "quick", o.Now()); err != nil {
					t.Errorf("the quicker one is refused: %v", err)
				}
			}
			s := &desk.Staffing{Store: stagetest.Join(o.Stage, slow).Store}
			if err := presses[0](s, o.marina, olga, "slow", o.Now()); err == nil && name != "one removes, who left" {
				t.Error("the slower one is not refused")
			}
			if left := []dental.Role{o.post(o.marina.Key).Role, o.post(olga.Key).Role}; !slices.Contains(left, dental.Owner) {
				t.Errorf("nobody owns the clinic: %q", left)
			}
		})
	}
}

func removes(s *desk.Staffing, me, other dental.Staff, id string, now time.Time) error {
	return s.Remove(context.Background(), me, id, other.Key, now)
}

func leaves(s *desk.Staffing, me, _ dental.Staff, id string, now time.Time) error {
	return s.Remove(context.Background(), me, id, me.Key, now)
}

func TestOwnersWhoRemoveEachOtherAtOnceLeaveOne(t *testing.T) {
	for range 20 {
		o := newOffice(t)
		olga := o.adds(o.marina, "olga@example.com", dental.Owner)
		pairs := [][2]dental.Staff{{o.marina, olga}, {olga, o.marina}, {o.marina, o.marina}, {olga, olga}}
		var all sync.WaitGroup
		for i, p := range pairs {
			all.Go(func() {
				err := o.staffing.Remove(t.Context(), p[0], fmt.Sprint("race-", i), p[1].Key, o.Now())
				if kind := dental.KindOf(err); err != nil && kind != dental.Conflict && kind != dental.NotFound {
					t.Errorf("%v", err)
				}
			})
		}
		all.Wait()
		owners := 0
		for _, key := range []string{o.marina.Key, olga.Key} {
			if o.post(key).Role == dental.Owner {
				owners++
			}
		}
		if owners != 1 {
			t.Fatalf("%d owners are left", owners)
		}
	}
}

func TestAClinicIsNeverWithoutAnOwnerWhateverOwnersPress(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		o := newOffice(t)
		posts := []dental.Staff{o.marina}
		for range rapid.IntRange(1, 25).Draw(rt, "presses") {
			me := rapid.SampledFrom(posts).Draw(rt, "who")
			whom := rapid.SampledFrom(posts).Draw(rt, "whom")
			role := rapid.SampledFrom(dental.Roles()).Draw(rt, "role")
			var err error
			switch rapid.IntRange(0, 2).Draw(rt, "what") {
			case 0:
				var post dental.Staff
				o.Set(o.Now().Add(time.Second))
				if post, err = o.staffing.Add(t.Context(), me, o.press(), desk.Colleague{Email: fmt.Sprintf("a%d@example.com", len(posts)), Name: "А", Role: role}, o.Now()); err == nil {
					posts = append(posts, post)
				}
			case 1:
				err = o.staffing.Change(t.Context(), me, o.press(), whom.Key, desk.Colleague{Name: "Б", Role: role}, o.Now())
			default:
				err = o.staffing.Remove(t.Context(), me, o.press(), whom.Key, o.Now())
			}
			if kind := dental.KindOf(err); err != nil && kind != dental.Conflict && kind != dental.NotFound {
				rt.Fatal(err)
			}
			owners := 0
			for _, p := range posts {
				if o.post(p.Key).Role == dental.Owner {
					owners++
				}
			}
			if owners == 0 {
				rt.Fatal("nobody owns the clinic")
			}
		}
	})
}

func TestTheListNamesEachColleagueTheOwnersFirst(t *testing.T) {
	o := newOffice(t)
	o.adds(o.marina, "b@example.com", dental.Administrator)
	o.adds(o.marina, "a@example.com", dental.Administrator)
	o.adds(o.marina, "c@example.com", dental.Manager)
	list, err := o.staffing.List(t.Context(), &o.Clinic, o.marina, locale.Russian)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, m := range list {
		got = append(got, fmt.Sprintf("%s, %s, %s, %v", m.Email, m.RoleName, m.Since, m.Me))
	}
	want := []string{"marina@example.com, Владелец, с 10 марта 2026, true", "c@example.com, Управляющий, с 10 марта 2026, false",
		"a@example.com, Администратор, с 10 марта 2026, false", "b@example.com, Администратор, с 10 марта 2026, false"}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("the list is\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestAnotherPasswordIsForWhomAnOwnerOwnsEverywhere(t *testing.T) {
	o := newOffice(t)
	olga := o.adds(o.marina, "olga@example.com", dental.Manager)
	if post, err := o.staffing.MayRenew(t.Context(), o.marina, o.press(), olga.Key, o.Now()); err != nil || post.Email != "olga@example.com" {
		t.Errorf("a colleague of hers: %v, %v", post, err)
	}
	if got := o.log(); got[len(got)-1] != "staff.link Имя olga@example.com by Марина Озерова" {
		t.Errorf("the log says %q", got)
	}
	if _, err := o.staffing.MayRenew(t.Context(), o.marina, o.press(), "nobody", o.Now()); dental.KindOf(err) != dental.NotFound {
		t.Errorf("nobody: %v", err)
	}
	elsewhere := olga
	elsewhere.Clinic = "other"
	o.put(elsewhere)
	before := len(o.log())
	if _, err := o.staffing.MayRenew(t.Context(), o.marina, o.press(), olga.Key, o.Now()); dental.KindOf(err) != dental.Conflict {
		t.Errorf("one who works elsewhere too: %v", err)
	}
	marina := o.marina
	marina.Clinic, marina.Role = "other", dental.Manager
	o.put(marina)
	if _, err := o.staffing.MayRenew(t.Context(), o.marina, o.press(), olga.Key, o.Now()); dental.KindOf(err) != dental.Conflict {
		t.Errorf("where she is only a manager: %v", err)
	}
	marina.Role = dental.Owner
	tx := o.Store.Begin()
	_, err := tx.Staff(t.Context(), "other", marina.Key)
	tx.Put(marina)
	if err := errors.Join(err, tx.Commit(t.Context())); err != nil {
		t.Fatal(err)
	}
	if len(o.log()) != before {
		t.Error("what was refused stands in the log")
	}
	if _, err := o.staffing.MayRenew(t.Context(), o.marina, o.press(), olga.Key, o.Now()); err != nil {
		t.Errorf("where she owns both: %v", err)
	}
}
