package oidc

import (
	"bytes"
	"io"
	"net/http"
	"strconv"
)

// kept is an answer kept in memory.
type kept struct {
	header http.Header
	status int
	body   bytes.Buffer
}

var _ http.ResponseWriter = (*kept)(nil)

func (k *kept) Header() http.Header { return k.header }

func (k *kept) WriteHeader(status int) {
	if k.status == 0 {
		k.status = status
	}
}

func (k *kept) Write(b []byte) (int, error) {
	k.WriteHeader(http.StatusOK)
	return k.body.Write(b)
}

func (k *kept) response(r *http.Request) *http.Response {
	k.WriteHeader(http.StatusOK)
	return &http.Response{Status: strconv.Itoa(k.status) + " " + http.StatusText(k.status), StatusCode: k.status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: k.header, Body: io.NopCloser(&k.body), ContentLength: int64(k.body.Len()), Request: r}
}
