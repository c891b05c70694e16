"""The text of /proc/drbd, 8.4 and the document's 8.3: every state that a pair gets into."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

from bootstrap.facts import drbd

HEAD = """version: 8.4.11 (api:1/proto:86-101)
srcversion: 473968AD625BA317874A57E
"""
COUNTERS = "    ns:0 nr:0 dw:0 dr:0 al:8 bm:0 lo:0 pe:0 ua:0 ap:0 ep:1 wo:f"
CONNECTED = f""" 0: cs:Connected ro:Primary/Secondary ds:UpToDate/UpToDate C r-----
{COUNTERS} oos:0
"""
TARGET = f""" 1: cs:SyncTarget ro:Secondary/Primary ds:Inconsistent/UpToDate C r-----
{COUNTERS} oos:1338508
\t[=========>..........] sync'ed: 50.1% (1338508/2666636)K
\tfinish: 0:02:10 speed: 10,224 (10,216) want: 10,240 K/sec
"""


def parsed(text: str) -> dict[int, drbd.DrbdState]:
    return drbd.process((HEAD + text).splitlines())


def one(text: str) -> drbd.DrbdState:
    (state,) = parsed(text).values()
    return state


def test_connected_and_in_sync() -> None:
    assert one(CONNECTED) == drbd.DrbdState(
        minor=0,
        cs="Connected",
        role="Primary",
        peer_role="Secondary",
        disk="UpToDate",
        peer_disk="UpToDate",
    )
    assert one(CONNECTED).replicated


def test_a_resync_has_progress_speed_and_an_end() -> None:
    state = one(TARGET)
    assert (state.cs, state.disk, state.peer_disk) == ("SyncTarget", "Inconsistent", "UpToDate")
    assert (state.sync_percent, state.speed_kib_s, state.finish_s) == (50.1, 10224, 130)
    assert (state.oos_kib, state.syncing, state.replicated) == (1338508, True, False)


def test_progress_on_one_line_in_mebibytes() -> None:
    text = f""" 0: cs:SyncSource ro:Primary/Secondary ds:UpToDate/Inconsistent C r-----
{COUNTERS} oos:470916516
\t[>....................] sync'ed:  3.6% (459876/476792)M
\tfinish: 13:03:06 speed: 42,844 (36,616) K/sec (stalled)
"""
    state = one(text)
    assert (state.sync_percent, state.speed_kib_s, state.stalled) == (3.6, 42844, True)
    assert state.finish_s == 13 * 3600 + 186


def test_a_verify_is_no_resync() -> None:
    text = f""" 0: cs:VerifyS ro:Primary/Secondary ds:UpToDate/UpToDate C r-----
{COUNTERS} oos:8
\t[=========>..........] verified: 52.0% (1/2)K
\tfinish: 0:00:10 speed: 10,224 (10,216) want: 10,240 K/sec
"""
    state = one(text)
    assert (state.sync_percent, state.verify_percent, state.syncing) == (None, 52.0, False)
    assert state.linked and state.oos_kib == 8


def test_two_resources_keep_their_numbers_apart() -> None:
    states = parsed(CONNECTED + TARGET)
    assert (states[0].oos_kib, states[0].sync_percent) == (0, None)
    assert (states[1].oos_kib, states[1].sync_percent) == (1338508, 50.1)


def test_waiting_for_the_peer_is_not_frozen() -> None:
    # ha-notes.md: r----s is on any device that is not connected yet; its last letter is no freeze.
    state = one(f" 0: cs:WFConnection ro:Primary/Unknown ds:UpToDate/Outdated C r----s\n{COUNTERS}")
    assert (state.cs, state.peer_role, state.peer_disk) == ("WFConnection", "Unknown", "Outdated")
    assert (state.frozen, state.linked) == (False, False)


def test_frozen_while_the_peer_is_fenced() -> None:
    state = one(f" 0: cs:WFConnection ro:Primary/Unknown ds:UpToDate/DUnknown C s-----\n{COUNTERS}")
    assert state.frozen


def test_stand_alone_has_no_protocol() -> None:
    text = f" 0: cs:StandAlone ro:Primary/Unknown ds:UpToDate/DUnknown   r-----\n{COUNTERS} oos:44"
    state = one(text)
    assert (state.cs, state.role, state.oos_kib, state.frozen) == (
        "StandAlone",
        "Primary",
        44,
        False,
    )
    assert one(text.replace("r-----", "s-----")).frozen


def test_detached_backing_disk() -> None:
    state = one(f" 0: cs:Connected ro:Primary/Secondary ds:Diskless/UpToDate C r-----\n{COUNTERS}")
    assert (state.disk, state.peer_disk, state.linked, state.replicated) == (
        "Diskless",
        "UpToDate",
        True,
        False,
    )


def test_not_configured_no_resource_and_no_module() -> None:
    assert one(" 0: cs:Unconfigured\n") == drbd.absent(0)
    assert not drbd.absent(0).configured
    assert parsed("") == {}
    assert drbd.process([]) == {}
    assert drbd.process(["cat: /proc/drbd: No such file"]) == {}


def test_the_document_s_own_text() -> None:
    # Document 000 prints 8.3.12, its minor without the blank and with blanks at the line's end.
    text = """1: cs:SyncSource ro:Primary/Secondary ds:UpToDate/Inconsistent C r-----  
    ns:29696 nr:0 dw:0 dr:29696 al:0 bm:1 lo:0 pe:7 ua:0 ap:0 ep:1 wo:b oos:2637836  
    [>....................] sync'ed:  1.3% (2637836/2666636)K  
    finish: 0:03:00 speed: 14,400 (14,400) K/sec  
"""  # noqa: W291
    state = one(text)
    assert (state.minor, state.sync_percent, state.speed_kib_s) == (1, 1.3, 14400)


def test_only_the_standard_library() -> None:
    tree = ast.parse(Path(drbd.__file__).read_text(encoding="utf-8"))
    names = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    names |= {a.name for node in ast.walk(tree) if isinstance(node, ast.Import) for a in node.names}
    assert {str(name).split(".")[0] for name in names} <= sys.stdlib_module_names
