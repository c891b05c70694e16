"""Stands in for bootstrap.deploy: a few operations that write below the folder of each node.

The plan is {"nodes": {name: {"root": folder, "files": {name: text}, "secret": name or "",
"fail": shell text, "slow": {phase: seconds}}}, "batches": [[...], ...]}.
"""

import difflib
import shlex
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from pyinfra.api.deploy import deploy
from pyinfra.api.facts import FactBase
from pyinfra.api.operation import operation
from pyinfra.context import host
from pyinfra.operations.util import any_changed
from typing_extensions import override

from bootstrap.changes import UNKNOWN, explain

PHASES = ("install", "configure", "activate")


@dataclass(frozen=True)
class Check:
    """One verify check."""

    name: str
    command: str
    expect: str = ""
    failure: str = "It does not hold."


class Text(FactBase[str]):
    """The text of a file; empty when there is none."""

    @override
    def command(self, path: str) -> str:
        """Return the command that shows it."""
        return f"cat {shlex.quote(path)} 2>/dev/null || true"


@operation()
def write(path: str, text: str, *, secret: str = "") -> Generator[str, None, None]:
    """Write a file when its text differs."""
    old = host.get_fact(Text, path=path) or ""
    if old == text.rstrip("\n"):
        host.noop(f"{path} has its text")
        return
    if secret:
        explain(f"content differs (holds secret {secret})")
    else:
        lines = difflib.unified_diff(old.splitlines(), text.splitlines(), path, path, lineterm="")
        explain("\n".join(lines))
    folder, content = shlex.quote(path.rpartition("/")[0]), shlex.quote(text)
    yield f"mkdir -p {folder}"
    yield f"printf %s {content} > {shlex.quote(path)}"


@operation()
def slow_step(root: str, phase: str, seconds: float) -> Generator[str, None, None]:
    """Take a while, once: `started-PHASE` says that it runs, `done-PHASE` that it has run."""
    if host.get_fact(Text, path=f"{root}/done-{phase}"):
        host.noop(f"{phase} has had its slow step")
        return
    yield f"mkdir -p {root} && touch {root}/started-{phase}"
    yield f"sleep {seconds}"
    yield f"echo yes > {root}/done-{phase}"


@operation()
def run(command: str) -> Generator[str, None, None]:
    """Run a command, always."""
    yield command


def load_plan(mapping: Mapping[str, Any]) -> SimpleNamespace:
    """Return the plan of the tests: any mapping."""
    nodes = {name: SimpleNamespace(name=name, **node) for name, node in mapping["nodes"].items()}
    return SimpleNamespace(nodes=nodes, batches=mapping.get("batches") or [list(nodes)])


def run_phase(phase: str, *, node: Any, plan: Any, secrets: Mapping[str, str]) -> bool:
    """Prepare one phase; no host is blank."""
    del plan
    steps: dict[str, Any] = {"install": _install, "configure": _configure, "activate": _activate}
    steps[phase](node, secrets)
    seconds = getattr(node, "slow", {}).get(phase)
    if seconds:
        name = f"{phase}: slow step"
        slow_step(name=name, root=node.root, phase=phase, seconds=seconds)
    return False


@deploy("install")
def _install(node: Any, _: Mapping[str, str]) -> None:
    write(name="base: marker", path=f"{node.root}/marker", text="installed")


@deploy("configure")
def _configure(node: Any, secrets: Mapping[str, str]) -> None:
    written = [
        write(name=f"files: {name}", path=f"{node.root}/{name}", text=text)
        for name, text in node.files.items()
    ]
    if getattr(node, "secret", ""):
        value = secrets[node.secret]
        text = f"key {value}\n" if value is not UNKNOWN else str(value)
        path = f"{node.root}/keys"
        write(name="files: keys", path=path, text=text, secret=node.secret)
    if getattr(node, "fail", ""):
        run(name="files: broken", command=node.fail)
    run(
        name="daemon: reload",
        command=f"echo reload >> {node.root}/reloads",
        _if=any_changed(*written),
    )


@deploy("activate")
def _activate(node: Any, _: Mapping[str, str]) -> None:
    write(name="daemon: active", path=f"{node.root}/active", text="yes")


def batches(phase: str, *, plan: Any, blank: bool) -> list[list[str]]:
    """Return the batches of the plan for activate, all at once before."""
    del blank
    return plan.batches if phase == "activate" else [list(plan.nodes)]


def checks(*, node: Any, plan: Any) -> tuple[Check, ...]:
    """Return two checks."""
    del plan
    return (
        Check(name="active", command=f"cat {node.root}/active", expect="yes"),
        Check(name="no such", command=f"test -e {node.root}/no-such"),
    )
