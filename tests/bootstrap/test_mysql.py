"""Block mysql: what its files say for the clients that a plan names."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address
from typing import Any

import pytest

from bootstrap.blocks.mysql import deploy as mysql
from bootstrap.managed import ManagedFile, with_values
from stacks.plan import make_plan
from stacks.plan_types import DeployPlan, NodePlan
from tests.descriptions import six

CLIENTS = (IPv4Address("10.71.1.21"), IPv4Address("10.71.1.22"))


@pytest.fixture(scope="module")
def plan() -> DeployPlan:
    groups: dict[str, Any] = {
        "pairs.data.heartbeat": {},
        "pairs.data.mysql": {},
        "pairs.data.nfs": {},
    }
    return make_plan(six(put=groups)).slice("data")


def _with_clients(node: NodePlan) -> NodePlan:
    assert node.data is not None
    assert node.data.mysql is not None
    return replace(node, data=replace(node.data, mysql=replace(node.data.mysql, clients=CLIENTS)))


def _files(plan: DeployPlan, name: str = "data1") -> dict[str, ManagedFile]:
    return {file.path: file for file in mysql.files(_with_clients(plan.nodes[name]), plan)}


def test_each_client_has_an_account_with_four_rights_by_tls_alone(plan: DeployPlan) -> None:
    lines = _files(plan)[mysql.FIRST_SQL].content.splitlines()

    made = [line for line in lines if line.startswith("CREATE USER site")]
    assert len(made) == len(CLIENTS)
    for client, line in zip(CLIENTS, made, strict=True):
        assert f"site@'{client}'" in line
        assert line.endswith("REQUIRE SSL;")
        granted = f"GRANT SELECT, INSERT, UPDATE, DELETE ON `site`.* TO site@'{client}';"
        assert granted in lines
    assert "%" not in "".join(line for line in lines if "@" in line)


def test_secrets_are_where_only_their_reader_gets_them(plan: DeployPlan) -> None:
    holders = {
        path: (file.mode, file.owner, file.secrets)
        for path, file in _files(plan).items()
        if file.secrets
    }

    assert holders == {
        mysql.FIRST_SQL: (0o600, "root", ("data-site",)),
        mysql.CERTIFICATE: (0o644, "root", ("data-certificate",)),
        mysql.KEY: (0o600, "mysql", ("data-certificate-key",)),
    }


def test_the_key_begins_its_file(plan: DeployPlan) -> None:
    file = with_values(_files(plan)[mysql.KEY], {"data-certificate-key": "-----BEGIN X"})

    assert file.content.startswith("-----BEGIN X\n#")


def test_every_process_of_every_client_may_connect(plan: DeployPlan) -> None:
    assert "max_connections = 32\n" in _files(plan)[mysql.CONFIG].content


def test_the_nodes_differ_in_their_id_alone(plan: DeployPlan) -> None:
    one, other = _files(plan), _files(plan, "data2")

    assert [path for path in one if one[path] != other[path]] == [mysql.CONFIG]
    text = one[mysql.CONFIG].content
    assert text.replace("server_id = 31", "server_id = 32") == other[mysql.CONFIG].content


def test_a_node_without_mysql_is_refused(plan: DeployPlan) -> None:
    with pytest.raises(ValueError, match="data1 has role mysql and no MySQL server"):
        mysql.files(replace(plan.nodes["data1"], data=None), plan)
