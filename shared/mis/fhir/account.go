package fhir

import (
	"errors"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/outside"
)

// The settings and secrets of an account. Without URLSetting the server is not
// asked for anything: it has to say all by itself, in full.
const (
	// URLSetting is the server's base, "https://fhir.example.com/r4".
	URLSetting = "url"
	// UserSetting makes TokenSecret the password of that user (HTTP Basic), in the
	// place of a bearer token.
	UserSetting = "user"
	// SubscriptionSetting is the id of the Subscription at the server, where it
	// can be asked for its events again ($events).
	SubscriptionSetting = "subscription"
	// SinceSetting is the day from which on the first reading asks for changes,
	// "2024-01-01"; all there is without it.
	SinceSetting = "since"
	// PlansSetting says which CarePlans are treatment plans: "dental" (or "") for
	// those about teeth, "all" for each.
	PlansSetting = "careplans"

	TokenSecret = "token"
	// SignatureSecret is the key of the deliveries' signatures. With it each
	// delivery has to have one.
	SignatureSecret = "signature"
)

var (
	pathSecret = regexp.MustCompile(`^[A-Za-z0-9_-]{16,}$`)
	logicalID  = regexp.MustCompile(`^[A-Za-z0-9.-]{1,64}$`)
)

// Validate names everything that is missing or wrong in an account at once, as
// an error of the kind dental.Invalid. hosts are those that New is given.
func Validate(a dental.Account, hosts ...string) error {
	var wrong dental.Wrongs
	address, token := a.Settings[URLSetting], string(a.Secrets[TokenSecret])
	if address != "" {
		if err := public(address, hosts); err != nil {
			wrong.Add("settings."+URLSetting, "%v", err)
		}
	}
	if address == "" && token != "" {
		wrong.Add("settings."+URLSetting, "is missing: a token is of no use without the server's address")
	}
	if strings.ContainsFunc(token, func(r rune) bool { return r < ' ' || r > '~' }) {
		wrong.Add("secrets."+TokenSecret, "has characters that no header can have")
	}
	if user := a.Settings[UserSetting]; user != "" && (token == "" || strings.ContainsFunc(user, func(r rune) bool { return r < ' ' || r == ':' })) {
		wrong.Add("settings."+UserSetting, "needs its password as the secret %s, and no colon", TokenSecret)
	}
	if s := a.Settings[SubscriptionSetting]; s != "" && (!logicalID.MatchString(s) || address == "") {
		wrong.Add("settings."+SubscriptionSetting, "is not the id of a Subscription at the server of settings.url")
	}
	if s := a.Settings[SinceSetting]; s != "" && day(s).IsZero() {
		wrong.Add("settings."+SinceSetting, "is not a date such as 2024-01-01")
	}
	if s := a.Settings[PlansSetting]; s != "" && s != "dental" && s != "all" {
		wrong.Add("settings."+PlansSetting, "is neither dental nor all")
	}
	if s := string(a.Secrets[SignatureSecret]); s != "" && len(s) < 16 {
		wrong.Add("secrets."+SignatureSecret, "is shorter than 16 characters")
	}
	if s := string(a.Secrets[dental.CallbackSecret]); !pathSecret.MatchString(s) {
		wrong.Add("secrets."+dental.CallbackSecret, "is not 16 or more Latin letters, digits, - and _: it stands in the path of the webhook")
	}
	wrong.Strangers(a, "a FHIR server", []string{URLSetting, UserSetting, SubscriptionSetting, SinceSetting, PlansSetting}, []string{TokenSecret, SignatureSecret, dental.CallbackSecret})
	return wrong.Err("the FHIR account")
}

// public refuses an address that is not one of a server on the public network,
// over TLS, unless the deployment itself names its host.
func public(address string, hosts []string) error {
	u, err := url.Parse(address)
	if err != nil || u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.Opaque != "" || u.Host == "" || len(address) > 500 {
		return errors.New("is not the address of a server such as https://fhir.example.com/r4")
	}
	if slices.Contains(hosts, u.Host) && (u.Scheme == "https" || u.Scheme == "http") {
		return nil
	}
	if !outside.Domain(u.Hostname()) {
		return errors.New("names no host of the public network")
	}
	if port := u.Port(); port != "" {
		if _, err := net.LookupPort("tcp", port); err != nil {
			return errors.New("names a port that there is not")
		}
	}
	if u.Scheme != "https" {
		return errors.New("must begin with https://")
	}
	return nil
}
