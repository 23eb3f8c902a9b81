package report

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/lint"
	"github.com/mcpolicy/mcpolicy/source"
	"github.com/mcpolicy/mcpolicy/testrunner"
)

// A MergeFile is a report in JSON that is to be merged with others.
type MergeFile struct {
	Name  string // in messages
	Label string // put before the names of its servers and files, unless empty
	Data  []byte
}

// A Merged is what several reports tell together.
type Merged struct {
	lists    map[string][]element // by what JSON Lines call it
	places   map[string]place     // of what was told so far
	several  bool
	matrix   bool
	summary  bool
	linted   bool
	digest   bool // of the findings
	leftOut  *LeftOut
	baseline *baselineJSON
	drift    *driftTotals
	lock     *lockTotals
	coverage *coverageJSON
	diff     *diffTotals
	verdicts []string
	tests    bool
	probe    *probeJSON
	suites   [][2]string          // of tests that were run: the name and the file
	invalid  map[[2]string]string // why suites of these could not be run
	doubt    []string
	splits   map[string]*split // runs that were split, by the labels of their reports
	shard    testrunner.Shard  // of a report that is merged alone
}

// An element is what one report tells of one thing.
type element struct {
	told told
	text string // in JSON
}

// A place is where a report told something, and what.
type place struct {
	file  int
	pos   source.Pos
	texts []string // several where a report has several things of the same name
}

// Merge reads reports and joins them. What several tell of the same thing has to be the
// same. Mistakes have positions; those of each file are reported together.
func Merge(files []MergeFile) (*Merged, error) {
	m := &Merged{lists: map[string][]element{}, places: map[string]place{}, invalid: map[[2]string]string{}, splits: map[string]*split{}, several: len(files) > 1}
	for i := range files {
		if err := m.read(i, &files[i]); err != nil {
			return nil, err
		}
	}
	if err := m.complete(); err != nil {
		return nil, err
	}
	m.sort()
	return m, nil
}

// mergedFile is a report as JSON has it.
type mergedFile struct {
	Version int                `json:"version"`
	Summary *[]json.RawMessage `json:"summary"`
	Matrix  *struct {
		Classes []struct {
			Class      int      `json:"class"`
			Principals []string `json:"principals"`
		} `json:"classes"`
		Items []json.RawMessage `json:"items"`
		Cells []json.RawMessage `json:"cells"`
	} `json:"matrix"`
	Findings *[]json.RawMessage `json:"findings"`
	Digest   *digestJSON        `json:"findingSummary"` // which follows from the findings
	LeftOut  *leftOutJSON       `json:"leftOut"`
	Baseline *struct {
		Totals baselineJSON      `json:"totals"`
		Gone   []json.RawMessage `json:"gone"`
	} `json:"baseline"`
	Drift *struct {
		Totals driftTotals       `json:"totals"`
		Cells  []json.RawMessage `json:"cells"`
	} `json:"drift"`
	Diff *struct {
		Verdict       string            `json:"verdict"`
		Totals        diffTotals        `json:"totals"`
		Cells         []json.RawMessage `json:"cells"`
		Roles         []json.RawMessage `json:"roles"`
		RolesNarrowed []json.RawMessage `json:"rolesNarrowed"`
		Items         []json.RawMessage `json:"items"`
		Principals    []json.RawMessage `json:"principals"`
		Future        []json.RawMessage `json:"future"`
	} `json:"diff"`
	Lock *struct {
		Totals  lockTotals        `json:"totals"`
		Changes []json.RawMessage `json:"changes"`
	} `json:"lock"`
	Shard string `json:"shard"`
	Tests *struct {
		Passed  int `json:"passed"`
		Failed  int `json:"failed"`
		Errored int `json:"errored"`
		Skipped int `json:"skipped"`
		Suites  []struct {
			Name  string            `json:"name"`
			File  string            `json:"file"`
			Error string            `json:"error"`
			Cases []json.RawMessage `json:"cases"`
		} `json:"suites"`
	} `json:"tests"`
	Coverage *coverageJSON `json:"coverage"`
	Probe    *struct {
		Summary probeJSON         `json:"summary"`
		Drifts  []json.RawMessage `json:"drifts"`
	} `json:"probe"`
	Notes []json.RawMessage `json:"notes"`
	Doubt []string          `json:"doubt"`
}

