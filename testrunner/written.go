package testrunner

import (
	"time"

	"github.com/mcpolicy/mcpolicy/source"
)

// The types here are how a suite is written: which keys there are, and what they mean. The
// schema for editors is made from them, and the parser goes by their keys.

// Who should be able to list and use what on an MCP server. A file may hold several suites,
// one a YAML document.
type writtenSuite struct {
	// For editors; mcpolicy does not read it.
	Schema string `yaml:"$schema"`
	// What reports call the suite. No two suites of a run have one name.
	Name string `yaml:"name"`
	// The server of mcpolicy.yaml that the suite is about. It may be left out if there is one.
	Server Name `yaml:"server"`
	// What is different in this suite.
	Options Options `yaml:"options"`
	// Values that cases name. In arguments and in tables "${limit}" as a whole value stands for
	// that of limit, of whatever type; $${limit} is the text.
	Variables *source.Node `yaml:"variables"`
	// Files with groups, relative to the folder of mcpolicy.yaml.
	Include *source.Node `yaml:"include"`
	// Groups of principals, to be named as @NAME: keys, @groups and globs, or a selector. A file
	// with groups and no tests is for suites to include.
	Groups *source.Node `yaml:"groups"`
	writtenSkip
	// What is expected: each test of some principals, or of all.
	Tests []Test `yaml:"tests"`
}

type writtenSkip struct {
	// Why it is skipped. Or true, with the reason as skipReason.
	Skip *source.Node `yaml:"skip"`
	// Why it is skipped, with skip: true.
	SkipReason *source.Node `yaml:"skipReason"`
}

// What is different in a suite.
type writtenOptions struct {
	// What now() is in conditions: 2027-01-31T12:00:00Z, or a date.
	Now time.Time `yaml:"now"`
	// Replace the globals of the engine.
	Globals *source.Node `yaml:"globals"`
	// Replaces the auxiliary data of every principal.
	AuxData *source.Node `yaml:"auxData"`
	// Claims that are added to those of everybody's token, for an enforcement point that reads
	// one: coaz. Null takes one away.
	Claims *source.Node `yaml:"claims"`
}

// A named group of expectations.
type writtenTest struct {
	// What reports call the test. No two tests of a suite have one name.
	Name string `yaml:"name"`
	writtenSkip
	writtenAllowEmpty
	// Whom list, call, prompts and resources are about: keys of principals and @groups, or a
	// selector; {} selects everybody.
	Principals *Principals `yaml:"principals"`
	// Which tools they see in a list.
	List *source.Node `yaml:"list"`
	// Which tools they may call.
	Call *source.Node `yaml:"call"`
	// What they may do with prompts.
	Prompts *source.Node `yaml:"prompts"`
	// What they may do with resources, by their URI, and with resource templates, by their URI
	// template.
	Resources *source.Node `yaml:"resources"`
	// None of these principals may possibly do this.
	Never *source.Node `yaml:"never"`
	// Each of these principals may do this, whatever the arguments.
	Always *source.Node `yaml:"always"`
	// What is said of everybody who could exist: with any roles together, any attributes and any
	// arguments.
	Prove *source.Node `yaml:"prove"`
}

type writtenAllowEmpty struct {
	// Names, patterns and selectors here and below may stand for nothing yet: there is then a
	// skipped case that says so, and no mistake. What looks misspelt remains one.
	AllowEmpty bool `yaml:"allowEmpty"`
}

// What is expected of prompts.
type writtenPrompts struct {
	// Which prompts they see in a list.
	List *source.Node `yaml:"list"`
	// Which prompts they may get.
	Get *source.Node `yaml:"get"`
}

// What is expected of resources.
type writtenResources struct {
	// Which resources they see in a list.
	List *source.Node `yaml:"list"`
	// Which resources they may read.
	Read *source.Node `yaml:"read"`
}

// writtenOperation is what is expected of one operation.
type writtenOperation struct {
	// These are possible, with or without a condition, and no others on the server.
	Exactly Names `yaml:"exactly"`
	// Allowed, whatever the arguments; with by, by that rule.
	Allow *source.Node `yaml:"allow"`
	// Denied, whatever the arguments; with by, by that rule.
	Deny *source.Node `yaml:"deny"`
	// Allowed for some arguments and denied for others; where there is a condition, allowed for
	// those that meet it and no others.
	Conditional *source.Node `yaml:"conditional"`
	// Refused by the enforcement point itself, whatever the arguments: it asks no policy, or gets
	// no decision.
	Refuse Names `yaml:"refuse"`
	// Single uses of an item, with arguments or without.
	Cases []*source.Node `yaml:"cases"`
	// Many cases of one item, a row each; or a list of such tables.
	Table *source.Node `yaml:"table"`
}

