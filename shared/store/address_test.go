package store_test

import (
	"maps"
	"math"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/store"
	"github.com/returnpoint/returnpoint/shared/table/tabletest"
)

func storeWith(t *testing.T, k store.Keys) *store.Store {
	t.Helper()
	s, err := store.New(tabletest.NewReference(time.Now, rand.NewChaCha8([32]byte{})), k, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestAContactIsSharedInsideAGroupAndByNobodyElse(t *testing.T) {
	s := storeWith(t, keys("k"))
	alone, a, b, other := &dental.Clinic{ID: "x"}, &dental.Clinic{ID: "a", Group: "g"}, &dental.Clinic{ID: "b", Group: "g"}, &dental.Clinic{ID: "a", Group: "h"}
	const phone = "+79160000001"
	if s.ContactKey(a, phone) != s.ContactKey(b, phone) {
		t.Error("two clinics of a group know a phone by two keys")
	}
	seen := map[string]bool{}
	for _, cl := range []*dental.Clinic{alone, a, other, {ID: "g"}, {ID: "group:g"}, {Group: "x"}} {
		seen[s.ContactKey(cl, phone)] = true
	}
	if len(seen) != 6 {
		t.Errorf("six owners know a phone by %d keys", len(seen))
	}
	if s.ContactKey(alone, "Anna@Example.com") != s.ContactKey(alone, "anna@example.com") {
		t.Error("the same e-mail in capitals is another contact")
	}
	if s.ContactKey(alone, phone) == s.ContactKey(alone, "+79160000002") {
		t.Error("two phones are one contact")
	}
	if key := s.ContactKey(alone, phone); len(key) != 43 || strings.Contains(key, "9160") {
		t.Errorf("the key is %q", key)
	}
	otherLink, otherContact := keys("k"), keys("k")
	otherLink.Link, otherContact.Contact = keys("z").Link, keys("z").Contact
	if storeWith(t, otherContact).ContactKey(alone, phone) == s.ContactKey(alone, phone) || storeWith(t, otherLink).ContactKey(alone, phone) != s.ContactKey(alone, phone) {
		t.Error("the key does not come of the contact key alone")
	}
}

func TestContactsAreReadByTheirAddresses(t *testing.T) {
	everywhere(t, func(h house) {
		cl := &dental.Clinic{ID: "c"}
		const phone, email = "+79160000001", "anna@example.com"
		tx := h.Begin()
		got, err := tx.Contacts(h.Context(), cl, phone, "", email, phone)
		if err != nil || !slices.Equal(slices.Sorted(maps.Keys(got)), []string{phone, email}) {
			h.Fatalf("read are %v (%v)", got, err)
		}
		for address, c := range got {
			if c.Key != h.ContactKey(cl, address) || len(c.Members) != 0 {
				h.Errorf("one never seen is %+v", c)
			}
		}
		got[phone].Join(dental.Member{Clinic: "c", Patient: "p"})
		tx.Put(*got[phone])
		if err := tx.Commit(h.Context()); err != nil {
			h.Fatal(err)
		}
		again, err := h.Begin().Contacts(h.Context(), cl, email, phone)
		if err != nil || len(again[phone].Members) != 1 || len(again[email].Members) != 0 {
			h.Errorf("after one has joined: %+v (%v)", again[phone], err)
		}
		byKey, err := h.Begin().ContactByKey(h.Context(), h.ContactKey(cl, phone))
		if err != nil || len(byKey.Members) != 1 {
			h.Errorf("by its key: %+v (%v)", byKey, err)
		}
		if stranger, err := h.Begin().ContactByKey(h.Context(), "stranger"); err != nil || stranger.Key != "stranger" || len(stranger.Members) != 0 {
			h.Errorf("one never seen by its key: %+v (%v)", stranger, err)
		}
		if none, err := h.Begin().Contacts(h.Context(), cl, "", ""); err != nil || len(none) != 0 {
			h.Errorf("of no address: %v (%v)", none, err)
		}
	})
}

var tokenForm = regexp.MustCompile(`^[0-9A-Za-z]{16}$`)

func TestALinksTokenIsItsOwnAndAlwaysTheSame(t *testing.T) {
	s := storeWith(t, keys("k"))
	l := dental.Link{Purpose: dental.SurveyLink, Clinic: "c", Patient: "p", Subject: "2026-05-22"}
	token := s.Token(l)
	if !tokenForm.MatchString(token) {
		t.Errorf("the token is %q", token)
	}
	later := l
	later.Expires, later.Touch, later.Hash, later.Also = noon, "t", "h", []string{"x"}
	if s.Token(later) != token {
		t.Error("what a link carries changes its token")
	}
	seen := map[string]string{token: "itself"}
	for name, change := range map[string]func(*dental.Link){
		"another purpose":                    func(l *dental.Link) { l.Purpose = dental.AppointmentLink },
		"another clinic":                     func(l *dental.Link) { l.Clinic = "d" },
		"another patient":                    func(l *dental.Link) { l.Patient = "q" },
		"another subject":                    func(l *dental.Link) { l.Subject = "2026-05-23" },
		"the same letters divided otherwise": func(l *dental.Link) { l.Clinic, l.Patient = "cp", "" },
	} {
		other := l
		change(&other)
		if was, taken := seen[s.Token(other)]; taken {
			t.Errorf("%s has the token of %s", name, was)
		}
		seen[s.Token(other)] = name
	}
	otherLink, otherContact := keys("k"), keys("k")
	otherLink.Link, otherContact.Contact = keys("z").Link, keys("z").Contact
	if storeWith(t, otherLink).Token(l) == token || storeWith(t, otherContact).Token(l) != token {
		t.Error("the token does not come of the link key alone")
	}
	if hash := store.TokenHash(token); strings.Contains(hash, token) || len(hash) != 64 {
		t.Errorf("the hash is %q", hash)
	}
}

func TestTokensUseAllLettersAlikeInEveryPlace(t *testing.T) {
	s := storeWith(t, keys("k"))
	const tokens = 4000
	counts := [16]map[rune]int{}
	for i := range counts {
		counts[i] = map[rune]int{}
	}
	for i := range tokens {
		for place, r := range s.Token(dental.Link{Purpose: dental.SurveyLink, Clinic: "c", Patient: "p", Subject: time.Unix(int64(i), 0).String()}) {
			counts[place][r]++
		}
	}
	for place, letters := range counts {
		chi, want := 0.0, tokens/62.0
		for _, n := range letters {
			chi += (float64(n) - want) * (float64(n) - want) / want
		}
		chi += float64(62-len(letters)) * want
		// 61 degrees of freedom: mean 61, standard deviation 11; the tokens are always the same.
		if limit := 61 + 4*math.Sqrt(2*61); chi > limit {
			t.Errorf("in place %d the letters are uneven: χ² = %.0f, above %.0f", place+1, chi, limit)
		}
	}
}

func TestALinkOpensForWhoHasItsTokenUntilItExpires(t *testing.T) {
	everywhere(t, func(h house) {
		l := dental.Link{Purpose: dental.SurveyLink, Clinic: "c", Patient: "p", Subject: "2026-05-22", Also: []string{"q/A@1"}, Touch: "t", Expires: noon.Add(time.Hour)}
		token := h.Token(l)
		l.Hash = store.TokenHash(token)
		forever := dental.Link{Purpose: dental.ReferralLink, Clinic: "c", Patient: "p"}
		forever.Hash = store.TokenHash(h.Token(forever))
		h.do(func(tx *store.Tx) { tx.Put(l); tx.Put(forever) })

		got, err := h.Begin().Link(h.Context(), dental.SurveyLink, token, noon.Add(time.Hour-time.Second))
		if err != nil || got.Patient != "p" || got.Subject != l.Subject || !got.Expires.Equal(l.Expires) || len(got.Also) != 1 || got.Hash != l.Hash {
			h.Errorf("it opens %+v (%v)", got, err)
		}
		same := ""
		for name, open := range map[string]func() error{
			"a token nobody has": func() error {
				_, err := h.Begin().Link(h.Context(), dental.SurveyLink, strings.Repeat("a", 16), noon)
				return err
			},
			"another purpose": func() error {
				_, err := h.Begin().Link(h.Context(), dental.AppointmentLink, token, noon)
				return err
			},
			"one that has expired for the caller": func() error {
				_, err := h.Begin().Link(h.Context(), dental.SurveyLink, token, noon.Add(time.Hour))
				return err
			},
			"an empty token": func() error { _, err := h.Begin().Link(h.Context(), dental.SurveyLink, "", noon); return err },
			"a short token":  func() error { _, err := h.Begin().Link(h.Context(), dental.SurveyLink, token[:15], noon); return err },
			"a long token":   func() error { _, err := h.Begin().Link(h.Context(), dental.SurveyLink, token+"a", noon); return err },
			"a token with a dot": func() error {
				_, err := h.Begin().Link(h.Context(), dental.SurveyLink, token[:15]+".", noon)
				return err
			},
			"a token with a nul": func() error {
				_, err := h.Begin().Link(h.Context(), dental.SurveyLink, token[:15]+"\x00", noon)
				return err
			},
			"the hash for a token": func() error { _, err := h.Begin().Link(h.Context(), dental.SurveyLink, l.Hash[:16], noon); return err },
		} {
			err := open()
			if dental.KindOf(err) != dental.NotFound {
				h.Errorf("%s: %v", name, err)
				continue
			}
			if same == "" {
				same = err.Error()
			}
			if err.Error() != same {
				h.Errorf("%s is told apart: %q, not %q", name, err, same)
			}
		}
		h.clock.Advance(time.Hour)
		if _, err := h.Begin().Link(h.Context(), dental.SurveyLink, token, noon); dental.KindOf(err) != dental.NotFound {
			h.Errorf("one that has expired for the engine: %v", err)
		}
		if l, err := h.Begin().LinkByHash(h.Context(), l.Hash); err != nil || l.Hash != "" {
			h.Errorf("by its hash it is %+v (%v)", l, err)
		}
		if _, err := h.Begin().Link(h.Context(), dental.ReferralLink, h.Token(forever), noon.AddDate(50, 0, 0)); err != nil {
			h.Errorf("one without an end, in fifty years: %v", err)
		}
		h.do(func(tx *store.Tx) {
			l.Expires = noon.Add(72 * time.Hour)
			tx.Put(l)
		})
		if got, err := h.Begin().Link(h.Context(), dental.SurveyLink, token, noon.Add(71*time.Hour)); err != nil || !got.Expires.Equal(l.Expires) {
			h.Errorf("granted again, it opens %+v (%v)", got, err)
		}
	})
}
