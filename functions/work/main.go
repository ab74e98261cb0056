// Work does the jobs that outlive a request: erasures, the rest of long changes,
// rewards of recommendations, copies of doctors' photos, the sums that figures are made of.
//
//	Trigger: SQS queue work, batches with partial answers
//	Reads:   job, clinic, cards, contacts, portrait, tallies, totals
//	Writes:  job, touches, tasks, heads, recommendations, bonuses, contacts, portrait, tallies, totals; deletes what is left of the erased
//	Needs:   dynamodb:GetItem, dynamodb:BatchGetItem, dynamodb:Query, dynamodb:PutItem, dynamodb:DeleteItem,
//	         dynamodb:ConditionCheckItem on the table; dynamodb:Query on its indexes GSI1 and GSI2;
//	         HTTPS to the servers that doctors' photos stand on; the memory to decode a photo (shared/portrait)
package main

import (
	"context"
	"crypto/rand"
	"os"
	"time"

	"github.com/returnpoint/returnpoint/shared/app"
	"github.com/returnpoint/returnpoint/shared/channel/wire"
	"github.com/returnpoint/returnpoint/shared/crm/bitrix24"
	"github.com/returnpoint/returnpoint/shared/lambdaio"
	"github.com/returnpoint/returnpoint/shared/onaws"
	"github.com/returnpoint/returnpoint/shared/portrait"
	"github.com/returnpoint/returnpoint/shared/portrait/fetch"
)

// need is the time that lets a job get on; one that has not ended by then comes
// back by its due key.
const need = 30 * time.Second

func main() {
	on := onaws.Open(os.LookupEnv, os.Stdout)
	deps := on.Deps(time.Now, rand.Reader)
	crm := bitrix24.New(wire.NewClient(wire.Options{}), bitrix24.NewPace(time.Now, wire.Sleep))
	work := app.Work(deps, fetch.New(fetch.Options{}), portrait.Make, crm, on.URL("BASE_URL", "https"))
	on.Start(lambdaio.Queue(deps.Log, need, func(ctx context.Context, m lambdaio.Message) error { return work(ctx, m.Body) }))
}
