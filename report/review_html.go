package report

import (
	"crypto/sha256"
	_ "embed" // the page
	"encoding/base64"
	"html/template"
	"io"
	"slices"
	"strings"
	"sync"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/matrix"
)

//go:embed review_page.html
var reviewPage string

//go:embed review_page.css
var reviewStyle string

// reviewTemplate is parsed when it is first wanted.
var reviewTemplate = sync.OnceValue(func() *template.Template { return template.Must(template.New("review").Parse(reviewPage)) })

// A reviewData is what the page of a review shows: texts, all of them visible.
type reviewData struct {
	Hash       string       // of the style, for the policy of content
	Style      template.CSS // the page's own
	Lead       string
	Facts      [][2]string
	Notes      []string
	Changes    []string
	Principals []reviewedPrincipal
	Items      []*reviewedItem
}

type reviewedPrincipal struct {
	Name, Who string
	Grants    []reviewedGrant
}

type reviewedGrant struct {
	Operation, Item, Server, Access, Condition, Since, Change string
	Rules, Reviewed                                           []string
	Destructive                                               bool
}

type reviewedItem struct {
	Item, Server, Operation, Always, Conditional string
	Destructive                                  bool
	always, conditional                          []string
}

// ReviewHTML writes a review as one page that needs nothing beside it and runs nothing.
func ReviewHTML(w io.Writer, r *Review, _ Options) error {
	sum := sha256.Sum256([]byte(reviewStyle))
	data := &reviewData{
		Hash: "sha256-" + base64.StdEncoding.EncodeToString(sum[:]), Style: template.CSS(reviewStyle), //nolint:gosec // the page's own
	}
	for _, f := range r.facts() {
		data.Facts = append(data.Facts, [2]string{f[0], visible(f[1])})
	}
	for _, n := range r.Notes {
		data.Notes = append(data.Notes, visible(n.Message))
	}
	if r.Changes != nil {
		data.Changes = append(data.Changes, visible("since "+r.Changes.Base+": "+r.Changes.words()))
		for i := range r.Changes.groups {
			data.Changes = append(data.Changes, visible(sentenceOf(&r.Changes.groups[i])))
		}
	}
	data.grants(r)
	return reviewTemplate().Execute(w, data)
}

// grants fills in who may do what, by principal and by item.
func (d *reviewData) grants(r *Review) {
	changed := r.changed()
	items := map[*matrix.Column]*reviewedItem{}
	var order []*matrix.Column
	for i := range r.Grants {
		g := &r.Grants[i]
		p, col := g.Principal, g.Column
		if n := len(d.Principals); n == 0 || d.Principals[n-1].Name != visible(p.Key) {
			who := p.Kind.String() + ", with " + conjoin(p.Roles)
			if p.OnBehalfOf != "" {
				who += ", acting for " + p.OnBehalfOf
			}
			d.Principals = append(d.Principals, reviewedPrincipal{Name: visible(p.Key), Who: visible(who)})
		}
		of := &d.Principals[len(d.Principals)-1]
		row := reviewedGrant{
			Operation: col.Operation.String(), Item: visible(col.Item.Name), Server: visible(col.Server.Name), Access: g.Cell.Access.String(),
			Condition: visible(firstOf(g.Cell.Condition.String(), g.Cell.Reason())), Since: g.Since.String(), Destructive: g.destructive(),
		}
		for _, rule := range g.Cell.Decisive() {
			row.Rules = append(row.Rules, visible(rule.Pos.String()+" "+rule.Name))
		}
		for _, text := range g.reviews() {
			row.Reviewed = append(row.Reviewed, visible(text))
		}
		if x := changed[cellOf{p.Key, jsonColumnOf(col)}]; x != nil {
			row.Change = x.Change + " since the last review"
		}
		of.Grants = append(of.Grants, row)
		item := items[col]
		if item == nil {
			item = &reviewedItem{Item: row.Item, Server: row.Server, Operation: useWord(col.Operation), Destructive: row.Destructive}
			items[col] = item
			order = append(order, col)
		}
		if g.Cell.Access == matrix.Conditional {
			item.conditional = append(item.conditional, visible(p.Key))
		} else {
			item.always = append(item.always, visible(p.Key))
		}
	}
	slices.SortStableFunc(order, func(a, b *matrix.Column) int { return a.Index - b.Index })
	for _, col := range order {
		x := items[col]
		x.Always, x.Conditional = strings.Join(x.always, ", "), strings.Join(x.conditional, ", ")
		d.Items = append(d.Items, x)
	}
	d.Lead = count(len(d.Principals), "principal") + " may list or use something: " + count(len(r.Grants), "grant") + "."
}

// useWord says what is done to an item: listed, called, got, read.
func useWord(o authz.Operation) string {
	return [...]string{authz.List: "listed", authz.Call: "called", authz.Get: "got", authz.Read: "read"}[o]
}
