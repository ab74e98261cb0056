package store

import (
	"fmt"
	"hash/fnv"
	"strconv"
	"strings"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/table"
)

// The one table. c is a clinic, p a patient, s a shard of the due index (hash
// of the patient, modulo Shards). GSI1 is work to do, GSI2 calendar and ledger.
//
//	item          PK               SK                       GSI1                                      GSI2
//	clinic        C#c              C                                                                  CLINICS / zone#c
//	patient       P#c#p            0
//	milestone     P#c#p            M#kind[#plan]                                                      MS#c#kind#2026-05 / 22#p
//	                                                                                                  birthday: MS#c#birthday#11 / 22#p
//	                                                                                                  no visit yet: MS#c#last-visit#none / p
//	appointment   P#c#p            A#id                     standing:                                 APP#c#day / start#p#id
//	plan          P#c#p            L#id
//	payment       P#c#p            F#id
//	visit         P#c#p            V#id                                                               LED#c#day / V#p#id
//	answer        P#c#p            N#day                                                              LED#c#day / N#p#day
//	response      P#c#p            O#scenario#anchor                                                  LED#c#day / O#p#…
//	gift          P#c#p            G#scenario#anchor                                                  LED#c#day / G#p#…
//	bonus entry   P#c#p            B#source                                                           LED#c#day / B#p#…
//	referral      P#c#p            I#contact
//	piece         P#c#p            Q#id
//	phone ending  P#c#p            E                                                                  END#c#4567 / p
//	tallied       P#c#p            Y
//	touch         P#c#p            T#scenario#step#anchor   open, claimed: DUE#s / wake#prio#c#p#T…   final: LED#c#day / T#p#…
//	                                                        held: HELD#c#day / scenario#value↓#p#T…
//	                                                        backlog: LATER#c#scenario / value↓#p#T…
//	task          P#c#p            K#kind#anchor            open: TASK#c / showDay#band#value↓#p#K…   closed: LED#c#day / K#p#…
//	of no patient C#c              K#kind#anchor            the same
//	scan          C#c              SCAN#scenario
//	portrait      C#c              IMG#doctor               (expires a year after its URL was last asked)
//	logo          C#c              LOGO
//	log           LOG#c#month      time#id                                                            about a patient:
//	                                                                                                  ACT#c#p / time#id
//	cost          C#c              COST#from#id
//	rating        C#c              RATE#map#day
//	notice        C#c              NOTE#kind#anchor
//	review        C#c              REV#days
//	first steps   C#c              START
//	import        C#c              IMP#id
//	twin          C#c              TWIN#a#b
//	pulled        C#c              PULL#system
//	total         C#c              D#day, MO#month, YR#year, BASE
//	tally         Y#c#day          p
//	staff         U#hmac(address)  c                                                                  STAFF#c / role#hmac
//	contact       N#hmac(address)  c
//	link          L#sha256(token)  L                        (expires)
//	event         E#c#webhook-id   E                        (expires after 8 days)
//	origin        S#c#system#kind#id  S
//	provider id   R#channel#id     R                        (expires after 30 days)
//	job           J#c#id           J                        DUE#s / wake#9#J#c#id, of figures wake#Y#J#c#id
//	its result    J#c#id           R#n                      (expires)
//
// A patient's partition is read whole in one query, so everything about one
// person stands under one PK, and the head sorts first: what follows it can
// only be newer. What a patient adds to a day's figures is a tally, under the
// day: a day's total is the sum of one partition, read consistently, a month's
// that of its days, a year's that of its months. The month in a milestone's GSI2 key spreads an import over
// many index partitions. The order of the staff's list is in its sort key, so
// that showing the first page costs the first page.

// Shards is how many partitions the due index has.
const Shards = 4

// esc keeps ids readable and the separator out of them: every byte outside
// [A-Za-z0-9._:@-] becomes %XX.
func esc(id string) string {
	safe := func(b byte) bool {
		return b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9' || strings.IndexByte("._:@-", b) >= 0
	}
	var out strings.Builder
	for i := range len(id) {
		if safe(id[i]) {
			out.WriteByte(id[i])
		} else {
			fmt.Fprintf(&out, "%%%02X", id[i])
		}
	}
	return out.String()
}

func join(parts ...string) string {
	for i, p := range parts {
		parts[i] = esc(p)
	}
	return strings.Join(parts, "#")
}

// instant is a time whose text sorts as the time does.
func instant(t time.Time) string { return t.UTC().Format(instantForm) }

const instantForm = "2006-01-02T15:04:05Z"

