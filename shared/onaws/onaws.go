// Package onaws is the part of a composition root that every function on AWS
// shares: the settings of its environment, the configuration of its clients,
// the store over DynamoDB, and a start that is refused with one message when
// anything of it is missing or wrong. The clients of other services are named by
// the main.go that needs them.
//
// Everything comes from the environment, where Lambda puts the region and the
// credentials too. The SDK's own package config would look into files and at
// other services as well, and link them into each cold start.
package onaws

import (
	"context"
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/returnpoint/returnpoint/shared/app"
	"github.com/returnpoint/returnpoint/shared/lambdaio"
	"github.com/returnpoint/returnpoint/shared/scenario"
	"github.com/returnpoint/returnpoint/shared/store"
	"github.com/returnpoint/returnpoint/shared/table/dynamo"
)

// Root is a composition in the making. What it is asked for and does not have it
// gives as a zero value, and notes; Start goes no further then.
type Root struct {
	settings
	log *slog.Logger
}

// Open begins a composition over an environment, which is os.LookupEnv's, and a
// log of JSON lines, which is written to os.Stdout.
func Open(lookup func(string) (string, bool), log io.Writer) *Root {
	return &Root{settings: settings{lookup: lookup}, log: lambdaio.Logger(log, slog.LevelInfo)}
}

// Deps are what app composes every function of, over the table TABLE. The keys
// are CONTACT_KEY and LINK_KEY.
func (r *Root) Deps(clock func() time.Time, rand io.Reader) app.Deps {
	contact, link := r.key("CONTACT_KEY"), r.key("LINK_KEY")
	if len(contact) > 0 && string(contact) == string(link) {
		r.note("CONTACT_KEY and LINK_KEY are the same key")
	}
	engine := dynamo.New(dynamo.NewClient(r.Client("DYNAMODB")), r.Text("TABLE"), clock, rand)
	state, err := store.New(engine, store.Keys{Contact: contact, Link: link}, clock)
	r.Judge(err, "CONTACT_KEY", "LINK_KEY")
	return app.Deps{Store: state, Catalogue: scenario.Shipped(), Clock: clock, Rand: rand, Log: r.log}
}

// Client is the configuration of one service's client: region and credentials,
// and where AWS_ENDPOINT_URL_<service>, or AWS_ENDPOINT_URL for all of them,
// names one, the endpoint of a compatible service. The names of services are
// those of the SDK's reference guide: DYNAMODB, SQS, SNS, SESV2.
func (r *Root) Client(service string) aws.Config {
	credentials := aws.Credentials{
		AccessKeyID:     r.Text("AWS_ACCESS_KEY_ID"),
		SecretAccessKey: r.Text("AWS_SECRET_ACCESS_KEY"),
		SessionToken:    r.Optional("AWS_SESSION_TOKEN"),
		Source:          "environment",
	}
	cfg := aws.Config{
		Region: r.Text("AWS_REGION"),
		// Those of a Lambda's environment outlive the process that was given them.
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) { return credentials, nil }),
	}
	for _, name := range []string{"AWS_ENDPOINT_URL_" + service, "AWS_ENDPOINT_URL"} {
		if r.Optional(name) != "" {
			cfg.BaseEndpoint = aws.String(r.URL(name, "https", "http"))
			break
		}
	}
	return cfg
}

// Start runs the function and does not return. A composition that lacks
// something ends the process with one line that names all of it.
func (r *Root) Start(h lambdaio.Handler) {
	if err := r.Err(); err != nil {
		r.log.Error("the function cannot start", "err", err)
		os.Exit(1)
	}
	lambdaio.Start(h)
}
