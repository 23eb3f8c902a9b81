package report

import (
	"bufio"
	"fmt"
	"io"
	"strings"
)

// writeLCOV writes a tracefile: a record for each file of policies. Rules and derived
// roles are its functions, their lines those of the file, and the outcomes of conditions and
// both halves of each part branches of the line that they stand on.
func writeLCOV(w io.Writer, d *Document, o Options) error {
	files, err := d.coveredFiles(&o)
	if err != nil {
		return err
	}
	b := bufio.NewWriter(w)
	say := func(format string, args ...any) { fmt.Fprintf(b, format+"\n", args...) } // Flush reports errors
	functions := d.functionsOf(&o)
	for i := range files {
		f := &files[i]
		say("TN:mcpolicy")
		say("SF:%s", lcovText(f.name))
		var named ratio
		seen := map[string]int{}
		var hits []string
		for _, p := range functions[f.name] {
			name := lcovText(p.Name())
			if seen[name]++; seen[name] > 1 {
				name = fmt.Sprintf("%s (%d)", name, seen[name])
			}
			covered := p.State.String() == "covered"
			named.add(covered)
			say("FN:%d,%s", p.Pos.Line, name) // LCOV before 2.0 takes a last line for a part of the name
			hits = append(hits, fmt.Sprintf("FNDA:%d,%s", hit(covered), name))
		}
		for _, line := range hits {
			say("%s", line)
		}
		say("FNF:%d\nFNH:%d", named.total, named.covered)
		lines, branches := f.ratios()
		for _, l := range f.lines {
			for k, covered := range l.branches {
				taken := fmt.Sprint(hit(covered))
				if l.hits == 0 {
					taken = "-" // nothing on the line was
				}
				say("BRDA:%d,0,%d,%s", l.number, k, taken)
			}
		}
		say("BRF:%d\nBRH:%d", branches.total, branches.covered)
		for _, l := range f.lines {
			say("DA:%d,%d", l.number, l.hits)
		}
		say("LF:%d\nLH:%d\nend_of_record", lines.total, lines.covered)
	}
	return b.Flush()
}

func hit(covered bool) int {
	if covered {
		return 1
	}
	return 0
}

// lcovText returns a name in a line of a tracefile, where commas part fields.
func lcovText(s string) string { return strings.ReplaceAll(inert(visible(s)), ",", ";") }
