package sheet

import "testing"

func TestNoSpellingOfAHeaderIsOfTwoFields(t *testing.T) {
	seen := map[string]field{}
	for f := none + 1; f < fields; f++ {
		h := headings[f]
		if h.name == "" || len(h.spelt) == 0 {
			t.Fatalf("field %d has no name or no spellings", f)
		}
		for _, s := range append([]string{h.name}, append(h.spelt, h.common...)...) {
			if other, known := seen[fold(s)]; fold(s) == "" || known && other != f {
				t.Errorf("%q is of %q and of %q", s, other, f)
			}
			seen[fold(s)] = f
		}
	}
	if n := len(seen); n < 700 {
		t.Errorf("%d spellings", n)
	}
}
