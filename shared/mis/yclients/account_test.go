package yclients_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/mis/yclients"
)

func asError(err error, into **dental.Error) bool { return errors.As(err, into) }

func TestAnAccountIsWholeWithoutTokensAndWithBoth(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(a dental.Account)
		fields []string // of what is wrong
	}{
		{"with both tokens", func(dental.Account) {}, nil},
		{"without tokens", func(a dental.Account) { delete(a.Secrets, "partner"); delete(a.Secrets, "user") }, nil},
		{"Altegio's", func(a dental.Account) { a.Settings["url"] = "https://api.alteg.io" }, nil},
		{"YCLIENTS' by name", func(a dental.Account) { a.Settings["url"] = "https://api.yclients.com/" }, nil},
		{"without the user's token", func(a dental.Account) { delete(a.Secrets, "user") }, []string{"secrets.user"}},
		{"without the partner's token", func(a dental.Account) { delete(a.Secrets, "partner") }, []string{"secrets.partner"}},
		{"with a token that would end the header", func(a dental.Account) { a.Secrets["user"] = "usertoken1\r\nX: y" }, []string{"secrets.user"}},
		{"without a company", func(a dental.Account) { delete(a.Settings, "company") }, []string{"settings.company"}},
		{"with a company's name", func(a dental.Account) { a.Settings["company"] = "Ромашка" }, []string{"settings.company"}},
		{"with a path for a company", func(a dental.Account) { a.Settings["company"] = "1/../2" }, []string{"settings.company"}},
		{"with another's address", func(a dental.Account) { a.Settings["url"] = "https://api.yclients.com.example.com" }, []string{"settings.url"}},
		{"with an address inside", func(a dental.Account) { a.Settings["url"] = "http://169.254.169.254" }, []string{"settings.url"}},
		{"without encryption", func(a dental.Account) { a.Settings["url"] = "http://api.yclients.com" }, []string{"settings.url"}},
		{"with a user in the address", func(a dental.Account) { a.Settings["url"] = "https://x@api.yclients.com" }, []string{"settings.url"}},
		{"with a short secret in the path", func(a dental.Account) { a.Secrets["callback"] = "short" }, []string{"secrets.callback"}},
		{"with what is no setting", func(a dental.Account) { a.Settings["phone"] = "1"; a.Secrets["password"] = "x" }, []string{"settings.phone", "secrets.password"}},
		{"empty", func(a dental.Account) { clear(a.Settings); clear(a.Secrets) }, []string{"settings.company", "secrets.callback"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := account("")
			tt.change(a)
			err := yclients.Validate(a)
			if (err == nil) != (len(tt.fields) == 0) {
				t.Fatalf("the error is %v", err)
			}
			for _, field := range tt.fields {
				if dental.KindOf(err) != dental.Invalid || !strings.Contains(err.Error(), field+": ") {
					t.Errorf("%s is not in %v", field, err)
				}
			}
			if err != nil {
				for _, s := range a.Secrets {
					if len(s) > 3 && strings.Contains(err.Error(), string(s)) {
						t.Errorf("a secret is in %v", err)
					}
				}
			}
		})
	}
}
