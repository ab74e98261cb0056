package fhir_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/intake"
	"github.com/returnpoint/returnpoint/shared/mis/fhir"
	"github.com/returnpoint/returnpoint/shared/mis/mistest"
)

func TestWhatAServerDoesNotSayOfAPatientStaysAsItWas(t *testing.T) {
	now := time.Date(2026, 5, 26, 12, 0, 0, 0, time.UTC)
	const bundle = `{"resourceType":"Bundle","type":"collection","entry":[{"resource":{"resourceType":"Patient","id":"p","meta":{"lastUpdated":"2026-05-22T15:40:00Z"},` +
		`"name":[{"family":"Ромашкина","given":["Вера"]}]}}]}`
	heard, err := fhir.Read(clinic(), dental.Account{}, intake.Delivery{Header: http.Header{}, Body: []byte(bundle), At: now})
	if err != nil {
		t.Fatal(err)
	}
	mistest.Keeps(t, clinic(), now, heard.Objects[0])
}
