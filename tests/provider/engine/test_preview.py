"""What preview and up show and do, through the real engine."""

import json

import pytest

from tests.provider.engine.harness import Project

pytestmark = pytest.mark.live

ALL = {"base: marker", "files: a.conf", "files: keys", "daemon: reload", "daemon: active"}


def test_first_up_configures_and_second_changes_nothing(pair: Project) -> None:
    """A preview lists every operation; after up there is none left, and a second up is empty."""
    assert {host: set(found) for host, found in pair.pending().items()} == {"lb1": ALL, "lb2": ALL}
    pair.up()
    assert (pair.root("lb1") / "a.conf").read_text() == "one\ntwo\n"
    assert (pair.root("lb2") / "active").read_text() == "yes"
    assert pair.pending() == {}
    second = pair.up()
    assert "updated" not in second.text
    assert (pair.root("lb1") / "reloads").read_text() == "reload\n"


def test_drift_is_shown_and_repaired(pair: Project) -> None:
    """A file edited by hand shows as one operation and its reload, on that host only."""
    pair.up()
    (pair.root("lb2") / "a.conf").write_text("one\nby hand\n")
    shown = pair.preview().text
    assert "files: a.conf" in shown
    assert '"-by hand"' in shown
    assert '"+two"' in shown
    assert "lb1" not in shown
    assert set(pair.pending()) == {"lb2"}
    assert set(pair.pending()["lb2"]) == {"files: a.conf", "daemon: reload"}
    pair.up()
    assert (pair.root("lb2") / "a.conf").read_text() == "one\ntwo\n"
    assert pair.pending() == {}


def test_changed_plan_is_shown_per_operation(pair: Project) -> None:
    """A changed file of the plan gives detailed-diff keys per host and operation."""
    pair.up()
    pair.node("lb", "lb1")["files"] = {"a.conf": "one\nthree\n"}
    document = json.loads(pair.pulumi("preview", "--json").stdout)
    [step] = [step for step in document["steps"] if step["op"] == "update"]
    assert set(step["detailedDiff"]) == {
        'pending["lb1"]["files: a.conf"]',
        'pending["lb1"]["daemon: reload"]',
    }
    pair.up()
    assert pair.pending() == {}


def test_update_phase_reuses_the_preview(pair: Project) -> None:
    """`up` looks at the machines once: its update phase takes the preview's result."""
    pair.up()
    (pair.root("lb1") / "a.conf").write_text("by hand\n")
    logins = _logins(pair)
    pair.up()
    assert _logins(pair) - logins == 2  # one to look, one to change
    logins = _logins(pair)
    pair.pulumi("up", "--yes", "--skip-preview")
    assert _logins(pair) - logins == 1  # no preview to reuse: it looks once


def _logins(pair: Project) -> int:
    log = (pair.machines["lb1"].folder / "log").read_text()
    return log.count("Accepted publickey")


def test_unreachable_machine_is_said_in_words(pair: Project) -> None:
    """The preview does not fail or wait; up fails with a sentence, and the next up finishes."""
    pair.machines["lb2"].stop()
    preview = pair.preview()
    assert preview.seconds < 15
    assert "lb2 is not reachable yet (connection refused: no sshd listens yet)" in preview.text
    assert set(pair.pending()["lb2"]) == ALL | {"connection"}
    assert pair.pending()["lb2"]["daemon: active"] == "to be created"
    failed = pair.up(expect=1)
    assert "gave no SSH within 5 s, last seen: connection refused" in failed.text
    assert (pair.root("lb1") / "active").read_text() == "yes"
    pair.start_machine("lb2")
    pair.up()
    assert (pair.root("lb2") / "active").read_text() == "yes"
    assert pair.pending() == {}


