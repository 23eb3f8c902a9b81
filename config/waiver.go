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

// writtenWaiver is a Waiver as it is written.
type writtenWaiver struct {
	Rule      string `yaml:"rule"`
	Server    string `yaml:"server"`
	Item      string `yaml:"item"`
	Tool      string `yaml:"tool"`
	Prompt    string `yaml:"prompt"`
	Resource  string `yaml:"resource"`
	Principal string `yaml:"principal"`
	File      string `yaml:"file"`
	Reason    string `yaml:"reason"`
	Expires   Date   `yaml:"expires"`
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
