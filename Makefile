# make demo: install and run the main job on the embedded data set. make test: install and run every check; with
# EXTRAS=dev,torch those too that compare with PyTorch.
PYTHON ?= python3
VENV ?= .venv
DEMO ?= demo
EXTRAS ?= dev
BIN := $(VENV)/bin

.PHONY: demo test install clean

install: $(VENV)/installed

$(VENV)/installed: setup.cfg pyproject.toml constraints.txt $(shell find asc_tf -name '*.py')
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(None if (3, 10) <= v <= (3, 12) else \
	"Python %d.%d is not supported, expected 3.10 to 3.12: make PYTHON=python3.11" % v)'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --constraint constraints.txt ".[$(EXTRAS)]"
	@touch $@

$(DEMO)/data: | install
	$(BIN)/asc-tf data synth $@

demo: install $(DEMO)/data
	$(BIN)/asc-tf train --data $(DEMO)/data --run $(DEMO)/run --recipe bc-resnet-asc-1-pre-resnorm \
		--set train.epochs=40 train.batch_size=32 data.validation_fraction=0
	$(BIN)/asc-tf export $(DEMO)/run
	$(BIN)/asc-tf predict $(DEMO)/run/model.tflite "$$(ls $(DEMO)/data/audio/tram-*-s4.wav | head -n 1)"

test: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder --durations 15

clean:
	rm -rf $(VENV) $(DEMO) build *.egg-info
