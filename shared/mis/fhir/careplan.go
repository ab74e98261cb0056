package fhir

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/intake"
	"github.com/returnpoint/returnpoint/shared/mis/told"
)

type (
	// https://hl7.org/fhir/R4/careplan.html
	carePlan struct {
		Status      string     `json:"status"`
		Intent      string     `json:"intent"`
		Category    []concept  `json:"category"`
		Title       string     `json:"title"`
		Description string     `json:"description"`
		Subject     reference  `json:"subject"`
		Period      period     `json:"period"`
		Created     string     `json:"created"`
		Activity    []activity `json:"activity"`
	}
	activity struct {
		ID       string `json:"id"`
		Progress []struct {
			Time string `json:"time"`
		} `json:"progress"`
		Detail struct {
			Code            concept `json:"code"`
			Status          string  `json:"status"`
			DoNotPerform    bool    `json:"doNotPerform"`
			ScheduledPeriod period  `json:"scheduledPeriod"`
			ScheduledString string  `json:"scheduledString"`
			Description     string  `json:"description"`
		} `json:"detail"`
	}
)

// stages says how far an activity has come. One that was begun and is not done
// is still to be done; one that was put on hold counts as looked after, so that
// nobody is pressed to go on with it.
var stages = map[string]dental.StageStatus{
	"not-started": dental.StagePlanned, "in-progress": dental.StagePlanned, "unknown": dental.StagePlanned, "": dental.StagePlanned,
	"scheduled": dental.StageBooked, "on-hold": dental.StageBooked,
	"completed": dental.StageDone, "cancelled": dental.StageCancelled, "stopped": dental.StageCancelled,
}

// plan reads a treatment plan. CarePlans are of every kind, diets and diabetes
// among them, so one is a treatment plan only where it is about teeth, unless
// the account says that all of them are. A draft, a proposal and an option have
// not been agreed on with the patient.
func (r *reading) plan() (content, *problem) {
	var w carePlan
	if p := r.read(&w); p != nil {
		return content{}, p
	}
	switch {
	case w.Status == inError:
		return withdrawn, nil
	case w.Status == "draft", w.Intent == "proposal", w.Intent == "option", !r.everyPlan && !w.dental():
		return content{}, nil
	}
	who, p := r.patient("subject", w.Subject)
	if p != nil {
		return content{}, p
	}
	zone := r.clinic.Location()
	presented, ok := instant(cmp.Or(w.Created, w.Period.Start), zone)
	if !ok {
		if presented, ok = instant(r.head.Meta.LastUpdated, zone); !ok {
			return content{}, r.unusable("created", "fhir-time")
		}
	}
	plan := dental.Plan{Clinic: r.clinic.ID, Patient: who, ID: told.ID("", r.id), PresentedAt: presented}
	for i, a := range w.Activity {
		status, known := stages[a.Detail.Status]
		if !known || a.Detail.DoNotPerform || len(plan.Stages) == most {
			continue
		}
		if over := w.Status == "revoked" || w.Status == "completed"; over && status != dental.StageDone {
			status = dental.StageCancelled
		}
		if w.Status == "on-hold" && status == dental.StagePlanned {
			status = dental.StageBooked
		}
		s := dental.Stage{ID: told.ID("", cmp.Or(a.ID, strconv.Itoa(i+1))), Status: status}
		if s.Name = a.Detail.Code.coded(ofNomenclature).Name; s.Name == "" {
			s.Name = line(a.Detail.Description)
		}
		if s.Name == "" || slices.ContainsFunc(plan.Stages, func(x dental.Stage) bool { return x.ID == s.ID }) {
			continue // what is to be done stands in another resource
		}
		if status == dental.StageDone {
			when := []string{a.Detail.ScheduledPeriod.End, a.Detail.ScheduledPeriod.Start, a.Detail.ScheduledString}
			for _, p := range a.Progress {
				when = append([]string{p.Time}, when...)
			}
			for _, s2 := range when {
				if at, ok := instant(s2, zone); ok && s.DoneAt.IsZero() {
					s.DoneAt = at
				}
			}
		}
		plan.Stages = append(plan.Stages, s)
	}
	if len(plan.Stages) == 0 {
		return content{}, r.unusable("activity", "fhir-stages")
	}
	return content{facts: []intake.Event{{Type: intake.PlanUpdated, Plan: &plan}}}, nil
}

// dental reports whether the plan is about teeth: by a code of the dental
// sections of a nomenclature, or by a word.
func (w carePlan) dental() bool {
	texts := []string{w.Title, w.Description}
	var codes []coding
	look := func(c concept) {
		texts, codes = append(texts, c.Text), append(codes, c.Coding...)
	}
	for _, c := range w.Category {
		look(c)
	}
	for _, a := range w.Activity {
		look(a.Detail.Code)
		texts = append(texts, a.Detail.Description)
	}
	for _, c := range codes {
		if s := code(c.Code); ofNomenclature(c) && (s[0] == 'D' || strings.HasPrefix(s[1:], "16.07.") || strings.HasPrefix(s, "B01.06")) {
			return true
		}
		texts = append(texts, c.Display)
	}
	return slices.ContainsFunc(texts, aboutTeeth)
}

// aboutTeeth looks for a word that begins like one of dentistry.
func aboutTeeth(text string) bool {
	for _, word := range strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return !unicode.IsLetter(r) }) {
		for _, root := range []string{"dental", "dentist", "dentur", "tooth", "teeth", "orthodont", "periodont", "endodont", "prosthodont", "caries",
			"стоматолог", "зуб", "ортодонт", "пародонт", "эндодонт", "кариес", "протезирован"} {
			if strings.HasPrefix(word, root) {
				return true
			}
		}
	}
	return false
}
