package main

import (
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// linkBase returns the address below which a browser shows the files of the repository:
// that of the command line, or the one that the CI system is at work on, or "".
func (o *output) linkBase() (string, error) {
	if o.linked == "" {
		return ciLinkBase(os.Getenv), nil
	}
	if !isAddress(o.linked) {
		return "", errors.New("want the address of a folder in a browser, like https://github.com/OWNER/NAME/blob/main")
	}
	return o.linked, nil
}

// isAddress reports whether links can begin with a text: an address of the web that ends
// with a path, in which nothing ends a link of Markdown.
func isAddress(text string) bool {
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && u.RawQuery == "" && u.Fragment == "" && u.User == nil &&
		linkable.MatchString(text)
}

var (
	linkable       = regexp.MustCompile(`^[A-Za-z0-9:/._~%+@-]+$`)
	commit         = regexp.MustCompile(`^[0-9a-f]{40,64}$`)
	repositoryName = regexp.MustCompile(`^[A-Za-z0-9._-]+/[A-Za-z0-9._-]+$`)
)

// ciLinkBase returns the address of the commit that GitHub or GitLab is at work on. Where
// the working directory is in another repository, within the one that was checked out, none
// is known.
func ciLinkBase(env func(string) string) string {
	base, root := "", ""
	switch {
	case repositoryName.MatchString(env("GITHUB_REPOSITORY")) && commit.MatchString(env("GITHUB_SHA")):
		base = strings.TrimSuffix(env("GITHUB_SERVER_URL"), "/") + "/" + env("GITHUB_REPOSITORY") + "/blob/" + env("GITHUB_SHA")
		root = env("GITHUB_WORKSPACE")
	case commit.MatchString(env("CI_COMMIT_SHA")):
		base = strings.TrimSuffix(env("CI_PROJECT_URL"), "/") + "/-/blob/" + env("CI_COMMIT_SHA")
		root = env("CI_PROJECT_DIR")
	}
	if !isAddress(base) || root == "" {
		return ""
	}
	root = absolute(root)
	here := absolute("")
	if below, err := filepath.Rel(root, here); err != nil || !filepath.IsLocal(below) {
		return ""
	}
	for dir := here; dir != root; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, ".git")); err == nil {
			return ""
		}
	}
	return base
}
