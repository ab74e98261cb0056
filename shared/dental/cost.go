package dental

import "time"

// Cost is money that the clinic spent and entered by hand, for a stretch of
// days over which it is spread evenly.
type Cost struct {
	Clinic string
	ID     string
	Kind   CostKind
	Amount Money
	From   Date
	To     Date // the last day, included
	Note   string
	By     string
	At     time.Time
}

// CostKind says what was paid for.
type CostKind string

// The kinds of cost. Acquisition is advertising for new patients: it is what a
// new patient costs, and no cost of bringing patients back.
const (
	Acquisition CostKind = "acquisition"
	Retention   CostKind = "retention"
)

// MapRating is what a place for reviews showed on a day.
type MapRating struct {
	Clinic string
	Map    string // the name of a Map
	On     Date
	// Tenths is the rating times ten, from 10 to 50, and Reviews how many there were.
	Tenths  int
	Reviews int
	By      string
	At      time.Time
}
