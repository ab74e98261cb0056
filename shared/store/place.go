package store

import (
	"fmt"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/table"
)

// Event is the memory of one delivery: the same id with the same body is a repeat.
type Event struct {
	Clinic string
	ID     string
	Body   string // hash
	At     time.Time
}

// eventMemory is how long a delivery is remembered.
const eventMemory = 8 * 24 * time.Hour

// ProviderID finds a touch by what a provider called its message.
type ProviderID struct {
	Channel  dental.Channel
	ID       string
	Clinic   string
	Patient  string
	Scenario string
	Step     string
	Anchor   string
	Attempt  string
	At       time.Time
}

// providerMemory is how long a provider's report finds its touch.
const providerMemory = 30 * 24 * time.Hour

// Checkpoint is how far one scenario's scan of one clinic has come.
type Checkpoint struct {
	Clinic   string
	Scenario string
	// Day is the last day that was scanned to its end.
	Day dental.Date
	// FlowDay is the last day on which the backlog was taken up, and Flowed how many were then.
	FlowDay dental.Date
	Flowed  int
}

// Job is work that outlives a request: it has a due key and is done at least once.
type Job struct {
	Clinic  string
	ID      string
	Kind    string
	Patient string
	// Day and Cursor say which batch a job is about and how far it has come.
	Day    dental.Date
	Cursor string
	// Scenario, Step and Anchor name the touch of a ReviveJob, Scenario the batch of others.
	Scenario string
	Step     string
	Anchor   string
	// Doctor and URL name the photo of a PortraitJob.
	Doctor string
	URL    string
	// System, Object and Subject name what a FetchJob is to read: an object of a
	// system of record by its kind and id. System and Subject name the
	// appointment of an AnswerJob, Step what the patient said of it; without a
	// Subject it is about all that the patient answered for at Made.
	System  string
	Object  string
	Subject string
	// Claimed is when an AnswerJob's one call was begun.
	Claimed time.Time
	// Referrer, as dental.Member.Seen names one, and the key Contact name the
	// recommendation of a RewardJob, Contact alone that of a LeadJob.
	Referrer string
	Contact  string
	Wake     time.Time
	Made     time.Time
	Done     time.Time
	Tries    int
}

// Mended is the Step of a FetchJob that comes of a changed account: whatever kept
// its system from being asked before is no reason any more.
const Mended = "mended"

// Held is the Step of a FetchJob that reads an object again which had said more
// than was true yet.
const Held = "held"

// Adds reports whether a job adds figures up: there may be as many as patients.
func (j Job) Adds() bool { return j.Kind == TallyJob || j.Kind == TotalJob || j.Kind == FiguresJob }

// Tally is what one patient adds to the figures of one day: a sum by its name.
// A name that is absent adds nothing.
type Tally struct {
	Clinic  string
	Day     dental.Date
	Patient string
	Sums    map[string]int64
}

// Tallied says which days a patient has tallies on, each with a hash of its
// sums, so that only what has changed is written.
type Tallied struct {
	Clinic  string
	Patient string
	Days    map[string]string
}

// Total is a day's figures ("2026-05-22"), the sum of its tallies; a month's
// ("2026-05"), the sum of its days; a year's ("2026"), the sum of its months; or
// the Baseline.
type Total struct {
	Clinic string
	Period string
	Sums   map[string]int64
	At     time.Time
}

// Baseline is the Period of the total that stands for the year before the first
// scenario was switched on, At its end. It is written once.
const Baseline = "base"

// Result is one page of what a job has found out, kept until it expires.
type Result struct {
	Clinic string
	Job    string
	N      int // pages count from 0
	Body   []byte
	Until  time.Time
}

