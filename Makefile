# The habits of this project, the same here and in CI. Each target makes its own .venv if there is none.

PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
PIP := $(BIN)/pip install --quiet --disable-pip-version-check
# Two workers of one thread each: two torch processes of two threads each wait for one another. A file stays on one
# worker, for the fixtures of its module.
PYTEST := OMP_NUM_THREADS=1 $(BIN)/pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder

.PHONY: setup check docs test test-all test-slow test-long test-properties demo wheel try-wheel clean

setup: $(READY)

# Of axe-playwright-python the tests use axe-core alone, which lies in it as one file: not Playwright, a browser driver.
$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(PIP) --constraint constraints.txt --editable '.[train,dev,serving,review,convert]'
	$(PIP) --constraint constraints.txt --no-deps axe-playwright-python
	touch $(READY)

check: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# The switch keeps an advertisement of another program off the screen.
docs: $(READY)
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

test: $(READY)
	$(PYTEST) -m "not slow and not long"

test-slow: $(READY)
	$(PYTEST) -m "slow and not long"

test-all: test test-slow

test-long: $(READY)
	$(BIN)/pytest -m long

# Invariants, with examples that are drawn anew each time.
test-properties: $(READY)
	$(PYTEST) -m "hypothesis and not long" --hypothesis-profile=drawn

demo: $(READY)
	$(BIN)/wukong-pipe demo

# wheel and sdist; the wheel is built from the sdist, so that one proves the other
wheel: $(READY)
	rm -rf build dist
	$(BIN)/python -m build --no-isolation

# What lies in dist/, with its own dependencies alone, from a folder outside of this one.
try-wheel:
	$(PYTHON) -m venv --clear build/try
	build/try/bin/pip install --quiet --disable-pip-version-check --constraint constraints.txt dist/*.whl
	cd "$$(mktemp -d)" && PATH="$(CURDIR)/build/try/bin:$$PATH" && \
	  wukong-pipe build "$(CURDIR)/corpora/apollo.md" --teacher offline && wukong-pipe inspect && \
	  wukong-pipe review --help > /dev/null

clean:
	rm -rf .venv build dist site *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis
