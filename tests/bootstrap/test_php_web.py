"""Block php_web: where the application keeps rows and uploads, with a data pair and without one."""

from __future__ import annotations

import pytest

from bootstrap.blocks.php_web import deploy as php_web
from bootstrap.managed import ManagedFile
from bootstrap.shared import pairs
from stacks.plan_types import DeployPlan
from tests.golden.tree import plans


def _files(plan: DeployPlan) -> dict[str, ManagedFile]:
    return {file.path: file for file in php_web.files(plan.nodes["web1"], plan)}


@pytest.fixture(scope="module")
def with_pair() -> DeployPlan:
    return plans()["six"].slice("web")


@pytest.fixture(scope="module")
def alone() -> DeployPlan:
    return plans()["alone-lb-single"].slice("web")


def test_the_password_is_for_the_application_alone(with_pair: DeployPlan) -> None:
    holders = {
        path: (file.mode, file.owner, file.group, file.secrets)
        for path, file in _files(with_pair).items()
        if file.secrets
    }
    assert holders == {
        php_web.SETTINGS: (0o640, "root", "www-data", ("data-site",)),
        pairs.MYSQL_CERTIFICATE: (0o644, "root", "root", ("data-certificate",)),
    }
    assert with_pair.secrets == ("data-certificate", "data-site")


def test_rows_and_uploads_go_to_the_pair(with_pair: DeployPlan) -> None:
    text = _files(with_pair)[php_web.SETTINGS].content
    assert "'address' => '10.71.1.211'" in text
    assert "'certificate' => '/etc/pairwise/mysql-ca.pem'" in text
    assert "'upload_folder' => '/srv/files/uploads'" in text
    assert [mount.mount_point for mount in with_pair.nodes["web1"].mounts] == ["/srv/files"]


def test_without_a_pair_nothing_is_secret_and_the_certificate_goes(alone: DeployPlan) -> None:
    files = _files(alone)
    assert "'database' => null" in files[php_web.SETTINGS].content
    assert "'upload_folder' => null" in files[php_web.SETTINGS].content
    assert alone.secrets == ()
    assert pairs.MYSQL_CERTIFICATE in php_web.manifest(alone.nodes["web1"], alone).absent


def test_all_web_machines_have_the_same_settings(with_pair: DeployPlan) -> None:
    one, other = (
        {file.path: file.content for file in php_web.files(with_pair.nodes[name], with_pair)}
        for name in ("web1", "web2")
    )
    assert one[php_web.SETTINGS] == other[php_web.SETTINGS]


def test_verify_tries_the_database_where_there_is_one(
    with_pair: DeployPlan, alone: DeployPlan
) -> None:
    def names(plan: DeployPlan) -> list[str]:
        return [check.name for check in php_web.checks(plan.nodes["web1"], plan)]

    assert set(names(with_pair)) - set(names(alone)) == {
        "php_web: the rows in MySQL at 10.71.1.211 can be read"
    }
