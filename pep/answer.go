package pep

import (
	"regexp"
	"slices"

	"github.com/mcpolicy/mcpolicy/internal/glob"
	"github.com/mcpolicy/mcpolicy/source"
)

// A Reply is what a running server answers to a call, a get or a read: the parts that
// tell whether the server or its enforcement point answered.
type Reply struct {
	IsError bool   // a result of a call that says that it failed
	Code    int64  // of a JSON-RPC error, or 0
	Status  int    // of HTTP, where that ends the request, or 0
	Text    string // of the result or of the error
}

// An Answer is a pattern of replies. One of IsError, Code and Status is set.
type Answer struct {
	Endpoint string // the MCP method that is answered, or "" for any
	IsError  bool
	Code     int64
	Status   int
	Text     string // a pattern of the whole text, as package glob has it; "" is any
	Pos      source.Pos

	text *regexp.Regexp
}

// A Verdict says what a reply tells about the enforcement point.
type Verdict uint8

// The verdicts.
const (
	Unclear  Verdict = iota // neither is known
	Refused                 // the enforcement point refused
	Admitted                // the enforcement point let pass what failed behind it, before anything was done
)

// Judge says what a reply other than a success tells.
func (p *Profile) Judge(endpoint string, r Reply) Verdict {
	is := func(a Answer) bool { return a.matches(endpoint, r) }
	switch {
	case slices.ContainsFunc(p.refused, is):
		return Refused
	case slices.ContainsFunc(p.admitted, is):
		return Admitted
	}
	return Unclear
}

// SetAnswers says which answers are refusals of the enforcement point, and
// which ones show that it let a request pass which then failed. Nil keeps those
// that the profile has. A pattern that cannot be compiled is a *source.Error.
func (p *Profile) SetAnswers(refused, admitted []Answer) error {
	for _, given := range []struct {
		list []Answer
		into *[]Answer
	}{{refused, &p.refused}, {admitted, &p.admitted}} {
		if given.list == nil {
			continue
		}
		list, err := compile(given.list)
		if err != nil {
			return err
		}
		*given.into = list
	}
	return nil
}

func compile(answers []Answer) ([]Answer, error) {
	list := slices.Clone(answers)
	for i, a := range list {
		if a.Text == "" {
			continue
		}
		re, err := glob.Compile(a.Text)
		if err != nil {
			return nil, source.Errorf(a.Pos, "%w", err)
		}
		list[i].text = re
	}
	return list, nil
}

func (a *Answer) matches(endpoint string, r Reply) bool {
	switch {
	case a.Endpoint != "" && a.Endpoint != endpoint,
		a.Text != "" && a.text == nil,
		a.text != nil && !a.text.MatchString(r.Text):
		return false
	case a.IsError:
		return r.IsError
	case a.Code != 0:
		return a.Code == r.Code
	}
	return a.Status != 0 && a.Status == r.Status
}

// mustCompile is for the patterns of this package.
func mustCompile(answers ...Answer) []Answer {
	list, err := compile(answers)
	if err != nil {
		panic(err)
	}
	return list
}

// validation is what FastMCP and the SDKs for Python, TypeScript and Go answer to
// arguments that an inputSchema does not allow, before they call the tool. The
// code -32602 alone says too little: some servers answer it for a tool that
// they hide.
var validation = mustCompile(
	Answer{Endpoint: "tools/call", IsError: true, Text: `* validation error for call\[*`},
	Answer{Endpoint: "tools/call", IsError: true, Text: `* validation errors for call\[*`},
	Answer{Endpoint: "tools/call", IsError: true, Text: `Input validation error: *`},
	Answer{Endpoint: "tools/call", IsError: true, Text: `MCP error -32602: Input validation error: *`},
	Answer{Endpoint: "tools/call", IsError: true, Text: `MCP error -32602: Invalid arguments for tool *`},
	Answer{Endpoint: "tools/call", IsError: true, Text: `validating "arguments": *`},
	Answer{Endpoint: "tools/call", Code: -32602, Text: `MCP error -32602: Invalid arguments for tool *`},
	Answer{Endpoint: "tools/call", Code: -32602, Text: `*validating "arguments": *`},
)

// coazRefused is how an enforcement point of COAZ-MCP refuses: with an error, or
// a denied call with a result. Of the texts the draft has only examples. Servers
// answer -32602 too, and -32603 says that there is no decision.
var coazRefused = mustCompile(
	Answer{Code: -32001},
	Answer{Code: -32602, Text: "COAZ mapping error: *"},
	Answer{Endpoint: "tools/call", IsError: true, Text: "Access denied*"},
)

// unauthorized is how FastMCP shows a refusal of cerbos-fastmcp to a client.
// What comes after it in FastMCP is validation, or that there is no such tool.
var (
	unauthorized = mustCompile(Answer{Endpoint: "tools/call", IsError: true, Text: "Unauthorized"})
	unknownTool  = mustCompile(Answer{Endpoint: "tools/call", IsError: true, Text: "Unknown tool: *"})
)
