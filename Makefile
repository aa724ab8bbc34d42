# Run `make` for the list. PYTHON is the interpreter of the environment to work in.
PYTHON ?= python
.DEFAULT_GOAL := help

.PHONY: help
help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: install
install: ## an editable install with everything that development needs, at the tested versions
	$(PYTHON) -m pip install -c constraints.txt -e '.[all,dev]'
	tests/install_oracles.sh $(PYTHON)

.PHONY: test
test: ## the fast tests, on all cores
	$(PYTHON) -m pytest -n auto

.PHONY: test-all
test-all: ## all tests, with the slow ones (RESNETDSL_EVERYTHING=1: all seeds and sizes)
	$(PYTHON) -m pytest -n auto -m ""

.PHONY: lint
lint: ## ruff, and whether generated pages are current
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	$(PYTHON) docs/generate.py --check

.PHONY: types
types: ## mypy, strict
	$(PYTHON) -m mypy

.PHONY: fmt
fmt: ## format the code and mend what can be mended
	$(PYTHON) -m ruff check --fix .
	$(PYTHON) -m ruff format .

.PHONY: docs
docs: ## the site, in site/ (needs `pip install -c constraints.txt -e '.[docs]'`)
	$(PYTHON) docs/generate.py
	$(PYTHON) docs/gallery.py
	$(PYTHON) -m mkdocs build --strict

.PHONY: bench
bench: ## the speed promises, as ratios measured in one run
	$(PYTHON) benchmarks/frontend.py --write
	$(PYTHON) benchmarks/diagrams.py --write

.PHONY: bench-compile
bench-compile: ## compiling and running beside torch.compile and others: 25 minutes of an idle machine, resumable
	$(PYTHON) -m benchmarks.compile --write

.PHONY: bench-passes
bench-passes: ## what each pass of lowering gains on each engine: ten minutes of an idle machine
	$(PYTHON) -m benchmarks.passes --write

.PHONY: bench-gpu
bench-gpu: ## ours and its peers on a GPU: 25 minutes, resumable; says what is lacking where there is none
	$(PYTHON) -m benchmarks.gpu --write

.PHONY: clean
.PHONY: corpus
corpus: ## the corpus against timm, resumable; hours on a laptop
	$(PYTHON) benchmarks/corpus.py --jobs 2

clean: ## remove what the other targets made
	rm -rf build dist site .mypy_cache .pytest_cache .ruff_cache .hypothesis .benchmarks
	find . -name __pycache__ -not -path './.git/*' -not -path './.venv*' -prune -exec rm -rf {} +
