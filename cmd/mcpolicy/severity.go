package main

import (
	"fmt"
	"slices"
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
	return parseSeverity("--fail-on", name, authz.Severities())
}

// parseMinSeverity reads the value of --min-severity, by default the least.
func parseMinSeverity(name string) (authz.Severity, error) {
	if name == "" {
		return authz.SeverityNote, nil
	}
	return parseSeverity("--min-severity", name, authz.Severities()[authz.SeverityNote:])
}

// parseMinConfidence reads the value of --min-confidence, by default the least.
func parseMinConfidence(name string) (authz.Confidence, error) {
	if name == "" {
		return authz.ConfidenceLow, nil
	}
	written := strings.ToLower(name)
	if c, ok := authz.ParseConfidence(written); ok {
		return c, nil
	}
	return 0, fmt.Errorf("--min-confidence: want %s, have %q%s", strings.Join(authz.Confidences(), ", "), name, source.DidYouMean(written, authz.Confidences()))
}

// parseSeverity reads the value of a flag that takes one of some severities.
func parseSeverity(flag, name string, names []string) (authz.Severity, error) {
	written := strings.ToLower(name)
	if full, ok := shortSeverities[written]; ok {
		written = full
	}
	if s, ok := authz.ParseSeverity(written); ok && slices.Contains(names, written) {
		return s, nil
	}
	hint := source.DidYouMean(written, names)
	if meant, ok := otherSeverities[written]; ok && slices.Contains(names, meant) {
		hint = " (did you mean " + meant + "?)"
	}
	return authz.SeverityOff, fmt.Errorf("%s: want %s, have %q%s", flag, strings.Join(names, ", "), name, hint)
}
