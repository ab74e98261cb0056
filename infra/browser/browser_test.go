//go:build browser

package browser

import "testing"

// TestThePagesInABrowser is one clinic's life and everybody who looks at it:
// first all look and change nothing but the clinic's colour and logo, then patients press.
func TestThePagesInABrowser(t *testing.T) {
	m, browser, axe := start(t), chromium(t), axeCore(t)
	t.Run("patients' pages", func(t *testing.T) { patientsPages(t, m, browser, axe) })
	t.Run("the desk", func(t *testing.T) { desksPages(t, m, browser, axe) })
	t.Run("what patients do", func(t *testing.T) { whatPatientsDo(t, m, browser) })
}
