"""What observers saw is judged as a person would."""

from __future__ import annotations

from typing import Any

from drills.arp import answer_of, probe_frame
from drills.observe import Outage, holders, longest_outage, sampled_share


def probe(at: float, seconds: float, status: int) -> dict[str, Any]:
    return {"at": at, "seconds": seconds, "status": status}


def test_outage_runs_from_one_good_answer_to_the_next() -> None:
    samples = [probe(10.0, 0.1, 200), probe(10.1, 2.0, 0), probe(10.2, 2.0, 0)]
    assert longest_outage([*samples, probe(12.5, 0.1, 200)]) == Outage(2.5, 2)


def test_an_answer_by_retransmission_ends_the_outage_when_it_comes() -> None:
    """Sent right after the last good answer, answered three seconds later: three seconds."""
    samples = [probe(10.0, 0.0, 200), probe(10.1, 2.9, 200), probe(13.0, 0.1, 200)]
    assert longest_outage(samples) == Outage(3.0, 0)


def test_steady_probes_are_no_outage() -> None:
    samples = [probe(10 + index / 10, 0.01, 200) for index in range(20)]
    assert longest_outage(samples) == Outage(0.1, 0)


def test_holders_lists_each_change_once() -> None:
    samples = [
        {"at": 1.0, "vip": "v", "macs": ["a"]},
        {"at": 1.2, "vip": "v", "macs": ["a"]},
        {"at": 1.4, "vip": "v", "macs": ["a", "b"]},
        {"at": 1.6, "vip": "v", "macs": ["b"]},
    ]
    assert holders(samples) == {"v": [(1.0, ("a",)), (1.4, ("a", "b")), (1.6, ("b",))]}


def test_a_stalled_observer_shows_in_its_share() -> None:
    samples = [{"at": 0.0}, {"at": 0.2}, {"at": 10.0}]
    assert sampled_share(samples, rate_hz=5, vips=1) < 0.1


def test_an_answer_names_the_request_that_it_belongs_to() -> None:
    asked = probe_frame("10.0.0.9", own_mac=b"\x02" * 6, sequence=70000)
    holder = bytes.fromhex("525400010203")
    # What arp_process() of Linux sends back: sender and target of the probe change places.
    answer = asked[22:28] + holder + asked[12:20] + b"\x00\x02" + holder
    answer += asked[38:42] + asked[22:28] + bytes(4)
    assert answer_of(answer) == (70000, "10.0.0.9", "52:54:00:01:02:03")
    assert answer_of(asked) is None
