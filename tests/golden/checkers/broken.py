"""How each file that has a checker is broken for it, and on which nodes."""

from __future__ import annotations

from bootstrap.blocks.gtid_pair import deploy as gtid_pair
from bootstrap.blocks.gtid_pair import program as reconciler
from bootstrap.blocks.monitor import deploy as monitor
from bootstrap.blocks.monitor import program as watcher
from bootstrap.blocks.read_replica import deploy as read_replica
from bootstrap.blocks.read_replica import program as replica
from bootstrap.blocks.rw_split_agent import deploy as rw_split_agent
from bootstrap.blocks.rw_split_agent import program as splitting
from bootstrap.facts import drbd
from bootstrap.shared import answers, programs

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
    "/usr/local/lib/pairwise/real-server-tell": ("|| exit 0", "|| ("),
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
    **{
        f"/etc/mysql/pairwise.d/{name}.cnf": ("sync_binlog", "sink_binlog")
        for name in ("one", "two", "three", "four", "read")
    },
    "/etc/systemd/system/pairwise-mysql@.service": ("Restart=always", "Restart=sometimes"),
    "/usr/local/lib/pairwise/mysql-instance-data": ("set -eu", "set -eu ("),
    "/etc/ha.d/ldirectord.cf": ("scheduler=", "skeduler="),
    "/etc/systemd/system/ldirectord.service": ("Type=forking", "Type=maybe"),
    "/usr/local/lib/pairwise/ldirectord-tell": ("esac", "fi"),
    "/etc/systemd/system/pairwise-ldirectord-tell.service": ("RestartSec=1", "RestartSec=x"),
    "/etc/systemd/system/pairwise-lvs.service": ("Type=oneshot", "Type=twoshot"),
    "/etc/systemd/system/pairwise-lvs-vips.service": ("Type=oneshot", "Type=twoshot"),
    "/etc/drbd.d/nfs.res": ("meta-disk ", "meta-disc "),
    "/usr/local/lib/pairwise/drbd-event": ("esac", "fi"),
    "/usr/local/lib/pairwise/first-data": ("esac", "fi"),
    "/usr/local/lib/pairwise/meet-peer": ("done", "fi"),
    "/usr/local/lib/pairwise/drbd-stop": ("esac", "fi"),
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
    "/etc/systemd/system/pairwise-router.service": ("DynamicUser=yes", "DynamicUser=x"),
    "/usr/local/lib/pairwise/router-start": ("\nfi", "\ndone"),
    "/usr/local/lib/pairwise/split-backends": ("def ask(", "def ask)"),
    "/etc/pairwise/read-replica/agent.json": ("{", "("),
    "/etc/systemd/system/pairwise-read-replica.service": ("Restart=always", "Restart=sometimes"),
    "/etc/pairwise/split-agent.json": ("{", "("),
    "/etc/systemd/system/pairwise-split-agent.service": ("DynamicUser=yes", "DynamicUser=x"),
    "/etc/systemd/system/pairwise-monitor.service": ("Type=notify", "Type=notifies"),
    **{
        f"{folder}/{name}": ("from __future__ import annotations", "from __future__ import")
        for folder, names in (
            (gtid_pair.PROGRAM, programs.modules(reconciler, *gtid_pair.SHARED)),
            (monitor.FOLDER, programs.modules(watcher, drbd)),
            (rw_split_agent.PROGRAM, programs.modules(splitting, answers)),
            (read_replica.PROGRAM, programs.modules(replica, *read_replica.SHARED)),
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
    "/etc/systemd/system/pairwise-look-srv-files.service": ("Type=exec", "Type=maybe"),
    "/usr/local/lib/pairwise/notify": ("esac", "fi"),
    "/usr/local/lib/pairwise/notify-deliver": ("def main(", "def main)"),
    "/etc/pairwise/notify.json": ("{", "("),
    "/etc/systemd/system/pairwise-notify-spool.service": ("oneshot", "once"),
    **{
        f"/etc/systemd/system/pairwise-notify-{way}.{unit}": change
        for way in ("command", "lab", "mail")
        for unit, change in (
            ("service", ("Restart=on-failure", "Restart=maybe")),
            ("path", ("DirectoryNotEmpty=/", "DirectoryNotEmpty=")),
        )
    },
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
    ("alone-lb-told", "lb1"),
    ("lvs", "server1"),
    ("lvs", "server3"),
    ("gateway", "db1"),
    ("gateway", "db2"),
    ("gateway-keepalived", "lvs1"),
)
"""Nodes that between them have every template."""
