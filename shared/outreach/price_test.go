package outreach_test

import (
	"testing"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/intake"
	"github.com/returnpoint/returnpoint/shared/outreach"
	"github.com/returnpoint/returnpoint/shared/stagetest"
)

// TestAMessageCostsItsPartsAtThePriceOfTheTime: a price that is changed later
// rewrites no history, e-mail costs nothing, and what was refused neither.
func TestAMessageCostsItsPartsAtThePriceOfTheTime(t *testing.T) {
	price := func(minor int64) func(*dental.Clinic) {
		return func(c *dental.Clinic) { c.PartPrice = dental.Money{Minor: minor, Currency: "RUB"} }
	}
	begin := time.Date(2026, 3, 10, 9, 0, 0, 0, time.UTC)
	thanks := func(s *stagetest.Stage) dental.Touch {
		s.Visit("V-1", "P-1", s.Now())
		s.To(s.Now().Add(time.Minute))
		return s.Touch("P-1", "after-visit", "thanks")
	}
	t.Run("by SMS", func(t *testing.T) {
		s := stagetest.New(t, begin, price(450))
		s.Patient("P-1")
		x := thanks(s)
		if want := (dental.Money{Minor: int64(x.Parts) * 450, Currency: "RUB"}); x.Parts == 0 || x.Price != want {
			t.Errorf("%d parts cost %v, want %v", x.Parts, x.Price, want)
		}
		s.Settings(price(900))
		s.To(s.Now().Add(time.Hour))
		if later := s.Touch("P-1", "after-visit", "thanks"); later.Price != x.Price {
			t.Errorf("at another price it has cost %v", later.Price)
		}
	})
	t.Run("by e-mail", func(t *testing.T) {
		s := stagetest.New(t, begin, price(450))
		s.Patient("P-1", func(c *intake.Card) { c.Number = "" })
		if x := thanks(s); x.Channel != dental.Mail || x.State != dental.Sent || !x.Price.IsZero() {
			t.Errorf("it went %s by %s and cost %v", x.State, x.Channel, x.Price)
		}
	})
	t.Run("refused, and then by e-mail", func(t *testing.T) {
		s := stagetest.New(t, begin, price(450))
		s.Provider = func(m outreach.Message) error {
			if m.Channel == dental.SMS {
				return &outreach.Refusal{Code: "no", Err: outreach.ErrNotSent}
			}
			return nil
		}
		s.Patient("P-1")
		if x := thanks(s); x.Channel != dental.Mail || x.State != dental.Sent || !x.Price.IsZero() {
			t.Errorf("it went %s by %s and cost %v", x.State, x.Channel, x.Price)
		}
	})
}
