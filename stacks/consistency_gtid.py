"""Checks of pairs whose MySQL is replicated by GTID."""

from __future__ import annotations

from collections.abc import Iterator

from stacks.model import Pair, Role, Stack, VipManager, VrrpMode
from stacks.model_data import FencingDevice
from stacks.problems import Problem, out_of_range

LAG_RANGE_S = (0.1, 3600.0)
"""The reconciler looks once a second; an hour is no limit any more."""
SILENCE_RANGE_S = (3.0, 60.0)
"""Below, a pause of the hypervisor powers a machine off; above, clients have gone."""
DRAIN_RANGE_S = (0.0, 3600.0)
"""At once; and an hour is longer than any page."""
RESTART_RANGE_S = (5.0, 600.0)
"""Below, no mysqld is back; a large one needs minutes to recover after a crash."""


def check_gtid(stack: Stack) -> Iterator[Problem]:
    """Every GTID pair can be planned, and can fence."""
    for name, pair in stack.pairs.items():
        if pair.replication is not None:
            yield from _check(stack, f"pairs.{name}", pair)


def _check(stack: Stack, where: str, pair: Pair) -> Iterator[Problem]:
    assert pair.replication is not None
    settings = pair.replication
    if Role.MYSQL not in pair.roles:
        yield Problem(f"{where}.roles", "key replication needs role mysql", "add the role")
    if pair.mysql is None:
        yield Problem(where, "key replication needs key mysql", "add `mysql: {}`")
    else:
        vip = pair.vips.get(pair.mysql.vip)
        if vip is None or vip.manager is not VipManager.KEEPALIVED:
            yield Problem(
                f"{where}.mysql.vip",
                f"{pair.mysql.vip!r} is no VIP of the pair under keepalived",
                "name one that is",
            )
        if pair.mysql.disk in pair.disks:
            yield Problem(
                f"{where}.disks.{pair.mysql.disk}",
                "MySQL is replicated by GTID and would be by DRBD",
                "remove the disk or the key replication",
            )
    if pair.keepalived is not None and pair.keepalived.mode is VrrpMode.DUAL:
        yield Problem(
            f"{where}.keepalived.mode",
            "a VIP that returns by itself would move the source with it",
            "write single or sync",
        )
    if FencingDevice.DOPD in pair.fencing or not pair.fencing:
        yield Problem(
            f"{where}.fencing",
            "nothing in it powers the peer off or lets a person say so: no node could take over",
            "write [hypervisor, confirm]",
        )
    yield from _check_network(stack, where, pair, settings.network)
    numbers = [
        ("max_lag_s", settings.max_lag_s, *LAG_RANGE_S),
        ("silence_s", settings.silence_s, *SILENCE_RANGE_S),
        ("restart_s", settings.restart_s, *RESTART_RANGE_S),
    ]
    if settings.split is not None:
        numbers.append(("split.drain_s", settings.split.drain_s, *DRAIN_RANGE_S))
    yield from out_of_range(f"{where}.replication", numbers)


def _check_network(stack: Stack, where: str, pair: Pair, name: str | None) -> Iterator[Problem]:
    shared = set.intersection(
        *(set(stack.nodes[node].networks) for node in pair.nodes if node in stack.nodes),
        set(stack.networks),
    ) - {stack.management}
    if name is not None and name not in shared:
        known = ", ".join(sorted(shared)) or "none"
        yield Problem(
            f"{where}.replication.network",
            f"{name!r} is no network of both nodes, management apart",
            f"use one of: {known}",
        )
