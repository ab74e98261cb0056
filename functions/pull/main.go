// Pull asks systems of record what has changed, reads what they have only named,
// and tells them what patients have answered about an appointment.
//
//	Trigger: EventBridge Scheduler, every 15 minutes, for the systems whose time to be asked has come;
//	         SQS queue pull, one system or one job a message
//	Reads:   list of clinics, connections, jobs, origins, cards, contacts, twins
//	Writes:  facts, milestones, touches, tasks, contacts, origins, twins, connections, jobs, the clinic (when it was last heard)
//	Needs:   dynamodb:GetItem, dynamodb:BatchGetItem, dynamodb:Query, dynamodb:PutItem, dynamodb:DeleteItem on the table;
//	         dynamodb:Query on its index GSI2; sqs:SendMessage on its own queue; HTTPS to the systems' APIs
package main

import (
	"context"
	"crypto/rand"
	random "math/rand/v2"
	"os"
	"time"

	"github.com/returnpoint/returnpoint/functions/pull/systems"
	"github.com/returnpoint/returnpoint/shared/app"
	"github.com/returnpoint/returnpoint/shared/channel/wire"
	"github.com/returnpoint/returnpoint/shared/lambdaio"
	"github.com/returnpoint/returnpoint/shared/onaws"
	"github.com/returnpoint/returnpoint/shared/phone"
	"github.com/returnpoint/returnpoint/shared/queue/sqs"
)

// need is the time in which a message gets on; what it does not get done is asked
// for again.
const need = 60 * time.Second

func main() {
	on := onaws.Open(os.LookupEnv, os.Stdout)
	deps, client := on.Deps(time.Now, rand.Reader), on.Client("SQS")
	calls, patient := wire.NewClient(wire.Options{Outside: true}), wire.NewClient(wire.Options{Outside: true, Timeout: systems.Patience})
	ways := app.Systems{Clients: systems.Clients(calls, patient, time.Now), Opens: systems.Opens}
	puller := app.Pull(deps, ways, sqs.New(client, on.URL("PULL_QUEUE_URL", "https", "http"), random.Float64), phone.Read)
	on.Start(lambdaio.FanOut(lambdaio.Schedule(deps.Log, puller.Tick),
		lambdaio.Queue(deps.Log, need, func(ctx context.Context, m lambdaio.Message) error { return puller.Handle(ctx, m.Body) })))
}
