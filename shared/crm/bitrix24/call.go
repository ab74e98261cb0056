package bitrix24

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/returnpoint/returnpoint/shared/channel/wire"
	"github.com/returnpoint/returnpoint/shared/dental"
)

// object is a JSON object of a request.
type object map[string]any

// caller calls the methods of one portal for one task.
type caller struct {
	calls  *wire.Client
	pace   *wire.Pace
	portal desk
	// hidden are texts that no error may quote.
	hidden []string
}

const (
	// longestAnswer is far above that of any method used here: lists have 50 rows
	// of three fields, a task some 10 KB.
	longestAnswer = 1 << 20
	// A call that the portal turned away unread, because there were too many, is
	// made this often in all; the pause before the next doubles from the first.
	tries      = 4
	firstPause = time.Second
)

// call calls a method and reads what it returns into result, unless that is
// nil. It waits for its turn, and again when the portal says that there were
// too many calls; nothing else is repeated.
func (p *caller) call(ctx context.Context, method string, params, result any) error {
	body, err := json.Marshal(params)
	if err != nil {
		return fmt.Errorf("write the parameters of %s: %w", method, err)
	}
	pause := firstPause
	for try := 1; ; try++ {
		if err := p.pace.Wait(ctx, p.portal.Host); err != nil {
			return unavailable("there was no time to call Bitrix24", err)
		}
		err := p.once(ctx, method, body, result)
		said := (*refusal)(nil)
		if !errors.As(err, &said) || said.code != "QUERY_LIMIT_EXCEEDED" || try == tries {
			return err
		}
		p.pace.Exceeded(p.portal.Host)
		if p.pace.Pause(ctx, pause) != nil {
			return err
		}
		pause *= 2
	}
}

// once makes one request.
func (p *caller) once(ctx context.Context, method string, body []byte, result any) error {
	ctx, _ = wire.Begin(ctx)
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, p.portal.Base+method, bytes.NewReader(body))
	if err != nil {
		return unavailable("Bitrix24 could not be called", p.blot(method, err))
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "application/json")
	r.Header.Set("User-Agent", "return-point/1")
	resp, err := p.calls.Do(r)
	if err != nil {
		return unavailable("Bitrix24 does not answer", p.blot(method, err))
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, longestAnswer+1))
	if err != nil {
		return unavailable("Bitrix24's answer was lost", p.blot(method, err))
	}
	return p.read(method, resp.StatusCode, raw, result)
}

// read takes an answer apart. What tells an error is that the key is there, not
// its value and not the status: https://apidocs.bitrix24.com/error-codes.html
func (p *caller) read(method string, status int, raw []byte, result any) error {
	var answer struct {
		Result      json.RawMessage `json:"result"`
		Error       json.RawMessage `json:"error"`
		Description json.RawMessage `json:"error_description"`
	}
	said := &refusal{method: method, status: status}
	if len(raw) > longestAnswer {
		return unavailable("Bitrix24's answer is too long", said)
	}
	switch err := json.Unmarshal(raw, &answer); {
	case err != nil && status/100 == 3:
		return invalid("the portal has another address now: copy the webhook anew", said)
	case err != nil && (status == http.StatusUnauthorized || status == http.StatusForbidden || status == http.StatusNotFound):
		return invalid("there is no Bitrix24 at the portal's address", said)
	case err != nil:
		return unavailable("Bitrix24's answer cannot be read", said)
	case len(answer.Error) > 0 && string(answer.Error) != "null":
		said.code = p.hide(text(answer.Error), 64)
		said.description = p.hide(text(answer.Description), 200)
		return said.judge()
	case status/100 == 3:
		return invalid("the portal has another address now: copy the webhook anew", said)
	case status/100 != 2 || len(answer.Result) == 0:
		return unavailable("Bitrix24's answer cannot be read", said)
	}
	// PHP writes an object without keys as a list.
	if result == nil || string(answer.Result) == "[]" {
		return nil
	}
	if json.Unmarshal(answer.Result, result) != nil {
		return unavailable("Bitrix24's answer cannot be read", said)
	}
	return nil
}

// refusal is an error that the portal said, or an answer that is none.
type refusal struct {
	method      string
	status      int
	code        string // may be empty in an error, too
	description string
}

func (r *refusal) Error() string {
	return strings.TrimRight(fmt.Sprintf("%s: HTTP %d %s %s", r.method, r.status, r.code, r.description), " ")
}

