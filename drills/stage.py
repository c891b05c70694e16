"""What a scenario does to one pair under load, and what it waits for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from drills.faults import rebuild_quarantined, start_again
from drills.scene import Scene
from drills.subject import Group
from drills.wait import wait_until

MOVE_S = 300
"""A take-over takes half a minute under emulation; others may keep the processors busy."""
BOOT_S = 400
"""A machine boots, and has looked for its peer; others may boot beside it."""
STEADY_S = 600
"""A node that was powered off boots, resyncs and is met again, with others beside it."""
OFF_S = 120
"""From a fault to the power-off that it calls for: dead time, hesitation, the endpoint's answer, on
a machine that is busy otherwise."""
AGAIN = 10
"""Writes after a planned move: clients have found the new holder."""
ENOUGH = 20
"""Acknowledged writes, four seconds of them, that say that clients are served again."""


class Stage(Scene):
    """One run of one drill."""

    @property
    def active(self) -> str:
        """The node that holds the drill's group."""
        return self.holder(self.group)

    def holder(self, group: Group) -> str:
        """The node that has all of a group, once one has."""
        what = f"a holder of group {group.name}"
        found = wait_until(lambda: self.holder_now(group), what=what, timeout_s=MOVE_S, every_s=1)
        return str(found)

    def placed(self) -> dict[str, str]:
        """Holder of each group."""
        return {group.name: self.holder(group) for group in self.groups}

    def gather(self, node: str) -> None:
        """Have one node hold every group, and clients write again: the fault comes after that."""
        if set(self.placed().values()) != {node}:
            self.switch(node)
            self.writes_go_on(AGAIN)

    def spread(self) -> None:
        """Have each group where it is preferred, which is one on each node where there are two, and
        clients write again."""
        for group in self.subject.written:
            if self.holder(group) != group.prefers:
                self.switch(group.prefers, group.name)
                self.writes_go_on(AGAIN)

    def switch(self, node: str, group: str = "") -> None:
        """``pairwise switchover`` of one group, or of all, to a node."""
        what = f"{self.pair}/{group}" if group else self.pair
        self.stack.pairwise("switchover", self.stack.name, what, "--to", node)

    def writes_go_on(self, count: int = ENOUGH, *, groups: Sequence[str] | None = None) -> None:
        """Wait until so many more writes were acknowledged, by each group or by those named."""
        for name, recorder in self.writes.items():
            if groups is None or name in groups:
                recorder.wait_for_more(count, timeout_s=MOVE_S)

    def expect_at(self, group: Group, node: str) -> None:
        """A group is with a node.

        Raises:
            DrillFailedError: it is elsewhere.
        """
        found = self.holder(group)
        self.expect(found == node, f"group {group.name} is on {found} and not on {node}")

    def wait_until_at(self, group: Group, node: str) -> None:
        """Wait until a node has all of a group."""
        what = f"group {group.name} to be on {node}"
        wait_until(lambda: self.holder_now(group) == node, what=what, timeout_s=MOVE_S, every_s=1)

    def expect_all_at(self, node: str) -> None:
        """Every group is with a node.

        Raises:
            DrillFailedError: one is elsewhere.
        """
        for group in self.groups:
            self.expect_at(group, node)

    def wait_until_all_at(self, node: str) -> None:
        """Wait until a node has all of every group."""
        for group in self.groups:
            self.wait_until_at(group, node)

    def wait_until_off(self, *nodes: str, timeout_s: float = OFF_S) -> str:
        """Wait until one of these machines is off, by whoever asked for it; returns which."""

        def off() -> str:
            return next((n for n in nodes if self.stack.machine_state(n) == "shut off"), "")

        what = f"{' or '.join(nodes)} to be off"
        found = wait_until(off, what=what, timeout_s=timeout_s)
        self.say(f"{found} is off")
        return found

    @contextmanager
    def rebooted(self, node: str) -> Iterator[None]:
        """Have a machine reboot in an orderly way; at the end it has booted."""
        watch = self.watches[node]
        before = watch.last.boot
        self.mark(f"{node} rebooted")
        self.stack.exec(node, "systemctl reboot", check=False)
        yield
        what = f"{node} to have booted"
        wait_until(lambda: watch.last.boot != before, what=what, timeout_s=BOOT_S, every_s=1)

    def wait_for_problem(self, words: str, *, timeout_s: float) -> str:
        """Wait until ``status`` names a problem that holds these words; the whole sentence."""

        def named() -> str:
            found = [text for text in self.stack.status()["problems"] if words in text]
            return found[0] if found else ""

        what = f"`status` to say {words!r}"
        return wait_until(named, what=what, timeout_s=timeout_s, every_s=5)

    def wait_until_steady(
        self, *, timeout_s: float = STEADY_S, before: Callable[[], None] = lambda: None
    ) -> None:
        """Wait until ``status`` finds nothing wrong, rebuilding what a power cut has left."""
        self.stack.wait_until_steady(
            timeout_s=timeout_s, before=before, mend=self._rebuild, pause_s=self.pause_s
        )

    def wait_until_steady_again(self, *, timeout_s: float = STEADY_S) -> None:
        """The same where a node may have been powered off meanwhile: it is started, for nobody else
        does that."""
        self.wait_until_steady(
            timeout_s=timeout_s, before=lambda: start_again(self.stack, self.nodes)
        )

    def _rebuild(self, problems: Sequence[str]) -> None:
        """A source that lost its power regularly has a transaction that nobody was told of: it is
        quarantined, and has its data copied anew by the command that ``status`` names."""
        rebuild_quarantined(self.stack, problems, self.rebuilt, say=self.say)
