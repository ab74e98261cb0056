package store

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strings"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/table"
)

// ContactKey is the keyed hash under which an owner's clinics know a phone or
// an address: base64url of HMAC-SHA256(contact key, owner, address).
func (s *Store) ContactKey(c *dental.Clinic, address string) string {
	mac := hmac.New(sha256.New, s.keys.Contact)
	mac.Write([]byte(c.Owner() + "\x00" + strings.ToLower(address)))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// Contacts reads the contacts of any number of addresses, leaving out "". One never
// seen is empty but for its Key.
func (tx *Tx) Contacts(ctx context.Context, c *dental.Clinic, addresses ...string) (map[string]*dental.Contact, error) {
	out := map[string]*dental.Contact{}
	byKey := map[string]*dental.Contact{}
	for _, a := range addresses {
		if a == "" || out[a] != nil {
			continue
		}
		k := tx.store.ContactKey(c, a)
		if byKey[k] == nil { // two spellings of one e-mail address are one contact
			byKey[k] = &dental.Contact{Key: k}
		}
		out[a] = byKey[k]
	}
	for some := range slices.Chunk(slices.Sorted(maps.Keys(byKey)), table.MaxGet) {
		keys := make([]table.Key, len(some))
		for i, k := range some {
			keys[i] = contactKey(k)
		}
		items, err := tx.get(ctx, keys...)
		if err != nil {
			return nil, err
		}
		for i, it := range items {
			if err := decode(it.Attr, byKey[some[i]]); err != nil {
				return nil, fmt.Errorf("store: contact: %w", err)
			}
		}
	}
	return out, nil
}

// ContactByKey reads one contact by the key that an attempt or a member keeps.
func (tx *Tx) ContactByKey(ctx context.Context, key string) (*dental.Contact, error) {
	items, err := tx.get(ctx, contactKey(key))
	if err != nil {
		return nil, err
	}
	contact := &dental.Contact{Key: key}
	if err := decode(items[0].Attr, contact); err != nil {
		return nil, fmt.Errorf("store: contact: %w", err)
	}
	return contact, nil
}

const base62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// tokenLength gives 62^16, about 95 bits.
const tokenLength = 16

// Token is the unguessable part of a link's URL: 16 characters of base62 of
// HMAC-SHA256(link key, purpose, clinic, patient, subject). The same link has
// the same token each time, and only its hash is stored.
func (s *Store) Token(l dental.Link) string {
	mac := hmac.New(sha256.New, s.keys.Link)
	mac.Write([]byte(strings.Join([]string{string(l.Purpose), l.Clinic, l.Patient, l.Subject}, "\x00")))
	n, base, digit := new(big.Int).SetBytes(mac.Sum(nil)), big.NewInt(int64(len(base62))), new(big.Int)
	token := make([]byte, tokenLength)
	for i := range token {
		n.DivMod(n, base, digit)
		token[i] = base62[digit.Int64()]
	}
	return string(token)
}

// TokenHash is what is stored of a token: hex SHA-256.
func TokenHash(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

// LinkByHash reads a link by the hash that a touch keeps of it; the zero Link
// is one that is no more.
func (tx *Tx) LinkByHash(ctx context.Context, hash string) (dental.Link, error) {
	items, err := tx.get(ctx, linkKey(hash))
	if err != nil {
		return dental.Link{}, err
	}
	var l dental.Link
	if err := decode(items[0].Attr, &l); err != nil {
		return l, fmt.Errorf("store: link: %w", err)
	}
	l.Expires = items[0].Expires
	return l, nil
}

// Link finds what a token opens. Unknown, expired, malformed and of another
// purpose all look the same: NotFound.
func (tx *Tx) Link(ctx context.Context, purpose dental.Purpose, token string, now time.Time) (dental.Link, error) {
	gone := dental.Errorf(dental.NotFound, "", "there is no such link, or not any more")
	if len(token) != tokenLength || strings.Trim(token, base62+"-_") != "" {
		return dental.Link{}, gone
	}
	l, err := tx.LinkByHash(ctx, TokenHash(token))
	if err != nil {
		return dental.Link{}, err
	}
	if l.Hash == "" || l.Purpose != purpose || !l.Expires.IsZero() && !now.Before(l.Expires) {
		return dental.Link{}, gone
	}
	return l, nil
}