// The kinds of job.
const (
	PortraitJob = "portrait" // copy a doctor's photo
	EraseJob    = "erase"    // remove what is left of a patient
	SettleJob   = "settle"   // bring a patient's touches in line with the facts
	ReviveJob   = "revive"   // plan a touch again that was left to another, which failed
	HoldJob     = "hold"     // tell staff of a batch that waits for their release, and end it when it was not released in time
	ReleaseJob  = "release"  // let a batch go
	BacklogJob  = "backlog"  // find whose day had passed when a scenario was switched on
	RewardJob   = "reward"   // bring a recommendation's rewards in line with what the friend has paid
	LeadJob     = "lead"     // forget who a recommended friend is that has not come
	CRMJob      = "crm"      // tell the clinic's own CRM of a task; Step is its kind
	TallyJob    = "tally"    // bring a patient's tallies in line with the card
	FiguresJob  = "figures"  // bring the tallies of all patients in line with their cards
	TotalJob    = "total"    // add a day's tallies up, the month's days and the year's months
	BaselineJob = "baseline" // freeze what was before the first scenario was switched on
	PressJob    = "press"    // let a press on a task take effect; Step is the task's kind
	RehearseJob = "rehearse" // find out what switching a scenario on would do
	ImportJob   = "import"   // read on in a file; Anchor is the import's id
	FetchJob    = "fetch"    // read one object of a system of record again
	AnswerJob   = "answer"   // write a patient's answer about an appointment back to the system of record
	AuditJob    = "audit"    // count the quiet base
	SortJob     = "sort"     // bring the kinds of procedures in line with the clinic's table
	TrialJob    = "trial"    // send a text to the member of staff who wants to see it; Contact is where to, masked
)

