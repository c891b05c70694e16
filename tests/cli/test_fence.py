"""``fence log``, and what ``start`` forgets."""

from __future__ import annotations

import json
from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from cli.checkout import Checkout
from cli.errors import CommandError
from cli.fence import clear_mark, entries, table
from lab import fence, fence_endpoint
from tests.cli.test_look import plan

ENTRY = {
    "time": 1e9,
    "pair": "six-data",
    "node": "data1",
    "request": "off [red]data2\x1b",
    "verb": None,
    "peer": None,
    "result": "refused",
    "reason": "because [b]so",
    "took_s": 0.123,
}


def test_log_of_a_stack_leaves_out_others_and_damaged_lines(tmp_path: Path) -> None:
    lines = [json.dumps(ENTRY), json.dumps({**ENTRY, "pair": "nfs-data"}), "[]", '{"time"']
    (tmp_path / fence_endpoint.OLD_LOG).write_text("\n".join(lines[:1]))
    (tmp_path / fence_endpoint.LOG).write_text("\n".join(lines[1:]))
    assert entries(tmp_path, plan("six")) == [ENTRY]
    assert entries(tmp_path / "none", plan("six")) == []


def test_table_shows_what_a_node_sent_as_it_is() -> None:
    console = Console(file=StringIO(), width=160)
    console.print(table([ENTRY]))
    assert isinstance(console.file, StringIO)
    row = console.file.getvalue().splitlines()[1]
    assert "off [red]data2\\x1b" in row
    assert "because [b]so" in row
    assert "0.12 s" in row


def mark(checkout: Checkout, text: str) -> Path:
    folder = fence.state_folder(checkout.paths)
    folder.mkdir(parents=True)
    path = folder / "six-data.shot.json"
    path.write_text(text)
    return path


def test_a_start_clears_the_mark_of_that_node_only(tmp_path: Path) -> None:
    checkout, six = Checkout(root=tmp_path), plan("six")
    assert clear_mark(checkout, six, six.nodes["data1"]) is False
    path = mark(checkout, json.dumps({"shot": "data2", "by": "data1", "at": 1e9}))
    elsewhere = replace(six, hypervisors={"lab": "qemu+ssh://host/system"})
    assert clear_mark(checkout, elsewhere, six.nodes["data2"]) is False
    assert clear_mark(checkout, six, six.nodes["data1"]) is False
    assert clear_mark(checkout, six, six.nodes["web1"]) is False
    assert path.exists()
    assert clear_mark(checkout, six, six.nodes["data2"]) is True
    assert not path.exists()


def test_a_damaged_mark_ends_the_start(tmp_path: Path) -> None:
    checkout, six = Checkout(root=tmp_path), plan("six")
    mark(checkout, "{")
    with pytest.raises(CommandError, match="see which node of six-data is off"):
        clear_mark(checkout, six, six.nodes["data1"])
