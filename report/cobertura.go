package report

import (
	"encoding/xml"
	"io"
	"path"
	"strconv"
)

// coberturaType names the document type that the elements below follow.
const coberturaType = `<!DOCTYPE coverage SYSTEM "http://cobertura.sourceforge.net/xml/coverage-04.dtd">` + "\n"

type coberturaXML struct {
	XMLName  xml.Name `xml:"coverage"`
	LineRate string   `xml:"line-rate,attr"`
	Branch   string   `xml:"branch-rate,attr"`
	coberturaCounts
	Complexity string             `xml:"complexity,attr"`
	Version    string             `xml:"version,attr"`
	Timestamp  string             `xml:"timestamp,attr"`
	Sources    []string           `xml:"sources>source"`
	Packages   coberturaContainer `xml:"packages"`
}

type coberturaCounts struct {
	LinesCovered    int `xml:"lines-covered,attr"`
	LinesValid      int `xml:"lines-valid,attr"`
	BranchesCovered int `xml:"branches-covered,attr"`
	BranchesValid   int `xml:"branches-valid,attr"`
}

type coberturaContainer struct {
	List []coberturaPackage `xml:"package"`
}

type coberturaPackage struct {
	Name       string           `xml:"name,attr"`
	LineRate   string           `xml:"line-rate,attr"`
	Branch     string           `xml:"branch-rate,attr"`
	Complexity string           `xml:"complexity,attr"`
	Classes    []coberturaClass `xml:"classes>class"`

	lines, branches ratio
}

type coberturaClass struct {
	Name       string           `xml:"name,attr"`
	File       string           `xml:"filename,attr"`
	LineRate   string           `xml:"line-rate,attr"`
	Branch     string           `xml:"branch-rate,attr"`
	Complexity string           `xml:"complexity,attr"`
	Methods    coberturaMethods `xml:"methods"`
	Lines      coberturaLines   `xml:"lines"`
}

// coberturaMethods is there and empty: rules have lines of their own.
type coberturaMethods struct{}

type coberturaLines struct {
	List []coberturaLine `xml:"line"`
}

type coberturaLine struct {
	Number     int                  `xml:"number,attr"`
	Hits       int                  `xml:"hits,attr"`
	Branch     string               `xml:"branch,attr"`
	Condition  string               `xml:"condition-coverage,attr,omitempty"`
	Conditions *coberturaConditions `xml:"conditions"`
}

type coberturaConditions struct {
	List []coberturaCondition `xml:"condition"`
}

type coberturaCondition struct {
	Number   int    `xml:"number,attr"`
	Type     string `xml:"type,attr"`
	Coverage string `xml:"coverage,attr"`
}

// writeCobertura writes Cobertura XML: a class for each file of policies, a package for
// each folder. The outcomes of conditions, and both halves of each part, are conditions of their
// lines.
func writeCobertura(w io.Writer, d *Document, o Options) error {
	files, err := d.coveredFiles(&o)
	if err != nil {
		return err
	}
	x := coberturaXML{Complexity: "0", Version: "mcpolicy", Timestamp: "0", Sources: []string{"."}}
	var lines, branches ratio
	for i := range files {
		f := &files[i]
		l, b := f.ratios()
		lines, branches = lines.plus(l), branches.plus(b)
		x.add(f, l, b)
	}
	x.LineRate, x.Branch = lines.rate(), branches.rate()
	x.coberturaCounts = coberturaCounts{lines.covered, lines.total, branches.covered, branches.total}
	if _, err := io.WriteString(w, xml.Header+coberturaType); err != nil {
		return err
	}
	e := xml.NewEncoder(w)
	e.Indent("", " ")
	if err := e.Encode(x); err != nil {
		return err
	}
	_, err = io.WriteString(w, "\n")
	return err
}

// add adds a file to the package of its folder. Files come sorted by name.
func (x *coberturaXML) add(f *coveredFile, l, b ratio) {
	c := coberturaClass{Name: visible(path.Base(f.name)), File: visible(f.name), LineRate: l.rate(), Branch: b.rate(), Complexity: "0"}
	for _, line := range f.lines {
		c.Lines.List = append(c.Lines.List, line.cobertura())
	}
	folder := visible(path.Dir(f.name))
	for i := range x.Packages.List {
		if p := &x.Packages.List[i]; p.Name == folder {
			p.Classes = append(p.Classes, c)
			p.lines, p.branches = p.lines.plus(l), p.branches.plus(b)
			p.LineRate, p.Branch = p.lines.rate(), p.branches.rate()
			return
		}
	}
	x.Packages.List = append(x.Packages.List, coberturaPackage{
		Name: folder, LineRate: l.rate(), Branch: b.rate(), Complexity: "0", Classes: []coberturaClass{c}, lines: l, branches: b,
	})
}

func (l *coveredLine) cobertura() coberturaLine {
	x := coberturaLine{Number: l.number, Hits: l.hits, Branch: "false"}
	if len(l.branches) == 0 {
		return x
	}
	var r ratio
	x.Branch, x.Conditions = "true", &coberturaConditions{}
	for i, covered := range l.branches {
		r.add(covered)
		x.Conditions.List = append(x.Conditions.List, coberturaCondition{i, "jump", strconv.Itoa(100*hit(covered)) + "%"})
	}
	x.Condition = strconv.Itoa(100*r.covered/r.total) + "% (" + strconv.Itoa(r.covered) + "/" + strconv.Itoa(r.total) + ")"
	return x
}

func (r ratio) plus(other ratio) ratio {
	return ratio{r.covered + other.covered, r.total + other.total}
}

// rate is how many are covered, from 0 to 1; 0 of nothing, which is no pass.
func (r ratio) rate() string {
	if r.total == 0 {
		return "0"
	}
	return strconv.FormatFloat(float64(r.covered)/float64(r.total), 'f', 4, 64)
}
