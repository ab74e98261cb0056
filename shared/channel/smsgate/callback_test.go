package smsgate

import (
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"log/slog"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/outreach"
)

var ours = kept{id: MessageID("a1"), phone: "70000000001"}

func TestEachStatusProvesWhatItProvesAndNoMore(t *testing.T) {
	const accepted, delivered = outreach.ReportAccepted, outreach.ReportDelivered
	const undelivered, badAddress = outreach.ReportUndelivered, outreach.ReportBadAddress
	for _, c := range []struct {
		name        string
		status, err int
		want        outreach.ReportKind // "" for none
		code        string
	}{
		{"not found", -3, 0, "", ""},
		{"stopped", -2, 0, "", ""},
		{"waits to be sent", -1, 0, accepted, "-1"},
		{"handed to the operator", 0, 0, accepted, "0"},
		{"delivered", 1, 0, delivered, "1"},
		{"read", 2, 0, delivered, "2"},
		{"expired", 3, 0, undelivered, "3"},
		{"expired with the phone off", 3, 6, undelivered, "3/6"},
		{"its link was pressed", 4, 0, delivered, "4"},
		{"cannot be delivered", 20, 0, undelivered, "20"},
		{"the number has the wrong form", 22, 0, badAddress, "22"},
		{"forbidden", 23, 0, undelivered, "23"},
		{"too little money", 24, 0, undelivered, "24"},
		{"unavailable", 25, 0, undelivered, "25"},

		{"the subscriber does not exist", 20, 1, badAddress, "20/1"},
		{"the subscriber is off the network", 20, 6, undelivered, "20/6"},
		{"the service is not connected", 20, 11, undelivered, "20/11"},
		{"an error in the phone", 20, 12, undelivered, "20/12"},
		{"the subscriber is blocked", 20, 13, undelivered, "20/13"},
		{"the phone does not support it", 20, 21, undelivered, "20/21"},
		{"the SIM card is new", 20, 219, undelivered, "20/219"},
		{"the operator's queue is full", 20, 220, undelivered, "20/220"},
		{"the address of the sender is forbidden", 20, 239, undelivered, "20/239"},
		{"an error of conversion", 20, 241, undelivered, "20/241"},
		{"there is no contract", 20, 243, undelivered, "20/243"},
		{"mailings are forbidden", 20, 244, undelivered, "20/244"},
		{"the operator has told nothing for a day", 20, 245, "", ""},
		{"expired, and the operator has told nothing", 3, 245, "", ""},
		{"not at this time of day", 23, 246, undelivered, "23/246"},
		{"too many messages", 23, 247, undelivered, "23/247"},
		{"no route", 25, 248, undelivered, "25/248"},
		{"the form of the number", 20, 249, badAddress, "20/249"},
		{"the settings forbid the number", 23, 250, undelivered, "23/250"},
		{"too many to one number", 23, 251, undelivered, "23/251"},
		{"the number is forbidden", 23, 252, undelivered, "23/252"},
		{"spam", 23, 253, undelivered, "23/253"},
		{"the sender is not registered", 20, 254, undelivered, "20/254"},
		{"the operator gives no reason", 20, 255, undelivered, "20/255"},
		{"an error that is new", 20, 999, undelivered, "20/999"},
		{"delivered, with an error that is told too", 1, 245, delivered, "1/245"},
		{"handed over, with an error that is told too", 0, 1, accepted, "0/1"},

		{"delivered in the test mode", 1, 200, undelivered, "1/200"},
		{"handed over in the test mode", 0, 200, undelivered, "0/200"},

		{"a status that is new", 5, 0, "", ""},
		{"another that is new", 26, 1, "", ""},
		{"a third that is new", -4, 0, "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := newGateway()
			told, err := Parse(g.reports(ours, c.status, c.err), account(), g.now.Add(time.Second))
			if err != nil || len(told.Inbound) != 0 {
				t.Fatalf("got %+v, error %v", told, err)
			}
			if c.want == "" {
				if len(told.Reports) != 0 || !strings.Contains(told.Note, strconv.Itoa(c.status)) || !strings.Contains(told.Note, ours.id) {
					t.Errorf("got %+v", told)
				}
				assertNothingPrivate(t, "the note", told.Note)
				return
			}
			want := outreach.Report{Channel: "sms", ProviderID: MessageID("a1"), Kind: c.want, Code: c.code, At: g.now}
			if len(told.Reports) != 1 || told.Reports[0] != want || told.Note != "" {
				t.Errorf("got  %+v\nwant %+v", told, want)
			}
		})
	}
}

