# Short names for dev.py, which does the work and needs no make (Windows: `python dev.py demo`).
#   make demo ARGS="--seed 7"      arguments go through to the command
PYTHON ?= python3
ARGS ?=

.PHONY: setup demo check check-all bench docs lock
setup demo check check-all bench docs lock:
	@$(PYTHON) dev.py $@ $(ARGS)
