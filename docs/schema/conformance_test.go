package schema_test

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"golang.org/x/tools/txtar"

	"github.com/mcpolicy/mcpolicy/docs/schema"
	"github.com/mcpolicy/mcpolicy/source"
	"github.com/mcpolicy/mcpolicy/workspace"
)

// A kind is a kind of files that have a schema.
type kind struct {
	file workspace.FileKind
	// only are mistakes that a schema cannot see, and why. Where the parser tells nothing else, the
	// schema may take the file.
	only []exception
	// stricter are changes after which the schema may refuse what the parser takes, and why.
	stricter []exception
}

// An exception is where parser and schema may differ, as a pattern, and why.
type exception struct{ pattern, why string }

// Exceptions are held to lines such as ".lint.flows: null => mistake".
var nothing = exception{`: (null|list of nothing) =>`, "to the parser a value that is not there is one that is left out; an editor tells that it is missing"}

var kinds = []kind{
	{
		file: workspace.ConfigFile,
		only: []exception{
			{`unknown enforcement point "|with: \S+ is a setting of |has no settings$`, "which enforcement points there are is said elsewhere in the file"},
			{`no server "`, "servers are named elsewhere in the file"},
		},
		stricter: []exception{nothing},
	},
	{
		file: workspace.SuiteFile,
		only: []exception{
			{`is no expression of CEL`, "the grammar of CEL"},
			{`the row has \d+ cells?, and the table \d+ columns?`, "rows are as long as the list of columns"},
			{`\.rows\S*: .* => `, "what a cell of a row is follows from the list of columns"},
			{`stands? here twice|is called "[^"]*" already|the case of .* is (allowed|denied|refused) here`, "what two entries say is compared"},
			{`variables: \S+ is not used|no variable "|a variable is a whole value`, "variables are used elsewhere in the file"},
			{`because: by (names a rule|says that no rule decides)|by: default is a denial|because: it says why something is denied`, "what two keys say together"},
		},
		stricter: []exception{nothing, {`^\.\$schema: `, "in a file of groups the parser does not look at it"}},
	},
	{
		file: workspace.PrincipalsFile,
		only: []exception{
			{`no principal "`, "principals are named elsewhere in the file"},
		},
		stricter: []exception{nothing},
	},
}

// TestConformance changes each file of the repository that a parser takes in each place, in
// each of many ways, and asks both the parser and the schema about the result. A change of a
// place of the same shape is looked at a few times, not in each file.
func TestConformance(t *testing.T) {
	t.Parallel()
	texts := documents(t)
	for _, k := range kinds {
		t.Run(string(k.file), func(t *testing.T) {
			t.Parallel()
			editor := compile(t, schemaOf(k))
			known := map[string]bool{}
			keysOf(again(t, schema.Text(schemaOf(k))), known)
			used := map[string]bool{}
			seen := map[string]int{}
			files, refused, taken := 0, 0, 0
			for _, name := range slices.Sorted(maps.Keys(texts)) {
				docs, err := source.ParseYAML(name, texts[name])
				if err != nil || len(docs) == 0 || parse(k, texts[name]) != nil {
					continue
				}
				for _, doc := range docs {
					if doc.Is(source.Null) {
						continue
					}
					if err := editor.Validate(doc.Value()); err != nil {
						if !strings.Contains(string(texts[name]), ": }") { // a key without a value: see nothing
							t.Errorf("%s: the parser takes it, and the schema does not: %v", name, err)
						}
						continue
					}
					files++
					for m := range mutants(doc.Value(), known) {
						if seen[m.shape]++; seen[m.shape] > 3 {
							continue
						}
						data, err := json.Marshal(m.root)
						if err != nil {
							t.Fatal(err)
						}
						parsed := parse(k, data)
						checked := editor.Validate(again(t, data))
						if parsed != nil {
							refused++
						} else {
							taken++
						}
						switch {
						case parsed != nil && checked == nil && !excused(m.shape, parsed, k.only, used):
							t.Errorf("%s, %s: the parser refuses it, and the schema does not:\n%v\n%s", name, m.shape, parsed, data)
						case parsed == nil && checked != nil && !matches(m.shape+" =>", k.stricter, used):
							t.Errorf("%s, %s: the schema refuses it, and the parser does not:\n%v\n%s", name, m.shape, checked, data)
						}
					}
				}
			}
			for _, e := range slices.Concat(k.only, k.stricter) {
				if !used[e.pattern] {
					t.Errorf("the exception %s is of no use: %s", e.pattern, e.why)
				}
			}
			t.Logf("%d documents; of their changes the parser refuses %d and takes %d", files, refused, taken)
			if files < 15 || refused < 300 || taken < 100 {
				t.Error("that is too few to tell anything")
			}
		})
	}
}

// excused reports whether each mistake is one that a schema cannot see.
func excused(shape string, err error, list []exception, used map[string]bool) bool {
	for _, m := range source.Mistakes(err) {
		if !matches(shape+" => "+m.Error(), list, used) {
			return false
		}
	}
	return true
}

func matches(text string, list []exception, used map[string]bool) bool {
	for _, e := range list {
		if regexp.MustCompile(e.pattern).MatchString(text) {
			used[e.pattern] = true
			return true
		}
	}
	return false
}

func compile(t *testing.T, name string) *jsonschema.Schema {
	t.Helper()
	return compileValue(t, name, again(t, schema.Text(name)))
}

func compileValue(t *testing.T, name string, doc any) *jsonschema.Schema {
	t.Helper()
	c := jsonschema.NewCompiler()
	if err := c.AddResource(name, doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile(name)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// documents are all texts of the repository that may be YAML: files, those in archives of
// tests, and examples in Markdown.
func documents(t *testing.T) map[string][]byte {
	t.Helper()
	texts := map[string][]byte{}
	isText := func(name string) bool { return slices.Contains([]string{".yaml", ".yml", ".json"}, filepath.Ext(name)) }
	fences := regexp.MustCompile("(?ms)^```(?:yaml|json)[^\n]*\n(.*?)^```")
	root := filepath.Join("..", "..")
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != root && (strings.HasPrefix(d.Name(), ".") || d.Name() == "node_modules"):
			return fs.SkipDir
		case d.IsDir() || !isText(path) && filepath.Ext(path) != ".txtar" && filepath.Ext(path) != ".md":
			return nil
		}
		info, err := d.Info()
		if err != nil || info.Size() > 1<<18 {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name := filepath.ToSlash(strings.TrimPrefix(path, root+string(filepath.Separator)))
		switch filepath.Ext(path) {
		case ".txtar":
			for _, f := range txtar.Parse(data).Files {
				if isText(f.Name) {
					texts[name+":"+f.Name] = f.Data
				}
			}
		case ".md":
			for i, m := range fences.FindAllSubmatch(data, -1) {
				texts[fmt.Sprintf("%s:%d", name, i+1)] = m[1]
			}
		default:
			texts[name] = data
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return texts
}

// again returns a text as a schema sees it.
func again(t *testing.T, data []byte) any {
	t.Helper()
	var v any
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// keysOf collects the keys that a schema has properties for.
func keysOf(v any, known map[string]bool) {
	switch v := v.(type) {
	case map[string]any:
		properties, _ := v["properties"].(map[string]any)
		for key := range properties {
			known[key] = true
		}
		for _, below := range v {
			keysOf(below, known)
		}
	case []any:
		for _, below := range v {
			keysOf(below, known)
		}
	}
}

func schemaOf(k kind) string { return string(k.file) + ".json" }

func parse(k kind, data []byte) error {
	_, err := workspace.Validate(k.file, "a.yaml", data)
	return err
}
