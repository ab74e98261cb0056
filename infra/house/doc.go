// Package house holds the tests that look at the whole tree and at the binaries
// built from it: which room may import which, that folders, constructors,
// resources and events name the same functions, that the template gives each
// function what its comment says, that the events of events/ have the effects
// they stand for, and that the real binaries start and answer.
package house
