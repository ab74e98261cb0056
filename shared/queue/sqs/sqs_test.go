package sqs

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"pgregory.net/rapid"

	"github.com/returnpoint/returnpoint/shared/dental"
)

type entry struct{ Id, MessageBody string }

type failure struct {
	Id, Code, Message string
	SenderFault       bool
}

type success struct{ Id, MessageId, MD5OfMessageBody string }

// service behaves like SQS: it holds callers to the limits and keeps what it
// has taken.
type service struct {
	url string

	mu    sync.Mutex
	calls [][]entry
	taken []string
	// fail says of an entry in the n-th call, counted from 0, why it is not taken.
	fail func(call int, e entry) *failure
	// forget leaves an entry out of the answer, though it was taken.
	forget func(call int, e entry) bool
	// down answers the n-th call with an error.
	down func(call int) (status int, code string)
}

func serve(t testing.TB) *service {
	t.Helper()
	s := &service{}
	srv := httptest.NewServer(s)
	t.Cleanup(srv.Close)
	s.url = srv.URL
	return s
}

func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var in struct {
		QueueUrl string
		Entries  []entry
	}
	if r.Header.Get("X-Amz-Target") != "AmazonSQS.SendMessageBatch" || json.NewDecoder(r.Body).Decode(&in) != nil || in.QueueUrl != s.queue() {
		s.refuse(w, http.StatusBadRequest, "InvalidAction")
		return
	}
	call := len(s.calls)
	s.calls = append(s.calls, in.Entries)
	if s.down != nil {
		if status, code := s.down(call); status != 0 {
			s.refuse(w, status, code)
			return
		}
	}
	size, ids := 0, map[string]bool{}
	for _, e := range in.Entries {
		size += len(e.MessageBody)
		ids[e.Id] = true
	}
	switch {
	case len(in.Entries) == 0:
		s.refuse(w, http.StatusBadRequest, "EmptyBatchRequest")
		return
	case len(in.Entries) > 10:
		s.refuse(w, http.StatusBadRequest, "TooManyEntriesInBatchRequest")
		return
	case size > 256*1024:
		s.refuse(w, http.StatusBadRequest, "BatchRequestTooLong")
		return
	case len(ids) != len(in.Entries):
		s.refuse(w, http.StatusBadRequest, "BatchEntryIdsNotDistinct")
		return
	}
	var out struct {
		Successful []success
		Failed     []failure
	}
	for _, e := range in.Entries {
		if s.fail != nil {
			if f := s.fail(call, e); f != nil {
				f.Id = e.Id
				out.Failed = append(out.Failed, *f)
				continue
			}
		}
		s.taken = append(s.taken, e.MessageBody)
		if s.forget != nil && s.forget(call, e) {
			continue
		}
		sum := md5.Sum([]byte(e.MessageBody))
		out.Successful = append(out.Successful, success{e.Id, "m-" + e.Id, hex.EncodeToString(sum[:])})
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	_ = json.NewEncoder(w).Encode(out)
}

func (s *service) queue() string { return s.url + "/123456789012/work" }

func (s *service) refuse(w http.ResponseWriter, status int, code string) {
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	w.WriteHeader(status)
	fmt.Fprintf(w, `{"__type":"com.amazonaws.sqs#%s","message":"no"}`, code)
}

func (s *service) open() *Queue {
	return New(aws.Config{
		Region: "eu-central-1", BaseEndpoint: aws.String(s.url),
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "example"}, nil
		}),
		Retryer: func() aws.Retryer { return aws.NopRetryer{} },
	}, s.queue(), func() float64 { return 0 })
}

func bodies(n, size int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf("%0*d", size, i)
	}
	return out
}

func TestBodiesGoInAsFewCallsAsTheyFitIn(t *testing.T) {
	for name, c := range map[string]struct {
		bodies []string
		calls  []int // bodies a call
	}{
		"none":             {nil, nil},
		"one":              {bodies(1, 10), []int{1}},
		"ten":              {bodies(10, 10), []int{10}},
		"eleven":           {bodies(11, 10), []int{10, 1}},
		"twenty-five":      {bodies(25, 10), []int{10, 10, 5}},
		"three of 100 KiB": {bodies(3, 100*1024), []int{2, 1}},
		"five of 64 KiB":   {bodies(5, 64*1024), []int{4, 1}},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t)
			if err := s.open().Enqueue(t.Context(), c.bodies...); err != nil {
				t.Fatal(err)
			}
			var calls []int
			for _, call := range s.calls {
				calls = append(calls, len(call))
			}
			if !slices.Equal(calls, c.calls) || !slices.Equal(s.taken, c.bodies) {
				t.Errorf("the calls had %v bodies, want %v; %d of %d were taken", calls, c.calls, len(s.taken), len(c.bodies))
			}
		})
	}
}

func TestWhatIsNotTakenIsHandedOverAgainAndNothingElse(t *testing.T) {
	s := serve(t)
	s.fail = func(call int, e entry) *failure {
		if call < 3 && (e.MessageBody == "0000000003" || e.MessageBody == "0000000007") {
			return &failure{Code: "InternalError"}
		}
		return nil
	}
	want := bodies(10, 10)
	if err := s.open().Enqueue(t.Context(), want...); err != nil {
		t.Fatal(err)
	}
	slices.Sort(s.taken)
	if !slices.Equal(s.taken, want) || len(s.calls) != 4 {
		t.Errorf("taken in %d calls: %v", len(s.calls), s.taken)
	}
}

