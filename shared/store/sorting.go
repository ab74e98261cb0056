package store

// Sorting is the one SortJob of a clinic: Anchor is the run. Its results are kept
// under the job's id: how far the run under way has come, then the last one that
// was finished, a dental.Sorting, and its pages of dental.Unsorted, the most
// frequent first. They stay until the next is finished.
const (
	SortID   = SortJob
	SortRun  = 0
	SortSum  = 1
	SortRows = 2
)
