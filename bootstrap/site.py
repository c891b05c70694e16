"""What a block's phase functions get, and how its manifest is brought about.

Most blocks need nothing beyond ``ensure_installed``, ``ensure_configured`` and
``ensure_active``; one that has an order of its own between them calls the operations itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bootstrap import phases
from bootstrap.changes import UNKNOWN
from bootstrap.facts import users as accounts
from bootstrap.facts.node import Seen
from bootstrap.managed import Boot, Manifest, Reload, Unit
from bootstrap.operations import files, packages, ruleset, sysctl, units, users
from stacks.plan_types import DeployPlan, NodePlan


@dataclass(frozen=True, kw_only=True)
class Site:
    """One block on one node, within a phase."""

    node: NodePlan
    """The node."""
    plan: DeployPlan
    """What the hosts of its Deploy read."""
    secrets: Mapping[str, str]
    """Values by name; UNKNOWN for those that a preview does not know."""
    seen: Seen
    """What is so on the node, as of the beginning of the phase."""
    manifest: Manifest
    """What the block owns there."""
    together: tuple[str, ...] = ()
    """Packages of all blocks of the node: those that are missing are installed at once."""

    def named(self, text: str) -> str:
        """Name of an operation: the block, then what is changed."""
        return f"{self.manifest.block}: {text}"


def ensure_installed(site: Site) -> None:
    """Packages: unwanted ones leave first, they may hold a port or a file of a wanted one."""
    for name in site.manifest.unwanted:
        packages.removed(name=site.named(f"no package {name}"), package=name, seen=site.seen)
    for package in site.manifest.packages:
        packages.installed(
            name=site.named(f"package {package}"),
            package=package,
            together=site.together,
            seen=site.seen,
        )


def ensure_configured(site: Site, *, leave: tuple[str, ...] = ()) -> None:
    """Users before the files that belong to them, files before the links to them.

    Args:
        site: the block on the node. leave: paths that the block writes by an operation of its own.
    """
    for user in site.manifest.users:
        users.system(name=site.named(f"user {user.name}"), user=user, seen=site.seen)
    if site.manifest.accounts:
        _ensure_accounts(site)
    for file in site.manifest.files:
        if file.path in leave:
            continue
        unknown = any(site.secrets.get(name) is UNKNOWN for name in file.secrets)
        files.put(name=site.named(file.path), file=file, seen=site.seen, unknown=unknown)
    for item in site.manifest.links:
        files.link(name=site.named(f"link {item.path}"), item=item, seen=site.seen)
    for mode in site.manifest.modes:
        files.permitted(name=site.named(f"mode of {mode.path}"), mode=mode, seen=site.seen)
    for path in site.manifest.absent:
        files.remove(name=site.named(f"no {path}"), path=path, seen=site.seen)
    if not site.seen.ruleset:
        _ensure_ruleset(site)


def _ensure_ruleset(site: Site) -> None:
    """The live ruleset: at once where the kernel has none, else with the other activations.

    A connection that was made before there was a ruleset is unknown to it. When the peer is the
    first to send on it again, that is dropped for good: so died a DRBD connection whose disk then
    could not be promoted.
    """
    manifest = site.manifest
    for file in manifest.files:
        if manifest.ruleset and file.content == manifest.ruleset:
            name = site.named("nftables ruleset in the kernel")
            ruleset.loaded(name=name, path=file.path, text=file.content, seen=site.seen)


def _ensure_accounts(site: Site) -> None:
    """Nobody logs in but root by key: a second root or a login user is in no plan."""
    users.root_locked(name=site.named("root has no password"), seen=site.seen)
    for name in sorted(site.seen.users):
        if accounts.is_login(name, site.seen.users[name]):
            users.removed(name=site.named(f"no user {name}"), user=name)


def ensure_active(site: Site) -> None:
    """The ruleset, kernel values, then units in the manifest's order."""
    manifest, seen = site.manifest, site.seen
    if seen.ruleset:
        _ensure_ruleset(site)
    for key, value in sorted(manifest.sysctls.items()):
        sysctl.value(
            name=site.named(f"sysctl {key}"),
            key=key,
            wanted=value,
            seen=seen,
            planned=manifest.sysctls,
        )
    for unit in manifest.units:
        _ensure_unit(site, unit)


def ensure_boot(site: Site) -> None:
    """What nobody may start, and what starts at boot: before anything of the node is activated, so
    that systemd reads all of it at once."""
    for unit in site.manifest.units:
        if unit.boot in units.VERBS:
            name = site.named(f"{units.VERBS[unit.boot]} {unit.name}")
            units.boot(name=name, unit=unit, seen=site.seen)


def _ensure_unit(site: Site, unit: Unit) -> None:
    seen = site.seen
    if unit.boot is Boot.MASKED or unit.running is None:
        return
    if not unit.running:
        units.stopped(name=site.named(f"stop {unit.name}"), unit=unit, seen=seen)
        return
    # Of reload and start at most one has something to do.
    if unit.reload is not Reload.NONE:
        reason = phases.why_reload(unit, site.manifest.files, seen, links=site.manifest.links)
        name = site.named(f"{unit.reload} {unit.name}")
        units.reloaded(name=name, unit=unit, reason=reason, seen=seen)
    units.started(name=site.named(f"start {unit.name}"), unit=unit, seen=seen)


def ensure_reread(wanted: Manifest, seen: Seen) -> None:
    """Drop-ins, masks and what starts at boot reach systemd by one daemon-reload, which touches no
    running process."""
    units.reread(name="systemd: reread unit files", reason=_why_reread(wanted, seen))


def _why_reread(wanted: Manifest, seen: Seen) -> str | None:
    for file in wanted.files:
        in_systemd = file.path.startswith("/etc/systemd/system/")
        if in_systemd and not phases.has_content(file, seen.files.get(file.path)):
            return f"{file.path} changes"
    for unit in wanted.units:
        found = seen.unit(unit.name)
        if unit.boot is Boot.MASKED and not units.is_masked(found):
            return f"{unit.name} is masked"
        if unit.boot in {Boot.ENABLED, Boot.DISABLED} and found.boot != unit.boot.value:
            return f"{unit.name}: what starts at boot changes"
        if found.stale:
            return f"the unit file of {unit.name} changed on disk"
    return None
