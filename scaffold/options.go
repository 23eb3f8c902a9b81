package scaffold

import (
	"cmp"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/config"
	"github.com/mcpolicy/mcpolicy/manifest"
	"github.com/mcpolicy/mcpolicy/source"
	"github.com/mcpolicy/mcpolicy/workspace"
)

// Points lists the enforcement points that projects can be made for.
func Points() []string {
	return []string{authz.CerbosFastMCP, authz.COAZ, authz.ToolAsAction, authz.ToolAsResource, authz.VoltAgent, Custom}
}

// KindOf is the kind of resource that an enforcement point asks about unless it is told another, as far
// as that does not depend on the server.
func KindOf(point string) string { return cmp.Or(manners[point].kind, "mcp::SERVER") }

// Kinded reports whether an enforcement point asks about a kind of resource that can be chosen.
func Kinded(point string) bool { return point != authz.COAZ }

// Custom is an enforcement point of one's own. Its profile is written to be filled in.
const Custom = "custom"

// DefaultKind is the kind of resource that an enforcement point asks about, unless it is told another.
const DefaultKind = "mcp_server"

// RoleKeys lists what the roles are, whatever they are called.
func RoleKeys() []string { return []string{"reader", "editor", "administrator", "agent"} }

// Rename gives a role the name that it has elsewhere.
func (r *Roles) Rename(key, name string) error {
	at := map[string]*string{"reader": &r.Reader, "editor": &r.Editor, "administrator": &r.Administrator, "agent": &r.Agent}[key]
	switch {
	case at == nil:
		return fmt.Errorf("no such role%s; they are %s", source.DidYouMean(key, RoleKeys()), strings.Join(RoleKeys(), ", "))
	case strings.TrimSpace(name) != name || name == "" || strings.ContainsFunc(name, source.Hidden):
		return errors.New("want a name that shows, without blanks around it")
	case strings.ContainsAny(name, "*?[{"):
		return errors.New("a role with such a character would be a pattern")
	}
	*at = name
	return nil
}

// Check finds what does not go together, and gives servers the kinds of their resources: one that is
// said, or, of several, each its own, so that no rule is about two of them.
func (o *Options) Check(kind string) error {
	if !slices.Contains(Points(), o.Enforcement) {
		return fmt.Errorf("no project can be made for the enforcement point %q%s; want %s", o.Enforcement, source.DidYouMean(o.Enforcement, Points()), strings.Join(Points(), ", "))
	}
	names := o.Roles.all()
	slices.Sort(names)
	if len(slices.Compact(names)) < len(RoleKeys()) {
		return errors.New("two of the roles have one name: what opens to a reader would open to whoever else has it")
	}
	if o.manner().ids && kind != "" {
		return fmt.Errorf("resource kind %q: the binding says what the resources of %s are", kind, o.Enforcement)
	}
	if o.manner().ids && len(o.Servers) > 1 {
		return fmt.Errorf("%s asks about tools without saying of which server, so one PDP would take servers for each other: make a project for each, with a PDP of its own", o.Enforcement)
	}
	if strings.ContainsAny(kind, "{}*") {
		return fmt.Errorf("resource kind %q: want one kind, without braces and asterisks", kind)
	}
	taken := map[string]bool{}
	for i := range o.Servers {
		s := &o.Servers[i]
		if taken[s.Name] {
			return fmt.Errorf("two servers are called %q: choose one of them with FILE#NAME, or rename the file", s.Name)
		}
		taken[s.Name] = true
		switch {
		case len(o.Servers) == 1:
			s.Kind = kind
			if o.manner().kind == "" && kind == "" && slug(s.Name) != s.Name {
				s.Kind = "mcp::" + slug(s.Name) // what kinds may be called
			}
		case kind != "":
			return errors.New("one resource kind for several servers would open tools of the same name on all of them")
		default:
			s.Kind = DefaultKind + "_" + slug(s.Name)
		}
	}
	return nil
}

// NewServer returns a server with an inventory of its own.
func NewServer(name string, data []byte) Server {
	return Server{Name: name, File: "manifests/" + fileName(name) + ".json", Data: data}
}

// ServersOf returns the servers of files with inventories, each FILE or FILE#NAME.
func ServersOf(files []string, read func(name string) ([]byte, error)) ([]Server, error) {
	var list []Server
	var errs []error
	taken := map[string]string{} // what files are called in the project
	for _, given := range files {
		of, err := config.ParseManifest(given)
		if err != nil {
			return nil, workspace.UsageError{Err: err}
		}
		data, err := read(of.File)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		name := strings.ReplaceAll(of.File, `\`, "/")
		servers, err := manifest.Parse(name, data)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		stored := "manifests/" + fileName(path.Base(name))
		for other, by := range taken {
			if other == stored && by != name {
				errs = append(errs, fmt.Errorf("%s and %s have one name, and would be one file", by, name))
			}
		}
		taken[stored] = name
		found := false
		for _, i := range servers {
			if of.Pick != "" && of.Pick != i.Server {
				continue
			}
			found = true
			s := Server{Name: i.Server, File: stored, Data: data}
			if len(servers) > 1 {
				s.Pick = i.Server
			} else {
				s.Name = workspace.ServerName(name)
			}
			list = append(list, s)
		}
		if !found {
			errs = append(errs, source.Errorf(source.Pos{File: name}, "no server is called %q", of.Pick))
		}
	}
	return list, errors.Join(errs...)
}

// fileName returns a name that a file may have anywhere, with the extension that it has.
func fileName(name string) string {
	safe := strings.Map(func(c rune) rune {
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.ContainsRune("._-", c) {
			return c
		}
		return '-'
	}, name)
	if safe = strings.TrimLeft(safe, ".-"); safe == "" {
		return "server"
	}
	return safe
}
