"""Virtual services as ipvsadm(8) writes them, for the blocks of directors."""

from __future__ import annotations

from bootstrap.facts.lvs import SeenRealServer, SeenService
from stacks.model_lvs import Forwarding
from stacks.plan_lvs_types import DirectorPlan, RealServer, ServicePlan
from stacks.plan_types import NodePlan

UNIT = "pairwise-lvs.service"
"""Fills the kernel's table at boot; who adds real servers to it comes after."""
FLAGS = {Forwarding.DR: "-g", Forwarding.TUN: "-i", Forwarding.NAT: "-m"}
"""ipvsadm(8), packet-forwarding-method."""
METHODS = {Forwarding.DR: "gate", Forwarding.TUN: "ipip", Forwarding.NAT: "masq"}
"""ldirectord(8)'s words for the same."""
KINDS = {Forwarding.DR: "DR", Forwarding.TUN: "TUN", Forwarding.NAT: "NAT"}
"""keepalived.conf(5)'s, lb_kind."""


def director_of(node: NodePlan) -> DirectorPlan:
    """The director that a node is."""
    if node.director is None:
        raise ValueError(f"Node {node.name} is no director in its plan.")
    return node.director


def key_of(service: ServicePlan) -> str:
    """How ipvsadm(8) names a service."""
    return f"-t {service.vip}:{service.port}"


def table(director: DirectorPlan) -> dict[str, SeenService]:
    """The whole table, every real server in it."""
    flag = FLAGS[director.forwarding]
    return {
        key_of(service): SeenService(
            options=(
                "-s",
                service.scheduler.value,
                *(() if service.persistence_s is None else ("-p", str(service.persistence_s))),
            ),
            servers={
                f"{server.address}:{server.port}": SeenRealServer(
                    forwarding=flag, weight=server.weight
                )
                for server in (*service.servers, *_fallback(service))
            },
        )
        for service in director.services
    }


def _fallback(service: ServicePlan) -> tuple[RealServer, ...]:
    """In the table while nobody else is; never put there by us, as the service has a probe."""
    return () if service.fallback is None else (service.fallback,)


def probed(director: DirectorPlan) -> frozenset[str]:
    """Services whose real servers a daemon adds and removes."""
    return frozenset(key_of(service) for service in director.probed)
