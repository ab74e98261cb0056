package dynamo

import (
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/returnpoint/returnpoint/shared/table"
)

// attributes are an item, a key or the values of an expression.
type attributes = map[string]types.AttributeValue

func text(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

func number(n int64) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.FormatInt(n, 10)}
}

func encodeKey(key table.Key) attributes {
	return attributes{table.AttrPK: text(key.PK), table.AttrSK: text(key.SK)}
}

// encodeItem expects an item that table.Validate accepts.
func encodeItem(item table.Item, id table.WriteID, version int64) attributes {
	a := encodeKey(item.Key)
	a[table.AttrVersion] = number(version)
	a[table.AttrWriteID] = text(id.String())
	if !item.Expires.IsZero() {
		a[table.AttrExpires] = number(item.Expires.Unix())
	}
	if item.Index1 != (table.Key{}) {
		a[table.AttrIndex1P], a[table.AttrIndex1S] = text(item.Index1.PK), text(item.Index1.SK)
	}
	if item.Index2 != (table.Key{}) {
		a[table.AttrIndex2P], a[table.AttrIndex2S] = text(item.Index2.PK), text(item.Index2.SK)
	}
	for name, value := range item.Attr {
		a[name] = encodeValue(value)
	}
	return a
}

func encodeValue(value any) types.AttributeValue {
	switch v := value.(type) {
	case string:
		return text(v)
	case int64:
		return number(v)
	case bool:
		return &types.AttributeValueMemberBOOL{Value: v}
	case []byte:
		// Nil would be sent as null, which is no binary value.
		return &types.AttributeValueMemberB{Value: append([]byte{}, v...)}
	case []any:
		list := make([]types.AttributeValue, len(v))
		for i, element := range v {
			list[i] = encodeValue(element)
		}
		return &types.AttributeValueMemberL{Value: list}
	case map[string]any:
		m := make(attributes, len(v))
		for name, element := range v {
			m[name] = encodeValue(element)
		}
		return &types.AttributeValueMemberM{Value: m}
	}
	panic(fmt.Sprintf("dynamo: a value of type %T passed validation", value))
}

// decodeItem gives back what encodeItem took, in the form of table.Item.Clone.
// An attribute of a type that the port does not have, which only another
// program can have written, is an error: dropping it would lose it in the next
// put.
func decodeItem(stored attributes) (table.Item, error) {
	key, err := decodeKey(stored, table.AttrPK, table.AttrSK)
	if err != nil {
		return table.Item{}, err
	}
	item := table.Item{Key: key, Attr: make(map[string]any, len(stored))}
	if item.Version, err = decodeNumber(stored, table.AttrVersion); err != nil {
		return table.Item{}, fmt.Errorf("decode the item %s: %w", key, err)
	}
	if stored[table.AttrExpires] != nil {
		seconds, err := decodeNumber(stored, table.AttrExpires)
		if err != nil {
			return table.Item{}, fmt.Errorf("decode the item %s: %w", key, err)
		}
		item.Expires = time.Unix(seconds, 0).UTC()
	}
	for _, index := range []struct {
		key    *table.Key
		pk, sk string
	}{
		{&item.Index1, table.AttrIndex1P, table.AttrIndex1S},
		{&item.Index2, table.AttrIndex2P, table.AttrIndex2S},
	} {
		if stored[index.pk] == nil {
			continue
		}
		if *index.key, err = decodeKey(stored, index.pk, index.sk); err != nil {
			return table.Item{}, fmt.Errorf("decode the item %s: %w", key, err)
		}
	}
	for name, value := range stored {
		if table.ReservedAttr(name) {
			continue
		}
		if item.Attr[name], err = decodeValue(name, value); err != nil {
			return table.Item{}, fmt.Errorf("decode the item %s: %w", key, err)
		}
	}
	return item, nil
}

func decodeKey(stored attributes, pk, sk string) (table.Key, error) {
	p, isText := stored[pk].(*types.AttributeValueMemberS)
	s, isTextToo := stored[sk].(*types.AttributeValueMemberS)
	if !isText || !isTextToo {
		return table.Key{}, fmt.Errorf("the attributes %s and %s are no key", pk, sk)
	}
	return table.Key{PK: p.Value, SK: s.Value}, nil
}

func decodeNumber(stored attributes, name string) (int64, error) {
	value, err := decodeValue(name, stored[name])
	if err != nil {
		return 0, err
	}
	n, is := value.(int64)
	if !is || n < 1 {
		return 0, fmt.Errorf("the attribute %s is %v, not a positive number", name, value)
	}
	return n, nil
}

func decodeValue(name string, value types.AttributeValue) (any, error) {
	switch v := value.(type) {
	case *types.AttributeValueMemberS:
		return v.Value, nil
	case *types.AttributeValueMemberN:
		n, err := strconv.ParseInt(v.Value, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("the attribute %q is %s, not a whole number of 64 bits", name, v.Value)
		}
		return n, nil
	case *types.AttributeValueMemberBOOL:
		return v.Value, nil
	case *types.AttributeValueMemberB:
		return append([]byte{}, v.Value...), nil
	case *types.AttributeValueMemberL:
		list := make([]any, len(v.Value))
		for i, element := range v.Value {
			decoded, err := decodeValue(name, element)
			if err != nil {
				return nil, err
			}
			list[i] = decoded
		}
		return list, nil
	case *types.AttributeValueMemberM:
		m := make(map[string]any, len(v.Value))
		for inner, element := range v.Value {
			decoded, err := decodeValue(name+"."+inner, element)
			if err != nil {
				return nil, err
			}
			m[inner] = decoded
		}
		return m, nil
	}
	return nil, fmt.Errorf("the attribute %q is of the type %T, which the table does not have", name, value)
}

// encodePosition is the key from which DynamoDB goes on: the item's own and,
// on an index, its place there.
func encodePosition(q table.Query, p table.Position) attributes {
	a := encodeKey(p.Key)
	a[indexes[q.Index].pk] = text(q.PK)
	a[indexes[q.Index].sk] = text(p.SK)
	return a
}

func decodePosition(q table.Query, last attributes) (table.Position, error) {
	own, err := decodeKey(last, table.AttrPK, table.AttrSK)
	if err != nil {
		return table.Position{}, fmt.Errorf("read the end of the page: %w", err)
	}
	place, err := decodeKey(last, indexes[q.Index].pk, indexes[q.Index].sk)
	if err != nil {
		return table.Position{}, fmt.Errorf("read the end of the page: %w", err)
	}
	return table.Position{SK: place.SK, Key: own}, nil
}
