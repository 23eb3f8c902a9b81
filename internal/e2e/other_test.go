//go:build e2e && !linux

package e2e

import "testing"

// TestLinux says why nothing was tested.
func TestLinux(t *testing.T) {
	t.Fatal("the end-to-end tests run on Linux only, like the PDP's binary that they install")
}
