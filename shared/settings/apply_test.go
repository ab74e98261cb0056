package settings_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/scenario"
	"github.com/returnpoint/returnpoint/shared/settings"
)

func rub(minor int64) dental.Money { return dental.Money{Minor: minor, Currency: "RUB"} }

// rows are patches of one setting each, with the field they change and what it
// becomes on a new clinic.
var rows = []struct {
	patch string
	field string
	want  any
}{
	{`{"name": " Клиника Исток "}`, "Name", "Клиника Исток"},
	{`{"timeZone": "Asia/Yekaterinburg"}`, "TimeZone", "Asia/Yekaterinburg"},
	{`{"timeZone": "UTC"}`, "TimeZone", "UTC"},
	{`{"language": "en"}`, "Language", "en"},
	{`{"country": "KZ"}`, "Country", "KZ"},
	{`{"sendFrom": "08:00"}`, "SendFrom", dental.TimeOfDay(8 * 60)},
	{`{"sendFrom": "00:00"}`, "SendFrom", dental.TimeOfDay(0)},
	{`{"sendTo": "24:00"}`, "SendTo", dental.TimeOfDay(24 * 60)},
	{`{"channels": ["email"]}`, "Channels", []dental.Channel{dental.Mail}},
	{`{"channels": ["whatsapp", "sms", "email"]}`, "Channels", []dental.Channel{dental.WhatsApp, dental.SMS, dental.Mail}},
	{`{"phone": "+74950000000"}`, "Phone", dental.Phone("+74950000000")},
	{`{"address": "ул. Примерная, 1"}`, "Address", "ул. Примерная, 1"},
	{`{"opening": {"mon": ["09:30", "24:00"], "sun": null, "tue": []}}`, "Opening", dental.Opening{"mon": {From: 9*60 + 30, To: 24 * 60}}},
	{`{"holidays": ["2027-01-01", "2026-12-31", "2027-01-01"]}`, "Holidays", []dental.Date{{Year: 2026, Month: 12, Day: 31}, {Year: 2027, Month: 1, Day: 1}}},
	{`{"bookingUrl": "https://book.example.com/?clinic=1#top"}`, "BookingURL", "https://book.example.com/?clinic=1#top"},
	{`{"bookingUrl": "http://127.0.0.1:8080/book"}`, "BookingURL", "http://127.0.0.1:8080/book"},
	{`{"bookingUrl": "http://clinic.example/book"}`, "BookingURL", "http://clinic.example/book"},
	{`{"group": "istok.msk"}`, "Group", "istok.msk"},
	{`{"margin": 0.4}`, "MarginPermille", 400},
	{`{"margin": 1}`, "MarginPermille", 1000},
	{`{"margin": 0.275}`, "MarginPermille", 275},
	{`{"partPrice": "4.50"}`, "PartPrice", rub(450)},
	{`{"partPrice": 4.5}`, "PartPrice", rub(450)},
	{`{"partPrice": 0}`, "PartPrice", rub(0)},
	{`{"partPrice": {"total": "4.50", "currency": "RUB"}}`, "PartPrice", rub(450)},
	{`{"careConsent": "explicit"}`, "CareConsent", dental.Explicit},
	{`{"gifts": [{"id": "brush", "name": "Щётка", "cost": "450.00"}, {"id": "photo", "name": "Фото"}]}`, "Gifts",
		[]dental.Gift{{ID: "brush", Name: "Щётка", Cost: rub(45000)}, {ID: "photo", Name: "Фото"}}},
	{`{"maps": [{"name": "Яндекс Карты", "url": "https://maps.example.com/1", "ask": "everyone"}]}`, "Maps",
		[]dental.Map{{Name: "Яндекс Карты", URL: "https://maps.example.com/1", Ask: dental.AskEveryone}}},
	{`{"recallMonths": {"hygiene": 4, "implant": 24}}`, "RecallMonths", map[string]int{"hygiene": 4, "implant": 24}},
	{`{"capPerWeek": 7}`, "CapPerWeek", 7},
	{`{"referral": {"reward": "300", "who": "friend"}}`, "Referral", dental.ReferralTerms{Reward: rub(30000), Who: "friend"}},
	{`{"referral": {"who": "referrer"}}`, "Referral", dental.ReferralTerms{Reward: rub(50000), Who: "referrer"}},
	{`{"club": {"visits": 5}}`, "ClubVisits", 5},
	{`{"advice": ["Не есть 2 часа"]}`, "Advice", []string{"Не есть 2 часа"}},
	{`{"eventsPerSecond": 1}`, "EventsPerSecond", 1},
	{`{"paused": true}`, "Paused", true},
	{`{"callsPerDay": 40}`, "CallsPerDay", 40},
	{`{"callsPerDay": 0}`, "CallsPerDay", 0},
	{`{"formerDoctors": ["D-3"]}`, "FormerDoctors", []string{"D-3"}},
	{`{"color": "#0B5CAB"}`, "Color", "#0b5cab"},
	{`{"bonusDays": 180}`, "BonusDays", 180},
	{`{"accounts": {"smsgate": {"settings": {"login": "istok"}, "secrets": {"password": "p"}}}}`, "Accounts",
		map[string]dental.Account{"smsgate": {Settings: map[string]string{"login": "istok"}, Secrets: map[string]dental.Secret{"password": "p"}}}},
}

