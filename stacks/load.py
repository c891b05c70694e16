"""Read a stack description: ``Pulumi.<stack>.yaml`` or the Pulumi configuration -> Stack.

The reader is strict: an unknown key, a wrong type or a missing value is an error, and every error
is listed at once, each one sentence with what, where and what to do. Consistency between values
is checked straight afterwards (``stacks.consistency``), so that a caller who holds a Stack holds
one that may be planned.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import yaml
from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from stacks import consistency
from stacks.model import Stack

CONFIG_KEY = "pairwise:stack"
"""Pulumi configuration key that holds the description (project name, colon, key)."""

_ADAPTER = TypeAdapter(Stack)


class DescriptionError(ValueError):
    """A description that cannot be used; ``sentences`` holds every error found."""

    def __init__(self, source: str, sentences: Sequence[str]) -> None:
        self.source = source
        self.sentences = tuple(sentences)
        count = len(self.sentences)
        head = f"{source}: {count} error{'s' if count > 1 else ''}, nothing was created."
        super().__init__("\n".join([head, *(f"  - {line}" for line in self.sentences)]))


class _UniqueKeyLoader(yaml.SafeLoader):
    """SafeLoader that refuses a key written twice: the second would silently win."""


def _unique_mapping(loader: _UniqueKeyLoader, node: yaml.MappingNode) -> dict[Any, Any]:
    seen: set[Any] = set()
    for key_node, _ in node.value:
        key = loader.construct_object(key_node)
        if key in seen:
            line = key_node.start_mark.line + 1
            raise yaml.YAMLError(f"key {key!r} stands twice, the second time in line {line}")
        seen.add(key)
    loader.flatten_mapping(node)
    return dict(loader.construct_pairs(node, deep=True))


_UniqueKeyLoader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _unique_mapping)


def stack_file(folder: Path, name: str) -> Path:
    """The description of stack ``name`` in a folder of descriptions."""
    return folder / f"Pulumi.{name}.yaml"


def stack_names(folder: Path) -> list[str]:
    """Names of all stacks described in a folder, sorted."""
    return sorted(path.name.split(".")[1] for path in folder.glob("Pulumi.*.yaml"))


def load_stack(path: Path) -> Stack:
    """Load, read strictly and check the description in ``path``.

    Raises:
        DescriptionError: the file is missing, is not YAML, or describes nothing usable.
    """
    name = path.name.removeprefix("Pulumi.").removesuffix(".yaml")
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        known = ", ".join(stack_names(path.parent)) or "none"
        sentence = (
            f"There is no readable description of a stack named {name!r} ({error.strerror}): "
            f"write it, or choose one of: {known}."
        )
        raise DescriptionError(path.name, [sentence]) from error
    try:
        document = yaml.load(text, Loader=_UniqueKeyLoader)
    except yaml.YAMLError as error:
        reason = " ".join(str(error).split())
        raise DescriptionError(path.name, [f"The file is not YAML: {reason}."]) from error
    config = document.get("config") if isinstance(document, dict) else None
    if not isinstance(config, dict) or CONFIG_KEY not in config:
        sentence = f"The file has no description: put it under config, key {CONFIG_KEY}."
        raise DescriptionError(path.name, [sentence])
    return read_stack(config[CONFIG_KEY], name=name, source=path.name)


def read_stack(description: object, *, name: str, source: str) -> Stack:
    """Read a description that is already a mapping (Pulumi configuration), and check it.

    Raises:
        DescriptionError: with every error of the first stage that found any.
    """
    if not isinstance(description, Mapping):
        raise DescriptionError(source, [f"{CONFIG_KEY} must be a mapping of keys to values."])
    if "name" in description:
        sentence = "Unknown key 'name': the stack's name comes from the file's name; remove it."
        raise DescriptionError(source, [sentence])
    try:
        # JSON is the strict mode in which addresses are texts and sequences are lists.
        stack = _ADAPTER.validate_json(json.dumps({"name": name, **description}, default=str))
    except ValidationError as error:
        sentences = sorted({_sentence(item) for item in error.errors(include_url=False)})
        raise DescriptionError(source, sentences) from error
    problems = consistency.check(stack)
    if problems:
        raise DescriptionError(source, [str(problem) for problem in problems])
    return stack


def _known_keys(location: Sequence[str | int]) -> list[str]:
    """Field names that are allowed where an unknown key was found."""
    schema = _ADAPTER.json_schema()
    here: dict[str, Any] = schema
    for step in location:
        here = _resolve(here, schema)
        properties = here.get("properties", {})
        here = properties.get(step) or here.get("additionalProperties") or {}
    keys = set(_resolve(here, schema).get("properties", {}))
    return sorted(keys if location else keys - {"name"})


def _resolve(here: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    for option in here.get("anyOf", []):
        if "$ref" in option:
            here = option
    if "$ref" in here:
        return dict(schema["$defs"][here["$ref"].rsplit("/", 1)[-1]])
    return here


def _sentence(item: ErrorDetails) -> str:
    """One pydantic error as one sentence: what, where, what to do."""
    *parents, last = item["loc"] or ("",)
    where = ".".join(str(part) for part in item["loc"]) or "the description"
    parent = ".".join(str(part) for part in parents) or "the description"
    given = json.dumps(item["input"], default=str)
    given = given if len(given) <= 60 else given[:57] + "..."
    kind = item["type"]
    if kind in ("extra_forbidden", "unexpected_keyword_argument"):
        known = _known_keys(parents)
        close = get_close_matches(str(last), known, n=1)
        advice = f"did you mean {close[0]!r}?" if close else f"known keys: {', '.join(known)}."
        return f"Unknown key {last!r} in {parent}: {advice}"
    if kind in ("missing", "missing_argument"):
        return f"Key {last!r} is missing in {parent}: add it."
    if kind == "enum":
        return f"{where} is {given}: write one of {item['ctx']['expected']}."
    reason = item["msg"].removeprefix("Value error, ").rstrip(".")
    expected = reason.removeprefix("Input should be ")
    if expected != reason:
        return f"{where} is {given}: write {expected}."
    return f"{where} is {given}, which cannot be read ({reason}): correct it."
