package settings

import (
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"maps"
	"reflect"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/store"
)

// PathSecret draws a secret that can stand in a path: 192 random bits, base64url.
func (s *Keeper) PathSecret() (dental.Secret, error) {
	raw := make([]byte, 24)
	if _, err := io.ReadFull(s.Rand, raw); err != nil {
		return "", fmt.Errorf("settings: draw the secret of a path: %w", err)
	}
	return dental.Secret(base64.RawURLEncoding.EncodeToString(raw)), nil
}

// PressPath draws the secret that stands from now on in the path by which an
// account's system tells the clinic; the one before is right for the overlap
// still. What was done is written with it, in entry; the same press, which is
// the entry's id, twice is one, and gives the same secret. A clinic without the
// account is NotFound.
func (s *Keeper) PressPath(ctx context.Context, account string, entry dental.LogEntry, now time.Time, overlap time.Duration) (dental.Secret, error) {
	if !dental.ValidID(entry.ID) {
		return "", dental.Errorf(dental.Invalid, "press", "must be 1 to 64 of the characters A-Z a-z 0-9 . _ : -")
	}
	if overlap < 0 || overlap > maxOverlap {
		return "", dental.Errorf(dental.Invalid, "overlap", "must be from 0 to %v", maxOverlap)
	}
	secret, err := s.PathSecret()
	if err != nil {
		return "", err
	}
	err = s.change(ctx, entry.Clinic, func(stored *dental.Clinic) (*dental.Clinic, []any, error) {
		if stored == nil {
			return nil, nil, unknown(entry.Clinic)
		}
		of, has := stored.Accounts[account]
		if !has {
			return nil, nil, dental.Errorf(dental.NotFound, "", "the clinic has no account with %q", account)
		}
		was := of.Secrets[dental.CallbackSecret]
		if stored.FormerPaths[account].Press == entry.ID || was == secret {
			secret = was // this very press made it
			return nil, nil, nil
		}
		stored.Accounts, stored.FormerPaths = maps.Clone(stored.Accounts), maps.Clone(stored.FormerPaths)
		of.Secrets = maps.Clone(of.Secrets)
		if of.Secrets == nil {
			of.Secrets = map[string]dental.Secret{}
		}
		if stored.FormerPaths == nil {
			stored.FormerPaths = map[string]dental.WebhookSecret{}
		}
		of.Secrets[dental.CallbackSecret] = secret
		stored.Accounts[account] = of
		stored.FormerPaths[account] = dental.WebhookSecret{Secret: was, Until: now.Add(overlap), Press: entry.ID}
		return stored, []any{entry}, nil
	})
	if err != nil {
		return "", err
	}
	return secret, nil
}

// mended is what is written with the accounts that have changed: the jobs that
// have their systems of record asked at once, since what kept them from answering
// may be gone, and of those that lead to another base than before that nothing is
// known of it yet, so that it is read from its beginning, and quietly. Of an
// account that was closed nobody knows any more where it led.
func mended(was dental.Clinic, cl *dental.Clinic, now time.Time) (with []any) {
	for _, system := range dental.Systems() {
		of, has := cl.Accounts[system]
		before, had := was.Accounts[system]
		if !has || had && reflect.DeepEqual(before, of) {
			continue
		}
		with = append(with, store.Job{Clinic: cl.ID, ID: "fetch." + system + ".mended", Kind: store.FetchJob, System: system, Step: store.Mended, Wake: now, Made: now})
		if !had || !dental.SameBase(system, before, of) {
			with = append(with, dental.Pulled{Clinic: cl.ID, System: system})
		}
	}
	return with
}
