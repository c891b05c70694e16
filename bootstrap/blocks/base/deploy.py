"""Every node's ground: names, time, kernel values, firewall, SSH by key, a bounded journal.

Needs: node.hosts, node.firewall, node.time_servers, node.management_address; no block before it.
Ensures: cards named by systemd, no cloud-init after the first boot; /etc/hosts; resolv.conf (the
    hypervisor's DNS); chrony (its own clock as source where the plan names no server); sysctl file
    and live values; conntrack module; nftables file and the live ruleset, default drop, nothing
    beside it; sshd by ed25519 key on the management address only; journald limits; the user
    ``healthcheck`` for check scripts; no other login user, no root password; no package that
    upgrades or filters behind our back; apt's timers masked.
Restart: ssh reloads (open sessions stay); chrony and journald restart (no client notices); the
    ruleset is replaced in one transaction, established connections stay.
Pair order: any.
Verify: cards' names at the next boot, clock, effective sshd settings, loaded table, kernel values.
    Checkers: checks.py.
Fails when: nft, sshd or chronyd refuses a file; the old one stays.
Refs: nft(8), sshd_config(5), chrony.conf(5), journald.conf(5), RFC 4890 (ICMPv6).

Replaced from documents 000 to 004: firewall, SELinux and sysctls switched off -> default drop from
the plan, AppArmor left on; root SSH trust between nodes -> none.
"""

from __future__ import annotations

from bootstrap.blocks.base import checks as verify
from bootstrap.checks import Check
from bootstrap.managed import Boot, ManagedFile, Manifest, Reload, SystemUser, Unit
from bootstrap.render import render
from bootstrap.shared.systemd import CHECK_DROP_IN
from stacks.plan_types import DeployPlan, NodePlan

NAME = "base"
RULESET_FILE = "/etc/nftables.conf"
"""Read at boot by nftables.service."""
SSHD_FILE = "/etc/ssh/sshd_config.d/10-pairwise.conf"
"""Included first; sshd takes the first value it meets."""
CHRONY_FILE = "/etc/chrony/chrony.conf"
JOURNAL_FILE = "/etc/systemd/journald.conf.d/10-pairwise.conf"
SYSCTL_FILE = "/etc/sysctl.d/50-pairwise.conf"
MODULES_FILE = "/etc/modules-load.d/pairwise.conf"
SSH_DROP_IN = "/etc/systemd/system/ssh.service.d/pairwise.conf"
CLOUD_INIT_OFF = "/etc/cloud/cloud-init.disabled"
"""cloud-init and its generator look for it before anything else: a machine is told who it is at its
first boot, and every later one is a third shorter without the question."""

SYSCTLS = {
    # A node stands in several networks: it answers ARP for an address on that address's card
    # only, or a VIP's traffic takes the wrong way (kernel: ip-sysctl.rst, arp_ignore).
    "net.ipv4.conf.all.arp_ignore": "1",
    "net.ipv4.conf.all.arp_announce": "2",
    "net.ipv4.conf.all.accept_redirects": "0",
    "net.ipv4.conf.all.send_redirects": "0",
    "net.ipv4.conf.all.accept_source_route": "0",
    "net.ipv4.tcp_syncookies": "1",
    # A node that hangs in a panic holds its peer up; one that boots takes part again.
    "kernel.panic": "10",
}

CONNTRACK_MAX = 131072
"""Where no number of connections says more: a machine of 768 MiB would get 8 192
(nf_conntrack-sysctl.rst)."""


def sysctls(node: NodePlan) -> dict[str, str]:
    """Kernel values of a node; the size of the firewall's table follows from its connections."""
    values = {**SYSCTLS, "net.ipv4.ip_forward": "1" if node.forwards else "0"}
    if node.limits is None:
        return {**values, "net.netfilter.nf_conntrack_max": str(CONNTRACK_MAX)}
    return {
        **values,
        "net.netfilter.nf_conntrack_max": str(node.limits.conntrack_max),
        "net.netfilter.nf_conntrack_buckets": str(node.limits.conntrack_buckets),
    }


