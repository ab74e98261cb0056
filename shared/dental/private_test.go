package dental_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/returnpoint/returnpoint/shared/dental"
)

// What must never show, and what may.
const (
	number  = "+79160000001"
	address = "anna@example.com"
	signing = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	person  = "Петрова"
)

func private() map[string]any {
	patient := dental.Patient{ID: "P-77", FamilyName: person, GivenName: "Анна", Phone: number, Email: address}
	type holder struct {
		Phone  dental.Phone
		Email  *dental.Email
		Secret []dental.Secret
		ByKey  map[dental.Phone]dental.Email
		Any    any
		Inner  struct{ Patient dental.Patient }
	}
	email := dental.Email(address)
	h := holder{Phone: number, Email: &email, Secret: []dental.Secret{signing}, ByKey: map[dental.Phone]dental.Email{number: address}, Any: dental.Phone(number)}
	h.Inner.Patient = patient
	return map[string]any{
		"a phone":                         dental.Phone(number),
		"an e-mail":                       dental.Email(address),
		"a secret":                        dental.Secret(signing),
		"a patient":                       patient,
		"a pointer to a patient":          &patient,
		"a list of phones":                []dental.Phone{number, number},
		"a map of e-mails":                map[string]dental.Email{"x": address},
		"a clinic's secrets":              dental.Clinic{Phone: number, Secrets: []dental.WebhookSecret{{Secret: signing}}},
		"a card":                          dental.Card{Patient: patient},
		"a pointer to a card":             &dental.Card{Patient: patient},
		"a struct with them at any depth": h,
		"a pointer to such a struct":      &h,
	}
}

func exposed(s string) string {
	for _, word := range []string{number, number[3:10], address, "anna", signing, signing[6:], person} {
		if strings.Contains(s, word) {
			return word
		}
	}
	return ""
}

func TestPersonalDataAreMaskedInEveryVerb(t *testing.T) {
	for name, v := range private() {
		t.Run("of "+name, func(t *testing.T) {
			for _, flags := range []string{"", "+", "#", "-20", "20", ".50", " ", "0"} {
				for _, verb := range "vsqxXdobBcUeEfFgGtO" {
					format := "%" + flags + string(verb)
					if word := exposed(fmt.Sprintf(format, v)); word != "" {
						t.Errorf("%s shows %q: %s", format, word, fmt.Sprintf(format, v))
					}
				}
			}
			if word := exposed(fmt.Sprint(v) + fmt.Sprintln(v, v)); word != "" {
				t.Errorf("printing shows %q", word)
			}
			if word := exposed(fmt.Errorf("wrapped: %v", v).Error()); word != "" {
				t.Errorf("an error shows %q", word)
			}
		})
	}
}

func TestPersonalDataAreMaskedInLogs(t *testing.T) {
	for name, v := range private() {
		for kind, handler := range map[string]func(*bytes.Buffer) slog.Handler{
			"text": func(b *bytes.Buffer) slog.Handler { return slog.NewTextHandler(b, nil) },
			"JSON": func(b *bytes.Buffer) slog.Handler { return slog.NewJSONHandler(b, nil) },
		} {
			t.Run(name+" as "+kind, func(t *testing.T) {
				var b bytes.Buffer
				log := slog.New(handler(&b)).With("with", v)
				log.Info("message", "arg", v, slog.Group("group", "any", v), "error", errors.Join(fmt.Errorf("about %v", v)))
				if word := exposed(b.String()); word != "" {
					t.Errorf("the log shows %q: %s", word, b.String())
				}
				if !strings.Contains(b.String(), "message") {
					t.Fatalf("nothing was logged: %q", b.String())
				}
			})
		}
	}
}

func TestWhatIsMaskedIsStillLogged(t *testing.T) {
	var b bytes.Buffer
	slog.New(slog.NewJSONHandler(&b, nil)).Info("message", "phone", dental.Phone(number), "email", dental.Email(address),
		"secret", dental.Secret(signing), "patient", dental.Patient{ID: "P-77", FamilyName: person})
	if want := `"phone":"+7********01","email":"a***@example.com","secret":"***","patient":"patient P-77"`; !strings.Contains(b.String(), want) {
		t.Errorf("the log has %s", b.String())
	}
}

func TestAMaskLeavesEnoughToTellTwoApart(t *testing.T) {
	tests := []struct {
		value any
		want  string
	}{
		{dental.Phone("+79160000001"), "+7********01"},
		{dental.Phone("+49170000000000001"), "+4**************01"},
		{dental.Phone("12345"), "12*45"},
		{dental.Phone("+1"), "**"},
		{dental.Phone(""), ""},
		{dental.Email("anna@example.com"), "a***@example.com"},
		{dental.Email("анна@example.com"), "а***@example.com"},
		{dental.Email("a@b@example.com"), "a***@example.com"},
		{dental.Email("@example.com"), "************"},
		{dental.Email("no address"), "**********"},
		{dental.Email(""), ""},
		{dental.Secret("whsec_x"), "***"},
		{dental.Secret(""), ""},
		{dental.Patient{ID: "P-77", FamilyName: person}, "patient P-77"},
	}
	for _, tt := range tests {
		if got := fmt.Sprint(tt.value); got != tt.want {
			t.Errorf("%T is shown as %q, want %q", tt.value, got, tt.want)
		}
	}
}

func TestJSONRefusesWhatMustBeMaskedAndReadsItBack(t *testing.T) {
	for name, v := range map[string]any{
		"a phone":                    dental.Phone(number),
		"an e-mail":                  dental.Email(address),
		"a secret":                   dental.Secret(signing),
		"a struct with a phone":      struct{ Phone dental.Phone }{number},
		"a patient with an address":  dental.Patient{Email: address},
		"a clinic with its secrets":  dental.Clinic{Secrets: []dental.WebhookSecret{{Secret: signing}}},
		"a list of contacts' phones": []dental.Phone{"", number},
	} {
		raw, err := json.Marshal(v)
		if err == nil {
			t.Errorf("%s is written as %s", name, raw)
		} else if dental.KindOf(err) != dental.Invalid || exposed(err.Error()) != "" {
			t.Errorf("%s: the refusal is %v", name, err)
		}
	}
	raw, err := json.Marshal(dental.Patient{ID: "P-77"})
	if err != nil {
		t.Errorf("a patient without an address is refused: %v", err)
	}
	var back dental.Patient
	if err := json.Unmarshal(raw, &back); err != nil || back.ID != "P-77" {
		t.Errorf("and comes back as %q (%v)", back.ID, err)
	}
	var read struct{ Phone dental.Phone }
	if err := json.Unmarshal([]byte(`{"Phone":"`+number+`"}`), &read); err != nil || string(read.Phone) != number {
		t.Errorf("a number that arrives is read as %q (%v)", string(read.Phone), err)
	}
}
