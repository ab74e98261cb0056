// Work does the jobs that outlive a request: erasures, and the rest of long changes.
//
//	Trigger: SQS queue work, batches with partial answers
//	Reads:   job, clinic, card
//	Writes:  job, touches, tasks; deletes what is left of the erased
//	Needs:   dynamodb:GetItem, dynamodb:BatchGetItem, dynamodb:Query, dynamodb:PutItem, dynamodb:DeleteItem on the table
package main

import (
	"context"
	"crypto/rand"
	"os"
	"time"

	"github.com/returnpoint/returnpoint/shared/app"
	"github.com/returnpoint/returnpoint/shared/lambdaio"
	"github.com/returnpoint/returnpoint/shared/onaws"
)

// need is the time that lets a job get on; one that has not ended by then comes
// back by its due key.
const need = 30 * time.Second

func main() {
	on := onaws.Open(os.LookupEnv, os.Stdout)
	deps := on.Deps(time.Now, rand.Reader)
	work := app.Work(deps)
	on.Start(lambdaio.Queue(deps.Log, need, func(ctx context.Context, m lambdaio.Message) error { return work(ctx, m.Body) }))
}
