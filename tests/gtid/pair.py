"""A model of two nodes with semi-synchronous MySQL, for the reconciler's tests.

It errs on the hard side: VIPs are where a test wants them, each direction of each path may be cut,
what a server holds in its relay log is gone when it starts again (relay_log_recovery), and a
transaction is in the binary log, and on its way, before it is executed or acknowledged.
"""

from __future__ import annotations

from bootstrap.blocks.gtid_pair.program import reconcile, remember
from bootstrap.blocks.gtid_pair.program.seen import Applier, Fence, Memory, Observation, Server
from bootstrap.blocks.gtid_pair.program.step import Errant, Settings, Step
from tests.gtid.node import NAMES, Node, Transaction, ViolationError, gtids

__all__ = ["NAMES", "Pair", "ViolationError", "steady"]


class Pair:
    """Both nodes, the paths between them, the fence endpoint, and the clients."""

    def __init__(self, *, errant: Errant = Errant.REBUILD, shared: bool = True) -> None:
        self.nodes = {
            name: Node(name, Settings(first=name == "a", silence_s=3, restart_s=8, errant=errant))
            for name in NAMES
        }
        for node in self.nodes.values():
            node.start_mysqld()
        self.shared = shared
        self.cut: set[str] = set()
        """Nodes whose packets do not reach the other one: TCP needs both directions."""
        self.endpoint = True
        self.shot: set[str] = set()
        """Powered off by the endpoint and not started since: it grants them nothing."""
        self.vip: set[str] = set()
        self.elects = False
        """Whether VRRP moves the VIP; else it stays where a test has it."""
        self.asked: list[str] = []
        """Nodes that have asked for their peer's power-off."""
        self.now = 0.0
        self.acknowledged: set[Transaction] = set()
        self.number = 0
        """Of the last transaction, whoever made it."""
        self.trace: list[str] = []

    def peer(self, node: Node) -> Node:
        return self.nodes["b" if node.name == "a" else "a"]

    def linked(self) -> bool:
        return not self.cut

    # What the servers do by themselves.

    def connected(self, replica: Node) -> bool:
        return replica.runs and self.peer(replica).runs and replica.follows and self.linked()

    def can_acknowledge(self, node: Node) -> bool:
        if not node.runs or node.read_only:
            return False
        other = self.peer(node)
        return not node.waits or (self.connected(other) and other.acks)

    def write(self, name: str) -> None:
        """A client writes to one node."""
        node = self.nodes[name]
        if node.runs and not node.read_only:
            self.number += 1
            transaction = (f"uuid-{name}", self.number)
            node.log.add(transaction)
            node.pending.add(transaction)
            self.settle()

    def settle(self) -> None:
        """Acknowledgements, as far as they go now."""
        for node in self.nodes.values():
            if node.pending and self.can_acknowledge(node):
                held = self.peer(node).relay | self.peer(node).log
                done = node.pending if not node.waits else node.pending & held
                self.acknowledged |= done
                node.pending = node.pending - done
        self.check()

    def receive(self, name: str) -> None:
        """A receiver gets the next transaction."""
        node = self.nodes[name]
        fresh = self.peer(node).log - node.log - node.relay
        if fresh and self.connected(node):
            first = min(fresh, key=lambda transaction: transaction[1])
            node.relay.add(first)
            node.received.add(first)
            self.settle()

    def apply(self, name: str) -> None:
        """The applier does some of its work."""
        node = self.nodes[name]
        if node.runs and node.applies and node.relay and not node.waits:
            first = min(node.relay, key=lambda transaction: transaction[1])
            node.relay.remove(first)
            node.log.add(first)

    def check(self) -> None:
        """The invariant, at this instant."""
        if all(self.can_acknowledge(node) for node in self.nodes.values()):
            raise ViolationError("two servers acknowledge")
        for node in self.nodes.values():
            if node.on and node.mysqld and not node.read_only:
                lost = self.acknowledged - node.log
                if lost:
                    raise ViolationError(
                        f"{node.name} is open and lacks acknowledged {sorted(lost)}"
                    )
                if node.torn:
                    raise ViolationError(f"{node.name} is open with parts of two data")

    # What the reconcilers see and do.

    def server(self, node: Node) -> Server | None:
        if not node.runs:
            return None
        applier = Applier.RUNNING if node.applies else Applier.STOPPED
        other = self.peer(node)
        return Server(
            uuid=f"uuid-{node.name}",
            life=f"{node.name}{node.life}",
            read_only=node.read_only,
            executed=gtids(frozenset(node.log - node.pending)),
            received=gtids(frozenset(node.received)),
            waits=node.waits,
            acks=node.acks,
            clients=int(self.connected(other) and other.acks),
            follows=node.follows,
            connected=self.connected(node),
            applier=applier,
        )

    def look(self, name: str) -> None:
        """A reconciler looks, decides, and keeps what it must keep before it acts."""
        node = self.nodes[name]
        if not node.works or node.decision is not None:
            return
        other = self.peer(node)
        peer = self.server(other) if self.linked() else None
        seen = Observation(
            own=self.server(node),
            peer=peer,
            vip=name in self.vip,
            fence=node.fence,
            refused=self.linked() and other.on and not other.frozen and not other.mysqld,
            activated=node.activated,
            rebuild=node.rebuild,
            torn=node.copies,
            standby=node.standby,
            leaving=node.leaving,
        )
        if node.fence in (Fence.GRANTED, Fence.REFUSED):
            node.fence = Fence.IDLE
        decision = reconcile.decide(node.settings, node.memory, seen, self.now)
        node.memory = decision.memory
        node.decision = (decision, seen, node.life)

    def act(self, name: str) -> Step:
        """It does what it decided, however long ago that was."""
        node = self.nodes[name]
        if not node.works or node.decision is None:
            return Step.NOTHING
        decision, seen, life = node.decision
        node.decision = None
        step = decision.step
        if step in (Step.ASK, Step.PROBE):
            node.fence, node.probes = Fence.ASKING, step is Step.PROBE
            self.asked += [name] if step is Step.ASK else []
            done = True
        elif step is Step.LEAVE:
            node.reconciler = False
            done = True
        else:
            done = life == node.life and node.runs and self.do(node, step)
        if done:
            node.memory = remember.after(node.memory, step, seen)
            if step is not Step.NOTHING:
                self.trace.append(f"{self.now:g} {name} {step}: {decision.why}")
        self.settle()
        return step if done else Step.NOTHING

    def do(self, node: Node, step: Step) -> bool:
        if step is Step.STOP_RECEIVER:
            node.follows = False
        elif step is Step.APPLY:
            node.applies, node.waits = True, False
        elif step is Step.FOLLOW:
            self.follow(node)
        elif step is Step.JOIN:
            node.acks = True
            self.follow(node)
        elif step is Step.WAIVE:
            node.acks = False
        elif step is Step.ARM:
            node.acks = True
        elif step is Step.OPEN:
            node.waits, node.read_only, node.rebuild = True, False, False
        elif step is Step.GO_ALONE:
            node.waits = node.waits and node.read_only  # Not on one that was started again.
        elif step is Step.WAIT:
            node.waits = True
        elif step is Step.DEMOTE:
            if node.pending:
                return False
            node.read_only = True
        elif step is Step.KILL:
            node.start_mysqld()
        elif step is Step.CLONE:
            donor = self.peer(node)
            if not (donor.runs and self.linked()):
                return False
            node.log = donor.log - donor.pending
            node.start_mysqld()
            node.rebuild = node.copies = node.torn = False
        return True

    def follow(self, node: Node) -> None:
        """CHANGE REPLICATION SOURCE drops what was received and not applied, so it is not used
        where the receiver is only to be started again; the model takes the harder case."""
        node.follows = node.applies = True
        node.waits = False

    def answer_fence(self, name: str) -> None:
        """The endpoint's answer arrives."""
        node = self.nodes[name]
        if node.fence is not Fence.ASKING or not node.works:
            return
        other = self.peer(node)
        refused = other.on if node.probes else name in self.shot
        if not self.endpoint or refused:
            node.fence = Fence.REFUSED
            return
        if other.on:
            self.power_off(other.name)
            self.shot.add(other.name)
        node.fence = Fence.GRANTED

    # Faults.

    def power_off(self, name: str) -> None:
        node = self.nodes[name]
        node.on = node.frozen = node.leaving = node.standby = False
        node.decision = None
        node.fence = Fence.IDLE
        self.vip.discard(name)

    def power_on(self, name: str) -> None:
        node = self.nodes[name]
        if node.on:
            return
        node.on = node.reconciler = True
        node.memory = Memory(was_source=node.memory.was_source, was_alone=node.memory.was_alone)
        node.activated = node.rebuild = False
        self.shot.discard(name)
        node.start_mysqld()

    def tear(self, name: str) -> None:
        """Its power goes while it copies its peer: tables are gone, and no transaction."""
        node = self.nodes[name]
        if node.works and node.decision is not None and node.decision[0].step is Step.CLONE:
            node.copies = node.torn = True
            self.power_off(name)

    def ask_for_copy(self, name: str) -> None:
        """A person asks for a copy of the source's data."""
        node = self.nodes[name]
        node.rebuild = node.on and self.source() == self.peer(node).name

    def restart_mysqld(self, name: str) -> None:
        node = self.nodes[name]
        if node.on and not node.frozen:
            node.start_mysqld()

    def end_mysqld(self, name: str) -> None:
        """It ends and is not started yet: whatever ends it, it acknowledges nothing at its end."""
        node = self.nodes[name]
        if node.runs:
            node.mysqld = node.follows = False
            node.pending = set()

    def shut_down(self, name: str) -> None:
        """A person shuts the machine down: the reconciler is told, and only then all else ends."""
        node = self.nodes[name]
        node.leaving = node.leaving or node.works

    def go_off(self, name: str) -> None:
        """The machine goes off: its reconciler has ended, or had as much time as it gets."""
        if self.nodes[name].leaving:
            self.power_off(name)

    def restart_reconciler(self, name: str) -> None:
        """Killed, and started again: what it had decided is not done, or was."""
        node = self.nodes[name]
        if node.on and not node.frozen:
            node.decision = None
            node.fence = Fence.IDLE

    def end_reconciler(self, name: str) -> None:
        """It ends, and nobody starts it yet; the answer to its request is lost."""
        if self.nodes[name].works:
            self.restart_reconciler(name)
            self.nodes[name].reconciler = False

    def begin_reconciler(self, name: str) -> None:
        node = self.nodes[name]
        node.reconciler = node.on and not node.leaving

    def heal(self) -> None:
        self.cut.clear()
        self.endpoint = True
        for name, node in self.nodes.items():
            node.frozen = node.standby = False
            self.go_off(name)
            self.begin_reconciler(name)
            if node.on and not node.mysqld:
                node.start_mysqld()
            self.power_on(name)

    def run(self, seconds: int, *, vrrp: bool = False) -> None:
        """Both reconcilers work; the VIP stays, or is where it may be."""
        for _ in range(seconds):
            self.now += 1
            if vrrp or self.elects:
                self.elect()
            for name in NAMES:
                self.answer_fence(name)
                for _ in range(6):
                    self.receive(name)
                    self.apply(name)
                self.look(name)
                self.act(name)
            self.settle()

    def hold_vip(self, *names: str) -> None:
        self.vip = {name for name in names if self.nodes[name].on}

    def becomes_steady(self, seconds: int) -> bool:
        """Whether it is steady within so long, once VRRP moves the VIP."""
        for _ in range(seconds):
            self.run(1, vrrp=True)
            if self.is_steady():
                return True
        return False

    def elect(self) -> None:
        """VRRP, where every advert arrives: a VIP stays, or goes to who may have it."""
        fit = [n for n in NAMES if self.nodes[n].works and self.nodes[n].memory.may_hold]
        self.vip = (self.vip & set(fit)) or set(fit[:1])

    def source(self) -> str | None:
        found = [name for name, node in self.nodes.items() if node.runs and not node.read_only]
        return found[0] if len(found) == 1 else None

    def is_steady(self) -> bool:
        """One source that waits, one replica that is current and has everything."""
        name = self.source()
        if name is None:
            return False
        source = self.nodes[name]
        replica = self.peer(source)
        return source.waits and replica.memory.current and replica.log >= source.log


def steady(*, errant: Errant = Errant.REBUILD, source: str = "a") -> Pair:
    """A pair after its first minutes, with some writes."""
    pair = Pair(errant=errant)
    pair.hold_vip(source)
    pair.run(12)
    for _ in range(3):
        pair.write(source)
    pair.run(8)
    assert pair.is_steady(), pair.trace
    return pair
