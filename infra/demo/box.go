package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"time"

	"github.com/returnpoint/returnpoint/infra/demo/practice"
	"github.com/returnpoint/returnpoint/shared/intake"
	"github.com/returnpoint/returnpoint/shared/mis/generic"
	"github.com/returnpoint/returnpoint/shared/signature"
)

// box is the running machine as its clients see it.
type box struct {
	ctx    context.Context
	base   string
	clinic string
	client *http.Client
	secret signature.Secret
	now    time.Time // what its clock showed last
	last   string    // id of the newest message seen
	spent  map[string]time.Duration
}

// newBox is the machine at a URL, for one of its clinics.
func newBox(ctx context.Context, base, clinic string) *box {
	return &box{ctx: ctx, base: base, clinic: clinic, spent: map[string]time.Duration{}, client: &http.Client{
		Timeout: 10 * time.Minute, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// timed books the time since began on what it was spent on.
func (b *box) timed(on string, began time.Time) { b.spent[on] += time.Since(began) }

// ask sends a request and reads the answer.
func (b *box) ask(method, path string, header http.Header, body []byte) (status int, answer http.Header, content []byte, err error) {
	r, err := http.NewRequestWithContext(b.ctx, method, b.base+path, bytes.NewReader(body))
	if err != nil {
		return 0, nil, nil, fmt.Errorf("ask %s: %w", b.base, err)
	}
	for name, values := range header {
		r.Header[name] = values
	}
	response, err := b.client.Do(r)
	if err != nil {
		return 0, nil, nil, fmt.Errorf("ask %s: %w", b.base, err)
	}
	defer func() { _ = response.Body.Close() }()
	content, err = io.ReadAll(response.Body)
	if err != nil {
		return 0, nil, nil, fmt.Errorf("ask %s: read the answer: %w", b.base, err)
	}
	return response.StatusCode, response.Header, content, nil
}

// read asks for JSON and wants it.
func (b *box) read(method, path string, body []byte, into any) error {
	status, _, content, err := b.ask(method, path, http.Header{"Accept": {"application/json"}, "Content-Type": {"application/json"}}, body)
	if err != nil {
		return err
	}
	if status != http.StatusOK {
		return fmt.Errorf("%s %s: %d %.300s", method, path, status, content)
	}
	if err := json.Unmarshal(content, into); err != nil {
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	return nil
}

// open finds the machine, its clock and the clinic's secret.
func (b *box) open() error {
	var clock struct{ Now time.Time }
	if err := b.read(http.MethodGet, "/_local/clock", nil, &clock); err != nil {
		return fmt.Errorf("nothing to talk to; is `make run` running? %w", err)
	}
	b.now = clock.Now
	var secret struct{ Secret string }
	if err := b.read(http.MethodPost, "/_local/webhook-secret?clinic="+url.QueryEscape(b.clinic), nil, &secret); err != nil {
		return err
	}
	var err error
	b.secret, err = signature.ParseSecret(secret.Secret)
	if err != nil {
		return fmt.Errorf("the clinic's secret: %w", err)
	}
	_, err = b.news() // what was sent before is not ours
	return err
}

// moveTo moves the clock on, unless it is there already.
func (b *box) moveTo(at time.Time) error {
	if !at.After(b.now) {
		return nil
	}
	defer b.timed("moving the clock", time.Now())
	body, err := json.Marshal(map[string]string{"now": at.Format(time.RFC3339)})
	if err != nil {
		return fmt.Errorf("write the time: %w", err)
	}
	var clock struct{ Now time.Time }
	status, _, content, err := b.ask(http.MethodPost, "/_local/clock", http.Header{"Content-Type": {"application/json"}}, body)
	if err != nil {
		return err
	}
	// The clock ticks by itself: what was ahead a moment ago can be past by now.
	if status == http.StatusBadRequest {
		if err := b.read(http.MethodGet, "/_local/clock", nil, &clock); err != nil {
			return err
		}
		if clock.Now.Before(at.Truncate(time.Second)) {
			return fmt.Errorf("the clock does not move to %s: %.300s", at.Format(time.RFC3339), content)
		}
		b.now = clock.Now
		return nil
	}
	if status != http.StatusOK {
		return fmt.Errorf("the clock does not move to %s: %d %.300s", at.Format(time.RFC3339), status, content)
	}
	if err := json.Unmarshal(content, &clock); err != nil {
		return fmt.Errorf("read the clock: %w", err)
	}
	b.now = clock.Now
	return nil
}

const (
	mostTries = 20
	// longestWait bounds a Retry-After, which is in seconds.
	longestWait = 60
)

// post signs and posts an event until it is accepted, waiting as long as it is
// told to in between, and says how often that was.
func (b *box) post(e intake.Event) (waited int, err error) {
	defer b.timed("posting events", time.Now())
	e.Clinic = b.clinic
	body, err := generic.Encode(e)
	if err != nil {
		return 0, fmt.Errorf("write %s: %w", e.Type, err)
	}
	for try := range mostTries {
		header, err := signature.Sign(e.ID, b.now, body, b.secret)
		if err != nil {
			return try, fmt.Errorf("sign %s: %w", e.Type, err)
		}
		header.Set("Content-Type", "application/json")
		status, answer, content, err := b.ask(http.MethodPost, "/v1/clinics/"+url.PathEscape(b.clinic)+"/events", header, body)
		if err != nil {
			return try, err
		}
		switch status {
		case http.StatusAccepted:
			return try, nil
		case http.StatusTooManyRequests, http.StatusServiceUnavailable:
			seconds, err := strconv.Atoi(answer.Get("Retry-After"))
			if err != nil || seconds < 1 {
				seconds = 1
			}
			if err := b.wait(time.Duration(min(seconds, longestWait)) * time.Second); err != nil {
				return try, err
			}
		default:
			return try, fmt.Errorf("%s %s: %d %.300s", e.Type, e.ID, status, content)
		}
	}
	return mostTries, fmt.Errorf("%s %s: still told to wait after %d tries", e.Type, e.ID, mostTries)
}

// wait lets real time pass, and the clock be read anew.
func (b *box) wait(d time.Duration) error {
	select {
	case <-b.ctx.Done():
		return b.ctx.Err()
	case <-time.After(d):
	}
	var clock struct{ Now time.Time }
	if err := b.read(http.MethodGet, "/_local/clock", nil, &clock); err != nil {
		return err
	}
	b.now = clock.Now
	return nil
}

// news are the messages that have left since the last look, the oldest first.
func (b *box) news() ([]practice.Message, error) {
	defer b.timed("looking", time.Now())
	var newest []practice.Message
	if err := b.read(http.MethodGet, "/_local/messages?after="+url.QueryEscape(b.last), nil, &newest); err != nil {
		return nil, err
	}
	var out []practice.Message
	for i := len(newest) - 1; i >= 0; i-- {
		out = append(out, newest[i])
	}
	if len(newest) > 0 {
		b.last = newest[0].ID
	}
	return out, nil
}

// tasks are those that stand open on the staff's list.
func (b *box) tasks() ([]practice.Task, error) {
	defer b.timed("looking", time.Now())
	var tasks []practice.Task
	return tasks, b.read(http.MethodGet, "/_local/tasks?clinic="+url.QueryEscape(b.clinic), nil, &tasks)
}

// What keeps an act from having an effect.
const (
	closed = "the link is closed"
	past   = "too late"
	absent = "the page has none"
)

// act opens a page as a patient does and posts what they press, or sends an SMS.
// late is "" or what kept it from having an effect.
func (b *box) act(a practice.Act) (late string, err error) {
	defer b.timed("patients' pages", time.Now())
	if a.From != "" {
		return "", b.sms(a)
	}
	link, err := url.Parse(a.Link)
	if err != nil {
		return "", fmt.Errorf("the link %s: %w", a.Link, err)
	}
	path := link.EscapedPath()
	status, _, page, err := b.ask(http.MethodGet, path, nil, nil)
	switch {
	case err != nil:
		return "", err
	case status == http.StatusNotFound || status == http.StatusGone:
		return closed, nil
	case status != http.StatusOK:
		return "", fmt.Errorf("%s: GET %s: %d", a.What, path, status)
	}
	if a.Form == nil {
		return "", nil
	}
	if a.Pick != "" {
		values := buttons(page, a.Pick)
		if len(values) == 0 {
			return absent, nil
		}
		a.Form.Set(a.Pick, values[a.Nth%len(values)])
	}
	status, _, page, err = b.ask(http.MethodPost, path, http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, []byte(a.Form.Encode()))
	switch {
	case err != nil:
		return "", err
	case status == http.StatusConflict:
		return past, nil
	case status != http.StatusOK && status != http.StatusSeeOther:
		return "", fmt.Errorf("%s: POST %s: %d %.300s", a.What, path, status, page)
	}
	return "", nil
}

// sms writes from a patient's phone to the practice's number.
func (b *box) sms(a practice.Act) error {
	body, err := json.Marshal(map[string]string{"from": a.From, "text": a.Text})
	if err != nil {
		return fmt.Errorf("write an SMS: %w", err)
	}
	var id struct{ ID string }
	return b.read(http.MethodPost, "/_local/inbound", body, &id)
}

// buttons are the values that a page offers for a field of its form.
func buttons(page []byte, field string) (values []string) {
	button := regexp.MustCompile(`name="` + regexp.QuoteMeta(field) + `" value="([^"]*)"`)
	for _, m := range button.FindAllSubmatch(page, -1) {
		values = append(values, html.UnescapeString(string(m[1])))
	}
	return values
}
