package dynamo

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/returnpoint/returnpoint/shared/table"
)

// The conditions of the port in DynamoDB's words. An expired item is absent
// although the service may keep it for days.
const (
	notExpired  = "attribute_not_exists(#expires) OR #expires > :now"
	ifAbsent    = "attribute_not_exists(#pk) OR #expires <= :now"
	ifAtVersion = "#v = :version AND (" + notExpired + ")"
)

// Write implements table.Table. One put or delete is one conditional call,
// everything else a transaction.
//
// What an attempt says is believed as long as every earlier attempt was
// answered. After a lost answer (a broken connection, a time-out, a 5xx) the
// earlier attempt may have been done, and may yet be while its request is on the
// way. Then:
//
//   - The write is sent again only if it cannot be done twice: something in it
//     is put or deleted under Version, which its own effect makes false for good,
//     or put under Absent, which stays false unless somebody deletes the item at
//     that very moment. A write that only checks has no effect and is always
//     sent again. The write id is the transaction's request token, so DynamoDB
//     itself does a repeated transaction once; nothing here rests on that.
//   - A failed condition, the end of the attempts, and a write that may not be
//     sent again are settled by reading all its items back: see verdict.
func (e *Engine) Write(ctx context.Context, ops ...table.Op) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("dynamo: write: %w", err)
	}
	if err := table.Validate(ops); err != nil {
		return fmt.Errorf("dynamo: write: %w", err)
	}
	if len(ops) == 0 {
		return nil
	}
	id, err := e.ids.Next()
	if err != nil {
		return fmt.Errorf("dynamo: write: %w", err)
	}
	if err := e.write(ctx, &write{ops: ops, id: id, now: e.now()}); err != nil {
		return fmt.Errorf("dynamo: write: %w", err)
	}
	return nil
}

// write is one Write under way. Its clock stands, so that every attempt is the
// same request.
type write struct {
	ops []table.Op
	id  table.WriteID
	now time.Time
}

func (e *Engine) write(ctx context.Context, w *write) error {
	send := e.sender(w)
	inDoubt := false // an answer was lost whose attempt could have changed something
	for attempt := 1; ; attempt++ {
		err := attemptOnce(ctx, send)
		result := outcomeOf(err)
		if result == lost && w.changes() {
			inDoubt = true
		}
		switch {
		case result == done:
			return nil
		case result == busy, result == unsent, result == lost && w.repeatable():
			if attempt < attempts && e.pause(ctx, attempt) == nil {
				continue
			}
		}
		if inDoubt {
			return e.settle(ctx, w, err)
		}
		return certain(ctx, result, err)
	}
}

// certain is the error of a write that is known to have done nothing.
func certain(ctx context.Context, result outcome, err error) error {
	switch {
	case result == conflict:
		return fmt.Errorf("%w: %w", table.ErrConflict, err)
	case result == invalid:
		return fmt.Errorf("%w: %w", table.ErrInvalid, err)
	case result == refused:
		return fmt.Errorf("the service refused it: %w", err)
	case ctx.Err() != nil:
		return fmt.Errorf("%w: %w", ctx.Err(), err)
	case result == busy:
		return fmt.Errorf("%w: gave up after %d attempts: %w", table.ErrContention, attempts, err)
	}
	return fmt.Errorf("no answer in %d attempts: %w", attempts, err)
}

