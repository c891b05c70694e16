"""Fencing: a silent peer is made harmless before anything of it is taken over.

Needs: node.fence; where there are disks block drbd (its marks and minors, its secret), and for the
    first step the clients' network, or Heartbeat's dopd where the description says dopd; the fence
    endpoint of the hypervisor, reached over the management network, which no pair link uses.
Ensures: ``fence PEER`` (one program for both layers), DRBD's fence-peer handler, Heartbeat's
    STONITH plugin, the key by which the endpoint knows this node, in a root-only file;
    ``pairwise-outdate.service``, which asks the peer to outdate its copies and does it when asked;
    ``pairwise-fence-line.service``, which keeps the line to the endpoint open.
Restart: the services when a file of theirs changes; nothing else is touched by that. The other
    programs are read when they are called.
Pair order: any.
Verify: processes, boot, the peer's process answers; the line is open, the endpoint answers
    ``status`` for the peer and refuses this node itself. Checkers: sh -n, bash -n, ssh -G,
    systemd-analyze, Python's own parser.
Fails when: the endpoint does not answer: nothing is taken over, /run/pairwise/fence-waiting says
    why, and ``pairwise fence confirm`` goes on.
Refs: drbd.conf(5) fence-peer, stonith(8), ssh_config(5).

Replaced from the documents: no fencing but dopd. A peer that can be asked is outdated; one that
cannot be asked is powered off, and until then DRBD's I/O is frozen, so that no write is
acknowledged that the other side does not know.

The rules of ``fence``: a person's word goes first; a node that has not met its peer since it booted
has nobody powered off; a peer that is off already costs no delay, and one that was found off a
moment ago no question; of two active nodes the holder of the first group of ``survivor`` asks at
once and the other one hesitates. The endpoint grants one of the two.
"""

from __future__ import annotations

import json
from pathlib import Path

from bootstrap.blocks.fencing.program import outdate
from bootstrap.checks import Check, is_active, is_enabled
from bootstrap.managed import ManagedFile, Manifest, Reload, Unit, place_of
from bootstrap.render import render
from bootstrap.shared import notify, pairs, programs
from bootstrap.shared.systemd import check_unit
from stacks.model_data import FencingDevice
from stacks.plan_data import drbd_fencing
from stacks.plan_data_types import DataPlan, DrbdFencing, FencePlan, OutdateLine
from stacks.plan_types import DeployPlan, NodePlan

NAME = "fencing"
FOLDER = "/etc/pairwise/fence"
KEY = f"{FOLDER}/key"
KNOWN_HOSTS = f"{FOLDER}/known_hosts"
SSH_CONFIG = f"{FOLDER}/ssh_config"
PLUGIN = "/usr/lib/stonith/plugins/external/pairwise"
ASKER = f"{pairs.SCRIPTS}/outdate-peer"
CONFIG = f"{FOLDER}/outdate.json"
SECRET = f"{FOLDER}/outdate-secret"
PIPES = f"{pairs.RUN}/outdate"
UNIT = "pairwise-outdate.service"
UNIT_FILE = f"/etc/systemd/system/{UNIT}"
LINE = "pairwise-fence-line.service"
LINE_FILE = f"/etc/systemd/system/{LINE}"
MEMORY_MIB = 48
"""The program takes 12, drbdadm a few."""
OUTDATER = "/usr/libexec/heartbeat/drbd-peer-outdater"
DRBDADM = "/usr/sbin/drbdadm"
REFUSED = 17
"""drbdadm's exit code for a change of state that the kernel refuses."""
NOTICED_S = 2.0
"""Within it each side notices that a link is cut: ping-int and ping-timeout of block drbd."""
LOOK_S = 0.1
"""Between two looks at the connection; the process that waits takes about as long once more."""
UNKNOWN = 10
"""drbdadm's exit code for a name that it does not have."""
OUTDATE_S = 3
"""Seconds that the peer has to outdate itself, before it is asked again. It takes one or two under
emulation; the documents' 5 would let clients wait too long for a lost answer."""
OUTDATE_ALL_S = 20
"""Seconds for which a peer is asked that Heartbeat hears; to power it off is the last resort. A
dead one is not heard for longer than the dead time."""
ASK_S = 10
"""One question to the endpoint takes a second under emulation; a dead path must not take long."""
GRANTED_S = 10
"""Seconds for which the endpoint's answer holds for those who ask next: all of a take-over ask
within them, and no machine boots, meets its peer and takes a group so fast."""
VALID_MIN = 15
"""Minutes for which a person's word holds: a take-over takes one."""


