#!/bin/sh
# `make lab`: every step from a fresh machine to a serving stack, with the time of each.
set -eu
cd "$(dirname "$0")/.."
stack=${1:?usage: cli/lab.sh STACK}
started=$(date +%s)

step() { # NAME COMMAND...
    name=$1
    shift
    begin=$(date +%s)
    "$@"
    printf 'pairwise: %s took %s s\n' "$name" "$(($(date +%s) - begin))" >&2
}

step "Python environment" sh lab/bootstrap.sh
step "set-up" .venv/bin/python -m lab setup
step "up of $stack" .venv/bin/pairwise up "$stack" --yes --no-status
.venv/bin/pairwise status "$stack"
printf 'pairwise: memory of all processes of the lab: %s MiB\n' \
    "$(.venv/bin/python -m cli.memory)" >&2
printf 'pairwise: all of it took %s s\n' "$(($(date +%s) - started))" >&2
