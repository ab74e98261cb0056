package dental

import (
	"slices"
	"time"
	_ "time/tzdata" // Location must find every zone where the machine has no zone files, as on Lambda
)

// Clinic is one clinic with all that it has set.
type Clinic struct {
	ID       string
	Name     string
	Phone    Phone
	Address  string
	Country  string // ISO 3166-1 alpha-2; numbers of other countries get no SMS
	TimeZone string // IANA name
	Language string // "ru" or "en"
	// SendFrom and SendTo bound the local time of day at which messages leave.
	SendFrom TimeOfDay
	SendTo   TimeOfDay
	Channels []Channel // in the order they are tried
	Opening  Opening
	Holidays []Date
	// BookingURL is where patients book by themselves, if anywhere.
	BookingURL string
	// Group joins the clinics of one owner; "" is the clinic alone.
	Group string
	// Currency is the ISO 4217 code of all the clinic's receipts.
	Currency string
	// MarginPermille is the share of revenue that is margin, in thousandths.
	MarginPermille int
	// PartPrice is what one SMS part costs.
	PartPrice   Money
	CareConsent CareConsent
	Gifts       []Gift
	Maps        []Map
	Scenarios   map[string]ScenarioSettings
	// RecallMonths overrides the interval of a kind of procedure.
	RecallMonths map[string]int
	CapPerWeek   int
	Referral     ReferralTerms
	ClubVisits   int
	// Advice lists recommendations of the MIS that may stand in an SMS as they are.
	Advice []string
	// EventsPerSecond is the rate of webhooks the clinic may post; ten times as many at once.
	EventsPerSecond int
	Secrets         []WebhookSecret
	// FormerDoctors are the ids of doctors who have left: their patients are told of "your doctor".
	FormerDoctors []string
	// BonusDays is how long a bonus can be spent.
	BonusDays int
	// Accounts are the clinic's own, by provider.
	Accounts map[string]Account
	// FormerPaths are, by the account, the secrets that stood in the path of its
	// callbacks before the present one, for as long as they are still right.
	FormerPaths map[string]WebhookSecret
	// Kinds sorts the procedures whose kind a source does not say, before the
	// product's own table does.
	Kinds []KindRule
	// Columns name the field that a column of an imported table holds, by its header in small letters.
	Columns map[string]string
	// Paused stops everything that would leave: messages wait, and those that
	// become too late meanwhile are skipped. PausedBy pressed it, at PausedAt;
	// both are empty when the settings did.
	Paused   bool
	PausedBy string
	PausedAt time.Time
	// CallsPerDay is how many calls staff can make a day; 0: as many as there are.
	CallsPerDay int
	// Color is the clinic's own, "#rrggbb", and Logo the name of its picture; "" for none.
	Color string
	Logo  string
	// StartedAt is when the first scenario was switched on: what was before is the baseline.
	StartedAt time.Time
	// HeardAt is when the MIS last told anything, to within a few hours.
	HeardAt time.Time

	zone *time.Location // of TimeZone, once Locate has found it
}

// Gift is something a patient can choose on a birthday.
type Gift struct {
	ID   string
	Name string
	Cost Money
}

// Map is a place for reviews. Ask says who is shown its link: "happy" or "everyone".
type Map struct {
	Name string
	URL  string
	Ask  string
}

// The audiences of a map's link.
const (
	AskHappy    = "happy"
	AskEveryone = "everyone"
)

// ScenarioSettings is how a clinic runs one scenario.
type ScenarioSettings struct {
	On bool
	// Release is "auto", or "staff" when a person lets each day's batch go.
	Release string
	// HoldoutPercent is the share of patients left alone for measuring.
	HoldoutPercent int
	// BacklogPerDay is how many of those whose day had passed when the scenario
	// was switched on, or when they were imported, it takes up a day; 0: none.
	BacklogPerDay int
	// Since is the clinic's date of the last switching on: no earlier day is scanned.
	Since Date
	// Offsets moves the steps named by as many days, later for a positive number.
	Offsets map[string]int
	// Benefit is what the scenario offers; the zero one is the catalogue's.
	Benefit Benefit
	// Steps switches single steps on or off against the catalogue's default.
	Steps map[string]bool
	// Texts are the clinic's own in the place of the catalogue's, by TextKey.
	Texts map[string]Text
}