// settle finds out what became of a write after an answer was lost.
//
// It reads twice. A Version that has passed never comes back, so what the first
// reading shows to be out of date can no longer be done; what the second then
// shows undone never was. One reading is not enough: its items are not read at
// one instant, and a late request may be done between two of them.
func (e *Engine) settle(ctx context.Context, w *write, cause error) error {
	doubt := func(err error) error { return fmt.Errorf("%w: %w", table.ErrAmbiguous, err) }
	if ctx.Err() != nil {
		return doubt(fmt.Errorf("%w: %w", ctx.Err(), cause))
	}
	keys := make([]table.Key, len(w.ops))
	for i, op := range w.ops {
		keys[i] = op.Item.Key
	}
	var readings [2][]state
	for i := range readings {
		stored, err := e.load(ctx, keys)
		if err != nil {
			return doubt(fmt.Errorf("%w; reading it back: %w", cause, err))
		}
		if readings[i], err = w.states(stored); err != nil {
			return doubt(fmt.Errorf("%w; reading it back: %w", cause, err))
		}
	}
	switch {
	case w.wasDone(readings[1]):
		return nil
	case w.outOfDate(readings[0]) && w.wasNotDone(readings[1]):
		return fmt.Errorf("%w: %w", table.ErrConflict, cause)
	}
	return doubt(cause)
}

// state is what a reading says about one item of the write.
type state struct {
	version int64 // 0 is not stored at all
	live    bool  // stored and not expired
	ours    bool  // bears the id of the write
}

func (w *write) states(stored map[table.Key]attributes) ([]state, error) {
	states := make([]state, len(w.ops))
	for i, op := range w.ops {
		found := stored[op.Item.Key]
		if found == nil {
			continue
		}
		item, err := decodeItem(found)
		if err != nil {
			return nil, err
		}
		id, _ := found[table.AttrWriteID].(*types.AttributeValueMemberS)
		states[i] = state{
			version: item.Version,
			live:    !item.ExpiredAt(w.now),
			ours:    id != nil && id.Value == w.id.String(),
		}
	}
	return states, nil
}

// descendants is how many versions that follow the first one of an item of ours
// are known as such. Anything that others draw by chance lies further off.
const descendants = 1 << 10

// wasDone reports whether the states prove the write: one item with its id does,
// since a write is done whole; so does one that counts on from the first version
// that this write drew. Unconditional deletes alone leave no mark, but when
// nothing is there any more, there is nothing left to do.
func (w *write) wasDone(states []state) bool {
	allGone := true
	for i, op := range w.ops {
		if op.Kind == table.OpPut {
			if states[i].ours {
				return true
			}
			drawn := w.id.Version(table.None)
			if _, is := op.Cond.IsVersion(); !is && states[i].version > drawn && states[i].version <= drawn+descendants {
				return true
			}
		}
		allGone = allGone && op.Kind == table.OpDelete && op.Cond.IsNone() && !states[i].live
	}
	return allGone
}

// wasNotDone reports whether the states, which do not show the write done, prove
// that it was not. One item is enough here too:
//
//   - put or deleted under Version(n), and still at n, or at n+1 by somebody
//     else. At n+2, or gone, somebody may have built on ours;
//   - put under Absent, and there is one of somebody else. It could stand in the
//     place of ours only if ours had been deleted, or replaced unconditionally,
//     within the time of this call.
func (w *write) wasNotDone(states []state) bool {
	for i, op := range w.ops {
		if op.Kind == table.OpCheck {
			continue
		}
		if n, is := op.Cond.IsVersion(); is && (states[i].version == n || states[i].version == n+1) {
			return true
		}
		if op.Kind == table.OpPut && op.Cond.IsAbsent() && states[i].version != 0 {
			return true
		}
	}
	return false
}

// outOfDate reports whether some condition of the write is false and stays so,
// so that a request still on its way will be refused. That an item was to be
// absent may come true again, when somebody deletes it: of an item that is only
// looked at or deleted, which wasNotDone says nothing of, it is no reason.
func (w *write) outOfDate(states []state) bool {
	for i, op := range w.ops {
		version := states[i].version
		if !states[i].live {
			version = 0
		}
		if passing := op.Cond.IsAbsent() && op.Kind != table.OpPut; !passing && !op.Cond.Holds(version) {
			return true
		}
	}
	return false
}

// changes reports whether the write can have an effect that a reader sees.
func (w *write) changes() bool {
	for _, op := range w.ops {
		// A delete under Absent finds nothing to delete but an expired item.
		if op.Kind == table.OpPut || op.Kind == table.OpDelete && !op.Cond.IsAbsent() {
			return true
		}
	}
	return false
}

