package testrunner_test

import (
	"io/fs"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpolicy/mcpolicy/source"
	"github.com/mcpolicy/mcpolicy/testrunner"
)

// TestIncludeMistakes holds what is said of files of groups that are wrong, each once,
// however many suites include them.
func TestIncludeMistakes(t *testing.T) {
	for what, tt := range map[string]struct {
		files map[string]string
		want  []string
	}{
		"nothing":       {map[string]string{"g.yaml": "# later\n"}, []string{`g.yaml: the file holds no groups`}},
		"a list":        {map[string]string{"g.yaml": "- a\n"}, []string{`g.yaml:1:1: groups: want a mapping with groups, have a list`}},
		"a suite":       {map[string]string{"g.yaml": "name: s\ntests: []\n"}, []string{`g.yaml:1:1: this is a suite, and what suites include are files with groups alone`}},
		"two documents": {map[string]string{"g.yaml": "groups: {a: [b]}\n---\ngroups: {c: [d]}\n"}, []string{`g.yaml:3:1: a file of groups is one YAML document, this is another`}},
		"unknown keys": {map[string]string{"g.yaml": "gruops: {a: [b]}\nserver: crm\n"}, []string{
			`g.yaml:1:1: unknown key "gruops" (did you mean groups?)`,
			`g.yaml:2:1: unknown key "server"; known here: $schema, groups, include`,
		}},
		"keys twice": {map[string]string{"g.yaml": "groups: {a: [b], a: [c]}\ninclude: h.yaml\ninclude: i.yaml\n", "i.yaml": "groups: {c: [d]}\n", "h.yaml": ""}, []string{
			`g.yaml:1:10: key "a" stands here twice`,
			`g.yaml:2:1: key "include" stands here twice`,
		}},
		"missing":       {map[string]string{"g.yaml": "include: h.yaml\n"}, []string{`g.yaml:1:10: open h.yaml: file does not exist`}},
		"of themselves": {map[string]string{"g.yaml": "include: h.yaml\n", "h.yaml": "include: [i.yaml]\n", "i.yaml": "include: h.yaml\n"}, []string{`i.yaml:1:10: include: h.yaml includes itself: h.yaml -> i.yaml -> h.yaml`}},
	} {
		t.Run(what, func(t *testing.T) {
			include := testrunner.Names{name("g.yaml", 1, 1)}
			suites := []*testrunner.Suite{{Name: "a", Include: include}, {Name: "b", Include: include}}
			fsys := fstest.MapFS{}
			for file, text := range tt.files {
				fsys[file] = &fstest.MapFile{Data: []byte(text)}
			}
			err := testrunner.Include(suites, func(path string, pos source.Pos) ([]byte, error) {
				data, err := fs.ReadFile(fsys, path)
				if err != nil {
					return nil, source.Errorf(pos, "%w", err)
				}
				return data, nil
			})
			var got []string
			for _, m := range source.Mistakes(err) {
				got = append(got, m.Error())
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("mistakes (-want +got):\n%s", diff)
			}
		})
	}
}
