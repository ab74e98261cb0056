// Package storyboards tells eighteen months of patients' lives in plain words:
// what happened, what they were sent, what staff were asked to do, and why what
// did not leave stayed. The stories are golden files under testdata; each is
// played through the whole engine, from the fact an MIS tells to the message
// that a provider is handed.
//
// After a change that is meant, write them anew and read the difference:
//
//	go test ./infra/storyboards -update
package storyboards
