// Package matrix builds the decision matrix: who may do what with each item of
// each server, as the enforcement point in front of it would have it decided.
//
// It has a row for each class of principals that the policies cannot tell
// apart, and a column for each operation on an item. Package pep says which
// requests a column stands for, a [pdp.Decider] answers them, and package
// policy says where the rules that took part stand. What is right or wrong
// about the matrix is for lint and testrunner to say.
package matrix
