package desk

import "time"

// ExportOf is the file of a record alone, for the test that looks for each field in it.
func ExportOf(r Record, now time.Time) ([]byte, error) { return export(r, now) }
