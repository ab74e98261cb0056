// Package callbacks is the table of the providers that clinics have accounts of
// their own with and that call back: what the function on AWS and the one
// machine both take.
package callbacks

import (
	"errors"
	"net/url"

	"github.com/returnpoint/returnpoint/shared/api"
	"github.com/returnpoint/returnpoint/shared/channel/smsgate"
	"github.com/returnpoint/returnpoint/shared/channel/whatsapp"
	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/reply"
)

// Providers are by the name of the clinic's account.
func Providers() map[string]api.Provider {
	return map[string]api.Provider{
		dental.SMSGate:         {Read: smsGate},
		dental.WhatsAppAccount: {Read: meta, Challenge: metaChallenge},
	}
}

func smsGate(a dental.Account, c api.Callback) (api.Told, error) {
	said, err := smsgate.Parse(c.Body, a, c.At)
	if errors.Is(err, smsgate.ErrForged) {
		return api.Told{}, api.ErrForged
	}
	told := api.Told{Reports: said.Reports, Note: said.Note}
	for _, m := range said.Inbound {
		told.Messages = append(told.Messages, reply.Message{ID: m.ID, From: m.From, Text: m.Text, At: m.At})
	}
	return told, err
}

// meta reads a webhook of WhatsApp. What Meta has signed and is still none that
// can be read would come for 7 days unless it is answered.
func meta(a dental.Account, c api.Callback) (told api.Told, err error) {
	if !whatsapp.Verify(c.Body, c.Header.Get(whatsapp.SignatureHeader), a.Secrets[whatsapp.AppSecret]) {
		return told, api.ErrForged
	}
	reports, messages, err := whatsapp.Parse(c.Body)
	if err != nil {
		told.Note = err.Error()
	}
	told.Reports = reports
	for _, m := range messages {
		told.Messages = append(told.Messages, reply.Message{ID: m.ID, From: m.From, Text: m.Text, At: m.At})
	}
	return told, nil
}

func metaChallenge(a dental.Account, query url.Values) (string, bool) {
	return whatsapp.Challenge(query, a.Settings[whatsapp.VerifyToken])
}
