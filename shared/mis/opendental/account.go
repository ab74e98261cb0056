package opendental

import (
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/mis/told"
)

// The settings and the secrets of an account, beside dental.CallbackSecret, which
// stands in the address of the subscriptions.
const (
	// URLSetting is where the API is: https://api.opendental.com/api/v1 when it is
	// not set, or the API Service in an office's own network, which the deployment
	// has to know.
	URLSetting = "url"
	// DoctorsSetting names the doctors as patients are to read of them, by their
	// ProvNum: "1=Dr. Irina Sokolova; 4=Anna Lind". Others have no name.
	DoctorsSetting = "doctors"
	// ConfirmedSetting are the definitions (their names or their DefNum, separated
	// by semicolons) of the category Appt Confirmed that mean that the patient will
	// come. Without it those count that Open Dental ships: see confirmations.
	ConfirmedSetting = "confirmed"
	// DeveloperSecret and CustomerSecret are the two keys of the API.
	DeveloperSecret = "developer"
	CustomerSecret  = "customer"
)

// home is the API that Open Dental runs for all offices.
const home = "https://api.opendental.com/api/v1"

var apiKey = regexp.MustCompile(`^[A-Za-z0-9]{8,64}$`)

// Validate names everything that is missing or wrong in an account at once, as an
// error of the kind dental.Invalid. hosts are those, with their port, that the
// deployment lets be called beside Open Dental's own.
func Validate(a dental.Account, hosts ...string) error {
	var wrong dental.Wrongs
	if _, err := base(a, hosts); err != nil {
		wrong = append(wrong, err)
	}
	for _, name := range []string{DeveloperSecret, CustomerSecret} {
		switch secret := string(a.Secrets[name]); {
		case secret == "":
			wrong.Add("secrets."+name, "the %s's key is missing", name)
		case !apiKey.MatchString(secret):
			wrong.Add("secrets."+name, "the %s's key is not 8 to 64 letters and digits", name)
		}
	}
	if entry := firstWrong(a.Settings[DoctorsSetting]); entry != 0 {
		wrong.Add("settings."+DoctorsSetting, "entry %d is not of the form 1=Dr. Irina Sokolova", entry)
	}
	return wrong.Err("the Open Dental account")
}

// base is what the paths of the API are put after.
func base(a dental.Account, hosts []string) (string, error) {
	raw := strings.TrimRight(a.Settings[URLSetting], "/")
	if raw == "" || raw == home {
		return home, nil
	}
	u, err := url.Parse(raw)
	if err != nil || u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.Host == "" || !slices.Contains(hosts, u.Host) || raw != u.Scheme+"://"+u.Host+u.Path {
		return "", dental.Errorf(dental.Invalid, "settings."+URLSetting, "the address is neither %s nor one that this deployment may call", home)
	}
	if ip, err := netip.ParseAddr(u.Hostname()); u.Scheme != "https" && (u.Scheme != "http" || err != nil || !ip.IsLoopback() && !ip.IsPrivate()) {
		return "", dental.Errorf(dental.Invalid, "settings."+URLSetting, "outside an office's own network the address begins with https://")
	}
	return raw, nil
}

// entries are the parts of a setting that has several.
func entries(setting string) []string {
	var out []string
	for _, entry := range strings.FieldsFunc(setting, func(r rune) bool { return r == ';' || r == '\n' }) {
		if entry = strings.TrimSpace(entry); entry != "" {
			out = append(out, entry)
		}
	}
	return out
}

// firstWrong is which of the named doctors cannot be read, counted from 1; 0 for none.
func firstWrong(setting string) int {
	for i, entry := range entries(setting) {
		num, name, ok := strings.Cut(entry, "=")
		if !ok || !number.MatchString(strings.TrimSpace(num)) || told.Line(name, longestName) == "" {
			return i + 1
		}
	}
	return 0
}

func doctors(a dental.Account) map[string]string {
	out := map[string]string{}
	for _, entry := range entries(a.Settings[DoctorsSetting]) {
		if num, name, ok := strings.Cut(entry, "="); ok {
			out[strings.TrimSpace(num)] = told.Line(name, longestName)
		}
	}
	return out
}

// confirmedNames are what the shipped list of Open Dental and its texting services
// call an appointment that the patient has confirmed.
func confirmedNames() []string {
	return []string{"confirmed", "appointment confirmed", "econfirmed", "e-confirmed"}
}

// confirmations says which of the definitions of Appt Confirmed mean that the
// patient will come. An office edits the list, so that "Not Called", "Unconfirmed"
// or "Confirm: left message" must not be taken for one: only whole names count.
func confirmations(a dental.Account) func(name, number string) bool {
	names := entries(a.Settings[ConfirmedSetting])
	if len(names) == 0 {
		names = confirmedNames()
	}
	return func(name, number string) bool {
		return slices.ContainsFunc(names, func(n string) bool {
			return strings.EqualFold(n, strings.TrimSpace(name)) || n == number
		})
	}
}
