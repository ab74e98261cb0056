// Confirm serves the page on which patients answer for their appointments.
//
//	Trigger: HTTP API, /c/{token}, /c/{token}/logo, /c/{token}/visit.ics and /c/{token}/doctor.jpg
//	Reads:   link, clinic, cards, portrait
//	Writes:  appointments, heads, tasks, touches, jobs
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
	on.Start(lambdaio.HTTP(deps.Log, app.Confirm(deps)))
}
