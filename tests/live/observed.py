"""What the live tests assert about VIP holders and clients while something happens."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

from drills.arp import RATE_HZ
from drills.observe import (
    MIN_SAMPLED,
    Observation,
    Outage,
    holders,
    longest_outage,
    observer,
    sampled_share,
)
from drills.running import LiveStack

PROBE_HZ = 10.0
"""Client requests per second and VIP: 0.1 s is the resolution of an outage."""


@dataclass
class Watch:
    """Observers of one stack; judged after they have ended."""

    stack: LiveStack
    arp: Observation
    http: dict[str, Observation] = field(default_factory=dict)

    def vip_holders(self) -> dict[str, list[tuple[str, ...]]]:
        """For each VIP its holders by node name, one entry for each change; silence left out."""
        return {
            vip: [tuple(self.stack.node_of_mac(mac) for mac in macs) for _, macs in changes if macs]
            for vip, changes in holders(self.arp.samples).items()
        }

    def assert_never_two_holders(self) -> None:
        """At most one holder of each VIP at every instant, and enough samples to say so."""
        vips = len({sample["vip"] for sample in self.arp.samples})
        share = sampled_share(self.arp.samples, rate_hz=RATE_HZ, vips=vips)
        assert share >= MIN_SAMPLED, f"only {share:.0%} of the ARP samples were taken"
        doubles = [sample for sample in self.arp.samples if len(sample["macs"]) > 1]
        assert not doubles, f"two holders at once: {doubles[:3]}"

    def assert_nothing_moved(self) -> None:
        """Exactly one holder of each VIP all the time, and always the same one."""
        self.assert_never_two_holders()
        moved = {vip: seen for vip, seen in self.vip_holders().items() if len(set(seen)) != 1}
        assert not moved, f"VIPs moved: {moved}"

    def outage(self, vip: str) -> Outage:
        """The longest time without a good answer at a VIP."""
        return longest_outage(self.http[vip].samples)

    def statuses(self) -> dict[str, dict[int, int]]:
        """For each VIP how often each HTTP status came; 0 is no answer."""
        counted: dict[str, dict[int, int]] = {}
        for vip, seen in self.http.items():
            counted[vip] = {}
            for sample in seen.samples:
                counted[vip][sample["status"]] = counted[vip].get(sample["status"], 0) + 1
        return counted


@contextmanager
def watching(stack: LiveStack, *, http: bool = True) -> Iterator[Watch]:
    """Watch the balancers' VIPs by ARP, and by HTTP unless told otherwise."""
    vips = [str(vip.address) for vip in stack.plan.vips_of("lb")]
    bridge = stack.plan.networks["lan"].bridge
    with ExitStack() as observers:
        arp = observers.enter_context(observer(stack.netns, "drills.arp", bridge, *vips))
        watch = Watch(stack, arp)
        if http:
            for vip in vips:
                watch.http[vip] = observers.enter_context(_client(stack, vip))
        for seen in (arp, *watch.http.values()):
            seen.wait_for_more(5, timeout_s=30)
        yield watch


@contextmanager
def _client(stack: LiveStack, vip: str) -> Iterator[Observation]:
    arguments = ["--rate", str(PROBE_HZ), f"http://{vip}/"]
    with observer(stack.netns, "drills.http_probe", *arguments) as seen:
        yield seen


def transitions(stack: LiveStack) -> dict[str, str]:
    """Keepalived's own count of VRRP transitions on each balancer, from its journal."""
    command = (
        "journalctl --unit keepalived --output cat --no-pager"
        " | grep -cE 'Entering (MASTER|BACKUP|FAULT) STATE' || true"
    )
    return {node: stack.exec(node, command).strip() for node in ("lb1", "lb2")}


def served_by(stack: LiveStack, clients: list[str], vip: str) -> Counter[str]:
    """How many of the clients each web machine served through a VIP."""
    return Counter(
        stack.inside(
            "curl", "--silent", "--fail", "--max-time", "10", "--interface", client,
            "--output", "/dev/null", "--write-out", "%header{x-node}", f"http://{vip}/",
        )
        for client in clients
    )  # fmt: skip
