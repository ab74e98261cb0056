package staff

import "slices"

// routes is every path of a clinic's desk, with the role that each asks for.
func (p *Pages) routes() []route {
	return slices.Concat(
		p.todayRoutes(),
		p.arrivalsRoutes(),
		p.searchRoutes(),
		p.pressRoutes(),
		p.cardRoutes(),
		p.logRoutes(),
		p.staffRoutes(),
		p.lookRoutes(),
		p.scenarioRoutes(),
		p.textRoutes(),
		p.settingsRoutes(),
		p.connectRoutes(),
		p.measuresRoutes(),
		p.reportRoutes(),
		p.startRoutes(),
		p.auditRoutes(),
		p.twinRoutes(),
		p.importRoutes(),
		p.kindRoutes(),
	)
}
