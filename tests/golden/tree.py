"""The tree of expected files: path below ``tests/golden`` -> text."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

from benchmarks.forwarding import ALONE
from bootstrap.cloud_init import render_cloud_init
from bootstrap.deploy import manifests, render_all
from bootstrap.managed import Manifest
from stacks.load import read_stack
from stacks.model import Stack
from stacks.plan import make_plan
from stacks.plan_types import NodePlan, Plan
from tests.descriptions import changed, description

ROOT: Final = Path(__file__).parent
STACKS: Final = ("six", "six-gtid", "duo", "nfs", "lvs", "gateway")

RUNNING: Final = {True: "running", False: "stopped", None: "left-alone"}
"""A unit that a cluster manager decides about is in nobody's desired state."""
COPIED: Final = (
    "/usr/local/lib/pairwise/monitor/",
    "/usr/local/lib/pairwise/gtid/",
    "/usr/local/lib/pairwise/heartbeat-key",
    "/usr/local/lib/pairwise/split/",
    "/usr/local/lib/pairwise/read-replica/",
)
"""Not rendered: modules of this repository as they are, with a line before them."""

WITHOUT_DATA: Final[Mapping[str, Any]] = {"tiers.web.web": {}}
ALONE_LB: Final = {
    "drop": ("pairs.data", "nodes.data1", "nodes.data2", "networks.repl"),
}
VARIANTS: Final[Mapping[str, tuple[str, Mapping[str, Any]]]] = {
    # A pair or tier by itself, and the modes that no tracked stack uses.
    "alone-lb-single": (
        "six",
        {"put": {"pairs.lb.keepalived.mode": "single", **WITHOUT_DATA}, **ALONE_LB},
    ),
    "alone-lb-fast": (
        "six",
        {
            "put": {
                "pairs.lb.keepalived.advert_interval_s": 0.2,
                "pairs.lb.balancer.method": "least_conn",
                **WITHOUT_DATA,
            },
            **ALONE_LB,
        },
    ),
    "alone-lb-told": (
        "six",
        {
            "put": {
                "notify": {
                    "mail": ["ops@example.org", "root"],
                    "command": ["/usr/local/bin/page", "--team", "web"],
                },
                **WITHOUT_DATA,
            },
            **ALONE_LB,
        },
    ),
    "nfs-metadata": ("nfs", {"put": {"pairs.nfs.disks.nfs.metadata": "external"}}),
    # The documents' own fencing, and none: what a control loses data with.
    "nfs-dopd": ("nfs", {"put": {"pairs.nfs.fencing": ["dopd"]}}),
    "nfs-no-fencing": ("nfs", {"put": {"pairs.nfs.fencing": []}}),
    "nfs-v3": ("nfs", {"put": {"pairs.nfs.nfs": {"version": 3}}}),
    # A longer drain than by default: a test sees it in the splitter's table.
    "duo-ports": (
        "duo",
        {"put": {"pairs.duo.replication.split": {"kind": "haproxy", "drain_s": 5.0}}},
    ),
    # The other two methods; with nat real servers are in a network of their own.
    "gateway-dr": (
        "gateway",
        {
            "put": {
                "pairs.directors.director.forwarding": "dr",
                "pairs.directors.director.quiescent": True,
                "pairs.directors.director.services.one.fallback": "db2",
            }
        },
    ),
    "gateway-nat": (
        "gateway",
        {
            "put": {
                "networks.inside": {"id": 3, "cidr": "10.76.3.0/24"},
                "nodes.lvs1.networks": ["lan", "inside", "sync", "mgmt"],
                "nodes.lvs2.networks": ["lan", "inside", "sync", "mgmt"],
                "nodes.db1.networks": ["inside", "mgmt"],
                "nodes.db2.networks": ["inside", "mgmt"],
                "pairs.directors.vips.inside": {
                    "address": "10.76.3.118",
                    "network": "inside",
                    "prefers": "lvs1",
                    "manager": "heartbeat",
                },
                "pairs.directors.director.forwarding": "nat",
                "pairs.directors.director.gateway": "inside",
            }
        },
    ),
    # tun again, and real servers where no director has a card: the hypervisor leads there.
    "gateway-routed": (
        "gateway",
        {
            "put": {
                "networks.lan.mode": "open",
                "networks.far": {"id": 3, "cidr": "10.76.3.0/24", "mode": "open"},
                "nodes.db1.networks": ["far", "mgmt"],
                "nodes.db2.networks": ["far", "mgmt"],
            }
        },
    ),
    # keepalived in the place of Heartbeat and ldirectord.
    "gateway-keepalived": (
        "gateway",
        {
            "put": {
                "pairs.directors.vips.mysql.manager": "keepalived",
                "pairs.directors.vips.mysql.vrid": 51,
                "pairs.directors.keepalived": {"mode": "sync"},
            },
            "drop": ("pairs.directors.heartbeat",),
        },
    ),
    "lvs-keepalived": (
        "lvs",
        {
            "put": {
                "pairs.directors.vips.read.manager": "keepalived",
                "pairs.directors.vips.read.vrid": 52,
                "pairs.directors.vips.www.manager": "keepalived",
                "pairs.directors.vips.www.vrid": 51,
                "pairs.directors.keepalived": {"mode": "sync"},
                "pairs.directors.director.quiescent": True,
                "pairs.directors.director.services.www.servers": {"server3": 1},
                "pairs.directors.director.services.www.fallback": "server4",
            },
        },
    ),
    # Pages alone, and any page will do: nothing looks at what they hold.
    "alone-directors": ("lvs", ALONE),
    "alone-data": (
        "six",
        {
            # Its key was changed once.
            "put": {"pairs.data.heartbeat.key": 2},
            "drop": ("pairs.lb", "tiers.web", "nodes.lb1", "nodes.lb2", "nodes.web1", "nodes.web2"),
        },
    ),
}