func TestAStatusThatIsNoNumberIsNotedToo(t *testing.T) {
	g := newGateway()
	form := url.Values{"id": {ours.id}, "phone": {ours.phone}, "status": {"delivered"}}
	told, err := Parse(g.sign(form, "id", "phone", "status"), account(), g.now)
	if err != nil || len(told.Reports) != 0 || !strings.Contains(told.Note, "delivered") {
		t.Errorf("got %+v, error %v", told, err)
	}
}

func TestAReportFindsTheMessageThatWasSent(t *testing.T) {
	for _, digest := range []string{"sha1", "md5"} {
		g := newGateway()
		g.digest = digest
		id, err := g.listen(t).Send(t.Context(), message())
		if err != nil {
			t.Fatal(err)
		}
		told, err := Parse(g.reports(g.kept[0], 1, 0), account(), g.now)
		if err != nil || len(told.Reports) != 1 || told.Reports[0].ProviderID != id || told.Reports[0].Channel != string(dental.SMS) {
			t.Errorf("%s: got %+v, error %v", digest, told, err)
		}
	}
}

func TestWhatPatientsWriteComesThrough(t *testing.T) {
	for _, charset := range []string{"utf-8", "windows-1251"} {
		for _, text := range []string{"СТОП", "стоп", "STOP", "да", "нет", "1", "Ёлка, приду в 9:00!", ""} {
			g := newGateway()
			g.charset = charset
			told, err := Parse(g.brings("70000000001", text), account(), g.now)
			if err != nil || len(told.Inbound) != 1 || len(told.Reports) != 0 || told.Note != "" {
				t.Fatalf("%q in %s: got %+v, error %v", text, charset, told, err)
			}
			if in := told.Inbound[0]; in.Text != text || in.From != nobody || !in.At.Equal(g.now) || !givenID.MatchString(in.ID) {
				t.Errorf("%q in %s: text %q, id %s, at %s", text, charset, in.Text, in.ID, in.At)
			}
		}
	}
	t.Run("in UTF-8 every letter and sign", func(t *testing.T) {
		g := newGateway()
		told, err := Parse(g.brings("+70000000001", "👍 буду"), account(), g.now)
		if err != nil || len(told.Inbound) != 1 || told.Inbound[0].Text != "👍 буду" || told.Inbound[0].From != nobody {
			t.Errorf("got %+v, error %v", told, err)
		}
	})
	t.Run("what windows-1251 has beside Russian letters is a mark", func(t *testing.T) {
		if got := text("\xe4\xe0\x85"); got != "да\uFFFD" {
			t.Errorf("got %q", got)
		}
	})
	t.Run("a sender that is no number is noted", func(t *testing.T) {
		for _, from := range []string{"Bank", "", "900", "7000000000x"} {
			g := newGateway()
			told, err := Parse(g.brings(from, "привет"), account(), g.now)
			if err != nil || len(told.Inbound) != 0 || told.Note == "" {
				t.Errorf("from %q: got %+v, error %v", from, told, err)
			}
		}
	})
}

