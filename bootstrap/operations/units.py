"""systemd units."""

from __future__ import annotations

from collections.abc import Generator
from shlex import quote

from pyinfra.api.command import StringCommand
from pyinfra.api.operation import operation
from pyinfra.context import host

from bootstrap.changes import explain
from bootstrap.facts.node import Seen
from bootstrap.facts.units import STAMP_FOLDER, SeenUnit
from bootstrap.managed import Boot, Reload, Unit

READY_TIMEOUT_S = 60
"""How long a unit may take to serve after a start or reload; daemons of ours need a second on
hardware, and a tenfold of it under software emulation."""

ACTIVE = frozenset({"active", "reloading", "activating"})

WITHOUT_REREADING = "SYSTEMCTL_SKIP_SYSV=1 systemctl -q --no-reload"
"""Each verb would have systemd read all units again, four times where there is an init script of
the same name (systemd's docs/ENVIRONMENT.md): that was most of the time of a first ``up``. One
reread follows all of them, before anything starts."""

VERBS = {Boot.ENABLED: "enable", Boot.DISABLED: "disable", Boot.MASKED: "mask"}


@operation()
def boot(unit: Unit, *, seen: Seen) -> Generator[StringCommand, None, None]:
    """Make a unit be enabled, disabled or masked.

    + unit: the unit.
    + seen: what is so on the node.
    """
    found = seen.unit(unit.name)
    if unit.boot is Boot.STATIC:
        host.noop(f"{unit.name} is started by other units")
        return
    if unit.boot is Boot.MASKED:
        if is_masked(found):
            host.noop(f"{unit.name} is masked")
            return
        explain(f"{unit.name} is {found.boot or found.load}; it is stopped and masked")
        # A unit that is not loaded cannot be stopped; masking it is what counts.
        mask = f"{WITHOUT_REREADING} mask {unit.name}"
        yield StringCommand(f"{{ systemctl -q stop {unit.name} 2>/dev/null; {mask}; }}")
        return
    if found.boot == unit.boot.value:
        host.noop(f"{unit.name} is {unit.boot}")
        return
    explain(f"{unit.name} is {found.boot or 'not there'}; it becomes {unit.boot}")
    unmask = f"systemctl -q unmask {unit.name} && " if found.load == "masked" else ""
    yield StringCommand(f"{unmask}{WITHOUT_REREADING} {VERBS[unit.boot]} {unit.name}")


@operation()
def reread(reason: str | None) -> Generator[StringCommand, None, None]:
    """Make systemd know the unit files as they are.

    + reason: why it does not; None when it does.
    """
    if reason is None:
        host.noop("systemd knows the unit files")
        return
    explain(reason)
    yield StringCommand("systemctl daemon-reload")


@operation()
def started(unit: Unit, *, seen: Seen) -> Generator[StringCommand, None, None]:
    """Make a unit run, and serve.

    + unit: the unit.
    + seen: what is so on the node.
    """
    found = seen.unit(unit.name)
    if found.active in ACTIVE:
        host.noop(f"{unit.name} runs")
        return
    explain(f"{unit.name} is {found.active}; it is started")
    # A unit that has used up its restarts refuses to start until its counter is reset.
    yield StringCommand(
        f"systemctl reset-failed {unit.name} 2>/dev/null; systemctl start {unit.name}"
        f"{_until_ready(unit)}"
    )


@operation()
def stopped(unit: Unit, *, seen: Seen) -> Generator[StringCommand, None, None]:
    """Make a unit not run.

    + unit: the unit.
    + seen: what is so on the node.
    """
    found = seen.unit(unit.name)
    if found.active not in ACTIVE:
        host.noop(f"{unit.name} does not run")
        return
    explain(f"{unit.name} is {found.active}; it is stopped")
    yield StringCommand(f"systemctl stop {unit.name}")


@operation()
def reloaded(unit: Unit, reason: str | None, *, seen: Seen) -> Generator[StringCommand, None, None]:
    """Make a running unit use its files as they are, and note when.

    + unit: the unit.
    + reason: why it must; None when it uses them already.
    + seen: what is so on the node.
    """
    if seen.unit(unit.name).active not in ACTIVE:
        host.noop(f"{unit.name} does not run yet: it is started instead")
        return
    if reason is None or unit.reload is Reload.NONE:
        host.noop(f"{unit.name} uses its files as they are")
        return
    explain(reason)
    yield StringCommand(
        f"systemctl {unit.reload} {unit.name}{_until_ready(unit)} && {stamped(unit.name)}"
    )


def is_masked(found: SeenUnit) -> bool:
    """Whether nobody can start a unit."""
    return "masked" in {found.load, found.boot}


def stamped(unit: str) -> str:
    """Shell text that notes that a unit has taken up its files now."""
    return f"mkdir -p {STAMP_FOLDER} && touch {STAMP_FOLDER}/{unit}.loaded"


def _until_ready(unit: Unit) -> str:
    """Shell text: try once a second until the unit serves."""
    if not unit.ready:
        return ""
    attempt = f"until {unit.ready}; do sleep 1; done"
    failed = f"{unit.name} does not serve within {READY_TIMEOUT_S} s: journalctl -u {unit.name}"
    return (
        f" && {{ timeout {READY_TIMEOUT_S} sh -c {quote(attempt)}"
        f" || {{ echo {quote(failed)}; false; }}; }}"
    )
