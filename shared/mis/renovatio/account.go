package renovatio

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/returnpoint/returnpoint/shared/dental"
)

// The settings and secrets of an account.
const (
	// URLSetting is the address of the clinic's own server where it does not work at
	// https://app.rnova.org.
	URLSetting = "url"
	// KeySecret is the key of the API. Without it nothing can be asked.
	KeySecret = "key"
)

// address is the vendor's cloud.
const address = "https://app.rnova.org"

var (
	keyText    = regexp.MustCompile(`^[A-Za-z0-9_-]{16,128}$`)
	pathSecret = regexp.MustCompile(`^[A-Za-z0-9_-]{16,128}$`)
	// hostName is a name of the public network: with a dot, and no address.
	hostName = regexp.MustCompile(`^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]$`)
)

// Validate names everything that is missing or wrong in an account at once, as
// errors of the kind dental.Invalid without a secret in them. An account without
// a key takes notices alone, those that say all by themselves.
func Validate(a dental.Account) error {
	var wrong []error
	lacks := func(field, format string, args ...any) {
		wrong = append(wrong, dental.Errorf(dental.Invalid, field, format, args...))
	}
	if _, err := base(a, nil); err != nil {
		lacks("settings."+URLSetting, "%s", err.Error())
	}
	if s := string(a.Secrets[KeySecret]); s != "" && !keyText.MatchString(s) {
		lacks("secrets."+KeySecret, "is not a key of the API: 16 or more letters and digits")
	}
	if s := string(a.Secrets[dental.CallbackSecret]); !pathSecret.MatchString(s) {
		lacks("secrets."+dental.CallbackSecret, "is not 16 or more Latin letters, digits, - and _: it stands in the address of the notices")
	}
	for _, key := range slices.Sorted(maps.Keys(a.Settings)) {
		if key != URLSetting {
			lacks("settings."+key, "is no setting of Renovatio")
		}
	}
	for _, key := range slices.Sorted(maps.Keys(a.Secrets)) {
		if key != KeySecret && key != dental.CallbackSecret {
			lacks("secrets."+key, "is no secret of Renovatio")
		}
	}
	if len(wrong) > 0 {
		return fmt.Errorf("renovatio: account: %w", errors.Join(wrong...))
	}
	return nil
}

// base is the server's address without a slash at its end. Clinics have servers of
// their own, under names of their own and often at a port of their own; what is
// refused is what only this machine's network could mean. hosts are allowed
// whatever they are.
func base(a dental.Account, hosts []string) (string, error) {
	given := a.Settings[URLSetting]
	if given == "" {
		return address, nil
	}
	bad := errors.New("is not the address of a server of Renovatio, such as " + address)
	u, err := url.Parse(given)
	if err != nil || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return "", bad
	}
	if path := strings.Trim(u.Path, "/"); path != "" && path != "api/public" {
		return "", bad
	}
	host := strings.ToLower(u.Host)
	switch {
	case slices.Contains(hosts, host):
		if u.Scheme != "https" && !loopback(host) {
			return "", bad
		}
	case u.Scheme != "https" || !hostName.MatchString(strings.ToLower(u.Hostname())) || within(u.Hostname(), "local", "localhost", "internal", "lan", "home", "corp", "intranet"):
		return "", bad
	}
	return u.Scheme + "://" + host, nil
}

// within reports whether a name ends in one of the top levels.
func within(name string, tops ...string) bool {
	return slices.ContainsFunc(tops, func(top string) bool { return strings.HasSuffix(strings.ToLower(name), "."+top) })
}

// loopback reports a host on this machine: a test server's.
func loopback(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}
