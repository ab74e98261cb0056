package message

import "slices"

// Values are what stands in a text's places, by placeholder. They may come
// from anybody: see clean.
type Values map[Placeholder]string

// Rendered is a text ready to be sent.
type Rendered struct {
	Text     string
	Parts    int // SMS that it takes; see Parts
	Encoding Encoding
	// Dropped are the groups left out for want of room, as they were written, in the order they went.
	Dropped []string
	// Missing are the values without which the text has a hole: outside groups and empty.
	Missing []Placeholder
	// Over: the text takes more parts than the limit, whatever is left out.
	Over bool
}

// Render puts the values into the text. A limit is the number of SMS parts that
// the text may take and says that it goes by SMS; 0 is none. Under a limit,
// typographic characters become plain ones if that lets the text travel in the
// GSM alphabet; then, as long as it is too long, groups are left out: first
// those with the clinic's name, which the sender of an SMS tells too, then the
// others, each time the last one first. So what matters most stands first.
// Nothing is ever cut short.
func (t Template) Render(values Values, limit int) Rendered {
	cleaned := Values{}
	for p, value := range values {
		cleaned[p] = clean(p, value)
	}
	out := Rendered{Missing: t.missing(cleaned)}
	absent := make([]bool, len(t.segments))
	for i, s := range t.segments {
		absent[i] = s.optional && slices.ContainsFunc(s.nodes, func(n node) bool {
			return n.value != "" && cleaned[n.value] == ""
		})
	}
	optional := t.dropOrder(absent)
	for {
		out.Text = t.compose(cleaned, absent)
		if limit > 0 {
			out.Text = thrifty(out.Text)
		}
		out.Parts, out.Encoding = Parts(out.Text)
		out.Over = limit > 0 && out.Parts > limit
		if !out.Over || len(optional) == 0 {
			return out
		}
		absent[optional[0]] = true
		out.Dropped = append(out.Dropped, t.segments[optional[0]].source)
		optional = optional[1:]
	}
}

func (t Template) missing(values Values) []Placeholder {
	var out []Placeholder
	for _, p := range Placeholders() {
		if values[p] == "" && t.Requires(p) {
			out = append(out, p)
		}
	}
	return out
}

// dropOrder lists the groups that are there, the most dispensable first.
func (t Template) dropOrder(absent []bool) []int {
	var named, others []int
	for i := len(t.segments) - 1; i >= 0; i-- {
		switch s := t.segments[i]; {
		case !s.optional || absent[i]:
		case s.uses(ClinicName):
			named = append(named, i)
		default:
			others = append(others, i)
		}
	}
	return append(named, others...)
}

// branded are the values whose first letter is their own: "iSmile", "https".
var branded = []Placeholder{Link, ClinicName, MapName}

func (t Template) compose(values Values, absent []bool) string {
	var line line
	for i, s := range t.segments {
		if absent[i] {
			line.hole()
			continue
		}
		for _, n := range s.nodes {
			switch {
			case n.value == "":
				line.literal(n.literal)
			case values[n.value] == "":
				line.hole()
			default:
				line.value(values[n.value], slices.Contains(branded, n.value))
			}
		}
	}
	return line.end()
}
