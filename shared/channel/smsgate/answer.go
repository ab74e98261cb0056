package smsgate

import (
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"

	"github.com/returnpoint/returnpoint/shared/channel/wire"
	"github.com/returnpoint/returnpoint/shared/outreach"
)

// refusals are the codes that the gateway documents for a request that it did
// not take: all there are.
//
// https://smsc.ru/api/http/send/sms/sms_answer/
var refusals = wire.Refusals{
	"1": {},            // a parameter is wrong
	"2": {},            // wrong login or password
	"3": {},            // too little money: nobody pays it in within minutes, and other channels need none
	"4": {Later: true}, // the IP address is blocked for a while, for frequent errors
	"5": {},            // wrong format of a date
	"6": {},            // the text or the sender is forbidden
	"7": {BadAddress: true},
	// "Cannot be delivered to this number" is said of numbers without SMS and of
	// operators without a route alike, so it is not held against the number.
	"8": {},
	// An identical request within a minute, or 15 requests at once. Texts carry
	// a link of their own, and a request is never repeated, so a first one that
	// was identical is another message of its own, or was itself refused.
	"9": {Later: true},
}

// answerForm is what fmt=1 promises: the id and the number of parts, or the id
// (0 for the codes 1, 2, 4, 5, 9) and the code with a minus.
var answerForm = regexp.MustCompile(`^([A-Za-z0-9._-]{1,40}),(-?)(0|[1-9][0-9]{0,8})$`)

// read says what an answer to the request for the message id proves: the id it
// was accepted under, a *outreach.Refusal, or any other error for nothing. The
// answer is not repeated in errors, because it may quote the number.
func read(status int, body, id string) (accepted string, err error) {
	if status != http.StatusOK {
		return "", fmt.Errorf("the gateway answered with status %d", status)
	}
	parts := answerForm.FindStringSubmatch(strings.TrimRight(body, "\r\n"))
	if parts == nil {
		return "", fmt.Errorf("the gateway's answer has %d bytes and another form than it documents", len(body))
	}
	about, refused, number := parts[1], parts[2] != "", parts[3]
	if !refused {
		if about == "0" || number == "0" {
			return "", errors.New("the gateway's answer names no message or no part of it")
		}
		return about, nil
	}
	meaning, listed := refusals[number]
	if !listed {
		return "", fmt.Errorf("the gateway's code %s is none that it documents", number)
	}
	if about != "0" && about != id {
		return "", fmt.Errorf("the gateway's code %s is about another message", number)
	}
	return "", &outreach.Refusal{Code: number, BadAddress: meaning.BadAddress, Later: meaning.Later}
}