func TestARepeatedMessageHasTheSameIDAndNoOtherHas(t *testing.T) {
	id := func(change func(url.Values)) string {
		form := url.Values{"phone": {"70000000001"}, "mes": {"да"}, "to": {"70000000099"}, "ts": {"1795338000"}}
		change(form)
		g := newGateway()
		told, err := Parse(g.sign(form, "phone", "mes", "to"), account(), g.now)
		if err != nil || len(told.Inbound) != 1 {
			t.Fatalf("got %+v, error %v", told, err)
		}
		return told.Inbound[0].ID
	}
	first := id(func(url.Values) {})
	if id(func(f url.Values) { f.Set("cnt", "1") }) != first {
		t.Error("a repeat has another id")
	}
	seen := map[string]string{first: "the first"}
	for name, change := range map[string]func(url.Values){
		"another text":   func(f url.Values) { f.Set("mes", "нет") },
		"another person": func(f url.Values) { f.Set("phone", "70000000002") },
		"another number": func(f url.Values) { f.Set("to", "70000000098") },
		"another second": func(f url.Values) { f.Set("ts", "1795338001") },
		"another id":     func(f url.Values) { f.Set("id", "7") },
		"another sms_id": func(f url.Values) { f.Set("sms_id", "7") },
		"a time":         func(f url.Values) { f.Set("time", "22.11.2026 12:00:00") },
	} {
		got := id(change)
		if other, taken := seen[got]; taken {
			t.Errorf("%s has the id of %s", name, other)
		}
		seen[got] = name
	}
}

