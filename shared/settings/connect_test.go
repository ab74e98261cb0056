package settings_test

import (
	"fmt"
	"regexp"
	"testing"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/settings"
	"github.com/returnpoint/returnpoint/shared/store"
)

func anyAccount(dental.Account) error { return nil }

// connect is a clinic with an account of a system of record.
func connect(t *testing.T) (press func(id string, at time.Time) (dental.Secret, error), cl func() *dental.Clinic) {
	s := keeper(t, nil)
	s.Providers = map[string]func(dental.Account) error{dental.YClients: anyAccount}
	put(t, s, `{"accounts": {"yclients": {"settings": {"company": "1"}, "secrets": {"callback": "first-secret-example"}}}}`, now)
	press = func(id string, at time.Time) (dental.Secret, error) {
		return s.PressPath(t.Context(), dental.YClients, dental.LogEntry{Clinic: "c1", ID: id, At: at, By: "Марина", Role: dental.Owner, Action: "connect-renew"}, at, 24*time.Hour)
	}
	return press, func() *dental.Clinic { return stored(t, s, "c1") }
}

func TestASecretOfAPathIsReplacedAndTheOneBeforeIsRightForADay(t *testing.T) {
	press, cl := connect(t)
	fresh, err := press("press-1", now)
	if err != nil || !regexp.MustCompile(`^[A-Za-z0-9_-]{32}$`).MatchString(string(fresh)) {
		t.Fatalf("%q, %v", fresh, err)
	}
	for _, tt := range []struct {
		after time.Duration
		want  []dental.Secret
	}{{0, []dental.Secret{fresh, "first-secret-example"}}, {24*time.Hour - 1, []dental.Secret{fresh, "first-secret-example"}}, {24 * time.Hour, []dental.Secret{fresh}}} {
		if got := cl().PathSecrets(dental.YClients, now.Add(tt.after)); fmt.Sprint(len(got)) != fmt.Sprint(len(tt.want)) || got[0] != fresh {
			t.Errorf("after %v %d are right, want %d", tt.after, len(got), len(tt.want))
		}
	}
	if cl().Accounts[dental.YClients].Settings["company"] != "1" {
		t.Error("the rest of the account has changed")
	}
}

func TestTheSamePressForAPathIsOne(t *testing.T) {
	press, cl := connect(t)
	first, err := press("press-1", now)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := press("press-1", now.Add(time.Minute)); err != nil || again != first {
		t.Errorf("a reload gives another: %v", err)
	}
	if next, err := press("press-2", now.Add(time.Hour)); err != nil || next == first {
		t.Errorf("another press gives the same: %v", err)
	}
	if got := cl().PathSecrets(dental.YClients, now.Add(2*time.Hour)); len(got) != 2 || got[1] != first {
		t.Errorf("%d are right", len(got))
	}
}

func TestOnlyAnAccountThatIsThereHasAPath(t *testing.T) {
	s := keeper(t, nil)
	put(t, s, `{}`, now)
	for name, entry := range map[string]dental.LogEntry{"no account": {Clinic: "c1", ID: "p"}, "no clinic": {Clinic: "c2", ID: "p"}, "no press": {Clinic: "c1"}} {
		if _, err := s.PressPath(t.Context(), dental.YClients, entry, now, time.Hour); err == nil {
			t.Errorf("%s: a secret is made", name)
		}
	}
}

func TestAChangedAccountHasItsSystemAskedAtOnce(t *testing.T) {
	s := keeper(t, nil)
	s.Providers = map[string]func(dental.Account) error{dental.YClients: anyAccount}
	waits := func() bool {
		t.Helper()
		job, err := s.Store.Begin().Job(t.Context(), "c1", "fetch.yclients.mended")
		if err != nil {
			t.Fatal(err)
		}
		return job.Step == store.Mended && job.Wake.Equal(now)
	}
	put(t, s, `{"name": "Клиника Исток"}`, now)
	if waits() {
		t.Error("a clinic without an account has it asked")
	}
	put(t, s, `{"accounts": {"yclients": {"settings": {"company": "1"}, "secrets": {"callback": "first-secret-example"}}}}`, now)
	if !waits() {
		t.Error("nothing is left to a job")
	}
	put(t, s, `{"name": "Клиника Родник"}`, now.Add(time.Hour))
	if !waits() {
		t.Error("another setting has it asked again")
	}
}

func TestAnAccountWithAnotherCompanyIsReadFromItsBeginning(t *testing.T) {
	const path = `"secrets": {"callback": "first-secret-example", "user": "token"}`
	for _, tt := range []struct {
		name, from, to string
		whole          bool
	}{
		{"another company", `{"settings": {"company": "1"}, ` + path + `}`, `{"settings": {"company": "2"}}`, true},
		{"another server", `{"settings": {"company": "1"}, ` + path + `}`, `{"settings": {"url": "https://api.alteg.io"}}`, true},
		{"another token", `{"settings": {"company": "1"}, ` + path + `}`, `{"settings": {"company": "1"}, "secrets": {"user": "another"}}`, false},
		{"nothing new", `{"settings": {"company": "1"}, ` + path + `}`, `{"settings": {"company": "1"}}`, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, known := pulledOnce(t, tt.from)
			put(t, s, `{"accounts": {"yclients": `+tt.to+`}}`, now)
			if got := known(); (got == dental.Pulled{Clinic: "c1", System: dental.YClients}) != tt.whole || !tt.whole && got.Cursor != "page-9" {
				t.Errorf("known is %+v", got)
			}
		})
	}
	t.Run("one that was closed meanwhile", func(t *testing.T) {
		s, known := pulledOnce(t, `{"settings": {"company": "1"}, `+path+`}`)
		put(t, s, `{"accounts": {"yclients": null}}`, now)
		if known().Cursor != "page-9" {
			t.Error("what is known is gone before it is of no use")
		}
		put(t, s, `{"accounts": {"yclients": {"settings": {"company": "2"}, `+path+`}}}`, now)
		if got := known(); got.Cursor != "" || !got.At.IsZero() || got.Tries != 0 || got.Mend {
			t.Errorf("known is %+v", got)
		}
	})
}

// pulledOnce is a clinic whose system has been asked, and does not answer any more.
func pulledOnce(t *testing.T, account string) (s *settings.Keeper, known func() dental.Pulled) {
	t.Helper()
	s = keeper(t, nil)
	s.Providers = map[string]func(dental.Account) error{dental.YClients: anyAccount}
	put(t, s, `{"accounts": {"yclients": `+account+`}}`, now)
	read := func(tx *store.Tx) dental.Pulled {
		t.Helper()
		all, err := tx.Pulled(t.Context(), dental.Pulled{Clinic: "c1", System: dental.YClients})
		if err != nil {
			t.Fatal(err)
		}
		return all[0]
	}
	tx := s.Store.Begin()
	p := read(tx)
	p.Cursor, p.At, p.Next, p.Tries = "page-9", now.Add(-time.Hour), now.Add(5*time.Hour), 3
	p.Problem, p.Failing, p.Mend = "the company is closed", now.Add(-time.Hour), true
	tx.Put(p)
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s, func() dental.Pulled { t.Helper(); return read(s.Store.Begin()) }
}
