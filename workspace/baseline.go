package workspace

import (
	"errors"
	"io/fs"
	"path"
	"strings"

	"github.com/mcpolicy/mcpolicy/lint"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/report"
	"github.com/mcpolicy/mcpolicy/source"
)

// BaselineName returns the name of the baseline of a config that names none, beside it:
// mcpolicy-baseline.yaml.
func BaselineName(config string) string {
	return strings.TrimSuffix(config, path.Ext(config)) + "-baseline.yaml"
}

// BaselineFile returns where the baseline is, or would be: what the config names, or beside it.
func (w *Workspace) BaselineFile() string {
	if named := w.Config.Lint.Baseline; named.Path != "" {
		return named.Path
	}
	return BaselineName(path.Base(w.configName()))
}

// Baseline reads the baseline; nil if there is none.
func (w *Workspace) Baseline() (*lint.Baseline, error) {
	if w.in.Folder == nil {
		return nil, nil // there is none
	}
	name := w.BaselineFile()
	if _, err := fs.Stat(w.in.Folder, name); errors.Is(err, fs.ErrNotExist) {
		return nil, nil // there is none
	}
	data, err := source.ReadFile(w.in.Folder, name)
	if err != nil {
		return nil, wrong(err)
	}
	b, err := lint.ParseBaseline(name, data)
	if err != nil {
		return nil, wrong(err)
	}
	return b, nil
}

// baselineOf returns the baseline that the rules go by; nil for none. One that the config names
// has to be there.
func (w *Workspace) baselineOf(rules *Rules) (*lint.Baseline, error) {
	switch {
	case rules == nil || rules.IgnoreBaseline:
		return nil, nil //nolint:nilnil // there is none
	case rules.Baseline != nil:
		return rules.Baseline, nil
	}
	b, err := w.Baseline()
	if named := w.Config.Lint.Baseline; b == nil && err == nil && named.Path != "" && w.in.Folder != nil {
		return nil, wrong(source.Errorf(named.Pos, "baseline: there is no %s; write it with mcpolicy baseline", named.Path))
	}
	return b, err
}

// Ran returns a function that reports whether a run looks into all that a rule is about, so
// that something follows from its silence.
func (w *Workspace) Ran(rules Rules) func(rule string) bool {
	o, err := w.LintOptions(rules)
	return func(rule string) bool { return err == nil && o.LooksInto(w.Engine, rule) }
}

// baselineReport says what of a baseline is not found any more. Of other inventories, policies or
// principals than the config names nothing follows.
func (w *Workspace) baselineReport(b *lint.Baseline, findings []lint.Finding, rules Rules) *report.Baseline {
	r := &report.Baseline{File: b.File}
	if len(w.in.Inventories) == 0 && w.in.Policies == nil && w.in.Principals == nil {
		r.Gone = b.Gone(findings, w.Ran(rules))
	}
	return r
}

// known checks a baseline and returns rules that go by it.
func known(b *lint.Baseline, m *matrix.Matrix, rules *Rules) (*Rules, error) {
	if b == nil {
		return rules, nil
	}
	if err := b.Check(m); err != nil {
		return nil, wrong(err)
	}
	with := *rules
	with.Known = rules.Known.Or(b.Known())
	return &with, nil
}
