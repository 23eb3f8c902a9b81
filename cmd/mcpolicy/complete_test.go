package main

import (
	"testing"

	"github.com/spf13/cobra"
)

// TestWordsAreForgotten holds that a command line which no shell completes leaves nothing
// behind of what would complete it.
func TestWordsAreForgotten(t *testing.T) {
	before := len(flagWords.of)
	for _, args := range [][]string{{"version"}, {"matrix", "--nothing"}, {cobra.ShellCompRequestCmd, "matrix", "--format", ""}} {
		runIn(t, args...)
	}
	if after := len(flagWords.of); after != before {
		t.Errorf("%d commands are kept, were %d", after, before)
	}
}
