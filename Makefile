# `make run` serves the demo company, `make test` proves everything, `make nightly` goes on proving, `make bench` measures,
# `make evals` measures answers on our own question sets, `make screenshots` takes pictures of every page of the console.

.PHONY: run test nightly bench evals console screenshots

run: console
	cargo run --release --locked -- serve --demo

test:
	scripts/test

# Hours: 100,000 random schedules on every kind of channel, then each fuzz target for ten minutes.
nightly:
	scripts/schedules
	scripts/fuzz

bench: console
	scripts/bench

# Numbers here, pictures in target/evals.html; BEFORE=earlier.json (a copy of target/evals.json) stands beside them.
evals:
	mkdir -p target
	cargo run --release --locked -- eval all evals --report target/evals.json --html target/evals.html $(if $(BEFORE),--before $(BEFORE))

# The web console, embedded into the program when it was built before it.
console:
	@scripts/console

screenshots: console
	cargo build --locked
	node console/stories/screenshots.mjs
