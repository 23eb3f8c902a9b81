package workspace

import "fmt"

// A UsageError says that what was asked for is wrong: the config, or a name that
// stands for nothing. Any other error says that a run could not be completed.
type UsageError struct{ Err error }

// Error says what is wrong.
func (e UsageError) Error() string { return e.Err.Error() }

// Unwrap returns a list, so that the mistakes of a joined error are found in it.
func (e UsageError) Unwrap() []error { return []error{e.Err} }

// Guard turns a panic of the function that defers it, which is a mistake of this program's, into an error.
func Guard(err *error) {
	if r := recover(); r != nil {
		*err = fmt.Errorf("internal error: %v; please report it with what was read", r)
	}
}

// wrong returns a mistake of whoever asks.
func wrong(err error) error { return UsageError{Err: err} }
