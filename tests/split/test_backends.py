"""The splitter's table as HAProxy tells it."""

from __future__ import annotations

from bootstrap.blocks.rw_split.backends import understand

HEADING = "# pxname,svname,qcur,qmax,scur,smax,slim,stot,bin,bout,dreq,dresp,ereq,econ,eresp,wretr,"
ROW = "{},{},0,0,0,0,,0,0,0,,0,,0,0,0,0,{},1,1,0,1,1,0,0,,"


def answer(*rows: tuple[str, str, str]) -> str:
    """As HAProxy 3.0.11 gave it, without its last columns."""
    lines = [f"{HEADING}wredis,status,weight,act,bck,chkfail,chkdown,lastchg,downtime,qlimit,"]
    return "\n".join([*lines, *(ROW.format(*row) for row in rows), "", ""])


def test_what_is_down_in_a_role_has_no_row() -> None:
    found = understand(
        answer(
            ("source", "server1", "DOWN"),
            ("source", "server2", "UP"),
            ("replica", "server1", "NOLB"),
            ("replica", "server2", "DOWN 1/2"),
        )
    )
    assert found == [
        {"node": "server2", "role": "source", "state": "up"},
        {"node": "server1", "role": "replica", "state": "drains"},
    ]


def test_one_that_is_about_to_go_is_still_there() -> None:
    rows = understand(answer(("replica", "server2", "UP 1/2"), ("source", "server1", "NOLB 1/3")))
    assert [(row["node"], row["state"]) for row in rows] == [
        ("server1", "drains"),
        ("server2", "up"),
    ]
    assert understand(answer()) == []
