package store

import (
	"cmp"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/table"
)

var noon = time.Date(2026, 5, 22, 12, 0, 0, 0, time.UTC)

func on(t testing.TB, s string) dental.Date {
	t.Helper()
	d, err := dental.ParseDate(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestEveryRowOfTheTablesDrawing(t *testing.T) {
	none := table.Key{}
	day := on(t, "2026-05-22")
	roubles := dental.Money{Minor: 540000, Currency: "RUB"}
	touch := func(state dental.TouchState, change ...func(*dental.Touch)) dental.Touch {
		v := dental.Touch{Clinic: "c", Patient: "p", Scenario: "recall", Step: "first", Anchor: "2026-11-22", State: state, Priority: 4, Wake: noon, Due: noon.Add(time.Hour), EndedOn: day}
		for _, c := range change {
			c(&v)
		}
		return v
	}
	task := dental.Task{Clinic: "c", Patient: "p", Kind: dental.CallTask, Anchor: "2026-11-22", ShowDay: day, Value: roubles}
	closed := task
	closed.ClosedAt, closed.ClosedOn = noon, day
	milestone := func(kind dental.MilestoneKind, d dental.Date, plan string) dental.Milestone {
		return dental.Milestone{Clinic: "c", Patient: "p", Kind: kind, Date: d, Plan: plan}
	}
	tests := []struct {
		name                string
		noun                any
		key, index1, index2 table.Key
		expires             time.Time
	}{
		{"a clinic", dental.Clinic{ID: "c", TimeZone: "Europe/Moscow"}, table.Key{PK: "C#c", SK: "C"}, none, table.Key{PK: "CLINICS", SK: "Europe/Moscow#c"}, time.Time{}},
		{"a patient's head", dental.Patient{Clinic: "c", ID: "p"}, table.Key{PK: "P#c#p", SK: "0"}, none, none, time.Time{}},
		{"a last visit", milestone(dental.LastVisit, day, ""), table.Key{PK: "P#c#p", SK: "M#last-visit"}, none, table.Key{PK: "MS#c#last-visit#2026-05", SK: "22#p"}, time.Time{}},
		{"a last visit that never was", milestone(dental.LastVisit, dental.Date{}, ""), table.Key{PK: "P#c#p", SK: "M#last-visit"}, none, table.Key{PK: "MS#c#last-visit#none", SK: "p"}, time.Time{}},
		{"a birthday", milestone(dental.Birthday, on(t, "1985-11-03"), ""), table.Key{PK: "P#c#p", SK: "M#birthday"}, none, table.Key{PK: "MS#c#birthday#11", SK: "03#p"}, time.Time{}},
		{"a birthday of 29 February", milestone(dental.Birthday, on(t, "2004-02-29"), ""), table.Key{PK: "P#c#p", SK: "M#birthday"}, none, table.Key{PK: "MS#c#birthday#02", SK: "29#p"}, time.Time{}},
		{"a return date", milestone(dental.ReturnPoint, on(t, "2026-11-22"), ""), table.Key{PK: "P#c#p", SK: "M#return-date"}, none, table.Key{PK: "MS#c#return-date#2026-11", SK: "22#p"}, time.Time{}},
		{"a plan's milestone", milestone(dental.PlanActivity, day, "L-1"), table.Key{PK: "P#c#p", SK: "M#plan#L-1"}, none, table.Key{PK: "MS#c#plan#2026-05", SK: "22#p"}, time.Time{}},
		{"a standing appointment", dental.Appointment{Clinic: "c", Patient: "p", ID: "A-1", Status: dental.Confirmed, Start: noon, On: day}, table.Key{PK: "P#c#p", SK: "A#A-1"}, none, table.Key{PK: "APP#c#2026-05-22", SK: "2026-05-22T12:00:00Z#p#A-1"}, time.Time{}},
		{"an appointment that was cancelled", dental.Appointment{Clinic: "c", Patient: "p", ID: "A-1", Status: dental.Cancelled, Start: noon, On: day}, table.Key{PK: "P#c#p", SK: "A#A-1"}, none, none, time.Time{}},
		{"an appointment of before its day was kept", dental.Appointment{Clinic: "c", Patient: "p", ID: "A-1", Status: dental.Booked, Start: noon}, table.Key{PK: "P#c#p", SK: "A#A-1"}, none, none, time.Time{}},
		{"a plan", dental.Plan{Clinic: "c", Patient: "p", ID: "L-1"}, table.Key{PK: "P#c#p", SK: "L#L-1"}, none, none, time.Time{}},
		{"a payment", dental.Payment{Clinic: "c", Patient: "p", ID: "F-1"}, table.Key{PK: "P#c#p", SK: "F#F-1"}, none, none, time.Time{}},
		{"a visit", dental.Visit{Clinic: "c", Patient: "p", ID: "V-1", Day: day}, table.Key{PK: "P#c#p", SK: "V#V-1"}, none, table.Key{PK: "LED#c#2026-05-22", SK: "V#p#V-1"}, time.Time{}},
		{"an answer", dental.Answer{Clinic: "c", Patient: "p", Day: day}, table.Key{PK: "P#c#p", SK: "N#2026-05-22"}, none, table.Key{PK: "LED#c#2026-05-22", SK: "N#p#2026-05-22"}, time.Time{}},
		{"a planned touch", touch(dental.Planned), table.Key{PK: "P#c#p", SK: "T#recall#first#2026-11-22"}, table.Key{PK: "DUE#2", SK: "2026-05-22T12:00:00Z#4#c#p#recall#first#2026-11-22"}, none, time.Time{}},
		{"a queued touch", touch(dental.Queued), table.Key{PK: "P#c#p", SK: "T#recall#first#2026-11-22"}, table.Key{PK: "DUE#2", SK: "2026-05-22T12:00:00Z#4#c#p#recall#first#2026-11-22"}, none, time.Time{}},
		{"a claimed touch", touch(dental.Claimed), table.Key{PK: "P#c#p", SK: "T#recall#first#2026-11-22"}, table.Key{PK: "DUE#2", SK: "2026-05-22T12:00:00Z#4#c#p#recall#first#2026-11-22"}, none, time.Time{}},
		{"a held touch", touch(dental.Held, func(v *dental.Touch) { v.HeldOn, v.Value = day, roubles }), table.Key{PK: "P#c#p", SK: "T#recall#first#2026-11-22"}, table.Key{PK: "HELD#c#2026-05-22", SK: "recall#999999999459999#p#first#2026-11-22"}, none, time.Time{}},
		{"a touch of the backlog", touch(dental.Held, func(v *dental.Touch) { v.Backlog, v.Value = true, roubles }), table.Key{PK: "P#c#p", SK: "T#recall#first#2026-11-22"}, table.Key{PK: "LATER#c#recall", SK: "999999999459999#p#first#2026-11-22"}, none, time.Time{}},
		{"a sent touch", touch(dental.Sent), table.Key{PK: "P#c#p", SK: "T#recall#first#2026-11-22"}, none, table.Key{PK: "LED#c#2026-05-22", SK: "T#p#recall#first#2026-11-22"}, time.Time{}},
		{"a skipped touch", touch(dental.Skipped), table.Key{PK: "P#c#p", SK: "T#recall#first#2026-11-22"}, none, table.Key{PK: "LED#c#2026-05-22", SK: "T#p#recall#first#2026-11-22"}, time.Time{}},
		{"a failed touch", touch(dental.Failed), table.Key{PK: "P#c#p", SK: "T#recall#first#2026-11-22"}, none, table.Key{PK: "LED#c#2026-05-22", SK: "T#p#recall#first#2026-11-22"}, time.Time{}},
		{"a cancelled touch", touch(dental.TouchCancelled), table.Key{PK: "P#c#p", SK: "T#recall#first#2026-11-22"}, none, table.Key{PK: "LED#c#2026-05-22", SK: "T#p#recall#first#2026-11-22"}, time.Time{}},
		{"a touch of unknown fate", touch(dental.Unknown), table.Key{PK: "P#c#p", SK: "T#recall#first#2026-11-22"}, none, table.Key{PK: "LED#c#2026-05-22", SK: "T#p#recall#first#2026-11-22"}, time.Time{}},
		{"an appointment's touch", touch(dental.Sent, func(v *dental.Touch) { v.Anchor = "A:1@20260522T120000Z" }), table.Key{PK: "P#c#p", SK: "T#recall#first#A:1@20260522T120000Z"}, none, table.Key{PK: "LED#c#2026-05-22", SK: "T#p#recall#first#A:1@20260522T120000Z"}, time.Time{}},
		{"an open task", task, table.Key{PK: "P#c#p", SK: "K#call#2026-11-22"}, table.Key{PK: "TASK#c", SK: "2026-05-22#2#999999999459999#p#call#2026-11-22"}, none, time.Time{}},
		{"a closed task", closed, table.Key{PK: "P#c#p", SK: "K#call#2026-11-22"}, none, table.Key{PK: "LED#c#2026-05-22", SK: "K#p#call#2026-11-22"}, time.Time{}},
		{"a task of no patient", dental.Task{Clinic: "c", Kind: dental.ReleaseTask, Anchor: "2026-05-22.season", ShowDay: day}, table.Key{PK: "C#c", SK: "K#release#2026-05-22.season"}, table.Key{PK: "TASK#c", SK: "2026-05-22#3#999999999999999##release#2026-05-22.season"}, none, time.Time{}},
		{"an answer to an offer", dental.Response{Clinic: "c", Patient: "p", Scenario: "recall", Anchor: "2026-11-22", On: day}, table.Key{PK: "P#c#p", SK: "O#recall#2026-11-22"}, none, table.Key{PK: "LED#c#2026-05-22", SK: "O#p#recall#2026-11-22"}, time.Time{}},
		{"a gift", dental.GiftChoice{Clinic: "c", Patient: "p", Scenario: "birthday", Anchor: "2026", ChosenOn: day}, table.Key{PK: "P#c#p", SK: "G#birthday#2026"}, none, table.Key{PK: "LED#c#2026-05-22", SK: "G#p#birthday#2026"}, time.Time{}},
		{"a bonus entry", dental.Bonus{Clinic: "c", Patient: "p", Source: "referral.h_1", On: day}, table.Key{PK: "P#c#p", SK: "B#referral.h_1"}, none, table.Key{PK: "LED#c#2026-05-22", SK: "B#p#referral.h_1"}, time.Time{}},
		{"a recommendation", dental.Referral{Clinic: "c", Patient: "p", Contact: "h"}, table.Key{PK: "P#c#p", SK: "I#h"}, none, none, time.Time{}},
		{"a scan's checkpoint", Checkpoint{Clinic: "c", Scenario: "sleeping-6"}, table.Key{PK: "C#c", SK: "SCAN#sleeping-6"}, none, none, time.Time{}},
		{"a contact", dental.Contact{Key: "hmac-_"}, table.Key{PK: "N#hmac-_", SK: "c"}, none, none, time.Time{}},
		{"a link", dental.Link{Hash: "sha", Expires: noon}, table.Key{PK: "L#sha", SK: "L"}, none, none, noon},
		{"a delivery", Event{Clinic: "c", ID: "msg_1", At: noon}, table.Key{PK: "E#c#msg_1", SK: "E"}, none, none, noon.Add(8 * 24 * time.Hour)},
		{"a provider's id", ProviderID{Channel: dental.SMS, ID: "id/1", At: noon}, table.Key{PK: "R#sms#id%2F1", SK: "R"}, none, none, noon.Add(30 * 24 * time.Hour)},
		{"a job", Job{Clinic: "c", ID: "erase.p", Wake: noon}, table.Key{PK: "J#c#erase.p", SK: "J"}, table.Key{PK: "DUE#2", SK: "2026-05-22T12:00:00Z#9#J#c#erase.p"}, none, time.Time{}},
		{"a clinic's logo", dental.Logo{Clinic: "c", Name: "a1", At: noon}, table.Key{PK: "C#c", SK: "LOGO"}, none, none, time.Time{}},
		{"a doctor's portrait", dental.Portrait{Clinic: "c", Doctor: "D/3", At: noon}, table.Key{PK: "C#c", SK: "IMG#D%2F3"}, none, none, noon.Add(365 * 24 * time.Hour)},
		{"a page of what a job has found", Result{Clinic: "c", Job: "rehearse.recall", N: 7, Until: noon}, table.Key{PK: "J#c#rehearse.recall", SK: "R#000007"}, none, none, noon},
		{"the ending of a number", dental.PhoneEnding{Clinic: "c", Patient: "p", Digits: "4567"}, table.Key{PK: "P#c#p", SK: "E"}, none, table.Key{PK: "END#c#4567", SK: "p"}, time.Time{}},
		{"what a patient adds to a day", Tally{Clinic: "c", Day: day, Patient: "p/1"}, table.Key{PK: "Y#c#2026-05-22", SK: "p%2F1"}, none, none, time.Time{}},
		{"the days a patient adds to", Tallied{Clinic: "c", Patient: "p"}, table.Key{PK: "P#c#p", SK: "Y"}, none, none, time.Time{}},
		{"a day's total", Total{Clinic: "c", Period: "2026-05-22"}, table.Key{PK: "C#c", SK: "D#2026-05-22"}, none, none, time.Time{}},
		{"a month's total", Total{Clinic: "c", Period: "2026-05"}, table.Key{PK: "C#c", SK: "MO#2026-05"}, none, none, time.Time{}},
		{"a year's total", Total{Clinic: "c", Period: "2026"}, table.Key{PK: "C#c", SK: "YR#2026"}, none, none, time.Time{}},
		{"the baseline", Total{Clinic: "c", Period: Baseline}, table.Key{PK: "C#c", SK: "BASE"}, none, none, time.Time{}},
		{"a member of staff", dental.Staff{Clinic: "c", Key: "hmac-_", Role: dental.Manager}, table.Key{PK: "U#hmac-_", SK: "c"}, none, table.Key{PK: "STAFF#c", SK: "manager#hmac-_"}, time.Time{}},
		{"a line of the log", dental.LogEntry{Clinic: "c", ID: "press 1", At: noon}, table.Key{PK: "LOG#c#2026-05", SK: "2026-05-22T12:00:00Z#press%201"}, none, none, time.Time{}},
		{"a line of the log about a patient", dental.LogEntry{Clinic: "c", ID: "press 1", At: noon, Patient: "p"}, table.Key{PK: "LOG#c#2026-05", SK: "2026-05-22T12:00:00Z#press%201"}, none, table.Key{PK: "ACT#c#p", SK: "2026-05-22T12:00:00Z#press%201"}, time.Time{}},
		{"a cost", dental.Cost{Clinic: "c", ID: "k1", From: day}, table.Key{PK: "C#c", SK: "COST#2026-05-22#k1"}, none, none, time.Time{}},
		{"a rating", dental.MapRating{Clinic: "c", Map: "2GIS", On: day}, table.Key{PK: "C#c", SK: "RATE#2GIS#2026-05-22"}, none, none, time.Time{}},
		{"a notice", Notice{Clinic: "c", Kind: SilenceNotice, Anchor: "2026-05-22T12:00:00Z"}, table.Key{PK: "C#c", SK: "NOTE#silence#2026-05-22T12:00:00Z"}, none, none, time.Time{}},
		{"a review", dental.Review{Clinic: "c", Days: 30}, table.Key{PK: "C#c", SK: "REV#030"}, none, none, time.Time{}},
		{"the first steps", dental.FirstSteps{Clinic: "c"}, table.Key{PK: "C#c", SK: "START"}, none, none, time.Time{}},
		{"a job that is done", Job{Clinic: "c", ID: "erase.p", Wake: noon, Done: noon}, table.Key{PK: "J#c#erase.p", SK: "J"}, none, none, noon.Add(8 * 24 * time.Hour)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, _, _ := (&Store{}).Begin().place(tt.noun)
			if got.Key != tt.key || got.Index1 != tt.index1 || got.Index2 != tt.index2 || !got.Expires.Equal(tt.expires) {
				t.Errorf("it stands at\n%s | %s | %s | %s, want\n%s | %s | %s | %s", got.Key, got.Index1, got.Index2, got.Expires, tt.key, tt.index1, tt.index2, tt.expires)
			}
		})
	}
}

func TestAnIdCannotLeaveItsPlaceInAKey(t *testing.T) {
	if got := esc("P-77.a:b@c"); got != "P-77.a:b@c" {
		t.Errorf("an ordinary id is written %q", got)
	}
	for id, want := range map[string]string{"a#b": "a%23b", "a%23b": "a%2523b", "a b": "a%20b", "Ж": "%D0%96", "\x00": "%00", "a/b": "a%2Fb", "a_b": "a_b", "\U0010FFFF": "%F4%8F%BF%BF", "": ""} {
		if got := esc(id); got != want {
			t.Errorf("%q is written %q, want %q", id, got, want)
		}
	}
	ids := rapid.StringOfN(rapid.RuneFrom([]rune("#%2a@Ж")), 0, 4, -1)
	rapid.Check(t, func(t *rapid.T) {
		a, b := []string{ids.Draw(t, "id"), ids.Draw(t, "id")}, []string{ids.Draw(t, "id"), ids.Draw(t, "id")}
		one, two := join(slices.Clone(a)...), join(slices.Clone(b)...)
		if (one == two) != slices.Equal(a, b) {
			t.Fatalf("%q and %q are written %q and %q", a, b, one, two)
		}
		if strings.Count(one, "#") != 1 || strings.ContainsFunc(one, func(r rune) bool { return r > '~' || r <= ' ' }) {
			t.Fatalf("%q is written %q", a, one)
		}
	})
}

func TestKeysOfDifferentNounsNeverMeet(t *testing.T) {
	seen := map[table.Key]string{}
	for _, noun := range nouns() {
		item, _, _ := (&Store{}).Begin().place(filled(noun))
		if other, taken := seen[item.Key]; taken {
			t.Errorf("%s and %s both stand at %s", name(noun), other, item.Key)
		}
		seen[item.Key] = name(noun)
	}
}

var (
	anyInstant = rapid.Custom(func(t *rapid.T) time.Time {
		return time.Unix(rapid.Int64Range(-2e9, 2e10).Draw(t, "second"), 0).In(time.FixedZone("", rapid.IntRange(-12, 14).Draw(t, "zone")*3600))
	})
	anyID = rapid.StringMatching(`[A-Za-z0-9._:-]{1,8}`)
)

func TestTheDueIndexSortsByTimeAndThenByPriority(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		touch := func() dental.Touch {
			return dental.Touch{Clinic: anyID.Draw(t, "clinic"), Patient: anyID.Draw(t, "patient"), Wake: anyInstant.Draw(t, "wake"), Priority: rapid.IntRange(0, 9).Draw(t, "priority")}
		}
		a, b := touch(), touch()
		if rapid.Bool().Draw(t, "same time") {
			b.Wake = a.Wake.UTC()
		}
		want := cmp.Or(a.Wake.Compare(b.Wake), cmp.Compare(a.Priority, b.Priority))
		if got := cmp.Compare(touchDueIndex(a).SK, touchDueIndex(b).SK); want != 0 && got != want {
			t.Fatalf("%s and %s sort as %d, want %d", touchDueIndex(a).SK, touchDueIndex(b).SK, got, want)
		}
		job := Job{Clinic: "c", ID: "j", Wake: a.Wake}
		if a.Priority < 9 && jobDueIndex(job).SK <= touchDueIndex(a).SK {
			t.Fatalf("a job comes before a touch of the same second: %s", jobDueIndex(job).SK)
		}
		for _, kind := range []string{TallyJob, TotalJob} {
			other := Job{Clinic: anyID.Draw(t, "clinic of a job"), ID: anyID.Draw(t, "job"), Kind: PressJob, Wake: a.Wake}
			if figures := (Job{Clinic: "c", ID: "j", Kind: kind, Wake: a.Wake}); jobDueIndex(figures).SK <= jobDueIndex(other).SK || jobDueIndex(figures).SK <= touchDueIndex(a).SK {
				t.Fatalf("a %s comes before others of the same second: %s", kind, jobDueIndex(figures).SK)
			}
		}
	})
}

