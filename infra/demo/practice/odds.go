package practice

import (
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
)

// Everything about these people that is a matter of chance stands in this file.
// The figures are assumptions, chosen so that each thing that happens to a
// practice happens now and then; nobody has measured them, and a year of this
// practice proves nothing about the returns of a real one.

// share is a probability, 0 to 1.
type share = float64

// standing is how a patient stands with the practice on its first day.
type standing int

const (
	newcomer  standing = iota // not known yet: comes for the first time on some day
	regular                   // seen within the last five months, and often before
	asleep                    // last seen 6 to 30 months ago
	presented                 // was shown a plan, "will think and call"
	begun                     // is in the middle of a plan
	implanted                 // was given an implant 9 to 12 months ago
	braced                    // wears braces
	urgent                    // seen once, in an emergency
)

// makeup is how the patients stand, in parts of 100.
var makeup = []struct {
	standing
	parts int
}{{newcomer, 12}, {regular, 27}, {asleep, 34}, {presented, 6}, {begun, 7}, {implanted, 5}, {braced, 6}, {urgent, 3}}

// Households.
const (
	bringsFamily  share = 0.15 // a grown-up has a spouse among the patients, and children
	oneNumber     share = 0.70 // the spouse has the same phone
	secondChild   share = 0.40
	leftUnlinked  share = 0.05 // a child whose card names no guardian
	doubtfulBirth share = 0.01 // born on 1 January 1900, says the card
)

// female is of cards.
const female share = 0.55

// How people can be reached. What is left has a mobile number and an address.
const (
	mailOnly  share = 0.04
	landline  share = 0.02 // and no address
	unusable  share = 0.01 // a number with an extension, and no address
	phoneOnly share = 0.35
)

// What people agreed to when they filled in their card.
const (
	neverAsked     share = 0.05 // no consent is recorded at all
	wantsOffers    share = 0.80 // on a channel
	wantsCare      share = 0.96 // on a channel
	wantsNoService share = 0.01 // refuses even to be thanked
)

// Their past.
const (
	lapsed       share = 0.50 // wears braces, and was last seen for something else
	cleanedSince share = 0.50 // has come for hygiene since the implant
	isBooked     share = 0.25 // of the regular ones: has an appointment on the first day
)

// The appointment book.
const (
	moves       share = 0.07 // of appointments made more than a day ahead
	cancels     share = 0.05 // likewise
	comesBack   share = 0.40 // of those who cancel: books again by themselves
	misses      share = 0.07 // of those who have not confirmed
	missesAfter share = 0.015
	booksAtOnce share = 0.22 // the next visit, at the desk on the way out
	goesOn      share = 0.45 // books the plan's next stage at the desk
	presents    share = 0.55 // a plan, after an examination or an extraction
	complexOnes share = 0.05 // of visits
	advised     share = 0.60 // of visits: with what to do at home
	nextNamed   share = 0.50 // of visits: with the next step
	dated       share = 0.30 // of visits: with a date to come back by
	paysAtOnce  share = 0.85
	corrected   share = 0.03 // the receipt, the day after
	refunded    share = 0.01 // the whole visit, some days later
	impatient   share = 0.07 // of people: hard to please
	urgentOnes  share = 0.25 // of newcomers: with a toothache
)

// Years between two toothaches of one patient.
const yearsToToothache = 4

// Life goes on.
const (
	movesAway   share = 0.02 // within the time: the card says moved, archived or deceased
	asksErasure share = 0.010
	newNumber   share = 0.03 // within the time
)

// What staff get done on the phone, by the kind of their task: how many of those
// whom they call book a visit. Whoever does not answer, or does not want to, is left alone.
var staffBook = map[string]share{"call": 0.35, "plan": 0.40, "wake": 0.15, "rebook": 0.45, "callback": 0.80, "lead": 0.70}

const (
	staffConfirm share = 0.80 // of those who had not confirmed
	staffMend    share = 0.30 // a number or an address that was missing
)

