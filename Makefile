# make demo: install, and run the main job on the embedded data set. make test: install, linter and quick tests;
# make test-all: linter and every test. EXTRAS=dev,onnx,torch adds tests of ONNX files and comparisons with PyTorch.
# PYTHON=python3.12 takes another Python, LINE=2.16 the line of TensorFlow 2.16 (docs/install.md).
PYTHON ?= python3
LINE ?= 2.21
EXTRAS ?= $(if $(filter test% lint install,$(MAKECMDGOALS)),dev,train)
DEMO ?= demo

# A line: its constraints, the Pythons that its TensorFlow has, its virtual environment, the extra that asks for it.
CONSTRAINTS_2.21 := constraints.txt
PYTHONS_2.21 := 3.10 3.11 3.12 3.13
VENV_2.21 := .venv
CONSTRAINTS_2.16 := constraints-2.16.txt
PYTHONS_2.16 := 3.10 3.11 3.12
VENV_2.16 := .venv-2.16
EXTRA_2.16 := train-2-16

VENV ?= $(VENV_$(LINE))
BIN := $(VENV)/bin
PYTEST := $(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder --durations 15
PYTHON_VERSION := $(shell $(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)
comma := ,
# Extras without TensorFlow install on any Python that pip lets pass (python_requires).
PYTHONS := $(if $(filter train dev gpu,$(subst $(comma), ,$(EXTRAS))),$(PYTHONS_$(LINE)),$(PYTHON_VERSION))
# The name says with what was installed: another Python, or more extras, install again.
INSTALLED := $(VENV)/installed-$(PYTHON_VERSION)-$(EXTRAS)

.PHONY: demo test test-all lint install clean

demo: install $(DEMO)/data
	$(BIN)/asc-tf train --data $(DEMO)/data --run $(DEMO)/run --recipe bc-resnet-asc-1-pre-resnorm \
		--set train.epochs=40 train.batch_size=32 data.validation_fraction=0
	$(BIN)/asc-tf export $(DEMO)/run
	$(BIN)/asc-tf predict $(DEMO)/run/model.tflite "$$(ls $(DEMO)/data/audio/tram-*-s4.wav | head -n 1)"

$(DEMO)/data: | install
	$(BIN)/asc-tf data synth $@

test: lint
	$(PYTEST) -m "not slow"

test-all: lint
	$(PYTEST)

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

install: $(INSTALLED)

$(INSTALLED): setup.cfg pyproject.toml $(CONSTRAINTS_$(LINE)) $(shell find asc_tf -name '*.py' -o -name '*.json' -o -path '*/shipped/*' -o -path '*/micro/c/*')
	@$(if $(CONSTRAINTS_$(LINE)),,echo "LINE=$(LINE) is not a tested line, expected 2.21 or 2.16" >&2; exit 1)
	@$(if $(PYTHON_VERSION),,echo "$(PYTHON) does not run, expected a Python: make PYTHON=python3.12" >&2; exit 1)
	@$(if $(filter $(PYTHONS),$(PYTHON_VERSION)),,echo "Python $(PYTHON_VERSION) has no TensorFlow $(LINE)," \
		"expected one of $(PYTHONS): make PYTHON=python3.12" >&2; exit 1)
	$(PYTHON) -m venv $(if $(wildcard $(VENV)/installed-$(PYTHON_VERSION)-*),,$(if $(wildcard $(VENV)/installed-*),--clear)) $(VENV)
	$(BIN)/python -m pip install --quiet --constraint $(CONSTRAINTS_$(LINE)) ".[$(EXTRAS)$(if $(EXTRA_$(LINE)),$(comma)$(EXTRA_$(LINE)))]"
	@touch $@

clean:
	rm -rf .venv .venv-2.16 $(DEMO) build *.egg-info