func TestAPatientsTouchesAreAllInOneShardAndPatientsInAll(t *testing.T) {
	counts := map[int]int{}
	for i := range 4000 {
		p := string(rune('a'+i%26)) + string(rune('a'+i/26%26)) + string(rune('a'+i/676))
		s := dueShard("c", p)
		if s < 0 || s >= Shards || s != dueShard("c", p) {
			t.Fatalf("%s is in shard %d", p, s)
		}
		counts[s]++
	}
	for s, n := range counts {
		if n < 800 || n > 1200 {
			t.Errorf("of 4000 patients %d are in shard %d", n, s)
		}
	}
	if len(counts) != Shards {
		t.Errorf("%d of %d shards are used", len(counts), Shards)
	}
}

func TestTheListOfTasksSortsByShowDayBandAndThenTheGreaterValue(t *testing.T) {
	kinds := []dental.TaskKind{dental.ComplaintTask, dental.ConfirmTask, dental.CallTask, dental.WakeTask}
	rapid.Check(t, func(t *rapid.T) {
		task := func() dental.Task {
			return dental.Task{Clinic: "c", Patient: anyID.Draw(t, "patient"), Kind: rapid.SampledFrom(kinds).Draw(t, "kind"),
				ShowDay: dental.Date{Year: 2026, Month: 1, Day: 1}.AddDays(rapid.IntRange(0, 800).Draw(t, "day")),
				Value:   dental.Money{Minor: rapid.OneOf(rapid.Int64Range(0, 1000), rapid.Int64Range(0, mostValue-1)).Draw(t, "value"), Currency: "RUB"}}
		}
		a, b := task(), task()
		if rapid.Bool().Draw(t, "same day") {
			b.ShowDay = a.ShowDay
		}
		if rapid.Bool().Draw(t, "same kind") {
			b.Kind = a.Kind
		}
		want := cmp.Or(a.ShowDay.DaysSince(b.ShowDay), cmp.Compare(a.Kind.Band(), b.Kind.Band()), cmp.Compare(b.Value.Minor, a.Value.Minor))
		if got := cmp.Compare(taskIndex(a).SK, taskIndex(b).SK); want != 0 && got != cmp.Compare(want, 0) {
			t.Fatalf("%s and %s sort as %d, want %d", taskIndex(a).SK, taskIndex(b).SK, got, want)
		}
	})
	odd := func(minor int64) string {
		return taskIndex(dental.Task{Clinic: "c", Patient: "p", Value: dental.Money{Minor: minor, Currency: "CLF"}}).SK
	}
	if odd(-5) != odd(0) || odd(mostValue+7) != odd(mostValue-1) || len(odd(0)) != len(odd(mostValue)) {
		t.Errorf("values off the scale are %q, %q", odd(-5), odd(mostValue+7))
	}
}

func TestMilestonesOfAMonthStandTogetherInTheOrderOfTheirDays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		at := func() dental.Milestone {
			return dental.Milestone{Clinic: "c", Patient: anyID.Draw(t, "patient"), Kind: dental.ReturnPoint, Date: dental.Date{Year: 2024, Month: 1, Day: 1}.AddDays(rapid.IntRange(0, 100).Draw(t, "day"))}
		}
		a, b := at(), at()
		one, two := milestoneIndex(a), milestoneIndex(b)
		sameMonth := a.Date.Year == b.Date.Year && a.Date.Month == b.Date.Month
		if (one.PK == two.PK) != sameMonth {
			t.Fatalf("%s stands at %s and %s at %s", a.Date, one, b.Date, two)
		}
		if sameMonth && a.Date != b.Date && (one.SK < two.SK) != a.Date.Before(b.Date) {
			t.Fatalf("%s stands at %s and %s at %s", a.Date, one, b.Date, two)
		}
	})
}
