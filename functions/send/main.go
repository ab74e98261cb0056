// Send claims each touch that its queue names and hands it to its channel, once,
// and each text that a member of staff sends to themselves.
//
//	Trigger: SQS queue send, batches with partial answers
//	Reads:   clinic, cards, contacts, portrait, trials
//	Writes:  touch, contacts, links, provider ids, tasks
//	Needs:   dynamodb:GetItem, dynamodb:BatchGetItem, dynamodb:Query, dynamodb:PutItem,
//	         dynamodb:ConditionCheckItem on the table; sns:Publish to phone numbers;
//	         ses:SendEmail and ses:SendRawEmail from MAIL_FROM under its identity and configuration set
package main

import (
	"context"
	"crypto/rand"
	"os"
	"time"

	"github.com/returnpoint/returnpoint/shared/app"
	"github.com/returnpoint/returnpoint/shared/channel/email"
	"github.com/returnpoint/returnpoint/shared/channel/sms"
	"github.com/returnpoint/returnpoint/shared/channel/smsgate"
	"github.com/returnpoint/returnpoint/shared/channel/whatsapp"
	"github.com/returnpoint/returnpoint/shared/channel/wire"
	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/lambdaio"
	"github.com/returnpoint/returnpoint/shared/onaws"
	"github.com/returnpoint/returnpoint/shared/outreach"
)

// need is the longest that one touch takes: the claim, the call and its record
// at their time-outs. A batch of them fits into the function's.
const need = 55 * time.Second

func main() {
	on := onaws.Open(os.LookupEnv, os.Stdout)
	deps, calls := on.Deps(time.Now, rand.Reader), wire.NewClient(wire.Options{})
	texts, err := sms.New(on.Client("SNS"), calls, sms.Settings{
		SenderID: on.Optional("SMS_SENDER_ID"), OriginationNumber: on.Optional("SMS_ORIGINATION_NUMBER")})
	on.Judge(err, "SMS_SENDER_ID", "SMS_ORIGINATION_NUMBER")
	mails, err := email.New(on.Client("SESV2"), calls, email.Settings{
		From: on.Text("MAIL_FROM"), ConfigurationSet: on.Text("SES_CONFIGURATION_SET")})
	on.Judge(err, "MAIL_FROM", "SES_CONFIGURATION_SET")
	chats, err := whatsapp.New(calls, whatsapp.Options{})
	on.Judge(err, "WHATSAPP")
	channels := map[dental.Channel]outreach.Channel{dental.SMS: texts, dental.Mail: mails}
	providers := map[string]outreach.Channel{dental.SMSGate: smsgate.New(calls, smsgate.Options{}), dental.WhatsAppAccount: chats}
	send := app.Send(deps, channels, providers, on.URL("BASE_URL", "https"))
	on.Start(lambdaio.Queue(deps.Log, need, func(ctx context.Context, m lambdaio.Message) error { return send(ctx, m.Body) }))
}
