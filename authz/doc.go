// Package authz is the vocabulary that the other packages share: who asks
// (a [Principal]), for what (a [Request] about a [Resource]), and what came
// out (a [Decision]). It decides nothing and reads no files.
package authz
