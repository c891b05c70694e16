"""Property values keep what they mean on their way through the provider."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from provider.values import (
    UNKNOWN,
    Secret,
    decode,
    decode_struct,
    edited,
    encode,
    encode_struct,
    has_unknown,
    leaves,
    quoted,
)

plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**50), 2**50) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(plain)
def test_plain_values_survive(value: Any) -> None:
    """encode then decode is the identity."""
    assert decode(encode(value)) == value


def test_secret_is_marked_and_read() -> None:
    """A secret is a marked struct for the engine and its value for us."""
    encoded = encode({"a": Secret("hidden")})
    assert "1b47061264138c4ac30d75fd1eb44270" in str(encoded)
    assert decode(encoded) == {"a": "hidden"}


def test_edit_keeps_marks_of_other_properties() -> None:
    """What check returns keeps secrets and unknown values as they came."""
    struct = encode_struct({"spec": {"key": Secret("k"), "id": UNKNOWN}, "dry_run": True})
    changed = edited(struct, drop=("dry_run", "absent"), put={"pending": {}})
    assert changed.fields["spec"] == struct.fields["spec"]
    assert decode_struct(changed) == {"spec": {"key": "k", "id": UNKNOWN}, "pending": {}}
    assert "dry_run" in struct.fields


def test_unknown_is_found_anywhere() -> None:
    """An unknown value deep inside counts, secret or not."""
    assert has_unknown(decode(encode({"a": [{"b": Secret(UNKNOWN)}]})))
    assert not has_unknown({"a": [1, "b", None]})


def test_leaves_have_property_paths() -> None:
    """Paths are those of Pulumi, keys in quotes."""
    found = dict(leaves({"a": {'b"c': [1, {}]}}, "spec"))
    assert found == {'spec["a"]["b\\"c"][0]': 1, 'spec["a"]["b\\"c"][1]': {}}
    assert quoted("nginx: reload") == '"nginx: reload"'
