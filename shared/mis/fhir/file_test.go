package fhir_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/returnpoint/returnpoint/shared/load"
	"github.com/returnpoint/returnpoint/shared/locale"
	"github.com/returnpoint/returnpoint/shared/mis/fhir"
)

// memory is a file.
type memory string

func (m memory) Size() int64 { return int64(len(m)) }

func (m memory) Open(_ context.Context, from int64) (io.ReadCloser, error) {
	return io.NopCloser(strings.NewReader(string(m)[min(int(from), len(m)):])), nil
}

// broken is a file whose disk fails after some bytes.
type broken struct {
	memory
	after int
}

var errDisk = errors.New("the disk is gone")

func (b broken) Open(_ context.Context, from int64) (io.ReadCloser, error) {
	return io.NopCloser(io.MultiReader(strings.NewReader(string(b.memory)[min(int(from), b.after):b.after]), failing{})), nil
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errDisk }

func packed(t testing.TB, s string) memory {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := w.Write([]byte(s)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return memory(out.String())
}

// lines are what the records of a file say, and how it ended.
func lines(t *testing.T, f load.Format, file load.File, place string) []string {
	t.Helper()
	out, err := records(t, f, file, place, clinic())
	var words []string
	for _, r := range out {
		words = append(words, fmt.Sprintf("%d %s", r.Line, said(r)))
	}
	var fault *load.Fault
	switch {
	case errors.Is(err, io.EOF):
	case errors.As(err, &fault):
		words = append(words, strings.Join(strings.Fields("broken: "+fault.Column+" "+fault.Code), " "))
	default:
		words = append(words, "error: "+err.Error())
	}
	return words
}

const (
	visitA = `{"fullUrl":"urn:uuid:a","resource":{"resourceType":"Encounter","id":"1","status":"planned"},"request":{"method":"POST","url":"Encounter"}}`
	cardB  = `{"fullUrl":"https://fhir.example.com/Patient/b","resource":{"resourceType":"Patient","id":"b","active":true}}`
	place  = `{"resource":{"resourceType":"Location","id":"l","name":"Улыбка"}}`
)

const cardBSays = "Patient b; card fh.b: ||   born    active"

func TestABundleIsReadEntryByEntry(t *testing.T) {
	for _, c := range []struct {
		name, file string
		want       []string
	}{
		{"a transaction", `{"resourceType":"Bundle","type":"transaction","entry":[` + visitA + "," + cardB + "," + place + `]}`, []string{"1 Encounter a", "2 " + cardBSays, "3 nothing"}},
		{"spread over lines, with its type after the entries", "\ufeff {\n \"entry\" : [\n " + cardB + " \n ] ,\n\"link\":[{\"relation\":\"self\"}], \"resourceType\" : \"Bundle\" }\n ", []string{"1 " + cardBSays}},
		{"an empty one", `{"resourceType":"Bundle","type":"searchset","total":0,"entry":[]}`, nil},
		{"one without entries", `{"resourceType":"Bundle","type":"searchset"}`, nil},
		{"one whose entries are null", `{"resourceType":"Bundle","entry":null}`, nil},
		{"a resource by itself", `{"id":"b","resourceType":"Patient","active":true}`, []string{"1 " + cardBSays}},
		{"a list, which has entries too", `{"resourceType":"List","entry":[{"item":{"reference":"Patient/1"}}]}`, []string{"1 nothing"}},
		{"an entry in which a key stands twice", `{"resourceType":"Bundle","entry":[{"resource":{"resourceType":"Patient","id":"x","id":"y"}},` + cardB + `]}`, []string{"1 refused: resource.id fhir-duplicate", "2 " + cardBSays}},
		{"an entry that is not UTF-8", `{"resourceType":"Bundle","entry":[{"resource":{"resourceType":"Patient","id":"` + "\xff" + `"}},` + cardB + `]}`, []string{"1 refused: resource.id fhir-utf8", "2 " + cardBSays}},
		{"an entry with NULs", `{"resourceType":"Bundle","entry":[{"resource":{"resourceType":"Patient","id":"` + "\x00" + `"}},` + cardB + `]}`, []string{"1 refused: resource.id fhir-syntax", "2 " + cardBSays}},
		{"an entry that is too deep", `{"resourceType":"Bundle","entry":[{"x":` + strings.Repeat("[", 40) + strings.Repeat("]", 40) + `},` + cardB + `]}`, []string{"1 refused: x" + strings.Repeat("[0]", 31) + " fhir-deep", "2 " + cardBSays}},
		{"an entry that closes another bracket", `{"resourceType":"Bundle","entry":[{"resource":{"a":[}}],` + cardB + `]}`, []string{"1 refused: resource.a[0] fhir-syntax", "2 " + cardBSays}},
		{"an entry that is no object", `{"resourceType":"Bundle","entry":[17,` + cardB + `]}`, []string{"1 refused: fhir-value", "2 " + cardBSays}},
		{"an entry that is null", `{"resourceType":"Bundle","entry":[null,` + cardB + `]}`, []string{"1 refused: fhir-value", "2 " + cardBSays}},
		{"an entry of another shape", `{"resourceType":"Bundle","entry":[{"resource":{"resourceType":"Patient","id":"x","name":"Вера"}},` + cardB + `]}`, []string{"1 refused: resource.name fhir-value", "2 " + cardBSays}},
		{"an entry without a resource", `{"resourceType":"Bundle","entry":[{"fullUrl":"x"}]}`, []string{"1 refused: resource fhir-empty"}},
		{"an entry without a type", `{"resourceType":"Bundle","entry":[{"resource":{"id":"x"}}]}`, []string{"1 refused: resource.resourceType fhir-type"}},
		{"an entry without an id", `{"resourceType":"Bundle","entry":[{"resource":{"resourceType":"Patient"}}]}`, []string{"1 refused: resource.Patient.id fhir-id"}},
		{"a Bundle within", `{"resourceType":"Bundle","entry":[{"resource":{"resourceType":"Bundle"}}]}`, []string{"1 refused: fhir-nested"}},
		{"a deletion", `{"resourceType":"Bundle","entry":[{"request":{"method":"DELETE","url":"Encounter/e"}}]}`, []string{"1 Encounter e v1779451200000 gone"}},
		{"a deletion of a patient", `{"resourceType":"Bundle","entry":[{"request":{"method":"DELETE","url":"Patient/p"},"response":{"lastModified":"2026-05-22T10:00:00Z"}}]}`,
			[]string{"1 Patient p v1779444000000; card fh.p: ||   born    archived"}},
		{"a deletion of what does not matter", `{"resourceType":"Bundle","entry":[{"request":{"method":"DELETE","url":"Location/e"}}]}`, []string{"1 nothing"}},
		{"a deletion by a search", `{"resourceType":"Bundle","entry":[{"request":{"method":"DELETE","url":"Encounter?status=planned"}}]}`, []string{"1 refused: request.url fhir-identifier"}},
		{"a change of a part", `{"resourceType":"Bundle","entry":[{"resource":{"resourceType":"Parameters"},"request":{"method":"PATCH","url":"Encounter/e"}}]}`, []string{"1 refused: request.method fhir-patch"}},
		{"a question", `{"resourceType":"Bundle","entry":[{"request":{"method":"GET","url":"Encounter/e"}}]}`, []string{"1 nothing"}},
		{"the answers to a transaction", `{"resourceType":"Bundle","type":"transaction-response","entry":[{"response":{"status":"201","etag":"W/\"1\"","location":"Patient/1"}}]}`, []string{"1 nothing"}},
		{"an empty file", "", []string{"broken: entry[0] fhir-truncated"}},
		{"white space", " \n", []string{"broken: entry[0] fhir-truncated"}},
		{"a list of resources", `[` + cardB + `]`, []string{"broken: fhir-no-document"}},
		{"no JSON at all", "<Bundle/>", []string{"broken: fhir-no-document"}},
		{"an object that is no resource", `{"a":1}`, []string{"broken: resourceType fhir-not-bundle"}},
		{"a type that is no name", `{"resourceType":17}`, []string{"broken: resourceType fhir-not-bundle"}},
		{"entries of what is no Bundle", `{"entry":[` + cardB + `],"resourceType":"List"}`, []string{"1 " + cardBSays, "broken: resourceType fhir-not-bundle"}},
		{"entries given twice", `{"resourceType":"Bundle","entry":[` + cardB + `],"entry":[]}`, []string{"1 " + cardBSays, "broken: entry fhir-duplicate"}},
		{"entries without a comma between", `{"resourceType":"Bundle","entry":[` + cardB + cardB + `]}`, []string{"1 " + cardBSays, "broken: entry[1] fhir-not-json"}},
		{"a comma after the last entry", `{"resourceType":"Bundle","entry":[` + cardB + `,]}`, []string{"1 " + cardBSays, "broken: entry[1] fhir-not-json"}},
		{"more after its end", `{"resourceType":"Bundle","entry":[` + cardB + `]} {}`, []string{"1 " + cardBSays, "broken: entry[1] fhir-not-json"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			for how, file := range map[string]load.File{"plain": memory(c.file), "packed": packed(t, c.file)} {
				if got := lines(t, fhir.BundleFormat{}, file, ""); !slices.Equal(got, c.want) {
					t.Errorf("%s, it says\n%s\nwant\n%s", how, strings.Join(got, "\n"), strings.Join(c.want, "\n"))
				}
			}
		})
	}
}

func TestAnEntryHasTheNameThatReferencesWithinItsBundleUse(t *testing.T) {
	for _, c := range []struct{ name, entry, want string }{
		{"urn where it is yet to be stored", `{"fullUrl":"urn:uuid:u","resource":{"resourceType":"Encounter","id":"i","status":"planned"},"request":{"method":"POST","url":"Encounter"}}`, "Encounter u"},
		{"urn where nothing is to be done with it", `{"fullUrl":"urn:uuid:u","resource":{"resourceType":"Encounter","id":"i","status":"planned"}}`, "Encounter u"},
		{"urn where it has no id", `{"fullUrl":"urn:oid:1.2.3","resource":{"resourceType":"Encounter","status":"planned"}}`, "Encounter 1.2.3"},
		{"its id where it is put", `{"fullUrl":"urn:uuid:u","resource":{"resourceType":"Encounter","id":"i","status":"planned"},"request":{"method":"PUT","url":"Encounter/i"}}`, "Encounter i"},
		{"the address where it is put without an id", `{"resource":{"resourceType":"Encounter","status":"planned"},"request":{"method":"PUT","url":"Encounter/i"}}`, "Encounter i"},
		{"urn where it is put by a search", `{"fullUrl":"urn:uuid:u","resource":{"resourceType":"Encounter","id":"i","status":"planned"},"request":{"method":"PUT","url":"Encounter?identifier=x"}}`, "Encounter u"},
		{"its id where it was found", `{"fullUrl":"urn:uuid:u","resource":{"resourceType":"Encounter","id":"i","status":"planned"},"search":{"mode":"match"}}`, "Encounter i"},
		{"the end of its address", `{"fullUrl":"https://fhir.example.com/r4/Encounter/i","resource":{"resourceType":"Encounter","status":"planned"}}`, "Encounter i"},
		{"a time of its change beside it", `{"fullUrl":"https://fhir.example.com/Encounter/i","resource":{"resourceType":"Encounter","id":"i","status":"planned"},"response":{"status":"200","lastModified":"2026-05-22T12:40:00Z"}}`, "Encounter i v1779453600000"},
		{"a count of its changes beside it", `{"fullUrl":"https://fhir.example.com/Encounter/i","resource":{"resourceType":"Encounter","id":"i","status":"planned"},"response":{"status":"200","etag":"W/\"12\""}}`, "Encounter i v12"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := lines(t, fhir.BundleFormat{}, memory(`{"resourceType":"Bundle","entry":[`+c.entry+`]}`), ""); !slices.Equal(got, []string{"1 " + c.want}) {
				t.Errorf("it is %q, want %s", got, c.want)
			}
		})
	}
	const visit = `{"fullUrl":"https://fhir.example.com/r4/Encounter/e","resource":{"resourceType":"Encounter","id":"e","status":"finished","period":{"end":"2026-05-20T10:00:00Z"},"subject":{"reference":"%s/Patient/p"}}}`
	for base, want := range map[string]string{"https://fhir.example.com/r4": `1 Encounter e; visit e of fh.p at 2026-05-20T10:00:00 from "" with  "" did []`, "http://FHIR.example.com/r4": `1 Encounter e; visit e of fh.p at 2026-05-20T10:00:00 from "" with  "" did []`,
		"https://other.example.com/r4": "1 refused: Encounter.subject fhir-server", "https://fhir.example.com/other": "1 refused: Encounter.subject fhir-server"} {
		if got := lines(t, fhir.BundleFormat{}, memory(`{"resourceType":"Bundle","entry":[`+fmt.Sprintf(visit, base)+`]}`), ""); !slices.Equal(got, []string{want}) {
			t.Errorf("a patient of %s: %q, want %s", base, got, want)
		}
	}
}

