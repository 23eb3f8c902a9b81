package config

import (
	"errors"
	"slices"

	"github.com/mcpolicy/mcpolicy/internal/glob"
	"github.com/mcpolicy/mcpolicy/source"
)

// An Answer is a pattern of what a running server answers. One of IsError, Code
// and Status is set.
type Answer struct {
	Pos source.Pos
	// The method that is answered; any where it is left out.
	Method Method `yaml:"method"`
	// A result that says that the call failed.
	IsError bool `yaml:"isError"`
	// The code of a JSON-RPC error.
	Code int64 `yaml:"code"`
	// An HTTP status.
	Status int `yaml:"status"`
	// A pattern of the whole text or message, with * and ?.
	Text string `yaml:"text"`
}

// Answers are patterns of which one has to match.
type Answers []Answer

// DecodeNode reads a list that is not empty.
func (a *Answers) DecodeNode(n *source.Node) error {
	switch {
	case !n.Is(source.Sequence):
		return source.Errorf(n.Pos, "want a list of answers, have %s", n.Describe())
	case len(n.Items) == 0:
		return source.Errorf(n.Pos, "the list of answers is empty")
	}
	type plain Answers
	return source.Decode(n, (*plain)(a))
}

// DecodeNode reads a mapping.
func (a *Answer) DecodeNode(n *source.Node) error {
	type plain Answer
	if !n.Is(source.Mapping) {
		return source.Errorf(n.Pos, "want an answer, such as {isError: true, text: Unauthorized}, have %s", n.Describe())
	}
	if err := source.Decode(n, (*plain)(a)); err != nil {
		return err
	}
	a.Pos = n.Pos
	kinds := 0
	for _, is := range []bool{a.IsError, a.Code != 0, a.Status != 0} {
		if is {
			kinds++
		}
	}
	var errs []error
	if kinds != 1 {
		errs = append(errs, source.Errorf(n.Pos, "an answer has one of isError: true, code and status, which are not 0"))
	}
	if a.Status != 0 && (a.Status < 400 || a.Status > 599) {
		errs = append(errs, source.Errorf(n.Get("status").Pos, "status: want an HTTP status from 400 to 599, have %d", a.Status))
	}
	if _, err := glob.Compile(a.Text); err != nil {
		errs = append(errs, source.Errorf(n.Get("text").Pos, "text: %w", err))
	}
	if m := n.Get("method"); m != nil && !slices.Contains([]Method{ToolsCall, PromptsGet, ResourcesRead}, a.Method) {
		errs = append(errs, source.Errorf(m.Pos, "method: want tools/call, prompts/get or resources/read, have %s", m.Describe()))
	}
	return errors.Join(errs...)
}
