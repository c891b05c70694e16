"""DRBD keeps a copy of each replicated disk on both nodes of the pair.

Needs: node.data; backing disks by identity; base (module, firewall for the peer's packets).
Ensures: one resource per disk, attached and connected, Secondary; metadata made on disks that a
    fact proves empty; a note when the peer was met since boot; the scheduled comparison; handlers.
Restart: never; a changed file is taken up by ``drbdadm adjust``, on the backup first.
Pair order: backup, then the plan's ``initialiser``, which finds its peer connected and makes the
    file systems (``first-data``, called by block heartbeat: the hooks of all blocks are there).
Verify: roles, disk states, handlers that exist and run. Checkers: drbdadm-84 dump.
Fails when: a disk is not empty and holds no metadata: nothing is written to it.
Refs: drbd.conf(5) and drbdadm(8) of DRBD 8.4, documents 000 and 002.

Kept from the documents: protocol C, cram-hmac sha1, rate 100M, port 7788, on-io-error detach,
the handlers' names, and their restart of a node whose data are inconsistent or lost a split brain.

Replaced knowingly: fencing resource-only with dopd -> resource-and-stonith with a handler of block
fencing (dopd alone lost 203 acknowledged rows in a partition; it stays available by description).
local-io-error that halts -> detach and tell: the peer's copy serves on. wfc-timeout 120 -> no
waiting at boot: a lone node stays passive by the rule of block fencing, not by a timeout.
``primary --force`` on one side and a full sync -> clear-bitmap on two proven-empty disks. dd over
the disk to please create-md -> create-md only on proven zeros. Kernel names -> stable identities.
drbd.service -> a unit of ours that waits for nothing.
"""

from __future__ import annotations

from bootstrap.blocks.drbd import checks as verify
from bootstrap.checks import Check
from bootstrap.facts.disks import EXT4_LABEL_AT, UNFINISHED
from bootstrap.managed import Boot, ManagedFile, Manifest, Reload, Unit, place_of
from bootstrap.operations import drbd
from bootstrap.render import render
from bootstrap.shared import notify, pairs
from bootstrap.shared.systemd import CHECK_CALENDAR, check_unit
from bootstrap.site import Site, ensure_configured
from stacks.plan_data_types import DataPlan, DrbdFencing, DrbdResource
from stacks.plan_types import DeployPlan, NodePlan

NAME = "drbd"
UNIT = "pairwise-drbd.service"
MEET_UNIT = "pairwise-meet-peer.service"
VERIFY_TIMER = "pairwise-drbd-verify.timer"
COMMON = "/etc/drbd.d/global_common.conf"
EVENT_SCRIPT = f"{pairs.SCRIPTS}/drbd-event"
FIRST_DATA = f"{pairs.SCRIPTS}/first-data"
MEET_SCRIPT = f"{pairs.SCRIPTS}/meet-peer"
STOP_SCRIPT = f"{pairs.SCRIPTS}/drbd-stop"
VERIFY_SCRIPT = f"{pairs.SCRIPTS}/drbd-verify"
EVENTS = (
    "pri-on-incon-degr",
    "pri-lost-after-sb",
    "local-io-error",
    "pri-lost",
    "split-brain",
    "out-of-sync",
)
"""Handlers of the documents (drbd.conf(5)); fence-peer is block fencing's."""

ADJUSTED = "reload: `drbdadm adjust`, on the backup first; what serves goes on"
"""Effect of a changed resource or option."""
TIMEOUT_DS = 9
"""Has to be less than both intervals (drbd.conf(5))."""
PING_INT_S = 1
"""A peer that has said nothing for so long is asked: writes that it ought to confirm do not make
DRBD look earlier (its timeout counts only seven times, ko-count). With the documents' 5 s, clients
stood still for 6 s when a link was cut."""
PING_TIMEOUT_DS = 10
"""1 s; the default of half a second was too short for emulated machines on a busy hypervisor."""
CONNECT_INT_S = 3
"""Seconds between attempts to connect; a third of the default, a returning peer resyncs sooner."""
CONNECT_S = 90
"""How long the initialiser waits for its peer's disks: attached by the batch before it."""
STOP_LOOK_S = 0.5
STOP_S = 60
"""For which a node that shuts down leaves its disks to its peer, who takes two groups in 25 s under
emulation. Where both nodes shut down nobody takes them, and both wait so long."""