// strictly decodes JSON of which every key is known.
func strictly(data []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return fmt.Errorf("%s", strings.TrimPrefix(err.Error(), "json: ")) //nolint:errorlint // it is told in words
	}
	return nil
}

// open parses a report, and refuses what is none of this version.
func (f *MergeFile) open() (*source.Node, *mergedFile, error) {
	root, err := source.ParseJSON(f.Name, f.Data)
	if err != nil {
		return nil, nil, err
	}
	const none = "this is no report that mcpolicy writes with --format json"
	version := root.Get("version")
	switch {
	case version == nil:
		return nil, nil, source.Errorf(root.Pos, "%s: it has no version", none)
	case version.Text != fmt.Sprint(jsonVersion):
		return nil, nil, source.Errorf(version.Pos, "this report is of another version: want %d, have %s", jsonVersion, version.Text)
	case len(root.Fields) == 1:
		return nil, nil, source.Errorf(root.Pos, "there is nothing in this report")
	case len(root.Duplicates) > 0:
		return nil, nil, source.Errorf(root.Duplicates[0].Pos, "%s: it has %q twice", none, root.Duplicates[0].Name)
	}
	var r mergedFile
	if err := strictly(f.Data, &r); err != nil {
		return nil, nil, source.Errorf(root.Pos, "%s, or of a later version: %w", none, err)
	}
	return root, &r, nil
}

// A reading is one file that is being read.
type reading struct {
	*Merged
	file  int
	label string
	errs  []error
	seen  map[string]*place // in this file
	order []string
}

// add reads what a list tells.
func add[T any, P interface {
	*T
	told
}](r *reading, kind string, raw []json.RawMessage, at *source.Node, expand func(P) []P) {
	for i := range raw {
		pos := at.Items[i].Pos
		x := P(new(T))
		if err := strictly(raw[i], x); err != nil {
			r.errs = append(r.errs, source.Errorf(pos, "%w", err))
			continue
		}
		if err := x.check(); err != nil {
			r.errs = append(r.errs, source.Errorf(pos, "%w", err))
			continue
		}
		list := []P{x}
		if expand != nil {
			list = expand(x)
		}
		for _, one := range list {
			one.label(r.label)
			r.put(kind, one, pos)
		}
	}
}

// put takes down what the file tells, unless another told the same.
func (r *reading) put(kind string, x told, pos source.Pos) {
	key, text := x.key(), string(jsonOf(x))
	at := r.seen[key]
	if at == nil {
		at = &place{file: r.file, pos: pos}
		r.seen[key] = at
		r.order = append(r.order, key)
	}
	at.texts = append(at.texts, text)
	if _, known := r.places[key]; !known {
		r.lists[kind] = append(r.lists[kind], element{x, text})
	}
}

// settle compares what the file told with what others did.
func (r *reading) settle() {
	for _, key := range r.order {
		mine := r.seen[key]
		other, known := r.places[key]
		switch {
		case !known:
			r.places[key] = *mine
		case !slices.Equal(other.texts, mine.texts):
			r.errs = append(r.errs, source.Errorf(mine.pos, "this is told otherwise at %s: %s here, %s there; if they are of different repositories, give each file a --label",
				other.pos, brief(mine.texts[0]), brief(other.texts[0])))
		}
	}
}

// brief shortens a text for a message.
func brief(text string) string {
	const most = 300
	if len(text) > most {
		return strings.ToValidUTF8(text[:most], "") + "..."
	}
	return text
}

