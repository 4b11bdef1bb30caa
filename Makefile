# `make run` serves the demo company, `make test` proves everything, `make bench` measures.

.PHONY: run test bench

run:
	cargo run --release --locked -- serve --demo

test:
	scripts/test

bench:
	scripts/bench
