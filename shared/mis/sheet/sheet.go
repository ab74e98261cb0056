// Package sheet reads a patient base from a table: CSV or XLSX.
package sheet

import (
	_ "github.com/xuri/excelize/v2" // until it is used
	_ "golang.org/x/text/encoding/charmap"
)
