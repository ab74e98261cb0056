package desk

import (
	"context"
	"net/mail"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/locale"
	"github.com/returnpoint/returnpoint/shared/store"
)

// Staffing is who works at a clinic, and as what. Owners alone may use it; each
// act is one write with its line in the log, and the same press twice is one.
// A clinic is never left without an owner.
type Staffing struct{ Store *store.Store }

// Colleague is what an owner says of somebody.
type Colleague struct {
	Email  string // of the sign-in; a change leaves it as it is
	Name   string
	Role   dental.Role
	Report bool // the weekly report is sent to them
}

// Member is one of a clinic's staff, ready to show.
type Member struct {
	Colleague
	Key      string
	RoleName string
	Since    string // "с 12 марта 2026"
	Me       bool   // who looks at the list
}

const (
	mostStaff = 100
	mostName  = 80
	mostEmail = 254 // RFC 5321
)

// List lists a clinic's staff, owners first and each role by name.
func (s *Staffing) List(ctx context.Context, cl *dental.Clinic, me dental.Staff, l locale.Locale) ([]Member, error) {
	all, err := s.Store.StaffOf(ctx, cl.ID)
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(all, func(a, b dental.Staff) int {
		if a.Role != b.Role {
			if a.Role.May(b.Role) {
				return -1
			}
			return 1
		}
		return strings.Compare(a.Name, b.Name)
	})
	var out []Member
	for _, m := range all {
		out = append(out, Member{Colleague: Colleague{Email: string(m.Email), Name: m.Name, Role: m.Role, Report: m.Report}, Key: m.Key,
			RoleName: RoleName(l, m.Role), Me: m.Key == me.Key,
			Since: l.Text("desk.staff.since", map[string]string{"day": l.DayYear(dental.DateOf(m.Since.In(cl.Location())))})})
	}
	return out, nil
}

// RoleName is what a role is called.
func RoleName(l locale.Locale, r dental.Role) string {
	return l.Text("desk.staff.role."+string(r), nil)
}

// Add gives a colleague a post, and returns it; the same press again returns
// what it gave. One who has a post already is a Conflict; what is wrong with the
// form is Invalid.
func (s *Staffing) Add(ctx context.Context, me dental.Staff, press string, c Colleague, now time.Time) (dental.Staff, error) {
	email, err := address(c.Email)
	if err != nil {
		return dental.Staff{}, err
	}
	all, err := s.Store.StaffOf(ctx, me.Clinic)
	if err != nil {
		return dental.Staff{}, err
	}
	post := dental.Staff{Clinic: me.Clinic, Key: s.Store.StaffKey(email), Email: dental.Email(email), Since: now, Press: press}
	if len(all) >= mostStaff && !slices.ContainsFunc(all, func(m dental.Staff) bool { return m.Key == post.Key }) {
		return dental.Staff{}, refuse(dental.Invalid, "email", "desk.staff.wrong.many", nil)
	}
	err = s.act(ctx, me, press, "staff.add", post.Key, now, func(_ *store.Tx, was dental.Staff) (*dental.Staff, error) {
		switch {
		case was.Role != "" && was.Press == press:
			post = was // this very press gave it
			return &post, nil
		case was.Role != "":
			return nil, refuse(dental.Conflict, "email", "desk.staff.wrong.known", func(locale.Locale) map[string]string { return map[string]string{"name": was.Name} })
		}
		err := c.onto(&post)
		return &post, err
	})
	return post, err
}

// Change changes a colleague's name, role and whether the report is sent to them.
func (s *Staffing) Change(ctx context.Context, me dental.Staff, press, key string, c Colleague, now time.Time) error {
	return s.act(ctx, me, press, "staff.change", key, now, func(tx *store.Tx, was dental.Staff) (*dental.Staff, error) {
		if was.Role == "" {
			return nil, dental.Errorf(dental.NotFound, "", "nobody here is known by that")
		}
		post := was
		if err := c.onto(&post); err != nil {
			return nil, err
		}
		if was.Role == dental.Owner && post.Role != dental.Owner {
			if err := s.another(ctx, tx, me, key); err != nil {
				return nil, err
			}
		}
		return &post, nil
	})
}

// Remove takes a colleague's post away: they are without access from the next
// request on. Who has none is without it already.
func (s *Staffing) Remove(ctx context.Context, me dental.Staff, press, key string, now time.Time) error {
	return s.act(ctx, me, press, "staff.remove", key, now, func(tx *store.Tx, was dental.Staff) (*dental.Staff, error) {
		if was.Role == dental.Owner {
			if err := s.another(ctx, tx, me, key); err != nil {
				return nil, err
			}
		}
		return nil, nil
	})
}

// act writes what next makes of a person's post, nothing being its end, with the
// line of the log. Nothing is written when nothing changes.
func (s *Staffing) act(ctx context.Context, me dental.Staff, press, action, key string, now time.Time, next func(tx *store.Tx, was dental.Staff) (*dental.Staff, error)) error {
	if !dental.ValidID(press) {
		return dental.Errorf(dental.Invalid, "id", "must be 1 to 64 of the characters A-Z a-z 0-9 . _ : -")
	}
	return store.Retry(ctx, func(ctx context.Context) error {
		tx := s.Store.Begin()
		if err := s.stillOwner(ctx, tx, me); err != nil {
			return err
		}
		was, err := tx.Staff(ctx, me.Clinic, key)
		if err != nil {
			return err
		}
		post, err := next(tx, was)
		subject := was
		switch {
		case err != nil:
			return err
		case post == nil && was.Role == "" || post != nil && *post == was:
			return nil
		case post == nil:
			tx.Remove(was)
		default:
			tx.Put(*post)
			subject = *post
		}
		tx.Put(dental.LogEntry{Clinic: me.Clinic, ID: press, At: now, By: me.Name, Key: me.Key, Role: me.Role, Action: action, Subject: key, Detail: subject.Name})
		return tx.Commit(ctx)
	})
}

