package principals_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/mcpolicy/mcpolicy/principals"
)

const benchRows = 100_000

// people writes an export of a directory: as many ids as rows, and 500
// different combinations of the rest, or attributes of everybody's own.
func people(format string, own bool) []byte {
	var b bytes.Buffer
	if format == "csv" {
		fmt.Fprint(&b, "id,roles,attr.department,attr.region,attr.level:number,attr.mail\n")
	}
	for i := range benchRows {
		class, mail := i%500, "staff@example.com"
		if own {
			mail = fmt.Sprintf("user%07d@example.com", i)
		}
		if format == "csv" {
			fmt.Fprintf(&b, "user%07d,role%d;employee,dept%d,EMEA,%d,%s\n", i, class%50, class%20, class%10, mail)
			continue
		}
		fmt.Fprintf(&b, `{"id": "user%07d", "roles": ["role%d", "employee"], "attr": {"department": "dept%d", "region": "EMEA", "level": %d, "mail": %q}}`+"\n",
			i, class%50, class%20, class%10, mail)
	}
	return b.Bytes()
}

func BenchmarkStream(b *testing.B) {
	for _, format := range []string{"csv", "jsonl"} {
		for name, own := range map[string]bool{"alike": false, "own": true} {
			data := people(format, own)
			b.Run(format+"/"+name, func(b *testing.B) {
				b.ReportAllocs()
				b.SetBytes(int64(len(data)))
				for b.Loop() {
					n := 0
					for _, err := range principals.Stream("p."+format, bytes.NewReader(data)) {
						if err != nil {
							b.Fatal(err)
						}
						n++
					}
					if n != benchRows {
						b.Fatalf("%d principals", n)
					}
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/benchRows, "ns/principal")
			})
		}
	}
}

func BenchmarkParse(b *testing.B) {
	for _, format := range []string{"csv", "jsonl"} {
		data := people(format, false)
		b.Run(format, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := principals.Parse("p."+format, data); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/benchRows, "ns/principal")
		})
	}
}