def files(node: NodePlan, plan: DeployPlan) -> tuple[ManagedFile, ...]:
    """Every file of the block, in the order in which they are written."""
    data, fence = node.data, _fence(node)
    minors: dict[str, int | None] = {}
    if node.gtid is not None:
        minors["mysql"] = None
    if data is not None:
        minors |= {
            group.name: None if group.disk is None else data.resource_of(group).minor
            for group in data.groups
        }
    # The last match of the script wins: the first one of the survivor order comes last.
    places = sorted(
        ((name, minor, fence.delays_s[name]) for name, minor in minors.items()),
        key=lambda place: -place[2],
    )
    values = {
        "stack": plan.stack,
        "node": node,
        "pair": plan.deploy,
        "fence": fence,
        "marks": pairs,
        "ssh_config": SSH_CONFIG,
        "ask_s": ASK_S,
        "outdater": OUTDATER,
        "outdate_s": OUTDATE_S,
        "outdate_all_s": OUTDATE_ALL_S,
        "drbdadm": DRBDADM,
        "resources": data.drbd.resources if data is not None else [],
        "noticed_s": NOTICED_S,
        "look_s": LOOK_S,
        "looks": round(NOTICED_S / LOOK_S),
        "refused": REFUSED,
        "unknown": UNKNOWN,
        "broken": outdate.BROKEN,
        "pipes": PIPES,
        "fence_script": pairs.FENCE,
        "valid_min": VALID_MIN,
        "granted_s": GRANTED_S,
        "places": places,
        "by_drbd": data is not None and bool(data.drbd.resources),
        "by_gtid": node.gtid is not None,
        "powers_off": drbd_fencing(fence.devices) is DrbdFencing.RESOURCE_AND_STONITH,
        "notify": {"program": notify.PROGRAM, "kind": notify.Kind.FENCING.value}
        if node.notify
        else None,
    }

    def program(path: str, template: str, check: str) -> ManagedFile:
        text = render(f"blocks/fencing/templates/{template}.j2", **values)
        return ManagedFile(path=path, content=text, mode=0o755, check=check)

    found = [program(pairs.FENCE, "fence", "sh -n %s")]
    if data is not None:
        found.append(program(PLUGIN, "stonith-plugin", "sh -n %s"))
    if data is not None and data.drbd.resources:
        found += [
            program(pairs.FENCE_PEER_HANDLER, "drbd-fence-peer", "bash -n %s"),
            program(pairs.OUTDATE_DRBDADM, "outdate", "sh -n %s"),
        ]
    if data is not None and fence.outdate is not None:
        found += _outdating(node, plan, data, fence.outdate)
    if FencingDevice.HYPERVISOR in fence.devices:
        endpoint = f"[{fence.endpoint}]:{fence.port}"
        found += [
            ManagedFile(
                path=KEY,
                # The key comes first: ssh looks for it at the very beginning.
                content=f"{place_of(fence.key_secret)}\n"
                f"# Managed by pairwise (stacks/{plan.stack}); local edits are lost.\n",
                mode=0o600,
                secrets=(fence.key_secret,),
            ),
            ManagedFile(
                path=KNOWN_HOSTS,
                content=f"# Managed by pairwise (stacks/{plan.stack}); local edits are lost.\n"
                f"{endpoint} {place_of(fence.host_key)}\n",
                secrets=(fence.host_key,),
            ),
            ManagedFile(
                path=SSH_CONFIG,
                content=render(
                    "blocks/fencing/templates/ssh_config.j2",
                    stack=plan.stack,
                    fence=fence,
                    key=KEY,
                    known_hosts=KNOWN_HOSTS,
                    line=LINE,
                    control=f"{pairs.RUN}/fence-line",
                ),
                check="ssh -G -F %s fence-endpoint >/dev/null",
            ),
            ManagedFile(
                path=LINE_FILE,
                content=render("blocks/fencing/templates/line.service.j2", **values),
                check=check_unit(LINE),
            ),
        ]
    return tuple(found)


