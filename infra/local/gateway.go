package main

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/returnpoint/returnpoint/shared/lambdaio"
)

// route is a path of the template, taken apart, and where it leads.
type route struct {
	method   string // or ANY
	segments []string
	function *function
}

// routes are all of them.
type routes []route

func newRoutes(functions []*function) routes {
	var all routes
	for _, f := range functions {
		for _, r := range f.Routes {
			all = append(all, route{r.Method, strings.Split(r.Path, "/"), f})
		}
	}
	return all
}

// find picks the function as an HTTP API does: a fixed segment is preferred to
// a variable one, that to a greedy one, and the request's own method to ANY
// (https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-routes.html).
// HEAD is a method of its own.
func (all routes) find(method, path string) *function {
	var best route
	segments := strings.Split(path, "/")
	for _, r := range all {
		if (r.method == method || r.method == "ANY") && r.fits(segments) && (best.function == nil || r.beats(best, method)) {
			best = r
		}
	}
	return best.function
}

// The ranks of a segment of a route.
const (
	fixed = iota
	variable
	greedy
)

func rank(segment string) int {
	switch {
	case strings.HasPrefix(segment, "{") && strings.HasSuffix(segment, "+}"):
		return greedy
	case strings.HasPrefix(segment, "{") && strings.HasSuffix(segment, "}"):
		return variable
	}
	return fixed
}

func (r route) fits(path []string) bool {
	for i, s := range r.segments {
		if i >= len(path) {
			return false
		}
		switch rank(s) {
		case greedy:
			return path[i] != ""
		case variable:
			if path[i] == "" {
				return false
			}
		default:
			if path[i] != s {
				return false
			}
		}
	}
	return len(path) == len(r.segments)
}

func (r route) beats(other route, method string) bool {
	for i := range min(len(r.segments), len(other.segments)) {
		if mine, its := rank(r.segments[i]), rank(other.segments[i]); mine != its {
			return mine < its
		}
	}
	return r.method == method && other.method != method
}

// gateway stands where API Gateway stands: it makes an event of the request,
// invokes the route's function and sends its answer.
type gateway struct {
	*machine
	routes routes
}

func (g gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f := g.routes.find(r.Method, r.URL.EscapedPath())
	if f == nil {
		gatewayError(w, http.StatusNotFound, "Not Found")
		return
	}
	payload, err := lambdaio.HTTPPayload(r, g.clock.Now())
	switch {
	case errors.Is(err, lambdaio.ErrTooLarge):
		gatewayError(w, http.StatusRequestEntityTooLarge, "Request Entity Too Large")
		return
	case err != nil: // the client sent less than it promised
		gatewayError(w, http.StatusBadRequest, "Bad Request")
		return
	}
	answer, err := g.invoke(f, payload)
	if err == nil {
		err = lambdaio.WriteHTTPResponse(w, answer)
	}
	if err != nil && r.Context().Err() == nil {
		g.log.Error("a request failed", "function", f.Name, "err", err)
		if errors.Is(err, context.DeadlineExceeded) {
			gatewayError(w, http.StatusServiceUnavailable, "Service Unavailable")
			return
		}
		gatewayError(w, http.StatusInternalServerError, "Internal Server Error")
	}
}

// gatewayError is an answer of the gateway's own, in its form.
func gatewayError(w http.ResponseWriter, status int, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(`{"message":"` + message + `"}`)) // the client has gone if this fails
}
