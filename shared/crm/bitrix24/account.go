package bitrix24

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/returnpoint/returnpoint/shared/channel/portal"
	"github.com/returnpoint/returnpoint/shared/dental"
)

// The settings and the secret of an account: the parts of a webhook's URL,
// https://<portal>/rest/<user>/<webhook>/, and whom tasks are given to.
const (
	// PortalSetting is the portal's host, "clinic.bitrix24.ru".
	PortalSetting = portal.Setting
	// UserSetting is the id of the user who made the webhook, "1".
	UserSetting = portal.UserSetting
	// ResponsibleSetting is the id of the user whom tasks are given to; without
	// it they are given to the one of UserSetting.
	ResponsibleSetting = "responsible"
	// WebhookSecret is the webhook's code.
	WebhookSecret = portal.WebhookSecret
)

// Validate names everything that is missing or wrong in an account at once, as
// an error of the kind dental.Invalid. hosts are those that New is given.
func Validate(a dental.Account, hosts ...string) error {
	_, err := open(a, hosts)
	return err
}

// desk is where a clinic's webhook is called, and who is given the tasks there.
type desk struct {
	portal.Portal
	responsible int64
}

// open reads an account.
func open(a dental.Account, hosts []string) (desk, error) {
	at, wrong := portal.Open(a, hosts)
	responsible := a.Settings[ResponsibleSetting]
	switch {
	case responsible == "":
		responsible = a.Settings[UserSetting]
	case !portal.User(responsible):
		wrong = errors.Join(wrong, dental.Errorf(dental.Invalid, "settings."+ResponsibleSetting, "%.20q is not the number of a user", responsible))
	}
	if wrong != nil {
		return desk{}, fmt.Errorf("the Bitrix24 account: %w", wrong)
	}
	d := desk{Portal: at}
	d.responsible, _ = strconv.ParseInt(responsible, 10, 64)
	return d, nil
}
