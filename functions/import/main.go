// Import takes in the bases that clinics already have, from files, and those that their systems export by night.
//
//	Trigger: HTTP API, POST /v1/clinics/{clinic}/imports and GET /v1/clinics/{clinic}/imports/{id};
//	         EventBridge Scheduler, every minute, for the watched folders; SQS queue import, one import a message,
//	         of dispatch, of itself when there is more to read, and of the bucket when an upload has come
//	Reads:   clinic, import, job, event, card, contacts, origins, twins, files
//	Writes:  import, job, event, facts, milestones, touches, tasks, contacts, origins, twins, files
//	Needs:   dynamodb:GetItem, dynamodb:BatchGetItem, dynamodb:Query, dynamodb:PutItem, dynamodb:DeleteItem,
//	         dynamodb:ConditionCheckItem on the table; sqs:SendMessage on its own queue; s3:ListBucket on the bucket,
//	         s3:GetObject, s3:PutObject, s3:DeleteObject, s3:AbortMultipartUpload on what is in it, which the upload and
//	         download URLs that it signs allow as well
package main

import (
	"context"
	"crypto/rand"
	random "math/rand/v2"
	"os"
	"time"

	"github.com/returnpoint/returnpoint/functions/import/formats"
	"github.com/returnpoint/returnpoint/shared/app"
	"github.com/returnpoint/returnpoint/shared/blob/s3"
	"github.com/returnpoint/returnpoint/shared/lambdaio"
	"github.com/returnpoint/returnpoint/shared/onaws"
	"github.com/returnpoint/returnpoint/shared/phone"
	"github.com/returnpoint/returnpoint/shared/queue/sqs"
)

// need is the least time in which an import gets on; what is left of a file then
// is another message's.
const need = 60 * time.Second

func main() {
	on := onaws.Open(os.LookupEnv, os.Stdout)
	deps := on.Deps(time.Now, rand.Reader)
	files := s3.New(on.Client("S3"), on.Text("FILES_BUCKET"), time.Now)
	queue := sqs.New(on.Client("SQS"), on.URL("IMPORT_QUEUE_URL", "https", "http"), random.Float64)
	loader, requests := app.Import(deps, files, formats.All(), queue, phone.Read)
	on.Start(lambdaio.Either(lambdaio.HTTP(deps.Log, requests), lambdaio.FanOut(lambdaio.Schedule(deps.Log, loader.Tick),
		lambdaio.Queue(deps.Log, need, func(ctx context.Context, m lambdaio.Message) error { return loader.Handle(ctx, m.Body) }))))
}
