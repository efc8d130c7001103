from pathlib import Path

import pytest

import activation
from activation.destinations.connections import connection, load_connections
from activation.errors import ConfigurationError

COMMITTED = Path(activation.__file__).parent / "connections.yaml"
SECRET = "s3cret-of-the-org"  # noqa: S105 - to be looked for in messages
SET = {"SF_ID": "id", "SF_SECRET": SECRET}
FILE = """
targets:
  sandbox:
    crm:
      system: salesforce
      base_url: sandbox
      credentials:
        client_id: {env: SF_ID, default: sandbox}
  production:
    crm:
      system: salesforce
      base_url: https://example.com
      credentials:
        client_id: {env: SF_ID}
        client_secret: {env: SF_SECRET}
      headroom: 35%
      api_version: "59.0"
    desk:
      system: zendesk
      base_url: https://desk.example.com
      credentials:
        token: {env: DESK_TOKEN}
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return a connections file with two targets."""
    path = tmp_path / "connections.yaml"
    path.write_text(FILE)
    return path


def change(path: Path, old: str, new: str) -> Path:
    """Replace the first hit in the file."""
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    return path


def refusal(
    path: Path, target: str = "production", name: str = "crm", env: dict[str, str] | None = None
) -> str:
    """Return why a connection cannot be used."""
    with pytest.raises(ConfigurationError) as refused:
        connection(path, target, name, SET if env is None else env)
    return str(refused.value)


def test_the_committed_sandbox_needs_no_environment() -> None:
    """The embedded default works with nothing set at all."""
    found = connection(COMMITTED, "sandbox", "salesforce", {})

    assert found.base_url == "http://127.0.0.1:8765"
    assert found.system == "salesforce"
    assert found.headroom == 0.2
    assert found.api_version == "59.0"
    assert set(found.credentials) == {"client_id", "client_secret"}


def test_the_committed_sandbox_is_never_sent_the_production_s_secrets() -> None:
    """The two targets read different variables."""
    env = {"SALESFORCE_CLIENT_ID": "id", "SALESFORCE_CLIENT_SECRET": SECRET}

    found = connection(COMMITTED, "sandbox", "salesforce", env)

    assert SECRET not in found.credentials.values()


def test_the_committed_production_needs_an_address_and_credentials() -> None:
    """Production holds neither address nor secret in the file."""
    env = {
        "SALESFORCE_CLIENT_ID": "id",
        "SALESFORCE_CLIENT_SECRET": SECRET,
        "ACTIVATION_SALESFORCE_BASE_URL": "https://example.com/",
    }

    found = connection(COMMITTED, "production", "salesforce", env)

    assert found.base_url == "https://example.com"
    assert found.credentials == {"client_id": "id", "client_secret": SECRET}
    assert "has no address. Set ACTIVATION_SALESFORCE_BASE_URL" in refusal(
        COMMITTED, name="salesforce", env={}
    )


def test_the_sandbox_s_port_follows_its_variable(path: Path) -> None:
    """`base_url: sandbox` means the port that the sandbox listens on."""
    found = connection(path, "sandbox", "crm", {"ACTIVATION_SANDBOX_PORT": "9000"})

    assert found.base_url == "http://127.0.0.1:9000"


def test_a_variable_wins_over_a_default(path: Path) -> None:
    """A default stands only where its variable is not set."""
    assert connection(path, "sandbox", "crm", {}).credentials == {"client_id": "sandbox"}
    assert connection(path, "sandbox", "crm", SET).credentials == {"client_id": "id"}


def test_a_connection_is_read_as_it_stands(path: Path) -> None:
    """System, address, headroom, version and credentials come from the file and its variables."""
    found = connection(path, "production", "crm", SET)

    assert (found.name, found.system) == ("crm", "salesforce")
    assert found.base_url == "https://example.com"
    assert (found.headroom, found.api_version) == (0.35, "59.0")
    assert found.credentials == {"client_id": "id", "client_secret": SECRET}


def test_only_the_connection_s_own_variables_are_needed(path: Path) -> None:
    """A variable of another connection may be missing; all are needed for all."""
    assert connection(path, "production", "crm", SET).name == "crm"
    with pytest.raises(ConfigurationError, match="DESK_TOKEN"):
        load_connections(path, "production", SET)
    assert set(load_connections(path, "production", {**SET, "DESK_TOKEN": "t"})) == {"crm", "desk"}


def test_a_missing_variable_is_told_with_what_to_do(path: Path) -> None:
    """The message names variables, connection and target, with the line, and a way out."""
    assert refusal(path, env={"SF_ID": "id"}) == (
        f"{path}:13: connection crm of target production needs the environment variable "
        "SF_SECRET, which is not set. Set it, or choose another target with ACTIVATION_TARGET."
    )
    assert "variables SF_ID, SF_SECRET, which are not set. Set them" in refusal(path, env={})


def test_an_empty_variable_counts_as_not_set(path: Path) -> None:
    """An exported but empty secret is missing, not empty."""
    assert "SF_SECRET, which is not set" in refusal(path, env={"SF_ID": "id", "SF_SECRET": ""})


def test_an_address_can_be_overridden(path: Path) -> None:
    """Any stand-in can be put in a vendor's place."""
    env = {**SET, "ACTIVATION_CRM_BASE_URL": "http://localhost:1234/"}

    assert connection(path, "production", "crm", env).base_url == "http://localhost:1234"