func clinicKey(c string) table.Key { return table.Key{PK: "C#" + esc(c), SK: "C"} }
func clinicsIndex(cl dental.Clinic) table.Key {
	return table.Key{PK: "CLINICS", SK: cl.TimeZone + "#" + esc(cl.ID)}
}

func patientPK(c, p string) string { return "P#" + join(c, p) }

func patientKey(c, p string) table.Key { return table.Key{PK: patientPK(c, p), SK: "0"} }
func appointmentKey(c, p, id string) table.Key {
	return table.Key{PK: patientPK(c, p), SK: "A#" + esc(id)}
}
func planKey(c, p, id string) table.Key    { return table.Key{PK: patientPK(c, p), SK: "L#" + esc(id)} }
func paymentKey(c, p, id string) table.Key { return table.Key{PK: patientPK(c, p), SK: "F#" + esc(id)} }
func visitKey(c, p, id string) table.Key   { return table.Key{PK: patientPK(c, p), SK: "V#" + esc(id)} }
func answerKey(c, p string, day dental.Date) table.Key {
	return table.Key{PK: patientPK(c, p), SK: "N#" + day.String()}
}
func touchKey(c, p, scenario, step, anchor string) table.Key {
	return table.Key{PK: patientPK(c, p), SK: "T#" + join(scenario, step, anchor)}
}
func taskKey(c, p string, kind dental.TaskKind, anchor string) table.Key {
	pk := patientPK(c, p)
	if p == "" {
		pk = clinicKey(c).PK
	}
	return table.Key{PK: pk, SK: "K#" + join(string(kind), anchor)}
}
func pieceKey(c, p, id string) table.Key { return table.Key{PK: patientPK(c, p), SK: "Q#" + esc(id)} }
func responseKey(r dental.Response) table.Key {
	return table.Key{PK: patientPK(r.Clinic, r.Patient), SK: "O#" + join(r.Scenario, r.Anchor)}
}
func giftKey(g dental.GiftChoice) table.Key {
	return table.Key{PK: patientPK(g.Clinic, g.Patient), SK: "G#" + join(g.Scenario, g.Anchor)}
}
func bonusKey(b dental.Bonus) table.Key {
	return table.Key{PK: patientPK(b.Clinic, b.Patient), SK: "B#" + esc(b.Source)}
}
func referralKey(r dental.Referral) table.Key {
	return table.Key{PK: patientPK(r.Clinic, r.Patient), SK: "I#" + esc(r.Contact)}
}
func checkpointKey(c, scenario string) table.Key {
	return table.Key{PK: clinicKey(c).PK, SK: "SCAN#" + esc(scenario)}
}
func milestoneKey(m dental.Milestone) table.Key {
	sk := "M#" + esc(string(m.Kind))
	if m.Plan != "" {
		sk += "#" + esc(m.Plan)
	}
	return table.Key{PK: patientPK(m.Clinic, m.Patient), SK: sk}
}

// milestonesPK holds the milestones of one kind and month, "2026-05"; a birthday's
// month is "05", and that of a last visit that never was is "none".
func milestonesPK(c string, kind dental.MilestoneKind, month string) string {
	return "MS#" + join(c, string(kind)) + "#" + month
}

// milestoneIndex is where a scan looks the milestone up.
func milestoneIndex(m dental.Milestone) table.Key {
	month, day := m.Date.String(), fmt.Sprintf("%02d#", m.Date.Day)
	switch {
	case m.Date.IsZero():
		month, day = "none", ""
	case m.Kind == dental.Birthday:
		month = month[5:7]
	default:
		month = month[:7]
	}
	return table.Key{PK: milestonesPK(m.Clinic, m.Kind, month), SK: day + esc(m.Patient)}
}

func ledgerIndex(c string, day dental.Date, kind, p, rest string) table.Key {
	return table.Key{PK: "LED#" + esc(c) + "#" + day.String(), SK: kind + "#" + esc(p) + "#" + rest}
}

func dueShard(c, p string) int {
	h := fnv.New32a()
	_, _ = h.Write([]byte(c + "\x00" + p))
	return int(h.Sum32() % Shards)
}

func duePK(shard int) string { return fmt.Sprintf("DUE#%d", shard) }

func touchDueIndex(t dental.Touch) table.Key {
	return table.Key{PK: duePK(dueShard(t.Clinic, t.Patient)),
		SK: fmt.Sprintf("%s#%d#%s", instant(t.Wake), t.Priority, join(t.Clinic, t.Patient, t.Scenario, t.Step, t.Anchor))}
}

func heldPK(c string, day dental.Date) string { return "HELD#" + esc(c) + "#" + day.String() }

func backlogPK(c, scenario string) string { return "LATER#" + join(c, scenario) }

