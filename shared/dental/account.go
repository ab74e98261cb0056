package dental

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
)

// Account is a clinic's own access to one provider. Which settings and secrets
// it has, and what they mean, stands in the provider's package.
type Account struct {
	Settings map[string]string
	Secrets  map[string]Secret
}

// The providers that a clinic may have an account with, the keys of Clinic.Accounts.
const (
	SMSGate         = "smsgate"  // an HTTP gateway for SMS, in the place of the deployment's own
	WhatsAppAccount = "whatsapp" // Meta's Cloud API, without which the clinic has no WhatsApp channel
	Bitrix24        = "bitrix24" // the CRM that staff's tasks are told to
)

// CallbackSecret is the secret of an account that stands in the path of its
// provider's callbacks, 16 or more of A-Z, a-z, 0-9, "-" and "_".
const CallbackSecret = "callback"

var callbackSecret = regexp.MustCompile(`^[A-Za-z0-9_-]{16,128}$`)

// Wrongs are what is missing or wrong in an account: errors of the kind Invalid,
// each with its field, "settings.url", and none with a secret in its text.
type Wrongs []error

// Add adds one.
func (w *Wrongs) Add(field, format string, args ...any) {
	*w = append(*w, Errorf(Invalid, field, format, args...))
}

// Callback adds one unless the account has its CallbackSecret. place is where that
// stands, "the path of the webhook".
func (w *Wrongs) Callback(a Account, place string) {
	if !callbackSecret.MatchString(string(a.Secrets[CallbackSecret])) {
		w.Add("secrets."+CallbackSecret, "is not 16 or more Latin letters, digits, - and _: it stands in %s", place)
	}
}

// Strangers adds one for each setting and each secret of the account that is not
// among these. of is the provider, as "is no setting of" goes on.
func (w *Wrongs) Strangers(a Account, of string, settings, secrets []string) {
	for _, key := range slices.Sorted(maps.Keys(a.Settings)) {
		if !slices.Contains(settings, key) {
			w.Add("settings."+key, "is no setting of %s", of)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(a.Secrets)) {
		if !slices.Contains(secrets, key) {
			w.Add("secrets."+key, "is no secret of %s", of)
		}
	}
}

// Err joins them all, after which account they are of; nil when there are none.
func (w Wrongs) Err(account string) error {
	if len(w) == 0 {
		return nil
	}
	return fmt.Errorf("%s: %w", account, errors.Join(w...))
}
