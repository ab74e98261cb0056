package cadence_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/returnpoint/returnpoint/shared/cadence"
	"github.com/returnpoint/returnpoint/shared/dental"
)

const (
	day   = 24 * time.Hour
	phone = "+79160000001"
	email = "anna@example.com"
)

// now is a Tuesday noon in Moscow.
var now = time.Date(2026, 3, 10, 9, 0, 0, 0, time.UTC)

func clinic() *dental.Clinic {
	return &dental.Clinic{ID: "demo", Country: "RU", TimeZone: "Europe/Moscow", SendFrom: nine, SendTo: late,
		Channels: []dental.Channel{dental.SMS, dental.Mail}, CareConsent: dental.Presumed, CapPerWeek: 1}
}

func anna() cadence.Person {
	return cadence.Person{
		Patient:  dental.Patient{Clinic: "demo", ID: "P", Phone: phone, Email: email, PhoneRegion: "RU"},
		Contacts: map[string]*dental.Contact{phone: {Key: "phone"}, email: {Key: "email"}},
	}
}

func ask(class dental.Class) cadence.Ask {
	return cadence.Ask{Touch: dental.Touch{Clinic: "demo", Patient: "P", Scenario: "s", Step: "t", Anchor: "a", Class: class, Due: now, Deadline: now.Add(30 * day)}}
}

func reminder() cadence.Ask {
	a := ask(dental.Service)
	a.Reminder = true
	return a
}

func consent(class dental.Class, ch dental.Channel, granted bool) dental.Consent {
	return dental.Consent{Class: class, Channel: ch, Granted: granted, At: now.Add(-day)}
}

// said is a verdict in a word: the channel, or the reason.
func said(v cadence.Verdict) string {
	switch {
	case v.Reach != nil:
		return "by " + string(v.Reach.Channel)
	case !v.Wait.IsZero():
		return "wait, " + v.Reason
	}
	return v.Reason
}

