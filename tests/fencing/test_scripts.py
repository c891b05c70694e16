"""What ``fence`` and DRBD's handler ask of whom: the scripts run, their tools are stand-ins."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from bootstrap.blocks.fencing import deploy
from bootstrap.shared import pairs
from drills.wait import wait_until
from tests.golden.tree import plans

TOOL = """#!/bin/sh
echo "$(basename "$0") $*" >>{folder}/asked
case "$(basename "$0") $*" in
"ssh "*status*) echo {status} ;;
"ssh "*off*) echo {answer} ;;
"cl_status "*) echo {peer} ;;
"sleep "*) ! [ -e {folder}/later ] || mv {folder}/later {folder}/drbd ;;
esac
"""
TOOLS = ("ssh", "cl_status", "logger", "sleep", "notify")
DRBD = " 0: cs:{cs} ro:{role}/Unknown ds:UpToDate/DUnknown C r-----\n"


class Fenced:
    """A node of a stack's pair whose peer is silent."""

    def __init__(self, folder: Path, *, stack: str = "nfs", node: str = "nfs1") -> None:
        self.folder = folder
        self.run = folder / "run"
        (folder / "bin").mkdir(parents=True)
        self.run.mkdir()
        plan = next(p for p in plans()[stack].deploys.values() if p.is_pair)
        fence = plan.nodes[node].fence
        assert fence is not None
        self.peer = fence.peer
        texts = {file.path: file.content for file in deploy.files(plan.nodes[node], plan)}
        for path in {pairs.FENCE, pairs.FENCE_PEER_HANDLER} & set(texts):
            script = folder / Path(path).name
            text = texts[path].replace(pairs.RUN, str(self.run))
            text = text.replace(pairs.FENCE, str(folder / "fence"))
            text = text.replace("/proc/drbd", str(folder / "drbd"))
            script.write_text(
                text.replace("/usr/local/lib/pairwise/notify", f"{folder}/bin/notify")
            )
            script.chmod(0o755)
        self.given()
        self.mark(pairs.MET_PEER)
        self.questions = 0
        pipes = self.run / "outdate"
        pipes.mkdir()
        self.pipes = []
        for name in ("nfs", "nfs.answer"):
            os.mkfifo(pipes / name)
            self.pipes.append(os.open(pipes / name, os.O_RDWR))
        threading.Thread(target=self._answer, daemon=True).start()

    def _answer(self) -> None:
        """As pairwise-outdate.service does."""
        asked, answers = self.pipes
        os.write(answers, b"0 4\n")  # For a handler that has gone.
        while True:
            word, _ = os.read(asked, 100).split()
            self.questions += 1
            if self.outdater is not None:
                os.write(answers, word + f" {self.outdater}\n".encode())

    def given(
        self,
        *,
        status: str = "on",
        answer: str = "off",
        peer: str = "dead",
        outdater: int | None = 5,
        cs: str = "WFConnection",
        role: str = "Primary",
    ) -> None:
        """What the tools say from now on, and the program that asks the peer: None is silence."""
        self.outdater = outdater
        text = TOOL.format(
            folder=self.folder,
            status=status,
            answer=answer,
            peer=peer,
        )
        for name in TOOLS:
            # At once: a script that is asking already must not meet half of it.
            new = self.folder / f"{name}.new"
            new.write_text(text)
            new.chmod(0o755)
            new.replace(self.folder / "bin" / name)
        (self.folder / "drbd").write_text(DRBD.format(cs=cs, role=role))

    def later(self, *, cs: str) -> None:
        """What DRBD says after the next pause."""
        (self.folder / "later").write_text(DRBD.format(cs=cs, role="Secondary"))

    def at(self, mark: str) -> Path:
        """Where a mark lies here."""
        return self.run / Path(mark).name

    def mark(self, mark: str, text: str = "") -> None:
        """Leave one."""
        self.at(mark).write_text(text)

    def call(self, script: str, *arguments: str) -> int:
        """Run one; the exit code."""
        path = f"{self.folder / 'bin'}:{os.environ['PATH']}"
        return subprocess.run(
            [str(self.folder / script), *arguments],
            env={"PATH": path, "DRBD_RESOURCE": "nfs"},
            check=False,
            capture_output=True,
            timeout=20,
        ).returncode

    def fence(self, by: str = "heartbeat") -> int:
        """``fence`` as Heartbeat, DRBD or the reconciler calls it."""
        return self.call("fence", self.peer, by)

    @property
    def asked(self) -> list[str]:
        """Questions to the endpoint, and how long was waited, in order; forgotten by this."""
        log = self.folder / "asked"
        lines = log.read_text().splitlines() if log.exists() else []
        log.unlink(missing_ok=True)
        named = (line.split() for line in lines)
        return [
            f"sleep {words[1]}" if words[0] == "sleep" else words[-2]
            for words in named
            if words[0] in {"ssh", "sleep"}
        ]


@pytest.fixture
def here(tmp_path: Path) -> Fenced:
    return Fenced(tmp_path / "node")