// stillOwner refuses whoever has stopped being an owner since the request came.
func (s *Staffing) stillOwner(ctx context.Context, tx *store.Tx, me dental.Staff) error {
	mine, err := tx.Staff(ctx, me.Clinic, me.Key)
	if err == nil && mine.Role != dental.Owner {
		err = dental.Errorf(dental.NotFound, "", "there is no such page")
	}
	return err
}

// another holds the write to the clinic having an owner besides the one of the
// key: the post is written again as it is, so that two owners who remove each
// other at once do not both succeed.
func (s *Staffing) another(ctx context.Context, tx *store.Tx, me dental.Staff, key string) error {
	candidates := []string{me.Key}
	if me.Key == key {
		all, err := s.Store.StaffOf(ctx, me.Clinic)
		if err != nil {
			return err
		}
		candidates = nil
		for _, m := range all {
			if m.Role == dental.Owner && m.Key != key {
				candidates = append(candidates, m.Key)
			}
		}
	}
	for _, c := range candidates {
		post, err := tx.Staff(ctx, me.Clinic, c)
		if err != nil {
			return err
		}
		if post.Role == dental.Owner {
			tx.Put(post)
			return nil
		}
	}
	return refuse(dental.Conflict, "role", "desk.staff.wrong.last", nil)
}

// MayInvite reports whether the owner may hand a person the link to a first
// password: one password is for all of a person's posts, so whoever has the link
// made must be an owner wherever they have one.
func (s *Staffing) MayInvite(ctx context.Context, me dental.Staff, key string) (bool, error) {
	posts, err := s.Store.Posts(ctx, key)
	if err != nil {
		return false, err
	}
	tx := s.Store.Begin()
	if err := s.stillOwner(ctx, tx, me); err != nil {
		return false, err
	}
	return s.ownsAll(ctx, tx, me, posts)
}

// ownsAll reports whether somebody is an owner wherever the posts are.
func (s *Staffing) ownsAll(ctx context.Context, tx *store.Tx, me dental.Staff, posts []dental.Staff) (bool, error) {
	for _, p := range posts {
		mine, err := tx.Staff(ctx, p.Clinic, me.Key)
		if err != nil || mine.Role != dental.Owner {
			return false, err
		}
	}
	return true, nil
}

// MayRenew finds a colleague for whom the owner may have a link to another
// password made, which asks what MayInvite does.
func (s *Staffing) MayRenew(ctx context.Context, me dental.Staff, press, key string, now time.Time) (dental.Staff, error) {
	if !dental.ValidID(press) {
		return dental.Staff{}, dental.Errorf(dental.Invalid, "id", "must be 1 to 64 of the characters A-Z a-z 0-9 . _ : -")
	}
	posts, err := s.Store.Posts(ctx, key)
	if err != nil {
		return dental.Staff{}, err
	}
	var here dental.Staff
	err = store.Retry(ctx, func(ctx context.Context) error {
		tx := s.Store.Begin()
		if err := s.stillOwner(ctx, tx, me); err != nil {
			return err
		}
		all, err := s.ownsAll(ctx, tx, me, posts)
		switch {
		case err != nil:
			return err
		case !all:
			return refuse(dental.Conflict, "", "desk.staff.wrong.elsewhere", nil)
		}
		for _, p := range posts {
			if p.Clinic == me.Clinic {
				here = p
			}
		}
		if here.Role == "" {
			return dental.Errorf(dental.NotFound, "", "nobody here is known by that")
		}
		tx.Put(dental.LogEntry{Clinic: me.Clinic, ID: press, At: now, By: me.Name, Key: me.Key, Role: me.Role, Action: "staff.link", Subject: key, Detail: here.Name})
		return tx.Commit(ctx)
	})
	return here, err
}

// onto lays what was said over a post.
func (c Colleague) onto(post *dental.Staff) error {
	name := strings.Join(strings.Fields(c.Name), " ")
	switch n := utf8.RuneCountInString(name); {
	case n == 0 || n > mostName || !utf8.ValidString(name) || strings.ContainsFunc(name, unicode.IsControl):
		return refuse(dental.Invalid, "name", "desk.staff.wrong.name", nil)
	case !slices.Contains(dental.Roles(), c.Role):
		return refuse(dental.Invalid, "role", "desk.staff.wrong.role", nil)
	}
	post.Name, post.Role, post.Report = name, c.Role, c.Report
	return nil
}

// address reads the address that somebody signs in with, lower case.
func address(typed string) (string, error) {
	typed = strings.ToLower(strings.TrimSpace(typed))
	a, err := mail.ParseAddress(typed)
	if err != nil || a.Address != typed || len(typed) > mostEmail || !strings.Contains(typed[strings.LastIndexByte(typed, '@'):], ".") {
		return "", refuse(dental.Invalid, "email", "desk.staff.wrong.email", nil)
	}
	return typed, nil
}