type (
	// Which tools they see in a list.
	toolList struct{ writtenOperation }
	// Which tools they may call.
	toolCalls struct{ writtenOperation }
	// Which prompts they see in a list.
	promptList struct{ writtenOperation }
	// Which prompts they may get.
	promptGets struct{ writtenOperation }
	// Which resources they see in a list.
	resourceList struct{ writtenOperation }
	// Which resources they may read.
	resourceReads struct{ writtenOperation }
)

type (
	toolKey struct {
		// The name of the tool.
		Item Name `yaml:"tool"`
	}
	promptKey struct {
		// The name of the prompt.
		Item Name `yaml:"prompt"`
	}
	resourceKey struct {
		// The URI of the resource, or the URI template.
		Item Name `yaml:"resource"`
	}
)

// writtenBasis says how a decision comes about.
type writtenBasis struct {
	// The rules that have to decide it, by name or ID: one, or several of which each has to.
	// default is a denial that no rule decides. Of a case about all arguments, whatever they are.
	By *source.Node `yaml:"by"`
	// Why it is denied, the first of these that holds: a rule denies it; no policy is about what
	// is asked; the policies' schemas refuse the request; a condition cannot be evaluated, under
	// strict evaluation; the condition of a rule that would allow it is not met; what rules allow
	// is limited by a role policy or another scope; no rule allows it.
	Because Reason `yaml:"because"`
}

// writtenCase is what each case has besides its item.
type writtenCase struct {
	// What is decided: allow, deny, or refuse where the enforcement point does not ask.
	Expect *source.Node `yaml:"expect"`
	writtenBasis
	// A remark, which is shown where the case fails.
	Why string `yaml:"why"`
	writtenSkip
}

// writtenArguments are of cases about what takes arguments.
type writtenArguments struct {
	// The arguments of the call, or what the URI of a read fills into its template; {} for none.
	// Without this key the case is about all arguments.
	Arguments *source.Node `yaml:"arguments"`
	// What the enforcement point looks up at the time of the call, by the names of the attributes
	// that the profile has {unknown} for. What is not said is not there. Arguments are {} unless
	// they are given.
	LookedUp *source.Node `yaml:"lookedUp"`
}

// writtenWhen is what an item is allowed on.
type writtenWhen struct {
	// CEL over arguments and principal: arguments.amount <= principal.limit. Exactly this
	// condition, however it is written: a wider one fails, and so does a narrower one.
	When *source.Node `yaml:"when"`
}

type (
	// A tool that is or is not in a list.
	listedTool struct {
		toolKey
		writtenCase
	}
	// A call of a tool.
	calledTool struct {
		toolKey
		writtenArguments
		writtenCase
	}
	// A prompt that is or is not in a list.
	listedPrompt struct {
		promptKey
		writtenCase
	}
	// A get of a prompt.
	gottenPrompt struct {
		promptKey
		writtenArguments
		writtenCase
	}
	// A resource that is or is not in a list.
	listedResource struct {
		resourceKey
		writtenCase
	}
	// A read of a resource.
	readResource struct {
		resourceKey
		writtenArguments
		writtenCase
	}
	// A tool, and how it is decided.
	basedTool struct {
		toolKey
		writtenBasis
	}
	// A prompt, and how it is decided.
	basedPrompt struct {
		promptKey
		writtenBasis
	}
	// A resource, and how it is decided.
	basedResource struct {
		resourceKey
		writtenBasis
	}
	// A tool, and what it is allowed on.
	toolWhen struct {
		toolKey
		writtenWhen
		writtenBasis
	}
	// A prompt, and what it is allowed on.
	promptWhen struct {
		promptKey
		writtenWhen
		writtenBasis
	}
	// A resource, and what it is allowed on.
	resourceWhen struct {
		resourceKey
		writtenWhen
		writtenBasis
	}
)

// Many cases of one item, a row each.
type writtenTable struct {
	// A column is the name of an argument, or what a case says besides: expect, by, because, why,
	// skip. A list is the path of an argument: [address, city]; [expect] is an argument of that
	// name.
	Columns []*source.Node `yaml:"columns"`
	// A row has a cell for each column. "${absent}" in a cell leaves the argument out.
	Rows [][]any `yaml:"rows"`
}

type (
	// Many cases of one tool, a row each.
	toolTable struct {
		toolKey
		writtenTable
	}
	// Many cases of one prompt, a row each.
	promptTable struct {
		promptKey
		writtenTable
	}
	// Many cases of one resource, a row each.
	resourceTable struct {
		resourceKey
		writtenTable
	}
)

