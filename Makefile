# Targets of Pairwise; DEVELOPERS.md says what each is for.
SHELL := /bin/sh
STACK ?= six
PYTHON := .venv/bin/python
PYTEST := nice -n 10 .venv/bin/pytest -q
# One process for each CPU. Whole files: what the tests of one share is made once. In their order.
# Compiled modules are kept, whatever the environment says: every process would compile all of them.
CHECK := env -u PYTHONDONTWRITEBYTECODE $(PYTEST) -n auto --dist loadfile --no-loadscope-reorder
# Daemons in the image's root tree, each test in namespaces of its own: they wait most of the time.
IMAGE := $(PYTEST) -n 4 --dist loadfile -m image tests

.PHONY: help venv lab check image both test test-duo test-lvs test-gateway test-all golden docs render clean-lab

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' Makefile

venv: ## Make the Python environment, and uv first where there is none
	@sh lab/bootstrap.sh

lab: ## All set-up, then `pairwise up STACK`; ends with `pairwise status STACK`
	@sh cli/lab.sh "$(STACK)"

check: venv ## Static checks and pure tests: no root, no machine, little over a minute
	$(CHECK) -m "not live and not image" tests

image: venv ## Daemons in the golden image's root tree: their own checkers, and what they do together
	$(IMAGE)

# Daemons wait most of the time, and the pure tests compute: side by side they take little longer.
both: venv
	@$(MAKE) --no-print-directory --jobs=2 --output-sync=target check image

test: both ## check and image side by side, then the live stack
	$(PYTEST) --durations=15 -m "live and not engine and not load and not minimal and not nfs and not duo and not lvs and not gateway and not six_gtid" tests

test-duo: venv ## Stack duo, brought up and destroyed: the author's test and a dead mysqld
	$(PYTEST) -m "duo and not load" tests

test-lvs: venv ## Stack lvs, brought up and destroyed: the author's test and a dead real server
	$(PYTEST) -m "lvs and not load" tests

test-gateway: venv ## Stack gateway, brought up and destroyed: the author's test
	$(PYTEST) -m "gateway and not load" tests

test-all: both ## test, test-duo, test-lvs and test-gateway with repeats, crowds, every drill and control, stacks nfs and six-gtid, and the provider under the real engine: most of a day
	$(PYTEST) -m "live and not engine" tests
	$(PYTEST) -m engine tests

golden: venv ## Write the expected files anew; the diff is the review
	nice -n 10 $(PYTHON) -m tests.errors.regenerate
	nice -n 10 $(PYTHON) -m tests.golden.regenerate
	nice -n 10 $(PYTHON) -m tests.cli.regenerate

docs: venv ## Write docs/reference anew from docstrings and help texts
	nice -n 10 $(PYTHON) -m tests.docs.regenerate

render: venv ## Every file of every node of STACK, into .pairwise/render/STACK
	@.venv/bin/pairwise render "$(STACK)" --out ".pairwise/render/$(STACK)"

clean-lab: venv ## Remove the lab with all machines; caches stay
	@.venv/bin/pairwise lab down