func touchHeldIndex(t dental.Touch) table.Key {
	rest := highestFirst(t.Value) + "#" + join(t.Patient, t.Step, t.Anchor)
	if t.Backlog {
		return table.Key{PK: backlogPK(t.Clinic, t.Scenario), SK: rest}
	}
	return table.Key{PK: heldPK(t.Clinic, t.HeldOn), SK: esc(t.Scenario) + "#" + rest}
}

// mostValue is above any value at stake: subtracting from it turns the order round.
const mostValue = 1_000_000_000_000_000

func highestFirst(value dental.Money) string {
	return fmt.Sprintf("%015d", mostValue-1-min(max(value.Minor, 0), mostValue-1))
}

func tasksPK(c string) string { return "TASK#" + esc(c) }

func taskIndex(t dental.Task) table.Key {
	return table.Key{PK: tasksPK(t.Clinic),
		SK: fmt.Sprintf("%s#%d#%s#%s", t.ShowDay, t.Kind.Band(), highestFirst(t.Value), join(t.Patient, string(t.Kind), t.Anchor))}
}

// ofJob tells a job's item by its key.
func ofJob(k table.Key) bool { return strings.HasPrefix(k.PK, "J#") }

func contactKey(hmac string) table.Key    { return table.Key{PK: "N#" + hmac, SK: "c"} }
func linkKey(hash string) table.Key       { return table.Key{PK: "L#" + hash, SK: "L"} }
func eventKey(c, id string) table.Key     { return table.Key{PK: "E#" + join(c, id), SK: "E"} }
func providerKey(ch, id string) table.Key { return table.Key{PK: "R#" + join(ch, id), SK: "R"} }
func jobKey(c, id string) table.Key       { return table.Key{PK: "J#" + join(c, id), SK: "J"} }
func originKey(c, system, kind, id string) table.Key {
	return table.Key{PK: "S#" + join(c, system, kind, id), SK: "S"}
}
func importKey(c, id string) table.Key { return table.Key{PK: clinicKey(c).PK, SK: "IMP#" + esc(id)} }
func twinKey(c, a, b string) table.Key {
	return table.Key{PK: clinicKey(c).PK, SK: "TWIN#" + join(a, b)}
}
func pulledKey(c, system string) table.Key {
	return table.Key{PK: clinicKey(c).PK, SK: "PULL#" + esc(system)}
}

// jobDueIndex puts jobs behind the touches of their instant, and those that add
// figures up, which an import leaves by the thousand, behind all.
func jobDueIndex(j Job) table.Key {
	prio := "9"
	if j.Adds() {
		prio = "Y" // sorts after every digit
	}
	return table.Key{PK: duePK(dueShard(j.Clinic, j.ID)), SK: fmt.Sprintf("%s#%s#J#%s", instant(j.Wake), prio, join(j.Clinic, j.ID))}
}

func logoKey(c string) table.Key { return table.Key{PK: clinicKey(c).PK, SK: "LOGO"} }
func portraitKey(c, doctor string) table.Key {
	return table.Key{PK: clinicKey(c).PK, SK: "IMG#" + esc(doctor)}
}

func endingKey(c, p string) table.Key  { return table.Key{PK: patientPK(c, p), SK: "E"} }
func endingPK(c, digits string) string { return "END#" + join(c, digits) }

func appointmentsPK(c string, day dental.Date) string { return "APP#" + esc(c) + "#" + day.String() }

// appointmentIndex is where a day's appointments are looked up; day is the clinic's date of the start.
func appointmentIndex(a dental.Appointment) table.Key {
	return table.Key{PK: appointmentsPK(a.Clinic, a.On), SK: instant(a.Start) + "#" + join(a.Patient, a.ID)}
}

func tallyPK(c string, day dental.Date) string { return "Y#" + esc(c) + "#" + day.String() }
func tallyKey(t Tally) table.Key               { return table.Key{PK: tallyPK(t.Clinic, t.Day), SK: esc(t.Patient)} }
func talliedKey(c, p string) table.Key         { return table.Key{PK: patientPK(c, p), SK: "Y"} }

// totalKey is that of a day's total, "2026-05-22", of a month's, "2026-05", of a
// year's, "2026", or of the baseline.
func totalKey(c, period string) table.Key {
	kind := "D#"
	switch {
	case period == Baseline:
		return table.Key{PK: clinicKey(c).PK, SK: "BASE"}
	case len(period) == len("2026-05"):
		kind = "MO#"
	case len(period) == len("2026"):
		kind = "YR#"
	}
	return table.Key{PK: clinicKey(c).PK, SK: kind + period}
}

