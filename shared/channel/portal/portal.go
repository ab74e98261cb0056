// Package portal says at which address a clinic's Bitrix24 portal is called by an
// incoming webhook, https://<portal>/rest/<user>/<webhook>/<method>, and that
// nothing else is called in its place. Both adapters of Bitrix24 stand on it: the
// one that tells it of tasks, and the one that is told of deals.
package portal

import (
	"errors"
	"regexp"
	"slices"
	"strings"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/outside"
)

// The settings and the secret of an account that make the address.
const (
	// Setting is the portal's host, "clinic.bitrix24.ru".
	Setting = "portal"
	// UserSetting is the id of the user who made the webhook, "1".
	UserSetting = "user"
	// WebhookSecret is the webhook's code.
	WebhookSecret = "webhook"
)

// zones are the domains under which Bitrix24 gives its cloud's portals their
// addresses, as its own code lists them (Bitrix\Landing\Help::$domains) but for
// bitrix24.ua, which has no address any more. A list and no pattern: anybody can
// register the name under a top-level domain that Bitrix24 has left free.
func zones() []string {
	return []string{
		"bitrix24.ru", "bitrix24.by", "bitrix24.kz", "bitrix24.com", "bitrix24.eu", "bitrix24.de", "bitrix24.es", "bitrix24.fr", "bitrix24.it",
		"bitrix24.pl", "bitrix24.com.br", "bitrix24.com.tr", "bitrix24.cn", "bitrix24.id", "bitrix24.in", "bitrix24.jp", "bitrix24.vn",
	}
}

var (
	label  = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)
	userID = regexp.MustCompile(`^[1-9][0-9]{0,9}$`)
	code   = regexp.MustCompile(`^[A-Za-z0-9]{8,64}$`)
)

// User reports whether a text is the number of a user.
func User(s string) bool { return userID.MatchString(s) }

// Portal is where a clinic's webhook is called.
type Portal struct {
	Host string
	// Base is what the names of methods are put after. It has the webhook's code
	// in it and may stand in no text.
	Base   string
	Secret string
}

// Open reads an account. Its error joins one of the kind dental.Invalid for each
// thing that is missing or wrong. hosts are those that may be called beside the
// portals of Bitrix24's cloud; they are the deployment's choice and never a clinic's.
func Open(a dental.Account, hosts []string) (Portal, error) {
	var wrong dental.Wrongs
	host, user, secret := a.Settings[Setting], a.Settings[UserSetting], string(a.Secrets[WebhookSecret])
	switch {
	case host == "":
		wrong.Add("settings."+Setting, "the portal's address is missing, such as clinic.bitrix24.ru")
	case !slices.Contains(hosts, host) && !inCloud(host):
		wrong.Add("settings."+Setting, "%.80q is not the address of a portal of Bitrix24's cloud, such as clinic.bitrix24.ru", host)
	}
	switch {
	case user == "":
		wrong.Add("settings."+UserSetting, "the number of the webhook's user is missing")
	case !User(user):
		wrong.Add("settings."+UserSetting, "%.20q is not the number of a user", user)
	}
	switch {
	case secret == "":
		wrong.Add("secrets."+WebhookSecret, "the webhook's code is missing")
	case !code.MatchString(secret):
		wrong.Add("secrets."+WebhookSecret, "the webhook's code is not 8 to 64 letters and digits")
	}
	if len(wrong) > 0 {
		return Portal{}, errors.Join(wrong...)
	}
	return Portal{Host: host, Secret: secret, Base: outside.Scheme(host) + "://" + host + "/rest/" + user + "/" + secret + "/"}, nil
}

// inCloud reports whether the host is one label under a zone.
func inCloud(host string) bool {
	return slices.ContainsFunc(zones(), func(zone string) bool {
		name, under := strings.CutSuffix(host, "."+zone)
		return under && label.MatchString(name)
	})
}
