"""How any block tells about an event: the notification program's path, user and arguments.

The block ``notify`` installs it; a block that has an event calls it through ``command``.
"""

from __future__ import annotations

from enum import StrEnum

PROGRAM = "/usr/local/lib/pairwise/notify"
"""Arguments: kind, pair, node, VIP or ``-``, state, then the text, in one word or many."""
USER = "pairwise-notify"
"""Runs it: it may write to the spool and nowhere else."""


class Kind(StrEnum):
    """What an event is about."""

    VRRP = "vrrp"
    """keepalived moved a VIP."""
    HEARTBEAT = "heartbeat"
    """Heartbeat moved a group."""
    MONITOR = "monitor"
    """A monitor restarted a daemon, or handed its group over."""
    FENCING = "fencing"
    """A node was switched off, or could not be."""
    REAL_SERVER = "real_server"
    """A real server left or came back."""
    DRBD = "drbd"
    """A handler of DRBD was called."""
    REPLICATION = "replication"
    """A source, a replica, or what they have to tell each other."""


def command(
    kind: Kind, *, pair: str, node: str, vip: str, state: str, text: str, program: str = PROGRAM
) -> str:
    """The call as one line without quotes, for daemons that split at blanks themselves.

    Raises:
        ValueError: a word is missing, or one would be split or taken for something else.
    """
    words = [kind.value, pair, node, vip, state, *text.split()]
    strange = [word for word in words if not word or set(word) & set("'\"\\$`")]
    if strange or " " in f"{pair}{node}{vip}{state}":
        raise ValueError(f"A message has a word that cannot be passed on: {words}.")
    return " ".join([program, *words])
