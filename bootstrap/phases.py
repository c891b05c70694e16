"""The three phases of every block, and the two rules that hold in all of them.

install
    Packages. Nothing starts by being installed: ``blocked_service_startup``.
configure
    Users, files, links: each file is checked by its daemon before it takes the old one's place.
activate
    Units, live kernel values, the live ruleset: what runs takes up what is written.

**The restart rule** is level-triggered. A unit is reloaded when a file that it reads differs from
the plan, or is newer than the unit's own start or last reload. So a preview lists the reload with
the file, a run that was killed between both is finished by the next one, and a second run
changes nothing. No flag is carried from one operation to another.
"""

from __future__ import annotations

from collections.abc import Iterable

from bootstrap.facts.files import SeenFile
from bootstrap.facts.node import Seen
from bootstrap.managed import Link, ManagedFile, Unit

INSTALL = "install"
CONFIGURE = "configure"
ACTIVATE = "activate"
PHASES = (INSTALL, CONFIGURE, ACTIVATE)

POLICY = "/usr/sbin/policy-rc.d"
"""invoke-rc.d asks it before it starts a service; 101 = "action forbidden by policy"
(Debian policy 9.3.3.1, /usr/share/doc/init-system-helpers/README.policy-rc.d.gz)."""


def blocked_service_startup(command: str) -> str:
    """Run a shell command while no package script can start a service, also when it fails.

    A second MySQL, DRBD or VIP that starts because its package was installed is a split brain.
    """
    block = f"printf '#!/bin/sh\\nexit 101\\n' >{POLICY} && chmod 755 {POLICY}"
    return f"trap 'rm -f {POLICY}' EXIT HUP INT TERM; {block} && {command}"


def has_content(file: ManagedFile, found: SeenFile | None) -> bool:
    """Whether a path holds what the plan says, its permissions aside."""
    return found is not None and found.kind == "file" and found.content == file.content.encode()


def why_reload(
    unit: Unit, files: Iterable[ManagedFile], seen: Seen, *, links: Iterable[Link] = ()
) -> str | None:
    """Return why a running unit must take up its files again, or None.

    Args:
        unit: the unit. files, links: all of its block. seen: what is so on the node.
    """
    by_path = {file.path: file for file in files}
    targets = {link.path: link.target for link in links}
    loaded = max(seen.unit(unit.name).started, seen.stamps.get(unit.name, 0))
    for path in unit.files:
        found = seen.files.get(path)
        if path in by_path and not has_content(by_path[path], found):
            return f"{path} changes"
        if path in targets and (found is None or found.target != targets[path]):
            return f"{path} changes"
        if found is not None and found.mtime > loaded:
            return f"{path} was written after {unit.name} read it last"
    return None
