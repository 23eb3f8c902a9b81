// Package apart finds what tells two engines apart: the policies, and the same policies
// with something changed. For somebody and a column it finds a call that the two decide
// differently, or says that there is none, for all arguments whatever, or that it does not
// know. A call counts once both engines have decided it.
//
// Arguments that the inputSchema allows are preferred, and few of them; those that it
// refuses count too, for the enforcement point asks before the server looks at them.
package apart
