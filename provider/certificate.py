"""Certificate: a server's certificate and its key, made once."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import Any, Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from pulumi.runtime.proto import provider_pb2
from typing_extensions import override

from provider.generated import Once
from provider.resource import failures
from provider.values import UNKNOWN, Secret, decode_struct, edited, has_unknown

TOKEN: Final = "pyinfra:index:Certificate"
"""The resource's type, as in its URN."""

VALID: Final = timedelta(days=3652)
"""Ten years: nothing renews it, and who pins it holds exactly this one."""

EARLIER: Final = timedelta(days=1)
"""It is valid since yesterday: a machine's clock may be late when it first looks."""

COMMON_NAME_LENGTH: Final = 64
"""The longest common name that X.509 allows (RFC 5280, ub-common-name)."""


class Certificate(Once):
    """A self-signed certificate of a server: `names` -> `certificate`, `private_key`, both PEM.

    It says of itself that it is a CA: a client that pins it gives it as the CA that it trusts.
    """

    async def check(self, request: provider_pb2.CheckRequest) -> provider_pb2.CheckResponse:
        """Accept one or more DNS names and IP addresses."""
        names = decode_struct(request.news).get("names")
        if not has_unknown(names):
            reason = _problem(names)
            if reason:
                return failures(("names", reason))
        return provider_pb2.CheckResponse(inputs=edited(request.news))

    @override
    def _make(self, inputs: dict[str, Any], *, preview: bool) -> dict[str, Any]:
        if preview:
            return {"certificate": UNKNOWN, "private_key": Secret(UNKNOWN)}
        certificate, key = _signed(inputs["names"])
        return {"certificate": certificate, "private_key": Secret(key)}


def _problem(names: Any) -> str:
    """Why these names will not do; empty when they will."""
    if not isinstance(names, list) or not names:
        return "give a list of one or more DNS names and IP addresses"
    for name in names:
        if not isinstance(name, str) or not name or not name.isascii() or set(name) & set(" /@*"):
            return f"{name!r} is neither a DNS name nor an IP address: give one of the two"
    return ""


def _signed(names: Sequence[str]) -> tuple[str, str]:
    """A new key's certificate for the names, and the key."""
    key = generate_private_key(SECP256R1())
    subject = x509.Name(
        [x509.NameAttribute(NameOID.COMMON_NAME, names[0][:COMMON_NAME_LENGTH])],
    )
    now = datetime.now(UTC)
    public = key.public_key()
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - EARLIER)
        .not_valid_after(now + VALID)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .add_extension(x509.SubjectAlternativeName([_named(n) for n in names]), critical=False)
        .sign(key, SHA256())
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return certificate.public_bytes(Encoding.PEM).decode(), private.decode()


def _usage() -> x509.KeyUsage:
    """It signs handshakes, and itself."""
    return x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )


def _named(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)
