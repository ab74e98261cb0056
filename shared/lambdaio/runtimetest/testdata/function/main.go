// The function of the tests of runtimetest: MODE chooses how well it behaves.
package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/returnpoint/returnpoint/shared/lambdaio"
)

func main() {
	log := lambdaio.Logger(os.Stdout, slog.LevelInfo)
	switch mode := os.Getenv("MODE"); mode {
	case "http":
		lambdaio.Start(lambdaio.HTTP(log, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			log.InfoContext(r.Context(), "serving")
			deadline, _ := r.Context().Deadline()
			fmt.Fprintf(w, "%s %s within %v", r.Method, r.URL.Path, time.Until(deadline) > time.Second)
		})))
	case "panic":
		lambdaio.Start(lambdaio.HTTP(log, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("the handler gave up") })))
	case "fails":
		lambdaio.Start(lambdaio.Schedule(log, func(context.Context, time.Time) error { return fmt.Errorf("the table is away") }))
	case "environment":
		lambdaio.Start(lambdaio.Schedule(log, func(context.Context, time.Time) error {
			return fmt.Errorf("env %s", strings.Join(os.Environ(), " "))
		}))
	case "too long":
		lambdaio.Start(answer(bytes.Repeat([]byte("1"), lambdaio.MaxPayload+1)))
	case "raw panic":
		lambdaio.Start(handler(func() []byte { panic("nobody recovered this") }))
	case "hangs":
		lambdaio.Start(handler(func() []byte { time.Sleep(time.Hour); return nil }))
	case "asks twice":
		next()
		next()
	case "answers another":
		next()
		post("invocation/another/response", "1")
		time.Sleep(time.Hour)
	case "answers twice":
		id := next()
		post("invocation/"+id+"/response", "1")
		post("invocation/"+id+"/response", "2")
		time.Sleep(time.Hour)
	case "calls elsewhere":
		post("invocation", "1")
		time.Sleep(time.Hour)
	case "fails to start":
		post("init/error", `{"errorMessage":"no table","errorType":"Config"}`)
		os.Exit(3)
	default:
		fmt.Fprintln(os.Stderr, "MODE is not set to anything known:", mode)
		os.Exit(1)
	}
}

type handler func() []byte

func (h handler) Invoke(context.Context, []byte) ([]byte, error) { return h(), nil }

func answer(b []byte) handler { return func() []byte { return b } }

func url(path string) string {
	return "http://" + os.Getenv("AWS_LAMBDA_RUNTIME_API") + "/2018-06-01/runtime/" + path
}

func next() (id string) {
	resp, err := http.Get(url("invocation/next"))
	if err != nil {
		os.Exit(4)
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, resp.Body)
	return resp.Header.Get("Lambda-Runtime-Aws-Request-Id")
}

func post(path, body string) {
	resp, err := http.Post(url(path), "application/json", strings.NewReader(body))
	if err != nil {
		os.Exit(5)
	}
	resp.Body.Close()
}
