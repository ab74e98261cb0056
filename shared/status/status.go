// Package status is the one table from kinds of error to HTTP statuses, for
// the edge that speaks JSON and the edge that speaks HTML alike.
package status

import (
	"net/http"

	"github.com/returnpoint/returnpoint/shared/dental"
)

// Of is the status that an error is answered with: 500 for whatever no kind
// explains.
func Of(err error) int {
	switch dental.KindOf(err) {
	case dental.Invalid:
		return http.StatusBadRequest
	case dental.NotFound:
		return http.StatusNotFound
	case dental.Conflict:
		return http.StatusConflict
	case dental.Unavailable:
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}
