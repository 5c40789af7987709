# make demo   installs what the integration needs into .venv and shows it at work
# make test   installs what the tests need and runs lint, types and every test
# make help   lists the other commands
#
# Needs Python 3.11 or 3.12 with pip and venv; everything else is fetched into the checkout.

SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.NOTPARALLEL:
.DELETE_ON_ERROR:

# The first of these that is a Python of a fitting version; `make test PYTHON=python3.12` chooses another.
FITS := import sys; v = sys.version_info[:2]; print("%d.%d" % v); sys.exit(v not in ((3, 11), (3, 12)))
PYTHON := $(shell for p in python3 python3.11 python3.12; do \
	if $$p -c '$(FITS)' >/dev/null 2>&1; then echo $$p; break; fi; done)
VERSION := $(shell $(or $(PYTHON),false) -c '$(FITS)' 2>/dev/null || true)

# poetry finds .venv by its name. Stamps carry the Python version, so another PYTHON makes the folder anew.
VENV := .venv
BIN := $(VENV)/bin
MADE := $(VENV)/.made-$(VERSION)
BASE := $(VENV)/.base-$(VERSION)
TRAIN := $(VENV)/.train-$(VERSION)
FAST := $(VENV)/.fast-$(VERSION)
EXPLORE := $(VENV)/.explore-$(VERSION)
SERVE := $(VENV)/.serve-$(VERSION)
TEST := $(VENV)/.test-$(VERSION)

PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt
UV := $(BIN)/uv pip install --quiet --python $(BIN)/python --constraint constraints.txt \
	--build-constraint constraints.txt

# Where a CPU build of torch is fetched. On Linux the default registry's build brings several GB of CUDA
# libraries, which nothing here needs; for a GPU, name the index of your CUDA version instead.
TORCH_INDEX := https://download.pytorch.org/whl/cpu

export TL_DISABLE_ANALYTICS := 1
export UV_PYTHON_DOWNLOADS := never
export TF_CPP_MIN_LOG_LEVEL := 3
# Kept, or every process, of which tests start many, would compile all of TensorFlow anew.
export PYTHONDONTWRITEBYTECODE :=
unexport VIRTUAL_ENV

##@ The two commands

demo: $(EXPLORE) ## check the integration, evaluate and explore the bundled model, answer a question (no torch needed)
	$(BIN)/squad-albert check
	$(explored)
	$(BIN)/squad-albert predict \
		--question "When was the Eiffel Tower completed?" \
		--context "Work on the Eiffel Tower began in January 1887, and it was completed on 31 March 1889 in Paris."
	@echo
	@echo "Next: run 'make serve' and open http://127.0.0.1:8000/ to explore this run and ask questions in a browser,"
	@echo "open runs/demo/report.html, or read 'Your model, your data' in README.md."

serve: $(SERVE) runs/demo/report.html ## explore the bundled run and ask questions at http://127.0.0.1:8000/
	$(BIN)/squad-albert serve runs/demo

# Made where it is missing, and left alone where it is there.
runs/demo/report.html: | $(EXPLORE)
	$(explored)

# Two processes at once, one on each of two cores; what is not named as one half is the other.
HALF := tests/squad_albert tests/bench squad_albert
test: lint types ## lint, types and every test
	@mkdir -p build
	$(BIN)/python -m pytest $(foreach part,$(HALF),--ignore=$(part) --deselect=$(part)) >build/other-half.log 2>&1 & other=$$!; failed=0; \
	$(BIN)/python -m pytest $(HALF) || failed=1; \
	wait $$other || failed=1; cat build/other-half.log; exit $$failed

##@ Their parts

install: $(BASE) ## the base into .venv, nothing run

install-train: $(TRAIN) ## and what `squad-albert train` and `export` need

install-fast: $(FAST) ## and OpenVINO, for `engine: openvino` and `precision: bf16`

install-explore: $(EXPLORE) ## and what `squad-albert explore` and its sisters need

install-serve: $(SERVE) ## and what `squad-albert serve` needs

lint: $(TEST) ## ruff
	$(BIN)/ruff check .

types: $(TEST) ## mypy, strict on the project's own packages
	$(BIN)/mypy

test-3.12: ## every test on Python 3.12, in build/venv-3.12
	$(MAKE) test PYTHON=python3.12 VENV=build/venv-3.12

##@ Making the bundled files again

