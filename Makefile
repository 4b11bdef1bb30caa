# `make run` serves the demo company, `make test` proves everything, `make bench` measures,
# `make screenshots` takes pictures of every page of the console.

.PHONY: run test bench console screenshots

run: console
	cargo run --release --locked -- serve --demo

test:
	scripts/test

bench: console
	scripts/bench

# The web console, embedded into the program when it was built before it.
console:
	@scripts/console

screenshots: console
	cargo build --locked
	node console/stories/screenshots.mjs