def _outdating(
    node: NodePlan, plan: DeployPlan, data: DataPlan, line: OutdateLine
) -> list[ManagedFile]:
    """The program that asks the peer to outdate its copies, and does it when the peer asks."""
    whose = f"Managed by pairwise (stacks/{plan.stack}); local edits are lost."
    config = {
        "": whose,
        "node": node.name,
        "peer": _fence(node).peer,
        "address": str(line.address),
        "peer_address": str(line.peer_address),
        "port": line.port,
        "secret": SECRET,
        "program": pairs.OUTDATE_DRBDADM,
        "resources": [resource.name for resource in data.drbd.resources],
        "pipes": PIPES,
    }
    unit = render(
        "blocks/fencing/templates/outdate.service.j2",
        stack=plan.stack,
        fence=_fence(node),
        asker=ASKER,
        config=CONFIG,
        pipes=PIPES.removeprefix("/run/"),
        memory_mib=MEMORY_MIB,
    )
    return [
        programs.one_file(ASKER, Path(outdate.__file__), stack=plan.stack),
        # The pair's secret, which DRBD has as well; its reader takes the first line.
        ManagedFile(
            path=SECRET,
            content=f"{place_of(data.drbd.secret)}\n# {whose}\n",
            mode=0o600,
            secrets=(data.drbd.secret,),
        ),
        ManagedFile(
            path=CONFIG,
            content=json.dumps(config, indent=1) + "\n",
            check=programs.CHECK_JSON,
        ),
        ManagedFile(path=UNIT_FILE, content=unit, check=check_unit(UNIT)),
    ]


def manifest(node: NodePlan, plan: DeployPlan) -> Manifest:
    """All that the block owns on a node."""
    fence = _fence(node)
    glue = ("cluster-glue", "python3") if node.data is not None else ()
    units = []
    if fence.outdate is not None:
        theirs = (ASKER, CONFIG, SECRET, UNIT_FILE)
        units.append(Unit(name=UNIT, reload=Reload.RESTART, files=theirs))
    if FencingDevice.HYPERVISOR in fence.devices:
        theirs = (KEY, KNOWN_HOSTS, SSH_CONFIG, LINE_FILE)
        units.append(Unit(name=LINE, reload=Reload.RESTART, files=theirs))
    return Manifest(
        block=NAME,
        packages=(*glue, "openssh-client"),
        files=files(node, plan),
        units=tuple(units),
    )


def checks(node: NodePlan, plan: DeployPlan) -> tuple[Check, ...]:
    """What ``pairwise verify`` tries."""
    fence = _fence(node)
    found = _outdating_checks(node, plan) if fence.outdate is not None else ()
    if FencingDevice.HYPERVISOR not in fence.devices:
        return found
    ask = f"timeout {ASK_S} ssh -F {SSH_CONFIG} fence-endpoint"
    return (
        *found,
        is_enabled(NAME, LINE),
        Check(
            name="fencing: the line to the endpoint is open",
            command=f"ssh -F {SSH_CONFIG} -O check fence-endpoint",
            failure=f"{LINE} of {node.name} does not hold its line to {fence.endpoint}: a take-over"
            " takes a handshake longer.",
        ),
        Check(
            name=f"fencing: the endpoint says whether {fence.peer} is on",
            command=f"{ask} status {fence.peer} | grep -qxE 'on|off'",
            failure=f"The fence endpoint at {fence.endpoint} does not answer {node.name}: a"
            f" take-over would wait for `pairwise fence confirm {plan.stack} {fence.peer}`.",
        ),
        Check(
            name="fencing: the endpoint refuses this node itself",
            command=f"! {ask} off {node.name}",
            failure=f"The fence endpoint lets {node.name} power itself off: its keys are mixed up.",
        ),
    )


def _outdating_checks(node: NodePlan, plan: DeployPlan) -> tuple[Check, ...]:
    peer = _fence(node).peer
    return (
        is_active(NAME, UNIT),
        is_enabled(NAME, UNIT),
        Check(
            name=f"fencing: {peer} can be asked to outdate its copies",
            command=f"python3 -I {ASKER} {CONFIG} greet {ASK_S}",
            failure=f"{peer} does not answer {node.name} about its copies: when the replication"
            f" link goes, one of the two is powered off. `pairwise exec {plan.stack} {peer} --"
            f" journalctl -u {UNIT}` says why.",
        ),
    )


def _fence(node: NodePlan) -> FencePlan:
    if node.fence is None:
        raise ValueError(f"Node {node.name} has nobody to fence in its plan.")
    return node.fence
