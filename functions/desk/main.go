// Desk serves what a clinic's staff work with, and signs them in.
//
//	Trigger: HTTP API, /desk and /desk/{proxy+}
//	Reads:   posts, clinic, lists of tasks, batches and appointments, cards, totals, jobs, imports, twins, files, log
//	Writes:  clinic, posts, log, tasks, touches, heads, appointments, contacts, bonuses, costs, ratings, jobs, imports, twins, files
//	Needs:   dynamodb:GetItem, dynamodb:BatchGetItem, dynamodb:Query, dynamodb:PutItem, dynamodb:DeleteItem
//	         on the table; dynamodb:Query on its indexes GSI1 and GSI2; sqs:SendMessage on the queue of import;
//	         s3:ListBucket on the bucket, s3:GetObject, s3:PutObject, s3:DeleteObject on its imports/, which the upload
//	         and download URLs that it signs allow as well but for the last; HTTPS to the issuer
package main

import (
	"crypto/rand"
	"maps"
	random "math/rand/v2"
	"net/http"
	"os"
	"time"

	"github.com/returnpoint/returnpoint/functions/import/formats"
	"github.com/returnpoint/returnpoint/functions/pull/systems"
	"github.com/returnpoint/returnpoint/shared/app/team"
	"github.com/returnpoint/returnpoint/shared/blob/s3"
	"github.com/returnpoint/returnpoint/shared/channel/smsgate"
	"github.com/returnpoint/returnpoint/shared/channel/whatsapp"
	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/lambdaio"
	"github.com/returnpoint/returnpoint/shared/onaws"
	"github.com/returnpoint/returnpoint/shared/queue/sqs"
)

func main() {
	on := onaws.Open(os.LookupEnv, os.Stdout)
	deps := on.Deps(time.Now, rand.Reader)
	accounts := map[string]func(dental.Account) error{dental.SMSGate: smsgate.Validate, dental.WhatsAppAccount: whatsapp.Validate}
	maps.Copy(accounts, systems.Accounts())
	desk, err := team.Desk(deps, team.Front{
		Base: on.URL("BASE_URL", "https"), Issuer: on.URL("OIDC_ISSUER", "https"), EndSession: on.Text("OIDC_END_SESSION"),
		ClientID: on.Text("OIDC_CLIENT_ID"), ClientSecret: on.Text("OIDC_CLIENT_SECRET"), Keys: on.Keys("SESSION_KEYS"),
		Client: &http.Client{Timeout: 10 * time.Second}, Operator: on.Optional("OPERATOR"),
		Accounts: accounts,
		Files:    s3.New(on.Client("S3"), on.Text("FILES_BUCKET"), time.Now), Formats: formats.All(), Uploads: on.URL("UPLOADS_ORIGIN", "https"),
		Imports: sqs.New(on.Client("SQS"), on.URL("IMPORT_QUEUE_URL", "https", "http"), random.Float64),
	})
	on.Judge(err, "BASE_URL", "OIDC_ISSUER", "OIDC_CLIENT_ID", "SESSION_KEYS", "OIDC_END_SESSION")
	on.Start(lambdaio.HTTP(deps.Log, desk))
}
