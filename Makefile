# Two commands do all the set-up on a fresh machine: `make demo` and `make test`.
VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= python3
# The tests start the daemon hundreds of times: it need not be read from its source each time.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: demo test faults check format docs deb systemd-test services bench clean

# At a terminal the page stays until Ctrl-C; elsewhere, and in CI, it ends with the day.
demo: $(VENV)/.run
	@if [ -t 1 ] && [ -z "$$CI" ]; then $(BIN)/trackerd demo; else $(BIN)/trackerd demo --exit; fi

test: $(VENV)/.dev services
	$(BIN)/python -m pytest -n auto --dist worksteal $(ARGS)

# What breaks around the daemon, damaged input and the laws, at full counts: some hours.
faults: $(VENV)/.dev services
	TRACKERD_FAULTS=full $(BIN)/python -m pytest --timeout 7200 tests/devices tests/geofence/test_laws.py tests/geofence/test_index.py tests/trackerd/test_revision.py \
		tests/trackerd/test_faults.py tests/trackerd/test_daemon.py tests/trackerd/test_source_mqtt.py \
		tests/trackerd/test_store_postgres.py tests/test_packages.py

check: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python packaging/backend.py check

# The pages of docs/ as a site in build/docs, with the reference of every key made anew.
docs: $(VENV)/.dev
	$(BIN)/python -m tests.reference
	$(BIN)/sphinx-build -q -W --keep-going -b html docs build/docs

# A package for the Debian this runs on, into dist/.
deb: $(VENV)/.run
	sh packaging/deb.sh dist

# The package in a Debian that is really booted: needs root, mmdebstrap and systemd-container.
systemd-test: $(VENV)/.dev
	TRACKERD_BOOTED=1 $(BIN)/python -m pytest --timeout 900 tests/systemd

format: $(VENV)/.dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# Every benchmark of speed side by side; writes docs/performance.md.
bench: $(VENV)/.dev services
	$(BIN)/python -m tests.benchmarks.bench $(ARGS)

# The real servers the tests start for themselves; with no right to install them a developer's run skips what needs
# them, and CI fails.
services:
	@sh tests/services.sh

# uv installs in seconds where pip takes most of a minute; it comes by pip and stays in the venv.
$(BIN)/uv:
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or later is needed") if sys.version_info < (3, 11) else None'
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); echo "Python's venv is missing: apt install python3-venv" >&2; exit 1; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv

# The pages are built with the package: packaging/backend.py.
PAGES := packaging/backend.py $(shell find trackerd/web/ui -name node_modules -prune -o -type f ! -name schema.d.ts -print)
# And part of geofence/ is compiled: setup.py.
BUILT := pyproject.toml setup.py constraints.txt $(wildcard geofence/*.py) devices/csv_scan.py trackerd/latest.py $(PAGES)

$(VENV)/.run: $(BUILT) | $(BIN)/uv
	VIRTUAL_ENV=$(VENV) $(BIN)/uv pip install --quiet --constraint constraints.txt --editable .
	@touch $@

$(VENV)/.dev: $(BUILT) | $(BIN)/uv
	VIRTUAL_ENV=$(VENV) $(BIN)/uv pip install --quiet --constraint constraints.txt --editable '.[dev]'
	@touch $@ $(VENV)/.run

clean:
	rm -rf $(VENV) build *.egg-info .pytest_cache .mypy_cache .ruff_cache *.so geofence/*.so devices/*.so trackerd/*.so
