"""The real programs: a message is spooled at once, and arrives once, in order, when it can."""

from __future__ import annotations

import http.client
import ipaddress
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from bootstrap.blocks.notify import deploy
from bootstrap.blocks.notify.program import deliver
from bootstrap.render import render
from bootstrap.shared.notify import PROGRAM, Kind, command
from lab import server
from stacks import addressing
from tests.golden.tree import plans

LOOPBACK = [ipaddress.IPv4Interface("127.0.0.1/8")]
PUT_MAX_S = 5
"""A script without a network; keepalived does not wait for it anyway."""


class Node:
    """What the block puts on a node, below a folder of the test."""

    def __init__(self, folder: Path, *destinations: str) -> None:
        self.spool = folder / "spool"
        for name in ("tmp", *destinations):
            (self.spool / name).mkdir(parents=True)
        self.program = folder / "notify"
        values = {"stack": "six", "destinations": destinations, "kinds": list(Kind), "most": 5}
        text = render("blocks/notify/templates/notify.j2", spool=str(self.spool), **values)
        self.program.write_text(text)
        self.config = folder / "notify.json"

    def put(self, state: str, *text: str, kind: str = "vrrp") -> subprocess.CompletedProcess[str]:
        """Call the program as a daemon does."""
        argv = ["sh", str(self.program), kind, "lb", "lb1", "www1", state, *text]
        return subprocess.run(argv, capture_output=True, text=True, check=False, timeout=PUT_MAX_S)

    def deliver(self, destination: str, **config: object) -> subprocess.Popen[str]:
        """Start the delivering program as systemd does."""
        self.config.write_text(json.dumps(config))
        argv = [sys.executable, deliver.__file__, destination, str(self.spool / destination)]
        return subprocess.Popen([*argv, str(self.config)], stdout=subprocess.PIPE, text=True)

    def waiting(self, destination: str) -> list[Path]:
        """Messages in the spool, oldest first."""
        return sorted((self.spool / destination).iterdir())


@contextmanager
def sink(folder: Path, *, port: int = 0, networks: Any = LOOPBACK) -> Iterator[int]:
    """The lab's server on loopback; its port."""
    made = server.make(
        ("127.0.0.1", port),
        sink=folder / "got.jsonl",
        packages=folder / "packages",
        networks=lambda: networks,
    )
    thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield int(made.server_address[1])
    finally:
        made.shutdown()
        made.server_close()
        thread.join()


def received(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "got.jsonl").read_text().splitlines()]


def test_a_message_arrives_with_all_that_was_said(tmp_path: Path) -> None:
    node = Node(tmp_path, "lab")
    assert node.put("active", "lb1", "holds", '"quoted" \\ and\nbroken').returncode == 0
    with sink(tmp_path) as port, node.deliver("lab", lab=f"http://127.0.0.1:{port}/notify") as p:
        assert p.wait(timeout=20) == 0
    (message,) = received(tmp_path)
    assert message["text"] == 'lb1 holds "quoted" \\ and\nbroken'
    known = {"kind": "vrrp", "pair": "lb", "node": "lb1", "vip": "www1", "state": "active"}
    assert known.items() <= message.items()
    assert message["id"].startswith("lb1-")
    assert float(message["time"]) <= message["received"]
    assert node.waiting("lab") == []
    assert list((node.spool / "tmp").iterdir()) == []


def test_what_was_told_while_the_sink_was_away_arrives_once_and_in_order(tmp_path: Path) -> None:
    node = Node(tmp_path, "lab")
    with sink(tmp_path) as port:
        pass
    states = ["fault", "backup", "active", "stopped"]
    for state in states:
        assert node.put(state, "lb1", "says", state).returncode == 0
    with node.deliver("lab", lab=f"http://127.0.0.1:{port}/notify") as process:
        assert process.stdout is not None
        assert "4 waiting, next try in 1 s" in process.stdout.readline()
        assert len(node.waiting("lab")) == len(states)
        with sink(tmp_path, port=port):
            assert process.wait(timeout=30) == 0
    assert [message["state"] for message in received(tmp_path)] == states
    assert len({message["id"] for message in received(tmp_path)}) == len(states)


def test_each_destination_has_its_own_pace(tmp_path: Path) -> None:
    node = Node(tmp_path, "command", "lab")
    node.put("active", "lb1", "holds")
    script = "cat >>" + str(tmp_path / "told")
    with node.deliver("command", command=["/bin/sh", "-c", script]) as process:
        assert process.wait(timeout=20) == 0
    assert json.loads((tmp_path / "told").read_text())["state"] == "active"
    assert node.waiting("command") == []
    assert len(node.waiting("lab")) == 1


def test_a_command_that_fails_is_tried_again(tmp_path: Path) -> None:
    node = Node(tmp_path, "command")
    node.put("active", "lb1", "holds")
    script = f"test -e {tmp_path}/again || {{ touch {tmp_path}/again; echo no wire >&2; exit 7; }}"
    with node.deliver("command", command=["/bin/sh", "-c", script]) as process:
        assert process.wait(timeout=20) == 0
        assert process.stdout is not None
        assert "/bin/sh ended with 7: no wire" in process.stdout.read()


