package scenario_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/intake"
	"github.com/returnpoint/returnpoint/shared/locale"
	"github.com/returnpoint/returnpoint/shared/outreach"
	"github.com/returnpoint/returnpoint/shared/stagetest"
	"github.com/returnpoint/returnpoint/shared/table"
)

// register stands before a table and writes down how touches move.
type register struct {
	table.Table
	t     *testing.T
	moves map[string]int
}

func (r *register) Write(ctx context.Context, ops ...table.Op) error {
	before := map[table.Key]dental.Touch{}
	for _, op := range ops {
		if strings.HasPrefix(op.Item.Key.SK, "T#") {
			items, err := r.Get(ctx, op.Item.Key)
			if err != nil {
				return err
			}
			before[op.Item.Key] = read(items[0].Attr)
		}
	}
	if err := r.Table.Write(ctx, ops...); err != nil {
		return err
	}
	for _, op := range ops {
		from, isTouch := before[op.Item.Key]
		if !isTouch || op.Kind != table.OpPut {
			continue
		}
		to, move := read(op.Item.Attr), from
		r.moves[string(from.State+" to "+to.State)]++
		noted := from.State == to.State && to.State == dental.Sent // a report proves the delivery
		if from.State != "" && !noted && move.To(to.State, "") != nil {
			r.t.Errorf("%s goes from %s (%s) to %s (%s)", op.Item.Key.SK, from.State, from.Reason, to.State, to.Reason)
		}
		ended := to.State.Final() && to.State != dental.Sent
		if ended && !locale.Russian.Has("reason."+to.Reason) {
			r.t.Errorf("%s is %s (%q), for which there is no word", op.Item.Key.SK, to.State, to.Reason)
		}
	}
	return nil
}

// read is a stored touch as far as its moves depend on it.
func read(attr map[string]any) dental.Touch {
	state, _ := attr["state"].(string)
	reason, _ := attr["reason"].(string)
	attempts, _ := attr["attempts"].([]any)
	return dental.Touch{State: dental.TouchState(state), Reason: reason, Attempts: make([]dental.Attempt, len(attempts))}
}

// TestWhateverAClinicLivesThroughTouchesMoveAsTheStateMachineAllows plays weeks
// of small clinics, with a provider that fails in every way, and reads each
// change of a touch off the table.
func TestWhateverAClinicLivesThroughTouchesMoveAsTheStateMachineAllows(t *testing.T) {
	start := time.Date(2026, 3, 10, 8, 0, 0, 0, time.UTC)
	moves := map[string]int{}
	for seed := range uint64(12) {
		dice := rand.New(rand.NewPCG(seed, 7))
		r := &register{Table: stagetest.New(t, start).Table, t: t, moves: moves}
		s := stagetest.On(t, r, start, func(c *dental.Clinic) {
			c.Scenarios["appointment"] = dental.ScenarioSettings{On: true, Steps: map[string]bool{"today": true, "booked": true}}
		})
		s.Provider = func(outreach.Message) error {
			switch dice.IntN(6) {
			case 0:
				return &outreach.Refusal{Code: "no"}
			case 1:
				return &outreach.Refusal{Code: "busy", Later: true}
			case 2:
				return errors.New("the answer is lost")
			}
			return nil
		}
		for i := range 4 {
			id := fmt.Sprint("P", i)
			s.Patient(id, func(c *intake.Card) { c.Number = fmt.Sprint("+7916000010", i) })
		}
		for event := range 25 {
			id := fmt.Sprint("P", dice.IntN(4))
			appointment := fmt.Sprint("A", dice.IntN(3), id)
			at := s.Now().Add(time.Duration(dice.IntN(5*24*60)+30) * time.Minute).Truncate(time.Minute)
			switch dice.IntN(8) {
			case 0, 1, 2:
				s.Appointment(intake.AppointmentBooked, appointment, id, at)
			case 3:
				s.Appointment([]intake.Type{intake.AppointmentMoved, intake.AppointmentConfirmed, intake.AppointmentCancelled, intake.AppointmentMissed}[dice.IntN(4)], appointment, id, at)
			case 4:
				s.Visit(fmt.Sprint("V", event), id, s.Now().Add(-time.Duration(dice.IntN(30*60))*time.Minute))
			case 5:
				s.Patient(id, func(c *intake.Card) {
					c.Number = fmt.Sprint("+7916000010", dice.IntN(6))
					c.Status = []dental.PatientStatus{dental.Active, dental.Active, dental.Archived}[dice.IntN(3)]
				})
			case 6, 7:
				for _, touch := range s.Card(id).Touches {
					if last := touch.Last(); last != nil {
						kind := []outreach.ReportKind{outreach.ReportDelivered, outreach.ReportUndelivered, outreach.ReportBadAddress}[dice.IntN(3)]
						if _, err := s.Settler.Settle(t.Context(), outreach.Report{Touch: outreach.RefOf(touch), Attempt: last.ID, Channel: string(last.Channel), Kind: kind, Code: "x", At: s.Now()}); err != nil {
							t.Fatal(err)
						}
					}
				}
			}
			s.To(s.Now().Add(time.Duration(dice.IntN(20*60)) * time.Minute))
		}
		s.To(s.Now().AddDate(0, 0, 20))
	}
	for _, move := range []string{" to planned", "planned to queued", "queued to claimed", "claimed to sent", "claimed to planned", "claimed to unknown", "unknown to planned", "sent to planned",
		"planned to cancelled", "cancelled to planned", "queued to skipped", "queued to sent", "queued to planned"} {
		if moves[move] == 0 {
			t.Errorf("no touch went from %s: the clinics live too quietly. They did %v", move, moves)
		}
	}
}