// Text is what one step says in one language. SMS is one template; the rest is the e-mail.
type Text struct {
	SMS        string
	Subject    string
	Heading    string
	Paragraphs []string
	Button     string
}

// TextKey names a step's text in a variant, "" for the usual one, and a language.
func TextKey(step, variant, locale string) string {
	if variant != "" {
		variant += "/"
	}
	return step + "/" + variant + locale
}

// Benefit is what a patient gets for coming: one of the kinds, with what that
// kind needs.
type Benefit struct {
	Kind    BenefitKind
	Percent int    // of a discount
	Amount  Money  // of a bonus
	Name    string // of a gift or a free service, in the clinic's language
}

// BenefitKind says what a benefit consists of.
type BenefitKind string

// The kinds of benefit.
const (
	Discount    BenefitKind = "discount"
	BonusAmount BenefitKind = "bonus"
	GiftService BenefitKind = "gift"
	FreeService BenefitKind = "free-service"
)

// The ways a batch is released.
const (
	ReleaseAuto  = "auto"
	ReleaseStaff = "staff"
)

// ReferralTerms is what a recommendation earns, and whom: "referrer", "friend" or "both".
type ReferralTerms struct {
	Reward Money
	Who    string
}

// WebhookSecret is one signing secret of the clinic's MIS. Several are active
// at once while one takes the other's place.
type WebhookSecret struct {
	Secret Secret
	From   time.Time
	Until  time.Time // zero: until further notice
	Press  string    // of whom of the staff had it made; "" of another way
}

// MostSecrets is how many secrets are active at once at most.
const MostSecrets = 3

// Location is the clinic's time zone; UTC if the name is unknown, which the
// settings do not let through.
func (c *Clinic) Location() *time.Location {
	if c.zone != nil && c.zone.String() == c.TimeZone {
		return c.zone
	}
	loc, err := time.LoadLocation(c.TimeZone)
	if err != nil {
		return time.UTC
	}
	return loc
}

// Locate finds the clinic's time zone once for all that is asked of it later:
// else each question reads it from its file. Whoever reads a clinic from the
// state does it before the clinic is shared.
func (c *Clinic) Locate() { c.zone = c.Location() }

// Today is the clinic's calendar date at the instant.
func (c *Clinic) Today(at time.Time) Date { return DateOf(at.In(c.Location())) }

// morning is when a clinic's day begins, unless messages leave earlier.
const morning TimeOfDay = 6 * 60

// Morning is the instant of a day at which a clinic is scanned and its backlog
// taken up: six o'clock on its clock, or the start of its sending hours if that
// is earlier. Where clocks leap over that time it is the end of the leap.
func (c *Clinic) Morning(day Date) time.Time {
	return day.At(min(morning, c.SendFrom), c.Location())
}

// Owner is whose patients these are: caps and opt-outs are shared inside it.
func (c *Clinic) Owner() string {
	if c.Group != "" {
		return "group:" + c.Group
	}
	return "clinic:" + c.ID
}

// Scenario is the clinic's settings of a scenario; unset is off.
func (c *Clinic) Scenario(name string) ScenarioSettings { return c.Scenarios[name] }

// Backlogs reports whether any scenario takes up those whose day has passed.
func (c *Clinic) Backlogs() bool {
	for _, s := range c.Scenarios {
		if s.On && s.BacklogPerDay > 0 {
			return true
		}
	}
	return false
}

// ActiveSecrets lists the secrets that verify at the instant.
func (c *Clinic) ActiveSecrets(at time.Time) []Secret {
	var out []Secret
	for _, s := range c.Secrets {
		if !at.Before(s.From) && (s.Until.IsZero() || at.Before(s.Until)) {
			out = append(out, s.Secret)
		}
	}
	return out
}

