// Package systems is the table of the systems of record that clinics may have an
// account with: what the functions on AWS and the one machine both take.
package systems

import (
	"time"

	"github.com/returnpoint/returnpoint/shared/channel/wire"
	crm "github.com/returnpoint/returnpoint/shared/crm/bitrix24"
	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/intake"
	"github.com/returnpoint/returnpoint/shared/mis/bitrix24"
	"github.com/returnpoint/returnpoint/shared/mis/fhir"
	"github.com/returnpoint/returnpoint/shared/mis/opendental"
	"github.com/returnpoint/returnpoint/shared/mis/renovatio"
	"github.com/returnpoint/returnpoint/shared/mis/sqns"
	"github.com/returnpoint/returnpoint/shared/mis/yclients"
	"github.com/returnpoint/returnpoint/shared/pull"
)

// Readers read what they tell by themselves, by the name of the clinic's account.
func Readers() map[string]intake.Dialect {
	return map[string]intake.Dialect{
		dental.YClients:   {Read: yclients.Read, Largest: yclients.Largest},
		dental.SQNS:       {Read: sqns.Read, Largest: sqns.Largest},
		dental.Renovatio:  {Read: renovatio.Read, Largest: renovatio.Largest},
		dental.FHIR:       {Read: fhir.Read, Largest: fhir.Largest},
		dental.OpenDental: {Read: opendental.Read, Largest: opendental.Largest},
		dental.Bitrix24:   {Read: bitrix24.Read, Largest: bitrix24.Largest},
	}
}

// Patience is what the patient calls of Clients may take.
const Patience = renovatio.Timeout

// Clients are the ways to those that have an API, over the connections of calls,
// and to the slow one over those of patient, which wait for longer.
// hosts may be called beside the vendors' own: a test's servers.
func Clients(calls, patient *wire.Client, clock func() time.Time, hosts ...string) map[string]pull.System {
	return map[string]pull.System{
		dental.YClients:   yclients.New(calls, yclients.NewPace(clock, wire.Sleep), hosts...),
		dental.SQNS:       sqns.New(calls, hosts...),
		dental.Renovatio:  renovatio.New(patient, hosts...),
		dental.FHIR:       fhir.New(calls, hosts...),
		dental.OpenDental: opendental.New(calls, hosts...),
		dental.Bitrix24:   bitrix24.New(calls, hosts...),
	}
}

// Opens reports whether an account has what its system's API asks for. Without
// it the system's webhooks are read all the same, and nothing is asked.
func Opens(system string, a dental.Account) bool {
	switch system {
	case dental.YClients:
		return a.Secrets[yclients.PartnerSecret] != "" && a.Secrets[yclients.UserSecret] != ""
	case dental.SQNS:
		return a.Secrets[sqns.TokenSecret] != ""
	case dental.Renovatio:
		return a.Secrets[renovatio.KeySecret] != ""
	case dental.Bitrix24: // the account is there for the tasks alone, too
		return a.Secrets[crm.WebhookSecret] != "" && a.Secrets[bitrix24.ApplicationSecret] != ""
	case dental.FHIR:
		return a.Settings[fhir.URLSetting] != ""
	case dental.OpenDental:
		return a.Secrets[opendental.DeveloperSecret] != "" && a.Secrets[opendental.CustomerSecret] != ""
	}
	return false
}

// Accounts judge the accounts that a clinic may have with them.
func Accounts() map[string]func(dental.Account) error {
	return map[string]func(dental.Account) error{
		dental.YClients:   yclients.Validate,
		dental.SQNS:       sqns.Validate,
		dental.FHIR:       func(a dental.Account) error { return fhir.Validate(a) },
		dental.Renovatio:  renovatio.Validate,
		dental.OpenDental: func(a dental.Account) error { return opendental.Validate(a) },
		dental.Bitrix24: func(a dental.Account) error { // the CRM that tasks are told to is the same portal
			if err := crm.Validate(a); err != nil {
				return err
			}
			return bitrix24.Validate(a)
		},
	}
}
