// Package dynamo is the engine of the table on Amazon DynamoDB and services
// that speak its protocol: one on-demand table with the key pk and sk, the
// sparse indexes GSI1 (g1p, g1s) and GSI2 (g2p, g2s) that project everything,
// and the attribute expires for time to live. Attributes are stored as they
// are, so an item reads well in the console.
//
// It needs the permissions GetItem, BatchGetItem, Query, PutItem, DeleteItem
// and ConditionCheckItem on the table, and Query on its indexes.
//
// The engine repeats calls itself and switches the SDK's own retries off: a
// repeated write whose first answer was lost meets its own effect and looks
// refused, and only who saw the lost answer can tell. See Write.
package dynamo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/returnpoint/returnpoint/shared/table"
)

var _ table.Table = (*Engine)(nil)

// API is what the engine uses of *dynamodb.Client.
type API interface {
	GetItem(context.Context, *dynamodb.GetItemInput, ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error)
	BatchGetItem(context.Context, *dynamodb.BatchGetItemInput, ...func(*dynamodb.Options)) (*dynamodb.BatchGetItemOutput, error)
	Query(context.Context, *dynamodb.QueryInput, ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error)
	PutItem(context.Context, *dynamodb.PutItemInput, ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error)
	DeleteItem(context.Context, *dynamodb.DeleteItemInput, ...func(*dynamodb.Options)) (*dynamodb.DeleteItemOutput, error)
	TransactWriteItems(context.Context, *dynamodb.TransactWriteItemsInput, ...func(*dynamodb.Options)) (*dynamodb.TransactWriteItemsOutput, error)
}

var _ API = (*dynamodb.Client)(nil)

// Engine is the table in DynamoDB. Make it with New.
type Engine struct {
	client API
	name   string
	now    func() time.Time
	rand   *lockedReader
	ids    *table.WriteIDs
}

// New is the engine over the table called name. The clock decides what is
// expired; write ids, first versions and the jitter of retries are drawn from
// rand, which is crypto/rand.Reader outside of tests.
func New(client API, name string, now func() time.Time, rand io.Reader) *Engine {
	locked := &lockedReader{reader: rand}
	return &Engine{client: client, name: name, now: now, rand: locked, ids: table.NewWriteIDs(locked)}
}

// Get implements table.Table. A read that the service keeps refusing for load
// ends with ErrContention, as does a Query.
func (e *Engine) Get(ctx context.Context, keys ...table.Key) ([]table.Item, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("dynamo: get: %w", err)
	}
	if err := table.ValidateKeys(keys); err != nil {
		return nil, fmt.Errorf("dynamo: get: %w", err)
	}
	stored, err := e.load(ctx, keys)
	if err != nil {
		return nil, fmt.Errorf("dynamo: get: %w", err)
	}
	now := e.now()
	items := make([]table.Item, len(keys))
	for i, key := range keys {
		if stored[key] == nil {
			continue
		}
		// Decoded anew for every repetition of a key: items share nothing.
		item, err := decodeItem(stored[key])
		if err != nil {
			return nil, fmt.Errorf("dynamo: get: %w", err)
		}
		if !item.ExpiredAt(now) {
			items[i] = item
		}
	}
	return items, nil
}