// RotateSecret makes next the secret to sign with; the ones before it go on
// verifying until the overlap has passed, so that nothing in flight is lost. Of
// more than MostSecrets the oldest go.
func (c *Clinic) RotateSecret(next Secret, at time.Time, overlap time.Duration) {
	kept := c.Secrets[:0:0]
	for _, s := range c.Secrets {
		if !s.Until.IsZero() && !at.Before(s.Until) {
			continue
		}
		if s.Until.IsZero() || s.Until.After(at.Add(overlap)) {
			s.Until = at.Add(overlap)
		}
		kept = append(kept, s)
	}
	kept = kept[max(0, len(kept)-(MostSecrets-1)):]
	c.Secrets = append(kept, WebhookSecret{Secret: next, From: at})
}

// PathSecrets lists the secrets that are right in the path of an account's
// callbacks at the instant: the present one, and the one before it while that
// is still out.
func (c *Clinic) PathSecrets(account string, at time.Time) []Secret {
	var out []Secret
	of, has := c.Accounts[account]
	if !has {
		return nil
	}
	if s := of.Secrets[CallbackSecret]; s != "" {
		out = append(out, s)
	}
	if was := c.FormerPaths[account]; was.Secret != "" && at.Before(was.Until) {
		out = append(out, was.Secret)
	}
	return out
}

// Opening is the clinic's week: spans by weekday, none on a day it is closed.
type Opening map[string]Span

// Span is a stretch of a day, [From, To).
type Span struct{ From, To TimeOfDay }

// Weekdays are the keys of Opening, from Sunday as time.Weekday counts.
func Weekdays() []string { return []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"} }

// OpenOn is the span of working hours on a date, and whether the clinic works at all.
func (c *Clinic) OpenOn(d Date) (Span, bool) {
	if slices.Contains(c.Holidays, d) {
		return Span{}, false
	}
	s, ok := c.Opening[Weekdays()[d.Weekday()]]
	return s, ok && s.To > s.From
}

// horizon bounds searches for an open day: a clinic closed for longer has no
// working hours to count in.
const horizon = 400

// AddWorking moves an instant forward by working time: time outside the
// opening hours does not count. A clinic without opening hours works always.
func (c *Clinic) AddWorking(at time.Time, d time.Duration) time.Time {
	loc := c.Location()
	day, left := DateOf(at.In(loc)), d
	for i := 0; i < horizon; i, day = i+1, day.AddDays(1) {
		span, open := c.OpenOn(day)
		if !open {
			continue
		}
		from, to := day.At(span.From, loc), day.At(span.To, loc)
		if at.After(from) {
			from = at
		}
		if !from.Before(to) {
			continue
		}
		if today := to.Sub(from); left > today {
			left -= today
			continue
		}
		return from.Add(left)
	}
	return at.Add(d)
}

// WorkingDayBefore is the last day before d on which the clinic works, d-1 if none is found.
func (c *Clinic) WorkingDayBefore(d Date) Date {
	for i := 1; i < horizon; i++ {
		if _, open := c.OpenOn(d.AddDays(-i)); open {
			return d.AddDays(-i)
		}
	}
	return d.AddDays(-1)
}

// EndOfWorkingDay is when the n-th working day after the instant's own day
// ends; n = 1 is the next working day.
func (c *Clinic) EndOfWorkingDay(at time.Time, n int) time.Time {
	loc := c.Location()
	day, left := DateOf(at.In(loc)), n
	for i := 1; i < horizon; i++ {
		span, open := c.OpenOn(day.AddDays(i))
		if !open {
			continue
		}
		if left--; left == 0 {
			return day.AddDays(i).At(span.To, loc)
		}
	}
	return at.Add(time.Duration(n) * 24 * time.Hour)
}

// WorkingDayFrom is the first day from d on, d included, on which the clinic
// works; d for a clinic without opening hours.
func (c *Clinic) WorkingDayFrom(d Date) Date {
	for i := range horizon {
		if _, open := c.OpenOn(d.AddDays(i)); open {
			return d.AddDays(i)
		}
	}
	return d
}
