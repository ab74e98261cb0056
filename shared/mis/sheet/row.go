package sheet

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/intake"
	"github.com/returnpoint/returnpoint/shared/load"
	"github.com/returnpoint/returnpoint/shared/mis/told"
)

// row is a line on its way to an object.
type row struct {
	*table
	cells []string
	notes []load.Fault

	patient string
	state   dental.PatientStatus
	visit   dental.AppointmentStatus // what the line says became of its visit; "" where it does not say
	day     when                     // of the visit; zero for none
	first   when                     // of the first visit
	facts   []intake.Event
}

// read makes an object of a row: its facts, or a fault, or neither of a row that
// says nothing of a patient.
func (t *table) read(cells []string) (objects []intake.Object, fault *load.Fault, notes []load.Fault) {
	for len(cells) > len(t.headers) && clean(cells[len(cells)-1]) == "" {
		cells = cells[:len(cells)-1]
	}
	if len(cells) > len(t.headers) {
		return nil, &load.Fault{Code: WideLine, Detail: strconv.Itoa(len(cells))}, nil
	}
	if t.repeats(cells) || totals(cells) {
		return nil, nil, nil
	}
	r := &row{table: t, cells: cells}
	r.day, r.first = r.date(visitDate, of2000), r.date(firstVisit, of2000)
	r.states()
	card, identity := r.card()
	if r.patient == "" {
		r.patient = identity
	}
	if r.patient == "" {
		return nil, &load.Fault{Code: NoPatient}, r.notes
	}
	if card != nil {
		card.Clinic, card.ID = t.options.Clinic.ID, r.patient
		if card.GuardianID == card.ID {
			card.GuardianID = ""
		}
		card.Source.Body = told.Body(card)
		r.facts = append(r.facts, intake.Event{Type: intake.PatientUpdated, Card: card})
	}
	r.visits()
	r.ahead()
	r.plan()
	if len(r.facts) == 0 {
		return nil, &load.Fault{Code: NoPatient}, r.notes
	}
	return []intake.Object{{Table: true, Facts: r.facts}}, nil, r.notes
}

// repeats reports whether the row is the headers again, as on each page of a printed list.
func (t *table) repeats(cells []string) bool {
	same := 0
	for i, c := range cells {
		if t.fields[i] == none {
			continue
		}
		if c = clean(c); c != "" && c != t.headers[i] {
			return false
		} else if c != "" {
			same++
		}
	}
	return same > 1
}

// totals reports whether the row sums others up.
func totals(cells []string) bool {
	for _, c := range cells {
		if c = clean(c); c == "" {
			continue
		}
		switch word, _, _ := strings.Cut(strings.TrimRight(c, ": "), " "); fold(word) {
		case "итого", "итог", "всего", "total", "totals", "subtotal":
			return true
		}
		return strings.HasPrefix(fold(c), "grandtotal")
	}
	return false
}

// note says that a cell could not be read.
func (r *row) note(column int, code, detail string) {
	value := strings.ToValidUTF8(r.cells[column], "\uFFFD")
	if r.exact && r.fields[column].dated() {
		value = r.shown(value)
	}
	if utf8.RuneCountInString(value) > maxValue {
		value = string([]rune(value)[:maxValue])
	}
	r.notes = append(r.notes, load.Fault{Column: r.headers[column], Code: code, Detail: detail, Value: value})
}

// raw is the first cell of a field that holds anything, and its column.
func (r *row) raw(f field) (v string, column int) {
	for _, i := range r.columns[f] {
		if i >= len(r.cells) {
			break
		}
		if v, ok := r.cell(i); ok {
			return v, i
		}
	}
	return "", -1
}

// cell is what a cell holds; ok is false where that is nothing, or nothing that can be read.
func (r *row) cell(i int) (v string, ok bool) {
	v = clean(r.cells[i])
	switch {
	case strings.Trim(v, "-–—?. ") == "":
		return "", false
	case strings.Contains(v, "\uFFFD"):
		r.note(i, BadLetters, "")
		return "", false
	case v[0] == '#' && broken(v):
		r.note(i, CellError, "")
		return "", false
	}
	return v, true
}

// broken reports whether a cell holds an error of a formula, or of a narrow column.
func broken(v string) bool {
	switch fold(v) {
	case "na", "ref", "value", "div0", "name", "null", "num", "spill", "calc", "нд", "ссылка", "знач", "дел0", "имя", "пусто", "число":
		return true
	}
	return strings.Trim(v, "#") == ""
}