func bundleOf(n int) string {
	var entries []string
	for i := range n {
		entries = append(entries, fmt.Sprintf(`{"resource":{"resourceType":"Patient","id":"p%d","name":[{"family":"a]},{\"\\"}]}}`, i))
	}
	return `{"resourceType":"Bundle","entry":[` + strings.Join(entries, " ,\n") + `],"link":[]}`
}

func linesOf(n int) string {
	var out strings.Builder
	for i := range n {
		fmt.Fprintf(&out, "{\"resourceType\":\"Patient\",\"id\":\"p%d\"}\r\n\n", i)
	}
	return out.String()
}

func TestReadingGoesOnAfterAnyRecordAsIfItHadNeverBeenBrokenOff(t *testing.T) {
	for name, c := range map[string]struct {
		format load.Format
		file   load.File
	}{
		"a Bundle": {fhir.BundleFormat{}, memory(bundleOf(20))}, "a packed Bundle": {fhir.BundleFormat{}, packed(t, bundleOf(20))},
		"lines": {fhir.NDJSONFormat{}, memory(linesOf(20))}, "packed lines": {fhir.NDJSONFormat{}, packed(t, linesOf(20))},
		"one resource": {fhir.BundleFormat{}, memory(`{"resourceType":"Patient","id":"p"}`)},
	} {
		t.Run(name, func(t *testing.T) {
			all, _ := records(t, c.format, c.file, "", clinic())
			whole := lines(t, c.format, c.file, "")
			if len(whole) < 1 {
				t.Fatal("it says nothing")
			}
			for i, r := range all {
				if r.Read < 1 || r.Read > c.file.Size() {
					t.Errorf("after record %d, %d of %d bytes are behind", i, r.Read, c.file.Size())
				}
				if got := lines(t, c.format, c.file, r.Place); !slices.Equal(got, whole[i+1:]) {
					t.Fatalf("after record %d at %q it says %q, want %q", i, r.Place, got, whole[i+1:])
				}
			}
		})
	}
}

