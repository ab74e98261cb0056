package dynamo

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net"
	"slices"
	"strconv"
	"sync"
	"syscall"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"

	"github.com/returnpoint/returnpoint/shared/table"
)

var _ API = (*service)(nil)

// service behaves like DynamoDB as far as the engine speaks to it: it knows the
// engine's own expressions, counts a limit before it filters, leaves keys of a
// batch unread, and cancels transactions with a reason an operation. What goes
// wrong between it and the engine is said by trouble.
type service struct {
	mu    sync.Mutex
	items map[table.Key]attributes
	calls []string // the name of every call that came

	// trouble is asked at every call; nil is none.
	trouble func(call string) trouble
	// before runs ahead of every call: what others do in the meantime.
	before func()
	// batch is how many keys a BatchGetItem reads; 0 is all.
	batch int
	// tokens switches the memory of request tokens on.
	tokens  bool
	tokened map[string]bool

	late    []func() // requests still on their way
	applied int      // writes done since it was last set to 0
}

// trouble befalls one call.
type trouble int

const (
	none          trouble = iota
	lostThere             // the connection breaks before the service sees the request
	lostBack              // the connection breaks before the answer arrives
	lostForNow            // likewise, and the service sees the request only at arrive
	serverError           // 500, nothing done
	serverErrorIn         // 500, although it was done
	throttled             // nothing done
	disputed              // another transaction holds the item; nothing done
	inProgress            // the same transaction is at work already
	noWay                 // no connection at all
	forbidden             // no permission
	malformed             // not a valid request
	silent                // no answer until the attempt's context ends; nothing done
)

var (
	errReset = &net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}
	errDial  = &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
)

func newService() *service {
	return &service{items: map[table.Key]attributes{}, tokened: map[string]bool{}}
}

// call runs one request through the trouble of the moment.
func (s *service) call(ctx context.Context, name string, do func() error) error {
	if s.before != nil {
		s.before()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = append(s.calls, name)
	what := none
	if s.trouble != nil {
		what = s.trouble(name)
	}
	switch what {
	case lostThere:
		return errReset
	case lostBack:
		_ = do()
		return errReset
	case lostForNow:
		s.late = append(s.late, func() { _ = do() })
		return errReset
	case serverErrorIn:
		_ = do()
		fallthrough
	case serverError:
		return &types.InternalServerError{Message: aws.String("something broke")}
	case throttled:
		return &types.ProvisionedThroughputExceededException{}
	case disputed:
		if name == "TransactWriteItems" {
			return &types.TransactionCanceledException{CancellationReasons: []types.CancellationReason{
				{Code: aws.String("None")}, {Code: aws.String("TransactionConflict")},
			}}
		}
		return &types.TransactionConflictException{}
	case inProgress:
		return &types.TransactionInProgressException{}
	case noWay:
		return errDial
	case forbidden:
		return &smithy.GenericAPIError{Code: "AccessDeniedException", Message: "not for you", Fault: smithy.FaultClient}
	case malformed:
		return &smithy.GenericAPIError{Code: "ValidationException", Message: "no such thing", Fault: smithy.FaultClient}
	case silent:
		s.mu.Unlock()
		<-ctx.Done()
		s.mu.Lock()
		return &smithy.CanceledError{Err: ctx.Err()}
	}
	return do()
}

// arrive lets the requests through that are still on their way.
func (s *service) arrive() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, do := range s.late {
		do()
	}
	s.late = nil
}

func (s *service) count(name string) (n int) {
	for _, call := range s.calls {
		if call == name {
			n++
		}
	}
	return n
}

func keyOf(a attributes) table.Key {
	key, err := decodeKey(a, table.AttrPK, table.AttrSK)
	if err != nil {
		panic(err)
	}
	return key
}

func numberOf(v types.AttributeValue) int64 {
	n, err := strconv.ParseInt(v.(*types.AttributeValueMemberN).Value, 10, 64)
	if err != nil {
		panic(err)
	}
	return n
}

func textOf(v types.AttributeValue) string { return v.(*types.AttributeValueMemberS).Value }

