"""What a replica is good for, and what is done to it, by what was seen."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bootstrap.blocks.read_replica.program.decide import MARKS, Pace, Step, Verdict, decide
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
    received=Gtids(),
    follows=VIP,
    receiver=True,
    applier=True,
    broken="",
    error="",
)
NEW = replace(FOLLOWS, follows="", receiver=False, applier=False)
BLANK = replace(NEW, blank=True, executed=Gtids())


def look(pace: Pace, now: float, source: Source | None, own: Own | None) -> None:
    pace.see(now, source, own, barred=False)


def judged(own: Own | None, source: Source | None, *, asked: bool = False) -> Verdict:
    pace = Pace()
    look(pace, 100.0, source, own)
    return decide(own, source, pace, now=100.0, wanted=VIP, max_lag_s=2.0, asked=asked)


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
    assert judged(FOLLOWS, SOURCE, asked=True).step is Step.COPY
    assert judged(FOLLOWS, None, asked=True).step is None
    steps = {judged(replace(NEW, executed=e), SOURCE).step for e in (TEN, NINE, parse(f"{B}:1-3"))}
    assert Step.COPY not in steps


def test_lag_is_the_age_of_the_oldest_set_that_was_not_reached() -> None:
    pace = Pace()
    look(pace, 0.0, SOURCE, FOLLOWS)
    assert pace.lag_s(0.0) == 0.0
    eleven, twelve = parse(f"{A}:1-11"), parse(f"{A}:1-12")
    look(pace, 1.0, replace(SOURCE, executed=eleven), FOLLOWS)
    look(pace, 2.0, replace(SOURCE, executed=twelve), FOLLOWS)
    assert pace.lag_s(3.0) == 2.0
    look(pace, 4.0, replace(SOURCE, executed=twelve), replace(FOLLOWS, executed=eleven))
    assert pace.lag_s(4.0) == 2.0
    look(pace, 5.0, replace(SOURCE, executed=twelve), replace(FOLLOWS, executed=twelve))
    assert pace.lag_s(50.0) == 0.0


def test_how_old_the_delay_of_a_first_look_is_nobody_knows() -> None:
    pace = Pace()
    for now in range(20):
        # It was off for a day, and applies as fast as its source writes.
        busy = replace(SOURCE, executed=parse(f"{A}:1-{1000 + now}"))
        late = replace(FOLLOWS, executed=parse(f"{A}:1-{100 + now}"))
        look(pace, float(now), busy, late)
        assert not decide(late, busy, pace, now=now, wanted=VIP, max_lag_s=60.0, asked=False).fit
    look(pace, 20.0, busy, replace(FOLLOWS, executed=parse(f"{A}:1-1000")))
    assert pace.compared
    assert pace.lag_s(20.0) == 19.0


def test_a_source_that_was_silent_may_have_written_all_the_while() -> None:
    pace = Pace()
    look(pace, 0.0, SOURCE, FOLLOWS)
    look(pace, 30.0, None, FOLLOWS)
    look(pace, 60.0, replace(SOURCE, executed=parse(f"{A}:1-11")), FOLLOWS)
    assert pace.lag_s(60.0) == 60.0


def test_what_was_received_and_not_applied_counts_while_the_source_is_silent() -> None:
    pace = Pace()
    look(pace, 0.0, SOURCE, FOLLOWS)
    busy = replace(FOLLOWS, received=parse(f"{A}:11"))
    for now in (1.0, 9.0):
        look(pace, now, None, busy)
    assert not decide(busy, None, pace, now=9.0, wanted=VIP, max_lag_s=2.0, asked=False).fit


def test_the_oldest_delay_counts_however_long_it_lasts() -> None:
    pace = Pace()
    look(pace, 0.0, SOURCE, FOLLOWS)
    for now in range(1, MARKS + 500):
        look(pace, float(now), replace(SOURCE, executed=parse(f"{A}:1-{10 + now}")), FOLLOWS)
    assert pace.lag_s(MARKS + 499.0) == MARKS + 498.0
    assert len(pace.marks) <= MARKS + 2


def test_a_source_that_answers_and_lets_nobody_in_is_not_silent() -> None:
    pace = Pace()
    look(pace, 0.0, SOURCE, FOLLOWS)
    found = []
    for now in (1.0, 2.0, 3.5):
        pace.see(now, None, FOLLOWS, barred=True)
        found.append(
            decide(FOLLOWS, None, pace, now=now, wanted=VIP, max_lag_s=2.0, asked=False).fit
        )
    assert found == [True, True, False]


def ahead(pace: Pace, *looks: tuple[str, str]) -> Verdict:
    """What is said after looks at a source and a replica that follows it."""
    for now, (source, own) in enumerate(looks):
        seen = replace(SOURCE, executed=parse(source)), replace(FOLLOWS, executed=parse(own))
        look(pace, float(now), *seen)
    return decide(seen[1], seen[0], pace, now=float(now), wanted=VIP, max_lag_s=2.0, asked=False)


def test_a_replica_ahead_of_a_source_that_went_back_is_strange_for_good() -> None:
    pace = Pace()
    verdict = ahead(pace, (f"{A}:1-90", f"{A}:1-100"), (f"{A}:1-92", f"{A}:1-100"))
    assert not verdict.fit
    assert f"{A}:93-100: it needs a new copy" in verdict.why
    # The source has made its own transactions of those numbers: no set shows it any more.
    assert not ahead(pace, (f"{A}:1-120", f"{A}:1-120"), (f"{A}:1-121", f"{A}:1-121")).fit
    assert not ahead(Pace(strange=pace.strange), (f"{A}:1-120", f"{A}:1-120")).fit


def test_a_replica_that_is_looked_at_after_its_source_is_not_strange() -> None:
    pace = Pace()
    looks = [(f"{A}:1-{n}", f"{A}:1-{n + 5}") for n in range(10, 60, 5)]
    assert ahead(pace, *looks).fit
    assert not pace.strange


def test_a_source_that_stopped_numbering_has_written_what_nobody_can_follow() -> None:
    pace = Pace()
    look(pace, 0.0, SOURCE, FOLLOWS)
    look(pace, 1.0, replace(SOURCE, numbers=False), FOLLOWS)
    look(pace, 2.0, SOURCE, FOLLOWS)
    verdict = decide(FOLLOWS, SOURCE, pace, now=2.0, wanted=VIP, max_lag_s=2.0, asked=False)
    assert not verdict.fit
    assert verdict.step is None
    steps = decide(FOLLOWS, SOURCE, pace, now=2.0, wanted=VIP, max_lag_s=2.0, asked=True)
    assert steps.step is Step.COPY


def test_a_silent_source_takes_no_replica_out_that_had_all() -> None:
    pace = Pace()
    look(pace, 0.0, SOURCE, FOLLOWS)
    for now in (1.0, 10.0, 100.0):
        look(pace, now, None, FOLLOWS)
        verdict = decide(FOLLOWS, None, pace, now=now, wanted=VIP, max_lag_s=2.0, asked=False)
        assert verdict.fit
        assert "silent" in verdict.why


def test_one_that_was_behind_when_its_source_fell_silent_stays_out() -> None:
    pace = Pace()
    late = replace(FOLLOWS, executed=NINE)
    look(pace, 0.0, SOURCE, late)
    look(pace, 9.0, None, late)
    assert not decide(late, None, pace, now=9.0, wanted=VIP, max_lag_s=2.0, asked=False).fit


def test_a_receiver_that_gets_nothing_does_not_look_current() -> None:
    pace = Pace()
    for now in range(5):
        busy = replace(SOURCE, executed=parse(f"{A}:1-{10 + now}"))
        look(pace, float(now), busy, FOLLOWS)
    verdict = decide(FOLLOWS, SOURCE, pace, now=4.0, wanted=VIP, max_lag_s=2.0, asked=False)
    assert not verdict.fit
    assert "3.0 s behind" in verdict.why
