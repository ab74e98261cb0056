package sqns

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
	// OrgSetting is the number of the clinic's organisation in 1Denta, "60519": what
	// webhooks name as orgId.
	OrgSetting = "org"
	// URLSetting is the API's address where it is not https://crmexchange.1denta.ru.
	URLSetting = "url"
	// TokenSecret is the token that POST /api/v2/auth gives for the login and the
	// password of the member of staff whom the vendor has given a key. It does not
	// expire. Without it nothing can be asked and no answer written back.
	TokenSecret = "token"
)

// address is the API's where the account names none.
const address = "https://crmexchange.1denta.ru"

// zones are the vendor's domains. The address comes from a clinic's settings, and
// the token goes wherever it leads.
func zones() []string { return []string{"1denta.ru", "sqns.ru", "arnica.pro"} }

var (
	organisation = regexp.MustCompile(`^[1-9][0-9]{0,18}$`)
	tokenText    = regexp.MustCompile(`^[A-Za-z0-9._~+/=-]+$`)
)

// Validate names everything that is missing or wrong in an account at once, as
// errors of the kind dental.Invalid without a secret in them. An account without
// a token takes webhooks alone.
func Validate(a dental.Account) error {
	var wrong dental.Wrongs
	switch org := a.Settings[OrgSetting]; {
	case org == "":
		wrong.Add("settings."+OrgSetting, "is missing: the number of the organisation in 1Denta")
	case !organisation.MatchString(org):
		wrong.Add("settings."+OrgSetting, "is not the number of an organisation")
	}
	if _, err := base(a, nil); err != nil {
		wrong.Add("settings."+URLSetting, "%s", err.Error())
	}
	if s := string(a.Secrets[TokenSecret]); s != "" && (len(s) < 16 || len(s) > 4096 || !tokenText.MatchString(s)) {
		wrong.Add("secrets."+TokenSecret, "is not a token of the API")
	}
	wrong.Callback(a, "the address of the webhook")
	wrong.Strangers(a, "1Denta", []string{OrgSetting, URLSetting}, []string{TokenSecret, dental.CallbackSecret})
	return wrong.Err("sqns: account")
}

// base is the API's address without a slash at its end. hosts are allowed beside
// the vendor's own.
func base(a dental.Account, hosts []string) (string, error) {
	given := a.Settings[URLSetting]
	if given == "" {
		return address, nil
	}
	u, err := url.Parse(given)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || strings.Trim(u.Path, "/") != "" {
		return "", errors.New("is not an address such as " + address)
	}
	allowed := u.Scheme == "https" && u.Port() == "" && slices.ContainsFunc(zones(), func(zone string) bool {
		return u.Host == zone || strings.HasSuffix(u.Host, "."+zone)
	})
	if !allowed && !(slices.Contains(hosts, u.Host) && (u.Scheme == "https" || outside.Loopback(u.Host))) {
		return "", errors.New("is not an address of 1Denta, such as " + address)
	}
	return u.Scheme + "://" + u.Host, nil
}
