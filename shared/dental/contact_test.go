package dental_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/returnpoint/returnpoint/shared/dental"
)

var noon = time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)

func refused(c *dental.Contact) []dental.Class {
	var out []dental.Class
	for _, class := range dental.Classes() {
		if _, is := c.Refused(class); is {
			out = append(out, class)
		}
	}
	return out
}

func TestTheFirstStopEndsCareAndAdvertisingAndASecondServiceToo(t *testing.T) {
	c := dental.Contact{}
	first := c.Stop(noon, "in-1")
	if want := []dental.Class{dental.Care, dental.Advertising}; !slices.Equal(first, want) || !slices.Equal(refused(&c), want) {
		t.Errorf("the first ends %v, and %v are refused", first, refused(&c))
	}
	for n := 2; n <= 3; n++ {
		at := noon.Add(time.Duration(n) * time.Hour)
		again := c.Stop(at, fmt.Sprint("in-", n))
		if len(again) != 4 || len(refused(&c)) != 3 || len(c.OptOuts) != 4 {
			t.Errorf("STOP no. %d ends %v; kept are %v", n, again, c.OptOuts)
		}
		for _, o := range c.OptOuts {
			if !o.At.Equal(at) || o.Source != "stop" {
				t.Errorf("the refusal of %s is of %s by %s", o.Class, o.At, o.Source)
			}
		}
	}
}

func TestAStopAfterAnotherKindOfRefusalIsTheFirst(t *testing.T) {
	c := dental.Contact{}
	c.Refuse(noon, "one-click", dental.Care, dental.Advertising)
	if got := c.Stop(noon.Add(time.Hour), "in-1"); len(got) != 2 {
		t.Errorf("it ends %v", got)
	}
	if got := c.Stop(noon.Add(2*time.Hour), "in-2"); len(got) != 4 {
		t.Errorf("the one after it ends %v", got)
	}
}

func TestARefusalStandsOnceAClassWithItsLatestTime(t *testing.T) {
	c := dental.Contact{}
	c.Refuse(noon, "one-click", dental.Care)
	c.Refuse(noon.Add(time.Hour), "complaint", dental.Care, dental.Advertising, dental.Advertising)
	if len(c.OptOuts) != 2 {
		t.Errorf("kept are %v", c.OptOuts)
	}
	if o, is := c.Refused(dental.Care); !is || o.Source != "complaint" || !o.At.Equal(noon.Add(time.Hour)) {
		t.Errorf("care is refused: %t, %+v", is, o)
	}
	if _, is := c.Refused(dental.Service); is {
		t.Error("service is refused")
	}
}

func TestMembersJoinOnceAndLeave(t *testing.T) {
	a, b := dental.Member{Clinic: "demo", Patient: "A"}, dental.Member{Clinic: "other", Patient: "A"}
	c := dental.Contact{}
	c.Join(a)
	c.Join(b)
	c.Join(a)
	if !slices.Equal(c.Members, []dental.Member{a, b}) {
		t.Errorf("the members are %v", c.Members)
	}
	c.Leave(a)
	c.Leave(a)
	if !slices.Equal(c.Members, []dental.Member{b}) {
		t.Errorf("after A has left they are %v", c.Members)
	}
}

func TestAnAddressOfMoreThanAFamilyIsCrowdedAndKeepsNoMoreMembers(t *testing.T) {
	c := dental.Contact{}
	join := func(n int) { c.Join(dental.Member{Clinic: "demo", Patient: string(rune('A' + n))}) }
	for n := range 12 {
		join(n)
	}
	join(3)
	if c.Crowded || len(c.Members) != 12 {
		t.Errorf("a family of 12 is crowded: %t, with %d members", c.Crowded, len(c.Members))
	}
	join(12)
	join(13)
	if !c.Crowded || len(c.Members) != 12 {
		t.Errorf("with more it is crowded: %t, with %d members", c.Crowded, len(c.Members))
	}
}

func TestAContactRemembersEachTouchOnceForAsLongAsACapLooksBack(t *testing.T) {
	const longest = 30 * 24 * time.Hour
	rapid.Check(t, func(t *rapid.T) {
		c := dental.Contact{}
		at := noon
		last := map[string]time.Time{} // what was claimed and not taken back
		for range rapid.IntRange(1, 40).Draw(t, "claims") {
			at = at.Add(time.Duration(rapid.IntRange(0, 20*24*60).Draw(t, "minutes later")) * time.Minute)
			touch := rapid.SampledFrom([]string{"a", "b", "c", "d", "e"}).Draw(t, "touch")
			c.Note(dental.Recent{Touch: touch, At: at})
			last[touch] = at
			if rapid.IntRange(0, 4).Draw(t, "taken back") == 0 {
				c.Forget(touch)
				delete(last, touch)
			}
			for touch, claimed := range last {
				n := 0
				for _, r := range c.Recent {
					if r.Touch == touch {
						n++
						if !r.At.Equal(claimed) {
							t.Fatalf("%s was claimed at %s and is kept as of %s", touch, claimed, r.At)
						}
					}
				}
				if age := at.Sub(claimed); n > 1 || n == 0 && age <= longest {
					t.Fatalf("%s, claimed %s ago, is kept %d times", touch, age, n)
				}
			}
			for _, r := range c.Recent {
				if _, claimed := last[r.Touch]; !claimed {
					t.Fatalf("%s was taken back and is kept", r.Touch)
				}
			}
		}
		c.Note(dental.Recent{Touch: "y", At: at})
		if c.Note(dental.Recent{Touch: "z", At: at.Add(longest)}); len(c.Recent) < 2 {
			t.Fatal("a claim is forgotten at the last instant of the longest cap's period")
		}
		if c.Note(dental.Recent{Touch: "z", At: at.Add(longest + time.Nanosecond)}); len(c.Recent) != 1 {
			t.Fatalf("after the longest cap's period %d claims are kept", len(c.Recent))
		}
	})
}
