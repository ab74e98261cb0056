package table

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// The attribute names an engine keeps for itself: the key, the version, the
// write id, the expiry and the keys of the two indexes.
const (
	AttrPK      = "pk"
	AttrSK      = "sk"
	AttrVersion = "v"
	AttrWriteID = "w"
	AttrExpires = "expires"
	AttrIndex1P = "g1p"
	AttrIndex1S = "g1s"
	AttrIndex2P = "g2p"
	AttrIndex2S = "g2s"
)

// ReservedAttr reports whether an engine keeps this attribute name for itself.
// Only the top level of an item is bound by it.
func ReservedAttr(name string) bool {
	switch name {
	case AttrPK, AttrSK, AttrVersion, AttrWriteID, AttrExpires,
		AttrIndex1P, AttrIndex1S, AttrIndex2P, AttrIndex2S:
		return true
	}
	return false
}

const (
	// maxVersion bounds what a Version precondition may name: numbers that
	// every JSON reader holds exactly.
	maxVersion = 1<<53 - 1
	// above is the greatest code point. No key holds it, so a key's text
	// followed by it is an upper bound of everything that begins with the text.
	above = "\U0010FFFF"
)

// lastExpiry is the latest Expires an item may have, so that its year has four digits.
var lastExpiry = time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)

// Validate tells whether every engine may accept the operations of one Write.
// The error is an ErrInvalid that names the operation, counted from 1, and what
// is wrong with it. Engines call it before anything else.
func Validate(ops []Op) error {
	if len(ops) > MaxWrite {
		return fmt.Errorf("%w: %d operations in one write, at most %d are possible", ErrInvalid, len(ops), MaxWrite)
	}
	seen := make(map[Key]int, len(ops))
	written := 0
	for i, op := range ops {
		size, err := validateOp(op)
		if err != nil {
			return fmt.Errorf("%w: operation %d: %s", ErrInvalid, i+1, err)
		}
		if first, twice := seen[op.Item.Key]; twice {
			return fmt.Errorf("%w: operations %d and %d are on the same key", ErrInvalid, first+1, i+1)
		}
		seen[op.Item.Key] = i
		written += size
	}
	if written > MaxWritten {
		return fmt.Errorf("%w: the items of one write take %d bytes, at most %d are possible", ErrInvalid, written, MaxWritten)
	}
	return nil
}

// ValidateKeys is Validate for the keys of one Get.
func ValidateKeys(keys []Key) error {
	if len(keys) > MaxGet {
		return fmt.Errorf("%w: %d keys in one get, at most %d are possible", ErrInvalid, len(keys), MaxGet)
	}
	for i, key := range keys {
		if err := validateKey(key); err != nil {
			return fmt.Errorf("%w: key %d: %s", ErrInvalid, i+1, err)
		}
	}
	return nil
}

// Validate tells whether every engine may accept the query, its cursor aside:
// Start checks that.
func (q Query) Validate() error {
	if q.Index < Main || q.Index > GSI2 {
		return fmt.Errorf("%w: there is no index %d", ErrInvalid, q.Index)
	}
	if err := validatePart(q.PK); err != nil {
		return fmt.Errorf("%w: the partition key of the query %s", ErrInvalid, err)
	}
	for _, bound := range []struct{ name, value string }{{"From", q.From}, {"To", q.To}} {
		// A bound is compared, not stored, so it may hold U+10FFFF.
		if len(bound.value) > MaxKeyBytes || !utf8.ValidString(bound.value) {
			return fmt.Errorf("%w: the bound %s of the query is not UTF-8 of at most %d bytes", ErrInvalid, bound.name, MaxKeyBytes)
		}
	}
	if q.Limit < 0 || q.Limit > MaxLimit {
		return fmt.Errorf("%w: a page of %d items, 1 to %d are possible", ErrInvalid, q.Limit, MaxLimit)
	}
	return nil
}

// PageSize is the Limit with its default filled in.
func (q Query) PageSize() int {
	if q.Limit == 0 {
		return 100
	}
	return q.Limit
}

// EmptyRange reports whether no sort key can lie between From and To.
func (q Query) EmptyRange() bool { return q.To != "" && q.From > q.To }

