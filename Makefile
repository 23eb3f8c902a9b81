.PHONY: test e2e oracle bench ci

test:
	go test ./...

# The fixtures' FastMCP servers behind a real PDP, on the loopback interface;
# needs Python 3.11 or newer, and npm. Installs the rest once, into the user's
# cache, and fails where it cannot.
e2e:
	MCPOLICY_REQUIRE_CERBOS=1 go test -tags e2e -count=1 -timeout 20m ./internal/e2e

# Generated worlds against the official Cerbos, tens of thousands of decisions
# where go test makes some hundred; takes minutes, needs npm for the binary.
oracle:
	MCPOLICY_REQUIRE_CERBOS=1 MCPOLICY_LONG=1 go test -count=1 -timeout 60m -run '^TestDifferential' -v ./...

# Whole processes, against Cerbos's own test runner, and a PDP against a loop
# over its SDK; needs npm for the binary.
bench:
	go run ./bench
	go run ./bench -scale -n 3
	go test ./pdp/embedded -run "^$$" -bench Limit
	go test ./internal/cerbosbin -run '^$$' -bench BenchmarkRemote -benchtime 5x

ci:
	.ci/run
