package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mcpolicy/mcpolicy/report"
	"github.com/mcpolicy/mcpolicy/source"
)

// output is what the command line says about reports.
type output struct {
	formats []string
	color   string
	ascii   bool
	all     bool
	byClass bool
	names   string
	summary bool
	byRule  bool // set by --by
	marker  string
	covers  bool                     // the command measures coverage, if it is asked to
	covered bool                     // it is asked to
	linked  string                   // --link-base
	here    func(file string) string // how text names files
	was     func(file string) string // and those of the base
	only    []string
	servers, principals, roles,
	items, operations []string
}

func (o *output) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringArrayVar(&o.formats, "format", nil, "write a report as `FORMAT[=FILE]`: "+strings.Join(o.formatNames(), ", ")+"; may be repeated (default text)")
	o.textFlags(cmd)
	f.BoolVar(&o.byClass, "by-class", false, "JSON: a cell for each class of principals that the policies cannot tell apart, and a table of the classes")
	f.StringVar(&o.names, "names", "all", "HTML: whose names a page has: all, or classes, which leaves people's names out and says how many they are")
	f.StringVar(&o.marker, "marker", "", "Markdown: put `KEY` into the hidden first line by which a bot finds its comment, where a repository has several configs")
	f.StringVar(&o.linked, "link-base", "", "Markdown: make links of places and rules; the repository's files are below `URL`, with #L3 for a line (default: what GitHub and GitLab say of themselves)")
	var formats []string
	for _, f := range report.Formats() {
		if !f.Covers || o.covers {
			formats = append(formats, f.Name+"\t"+f.Summary)
		}
	}
	completeFlag(cmd, "format", cobra.FixedCompletions(formats, cobra.ShellCompDirectiveNoFileComp))
	completeFlag(cmd, "names", cobra.FixedCompletions([]string{"all", "classes"}, cobra.ShellCompDirectiveNoFileComp))
}

// textFlags adds those about text at a terminal.
func (o *output) textFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&o.color, "color", "auto", "colour: auto, always or never; NO_COLOR turns auto off")
	f.BoolVar(&o.ascii, "ascii", false, "use nothing but ASCII (default where the locale is not UTF-8)")
	f.BoolVar(&o.all, "all", false, "show what is folded away otherwise")
	completeFlag(cmd, "color", cobra.FixedCompletions([]string{"auto", "always", "never"}, cobra.ShellCompDirectiveNoFileComp))
}

// filterFlags adds the flags that choose cells of the matrix.
func (o *output) filterFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringSliceVar(&o.only, "only", nil, "only cells with this `ACCESS`: denied, allowed, conditional or unguarded")
	f.StringSliceVar(&o.servers, "server", nil, "only servers that match `GLOB`")
	f.StringSliceVar(&o.principals, "principal", nil, "only principals that match `GLOB`")
	f.StringSliceVar(&o.roles, "role", nil, "only principals with a role that matches `GLOB`")
	f.StringArrayVar(&o.items, "tool", nil, "only tools, prompts and resources that match `GLOB`")
	f.StringSliceVar(&o.operations, "operation", nil, "only operations that match `GLOB`: list, call, get or read")
	completeFlags(cmd, map[string]cobra.CompletionFunc{
		"only":      cobra.FixedCompletions([]string{"denied", "allowed", "conditional", "unguarded"}, cobra.ShellCompDirectiveNoFileComp),
		"operation": cobra.FixedCompletions([]string{"list", "call", "get", "read"}, cobra.ShellCompDirectiveNoFileComp),
		"server":    each(complete((*completing).servers)), "principal": each(complete((*completing).principals)),
		"role": each(complete((*completing).roles)), "tool": complete(func(c *completing) { c.items(anyItem) }),
	})
}

// formatNames lists the formats that the command writes.
func (o *output) formatNames() []string {
	var names []string
	for _, f := range report.Formats() {
		if !f.Covers || o.covers {
			names = append(names, f.Name)
		}
	}
	return names
}

// A target is one report to write.
type target struct {
	format report.Format
	file   string // "" for standard output
}

