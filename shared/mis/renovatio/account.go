package renovatio

import (
	"errors"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/outside"
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

var keyText = regexp.MustCompile(`^[A-Za-z0-9_-]{16,128}$`)

// Validate names everything that is missing or wrong in an account at once, as
// errors of the kind dental.Invalid without a secret in them. An account without
// a key takes notices alone, those that say all by themselves.
func Validate(a dental.Account) error {
	var wrong dental.Wrongs
	if _, err := base(a, nil); err != nil {
		wrong.Add("settings."+URLSetting, "%s", err.Error())
	}
	if s := string(a.Secrets[KeySecret]); s != "" && !keyText.MatchString(s) {
		wrong.Add("secrets."+KeySecret, "is not a key of the API: 16 or more letters and digits")
	}
	wrong.Callback(a, "the address of the notices")
	wrong.Strangers(a, "Renovatio", []string{URLSetting}, []string{KeySecret, dental.CallbackSecret})
	return wrong.Err("renovatio: account")
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
		if u.Scheme != "https" && !outside.Loopback(host) {
			return "", bad
		}
	case u.Scheme != "https" || !outside.Domain(u.Hostname()):
		return "", bad
	}
	return u.Scheme + "://" + host, nil
}
