"""A preview as a comment for a pull request: what was asked, what would change, never a secret.

The first line is a comment of HTML by which a job finds the comment that it wrote before. A comment
that would be too long loses diffs first, from the end, then names; a sentence says what was left
out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from cli.preview import Preview, Resource, headline, label, many, sign, to_do
from provider.secrets import Filter

MAX_BYTES = 60_000
"""GitHub refuses comments of more than 65 536 characters; no character is less than a byte."""
ROOM_FOR_NOTE = 600
"""Bytes kept free for the sentence that says what was left out."""
MAX_MESSAGES = 20
"""More warnings than these are counted only."""
MAX_MESSAGE = 1000
"""Characters of one of them."""
FENCE = "```"
PRIVATE_KEY = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL
)
"""A key in PEM, also one whose end was cut off: hidden even where nobody knows it as a secret."""
PASSWORD_IN_URI = re.compile(r"(?<=://)[^/\s:@]+:[^/\s@]+(?=@)")
"""Name and password in front of a URI's host."""

ASKED = {
    "live": "Live preview: the hypervisors were asked what there is, and every machine what it has",
    "offline": (
        "Offline preview: compared with the recorded state only. No machine was asked, so what was "
        "changed on one by hand is not seen."
    ),
    "empty-state": (
        "Empty-state preview: there is no recorded state of this stack here, so everything is "
        "listed as to be created. Nothing was compared with a running machine."
    ),
}
"""Kind of preview -> what it looked at; the live one goes on with who did not answer."""


@dataclass(frozen=True)
class Piece:
    """One resource or operation, in two lengths."""

    section: str
    """Host that it belongs to; empty for resources."""
    full: str
    short: str

    @property
    def lines_saved(self) -> int:
        """Lines that the short form leaves out."""
        return self.full.count("\n") - self.short.count("\n")


def marker(stack: str) -> str:
    """The hidden first line of the comment of a stack."""
    return f"<!-- pairwise-preview {stack} -->"


def comment(
    preview: Preview, *, secrets: Mapping[str, str] | None = None, hypervisors: Sequence[str] = ()
) -> str:
    """The whole comment.

    Args:
        preview: what was found. secrets: name -> value of what must not appear, whatever the
        preview holds. hypervisors: names to look at when the preview could not be finished.
    """
    preview = cleaned(preview, Filter(secrets or {}))
    head = [marker(preview.stack), f"### Pairwise preview of `{preview.stack}`", ""]
    if preview.errors:
        return "\n".join([*head, *_unfinished(preview, hypervisors)]) + "\n"
    head += [headline(preview), "", *_asked(preview), ""]
    tail = _warnings(preview.messages)
    room = MAX_BYTES - ROOM_FOR_NOTE - _size("\n".join([*head, *tail])) - _frames(preview)
    pieces = [*_resource_pieces(preview), *_operation_pieces(preview)]
    shown, note = _fitted(pieces, room=room, stack=preview.stack)
    body = [*head, *_resources(preview, shown), *_hosts(preview, shown), *tail]
    if note:
        body += [note]
    return "\n".join(body).rstrip("\n") + "\n"


def cleaned(preview: Preview, known: Filter) -> Preview:
    """The preview without secret values, private keys and passwords in URIs."""

    def clean(text: str) -> str:
        text = PRIVATE_KEY.sub("(a private key)", known.text(text))
        return PASSWORD_IN_URI.sub("(hidden)", text)

    return replace(
        preview,
        resources=tuple(
            replace(r, changed={key: clean(value) for key, value in r.changed.items()})
            for r in preview.resources
        ),
        hosts={
            host: {clean(name): clean(text) for name, text in operations.items()}
            for host, operations in preview.hosts.items()
        },
        messages=tuple(map(clean, preview.messages)),
        errors=tuple(map(clean, preview.errors)),
    )


def _asked(preview: Preview) -> list[str]:
    text = ASKED[preview.kind]
    if preview.kind != "live":
        return [text]
    if not preview.unread:
        return [f"{text}."]
    lines = [f"{text}, but these could not be read:", ""]
    return lines + [f"- **{host}**: {_plain(why)}" for host, why in preview.unread.items()]


