// Package manifest reads what an MCP server offers: inventories of every known
// shape, recognised by their content and never by their file name, become an
// [Inventory] of tools, prompts, resources and resource templates, each with
// its position.
//
// Files that hold no inventory (client configurations, registry entries) are
// refused with their name and a way out. An inventory that may be incomplete
// is read, and says so in its Gaps; whether that is accepted is left to the
// caller, as are findings: items with the same name, hints that contradict
// each other and names with hidden characters are all kept as they are.
//
// Inventories are written by strangers. Names and descriptions are passed on
// untouched, so whoever prints them must escape them.
package manifest
