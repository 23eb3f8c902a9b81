// Package cerbossuite writes suites as Cerbos's own have them, for `cerbos compile`.
//
// A case of a suite is about an operation on an item: what the enforcement point asks
// about that, the gate of a list included, is what is written. A case about all arguments
// becomes a call, or two where it depends on them, that shows what the cell came to: it is
// less than the case says, so a suite that passes here can fail here later and still pass
// there, but what fails here fails there. What cannot be written is said, with the reason.
package cerbossuite
