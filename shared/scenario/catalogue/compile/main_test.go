package main

import (
	"bytes"
	"os"
	"testing"

	"github.com/returnpoint/returnpoint/shared/scenario/catalogue"
)

func TestTheCompiledFileIsWhatThisCommandWrites(t *testing.T) {
	c, err := catalogue.Shipped()
	if err != nil {
		t.Fatal(err)
	}
	want, err := Source(c)
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("../../compiled.go")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("compiled.go was changed by hand, or a scenario without it: go generate ./shared/scenario")
	}
}
