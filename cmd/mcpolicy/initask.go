package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/mattn/go-isatty"
	"github.com/spf13/cobra"

	"github.com/mcpolicy/mcpolicy/scaffold"
)

// A dialog asks questions in a terminal.
type dialog struct {
	in  *bufio.Reader
	out io.Writer
}

// questions returns what asks, or nil where nobody is to be asked: it never waits for an answer
// from what is no terminal.
func questions(cmd *cobra.Command, noInput bool) *dialog {
	if noInput || terminal(cmd.OutOrStdout()) == nil || !isatty.IsTerminal(os.Stdin.Fd()) {
		return nil
	}
	return &dialog{bufio.NewReader(os.Stdin), lines{cmd.OutOrStdout()}}
}

// ask returns the answer to a question, or what stands for an empty one.
func (d *dialog) ask(question, otherwise string) (string, error) {
	if otherwise != "" {
		question += " [" + otherwise + "]"
	}
	fmt.Fprint(d.out, question+": ")
	line, err := d.in.ReadString('\n')
	if err != nil {
		return "", errors.New("the input ended in the middle of the questions, so nothing is written")
	}
	if line = strings.TrimSpace(line); line == "" {
		return otherwise, nil
	}
	return line, nil
}

// ask asks for what no flag says.
func (b *beginning) ask(cmd *cobra.Command, q *dialog, args []string) error {
	said := cmd.Flags().Changed
	var err error
	if len(args) == 0 && !b.d.servers.named() && len(b.manifests) == 0 {
		answer, err := q.ask("the server: a file with its inventory, or the URL where it runs", "")
		switch {
		case err != nil:
			return err
		case strings.Contains(answer, "://"):
			b.d.servers.url = answer
		case answer != "":
			b.manifests = []string{answer}
		}
	}
	if !said("enforcement") {
		for otherwise := b.enforcement; ; {
			if b.enforcement, err = q.ask("what stands in front of it ("+strings.Join(scaffold.Points(), ", ")+")", otherwise); err != nil {
				return err
			}
			if slices.Contains(scaffold.Points(), b.enforcement) {
				break
			}
			fmt.Fprintln(q.out, "that is none of them")
		}
	}
	if !said("resource-kind") && len(b.manifests) < 2 && scaffold.Kinded(b.enforcement) {
		own := scaffold.KindOf(b.enforcement)
		answer, err := q.ask("the kind of resource that it asks about", own)
		if err != nil {
			return err
		}
		if answer != own {
			b.kind = answer
		}
	}
	if b.roles == nil {
		b.roles = map[string]string{}
	}
	for _, tier := range scaffold.RoleKeys() {
		if b.roles[tier] != "" {
			continue
		}
		if b.roles[tier], err = q.ask("what the role "+tier+" is called", tier); err != nil {
			return err
		}
	}
	return nil
}
