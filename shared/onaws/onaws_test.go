package onaws_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/returnpoint/returnpoint/shared/onaws"
)

// environment is a complete one, changed by pairs of name and value; an empty
// value takes the name out.
func environment(changes ...string) func(string) (string, bool) {
	env := map[string]string{
		"TABLE": "returnpoint", "CONTACT_KEY": strings.Repeat("c", 64), "LINK_KEY": strings.Repeat("l", 64),
		"AWS_REGION": "eu-central-1", "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "example", "AWS_SESSION_TOKEN": "session",
	}
	for i := 0; i < len(changes); i += 2 {
		env[changes[i]] = changes[i+1]
		if changes[i+1] == "" {
			delete(env, changes[i])
		}
	}
	return func(name string) (string, bool) {
		value, ok := env[name]
		return value, ok
	}
}

func open(changes ...string) *onaws.Root { return onaws.Open(environment(changes...), &bytes.Buffer{}) }

func clock() time.Time { return time.Date(2026, 5, 22, 12, 40, 0, 0, time.UTC) }

func TestACompleteEnvironmentComposes(t *testing.T) {
	var log bytes.Buffer
	on := onaws.Open(environment(), &log)
	deps := on.Deps(clock, strings.NewReader(""))
	if err := on.Err(); err != nil {
		t.Fatal(err)
	}
	if deps.Store == nil || len(deps.Catalogue) == 0 || !deps.Clock().Equal(clock()) || deps.Rand == nil {
		t.Errorf("composed of %+v", deps)
	}
	deps.Log.Info("hello")
	if !strings.Contains(log.String(), `"message":"hello"`) {
		t.Errorf("the log holds %s", &log)
	}
}

func TestWhatIsWrongIsNamedAtOnce(t *testing.T) {
	for _, tt := range []struct {
		name    string
		changes []string
		ask     func(*onaws.Root) // beside Deps
		want    []string          // all that is complained of, in order
	}{
		{name: "nothing", want: nil},
		{name: "a missing table", changes: []string{"TABLE", ""}, want: []string{"TABLE is not set"}},
		{name: "a missing region and credentials, once for all clients", changes: []string{"AWS_REGION", "", "AWS_ACCESS_KEY_ID", "", "AWS_SECRET_ACCESS_KEY", ""},
			ask:  func(on *onaws.Root) { on.Client("SQS") },
			want: []string{"AWS_ACCESS_KEY_ID is not set", "AWS_SECRET_ACCESS_KEY is not set", "AWS_REGION is not set"}},
		{name: "no session token is no fault", changes: []string{"AWS_SESSION_TOKEN", ""}},
		{name: "both keys missing", changes: []string{"CONTACT_KEY", "", "LINK_KEY", ""}, want: []string{"CONTACT_KEY is not set", "LINK_KEY is not set"}},
		{name: "a short key", changes: []string{"LINK_KEY", "hunter2"}, want: []string{"LINK_KEY has 7 bytes, and a key at least 32"}},
		{name: "one key for both", changes: []string{"LINK_KEY", strings.Repeat("c", 64)}, want: []string{"CONTACT_KEY and LINK_KEY are the same key"}},
		{name: "a reference to a secret", changes: []string{"CONTACT_KEY", "{{resolve:secretsmanager:arn:aws:secretsmanager:eu-central-1:000000000000:secret:x}}"},
			want: []string{"CONTACT_KEY holds a reference that nobody has resolved"}},
		{name: "an endpoint that is no URL", changes: []string{"AWS_ENDPOINT_URL_DYNAMODB", "localhost:8000"},
			want: []string{"AWS_ENDPOINT_URL_DYNAMODB is not a URL that begins with https:// or http:// and a host"}},
		{name: "a page's URL that is not https", changes: []string{"BASE_URL", "http://rp.example"}, ask: func(on *onaws.Root) { on.URL("BASE_URL", "https") },
			want: []string{"BASE_URL is not a URL that begins with https:// and a host"}},
		{name: "a URL with a password", changes: []string{"BASE_URL", "https://me:hunter2@rp.example"}, ask: func(on *onaws.Root) { on.URL("BASE_URL", "https") },
			want: []string{"BASE_URL is not a URL that begins with https:// and a host"}},
		{name: "a URL with a query", changes: []string{"BASE_URL", "https://rp.example?a=b"}, ask: func(on *onaws.Root) { on.URL("BASE_URL", "https") },
			want: []string{"BASE_URL is not a URL that begins with https:// and a host"}},
		{name: "a URL with a path is one", changes: []string{"BASE_URL", "https://rp.example/x"}, ask: func(on *onaws.Root) { on.URL("BASE_URL", "https") }},
		{name: "several keys are keys", changes: []string{"SESSION_KEYS", strings.Repeat("a", 32) + " " + strings.Repeat("b", 64)}, ask: func(on *onaws.Root) { on.Keys("SESSION_KEYS") }},
		{name: "no keys", ask: func(on *onaws.Root) { on.Keys("SESSION_KEYS") }, want: []string{"SESSION_KEYS is not set"}},
		{name: "a short key among them", changes: []string{"SESSION_KEYS", strings.Repeat("a", 32) + " hunter2"}, ask: func(on *onaws.Root) { on.Keys("SESSION_KEYS") },
			want: []string{"SESSION_KEYS has a key of 7 bytes, and a key has at least 32"}},
		{name: "what a constructor refuses, on one line", changes: []string{"MAIL_FROM", "x", "SET", "y"},
			ask: func(on *onaws.Root) {
				on.Text("MAIL_FROM")
				on.Judge(errors.Join(errors.New("no address"), errors.New("no set")), "MAIL_FROM", "SET")
				on.Judge(nil, "MAIL_FROM")
			},
			want: []string{"MAIL_FROM, SET: no address, no set"}},
		{name: "what is missing is not judged besides", ask: func(on *onaws.Root) {
			on.Text("MAIL_FROM")
			on.Judge(errors.New("no address"), "SET", "MAIL_FROM")
		}, want: []string{"MAIL_FROM is not set"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			on := open(tt.changes...)
			on.Deps(clock, strings.NewReader(""))
			if tt.ask != nil {
				tt.ask(on)
			}
			got := ""
			if err := on.Err(); err != nil {
				got = err.Error()
			}
			want := ""
			if tt.want != nil {
				want = "onaws: " + strings.Join(tt.want, "; ")
			}
			if got != want {
				t.Errorf("it says %q, want %q", got, want)
			}
			if strings.Contains(got, "hunter2") {
				t.Error("it says a secret")
			}
		})
	}
}

