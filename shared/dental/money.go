package dental

import (
	"fmt"
	"strconv"
	"strings"
)

// Money is an amount in the smallest unit of an ISO 4217 currency: 5400.00 RUB
// is {540000, "RUB"}. The zero Money is "no amount".
type Money struct {
	Minor    int64
	Currency string
}

// exponents lists the ISO 4217 currencies whose minor unit is not a hundredth.
var exponents = map[string]int{
	"BIF": 0, "CLP": 0, "DJF": 0, "GNF": 0, "ISK": 0, "JPY": 0, "KMF": 0, "KRW": 0, "PYG": 0, "RWF": 0, "UGX": 0,
	"UYI": 0, "VND": 0, "VUV": 0, "XAF": 0, "XOF": 0, "XPF": 0,
	"BHD": 3, "IQD": 3, "JOD": 3, "KWD": 3, "LYD": 3, "OMR": 3, "TND": 3,
	"CLF": 4, "UYW": 4,
}

func exponent(currency string) int {
	if e, ok := exponents[currency]; ok {
		return e
	}
	return 2
}

// ParseMoney reads a non-negative decimal string of at most 12 digits before
// the point and no more after it than the currency has.
func ParseMoney(total, currency string) (Money, error) {
	if len(currency) != 3 || strings.Trim(currency, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
		return Money{}, fmt.Errorf("%q is not an ISO 4217 currency code", currency)
	}
	exp := exponent(currency)
	whole, frac, point := strings.Cut(total, ".")
	digits := func(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }
	if !digits(whole) || len(whole) > 12 || point && (!digits(frac) || len(frac) > exp) {
		return Money{}, fmt.Errorf("%q is not a decimal amount of %s with at most %d digits after the point", total, currency, exp)
	}
	n, err := strconv.ParseInt(whole+frac+strings.Repeat("0", exp-len(frac)), 10, 64)
	if err != nil {
		return Money{}, fmt.Errorf("%q is not a decimal amount", total)
	}
	return Money{n, currency}, nil
}

// Typed is a number as people type it, "12 400,50 ₽", as ParseMoney and programs
// read it: "12400.50".
func Typed(number string) string {
	return strings.NewReplacer(" ", "", "\u00a0", "", "\u202f", "", ",", ".", "₽", "").Replace(strings.TrimSpace(number))
}

// Decimal writes the amount as the contract does: "5400.00".
func (m Money) Decimal() string {
	exp := exponent(m.Currency)
	sign, n := "", uint64(m.Minor)
	if m.Minor < 0 {
		sign, n = "-", -n
	}
	s := strconv.FormatUint(n, 10)
	if len(s) <= exp {
		s = strings.Repeat("0", exp-len(s)+1) + s
	}
	if exp == 0 {
		return sign + s
	}
	return sign + s[:len(s)-exp] + "." + s[len(s)-exp:]
}

// IsZero reports whether there is no amount at all.
func (m Money) IsZero() bool { return m == Money{} }

func (m Money) String() string { return m.Decimal() + " " + m.Currency }

// MarshalText writes "5400.00 RUB".
func (m Money) MarshalText() ([]byte, error) {
	if m.IsZero() {
		return nil, nil
	}
	return []byte(m.String()), nil
}

// UnmarshalText reads what MarshalText writes.
func (m *Money) UnmarshalText(b []byte) (err error) {
	if len(b) == 0 {
		*m = Money{}
		return nil
	}
	total, currency, _ := strings.Cut(string(b), " ")
	neg := strings.HasPrefix(total, "-")
	if *m, err = ParseMoney(strings.TrimPrefix(total, "-"), currency); neg {
		m.Minor = -m.Minor
	}
	return err
}