def test_a_silent_peer_is_powered_off_after_the_delay_of_its_place(here: Fenced) -> None:
    assert here.fence() == 0
    assert here.asked == ["status", "sleep 0", "off"]
    here.at(pairs.PEER_OFF).unlink()
    here.given(role="Secondary")
    assert here.fence() == 0
    held_nothing = here.asked
    assert held_nothing[0] == "status" and held_nothing[-1] == "off"
    assert int(held_nothing[1].split()[1]) > 0


def test_a_peer_that_is_off_already_costs_no_delay(here: Fenced) -> None:
    here.given(status="off")
    assert here.fence() == 0
    assert here.asked == ["status", "off"]


def test_one_answer_holds_for_all_that_ask_in_a_take_over(here: Fenced) -> None:
    assert here.fence("heartbeat") == 0
    here.asked  # noqa: B018
    assert here.fence("drbd") == 0
    assert here.call("drbd-fence-peer") == 7
    assert here.asked == []


def test_an_old_answer_does_not_hold(here: Fenced) -> None:
    here.mark(pairs.PEER_OFF, "the endpoint has powered it off")
    then = here.at(pairs.PEER_OFF).stat().st_mtime - deploy.GRANTED_S - 1
    os.utime(here.at(pairs.PEER_OFF), (then, then))
    here.given(answer="refused")
    assert here.fence() == 1
    assert here.asked[-1] == "off"


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (lambda here: here.at(pairs.MET_PEER).unlink(), "has not met nfs2 since it booted"),
        (lambda here: here.given(peer="up"), "does not say that nfs2 is dead"),
        (lambda here: here.given(peer=""), "does not say that nfs2 is dead"),
    ],
)
def test_neither_a_fresh_answer_nor_the_endpoint_overrules(
    here: Fenced, given: Callable[[Fenced], None], why: str
) -> None:
    here.mark(pairs.PEER_OFF, "the endpoint has powered it off")
    given(here)
    assert here.fence() == 1
    assert here.asked == []
    assert why in here.at(pairs.WAITING).read_text()


def test_nobody_is_asked_to_confirm_that_a_peer_which_is_heard_is_off(here: Fenced) -> None:
    here.mark(pairs.WAITING, "the fence endpoint says: nothing")
    here.given(peer="active")
    assert here.fence() == 1
    assert here.asked == []
    assert not here.at(pairs.WAITING).exists()


def test_a_wait_says_its_last_reason(here: Fenced) -> None:
    here.mark(pairs.WAITING, "an older reason")
    here.given(answer="refused")
    assert here.fence() == 1
    assert "says: refused" in here.at(pairs.WAITING).read_text()


def test_that_a_peer_is_off_does_not_make_a_node_that_booted_alone_fresh(here: Fenced) -> None:
    """What its peer wrote last it may not have: only `activate` says that this may be lost."""
    here.mark(pairs.CONFIRMED, "nfs2\n")
    assert here.fence() == 0
    here.at(pairs.PEER_OFF).unlink()
    here.at(pairs.MET_PEER).unlink()
    assert here.fence() == 1
    assert pairs.NOT_MET in here.at(pairs.WAITING).read_text()
    here.mark(pairs.ACTIVATED, "nfs2\n")
    assert here.fence() == 0


def test_a_refusal_waits_and_says_why(here: Fenced) -> None:
    here.given(answer="refused")
    assert here.fence() == 1
    assert "says: refused" in here.at(pairs.WAITING).read_text()
    assert not here.at(pairs.PEER_OFF).exists()


def test_a_person_s_word_needs_no_endpoint(here: Fenced) -> None:
    here.mark(pairs.ACTIVATED, "nfs2\n")
    here.at(pairs.MET_PEER).unlink()
    assert here.fence() == 0
    assert here.asked == []


def test_a_peer_that_answers_is_outdated_and_stays_on(here: Fenced) -> None:
    here.given(outdater=4)
    assert here.call("drbd-fence-peer") == 4
    assert here.asked == []


@pytest.mark.parametrize("lost", [5, 20])
def test_a_peer_that_is_heard_is_asked_again(here: Fenced, lost: int) -> None:
    """Neither silence nor an attempt that went wrong is a last word."""
    here.given(outdater=lost, peer="active")
    with ThreadPoolExecutor() as beside:
        handler = beside.submit(here.call, "drbd-fence-peer")
        wait_until(lambda: here.questions > 2, what="a third question", timeout_s=10)
        here.given(outdater=4, peer="active")
        assert handler.result() == 4


@pytest.mark.parametrize(("answer", "peer"), [(5, "dead"), (6, "dead"), (6, "active")])
def test_a_peer_that_is_not_heard_or_refuses_is_powered_off(
    here: Fenced, answer: int, peer: str
) -> None:
    here.given(outdater=answer, peer=peer)
    assert here.call("drbd-fence-peer") == 7
    assert here.questions == (1 if peer == "dead" else 2)