// repeatable reports whether the write may be sent again after a lost answer.
func (w *write) repeatable() bool {
	for _, op := range w.ops {
		_, version := op.Cond.IsVersion()
		if version && op.Kind != table.OpCheck || op.Kind == table.OpPut && op.Cond.IsAbsent() {
			return true
		}
	}
	return !w.changes()
}

// sender builds the one request of the write, to be sent any number of times.
func (e *Engine) sender(w *write) func(context.Context) error {
	if len(w.ops) == 1 {
		switch op := w.ops[0]; op.Kind {
		case table.OpPut:
			return e.putSender(w, op)
		case table.OpDelete:
			return e.deleteSender(w, op)
		}
	}
	input := &dynamodb.TransactWriteItemsInput{ClientRequestToken: aws.String(w.id.String())}
	for _, op := range w.ops {
		input.TransactItems = append(input.TransactItems, e.transactItem(w, op))
	}
	return func(ctx context.Context) error {
		_, err := e.client.TransactWriteItems(ctx, input, asOwn)
		return err
	}
}

func (e *Engine) putSender(w *write, op table.Op) func(context.Context) error {
	c := w.condition(op.Cond)
	input := &dynamodb.PutItemInput{
		TableName: &e.name, Item: w.encode(op),
		ConditionExpression: c.expression, ExpressionAttributeNames: c.names, ExpressionAttributeValues: c.values,
	}
	return func(ctx context.Context) error {
		_, err := e.client.PutItem(ctx, input, asOwn)
		return err
	}
}

func (e *Engine) deleteSender(w *write, op table.Op) func(context.Context) error {
	c := w.condition(op.Cond)
	input := &dynamodb.DeleteItemInput{
		TableName: &e.name, Key: encodeKey(op.Item.Key),
		ConditionExpression: c.expression, ExpressionAttributeNames: c.names, ExpressionAttributeValues: c.values,
	}
	return func(ctx context.Context) error {
		_, err := e.client.DeleteItem(ctx, input, asOwn)
		return err
	}
}

func (e *Engine) transactItem(w *write, op table.Op) types.TransactWriteItem {
	c := w.condition(op.Cond)
	switch op.Kind {
	case table.OpPut:
		return types.TransactWriteItem{Put: &types.Put{
			TableName: &e.name, Item: w.encode(op),
			ConditionExpression: c.expression, ExpressionAttributeNames: c.names, ExpressionAttributeValues: c.values,
		}}
	case table.OpDelete:
		return types.TransactWriteItem{Delete: &types.Delete{
			TableName: &e.name, Key: encodeKey(op.Item.Key),
			ConditionExpression: c.expression, ExpressionAttributeNames: c.names, ExpressionAttributeValues: c.values,
		}}
	}
	return types.TransactWriteItem{ConditionCheck: &types.ConditionCheck{
		TableName: &e.name, Key: encodeKey(op.Item.Key),
		ConditionExpression: c.expression, ExpressionAttributeNames: c.names, ExpressionAttributeValues: c.values,
	}}
}

func (w *write) encode(op table.Op) attributes {
	return encodeItem(op.Item, w.id, w.id.Version(op.Cond))
}

// condition is a precondition as the requests take it; all nil for None.
type condition struct {
	expression *string
	names      map[string]string
	values     attributes
}

func (w *write) condition(c table.Cond) condition {
	now := number(w.now.Unix())
	switch version, is := c.IsVersion(); {
	case is:
		return condition{
			expression: aws.String(ifAtVersion),
			names:      map[string]string{"#v": table.AttrVersion, "#expires": table.AttrExpires},
			values:     attributes{":version": number(version), ":now": now},
		}
	case c.IsAbsent():
		return condition{
			expression: aws.String(ifAbsent),
			names:      map[string]string{"#pk": table.AttrPK, "#expires": table.AttrExpires},
			values:     attributes{":now": now},
		}
	}
	return condition{}
}
