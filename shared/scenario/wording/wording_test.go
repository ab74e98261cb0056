package wording

import (
	"slices"
	"strings"
	"testing"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/locale"
	"github.com/returnpoint/returnpoint/shared/message"
	"github.com/returnpoint/returnpoint/shared/scenario"
)

// all are the texts of the product.
func all() []Subject {
	var out []Subject
	shipped := scenario.Shipped()
	for i := range shipped {
		for j := range shipped[i].Steps {
			out = append(out, Subjects(&shipped[i], &shipped[i].Steps[j])...)
		}
	}
	return out
}

func clinic() *dental.Clinic {
	return &dental.Clinic{ID: "c1", Name: "Клиника Исток", Phone: "+74950000000", Address: "ул. Примерная, 1", BookingURL: "https://booking.example/clinic",
		Referral: dental.ReferralTerms{Reward: dental.Money{Minor: 500_00, Currency: "RUB"}, Who: "both"}}
}

func TestEveryShippedTextWouldBeTakenAsAClinicsOwn(t *testing.T) {
	subjects := all()
	for _, s := range subjects {
		for _, f := range s.JudgeOwn(s.Shipped(), clinic()) {
			t.Errorf("%s %s: %s %s", s.Scenario.Name, s.Key(), f.Part, f.Explain(locale.English))
		}
	}
	if len(subjects) < 60 {
		t.Errorf("only %d texts were read", len(subjects))
	}
}

func TestEachTextIsFoundByItsKeyAndNoOtherIs(t *testing.T) {
	seen := map[string]bool{}
	for _, s := range all() {
		name := s.Scenario.Name + " " + s.Key()
		if seen[name] {
			t.Errorf("%s stands twice", name)
		}
		seen[name] = true
		if found, ok := Find(s.Scenario, s.Key()); !ok || found != s {
			t.Errorf("%s is not found", name)
		}
	}
	recall := scenario.Shipped().Find("recall")
	for _, key := range []string{"", "first", "first/de", "first/nothing/ru", "second/ru/first", "call/ru"} {
		if _, ok := Find(recall, key); ok {
			t.Errorf("%q is found", key)
		}
	}
}

func TestASampleHasASomethingForEveryPlaceThatIsAlwaysFilledAndNothingElse(t *testing.T) {
	for _, s := range all() {
		always, sometimes := s.Places()
		for _, who := range People() {
			v := s.Sample(clinic(), who, "https://rp.example")
			for _, p := range always {
				if v[p] == "" {
					t.Errorf("%s %s for somebody %s has no {%s}", s.Scenario.Name, s.Key(), who, p)
				}
			}
			for p := range v {
				if !slices.Contains(always, p) && !slices.Contains(sometimes, p) {
					t.Errorf("%s %s for somebody %s has a {%s}, which it never gets", s.Scenario.Name, s.Key(), who, p)
				}
			}
		}
	}
}

func TestWhatAPatientMustKnowMayNotBeLeftOut(t *testing.T) {
	shipped := scenario.Shipped()
	for _, tt := range []struct{ scenario, key, sms, lacks string }{
		{"recall", "first/ru", "Пора на осмотр до {until}", "{link}"},
		{"recall", "first/ru", "Пора на осмотр: {link}", "{until}"},
		{"recall", "first/ru", "Пора на осмотр[ до {until}]: {link}", "{until}"},
		{"appointment", "reminder/ru", "Ждём вас {date}: {link}", "{time}"},
		{"appointment", "reminder/ru", "Ждём вас в {time}: {link}", "{date}"},
		{"appointment", "reminder/several/ru", "Ждём вас {day}: {link}", "{list}"},
	} {
		s, ok := Find(shipped.Find(tt.scenario), tt.key)
		if !ok {
			t.Fatalf("there is no %s %s", tt.scenario, tt.key)
		}
		text := s.Shipped()
		text.SMS = tt.sms
		faults := s.JudgeOwn(text, clinic())
		if len(faults) != 1 || faults[0].Part != SMS || !strings.Contains(faults[0].Explain(locale.Russian), tt.lacks) {
			t.Errorf("%q: %v", tt.sms, faults)
		}
	}
}

func TestEachFaultHasWordsInEveryLocale(t *testing.T) {
	codes := []string{"empty", "no-link", "no-paragraph", "never", "maybe", "benefit", "secret", "lacks", "long"}
	for _, slip := range []string{message.SlipEmpty, message.SlipOpen, message.SlipBrace, message.SlipLostBrace, message.SlipLost, message.SlipNested, message.SlipUnknown,
		message.SlipBare, message.SlipEncoding, message.SlipInvisible} {
		codes = append(codes, "slip."+slip)
	}
	for _, l := range locale.All() {
		for _, code := range codes {
			if !l.Has("desk.texts.fault." + code) {
				t.Errorf("%v has no words for %s", l, code)
			}
		}
		for _, p := range message.Placeholders() {
			if !l.Has("desk.texts.place." + string(p)) {
				t.Errorf("%v does not say what {%s} is", l, p)
			}
		}
	}
}
