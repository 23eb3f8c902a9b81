.PHONY: test inventories soak e2e oracle fuzz mutants bench page pictures workflows snapshot reproduce debian packs ci

test:
	go test ./...

# A project for each inventory of a folder, which the official compiler has to take: make inventories DIR=...
inventories:
	MCPOLICY_REQUIRE_CERBOS=1 MCPOLICY_INVENTORIES="$(abspath $(DIR))" go test -count=1 -timeout 60m -run '^TestFolder$$' -v ./scaffold

# The command twenty times, or RUNS times, over each inventory of a folder, with policies of three styles,
# in any order of files and on any number of cores: the same bytes, and nothing left behind. Linux;
# about a minute for each inventory: make soak DIR=...
soak:
	MCPOLICY_SOAK="$(abspath $(DIR))" MCPOLICY_SOAK_RUNS="$(RUNS)" go test -count=1 -timeout 180m -run '^TestSoak$$' -v ./cmd/mcpolicy

# The fixtures' FastMCP servers behind a real PDP, on the loopback interface;
# needs Python 3.11 or newer, and npm. Installs the rest once, into the user's
# cache, and fails where it cannot.
e2e:
	MCPOLICY_REQUIRE_CERBOS=1 go test -tags e2e -count=1 -timeout 20m ./internal/e2e

# Generated worlds against the official Cerbos, tens of thousands of decisions
# where go test makes some hundred; takes minutes, needs npm for the binary.
oracle:
	MCPOLICY_REQUIRE_CERBOS=1 MCPOLICY_LONG=1 go test -count=1 -timeout 60m -run '^TestDifferential' -v ./...

# Every parser, and what writes reports, with inputs that nobody thought of; a minute each.
fuzz:
	.ci/fuzz 60s

# Small mistakes in the project's own code, which its tests have to notice, but for those
# that docs/mutants.md speaks of: the samples that were worked through, which take some
# minutes, or all mutants of what is named: make mutants MUTANTS="pep matrix=200"
MUTANTS ?= pep=80 prove=80 diff=80 solver=80 matrix=40 testrunner=60
mutants:
	go run -C tools/mutants . -root ../.. -argued ../../docs/mutants.md $(MUTANTS)

# Whole processes, against Cerbos's own test runner, and a PDP against a loop
# over its SDK; needs npm for the binary.
bench:
	go run ./bench
	go run ./bench -scale -n 3
	go test ./pdp/embedded -run "^$$" -bench Limit
	go test ./internal/cerbosbin -run '^$$' -bench BenchmarkRemote -benchtime 5x

# The page of 300 tools by 2,000 principals in Chromium: its size, how long it
# takes to open, and tasks over 50 ms while it scrolls. Wants a quiet machine.
page:
	MCPOLICY_REQUIRE_CHROMIUM=1 MCPOLICY_QUIET_MACHINE=1 go test -count=1 -run '^TestPageBig$$' -v ./report

# Each view of the page on each screen, and what is printed.
pictures:
	mkdir -p /tmp/mcpolicy-pictures
	MCPOLICY_REQUIRE_CHROMIUM=1 MCPOLICY_PICTURES=/tmp/mcpolicy-pictures go test -count=1 -timeout 20m -run '^TestPictures$$' ./report

# Every mistake in the policies of the packs against their suites, where go test
# takes some of each; minutes. Needs npm for the binary.
packs:
	MCPOLICY_REQUIRE_CERBOS=1 MCPOLICY_LONG=1 go test -count=1 -timeout 60m -run '^TestPack' -v ./workspace

# The workflows, the action and their scripts; needs Python for the linters.
workflows:
	.ci/workflows

# A release for all systems into dist/ and packages/, of which nothing is signed or
# published; the image too where Docker runs. Takes many minutes the first time.
snapshot:
	docker=; docker info >/dev/null 2>&1 || docker=,docker; \
	go tool -modfile=tools/goreleaser/go.mod goreleaser release --snapshot --clean --skip=sign$$docker
	go run ./packaging dist packages

# The command built twice from nothing, in two folders and environments: one digest.
reproduce:
	packaging/reproduce --all mcpolicy

# The .deb of dist/ on a bare Debian; needs root, debootstrap and a snapshot.
debian:
	packaging/debian dist/mcpolicy_*_linux_amd64.deb

ci:
	.ci/run
