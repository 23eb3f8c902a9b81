package report

import (
	"fmt"
	"slices"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/testrunner"
)

// A told is what a report tells of one thing.
type told interface {
	// key names the thing: what two reports tell of it has to be the same.
	key() string
	// label puts a label before the names of servers and files.
	label(l string)
	// check reports a word that is not known.
	check() error
}

type mergedCell struct {
	Principal string `json:"principal,omitempty"`
	Class     int    `json:"class,omitempty"` // in what is read; what is written has principals
	columnOfJSON
	Access    string       `json:"access"`
	Condition string       `json:"condition,omitempty"`
	Reason    string       `json:"reason,omitempty"`
	NoPolicy  bool         `json:"noPolicy,omitempty"`
	Through   []string     `json:"through,omitempty"`
	Refusal   *refusalJSON `json:"refusal,omitempty"`
	Grant     *grantedJSON `json:"grant,omitempty"`
	Rules     []jsonRule   `json:"rules"`
}

type mergedCase struct {
	suite, file string
	caseJSON
}

func under(l string, text *string) {
	if l != "" && *text != "" {
		*text = l + "/" + *text
	}
}

func labelRules(l string, rules []jsonRule) {
	for i := range rules {
		under(l, &rules[i].File)
	}
}

func labelCauses(l string, rules []diffRuleJSON) {
	for i := range rules {
		under(l, &rules[i].File)
	}
}

func oneOf(what, word string, words []string) error {
	if slices.Contains(words, word) {
		return nil
	}
	return fmt.Errorf("%s is %q, which this version does not know", what, word)
}

func (x *mergedCell) key() string { return fmt.Sprintf("cell %q %v", x.Principal, x.columnOfJSON) }
func (x *mergedCell) label(l string) {
	under(l, &x.Server)
	labelRules(l, x.Rules)
	if x.Grant != nil {
		under(l, &x.Grant.File)
	}
}
func (x *mergedCell) check() error { return oneOf("access", x.Access, matrix.Accesses()) }

func (x *matrixItemJSON) key() string {
	return fmt.Sprintf("matrix item %q %q %q", x.Server, x.Type, x.Name)
}
func (x *matrixItemJSON) label(l string) { under(l, &x.Server) }
func (x *matrixItemJSON) check() error   { return nil }

func (x *overviewJSON) key() string    { return "summary " + x.Server }
func (x *overviewJSON) label(l string) { under(l, &x.Server) }
func (x *overviewJSON) check() error   { return nil }

func (x *findingJSON) key() string {
	return fmt.Sprintf("finding %q %q %q %d %d %q %q %q %q %q %v", x.Rule, x.Message, x.File, x.Line, x.Column, x.Server, x.Type, x.Name, x.Principal, x.Policy, x.Principals)
}

func (x *findingJSON) label(l string) {
	under(l, &x.Server)
	under(l, &x.File)
	for i := range x.Items {
		under(l, &x.Items[i].Server)
	}
	labelAffected(l, x.Affected)
	for i := range x.Explains {
		labelAffected(l, x.Explains[i].Affected)
	}
	for i := range x.Related {
		under(l, &x.Related[i].File)
	}
	if x.WaivedAt != nil {
		under(l, &x.WaivedAt.File)
	}
}

func (x *findingJSON) check() error {
	if s, ok := authz.ParseSeverity(x.Severity); !ok || s == authz.SeverityOff {
		return fmt.Errorf("severity is %q, which this version does not know", x.Severity)
	}
	return nil
}

func (x *driftJSON) key() string {
	return fmt.Sprintf("drift %q %q %q %q %q", x.Principals, x.Server, x.Type, x.Name, x.Operation)
}

func (x *driftJSON) label(l string) {
	under(l, &x.Server)
	for i := range x.Rules {
		under(l, &x.Rules[i].File)
	}
}

func (x *driftJSON) check() error { return oneOf("outcome", x.Outcome, []string{"differs", "unknown"}) }

func (x *changedCellJSON) key() string {
	return fmt.Sprintf("changed %q %v", x.Principal, x.columnOfJSON)
}
func (x *changedCellJSON) label(l string) { under(l, &x.Server); labelCauses(l, x.Rules) }
func (x *changedCellJSON) check() error   { return oneOf("change", x.Change, changeWords) }

var changeWords = []string{"unknown", "narrowed", "changed", "widened"}

func (x *changedRoleJSON) key() string {
	return fmt.Sprintf("role %q %q %v", x.Roles, x.ID, x.columnOfJSON)
}
func (x *changedRoleJSON) label(l string) { under(l, &x.Server); labelCauses(l, x.Rules) }
func (x *changedRoleJSON) check() error   { return oneOf("change", x.Change, changeWords) }

func (x *changedItemJSON) key() string {
	return fmt.Sprintf("item %q %q %q %q", x.Server, x.Type, x.Name, x.Change)
}
func (x *changedItemJSON) label(l string) { under(l, &x.Server); under(l, &x.File) }
func (x *changedItemJSON) check() error   { return nil }

func (x *changedPrincipalJSON) key() string {
	return fmt.Sprintf("principal %q %q %q", x.Principal, x.Change, x.File)
}
func (x *changedPrincipalJSON) label(l string) { under(l, &x.File) }
func (x *changedPrincipalJSON) check() error   { return nil }

func (x *futureJSON) key() string {
	return fmt.Sprintf("future %q %q %q %q %q %q", x.Server, x.Type, x.Name, x.Operations, x.Principals, x.Roles)
}
func (x *futureJSON) label(l string) { under(l, &x.Server); labelCauses(l, x.Rules) }
func (x *futureJSON) check() error   { return oneOf("change", x.Change, changeWords) }

func (x *mergedCase) key() string {
	asked := ""
	if x.Check != nil {
		asked = fmt.Sprintf(" %q %q", x.Check.Action, x.Check.Resource)
	}
	return fmt.Sprintf("case %q %q %q %q %q %q %q %q %q %q %q %d", x.file, x.suite, x.Test, x.Principal, x.Server, x.Type, x.Name, x.Operation, jsonText(x.Arguments), x.Want, x.Sentence, x.Line) + asked
}

func (x *mergedCase) label(l string) {
	under(l, &x.Server)
	under(l, &x.File)
	under(l, &x.file)
	labelRules(l, x.Rules)
	if x.Proof != nil && x.Proof.Counterexample != nil {
		labelRules(l, x.Proof.Counterexample.Rules)
	}
}
func (x *mergedCase) check() error { return oneOf("outcome", x.Outcome, testrunner.Outcomes()) }

func (x *probedJSON) key() string {
	return fmt.Sprintf("probed %q %q %q %q %q %q %t %q", x.Kind, x.Server, x.Principal, x.Type, x.Name, x.Operation, x.Task, jsonText(x.Arguments))
}

func (x *probedJSON) label(l string) {
	under(l, &x.Server)
	under(l, &x.File)
	labelRules(l, x.Rules)
}
func (x *probedJSON) check() error { return nil }

func (x *noteJSON) key() string    { return fmt.Sprintf("note %v", *x) }
func (x *noteJSON) label(l string) { under(l, &x.Server); under(l, &x.File) }
func (x *noteJSON) check() error   { return nil }
