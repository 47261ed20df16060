# `make run` and `make test` do all the set-up on a fresh Debian machine. `make help` lists the rest.

VENV   ?= .venv
PYTHON  = $(VENV)/bin/python
DATA   ?= ./data
HTTP   ?= 127.0.0.1:8080
HTTPS  ?= 127.0.0.1:8443
export DATA HTTP HTTPS VENV

.PHONY: ha-test help run test unit integration browser lint format fuzz fuzz-resample fuzz-api bench deploy-check seed-check boot-test setup setup-dev deb package-test lock clean

help:         ## Show this list
	@grep -E '^[a-z-]+: .*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

run: setup    ## Run the daemon with its embedded database and the sample images (DATA=, HTTP=, HTTPS=, QIS_*)
	@exec scripts/run

test: setup-dev unit integration browser   ## Run all tests

unit: setup-dev
	scripts/test unit

integration: setup-dev
	scripts/test integration

browser: setup-dev
	scripts/test browser

lint: setup-dev   ## Check style, types and the floors of the house
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports

format: setup-dev ## Bring the code into the house style
	$(VENV)/bin/ruff check --fix .
	$(VENV)/bin/ruff format .

fuzz: fuzz-resample fuzz-api   ## Run the resampler under sanitizers, and send the API 20,000 made-up requests

fuzz-resample: setup-dev
	tests/fuzz/run.sh

fuzz-api: setup-dev
	$(PYTHON) -m tests.fuzz.api --least 20000

# What only the measurement of quality needs is kept apart from the pinned environment.
bench: setup-dev  ## Measure against the targets and peers, 25 minutes, and write docs/performance.md (QUICK=1: 3 minutes)
	$(PYTHON) -m pip --disable-pip-version-check -q install --target $(VENV)/bench 'ssimulacra2 >= 0.3'
	PYTHONPATH=$(abspath $(VENV))/bench $(PYTHON) bench/all.py $(if $(QUICK),--quick)

seed-check: setup-dev   ## Try the promises of docs/seed-coverage.md that one machine can show, and print them as a table
	$(PYTHON) -m tests.seed

ha-test: setup-dev  ## Three servers behind haproxy: kill, add and remove parts under load; HA_FLAGS=--short for a quick look
	$(PYTHON) -m tests.ha $(HA_FLAGS)

deploy-check: ## Check the files in deploy/ with helm, cfn-lint and the schemas of Kubernetes and compose
	deploy/check.sh

boot-test:    ## Boot a machine with the package (DEB=) in an emulator, as root, and do to it what happens to servers
	tests/boot/run $(or $(DEB),$(lastword $(sort $(wildcard dist/qis_*.deb))))

setup:
	@scripts/setup

setup-dev:
	@scripts/setup dev

deb:          ## Build the Debian package, into dist/
	scripts/deb

package-test: ## Install, use, upgrade, remove and purge the package on a fresh system, as root (DEB=file)
	tests/package/run.sh

lock: setup-dev   ## Pin the newest allowed versions of all dependencies
	scripts/lock

clean:        ## Remove what set-up and tests made (not DATA)
	rm -rf $(VENV) build dist _trial_temp* .mypy_cache .ruff_cache .hypothesis *.egg-info
