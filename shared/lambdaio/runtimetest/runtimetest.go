// Package runtimetest runs the binary of a Lambda function as Lambda runs it: it
// is the Runtime API on the other side of the process
// (https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html). It shows what
// no test inside the process can: that the binary starts on the environment its
// template gives it, answers, and says on standard error what it lacks.
package runtimetest

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"time"
)

const (
	api          = "/2018-06-01/runtime"
	invocationID = "8476a536-e9f4-11e8-9739-2dfe598c3fcd"
	// grace is how long a process that was told to stop may take with its output.
	grace = 2 * time.Second
)

// Function is a binary to be run.
type Function struct {
	// Bootstrap is the path of the binary.
	Bootstrap string
	// Env holds KEY=value and is, with the few variables that Lambda sets for
	// every function, the whole environment: nothing comes from the process
	// that tests. Of two values for one key the last holds.
	Env []string
	// Timeout is the function's, its start included; 0 is 10 seconds.
	Timeout time.Duration
}

// Result is what came of one invocation.
type Result struct {
	// Answer is what the function answered; nil when it did not.
	Answer []byte
	// Failure is the JSON by which it reported a failed invocation, InitFailure
	// the one of a failed start; nil when there was none.
	Failure, InitFailure []byte
	Stdout, Stderr       string
	// ExitCode is the process's own, or -1 when it was still there at the end,
	// ready for the next event, and was stopped.
	ExitCode int
}

// Invoke starts the function, hands it one event and stops it when it asks for
// the next. It is an error when the binary does not start, when it breaks the
// protocol, and when it neither asks nor ends within Timeout; the Result holds
// what was seen until then. A function that ends by itself, with or without an
// answer, is no error.
func (f Function) Invoke(ctx context.Context, event []byte) (Result, error) {
	timeout := f.Timeout
	if timeout == 0 {
		timeout = 10 * time.Second
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return Result{}, fmt.Errorf("runtimetest: listen: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	deadline, _ := ctx.Deadline()
	runtime := &runtimeAPI{event: event, deadline: deadline, done: make(chan error, 1)}
	server := &http.Server{Handler: runtime.routes(), BaseContext: func(net.Listener) context.Context { return ctx }}
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = server.Serve(listener) // ends by Close below
	}()

	cmd := exec.CommandContext(ctx, f.Bootstrap)
	cmd.Dir = filepath.Dir(f.Bootstrap)
	cmd.Env = append(lambdaEnv(listener.Addr().String(), cmd.Dir), f.Env...)
	cmd.WaitDelay = grace
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr

	stopped := false
	if err = cmd.Start(); err == nil {
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			_ = cmd.Wait() // the state is read below, whatever it is
		}()
		select {
		case err = <-runtime.done:
			stopped = true
			_ = cmd.Process.Kill() // it may have ended in between
			<-ended
		case <-ctx.Done():
			stopped = true
			<-ended
			err = fmt.Errorf("it neither answered nor ended within %v: %w", timeout, ctx.Err())
		case <-ended:
			select {
			case err = <-runtime.done: // it was told off before it ended
			default:
			}
		}
	}
	_ = server.Close()
	<-served

	result := runtime.result() // after Close no request is under way that counts
	result.Stdout, result.Stderr, result.ExitCode = stdout.String(), stderr.String(), -1
	if cmd.ProcessState != nil && !stopped {
		result.ExitCode = cmd.ProcessState.ExitCode()
	}
	if err != nil {
		return result, fmt.Errorf("runtimetest: run %s: %w", filepath.Base(f.Bootstrap), err)
	}
	return result, nil
}

// lambdaEnv is what Lambda sets for every function, but for credentials: a
// function under test gets those it is given.
func lambdaEnv(address, dir string) []string {
	return []string{
		"AWS_LAMBDA_RUNTIME_API=" + address,
		"AWS_LAMBDA_FUNCTION_NAME=function", "AWS_LAMBDA_FUNCTION_VERSION=$LATEST", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE=128",
		"AWS_LAMBDA_INITIALIZATION_TYPE=on-demand", "AWS_LAMBDA_LOG_GROUP_NAME=/aws/lambda/function", "AWS_LAMBDA_LOG_STREAM_NAME=stream",
		"AWS_EXECUTION_ENV=AWS_Lambda_provided.al2023", "AWS_REGION=eu-central-1", "AWS_DEFAULT_REGION=eu-central-1",
		"LAMBDA_TASK_ROOT=" + dir, "_HANDLER=bootstrap", "PATH=/usr/local/bin:/usr/bin:/bin", "LANG=en_US.UTF-8", "TZ=:UTC",
	}
}

// Build compiles the package of a function into dir as its deployment does, for
// the machine at hand, and returns the path of the binary.
func Build(ctx context.Context, dir, pkg string) (bootstrap string, err error) {
	bootstrap = filepath.Join(dir, "bootstrap")
	cmd := exec.CommandContext(ctx, "go", "build", "-tags", "lambda.norpc", "-o", bootstrap, pkg)
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("runtimetest: build %s: %w\n%s", pkg, err, out)
	}
	return bootstrap, nil
}
