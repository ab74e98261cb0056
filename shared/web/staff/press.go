package staff

import (
	"encoding/base64"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/desk"
	"github.com/returnpoint/returnpoint/shared/locale"
)

func (p *Pages) pressRoutes() []route {
	return []route{
		{path: "/desk/{clinic}/tasks/{patient}/{kind}/{anchor}", post: p.press, least: dental.Administrator},
		{path: "/desk/{clinic}/tasks/{patient}/{kind}/{anchor}/undo", post: p.takeBack, least: dental.Administrator},
		{path: "/desk/{clinic}/batches/{scenario}/{day}", get: p.batchPage, post: p.batch, least: dental.Administrator},
		{path: "/desk/{clinic}/pause", get: p.pausing, post: p.pause, least: dental.Administrator},
	}
}

// nobody stands in a path for the patient of a task about nobody.
const nobody = "-"

// presses is what partials "presses" and "undo" of pages/press.html show of one task.
type presses struct {
	bare
	Path string // that a press is sent to
	ID   string // of the press that this page can send
	Seen string // the task as the page shows it
	From string // the place of the list to come back to, "" for its beginning
	// Buttons are single presses, the first the most usual; Rest are rarer ones,
	// behind a summary with those that say something more.
	Buttons, Rest []button
	// Later are the days on which the task may come back.
	Later []button
	// Day: a date to come back by may be agreed on, from First to Last.
	Day                  string
	First, Last, Prepick string
	// Reasons are why a patient may have refused.
	Reasons []button
	// Settle: a complaint may be closed.
	Settle []button
	// Calling: the press that tells the others of a call, "" where one is told of already or nobody is called.
	Calling string
	// Said is what was pressed and can be taken back, and Left for how many seconds at least.
	Said string
	Left string
}

// button is one press: its value, and its words.
type button struct{ Value, Label string }

// usual is how many presses of a row stand beside each other; the rest is behind a summary.
const usual = 2

// presses lays out the presses of a task, or the one that stands on it. from is
// the place in the list that the page shows.
func (p *Pages) presses(r request, t dental.Task, from int) presses {
	l := r.locale
	v := presses{bare: bare{locale: l}, Path: taskPath(r, t), Seen: desk.Seen(t)}
	if from > 0 {
		v.From = strconv.Itoa(from)
	}
	if t.Pressed.ID != "" {
		v.ID = t.Pressed.ID
		v.Said = desk.Said(l, t)
		v.Left = strconv.Itoa(max(0, int(t.Pressed.At.Add(dental.UndoFor).Sub(r.now)/time.Second)))
		return v
	}
	v.ID = p.draw()
	if called(t.Kind) && t.CallingNow(r.now) == "" {
		v.Calling = l.Text("desk.press.calling", nil)
	}
	choices := desk.Choices(t)
	for _, c := range choices {
		switch c.Asks {
		case desk.AsksNothing:
			if b := (button{c.Outcome, c.Label(l)}); len(v.Buttons) < usual || len(choices) <= usual+1 {
				v.Buttons = append(v.Buttons, b)
			} else {
				v.Rest = append(v.Rest, b)
			}
		case desk.AsksWhen:
			v.Later = codes(c.Outcome+".", desk.Laters(), "desk.later.", l)
		case desk.AsksReason:
			v.Reasons = codes("", dental.RefusalReasons(), "desk.refusal.", l)
		case desk.AsksDay:
			first, last := desk.DayBounds(r.clinic, r.now)
			v.Day, v.First, v.Last = c.Label(l), first.String(), last.String()
			v.Prepick = r.clinic.Today(r.now).AddMonths(usualReturn).String()
		case desk.AsksSettlement:
			v.Settle = codes("", dental.ComplaintCauses(), "desk.cause.", l)
		}
	}
	return v
}

// usualReturn is how many months ahead the date field of an agreement begins.
const usualReturn = 6

// More reports whether there is anything behind the summary.
func (v presses) More() bool {
	return len(v.Rest)+len(v.Later)+len(v.Reasons) > 0 || v.Day != ""
}

// codes lists codes with their words.
func codes[T ~string](prefix string, codes []T, texts string, l locale.Locale) []button {
	var out []button
	for _, code := range codes {
		out = append(out, button{prefix + string(code), l.Text(texts+string(code), nil)})
	}
	return out
}

// called reports whether a task of the kind is done by a call.
func called(k dental.TaskKind) bool { return k != dental.ReleaseTask && k != dental.ContactTask }

// draw makes the id of one press.
func (p *Pages) draw() string {
	raw := make([]byte, 9)
	if _, err := io.ReadFull(p.Rand, raw); err != nil {
		panic("staff: draw the id of a press: " + err.Error()) // a machine without randomness serves nobody
	}
	return strings.NewReplacer("+", ".", "/", ":").Replace(base64.StdEncoding.EncodeToString(raw))
}

func taskPath(r request, t dental.Task) string {
	patient := t.Patient
	if patient == "" {
		patient = nobody
	}
	return r.home() + "/tasks/" + url.PathEscape(patient) + "/" + url.PathEscape(string(t.Kind)) + "/" + url.PathEscape(t.Anchor)
}

// task is the task that a path names.
func (r request) task() desk.Ref {
	ref := desk.Ref{Clinic: r.clinic.ID, Patient: r.PathValue("patient"), Kind: dental.TaskKind(r.PathValue("kind")), Anchor: r.PathValue("anchor")}
	if ref.Patient == nobody {
		ref.Patient = ""
	}
	return ref
}

