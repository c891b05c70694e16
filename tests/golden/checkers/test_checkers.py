"""Every rendered file is accepted by its daemon's own checker, and each checker refuses a bad one.

The checkers run in the golden image's root tree, so by the versions that run on the machines.
"""

from __future__ import annotations

import pytest

from bootstrap.blocks.gtid_pair import deploy as gtid_pair
from bootstrap.blocks.gtid_pair import program as reconciler
from bootstrap.blocks.monitor import deploy as monitor
from bootstrap.blocks.monitor import program as watcher
from bootstrap.blocks.rw_split_agent import deploy as rw_split_agent
from bootstrap.blocks.rw_split_agent import program as splitting
from bootstrap.deploy import render_all
from bootstrap.facts import drbd
from bootstrap.shared import programs
from stacks.plan_types import Plan
from tests.golden.checkers.in_root import baked, judge
from tests.golden.tree import expected, plans

pytestmark = pytest.mark.image

CLOUD_INIT = {
    "user-data": "cloud-init schema --config-file %s",
    "network-config": "cloud-init schema --schema-type network-config --config-file %s",
}
"""cloud-init's own checker; meta-data has none."""

BROKEN = {
    "/etc/nftables.conf": ("table inet", "tabel inet"),
    "/etc/chrony/chrony.conf": ("driftfile", "drivefile"),
    "/etc/ssh/sshd_config.d/10-pairwise.conf": ("PermitTunnel no", "PermitTunnel maybe"),
    "/etc/systemd/system/ssh.service.d/pairwise.conf": ("After=", "Afterwards="),
    "/etc/systemd/system/nginx.service.d/pairwise.conf": ("Restart=always", "Restart=sometimes"),
    "/etc/systemd/system/keepalived.service.d/pairwise.conf": ("RestartSec=5s", "RestartSec=x"),
    "/etc/nginx/nginx.conf": ("use epoll;", "use epoll"),
    "/etc/nginx/sites-available/pairwise-balancer.conf": ("proxy_pass ", "proxy_past "),
    "/etc/nginx/sites-available/pairwise-status.conf": ("stub_status;", "stub_statue;"),
    "/etc/nginx/sites-available/pairwise-web.conf": ("try_files ", "dry_files "),
    "/etc/systemd/system/memcached.service.d/pairwise.conf": ("RestartSec=1s", "RestartSec=x"),
    "/etc/systemd/system/php8.4-fpm.service.d/pairwise.conf": ("PrivateTmp=yes", "PrivateTmp=x"),
    "/etc/php/8.4/fpm/php-fpm.conf": ("pm = static", "pm = ecstatic"),
    **{
        f"/var/www/pairwise-app/{name}.php": ("declare(strict_types=1);", "declare(strict_types=1;")
        for name in (
            "answer",
            "copies",
            "database",
            "index",
            "page",
            "session",
            "share",
            "store",
        )
    },
    "/etc/pairwise/app.php": ("return [", "return ("),
    "/etc/keepalived/keepalived.conf": ("virtual_router_id ", "virtual_router_id 9"),
    "/usr/local/lib/pairwise/check-service": ("|| exit 1", "|| ("),
    "/usr/local/lib/pairwise/vrrp-notify": ("mkdir -p", "if mkdir -p"),
    "/usr/local/lib/pairwise/vrrp-clean": ("exit 0", "done"),
    "/usr/local/lib/pairwise/vrrp-stop": ("exit 0", "done"),
    "/etc/drbd.d/global_common.conf": ("protocol C;", "protocol D;"),
    "/etc/drbd.d/mysql.res": ("meta-disk ", "meta-disc "),
    "/etc/systemd/system/srv-mysql.mount": ("Type=ext4", "Typ=ext4"),
    "/etc/systemd/system/mysql.service.d/pairwise.conf": ("TimeoutStopSec=", "TimeoutStopSec=x"),
    "/etc/mysql/mysql.conf.d/pairwise.cnf": ("sync_binlog", "sink_binlog"),
    "/usr/local/lib/pairwise/first-data.d/mysql": ("set -eu", "set -eu ("),
    "/etc/drbd.d/nfs.res": ("meta-disk ", "meta-disc "),
    "/usr/local/lib/pairwise/drbd-event": ("esac", "fi"),
    "/usr/local/lib/pairwise/first-data": ("esac", "fi"),
    "/usr/local/lib/pairwise/meet-peer": ("done", "fi"),
    "/usr/local/lib/pairwise/drbd-verify": ("esac", "fi"),
    "/usr/local/lib/pairwise/fence": ("flock 9", "flock 9 ("),
    "/usr/local/lib/pairwise/drbd-fence-peer": ("esac", "fi"),
    "/usr/local/lib/pairwise/outdate/drbdadm": ("esac", "fi"),
    "/usr/local/lib/pairwise/outdate-peer": ("def ", "de "),
    "/etc/pairwise/fence/outdate.json": ("{", "("),
    "/etc/systemd/system/pairwise-outdate.service": ("Restart=always", "Restart=sometimes"),
    "/usr/lib/stonith/plugins/external/pairwise": ("esac", "fi"),
    "/usr/local/lib/pairwise/first-data.d/nfs": ("set -eu", "set -eu ("),
    "/etc/pairwise/fence/ssh_config": ("BatchMode yes", "BatchMode maybe"),
    "/etc/pairwise/monitor.json": ("{", "("),
    "/usr/local/lib/pairwise/check-reconciler": ("\nfi", "\ndone"),
    "/usr/local/lib/pairwise/gtid-leave": ("|| exit 0", "|| ("),
    "/usr/local/lib/pairwise/mysql-stop": ("|| exit 0", "|| ("),
    "/usr/local/lib/pairwise/mysql-first-data": ("set -eu", "set -eu ("),
    "/etc/pairwise/gtid/reconciler.json": ("{", "("),
    "/etc/systemd/system/pairwise-gtid.service": ("Restart=always", "Restart=sometimes"),
    "/etc/haproxy/haproxy.cfg": ("default_backend source", "default_backend sauce"),
    "/etc/systemd/system/haproxy.service.d/pairwise.conf": ("RestartSec=1s", "RestartSec=x"),
    "/usr/local/lib/pairwise/split-backends": ("def ask(", "def ask)"),
    "/etc/pairwise/split-agent.json": ("{", "("),
    "/etc/systemd/system/pairwise-split-agent.service": ("DynamicUser=yes", "DynamicUser=x"),
    "/etc/systemd/system/pairwise-monitor.service": ("Type=notify", "Type=notifies"),
    **{
        f"{folder}/{name}": ("from __future__ import annotations", "from __future__ import")
        for folder, names in (
            (gtid_pair.PROGRAM, programs.modules(reconciler)),
            (monitor.FOLDER, programs.modules(watcher, drbd)),
            (rw_split_agent.PROGRAM, programs.modules(splitting)),
        )
        for name in names
    },
    "/etc/ha.d/shellfuncs": ("esac", "fi"),
    "/usr/local/lib/pairwise/groups": ("esac", "fi"),
    "/usr/local/lib/pairwise/heartbeat-key": ("def ", "de "),
    "/etc/pairwise/heartbeat-key.json": ("{", "("),
    "/etc/systemd/system/pairwise-heartbeat-key.service": ("Restart=on-failure", "Restart=maybe"),
    "/etc/systemd/system/pairwise-fence-line.service": ("Type=exec", "Type=maybe"),
    "/etc/systemd/system/pairwise-mysql-warm.service": ("oneshot", "once"),
    "/etc/systemd/system/pairwise-mysql-warm.timer": ("*:0/10", "*:0/x"),
    "/etc/ha.d/resource.d/pwunit": ("esac", "fi"),
    "/etc/ha.d/resource.d/pwvip": ("esac", "fi"),
    "/etc/systemd/system/pairwise-drbd.service": ("oneshot", "once"),
    "/etc/systemd/system/pairwise-meet-peer.service": ("on-failure", "maybe"),
    "/etc/systemd/system/pairwise-drbd-verify.service": ("oneshot", "once"),
    "/etc/systemd/system/pairwise-drbd-verify.timer": ("Sun ", "Sonn "),
    "/etc/systemd/system/heartbeat.service.d/pairwise.conf": (
        "TimeoutStopSec=300",
        "TimeoutStopSec=x",
    ),
    "/etc/systemd/system/nfs-server.service.d/pairwise.conf": ("AssertPath", "AssertPat"),
    "/etc/systemd/system/nfsdcld.service.d/pairwise.conf": ("AssertPath", "AssertPat"),
    "/etc/systemd/system/rpc-statd.service.d/pairwise.conf": ("AssertPath", "AssertPat"),
    "/etc/systemd/system/pairwise-nfs-notify.service": ("ExecStart=/", "ExecStart="),
    "/etc/modprobe.d/pairwise-lockd.conf": ("options", "option"),
    "/etc/systemd/system/srv-nfs.mount": ("Type=ext4", "Typ=ext4"),
    "/etc/systemd/system/srv-files.mount": ("TimeoutSec=60", "TimeoutSec=x"),
    "/usr/local/lib/pairwise/notify": ("esac", "fi"),
    "/usr/local/lib/pairwise/notify-deliver": ("def main(", "def main)"),
    "/etc/pairwise/notify.json": ("{", "("),
    "/etc/systemd/system/pairwise-notify-spool.service": ("oneshot", "once"),
    "/etc/systemd/system/pairwise-notify-lab.service": ("Restart=on-failure", "Restart=maybe"),
    "/etc/systemd/system/pairwise-notify-lab.path": ("DirectoryNotEmpty=/", "DirectoryNotEmpty="),
}
"""Path -> what is replaced in a good file, and by what."""

