package load

import (
	"bytes"
	"encoding/csv"
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/intake"
	"github.com/returnpoint/returnpoint/shared/locale"
	"github.com/returnpoint/returnpoint/shared/phone"
)

func TestNoCellIsAFormula(t *testing.T) {
	for _, c := range []struct{ name, cell, want string }{
		{"a plain one", "Иванов", "Иванов"},
		{"an empty one", "", ""},
		{"a formula", "=1+1", `"'=1+1"`},
		{"a call of another program", "=cmd|' /C calc'!A0", `"'=cmd|' /C calc'!A0"`},
		{"a sum", "+7916", `"'+7916"`},
		{"a difference", "-2", `"'-2"`},
		{"a function of Lotus", "@SUM(A1)", `"'@SUM(A1)"`},
		{"a tab", "\t=1", "\"'\t=1\""},
		{"a return", "\r=1", "\"'\r=1\""},
		{"a separator", "a;b", `"a;b"`},
		{"a separator before a formula", `x";=1+1`, `"x"";=1+1"`},
		{"quotes", `ООО "Зуб"`, `"ООО ""Зуб"""`},
		{"a new line", "a\nb", "\"a\nb\""},
		{"blanks around", " =1", `" =1"`},
		{"a sign that no editor shows", "a\x00b\x1b", "a\uFFFDb\uFFFD"},
		{"bytes that are no letters", "a\xff", "a\uFFFD"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := cell(c.cell); got != c.want {
				t.Errorf("%q is written %q, want %q", c.cell, got, c.want)
			}
		})
	}
}

func TestARowIsReadAgainAsItsCells(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cells := rapid.SliceOfN(rapid.StringMatching(`[=+\-@\t;"',\na-zа-я ]{0,12}`), 2, 5).Draw(t, "cells")
		var b bytes.Buffer
		row(&b, cells...)
		r := csv.NewReader(&b)
		r.Comma = ';'
		got, err := r.Read()
		if err != nil || len(got) != len(cells) {
			t.Fatalf("%q is read as %q (%v)", b.String(), got, err)
		}
		for i := range got {
			if want := cells[i]; got[i] != want && got[i] != "'"+want {
				t.Errorf("%q became %q", want, got[i])
			}
			if strings.ContainsAny(got[i][:min(1, len(got[i]))], "=+-@\t\r") {
				t.Errorf("%q begins as a formula", got[i])
			}
		}
	})
}

func TestAReasonIsSaidInTheClinicsLanguage(t *testing.T) {
	for _, c := range []struct{ language, code, want string }{
		{"ru", "phone-several", "В ячейке несколько номеров, а нужен один. Пациент загружен без телефона."},
		{"en", "phone-several", "The cell holds several numbers, and one is needed. The patient is in, without a phone."},
		{"en", "never-heard-of", "The line could not be read."},
	} {
		if got := Reason(&dental.Clinic{Language: c.language}, Fault{Code: c.code, Detail: "31"}); got != c.want {
			t.Errorf("%s in %s is %q", c.code, c.language, got)
		}
	}
}

func TestARefusalThatNobodyKnowsIsSaidWithoutItsWords(t *testing.T) {
	for _, err := range []error{errors.New("boom"), dental.Errorf(dental.Invalid, "data.else", "nobody knows it")} {
		for language, want := range map[string]string{"ru": "Запись не принята.", "en": "The record was not taken."} {
			cl := &dental.Clinic{Language: language}
			if got := Reason(cl, faultOf(cl, err)); got != want {
				t.Errorf("%v is said %q, want %q", err, got, want)
			}
		}
	}
}

func TestAWordBesideANumberIsNamedInTheReport(t *testing.T) {
	l := &Loader{Phones: phone.Read}
	for spelled, want := range map[string]string{
		"8-916-000-00-33 мама": "phone-words", "мама 8-916-000-00-33": "phone-words", "+7 916 000-00-33 (Ольга)": "phone-words",
		"8-916-000-00-33": "", "8-916-000-00-33 моб.": "", "8-916-000-00-3": "phone-malformed", "8-916-000-00-3 мама": "phone-malformed", "мама": "phone-malformed",
		"8 800 FLOWERS": "phone-malformed", "8 916 l23-45-67": "phone-malformed", "8 495 000-00-01 доб. 2": "phone-extension", "8 800 000-00-01": "phone-toll-free",
	} {
		got := ""
		for _, f := range l.numbers(&dental.Clinic{Country: "RU"}, Record{Objects: []intake.Object{{Facts: []intake.Event{{Card: &intake.Card{Number: spelled}}}}}}) {
			got += f.Code
		}
		if got != want {
			t.Errorf("%q is %q, want %q", spelled, got, want)
		}
	}
}

func TestEachIssueOfANumberHasItsWords(t *testing.T) {
	for _, issue := range []string{"malformed", "words", "extension", "several", "toll-free"} {
		for _, loc := range locale.All() {
			if !loc.Has("desk.import.reason.phone-" + issue) {
				t.Errorf("%s has no words for %s", loc, issue)
			}
		}
	}
}

func TestALineOfOneSheetOfSeveralIsNamedWithIt(t *testing.T) {
	var b bytes.Buffer
	for _, r := range []Record{{Line: 4}, {Line: 4, Sheet: "Дети"}, {Line: 4, Sheet: "=1+1"}} {
		reportRows(&b, &dental.Clinic{Language: "ru"}, r, []Fault{{Column: "Пол", Code: "bad-sex", Value: "1"}})
	}
	for i, want := range []string{"4;Пол;", "Дети!4;Пол;", `"'=1+1!4";Пол;`} {
		if got := strings.Split(b.String(), "\r\n")[i]; !strings.HasPrefix(got, want) {
			t.Errorf("the row is %q, want %q at its beginning", got, want)
		}
	}
}
