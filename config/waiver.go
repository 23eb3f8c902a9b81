package config

import (
	"errors"
	"time"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/source"
)

// A Waiver accepts findings. What it leaves empty, it accepts anywhere. Names
// may be globs, which are left as they are.
type Waiver struct {
	Pos       source.Pos
	Rule      string
	Server    string
	Item      string           // a name, a URI or a URI template
	Types     []authz.ItemType // what Item may be; empty for anything
	Principal string
	File      string
	Reason    string
	Expires   Date
}

// Accepts the findings of a rule. What is not said, is accepted anywhere. All names but the
// rule's may be globs.
type writtenWaiver struct {
	// The ID of the rule.
	Rule string `yaml:"rule"`
	// The name of a server.
	Server string `yaml:"server"`
	// The name of a tool or prompt, or the URI of a resource.
	Item string `yaml:"item"`
	// The name of a tool.
	Tool string `yaml:"tool"`
	// The name of a prompt.
	Prompt string `yaml:"prompt"`
	// A URI or a URI template.
	Resource string `yaml:"resource"`
	// The key of a principal.
	Principal string `yaml:"principal"`
	// The file that the finding is in.
	File string `yaml:"file"`
	// Why it is accepted, and who said so.
	Reason string `yaml:"reason"`
	// The last day on which it is accepted.
	Expires Date `yaml:"expires"`
}

// itemKeys are the ways to name an item, and what it may then be.
var itemKeys = []struct {
	key   string
	types []authz.ItemType
}{
	{"item", nil},
	{"tool", []authz.ItemType{authz.ToolItem}},
	{"prompt", []authz.ItemType{authz.PromptItem}},
	{"resource", []authz.ItemType{authz.ResourceItem, authz.TemplateItem}},
}

// DecodeNode reads a mapping.
func (w *Waiver) DecodeNode(n *source.Node) error {
	if n.Is(source.Null) {
		return source.Errorf(n.Pos, "want a waiver, have null")
	}
	var f writtenWaiver
	errs := []error{source.Decode(n, &f), required(n, "waiver", "rule", "reason")}
	*w = Waiver{
		Pos: n.Pos, Rule: f.Rule, Server: f.Server, Principal: f.Principal, File: f.File, Reason: f.Reason, Expires: f.Expires,
	}
	named := ""
	for _, k := range itemKeys {
		v := n.Get(k.key)
		switch {
		case v == nil:
		case named != "":
			errs = append(errs, source.Errorf(v.Pos, "waiver: %s and %s cannot both be said", named, k.key))
		default:
			named = k.key
			w.Item, w.Types = v.Str(), k.types
		}
	}
	return errors.Join(errs...)
}

// Expired reports whether the waiver's last day is over, in UTC.
func (w *Waiver) Expired(now time.Time) bool {
	return !w.Expires.IsZero() && !now.Before(w.Expires.AddDate(0, 0, 1))
}

// A Date is a day, in UTC. The zero Date is never.
type Date struct{ time.Time }

// DecodeNode reads a date like 2027-01-31.
func (d *Date) DecodeNode(n *source.Node) error {
	if n.Is(source.Null) {
		return nil
	}
	t, err := time.Parse(time.DateOnly, n.Text)
	if !n.Is(source.String) || err != nil {
		return source.Errorf(n.Pos, "want a date like 2027-01-31, have %s", n.Describe())
	}
	d.Time = t
	return nil
}

// String returns the date like 2027-01-31, or "never".
func (d Date) String() string {
	if d.IsZero() {
		return "never"
	}
	return d.Format(time.DateOnly)
}
