// Dispatch hands each minute what is due to the queues.
//
//	Trigger: EventBridge Scheduler, every minute
//	Reads:   due index, touches, jobs, clinic, card
//	Writes:  due keys of touches and jobs, lapsed claims with their tasks
//	Needs:   dynamodb:GetItem, dynamodb:BatchGetItem, dynamodb:Query, dynamodb:PutItem on the table;
//	         dynamodb:Query on its index GSI1; sqs:SendMessage on the queues send, work, import and pull
package main

import (
	"crypto/rand"
	random "math/rand/v2"
	"os"
	"time"

	"github.com/returnpoint/returnpoint/shared/app"
	"github.com/returnpoint/returnpoint/shared/lambdaio"
	"github.com/returnpoint/returnpoint/shared/onaws"
	"github.com/returnpoint/returnpoint/shared/queue/sqs"
)

func main() {
	on := onaws.Open(os.LookupEnv, os.Stdout)
	deps, client := on.Deps(time.Now, rand.Reader), on.Client("SQS")
	touches := sqs.New(client, on.URL("SEND_QUEUE_URL", "https", "http"), random.Float64)
	jobs := sqs.New(client, on.URL("WORK_QUEUE_URL", "https", "http"), random.Float64)
	imports := sqs.New(client, on.URL("IMPORT_QUEUE_URL", "https", "http"), random.Float64)
	pulls := sqs.New(client, on.URL("PULL_QUEUE_URL", "https", "http"), random.Float64)
	on.Start(lambdaio.Schedule(deps.Log, app.Dispatch(deps, app.Queues{Touches: touches, Jobs: jobs, Imports: imports, Pulls: pulls})))
}
