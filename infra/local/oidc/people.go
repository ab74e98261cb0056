package oidc

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hkdf"
	"crypto/pbkdf2"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
)

const (
	keyFile    = "issuer.json"
	peopleFile = "people.json"
)

// openKey reads the signing key, a JWK, or makes it, once.
func openKey(dir string, rand io.Reader) (*ecdsa.PrivateKey, string, error) {
	name := filepath.Join(dir, keyFile)
	raw, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		fresh, err := ecdsa.GenerateKey(elliptic.P256(), rand)
		if err != nil {
			return nil, "", err
		}
		raw, err = json.Marshal(jose.JSONWebKey{Key: fresh, KeyID: draw(rand)[:8], Algorithm: string(jose.ES256), Use: "sig"})
		if err == nil {
			err = write(name, raw)
		}
		if err != nil {
			return nil, "", err
		}
	} else if err != nil {
		return nil, "", err
	}
	var jwk jose.JSONWebKey
	if err := json.Unmarshal(raw, &jwk); err != nil {
		return nil, "", fmt.Errorf("%s is not what this program wrote: %w", keyFile, err)
	}
	key, ok := jwk.Key.(*ecdsa.PrivateKey)
	if !ok {
		return nil, "", fmt.Errorf("%s is not what this program wrote: it holds no private key", keyFile)
	}
	return key, jwk.KeyID, nil
}

// people are those who have a password here, or a link to choose one by. The
// file is written whole at each change.
type people struct {
	name string
	rand io.Reader
	work int // iterations of a new hash

	mu  sync.Mutex
	all []account
	// hashing lets one password be tried at a time: a machine has few cores, and a
	// hash is made to be slow. Whoever waits for it holds a place of waiting.
	hashing sync.Mutex
	waiting chan struct{}
}

const (
	// mostWaiting keeps the wait for one's turn to a few seconds.
	mostWaiting = 8
	// busyFor is when to try again, in seconds, where there is no place.
	busyFor = "5"
)

// enter takes a place to wait in, if there is one.
func (p *people) enter() bool {
	select {
	case p.waiting <- struct{}{}:
		return true
	default:
		return false
	}
}

func (p *people) leave() { <-p.waiting }

// account is one person's.
type account struct {
	Address string `json:"address"`
	Name    string `json:"name"`
	// Password is "pbkdf2-sha256$<iterations>$<salt>$<hash>", base64; "" before one was chosen.
	Password string `json:"password,omitempty"`
	// Link is the SHA-256 of the one-time link's token, good until Until, and Spent
	// that of the last one a password was chosen by.
	Link  string    `json:"link,omitempty"`
	Until time.Time `json:"until,omitzero"`
	Spent string    `json:"spent,omitempty"`
}

func openPeople(dir string, rand io.Reader, work int) (*people, error) {
	p := &people{name: filepath.Join(dir, peopleFile), rand: rand, work: work, waiting: make(chan struct{}, mostWaiting)}
	raw, err := os.ReadFile(p.name)
	if errors.Is(err, fs.ErrNotExist) {
		return p, nil
	}
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(raw, &p.all); err != nil {
		return nil, fmt.Errorf("%s is not what this program wrote: %w", peopleFile, err)
	}
	return p, nil
}

// fold makes one address of its spellings.
func fold(address string) string { return strings.ToLower(strings.TrimSpace(address)) }

// change changes one person's account, a new one where there is none, and keeps it.
func (p *people) change(address, name string, to func(*account)) error {
	next := append([]account(nil), p.all...)
	i := 0
	for i < len(next) && next[i].Address != fold(address) {
		i++
	}
	if i == len(next) {
		next = append(next, account{Address: fold(address), Name: name})
	}
	to(&next[i])
	raw, err := json.MarshalIndent(next, "", " ")
	if err == nil {
		err = write(p.name, raw)
	}
	if err != nil {
		return fmt.Errorf("oidc: keep %s: %w", peopleFile, err)
	}
	p.all = next
	return nil
}

func (p *people) find(is func(account) bool) (account, bool) {
	for _, a := range p.all {
		if is(a) {
			return a, true
		}
	}
	return account{}, false
}

func (p *people) of(address string) (account, bool) {
	return p.find(func(a account) bool { return a.Address == fold(address) })
}

// check reports whether a password is the person's. It takes as long for an
// address that nobody has.
func (p *people) check(address, password string) (Person, bool) {
	p.mu.Lock()
	a, _ := p.of(address)
	p.mu.Unlock()
	p.hashing.Lock()
	defer p.hashing.Unlock()
	return Person{a.Address, a.Name}, p.matches(a.Password, password)
}

// Iterations is what OWASP asks of PBKDF2 with HMAC-SHA-256 (Password Storage
// Cheat Sheet, 2023).
const Iterations = 600_000

func hash(password string, salt []byte, n int) (string, error) {
	sum, err := pbkdf2.Key(sha256.New, password, salt, n, sha256.Size)
	if err != nil {
		return "", fmt.Errorf("oidc: hash a password: %w", err)
	}
	b64 := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("pbkdf2-sha256$%d$%s$%s", n, b64(salt), b64(sum)), nil
}

