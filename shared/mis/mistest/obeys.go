package mistest

import (
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/returnpoint/returnpoint/shared/pull"
)

// Obeys holds the adapter of a system to the time for which its vendor wants to be
// left alone, whether the vendor says so in its own words, refusal, or a machine
// before it does. put puts an answer in the API's place, and ask asks it.
func Obeys(t *testing.T, refusal string, put func(http.HandlerFunc), ask func() error) {
	t.Helper()
	for _, status := range []int{http.StatusTooManyRequests, http.StatusServiceUnavailable} {
		for _, words := range []string{refusal, "<html>"} {
			for header, want := range map[string]time.Duration{"1800": 30 * time.Minute, "": 0} {
				put(func(w http.ResponseWriter, _ *http.Request) {
					w.Header().Set("Retry-After", header)
					w.WriteHeader(status)
					_, _ = fmt.Fprint(w, words)
				})
				var after time.Duration
				err := ask()
				if told, is := errors.AsType[*pull.Later](err); is {
					after = told.After
				}
				if err == nil || after != want {
					t.Errorf("%d with %q, and Retry-After %q: left alone for %v: %v", status, words, header, after, err)
				}
			}
		}
	}
}
