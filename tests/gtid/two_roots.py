"""Two nodes of a GTID pair for a test: the golden image's root tree twice, a wire between them.

Each node has its rendered files, its own mysqld and its own reconciler. systemd is played by a
loop that starts mysqld again, the fence endpoint by a mark that the test grants.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from typing_extensions import override

from bootstrap.blocks.gtid_pair import deploy as gtid_pair
from bootstrap.blocks.gtid_pair import program
from bootstrap.blocks.mysql import gtid as mysql
from bootstrap.managed import ManagedFile
from bootstrap.shared import pairs
from lab.image import Image
from stacks.plan_types import NodePlan
from tests.roots import Root, until, wire

SERVER = (
    "while [ ! -e /stopped ]; do"
    " /usr/local/lib/pairwise/mysql-first-data && mysqld --user=mysql; sleep 0.5; done"
)
RECONCILER = (
    f"PYTHONPATH={gtid_pair.PROGRAM} exec python3 -P -B -u -m {program.__name__}"
    f" {gtid_pair.CONFIG} /var/lib/pairwise {pairs.RUN}"
)
FENCE = "touch /asked; [ -e /granted ] && exit 0; sleep 0.3; exit 1"
PROBE = "touch /probed; [ -e /off ]"
PID = "/run/mysqld/mysqld.pid"
KILL = "kill -9 $(cat /run/mysqld/mysqld.pid)"
COMMANDS = {"fence": FENCE, "probe": PROBE, "kill": KILL}
ROW = "INSERT INTO site.visits (node, text) VALUES (@@hostname, '{}')"


class Machine(Root):
    """One node."""

    def __init__(self, image: Image, node: NodePlan, files: Mapping[str, ManagedFile]) -> None:
        self.node = node
        self.held = False
        config = json.loads(files[gtid_pair.CONFIG].content)
        config |= {name: ["sh", "-c", text] for name, text in COMMANDS.items()}
        super().__init__(image, node.name, files, {gtid_pair.CONFIG: json.dumps(config)})

    def boot(self) -> None:
        """mysqld and reconciler start; what is below /run is new."""
        self.sh(
            "rm -rf /run/pairwise /run/mysqld; mkdir -p /run/pairwise /var/lib/pairwise;"
            " install -d -o mysql -g mysql /run/mysqld /var/cache/pairwise-mysql;"
            " rm -f /asked /granted /probed /off /stopped"
        )
        self.begin(SERVER)
        self.begin(RECONCILER)

    def power_off(self) -> None:
        """Everything at once; nothing is said to anybody."""
        self.end_processes()
        self.sh(KILL, check=False)

    def leave(self) -> None:
        """As systemd shuts it down: the reconciler, which ends by itself, then the server."""
        reconciler = self.processes[-1]
        (self.root / pairs.LEAVING.lstrip("/")).touch()
        reconciler.wait(timeout=30)
        self.stop_server()
        self.vip(held=False)
        for process in self.processes:
            process.wait(timeout=10)
        self.processes.clear()

    def stop_server(self) -> None:
        """As systemd stops the unit: ExecStop, then SIGTERM; it is not started again."""
        stop = f"{mysql.STOP} $pid; kill -TERM $pid 2>/dev/null"
        gone = "while [ -e /proc/$pid ]; do sleep 0.1; done"
        self.sh(f"touch /stopped; pid=$(cat {PID}); {stop}; {gone}")

    def crash_server(self) -> None:
        """SIGKILL; the loop starts it again, as systemd does. Returns once it answers."""
        before = self.sh(f"cat {PID}")
        self.sh(KILL)
        until(lambda: self.sh(f"cat {PID}", check=False) not in ("", before), timeout_s=60)
        until(lambda: self.sql("SELECT 1", check=False) == "1", timeout_s=60)

    def asked(self) -> set[str]:
        """What was asked of the fence endpoint since the last call."""
        names = {name for name in ("asked", "probed") if (self.root / name).exists()}
        for name in names:
            (self.root / name).unlink()
        return names

    @override
    def remove(self) -> None:
        self.power_off()
        super().remove()

    def wire(self, *, up: bool) -> None:
        interface = self.node.gtid.network if self.node.gtid else ""
        self.sh(f"ip link set {interface} {'up' if up else 'down'}")

    def vip(self, *, held: bool) -> None:
        assert self.node.gtid is not None
        verb = "replace" if held else "delete"
        gtid = self.node.gtid
        address = f"{gtid.mysql.vip}/24 dev {gtid.vip_interface}"
        self.sh(f"ip address {verb} {address}", check=held)
        self.held = held

    def sql(self, statement: str, *, check: bool = True, timeout_s: float = 10) -> str:
        client = f'timeout {timeout_s} mysql --no-defaults --user=root -BN -e "{statement}"'
        return self.sh(client, check=check).strip()

    def says(self) -> dict[str, Any]:
        try:
            text = (self.root / pairs.GTID.lstrip("/")).read_text(encoding="utf-8")
        except OSError:
            return {}
        found: dict[str, Any] = json.loads(text)
        return found


def vrrp(machines: Sequence[Machine]) -> None:
    """As keepalived does, once: the VIP is where it may be."""
    fit = [machine for machine in machines if machine.says().get("may_hold")]
    held = [machine for machine in machines if machine.held]
    for machine in held:
        if machine not in fit:
            machine.vip(held=False)
    if fit and not any(machine.held for machine in machines):
        fit[0].vip(held=True)


def connect(one: Machine, other: Machine) -> None:
    """A wire between two machines; each end is the card that replication uses."""
    assert one.node.gtid is not None
    assert other.node.gtid is not None
    ends = (f"{one.node.gtid.own_address}/24", f"{other.node.gtid.own_address}/24")
    wire(one, other, one.node.gtid.network, ends)