func field(c dental.Clinic, name string) any { return reflect.ValueOf(c).FieldByName(name).Interface() }

func TestASettingBecomesWhatThePatchSaysAndNothingElseChanges(t *testing.T) {
	for _, row := range rows {
		t.Run(row.patch, func(t *testing.T) {
			got, err := settings.Apply(settings.New("c1"), []byte(row.patch))
			if err != nil {
				t.Fatal(err)
			}
			if value := field(got, row.field); !reflect.DeepEqual(value, row.want) {
				t.Errorf("%s is %v, want %v", row.field, value, row.want)
			}
			onlyThese(t, settings.New("c1"), got, row.field)
		})
	}
}

type failer interface {
	Helper()
	Errorf(format string, args ...any)
}

func onlyThese(t failer, before, after dental.Clinic, changed ...string) {
	t.Helper()
	typ := reflect.TypeFor[dental.Clinic]()
	for i := range typ.NumField() {
		if !typ.Field(i).IsExported() {
			continue
		}
		name := typ.Field(i).Name
		if !slices.Contains(changed, name) && !reflect.DeepEqual(field(before, name), field(after, name)) {
			t.Errorf("%s has changed to %v, and nobody named it", name, field(after, name))
		}
	}
}

func TestEverySettingOfAClinicCanBeSet(t *testing.T) {
	set := []string{"ID", "Secrets", "Currency", "Scenarios", // the last two have tests of their own
		// What happens to the clinic sets these, and nobody by hand: the first scenario that is
		// switched on, the MIS when it is heard, the red switch when it is pressed, a picture when it is taken in,
		// a secret when another takes its place in a path, a column or a procedure when staff say what it is.
		"StartedAt", "HeardAt", "PausedBy", "PausedAt", "Logo", "FormerPaths", "Columns", "Kinds"}
	for _, row := range rows {
		set = append(set, row.field)
	}
	typ := reflect.TypeFor[dental.Clinic]()
	for i := range typ.NumField() {
		if name := typ.Field(i).Name; typ.Field(i).IsExported() && !slices.Contains(set, name) {
			t.Errorf("no setting changes %s", name)
		}
	}
}

