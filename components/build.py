"""Plan -> resources: puts the components together, and says what was built.

The order is: keys, the ground on each hypervisor, the machines of each pair and tier, and last
the Inventory and the Deploys, which need to know who the machines are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi

from components.certificate import Certificate
from components.deploy import (
    SECRET_LENGTH,
    SECRET_LENGTHS,
    Deploy,
    DeploySpec,
    Inventory,
    Password,
    SshKey,
)
from components.fence_access import FenceAccess, FenceAccessNode
from components.hypervisor import Hypervisor, HypervisorArgs
from components.machine import RenderCloudInit
from components.pair import Pair, PairArgs
from components.settings import Lab, SettingsError, fence_of, image, places
from components.tier import Tier, TierArgs
from stacks.model_data import FencingDevice
from stacks.plan_data import FENCE_HOST_KEY
from stacks.plan_gtid import SPLIT_ADDRESS
from stacks.plan_types import DeployPlan, Plan


@dataclass(frozen=True, kw_only=True)
class Options:
    """How a stack is built, apart from what it is."""

    lab: Lab | None
    """The embedded hypervisor, where there is one."""
    offline: bool
    """Compare with the recorded state only: for runners that have no route to the machines."""
    machines_only: bool
    """Make the machines and configure nothing."""
    render: RenderCloudInit
    """Makes the first-boot data of a machine."""


def build(plan: Plan, *, options: Options) -> dict[str, pulumi.Input[Any]]:
    """Declare every resource of the plan; returns the stack's outputs.

    Raises:
        SettingsError: the configuration does not say where the stack runs.
    """
    admin = SshKey("admin-key", comment=f"pairwise@{plan.stack}")
    hypervisors = _hypervisors(plan, options)
    members = {
        name: _member(plan, name, hypervisors, admin, options) for name in sorted(plan.deploys)
    }
    if not options.machines_only:
        _configure(plan, members, admin, options)
    return _outputs(plan, members, admin, hypervisors)


def _hypervisors(plan: Plan, options: Options) -> dict[str, Hypervisor]:
    """The ground of each node, by node."""
    used = places(plan, lab=options.lab)
    start = image(plan, lab=options.lab)
    grounds = {
        name: Hypervisor(name, HypervisorArgs(plan=plan, place=place, image=start))
        for name, place in used.items()
    }
    return {name: grounds[node.hypervisor] for name, node in plan.nodes.items()}


def _member(
    plan: Plan,
    name: str,
    hypervisors: Mapping[str, Hypervisor],
    admin: SshKey,
    options: Options,
) -> Pair | Tier:
    part = plan.slice(name)
    grounds = {node: hypervisors[node] for node in part.nodes}
    if not part.is_pair:
        tier = TierArgs(
            nodes=part.nodes,
            hypervisors=grounds,
            admin_key=admin.public_key,
            render=options.render,
        )
        return Tier(name, tier)
    pair = PairArgs(
        nodes=part.nodes,
        vips=plan.vips_of(name),
        networks=plan.networks,
        hypervisors=grounds,
        admin_key=admin.public_key,
        render=options.render,
        protect_data=plan.protect_data,
    )
    return Pair(name, pair)


def _configure(
    plan: Plan, members: Mapping[str, Pair | Tier], admin: SshKey, options: Options
) -> None:
    lab = options.lab
    secrets = _secrets(plan, lab, members)
    specs = {
        name: DeploySpec(
            plan=plan.slice(name),
            hosts={node: machine.deploy_host() for node, machine in member.machines.items()},
            netns=_netns(plan, plan.slice(name), lab),
            private_key=admin.private_key,
            secrets={secret: secrets[secret] for secret in plan.slice(name).secrets},
        )
        for name, member in members.items()
    }
    inventory = Inventory("inventory", specs=specs, offline=options.offline)
    for name, member in members.items():
        Deploy(
            f"{name}-deploy",
            spec=specs[name],
            offline=options.offline,
            opts=pulumi.ResourceOptions(
                parent=member, depends_on=[inventory, *member.machines.values()]
            ),
        )


def _secrets(
    plan: Plan, lab: Lab | None, members: Mapping[str, Pair | Tier]
) -> dict[str, pulumi.Input[str]]:
    """Every secret of the stack by name, made once: members may share one."""
    keys = _fence_keys(plan)
    _grant_fencing(plan, keys, lab, members)
    found: dict[str, pulumi.Input[str]] = {name: key.private_key for name, key in keys.items()}
    found |= _certificates(plan)
    names = {secret for part in plan.deploys.values() for secret in part.secrets}
    for name in sorted(names - set(found)):
        if name == FENCE_HOST_KEY:
            found[name] = fence_of(plan, lab=lab).host_key
        else:
            length = SECRET_LENGTHS.get(name, SECRET_LENGTH)
            found[name] = Password(name, length=length).result
    return found


def _fence_keys(plan: Plan) -> dict[str, SshKey]:
    """The key by which the fence endpoint knows a node, by its secret's name."""
    fences = {
        name: node.fence
        for name, node in plan.nodes.items()
        if node.fence is not None and FencingDevice.HYPERVISOR in node.fence.devices
    }
    return {
        fence.key_secret: SshKey(fence.key_secret, comment=f"fence@{name}")
        for name, fence in sorted(fences.items())
    }


