"""One node of the model: its machine, its server, its reconciler, and what of it survives what."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache

from bootstrap.blocks.gtid_pair.program.reconcile import Decision
from bootstrap.blocks.gtid_pair.program.seen import Fence, Memory, Observation
from bootstrap.blocks.gtid_pair.program.step import Settings
from bootstrap.shared.gtids import Gtids, parse

Transaction = tuple[str, int]
NAMES = ("a", "b")


class ViolationError(AssertionError):
    """What must never be seen was seen."""


@lru_cache(maxsize=1024)
def gtids(transactions: frozenset[Transaction]) -> Gtids:
    """They change at a write only, and are asked for with every look."""
    return parse(",".join(f"{uuid}:{number}" for uuid, number in transactions))


@dataclass
class Node:
    """One machine: its server, its reconciler, and what of it survives what."""

    name: str
    settings: Settings
    on: bool = True
    frozen: bool = False
    mysqld: bool = True
    reconciler: bool = True
    life: int = 0
    read_only: bool = True
    waits: bool = True
    acks: bool = True
    follows: bool = False
    applies: bool = False
    log: set[Transaction] = field(default_factory=set)
    """Binary log: on disk."""
    pending: set[Transaction] = field(default_factory=set)
    """In the log, and waiting for an acknowledgement."""
    relay: set[Transaction] = field(default_factory=set)
    received: set[Transaction] = field(default_factory=set)
    memory: Memory = field(default_factory=Memory)
    fence: Fence = Fence.IDLE
    decision: tuple[Decision, Observation, int] | None = None
    probes: bool = False
    """The request on its way only asks whether the peer is off."""
    activated: bool = False
    rebuild: bool = False
    copies: bool = False
    """On disk: a copy was begun, and its end was not seen."""
    torn: bool = False
    """Its tables are parts of its own data and of a copy."""
    standby: bool = False
    leaving: bool = False
    """The machine is being shut down, and its reconciler was told so."""

    @property
    def runs(self) -> bool:
        return self.on and not self.frozen and self.mysqld

    @property
    def works(self) -> bool:
        return self.on and not self.frozen and self.reconciler

    def start_mysqld(self) -> None:
        """As pairwise.cnf has it: read-only, waiting, not waived, no replication."""
        self.life += 1
        self.mysqld = True
        self.read_only, self.waits, self.acks = True, True, True
        self.follows = self.applies = False
        self.pending, self.relay, self.received = set(), set(), set()
