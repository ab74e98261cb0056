// Package nomenclature says of what kind a procedure is, by its code or its name,
// where the system of record does not.
package nomenclature

import (
	"strings"

	"github.com/returnpoint/returnpoint/shared/dental"
)

// Sort says of what kind the procedure is: by the clinic's own rules, else by
// the product's. known is false, and the kind other, where no rule fits.
func Sort(rules []dental.KindRule, code, name string) (kind dental.ProcedureKind, known bool) {
	code, name = strings.ToUpper(strings.TrimSpace(code)), strings.ToLower(strings.TrimSpace(name))
	for _, r := range rules {
		byCode := r.Code != "" && strings.HasPrefix(code, strings.ToUpper(r.Code))
		byName := r.Name != "" && strings.Contains(name, strings.ToLower(r.Name))
		if byCode || byName {
			return r.Kind, true
		}
	}
	return dental.OtherKind, false
}
