package report

import (
	"fmt"
	"io"
	"time"
)

type holdsJSON struct {
	Engine   string            `json:"engine"`
	Version  string            `json:"mcpolicy"`
	Revision string            `json:"revision"`
	Dirty    []string          `json:"dirty"` // files that are not as the revision has them
	Clock    string            `json:"clock"`
	Digests  map[string]string `json:"digests"` // by what the files are
	Files    []heldFileJSON    `json:"files"`
	History  string            `json:"history"`
}

type heldFileJSON struct {
	Kind   string `json:"kind"`
	File   string `json:"file"`
	Digest string `json:"sha256"`
}

type grantJSON struct {
	Principal     string   `json:"principal"`
	PrincipalKind string   `json:"principalKind"`
	Roles         []string `json:"roles"`
	columnOfJSON
	Access    string         `json:"access"`
	Condition string         `json:"condition,omitempty"`
	Reason    string         `json:"reason,omitempty"`
	Rules     []jsonRule     `json:"rules"`
	Since     *sinceJSON     `json:"since,omitempty"`
	Unchanged *sinceJSON     `json:"unchangedSince,omitempty"`
	Reviewed  []reviewedJSON `json:"reviewed,omitempty"`
}

type sinceJSON struct {
	Commit   string `json:"commit"` // "" if it is not committed
	Time     string `json:"time,omitempty"`
	Author   string `json:"author,omitempty"`
	OrBefore bool   `json:"orBefore,omitempty"` // it was so in the oldest revision that could be read
}

type reviewedJSON struct {
	By     string `json:"by"` // waiver or lock
	Rule   string `json:"rule,omitempty"`
	Reason string `json:"reason,omitempty"`
	File   string `json:"file,omitempty"`
	Line   int    `json:"line,omitempty"`
}

func jsonSince(s *Since) *sinceJSON {
	if s == nil {
		return nil
	}
	return &sinceJSON{s.Commit, csvTime(s.Time), s.Author, s.OrBefore}
}

// ReviewJSON writes a review as one JSON object: version, holdsFor, grants, diff if there
// is a last review, and notes.
func ReviewJSON(w io.Writer, r *Review, _ Options) error {
	s := newStream(w)
	h := holdsJSON{
		Engine: r.Holds.Engine, Version: r.Holds.Version, Revision: r.Holds.Revision, Dirty: append([]string{}, r.Holds.Dirty...),
		Clock: r.Holds.Clock.UTC().Format(time.RFC3339), Digests: map[string]string{}, Files: []heldFileJSON{}, History: r.Holds.History,
	}
	for _, kind := range FileKinds() {
		if digest := r.Holds.DigestOf(kind); digest != "" {
			h.Digests[string(kind)] = digest
		}
	}
	for _, f := range r.Holds.Files {
		h.Files = append(h.Files, heldFileJSON{string(f.Kind), f.Name, f.Digest})
	}
	s.raw(fmt.Sprintf("{\"version\": %d,\n \"holdsFor\": %s,\n ", jsonVersion, jsonOf(h)))
	s.list(`"grants": [`, "]")
	for i := range r.Grants {
		g := &r.Grants[i]
		j := grantJSON{
			Principal: g.Principal.Key, PrincipalKind: g.Principal.Kind.String(), Roles: append([]string{}, g.Principal.Roles...),
			columnOfJSON: jsonColumnOf(g.Column), Access: g.Cell.Access.String(), Condition: g.Cell.Condition.String(), Reason: g.Cell.Reason(),
			Rules: jsonRules(g.Cell.Decisive()), Since: jsonSince(g.Since), Unchanged: jsonSince(g.Unchanged),
		}
		for _, x := range g.Reviewed {
			j.Reviewed = append(j.Reviewed, reviewedJSON{x.By, x.Rule, x.Reason, x.Pos.File, x.Pos.Line})
		}
		if !s.bytes(jsonOf(j)) {
			break
		}
	}
	s.close()
	if r.Changes != nil {
		s.diff(r.Changes)
	}
	if len(r.Notes) > 0 {
		s.raw(",\n ")
		s.list(`"notes": [`, "]")
		for _, n := range (&Document{Notes: r.Notes}).notes() {
			s.element(jsonNote(n))
		}
		s.close()
	}
	s.raw("}\n")
	return s.w.Flush()
}
