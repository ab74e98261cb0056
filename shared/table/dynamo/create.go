package dynamo

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/returnpoint/returnpoint/shared/table"
)

// Admin is what CreateTable uses of *dynamodb.Client.
type Admin interface {
	CreateTable(context.Context, *dynamodb.CreateTableInput, ...func(*dynamodb.Options)) (*dynamodb.CreateTableOutput, error)
	DescribeTable(context.Context, *dynamodb.DescribeTableInput, ...func(*dynamodb.Options)) (*dynamodb.DescribeTableOutput, error)
	UpdateTimeToLive(context.Context, *dynamodb.UpdateTimeToLiveInput, ...func(*dynamodb.Options)) (*dynamodb.UpdateTimeToLiveOutput, error)
	DescribeTimeToLive(context.Context, *dynamodb.DescribeTimeToLiveInput, ...func(*dynamodb.Options)) (*dynamodb.DescribeTimeToLiveOutput, error)
}

var _ Admin = (*dynamodb.Client)(nil)

// lookAgain is the time between two looks at a table in the making.
const lookAgain = 250 * time.Millisecond

// withRetries lets the SDK repeat a call. What CreateTable does may be done twice.
func withRetries(o *dynamodb.Options) {
	asOwn(o)
	o.Retryer = retry.NewStandard()
}

// CreateTable makes an empty table of the engine's layout and waits until it
// can be used or the context ends. A table of that name that is there already
// stays as it is. It serves tests and compatible services; on AWS the table is a
// resource of the template, with backups and protection.
func CreateTable(ctx context.Context, client Admin, name string) error {
	input := &dynamodb.CreateTableInput{
		TableName:   &name,
		BillingMode: types.BillingModePayPerRequest,
	}
	for _, index := range indexes {
		for _, attribute := range []string{index.pk, index.sk} {
			input.AttributeDefinitions = append(input.AttributeDefinitions, types.AttributeDefinition{
				AttributeName: aws.String(attribute), AttributeType: types.ScalarAttributeTypeS,
			})
		}
		keys := []types.KeySchemaElement{
			{AttributeName: aws.String(index.pk), KeyType: types.KeyTypeHash},
			{AttributeName: aws.String(index.sk), KeyType: types.KeyTypeRange},
		}
		if index.name == "" {
			input.KeySchema = keys
			continue
		}
		input.GlobalSecondaryIndexes = append(input.GlobalSecondaryIndexes, types.GlobalSecondaryIndex{
			IndexName: aws.String(index.name), KeySchema: keys,
			Projection: &types.Projection{ProjectionType: types.ProjectionTypeAll},
		})
	}
	exists := (*types.ResourceInUseException)(nil)
	if _, err := client.CreateTable(ctx, input, withRetries); err != nil && !errors.As(err, &exists) {
		return fmt.Errorf("dynamo: create the table %s: %w", name, err)
	}
	if err := waitUntilActive(ctx, client, name); err != nil {
		return fmt.Errorf("dynamo: wait for the table %s: %w", name, err)
	}
	if err := expireItems(ctx, client, name); err != nil {
		return fmt.Errorf("dynamo: switch on time to live of the table %s: %w", name, err)
	}
	return nil
}

func waitUntilActive(ctx context.Context, client Admin, name string) error {
	for {
		out, err := client.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &name}, withRetries)
		if err != nil {
			return err
		}
		if out.Table.TableStatus == types.TableStatusActive {
			return nil
		}
		timer := time.NewTimer(lookAgain)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		}
	}
}

// expireItems switches time to live on. A service refuses to do that twice, so
// a refusal counts only if it is off.
func expireItems(ctx context.Context, client Admin, name string) error {
	_, refusal := client.UpdateTimeToLive(ctx, &dynamodb.UpdateTimeToLiveInput{
		TableName: &name,
		TimeToLiveSpecification: &types.TimeToLiveSpecification{
			AttributeName: aws.String(table.AttrExpires), Enabled: aws.Bool(true),
		},
	}, withRetries)
	if refusal == nil {
		return nil
	}
	out, err := client.DescribeTimeToLive(ctx, &dynamodb.DescribeTimeToLiveInput{TableName: &name}, withRetries)
	if err != nil {
		return errors.Join(refusal, err)
	}
	is := out.TimeToLiveDescription
	on := is.TimeToLiveStatus == types.TimeToLiveStatusEnabled || is.TimeToLiveStatus == types.TimeToLiveStatusEnabling
	if !on || aws.ToString(is.AttributeName) != table.AttrExpires {
		return refusal
	}
	return nil
}
