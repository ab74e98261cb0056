package onaws

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// settings reads an environment and remembers what is wrong with it.
type settings struct {
	lookup func(string) (string, bool)
	wrong  []string
	faulty []string // names that stand in wrong
}

// Text is a setting that must be there.
func (s *settings) Text(name string) string {
	value := s.Optional(name)
	if value == "" {
		s.fault(name, "is not set")
	}
	return value
}

// Optional is a setting that may be missing, "" then.
func (s *settings) Optional(name string) string {
	value, _ := s.lookup(name)
	if strings.HasPrefix(value, "{{resolve:") {
		// CloudFormation puts the secret there; whoever runs the template by other means must too.
		s.fault(name, "holds a reference that nobody has resolved")
		return ""
	}
	return value
}

// URL is a setting that must be there and be an absolute URL of one of the
// schemes, without a user, a query or a fragment.
func (s *settings) URL(name string, schemes ...string) string {
	value := s.Text(name)
	u, err := url.Parse(value)
	if value != "" && (err != nil || !slices.Contains(schemes, u.Scheme) || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "") {
		s.fault(name, "is not a URL that begins with "+strings.Join(schemes, ":// or ")+":// and a host")
	}
	return value
}

// minKey is how many bytes a key has at least.
const minKey = 32

// key is a secret, as it stands: a long random text.
func (s *settings) key(name string) []byte {
	value := s.Text(name)
	if value != "" && len(value) < minKey {
		s.fault(name, fmt.Sprintf("has %d bytes, and a key at least %d", len(value), minKey))
	}
	return []byte(value)
}

// Keys is a setting that holds one key or several, separated by spaces, each a
// long random text.
func (s *settings) Keys(name string) (keys [][]byte) {
	for _, value := range strings.Fields(s.Text(name)) {
		if len(value) < minKey {
			s.fault(name, fmt.Sprintf("has a key of %d bytes, and a key has at least %d", len(value), minKey))
		}
		keys = append(keys, []byte(value))
	}
	return keys
}

// Judge takes what a constructor said of the settings that it was given. It is
// passed over when one of them is known to be wrong already: then it says the
// same in other words.
func (s *settings) Judge(err error, names ...string) {
	if err == nil || slices.ContainsFunc(names, func(n string) bool { return slices.Contains(s.faulty, n) }) {
		return
	}
	s.note(strings.Join(names, ", ") + ": " + strings.ReplaceAll(err.Error(), "\n", ", "))
}

func (s *settings) fault(name, what string) {
	if !slices.Contains(s.faulty, name) {
		s.faulty = append(s.faulty, name)
		s.note(name + " " + what)
	}
}

func (s *settings) note(what string) { s.wrong = append(s.wrong, what) }

// Err names all that is missing or wrong so far, nil when nothing is. No secret
// stands in it.
func (s *settings) Err() error {
	if len(s.wrong) == 0 {
		return nil
	}
	return errors.New("onaws: " + strings.Join(s.wrong, "; "))
}