func (p *people) matches(stored, password string) bool {
	parts := strings.Split(stored, "$")
	n, salt := p.work, []byte("nobody has this")
	if len(parts) == 4 {
		var err1, err2 error
		n, err1 = strconv.Atoi(parts[1])
		salt, err2 = base64.RawStdEncoding.DecodeString(parts[2])
		if err1 != nil || err2 != nil {
			return false
		}
	}
	made, err := hash(password, salt, n)
	return err == nil && subtle.ConstantTimeCompare([]byte(made), []byte(stored)) == 1
}

func (p *people) hashed(password string) (string, error) {
	salt := make([]byte, 16)
	if _, err := io.ReadFull(p.rand, salt); err != nil {
		return "", fmt.Errorf("oidc: no randomness: %w", err)
	}
	p.hashing.Lock()
	defer p.hashing.Unlock()
	return hash(password, salt, p.work)
}

// linkLife is how long a one-time link waits for its person.
const linkLife = 7 * 24 * time.Hour

// Invite lets a person choose a password by a one-time link, which is given only
// here: to the same press the same link, so that a second answer to one does not
// end the first, until a password was chosen by it. A person who has a password
// or a link that waits keeps it, and the answer is "", unless they are to have
// another, as whoever has forgotten theirs.
func (p *Provider) Invite(address, name, press string, again bool) (link string, err error) {
	token, err := p.oneTime(address, press)
	if err != nil {
		return "", err
	}
	p.people.mu.Lock()
	defer p.people.mu.Unlock()
	a, _ := p.people.of(address)
	now, own := p.Clock(), digest(token)
	link = p.Issuer + "/password?token=" + token
	waits := a.Link != "" && now.Before(a.Until)
	switch {
	case waits && a.Link == own:
		return link, nil
	case a.Spent == own, !again && (a.Password != "" || waits):
		return "", nil
	}
	err = p.people.change(address, name, func(a *account) { a.Link, a.Until = own, now.Add(linkLife) })
	if err != nil {
		return "", err
	}
	return link, nil
}

// oneTime is the token of the link that a press makes for an address: it is
// drawn from the signing key, so that nobody else can, and kept nowhere.
func (p *Provider) oneTime(address, press string) (string, error) {
	secret, err := p.key.Bytes()
	if err != nil {
		return "", fmt.Errorf("oidc: read the signing key: %w", err)
	}
	token, err := hkdf.Key(sha256.New, secret, nil, "one-time link\x00"+fold(address)+"\x00"+press, 32)
	if err != nil {
		return "", fmt.Errorf("oidc: draw a one-time link: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(token), nil
}

// Ensure gives a person who has neither a password nor a link a password, which
// is told only here; "" where they have one.
func (p *Provider) Ensure(address, name string) (password string, err error) {
	p.people.mu.Lock()
	a, known := p.people.of(address)
	p.people.mu.Unlock()
	if known && (a.Password != "" || a.Link != "") {
		return "", nil
	}
	b := make([]byte, 15)
	if _, err := io.ReadFull(p.Rand, b); err != nil {
		return "", fmt.Errorf("oidc: no randomness: %w", err)
	}
	letters := strings.ToLower(base32.StdEncoding.EncodeToString(b)) // 24 of them, 120 bits
	password = letters[:6] + "-" + letters[6:12] + "-" + letters[12:18] + "-" + letters[18:]
	hashed, err := p.people.hashed(password)
	if err != nil {
		return "", err
	}
	p.people.mu.Lock()
	defer p.people.mu.Unlock()
	return password, p.people.change(address, name, func(a *account) { a.Password = hashed })
}

func digest(token string) string {
	sum := sha256.Sum256([]byte(token))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// invited finds the person whom a link's token is for.
func (p *Provider) invited(token string) (account, bool) {
	p.people.mu.Lock()
	defer p.people.mu.Unlock()
	wanted := digest(token)
	a, ok := p.people.find(func(a account) bool {
		return a.Link != "" && subtle.ConstantTimeCompare([]byte(a.Link), []byte(wanted)) == 1
	})
	return a, ok && p.Clock().Before(a.Until)
}

// choose sets the password of whom a link is for, once.
func (p *Provider) choose(token, password string) (bool, error) {
	hashed, err := p.people.hashed(password)
	if err != nil {
		return false, err
	}
	a, ok := p.invited(token)
	if !ok {
		return false, nil
	}
	p.people.mu.Lock()
	defer p.people.mu.Unlock()
	if now, _ := p.people.of(a.Address); now.Link != a.Link {
		return false, nil // another window was first
	}
	return true, p.people.change(a.Address, a.Name, func(a *account) { a.Password, a.Spent, a.Link, a.Until = hashed, a.Link, "", time.Time{} })
}

// write replaces a file at once, for its owner only, on the disk.
func write(name string, content []byte) error {
	f, err := os.OpenFile(name+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), name); err != nil {
		return err
	}
	d, err := os.Open(filepath.Dir(name))
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
