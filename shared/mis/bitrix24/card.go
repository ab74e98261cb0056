package bitrix24

import (
	"cmp"
	"encoding/json"
	"math/big"
	"regexp"
	"strings"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/intake"
	"github.com/returnpoint/returnpoint/shared/mis/told"
)

// text is a value of the REST API, which writes numbers as strings and strings as
// numbers, and false for nothing. A list or an object is nothing too, where
// told.Text refuses it: a portal's own fields are of any type, and one that is of
// another takes no deal with it.
type text told.Text

// UnmarshalJSON takes anything.
func (t *text) UnmarshalJSON(raw []byte) error {
	if (*told.Text)(t).UnmarshalJSON(raw) != nil || string(raw) == "false" {
		*t = ""
	}
	return nil
}

// multi is a field of several values: phones, addresses.
type multi []struct {
	Value text `json:"VALUE"`
}

// UnmarshalJSON takes a list, or anything else for none.
func (m *multi) UnmarshalJSON(raw []byte) error {
	type list multi
	var l list
	if json.Unmarshal(raw, &l) == nil {
		*m = multi(l)
	}
	return nil
}

func (m multi) first() string {
	for _, v := range m {
		if s := told.Line(v.Value, 320); s != "" {
			return s
		}
	}
	return ""
}

// contact is what is read of a contact.
type contact struct {
	ID, NAME, SECOND_NAME, LAST_NAME, BIRTHDATE, DATE_MODIFY text
	PHONE, EMAIL                                             multi
}

// deal is what is read of a deal, beside the field of the setting.
type deal struct {
	ID, TITLE, STAGE_ID, STAGE_SEMANTIC_ID, CATEGORY_ID, CONTACT_ID text
	OPPORTUNITY, CURRENCY_ID, CLOSEDATE, MOVED_TIME, DATE_MODIFY    text
	// Start is the field of StartSetting.
	Start text `json:"-"`
}

// product is one row of a deal.
type product struct{ PRODUCT_NAME text }

// instant reads a time, which has an offset; the zero time where there is none.
func instant(t text) time.Time {
	at, err := time.Parse(time.RFC3339, strings.TrimSpace(string(t)))
	if err != nil || at.Year() < 1900 || at.Year() > 2100 {
		return time.Time{}
	}
	return at
}

// object makes an object of a contact. Of a death, a guardian, a language or a
// sex a portal knows nothing, so that what it leaves open stays as it was.
func (c contact) object(cl *dental.Clinic) intake.Object {
	p := dental.Patient{Clinic: cl.ID, ID: told.Patient(dental.Bitrix24, string(c.ID)), FamilyName: told.Line(c.LAST_NAME, 200), GivenName: told.Line(c.NAME, 200), MiddleName: told.Line(c.SECOND_NAME, 200),
		BirthDate: told.Day(c.BIRTHDATE)}
	card := intake.Card{Patient: p, Says: intake.Known, Number: c.PHONE.first(), Mail: c.EMAIL.first()}
	return finished(intake.Object{Kind: contacts, ID: string(c.ID), Facts: []intake.Event{{Type: intake.PatientUpdated, Card: &card}}}, c.DATE_MODIFY)
}

// object makes an object of a deal and its products, as they were read now. A deal
// may be won when it is paid for: it is a visit once that is over.
func (d deal) object(cl *dental.Clinic, account dental.Account, products []product, now time.Time) intake.Object {
	o := intake.Object{Kind: deals, ID: string(d.ID)}
	if number.MatchString(string(d.CONTACT_ID)) && (account.Settings[CategorySetting] == "" || account.Settings[CategorySetting] == string(d.CATEGORY_ID)) {
		o.Facts = d.facts(cl, account, products)
		told.Hold(&o, now)
	}
	return finished(o, d.DATE_MODIFY)
}

// finished gives an object its system, its order and its body.
func finished(o intake.Object, modified text) intake.Object {
	o.System, o.At, o.Body = dental.Bitrix24, instant(modified), told.Body(o.Facts)
	if !o.At.IsZero() {
		o.Version = o.At.UnixMilli()
	}
	return o
}

func (d deal) facts(cl *dental.Clinic, account dental.Account, products []product) []intake.Event {
	patient, id := told.Patient(dental.Bitrix24, string(d.CONTACT_ID)), told.ID(prefix, string(d.ID))
	stage, meaning := string(d.STAGE_ID), string(d.STAGE_SEMANTIC_ID)
	came := in(account, CameSetting, stage, meaning, "S")
	var facts []intake.Event
	start := instant(d.Start)
	if !start.IsZero() {
		a := dental.Appointment{Clinic: cl.ID, Patient: patient, ID: id, Start: start, Status: dental.Booked, Services: d.services(products)}
		switch {
		case came:
		case in(account, MissedSetting, stage, meaning, ""):
			a.Status = dental.Missed
		case in(account, LostSetting, stage, meaning, "F"):
			a.Status = dental.Cancelled
		case in(account, ConfirmedSetting, stage, meaning, ""):
			a.Status = dental.Confirmed
		}
		facts = append(facts, intake.Event{Type: told.TypeOf(a.Status), Appointment: &a})
	}
	if !came {
		return facts
	}
	v := dental.Visit{Clinic: cl.ID, Patient: patient, ID: id, Receipt: d.receipt()}
	if !start.IsZero() {
		v.AppointmentID, v.FinishedAt = id, told.Over(start, time.Time{}, cl.Location())
	} else if v.FinishedAt = instant(d.MOVED_TIME); v.FinishedAt.IsZero() {
		closed := told.Day(d.CLOSEDATE)
		if closed.IsZero() {
			return facts
		}
		v.FinishedAt = closed.At(12*60, cl.Location())
	}
	for _, s := range d.services(products) {
		v.Procedures = append(v.Procedures, dental.Procedure{Name: s.Name})
	}
	return append(facts, intake.Event{Type: intake.VisitCompleted, Visit: &v})
}

// services are what a deal is about: its products, else its title.
func (d deal) services(products []product) []dental.ServiceType {
	var out []dental.ServiceType
	for _, p := range products {
		if name := told.Line(p.PRODUCT_NAME, 200); name != "" && len(out) < 100 {
			out = append(out, dental.ServiceType{Name: name})
		}
	}
	if title := told.Line(d.TITLE, 200); len(out) == 0 && title != "" {
		out = append(out, dental.ServiceType{Name: title})
	}
	return out
}

// amount is the form of a sum.
var amount = regexp.MustCompile(`^[0-9]{1,12}(\.[0-9]{1,12})?$`)

// receipt is the deal's sum, nothing where there is none.
func (d deal) receipt() dental.Money {
	s := strings.TrimSpace(string(d.OPPORTUNITY))
	if !amount.MatchString(s) {
		return dental.Money{}
	}
	n, _ := new(big.Rat).SetString(s)
	m, err := dental.ParseMoney(n.FloatString(2), strings.ToUpper(cmp.Or(string(d.CURRENCY_ID), "RUB")))
	if err != nil || m.Minor == 0 {
		return dental.Money{}
	}
	return m
}
