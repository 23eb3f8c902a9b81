package authz

// A Sender makes the requests of an enforcement point that shows the policy engine others than
// the declared principals, or refuses by itself.
type Sender interface {
	// Send returns the request that goes out for one whose principal is set, or why none
	// does. What depends on what is open is made ([Made]), and if that cannot be told,
	// so is what decides which policies are asked.
	Send(r *Request) (Request, *Refusal)
	// Refuses returns why no request goes out whoever asks, and nil if some may.
	Refuses() *Refusal
	// Key is the same for those that send the same.
	Key() string
}

// A Refusal says why nothing is asked, or no decision comes back.
type Refusal struct {
	// Code is that of the JSON-RPC error which the enforcement point answers with. It is 0
	// where a PDP takes the request for none, which is like a denial.
	Code    int
	Because string
}

// Presented returns the request with the principal as the enforcement point shows it, and
// the arguments where they stood: what a condition is about that a decision came to.
func (r *Request) Presented() Request {
	as := *r
	if r.By == nil {
		return as
	}
	if sent, refusal := r.Sent(); refusal == nil {
		as.Principal = sent.Principal
	}
	as.By = nil
	return as
}
