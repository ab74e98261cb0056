// Package sms hands text messages to Amazon SNS.
//
// Publish has no idempotency token, so a message is handed over in one request
// and no more: the SDK's retryer is off and the client under it is wire's. SNS
// reports what became of a message by its message id, in the delivery log.
package sms

import (
	"context"
	"errors"
	"fmt"
	"regexp"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"

	"github.com/returnpoint/returnpoint/shared/channel/wire"
	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/outreach"
)

// Settings are what an account has agreed with the operators; both may be empty.
type Settings struct {
	// SenderID is the name shown as the sender, where a country allows one: up
	// to 11 letters and digits with at least one letter.
	SenderID string
	// OriginationNumber is the account's own number to send from, in E.164 or a
	// short code.
	OriginationNumber string
}

// Channel is the SMS channel over Amazon SNS.
type Channel struct {
	sns        *sns.Client
	attributes map[string]types.MessageAttributeValue
}

var _ outreach.Channel = (*Channel)(nil)

var (
	e164     = regexp.MustCompile(`^\+[1-9][0-9]{6,14}$`)
	number   = regexp.MustCompile(`^\+?[0-9]{3,15}$`)
	senderID = regexp.MustCompile(`^[0-9]*[A-Za-z][0-9A-Za-z]*$`)
)

// New makes the channel. Region, credentials and endpoint come from cfg; its
// HTTP client and its retryer are not used.
func New(cfg aws.Config, calls *wire.Client, s Settings) (*Channel, error) {
	var wrong []error
	attributes := map[string]types.MessageAttributeValue{}
	if s.SenderID != "" {
		attributes["AWS.SNS.SMS.SenderID"] = text(s.SenderID)
		if len(s.SenderID) > 11 || !senderID.MatchString(s.SenderID) {
			wrong = append(wrong, dental.Errorf(dental.Invalid, "SenderID", "%q is not up to 11 letters and digits with a letter among them", s.SenderID))
		}
	}
	if s.OriginationNumber != "" {
		attributes["AWS.MM.SMS.OriginationNumber"] = text(s.OriginationNumber)
		if !number.MatchString(s.OriginationNumber) {
			wrong = append(wrong, dental.Errorf(dental.Invalid, "OriginationNumber", "%q is not a number to send from", s.OriginationNumber))
		}
	}
	if len(wrong) > 0 {
		return nil, fmt.Errorf("sms: settings: %w", errors.Join(wrong...))
	}
	client := sns.NewFromConfig(cfg, func(o *sns.Options) {
		o.Retryer = aws.NopRetryer{}
		o.HTTPClient = calls
	})
	return &Channel{sns: client, attributes: attributes}, nil
}

// refusals are the errors that the API reference documents for Publish and for
// all actions and that are told before anything was accepted. InternalError,
// InternalFailure and ServiceUnavailable prove nothing and are not here.
//
// InvalidParameter is not held against the number: SNS says "PhoneNumber is not
// valid to publish to" of every number when SMS is not offered in the Region.
//
// https://docs.aws.amazon.com/sns/latest/api/API_Publish.html
// https://docs.aws.amazon.com/sns/latest/api/CommonErrors.html
var refusals = wire.Refusals{
	"InvalidParameter":            {},
	"InvalidParameterValue":       {},
	"ParameterValueInvalid":       {}, // the name of the one above in the model of the API
	"InvalidParameterCombination": {},
	"InvalidQueryParameter":       {},
	"MissingParameter":            {},
	"MissingAction":               {},
	"InvalidAction":               {},
	"MalformedQueryString":        {},
	"ValidationError":             {},
	"ValidationException":         {},
	"UserError":                   {},
	"NotFound":                    {},
	"EndpointDisabled":            {},
	"PlatformApplicationDisabled": {},

	// Publish accepts and then drops what goes to a number that has opted out,
	// as the delivery log tells; a compatible service may say so at once.
	"OptedOut": {BadAddress: true},

	"AuthorizationError":          {},
	"AccessDenied":                {},
	"AccessDeniedException":       {},
	"NotAuthorized":               {},
	"OptInRequired":               {},
	"InvalidSecurity":             {},
	"InvalidClientTokenId":        {},
	"UnrecognizedClientException": {},
	"MissingAuthenticationToken":  {},
	"IncompleteSignature":         {},
	"SignatureDoesNotMatch":       {},
	"KMSAccessDenied":             {},
	"KMSDisabled":                 {},
	"KMSInvalidState":             {},
	"KMSNotFound":                 {},
	"KMSOptInRequired":            {},

	"Throttled":             {Later: true},
	"Throttling":            {Later: true},
	"ThrottlingException":   {Later: true},
	"KMSThrottling":         {Later: true},
	"RequestExpired":        {Later: true},
	"ExpiredToken":          {Later: true},
	"ExpiredTokenException": {Later: true},
}

// Send publishes the text to the number; see outreach.Channel for its errors.
func (c *Channel) Send(ctx context.Context, m outreach.Message) (string, error) {
	if !e164.MatchString(m.To) {
		return "", fmt.Errorf("sms: %w", wire.Unsendable("invalid-number", "the number is not in E.164", wire.Meaning{BadAddress: true}))
	}
	if m.Text == "" {
		return "", fmt.Errorf("sms: %w", wire.Unsendable("empty-text", "there is no text", wire.Meaning{}))
	}
	attributes := map[string]types.MessageAttributeValue{"AWS.SNS.SMS.SMSType": text(smsType(m.Class))}
	for name, value := range c.attributes {
		attributes[name] = value
	}
	ctx, call := wire.Begin(ctx)
	out, err := c.sns.Publish(ctx, &sns.PublishInput{
		PhoneNumber:       aws.String(m.To),
		Message:           aws.String(m.Text),
		MessageAttributes: attributes,
	})
	if err != nil {
		return "", fmt.Errorf("sms: publish: %w", wire.Verdict(call, err, refusals, m.To))
	}
	id := aws.ToString(out.MessageId)
	if id == "" {
		return "", errors.New("sms: publish: the answer has no message id")
	}
	return id, nil
}

// smsType is how SNS routes a text. Care is about the reader's own health and
// offers nothing for money, so it travels as surely as service does.
func smsType(c dental.Class) string {
	if c == dental.Advertising {
		return "Promotional"
	}
	return "Transactional"
}

func text(s string) types.MessageAttributeValue {
	return types.MessageAttributeValue{DataType: aws.String("String"), StringValue: aws.String(s)}
}
