package staff

import (
	"encoding/json"
	"errors"
	"net/http"
	"regexp"
	"strings"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/locale"
	"github.com/returnpoint/returnpoint/shared/settings"
)

// newPath is where the operator makes clinics. It is nobody else's: to them
// there is no such page.
const newPath = "/desk/new"

// clinicID is what the id of a clinic made here looks like: it stands in the
// addresses of its pages and of its webhook.
var clinicID = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{1,39}$`)

// taken reports whether an id is a word of the desk's own addresses.
func (p *Pages) taken(id string) bool {
	switch "/desk/" + id {
	case newPath, p.SignIn, p.SignOut, "/desk/callback", "/desk/signed-out":
		return true
	}
	return false
}

// newPage is the form for a clinic, or a clinic that was just made.
type newPage struct {
	bare
	Problem string
	Typed   newForm
	Press   string
	// Of a clinic that was made: the secret is shown here alone.
	Made, Webhook, Secret, Home string
}

// newForm is what the operator says of a clinic.
type newForm struct{ ID, Name, TimeZone, Language, Group, Owner string }

// operates reports whether a person is the operator.
func (p *Pages) operates(person Person) bool {
	return p.Operator != "" && person.Key == p.Store.StaffKey(string(p.Operator))
}

func (p *Pages) newClinic(w http.ResponseWriter, r *http.Request) {
	guard(w.Header())
	if err := p.makeClinic(w, r); err != nil {
		p.refuse(w, r, err)
	}
}

func (p *Pages) makeClinic(w http.ResponseWriter, r *http.Request) error {
	read := r.Method == http.MethodGet || r.Method == http.MethodHead
	person, ok := p.Who(r)
	switch {
	case !ok && read:
		p.toSignIn(w, r)
		return nil
	case !ok:
		return refusal(http.StatusForbidden)
	case !p.operates(person):
		return missing()
	case !read && r.Method != http.MethodPost:
		return refusal(http.StatusMethodNotAllowed)
	}
	page := newPage{bare: p.bare(r, "desk.new.title"), Press: p.draw(), Typed: newForm{TimeZone: "Europe/Moscow", Language: "ru", Owner: person.Name}}
	if read {
		p.render(w, r, http.StatusOK, "new", page)
		return nil
	}
	if http.NewCrossOriginProtection().Check(r) != nil {
		return refusal(http.StatusForbidden)
	}
	form, err := fields(w, r)
	if err != nil {
		return err
	}
	value := func(name string) string { return strings.TrimSpace(form.Get(name)) }
	page.Typed = newForm{value("id"), value("name"), value("timeZone"), value("language"), value("group"), value("owner")}
	cl, secret, err := p.found(r, person, page.Typed, form.Get("press"))
	if page.Problem = page.inWords(err); page.Problem != "" {
		p.render(w, r, http.StatusUnprocessableEntity, "new", page)
		return nil
	}
	if err != nil {
		return err
	}
	page.Title = page.locale.Text("desk.new.made.title", nil)
	page.Made, page.Secret = cl.Name, string(secret)
	page.Webhook, page.Home = p.Base+"/v1/clinics/"+cl.ID+"/events", "/desk/"+cl.ID
	p.render(w, r, http.StatusOK, "new", page)
	return nil
}

// found makes the clinic that a form speaks of.
func (p *Pages) found(r *http.Request, person Person, f newForm, press string) (*dental.Clinic, dental.Secret, error) {
	now := p.Clock()
	if !clinicID.MatchString(f.ID) || p.taken(f.ID) || !dental.ValidID(press) {
		return nil, "", errClinicID
	}
	if f.Name == "" || f.Owner == "" || len(f.Owner) > 200 {
		return nil, "", errNames
	}
	patch, err := json.Marshal(map[string]string{"name": f.Name, "timeZone": f.TimeZone, "language": f.Language, "group": f.Group})
	if err != nil {
		return nil, "", dental.Errorf(dental.Invalid, "form", "the form cannot be read")
	}
	owner := dental.Staff{Clinic: f.ID, Key: person.Key, Email: p.Operator, Name: f.Owner, Role: dental.Owner, Since: now, Report: true}
	entry := dental.LogEntry{Clinic: f.ID, ID: press, At: now, By: f.Owner, Key: person.Key, Role: dental.Owner, Action: "clinic.new", Subject: f.ID}
	return p.Settings.Found(r.Context(), patch, owner, entry)
}

// The faults of the form that are not the settings'.
var (
	errClinicID = dental.Errorf(dental.Invalid, "id", "is no id for a clinic")
	errNames    = dental.Errorf(dental.Invalid, "name", "is missing")
)

// inWords is what the operator reads of an error, "" of one that is not theirs.
func (n newPage) inWords(err error) string {
	var bad *settings.Refusal
	switch {
	case err == nil:
		return ""
	case errors.Is(err, errClinicID):
		return n.T("desk.new.wrong.id")
	case errors.Is(err, errNames):
		return n.T("desk.new.wrong.names")
	case errors.As(err, &bad):
		var lines []string
		for _, f := range bad.Faults {
			lines = append(lines, n.fieldName(f.Path)+": "+f.Explain(n.locale))
		}
		return strings.Join(lines, "; ")
	case dental.KindOf(err) == dental.Conflict:
		return n.T("desk.new.wrong.known")
	}
	return ""
}

// fieldName is what a setting is called on this page.
func (n newPage) fieldName(path string) string {
	if key := "desk.new." + path; n.locale.Has(key) {
		return n.locale.Text(key, nil)
	}
	return path
}

// Languages are those that a clinic's texts may be in.
func (n newPage) Languages() []string {
	var out []string
	for _, l := range locale.All() {
		out = append(out, l.String())
	}
	return out
}
