"""Docstrings, fields and constants of our modules, read from the source, as Markdown."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
LABEL = re.compile(r"([A-Z][\w' ]{1,40}):(?: |$)")
"""Begins a part of a docstring: ``Needs: ...``."""
CODE = re.compile(r"(`[^`]*`)")
SHORT_VALUE = 60
"""Characters of a constant's value that fit a table."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A field, a member of an enum or a constant, with the docstring under it."""

    name: str
    kind: str
    """Its type as written; empty where there is none."""
    value: str
    """Its default or value as written; empty where there is none."""
    text: str


@dataclass(frozen=True, kw_only=True)
class Definition:
    """A class with what stands in it."""

    name: str
    bases: tuple[str, ...]
    text: str
    entries: tuple[Entry, ...]


def tree(path: Path) -> ast.Module:
    """A module as parsed."""
    return ast.parse(path.read_text(encoding="utf-8"))


def docstring(node: ast.Module | ast.ClassDef) -> str:
    """The docstring, without its indentation."""
    return ast.get_docstring(node) or ""


def entries(body: list[ast.stmt]) -> Iterator[Entry]:
    """Assignments with the docstring that follows each; a docstring may be missing."""
    for index, node in enumerate(body):
        target, kind, value = _assignment(node)
        if target.isidentifier() and not target.startswith("_"):
            after = body[index + 1] if index + 1 < len(body) else None
            yield Entry(name=target, kind=kind, value=value, text=_text_of(after))


def _assignment(node: ast.stmt) -> tuple[str, str, str]:
    """Name, type and value as they are written; an empty name for other statements."""
    if isinstance(node, ast.AnnAssign):
        value = ast.unparse(node.value) if node.value is not None else ""
        return ast.unparse(node.target), ast.unparse(node.annotation), value
    if isinstance(node, ast.Assign) and len(node.targets) == 1:
        return ast.unparse(node.targets[0]), "", ast.unparse(node.value)
    return "", "", ""


def _text_of(node: ast.stmt | None) -> str:
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return inspect.cleandoc(str(node.value.value))
    return ""


def classes(module: ast.Module) -> list[Definition]:
    """The public classes of a module, in the order of the source."""
    return [
        Definition(
            name=node.name,
            bases=tuple(ast.unparse(base).rpartition(".")[2] for base in node.bases),
            text=docstring(node),
            entries=tuple(entries(node.body)),
        )
        for node in module.body
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
    ]


def constants(module: ast.Module) -> list[Entry]:
    """The constants that say why they have their value, where the value is short."""
    return [
        entry
        for entry in entries(module.body)
        if entry.name.isupper() and entry.text and len(entry.value) <= SHORT_VALUE
    ]


def inline(text: str) -> str:
    """One paragraph as Markdown: code spans kept, nothing else taken for markup."""
    parts = CODE.split(text.replace("``", "`"))
    plain = [
        part if part.startswith("`") else part.replace("<", "&lt;").replace("*", r"\*")
        for part in parts
    ]
    return " ".join("".join(plain).split())


def cell(text: str) -> str:
    """Text for a cell of a table."""
    return inline(text).replace("|", r"\|")


def code_cell(text: str) -> str:
    """Source for a cell of a table; empty stays empty."""
    return f"`{text}`".replace("|", r"\|") if text else ""


def markdown(text: str) -> list[str]:
    """A docstring as Markdown: paragraphs, and lists of its labelled parts."""
    first, *others = re.split(r"\n\s*\n", inspect.cleandoc(text).strip())
    lines = [inline(first), ""]
    for paragraph in others:
        parts = _labelled(paragraph)
        if len(parts) > 1:
            lines += [f"- **{inline(label)}**: {inline(rest)}" for label, rest in parts]
        else:
            label, rest = parts[0]
            lines.append(f"**{inline(label)}**: {inline(rest)}" if label else inline(rest))
        lines.append("")
    return lines


def _labelled(paragraph: str) -> list[tuple[str, str]]:
    """The parts of a paragraph that begins with a label; of another the whole, unlabelled."""
    parts: list[tuple[str, str]] = []
    for line in paragraph.splitlines():
        found = LABEL.match(line)
        if found and (not parts or parts[0][0]):
            parts.append((found[1], line[found.end() :]))
        elif parts:
            parts[-1] = (parts[-1][0], f"{parts[-1][1]} {line.strip()}")
        else:
            parts.append(("", line))
    return parts
