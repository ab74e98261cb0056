package bitrix24

import (
	"regexp"
	"slices"
	"strings"

	"github.com/returnpoint/returnpoint/shared/channel/portal"
	"github.com/returnpoint/returnpoint/shared/dental"
)

// The settings and the secret that events need beside the portal's own (package
// portal) and dental.CallbackSecret. The account is the one that tasks are told to.
const (
	// ApplicationSecret is the token of the outgoing webhook, which each event bears.
	ApplicationSecret = "application"
	// StartSetting is the deal's own field with the appointment's time, "UF_CRM_1680000000".
	StartSetting = "startField"
	// CategorySetting is the pipeline of treatments, "0" for the first; all where it is not set.
	CategorySetting = "category"
	// The stages (STAGE_ID, several separated by commas) that mean that the patient
	// will come, has been, did not come, or has called it off. Without the second a
	// deal that was won is a visit, without the last one that was lost is cancelled.
	ConfirmedSetting = "stageConfirmed"
	CameSetting      = "stageCame"
	MissedSetting    = "stageMissed"
	LostSetting      = "stageLost"
)

var (
	token    = regexp.MustCompile(`^[A-Za-z0-9]{16,64}$`)
	ownField = regexp.MustCompile(`^UF_CRM_[A-Z0-9_]{1,50}$`)
	pipeline = regexp.MustCompile(`^[0-9]{1,9}$`)
	stage    = regexp.MustCompile(`^[A-Za-z0-9_:]{1,50}$`)
)

// Validate names everything that is missing or wrong in an account at once, as an
// error of the kind dental.Invalid. An account that is only told of tasks is
// right: it has none of the settings of events. hosts are those that New is given.
func Validate(a dental.Account, hosts ...string) error {
	var wrong dental.Wrongs
	if _, err := portal.Open(a, hosts); err != nil {
		wrong = append(wrong, err)
	}
	hears := a.Secrets[ApplicationSecret] != ""
	for _, name := range []string{StartSetting, CategorySetting, ConfirmedSetting, CameSetting, MissedSetting, LostSetting} {
		hears = hears || a.Settings[name] != ""
	}
	if secret := string(a.Secrets[ApplicationSecret]); hears && !token.MatchString(secret) {
		wrong.Add("secrets."+ApplicationSecret, "the token of the outgoing webhook is missing, or is not 16 to 64 letters and digits")
	}
	if field := a.Settings[StartSetting]; field != "" && !ownField.MatchString(field) {
		wrong.Add("settings."+StartSetting, "%.60q is not a deal's own field, such as UF_CRM_1680000000", field)
	}
	if category := a.Settings[CategorySetting]; category != "" && !pipeline.MatchString(category) {
		wrong.Add("settings."+CategorySetting, "%.20q is not the number of a pipeline", category)
	}
	seen := map[string]string{}
	for _, name := range []string{ConfirmedSetting, CameSetting, MissedSetting, LostSetting} {
		for _, s := range stages(a, name) {
			switch was, twice := seen[s]; {
			case !stage.MatchString(s):
				wrong.Add("settings."+name, "%.60q is not a stage, such as C2:WON", s)
			case twice:
				wrong.Add("settings."+name, "the stage %s stands in %s as well", s, was)
			}
			seen[s] = name
		}
	}
	return wrong.Err("the Bitrix24 account")
}

// stages are those of a setting.
func stages(a dental.Account, setting string) []string {
	var out []string
	for _, s := range strings.Split(a.Settings[setting], ",") {
		if s = strings.TrimSpace(s); s != "" {
			out = append(out, s)
		}
	}
	return out
}

// in reports whether a stage is one of a setting's, or where that names none,
// whether its meaning is the usual one: "S" of success, "F" of failure.
func in(a dental.Account, setting, stage, meaning, usual string) bool {
	named := stages(a, setting)
	if len(named) == 0 {
		return usual != "" && meaning == usual
	}
	return slices.Contains(named, stage)
}
