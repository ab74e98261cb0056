package staff

import (
	"errors"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"

	"github.com/returnpoint/returnpoint/shared/dental"
)

// fileField is the one field of a form that a file may stand in, and fileName what
// the file was called then, as a field of the form: no field has a space.
const (
	fileField = "file"
	fileName  = "file name"
)

// uploaded reads a form with a file from a body of at most limit bytes, wholly in
// memory; file is nil where none was chosen, which has no name, or an empty one.
func uploaded(w http.ResponseWriter, r *http.Request, limit int64) (form url.Values, file []byte, err error) {
	r.Body = http.MaxBytesReader(w, r.Body, limit)
	parts, err := r.MultipartReader()
	if err != nil {
		return nil, nil, dental.Errorf(dental.Invalid, "form", "the body is no form with a file")
	}
	form = url.Values{}
	for {
		part, err := parts.NextRawPart()
		if errors.Is(err, io.EOF) {
			return form, file, nil
		}
		var raw []byte
		if err == nil {
			raw, err = io.ReadAll(part)
		}
		switch large := (*http.MaxBytesError)(nil); {
		case errors.As(err, &large) || errors.Is(err, multipart.ErrMessageTooLarge):
			return nil, nil, refusal(http.StatusRequestEntityTooLarge)
		case err != nil:
			return nil, nil, dental.Errorf(dental.Invalid, "form", "the form cannot be read")
		case part.FormName() == fileField:
			if form.Set(fileName, part.FileName()); len(raw) > 0 {
				file = raw
			}
		default:
			form.Add(part.FormName(), string(raw))
		}
	}
}
