"""keepalived moves the pair's VIPs between its nodes, by unicast VRRP version 3.

Needs: node.keepalived; base (user healthcheck, VRRP accepted from the peer) and the block of the
    service whose health it checks before it, so that its first check finds an answer; block lvs
    before it on directors.
Ensures: keepalived.conf; a message for each transition where the plan has ``notify``; a script
    that writes each transition to the journal and to /run/keepalived/<VIP>.state; a script
    that removes left-over VIPs before start and after stop.
Restart: never; every change is taken up by a reload (SIGHUP), which keeps the VIPs where they are.
Pair order: backup first, then active. In mode dual a node is active for one VIP and backup for
    another: reloads are safe in any order, see "advert interval".
Verify: process, keepalived -t, a state file per VIP. Checkers: checks.py.
Fails when: keepalived refuses the file; the old one stays. No state file: it is still within its
    start delay.
Refs: keepalived.conf(5), RFC 9568.

Modes: ``single`` and ``dual`` preempt (document 000: each VIP returns to its preferred node);
``sync`` binds all VIPs and does not preempt (document 003), and neither does a GTID pair. Every
instance starts as BACKUP: the priorities decide, and a start never takes a VIP before it has
listened.

Directors: it also looks at their real servers, and keeps those that answer in the kernel's table,
on both nodes all the time (``real_servers``). All services of a pair are looked at side by side.

GTID pairs: the reconciler says who may hold the VIPs, and any other node is in FAULT, a replica
that is well too: adverts that do not arrive, in a partition or at a boot, move nothing. As only one
node takes part at a time, it waits for one advert and not for three. The word comes by a file that
keepalived watches: 1 lets the node take part, anything else is FAULT, no file too. A script judges
what no file can say: whether the one who writes it still lives.

Advert interval: VRRP version 2 drops adverts whose interval differs, so changing it on a running
pair makes two holders. In version 3 a backup takes the interval from the adverts that it receives
(RFC 9568 section 6.1, Active_Adver_Interval), and keepalived sends an advert with the new interval
at the moment of a reload. Yet a backup that reloads with a shorter interval waits for that one
until it has heard the active (seen with keepalived 2.3.3: 3 s to 0.2 s took the VIP). So a shorter
interval comes in two steps: in ``configure`` each node reloads with it for the VIPs that it holds
and keeps the old one for the others; in ``activate``, when all have, with the file as planned.

Kept from document 000 and 003: VRIDs and priorities (in the plan), interval 2 s of the check,
state BACKUP on both and nopreempt in the sync group, advert_int (in the plan).

Replaced knowingly: state MASTER -> BACKUP on both. weight 2 on the check -> none: a failing check
is FAULT, and the VIP leaves; with 101 against 90 the document's weight would never move it. Script
that starts nginx and kills keepalived -> systemd restarts nginx once, track_process and
track_script see that it is gone. auth_type PASS -> none: a password in clear text keeps nobody
out, the firewall accepts protocol 112 from the peer only. Multicast -> unicast. Mail
(notification_email, smtp_server) -> the journal, and the block ``notify``; router_id LVS_DEVEL on
both -> the node's name.
"""

from __future__ import annotations

import math
import shlex
from urllib.parse import urlsplit

from bootstrap.blocks.keepalived import checks as verify
from bootstrap.blocks.keepalived import real_servers
from bootstrap.checks import Check
from bootstrap.managed import ManagedFile, Manifest, Reload, Unit
from bootstrap.operations import vrrp
from bootstrap.render import render
from bootstrap.shared import lvs, notify, pairs
from bootstrap.shared.systemd import CHECK_DROP_IN
from bootstrap.site import Site, ensure_configured
from stacks.model import Role, VrrpMode
from stacks.plan_types import DeployPlan, NodePlan
from stacks.plan_vrrp_types import KeepalivedPlan, VrrpInstance

NAME = "keepalived"
UNIT = "keepalived.service"
CONFIG = "/etc/keepalived/keepalived.conf"
CHECK_SCRIPT = f"{pairs.SCRIPTS}/check-service"
ALIVE_SCRIPT = f"{pairs.SCRIPTS}/check-reconciler"
NOTIFY_SCRIPT = f"{pairs.SCRIPTS}/vrrp-notify"
CLEAN_SCRIPT = f"{pairs.SCRIPTS}/vrrp-clean"
STOP_SCRIPT = f"{pairs.SCRIPTS}/vrrp-stop"
PROCESSES = f"/sys/fs/cgroup/system.slice/{UNIT}/cgroup.procs"
"""Where the kernel lists the unit's processes (cgroups(7))."""
STOP_S = 5
"""For messages that were under way; the VIPs are gone since the beginning."""
DROP_IN = f"/etc/systemd/system/{UNIT}.d/pairwise.conf"
STATE_FOLDER = "/run/keepalived"
"""One file per VIP: MASTER, BACKUP or FAULT, as keepalived says it."""
SCRIPT_USER = "healthcheck"
"""Made by the base block."""

