"""Certificate: made once, for a server that its clients pin."""

import asyncio
import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from pulumi.runtime.proto import provider_pb2

from provider.certificate import TOKEN, Certificate
from provider.engine import EngineLog
from provider.runner import Runner
from provider.server import Service
from provider.values import UNKNOWN, decode_struct, encode_struct

SECRET_MARK = "1b47061264138c4ac30d75fd1eb44270"
NAMES = ["db.six.lab", "10.71.1.211", "fd00::1"]


def _create(*, names: Any, preview: bool = False) -> Any:
    request = provider_pb2.CreateRequest(
        urn=f"urn:pulumi:dev::t::{TOKEN}::name",
        properties=encode_struct({"names": names}),
        preview=preview,
    )
    return asyncio.run(Certificate().create(request)).properties


@pytest.fixture(scope="module")
def made() -> dict[str, Any]:
    return decode_struct(_create(names=NAMES))


@pytest.fixture(scope="module")
def certificate(made: dict[str, Any]) -> x509.Certificate:
    return x509.load_pem_x509_certificate(made["certificate"].encode())


def test_it_holds_names_and_addresses(certificate: x509.Certificate) -> None:
    """Both kinds, each as its own: a client that has an address looks among addresses."""
    found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert found.get_values_for_type(x509.DNSName) == ["db.six.lab"]
    addresses = [ip_address("10.71.1.211"), ip_address("fd00::1")]
    assert found.get_values_for_type(x509.IPAddress) == addresses


def test_it_is_its_own_ca_for_ten_years(certificate: x509.Certificate) -> None:
    """Self-signed by a key on P-256; a clock that is a little late accepts it."""
    certificate.verify_directly_issued_by(certificate)
    assert certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    key = certificate.public_key()
    assert isinstance(key, EllipticCurvePublicKey)
    assert key.curve.name == "secp256r1"
    now = datetime.now(UTC)
    assert certificate.not_valid_before_utc < now - timedelta(hours=23)
    assert certificate.not_valid_after_utc > now + timedelta(days=3650)


def test_key_belongs_to_it_and_alone_is_secret(
    made: dict[str, Any], certificate: x509.Certificate
) -> None:
    """The certificate goes to clients; another one each time."""
    key = load_pem_private_key(made["private_key"].encode(), password=None)
    assert key.public_key() == certificate.public_key()
    fields = _create(names=NAMES).fields
    assert SECRET_MARK in str(fields["private_key"])
    assert SECRET_MARK not in str(fields["certificate"])
    assert decode_struct(_create(names=NAMES))["private_key"] != made["private_key"]


@pytest.mark.parametrize("asked", NAMES)
def test_a_client_that_pins_it_accepts_it_by_each_name(
    made: dict[str, Any], asked: str, tmp_path: Path
) -> None:
    """A whole handshake in memory, with the certificate as the only CA."""
    assert _handshake(made, asked, tmp_path)


def test_a_client_that_asks_for_another_name_refuses_it(
    made: dict[str, Any], tmp_path: Path
) -> None:
    """The pin is no pass for another server's address."""
    with pytest.raises(ssl.SSLCertVerificationError, match=r"not valid for '10\.71\.1\.212'"):
        _handshake(made, "10.71.1.212", tmp_path)


def _handshake(made: dict[str, Any], asked: str, folder: Path) -> bool:
    both = folder / "both.pem"
    both.write_text(made["certificate"] + made["private_key"], encoding="ascii")
    server_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_side.load_cert_chain(both)
    client_side = ssl.create_default_context(cadata=made["certificate"])
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = client_side.wrap_bio(back, there, server_hostname=asked)
    server = server_side.wrap_bio(there, back, server_side=True)
    open_ends = [client, server]
    for _ in range(6):
        for end in tuple(open_ends):
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                continue
            open_ends.remove(end)
    return not open_ends


def test_preview_makes_nothing() -> None:
    """Both halves are unknown until the resource is made."""
    values = decode_struct(_create(names=NAMES, preview=True))
    assert values["certificate"] == UNKNOWN
    assert values["private_key"] == UNKNOWN


@pytest.mark.parametrize(
    "names", [None, [], "db.six.lab", [""], ["*.six.lab"], ["a b"], [7], ["ö"]]
)
def test_bad_names_are_refused(names: Any) -> None:
    """A sentence says what to give."""
    request = provider_pb2.CheckRequest(news=encode_struct({"names": names}))
    [failure] = asyncio.run(Certificate().check(request)).failures
    assert failure.property == "names"
    assert "give " in failure.reason


@pytest.mark.parametrize("names", [NAMES, UNKNOWN, ["db.six.lab", UNKNOWN]])
def test_good_names_are_accepted(names: Any) -> None:
    """So are names that a preview does not know yet."""
    request = provider_pb2.CheckRequest(news=encode_struct({"names": names}))
    response = asyncio.run(Certificate().check(request))
    assert not response.failures
    assert response.inputs == request.news


def test_changed_names_change_nothing() -> None:
    """Made once: no diff, whatever the inputs."""
    request = provider_pb2.DiffRequest(
        old_inputs=encode_struct({"names": NAMES}), news=encode_struct({"names": ["other"]})
    )
    response = asyncio.run(Certificate().diff(request))
    assert response.changes == provider_pb2.DiffResponse.DIFF_NONE


def test_the_provider_knows_it() -> None:
    """Its type is among those that the service answers for."""

    async def checked() -> provider_pb2.CheckResponse:
        service = Service(Runner(), EngineLog("127.0.0.1:1"), engine="test")
        request = provider_pb2.CheckRequest(
            urn=f"urn:pulumi:dev::t::{TOKEN}::name", news=encode_struct({"names": NAMES})
        )
        return await service.Check(request, None)

    assert not asyncio.run(checked()).failures