func TestSettingsLaidOverOneAnotherEndLikeOnePatch(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		drawn := rapid.SliceOfNDistinct(rapid.SampledFrom(rows), 1, 8, func(r struct {
			patch string
			field string
			want  any
		}) string {
			return r.field
		}).Draw(t, "settings")
		var parts, fields []string
		each := settings.New("c1")
		for _, row := range drawn {
			parts = append(parts, row.patch[1:len(row.patch)-1])
			fields = append(fields, row.field)
			var err error
			if each, err = settings.Apply(each, []byte(row.patch)); err != nil {
				t.Fatal(err)
			}
		}
		once, err := settings.Apply(settings.New("c1"), []byte("{"+strings.Join(parts, ",")+"}"))
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(once, each) {
			t.Errorf("at once %+v, one by one %+v", once, each)
		}
		onlyThese(t, settings.New("c1"), once, fields...)
	})
}

func TestScenariosKeepWhatIsNotNamed(t *testing.T) {
	cl := settings.Demo()
	cl.Scenarios["sleeping-6"] = dental.ScenarioSettings{On: true, Release: dental.ReleaseAuto, HoldoutPercent: 10, Steps: map[string]bool{"offer": false}}
	before := settings.Demo().Scenarios
	got, err := settings.Apply(cl, []byte(`{"scenarios": {"sleeping-6": {"on": false, "backlogPerDay": 10}, "appointment": {"steps": {"booked": true, "reminder": false}}}}`))
	if err != nil {
		t.Fatal(err)
	}
	if want := (dental.ScenarioSettings{Release: dental.ReleaseAuto, HoldoutPercent: 10, BacklogPerDay: 10, Steps: map[string]bool{"offer": false}}); !reflect.DeepEqual(got.Scenario("sleeping-6"), want) {
		t.Errorf("sleeping-6 is %+v", got.Scenario("sleeping-6"))
	}
	if want := map[string]bool{"booked": true, "reminder": false}; !reflect.DeepEqual(got.Scenario("appointment").Steps, want) {
		t.Errorf("the steps are %v", got.Scenario("appointment").Steps)
	}
	for _, name := range scenario.Shipped().Names() {
		if name != "sleeping-6" && name != "appointment" && !reflect.DeepEqual(got.Scenario(name), before[name]) {
			t.Errorf("%s has changed to %+v", name, got.Scenario(name))
		}
	}
	if !reflect.DeepEqual(cl.Scenarios["appointment"], before["appointment"]) {
		t.Error("the clinic that was given has changed")
	}
}

func TestTheClinicThatWasGivenStaysAsItWas(t *testing.T) {
	given := func() dental.Clinic {
		cl, err := settings.Apply(settings.Demo(), []byte(`{"recallMonths": {"hygiene": 4}, "scenarios": {"appointment": {"steps": {"booked": true}}}}`))
		if err != nil {
			t.Fatal(err)
		}
		return cl
	}
	cl := given()
	for _, patch := range []string{`{"recallMonths": {"hygiene": 5, "implant": 9}}`, `{"recallMonths": {"hygiene": null}}`,
		`{"scenarios": {"appointment": {"on": false, "steps": {"booked": false, "today": true}}}}`, `{"scenarios": {"appointment": {"steps": {"booked": null}}}}`} {
		if _, err := settings.Apply(cl, []byte(patch)); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(cl, given()) {
			t.Fatalf("%s has changed the clinic it was laid over: %+v", patch, cl)
		}
	}
}

func TestEveryScenarioOfTheProductCanBeSet(t *testing.T) {
	for _, name := range scenario.Shipped().Names() {
		got, err := settings.Apply(dental.Clinic{ID: "c1"}, fmt.Appendf(nil, `{"scenarios": {%q: {"on": true}}}`, name))
		if err != nil || !got.Scenario(name).On || got.Scenario(name).Release != dental.ReleaseStaff {
			t.Errorf("%s is %+v, error %v", name, got.Scenario(name), err)
		}
	}
}

