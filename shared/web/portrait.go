package web

import (
	"net/http"

	"github.com/returnpoint/returnpoint/shared/dental"
)

// portraitFile is the name of the doctor's picture under a page.
const portraitFile = "doctor.jpg"

// portrait serves the picture of the doctor whom the pages of a purpose name,
// out of our own table. It may stay in the phone that looked at the page.
func (p *Pages) portrait(purpose dental.Purpose) handler {
	return func(w http.ResponseWriter, r request) error {
		picture, err := p.Desk.Photo(r.Context(), purpose, r.token, r.now)
		if err != nil {
			return err
		}
		w.Header().Set("Cache-Control", "private, max-age=86400")
		send(w, http.StatusOK, "image/jpeg", picture)
		return nil
	}
}
