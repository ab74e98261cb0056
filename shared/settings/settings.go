// Package settings keeps what a clinic has set: what a new clinic starts from,
// how the settings of a JSON document are laid over the ones that stand, and the
// secrets that its MIS signs with.
package settings

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/scenario"
	"github.com/returnpoint/returnpoint/shared/signature"
	"github.com/returnpoint/returnpoint/shared/store"
)

// New is a clinic that has set nothing yet. One scenario is on, the reminders
// of appointments, which harm nobody and help from the first day; each of the
// others is switched on by the clinic when it is ready, and staff release what
// it advertises.
func New(id string) dental.Clinic {
	c := dental.Clinic{
		ID: id, Country: "RU", TimeZone: "Europe/Moscow", Language: "ru", SendFrom: 9 * 60, SendTo: 21 * 60,
		Channels: []dental.Channel{dental.SMS, dental.Mail}, Opening: dental.Opening{}, Currency: "RUB",
		CareConsent: dental.Presumed, Scenarios: map[string]dental.ScenarioSettings{}, CapPerWeek: 1,
		Referral: dental.ReferralTerms{Reward: shippedReward(), Who: "both"}, ClubVisits: 3, BonusDays: 365, EventsPerSecond: 500,
	}
	for _, day := range dental.Weekdays()[1:] {
		c.Opening[day] = dental.Span{From: 9 * 60, To: 20 * 60}
	}
	for _, name := range scenario.Shipped().Names() {
		c.Scenarios[name] = dental.ScenarioSettings{On: name == "appointment", Release: dental.ReleaseStaff}
	}
	return c
}

// shippedReward is what a recommendation earns until the clinic says otherwise.
func shippedReward() dental.Money { return dental.Money{Minor: 500_00, Currency: "RUB"} }

// Demo is the clinic that one machine starts with: everything is on and goes
// out by itself. Its phone and addresses belong to nobody.
func Demo() dental.Clinic {
	c := New("demo")
	c.Name, c.Phone, c.Address = "Клиника Исток", "+74950000000", "Москва, ул. Примерная, 1"
	c.MarginPermille, c.PartPrice = 400, dental.Money{Minor: 4_50, Currency: "RUB"}
	c.Maps = []dental.Map{
		{Name: "Яндекс Карты", URL: "https://yandex.example.com/maps/istok", Ask: dental.AskHappy},
		{Name: "2ГИС", URL: "https://2gis.example.com/istok", Ask: dental.AskHappy},
	}
	c.Gifts = []dental.Gift{
		{ID: "brush", Name: "Набор для ухода за зубами", Cost: dental.Money{Minor: 450_00, Currency: "RUB"}},
		{ID: "photo", Name: "Осмотр с фотопротоколом", Cost: dental.Money{Minor: 900_00, Currency: "RUB"}},
		{ID: "polish", Name: "Полировка зубов", Cost: dental.Money{Minor: 700_00, Currency: "RUB"}},
	}
	for _, name := range scenario.Shipped().Names() {
		c.Scenarios[name] = dental.ScenarioSettings{On: true, Release: dental.ReleaseAuto}
	}
	return c
}

// Keeper keeps the clinics' settings and signing secrets.
type Keeper struct {
	Store *store.Store
	// Rand is what secrets are drawn from: crypto/rand.Reader outside tests.
	Rand io.Reader
	// Providers judge the accounts that a clinic may have, by the provider's name.
	Providers map[string]func(dental.Account) error
}

// maxOverlap bounds how long a secret that was replaced goes on verifying.
const maxOverlap = 30 * 24 * time.Hour

// Put lays the settings of the patch over the clinic's, or over New of a clinic
// that does not exist yet, and reports whether it made one. A new clinic has a
// secret to sign with. A scenario that it switches on begins with today's
// facts; with backlogPerDay those whose day has passed are left to a job, which
// lets them take their turns. Errors are those of Apply, and Invalid for an id
// that no clinic can have or an account that its provider's package refuses.
func (s *Keeper) Put(ctx context.Context, id string, patch []byte, now time.Time) (created bool, cl *dental.Clinic, err error) {
	secret, err := s.draw()
	if err != nil {
		return false, nil, err
	}
	err = s.change(ctx, id, func(stored *dental.Clinic) (*dental.Clinic, []any, error) {
		// Our own secret on what is stored is an earlier try whose answer was lost.
		created = stored == nil || signsWith(stored, secret)
		if stored == nil {
			fresh := New(id)
			fresh.Secrets = []dental.WebhookSecret{{Secret: secret}}
			stored = &fresh
		}
		var jobs []any
		cl, jobs, err = s.lay(ctx, *stored, patch, now)
		return cl, jobs, err
	})
	if err != nil {
		return false, nil, err
	}
	return created, cl, nil
}

