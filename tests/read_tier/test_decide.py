"""What a replica is good for, and what is done to it, by what was seen."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bootstrap.blocks.read_replica.program.decide import Pace, Step, Verdict, decide
from bootstrap.blocks.read_replica.program.seen import Own, Source
from bootstrap.shared.gtids import Gtids, parse

VIP = "10.75.1.211"
A, B = "3e11fa47-0000-0000-0000-000000000001", "3e11fa47-0000-0000-0000-000000000002"
TEN, NINE = parse(f"{A}:1-10"), parse(f"{A}:1-9")
SOURCE = Source(numbers=True, executed=TEN, purged=Gtids())
FOLLOWS = Own(
    blank=False,
    closed=True,
    executed=TEN,
    follows=VIP,
    receiver=True,
    applier=True,
    broken="",
    error="",
)
NEW = replace(FOLLOWS, follows="", receiver=False, applier=False)
BLANK = replace(NEW, blank=True, executed=Gtids())


def judged(own: Own | None, source: Source | None, *, rebuild: bool = False) -> Verdict:
    pace = Pace()
    pace.see(100.0, source, own)
    return decide(own, source, pace, now=100.0, wanted=VIP, max_lag_s=2.0, rebuild=rebuild)


@pytest.mark.parametrize(
    ("own", "source", "fit", "step"),
    [
        (FOLLOWS, SOURCE, True, None),
        (None, SOURCE, False, None),
        (BLANK, SOURCE, False, Step.COPY),
        (BLANK, None, False, None),
        (BLANK, replace(SOURCE, numbers=False), False, None),
        (NEW, SOURCE, False, Step.FOLLOW),
        (NEW, None, False, None),
        # Never over what its source has not, and never past a gap.
        (replace(NEW, executed=TEN | parse(f"{B}:1")), SOURCE, False, None),
        (replace(NEW, executed=NINE), replace(SOURCE, purged=TEN), False, None),
        (replace(FOLLOWS, executed=NINE), replace(SOURCE, purged=TEN), False, None),
        (replace(FOLLOWS, follows="10.75.1.99"), SOURCE, False, Step.FOLLOW),
        (replace(FOLLOWS, closed=False), SOURCE, False, Step.CLOSE),
        (replace(FOLLOWS, applier=False), SOURCE, False, Step.START),
        (replace(FOLLOWS, receiver=False), SOURCE, False, Step.START),
        (replace(FOLLOWS, applier=False, broken="Duplicate entry"), SOURCE, False, None),
        (replace(FOLLOWS, refused=True), SOURCE, False, Step.FOLLOW),
        (replace(FOLLOWS, refused=True), None, False, None),
        # Right after a start nobody knows what its source has.
        (FOLLOWS, None, False, None),
    ],
)
def test_one_look(own: Own | None, source: Source | None, *, fit: bool, step: Step | None) -> None:
    verdict = judged(own, source)
    assert (verdict.fit, verdict.step) == (fit, step), verdict.why
    assert verdict.why


def test_data_are_replaced_on_a_person_s_word_alone() -> None:
    assert judged(FOLLOWS, SOURCE, rebuild=True).step is Step.COPY
    assert judged(FOLLOWS, None, rebuild=True).step is None
    steps = {judged(replace(NEW, executed=e), SOURCE).step for e in (TEN, NINE, parse(f"{B}:1-3"))}
    assert Step.COPY not in steps


def test_lag_is_the_age_of_the_oldest_set_that_was_not_reached() -> None:
    pace = Pace()
    pace.see(0.0, SOURCE, FOLLOWS)
    assert pace.lag_s(0.0) == 0.0
    eleven, twelve = parse(f"{A}:1-11"), parse(f"{A}:1-12")
    pace.see(1.0, replace(SOURCE, executed=eleven), FOLLOWS)
    pace.see(2.0, replace(SOURCE, executed=twelve), FOLLOWS)
    assert pace.lag_s(3.0) == 2.0
    pace.see(4.0, replace(SOURCE, executed=twelve), replace(FOLLOWS, executed=eleven))
    assert pace.lag_s(4.0) == 2.0
    pace.see(5.0, replace(SOURCE, executed=twelve), replace(FOLLOWS, executed=twelve))
    assert pace.lag_s(50.0) == 0.0


def test_a_silent_source_takes_no_replica_out_that_had_all() -> None:
    pace = Pace()
    pace.see(0.0, SOURCE, FOLLOWS)
    for now in (1.0, 10.0, 100.0):
        pace.see(now, None, FOLLOWS)
        verdict = decide(FOLLOWS, None, pace, now=now, wanted=VIP, max_lag_s=2.0, rebuild=False)
        assert verdict.fit
        assert "silent" in verdict.why


def test_one_that_was_behind_when_its_source_fell_silent_stays_out() -> None:
    pace = Pace()
    late = replace(FOLLOWS, executed=NINE)
    pace.see(0.0, SOURCE, late)
    pace.see(9.0, None, late)
    assert not decide(late, None, pace, now=9.0, wanted=VIP, max_lag_s=2.0, rebuild=False).fit


def test_a_receiver_that_gets_nothing_does_not_look_current() -> None:
    pace = Pace()
    for now in range(5):
        busy = replace(SOURCE, executed=parse(f"{A}:1-{10 + now}"))
        pace.see(float(now), busy, FOLLOWS)
    verdict = decide(FOLLOWS, SOURCE, pace, now=4.0, wanted=VIP, max_lag_s=2.0, rebuild=False)
    assert not verdict.fit
    assert "3.0 s behind" in verdict.why
