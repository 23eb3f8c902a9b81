// Package oracle holds what mcpolicy says to the official PDP: of worlds that are made up
// whole, policies of every kind, principals, an inventory, an enforcement point and the
// engine's settings, each cell, explanation and answer has to be what the server of the
// official binary decides. It has tests alone; make oracle runs them long.
package oracle
