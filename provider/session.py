"""One run of a child: its request, its hosts, the deploy code it calls."""

import importlib
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, cast

import gevent
from pyinfra.context import ctx_host

from bootstrap.changes import UNKNOWN
from provider import limits
from provider.events import Events
from provider.locks import LOCK_PATH
from provider.ssh import Node, make_node
from stacks.plan_types import load_deploy_plan


class Entry(Protocol):
    """What the child calls in `bootstrap.deploy`."""

    PHASES: tuple[str, ...]

    def run_phase(self, phase: str, *, node: Any, plan: Any, secrets: Mapping[str, str]) -> bool:
        """Call the phase function of each block of the node's roles; whether the host is blank."""

    def batches(self, phase: str, *, plan: Any, blank: bool) -> list[list[str]]:
        """Return the node names that may change at the same time, batch after batch."""

    def checks(self, *, node: Any, plan: Any) -> Iterable[Any]:
        """Return the node's verify checks."""


@dataclass(frozen=True)
class Session:
    """Everything that a mode needs."""

    entry: Entry
    """The deploy code."""
    plan: Any
    """The DeployPlan."""
    nodes: tuple[Node, ...]
    """The hosts, in the order of the spec."""
    known: frozenset[str]
    """Hosts whose machine is known to the engine; the others are not connected to."""
    secrets: Mapping[str, str]
    """Secret values by name; UNKNOWN for those that the preview does not know."""
    events: Events
    """Where progress goes."""
    ssh_wait_s: float
    """How long an apply waits for SSH."""
    lock_path: str
    """Lock file on each host; `{host}` stands for the host's name."""

    def run_phase(self, node: Node, phase: str) -> None:
        """Prepare a phase on one host, which must be in pyinfra's context."""
        node.blank = self.entry.run_phase(
            phase, node=self.plan.nodes[node.name], plan=self.plan, secrets=self.secrets
        )


def open_session(request: Mapping[str, Any], events: Events, *, folder: Path) -> Session:
    """Return the session of a request.

    Args:
        request: what came on stdin. events: where progress goes. folder: for the known_hosts files.
    """
    spec = request["spec"]
    entry = cast(Entry, importlib.import_module(request.get("entry") or "bootstrap.deploy"))
    load: Callable[[Mapping[str, Any]], Any] = getattr(entry, "load_plan", load_deploy_plan)
    transport = spec["transport"]
    key = transport.get("private_key") or ""
    cache = request["mode"] == "plan"
    hosts = spec["hosts"]
    secrets = {name: UNKNOWN if value is None else value for name, value in spec["secrets"].items()}
    return Session(
        entry=entry,
        plan=load(spec["plan"]),
        nodes=tuple(
            make_node(name, host, key=key, known_hosts=folder, cache=cache)
            for name, host in hosts.items()
        ),
        known=frozenset(name for name, host in hosts.items() if host.get("known", True)),
        secrets=secrets,
        events=events,
        ssh_wait_s=float(transport.get("ssh_wait_s") or limits.seconds(limits.SSH_WAIT_S)),
        lock_path=str(transport.get("lock_path") or LOCK_PATH),
    )


def side_by_side(nodes: Iterable[Node], work: Callable[[Node], None]) -> None:
    """Run `work` for each host in a greenlet of its own; a failure ends on its host.

    Whatever the deploy code raises becomes the host's one-sentence error: the other hosts go on.
    """

    def one(node: Node) -> None:
        ctx_host.set(node.host)
        try:
            work(node)
        # Code of any block runs in here: nothing that it may raise must hide the other hosts.
        except Exception as error:
            text = " ".join(str(error).split()) or type(error).__name__
            node.error = text if text.startswith(node.name) else f"{node.name}: {text}"
        finally:
            ctx_host.reset()

    gevent.joinall([gevent.spawn(one, node) for node in nodes])


def disconnect(nodes: Iterable[Node]) -> None:
    """Close the connections; one that is broken already is as good as closed."""
    for node in nodes:
        client = getattr(node.host.connector, "client", None)
        if client is not None:
            with suppress(OSError, EOFError):
                client.close()
