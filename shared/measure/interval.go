package measure

import "math"

// z is the normal quantile of an interval of 95 %.
const z = 1.959963984540054

// Wilson is the score interval of a share of which of k out of n: Wilson 1927.
// Of nothing it is 0 to 1.
func Wilson(k, n int64) (low, high float64) {
	if n <= 0 {
		return 0, 1
	}
	x, of := float64(k), float64(n)
	p, zz := x/of, z*z
	centre, half := p+zz/(2*of), z*math.Sqrt(p*(1-p)/of+zz/(4*of*of))
	low, high = (centre-half)/(1+zz/of), (centre+half)/(1+zz/of)
	if k <= 0 {
		low = 0
	}
	if k >= n {
		high = 1
	}
	return low, high
}

// Newcombe is the difference of two shares, k1 of n1 less k2 of n2, with its
// hybrid score interval: method 10 of Newcombe 1998, which is built of the two
// shares' Wilson intervals without a correction for continuity. Neither n may be 0.
func Newcombe(k1, n1, k2, n2 int64) (diff, low, high float64) {
	p1, p2 := float64(k1)/float64(n1), float64(k2)/float64(n2)
	low1, high1 := Wilson(k1, n1)
	low2, high2 := Wilson(k2, n2)
	diff = p1 - p2
	return diff, diff - math.Hypot(p1-low1, high2-p2), diff + math.Hypot(high1-p1, p2-low2)
}