// text is raw for a name: nothing where a filler stands for it.
func (r *row) text(f field) (v string, column int) {
	v, column = r.raw(f)
	switch {
	case column < 0 || filler(v):
		return "", -1
	case len(v) > maxText && utf8.RuneCountInString(v) > maxText:
		r.note(column, LongCell, strconv.Itoa(maxText))
		return "", -1
	}
	return v, column
}

// date is a field's date; zero for none.
func (r *row) date(f field, short century) when {
	v, column := r.raw(f)
	if column < 0 {
		return when{}
	}
	w, fault := r.table.date(v, short)
	if fault != "" {
		r.note(column, fault, "")
	}
	return w
}

// sum is a field's money; zero for none.
func (r *row) sum(f field) dental.Money {
	v, column := r.text(f)
	if column < 0 {
		return dental.Money{}
	}
	m, fault := r.money(v)
	switch fault {
	case "":
	case OtherCurrency:
		r.note(column, fault, r.currency)
	default:
		r.note(column, fault, "")
	}
	return m
}

// states reads the column of a state, which may be the patient's or a visit's.
func (r *row) states() {
	v, column := r.text(status)
	if column < 0 {
		return
	}
	word := fold(v)
	patient, visit := patientStates[word], visitStates[word]
	if r.state, r.visit = patient, visit; patient == "" && visit == "" {
		r.note(column, BadStatus, "")
	}
}

// card is what the row says of the patient themself, nil for nothing, and the id
// that follows from it where the patient has none of their own.
func (r *row) card() (card *intake.Card, identity string) {
	if r.patient = r.numbered(patientID); r.patient == "" {
		r.patient = r.numbered(chartNumber)
	}
	c := intake.Card{Says: intake.Known, Patient: dental.Patient{Status: r.state}}
	r.names(&c.Patient)
	c.Number = r.number()
	for _, i := range r.columns[email] {
		if i >= len(r.cells) || c.Mail != "" {
			break
		}
		v, ok := r.cell(i)
		switch {
		case !ok || filler(v):
		case plausibleEmail(v):
			c.Mail = v
		default:
			r.note(i, BadEmail, "")
		}
	}
	r.birth(&c.Patient)
	if v, column := r.text(sex); column >= 0 {
		switch word := fold(v); {
		case slices.Contains(female, word):
			c.Sex = "female"
		case slices.Contains(male, word):
			c.Sex = "male"
		default:
			r.note(column, BadSex, "")
		}
	}
	if v, column := r.text(language); column >= 0 {
		c.Language = languages[fold(v)] // another one is written to in the clinic's
	}
	if v, column := r.text(ownDoctor); column >= 0 {
		c.DoctorID = doctor(v).ID
	} else if v, column := r.text(visitDoctor); column >= 0 && !r.has(visitDate) {
		c.DoctorID = doctor(v).ID // in a table without visits it is the patient's own
	}
	if v, column := r.text(guardian); column >= 0 {
		if whole, is, rounded := number(v, r.exact); is && !rounded {
			c.GuardianID = r.who(whole, r.charted(column))
		} else if dental.ValidID(v) && digits(v) != "" {
			c.GuardianID = r.who(v, r.charted(column))
		} else {
			r.note(column, BadGuardian, "")
		}
	}
	r.consents(&c.Patient)
	if c.Patient.FamilyName == "" && c.Patient.GivenName == "" && c.Number == "" && c.Mail == "" && c.BirthDate.IsZero() && c.Sex == "" && c.Language == "" &&
		c.Status == "" && c.DoctorID == "" && c.GuardianID == "" && c.Consents == nil {
		return nil, ""
	}
	if r.patient != "" {
		return &c, ""
	}
	return &c, identify(c)
}

// numbered is the patient whose number stands in a field, "" for none.
func (r *row) numbered(f field) string {
	v, column := r.text(f)
	if column < 0 {
		return ""
	}
	whole, is, rounded := number(v, r.exact)
	if rounded {
		r.note(column, Rounded, "")
		return ""
	}
	if is {
		v = whole
	}
	return r.who(v, f == chartNumber)
}

// who is the id of a patient by a number as it stands in the file: of the
// program, or of a chart.
func (r *row) who(v string, chart bool) string {
	if chart && (r.options.System != "" || r.has(patientID)) {
		return told.Chart(r.options.System, v)
	}
	return told.Patient(r.options.System, v)
}

