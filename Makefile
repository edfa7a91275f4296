# Parallax. `make help` lists what there is; settings are environment variables or words after the target
# (`make run VENUES=okx PORT=8080`), or lines of a git-ignored .env (see .env.example).

# A Python 3.11 or newer, for set-up only; everything else runs in .venv.
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	"$$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo "$$p" && break; done)
JOBS ?= 3
TESTS ?= tests
IN = .venv/bin/python -m
LAUNCH = exec $(IN) deploy.local.launch
SETUP = $(PYTHON) -m deploy.local.setup

.DEFAULT_GOAL := help
.PHONY: help run demo replay record backtest check-venues start stop restart status logs setup test check bench scenarios reset clean docs coverage lock python

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

python:
	@test -n "$(PYTHON)" || { echo "Parallax needs Python 3.11 or newer, and none was found. Install one, or say where: make $(or $(firstword $(MAKECMDGOALS)),run) PYTHON=/path/to/python3" >&2; exit 1; }

setup: python ## make .venv and install the locked packages (the other targets do it when needed)
	@$(SETUP) runtime

run: python ## everything, with a live status; Ctrl-C stops it
	@$(SETUP) runtime
	@$(LAUNCH) run

demo: python ## the same against simulated exchanges: no internet needed, its data apart
	@$(SETUP) runtime
	@MODE=demo $(LAUNCH) run

replay: python ## FILE="a b" [INSTRUMENTS="…"] [VENUE=…] [SPEED=…] [ONCE=1]: recorded sessions, or an archive, through the whole system
	@$(SETUP) runtime
	@MODE=replay $(LAUNCH) replay

backtest: python ## [FROM=2026-11-21T10:00 TO=…] [SET="enter_bps=40"] [FEES="okx=4"] [LATENCY="100 500"]: the scanner over the archive
	@$(SETUP) runtime
	@exec $(IN) services.scanner.backtest $(if $(FROM),--from "$(FROM)") $(if $(TO),--to "$(TO)") \
		$(if $(ARCHIVE),--archive "$(ARCHIVE)") $(if $(SET),--set $(SET)) $(if $(FEES),--fees $(FEES)) \
		$(if $(LATENCY),--latency $(LATENCY)) $(if $(HOLD),--hold "$(HOLD)") $(if $(EXIT),--exit "$(EXIT)") $(if $(OUT),--out "$(OUT)")

check-venues: python ## do the exchanges of VENUES= answer, and does every kind of data arrive? SECONDS=30
	@$(SETUP) runtime
	@$(IN) services.collector check $(if $(SECONDS),--seconds $(SECONDS))

record: python ## VENUE=…: an exchange's raw frames into var/recordings
	@$(SETUP) runtime
	@$(LAUNCH) record

start: python ## like run, in the background; survives logout (MODE=demo for the demo)
	@$(SETUP) runtime
	@$(LAUNCH) start

stop: python ## stop what runs (and what a killed run left over)
	@$(SETUP) runtime
	@$(LAUNCH) stop

restart: python ## stop what runs, then start it again in its mode
	@$(SETUP) runtime
	@$(LAUNCH) restart

status: python ## the status once; fails where nothing runs
	@$(SETUP) runtime
	@$(LAUNCH) status

logs: python ## follow the logs; SERVICE=api for one
	@$(SETUP) runtime
	@$(LAUNCH) logs

test: python ## every test, with a Redis and a Postgres of its own; TESTS=path for some, JOBS=n at a time
	@$(SETUP) dev
	@$(IN) pytest -rs -n $(JOBS) --dist loadfile $(TESTS)

check: python ## lint, types, architecture, container files
	@$(SETUP) dev
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/mypy
	@$(IN) pytest tests/test_architecture.py
	@.venv/bin/docker-compose -f deploy/docker-compose.yml config -q
	@.venv/bin/hadolint deploy/Dockerfile

bench: python ## the collector beside its peers, and its steps one by one (PEERS= for Parallax and the ceiling alone)
	@$(SETUP) dev
	@$(IN) bench steps
	@$(IN) bench collector
	@$(IN) bench scanner

scenarios: python ## scripted markets through the whole system: are the signals right? FILES="a.toml b.toml" for your own
	@$(SETUP) dev
	@$(IN) scenarios $(FILES)

coverage: python ## make docs/coverage.md; CAPTURES=DIR for what becomes of the recordings there, a folder for each exchange
	@$(SETUP) dev
	@$(IN) tests.venues.coverage $(if $(CAPTURES),--captures "$(CAPTURES)") --write docs/coverage.md

docs: python ## make docs/settings.md, .env.example and the containers' collectors from the code
	@$(SETUP) runtime
	@$(IN) deploy.local.settings_docs

lock: python ## resolve the locked packages anew from pyproject.toml
	@$(SETUP) dev
	@$(IN) deploy.local.lock

reset: python ## remove the history (asks first; recordings stay)
	@$(SETUP) runtime
	@$(LAUNCH) reset

clean: python ## remove .venv, caches and builds; never touches history
	@$(SETUP) clean
