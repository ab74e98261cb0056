package dental

import (
	"fmt"
	"io"
	"log/slog"
)

// Trial is a message that staff send to themselves, to see a text as patients do.
type Trial struct {
	Channel Channel
	To      string
	Class   Class
	Locale  string
	Subject string
	Text    string
	HTML    string
	Parts   int
}

// Format keeps the text and the address out of every verb.
func (t Trial) Format(f fmt.State, _ rune) {
	_, _ = io.WriteString(f, "trial by "+string(t.Channel))
}

// LogValue keeps the text and the address out of logs.
func (t Trial) LogValue() slog.Value { return slog.StringValue("trial by " + string(t.Channel)) }
