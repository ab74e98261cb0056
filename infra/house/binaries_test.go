package house_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/returnpoint/returnpoint/shared/lambdaio/runtimetest"
)

const sdk = "github.com/aws/aws-sdk-go-v2/"

// TestAFunctionLinksTheClientsItUses holds what each binary is made of: the
// package-level variables of a client that nobody calls are paid at each cold start.
func TestAFunctionLinksTheClientsItUses(t *testing.T) {
	readTree(t) // a cached result is no result after any file has changed
	clients := map[string][]string{
		"webhook":  {"dynamodb"},
		"dispatch": {"dynamodb", "sqs"}, "scan-sleeping": {"dynamodb", "sqs"}, "scan-birthdays": {"dynamodb", "sqs"}, "scan-occasions": {"dynamodb", "sqs"}, "pull": {"dynamodb", "sqs"},
		"import":   {"dynamodb", "s3", "sqs"},
		"send":     {"dynamodb", "sesv2", "sns"},
		"report":   {"dynamodb", "sesv2", "sqs"},
		"delivery": {"dynamodb"}, "survey": {"dynamodb"}, "confirm": {"dynamodb"}, "unsubscribe": {"dynamodb"}, "links": {"dynamodb"}, "referral": {"dynamodb"}, "work": {"dynamodb"}, "desk": {"dynamodb", "s3", "sqs"},
	}
	for _, name := range folders(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			deps := dependencies(t, "./functions/"+name)
			var linked []string
			for _, d := range deps {
				if service, ok := strings.CutPrefix(d, sdk+"service/"); ok && !strings.Contains(service, "/") {
					linked = append(linked, service)
				}
			}
			if !slices.Equal(linked, clients[name]) {
				t.Errorf("it links the clients %q, want %q", linked, clients[name])
			}
			for _, d := range deps {
				for _, heavy := range []string{sdk + "config", sdk + "feature/", "go.yaml.in/yaml", "go.etcd.io/bbolt"} {
					if strings.HasPrefix(d, heavy) {
						t.Errorf("it links %s", d)
					}
				}
			}
			if numbers := slices.Contains(deps, "github.com/nyaruka/phonenumbers"); numbers != (name == "webhook" || name == "referral" || name == "pull" || name == "import") {
				t.Errorf("it links phonenumbers: %v", numbers)
			}
			if pictures := slices.Contains(deps, "golang.org/x/image/draw"); pictures != (name == "work" || name == "desk" || name == "report") { // doctors' photos, a clinic's logo; the report stands beside the desk
				t.Errorf("it links what decodes photos: %v", pictures)
			}
			if !slices.Contains(deps, "time/tzdata") {
				t.Error("it links no time zones, and the runtime promises none")
			}
		})
	}
}

// dependencies lists what a package of the tree links, sorted.
func dependencies(t *testing.T, pkg string) []string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-deps", "-tags", "lambda.norpc", pkg)
	cmd.Dir = root
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list %s: %v\n%s", pkg, err, &stderr)
	}
	deps := strings.Fields(string(out))
	slices.Sort(deps)
	return deps
}

// build compiles all the functions as their deployment does, for the machine at
// hand, and returns the folder of the binaries.
func build(t *testing.T) string {
	t.Helper()
	readTree(t)
	dir := t.TempDir()
	cmd := exec.CommandContext(t.Context(), "go", "build", "-tags", "lambda.norpc", "-o", dir, "./functions/...")
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return dir
}