CHECK_INTERVAL_S = 2
"""Document 000. Sooner costs a process each time; a dead nginx is seen at once by track_process."""
CHECK_ANSWER_S = 4
"""A local answer takes milliseconds; a machine under software emulation whose hypervisor is busy
has taken more than two seconds, and moving its VIPs would make that worse."""
CHECK_TIMEOUT_S = 5
"""The script's own limit, and the time to end."""
CHECK_RISE = 2
"""Two answers in a row: an nginx that comes and goes does not get the VIP back."""
CHECK_FALL = 3
"""A late answer or two move nothing: 4 to 6 s until an nginx that refuses connections loses its
VIPs, 15 to 17 s until one that hangs does."""
PROCESS_GRACE_S = 6
"""Time for systemd to restart a dead nginx before it counts as gone: 0.1 s on hardware, 1 s under
software emulation, more than 3 s when six emulated machines share two processors. As long as
the script's own patience."""
ALIVE_S = 8
"""The reconciler says each second that it lives; a look at two frozen servers takes four."""
ALIVE_INTERVAL_S = 4
"""Who may hold the VIPs comes by a file that is watched; a shell each second, to ask for it, took a
third of an emulated processor. Together with the age before it: 12 s until a node is out whose
reconciler has died, or hangs, before it was source."""
ALIVE_TIMEOUT_S = 8
"""One check that is killed is FAULT: it has had the time of two."""
LONE_ADVERTS = 1
"""down_timer_adverts(keepalived.conf(5)) of a GTID pair."""
PHP = "php-fpm8.4"
"""Process name of Debian 13's php-fpm."""
START_MARGIN_S = 1
"""Beyond the master-down interval that a starting node only listens: adverts of a node that is
active are then surely heard, and its VIP is not taken from it."""

TRANSITIONS = {
    "notify_master": ("active", "holds"),
    "notify_backup": ("backup", "stands by for"),
    "notify_fault": ("fault", "is not fit to hold"),
}
"""keepalived.conf(5): hook -> state and words of the message. They run as the user of the
notification program, not as root as the script does that writes below /run."""
STOPPED = ("stopped", "takes no part any more in")
"""The same once keepalived has ended, however it did."""
GTID_TRANSITIONS = {"notify_fault": ("fault", "does not take")}
"""A node of a GTID pair is in FAULT as long as its peer is the source."""


def files(node: NodePlan, plan: DeployPlan) -> tuple[ManagedFile, ...]:
    """Every file of the block; scripts first, keepalived's checker looks for them."""
    keepalived = _keepalived(node)
    values = {
        "stack": plan.stack,
        "node": node,
        "keepalived": keepalived,
        "pair": plan.deploy,
        "state_folder": STATE_FOLDER,
        "clean_script": CLEAN_SCRIPT,
        "stop_script": STOP_SCRIPT,
        "processes": PROCESSES,
        "wait_s": STOP_S,
        "url": urlsplit(keepalived.check_url),
        "answer_s": CHECK_ANSWER_S,
        "lone_adverts": LONE_ADVERTS,
        "marks": pairs,
        "alive_s": ALIVE_S,
        "alive_interval_s": ALIVE_INTERVAL_S,
        "alive_timeout_s": ALIVE_TIMEOUT_S,
        "stopped": _ends(node, plan),
        "table_unit": lvs.UNIT,
    }

    def text(template: str, **more: object) -> str:
        return render(f"blocks/keepalived/templates/{template}.j2", **values, **more)

    shell = "sh -n %s"
    bash = "bash -n %s"
    by_http = verify.by_http(node)
    scripts = []
    if by_http:
        service = text("check-service")
        scripts.append(ManagedFile(path=CHECK_SCRIPT, content=service, mode=0o755, check=bash))
    if node.gtid is not None:
        alive = text("check-reconciler")
        scripts.append(ManagedFile(path=ALIVE_SCRIPT, content=alive, mode=0o755, check=shell))
    return (
        *scripts,
        *real_servers.files(node, plan),
        ManagedFile(path=NOTIFY_SCRIPT, content=text("vrrp-notify"), mode=0o755, check=shell),
        ManagedFile(path=CLEAN_SCRIPT, content=text("vrrp-clean"), mode=0o755, check=shell),
        ManagedFile(path=STOP_SCRIPT, content=text("vrrp-stop"), mode=0o755, check=bash),
        ManagedFile(path=DROP_IN, content=text("keepalived.service.d.conf"), check=CHECK_DROP_IN),
        ManagedFile(
            path=CONFIG,
            content=text(
                "keepalived.conf",
                **_settings(keepalived),
                by_http=by_http,
                php=PHP if node.gtid is not None and Role.WEB in node.roles else "",
                alive_script=ALIVE_SCRIPT if node.gtid is not None else "",
                servers=real_servers.text(node, plan),
                stays=keepalived.mode is VrrpMode.SYNC or node.gtid is not None,
                messages=_messages(node, plan),
                message_user=notify.USER,
            ),
            check=verify.CHECK_KEEPALIVED,
        ),
    )


