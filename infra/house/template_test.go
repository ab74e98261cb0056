package house_test

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/returnpoint/returnpoint/infra/local/template"
	"github.com/returnpoint/returnpoint/shared/load"
	"github.com/returnpoint/returnpoint/shared/table"
)

// node is a part of the template. An intrinsic function shows as what it is
// given: !Ref X is "X", !GetAtt X.Arn is "X.Arn".
type node struct {
	path  string
	value any
}

func readTemplate(t testing.TB) node {
	t.Helper()
	var doc map[string]any
	if err := yaml.Unmarshal(readFile(t, "template.yaml"), &doc); err != nil {
		t.Fatal(err)
	}
	return node{"template.yaml", doc}
}

// in goes down by names; what is not there is nil.
func (n node) in(names ...string) node {
	for _, name := range names {
		m, _ := n.value.(map[string]any)
		n = node{n.path + " " + name, m[name]}
	}
	return n
}

func (n node) text() string { s, _ := n.value.(string); return s }

func (n node) number(t testing.TB) int {
	t.Helper()
	i, ok := n.value.(int)
	if !ok {
		t.Errorf("%s is %v, not a number", n.path, n.value)
	}
	return i
}

// list is a list of nodes; one that is none is a list of itself.
func (n node) list() []node {
	switch v := n.value.(type) {
	case nil:
		return nil
	case []any:
		var out []node
		for _, x := range v {
			out = append(out, node{n.path, x})
		}
		return out
	}
	return []node{n}
}

// each goes through a map in the order of its keys.
func (n node) each(fn func(name string, n node)) {
	m, _ := n.value.(map[string]any)
	for _, name := range slices.Sorted(maps.Keys(m)) {
		fn(name, n.in(name))
	}
}

// resources calls fn for each resource of a type.
func (n node) resources(kind string, fn func(name string, properties node)) {
	n.in("Resources").each(func(name string, r node) {
		if r.in("Type").text() == kind {
			fn(name, r.in("Properties"))
		}
	})
}

// function is one AWS::Serverless::Function by the folder of its code.
type function struct {
	template.Function
	id         string
	properties node
	// variables are the names of its environment, Globals' and its own.
	variables []string
}