func TestConsent(t *testing.T) {
	type change func(*dental.Clinic, *cadence.Person)
	consents := func(list ...dental.Consent) change {
		return func(_ *dental.Clinic, p *cadence.Person) { p.Consents = list }
	}
	explicit := func(c *dental.Clinic, _ *cadence.Person) { c.CareConsent = dental.Explicit }
	optOut := func(address string, at time.Time, classes ...dental.Class) change {
		return func(_ *dental.Clinic, p *cadence.Person) { p.Contacts[address].Refuse(at, "stop", classes...) }
	}
	everything := []dental.Consent{
		consent(dental.Service, dental.SMS, false), consent(dental.Care, dental.SMS, false), consent(dental.Advertising, dental.SMS, false),
		consent(dental.Service, dental.Mail, false), consent(dental.Care, dental.Mail, false), consent(dental.Advertising, dental.Mail, false)}
	tests := []struct {
		name    string
		ask     cadence.Ask
		changes []change
		want    string
	}{
		{"of a service message is silence", ask(dental.Service), nil, "by sms"},
		{"of care is silence where the clinic presumes it", ask(dental.Care), nil, "by sms"},
		{"of care is not silence where the clinic asks for a word", ask(dental.Care), []change{explicit}, "no-consent"},
		{"of care is a word where the clinic asks for one", ask(dental.Care), []change{explicit, consents(consent(dental.Care, dental.SMS, true))}, "by sms"},
		{"of care by another channel is used", ask(dental.Care), []change{explicit, consents(consent(dental.Care, dental.Mail, true))}, "by email"},
		{"of advertising is never silence", ask(dental.Advertising), nil, "no-consent"},
		{"of advertising is a word for that channel", ask(dental.Advertising), []change{consents(consent(dental.Advertising, dental.SMS, true))}, "by sms"},
		{"of advertising by e-mail is none for SMS", ask(dental.Advertising), []change{consents(consent(dental.Advertising, dental.Mail, true))}, "by email"},
		{"of care is none of advertising", ask(dental.Advertising), []change{consents(consent(dental.Care, dental.SMS, true), consent(dental.Service, dental.SMS, true))}, "no-consent"},
		{"of advertising is none of care", ask(dental.Care), []change{explicit, consents(consent(dental.Advertising, dental.SMS, true))}, "no-consent"},
		{"refused on one channel leaves the other", ask(dental.Service), []change{consents(consent(dental.Service, dental.SMS, false))}, "by email"},
		{"refused on all channels", ask(dental.Service), []change{consents(everything...)}, "no-consent"},
		{"refused altogether leaves the reminder of an own appointment", reminder(), []change{consents(everything...)}, "by sms"},
		{"to be reminded refused on one channel leaves the other", reminder(), []change{consents(consent(dental.Reminders, dental.SMS, false))}, "by email"},
		{"to be reminded refused on all channels", reminder(), []change{consents(consent(dental.Reminders, dental.SMS, false), consent(dental.Reminders, dental.Mail, false))}, "no-consent"},
		{"to be reminded refused leaves other service messages", ask(dental.Service), []change{consents(consent(dental.Reminders, dental.SMS, false))}, "by sms"},
		{"withdrawn by STOP for care and advertising", ask(dental.Care), []change{optOut(phone, now, dental.Care, dental.Advertising)}, "opted-out"},
		{"withdrawn by STOP on a phone holds for the household's e-mail", ask(dental.Care), []change{optOut(phone, now, dental.Care),
			func(_ *dental.Clinic, p *cadence.Person) { p.Preferred = dental.Mail }}, "opted-out"},
		{"withdrawn by one STOP leaves service messages", ask(dental.Service), []change{optOut(phone, now, dental.Care, dental.Advertising)}, "by sms"},
		{"withdrawn for service messages too leaves none of them", ask(dental.Service), []change{optOut(phone, now, dental.Service)}, "opted-out"},
		{"withdrawn for all classes by the address leaves the reminder of an own appointment", reminder(), []change{optOut(phone, now, dental.Classes()...)}, "by sms"},
		{"withdrawn for reminders by the address leaves other service messages", ask(dental.Service), []change{optOut(phone, now, dental.Reminders)}, "by sms"},
		{"withdrawn for reminders by the address ends them", reminder(), []change{optOut(phone, now, dental.Reminders)}, "opted-out"},
		{"withdrawn on an e-mail leaves the phone", ask(dental.Care), []change{optOut(email, now, dental.Care)}, "by sms"},
		{"given after the refusal of the address wins", ask(dental.Advertising), []change{optOut(phone, now.Add(-2*day), dental.Advertising), consents(consent(dental.Advertising, dental.SMS, true))}, "by sms"},
		{"given before the refusal of the address does not", ask(dental.Advertising), []change{optOut(phone, now, dental.Advertising), consents(consent(dental.Advertising, dental.SMS, true))}, "opted-out"},
		{"given at the same time as the refusal does not", ask(dental.Advertising), []change{optOut(phone, now.Add(-day), dental.Advertising), consents(consent(dental.Advertising, dental.SMS, true))}, "opted-out"},
		{"refused again after the refusal of the address is no consent", ask(dental.Care), []change{optOut(phone, now.Add(-2*day), dental.Care), consents(consent(dental.Care, dental.SMS, false)),
			func(c *dental.Clinic, _ *cadence.Person) { c.Channels = []dental.Channel{dental.SMS} }}, "opted-out"},
		{"given to be reminded after the refusal of the address wins for reminders", reminder(), []change{optOut(phone, now.Add(-2*day), dental.Reminders), consents(consent(dental.Reminders, dental.SMS, true))}, "by sms"},
		{"given to be reminded is none to other service messages", ask(dental.Service), []change{optOut(phone, now.Add(-2*day), dental.Service), consents(consent(dental.Reminders, dental.SMS, true))}, "opted-out"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, p := clinic(), anna()
			for _, change := range tt.changes {
				change(c, &p)
			}
			v := cadence.Judge(c, p, tt.ask, now)
			if said(v) != tt.want || v.NoWay {
				t.Errorf("%q (staff can mend it: %t), want %q", said(v), v.NoWay, tt.want)
			}
		})
	}
}

