package authz

import "github.com/mcpolicy/mcpolicy/source"

// A Severity says how much a finding matters.
type Severity uint8

// The severities, the least first.
const (
	SeverityOff Severity = iota // of a rule whose findings are left out, or where no finding fails a run
	SeverityNote
	SeverityWarning
	SeverityError
)

var severityNames = []string{"off", "note", "warning", "error"}

// Severities lists the names of the severities, the least first.
func Severities() []string { return append([]string(nil), severityNames...) }

// String returns off, note, warning or error.
func (s Severity) String() string { return severityNames[s] }

// ParseSeverity returns the severity of that name.
func ParseSeverity(name string) (Severity, bool) { return parse[Severity](severityNames, name) }

// DecodeNode reads off, note, warning or error.
func (s *Severity) DecodeNode(n *source.Node) error {
	return source.DecodeWord(n, "severity", severityNames, s)
}

// A Confidence says how sure it is that a finding is what it says.
type Confidence uint8

// The confidences, the surest first. ConfidenceHigh is the zero value: what the
// engine has decided needs no guess.
const (
	ConfidenceHigh   Confidence = iota // decided by the engine, or written in so many words
	ConfidenceMedium                   // inferred: from a name, or from who is declared
	ConfidenceLow                      // by a default that few authors think of
)

var confidenceNames = []string{"high", "medium", "low"}

// Confidences lists the names of the confidences, the surest first.
func Confidences() []string { return append([]string(nil), confidenceNames...) }

// String returns high, medium or low.
func (c Confidence) String() string { return confidenceNames[c] }

// ParseConfidence returns the confidence of that name.
func ParseConfidence(name string) (Confidence, bool) { return parse[Confidence](confidenceNames, name) }

// DecodeNode reads high, medium or low.
func (c *Confidence) DecodeNode(n *source.Node) error {
	return source.DecodeWord(n, "confidence", confidenceNames, c)
}

// parse returns the value of a name, which is its index.
func parse[T ~uint8](names []string, name string) (T, bool) {
	for i, n := range names {
		if n == name {
			return T(i), true //nolint:gosec // a handful of names
		}
	}
	return 0, false
}
