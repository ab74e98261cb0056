package bitrix24

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/returnpoint/returnpoint/shared/dental"
)

// The settings and the secret of an account: the parts of a webhook's URL,
// https://<portal>/rest/<user>/<webhook>/, and whom tasks are given to.
const (
	// PortalSetting is the portal's host, "clinic.bitrix24.ru".
	PortalSetting = "portal"
	// UserSetting is the id of the user who made the webhook, "1".
	UserSetting = "user"
	// ResponsibleSetting is the id of the user whom tasks are given to; without
	// it they are given to the one of UserSetting.
	ResponsibleSetting = "responsible"
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

// Validate names everything that is missing or wrong in an account at once, as
// an error of the kind dental.Invalid. hosts are those that New is given.
func Validate(a dental.Account, hosts ...string) error {
	_, err := open(a, hosts)
	return err
}

// portal is where a clinic's webhook is called.
type portal struct {
	host string
	// base is what the names of methods are put after. It has the webhook's code
	// in it and may stand in no text.
	base        string
	secret      string
	responsible int64
}

// open reads an account.
func open(a dental.Account, hosts []string) (portal, error) {
	var wrong []error
	bad := func(field, format string, args ...any) {
		wrong = append(wrong, dental.Errorf(dental.Invalid, field, format, args...))
	}
	host, user, responsible, secret := a.Settings[PortalSetting], a.Settings[UserSetting], a.Settings[ResponsibleSetting], string(a.Secrets[WebhookSecret])
	switch {
	case host == "":
		bad("settings."+PortalSetting, "the portal's address is missing, such as clinic.bitrix24.ru")
	case !slices.Contains(hosts, host) && !inCloud(host):
		bad("settings."+PortalSetting, "%.80q is not the address of a portal of Bitrix24's cloud, such as clinic.bitrix24.ru", host)
	}
	switch {
	case user == "":
		bad("settings."+UserSetting, "the number of the webhook's user is missing")
	case !userID.MatchString(user):
		bad("settings."+UserSetting, "%.20q is not the number of a user", user)
	}
	switch {
	case secret == "":
		bad("secrets."+WebhookSecret, "the webhook's code is missing")
	case !code.MatchString(secret):
		bad("secrets."+WebhookSecret, "the webhook's code is not 8 to 64 letters and digits")
	}
	switch {
	case responsible == "":
		responsible = user
	case !userID.MatchString(responsible):
		bad("settings."+ResponsibleSetting, "%.20q is not the number of a user", responsible)
	}
	if len(wrong) > 0 {
		return portal{}, fmt.Errorf("the Bitrix24 account: %w", errors.Join(wrong...))
	}
	p := portal{host: host, secret: secret, base: scheme(host) + "://" + host + "/rest/" + user + "/" + secret + "/"}
	p.responsible, _ = strconv.ParseInt(responsible, 10, 64)
	return p, nil
}

// inCloud reports whether the host is one label under a zone.
func inCloud(host string) bool {
	return slices.ContainsFunc(zones(), func(zone string) bool {
		name, under := strings.CutSuffix(host, "."+zone)
		return under && label.MatchString(name)
	})
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
