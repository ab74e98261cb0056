package load

import (
	"sync"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/intake"
)

// Once reads each spelling of a number once for the report and intake, which
// both ask: the plans of the world's numbers are most of what a card costs.
func Once(phones intake.Phones) intake.Phones {
	m := &numbers{read: phones, young: map[spelled]number{}}
	return m.phone
}

// remembered bounds each of the two generations: some chunks' worth of cards.
const remembered = 8192

type spelled struct{ text, country string }

type number struct {
	number dental.Phone
	region string
	mobile bool
	issue  string
}

// numbers forgets the older half of what it knows when the younger is full.
type numbers struct {
	read intake.Phones

	mu         sync.Mutex
	young, old map[spelled]number
}

func (m *numbers) phone(text, country string) (dental.Phone, string, bool, string) {
	key := spelled{text, country}
	m.mu.Lock()
	n, known := m.young[key]
	if !known {
		n, known = m.old[key]
	}
	m.mu.Unlock()
	if known {
		return n.number, n.region, n.mobile, n.issue
	}
	n.number, n.region, n.mobile, n.issue = m.read(text, country)
	m.mu.Lock()
	if m.young[key] = n; len(m.young) >= remembered {
		m.young, m.old = map[spelled]number{}, m.young
	}
	m.mu.Unlock()
	return n.number, n.region, n.mobile, n.issue
}