// place says where a noun is kept and under which condition it may be written.
func (tx *Tx) place(noun any) (table.Item, table.Cond, error) {
	it := table.Item{}
	blind, bare := false, false
	switch v := noun.(type) {
	case dental.Clinic:
		it.Key, it.Index2 = clinicKey(v.ID), clinicsIndex(v)
	case dental.Patient:
		it.Key = patientKey(v.Clinic, v.ID)
		bare = v.Erased // of an erased person not even what this code does not know stays
	case dental.Appointment:
		it.Key = appointmentKey(v.Clinic, v.Patient, v.ID)
		if v.Standing() && !v.On.IsZero() {
			it.Index2 = appointmentIndex(v)
		}
	case dental.Visit:
		it.Key = visitKey(v.Clinic, v.Patient, v.ID)
		it.Index2 = ledgerIndex(v.Clinic, v.Day, "V", v.Patient, esc(v.ID))
	case dental.Plan:
		it.Key = planKey(v.Clinic, v.Patient, v.ID)
	case dental.Payment:
		it.Key = paymentKey(v.Clinic, v.Patient, v.ID)
	case dental.Answer:
		it.Key = answerKey(v.Clinic, v.Patient, v.Day)
		it.Index2 = ledgerIndex(v.Clinic, v.Day, "N", v.Patient, v.Day.String())
	case dental.Piece:
		it.Key = pieceKey(v.Clinic, v.Patient, v.ID)
	case dental.Origin:
		it.Key = originKey(v.Clinic, v.System, v.Kind, v.ID)
	case dental.Import:
		it.Key = importKey(v.Clinic, v.ID)
	case dental.Twin:
		it.Key = twinKey(v.Clinic, v.A, v.B)
	case dental.Pulled:
		it.Key = pulledKey(v.Clinic, v.System)
	case dental.Response:
		it.Key, it.Index2 = responseKey(v), ledgerIndex(v.Clinic, v.On, "O", v.Patient, join(v.Scenario, v.Anchor))
	case dental.GiftChoice:
		it.Key, it.Index2 = giftKey(v), ledgerIndex(v.Clinic, v.ChosenOn, "G", v.Patient, join(v.Scenario, v.Anchor))
	case dental.Bonus:
		it.Key, it.Index2 = bonusKey(v), ledgerIndex(v.Clinic, v.On, "B", v.Patient, esc(v.Source))
	case dental.Referral:
		it.Key = referralKey(v)
	case Checkpoint:
		it.Key = checkpointKey(v.Clinic, v.Scenario)
	case dental.Milestone:
		it.Key, it.Index2 = milestoneKey(v), milestoneIndex(v)
	case dental.Touch:
		it.Key = touchKey(v.Clinic, v.Patient, v.Scenario, v.Step, v.Anchor)
		switch {
		case v.State == dental.Held:
			it.Index1 = touchHeldIndex(v)
		case !v.State.Final():
			it.Index1 = touchDueIndex(v)
		default:
			it.Index2 = ledgerIndex(v.Clinic, v.EndedOn, "T", v.Patient, join(v.Scenario, v.Step, v.Anchor))
		}
	case dental.Task:
		it.Key = taskKey(v.Clinic, v.Patient, v.Kind, v.Anchor)
		if v.Open() {
			it.Index1 = taskIndex(v)
		} else {
			it.Index2 = ledgerIndex(v.Clinic, v.ClosedOn, "K", v.Patient, join(string(v.Kind), v.Anchor))
		}
	case dental.Contact:
		it.Key = contactKey(v.Key)
	case dental.Link:
		it.Key, it.Expires, blind = linkKey(v.Hash), v.Expires, true
	case Event:
		it.Key, it.Expires = eventKey(v.Clinic, v.ID), v.At.Add(eventMemory)
	case ProviderID:
		it.Key, it.Expires, blind = providerKey(string(v.Channel), v.ID), v.At.Add(providerMemory), true
	case Job:
		it.Key = jobKey(v.Clinic, v.ID)
		if v.Done.IsZero() {
			it.Index1 = jobDueIndex(v)
		} else {
			it.Expires = v.Done.Add(eventMemory)
		}
	case Result:
		it.Key, it.Expires, blind = resultKey(v.Clinic, v.Job, v.N), v.Until, true
	case Tally:
		it.Key, blind = tallyKey(v), true
	case Tallied:
		it.Key = talliedKey(v.Clinic, v.Patient)
	case Total:
		it.Key = totalKey(v.Clinic, v.Period)
	case dental.PhoneEnding:
		it.Key, it.Index2 = endingKey(v.Clinic, v.Patient), table.Key{PK: endingPK(v.Clinic, v.Digits), SK: esc(v.Patient)}
	case dental.Staff:
		it.Key, it.Index2 = staffKey(v.Clinic, v.Key), staffIndex(v)
	case dental.LogEntry:
		if it.Key, blind = logKey(v), true; v.Patient != "" {
			it.Index2 = logIndex(v)
		}
	case dental.Cost:
		it.Key, blind = costKey(v), true
	case dental.MapRating:
		it.Key, blind = ratingKey(v), true
	case Notice:
		it.Key = noticeKey(v)
	case dental.Review:
		it.Key = reviewKey(v)
	case dental.FirstSteps:
		it.Key = firstStepsKey(v.Clinic)
	case dental.Logo:
		it.Key, blind = logoKey(v.Clinic), true
	case dental.Portrait:
		it.Key, it.Expires = portraitKey(v.Clinic, v.Doctor), v.At.Add(dental.PortraitLife)
	default:
		return it, table.None, fmt.Errorf("store: no place for a %T", noun)
	}
	was, wasRead := tx.read[it.Key]
	if _, job := noun.(Job); job && !wasRead {
		blind = true // a new job's id says all
	}
	if it.Attr = overlay(was.Attr, noun); bare {
		it.Attr = encode(noun)
	}
	delete(it.Attr, "expires") // the engine's own attribute: it is the item's expiry
	switch {
	case blind:
		return it, table.None, nil
	case !wasRead && !tx.whole[it.Key.PK]:
		return it, table.None, fmt.Errorf("store: put of %s, which was not read", it.Key)
	}
	return it, table.Version(was.Version), nil
}
