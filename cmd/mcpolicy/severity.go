package main

import (
	"fmt"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/source"
)

// shortSeverities are taken on the command line for what they shorten.
var shortSeverities = map[string]string{"warn": "warning", "warnings": "warning", "err": "error", "errors": "error", "notes": "note"}

// otherSeverities are words of other tools, which are not taken but understood.
var otherSeverities = map[string]string{
	"info": "note", "information": "note", "notice": "note", "hint": "note", "low": "note", "medium": "warning",
	"high": "error", "critical": "error", "fatal": "error", "none": "off", "never": "off", "any": "note", "all": "note",
}

// parseFailOn reads the value of --fail-on.
func parseFailOn(name string) (authz.Severity, error) {
	written := strings.ToLower(name)
	if full, ok := shortSeverities[written]; ok {
		written = full
	}
	if s, ok := authz.ParseSeverity(written); ok {
		return s, nil
	}
	hint := source.DidYouMean(written, authz.Severities())
	if meant, ok := otherSeverities[written]; ok {
		hint = " (did you mean " + meant + "?)"
	}
	return authz.SeverityOff, fmt.Errorf("--fail-on: want %s, have %q%s", strings.Join(authz.Severities(), ", "), name, hint)
}
