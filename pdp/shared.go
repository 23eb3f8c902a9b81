package pdp

import (
	"context"

	"github.com/mcpolicy/mcpolicy/authz"
)

// A SharedRequest is a request that is made for several principals. The request's
// own Principal is not looked at.
type SharedRequest struct {
	authz.Request
	Of []*authz.Principal
}

// Each answers every request for each of its principals: what the decider's
// Decide says, by request and principal. A [Sharer] does it in its own way. Answers that
// are the same may be the same pointer, and are read-only.
func Each(ctx context.Context, d Decider, requests []SharedRequest) ([][]*authz.Decision, error) {
	if s, ok := d.(Sharer); ok {
		return s.Each(ctx, requests)
	}
	var each []authz.Request
	for i := range requests {
		for _, p := range requests[i].Of {
			r := requests[i].Request
			r.Principal = p
			each = append(each, r)
		}
	}
	decisions, err := d.Decide(ctx, each)
	if err != nil {
		return nil, err
	}
	answers := make([][]*authz.Decision, len(requests))
	for i := range requests {
		answers[i] = make([]*authz.Decision, len(requests[i].Of))
		for j := range answers[i] {
			answers[i][j] = &decisions[0]
			decisions = decisions[1:]
		}
	}
	return answers, nil
}
