package settings

import (
	"cmp"
	"fmt"
	"maps"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/scenario"
)

// The bounds of settings, beside those that stand in the messages below.
const (
	maxPatch  = 256 << 10 // bytes
	maxName   = 100       // characters
	maxLine   = 200
	maxURL    = 500
	maxAdvice = 100
	maxItems  = 50 // of gifts, maps and recommendations
	// maxBenefit keeps a benefit short enough for an SMS.
	maxBenefit = 20
	maxDoctors = 500
	// narrowest, in minutes, keeps time to write in: nothing is claimed in the
	// last minutes of the hours.
	narrowest = 60
)

// Apply lays the settings that a JSON object names over a clinic's and leaves
// all others as they are. Of scenarios and recallMonths only the entries named
// change, and null takes an entry of recallMonths or a step back to what is
// shipped; lists and the opening hours are replaced as a whole.
//
// A bad patch changes nothing. Its error is a *Refusal, of kind Invalid, that
// names every bad setting by its path, with the reason.
func Apply(cl dental.Clinic, patch []byte) (dental.Clinic, error) {
	var bad faults
	next := cl
	named := value{raw: patch, bad: &bad}.object()
	for _, s := range settings() {
		if v, ok := named[s.name]; ok {
			s.set(&next, v)
			delete(named, s.name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(named)) {
		named[name].fault("unknown")
	}
	checkHours(&next, cl, &bad)
	checkCurrency(&next, cl, &bad)
	checkTexts(&next, cl, &bad)
	if err := bad.err(); err != nil {
		return cl, err
	}
	return next, nil
}

type setting struct {
	name string
	set  func(*dental.Clinic, value)
}

// settings lists the settings by the names of the contract. The currency comes
// before the amounts, which are read in it.
func settings() []setting {
	return []setting{
		{"name", func(c *dental.Clinic, v value) { text(v, &c.Name, 1, maxName) }},
		{"timeZone", setTimeZone},
		{"language", func(c *dental.Clinic, v value) { choice(v, &c.Language, "ru", "en") }},
		{"country", setCountry},
		{"currency", setCurrency},
		{"sendFrom", func(c *dental.Clinic, v value) { timeOfDay(v, &c.SendFrom) }},
		{"sendTo", func(c *dental.Clinic, v value) { timeOfDay(v, &c.SendTo) }},
		{"channels", setChannels},
		{"phone", setPhone},
		{"address", func(c *dental.Clinic, v value) { text(v, &c.Address, 0, maxLine) }},
		{"opening", setOpening},
		{"holidays", setHolidays},
		{"bookingUrl", func(c *dental.Clinic, v value) { address(v, &c.BookingURL, 0) }},
		{"group", setGroup},
		{"margin", setMargin},
		{"partPrice", func(c *dental.Clinic, v value) { amount(v, &c.PartPrice, c.Currency) }},
		{"careConsent", func(c *dental.Clinic, v value) { choice(v, &c.CareConsent, dental.Presumed, dental.Explicit) }},
		{"gifts", setGifts},
		{"maps", setMaps},
		{"scenarios", setScenarios},
		{"recallMonths", setRecallMonths},
		{"capPerWeek", func(c *dental.Clinic, v value) { whole(v, &c.CapPerWeek, 1, 7) }},
		{"referral", setReferral},
		{"club", func(c *dental.Clinic, v value) {
			v.fields(func(name string, v value) bool {
				if name == "visits" {
					whole(v, &c.ClubVisits, 1, 20)
				}
				return name == "visits"
			})
		}},
		{"advice", setAdvice},
		{"formerDoctors", setFormerDoctors},
		{"bonusDays", func(c *dental.Clinic, v value) { whole(v, &c.BonusDays, 30, 1095) }},
		{"accounts", setAccounts},
		{"eventsPerSecond", func(c *dental.Clinic, v value) { whole(v, &c.EventsPerSecond, 1, 10_000) }},
		{"paused", func(c *dental.Clinic, v value) {
			was := c.Paused
			if flag(v, &c.Paused); c.Paused != was {
				c.PausedBy, c.PausedAt = "", time.Time{}
			}
		}},
		{"color", setColor},
		{"callsPerDay", func(c *dental.Clinic, v value) { whole(v, &c.CallsPerDay, 0, 500) }},
	}
}

// zoneName leaves out what only some machines' zone files have: "Local",
// "posix/…", names in other capitals.
var zoneName = regexp.MustCompile(`^(UTC|([A-Z][A-Za-z0-9_+-]*/)+[A-Z][A-Za-z0-9_+-]*)$`)

func setTimeZone(c *dental.Clinic, v value) {
	name, ok := v.string()
	if !ok {
		return
	}
	if _, err := time.LoadLocation(name); err != nil || !zoneName.MatchString(name) {
		v.fault("zone")
		return
	}
	c.TimeZone = name
}

func setCountry(c *dental.Clinic, v value) {
	code, ok := v.string()
	if ok && !assigned(countries, code) {
		v.fault("country")
	}
	c.Country = code
}

func setCurrency(c *dental.Clinic, v value) {
	code, ok := v.string()
	if !ok {
		return
	}
	if !assigned(currencies, code) {
		v.fault("currency")
		return
	}
	if code != c.Currency && c.Referral.Reward == shippedReward() {
		c.Referral.Reward = dental.Money{} // it was shipped, not set, and has no like in another currency
	}
	c.Currency = code
}

// checkCurrency does not let amounts stay behind in the currency that was.
func checkCurrency(c *dental.Clinic, was dental.Clinic, bad *faults) {
	if c.Currency == was.Currency {
		return
	}
	left := func(path string, m dental.Money) {
		if !m.IsZero() && m.Currency != c.Currency {
			bad.add(path, "left-behind", "word", m.Currency, "code", c.Currency)
		}
	}
	left("partPrice", c.PartPrice)
	left("referral.reward", c.Referral.Reward)
	for i, g := range c.Gifts {
		left(fmt.Sprintf("gifts[%d].cost", i), g.Cost)
	}
}

// checkHours looks at both ends of the sending hours, of which one may have stood before.
func checkHours(c *dental.Clinic, was dental.Clinic, bad *faults) {
	changed := c.SendFrom != was.SendFrom || c.SendTo != was.SendTo
	if changed && c.SendTo-c.SendFrom < narrowest {
		bad.add("sendTo", "hours", "time", c.SendFrom.String())
	}
}

func setChannels(c *dental.Clinic, v value) {
	var out []dental.Channel
	for _, v := range v.list(1, len(dental.Channels())) {
		var ch dental.Channel
		if choice(v, &ch, dental.Channels()...); slices.Contains(out, ch) {
			v.fault("twice")
		}
		out = append(out, ch)
	}
	c.Channels = out
}

var (
	e164    = regexp.MustCompile(`^\+[1-9][0-9]{6,14}$`)
	control = regexp.MustCompile(`[\x00-\x1f\x7f-\x9f\x{2028}\x{2029}]`)
)

func setPhone(c *dental.Clinic, v value) {
	number, ok := v.string()
	if ok && number != "" && !e164.MatchString(number) {
		v.fault("phone")
	}
	c.Phone = dental.Phone(number)
}

func setGroup(c *dental.Clinic, v value) {
	if group, ok := v.string(); ok && group == "" {
		c.Group = ""
		return
	}
	id(v, &c.Group)
}

func setOpening(c *dental.Clinic, v value) {
	week := dental.Opening{}
	v.fields(func(day string, v value) bool {
		if !slices.Contains(dental.Weekdays(), day) {
			return false
		}
		if v.isNull() {
			return true
		}
		ends := v.list(0, 2)
		if len(ends) == 0 {
			return true
		}
		if len(ends) == 1 {
			v.fault("span")
			return true
		}
		var s dental.Span
		if timeOfDay(ends[0], &s.From) && timeOfDay(ends[1], &s.To) && s.To <= s.From {
			v.fault("span-order")
		}
		week[day] = s
		return true
	})
	c.Opening = week
}

func setHolidays(c *dental.Clinic, v value) {
	var out []dental.Date
	for _, v := range v.list(0, 400) {
		s, ok := v.string()
		if !ok {
			continue
		}
		day, err := dental.ParseDate(s)
		if err != nil || day.Year < 2000 || day.Year > 2100 {
			v.fault("date")
			continue
		}
		out = append(out, day)
	}
	slices.SortFunc(out, func(a, b dental.Date) int { return a.DaysSince(b) })
	c.Holidays = slices.Compact(out)
}

func setMargin(c *dental.Clinic, v value) {
	share, err := strconv.ParseFloat(string(v.raw), 64)
	if err != nil || share < 0 || share > 1 {
		v.fault("margin")
		return
	}
	permille := int(share*1000 + 0.5)
	if rest := share*1000 - float64(permille); rest > 1e-9 || rest < -1e-9 {
		v.fault("margin")
	}
	c.MarginPermille = permille
}

func setGifts(c *dental.Clinic, v value) {
	var out []dental.Gift
	for _, v := range v.list(0, maxItems) {
		var g dental.Gift
		v.fields(func(name string, v value) bool {
			switch name {
			case "id":
				if id(v, &g.ID); slices.ContainsFunc(out, func(o dental.Gift) bool { return o.ID == g.ID }) {
					v.fault("gift-id")
				}
			case "name":
				text(v, &g.Name, 1, maxName)
			case "cost":
				amount(v, &g.Cost, c.Currency)
			default:
				return false
			}
			return true
		}, "id", "name")
		out = append(out, g)
	}
	c.Gifts = out
}

func setMaps(c *dental.Clinic, v value) {
	var out []dental.Map
	for _, v := range v.list(0, maxItems) {
		var m dental.Map
		v.fields(func(name string, v value) bool {
			switch name {
			case "name":
				if text(v, &m.Name, 1, maxName); slices.ContainsFunc(out, func(o dental.Map) bool { return o.Name == m.Name }) {
					v.fault("map-name")
				}
			case "url":
				address(v, &m.URL, 1)
			case "ask":
				choice(v, &m.Ask, dental.AskHappy, dental.AskEveryone)
			default:
				return false
			}
			return true
		}, "name", "url")
		m.Ask = cmp.Or(m.Ask, asks(m))
		out = append(out, m)
	}
	c.Maps = out
}

// asks is whom a map asks unless the clinic says: Google forbids asking only
// those who are happy.
func asks(m dental.Map) string {
	name := strings.ToLower(m.Name)
	u, err := url.Parse(m.URL)
	google := strings.Contains(name, "google") || strings.Contains(name, "гугл")
	if err == nil {
		for _, label := range strings.Split(strings.ToLower(u.Hostname()), ".") {
			google = google || label == "google" || label == "goo"
		}
		google = google || u.Hostname() == "g.page"
	}
	if google {
		return dental.AskEveryone
	}
	return dental.AskHappy
}

func setScenarios(c *dental.Clinic, v value) {
	all := maps.Clone(c.Scenarios)
	if all == nil {
		all = map[string]dental.ScenarioSettings{}
	}
	shipped := scenario.Shipped()
	v.fields(func(name string, v value) bool {
		sc := shipped.Find(name)
		if sc == nil {
			return false
		}
		s := all[name]
		s.Release = cmp.Or(s.Release, dental.ReleaseStaff)
		v.fields(func(field string, v value) bool {
			switch field {
			case "on":
				flag(v, &s.On)
			case "release":
				choice(v, &s.Release, dental.ReleaseAuto, dental.ReleaseStaff)
			case "holdout":
				whole(v, &s.HoldoutPercent, 0, 50)
				if s.HoldoutPercent > 0 && (sc.Critical || sc.ServiceOnly()) {
					v.fault("holdout")
				}
			case "backlogPerDay":
				whole(v, &s.BacklogPerDay, 0, 1000)
			case "steps":
				s.Steps = steps(v, s.Steps, sc)
			case "offsets":
				s.Offsets = offsets(v, s.Offsets, sc)
			case "benefit":
				setBenefit(v, &s.Benefit, c.Currency)
			case "texts":
				s.Texts = texts(v, s.Texts, sc)
			default:
				return false
			}
			return true
		})
		all[name] = s
		return true
	})
	c.Scenarios = all
}

// steps switches single steps of a scenario; null leaves one to the catalogue.
func steps(v value, was map[string]bool, of *scenario.Scenario) map[string]bool {
	return byStep(v, was, of, func(v value) (on, kept bool) {
		flag(v, &on)
		return on, true
	})
}

// mostOffset is by how many days a step may be moved.
const mostOffset = 60

// offsets moves single steps by days, later for a positive number.
func offsets(v value, was map[string]int, of *scenario.Scenario) map[string]int {
	return byStep(v, was, of, func(v value) (days int, kept bool) {
		whole(v, &days, -mostOffset, mostOffset)
		return days, days != 0
	})
}

// byStep lays settings of single steps over those that were.
func byStep[T any](v value, was map[string]T, of *scenario.Scenario, read func(value) (T, bool)) map[string]T {
	return byName(v, was, func(name string) bool { return of.Step(name) != nil }, read)
}

// byName lays settings of single things over those that were; null, and what
// read does not keep, takes one away.
func byName[T any](v value, was map[string]T, known func(string) bool, read func(value) (T, bool)) map[string]T {
	out := maps.Clone(was)
	if out == nil {
		out = map[string]T{}
	}
	v.fields(func(name string, v value) bool {
		if !known(name) {
			return false
		}
		delete(out, name)
		if !v.isNull() {
			if setting, kept := read(v); kept {
				out[name] = setting
			}
		}
		return true
	})
	if len(out) == 0 {
		return nil
	}
	return out
}

// setBenefit reads {"kind": "discount", "percent": 10}, {"kind": "bonus",
// "amount": "500.00"}, {"kind": "gift", "name": …} or {"kind": "free-service",
// "name": …}; null is what the catalogue has.
func setBenefit(v value, b *dental.Benefit, currency string) {
	*b = dental.Benefit{}
	if v.isNull() {
		return
	}
	v.fields(func(name string, v value) bool {
		switch name {
		case "kind":
			choice(v, &b.Kind, dental.Discount, dental.BonusAmount, dental.GiftService, dental.FreeService)
		case "percent":
			whole(v, &b.Percent, 1, 50)
		case "amount":
			amount(v, &b.Amount, currency)
		case "name":
			text(v, &b.Name, 1, maxBenefit)
		default:
			return false
		}
		return true
	}, "kind")
	named := b.Kind == dental.GiftService || b.Kind == dental.FreeService
	if b.Kind != "" && ((b.Kind == dental.Discount) != (b.Percent > 0) || (b.Kind == dental.BonusAmount) != (b.Amount.Minor > 0) || named != (b.Name != "")) {
		v.fault("benefit")
	}
}

// setFormerDoctors reads the ids of doctors who have left.
func setFormerDoctors(c *dental.Clinic, v value) {
	c.FormerDoctors = nil
	for _, v := range v.list(0, maxDoctors) {
		id, ok := v.string()
		if ok && !dental.ValidID(id) {
			v.fault("doctor")
		}
		c.FormerDoctors = append(c.FormerDoctors, id)
	}
}

// setAccounts reads {"smsgate": {"settings": {…}, "secrets": {…}}}; null closes
// one. A secret that is not named stays as it is, for nobody is shown it.
func setAccounts(c *dental.Clinic, v value) {
	all := maps.Clone(c.Accounts)
	if all == nil {
		all = map[string]dental.Account{}
	}
	v.fields(func(name string, v value) bool {
		if !dental.ValidID(name) {
			return false
		}
		if v.isNull() {
			delete(all, name)
			return true
		}
		account := dental.Account{Settings: map[string]string{}, Secrets: maps.Clone(all[name].Secrets)}
		if account.Secrets == nil {
			account.Secrets = map[string]dental.Secret{}
		}
		v.fields(func(field string, v value) bool {
			v.fields(func(key string, v value) bool {
				line := ""
				text(v, &line, 1, maxURL)
				switch {
				case !dental.ValidID(key):
					return false
				case field == "settings":
					account.Settings[key] = line
				default:
					account.Secrets[key] = dental.Secret(line)
				}
				return true
			})
			return field == "settings" || field == "secrets"
		})
		all[name] = account
		return true
	})
	c.Accounts = nil
	if len(all) > 0 {
		c.Accounts = all
	}
}

func setRecallMonths(c *dental.Clinic, v value) {
	all := maps.Clone(c.RecallMonths)
	if all == nil {
		all = map[string]int{}
	}
	v.fields(func(kind string, v value) bool {
		if !slices.Contains(dental.ProcedureKinds(), dental.ProcedureKind(kind)) {
			return false
		}
		if v.isNull() {
			delete(all, kind)
			return true
		}
		var months int
		whole(v, &months, 1, 24)
		all[kind] = months
		return true
	})
	c.RecallMonths = all
}

func setReferral(c *dental.Clinic, v value) {
	v.fields(func(name string, v value) bool {
		switch name {
		case "reward":
			amount(v, &c.Referral.Reward, c.Currency)
		case "who":
			choice(v, &c.Referral.Who, "referrer", "friend", "both")
		default:
			return false
		}
		return true
	})
}

func setAdvice(c *dental.Clinic, v value) {
	var out []string
	for _, v := range v.list(0, maxItems) {
		var s string
		text(v, &s, 1, maxAdvice)
		out = append(out, s)
	}
	c.Advice = out
}

// The readings of single values. Each faults what it cannot take.

func text(v value, into *string, least, most int) {
	s, ok := v.string()
	if !ok {
		return
	}
	s = strings.TrimSpace(s)
	switch n := utf8.RuneCountInString(s); {
	case n < least:
		v.fault("empty")
	case n > most:
		v.fault("long", "n", strconv.Itoa(most))
	case control.MatchString(s):
		v.fault("control")
	}
	*into = s
}

func choice[T ~string](v value, into *T, of ...T) {
	s, ok := v.string()
	if !ok {
		return
	}
	if !slices.Contains(of, T(s)) {
		words := make([]string, len(of))
		for i, w := range of {
			words[i] = string(w)
		}
		v.fault("choice", "word", strings.Join(words, ", "))
	}
	*into = T(s)
}

func id(v value, into *string) {
	s, ok := v.string()
	if ok && !dental.ValidID(s) {
		v.fault("id")
	}
	*into = s
}

func flag(v value, into *bool) { *into, _ = read[bool](v) }

func whole(v value, into *int, least, most int) {
	n, err := strconv.Atoi(string(v.raw))
	if err != nil || n < least || n > most {
		v.fault("whole", "least", strconv.Itoa(least), "most", strconv.Itoa(most))
	}
	*into = n
}

func timeOfDay(v value, into *dental.TimeOfDay) bool {
	s, ok := v.string()
	if !ok {
		return false
	}
	t, err := dental.ParseTimeOfDay(s)
	if err != nil {
		v.fault("clock")
		return false
	}
	*into = t
	return true
}

// amount reads a decimal string, a number spelled as one, or an amount as
// events have it: {"total": "4.50", "currency": "RUB"}.
func amount(v value, into *dental.Money, currency string) {
	if !strings.HasPrefix(string(v.raw), "{") {
		decimal(v, into, currency)
		return
	}
	v.fields(func(name string, v value) bool {
		switch name {
		case "total":
			decimal(v, into, currency)
		case "currency":
			choice(v, &currency, currency)
		default:
			return false
		}
		return true
	}, "total", "currency")
}

func decimal(v value, into *dental.Money, currency string) {
	spelled := string(v.raw)
	if strings.HasPrefix(spelled, `"`) {
		var ok bool
		if spelled, ok = v.string(); !ok {
			return
		}
	}
	m, err := dental.ParseMoney(spelled, currency)
	if err != nil {
		v.fault("amount", "word", currency)
		return
	}
	*into = m
}

func address(v value, into *string, least int) {
	s, ok := v.string()
	switch {
	case !ok || s == "" && least == 0:
	case utf8.RuneCountInString(s) > maxURL:
		v.fault("long", "n", strconv.Itoa(maxURL))
		return
	case !opens(s):
		v.fault("url")
		return
	}
	*into = s
}

// opens reports whether patients can safely be sent to a URL: https, or http
// where nobody but this machine answers and in examples.
func opens(s string) bool {
	u, err := url.Parse(s)
	if err != nil || u.Hostname() == "" || u.User != nil || strings.ContainsAny(s, " \"<>\\^`{|}") || control.MatchString(s) {
		return false
	}
	host := strings.ToLower(u.Hostname())
	if u.Scheme == "http" {
		ip, err := netip.ParseAddr(host)
		return err == nil && ip.IsLoopback() || example(host)
	}
	return u.Scheme == "https"
}

// example reports whether a host is one of those that RFC 2606 keeps for
// examples, tests and the machine itself.
func example(host string) bool {
	for _, kept := range []string{"localhost", "test", "example", "example.com", "example.net", "example.org"} {
		if host == kept || strings.HasSuffix(host, "."+kept) {
			return true
		}
	}
	return false
}
