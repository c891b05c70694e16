"""The resources of our own provider ``pyinfra``, typed by hand: keys, passwords and deploys.

Creates: nothing but themselves; the provider (``provider/``) does the work.
Args: as the provider reads them; keys keep their spelling on the wire.
Outputs: ``Password.result``, ``SshKey.private_key`` and ``SshKey.public_key``.
Replaces on: nothing; a Deploy is only ever updated, and keys never change once made.
Protects: nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi

from stacks.plan_types import DeployPlan, dump

SSH_PORT = 22
"""Port of sshd on every machine (IANA: ssh)."""
SSH_USER = "root"
"""User that configures a machine; its only way in is the stack's admin key."""
SECRET_LENGTH = 32
"""Characters of a generated password, unless ``SECRET_LENGTHS`` says otherwise."""
SECRET_LENGTHS = {"vrrp_auth": 8}
"""keepalived uses the first eight characters of ``auth_pass`` and drops the rest."""


class Password(pulumi.CustomResource):
    """A random text, made once."""

    result: pulumi.Output[str]
    """The text; a secret."""

    def __init__(
        self, name: str, *, length: int, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        secret = pulumi.ResourceOptions(additional_secret_outputs=["result"])
        super().__init__(
            "pyinfra:index:Password",
            name,
            {"length": length, "result": None},
            pulumi.ResourceOptions.merge(opts, secret),
        )


class SshKey(pulumi.CustomResource):
    """An ed25519 key pair, made once."""

    private_key: pulumi.Output[str]
    """OpenSSH PEM; a secret."""
    public_key: pulumi.Output[str]
    """One line as in authorized_keys."""

    def __init__(
        self, name: str, *, comment: str, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        secret = pulumi.ResourceOptions(additional_secret_outputs=["private_key"])
        super().__init__(
            "pyinfra:index:SshKey",
            name,
            {"comment": comment, "private_key": None, "public_key": None},
            pulumi.ResourceOptions.merge(opts, secret),
        )


@dataclass(frozen=True, kw_only=True)
class DeployHost:
    """One host of a Deploy: how it is reached, and which machine it must be."""

    address: str
    """Address in the management network."""
    host_key: pulumi.Input[str]
    """The only public host key that is accepted."""
    identity: pulumi.Input[str]
    """Changes with the machine: a replaced machine is configured again."""


@dataclass(frozen=True, kw_only=True)
class DeploySpec:
    """Everything that the provider needs to configure the nodes of one pair or tier."""

    plan: DeployPlan
    """What its hosts read, and nothing more."""
    hosts: Mapping[str, DeployHost]
    """By node."""
    netns: str | None
    """Network namespace from which the hosts are reached."""
    private_key: pulumi.Input[str]
    """The stack's admin key; a secret."""
    secrets: Mapping[str, pulumi.Input[str]]
    """Secret values by the names that the plan gives."""

    def properties(self) -> dict[str, Any]:
        """The spec as the provider reads it."""
        return {
            "name": self.plan.deploy,
            "stack": self.plan.stack,
            "hosts": {
                name: {
                    "address": host.address,
                    "port": SSH_PORT,
                    "user": SSH_USER,
                    "host_key": host.host_key,
                    "identity": host.identity,
                }
                for name, host in sorted(self.hosts.items())
            },
            "transport": {"netns": self.netns, "private_key": self.private_key},
            "plan": dump(self.plan),
            "secrets": dict(self.secrets),
        }


class Inventory(pulumi.CustomResource):
    """All deploys of a stack, registered first so that their dry runs start together."""

    def __init__(
        self,
        name: str,
        *,
        specs: Mapping[str, DeploySpec],
        offline: bool,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        properties = {
            "specs": {deploy: spec.properties() for deploy, spec in sorted(specs.items())},
            "dry_run": pulumi.runtime.is_dry_run(),
            "offline": offline,
        }
        super().__init__("pyinfra:index:Inventory", name, properties, opts)


class Deploy(pulumi.CustomResource):
    """The configuration of the nodes of one pair or tier."""

    def __init__(
        self,
        name: str,
        *,
        spec: DeploySpec,
        offline: bool,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        properties = {
            "spec": spec.properties(),
            "dry_run": pulumi.runtime.is_dry_run(),
            "offline": offline,
        }
        super().__init__("pyinfra:index:Deploy", name, properties, opts)
