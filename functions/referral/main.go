// Referral serves the page on which a patient's friend leaves a number.
//
//	Trigger: HTTP API, /r/{code} and /r/{code}/logo
//	Reads:   link, clinic, card, contact; of a phone that is known, the heads and one card behind it
//	Writes:  recommendation, contact, head, tasks, touches, jobs
//	Needs:   dynamodb:GetItem, dynamodb:BatchGetItem, dynamodb:Query, dynamodb:PutItem on the table
package main

import (
	"crypto/rand"
	"os"
	"time"

	"github.com/returnpoint/returnpoint/shared/app"
	"github.com/returnpoint/returnpoint/shared/lambdaio"
	"github.com/returnpoint/returnpoint/shared/onaws"
	"github.com/returnpoint/returnpoint/shared/phone"
)

func main() {
	on := onaws.Open(os.LookupEnv, os.Stdout)
	deps := on.Deps(time.Now, rand.Reader)
	on.Start(lambdaio.HTTP(deps.Log, app.Referral(deps, phone.Read)))
}
