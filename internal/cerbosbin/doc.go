// Package cerbosbin provides the official Cerbos binary for tests: to start a
// PDP, and to have somebody else decide the same questions. It comes from npm,
// in the version that package.json pins and with the hash that
// package-lock.json has, and is kept in the user's cache.
//
// A test that asks for the binary is skipped where there is none for the
// machine, or where npm cannot be reached. With MCPOLICY_REQUIRE_CERBOS set it
// fails there instead, so that CI cannot pass by skipping.
package cerbosbin
