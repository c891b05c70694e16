"""Looks at the two copies of a pair's replicated disks, and brings them together again."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from bootstrap.facts.drbd import absent
from cli.divergence import Copy
from cli.errors import EXIT_UNKNOWN, CommandError
from cli.groups import ASK_S, PairOf
from cli.wait import wait_until
from stacks.plan_data_types import DrbdResource
from stacks.plan_types import NodePlan

MEET_S = 60
"""Both sides try every three seconds to connect; a handshake takes one more."""
SLOWEST_KIB_S = 1024
"""A third of the slowest resync that was measured under emulation (44 MiB in 13 s)."""
LINKED = "Connected|Sync[A-Z][a-z]+|Paused[A-Za-z]+|Verify[ST]"
PARTED = (
    "Disconnecting|Unconnected|Timeout|BrokenPipe|NetworkFailure|ProtocolError|TearDown"
    "|WFConnection|StandAlone"
)
"""Words of the kernel's log around the moment in which a connection ends (drbd_state.c)."""


def chosen(pair: PairOf, group: str | None) -> tuple[DrbdResource, ...]:
    """The disk of a group, or of all groups.

    Raises:
        CommandError: the pair has no such group.
    """
    wanted = {item.disk.resource for item in pair.chosen(group or "") if item.disk is not None}
    return tuple(item for item in pair.data.drbd.resources if item.name in wanted)


def copy_of(pair: PairOf, node: NodePlan, resource: DrbdResource) -> Copy:
    """A node's copy as it is now.

    Raises:
        CommandError: the node gives no answer.
    """
    answer = pair.look(node)
    if not answer.reachable:
        raise CommandError(
            f"{node.name} gives no answer ({answer.reason}): both nodes must be seen before a copy"
            " is changed; nothing was done.",
            code=EXIT_UNKNOWN,
        )
    return Copy(
        node=node.name,
        state=answer.drbd.get(resource.minor, absent(resource.minor)),
        generations=answer.generations.get(resource.minor),
    )


def with_time(pair: PairOf, copy: Copy, resource: DrbdResource) -> Copy:
    """The copy with the moment at which its node's journal says that it lost its peer last."""
    pattern = rf"drbd {resource.name}: .*conn\( ({LINKED}) -> ({PARTED}) \)"
    script = (
        "journalctl -q --no-pager -o short-unix -r -n 1 _TRANSPORT=kernel"
        f" -g '{pattern}' 2>/dev/null\n"
    )
    output, _ = pair.ssh.read(pair.part.nodes[copy.node], script, timeout_s=ASK_S)
    words = (output or "").split()
    try:
        return replace(copy, lost_at=float(words[0]) if words else None)
    except ValueError:
        return copy


def discard(pair: PairOf, resource: DrbdResource, *, loser: str, keeper: str) -> None:
    """Connect both again, the loser's own writes thrown away.

    Raises:
        CommandError: a node refused; nothing was thrown away, or the loser waits for the other one.
    """
    name = resource.name
    # It looks once more itself: Heartbeat may have promoted it since.
    order = (
        f'case "$(drbdadm role {name})" in Secondary/*) ;; *) exit 1 ;; esac\n'
        f"drbdadm disconnect {name} 2>/dev/null\n"
        f"drbdadm connect --discard-my-data {name} && echo done\n"
    )
    _tell(pair, loser, order, what=f"throw its own writes to {name} away")
    order = (
        f'case "$(drbdadm cstate {name})" in StandAlone) drbdadm connect {name} ;; esac'
        " && echo done\n"
    )
    _tell(pair, keeper, order, what=f"connect {name}")


def reconnect(pair: PairOf, resource: DrbdResource, *, node: str) -> None:
    """Disconnect and connect on the backup: the Primary begins a new generation, and on meeting
    again copies what it knows to differ.

    Raises:
        CommandError: the node refused.
    """
    name = resource.name
    order = (
        f'case "$(drbdadm role {name})" in Secondary/Primary) ;; *) exit 1 ;; esac\n'
        f"drbdadm disconnect {name} && drbdadm connect {name} && echo done\n"
    )
    _tell(pair, node, order, what=f"disconnect and connect {name}")


def _tell(pair: PairOf, node: str, order: str, *, what: str) -> None:
    output, reason = pair.ssh.read(pair.part.nodes[node], order, timeout_s=ASK_S)
    if output is None or "done" not in output.splitlines():
        raise CommandError(
            f"{node} did not {what} ({reason or 'it is not what it was a moment ago'}):"
            f" `pairwise status {pair.part.stack}`, then try again."
        )


def until_same(
    pair: PairOf, resources: Sequence[DrbdResource], say: Callable[[str], None], *, kib: int
) -> float:
    """Wait until both copies of each disk are connected, whole and the same; returns the seconds.

    Raises:
        CommandError: they are not in time.
    """
    nodes = sorted(pair.part.nodes.items())
    told: dict[str, str] = {}
    deadline_s = MEET_S + kib / SLOWEST_KIB_S

    def same() -> bool:
        answers = {name: pair.look(node) for name, node in nodes}
        all_same = True
        for resource in resources:
            for name, answer in answers.items():
                state = answer.drbd.get(resource.minor, absent(resource.minor))
                all_same = all_same and state.replicated and not state.oos_kib
                percent = f" {state.sync_percent:.0f} %" if state.sync_percent is not None else ""
                line = f"{resource.name} on {name}: {state.cs}{percent}"
                if told.get(f"{resource.name} {name}") != line:
                    say(line)
                    told[f"{resource.name} {name}"] = line
        return all_same

    begun = time.monotonic()
    if not wait_until(same, timeout_s=deadline_s, every_s=1):
        raise CommandError(
            f"{' and '.join(r.name for r in resources)} of pair {pair.part.deploy} are not the same"
            f" on both nodes after {deadline_s:.0f} s: `pairwise status {pair.part.stack}` says how"
            " far they are."
        )
    return time.monotonic() - begun
