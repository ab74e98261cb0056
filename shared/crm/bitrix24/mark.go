package bitrix24

import (
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"strconv"
	"strings"

	"github.com/returnpoint/returnpoint/shared/dental"
)

// mark is what a task is known by in its title there. Its letters are lower
// case and have no wildcard of LIKE among them, because the portal's search
// folds case and takes "_" for any letter.
type mark struct {
	// task is the same for all that was ever told of one task: 16 hex digits.
	task string
	// opening differs each time the task is opened anew: Unix seconds, base 36.
	opening string
}

func (m mark) String() string { return m.prefix() + m.opening }

func (m mark) prefix() string { return "rp-" + m.task + "-" }

func markOf(t dental.Task) mark {
	sum := sha256.Sum256([]byte(t.ID()))
	return mark{task: hex.EncodeToString(sum[:8]), opening: strconv.FormatInt(max(0, t.OpenedAt.Unix()), 36)}
}

var marked = regexp.MustCompile(`\brp-([0-9a-f]{16})-([0-9a-z]{1,13})\b`)

// markIn finds the mark of a task in a title.
func markIn(title, task string) (mark, bool) {
	for _, m := range marked.FindAllStringSubmatch(title, -1) {
		if m[1] == task {
			return mark{m[1], m[2]}, true
		}
	}
	return mark{}, false
}

// kind is one of the two things that a task becomes.
type kind string

const (
	todo kind = "todo" // a to-do on a contact's card
	task kind = "task" // a task of its own
)

// item is one of them on a portal.
type item struct {
	kind kind
	id   number
	mark mark
	done bool
}

// ref is what a CRM's caller keeps: "clinic.bitrix24.ru/todo/999/rp-…". The
// portal is in it because a number means nothing on another one, the mark
// because a task that is opened again is another item.
func (i item) ref(host string) string {
	return strings.Join([]string{host, string(i.kind), strconv.FormatInt(int64(i.id), 10), i.mark.String()}, "/")
}

// parseRef reads a reference to an item on the portal. Of another portal's, and
// of anything else, nothing is known.
func parseRef(ref, host string) (item, bool) {
	parts := strings.Split(ref, "/")
	if len(parts) != 4 || parts[0] != host || parts[1] != string(todo) && parts[1] != string(task) {
		return item{}, false
	}
	id, err := strconv.ParseInt(parts[2], 10, 64)
	m := marked.FindStringSubmatch(parts[3])
	if err != nil || id <= 0 || m == nil || m[0] != parts[3] {
		return item{}, false
	}
	return item{kind: kind(parts[1]), id: number(id), mark: mark{m[1], m[2]}}, true
}
