package embedded

import "github.com/mcpolicy/mcpolicy/pdp"

var _ interface {
	pdp.Decider
	pdp.Sharer
	pdp.Classifier
	pdp.Validator
	pdp.Examiner
	pdp.Reader
	pdp.Clocked
	pdp.Divisible
	pdp.Changeable
	pdp.Confusable
	pdp.Explainer
	pdp.Looker
	pdp.Holder
	pdp.Evaluable
} = (*Engine)(nil)