PRIVATE_KEY: Final = "\n".join(
    ("-----BEGIN OPENSSH PRIVATE KEY-----", "its form", "-----END OPENSSH PRIVATE KEY-----", "")
)


def plans() -> dict[str, Plan]:
    """The plans of all tracked stacks and variants, by name; each caller's are its own.

    Most tests ask for them, and to read and plan takes ten times what a copy does.
    """
    found: dict[str, Plan] = pickle.loads(_kept_plans())
    return found


@cache
def _kept_plans() -> bytes:
    return pickle.dumps(make_plans())


def make_plans() -> dict[str, Plan]:
    """The same, read and planned anew at each call."""
    return {name: make_plan(described(name)) for name in (*STACKS, *VARIANTS)}


def described(name: str, written: Callable[[Any], Any] = lambda text: text) -> Stack:
    """A tracked stack or variant, read; ``written`` may write its description differently."""
    base, changes = VARIANTS.get(name, (name, {}))
    text = written(changed(description(base), **changes))
    return read_stack(text, name=base, source=name)


@cache
def expected() -> dict[str, str]:
    """Every file that belongs below ``tests/golden``."""
    return render_expected()


def render_expected() -> dict[str, str]:
    """The same, read, planned and rendered anew at each call."""
    texts: dict[str, str] = {}
    for stack, plan in make_plans().items():
        for node, files in render_all(plan).items():
            for path, file in files.items():
                if not path.startswith(COPIED):
                    texts[f"{stack}/{node}{path}"] = file.content
            texts[f"{stack}/{node}/owned.txt"] = owned(plan, plan.nodes[node])
            texts |= _cloud_init(f"{stack}/{node}/cloud-init", plan.nodes[node])
    return texts


def owned(plan: Plan, node: NodePlan) -> str:
    """Everything beside file contents that the blocks of a node own, one line each."""
    found = manifests(node=node, plan=plan.slice(node.member))
    return "\n".join(line for manifest in found for line in _lines(manifest)) + "\n"


def _lines(manifest: Manifest) -> list[str]:
    lines = [f"package {name}" for name in manifest.packages]
    lines += [f"no package {name}" for name in manifest.unwanted]
    lines += [f"user {user.name} {user.home} {user.shell}" for user in manifest.users]
    lines += [f"file {f.path} {f.mode:04o} {f.owner}:{f.group}" for f in manifest.files]
    lines += [f"link {link.path} -> {link.target}" for link in manifest.links]
    lines += [f"mode {m.path} {m.mode:04o} root:{m.group}" for m in manifest.modes]
    lines += [f"no file {path}" for path in manifest.absent]
    lines += [f"sysctl {key} = {value}" for key, value in sorted(manifest.sysctls.items())]
    lines += [
        f"unit {unit.name} {unit.boot} {RUNNING[unit.running]} {unit.reload}"
        for unit in manifest.units
    ]
    return [f"{manifest.block}: {line}" for line in lines]


def _cloud_init(folder: str, node: NodePlan) -> dict[str, str]:
    files = render_cloud_init(
        node,
        admin_key="ssh-ed25519 AAAAadmin pairwise",
        host_private_key=PRIVATE_KEY,
        host_public_key=f"ssh-ed25519 AAAAhost {node.name}",
    )
    return {
        f"{folder}/user-data": files.user_data,
        f"{folder}/meta-data": files.meta_data,
        f"{folder}/network-config": files.network_config,
    }


def recorded() -> dict[str, str]:
    """Every file that is there now."""
    return {
        str(path.relative_to(ROOT)): path.read_text(encoding="utf-8")
        for stack in (*STACKS, *VARIANTS)
        for path in (ROOT / stack).rglob("*")
        if path.is_file()
    }
