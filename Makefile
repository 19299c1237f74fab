# mirnb: `make` lists what there is to do.
#   PRESET    which study: make study PRESET=full
#   STUDIES   articles of nbs/90_articles: make studies STUDIES=67_seeds; MIRNB_WORKERS and MIRNB_SCHEDULER say who trains
#   ARGS      for the test runner: make test ARGS='25_mel --flags slow'
#   PYTHON    which Python makes .venv (3.11 or newer)
#   PIP_ARGS  for pip, such as --extra-index-url https://download.pytorch.org/whl/cpu (a torch without CUDA, much smaller)
PRESET ?= study
STUDIES ?= 64_ids_or_codec 65_encoders 66_which_representation 67_seeds 68_confounds 71_scaling 72_phase 73_genres 74_pretext 75_bands_and_codes 76_cross_dataset 77_why_tokens_fail 78_recorded_tokenizer 79_sources 81_cost_at_scale
ARGS ?=
PYTHON ?= python3
PIP_ARGS ?=

MAKEFLAGS += --no-print-directory
BIN := .venv/bin
READY := .venv/.ready
export PIP_DISABLE_PIP_VERSION_CHECK = 1

# The browser that the tests of the explorers use; the packages are Debian's names.
TEST_BROWSER = $(or $(MIRNB_CHROMIUM),$(shell command -v chromium || command -v chromium-browser || command -v google-chrome))
SUDO = $(if $(filter-out 0,$(shell id -u)),sudo )
INSTALL_BROWSER := apt-get install -y --no-install-recommends chromium fonts-dejavu-core
SECOND_BROWSER = $(or $(MIRNB_FIREFOX),$(shell command -v pulseaudio >/dev/null && { command -v firefox-esr || command -v firefox; }))
INSTALL_SECOND := apt-get install -y --no-install-recommends firefox-esr pulseaudio

.PHONY: help study studies tokenizer test chromium firefox lab export readme docs site clean distclean

help:
	@echo 'make study      the whole study and a comparison of encoders; PRESET=study (default) or full; goes on where it was stopped'
	@echo 'make studies    the studies of nbs/90_articles, computed anew: hours; goes on where it was stopped'
	@echo 'make tokenizer  the VQ-VAE that ships and its control, trained anew: an hour and a half on two cores'
	@echo 'make test       every notebook and every check'
	@echo 'make chromium   installs the browser of some tests (Debian, Ubuntu); without it they are skipped'
	@echo 'make firefox    installs the second one, with a loudspeaker that nobody hears'
	@echo 'make lab        JupyterLab on the notebooks'
	@echo 'make export     after editing notebooks: mirnb/, clean notebooks, README.md'
	@echo 'make readme     README.md alone, from nbs/index.ipynb'
	@echo 'make site       the documentation with its live pages, into _site/; ARGS for the builder'
	@echo 'make clean      removes what was built; make distclean removes .venv too; caches in $$MIRNB_HOME stay'

# The full study puts its figures and scores in the place of the committed ones; any other has a folder of its own.
FIGURES = $(if $(filter full,$(PRESET)),figures,figures/$(PRESET))
PUBLISH_full := --results nbs/90_articles/results/70_reproduction.json

study: $(READY)
	@$(BIN)/mirnb study --preset $(PRESET) --figures $(FIGURES) $(PUBLISH_$(PRESET))
	@$(BIN)/mirnb compare embedded --with mel mfcc timbre jukebox --no-twins --name $(PRESET) --to $(FIGURES)

studies: $(READY)
	@MIRNB_RUN=1 $(BIN)/jupyter nbconvert --to notebook --execute --inplace --ExecutePreprocessor.timeout=-1 \
	  $(patsubst %,nbs/90_articles/%.ipynb,$(STUDIES))
	@$(BIN)/nbdev_clean

tokenizer: $(READY)
	@$(BIN)/mirnb tokenizer --ship --results nbs/90_articles/results/69_tokenizer.json

# A test never installs system packages on somebody's machine; a server that only tests is another matter.
test: $(READY)
	@$(if $(filter true,$(CI)),$(MAKE) chromium firefox || true,:)
	@$(BIN)/python tools/test_notebooks.py $(ARGS)

chromium:
	@$(if $(TEST_BROWSER),echo 'mirnb: the browser of the tests is $(TEST_BROWSER)',\
	  $(SUDO)apt-get update -qq && $(SUDO)$(INSTALL_BROWSER) || { echo 'mirnb: could not be installed; as root: $(INSTALL_BROWSER)'; exit 1; })

firefox:
	@$(if $(SECOND_BROWSER),echo 'mirnb: the second browser of the tests is $(SECOND_BROWSER)',\
	  $(SUDO)apt-get update -qq && $(SUDO)$(INSTALL_SECOND) || { echo 'mirnb: could not be installed; as root: $(INSTALL_SECOND)'; exit 1; })

# On this machine's own address only and with a token, so root (as in a container) is let in.
lab: $(READY)
	@$(BIN)/jupyter lab --ip=127.0.0.1 --LabApp.default_url=/lab/tree/nbs \
	  $(if $(filter 0,$(shell id -u)),--allow-root) $(ARGS)

export: $(READY)
	@$(BIN)/nbdev_export
	@$(BIN)/nbdev_clean
	@$(BIN)/python tools/make_readme.py

readme docs: $(READY)
	@$(BIN)/python tools/make_readme.py

# Sphinx on the notebooks as they are saved: nothing is run, nothing is fetched.
site: $(READY)
	@$(BIN)/python tools/make_site.py $(ARGS)

# Without pip, the last try to make .venv was cut short: it is made again.
$(BIN)/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
	  { echo "mirnb: needs Python 3.11 or newer, and $(PYTHON) is not; name one: make $(MAKECMDGOALS) PYTHON=python3.12"; exit 1; }
	@echo "mirnb: makes .venv with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv .venv || \
	  { echo "mirnb: .venv could not be made; on Debian and Ubuntu, install the package python3-venv"; exit 1; }

# The stamp is older than these files when they change: only then are the packages installed again.
$(READY): settings.ini setup.py pyproject.toml constraints.txt | $(BIN)/pip
	@echo 'mirnb: installs all that settings.ini names, extras too, in the versions of constraints.txt (once; some minutes)'
	@$(BIN)/pip install -qq $(PIP_ARGS) -c constraints.txt -e '.[dev]' || \
	  { echo 'mirnb: the packages could not be installed; see what pip says above'; exit 1; }
	@touch $@

clean:
	@rm -rf build dist _docs _proc _site artefacts *.egg-info
	@find . -path ./.venv -prune -o \( -name __pycache__ -o -name .ipynb_checkpoints -o -name lightning_logs \) -type d -print0 | xargs -0 rm -rf

distclean: clean
	@rm -rf .venv
