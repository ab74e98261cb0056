package settings_test

import (
	"testing"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/settings"
)

func TestALookIsWrittenWithWhoSetIt(t *testing.T) {
	s := keeper(t, nil)
	if _, err := s.Create(t.Context(), settings.New("c1"), now); err != nil {
		t.Fatal(err)
	}
	entry := func(id string) dental.LogEntry {
		return dental.LogEntry{Clinic: "c1", ID: id, At: now, By: "Марина", Role: dental.Owner, Action: "look"}
	}
	logo := func() dental.Logo {
		t.Helper()
		l, err := s.Store.Begin().Logo(t.Context(), "c1")
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	set := func(id, color string, logo *dental.Logo) {
		t.Helper()
		if err := s.PressLook(t.Context(), color, logo, entry(id), now); err != nil {
			t.Fatal(err)
		}
	}
	set("1", "#0E6B62", &dental.Logo{Kind: "image/png", Image: []byte("one")})
	first := stored(t, s, "c1")
	if first.Color != "#0e6b62" || first.Logo == "" || logo().Name != first.Logo || string(logo().Image) != "one" {
		t.Errorf("the clinic has %q and %q, the logo is %+v", first.Color, first.Logo, logo())
	}
	set("2", "#0e6b62", &dental.Logo{Kind: "image/png", Image: []byte("two")})
	if second := stored(t, s, "c1"); second.Logo == first.Logo {
		t.Error("another picture has the name of the one before, and browsers would show that one")
	}
	set("3", "", nil)
	if third := stored(t, s, "c1"); third.Color != "" || third.Logo == "" || string(logo().Image) != "two" {
		t.Errorf("without a word on the logo it is %+v", logo())
	}
	set("4", "", &dental.Logo{})
	if fourth := stored(t, s, "c1"); fourth.Logo != "" || len(logo().Image) > 0 {
		t.Errorf("a logo that was taken away is %+v", logo())
	}
	for _, color := range []string{"red", "#12345", "#}</style>"} {
		if err := s.PressLook(t.Context(), color, &dental.Logo{Image: []byte("three")}, entry("5"), now); dental.KindOf(err) != dental.Invalid || len(logo().Image) > 0 {
			t.Errorf("%s: %v", color, err)
		}
	}
	if err := s.PressLook(t.Context(), "", nil, dental.LogEntry{Clinic: "c2", ID: "6", At: now}, now); dental.KindOf(err) != dental.NotFound {
		t.Errorf("a clinic that does not exist: %v", err)
	}
	log, _, err := s.Store.Log(t.Context(), "c1", "2026-03", 10, "")
	if err != nil || len(log) != 4 || log[0].By != "Марина" {
		t.Errorf("the log has %d entries, %v", len(log), err)
	}
}
