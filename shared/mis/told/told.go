// Package told is what the adapters of systems of record have in common: the
// values that vendors spell in a dozen ways, read in one.
package told

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"strings"

	"github.com/returnpoint/returnpoint/shared/dental"
)

// ID makes an id of the product of a vendor's: prefix says of which of its
// kinds of object, "" for the one whose ids are used bare. What no id of ours
// may hold is replaced by a hash, so that different ids stay different.
func ID(prefix, id string) string {
	if prefix != "" {
		prefix += "."
	}
	if whole := prefix + id; dental.ValidID(whole) && !strings.HasPrefix(id, hashed) {
		return whole
	}
	sum := sha256.Sum256([]byte(id))
	return prefix + hashed + base64.RawURLEncoding.EncodeToString(sum[:15])
}

const hashed = "h:"

// Patient makes the id of a patient of a system of record. Each system has a
// space of its own: a client 5 of one and a patient 5 of another, or of a file,
// are two people, and never one card. Without a system the id stands as the
// clinic says it, in its tables and its own program's events alike.
func Patient(system, id string) string { return ID(space(system), id) }

// Chart makes the id of a patient of whom only the number of their chart is
// known, in a program's file: programs count charts and patients apart, so that
// it is no id of theirs.
func Chart(system, number string) string {
	if system == "" {
		return ID("card", number)
	}
	return ID(space(system)+"-card", number)
}

// space is before the ids of a system's patients.
func space(system string) string {
	switch system {
	case "":
		return ""
	case dental.YClients:
		return "yc"
	case dental.SQNS:
		return "sq"
	case dental.Renovatio:
		return "rn"
	case dental.FHIR:
		return "fh"
	case dental.OpenDental:
		return "od"
	case dental.Bitrix24:
		return "b24"
	}
	return system
}

// Body is the hash of a value as JSON, for intake.Object.Body: of whatever the
// facts are made of, and of nothing that changes without them.
func Body(of any) string {
	raw, err := json.Marshal(of)
	if err != nil {
		panic("told: a value without a JSON form: " + err.Error()) // the caller's own struct
	}
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:16])
}
