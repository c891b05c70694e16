"""What the monitor may do: these, and nothing else. ``effects`` does them."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Start:
    """Start a unit that does not run, in systemd's own order."""

    unit: str
    """Its name."""
    vip: str
    """Address of its group: the action is void once it is gone."""

    @property
    def key(self) -> str:
        """One at a time for each unit."""
        return f"unit {self.unit}"


@dataclass(frozen=True, kw_only=True)
class Restart(Start):
    """Stop a unit and start it again."""


@dataclass(frozen=True, kw_only=True)
class KillAndStart(Start):
    """For a daemon that hangs and takes no signal but this one."""


@dataclass(frozen=True, kw_only=True)
class Standby:
    """Ask Heartbeat to hand groups over to the peer."""

    side: str
    """``local``, ``foreign`` or ``all``."""

    @property
    def key(self) -> str:
        """One move at a time."""
        return "move"


@dataclass(frozen=True, kw_only=True)
class Takeover:
    """Ask Heartbeat for groups; the peer answers by releasing what it may have of them."""

    side: str
    """``local``, ``foreign`` or ``all``."""

    @property
    def key(self) -> str:
        """One move at a time."""
        return "move"


@dataclass(frozen=True, kw_only=True)
class Request:
    """Ask Heartbeat for one group, as it asks itself; the peer is off and answers nothing."""

    group_key: str
    """Heartbeat's name of the group."""
    node: str
    """This node: whom the request is for."""

    @property
    def key(self) -> str:
        """One at a time for each group."""
        return f"request {self.group_key}"


@dataclass(frozen=True, kw_only=True)
class Tell:
    """Tell about an event."""

    vip: str
    """Address of the group; ``-``: the node."""
    state: str
    """One word."""
    text: str
    """One sentence."""


@dataclass(frozen=True, kw_only=True)
class Note:
    """Write down who is connected, on the group's own file system."""

    path: str
    """The file."""
    text: str = field(repr=False)
    """What it says from now on."""

    @property
    def key(self) -> str:
        """One at a time for each file."""
        return f"note {self.path}"


Action = Start | Standby | Takeover | Request | Tell | Note
