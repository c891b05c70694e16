"""Runs every case file: ``cases/<module>.<operation>/<case>.json``.

A case has ``args``, ``seen``, and one of ``commands`` (with ``explains``: text that the preview
shows), ``noop``, ``exception``. ``{b64:text}`` in a command stands for the text in base64.
"""

from __future__ import annotations

import importlib
import inspect
import json
import re
from pathlib import Path
from typing import Any

import pytest
from pyinfra.api.exceptions import OperationError
from pyinfra.context import ctx_host

from bootstrap.changes import take
from tests.operations.fake import FakeHost, arguments, encoded, seen

CASES = Path(__file__).parent / "cases"
FILES = sorted(CASES.glob("*/*.json"))


def _run(folder: str, case: dict[str, Any]) -> tuple[list[str], list[str], str | None]:
    """Return commands, noops, and what the operation explained."""
    module, _, name = folder.partition(".")
    function = getattr(importlib.import_module(f"bootstrap.operations.{module}"), name)._inner
    values = arguments(case.get("args", {}))
    if "seen" in inspect.signature(function).parameters:
        values["seen"] = seen(case.get("seen", {}))
    host = FakeHost()
    with ctx_host.use(host):
        commands = list(function(**values))
    stdin = [c.connector_arguments.get("_stdin") for c in commands]
    texts = [str(c.get_raw_value()) for c in commands] + [f"<{s}" for s in stdin if s]
    return texts, host.noops, take(host.name, host.current_op_hash)


@pytest.mark.parametrize("path", FILES, ids=lambda p: f"{p.parent.name}/{p.stem}")
def test_case(path: Path) -> None:
    case = json.loads(path.read_text(encoding="utf-8"))
    if "exception" in case:
        with pytest.raises(OperationError) as caught:
            _run(path.parent.name, case)
        assert str(caught.value) == case["exception"]
        return
    commands, noops, explained = _run(path.parent.name, case)
    wanted = [re.sub(r"\{b64:(.*?)\}", _encoded, text) for text in case.get("commands", [])]
    assert commands == wanted
    assert noops == ([case["noop"]] if "noop" in case else [])
    assert explained == case.get("explains")
    if "secret" in case:
        assert case["secret"] not in f"{explained} {commands[0]}"


def _encoded(match: re.Match[str]) -> str:
    return encoded(match[1].replace("\\n", "\n"))


def test_every_operation_has_cases_of_both_kinds() -> None:
    folders = {path.parent.name for path in FILES}
    for file in (Path(__file__).parents[2] / "bootstrap" / "operations").glob("*.py"):
        module = importlib.import_module(f"bootstrap.operations.{file.stem}")
        for name, function in vars(module).items():
            if hasattr(function, "_inner") and function.__module__ == module.__name__:
                assert f"{file.stem}.{name}" in folders, f"{file.stem}.{name} has no case"