func TestAFileThatBreaksOffAnywhereSaysSo(t *testing.T) {
	whole := bundleOf(3)
	all := lines(t, fhir.BundleFormat{}, memory(whole), "")
	for n := range len(whole) {
		got := lines(t, fhir.BundleFormat{}, memory(whole[:n]), "")
		if len(got) == 0 || !strings.HasSuffix(got[len(got)-1], "fhir-truncated") || !slices.Equal(got[:len(got)-1], all[:len(got)-1]) {
			t.Fatalf("cut after %d bytes it says %q", n, got)
		}
	}
	zipped := string(packed(t, whole))
	for n := 2; n < len(zipped); n++ {
		got := lines(t, fhir.BundleFormat{}, memory(zipped[:n]), "")
		if len(got) == 0 || !strings.Contains(got[len(got)-1], "fhir-truncated") && n < len(zipped)-8 {
			t.Fatalf("packed, and cut after %d of %d bytes, it says %q", n, len(zipped), got)
		}
	}
}

func TestADiskThatFailsIsNoFaultOfTheFile(t *testing.T) {
	for _, f := range []load.Format{fhir.BundleFormat{}, fhir.NDJSONFormat{}} {
		for _, n := range []int{0, 1, 30, 100} {
			_, err := records(t, f, broken{memory(bundleOf(3)), n}, "", clinic())
			var fault *load.Fault
			if !errors.Is(err, errDisk) || errors.As(err, &fault) {
				t.Errorf("%T after %d bytes: %v", f, n, err)
			}
		}
	}
}

