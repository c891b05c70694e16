"""What a pair in its steady state, with source a and replica b, goes through."""

from __future__ import annotations

from tests.gtid.pair import Pair


def moved(pair: Pair) -> None:
    """A planned switchover: the VIP goes to the other node."""
    pair.hold_vip("b")


def lost(pair: Pair) -> None:
    """The source loses power while a write is on its way."""
    pair.cut.add("a")
    pair.write("a")
    pair.power_off("a")
    pair.cut.clear()
    pair.hold_vip("b")


def replica_lost(pair: Pair) -> None:
    """The replica loses power: the source goes on alone once the endpoint has granted."""
    pair.power_off("b")


def returned(pair: Pair) -> None:
    """The ex-source comes back with a write that was never acknowledged."""
    lost(pair)
    pair.run(12)
    pair.power_on("a")


def cut(pair: Pair) -> None:
    """The nodes do not reach each other, and VRRP has the VIP on both."""
    pair.cut.add("a")
    pair.hold_vip("a", "b")


def restarted(pair: Pair) -> None:
    """The source's mysqld is killed and starts again."""
    pair.write("a")
    pair.restart_mysqld("a")


def shut_down(pair: Pair) -> None:
    """The source's machine is shut down in an orderly way."""
    pair.elects = True
    pair.shut_down("a")


def replica_shut_down(pair: Pair) -> None:
    """The replica's machine is."""
    pair.elects = True
    pair.shut_down("b")


def both_shut_down(pair: Pair) -> None:
    """Both are, at once."""
    shut_down(pair)
    replica_shut_down(pair)


def asked_to_stand_by(pair: Pair) -> None:
    """A planned switchover, as the command makes it."""
    pair.elects = True
    pair.nodes["a"].standby = True


def crashed(pair: Pair) -> None:
    """The source's mysqld ends, and is away for longer than a silence."""
    pair.elects = True
    pair.write("a")
    pair.end_mysqld("a")


def steps(pair: Pair, since: int) -> list[str]:
    """Node and step, in order."""
    return [" ".join(line.split()[1:3]).rstrip(":") for line in pair.trace[since:]]
