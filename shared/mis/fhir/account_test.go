package fhir_test

import (
	"strings"
	"testing"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/mis/fhir"
)

func TestAnAccountSaysAllThatIsWrongWithItAtOnce(t *testing.T) {
	const callback = "0123456789abcdefgh"
	account := func(secrets map[string]dental.Secret, settings ...string) dental.Account {
		a := dental.Account{Settings: map[string]string{}, Secrets: secrets}
		for i := 0; i < len(settings); i += 2 {
			a.Settings[settings[i]] = settings[i+1]
		}
		return a
	}
	path := map[string]dental.Secret{"callback": callback}
	for name, c := range map[string]struct {
		account dental.Account
		want    []string // fields, in order
	}{
		"one that is only told":            {account(path), nil},
		"a whole one":                      {account(map[string]dental.Secret{"callback": callback, "token": "t", "signature": "0123456789abcdef"}, "url", "https://fhir.clinic.ru:8443/r4", "user", "clinic", "subscription", "a-1", "since", "2024-01-01", "careplans", "all"), nil},
		"an empty one":                     {dental.Account{}, []string{"secrets.callback"}},
		"one with everything wrong":        {account(map[string]dental.Secret{"token": "т", "signature": "short", "x": "y"}, "url", "http://fhir.clinic.ru", "user", "a:b", "subscription", "a/b", "since", "soon", "careplans", "none", "y", "z"), []string{"settings.url", "secrets.token", "settings.user", "settings.subscription", "settings.since", "settings.careplans", "secrets.signature", "secrets.callback", "settings.y", "secrets.x"}},
		"a token for nowhere":              {account(map[string]dental.Secret{"callback": callback, "token": "t"}), []string{"settings.url"}},
		"a server of the clinic's network": {account(path, "url", "https://192.168.0.1/r4"), []string{"settings.url"}},
		"a server by a name at home":       {account(path, "url", "https://fhir.clinic.local/r4"), []string{"settings.url"}},
		"a server that nobody can have":    {account(path, "url", "https://fhir.example.com/r4"), []string{"settings.url"}},
		"a server named localhost":         {account(path, "url", "https://localhost/r4"), []string{"settings.url"}},
		"a user within the address":        {account(path, "url", "https://u:p@fhir.clinic.ru/r4"), []string{"settings.url"}},
		"a question within the address":    {account(path, "url", "https://fhir.clinic.ru/r4?x=1"), []string{"settings.url"}},
		"a server of the deployment":       {account(path, "url", "http://10.1.2.3:8080/fhir"), nil},
	} {
		t.Run(name, func(t *testing.T) {
			err := fhir.Validate(c.account, "10.1.2.3:8080")
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
			if n := strings.Count(err.Error(), "\n") + 1; n != len(c.want) {
				t.Errorf("%q names %d fields, want %d", err, n, len(c.want))
			}
		})
	}
}
