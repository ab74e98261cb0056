// Report tells the clinics' people what came of the week, and that an MIS has fallen silent.
//
//	Trigger: EventBridge Scheduler, every 15 minutes; SQS queue report, one notice a message
//	Reads:   list of clinics, notices, staff, tasks, totals, costs, ratings, clinic
//	Writes:  notices
//	Needs:   dynamodb:GetItem, dynamodb:BatchGetItem, dynamodb:Query, dynamodb:PutItem on the table;
//	         dynamodb:Query on its indexes GSI1 and GSI2; sqs:SendMessage on the queue report;
//	         ses:SendEmail and ses:SendRawEmail from MAIL_FROM under its identity and configuration set
package main

import (
	"context"
	"crypto/rand"
	random "math/rand/v2"
	"os"
	"time"

	"github.com/returnpoint/returnpoint/shared/app/team"
	"github.com/returnpoint/returnpoint/shared/channel/email"
	"github.com/returnpoint/returnpoint/shared/channel/wire"
	"github.com/returnpoint/returnpoint/shared/lambdaio"
	"github.com/returnpoint/returnpoint/shared/onaws"
	"github.com/returnpoint/returnpoint/shared/queue/sqs"
)

// need is the longest that one notice is worth: what has not left by then comes
// with the next quarter of an hour.
const need = 100 * time.Second

func main() {
	on := onaws.Open(os.LookupEnv, os.Stdout)
	deps := on.Deps(time.Now, rand.Reader)
	mails, err := email.New(on.Client("SESV2"), wire.NewClient(wire.Options{}), email.Settings{
		From: on.Text("MAIL_FROM"), ConfigurationSet: on.Text("SES_CONFIGURATION_SET")})
	on.Judge(err, "MAIL_FROM", "SES_CONFIGURATION_SET")
	notices := sqs.New(on.Client("SQS"), on.URL("REPORT_QUEUE_URL", "https", "http"), random.Float64)
	r := team.Report(deps, mails, notices, on.URL("BASE_URL", "https"))
	on.Start(lambdaio.FanOut(lambdaio.Schedule(deps.Log, r.Tick),
		lambdaio.Queue(deps.Log, need, func(ctx context.Context, m lambdaio.Message) error { return r.Handle(ctx, m.Body) })))
}