func TestNullTakesAnEntryBackToWhatIsShipped(t *testing.T) {
	cl, err := settings.Apply(settings.New("c1"), []byte(`{"recallMonths": {"hygiene": 4, "implant": 9}, "scenarios": {"appointment": {"steps": {"booked": true}}}}`))
	if err != nil {
		t.Fatal(err)
	}
	if cl, err = settings.Apply(cl, []byte(`{"recallMonths": {"hygiene": null}, "scenarios": {"appointment": {"steps": {"booked": null}}}}`)); err != nil {
		t.Fatal(err)
	}
	if want := map[string]int{"implant": 9}; !reflect.DeepEqual(cl.RecallMonths, want) {
		t.Errorf("the intervals are %v", cl.RecallMonths)
	}
	if steps := cl.Scenario("appointment").Steps; len(steps) != 0 {
		t.Errorf("the steps are %v", steps)
	}
}

func TestAMapOfGoogleAsksEveryoneUnlessTheClinicSays(t *testing.T) {
	for _, tt := range []struct{ name, url, ask string }{
		{"Google", "https://maps.example.com/1", dental.AskEveryone},
		{"Гугл Карты", "https://maps.example.com/1", dental.AskEveryone},
		{"Отзывы", "https://maps.app.goo.gl/abc", dental.AskEveryone},
		{"Отзывы", "https://search.google.com/local/writereview?placeid=1", dental.AskEveryone},
		{"Отзывы", "https://g.page/r/abc", dental.AskEveryone},
		{"Яндекс Карты", "https://yandex.example.com/maps/org/1", dental.AskHappy},
		{"2ГИС", "https://2gis.example.com/firm/1", dental.AskHappy},
	} {
		cl, err := settings.Apply(settings.New("c1"), fmt.Appendf(nil, `{"maps": [{"name": %q, "url": %q}]}`, tt.name, tt.url))
		if err != nil || cl.Maps[0].Ask != tt.ask {
			t.Errorf("%s at %s asks %v, error %v", tt.name, tt.url, cl.Maps, err)
		}
	}
}

func TestAmountsAreReadInTheCurrencyOfTheSamePatch(t *testing.T) {
	cl, err := settings.Apply(settings.New("c1"), []byte(`{"partPrice": "0.05", "currency": "EUR"}`))
	if err != nil || cl.Currency != "EUR" || cl.PartPrice != (dental.Money{Minor: 5, Currency: "EUR"}) {
		t.Errorf("%s, a part for %v, error %v", cl.Currency, cl.PartPrice, err)
	}
	if !cl.Referral.Reward.IsZero() {
		t.Errorf("the shipped reward is still %v", cl.Referral.Reward)
	}
}

func TestNoAmountStaysBehindInAnotherCurrency(t *testing.T) {
	cl, err := settings.Apply(settings.New("c1"), []byte(`{"partPrice": 4, "referral": {"reward": 300}, "gifts": [{"id": "a", "name": "A", "cost": 1}]}`))
	if err != nil {
		t.Fatal(err)
	}
	_, err = settings.Apply(cl, []byte(`{"currency": "EUR"}`))
	refused(t, err, "partPrice", "referral.reward", "gifts[0].cost")
	if _, err := settings.Apply(cl, []byte(`{"currency": "EUR", "partPrice": 1, "referral": {"reward": 5}, "gifts": []}`)); err != nil {
		t.Errorf("all named anew: %v", err)
	}
}

func refused(t *testing.T, err error, paths ...string) {
	t.Helper()
	if dental.KindOf(err) != dental.Invalid {
		t.Fatalf("error %v", err)
	}
	for _, path := range paths {
		if !strings.HasPrefix(err.Error(), path) && !strings.Contains(err.Error(), "; "+path+" ") {
			t.Errorf("%s is not named in %q", path, err)
		}
	}
	if n := strings.Count(err.Error(), "; ") + 1; n != len(paths) {
		t.Errorf("%d faults, want %d: %v", n, len(paths), err)
	}
}

