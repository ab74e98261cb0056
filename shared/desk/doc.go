// Package desk is what staff work with: the day's list and the presses on it,
// whoever is to arrive, the batches that wait for a person, a patient's card,
// the bonuses. What a page shows is read without writing; a press is one write,
// with its line in the audit log.
package desk