// Press is Put by a member of staff on a clinic that is there: what they did is
// written with it, in entry. A group it refuses: whoever is in one sees the
// contacts, refusals and cards of the group's other clinics, so that it is not
// for a clinic's owner to say, but for the operator, who founds clinics.
func (s *Keeper) Press(ctx context.Context, patch []byte, entry dental.LogEntry, now time.Time) (cl *dental.Clinic, err error) {
	var named map[string]json.RawMessage // what cannot be read as one Apply refuses
	if json.Unmarshal(patch, &named) == nil && named["group"] != nil {
		return nil, &Refusal{Faults: []Fault{{Path: "group", code: "operator"}}}
	}
	err = s.change(ctx, entry.Clinic, func(stored *dental.Clinic) (*dental.Clinic, []any, error) {
		if stored == nil {
			return nil, nil, unknown(entry.Clinic)
		}
		var with []any
		cl, with, err = s.lay(ctx, *stored, patch, now)
		return cl, append(with, entry), err
	})
	if err != nil {
		return nil, err
	}
	return cl, nil
}

// lay lays a patch over a clinic, and gives what is to be written with it.
func (s *Keeper) lay(ctx context.Context, stored dental.Clinic, patch []byte, now time.Time) (*dental.Clinic, []any, error) {
	next, err := Apply(stored, patch)
	if err == nil {
		err = s.accounts(next)
	}
	if err == nil && next.Owner() != stored.Owner() {
		err = s.ownable(ctx, stored.ID)
	}
	if err != nil {
		return nil, nil, err
	}
	return &next, append(begin(stored, &next, now), mended(stored, &next, now)...), nil
}

// begin notes since when a scenario that is switched on counts, and the first
// time that any is, and gives the jobs that find its backlog.
func begin(was dental.Clinic, cl *dental.Clinic, now time.Time) (jobs []any) {
	for _, name := range slices.Sorted(maps.Keys(cl.Scenarios)) {
		before, s := was.Scenario(name), cl.Scenarios[name]
		fresh := s.On && !before.On
		if fresh {
			s.Since = cl.Today(now)
			cl.Scenarios[name] = s
		}
		if fresh && cl.StartedAt.IsZero() {
			cl.StartedAt = now
		}
		if s.On && s.BacklogPerDay > 0 && (fresh || before.BacklogPerDay == 0) {
			jobs = append(jobs, store.Job{Clinic: cl.ID, ID: "backlog." + name + "." + cl.Today(now).String(), Kind: store.BacklogJob,
				Scenario: name, Day: cl.Today(now), Wake: now, Made: now})
		}
	}
	return jobs
}

// accounts asks the providers' packages about the clinic's accounts.
func (s *Keeper) accounts(cl dental.Clinic) error {
	for _, name := range slices.Sorted(maps.Keys(cl.Accounts)) {
		judge, known := s.Providers[name]
		if !known {
			return &Refusal{Faults: []Fault{{Path: "accounts." + name, code: "provider"}}}
		}
		if err := judge(cl.Accounts[name]); err != nil {
			return &dental.Error{Kind: dental.Invalid, Field: "accounts." + name, Message: dental.MessageOf(err), Err: err}
		}
	}
	return nil
}

// ownable refuses another owner for a clinic that has patients: refusals and
// caps are kept under the owner, and would be forgotten.
func (s *Keeper) ownable(ctx context.Context, id string) error {
	has, err := s.Store.HasPatients(ctx, id)
	if err == nil && has {
		err = &Refusal{Faults: []Fault{{Path: "group", code: "group"}}}
	}
	return err
}

// Create stores a clinic, with a secret to sign with, unless one of its id
// exists, which is left as it is; it reports whether it did. One that has more
// scenarios on than New has starts now.
func (s *Keeper) Create(ctx context.Context, cl dental.Clinic, now time.Time) (created bool, err error) {
	secret, err := s.draw()
	if err != nil {
		return false, err
	}
	cl.Secrets = append(slices.Clone(cl.Secrets), dental.WebhookSecret{Secret: secret})
	fresh := New(cl.ID)
	if cl.StartedAt.IsZero() && slices.ContainsFunc(slices.Collect(maps.Keys(cl.Scenarios)), func(name string) bool {
		return cl.Scenario(name).On && !fresh.Scenario(name).On
	}) {
		cl.StartedAt = now
	}
	err = s.change(ctx, cl.ID, func(stored *dental.Clinic) (*dental.Clinic, []any, error) {
		if created = stored == nil || signsWith(stored, secret); stored == nil {
			return &cl, nil, nil
		}
		return nil, nil, nil
	})
	return created && err == nil, err
}

