package settings_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/settings"
	"github.com/returnpoint/returnpoint/shared/store"
)

// put lays a patch over the clinic c1 at an instant.
func put(t *testing.T, s *settings.Keeper, patch string, at time.Time) *dental.Clinic {
	t.Helper()
	if _, _, err := s.Put(t.Context(), "c1", []byte(patch), at); err != nil {
		t.Fatal(err)
	}
	return stored(t, s, "c1")
}

// backlogs lists the scenarios whose backlog a job is to find.
func backlogs(t *testing.T, s *settings.Keeper, at time.Time) []string {
	t.Helper()
	var out []string
	for shard := range store.Shards {
		due, _, err := s.Store.Due(t.Context(), shard, at.Add(time.Hour), 100, "")
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range due {
			if d.Job != nil && d.Job.Kind == store.BacklogJob {
				out = append(out, d.Job.Scenario)
			}
		}
	}
	slices.Sort(out)
	return out
}

func TestAScenarioSwitchedOnCountsFromTodayUnlessItsBacklogIsWanted(t *testing.T) {
	s := keeper(t, nil)
	cl := put(t, s, `{"scenarios": {"sleeping-6": {"on": true}, "sleeping-12": {"on": true, "backlogPerDay": 10}}}`, now)
	if want := (dental.Date{Year: 2026, Month: 3, Day: 10}); cl.Scenario("sleeping-6").Since != want || cl.Scenario("sleeping-12").Since != want {
		t.Errorf("since %v and %v", cl.Scenario("sleeping-6").Since, cl.Scenario("sleeping-12").Since)
	}
	if got := backlogs(t, s, now); !slices.Equal(got, []string{"sleeping-12"}) {
		t.Errorf("the backlogs of %v are looked for", got)
	}
	later := now.AddDate(0, 0, 20)
	if cl = put(t, s, `{"scenarios": {"sleeping-6": {"on": true, "holdout": 10}}}`, later); cl.Scenario("sleeping-6").Since != (dental.Date{Year: 2026, Month: 3, Day: 10}) {
		t.Error("what was on begins anew")
	}
	put(t, s, `{"scenarios": {"sleeping-6": {"backlogPerDay": 5}}}`, later)
	if got := backlogs(t, s, later); !slices.Equal(got, []string{"sleeping-12", "sleeping-6"}) {
		t.Errorf("after a backlog was asked for: %v", got)
	}
	put(t, s, `{"scenarios": {"sleeping-6": {"on": false}}}`, later)
	if cl = put(t, s, `{"scenarios": {"sleeping-6": {"on": true}}}`, later); cl.Scenario("sleeping-6").Since != (dental.Date{Year: 2026, Month: 3, Day: 30}) {
		t.Errorf("switched off and on it counts since %v", cl.Scenario("sleeping-6").Since)
	}
}

func TestABenefitHasJustWhatItsKindNeeds(t *testing.T) {
	for patch, want := range map[string]dental.Benefit{
		`{"kind": "discount", "percent": 15}`:                   {Kind: dental.Discount, Percent: 15},
		`{"kind": "bonus", "amount": "500.00"}`:                 {Kind: dental.BonusAmount, Amount: dental.Money{Minor: 50000, Currency: "RUB"}},
		`{"kind": "gift", "name": "зубная щётка"}`:              {Kind: dental.GiftService, Name: "зубная щётка"},
		`{"kind": "free-service", "name": "бесплатный снимок"}`: {Kind: dental.FreeService, Name: "бесплатный снимок"},
		`null`: {},
	} {
		cl, err := settings.Apply(settings.New("c1"), []byte(`{"scenarios": {"sleeping-6": {"benefit": `+patch+`}}}`))
		if err != nil || cl.Scenario("sleeping-6").Benefit != want {
			t.Errorf("%s: %+v, %v", patch, cl.Scenario("sleeping-6").Benefit, err)
		}
	}
	for _, patch := range []string{`{}`, `{"kind": "discount"}`, `{"kind": "discount", "percent": 60}`, `{"kind": "discount", "percent": 10, "name": "x"}`, `{"kind": "bonus"}`,
		`{"kind": "bonus", "amount": "0.00"}`, `{"kind": "gift"}`, `{"kind": "gift", "name": "` + strings.Repeat("ж", 21) + `"}`, `{"kind": "money"}`} {
		if _, err := settings.Apply(settings.New("c1"), []byte(`{"scenarios": {"sleeping-6": {"benefit": `+patch+`}}}`)); err == nil || !strings.Contains(err.Error(), "scenarios.sleeping-6.benefit") {
			t.Errorf("%s: %v", patch, err)
		}
	}
}