func TestAClientIsConfiguredByTheEnvironmentAlone(t *testing.T) {
	cfg := open().Client("DYNAMODB")
	credentials, err := cfg.Credentials.Retrieve(t.Context())
	if err != nil || credentials.AccessKeyID != "AKIDEXAMPLE" || credentials.SecretAccessKey != "example" || credentials.SessionToken != "session" {
		t.Errorf("the credentials are %+v, %v", credentials, err)
	}
	if cfg.Region != "eu-central-1" || cfg.BaseEndpoint != nil {
		t.Errorf("the region is %q, the endpoint %v", cfg.Region, aws.ToString(cfg.BaseEndpoint))
	}
}

func TestAnEndpointOfOneServiceGoesBeforeThatOfAll(t *testing.T) {
	const all, one = "https://aws.example", "http://127.0.0.1:8000"
	for _, tt := range []struct {
		name, service, want string
		changes             []string
	}{
		{"neither", "DYNAMODB", "", nil},
		{"its own", "DYNAMODB", one, []string{"AWS_ENDPOINT_URL_DYNAMODB", one}},
		{"another's", "SQS", "", []string{"AWS_ENDPOINT_URL_DYNAMODB", one}},
		{"that of all", "SQS", all, []string{"AWS_ENDPOINT_URL", all}},
		{"both", "DYNAMODB", one, []string{"AWS_ENDPOINT_URL", all, "AWS_ENDPOINT_URL_DYNAMODB", one}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := aws.ToString(open(tt.changes...).Client(tt.service).BaseEndpoint); got != tt.want {
				t.Errorf("the endpoint is %q, want %q", got, tt.want)
			}
		})
	}
}

func TestKeysComeInTheirOrder(t *testing.T) {
	first, second := strings.Repeat("a", 32), strings.Repeat("b", 32)
	keys := open("SESSION_KEYS", " "+first+"  "+second+" ").Keys("SESSION_KEYS")
	if len(keys) != 2 || string(keys[0]) != first || string(keys[1]) != second {
		t.Errorf("the keys are %q", keys)
	}
}