func TestTheWayIsTheFirstThatThePatientPrefersAndThenTheClinic(t *testing.T) {
	tests := []struct {
		name      string
		channels  []dental.Channel
		preferred dental.Channel
		tried     []dental.Attempt
		want      string
	}{
		{"in the clinic's order", []dental.Channel{dental.Mail, dental.SMS}, "", nil, "by email"},
		{"in the clinic's other order", []dental.Channel{dental.SMS, dental.Mail}, "", nil, "by sms"},
		{"the patient's own first", []dental.Channel{dental.SMS, dental.Mail}, dental.Mail, nil, "by email"},
		{"the patient's own first, then the clinic's", []dental.Channel{dental.SMS, dental.WhatsApp, dental.Mail}, dental.Mail, []dental.Attempt{{Channel: dental.Mail, Outcome: dental.Refused}}, "by sms"},
		{"not the patient's own where the clinic has none such", []dental.Channel{dental.SMS, dental.Mail}, dental.WhatsApp, nil, "by sms"},
		{"the next after one that was tried", []dental.Channel{dental.SMS, dental.Mail}, "", []dental.Attempt{{Channel: dental.SMS, Outcome: dental.Undelivered}}, "by email"},
		{"the same again when it asked to wait", []dental.Channel{dental.SMS, dental.Mail}, "", []dental.Attempt{{Channel: dental.SMS, Outcome: dental.Deferred}}, "by sms"},
		{"none when all were tried", []dental.Channel{dental.SMS, dental.Mail}, "", []dental.Attempt{{Channel: dental.SMS, Outcome: dental.Refused}, {Channel: dental.Mail, Outcome: dental.Refused}}, "all-channels-failed"},
		{"none where the clinic has none", nil, dental.SMS, nil, "no-address"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, p, a := clinic(), anna(), ask(dental.Service)
			c.Channels, p.Preferred, a.Touch.Attempts = tt.channels, tt.preferred, tt.tried
			v := cadence.Judge(c, p, a, now)
			if said(v) != tt.want {
				t.Errorf("%q, want %q", said(v), tt.want)
			}
			if v.Reach != nil && (v.Reach.Address != p.Address(v.Reach.Channel) || v.Reach.Contact != p.Contacts[v.Reach.Address] || v.Reach.Household != p.Contacts[phone]) {
				t.Errorf("the way is %+v", v.Reach)
			}
		})
	}
}

// obstacles close one channel each, the later in the list the more telling.
var obstacles = []struct {
	reason string
	on     []dental.Channel
	put    func(p *cadence.Person, a *cadence.Ask, ch dental.Channel)
}{
	{"no-address", dental.Channels()[:2], func(p *cadence.Person, _ *cadence.Ask, ch dental.Channel) {
		if ch == dental.SMS {
			p.Phone = ""
		} else {
			p.Email = ""
		}
	}},
	{"not-me", dental.Channels()[:2], func(p *cadence.Person, _ *cadence.Ask, ch dental.Channel) {
		p.NotMe = append(p.NotMe, p.Contacts[p.Address(ch)].Key)
	}},
	{"suppressed", dental.Channels()[:2], func(p *cadence.Person, _ *cadence.Ask, ch dental.Channel) {
		p.Contacts[p.Address(ch)].Suppressed = "gone"
	}},
	{"landline", dental.Channels()[:1], func(p *cadence.Person, _ *cadence.Ask, _ dental.Channel) { p.Landline = true }},
	{"foreign-phone", dental.Channels()[:1], func(p *cadence.Person, _ *cadence.Ask, _ dental.Channel) { p.PhoneRegion = "DE" }},
	{"shared-phone", dental.Channels()[:2], func(p *cadence.Person, _ *cadence.Ask, ch dental.Channel) {
		p.Contacts[p.Address(ch)].Crowded = true
	}},
	{"all-channels-failed", dental.Channels()[:2], func(_ *cadence.Person, a *cadence.Ask, ch dental.Channel) {
		a.Touch.Attempts = append(a.Touch.Attempts, dental.Attempt{Channel: ch, Outcome: dental.Refused})
	}},
	{"no-consent", dental.Channels()[:2], func(p *cadence.Person, a *cadence.Ask, ch dental.Channel) {
		p.Record(consent(a.Touch.Class, ch, false))
	}},
	{"opted-out", dental.Channels()[:2], func(p *cadence.Person, a *cadence.Ask, ch dental.Channel) {
		p.Contacts[p.Address(ch)].Refuse(now, "stop", a.Touch.Class)
	}},
}

