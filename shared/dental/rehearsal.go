package dental

import "time"

// Rehearsal is what a dry run of a scenario has found out so far: what would
// happen in the days from From to To if the scenario were on, and to how many
// patients nothing would, and why. Nothing of it happens.
type Rehearsal struct {
	Scenario string
	Run      string // its own id: a later one of the scenario has another
	// Backlog is how many of those whose day has passed are taken up a day; 0: none.
	Backlog  int
	From, To Date
	At       time.Time // when it was begun
	// Patients is how many there are, and Looked how many have been looked at.
	Patients, Looked int
	// Reached is to how many patients something would happen.
	Reached  int
	Messages int
	Parts    int
	Tasks    int
	Cost     Money
	// Held: the messages would wait for staff's release.
	Held bool
	// Days are the sums of each day, "2026-05-22", and Channels the messages of each channel.
	Days     map[string]RehearsedDay
	Channels map[Channel]int
	// Waiting is how many of the backlog come after To, and LastOn the day of the last of them.
	Waiting int
	LastOn  Date
	// Reasons counts the patients to whom nothing would happen, by the code of the reason.
	Reasons map[string]int
	// Rows and Pages are how many foreseen things there are, ordered by what is at
	// stake, and on how many pages they stand.
	Rows, Pages int
	Done        bool
}

// RehearsedDay is what would happen on one day.
type RehearsedDay struct{ Messages, Parts, Tasks int }

// Foreseen is one message, or one task of staff, that would be.
type Foreseen struct {
	Patient string
	Step    string
	Anchor  string
	Task    TaskKind // "" of a message
	Class   Class
	Channel Channel
	// At is when it would leave. Backlog: when its turn comes, At as if that were the first day.
	At      time.Time
	Backlog bool
	// TakenUp is the instant at which the backlog is supposed to be taken up: the
	// forecast of it can be asked for again.
	TakenUp time.Time
	Value   Money
	// Subject is of an e-mail. What would be said names the patient.
	Subject string
	Text    string
	Parts   int
	Price   Money
}

// Unsaid is the message without its words, which name the patient: it is how
// one is kept, and the words are made anew when it is shown.
func (f Foreseen) Unsaid() Foreseen {
	f.Subject, f.Text = "", ""
	return f
}

// Forecast is what a scenario would bring to one patient: what would happen,
// and when nothing would, the code of the reason.
type Forecast struct {
	Foreseen []Foreseen
	Reason   string
}
