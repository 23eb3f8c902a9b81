package report_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"strings"
	"sync"

	"golang.org/x/net/html"
	"pgregory.net/rapid"
)

// checkHTML reads a page as a browser does: it has the elements that it has for any
// text, its policy of content names exactly its style and its script, and the data in
// it is JSON that still says what it said.
func checkHTML(t rapid.TB, s, got string) {
	t.Helper()
	var own [2]string // its style and its script, which are long
	got, own[0] = without(got, strings.Index(got, "<style>")+len("<style>"), "</style>")
	got, own[1] = without(got, strings.LastIndex(got, "<script>")+len("<script>"), "</script>")
	root, err := html.Parse(strings.NewReader(got))
	if err != nil {
		t.Fatalf("%q as HTML: %v", s, err)
	}
	var elements, held []string
	policy := ""
	for n := range root.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		elements = append(elements, n.Data)
		for _, a := range n.Attr {
			if strings.HasPrefix(a.Key, "on") || a.Key == "style" || a.Key == "src" {
				t.Errorf("%q as HTML: %s has the attribute %s", s, n.Data, a.Key)
			}
			if a.Key == "content" && strings.Contains(a.Val, "default-src") {
				policy = a.Val
			}
		}
		if n.Data == "script" && n.FirstChild != nil {
			held = append(held, n.FirstChild.Data)
		}
	}
	if all := strings.Join(elements, " "); all != "html head meta meta meta meta meta title link style body noscript script script" && all != "html head meta meta meta meta meta title link style body noscript p script script" {
		t.Errorf("%q as HTML: the elements are %s", s, all)
		return
	}
	for i, name := range []string{"style-src", "script-src"} {
		if want := name + " " + hashOf(own[i]) + ";"; !strings.Contains(policy, want) {
			t.Errorf("%q as HTML: the policy is %s, want %s", s, policy, want)
		}
	}
	if !strings.HasPrefix(policy, "default-src 'none';") || strings.Contains(policy, "unsafe") {
		t.Errorf("%q as HTML: the policy is %s", s, policy)
	}
	var data struct {
		Causes []struct{ Findings []struct{ Message string } }
		Tests  []struct{ Name string }
		Items  []struct{ N string }
	}
	if err := json.Unmarshal([]byte(held[0]), &data); err != nil {
		t.Fatalf("%q as HTML: its data: %v", s, err)
	}
	if strings.ContainsAny(held[0], "<>&\u2028\u2029") {
		t.Errorf("%q as HTML: its data has markup", s)
	}
	if len(data.Items) == 0 {
		return // that of a probe
	}
	if want := string([]rune(s)); data.Items[0].N != want || data.Tests[0].Name != want || data.Causes[0].Findings[0].Message == "" {
		t.Errorf("%q as HTML: the data says %q, %q", s, data.Items[0].N, data.Tests[0].Name)
	}
}

// without takes out of a text what stands from an index on, up to an end.
func without(text string, from int, end string) (rest, out string) {
	to := from + strings.Index(text[from:], end)
	return text[:from] + text[to:], text[from:to]
}

// hashes are of texts that are the same in every page.
var hashes sync.Map

func hashOf(text string) string {
	known, ok := hashes.Load(text)
	if !ok {
		sum := sha256.Sum256([]byte(text))
		known, _ = hashes.LoadOrStore(text, "'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"'")
	}
	return known.(string)
}
