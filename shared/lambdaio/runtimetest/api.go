package runtimetest

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/returnpoint/returnpoint/shared/lambdaio"
)

// runtimeAPI is the Runtime API for one invocation.
type runtimeAPI struct {
	event    []byte
	deadline time.Time
	// done gets the end of the invocation once: nil when the function asked
	// for another event, or how it broke the protocol.
	done chan error

	mu    sync.Mutex
	given bool // the event was handed over
	seen  Result
}

func (a *runtimeAPI) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+api+"/invocation/next", a.next)
	mux.HandleFunc("POST "+api+"/invocation/{id}/response", a.answer)
	mux.HandleFunc("POST "+api+"/invocation/{id}/error", a.fail)
	mux.HandleFunc("POST "+api+"/init/error", a.failInit)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		a.violate(w, http.StatusNotFound, fmt.Sprintf("it called %s %s, which is not of the Runtime API", r.Method, r.URL.Path))
	})
	return mux
}

func (a *runtimeAPI) result() Result {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.seen
}

// next gives the one event, and then waits as Lambda does when nothing is due.
func (a *runtimeAPI) next(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	first, settled := !a.given, a.seen.Answer != nil || a.seen.Failure != nil
	a.given = true
	a.mu.Unlock()
	switch {
	case first:
		w.Header().Set("Lambda-Runtime-Aws-Request-Id", invocationID)
		w.Header().Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(a.deadline.UnixMilli(), 10))
		w.Header().Set("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:eu-central-1:000000000000:function:function")
		w.Header().Set("Lambda-Runtime-Trace-Id", "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=0")
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(a.event) // a function that is gone shows by its exit
	case !settled:
		a.violate(w, http.StatusBadRequest, "it asked for the next event before it had answered the first")
	default:
		a.end(nil)
		<-r.Context().Done()
	}
}

func (a *runtimeAPI) answer(w http.ResponseWriter, r *http.Request) {
	body, ok := a.settle(w, r)
	if !ok {
		return
	}
	// A streamed answer that broke off says so in its trailers.
	if kind := r.Trailer.Get("Lambda-Runtime-Function-Error-Type"); kind != "" {
		a.violate(w, http.StatusBadRequest, "its answer broke off: "+kind)
		return
	}
	a.keep(func(seen *Result) { seen.Answer = body })
	accept(w)
}

func (a *runtimeAPI) fail(w http.ResponseWriter, r *http.Request) {
	if body, ok := a.settle(w, r); ok {
		a.keep(func(seen *Result) { seen.Failure = body })
		accept(w)
	}
}

func (a *runtimeAPI) failInit(w http.ResponseWriter, r *http.Request) {
	if body, ok := a.read(w, r); ok {
		a.keep(func(seen *Result) { seen.InitFailure = body })
		accept(w)
	}
}

// settle reads what ends the invocation, which may come once only.
func (a *runtimeAPI) settle(w http.ResponseWriter, r *http.Request) ([]byte, bool) {
	a.mu.Lock()
	given, settled := a.given, a.seen.Answer != nil || a.seen.Failure != nil
	a.mu.Unlock()
	switch id := r.PathValue("id"); {
	case !given || id != invocationID:
		a.violate(w, http.StatusBadRequest, fmt.Sprintf("it answered the invocation %q, which it was not given", id))
		return nil, false
	case settled:
		a.violate(w, http.StatusBadRequest, "it answered one event twice")
		return nil, false
	}
	return a.read(w, r)
}

func (a *runtimeAPI) read(w http.ResponseWriter, r *http.Request) ([]byte, bool) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, lambdaio.MaxPayload))
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		a.violate(w, http.StatusRequestEntityTooLarge, fmt.Sprintf("its answer is longer than %d bytes", lambdaio.MaxPayload))
		return nil, false
	}
	if err != nil {
		a.violate(w, http.StatusBadRequest, "its answer broke off: "+err.Error())
		return nil, false
	}
	if body == nil {
		body = []byte{}
	}
	return body, true
}

func (a *runtimeAPI) keep(set func(*Result)) {
	a.mu.Lock()
	defer a.mu.Unlock()
	set(&a.seen)
}

func (a *runtimeAPI) violate(w http.ResponseWriter, status int, how string) {
	http.Error(w, how, status)
	a.end(errors.New(how))
}

// end tells of the first end only; what follows it is its consequence.
func (a *runtimeAPI) end(err error) {
	select {
	case a.done <- err:
	default:
	}
}

func accept(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusAccepted)
	_, _ = io.WriteString(w, `{"status":"OK"}`)
}