def _certificates(plan: Plan) -> dict[str, pulumi.Input[str]]:
    """Certificate and key of each pair's MySQL, by the names that the plan gives."""
    servers = {
        node.mysql.certificate: (node.member, node.mysql)
        for node in plan.nodes.values()
        if node.mysql is not None
    }
    found: dict[str, pulumi.Input[str]] = {}
    for name, (pair, mysql) in sorted(servers.items()):
        names = [vip.dns for vip in plan.vips_of(pair) if vip.address == mysql.vip]
        # The nodes of a GTID pair come to each other by their own addresses.
        gtid = plan.slice(pair).first.gtid
        own: list[str] = []
        if gtid is not None:
            # A splitter may come later, and a certificate is made once.
            own = [*map(str, gtid.addresses.values()), str(SPLIT_ADDRESS)]
        made = Certificate(name, names=[*names, str(mysql.vip), *own])
        found |= {mysql.certificate: made.certificate, mysql.key: made.private_key}
    for part in plan.deploys.values():
        alone = next((one for node in part.nodes.values() for one in node.instances), None)
        if alone is not None:
            made = Certificate(alone.certificate, names=_names_of_servers(plan, part))
            found |= {alone.certificate: made.certificate, alone.key: made.private_key}
    return found


def _names_of_servers(plan: Plan, part: DeployPlan) -> list[str]:
    """By what clients may reach the MySQL servers of a tier: their VIPs and their own addresses."""
    behind = {
        vip.address
        for node in part.nodes.values()
        if node.real_server is not None
        for vip in node.real_server.vips
    }
    vips = [vip for vip in plan.vips if vip.address in behind]
    own = [node.interfaces[0].address for node in part.nodes.values()]
    return [*(vip.dns for vip in vips), *(str(vip.address) for vip in vips), *map(str, own)]


def _grant_fencing(
    plan: Plan,
    keys: Mapping[str, SshKey],
    lab: Lab | None,
    members: Mapping[str, Pair | Tier],
) -> None:
    """Let the nodes of each pair ask the endpoint about each other, and about nobody else."""
    for name, part in sorted(plan.deploys.items()):
        fences = {node: item.fence for node, item in part.nodes.items() if item.fence}
        if not all(fence.key_secret in keys for fence in fences.values()) or not fences:
            continue
        endpoint = fence_of(plan, lab=lab)
        FenceAccess(
            f"{name}-fence-access",
            folder=endpoint.folder,
            uri=lab.uri if lab is not None else "",
            pair=f"{plan.stack}-{name}",
            nodes={
                node: FenceAccessNode(
                    machine=part.nodes[node].machine, public_key=keys[fence.key_secret].public_key
                )
                for node, fence in fences.items()
            },
            opts=pulumi.ResourceOptions(parent=members[name]),
        )


def _netns(plan: Plan, part: DeployPlan, lab: Lab | None) -> str | None:
    """The namespace from which all hosts of a Deploy are reached.

    Raises:
        SettingsError: they are not reached from one and the same.
    """
    known = places(plan, lab=lab)
    found = {known[node.hypervisor].netns for node in part.nodes.values()}
    if len(found) != 1:
        raise SettingsError(
            f"The nodes of {part.deploy} run partly on the embedded hypervisor and partly on "
            "others, which cannot reach each other: place all of them on one kind."
        )
    return found.pop()


def _outputs(
    plan: Plan,
    members: Mapping[str, Pair | Tier],
    admin: SshKey,
    hypervisors: Mapping[str, Hypervisor],
) -> dict[str, pulumi.Input[Any]]:
    machines = {node: m for member in members.values() for node, m in member.machines.items()}
    sites = sorted({vip.dns for vip in plan.vips if _is_site(plan, vip.pair)})
    return {
        "nodes": {name: str(node.management_address) for name, node in plan.nodes.items()},
        "machines": {name: machine.id for name, machine in sorted(machines.items())},
        "vips": {f"{vip.pair}-{vip.name}": str(vip.address) for vip in plan.vips},
        "urls": [f"http://{name}/" for name in sites],
        "netns": {
            name: ground.connection.place.netns for name, ground in sorted(hypervisors.items())
        },
        "known_hosts": pulumi.Output.all(
            **{str(m.node.management_address): m.host_key for m in machines.values()}
        ).apply(lambda keys: [f"{address} {keys[address]}" for address in sorted(keys)]),
        "ssh_private_key": pulumi.Output.secret(admin.private_key),
    }


def _is_site(plan: Plan, pair: str) -> bool:
    """Whether a pair answers HTTP on its VIPs."""
    return any(node.balancer is not None for node in plan.slice(pair).nodes.values())
