package dental

import (
	"testing"
	"time"
)

func TestARefusalOfAnAddresssHolderHoldsUntilALaterConsent(t *testing.T) {
	noon := time.Date(2026, 9, 15, 12, 0, 0, 0, time.UTC)
	refusedAt := func(hours ...int) *Contact {
		c := &Contact{}
		for _, h := range hours {
			c.OptOuts = append(c.OptOuts, OptOut{Class: Advertising, At: noon.Add(time.Duration(h) * time.Hour)})
		}
		return c
	}
	yes, no := []Consent{{Class: Advertising, Channel: SMS, Granted: true, At: noon}}, []Consent{{Class: Advertising, Channel: SMS, At: noon}}
	for name, c := range map[string]struct {
		consents []Consent
		contacts []*Contact
		allowed  bool
		out      int // hours after noon of the refusal that holds; 99 for none
	}{
		"nothing was ever said":                       {nil, nil, false, 99},
		"agreed":                                      {yes, []*Contact{nil, {}}, true, 99},
		"refused by the patient":                      {no, nil, false, 99},
		"refused by the holder alone":                 {nil, []*Contact{refusedAt(0)}, false, 0},
		"refused before the consent":                  {yes, []*Contact{refusedAt(-1)}, true, 99},
		"refused in the same instant":                 {yes, []*Contact{refusedAt(0)}, false, 0},
		"refused after the consent":                   {yes, []*Contact{refusedAt(1)}, false, 1},
		"refused before it there, after it here":      {yes, []*Contact{refusedAt(-1), refusedAt(2)}, false, 2},
		"refused twice, the later one first":          {yes, []*Contact{refusedAt(3), refusedAt(2)}, false, 3},
		"refused by the patient and by the holder":    {no, []*Contact{refusedAt(-5)}, false, -5},
		"another class refused":                       {yes, []*Contact{{OptOuts: []OptOut{{Class: Care, At: noon.Add(time.Hour)}}}}, true, 99},
		"agreed to another channel, the holder STOPs": {[]Consent{{Class: Advertising, Channel: Mail, Granted: true, At: noon}}, []*Contact{refusedAt(-1)}, false, -1},
	} {
		s := Patient{Consents: c.consents}.Stand(Advertising, SMS, c.contacts...)
		if s.Allows(Presumed) != c.allowed || s.OptedOut != (c.out != 99) || s.OptedOut && !s.OptOut.At.Equal(noon.Add(time.Duration(c.out)*time.Hour)) {
			t.Errorf("%s: %+v", name, s)
		}
	}
}

func TestSilenceAllowsServiceAndRemindersAndCareWhereItIsPresumed(t *testing.T) {
	for _, c := range []struct {
		silence CareConsent
		class   Class
		want    bool
	}{
		{Presumed, Service, true}, {Presumed, Reminders, true}, {Presumed, Care, true}, {Presumed, Advertising, false},
		{Explicit, Service, true}, {Explicit, Reminders, true}, {Explicit, Care, false}, {Explicit, Advertising, false},
		{"", Care, true}, {"", Advertising, false},
	} {
		if got := (Patient{}).Stand(c.class, SMS).Allows(c.silence); got != c.want {
			t.Errorf("where care is %q, silence about %s allows: %v, want %v", c.silence, c.class, got, c.want)
		}
	}
}