func TestABadSettingIsNamedByItsPath(t *testing.T) {
	for patch, path := range map[string]string{
		`{"name": ""}`:       "name",
		`{"name": "a\nb"}`:   "name",
		`{"name": 5}`:        "name",
		`{"name": null}`:     "name",
		`{"name": {"a": 1}}`: "name",
		`{"name": "` + strings.Repeat("ж", 101) + `"}`:                      "name",
		`{"timeZone": "Europe/Mosow"}`:                                      "timeZone",
		`{"timeZone": ""}`:                                                  "timeZone",
		`{"timeZone": "Local"}`:                                             "timeZone",
		`{"timeZone": "posix/Europe/Moscow"}`:                               "timeZone",
		`{"timeZone": "../etc/passwd"}`:                                     "timeZone",
		`{"timeZone": "MSK"}`:                                               "timeZone",
		`{"language": "de"}`:                                                "language",
		`{"country": "ru"}`:                                                 "country",
		`{"country": "UK"}`:                                                 "country",
		`{"country": "ZZ"}`:                                                 "country",
		`{"country": "RUS"}`:                                                "country",
		`{"country": "SU"}`:                                                 "country",
		`{"currency": "rub"}`:                                               "currency",
		`{"currency": "RUR"}`:                                               "currency",
		`{"currency": "XXX"}`:                                               "currency",
		`{"currency": "₽"}`:                                                 "currency",
		`{"sendFrom": "9:00"}`:                                              "sendFrom",
		`{"sendTo": "24:01"}`:                                               "sendTo",
		`{"sendTo": "09:59"}`:                                               "sendTo",
		`{"sendFrom": "12:00", "sendTo": "11:00"}`:                          "sendTo",
		`{"channels": []}`:                                                  "channels",
		`{"channels": ["fax"]}`:                                             "channels[0]",
		`{"channels": ["task"]}`:                                            "channels[0]",
		`{"channels": ["sms", "sms"]}`:                                      "channels[1]",
		`{"channels": "sms"}`:                                               "channels",
		`{"phone": "8 495 000-00-00"}`:                                      "phone",
		`{"phone": "+0495000000"}`:                                          "phone",
		`{"phone": "+749500000001234567"}`:                                  "phone",
		`{"address": "` + strings.Repeat("x", 201) + `"}`:                   "address",
		`{"opening": {"monday": ["09:00", "20:00"]}}`:                       "opening.monday",
		`{"opening": {"mon": ["09:00"]}}`:                                   "opening.mon",
		`{"opening": {"mon": ["09:00", "12:00", "13:00"]}}`:                 "opening.mon",
		`{"opening": {"mon": ["20:00", "09:00"]}}`:                          "opening.mon",
		`{"opening": {"mon": ["09:00", "25:00"]}}`:                          "opening.mon[1]",
		`{"opening": {"mon": "09:00-20:00"}}`:                               "opening.mon",
		`{"opening": []}`:                                                   "opening",
		`{"holidays": ["2026-02-30"]}`:                                      "holidays[0]",
		`{"holidays": ["2026-01-01", "01.01.2027"]}`:                        "holidays[1]",
		`{"holidays": ["0026-01-01"]}`:                                      "holidays[0]",
		`{"holidays": "2026-01-01"}`:                                        "holidays",
		`{"bookingUrl": "http://clinic.ru/book"}`:                           "bookingUrl",
		`{"bookingUrl": "clinic.example/book"}`:                             "bookingUrl",
		`{"bookingUrl": "/book"}`:                                           "bookingUrl",
		`{"bookingUrl": "javascript:alert(1)"}`:                             "bookingUrl",
		`{"bookingUrl": "https://"}`:                                        "bookingUrl",
		`{"bookingUrl": "https://user:pw@clinic.example/"}`:                 "bookingUrl",
		`{"bookingUrl": "https://clinic.example/a b"}`:                      "bookingUrl",
		`{"bookingUrl": "http://127.0.0.1.evil.ru/"}`:                       "bookingUrl",
		`{"bookingUrl": "http://notexample.com/"}`:                          "bookingUrl",
		`{"group": "a b"}`:                                                  "group",
		`{"group": 5}`:                                                      "group",
		`{"margin": 1.001}`:                                                 "margin",
		`{"margin": -0.1}`:                                                  "margin",
		`{"margin": 40}`:                                                    "margin",
		`{"margin": "0.4"}`:                                                 "margin",
		`{"margin": 0.3333}`:                                                "margin",
		`{"partPrice": -1}`:                                                 "partPrice",
		`{"partPrice": "4,50"}`:                                             "partPrice",
		`{"partPrice": "4.505"}`:                                            "partPrice",
		`{"partPrice": 1e3}`:                                                "partPrice",
		`{"partPrice": true}`:                                               "partPrice",
		`{"partPrice": {"total": "4.50", "currency": "EUR"}}`:               "partPrice.currency",
		`{"partPrice": {"total": "4.50"}}`:                                  "partPrice.currency",
		`{"partPrice": {"total": {}, "currency": "RUB"}}`:                   "partPrice.total",
		`{"careConsent": "implied"}`:                                        "careConsent",
		`{"gifts": [{"id": "a"}]}`:                                          "gifts[0].name",
		`{"gifts": [{"name": "A"}]}`:                                        "gifts[0].id",
		`{"gifts": [{"id": "a", "name": "A"}, {"id": "a", "name": "B"}]}`:   "gifts[1].id",
		`{"gifts": [{"id": "a", "name": "A", "cost": "x"}]}`:                "gifts[0].cost",
		`{"gifts": [{"id": "a", "name": "A", "price": 1}]}`:                 "gifts[0].price",
		`{"gifts": ["a"]}`:                                                  "gifts[0]",
		`{"maps": [{"name": "A"}]}`:                                         "maps[0].url",
		`{"maps": [{"name": "A", "url": ""}]}`:                              "maps[0].url",
		`{"maps": [{"name": "A", "url": "ftp://a.example/"}]}`:              "maps[0].url",
		`{"maps": [{"name": "A", "url": "https://a.example/", "ask": ""}]}`: "maps[0].ask",
		`{"scenarios": {"sleeping-7": {"on": true}}}`:                       "scenarios.sleeping-7",
		`{"scenarios": {"recall": {"On": true}}}`:                           "scenarios.recall.On",
		`{"scenarios": {"recall": {"on": "yes"}}}`:                          "scenarios.recall.on",
		`{"scenarios": {"recall": true}}`:                                   "scenarios.recall",
		`{"scenarios": {"recall": {"release": "manual"}}}`:                  "scenarios.recall.release",
		`{"scenarios": {"recall": {"holdout": 51}}}`:                        "scenarios.recall.holdout",
		`{"scenarios": {"recall": {"holdout": 0.1}}}`:                       "scenarios.recall.holdout",
		`{"scenarios": {"recall": {"backlogPerDay": -1}}}`:                  "scenarios.recall.backlogPerDay",
		`{"scenarios": {"appointment": {"steps": {"remindr": true}}}}`:      "scenarios.appointment.steps.remindr",
		`{"scenarios": {"appointment": {"steps": {"booked": 1}}}}`:          "scenarios.appointment.steps.booked",
		`{"recallMonths": {"implants": 12}}`:                                "recallMonths.implants",
		`{"recallMonths": {"hygiene": 0}}`:                                  "recallMonths.hygiene",
		`{"recallMonths": {"hygiene": 25}}`:                                 "recallMonths.hygiene",
		`{"capPerWeek": 0}`:                                                 "capPerWeek",
		`{"capPerWeek": 8}`:                                                 "capPerWeek",
		`{"callsPerDay": -1}`:                                               "callsPerDay",
		`{"callsPerDay": 501}`:                                              "callsPerDay",
		`{"referral": {"who": "all"}}`:                                      "referral.who",
		`{"referral": {"reward": "a lot"}}`:                                 "referral.reward",
		`{"referral": {"sum": 5}}`:                                          "referral.sum",
		`{"club": {"visits": 0}}`:                                           "club.visits",
		`{"club": {"after": 3}}`:                                            "club.after",
		`{"advice": [""]}`:                                                  "advice[0]",
		`{"advice": ["` + strings.Repeat("x", 101) + `"]}`:                  "advice[0]",
		`{"eventsPerSecond": 0}`:                                            "eventsPerSecond",
		`{"eventsPerSecond": "500"}`:                                        "eventsPerSecond",
		`{"paused": 1}`:                                                     "paused",
		`{"Name": "A"}`:                                                     "Name",
		`{"id": "other"}`:                                                   "id",
		`{"secrets": []}`:                                                   "secrets",
		`{"send from": "09:00"}`:                                            `["send from"]`,
	} {
		t.Run(patch, func(t *testing.T) {
			before := settings.New("c1")
			got, err := settings.Apply(before, []byte(patch))
			refused(t, err, path)
			if !reflect.DeepEqual(got, settings.New("c1")) || !reflect.DeepEqual(before, settings.New("c1")) {
				t.Error("a bad patch has changed the clinic")
			}
		})
	}
}

