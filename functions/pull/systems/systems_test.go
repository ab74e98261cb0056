package systems_test

import (
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/returnpoint/returnpoint/functions/pull/systems"
	"github.com/returnpoint/returnpoint/shared/channel/wire"
	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/lambdaio"
	"github.com/returnpoint/returnpoint/shared/mis/renovatio"
	"github.com/returnpoint/returnpoint/shared/pull"
)

func TestEverySystemThatAClinicCanChooseIsReadAndJudged(t *testing.T) {
	want := slices.Sorted(slices.Values(dental.Systems()))
	if got := slices.Sorted(maps.Keys(systems.Readers())); !slices.Equal(got, want) {
		t.Errorf("read are %q, want %q", got, want)
	}
	judged := systems.Accounts()
	for _, name := range want {
		if judged[name] == nil || judged[name](dental.Account{}) == nil {
			t.Errorf("an empty account with %s is taken", name)
		}
	}
}

// TestTheLongestDeliveryOfEachSystemFitsIntoAnEventOfAFunction holds the limits to
// what Lambda takes, where a body may go as base64.
func TestTheLongestDeliveryOfEachSystemFitsIntoAnEventOfAFunction(t *testing.T) {
	const beside = 64 << 10 // headers and the rest of the event
	for name, d := range systems.Readers() {
		if d.Largest <= 0 || d.Largest*4/3+beside > lambdaio.MaxPayload {
			t.Errorf("%s: a delivery may have %d bytes", name, d.Largest)
		}
	}
}

// TestWhatCanBeToldIsWhatTheRulesSay holds the rules' list to the adapters: a
// patient's answer is left to a job for just those that can be told.
func TestWhatCanBeToldIsWhatTheRulesSay(t *testing.T) {
	clients := systems.Clients(nil, nil, time.Now)
	for _, name := range dental.Systems() {
		if _, can := clients[name].(pull.Confirmer); can != dental.TakesAnswers(name) {
			t.Errorf("%s can be told: %v; by the rules: %v", name, can, dental.TakesAnswers(name))
		}
	}
}

func TestABusyRenovatioIsGivenMoreTimeThanTheOthersNeed(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		time.Sleep(300 * time.Millisecond)
		_, _ = io.WriteString(w, `{"error":0,"data":[]}`)
	}))
	t.Cleanup(srv.Close)
	clients := systems.Clients(wire.NewClient(wire.Options{Timeout: 50 * time.Millisecond}), wire.NewClient(wire.Options{Timeout: systems.Patience}), time.Now, strings.TrimPrefix(srv.URL, "http://"))
	cl := &dental.Clinic{ID: "demo", TimeZone: "Europe/Moscow", Country: "RU", Currency: "RUB"}
	account := dental.Account{Settings: map[string]string{renovatio.URLSetting: srv.URL}, Secrets: map[string]dental.Secret{renovatio.KeySecret: "0123456789abcdef"}}
	if _, err := clients[dental.Renovatio].Changed(t.Context(), cl, account, "", time.Now()); err != nil {
		t.Errorf("an answer that takes its time is lost: %v", err)
	}
}

func TestAnAccountThatOnlyTakesWebhooksOpensNothing(t *testing.T) {
	for name := range systems.Clients(nil, nil, time.Now) {
		if systems.Opens(name, dental.Account{Secrets: map[string]dental.Secret{dental.CallbackSecret: "path-secret-example"}}) {
			t.Errorf("%s is asked without a key", name)
		}
	}
}
