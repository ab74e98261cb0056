package intake

import (
	"net/mail"
	"strings"

	"github.com/returnpoint/returnpoint/shared/dental"
)

// email is the address in lower case, or nothing if no mail could reach it.
func email(spelled string) dental.Email {
	s := strings.ToLower(strings.TrimSpace(spelled))
	a, err := mail.ParseAddress(s)
	if err != nil || a.Address != s || len(s) > 254 || !strings.Contains(s[strings.LastIndexByte(s, '@')+1:], ".") {
		return ""
	}
	return dental.Email(s)
}
