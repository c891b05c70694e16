"""From what a child found to what the preview shows."""

from provider import pending
from provider.values import UNKNOWN

FOUND = {
    "hosts": {
        "lb1": {"state": "reachable", "reason": "", "operations": {"nginx: reload": "$ x"}},
        "lb2": {"state": "reachable", "reason": "", "operations": {}},
        "web1": {"state": "unreachable", "reason": "no answer", "operations": {"a": "diff"}},
        "web2": {"state": "unknown", "reason": "", "operations": {"a": "diff"}},
        "web3": {"state": "unknown", "reason": "", "operations": {}},
        "db1": {"state": "reachable", "reason": "", "operations": {}, "error": "db1: no fact"},
    }
}


def test_each_state_of_a_host() -> None:
    """Only what changes is listed; what is not known is said in words."""
    assert pending.of_result(FOUND) == {
        "db1": {"connection": "could not be read: db1: no fact"},
        "lb1": {"nginx: reload": "$ x"},
        "web1": {
            "connection": "not reachable yet (no answer); every operation is to be created",
            "a": "to be created",
        },
        "web2": {"a": "known after apply"},
        "web3": {"every operation": "known after apply"},
    }


def test_keys_are_property_paths() -> None:
    """One detailed-diff key per host and operation."""
    assert pending.keys({"lb1": {"nginx: reload": "x", 'say "hi"': "y"}}) == [
        'pending["lb1"]["nginx: reload"]',
        'pending["lb1"]["say \\"hi\\""]',
    ]


def test_digests_hide_and_tell_apart() -> None:
    """The update phase records no diff text; equal texts have equal digests."""
    reduced = pending.digests({"lb1": {"a": "text", "b": "text", "c": "other"}})
    assert reduced["lb1"]["a"] == reduced["lb1"]["b"] != reduced["lb1"]["c"]
    assert "text" not in str(reduced)
    assert len(reduced["lb1"]["a"]) == pending.DIGEST_LENGTH


def test_several_lines_are_shown_as_a_list() -> None:
    """Pulumi would cut a string after three lines."""
    assert pending.shown({"lb1": {"a": "-x\n+y", "b": "$ z"}}) == {
        "lb1": {"a": ["-x", "+y"], "b": "$ z"}
    }


def test_replaced_and_new_machines() -> None:
    """A changed or unknown identity counts; a changed address does not."""
    old = {"hosts": {"a": {"identity": "1"}, "b": {"identity": "1"}, "c": {"identity": "1"}}}
    new = {
        "hosts": {
            "a": {"identity": "1", "address": "new"},
            "b": {"identity": "2"},
            "c": {"identity": UNKNOWN},
            "d": {"identity": "1"},
        }
    }
    assert pending.changed_identities(old, new) == [
        'spec["hosts"]["b"]["identity"]',
        'spec["hosts"]["c"]["identity"]',
        'spec["hosts"]["d"]',
    ]


def test_structural_difference() -> None:
    """Offline, the recorded spec is compared leaf by leaf."""
    old = {"plan": {"a": 1, "b": 2}, "secrets": {"s": "old"}}
    new = {"plan": {"a": 1, "c": 3}, "secrets": {"s": "new"}}
    assert pending.structural(old, new) == {
        'spec["plan"]["b"]': "delete",
        'spec["plan"]["c"]': "add",
        'spec["secrets"]["s"]': "update",
    }
    assert pending.structural(old, old) == {}
