"""Heartbeat decides which node of a pair holds each group: disk, file system, daemons, VIP.

Needs: node.data; blocks drbd and fencing; the blocks of the groups' daemons before it, so that
    their first data are made with their hooks in place.
Ensures: ha.cf, haresources (the same on both nodes), authkeys, the resource scripts, mount units
    that nothing else starts; new file systems with their first data, once.
Restart: never. A changed file is written, and the preview says what it needs; verify fails while
    Heartbeat runs with an older ha.cf or authkeys.
    Another ``key`` of the description waits beside the one in use until both nodes have it; then
    both take it within the dead time (``program/key.py``), and nothing moves.
    Killed (SIGKILL), it stays dead: the peer hears nothing, has this node powered off after the
    dead time and takes over. One that systemd started again would begin with no group while their
    daemons and VIPs still run here, and the peer, which reads a restart as a release, would take
    them too; the shipped unit has ``Restart=no`` for that reason. Where nothing powers off (dopd
    alone, none) DRBD alone keeps the peer from writing. One that ended by itself has given its
    groups up and is started again: Heartbeat's own new start, after a partition that has healed,
    does not survive systemd.
Pair order: backup, then the plan's ``initialiser``.
Verify: process, both links up, haresources equal to the plan's. Checkers: sh -n; ha.cf has none.
Fails when: the file systems cannot be made because the peer's disks are not connected.
Refs: heartbeat(8), ha.cf(5), authkeys(5), documents 000 and 002.

Kept from the documents: keepalive 1, initdead 120, udpport 694, auto_failback off, ping of the
gateway with ipfail, drbddisk, one group per line of haresources.

A dead client link: ipfail on both nodes compares how many ping addresses each reaches; the node
that reaches fewer gives its groups up (hb_standby), equals move nothing, and a backup has nothing
to give up. The monitor names a dead one.

Replaced knowingly: one link -> two (replication and clients'). crc or a word in authkeys -> sha1
with a generated secret. VIP first -> last at start and first at stop. IPaddr and Filesystem ->
scripts around ip and mount units: half the take-over time. ``pkill -9 nfs`` -> ordered units. No
STONITH -> external/pairwise. dopd -> block fencing's own, unless the description says dopd. The
package's shellfuncs -> ours, which hand a message over in one piece. The text of its
ResourceManager and mach_down -> ours, which takes groups side by side and with few processes.
debugfile and logfile -> the journal. deadtime 5 and 10 -> 8. ``initdead 10`` of document 002 -> the
120 of document 000.
"""

from __future__ import annotations

from pathlib import PurePosixPath

from bootstrap.blocks.heartbeat import rekey
from bootstrap.changes import UNKNOWN
from bootstrap.checks import Check, is_active, is_enabled
from bootstrap.managed import Boot, ManagedFile, Manifest, Mode, Unit, place_of
from bootstrap.operations import drbd, heartbeat
from bootstrap.render import render
from bootstrap.shared import notify, pairs
from bootstrap.shared.systemd import CHECK_DROP_IN, check_unit
from bootstrap.site import Site, ensure_active, ensure_configured
from stacks.model_data import FencingDevice
from stacks.plan_data_types import DataPlan
from stacks.plan_types import DeployPlan, NodePlan

NEEDS_RESTART = (
    "needs a restart of Heartbeat: on the backup, then a switchover, then on the other node"
)
"""Effect of a changed ha.cf; until then both nodes go on with the values that they started with."""
NEEDS_BOTH = (
    "needs `heartbeat -r` on both nodes at once, within the dead time: with different keys they do"
    " not hear each other, and the active one has the other powered off"
)
"""Effect of changed authkeys. Heartbeat reads them again on this signal (heartbeat(8))."""
NEXT_MOVE = "read at each move of a group: nothing moves now"
"""Effect of a changed haresources: ResourceManager is a shell script that reads it each time."""
NAME = "heartbeat"
UNIT = "heartbeat.service"
FOLDER = "/etc/ha.d"
HA_CF = f"{FOLDER}/ha.cf"
HARESOURCES = f"{FOLDER}/haresources"
AUTHKEYS = f"{FOLDER}/authkeys"
SHELLFUNCS = f"{FOLDER}/shellfuncs"
DROP_IN = f"/etc/systemd/system/{UNIT}.d/pairwise.conf"
LIBEXEC = "/usr/libexec/heartbeat"
MANAGER = f"{pairs.SCRIPTS}/groups"
STAYS_MIN = 10
"""A group whose daemon fails at its start twice within so many minutes on a node stays there: the
monitor hands none over a second time within the same time."""
FIRST_DATA = f"{pairs.SCRIPTS}/first-data"
OUTDATING = ("/usr/lib/drbd/drbdsetup-84", "/usr/sbin/drbdmeta")
"""dopd runs as hacluster and outdates disks with these: set-uid for its group only, as drbdadm
itself advises."""


