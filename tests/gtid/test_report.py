"""How far a replica is behind: what is published for balancers and for people."""

from __future__ import annotations

from bootstrap.blocks.gtid_pair.program.report import SHOTS, Lag
from bootstrap.blocks.gtid_pair.program.seen import Observation, Server
from bootstrap.shared.gtids import Gtids, parse

A = "3e11fa47-71ca-11e1-9e33-c80aa9429562"


def upto(last: int) -> Gtids:
    return parse(f"{A}:1-{last}")


def seen(own: int, peer: int | None, *, source: bool = True) -> Observation:
    return Observation(
        own=Server(uuid="own", life="1", read_only=True, executed=upto(own)),
        peer=None
        if peer is None
        else Server(uuid="peer", life="1", read_only=not source, executed=upto(peer)),
        vip=False,
    )


def test_a_replica_that_has_all_is_not_behind() -> None:
    assert Lag().seconds(seen(5, 5), 10.0) == 0.0


def test_nobody_knows_how_old_the_delay_of_a_first_look_is() -> None:
    lag = Lag()
    assert lag.seconds(seen(5, 9), 10.0) is None
    assert lag.seconds(seen(7, 12), 11.0) is None
    # What the source had at 10 is here: what is lacking is younger than that.
    assert lag.seconds(seen(9, 14), 12.0) == 1.0


def test_a_delay_outlasts_the_silence_of_the_source() -> None:
    lag = Lag()
    lag.seconds(seen(5, 5), 10.0)
    assert lag.seconds(seen(5, 9), 11.0) == 0.0
    assert lag.seconds(seen(5, None), 30.0) is None
    assert lag.seconds(seen(5, 9), 60.0) == 49.0


def test_another_source_is_another_delay() -> None:
    lag = Lag()
    lag.seconds(seen(5, 5), 10.0)
    lag.seconds(seen(5, 9), 11.0)
    assert lag.seconds(seen(5, 9, source=False), 12.0) is None
    assert lag.seconds(seen(5, 9), 13.0) is None


def test_the_oldest_delay_counts_however_long_it_lasts() -> None:
    lag = Lag()
    lag.seconds(seen(5, 5), 0.0)
    for second in range(1, SHOTS + 500):
        found = lag.seconds(seen(5, 5 + second), float(second))
    assert found == SHOTS + 498.0
    assert len(lag.shots) <= SHOTS + 2