// variables are values for the variables that the template gives its functions.
var variables = map[string]string{
	"TABLE":                  "returnpoint-table",
	"CONTACT_KEY":            strings.Repeat("c", 64),
	"LINK_KEY":               strings.Repeat("l", 64),
	"BASE_URL":               "https://rp.example",
	"SEND_QUEUE_URL":         "https://sqs.example/000000000000/send",
	"WORK_QUEUE_URL":         "https://sqs.example/000000000000/work",
	"SCAN_QUEUE_URL":         "https://sqs.example/000000000000/scan",
	"REPORT_QUEUE_URL":       "https://sqs.example/000000000000/report",
	"PULL_QUEUE_URL":         "https://sqs.example/000000000000/pull",
	"UPLOADS_ORIGIN":         "https://files.s3.example.com",
	"FILES_BUCKET":           "returnpoint-files",
	"IMPORT_QUEUE_URL":       "https://sqs.example/000000000000/import",
	"MAIL_FROM":              "clinic@example.com",
	"SES_CONFIGURATION_SET":  "returnpoint",
	"SMS_SENDER_ID":          "RETURN",
	"SMS_ORIGINATION_NUMBER": "",
	"OPERATOR":               "",
	"OIDC_ISSUER":            "https://issuer.example",
	"OIDC_CLIENT_ID":         "client",
	"OIDC_CLIENT_SECRET":     "client-secret",
	"OIDC_END_SESSION":       "https://issuer.example/logout?client_id=client&logout_uri=https://rp.example/desk/signed-out",
	"SESSION_KEYS":           strings.Repeat("s", 64),
}

// optional are those that may be empty.
var optional = []string{"SMS_SENDER_ID", "SMS_ORIGINATION_NUMBER", "OPERATOR"}

// credentials are what Lambda adds.
var credentials = []string{"AWS_ACCESS_KEY_ID=AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY=example", "AWS_SESSION_TOKEN=session"}

func environment(t *testing.T, f function, but ...string) (env []string) {
	t.Helper()
	for _, name := range f.variables {
		value, ok := variables[name]
		if !ok {
			t.Fatalf("template.yaml gives %s a variable %s, for which the test has no value", f.Name, name)
		}
		if !slices.Contains(but, name) {
			env = append(env, name+"="+value)
		}
	}
	return env
}

// emptyTable speaks as much of DynamoDB's protocol as an empty table has to say.
type emptyTable struct {
	mu    sync.Mutex
	calls []string
	wrong []string
}

func (e *emptyTable) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	e.mu.Lock()
	defer e.mu.Unlock()
	_, call, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	e.calls = append(e.calls, call)
	var body struct {
		TableName    string
		RequestItems map[string]any
	}
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil || body.TableName != variables["TABLE"] && body.RequestItems[variables["TABLE"]] == nil {
		e.wrong = append(e.wrong, fmt.Sprintf("%s asks for the table %q (%v)", call, body.TableName, err))
	}
	if auth := r.Header.Get("Authorization"); !strings.Contains(auth, "Credential=AKIDEXAMPLE/") || !strings.Contains(auth, "/eu-central-1/dynamodb/aws4_request") || r.Header.Get("X-Amz-Security-Token") != "session" {
		e.wrong = append(e.wrong, fmt.Sprintf("%s is signed by %q", call, auth))
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	switch call {
	case "GetItem":
		fmt.Fprint(w, `{}`)
	case "BatchGetItem":
		fmt.Fprintf(w, `{"Responses":{%q:[]},"UnprocessedKeys":{}}`, variables["TABLE"])
	case "Query":
		fmt.Fprint(w, `{"Count":0,"ScannedCount":0,"Items":[]}`)
	default:
		e.wrong = append(e.wrong, call+" of an empty table")
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprint(w, `{"__type":"com.amazonaws.dynamodb.v20120810#ValidationException","message":"not of an empty table"}`)
	}
}

