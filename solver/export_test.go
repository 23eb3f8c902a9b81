package solver

// Allows returns what reports whether a JSON schema allows a value; nil allows all.
func Allows(schema any) func(v any) bool {
	if schema == nil {
		return func(any) bool { return true }
	}
	s, err := compile(schema)
	return func(v any) bool { return err == nil && valid(s, v) }
}
