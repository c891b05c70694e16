"""What server and client of NFS version 3 share: rpcbind, and a lock manager with a port.

Version 3 keeps locks beside the protocol: the kernel's lockd calls the other side, statd remembers
who holds locks and hears of a take-over, and rpcbind says which port each of them has. All three
run on both sides, and both sides' firewalls let them through.
"""

from __future__ import annotations

from bootstrap.managed import Boot, ManagedFile, Reload, Unit
from bootstrap.render import render

LOCKD = "/etc/modprobe.d/pairwise-lockd.conf"
"""Read when the module is loaded: a change holds from the next boot."""
RPCBIND = (Unit(name="rpcbind.socket"),)
"""rpcbind itself is started by its socket."""
STATD = "rpc-statd.service"
AT_BOOT = "rpc-statd-notify.service"
"""Would tell of a reboot, from the node's own address and records: masked on a server, where the
records move with the group."""


def lockd_file(stack: str, *, port: int, grace_s: int = 0) -> ManagedFile:
    """Options of the kernel's lock manager.

    Args:
        stack: name. port: for both protocols. grace_s: of a server, for claiming locks again; its
            own would be 50 s.
    """
    return ManagedFile(
        path=LOCKD,
        content=render("shared/templates/lockd.conf.j2", stack=stack, port=port, grace_s=grace_s),
        check="modprobe -C %s --showconfig | grep -q '^options lockd nlm_tcpport='",
    )


def client_statd(config: str) -> Unit:
    """statd of a client: it may restart at any time, its records are on its own disk."""
    return Unit(name=STATD, boot=Boot.STATIC, reload=Reload.RESTART, files=(config,))
