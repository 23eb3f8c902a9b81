package scaffold

import (
	"context"
	"io/fs"

	"github.com/mcpolicy/mcpolicy/report"
	"github.com/mcpolicy/mcpolicy/workspace"
)

// FromPack makes a project of a folder that is one already. It is checked as every project is; its
// README goes to where the policies are.
func FromPack(ctx context.Context, pack fs.FS, o workspace.Options) (*Project, error) {
	made := &Project{}
	err := fs.WalkDir(pack, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := fs.ReadFile(pack, name)
		if name == "README.md" {
			name = "policies/README.md"
		}
		made.Files = append(made.Files, File{name, data})
		return err
	})
	if err != nil {
		return nil, err
	}
	w, err := workspace.Open(ctx, pack, o)
	if err != nil {
		return nil, err
	}
	defer w.Close()
	d, err := clean(ctx, w)
	if err != nil {
		return nil, err
	}
	made.Tools, made.Cases, made.Invariants = countsOf(d)
	return made, nil
}

// countsOf returns how many tools, cases and sentences a report is about.
func countsOf(d *report.Document) (tools, cases, sentences int) {
	for _, s := range d.Matrix.Servers {
		tools += len(s.Inventory.Items)
	}
	for _, s := range d.Tests.Suites {
		for _, c := range s.Cases {
			if c.Proof != nil {
				sentences++
			} else {
				cases++
			}
		}
	}
	return tools, cases, sentences
}
