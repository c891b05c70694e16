"""Healing and repairing: what is thrown away is proven first, and a refusal says why."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bootstrap.facts.drbd import DrbdState
from bootstrap.facts.drbd_generations import Generations, Relation, process, relation
from cli import commands_copies, copies, divergence, main
from cli.divergence import Copy
from cli.errors import CommandError
from cli.groups import PairOf
from cli.status_read import NodeAnswer
from cli.transport import Ssh
from tests.cli.test_status_groups import holder, idle, state, status

OLD, LEFT, RIGHT, OTHER = 0x10, 0x20, 0x30, 0x40


def numbers(current: int, bitmap: int = 0, *history: int) -> Generations:
    return Generations(current=current, bitmap=bitmap, history=history or (0, 0))


@pytest.mark.parametrize(
    ("own", "other", "kind"),
    [
        (numbers(OLD), numbers(OLD), Relation.SAME),
        (numbers(OLD, 0), numbers(LEFT, OLD), Relation.BEHIND),
        (numbers(OLD, 0), numbers(RIGHT, LEFT, OLD), Relation.BEHIND),
        (numbers(LEFT, OLD), numbers(OLD), Relation.AHEAD),
        (numbers(LEFT, OLD), numbers(RIGHT, OLD), Relation.SPLIT),
        (numbers(LEFT, 0, OLD), numbers(RIGHT, OTHER, OLD), Relation.SPLIT),
        (numbers(LEFT), numbers(RIGHT), Relation.UNRELATED),
        (numbers(LEFT, OLD), numbers(RIGHT, OTHER), Relation.UNRELATED),
    ],
)
def test_relation_follows_the_kernels_rules(
    own: Generations, other: Generations, kind: Relation
) -> None:
    assert relation(own, other) is kind


def test_generations_are_read_as_drbdsetup_prints_them() -> None:
    text = """\
