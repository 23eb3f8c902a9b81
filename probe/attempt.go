package probe

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/live"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/pep"
)

// An attempt is one request to make as one client.
type attempt struct {
	column *matrix.Column
	stage  stage
	task   bool // as a task
	call
}

// A verdict is what an answer came to.
type verdict struct {
	pep.Verdict
	ran  bool   // the tool, the prompt or the resource was used
	said string // what was answered, without what it contains
}

// perform makes the attempts of a client that belong to a stage.
func (p *prober) perform(ctx context.Context, c *connectedClient, s stage) error {
	if c.session == nil {
		return nil
	}
	for i := range c.todo {
		if a := &c.todo[i]; a.stage == s {
			if err := p.try(ctx, c, a); err != nil {
				return err
			}
		}
	}
	return nil
}

func (p *prober) try(ctx context.Context, c *connectedClient, a *attempt) error {
	lock := p.locks[a.column.Item]
	lock.Lock()
	defer lock.Unlock()
	switch {
	case lock.ran:
		p.skip(a.column.Item, "not called again, after it ran in spite of its arguments")
		return nil
	case a.stage == destructive && p.isLax() && p.harmful(a.column.Item):
		p.skip(a.column.Item, "not called: destructive, and the server has run another tool in spite of its arguments")
		return nil
	}
	v, err := p.ask(ctx, c, a)
	if err != nil {
		return err
	}
	p.answered(c, a.want, v.Verdict == pep.Admitted, a.column.Operation == authz.Call)
	p.judge(c, a, v)
	if v.ran && a.spoilt {
		lock.ran = true
		p.mu.Lock()
		p.lax = true
		p.mu.Unlock()
		d := p.about(RanBadArguments, c, a)
		d.Message = fmt.Sprintf("%s ran as %s called it%s, although its inputSchema forbids the arguments", a.column.Item.Name, c, a.asTask())
		d.Expected, d.Answered = "a complaint about the arguments", v.said
		p.report(d)
	}
	return nil
}

func (p *prober) isLax() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.lax
}

func (a *attempt) asTask() string {
	if a.task {
		return " as a task"
	}
	return ""
}

// given says that it is the arguments that matter.
func (a *attempt) given() string {
	if !a.condition.IsZero() {
		return " with these arguments"
	}
	return ""
}

func (p *prober) about(kind Kind, c *connectedClient, a *attempt) Drift {
	d := p.drift(kind, c, a.column, a.cell)
	d.Task, d.Arguments, d.Condition = a.task, a.arguments, a.condition
	return d
}

// judge reports what differs from what the matrix says.
func (p *prober) judge(c *connectedClient, a *attempt, v verdict) {
	name, reads := a.column.Item.Name, a.column.Operation != authz.Call
	does := [...]string{"list", "call", "get", "read"}[a.column.Operation]
	var d Drift
	switch denied := !a.want.Possible(); {
	case v.Verdict == pep.Unclear:
		d = p.about(Inconclusive, c, a)
		d.Message = fmt.Sprintf("whether %s may %s %s%s cannot be told from the answer", c, does, name, a.asTask())
	case denied && v.Verdict == pep.Admitted && c.Principal == nil:
		d = p.about(c.outsider(), c, a)
		d.Message = fmt.Sprintf("the server lets %s %s %s%s", c, does, name, a.asTask())
	case denied && v.Verdict == pep.Admitted && reads:
		d = p.about(ReadAdmitted, c, a)
		d.Message = fmt.Sprintf("the server lets %s %s %s, which the matrix denies", c, does, name)
	case denied && v.Verdict == pep.Admitted:
		d = p.about(CallAdmitted, c, a)
		d.Message = fmt.Sprintf("the server lets %s call %s%s, which the matrix denies%s", c, name, a.asTask(), a.given())
	case !denied && v.Verdict == pep.Refused && reads:
		d = p.about(ReadRefused, c, a)
		d.Message = fmt.Sprintf("the server does not let %s %s %s, which the matrix says is %s", c, does, name, a.want)
	case !denied && v.Verdict == pep.Refused:
		d = p.about(CallRefused, c, a)
		d.Message = fmt.Sprintf("the server does not let %s call %s%s, which the matrix says is %s%s", c, name, a.asTask(), a.want, a.given())
	default:
		return
	}
	d.Expected, d.Answered = a.want.String(), v.said
	p.report(d)
}

// ask makes the request. An error is one of the connection: it is no answer.
func (p *prober) ask(ctx context.Context, c *connectedClient, a *attempt) (verdict, error) {
	name := a.column.Item.Name
	endpoint := pep.Endpoint(a.column.Item.Type, a.column.Operation)
	var r *live.Result
	var err error
	switch {
	case a.column.Operation == authz.Get:
		r, err = c.session.Get(ctx, name, promptArguments(a.column.Item))
	case a.column.Operation == authz.Read:
		r, err = c.session.Read(ctx, name)
	case a.task:
		r, err = c.session.CallTask(ctx, name, a.arguments, keepTask)
	default:
		r, err = c.session.Call(ctx, name, a.arguments)
	}
	if err != nil || r.Task == nil {
		return p.verdict(endpoint, c, r, err)
	}
	started := verdict{Verdict: pep.Admitted, said: "started as a task"}
	r, err = c.session.TaskResult(ctx, r.Task.ID)
	v, err := p.verdict(endpoint, c, r, err)
	switch {
	case err != nil && ctx.Err() != nil:
		return v, err
	case err != nil:
		started.said += ", the result of which did not come"
		return started, nil
	case v.Verdict == pep.Unclear: // whatever becomes of it, nobody refused it
		started.said += ", which came to " + v.said
		return started, nil
	}
	v.said = started.said + ", which came to " + v.said
	return v, nil
}

// keepTask is how long a server is to keep what a task came to.
const keepTask = time.Minute

// verdict says what an answer tells.
func (p *prober) verdict(endpoint string, c *connectedClient, r *live.Result, err error) (verdict, error) {
	var rpc *live.RPCError
	var status *live.HTTPError
	var reply pep.Reply
	var said string
	switch {
	case err == nil && !r.IsError:
		return verdict{pep.Admitted, true, "a result"}, nil
	case err == nil:
		reply, said = pep.Reply{IsError: true, Text: r.Text}, fmt.Sprintf("isError: %q", short(r.Text))
	case errors.As(err, &rpc):
		reply, said = pep.Reply{Code: rpc.Code, Text: rpc.Message}, fmt.Sprintf("error %d: %q", rpc.Code, short(rpc.Message))
	case errors.As(err, &status):
		reply, said = pep.Reply{Status: status.Status}, fmt.Sprintf("HTTP status %d", status.Status)
		if c.Principal == nil && rejected(err) {
			return verdict{Verdict: pep.Refused, said: said}, nil
		}
	default:
		return verdict{}, err
	}
	return verdict{Verdict: p.profile.Judge(endpoint, reply), said: said}, nil
}

// short is the beginning of a text of a stranger.
func short(s string) string {
	const limit = 200
	s = strings.Join(strings.Fields(s), " ")
	if r := []rune(s); len(r) > limit {
		return string(r[:limit]) + "..."
	}
	return s
}
