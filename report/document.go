package report

import (
	"slices"
	"time"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/lint"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/probe"
	"github.com/mcpolicy/mcpolicy/source"
	"github.com/mcpolicy/mcpolicy/testcoverage"
	"github.com/mcpolicy/mcpolicy/testrunner"
)

// A Document is what a run found out. Parts that the run did not make are
// left empty.
type Document struct {
	Matrix *matrix.Matrix // nil if the report is not to have one

	Linted   bool           // lint was run
	Findings []lint.Finding // in any order, waived ones among them

	// LeftOut says which findings were left out of Findings, nil if none were to be.
	LeftOut *LeftOut
	// Baseline is what the findings were held against, nil if there is none.
	Baseline *Baseline

	Drift *Drift // nil if the checkout was not compared with production

	Diff *Diff // nil if nothing was compared with a base

	Lock *Lock // nil if no lock was verified

	Tests *testrunner.Result // nil if no suites were run
	// Shard is the part of the suites that was run, if that was split.
	Shard testrunner.Shard
	// Proving lists what is proved, too: the run was about nothing else.
	Proving bool
	// Coverage is what the suites cover, nil if that was not measured.
	Coverage *testcoverage.Coverage

	Probe *probe.Result // nil if no running server was probed

	Notes []Note // in any order

	// Source returns the text of a file by the name that positions have, nil if it is not
	// at hand: for the line that a finding is about. Nil if no file is.
	Source func(file string) []byte

	// Details are for pages alone, which show less without them.
	Details *Details

	// Doubt says which cells the engine may decide otherwise when it loads the same
	// policies again, so that they cannot be relied on, that nothing was tested, and which
	// suites of Cerbos's own could not be run. The run then fails.
	Doubt error

	// Scope is what the run looked at. Nil takes it from Matrix, if that is
	// set.
	Scope *Scope
	// Elapsed is how long the decisions took. Only text shows it; zero leaves
	// it out, for output that is the same each time.
	Elapsed time.Duration
}

// A Note is something to know about a run that is nobody's mistake, such as an
// inventory that was accepted although it may be incomplete. Every format
// shows every note.
type Note struct {
	Rule    string // the ID of the lint rule that the note speaks for, or ""
	Server  string // or ""
	Message string
	Pos     source.Pos
}

// A Scope is what a run looked at.
type Scope struct {
	Servers    []*matrix.Server
	Principals int
	Decisions  int // of the engine
}

// ScopeOf returns the scope of a run over a matrix.
func ScopeOf(m *matrix.Matrix) *Scope {
	s := &Scope{Servers: m.Servers, Decisions: m.Decisions}
	for _, c := range m.Classes {
		s.Principals += len(c.Principals)
	}
	return s
}

func (d *Document) scope() *Scope {
	if d.Scope == nil && d.Matrix != nil {
		return ScopeOf(d.Matrix)
	}
	return d.Scope
}

// checked reports whether anything was judged.
func (d *Document) checked() bool {
	return d.Linted || d.Drift != nil || d.Diff != nil || d.Lock != nil || d.Tests != nil || d.Probe != nil
}

// Fails reports whether the answer of the run is no, or none: a case failed or errored,
// a running server or a PDP does otherwise than the matrix says, or a finding that is not waived is at least as severe as failOn. With
// authz.SeverityOff no finding fails.
func (d *Document) Fails(failOn authz.Severity) bool {
	if d.Doubt != nil {
		return true
	}
	if d.Diff != nil && d.Diff.Fails() {
		return true
	}
	if d.Lock != nil && len(d.Lock.Changes) > 0 {
		return true
	}
	if d.Tests != nil {
		if n := d.Tests.Counts(); n.Failed+n.Errored > 0 {
			return true
		}
	}
	if d.Coverage != nil && len(d.Coverage.Missed) > 0 {
		return true
	}
	if d.Probe != nil && len(d.Probe.Drifts) > 0 {
		return true
	}
	if slices.ContainsFunc(d.driftFindings(), func(f *lint.Finding) bool { return failsAsDrift(f, failOn) }) {
		return true
	}
	return slices.ContainsFunc(d.Findings, func(f lint.Finding) bool { return fails(&f, failOn) })
}

// inDoubt says in brief what Doubt is about.
func (d *Document) inDoubt() string {
	if d.Tests.Invalid() != nil {
		return "some Cerbos suites could not be run"
	}
	return "some cells cannot be relied on"
}

