"""keepalived itself, with duo's configuration: who may have the VIPs has them, and nobody else.

Two network namespaces stand for the nodes; a loop says what each one's reconciler would.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import pytest

from bootstrap.blocks.keepalived import deploy
from bootstrap.shared import pairs
from lab.image import run_in_root
from tests.golden.checkers.in_root import baked
from tests.golden.tree import plans

pytestmark = pytest.mark.image

NODES = ("server1", "server2")
TAKES_S = 4.0
"""One advert and the skew, on a busy machine; whose turn it is, keepalived is told at once."""
LEAVES_S = 1.0
"""The same without an advert."""
OUT_S = deploy.ALIVE_S + deploy.ALIVE_INTERVAL_S + LEAVES_S
SCRIPT = rf"""
chmod 755 /k/*; chmod 644 /k/*.conf
ip link set lo up
ip netns add server1; ip netns add server2
i=1
for net in outside inside; do
    ip link add $net netns server1 type veth peer name $net netns server2
    for n in 1 2; do
        ip -n server$n address add 10.73.$i.1$n/24 dev $net
        ip -n server$n link set $net up
    done
    i=$((i + 1))
done
says() {{ # NODE HOLDS ROLE
    of=/run/of${{1#server}}
    echo "$2" >$of/.new; mv $of/.new $of/{pairs.GTID_HOLDS.removeprefix("/run/")}
    echo "$3 $2" >/k/$1-said
}}
for n in 1 2; do
    mkdir -p /run/of$n/{pairs.RUN.removeprefix("/run/")} /run/of$n/keepalived
    ip netns exec server$n sh -c "mount --bind /run/of$n /run; exec keepalived -n -l -D --vrrp \
        -f /k/server$n.conf -p /run/one.pid -r /run/vrrp.pid >/k/log$n 2>&1" &
    ( while :; do [ ! -e /k/server$n-said ] || [ -e /k/dead ] || {{
        read -r up _ </proc/uptime; echo "${{up%.*}} $(cat /k/server$n-said)" >/k/.alive$n
        mv /k/.alive$n /run/of$n/{pairs.GTID_ALIVE.removeprefix("/run/")}; }}; sleep 1; done ) &
done
mark() {{ echo "$(date +%s.%N) $1" >>/k/log; }}
says server2 0 replica
mark started; sleep 8
mark first; says server1 1 source; sleep 9
mark moved; says server1 0 replica; says server2 1 source; sleep 6
mark reloaded; kill -HUP $(cat /run/of?/vrrp.pid); sleep 5
# No advert arrives, and the one that may not have the VIPs hears nobody.
mark deaf
for n in 1 2; do ip netns exec server$n nft add table inet deaf
    ip netns exec server$n nft 'add chain inet deaf in {{ type filter hook input priority 0; }}'
    ip netns exec server$n nft add rule inet deaf in ip protocol 112 drop; done
sleep 8
mark dead; touch /k/dead; sleep {OUT_S + 2}
mark nobody; echo "1 replica 1" >/run/of2/{pairs.GTID_ALIVE.removeprefix("/run/")}; sleep 6
mark ended
cat /k/log
"""


def files() -> Mapping[str, str]:
    part = plans()["duo"].slice("duo")
    texts = {"/k/ok": "#!/bin/sh\n"}
    for name in NODES:
        known = {file.path: file.content for file in deploy.files(part.nodes[name], part)}
        text = known[deploy.CONFIG]
        for path, other in (
            (deploy.ALIVE_SCRIPT, f"/k/{name}-alive"),
            (deploy.CHECK_SCRIPT, "/k/ok"),
            (deploy.NOTIFY_SCRIPT, f"/k/{name}-notify"),
            (f"script_user {deploy.SCRIPT_USER}", "script_user root"),
        ):
            text = text.replace(path, other)
        # Namespaces do not tell of processes.
        text = re.sub(r"vrrp_track_process \w+ \{.*?\n\}\n", "", text, flags=re.DOTALL)
        text = re.sub(r"    track_process \{.*?\n    \}\n", "", text, flags=re.DOTALL)
        texts[f"/k/{name}.conf"] = text
        texts[f"/k/{name}-alive"] = known[deploy.ALIVE_SCRIPT]
        note = f'[ "$1" = INSTANCE ] && echo "$(date +%s.%N) {name} $2 $3" >>/k/log'
        state = f'[ "$1" = INSTANCE ] && echo "$3" >{deploy.STATE_FOLDER}/$2.state'
        texts[f"/k/{name}-notify"] = f"#!/bin/sh\n{note}\n{state}\nexit 0\n"
    return texts


@dataclass(frozen=True)
class Story:
    """What keepalived did, and when the loop said something else."""

    at: dict[str, float]
    changes: list[tuple[float, str, str, str]]

    def during(self, mark: str) -> list[tuple[str, str, float]]:
        """Node, state and seconds since a mark, up to the next one."""
        marks = list(self.at)
        until = self.at[marks[marks.index(mark) + 1]]
        return [
            (node, state, at - self.at[mark])
            for at, node, _, state in self.changes
            if self.at[mark] < at < until
        ]

    def when(self, mark: str, node: str, state: str) -> float:
        """Seconds until the last of both VIPs was in a state."""
        found = [s for name, now, s in self.during(mark) if (name, now) == (node, state)]
        assert len(found) == 2, (mark, self)
        return max(found)


def test_the_vips_are_with_the_one_that_may_have_them() -> None:
    argv = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-c", SCRIPT]
    done = run_in_root(baked(), argv, files=files())
    lines = [line.split() for line in done.stdout.splitlines() if line[:1].isdigit()]
    story = Story(
        at={words[1]: float(words[0]) for words in lines if len(words) == 2},
        changes=[(float(w[0]), w[1], w[2], w[3]) for w in lines if len(w) == 4],
    )
    assert "ended" in story.at, (done.stdout, done.stderr)
    # No file is FAULT, and a replica that is well.
    assert {state for _, state, _ in story.during("started")} <= {"FAULT"}
    # Its reconciler has said nothing before: the check comes first.
    assert story.when("first", "server1", "MASTER") < deploy.ALIVE_INTERVAL_S + TAKES_S
    assert story.when("moved", "server1", "FAULT") < LEAVES_S
    assert story.when("moved", "server2", "MASTER") < TAKES_S
    assert story.during("reloaded") == []
    assert story.during("deaf") == []
    # A source keeps them though its reconciler is dead, and the other one does not get them.
    assert story.during("dead") == []
    # One that is no source does not.
    assert story.when("nobody", "server2", "FAULT") < deploy.ALIVE_INTERVAL_S + LEAVES_S
