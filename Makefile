# What a person or a machine does with this tree. `make run` and `make test` install what is
# missing (with apt-get, and sudo if need be) and say so.

CARGO ?= cargo

# The documentation is for those who work on the program: private items are in it.
DOCFLAGS = -D warnings -A rustdoc::private_intra_doc_links

.PHONY: build run test lint bench

build:
	$(CARGO) build --release --locked

# weaved with SQLite behind lighttpd at http://127.0.0.1:8080/yourpath/, data in ./run.
run:
	scripts/install.sh run
	$(CARGO) build --release --locked
	exec scripts/run.sh target/release/weaved

# Rows wait for servers and clocks more than they compute: more threads than cores.
test:
	scripts/install.sh test
	$(MAKE) lint
	$(CARGO) test --locked --no-fail-fast -- --test-threads=8

lint:
	$(CARGO) fmt --all --check
	$(CARGO) clippy --locked --all-targets -- -D warnings
	RUSTDOCFLAGS="$(DOCFLAGS)" $(CARGO) doc --locked --no-deps --document-private-items

bench:
	scripts/install.sh bench
	$(CARGO) bench --locked