def test_mail_goes_through_sendmail_and_a_missing_one_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    node = Node(tmp_path, "mail")
    node.put("active", "lb1", "holds", "www1")
    message = deliver.read(node.waiting("mail")[0])
    assert message is not None
    send = deliver.to_mail({"mail": ["ops@example.org"]})
    monkeypatch.setattr(deliver, "SENDMAIL", str(tmp_path / "sendmail"))
    with pytest.raises(deliver.DeliveryError, match=r"sendmail is missing: install a mail"):
        send(message)
    program = f'#!/bin/sh\necho "$@" >{tmp_path}/to\ncat >{tmp_path}/mail\n'
    Path(deliver.SENDMAIL).write_text(program)
    Path(deliver.SENDMAIL).chmod(0o755)
    send(message)
    assert (tmp_path / "to").read_text() == "-i -- ops@example.org\n"
    text = (tmp_path / "mail").read_text()
    assert "Subject: [lb] lb1 holds www1\n" in text
    assert f"Message-ID: <{message['id']}@lb1>\n" in text
    assert "state: active\n" in text


def test_damaged_and_old_messages_hold_nothing_up(tmp_path: Path) -> None:
    node = Node(tmp_path, "lab")
    (node.spool / "lab" / "0").write_bytes(b"")
    node.put("backup", "yesterday's")
    yesterday = node.waiting("lab")[-1]
    os.utime(yesterday, (1, 1))
    node.put("active", "today's")
    with sink(tmp_path) as port, node.deliver("lab", lab=f"http://127.0.0.1:{port}/notify") as p:
        assert p.wait(timeout=20) == 0
    assert [message["text"] for message in received(tmp_path)] == ["today's"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give a file away")
def test_what_root_tells_can_be_read_by_who_delivers(tmp_path: Path) -> None:
    """Heartbeat's and DRBD's scripts run as root, and the spool is somebody else's."""
    node = Node(tmp_path, "lab")
    nobody = 65534
    os.chown(node.spool / "tmp", nobody, nobody)
    assert node.put("active", "nfs1 has taken over", kind="heartbeat").returncode == 0
    (message,) = node.waiting("lab")
    assert message.stat().st_uid == nobody


def test_a_full_spool_and_a_wrong_call_are_refused_aloud(tmp_path: Path) -> None:
    node = Node(tmp_path, "lab")
    done = [node.put("active", str(number)) for number in range(7)]
    assert len(node.waiting("lab")) == 5
    assert "5 messages wait for lab: this one is dropped" in done[-1].stderr
    wrong = node.put("active", "x", kind="nonsense")
    assert wrong.returncode == 2
    assert "nonsense is no kind of event" in wrong.stderr
    assert node.put("active").returncode == 2


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [("/notify", b"{}", 204), ("/notify", b"[1]", 400), ("/notify", b"{", 400), ("/x", b"{}", 403)],
)
def test_the_receiver_takes_json_objects_at_one_path(
    tmp_path: Path, path: str, body: bytes, status: int
) -> None:
    with sink(tmp_path) as port:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        connection.request("POST", path, body)
        assert connection.getresponse().status == status
        connection.close()
    assert (tmp_path / "got.jsonl").exists() is (status == 204)


def test_the_receiver_takes_messages_from_its_networks_only(tmp_path: Path) -> None:
    with sink(tmp_path, networks=[ipaddress.IPv4Interface("10.71.9.1/24")]) as port:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        connection.request("POST", "/notify", b"{}")
        assert connection.getresponse().status == 403
        connection.close()
    assert not (tmp_path / "got.jsonl").exists()


def test_packages_are_served_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "packages").mkdir()
    (tmp_path / "packages" / "Packages").write_text("Package: x\n")
    (tmp_path / "secret").write_text("no")
    answers = {}
    with sink(tmp_path) as port:
        for path in ("/packages/Packages", "/packages/../secret", "/secret", "/packages/absent"):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
            connection.request("GET", path)
            answer = connection.getresponse()
            answers[path] = (answer.status, answer.read())
            connection.close()
    assert answers.pop("/packages/Packages") == (200, b"Package: x\n")
    assert {status for status, _ in answers.values()} == {404}


def test_machines_are_told_where_the_lab_listens() -> None:
    assert (server.PORT, server.NOTIFY_PATH) == (addressing.LAB_PORT, addressing.LAB_NOTIFY_PATH)
    notify = plans()["six"].nodes["lb1"].notify
    assert notify is not None
    assert notify.lab_url == "http://10.71.9.1:8025/notify"


def test_a_call_is_one_line_that_needs_no_quotes() -> None:
    values = {"pair": "lb", "node": "lb1", "vip": "www1", "state": "active"}
    assert command(Kind.VRRP, **values, text="lb1 holds it") == (
        f"{PROGRAM} vrrp lb lb1 www1 active lb1 holds it"
    )
    with pytest.raises(ValueError, match="cannot be passed on"):
        command(Kind.VRRP, **values, text="lb1's own")


def test_block_delivers_to_what_the_description_names() -> None:
    node = plans()["alone-lb-told"].nodes["lb1"]
    assert node.notify is not None
    assert deploy.destinations(node.notify) == ["command", "mail"]