// Selects the principals that meet each of the fields; {} selects everybody.
type writtenSelector struct {
	// By one of their keys in the file of principals.
	Keys Names `yaml:"keys"`
	// By one of the roles that they have.
	Roles Names `yaml:"roles"`
	// By one of the groups that they are in, without an @.
	Groups Names `yaml:"groups"`
	// By what they are; human unless the file of principals says otherwise.
	Kind *source.Node `yaml:"kind"`
	// All but these.
	Not *PrincipalSelector `yaml:"not"`
	writtenAllowEmpty
}

// What principals are like of whom something is said; {} is everybody who could exist.
type writtenPopulation struct {
	// They have one of these, whatever others.
	Roles Names `yaml:"roles"`
	// By what they are: human, workload or agent.
	Kind *source.Node `yaml:"kind"`
	// CEL over principal: principal.suspended == true.
	Where *source.Node `yaml:"where"`
	// All but these.
	Not *Population `yaml:"not"`
}

type writtenNames struct {
	// By one of these names or globs.
	Names Names `yaml:"names"`
	// By one of FastMCP's tags.
	Tags Names `yaml:"tags"`
}

type writtenNot struct {
	// All but these.
	Not *source.Node `yaml:"not"`
	writtenAllowEmpty
}

// Selects the items that meet each of the fields; {} selects all.
type writtenItems struct {
	writtenNames
	writtenNot
}

// Selects the tools that meet each of the fields; {} selects all.
type writtenTools struct {
	writtenNames
	// By its destructiveHint, by MCP's default for that, or by its name if nothing is said.
	Destructive *bool `yaml:"destructive"`
	// By its readOnlyHint.
	ReadOnly *bool `yaml:"readOnly"`
	writtenNot
}

// writtenSelections are operations on selected items.
type writtenSelections struct {
	// See them in a list.
	List *source.Node `yaml:"list"`
	// Call them.
	Call *source.Node `yaml:"call"`
	// Get them.
	Get *source.Node `yaml:"get"`
	// Read them.
	Read *source.Node `yaml:"read"`
}

type toolsKey struct {
	// Which tools; {} for all.
	Tools *source.Node `yaml:"tools"`
}

type promptsKey struct {
	// Which prompts; {} for all.
	Prompts *source.Node `yaml:"prompts"`
}

type resourcesKey struct {
	// Which resources and resource templates; {} for all.
	Resources *source.Node `yaml:"resources"`
}

// What is seen in lists.
type listedItems struct {
	toolsKey
	promptsKey
	resourcesKey
}

// Something that holds for every principal and item of a selection.
type writtenProperty struct {
	writtenAllowEmpty
	// Of whom it is said; {} selects everybody.
	Principals *Principals `yaml:"principals"`
	writtenSelections
}

// What is said of everybody who could exist.
type writtenClaims struct {
	// Nobody of these may.
	Never *source.Node `yaml:"never"`
	// Everybody of these may, whatever the arguments.
	Always *source.Node `yaml:"always"`
	// Whoever of these may meets the condition.
	Needs *source.Node `yaml:"needs"`
	// Whoever of these may do one thing may do another.
	Implies *source.Node `yaml:"implies"`
	// Who has exactly the roles may do no more than who has exactly those under of.
	Within *source.Node `yaml:"within"`
	// Nobody of these may do two of what is selected.
	Apart *source.Node `yaml:"apart"`
	// There is somebody of these who may.
	Somebody *source.Node `yaml:"somebody"`
	// Declared agents may do no more than those that they act for.
	Delegated *source.Node `yaml:"delegated"`
	// Say it of arguments that the inputSchema refuses, too.
	IgnoreSchema bool `yaml:"ignoreSchema"`
	// Skip what cannot be told, instead of failing.
	AllowUnknown bool `yaml:"allowUnknown"`
	writtenAllowEmpty
}

type writtenWho struct {
	// Of whom it is said; without it, of everybody who could exist.
	Principals *Population `yaml:"principals"`
}

// Operations on selected items, and of whom something is said.
type writtenClaim struct {
	writtenWho
	writtenSelections
}

// Whoever of these may meets the condition.
type writtenNeeds struct {
	writtenWho
	// CEL over arguments and principal: arguments.amount <= 500. What cannot be evaluated is not
	// met.
	Condition *source.Node `yaml:"condition"`
	writtenSelections
}

// Whoever of these may do one thing may do another.
type writtenImplies struct {
	writtenWho
	// What they may do then: list is the list that the same item is in.
	Then *source.Node `yaml:"then"`
	writtenSelections
}

// Who has exactly the roles may do no more than who has exactly those under of.
type writtenWithin struct {
	// The roles of those who may do no more.
	Roles Names `yaml:"roles"`
	// The roles of those who may do as much.
	Of Names `yaml:"of"`
	writtenSelections
}

// Declared agents may do no more than those that they act for.
type writtenDelegated struct {
	// Which agents; without it, all.
	Principals *PrincipalSelector `yaml:"principals"`
	writtenSelections
}
