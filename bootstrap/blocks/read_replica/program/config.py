"""What the program knows of its replica: /etc/pairwise/read-replica/agent.json."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Config:
    """One replica and its source."""

    stack: str
    """Name of the stack: for the commands in the problems."""
    pair: str
    """Pair that it follows."""
    node: str
    """This node."""
    source: str
    """The pair's VIP."""
    port: int
    """Port there."""
    account: str
    """By which it comes there."""
    secret: str
    """File with that account's password, and nothing else in it: JSON, by account."""
    certificate: str
    """File with the certificate that the source must show."""
    own_client: list[str]
    """Command line of the client to the own server."""
    source_client: list[str]
    """Command line of the client to the source."""
    own_socket: str
    """Where the own server listens for local clients."""
    max_lag_s: float
    """Seconds by which it may be behind while it is read from."""
    publish: str
    """Where each look is written."""
    rebuild: str
    """Mark of a person who asks for a new copy."""
    copies: str
    """Mark on disk: a copy was begun, and its end was not seen."""
    strange: str
    """File on disk that says why the data are no part of the source's."""
    agent_addresses: list[str]
    """Addresses at which directors ask."""
    agent_port: int
    """Port there."""
    agent_path: str
    """What they ask for."""
    agent_words: str
    """What the answer holds while the replica may be read from."""


def load(path: Path) -> Config:
    """Read it.

    Raises:
        KeyError: a value is missing.
    """
    found = json.loads(path.read_text(encoding="utf-8"))
    return Config(**{field.name: found[field.name] for field in fields(Config)})