func fails(f *lint.Finding, failOn authz.Severity) bool {
	return !f.Waived && !f.Known && failOn != authz.SeverityOff && f.Severity >= failOn
}

// Options say how to write a document. The zero value writes all of it, in
// text for a terminal of 80 columns without colour.
type Options struct {
	// Filter chooses cells of the matrix. Nil chooses all.
	Filter *Filter
	// FailOn is the least severity of a finding that fails: it decides the
	// verdict of Markdown and which findings are failures in JUnit. With
	// authz.SeverityOff, the zero value, none is.
	FailOn authz.Severity
	// Least is the least severity of the findings that text and Markdown show
	// at length; others are counted. With authz.SeverityOff, the zero value, all are.
	Least authz.Severity
	// All makes text and Markdown show what they fold away otherwise: rows
	// that are the same for everyone, columns beyond the first few dozen,
	// waived findings, skipped cases.
	All bool

	Width int  // text: columns of the terminal; 80 when zero
	Color bool // text: ANSI colours
	ASCII bool // text: nothing but ASCII

	// Here returns how text names a file of a position, so that it can be opened from where
	// the command runs, and what is the name of no file as it is. HereBase does so for the
	// base of a comparison. Nil leaves names as they are.
	Here, HereBase func(file string) string

	ByClass bool // JSON and lines: a cell a class, with a table of classes
	ByRule  bool // text and Markdown: changes of access by the rules that made them
	// Summary shows the matrix in numbers, by roles, instead of its cells, and changes of
	// access in one sentence each; text and Markdown show the findings in numbers and where
	// to begin, and JSON has both.
	Summary bool

	// Nameless leaves people's names out of a page: it has classes of them and how
	// many are in each. Agents and workloads keep their names.
	Nameless bool

	// Path returns where a file of a position stands below the root of the
	// repository, for what reads reports from there: SARIF, annotations, Code
	// Quality, and where links lead. Nil leaves positions as they are.
	Path func(file string) string
	// LinkBase is the address below which a browser shows the files of the repository:
	// places and rules in Markdown are links then. "#L3" behind a file is its third line.
	LinkBase string
	// Config is the file that problems without a place are put to in these
	// formats; mcpolicy.yaml when empty.
	Config string
	// Version is that of mcpolicy, for SARIF and links to its pages.
	Version string

	// MaxBytes is the limit of Markdown. What does not fit is left out in
	// whole parts, and the end says what. It is [CommentLimit] when zero.
	MaxBytes int
	// Marker is the key in the first line of Markdown, by which a bot finds its comment
	// among those of other configs. [CheckMarker] says what it may be.
	Marker string
	// Elsewhere says in Markdown where to find what was left out, as in
	// "See Elsewhere.": plain text.
	Elsewhere string
}

func (o *Options) filter() *Filter {
	if o.Filter == nil {
		return &Filter{}
	}
	return o.Filter
}

// GitHub's limits.
const (
	CommentLimit    = 65_536  // of a comment
	JobSummaryLimit = 1 << 20 // of the summary of one step
)

// bySeverity returns the findings that are not waived and new, in the order of
// [lint.FixFirst]; and those that the base or the baseline has, too, and the waived ones likewise.
func (d *Document) bySeverity() (open, known, waived []*lint.Finding) {
	for i := range d.Findings {
		switch f := &d.Findings[i]; {
		case f.Waived:
			waived = append(waived, f)
		case f.Known:
			known = append(known, f)
		default:
			open = append(open, f)
		}
	}
	for _, list := range [][]*lint.Finding{open, known, waived} {
		slices.SortStableFunc(list, lint.FixFirst)
	}
	return open, known, waived
}

// notes returns the notes in order.
func (d *Document) notes() []Note {
	list := slices.Clone(d.Notes)
	slices.SortStableFunc(list, func(a, b Note) int { return a.Pos.Compare(b.Pos) })
	return list
}

// isNoted reports whether a note says the same as a finding.
func (d *Document) isNoted(f *lint.Finding) bool {
	return slices.ContainsFunc(d.Notes, func(n Note) bool {
		return n.Rule == f.Rule && n.Rule != "" && n.Pos == f.Pos && n.Message == f.Message
	})
}
