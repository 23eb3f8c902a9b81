// Package page writes a report as one HTML file for people who do not read
// terminals: a matrix to look into, answers to who may do what, findings, tests.
//
// The file needs nothing beside it and contacts nobody. Its policy of content
// (CSP) admits one style and one script, by their hashes, and nothing else. What a
// run found out is data in it: JSON that the script reads, in which nothing can end
// the element that it stands in. The script puts all of it into the page as text.
//
// The package knows nothing of matrices and lint: [Data] is plain, and package
// report fills it.
package page