// answers are what the functions say to their events when the table is empty:
// there is no such clinic, no such link, nothing due, nothing to send. A message
// to scan a clinic comes again.
var answers = map[string]func(answer []byte) string{
	"webhook": status(http.StatusNotFound, `"code":"not_found"`), "webhook.source": status(http.StatusNotFound, `"code":"not_found"`), "survey": status(http.StatusNotFound, "<html"),
	"confirm": status(http.StatusNotFound, "<html"), "unsubscribe": status(http.StatusNotFound, "<html"), "links": status(http.StatusNotFound, "<html"), "referral": status(http.StatusNotFound, "<html"),
	"scan-sleeping": exactly("null"), "scan-birthdays": exactly("null"), "scan-occasions": exactly("null"),
	"scan-sleeping.clinic": exactly(again), "scan-birthdays.clinic": exactly(again), "scan-occasions.clinic": exactly(again),
	"dispatch": exactly("null"), "delivery": exactly("null"), "delivery.sms-log": exactly("null"), "delivery.inbound-sms": exactly("null"),
	"desk":              status(http.StatusForbidden, "<html"), // the session of the event is long over
	"delivery.callback": status(http.StatusNotFound, `"code":"not_found"`),
	"report":            exactly("null"), "report.notice": exactly(again),
	"import": exactly("null"), "import.request": status(http.StatusNotFound, `"code":"not_found"`), "import.job": exactly(`{"batchItemFailures":[]}`), "import.upload": exactly(`{"batchItemFailures":[]}`),
	"pull": exactly("null"), "pull.system": exactly(again), "pull.job": exactly(`{"batchItemFailures":[]}`),
	"send": exactly(`{"batchItemFailures":[]}`), "work": exactly(`{"batchItemFailures":[]}`), "work.backlog": exactly(`{"batchItemFailures":[]}`),
}

// again leaves the one message of a batch in its queue.
const again = `{"batchItemFailures":[{"itemIdentifier":"059f36b4-87a3-44ab-83d2-661975830a7d"}]}`

func exactly(want string) func([]byte) string {
	return func(got []byte) string {
		if string(got) != want {
			return fmt.Sprintf("answered %s, want %s", got, want)
		}
		return ""
	}
}

func status(code int, holds string) func([]byte) string {
	return func(got []byte) string {
		var answer struct {
			StatusCode int
			Body       string
		}
		if err := json.Unmarshal(got, &answer); err != nil || answer.StatusCode != code || !strings.Contains(answer.Body, holds) {
			return fmt.Sprintf("answered %s, want %d with %s", got, code, holds)
		}
		return ""
	}
}

func TestTheRealBinaries(t *testing.T) {
	binaries, functions := build(t), readFunctions(t)
	t.Run("start on what the template gives them and answer their events", func(t *testing.T) { startAndAnswer(t, binaries, functions) })
	t.Run("stop, when settings are missing, with one line that names them all", func(t *testing.T) { stopWithoutSettings(t, binaries, functions) })
	t.Run("stop, when settings are bad, with one line that says why", func(t *testing.T) { stopOnBadSettings(t, binaries, functions) })
}

func startAndAnswer(t *testing.T, binaries string, functions map[string]function) {
	for _, event := range eventFiles(t) {
		name := functionOf(event)
		t.Run(event, func(t *testing.T) {
			t.Parallel()
			state := &emptyTable{}
			dynamodb := httptest.NewServer(state)
			defer dynamodb.Close()
			elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if event == "import" && r.Method == http.MethodGet && r.URL.Path == "/"+variables["FILES_BUCKET"] && r.URL.Query().Get("prefix") == "inbox/" {
					fmt.Fprint(w, "<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>") // nobody has laid anything there
					return
				}
				t.Errorf("it called %s %s", r.Method, r.URL)
				http.Error(w, "", http.StatusTeapot)
			}))
			defer elsewhere.Close()
			env := slices.Concat(credentials, environment(t, functions[name]), []string{"AWS_ENDPOINT_URL_DYNAMODB=" + dynamodb.URL, "AWS_ENDPOINT_URL=" + elsewhere.URL})
			f := runtimetest.Function{Bootstrap: filepath.Join(binaries, name), Env: env, Timeout: functions[name].Timeout}

			began := time.Now()
			result, err := f.Invoke(t.Context(), readFile(t, "events/"+event+".json"))
			if err != nil || result.Failure != nil || result.InitFailure != nil || result.ExitCode != -1 {
				t.Fatalf("%v, exit code %d\nfailure: %s%s\nstdout: %s\nstderr: %s", err, result.ExitCode, result.Failure, result.InitFailure, result.Stdout, result.Stderr)
			}
			t.Logf("started and answered in %v", time.Since(began))
			dynamodb.Close() // nothing calls it any more, so what it has seen can be read
			if wrong := answers[event](result.Answer); wrong != "" {
				t.Errorf("%s\nstdout: %s", wrong, result.Stdout)
			}
			// Nobody is signed in at the desk, and what nobody may do is not looked up; an
			// empty folder is nobody's.
			if (len(state.calls) == 0) != (name == "desk" || event == "import") || len(state.wrong) > 0 {
				t.Errorf("it called the table %q; wrong: %q", state.calls, state.wrong)
			}
			for line := range strings.Lines(result.Stdout) {
				if !json.Valid([]byte(line)) {
					t.Errorf("a line of its log is not JSON: %s", line)
				}
			}
			if result.Stderr != "" {
				t.Errorf("standard error: %s", result.Stderr)
			}
		})
	}
}

