package report_test

import (
	"encoding/xml"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"pgregory.net/rapid"
)

// lcovLines are what lines of a tracefile look like.
var lcovLines = regexp.MustCompile(`^(TN:[A-Za-z0-9_]*|SF:.+|FN:[1-9]\d*,[^,]*|FNDA:\d+,[^,]*|FN[FH]:\d+|BRDA:[1-9]\d*,\d+,\d+,(-|\d+)|BR[FH]:\d+|DA:[1-9]\d*,\d+|L[FH]:\d+|end_of_record)$`)

// checkLCOV holds a tracefile to the format: each line is one that it knows, and the
// numbers at the end of a record are those of its lines.
func checkLCOV(t rapid.TB, got string) {
	t.Helper()
	n := map[string]int{}
	told := map[string]int{}
	for line := range strings.Lines(got) {
		line = strings.TrimSuffix(line, "\n")
		if !lcovLines.MatchString(line) {
			t.Errorf("no line of a tracefile: %q", line)
		}
		key, value, _ := strings.Cut(line, ":")
		fields := strings.Split(value, ",")
		hit := fields[len(fields)-1] != "0" && fields[len(fields)-1] != "-"
		switch key {
		case "DA", "BRDA":
			count := map[string]string{"DA": "L", "BRDA": "BR"}[key]
			n[count+"F"]++
			if hit {
				n[count+"H"]++
			}
		case "FN":
			n["FNF"]++
		case "FNDA":
			if fields[0] != "0" {
				n["FNH"]++
			}
		case "LF", "LH", "BRF", "BRH", "FNF", "FNH":
			told[key], _ = strconv.Atoi(value)
		case "end_of_record":
			for _, k := range []string{"LF", "LH", "BRF", "BRH", "FNF", "FNH"} {
				if n[k] != told[k] {
					t.Errorf("%s is %d, and there are %d", k, told[k], n[k])
				}
			}
			clear(n)
			clear(told)
		}
	}
}

// The elements of Cobertura's coverage-04.dtd: what each may hold, in this order, and its
// attributes, required ones first.
var coberturaDTD = map[string]struct {
	below              []string
	required, optional []string
}{
	"coverage": {[]string{"sources", "packages"}, []string{"line-rate", "branch-rate", "lines-covered", "lines-valid", "branches-covered", "branches-valid", "complexity", "version", "timestamp"}, nil},
	"sources":  {[]string{"source"}, nil, nil}, "source": {nil, nil, nil},
	"packages": {[]string{"package"}, nil, nil},
	"package":  {[]string{"classes"}, []string{"name", "line-rate", "branch-rate", "complexity"}, nil},
	"classes":  {[]string{"class"}, nil, nil},
	"class":    {[]string{"methods", "lines"}, []string{"name", "filename", "line-rate", "branch-rate", "complexity"}, nil},
	"methods":  {nil, nil, nil}, "lines": {[]string{"line"}, nil, nil},
	"line":       {[]string{"conditions"}, []string{"number", "hits"}, []string{"branch", "condition-coverage"}},
	"conditions": {[]string{"condition"}, nil, nil},
	"condition":  {nil, []string{"number", "type", "coverage"}, nil},
}

// checkCobertura holds XML to the DTD, and rates to what they are rates of.
func checkCobertura(t rapid.TB, got string) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(got))
	var stack []string
	last := []string{""}
	lines, hit := 0, 0
	var root xml.StartElement
	for {
		token, err := d.Token()
		if err != nil {
			if len(stack) > 0 || err.Error() != "EOF" {
				t.Fatalf("cobertura: %v\n%s", err, got)
			}
			break
		}
		switch x := token.(type) {
		case xml.StartElement:
			name := x.Name.Local
			of, known := coberturaDTD[name]
			if !known || len(stack) == 0 && name != "coverage" {
				t.Fatalf("no element of Cobertura: %s", name)
			}
			if len(stack) > 0 {
				below := coberturaDTD[stack[len(stack)-1]].below
				if slices.Index(below, name) < 0 || last[len(last)-1] != "" && slices.Index(below, name) < slices.Index(below, last[len(last)-1]) {
					t.Errorf("%s stands below %s, behind %q", name, stack[len(stack)-1], last[len(last)-1])
				}
				last[len(last)-1] = name
			} else {
				root = x
			}
			checkAttributes(t, x, of.required, of.optional)
			if name == "line" {
				lines++
				if attrOf(x, "hits") != "0" {
					hit++
				}
			}
			stack, last = append(stack, name), append(last, "")
		case xml.EndElement:
			stack, last = stack[:len(stack)-1], last[:len(last)-1]
		}
	}
	if attrOf(root, "lines-valid") != strconv.Itoa(lines) || attrOf(root, "lines-covered") != strconv.Itoa(hit) {
		t.Errorf("%d of %d lines are hit; said are %s of %s", hit, lines, attrOf(root, "lines-covered"), attrOf(root, "lines-valid"))
	}
}

func checkAttributes(t rapid.TB, x xml.StartElement, required, optional []string) {
	t.Helper()
	for _, name := range required {
		if !slices.ContainsFunc(x.Attr, func(a xml.Attr) bool { return a.Name.Local == name }) {
			t.Errorf("%s without %s", x.Name.Local, name)
		}
	}
	for _, a := range x.Attr {
		if !slices.Contains(required, a.Name.Local) && !slices.Contains(optional, a.Name.Local) {
			t.Errorf("%s has no attribute %s", x.Name.Local, a.Name.Local)
		}
		if rate, err := strconv.ParseFloat(a.Value, 64); strings.HasSuffix(a.Name.Local, "-rate") && (err != nil || rate < 0 || rate > 1) {
			t.Errorf("%s is %q", a.Name.Local, a.Value)
		}
	}
}

func attrOf(x xml.StartElement, name string) string {
	for _, a := range x.Attr {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}
