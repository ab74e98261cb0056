package report

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/store"
)

// Told is a week's report as it was sent.
type Told struct {
	Week
	At time.Time
	// Letters are what became of them, by the Staff.Key of whom they were for.
	Letters map[string]store.NoticeLetter
}

// Past reads the report of the week that begins on the Monday as it was told;
// ok is false for one that was not.
func Past(ctx context.Context, s *store.Store, clinic string, monday dental.Date) (t Told, ok bool, err error) {
	notices, err := s.Begin().Notices(ctx, store.Notice{Clinic: clinic, Kind: store.WeekNotice, Anchor: monday.String()})
	if err != nil {
		return t, false, fmt.Errorf("report: read a week's report: %w", err)
	}
	n := notices[0]
	if n.At.IsZero() {
		return t, false, nil
	}
	if err := json.Unmarshal(n.Body, &t.Week); err != nil {
		return t, false, fmt.Errorf("report: read the report of %s: %w", monday, err)
	}
	t.At, t.Letters = n.At, n.Letters
	return t, true, nil
}

// Mondays lists the weeks of which a clinic was told, the latest first, n at most.
func Mondays(ctx context.Context, s *store.Store, clinic string, n int) ([]dental.Date, error) {
	notices, _, err := s.Told(ctx, clinic, store.WeekNotice, n, "")
	if err != nil {
		return nil, fmt.Errorf("report: list the weeks: %w", err)
	}
	var out []dental.Date
	for _, notice := range notices {
		if d, err := dental.ParseDate(notice.Anchor); err == nil {
			out = append(out, d)
		}
	}
	return out, nil
}