func TestWithoutAWayTheMostTellingReasonIsGiven(t *testing.T) {
	for i, first := range obstacles {
		for j, second := range obstacles {
			for _, swap := range []bool{false, true} {
				one, two := dental.SMS, dental.Mail
				if swap {
					one, two = dental.Mail, dental.SMS
				}
				if !slices.Contains(first.on, one) || !slices.Contains(second.on, two) {
					continue
				}
				t.Run(fmt.Sprintf("%s by %s and %s by %s", first.reason, one, second.reason, two), func(t *testing.T) {
					p, a := anna(), ask(dental.Service)
					first.put(&p, &a, one)
					second.put(&p, &a, two)
					want := obstacles[max(i, j)].reason
					v := cadence.Judge(clinic(), p, a, now)
					if said(v) != want {
						t.Errorf("%q, want %q", said(v), want)
					}
					if mend := want != "no-consent" && want != "opted-out"; v.NoWay != mend {
						t.Errorf("staff can mend it: %t", v.NoWay)
					}
				})
			}
		}
	}
}

func TestOneOpenWayIsEnough(t *testing.T) {
	for _, o := range obstacles {
		for _, ch := range o.on {
			if o.reason == "opted-out" && ch == dental.SMS {
				continue // a refusal of the phone is the household's
			}
			t.Run(fmt.Sprintf("%s by %s", o.reason, ch), func(t *testing.T) {
				p, a := anna(), ask(dental.Service)
				o.put(&p, &a, ch)
				other := map[dental.Channel]string{dental.SMS: "by email", dental.Mail: "by sms"}[ch]
				if got := said(cadence.Judge(clinic(), p, a, now)); got != other {
					t.Errorf("%q, want %q", got, other)
				}
			})
		}
	}
}

func TestAPhoneThatTheMISSpelledWrongIsNamed(t *testing.T) {
	p := anna()
	p.Phone, p.Email, p.PhoneIssue = "", "", "several"
	if v := cadence.Judge(clinic(), p, ask(dental.Service), now); v.Reason != "phone-several" || !v.NoWay {
		t.Errorf("%+v", v)
	}
	p.Email = email
	if got := said(cadence.Judge(clinic(), p, ask(dental.Service), now)); got != "by email" {
		t.Errorf("with an e-mail: %q", got)
	}
	p.Contacts[email].Suppressed = "gone"
	if got := said(cadence.Judge(clinic(), p, ask(dental.Service), now)); got != "suppressed" {
		t.Errorf("with an e-mail that does not work: %q", got)
	}
}

func TestANumberOfAnotherCountryGetsWhatIsNoSMS(t *testing.T) {
	p, c := anna(), clinic()
	p.PhoneRegion, c.Channels = "DE", []dental.Channel{dental.SMS, dental.WhatsApp}
	if got := said(cadence.Judge(c, p, ask(dental.Service), now)); got != "foreign-phone" {
		t.Errorf("of a clinic that has not set WhatsApp up: %q", got)
	}
	c.Accounts = map[string]dental.Account{dental.WhatsAppAccount: {Secrets: map[string]dental.Secret{"token": "t"}}}
	if got := said(cadence.Judge(c, p, ask(dental.Service), now)); got != "by whatsapp" {
		t.Errorf("%q", got)
	}
	c.Channels, c.Country = []dental.Channel{dental.SMS}, ""
	if got := said(cadence.Judge(c, p, ask(dental.Service), now)); got != "by sms" {
		t.Errorf("of a clinic without a country: %q", got)
	}
	c.Country, p.PhoneRegion = "RU", ""
	if got := said(cadence.Judge(c, p, ask(dental.Service), now)); got != "by sms" {
		t.Errorf("of a number without a country: %q", got)
	}
}