BROKEN_ON = (
    ("six", "lb1"),
    ("six", "web1"),
    ("six", "data1"),
    ("six-gtid", "web1"),
    ("six-gtid", "data1"),
    ("nfs", "nfs1"),
    ("nfs", "client1"),
    ("nfs-v3", "nfs1"),
    ("nfs-v3", "client1"),
    ("alone-data", "data1"),
)
"""Nodes that between them have every template."""
JUDGED = (
    *BROKEN_ON,
    ("nfs-metadata", "nfs1"),
    ("nfs-dopd", "nfs1"),
    ("nfs-no-fencing", "nfs1"),
    ("duo", "server1"),
    ("alone-lb-fast", "lb2"),
)
"""Nodes that between them have every template in every mode."""


def _judge(plan: Plan, node: str, *, broken: bool) -> tuple[set[str], dict[str, str]]:
    files = list(render_all(plan)[node].values())
    cases = []
    for file in files:
        if not file.check:
            continue
        good, bad = BROKEN[file.path] if broken else ("", "")
        assert good in file.content, f"{file.path} no longer holds {good!r}: mend BROKEN"
        cases.append((file.path, file.check, file.content.replace(good, bad, 1)))
    refused = judge(baked(), plan.nodes[node], files, cases)
    return {name for name, _, _ in cases}, refused


@pytest.mark.parametrize(("stack", "node"), JUDGED)
def test_every_file_is_accepted(stack: str, node: str) -> None:
    _, refused = _judge(plans()[stack], node, broken=False)
    assert refused == {}


@pytest.mark.parametrize(("stack", "node"), BROKEN_ON)
def test_every_checker_refuses_a_broken_file(stack: str, node: str) -> None:
    tried, refused = _judge(plans()[stack], node, broken=True)
    assert set(refused) == tried


def test_cloud_init_accepts_its_files_and_refuses_broken_ones() -> None:
    plan = plans()["six"]
    cases = []
    for name, check in CLOUD_INIT.items():
        text = expected()[f"six/data1/cloud-init/{name}"]
        cases.append((name, check, text))
        broken = text.replace("ssh_pwauth: false", "ssh_pwauth: [1]").replace("lan:", "lan: 5 #")
        cases.append((f"broken {name}", check, broken))
    refused = judge(baked(), plan.nodes["data1"], [], cases)
    assert set(refused) == {"broken user-data", "broken network-config"}
