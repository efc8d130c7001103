"""
Reads connections.yaml: one entry a vendor account, in one set a target.

    targets:
      production:
        salesforce:
          system: salesforce
          base_url: https://example.my.salesforce.com
          credentials:
            client_id: {env: SALESFORCE_CLIENT_ID}
            client_secret: {env: SALESFORCE_CLIENT_SECRET}
          headroom: 20%
          api_version: "59.0"
          account: {edition: enterprise}

`base_url: sandbox` is the address of `activation sandbox` on this machine.
`ACTIVATION_<CONNECTION>_BASE_URL` wins over `base_url`, which may then be left out.
Credentials are only ever named. A default for one is allowed at a loopback address and nowhere
else, so that no secret can be written into the file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Self

import yaml
from pydantic import AfterValidator, BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from activation.contract.document import (
    Document,
    DocumentError,
    document,
    read_documents,
    shown,
)
from activation.contract.part import INCONSISTENT, Located, Name, Part, Text
from activation.contract.problem import Problem, closed, report, suggestion
from activation.contract.validation import Form, check
from activation.contract.values import Share
from activation.destinations.addresses import SANDBOX, is_local, unsafe
from activation.destinations.base import Connection
from activation.errors import ConfigurationError
from activation.settings import sandbox_port

_FORM = Form("connection", secret="credentials")  # noqa: S106 - the name of a key


def _only_named(value: object) -> object:
    if isinstance(value, str | int | float):
        message = "a credential is never written here, only named: {env: NAME}"
        raise ValueError(message)  # noqa: TRY004 - pydantic makes a message of a ValueError only
    return value


def _checked(address: str) -> str:
    if wrong := unsafe(address):
        message = f"it {wrong}"
        raise ValueError(message)
    return address


class Credential(Part):
    """The name of the environment variable that holds a credential."""

    env: str = Field(pattern=r"^[A-Z][A-Z0-9_]*$")
    default: str | None = None


class Entry(Part):
    """One connection of one target, as it stands in the file."""

    system: Name
    base_url: Annotated[Text, AfterValidator(_checked)] | None = None
    credentials: dict[Text, Annotated[Credential, BeforeValidator(_only_named)]] = Field(
        default_factory=dict
    )
    headroom: Share = 0.2
    api_version: Text | None = None
    account: dict[Text, Text] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _secretless(self) -> Self:
        if self.base_url and is_local(self.base_url):
            return self
        text = "has a default, which is allowed only for this machine; leave it out"
        problems: list[Located] = [
            (("credentials", name), f"`credentials.{name}` {text}")
            for name, named in self.credentials.items()
            if named.default
        ]
        if problems:
            raise PydanticCustomError(INCONSISTENT, "{problems}", {"problems": problems})
        return self


@dataclass(frozen=True, slots=True)
class _Targets:
    """The file, checked as a whole, before any variable is read."""

    file: str
    document: Document
    entries: Mapping[str, Mapping[str, Entry]]


def connection(path: Path, target: str, name: str, env: Mapping[str, str]) -> Connection:
    """
    Return one connection of a target, with its credentials; only its own variables are read.

    Raises:
        ConfigurationError: the file, the target, the connection, its address or a variable.
    """
    return _resolve(_read(path), target, name, env)


def load_connections(path: Path, target: str, env: Mapping[str, str]) -> dict[str, Connection]:
    """
    Return every connection of a target, with its credentials.

    Raises:
        ConfigurationError: the file, the target, an address or a variable.
    """
    targets = _read(path)
    return {name: _resolve(targets, target, name, env) for name in _entries(targets, target)}


def _read(path: Path) -> _Targets:
    try:
        where = document(path, _root(path))
        entries = _check(where)
    except DocumentError as error:
        raise ConfigurationError(report(error.problems, shown(path))) from None
    return _Targets(where.file, where, entries)


def _root(path: Path) -> yaml.Node:
    roots = [root for root in read_documents(path) if root is not None]
    if len(roots) != 1:
        text = f"this holds {len(roots)} YAML documents; connections are one"
        raise DocumentError(Problem(text, file=shown(path)))
    return roots[0]


def _check(where: Document) -> dict[str, dict[str, Entry]]:
    entries: dict[str, dict[str, Entry]] = {}
    problems = list(_misshapen(where))
    if problems:
        raise DocumentError(*problems)
    for target, connections in where.value["targets"].items():
        entries[target] = {}
        for name in connections:
            entry, wrong = check(Entry, where, ("targets", target, name), _FORM)
            problems += [
                Problem(f"connection {name} of target {target}: {p.text}", p.at, p.file, p.line)
                for p in wrong
            ]
            if entry is not None:
                entries[target][name] = entry
    if problems:
        raise DocumentError(*problems)
    return entries


def _misshapen(where: Document) -> Iterator[Problem]:
    """Yield what keeps the file from being targets with connections."""
    value = where.value
    if not isinstance(value, dict) or not isinstance(value.get("targets"), dict):
        yield where.problem("the file lacks `targets:` with one set of connections each", ())
        return
    for key in value:
        if key != "targets":
            hint = suggestion(key, ["targets"])
            yield where.problem(f"`{key}` is not a key of this file{hint}", (key,))
    for target, connections in value["targets"].items():
        if not isinstance(connections, dict):
            text = f"target {target} must be connections: a name, and below it what it is"
            yield where.problem(text, ("targets", target))


def _entries(targets: _Targets, target: str) -> Mapping[str, Entry]:
    if target not in targets.entries:
        line = targets.document.line(("targets",))
        near = suggestion(target, targets.entries.keys())
        raise ConfigurationError(
            closed(f"{targets.file}:{line}: there is no target `{target}`{near}"),
            hint="Set ACTIVATION_TARGET to one of the file's targets, or leave it out for sandbox.",
            target=target,
        )
    return targets.entries[target]


def _resolve(targets: _Targets, target: str, name: str, env: Mapping[str, str]) -> Connection:
    entries = _entries(targets, target)
    if name not in entries:
        line = targets.document.line(("targets", target))
        near = suggestion(name, entries.keys())
        raise ConfigurationError(
            closed(f"{targets.file}:{line}: target {target} has no connection `{name}`{near}"),
            hint="Correct `destination.connection` in the contract, or add the connection here.",
            target=target,
            connection=name,
        )
    entry = entries[name]
    base_url = _address(targets, target, name, env)
    return Connection(
        name=name,
        system=entry.system,
        base_url=base_url,
        credentials=_credentials(targets, target, name, base_url, env),
        headroom=entry.headroom,
        api_version=entry.api_version,
        account=dict(entry.account),
    )


def _address(targets: _Targets, target: str, name: str, env: Mapping[str, str]) -> str:
    variable = f"ACTIVATION_{name.upper()}_BASE_URL"
    written = targets.entries[target][name].base_url
    chosen = env.get(variable) or written
    if chosen is None:
        line = targets.document.line(("targets", target, name))
        raise ConfigurationError(
            f"{targets.file}:{line}: connection {name} of target {target} has no address.",
            hint=f"Set {variable}, or write `base_url:` here.",
            target=target,
            connection=name,
        )
    if wrong := unsafe(chosen):
        # Only the variable can be wrong here: the file was checked when it was read.
        raise ConfigurationError(
            f"{variable}, the address of connection {name} of target {target}, {wrong}.",
            hint="Set it to an address such as https://example.com, or leave it out.",
            target=target,
            connection=name,
        )
    if chosen == SANDBOX:
        return f"http://127.0.0.1:{sandbox_port(env)}"
    return chosen.rstrip("/")


def _credentials(
    targets: _Targets, target: str, name: str, base_url: str, env: Mapping[str, str]
) -> dict[str, str]:
    found: dict[str, str] = {}
    missing: list[str] = []
    for credential, named in targets.entries[target][name].credentials.items():
        # The file allowed the default for its own address; a variable may have moved it.
        default = named.default if is_local(base_url) else None
        value = env.get(named.env) or default
        if value:
            found[credential] = value
        else:
            missing.append(named.env)
    if missing:
        line = targets.document.line(("targets", target, name, "credentials"))
        several = len(missing) > 1
        raise ConfigurationError(
            f"{targets.file}:{line}: connection {name} of target {target} needs the environment "
            f"variable{'s' * several} {', '.join(missing)}, which {'are' if several else 'is'} "
            "not set.",
            hint=f"Set {'them' if several else 'it'}, or choose another target with "
            "ACTIVATION_TARGET.",
            target=target,
            connection=name,
        )
    return found
