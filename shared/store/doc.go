// Package store is the single table, written once over the port of
// shared/table: the keys, how each noun is written down, and transactions that
// remember what they read.
//
// A Tx is one step of a use case: it reads (a patient's whole card is one
// query), the caller decides, and Commit writes everything at once, each item
// under the condition that it is still what was read. ErrConflict means that
// it is not: read again and decide again, as Retry does.
package store
