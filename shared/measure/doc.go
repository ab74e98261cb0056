// Package measure says what a clinic's facts amount to. A patient's card adds
// sums to single days (Tallies); sums of days, months and patients are added up
// by whoever keeps them; and what owners look at is worked out from sums alone
// (Of, Compare, Foresee). So a figure costs what it shows, and a corrected card
// corrects every figure. Nothing in a tally follows from the time at which it is
// made, and of the settings that are changed later the time zone alone: margin
// and price come in when figures are read.
//
// The zone says on which day an instant lies. When a clinic changes it, a
// patient's tallies are of the new one from the next fact about that patient on,
// those of all others are of the old one: of days within hours of midnight,
// visits with what they bring, appointments, plans, what messages cost and the
// lift may lie one day off among patients. The days on which messages ended,
// answers were given and gifts redeemed stand with the fact, in the zone of
// their time.
//
// # Words
//
//   - Visit: a day with completed visits of one patient. Repeat visit: one of a
//     patient who had an earlier one. Repeat patient: one with two visits or
//     more. The goal for the share of repeat visits is 35 %.
//   - Revenue of a visit: its receipts less their refunds; of one without a
//     receipt its payments less their refunds. A refund and a correction count
//     on the day of the visit, not on their own.
//   - Average receipt: revenue ÷ visits. A visit that brought nothing is a
//     receipt of nothing, so that average receipt × visits is the revenue. What
//     those brought that were paid for is AveragePaid beside it.
//   - LTV: average receipt × visits of a patient × margin, which is revenue ×
//     margin ÷ patients. Over a year: the revenue of twelve months to date and
//     the patients who had a visit in them. Over life: all revenue, all patients.
//   - Within n months of a day t: a day d counts as long as t less n calendar
//     months, cut to the end of a short month, is before d.
//   - Returned in 6 or 12 months: of those whose first visit lies so far back
//     that the time is over, the share with a second one inside it. It counts on
//     the day on which the time is over.
//   - Return point: the date to come back by that a visit left, else half a year
//     after it. Kept when another visit came until 30 days after it. Compliance
//     of a doctor: the share of visits left with a date, given or booked within
//     24 hours, and a reason: a next step, the appointment's service, an open plan.
//   - Plan completion: of the plans presented in a period, those of which every
//     stage that was not cancelled is done; and the stages done of all.
//   - NPS: share of promoters (9, 10) less share of detractors (0 to 6) of all
//     who gave a number, in points. Reichheld, "The One Number You Need to Grow",
//     Harvard Business Review, December 2003.
//
// # Attribution and lift
//
// A return is attributed to the last touch that was delivered within 30 days
// before the visit was booked, before the visit itself where the booking is not
// known. Care and advertising bring back, service messages do not: who was
// thanked or reminded was coming anyway. An appointment that was moved counts as
// booked when it was moved, since the MIS tells no earlier time. A patient
// returns once by one touch; all visits attributed to it bring its revenue.
//
// Attribution says what came after, lift what came because of it: of all whose
// occasion fell due some are left alone by lot (the clinic's holdout), and both
// are watched for 90 days, whatever became of their messages (intention to
// treat). For one taken up out of a backlog the lot is drawn, and the days
// begin, when its turn comes; before that it is in neither arm. Months in which
// nobody was left alone are not compared. The interval of the difference of the
// two shares is Newcombe's hybrid score interval (method 10): Newcombe,
// "Interval estimation for the difference between independent proportions",
// Statistics in Medicine 17 (1998) 873-890. That of a single share is Wilson's:
// Wilson, "Probable inference, the law of succession, and statistical
// inference", Journal of the American Statistical Association 22 (1927) 209-212.
// Both of 95 %. Occasions of one patient in several scenarios, or in several
// years, are counted as if independent.
//
// There is "not enough data yet" until both arms have 30 occasions, and 5 of all
// came and 5 did not: below that the interval is too wide to act on.
//
// # Cost
//
// Messages cost their parts at the price of the time when each was sent; gifts
// their cost when they are redeemed; bonuses what is spent of them; entered
// costs of the kind retention their share of the days, spread evenly. A message
// whose fate is not known costs nothing until it is. A free
// hygiene is counted and not priced, since nobody tells its price. ROMI =
// (margin on attributed revenue − cost) ÷ cost. Costs of acquisition are no part
// of it: divided by the new patients they are the price of a new patient, to be
// held against that of one who came back. Bonuses and entered costs belong to no
// scenario, so a scenario's ROMI knows its messages and gifts alone.
package measure
