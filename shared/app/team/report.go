package team

import (
	"context"
	"errors"
	"time"

	"github.com/returnpoint/returnpoint/shared/app"
	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/desk"
	"github.com/returnpoint/returnpoint/shared/outreach"
	"github.com/returnpoint/returnpoint/shared/report"
)

// Report tells the clinics' people, by e-mail, what came of the week and that an
// MIS has fallen silent: its Tick queues what is to be told, its Handle tells
// what a message names. base is the URL under which the desk stands. Reads: list
// of clinics, notices, staff, tasks, totals, costs, ratings. Writes: notices.
func Report(d app.Deps, mail outreach.Channel, notices report.Queue, base string) *report.Reporter {
	return &report.Reporter{Store: d.Store, Figures: weeks(d), Catalogue: d.Catalogue, Queue: notices, Mail: letters(mail), Base: base, Clock: d.Clock, NewID: d.AttemptID, Log: d.Log}
}

// weeks works the weeks out as the desk's figures have them.
func weeks(d app.Deps) report.Figures {
	measures := &desk.Measures{Store: d.Store}
	return func(ctx context.Context, cl *dental.Clinic, now time.Time) (report.Weeks, error) {
		p, err := measures.Picture(ctx, cl.ID, desk.ByWeek, now)
		return report.Weeks{Series: p.Series, Lifts: p.Lifts, Costs: p.Costs, Ratings: p.Ratings, AsOf: p.AsOf}, err
	}
}

// letters hands the letters to staff to the channel of e-mail. They bear no
// patient, so that a report about one settles nothing.
func letters(mail outreach.Channel) report.Mail {
	return func(ctx context.Context, l report.Letter) error {
		_, err := mail.Send(ctx, outreach.Message{
			Touch:   outreach.TouchRef{Clinic: l.Clinic, Scenario: "report", Step: l.Kind, Anchor: l.Anchor + "." + l.Person},
			Attempt: l.Attempt, Channel: dental.Mail, To: l.To, Class: dental.Service, Locale: l.Locale,
			Subject: l.Subject, Text: l.Text, HTML: l.HTML, Sender: l.Sender, Chart: l.Chart, Links: l.Links,
		})
		var refusal *outreach.Refusal
		if errors.As(err, &refusal) {
			return &report.Refusal{Code: refusal.Code, Later: refusal.Later, Err: err}
		}
		return err
	}
}