func staffPK(hmac string) string        { return "U#" + hmac }
func staffKey(c, hmac string) table.Key { return table.Key{PK: staffPK(hmac), SK: esc(c)} }
func staffIndexPK(c string) string      { return "STAFF#" + esc(c) }
func staffIndex(s dental.Staff) table.Key {
	return table.Key{PK: staffIndexPK(s.Clinic), SK: string(s.Role) + "#" + s.Key}
}
func logPK(c, month string) string { return "LOG#" + esc(c) + "#" + month }
func resultKey(c, job string, n int) table.Key {
	return table.Key{PK: jobKey(c, job).PK, SK: fmt.Sprintf("R#%06d", n)}
}

func logKey(e dental.LogEntry) table.Key {
	return table.Key{PK: logPK(e.Clinic, e.At.UTC().Format("2006-01")), SK: instant(e.At) + "#" + esc(e.ID)}
}

func actsPK(c, p string) string { return "ACT#" + join(c, p) }

// logIndex is where what was done about a patient is looked up.
func logIndex(e dental.LogEntry) table.Key {
	return table.Key{PK: actsPK(e.Clinic, e.Patient), SK: logKey(e).SK}
}

func costKey(c dental.Cost) table.Key {
	return table.Key{PK: clinicKey(c.Clinic).PK, SK: "COST#" + c.From.String() + "#" + esc(c.ID)}
}

func ratingKey(r dental.MapRating) table.Key {
	return table.Key{PK: clinicKey(r.Clinic).PK, SK: "RATE#" + esc(r.Map) + "#" + r.On.String()}
}

func noticeKey(n Notice) table.Key {
	return table.Key{PK: clinicKey(n.Clinic).PK, SK: "NOTE#" + join(n.Kind, n.Anchor)}
}

func reviewKey(r dental.Review) table.Key {
	return table.Key{PK: clinicKey(r.Clinic).PK, SK: fmt.Sprintf("REV#%03d", r.Days)}
}

func firstStepsKey(c string) table.Key { return table.Key{PK: clinicKey(c).PK, SK: "START"} }

// These bound the items of one kind in a partition.
func noticesOf(c, kind string) (pk, from, to string) {
	return kindOf(clinicKey(c).PK, "NOTE#"+esc(kind)+"#")
}
func reviewsOf(c string) (pk, from, to string) { return kindOf(clinicKey(c).PK, "REV#") }
func costsOf(c string) (pk, from, to string)   { return kindOf(clinicKey(c).PK, "COST#") }
func ratingsOf(c string) (pk, from, to string) { return kindOf(clinicKey(c).PK, "RATE#") }
func resultsOf(c, job string) (pk, from, to string) {
	return kindOf(jobKey(c, job).PK, "R#")
}
func importsOf(c string) (pk, from, to string)  { return kindOf(clinicKey(c).PK, "IMP#") }
func twinsOf(c string) (pk, from, to string)    { return kindOf(clinicKey(c).PK, "TWIN#") }
func totalYears(c string) (pk, from, to string) { return kindOf(clinicKey(c).PK, "YR#") }
func closedTasksOn(c string, day dental.Date) (pk, from, to string) {
	return kindOf(ledgerIndex(c, day, "K", "", "").PK, "K#")
}

func kindOf(pk, prefix string) (string, string, string) {
	from, to := table.Prefix(prefix)
	return pk, from, to
}

// ofPatient takes the key of an item of a patient's partition apart.
func ofPatient(k table.Key) (clinic, patient, kind string, is bool) {
	rest, is := strings.CutPrefix(k.PK, "P#")
	if !is {
		return "", "", "", false
	}
	clinic, patient, _ = strings.Cut(rest, "#")
	kind, _, _ = strings.Cut(k.SK, "#")
	return unesc(clinic), unesc(patient), kind, true
}

// ofClinic takes the key of a clinic's own item apart.
func ofClinic(k table.Key) (clinic string, is bool) {
	rest, is := strings.CutPrefix(k.PK, "C#")
	return unesc(rest), is && k.SK == "C"
}

// ofReturnPoint tells the milestone by which a patient is to come back.
func ofReturnPoint(k table.Key) bool { return k.SK == "M#"+esc(string(dental.ReturnPoint)) }

// unesc turns esc round.
func unesc(s string) string {
	var out strings.Builder
	for i := 0; i < len(s); i++ {
		b := s[i]
		if b == '%' && i+2 < len(s) {
			if n, err := strconv.ParseUint(s[i+1:i+3], 16, 8); err == nil {
				b, i = byte(n), i+2
			}
		}
		out.WriteByte(b)
	}
	return out.String()
}
