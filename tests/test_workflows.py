"""The workflows: their linters, what makes them safe, and the script that keeps the comment."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml
from typing_extensions import override

from lab import toolchain
from lab.paths import Paths
from lab.steps import StepError
from tests.test_linters import ROOT, passes, tool

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
MARKER = "<!-- pairwise-preview six -->"
BODY = f"{MARKER}\n### Pairwise preview of `six`\n"


def jobs(name: str) -> dict[str, Any]:
    """The jobs of a workflow."""
    content = yaml.safe_load((ROOT / ".github" / "workflows" / f"{name}.yml").read_text())
    found: dict[str, Any] = content["jobs"]
    return found


def test_actionlint() -> None:
    try:
        actionlint = toolchain.ensure_actionlint(Paths.of_checkout(ROOT))
    except StepError as error:
        assert not os.environ.get("CI"), error
        pytest.skip(f"actionlint cannot be built: {error}")
    argv = [str(actionlint), "-shellcheck", tool("shellcheck"), *map(str, WORKFLOWS)]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_zizmor() -> None:
    passes("zizmor", "--offline", "--no-progress", "--quiet", "--persona", "pedantic", ".github")


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_actions_are_pinned_and_no_token_is_kept(path: Path) -> None:
    steps = [step for job in jobs(path.stem).values() for step in job["steps"]]
    used = [step for step in steps if "uses" in step]
    assert used
    for step in used:
        assert re.fullmatch(r"actions/checkout@[0-9a-f]{40}", step["uses"]), step["uses"]
        assert step["with"]["persist-credentials"] is False


def test_forks_reach_no_secret_and_no_machine_of_ours() -> None:
    text = (ROOT / ".github" / "workflows" / "preview.yml").read_text()
    content = yaml.safe_load(text)
    # YAML 1.1 reads the key `on` as true.
    assert list(content[True]) == ["pull_request"]
    ours = "github.event.pull_request.head.repo.full_name == github.repository"
    for name, job in jobs("preview").items():
        if "secrets." in json.dumps(job) or "self-hosted" in job["runs-on"]:
            assert ours in job["if"], name


def test_token_that_writes_meets_no_code_of_the_pull_request() -> None:
    writing = {
        name: job for name, job in jobs("preview").items() if "write" in job["permissions"].values()
    }
    assert list(writing) == ["comment"]
    checkout = writing["comment"]["steps"][0]["with"]
    assert checkout["ref"] == "${{ github.event.pull_request.base.sha }}"


def test_lab_is_destroyed_even_when_a_step_before_failed() -> None:
    last = jobs("lab")["lab"]["steps"][-1]
    assert (last["run"], last["if"]) == ("make clean-lab", "always()")


class Comments(HTTPServer):
    """GitHub's comments of one pull request, in small."""

    kept: list[dict[str, Any]]

    @property
    def environment(self) -> dict[str, str]:
        """What the job has."""
        return {
            "GITHUB_API_URL": f"http://127.0.0.1:{self.server_port}",
            "GITHUB_REPOSITORY": "o/r",
            "GITHUB_TOKEN": "t",
            "PULL_REQUEST": "7",
        }

    def add(self, login: str, body: str) -> None:
        """Write a comment as somebody."""
        self.kept.append({"id": len(self.kept), "user": {"login": login}, "body": body})


class Handler(BaseHTTPRequestHandler):
    """Lists, adds and replaces comments."""

    server: Comments

    @override
    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""

    def _answer(self, content: Any, code: int = 200) -> None:
        self.send_response(code)
        self.end_headers()
        self.wfile.write(json.dumps(content).encode())

    def _body(self) -> str:
        length = int(self.headers["Content-Length"])
        return str(json.loads(self.rfile.read(length))["body"])

    def do_GET(self) -> None:
        page = int(self.path.partition("&page=")[2])
        assert self.path.startswith("/repos/o/r/issues/7/comments?per_page=100")
        self._answer(self.server.kept[100 * (page - 1) : 100 * page])

    def do_POST(self) -> None:
        self.server.add("github-actions[bot]", self._body())
        self._answer({})

    def do_PATCH(self) -> None:
        number = int(self.path.rpartition("/")[2])
        self.server.kept[number]["body"] = self._body()
        self._answer({})


@pytest.fixture
def github() -> Iterator[Comments]:
    """An API without any comment."""
    with Comments(("127.0.0.1", 0), Handler) as server:
        server.kept = []
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def script() -> ModuleType:
    """The job's script as a module."""
    found = importlib.util.spec_from_file_location("comment", ROOT / ".github" / "comment.py")
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


def test_second_run_replaces_the_comment_of_the_first(github: Comments, script: ModuleType) -> None:
    for number in range(130):  # more than a page of other people's comments
        github.add("somebody", f"comment {number}")
    assert script.main(github.environment, BODY) == "written"
    assert script.main(github.environment, f"{BODY}new\n") == "replaced"
    assert len(github.kept) == 131
    assert github.kept[-1]["body"] == f"{BODY}new\n"


def test_comments_of_others_and_of_other_stacks_stay(github: Comments, script: ModuleType) -> None:
    github.add("somebody", BODY)
    github.add("github-actions[bot]", BODY.replace("six", "duo"))
    before = json.dumps(github.kept)
    assert script.main(github.environment, BODY) == "written"
    assert json.dumps(github.kept[:2]) == before


def test_nothing_is_written_where_there_was_no_preview(
    github: Comments, script: ModuleType
) -> None:
    with pytest.raises(SystemExit, match="no comment on standard input"):
        script.main(github.environment, "")
    assert github.kept == []
