// Webhook takes the signed events of the clinics' own systems.
//
//	Trigger: HTTP API, POST /v1/clinics/{clinic}/events
//	Reads:   clinic, event, card, contacts
//	Writes:  event, facts, milestones, touches, tasks, contacts, jobs, the clinic (when it was last heard)
//	Needs:   dynamodb:GetItem, dynamodb:BatchGetItem, dynamodb:Query, dynamodb:PutItem, dynamodb:DeleteItem on the table
package main

import (
	"crypto/rand"
	"os"
	"time"

	"github.com/returnpoint/returnpoint/shared/app"
	"github.com/returnpoint/returnpoint/shared/lambdaio"
	"github.com/returnpoint/returnpoint/shared/mis/generic"
	"github.com/returnpoint/returnpoint/shared/onaws"
	"github.com/returnpoint/returnpoint/shared/phone"
)

func main() {
	on := onaws.Open(os.LookupEnv, os.Stdout)
	deps := on.Deps(time.Now, rand.Reader)
	on.Start(lambdaio.HTTP(deps.Log, app.Webhook(deps, generic.Decode, phone.Read)))
}
