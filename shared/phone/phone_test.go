package phone_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/nyaruka/phonenumbers"
	"pgregory.net/rapid"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/phone"
)

func TestAnySpellingOfANumberIsTheNumber(t *testing.T) {
	for _, c := range []struct {
		name, raw, country string
		want               phone.Number
	}{
		{"as E.164", "+79160000001", "RU", phone.Number{E164: "+79160000001", Region: "RU", Mobile: true}},
		{"with the trunk prefix", "8 (916) 123-45-67", "RU", phone.Number{E164: "+79161234567", Region: "RU", Mobile: true}},
		{"digits alone with the country code", "79161234567", "RU", phone.Number{E164: "+79161234567", Region: "RU", Mobile: true}},
		{"digits alone without it", "9161234567", "RU", phone.Number{E164: "+79161234567", Region: "RU", Mobile: true}},
		{"with non-breaking spaces and hyphens", "+7\u00a0916\u202f123\u201145\u201167", "RU", phone.Number{E164: "+79161234567", Region: "RU", Mobile: true}},
		{"with marks of direction around", "\u202a+7 916 123-45-67\u202c", "RU", phone.Number{E164: "+79161234567", Region: "RU", Mobile: true}},
		{"with a minus and full stops", "8.916.123.45−67", "RU", phone.Number{E164: "+79161234567", Region: "RU", Mobile: true}},
		{"with slashes and commas inside", "8/916/123,45,67", "RU", phone.Number{E164: "+79161234567", Region: "RU", Mobile: true}},
		{"with a wide plus", "＋79161234567", "RU", phone.Number{E164: "+79161234567", Region: "RU", Mobile: true}},
		{"with a plus in brackets", "(+7) 916 123 45 67", "RU", phone.Number{E164: "+79161234567", Region: "RU", Mobile: true}},
		{"with both prefixes", "+7 (8) 916 123-45-67", "RU", phone.Number{E164: "+79161234567", Region: "RU", Mobile: true}},
		{"with a plus before the trunk prefix", "+8 916 123-45-67", "RU", phone.Number{E164: "+79161234567", Region: "RU", Mobile: true}},
		{"with the apostrophe of a table", "'89161234567", "RU", phone.Number{E164: "+79161234567", Region: "RU", Mobile: true}},
		{"with a label", "тел.: 8 916 123-45-67", "RU", phone.Number{E164: "+79161234567", Region: "RU", Mobile: true}},
		{"with a note of its kind", "8 916 123-45-67 (моб.)", "RU", phone.Number{E164: "+79161234567", Region: "RU", Mobile: true}},
		{"as a tel URI", "tel:+79161234567", "RU", phone.Number{E164: "+79161234567", Region: "RU", Mobile: true}},
		{"between blank lines", "\n 89161234567\r\n", "RU", phone.Number{E164: "+79161234567", Region: "RU", Mobile: true}},
		{"spelled twice", "8 916 123-45-67, +79161234567", "RU", phone.Number{E164: "+79161234567", Region: "RU", Mobile: true}},
		{"spelled twice on two lines", "8 916 123-45-67\n+79161234567", "RU", phone.Number{E164: "+79161234567", Region: "RU", Mobile: true}},
		{"the last of the test range", "+79169999998", "RU", phone.Number{E164: "+79169999998", Region: "RU", Mobile: true}},
		{"a landline", "8 (495) 123-45-67", "RU", phone.Number{E164: "+74951234567", Region: "RU"}},
		{"of Kazakhstan, which shares +7", "8 701 000 00 01", "RU", phone.Number{E164: "+77010000001", Region: "KZ", Mobile: true}},
		{"of Russia at a clinic in Kazakhstan", "8 916 123 45 67", "KZ", phone.Number{E164: "+79161234567", Region: "RU", Mobile: true}},
		{"foreign with a plus", "+375 (29) 123-45-67", "RU", phone.Number{E164: "+375291234567", Region: "BY", Mobile: true}},
		{"foreign with the international prefix of here", "8 10 375 29 123-45-67", "RU", phone.Number{E164: "+375291234567", Region: "BY", Mobile: true}},
		{"foreign with 00", "00375 29 123-45-67", "RU", phone.Number{E164: "+375291234567", Region: "BY", Mobile: true}},
		{"foreign in digits alone", "375291234567", "RU", phone.Number{E164: "+375291234567", Region: "BY", Mobile: true}},
		{"foreign with an optional zero", "+49 (0)30 123456", "RU", phone.Number{E164: "+4930123456", Region: "DE"}},
		{"national of another country", "030/123456", "DE", phone.Number{E164: "+4930123456", Region: "DE"}},
		{"with a leading zero that is dialled", "+39 06 1234 5678", "RU", phone.Number{E164: "+390612345678", Region: "IT"}},
		{"of a plan that does not tell mobiles", "+1 202 555 0123", "RU", phone.Number{E164: "+12025550123", Region: "US", Mobile: true}},
		{"international where the clinic names no country", "+7 916 123-45-67", "", phone.Number{E164: "+79161234567", Region: "RU", Mobile: true}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := phone.Parse(c.raw, c.country)
			if err != nil {
				t.Fatalf("Parse(%q, %q): %v", c.raw, c.country, err)
			}
			if got != c.want {
				t.Errorf("Parse(%q, %q) = %s %s mobile %v, want %s %s mobile %v", c.raw, c.country,
					string(got.E164), got.Region, got.Mobile, string(c.want.E164), c.want.Region, c.want.Mobile)
			}
		})
	}
}

func TestWhatCannotBeUsedIsNamed(t *testing.T) {
	for _, c := range []struct {
		name, raw string
		want      phone.Issue
	}{
		{"nothing", "", phone.Empty},
		{"spaces of all kinds", " \u00a0\u200b\t", phone.Empty},
		{"a dash", "—", phone.Empty},
		{"a plus alone", "+", phone.Empty},
		{"a word", "нет", phone.Malformed},
		{"a digit too few", "8 916 123-45-6", phone.Malformed},
		{"a digit too many", "8 916 123-45-678", phone.Malformed},
		{"a digit too many after a plus", "+791612345678", phone.Malformed},
		{"a landline with a digit too many, which is no German number", "49512345678", phone.Malformed},
		{"without an area code", "123-45-67", phone.Malformed},
		{"an emergency number", "112", phone.Malformed},
		{"an unassigned country code", "+2101234567", phone.Malformed},
		{"nines throughout", "+7 999 999-99-99", phone.Malformed},
		{"zeros throughout", "80000000000", phone.Malformed},
		{"somebody's name beside it", "8 916 123-45-67 мама", phone.Malformed},
		{"a Latin letter for a digit", "8 916 l23-45-67", phone.Malformed},
		{"letters of a keypad", "8 800 FLOWERS", phone.Malformed},
		{"a plus in the middle", "8916+1234567", phone.Malformed},
		{"a masked number", "8 916 ***-**-67", phone.Malformed},
		{"bytes that are not UTF-8", "8916123456\xff7", phone.Malformed},
		{"a whole page", strings.Repeat("8 916 123-45-67, ", 20), phone.Malformed},
		{"digits of another script", "٨٩١٦١٢٣٤٥٦٧", phone.Malformed},
		{"an extension", "8 (495) 123-45-67 доб. 123", phone.Extension},
		{"an extension in brackets", "8 (495) 123-45-67 (доб. 12)", phone.Extension},
		{"an extension in English", "+7 495 123-45-67 ext 123", phone.Extension},
		{"an extension of a URI", "tel:+7-495-123-45-67;ext=123", phone.Extension},
		{"an extension after x", "+74951234567x12", phone.Extension},
		{"an extension after a hash sign", "+7 495 123-45-67 #12", phone.Extension},
		{"an extension after a pause", "+7 495 123-45-67, 123", phone.Extension},
		{"an extension of nothing", "доб. 123", phone.Malformed},
		{"an extension of half a number", "123-45-67 доб. 123", phone.Malformed},
		{"two after a comma", "89160000001, 89160000002", phone.Several},
		{"two after a slash", "8 916 000-00-01 / 8 916 000-00-02", phone.Several},
		{"two after a semicolon", "+79160000001;+79160000002", phone.Several},
		{"two on two lines", "89160000001\n89160000002", phone.Several},
		{"three on three lines", "89160000001\r\n89160000002\r\n89160000003", phone.Several},
		{"two after a word", "8 916 000-00-01 или 8 916 000-00-02", phone.Several},
		{"two after a space", "8 916 000 00 01 8 916 000 00 02", phone.Several},
		{"two after a plus", "+79160000001+79160000002", phone.Several},
		{"two, the second in brackets", "8 916 000-00-01 (+7 916 000-00-02)", phone.Several},
		{"two that end differently", "8 495 123-45-67/68", phone.Several},
		{"two, the second without its area code", "8 495 123-45-67, 765-43-21", phone.Several},
		{"three", "89160000001, 89160000002, 89160000003", phone.Several},
		{"a toll-free one and another", "8 800 555-00-01, 8 916 000-00-01", phone.Several},
		{"toll-free", "8 800 555-00-01", phone.TollFree},
		{"international toll-free", "+800 1234 5678", phone.TollFree},
		{"premium rate", "8 809 555-00-01", phone.TollFree},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := phone.Parse(c.raw, "RU")
			if err != c.want {
				t.Errorf("Parse(%q) = %s, %v; want the issue %q", c.raw, string(got.E164), err, string(c.want))
			}
			if got != (phone.Number{}) {
				t.Errorf("Parse(%q) gave a number with its issue: %s", c.raw, string(got.E164))
			}
		})
	}
}

