// Package simplify leaves out of printed conditions what cannot matter: parts that others
// imply, what is said twice, what is met or unmet whatever is asked. What remains is met
// by the same requests; the solver has to know that, or the text stays as it is.
//
// It is for what people read. What is decided, compared or judged goes by the condition as
// the policies have it.
package simplify
