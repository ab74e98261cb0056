package yclients

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"slices"

	"github.com/returnpoint/returnpoint/shared/dental"
)

// The settings and secrets of an account, beside dental.CallbackSecret.
const (
	// CompanySetting is the number of the company (филиал, location), "12345".
	CompanySetting = "company"
	// URLSetting is the API's host, "https://api.alteg.io" for Altegio; "" is YCLIENTS.
	URLSetting = "url"
	// PartnerSecret and UserSecret are the tokens of the partner and of the user in
	// whose name the API is asked. Without both the clinic's webhooks are read all
	// the same, and nothing is asked or written back.
	PartnerSecret = "partner"
	UserSecret    = "user"
)

// The hosts of the API; a clinic chooses between them and can name no other.
const (
	russia = "api.yclients.com"
	abroad = "api.alteg.io"
)

var (
	company    = regexp.MustCompile(`^[1-9][0-9]{0,17}$`)
	token      = regexp.MustCompile(`^[A-Za-z0-9]{8,128}$`)
	pathSecret = regexp.MustCompile(`^[A-Za-z0-9_-]{16,128}$`)
)

// Validate names everything that is missing or wrong in an account at once, as
// errors of the kind dental.Invalid, none of which has a secret in its text. An
// account without tokens is a whole one: its webhooks are all that is heard of
// it. One token without the other is a mistake.
func Validate(a dental.Account) error {
	_, err := open(a, nil)
	return err
}

// access is how a company's API is asked.
type access struct {
	host    string
	base    string // of the paths
	company string
	accept  string
	// authorization has the tokens in it and may stand in no text; "" without them.
	authorization string
}

// open reads an account. hosts are those that may be named beside the vendor's.
func open(a dental.Account, hosts []string) (access, error) {
	var wrong []error
	bad := func(field, format string, args ...any) {
		wrong = append(wrong, dental.Errorf(dental.Invalid, field, format, args...))
	}
	at := access{company: a.Settings[CompanySetting], host: russia, accept: "application/vnd.yclients.v2+json"}
	switch {
	case at.company == "":
		bad("settings."+CompanySetting, "is missing: the number of the company, as in the address of its pages")
	case !company.MatchString(at.company):
		bad("settings."+CompanySetting, "is not the number of a company")
	}
	if s := a.Settings[URLSetting]; s != "" {
		u, err := url.Parse(s)
		known := err == nil && u.User == nil && u.RawQuery == "" && u.Fragment == "" && (u.Path == "" || u.Path == "/") &&
			(u.Scheme == "https" && (u.Host == russia || u.Host == abroad) || slices.Contains(hosts, u.Host))
		if !known {
			bad("settings."+URLSetting, "is neither https://%s nor https://%s", russia, abroad)
		} else {
			at.host = u.Host
		}
	}
	if at.host == abroad {
		at.accept = "application/vnd.api.v2+json"
	}
	at.base = scheme(at.host) + "://" + at.host + "/api/v1"
	partner, user := string(a.Secrets[PartnerSecret]), string(a.Secrets[UserSecret])
	for _, s := range []struct{ name, own, other string }{{PartnerSecret, partner, user}, {UserSecret, user, partner}} {
		switch {
		case s.own == "" && s.other != "":
			bad("secrets."+s.name, "is missing: the API is asked with both tokens or not at all")
		case s.own != "" && !token.MatchString(s.own):
			bad("secrets."+s.name, "is not 8 or more Latin letters and digits")
		}
	}
	if partner != "" && user != "" {
		at.authorization = "Bearer " + partner + ", User " + user
	}
	if !pathSecret.MatchString(string(a.Secrets[dental.CallbackSecret])) {
		bad("secrets."+dental.CallbackSecret, "is not 16 or more Latin letters, digits, - and _: it stands in the path of the webhooks")
	}
	for _, key := range slices.Sorted(maps.Keys(a.Settings)) {
		if key != CompanySetting && key != URLSetting {
			bad("settings."+key, "is no setting of this system")
		}
	}
	for _, key := range slices.Sorted(maps.Keys(a.Secrets)) {
		if key != PartnerSecret && key != UserSecret && key != dental.CallbackSecret {
			bad("secrets."+key, "is no secret of this system")
		}
	}
	if len(wrong) > 0 {
		return access{}, fmt.Errorf("yclients: account: %w", errors.Join(wrong...))
	}
	return at, nil
}

// scheme is https but for a test server on this machine, which only the
// deployment's own hosts can name.
func scheme(host string) string {
	name := host
	if h, _, err := net.SplitHostPort(host); err == nil {
		name = h
	}
	if ip, err := netip.ParseAddr(name); err == nil && ip.IsLoopback() {
		return "http"
	}
	return "https"
}