// charted reports whether a column of guardians gives the numbers of their
// charts. One that does not say gives what the table calls its own patients by.
func (r *row) charted(column int) bool {
	header := fold(r.headers[column])
	holds := func(word string) bool { return strings.Contains(header, word) }
	return holds("карт") || holds("chart") || !r.has(patientID) && !holds("id") && !holds("код")
}

// identify is the id of a patient without one, "" where too little is known. A
// phone and an address change, and what the report says of them asks for that;
// so they count only for whom name and birth date do not tell.
func identify(c intake.Card) string {
	name, number := fold(c.FamilyName+c.GivenName+c.MiddleName), digits(c.Number)
	number = number[max(0, len(number)-10):]
	born := name != "" && !c.BirthDate.IsZero()
	switch {
	case born && c.FamilyName != "" && c.GivenName != "":
		number = ""
	case len(number) >= 5:
	case c.Mail != "":
		return told.ID("row", strings.ToLower(c.Mail)+"/"+name)
	case born:
		number = ""
	default:
		return ""
	}
	return told.ID("row", number+"/"+name+"/"+c.BirthDate.String())
}

func (r *row) names(p *dental.Patient) {
	if v, column := r.text(fullName); column >= 0 {
		if named(v) {
			p.FamilyName, p.GivenName, p.MiddleName = split(v)
			r.whole(p, column)
		} else {
			r.note(column, BadName, "")
		}
	}
	for _, part := range [...]struct {
		field field
		into  *string
	}{{familyName, &p.FamilyName}, {middleName, &p.MiddleName}, {givenName, &p.GivenName}} {
		v, column := r.text(part.field)
		switch {
		case column < 0:
		case !named(v):
			r.note(column, BadName, "")
		default:
			*part.into = v
			if part.field == givenName {
				r.whole(p, column)
			}
		}
	}
}

// whole leaves out initials: nobody is addressed by them.
func (r *row) whole(p *dental.Patient, column int) {
	if initials(p.GivenName) {
		r.note(column, Initials, "")
		p.GivenName, p.MiddleName = "", ""
	}
}

// number is the phone as it is spelled, of the columns for phones and then of
// those for others: the first mobile, else the first number that there is, else
// the first of all, of which it is said what is wrong with it.
func (r *row) number() string {
	var first, valid string
	several := len(r.columns[phone])+len(r.columns[otherPhone]) > 1
	for _, f := range []field{phone, otherPhone} {
		for _, i := range r.columns[f] {
			if i >= len(r.cells) {
				break
			}
			v, ok := r.cell(i)
			if !ok || filler(v) || slices.Contains(noPhone, fold(v)) || f == otherPhone && len(digits(v)) < 5 {
				continue
			}
			if whole, is, rounded := number(v, r.exact); rounded {
				r.note(i, Rounded, "")
				continue
			} else if is {
				v = whole
			}
			if len(v) > maxText {
				r.note(i, LongCell, strconv.Itoa(maxText))
				continue
			}
			if !several {
				return v
			}
			if _, _, mobile, issue := r.options.Phones(v, r.options.Clinic.Country); issue == "" {
				if mobile {
					return v
				}
				valid = cmp.Or(valid, v)
			}
			first = cmp.Or(first, v)
		}
	}
	return cmp.Or(valid, first)
}

func (r *row) birth(p *dental.Patient) {
	v, column := r.raw(birthDate)
	if column < 0 {
		return
	}
	w, fault := r.table.date(v, born(r.today))
	switch {
	case fault != "":
		r.note(column, fault, "")
	case w.day.After(r.today):
		r.note(column, BirthAhead, "")
	default:
		p.BirthDate = w.day
	}
}

// consentFields are the columns of consents, with what each is about: the ones
// of a channel after the ones of all, which they overrule.
var consentFields = []struct {
	field    field
	class    dental.Class
	channels []dental.Channel
}{
	{advertising, dental.Advertising, dental.Channels()},
	{advertisingSMS, dental.Advertising, []dental.Channel{dental.SMS}},
	{advertisingMail, dental.Advertising, []dental.Channel{dental.Mail}},
	{advertisingWhatsApp, dental.Advertising, []dental.Channel{dental.WhatsApp}},
	{care, dental.Care, dental.Channels()},
	{careSMS, dental.Care, []dental.Channel{dental.SMS}},
	{careMail, dental.Care, []dental.Channel{dental.Mail}},
	{careWhatsApp, dental.Care, []dental.Channel{dental.WhatsApp}},
}