func TestWhatIsTooLargeIsPassedOver(t *testing.T) {
	long := `{"resource":{"resourceType":"Patient","id":"x","text":"` + strings.Repeat("[}\\\"", fhir.MaxResource/4) + `"}}`
	if got, want := lines(t, fhir.BundleFormat{}, memory(`{"resourceType":"Bundle","entry":[`+long+","+cardB+`]}`), ""), []string{"1 refused: fhir-large", "2 " + cardBSays}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := lines(t, fhir.NDJSONFormat{}, memory(long+"\n"+`{"resourceType":"Patient","id":"b","active":true}`), ""), []string{"1 refused: fhir-large", "2 " + cardBSays}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := lines(t, fhir.BundleFormat{}, memory(`{"resourceType":"Patient","id":"`+strings.Repeat("x", fhir.MaxResource)+`"}`), ""), []string{"1 refused: fhir-large"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestAPackedFileThatUnpacksWithoutEndIsGivenUp(t *testing.T) {
	bomb := packed(t, `{"resourceType":"Bundle","x":"`+strings.Repeat(" ", 80<<20)+`","entry":[]}`)
	if got, want := lines(t, fhir.BundleFormat{}, bomb, ""), []string{"broken: entry[0] fhir-bomb"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	damaged := []byte(packed(t, bundleOf(3)))
	damaged[len(damaged)/2] ^= 0xff
	if got := lines(t, fhir.BundleFormat{}, memory(damaged), ""); len(got) == 0 || !strings.HasPrefix(got[len(got)-1], "broken: ") {
		t.Errorf("a damaged one says %q", got)
	}
}

func TestLinesAreReadOneByOne(t *testing.T) {
	const card = `{"resourceType":"Patient","id":"b","active":true}`
	for _, c := range []struct {
		name, file string
		want       []string
	}{
		{"of two systems, some empty, the last without an end", "\ufeff" + card + "\r\n\n" + card, []string{"1 " + cardBSays, "3 " + cardBSays}},
		{"of which one is broken", card + "\n{\n" + card + "\n", []string{"1 " + cardBSays, "2 refused: fhir-syntax", "3 " + cardBSays}},
		{"of which one has two documents", card + card + "\n", []string{"1 refused: fhir-syntax"}},
		{"of which one is not UTF-8", "{\"resourceType\":\"\xfe\"}\n" + card, []string{"1 refused: resourceType fhir-utf8", "2 " + cardBSays}},
		{"that are one document", "{\n\"resourceType\":\"Patient\"}", []string{"broken: fhir-not-ndjson"}},
		{"that are a list", "[\n" + card + "]", []string{"broken: fhir-not-ndjson"}},
		{"none at all", "", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			for how, file := range map[string]load.File{"plain": memory(c.file), "packed": packed(t, c.file)} {
				if got := lines(t, fhir.NDJSONFormat{}, file, ""); !slices.Equal(got, c.want) {
					t.Errorf("%s, it says %q, want %q", how, got, c.want)
				}
			}
		})
	}
}

func TestAPlaceThatIsNoneIsRefused(t *testing.T) {
	for _, f := range []load.Format{fhir.BundleFormat{}, fhir.NDJSONFormat{}} {
		for _, place := range []string{"x", "1", "-1:2", "1:", "1:2:3"} {
			if got := lines(t, f, memory(bundleOf(1)), place); !slices.Equal(got, []string{"broken: fhir-place"}) {
				t.Errorf("%T at %q: %q", f, place, got)
			}
		}
	}
}

func TestEachFaultHasItsWords(t *testing.T) {
	for _, l := range locale.All() {
		for _, code := range fhir.Codes() {
			if !l.Has("desk.import.reason." + code) {
				t.Errorf("%v lacks the words of %q", l, code)
			}
		}
	}
}
