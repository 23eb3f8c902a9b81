// Mistakes made in the project's own code, to see which of them its tests do not notice.
module github.com/mcpolicy/mcpolicy/tools/mutants

go 1.26.0