// undated is when a refusal was given whose date nobody wrote down: any decision
// with a date is later.
var undated = time.Date(2000, time.January, 1, 0, 0, 0, 0, time.UTC)

// said is the first cell of a column of consents that answers: a dash does,
// where elsewhere it stands for nothing.
func (r *row) said(f field) (v string, column int) {
	for _, i := range r.columns[f] {
		if i >= len(r.cells) {
			break
		}
		if v = clean(r.cells[i]); dash(v) {
			return v, i
		}
		if v, ok := r.cell(i); ok {
			return v, i
		}
	}
	return "", -1
}

func (r *row) consents(p *dental.Patient) {
	var given when
	var source string
	asked := false
	for _, c := range consentFields {
		v, column := r.said(c.field)
		if column < 0 {
			continue
		}
		granted, ok := answer(v)
		if !ok {
			r.note(column, BadAnswer, "")
			continue
		}
		if !asked {
			given, asked = r.date(consentDate, of2000), true
			source, _ = r.text(consentSource)
		}
		at := undated
		switch {
		case given.day.After(r.today):
			r.note(column, ConsentAhead, "")
			continue
		case !given.day.IsZero():
			at = given.day.At(0, r.zone).UTC()
		case granted:
			r.note(column, ConsentUndated, "")
			continue
		}
		for _, channel := range c.channels {
			p.Record(dental.Consent{Class: c.class, Channel: channel, Granted: granted, At: at, Source: source})
		}
	}
}

// doctor names who treats by what stands in a cell: a code, or a name, which is
// the doctor's id as well.
func doctor(v string) dental.Doctor {
	if v == "" {
		return dental.Doctor{}
	}
	if !named(v) {
		return dental.Doctor{ID: told.ID("", v)}
	}
	return dental.Doctor{ID: told.ID("doctor", fold(v)), Name: v}
}

const noon = dental.TimeOfDay(12 * 60)

// visits makes the facts of the row's own visit and of the first.
func (r *row) visits() {
	r.own()
	f := r.first
	if f.day.IsZero() || f.day == r.day.day {
		return
	}
	if f.day.After(r.today) {
		_, column := r.raw(firstVisit)
		r.note(column, VisitAhead, "")
		return
	}
	r.came(f, deeds{Bare: true}, dental.Visit{})
}

// deeds are what tells a visit from its patient's others. What may be put right
// of it stands on it alone.
type deeds struct {
	Patient, Day, Time, Number, Doctor, Code, Service, Kind, Tooth string
	// Bare: of the day of a first or last visit nothing more is said. A journal has
	// what was done and paid that day, and neither takes the other's place.
	Bare bool

	own bool // the Number is the visit's, and not of a paper about it
}

func (r *row) own() {
	back := r.date(returnDate, of2000).day
	if w := r.day; w.day.IsZero() {
		for _, f := range []field{receipt, serviceName, serviceCode} {
			if _, column := r.text(f); column >= 0 && r.has(visitDate) {
				r.note(column, VisitUndated, "")
				break
			}
		}
		if _, column := r.raw(returnDate); !back.IsZero() {
			r.note(column, ReturnUnplaced, "")
		}
		return
	}
	if v, column := r.raw(visitTime); column >= 0 {
		at, ok := timeOfDay(v)
		if w, fault := r.table.date(v, of2000); !ok && fault == "" && w.timed { // a whole instant in the column of the time
			at, ok = w.time, true
		}
		if ok {
			r.day.time, r.day.timed = at, true
		} else if !filler(v) {
			r.note(column, BadTime, "")
		}
	}
	by, _ := r.text(visitDoctor)
	ahead := r.day.day.After(r.today)
	state := r.visit
	if state == "" && !ahead {
		state = came
	}
	switch {
	case state == came && !ahead:
		var d deeds
		if v, column := r.text(visitNumber); strings.Trim(v, "0") != "" {
			d.Number, d.own = v, about(r.headers[column], "визит", "прием", "запис", "visit", "appointment", "apt")
		}
		d.Code, _ = r.text(serviceCode)
		d.Kind, _ = r.text(serviceKind)
		d.Tooth, _ = r.text(tooth)
		r.came(r.day, d, dental.Visit{Doctor: doctor(by), Receipt: r.sum(receipt), ReturnDate: back})
		return
	case ahead:
		_, column := r.raw(visitDate)
		claimed := state == "" || state == came
		if claimed {
			r.note(column, VisitAhead, "")
			state = dental.Booked
		}
		if !r.day.timed {
			if !claimed { // what was noted asks for the time as well
				r.note(column, NextUntimed, "")
			}
			return
		}
	case state == dental.Booked || state == dental.Confirmed:
		_, column := r.raw(visitDate)
		if r.day.day != r.today || !r.day.timed { // it is over, and nobody has said how
			r.note(column, NextPast, "")
			return
		}
	}
	r.appoint("line", r.day, state, by)
}

