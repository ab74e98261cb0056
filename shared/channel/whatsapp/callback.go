package whatsapp

import (
	"net/url"
	"strings"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/outreach"
)

// marker begins the callback data of ours: other software that writes from the
// clinic's number may have its own.
const marker = "rp1"

// maxCallback is the most characters of biz_opaque_callback_data:
// https://developers.facebook.com/docs/whatsapp/business-platform/changelog
const maxCallback = 512

// callbackData is what the API gives back with every status of the message:
// rp1/clinic/patient/scenario/step/anchor/attempt, each escaped as in a path.
// The longest ids there are take 410 characters. An error is dental.Invalid.
func callbackData(touch outreach.TouchRef, attempt string) (string, error) {
	parts := []string{touch.Clinic, touch.Patient, touch.Scenario, touch.Step, touch.Anchor, attempt}
	for i, p := range parts {
		if p == "" {
			return "", dental.Errorf(dental.Invalid, "", "the name of the touch or its attempt is not whole")
		}
		parts[i] = url.PathEscape(p)
	}
	data := marker + "/" + strings.Join(parts, "/")
	if len(data) > maxCallback {
		return "", dental.Errorf(dental.Invalid, "", "the name of the touch takes %d characters of %d", len(data), maxCallback)
	}
	return data, nil
}

// parseCallback reads back what callbackData has written, and nothing else:
// data of others is the zero TouchRef.
func parseCallback(data string) (touch outreach.TouchRef, attempt string) {
	parts := strings.Split(data, "/")
	if len(parts) != 7 {
		return outreach.TouchRef{}, ""
	}
	for i, p := range parts {
		var err error
		if parts[i], err = url.PathUnescape(p); err != nil {
			return outreach.TouchRef{}, ""
		}
	}
	touch = outreach.TouchRef{Clinic: parts[1], Patient: parts[2], Scenario: parts[3], Step: parts[4], Anchor: parts[5]}
	if written, err := callbackData(touch, parts[6]); err != nil || written != data {
		return outreach.TouchRef{}, ""
	}
	return touch, parts[6]
}
