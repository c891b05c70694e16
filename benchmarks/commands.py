"""What a command costs on a node: a channel for each, or all in one shell (provider/shell.py).

As root, with the stack up: ``python -m benchmarks.commands [STACK [NODE]]``. Prints the machine,
the date, and for each command the median of twenty runs each way, in turn, on one connection.
"""

from __future__ import annotations

import argparse
import datetime as dt
import os
import shlex
import statistics
import sys
import time
from collections.abc import Callable

import paramiko

from bootstrap.managed import ManagedFile
from bootstrap.operations.files import install_command
from cli.checkout import Checkout, node_of
from cli.engine import Engine
from cli.transport import SSH_USER, Ssh, enter
from drills.evidence import this_machine
from provider.shell import Shell

RUNS = 20
INSIDE = "PAIRWISE_BENCHMARK_INSIDE"
"""Environment variable of the program itself, once it is in the lab's namespace."""
FILE = ManagedFile(path="/run/pairwise-benchmark", content="x" * 2000)
COMMANDS = {"nothing": "true", "a file of 2 kB": install_command(FILE)}


def channels(client: paramiko.SSHClient) -> Callable[[str], int]:
    """A channel for each command, as pyinfra's own connector does it."""

    def run(command: str) -> int:
        stdin, stdout, stderr = client.exec_command(f"sh -c {shlex.quote(command)}")
        stdin.close()
        stdout.read(), stderr.read()
        return stdout.channel.recv_exit_status()

    return run


def one_shell(client: paramiko.SSHClient) -> Callable[[str], int]:
    """One shell for all of them."""
    shell = Shell(*client.exec_command("exec sh"))
    return lambda command: shell.run(command)[0]


def timed(run: Callable[[str], int], command: str) -> float:
    """Milliseconds that a command takes."""
    begin = time.monotonic()
    if run(command):
        sys.exit(f"{command[:60]} failed")
    return (time.monotonic() - begin) * 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("stack", nargs="?", default="six")
    parser.add_argument("node", nargs="?")
    asked = parser.parse_args()
    checkout = Checkout()
    plan = checkout.plan(asked.stack)
    node = node_of(plan, asked.node or min(plan.nodes))
    if INSIDE not in os.environ:
        again = [sys.executable, "-m", "benchmarks.commands", *sys.argv[1:]]
        os.environ[INSIDE] = "yes"
        inside = [*enter(checkout.netns(plan, node)), *again]
        os.execvp(inside[0], inside)
    ssh = Ssh.of_stack(Engine(checkout, plan))
    with paramiko.SSHClient() as client:
        client.load_host_keys(str(ssh.known_hosts))
        address = str(node.management_address)
        client.connect(address, username=SSH_USER, key_filename=str(ssh.key))
        ways = {"a channel each": channels(client), "one shell": one_shell(client)}
        print(f"{dt.datetime.now(tz=dt.UTC).date()}, {this_machine()}, {asked.stack} {node.name}")
        heads = " | ".join(f"{way}, ms" for way in ways)
        print(f"| command | {heads} | ratio |\n|---|---|---|---|")
        for name, command in COMMANDS.items():
            found: dict[str, list[float]] = {way: [] for way in ways}
            for _ in range(RUNS):
                for way, run in ways.items():
                    found[way].append(timed(run, command))
            each, one = (statistics.median(seconds) for seconds in found.values())
            print(f"| {name} | {each:.1f} | {one:.1f} | {each / one:.1f} |")


if __name__ == "__main__":
    main()
