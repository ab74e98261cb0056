package reckon

import (
	"fmt"
	"maps"
	"slices"
)

// Desk is what the desk says of some days, as the machine shows it: the names
// are those of its figures.
type Desk struct {
	Visits, NewPatients, Patients, YearPatients                       int64
	RepeatVisits, RepeatPatients, YearRepeatPatients                  share
	Revenue, FromBase, FromNew, Average, LTVYear, LTVLife, OpenStages string
	Quiet6, Quiet12, Quiet18, Stalled                                 int64
	Returned6, Returned12, PointsKept, Plans, Stages                  share
	Promoters, Passives, Detractors, Good, Fair, Bad                  int64
	Back, BackVisits                                                  int64
	BackRevenue                                                       string
	Cost                                                              struct {
		Messages string
		Parts    int64
	}
	Kinds []struct {
		Kind         string
		Visits       int64
		RepeatVisits share
	}
	Doctors []struct {
		ID      string
		Visits  int64
		Revenue string
	}
	Scenarios []struct {
		Name        string
		Sum         struct{ Planned, Sent, Delivered int64 }
		Back        int64
		BackRevenue string
	}
	Skipped []struct{ N int64 }
}

type share struct{ Of, All int64 }

// Figures are the desk's under the names of Book.Figures.
func (d Desk) Figures() map[string]int64 {
	f := map[string]int64{
		"visits": d.Visits, "new patients": d.NewPatients, "patients": d.Patients, "patients of the year": d.YearPatients, "repeat visits": d.RepeatVisits.Of,
		"repeat patients": d.RepeatPatients.Of, "repeat patients of the year": d.YearRepeatPatients.Of,
		"revenue": kopecks(d.Revenue), "revenue of the base": kopecks(d.FromBase), "revenue of new patients": kopecks(d.FromNew), "average": kopecks(d.Average),
		"LTV, year": kopecks(d.LTVYear), "LTV, life": kopecks(d.LTVLife), "open stages": kopecks(d.OpenStages), "stalled plans": d.Stalled,
		"quiet for 6 months": d.Quiet6, "quiet for 12 months": d.Quiet12, "quiet for 18 months": d.Quiet18,
		"first visits 6 months ago": d.Returned6.All, "returned in 6 months": d.Returned6.Of, "first visits 12 months ago": d.Returned12.All, "returned in 12 months": d.Returned12.Of,
		"return points": d.PointsKept.All, "return points kept": d.PointsKept.Of,
		"plans": d.Plans.All, "plans completed": d.Plans.Of, "stages": d.Stages.All, "stages done": d.Stages.Of,
		"came back": d.Back, "visits of the returned": d.BackVisits, "revenue of the returned": kopecks(d.BackRevenue),
		"cost of messages": kopecks(d.Cost.Messages), "parts": d.Cost.Parts,
	}
	for _, k := range d.Kinds {
		f["visits for "+k.Kind], f["repeat visits for "+k.Kind] = k.Visits, k.RepeatVisits.Of
	}
	for _, x := range d.Doctors {
		f["visits to "+x.ID], f["revenue of "+x.ID] = x.Visits, kopecks(x.Revenue)
	}
	for _, s := range d.Scenarios {
		f["touches of "+s.Name], f["sent by "+s.Name], f["delivered by "+s.Name] = s.Sum.Planned, s.Sum.Sent, s.Sum.Delivered
		f["came back by "+s.Name], f["revenue returned by "+s.Name] = s.Back, kopecks(s.BackRevenue)
	}
	for _, s := range d.Skipped {
		f["skipped"] += s.N
	}
	return f
}

// Said are what patients have said, under the names of Book.Said.
func (d Desk) Said() map[string]int64 {
	return map[string]int64{"answers good": d.Good, "answers fair": d.Fair, "answers bad": d.Bad, "promoters": d.Promoters, "passives": d.Passives, "detractors": d.Detractors}
}

// Compare holds two reckonings against each other, name by name; what one of
// them does not have is 0. It says how many of how many agree, and which do not.
func Compare(book, desk map[string]int64) (agree, all int, differ []string) {
	names := map[string]bool{}
	for name := range book {
		names[name] = true
	}
	for name := range desk {
		names[name] = true
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		all++
		if book[name] == desk[name] {
			agree++
		} else {
			differ = append(differ, fmt.Sprintf("%s: %d by the desk, %d by the book", name, desk[name], book[name]))
		}
	}
	return agree, all, differ
}
