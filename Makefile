# The habits of this project, the same here and in CI. Each target makes its own .venv if there is none.

PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
PIP := $(BIN)/pip install --quiet --disable-pip-version-check
# Two workers of one thread each: two torch processes of two threads each wait for one another. A file stays on one
# worker, for the fixtures of its module.
PYTEST := OMP_NUM_THREADS=1 $(BIN)/pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder

.PHONY: setup check docs test test-all test-slow test-long demo clean

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

demo: $(READY)
	$(BIN)/wukong-pipe demo

clean:
	rm -rf .venv build dist site *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis
