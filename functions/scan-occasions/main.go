// ScanOccasions finds those whose return date, unfinished plan, anniversary or season has come.
//
//	Trigger: EventBridge Scheduler, every 15 minutes, for the clinics whose morning has come;
//	         SQS queue scan-occasions, one clinic a message
//	Reads:   list of clinics, checkpoints, calendar, backlog, cards
//	Writes:  touches, tasks, checkpoints, jobs
//	Needs:   dynamodb:GetItem, dynamodb:BatchGetItem, dynamodb:Query, dynamodb:PutItem,
//	         dynamodb:ConditionCheckItem on the table; dynamodb:Query on its indexes GSI1 and GSI2;
//	         sqs:SendMessage on its own queue
package main

import (
	"context"
	"crypto/rand"
	random "math/rand/v2"
	"os"
	"time"

	"github.com/returnpoint/returnpoint/shared/app"
	"github.com/returnpoint/returnpoint/shared/lambdaio"
	"github.com/returnpoint/returnpoint/shared/onaws"
	"github.com/returnpoint/returnpoint/shared/queue/sqs"
)

// need is the time in which a clinic's scan gets on; what it does not get done
// is scanned again.
const need = 60 * time.Second

func main() {
	on := onaws.Open(os.LookupEnv, os.Stdout)
	deps, client := on.Deps(time.Now, rand.Reader), on.Client("SQS")
	scan := app.ScanOccasions(deps, sqs.New(client, on.URL("SCAN_QUEUE_URL", "https", "http"), random.Float64))
	on.Start(lambdaio.FanOut(lambdaio.Schedule(deps.Log, scan.Tick),
		lambdaio.Queue(deps.Log, need, func(ctx context.Context, m lambdaio.Message) error { return scan.Handle(ctx, m.Body) })))
}
