"""Previews show what would change and nothing else; `up` does just that."""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path

import pytest

from drills.described import described_as
from drills.running import LiveStack
from tests.live.observed import served_by, transitions, watching

SEED = 20
"""Chooses the drifted hosts; another seed must pass as well."""


@pytest.mark.calm
def test_second_up_changes_nothing_and_moves_nothing(six: LiveStack) -> None:
    """`make lab` was the first: no change by another one, and no VRRP transition."""
    before = transitions(six)
    with watching(six, http=False) as watch:
        six.up()
        preview = six.preview()
    assert preview["changes"] == 0, preview["hosts"]
    watch.assert_nothing_moved()
    assert transitions(six) == before


@dataclass(frozen=True)
class Drift:
    """One edit by hand, and what the preview must call it."""

    kind: str
    command: str
    named: str
    nodes: tuple[str, ...]


EVERY = ("lb1", "lb2", "web1", "web2", "data1", "data2")
FRONT = ("lb1", "lb2", "web1", "web2")
DRIFTS = (
    Drift("managed file", "echo '# by hand' >> /etc/hosts", "/etc/hosts", EVERY),
    Drift("file mode", "chmod 0666 /etc/nftables.conf", "/etc/nftables.conf", EVERY),
    Drift("unit enablement", "systemctl disable nginx", "nginx", FRONT),
    Drift("sysctl", "sysctl -qw net.ipv4.conf.all.accept_redirects=1", "accept_redirects", EVERY),
    Drift(
        "nft rule",
        "nft add rule inet pairwise input tcp dport 9 accept",
        "nft",
        EVERY,
    ),
    Drift("user", "usermod --shell /bin/bash healthcheck", "healthcheck", EVERY),
    Drift("package", "dpkg --remove --force-depends chrony", "chrony", EVERY),
    Drift("removed symlink", "rm /etc/nginx/sites-enabled/*", "sites-enabled", FRONT),
)


def test_drift_is_named_exactly_and_repaired(six: LiveStack) -> None:
    """One edit of each kind on a seeded random host: named, repaired, and gone."""
    chance = random.Random(SEED)
    made = [(drift, chance.choice(drift.nodes)) for drift in DRIFTS]
    for drift, node in made:
        six.exec(node, drift.command)
    seen = six.preview()["hosts"]
    named = {(node, name) for node, operations in seen.items() for name in operations}
    for drift, node in made:
        hits = [name for host, name in named if host == node and drift.named in name]
        assert hits, f"{drift.kind} on {node} is not in the preview: {sorted(named)}"
    touched = {node for _, node in made}
    assert {host for host, operations in seen.items() if operations} == touched
    six.up()
    after = six.preview()
    assert after["changes"] == 0, after["hosts"]


@pytest.mark.load
def test_advert_interval_is_shown_on_two_hosts_and_moves_nothing(
    six: LiveStack, folder: Path
) -> None:
    """Changed on the running pair: only its lines shown, no second holder, no move, both ways."""
    with described_as(six, folder, put={"pairs.lb.keepalived.advert_interval_s": 1.2}) as slower:
        hosts = {host: ops for host, ops in slower.preview()["hosts"].items() if ops}
        assert set(hosts) == {"lb1", "lb2"}, hosts
        changed = [
            line
            for operations in hosts.values()
            for text in operations.values()
            for line in text.splitlines()
            if line[:1] in "+-" and not line.startswith(("+++", "---"))
        ]
        assert changed, hosts
        # The start delay is the other fact that follows from the interval.
        expected = ("advert_int", "vrrp_startup_delay")
        assert all(line.split()[1] in expected for line in changed), changed
        with watching(six, http=False) as watch:
            slower.up()
            six.up()
            watch.arp.wait_for_more(30, timeout_s=30)
    watch.assert_nothing_moved()


@pytest.mark.load
def test_single_mode_touches_only_the_balancers(six: LiveStack, folder: Path) -> None:
    with described_as(six, folder, put={"pairs.lb.keepalived.mode": "single"}) as single:
        hosts = {host: ops for host, ops in single.preview()["hosts"].items() if ops}
    assert set(hosts) == {"lb1", "lb2"}, hosts


@pytest.mark.load
def test_third_web_machine_joins_and_leaves_without_touching_another(
    six: LiveStack, folder: Path, clients: list[str]
) -> None:
    """Written into the middle of the list: one machine and one line on each balancer."""
    put = {
        "nodes.web3": {"id": 23, "networks": ["lan", "mgmt"]},
        "tiers.web.nodes": ["web1", "web3", "web2"],
    }
    before = boots(six)
    with described_as(six, folder, put=put) as wider:
        preview = wider.preview()
        hosts = {host: ops for host, ops in preview["hosts"].items() if ops}
        # The other web machines let it reach their sessions, and reach its own; the data pair lets
        # it in.
        assert set(hosts) == {*EVERY, "web3"}
        for balancer in ("lb1", "lb2"):
            assert any("10.71.1.23" in line for line in added(hosts[balancer]))
        machines = [r for r in preview["resources"] if "domain" in r["type"].lower()]
        assert [(r["op"], "web3" in r["name"]) for r in machines if r["op"] != "same"] == [
            ("create", True)
        ]
        wider.up()
        wider.wait_until_steady(timeout_s=60)
        for vip in wider.plan.vips_of("lb"):
            assert set(served_by(wider, clients, str(vip.address))) == {"web1", "web2", "web3"}
        assert wider.preview()["changes"] == 0
    six.up()
    assert boots(six) == before
    assert six.preview()["changes"] == 0


def added(operations: dict[str, str]) -> list[str]:
    """Lines that a host's diffs add."""
    return [
        line for text in operations.values() for line in text.splitlines() if line.startswith("+")
    ]


def boots(stack: LiveStack) -> dict[str, str]:
    """The kernel's id of each machine's present boot (random(4)): another one after a restart."""
    return {node: stack.exec(node, "cat /proc/sys/kernel/random/boot_id") for node in EVERY}


def test_machine_destroyed_behind_our_back_is_rebuilt(six: LiveStack) -> None:
    machine = six.node("web2").machine
    six.virsh("destroy", machine)
    six.virsh("undefine", machine)
    six.up()
    assert machine in six.virsh("list", "--name").split()


@pytest.mark.calm
@pytest.mark.parametrize("put", [{"pairs.lb.vips.www1.address": "10.99.0.1"}, {"nodes.lb1.id": 0}])
def test_bad_description_creates_nothing(
    six: LiveStack, folder: Path, put: dict[str, object]
) -> None:
    before = six.virsh("list", "--all", "--name"), six.pairwise("status", "six", "--json").stdout
    with described_as(six, folder, put=put) as bad:
        done = bad.pairwise("up", "six", "--yes", check=False)
    assert done.returncode != 0
    assert "nothing was created" in done.stderr
    assert six.virsh("list", "--all", "--name") == before[0]