func stopWithoutSettings(t *testing.T, binaries string, functions map[string]function) {
	for _, name := range folders(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var required []string
			for _, v := range functions[name].variables {
				if !slices.Contains(optional, v) {
					required = append(required, v)
				}
			}
			missing := map[string][]string{"none of them is set": slices.Concat(required, []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"})}
			for _, v := range required {
				missing[v+" is not set"] = []string{v}
			}
			for says, lacks := range missing {
				env := slices.Concat(credentials, environment(t, functions[name], lacks...))
				if len(lacks) > 1 {
					env = nil
				}
				line := stopped(t, runtimetest.Function{Bootstrap: filepath.Join(binaries, name), Env: env})
				for _, v := range lacks {
					if strings.Count(line, v+" is not set") != 1 {
						t.Errorf("%s, and it says: %s", says, line)
					}
				}
				if n := strings.Count(line, " is not set"); n != len(lacks) {
					t.Errorf("%s, and it names %d: %s", says, n, line)
				}
			}
		})
	}
}

func stopOnBadSettings(t *testing.T, binaries string, functions map[string]function) {
	env := slices.Concat(credentials, environment(t, functions["send"]), []string{
		"TABLE=", "BASE_URL=http://rp.example", "MAIL_FROM=Clinic <clinic@example.com>", "SMS_SENDER_ID=*", "AWS_ENDPOINT_URL_SNS=sns.example",
		"CONTACT_KEY=short-secret", "LINK_KEY={{resolve:secretsmanager:arn}}",
	})
	line := stopped(t, runtimetest.Function{Bootstrap: filepath.Join(binaries, "send"), Env: env})
	for _, want := range []string{"TABLE is not set", "BASE_URL is not a URL", "MAIL_FROM, SES_CONFIGURATION_SET: ", "SMS_SENDER_ID, SMS_ORIGINATION_NUMBER: ",
		"AWS_ENDPOINT_URL_SNS is not a URL", "CONTACT_KEY has 12 bytes", "LINK_KEY holds a reference that nobody has resolved"} {
		if !strings.Contains(line, want) {
			t.Errorf("it does not say %q: %s", want, line)
		}
	}
	if strings.Contains(line, "short-secret") {
		t.Errorf("it says a secret: %s", line)
	}
}

// stopped runs a function that is to stop before its first event, and returns
// the one line of its log that says why.
func stopped(t *testing.T, f runtimetest.Function) string {
	t.Helper()
	result, err := f.Invoke(context.WithoutCancel(t.Context()), []byte(`{}`))
	var line struct{ Level, Message, Err string }
	if jsonErr := json.Unmarshal([]byte(result.Stdout), &line); err != nil || jsonErr != nil || result.ExitCode != 1 || result.Answer != nil || result.Failure != nil || line.Level != "ERROR" || result.Stderr != "" {
		t.Fatalf("%v, exit code %d, answer %s%s\nstdout: %s\nstderr: %s", err, result.ExitCode, result.Answer, result.Failure, result.Stdout, result.Stderr)
	}
	return line.Message + ": " + line.Err
}
