# make demo · make test · make verify · make bench · make image · make docs.  Everything happens in .venv; nothing else is touched.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
EXAMPLES := reference/tcp_uppercase
CHECK := $(BIN)/grader check --assignment tcp_uppercase --role server --sandbox local

# So many more than there are CPUs as there are lanes of tests that wait for clients over UDP (LANES in tests/conftest.py).
WORKERS := $(shell expr 2 \* $$(nproc))

.PHONY: demo test style lint verify bench image docs clean

demo: $(READY)
	@echo "== a right server =="
	@$(CHECK) $(EXAMPLES)/good/threads.py
	@echo
	@echo "== a broken one =="
	@$(CHECK) $(EXAMPLES)/broken/one_recv_is_one_message.py || test $$? -eq 1

# Those marked `alone` measure time, and come when nobody else runs, whatever became of the others.  A test that fails
# beside others is run once more by itself, and what fails then has failed; by one process, since a test in a group is
# known by its name with the group's behind it: without that all tests would be played again.  Tests that were compiled
# for the first part are there for the others; only the files that have some `alone` are collected once more.  mypy,
# some 15 s of one CPU in a clean clone, runs beside the first part.
test: export PYTHONDONTWRITEBYTECODE :=
test: $(READY) style
	@status=0; types=$$(mktemp); \
	$(BIN)/mypy >$$types 2>&1 & mypy=$$!; \
	$(BIN)/python -m pytest --numprocesses $(WORKERS) --dist loadgroup -m "not alone" || \
		$(BIN)/python -m pytest --numprocesses 1 --dist loadgroup -m "not alone" \
			--last-failed --last-failed-no-failures none || status=$$?; \
	wait $$mypy || status=$$?; cat $$types; rm $$types; \
	$(BIN)/python -m pytest -m alone $$(grep -rl --include='test_*.py' 'mark\.alone' tests) || status=$$?; \
	exit $$status

style: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

lint: style
	$(BIN)/mypy

# Every reference program with every check, of which `make test` plays a part: half an hour.  Then those that prove each
# check with each kind of protocol (docs/kinds.md), each by what it must fail.
verify: $(READY)
	@status=0; \
	for name in $(notdir $(wildcard reference/*)); do $(BIN)/grader verify $$name || status=$$?; done; \
	for name in $$($(BIN)/python -m tests.kinds); do \
		$(BIN)/grader verify --quick --assignments tests/assignments $$name || status=$$?; \
	done; \
	exit $$status

bench: $(READY)
	@$(BIN)/python -m compileall -q grader
	$(BIN)/python -m bench

image: $(READY)
	$(BIN)/grader image build

# The site in build/site; a dead link is an error.
docs: $(READY)
	@NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build

$(READY): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed: make PYTHON=python3.11 ..." >&2; exit 1; }
	@$(PYTHON) -m venv .venv || { echo "Python's venv module is needed (Debian: apt install python3-venv)" >&2; exit 1; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@# As pip does with what is no checkout: half the time of a short grading, wherever Python may not write it itself.
	@$(BIN)/python -m compileall -q grader
	@touch $@

clean:
	rm -rf build .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis
