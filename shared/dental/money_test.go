package dental_test

import (
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/returnpoint/returnpoint/shared/dental"
)

func TestAnAmountHasAsManyDigitsAfterThePointAsItsCurrency(t *testing.T) {
	tests := []struct {
		digits     int
		currencies string // the whole of ISO 4217's list where the minor unit is not a hundredth
		spelled    string
		minor      int64
		written    string
	}{
		{0, "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF", "5400", 5400, "5400"},
		{2, "RUB KZT BYN USD EUR GBP AED GEL AMD UZS", "5400.00", 540000, "5400.00"},
		{3, "BHD IQD JOD KWD LYD OMR TND", "5400.000", 5400000, "5400.000"},
		{4, "CLF UYW", "5400.0000", 54000000, "5400.0000"},
	}
	for _, tt := range tests {
		for currency := range strings.FieldsSeq(tt.currencies) {
			m, err := dental.ParseMoney(tt.spelled, currency)
			if err != nil || m != (dental.Money{Minor: tt.minor, Currency: currency}) {
				t.Errorf("%s %s is read as %+v (%v)", tt.spelled, currency, m, err)
			}
			if got := m.Decimal(); got != tt.written {
				t.Errorf("%+v is written %q, want %q", m, got, tt.written)
			}
			if short, err := dental.ParseMoney("5400", currency); err != nil || short != m {
				t.Errorf("5400 %s is read as %+v (%v)", currency, short, err)
			}
			if m, err := dental.ParseMoney("1."+strings.Repeat("0", tt.digits+1), currency); err == nil {
				t.Errorf("%d digits after the point are read as %s", tt.digits+1, m)
			}
			if tt.digits > 0 {
				if least, err := dental.ParseMoney("0."+strings.Repeat("0", tt.digits-1)+"1", currency); err != nil || least.Minor != 1 {
					t.Errorf("the least %s is %+v (%v)", currency, least, err)
				}
			}
		}
	}
}

func TestWhatIsNoAmountIsRefused(t *testing.T) {
	for _, total := range []string{"", "-1", "+1", "1,50", "1 000", "1e3", "0x10", ".5", "5.", "1.2.3", "١٢", "1000000000000", "NaN", "1_000", " 1", "1 ", "1.-5", "1.+5"} {
		if m, err := dental.ParseMoney(total, "RUB"); err == nil {
			t.Errorf("%q is read as %s", total, m)
		}
	}
	for _, currency := range []string{"", "RU", "RUBL", "rub", "Rub", "₽", "R B", "РУБ", "R1B"} {
		if m, err := dental.ParseMoney("1.00", currency); err == nil {
			t.Errorf("the currency %q is taken: %s", currency, m)
		}
	}
	for _, text := range []string{"5400.00", "5400.00RUB", "RUB", " ", "5400.00  RUB", "--1.00 RUB", "-1.000 RUB", "1.00 RUB "} {
		var m dental.Money
		if err := m.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is read as %s", text, m)
		}
	}
}

func TestTwelveDigitsBeforeThePointAreTheMost(t *testing.T) {
	for _, currency := range []string{"JPY", "RUB", "KWD", "CLF"} {
		total := strings.Repeat("9", 12)
		m, err := dental.ParseMoney(total, currency)
		if err != nil || m.Minor <= 0 || !strings.HasPrefix(m.Decimal(), total) {
			t.Errorf("%s %s is read as %+v (%v)", total, currency, m, err)
		}
	}
}

func TestMoneyAsTextComesBack(t *testing.T) {
	most := map[string]int64{"JPY": 999_999_999_999, "RUB": 99_999_999_999_999, "KWD": 999_999_999_999_999, "CLF": 9_999_999_999_999_999}
	rapid.Check(t, func(t *rapid.T) {
		currency := rapid.SampledFrom([]string{"JPY", "RUB", "KWD", "CLF"}).Draw(t, "currency")
		m := dental.Money{Minor: rapid.Int64Range(-most[currency], most[currency]).Draw(t, "minor"), Currency: currency}
		text, err := m.MarshalText()
		if err != nil {
			t.Fatal(err)
		}
		back := dental.Money{Minor: 1, Currency: "XXX"}
		if err := back.UnmarshalText(text); err != nil || back != m {
			t.Fatalf("%+v as %q comes back as %+v (%v)", m, text, back, err)
		}
		if m.Minor >= 0 {
			if again, err := dental.ParseMoney(m.Decimal(), currency); err != nil || again != m {
				t.Fatalf("%q is read as %+v (%v)", m.Decimal(), again, err)
			}
		}
	})
	var none, back dental.Money
	if text, err := none.MarshalText(); err != nil || len(text) != 0 || back.UnmarshalText(text) != nil || !back.IsZero() {
		t.Errorf("no amount is written %q (%v) and comes back as %+v", text, err, back)
	}
}

func TestAmountsBelowOneUnitAndBelowNoughtKeepTheirNoughts(t *testing.T) {
	for m, want := range map[dental.Money]string{
		{Minor: 0, Currency: "RUB"}:             "0.00",
		{Minor: 5, Currency: "RUB"}:             "0.05",
		{Minor: -5, Currency: "RUB"}:            "-0.05",
		{Minor: -540000, Currency: "RUB"}:       "-5400.00",
		{Minor: 7, Currency: "KWD"}:             "0.007",
		{Minor: -7, Currency: "JPY"}:            "-7",
		{Minor: math.MinInt64, Currency: "JPY"}: "-9223372036854775808",
	} {
		if got := m.Decimal(); got != want {
			t.Errorf("%d of %s is written %q, want %q", m.Minor, m.Currency, got, want)
		}
	}
}

func FuzzAnAmountThatIsReadIsWrittenWithTheSameValue(f *testing.F) {
	for _, s := range []string{"5400.00", "0.5", "00012", "999999999999.99", "-1", "1e5", ""} {
		f.Add(s, "RUB")
	}
	f.Add("12", "JPY")
	f.Add("12.345", "KWD")
	f.Fuzz(func(t *testing.T, total, currency string) {
		m, err := dental.ParseMoney(total, currency)
		if err != nil {
			return
		}
		canonical := func(s string) string {
			whole, frac, _ := strings.Cut(s, ".")
			return strings.TrimLeft(whole, "0") + "." + strings.TrimRight(frac, "0")
		}
		if m.Minor < 0 || canonical(m.Decimal()) != canonical(total) {
			t.Errorf("%q %s is written %q", total, currency, m.Decimal())
		}
	})
}
