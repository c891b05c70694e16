"""The fence endpoint: what it grants, what it refuses, and that never are both nodes off."""

from __future__ import annotations

import fcntl
import json
from pathlib import Path

import pytest

from lab import fence_endpoint, fence_keys
from lab.fence_endpoint import Endpoint, EndpointError, Mark
from tests.lab.fence_pair import FencePair, document

NO_REQUESTS = [
    "",
    "sh",
    "bash -c id",
    "off data2; id",
    "off data2 && id",
    "off $(id)",
    "off data2 data1",
    "off  data2",
    " off data2",
    "off data2 ",
    "off data2\n",
    "off",
    "off six-data2",
    "OFF data2",
    "on data2",
    "destroy data2",
    "off data1",
    "status data1",
    "off lb1",
    "status lb2",
    "off ../data2",
    "off \udcff",
    "internal-sftp",
]
"""Requests of data1 that must be refused: shells, words too many, itself, others' nodes."""


@pytest.fixture
def pair(tmp_path: Path) -> FencePair:
    return FencePair.make(tmp_path / "fence")


@pytest.mark.parametrize(
    ("word", "answer"),
    [
        ("running", "on"),
        ("paused", "on"),
        ("in shutdown", "on"),
        ("", "on"),
        ("shut off", "off"),
        ("crashed", "off"),
    ],
)
def test_status_is_off_only_when_nothing_can_go_on(
    pair: FencePair, word: str, answer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair.set_state("data2", word)
    monkeypatch.setenv("PATH", pair.path)
    endpoint = Endpoint(pair.state, "test:///", "six-data", "data1")
    assert endpoint.status("six-data2") == answer


def test_a_machine_that_is_not_there_is_off(pair: FencePair) -> None:
    (pair.state / "machines" / "six-data2").unlink()
    assert pair.ask("data1", "status data2") == (0, "off")
    assert pair.calls() == ["domstate six-data2", "list --all --name"]


def test_off_powers_the_peer_off_after_the_mark_is_on_disk(pair: FencePair) -> None:
    assert pair.ask("data1", "off data2") == (0, "off")
    assert pair.state_of("data2") == "shut off"
    assert pair.state_of("data1") == "running"
    assert json.loads((pair.state / "mark-at-destroy").read_text())["shot"] == "data2"
    [entry] = pair.log()
    expected = {"pair": "six-data", "node": "data1", "verb": "off", "peer": "data2"}
    assert entry.items() >= {**expected, "result": "off", "reason": None}.items()
    assert isinstance(entry["time"], float)
    assert 0 < entry["took_s"] < 5


@pytest.mark.parametrize("command", NO_REQUESTS)
def test_everything_else_is_refused(
    pair: FencePair,
    command: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("PATH", pair.path)
    assert fence_endpoint.main(pair.options("data1"), command) == 2
    written = capsys.readouterr()
    said = written.err.strip()
    assert written.out == ""
    assert said.endswith("`status PEER`.")
    assert len(said.splitlines()) == 1
    assert pair.calls() == []
    [entry] = pair.log()
    assert (entry["result"], entry["reason"]) == ("refused", said)


def test_a_node_of_no_pair_is_refused(pair: FencePair) -> None:
    fence_keys.revoke(pair.state, "six-data")
    code, said = pair.ask("data1", "off data2")
    assert (code, "not known" in said) == (2, True)
    fence_keys.authorize(pair.state, document("data", "data2", "lb1"))
    code, said = pair.ask("data1", "off data2")
    assert (code, "is no node of six-data" in said) == (2, True)
    assert pair.calls() == []


def test_a_shot_node_is_refused_until_it_is_started(pair: FencePair) -> None:
    assert pair.ask("data1", "off data2")[0] == 0
    pair.set_state("data2", "running")  # by whatever: not by `pairwise start`
    code, said = pair.ask("data2", "off data1")
    assert code == 3
    assert said.startswith("data2 was switched off by data1 at 20")
    assert said.endswith('and has not been started again by "pairwise start".')
    assert pair.state_of("data1") == "running"
    assert pair.ask("data2", "status data1") == (0, "on")
    assert fence_endpoint.clear(pair.state, "six-data", "data1") is False
    assert fence_endpoint.clear(pair.state, "six-data", "data2") is True
    assert pair.ask("data2", "off data1") == (0, "off")
    mark = pair.mark()
    assert mark is not None
    assert (mark.shot, mark.by) == ("data1", "data2")


def test_a_peer_that_is_off_already_is_marked_too(pair: FencePair) -> None:
    """It may come back without `pairwise start`, and then it is the stale one."""
    pair.set_state("data2", "shut off")
    assert pair.ask("data1", "off data2") == (0, "off")
    assert "destroy six-data2" not in pair.calls()
    pair.set_state("data2", "running")
    assert pair.ask("data2", "off data1")[0] == 3


def test_the_survivor_may_ask_again(pair: FencePair) -> None:
    assert pair.ask("data1", "off data2") == (0, "off")
    first = pair.mark()
    pair.set_state("data2", "running")
    assert pair.ask("data1", "off data2") == (0, "off")
    assert pair.state_of("data2") == "shut off"
    assert pair.mark() == first


@pytest.mark.parametrize("turn", range(3))
def test_of_two_requests_at_once_one_wins(pair: FencePair, turn: int) -> None:
    nodes = ("data1", "data2") if turn % 2 else ("data2", "data1")
    peers = {"data1": "data2", "data2": "data1"}
    running = {node: pair.start(node, f"off {peers[node]}") for node in nodes}
    for process in running.values():
        process.communicate(timeout=20)
    codes = {node: process.returncode for node, process in running.items()}
    assert sorted(codes.values()) == [0, 3]
    winner = next(node for node, code in codes.items() if code == 0)
    assert pair.state_of(winner) == "running"
    assert pair.state_of(peers[winner]) == "shut off"
    assert sorted(entry["result"] for entry in pair.log()) == ["off", "refused"]


def test_a_power_off_that_fails_leaves_no_mark(pair: FencePair) -> None:
    (pair.state / "refuses").write_text("error: Operation not supported\n")
    code, said = pair.ask("data1", "off data2")
    assert (code, "runs on" in said) == (1, True)
    assert pair.mark() is None
    (pair.state / "refuses").unlink()
    assert pair.ask("data2", "off data1") == (0, "off")


def test_a_kill_that_takes_its_time_keeps_the_mark(pair: FencePair) -> None:
    """libvirt sent SIGKILL: the machine ends as soon as its disk lets it."""
    said = "error: Failed to terminate process 7 with SIGKILL: Device or resource busy\n"
    (pair.state / "refuses").write_text(said)
    assert pair.ask("data1", "off data2")[0] == 1
    assert pair.ask("data2", "off data1")[0] == 3
    (pair.state / "refuses").unlink()
    assert pair.ask("data1", "off data2") == (0, "off")


def test_a_silent_hypervisor_is_told_and_nothing_is_marked(pair: FencePair) -> None:
    (pair.state / "down").touch()
    for verb in ("status", "off"):
        code, said = pair.ask("data1", f"{verb} data2")
        assert code == 1
        assert said == (
            "The hypervisor does not tell whether six-data2 is on (failed to connect to the "
            "hypervisor): see to its libvirtd, then ask again."
        )
    assert pair.mark() is None
    assert [entry["result"] for entry in pair.log()] == ["failed", "failed"]


def test_a_hanging_hypervisor_does_not_hold_the_caller(
    pair: FencePair, monkeypatch: pytest.MonkeyPatch
) -> None:
    (pair.state / "hangs").touch()
    monkeypatch.setenv("PATH", pair.path)
    monkeypatch.setattr(fence_endpoint, "STATE_S", 0.3)
    endpoint = Endpoint(pair.state, "test:///", "six-data", "data1")
    with pytest.raises(EndpointError, match=r"virsh gave no answer within 0 s") as caught:
        endpoint.switch_off("data2", "six-data2")
    assert caught.value.code == 1


def test_a_mark_without_a_power_off_shoots_nobody_else(pair: FencePair) -> None:
    """As after a crash of the hypervisor between the two steps."""
    mark = {"shot": "data2", "by": "data1", "at": 1e9}
    (pair.state / "six-data.shot.json").write_text(json.dumps(mark))
    assert pair.mark() == Mark("data2", "data1", 1e9)
    assert pair.ask("data2", "off data1")[0] == 3
    assert pair.ask("data1", "off data2") == (0, "off")


def test_a_damaged_mark_grants_nothing(pair: FencePair) -> None:
    (pair.state / "six-data.shot.json").write_text("{")
    for node, peer in (("data1", "data2"), ("data2", "data1")):
        code, said = pair.ask(node, f"off {peer}")
        assert (code, "see which node of six-data is off" in said) == (1, True)
        assert pair.state_of(peer) == "running"


def test_a_request_that_waits_too_long_says_so(
    pair: FencePair, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fence_endpoint, "LOCK_S", 0.1)
    with (pair.state / "six-data.lock").open("a") as holder:
        fcntl.flock(holder, fcntl.LOCK_EX)
        with pytest.raises(EndpointError, match="Another request of six-data is not done"):
            fence_endpoint.clear(pair.state, "six-data", "data2")


def test_clearing_where_there_is_no_endpoint(tmp_path: Path) -> None:
    assert fence_endpoint.clear(tmp_path / "none", "six-data", "data1") is False
    assert not (tmp_path / "none").exists()


def test_pairs_do_not_wait_for_each_other(pair: FencePair) -> None:
    with (pair.state / "six-data.lock").open("a") as holder:
        fcntl.flock(holder, fcntl.LOCK_EX)
        assert pair.ask("lb1", "off lb2") == (0, "off")


def test_keys_of_all_pairs_are_written_and_taken_back(pair: FencePair) -> None:
    file = pair.state / fence_keys.AUTHORIZED_KEYS
    lines = file.read_text().splitlines()
    assert [line.split()[-1] for line in lines] == [
        "six-data/data1", "six-data/data2", "six-lb/lb1", "six-lb/lb2",
    ]  # fmt: skip
    assert all(line.startswith('restrict,command="') for line in lines)
    assert "--uri 'qemu:///system?socket=/run/a socket'" in lines[0]
    assert (file.stat().st_mode & 0o777, pair.state.stat().st_mode & 0o777) == (0o600, 0o700)
    assert pair.ask("data1", "off data2") == (0, "off")
    fence_keys.authorize(pair.state, document("data", "data1", "data2"))
    assert pair.mark() is not None, "authorizing again must not give a shot node its say back"
    fence_keys.revoke(pair.state, "six-data")
    left = [line.split()[-1] for line in file.read_text().splitlines()]
    assert left == ["six-lb/lb1", "six-lb/lb2"]
    assert pair.mark() is None


@pytest.mark.parametrize(
    ("place", "value", "problem"),
    [
        ("pair", "six data", "pair: give STACK-PAIR"),
        ("uri", "", "uri: give the libvirt URI"),
        ("nodes", {}, "nodes: give the two nodes"),
        ("machine", "--all", "nodes.data1.machine: give the name"),
        ("machine", "six-data2", "nodes: give each node a machine of its own"),
        ("public_key", "ssh-ed25519 A\nssh-ed25519 B", "nodes.data1.public_key: give an ssh"),
        ("public_key", 'command="sh" ssh-ed25519 A', "nodes.data1.public_key: give an ssh"),
    ],
)
def test_documents_that_cannot_be_used(
    tmp_path: Path, place: str, value: object, problem: str
) -> None:
    given = document("data", "data1", "data2")
    (given if place in given else given["nodes"]["data1"])[place] = value
    with pytest.raises(ValueError, match="cannot be used") as caught:
        fence_keys.authorize(tmp_path / "fence", given)
    assert problem in str(caught.value)
    assert not (tmp_path / "fence").exists()


def test_a_long_log_becomes_the_old_one(pair: FencePair) -> None:
    """A take-over that waits asks each second: in a week that is half a million lines."""
    log, old = pair.state / fence_endpoint.LOG, pair.state / fence_endpoint.OLD_LOG
    line = json.dumps({"pair": "six-data", "request": "status data2"}) + "\n"
    log.write_text(line * (fence_endpoint.LOG_BYTES // len(line) + 1))
    assert pair.ask("data1", "status data2") == (0, "on")
    assert not log.exists() and old.stat().st_size > fence_endpoint.LOG_BYTES
    assert pair.ask("data1", "status data2") == (0, "on")
    assert len(log.read_text().splitlines()) == 1
