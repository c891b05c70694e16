"""pwvip with the real tickle_tcp of the golden image, between three namespaces: an old node, a new
one, and a client that only waits for an answer."""

from __future__ import annotations

import json

import pytest

from bootstrap.blocks.heartbeat import deploy as heartbeat
from bootstrap.blocks.monitor import deploy as monitor
from lab.image import run_in_root
from tests.golden.checkers.in_root import baked
from tests.golden.tree import plans

pytestmark = pytest.mark.image

VIP, PREFIX, PORT = "10.74.1.82", 24, 2049
"""Of stack nfs."""
NOTED = "/srv/nfs/connections"
PWVIP = f"{heartbeat.FOLDER}/resource.d/pwvip"
PROGRAM = f"""
import json, os, socket, subprocess, sys
sys.path.insert(0, "{monitor.FOLDER}")
from bootstrap.blocks.monitor.program import connections

def sh(text):
    subprocess.run(text, shell=True, check=True)

sh("ip netns add client")
for name in ("old", "new"):
    sh(f"ip netns add {{name}};"
       f"ip link add lan netns {{name}} type veth peer name {{name}} netns client;"
       f"ip -n {{name}} link set lan up; ip -n client link set {{name}} up;"
       f"ip -n client address add 10.74.1.21/32 dev {{name}};"
       f"ip -n {{name}} route add 10.74.1.21 dev lan")

def moves_to(name):
    sh(f"ip -n client route replace {VIP} dev {{name}};"
       f"nsenter --net=/run/netns/{{name}} sh {PWVIP} {VIP}/{PREFIX} lan start")

os.makedirs(os.path.dirname("{NOTED}"))
moves_to("old")

def within(name):
    os.setns(os.open(f"/run/netns/{{name}}", os.O_RDONLY), os.CLONE_NEWNET)

within("old")
server = socket.create_server(("{VIP}", {PORT}))
within("client")
client = socket.create_connection(("{VIP}", {PORT}), timeout=10)
there, _ = server.accept()
within("old")
found = connections.established(open("/proc/thread-self/net/tcp"), frozenset({{"{VIP}"}}))
with open("{NOTED}", "w") as file:
    file.writelines(f"{{ends}}\\n" for ends in found["{VIP}"])

def heard(seconds):
    client.settimeout(seconds)
    try:
        return repr(client.recv(1))
    except OSError as error:
        return type(error).__name__

within("client")
sh("ip link set old down")
told = {{"list": open("{NOTED}").read(), "client": client.getsockname()[1], "before": heard(2)}}
moves_to("new")
told["after"] = heard(5)
print(json.dumps(told))
"""


def test_a_client_of_a_dead_node_learns_of_it_at_once() -> None:
    plan = next(p for p in plans()["nfs"].deploys.values() if p.is_pair)
    node = plan.nodes["nfs1"]
    owned = (*monitor.files(node, plan), *heartbeat.files(node, plan))
    files = {file.path: file.content for file in owned if not file.secrets}
    done = run_in_root(baked(), ["python3", "-c", PROGRAM], files=files)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["list"] == f"{VIP}:{PORT} 10.74.1.21:{told['client']}\n"
    assert told["before"] == "TimeoutError"
    assert told["after"] == "ConnectionResetError"
