# What a person types. The work is done in scripts/, each of which says at its head what it does.
#
#   make help            the list
#   make test PG=17      against another major version of Postgres

export PG ?= 15
# Majors that test-all adds to PG.
OTHER_PG ?= $(filter-out $(PG),14 15 16 17 18)

.DEFAULT_GOAL := help
.NOTPARALLEL:

.PHONY: help
help: ## this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "make %-13s %s\n", $$1, $$2 }' Makefile

.PHONY: setup
setup: ## install what building and testing Postgres PG need (packages by sudo)
	scripts/setup.sh

.PHONY: build
build: ## build the extension for Postgres PG into target/
	scripts/build.sh

.PHONY: demo
demo: setup build ## see it work: a private server, a few people, their rows
	scripts/demo.sh

.PHONY: test
test: setup test-core lint regress isolation e2e ## every test, on Postgres PG

.PHONY: test-core
test-core: ## what needs no server: clerk_core and the test tools
	cargo test -p clerk_core -p clerk_testing

.PHONY: regress
regress: build ## the SQL tests (TESTS="a b" for some, ACCEPT=1 to take their output as expected)
	scripts/pg_regress.sh regress $(TESTS)

.PHONY: isolation
isolation: build ## the tests of sessions that race each other
	scripts/pg_regress.sh isolation $(TESTS)

.PHONY: e2e
e2e: build ## the whole thing with real servers, poolers and clients
	scripts/run_scripts.sh e2e $(TESTS)

.PHONY: test-all
test-all: test $(OTHER_PG:%=test-pg%) ## make test, and the SQL tests on every other major version

# The SQL tests on one major version, e.g. make test-pg17.
EACH_PG := $(foreach pg,14 15 16 17 18,test-pg$(pg))
.PHONY: $(EACH_PG)
$(EACH_PG): test-pg%:
	$(MAKE) --no-print-directory PG=$* setup regress

.PHONY: lint
lint: ## rustfmt, clippy, rustdoc, shellcheck
	scripts/lint.sh

.PHONY: bench
bench: build ## the benchmarks
	scripts/bench.sh $(TESTS)

.PHONY: fuzz
fuzz: ## fuzz the parsers (needs nightly and cargo-fuzz; FUZZ_SECONDS a target)
	scripts/fuzz.sh $(TESTS)

.PHONY: install
install: ## copy the build into the system's Postgres PG, or that of PG_CONFIG (by sudo)
	scripts/install.sh

.PHONY: installcheck
installcheck: ## the SQL tests against the server of PGHOST, PGPORT, PGUSER, after make install
	INSTALLCHECK=1 scripts/pg_regress.sh regress $(TESTS)

.PHONY: package
package: build ## a tarball of the built extension in target/dist
	scripts/package.sh

.PHONY: clean
clean: ## remove what was built; what setup fetched stays
	scripts/clean.sh
