.PHONY: test bench ci

test:
	go test ./...

# Whole processes, against Cerbos's own test runner; needs npm for its binary.
bench:
	go run ./bench

ci:
	.ci/run
