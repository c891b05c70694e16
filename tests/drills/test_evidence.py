"""The page about kept connections says what the result says."""

from __future__ import annotations

import json
from pathlib import Path

from drills.workloads.connections import new_run, result
from drills.workloads.evidence import main
from drills.workloads.kept import Load


def test_the_page_shows_the_numbers_of_the_result(tmp_path: Path) -> None:
    run = new_run(Load(vips=("192.0.2.1", "192.0.2.2"), connections=9))
    for _ in range(9):
        run.tally("192.0.2.1").answered(0.0123)
    run.tally("192.0.2.2").refused += 4
    run.set_mark()
    run.tally("192.0.2.2").reset += 7
    run.held["192.0.2.1"].recovered = dict.fromkeys(range(5), 31.25)
    told = result(run, seconds=30.0)
    told["balancers"] = {"lb1": {"active": 4567, "bytes_per_connection": 2345}}
    source = tmp_path / "result.json"
    source.write_text(json.dumps(told))
    main(str(source), str(tmp_path / "evidence"))
    page = (tmp_path / "evidence" / "connections.md").read_text()
    assert json.loads((tmp_path / "evidence" / "connections.json").read_text()) == told
    steady, fault = page.split("## After the power cut")
    assert "| 192.0.2.1 | 9 | 0 | 0 | 0 | 0 | 0 | 0 | 0 | 0 | 12.3 | 12.3 | 12.3 |" in steady
    assert "| 192.0.2.2 | 0 | 4 | 0 | 0 | 4 |" in steady
    assert "| 192.0.2.2 | 0 | 7 | 0 | 0 | 0 | 0 | 7 |" in fault
    assert "| 192.0.2.1 | 5 | 0 | 0 | 5 | 31.25 |" in fault
    assert "lb1: 4567 connections by its own stub_status, 2345 bytes" in steady
