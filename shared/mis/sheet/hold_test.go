package sheet_test

import (
	"errors"
	"reflect"
	"slices"
	"testing"
	"unicode/utf8"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/load"
	"github.com/returnpoint/returnpoint/shared/mis/sheet"
)

// hold checks what is true of any file whatever.
func hold(t *testing.T, f load.Previewer, file []byte) {
	t.Helper()
	format := f.(load.Format)
	all, err := scanned(format, memory(file), "", options())
	if len(file)%8 == 0 { // not all of them, for opening a workbook takes its time
		again, errAgain := scanned(format, memory(file), "", options())
		if !reflect.DeepEqual(all, again) || (err == nil) != (errAgain == nil) {
			t.Fatal("it reads differently the second time")
		}
		if _, shown := f.Preview(t.Context(), memory(file), options()); err == nil && shown != nil {
			t.Fatalf("it can be read and not shown: %v", shown)
		}
	}
	if err != nil {
		fault, ok := errors.AsType[*load.Fault](err)
		if !ok || !slices.Contains(sheet.Codes(), fault.Code) || !utf8.ValidString(fault.Detail) {
			t.Fatalf("the file as a whole: %v", err)
		}
	}
	line, of := int64(0), ""
	for i, r := range all {
		if r.Sheet != of {
			line, of = 0, r.Sheet
		}
		if r.Line <= line || r.Read < 0 || r.Read > int64(len(file)) || r.Place == "" || len(r.Objects) > 1 || r.Fault != nil && len(r.Objects) > 0 {
			t.Fatalf("record %d after line %d: %+v", i, line, r)
		}
		line = r.Line
		faults := slices.Clone(r.Notes)
		if r.Fault != nil {
			faults = append(faults, *r.Fault)
		}
		for _, n := range faults {
			if !slices.Contains(sheet.Codes(), n.Code) || !utf8.ValidString(n.Column+n.Detail+n.Value) || len(n.Value) > 4*600 {
				t.Fatalf("line %d: the fault %+v", r.Line, n)
			}
		}
		for _, o := range r.Objects {
			sound(t, o.System, o.Patient(), r)
		}
		if i == len(all)/2 {
			rest, err := scanned(format, memory(file), r.Place, options())
			if err != nil || len(rest) != len(all)-i-1 || len(rest) > 0 && !reflect.DeepEqual(rest, all[i+1:]) {
				t.Fatalf("after the place %q, error %v: %+v, want %+v", r.Place, err, rest, all[i+1:])
			}
		}
	}
}

// sound checks the facts of a line.
func sound(t *testing.T, system, patient string, r load.Record) {
	t.Helper()
	if system != "" || !dental.ValidID(patient) || len(r.Objects[0].Facts) > 6 {
		t.Fatalf("line %d: an object of %q about %q", r.Line, system, patient)
	}
	for _, f := range r.Objects[0].Facts {
		var id, body, clinic string
		switch {
		case f.Card != nil:
			id, body, clinic = f.Card.ID, f.Card.Source.Body, f.Card.Clinic
			for _, s := range []string{f.Card.FamilyName, f.Card.GivenName, f.Card.MiddleName, f.Card.Number, f.Card.Mail} {
				if !utf8.ValidString(s) || utf8.RuneCountInString(s) > 254 {
					t.Fatalf("line %d: a text of the card is %q", r.Line, s)
				}
			}
			if b := f.Card.BirthDate; !b.IsZero() && (b.Year < 1900 || b.After(clinicToday())) || f.Card.GuardianID != "" && !dental.ValidID(f.Card.GuardianID) || f.Card.DoctorID != "" && !dental.ValidID(f.Card.DoctorID) {
				t.Fatalf("line %d: the card %+v", r.Line, b)
			}
		case f.Visit != nil:
			id, body, clinic = f.Visit.ID, f.Visit.Source.Body, f.Visit.Clinic
			if f.Visit.FinishedAt.After(now.AddDate(0, 0, 1)) || f.Visit.Receipt.Minor < 0 || len(f.Visit.Procedures) > 20 {
				t.Fatalf("line %d: the visit %+v", r.Line, f.Visit)
			}
		case f.Appointment != nil:
			id, body, clinic = f.Appointment.ID, f.Appointment.Source.Body, f.Appointment.Clinic
		case f.Plan != nil:
			id, body, clinic = f.Plan.ID, f.Plan.Source.Body, f.Plan.Clinic
			for _, s := range f.Plan.Stages {
				if s.Price.Minor < 0 {
					t.Fatalf("line %d: the stage %+v", r.Line, s)
				}
			}
		}
		if f.Type == "" || f.PatientID() != patient || !dental.ValidID(id) || body == "" || clinic != "demo" {
			t.Fatalf("line %d: the fact %+v", r.Line, f)
		}
	}
}

func clinicToday() dental.Date { return clinic().Today(now) }