func TestEveryBadSettingIsNamedAtOnce(t *testing.T) {
	_, err := settings.Apply(settings.New("c1"), []byte(`{"capPerWeek": 9, "nmae": "A", "margin": 2, "language": "en", "scenarios": {"recall": {"on": 1}, "recal": {}},
		"sendFrom": "3:00", "sendTo": "09:30"}`))
	refused(t, err, "sendFrom", "sendTo", "capPerWeek", "nmae", "margin", "scenarios.recall.on", "scenarios.recal")
}

func TestWhatIsNoObjectIsRefused(t *testing.T) {
	for name, patch := range map[string]string{
		"nothing":           "",
		"null":              "null",
		"a list":            "[]",
		"two documents":     "{} {}",
		"a duplicate key":   `{"name": "A", "name": "B"}`,
		"a nested one":      `{"scenarios": {"recall": {"on": true, "on": false}}}`,
		"bytes that are no": "{\"name\": \"\xff\"}",
		"a deep one":        `{"gifts": ` + strings.Repeat("[", 40) + strings.Repeat("]", 40) + `}`,
		"a long one":        `{"name": "` + strings.Repeat("x", 256<<10) + `"}`,
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := settings.Apply(settings.New("c1"), []byte(patch)); dental.KindOf(err) != dental.Invalid {
				t.Errorf("error %v", err)
			}
		})
	}
}

