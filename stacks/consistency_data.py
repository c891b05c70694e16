"""Checks of data pairs and their clients: groups, disks, times, the order of fencing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath

from stacks.model import Pair, Role, Stack, Tier, VipManager
from stacks.model_data import FencingDevice, Heartbeat, Mysql, Nfs
from stacks.plan_data import fence_order, group_names, group_vips
from stacks.problems import Problem, Ranged, out_of_range, twice

INITDEAD_FACTOR = 2
"""ha.cf(5): initdead is at least twice deadtime."""
DEADTIME_FACTOR = 3
"""Heartbeats that may get lost before a node counts as dead: with fewer, one late one kills."""

REKEY_FACTOR = 5
"""Heartbeats of which half is the time that the second node of a pair has to take a new key after
the first one: it sees it at a heartbeat, and is seen at one."""


def check_data(stack: Stack) -> Iterator[Problem]:
    """Every data pair and every client of one can be planned and means something."""
    for name, pair in stack.pairs.items():
        where = f"pairs.{name}"
        yield from _settings(where, pair)
        if pair.heartbeat is None:
            continue
        yield from _times(f"{where}.heartbeat", pair.heartbeat)
        yield from _groups(stack, where, pair)
        yield from _fencing(where, pair)
    for name, tier in stack.tiers.items():
        yield from _client(stack, f"tiers.{name}", tier)


def _settings(where: str, pair: Pair) -> Iterator[Problem]:
    for role in (Role.MYSQL, Role.NFS):
        if getattr(pair, role) is None:
            if pair.heartbeat is not None and role in pair.roles:
                yield Problem(where, f"role {role} lacks its key", f"add `{role}: {{}}`")
            continue
        if role not in pair.roles:
            yield Problem(f"{where}.roles", f"key {role} needs role {role}", "add the role")
        if pair.heartbeat is None and not (role is Role.MYSQL and pair.replication is not None):
            yield Problem(where, f"{role} needs Heartbeat", "add `heartbeat: {}`")
    if pair.heartbeat is not None and not group_names(pair):
        yield Problem(
            f"{where}.heartbeat", "it has no group to hold", "add `mysql`, `nfs` or `director`"
        )
    numbers: list[Ranged] = [("drbd.resync_rate_mib", pair.drbd.resync_rate_mib, 1, 4096)]
    if pair.mysql is not None:
        numbers.append(("mysql.buffer_pool_mib", pair.mysql.buffer_pool_mib, 16, 65536))
    if pair.nfs is not None:
        numbers += [
            ("nfs.lease_s", pair.nfs.lease_s, 5, 3600),
            ("nfs.threads", pair.nfs.threads, 1, 512),
        ]
    yield from out_of_range(where, numbers)


def _times(where: str, times: Heartbeat) -> Iterator[Problem]:
    if times.keepalive_s < 1:
        yield Problem(f"{where}.keepalive_s", f"{times.keepalive_s} is no pace", "choose 1 or more")
        return
    least = DEADTIME_FACTOR * times.keepalive_s
    if times.deadtime_s < least:
        yield Problem(
            f"{where}.deadtime_s",
            f"{times.deadtime_s} is less than {DEADTIME_FACTOR} heartbeats",
            f"choose at least {least}",
        )
    if not times.keepalive_s < times.warntime_s < times.deadtime_s:
        yield Problem(
            f"{where}.warntime_s",
            f"{times.warntime_s} is not between keepalive_s and deadtime_s",
            "choose one that is",
        )
    if times.key < 1:
        yield Problem(f"{where}.key", f"{times.key} is no number of a key", "choose 1 or more")
    if times.key > 1 and least <= times.deadtime_s < REKEY_FACTOR * times.keepalive_s:
        yield Problem(
            f"{where}.deadtime_s",
            f"{times.deadtime_s} is less than {REKEY_FACTOR} heartbeats, too short for two nodes"
            " to take another key",
            f"choose at least {REKEY_FACTOR * times.keepalive_s}",
        )
    if times.initdead_s < INITDEAD_FACTOR * times.deadtime_s:
        yield Problem(
            f"{where}.initdead_s",
            f"{times.initdead_s} is less than {INITDEAD_FACTOR} x deadtime_s",
            f"choose at least {INITDEAD_FACTOR * times.deadtime_s}",
        )


def _groups(stack: Stack, where: str, pair: Pair) -> Iterator[Problem]:
    found: list[tuple[str, Mysql | Nfs]] = [
        (name, getattr(pair, name)) for name in sorted(group_names(pair)) if name != "director"
    ]
    for name, group in found:
        if group.disk not in pair.disks:
            known = ", ".join(pair.disks) or "none"
            yield Problem(
                f"{where}.{name}.disk",
                f"the pair has no disk {group.disk!r}",
                f"use one of: {known}",
            )
        vip = pair.vips.get(group.vip)
        if vip is None or vip.manager is not VipManager.HEARTBEAT:
            yield Problem(
                f"{where}.{name}.vip",
                f"{group.vip!r} is no VIP of the pair under Heartbeat",
                "name one that is",
            )
    for key in ("disk", "vip"):
        places = ((f"{where}.{name}.{key}", getattr(group, key)) for name, group in found)
        for place, other, value in twice(places):
            yield Problem(place, f"{value!r} is taken by {other}", "give each group its own")
    # Real servers' route may lead to a VIP in a network that no client knows.
    inside = pair.director.gateway if pair.director is not None else None
    names = [v for group in group_names(pair) for v in group_vips(pair, group) if v != inside]
    vips = [pair.vips[name] for name in names if name in pair.vips]
    networks = {vip.network for vip in vips}
    if len(networks) > 1:
        yield Problem(
            f"{where}.vips",
            "its groups' VIPs are in different networks, and ipfail watches one",
            "hold them in one network",
        )
    links = networks | {disk.network for disk in pair.disks.values()}
    if pair.director is not None:
        links.add(pair.director.network)
    if found and len(links) < 2:
        yield Problem(
            f"{where}.disks",
            "replication and clients share one network: one fault cuts all links between the nodes",
            "replicate over a network of its own",
        )
    ping = pair.heartbeat.ping if pair.heartbeat else None
    home = next((stack.networks[name] for name in networks if name in stack.networks), None)
    if ping is not None and home is not None and ping not in home.cidr:
        yield Problem(
            f"{where}.heartbeat.ping",
            f"{ping} is outside {home.cidr}",
            "name one in the VIPs' network",
        )


def _fencing(where: str, pair: Pair) -> Iterator[Problem]:
    devices = pair.fencing
    for _, _, device in twice((f"{where}.fencing", device) for device in devices):
        yield Problem(f"{where}.fencing", f"{device} stands twice", "list it once")
    if FencingDevice.CONFIRM in devices[:-1]:
        yield Problem(f"{where}.fencing", "confirm is not the last", "a person is asked last")
    if FencingDevice.DOPD in devices and len(devices) > 1:
        yield Problem(
            f"{where}.fencing",
            "dopd is the whole of the documents' fencing, and the others outdate the peer as well",
            "write it alone, or leave it out",
        )
    for name in pair.survivor:
        if name not in fence_order(pair):
            known = ", ".join(fence_order(pair))
            yield Problem(
                f"{where}.survivor", f"{name!r} is no group of the pair", f"use one of: {known}"
            )
    for _, _, repeated in twice((f"{where}.survivor", name) for name in pair.survivor):
        yield Problem(f"{where}.survivor", f"{repeated} stands twice", "list it once")


def _client(stack: Stack, where: str, tier: Tier) -> Iterator[Problem]:
    if (Role.CLIENT in tier.roles) != (tier.client is not None):
        yield Problem(where, "role client and key client go together", "give both or neither")
    if tier.client is None:
        return
    pair = stack.pairs.get(tier.client.files)
    if pair is None or pair.nfs is None:
        yield Problem(
            f"{where}.client.files",
            f"{tier.client.files!r} is no pair with key nfs",
            "name one that exports files",
        )
    elif pair.nfs.vip in pair.vips:
        network = pair.vips[pair.nfs.vip].network
        for node in tier.nodes:
            if node in stack.nodes and network not in stack.nodes[node].networks:
                yield Problem(
                    f"{where}.client.files",
                    f"node {node} is not in {network!r}, where its VIP is",
                    "add the network to the node",
                )
    mount = PurePosixPath(tier.client.mount)
    if not mount.is_absolute() or len(mount.parts) < 2 or ".." in mount.parts:
        yield Problem(
            f"{where}.client.mount",
            f"{str(mount)!r} is no folder to mount at",
            "write one like /srv/x",
        )
