"""What a machine knows at its first boot: who it is and how it is reached. Nothing else.

cloud-init does not run again when its disk changes, so everything that may change later is a
block's business. Boot under software emulation is slow: only the modules that these keys need are
listed, the later stages have none.
"""

from __future__ import annotations

from dataclasses import dataclass

from bootstrap.render import render
from stacks.plan_types import Interface, NodePlan

FOLDER = "cloud_init/templates"


@dataclass(frozen=True, kw_only=True)
class CloudInit:
    """The three files of a NoCloud disk."""

    user_data: str
    """Names, root's key, the host key."""
    meta_data: str
    """The instance id: a new one makes cloud-init run again."""
    network_config: str
    """Static addresses, cards found by MAC and named like their networks."""


def render_cloud_init(
    node: NodePlan, *, admin_key: str, host_private_key: str, host_public_key: str
) -> CloudInit:
    """Return a node's cloud-init files.

    Args:
        node: the node.
        admin_key: public key, OpenSSH form, that may log in as root from the node's SSH sources.
        host_private_key: the node's ed25519 host key, OpenSSH PEM.
        host_public_key: its public half.

    Raises:
        ValueError: the private key is no OpenSSH key, or a public key has more than one line.
    """
    if "BEGIN OPENSSH PRIVATE KEY" not in host_private_key:
        raise ValueError(f"Node {node.name}: its host key is not in OpenSSH form; make it anew.")
    for key in (admin_key, host_public_key):
        if len(key.strip().splitlines()) != 1:
            raise ValueError(f"Node {node.name}: a public key must be one line, not {key!r}.")
    values = {
        "node": node,
        "admin_key": admin_key.strip(),
        "host_private_key": host_private_key.strip().splitlines(),
        "host_public_key": host_public_key.strip(),
        "domain": node.fqdn.removeprefix(f"{node.name}."),
        "sources": ",".join(str(source) for source in node.ssh_sources),
        "home": _home(node),
    }
    return CloudInit(
        user_data=render(f"{FOLDER}/user-data.j2", **values),
        meta_data=render(f"{FOLDER}/meta-data.j2", **values),
        network_config=render(f"{FOLDER}/network-config.j2", **values),
    )


def _home(node: NodePlan) -> Interface:
    """The card with the default route: its gateway is also the network's DNS server."""
    return next(interface for interface in node.interfaces if interface.gateway is not None)
