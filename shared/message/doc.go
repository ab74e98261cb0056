// Package message turns a clinic's words into what a patient receives: it
// compiles the small language that texts are written in, renders them within a
// limit of SMS parts, counts those parts, checks a text against the class it
// is sent under, and lays out the e-mail. It is pure.
//
// # The language of texts
//
// A text is one paragraph. {given} stands for a value; the names are the
// Placeholder constants. A part in brackets is optional: it vanishes when any
// value inside it is empty, and may be left out when the text is too long.
//
//	[{given}, ]вас ждёт[ доктор {doctor}] {date} в {time}.[ {clinic}.] {link}
//
// A brace or bracket itself is written twice: {{ }} [[ ]]. Brackets do not
// stand inside brackets. White space, line ends included, counts as one space.
// Where something vanished, spaces and punctuation close up, and the first
// letter of the text becomes a capital.
package message