// came completes a visit and adds it.
func (r *row) came(w when, d deeds, v dental.Visit) {
	v.Clinic, v.Patient = r.options.Clinic.ID, r.patient
	at := noon
	if w.timed {
		at = w.time
	}
	if w == r.day {
		for _, name := range r.services() {
			d.Service += "\n" + name
			v.Procedures = append(v.Procedures, dental.Procedure{Name: name, Tooth: d.Tooth})
		}
	}
	kind := kinds[fold(d.Kind)]
	switch {
	case len(v.Procedures) == 0 && (d.Code != "" || d.Kind != ""):
		v.Procedures = []dental.Procedure{{Code: d.Code, Name: d.Kind, Kind: kind, Tooth: d.Tooth}}
	case len(v.Procedures) == 1:
		v.Procedures[0].Code, v.Procedures[0].Kind = d.Code, kind
	default:
		for i := range v.Procedures {
			v.Procedures[i].Kind = kind
		}
	}
	v.FinishedAt = w.day.At(at, r.zone).UTC()
	v.ID = r.visitID(w, d, v)
	v.Source.Body = told.Body([]any{v.ID, v.FinishedAt, v.Doctor, v.Procedures, v.Receipt, v.ReturnDate})
	r.facts = append(r.facts, intake.Event{Type: intake.VisitCompleted, Visit: &v})
}

// visitID names a visit by what stays when the line is put right: its number, or
// else the day and time; what was done, where that is said, or else who did it.
// The numbers of papers begin anew, each year or each day, and so need their day.
func (r *row) visitID(w when, d deeds, v dental.Visit) string {
	if d.Patient = r.patient; !d.own {
		d.Day = w.day.String()
	}
	if d.Number == "" && w.timed {
		d.Time = w.time.String()
	}
	if d.Code+d.Service != "" {
		d.Kind = ""
	}
	if d.Number+d.Code+d.Service+d.Kind+d.Tooth == "" {
		d.Doctor = v.Doctor.ID
	}
	said := len(v.Procedures) > 0 || !v.Receipt.IsZero()
	d.Bare = d.Bare || r.last && !said
	name := told.Body(d)
	if !r.last && said {
		if n := r.again(name); n > 0 {
			name += "." + strconv.Itoa(n)
		}
	}
	return "visit." + name
}

// most bounds how many services a cell names, and stages a plan has.
const most = 20

// services are the names in the cell of the services, one a line or between semicolons.
func (r *row) services() []string {
	_, column := r.raw(serviceName)
	return r.list(column)
}

func (r *row) list(column int) []string {
	if column < 0 {
		return nil
	}
	var out []string
	for _, part := range strings.FieldsFunc(r.cells[column], func(c rune) bool { return c == ';' || c == '\n' }) {
		switch part = clean(part); {
		case part == "" || strings.Contains(part, "\uFFFD") || filler(part):
		case utf8.RuneCountInString(part) > maxText:
			r.note(column, LongCell, strconv.Itoa(maxText))
		case len(out) < most:
			out = append(out, part)
		}
	}
	return out
}

// ahead makes the fact of the appointment that the row has a column of its own for.
func (r *row) ahead() {
	v, column := r.raw(nextDate)
	if column < 0 {
		return
	}
	w, fault := r.table.date(v, of2000)
	if fault != "" {
		r.note(column, fault, "")
	}
	if w.day.IsZero() {
		return
	}
	if v, column := r.raw(nextTime); column >= 0 {
		if at, ok := timeOfDay(v); ok {
			w.time, w.timed = at, true
		} else {
			r.note(column, BadTime, "")
		}
	}
	switch {
	case !w.timed && !w.day.Before(r.today):
		r.note(column, NextUntimed, "")
		return
	case w.day.Before(r.today), !w.day.At(w.time, r.zone).After(r.options.Now):
		r.note(column, NextPast, "")
		return
	}
	state := dental.Booked
	if r.visit == dental.Confirmed && !r.has(visitDate) {
		state = dental.Confirmed
	}
	by, _ := r.text(nextDoctor)
	r.appoint("next", w, state, by)
}

