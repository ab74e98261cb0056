package catalogue_test

import (
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/message"
	"github.com/returnpoint/returnpoint/shared/scenario"
	"github.com/returnpoint/returnpoint/shared/scenario/catalogue"
)

// example is the file that the README shows, with its name.
func example(t *testing.T) (name, source string) {
	t.Helper()
	readme, err := os.ReadFile("../../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, found := strings.Cut(string(readme), "\n## Adding a scenario\n")
	if !found {
		t.Fatal("the README has no section on adding a scenario")
	}
	section, _, _ = strings.Cut(section, "\n## ")
	_, block, opened := strings.Cut(section, "```yaml\n")
	source, _, closed := strings.Cut(block, "```\n")
	name, _, _ = strings.Cut(strings.TrimPrefix(source, "name: "), " ")
	if !opened || !closed || name == "" {
		t.Fatalf("the section shows no file: %s", section)
	}
	return name, source
}

func TestTheScenarioThatTheREADMEShowsPlansAndSpeaks(t *testing.T) {
	name, source := example(t)
	c, err := catalogue.Read(fstest.MapFS{name + ".yaml": {Data: []byte(source)}})
	if err != nil {
		t.Fatal(err)
	}
	last := dental.Date{Year: 2026, Month: 3, Day: 10}
	clinic := dental.Clinic{ID: "C", TimeZone: "Europe/Moscow", Language: "ru", SendFrom: 9 * 60, SendTo: 21 * 60, Scenarios: map[string]dental.ScenarioSettings{name: {On: true}}}
	card := dental.Card{Patient: dental.Patient{Clinic: "C", ID: "P"}, Milestones: []dental.Milestone{{Clinic: "C", Patient: "P", Kind: dental.LastVisit, Date: last}}}

	wants := c.Plan(&clinic, &card, scenario.Subject{On: scenario.OnLastVisit, ID: last.String()})
	if len(wants) != 1 {
		t.Fatalf("it plans %+v", wants)
	}
	w := wants[0]
	if due := w.Touch.Due.In(clinic.Location()).Format("2006-01-02 15:04"); due != "2026-06-10 12:00" || w.Touch.Scenario != name || w.Touch.Class != dental.Care {
		t.Errorf("it plans %s/%s of class %s for %s", w.Touch.Scenario, w.Touch.Step, w.Touch.Class, due)
	}
	found := c[0].Falling(&clinic, dental.Date{Year: 2026, Month: 6, Day: 10})
	if len(found) != 1 || last.Before(found[0].First) || last.After(found[0].Last) {
		t.Errorf("the scan of that day looks up %+v", found)
	}
	if got := c.Shut(&clinic, &card, w, w.Touch.Due); got != "" {
		t.Errorf("it does not leave: %s", got)
	}

	tmpl, err := message.Compile(w.Step.Text(w.Variant, "ru").SMS)
	if err != nil {
		t.Fatal(err)
	}
	r := tmpl.Render(message.Values{message.Given: "Анна", message.ClinicPhone: "+74950000000", message.ClinicName: "Клиника Исток"}, most)
	if want := "Анна, щётку пора менять раз в три месяца: новая чистит лучше. Вопросы: +74950000000. Клиника Исток"; r.Text != want || r.Over || len(r.Missing) > 0 {
		t.Errorf("it says %q (%+v)", r.Text, r)
	}
}
