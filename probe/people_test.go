package probe_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/mcpolicy/mcpolicy/live"
	"github.com/mcpolicy/mcpolicy/probe"
	"github.com/mcpolicy/mcpolicy/reach"
	"github.com/mcpolicy/mcpolicy/source"
)

// TestPeople holds who is probed and where their tokens may go.
func TestPeople(t *testing.T) {
	w := newWorld(t, policies, nil)
	env := reach.Env(func(name string) (string, bool) { return "t-" + name, name == "IAN" || name == "OTTO" })
	file := source.Pos{File: "mcpolicy.yaml", Line: 7, Col: 3}
	tokens := []probe.Token{{Principal: "ian", Variable: "IAN"}, {Principal: "otto", Variable: "OTTO", Pos: file, ByFile: true}}
	everybody := func(string) bool { return true }
	who, err := probe.NewPeople(w.Matrix, tokens, everybody, false, env)
	if err != nil {
		t.Fatal(err)
	}
	running := reach.At("https://desk.example/mcp")
	started := &reach.Server{Name: "desk", Target: live.Target{Command: []string{"desk"}}}
	if len(who.Chosen) != 2 || who.Missing() != "sally" || len(who.Clients(running)) != 4 || who.Suit(running) != nil {
		t.Errorf("%d are probed, not %s; %v", len(who.Chosen), who.Missing(), who.Clients(running))
	}
	if err := who.Suit(started); !errors.Is(err, probe.ErrNobody) {
		t.Errorf("a server that is started is probed as several: %v", err)
	}

	// In CI the token that the file names needs leave, and so do all if the file names the server.
	leave, err := reach.NewLeave([]string{"IAN=https://desk.example"}, env)
	if err != nil {
		t.Fatal(err)
	}
	if err := who.Allow(leave, running); err == nil || len(source.Mistakes(err)) != 1 || !strings.Contains(err.Error(), "what OTTO holds is not sent") {
		t.Errorf("have %v", err)
	}
	running.File = file
	if err := who.Allow(new(reach.Leave), running); len(source.Mistakes(err)) != 2 {
		t.Errorf("have %v", err)
	}
	if err := who.Allow(new(reach.Leave), started); err != nil {
		t.Errorf("a server that is started takes no token: %v", err)
	}

	sally := func(key string) bool { return key == "sally" }
	one, err := probe.NewPeople(w.Matrix, tokens, sally, true, env)
	if err != nil {
		t.Fatal(err)
	}
	if one.Suit(started) != nil || len(one.Clients(started)) != 1 || one.Clients(started)[0].Principal.Key != "sally" {
		t.Errorf("have %v", one.Clients(started))
	}
	if err := one.Suit(running); err == nil || errors.Is(err, probe.ErrNobody) || !strings.Contains(err.Error(), "none of the principals has a token (sally)") {
		t.Errorf("have %v", err)
	}
	_, err = probe.NewPeople(w.Matrix, []probe.Token{{Principal: "iam", Variable: "IAN", Pos: file}, {Principal: "ian", Variable: "UNSET", Pos: file}}, everybody, false, env)
	if len(source.Mistakes(err)) != 2 || !strings.Contains(err.Error(), `no principal "iam"`) || !strings.Contains(err.Error(), "UNSET is not set") {
		t.Errorf("have %v", err)
	}
}

// TestCheckDestructive holds that only names of destructive tools are taken.
func TestCheckDestructive(t *testing.T) {
	w := newWorld(t, policies, nil)
	server := w.Columns[0].Server
	if err := probe.CheckDestructive([]string{"purge", "wipe"}, server); err != nil {
		t.Error(err)
	}
	if err := probe.CheckDestructive([]string{"greet", "purg"}, server); len(source.Mistakes(err)) != 2 || !strings.Contains(err.Error(), "purge") {
		t.Errorf("have %v", err)
	}
}
