package yclients

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/mis/ask"
	"github.com/returnpoint/returnpoint/shared/mis/told"
)

// Confirm writes back that the patient will come, or will not. It looks at the
// record first, which may be done as often as one likes, and changes it by one
// request at most. A record that was moved, given to another patient, paid for,
// or that anything has come of meanwhile is left to staff.
//
//   - "confirm" is attendance 2 of the visit (PUT /visits/{visit}/{record}), with
//     the comment that the method asks for and the services as they were read. The
//     other way, PUT /record, asks for the whole record, its time with an offset
//     and the client's contact data: it could move an appointment or overwrite a
//     number that the token's user may not see.
//   - "cancel" deletes the record, as the link in the vendor's own messages does.
//     Attendance -1 would say that the patient was waited for in vain, count as a
//     miss in the client's card, and keep the time taken.
func (c *Client) Confirm(ctx context.Context, cl *dental.Clinic, account dental.Account, a dental.Appointment, action string) error {
	if err := c.confirm(ctx, cl, account, a, action); err != nil {
		return fmt.Errorf("yclients: write the answer %q back: %w", action, err)
	}
	return nil
}

func (c *Client) confirm(ctx context.Context, cl *dental.Clinic, account dental.Account, a dental.Appointment, action string) error {
	if action != "confirm" && action != "cancel" {
		return ask.NotWritten(dental.Errorf(dental.Invalid, "action", "is neither confirm nor cancel"))
	}
	at, err := c.open(account)
	if err != nil {
		return ask.NotWritten(err)
	}
	if _, ok := number(text(a.ID)); !ok {
		return ask.NotWritten(dental.Errorf(dental.Invalid, "id", "is not that of a record of this system"))
	}
	path := "/record/" + at.company + "/" + a.ID
	var x record
	_, err = c.call(ctx, at, http.MethodGet, path, nil, nil, &x)
	if said, is := errors.AsType[*refusal](err); is && said.status == http.StatusNotFound && action == "cancel" {
		return nil // it is gone already
	}
	if err != nil {
		return ask.NotWritten(err)
	}
	done, err := ready(cl, a, x, action)
	if err != nil || done {
		return ask.NotWritten(err)
	}
	if action == "cancel" {
		_, err = c.call(ctx, at, http.MethodDelete, path, nil, nil, nil)
	} else {
		_, err = c.call(ctx, at, http.MethodPut, "/visits/"+string(x.Visit)+"/"+a.ID, nil, coming(x, a.ID), nil)
	}
	if _, refused := errors.AsType[*refusal](err); refused {
		return ask.NotWritten(err)
	}
	return err
}

// ready reports whether the record says already what the patient has, and why
// it is not to be changed from here.
func ready(cl *dental.Clinic, a dental.Appointment, x record, action string) (done bool, err error) {
	if x.Deleted != 0 {
		return told.Ready(a, nil, false, action)
	}
	whose, _ := number(x.Client.Value.ID)
	now, err := reader{clinic: cl}.appointment(x, a.ID, whose)
	if err != nil {
		return false, fmt.Errorf("read the record: %w", err)
	}
	if done, err := told.Ready(a, &now, attendance(x) == 1, action); done || err != nil {
		return done, err
	}
	conflict := func(message string) error { return dental.Errorf(dental.Conflict, "", "%s", message) }
	_, group := number(x.Activity)
	_, visit := number(x.Visit)
	switch {
	case group:
		return false, conflict("the record is of a group event")
	case action == "cancel" && (x.Paid != 0 || x.Prepaid != 0 || x.PrepaidSure != 0):
		return false, conflict("the record is paid for, and cancelling it takes a person")
	case action == "confirm" && !visit:
		return false, conflict("the record has no visit to confirm")
	case len(x.Goods) > 0:
		return false, conflict("goods are sold with the record, and changing it takes a person")
	}
	return false, nil
}

// coming is a visit that the patient has confirmed, with all else as it was read.
func coming(x record, id string) any {
	type line struct {
		ID        text   `json:"id"`
		Title     string `json:"title"`
		Cost      text   `json:"cost"`
		PerUnit   text   `json:"cost_per_unit,omitempty"`
		Discount  text   `json:"discount"`
		FirstCost text   `json:"first_cost"`
		Amount    text   `json:"amount,omitempty"`
		Record    text   `json:"record_id"`
	}
	services := []line{}
	for _, s := range x.Services {
		services = append(services, line{s.ID, string(s.Title), s.Cost, s.PerUnit, s.Discount, s.FirstCost, s.Amount, text(id)})
	}
	return struct {
		Attendance int    `json:"attendance"`
		Comment    string `json:"comment"`
		Services   []line `json:"services"`
	}{2, string(x.Comment), services}
}