// load reads the items as they are stored, expired ones too, consistently.
func (e *Engine) load(ctx context.Context, keys []table.Key) (map[table.Key]attributes, error) {
	found := make(map[table.Key]attributes, len(keys))
	// BatchGetItem refuses a key that is there twice.
	var pending []attributes
	asked := make(map[table.Key]bool, len(keys))
	for _, key := range keys {
		if !asked[key] {
			asked[key] = true
			pending = append(pending, encodeKey(key))
		}
	}
	switch len(pending) {
	case 0:
		return found, nil
	case 1:
		return found, e.retryRead(ctx, func(ctx context.Context) error {
			out, err := e.client.GetItem(ctx, &dynamodb.GetItemInput{
				TableName: &e.name, Key: pending[0], ConsistentRead: aws.Bool(true),
			}, asOwn)
			if err == nil && len(out.Item) > 0 {
				found[keys[0]] = out.Item
			}
			return err
		})
	}
	// Each round reads what the one before it left over; only a round without
	// any progress counts as a failed attempt.
	for len(pending) > 0 {
		err := e.retryRead(ctx, func(ctx context.Context) error {
			out, err := e.client.BatchGetItem(ctx, &dynamodb.BatchGetItemInput{
				RequestItems: map[string]types.KeysAndAttributes{
					e.name: {Keys: pending, ConsistentRead: aws.Bool(true)},
				},
			}, asOwn)
			if err != nil {
				return err
			}
			left := out.UnprocessedKeys[e.name].Keys
			if len(left) == len(pending) {
				return errUnprocessed
			}
			for _, item := range out.Responses[e.name] {
				key, err := decodeKey(item, table.AttrPK, table.AttrSK)
				if err != nil {
					return err
				}
				found[key] = item
			}
			pending = left
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return found, nil
}

// errUnprocessed stands for a batch of which the service read nothing.
var errUnprocessed = errors.New("the service read none of the items")

// Query implements table.Table.
func (e *Engine) Query(ctx context.Context, q table.Query) (table.Page, error) {
	if err := ctx.Err(); err != nil {
		return table.Page{}, fmt.Errorf("dynamo: query: %w", err)
	}
	if err := q.Validate(); err != nil {
		return table.Page{}, fmt.Errorf("dynamo: query: %w", err)
	}
	after, more, err := q.Start()
	if err != nil {
		return table.Page{}, fmt.Errorf("dynamo: query: %w", err)
	}
	if q.EmptyRange() { // DynamoDB calls it an error
		return table.Page{}, nil
	}
	input := e.queryInput(q)
	if more {
		input.ExclusiveStartKey = encodePosition(q, after)
	}
	var out *dynamodb.QueryOutput
	err = e.retryRead(ctx, func(ctx context.Context) (err error) {
		out, err = e.client.Query(ctx, input, asOwn)
		return err
	})
	if err != nil {
		return table.Page{}, fmt.Errorf("dynamo: query: %w", err)
	}
	page := table.Page{}
	for _, stored := range out.Items {
		item, err := decodeItem(stored)
		if err != nil {
			return table.Page{}, fmt.Errorf("dynamo: query: %w", err)
		}
		page.Items = append(page.Items, item)
	}
	if len(out.LastEvaluatedKey) > 0 {
		position, err := decodePosition(q, out.LastEvaluatedKey)
		if err != nil {
			return table.Page{}, fmt.Errorf("dynamo: query: %w", err)
		}
		page.Next = q.NextAfter(position)
	}
	return page, nil
}

// indexes are the name and the key attributes of Main, GSI1 and GSI2.
var indexes = [...]struct{ name, pk, sk string }{
	table.Main: {"", table.AttrPK, table.AttrSK},
	table.GSI1: {"GSI1", table.AttrIndex1P, table.AttrIndex1S},
	table.GSI2: {"GSI2", table.AttrIndex2P, table.AttrIndex2S},
}

func (e *Engine) queryInput(q table.Query) *dynamodb.QueryInput {
	index := indexes[q.Index]
	input := &dynamodb.QueryInput{
		TableName:              &e.name,
		KeyConditionExpression: aws.String("#p = :p"),
		// The limit is counted before the filter: a page may come out short. Whole
		// seconds of the clock are enough, since an expiry has only those.
		FilterExpression:         aws.String(notExpired),
		ExpressionAttributeNames: map[string]string{"#p": index.pk, "#expires": table.AttrExpires},
		ExpressionAttributeValues: attributes{
			":p": text(q.PK), ":now": number(e.now().Unix()),
		},
		Limit:            aws.Int32(int32(q.PageSize())),
		ScanIndexForward: aws.Bool(!q.Reverse),
	}
	if q.Index == table.Main {
		input.ConsistentRead = aws.Bool(true)
	} else {
		input.IndexName = aws.String(index.name)
	}
	bounds := ""
	switch {
	case q.From != "" && q.To != "":
		bounds = " AND #s BETWEEN :from AND :to"
	case q.From != "":
		bounds = " AND #s >= :from"
	case q.To != "":
		bounds = " AND #s <= :to"
	}
	if bounds != "" {
		*input.KeyConditionExpression += bounds
		input.ExpressionAttributeNames["#s"] = index.sk
	}
	if q.From != "" {
		input.ExpressionAttributeValues[":from"] = text(q.From)
	}
	if q.To != "" {
		input.ExpressionAttributeValues[":to"] = text(q.To)
	}
	return input
}