HEALTHCHECK = SystemUser(name="healthcheck")
"""keepalived's check scripts run as this user and not as root."""

PACKAGES = ("chrony", "nftables", "openssh-server", "iproute2", "kmod")
UNWANTED = ("firewalld", "ufw", "unattended-upgrades")
"""Other writers of the ruleset; upgrades that nobody ordered, which restart both nodes at once."""

MASKED = ("apt-daily.timer", "apt-daily-upgrade.timer")
"""As above: apt starts upgrades by itself."""


def files(node: NodePlan, plan: DeployPlan) -> tuple[ManagedFile, ...]:
    """Every file of the block, in the order in which they are written."""

    gateways = [interface.gateway for interface in node.interfaces if interface.gateway]

    def text(template: str, **more: object) -> str:
        return render(
            f"blocks/base/templates/{template}.j2",
            **more,
            stack=plan.stack,
            node=node,
            loopback="127.0.0.1",
            domain=node.fqdn.removeprefix(f"{node.name}."),
            name_servers=gateways,
        )

    return (
        ManagedFile(path="/etc/hosts", content=text("hosts")),
        ManagedFile(path="/etc/resolv.conf", content=text("resolv.conf")),
        *(
            ManagedFile(path=verify.link_file(card), content=text("card.link", card=card))
            for card in node.interfaces
        ),
        ManagedFile(path=CLOUD_INIT_OFF, content=text("cloud-init.disabled")),
        ManagedFile(path=MODULES_FILE, content=text("modules-load.conf")),
        ManagedFile(
            path=SYSCTL_FILE,
            content=render(
                "shared/templates/sysctl.conf.j2", stack=plan.stack, values=sysctls(node)
            ),
        ),
        ManagedFile(
            path=RULESET_FILE, content=text("nftables.conf"), mode=0o600, check=verify.CHECK_NFT
        ),
        ManagedFile(path=CHRONY_FILE, content=text("chrony.conf"), check=verify.CHECK_CHRONY),
        ManagedFile(path=SSHD_FILE, content=text("sshd.conf"), check=verify.CHECK_SSHD),
        ManagedFile(path=SSH_DROP_IN, content=text("ssh.service.d.conf"), check=CHECK_DROP_IN),
        ManagedFile(path=JOURNAL_FILE, content=text("journald.conf")),
    )


def manifest(node: NodePlan, plan: DeployPlan) -> Manifest:
    """All that the block owns on a node."""
    managed = files(node, plan)
    by_path = {file.path: file for file in managed}
    return Manifest(
        block=NAME,
        packages=PACKAGES,
        unwanted=UNWANTED,
        users=(HEALTHCHECK,),
        accounts=True,
        files=managed,
        # Left behind only by a package installation that was killed: it would keep every
        # service of every later one from starting.
        absent=("/usr/sbin/policy-rc.d",),
        sysctls=sysctls(node),
        ruleset=by_path[RULESET_FILE].content,
        units=(
            *(Unit(name=name, boot=Boot.MASKED, running=False) for name in MASKED),
            # Its file is loaded as the live ruleset, by an operation of its own.
            Unit(name="nftables.service"),
            Unit(name="ssh.service", reload=Reload.RELOAD, files=(SSHD_FILE,)),
            Unit(name="chrony.service", reload=Reload.RESTART, files=(CHRONY_FILE,)),
            Unit(
                name="systemd-journald.service",
                boot=Boot.STATIC,
                reload=Reload.RESTART,
                files=(JOURNAL_FILE,),
            ),
        ),
    )


def checks(node: NodePlan, plan: DeployPlan) -> tuple[Check, ...]:
    """What ``pairwise verify`` tries."""
    return verify.checks(node, sysctls=sysctls(node), deploy=plan.deploy)