// readFunctions reads them as one machine reads them, and what it has no use for besides.
func readFunctions(t testing.TB) map[string]function {
	t.Helper()
	doc := readTemplate(t)
	read, err := template.Read(readFile(t, "template.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]function{}
	doc.resources("AWS::Serverless::Function", func(id string, p node) {
		name := strings.TrimSuffix(strings.TrimPrefix(p.in("CodeUri").text(), "functions/"), "/")
		i := slices.IndexFunc(read, func(f template.Function) bool { return f.Name == name })
		if i < 0 {
			t.Fatalf("%s: CodeUri is %q", id, p.in("CodeUri").text())
		}
		f := function{Function: read[i], id: id, properties: p}
		add := func(name string, _ node) { f.variables = append(f.variables, name) }
		doc.in("Globals", "Function", "Environment", "Variables").each(add)
		p.in("Environment", "Variables").each(add)
		out[name] = f
	})
	return out
}

// triggers are the types of the events that call a function, as SAM names them.
func triggers(t testing.TB, f function) (out []string) {
	t.Helper()
	f.properties.in("Events").each(func(_ string, e node) { out = append(out, e.in("Type").text()) })
	readTemplate(t).resources("AWS::Logs::SubscriptionFilter", func(_ string, p node) {
		if p.in("DestinationArn").text() == f.id+".Arn" {
			out = append(out, "CloudWatchLogs")
		}
	})
	return unique(out)
}

func TestTheTableOfTheTemplateIsTheEngines(t *testing.T) {
	found := 0
	readTemplate(t).resources("AWS::DynamoDB::Table", func(name string, p node) {
		found++
		keys := func(n node) (pair [2]string) {
			for i, k := range n.in("KeySchema").list() {
				if want := []string{"HASH", "RANGE"}[i]; k.in("KeyType").text() != want {
					t.Errorf("%s: key %d is a %s key", name, i, k.in("KeyType").text())
				}
				pair[i] = k.in("AttributeName").text()
			}
			return pair
		}
		if got, want := keys(p), [2]string{table.AttrPK, table.AttrSK}; got != want {
			t.Errorf("the key is %v, want %v", got, want)
		}
		indexes := map[string][2]string{}
		for _, index := range p.in("GlobalSecondaryIndexes").list() {
			indexes[index.in("IndexName").text()] = keys(index)
			if index.in("Projection", "ProjectionType").text() != "ALL" {
				t.Errorf("%s does not project everything", index.in("IndexName").text())
			}
		}
		want := map[string][2]string{"GSI1": {table.AttrIndex1P, table.AttrIndex1S}, "GSI2": {table.AttrIndex2P, table.AttrIndex2S}}
		if !maps.Equal(indexes, want) {
			t.Errorf("the indexes are %v, want %v", indexes, want)
		}
		if p.in("TimeToLiveSpecification", "AttributeName").text() != table.AttrExpires || p.in("TimeToLiveSpecification", "Enabled").value != true {
			t.Errorf("time to live is not by %s", table.AttrExpires)
		}
		for _, on := range [][]string{{"PointInTimeRecoverySpecification", "PointInTimeRecoveryEnabled"}, {"DeletionProtectionEnabled"}, {"SSESpecification", "SSEEnabled"}} {
			if p.in(on...).value != true {
				t.Errorf("%v is not on", on)
			}
		}
		if p.in("BillingMode").text() != "PAY_PER_REQUEST" {
			t.Error("the table is not on demand")
		}
	})
	if found != 1 {
		t.Errorf("there are %d tables", found)
	}
}

// claim is how long an unanswered claim may still be answered (outreach), and
// skew what clocks and deliveries may differ by. See DESIGN §4.5.
const (
	claim = 10 * time.Minute
	skew  = 5 * time.Minute
)

func TestAClaimOutlivesEveryRunOfAFunctionByFiveMinutes(t *testing.T) {
	for name, f := range readFunctions(t) {
		if f.Timeout+skew >= claim {
			t.Errorf("%s may run for %v", name, f.Timeout)
		}
	}
}

func TestAnImportIsAWorkersForLongerThanTheFunctionRuns(t *testing.T) {
	if f := readFunctions(t)["import"]; f.Timeout+30*time.Second > load.Lease {
		t.Errorf("import may run for %v, and another takes up its import after %v", f.Timeout, load.Lease)
	}
}

func TestAQueueWaitsForItsFunction(t *testing.T) {
	doc := readTemplate(t)
	dead := map[string]bool{}
	read := 0
	for name, f := range readFunctions(t) {
		if f.Queue == nil {
			continue
		}
		read++
		q := doc.in("Resources", f.Queue.Name, "Properties")
		if visible := time.Duration(q.in("VisibilityTimeout").number(t)) * time.Second; visible < 6*f.Timeout {
			t.Errorf("%s: a message of %s is seen again after %v, six time-outs are %v", name, f.Queue.Name, visible, 6*f.Timeout)
		}
		if need := needOf(t, name); time.Duration(f.Queue.Batch)*need > f.Timeout-time.Second {
			t.Errorf("%s: a batch of %d at %v each does not fit into %v", name, f.Queue.Batch, need, f.Timeout)
		}
		if f.Queue.MaxReceives < 5 {
			t.Errorf("%s: a message of %s is given up after %d receives, and AWS asks for 5 at least", name, f.Queue.Name, f.Queue.MaxReceives)
		}
		letters := strings.TrimSuffix(q.in("RedrivePolicy", "deadLetterTargetArn").text(), ".Arn")
		dead[letters] = true
		if own, its := q.in("MessageRetentionPeriod").number(t), doc.in("Resources", letters, "Properties", "MessageRetentionPeriod").number(t); its <= own {
			t.Errorf("%s keeps a message for %d s and its dead letters for %d: it ages in both", f.Queue.Name, own, its)
		}
		if f.properties.in("Events").value == nil {
			t.Errorf("%s has no events", name)
		}
	}
	if read < 2 {
		t.Errorf("only %d functions work off a queue", read)
	}
	doc.resources("AWS::SQS::Queue", func(name string, p node) {
		if p.in("SqsManagedSseEnabled").value != true {
			t.Errorf("%s is not encrypted", name)
		}
	})
}

func TestWhatFailsIsHeardOf(t *testing.T) {
	doc := readTemplate(t)
	watched := map[string][]string{} // metrics by the resource that a dimension names
	doc.resources("AWS::CloudWatch::Alarm", func(name string, p node) {
		if len(p.in("AlarmDescription").text()) < 40 || p.in("AlarmActions").value == nil {
			t.Errorf("%s tells nobody, or not what to do", name)
		}
		metrics := []node{p}
		for _, m := range p.in("Metrics").list() {
			metrics = append(metrics, m.in("MetricStat", "Metric"))
		}
		for _, m := range metrics {
			for _, d := range m.in("Dimensions").list() {
				of, _, _ := strings.Cut(d.in("Value").text(), ".")
				watched[of] = append(watched[of], m.in("MetricName").text())
			}
		}
	})
	has := func(resource, metric string) {
		if !slices.Contains(watched[resource], metric) {
			t.Errorf("no alarm looks at %s of %s", metric, resource)
		}
	}
	for _, f := range readFunctions(t) {
		has(f.id, "Errors")
		if f.Queue != nil {
			has(f.Queue.Name, "ApproximateAgeOfOldestMessage")
		}
		f.properties.in("Events").each(func(event string, e node) {
			switch kind := e.in("Type").text(); kind {
			case "SNS":
				letters := strings.TrimSuffix(e.in("Properties", "RedrivePolicy", "deadLetterTargetArn").text(), ".Arn")
				has(letters, "ApproximateNumberOfMessagesVisible")
			case "ScheduleV2", "EventBridgeRule":
				letters := strings.TrimSuffix(e.in("Properties", "DeadLetterConfig", "Arn").text(), ".Arn")
				if letters == "" || e.in("Properties", "RetryPolicy").value == nil {
					t.Errorf("%s %s: a %s has a retry policy and dead letters", f.id, event, kind)
				}
				has(letters, "ApproximateNumberOfMessagesVisible")
			}
		})
	}
	// What a platform hands over without waiting fails long after it has let go.
	for _, f := range readFunctions(t) {
		if kinds := triggers(t, f); !slices.ContainsFunc(kinds, func(k string) bool { return k == "EventBridgeRule" || k == "SNS" || k == "CloudWatchLogs" }) {
			continue
		}
		letters := strings.TrimSuffix(f.properties.in("EventInvokeConfig", "DestinationConfig", "OnFailure", "Destination").text(), ".Arn")
		has(letters, "ApproximateNumberOfMessagesVisible")
	}
	doc.resources("AWS::SQS::Queue", func(_ string, p node) {
		if letters := strings.TrimSuffix(p.in("RedrivePolicy", "deadLetterTargetArn").text(), ".Arn"); letters != "" {
			has(letters, "ApproximateNumberOfMessagesVisible")
		}
	})
	has("Api", "5xx")
}

func TestTheScheduleTellsItsTime(t *testing.T) {
	found := 0
	for name, f := range readFunctions(t) {
		f.properties.in("Events").each(func(event string, e node) {
			if e.in("Type").text() != "ScheduleV2" {
				return
			}
			found++
			if input := e.in("Properties", "Input").text(); input != `{"time": "<aws.scheduler.scheduled-time>"}` {
				t.Errorf("%s %s: the input is %s", name, event, input)
			}
		})
	}
	if found == 0 {
		t.Error("nothing has a schedule")
	}
}

// TestNothingThatTheAPICallsKnowsTheAPI: the API's routes name its functions, so
// a function whose settings name the API, by whatever lies between, closes a
// circle, and CloudFormation refuses the stack.
func TestNothingThatTheAPICallsKnowsTheAPI(t *testing.T) {
	resources := readTemplate(t).in("Resources")
	var names func(v any, seen map[string]bool) bool
	names = func(v any, seen map[string]bool) bool {
		switch v := v.(type) {
		case map[string]any:
			for key, x := range v {
				if key != "Events" && names(x, seen) {
					return true
				}
			}
		case []any:
			for _, x := range v {
				if names(x, seen) {
					return true
				}
			}
		case string:
			for _, name := range regexp.MustCompile(`[A-Za-z0-9]+`).FindAllString(v, -1) {
				if name == "Api" && (v == "Api" || strings.Contains(v, "${Api}")) {
					return true
				}
				referred := v == name || strings.HasPrefix(v, name+".") || strings.Contains(v, "${"+name+"}") || strings.Contains(v, "${"+name+".")
				if next := resources.in(name).value; referred && next != nil && !seen[name] {
					seen[name] = true
					if names(next, seen) {
						return true
					}
				}
			}
		}
		return false
	}
	called := 0
	for name, f := range readFunctions(t) {
		if len(f.Routes) == 0 {
			continue
		}
		called++
		if names(f.properties.value, map[string]bool{f.id: true}) {
			t.Errorf("%s is called by the API and depends on it", name)
		}
	}
	if called == 0 || !names(resources.in("Send").value, map[string]bool{}) {
		t.Error("nothing is called by the API, or Send, which names it, is not seen to")
	}
}

func TestWhoeverSignsUpIsWrittenToThroughTheStacksOwnMail(t *testing.T) {
	found := false
	readTemplate(t).resources("AWS::Cognito::UserPool", func(name string, pool node) {
		found = true
		mail := pool.in("EmailConfiguration")
		if open := pool.in("AdminCreateUserConfig", "AllowAdminCreateUserOnly").value == false; !open {
			return
		}
		if mail.in("EmailSendingAccount").text() != "DEVELOPER" || mail.in("From").text() != "MailFrom" || !strings.HasSuffix(mail.in("SourceArn").text(), ":identity/${MailIdentity}") {
			t.Errorf("%s lets everybody sign up, and writes to them by %v", name, mail.value)
		}
	})
	if !found {
		t.Error("there is no user pool")
	}
}

func TestNoSecretOfAPathReachesTheAccessLog(t *testing.T) {
	found := 0
	readTemplate(t).resources("AWS::Serverless::HttpApi", func(name string, p node) {
		found++
		format := p.in("AccessLogSettings", "Format").text()
		if !strings.Contains(format, "$context.routeKey") {
			t.Errorf("%s: no route in the access log: %s", name, format)
		}
		for _, secret := range []string{"$context.path", "$context.customDomain", "$context.identity", "$context.authorizer", "$request"} {
			if strings.Contains(format, secret) {
				t.Errorf("%s: the access log holds %s", name, secret)
			}
		}
		if p.in("DefaultRouteSettings", "ThrottlingRateLimit").number(t) < 1 {
			t.Errorf("%s is not throttled", name)
		}
	})
	if found != 1 {
		t.Errorf("there are %d APIs", found)
	}
}

// What the clinics' systems tell by the thousand does not share what all pages
// are throttled by, and each of those routes is one that a function has.
func TestWhatSystemsTellHasItsOwnThrottle(t *testing.T) {
	has := map[string]bool{}
	for _, f := range readFunctions(t) {
		f.properties.in("Events").each(func(_ string, e node) {
			if e.in("Type").text() == "HttpApi" {
				has[e.in("Properties", "Method").text()+" "+e.in("Properties", "Path").text()] = true
			}
		})
	}
	routes := readTemplate(t).in("Resources", "Api", "Properties", "RouteSettings")
	var told []string
	routes.each(func(route string, settings node) {
		if !has[route] {
			t.Errorf("no function has the route %q", route)
		}
		if settings.in("ThrottlingRateLimit").number(t) < 500 {
			t.Errorf("%q takes %v a second", route, settings.in("ThrottlingRateLimit").value)
		}
		told = append(told, route)
	})
	for route := range has {
		if strings.Contains(route, "/events") && !slices.Contains(told, route) {
			t.Errorf("%q shares the throttle of the pages", route)
		}
	}
}

// A queue's function answers which messages have failed, and CloudWatch counts
// that as no error: only the queue's own alarms see it.
func TestAnAlarmOnErrorsSaysThatAQueuesMessagesAreNotAmongThem(t *testing.T) {
	queued := map[string]bool{}
	for _, f := range readFunctions(t) {
		queued[f.id] = f.Queue != nil
	}
	found := 0
	readTemplate(t).resources("AWS::CloudWatch::Alarm", func(name string, p node) {
		looksAt := func(m node) bool {
			return m.in("MetricName").text() == "Errors" && slices.ContainsFunc(m.in("Dimensions").list(), func(d node) bool { return queued[d.in("Value").text()] })
		}
		if !looksAt(p) && !slices.ContainsFunc(p.in("Metrics").list(), func(m node) bool { return looksAt(m.in("MetricStat", "Metric")) }) {
			return
		}
		if found++; !strings.Contains(p.in("AlarmDescription").text(), "DeadLetters") {
			t.Errorf("%s does not say who tells of a message that failed: %s", name, p.in("AlarmDescription").text())
		}
	})
	if found < 5 {
		t.Errorf("%d alarms look at the errors of a function with a queue", found)
	}
}

// inBucket is all that lies in one bucket, or in a folder of it: there is no other way to name it.
var inBucket = regexp.MustCompile(`^\$\{Files\.Arn\}(/[a-z]+)?/\*$`)

func TestNoFunctionMayDoMoreThanItsStatementsSay(t *testing.T) {
	for name, f := range readFunctions(t) {
		for _, policy := range f.properties.in("Policies").list() {
			if policy.in("Statement").value == nil {
				t.Errorf("%s: a policy that is not written out: %v", name, policy.value)
			}
			for _, s := range policy.in("Statement").list() {
				for _, action := range s.in("Action").list() {
					if strings.Contains(action.text(), "*") || action.text() == "" {
						t.Errorf("%s: the action %v", name, action.value)
					}
				}
				for _, resource := range s.in("Resource").list() {
					if strings.Contains(resource.text(), "*") && !inBucket.MatchString(resource.text()) {
						t.Errorf("%s: the resource %v", name, resource.value)
					}
				}
			}
		}
	}
}