// holds evaluates the engine's expressions on a stored item, nil when absent.
func (s *service) holds(item attributes, c condition) bool {
	unexpired := func() bool {
		expires := item[c.names["#expires"]]
		return expires == nil || numberOf(expires) > numberOf(c.values[":now"])
	}
	if c.expression == nil {
		return true
	}
	switch *c.expression {
	case notExpired:
		return unexpired()
	case ifAbsent:
		return item[c.names["#pk"]] == nil || !unexpired()
	case ifAtVersion:
		v := item[c.names["#v"]]
		return v != nil && numberOf(v) == numberOf(c.values[":version"]) && unexpired()
	}
	panic("the service does not know the expression " + *c.expression)
}

// effect is one operation as any of the requests carries it.
type effect struct {
	key  table.Key
	cond condition
	put  attributes
	gone bool
}

// apply does all effects, or none and says which conditions are false.
func (s *service) apply(effects ...effect) (reasons []types.CancellationReason, failed bool) {
	for _, e := range effects {
		code := "None"
		if !s.holds(s.items[e.key], e.cond) {
			code, failed = "ConditionalCheckFailed", true
		}
		reasons = append(reasons, types.CancellationReason{Code: aws.String(code)})
	}
	if failed {
		return reasons, true
	}
	for _, e := range effects {
		switch {
		case e.put != nil:
			s.items[e.key] = maps.Clone(e.put)
		case e.gone:
			delete(s.items, e.key)
		}
	}
	s.applied++
	return nil, false
}

func (s *service) PutItem(ctx context.Context, in *dynamodb.PutItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error) {
	return &dynamodb.PutItemOutput{}, s.call(ctx, "PutItem", func() error {
		c := condition{in.ConditionExpression, in.ExpressionAttributeNames, in.ExpressionAttributeValues}
		if _, failed := s.apply(effect{key: keyOf(in.Item), cond: c, put: in.Item}); failed {
			return &types.ConditionalCheckFailedException{}
		}
		return nil
	})
}

func (s *service) DeleteItem(ctx context.Context, in *dynamodb.DeleteItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.DeleteItemOutput, error) {
	return &dynamodb.DeleteItemOutput{}, s.call(ctx, "DeleteItem", func() error {
		c := condition{in.ConditionExpression, in.ExpressionAttributeNames, in.ExpressionAttributeValues}
		if _, failed := s.apply(effect{key: keyOf(in.Key), cond: c, gone: true}); failed {
			return &types.ConditionalCheckFailedException{}
		}
		return nil
	})
}

func (s *service) TransactWriteItems(ctx context.Context, in *dynamodb.TransactWriteItemsInput, _ ...func(*dynamodb.Options)) (*dynamodb.TransactWriteItemsOutput, error) {
	return &dynamodb.TransactWriteItemsOutput{}, s.call(ctx, "TransactWriteItems", func() error {
		if s.tokens && s.tokened[*in.ClientRequestToken] {
			return nil
		}
		var effects []effect
		for _, item := range in.TransactItems {
			switch {
			case item.Put != nil:
				effects = append(effects, effect{key: keyOf(item.Put.Item), put: item.Put.Item,
					cond: condition{item.Put.ConditionExpression, item.Put.ExpressionAttributeNames, item.Put.ExpressionAttributeValues}})
			case item.Delete != nil:
				effects = append(effects, effect{key: keyOf(item.Delete.Key), gone: true,
					cond: condition{item.Delete.ConditionExpression, item.Delete.ExpressionAttributeNames, item.Delete.ExpressionAttributeValues}})
			default:
				c := item.ConditionCheck
				effects = append(effects, effect{key: keyOf(c.Key),
					cond: condition{c.ConditionExpression, c.ExpressionAttributeNames, c.ExpressionAttributeValues}})
			}
		}
		if reasons, failed := s.apply(effects...); failed {
			return &types.TransactionCanceledException{CancellationReasons: reasons}
		}
		s.tokened[*in.ClientRequestToken] = true
		return nil
	})
}

func (s *service) GetItem(ctx context.Context, in *dynamodb.GetItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error) {
	out := &dynamodb.GetItemOutput{}
	return out, s.call(ctx, "GetItem", func() error {
		if !aws.ToBool(in.ConsistentRead) {
			return fmt.Errorf("a get that is not consistent")
		}
		out.Item = maps.Clone(s.items[keyOf(in.Key)])
		return nil
	})
}