func TestAnAddressThatIsNotTheirsIsNobodysHousehold(t *testing.T) {
	for name, strange := range map[string]func(*cadence.Person){
		"it stands in too many cards": func(p *cadence.Person) { p.Contacts[phone].Crowded = true },
		"they have disowned it":       func(p *cadence.Person) { p.NotMe = []string{"phone"} },
	} {
		t.Run(name, func(t *testing.T) {
			p := anna()
			strange(&p)
			p.Contacts[phone].Refuse(now, "stop", dental.Care)
			p.Contacts[phone].Note(dental.Recent{Touch: "x", Class: dental.Care, At: now})
			v := cadence.Judge(clinic(), p, ask(dental.Care), now)
			if said(v) != "by email" || v.Reach.Household != p.Contacts[email] {
				t.Errorf("what strangers refused and got counts: %q", said(v))
			}
			if p.Home() != nil {
				t.Error("strangers are a household")
			}
		})
	}
	p := anna()
	if p.Home() != p.Contacts[phone] {
		t.Error("the phone is not the household")
	}
	if p.Phone = ""; p.Home() != p.Contacts[email] {
		t.Error("without a phone the e-mail is not the household")
	}
	if p.Email = ""; p.Home() != nil {
		t.Error("nobody's address is a household")
	}
}

// at is a history entry, some time ago.
func at(ago time.Duration, class dental.Class) dental.Recent {
	return dental.Recent{Touch: fmt.Sprint(class, ago), Class: class, At: now.Add(-ago)}
}

