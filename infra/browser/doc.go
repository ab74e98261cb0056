// Package browser walks the pages of the whole product in a real Chromium, as a
// patient, an administrator, a manager and an owner: on a phone and at a desk, by day and
// by night, with scripts and without. It holds every page to the rules of
// accessibility (axe-core), to its width and its weight, to the keyboard, and to
// loading nothing from elsewhere; and it keeps a picture of each in .build/browser.
//
// The pages are those that the routes name: one that is added and not reached
// fails the walk. The tests have the build tag browser, since they need Debian's
// chromium and the axe-core of .tools/: infra/check/run browser brings both.
package browser
