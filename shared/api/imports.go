package api

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"log/slog"
	"mime"
	"net/http"
	"strings"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/load"
	"github.com/returnpoint/returnpoint/shared/locale"
	"github.com/returnpoint/returnpoint/shared/strictjson"
)

// The most bytes that a file may have which stands in the request itself. What
// is no text for API Gateway travels to Lambda as base64, of which 6 MB may come:
// 5 MB of a sheet would not fit. A larger file goes to an upload URL.
const (
	maxText   = 5 << 20
	maxBinary = 4_400_000
	maxOrder  = 16 << 10 // of the JSON that asks for an upload URL
)

// reportLife is how long the URL of a report holds, and a browser's that was given it.
const reportLife = time.Hour

// Imports serves /v1/clinics/{clinic}/imports and /v1/clinics/{clinic}/imports/{id}.
type Imports struct {
	// Clinic reads a clinic's settings; an unknown one is dental.NotFound.
	Clinic func(ctx context.Context, id string) (*dental.Clinic, error)
	Loader *load.Loader
	Clock  func() time.Time
	Log    *slog.Logger

	rates rates
}

// Routes adds the handlers to a mux.
func (h *Imports) Routes(mux *http.ServeMux) {
	const path = "/v1/clinics/{clinic}/imports"
	mux.HandleFunc("POST "+path, h.post)
	mux.HandleFunc("GET "+path+"/{id}", h.get)
	mux.HandleFunc(path, notAllowed(http.MethodPost, "files are posted"))
	mux.HandleFunc(path+"/{id}", notAllowed("GET, HEAD", "how an import stands is asked by GET"))
}

// Begun is the answer to a file, or to a wish for an upload URL. The same
// delivery again gets the same import.
type Begun struct {
	ID     string `json:"id"`
	Upload string `json:"upload,omitempty"` // to PUT the file to, with the format as its Content-Type
}

// Standing is how an import stands.
type Standing struct {
	State     dental.ImportState `json:"state"`
	Lines     int64              `json:"lines"`
	Accepted  int64              `json:"accepted"`
	Unchanged int64              `json:"unchanged"`
	Refused   int64              `json:"refused"`
	Noted     int64              `json:"noted"` // of the lines that were not refused, those with something that was left out
	Bytes     int64              `json:"bytes"` // of the file, 0 before it has come
	Read      int64              `json:"read"`  // of them
	Report    string             `json:"report,omitempty"`
	Problem   string             `json:"problem,omitempty"` // why it failed, in the clinic's language
}

func (h *Imports) post(w http.ResponseWriter, r *http.Request) {
	begun, err := h.begin(w, r)
	if err != nil {
		h.refuse(w, r, err)
		return
	}
	answer(w, http.StatusAccepted, begun)
}

// begin takes one file, or one wish for an upload URL. The checks come in the
// order of those of an event.
func (h *Imports) begin(w http.ResponseWriter, r *http.Request) (Begun, error) {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		kind = ""
	}
	most := int64(maxBinary)
	switch kind {
	case load.CSV:
		most = maxText
	case "application/json":
		most = maxOrder
	}
	raw, err := body(w, r, most)
	if err != nil {
		return Begun{}, err
	}
	cl, id, err := h.caller(r, raw)
	if err != nil {
		return Begun{}, err
	}
	system := r.URL.Query().Get("system")
	sum := sha256.Sum256(append([]byte(strings.TrimSuffix(kind+";"+system, ";")+"\n"), raw...))
	order := load.Order{ID: id, Body: hex.EncodeToString(sum[:]), Format: kind, System: system}
	if kind == "application/json" {
		var wish struct {
			Format string `json:"format"`
			Name   string `json:"name"`
			System string `json:"system"`
		}
		if err := strictjson.Decode(raw, maxOrder, &wish); err != nil {
			if bad, ok := errors.AsType[*strictjson.Error](err); ok {
				return Begun{}, dental.Errorf(dental.Invalid, bad.Field, "%s", bad.Message)
			}
			return Begun{}, err
		}
		if _, known := h.Loader.Formats[wish.Format]; !known {
			return Begun{}, dental.Errorf(dental.Invalid, "format", "must be one of the formats that are imported")
		}
		order.Format, order.Name, order.System = wish.Format, wish.Name, cmp.Or(wish.System, system)
		imp, upload, err := h.Loader.Await(r.Context(), cl, order)
		if err != nil {
			return Begun{}, err
		}
		return Begun{ID: imp.ID, Upload: upload}, nil
	}
	if _, known := h.Loader.Formats[kind]; !known {
		return Begun{}, dental.Errorf(dental.Invalid, "content-type", "must be one of the formats that are imported, or application/json to ask for an upload URL")
	}
	if len(raw) == 0 {
		return Begun{}, dental.Errorf(dental.Invalid, "", "the file is empty")
	}
	imp, err := h.Loader.Begin(r.Context(), cl, order, raw)
	if err == nil {
		h.Log.InfoContext(r.Context(), "import begun", "clinic", cl.ID, "import", imp.ID, "format", imp.Format, "bytes", len(raw))
	}
	return Begun{ID: imp.ID}, err
}

func (h *Imports) get(w http.ResponseWriter, r *http.Request) {
	standing, err := h.standing(r)
	if err != nil {
		h.refuse(w, r, err)
		return
	}
	answer(w, http.StatusOK, standing)
}

func (h *Imports) standing(r *http.Request) (Standing, error) {
	cl, _, err := h.caller(r, nil)
	if err != nil {
		return Standing{}, err
	}
	id := r.PathValue("id")
	if !dental.ValidID(id) {
		return Standing{}, errNoImport
	}
	imp, err := h.Loader.Import(r.Context(), cl.ID, id)
	if err != nil {
		return Standing{}, err
	}
	s := Standing{State: imp.State, Lines: imp.Lines, Accepted: imp.Accepted, Unchanged: imp.Unchanged, Refused: imp.Refused, Noted: imp.Noted, Bytes: imp.Size, Read: imp.Read}
	if imp.Problem != "" {
		s.Problem = locale.For(cl.Language).Text(imp.Problem, map[string]string{"detail": imp.About})
	}
	s.Report, err = h.Loader.ReportURL(r.Context(), imp, h.Clock().Add(reportLife))
	return s, err
}

var errNoImport = dental.Errorf(dental.NotFound, "", "there is no such import")

// caller proves who asks: the clinic of the path, by one of its secrets.
func (h *Imports) caller(r *http.Request, raw []byte) (cl *dental.Clinic, id string, err error) {
	if cl, err = clinicOf(r, h.Clinic, errNoClinic); err != nil {
		return nil, "", err
	}
	now := h.Clock()
	if id, err = verify(r.Header, raw, cl, now); err != nil {
		return nil, "", err
	}
	if wait, ok := h.rates.allow(cl, now); !ok {
		return nil, "", tooMany(wait)
	}
	return cl, id, nil
}

func (h *Imports) refuse(w http.ResponseWriter, r *http.Request, err error) {
	if errors.Is(err, errTooLarge) {
		fail(w, http.StatusRequestEntityTooLarge, "too_large",
			`a text/csv has at most 5 MB here and any other file 4.4 MB: POST {"format": "text/csv"} as application/json, and PUT the file to the URL that comes back`, "")
		return
	}
	refuse(r.Context(), w, h.Log.With("clinic", r.PathValue("clinic")), "import", "it could not be done just now, send it again later", err)
}
