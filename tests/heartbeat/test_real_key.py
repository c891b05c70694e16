"""Two Heartbeats of the golden image take another key while they run; nobody is declared dead.

Two network namespaces stand for the nodes, with the rendered files and the block's own program.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import pytest

from bootstrap.blocks.fencing import deploy as fencing
from bootstrap.blocks.heartbeat import deploy, rekey
from bootstrap.shared import pairs
from lab.image import run_in_root
from tests.golden.checkers.in_root import baked
from tests.golden.tree import plans

pytestmark = pytest.mark.image

NODES = ("data1", "data2")
PLACES = ("/etc/ha.d", "/run", "/var/lib/heartbeat", "/etc/pairwise")
DEAD_S = 8
"""Of the description: longer than this is looked for what a switch may have broken."""
RUN = f"python3 -I -B {rekey.PROGRAM} {rekey.CONFIG}"
WAITING = rekey.waiting(deploy.AUTHKEYS)
HELD = """#!/bin/sh
case $2 in start) touch /run/held-$1 ;; stop) rm -f /run/held-$1 ;; esac
[ "$2" != status ] || { [ -e /run/held-$1 ] && echo running || echo stopped; }
"""
SCRIPT = rf"""
mkdir -p /l /etc/pairwise; touch /l/asked
chmod 755 {pairs.FENCE} {fencing.PLUGIN}
for n in 1 2; do
    ip netns add data$n
    ip -n data$n link set lo up
    for place in {" ".join(PLACES)}; do mkdir -p /n/$n$place; cp -a $place/. /n/$n$place/; done
    cp -r /given/data$n/. /n/$n/
    for of in heartbeat heartbeat/ccm heartbeat/crm heartbeat/dopd crm; do
        install -d -o hacluster -g haclient -m 750 /n/$n/run/$of
    done
    echo "# first" >/n/$n{deploy.AUTHKEYS}
    printf 'auth 1\n1 sha1 FirstKey\n' >>/n/$n{deploy.AUTHKEYS}
    chmod 600 /n/$n{deploy.AUTHKEYS}
    chmod 755 /n/$n{deploy.FOLDER}/resource.d/held
