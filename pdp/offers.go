package pdp

var _ interface {
	Decider
	Sharer
	Classifier
	Validator
	Examiner
	Reader
	Clocked
	Divisible
	Confusable
	Explainer
	Looker
	Holder
} = (*Engine)(nil)