0 8D1C22B2A3C1F0D5:5B4E9A8B7C6D5E4F:0000000000000010:0000000000000000:1:1:1:0:0:0:0
1
2 0: Failure: (127) Device minor not allocated
"""
    found = process(text.splitlines())
    assert list(found) == [0]
    # The lowest bit says only that the node was Primary.
    assert (found[0].current, found[0].bitmap) == (0x8D1C22B2A3C1F0D4, 0x5B4E9A8B7C6D5E4E)
    assert found[0].history == (0x10, 0)


def copy(node: str, current: int, bitmap: int = 0, **values: Any) -> Copy:
    shown = {"cs": "StandAlone", "role": "Secondary", "disk": "UpToDate", **values}
    return Copy(
        node=node,
        state=DrbdState(minor=0, **shown),
        generations=numbers(current, bitmap),
    )


LOSER = replace(copy("nfs2", RIGHT, OLD, oos_kib=12), lost_at=1700000100.0)
KEEPER = replace(copy("nfs1", LEFT, OLD, role="Primary", oos_kib=512), lost_at=1700000000.0)


def test_a_heal_names_who_loses_what_since_when() -> None:
    loss = divergence.heal("nfs", LOSER, KEEPER, stack="nfs")
    assert (loss.loser, loss.keeper, loss.since) == ("nfs2", "nfs1", 1700000000.0)
    assert "what nfs2 has written alone since 2023-11-" in loss.sentence()
    assert "(up to 12 KiB); nfs1 keeps its data (up to 512 KiB" in loss.sentence()


def test_a_heal_says_when_no_journal_names_the_moment() -> None:
    gone = divergence.heal(
        "nfs", replace(LOSER, lost_at=None), replace(KEEPER, lost_at=None), stack="nfs"
    )
    assert "since a time that no journal names" in gone.sentence()


@pytest.mark.parametrize(
    ("loser", "keeper", "words"),
    [
        (KEEPER, LOSER, "is Primary on nfs1, and its clients use what would be thrown away"),
        (copy("nfs2", OLD, cs="Connected"), copy("nfs1", OLD, cs="Connected"), "are connected"),
        (copy("nfs2", OLD), copy("nfs1", LEFT, OLD), "is an older state of nfs1's"),
        (copy("nfs2", OLD), copy("nfs1", OLD), "is the same as nfs1's"),
        (copy("nfs2", LEFT, OLD), copy("nfs1", OLD), "is newer than nfs1's"),
        (copy("nfs2", RIGHT), copy("nfs1", LEFT), "no generation in common"),
        (replace(LOSER, generations=None), KEEPER, "could not be read on both"),
        (LOSER, copy("nfs1", LEFT, OLD, disk="Inconsistent"), "on nfs1 is Inconsistent"),
        (copy("nfs2", RIGHT, OLD, disk="Diskless"), KEEPER, "on nfs2 is Diskless"),
        (Copy(node="nfs2", state=DrbdState(minor=0)), KEEPER, "on nfs2 is DUnknown"),
    ],
)
def test_a_heal_is_refused(loser: Copy, keeper: Copy, words: str) -> None:
    with pytest.raises(CommandError) as caught:
        divergence.heal("nfs", loser, keeper, stack="nfs")
    assert words in str(caught.value)


def linked(node: str, role: str, **values: Any) -> Copy:
    return copy(node, OLD, cs=values.pop("cs", "Connected"), role=role, **values)


def test_a_repair_copies_from_the_node_that_serves() -> None:
    one, other = linked("nfs1", "Secondary", oos_kib=8), linked("nfs2", "Primary", oos_kib=8)
    source, target = divergence.repair("nfs", one, other, stack="nfs", pair="store")
    assert (source.node, target.node) == ("nfs2", "nfs1")


@pytest.mark.parametrize(
    ("one", "other", "words"),
    [
        (linked("a", "Primary"), linked("b", "Secondary"), "no blocks that are known to differ"),
        (linked("a", "Secondary", oos_kib=4), linked("b", "Secondary"), "Primary on neither"),
        (linked("a", "Primary", cs="VerifyS", oos_kib=4), linked("b", "Secondary"), "is VerifyS"),
        (
            linked("a", "Primary", disk="Diskless", oos_kib=4),
            linked("b", "Secondary"),
            "`pairwise switchover nfs store --to b` first",
        ),
    ],
)
def test_a_repair_is_refused(one: Copy, other: Copy, words: str) -> None:
    with pytest.raises(CommandError) as caught:
        divergence.repair("nfs", one, other, stack="nfs", pair="store")
    assert words in str(caught.value)


def split(answer: NodeAnswer, current: int) -> NodeAnswer:
    return replace(answer, generations={0: numbers(current, OLD)})


def test_status_tells_a_split_brain_from_a_pulled_plug() -> None:
    primary = holder(replace(state("Primary", cs="StandAlone"), oos_kib=512))
    backup = idle(replace(state(cs="StandAlone"), oos_kib=12))
    (problem,) = status(split(primary, LEFT), split(backup, RIGHT)).problems
    assert "nfs1 up to 512 KiB and nfs2 up to 12 KiB" in problem
    assert "`pairwise heal nfs nfs2`" in problem
    parted = status(split(primary, LEFT), replace(backup, generations={0: numbers(OLD)})).problems
    assert not [text for text in parted if "split brain:" in text]
    assert [text for text in parted if "StandAlone" in text]


class FakePair:
    """A pair whose nodes answer as told, and note the orders that they get."""

    def __init__(self, answers: dict[str, list[NodeAnswer]]) -> None:
        from tests.cli.test_look import plan

        self.part = plan("nfs").slice("nfs")
        self.data = self.part.nodes["nfs1"].data
        self.answers = answers
        self.orders: list[tuple[str, str]] = []
        self.ssh = self

    chosen = PairOf.chosen

    def look(self, node: Any) -> NodeAnswer:
        found = self.answers[node.name]
        return found.pop(0) if len(found) > 1 else found[0]

    def read(self, node: Any, script: str, *, timeout_s: float) -> tuple[str, str]:
        del timeout_s
        if script.startswith("journalctl"):
            return "1700000000.5 nfs1 kernel: drbd nfs: conn( Connected -> TearDown )\n", ""
        self.orders.append((node.name, script))
        return "done\n", ""


@pytest.fixture
def pair(monkeypatch: pytest.MonkeyPatch) -> FakePair:
    parted, together = state("Primary", cs="StandAlone"), state("Primary")
    fake = FakePair(
        {
            "nfs1": [split(holder(parted), LEFT), holder(together)],
            "nfs2": [split(idle(state(cs="StandAlone")), RIGHT), idle()],
        }
    )
    monkeypatch.setattr(commands_copies, "PairOf", lambda *_: fake)
    monkeypatch.setattr(Ssh, "of_stack", lambda _: fake)
    return fake


def test_heal_orders_the_loser_first_and_ends_when_both_are_the_same(
    pair: FakePair, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main.run(["heal", "nfs", "nfs2", "--yes"]) == 0
    (first, thrown), (second, joined) = pair.orders
    assert (first, second) == ("nfs2", "nfs1")
    assert "connect --discard-my-data nfs" in thrown
    assert "discard" not in joined
    assert "what nfs2 has written alone" in capsys.readouterr().err


def test_heal_orders_nothing_unless_somebody_agrees(
    pair: FakePair, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main.run(["heal", "nfs", "nfs2"]) == 3
    assert pair.orders == []
    assert "add --yes; nothing was done" in capsys.readouterr().err


def test_heal_refuses_to_throw_the_servers_data_away(
    pair: FakePair, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main.run(["heal", "nfs", "nfs1", "--yes"]) == 1
    assert pair.orders == []
    assert "name nfs2" in capsys.readouterr().err


def test_repair_reconnects_the_backup_alone(
    pair: FakePair, capsys: pytest.CaptureFixture[str]
) -> None:
    differ = replace(state(), oos_kib=8)
    pair.answers = {
        "nfs1": [holder(replace(state("Primary"), oos_kib=8)), holder()],
        "nfs2": [idle(differ), idle()],
    }
    assert main.run(["repair", "nfs", "nfs2"]) == 0
    ((node, order),) = pair.orders
    assert node == "nfs2"
    assert "drbdadm disconnect nfs && drbdadm connect nfs" in order
    assert "0 KiB differ" in capsys.readouterr().err
    pair.answers = {"nfs1": [holder(replace(state("Primary"), oos_kib=8))], "nfs2": [idle(differ)]}
    assert main.run(["repair", "nfs", "nfs1"]) == 3


def test_a_copy_that_never_becomes_the_same_is_no_success(
    pair: FakePair, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copies, "MEET_S", 0)
    pair.answers = {"nfs1": [holder(replace(state("Primary"), oos_kib=8))], "nfs2": [idle()]}
    resources = pair.data.drbd.resources if pair.data else ()
    with pytest.raises(CommandError, match="are not the same"):
        copies.until_same(pair, resources, lambda _: None, kib=0)  # type: ignore[arg-type]
