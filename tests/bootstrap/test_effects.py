"""What a changed value needs on a running data pair: a preview says it for each file."""

from __future__ import annotations

import pytest

from bootstrap.deploy import checks, render_all
from bootstrap.managed import ManagedFile
from tests.golden.tree import plans

RUNNING = ("/etc/ha.d/", "/etc/drbd.d/", "/etc/mysql/", "/etc/nfs.conf.d/")
"""Folders whose files a manager or a daemon of a group reads."""
AT_ONCE = "/etc/ha.d/resource.d/"
"""Programs: read when they are called."""


def files() -> dict[str, ManagedFile]:
    return render_all(plans()["six"])["data1"]


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/etc/ha.d/ha.cf", "restart of Heartbeat: on the backup, then a switchover"),
        ("/etc/ha.d/authkeys", "on both nodes at once"),
        ("/etc/ha.d/haresources", "nothing moves now"),
        ("/etc/drbd.d/global_common.conf", "reload"),
        ("/etc/drbd.d/mysql.res", "on the backup first"),
        ("/etc/mysql/mysql.conf.d/pairwise.cnf", "needs a switchover"),
        ("/etc/nfs.conf.d/pairwise.conf", "needs a switchover"),
    ],
)
def test_a_file_says_what_a_change_needs(path: str, words: str) -> None:
    assert words in files()[path].effect


def test_no_file_of_a_running_manager_is_without() -> None:
    missing = [
        path
        for path, file in files().items()
        if path.startswith(RUNNING) and not path.startswith(AT_ONCE) and not file.effect
    ]
    assert missing == []


def test_verify_finds_a_heartbeat_that_runs_with_older_files() -> None:
    plan = plans()["six"]
    found = checks(node=plan.nodes["data1"], plan=plan.slice("data"))
    late = [one for one in found if "since it was written" in one.name]
    assert {one.failure.split(":")[0].split()[-1] for one in late} == {
        "/etc/systemd/system/heartbeat.service.d/pairwise.conf",
        "/etc/ha.d/ha.cf",
        "/etc/ha.d/authkeys",
    }


def test_a_key_that_was_changed_is_taken_by_both_nodes_together() -> None:
    plan = plans()["alone-data"]
    file = render_all(plan)["data1"]["/etc/ha.d/authkeys"]
    assert file.secrets == ("data-heartbeat-2",)
    assert "nothing moves" in file.effect
    found = checks(node=plan.nodes["data1"], plan=plan.slice("data"))
    named = {one.name for one in found if "heartbeat" in one.name}
    assert "heartbeat: no new key waits" in named
    assert "heartbeat: it has read /etc/ha.d/authkeys since it was written" not in named


def test_a_pair_whose_key_was_never_changed_has_nothing_of_it() -> None:
    assert [path for path in files() if "heartbeat-key" in path] == []
    assert files()["/etc/ha.d/authkeys"].secrets == ("data-heartbeat",)
