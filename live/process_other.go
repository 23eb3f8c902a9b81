//go:build !unix

package live

import (
	"os/exec"
	"syscall"
)

// Where there are no process groups, a server that is started is ended alone.
func ownGroup(*exec.Cmd) {}

func signalGroup(cmd *exec.Cmd, _ syscall.Signal) { _ = cmd.Process.Kill() }

func groupAlive(int) bool { return false }