done
for link in $LINKS; do
    interface=${{link%%:*}} addresses=${{link#*:}}
    ip link add $interface netns data1 type veth peer name $interface netns data2
    ip -n data1 address add ${{addresses%,*}}/24 dev $interface
    ip -n data2 address add ${{addresses#*,}}/24 dev $interface
    for n in 1 2; do ip -n data$n link set $interface up; done
done
on() {{ # N SHELL-TEXT
    ip netns exec data$1 unshare --uts sh -c "hostname data$1
        for place in {" ".join(PLACES)}; do mount --bind /n/$1\$place \$place; done
        exec sh -c '$2'"
}}
mark() {{ echo "mark $(date +%s.%N) $1"; }}
offer() {{ # KEY
    for n in 1 2; do
        (umask 077; printf 'auth 1\n1 sha1 %s\n' $1 >/n/$n{WAITING})
    done
}}
follow() {{ on 1 "exec {RUN} follow" >>/l/follow 2>&1 & }}
lead() {{ on 2 "exec {RUN} lead" 2>&1; echo "lead $?"; }}
keys() {{
    for n in 1 2; do set -- "$@" $(sed -n 's/^1 sha1 //p' /n/$n{deploy.AUTHKEYS}); done
    echo "keys $* $(ls /n/?{deploy.AUTHKEYS}?* 2>/dev/null | wc -l)"
}}
for n in 1 2; do on $n "exec /usr/libexec/heartbeat/heartbeat -f" >/l/out$n 2>&1 & done
for second in $(seq 60); do
    [ -e /n/1/run/held-one ] && [ -e /n/2/run/held-two ] && break; sleep 1
done
sleep 4
mark switch; offer SecondKey; follow; sleep 2; lead; keys
sleep {DEAD_S + 4}
mark alone; offer ThirdKey; lead; keys
sleep {DEAD_S + 4}
mark killed; follow; sleep 2
on 2 'echo $$ >/run/leader; exec {RUN} lead' & leader=$!
for look in $(seq 400); do
    cmp -s /n/2{deploy.AUTHKEYS} /n/2{WAITING} && break; sleep 0.05
done
kill -KILL $(cat /n/2/run/leader); wait $leader
sleep 6; keys; lead; keys
sleep {DEAD_S + 4}
mark older; touch /n/2{deploy.HA_CF}; offer FourthKey; lead; keys
sleep 2
mark ended
echo "held $(ls /n/?/run | grep held | tr '\n' ' ')asked $(wc -l </l/asked)"
# A message that is not accepted is written down as it came.
for n in 1 2; do grep -av MSG /n/$n/run/ha-log | tr -cd '\n -~' | sed 's/^/log /'; done
cat /l/out? /l/follow | tr -cd '\n -~' >&2
"""


def given() -> Mapping[str, str]:
    """Path -> text; each node's files in a folder of its own."""
    part = plans()["alone-data"].slice("data")
    texts = {pairs.FENCE: '#!/bin/sh\necho "$*" >>/l/asked\n'}
    for name in NODES:
        node = part.nodes[name]
        files = {file.path: file.content for file in deploy.files(node, part)}
        texts[rekey.PROGRAM] = files[rekey.PROGRAM]
        texts[fencing.PLUGIN] = next(
            f.content for f in fencing.files(node, part) if f.path == fencing.PLUGIN
        )
        # Neither syslog nor anybody to ping, and no real-time priority beside other tests.
        log = "logfile /run/ha-log\nrealtime off"
        ha_cf = files[deploy.HA_CF].replace("logfacility daemon", log)
        ha_cf = re.sub(r"^(ping .*|.* ?\S*ipfail.*)\n", "", ha_cf, flags=re.MULTILINE)
        mine = {
            deploy.HA_CF: ha_cf,
            rekey.CONFIG: files[rekey.CONFIG],
            deploy.HARESOURCES: "data1 held::one\ndata2 held::two\n",
            f"{deploy.FOLDER}/resource.d/held": HELD,
        }
        texts |= {f"/given/{name}{path}": text for path, text in mine.items()}
    return texts


def links() -> str:
    """Interface and both addresses of each link."""
    nodes = plans()["alone-data"].nodes
    one, other = (nodes[name].data for name in NODES)
    assert one is not None
    assert other is not None
    return " ".join(
        f"{theirs.interface}:{mine.peer_address},{theirs.peer_address}"
        for mine, theirs in zip(other.heartbeat.links, one.heartbeat.links, strict=True)
    )


@dataclass(frozen=True)
class Story:
    """What was printed after each mark, and what the Heartbeats logged all the while."""

    parts: dict[str, list[str]]
    log: list[str]

    def logged(self, words: str) -> list[str]:
        return [line for line in self.log if re.search(words, line)]


@pytest.fixture(scope="module")
def story() -> Story:
    argv = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"]
    argv += ["env", f"LINKS={links()}", "sh", "-c", SCRIPT]
    done = run_in_root(baked(), argv, files=given())
    parts: dict[str, list[str]] = {}
    log, mark = [], "start"
    for line in done.stdout.splitlines():
        if line.startswith("log "):
            log.append(line.removeprefix("log "))
        elif line.startswith("mark "):
            mark = line.split()[2]
            parts[mark] = []
        else:
            parts.setdefault(mark, []).append(line)
    assert "ended" in parts, (done.stdout[-3000:], done.stderr[-3000:])
    return Story(parts=parts, log=log)


def test_both_take_it(story: Story) -> None:
    assert story.parts["switch"] == ["lead 0", "keys SecondKey SecondKey 0"]


def test_one_alone_goes_back(story: Story) -> None:
    said, *rest = story.parts["alone"]
    assert said.startswith("data1 has not taken the new key within 4 s"), said
    assert rest == ["lead 1", "keys SecondKey SecondKey 2"]


def test_a_switch_that_was_killed_is_finished_by_the_next_one(story: Story) -> None:
    assert story.parts["killed"][-3:] == [
        "keys ThirdKey ThirdKey 2",
        "lead 0",
        "keys ThirdKey ThirdKey 0",
    ]


def test_a_heartbeat_that_would_start_anew_is_not_signalled(story: Story) -> None:
    said, *rest = story.parts["older"]
    assert "was written after Heartbeat read it" in said
    assert rest == ["lead 1", "keys ThirdKey ThirdKey 2"]


def test_nobody_is_declared_dead_and_nothing_moves(story: Story) -> None:
    assert story.logged("Comm_now_up"), story
    assert story.logged("is dead|Resetting node|[Tt]aking over|[Gg]iving up|[Rr]estart") == []
    assert story.parts["ended"] == ["held held-one held-two asked 0"]


def test_no_message_stays_lost(story: Story) -> None:
    """What was signed with the other key is sent again, signed anew."""
    assert story.logged("lost packet")
    assert story.logged("Cannot rexmit|hist queue is filling up") == []