func (m *Merged) read(i int, f *MergeFile) error {
	root, x, err := f.open()
	if err != nil {
		return err
	}
	r := &reading{Merged: m, file: i, label: f.Label, seen: map[string]*place{}}
	if x.Summary != nil {
		m.summary = true
		add[overviewJSON](r, "summary", *x.Summary, root.Get("summary"), nil)
	}
	if x.Matrix != nil {
		m.matrix = true
		of := map[int][]string{}
		for _, c := range x.Matrix.Classes {
			of[c.Class] = c.Principals
		}
		add[matrixItemJSON](r, "matrixItem", x.Matrix.Items, root.Get("matrix").Get("items"), nil)
		cells := root.Get("matrix").Get("cells")
		add(r, "cell", x.Matrix.Cells, cells, func(c *mergedCell) []*mergedCell {
			if c.Class != 0 && len(of[c.Class]) == 0 {
				r.errs = append(r.errs, source.Errorf(cells.Pos, "class %d is in no table of classes", c.Class))
			}
			return c.expand(of)
		})
	}
	if x.Findings != nil {
		m.linted = true
		add[findingJSON](r, "finding", *x.Findings, root.Get("findings"), nil)
	}
	r.readJudged(x, root)
	r.readShard(x, root.Get("shard"))
	r.readTests(x, root.Get("tests"))
	r.readDiff(x, root.Get("diff"))
	if x.Drift != nil {
		m.drift = m.drift.plus(&x.Drift.Totals)
		add[driftJSON](r, "drifted", x.Drift.Cells, root.Get("drift").Get("cells"), nil)
	}
	if x.Lock != nil {
		m.lock = m.lock.plus(&x.Lock.Totals)
		add[findingJSON](r, "locked", x.Lock.Changes, root.Get("lock").Get("changes"), nil)
	}
	r.readCoverage(x, root.Get("coverage"))
	if x.Probe != nil {
		if m.probe == nil {
			m.probe = &probeJSON{}
		}
		s := x.Probe.Summary
		m.probe.Answers, m.probe.Admitted, m.probe.Calls = m.probe.Answers+s.Answers, m.probe.Admitted+s.Admitted, m.probe.Calls+s.Calls
		add[probedJSON](r, "probed", x.Probe.Drifts, root.Get("probe").Get("drifts"), nil)
	}
	add[noteJSON](r, "note", x.Notes, root.Get("notes"), nil)
	m.doubt = append(m.doubt, x.Doubt...)
	r.settle()
	return joined(r.errs)
}

// readJudged reads what there is to know about the findings as a whole.
func (r *reading) readJudged(x *mergedFile, root *source.Node) {
	r.digest = r.digest || x.Digest != nil
	if x.LeftOut != nil {
		l, err := x.LeftOut.leftOut()
		if err != nil {
			r.errs = append(r.errs, source.Errorf(root.Get("leftOut").Pos, "%w", err))
			return
		}
		r.leftOut = r.leftOut.plus(l)
	}
	if x.Baseline != nil {
		r.baseline = r.baseline.plus(&x.Baseline.Totals)
		add[goneJSON](r, "gone", x.Baseline.Gone, root.Get("baseline").Get("gone"), nil)
	}
}

// expand returns the cell of a class for each of its principals.
func (x *mergedCell) expand(of map[int][]string) []*mergedCell {
	if x.Class == 0 {
		return []*mergedCell{x}
	}
	var list []*mergedCell
	for _, p := range of[x.Class] {
		one := *x
		one.Principal, one.Class, one.Rules = p, 0, slices.Clone(x.Rules)
		list = append(list, &one)
	}
	return list
}

// readTests reads the cases, and counts them.
func (r *reading) readTests(x *mergedFile, at *source.Node) {
	if x.Tests == nil {
		return
	}
	r.tests = true
	var n testrunner.Counts
	for i := range x.Tests.Suites {
		s := &x.Tests.Suites[i]
		file := s.File
		under(r.label, &file)
		if suite := [2]string{s.Name, file}; !slices.Contains(r.suites, suite) {
			r.suites = append(r.suites, suite)
		}
		if s.Error != "" {
			r.invalid[[2]string{s.Name, file}] = s.Error
		}
		add(r, "case", s.Cases, at.Get("suites").Items[i].Get("cases"), func(c *mergedCase) []*mergedCase {
			c.suite, c.file = s.Name, s.File
			countOutcome(&n, c.Outcome)
			return []*mergedCase{c}
		})
	}
	if have := (testrunner.Counts{Passed: x.Tests.Passed, Failed: x.Tests.Failed, Errored: x.Tests.Errored, Skipped: x.Tests.Skipped}); have != n && len(r.errs) == 0 {
		r.errs = append(r.errs, source.Errorf(at.Pos, "the cases are not as many as it says: %+v, and there are %+v", have, n))
	}
}

func countOutcome(n *testrunner.Counts, outcome string) {
	switch outcome {
	case testrunner.Passed.String():
		n.Passed++
	case testrunner.Failed.String():
		n.Failed++
	case testrunner.Errored.String():
		n.Errored++
	case testrunner.Skipped.String():
		n.Skipped++
	}
}

