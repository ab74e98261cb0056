package measure_test

import (
	"fmt"
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/returnpoint/returnpoint/shared/measure"
)

// TestTheIntervalOfADifferenceIsThatOfThePaper holds method 10 to the examples
// of Newcombe 1998, table II.
func TestTheIntervalOfADifferenceIsThatOfThePaper(t *testing.T) {
	for _, tt := range []struct {
		k1, n1, k2, n2  int64
		diff, low, high float64
	}{
		{56, 70, 48, 80, 0.2, 0.0524, 0.3339},
		{9, 10, 3, 10, 0.6, 0.1705, 0.8090},
		{6, 7, 2, 7, 0.5714, 0.0582, 0.8062},
		{5, 56, 0, 29, 0.0893, -0.0381, 0.1926},
		{0, 10, 0, 20, 0, -0.1611, 0.2775},
		{0, 10, 0, 10, 0, -0.2775, 0.2775},
		{10, 10, 0, 20, 1, 0.6791, 1},
		{10, 10, 0, 10, 1, 0.6075, 1},
	} {
		t.Run(fmt.Sprintf("%d of %d less %d of %d", tt.k1, tt.n1, tt.k2, tt.n2), func(t *testing.T) {
			diff, low, high := measure.Newcombe(tt.k1, tt.n1, tt.k2, tt.n2)
			for name, pair := range map[string][2]float64{"the difference": {diff, tt.diff}, "the low end": {low, tt.low}, "the high end": {high, tt.high}} {
				if math.Abs(pair[0]-pair[1]) > 0.00005 {
					t.Errorf("%s is %.4f, want %.4f", name, pair[0], pair[1])
				}
			}
		})
	}
}

// TestTheIntervalOfAShareIsWilsons holds it to the score equation that defines
// it: at both ends the share lies z standard errors away.
func TestTheIntervalOfAShareIsWilsons(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Int64Range(1, 5000).Draw(t, "n")
		k := rapid.Int64Range(0, n).Draw(t, "k")
		low, high := measure.Wilson(k, n)
		p := float64(k) / float64(n)
		if low < 0 || high > 1 || low > p || high < p {
			t.Fatalf("%d of %d lie within %g and %g", k, n, low, high)
		}
		for _, end := range []float64{low, high} {
			if end == 0 || end == 1 {
				continue
			}
			if away := math.Abs(p-end) / math.Sqrt(end*(1-end)/float64(n)); math.Abs(away-1.959964) > 1e-5 {
				t.Fatalf("%d of %d: the end %g is %g standard errors away", k, n, end, away)
			}
		}
	})
	if low, high := measure.Wilson(0, 0); low != 0 || high != 1 {
		t.Errorf("of nothing it is %g to %g", low, high)
	}
}

func TestTheDifferenceTurnedRoundHasItsIntervalTurnedRound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n1, n2 := rapid.Int64Range(1, 300).Draw(t, "n1"), rapid.Int64Range(1, 300).Draw(t, "n2")
		k1, k2 := rapid.Int64Range(0, n1).Draw(t, "k1"), rapid.Int64Range(0, n2).Draw(t, "k2")
		d, low, high := measure.Newcombe(k1, n1, k2, n2)
		back, backLow, backHigh := measure.Newcombe(k2, n2, k1, n1)
		if math.Abs(d+back)+math.Abs(low+backHigh)+math.Abs(high+backLow) > 1e-12 {
			t.Fatalf("%g (%g to %g) and %g (%g to %g)", d, low, high, back, backLow, backHigh)
		}
		if low > d || high < d || low < -1 || high > 1 {
			t.Fatalf("%g lies outside %g to %g", d, low, high)
		}
	})
}