func TestHowMuchAHouseholdGets(t *testing.T) {
	const service, care, ads = dental.Service, dental.Care, dental.Advertising
	reminded := at(time.Hour, service)
	reminded.Reminder = true
	own := at(time.Hour, care)
	own.Touch = ask(care).Touch.ID()
	exempt := ask(ads)
	exempt.Exempt = true
	open := []dental.Consent{consent(ads, dental.SMS, true)}
	tests := []struct {
		name    string
		ask     cadence.Ask
		recent  []dental.Recent
		perWeek int
		want    string
		wait    time.Duration // from now
	}{
		{"care after nothing", ask(care), nil, 1, "by sms", 0},
		{"care within a week of care", ask(care), []dental.Recent{at(6*day, care)}, 1, "wait, capped", day},
		{"care within a week of advertising", ask(care), []dental.Recent{at(6*day, ads)}, 1, "wait, capped", day},
		{"advertising within a week of care", ask(ads), []dental.Recent{at(6*day, care)}, 1, "wait, capped", day},
		{"care a week after care to the instant", ask(care), []dental.Recent{at(7*day, care)}, 1, "by sms", 0},
		{"care an instant less than a week after care", ask(care), []dental.Recent{at(7*day-time.Second, care)}, 1, "wait, capped", time.Second},
		{"care after service messages", ask(care), []dental.Recent{at(time.Hour, service), at(2*time.Hour, service), at(3*time.Hour, service)}, 1, "by sms", 0},
		{"a second of care where the clinic allows two a week", ask(care), []dental.Recent{at(time.Hour, care)}, 2, "by sms", 0},
		{"a third of care where the clinic allows two a week", ask(care), []dental.Recent{at(5*day, care), at(6*day, care)}, 2, "wait, capped", day},
		{"a setting of none is one", ask(care), nil, 0, "by sms", 0},
		{"a setting of none is one, and not two", ask(care), []dental.Recent{at(6*day, care)}, 0, "wait, capped", day},
		{"the same touch over another channel", ask(care), []dental.Recent{own}, 1, "by sms", 0},
		{"a second advertisement in a month", ask(ads), []dental.Recent{at(8*day, ads)}, 1, "by sms", 0},
		{"a third advertisement in a month", ask(ads), []dental.Recent{at(20*day, ads), at(10*day, ads)}, 1, "wait, capped", 10 * day},
		{"a third advertisement a month after the first", ask(ads), []dental.Recent{at(30*day, ads), at(10*day, ads)}, 1, "by sms", 0},
		{"a third advertisement that would wait more than a fortnight", ask(ads), []dental.Recent{at(15*day, ads), at(10*day, ads)}, 1, "capped", 0},
		{"a birthday's advertisement within a week of another message", exempt, []dental.Recent{at(time.Hour, care)}, 1, "by sms", 0},
		{"a birthday's advertisement as the third in a month", exempt, []dental.Recent{at(20*day, ads), at(18*day, ads)}, 1, "wait, capped", 10 * day},
		{"a second service message in a day", ask(service), []dental.Recent{at(time.Hour, service)}, 1, "by sms", 0},
		{"a third service message in a day", ask(service), []dental.Recent{at(time.Hour, service), at(22*time.Hour, service)}, 1, "wait, ceiling", 2 * time.Hour},
		{"a sixth service message in a week", ask(service), []dental.Recent{at(30*time.Hour, service), at(2*day, service), at(3*day, service), at(4*day, service), at(6*day, service)}, 1, "wait, ceiling", day},
		{"a service message after reminders", ask(service), []dental.Recent{reminded, at(time.Hour, service)}, 1, "by sms", 0},
		{"a service message after advertising", ask(service), []dental.Recent{at(time.Hour, ads), at(2*time.Hour, ads)}, 1, "by sms", 0},
		{"a reminder after any number of service messages", reminder(), []dental.Recent{at(time.Hour, service), at(2*time.Hour, service), at(3*time.Hour, service)}, 1, "by sms", 0},
		{"what would be free at night waits for the morning", ask(care), []dental.Recent{at(6*day+14*time.Hour, care)}, 1, "wait, capped", 21 * time.Hour},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, p := clinic(), anna()
			c.CapPerWeek, p.Consents, p.Contacts[phone].Recent = tt.perWeek, open, tt.recent
			v := cadence.Judge(c, p, tt.ask, now)
			if said(v) != tt.want {
				t.Fatalf("%q until %s, want %q", said(v), v.Wait, tt.want)
			}
			if !v.Wait.IsZero() && !v.Wait.Equal(now.Add(tt.wait)) {
				t.Errorf("wait until %s, want %s", v.Wait, now.Add(tt.wait))
			}
		})
	}
}

func TestWhatCameToTheAddressFromAnotherHouseholdCountsToo(t *testing.T) {
	p := anna()
	p.Preferred = dental.Mail
	p.Contacts[email].Recent = []dental.Recent{at(6*day, dental.Care)}
	if v := cadence.Judge(clinic(), p, ask(dental.Care), now); said(v) != "wait, capped" || !v.Wait.Equal(now.Add(day)) {
		t.Errorf("%q until %s", said(v), v.Wait)
	}
	p.Contacts[phone].Recent = []dental.Recent{at(5*day, dental.Care)}
	if v := cadence.Judge(clinic(), p, ask(dental.Care), now); !v.Wait.Equal(now.Add(2 * day)) {
		t.Errorf("of two that are full the later counts: until %s", v.Wait)
	}
	p.Preferred, p.Contacts[phone].Recent = dental.SMS, nil
	if got := said(cadence.Judge(clinic(), p, ask(dental.Care), now)); got != "by sms" {
		t.Errorf("what came to the e-mail holds back an SMS: %q", got)
	}
}

