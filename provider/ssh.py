"""Connections of a child: one pyinfra state per host, pinned host key, key in memory only.

Each host gets a pyinfra State of its own, because pyinfra's API mode names operations by their
position and would mix the names of two hosts. The state in pyinfra's context is therefore always
that of the host in context, which is kept per greenlet.
"""

import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from typing import Any, Final

import gevent
import paramiko
from pyinfra.api import facts
from pyinfra.api import host as host_module
from pyinfra.api.config import Config
from pyinfra.api.exceptions import ConnectError
from pyinfra.api.host import Host
from pyinfra.api.inventory import Inventory
from pyinfra.api.state import State
from pyinfra.connectors.base import BaseConnector
from pyinfra.connectors.util import CommandOutput
from pyinfra.context import ctx_host, ctx_state
from typing_extensions import override

from provider.shell import OneShell

CONNECT_TIMEOUT_S: Final = 15
"""For the TCP connection, and for the key exchange again: paramiko has one limit for both. Of a
machine of the same network that is off, ARP tells within three. Emulated ones on a busy hypervisor
were seen to take over five for the exchange; a preview then took them for machines without SSH."""

NO_EXCHANGE: Final = "No existing session"
"""What paramiko says when the key exchange was not done in time (Transport.start_client)."""

BANNER_TIMEOUT_S: Final = 10
"""For the SSH banner: sshd of a machine that boots under emulation is slow to speak."""

AUTH_TIMEOUT_S: Final = 15
"""For the authentication, several seconds of CPU under emulation."""

KEEPALIVE_S: Final = 10
"""Something is sent at least so often, so that a machine that has gone is noticed."""

SILENCE_S: Final = 60
"""How long the machine may leave what was sent without an answer before the connection ends."""

TEMP_DIR: Final = "/tmp"
"""On a host, for what pyinfra uploads; nothing of ours does."""

RETRY_S: Final = 2.0
"""Pause between two tries while waiting for a machine to come up."""


class NotReachableError(Exception):
    """A host does not answer; the message says what was seen."""


class _StateOfHost:
    """Stands in pyinfra's context for the state: that of the host in context."""

    @property
    def module(self) -> State | None:
        host = ctx_host.get()
        return None if host is None else host.state

    @module.setter
    def module(self, _: object) -> None:
        """pyinfra sets it to what it already is."""


class _Absent(BaseConnector):
    """A host without a machine: every fact has its default, nothing can be run."""

    handles_execution = True

    @staticmethod
    @override
    def make_names_data(name: str) -> Any:
        raise NotImplementedError(name)

    @override
    def run_shell_command(self, *_: Any, **__: Any) -> tuple[bool, CommandOutput]:
        return True, CommandOutput([])

    @override
    def put_file(self, *_: Any, **__: Any) -> bool:
        return False

    @override
    def get_file(self, *_: Any, **__: Any) -> bool:
        return False


@dataclass
class Node:
    """One host of a Deploy in this child."""

    name: str
    """Node name in the plan."""
    address: str
    """Where its sshd listens."""
    port: int
    """TCP port of its sshd."""
    host: Host
    """pyinfra's view, with a state of its own."""
    error: str = ""
    """One sentence when this host has failed; it then takes part in nothing more."""
    operations: dict[str, str] = field(default_factory=dict)
    """Operation name -> what changes or did change."""
    blank: bool = False
    """Whether nothing was configured on it when its last phase began."""

    @property
    def transport(self) -> Any:
        """paramiko's transport of the open connection."""
        return self.host.connector.client.get_transport()  # type: ignore[attr-defined]


def patch_pyinfra() -> None:
    """Fit pyinfra's process-wide context to one state per host, and its facts to a cache."""
    ctx_state.context._container = _StateOfHost()
    original = facts.get_fact

    def get_fact(state: State, host: Host, cls: Any, args: Any = (), kwargs: Any = None) -> Any:
        cache = host.connector_data.get("pairwise_facts")
        if cache is None:
            return original(state, host, cls, args=args, kwargs=kwargs)
        arguments: Any = host.current_op_global_arguments or {}
        user = arguments.get("_sudo_user")
        key = (cls, repr(args), repr(kwargs), user)
        if key not in cache:
            cache[key] = original(state, host, cls, args=args, kwargs=kwargs)
        return cache[key]

    # Host.get_fact looks the function up in its own module.
    vars(host_module)["get_fact"] = get_fact


