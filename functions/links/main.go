// Links serves the pages behind offers, gifts and the club.
//
//	Trigger: HTTP API, /o/{token}, /o/{token}/doctor.jpg, /g/{token}, /club/{token} and below each /o/{token}/logo, /g/{token}/logo, /club/{token}/logo
//	Reads:   links, clinic, card, portrait
//	Writes:  response, gift, head, tasks, touches, jobs
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
	on.Start(lambdaio.HTTP(deps.Log, app.Links(deps, on.URL("BASE_URL", "https"))))
}
