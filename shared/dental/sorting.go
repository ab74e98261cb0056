package dental

import "time"

// Sorting is how far bringing the kinds of procedures in line with the clinic's
// table has come, and in the end what the table does not know.
type Sorting struct {
	Run      string // the press that began it
	At       time.Time
	Patients int
	Looked   int
	// Unknown is how many procedures were found that no rule knows, Names how many
	// different ones of them are listed, Pages on how many pages. Those of the
	// rarest that found no room are counted alone.
	Unknown int
	Names   int
	Pages   int
	Done    bool
}

// Unsorted is a procedure that no rule knows, and how often it was done, booked
// or planned.
type Unsorted struct {
	Code string
	Name string
	N    int
}
