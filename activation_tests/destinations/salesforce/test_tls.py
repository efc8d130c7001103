from __future__ import annotations

import ipaddress
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from activation.destinations.base import Connection
from activation.destinations.salesforce.destination import Salesforce
from activation.errors import AccessRefused
from activation_tests.destinations.salesforce.rows import TARGET, requests_of
from activation_tests.destinations.scripted import Scripted, serving


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a certificate for 127.0.0.1 that signs itself, with its key in the same file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sandbox")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]),
            critical=False,
        )
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "certificate.pem"
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(made.public_bytes(Encoding.PEM) + secret)
    return path


def send(address: str) -> None:
    """Send a payload to that address."""
    credentials = {"client_id": "app", "client_secret": "s3cret"}
    org = Salesforce(Connection("crm", "salesforce", address, credentials))
    try:
        requests_of(org, TARGET).send(TARGET, b"{}", seconds=5)
    finally:
        org.close()


def test_an_untrusted_host_gets_no_credentials(certificate: Path) -> None:
    """A certificate that is not trusted ends the call before the secret is sent."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)
    with serving(tls) as server:
        server.answer(Scripted([]))

        with pytest.raises(AccessRefused) as caught:
            send(server.address)

        assert caught.value.code == "TLS_CERTIFICATE"
        assert server.seen == []


def test_a_trusted_host_is_spoken_to_with_tls(
    certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Certificates that the environment names are trusted, on loopback hosts too."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)
    with serving(tls) as server:
        server.answer(Scripted([]))

        send(server.address)

        assert len(server.calls()) == 1
