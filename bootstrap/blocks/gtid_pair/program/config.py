"""What the reconciler knows of its pair: /etc/pairwise/gtid.json, which the plan fills."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Config:
    """The reconciler's own pair. Files beside it hold the secrets."""

    stack: str
    """Name of the stack: for the commands in the problems."""
    pair: str
    """Name of the pair."""
    node: str
    """This node."""
    peer: str
    """The other one."""
    addresses: dict[str, str]
    """Both nodes' addresses, by name."""
    port: int
    """Port of both servers."""
    vip: str
    """Address whose holder wants to be source."""
    first: bool
    """Whether this node goes first where either may."""
    errant: str
    """``ask`` or ``rebuild``."""
    max_lag_s: float
    """Seconds by which a replica may be behind before it is a problem."""
    silence_s: float
    """Seconds without a word of the peer's machine after which it is powered off."""
    restart_s: float
    """Seconds that the peer's server may be away whose machine answers."""
    standby_s: float
    """Age from which the mark ``standby`` counts no more."""
    own_socket: str
    """Where the own server listens for local clients."""
    own_client: list[str]
    """Command line of the client to the own server."""
    peer_client: list[str]
    """Command line of the client to the peer's server."""
    certificate: str
    """File with the certificate that the peer must show."""
    secrets: str
    """File with the passwords by account."""
    replication: str
    """Account by which the replica reads the source's log."""
    clone: str
    """Account by which data are copied."""
    fence: list[str]
    """Program that has the peer powered off: 0 when it is off."""
    probe: list[str]
    """Program that asks whether the peer is off: 0 when it is."""
    kill: list[str]
    """Program that ends the own server at once."""
    marks: dict[str, str]
    """Files of the pair: a person's words (``activated``, ``confirmed``, ``rebuild``, ``standby``),
    that the first has been acted on (``acted``), what ``fence`` says of the peer (``waiting``,
    ``peer_off``), that this machine is being shut down (``leaving``)."""
    publish: str
    """File that says what is so."""
    holds: str
    """File that says whether the VIPs may be here."""
    alive: str
    """File that says when this was said last, by whom, and whether they may."""


def load(path: Path) -> Config:
    """Read the file.

    Raises:
        SystemExit: it does not fit; one sentence says so.
    """
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        return Config(**{field.name: values[field.name] for field in fields(Config)})
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise SystemExit(
            f"{path} is no configuration of this reconciler ({error}): "
            "`pairwise up` writes it anew."
        ) from error
