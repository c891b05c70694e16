"""What a person or ``fence`` has said of a silent peer, and how long that holds."""

from __future__ import annotations

import json
import os
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from bootstrap.blocks.gtid_pair import deploy
from bootstrap.blocks.gtid_pair.program import __main__ as program
from bootstrap.blocks.gtid_pair.program import config as configuration
from bootstrap.blocks.gtid_pair.program.seen import Applier, Observation, Server
from bootstrap.blocks.gtid_pair.program.step import Step
from bootstrap.shared import pairs
from bootstrap.shared.gtids import Gtids, parse
from tests.golden.tree import plans

PEER = Server(uuid="b", life="", read_only=True, executed=Gtids())
OWN = Server(uuid="a", life="1/1", read_only=False, executed=Gtids())


@pytest.fixture
def reconciler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> program.Reconciler:
    """A reconciler whose marks are in a folder of its own, and whose steps are always done."""
    part = plans()["duo"].slice("duo")
    files = {file.path: file for file in deploy.files(part.nodes["server1"], part)}
    values = json.loads(files[deploy.CONFIG].content)
    marks = {name: str(tmp_path / name) for name in values["marks"]}
    written = tmp_path / "reconciler.json"
    said = {name: str(tmp_path / name) for name in ("publish", "holds", "alive")}
    written.write_text(json.dumps(values | {"marks": marks} | said))
    monkeypatch.setattr(program, "apply", lambda *_: None)
    monkeypatch.setattr(program, "Echo", Unheard)
    return program.Reconciler(configuration.load(written), tmp_path, tmp_path)


class Unheard:
    """Echoes to a machine that does not answer."""

    def __init__(self, _: str) -> None:
        """Nobody is asked."""

    def ask(self) -> None:
        """Nothing is sent."""

    def answered(self) -> bool:
        return False


def look(
    reconciler: program.Reconciler, monkeypatch: pytest.MonkeyPatch, peer: Server | None
) -> None:
    """One pass of a source that answers, with that of its peer."""
    answers = {"own": OWN, "peer": peer}
    monkeypatch.setattr(reconciler, "_server", lambda _, whose, *__, **___: answers[whose])
    reconciler.one_pass(again=False)


def marks(reconciler: program.Reconciler) -> set[str]:
    return {name for name, path in reconciler.config.marks.items() if Path(path).exists()}


def say(reconciler: program.Reconciler, *names: str) -> None:
    for name in names:
        Path(reconciler.config.marks[name]).touch()


def test_no_word_that_the_peer_is_off_outlives_its_answer(
    reconciler: program.Reconciler, monkeypatch: pytest.MonkeyPatch
) -> None:
    say(reconciler, "activated", "confirmed", "waiting", "peer_off")
    look(reconciler, monkeypatch, None)
    assert {"confirmed", "waiting", "peer_off"} <= marks(reconciler)
    look(reconciler, monkeypatch, PEER)
    assert marks(reconciler) - {"acted"} == {"peer_off"}
    past = time.time() - program.OFF_S - 1
    os.utime(reconciler.config.marks["peer_off"], (past, past))
    look(reconciler, monkeypatch, PEER)
    assert marks(reconciler) - {"acted"} == set()


def test_keepalived_may_read_what_is_published(
    reconciler: program.Reconciler, monkeypatch: pytest.MonkeyPatch
) -> None:
    look(reconciler, monkeypatch, PEER)
    config = reconciler.config
    published = [Path(path) for path in (config.publish, config.holds, config.alive)]
    assert {path.stat().st_mode & 0o777 for path in published} == {0o644}
    document, holds, alive = (path.read_text() for path in published)
    assert '"role": "source"' in document
    assert holds == "1\n"
    assert alive.endswith(" source 1\n")


def test_what_another_one_waits_for_is_left_while_the_peer_goes_on_answering(
    reconciler: program.Reconciler, monkeypatch: pytest.MonkeyPatch
) -> None:
    look(reconciler, monkeypatch, PEER)
    say(reconciler, "waiting", "confirmed")
    look(reconciler, monkeypatch, PEER)
    assert marks(reconciler) == {"waiting"}


@pytest.mark.parametrize(("peer", "called_off"), [(None, True), (PEER, False)])
def test_a_request_for_silence_is_called_off_by_an_answer(
    reconciler: program.Reconciler,
    monkeypatch: pytest.MonkeyPatch,
    peer: Server | None,
    called_off: bool,
) -> None:
    reconciler.config = replace(reconciler.config, fence=["sleep", "60"])
    assert reconciler._do(Step.ASK, Observation(own=OWN, peer=peer, vip=True))
    asked = reconciler.fence
    assert asked is not None
    look(reconciler, monkeypatch, None)
    assert reconciler.fence is asked
    look(reconciler, monkeypatch, PEER)
    assert (reconciler.fence is None) is called_off
    asked.kill()
    asked.wait()


def test_an_activation_is_acted_on_once_and_stays_for_heartbeat(
    reconciler: program.Reconciler,
) -> None:
    say(reconciler, "activated")
    assert reconciler._activated(None)
    assert not reconciler._activated(PEER)
    past = time.time() - 1
    os.utime(reconciler.config.marks["activated"], (past, past))
    assert reconciler._do(Step.GO_ALONE, Observation(own=OWN, peer=None, vip=True, activated=True))
    assert marks(reconciler) == {"activated", "acted"}
    assert not reconciler._activated(None)
    # Two files that are written within one tick of the kernel's clock are of the same time.
    os.utime(reconciler.config.marks["acted"], (past, past))
    say(reconciler, "activated")
    assert reconciler._activated(None)


