// Package formats lists the formats of files that bases are imported from, for
// all that begin or work on an import.
package formats

import (
	"github.com/returnpoint/returnpoint/shared/load"
	"github.com/returnpoint/returnpoint/shared/mis/fhir"
	"github.com/returnpoint/returnpoint/shared/mis/generic"
	"github.com/returnpoint/returnpoint/shared/mis/sheet"
)

// All are the formats by their media types.
func All() map[string]load.Format {
	return map[string]load.Format{
		load.CSV:       sheet.CSV{},
		load.XLSX:      sheet.XLSX{},
		load.Bundle:    fhir.BundleFormat{},
		load.NDJSON:    fhir.NDJSONFormat{},
		load.JSONLines: generic.Lines{},
	}
}