func TestWhatTheAnswerDoesNotNameIsHandedOverAgain(t *testing.T) {
	s := serve(t)
	s.forget = func(call int, e entry) bool { return call == 0 && e.Id == "1" }
	if err := s.open().Enqueue(t.Context(), bodies(3, 10)...); err != nil {
		t.Fatal(err)
	}
	if want := []string{"0000000000", "0000000001", "0000000002", "0000000001"}; !slices.Equal(s.taken, want) {
		t.Errorf("taken: %v", s.taken)
	}
}

func TestRoundsAreBoundedAndTheRestStillGoes(t *testing.T) {
	s := serve(t)
	s.fail = func(_ int, e entry) *failure {
		if e.MessageBody == "0000000003" {
			return &failure{Code: "InternalError"}
		}
		return nil
	}
	err := s.open().Enqueue(t.Context(), bodies(15, 10)...)
	if dental.KindOf(err) != dental.Unavailable || !strings.Contains(err.Error(), "1 messages were not taken in 6 rounds") {
		t.Errorf("got %v", err)
	}
	if len(s.taken) != 14 || len(s.calls) != maxRounds+1 {
		t.Errorf("%d were taken in %d calls", len(s.taken), len(s.calls))
	}
}

func TestAMessageThatSQSRefusesIsNotRepeated(t *testing.T) {
	s := serve(t)
	s.fail = func(_ int, e entry) *failure {
		if e.MessageBody == "0000000003" {
			return &failure{Code: "InvalidMessageContents", Message: "bad", SenderFault: true}
		}
		return nil
	}
	err := s.open().Enqueue(t.Context(), bodies(15, 10)...)
	if dental.KindOf(err) != dental.Unavailable || !strings.Contains(err.Error(), "InvalidMessageContents") {
		t.Errorf("got %v", err)
	}
	if len(s.taken) != 14 || len(s.calls) != 2 {
		t.Errorf("%d were taken in %d calls", len(s.taken), len(s.calls))
	}
}

func TestACallThatFailsAsAWholeEndsIt(t *testing.T) {
	s := serve(t)
	s.down = func(call int) (int, string) {
		if call == 1 {
			return http.StatusBadRequest, "QueueDoesNotExist"
		}
		return 0, ""
	}
	err := s.open().Enqueue(t.Context(), bodies(35, 10)...)
	if dental.KindOf(err) != dental.Unavailable || !strings.Contains(err.Error(), "QueueDoesNotExist") {
		t.Errorf("got %v", err)
	}
	if len(s.taken) != 10 || len(s.calls) != 2 {
		t.Errorf("%d were taken in %d calls", len(s.taken), len(s.calls))
	}
}

func TestACancelledContextEndsThePauses(t *testing.T) {
	s := serve(t)
	ctx, cancel := context.WithCancel(t.Context())
	s.fail = func(int, entry) *failure { cancel(); return &failure{Code: "InternalError"} }
	q := s.open()
	q.random = func() float64 { return 1 }
	if err := q.Enqueue(ctx, "body"); !errors.Is(err, context.Canceled) || len(s.calls) != 1 {
		t.Errorf("got %v after %d calls", err, len(s.calls))
	}
}

func TestABodyThatCannotBeCarriedIsToldBeforeAnythingIsSent(t *testing.T) {
	s := serve(t)
	for _, bad := range []string{"", strings.Repeat("x", maxBody+1)} {
		if err := s.open().Enqueue(t.Context(), "good", bad); dental.KindOf(err) != dental.Invalid || len(s.calls) != 0 {
			t.Errorf("a body of %d bytes: %v, %d calls", len(bad), err, len(s.calls))
		}
	}
	if err := s.open().Enqueue(t.Context(), strings.Repeat("x", maxBody)); err != nil {
		t.Errorf("a body of %d bytes: %v", maxBody, err)
	}
}

func TestEveryBodyArrivesWhenEnqueueSaysSo(t *testing.T) {
	s := serve(t)
	rapid.Check(t, func(t *rapid.T) {
		s.mu.Lock()
		s.taken, s.calls = nil, nil
		s.mu.Unlock()
		var want []string
		for i, size := range rapid.SliceOfN(rapid.IntRange(8, maxBody), 0, 25).Draw(t, "sizes") {
			want = append(want, fmt.Sprintf("%0*d", size, i))
		}
		bad := rapid.SliceOfN(rapid.IntRange(0, 30), 0, 6).Draw(t, "bad")
		n := 0
		s.fail = func(int, entry) *failure {
			if n++; slices.Contains(bad, n) {
				return &failure{Code: "InternalError"}
			}
			return nil
		}
		if err := s.open().Enqueue(context.Background(), want...); err != nil {
			return // six times in a row on one message
		}
		got := slices.Sorted(slices.Values(s.taken))
		if !slices.Equal(got, slices.Sorted(slices.Values(want))) {
			t.Fatalf("%d of %d arrived", len(got), len(want))
		}
	})
}
