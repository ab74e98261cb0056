package store

// An audit is the one AuditJob of a clinic: Anchor is the run, and Day the day as
// of which it counts. Its results are kept under the job's id: how far the run
// under way has come, and the last one that was finished, which stays until the
// next is. Neither has anything in it about a single patient, but that the first
// keeps the place of the walk while there is one.
const (
	AuditID    = AuditJob
	AuditRun   = 0
	AuditFound = 1
)
