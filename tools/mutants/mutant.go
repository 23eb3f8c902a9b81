package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// A mutant is one small mistake in one function.
type mutant struct {
	file string // below the root, with slashes
	fn   string // the function's name, with its receiver
	what string // what becomes of what; no other mutant of the function is called so
	pos  token.Position

	source *sourceFile
	decl   *ast.FuncDecl
	edits  []edit
}

// name tells a mutant from all others, also once lines are added above it.
func (m *mutant) name() string { return m.file + " " + m.fn + " " + m.what }

// An edit puts a text in the place of the bytes from one offset of a file to another.
type edit struct {
	from, to int
	text     string
}

// applied is the part of a text from one offset to another, with edits in it.
func applied(text []byte, from, to int, edits []edit) string {
	edits = slices.Clone(edits)
	slices.SortStableFunc(edits, func(a, b edit) int { return a.from - b.from })
	var out strings.Builder
	for _, e := range edits {
		out.Write(text[from:e.from])
		out.WriteString(e.text)
		from = e.to
	}
	out.Write(text[from:to])
	return out.String()
}

// A sourceFile is a file whose functions are changed.
type sourceFile struct {
	path, name string // on the disk, and below the root
	text       []byte
	ast        *ast.File
	tokens     *token.File
}

func parseSource(fset *token.FileSet, path, name string) (*sourceFile, error) {
	text, err := os.ReadFile(path) //nolint:gosec // reading sources is the job
	if err != nil {
		return nil, err
	}
	f, err := parser.ParseFile(fset, path, text, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	return &sourceFile{path: path, name: filepath.ToSlash(name), text: text, ast: f, tokens: fset.File(f.Pos())}, nil
}

func (f *sourceFile) offset(p token.Pos) int { return f.tokens.Offset(p) }

// code is the text of a piece of syntax.
func (f *sourceFile) code(n ast.Node) string {
	return string(f.text[f.offset(n.Pos()):f.offset(n.End())])
}

// mutants are those of a file's functions, in their order, whether they compile or not.
func (f *sourceFile) mutants() []*mutant {
	var all []*mutant
	for _, d := range f.ast.Decls {
		decl, ok := d.(*ast.FuncDecl)
		if !ok || decl.Body == nil || decl.Recv == nil && (decl.Name.Name == "init" || decl.Name.Name == "main") || decl.Name.Name == "_" {
			continue
		}
		m := &maker{sourceFile: f, decl: decl, named: map[string]int{}}
		var above []ast.Node
		ast.Inspect(decl.Body, func(n ast.Node) bool {
			if n == nil {
				above = above[:len(above)-1]
				return true
			}
			m.look(n, above)
			above = append(above, n)
			return true
		})
		all = append(all, m.made...)
	}
	return all
}

// A maker makes the mutants of a function.
type maker struct {
	*sourceFile
	decl  *ast.FuncDecl
	named map[string]int
	made  []*mutant
}

func (m *maker) add(at token.Pos, what string, edits ...edit) {
	m.named[what]++
	if n := m.named[what]; n > 1 {
		what += fmt.Sprintf(" (%d)", n)
	}
	m.made = append(m.made, &mutant{
		file: m.name, fn: functionName(m.decl), what: what, pos: m.tokens.Position(at),
		source: m.sourceFile, decl: m.decl, edits: edits,
	})
}

// replace makes a mutant in which a piece of syntax is another.
func (m *maker) replace(at token.Pos, n ast.Node, by string) {
	m.add(at, quoted(m.code(n))+" becomes "+quoted(by), m.edit(n, by))
}

func (m *maker) edit(n ast.Node, by string) edit {
	return edit{m.offset(n.Pos()), m.offset(n.End()), by}
}

// swapped has what becomes of an operator.
var swapped = map[token.Token]token.Token{
	token.EQL: token.NEQ, token.NEQ: token.EQL,
	token.LSS: token.LEQ, token.LEQ: token.LSS, token.GTR: token.GEQ, token.GEQ: token.GTR,
	token.LAND: token.LOR, token.LOR: token.LAND,
	token.ADD: token.SUB, token.SUB: token.ADD, token.MUL: token.QUO, token.QUO: token.MUL,
	token.ADD_ASSIGN: token.SUB_ASSIGN, token.SUB_ASSIGN: token.ADD_ASSIGN,
	token.INC: token.DEC, token.DEC: token.INC,
	token.BREAK: token.CONTINUE, token.CONTINUE: token.BREAK,
}

// look makes the mutants of one piece of syntax, of which those that it is part of are given.
func (m *maker) look(n ast.Node, above []ast.Node) {
	var parent ast.Node = m.decl
	if len(above) > 0 {
		parent = above[len(above)-1]
	}
	switch n := n.(type) {
	case *ast.IfStmt:
		if !flips(n.Cond) {
			m.replace(n.Cond.Pos(), n.Cond, "!("+m.code(n.Cond)+")")
		}
	case *ast.BinaryExpr:
		if to, ok := swapped[n.Op]; ok {
			m.binary(n, to)
		}
	case *ast.UnaryExpr:
		if n.Op == token.NOT {
			m.replace(n.Pos(), n, m.code(n.X))
		}
	case *ast.CallExpr:
		if ifs, ok := parent.(*ast.IfStmt); saysWhether(n) && !(ok && ifs.Cond == n) && !isNot(parent) {
			m.replace(n.Pos(), n, "!"+m.code(n))
		}
	case *ast.IncDecStmt:
		m.replace(n.TokPos, n, m.code(n.X)+swapped[n.Tok].String())
	case *ast.AssignStmt:
		if to, ok := swapped[n.Tok]; ok {
			at := m.offset(n.TokPos)
			m.add(n.TokPos, quoted(m.code(n))+" has "+quoted(to.String()), edit{at, at + 2, to.String()})
		}
		if isBlock(parent) && isStore(n) {
			m.add(n.Pos(), quoted(m.code(n))+" removed", m.edit(n, ""))
		}
	case *ast.ExprStmt:
		if isBlock(parent) {
			m.add(n.Pos(), quoted(m.code(n))+" removed", m.edit(n, ""))
		}
	case *ast.ReturnStmt:
		for _, r := range n.Results {
			if by, ok := returned[m.code(r)]; ok {
				m.add(r.Pos(), quoted(m.code(n))+" has "+quoted(by), m.edit(r, by))
			}
		}
	case *ast.BasicLit:
		if v, err := strconv.ParseInt(n.Value, 0, 64); err == nil && n.Kind == token.INT && !slices.ContainsFunc(above, isMake) {
			by := strconv.FormatInt(v+1, 10)
			m.add(n.Pos(), quoted(m.code(surrounding(n, above)))+" has "+quoted(by), m.edit(n, by))
		}
	case *ast.BranchStmt:
		if to, ok := swapped[n.Tok]; ok && n.Label == nil {
			m.replace(n.Pos(), n, to.String())
		}
	}
}

// returned has what is returned in the place of something: the opposite, or no error.
var returned = map[string]string{"true": "false", "false": "true", "err": "nil"}

// binary makes the mutant with another operator. What it is between stays together.
func (m *maker) binary(n *ast.BinaryExpr, to token.Token) {
	x, y := m.code(n.X), m.code(n.Y)
	what := quoted(m.code(n)) + " has " + quoted(to.String())
	if n.Op == token.LAND || n.Op == token.LOR {
		m.add(n.OpPos, what, m.edit(n, "(("+x+") "+to.String()+" ("+y+"))"))
		return
	}
	at := m.offset(n.OpPos)
	m.add(n.OpPos, what, edit{at, at + len(n.Op.String()), to.String()})
}

// flips is true of a condition that another mutant is the negation of.
func flips(cond ast.Expr) bool {
	b, ok := cond.(*ast.BinaryExpr)
	return isNot(cond) || ok && (b.Op == token.EQL || b.Op == token.NEQ)
}

func isNot(n ast.Node) bool {
	u, ok := n.(*ast.UnaryExpr)
	return ok && u.Op == token.NOT
}

func isMake(n ast.Node) bool {
	c, ok := n.(*ast.CallExpr)
	if !ok {
		return false
	}
	id, ok := c.Fun.(*ast.Ident)
	return ok && id.Name == "make"
}

// saysWhether is true of a call of a function of the standard library that answers a
// question about lists or texts.
func saysWhether(c *ast.CallExpr) bool {
	sel, ok := c.Fun.(*ast.SelectorExpr)
	if !ok {
		return false
	}
	pkg, ok := sel.X.(*ast.Ident)
	return ok && slices.Contains([]string{"bytes", "maps", "slices", "strings"}, pkg.Name) &&
		slices.Contains([]string{"Contains", "ContainsFunc", "ContainsAny", "Equal", "EqualFunc", "HasPrefix", "HasSuffix"}, sel.Sel.Name)
}

// isBlock is true of what has statements one after the other.
func isBlock(n ast.Node) bool {
	switch n.(type) {
	case *ast.BlockStmt, *ast.CaseClause, *ast.CommClause:
		return true
	}
	return false
}

// isStore is true of an assignment whose removal leaves code that may compile: to fields,
// elements and what is pointed at, and of what is appended to a list.
func isStore(a *ast.AssignStmt) bool {
	if a.Tok == token.DEFINE {
		return false
	}
	if len(a.Rhs) == 1 {
		if c, ok := a.Rhs[0].(*ast.CallExpr); ok {
			if id, ok := c.Fun.(*ast.Ident); ok && id.Name == "append" {
				return true
			}
		}
	}
	return !slices.ContainsFunc(a.Lhs, func(l ast.Expr) bool {
		switch l.(type) {
		case *ast.SelectorExpr, *ast.IndexExpr, *ast.StarExpr:
			return false
		}
		return true
	})
}

// surrounding is what to show of a number: what it is directly part of, unless that is a block.
func surrounding(n ast.Node, above []ast.Node) ast.Node {
	if len(above) == 0 || isBlock(above[len(above)-1]) {
		return n
	}
	return above[len(above)-1]
}

// functionName is a function's name as it is read: (*T).name of a method.
func functionName(d *ast.FuncDecl) string {
	if d.Recv == nil {
		return d.Name.Name
	}
	t := d.Recv.List[0].Type
	star := ""
	if s, ok := t.(*ast.StarExpr); ok {
		t, star = s.X, "*"
	}
	switch g := t.(type) {
	case *ast.IndexExpr:
		t = g.X
	case *ast.IndexListExpr:
		t = g.X
	}
	return "(" + star + t.(*ast.Ident).Name + ")." + d.Name.Name
}

// quoted is code on one line, without what makes it long.
func quoted(code string) string {
	code = strings.ReplaceAll(strings.Join(strings.Fields(code), " "), "`", "'")
	if r := []rune(code); len(r) > 90 {
		code = string(r[:89]) + "…"
	}
	return "`" + code + "`"
}
