"""The components under Pulumi's mocks: declares a stack and records every registration."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from unittest import mock

import pulumi
from pulumi.runtime import mocks, rpc
from pulumi.runtime.stack import run_pulumi_func
from pulumi.runtime.sync_await import _sync_await
from typing_extensions import override

from components.build import Options, build
from components.settings import Fence, Image, Lab
from stacks.model import Stack
from stacks.plan import make_plan
from stacks.plan_types import NodePlan

LAB = Lab(
    uri="qemu:///system?socket=/run/lab/libvirt-sock",
    netns="pw-test",
    pool="pairwise",
    kvm=False,
    fence=Fence(folder="/run/lab/fence", host_key="ssh-ed25519 AAAAhost"),
    image=Image(disk="/cache/disk.qcow2", key="0123456789abcdef", kernel="/cache/k", initrd="/i"),
)
"""An embedded hypervisor that nobody talks to."""


@dataclass(frozen=True, kw_only=True)
class Files:
    """First-boot data as the tests render it."""

    user_data: str
    """Holds both keys, so that a test sees where they end up."""
    meta_data: str
    """The node's name."""
    network_config: str
    """The node's addresses."""


def render(node: NodePlan, *, admin_key: str, host_private_key: str, host_public_key: str) -> Files:
    """A stand-in for bootstrap's renderer, which components never import."""
    return Files(
        user_data=f"{node.fqdn} {admin_key} {host_private_key} {host_public_key}",
        meta_data=node.name,
        network_config=" ".join(str(card.address) for card in node.interfaces),
    )


@dataclass(frozen=True, kw_only=True)
class Registered:
    """One resource as the engine would have seen it."""

    urn: str
    type: str
    name: str
    parent: str
    """URN; empty for the children of the stack."""
    inputs: dict[str, Any]
    secret: frozenset[str]
    """Inputs that arrived as secrets."""
    request: Any
    """The raw message: protect, replaceOnChanges, ignoreChanges, ..."""


def made_id(name: str) -> str:
    """The id that the recorder gives to a resource of this name."""
    return f"id-of-{name}"


@dataclass(repr=False)
class Recorder(mocks.Mocks):
    """Answers registrations the way the providers do, with values made from names."""

    resources: list[Registered] = field(default_factory=list)
    finished: set[str] = field(default_factory=set)
    """URNs whose outputs were registered."""
    exports: dict[str, Any] = field(default_factory=dict)

    @override
    def call(self, args: mocks.MockCallArgs) -> tuple[dict[Any, Any], None]:
        return {}, None

    @override
    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[Any, Any]]:
        outputs = dict(args.inputs)
        if args.typ == "pyinfra:index:SshKey":
            private = pulumi.Output.secret(
                f"-----BEGIN OPENSSH PRIVATE KEY-----\nPRIVATE {args.name}"
            )
            outputs |= {"private_key": private, "public_key": f"ssh-x {args.name}"}
        if args.typ == "pyinfra:index:Password":
            outputs |= {"result": pulumi.Output.secret(f"PASSWORD {args.name}")}
        if args.typ == "pyinfra:index:Certificate":
            private = pulumi.Output.secret(f"PRIVATE KEY of {args.name}")
            outputs |= {"certificate": f"CERTIFICATE {args.name}", "private_key": private}
        return made_id(args.name), outputs

    def of_type(self, end: str) -> dict[str, Registered]:
        """Resources whose type ends so, by name."""
        return {r.name: r for r in self.resources if r.type.endswith(end)}

    def children(self, urn: str) -> list[Registered]:
        """Resources with this parent."""
        return [r for r in self.resources if r.parent == urn]


def _plain(value: Any) -> Any:
    """A value without its secret marks."""
    if isinstance(value, Mapping):
        if rpc._special_sig_key in value:
            return _plain(value["value"])
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list) else value


class _Monitor(mocks.MockMonitor):
    def __init__(self, recorder: Recorder) -> None:
        super().__init__(recorder)
        self.recorder = recorder

    @override
    def RegisterResource(self, request: Any) -> Any:
        answer = super().RegisterResource(request)  # type: ignore[no-untyped-call]
        if request.type != "pulumi:pulumi:Stack":
            parent = "" if "::pulumi:pulumi:Stack::" in request.parent else request.parent
            self.recorder.resources.append(
                Registered(
                    urn=answer.urn,
                    type=request.type,
                    name=request.name,
                    parent=parent,
                    inputs=_plain(rpc.deserialize_properties(request.object)),
                    secret=frozenset(
                        key
                        for key, value in request.object.items()
                        if rpc._special_secret_sig in str(value)
                    ),
                    request=request,
                )
            )
        return answer

    @override
    def RegisterResourceOutputs(self, request: Any) -> Any:
        self.recorder.finished.add(request.urn)
        return super().RegisterResourceOutputs(request)  # type: ignore[no-untyped-call]


def _registered(_hook: pulumi.ResourceHook) -> asyncio.Future[None]:
    async def done() -> None:
        """Nothing to wait for."""

    return asyncio.ensure_future(done())


def declare(
    stack: Stack,
    *,
    lab: Lab | None = LAB,
    preview: bool = False,
    machines_only: bool = False,
) -> Recorder:
    """Build a stack under mocks and return what was registered."""
    options = Options(lab=lab, offline=False, machines_only=machines_only, render=render)
    exports: dict[str, Any] = {}

    def program() -> None:
        outputs = build(make_plan(stack), options=options)
        pulumi.Output.all(**outputs).apply(exports.update)

    recorder = run_program(program, stack=stack.name, preview=preview)
    recorder.exports.update(exports)
    return recorder


def run_program(program: Callable[[], None], *, stack: str, preview: bool = False) -> Recorder:
    """Run a program under mocks and return what it registered."""
    recorder = Recorder()
    # Mocks make futures outside of any coroutine, and whoever has called asyncio.run before in this
    # process has left its thread without a loop.
    asyncio.set_event_loop(asyncio.new_event_loop())
    mocks.set_mocks(
        recorder, project="pairwise", stack=stack, preview=preview, monitor=_Monitor(recorder)
    )
    # Mocks have no server that the engine could call hooks on.
    with mock.patch("pulumi.resource_hooks.register_resource_hook", _registered):
        _sync_await(run_pulumi_func(program))
    return recorder
