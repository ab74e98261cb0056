package staff

import (
	"net/http"
	"net/url"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/desk"
)

// staffPath is the list of a clinic's staff, below its desk.
const staffPath = "/staff"

func (p *Pages) staffRoutes() []route {
	return []route{
		{path: "/desk/{clinic}/staff", get: p.staff, post: p.addStaff, least: dental.Owner},
		{path: "/desk/{clinic}/staff/{person}", get: p.member, post: p.changeStaff, least: dental.Owner},
	}
}

func (p *Pages) staffing() *desk.Staffing { return &desk.Staffing{Store: p.Store} }

// staffPage is the list of a clinic's staff with the form for another one, or
// the page of one of them.
type staffPage struct {
	shell
	Members []desk.Member
	Member  desk.Member // whose page it is
	Path    string      // the list's
	Typed   desk.Colleague
	Press   string // makes the page's press single
	Roles   []roleChoice
	Desk    string // the desk's URL, to be told to a colleague
	Link    string // by which For chooses a password; it is shown here alone
	For     string
	Linked  bool // links are made at all
}

// roleChoice is a role as the form offers it.
type roleChoice struct {
	Value      dental.Role
	Name, Says string
}

// IsRole reports whether the form has the role chosen.
func (s staffPage) IsRole(r dental.Role) bool { return s.Typed.Role == r }

func (p *Pages) newStaffPage(r request) (staffPage, error) {
	s := staffPage{shell: p.shell(r, staffPath, "desk.staff.title"), Path: r.home() + staffPath, Press: p.draw(), Desk: p.Base + "/desk", Linked: p.Invite != nil,
		Typed: desk.Colleague{Role: dental.Administrator}}
	for _, role := range dental.Roles() {
		s.Roles = append(s.Roles, roleChoice{role, desk.RoleName(r.locale, role), r.locale.Text("desk.staff.role."+string(role)+".may", nil)})
	}
	var err error
	s.Members, err = p.staffing().List(r.Context(), r.clinic, r.me, r.locale)
	return s, err
}

func (p *Pages) staff(w http.ResponseWriter, r request) error {
	s, err := p.newStaffPage(r)
	if err == nil {
		p.render(w, r.Request, http.StatusOK, "staff", s)
	}
	return err
}

// colleague reads the form.
func colleague(f url.Values) desk.Colleague {
	return desk.Colleague{Email: f.Get("email"), Name: f.Get("name"), Role: dental.Role(f.Get("role")), Report: f.Get("report") != ""}
}

func (p *Pages) addStaff(w http.ResponseWriter, r request) error {
	typed := colleague(r.form)
	post, err := p.staffing().Add(r.Context(), r.me, r.form.Get("press"), typed, r.now)
	if problem := desk.InWords(r.locale, err); problem != "" {
		return p.againStaff(w, r, problem, typed)
	}
	if err != nil {
		return err
	}
	done := r.locale.Text("desk.staff.done.add", map[string]string{"name": post.Name})
	if p.Invite == nil {
		q := url.Values{}
		p.said(w, r, q, done)
		return back(w, r, staffPath, q)
	}
	may, err := p.staffing().MayInvite(r.Context(), r.me, post.Key)
	if err != nil {
		return err
	}
	return p.invite(w, r, post, may, false, done)
}

// againStaff shows the list with what was wrong with the form.
func (p *Pages) againStaff(w http.ResponseWriter, r request, problem string, typed desk.Colleague) error {
	s, err := p.newStaffPage(r)
	if err != nil {
		return err
	}
	s.Problem, s.Typed = problem, typed
	p.render(w, r.Request, http.StatusUnprocessableEntity, "staff", s)
	return nil
}

// invite shows the link by which somebody chooses a password. The answer to the
// press has it in itself: no address may hold it, and nowhere is it kept. Where
// the owner may not have one made there is none.
func (p *Pages) invite(w http.ResponseWriter, r request, post dental.Staff, may, again bool, done string) error {
	link := ""
	if may {
		var err error
		if link, err = p.Invite(string(post.Email), post.Name, r.form.Get("press"), again); err != nil {
			return err
		}
	}
	s, err := p.newStaffPage(r)
	if err != nil {
		return err
	}
	s.Said, s.Link, s.For = done, link, post.Name
	p.render(w, r.Request, http.StatusOK, "staff", s)
	return nil
}

// oneStaff finds the person of the path in the list.
func (p *Pages) oneStaff(r request) (staffPage, error) {
	s, err := p.newStaffPage(r)
	if err != nil {
		return s, err
	}
	for _, m := range s.Members {
		if m.Key == r.PathValue("person") {
			s.Member, s.Typed, s.Title = m, m.Colleague, m.Name
			return s, nil
		}
	}
	return s, missing()
}

func (p *Pages) member(w http.ResponseWriter, r request) error {
	s, err := p.oneStaff(r)
	if err == nil {
		p.render(w, r.Request, http.StatusOK, "member", s)
	}
	return err
}

func (p *Pages) changeStaff(w http.ResponseWriter, r request) error {
	s, err := p.oneStaff(r)
	if err != nil {
		return err
	}
	key, press, do := s.Member.Key, r.form.Get("press"), r.form.Get("do")
	switch do {
	case "change":
		s.Typed = colleague(r.form)
		err = p.staffing().Change(r.Context(), r.me, press, key, s.Typed, r.now)
	case "remove":
		if r.form.Get("sure") == "" {
			s.Problem = r.locale.Text("desk.staff.wrong.sure", nil)
		} else {
			err = p.staffing().Remove(r.Context(), r.me, press, key, r.now)
		}
	case "link":
		if p.Invite == nil {
			return missing()
		}
		var post dental.Staff
		if post, err = p.staffing().MayRenew(r.Context(), r.me, press, key, r.now); err == nil {
			return p.invite(w, r, post, true, true, "")
		}
	default:
		return dental.Errorf(dental.Invalid, "do", "must be change, remove or link")
	}
	if problem := desk.InWords(r.locale, err); problem != "" {
		s.Problem = problem
	} else if err != nil {
		return err
	}
	if s.Problem != "" {
		p.render(w, r.Request, http.StatusUnprocessableEntity, "member", s)
		return nil
	}
	q := url.Values{}
	p.said(w, r, q, r.locale.Text("desk.staff.done."+do, map[string]string{"name": s.Member.Name}))
	if key == r.me.Key && do == "remove" {
		http.Redirect(w, r.Request, "/desk", http.StatusSeeOther) // this desk is no longer theirs
		return nil
	}
	return back(w, r, staffPath, q)
}
