.PHONY: test bench ci

test:
	go test ./...

# Whole processes, against Cerbos's own test runner; needs npm for its binary.
bench:
	go run ./bench
	go run ./bench -scale -n 3
	go test ./pdp -run "^$$" -bench Limit

ci:
	.ci/run
