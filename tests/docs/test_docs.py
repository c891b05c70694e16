"""The documents: reference pages match their sources, links lead somewhere, commands exist."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest

from bootstrap.roles import ORDER
from cli.main import pairwise
from drills.scenarios import DRILLS, links, source_links
from tests.docs.reference import FOLDER, PAGES
from tests.docs.source import ROOT, inline, markdown
from tests.test_linters import tracked

DOCUMENTS = tracked("*.md")
LINK = re.compile(r"\[[^\]]*\]\((?P<target>[^)\s]+)\)")
COMMAND = re.compile(r"(?:^|[\s`$>|])(?:\./)?pairwise (?P<rest>[a-z][^`|#\n]*)", re.MULTILINE)
SPAN = re.compile(r"^```.*?^```|`[^`\n]+`", re.MULTILINE | re.DOTALL)
GOLDENS = "tests/cli/golden/"
"""Comments for pull requests, not documents."""


@pytest.mark.parametrize("name", PAGES)
def test_reference_is_that_of_the_sources(name: str) -> None:
    kept = (FOLDER / f"{name}.md").read_text(encoding="utf-8")
    assert kept == PAGES[name](), f"docs/reference/{name}.md is old: run `make docs`"


def test_reference_names_every_block_and_component() -> None:
    blocks = PAGES["blocks"]()
    for row in ORDER:
        assert f"## {row.block.NAME}\n" in blocks
    components = PAGES["components"]()
    for name in ("Machine", "Pair", "Tier", "VipReservation", "ReplicatedDisk", "Deploy"):
        assert re.search(rf"^## .*\b{name}\b", components, re.MULTILINE), name


def test_every_field_that_may_be_written_says_what_it_means() -> None:
    rows = [line for line in PAGES["description"]().splitlines() if line.startswith("| `")]
    empty = [row for row in rows if row.endswith("|  |") and "'" not in row]
    assert not empty, f"stacks/model.py: a docstring is missing under {empty}"


@pytest.mark.parametrize("name", [n for n in DOCUMENTS if not n.startswith(GOLDENS)])
def test_links_lead_to_files_that_there_are(name: str) -> None:
    document = ROOT / name
    for match in LINK.finditer(document.read_text(encoding="utf-8")):
        target = match["target"].partition("#")[0]
        if target and "://" not in target:
            assert (document.parent / target).exists(), f"{name}: {match['target']}"


@pytest.mark.parametrize("name", [n for n in DOCUMENTS if not n.startswith(GOLDENS)])
def test_commands_in_documents_exist(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    for span in SPAN.findall(text):
        for match in COMMAND.finditer(span):
            wrong = unknown(shlex.split(match["rest"].replace("[", " ").replace("]", " ")))
            assert not wrong, f"{name}: pairwise {match['rest']}: there is no {wrong}"


def unknown(words: list[str]) -> str:
    """The first command or option that does not exist; empty when all do."""
    command: click.Command = pairwise
    for word in words:
        if word == "--":
            return ""
        if word.startswith("-"):
            known = [name for p in command.params for name in p.opts]
            if word not in (*known, "--help", "-h"):
                return word
        elif isinstance(command, click.Group):
            if word.isupper():
                return ""  # a placeholder of a synopsis
            names = word.rstrip(",").split("|")
            if any(name not in command.commands for name in names):
                return word
            command = command.commands[names[0]]
    return ""


def test_each_cut_network_has_its_drill_in_the_table() -> None:
    text = (ROOT / "docs" / "when-networks-fail.md").read_text(encoding="utf-8")
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    named = {name for row in rows for name in re.findall(r"`([a-z-]+)`", row.split("|")[-2])}
    assert named <= {drill.name for drill in DRILLS}
    cuts = {drill.name for drill in (*links.DRILLS, *source_links.DRILLS)}
    assert cuts <= named, f"docs/when-networks-fail.md lacks {sorted(cuts - named)}"


def test_every_document_is_reached_from_the_index() -> None:
    start = ROOT / "docs" / "README.md"
    seen: set[Path] = set()
    waiting = [start]
    while waiting:
        document = waiting.pop()
        seen.add(document.resolve())
        for match in LINK.finditer(document.read_text(encoding="utf-8")):
            target = (document.parent / match["target"].partition("#")[0]).resolve()
            if target.suffix == ".md" and target.is_file() and target not in seen:
                waiting.append(target)
    missing = [n for n in DOCUMENTS if n.startswith("docs/") and (ROOT / n).resolve() not in seen]
    assert not missing, f"link these from docs/README.md: {missing}"


def test_readme_leads_to_the_index() -> None:
    assert "(docs/README.md)" in (ROOT / "README.md").read_text(encoding="utf-8")


def test_docstring_becomes_list_and_paragraphs() -> None:
    text = "Ends here: with ``x``.\n\nNeeds: a;\n    b <c>.\nVerify: d*.\n\nKept: all\nof it."
    assert markdown(text) == [
        "Ends here: with `x`.",
        "",
        "- **Needs**: a; b &lt;c>.",
        r"- **Verify**: d\*.",
        "",
        "**Kept**: all of it.",
        "",
    ]
    assert inline("``<c>*``") == "`<c>*`"
