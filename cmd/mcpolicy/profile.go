package main

import (
	"errors"
	"os"
	"runtime"
	"runtime/pprof"
	"runtime/trace"

	"github.com/spf13/cobra"
)

// profiling adds the hidden flags that say where time and memory go, which
// docs/performance.md explains. The function that it returns writes the
// profiles once the command has run, however it ended. It has first run before
// anything else.
func profiling(root *cobra.Command, first func(*cobra.Command) error) func() {
	var cpu, mem, tr string
	f := root.PersistentFlags()
	f.StringVar(&cpu, "cpuprofile", "", "write a CPU profile to `FILE`")
	f.StringVar(&mem, "memprofile", "", "write a heap profile to `FILE`")
	f.StringVar(&tr, "trace", "", "write an execution trace to `FILE`")
	for _, name := range []string{"cpuprofile", "memprofile", "trace"} {
		_ = f.MarkHidden(name)
	}
	var stop []func() error
	start := func(name string, begin func(*os.File) error, end func()) error {
		if name == "" {
			return nil
		}
		file, err := os.Create(name)
		if err != nil {
			return usageError{err}
		}
		stop = append(stop, func() error { end(); return file.Close() })
		return begin(file)
	}
	root.PersistentPreRunE = func(cmd *cobra.Command, _ []string) error {
		return errors.Join(
			first(cmd),
			start(cpu, func(f *os.File) error { return pprof.StartCPUProfile(f) }, pprof.StopCPUProfile),
			start(tr, func(f *os.File) error { return trace.Start(f) }, trace.Stop),
		)
	}
	return func() {
		for _, f := range stop {
			_ = f() // the run is over; a profile is nobody's result
		}
		if mem == "" {
			return
		}
		if file, err := os.Create(mem); err == nil {
			runtime.GC()
			_ = pprof.WriteHeapProfile(file)
			_ = file.Close()
		}
	}
}