func TestARelativesReminderSpeaksOfThoseWhoWantToBeReminded(t *testing.T) {
	home := &dental.Contact{Key: "phone"}
	if !cadence.Wants(clinic(), anna().Patient, dental.SMS, home) {
		t.Error("silence is a refusal")
	}
	p := anna().Patient
	p.Consents = []dental.Consent{consent(dental.Service, dental.SMS, false)}
	if !cadence.Wants(clinic(), p, dental.SMS, home) {
		t.Error("a refusal of service messages is one of reminders")
	}
	p.Consents = []dental.Consent{consent(dental.Reminders, dental.SMS, false)}
	if cadence.Wants(clinic(), p, dental.SMS, home) || !cadence.Wants(clinic(), p, dental.Mail, home) {
		t.Error("a refusal of reminders on a channel counts for another, or not for its own")
	}
	p = anna().Patient
	p.NotMe = []string{"phone"}
	if cadence.Wants(clinic(), p, dental.SMS, home) {
		t.Error("it is told on a phone that is not the patient's")
	}
	home.Refuse(now, "stop", dental.Reminders)
	if cadence.Wants(clinic(), anna().Patient, dental.SMS, home) {
		t.Error("a refusal of the phone does not count")
	}
}

func TestWhatTheCapPutsOffIsNotPutOffForEver(t *testing.T) {
	within := func(d time.Duration) time.Time { return now.Add(-d) } // due so long ago
	tests := []struct {
		name   string
		class  dental.Class
		due    time.Time
		recent []dental.Recent
		want   string
	}{
		{"care that is free on the tenth day", dental.Care, within(9 * day), []dental.Recent{at(6*day, dental.Care)}, "wait, capped"},
		{"care that is free after the tenth day", dental.Care, within(9*day + time.Minute), []dental.Recent{at(6*day, dental.Care)}, "capped"},
		{"care that is free in the tenth night", dental.Care, within(9*day + 12*time.Hour), []dental.Recent{at(6*day+13*time.Hour, dental.Care)}, "capped"},
		{"advertising that is free on the fourteenth day", dental.Advertising, within(13 * day), []dental.Recent{at(6*day, dental.Care)}, "wait, capped"},
		{"advertising that is free after the fourteenth day", dental.Advertising, within(13*day + time.Minute), []dental.Recent{at(6*day, dental.Care)}, "capped"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, a := anna(), ask(tt.class)
			p.Consents, p.Contacts[phone].Recent, a.Touch.Due = []dental.Consent{consent(dental.Advertising, dental.SMS, true)}, tt.recent, tt.due
			if got := said(cadence.Judge(clinic(), p, a, now)); got != tt.want {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
	t.Run("a service message until its deadline", func(t *testing.T) {
		p, a := anna(), ask(dental.Service)
		p.Contacts[phone].Recent = []dental.Recent{at(time.Hour, dental.Service), at(22*time.Hour, dental.Service)}
		a.Touch.Deadline = now.Add(2 * time.Hour)
		if got := said(cadence.Judge(clinic(), p, a, now)); got != "wait, ceiling" {
			t.Errorf("free at its deadline: %q", got)
		}
		a.Touch.Deadline = now.Add(2*time.Hour - time.Second)
		if got := said(cadence.Judge(clinic(), p, a, now)); got != "ceiling" {
			t.Errorf("free after its deadline: %q", got)
		}
	})
}

// claim is what the test itself remembers of a message that left.
type claim struct {
	class    dental.Class
	reminder bool
	at       time.Time
}

// full recounts from the whole history whether a household has had its share.
func full(history []claim, a cadence.Ask, perWeek int, at time.Time) bool {
	count := func(within time.Duration, counts func(claim) bool) (n int) {
		for _, c := range history {
			if counts(c) && at.Sub(c.at) < within {
				n++
			}
		}
		return n
	}
	switch a.Touch.Class {
	case dental.Service:
		service := func(c claim) bool { return c.class == dental.Service && !c.reminder }
		return !a.Reminder && (count(day, service) >= 2 || count(7*day, service) >= 5)
	case dental.Care:
		return count(7*day, func(c claim) bool { return c.class != dental.Service }) >= perWeek
	}
	return !a.Exempt && count(7*day, func(c claim) bool { return c.class != dental.Service }) >= perWeek ||
		count(30*day, func(c claim) bool { return c.class == dental.Advertising }) >= 2
}

func TestWhateverIsAskedNoHouseholdGetsMoreThanItsShareAndNothingWaitsWithoutNeed(t *testing.T) {
	left, waited := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		c, p := clinic(), anna()
		c.CapPerWeek = rapid.IntRange(1, 3).Draw(t, "cap per week")
		for _, ch := range dental.Channels() {
			p.Record(consent(dental.Advertising, ch, true))
		}
		var history []claim
		at := now
		hours := cadence.HoursOf(c)
		for i := range rapid.IntRange(5, 80).Draw(t, "asks") {
			at = hours.Next(at.Add(time.Duration(rapid.IntRange(0, 4*24*60).Draw(t, "minutes later")) * time.Minute))
			a := ask(rapid.SampledFrom(dental.Classes()).Draw(t, "class"))
			a.Touch.Anchor = fmt.Sprint(i)
			a.Touch.Due, a.Touch.Deadline = at, at.Add(60*day)
			a.Reminder = a.Touch.Class == dental.Service && rapid.Bool().Draw(t, "reminder")
			a.Exempt = a.Touch.Class == dental.Advertising && rapid.Bool().Draw(t, "exempt")
			p.Preferred = rapid.SampledFrom([]dental.Channel{dental.SMS, dental.Mail}).Draw(t, "preferred")
			v := cadence.Judge(c, p, a, at)
			if a.Exempt && slices.ContainsFunc(history, func(c claim) bool { return c.class == dental.Advertising && at.Sub(c.at) < 3*day }) {
				if v.Reason != "near-advertisement" || v.Reach != nil || !v.Wait.IsZero() {
					t.Fatalf("%s: %q, although an advertisement has left just now", at, said(v))
				}
				continue
			}
			if share := full(history, a, c.CapPerWeek, at); (v.Reach != nil) == share {
				t.Fatalf("%s %s: %q, although the share is used up: %t", at, a.Touch.Class, said(v), share)
			}
			if v.Reach == nil {
				waited++
				if v.Wait.IsZero() { // given up: at the end of its patience there is still no room
					patience := map[dental.Class]time.Duration{dental.Care: 10 * day, dental.Advertising: 14 * day, dental.Service: 60 * day}[a.Touch.Class]
					if last := at.Add(patience); hours.Open(last) && !full(history, a, c.CapPerWeek, last) {
						t.Fatalf("%s %s: given up as %q, although there is room on %s", at, a.Touch.Class, v.Reason, last)
					}
					continue
				}
				if full(history, a, c.CapPerWeek, v.Wait) || !hours.Open(v.Wait) {
					t.Fatalf("%s %s: there is no room at %s either", at, a.Touch.Class, v.Wait)
				}
				for m := at; m.Before(v.Wait); m = m.Add(23 * time.Minute) {
					if hours.Open(m) && !full(history, a, c.CapPerWeek, m) {
						t.Fatalf("%s %s: is to wait until %s, although there is room at %s", at, a.Touch.Class, v.Wait, m)
					}
				}
				continue
			}
			left++
			for _, contact := range []*dental.Contact{v.Reach.Household, v.Reach.Contact} {
				contact.Note(dental.Recent{Touch: a.Touch.ID(), Class: a.Touch.Class, Reminder: a.Reminder, At: at})
			}
			if rapid.IntRange(0, 9).Draw(t, "proven not accepted") > 0 {
				history = append(history, claim{a.Touch.Class, a.Reminder, at})
				continue
			}
			a.Touch.Attempts = []dental.Attempt{{Channel: v.Reach.Channel, Outcome: dental.Refused}}
			if next := cadence.Judge(c, p, a, at); next.Reach == nil || next.Reach.Channel == v.Reach.Channel {
				t.Fatalf("%s %s: refused by %s, the next channel's turn is %q", at, a.Touch.Class, v.Reach.Channel, said(next))
			}
			v.Reach.Household.Forget(a.Touch.ID())
			v.Reach.Contact.Forget(a.Touch.ID())
		}
	})
	t.Logf("%d left, %d waited", left, waited)
	if left < 500 || waited < 200 {
		t.Errorf("%d messages left and %d had to wait: the histories are too tame", left, waited)
	}
}
