package cerbosbin

import (
	"os/exec"
	"syscall"
)

// endWithParent makes the process end when the test's does, even where that is
// stopped before its clean-up.
func endWithParent(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