func TestOnlyTheGatewayIsBelieved(t *testing.T) {
	g := newGateway()
	status, mes := string(g.reports(ours, 1, 0)), string(g.brings("70000000001", "да"))
	crc := func(form string, text string) string {
		fields, err := url.ParseQuery(form)
		if err != nil {
			t.Fatal(err)
		}
		fields.Del("sha1")
		fields.Set("crc32", strconv.FormatUint(uint64(crc32.ChecksumIEEE([]byte(text))), 10))
		return fields.Encode()
	}
	set := func(form, name, value string) string {
		fields, err := url.ParseQuery(form)
		if err != nil {
			t.Fatal(err)
		}
		if fields.Set(name, value); value == "" {
			fields.Del(name)
		}
		return fields.Encode()
	}
	g.digest = "md5"
	weak, err := url.ParseQuery(string(g.reports(ours, 1, 0)))
	if err != nil {
		t.Fatal(err)
	}
	for name, form := range map[string]string{
		"a status without a digest":         set(status, "sha1", ""),
		"a message without a digest":        set(mes, "sha1", ""),
		"a digest of nothing":               set(status, "sha1", " "),
		"a wrong digest":                    set(status, "sha1", strings.Repeat("0", 40)),
		"a digest cut short":                set(status, "sha1", "00"),
		"another status":                    set(status, "status", "20"),
		"another message":                   set(status, "id", MessageID("a2")),
		"another phone":                     set(status, "phone", "70000000002"),
		"another text":                      set(mes, "mes", "СТОП"),
		"another writer":                    set(mes, "phone", "70000000002"),
		"another recipient":                 set(mes, "to", "70000000098"),
		"a status that becomes a message":   set(status, "mes", "СТОП"),
		"a true md5 beside a wrong sha1":    set(set(status, "sha1", strings.Repeat("0", 40)), "md5", weak.Get("md5")),
		"a checksum that anybody can make":  crc(status, ours.id+":"+ours.phone+":1:"+callbackSecret),
		"the secret in place of the digest": set(status, "sha1", callbackSecret),
	} {
		t.Run(name, func(t *testing.T) {
			told, err := Parse([]byte(form), account(), g.now)
			if !errors.Is(err, ErrForged) || told.Reports != nil || told.Inbound != nil || told.Note != "" {
				t.Errorf("got %+v, error %v", told, err)
			}
		})
	}
	t.Run("with another secret", func(t *testing.T) {
		if _, err := Parse([]byte(status), signedBy("anotherSecretExample"), g.now); !errors.Is(err, ErrForged) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("an account without a secret believes nobody", func(t *testing.T) {
		for _, digest := range []string{"md5", "sha1"} {
			g := newGateway()
			g.digest, g.secret = digest, ""
			if _, err := Parse(g.reports(ours, 1, 0), signedBy(""), g.now); !errors.Is(err, ErrForged) {
				t.Errorf("%s: got %v", digest, err)
			}
		}
	})
	t.Run("but in capitals it is the same digest", func(t *testing.T) {
		fields, err := url.ParseQuery(status)
		if err != nil {
			t.Fatal(err)
		}
		told, err := Parse([]byte(set(status, "sha1", strings.ToUpper(fields.Get("sha1")))), account(), g.now)
		if err != nil || len(told.Reports) != 1 {
			t.Errorf("got %+v, error %v", told, err)
		}
	})
	t.Run("and in a GET it stands beside what the address has", func(t *testing.T) {
		told, err := Parse([]byte("charset=utf-8&sha1="+callbackSecret+"&"+status), account(), g.now)
		if err != nil || len(told.Reports) != 1 {
			t.Errorf("got %+v, error %v", told, err)
		}
	})
}

func TestWhatIsNoCallbackIsInvalid(t *testing.T) {
	g := newGateway()
	status := string(g.reports(ours, 1, 0))
	for name, form := range map[string]string{
		"nothing":                   "",
		"no form":                   "%zz=70000000001",
		"JSON":                      `{"id":"1","phone":"70000000001","status":1}`,
		"neither status nor text":   "id=1&phone=70000000001&sha1=00",
		"two statuses":              status + "&status=20",
		"two messages":              status + "&id=2",
		"an id that is none":        string(g.reports(kept{id: "Анна", phone: "70000000001"}, 1, 0)),
		"no id":                     string(g.reports(kept{phone: "70000000001"}, 1, 0)),
		"an id that is too long":    string(g.reports(kept{id: strings.Repeat("a", 41), phone: "70000000001"}, 1, 0)),
		"an error that is no error": strings.ReplaceAll(string(g.reports(ours, 20, 1)), "err=1", "err=one"),
	} {
		t.Run(name, func(t *testing.T) {
			told, err := Parse([]byte(form), account(), g.now)
			if dental.KindOf(err) != dental.Invalid || errors.Is(err, ErrForged) || told.Reports != nil || told.Inbound != nil {
				t.Fatalf("got %+v, error %v", told, err)
			}
			assertNothingPrivate(t, "the error", err.Error())
		})
	}
}

func TestACallThatConfirmsANumberIsPassedOver(t *testing.T) {
	told, err := Parse([]byte("phone=70000000001&waitcall=1&ts=1795338000"), account(), time.Now())
	if err != nil || told.Reports != nil || told.Inbound != nil || told.Note == "" {
		t.Errorf("got %+v, error %v", told, err)
	}
	assertNothingPrivate(t, "the note", told.Note)
}

func TestTheTimeIsTheGatewaysWhereItCanBeTrue(t *testing.T) {
	received := time.Date(2026, 11, 22, 9, 0, 0, 0, time.FixedZone("MSK", 3*60*60))
	for ts, want := range map[string]time.Time{
		strconv.FormatInt(received.Unix(), 10):                       received,
		strconv.FormatInt(received.Add(-time.Hour).Unix(), 10):       received.Add(-time.Hour),
		strconv.FormatInt(received.Add(-29*24*time.Hour).Unix(), 10): received.Add(-29 * 24 * time.Hour),
		strconv.FormatInt(received.Add(4*time.Minute).Unix(), 10):    received.Add(4 * time.Minute),
		strconv.FormatInt(received.Add(6*time.Minute).Unix(), 10):    received,
		strconv.FormatInt(received.Add(-31*24*time.Hour).Unix(), 10): received,
		"": received, "0": received, "-1": received, "now": received, "99999999999999999999": received,
	} {
		if got := at(url.Values{"ts": {ts}}, received); !got.Equal(want) || got.Location() != time.UTC {
			t.Errorf("ts %q gives %s, want %s in UTC", ts, got, want.UTC())
		}
	}
}

func TestAnIncomingMessageMasksItself(t *testing.T) {
	g := newGateway()
	told, err := Parse(g.brings("70000000001", "Анна, приду к доктору"), account(), g.now)
	if err != nil || len(told.Inbound) != 1 {
		t.Fatalf("got %+v, error %v", told, err)
	}
	in := told.Inbound[0]
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("arrived", "inbound", in)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x"} {
		for _, value := range []any{in, &in, told, &told, told.Inbound} {
			assertNothingPrivate(t, verb, fmt.Sprintf(verb, value))
		}
	}
	assertNothingPrivate(t, "the log", log.String())
	if !strings.Contains(log.String(), in.ID) {
		t.Errorf("the log does not tell the message: %s", log.String())
	}
}

func TestWhateverIsSignedIsReadAndWhateverIsNotIsRefused(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := newGateway()
		g.digest = rapid.SampledFrom([]string{"sha1", "md5"}).Draw(t, "digest")
		g.charset = rapid.SampledFrom([]string{"utf-8", "windows-1251"}).Draw(t, "charset")
		words := rapid.StringMatching(`[А-Яа-яЁё0-9 .,!?]{2,70}`).Draw(t, "text")
		raw := g.brings("7"+rapid.StringMatching(`[0-9]{10}`).Draw(t, "phone"), words)
		told, err := Parse(raw, account(), g.now)
		if err != nil || len(told.Inbound) != 1 {
			t.Fatalf("%q: got %+v, error %v", words, told, err)
		}
		// Some texts of windows-1251 are UTF-8 by chance, as "Её" is.
		if got := told.Inbound[0].Text; got != words && (g.charset == "utf-8" || !utf8.ValidString(cp1251(words))) {
			t.Fatalf("%q became %q", words, got)
		}
		if _, err := Parse(raw, signedBy(callbackSecret+"x"), g.now); !errors.Is(err, ErrForged) {
			t.Fatalf("with another secret: %v", err)
		}
	})
}