func (s *service) BatchGetItem(ctx context.Context, in *dynamodb.BatchGetItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.BatchGetItemOutput, error) {
	out := &dynamodb.BatchGetItemOutput{Responses: map[string][]attributes{}, UnprocessedKeys: map[string]types.KeysAndAttributes{}}
	return out, s.call(ctx, "BatchGetItem", func() error {
		for name, request := range in.RequestItems {
			if !aws.ToBool(request.ConsistentRead) {
				return fmt.Errorf("a get that is not consistent")
			}
			keys := slices.Clone(request.Keys)
			slices.Reverse(keys) // the order of the answer is not that of the request
			seen := map[table.Key]bool{}
			for i, a := range keys {
				if s.batch != 0 && i >= max(s.batch, 0) {
					request.Keys = keys[i:]
					out.UnprocessedKeys[name] = request
					break
				}
				key := keyOf(a)
				if seen[key] {
					return &smithy.GenericAPIError{Code: "ValidationException", Message: "a key is there twice", Fault: smithy.FaultClient}
				}
				seen[key] = true
				if item := s.items[key]; item != nil {
					out.Responses[name] = append(out.Responses[name], maps.Clone(item))
				}
			}
		}
		return nil
	})
}

func (s *service) Query(ctx context.Context, in *dynamodb.QueryInput, _ ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error) {
	out := &dynamodb.QueryOutput{}
	return out, s.call(ctx, "Query", func() error {
		pk, sk := table.AttrPK, table.AttrSK
		if in.IndexName != nil {
			if aws.ToBool(in.ConsistentRead) {
				return &smithy.GenericAPIError{Code: "ValidationException", Message: "an index is not consistent", Fault: smithy.FaultClient}
			}
			pk = map[string]string{"GSI1": "g1p", "GSI2": "g2p"}[*in.IndexName]
			sk = map[string]string{"GSI1": "g1s", "GSI2": "g2s"}[*in.IndexName]
		}
		if in.IndexName == nil && !aws.ToBool(in.ConsistentRead) {
			return fmt.Errorf("a query of the table that is not consistent")
		}
		inRange := func(at string) bool { return true }
		from, to := in.ExpressionAttributeValues[":from"], in.ExpressionAttributeValues[":to"]
		switch *in.KeyConditionExpression {
		case "#p = :p":
		case "#p = :p AND #s >= :from":
			inRange = func(at string) bool { return at >= textOf(from) }
		case "#p = :p AND #s <= :to":
			inRange = func(at string) bool { return at <= textOf(to) }
		case "#p = :p AND #s BETWEEN :from AND :to":
			if textOf(from) > textOf(to) {
				return &smithy.GenericAPIError{Code: "ValidationException", Message: "the bounds are the wrong way round", Fault: smithy.FaultClient}
			}
			inRange = func(at string) bool { return at >= textOf(from) && at <= textOf(to) }
		default:
			return fmt.Errorf("the service does not know the key condition %s", *in.KeyConditionExpression)
		}
		place := func(a attributes) []string { return []string{textOf(a[sk]), textOf(a["pk"]), textOf(a["sk"])} }
		order := func(a, b attributes) int {
			n := slices.Compare(place(a), place(b))
			if !aws.ToBool(in.ScanIndexForward) {
				n = -n
			}
			return n
		}
		var found []attributes
		for _, item := range s.items {
			if item[pk] == nil || textOf(item[pk]) != textOf(in.ExpressionAttributeValues[":p"]) || !inRange(textOf(item[sk])) {
				continue
			}
			if len(in.ExclusiveStartKey) > 0 && order(item, in.ExclusiveStartKey) <= 0 {
				continue
			}
			found = append(found, item)
		}
		slices.SortFunc(found, order)
		c := condition{in.FilterExpression, in.ExpressionAttributeNames, in.ExpressionAttributeValues}
		for n, item := range found {
			if s.holds(item, c) {
				out.Items = append(out.Items, maps.Clone(item))
			}
			if n+1 == int(cmp.Or(aws.ToInt32(in.Limit), 1<<30)) {
				out.LastEvaluatedKey = attributes{"pk": item["pk"], "sk": item["sk"], pk: item[pk], sk: item[sk]}
				break
			}
		}
		return nil
	})
}
