"""Password and SshKey: made once, marked secret."""

import asyncio
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import load_ssh_private_key
from pulumi.runtime.proto import provider_pb2

from provider.generated import ALPHABET, Password, SshKey
from provider.values import UNKNOWN, decode_struct, encode_struct

SECRET_MARK = "1b47061264138c4ac30d75fd1eb44270"


def _create(resource: Password | SshKey, *, preview: bool = False, **inputs: Any) -> Any:
    request = provider_pb2.CreateRequest(
        urn="urn:pulumi:dev::t::pyinfra:index:X::name",
        properties=encode_struct(inputs),
        preview=preview,
    )
    return asyncio.run(resource.create(request)).properties


def test_password_has_its_length_and_is_secret() -> None:
    """Letters and digits only, another one each time."""
    made = _create(Password(), length=8)
    assert SECRET_MARK in str(made.fields["result"])
    text = decode_struct(made)["result"]
    assert len(text) == 8
    assert set(text) <= set(ALPHABET)
    assert text != decode_struct(_create(Password(), length=8))["result"]


def test_preview_makes_nothing() -> None:
    """The values are unknown until the resource is made."""
    assert decode_struct(_create(Password(), preview=True, length=8))["result"] == UNKNOWN
    assert decode_struct(_create(SshKey(), preview=True))["private_key"] == UNKNOWN


def test_key_pair_belongs_together() -> None:
    """The public key is that of the private one; only the private one is secret."""
    made = _create(SshKey(), comment="pairwise six")
    assert SECRET_MARK in str(made.fields["private_key"])
    assert SECRET_MARK not in str(made.fields["public_key"])
    values = decode_struct(made)
    key = load_ssh_private_key(values["private_key"].encode(), password=None)
    public = values["public_key"].split(" ", 2)
    assert public[0] == "ssh-ed25519"
    assert public[2] == "pairwise six"
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    expected = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
    assert " ".join(public[:2]) == expected


@pytest.mark.parametrize("length", [0, 7, 257, "8", None])
def test_bad_length_is_refused(length: Any) -> None:
    """A sentence says which lengths are allowed."""
    request = provider_pb2.CheckRequest(news=encode_struct({"length": length}))
    [failure] = asyncio.run(Password().check(request)).failures
    assert failure.reason == "give a number from 8 to 256"


def test_changed_inputs_change_nothing() -> None:
    """Made once: no diff, whatever the inputs."""
    request = provider_pb2.DiffRequest(
        old_inputs=encode_struct({"length": 8}), news=encode_struct({"length": 20})
    )
    response = asyncio.run(Password().diff(request))
    assert response.changes == provider_pb2.DiffResponse.DIFF_NONE
