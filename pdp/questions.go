package pdp

import (
	"context"

	"github.com/mcpolicy/mcpolicy/authz"
)

// A Question is a request that is made for several principals. The request's
// own Principal is not looked at.
type Question struct {
	authz.Request
	Of []*authz.Principal
}

// Each answers every question for each of its principals: what the decider's
// Decide says, by question and principal. A [Sharer] does it in its own way. Answers that
// are the same may be the same pointer, and are read-only.
func Each(ctx context.Context, d Decider, questions []Question) ([][]*authz.Decision, error) {
	if s, ok := d.(Sharer); ok {
		return s.Each(ctx, questions)
	}
	var requests []authz.Request
	for i := range questions {
		for _, p := range questions[i].Of {
			r := questions[i].Request
			r.Principal = p
			requests = append(requests, r)
		}
	}
	decisions, err := d.Decide(ctx, requests)
	if err != nil {
		return nil, err
	}
	answers := make([][]*authz.Decision, len(questions))
	for i := range questions {
		answers[i] = make([]*authz.Decision, len(questions[i].Of))
		for j := range answers[i] {
			answers[i][j] = &decisions[0]
			decisions = decisions[1:]
		}
	}
	return answers, nil
}
