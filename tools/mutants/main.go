// Mutants makes small mistakes in Go code, one at a time, and runs the tests of the package
// on each, to see which of them no test notices. No file of the project is changed.
//
// It ends with status 1 if a mutant survives that the page of arguments does not speak of,
// or if that speaks of a mutant that there is not, or that is killed.
package main

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
)

// errFindings makes the tool end with status 1 after its report.
var errFindings = errors.New("findings")

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	switch {
	case err == nil:
	case errors.Is(err, errFindings):
		os.Exit(1)
	case errors.Is(err, flag.ErrHelp):
		os.Exit(2)
	default:
		fmt.Fprintln(os.Stderr, "mutants:", err)
		os.Exit(3)
	}
}

type options struct {
	root, argued string
	sample       int
	seed         int64
	match        *regexp.Regexp
	list, full   bool
	grace        time.Duration
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	var o options
	flags := flag.NewFlagSet("mutants", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&o.root, "root", ".", "the `folder` of the project")
	flags.StringVar(&o.argued, "argued", "", "a `page` that says why mutants may survive")
	flags.IntVar(&o.sample, "sample", 0, "take so many mutants of each package; 0 is all")
	flags.Int64Var(&o.seed, "seed", 1, "what the sample is drawn by")
	match := flags.String("match", "", "take only mutants whose file, function and change match `REGEXP`, after sampling")
	flags.BoolVar(&o.list, "list", false, "list mutants and run nothing")
	flags.BoolVar(&o.full, "full", false, "run tests without -short on what survives them with it")
	flags.DurationVar(&o.grace, "grace", 15*time.Second, "how `long` tests may take with a mutant besides four times what they take without")
	flags.Usage = func() {
		fmt.Fprintln(stderr, "usage: mutants [flags] PACKAGE[=SAMPLE]...")
		flags.PrintDefaults()
	}
	if err := flags.Parse(args); err != nil {
		return errors.Join(flag.ErrHelp, err)
	}
	if flags.NArg() == 0 {
		flags.Usage()
		return flag.ErrHelp
	}
	var err error
	if o.match, err = regexp.Compile(*match); err != nil {
		return err
	}
	if o.root, err = filepath.Abs(o.root); err != nil {
		return err
	}
	var arguments []argument
	if o.argued != "" {
		if arguments, err = readArguments(o.argued); err != nil {
			return err
		}
	}
	return report(ctx, &o, flags.Args(), arguments, stdout, stderr)
}

// report runs the mutants of packages, and says what became of them.
func report(ctx context.Context, o *options, packages []string, arguments []argument, stdout, stderr io.Writer) error {
	table := tabwriter.NewWriter(stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "package\tmutants\ttaken\tkilled\ttimed out\tsurvived\tnot covered\tof these argued")
	var wrong, listed []string
	for _, arg := range packages {
		name, number, err := o.taken(arg)
		if err != nil {
			return err
		}
		p, err := load(ctx, o.root, filepath.ToSlash(filepath.Clean(name)))
		if err != nil {
			return err
		}
		all, err := p.mutants()
		if err != nil {
			return err
		}
		if len(all) == 0 {
			return fmt.Errorf("%s has no mutants", name)
		}
		argued := map[string]bool{}
		for _, a := range arguments {
			if path.Dir(a.file) == p.name {
				argued[a.mutant] = true
				if !slices.ContainsFunc(all, func(m *mutant) bool { return plain(m.name()) == a.mutant }) {
					wrong = append(wrong, fmt.Sprintf("%s:%d: argued, but there is no such mutant: %s", o.argued, a.line, a.mutant))
				}
			}
		}
		taken := slices.DeleteFunc(sampled(all, number, o.seed), func(m *mutant) bool { return !o.match.MatchString(plain(m.name())) })
		if o.list {
			for _, m := range taken {
				listed = append(listed, m.at()+" "+m.fn+": "+m.what)
			}
			fmt.Fprintf(table, "%s\t%d\t%d\n", p.name, len(all), len(taken))
			continue
		}
		count := map[fate]int{}
		of := 0
		if len(taken) > 0 {
			became, err := fates(ctx, o, p, taken, func(m *mutant, f fate) { fmt.Fprintf(stderr, "%s: %s %s: %s\n", f, m.at(), m.fn, m.what) })
			if err != nil {
				return err
			}
			for i, m := range taken {
				f := became[i]
				count[f]++
				switch known := argued[plain(m.name())]; {
				case f == killed || f == timedOut:
					if known {
						wrong = append(wrong, fmt.Sprintf("%s: argued, but %s: %s: %s", m.at(), f, m.fn, m.what))
					}
				case known:
					of++
				default:
					wrong = append(wrong, fmt.Sprintf("%s: %s: %s: %s\n  %s", m.at(), f, m.fn, m.what, row(m)))
				}
			}
		}
		fmt.Fprintf(table, "%s\t%d\t%d\t%d\t%d\t%d\t%d\t%d\n", p.name, len(all), len(taken), count[killed], count[timedOut], count[survived], count[notCovered], of)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	for _, line := range append(listed, wrong...) {
		fmt.Fprintln(stdout, line)
	}
	if len(wrong) > 0 {
		return errFindings
	}
	return nil
}

// taken returns the package that an argument names, and how many of its mutants are taken:
// as the argument says, pep=80, or as the flag does.
func (o *options) taken(arg string) (name string, number int, err error) {
	name, text, own := strings.Cut(arg, "=")
	if !own {
		return name, o.sample, nil
	}
	if number, err = strconv.Atoi(text); err != nil || number < 0 {
		return "", 0, fmt.Errorf("want a package, or a package and a number of mutants such as pep=80, have %q", arg)
	}
	return name, number, nil
}

func (m *mutant) at() string { return fmt.Sprintf("%s:%d:%d", m.file, m.pos.Line, m.pos.Column) }

// sampled are so many of the mutants, in their order, drawn by their names alone: whatever else
// is changed in a package, most of those that were drawn are drawn again.
func sampled(all []*mutant, number int, seed int64) []*mutant {
	if number == 0 || number >= len(all) {
		return slices.Clone(all)
	}
	drawn := func(m *mutant) uint64 {
		sum := sha256.Sum256(fmt.Appendf(nil, "%d %s", seed, m.name()))
		return binary.BigEndian.Uint64(sum[:])
	}
	order := make([]uint64, len(all))
	for i, m := range all {
		order[i] = drawn(m)
	}
	slices.Sort(order)
	return slices.DeleteFunc(slices.Clone(all), func(m *mutant) bool { return drawn(m) >= order[number] })
}
