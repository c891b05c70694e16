"""Bad descriptions: each case changes stack six in one way, or the one that it names as ``base``,
and has its golden error text.

Regenerate with ``make golden``; the diff is the review.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from stacks.load import DescriptionError, load_stack, read_stack
from tests.descriptions import changed, description

CASES = sorted((Path(__file__).parent / "cases").glob("*.yaml"))


def error_text(case: Path) -> str:
    """What a person reads when the case's description is used."""
    change = yaml.safe_load(case.read_text(encoding="utf-8"))
    stack = change.get("base", "six")
    base = changed(description(stack), put=change.get("put"), drop=change.get("drop", ()))
    with pytest.raises(DescriptionError) as caught:
        read_stack(base, name=stack, source=f"Pulumi.{stack}.yaml")
    return f"{caught.value}\n"


@pytest.mark.parametrize("case", CASES, ids=lambda path: path.stem)
def test_bad_description_has_its_sentence(case: Path) -> None:
    assert error_text(case) == case.with_suffix(".txt").read_text(encoding="utf-8")


def test_there_are_thirty_cases() -> None:
    assert len(CASES) >= 30


def test_unreadable_files_have_their_sentences(tmp_path: Path) -> None:
    texts = {
        "Pulumi.twice.yaml": "config:\n  pairwise:stack:\n    id: 1\n    id: 2\n",
        "Pulumi.broken.yaml": "config: [\n",
        "Pulumi.empty.yaml": "config: {}\n",
        "Pulumi.list.yaml": "config:\n  pairwise:stack: [1]\n",
        "Pulumi.named.yaml": "config:\n  pairwise:stack: {name: other}\n",
    }
    for name, text in texts.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    seen = {}
    for name in [*texts, "Pulumi.absent.yaml"]:
        with pytest.raises(DescriptionError) as caught:
            load_stack(tmp_path / name)
        seen[name] = caught.value.sentences
    assert "'id' stands twice, the second time in line 4" in seen["Pulumi.twice.yaml"][0]
    assert "is not YAML" in seen["Pulumi.broken.yaml"][0]
    assert "key pairwise:stack" in seen["Pulumi.empty.yaml"][0]
    assert "must be a mapping" in seen["Pulumi.list.yaml"][0]
    assert "comes from the file's name" in seen["Pulumi.named.yaml"][0]
    assert "choose one of: broken, empty, list, named, twice" in seen["Pulumi.absent.yaml"][0]
