package main

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/returnpoint/returnpoint/functions/import/formats"
	"github.com/returnpoint/returnpoint/infra/local/oidc"
	"github.com/returnpoint/returnpoint/shared/app/team"
	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/store"
)

// issuerPath is where the built-in identity provider stands.
const issuerPath = "/oidc"

// clientID is the desk's at the built-in provider.
const clientID = "desk"

// post is a person's post in the demo clinic.
type post struct {
	oidc.Person
	role dental.Role
}

// posts are those of the demo clinic. Their people are nobody's.
func posts() []post {
	return []post{
		{oidc.Person{Address: "administrator@example.com", Name: "Ольга Ветрова"}, dental.Administrator},
		{oidc.Person{Address: "manager@example.com", Name: "Павел Лугов"}, dental.Manager},
		{oidc.Person{Address: "owner@example.com", Name: "Марина Озерова"}, dental.Owner},
	}
}

// openPeople opens the identity provider. The demo's people sign in only where
// the machine shows itself off.
func (m *machine) openPeople(base string) (err error) {
	o := oidc.Options{Issuer: base + issuerPath, ClientID: clientID, Callback: base + "/desk/callback", Home: base + "/desk", Dir: m.dir,
		Near:  func(r *http.Request) bool { return loopback(r.RemoteAddr) && loopback(r.Host) && !proxied(r.Header) },
		Clock: m.clock.Now, Rand: rand.Reader}
	if m.plan.console {
		for _, p := range posts() {
			o.Demo = append(o.Demo, p.Person)
		}
	}
	m.people, err = oidc.Open(o)
	return err
}

// composeDesk composes the desk over the built-in provider.
func (m *machine) composeDesk(base string) error {
	key, err := sessionKey(filepath.Join(m.dir, "session.key"))
	if err != nil {
		return err
	}
	m.parts.desk, err = team.Desk(m.parts.Deps, team.Front{
		Base: base, Issuer: base + issuerPath, ClientID: clientID, Keys: [][]byte{key}, Client: m.people.Client(),
		Operator: m.operator, Invite: m.people.Invite, Accounts: m.settings.Providers,
		Files: m.files, Formats: formats.All(), Imports: m.parts.queues.Imports,
	})
	return err
}

// sessionKey reads the key of the sessions, or makes it, once.
func sessionKey(path string) ([]byte, error) {
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		raw = []byte(newKey())
		err = writeOnce(path, raw)
	}
	if err != nil {
		return nil, fmt.Errorf("session key: %w", err)
	}
	key, err := base64.StdEncoding.DecodeString(string(raw))
	if err != nil {
		return nil, fmt.Errorf("session key: %s is not what this program wrote: %w", filepath.Base(path), err)
	}
	return key, nil
}

// staffDemo gives the demo clinic its people: the three of the demonstration, or
// for real use the operator, as its owner. A clinic that has staff keeps them.
// Who wants the weekly report says so on the page of staff.
func (m *machine) staffDemo(ctx context.Context) error {
	have, err := m.store.StaffOf(ctx, demo)
	if err != nil || len(have) > 0 {
		return err
	}
	wanted := posts()
	if !m.plan.console {
		wanted = []post{{oidc.Person{Address: m.operator, Name: operatorName}, dental.Owner}}
	}
	return store.Retry(ctx, func(ctx context.Context) error {
		tx, now := m.store.Begin(), m.clock.Now()
		for _, p := range wanted {
			key := m.store.StaffKey(p.Address)
			if _, err := tx.Staff(ctx, demo, key); err != nil {
				return err
			}
			tx.Put(dental.Staff{Clinic: demo, Key: key, Email: dental.Email(p.Address), Name: p.Name, Role: p.role, Since: now})
		}
		return tx.Commit(ctx)
	})
}

// operatorName is what the operator is called until they say otherwise.
const operatorName = "Владелец"

// signInLines say how one signs in: as the demo's people, or for real use as the
// operator, whose first password is told here and nowhere else.
func (m *machine) signInLines() (string, error) {
	if !m.plan.console {
		password, err := m.people.Ensure(m.operator, operatorName)
		if err != nil || password == "" {
			return "", err
		}
		return fmt.Sprintf("  sign-in   %s, password %s (shown this once; the page of staff gives a link for another)\n", m.operator, password), nil
	}
	var addresses []string
	for _, p := range posts() {
		addresses = append(addresses, p.Address)
	}
	return fmt.Sprintf("  sign-in   %s; password %s\n", strings.Join(addresses, ", "), oidc.Password), nil
}