// The examples are libphonenumber's own, one a country.
func TestAMobileOfEveryCountryIsRead(t *testing.T) {
	for country := range phonenumbers.GetSupportedRegions() {
		if country == "TA" {
			continue // Tristan da Cunha has no mobiles
		}
		t.Run(country, func(t *testing.T) {
			example := phonenumbers.GetExampleNumberForType(country, phonenumbers.MOBILE)
			want := phone.Number{E164: dental.Phone(phonenumbers.Format(example, phonenumbers.E164)), Mobile: true,
				Region: phonenumbers.GetRegionCodeForNumber(example)} // islands use their mainland's plan
			for _, format := range []phonenumbers.PhoneNumberFormat{phonenumbers.E164, phonenumbers.INTERNATIONAL, phonenumbers.RFC3966} {
				for _, reader := range []string{"", "RU", country} {
					raw := phonenumbers.Format(example, format)
					if got, err := phone.Parse(raw, reader); err != nil || got != want {
						t.Errorf("Parse(%q, %q) = %s %s mobile %v, %v", raw, reader, string(got.E164), got.Region, got.Mobile, err)
					}
				}
			}
		})
	}
}

func TestNationalNumbersNeedACountry(t *testing.T) {
	for _, country := range []string{"", "ZZ", "ru", "Россия"} {
		if got, err := phone.Parse("8 916 123-45-67", country); err != phone.Malformed {
			t.Errorf("country %q: %s, %v; want malformed", country, string(got.E164), err)
		}
	}
}

func TestTheIssuesAreTheWordsOfACard(t *testing.T) {
	said := map[string]phone.Issue{}
	for word, issue := range map[string]phone.Issue{"empty": phone.Empty, "malformed": phone.Malformed,
		"extension": phone.Extension, "several": phone.Several, "toll-free": phone.TollFree} {
		if string(issue) != word {
			t.Errorf("the issue %q is written %q", word, string(issue))
		}
		if other, twice := said[issue.Error()]; twice {
			t.Errorf("%q and %q say the same: %s", word, string(other), issue)
		}
		said[issue.Error()] = issue
	}
}

