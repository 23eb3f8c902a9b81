package mutation_test

import (
	"context"
	"fmt"
	"maps"
	"testing/fstest"
	"time"

	"github.com/mcpolicy/mcpolicy/internal/fixture"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/mutate"
	"github.com/mcpolicy/mcpolicy/mutation"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/pdp/embedded"
	"github.com/mcpolicy/mcpolicy/policy"
	"github.com/mcpolicy/mcpolicy/source"
	"github.com/mcpolicy/mcpolicy/testgen"
	"github.com/mcpolicy/mcpolicy/testrunner"
	"github.com/mcpolicy/mcpolicy/workspace"
)

// A world is a policy about a server with two tools, what stands beside it, and a suite;
// "" for one of a case for each rule.
type world struct{ rules, beside, suite string }

const (
	policyHead = "apiVersion: api.cerbos.dev/v1\nresourcePolicy:\n  resource: mcp_server\n  version: default\n"
	tools      = `{"tools": [{"name": "refund", "inputSchema": {"type": "object", "properties": {"amount": {"type": "number"}, "to": {"type": "string"}}}}, {"name": "close"}]}`
	people     = "principals:\n  ada: {id: ada, roles: [clerk], attr: {limit: 500, desk: a}}\n  bob: {id: bob, roles: [manager, clerk], attr: {limit: 900}}\n  eve: {id: eve, roles: [guest]}\n"
)

// An openedWorld is a world with its suite run.
type openedWorld struct {
	files  fstest.MapFS
	matrix *matrix.Matrix
	tests  *testrunner.Result
	set    *policy.Set
	now    time.Time
}

func openWorld(ctx context.Context, of world) (*openedWorld, error) {
	w := &openedWorld{files: fstest.MapFS{"p.yaml": {Data: []byte(policyHead + "  rules:" + of.rules)}}, now: time.Unix(1_800_000_000, 0)}
	if of.beside != "" {
		w.files["beside.yaml"] = &fstest.MapFile{Data: []byte(of.beside)}
	}
	folder := fstest.MapFS{"manifest.json": {Data: []byte(tools)}}
	for name, f := range w.files {
		folder["policies/"+name] = f
	}
	opened, err := fixture.Open(ctx, folder, people, workspace.Options{Now: w.now})
	if err != nil {
		return nil, err
	}
	if w.matrix, err = opened.Matrix(ctx); err != nil {
		return nil, err
	}
	w.set = opened.Policies
	if of.suite == "" {
		suites, err := testgen.Generate(ctx, &testgen.Input{Matrix: w.matrix, RulesOnly: true})
		if err != nil {
			return nil, err
		}
		of.suite = string(suites.Text)
	}
	suites, err := testrunner.Parse("suite.yaml", []byte(of.suite))
	if err != nil {
		return nil, err
	}
	w.tests, err = testrunner.Run(ctx, &testrunner.Input{Suites: suites, Matrix: w.matrix})
	return w, err
}

// run holds all mutants against the suite, by policies that are all opened again if so
// asked.
func (w *openedWorld) run(ctx context.Context, again bool) (*mutation.Result, error) {
	mutants := mutate.Of(w.set, func(file string) *source.Node {
		docs, err := source.ParseYAML(file, w.files[file[len("policies/"):]].Data)
		if err != nil {
			panic(err)
		}
		return docs[0]
	})
	if again {
		for i, m := range mutants {
			copied := *m
			copied.Change = nil
			mutants[i] = &copied
		}
	}
	return mutation.Run(ctx, &mutation.Input{Tests: w.tests, Matrix: w.matrix, Mutants: mutants, Now: w.now, Open: w.open, Policies: w.policies})
}

func (w *openedWorld) open(ctx context.Context, m *mutate.Mutant, now time.Time, globals map[string]any) (pdp.Decider, error) {
	files, err := w.with(m)
	if err != nil {
		return nil, err
	}
	if now.IsZero() {
		now = w.now
	}
	e, err := embedded.Open(ctx, files, pdp.Options{Now: now, Globals: globals, Prefix: "policies"})
	if err != nil {
		return nil, &mutation.LoadError{Err: err}
	}
	return e, nil
}

func (w *openedWorld) policies(m *mutate.Mutant) (*policy.Set, error) {
	files, err := w.with(m)
	if err != nil {
		return nil, err
	}
	set, err := policy.Load(files, "policies")
	if err != nil {
		return nil, &mutation.LoadError{Err: err}
	}
	return set, nil
}

// with returns the files with a mutant's edit.
func (w *openedWorld) with(m *mutate.Mutant) (fstest.MapFS, error) {
	content, err := m.Content()
	if err != nil {
		return nil, fmt.Errorf("write the mutant: %w", err)
	}
	files := maps.Clone(w.files)
	files[m.Pos.File[len("policies/"):]] = &fstest.MapFile{Data: content}
	return files, nil
}
