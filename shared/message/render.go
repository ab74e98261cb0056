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
// those with the clinic's name, which the sender of an SMS tells too, then those
// that only say who, or how to reach the clinic, then the rest, each time the
// last one first. So a greeting makes room for what the message is about, and
// what matters most stands first. Where a long group went after a short one,
// the short one comes back if there is room for it. Nothing is ever cut short.
func (t Template) Render(values Values, limit int) Rendered {
	cleaned := Values{}
	for p, value := range values {
		cleaned[p] = clean(p, value)
	}
	absent := make([]bool, len(t.segments))
	for i, s := range t.segments {
		absent[i] = s.optional && slices.ContainsFunc(s.nodes, func(n node) bool {
			return n.value != "" && cleaned[n.value] == ""
		})
	}
	out := t.fill(cleaned, absent, limit)
	var gone []int
	for _, i := range t.dropOrder(absent) {
		if !out.Over {
			break
		}
		absent[i], gone = true, append(gone, i)
		out = t.fill(cleaned, absent, limit)
	}
	for n, i := range slices.Backward(gone) {
		absent[i] = false
		if more := t.fill(cleaned, absent, limit); more.Over {
			absent[i] = true
		} else {
			out, gone = more, slices.Delete(gone, n, n+1)
		}
	}
	for _, i := range gone {
		out.Dropped = append(out.Dropped, t.segments[i].source)
	}
	out.Missing = t.missing(cleaned)
	return out
}

// fill is the text without the groups that are absent.
func (t Template) fill(cleaned Values, absent []bool, limit int) Rendered {
	out := Rendered{Text: t.compose(cleaned, absent)}
	if limit > 0 {
		out.Text = thrifty(out.Text)
	}
	out.Parts, out.Encoding = Parts(out.Text)
	out.Over = limit > 0 && out.Parts > limit
	return out
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

// formal are the values that say who speaks to whom and how to reach the
// clinic: what a message can be without and still say what it is about.
var formal = []Placeholder{Given, Doctor, ClinicName, ClinicPhone, Address}

// dropOrder lists the groups that are there, the most dispensable first.
func (t Template) dropOrder(absent []bool) []int {
	var named, who, what []int
	for i, s := range slices.Backward(t.segments) {
		switch {
		case !s.optional || absent[i]:
		case s.uses(ClinicName):
			named = append(named, i)
		case slices.ContainsFunc(s.nodes, func(n node) bool { return n.value != "" && !slices.Contains(formal, n.value) }):
			what = append(what, i)
		default:
			who = append(who, i)
		}
	}
	return slices.Concat(named, who, what)
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