// After a visit.
const (
	readsAdvice share = 0.35
	rates       share = 0.50 // answers the survey
	peeksOnly   share = 0.15 // opens it and does not
	bad         share = 0.05 // of answers
	badGrumpy   share = 0.40 // of those who are hard to please
	fair        share = 0.11
	says        share = 0.70 // of the unhappy: in words
	scores      share = 0.50 // of the content: gives a score too
	reviews     share = 0.30 // of the content: follows a map at once
	reviewsIf   share = 0.25 // asked again a day later
	answersBack share = 0.40 // to the question how it goes after a difficult visit
)

// Reminded of an appointment.
const (
	reacts     share = 0.75
	byWord     share = 0.12 // of these: writes "да" instead of opening the page
	callOff    share = 0.04
	reschedule share = 0.07
	askBack    share = 0.03
	rebooks    share = 0.35 // offered another time after one that was missed or cancelled
)

// Gifts, the club, friends.
const (
	choosesGift share = 0.55
	looksAtGift share = 0.15
	looksAtClub share = 0.50
	usesFree    share = 0.60 // books the free hygiene
	recommends  share = 0.22 // of those asked: passes the link on
	friendOpens share = 0.75 // and leaves a phone
)

// Enough of it: of those who get a message.
const (
	stopsOffers share = 0.012 // writes STOP, after an advertisement
	stopsCare   share = 0.004
	leavesMail  share = 0.015 // unsubscribes by one click
)

// reaction is what people do about an offer that leads to its page: the shares
// of those who get it. The rest do nothing.
type reaction struct {
	book, callback, later, never share // press it
	phones                       share // call the desk and book, without the page
	looks                        share // open the page and close it
}

// offered holds the reactions by scenario and step; another step of an offer is
// met like "".
var offered = map[string]reaction{
	"":                      {book: 0.05, callback: 0.02, later: 0.03, never: 0.02, phones: 0.02, looks: 0.15},
	"recall/first":          {book: 0.18, callback: 0.05, later: 0.05, never: 0.01, phones: 0.08, looks: 0.15},
	"recall/second":         {book: 0.16, callback: 0.05, later: 0.04, never: 0.02, phones: 0.06, looks: 0.15},
	"recall/again":          {book: 0.25, callback: 0.05, later: 0, never: 0.04, phones: 0.05, looks: 0.15},
	"plan/next-stage":       {book: 0.16, callback: 0.10, later: 0.05, never: 0.02, phones: 0.08, looks: 0.20},
	"implant-year/check":    {book: 0.25, callback: 0.08, later: 0.04, never: 0.01, phones: 0.08, looks: 0.15},
	"orthodontics-6m/check": {book: 0.25, callback: 0.08, later: 0.04, never: 0.01, phones: 0.08, looks: 0.15},
	"sleeping-6/offer":      {book: 0.08, callback: 0.03, later: 0.04, never: 0.02, phones: 0.04, looks: 0.15},
	"sleeping-12/offer":     {book: 0.06, callback: 0.02, later: 0.03, never: 0.03, phones: 0.03, looks: 0.12},
	"sleeping-18/offer":     {book: 0.04, callback: 0.02, later: 0.02, never: 0.04, phones: 0.02, looks: 0.10},
	"season/autumn":         {book: 0.07, callback: 0.02, later: 0.03, never: 0.02, phones: 0.03, looks: 0.15},
}

// looks are when patients look at their phones, by the practice's clocks, and
// staffLooks when staff look at their list of tasks.
var (
	looks      = []dental.TimeOfDay{10*60 + 15, 12*60 + 30, 15*60 + 30, 19*60 + 30}
	staffLooks = []dental.TimeOfDay{10*60 + 15, 15*60 + 30}
)

// soonest and latest are how long after they have seen a message people act on it.
const (
	soonest = 3 * time.Minute
	latest  = 4 * time.Hour
)
