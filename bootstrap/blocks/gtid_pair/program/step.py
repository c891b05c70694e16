"""What a reconciler may do, and what the description says to it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Step(StrEnum):
    """What is done to the own server."""

    NOTHING = "nothing"
    STOP_RECEIVER = "stop-receiver"
    """Receives nothing more; what was received is applied."""
    APPLY = "apply"
    """Starts the applier, whose commits wait for no acknowledgement."""
    FOLLOW = "follow"
    """Starts receiver and applier; whether it acknowledges stays as it is."""
    JOIN = "join"
    """Acknowledges, and follows."""
    WAIVE = "waive"
    """Acknowledges nothing; still replicates what it replicates."""
    ARM = "arm"
    """Takes the waiver back, so as to be opened."""
    OPEN = "open"
    """Waits for acknowledgements, and may be written to."""
    GO_ALONE = "go-alone"
    """Acknowledges without a replica, if it is a source."""
    WAIT = "wait"
    """Waits for acknowledgements again."""
    DEMOTE = "demote"
    """Read-only, once everything that was begun is acknowledged."""
    KILL = "kill"
    """Ends the server at once: it starts read-only, and nothing more is acknowledged."""
    CLONE = "clone"
    """Replaces its data by the peer's."""
    PROBE = "probe"
    """Asks the fence endpoint whether the peer is off already."""
    ASK = "ask"
    """Asks the fence endpoint to power the peer off."""
    LEAVE = "leave"
    """Ends the reconciler: the peer needs nothing of this machine, which goes down."""


class Errant(StrEnum):
    """What becomes of a node with transactions that the source lacks."""

    ASK = "ask"
    """A person looks, then asks for the rebuild."""
    REBUILD = "rebuild"
    """It is rebuilt where they were surely never acknowledged, else a person is asked."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What differs between two nodes or two pairs."""

    first: bool
    """Whether this node is the one of the two that goes first where both may."""
    silence_s: float
    """Seconds without a word of the peer's machine after which it is powered off."""
    restart_s: float
    """Seconds that a peer's server may be away whose machine answers."""
    errant: Errant
    """From the description."""


Choice = tuple[Step, str]
"""A step, and why; where it is none, what is waited for."""
