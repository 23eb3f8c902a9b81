package pdp

import "errors"

// Bounds are for whoever runs an engine over policies that are not trusted. The
// engine itself bounds nothing, and cannot be stopped. The zero value is no bounds.
type Bounds struct {
	// Pulse, if set, is told what is being done.
	Pulse *Pulse
	// Admit, if set, is asked before conditions are evaluated: its error is why that
	// is not to be done for a request.
	Admit func(Request) error
}

// ErrUnbounded is wrapped by errors about policies that take too much. No decision
// follows from it.
var ErrUnbounded = errors.New("the policies take too much")
