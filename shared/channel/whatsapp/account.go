package whatsapp

import (
	"errors"
	"maps"
	"regexp"
	"slices"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/locale"
)

// The settings of a clinic's account. Beside them stand one template a class,
// as "template.service", "template.care" and "template.advertising", and, where
// it is not the language's own name, the code under which Meta knows the
// templates of a language, as "language.en": "en_US".
const (
	// PhoneNumberID is Meta's id of the number that sends, digits; it is not the number.
	PhoneNumberID = "phoneNumberId"
	// VerifyToken is the text that the clinic chose when it gave Meta the URL of the webhook.
	VerifyToken = "verifyToken"
)

// The secrets of a clinic's account.
const (
	// Token is a system user's access token with the permission whatsapp_business_messaging.
	Token = "token"
	// AppSecret is the secret of Meta's app, which signs the webhooks.
	AppSecret = "appSecret"
)

func templateOf(c dental.Class) string { return "template." + string(c) }

func languageKey(locale string) string { return "language." + locale }

// languageOf is the code of the templates for readers of a locale.
func languageOf(a dental.Account, locale string) string {
	if code := a.Settings[languageKey(locale)]; code != "" {
		return code
	}
	return locale
}

var (
	numberID = regexp.MustCompile(`^[0-9]{5,32}$`)
	// https://developers.facebook.com/documentation/business-messaging/whatsapp/templates/utility-templates/utility-templates
	templateName = regexp.MustCompile(`^[a-z0-9_]{1,512}$`)
	// https://developers.facebook.com/documentation/business-messaging/whatsapp/templates/supported-languages
	languageCode = regexp.MustCompile(`^[a-z]{2,3}(_[A-Z]{2,3})?$`)
	pathSecret   = regexp.MustCompile(`^[A-Za-z0-9_-]{16,128}$`)
	visible      = regexp.MustCompile(`^[!-~]+$`)
)

// Validate says all that an account lacks or has wrong, each an Invalid that
// names it as "settings.phoneNumberId" and quotes no value, because people paste
// a token into the wrong field.
//
// A template of each name is approved in each language that the clinic writes
// in. Its body has words before and after its one positional parameter, as
// "Клиника «Исток»: {{1}} До встречи!", since Meta takes none that begins or
// ends with a parameter (code 2388299). Templates for advertising have Meta's
// category MARKETING.
func Validate(a dental.Account) error {
	var wrong []error
	known := map[string]bool{}
	check := func(field, value string, form *regexp.Regexp, what string) {
		known[field] = true
		switch {
		case value == "":
			wrong = append(wrong, dental.Errorf(dental.Invalid, field, "is missing"))
		case !form.MatchString(value):
			wrong = append(wrong, dental.Errorf(dental.Invalid, field, "is not %s", what))
		}
	}
	check("settings."+PhoneNumberID, a.Settings[PhoneNumberID], numberID, "Meta's id of a phone number: digits alone")
	for _, class := range dental.Classes() {
		check("settings."+templateOf(class), a.Settings[templateOf(class)], templateName, "the name of a template: a-z, 0-9 and _")
	}
	for _, l := range locale.All() {
		check("settings."+languageKey(l.String()), languageOf(a, l.String()), languageCode, `a code of a language as "en" or "en_US"`)
	}
	check("settings."+VerifyToken, a.Settings[VerifyToken], visible, "a text of visible ASCII characters")
	check("secrets."+Token, string(a.Secrets[Token]), visible, "an access token")
	check("secrets."+dental.CallbackSecret, string(a.Secrets[dental.CallbackSecret]), pathSecret, "16 or more of A-Z, a-z, 0-9, - and _: it stands in the path of the webhook")
	check("secrets."+AppSecret, string(a.Secrets[AppSecret]), visible, "the secret of an app")
	for _, name := range slices.Sorted(maps.Keys(a.Settings)) {
		if field := "settings." + name; !known[field] {
			wrong = append(wrong, dental.Errorf(dental.Invalid, field, "is no setting of WhatsApp"))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(a.Secrets)) {
		if field := "secrets." + name; !known[field] {
			wrong = append(wrong, dental.Errorf(dental.Invalid, field, "is no secret of WhatsApp"))
		}
	}
	return errors.Join(wrong...)
}
