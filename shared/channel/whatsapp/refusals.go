package whatsapp

import "github.com/returnpoint/returnpoint/shared/channel/wire"

// refusals are the codes that the reference documents for sending a message and
// that say that it was not taken. 1, 2, 131000, 131016, 133004 and 135000 speak
// of errors that Meta itself does not know or of a server that failed, prove
// nothing and are not here; neither are the codes of registering numbers, of
// media and of creating templates.
//
// None is held against the address, 131026 neither: it says that the number is
// not on WhatsApp, or that its owner has not accepted the terms or has an old
// version, and SMS reaches the same number.
//
// https://developers.facebook.com/documentation/business-messaging/whatsapp/support/error-codes
var refusals = wire.Refusals{
	// Authorization; see meaningOf for 200 to 299.
	"0":   {}, // the app user could not be authenticated
	"3":   {}, // capability or permissions
	"10":  {}, // permission not granted or removed
	"104": {}, // no access token was provided
	"190": {}, // the access token has expired

	// Integrity.
	"368":    {}, // the account is restricted or disabled
	"130497": {}, // it may not write to users of this country
	"131031": {}, // it is locked

	// Throttling. 131048 and 131064 last for days, and another channel is sooner.
	"4":      {Later: true}, // too many calls of the app
	"80007":  {Later: true}, // too many calls of the account
	"130429": {Later: true}, // throughput
	"131056": {Later: true}, // too many messages to this one number in a short time
	"131057": {Later: true}, // maintenance, as for a change of throughput
	"131048": {},            // restricted, because too many were blocked or flagged as spam
	"131064": {},            // limited, because templates have the wrong category

	// The sender.
	"33":     {}, // the business number was deleted
	"131005": {}, // permission not granted or removed
	"131037": {}, // the number has no approved display name
	"131042": {}, // payment
	"131045": {}, // the number is not registered with its certificate
	"133010": {}, // the number is not registered
	"134011": {}, // the terms of payments are not accepted

	// The reader.
	"130403": {}, // the business has blocked them
	"130472": {}, // part of an experiment without marketing messages
	"131021": {}, // the sender's own number
	"131026": {}, // undeliverable
	// Of numbers for trying out alone; in no list, but in the document on calls:
	// https://developers.facebook.com/documentation/business-messaging/whatsapp/calling/troubleshooting
	"131030": {},
	"131047": {}, // more than 24 hours since they wrote, and this is no template
	"131049": {}, // enough marketing messages for now
	"131050": {}, // they have stopped marketing messages of this business

	// The request and the template.
	"100":    {}, // unsupported or misspelled parameters
	"131008": {}, // a required parameter is missing
	"131009": {}, // a parameter's value is not valid
	"131051": {}, // unsupported type of message
	"131063": {}, // marketing templates are switched off
	"132000": {}, // another number of parameters
	"132001": {}, // no such template in the language, or it is not approved
	"132005": {}, // too long with its parameters
	"132007": {}, // against a policy
	"132012": {}, // parameters of another format
	"132015": {}, // paused for low quality
	"132016": {}, // disabled for low quality
	"132018": {}, // parameters that are not valid
	"132068": {}, // its flow is blocked
	"132069": {}, // its flow is throttled
}

// meaningOf finds a code of the list. 200 to 299 are one line of it: permission
// not granted or removed.
func meaningOf(code digits) (m wire.Meaning, listed bool) {
	if len(code) == 3 && code[0] == '2' {
		return wire.Meaning{}, true
	}
	m, listed = refusals[string(code)]
	return m, listed
}