def test_unknown_machine_is_known_after_apply(pair: Project) -> None:
    """No SSH is tried to a machine whose identity is unknown; its operations are listed."""
    pair.given["identity_from"] = "identity"
    logins = _logins(pair)
    assert pair.pending()["lb1"] == dict.fromkeys(ALL, "known after apply")
    assert _logins(pair) == logins
    pair.up()
    assert pair.pending() == {}


def test_replaced_machine_is_configured_again(pair: Project) -> None:
    """A new identity is an update, though nothing is pending."""
    pair.up()
    pair.given["deploys"]["lb"]["hosts"]["lb1"]["identity"] = "machine-2"
    document = json.loads(pair.pulumi("preview", "--json").stdout)
    [step] = [step for step in document["steps"] if step["op"] == "update"]
    assert set(step["detailedDiff"]) == {'spec["hosts"]["lb1"]["identity"]'}
    pair.up()
    assert "updated" not in pair.up().text


def test_offline_compares_with_the_state_only(pair: Project) -> None:
    """Offline the machines are not asked: drift is not seen, a changed plan is."""
    pair.up()
    (pair.root("lb1") / "a.conf").write_text("by hand\n")
    pair.given["offline"] = True
    logins = _logins(pair)
    assert "updated" not in pair.preview().text
    pair.node("lb", "lb1")["files"] = {"a.conf": "new\n"}
    document = json.loads(pair.pulumi("preview", "--json").stdout)
    [step] = [step for step in document["steps"] if step["op"] == "update"]
    assert set(step["detailedDiff"]) == {'spec["plan"]["nodes"]["lb1"]["files"]["a.conf"]'}
    assert _logins(pair) == logins


def test_failed_operation_stops_its_host_and_the_next_up_goes_on(pair: Project) -> None:
    """One sentence per host; the Deploy stays in the state; the others are configured."""
    pair.node("lb", "lb2")["fail"] = "echo the disk is full >&2; exit 3"
    failed = pair.up(expect=1)
    assert "lb2: operation 'files: broken' failed: the disk is full" in failed.text
    assert not (pair.root("lb2") / "active").exists()
    types = [resource["type"] for resource in pair.state()["deployment"]["resources"]]
    assert "pyinfra:index:Deploy" in types
    del pair.node("lb", "lb2")["fail"]
    pair.up()
    assert (pair.root("lb2") / "active").read_text() == "yes"
    assert (pair.root("lb1") / "active").read_text() == "yes"


def test_a_connection_that_ends_is_called_that(pair: Project) -> None:
    """A machine that is powered off under an operation prints nothing: the error says why."""
    pair.node("lb", "lb2")["fail"] = "kill -9 $PPID"
    failed = pair.up(expect=1)
    assert "lb2: the SSH connection ended while operation 'files: broken' ran" in failed.text
    del pair.node("lb", "lb2")["fail"]
    pair.up()
    assert (pair.root("lb2") / "active").read_text() == "yes"


def test_refresh_and_destroy_leave_the_machines_alone(pair: Project) -> None:
    """Refresh changes nothing; destroy forgets."""
    pair.up()
    assert "unchanged" in pair.pulumi("refresh", "--yes").text
    pair.pulumi("destroy", "--yes")
    assert (pair.root("lb1") / "active").exists()


def test_wrong_host_key_is_refused(pair: Project) -> None:
    """A machine with another host key than the pinned one is not configured."""
    other = pair.machines["lb2"].host_key
    pair.given["deploys"]["lb"]["hosts"]["lb1"]["host_key"] = other
    assert "its SSH host key is not the pinned one" in pair.preview().text
    assert "its SSH host key is not the pinned one" in pair.up(expect=1).text
    assert not pair.root("lb1").exists()


def test_bad_password_length_is_refused(project: Project) -> None:
    """A check failure is one sentence."""
    project.given["password_length"] = 4
    project.given["secrets"] = ["short"]
    text = project.pulumi("preview", expect=1).text
    assert "length value {4} has a problem: give a number from 8 to 256" in text
