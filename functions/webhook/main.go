// Webhook takes what the clinics' own systems tell: signed events, and vendors'
// webhooks as they are.
//
//	Trigger: HTTP API, POST /v1/clinics/{clinic}/events and /v1/clinics/{clinic}/events/{source}/{secret}
//	Reads:   clinic, event, card, contacts, origins, twins, connections, jobs
//	Writes:  event, facts, milestones, touches, tasks, contacts, origins, twins, connections, jobs, the clinic (when it was last heard)
//	Needs:   dynamodb:GetItem, dynamodb:BatchGetItem, dynamodb:Query, dynamodb:PutItem, dynamodb:DeleteItem on the table
package main

import (
	"crypto/rand"
	"os"
	"time"

	"github.com/returnpoint/returnpoint/functions/pull/systems"
	"github.com/returnpoint/returnpoint/shared/app"
	"github.com/returnpoint/returnpoint/shared/lambdaio"
	"github.com/returnpoint/returnpoint/shared/mis/generic"
	"github.com/returnpoint/returnpoint/shared/onaws"
	"github.com/returnpoint/returnpoint/shared/phone"
)

func main() {
	on := onaws.Open(os.LookupEnv, os.Stdout)
	deps := on.Deps(time.Now, rand.Reader)
	on.Start(lambdaio.HTTP(deps.Log, app.Webhook(deps, app.Told{Events: generic.Decode, Sources: systems.Readers()}, phone.Read)))
}
