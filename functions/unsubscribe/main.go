// Unsubscribe serves the page on which patients choose what they receive, and the one click of mail software.
//
//	Trigger: HTTP API, /u/{token} and /u/{token}/logo
//	Reads:   link, clinic, card, contacts
//	Writes:  head, contacts, tasks, touches, jobs
//	Needs:   dynamodb:GetItem, dynamodb:BatchGetItem, dynamodb:Query, dynamodb:PutItem on the table
package main

import (
	"crypto/rand"
	"os"
	"time"

	"github.com/returnpoint/returnpoint/shared/app"
	"github.com/returnpoint/returnpoint/shared/lambdaio"
	"github.com/returnpoint/returnpoint/shared/onaws"
)

func main() {
	on := onaws.Open(os.LookupEnv, os.Stdout)
	deps := on.Deps(time.Now, rand.Reader)
	on.Start(lambdaio.HTTP(deps.Log, app.Unsubscribe(deps)))
}
