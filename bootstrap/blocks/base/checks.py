"""The base block's templates with their daemons' own checkers, and what ``verify`` tries.

/etc/hosts, *.link, modules-load.d, sysctl.d and journald.conf have no checker: their readers skip
lines that they do not know, so verify looks at the effect instead.
"""

from __future__ import annotations

from collections.abc import Mapping

from bootstrap.checks import (
    Check,
    is_active,
    is_enabled,
    kernel_uses,
    listens,
    runs_installed_binary,
)
from stacks.plan_types import Interface, NodePlan

CHECK_NFT = "nft -c -f %s"
CHECK_CHRONY = "/usr/sbin/chronyd -p -f %s >/dev/null"
CHECK_SSHD = (
    # As sshd reads it: before the distribution's own file.
    "mkdir -p /run/sshd && { echo 'Include %s'; cat /etc/ssh/sshd_config; } "
    ">/run/pairwise-sshd.conf && /usr/sbin/sshd -t -f /run/pairwise-sshd.conf; "
    "code=$?; rm -f /run/pairwise-sshd.conf; exit $code"
)

SSH_PORT = 22

SSHD_EFFECTIVE = {
    "passwordauthentication": "no",
    "kbdinteractiveauthentication": "no",
    "permitrootlogin": "without-password",
    "allowtcpforwarding": "no",
    "x11forwarding": "no",
}
"""As ``sshd -T`` prints them."""


def checks(node: NodePlan, *, sysctls: Mapping[str, str], deploy: str) -> tuple[Check, ...]:
    """What holds on every node."""
    return (
        *_firewall(node),
        *_ssh(node),
        *_clock(node, deploy=deploy),
        kernel_uses("base", sysctls),
        *(_card(node, card) for card in node.interfaces),
        Check(
            name="base: nobody but root can log in",
            command="! awk -F: '($3 == 0 && $1 != \"root\") || ($3 >= 1000 && $3 <= 59999)' "
            "/etc/passwd | grep .",
            failure=f"{node.name} has an account that no plan knows: `pairwise up` removes it.",
        ),
        Check(
            name="base: its own name resolves",
            command=f"getent hosts {node.fqdn}",
            failure=f"{node.fqdn} does not resolve on {node.name}: /etc/hosts was edited.",
        ),
        Check(
            name="base: no unit has failed",
            command="! systemctl list-units --failed --plain --no-legend | grep .",
            failure=f"A unit of {node.name} has failed: systemctl --failed names it.",
        ),
    )


def link_file(card: Interface) -> str:
    """The file by which systemd names a card; before the distribution's (systemd.link(5))."""
    return f"/etc/systemd/network/10-pairwise-{card.name}.link"


def _card(node: NodePlan, card: Interface) -> Check:
    return Check(
        name=f"base: the next boot names {card.name}",
        command=f"udevadm test-builtin --action=add net_setup_link /sys/class/net/{card.name} 2>&1",
        expect=f"ID_NET_LINK_FILE={link_file(card)}",
        failure=f"The next boot of {node.name} would give its card {card.name} another name: "
        f"`pairwise up` writes {link_file(card)}; if it is there, the card's MAC is another.",
    )


def _firewall(node: NodePlan) -> tuple[Check, ...]:
    return (
        is_enabled("base", "nftables.service"),
        Check(
            name="base: incoming traffic is dropped by default",
            command="nft list chain inet pairwise input",
            expect="policy drop",
            failure=f"The firewall of {node.name} is not loaded: `pairwise up` loads it.",
        ),
    )


def _ssh(node: NodePlan) -> tuple[Check, ...]:
    wanted = " ".join(f"'{key} {value}'" for key, value in sorted(SSHD_EFFECTIVE.items()))
    return (
        is_active("base", "ssh.service"),
        is_enabled("base", "ssh.service"),
        runs_installed_binary("base", unit="ssh.service", binary="/usr/sbin/sshd"),
        listens("base", address=str(node.management_address), port=SSH_PORT),
        Check(
            name="base: SSH takes keys only and forwards nothing",
            command=f"out=$(sshd -T) && for line in {wanted}; do "
            'echo "$out" | grep -qix "$line" || { echo "not so: $line"; exit 1; }; done',
            failure=f"sshd of {node.name} has weaker settings than planned: sshd -T shows them.",
        ),
    )


def _clock(node: NodePlan, *, deploy: str) -> tuple[Check, ...]:
    servers = ", ".join(node.time_servers)
    # waitsync ignores a local source; ten tries a second apart, for a check soon after a boot.
    wait = "chronyc -n waitsync 10 0 0 1 >/dev/null && " if servers else ""
    tracking = Check(
        name=f"base: the clock follows {servers}"
        if servers
        else "base: the clock runs on its own (the plan names no time server)",
        command=f"{wait}chronyc -n tracking",
        expect="Normal",
        failure=f"chrony of {node.name} ({deploy}) is not synchronised: chronyc -n sources.",
    )
    return (is_active("base", "chrony.service"), is_enabled("base", "chrony.service"), tracking)
