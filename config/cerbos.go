package config

// CerbosTests says how the test suites of Cerbos's own are run that stand beside the
// policies: as `cerbos compile` does with the flags of these names. Engine has no say.
type CerbosTests struct {
	// Whether they are left out.
	Skip bool `yaml:"skip"`
	// Whether requests are decided that the schemas of policies refuse, as with cerbos compile
	// --ignore-schemas. They are denied otherwise.
	IgnoreSchemas bool `yaml:"ignoreSchemas"`
	// Whether an expression that cannot be evaluated denies, as with cerbos compile
	// --strict-evaluation. A suite can ask for it, too.
	StrictEvaluation bool `yaml:"strictEvaluation"`
}
