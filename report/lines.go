package report

import (
	"bufio"
	"fmt"
	"io"
	"slices"
)

// writeLines writes a JSON object a line, each with one key that says what it
// is: version, then class, cell or summary, finding, findingSummary, leftOut, baseline, gone, drift, drifted, diff, changed, role, roleNarrowed, item, principal, future, lock, locked, case, coverage, point, probe, probed, note and doubt, in the order and with
// the content of the JSON format.
func writeLines(w io.Writer, d *Document, o Options) error {
	b := bufio.NewWriterSize(w, 64<<10)
	bytes := func(kind string, parts ...[]byte) bool {
		fmt.Fprintf(b, `{"%s":`, kind) //nolint:errcheck // Flush reports it
		for _, p := range parts {
			b.Write(p) //nolint:errcheck,gosec // Flush reports it
		}
		_, err := b.WriteString("}\n")
		return err == nil
	}
	emit := func(kind string, v any) { bytes(kind, jsonOf(v)) }
	emit("version", jsonVersion)
	switch {
	case d.Matrix == nil:
	case o.Summary:
		for _, v := range overviews(d.Matrix, o.filter()) {
			emit("summary", jsonOverview(v))
		}
	default:
		if o.ByClass {
			classes(d.Matrix, o.filter(), func(v any) { emit("class", v) })
		}
		cells(d.Matrix, o, func(parts ...[]byte) bool { return bytes("cell", parts...) })
	}
	open, known, waived := d.bySeverity()
	for _, f := range slices.Concat(open, known, waived) {
		emit("finding", jsonFinding(f))
	}
	if o.Summary && d.Linted {
		emit("findingSummary", jsonDigest(d))
	}
	if d.LeftOut != nil {
		emit("leftOut", jsonLeftOut(d.LeftOut))
	}
	if d.Baseline != nil {
		emit("baseline", baselineJSON{d.Baseline.File, len(d.Baseline.Gone)})
		for i := range d.Baseline.Gone {
			emit("gone", jsonGone(&d.Baseline.Gone[i]))
		}
	}
	if d.Drift != nil {
		emit("drift", jsonDriftTotals(d.Drift))
		for i := range d.Drift.List {
			emit("drifted", jsonDrifted(&d.Drift.List[i]))
		}
	}
	if d.Diff != nil {
		emit("diff", jsonDiffTotals(d.Diff))
		d.Diff.elements(emit)
	}
	if d.Lock != nil {
		emit("lock", jsonLockTotals(d.Lock))
		for _, f := range d.lockFindings() {
			emit("locked", jsonFinding(f))
		}
	}
	if d.Tests != nil {
		for _, s := range d.Tests.Suites {
			for _, c := range s.Cases {
				for _, p := range c.About() {
					emit("case", struct {
						Suite string `json:"suite"`
						caseJSON
					}{s.Name, jsonCase(c, p)})
				}
			}
		}
	}
	if d.Coverage != nil {
		c := jsonCoverage(d.Coverage)
		c.elements(emit)
	}
	if d.Probe != nil {
		emit("probe", jsonProbe(d.Probe))
		for i := range d.Probe.Drifts {
			emit("probed", jsonProbed(&d.Probe.Drifts[i]))
		}
	}
	for _, n := range d.notes() {
		emit("note", jsonNote(n))
	}
	for _, text := range doubts(d.Doubt) {
		emit("doubt", text)
	}
	return b.Flush()
}