def files(node: NodePlan, plan: DeployPlan) -> tuple[ManagedFile, ...]:
    """Every file of the block, in the order in which they are written."""
    data = _data(node)
    values = {
        "stack": plan.stack,
        "node": node,
        "pair": plan.deploy,
        "heartbeat": data.heartbeat,
        "fence": data.fence,
        "groups": data.groups,
        "libexec": LIBEXEC,
        "connections": pairs.CONNECTIONS,
        "manager": MANAGER,
        "dopd": data.fence.has_dopd,
        "disks": bool(data.drbd.resources),
        "run": pairs.RUN.removeprefix("/run/"),
        "stays_min": STAYS_MIN,
        "dopd_folder": str(PurePosixPath(pairs.OUTDATE_DRBDADM).parent),
        "stonith": bool(set(data.fence.devices) - {FencingDevice.DOPD}),
        "notify": {"program": notify.PROGRAM, "kind": notify.Kind.HEARTBEAT.value}
        if node.notify
        else None,
    }

    def text(template: str, **more: object) -> str:
        return render(f"blocks/heartbeat/templates/{template}.j2", **values, **more)

    scripts = (
        ManagedFile(
            path=f"{FOLDER}/resource.d/{name}", content=text(name), mode=0o755, check="sh -n %s"
        )
        for name in ("pwunit", "pwvip")
    )
    mounts = (
        ManagedFile(
            path=f"/etc/systemd/system/{disk.mount_unit}",
            content=text("group.mount", group=group, disk=disk),
            effect=pairs.NEEDS_SWITCHOVER,
            check=check_unit(disk.mount_unit),
        )
        for group in data.groups
        if (disk := group.disk) is not None
    )
    secret = data.heartbeat.secret
    return (
        *scripts,
        *mounts,
        ManagedFile(
            path=DROP_IN,
            content=text("heartbeat.service.d.conf"),
            effect=NEEDS_RESTART,
            check=CHECK_DROP_IN,
        ),
        ManagedFile(
            path=AUTHKEYS,
            content=text("authkeys", secret=place_of(secret)),
            mode=0o600,
            secrets=(secret,),
            effect=rekey.TOGETHER if rekey.has_program(data) else NEEDS_BOTH,
        ),
        ManagedFile(path=MANAGER, content=text("groups"), effect=NEXT_MOVE, check="sh -n %s"),
        ManagedFile(
            path=SHELLFUNCS, content=text("shellfuncs"), effect=NEXT_MOVE, check="sh -n %s"
        ),
        ManagedFile(path=HARESOURCES, content=text("haresources"), effect=NEXT_MOVE),
        ManagedFile(path=HA_CF, content=text("ha.cf"), effect=NEEDS_RESTART),
        *rekey.files(node, plan, data, authkeys=AUTHKEYS, ha_cf=HA_CF),
    )


def manifest(node: NodePlan, plan: DeployPlan) -> Manifest:
    """All that the block owns on a node."""
    data = _data(node)
    disks = [group.disk for group in data.groups if group.disk is not None]
    mounts = (Unit(name=disk.mount_unit, boot=Boot.STATIC, running=None) for disk in disks)
    return Manifest(
        block=NAME,
        packages=("heartbeat", "iputils-arping", "e2fsprogs", "resource-agents"),
        files=files(node, plan),
        modes=tuple(
            Mode(path=path, group="haclient", mode=0o4750)
            if data.fence.has_dopd
            # As the packages have them, also where the description named dopd before.
            else Mode(path=path, group="root", mode=0o755)
            for path in OUTDATING
        ),
        units=(*mounts, Unit(name=UNIT), *rekey.units(data)),
        observed=(rekey.waiting(AUTHKEYS),) if rekey.has_program(data) else (),
    )