func (p *Pages) desk() *desk.Presses { return &desk.Presses{Store: p.Store, Catalogue: p.Catalogue} }

// press takes one press on a task.
func (p *Pages) press(w http.ResponseWriter, r request) error {
	outcome, cause, _ := strings.Cut(r.form.Get("outcome"), ".")
	if cause == "" {
		cause = r.form.Get("cause")
	}
	var err error
	if outcome == "calling" {
		err = p.desk().Call(r.Context(), r.task(), r.me, r.form.Get("id"), r.now)
	} else {
		err = p.desk().Press(r.Context(), r.task(), r.me, desk.Form{ID: r.form.Get("id"), Seen: r.form.Get("seen"), Outcome: outcome, Cause: cause,
			On: r.form.Get("on"), Note: r.form.Get("note"), Content: r.form.Get("content")}, r.now)
	}
	return p.again(w, r, err)
}

// takeBack undoes a press.
func (p *Pages) takeBack(w http.ResponseWriter, r request) error {
	return p.again(w, r, p.desk().Undo(r.Context(), r.task(), r.me, r.form.Get("id"), r.now))
}

// again leads back to the list, where it was; what went wrong is said there.
func (p *Pages) again(w http.ResponseWriter, r request, err error) error {
	query := url.Values{}
	if from, bad := strconv.Atoi(r.form.Get("from")); bad == nil && from > 0 {
		query.Set("from", strconv.Itoa(from))
	}
	if err != nil {
		says := desk.InWords(r.locale, err)
		if says == "" {
			return err
		}
		p.wronged(w, r, query, says)
	}
	return back(w, r, "", query)
}

// batch lets a day's batch of a scenario go, as a press that can be taken back,
// or one message of it, or takes that one out.
func (p *Pages) batch(w http.ResponseWriter, r request) error {
	scenario := r.PathValue("scenario")
	day, err := dental.ParseDate(r.PathValue("day"))
	if err != nil {
		return missing()
	}
	act := r.form.Get("act")
	if act == "release" {
		ref := desk.Ref{Clinic: r.clinic.ID, Kind: dental.ReleaseTask, Anchor: dental.BatchAnchor(scenario, day)}
		return p.again(w, r, p.desk().Press(r.Context(), ref, r.me, desk.Form{ID: r.form.Get("id"), Seen: r.form.Get("seen"), Outcome: dental.PressReleased}, r.now))
	}
	if act != "one" && act != "out" {
		return dental.Errorf(dental.Invalid, "act", "an act is release, one or out")
	}
	batches := desk.Batches{Store: p.Store, Catalogue: p.Catalogue}
	held := desk.Held{Patient: r.form.Get("patient"), Scenario: scenario, Step: r.form.Get("step"), Anchor: r.form.Get("anchor")}
	query := url.Values{}
	switch err := batches.One(r.Context(), r.me, held, r.form.Get("id"), act == "out", r.now); {
	case err != nil && desk.InWords(r.locale, err) == "":
		return err
	case err != nil:
		p.wronged(w, r, query, desk.InWords(r.locale, err))
	default:
		p.said(w, r, query, r.locale.Text("desk.batch."+act, nil))
	}
	return back(w, r, "/batches/"+url.PathEscape(scenario)+"/"+day.String(), query)
}

// pausePage is the step between the wish to pause everything and the pause.
type pausePage struct {
	shell
	State  string // who has paused, or that nobody has
	Button string // "" for who may not
	Alone  string // who alone can resume, said to those who can pause but not resume
}

// pausing asks whether to pause everything, or to resume.
func (p *Pages) pausing(w http.ResponseWriter, r request) error {
	page := pausePage{shell: p.shell(r, "/pause", "desk.pause.title"), State: desk.Paused(r.locale, r.clinic)}
	switch {
	case !r.clinic.Paused:
		page.State, page.Button = page.T("desk.pause.ask"), page.T("desk.pause.stop")
		if !desk.MayResume(r.me.Role) {
			page.Alone = page.T("desk.pause.manager")
		}
	case desk.MayResume(r.me.Role):
		page.Button = page.T("desk.pause.resume")
	}
	p.render(w, r.Request, http.StatusOK, "pause", page)
	return nil
}

// pause is the red switch, and the end of a pause.
func (p *Pages) pause(w http.ResponseWriter, r request) error {
	paused := r.form.Get("paused")
	if paused != "yes" && paused != "no" {
		return dental.Errorf(dental.Invalid, "paused", "it is yes or no")
	}
	query := url.Values{}
	if paused == "yes" && r.form.Get("sure") != "on" {
		p.wronged(w, r, query, r.locale.Text("desk.card.wrong.sure", nil))
		return back(w, r, "/pause", query)
	}
	if err := (&desk.Switch{Store: p.Store}).Set(r.Context(), r.me, p.draw(), paused == "yes", r.now); err != nil {
		if !desk.MayResume(r.me.Role) && dental.KindOf(err) == dental.Invalid {
			return refusal(http.StatusForbidden)
		}
		return err
	}
	p.said(w, r, query, r.locale.Text("desk.pause.said."+paused, nil))
	return back(w, r, "/pause", query)
}

// Pause is the banner of a clinic that sends nothing just now, "" of any other.
func (s shell) Pause() string { return desk.Paused(s.locale, s.Clinic) }
