# Everything runs in .venv, which `make env` makes; the other targets make it where it is missing or out of date.
PYTHON ?= python3
BIN := .venv/bin
DEMO := runs/demo
export NO_ALBUMENTATIONS_UPDATE := 1

.PHONY: help env demo test fuzz check format docs constraints audit clean

help:
	@echo "make env     make .venv with the package and its development tools"
	@echo "make demo    refine the boxes of a small drawn data set and train detectors, about three minutes on two cores"
	@echo "make test    run the tests"
	@echo "make fuzz    give 10,000 damaged annotation files to the commands, some minutes"
	@echo "make check   lint, formatting and types"
	@echo "make format  format the code"
	@echo "make docs    build the documentation, site/index.html"
	@echo "make audit   before a release: the wheel in a clean environment, licences, known vulnerabilities, build/sbom.json"

.venv/installed: pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	touch $@

env: .venv/installed

demo: env
	rm -rf $(DEMO)
	mkdir -p $(DEMO)
	$(BIN)/ssd-det demo-data --output $(DEMO)/data --images 240 --seed 0
	$(BIN)/ssd-det corrupt-annotations $(DEMO)/data/train.json --output $(DEMO)/noisy.json --noise_level 0.4 --seed 45
	$(BIN)/ssd-det check-annotations $(DEMO)/noisy.json --image_root $(DEMO)/data/images
	$(BIN)/ssd-det pipeline --config configs/demo.yaml \
	  --annotations $(DEMO)/noisy.json --image_root $(DEMO)/data/images \
	  --test_annotations $(DEMO)/data/test.json --output $(DEMO)/run --baselines
	$(BIN)/ssd-det draw-annotations $(DEMO)/run/refined/refined.json --image_root $(DEMO)/data/images \
	  --output $(DEMO)/pictures

test: env
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -rs -n 2 --dist loadfile

fuzz: env
	SSD_DET_FUZZ=10000 $(BIN)/python -m pytest -q -s --timeout=0 tests/test_fuzz.py tests/test_fuzz_files.py \
	  tests/test_fuzz_checkpoints.py

check: env
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: env
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/nbstripout notebooks/*.ipynb

docs: env
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

# For the Python and the system of the Dockerfile, at the versions of the environment, which the tests were run with.
constraints: env
	mkdir -p build
	$(BIN)/python -m pip freeze --exclude-editable | grep == > build/installed.txt
	$(BIN)/uv pip compile pyproject.toml --extra fast-eval --constraint build/installed.txt --generate-hashes \
	  --python-version 3.12 --python-platform x86_64-manylinux_2_39 --no-annotate --quiet \
	  --custom-compile-command "make constraints" --output-file constraints.txt

# Downloads all dependencies, some gigabytes with torch. pip-audit names what it could not look up, as without its data.
audit: env
	rm -rf build/audit
	$(PYTHON) -m venv build/audit
	$(BIN)/python -m pip wheel --quiet --no-deps --no-build-isolation --wheel-dir build/audit/wheel .
	build/audit/bin/python -m pip install --quiet --require-hashes --requirement constraints.txt
	build/audit/bin/python -m pip install --quiet --no-deps build/audit/wheel/*.whl
	audit/wheel.sh build/audit/bin
	build/audit/bin/python -m audit.licences
	$(BIN)/pip-audit --requirement constraints.txt --require-hashes --disable-pip
	$(BIN)/cyclonedx-py environment build/audit/bin/python --pyproject pyproject.toml --output-file build/sbom.json

clean:
	rm -rf .venv runs build dist site