// judge says whose turn it is. The codes, and which of them a repeat can help
// against, are those of https://apidocs.bitrix24.com/error-codes.html
func (r *refusal) judge() error {
	switch r.code {
	case "QUERY_LIMIT_EXCEEDED":
		return unavailable("Bitrix24 takes no more calls just now", r)
	case "OPERATION_TIME_LIMIT": // for minutes
		return unavailable("Bitrix24 has blocked the method for a while, because it took too long too often", r)
	case "INTERNAL_SERVER_ERROR", "ERROR_UNEXPECTED_ANSWER":
		return unavailable("Bitrix24 failed inside", r)
	case "NO_AUTH_FOUND", "INVALID_CREDENTIALS":
		return invalid("Bitrix24 knows no such webhook: check its user and its code, or make a new one", r)
	case "expired_token":
		return invalid("the webhook has expired: make a new one", r)
	case "insufficient_scope", "ERROR_METHOD_NOT_FOUND":
		return invalid("the webhook is allowed too little: it needs CRM (crm) and tasks (task)", r)
	case "user_access_error":
		return invalid("the webhook's user has no access", r)
	case "OVERLOAD_LIMIT":
		return invalid("Bitrix24 has blocked the portal's REST API: ask its support", r)
	case "PORTAL_DELETED":
		return invalid("the portal is closed", r)
	case "ACCESS_DENIED":
		if r.status == http.StatusUnauthorized {
			return invalid("the portal's plan has no REST API", r)
		}
		return invalid("the webhook's user has too few rights in Bitrix24", r)
	}
	if r.status >= 500 || r.status == http.StatusTooManyRequests {
		return unavailable("Bitrix24 failed inside", r)
	}
	// An error of the method's own comes back however often it is called; most
	// often a user of the settings does not exist any more.
	return invalid("Bitrix24 refused: check the webhook's rights and the responsible user", r)
}

func unavailable(message string, cause error) error {
	return &dental.Error{Kind: dental.Unavailable, Message: message, Err: cause}
}

func invalid(message string, cause error) error {
	return &dental.Error{Kind: dental.Invalid, Message: message, Err: cause}
}

// blot makes an error of a call one that can be shown: net/http puts the URL,
// and so the webhook's code, before what went wrong.
func (p *caller) blot(method string, err error) error {
	if about := (*url.Error)(nil); errors.As(err, &about) {
		err = about.Err
	}
	return blotted{method + ": " + p.hide(err.Error(), 300), err}
}

// blotted is an error with another text. What is inside is for errors.Is alone.
type blotted struct {
	text string
	err  error
}

func (b blotted) Error() string        { return b.text }
func (b blotted) Is(target error) bool { return errors.Is(b.err, target) }

// hide blots out of a text what may not be quoted, and cuts it.
func (p *caller) hide(s string, n int) string {
	secrets := append([]string{p.portal.Secret}, p.hidden...)
	// The longest first, lest a part of one leave the rest of it standing.
	slices.SortStableFunc(secrets, func(a, b string) int { return len(b) - len(a) })
	for _, secret := range secrets {
		if utf8.RuneCountInString(secret) > 1 {
			s = strings.ReplaceAll(s, secret, "***")
		}
	}
	return line(s, n)
}

// text reads a string, or whatever else stands there, as it is written.
func text(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	return string(raw)
}

// number is an id, which some methods write as a number and some as a string.
type number int64

func (n *number) UnmarshalJSON(raw []byte) error {
	s := strings.Trim(string(raw), `"`)
	if s == "null" || s == "" {
		*n = 0
		return nil
	}
	v, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return errors.New("bitrix24: an id is not a number")
	}
	*n = number(v)
	return nil
}

// numbers is a list of ids, which PHP writes as an object when its keys have gaps.
type numbers []number

func (n *numbers) UnmarshalJSON(raw []byte) error {
	if bytes.HasPrefix(raw, []byte("{")) {
		var gappy map[string]number
		if err := json.Unmarshal(raw, &gappy); err != nil {
			return fmt.Errorf("bitrix24: a list of ids: %w", err)
		}
		for _, id := range gappy {
			*n = append(*n, id)
		}
		return nil
	}
	var list []number
	if err := json.Unmarshal(raw, &list); err != nil {
		return fmt.Errorf("bitrix24: a list of ids: %w", err)
	}
	*n = list
	return nil
}