def _settings(keepalived: KeepalivedPlan) -> dict[str, object]:
    takeover_s = max(instance.takeover_s for instance in keepalived.instances)
    return {
        # One VIP alone needs no group, and keepalived -t refuses one.
        "sync": keepalived.mode is VrrpMode.SYNC and len(keepalived.instances) > 1,
        "script_user": SCRIPT_USER,
        "check_script": CHECK_SCRIPT,
        "notify_script": NOTIFY_SCRIPT,
        "check_interval_s": CHECK_INTERVAL_S,
        "check_timeout_s": CHECK_TIMEOUT_S,
        "check_rise": CHECK_RISE,
        "check_fall": CHECK_FALL,
        "process_grace_s": PROCESS_GRACE_S,
        "startup_delay_s": math.ceil(takeover_s) + START_MARGIN_S,
    }


def _messages(node: NodePlan, plan: DeployPlan) -> dict[str, list[tuple[str, str]]]:
    """VIP -> keepalived's hook and the call of the notification program, for each transition."""
    silent: dict[str, list[tuple[str, str]]] = {i.name: [] for i in _keepalived(node).instances}
    return silent | {item.name: _hooks(node, plan, item) for item in _told(node)}


def _told(node: NodePlan) -> tuple[VrrpInstance, ...]:
    """The VIPs about which somebody is told."""
    return _keepalived(node).instances if node.notify is not None else ()


def _hooks(node: NodePlan, plan: DeployPlan, instance: VrrpInstance) -> list[tuple[str, str]]:
    told = TRANSITIONS | (GTID_TRANSITIONS if node.gtid is not None else {})
    return [(hook, _message(node, plan, instance, *words)) for hook, words in told.items()]


def _message(
    node: NodePlan, plan: DeployPlan, instance: VrrpInstance, state: str, does: str
) -> str:
    return notify.command(
        notify.Kind.VRRP,
        pair=plan.deploy,
        node=node.name,
        vip=instance.name,
        state=state,
        text=f"{node.name} {does} {instance.name} ({instance.vip})",
    )


def _ends(node: NodePlan, plan: DeployPlan) -> list[str]:
    """Shell lines that tell of each VIP that this node takes no part any more."""
    return [shlex.join(_message(node, plan, item, *STOPPED).split()) for item in _told(node)]


def manifest(node: NodePlan, plan: DeployPlan) -> Manifest:
    """All that the block owns on a node."""
    return Manifest(
        block=NAME,
        packages=("keepalived", "curl"),
        files=files(node, plan),
        observed=tuple(_states(node).values()),
        units=(Unit(name=UNIT, reload=Reload.RELOAD, files=(CONFIG,)),),
    )


def configure(site: Site) -> None:
    """Its files are in place, accepted by keepalived -t."""
    ensure_configured(site, leave=(CONFIG,))
    vrrp.configured(
        name=site.named(CONFIG),
        file=next(file for file in site.manifest.files if file.path == CONFIG),
        unit=site.manifest.units[0],
        states=_states(site.node),
        seen=site.seen,
    )


def checks(node: NodePlan, plan: DeployPlan) -> tuple[Check, ...]:
    """What ``pairwise verify`` tries."""
    return verify.checks(
        node, _keepalived(node), deploy=plan.deploy, config=CONFIG, state_folder=STATE_FOLDER
    )


def _states(node: NodePlan) -> dict[str, str]:
    """VIP -> the file in which the notify script keeps its state."""
    instances = _keepalived(node).instances
    return {instance.name: f"{STATE_FOLDER}/{instance.name}.state" for instance in instances}


def _keepalived(node: NodePlan) -> KeepalivedPlan:
    if node.keepalived is None:
        raise ValueError(f"Node {node.name} has no keepalived in its plan.")
    return node.keepalived
