package dynamo

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/returnpoint/returnpoint/shared/table"
)

func TestAReadIsRepeatedWhateverBecameOfItsAnswer(t *testing.T) {
	reads := map[string]func(ctx context.Context, e *Engine) error{
		"a get of one item": func(ctx context.Context, e *Engine) error {
			_, err := e.Get(ctx, at("a"))
			return err
		},
		"a get of two": func(ctx context.Context, e *Engine) error {
			_, err := e.Get(ctx, at("a"), at("b"))
			return err
		},
		"a query": func(ctx context.Context, e *Engine) error {
			_, err := e.Query(ctx, table.Query{PK: "p"})
			return err
		},
	}
	for _, c := range []struct {
		says     string
		troubles []trouble
		forever  bool
		want     error
		calls    int
	}{
		{says: "after broken connections", troubles: []trouble{lostBack, lostThere, noWay}, calls: 4},
		{says: "after failures of the service", troubles: []trouble{serverError, serverErrorIn}, calls: 3},
		{says: "after throttling", troubles: []trouble{throttled, throttled}, calls: 3},
		{says: "after no answer in time", troubles: []trouble{silent}, calls: 2},
		{says: "and is contention when throttled to the end", troubles: []trouble{throttled}, forever: true, want: table.ErrContention, calls: attempts},
		{says: "and fails without a kind when never answered", troubles: []trouble{lostBack}, forever: true, want: errNoKind, calls: attempts},
		{says: "but not when it is forbidden", troubles: []trouble{forbidden}, want: errNoKind, calls: 1},
		{says: "but not when it is not valid", troubles: []trouble{malformed}, want: table.ErrInvalid, calls: 1},
	} {
		for name, read := range reads {
			t.Run(name+" "+c.says, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					s := newScene(t)
					troubles := c.troubles
					s.trouble = func(string) trouble {
						if len(troubles) == 0 {
							return none
						}
						now := troubles[0]
						if !c.forever {
							troubles = troubles[1:]
						}
						return now
					}
					if err := read(t.Context(), s.engine); !isOf(err, c.want) {
						t.Errorf("the error is %v, want %v", err, c.want)
					}
					if len(s.calls) != c.calls {
						t.Errorf("%d calls, want %d: %q", len(s.calls), c.calls, s.calls)
					}
				})
			})
		}
	}
}

func TestABatchOfWhichNothingIsReadIsContention(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t)
		s.batch = -1
		if _, err := s.engine.Get(t.Context(), at("a"), at("b")); !isOf(err, table.ErrContention) {
			t.Errorf("the error is %v", err)
		}
		if got := s.count("BatchGetItem"); got != attempts {
			t.Errorf("%d calls, want %d", got, attempts)
		}
	})
}

func TestABatchThatComesInPiecesIsReadToTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t)
		s.batch = 3
		var keys []table.Key
		for n := range table.MaxGet {
			sk := fmt.Sprint(n)
			s.other(table.Put(item(sk, sk), table.None))
			keys = append(keys, at(sk))
		}
		items, err := s.engine.Get(t.Context(), keys...)
		if err != nil {
			t.Fatal(err)
		}
		for i, found := range items {
			if found.Key != keys[i] {
				t.Fatalf("place %d holds %s", i, found.Key)
			}
		}
		// Progress is no failed attempt, so there may be more calls than attempts.
		if got := s.count("BatchGetItem"); got != 34 {
			t.Errorf("%d calls for 100 keys, 3 at a time", got)
		}
	})
}

func TestAContextEndsAReadWithItsError(t *testing.T) {
	for _, what := range []trouble{throttled, silent, lostBack} {
		synctest.Test(t, func(t *testing.T) {
			s := newScene(t)
			s.trouble = func(string) trouble { return what }
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
			defer cancel()
			if _, err := s.engine.Get(ctx, at("a")); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("the error is %v", err)
			}
		})
	}
}

func TestAnItemThatIsNotOfTheTableIsAnError(t *testing.T) {
	whole := func() attributes {
		return encodeItem(item("a", "x"), table.WriteID{1}, 5)
	}
	if _, err := decodeItem(whole()); err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]types.AttributeValue{
		"pk":                            nil,
		"sk":                            number(1),
		"v":                             nil,
		"v as 0":                        number(0),
		"expires":                       text("tomorrow"),
		"g1p":                           text("half a key"),
		"a fraction":                    &types.AttributeValueMemberN{Value: "1.5"},
		"a number of more than 64 bits": &types.AttributeValueMemberN{Value: "9223372036854775808"},
		"a null":                        &types.AttributeValueMemberNULL{Value: true},
		"a set":                         &types.AttributeValueMemberSS{Value: []string{"a"}},
		"a null in a list":              &types.AttributeValueMemberL{Value: []types.AttributeValue{&types.AttributeValueMemberNULL{}}},
		"a set in a map":                &types.AttributeValueMemberM{Value: attributes{"in": &types.AttributeValueMemberNS{}}},
	} {
		stored := whole()
		switch {
		case value == nil:
			delete(stored, name)
		case name == "v as 0":
			stored["v"] = value
		default:
			stored[name] = value
		}
		if got, err := decodeItem(stored); err == nil {
			t.Errorf("%s: decoded as %+v", name, got)
		}
		s := newScene(t)
		s.items[at("a")] = stored
		if name != "pk" && name != "sk" {
			if _, err := s.engine.Get(t.Context(), at("a")); err == nil {
				t.Errorf("%s: the get succeeded", name)
			}
		}
	}
}
