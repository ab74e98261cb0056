// Package template reads from the SAM template what one machine needs to stand
// in for the cloud: which function serves which route, runs at which times,
// works off which queue, takes providers' events, and how long it may run.
package template

import (
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/returnpoint/returnpoint/infra/local/schedule"
)

// Function is one Lambda of the template.
type Function struct {
	// Name is its folder under functions/.
	Name      string
	Timeout   time.Duration
	Routes    []Route
	Schedules []Schedule
	Queue     *Queue // that it works off; nil for none
	// Reports: it takes what providers report, by a rule, a topic or a log.
	Reports bool
}

// Route is a method, or ANY, and a path of an HTTP API: /c/{token}.
type Route struct{ Method, Path string }

func (r Route) String() string { return r.Method + " " + r.Path }

// Schedule is one timetable of a function.
type Schedule struct {
	Name string
	schedule.Expression
}

// Queue is a queue and how its function is given batches of it.
type Queue struct {
	Name  string // of the resource
	Batch int
	// MaxReceives is how often a message is delivered before it goes to the dead letters.
	MaxReceives int
}

// document is what of a template matters here. What an intrinsic function may
// stand in for is a node.
type document struct {
	Globals struct {
		Function struct {
			Timeout int `yaml:"Timeout"`
		} `yaml:"Function"`
	} `yaml:"Globals"`
	Resources map[string]struct {
		Type       string    `yaml:"Type"`
		Properties yaml.Node `yaml:"Properties"`
	} `yaml:"Resources"`
}

type function struct {
	CodeURI string           `yaml:"CodeUri"`
	Timeout int              `yaml:"Timeout"`
	Events  map[string]event `yaml:"Events"`
}

type event struct {
	Type       string `yaml:"Type"`
	Properties struct {
		Method             string    `yaml:"Method"`
		Path               string    `yaml:"Path"`
		ScheduleExpression string    `yaml:"ScheduleExpression"`
		TimeZone           string    `yaml:"ScheduleExpressionTimezone"`
		Queue              yaml.Node `yaml:"Queue"`
		BatchSize          int       `yaml:"BatchSize"`
		FailuresBy         []string  `yaml:"FunctionResponseTypes"`
	} `yaml:"Properties"`
}

type queue struct {
	Redrive struct {
		MaxReceives int `yaml:"maxReceiveCount"`
	} `yaml:"RedrivePolicy"`
}

// The defaults of SAM and of Amazon SQS for what a template leaves out.
const (
	defaultTimeout = 3
	defaultBatch   = 10
)

// Read reads a template and lists its functions by name. One error names all
// that is missing or cannot be done on one machine.
func Read(raw []byte) ([]Function, error) {
	var doc document
	if err := yaml.Unmarshal(raw, &doc); err != nil {
		return nil, fmt.Errorf("template: %w", err)
	}
	r := reader{queues: map[string]queue{}}
	ids := slices.Sorted(maps.Keys(doc.Resources))
	for _, id := range ids {
		if res := doc.Resources[id]; res.Type == "AWS::SQS::Queue" {
			var q queue
			if !res.Properties.IsZero() {
				r.note(id, res.Properties.Decode(&q))
			}
			r.queues[id] = q
		}
	}
	var out []Function
	for _, id := range ids {
		if res := doc.Resources[id]; res.Type == "AWS::Serverless::Function" {
			var f function
			if err := res.Properties.Decode(&f); err != nil {
				r.note(id, err)
				continue
			}
			if f.Timeout == 0 {
				f.Timeout = doc.Globals.Function.Timeout
			}
			if f.Timeout == 0 {
				f.Timeout = defaultTimeout
			}
			out = append(out, r.function(id, f))
		}
	}
	if len(out) == 0 {
		r.note("Resources", errors.New("there is no AWS::Serverless::Function"))
	}
	slices.SortFunc(out, func(a, b Function) int { return strings.Compare(a.Name, b.Name) })
	if len(r.faults) > 0 {
		return nil, fmt.Errorf("template: %w", errors.Join(r.faults...))
	}
	return out, nil
}

// reader gathers what is wrong.
type reader struct {
	queues map[string]queue
	faults []error
}

func (r *reader) note(at string, err error) {
	if err != nil {
		r.faults = append(r.faults, fmt.Errorf("%s: %w", at, err))
	}
}

func (r *reader) function(id string, f function) Function {
	out := Function{Name: path.Base(path.Clean(f.CodeURI)), Timeout: time.Duration(f.Timeout) * time.Second}
	if path.Dir(path.Clean(f.CodeURI)) != "functions" {
		r.note(id, fmt.Errorf("CodeUri: %q is no folder of functions/", f.CodeURI))
	}
	for _, name := range slices.Sorted(maps.Keys(f.Events)) {
		r.note(id+".Events."+name, r.event(&out, name, f.Events[name]))
	}
	return out
}

// event adds one source of events to the function.
func (r *reader) event(f *Function, name string, e event) error {
	p := e.Properties
	switch e.Type {
	case "HttpApi":
		if p.Method == "" || !strings.HasPrefix(p.Path, "/") {
			return errors.New("a route has a Method and a Path")
		}
		f.Routes = append(f.Routes, Route{Method: strings.ToUpper(p.Method), Path: p.Path})
	case "ScheduleV2":
		loc, err := time.LoadLocation(p.TimeZone)
		if err != nil {
			return fmt.Errorf("ScheduleExpressionTimezone: %w", err)
		}
		times, err := schedule.Parse(p.ScheduleExpression, loc)
		if err != nil {
			return err
		}
		f.Schedules = append(f.Schedules, Schedule{Name: name, Expression: times})
	case "SQS":
		id := resourceOf(p.Queue)
		q, ok := r.queues[id]
		switch {
		case !ok:
			return fmt.Errorf("Queue: %q is no AWS::SQS::Queue of this template", id)
		case f.Queue != nil:
			return errors.New("a function works off one queue here")
		case !slices.Contains(p.FailuresBy, "ReportBatchItemFailures"):
			return errors.New("FunctionResponseTypes: without ReportBatchItemFailures one failure repeats its whole batch")
		case q.Redrive.MaxReceives < 1:
			return fmt.Errorf("Queue: without a RedrivePolicy what fails in %s comes back for ever", id)
		}
		batch := p.BatchSize
		if batch == 0 {
			batch = defaultBatch
		}
		f.Queue = &Queue{Name: id, Batch: batch, MaxReceives: q.Redrive.MaxReceives}
	case "EventBridgeRule", "SNS", "CloudWatchLogs":
		f.Reports = true
	default:
		return fmt.Errorf("events of the type %q cannot be had on one machine", e.Type)
	}
	return nil
}

// resourceOf is the resource that !GetAtt X.Arn, !Ref X, or Fn::GetAtt: [X, Arn] speaks of.
func resourceOf(n yaml.Node) string {
	for n.Kind == yaml.MappingNode && len(n.Content) == 2 {
		n = *n.Content[1]
	}
	if n.Kind == yaml.SequenceNode && len(n.Content) > 0 {
		n = *n.Content[0]
	}
	id, _, _ := strings.Cut(n.Value, ".")
	return id
}

// String is for logs: "send (30s)".
func (f Function) String() string {
	return f.Name + " (" + strconv.Itoa(int(f.Timeout/time.Second)) + "s)"
}
