"""What Heartbeat's own programs read first: the golden image's programs run with it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bootstrap.blocks.heartbeat import deploy
from lab.image import run_in_root
from tests.golden.checkers.in_root import baked
from tests.golden.tree import plans

pytestmark = pytest.mark.image

SHARE = "/usr/share/heartbeat"
PROGRAM = f"""
import json, os, re, subprocess, threading
found = {{}}
def run(*argv, **more):
    env = {{**os.environ, "HA_CURHOST": "data1", "HA_FUNCS": "/etc/ha.d/shellfuncs",
           "HA_DIR": "/etc/ha.d", "HA_LOGFACILITY": "none", **more}}
    done = subprocess.run(argv, env=env, capture_output=True, text=True, timeout=60)
    return [done.returncode, done.stdout, done.stderr]
def heard(name, *argv, **more):
    # As Heartbeat does, somebody waits for what comes.
    path, pieces = f"/tmp/{{name}}", []
    os.mkfifo(path)
    pipe = os.open(path, os.O_RDWR)
    def listen():
        while not pieces or not pieces[-1].endswith("<<<\\n"):
            pieces.append(os.read(pipe, 4096).decode())
    listener = threading.Thread(target=listen, daemon=True)
    listener.start()
    found[name] = [*run(*argv, HA_FIFO=path, **more), pieces]
    listener.join(timeout=10)
heard("take-over", "{SHARE}/hb_takeover", "local")
heard("standby", "{SHARE}/hb_standby", "foreign")
heard("asked", "/etc/ha.d/harc", "hb_takeover", HA_src="data2", HA_rsc_hold="local")
found["keys"] = run("{SHARE}/ResourceManager", "listkeys", "data2")
found["own"] = run("/etc/ha.d/harc", "hb_takeover", HA_src="data1", HA_rsc_hold="local")
found["other"] = run("sh", "-c", ". /etc/ha.d/shellfuncs; ocf_is_true yes && ha_log hello")
binary = open("/usr/libexec/heartbeat/heartbeat", "rb").read()
found["words"] = sorted({{w.decode() for w in re.findall(rb"\\b[a-z]+(?:keys|group)\\b", binary)}})
print(json.dumps(found))
"""


def node_files() -> dict[str, str]:
    """Path -> text of the block's files on data1 of stack six."""
    plan = next(p for p in plans()["six"].deploys.values() if "data1" in p.nodes)
    return {file.path: file.content for file in deploy.files(plan.nodes["data1"], plan)}


@pytest.fixture(scope="module")
def found() -> dict[str, list[Any]]:
    """Exit code, output, errors and what Heartbeat would have read, of each program."""
    wanted = (deploy.SHELLFUNCS, deploy.MANAGER, deploy.HARESOURCES)
    texts = {path: text for path, text in node_files().items() if path in wanted}
    done = run_in_root(baked(), ["python3", "-c", PROGRAM], files=texts)
    assert done.returncode == 0, done.stderr
    result: dict[str, list[Any]] = json.loads(done.stdout)
    return result


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("take-over", ">>>\nt=hb_takeover\nrsc_hold=local\n<<<\n"),
        ("standby", ">>>\nt=ask_resources\nrsc_hold=foreign\ninfo=me\n<<<\n"),
        ("asked", ">>>\nt=ask_resources\nrsc_hold=foreign\ninfo=me\n<<<\n"),
    ],
)
def test_a_message_is_handed_over_whole(
    found: dict[str, list[Any]], name: str, message: str
) -> None:
    """Heartbeat has taken the first of two pieces for a message without fields."""
    code, *_, pieces = found[name]
    assert (code, pieces) == (0, [message]), found[name]


def test_every_word_of_heartbeat_to_its_manager_is_known(found: dict[str, list[Any]]) -> None:
    """A switchover is lost when one is not: `otherkeys` was."""
    manager = node_files()[deploy.MANAGER]
    words = {str(word) for word in found["words"]} - {"authkeys"}
    assert {"otherkeys", "takegroup", "givegroup"} <= words
    assert [word for word in words if f"\n{word}) " not in manager] == []


def test_the_manager_finds_its_groups(found: dict[str, list[Any]]) -> None:
    assert found["keys"][:2] == [0, "drbddisk::nfs\n"], found["keys"]


def test_a_request_of_its_own_moves_nothing(found: dict[str, list[Any]]) -> None:
    assert found["own"][0] == 0


def test_other_programs_have_the_package_s_functions_as_well(found: dict[str, list[Any]]) -> None:
    assert found["other"] == [0, "", "hello\n"]