// Prefix makes the From and To that take in exactly the keys that begin with
// p. An empty prefix is the whole partition.
func Prefix(p string) (from, to string) {
	if p == "" {
		return "", ""
	}
	// The greatest character that still fits into a key behind p: a bound
	// longer than any key may be is refused by DynamoDB.
	for _, last := range []string{above, "\uFFFF", "\u07FF", "\u007F"} {
		if len(p)+len(last) <= MaxKeyBytes {
			return p, p + last
		}
	}
	return p, p
}

// validateOp returns the size of the item that the operation stores.
func validateOp(op Op) (size int, err error) {
	if err := validateKey(op.Item.Key); err != nil {
		return 0, err
	}
	if v, is := op.Cond.IsVersion(); is && (v < 1 || v > maxVersion) {
		return 0, fmt.Errorf("%d is not a version that an item can have", v)
	}
	switch op.Kind {
	case OpDelete:
		return 0, nil
	case OpCheck:
		if op.Cond.IsNone() {
			return 0, fmt.Errorf("a check without a condition checks nothing")
		}
		return 0, nil
	case OpPut:
		return validateItem(op.Item)
	}
	return 0, fmt.Errorf("there is no operation of kind %d", op.Kind)
}

func validateItem(item Item) (size int, err error) {
	for n, key := range []Key{item.Index1, item.Index2} {
		if key == (Key{}) {
			continue
		}
		if err := validateKey(key); err != nil {
			return 0, fmt.Errorf("index %d: %w", n+1, err)
		}
	}
	if !item.Expires.IsZero() && (item.Expires.Unix() < 1 || item.Expires.After(lastExpiry)) {
		return 0, fmt.Errorf("the expiry lies outside the years 1970 to 9999")
	}
	for name, value := range item.Attr {
		if ReservedAttr(name) {
			return 0, fmt.Errorf("the attribute name %q is the engine's own", name)
		}
		if err := validateValue(name, value, 0); err != nil {
			return 0, err
		}
	}
	if size = Size(item); size > MaxItem {
		return 0, fmt.Errorf("the item takes %d bytes, at most %d are possible", size, MaxItem)
	}
	return size, nil
}

func validateKey(key Key) error {
	if err := validatePart(key.PK); err != nil {
		return fmt.Errorf("the partition key %w", err)
	}
	if err := validatePart(key.SK); err != nil {
		return fmt.Errorf("the sort key %w", err)
	}
	return nil
}

func validatePart(part string) error {
	switch {
	case part == "":
		return fmt.Errorf("is empty")
	case len(part) > MaxKeyBytes:
		return fmt.Errorf("takes %d bytes, at most %d are possible", len(part), MaxKeyBytes)
	case !utf8.ValidString(part):
		return fmt.Errorf("is not UTF-8")
	case strings.Contains(part, above):
		return fmt.Errorf("holds U+10FFFF, which is kept for bounds")
	}
	return nil
}

// validateValue checks one attribute called name, inside depth lists and maps.
func validateValue(name string, value any, depth int) error {
	switch {
	case name == "":
		return fmt.Errorf("an attribute name is empty")
	case len(name) > MaxName:
		return fmt.Errorf("an attribute name takes %d bytes, at most %d are possible", len(name), MaxName)
	case !utf8.ValidString(name):
		return fmt.Errorf("the attribute name %q is not UTF-8", name)
	}
	switch v := value.(type) {
	case string:
		if !utf8.ValidString(v) {
			return fmt.Errorf("the text of attribute %q is not UTF-8; bytes are stored as []byte", name)
		}
	case int64, bool, []byte:
	case []any:
		if depth == MaxDepth {
			return tooDeep(name)
		}
		for _, element := range v {
			if err := validateValue(name, element, depth+1); err != nil {
				return err
			}
		}
	case map[string]any:
		if depth == MaxDepth {
			return tooDeep(name)
		}
		for inner, element := range v {
			if err := validateValue(inner, element, depth+1); err != nil {
				return err
			}
		}
	default:
		return fmt.Errorf("attribute %q is a %T; a value is a string, int64, bool, []byte, []any or map[string]any", name, value)
	}
	return nil
}

func tooDeep(name string) error {
	return fmt.Errorf("attribute %q lies more than %d lists and maps deep", name, MaxDepth)
}
