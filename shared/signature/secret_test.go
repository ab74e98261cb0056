package signature_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"

	"github.com/returnpoint/returnpoint/shared/signature"
)

func TestParseSecretTakesOneSpellingOf24To64Bytes(t *testing.T) {
	spell := func(n int) string {
		return "whsec_" + base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{0xfb}, n))
	}
	for _, tt := range []struct {
		name, text string
		ok         bool
	}{
		{"24 bytes", spell(24), true},
		{"32 bytes", spell(32), true},
		{"64 bytes", spell(64), true},
		{"23 bytes", spell(23), false},
		{"65 bytes", spell(65), false},
		{"no bytes", spell(0), false},
		{"nothing", "", false},
		{"no prefix", strings.TrimPrefix(spell(32), "whsec_"), false},
		{"a prefix in capitals", "WHSEC_" + strings.TrimPrefix(spell(32), "whsec_"), false},
		{"no padding", strings.TrimRight(spell(32), "="), false},
		{"the URL alphabet", strings.NewReplacer("+", "-", "/", "_").Replace(strings.TrimPrefix(spell(24), "whsec_")), false},
		{"a line end", spell(32) + "\n", false},
		{"a line end within", spell(32)[:20] + "\r\n" + spell(32)[20:], false},
		{"a space before it", " " + spell(32), false},
		{"loose last bits", spell(32)[:len(spell(32))-2] + "t=", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, err := signature.ParseSecret(tt.text)
			if tt.ok {
				if err != nil || s.Reveal() != tt.text {
					t.Fatalf("revealed %q, error %v", s.Reveal(), err)
				}
				return
			}
			if err == nil {
				t.Fatal("taken")
			}
			if s.Reveal() != "" {
				t.Errorf("a secret came with the error: %q", s.Reveal())
			}
			if len(tt.text) > 30 && strings.Contains(err.Error(), tt.text[10:20]) {
				t.Errorf("the error repeats the secret: %v", err)
			}
		})
	}
}

func TestNewSecretIsDrawnFromItsSource(t *testing.T) {
	source := bytes.NewReader(append(bytes.Repeat([]byte{1}, 32), bytes.Repeat([]byte{2}, 32)...))
	first, err1 := signature.NewSecret(source)
	second, err2 := signature.NewSecret(source)
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	if want := "whsec_" + base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{1}, 32)); first.Reveal() != want {
		t.Errorf("first %q, want %q", first.Reveal(), want)
	}
	if first.Reveal() == second.Reveal() {
		t.Error("two draws gave one secret")
	}
	if again, err := signature.ParseSecret(second.Reveal()); err != nil || again.Reveal() != second.Reveal() {
		t.Errorf("what is drawn does not parse: %v", err)
	}
	if s, err := signature.NewSecret(strings.NewReader("short")); !errors.Is(err, io.ErrUnexpectedEOF) || s.Reveal() != "" {
		t.Errorf("a dry source: %v", err)
	}
}

func TestASecretMasksItselfEverywhereButInReveal(t *testing.T) {
	s := secret(t, 'S')
	type clinic struct {
		Name    string
		Open    signature.Secret
		Pointer *signature.Secret
		hidden  signature.Secret
		many    []signature.Secret
		byName  map[string]signature.Secret
	}
	around := clinic{"demo", s, &s, s, []signature.Secret{s}, map[string]signature.Secret{"a": s}}
	// Every spelling of the key bytes ('S', 0x53, 83) that fmt or an encoder could give.
	spellings := []string{s.Reveal(), strings.TrimPrefix(s.Reveal(), "whsec_"), "SSSS", "83 83", "0x53, 0x53", "5353", "U1NT", "0x53"}

	shown := map[string]string{}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%T%v", "%10s", "% x", "%t", "%08b"} {
		args := []any{s}
		if verb == "%T%v" {
			args = []any{s, s}
		}
		shown["the secret by "+verb] = fmt.Sprintf(verb, args...)
		if verb != "%T%v" {
			shown["a struct around it by "+verb] = fmt.Sprintf(verb, around)
			shown["a pointer to a struct by "+verb] = fmt.Sprintf(verb, &around)
		}
	}
	shown["Sprint"] = fmt.Sprint(s, &s, []any{s})
	shown["an error"] = fmt.Errorf("with %v", s).Error()
	for name, handler := range map[string]func(io.Writer) slog.Handler{
		"slog JSON": func(w io.Writer) slog.Handler { return slog.NewJSONHandler(w, nil) },
		"slog text": func(w io.Writer) slog.Handler { return slog.NewTextHandler(w, nil) },
	} {
		var out bytes.Buffer
		slog.New(handler(&out)).Info("x", "secret", s, "pointer", &s, "around", around)
		shown[name] = out.String()
	}
	for name, marshal := range map[string]func(any) ([]byte, error){"JSON": json.Marshal, "XML": xml.Marshal} {
		b, err := marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		shown[name] = string(b)
	}
	shown["any slog handler"] = slog.AnyValue(s).Resolve().String()
	if kind := slog.AnyValue(s).Resolve().Kind(); kind != slog.KindString {
		t.Errorf("a slog handler is given the secret itself, as %v", kind)
	}
	b, err := json.Marshal(map[string]any{"struct": around, "list": []signature.Secret{s}})
	if err != nil {
		t.Fatal(err)
	}
	shown["JSON around it"] = string(b)

	for name, text := range shown {
		for _, spelling := range spellings {
			if strings.Contains(text, spelling) {
				t.Errorf("%s shows the key: %s", name, text)
			}
		}
	}
	if shown["JSON"] != `"whsec_***"` || shown["the secret by %v"] != "whsec_***" || shown["the secret by %d"] != "whsec_***" {
		t.Errorf("masks: JSON %s, %%v %s, %%d %s", shown["JSON"], shown["the secret by %v"], shown["the secret by %d"])
	}
	if s.Reveal() != "whsec_"+base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{'S'}, 32)) {
		t.Errorf("Reveal gives %q", s.Reveal())
	}
}
