"""What the configuration says about the place where a stack runs: ``pairwise:lab``.

The command line writes it into the generated copy of a stack's file; a tracked description never
holds it, because it is about this machine and not about the stack.
"""

from __future__ import annotations

import hashlib
import socket
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from pydantic import ConfigDict, TypeAdapter, ValidationError

from stacks.plan_types import Plan

EMBEDDED = "embedded"
"""Value of ``hypervisors.<name>`` that stands for the hypervisor that ``make lab`` builds."""
GOLDEN = "golden"
"""Value of ``image`` that stands for the image that ``make lab`` bakes."""
REMOTE_POOL = "default"
"""Storage pool on a hypervisor that is named by its URI: the one that libvirt sets up itself."""

ANSWER_TIMEOUT_S = 10
"""A libvirtd that runs accepts a connection at once, even on a starved hypervisor."""

_STRICT = ConfigDict(extra="forbid", use_attribute_docstrings=True)


class SettingsError(ValueError):
    """Configuration that is missing or cannot be used; the text is one sentence."""


@dataclass(frozen=True, kw_only=True)
class Image:
    """The disk that every machine of a stack starts from."""

    __pydantic_config__ = _STRICT

    disk: str
    """Path or URL of the disk image."""
    key: str
    """Changes with the content: names the base volume, and a new one replaces the machines."""
    kernel: str | None = None
    """Path of the kernel on the hypervisor; none boots from the disk's own boot loader."""
    initrd: str | None = None
    """Path of the initial RAM disk on the hypervisor."""


@dataclass(frozen=True, kw_only=True)
class Fence:
    """The fence endpoint of the embedded hypervisor."""

    __pydantic_config__ = _STRICT

    folder: str
    """Folder in which it keeps who may ask about whom."""
    host_key: str
    """Its public host key, ``ssh-ed25519 AAAA...``."""


@dataclass(frozen=True, kw_only=True)
class Lab:
    """The embedded hypervisor as ``pairwise lab up`` left it."""

    __pydantic_config__ = _STRICT

    uri: str
    """libvirt URI, ``qemu:///system?socket=...``."""
    netns: str
    """Network namespace that holds the bridges: SSH to the machines enters it."""
    pool: str
    """Name of the storage pool."""
    kvm: bool
    """Whether a guest was seen to run under KVM; without it machines are emulated."""
    fence: Fence | None = None
    """Its fence endpoint; needed by pairs that have their peer powered off."""
    image: Image | None = None
    """The golden image; needed when the description says ``image: golden``."""


@dataclass(frozen=True, kw_only=True)
class Place:
    """One hypervisor of a stack, ready to use."""

    name: str
    """Key in ``hypervisors``."""
    uri: str
    """libvirt URI."""
    pool: str
    """Name of the storage pool for volumes."""
    kvm: bool
    """Whether machines run under KVM."""
    netns: str | None
    """Network namespace to enter for SSH; none where the addresses are reached as they are."""


def read_lab(value: object) -> Lab | None:
    """Read ``pairwise:lab``; none when the configuration has none.

    Raises:
        SettingsError: it has unknown, missing or wrong keys.
    """
    if value is None:
        return None
    try:
        return TypeAdapter(Lab).validate_python(value)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(["pairwise:lab", *(str(step) for step in first["loc"])])
        raise SettingsError(
            f"Configuration key {where} cannot be used ({first['msg']}): "
            "run the command through `pairwise`, which writes it."
        ) from error


def check_lab(lab: Lab) -> None:
    """Refuse a lab that is not there, before the engine has made half of a stack.

    Raises:
        SettingsError: its libvirtd does not answer, or a file of its image is gone.
    """
    path = parse_qs(urlsplit(lab.uri).query).get("socket", [""])[0]
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            probe.settimeout(ANSWER_TIMEOUT_S)
            probe.connect(path)
    except OSError as error:
        raise SettingsError(
            f"The embedded hypervisor does not answer at {path} ({error.strerror or error}): "
            "run `pairwise lab up`."
        ) from error
    start = lab.image
    for file in (start.disk, start.kernel, start.initrd) if start else ():
        if file is not None and not Path(file).is_file():
            raise SettingsError(
                f"The golden image lacks its file {file}: run `pairwise lab up`, which bakes it."
            )


def places(plan: Plan, *, lab: Lab | None) -> dict[str, Place]:
    """The hypervisors that nodes of the plan run on, by name.

    Raises:
        SettingsError: the embedded one is used and the configuration does not say where it is.
    """
    used = sorted({node.hypervisor for node in plan.nodes.values()})
    return {name: _place(plan, name, lab) for name in used}


def _place(plan: Plan, name: str, lab: Lab | None) -> Place:
    uri = plan.hypervisors[name]
    if uri != EMBEDDED:
        return Place(name=name, uri=uri, pool=REMOTE_POOL, kvm=True, netns=None)
    if lab is None:
        raise SettingsError(
            f"Stack {plan.stack} runs on the embedded hypervisor, but the configuration has no "
            f"pairwise:lab: run `pairwise up {plan.stack}`, or plain pulumi inside "
            f"`pairwise shell {plan.stack}`."
        )
    return Place(name=name, uri=lab.uri, pool=lab.pool, kvm=lab.kvm, netns=lab.netns)


def fence_of(plan: Plan, *, lab: Lab | None) -> Fence:
    """The fence endpoint of the hypervisor.

    Raises:
        SettingsError: there is none that we know of.
    """
    if lab is None or lab.fence is None:
        raise SettingsError(
            f"Stack {plan.stack} has its silent nodes powered off, but the configuration names no "
            "fence endpoint: run it on the embedded hypervisor, or write `fencing: [confirm]`."
        )
    return lab.fence


def image(plan: Plan, *, lab: Lab | None) -> Image:
    """The image that the plan asks for.

    Raises:
        SettingsError: it is the golden one and none has been baked.
    """
    if plan.image != GOLDEN:
        return _given(plan.image)
    if lab is None or lab.image is None:
        raise SettingsError(
            f"Stack {plan.stack} starts from the golden image, but the configuration names none: "
            "run `pairwise lab up`, which bakes it."
        )
    return lab.image


def _given(disk: str) -> Image:
    """A disk image by path or URL; a local one is booted with the kernel and the initrd that lie
    beside it (``vmlinuz``, ``initrd``), if they do."""
    kernel, initrd = Path(disk).with_name("vmlinuz"), Path(disk).with_name("initrd")
    if kernel.is_file() and initrd.is_file():
        key = hashlib.sha256(disk.encode()).hexdigest()
        return Image(disk=disk, key=key, kernel=str(kernel), initrd=str(initrd))
    return Image(disk=disk, key=disk.rstrip("/").rsplit("/", 1)[-1])