// appoint adds an appointment. One of a line is named by its start, and the next
// one of a patient by nothing else, so that it moves.
func (r *row) appoint(prefix string, w when, state dental.AppointmentStatus, by string) {
	at := noon
	if w.timed {
		at = w.time
	}
	a := dental.Appointment{Clinic: r.options.Clinic.ID, Patient: r.patient, Start: w.day.At(at, r.zone).UTC(), Doctor: doctor(by), Status: state}
	name := "/" + r.patient
	if prefix == "line" {
		name += "/" + w.day.String() + " " + at.String()
		for _, service := range r.services() {
			a.Services = append(a.Services, dental.ServiceType{Name: service})
		}
	}
	a.ID = told.ID(prefix, name)
	a.Source.Body = told.Body([]any{a.ID, a.Start, a.Doctor, a.Services, a.Status})
	r.facts = append(r.facts, intake.Event{Type: told.TypeOf(state), Appointment: &a})
}

// plan makes the fact of the treatment plan: a stage for each name in its cell,
// with all that is left to pay on the first of those still open, and what has
// been paid for as a stage that is done.
func (r *row) plan() {
	_, column := r.raw(planName)
	names := r.list(column)
	total := r.sum(planTotal)
	if len(names) == 0 && total.IsZero() {
		return
	}
	p := dental.Plan{Clinic: r.options.Clinic.ID, Patient: r.patient}
	presented := r.date(planDate, of2000)
	name := strings.Join(names, "\n")
	p.ID = told.ID("plan", "/"+r.patient+"/"+presented.day.String()+"/"+name)
	last := r.day
	if last.day.IsZero() || last.day.After(r.today) {
		last = r.first
	}
	if presented.day.IsZero() {
		presented = last
	}
	if presented.day.IsZero() {
		_, column := r.raw(planTotal)
		if named, at := r.raw(planName); named != "" {
			column = at
		}
		r.note(column, PlanUndated, "")
	} else {
		p.PresentedAt = presented.day.At(noon, r.zone).UTC()
	}
	doneAt := p.PresentedAt
	if !last.day.IsZero() && last.day.After(presented.day) {
		doneAt = last.day.At(noon, r.zone).UTC()
	}
	all, done := r.done(total)
	if len(names) == 0 {
		names = []string{""}
	}
	stage := func(name string, price dental.Money, finished bool) {
		s := dental.Stage{ID: strconv.Itoa(len(p.Stages) + 1), Name: name, Status: dental.StagePlanned, Price: price}
		if finished {
			s.Status, s.DoneAt = dental.StageDone, doneAt
		}
		p.Stages = append(p.Stages, s)
	}
	left := total
	if done.Minor > 0 && !all {
		stage(names[0], done, true)
		if left.Minor -= done.Minor; len(names) > 1 {
			names = names[1:]
		}
	}
	for i, name := range names {
		price := left
		if i > 0 {
			price = dental.Money{}
		}
		stage(name, price, all)
	}
	p.Source.Body = told.Body([]any{p.ID, p.PresentedAt, p.Stages})
	r.facts = append(r.facts, intake.Event{Type: intake.PlanUpdated, Plan: &p})
}

// done is how much of a plan has been done: a yes or a no, per cent, or a sum.
func (r *row) done(total dental.Money) (all bool, sum dental.Money) {
	v, column := r.raw(planDone)
	if column < 0 {
		return false, dental.Money{}
	}
	if granted, ok := answer(v); ok {
		return granted, dental.Money{}
	}
	if part, ok := strings.CutSuffix(v, "%"); ok {
		percent, err := strconv.ParseFloat(strings.Replace(strings.TrimSpace(part), ",", ".", 1), 64)
		if err != nil || !(percent >= 0 && percent <= 100) {
			r.note(column, BadDone, "")
			return false, dental.Money{}
		}
		return percent == 100, dental.Money{Minor: int64(float64(total.Minor) * percent / 100), Currency: total.Currency}
	}
	sum, fault := r.money(v)
	if fault != "" {
		r.note(column, BadDone, "")
		return false, dental.Money{}
	}
	if total.IsZero() {
		return false, dental.Money{}
	}
	return sum.Minor >= total.Minor, sum
}