def test_a_default_does_not_follow_an_address_elsewhere(path: Path) -> None:
    """A sandbox that is pointed at another host needs real credentials."""
    env = {"ACTIVATION_CRM_BASE_URL": "https://example.com"}

    assert "SF_ID, which is not set" in refusal(path, "sandbox", env=env)


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("http://example.com", "begins with http, which is allowed only for this machine"),
        ("http://localhost.example.com", "begins with http"),
        ("http://127.0.0.1.example.com", "begins with http"),
        ("http://10.0.0.1", "begins with http"),
        (f"https://user:{SECRET}@example.com", "holds a user or password"),
        ("http://127.0.0.1@example.com", "holds a user or password"),
        (f"https://example.com/?token={SECRET}", "holds a ? or # part"),
        ("ftp://example.com", "is not an http or https address"),
        ("example.com", "is not an http or https address"),
        ("https://", "is not an http or https address"),
        ("https://example.com:port", "is not an http or https address"),
    ],
)
def test_an_unsafe_address_is_refused(path: Path, address: str, said: str) -> None:
    """In the file and in the variable alike; the address itself is not repeated."""
    by_variable = refusal(path, env={**SET, "ACTIVATION_CRM_BASE_URL": address})
    in_file = refusal(change(path, "https://example.com", f"'{address}'"))

    assert (
        f"ACTIVATION_CRM_BASE_URL, the address of connection crm of target production, {said}"
        in (by_variable)
    )
    assert f"connection crm of target production: `base_url`: it {said}" in in_file
    assert SECRET not in by_variable + in_file


@pytest.mark.parametrize("address", ["http://localhost:1", "http://127.0.0.2", "http://[::1]:8080"])
def test_this_machine_needs_no_https(path: Path, address: str) -> None:
    """A loopback address may be http, and its credentials may have defaults."""
    change(path, "base_url: sandbox", f"base_url: '{address}'")

    assert connection(path, "sandbox", "crm", {}).base_url == address


def test_a_default_beside_a_real_address_is_refused(path: Path) -> None:
    """No secret can be smuggled into the file as a default, whichever target is asked for."""
    change(path, "{env: SF_SECRET}", f"{{env: SF_SECRET, default: {SECRET}}}")

    message = refusal(path, "sandbox")

    assert message == (
        f"{path}:15: connection crm of target production: `credentials.client_secret` has a "
        "default, which is allowed only for this machine; leave it out"
    )


def test_a_default_without_an_address_is_refused(path: Path) -> None:
    """An address that is still to come could be anybody's."""
    change(path, "      base_url: sandbox\n", "")

    assert "`credentials.client_id` has a default" in refusal(path, "sandbox")


@pytest.mark.parametrize(
    "written",
    [
        f"client_secret: {SECRET}",
        f"client_secret: {{env: {SECRET}}}",
        f"client_secret: [{SECRET}]",
        f"client_secret: {{value: {SECRET}}}",
        f"client_secret: !secret {SECRET}",
        f"client_secret: {{env: X}} {SECRET}",
    ],
)
def test_a_credential_is_only_named_and_never_repeated(path: Path, written: str) -> None:
    """A credential that is written out is refused, and the message does not show it."""
    change(path, "client_secret: {env: SF_SECRET}", written)

    message = refusal(path)

    assert f"{path}:15: " in message
    assert SECRET not in message


def test_a_written_credential_says_how_to_name_it(path: Path) -> None:
    """The message shows the right form, and the line."""
    change(path, "client_secret: {env: SF_SECRET}", f"client_secret: {SECRET}")

    assert refusal(path) == (
        f"{path}:15: connection crm of target production: `credentials.client_secret`: "
        "a credential is never written here, only named: {env: NAME}"
    )


def test_an_unknown_target_is_told_with_the_nearest(path: Path) -> None:
    """A misspelt target is told with the right one, and where targets are chosen."""
    assert refusal(path, "prodution") == (
        f"{path}:2: there is no target `prodution`; did you mean `production`? Set "
        "ACTIVATION_TARGET to one of the file's targets, or leave it out for sandbox."
    )


def test_an_unknown_connection_is_told_with_the_nearest(path: Path) -> None:
    """A misspelt connection is told with the right one, and where it is named."""
    assert refusal(path, name="dsk") == (
        f"{path}:9: target production has no connection `dsk`; did you mean `desk`? Correct "
        "`destination.connection` in the contract, or add the connection here."
    )


@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    [
        ("headroom: 35%", "hedroom: 35%", 16, ("`hedroom` is not a key of a connection; did you "
         "mean `headroom`?")),
        ("headroom: 35%", "headroom: 0.35", 16, "0.35 is not a share; write it in percent: 5%"),
        ('api_version: "59.0"', "api_version: 59.0", 17, "must be text (put it in quotes)"),
        ("      system: zendesk\n", "", 18, "the connection lacks `system`"),
        ("targets:", "tragets:", 2, "the file lacks `targets:`"),
        ("  production:", "  production: x\n  other:", 9, "target production must be connections"),
        ("headroom: 35%", "headroom: 35%\n      headroom: 5%", 17, "stands here a second time"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_its_line(
    path: Path, old: str, new: str, line: int, said: str
) -> None:
    """A wrong key or value is told with file and line."""
    message = refusal(change(path, old, new))

    assert message.startswith(f"{path}:{line}: ")
    assert said in message


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    """Without the file the message names it."""
    assert refusal(tmp_path / "connections.yaml") == (
        f"{tmp_path}/connections.yaml: there is no such file"
    )


def test_credentials_are_not_shown(path: Path) -> None:
    """Showing a connection does not show its secrets."""
    assert SECRET not in repr(connection(path, "production", "crm", SET))