def files(node: NodePlan, plan: DeployPlan) -> tuple[ManagedFile, ...]:
    """Every file of the block, in the order in which they are written."""
    data = _data(node)
    resources = data.drbd.resources
    # drbdadm looks for its own host's section; the image's checks run on another host.
    dump = f"env __DRBD_NODE__={node.name} /usr/lib/drbd/drbdadm-84 -c %s dump >/dev/null"
    shell, bash = "sh -n %s", "bash -n %s"
    dopd = data.fence.has_dopd

    def text(template: str, **values: object) -> str:
        return render(f"blocks/drbd/templates/{template}.j2", stack=plan.stack, **values)

    return (
        ManagedFile(
            path="/etc/tmpfiles.d/pairwise.conf", content=text("tmpfiles.conf", folder=pairs.RUN)
        ),
        ManagedFile(
            path=EVENT_SCRIPT,
            content=text("drbd-event", node=node, pair=plan.deploy, notify=_notify(node)),
            mode=0o755,
            check=shell,
        ),
        ManagedFile(
            path=FIRST_DATA,
            content=text(
                "first-data",
                label_at=EXT4_LABEL_AT,
                unfinished=UNFINISHED,
                connect_s=CONNECT_S,
                hooks=pairs.FIRST_DATA_HOOKS,
            ),
            mode=0o755,
            check=bash,
        ),
        ManagedFile(
            path=MEET_SCRIPT,
            content=text(
                "meet-peer", minors=[r.minor for r in resources], peer=data.fence.peer, marks=pairs
            ),
            mode=0o755,
            check=shell,
        ),
        ManagedFile(
            path=VERIFY_SCRIPT,
            content=text("drbd-verify", resources=[r.name for r in resources]),
            mode=0o755,
            check=shell,
        ),
        ManagedFile(
            path=COMMON,
            content=text(
                "global_common.conf",
                drbd=data.drbd,
                events=EVENTS,
                event_script=EVENT_SCRIPT,
                fence_peer=_fence_peer(data),
                timeout_ds=TIMEOUT_DS,
                ping_int_s=PING_INT_S,
                ping_timeout_ds=PING_TIMEOUT_DS,
                connect_int_s=CONNECT_INT_S,
            ),
            effect=ADJUSTED,
            check=dump,
        ),
        *(
            ManagedFile(
                path=_path(resource),
                content=text("resource.res", resource=resource, secret=place_of(data.drbd.secret)),
                # dopd runs drbdadm as hacluster: without its leave no peer could be outdated.
                mode=0o640 if dopd else 0o600,
                group="haclient" if dopd else "root",
                secrets=(data.drbd.secret,),
                effect=ADJUSTED,
                check=dump,
            )
            for resource in resources
        ),
        ManagedFile(
            path=STOP_SCRIPT,
            content=text("drbd-stop", looks=round(STOP_S / STOP_LOOK_S), look_s=STOP_LOOK_S),
            mode=0o755,
            check=shell,
        ),
        _unit(UNIT, text("drbd.service", stop=STOP_SCRIPT)),
        _unit(MEET_UNIT, text("meet-peer.service", script=MEET_SCRIPT)),
        _unit("pairwise-drbd-verify.service", text("verify.service", script=VERIFY_SCRIPT)),
        _unit(VERIFY_TIMER, text("verify.timer", verify=data.drbd.verify)),
    )


def _unit(name: str, content: str) -> ManagedFile:
    check = CHECK_CALENDAR if name.endswith(".timer") else check_unit(name)
    return ManagedFile(path=f"/etc/systemd/system/{name}", content=content, check=check)


def manifest(node: NodePlan, plan: DeployPlan) -> Manifest:
    """All that the block owns on a node."""
    data = _data(node)
    paths = (COMMON, *(_path(resource) for resource in data.drbd.resources))
    return Manifest(
        block=NAME,
        packages=("drbd-utils",),
        files=files(node, plan),
        disks=tuple(
            disk
            for resource in data.drbd.resources
            for disk in (_own_disk(resource, node), _own_metadata(resource, node))
            if disk
        ),
        units=(
            Unit(name="drbd.service", boot=Boot.MASKED),
            Unit(name=UNIT, reload=Reload.RELOAD, files=paths),
            Unit(name=MEET_UNIT),
            Unit(name=VERIFY_TIMER),
        ),
    )


def configure(site: Site) -> None:
    """Files, then metadata on empty disks, then the resources attached: the peer's first data need
    them, and they start nothing that serves."""
    ensure_configured(site)
    data = _data(site.node)
    for resource in data.drbd.resources:
        drbd.metadata(
            name=site.named(f"metadata of {resource.name}"),
            resource=resource.name,
            disk=_own_disk(resource, site.node),
            size_mib=resource.size_mib,
            meta_disk=_own_metadata(resource, site.node),
            meta_mib=resource.metadata_mib,
            allowed=data.drbd.may_initialise,
            seen=site.seen,
        )
    drbd.attached(name=site.named("resources attached"), unit=UNIT, seen=site.seen)


def checks(node: NodePlan, plan: DeployPlan) -> tuple[Check, ...]:
    """What ``pairwise verify`` tries."""
    scripts = [f"{EVENT_SCRIPT}"]
    handler = _fence_peer(_data(node))
    return verify.checks(node, plan, handlers=[*scripts, handler] if handler else scripts)


def _fence_peer(data: DataPlan) -> str:
    return "" if data.drbd.fencing is DrbdFencing.DONT_CARE else pairs.FENCE_PEER_HANDLER


def _notify(node: NodePlan) -> dict[str, str] | None:
    if node.notify is None:
        return None
    return {"program": notify.PROGRAM, "kind": notify.Kind.DRBD.value}


def _path(resource: DrbdResource) -> str:
    return f"/etc/drbd.d/{resource.name}.res"


def _own_disk(resource: DrbdResource, node: NodePlan) -> str:
    return next(side.disk for side in resource.sides if side.node == node.name)


def _own_metadata(resource: DrbdResource, node: NodePlan) -> str:
    """The metadata's own disk; empty: it is at the end of the backing disk."""
    side = next(side for side in resource.sides if side.node == node.name)
    return side.meta_disk if resource.metadata_mib else ""


def _data(node: NodePlan) -> DataPlan:
    if node.data is None:
        raise ValueError(f"Node {node.name} has no replicated disks in its plan.")
    return node.data