// plus adds the totals of another lock.
func (l *lockTotals) plus(other *lockTotals) *lockTotals {
	if l == nil {
		sum := *other
		return &sum
	}
	return &lockTotals{withWord(l.File, other.File), l.Holds && other.Holds, l.Reworded || other.Reworded, l.Facts + other.Facts}
}

// plus adds the totals of another comparison.
func (d *driftTotals) plus(other *driftTotals) *driftTotals {
	if d == nil {
		sum := *other
		return &sum
	}
	return &driftTotals{withWord(d.Against, other.Against), d.Cells + other.Cells, d.Differ + other.Differ, d.Unknown + other.Unknown}
}

// withWord joins words of several reports, each once.
func withWord(all, one string) string {
	if one == "" || slices.Contains(strings.Split(all, ", "), one) {
		return all
	}
	return strings.TrimPrefix(all+", "+one, ", ")
}

// settledRank sorts findings as reports do: new ones, those that a base has, too, waived ones.
func settledRank(f *lint.Finding) int {
	switch {
	case f.Waived:
		return 2
	case f.Known:
		return 1
	}
	return 0
}

// sort puts what several reports told in the order of one.
func (m *Merged) sort() {
	if !m.several {
		return
	}
	by := func(kind string, compare func(a, b element) int) { slices.SortStableFunc(m.lists[kind], compare) }
	by("cell", func(a, b element) int {
		x, y := a.told.(*mergedCell), b.told.(*mergedCell)
		return cmp.Or(cmp.Compare(x.Principal, y.Principal), cmp.Compare(x.Server, y.Server))
	})
	by("matrixItem", func(a, b element) int {
		return cmp.Compare(a.told.(*matrixItemJSON).Server, b.told.(*matrixItemJSON).Server)
	})
	by("finding", func(a, b element) int {
		x, y := a.told.(*findingJSON).finding(), b.told.(*findingJSON).finding()
		if n := cmp.Compare(settledRank(&x), settledRank(&y)); n != 0 {
			return n
		}
		return lint.FixFirst(&x, &y)
	})
	by("case", func(a, b element) int { return cmp.Compare(a.told.(*mergedCase).Line, b.told.(*mergedCase).Line) })
	by("summary", func(a, b element) int {
		return cmp.Compare(a.told.(*overviewJSON).Server, b.told.(*overviewJSON).Server)
	})
	by("note", func(a, b element) int {
		return a.told.(*noteJSON).note().Pos.Compare(b.told.(*noteJSON).note().Pos)
	})
	first := map[[2]string]int{} // where the first case of each stands
	for _, e := range m.lists["case"] {
		c := e.told.(*mergedCase)
		if suite := [2]string{c.suite, c.file}; first[suite] == 0 {
			first[suite] = c.Line
		}
	}
	slices.SortStableFunc(m.suites, func(a, b [2]string) int { return cmp.Or(cmp.Compare(a[1], b[1]), cmp.Compare(first[a], first[b])) })
}

// Fails reports whether one of the reports failed, or its findings do from a severity on.
func (m *Merged) Fails(failOn authz.Severity) bool {
	failed := func(kind string, fails func(told) bool) bool {
		return slices.ContainsFunc(m.lists[kind], func(e element) bool { return fails(e.told) })
	}
	return len(m.doubt) > 0 || m.diff != nil && m.diff.Fails || len(m.lists["probed"]) > 0 || m.lock != nil && !m.lock.Holds || m.coverage != nil && len(m.coverage.Missed) > 0 ||
		failed("case", func(x told) bool {
			o := x.(*mergedCase).Outcome
			return o == testrunner.Failed.String() || o == testrunner.Errored.String()
		}) ||
		failed("finding", func(x told) bool { f := x.(*findingJSON).finding(); return fails(&f, failOn) }) ||
		failed("drifted", func(x told) bool {
			return x.(*driftJSON).Outcome == "differs" || failOn != authz.SeverityOff && failOn <= authz.SeverityNote
		})
}

// Doubt says what the reports are in doubt about, or nil.
func (m *Merged) Doubt() error {
	var errs []error
	for _, text := range m.doubt {
		errs = append(errs, fmt.Errorf("%s", text))
	}
	return joined(errs)
}
