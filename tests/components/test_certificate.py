"""The certificate of a data pair's MySQL: for whom it is made, and who gets which half."""

from __future__ import annotations

from typing import Any

import pytest

from stacks.load import load_stack
from stacks.plan import make_plan
from tests.components.recorder import Recorder, declare
from tests.descriptions import STACKS, six


@pytest.fixture(scope="module")
def built() -> Recorder:
    return declare(six())


def _spec(recorder: Recorder, deploy: str) -> dict[str, Any]:
    spec = recorder.of_type("index:Deploy")[deploy].inputs["spec"]
    assert isinstance(spec, dict)
    return spec


def test_it_is_made_once_for_the_name_and_the_address_of_the_vip(built: Recorder) -> None:
    made = built.of_type("pyinfra:index:Certificate")

    assert {name: item.inputs["names"] for name, item in made.items()} == {
        "data-certificate": ["db.six.lab", "10.71.1.211"]
    }


def test_the_pair_alone_gets_it_and_no_password_is_made_in_its_stead(built: Recorder) -> None:
    secrets = _spec(built, "data-deploy")["secrets"]

    assert secrets["data-certificate"] == "CERTIFICATE data-certificate"
    assert secrets["data-certificate-key"] == "PRIVATE KEY of data-certificate"
    assert secrets["data-site"] == "PASSWORD data-site"
    assert "data-certificate-key" not in built.of_type("pyinfra:index:Password")
    for deploy in ("lb-deploy", "web-deploy"):
        assert "data-certificate-key" not in _spec(built, deploy)["secrets"]


def test_a_gtid_pair_has_it_for_its_nodes_too_and_all_its_secrets() -> None:
    """Each node's server is asked by the other one, at its own address."""
    stack = load_stack(STACKS / "Pulumi.duo.yaml")
    recorder = declare(stack)

    (made,) = recorder.of_type("pyinfra:index:Certificate").values()
    own = ["10.73.2.11", "10.73.2.12", "127.0.0.1"]
    assert made.inputs["names"] == ["db.duo.lab", "10.73.2.150", *own]
    (access,) = recorder.of_type("pyinfra:index:FenceAccess").values()
    machines = {node: entry["machine"] for node, entry in access.inputs["nodes"].items()}
    assert machines == {"server1": "duo-server1", "server2": "duo-server2"}
    secrets = _spec(recorder, "duo-deploy")["secrets"]
    assert set(secrets) == set(make_plan(stack).slice("duo").secrets)
    for name in ("duo-replication", "duo-clone", "duo-monitor"):
        assert secrets[name] == f"PASSWORD {name}"
    # The longest that a replica takes (CHANGE REPLICATION SOURCE TO).
    lengths = recorder.of_type("pyinfra:index:Password")["duo-replication"].inputs["length"]
    assert lengths <= 32


def test_its_key_is_secret_and_its_certificate_is_not(built: Recorder) -> None:
    made = built.of_type("pyinfra:index:Certificate")["data-certificate"]

    assert list(made.request.additionalSecretOutputs) == ["private_key"]
    for resource in built.resources:
        for key, value in resource.inputs.items():
            if "PRIVATE" in str(value):
                assert key in resource.secret, resource.name


def test_a_stack_without_mysql_makes_none() -> None:
    recorder = declare(load_stack(STACKS / "Pulumi.nfs.yaml"))

    assert not recorder.of_type("pyinfra:index:Certificate")