def _unfinished(preview: Preview, hypervisors: Sequence[str]) -> list[str]:
    lines = [
        "**This preview could not be finished: what would change is not known.** It ended with:",
        "",
        *_fenced("\n".join(preview.errors)[: MAX_BYTES // 4], language="text"),
    ]
    if hypervisors and any("connect" in error for error in preview.errors):
        names = ", ".join(f"`{name}`" for name in hypervisors)
        lines += ["", f"The stack's hypervisors are {names}: see that libvirt answers there."]
    return lines


def _resource_pieces(preview: Preview) -> Iterator[Piece]:
    marks = {"update": "!", "replace": "!"}
    for resource in preview.changed:
        first = f"{marks.get(resource.op, sign(resource))} {resource.op} {label(resource)}"
        yield Piece("", "\n".join([first, *_properties(resource)]), first)


def _properties(resource: Resource) -> list[str]:
    return [f"    {key}: {value}".rstrip(": ") for key, value in resource.changed.items()]


def _operation_pieces(preview: Preview) -> Iterator[Piece]:
    for host, operations in preview.hosts.items():
        for name, text in to_do(operations).items():
            item = f"- {_code(name)}"
            if "\n" not in text:
                line = f"{item}: {_plain(text)}"
                yield Piece(host, line, line if len(text) < 80 else item)
            else:
                count = many(len(text.splitlines()), "line")
                full = "\n".join([item, "", *_fenced(text, language="diff"), ""])
                yield Piece(host, full, f"{item}: diff of {count} left out")


def _fitted(pieces: Sequence[Piece], *, room: int, stack: str) -> tuple[dict[str, list[str]], str]:
    """The texts by section as far as there is room, and a sentence about the rest."""
    kept: list[Piece] = []
    for piece in pieces:
        room -= _size(piece.short) + 1
        if room < 0:
            break
        kept.append(piece)
    texts: dict[str, list[str]] = {}
    shortened: dict[str, int] = {}
    room = max(room, 0)
    for piece in kept:
        more = _size(piece.full) - _size(piece.short)
        if more > room:
            where = piece.section or "resources"
            shortened[where] = shortened.get(where, 0) + max(piece.lines_saved, 1)
            texts.setdefault(piece.section, []).append(piece.short)
        else:
            room -= more
            texts.setdefault(piece.section, []).append(piece.full)
    return texts, _note(shortened, len(pieces) - len(kept), stack=stack)


def _note(shortened: Mapping[str, int], dropped: int, *, stack: str) -> str:
    parts = []
    if shortened:
        names = list(shortened)
        where = ", ".join(names[:10]) + (f" and {len(names) - 10} more" if names[10:] else "")
        parts.append(f"{many(sum(shortened.values()), 'line')} of {where}")
    if dropped:
        parts.append(f"{dropped} whole entries at the end")
    if not parts:
        return ""
    return (
        f"**Left out to fit GitHub's limit for a comment: {', and '.join(parts)}.** "
        f"`pairwise preview {stack} --diff` shows all of it."
    )


def _resources(preview: Preview, shown: Mapping[str, list[str]]) -> list[str]:
    if not preview.changed:
        return []
    summary = f"<summary>Resources ({len(preview.changed)})</summary>"
    text = "\n".join(shown.get("", []))
    return ["<details>", summary, "", *_fenced(text, language="diff"), "", "</details>", ""]


def _hosts(preview: Preview, shown: Mapping[str, list[str]]) -> list[str]:
    lines: list[str] = []
    for host, operations in preview.hosts.items():
        if host not in shown and to_do(operations):
            continue  # all of it was left out, and the note says so
        summary = f"<summary><b>{host}</b>: {len(to_do(operations))} to do</summary>"
        lines += ["<details>", summary, "", *shown.get(host, []), "", "</details>", ""]
    return lines


def _frames(preview: Preview) -> int:
    """Bytes of the lines around resources and hosts."""
    every = {"": [""], **{host: [""] for host in preview.hosts}}
    return _size("\n".join([*_resources(preview, every), *_hosts(preview, every)]))


def _fenced(text: str, *, language: str) -> list[str]:
    """A block whose fence is longer than any in the text."""
    fence = FENCE
    while fence in text:
        fence += "`"
    return [f"{fence}{language}", *text.splitlines(), fence]


def _code(text: str) -> str:
    """Text as code, also with a backtick in it."""
    return f"`` {text} ``" if "`" in text else f"`{text}`"


def _plain(text: str) -> str:
    """Text that makes no HTML and calls nobody by name."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace("@", "&#64;")


def _warnings(messages: Sequence[str]) -> list[str]:
    lines: list[str] = []
    for message in messages[:MAX_MESSAGES]:
        cut = "..." if len(message) > MAX_MESSAGE else ""
        text = _plain(message[:MAX_MESSAGE] + cut)
        lines += [*(f"> {line}".rstrip() for line in text.splitlines()), ""]
    more = len(messages) - MAX_MESSAGES
    return [*lines, f"> and {many(more, 'more warning')}", ""] if more > 0 else lines


def _size(text: str) -> int:
    return len(text.encode())
