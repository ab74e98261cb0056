// Survey serves the page on which patients rate a visit.
//
//	Trigger: HTTP API, /s/{token} and /s/{token}/logo
//	Reads:   link, clinic, card
//	Writes:  answer, head, tasks, touches, jobs
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
	on.Start(lambdaio.HTTP(deps.Log, app.Survey(deps)))
}