corpus: $(BASE) ## data/, byte for byte
	$(BIN)/python -m tools.corpus

model: $(TRAIN) $(EXPLORE) ## model/albert/ from a base checkpoint and SQuAD of the hub, or from DATA=FOLDER (see its card)
	$(BIN)/python -m tools.base $(if $(BASE_MODEL),--model $(BASE_MODEL)) --out build/base
	$(if $(DATA),ln -sfn $(abspath $(DATA)) build/training-data)
	$(BIN)/squad-albert train --config model/albert/train$(if $(DATA),,-hub).yaml --name albert
	$(BIN)/squad-albert export --checkpoint runs/albert/best --out model/albert --half
	$(BIN)/python -m tools.model_card --made-by "make model" --notes tools/model_notes.md $(if $(MEASURED),--also $(MEASURED))
	mkdir -p images
	for kind in png csv; do cp runs/albert/curve.$$kind images/learning-curve.$$kind; done

images: $(TEST) ## the README's pictures, findings and printed lines, of the bundled run (these need a Chromium)
	$(explored)
	$(BIN)/squad-albert figures runs/demo --out images
	$(BIN)/python -m tests.squad_albert.serve.browser.pictures runs/demo --out images
	$(BIN)/python -m tests.test_readme --run

robustness: $(EXPLORE) ## how many answers change though nothing that matters did
	$(BIN)/python -m bench.robustness

encode: $(BASE) ## what encoding a sample costs
	$(BIN)/python -m bench.encode

bench: $(TEST) ## questions a second and answers, beside what users have (makes an environment for the peers)
	$(BIN)/python -m bench.evaluate

bench-serve: $(TEST) ## what the server carries, beside a plain Flask app, and how fast the map is (needs a Chromium)
	$(BIN)/python -m bench.serve
	$(BIN)/python -m bench.pages

scale: $(BASE) ## time and memory from 1,000 to 100,000 questions
	$(BIN)/python -m bench.scale

constraints: $(BASE) ## constraints.txt: the newest versions that pyproject.toml allows, for both Pythons
	echo uv | $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --fork-strategy fewest --upgrade \
		--all-extras --no-header --no-annotate --output-file constraints.txt pyproject.toml -

clean: ## removes what make installed; the next run installs it again
	rm -rf .venv build/venv-3.12

help: ## this list
	@awk -F ':.*## ' '/^##@/ { print "\n" substr($$0, 5) } \
		/^[a-z0-9.-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# What is installed. Each step leaves a stamp and is repeated only when what it depends on has changed.

$(MADE):
	@test -n "$(VERSION)" || { echo "No Python 3.11 or 3.12 found$(if $(PYTHON), as $(PYTHON)). \
	Install one, or name it: make demo PYTHON=/path/to/python3.12" >&2; exit 2; }
	$(PYTHON) -m venv --clear $(VENV)
	touch $@

$(BASE): $(MADE) pyproject.toml constraints.txt
	$(PIP) uv
	$(UV) --editable .
	touch $@

# torch comes first, through pip, so that uv finds it there and never looks for the CUDA build.
$(TRAIN): $(BASE)
	$(torch)
	$(UV) --editable '.[train]'
	touch $@

$(FAST): $(BASE)
	$(UV) --editable '.[fast]'
	touch $@

$(EXPLORE): $(BASE)
	$(UV) --editable '.[explore]'
	touch $@

$(SERVE): $(EXPLORE)
	$(UV) --editable '.[explore,serve]'
	touch $@

$(TEST): $(TRAIN) $(EXPLORE)
	$(UV) --editable '.[train,fast,explore,serve,test]'
	touch $@

# The bundled run, with its analyses.
define explored
$(BIN)/squad-albert evaluate --split train,validation --out runs/demo
$(BIN)/squad-albert explore runs/demo
endef

# A build that pip's own find-links offers, else the index of CPU builds, else the default registry.
define torch
@if ! $(PIP) --no-index --no-deps torch 2>/dev/null && \
	! $(PIP) --no-deps --retries 1 --index-url $(TORCH_INDEX) torch 2>/dev/null; then \
		echo "No CPU build of torch at TORCH_INDEX=$(TORCH_INDEX); the default registry's may download several GB."; \
		$(UV) torch; \
	fi
endef

.PHONY: demo serve test install install-train install-fast install-explore install-serve lint types test-3.12 corpus model images robustness encode bench bench-serve scale constraints clean help