def test_a_question_that_a_newer_one_overtook_powers_nobody_off(here: Fenced) -> None:
    """Seen after a freeze: the peer came back and went again within a second; the second handler
    had it outdated, and the first one, whose answer came before, had it powered off.
    """
    here.given(outdater=None)
    with ThreadPoolExecutor() as beside:
        first = beside.submit(here.call, "drbd-fence-peer")
        wait_until(lambda: here.questions == 1, what="the first question", timeout_s=10)
        # It waits for an answer still; the second one asks when that is over.
        here.outdater = 4
        assert here.call("drbd-fence-peer") == 4
        assert first.result() == 1
    assert here.asked == []


def test_without_its_service_nobody_is_taken_for_outdated(here: Fenced) -> None:
    for name in ("nfs", "nfs.answer"):
        (here.run / "outdate" / name).unlink()
    assert here.call("drbd-fence-peer") == 7
    assert not (here.run / "outdate" / "nfs").exists()


def test_a_peer_that_was_found_off_a_moment_ago_is_not_asked(here: Fenced) -> None:
    """At each promotion of a take-over: clients wait for it."""
    here.given(outdater=None)
    here.mark(pairs.PEER_OFF, "found off")
    assert here.call("drbd-fence-peer") == 7
    assert here.asked == [] and here.questions == 0


def test_a_peer_that_is_off_costs_one_question(here: Fenced) -> None:
    here.given(status="off", outdater=None, peer="active")
    assert here.call("drbd-fence-peer") == 7
    assert here.asked == ["status", "off"] and here.questions == 1


def test_who_is_promoted_looks_first_whether_the_peer_is_off(here: Fenced) -> None:
    """A dead peer would be asked for three seconds before, with clients waiting."""
    here.given(role="Secondary", status="off", outdater=None)
    assert here.call("drbd-fence-peer") == 7
    assert here.asked == ["status", "off"] and here.questions == 0
    here.at(pairs.PEER_OFF).unlink()
    here.given(role="Secondary", outdater=4)
    assert here.call("drbd-fence-peer") == 4
    assert here.asked == ["status"] and here.questions == 1


@pytest.mark.parametrize("cs", ["Connected", "SyncSource"])
def test_a_peer_that_is_back_is_neither_asked_nor_powered_off(here: Fenced, cs: str) -> None:
    """To outdate it would end the connection that it has just made."""
    here.given(cs=cs, peer="active")
    assert here.call("drbd-fence-peer") == 1
    assert here.questions == 0
    assert here.asked == []


def test_a_peer_that_comes_back_between_two_questions_is_left_alone(here: Fenced) -> None:
    here.given(outdater=5, peer="active")
    here.later(cs="Connected")
    assert here.call("drbd-fence-peer") == 1
    assert here.questions == 2
    assert here.asked == ["status", "sleep 1"]


def test_a_peer_that_comes_back_while_this_node_hesitates_stays_on(here: Fenced) -> None:
    here.given(role="Secondary")
    here.later(cs="Connected")
    assert here.fence("drbd") == 1
    assert here.asked == ["status", "sleep 10"]
    assert not here.at(pairs.WAITING).exists()


def test_only_the_peer_can_be_named(here: Fenced) -> None:
    assert here.call("fence", "nfs1", "heartbeat") == 2
    assert here.asked == []


@pytest.fixture
def duo(tmp_path: Path) -> Fenced:
    """Without Heartbeat and DRBD: only the reconciler asks."""
    node = Fenced(tmp_path / "node", stack="duo", node="server1")
    node.at(pairs.MET_PEER).unlink()
    return node


def test_the_source_of_a_gtid_pair_asks_at_once_and_its_replica_hesitates(duo: Fenced) -> None:
    duo.mark(pairs.GTID, '{"role": "source"}')
    assert duo.fence("gtid") == 0
    assert duo.asked == ["status", "sleep 0", "off"]
    duo.at(pairs.PEER_OFF).unlink()
    duo.mark(pairs.GTID, '{"role": "replica"}')
    assert duo.fence("gtid") == 0
    assert duo.asked == ["status", "sleep 10", "off"]


def test_a_gtid_peer_that_is_off_costs_no_delay_and_a_refusal_waits(duo: Fenced) -> None:
    duo.given(status="off")
    assert duo.fence("gtid") == 0
    assert duo.asked == ["status", "off"]
    duo.at(pairs.PEER_OFF).unlink()
    duo.given(answer="refused")
    assert duo.fence("gtid") == 1
    assert "says: refused" in duo.at(pairs.WAITING).read_text()


def test_to_ask_whether_a_peer_is_off_neither_hesitates_nor_powers_anything_off(
    duo: Fenced,
) -> None:
    assert duo.fence("probe") == 1
    assert duo.asked == ["status"]
    assert not duo.at(pairs.WAITING).exists()
    duo.given(status="off")
    assert duo.fence("probe") == 0
    assert duo.asked == ["status"]
    assert not duo.at(pairs.PEER_OFF).exists()
    duo.given(status="no answer")
    assert duo.fence("probe") == 1
    duo.mark(pairs.CONFIRMED, "server2")
    assert duo.fence("probe") == 0
