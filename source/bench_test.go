package source_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/mcpolicy/mcpolicy/source"
)

// suites are the same suite in three notations.
func suites() map[string][]byte {
	var flow, block, json strings.Builder
	flow.WriteString("name: all\nserver: s\ntests:\n")
	block.WriteString(flow.String())
	json.WriteString(`{"name": "all", "server": "s", "tests": [`)
	for i := range 400 {
		var inFlow, inBlock, inJSON []string
		for j := range 40 {
			inFlow = append(inFlow, fmt.Sprintf("p%d", j))
			inBlock = append(inBlock, fmt.Sprintf("      - p%d\n", j))
			inJSON = append(inJSON, fmt.Sprintf(`"p%d"`, j))
		}
		fmt.Fprintf(&flow, "  - {name: t%d, principals: [%s], list: {allow: [tool_%d]}}\n", i, strings.Join(inFlow, ", "), i)
		fmt.Fprintf(&block, "  - name: t%d\n    principals:\n%s    list:\n      allow:\n        - tool_%d\n", i, strings.Join(inBlock, ""), i)
		if i > 0 {
			json.WriteByte(',')
		}
		fmt.Fprintf(&json, "\n"+`{"name": "t%d", "principals": [%s], "list": {"allow": ["tool_%d"]}}`, i, strings.Join(inJSON, ", "), i)
	}
	json.WriteString("]}\n")
	return map[string][]byte{"flow": []byte(flow.String()), "block": []byte(block.String()), "JSON": []byte(json.String())}
}

func BenchmarkParse(b *testing.B) {
	files := suites()
	for _, name := range []string{"block", "flow", "JSON"} {
		b.Run("YAML/"+name, func(b *testing.B) {
			b.SetBytes(int64(len(files[name])))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := source.ParseYAML("f", files[name]); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	b.Run("JSON", func(b *testing.B) {
		b.SetBytes(int64(len(files["JSON"])))
		b.ReportAllocs()
		for b.Loop() {
			if _, err := source.ParseJSON("f", files["JSON"]); err != nil {
				b.Fatal(err)
			}
		}
	})
}
