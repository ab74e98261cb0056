package fhir

// Codes lists the codes of all faults; each has its words in the locale's
// desk.import.reason.<code>.
func Codes() []string {
	return []string{
		"fhir-no-document", "fhir-not-json", "fhir-not-bundle", "fhir-truncated", "fhir-gzip", "fhir-bomb", "fhir-place", "fhir-not-ndjson", "fhir-syntax",
		"fhir-utf8", "fhir-duplicate", "fhir-deep", "fhir-value", "fhir-large", "fhir-type", "fhir-id", "fhir-nested",
		"fhir-patch", "fhir-empty", "fhir-identifier", "fhir-contained", "fhir-reference", "fhir-server", "fhir-patient", "fhir-time",
		"fhir-actor", "fhir-encounter", "fhir-code", "fhir-receipt", "fhir-amount", "fhir-stages", "fhir-partial", "fhir-modifier",
	}
}
