"""A server's certificate from our own provider ``pyinfra``: self-signed, for clients that pin it.

Creates: nothing but itself.
Args: ``names``, the DNS names and IP addresses that clients connect to.
Outputs: ``certificate``, ``private_key``.
Replaces on: nothing; it is made once, for ten years, and changed names change none of it.
Protects: nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

import pulumi


class Certificate(pulumi.CustomResource):
    """An ECDSA P-256 key and its certificate, made once."""

    certificate: pulumi.Output[str]
    """PEM; to be given to clients as the CA that they trust."""
    private_key: pulumi.Output[str]
    """PEM; a secret."""

    def __init__(
        self, name: str, *, names: Sequence[str], opts: pulumi.ResourceOptions | None = None
    ) -> None:
        secret = pulumi.ResourceOptions(additional_secret_outputs=["private_key"])
        super().__init__(
            "pyinfra:index:Certificate",
            name,
            {"names": list(names), "certificate": None, "private_key": None},
            pulumi.ResourceOptions.merge(opts, secret),
        )
