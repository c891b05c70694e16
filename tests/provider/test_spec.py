"""What the child is asked, and by which hash its answer is found again."""

from typing import Any

import pytest

from provider import spec
from provider.values import UNKNOWN


def _spec(**changes: Any) -> dict[str, Any]:
    return {
        "name": "lb",
        "stack": "six",
        "hosts": {
            "lb1": {
                "address": "192.0.2.1",
                "port": 22,
                "user": "root",
                "host_key": "ssh-ed25519 AAAA",
                "identity": "1",
            }
        },
        "transport": {"netns": None, "private_key": "key"},
        "plan": {"nodes": {}},
        "secrets": {"vrrp": "value"},
        **changes,
    }


def _known(deploy: dict[str, Any]) -> bool:
    request = spec.request(deploy, mode="plan", mask={})
    return bool(request["spec"]["hosts"]["lb1"]["known"])


def test_known_machine_is_asked() -> None:
    """Everything known: SSH is tried."""
    assert spec.is_plannable(_spec())
    assert _known(_spec())


@pytest.mark.parametrize("key", ["identity", "host_key", "address"])
def test_no_ssh_to_an_unknown_machine(key: str) -> None:
    """One unknown property of a host is enough; its operations can still be listed."""
    deploy = _spec()
    deploy["hosts"]["lb1"][key] = UNKNOWN
    assert spec.is_plannable(deploy)
    assert not _known(deploy)


def test_no_ssh_without_the_key() -> None:
    """A key that is not made yet opens no machine."""
    assert not _known(_spec(transport={"netns": None, "private_key": UNKNOWN}))


def test_unknown_secret_is_null() -> None:
    """The child renders a placeholder; the machine is asked nevertheless."""
    deploy = _spec(secrets={"vrrp": UNKNOWN})
    assert _known(deploy)
    assert spec.request(deploy, mode="plan", mask={})["spec"]["secrets"] == {"vrrp": None}


@pytest.mark.parametrize("deploy", [UNKNOWN, _spec(plan=UNKNOWN), _spec(hosts=UNKNOWN), None])
def test_unknown_plan_lists_nothing(deploy: Any) -> None:
    """Without a plan no child is started."""
    assert not spec.is_plannable(deploy)


def test_problems_are_sentences() -> None:
    """Each missing part is named."""
    assert spec.problems(UNKNOWN) == []
    assert spec.problems(_spec()) == []
    deploy = _spec()
    del deploy["plan"]
    assert spec.problems(deploy) == [
        "spec lacks 'plan': see the DeploySpec in docs/pyinfra-provider.md"
    ]
    assert len(spec.problems(None)) == 1
    deploy = _spec()
    del deploy["hosts"]["lb1"]["identity"]
    assert "'hosts.lb1.identity'" in spec.problems(deploy)[0]


def test_fingerprint_changes_with_everything() -> None:
    """Secrets and unknown values count; the order of keys does not."""
    first = spec.fingerprint(_spec())
    assert first == spec.fingerprint(dict(reversed(_spec().items())))
    assert first != spec.fingerprint(_spec(secrets={"vrrp": "other"}))
    assert first != spec.fingerprint(_spec(secrets={"vrrp": UNKNOWN}))


def test_outputs_cannot_grow() -> None:
    """A Deploy's outputs are the identities of its machines."""
    assert spec.outputs(_spec()) == {"machines": {"lb1": "1"}}
    assert spec.mask(_spec()) == {"old vrrp": "value", "old private_key": "key"}
    assert spec.mask(None) == {}
