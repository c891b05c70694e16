"""What healing and repairing a replicated disk would do, or why it may not; pure functions.

A copy is never thrown away on a guess: the generations of both must prove a split brain, the node
that loses must not serve, and the one that keeps must have whole data.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from bootstrap.facts.drbd import DrbdState
from bootstrap.facts.drbd_generations import Generations, Relation, relation
from cli.errors import CommandError

WHOLE = frozenset({"UpToDate", "Consistent", "Outdated"})
"""States of a disk that holds one moment's data, without holes (drbd.conf(5))."""


@dataclass(frozen=True, kw_only=True)
class Copy:
    """One node's copy of a replicated disk."""

    node: str
    """Whose."""
    state: DrbdState
    """As its kernel shows it."""
    generations: Generations | None = None
    """Its numbers; none: not read, which is so while it is connected."""
    lost_at: float | None = None
    """When its journal says that it lost its peer last, seconds since the epoch."""


@dataclass(frozen=True, kw_only=True)
class Loss:
    """What a heal throws away."""

    resource: str
    """The disk."""
    loser: str
    """Node whose own writes since the cut are lost."""
    keeper: str
    """Node whose data stay, and are copied to the other one."""
    loser_kib: int
    """At most so much was written on the loser alone."""
    keeper_kib: int
    """At most so much was written on the keeper alone."""
    since: float | None
    """When the two were parted; none: neither journal says."""

    def sentence(self) -> str:
        """What a person has to say yes to."""
        since = "a time that no journal names" if self.since is None else _clock(self.since)
        return (
            f"{self.resource}: what {self.loser} has written alone since {since} is thrown away"
            f" (up to {self.loser_kib} KiB); {self.keeper} keeps its data (up to {self.keeper_kib}"
            f" KiB of its own), and they are copied to {self.loser}."
        )


def _clock(at: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at))


def heal(resource: str, loser: Copy, keeper: Copy, *, stack: str) -> Loss:
    """What is lost when a split brain is healed at one node's cost.

    Raises:
        CommandError: there is no split brain, or that node's copy must not be thrown away.
    """
    _both_there(resource, loser, keeper, stack=stack)
    if loser.state.linked or keeper.state.linked:
        raise CommandError(
            f"{resource} has no split brain: {loser.node} and {keeper.node} are connected"
            f" ({loser.state.cs}); nothing was done."
        )
    if loser.generations is None or keeper.generations is None:
        raise CommandError(
            f"Whether the copies of {resource} have diverged could not be read on both nodes:"
            f" `pairwise status {stack}`, then try again; nothing was done."
        )
    kind = relation(loser.generations, keeper.generations)
    if kind is Relation.UNRELATED:
        raise CommandError(
            f"The copies of {resource} on {loser.node} and {keeper.node} have no generation in"
            " common: they are not two states of one disk, and nothing was done; replace the wrong"
            " volume."
        )
    if kind is not Relation.SPLIT:
        raise CommandError(
            f"{resource} has no split brain: its copy on {loser.node} is {_in_words(kind)}"
            f" {keeper.node}'s; let them meet with `pairwise exec {stack} {loser.node} -- drbdadm"
            f" adjust {resource}`, the same on {keeper.node}."
        )
    if loser.state.role == "Primary":
        raise CommandError(
            f"{resource} is Primary on {loser.node}, and its clients use what would be thrown away:"
            f" name {keeper.node}, or stop {loser.node} first with `pairwise stop {stack}"
            f" {loser.node}` and start it again."
        )
    return Loss(
        resource=resource,
        loser=loser.node,
        keeper=keeper.node,
        loser_kib=loser.state.oos_kib,
        keeper_kib=keeper.state.oos_kib,
        since=min((at for at in (loser.lost_at, keeper.lost_at) if at is not None), default=None),
    )


def _in_words(kind: Relation) -> str:
    words = {Relation.SAME: "the same as", Relation.AHEAD: "newer than"}
    return words.get(kind, "an older state of")


def _both_there(resource: str, loser: Copy, keeper: Copy, *, stack: str) -> None:
    for copy in (loser, keeper):
        if copy.state.disk not in WHOLE:
            raise CommandError(
                f"The copy of {resource} on {copy.node} is {copy.state.disk}: both must be whole"
                f" before one is chosen; `pairwise status {stack}` says what is wrong."
            )


def repair(resource: str, one: Copy, other: Copy, *, stack: str, pair: str) -> tuple[Copy, Copy]:
    """Whose differing blocks are copied over whose: the Primary's copy, then the other one.

    Raises:
        CommandError: nothing differs, or it is not known which copy is the right one.
    """
    if not (one.state.cs == other.state.cs == "Connected"):
        raise CommandError(
            f"{resource} is {one.state.cs} on {one.node} and {other.state.cs} on {other.node}:"
            f" only what is connected and at rest is repaired; `pairwise status {stack}`."
        )
    if not one.state.oos_kib and not other.state.oos_kib:
        raise CommandError(f"{resource} has no blocks that are known to differ: nothing was done.")
    primaries = [copy for copy in (one, other) if copy.state.role == "Primary"]
    if len(primaries) != 1:
        raise CommandError(
            f"{resource} is Primary on neither node, so that it is not known which copy is the"
            f" right one: let a node take it with `pairwise switchover {stack} {pair} --to"
            f" {one.node}`."
        )
    (source,) = primaries
    if source.state.disk != "UpToDate":
        raise CommandError(
            f"The copy of {resource} on {source.node}, which serves it, is {source.state.disk}: it"
            f" cannot repair the other one; `pairwise switchover {stack} {pair}"
            f" --to {other.node if source is one else one.node}` first."
        )
    return source, other if source is one else one
