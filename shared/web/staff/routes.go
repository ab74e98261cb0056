package staff

import "github.com/returnpoint/returnpoint/shared/dental"

// routes is every path of a clinic's desk, with the role that each asks for.
func (p *Pages) routes() []route {
	return []route{
		{path: "/desk/{clinic}", get: p.today, least: dental.Administrator},
	}
}