func TestReadGivesTheNumberOrTheIssueOfACard(t *testing.T) {
	for _, c := range []struct {
		spelled string
		number  dental.Phone
		region  string
		mobile  bool
		issue   string
	}{
		{"8 916 123-45-67", "+79161234567", "RU", true, ""},
		{"8 495 123-45-67", "+74951234567", "RU", false, ""},
		{"8 701 000-00-01", "+77010000001", "KZ", true, ""},
		{"8 495 123-45-67 доб. 1", "", "", false, "extension"},
		{"", "", "", false, "empty"},
	} {
		number, region, mobile, issue := phone.Read(c.spelled, "RU")
		if number != c.number || region != c.region || mobile != c.mobile || issue != c.issue {
			t.Errorf("Read(%q) = %s, %s, %v, %q", c.spelled, string(number), region, mobile, issue)
		}
	}
}

func TestANumberMasksItself(t *testing.T) {
	n, err := phone.Parse("+79161234567", "RU")
	if err != nil {
		t.Fatal(err)
	}
	for _, verb := range []string{"%v", "%+v", "%s", "%x"} {
		if s := fmt.Sprintf(verb, n); strings.Contains(s, "1234567") || strings.Contains(s, fmt.Sprintf("%x", "1234567")) {
			t.Errorf("%s prints %s", verb, s)
		}
	}
}

// Every Russian mobile is found again in whatever punctuation it is wrapped.
func TestPunctuationDoesNotChangeANumber(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		national := "916" + rapid.StringMatching(`[0-9]{7}`).Draw(t, "number")
		spelled := rapid.SampledFrom([]string{"+7", "8", "7", "", "+7 8 ", "8107"}).Draw(t, "prefix")
		for _, digit := range national {
			spelled += rapid.SampledFrom([]string{"", "", "", " ", "-", "\u00a0", "(", ")", ".", "\u2011", "\u200b"}).Draw(t, "sign") + string(digit)
		}
		got, err := phone.Parse(spelled, "RU")
		if err != nil || got != (phone.Number{E164: dental.Phone("+7" + national), Region: "RU", Mobile: true}) {
			t.Fatalf("Parse(%q) = %s %s, %v", spelled, string(got.E164), got.Region, err)
		}
	})
}

func TestTwoDifferentNumbersAreSeveral(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		mobile := rapid.StringMatching(`(\+7|8|7)916[0-9]{7}`)
		a, b := mobile.Draw(t, "one"), mobile.Draw(t, "other")
		sign := rapid.SampledFrom([]string{",", ", ", ";", " / ", "\n", " и ", " "}).Draw(t, "sign")
		_, err := phone.Parse(a+sign+b, "RU")
		same := a[len(a)-10:] == b[len(b)-10:]
		if !same && err != phone.Several {
			t.Fatalf("Parse(%q): %v, want several", a+sign+b, err)
		}
	})
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"", "8 (916) 123-45-67", "+7 916 123-45-67 доб. 1", "89160000001, 89160000002", "8 495 123-45-67/68",
		"+49 (0)30 123456", "tel:+74951234567;ext=1", "+800 1234 5678", "00375291234567", "+8 916 123 45 67", "+", "\xff", "7+7+7"} {
		f.Add(s, "RU")
		f.Add(s, "DE")
	}
	f.Fuzz(func(t *testing.T, raw, country string) {
		n, err := phone.Parse(raw, country)
		if err != nil {
			issue, ok := err.(phone.Issue)
			if !ok || issue == "" || n != (phone.Number{}) {
				t.Fatalf("Parse(%q, %q) = %s, %v", raw, country, string(n.E164), err)
			}
			return
		}
		e164 := string(n.E164)
		if len(e164) < 4 || len(e164) > 18 || e164[0] != '+' || strings.Trim(e164[1:], "0123456789") != "" || len(n.Region) != 2 {
			t.Fatalf("Parse(%q, %q) = %q %q", raw, country, e164, n.Region)
		}
		for _, again := range []string{country, "", "RU", "US"} {
			if m, err := phone.Parse(e164, again); err != nil || m != n {
				t.Fatalf("Parse(%q, %q) = %q, which in %q reads %q, %v", raw, country, e164, again, string(m.E164), err)
			}
		}
	})
}
