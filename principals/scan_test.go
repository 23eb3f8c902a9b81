package principals

import (
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/source"
)

// FuzzLineReader holds a lineReader to its promise: what it reads, readEntry
// reads the same.
func FuzzLineReader(f *testing.F) {
	for _, seed := range usualLines {
		f.Add([]byte(seed))
	}
	for _, seed := range unusualLines {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		if len(line) == 0 || !utf8.Valid(line) {
			return
		}
		r := newLineReader()
		for range 2 { // without and with what it remembers
			var got authz.Principal
			if !r.read(line, &got) {
				return
			}
			n, err := source.ParseJSON("", line)
			if err != nil {
				t.Fatalf("only the slow reader refuses it: %v", err)
			}
			want := readEntry(n, lineEntry, "", source.Pos{})
			if len(want.errs) > 0 {
				t.Fatalf("only the slow reader refuses it: %v", want.errs)
			}
			if diff := cmp.Diff(want.p, &got); diff != "" {
				t.Fatalf("principal (-slow +fast):\n%s", diff)
			}
		}
	})
}

var usualLines = []string{
	`{"id":"a","roles":["X"]}`,
	` { "id" : "a" , "roles" : [ "X", "\u0059" ] , "groups" : [] , "attr" : { } } `[1:],
	`{"id":"a","key":"k","roles":["X"],"kind":"agent","onBehalfOf":"b","policyVersion":"v1","scope":"a.b","groups":["g"]}`,
	`{"id":"\u00e4\"","roles":["X"],"attr":{"s":"\\","n":-1.5e3,"t":true,"f":false,"z":null,"l":[1,{"a":"}"}],"o":{"a":[]}}}`,
}

var unusualLines = []string{
	`{"\u0069d":"a","roles":["X"]}`,
	`{"id":"a","roles":["X"],"attr":{"a":1,"a":1}}`,
	`{"id":"a","roles":["X"],"attr":{"":1}}`,
	`{"id":"a","roles":["X"],"attr":{"a":1e999}}`,
	`{"id":"a","roles":["X"],"attr":{"a":{"b":1,"b":2}}}`,
	`{"id":"a","roles":["X"],"attr":null}`,
	`{"id":"a","roles":["X"],"attr":[]}`,
	`{"id":"a","roles":["X"],"auxData":{}}`,
	`{"id":"a","roles":"X"}`,
	`{"id":"a","roles":[1]}`,
	`{"id":1,"roles":["X"]}`,
	`{"id":"a","roles":["X"],"kind":"robot"}`,
	`{"id":"a","id":"a","roles":["X"]}`,
	`{"id":"a"}`,
	`[]`,
	`{`,
}

func TestLineReaderTakesUsualLines(t *testing.T) {
	for _, line := range usualLines {
		if !newLineReader().read([]byte(line), &authz.Principal{}) {
			t.Errorf("gives up on %s", line)
		}
	}
	for _, line := range unusualLines {
		if newLineReader().read([]byte(line), &authz.Principal{}) {
			t.Errorf("takes %s", line)
		}
	}
}
