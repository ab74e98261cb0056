package fhir

import (
	"cmp"
	"slices"
	"strings"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/intake"
	"github.com/returnpoint/returnpoint/shared/mis/told"
)

type (
	humanName struct {
		Use    string   `json:"use"`
		Text   string   `json:"text"`
		Family string   `json:"family"`
		Given  []string `json:"given"`
		Period period   `json:"period"`
	}
	contactPoint struct {
		System string `json:"system"`
		Value  string `json:"value"`
		Use    string `json:"use"`
		Rank   int64  `json:"rank"`
		Period period `json:"period"`
	}
	// https://hl7.org/fhir/R4/patient.html
	patient struct {
		Active        *bool           `json:"active"`
		Name          []humanName     `json:"name"`
		Telecom       []contactPoint  `json:"telecom"`
		Gender        string          `json:"gender"`
		BirthDate     string          `json:"birthDate"`
		Deceased      bool            `json:"deceasedBoolean"`
		DeceasedAt    string          `json:"deceasedDateTime"`
		GP            []reference     `json:"generalPractitioner"`
		Communication []communication `json:"communication"`
		Link          []struct {
			Type string `json:"type"`
		} `json:"link"`
	}
	communication struct {
		Language  concept `json:"language"`
		Preferred bool    `json:"preferred"`
	}
)

// card reads a patient's card. Who was merged into another card is archived; of
// a card that replaces another nothing follows, since that other one says it
// too, by its own link or by not being active. A server need not say who is
// active, and a Patient has no guardian: what it leaves open stays as it was.
func (r *reading) card() (content, *problem) {
	var w patient
	if p := r.read(&w); p != nil {
		return content{}, p
	}
	c := intake.Card{Patient: dental.Patient{Clinic: r.clinic.ID, ID: told.Patient(dental.FHIR, r.id), BirthDate: day(w.BirthDate)}, Says: intake.Known}
	if n, ok := r.best(w.Name); ok {
		c.FamilyName, c.GivenName = line(n.Family), ""
		given := make([]string, 0, len(n.Given))
		for _, g := range n.Given {
			if g = line(g); g != "" {
				given = append(given, g)
			}
		}
		if len(given) > 0 {
			c.GivenName, c.MiddleName = given[0], line(strings.Join(given[1:], " "))
		}
		if c.FamilyName == "" && c.GivenName == "" {
			c.FamilyName = line(n.Text)
		}
	}
	c.Number, c.Mail = r.reach(w.Telecom, "phone", "sms"), r.reach(w.Telecom, "email")
	if w.Gender == "female" || w.Gender == "male" {
		c.Sex = w.Gender
	}
	c.Language = speaks(w.Communication)
	for _, gp := range w.GP {
		if c.DoctorID == "" {
			c.DoctorID = r.doctor(gp).ID
		}
	}
	merged := slices.ContainsFunc(w.Link, func(l struct {
		Type string `json:"type"`
	}) bool {
		return l.Type == "replaced-by"
	})
	switch {
	case w.Deceased || w.DeceasedAt != "":
		c.Status = dental.Deceased
	case merged, w.Active != nil && !*w.Active:
		c.Status = dental.Archived
	case w.Active != nil:
		c.Status = dental.Active
	}
	return content{facts: []intake.Event{{Type: intake.PatientUpdated, Card: &c}}}, nil
}

// best is the name that the patient goes by: the official one, the usual one,
// any other that is not of the past.
func (r *reading) best(names []humanName) (humanName, bool) {
	rank := func(n humanName) int {
		switch n.Use {
		case "official":
			return 0
		case "usual":
			return 1
		case "":
			return 2
		case "nickname", "temp":
			return 3
		}
		return 9 // anonymous, old, maiden
	}
	names = slices.DeleteFunc(slices.Clone(names), func(n humanName) bool {
		return rank(n) == 9 || r.past(n.Period) || n.Family == "" && n.Text == "" && len(n.Given) == 0
	})
	if len(names) == 0 {
		return humanName{}, false
	}
	return slices.MinFunc(names, func(a, b humanName) int { return cmp.Compare(rank(a), rank(b)) }), true
}

// past reports whether a period had ended when the resource was told.
func (r *reading) past(p period) bool {
	end, ok := instant(p.End, r.clinic.Location())
	return ok && end.Before(r.at)
}

// reach is the phone number, or e-mail address, to use: a mobile one first, then
// by the order that the card gives.
func (r *reading) reach(points []contactPoint, systems ...string) string {
	points = slices.DeleteFunc(slices.Clone(points), func(t contactPoint) bool {
		return !slices.Contains(systems, t.System) || strings.TrimSpace(t.Value) == "" || t.Use == "old" || r.past(t.Period)
	})
	if len(points) == 0 {
		return ""
	}
	order := func(t contactPoint) int64 {
		if t.Rank < 1 {
			return 1 << 32 // no rank comes last
		}
		return t.Rank
	}
	mobile := func(t contactPoint) int {
		if t.Use == "mobile" || t.System == "sms" {
			return 0
		}
		return 1
	}
	best := slices.MinFunc(points, func(a, b contactPoint) int {
		return cmp.Or(cmp.Compare(mobile(a), mobile(b)), cmp.Compare(order(a), order(b)))
	})
	value := line(best.Value)
	for _, scheme := range []string{"tel:", "sms:", "mailto:"} {
		value = strings.TrimPrefix(value, scheme)
	}
	return value
}

// speaks is the language to write in, "" for one that there are no texts in.
func speaks(of []communication) string {
	preferred := slices.IndexFunc(of, func(c communication) bool { return c.Preferred })
	if preferred > 0 {
		of = of[preferred:]
	}
	if len(of) == 0 {
		return ""
	}
	for _, c := range of[0].Language.Coding {
		primary, _, _ := strings.Cut(strings.ToLower(c.Code), "-")
		if primary == "ru" || primary == "en" {
			return primary
		}
	}
	return ""
}
