"""Each watcher is shown a violation and must report it; too few samples are no pass."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from drills.inside import PROGRAM, Sample, clock_offset, sample_of, sampled
from drills.invariants import Verdict, one_holder, one_mysqld, one_primary, one_source, worst
from drills.running import PAUSE_S, SELDOM_S, UNSAID_S
from drills.scene import SILENT_S, pause_after
from drills.wait import wait_until
from drills.workloads.recorder import end_group, start_group

PROC = " 0: cs:Connected ro:{}/Secondary ds:UpToDate/UpToDate C r-----\n    ns:0 nr:0 oos:0\n"


def sample(node: str, at: float, role: str = "Secondary", mysqld: int = 0, **more: Any) -> Sample:
    given: dict[str, Any] = {
        "node": node,
        "at": at,
        "wall": 1000 + at,
        "boot": "one",
        "up": at,
        "now": 1000 + at,
        "roles": {0: role},
        "mysqld": tuple(range(1, mysqld + 1)),
    }
    return Sample(**{**given, **more})


def steady(seconds: int) -> list[Sample]:
    return [
        sample(node, second + shift, role)
        for second in range(seconds)
        for node, shift, role in (("a", 0.0, "Primary"), ("b", 0.4, "Secondary"))
    ]


def test_one_primary_holds_and_a_move_is_no_violation() -> None:
    moved = [*steady(10), *(sample("a", 10.0 + n) for n in range(5))]
    moved += [sample("b", 10.4 + n, "Primary") for n in range(5)]
    assert one_primary(steady(20)).verdict is Verdict.PASS
    assert one_primary(moved).verdict is Verdict.PASS


def test_two_primaries_are_seen() -> None:
    both = [*steady(10), sample("b", 5.6, "Primary"), sample("b", 6.6, "Primary")]
    found = one_primary(both)
    assert found.verdict is Verdict.FAIL
    assert found.reason == "minor 0 was Primary on a and b at once"


def test_a_primary_that_was_powered_off_is_no_second_one() -> None:
    """Its last word was Primary; whoever comes after it in silence is alone."""
    before = [sample("a", float(n), "Primary") for n in range(5)]
    after = [sample("b", 20.0 + n, "Primary") for n in range(5)]
    booted = [sample("a", 40.0 + n, boot="two") for n in range(5)]
    assert one_primary([*before, *after, *booted]).verdict is Verdict.PASS


def test_a_thawed_primary_beside_a_new_one_is_seen() -> None:
    """It was frozen, which its own clock does not show, and still says Primary."""
    stale = [sample("a", at, "Primary") for at in (0.0, 1.0, 30.0, 31.0)]
    new = [sample("b", 20.0 + n, "Primary") for n in range(12)]
    assert one_primary([*stale, *new]).verdict is Verdict.FAIL


def test_two_mysqld_are_seen_on_two_nodes_and_on_one() -> None:
    two_nodes = [sample(n, float(at), mysqld=1) for at in range(5) for n in ("a", "b")]
    one_node = [sample("a", float(at), mysqld=2) for at in range(5)]
    assert one_mysqld(two_nodes).reason == "mysqld ran on a and b at once"
    assert one_mysqld(one_node).reason == "2 mysqld ran on a"
    assert one_mysqld(steady(20)).verdict is Verdict.PASS


def test_two_sources_are_seen_and_a_promotion_is_none() -> None:
    first = [sample("a", float(n), writable=True) for n in range(6)]
    closed = [sample("a", 6.0 + n, writable=False) for n in range(6)]
    silent = [sample("b", n + 0.4, writable=None) for n in range(7)]
    second = [sample("b", 7.4 + n, writable=True) for n in range(5)]
    assert one_source([*first, *closed, *silent, *second]).verdict is Verdict.PASS
    both = [*first, *closed, sample("b", 4.4, writable=True), sample("b", 5.4, writable=True)]
    assert one_source(both).reason == "MySQL could be written to on a and b at once"
    thawed = [*first, sample("a", 40.0, writable=True), *second, sample("b", 41.0, writable=True)]
    assert one_source(thawed).verdict is Verdict.FAIL


def arp(at: float, *macs: str) -> dict[str, Any]:
    return {"at": at, "vip": "10.0.0.1", "sequence": int(at * 5), "macs": list(macs)}


def test_two_holders_are_seen() -> None:
    calm = [arp(n / 5, "52:a") for n in range(100)]
    assert one_holder(calm, vips=1).verdict is Verdict.PASS
    assert one_holder([*calm, arp(20.0, "52:a", "52:b")], vips=1).verdict is Verdict.FAIL


def test_two_holders_of_a_pair_without_fencing_may_be_brief() -> None:
    calm = [arp(n / 5, "52:a") for n in range(100)]
    second = [arp(20 + n / 5, "52:a", "52:b") for n in range(6)]
    assert one_holder([*calm, *second], vips=1, brief_s=1.0).verdict is Verdict.PASS
    more = [*calm, *second, arp(21.2, "52:a", "52:b")]
    assert one_holder(more, vips=1, brief_s=1.0).verdict is Verdict.FAIL
    assert one_holder(more, vips=1, brief_s=1.0, apart=[(19.0, 20.5)]).verdict is Verdict.PASS
    # Two brief times are not one long one.
    twice = [*calm, *second, arp(21.2, "52:b"), arp(21.4, "52:a", "52:b")]
    assert one_holder(twice, vips=1, brief_s=1.0).verdict is Verdict.PASS


def test_too_few_samples_are_unknown() -> None:
    sparse = [arp(n / 2, "52:a") for n in range(100)]
    assert one_holder(sparse, vips=1).verdict is Verdict.UNKNOWN
    assert one_primary(steady(20)[::8]).verdict is Verdict.UNKNOWN
    assert one_primary([]).verdict is Verdict.UNKNOWN


def test_a_machine_that_is_off_or_frozen_owes_no_sample() -> None:
    frozen = [sample("a", at, up=up) for at, up in ((0, 0), (1, 1), (61, 2), (62, 3))]
    booted = [sample("a", 100.0 + n, boot="two", up=float(n)) for n in range(5)]
    assert sampled([*frozen, *booted]) == 1.0


def test_a_violation_outweighs_what_is_unknown() -> None:
    assert worst([Verdict.PASS, Verdict.UNKNOWN, Verdict.FAIL]) is Verdict.FAIL
    assert worst([Verdict.PASS, Verdict.UNKNOWN]) is Verdict.UNKNOWN


def test_a_line_of_the_program_is_read_and_noise_is_not() -> None:
    said = {"boot": "b", "up": 5.0, "now": 7.0, "mysqld": [12], "drbd": PROC.format("Primary")}
    found = sample_of("a", json.dumps(said), at=1.0, wall=9.0)
    assert found is not None and found.roles == {0: "Primary"} and found.mysqld == (12,)
    assert not found.troubled and not found.silent
    assert sample_of("a", "Connection closed", at=1.0, wall=9.0) is None


@pytest.mark.parametrize(
    ("gtid", "monitor", "pause_s"),
    [
        ("", "", UNSAID_S),
        ('{"time": 95, "problems": []}', "", PAUSE_S),
        ('{"time": 95, "problems": []}', "[]", PAUSE_S),
        ('{"time": 80, "problems": [{"id": "lags"}]}', "", UNSAID_S),
        ('{"time": 95, "problems": [{"id": "lags"}]}', "", SELDOM_S),
        ('{"time": 95, "problems": []}', '[{"id": "restart"}]', SELDOM_S),
    ],
)
def test_looks_at_a_stack_are_rare_by_what_its_nodes_say(
    gtid: str, monitor: str, pause_s: float
) -> None:
    """A node or a reconciler that is silent boots: then there is hardly one."""
    said = {"boot": "b", "up": 5.0, "now": 99.0, "mysqld": [], "drbd": "", "writable": None}
    found = sample_of("a", json.dumps({**said, "says": [gtid, monitor]}), at=1.0, wall=9.0)
    assert found is not None
    assert pause_after([found], now=2.0) == pause_s
    assert pause_after([found], now=1.0 + SILENT_S + 1) == UNSAID_S


def test_a_clock_that_is_behind_is_measured_by_the_fastest_line() -> None:
    lines = [sample("a", n, wall=100 + n + late, now=95.0 + n) for n, late in ((0, 0.4), (1, 0.1))]
    assert round(clock_offset(lines, "a"), 3) == 5.1


def test_the_program_on_the_node_says_what_is_read_here() -> None:
    process = start_group([sys.executable, "-c", PROGRAM])
    assert process.stdout is not None
    line = process.stdout.readline().decode()
    end_group(process)
    process.stdout.close()
    found = sample_of("a", line, at=1.0, wall=9.0)
    assert found is not None and found.up > 0 and found.boot


def test_a_process_that_takes_another_name_is_seen_at_the_next_look() -> None:
    program = PROGRAM.replace("EVERY_S, YOUNG_S, ALL_S = 0.8", "EVERY_S, YOUNG_S, ALL_S = 0.05")
    looking = start_group([sys.executable, "-c", program.replace('== "mysqld"', '== "other"')])
    lines = looking.stdout
    assert lines is not None
    with lines:
        becoming = "read line; printf other >/proc/$$/comm; read line"
        process = subprocess.Popen(["sh", "-c", becoming], stdin=subprocess.PIPE, text=True)
        assert process.stdin is not None

        def seen() -> tuple[int, ...]:
            found = sample_of("a", lines.readline().decode(), at=1.0, wall=9.0)
            assert found is not None
            return found.mysqld

        with process, process.stdin:
            assert seen() == seen() == ()
            process.stdin.write("go\n")
            process.stdin.flush()
            wait_until(lambda: seen() == (process.pid,), what="its new name", timeout_s=20)
        wait_until(lambda: seen() == (), what="its end", timeout_s=20)
        end_group(looking)


MOST_LINES = 60
CLIENT = """
import sys, time
for line in sys.stdin:
    words = line.split()
    time.sleep({late_s})
    print(words[1].rstrip(","), {closed}, sep="\\t", flush=True)
"""
"""Answers as ``mysql --batch`` does."""


@pytest.mark.parametrize(
    ("late_s", "closed", "writable"), [(0, 0, True), (0, 1, False), (1.5, 0, None)]
)
def test_the_program_asks_the_server_and_takes_no_late_answer(
    late_s: float, closed: int, writable: bool | None
) -> None:
    client = [sys.executable, "-c", CLIENT.format(late_s=late_s, closed=closed)]
    # Every machine has a process of some name; here one counts as the server.
    program = PROGRAM.replace('== "mysqld"', '!= ""')
    process = start_group([sys.executable, "-c", program, *client])
    assert process.stdout is not None
    said: list[bool | None] = []
    # A client that has just started on a busy machine answers no question in time.
    while len(said) < 3 or (said[-1] is None and writable is not None and len(said) < MOST_LINES):
        found = sample_of("a", process.stdout.readline().decode(), at=1.0, wall=9.0)
        assert found is not None
        said.append(found.writable)
    end_group(process)
    process.stdout.close()
    assert said[-1] is writable
    assert set(said) <= {None, writable}
