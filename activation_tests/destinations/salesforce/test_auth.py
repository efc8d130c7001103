from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import parse_qs

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from requests.exceptions import InvalidSchema

from activation.clock import SystemClock
from activation.destinations.base import Connection
from activation.destinations.salesforce.destination import Salesforce
from activation.destinations.salesforce.transport import address_of, instance_url, open_org_session
from activation.errors import ConfigurationError
from activation_tests.destinations.salesforce.rows import TARGET, requests_of
from activation_tests.destinations.scripted import Scripted, Server


class FixedClock(SystemClock):
    """Stands still."""

    def now(self) -> datetime:
        """Return the same moment."""
        return datetime(2026, 9, 1, 10, tzinfo=UTC)


def connection(base_url: str, **credentials: str) -> Connection:
    """Connect to an address."""
    return Connection("crm", "salesforce", base_url, credentials)


def test_signs_an_assertion_with_the_private_key(server: Server) -> None:
    """With a private key the token is asked for by JWT bearer, for at most three minutes."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    server.answer(Scripted([]))
    org = Salesforce(
        connection(
            server.address,
            client_id="app",
            username="sync@example.com",
            private_key=pem.replace("\n", "\\n"),
        ),
        FixedClock(),
    )

    requests_of(org, TARGET).send(TARGET, b"{}", seconds=5)
    org.close()

    (call,) = server.token_calls()
    form = parse_qs(call.body.decode())
    assert form["grant_type"] == ["urn:ietf:params:oauth:grant-type:jwt-bearer"]
    audience = server.address.replace("http://", "https://")
    claims = jwt.decode(
        form["assertion"][0],
        key.public_key(),
        algorithms=["RS256"],
        audience=audience,
        options={"verify_exp": False},
    )
    assert (claims["iss"], claims["sub"]) == ("app", "sync@example.com")
    assert 0 < claims["exp"] - FixedClock().now().timestamp() <= 180


@pytest.mark.parametrize(
    ("credentials", "named"),
    [
        ({}, "client_id"),
        ({"client_id": "app"}, "client_secret"),
        ({"client_id": "app", "private_key": "x"}, "username"),
        ({"client_id": "app", "username": "u", "private_key": "not-a-key"}, "private_key"),
    ],
)
def test_incomplete_credentials_are_named(
    server: Server, credentials: dict[str, str], named: str
) -> None:
    """What is missing among the credentials is named, before anything is sent."""
    org = Salesforce(connection(server.address, **credentials))

    with pytest.raises(ConfigurationError, match=named) as caught:
        requests_of(org, TARGET).send(TARGET, b"{}", seconds=5)

    assert "not-a-key" not in str(caught.value)
    assert server.seen == []


@pytest.mark.parametrize(
    "base_url",
    [
        "http://acme.my.salesforce.com",
        "http://127.0.0.1.example.com",
        "ftp://acme.my.salesforce.com",
        "acme.my.salesforce.com",
        "https://login.salesforce.com",
        "https://acme.my.salesforce.com/services",
        "https://user@acme.my.salesforce.com",
        "https://acme.my.salesforce.com:port",
        "http://[::1]:8080",
        "",
    ],
)
def test_refuses_addresses_that_are_not_the_org(base_url: str) -> None:
    """Plain HTTP off this machine, login hosts and half addresses are refused at once."""
    with pytest.raises(ConfigurationError, match="crm"):
        Salesforce(connection(base_url))


@pytest.mark.parametrize(
    ("base_url", "origin", "plain"),
    [
        ("https://Acme.my.salesforce.com/", "https://acme.my.salesforce.com", False),
        ("https://acme.my.salesforce.com:443", "https://acme.my.salesforce.com", False),
        ("http://127.0.0.1:8080", "https://127.0.0.1:8080", True),
        ("http://localhost:8080", "https://localhost:8080", True),
        ("https://localhost:8443", "https://localhost:8443", False),
    ],
)
def test_reads_addresses_as_the_client_writes_them(
    base_url: str, origin: str, *, plain: bool
) -> None:
    """The origin is the one that simple-salesforce makes of the address."""
    from simple_salesforce.api import Salesforce as Client

    address = address_of(connection(base_url))

    assert (instance_url(address), address.plain) == (origin, plain)
    client = Client(session_id="t", instance_url=origin)
    assert client.base_url.startswith(f"{origin}/")
    client.session.close()


def test_a_session_reaches_nothing_but_its_org(monkeypatch: pytest.MonkeyPatch) -> None:
    """Certificates are checked; there is no way to another host, nor to plain HTTP."""
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    with open_org_session(address_of(connection("https://acme.my.salesforce.com"))) as session:
        assert session.verify is True
        for elsewhere in (
            "http://acme.my.salesforce.com/",
            "https://evil.example.com/",
            "https://acme.my.salesforce.com.example.com/",
        ):
            with pytest.raises(InvalidSchema):
                session.get_adapter(elsewhere)


def test_refuses_a_version_that_is_none(server: Server) -> None:
    """An API version that could change the path is refused."""
    with pytest.raises(ConfigurationError, match="api_version"):
        Salesforce(Connection("crm", "salesforce", server.address, {}, api_version="59.0/../../x"))
