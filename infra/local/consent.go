package main

import (
	_ "embed"
	"html/template"
	"net/http"
	"sync"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/reply"
	"github.com/returnpoint/returnpoint/shared/web/qr"
)

// The page that the reception shows a patient: a code that opens the patient's
// own choice of messages on the patient's own phone.

//go:embed consent.html
var consentSource string

var consentPage = sync.OnceValue(func() *template.Template {
	return template.Must(template.New("consent").Parse(consentSource))
})

// getConsent makes the link of a patient, which an hour later is still the same,
// and shows it.
func (m *machine) getConsent(w http.ResponseWriter, r *http.Request) error {
	cl, err := m.clinic(r)
	if err != nil {
		return err
	}
	patient := r.URL.Query().Get("patient")
	if patient == "" {
		return dental.Errorf(dental.Invalid, "patient", "is missing: &patient=P-77")
	}
	asked := &reply.Desk{Store: m.store, Catalogue: m.catalogue, Log: m.log}
	path, err := asked.ConsentLink(r.Context(), cl.ID, patient, m.clock.Now())
	if err != nil {
		return err
	}
	code, err := qr.SVG(m.parts.base+path, "QR code of the patient's page")
	if err != nil {
		return err
	}
	header := w.Header()
	header.Set("Content-Type", "text/html; charset=utf-8")
	header.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'")
	return consentPage().Execute(w, struct {
		Clinic, Patient, Path, Link string
		Code                        template.HTML
	}{cl.Name, patient, path, m.parts.base + path, code})
}
