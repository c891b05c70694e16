"""A model of both nodes' keepalived, in quarters of a second: whose VIPs are where."""

from __future__ import annotations

import random
from dataclasses import dataclass

from tests.gtid.node import NAMES, Node, ViolationError
from tests.gtid.pair import Pair

TICK_S = 0.25
START_S = 5.0
"""vrrp_startup_delay."""
DOWN_S = 1.6
"""One advert and the skew: down_timer_adverts 1."""
FALL = 2
STALE_S = 8.0
ALIVE_EVERY_S = 4.0
"""Between two looks at whether the reconciler lives."""


@dataclass
class Keepalived:
    """One node's: what its check found, and what follows."""

    started: float
    state: str = "FAULT"
    failed: int = FALL
    due: float = 0.0
    checked: float = 0.0
    asked: float = 0.0
    lives: bool = False
    said: float = -STALE_S
    may: bool = False
    """The file that it watches."""
    source: bool = False


class Vrrp:
    """Both, and the paths of their adverts."""

    def __init__(self, pair: Pair, chance: random.Random) -> None:
        self.pair = pair
        self.chance = chance
        self.daemons = {name: Keepalived(started=pair.now - START_S) for name in NAMES}
        self.phase = {name: chance.random() for name in NAMES}
        self.deaf = False
        """No advert arrives, whatever else does."""
        self.unfit: set[str] = set()
        """Nodes whose own service fails, as a web server does."""
        self.looked = dict.fromkeys(NAMES, 0.0)

    def tick(self) -> None:
        """A quarter of a second of both nodes: look, act, check, adverts."""
        pair = self.pair
        pair.now += TICK_S
        for name in NAMES:
            node = pair.nodes[name]
            pair.answer_fence(name)
            pair.receive(name)
            pair.apply(name)
            if pair.now - self.looked[name] >= 0.75 + self.chance.random() / 2:
                self.looked[name] = pair.now
                pair.look(name)
                if node.works:
                    self.daemons[name].said = pair.now
                    self.daemons[name].may = node.memory.may_hold
                    self.daemons[name].source = node.memory.was_open and node.runs
                pair.act(name)
            self._daemon(node)
        masters = {n for n in NAMES if self.daemons[n].state == "MASTER"}
        pair.vip = {n for n in masters if pair.nodes[n].on}
        answering = [n for n in pair.vip if not pair.nodes[n].frozen]
        if len(answering) > 1:
            raise ViolationError("both nodes answer for the VIP")
        pair.settle()

    def run(self, seconds: float) -> None:
        for _ in range(round(seconds / TICK_S)):
            self.tick()

    def restarted(self, name: str) -> None:
        """keepalived begins anew, with the machine or by itself."""
        self.daemons[name] = Keepalived(started=self.pair.now)

    def power_on(self, name: str) -> None:
        if not self.pair.nodes[name].on:
            self.restarted(name)
            self.pair.power_on(name)

    def _daemon(self, node: Node) -> None:
        mine, now = self.daemons[node.name], self.pair.now
        if not node.on or node.leaving:
            self.restarted(node.name)
            return
        if node.frozen or now - mine.started < START_S:
            return
        if now - mine.checked >= 1:
            mine.checked = now
            mine.failed = 0 if node.name not in self.unfit else mine.failed + 1
        if now - mine.asked >= ALIVE_EVERY_S:
            mine.asked, mine.lives = now, self._lives(mine)
        if mine.failed >= FALL or not mine.may or not mine.lives:
            if mine.state == "MASTER" and not self.deaf and self.pair.linked():
                self.daemons[self.pair.peer(node).name].due = now
            mine.state = "FAULT"
        elif mine.state == "FAULT" and not mine.failed:
            mine.state, mine.due = "BACKUP", now + DOWN_S
        elif mine.state == "BACKUP":
            other = self.pair.peer(node)
            heard = other.on and not other.frozen and not self.deaf and self.pair.linked()
            if heard and self.daemons[other.name].state == "MASTER":
                mine.due = now + DOWN_S
            elif now >= mine.due:
                mine.state = "MASTER"

    def _lives(self, mine: Keepalived) -> bool:
        """check-reconciler."""
        holds = mine.state == "MASTER"
        if self.pair.now - mine.said >= STALE_S:
            return holds and mine.source
        return mine.may or not holds
