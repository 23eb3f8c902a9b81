package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"

	"github.com/mcpolicy/mcpolicy/internal/revision"
	"github.com/mcpolicy/mcpolicy/source"
)

// A repo is the git repository that holds a folder. It is only read, and never the
// working tree.
type repo struct {
	dir    string // of the config
	prefix string // where that is below the top of the repository, slash-separated; "" at the top
}

// git runs a command in the folder and returns what it prints.
func (r *repo) git(ctx context.Context, args ...string) ([]byte, error) {
	cmd := r.command(ctx, args...)
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	switch {
	case errors.Is(err, exec.ErrNotFound):
		return nil, errors.New("git is not there, which reads revisions; name two folders instead")
	case err != nil:
		return nil, fmt.Errorf("git %s: %s", args[0], firstLine(said.String(), err))
	}
	return out, nil
}

// command returns a command of git that neither writes nor contacts anything. A folder of the
// checkout that has the files of a bare repository is none: it would be its author's word
// on what the base is.
func (r *repo) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "git", append([]string{"--no-pager", "--literal-pathspecs", "-c", "safe.bareRepository=explicit", "-C", r.dir}, args...)...) //nolint:gosec // what follows a revision is no option
	cmd.Env = append(os.Environ(), "GIT_OPTIONAL_LOCKS=0", "GIT_NO_LAZY_FETCH=1", "GIT_TERMINAL_PROMPT=0", "LC_ALL=C")
	return cmd
}

func firstLine(text string, err error) string {
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	if line == "" {
		return err.Error()
	}
	return strings.TrimPrefix(line, "fatal: ")
}

// openRepo finds the repository of a folder.
func openRepo(ctx context.Context, dir string) (*repo, error) {
	r := &repo{dir: dir}
	prefix, err := r.git(ctx, "rev-parse", "--show-prefix")
	if err != nil {
		return nil, usageError{fmt.Errorf("%s is in no git repository, so that there are no revisions of it; name two folders instead (%w)", dir, err)}
	}
	r.prefix = strings.TrimSuffix(strings.TrimSuffix(string(prefix), "\n"), "/")
	return r, nil
}

// resolve returns the commit that a revision names.
func (r *repo) resolve(ctx context.Context, name string) (commit string, err error) {
	out, err := r.git(ctx, "rev-parse", "--verify", "--quiet", "--end-of-options", name+"^{commit}")
	if err == nil {
		return strings.TrimSpace(string(out)), nil
	}
	if ctx.Err() != nil {
		return "", ctx.Err()
	}
	text := fmt.Sprintf("no revision %q in this repository", name)
	if remote := "origin/" + name; !strings.HasPrefix(name, "origin/") {
		if _, err := r.git(ctx, "rev-parse", "--verify", "--quiet", "--end-of-options", remote+"^{commit}"); err == nil {
			return "", usageError{fmt.Errorf("%s; did you mean %s?", text, remote)}
		}
	}
	if shallow, err := r.git(ctx, "rev-parse", "--is-shallow-repository"); err == nil && strings.TrimSpace(string(shallow)) == "true" {
		fetch, branch := "git fetch --deepen=100", strings.TrimPrefix(name, "origin/")
		if !strings.ContainsAny(name, "~^@{:") {
			fetch = fmt.Sprintf("git fetch --depth=1 origin %s:refs/remotes/origin/%s, then say origin/%s,", branch, branch, branch)
		}
		text += ", which is a shallow clone: " + fetch + " or clone with more history (fetch-depth: 0 of actions/checkout, GIT_DEPTH: 0 on GitLab)"
	}
	return "", usageError{errors.New(text)}
}

// A tree is a folder of a revision, read as it is asked for.
type tree struct {
	*revision.Tree
	blobs *blobs
}

// open returns the folder of the config as a revision has it.
func (r *repo) open(ctx context.Context, commit string) (*tree, error) {
	args := []string{"ls-tree", "-r", "-z", "-l", "--full-tree", commit}
	if r.prefix != "" {
		args = append(args, "--", r.prefix)
	}
	listing, err := r.git(ctx, args...)
	if err != nil {
		return nil, err
	}
	b := &blobs{repo: r, ctx: ctx}
	t, err := revision.New(listing, r.prefix, b.read)
	return &tree{t, b}, err
}

func (t *tree) close() error { return t.blobs.close() }

// blobs reads blobs through one process of git.
type blobs struct {
	repo *repo
	ctx  context.Context //nolint:containedctx // of the process, which ends with it
	mu   sync.Mutex
	cmd  *exec.Cmd
	in   io.WriteCloser
	out  *bufio.Reader
}

// read returns a blob.
func (b *blobs) read(hash string) ([]byte, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.cmd == nil {
		if err := b.start(); err != nil {
			return nil, err
		}
	}
	if _, err := io.WriteString(b.in, hash+"\n"); err != nil {
		return nil, fmt.Errorf("git cat-file: %w", err)
	}
	head, err := b.out.ReadString('\n')
	if err != nil {
		return nil, fmt.Errorf("git cat-file: %w", err)
	}
	fields := strings.Fields(head) // <hash> blob <size>, or <hash> missing
	if len(fields) != 3 || fields[1] != "blob" {
		return nil, errors.New("git does not have its content: fetch the revision whole (this clone is partial)")
	}
	size, err := strconv.ParseInt(fields[2], 10, 64)
	if err != nil {
		return nil, fmt.Errorf("git cat-file: %w", err)
	}
	if err := source.CheckSize(hash, size); err != nil {
		b.end() // what follows is not read
		return nil, errors.Unwrap(err)
	}
	data := make([]byte, size+1) // and a newline
	if _, err := io.ReadFull(b.out, data); err != nil {
		return nil, fmt.Errorf("git cat-file: %w", err)
	}
	return data[:size], nil
}

func (b *blobs) start() error {
	b.cmd = b.repo.command(b.ctx, "cat-file", "--batch")
	in, err := b.cmd.StdinPipe()
	if err != nil {
		return err
	}
	out, err := b.cmd.StdoutPipe()
	if err != nil {
		return err
	}
	b.in, b.out = in, bufio.NewReader(out)
	return b.cmd.Start()
}

// end ends the process; another is started for the next blob.
func (b *blobs) end() {
	if b.cmd != nil {
		_ = b.in.Close()
		_ = b.cmd.Process.Kill()
		_ = b.cmd.Wait() // it was ended
		b.cmd = nil
	}
}

func (b *blobs) close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.end()
	return nil
}

// shortCommit is as much of a commit's hash as people read.
func shortCommit(commit string) string { return commit[:min(len(commit), 12)] }