func TestAStepIsMovedByDaysAndBackAgain(t *testing.T) {
	cl, err := settings.Apply(settings.New("c1"), []byte(`{"scenarios": {"recall": {"offsets": {"first": -3, "second": 2}}}}`))
	if err != nil || cl.Scenario("recall").Offsets["first"] != -3 || cl.Scenario("recall").Offsets["second"] != 2 {
		t.Fatalf("%+v, %v", cl.Scenario("recall"), err)
	}
	if cl, err = settings.Apply(cl, []byte(`{"scenarios": {"recall": {"offsets": {"first": null, "second": 0}}}}`)); err != nil || cl.Scenario("recall").Offsets != nil {
		t.Errorf("%+v, %v", cl.Scenario("recall"), err)
	}
	for _, patch := range []string{`{"nothing": 1}`, `{"first": 61}`, `{"first": "1"}`} {
		if _, err := settings.Apply(cl, []byte(`{"scenarios": {"recall": {"offsets": `+patch+`}}}`)); err == nil {
			t.Errorf("%s is taken", patch)
		}
	}
}

func TestNobodyIsHeldOutOfWhatATreatmentNeeds(t *testing.T) {
	for name, may := range map[string]bool{"sleeping-6": true, "recall": true, "plan": false, "implant-year": false, "appointment": false, "after-visit": false} {
		if _, err := settings.Apply(settings.New("c1"), []byte(`{"scenarios": {"`+name+`": {"holdout": 10}}}`)); (err == nil) != may {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAnAccountIsJudgedByItsProviderAndItsSecretsStayUnseen(t *testing.T) {
	s := keeper(t, nil)
	s.Providers = map[string]func(dental.Account) error{dental.SMSGate: func(a dental.Account) error {
		if a.Secrets["password"] == "" {
			return dental.Errorf(dental.Invalid, "", "the password is missing")
		}
		return nil
	}}
	_, _, err := s.Put(t.Context(), "c1", []byte(`{"accounts": {"smsgate": {"settings": {"login": "istok"}}}}`), now)
	if dental.KindOf(err) != dental.Invalid || !strings.Contains(err.Error(), "accounts.smsgate") || !strings.Contains(err.Error(), "the password is missing") {
		t.Errorf("without its password: %v", err)
	}
	put(t, s, `{"accounts": {"smsgate": {"settings": {"login": "istok"}, "secrets": {"password": "p"}}}}`, now)
	cl := put(t, s, `{"accounts": {"smsgate": {"settings": {"login": "istok", "sender": "ISTOK"}}}}`, now)
	if a := cl.Accounts["smsgate"]; a.Secrets["password"] != "p" || a.Settings["sender"] != "ISTOK" {
		t.Error("a secret that was not named again is lost, or a setting is")
	}
	if cl = put(t, s, `{"accounts": {"smsgate": null}}`, now); cl.Accounts != nil {
		t.Error("a closed account is still there")
	}
	var bad *dental.Error
	if _, _, err := s.Put(t.Context(), "c1", []byte(`{"accounts": {"pigeon": {}}}`), now); !errors.As(err, &bad) || bad.Field != "accounts.pigeon" {
		t.Errorf("a provider that nobody knows: %v", err)
	}
}