// FuzzApply: whatever comes, the answer is a clinic that takes the same patch
// again without a change, or one Invalid error and the clinic as it was.
func FuzzApply(f *testing.F) {
	for _, row := range rows {
		f.Add([]byte(row.patch))
	}
	f.Add([]byte(`{"scenarios": {"recall": {"on": true, "release": "auto", "holdout": 5, "backlogPerDay": 3, "steps": {"first": null}}}}`))
	f.Add([]byte(`{"margin": 4e-1, "partPrice": 1E2, "x\u0000y": 1, "opening": {"mon": [null, "09:00"]}}`))
	f.Fuzz(func(t *testing.T, patch []byte) {
		got, err := settings.Apply(settings.Demo(), patch)
		if err != nil {
			if dental.KindOf(err) != dental.Invalid || !reflect.DeepEqual(got, settings.Demo()) {
				t.Fatalf("error %v, clinic %+v", err, got)
			}
			return
		}
		if again, err := settings.Apply(got, patch); err != nil || !reflect.DeepEqual(again, got) {
			t.Fatalf("the second time: %+v, error %v; the first: %+v", again, err, got)
		}
		if got.ID != "demo" || got.SendFrom >= got.SendTo || len(got.Channels) == 0 || got.CapPerWeek < 1 || got.MarginPermille > 1000 {
			t.Fatalf("taken: %+v", got)
		}
	})
}
