"""Virtual services as seen from outside: what both directors have in their tables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from stacks.plan_lvs_types import RealServer, ServicePlan
from stacks.plan_types import DeployPlan

SCRIPT = "[ ! -e /proc/net/ip_vs ] || ipvsadm -Ln"
"""Shell text that prints the kernel's table; nothing where it has none."""
UP, DRAINS, OUT = "up", "drains", "out"


@dataclass(frozen=True, kw_only=True)
class Row:
    """One real server in a director's table."""

    weight: int
    """Its share of new connections."""
    active: int
    """Connections that are established."""
    ended: int
    """Connections that have ended, or that the director believes so (InActConn)."""


Table = Mapping[tuple[str, str], Row]
"""By service and real server, each as ``address:port``; a service alone has an empty server."""


class Answer(Protocol):
    """What a node said (``cli.status_read``)."""

    @property
    def reachable(self) -> bool:
        """Whether it answered at all."""

    @property
    def services(self) -> Table:
        """The kernel's virtual services."""


def parse(lines: Iterable[str]) -> Table:
    """Understand what ``ipvsadm -Ln`` prints."""
    found: dict[tuple[str, str], Row] = {}
    service = ""
    for line in lines:
        words = line.split()
        if words[:1] == ["TCP"]:
            service = words[1]
            found[service, ""] = Row(weight=0, active=0, ended=0)
        elif words[:1] == ["->"] and words[-1].isdigit():
            found[service, words[1]] = Row(
                weight=int(words[3]), active=int(words[4]), ended=int(words[5])
            )
    return found


def services_of(part: DeployPlan, answers: Mapping[str, Answer]) -> list[dict[str, Any]]:
    """The tables of a pair's directors, as ``--json`` shows them."""
    return [
        {
            "name": service.name,
            "address": f"{service.vip}:{service.port}",
            "server": server.node,
            "weight": server.weight,
            "directors": {
                name: _seen(service, server, answers[name].services)
                for name in sorted(part.nodes)
                if name in answers and answers[name].reachable
            },
        }
        for service in _services(part)
        for server in service.servers
    ]


def _services(part: DeployPlan) -> tuple[ServicePlan, ...]:
    director = part.first.director
    return director.services if director is not None else ()


def _checker(part: DeployPlan) -> str:
    """Unit that looks at the real servers."""
    director = part.first.director
    return director.checker.value if director is not None else ""


def _seen(service: ServicePlan, server: RealServer, table: Table) -> dict[str, Any]:
    row = table.get((f"{service.vip}:{service.port}", f"{server.address}:{server.port}"))
    if row is None:
        return {"state": OUT, "connections": 0}
    state = DRAINS if row.weight == 0 else UP
    return {"state": state, "connections": row.active}


def judge_services(stack: str, part: DeployPlan, answers: Mapping[str, Answer]) -> Iterator[str]:
    """Services that a director lacks, and real servers that get nothing from one."""
    for name in sorted(part.nodes):
        if name not in answers or not answers[name].reachable:
            continue
        table = answers[name].services
        for service in _services(part):
            address = f"{service.vip}:{service.port}"
            if (address, "") not in table:
                yield (
                    f"Service {service.name} ({address}) is not in the kernel's table of {name}:"
                    f" `pairwise up {stack}` puts it there."
                )
                continue
            for server in service.servers:
                seen = _seen(service, server, table)["state"]
                if seen != UP and server.weight > 0:
                    what = "is out of" if seen == OUT else "gets no new connections of"
                    yield (
                        f"Real server {server.node} {what} service {service.name} on {name}:"
                        f" `pairwise exec {stack} {name} -- journalctl -u {_checker(part)} -n 20`"
                        " says since when."
                    )
