package dynamo

import (
	"context"
	"reflect"
	"testing"
	"testing/synctest"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"
)

// office makes tables as DynamoDB does: not at once, and time to live only once.
type office struct {
	made   *dynamodb.CreateTableInput
	looks  int // until the table is active
	living string
}

func (o *office) CreateTable(_ context.Context, in *dynamodb.CreateTableInput, _ ...func(*dynamodb.Options)) (*dynamodb.CreateTableOutput, error) {
	if o.made != nil {
		return nil, &types.ResourceInUseException{}
	}
	o.made, o.looks = in, 3
	return &dynamodb.CreateTableOutput{}, nil
}

func (o *office) DescribeTable(context.Context, *dynamodb.DescribeTableInput, ...func(*dynamodb.Options)) (*dynamodb.DescribeTableOutput, error) {
	status := types.TableStatusActive
	if o.looks > 0 {
		o.looks--
		status = types.TableStatusCreating
	}
	return &dynamodb.DescribeTableOutput{Table: &types.TableDescription{TableStatus: status}}, nil
}

func (o *office) UpdateTimeToLive(_ context.Context, in *dynamodb.UpdateTimeToLiveInput, _ ...func(*dynamodb.Options)) (*dynamodb.UpdateTimeToLiveOutput, error) {
	if o.looks > 0 {
		return nil, &types.ResourceInUseException{}
	}
	if o.living != "" {
		return nil, &smithy.GenericAPIError{Code: "ValidationException", Message: "it is on already"}
	}
	o.living = *in.TimeToLiveSpecification.AttributeName
	return &dynamodb.UpdateTimeToLiveOutput{}, nil
}

func (o *office) DescribeTimeToLive(context.Context, *dynamodb.DescribeTimeToLiveInput, ...func(*dynamodb.Options)) (*dynamodb.DescribeTimeToLiveOutput, error) {
	return &dynamodb.DescribeTimeToLiveOutput{TimeToLiveDescription: &types.TimeToLiveDescription{
		AttributeName: aws.String(o.living), TimeToLiveStatus: types.TimeToLiveStatusEnabled,
	}}, nil
}

func TestCreateTable(t *testing.T) {
	t.Run("makes the layout, waits for it and switches time to live on", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			o := &office{}
			if err := CreateTable(t.Context(), o, "clinic"); err != nil {
				t.Fatal(err)
			}
			if o.living != "expires" || o.looks != 0 {
				t.Errorf("time to live is on %q with %d looks to go", o.living, o.looks)
			}
			indexed := map[string][]string{}
			keys := func(schema []types.KeySchemaElement) (names []string) {
				for _, key := range schema {
					names = append(names, *key.AttributeName+" "+string(key.KeyType))
				}
				return names
			}
			indexed["the table"] = keys(o.made.KeySchema)
			for _, index := range o.made.GlobalSecondaryIndexes {
				if index.Projection.ProjectionType != types.ProjectionTypeAll {
					t.Errorf("%s projects %s", *index.IndexName, index.Projection.ProjectionType)
				}
				indexed[*index.IndexName] = keys(index.KeySchema)
			}
			want := map[string][]string{
				"the table": {"pk HASH", "sk RANGE"},
				"GSI1":      {"g1p HASH", "g1s RANGE"},
				"GSI2":      {"g2p HASH", "g2s RANGE"},
			}
			if !reflect.DeepEqual(indexed, want) {
				t.Errorf("the keys are %v", indexed)
			}
			if o.made.BillingMode != types.BillingModePayPerRequest {
				t.Errorf("billed %s", o.made.BillingMode)
			}
		})
	})
	t.Run("leaves a table that is there", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			o := &office{}
			for range 2 {
				if err := CreateTable(t.Context(), o, "clinic"); err != nil {
					t.Fatal(err)
				}
			}
		})
	})
	t.Run("fails when items of the table expire by something else", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			if err := CreateTable(t.Context(), &office{living: "other"}, "clinic"); err == nil {
				t.Error("it did not")
			}
		})
	})
}
