// Package workspace is the pipeline as a whole: it reads what a config names, or
// what is given in its place, and decides, lints, runs suites, explains and corrects.
// Each step can also be taken alone.
//
// [Open] reads a config and all that it names from a folder, [Load] what a caller
// has put together. [Workspace.Check] is what CI runs: its [report.Document] is
// written with report.Write. Nothing here knows of command lines, terminals or the
// file system of the machine; whatever takes long takes a context and stops on it.
package workspace
