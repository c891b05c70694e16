"""No secret value passes the filter, in whatever form."""

import base64
import json

from hypothesis import given
from hypothesis import strategies as st

from provider.secrets import MIN_LENGTH, Filter, of_spec


def test_value_is_replaced_by_its_name() -> None:
    """In texts, in keys and in lists."""
    secret_filter = Filter({"vrrp_auth": "hunter22"})
    tree = {"a hunter22": ["-auth_pass hunter22", {"b": "hunter22"}], "n": 1}
    assert secret_filter.tree(tree) == {
        "a (secret vrrp_auth)": ["-auth_pass (secret vrrp_auth)", {"b": "(secret vrrp_auth)"}],
        "n": 1,
    }


@given(st.text(min_size=MIN_LENGTH).filter(lambda text: text.strip() and len(text.strip()) > 3))
def test_no_form_of_any_value_passes(value: str) -> None:
    """Plain, stripped and as JSON."""
    secret_filter = Filter({"\x00name": value})
    for form in (value, json.dumps(value)):
        assert value not in secret_filter.text(f"<{form}>").replace("(secret \x00name)", "")


def test_base64_and_lines_of_a_key() -> None:
    """A long value in base64, and single lines of a private key."""
    key = "-----BEGIN KEY-----\nabcdefghijklmnopqrstuvwxyz\n-----END KEY-----\n"
    secret_filter = Filter({"private_key": key})
    assert "abcdef" not in secret_filter.text("+ abcdefghijklmnopqrstuvwxyz")
    encoded = base64.b64encode(key.encode()).decode()
    assert encoded[:30] not in secret_filter.text(encoded)
    assert secret_filter.text("-----BEGIN KEY-----") == "-----BEGIN KEY-----"


def test_secrets_of_a_spec() -> None:
    """The named secrets and the key; unknown ones are left out."""
    spec = {"secrets": {"a": "value", "b": None}, "transport": {"private_key": "key"}}
    assert of_spec(spec) == {"a": "value", "private_key": "key"}
    assert of_spec({}) == {}