// RotateSecret draws the secret to sign with from now on. The ones before it
// go on verifying for the overlap, so that nothing in flight is lost.
func (s *Keeper) RotateSecret(ctx context.Context, id string, now time.Time, overlap time.Duration) (dental.Secret, error) {
	return s.rotate(ctx, id, "", now, overlap)
}

// PressRotate is RotateSecret by a member of staff: what they did is written with it, in entry.
// The same press, which is the entry's id, twice is one, and gives the same secret.
func (s *Keeper) PressRotate(ctx context.Context, entry dental.LogEntry, now time.Time, overlap time.Duration) (dental.Secret, error) {
	if !dental.ValidID(entry.ID) {
		return "", dental.Errorf(dental.Invalid, "press", "must be 1 to 64 of the characters A-Z a-z 0-9 . _ : -")
	}
	return s.rotate(ctx, entry.Clinic, entry.ID, now, overlap, entry)
}

func (s *Keeper) rotate(ctx context.Context, id, press string, now time.Time, overlap time.Duration, with ...any) (dental.Secret, error) {
	if overlap < 0 || overlap > maxOverlap {
		return "", dental.Errorf(dental.Invalid, "overlap", "must be from 0 to %v", maxOverlap)
	}
	secret, err := s.draw()
	if err != nil {
		return "", err
	}
	err = s.change(ctx, id, func(stored *dental.Clinic) (*dental.Clinic, []any, error) {
		switch {
		case stored == nil:
			return nil, nil, unknown(id)
		case signsWith(stored, secret):
			return nil, nil, nil // an earlier try whose answer was lost
		}
		for _, was := range stored.Secrets {
			if press != "" && was.Press == press {
				secret = was.Secret
				return nil, nil, nil // this very press made it
			}
		}
		stored.RotateSecret(secret, now, overlap)
		stored.Secrets[len(stored.Secrets)-1].Press = press
		return stored, with, nil
	})
	if err != nil {
		return "", err
	}
	return secret, nil
}

// Secret is the one to sign with at the instant: the newest that verifies. A
// clinic that is unknown or has none is NotFound.
func (s *Keeper) Secret(ctx context.Context, id string, now time.Time) (dental.Secret, error) {
	cl, err := s.Store.Begin().Clinic(ctx, id)
	if err != nil {
		return "", err
	}
	active := cl.ActiveSecrets(now)
	if len(active) == 0 {
		return "", dental.Errorf(dental.NotFound, "", "the clinic %q has no secret to sign with", id)
	}
	return active[len(active)-1], nil
}

// change reads a clinic, nil when there is none, and writes what next makes of
// it, with what goes with it, unless that is nil. next may be asked again when another's write is first.
func (s *Keeper) change(ctx context.Context, id string, next func(stored *dental.Clinic) (cl *dental.Clinic, with []any, err error)) error {
	if !dental.ValidID(id) {
		return dental.Errorf(dental.Invalid, "clinic", "must be 1 to 64 of the characters A-Z a-z 0-9 . _ : -")
	}
	return store.Retry(ctx, func(ctx context.Context) error {
		tx := s.Store.Begin()
		stored, err := tx.Clinic(ctx, id)
		if err != nil && dental.KindOf(err) != dental.NotFound {
			return err
		}
		cl, with, err := next(stored)
		if err != nil || cl == nil {
			return err
		}
		tx.Put(*cl)
		for _, noun := range with {
			if p, is := noun.(dental.Pulled); is { // it stands in the place of what is there
				if _, err := tx.Pulled(ctx, p); err != nil {
					return err
				}
			}
			tx.Put(noun)
		}
		return tx.Commit(ctx)
	})
}

func unknown(id string) error {
	return dental.Errorf(dental.NotFound, "", "there is no clinic %q", id)
}

func (s *Keeper) draw() (dental.Secret, error) {
	secret, err := signature.NewSecret(s.Rand)
	if err != nil {
		return "", fmt.Errorf("desk: make a webhook secret: %w", err)
	}
	return dental.Secret(secret.Reveal()), nil
}

func signsWith(cl *dental.Clinic, secret dental.Secret) bool {
	return slices.ContainsFunc(cl.Secrets, func(s dental.WebhookSecret) bool { return s.Secret == secret })
}
