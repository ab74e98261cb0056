package yclients

import (
	"net/url"
	"regexp"
	"slices"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/outside"
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
	company = regexp.MustCompile(`^[1-9][0-9]{0,17}$`)
	token   = regexp.MustCompile(`^[A-Za-z0-9]{8,128}$`)
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
	var wrong dental.Wrongs
	at := access{company: a.Settings[CompanySetting], host: russia, accept: "application/vnd.yclients.v2+json"}
	switch {
	case at.company == "":
		wrong.Add("settings."+CompanySetting, "is missing: the number of the company, as in the address of its pages")
	case !company.MatchString(at.company):
		wrong.Add("settings."+CompanySetting, "is not the number of a company")
	}
	if s := a.Settings[URLSetting]; s != "" {
		u, err := url.Parse(s)
		known := err == nil && u.User == nil && u.RawQuery == "" && u.Fragment == "" && (u.Path == "" || u.Path == "/") &&
			(u.Scheme == "https" && (u.Host == russia || u.Host == abroad) || slices.Contains(hosts, u.Host))
		if !known {
			wrong.Add("settings."+URLSetting, "is neither https://%s nor https://%s", russia, abroad)
		} else {
			at.host = u.Host
		}
	}
	if at.host == abroad {
		at.accept = "application/vnd.api.v2+json"
	}
	at.base = outside.Scheme(at.host) + "://" + at.host + "/api/v1"
	partner, user := string(a.Secrets[PartnerSecret]), string(a.Secrets[UserSecret])
	for _, s := range []struct{ name, own, other string }{{PartnerSecret, partner, user}, {UserSecret, user, partner}} {
		switch {
		case s.own == "" && s.other != "":
			wrong.Add("secrets."+s.name, "is missing: the API is asked with both tokens or not at all")
		case s.own != "" && !token.MatchString(s.own):
			wrong.Add("secrets."+s.name, "is not 8 or more Latin letters and digits")
		}
	}
	if partner != "" && user != "" {
		at.authorization = "Bearer " + partner + ", User " + user
	}
	wrong.Callback(a, "the path of the webhooks")
	wrong.Strangers(a, "this system", []string{CompanySetting, URLSetting}, []string{PartnerSecret, UserSecret, dental.CallbackSecret})
	if err := wrong.Err("yclients: account"); err != nil {
		return access{}, err
	}
	return at, nil
}
