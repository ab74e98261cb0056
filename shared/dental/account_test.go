package dental_test

import (
	"strings"
	"testing"

	"github.com/returnpoint/returnpoint/shared/dental"
)

func TestAllThatIsWrongInAnAccountIsSaidAtOnce(t *testing.T) {
	known := []string{"url", dental.CallbackSecret}
	for _, c := range []struct {
		a    dental.Account
		want []string
	}{
		{dental.Account{Secrets: map[string]dental.Secret{dental.CallbackSecret: "0123456789abcdef"}}, nil},
		{dental.Account{Settings: map[string]string{"url": "x", "b": "", "a": "x"}, Secrets: map[string]dental.Secret{dental.CallbackSecret: "0123456789/abcdef", "c": "hidden"}}, []string{
			"acme: account: secrets.callback: is not 16 or more Latin letters, digits, - and _: it stands in the path of the webhook",
			"settings.a: is no setting of Acme", "settings.b: is no setting of Acme", "secrets.c: is no secret of Acme"}},
	} {
		var w dental.Wrongs
		w.Callback(c.a, "the path of the webhook")
		w.Strangers(c.a, "Acme", known, known)
		err := w.Err("acme: account")
		if (err == nil) != (c.want == nil) || err != nil && (dental.KindOf(err) != dental.Invalid || err.Error() != strings.Join(c.want, "\n")) {
			t.Errorf("%v gives %v", c.a, err)
		}
	}
}
