package config

// CerbosTests says how the test suites of Cerbos's own are run that stand beside the
// policies: as `cerbos compile` does with the flags of these names. Engine has no say.
type CerbosTests struct {
	Skip             bool `yaml:"skip"`
	IgnoreSchemas    bool `yaml:"ignoreSchemas"`
	StrictEvaluation bool `yaml:"strictEvaluation"`
}
