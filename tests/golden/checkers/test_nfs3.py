"""NFS version 3's helpers in the golden image's root tree, with the files that a node gets."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bootstrap.deploy import render_all
from lab.image import run_in_root
from tests.golden.checkers.in_root import baked
from tests.golden.tree import plans

pytestmark = pytest.mark.image

FILES = (
    # sm-notify says nothing for an address that no resolver answers for.
    "/etc/hosts",
    "/etc/nfs.conf.d/pairwise.conf",
    "/etc/exports",
    "/etc/modprobe.d/pairwise-lockd.conf",
)
HOOK = "/usr/local/lib/pairwise/first-data.d/nfs"
VIP, CLIENT = "10.74.1.82", "10.74.1.21"
PROGRAM = f"""
import json, pathlib, select, socket, subprocess

def run(*argv):
    done = subprocess.run(argv, capture_output=True, text=True)
    return done.stdout + done.stderr

for address in ("10.74.1.11", "{VIP}", "{CLIENT}"):
    run("ip", "address", "add", address + "/24", "dev", "lo")
run("ip", "link", "set", "lo", "up")
found = {{"hook": run("sh", "{HOOK}")}}
folder = pathlib.Path("/srv/nfs/state/statd")
found["owners"] = [[p.name, p.owner(), oct(p.stat().st_mode)[-3:]] for p in (folder, folder / "sm")]
found["lockd"] = run("sh", "-c", "modprobe --showconfig | grep ^options.lockd").strip()
found["exports"] = run("sh", "-c", "mkdir -p /var/lib/nfs; exportfs -r; cat /var/lib/nfs/etab")
rpcbind = subprocess.Popen(["rpcbind", "-f", "-w"])
for _ in range(100):
    try:
        socket.create_connection(("127.0.0.1", 111), 1).close()
        break
    except OSError:
        select.select([], [], [], 0.1)
found["statd"] = run("rpc.statd")
found["ports"] = run("rpcinfo", "-p", "127.0.0.1").split("\\n")
rpcbind.terminate()
rpcbind.wait()
(folder / "sm" / "{CLIENT}").write_text(
    "0100007f 000186b5 00000003 00000010 " + "0" * 32 + " {CLIENT} {VIP}\\n"
)
run("chown", "statd", str(folder / "sm" / "{CLIENT}"))
asked = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
asked.bind(("{CLIENT}", 111))
asked.settimeout(20)
said = open("/tmp/said", "w")
notify = subprocess.Popen(["sm-notify", "-d", "-f"], stdout=said, stderr=said)
try:
    found["told from"] = asked.recvfrom(400)[1][0]
except TimeoutError:
    found["told from"] = "nobody"
notify.kill()
found["said"] = open("/tmp/said").read()
run("sh", "-c", "kill $(cat /run/rpc.statd.pid)")
print("#found " + json.dumps(found))
"""


@pytest.fixture(scope="module")
def found() -> dict[str, Any]:
    rendered = render_all(plans()["nfs-v3"])["nfs1"]
    texts = {path: rendered[path].content for path in (*FILES, HOOK)}
    argv = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc", "python3", "-c", PROGRAM]
    done = run_in_root(baked(), argv, files=texts)
    assert "#found " in done.stdout, done.stdout + done.stderr
    result: dict[str, Any] = json.loads(done.stdout.partition("#found ")[2])
    return result


def test_statd_may_write_its_records(found: dict[str, Any]) -> None:
    assert found["hook"] == ""
    assert found["owners"] == [["statd", "statd", "700"], ["sm", "statd", "700"]]


def test_statd_listens_on_its_port_alone(found: dict[str, Any]) -> None:
    assert found["statd"] == ""
    ports = {line.split()[3] for line in found["ports"] if line.rstrip().endswith("status")}
    assert ports == {"32765"}


def test_the_lock_manager_gets_its_port_and_grace(found: dict[str, Any]) -> None:
    options = "options lockd nlm_tcpport=32766 nlm_udpport=32766 nlm_grace_period=15"
    assert found["lockd"] == options


def test_the_export_has_its_own_identity(found: dict[str, Any]) -> None:
    assert "/srv/nfs/export" in found["exports"]
    assert "fsid=1" in found["exports"]


def test_clients_are_told_from_the_vip(found: dict[str, Any]) -> None:
    assert found["told from"] == VIP, found["said"]
