package report

import (
	"cmp"
	"errors"
	"maps"
	"slices"

	"github.com/mcpolicy/mcpolicy/testcoverage"
)

// A coveredFile is a file of policies as formats know it that know nothing but lines: the
// lines of a rule or a derived role are hit if it is covered, and conditions branch.
type coveredFile struct {
	name  string
	lines []coveredLine // in order
}

type coveredLine struct {
	number   int
	hits     int
	branches []bool // whether each outcome of conditions, and each half of their parts, is covered
}

func (l *coveredLine) branch(covered ...bool) {
	for _, is := range covered {
		if l.branches = append(l.branches, is); is {
			l.hits = 1
		}
	}
}

// errNoCoverage is why there is nothing to write.
var errNoCoverage = errors.New("coverage was not measured: mcpolicy test --coverage does")

// coveredFiles lists the files of policies. What is impossible is on no line.
func (d *Document) coveredFiles(o *Options) ([]coveredFile, error) {
	if d.Coverage == nil {
		return nil, errNoCoverage
	}
	files := map[string]map[int]*coveredLine{}
	at := func(file string, number int) *coveredLine {
		if files[file] == nil {
			files[file] = map[int]*coveredLine{}
		}
		l := files[file][number]
		if l == nil {
			l = &coveredLine{number: number}
			files[file][number] = l
		}
		return l
	}
	for i := range d.Coverage.Points {
		p := &d.Coverage.Points[i]
		if p.State == testcoverage.Impossible || p.Kind == testcoverage.Cell || p.Pos.Line == 0 {
			continue
		}
		file := p.Pos.File
		if o.Path != nil {
			file = o.Path(file)
		}
		switch covered := p.State == testcoverage.Covered; p.Kind {
		case testcoverage.Rule, testcoverage.DerivedRole:
			for n := p.Pos.Line; n <= max(p.Pos.Line, p.Last); n++ {
				if l := at(file, n); covered {
					l.hits = 1
				}
			}
		case testcoverage.Outcome:
			at(file, p.Pos.Line).branch(covered)
		case testcoverage.MCDC:
			at(file, p.Pos.Line).branch(p.True, p.False)
		case testcoverage.Cell:
		}
	}
	var list []coveredFile
	for name, lines := range files {
		f := coveredFile{name: name}
		for _, l := range lines {
			f.lines = append(f.lines, *l)
		}
		slices.SortFunc(f.lines, func(a, b coveredLine) int { return cmp.Compare(a.number, b.number) })
		list = append(list, f)
	}
	slices.SortFunc(list, func(a, b coveredFile) int { return cmp.Compare(a.name, b.name) })
	return list, nil
}

// ratio is how many of some are covered.
type ratio struct{ covered, total int }

func (r *ratio) add(covered bool) {
	r.total++
	if covered {
		r.covered++
	}
}

// lineRatio and branchRatio count a file.
func (f *coveredFile) ratios() (lines, branches ratio) {
	for _, l := range f.lines {
		lines.add(l.hits > 0)
		for _, b := range l.branches {
			branches.add(b)
		}
	}
	return lines, branches
}

// functionsOf lists the rules and derived roles of each file, by its name.
func (d *Document) functionsOf(o *Options) map[string][]*testcoverage.Point {
	list := map[string][]*testcoverage.Point{}
	for i := range d.Coverage.Points {
		p := &d.Coverage.Points[i]
		if p.State == testcoverage.Impossible || p.Kind != testcoverage.Rule && p.Kind != testcoverage.DerivedRole || p.Pos.Line == 0 {
			continue
		}
		file := p.Pos.File
		if o.Path != nil {
			file = o.Path(file)
		}
		list[file] = append(list[file], p)
	}
	for name := range maps.Keys(list) {
		slices.SortStableFunc(list[name], func(a, b *testcoverage.Point) int { return a.Pos.Compare(b.Pos) })
	}
	return list
}