def make_node(
    name: str, description: Mapping[str, Any], *, key: str, known_hosts: Path, cache: bool
) -> Node:
    """Return a host that is not connected yet.

    Args:
        name: node name. description: its entry in DeploySpec.hosts. key: private key, OpenSSH.
        known_hosts: folder for the file with its pinned key. cache: read each fact once.
    """
    address, port = str(description["address"]), int(description["port"])
    pinned = known_hosts / name
    label = address if port == paramiko.config.SSH_PORT else f"[{address}]:{port}"
    pinned.write_text(f"{label} {description['host_key']}\n")
    connect = {"banner_timeout": BANNER_TIMEOUT_S, "auth_timeout": AUTH_TIMEOUT_S}
    data = {
        "ssh_hostname": address,
        "ssh_port": port,
        "ssh_user": str(description["user"]),
        "ssh_allow_agent": False,
        "ssh_look_for_keys": False,
        "ssh_config_file": "/dev/null",
        "ssh_known_hosts_file": str(pinned),
        "ssh_strict_host_key_checking": "yes",
        "ssh_paramiko_connect_kwargs": connect | ({"pkey": _key(key)} if key else {}),
    }
    inventory = Inventory(([(name, data)], {}))
    config = Config(CONNECT_TIMEOUT=CONNECT_TIMEOUT_S, TEMP_DIR=TEMP_DIR)
    State(inventory, config)
    host = inventory.get_host(name)
    host.connector = OneShell(host.state, host)
    if cache:
        host.connector_data["pairwise_facts"] = {}
    return Node(name=name, address=address, port=port, host=host)


def _key(text: str) -> paramiko.PKey:
    return paramiko.Ed25519Key.from_private_key(StringIO(text))


def connect(node: Node) -> None:
    """Connect now or not at all.

    Raises:
        NotReachableError: with what was seen.
    """
    limit_s = 2 * CONNECT_TIMEOUT_S + BANNER_TIMEOUT_S + AUTH_TIMEOUT_S
    try:
        with gevent.Timeout(limit_s):
            node.host.connect(show_errors=False, raise_exceptions=True)
    except ConnectError as error:
        raise NotReachableError(_seen(error.__context__, error)) from error
    except gevent.Timeout as error:
        raise NotReachableError(f"SSH did not get ready within {limit_s} s") from error
    node.transport.set_keepalive(KEEPALIVE_S)
    option = (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, SILENCE_S * 1000)
    node.transport.sock.setsockopt(*option)
    node.host.state.activate_host(node.host)


def _seen(cause: BaseException | None, error: Exception) -> str:
    """Return in words why a connection failed."""
    if isinstance(cause, paramiko.ssh_exception.NoValidConnectionsError):
        cause = next(iter(cause.errors.values()))
    if isinstance(cause, paramiko.BadHostKeyException):
        return "its SSH host key is not the pinned one"
    if isinstance(cause, paramiko.AuthenticationException):
        return "sshd answers and refuses our key"
    if isinstance(cause, ConnectionRefusedError):
        return "connection refused: no sshd listens yet"
    if str(cause) == NO_EXCHANGE:
        return f"no key exchange within {CONNECT_TIMEOUT_S} s"
    if isinstance(cause, socket.timeout | TimeoutError):
        return f"no answer within {CONNECT_TIMEOUT_S} s"
    if isinstance(cause, OSError) and cause.strerror:
        return cause.strerror.lower()
    return str(cause or error)


def wait_until_connected(node: Node, *, timeout_s: float, say: Any) -> None:
    """Connect, trying again until the deadline.

    Args:
        node: the host. timeout_s: seconds. say: called with what was seen, when that changes.

    Raises:
        NotReachableError: a sentence with what was seen last.
    """
    deadline = time.monotonic() + timeout_s
    seen = ""
    while True:
        try:
            return connect(node)
        except NotReachableError as error:
            if str(error) != seen:
                seen = str(error)
                say(f"waiting for SSH: {seen}")
        if time.monotonic() + RETRY_S > deadline:
            raise NotReachableError(
                f"{node.name} ({node.address}:{node.port}) gave no SSH within {timeout_s:.0f} s,"
                f" last seen: {seen}; look at its console, then run again"
            )
        gevent.sleep(RETRY_S)


def make_absent(node: Node) -> None:
    """Give the host a connection to nothing: its operations can be listed, not run."""
    node.host.connector = _Absent(node.host.state, node.host)
    node.host.connected = True
    node.host.connector_data["pairwise_facts"] = {}
    node.host.state.activate_host(node.host)
