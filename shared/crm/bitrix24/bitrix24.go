// Package bitrix24 tells staff's tasks to a clinic's own Bitrix24 and closes
// them there when they are closed here.
//
// A task becomes a to-do on the card of the contact who has the patient's phone
// (crm.activity.todo.add), and a task of its own when no contact has it
// (tasks.task.add). The portal is called over its REST API by an incoming
// webhook, with one request a call and nothing repeated but what the portal
// turned away unread:
//
//	https://apidocs.bitrix24.com/local-integrations/local-webhooks.html
//	https://apidocs.bitrix24.com/settings/how-to-call-rest-api/general-principles.html
//
// # At most one
//
// The methods that create take no token by which the portal would know a
// repeat, so the task's title ends with a mark made of the task's id and the
// time it was opened, "rp-0123456789abcdef-t5y3k0". It is always looked for
// before anything is created, over all cards, because a contact can be merged,
// lose the phone or appear between two tries. Whatever answer is lost, the next
// Tell finds what the lost one did. Two races remain:
//
//   - two Tells of one task at the same time both find nothing and both create;
//     whoever calls has to see that it tells a task in one place at a time;
//   - a request that was given up here (wire's time-out) can still be at work
//     there; a Tell that looks before it is through finds nothing. A pause of a
//     minute after an error of the kind Unavailable leaves it no room.
//
// Should one of them strike, the second item does not stay: the next Tell that
// has something to do for the task closes every item of it but one, and the
// Tell of its closing closes them all.
//
// The mark does not begin with the "#" that would suit it: the portal makes a
// tag of each such word in a task's title.
//
// # What the webhook must be allowed
//
// The scopes "crm" and "task", and a user who may read contacts, change their
// cards and see the tasks it sets: lists show what the webhook's user may see,
// so that a mark set by another user's webhook may stay unseen.
package bitrix24

import (
	"context"
	"fmt"

	"github.com/returnpoint/returnpoint/shared/channel/wire"
	"github.com/returnpoint/returnpoint/shared/dental"
)

// CRM is the way to all clinics' portals. It is safe for concurrent use.
type CRM struct {
	calls *wire.Client
	pace  *wire.Pace
	hosts []string
}

// New makes it. hosts are the hosts, with their port if they have one, that may
// be called beside the portals of Bitrix24's cloud: a portal on a domain of its
// own, a test server. They are the deployment's choice and never a clinic's.
func New(calls *wire.Client, pace *wire.Pace, hosts ...string) *CRM {
	return &CRM{calls: calls, pace: pace, hosts: hosts}
}

// Tell makes the portal say of the task what the task says, and returns the
// task's reference there. ref is what the last Tell of the task returned, ""
// before; title is the line that staff will read; the phone of who finds the
// card, and the name chooses among several that have it.
//
// An open task is created unless it is there already; one that was told before
// is left as it is, whatever staff have made of it there. A closed task is
// closed there; one that was never told is not created, and its reference stays
// "". A task opened again after it was closed is another task there, and what
// is left of the earlier one is closed.
//
// An error is of the kind dental.Unavailable when another try later can help,
// and dental.Invalid when somebody has to mend the settings or the portal
// first; the message says what. No text of an error has the webhook's code, the
// patient's name or phone in it.
func (c *CRM) Tell(ctx context.Context, account dental.Account, t dental.Task, who dental.Patient, title, ref string) (newRef string, err error) {
	newRef, err = c.tell(ctx, account, t, who, title, ref)
	if err != nil {
		return "", fmt.Errorf("bitrix24: tell task %s: %w", t.ID(), err)
	}
	return newRef, nil
}

func (c *CRM) tell(ctx context.Context, account dental.Account, t dental.Task, who dental.Patient, title, ref string) (string, error) {
	at, err := open(account, c.hosts)
	if err != nil {
		return "", err
	}
	want := markOf(t)
	told, known := parseRef(ref, at.Host)
	if known && t.Open() && told.mark == want {
		return ref, nil
	}
	p := &caller{calls: c.calls, pace: c.pace, portal: at, hidden: personal(who, t, title)}
	found, err := p.find(ctx, want)
	if err != nil {
		return "", err
	}
	if known && !contains(found, told) {
		// Its title was edited there, and the mark with it.
		renamed, err := p.look(ctx, told)
		if err != nil {
			return "", err
		}
		found = append(found, renamed...)
	}

	var current *item
	for i, it := range found {
		if it.mark == want && current == nil {
			current = &found[i]
			if t.Open() {
				continue
			}
		}
		if it.done {
			continue
		}
		if err := p.close(ctx, it); err != nil {
			return "", err
		}
	}
	switch {
	case current != nil:
		return current.ref(at.Host), nil
	case known && told.mark == want:
		return ref, nil // deleted there
	case !t.Open():
		return "", nil
	}
	made, err := p.create(ctx, want, t, who, title)
	if err != nil {
		return "", err
	}
	return made.ref(at.Host), nil
}