func FuzzParse(f *testing.F) {
	g := newGateway()
	f.Add(g.reports(ours, 1, 0))
	f.Add(g.reports(ours, 20, 245))
	f.Add(g.brings("70000000001", "СТОП"))
	f.Add([]byte("waitcall=1&phone=7"))
	f.Add([]byte("%"))
	f.Add([]byte("status=1&status=1"))
	f.Fuzz(func(t *testing.T, form []byte) {
		told, err := Parse(form, account(), g.now)
		// A fuzzer knows no secret: the seeds alone are signed.
		for _, r := range told.Reports {
			if r.ProviderID != ours.id {
				t.Fatalf("forged: %+v", r)
			}
		}
		for _, in := range told.Inbound {
			if in.From != nobody || in.Text != "СТОП" {
				t.Fatalf("forged: %v", in)
			}
		}
		assertTold(t, told, err)
	})
}

// FuzzSigned goes on where FuzzParse is stopped by the signature.
func FuzzSigned(f *testing.F) {
	f.Add(true, ours.id, "70000000001", "20", "1", "1795338000", "70000000099", true)
	f.Add(false, "", "70000000001", "\xd1\xd2\xce\xcf", "", "x", "", false)
	f.Add(true, "Анна", "", "one", "two", "", "", true)
	f.Fuzz(func(t *testing.T, status bool, id, phone, told, err, ts, to string, strong bool) {
		g := newGateway()
		if g.digest = "md5"; strong {
			g.digest = "sha1"
		}
		form := url.Values{"id": {id}, "phone": {phone}, "ts": {ts}}
		names := []string{"phone", "mes", "to"}
		if status {
			form.Set("status", told)
			form.Set("err", err)
			names = []string{"id", "phone", "status"}
		} else {
			form.Set("mes", told)
			form.Set("to", to)
		}
		got, bad := Parse(g.sign(form, names...), account(), g.now)
		if errors.Is(bad, ErrForged) {
			t.Fatal("it is signed")
		}
		assertTold(t, got, bad)
	})
}

// assertTold asserts what holds of all that Parse gives.
func assertTold(t *testing.T, told Callback, err error) {
	t.Helper()
	things := len(told.Reports) + len(told.Inbound)
	if told.Note != "" {
		things++
	}
	if err != nil && (things != 0 || dental.KindOf(err) != dental.Invalid && !errors.Is(err, ErrForged)) {
		t.Fatalf("got %+v with error %v", told, err)
	}
	if err == nil && things != 1 {
		t.Fatalf("got %+v, which is not one thing", told)
	}
	for _, r := range told.Reports {
		if !givenID.MatchString(r.ProviderID) || r.Kind == "" || r.Code == "" || r.Channel != "sms" || r.At.IsZero() {
			t.Fatalf("a report that says too little: %+v", r)
		}
	}
	for _, in := range told.Inbound {
		if !e164.MatchString(string(in.From)) || !givenID.MatchString(in.ID) || in.At.IsZero() || !utf8.ValidString(in.Text) {
			t.Fatalf("a message that is not one: %v", in)
		}
	}
}