def test_an_old_activation_is_none(reconciler: program.Reconciler) -> None:
    say(reconciler, "activated")
    past = time.time() - program.WORD_S - 1
    os.utime(reconciler.config.marks["activated"], (past, past))
    assert not reconciler._activated(None)


@pytest.mark.parametrize(("age_s", "counts"), [(0, True), (pairs.STANDBY_S + 2, False)])
def test_a_source_that_is_to_stand_by_gives_up_and_not_for_ever(
    reconciler: program.Reconciler, monkeypatch: pytest.MonkeyPatch, age_s: float, counts: bool
) -> None:
    say(reconciler, "standby")
    past = time.time() - age_s
    os.utime(reconciler.config.marks["standby"], (past, past))
    monkeypatch.setattr(program, "has_address", lambda _: True)
    replica = replace(PEER, acks=True, connected=True, applier=Applier.RUNNING)
    answers = {"own": replace(OWN, clients=1), "peer": replica}
    monkeypatch.setattr(reconciler, "_server", lambda _, whose, *__, **___: answers[whose])
    # Whether the replica has caught up is told by two looks.
    assert reconciler.one_pass(again=False) is Step.NOTHING
    assert (reconciler.one_pass(again=False) is Step.DEMOTE) is counts


@pytest.mark.parametrize("own_answers", [True, False])
def test_a_source_that_had_no_answer_of_its_own_server_does_not_take_a_replica_for_caught_up(
    reconciler: program.Reconciler, monkeypatch: pytest.MonkeyPatch, own_answers: bool
) -> None:
    """Seen on stack duo: writes waited 43 s for a replica that received what it had missed."""
    missed, *wrote = [parse(f"a:1-{last}") for last in (6, 7, 8, 9)]
    alone = replace(OWN, waits=False, clients=1)
    behind = replace(PEER, acks=True, connected=True, executed=missed)
    answers: dict[str, Server | None] = {"own": alone, "peer": behind}
    monkeypatch.setattr(reconciler, "_server", lambda _, whose, *__, **___: answers[whose])
    for executed in wrote:
        answers["own"] = replace(alone, executed=executed)
        reconciler.one_pass(again=False)
    answers["own"] = replace(alone, executed=wrote[-1]) if own_answers else None
    reconciler.one_pass(again=False)
    answers["own"] = replace(alone, executed=wrote[-1])
    assert reconciler.one_pass(again=False) is Step.NOTHING
    answers["peer"] = replace(behind, executed=wrote[-1])
    assert reconciler.one_pass(again=False) is Step.WAIT


def test_with_its_machine_the_reconciler_ends_once_its_peer_is_source_alone(
    reconciler: program.Reconciler, monkeypatch: pytest.MonkeyPatch
) -> None:
    say(reconciler, "leaving")
    answers = {
        "own": replace(OWN, read_only=True, acks=True),
        "peer": replace(PEER, read_only=False, waits=True),
    }
    monkeypatch.setattr(reconciler, "_server", lambda _, whose, *__, **___: answers[whose])
    assert reconciler.one_pass(again=False) is Step.WAIVE
    answers["own"] = replace(answers["own"], acks=False)
    assert reconciler.one_pass(again=False) is Step.NOTHING
    answers["peer"] = replace(answers["peer"], waits=False)
    assert reconciler.one_pass(again=False) is Step.LEAVE


@pytest.mark.parametrize(
    ("said", "heard", "probes"),
    [
        ("no answer in time", False, True),
        ("ERROR 2003 (HY000): x (111)", False, False),
        ("no answer in time", True, False),
    ],
)
def test_a_mute_peer_is_asked_after_at_the_endpoint_and_one_that_restarts_or_is_busy_is_not(
    reconciler: program.Reconciler,
    monkeypatch: pytest.MonkeyPatch,
    said: str,
    heard: bool,
    probes: bool,
) -> None:
    monkeypatch.setattr(reconciler.echo, "answered", lambda: heard)

    def server(_: object, whose: str, *__: object, **___: object) -> Server | None:
        reconciler.said["peer"] = said
        return OWN if whose == "own" else None

    monkeypatch.setattr(reconciler, "_server", server)
    monkeypatch.setattr(program, "has_address", lambda _: True)
    reconciler.config = replace(reconciler.config, probe=["true"])
    assert (reconciler.one_pass(again=False) is Step.PROBE) is probes
    if probes:
        assert reconciler.fence is not None
        reconciler.fence.wait()
        assert reconciler.one_pass(again=False) is Step.GO_ALONE


def test_a_long_step_does_not_silence_the_reconciler(
    reconciler: program.Reconciler, monkeypatch: pytest.MonkeyPatch
) -> None:
    look(reconciler, monkeypatch, PEER)
    published, alive = Path(reconciler.config.publish), Path(reconciler.config.alive)
    before = json.loads(published.read_text())["time"]
    alive.unlink()
    monkeypatch.setattr(program, "PASS_S", 0.05)
    with reconciler._goes_on_saying():
        threading.Event().wait(0.5)
    found = json.loads(published.read_text())
    assert found["time"] > before
    assert found["role"] == "source"
    assert alive.read_text().endswith(" source 1\n")