// targets parses --format. Mistakes are found before any work is done.
func (o *output) targets() ([]target, error) {
	specs := o.formats
	if len(specs) == 0 {
		specs = []string{"text"}
	}
	var list []target
	var errs []error
	stdout := 0
	for _, spec := range specs {
		name, file, toFile := strings.Cut(spec, "=")
		i := slices.IndexFunc(report.Formats(), func(f report.Format) bool { return f.Name == name })
		switch {
		case i < 0:
			errs = append(errs, usageError{fmt.Errorf("--format: unknown format %q%s; there are %s", name, source.DidYouMean(name, o.formatNames()), strings.Join(o.formatNames(), ", "))})
			continue
		case report.Formats()[i].Covers && !o.covered:
			errs = append(errs, usageError{fmt.Errorf("--format: %s is about coverage, which mcpolicy test --coverage measures", name)})
			continue
		case toFile && file == "":
			errs = append(errs, usageError{fmt.Errorf("--format: %s needs a file name after the equals sign", spec)})
		case file == "" || file == "-":
			file = ""
			stdout++
		}
		list = append(list, target{report.Formats()[i], file})
	}
	if stdout > 1 {
		errs = append(errs, usageError{errors.New("--format: only one report can go to standard output; give the others a file, as in junit=report.xml")})
	}
	errs = append(errs, apart(list))
	if err := report.CheckMarker(o.marker); err != nil {
		errs = append(errs, usageError{fmt.Errorf("--marker: %w, have %q", err, o.marker)})
	}
	if _, err := o.linkBase(); err != nil {
		errs = append(errs, usageError{fmt.Errorf("--link-base: %w", err)})
	}
	if !slices.Contains([]string{"auto", "always", "never"}, o.color) {
		errs = append(errs, usageError{fmt.Errorf("--color: want auto, always or never, have %q", o.color)})
	}
	if o.names != "all" && o.names != "classes" {
		errs = append(errs, usageError{fmt.Errorf("--names: want all or classes, have %q", o.names)})
	}
	return list, errors.Join(errs...)
}

// detailed reports whether some report shows what has to be looked up for it.
func detailed(targets []target) bool {
	return slices.ContainsFunc(targets, func(t target) bool { return t.format.Details })
}

// filter parses the flags that choose cells.
func (o *output) filter() (*report.Filter, error) {
	var f report.Filter
	var errs [6]error
	f.Only, errs[0] = report.ParseAccesses(o.only)
	f.Servers, errs[1] = report.ParseGlobs(o.servers)
	f.Principals, errs[2] = report.ParseGlobs(o.principals)
	f.Roles, errs[3] = report.ParseGlobs(o.roles)
	f.Items, errs[4] = report.ParseGlobs(o.items)
	f.Operations, errs[5] = report.ParseGlobs(o.operations)
	if err := errors.Join(errs[:]...); err != nil {
		return nil, usageError{err}
	}
	return &f, nil
}

// options adds to options how to write to w.
func (o *output) options(w io.Writer, options report.Options) report.Options {
	options.All, options.ByClass, options.Summary, options.ByRule = o.all, o.byClass, o.summary, o.byRule
	options.Here, options.HereBase = o.here, o.was
	if o.linked != "" || options.Path != nil { // else it is not known where files stand
		options.LinkBase, _ = o.linkBase()
	}
	options.Nameless, options.Marker = o.names == "classes", o.marker
	options.ASCII, options.Width = o.ascii || !utf8Locale(), 80
	width, color := terminalOf(w)
	if width > 0 {
		options.Width = width
	} else if width, err := strconv.Atoi(os.Getenv("COLUMNS")); err == nil && width > 0 {
		options.Width = width
	}
	switch o.color {
	case "always":
		options.Color = true
	case "auto":
		options.Color = color
	}
	return options
}

// utf8Locale reports whether the locale can show more than ASCII. One that
// says nothing can: most terminals do.
func utf8Locale() bool {
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		if v := os.Getenv(name); v != "" {
			v = strings.ToUpper(v)
			return strings.Contains(v, "UTF-8") || strings.Contains(v, "UTF8")
		}
	}
	return true
}

// write writes every report.
func (o *output) write(stdout io.Writer, targets []target, d *report.Document, options report.Options) error {
	for _, t := range targets {
		if t.file == "" {
			if err := t.format.Write(stdout, d, o.options(stdout, options)); err != nil {
				return fmt.Errorf("write the report: %w", err)
			}
			continue
		}
		if err := o.writeFile(t, d, options); err != nil {
			return err
		}
	}
	return nil
}

// writeDevice writes to a pipe or a device, which must not be replaced.
func (o *output) writeDevice(t target, d *report.Document, options report.Options) error {
	file, err := os.OpenFile(t.file, os.O_WRONLY, 0)
	if err != nil {
		return fmt.Errorf("write %s: %w", t.file, errors.Unwrap(err))
	}
	if err := errors.Join(t.format.Write(file, d, o.options(file, options)), file.Close()); err != nil {
		return fmt.Errorf("write %s: %w", t.file, err)
	}
	return nil
}

func (o *output) writeFile(t target, d *report.Document, options report.Options) error {
	info, err := os.Stat(t.file)
	switch {
	case err == nil && !info.Mode().IsRegular():
		return o.writeDevice(t, d, options)
	case isJobSummary(t.file, info):
		return o.appendSummary(t, d, options, info)
	}
	return replaceFile(t.file, func(w io.Writer) error {
		var buffer bytes.Buffer // a file is never a terminal
		return t.format.Write(w, d, o.options(&buffer, options))
	})
}
