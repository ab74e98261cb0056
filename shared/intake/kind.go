package intake

import (
	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/nomenclature"
)

// sortKinds gives procedures and the step after them the kinds that their source did not say.
func (d *draft) sortKinds(procedures []dental.Procedure, next *dental.ServiceType) {
	for i := range procedures {
		p := &procedures[i]
		d.sortKind(p.Code, p.Name, &p.Kind, &p.Sorted)
	}
	d.sortKind(next.Code, next.Name, &next.Kind, &next.Sorted)
}

// sortKind says of what kind something is whose source did not say it.
func (d *draft) sortKind(code, name string, kind *dental.ProcedureKind, sorted *bool) {
	if *kind != "" || code == "" && name == "" {
		return
	}
	*kind, _ = nomenclature.Sort(d.clinic.Kinds, code, name)
	*sorted = true
}
