// Delivery takes what providers report later and what patients write.
//
//	Trigger: EventBridge, the events of the stack's configuration set; CloudWatch Logs, the SMS delivery
//	         log of Amazon SNS; SNS topic of two-way SMS; HTTP API, /v1/reports/{provider}/{clinic}/{secret}
//	Reads:   provider id, event, clinic, card, contacts, link, list of clinics
//	Writes:  touch, contacts, provider id, event, tasks, appointments, answer, head, jobs
//	Needs:   dynamodb:GetItem, dynamodb:BatchGetItem, dynamodb:Query, dynamodb:PutItem on the table;
//	         dynamodb:Query on its index GSI2
package main

import (
	"context"
	"crypto/rand"
	"os"
	"time"

	"github.com/returnpoint/returnpoint/functions/delivery/callbacks"
	"github.com/returnpoint/returnpoint/shared/app"
	"github.com/returnpoint/returnpoint/shared/channel/email/sesevent"
	"github.com/returnpoint/returnpoint/shared/channel/sms/inbound"
	"github.com/returnpoint/returnpoint/shared/channel/sms/smslog"
	"github.com/returnpoint/returnpoint/shared/lambdaio"
	"github.com/returnpoint/returnpoint/shared/onaws"
)

func main() {
	on := onaws.Open(os.LookupEnv, os.Stdout)
	deps := on.Deps(time.Now, rand.Reader)
	take, calls := app.Delivery(deps, app.Sources{
		Reports:   []app.Parser{sesevent.Parse, smslog.Parse},
		Words:     []app.Listener{inbound.Parse},
		Callbacks: callbacks.Providers(),
	})
	events := lambdaio.Events(deps.Log, func(ctx context.Context, e lambdaio.Event) error { return take(ctx, e.Time, e.Body) })
	on.Start(lambdaio.Either(lambdaio.HTTP(deps.Log, calls), events))
}
