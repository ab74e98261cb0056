package bitrix24_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/returnpoint/returnpoint/shared/crm/bitrix24"
	"github.com/returnpoint/returnpoint/shared/dental"
)

const secret = "s3cretc0de77"

func account(portal, user, responsible, webhook string) dental.Account {
	return dental.Account{
		Settings: map[string]string{bitrix24.PortalSetting: portal, bitrix24.UserSetting: user, bitrix24.ResponsibleSetting: responsible},
		Secrets:  map[string]dental.Secret{bitrix24.WebhookSecret: dental.Secret(webhook)},
	}
}

func TestAnAccountSaysAllThatIsWrongWithItAtOnce(t *testing.T) {
	for name, c := range map[string]struct {
		account dental.Account
		want    []string // fields, in order
	}{
		"a whole one":                {account("clinic.bitrix24.ru", "1", "7", secret), nil},
		"one without a responsible":  {account("clinic.bitrix24.ru", "1", "", secret), nil},
		"an empty one":               {dental.Account{}, []string{"settings.portal", "settings.user", "secrets.webhook"}},
		"one with everything wrong":  {account("example.com", "one", "seven", "../../x"), []string{"settings.portal", "settings.user", "secrets.webhook", "settings.responsible"}},
		"a user with a path in it":   {account("clinic.bitrix24.ru", "1/../2", "", secret), []string{"settings.user"}},
		"the user nought":            {account("clinic.bitrix24.ru", "0", "", secret), []string{"settings.user"}},
		"a code with a query in it":  {account("clinic.bitrix24.ru", "1", "", secret+"?x="), []string{"secrets.webhook"}},
		"a whole URL for the portal": {account("https://clinic.bitrix24.ru/rest/1/"+secret+"/", "1", "", secret), []string{"settings.portal"}},
	} {
		t.Run(name, func(t *testing.T) {
			err := bitrix24.Validate(c.account)
			if len(c.want) == 0 {
				if err != nil {
					t.Fatalf("it is refused: %v", err)
				}
				return
			}
			if dental.KindOf(err) != dental.Invalid {
				t.Fatalf("its kind is %q: %v", dental.KindOf(err), err)
			}
			rest := err.Error()
			for _, field := range c.want {
				_, after, found := strings.Cut(rest, field+": ")
				if !found {
					t.Errorf("%q does not name %s in its place", err, field)
				}
				rest = after
			}
			if n := strings.Count(err.Error(), "settings.") + strings.Count(err.Error(), "secrets."); n != len(c.want) {
				t.Errorf("%q names %d fields, want %d", err, n, len(c.want))
			}
		})
	}
	t.Run("and never prints the code", func(t *testing.T) {
		err := bitrix24.Validate(account("", "", "", secret+"!"))
		if err == nil || strings.Contains(err.Error(), secret) {
			t.Errorf("got %v", err)
		}
	})
}

func TestNoHostIsCalledButAPortalOrOneOfTheDeployments(t *testing.T) {
	for _, host := range []string{"clinic.bitrix24.ru", "b24-4x7q2z.bitrix24.com", "1.bitrix24.kz", "smile.bitrix24.com.br"} {
		if err := bitrix24.Validate(account(host, "1", "", secret)); err != nil {
			t.Errorf("%s is refused: %v", host, err)
		}
	}
	for _, host := range []string{
		"example.com", "bitrix24.ru", ".bitrix24.ru", "bitrix24.ru.example.com", "clinic.bitrix24.ru.example.com", "clinicbitrix24.ru", "clinic.bitrix24.example",
		"a.b.bitrix24.ru", "-clinic.bitrix24.ru", "clinic-.bitrix24.ru", "Clinic.bitrix24.ru", "клиника.bitrix24.ru", "clinic.bitrix24.ru.", "clinic.bitrix24.xyz", "clinic.bitrix24.site",
		"example.com/.bitrix24.ru", "example.com#.bitrix24.ru", "example.com?.bitrix24.ru", "u@clinic.bitrix24.ru", "u:p@clinic.bitrix24.ru", "clinic.bitrix24.ru:8443", "clinic.bitrix24.ru/x",
		"clinic.bitrix24.ru\n", " clinic.bitrix24.ru", "127.0.0.1", "127.0.0.1:80", "[::1]", "169.254.169.254", "localhost", "10.0.0.1:80", strings.Repeat("a", 64) + ".bitrix24.ru",
	} {
		if bitrix24.Validate(account(host, "1", "", secret)) == nil {
			t.Errorf("%q is let through", host)
		}
	}
	const own = "crm.clinic.example"
	if err := bitrix24.Validate(account(own, "1", "", secret), "127.0.0.1:8080", own); err != nil {
		t.Errorf("the deployment's own host is refused: %v", err)
	}
	if bitrix24.Validate(account("x."+own, "1", "", secret), own) == nil {
		t.Error("a host under the deployment's own is let through")
	}
}

func FuzzAPortalIsCalledAtItsHostAlone(f *testing.F) {
	f.Add("clinic.bitrix24.ru", "1", secret)
	f.Add("127.0.0.1@clinic.bitrix24.ru", "1/2", "..")
	f.Add("clinic.bitrix24.ru/", "1#", "code?code")
	f.Fuzz(func(t *testing.T, host, user, webhook string) {
		a := account(host, user, "", webhook)
		if bitrix24.Validate(a) != nil {
			return
		}
		u, err := url.Parse(bitrix24.Base(a))
		if err != nil || u.Scheme != "https" || u.Host != host || u.Hostname() != host || u.User != nil || u.RawQuery != "" || u.Fragment != "" ||
			u.Path != "/rest/"+user+"/"+webhook+"/" || strings.Count(u.Path, "/") != 4 {
			t.Errorf("%q, %q, %q is called at %v: %v", host, user, webhook, u, err)
		}
	})
}