def configure(site: Site) -> None:
    """Files, another key beside the one in use; then, on the node that comes last, file systems
    for disks that have none."""
    data = _data(site.node)
    ensure_configured(site, leave=(AUTHKEYS,) if rekey.has_program(data) else ())
    if rekey.has_program(data):
        keys = _authkeys(site)
        heartbeat.key_offered(
            name=site.named(AUTHKEYS),
            file=keys,
            waiting=rekey.waiting(AUTHKEYS),
            unit=rekey.UNIT,
            seen=site.seen,
            unknown=any(site.secrets.get(name) is UNKNOWN for name in keys.secrets),
        )
    if data.drbd.initialiser != site.node.name:
        return
    for resource in data.drbd.resources:
        drbd.first_data(
            name=site.named(f"first data of {resource.name}"),
            resource=resource.name,
            disk=next(side.disk for side in resource.sides if side.node == site.node.name),
            size_mib=resource.size_mib,
            mount_point=resource.mount_point,
            script=FIRST_DATA,
            seen=site.seen,
        )


def activate(site: Site) -> None:
    """Units; then, on the node that comes last, both nodes take a key that waits on both."""
    ensure_active(site)
    data = _data(site.node)
    if rekey.has_program(data) and data.drbd.initialiser == site.node.name:
        heartbeat.key_taken(
            name=site.named("both nodes take the new key"),
            file=_authkeys(site),
            waiting=rekey.waiting(AUTHKEYS),
            unit=rekey.UNIT,
            lead=rekey.LEAD,
            seen=site.seen,
        )


def _authkeys(site: Site) -> ManagedFile:
    return next(file for file in site.manifest.files if file.path == AUTHKEYS)


def checks(node: NodePlan, plan: DeployPlan) -> tuple[Check, ...]:
    """What ``pairwise verify`` tries."""
    data = _data(node)
    peer = data.fence.peer
    links = [
        Check(
            name=f"heartbeat: the link over {link.interface} is up",
            command=f"cl_status hblinkstatus {peer} {link.interface}",
            expect="up",
            failure=f"{node.name} hears nothing from {peer} over {link.interface}: one more fault"
            " and each believes that the other one is dead.",
        )
        for link in data.heartbeat.links
    ]
    later, keys = dict(LATER), []
    if rekey.has_program(data):
        # It was taken by a Heartbeat that ran already: only hearing each other proves it.
        del later[AUTHKEYS]
        keys = [rekey.check(node, plan, authkeys=AUTHKEYS)]
    return (
        is_active(NAME, UNIT),
        is_enabled(NAME, UNIT),
        *links,
        *keys,
        *(_as_written(path, effect, node) for path, effect in later.items()),
        Check(
            name="heartbeat: it is no transition",
            command='test "$(cl_status rscstatus)" != transition',
            failure=f"Heartbeat of {plan.deploy} is moving groups: wait, then look again.",
        ),
    )


LATER = {HA_CF: NEEDS_RESTART, AUTHKEYS: NEEDS_BOTH, DROP_IN: NEEDS_RESTART}
"""Files that a running Heartbeat does not look at again by itself, and what they need."""


def _as_written(path: str, effect: str, node: NodePlan) -> Check:
    started = f"$(systemctl show -p ActiveEnterTimestamp --value {UNIT})"
    return Check(
        name=f"heartbeat: it has read {path} since it was written",
        command=f'test "$(stat -c %Y {path})" -le "$(date -d "{started}" +%s)"',
        failure=f"Heartbeat of {node.name} runs with an older {path}: a change {effect}.",
    )


def _data(node: NodePlan) -> DataPlan:
    if node.data is None:
        raise ValueError(f"Node {node.name} has no groups in its plan.")
    return node.data
