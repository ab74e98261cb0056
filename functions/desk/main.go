// Desk serves what a clinic's staff work with, and signs them in.
//
//	Trigger: HTTP API, /desk and /desk/{proxy+}
//	Reads:   posts, clinic, lists of tasks, batches and appointments, cards, totals, jobs, log
//	Writes:  clinic, posts, log, tasks, touches, heads, appointments, contacts, bonuses, costs, ratings, jobs
//	Needs:   dynamodb:GetItem, dynamodb:BatchGetItem, dynamodb:Query, dynamodb:PutItem, dynamodb:DeleteItem
//	         on the table; dynamodb:Query on its indexes GSI1 and GSI2; HTTPS to the issuer
package main

import (
	"crypto/rand"
	"maps"
	"net/http"
	"os"
	"time"

	"github.com/returnpoint/returnpoint/functions/pull/systems"
	"github.com/returnpoint/returnpoint/shared/app/team"
	"github.com/returnpoint/returnpoint/shared/channel/smsgate"
	"github.com/returnpoint/returnpoint/shared/channel/whatsapp"
	"github.com/returnpoint/returnpoint/shared/crm/bitrix24"
	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/lambdaio"
	"github.com/returnpoint/returnpoint/shared/onaws"
)

func main() {
	on := onaws.Open(os.LookupEnv, os.Stdout)
	deps := on.Deps(time.Now, rand.Reader)
	accounts := map[string]func(dental.Account) error{dental.SMSGate: smsgate.Validate, dental.WhatsAppAccount: whatsapp.Validate, dental.Bitrix24: func(a dental.Account) error { return bitrix24.Validate(a) }}
	maps.Copy(accounts, systems.Accounts())
	desk, err := team.Desk(deps, team.Front{
		Base: on.URL("BASE_URL", "https"), Issuer: on.URL("OIDC_ISSUER", "https"), EndSession: on.Text("OIDC_END_SESSION"),
		ClientID: on.Text("OIDC_CLIENT_ID"), ClientSecret: on.Text("OIDC_CLIENT_SECRET"), Keys: on.Keys("SESSION_KEYS"),
		Client: &http.Client{Timeout: 10 * time.Second}, Operator: on.Optional("OPERATOR"),
		Accounts: accounts,
	})
	on.Judge(err, "BASE_URL", "OIDC_ISSUER", "OIDC_CLIENT_ID", "SESSION_KEYS", "OIDC_END_SESSION")
	on.Start(lambdaio.HTTP(deps.Log, desk))
}
