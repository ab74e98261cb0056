package settings

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
)

// PressLook sets what makes a clinic's pages its own, by a member of staff: the
// colour, as the setting "color" has it, and the logo. A logo takes the place of
// the one that stands, which nil leaves as it is; one without an image takes it
// away. Its Kind and Image alone are looked at. What was done is written with
// it, in entry; errors are those of Press.
func (s *Keeper) PressLook(ctx context.Context, color string, logo *dental.Logo, entry dental.LogEntry, now time.Time) error {
	patch, err := json.Marshal(map[string]string{"color": color})
	if err != nil {
		return fmt.Errorf("settings: write a colour: %w", err)
	}
	return s.change(ctx, entry.Clinic, func(stored *dental.Clinic) (*dental.Clinic, []any, error) {
		if stored == nil {
			return nil, nil, unknown(entry.Clinic)
		}
		next, with, err := s.lay(ctx, *stored, patch, now)
		if err != nil {
			return nil, nil, err
		}
		with = append(with, entry)
		if logo != nil {
			named := dental.Logo{Clinic: entry.Clinic, Kind: logo.Kind, Image: logo.Image, At: now}
			if len(named.Image) > 0 {
				sum := sha256.Sum256(named.Image)
				named.Name = hex.EncodeToString(sum[:6])
			}
			next.Logo, with = named.Name, append(with, named)
		}
		return next, with, nil
	})
}
