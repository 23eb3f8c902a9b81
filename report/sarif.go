package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"path"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/source"
)

// sarifResultLimit is how many results of a run GitHub takes: it refuses a
// file with more.
const sarifResultLimit = 25_000

const (
	sarifSchema = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
	// sourceRoot is what relative URIs are relative to: the root of the
	// repository, wherever that is on the machine of whoever reads them.
	sourceRoot = "%SRCROOT%"
	// fingerprintKey names the fingerprint, and its version.
	fingerprintKey = "mcpolicyProblem/v1"
)

// writeSARIF writes one run in SARIF 2.1.0. Results are problems only: findings
// and cases that did not pass. Waived findings are suppressed results, notes
// are notifications.
func writeSARIF(w io.Writer, d *Document, o Options) error {
	r := newSARIF(&o)
	r.compared = d.compared()
	invocation := sarifInvocation{ExecutionSuccessful: true, ExitCodeDescription: "clean"}
	switch {
	case d.Doubt != nil:
		invocation = sarifInvocation{ExitCode: 3, ExitCodeDescription: "cells that are no answer"}
		if d.Tests.Invalid() != nil {
			invocation.ExitCodeDescription = d.inDoubt()
		}
	case d.Fails(o.FailOn):
		invocation.ExitCode, invocation.ExitCodeDescription = 1, "findings, or cases that did not pass"
	}
	if left := d.LeftOut.words(); left != "" {
		invocation.Execution = append(invocation.Execution, sarifNotification{Level: "note", Message: plainText(left)})
		if invocation.ExitCode == 0 {
			invocation.ExitCodeDescription = "clean but for what is left out"
		}
	}
	list := d.problems(&o)
	for i, p := range list {
		if i == sarifResultLimit {
			invocation.Execution = append(invocation.Execution, sarifNotification{Level: "warning", Message: plainText(fmt.Sprintf(
				"%s left out, the least severe: GitHub takes %d of a run. The JSON report has them all.", count(len(list)-i, "result"), sarifResultLimit))})
			break
		}
		r.Results = append(r.Results, r.result(p))
	}
	for _, n := range d.remarks(&o) {
		invocation.Configuration = append(invocation.Configuration, sarifNotification{
			Level: "note", Message: plainText(n.message), Locations: []sarifLocation{r.location(n)},
		})
	}
	r.Invocations = []sarifInvocation{invocation}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	if err := e.Encode(sarifLog{Schema: sarifSchema, Version: "2.1.0", Runs: []sarifRun{r.sarifRun}}); err != nil {
		return err
	}
	_, err := w.Write(source.InertJSON(b.Bytes()))
	return err
}

// A sarifBuilder is a run in the making. Rules and taxonomies join it as
// results refer to them.
type sarifBuilder struct {
	sarifRun
	o        *Options
	rules    map[string]int
	compared bool // there is a base
}

func newSARIF(o *Options) *sarifBuilder {
	description := plainText("the root of the repository")
	return &sarifBuilder{
		o: o, rules: map[string]int{},
		sarifRun: sarifRun{
			Tool:               sarifTool{&sarifComponent{Name: "mcpolicy", Version: strings.TrimPrefix(o.Version, "v"), Rules: []sarifDescriptor{}}},
			OriginalURIBaseIDs: map[string]sarifArtifact{sourceRoot: {Description: &description}},
			ColumnKind:         "unicodeCodePoints", Results: []sarifResult{},
		},
	}
}

// sarifLevels are SARIF's words for the severities.
var sarifLevels = [...]string{authz.SeverityNote: "note", authz.SeverityWarning: "warning", authz.SeverityError: "error"}

func (b *sarifBuilder) result(p *problem) sarifResult {
	r := sarifResult{
		RuleID: visible(p.rule), RuleIndex: b.rule(p), Level: sarifLevels[p.severity], Message: sarifText{Text: p.text(sarifEscape)},
		Locations: []sarifLocation{b.location(p)}, PartialFingerprints: map[string]string{fingerprintKey: p.fingerprint},
	}
	for i, rel := range p.related {
		if rel.Pos.File == "" {
			continue
		}
		text := plainText(rel.Text)
		at := b.location(&problem{pos: rel.Pos})
		at.ID, at.Message = &i, &text
		r.RelatedLocations = append(r.RelatedLocations, at)
	}
	if b.compared {
		r.Baseline = map[bool]string{false: "new", true: "unchanged"}[p.known]
	}
	if p.waived {
		r.Suppressions = []sarifSuppression{b.suppression(p)}
	}
	return r
}

// suppression is inSource where the waiver is a comment in the file that the
// problem is in.
func (b *sarifBuilder) suppression(p *problem) sarifSuppression {
	s := sarifSuppression{Kind: "external", Status: "accepted", Justification: visible(firstOf(p.reason, "no reason given"))}
	if p.waivedAt.File == "" {
		return s
	}
	if p.waivedAt.File == p.pos.File {
		s.Kind = "inSource"
	}
	at := b.location(&problem{pos: p.waivedAt})
	s.Location = &at
	return s
}

func (b *sarifBuilder) location(p *problem) sarifLocation {
	at := sarifLocation{PhysicalLocation: sarifPhysical{
		artifact(b.o.path(p.pos.File)), sarifRegion{max(p.pos.Line, 1), p.pos.Col},
	}}
	if p.item != "" {
		at.LogicalLocations = []sarifLogical{{Name: visible(p.item)}}
		if p.server != "" {
			at.LogicalLocations[0].FullyQualifiedName = visible(p.server + "/" + p.item)
		}
	}
	return at
}

// artifact refers to a file by a URI: relative to the source root, unless the
// command line named a file elsewhere.
func artifact(file string) sarifArtifact {
	if path.IsAbs(file) {
		return sarifArtifact{URI: (&url.URL{Scheme: "file", Path: file}).String()}
	}
	return sarifArtifact{URI: (&url.URL{Path: file}).String(), URIBaseID: sourceRoot}
}

// sarifEscapes double the braces, which else make placeholders, and break what
// else makes links.
var sarifEscapes = strings.NewReplacer("{", "{{", "}", "}}", "](", "] (")

// sarifEscape returns plain text as the text of a SARIF message.
func sarifEscape(s string) string { return sarifEscapes.Replace(visible(s)) }

func plainText(s string) sarifText { return sarifText{Text: sarifEscape(s)} }
