package dental

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
