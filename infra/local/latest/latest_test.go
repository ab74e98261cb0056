package latest_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/returnpoint/returnpoint/infra/local/latest"
)

// open opens the file of numbers and gives the last one, or "none".
func open(t *testing.T, path string) (*latest.File, string) {
	t.Helper()
	value := "none"
	f, found, err := latest.Open(path, func(line []byte) error {
		if strings.Trim(string(line), "0123456789") != "" || len(line) == 0 {
			return errors.New("not a number")
		}
		value = string(line)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if found != (value != "none") {
		t.Fatalf("found = %t with the value %s", found, value)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f, value
}

func TestTheLastValuePutIsFoundAfterItWasOpenedAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "n")
	f, value := open(t, path)
	if value != "none" {
		t.Fatalf("a new file has the value %s", value)
	}
	for n := range 6 {
		put := f.Put
		if n%2 == 1 {
			put = f.Note
		}
		if err := put(fmt.Append(nil, n)); err != nil {
			t.Fatal(err)
		}
		if _, value := open(t, path); value != fmt.Sprint(n) {
			t.Fatalf("after %d was put the file has %s", n, value)
		}
		f, _ = open(t, path)
	}
}

func TestATornLastLineLeavesTheValueBeforeIt(t *testing.T) {
	for name, tail := range map[string]string{
		"cut short":        "12",
		"zeros":            "\x00\x00\x00\x00",
		"zeros and a line": "\x00\x00\x00\n",
		"half of another":  "x\n",
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "n")
			if err := os.WriteFile(path, []byte("6\n7\n"+tail), 0o600); err != nil {
				t.Fatal(err)
			}
			f, value := open(t, path)
			if value != "7" {
				t.Fatalf("the value is %s, not 7", value)
			}
			if err := f.Put([]byte("8")); err != nil {
				t.Fatal(err)
			}
			if _, value = open(t, path); value != "8" {
				t.Fatalf("what is put after a torn line is lost: %s", value)
			}
		})
	}
}

func TestAFileOfSomethingElseIsRefusedAndLeftAsItIs(t *testing.T) {
	path := filepath.Join(t.TempDir(), "n")
	if err := os.WriteFile(path, []byte("a letter\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, _, err := latest.Open(path, func([]byte) error { return errors.New("not a number") })
	if err == nil || !strings.Contains(err.Error(), "n cannot be read: not a number") {
		t.Fatalf("got %v", err)
	}
	if content, _ := os.ReadFile(path); string(content) != "a letter\n" {
		t.Fatalf("the file was changed to %q", content)
	}
}

func TestTheFileDoesNotGrowForEver(t *testing.T) {
	path := filepath.Join(t.TempDir(), "n")
	f, _ := open(t, path)
	long := strings.Repeat("1", 50_000)
	for range 30 {
		if err := f.Put([]byte(long)); err != nil {
			t.Fatal(err)
		}
	}
	info, err := os.Stat(path)
	if err != nil || info.Size() > 400_000 {
		t.Fatalf("1.5 MB of values left a file of %d bytes (%v)", info.Size(), err)
	}
	if _, value := open(t, path); value != long {
		t.Fatalf("the value has %d digits", len(value))
	}
}

func TestWhatCannotBeWrittenIsSaidNowAndLater(t *testing.T) {
	f, _ := open(t, filepath.Join(t.TempDir(), "n"))
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if first, second := f.Put([]byte("1")), f.Put([]byte("2")); first == nil || second == nil {
		t.Fatalf("got %v, then %v", first, second)
	}
}
