// Delivery takes what Amazon SES reports later about a message.
//
//	Trigger: EventBridge, the events of the stack's configuration set
//	Reads:   provider id, clinic, card, contacts
//	Writes:  touch, contacts, provider id, tasks
//	Needs:   dynamodb:GetItem, dynamodb:BatchGetItem, dynamodb:Query, dynamodb:PutItem on the table
package main

import (
	"context"
	"crypto/rand"
	"os"
	"time"

	"github.com/returnpoint/returnpoint/shared/app"
	"github.com/returnpoint/returnpoint/shared/channel/email/sesevent"
	"github.com/returnpoint/returnpoint/shared/lambdaio"
	"github.com/returnpoint/returnpoint/shared/onaws"
)

func main() {
	on := onaws.Open(os.LookupEnv, os.Stdout)
	deps := on.Deps(time.Now, rand.Reader)
	settle := app.Delivery(deps, sesevent.Parse)
	on.Start(lambdaio.Events(deps.Log, func(ctx context.Context, e lambdaio.Event) error { return settle(ctx, e.Body) }))
}
